"""What the agent did again: calls that bring nothing new, and rounds that it goes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from evaluators.agents.actions import Action, actions, calls
from evaluators.agents.reference import NO_CALLS
from evaluators.case import Case, Json
from evaluators.checks.outcome import counted, form, listed
from evaluators.protocol import Card
from evaluators.values import several
from evaluators.verdict import Scale, Verdict, not_applicable, verdict


@dataclass(frozen=True, slots=True)
class RepeatedSteps:
    """Which calls were made again for the same result."""

    allowed: Sequence[str] | str = ()  # tools that may be asked again, such as one that polls

    card: ClassVar[Card] = Card(
        "repeated_steps",
        "1",
        "agents",
        "The share of calls that an earlier call had made already: the same tool, arguments and, where told, result.",
        (),
        takes=("tool_calls", "messages", "steps"),
        scale=Scale(labels=("repeats", "none"), better="lower"),
        limits=(
            "A call that gave another result than before is not counted.",
            "Calls that ask for the same in other words are not seen.",
        ),
    )

    def __call__(self, case: Case) -> Verdict:
        """The share of repeats, with their places."""
        made = calls(case)
        if made is None:
            return not_applicable(NO_CALLS)
        if not made:
            return not_applicable("The agent made no calls.")
        again = [(first, one) for first, one in repeats(made) if one.name not in several(self.allowed)]
        if not again:
            return verdict(0.0, f"None of {counted(len(made), 'call')} was made before.", label="none")
        before = f"{len(again)} of {counted(len(made), 'call')} {form(len(again), 'was', 'were')} made before"
        reason = f"{before}: {listed([one.told for _, one in again])}."
        told: list[Json] = [{**one.place(), "first": first.field} for first, one in again]
        return verdict(len(again) / len(made), reason, label="repeats", details={"repeats": told})


def repeats(made: Sequence[Action]) -> Iterator[tuple[Action, Action]]:
    """Calls with the one that they repeat: an earlier one that is the same, and gave the same as far as is told."""
    last: dict[str, Action] = {}
    for one in made:
        earlier = last.get(one.signature)
        if earlier is not None and _gave_the_same(earlier, one):
            yield earlier, one
        last[one.signature] = one


def _gave_the_same(a: Action, b: Action) -> bool:
    if a.call is None or b.call is None:
        return False
    results = (a.call.result, b.call.result)
    return a.call.failed == b.call.failed and (None in results or results[0] == results[1])


class Round(NamedTuple):
    """A pattern that follows itself: actions [start, start + period * times) of the sequence."""

    start: int
    period: int  # how many actions the pattern has
    times: int  # whole ones


def rounds(sequence: Sequence[str], times: int, longest: int) -> list[Round]:
    """Patterns of up to `longest` signs that stand at least so many times in a row, leftmost and shortest first.

    Rounds do not overlap: what is part of one is in no other.
    """
    found: list[Round] = []
    start = 0
    while start < len(sequence):
        here = _round_at(sequence, start, times, longest)
        if here is None:
            start += 1
        else:
            found.append(here)
            start = here.start + here.period * here.times
    return found


def _round_at(sequence: Sequence[str], start: int, times: int, longest: int) -> Round | None:
    for period in range(1, min(longest, (len(sequence) - start) // times) + 1):
        end = start + period
        while end < len(sequence) and sequence[end] == sequence[end - period]:
            end += 1
        if (end - start) // period >= times:
            return Round(start, period, (end - start) // period)
    return None


@dataclass(frozen=True, slots=True)
class Loops:
    """Whether the agent went in rounds: the same actions, in the same order, again and again."""

    times: int = 3  # in a row
    longest: int = 10  # actions of one round
    arguments: bool = True  # False: calls of one tool are the same whatever their arguments

    card: ClassVar[Card] = Card(
        "loops",
        "1",
        "agents",
        "The share of the agent's actions that only go another time through the same round of actions.",
        (),
        takes=("tool_calls", "messages", "steps"),
        scale=Scale(labels=("loop", "none"), better="lower"),
        limits=(
            "Rounds in which an argument changes each time are seen only with `arguments` off.",
            "With it off, work on a list of things looks like a round too.",
        ),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that do not do."""
        if self.times < 2 or self.longest < 1:
            raise ValueError("A round is of one action or more, and stands twice or more.")

    def __call__(self, case: Case) -> Verdict:
        """The share of actions beyond the first time of each round, with the rounds."""
        done = actions(case)
        if done is None:
            return not_applicable(NO_CALLS)
        if not done:
            return not_applicable("The agent did nothing.")
        found = rounds([self._sign(one) for one in done], self.times, self.longest)
        if not found:
            return verdict(0.0, f"{counted(len(done), 'action')}, none in a round.", label="none")
        beyond = sum(one.period * (one.times - 1) for one in found)
        told = [f"{_pattern(done, one)} {one.times} times from {done[one.start].field}" for one in found]
        details: list[Json] = [_evidence(done, one) for one in found]
        return verdict(beyond / len(done), f"{listed(told)}.", label="loop", details={"rounds": details})

    def _sign(self, one: Action) -> str:
        return one.signature if self.arguments or one.call is None else one.name


def _pattern(done: list[Action], one: Round) -> str:
    return " > ".join(action.name for action in done[one.start : one.start + one.period])


def _evidence(done: list[Action], one: Round) -> Json:
    places: list[Json] = [action.place() for action in done[one.start : one.start + one.period * one.times]]
    return {"period": one.period, "times": one.times, "actions": places}
