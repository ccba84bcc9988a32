"""Means and shares of two variants: which test fits what is there, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from analytics import clusters, contrast, differences, intervals, permutation, resampling, shares
from analytics.columns import Floats
from analytics.contrast import Contrast
from analytics.items import coded
from analytics.paired import flip_test
from analytics.samples import Side, common
from analytics.tested import Bounded, Careful, Ends, Sure, Tested

Test = Literal["auto", "t", "permutation", "bootstrap"]
Draws = Callable[[], Floats]
"""Draws of the difference: they are made when they are asked for."""

_WIDENED = "The values are so skewed that Student's interval alone may miss, so the wider ends of two methods hold."
_UNEVEN = "The difference is skewed, by its values or its clusters' sizes, so the wider ends of two methods hold."
_CORRELATED = ", correlated by shared items"
_AS_MEANS = "Variants share items and are not paired, so their shares are compared as means that vary together."


def of_means(a: Side, b: Side, *, paired: bool, test: Test, draws: Draws, seed: int = 0) -> Tested:
    """Means over items.

    Student's (Welch's; paired; by clusters), but with at most 15 clusters of pairs an exact test by flips of signs.
    With at most 20 clusters of both sides that share none, the more careful of Student's and all relabellings: these
    alone ask whether the distributions are the same, and find 4 values with a deviation of 4 to differ from 16 with one
    of 1 in 27 % of samples, both together in 4 % (Janssen 1997, Statist. Probab. Lett. 36, 9-21). Where the difference
    is so skewed that Student's interval is off (`Contrast.skewed`), the more careful of it and the BCa bootstrap.
    Between halves of skewed values (50 and 50, or 100 and 100, whose logarithms have a deviation of 1 or 1.5) the
    bootstrap alone finds a difference in 9 to 15 % of samples, both together in 3 to 6 %. Where one cluster has nearly
    all items (`Contrast.tells`) there is no interval, and no p-value but that of flips.

    Args:
        a: the first variant.
        b: the second; where they are paired, over the same items.
        paired: whether items are compared with themselves.
        test: to be taken whatever the data are; where it cannot be, a note says why.
        draws: of the difference.
        seed: of drawn flips, where they are not all counted.
    """
    found = contrast.contrast(contrast.mean(a.means, a.clusters), contrast.mean(b.means, b.clusters))
    effect, name = _standardised(a, b, paired=paired)
    sure, label, p, least, notes = _chosen(a, b, found, paired=paired, test=test, draws=draws, seed=seed)
    values = _values(a, b, found)
    return Tested(*values, sure, label, p, found.error, found.freedom, effect, name, least, notes)


def _values(a: Side, b: Side, found: Contrast) -> tuple[float, float]:
    first = float(a.means.mean())
    return first, first if found.value == 0 else float(b.means.mean())


_Chosen = tuple[Sure, str, float | None, float, tuple[str, ...]]
"""The difference with its errors, the test's name, p, the least p that there could have been, and notes."""


def _chosen(
    a: Side, b: Side, found: Contrast, *, paired: bool, test: Test, draws: Draws, seed: int
) -> _Chosen:  # fmt: skip
    notes: tuple[str, ...] = ()
    if test in {"auto", "permutation"} and min(found.clusters) >= 2:
        exact = _exact(a, b, paired=paired)
        if exact is not None and (paired or test == "permutation"):
            name = "exact sign-flip permutation test" if paired else "exact permutation test"
            return _no_spread(exact, found), name + _by(a, b, paired=paired), exact.p, exact.least, notes
        if exact is not None:
            name = f"{_students(a, b, paired=paired)}, widened by the exact permutation test"
            p = None if (own := found.p()) is None else max(own, exact.p)
            return _no_spread(Careful(found, exact), found), name, p, exact.least, notes
        if test == "permutation" and paired and (pairs := _pairs(a, b)) is not None:
            name = "sign-flip permutation test (10,000 draws)" + _by(a, b, paired=paired)
            return found, name, flip_test(pairs[0], seed), 0.0, notes
        if test == "permutation":
            notes = ("There are too many observations for all permutations, so Student's t was taken.",)
    if found.tells and (test == "bootstrap" or (test == "auto" and found.skewed())):
        made = resampling.corrected(draws(), found)
        if not isinstance(made, str):
            if test == "bootstrap":
                return made, f"BCa bootstrap{_by(a, b, paired=paired)}", made.p(), 0.0, notes
            name = f"{_students(a, b, paired=paired)}, widened by the BCa bootstrap"
            p = max(found.p() or 0.0, made.p())
            note = _UNEVEN if clusters.unequal(a) or clusters.unequal(b) else _WIDENED
            return Careful(found, made), name, p, 0.0, (note,)
        notes = (f"The BCa bootstrap does not serve, as {made}: Student's t was taken.",)
    return _no_spread(found, found), _students(a, b, paired=paired), found.p(), 0.0, notes


def _no_spread(sure: Sure, found: Contrast) -> Sure:
    """Of items that all agree, an interval of no width says nothing: there is none."""
    if found.error > 0 or found.value != 0:
        return sure
    return Bounded(lambda _: (None, None))


def _by(a: Side, b: Side, *, paired: bool) -> str:
    """What evidence is counted by, where it is not each side's items."""
    if a.alone and b.alone and (paired or not common(a.clusters, b.clusters).size):
        return ""
    if not _by_items(a, b):
        return " by clusters"
    return " by item" if np.array_equal(a.ids, b.ids) else _CORRELATED


def _by_items(a: Side, b: Side) -> bool:
    """Whether all that the sides share are items that are their own clusters."""
    both = common(a.ids, b.ids)
    if not (a.alone and b.alone and both.size == common(a.clusters, b.clusters).size):
        return False
    first, second = (one.clusters[np.isin(one.ids, both, assume_unique=True)] for one in (a, b))
    return bool(both.size) and np.array_equal(first, second)


