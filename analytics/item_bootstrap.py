"""Intervals by drawing items (or clusters of them) anew, for estimates that are functions of sums over items.

The bootstrap is bias-corrected and accelerated (BCa; Efron 1987), with Student's quantile and the variance of n - 1 in
its tails (Hesterberg 2015, The American Statistician 69(4), 371-386), without which 20 items have intervals that are
too narrow. Items that are alike are drawn together: a hundred thousand labels take as long as their patterns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import numpy as np

from analytics import intervals, special
from analytics.coefficients import Columns
from analytics.columns import Floats
from analytics.ratings import Codes
from analytics.resampling import Corrected

DRAWS = 2_000
FEW = 10  # items below which the jackknife with Student's quantile stands in for the bootstrap
UNDEFINED = 0.05  # share of draws without a value, above which there is no interval
_LEAST = 200  # draws, of however large a table
_WORK = 8e7  # numbers that are added up in all draws
_NOTHING = 1e-12  # what rounding leaves of a coefficient of 0
_BLOCK = 4_000_000  # numbers that are held at once
_JACKKNIFED = 2e7  # numbers of the jackknife, up to which the acceleration is computed; it falls with more items


@dataclass(frozen=True, slots=True)
class Drawn:
    """An estimate with its interval, and how it came about."""

    value: float | None
    low: float | None
    high: float | None
    draws: int  # 0: none were needed
    undefined: int  # draws without a value, such as those of one category alone; they are in no interval
    method: str  # bootstrap, jackknife, exact (all agree) or none
    why: str | None  # why there is no interval; null: there is one, or no value


def drawn(columns: Columns, clusters: Codes | None, level: float, seed: int) -> Mapping[str, Drawn]:
    """Each coefficient with its interval.

    Args:
        columns: what an item adds.
        clusters: of each item, which are drawn whole; null: each item is its own.
        level: of the intervals.
        seed: of the draws, which do not depend on the order of rows nor on the names of labellers.
    """
    table, of = _patterns(columns.table, clusters)
    n = int(of.size)
    sums = np.asarray(table.T @ np.bincount(of, minlength=table.shape[0]).astype(float))[None, :]
    values = {name: float(found[0]) for name, found in columns.coefficients(sums).items()}
    draws = min(DRAWS, max(_LEAST, int(_WORK / _work(table, n))))
    blocks = [columns.coefficients(part @ table) for part in _weights(of, table, draws, seed)] if n >= FEW else []
    left = _left_out(columns, table, sums) if table.shape[0] * table.shape[1] <= _JACKKNIFED else None
    unlike = columns.unlike(sums)
    many = np.bincount(of, minlength=table.shape[0])
    found = {}
    for name, exact in values.items():
        value = 0.0 if abs(exact) < _NOTHING else exact
        apart = float(unlike[name][0])
        if not isfinite(value):
            found[name] = Drawn(None, None, None, 0, 0, "none", None)
        elif value >= 1 - 1e-12:
            found[name] = _all_agree(n, apart, level)
        else:
            spread = np.concatenate([block[name] for block in blocks]) if blocks else np.zeros(0)
            found[name] = _interval(value, spread, None if left is None else left[name], many, level)
    return found


def _work(table: Any, n: int) -> int:
    """Numbers that one draw adds up."""
    return int(n + table.nnz + table.shape[1])


def moved(value: float, moves: Floats, clusters: Codes | None, level: float) -> Drawn:
    """Student's interval from what each item moves an estimate by (the infinitesimal jackknife; Efron 1982)."""
    summed = moves if clusters is None else np.bincount(clusters, moves)
    n = int(summed.size)
    error = sqrt(n / (n - 1) * float(np.square(summed).sum())) if n > 1 else 0.0
    if error == 0:
        return Drawn(value, None, None, 0, 0, "none", "all items say the same")
    half = intervals.student(n - 1, level) * error
    return Drawn(value, max(value - half, min(value, -1.0)), min(value + half, 1.0), 0, 0, "delta", None)


def sums(table: Any, clusters: Codes | None, seed: int) -> Floats:
    """Sums of the columns of a table over rows (or clusters of them) that are drawn anew: a row a draw."""
    rows, of = _patterns(table, clusters)
    draws = min(DRAWS, max(_LEAST, int(_WORK / _work(rows, int(of.size)))))
    return np.concatenate([part @ rows for part in _weights(of, rows, draws, seed)])


def _all_agree(n: int, unlike: float, level: float) -> Drawn:
    """Items that all agree, of which draws do too: the share that agrees is bounded, as of any n of n (Wilson).

    1 - D / E, with so much disagreement as that share leaves, each of the size of one by chance.
    """
    share = intervals.bounded_mean(np.ones(n), level=level).low
    if share is None:
        return Drawn(1.0, None, None, 0, 0, "none", "there is one item")
    return Drawn(1.0, max(1 - (1 - share) / unlike, -1.0), 1.0, 0, 0, "exact", None)


