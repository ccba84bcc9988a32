"""What came of it: whether the goal was reached, and where it first went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from evaluators.agents.actions import actions, failure
from evaluators.case import Case, Json, Step
from evaluators.checks.matching import normalised
from evaluators.checks.outcome import SHARE_CHECKED, checked, counted, form, listed
from evaluators.protocol import Card, Quality
from evaluators.values import Tolerance, same
from evaluators.verdict import Scale, Verdict, not_applicable, verdict


@dataclass(frozen=True, slots=True)
class GoalReached:
    """Whether the outcome is the expected one, by what the row tells of both."""

    state: str = "final_state"  # the member of the metadata with the state afterwards
    expected_state: str = "expected_state"  # what of it must be so; other members do not count
    outputs: str = "expected_outputs"  # texts that the agent must have told the user
    success: str = "success"  # what the environment said: true, false, or a reward from 0 to 1
    relative: float = 0.0  # tolerance of numbers in the state

    card: ClassVar[Card] = Card(
        "goal_reached",
        "1",
        "agents",
        "The share of the expected outcome that was reached: of the state, the texts to tell, or the reference.",
        (),
        takes=("metadata", "answer", "messages", "reference"),
        scale=SHARE_CHECKED,
        limits=(
            "It knows no more than the row tells: a state, texts, a verdict of the environment, or a reference.",
            "That a text occurs in what was said is not that it was said rightly.",
        ),
        quality=(Quality("tau-bench airline, half", "agreement on texts to tell", 1.0, 7),),
    )

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Members of the metadata that tell what came about, not what is expected."""
        return (self.state, self.success)

    def __call__(self, case: Case) -> Verdict:
        """The lowest share of what can be told; pass when all of it was reached."""
        told = [one for one in (self._state(case), self._outputs(case), self._success(case)) if one]
        told = told or [one for one in (_reference(case),) if one]
        if not told:
            return not_applicable(
                f"The row tells of no outcome: no `{self.expected_state}` with `{self.state}`, no `{self.outputs}`, "
                f"no `{self.success}`, and no reference with an answer."
            )
        share = min(share for share, _ in told)
        return checked(share == 1, " ".join(reason for _, reason in told), share)

    def _state(self, case: Case) -> tuple[float, str] | None:
        due, now = case.metadata.get(self.expected_state), case.metadata.get(self.state)
        if due is None or now is None:
            return None
        leaves = list(_leaves(due, now, "$"))
        within = Tolerance(self.relative)
        off = [place for place, expected, there in leaves if not same(expected, there, within)]
        share = 1 - len(off) / len(leaves)
        all_of = counted(len(leaves), "value")
        if off:
            are = form(len(off), "is", "are")
            return share, f"{len(off)} of {all_of} of the state {are} not as expected: {listed(off)}."
        return share, f"{len(leaves)} of {all_of} of the state {form(len(leaves), 'is', 'are')} as expected."

    def _outputs(self, case: Case) -> tuple[float, str] | None:
        due = case.metadata.get(self.outputs)
        texts = [str(one) for one in due] if isinstance(due, list) else []
        if not texts:
            return None
        said = _without_commas("\n".join(_said(case)))
        gone = [text for text in texts if _without_commas(text) not in said]
        told = f"Not told: {listed(gone)}." if gone else f"Told: {len(texts)} of {counted(len(texts), 'text')}."
        return 1 - len(gone) / len(texts), told

    def _success(self, case: Case) -> tuple[float, str] | None:
        told = case.metadata.get(self.success)
        if not isinstance(told, bool | int | float) or not 0 <= told <= 1:
            return None
        return float(told), f"The environment's verdict is {told}."


def _without_commas(text: str) -> str:
    """As the benchmark tau-bench compares: `1,786` is 1786."""
    return text.casefold().replace(",", "")


def _said(case: Case) -> Iterator[str]:
    """What the agent told the user."""
    yield case.answer or ""
    for message in case.messages or ():
        if message.role == "assistant":
            yield message.text


def _leaves(due: Json, now: Json, place: str) -> Iterator[tuple[str, Json, Json]]:
    """The single values that are expected, each with what is there; what is not there is null."""
    if isinstance(due, dict) and due:
        there = now if isinstance(now, dict) else {}
        for key, one in due.items():
            yield from _leaves(one, there.get(key), f"{place}.{key}")
    else:
        yield place, due, now


def _reference(case: Case) -> tuple[float, str] | None:
    if not case.reference or case.answer is None:
        return None
    told = f" {normalised(case.reference)} " in f" {normalised(case.answer)} "
    return float(
        told
    ), "The answer has the reference in it." if told else "The answer does not have the reference in it."


@dataclass(frozen=True, slots=True)
class _Failure:
    """Step or action number `at` of `of`, what it is called, where it stands, and why it failed."""

    at: int
    of: int
    name: str
    place: str
    why: str
    recovered: bool  # one of the same name went well later


@dataclass(frozen=True, slots=True)
class FirstFailingStep:
    """Where it first went wrong."""

    card: ClassVar[Card] = Card(
        "first_failing_step",
        "1",
        "agents",
        "The share of steps before the first that failed; 1 when none did. The reason names the step.",
        (),
        takes=("steps", "tool_calls", "messages"),
        scale=Scale(labels=("failed", "none")),
        limits=(
            "Of a failure that passes from a step to those around it, the innermost step counts.",
            "In calls without a mark, a result that begins as an error counts as one; a wrong result does not.",
        ),
    )

    def __call__(self, case: Case) -> Verdict:
        """The first failure by place, with whether the same was done well later."""
        if case.steps is None and actions(case) is None:
            return not_applicable("The row tells of no steps: neither `steps` nor `tool_calls` nor `messages`.")
        first = _of_steps(case.steps) if case.steps is not None else _of_actions(case)
        if first is None:
            return verdict(1.0, "No step failed.", label="none")
        reason = f"Step {first.at + 1} of {first.of}, {first.name} ({first.place}), failed: {first.why}"
        if first.recovered:
            reason += " - the same was done well later."
        details: dict[str, Json] = {"step": first.place, "name": first.name, "index": first.at}
        return verdict(first.at / first.of, reason, label="failed", details={**details, "recovered": first.recovered})


def _of_steps(steps: Sequence[Step]) -> _Failure | None:
    """The first that failed by itself: none of the steps within it did."""
    outer = _around_failures(steps)
    for at, step in enumerate(steps):
        if step.error is not None and step.span_id not in outer:
            later = any(one.name == step.name and one.error is None for one in steps[at + 1 :])
            why = " ".join(step.error.split())[:200]
            return _Failure(at, len(steps), step.name, step.span_id or f"steps.{at}", why or "It says no more.", later)
    return None


def _around_failures(steps: Sequence[Step]) -> set[str | None]:
    """Ids of the steps around one that failed."""
    parents = {one.span_id: one.parent_span_id for one in steps if one.span_id}
    outer: set[str | None] = set()
    for step in steps:
        parent = step.parent_span_id if step.error is not None else None
        while parent and parent not in outer:
            outer.add(parent)
            parent = parents.get(parent)
    return outer


def _of_actions(case: Case) -> _Failure | None:
    done = actions(case) or []
    for at, one in enumerate(done):
        why = failure(one.call) if one.call else None
        if why is not None:
            later = any(other.name == one.name and other.call and not failure(other.call) for other in done[at + 1 :])
            return _Failure(at, len(done), one.name, one.field, why, later)
    return None
