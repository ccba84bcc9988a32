"""What was known of a difference as time went on, with bounds that hold at all looks together.

Each variant is an arm whose units are clusters, and a unit's value is the mean of all and as far off it as the cluster
moves it, so that the arm's mean is that of its items and its error the one by clusters (`contrast`). The bounds are
those of live tests (`sequences`), whose width must be chosen before anything is seen: it is narrowest after `UNITS`
clusters of both variants, whatever came. Of a quantile each arm is bounded by itself, where the share of values below
the true one stays within its sequence at all looks (Howard and Ramdas 2022, Bernoulli 28(3), 1704-1728, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from analytics import sequences
from analytics.columns import Floats
from analytics.compared import Metric
from analytics.intervals import Estimate
from analytics.items import coded
from analytics.samples import Samples, Side, side
from analytics.sequences import Arm

UNITS = 1_000
"""Clusters of both variants after which bounds are narrowest: at 100 they are a quarter wider than they could be, at
10,000 a fourteenth."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was known up to one moment."""

    until: int  # microseconds since 1970
    variant: str
    n_a: int  # items of the baseline
    n_b: int
    found: Estimate  # the variant less the baseline; bounds are null while too few units are there to tell


def course(
    found: Samples, metric: Metric, times: NDArray[np.int64], baseline: str, *, looks: int = 12, alpha: float = 0.05
) -> list[Look]:
    """The difference of every variant from the baseline up to each of some moments, by moment, then variant.

    All bounds of all variants hold together but for an error of `alpha`. Moments have equal numbers of values between
    them; those at which a side has no value yet are left out.

    Args:
        found: rows; of a ratio there is no course.
        metric: a mean or a quantile.
        times: of the rows, microseconds since 1970.
        baseline: a variant.
        looks: moments at most.
        alpha: the error of all bounds together.
    """
    known = ~np.isnan(found.metrics[metric.column])
    if not known.any() or metric.per is not None:
        return []
    moments = np.unique(np.quantile(times[known], np.linspace(1 / looks, 1, looks)).astype(np.int64))
    seen = [found.of(known & (times <= moment)) for moment in moments]
    sides = {name: [side(one, at, metric.column) for one in seen] for at, name in enumerate(found.names)}
    others = [name for name in found.names if name != baseline]
    error, share = alpha / max(len(others), 1), _shares(found.metrics[metric.column][known])
    return [
        Look(int(moment), name, a.ids.size, b.ids.size, _between(a, b, metric, error, share=share))
        for at, moment in enumerate(moments)
        for name in others
        for a, b in [(sides[baseline][at], sides[name][at])]
        if a.ids.size and b.ids.size
    ]


def _shares(values: Floats) -> bool:
    """Whether values are yes or no: that others lie between 0 and 1 so far does not say that they all will."""
    return bool(((values == 0) | (values == 1)).all())


def _between(a: Side, b: Side, metric: Metric, alpha: float, *, share: bool) -> Estimate:
    if metric.q is not None:
        return _of_quantiles(a, b, metric.q, alpha)
    moves = [_moves(one.means, one.clusters) for one in (a, b)]
    arms = [_arm(float(one.means.mean()), moved) for one, (_, moved) in zip((a, b), moves, strict=True)]
    alone = share and a.alone and b.alone  # a cluster's value may lie beyond 0 and 1
    return sequences.difference(
        arms[0], arms[1], sequences.tuned(UNITS, alpha), alpha, share=alone, covariance=_covariance(moves)
    )  # fmt: skip


Moves = tuple[NDArray[np.intp], Floats]
"""Clusters, and by how much each moves the mean, times their number."""


def _moves(values: Floats, clusters: NDArray[np.intp]) -> Moves:
    labels, codes = coded(clusters)
    summed = np.bincount(codes, values - values.mean(), labels.size).astype(float)
    return labels.astype(np.intp), summed * (labels.size / values.size)


def _arm(mean: float, moved: Floats) -> Arm:
    """The arm whose units' values are the mean and by how much each moves it."""
    n = int(moved.size)
    second = float(np.square(moved).mean())
    second = second if second > 1e-20 * max(mean**2, 1e-300) else 0.0  # what rounding leaves of equal values
    kurtosis = max(1.0, float((moved**4).mean()) / second**2) if second else None
    return Arm(n, mean, second * n / (n - 1) if n > 1 else None, kurtosis)


def _covariance(moves: Sequence[Moves]) -> float:
    """Of both means, over the clusters that both arms have, with n - 1 as the variances."""
    (first, ours), (second, theirs) = moves
    _, at, place = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    n, m = ours.size, theirs.size
    if not at.size or min(n, m) < 2:
        return 0.0
    return float((ours[at] * theirs[place]).sum()) / (n * m) * sqrt(n / (n - 1) * m / (m - 1))


def _of_quantiles(a: Side, b: Side, q: float, alpha: float) -> Estimate:
    values = [float(np.quantile(one.means, q)) for one in (a, b)]
    n = a.groups + b.groups
    (low_a, high_a), (low_b, high_b) = (
        _quantile_bounds(one, value, q, alpha / 2) for one, value in zip((a, b), values, strict=True)
    )
    gap = values[1] - values[0]
    if low_a is None or high_a is None or low_b is None or high_b is None:
        return Estimate(gap, None, None, n)
    return Estimate(gap, low_b - high_a, high_b - low_a, n)


def _quantile_bounds(one: Side, value: float, q: float, alpha: float) -> tuple[float | None, float | None]:
    """Of one arm; null: it has too few clusters to tell."""
    below = (one.means <= value).astype(float)
    arm = _arm(q, _moves(below, one.clusters)[1])
    if not arm.enough or arm.variance is None:
        return None, None
    half = sequences.half_width(sqrt(arm.variance), arm.units, sequences.tuned(UNITS // 2, alpha), alpha)
    low, high = q - half, q + half
    return (
        None if low <= 0 else float(np.quantile(one.means, low, method="lower")),
        None if high >= 1 else float(np.quantile(one.means, high, method="higher")),
    )
