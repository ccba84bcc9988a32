"""Two samples, column by column: what changed, by how much, and how sure that is.

Every column is tested by its kind, p-values are adjusted over all columns and their gaps by Benjamini and Hochberg, and
a change is drift where its effect is at least the floor and its adjusted p-value below alpha. Too few rows or clusters
are `insufficient data`, which is no reassurance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics import categories, compared, comparison, distributions, embedded, stability
from analytics.columns import Bools, Floats
from analytics.compared import Compared, Metric
from analytics.drifted import BY_RANKS, EFFECTS, Drift, Gaps, Kind, Options, Verdict
from analytics.items import coded
from analytics.multiple import adjusted
from analytics.relabelling import Clusters, Codes, Relabelled, Two
from analytics.samples import Samples

Pair = tuple[NDArray[np.generic], NDArray[np.generic]]
Labels = Sequence[object] | NDArray[np.generic]
_NAMES = ("reference", "current")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of both samples, a row each. What has no value is missing or failed, and in no distribution."""

    kind: Kind
    values: Pair  # numbers, [row, direction] of embeddings, or names
    known: tuple[Bools, Bools]
    failed: tuple[Bools, Bools]  # of the rows that are not known


def column(
    kind: Kind, reference: ArrayLike, current: ArrayLike, failed: tuple[ArrayLike, ArrayLike] | None = None
) -> Column:
    """A column from values: NaN or null has none.

    Args:
        kind: a rate's values are 0 and 1, an embedding's rows have one length, a category's are text.
        reference: values of the first sample.
        current: of the second.
        failed: which of the rows without a value failed; null: none.
    """
    sides = tuple(np.asarray(side, object if kind == "categorical" else np.float64) for side in (reference, current))
    known = tuple(_known(side) for side in sides)
    bad = failed or tuple(np.zeros(len(side), bool) for side in sides)
    marked = tuple(np.asarray(one, bool) & ~there for one, there in zip(bad, known, strict=True))
    return Column(kind, (sides[0], sides[1]), (known[0], known[1]), (marked[0], marked[1]))


def _known(values: NDArray[np.generic]) -> Bools:
    if values.dtype == object:
        return np.array([one is not None for one in values.tolist()], bool)
    there = ~np.isnan(values.astype(np.float64))
    return np.asarray(there.all(axis=1) if values.ndim == 2 else there, bool)


def drift(
    columns: Mapping[str, Column],
    clusters: tuple[Labels, Labels] | None = None,
    options: Options | None = None,
) -> list[Drift]:
    """Every column, in the given order, decided together.

    Args:
        columns: by name, all over the same rows.
        clusters: of the rows of each sample, such as sessions; a label that both have is one cluster; null: each row
            is its own.
        options: when a change is called drift.
    """
    options = options or Options()
    return decided(undecided(columns, clusters, options), options)


def undecided(
    columns: Mapping[str, Column],
    clusters: tuple[Labels, Labels] | None = None,
    options: Options | None = None,
) -> list[Drift]:
    """As `drift`, before anything is decided: for columns of several pairs of samples, decided together."""
    options = options or Options()
    codes = None if clusters is None else _coded(*clusters)
    return [_tested(name, one, codes, options) for name, one in columns.items()]


def decided(found: Sequence[Drift], options: Options) -> list[Drift]:
    """Columns that were tested, in their order, with p-values adjusted over all of them and their gaps."""
    ps = adjusted([*(one.p for one in found), *(None if one.gaps is None else one.gaps.p for one in found)], "bh")
    return [
        _decided(one, p, q, options)
        for one, p, q in zip(found, ps[: len(found)], ps[len(found) :], strict=True)
    ]  # fmt: skip


def _coded(reference: Labels, current: Labels) -> tuple[Codes, Codes]:
    whole = all(isinstance(one, np.ndarray) and one.dtype.kind in "iu" for one in (reference, current))
    every = np.concatenate([reference, current]) if whole else np.asarray([*map(str, reference), *map(str, current)])
    codes = coded(every)[1]
    return codes[: len(reference)], codes[len(reference) :]


