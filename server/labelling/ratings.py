"""Labels of a queue's fields, brought to ratings: what coefficients of agreement and models of consensus take.

A label counts while it fits the field as it is asked now: its field is there, with the kind and the choice. Labels of
gold items tell how right a labeller is, and no agreement.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations, pairwise
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analytics.columns import Bools
from analytics.ratings import Codes, Ratings, ratings
from server.labelling.terms import CHOOSING, TIE, Asked, Kind, Terms

Ask = Callable[..., pa.Table]
Answers = Mapping[int, str]
"""By the number of the item: an answer to one field, as labels have it."""
TOLD_APART: frozenset[Kind] = CHOOSING | {"numeric", "preference"}
"""Kinds of which an answer is one category of an item."""
COUNTED: frozenset[Kind] = TOLD_APART | {"ranking"}
"""Kinds that coefficients are of; a ranking counts as the preferences of its pairs of sides."""
TEXTUAL: frozenset[Kind] = frozenset({"text", "correction"})
FIRST, SECOND = "first", "second"  # of two sides by their keys: which stands before the other in a ranking


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of one item and field."""

    answer: str
    why: str | None
    author: str
    decided_at: datetime  # UTC, without a zone


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A queue with its labels, in one snapshot."""

    terms: Terms
    table: pa.Table  # of the query `queue_labels`
    golds: Mapping[int, Mapping[str, Any]]  # by number: right answers by field
    decisions: Mapping[tuple[int, str], Decision]  # by number and field
    versions: Sequence[Mapping[str, Any]]  # oldest first: version, set_at, says (all that tells people how to answer)

    def right(self, field: Asked) -> dict[int, str]:
        """Right answers of gold items, where they fit the field."""
        found = ((number, text_of(answers.get(field.name))) for number, answers in self.golds.items())
        kept = ((number, fitting(field, text)) for number, text in found if text is not None)
        return {number: text for number, text in kept if text is not None}

    def decided(self, field: Asked) -> dict[int, str]:
        """Answers that were decided, where they fit the field."""
        found = {
            number: fitting(field, one.answer) for (number, name), one in self.decisions.items() if name == field.name
        }
        return {number: text for number, text in found.items() if text is not None}


def read(ask: Ask, queue: str, field: str | None = None) -> Told:
    """A queue by its name, through named queries; `field`: with the labels of this one alone.

    Raises:
        LookupError: there is none.
    """
    documents = ask("queue_documents", queue=queue).to_pylist()
    if not documents:
        raise LookupError(queue)
    decisions = {
        (row["number"], row["field"]): Decision(row["answer"], row["why"], row["author"], row["decided_at"])
        for row in ask("queue_decisions", queue=queue).to_pylist()
    }
    golds = {row["number"]: json.loads(row["gold"]) for row in ask("queue_golds", queue=queue).to_pylist()}
    terms = [(one, Terms.model_validate_json(one["document"])) for one in documents]
    versions = [
        {"version": one["version"], "set_at": one["set_at"], "says": (said.guidelines, said.examples, said.fields)}
        for one, said in terms
    ]
    return Told(terms[-1][1], ask("queue_labels", queue=queue, field=field), golds, decisions, versions)


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Labels of one field that fit it, one a row, by item and author in their order."""

    field: Asked
    numbers: Codes  # of items
    authors: NDArray[Any]
    answers: NDArray[Any]  # text, equal ones written alike
    saved_at: NDArray[np.datetime64]  # UTC
    rows: Codes  # places in the table that they are of

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self.numbers.size)

    def of(self, kept: Bools) -> Labels:
        """The rows where `kept` is true."""
        return Labels(
            self.field, self.numbers[kept], self.authors[kept], self.answers[kept], self.saved_at[kept], self.rows[kept]
        )

    def ratings(self) -> Ratings:
        """As coefficients take them, row by row: of kinds of which an answer is one category. Items are named by
        their numbers, with zeros before them.

        Categories are all that the field has, also those that nobody chose, which AC1 counts.
        """  # noqa: D205 - one thought
        items = [f"{number:09}" for number in self.numbers.tolist()]
        found = ratings(items, self.authors.tolist(), self.answers.tolist(), categories(self.field, self.answers))
        if self.field.kind == "ordinal":
            return _stepped(found, self.field)
        return found if self.field.kind == "numeric" else replace(found, positions=None, steps=False)

    def by_pairs(self) -> tuple[Ratings, Codes]:
        """Rankings as preferences: of every two sides of an item which is first; and of each such its item's code."""
        rows = [
            (f"{number:09} {one} {other}", author, said)
            for number, author, answer in zip(self.numbers.tolist(), self.authors, self.answers, strict=True)
            for one, other, said in preferences(answer)
        ]
        items, authors, said = ([row[at] for row in rows] for at in range(3))
        found = replace(ratings(items, authors, said, (FIRST, TIE, SECOND)), positions=None, steps=False)
        return found, np.unique([int(name[:9]) for name in found.ids], return_inverse=True)[1].astype(np.intp)


def _stepped(found: Ratings, field: Asked) -> Ratings:
    """An ordinal field whose choices are given numbers that rise is one of differences too."""
    given = [one.number for one in field.choices]
    told = [one for one in given if one is not None]
    if len(told) < len(given) or any(b <= a for a, b in pairwise(told)):
        return found
    return replace(found, positions=np.array(told, np.float64), steps=True)


