"""One label for each item from those of several labellers: by majority, and by the model of Dawid and Skene.

Dawid and Skene (1979, Applied Statistics 28(1), 20-28): an item has one true label, and each labeller says each label
with a chance that depends on the true one. EM finds both; whom to believe comes out of the labels themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics import special
from analytics.columns import Bools, Floats
from analytics.intervals import LEVEL
from analytics.ratings import Codes, Ratings

STARTS = 5
SMOOTHING = 1.0  # labels of each kind that a labeller is taken to have given beforehand, spread over what may be said,
# and once more said right: so that no chance is 0, and a labeller of few labels is no oracle
_STEPS = 200
_CLOSE = 1e-8  # of the objective, at which EM ends
_SAME = 1e-5  # of the objective, within which two starts came to the same


@dataclass(frozen=True, slots=True, eq=False)
class Majority:
    """The label that most gave each item."""

    labels: Codes  # places in `categories`; -1: two or more are tied
    tied: Bools  # [item, category]: which labels have the most votes
    votes: Floats  # how many gave the most frequent label
    n: Codes  # labels of the item


def majority(found: Ratings) -> Majority:
    """The most frequent label of each item; a tie has no label, and is told."""
    q = len(found.categories)
    counts = np.bincount(found.items * q + found.labels, minlength=found.ids.size * q).reshape(-1, q)
    most = counts.max(axis=1)
    tied = (counts == most[:, None]) & (counts > 0)
    labels = np.where(tied.sum(axis=1) == 1, counts.argmax(axis=1), -1).astype(np.intp)
    return Majority(labels, tied, most.astype(float), counts.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """What the model says of items and of labellers."""

    chances: Floats  # [item, category]: the posterior of its true label
    shares: Floats  # of categories among items
    confusion: Floats  # [labeller, true, said]; rows add up to 1
    expected: Floats  # [labeller, true, said]: labels, by the chances of the true one; without what is smoothed
    steps: int
    converged: bool
    starts: int
    agreeing: int  # starts that came to the same as the best

    def entropies(self) -> Floats:
        """How unsure an item's label is, from 0 (sure) to 1 (all categories are as likely)."""
        told = np.where(self.chances > 0, self.chances, 1.0)
        return np.asarray(-(told * np.log(told)).sum(axis=1) / max(float(np.log(self.shares.size)), 1e-300))


def consensus(found: Ratings, *, smoothing: float = SMOOTHING, starts: int = STARTS, seed: int = 0) -> Consensus:
    """The model's maximum: of the likelihood where `smoothing` is 0, else of the posterior.

    The first start believes all labellers alike, the others some more than others; the best of all is kept. Nothing
    depends on the order of rows.

    Args:
        found: the labels, of at least one item.
        smoothing: see `SMOOTHING`.
        starts: how many.
        seed: of whom the starts believe.
    """
    table = _table(found)
    prior = _prior(len(found.categories), smoothing)
    rng = np.random.default_rng(seed)
    ends = []
    for at in range(max(starts, 1)):
        trust = np.ones(found.names.size) if at == 0 else rng.uniform(0.1, 2.0, found.names.size)
        ends.append(_climbed(table, _votes(found, trust), prior))
    best = max(ends, key=lambda end: end[0])
    agreeing = sum(best[0] - end[0] <= _SAME * abs(best[0]) for end in ends)
    _, chances, steps, converged = best
    shares, counted, chance = _maximised(table, chances, prior)
    size = (found.names.size, len(found.categories), len(found.categories))
    return Consensus(
        chances, shares, chance.reshape(size).transpose(0, 2, 1), counted.reshape(size).transpose(0, 2, 1), steps,
        converged, len(ends), agreeing,
    )  # fmt: skip


def share_right(expected: Floats, level: float = LEVEL) -> tuple[float | None, float | None, float | None, float]:
    """Of one labeller's expected labels [true, said] the share that is right, its bounds (Jeffreys), and their number.

    The bounds take the consensus for granted, as far as its chances are.
    """
    total, right = float(expected.sum()), float(np.trace(expected))
    if total <= 0:
        return None, None, None, 0.0
    tail = (1 - level) / 2
    ends = special.betaincinv(right + 0.5, max(total - right, 0.0) + 0.5, np.array([tail, 1 - tail])).tolist()
    value = min(right / total, 1.0)
    return value, min(ends[0], value), max(ends[1], value), total


def _table(found: Ratings) -> Any:
    """[item, labeller and label], how often."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - only where there are labels

    q = len(found.categories)
    columns = found.labellers * q + found.labels
    size = (found.ids.size, found.names.size * q)
    return coo_array((np.ones(found.size), (found.items, columns)), shape=size).tocsr()


def _votes(found: Ratings, trust: Floats) -> Floats:
    q = len(found.categories)
    places = found.items * q + found.labels
    votes = np.bincount(places, trust[found.labellers], found.ids.size * q).reshape(-1, q)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def _prior(q: int, smoothing: float) -> Floats:
    """Labels beforehand, [said, true]."""
    return np.asarray(smoothing * (np.full((q, q), 1 / q) + np.eye(q)))


def _climbed(table: Any, chances: Floats, prior: Floats) -> tuple[float, Floats, int, bool]:
    """EM from these chances: the objective, the chances of each item, the steps, and whether it came to an end."""
    before = -np.inf
    for step in range(1, _STEPS + 1):
        shares, _, chance = _maximised(table, chances, prior)
        logs = np.log(np.maximum(shares, 1e-300)) + table @ np.log(np.maximum(chance, 1e-300))
        tops = logs.max(axis=1, keepdims=True)
        chances = np.exp(logs - tops)
        totals = chances.sum(axis=1, keepdims=True)
        chances /= totals
        reached = float((tops + np.log(totals)).sum()) + _beforehand(chance, prior)
        if reached - before <= _CLOSE * abs(reached):
            return reached, chances, step, True
        before = reached
    return before, chances, _STEPS, False


def _maximised(table: Any, chances: Floats, prior: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of categories, expected labels and chances of what is said, [labeller and said, true]."""
    q = int(chances.shape[1])
    counted = np.asarray(table.T @ chances)
    told = counted.reshape(-1, q, q) + prior
    totals = told.sum(axis=1, keepdims=True)
    chance = np.divide(told, totals, out=np.full(told.shape, 1 / q), where=totals > 0)
    return chances.mean(axis=0), counted, chance.reshape(-1, q)


def _beforehand(chance: Floats, prior: Floats) -> float:
    q = int(prior.shape[0])
    return float((np.log(np.maximum(chance, 1e-300)).reshape(-1, q, q) * prior).sum())
