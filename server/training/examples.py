"""What was asked and the answers to it, brought to chat messages: what every format is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from server import finetuning
from server.finetuning import NO_ANSWER, NOTHING_ASKED, LeftOutError
from server.labelling.terms import CHOOSING, TIE, Asked
from server.training.labelled import Labelled
from server.training.wanted import Good, TrainingDataError

CUT = "it is longer than what was kept of it"
SAME = "both answers are the same"
TIED = "its sides are alike"
NOT_GOOD = "its answer is not a good one"
NO_NUMBER = "its answer has no number"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """One row to be, before it has a format. Which parts it has depends on what the format needs."""

    prompt: list[Row]
    completion: list[Row]  # the answer: of a pair the better one
    rejected: list[Row] = field(default_factory=list)
    label: bool | None = None  # whether the completion is a good one
    score: float | None = None
    tools: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sides:
    prompt: list[Row]
    answers: dict[str, tuple[list[Row], str | None]]  # by key: tool calls that came before, and the answer


def _sides(item: Labelled, *, contexts: bool) -> _Sides:
    content = item.content
    cut = [part for part in content["cut"] if contexts or not part.startswith("contexts")]
    if [part for part in cut if part != "reference"]:
        raise LeftOutError(CUT)
    prompt = finetuning.chat(content["history"])
    if content["question"] and not any(one["role"] == "user" for one in prompt):
        prompt.append({"role": "user", "content": content["question"]})
    if not any(one["role"] == "user" for one in prompt):
        raise LeftOutError(NOTHING_ASKED)
    if contexts and content["contexts"]:
        texts = "\n\n".join(f"[{place}] {one['text']}" for place, one in enumerate(content["contexts"], 1))
        prompt.insert(0, {"role": "system", "content": f"Documents:\n\n{texts}"})
    return _Sides(prompt, {side["key"]: _answered(side) for side in content["sides"]})


def _answered(side: Row) -> tuple[list[Row], str | None]:
    before = finetuning.exchange(side["steps"]) if side["steps"] else []
    if side["messages"]:  # more than text was said; what is no text is refused
        told = finetuning.chat(side["messages"])
        if not before:
            last = told[-1] if told and told[-1]["role"] == "assistant" and told[-1].get("content") else None
            return (told[:-1] if last else told), (side["answer"] if last else None)
    return before, side["answer"]


def _said(before: list[Row], text: str | None) -> list[Row]:
    if not text and not before:
        raise LeftOutError(NO_ANSWER)
    return [*before, *([{"role": "assistant", "content": text}] if text else [])]


def demonstrations(item: Labelled, asked: Asked, good: Good, *, contexts: bool) -> Iterator[Example]:
    """Answers to learn from: corrections, what was preferred, what was called good. Raises LeftOutError."""
    sides = _sides(item, contexts=contexts)
    if asked.kind == "correction":
        before, _ = sides.answers["a"]
        yield Example(sides.prompt, _said(before, _corrected(item)), tools=item.tools)
        return
    if asked.kind in {"preference", "ranking"}:
        best = _best(item, asked)
    elif is_good(item, asked, good):
        best = "a"
    else:
        raise LeftOutError(NOT_GOOD)
    yield Example(sides.prompt, _said(*sides.answers[best]), tools=item.tools)


def _corrected(item: Labelled) -> str:
    if not str(item.answer).strip():
        raise LeftOutError(NO_ANSWER)
    return str(item.answer)


def _best(item: Labelled, asked: Asked) -> str:
    first = [item.answer] if asked.kind == "preference" else item.answer[0]
    if len(first) > 1 or first[0] == TIE:
        raise LeftOutError(TIED)
    return str(first[0])


def pairs(item: Labelled, asked: Asked, *, contexts: bool) -> Iterator[Example]:
    """What is better than what: every pair of sides that are not alike; a correction and what it corrects.

    Raises:
        LeftOutError: there is none.
    """
    sides = _sides(item, contexts=contexts)
    if asked.kind == "correction":
        before, answer = sides.answers["a"]
        corrected = _corrected(item)
        if answer is None or corrected == answer:
            raise LeftOutError(SAME if answer else NO_ANSWER)
        yield Example([*sides.prompt, *before], _said([], corrected), _said([], answer), tools=item.tools)
        return
    ordered = _ordered(item, asked)
    if not ordered:
        raise LeftOutError(TIED)
    for better, worse in ordered:
        chosen, rejected = (_said(*sides.answers[one]) for one in (better, worse))
        if chosen == rejected:
            raise LeftOutError(SAME)
        yield Example(sides.prompt, chosen, rejected, tools=item.tools)


def _ordered(item: Labelled, asked: Asked) -> list[tuple[str, str]]:
    if asked.kind == "preference":
        return [] if item.answer == TIE else [("a", "b") if item.answer == "a" else ("b", "a")]
    return [
        pair
        for place, group in enumerate(item.answer)
        for later in item.answer[place + 1 :]
        for pair in product(group, later)
    ]  # fmt: skip


def verdicts(item: Labelled, asked: Asked, good: Good, *, contexts: bool) -> Iterator[Example]:
    """Answers, each called good or not: of a pair the better is, and the other is not; of a ranking first and last.

    Raises:
        LeftOutError: there is none.
    """
    if asked.kind in {"correction", "preference"}:
        for one in pairs(item, asked, contexts=contexts):
            yield Example(one.prompt, one.completion, label=True, tools=item.tools)
            yield Example(one.prompt, one.rejected, label=False, tools=item.tools)
        return
    sides = _sides(item, contexts=contexts)
    if asked.kind == "ranking":
        if len(item.answer) < 2:
            raise LeftOutError(TIED)
        for group, best in ((item.answer[0], True), (item.answer[-1], False)):
            for key in group:
                yield Example(sides.prompt, _said(*sides.answers[key]), label=best, tools=item.tools)
        return
    yield Example(sides.prompt, _said(*sides.answers["a"]), label=is_good(item, asked, good), tools=item.tools)


def scored(item: Labelled, asked: Asked, *, contexts: bool) -> Iterator[Example]:
    """Answers with their number: as the field has it. Raises LeftOutError."""
    score = number_of(item, asked)
    if score is None:
        raise LeftOutError(NO_NUMBER)
    sides = _sides(item, contexts=contexts)
    yield Example(sides.prompt, _said(*sides.answers["a"]), score=score, tools=item.tools)


def number_of(item: Labelled, asked: Asked) -> float | None:
    """Of an answer; null: it has none."""
    if asked.kind == "numeric":
        return float(item.answer)
    return asked.numbers.get(item.text) if asked.kind in CHOOSING and not asked.several else None


def is_good(item: Labelled, asked: Asked, good: Good) -> bool:
    """Whether an answer is one to learn from; `good` was checked by `checked_good`."""
    number = number_of(item, asked)
    if not good.told:
        good = usual_good(asked)
    chosen = item.answer if isinstance(item.answer, list) else [item.text]
    if good.answers and not set(chosen) <= set(good.answers):
        return False
    if number is None:
        return bool(good.answers)
    return (good.at_least is None or number >= good.at_least) and (good.at_most is None or number <= good.at_most)


def usual_good(asked: Asked) -> Good:
    """Of a binary field the first choice, or the second where lower is better.

    Raises:
        TrainingDataError: any other field, of which somebody has to say.
    """
    if asked.kind == "binary":
        return Good(answers=(asked.choices[1 if asked.better == "lower" else 0].value,))
    bounds = "at_least or at_most" if asked.kind == "numeric" else "answers, at_least or at_most"
    there = f" Its choices are {', '.join(one.value for one in asked.choices)}." if asked.choices else ""
    raise TrainingDataError(f"Say which answers of {asked.name!r} are good ones: good.{bounds}.{there}")


def checked_good(asked: Asked, good: Good) -> Good:
    """What counts as good. Raises TrainingDataError: nobody said, or it is no answer of the field."""
    if not good.told:
        return usual_good(asked)
    values = [one.value for one in asked.choices]
    if strange := next((one for one in good.answers if asked.kind != "numeric" and one not in values), None):
        raise TrainingDataError(f"{strange!r} is no answer of {asked.name!r}; its choices are {', '.join(values)}.")
    return good
