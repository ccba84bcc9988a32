"""The bootstrap: what an estimate would have been, had other clusters been drawn from those that are there.

Clusters are drawn with replacement (Davison and Hinkley 1997, section 3.8). One draw is how often each cluster came, so
that all means of all variants and metrics come of one product of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from analytics import special
from analytics.columns import Floats
from analytics.contrast import Contrast
from analytics.samples import Codes, Side

DRAWS = 2_000
FEW = 10  # clusters of a side, or values that differ, below which the bootstrap is not trusted
_TAIL = 10  # draws at either end that tell no shares
_BLOCK = 1 << 20  # weights that are drawn at once: 8 MB


def summed(weights: int, columns: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Sums of the columns over resampled clusters: one row a draw.

    Args:
        weights: how many clusters there are, one a row of `columns`.
        columns: what each cluster adds up to, such as its values and its items.
        draws: how many.
        rng: which ones.
    """
    found = np.empty((draws, columns.shape[1]))
    step = max(1, _BLOCK // max(weights, 1))
    for start in range(0, draws, step):
        many = min(step, draws - start)
        drawn = rng.integers(0, weights, (many, weights), dtype=np.int32)
        drawn += np.arange(many, dtype=np.int32)[:, None] * weights
        came = np.bincount(drawn.ravel(), minlength=many * weights).reshape(many, weights)
        found[start : start + many] = came.astype(np.float64) @ columns
    return found


def together(sides: Sequence[Sequence[Side]], draws: int = DRAWS, seed: int = 0) -> Floats:
    """Means of every metric and variant in each draw: [draw, metric, variant]. NaN where a draw has no item.

    Clusters that several variants have are drawn for all of them at once, so that what is hard for one is there for the
    others; variants without any in common are drawn on their own.

    Args:
        sides: of each metric, one a variant; a variant has the same clusters whatever the metric.
        draws: how many.
        seed: of the draws.
    """
    variants = range(len(sides[0]))
    present = [np.unique(np.concatenate([metric[at].clusters for metric in sides])) for at in variants]
    every, counts = np.unique(np.concatenate(present), return_counts=True)
    if counts.max(initial=1) > 1:
        return _drawn([_Columns(sides, list(variants), every)], draws, seed)[0]
    parts = [_Columns(sides, [at], present[at]) for at in variants]
    found = np.full((draws, len(sides), len(parts)), np.nan)
    for size in {one.clusters for one in parts} - {0}:
        alike = [at for at in variants if parts[at].clusters == size]
        means = _drawn([parts[at] for at in alike], draws, seed)
        # Sides of one size have the same draws, moved along: draw by draw, two sides know nothing of each other.
        for place, (at, one) in enumerate(zip(alike, means, strict=True)):
            found[:, :, at] = np.roll(one[:, :, 0], place, axis=0)
    return found


class _Columns:
    """What each cluster adds up to: its values by metric and variant, and its items."""

    def __init__(self, sides: Sequence[Sequence[Side]], variants: Sequence[int], clusters: Codes) -> None:
        chosen = [metric[at] for metric in sides for at in variants]
        place = np.full(int(clusters.max(initial=0)) + 1, -1, np.intp)
        place[clusters] = np.arange(clusters.size)
        self.clusters, self.shape = int(clusters.size), (len(sides), len(variants))
        self._centres = np.array([float(one.means.mean()) if one.means.size else np.nan for one in chosen])
        kept: dict[bytes, tuple[int, Floats]] = {}
        columns, self._at = [], []
        for one, centre in zip(chosen, self._centres.tolist(), strict=True):
            codes = place[one.clusters]
            columns.append(np.bincount(codes, one.means - centre, clusters.size).astype(float))
            count = np.bincount(codes, minlength=clusters.size).astype(float)
            self._at.append(kept.setdefault(count.tobytes(), (len(kept), count))[0])  # mostly the same for all
        self.whole = np.column_stack([*columns, *(count for _, count in kept.values())])

    def means(self, sums: Floats) -> Floats:
        """Of sums of the columns, a row a draw: [draw, metric, variant]."""
        many = len(self._at)
        counts = sums[:, many:][:, self._at]
        found: Floats = sums[:, :many] / np.where(counts > 0, counts, np.nan) + self._centres
        return found.reshape(len(sums), *self.shape)


def _drawn(parts: Sequence[_Columns], draws: int, seed: int) -> list[Floats]:
    """Means of parts with as many clusters, of the same draws."""
    columns = np.column_stack([one.whole for one in parts])
    sums = summed(parts[0].clusters, columns, draws, np.random.default_rng(seed))
    ends = np.cumsum([one.whole.shape[1] for one in parts])[:-1]
    return [one.means(part) for one, part in zip(parts, np.split(sums, ends, axis=1), strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """A difference with its draws: the bias-corrected and accelerated bootstrap (BCa; Efron 1987, JASA 82, 171-185)."""

    value: float
    draws: Floats  # sorted
    bias: float  # the normal quantile of the share of draws below the value
    acceleration: float  # a sixth of the difference's skewness as an estimate

    def ends(self, tail: float) -> tuple[float | None, float | None]:
        """Bounds with an error of `tail` each."""
        places = [float(special.ndtr(self._turned(float(special.ndtri(at))))) for at in (tail, 1 - tail)]
        low, high = np.quantile(self.draws, np.clip(places, 0, 1)).tolist()
        return low, high

    def above(self, bound: float) -> float:
        """The p-value of the difference being above the bound: the error at which the lower end reaches it."""
        off = self._placed(bound) - self.bias
        # Where the correction has its pole, which is far out, it is not trusted.
        return float(special.ndtr(off / max(1 + self.acceleration * off, 0.2) - self.bias))

    def below(self, bound: float) -> float:
        """The p-value of the difference being below the bound."""
        turned = Corrected(-self.value, -self.draws[::-1], -self.bias, -self.acceleration)
        return turned.above(-bound)

    def p(self) -> float:
        """Two-sided, of there being a difference."""
        return min(1.0, 2 * min(self.above(0.0), self.below(0.0)))

    def _placed(self, bound: float) -> float:
        """The normal quantile of the share of draws up to a bound.

        Beyond the tenth draw from either end it goes on in a line from the middle: draws cannot say how small a p is,
        and two in 2,000 would be too large a one among hundreds of comparisons.
        """
        of = self.draws.size
        up_to = int(np.searchsorted(self.draws, bound, side="right"))
        rank = min(max(up_to, _TAIL), of - _TAIL)
        found = float(special.ndtri(rank / of))
        if rank == up_to:
            return found
        middle = float(np.median(self.draws))
        reach = float(self.draws[rank - 1 if up_to < rank else rank]) - middle
        return found * max((bound - middle) / reach, 1.0) if reach else found

    def _turned(self, quantile: float) -> float:
        off = self.bias + quantile
        under = 1 - self.acceleration * off
        return self.bias + off / under if under > 0 else float(np.copysign(np.inf, off))


def corrected(draws: Floats, found: Contrast) -> Corrected | str:
    """The BCa bootstrap of a difference, or in words why there is none: then Student's interval is to be taken.

    The acceleration is of the moves (the infinitesimal jackknife; scipy's `bootstrap` takes the jackknife).
    """
    known = np.sort(draws[np.isfinite(draws)])
    if min(found.clusters) < FEW:
        return f"there are fewer than {FEW} clusters on a side"
    if known.size < 0.9 * draws.size:
        return "one in ten draws or more has no value"
    if known[0] == known[-1] or found.error == 0:
        return "all values are the same"
    steps = np.round((known - known[0]) / (known[-1] - known[0]), 9)  # sums of equal values differ in their last bits
    if np.unique(steps).size < FEW:
        return f"the draws have fewer than {FEW} values"
    middle = float((known < found.value).mean() + (known == found.value).mean() / 2)
    bias = float(special.ndtri(middle))
    if not isfinite(bias):
        return "all draws lie on one side of the difference"
    return Corrected(found.value, known, bias, found.skew() / 6)
