"""Quantiles, ratios of sums, and scores whose order alone means something, of two variants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analytics import contrast, intervals, ranks, resampling
from analytics.clustered_quantiles import quantile_of
from analytics.columns import Floats
from analytics.contrast import Contrast
from analytics.intervals import Estimate
from analytics.mean_tests import Draws, Test, of_means
from analytics.samples import Side
from analytics.tested import Bounded, Ends, Tested

SUPERIOR = "probability of superiority"


def of_quantiles(a: Side, b: Side, q: float) -> Tested:
    """The q-quantile of all values, items alike.

    The standard error of each side is from the width of its order-statistics interval at the same level
    (`intervals.quantile`; by Woodruff's method, 1952, where items have repeats or clusters; Francisco and Fuller 1991),
    and pairs and shared clusters correlate them as they do being below the quantile. The p-value is the error at which
    the interval leaves 0 out. Squared and added side by side (`differences`), the p95 of 400 pairs is held in 98 %.
    """
    found = [quantile_of(one.rows(), q) for one in (a, b)]
    below = [
        contrast.mean(one.rows().shares(one.known <= at.value), one.clusters)
        for one, at in zip((a, b), found, strict=True)
    ]
    correlation = contrast.contrast(*below).correlation

    ordered = [np.sort(one.known) if one.alone and not one.repeated else None for one in (a, b)]

    def side(at: int, level: float) -> Estimate:
        values = ordered[at]
        return found[at].estimate(level) if values is None else _of_sorted(values, found[at].value, q, level)

    def ends(tail: float) -> Ends:
        return _by_widths(side(0, 1 - 2 * tail), side(1, 1 - 2 * tail), correlation)

    sure = Bounded(ends)
    low, high = ends(0.025)
    error = None if low is None or high is None else (high - low) / (2 * intervals.student(1e9, 0.95))
    first, second = found[0].value, found[1].value
    p = None if error is None else min(1.0, 2 * (sure.above(0.0) if second > first else sure.below(0.0)))
    simple = a.alone and b.alone and not (a.repeated or b.repeated)
    name = "order statistics" if simple else "order statistics by clusters"
    return Tested(first, second, sure, name, p, error, 1e9, _relative(first, second), "relative change")


def _of_sorted(values: Floats, value: float, q: float, level: float) -> Estimate:
    """As `intervals.quantile`, of values that are sorted once: p-values ask for forty levels."""
    ranks_of = intervals.quantile_ranks(q, values.size, level)
    low, high = (None if rank is None or values.size == 1 else _at(values, rank - 1) for rank in ranks_of)
    return Estimate(value, low, high, int(values.size))


def _at(values: Floats, place: float) -> float:
    before = int(place)
    after = min(before + 1, values.size - 1)
    return float(values[before] + (place - before) * (values[after] - values[before]))


def _by_widths(a: Estimate, b: Estimate, correlation: float) -> Ends:
    """Null: a side has no interval."""
    if a.value is None or b.value is None or None in (a.low, a.high, b.low, b.high):
        return None, None
    wide_a, wide_b = (a.high or 0.0) - (a.low or 0.0), (b.high or 0.0) - (b.low or 0.0)
    half = max(wide_a**2 + wide_b**2 - 2 * correlation * wide_a * wide_b, 0.0) ** 0.5 / 2
    gap = b.value - a.value
    return gap - half, gap + half


def of_ratios(a: tuple[Side, Side], b: tuple[Side, Side], draws: Draws) -> Tested | None:
    """A ratio of two sums, such as the cost per success: (numerators, denominators) over the same items of each side.

    By the delta method over clusters, and checked against the BCa bootstrap, which is taken where their intervals
    differ by more than a tenth of the width. Null: a side's denominators sum to 0.
    """
    sides = [contrast.ratio(over.means, under.means, over.clusters) for over, under in (a, b)]
    if sides[0] is None or sides[1] is None:
        return None
    found = contrast.contrast(sides[0], sides[1])
    tested = Tested(
        sides[0].value, sides[1].value, found, "delta method", found.p(), found.error, found.freedom,
        _relative(sides[0].value, sides[1].value), "relative change",
    )  # fmt: skip
    if not found.tells:
        return tested
    made = resampling.corrected(draws(), found)
    if isinstance(made, str):
        return replace(tested, notes=(f"The bootstrap does not check the delta method, as {made}.",))
    off = _apart(found, made)
    if off <= 0.1:
        return replace(tested, notes=(f"The bootstrap agrees: its ends are {off:.0%} of the width off.",))
    note = f"The delta method's ends are {off:.0%} of the width off from the bootstrap's, which was taken."
    return replace(tested, sure=made, test="BCa bootstrap of the ratio", p=made.p(), notes=(note,))


def _apart(found: Contrast, made: resampling.Corrected) -> float:
    """How far the ends of two intervals lie apart at most, as a share of the first one's width."""
    ours, theirs = found.ends(0.025), made.ends(0.025)
    low, high = ours
    if low is None or high is None or high <= low or None in theirs:
        return 0.0
    return max(
        abs(one - other) for one, other in zip(ours, theirs, strict=True) if one is not None and other is not None
    ) / (high - low)


def of_ordered(a: Side, b: Side, *, paired: bool, test: Test, draws: Draws, seed: int = 0) -> Tested:
    """Scores whose order alone means something.

    Pairs: Wilcoxon's signed ranks (by clusters: Student's t of their sums; Rosner, Glynn and Lee's idea, 2006), and the
    effect is the matched-pairs rank-biserial correlation, from -1 to 1: ranks of differences for `b` less those against
    it, as a share of all (Kerby 2014, Comprehensive Psychology 3, 1). Others: Brunner and Munzel's test, and the effect
    is the chance that `b`'s is higher, ties counting half. So the effect says which side the test speaks for. The
    difference of means and its interval stand beside, and may say something else.
    """
    means = of_means(a, b, paired=paired, test="t" if test == "auto" else test, draws=draws, seed=seed)
    if not paired:
        found = ranks.superiority(a.means, b.means, a.clusters, b.clusters)
        name = "Brunner-Munzel test" if a.alone and b.alone else "Brunner-Munzel test by clusters"
        return replace(means, test=name, p=found.p(), effect=found.value + 0.5, effect_name=SUPERIOR)
    p, name = _signed(a, b.means - a.means)
    lean = ranks.rank_biserial(b.means - a.means)
    return replace(
        means, test=name, p=None if means.p is None else p, effect=lean, effect_name="rank-biserial correlation",
        least=2.0 ** (1 - means.freedom - 1),
    )  # fmt: skip


def _signed(a: Side, gaps: Floats) -> tuple[float | None, str]:
    if a.alone:
        return ranks.wilcoxon(gaps)
    ranked = ranks.signed_ranks(gaps)
    none = contrast.Moved(0.0, np.zeros(ranked.size), a.clusters)
    return contrast.contrast(none, contrast.mean(ranked, a.clusters)).p(), "Wilcoxon signed-rank test by clusters"


def _relative(first: float, second: float) -> float | None:
    return second / first - 1 if first else None
