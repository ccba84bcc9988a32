"""Variants head to head: who won how often against whom, and where wins go round in a circle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analytics.intervals import LEVEL
from analytics.judging import even_odds
from analytics.ranking import Judgements

Counts = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Tables of rows against columns, in the order of `names`."""

    names: tuple[str, ...]
    wins: Counts  # judgements that the row won
    ties: Counts
    ahead: Counts  # items in which the row won more of these judgements than it lost
    items: Counts  # in which the two met


def heads(told: Judgements, names: Sequence[str]) -> Heads:
    """Counts of each pair of variants; `names`: all of them, in the order of the tables."""
    places = {name: place for place, name in enumerate(names)}
    k = len(places)
    a, b = (np.array([places[name] for name in side], np.intp) for side in (told.a, told.b))
    outcome = np.asarray(told.outcome, np.float64)
    wins, ties = np.zeros((k, k), np.intp), np.zeros((k, k), np.intp)
    np.add.at(wins, (a, b), outcome == 1)
    np.add.at(wins, (b, a), outcome == 0)
    np.add.at(ties, (a, b), outcome == 0.5)
    item = np.unique(np.asarray(told.items), return_inverse=True)[1].ravel()
    first, second = np.minimum(a, b), np.maximum(a, b)
    met, of = np.unique((item * k + first) * k + second, return_inverse=True)
    balance = np.bincount(of.ravel(), np.where(a < b, 2 * outcome - 1, 1 - 2 * outcome), met.size)
    low, high = met // k % k, met % k
    ahead, items = np.zeros((k, k), np.intp), np.zeros((k, k), np.intp)
    np.add.at(ahead, (low, high), balance > 0)
    np.add.at(ahead, (high, low), balance < 0)
    np.add.at(items, (low, high), 1)
    return Heads(tuple(names), wins, ties + ties.T, ahead, items + items.T)


def circles(found: Heads, level: float = LEVEL) -> list[tuple[str, str, str]]:
    """Triples of which each wins against the next and the last against the first, each by the sign test over items.

    One strength a variant cannot tell such triples. All three tests are to reject, so that no correction is due.
    """
    k, ahead = len(found.names), found.ahead
    beats = np.zeros((k, k), bool)
    for i, j in combinations(range(k), 2):
        n = int(ahead[i, j] + ahead[j, i])
        if even_odds(int(ahead[i, j]), n) < 1 - level:
            winner, loser = (i, j) if ahead[i, j] > ahead[j, i] else (j, i)
            beats[winner, loser] = True
    told = []
    for i, j, other in combinations(range(k), 3):
        for x, y, z in ((i, j, other), (i, other, j)):
            if beats[x, y] and beats[y, z] and beats[z, x]:
                told.append((found.names[x], found.names[y], found.names[z]))
    return told