def _tested(name: str, one: Column, clusters: Clusters, options: Options) -> Drift:
    own = None if clusters is None else (clusters[0][one.known[0]], clusters[1][one.known[1]])
    n, m = (int(there.sum()) for there in one.known)
    groups = (None, None) if own is None else tuple(int(np.unique(codes).size) for codes in own)
    blank = Drift(
        name, one.kind, None, None, None, None, None, n, m, "insufficient data", EFFECTS[one.kind],
        options.floor_of(name, one.kind), options.alpha, None, None, None, None, None, None, groups[0], groups[1],
        gaps=_gaps(one, clusters, options), why=_too_little(one.kind, (n, m), groups, options),
    )  # fmt: skip
    if min(n, m) < 2:
        return blank
    sides = one.values[0][one.known[0]], one.values[1][one.known[1]]
    told = _TESTS[one.kind](blank, (sides[0], sides[1]), own, options)
    # Of too little the figures are shown, and nothing is tested, so that others are not adjusted for it.
    return replace(told, p=None) if told.why else told


def _too_little(kind: Kind, rows: tuple[int, int], groups: tuple[int | None, ...], options: Options) -> str:
    least = options.least(kind)
    if min(rows) < least:
        which = _NAMES[int(rows[1] < rows[0])]
        return f"the {which} sample has {min(rows):,} rows with a value, and {least} are the least"
    few = [count for count in groups if count is not None]
    if few and min(few) < options.least_clusters:
        which = _NAMES[int(few[1] < few[0])]
        return f"the {which} sample has {min(few):,} clusters, and {options.least_clusters} are the least"
    return ""


def _rate(
    told: Drift,
    sides: Pair,
    own: Clusters,
    options: Options,
) -> Drift:
    found = _compared((_floats(sides[0]), _floats(sides[1])), own, options)
    statistic = found.difference / found.error if found.difference is not None and found.error else None
    why = told.why
    if not why and (found.p_difference is None or found.least >= options.alpha):
        why = "no outcome of so few independent rows could be told from chance"
    return replace(
        told, test=found.test, statistic=statistic, effect=found.difference, p=found.p_difference,
        reference=found.mean_a, current=found.mean_b, difference=found.difference, ci_low=found.ci_low,
        ci_high=found.ci_high, mde=found.mde, why=why,
    )  # fmt: skip


def _numeric(
    told: Drift,
    sides: Pair,
    own: Clusters,
    options: Options,
) -> Drift:
    reference, current = _floats(sides[0]), _floats(sides[1])
    frozen = stability.edges(reference)
    by = distributions.classes(reference, current, own, frozen)
    found = distributions.move(reference, current, own, options.seed, by, options.settled)
    means = _compared((reference, current), own, options, test="t")
    psi = _index(by, frozen, found.drawn, options) if options.beside else None
    done = replace(
        told, test=found.test, statistic=found.statistic, effect=found.effect,
        effect_name=told.effect_name if found.effect == (found.distance or 0.0) else BY_RANKS,
        p=found.p, reference=means.mean_a, current=means.mean_b, difference=means.difference, ci_low=means.ci_low,
        ci_high=means.ci_high,
    )  # fmt: skip
    return _beside(done, psi)


def _index(by: distributions.Classes, edges: Floats, drawn: Relabelled | None, options: Options) -> stability.Index:
    """PSI in bins of the reference, by the draws that there are."""
    place = stability.placed(by.ends, edges)
    bins = Two(place[by.two.reference], place[by.two.current], edges.size + 1, by.two.clusters)
    made = None if drawn is None else (by.binned(drawn.reference, edges), by.binned(drawn.current, edges))
    return stability.index(bins, options.alpha, options.seed, made)


def _beside(told: Drift, psi: stability.Index | None) -> Drift:
    return told if psi is None else replace(told, psi=psi.value, psi_threshold=psi.threshold, psi_p=psi.p)


def _categorical(
    told: Drift,
    sides: Pair,
    own: Clusters,
    options: Options,
) -> Drift:
    first, second, names = categories.coded_together(sides[0].tolist(), sides[1].tolist())
    two = Two(first, second, len(names), own)
    found = categories.shift(two, names, options.seed, options.settled)
    made = None if found.drawn is None else (found.drawn.reference, found.drawn.current)
    beside = options.beside
    psi = stability.index(categories.fewer(two), options.alpha, options.seed, made) if beside else None
    done = replace(
        told, test=found.test, statistic=found.statistic, effect=found.distance, p=found.p, new=found.new,
        vanished=found.vanished, moved=found.moved, why=told.why or _too_alone(two, options),
    )  # fmt: skip
    return _beside(done, psi)


