"""Metrics of ragas as evaluators. Light: ragas itself is loaded by the first verdict (`ragas_adapter.py`)."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from evaluators.case import Case, Part
from evaluators.protocol import Card, Family
from evaluators.verdict import Scale, Verdict, not_applicable

if TYPE_CHECKING:
    from evaluators.judges.judge import Asking, Judge  # with clients and settings, that a card needs none of

ADAPTER = "evaluators.ragas_adapter"
LIMITS = (
    "The prompts are those of ragas, in English; on texts of other languages they were not checked.",
    "A judge's verdict is a model's opinion: compare it with labels of people on your own data before you trust it.",
)


def _card(
    name: str, family: Family, measures: str, needs: tuple[Part, ...], *limits: str, scale: Scale | None = None,
    cost: Literal["free", "judge"] = "judge",
) -> Card:  # fmt: skip
    """Ragas's release stands in the version, since its prompts change with it."""
    told = f"1-ragas-{version('ragas')}"
    return Card(
        f"ragas_{name}", told, family, measures, needs, scale=scale or Scale(), cost=cost,
        limits=(*limits, *(LIMITS if cost == "judge" else ())),
    )  # fmt: skip


async def _adapter() -> Any:
    """The module that imports ragas: seconds, so not in the event loop."""
    loaded = sys.modules.get(ADAPTER)
    if loaded is not None and hasattr(loaded, "READY"):
        return loaded
    return await asyncio.to_thread(importlib.import_module, ADAPTER)


def _judged(
    judge: Judge, card: Card, case: Case, work: Callable[[Any, Asking], Awaitable[Verdict]]
) -> Awaitable[Verdict]:
    async def loaded() -> Verdict:
        empty = [name for name in card.needs if name in _TEXTS and not _holds(getattr(case, name))]
        if empty:
            return not_applicable(f"The {' and the '.join(empty)} hold no text.")
        adapter = await _adapter()
        return await judge.verdict(card, case, lambda asking: work(adapter, asking))

    return loaded()


_TEXTS = {"question", "answer", "reference", "contexts"}


def _holds(value: Any) -> bool:
    return any(text.strip() for text in ([value] if isinstance(value, str) else value))


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Share of the answer's claims that the contexts support."""

    judge: Judge
    card: ClassVar[Card] = _card(
        "faithfulness", "hallucination", "Share of the answer's claims that the contexts support.",
        ("question", "answer", "contexts"),
        "Two calls a verdict. Claims are those that the judge finds; how many it finds varies with the model.",
    )  # fmt: skip

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """With every claim, and why."""
        return _judged(self.judge, self.card, case, lambda ragas, asking: ragas.faithfulness(asking, case))


@dataclass(frozen=True, slots=True)
class ResponseGroundedness:
    """How far the contexts ground the answer, as two prompts rate it."""

    judge: Judge
    card: ClassVar[Card] = _card(
        "response_groundedness", "hallucination", "The contexts ground the answer: mean of two ratings of 0, 1 or 2.",
        ("answer", "contexts"), "Two calls a verdict. Ratings come without reasons.",
    )  # fmt: skip

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """With both ratings."""
        return _judged(self.judge, self.card, case, lambda ragas, asking: ragas.response_groundedness(asking, case))


