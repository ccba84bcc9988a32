"""Which answers to have labelled, so that few labels find many errors of judges.

Three signals, of which each is known or not for an answer:

* uncertain: how near a judge is to deciding otherwise. Its value near the line between yes and no, or its own
  confidence near a coin's (uncertainty sampling: Lewis and Gale 1994).
* apart: how far judges decide differently, as the entropy of their votes over the largest that it can be (query by
  committee: Seung, Opper and Sompolinsky 1992; vote entropy: Dagan and Engelson 1995).
* diverse: of those that are worth most, answers that are not like one another. The next is the one whose worth times
  distance to the nearest that is taken is largest (greedy k-center: Gonzalez 1985; for batches of labels: Sener and
  Savarese 2018, arXiv 1708.00489).

The worth of an answer is the mean of what is known of uncertain and apart. Either alone can fail, and does on recorded
data: where weak judges are fooled together, and the good one is not, their disagreement points away from its errors.
Judges that are sure, agree and err are found by neither: only a random sample tells how many there are.

What is taken so is no random sample. A rate among it says nothing of all answers; its inclusion has no probability.
`inclusion` and `drawn` take answers at random in proportion to their worth instead: each has a known probability, and
weights of one over it make rates right (Horvitz and Thompson 1952; with judges: Zrnic and Candes 2024, arXiv
2403.03208).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Floats

Places = NDArray[np.int64]
Decisions = Sequence[str | None]

FLOOR = 0.2  # of the chance of an answer of mean worth, what one that is worth nothing has at least
POOL = 3  # times as many as are taken are compared by what they say


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """What one judge says of each answer."""

    name: str
    values: Floats  # NaN: none
    labels: Decisions  # null: none
    confidence: Floats  # 0 to 1, that its decision is right, as it says itself; NaN: it does not say
    threshold: float | None = None  # from which value on it says yes; null: halfway between its extremes

    @property
    def line(self) -> float:
        """Where it decides otherwise; NaN: it told no value."""
        if self.threshold is not None:
            return self.threshold
        told = self.values[~np.isnan(self.values)]
        return float(told.min() + told.max()) / 2 if told.size else float("nan")

    def decisions(self) -> list[str | None]:
        """What it decides: by its value, else its label; null: neither is there."""
        line = self.line
        return [
            label if np.isnan(value) else ("yes" if value >= line else "no")
            for value, label in zip(self.values.tolist(), self.labels, strict=True)
        ]


def uncertainty(judge: Judge) -> Floats:
    """How uncertain a judge is of each answer, 0 to 1; NaN: unknown.

    By what it says of its own confidence, from 1 at a half; else by its value, 1 on the line and 0 at the value that is
    farthest from the line on the same side. A judge that only ever says two values tells nothing so.
    """
    off = judge.values - judge.line
    told = off[~np.isnan(off)]
    near = np.full(len(off), np.nan)
    if np.unique(told).size > 2:
        reach = np.where(off >= 0, max(float(told.max()), 0.0), max(float(-told.min()), 0.0))
        near = 1 - np.divide(np.abs(off), reach, out=np.zeros_like(off), where=reach > 0)
        near = np.where(np.isnan(off), np.nan, near)
    return np.where(np.isnan(judge.confidence), near, np.clip(2 * (1 - judge.confidence), 0, 1))


def apart(decisions: Sequence[Decisions]) -> Floats:
    """How far judges decide differently of each answer, 0 (all the same) to 1; NaN: fewer than two decide.

    Args:
        decisions: of each judge, those of all answers in one order.
    """
    kinds = len({one for judge in decisions for one in judge if one is not None})
    votes = ([one for one in answer if one is not None] for answer in zip(*decisions, strict=True))
    return np.array([_entropy(one, kinds) for one in votes], dtype=np.float64)


def _entropy(votes: Sequence[str], kinds: int) -> float:
    if len(votes) < 2:
        return float("nan")
    shares = [count / len(votes) for count in Counter(votes).values()]
    most = log(min(len(votes), max(kinds, 2)))
    return abs(sum(share * log(share) for share in shares)) / most


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """What is known of each answer, each 0 to 1; NaN: unknown."""

    uncertain: Floats  # the mean of the judges, of which one that is never sure tells little
    judge: Places  # which of them is most uncertain; -1: none
    apart: Floats

    @property
    def worth(self) -> Floats:
        """The mean of what is known; 0 where nothing is."""
        both = np.stack([self.uncertain, self.apart])
        known = ~np.isnan(both)
        return np.asarray(np.where(known, both, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def signals(judges: Sequence[Judge], *, uncertain: bool = True, differing: bool = True) -> Signals:
    """Of judges of the same answers; `uncertain`, `differing`: whether each signal counts.

    Raises:
        ValueError: there is no judge.
    """
    if not judges:
        raise ValueError("there is no judge, so nothing is known to be uncertain")
    none = np.full(len(judges[0].values), np.nan)
    by_judge = np.stack([uncertainty(one) if uncertain else none for one in judges])
    known = ~np.isnan(by_judge)
    filled = np.where(known, by_judge, -1.0)
    told = known.sum(axis=0)
    mean = np.divide(np.where(known, by_judge, 0).sum(axis=0), told, out=none.copy(), where=told > 0)
    return Signals(
        mean, np.where(told > 0, filled.argmax(axis=0), -1),
        apart([one.decisions() for one in judges]) if differing and len(judges) > 1 else none,
    )  # fmt: skip


def best(worth: Floats, most: int) -> Places:
    """The answers that are worth most, the best first; equals as they are told, in an order that should be random."""
    return np.argsort(-worth, kind="stable")[:most].astype(np.int64)


def diverse(vectors: NDArray[np.float32], worth: Floats, most: int) -> Places:
    """As `best`, of answers that are not like one another: those that say the same come last.

    Args:
        vectors: of each answer, of length 1; shape (n, width).
        worth: of each, 0 to 1.
        most: how many are taken.
    """
    if not len(worth):
        return np.zeros(0, dtype=np.int64)
    pull = worth - worth.min() + max(float(np.ptp(worth)), 1e-6) / 2  # the least worth still counts for its distance
    taken = [int(np.argmax(worth))]
    apart_from = np.full(len(worth), np.inf)
    while len(taken) < min(most, len(worth)):
        likes = vectors @ vectors[taken[-1]]
        apart_from = np.minimum(apart_from, np.sqrt(np.maximum(2 - 2 * likes, 0)))
        apart_from[taken] = -1.0
        taken.append(int(np.argmax(np.where(apart_from < 0, -1.0, (apart_from + 1e-6) * pull))))
    return np.array(taken, dtype=np.int64)


def inclusion(worth: Floats, most: int, floor: float = FLOOR) -> Floats:
    """The chance of each answer to be taken, so that about `most` are: in proportion to its worth, and never none.

    Of an answer that is worth nothing it is `floor` of that of one of mean worth, so that no weight becomes huge.
    """
    mean = float(worth.mean()) if worth.size else 0.0
    size = (1 - floor) * worth + floor * (mean or 1.0)
    chance = np.zeros(len(worth))
    sure = np.zeros(len(worth), dtype=bool)
    while (left := min(most, len(worth)) - int(sure.sum())) > 0:
        chance = np.where(sure, 1.0, left * size / size[~sure].sum())
        over = ~sure & (chance >= 1)
        if not over.any():
            break
        sure |= over
    return np.where(sure, 1.0, np.minimum(chance, 1.0))


def drawn(chance: Floats, start: float) -> Places:
    """Answers taken at random with these chances: systematic sampling (Madow 1949), in order.

    The order in which they are told should be random, as one by hash is. As many are taken as the chances add up to,
    rounded up or down.

    Args:
        chance: of each, 0 to 1.
        start: at random within 0 and 1.
    """
    upto = np.cumsum(chance)
    return np.flatnonzero(np.floor(upto - start) > np.floor(np.concatenate(([0.0], upto[:-1])) - start))
