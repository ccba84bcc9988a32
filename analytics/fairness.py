"""Whether people are treated alike: by swapped questions, and by slices of logged traffic.

What is found is a difference, not its cause; and what is not found may be there (see `detectable`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import differences, intervals, special
from analytics.intervals import LEVEL, Estimate
from analytics.multiple import Method, adjusted
from analytics.paired import ENOUGH, POWER, Finding, Paired, finding, paired

# Swapped questions


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """One measure of answers to questions about one group, against those to the same questions about another."""

    axis: str
    group: str
    other: str
    measure: str
    group_mean: float | None  # over questions that have both answers
    other_mean: float | None
    test: Paired  # of `other` less `group`; n is of questions
    adjusted_p: float | None  # over all that were tested together
    finding: Finding  # by the adjusted p


def counterfactual(
    rows: pd.DataFrame, *, reaches: Mapping[str, float] | None = None, enough: int = ENOUGH, level: float = LEVEL
) -> list[Counterfactual]:
    """Compares answers to questions with those to their swapped forms, for each two groups and measure.

    Groups are ordered by name, so that swaps of either direction add up. Corrected by Holm's method over all results.

    Args:
        rows: one per question, swap and measure: `question` (its id), `axis`, `source`, `target`, `measure`, and the
            measure's value of both answers, `original` and `swapped`.
        reaches: the largest difference that a measure can have, by its name: 1 for a refusal.
        enough: questions without which there is no finding.
        level: of the intervals, and of findings.
    """
    found = []
    forward = rows["source"] <= rows["target"]
    ordered = rows.assign(
        group=rows["source"].where(forward, rows["target"]),
        other=rows["target"].where(forward, rows["source"]),
        first=rows["original"].where(forward, rows["swapped"]),
        second=rows["swapped"].where(forward, rows["original"]),
    )
    for names, part in ordered.groupby(["axis", "group", "other", "measure"], sort=True):
        axis, group, other, measure = map(str, names)
        test = paired(
            part["first"].to_numpy(float),
            part["second"].to_numpy(float),
            part["question"],
            enough=enough,
            reach=(reaches or {}).get(measure),
            level=level,
        )
        means = _means(part)
        found.append(Counterfactual(axis, group, other, measure, *means, test, None, test.finding))
    corrected = adjusted([one.test.p for one in found])
    return [replace(one, adjusted_p=p, finding=finding(p, level)) for one, p in zip(found, corrected, strict=True)]


def _means(part: pd.DataFrame) -> tuple[float | None, float | None]:
    """Of the first and the second group: of questions, as the test has them."""
    known = part[["question", "first", "second"]].dropna()
    if known.empty:
        return None, None
    first, second = known.groupby("question")[["first", "second"]].mean().mean().tolist()
    return float(first), float(second)


# Slices


@dataclass(frozen=True, slots=True)
class Slice:
    """One group of users, or whatever a column tells apart, against all others."""

    group: str
    value: Estimate  # its mean, or share; n is of rows, or of clusters where there are some
    rest: Estimate
    difference: Estimate  # the slice less the rest
    p: float | None  # null: not enough
    adjusted_p: float | None  # over all slices
    detectable: float | None  # the size of a difference that is found in 80 % of such samples, by this test alone
    finding: Finding  # by the adjusted p


def slices(
    groups: Sequence[object],
    values: Sequence[float | bool | None],
    clusters: Sequence[object] | None = None,
    *,
    enough: int = ENOUGH,
    method: Method = "holm",
    level: float = LEVEL,
) -> list[Slice]:
    """Compares each group's mean with that of all others, sorted by group; NaN and null values are left out.

    With clusters (users, sessions, traces), whose rows are not independent, errors are of clusters by the delta method,
    also where a cluster has rows in and out of the slice. Without, values of only 0 and 1 are rates, with Wilson's and
    Newcombe's intervals and the score test, and others means, with Welch's. A slice of fewer than `enough` rows (or
    clusters), or with so few outside of it, is not tested.
    """
    known = np.asarray([np.nan if value is None else float(value) for value in values], float)
    kept = ~np.isnan(known)
    names = np.asarray([str(group) for group in groups], object)
    if names.shape != known.shape:
        raise ValueError(f"{names.size} groups and {known.size} values: there must be one of each a row.")
    ids = None if clusters is None else pd.factorize(np.asarray([str(one) for one in clusters], object)[kept])[0]
    codes, every = pd.factorize(names[kept], sort=True)
    found = [
        _slice(str(group), known[kept], codes == at, ids, enough=enough, level=level) for at, group in enumerate(every)
    ]
    return _corrected(found, method, level)


def _corrected(found: Sequence[Slice], method: Method, level: float) -> list[Slice]:
    corrected = adjusted([one.p for one in found], method)
    return [replace(one, adjusted_p=p, finding=finding(p, level)) for one, p in zip(found, corrected, strict=True)]


def _slice(
    group: str,
    values: NDArray[np.float64],
    inside: NDArray[np.bool_],
    ids: NDArray[np.intp] | None,
    *,
    enough: int,
    level: float,
) -> Slice:
    compared = _rows(values, inside, level) if ids is None else _clustered(values, inside, ids, level)
    return _tested(group, compared, enough, level)


def _tested(group: str, compared: _Compared, enough: int, level: float) -> Slice:
    value, rest, difference, error, freedom = compared
    if min(value.n, rest.n) < enough or difference.value is None:
        return Slice(group, value, rest, difference, None, None, None, "not enough")
    p = _p(difference.value, error, freedom)
    detectable = (intervals.student(freedom, level) + float(special.ndtri(POWER))) * error if error > 0 else None
    return Slice(group, value, rest, difference, p, None, detectable, finding(p, level))


def _p(difference: float, error: float, freedom: float) -> float:
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * special.stdtr(freedom, -abs(difference) / error))


_Compared = tuple[Estimate, Estimate, Estimate, float, float]
"""The slice, the rest, their difference, its standard error under no difference, and its degrees of freedom."""


def _rows(values: NDArray[np.float64], inside: NDArray[np.bool_], level: float) -> _Compared:
    a, b = values[inside], values[~inside]
    if np.isin(values, (0.0, 1.0)).all():
        return _rates(a, b, level)
    value, rest = intervals.mean(a, level), intervals.mean(b, level)
    difference = differences.mean_difference(b, a, level)
    if min(a.size, b.size) < 2:
        return value, rest, difference, 0.0, 1.0
    parts = np.array([a.var(ddof=1) / a.size, b.var(ddof=1) / b.size])
    total = float(parts.sum())
    freedom = total**2 / float((parts**2 / (np.array([a.size, b.size]) - 1)).sum()) if total else 1.0
    return value, rest, difference, total**0.5, freedom


def _rates(a: NDArray[np.float64], b: NDArray[np.float64], level: float) -> _Compared:
    hits = int(a.sum()), int(b.sum())
    value, rest = intervals.rate(hits[0], a.size, level), intervals.rate(hits[1], b.size, level)
    difference = differences.rate_difference(hits[1], b.size, hits[0], a.size, level)
    if not a.size or not b.size:
        return value, rest, difference, 0.0, np.inf
    pooled = sum(hits) / (a.size + b.size)
    return value, rest, difference, (pooled * (1 - pooled) * (1 / a.size + 1 / b.size)) ** 0.5, 1e9


def _clustered(
    values: NDArray[np.float64], inside: NDArray[np.bool_], ids: NDArray[np.intp], level: float
) -> _Compared:
    """Means as ratios of sums over clusters; the difference's error from what each cluster moves it by."""
    n = int(ids.max()) + 1 if ids.size else 0
    sums = [np.bincount(ids[part], values[part], n) for part in (inside, ~inside)]
    counts = [np.bincount(ids[part], minlength=n).astype(float) for part in (inside, ~inside)]
    value, rest = (intervals.ratio(x[y > 0], y[y > 0], level) for x, y in zip(sums, counts, strict=True))
    if value.value is None or rest.value is None:
        return value, rest, Estimate(None, None, None, 0), 0.0, 1.0
    gap = value.value - rest.value
    least = min(value.n, rest.n)
    if least < 2:
        return value, rest, Estimate(gap, None, None, least), 0.0, 1.0
    moved = (sums[0] - value.value * counts[0]) / counts[0].sum() - (sums[1] - rest.value * counts[1]) / counts[1].sum()
    error = float(np.sqrt(n / (n - 1) * np.square(moved).sum()))
    half = intervals.student(least - 1, level) * error
    return value, rest, Estimate(gap, gap - half, gap + half, least), error, float(least - 1)


