"""A/B comparisons: every two variants in every metric, with what was found, how sure it is, and what could have been.

A difference is always the second variant less the first. Evidence is counted in items: repeats are averaged within
their item first (Miller 2024, arXiv 2411.00640), and items of one cluster vary together. p-values are adjusted over all
that is compared at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from analytics import clusters, mean_tests, other_tests, resampling
from analytics.columns import Floats
from analytics.compared import ORDINAL, Compared, Metric, Options
from analytics.detectable import detectable
from analytics.samples import Samples, Side, common, side
from analytics.tested import Ends, Tested
from analytics.verdicts import decide

NORMAL = 1e9
"""Degrees of freedom from which Student's distribution is the normal one."""

_ROUNDING = 1e-9  # of p-values that are found by halving


def compare(found: Samples, metrics: Sequence[Metric], options: Options | None = None) -> list[Compared]:
    """Every two variants in every metric, metric by metric, decided together.

    Raises:
        ValueError: the baseline is no variant, or an item belongs to several clusters.
    """
    options = options or Options()
    return decide(measured(found, metrics, options), options.level, options.adjust, equivalence=options.equivalence)


def measured(
    found: Samples, metrics: Sequence[Metric], options: Options, slice_name: str | None = None
) -> list[Compared]:
    """As `compare`, before p-values are adjusted and verdicts given: for those that are decided together with more."""
    pairs = pairs_of(found.names, options.baseline)
    sides = _Sides(found, metrics, options)
    return [
        _one(_Pair(sides, metric, (a, b), options), (found.names[a], found.names[b]), slice_name)
        for metric in metrics
        for a, b in pairs
    ]


def pairs_of(names: Sequence[str], baseline: str | None) -> list[tuple[int, int]]:
    """Places of the variants to compare; the baseline is the first of each pair.

    Raises:
        ValueError: the baseline is no variant.
    """
    if baseline is None:
        return list(combinations(range(len(names)), 2))
    if baseline not in names:
        raise ValueError(f"No variant is named {baseline!r}. Variants: {', '.join(names)}.")
    first = list(names).index(baseline)
    return [(first, at) for at in range(len(names)) if at != first]


class _Sides:
    """The items of each metric and variant, and draws of their means: each made once, when it is asked for."""

    def __init__(self, found: Samples, metrics: Sequence[Metric], options: Options) -> None:
        self._options = options
        values = {key: column for one in metrics for key, column in _values(found, one).items()}
        split = replace(found, metrics=values)
        variants = range(len(found.names))
        self._sides: dict[str, list[Side]] = {key: [side(split, at, key) for at in variants] for key in values}
        if options.paired is False and found.clusters is None:
            # Whoever asks for unpaired variants says that equal names of items are other items.
            self._sides = {key: _apart(sides) for key, sides in self._sides.items()}
        self._binary = {key: _binary(column) for key, column in values.items()}
        self._drawn: Floats | None = None

    @staticmethod
    def keys(metric: Metric) -> list[str]:
        """Of the sides that a metric is made of: of its values, or of a ratio's two parts."""
        if metric.per is None:
            return [metric.column]
        return [f"{metric.column}\0{metric.per}\0{part}" for part in ("over", "under")]

    def binary(self, key: str) -> bool:
        return self._binary[key]

    def of(self, key: str, at: int) -> Side:
        return self._sides[key][at]

    def drawn(self, key: str, a: int, b: int) -> Floats:
        """Draws of the means of two variants, over all of their items: a row a draw."""
        if self._drawn is None:
            every = list(self._sides.values())
            self._drawn = resampling.together(every, self._options.draws, self._options.seed)
        place = list(self._sides).index(key)
        return self._drawn[:, place, [a, b]]


def _apart(sides: Sequence[Side]) -> list[Side]:
    """With clusters that no other side has."""
    step = 1 + max(int(one.clusters.max(initial=0)) for one in sides)
    return [replace(one, clusters=at * step + one.clusters) for at, one in enumerate(sides)]


