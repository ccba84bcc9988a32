"""Gates of a suite: whether a run is worse than it may be, by more than chance would make it.

Repeats are averaged within the item first, items count alike, and clusters carry the variance. Each gate is tested on
one side, and the p-values of all gates of a suite are adjusted by Holm's method: a run that is as good as it must be
misses any gate in at most `ALPHA` of runs. `benchmarks/gates.py` measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analytics import clustered, clustered_quantiles
from analytics.baseline import Better, Comparison, compared
from analytics.intervals import LEVEL, Estimate
from analytics.items import Items, Rows, by_item
from analytics.multiple import adjusted

ALPHA = 0.05

State = Literal["missed", "met", "undecided", "no_data", "not_comparable"]


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure of one run."""

    estimate: Estimate  # n is of clusters
    items: int  # with a value
    clusters: int
    rows: int
    missing: int  # rows without a value
    without: int  # items without a value


@dataclass(frozen=True, slots=True)
class Found:
    """What one gate's data say, before it is set beside the suite's other gates."""

    measured: Measured
    p_missed: float | None  # one-sided, of being worse than allowed; null: fewer than two clusters
    p_met: float | None  # of not being so
    comparison: Comparison | None  # with the baseline; null: the gate has a bound, or the runs cannot be compared
    comparable: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a gate."""

    state: State
    adjusted_p: float | None  # of `found.p_missed`, over all gates of the suite
    found: Found


def measured(
    rows: Rows, *, bounds: tuple[float, float] | None = None, q: float | None = None, level: float = LEVEL
) -> Measured:
    """A mean over items, or the q-quantile over their rows, with its interval.

    Null where there is no value; without bounds where there is one cluster.

    Args:
        rows: of one run.
        bounds: the least and the greatest value there can be, such as 0 and 1 of a pass rate (`clustered.Share`); null:
            there are none (`clustered.Mean`). Of quantiles it says nothing.
        q: of a quantile (`clustered_quantiles.Quantile`); null: the mean.
        level: of the interval.

    Raises:
        ValueError: a value lies outside of the bounds, an item is of several clusters, or q is not between 0 and 1.
    """
    return _measured(by_item(rows), rows, bounds, q, level)


def _measured(items: Items, rows: Rows, bounds: tuple[float, float] | None, q: float | None, level: float) -> Measured:
    if not items.ids.size:
        found = Estimate(None, None, None, 0)
    elif q is None:
        found = clustered.estimate(clustered.mean_of(items.means, items.clusters, bounds), level)
    else:
        found = clustered_quantiles.quantile_of(items, q).estimate(level)
    return Measured(found, int(items.ids.size), items.groups, int(rows.values.size), items.missing, items.without)


def against_bound(
    rows: Rows,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    bounds: tuple[float, float] | None = None,
    q: float | None = None,
    level: float = LEVEL,
) -> Found:
    """A gate that says what a measure must be at least, or at most. For the rest see `measured`.

    The p-values of a mean say the same as the measure's interval: that of level 1 - 2a leaves the bound out just when
    one of them is below a. Those of a quantile are of the share of rows beyond the bound; the interval's are of
    the share beyond the quantile, which is the same test where each item has one row and is its own cluster.

    Raises:
        ValueError: not just one of `at_least` and `at_most` is given; or as `measured`.
    """
    items = by_item(rows)
    found = _measured(items, rows, bounds, q, level)
    if at_least is not None and at_most is None:
        return Found(found, *_tested(items, at_least, bounds, q), None)
    if at_most is not None and at_least is None:
        turned = None if bounds is None else (-bounds[1], -bounds[0])
        return Found(found, *_tested(items.mirrored(), -at_most, turned, None if q is None else 1 - q), None)
    raise ValueError("A gate has one bound: at_least or at_most.")


def _tested(
    items: Items, at_least: float, bounds: tuple[float, float] | None, q: float | None
) -> tuple[float | None, float | None]:
    """One-sided p-values of being below what it must be at least, and of not being so."""
    if items.groups < 2:
        return None, None
    if q is None:
        mean = clustered.mean_of(items.means, items.clusters, bounds)
        return clustered.below(mean, at_least), mean.above(at_least)
    # The quantile is below the bound just when more than q of rows are.
    share = clustered.share_of(items.shares(items.known < at_least), items.clusters)
    return share.above(q), clustered.below(share, q)


def against_baseline(
    rows: Rows,
    baseline: Rows,
    *,
    better: Better,
    margin: float = 0.0,
    bounds: tuple[float, float] | None = None,
    q: float | None = None,
    seed: int = 0,
    level: float = LEVEL,
) -> Found:
    """A gate that says that a measure may be worse than a baseline run's by at most the margin: see `compared`.

    `measured` is of all items of the run, the comparison of those that the baseline has too.

    Raises:
        ValueError: as `measured` and `compared`.
    """
    found = measured(rows, bounds=bounds, q=q, level=level)
    comparison = compared(rows, baseline, better=better, margin=margin, bounds=bounds, q=q, seed=seed, level=level)
    return Found(found, comparison.p_worse, comparison.p_not_worse, comparison)


def not_comparable(
    rows: Rows, *, bounds: tuple[float, float] | None = None, q: float | None = None, level: float = LEVEL
) -> Found:
    """A gate against a baseline that another ruler measured, or that there is none of."""
    return Found(measured(rows, bounds=bounds, q=q, level=level), None, None, None, comparable=False)


def decided(found: Sequence[Found], alpha: float = ALPHA) -> list[Outcome]:
    """What becomes of each gate of a suite, in their order.

    `missed`: it is worse than allowed, by its adjusted p. `met`: it is not, by its own p; a gate that fails no build
    needs no adjustment. Else `undecided`, as with too few items, or of one cluster. `no_data`: no item has a value, or
    none in both runs. Gates without a p-value do not count as tests.
    """
    corrected = adjusted([one.p_missed for one in found])
    return [Outcome(_state(one, p, alpha), p, one) for one, p in zip(found, corrected, strict=True)]


def _state(found: Found, p: float | None, alpha: float) -> State:
    if not found.comparable:
        return "not_comparable"
    if found.measured.items == 0 or (found.comparison is not None and found.comparison.items == 0):
        return "no_data"
    if p is not None and p < alpha:
        return "missed"
    return "met" if found.p_met is not None and found.p_met < alpha else "undecided"