def categories(field: Asked, answers: Iterable[str]) -> list[str] | None:
    """What an answer can be, in the field's order; null: numbers, which have their own."""
    if field.kind == "numeric":
        return None
    if field.kind == "preference":
        return ["a", TIE, "b"] if field.ties else ["a", "b"]
    return sorted(set(answers)) if field.several else [one.value for one in field.choices]


def preferences(ranking: str) -> list[tuple[str, str, str]]:
    """Every two sides of a ranking, by key, and which is first."""
    ranks = {side: rank for rank, group in enumerate(json.loads(ranking)) for side in group}
    return [
        (one, other, TIE if ranks[one] == ranks[other] else FIRST if ranks[one] < ranks[other] else SECOND)
        for one, other in combinations(sorted(ranks), 2)
    ]


def labels(told: Told, field: Asked, authors: Sequence[str] = ()) -> tuple[Labels, int]:
    """The labels of a field that fit it, of gold items too, and how many do not. `authors`: of these; empty: of all."""
    there = pc.equal(told.table["field"], field.name)
    if authors:
        there = pc.and_(there, pc.is_in(told.table["author"], pa.array(list(authors))))
    rows = np.flatnonzero(there.to_numpy(zero_copy_only=False)).astype(np.intp)
    mine = told.table.select(["number", "author", "answer", "saved_at"]).take(pa.array(rows))
    coded = mine["answer"].combine_chunks().dictionary_encode()
    texts = [fitting(field, one) for one in coded.dictionary.to_pylist()]
    answers = np.array([*texts, None], object)[coded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)]
    numbers, names = mine["number"].to_numpy().astype(np.intp), _texts(mine["author"])
    order = np.lexsort((_ranks(names), numbers))
    kept = order[[one is not None for one in answers[order]]]
    times = mine["saved_at"].to_numpy().astype("datetime64[us]")
    return Labels(field, numbers[kept], names[kept], answers[kept], times[kept], rows[kept]), int(
        order.size - kept.size
    )


def without(found: Labels, golds: Mapping[int, Any]) -> Labels:
    """Labels of items that are not gold."""
    return found.of(~np.isin(found.numbers, np.fromiter(golds, np.intp, len(golds))))


def _texts(column: pa.ChunkedArray) -> NDArray[Any]:
    coded = column.combine_chunks().dictionary_encode()
    names = np.array([*coded.dictionary.to_pylist(), None], object)  # null keeps it from being an array of letters
    return np.asarray(names[coded.indices.to_numpy()])


def _ranks(names: NDArray[Any]) -> Codes:
    every = {name: rank for rank, name in enumerate(sorted(set(names.tolist())))}
    return np.array([every[name] for name in names], np.intp)


def text_of(answer: Any) -> str | None:
    """An answer as labels have it: text as it is, all else as JSON; null: none."""
    return answer if answer is None or isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))


def told_of(field: Asked, text: str | None) -> Any:
    """The answer of such a text: a number, a list, or the text."""
    if text is None:
        return None
    if field.kind == "numeric":
        return float(text)
    return json.loads(text) if field.several or field.kind in {"ranking", "spans"} else text


def fitting(field: Asked, text: str | None) -> str | None:
    """An answer, equal ones written alike; null: it does not fit the field as it is asked now."""
    if text is None:
        return None
    try:
        return _FITTING[field.kind](field, text)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def _choice(field: Asked, text: str) -> str | None:
    values = [one.value for one in field.choices]
    if not field.several:
        return text if text in values else None
    chosen = set(json.loads(text))
    return None if chosen - set(values) else json.dumps([one for one in values if one in chosen], separators=(",", ":"))


def _number(field: Asked, text: str) -> str | None:
    value = float(text)
    low, high = (bound if bound is not None else value for bound in (field.low, field.high))
    return f"{value:.15g}" if isfinite(value) and low <= value <= high else None


def _side(field: Asked, text: str) -> str | None:
    return text if text in {"a", "b"} or (field.ties and text == TIE) else None


def _ranking(field: Asked, text: str) -> str | None:
    groups = [sorted(group) for group in json.loads(text)]
    sides = [side for group in groups for side in group]
    if len(set(sides)) < len(sides) or (not field.ties and len(groups) < len(sides)):
        return None
    return json.dumps(groups, separators=(",", ":"))


def _spans(field: Asked, text: str) -> str | None:
    kinds = {one.value for one in field.choices}
    marks = [
        {
            "side": one.get("side", "a"),
            "part": one["part"],
            "start": int(one["start"]),
            "end": int(one["end"]),
            "label": one["label"],
        }
        for one in json.loads(text)
    ]
    if any(one["label"] not in kinds or one["end"] <= one["start"] for one in marks):
        return None
    marks.sort(key=lambda one: (one["side"], one["part"], one["start"], one["end"], one["label"]))
    return json.dumps(marks, separators=(",", ":"))


_FITTING: dict[Kind, Callable[[Asked, str], str | None]] = defaultdict(
    lambda: lambda _, text: text,
    {
        "binary": _choice, "categorical": _choice, "ordinal": _choice, "numeric": _number, "preference": _side,
        "ranking": _ranking, "spans": _spans,
    },
)  # fmt: skip