# Slices of sums


@dataclass(frozen=True, slots=True)
class Whole:
    """What all rows of a sample add up to, by cluster: of one it has `n` rows with values that sum to `x`.

    Values are less `centre`, any number near their mean, so that squares of large values lose no digits.
    """

    centre: float
    clusters: int
    n: float
    x: float
    nn: float  # the sum over clusters of n * n; so are the next two
    xn: float
    xx: float


@dataclass(frozen=True, slots=True)
class Part:
    """What the rows of one slice add up to, over the clusters that have some; `n` and `x` are of the slice's rows.

    Capitals are of all rows of the same clusters, in the slice and out of it.
    """

    group: str
    clusters: int
    wholly: int  # clusters whose rows all lie in the slice
    n: float
    x: float
    nn: float
    xn: float
    xx: float
    nN: float  # noqa: N815 - as in the formulas
    xN: float  # noqa: N815
    nX: float  # noqa: N815
    xX: float  # noqa: N815


def slices_of_sums(
    parts: Sequence[Part], whole: Whole, *, enough: int = ENOUGH, method: Method = "holm", level: float = LEVEL
) -> list[Slice]:
    """`slices` with clusters of rows that were added up elsewhere: the same figures, in the order of the parts.

    Slices may overlap, or leave rows out, as of calls with several tags: the rest is all that is not in the slice.
    """
    found = [_tested(one.group, _of_sums(one, whole, level), enough, level) for one in parts]
    return _corrected(found, method, level)


