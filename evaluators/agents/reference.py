"""The agent's calls against those of a reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from evaluators.agents.actions import Action, calls
from evaluators.agents.matching import Arguments, Pairs, Rules, edits, pairs
from evaluators.case import Case, Json, ToolCall
from evaluators.checks.outcome import SHARE_CHECKED, checked, counted, form, listed
from evaluators.protocol import Card, Quality
from evaluators.values import Tolerance, several
from evaluators.verdict import Verdict, not_applicable

NO_CALLS = "The row tells of no calls: neither `tool_calls` nor `messages` nor `steps`."


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"`{name}` is one of {', '.join(known)}, not {value!r}.")


@dataclass(frozen=True, slots=True)
class ToolCallAccuracy:
    """Whether the agent made the calls of the reference, with their arguments."""

    order: Literal["free", "strict"] = "free"
    arguments: Arguments = "all"
    only: Sequence[str] | str = ()  # tools whose calls count, such as those that change something; (): all
    ignored: Sequence[str] | str = ()  # arguments that do not count, by name
    extra_arguments: bool = False  # True: arguments that the reference does not have do not count
    extra_calls: bool = False  # True: calls that the reference does not have do not count; the value is the recall
    relative: float = 0.0  # tolerance of numbers
    absolute: float = 0.0
    case: bool = True  # False: capitals in texts do not count
    text_numbers: bool = False  # True: "5" is 5

    card: ClassVar[Card] = Card(
        "tool_call_accuracy",
        "1",
        "agents",
        "F1 of the agent's calls by those of the reference: the same tool with the same arguments.",
        ("reference_tool_calls",),
        takes=("tool_calls", "messages", "steps"),
        scale=SHARE_CHECKED,
        limits=(
            "Another way to the same end counts as wrong: the reference is one way.",
            "Texts in arguments are compared as they are, not by what they mean.",
            "Calls that only read differ from run to run: leave them out by `only`, or it tells little of success.",
        ),
        quality=(
            Quality(
                "tau-bench airline, half",
                "AUROC of reward, by calls that change",
                0.959,
                104,
                "fewer messages",
                0.746,
                0.878,
                1.0,
            ),
        ),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for options that do not do."""
        _choice("order", self.order, ("free", "strict"))
        _choice("arguments", self.arguments, get_args(Arguments))

    def __call__(self, case: Case) -> Verdict:
        """F1 (or recall), with precision, recall and what is missing, extra or wrong in the details."""
        every, due = calls(case), list(case.reference_tool_calls or ())
        if every is None:
            return not_applicable(NO_CALLS)
        only = several(self.only)
        made = [one for one in every if not only or one.name in only]
        due = [one for one in due if not only or one.name in only]
        if not made and not due:
            return checked(True, "No call was due, and none was made.")
        rules = Rules(self.arguments, self._tolerance(), several(self.ignored), self.extra_arguments)
        found = pairs([one.call for one in made if one.call], due, rules, ordered=self.order == "strict")
        return self._told(made, due, found)

    def _tolerance(self) -> Tolerance:
        return Tolerance(self.relative, self.absolute, self.case, self.text_numbers)

    def _told(self, made: list[Action], due: list[ToolCall], found: Pairs) -> Verdict:
        right = sum(alike for _, _, alike in found)
        recall = right / len(due) if due else 1.0
        precision = right / len(made) if made else 1.0
        f1 = 2 * right / (len(made) + len(due))
        value = recall if self.extra_calls else f1
        missing = [due[at].name for at in range(len(due)) if at not in {column for _, column, _ in found}]
        extra = [one for at, one in enumerate(made) if at not in {row for row, _, _ in found}]
        details: dict[str, Json] = {
            "precision": precision, "recall": recall, "f1": f1, "missing": [*missing],
            "extra": [one.place() for one in extra],
        }  # fmt: skip
        return checked(value == 1, _reason(right, made, due, missing, extra), value, details=details)


def _reason(right: float, made: list[Action], due: list[ToolCall], missing: list[str], extra: list[Action]) -> str:
    of_it = f"{right:g} of {counted(len(due), 'call')} of the reference {form(right, 'was', 'were')} made"
    said = f"{of_it}, in {counted(len(made), 'call')}."
    if missing:
        said += f" Missing: {listed(missing)}."
    if extra:
        said += f" Not in the reference: {listed([one.told for one in extra])}."
    return said


Way = Literal["exact", "in_order", "any_order", "distance"]


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Whether the agent went the way of the reference, tool by tool."""

    way: Way = "in_order"  # exact; in_order and any_order allow for more steps; distance: one less the share of edits

    card: ClassVar[Card] = Card(
        "trajectory",
        "1",
        "agents",
        "How much of the reference's sequence of tools the agent went through; arguments do not count.",
        ("reference_tool_calls",),
        takes=("tool_calls", "messages", "steps"),
        scale=SHARE_CHECKED,
        limits=("Another way to the same end counts as wrong: the reference is one way.",),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a way that there is not."""
        _choice("way", self.way, get_args(Way))

    def __call__(self, case: Case) -> Verdict:
        """The share of the reference's steps that were gone through (exact: 1 or 0); pass when that is all."""
        made = calls(case)
        if made is None:
            return not_applicable(NO_CALLS)
        went = [one.name for one in made]
        due = [one.name for one in case.reference_tool_calls or ()]
        if not due:
            return checked(not went, f"The reference has no steps, the agent {len(went)}.")
        value = _along(self.way, went, due)
        distance = edits(went, due)
        apart = f"They are {counted(distance, 'edit')} apart."
        reason = f"The agent went {_path(went)}; the reference is {_path(due)}. {apart}"
        return checked(value == 1, reason, value, details={"edits": distance, "went": [*went], "due": [*due]})


def _path(names: list[str]) -> str:
    return " > ".join(names[:8]) + (f" > ... ({len(names)} in all)" if len(names) > 8 else "") or "nowhere"


def _along(way: Way, went: list[str], due: list[str]) -> float:
    if way == "exact":
        return float(went == due)
    if way == "distance":
        return 1 - edits(went, due) / max(len(went), len(due))
    if way == "any_order":
        return (Counter(went) & Counter(due)).total() / len(due)
    named = [[ToolCall(name) for name in names] for names in (went, due)]
    return len(pairs(named[0], named[1], Rules("none"), ordered=True)) / len(due)