@dataclass(frozen=True, slots=True)
class FactualCorrectness:
    """Agreement of the claims of the answer and of the reference."""

    judge: Judge
    mode: Literal["f1", "precision", "recall"] = "f1"
    card: ClassVar[Card] = _card(
        "factual_correctness", "relevance",
        "Claims of the answer that the reference holds, and the other way round: precision, recall or F1.",
        ("answer", "reference"), "Four calls a verdict. Rounded to two places by ragas.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Raises ValueError for a mode that there is not."""
        if self.mode not in {"f1", "precision", "recall"}:
            raise ValueError(f"the mode is f1, precision or recall, not {self.mode!r}")

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """With every claim of both, and why."""
        return _judged(
            self.judge, self.card, case, lambda ragas, asking: ragas.factual_correctness(asking, case, self.mode)
        )


@dataclass(frozen=True, slots=True)
class AnswerRelevancy:
    """Likeness of the question and questions that the answer would answer."""

    judge: Judge
    card: ClassVar[Card] = _card(
        "answer_relevancy", "relevance",
        "Cosine of the question and of one that a judge makes up for the answer; 0 for an evasive answer.",
        ("question", "answer"),
        "A proxy of relevance: whether the answer is right is not looked at, and its height depends on the embeddings.",
        "One question is made up, where ragas makes up three: at temperature 0 they would be the same.",
        scale=Scale(-1.0, 1.0),
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Raises ValueError for a judge without embeddings."""
        if self.judge.settings.embeddings is None:
            raise ValueError(f"judge {self.judge.settings.name!r} names no model of embeddings: set its key embeddings")

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """With the question that was made up."""
        return _judged(self.judge, self.card, case, lambda ragas, asking: ragas.answer_relevancy(asking, case))


@dataclass(frozen=True, slots=True)
class ContextPrecision:
    """Whether useful contexts stand before useless ones."""

    judge: Judge
    card: ClassVar[Card] = _card(
        "context_precision", "relevance",
        "Useful contexts stand before useless ones: mean precision at the ranks of those useful for the reference.",
        ("question", "contexts", "reference"), "One call a context, one after the other.",
    )  # fmt: skip

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """With the verdict on each context, and why."""
        return _judged(self.judge, self.card, case, lambda ragas, asking: ragas.context_precision(asking, case))


@dataclass(frozen=True, slots=True)
class ContextRecall:
    """Share of the reference that the contexts hold."""

    judge: Judge
    card: ClassVar[Card] = _card(
        "context_recall", "relevance", "Share of the reference's statements that the contexts hold.",
        ("question", "contexts", "reference"),
        "The judge splits the reference itself: a statement that it leaves out is not missed.",
    )  # fmt: skip

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """With every statement, and why."""
        return _judged(self.judge, self.card, case, lambda ragas, asking: ragas.context_recall(asking, case))


@dataclass(frozen=True, slots=True)
class ContextRelevance:
    """How far the contexts are about the question, as two prompts rate it."""

    judge: Judge
    card: ClassVar[Card] = _card(
        "context_relevance", "relevance", "The contexts help with the question: mean of two ratings of 0, 1 or 2.",
        ("question", "contexts"), "Two calls a verdict. Ratings come without reasons.",
    )  # fmt: skip

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """With both ratings."""
        return _judged(self.judge, self.card, case, lambda ragas, asking: ragas.context_relevance(asking, case))


@dataclass(frozen=True, slots=True)
class Bias:
    """Whether the answer is biased, by a discrete metric of ragas with a prompt of ours."""

    judge: Judge
    card: ClassVar[Card] = _card(
        "bias", "safety", "The answer neither stereotypes nor treats people unfairly for a group they belong to.",
        ("question", "answer"), "Ragas has no metric of bias: this is its discrete metric with our prompt.",
        scale=Scale(labels=("biased", "unbiased")),
    )  # fmt: skip

    def __call__(self, case: Case) -> Awaitable[Verdict]:
        """With the judge's reason."""
        return _judged(self.judge, self.card, case, lambda ragas, asking: ragas.bias(asking, case))


@dataclass(frozen=True, slots=True)
class ToolCallAccuracy:
    """Whether the tools were called as in the reference. Asks no model."""

    strict_order: bool = True
    card: ClassVar[Card] = _card(
        "tool_call_accuracy", "agents", "Share of the reference's tool calls that were made with the same arguments.",
        ("tool_calls", "reference_tool_calls"),
        "A call too many or too few gives 0, whatever the rest is; so does another order, with strict_order.",
        "Arguments are compared as text: a number and its digits are the same.",
        "Arguments that the reference does not name are not looked at, unless it names none.",
        cost="free",
    )  # fmt: skip

    async def __call__(self, case: Case) -> Verdict:
        """With both lists of names."""
        ragas = await _adapter()
        said: Verdict = await ragas.tool_call_accuracy(case, self.strict_order)
        return said