def _of_sums(part: Part, whole: Whole, level: float) -> _Compared:
    outside = whole.clusters - part.wholly
    n_out = whole.n - part.n
    if part.n <= 0 or n_out <= 0:
        nothing = Estimate(None, None, None, 0)
        if part.n <= 0:
            return nothing, nothing, nothing, 0.0, 1.0
        alone = _estimate(part.n, part.x, _own(part, part.x / part.n), part.clusters, whole.centre, level)
        return alone, nothing, nothing, 0.0, 1.0
    v, r = part.x / part.n, (whole.x - part.x) / n_out
    own, crossed = _own(part, v), _crossed(part, v, r)
    rest_own = _snapped(
        whole.xx - 2 * r * whole.xn + r * r * whole.nn
        - 2 * (part.xX - r * part.xN - r * part.nX + r * r * part.nN)
        + part.xx - 2 * r * part.xn + r * r * part.nn,
        whole.xx + r * r * whole.nn,
    )  # fmt: skip
    value = _estimate(part.n, part.x, own, part.clusters, whole.centre, level)
    rest = _estimate(n_out, whole.x - part.x, rest_own, outside, whole.centre, level)
    gap, least = v - r, min(part.clusters, outside)
    if least < 2:
        return value, rest, Estimate(gap, None, None, least), 0.0, 1.0
    moved = own / part.n**2 - 2 * crossed / (part.n * n_out) + rest_own / n_out**2
    error = (whole.clusters / (whole.clusters - 1) * _snapped(moved, own / part.n**2 + rest_own / n_out**2)) ** 0.5
    half = intervals.student(least - 1, level) * error
    return value, rest, Estimate(gap, gap - half, gap + half, least), error, float(least - 1)


def _own(part: Part, v: float) -> float:
    """The sum over clusters of (x - v n) squared."""
    return _snapped(part.xx - 2 * v * part.xn + v * v * part.nn, part.xx + v * v * part.nn)


def _crossed(part: Part, v: float, r: float) -> float:
    """The sum over clusters of (x - v n) times what the rest of the cluster is off its mean, (X - x) - r (N - n)."""
    everything = part.xX - r * part.xN - v * part.nX + v * r * part.nN
    return everything - (part.xx - (v + r) * part.xn + v * r * part.nn)


def _snapped(total: float, of: float) -> float:
    """A sum of squares; 0 where nothing but the rounding of its terms, which are so large, is left."""
    return total if total > 1e-13 * of else 0.0


def _estimate(  # noqa: PLR0917 - sums of one thing
    n: float, x: float, squares: float, clusters: int, centre: float, level: float
) -> Estimate:
    """As `intervals.ratio` has it."""
    value = centre + x / n
    if clusters < 2:
        return Estimate(value, None, None, clusters)
    half = intervals.student(clusters - 1, level) * (clusters / (clusters - 1) * squares) ** 0.5 / n
    return Estimate(value, value - half, value + half, clusters)
