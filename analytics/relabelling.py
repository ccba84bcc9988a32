"""What chance alone makes of two samples: whole clusters are labelled anew, and what comes is counted again.

Rows of one cluster depend on one another, so that a cluster changes its side as a whole (Pitman 1937; Good 2005,
Permutation, Parametric and Bootstrap Tests of Hypotheses, chapter 3). A cluster that both sides have swaps its two
parts, or does not. Everything that is counted by bins (categories, classes of a number) comes of one product of
matrices, draw by draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray

from analytics import special
from analytics.columns import Floats
from analytics.items import coded

DRAWS = 2_000
PART = 500  # draws after which it is asked whether they are enough
SURE = 30  # draws as far out as the data, below which the tail is drawn on by a line
_TAIL = 0.1  # of the draws, to which that line is laid
_ENOUGH = log(1e7)  # relabellings, as a logarithm, from which the tail may be drawn on
_BLOCK = 1 << 22  # labels that are drawn at once: 32 MB

Codes = NDArray[np.intp]
Clusters = tuple[Codes, Codes] | None
"""Of the rows of each sample, with the same codes on both sides; null: each row is its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Two:
    """The bins of two samples' rows, with the clusters that the rows belong to."""

    reference: Codes  # bins from 0
    current: Codes
    bins: int
    clusters: Clusters = None

    def counts(self) -> tuple[Floats, Floats]:
        """Rows by bin, of each sample."""
        first, second = (np.bincount(one, minlength=self.bins) for one in (self.reference, self.current))
        return first.astype(float), second.astype(float)

    def least(self) -> float:
        """The p-value of the clearest result that so few clusters could have given: one of all relabellings."""
        return min(1.0, exp(-self._relabellings()))

    def _relabellings(self) -> float:
        if self.clusters is None:
            return _log_choose(self.reference.size + self.current.size, self.current.size)
        first, second = (set(np.unique(one).tolist()) for one in self.clusters)
        shared = len(first & second)
        return shared * log(2) + _log_choose(len(first) + len(second) - 2 * shared, len(second) - shared)

    def drawn(self, draws: int = DRAWS, seed: int = 0) -> tuple[Floats, Floats]:
        """Counts by bin of the reference and of the current sample, [draw, bin], had labels fallen otherwise."""
        first, second = zip(*self.parts(draws, seed), strict=True)
        return np.concatenate(first), np.concatenate(second)

    def parts(self, draws: int = DRAWS, seed: int = 0) -> Iterator[tuple[Floats, Floats]]:
        """The same, `PART` draws at a time, for whoever may know enough before the last of them."""
        rng = np.random.default_rng(seed)
        first, second = self.counts()
        whole = first + second
        draw = self._dealing(rng) if self.clusters is None else self._by_clusters(rng)
        for start in range(0, draws, PART):
            current = draw(min(PART, draws - start))
            yield whole - current, current

    def _dealing(self, rng: np.random.Generator) -> Callable[[int], Floats]:
        whole, size = np.add(*self.counts()).astype(np.int64), self.current.size
        return lambda many: rng.multivariate_hypergeometric(whole, size, many).astype(float)

    def _by_clusters(self, rng: np.random.Generator) -> Callable[[int], Floats]:
        from scipy import sparse  # noqa: PLC0415 - only where there are clusters

        labels, codes = coded(np.concatenate(self.clusters or ()))
        own = codes[: self.reference.size], codes[self.reference.size :]
        shape = (labels.size, self.bins)
        # Counts are whole numbers, which 32 bits hold up to 16 million rows, in half the time.
        first, second = (
            sparse.csr_array((np.ones(bins.size, np.float32), (of, bins)), shape=shape)
            for bins, of in zip((self.reference, self.current), own, strict=True)
        )
        there = [np.bincount(of, minlength=labels.size) > 0 for of in own]
        shared = there[0] & there[1]
        # A cluster of one side counts where its label is 1; one of both has its current rows there, else the others.
        kept = sparse.diags_array(shared.astype(np.float32)) @ first
        turned, base = (first + second - 2 * kept).T.tocsr(), kept.sum(axis=0)
        single, both = np.flatnonzero(~shared), np.flatnonzero(shared)
        ones, step = int(there[1][single].sum()), max(1, _BLOCK // max(labels.size, 1))

        def draw(many: int) -> Floats:
            found = np.empty((self.bins, many))
            for start in range(0, many, step):
                some = min(step, many - start)
                drawn = np.empty((labels.size, some), np.float32)
                drawn[single] = dealt(rng, some, single.size, ones).T
                drawn[both] = rng.integers(0, 2, (both.size, some), np.int8)
                found[:, start : start + some] = turned @ drawn + base[:, None]
            return found.T

        return draw


def dealt(rng: np.random.Generator, draws: int, size: int, ones: int) -> NDArray[np.bool_]:
    """Labels [draw, place], of which so many are true in each draw: those of the least of as many random numbers.

    A third of the time of permuting each draw. Of numbers of 32 bits, one label more comes once in millions of draws.
    """
    if ones in {0, size}:
        return np.full((draws, size), ones > 0)
    keys = rng.integers(0, 1 << 32, (draws, size), np.uint32)
    last = np.partition(keys, ones - 1, axis=1)[:, ones - 1]
    return np.asarray(keys <= last[:, None])


@dataclass(frozen=True, slots=True, eq=False)
class Relabelled:
    """What relabelling says of a statistic."""

    p: float
    reference: Floats  # counts by bin of the draws that were made, [draw, bin]
    current: Floats


def relabelled(
    two: Two,
    seen: float,
    statistic: Callable[[Floats, Floats], Floats],
    seed: int = 0,
    settled: float | None = None,
) -> Relabelled:
    """The p-value of a statistic of two samples by bins; see `p_value`.

    Args:
        two: both samples.
        seen: their statistic.
        statistic: of counts as `Two.drawn` has them, one a draw.
        seed: of the draws.
        settled: a p-value that is no less is told by the draws in which that is settled, whatever the rest were (as
            Besag and Clifford 1991, Biometrika 78(2), 301-304); of 0.05 by 100 that are as large or more. Null: all
            are drawn.
    """
    made: list[tuple[Floats, Floats]] = []
    told: list[Floats] = []
    enough = inf if settled is None else settled * (DRAWS + 1) - 1
    large = 0
    for part in two.parts(DRAWS, seed):
        made.append(part)
        told.append(statistic(*part))
        large += _as_large(told[-1], seen)
        if large >= enough:
            break
    first, second = zip(*made, strict=True)
    return Relabelled(
        p_value(seen, np.concatenate(told), two.least()), np.concatenate(first), np.concatenate(second)
    )  # fmt: skip


def _as_large(draws: Floats, seen: float) -> int:
    return int((draws >= seen - 1e-9 * abs(seen)).sum())


def p_value(seen: float, draws: Floats, least: float = 0.0) -> float:
    """The chance of a statistic as large as this one, (1 + draws as large) / (1 + draws), at least `least`.

    So few draws cannot say how small a p is. Where fewer than `SURE` are as large, and there are relabellings enough,
    the tail goes on exponentially from the tenth of the draws that is largest (Knijnenburg, Wessels, Reinders and
    Shmulevich 2009, Bioinformatics 25(12), i161-i168, who lay a generalised Pareto tail). Statistics must be of the
    size of a square, such as chi-squared or KS squared, of which tails are exponential or lighter.

    Args:
        seen: the statistic of the data.
        draws: the same of relabelled data.
        least: of `Two.least`.
    """
    large = _as_large(draws, seen)
    p = (1 + large) / (1 + draws.size)
    if large < SURE and (least == 0 or -log(least) > _ENOUGH):
        start = float(np.quantile(draws, 1 - _TAIL))
        excess = float((draws[draws > start] - start).mean()) if (draws > start).any() else 0.0
        beyond = exp(-(seen - start) / excess) if excess > 0 else inf
        p = min(p, _TAIL * beyond)
    return float(min(1.0, max(p, least, 1e-300)))


def _log_choose(n: int, k: int) -> float:
    return float(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))
