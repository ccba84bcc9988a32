"""Examples for the prompts of judges: as many of each answer, of items about which people did not differ."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from server.labelling.terms import Asked
from server.training.fields import answers, balanced
from server.training.labelled import Labelled, read
from server.training.redacting import Redactor
from server.training.wanted import TrainingDataError

LONGEST = 4_000  # letters of all texts of an example: longer ones crowd a prompt

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """Which items are drawn."""

    items: str
    head: Row
    each: int = 2  # of every answer
    seed: int = 0
    redact: tuple[str, ...] = ()


def made(order: Order) -> Row:
    """`examples`, `text` and `yaml` of them, `short` (answers with fewer than asked for), `left_out` by reason.

    Raises:
        TrainingDataError: the field is none of choices or of a preference.
    """
    asked = Asked.model_validate(order.head["asked"])
    if not balanced(asked):
        raise TrainingDataError(
            f"Field {asked.name!r} has no few answers to balance. Take a field of one choice, or a preference."
        )
    left: defaultdict[str, int] = defaultdict(int, order.head["left_out"])
    by: defaultdict[str, list[Labelled]] = defaultdict(list)
    for item in read(Path(order.items)):
        if item.by not in {"decision", "gold"} and item.agreeing < item.n:
            left["people differ about it"] += 1
        elif item.content["cut"] or _letters(item) > LONGEST:
            left[f"it has more than {LONGEST:,} letters"] += 1
        else:
            by[item.text].append(item)
    every = answers(asked)
    redactor = Redactor(order.redact)
    drawn = [
        _example(item, redactor)
        for place in range(order.each)
        for answer in every
        for item in _drawn(by[answer], order)[place : place + 1]
    ]
    short = {answer: len(by[answer]) for answer in every if len(by[answer]) < order.each}
    return {
        "examples": drawn, "text": text(drawn), "yaml": as_yaml(drawn), "short": short,
        "left_out": dict(sorted(left.items())), "redacted": dict(sorted(redactor.counts.items())),
    }  # fmt: skip


def _letters(item: Labelled) -> int:
    content = item.content
    texts = [content["question"], *(side["answer"] for side in content["sides"])]
    texts += [one["text"] for one in content["contexts"]]
    return sum(len(text) for text in texts if text)


def _drawn(items: Sequence[Labelled], order: Order) -> list[Labelled]:
    """In an order of the seed's, those on which more people agree first."""

    def key(item: Labelled) -> tuple[int, str]:
        return -item.agreeing, hashlib.sha256(f"{order.seed}\n{item.name}".encode()).hexdigest()

    return sorted(items, key=key)


def _example(item: Labelled, redactor: Redactor) -> Row:
    content = item.content
    said = redactor.text if redactor.types else str
    told: Row = {"item": item.name}
    if content["contexts"]:
        told["contexts"] = [said(one["text"]) for one in content["contexts"]]
    if content["question"]:
        told["question"] = said(content["question"])
    sides = content["sides"]
    for side in sides:
        name = "answer" if len(sides) == 1 else f"answer_{side['key']}"
        told[name] = said(side["answer"] or "")
    return told | {"label": item.text, "agreeing": item.agreeing, "votes": item.n}


_TITLES = {"contexts": "Documents", "question": "Question", "answer": "Answer", "label": "Verdict"}


def text(examples: Sequence[Row]) -> str:
    """Examples as a prompt tells them."""
    return "\n\n".join(_block(place, one) for place, one in enumerate(examples, 1))


def _block(place: int, one: Row) -> str:
    lines = [f"Example {place}"]
    for name, value in one.items():
        if name in {"item", "agreeing", "votes"}:
            continue
        title = _TITLES.get(name) or f"Answer {name.removeprefix('answer_')}"
        lines.append(f"{title}: {chr(10).join(value) if isinstance(value, list) else value}")
    return "\n".join(lines)


def as_yaml(examples: Sequence[Row]) -> str:
    """Examples as a file."""
    return yaml.safe_dump({"examples": list(examples)}, allow_unicode=True, sort_keys=False, width=100)
