"""One answer for each item and field: what was decided, else known (gold), else said by most, else by the model.

The model is Dawid and Skene's (`analytics.consensus`). It gives every answer of kinds that have categories its
probability, and breaks a tie where it is sure enough.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median
from typing import Any, Literal

import numpy as np

from analytics import consensus as models
from analytics.columns import Floats
from analytics.ratings import Ratings
from server.labelling import marked
from server.labelling.ratings import TOLD_APART, Answers, Ask, Labels, Told, labels, read, told_of
from server.labelling.terms import Asked

By = Literal["decision", "gold", "majority", "dawid_skene", "median", "mean_rank", "single", "tied"]
SURE = 0.8  # probability from which the model breaks a tie: what it breaks is wrong in one of five at most
LEAST_HELD = 10  # labels of a person on items that others labelled too, from which the model is asked
MOST_CATEGORIES = 30  # of which each labeller has a table of as many times as many chances


@dataclass(frozen=True, slots=True)
class Agreed:
    """The consensus of one item and field."""

    number: int
    field: str
    answer: Any  # as labels have it; null: tied
    by: By
    probability: (
        float | None
    )  # by the model, of this answer (of a tie of the likeliest); null: it knows too little, or people settled it
    n: int  # labels
    agreeing: int  # labels that are this answer; of a tie as many as the most frequent has


def of_queue(ask: Ask, queue: str, field: str | None = None) -> list[Agreed]:
    """The consensus of a queue's items that have a label, by field and number; gold items too.

    Raises:
        LookupError: there is no such queue.
    """
    told = read(ask, queue, field)
    return [row for one in told.terms.fields if field in {None, one.name} for row in agreed(told, one)]


def answer(ask: Ask, queue: str, field: str | None) -> list[dict[str, Any]]:
    """`of_queue` as plain rows."""
    return [asdict(one) for one in of_queue(ask, queue, field)]


def agreed(told: Told, field: Asked, found: Labels | None = None) -> list[Agreed]:
    """The consensus of one field, by number. `found`: its labels, where they are read already."""
    if found is None:
        found, _ = labels(told, field)
    if not found.size:
        return []
    decided, gold = told.decided(field), told.right(field)
    if field.kind in TOLD_APART and field.kind != "numeric":  # whose middle says more than its most frequent value
        return [_settled(one, found.field, decided, gold, said) for one, said in _counted(found)]
    return [_settled(one, field, decided, gold, said) for one, said in _uncounted(found)]


def _settled(one: Agreed, field: Asked, decided: Answers, gold: Answers, said: Sequence[str]) -> Agreed:
    """What people settled goes before what labels say."""
    by: By = "decision" if one.number in decided else "gold"
    text = decided.get(one.number, gold.get(one.number))
    if text is None:
        return one
    return Agreed(one.number, one.field, told_of(field, text), by, None, one.n, list(said).count(text))


def _counted(found: Labels) -> Iterator[tuple[Agreed, list[str]]]:
    """By majority and model; items in their order, each with its labels."""
    rated = found.ratings()
    if len(rated.categories) > MOST_CATEGORIES:
        yield from _uncounted(found)
        return
    votes, chances = models.majority(rated), _chances(rated)
    for at, (number, said) in enumerate(_said(found)):
        most, n, known = int(votes.labels[at]), int(votes.n[at]), not np.isnan(chances[at, 0])
        by: By = "single" if n == 1 else "majority"
        if most < 0:
            likely = int(chances[at].argmax())
            sure = known and bool(votes.tied[at, likely]) and float(chances[at, likely]) >= SURE
            most, by = (likely, "dawid_skene") if sure else (-1, "tied")
        text = None if most < 0 else rated.categories[most]
        chance = round(float(chances[at].max() if most < 0 else chances[at, most]), 6) if known else None
        told = told_of(found.field, text)
        yield Agreed(number, found.field.name, told, by, chance, n, int(votes.votes[at])), said


def _chances(rated: Ratings) -> Floats:
    """By the model: [item, category]; NaN where it knows one of the item's labellers from too few others' labels."""
    held = (rated.counts() > 1)[rated.items]
    chances = np.full((rated.ids.size, len(rated.categories)), np.nan)
    if not held.any():
        return chances
    known = np.bincount(rated.labellers[held], minlength=rated.names.size) >= LEAST_HELD
    unknown = np.bincount(rated.items, (~known)[rated.labellers], rated.ids.size) > 0
    found = models.consensus(rated).chances
    return np.where(unknown[:, None], chances, found)


def _said(found: Labels) -> Iterator[tuple[int, list[str]]]:
    numbers, firsts = np.unique(found.numbers, return_index=True)
    ends = [*firsts[1:].tolist(), found.size]
    for number, start, stop in zip(numbers.tolist(), firsts.tolist(), ends, strict=True):
        yield number, found.answers[start:stop].tolist()


def _uncounted(found: Labels) -> Iterator[tuple[Agreed, list[str]]]:
    for number, said in _said(found):
        yield _alone(found.field, number, said), said


def _alone(field: Asked, number: int, said: list[str]) -> Agreed:
    """An item by itself, of kinds without a model: what most said; else of numbers the median, of rankings the mean
    rank, of marks the characters that most marked.
    """  # noqa: D205 - one thought
    text, votes = Counter(said).most_common(1)[0]
    n = len(said)
    if votes * 2 > n:
        return Agreed(number, field.name, told_of(field, text), "single" if n == 1 else "majority", None, n, votes)
    if field.kind == "numeric":
        return Agreed(number, field.name, float(median(float(one) for one in said)), "median", None, n, votes)
    if field.kind == "ranking":
        return Agreed(number, field.name, mean_ranking(said), "mean_rank", None, n, votes)
    if field.kind == "spans" and n > 2:
        return Agreed(number, field.name, marked.most(said), "majority", None, n, votes)
    return Agreed(number, field.name, None, "tied", None, n, votes)


def mean_ranking(said: Sequence[str]) -> list[list[str]]:
    """Sides by their mean rank, where those that are alike share the mean of their places (Borda's count)."""
    ranks: defaultdict[str, list[float]] = defaultdict(list)
    for ranking in said:
        before = 0
        for group in json.loads(ranking):
            for side in group:
                ranks[side].append(before + (len(group) - 1) / 2)
            before += len(group)
    means: defaultdict[float, list[str]] = defaultdict(list)
    for side, places in ranks.items():
        means[round(mean(places), 9)].append(side)
    return [sorted(means[rank]) for rank in sorted(means)]