def _too_alone(two: Two, options: Options) -> str:
    """Of names that hardly one other row has, shares say nothing: every relabelling comes to the same."""
    reference, current = two.counts()
    counts = reference + current
    twice = int(counts[counts > 1].sum())
    least = options.least("categorical")
    return "" if twice >= least else f"{twice:,} rows have a value that another row has too, and {least} are the least"


def _embedding(
    told: Drift,
    sides: Pair,
    own: Clusters,
    options: Options,
) -> Drift:
    reference, current = _floats(sides[0]), _floats(sides[1])
    found = embedded.told_apart(reference, current, own, options.seed)
    kernel = embedded.discrepancy(reference, current, own, seed=options.seed) if options.beside else None
    ends = (found.low, found.high)
    low, high = (None if end is None else end - 0.5 for end in ends)
    return replace(
        told, test="split classifier two-sample test", statistic=found.auc, effect=found.auc - 0.5, p=found.p,
        ci_low=low, ci_high=high,
        mmd_squared=None if kernel is None else kernel.squared, mmd_p=None if kernel is None else kernel.p,
        why=told.why or ("" if found.p is not None else "too few rows or clusters are left to test a classifier on"),
    )  # fmt: skip


_TESTS = {"rate": _rate, "numeric": _numeric, "categorical": _categorical, "embedding": _embedding}


def _floats(values: NDArray[np.generic]) -> Floats:
    return np.asarray(values, np.float64)


def _gaps(one: Column, clusters: Clusters, options: Options) -> Gaps | None:
    absent = tuple(~there for there in one.known)
    if not any(side.any() for side in absent):
        return None
    failed = tuple(int(side.sum()) for side in one.failed)
    if min(side.size for side in absent) == 0:
        share = tuple(float(side.mean()) if side.size else None for side in absent)
        return Gaps(share[0], share[1], None, None, None, failed[0], failed[1], None, None, "insufficient data")
    found = _compared((absent[0].astype(float), absent[1].astype(float)), clusters, options)
    n, m = (side.size for side in absent)
    groups = (None, None) if clusters is None else tuple(int(np.unique(codes).size) for codes in clusters)
    too_few = bool(_too_little("rate", (n, m), groups, options)) or found.least >= options.alpha
    return Gaps(
        found.mean_a, found.mean_b, found.difference, found.ci_low, found.ci_high, failed[0], failed[1],
        None if too_few else found.p_difference, None, "insufficient data",
    )  # fmt: skip


def _compared(sides: tuple[Floats, Floats], clusters: Clusters, options: Options, test: str = "auto") -> Compared:
    """Shares or means, as `assay compare` compares them: rows are items, and clusters may be of both samples."""
    values = np.concatenate(sides)
    rows = np.arange(values.size)
    variants = (rows >= sides[0].size).astype(np.intp)
    own = None if clusters is None else np.concatenate(clusters)
    found = Samples(_NAMES, variants, rows, rows, own, {"x": values}, np.zeros(values.size, bool))
    asked = compared.Options(paired=False, test=test, level=options.level, seed=options.seed)  # type: ignore[arg-type]  # one of the literals
    return comparison.measured(found, [Metric("x")], asked)[0]


def _decided(one: Drift, p: float | None, p_gaps: float | None, options: Options) -> Drift:
    verdict: Verdict = "insufficient data"
    if p is not None:
        # A distance is never below 0, and a rate may fall.
        verdict = "drift" if p < options.alpha and abs(one.effect or 0.0) >= one.min_effect else "no drift"
    gaps = one.gaps
    if gaps is not None and p_gaps is not None:
        floor = options.floor_of("", "rate")
        moved = p_gaps < options.alpha and abs(gaps.difference or 0.0) >= floor
        gaps = replace(gaps, p_adjusted=p_gaps, verdict="drift" if moved else "no drift")
    return replace(one, p_adjusted=p, verdict=verdict, gaps=gaps)