def _students(a: Side, b: Side, *, paired: bool) -> str:
    by = _by(a, b, paired=paired)
    if paired:
        return "cluster-robust paired t test" if by else "paired t test"
    if by in {"", _CORRELATED}:
        return "Welch's t test" + by
    return "cluster-robust t test" + by.removesuffix(" by clusters")


def _exact(a: Side, b: Side, *, paired: bool) -> permutation.Exact | None:
    if a.groups + b.groups > 2 * permutation.MOST:
        return None
    if paired:
        pairs = _pairs(a, b)
        return None if pairs is None else permutation.flips(*pairs)
    if common(a.clusters, b.clusters).size:
        return None
    sides = [_summed(one.means, one) for one in (a, b)]
    return permutation.relabelled(*sides[0], *sides[1])


def _pairs(a: Side, b: Side) -> tuple[Floats, Floats] | None:
    """Sums of differences and numbers of pairs, one a cluster. Null: an item is of another cluster on each side."""
    return _summed(b.means - a.means, a) if np.array_equal(a.clusters, b.clusters) else None


def _summed(values: Floats, side: Side) -> tuple[Floats, Floats]:
    codes = coded(side.clusters)[1]
    return np.bincount(codes, values).astype(float), np.bincount(codes).astype(float)


def _standardised(a: Side, b: Side, *, paired: bool) -> tuple[float | None, str]:
    """Cohen's d (1988): over the pooled deviation of items; of pairs over that of the differences, d_z."""
    if paired:
        gaps = b.means - a.means
        spread = float(gaps.std(ddof=1)) if gaps.size > 1 else 0.0
        return (float(gaps.mean()) / spread if spread > 1e-12 * abs(float(gaps.mean())) else None), "Cohen's d_z"
    freedom = a.means.size + b.means.size - 2
    if freedom < 1:
        return None, "Cohen's d"
    spread = float(np.sqrt((a.means.var() * a.means.size + b.means.var() * b.means.size) / freedom))
    return (float(b.means.mean() - a.means.mean()) / spread if spread > 0 else None), "Cohen's d"


def of_shares(a: Side, b: Side, *, paired: bool, test: Test, draws: Draws, seed: int = 0) -> Tested:
    """Shares of items that are right, of values that are 0 or 1.

    Items that are right or wrong, in all of their rows, and are their own clusters: Newcombe's interval, with McNemar's
    exact test where they are paired, and the two-proportion z test or Fisher's where not. With items that are right in
    some of their rows, with clusters, or where variants share some items and are not paired: as means.
    """
    simple = _whole(a) and _whole(b) and a.alone and b.alone and test == "auto"
    h = float(2 * np.arcsin(np.sqrt(b.means.mean())) - 2 * np.arcsin(np.sqrt(a.means.mean())))
    if simple and paired:
        found = _mcnemar(a, b)
    elif simple and not common(a.clusters, b.clusters).size:
        found = _independent(a, b)
    else:
        found = of_means(a, b, paired=paired, test=test, draws=draws, seed=seed)
        if _whole(a) and _whole(b) and not paired and _by_items(a, b):
            found = replace(found, notes=(*found.notes, _AS_MEANS))
        if found.error == 0 and found.p is not None:
            found = replace(found, sure=_unvaried(a, b))
    fewest = min(a.groups, b.groups) if found.error == 0 and found.difference == 0 else 0
    return replace(found, effect=h, effect_name="Cohen's h", reach=1.0, fewest=fewest)


def _whole(side: Side) -> bool:
    return bool(((side.means == 0) | (side.means == 1)).all())


def _mcnemar(a: Side, b: Side) -> Tested:
    both, only_a, only_b, neither = shares.counts(a.means, b.means)
    n = both + only_a + only_b + neither
    gap = (only_b - only_a) / n
    error = float(np.sqrt(((only_a + only_b) / n - gap**2) / max(n - 1, 1)))
    sure = Bounded(lambda tail: _ends(shares.paired_difference(both, only_a, only_b, neither, 1 - 2 * tail)))
    p = shares.mcnemar(only_a, only_b) if n > 1 else None
    first = (both + only_a) / n
    return Tested(first, (both + only_b) / n, sure, "exact McNemar test", p, error, n - 1.0, least=2.0 ** (1 - n))


def _independent(a: Side, b: Side) -> Tested:
    n_a, n_b = a.ids.size, b.ids.size
    hits_a, hits_b = int(a.means.sum()), int(b.means.sum())
    p, name = shares.difference_p(hits_a, n_a, hits_b, n_b)
    first, second = hits_a / n_a, hits_b / n_b
    error = float(np.sqrt(first * (1 - first) / n_a + second * (1 - second) / n_b))
    sure = Bounded(lambda tail: _ends(differences.rate_difference(hits_a, n_a, hits_b, n_b, 1 - 2 * tail)))
    least = shares.difference_p(0, n_a, n_b, n_b)[0] if min(n_a, n_b) < 10 else 0.0
    return Tested(first, second, sure, name, p if min(n_a, n_b) > 1 else None, error, 1e9, least=least)


def _unvaried(a: Side, b: Side) -> Sure:
    """Of clusters that all agree: each counts as one answer."""
    sides = [(one.means, coded(one.clusters)[1]) for one in (a, b)]

    def at(tail: float) -> Ends:
        first, second = (intervals.bounded_mean(*side, level=1 - 2 * tail) for side in sides)
        return _ends(differences.of_estimates(first, second))

    return Bounded(at)


def _ends(found: intervals.Estimate) -> Ends:
    return found.low, found.high
