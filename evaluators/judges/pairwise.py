"""Which of two answers is better: asked in both orders, since judges lean to a place. What the places undo is a tie."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, Field

from evaluators.case import Case
from evaluators.judges.model import Turn
from evaluators.judges.reply import schema_of
from evaluators.judges.rubric import LIMITS, SYSTEM
from evaluators.protocol import Card
from evaluators.verdict import Scale, Verdict, verdict

if TYPE_CHECKING:
    from evaluators.judges.judge import Asking, Judge  # with clients and settings, that a card needs none of

Place = Literal["first", "second", "tie"]  # of the two as they were shown
Side = Literal["a", "b", "tie"]  # of the two as they are


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a judge said of A and B, shown once as A, B and once as B, A. Null: no verdict could be read."""

    straight: Place | None
    swapped: Place | None

    @property
    def sides(self) -> tuple[Side | None, Side | None]:
        """The better side by each of the two."""
        return _side(self.straight, "a", "b"), _side(self.swapped, "b", "a")

    @property
    def consistent(self) -> bool:
        """Whether both orders gave the same side. One that gave nothing did not."""
        one, other = self.sides
        return one is not None and one == other

    @property
    def winner(self) -> Side | None:
        """The side that won in both orders; inconsistent: a tie. Null: an order has no verdict, so there is none."""
        one, other = self.sides
        if one is None or other is None:
            return None
        return one if one == other else "tie"

    def accuracy(self, right: Side) -> float:
        """The share of the two orders whose verdict is right; none read is wrong."""
        return sum(side == right for side in self.sides) / 2


def _side(place: Place | None, first: Side, second: Side) -> Side | None:
    return {"first": first, "second": second, "tie": "tie", None: None}[place]


@dataclass(frozen=True, slots=True)
class Replay:
    """How a judge did on pairs whose better side is known."""

    n: int
    accuracy: float  # mean over both orders of every pair
    consistency: float  # share of pairs with the same side in both orders
    unread: int  # orders without a verdict


def replay(compared: Iterable[tuple[Comparison, Side]]) -> Replay:
    """Figures over comparisons and the side that is right.

    Raises:
        ValueError: there are none.
    """
    pairs = list(compared)
    if not pairs:
        raise ValueError("there are no comparisons")
    return Replay(
        len(pairs),
        sum(one.accuracy(right) for one, right in pairs) / len(pairs),
        sum(one.consistent for one, _ in pairs) / len(pairs),
        sum(place is None for one, _ in pairs for place in (one.straight, one.swapped)),
    )


_NAMED = re.compile(r"\boutput\s*\(?\s*([ab])\s*\)?(?![a-z])", re.IGNORECASE)
_SAID = re.compile(
    r"\boutput\s*\(?\s*([ab])\s*\)?(?![a-z])\s*(?:is|seems|appears|would\s+be)\s+(?:the\s+|a\s+|slightly\s+|much\s+)*better",
    re.IGNORECASE,
)


def read_place(text: str) -> Place | None:
    """The place that a free text prefers, in words such as `Output (a)`; null: it prefers none.

    What it calls better last, else the only one that it names.
    """
    said = _SAID.findall(text)
    named = [said[-1]] if said else list({name.lower() for name in _NAMED.findall(text)})
    if len(named) != 1:
        return None
    return "first" if named[0].lower() == "a" else "second"


class _Preference(BaseModel):
    reason: str = Field(min_length=1)
    better: Literal["first", "second", "tie"]


PROMPT = """\
Which of the two answers does better what the question asks?

Correctness and keeping to the instructions count most, then whether it is complete, then clarity. An answer that does \
something else than what was asked is worse, however well it reads. Do not let length, order or tone decide. Say tie \
only when neither is better.
"""


def turns(question: str, first: str, second: str) -> tuple[Turn, Turn]:
    """The prompt for two answers in this order."""
    # Sorted: the tags must not tell the two orders apart.
    told = "\0".join([question, *sorted((first, second))]).encode("utf-8", "surrogatepass")
    mark = hashlib.sha256(told).hexdigest()[:8]
    parts = {"question": question, "first": first, "second": second}
    body = "\n".join(f"<{name}-{mark}>\n{text}\n</{name}-{mark}>" for name, text in parts.items())
    return Turn("system", SYSTEM + json.dumps(schema_of(_Preference))), Turn("user", f"{PROMPT}\n{body}")


async def compare(asking: Asking, question: str, a: str, b: str) -> tuple[Comparison, tuple[str, str]]:
    """Ask in both orders. Returns the comparison and the two reasons. Raises AskError."""
    straight = await asking.ask(turns(question, a, b), _Preference)
    swapped = await asking.ask(turns(question, b, a), _Preference)
    return Comparison(straight.better, swapped.better), (straight.reason, swapped.reason)


LABELS = {"a": "better", "b": "worse", "tie": "tie"}
VALUES = {"a": 1.0, "b": 0.0, "tie": 0.5}


def _digest() -> str:
    asked = json.dumps([SYSTEM, PROMPT, _Preference.model_json_schema()], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Pairwise:
    """Whether the answer is better than the reference answer, asked in both orders."""

    judge: Judge
    card: ClassVar[Card] = Card(
        "judge_pairwise",
        f"1-{_digest()}",
        "judges",
        "The answer is better than the reference answer: 1 better in both orders, 0 worse in both, 0.5 a tie.",
        ("question", "answer", "reference"),
        scale=Scale(labels=("worse", "tie", "better")),
        cost="judge",
        limits=(*LIMITS, "Two calls a verdict; a judge that leans to a place gives ties."),
    )

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """Both orders' reasons are kept, and what each preferred."""

        async def work(asking: Asking) -> Verdict:
            compared, reasons = await compare(asking, case.question or "", case.answer or "", case.reference or "")
            winner = compared.winner or "tie"  # both were read: it is never null here
            both = f"The order decides. Answer first: {reasons[0]} Answer second: {reasons[1]}"
            told = reasons[0] if compared.consistent else both
            return verdict(
                VALUES[winner], told, label=LABELS[winner],
                details={
                    "consistent": compared.consistent, "straight": compared.straight, "swapped": compared.swapped,
                    "reasons": list(reasons),
                },
            )  # fmt: skip

        return self.judge.verdict(self.card, case, work)