def _values(found: Samples, metric: Metric) -> dict[str, Floats]:
    """The metric's column, or both parts of a ratio, known where both are."""
    keys = _Sides.keys(metric)
    if metric.per is None:
        return {keys[0]: found.metrics[metric.column]}
    over, under = found.metrics[metric.column], found.metrics[metric.per]
    known = ~np.isnan(over) & ~np.isnan(under)
    return {key: np.where(known, part, np.nan) for key, part in zip(keys, (over, under), strict=True)}


def _binary(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return bool(known.size) and bool(((known == 0) | (known == 1)).all())


class _Pair:
    """One metric of two variants."""

    def __init__(self, sides: _Sides, metric: Metric, places: tuple[int, int], options: Options) -> None:
        self.metric, self.options, self._sides, self._places = metric, options, sides, places
        self.keys = sides.keys(metric)
        self.a, self.b = ([sides.of(key, at) for key in self.keys] for at in places)
        self.items = self.a[0].ids.size, self.b[0].ids.size
        self.shared = int(common(self.a[0].ids, self.b[0].ids).size)
        asked = options.paired
        self.paired = shares_items(self.a[0], self.b[0]) if asked is None else asked
        if self.paired and not np.array_equal(self.a[0].ids, self.b[0].ids):
            both = common(self.a[0].ids, self.b[0].ids)
            self.a, self.b = (
                [one.of(np.isin(one.ids, both, assume_unique=True)) for one in side] for side in (self.a, self.b)
            )
        self.whole = self.items == (self.a[0].ids.size, self.b[0].ids.size)
        self.joined = self._join() if self.paired else None
        self.binary = metric.per is None and metric.q is None and not metric.ordinal and sides.binary(metric.column)

    def _join(self) -> str | None:
        """Makes clusters those of pairs, in words. Null: they are."""
        before = self.a[0], self.b[0]
        if np.array_equal(before[0].clusters, before[1].clusters):
            return None
        made = [clusters.joined(a, b) for a, b in zip(self.a, self.b, strict=True)]
        self.a, self.b = [a for a, _ in made], [b for _, b in made]
        self.whole = False  # draws of all items are of other clusters
        return clusters.joining(before, self.a[0])

    def notes(self, names: tuple[str, str]) -> tuple[str, ...]:
        """Of the rows, whatever test they have."""
        if self.paired:  # whose clusters are the same
            unequal = [clusters.imbalance(self.a[0], " and ".join(names))]
        else:
            unequal = [clusters.imbalance(one[0], name) for one, name in zip((self.a, self.b), names, strict=True)]
        return tuple(note for note in (self.joined, *unequal, self._averaged()) if note)

    def _averaged(self) -> str | None:
        a, b = (one.ids[np.bincount(one.place, minlength=one.ids.size) > 1] for one in (self.a[0], self.b[0]))
        if self.metric.q is not None or not (a.size or b.size):
            return None
        many = int(np.union1d(a, b).size)
        return f"{many:,} {'item has' if many == 1 else 'items have'} several rows, which were averaged."

    def tested(self) -> Tested | None:
        """Null: a side has no value, or a ratio divides by 0."""
        metric, (a, b) = self.metric, (self.a[0], self.b[0])
        if not a.ids.size or not b.ids.size:
            return None
        if metric.per is not None:
            return other_tests.of_ratios((a, self.a[1]), (b, self.b[1]), self.draws)
        if metric.q is not None:
            return other_tests.of_quantiles(a, b, metric.q)
        made = (
            other_tests.of_ordered if metric.ordinal else mean_tests.of_shares if self.binary else mean_tests.of_means
        )
        options = self.options
        return made(a, b, paired=self.paired, test=options.test, draws=self.draws, seed=options.seed)

    def draws(self) -> Floats:
        """Of the difference."""
        first, second = (self._drawn(side) for side in (0, 1))
        gap: Floats = second - first
        return gap

    def _drawn(self, side: int) -> Floats:
        means = [self._means(key)[:, side] for key in range(len(self.keys))]
        if len(means) == 1:
            return means[0]
        divided: Floats = means[0] / np.where(means[1] == 0, np.nan, means[1])
        return divided

    def _means(self, key: int) -> Floats:
        if self.whole:
            return self._sides.drawn(self.keys[key], *self._places)
        # The same seed draws the same clusters for both parts of a ratio, whose items are the same.
        made = resampling.together([[self.a[key], self.b[key]]], self.options.draws, self.options.seed)
        return made[:, 0]

    def statistic(self) -> str:
        if self.metric.q is not None:
            return f"p{100 * self.metric.q:g}"
        if self.metric.per is not None:
            return "ratio"
        return ORDINAL if self.metric.ordinal else "share" if self.binary else "mean"


def _one(pair: _Pair, names: tuple[str, str], slice_name: str | None) -> Compared:
    found, metric, level = pair.tested(), pair.metric, pair.options.level
    (a, b), (items_a, items_b) = (pair.a[0], pair.b[0]), pair.items
    low, high = (None, None) if found is None else found.interval(level)
    return Compared(
        metric=metric.name, slice=slice_name, a=names[0], b=names[1], n_a=a.ids.size, n_b=b.ids.size,
        mean_a=None if found is None else found.a, mean_b=None if found is None else found.b,
        difference=None if found is None else found.difference, ci_low=low, ci_high=high,
        test=None if found is None else found.test, p=None if found is None else found.p, p_adjusted=None,
        effect=None if found is None else found.effect, mde=None if found is None else detectable(found, a, b, level),
        verdict="not enough data", effect_name="" if found is None else found.effect_name, statistic=pair.statistic(),
        better=metric.better, paired=pair.paired,
        clusters_a=a.groups, clusters_b=b.groups,
        margin=metric.margin, p_difference=None if found is None else found.p, p_difference_adjusted=None,
        p_margin=_within(found, metric, equivalence=pair.options.equivalence), p_margin_adjusted=None,
        error=None if found is None else found.error,
        freedom=None if found is None or found.p is None or found.freedom >= NORMAL else found.freedom,
        largest_a=clusters.largest(a), largest_b=clusters.largest(b),
        least=1.0 if found is None else found.least,
        unpaired_a=items_a - a.ids.size, unpaired_b=items_b - b.ids.size,
        missing_a=a.missing, missing_b=b.missing, failed_a=a.failed, failed_b=b.failed,
        notes=pair.notes(names)
        + (() if found is None else (*found.notes, *_disagreeing(found, (low, high), metric, level))),
        shared=pair.shared, unit=metric.unit,
    )  # fmt: skip


def _disagreeing(found: Tested, ends: Ends, metric: Metric, level: float) -> tuple[str, ...]:
    """Of an interval that leaves 0 out where the test finds nothing, or the other way round."""
    low, high = ends
    p, alpha = found.p, 1 - level
    if p is None or low is None or high is None or abs(p - alpha) < _ROUNDING:
        return ()
    without = low > 0 or high < 0
    if without == (p < alpha):
        return ()
    says = "leaves 0 out, and the test finds no" if without else "has 0 in it, and the test finds a"
    why = "it is of means, and the test of ranks" if metric.ordinal else "it is approximate"
    return (f"The interval {says} difference ({found.test}, p {p:.2g}): {why}. The test decides.",)


def _within(found: Tested | None, metric: Metric, *, equivalence: bool) -> float | None:
    """The p-value of the difference being within the margin, at one threshold for all that is compared, 1 - level.

    Of equivalence it is the greater of two one-sided ones (Schuirmann 1987). Of non-inferiority, which is at half the
    error so that it says the same as the interval (ICH E9), it is doubled.
    """
    margin = metric.margin
    if found is None or found.p is None or margin is None:
        return None
    if metric.better is None or equivalence:
        both = max(found.sure.above(-margin), found.sure.below(margin))
        return both if equivalence else min(1.0, 2 * both)
    asked = found.sure.above(-margin) if metric.better == "higher" else found.sure.below(margin)
    return min(1.0, 2 * asked)


def shares_items(a: Side, b: Side) -> bool:
    """Whether two variants can be compared item by item: at least two items, and half of those of the smaller one."""
    shared = int(common(a.ids, b.ids).size)
    return shared >= 2 and 2 * shared >= min(a.ids.size, b.ids.size)
