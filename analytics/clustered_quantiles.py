"""Quantiles of rows that belong to items and clusters, in which each item counts alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from analytics import special
from analytics.clustered import Share, share_of
from analytics.intervals import LEVEL, Estimate
from analytics.items import Items

_STEPS = 40  # halvings of the logarithm of a p-value, from 1e-12 to 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Quantile:
    """A quantile, whose bounds are values of the sample.

    Its bounds are the values beyond which there are neither too many rows nor too few, at the effective size that the
    share of rows up to the quantile has (Woodruff 1952, JASA 47, 635-646). Of items with one row each that are
    their own clusters, these are the order statistics of the binomial distribution, and the test of the share says the
    same as they do. They are whole ranks, a little wider than those of `intervals.quantile`, which hold on average.
    """

    q: float
    value: float  # interpolated linearly, as `intervals.quantile` where items have as many rows
    rows: NDArray[np.float64]  # sorted
    reached: NDArray[np.float64]  # the share of rows up to this one
    share: Share  # of rows up to the quantile

    def low(self, tail: float) -> float | None:
        """The value that the quantile is not below, but for an error of `tail`; null: the sample has none."""
        size = self.share.size()
        if self.share.spread.clusters < 2 or (1 - self.q) ** size >= (inner := self.share.inner(tail)):
            return None
        return self._at(float(special.bdtrik(inner, size, self.q)) - 1e-9)

    def high(self, tail: float) -> float | None:
        """The value that the quantile is not above, but for an error of `tail`; null: the sample has none."""
        size = self.share.size()
        if self.share.spread.clusters < 2 or self.q**size >= (inner := self.share.inner(tail)):
            return None
        return self._at(float(special.bdtrik(1 - inner, size, self.q)) + 1 + 1e-9)

    def estimate(self, level: float = LEVEL) -> Estimate:
        """With both ends; `n` is of clusters."""
        tail = (1 - level) / 2
        return Estimate(self.value, self.low(tail), self.high(tail), self.share.spread.clusters)

    def _at(self, hits: float) -> float | None:
        place = int(np.searchsorted(self.reached, hits / self.share.size()))
        return float(self.rows[place]) if place < self.rows.size else None


def quantile_of(items: Items, q: float) -> Quantile:
    """The q-quantile of all known rows, in which items have the same weight; at least one row.

    Raises:
        ValueError: q is not between 0 and 1.
    """
    if not 0 < q < 1:
        raise ValueError(f"A quantile lies between 0 and 1, and {q} does not.")
    unsorted = (1 / items.repeats)[items.place]
    order = np.lexsort((unsorted, items.known))  # so that of equal values the order of rows changes nothing
    ordered, weights = items.known[order], unsorted[order]
    value = _interpolated(ordered, weights, q)
    reached = np.cumsum(weights) / items.ids.size
    return Quantile(q, value, ordered, reached, share_of(items.shares(items.known <= value), items.clusters))


def _interpolated(ordered: NDArray[np.float64], weights: NDArray[np.float64], q: float) -> float:
    """Linearly between the values, which lie as far apart as half of their weights: numpy's for equal weights."""
    if np.ptp(weights) == 0:
        return float(np.quantile(ordered, q))
    places = np.concatenate(([0.0], np.cumsum(weights[1:] + weights[:-1])))
    return float(np.interp(q, places / places[-1], ordered))


@dataclass(frozen=True, slots=True)
class Difference:
    """One quantile less another, by the bounds of both (`differences`), as if the samples knew nothing of each other.

    Runs over the same items do: what is hard once is hard again, and the difference is surer than this says. So it
    errs to the safe side, and asks nothing of the distributions.
    """

    first: Quantile
    second: Quantile  # the difference is this one less the first

    @property
    def value(self) -> float:
        return self.second.value - self.first.value

    def low(self, tail: float) -> float | None:
        return self._end(self.second.low(tail), self.first.high(tail), -1)

    def high(self, tail: float) -> float | None:
        return self._end(self.second.high(tail), self.first.low(tail), 1)

    def _end(self, second: float | None, first: float | None, sign: int) -> float | None:
        if second is None or first is None:
            return None
        # Of few rows, an end at a high error may lie on the other side of an interpolated value.
        reaches = sign * (second - self.second.value), sign * (self.first.value - first)
        return self.value + sign * hypot(*(max(reach, 0.0) for reach in reaches))

    def estimate(self, level: float = LEVEL) -> Estimate:
        """With both ends; `n` is of clusters."""
        tail = (1 - level) / 2
        return Estimate(self.value, self.low(tail), self.high(tail), self.second.share.spread.clusters)

    def below(self, bound: float) -> float:
        """The p-value of the difference being below the bound; 1 where no error below one half shows it."""
        return least_tail(lambda tail: (end := self.high(tail)) is not None and end < bound)

    def above(self, bound: float) -> float:
        """The p-value of the difference being above the bound; 1 where no error below one half shows it."""
        return least_tail(lambda tail: (end := self.low(tail)) is not None and end > bound)


def least_tail(shown: Callable[[float], bool]) -> float:
    """The least error at which an end shows it, by halving: ends move one way with it. 1: none below one half."""
    none, some = float(np.log(1e-12)), float(np.log(0.5))
    if not shown(0.5):
        return 1.0
    for _ in range(_STEPS):
        middle = (none + some) / 2
        none, some = (none, middle) if shown(float(np.exp(middle))) else (middle, some)
    return float(np.exp(some))