def _interval(value: float, spread: Floats, left: Floats | None, many: Codes, level: float) -> Drawn:
    n = int(many.sum())
    if n < FEW:
        return _jackknifed(value, left, many, level)
    known = np.sort(spread[np.isfinite(spread)])
    undefined = int(spread.size - known.size)

    def without(why: str) -> Drawn:
        return Drawn(value, None, None, int(spread.size), undefined, "none", why)

    if undefined > UNDEFINED * spread.size:
        return without(f"{undefined:,} of {spread.size:,} resamples have no value, as when all labels are one")
    if known[0] == known[-1]:
        return without("all resamples have the same value")
    middle = float((known < value).mean() + (known == value).mean() / 2)
    bias = float(special.ndtri(middle))
    corrected = Corrected(value, known, bias if isfinite(bias) else 0.0, _acceleration(left, many))
    tail = float(special.ndtr(-sqrt(n / (n - 1)) * intervals.student(n - 1, level)))
    low, high = corrected.ends(tail)
    assert low is not None and high is not None  # noqa: S101, PT018 - draws have ends
    return Drawn(value, min(low, value), max(high, value), int(spread.size), undefined, "bootstrap", None)


def _jackknifed(value: float, left: Floats | None, many: Codes, level: float) -> Drawn:
    """The jackknife's error with Student's quantile, within the coefficient's bounds."""
    n = int(many.sum())
    if n < 2 or left is None or not np.isfinite(left).all():
        why = "there is one item" if n < 2 else "without one of the few items there is no value"
        return Drawn(value, None, None, 0, 0, "none", why)
    middle = float((left * many).sum() / n)
    error = sqrt((n - 1) / n * float((np.square(left - middle) * many).sum()))
    if error == 0:
        return Drawn(value, None, None, 0, 0, "none", "all items say the same")
    half = intervals.student(n - 1, level) * error
    return Drawn(value, max(value - half, min(value, -1.0)), min(value + half, 1.0), 0, 0, "jackknife", None)


def _acceleration(left: Floats | None, many: Codes) -> float:
    """A sixth of the skewness of the jackknife's values, as in scipy's `bootstrap`; 0 where items are very many."""
    if left is None:
        return 0.0
    told = np.isfinite(left)
    middle = float((left[told] * many[told]).sum() / max(int(many[told].sum()), 1))
    off = middle - left[told]
    squares = float((np.square(off) * many[told]).sum())
    return float((off**3 * many[told]).sum()) / (6 * squares**1.5) if squares > 0 else 0.0


def _left_out(columns: Columns, table: Any, sums: Floats) -> Mapping[str, Floats]:
    """Coefficients without one item of each pattern."""
    rows = int(table.shape[0])
    step = max(1, _BLOCK // table.shape[1])
    parts = [columns.coefficients(sums - table[start : start + step].toarray()) for start in range(0, rows, step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _weights(of: Codes, table: Any, draws: int, seed: int) -> Iterator[Floats]:
    """How often each pattern came, a row a draw, in blocks."""
    rng = np.random.default_rng(seed)
    patterns, n = int(table.shape[0]), int(of.size)
    chances = np.bincount(of, minlength=patterns) / n
    step = max(1, _BLOCK // max(n, table.shape[1]))
    for start in range(0, draws, step):
        many = min(step, draws - start)
        if patterns * 8 <= n:
            yield rng.multinomial(n, chances, many).astype(float)
            continue
        rows = of[rng.integers(0, n, (many, n), dtype=np.int32)] + np.arange(many)[:, None] * patterns
        yield np.bincount(rows.ravel(), minlength=many * patterns).reshape(many, patterns).astype(float)


def _patterns(table: Any, clusters: Codes | None) -> tuple[Any, Codes]:
    """The different rows, in the order in which items first have them, and of each item which one it is.

    Items without a number, such as those with one label, stay: how many have two labels is drawn too.
    """
    if clusters is not None:
        table = _summed(table, clusters)
    firsts, of = np.unique(_hashes(table), return_index=True, return_inverse=True)[1:]
    order = np.argsort(firsts)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(order.size)
    return table[firsts[order]], ranks[of.ravel()].astype(np.intp)


def _summed(table: Any, clusters: Codes) -> Any:
    from scipy.sparse import coo_array  # noqa: PLC0415

    n = int(clusters.size)
    ones = (np.ones(n), (clusters, np.arange(n)))
    return (coo_array(ones, shape=(int(clusters.max()) + 1, n)).tocsr() @ table).tocsr()


def _hashes(table: Any) -> Any:
    """A number for each row that equal rows share: two of a million unlike ones share one in 1 of 10^7 tables."""
    table.sum_duplicates()
    table.eliminate_zeros()
    keys = np.random.default_rng(0).integers(1, 2**63, table.shape[1], dtype=np.uint64)
    mixed = keys[table.indices] * (table.data.view(np.uint64) | np.uint64(1))
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    totals = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    return totals[table.indptr[1:]] - totals[table.indptr[:-1]]
