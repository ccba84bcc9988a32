"""Coefficients of agreement as functions of sums over items, so that a bootstrap draws sums and never labels.

Sources: Cohen 1960 and 1968 (weights), Fleiss 1971, Krippendorff 2011 (Computing Krippendorff's Alpha-Reliability),
Gwet 2008 (AC1; AC2 with weights) and 2014 (Handbook of Inter-Rater Reliability, 4th ed.: missing labels, as its
software irrCAC has them). A coefficient is 1 - D / E, of the disagreement that is seen and that of chance; it is NaN
where chance alone would agree always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analytics.columns import Floats
from analytics.items import coded
from analytics.ratings import Codes, Ratings, pairs

Weights = Literal["none", "linear", "quadratic"]
MOST_WEIGHED = 200  # categories that weights are made of
_FEW_CATEGORIES = 20  # of which all pairs are fewer than those of labels


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What each item adds to the sums of a family of coefficients, and the coefficients of such sums."""

    table: Any  # scipy.sparse CSR, a row an item
    coefficients: Callable[[Floats], Mapping[str, Floats]]  # of sums, a row a draw
    unlike: Callable[[Floats], Mapping[str, Floats]]  # the chance that two labels differ, by the same sums


def agreeing(found: Ratings, weights: Weights = "none") -> Floats:
    """Of each item the share of its pairs of labels that agree, weighted; NaN where it has fewer than two labels."""
    counts = found.counts().astype(float)
    tables = _tables(found)
    if weights == "none":
        alike = np.asarray(tables.multiply(tables).sum(axis=1)).ravel()
    else:
        alike = np.asarray(tables.multiply(tables @ matrix(found, weights)).sum(axis=1)).ravel()
    return _divided(alike - counts, counts * (counts - 1))


def matrix(found: Ratings, weights: Weights) -> Floats:
    """How much two categories agree: 1 on the diagonal, 0 at the ends of the scale.

    Raises:
        ValueError: the categories have no order, or are too many.
    """
    positions = found.positions
    if positions is None or positions.size > MOST_WEIGHED:
        raise ValueError(f"Weights are of up to {MOST_WEIGHED} categories with an order.")
    apart = np.abs(positions[:, None] - positions) / max(float(np.ptp(positions)), 1e-300)
    return np.asarray(1 - (apart if weights == "linear" else np.square(apart)))


def by_count(found: Ratings, weights: Weights = "none") -> Columns:
    """Fleiss' kappa and Gwet's AC1, which ask how many chose a category and not who.

    Agreement is over items with two labels or more; shares of categories are means over all items of the shares within
    an item (Gwet 2014), so that an item with more labels counts no more.
    """
    agreed = agreeing(found, weights)
    told = ~np.isnan(agreed)
    shares = _tables(found).multiply(1 / found.counts()[:, None]).tocsr()
    q = len(found.categories)
    kernel = np.eye(q) if weights == "none" and q <= MOST_WEIGHED else None
    kernel = matrix(found, weights) if weights != "none" else kernel

    def chances(sums: Floats) -> tuple[Floats, Floats, Floats]:
        share = sums[:, 2:] / np.maximum(sums[:, 2:].sum(axis=1, keepdims=True), 1e-300)
        seen = _divided(sums[:, 1], sums[:, 0])
        fleiss = np.square(share).sum(axis=1) if kernel is None else ((share @ kernel) * share).sum(axis=1)
        total = float(q if kernel is None else kernel.sum())
        gwet = total * (share * (1 - share)).sum(axis=1) / max(q * (q - 1), 1)
        # One category has no chance to disagree in; without another one declared, AC1 divides by 0 too.
        return seen, fleiss, np.where(q > 1, gwet, 1.0)

    def coefficients(sums: Floats) -> Mapping[str, Floats]:
        seen, fleiss, gwet = chances(sums)
        return {"fleiss_kappa": _beyond(seen, fleiss), "gwet_ac1": _beyond(seen, gwet)}

    def unlike(sums: Floats) -> Mapping[str, Floats]:
        _, fleiss, gwet = chances(sums)
        return {"fleiss_kappa": 1 - fleiss, "gwet_ac1": 1 - gwet}

    return Columns(_stacked(told, np.where(told, agreed, 0.0), shares), coefficients, unlike)


def alphas(found: Ratings, *, ordinal: bool = True) -> Columns:
    """Krippendorff's alphas over items with two labels or more; those that the labels' kind allows.

    The ordinal difference of two categories is the square of the difference of their mean ranks among all labels that
    are paired (the published sum, rearranged), so that ranks are drawn anew with the labels. Without it (`ordinal`
    false) thousands of different numbers take a fraction of the time.
    """
    counts = found.counts()
    paired = counts > 1
    tables = _tables(found).multiply(paired[:, None]).tocsr()
    within = np.where(paired, 1 / np.maximum(counts - 1, 1), 0.0)
    squares = np.asarray(tables.multiply(tables).sum(axis=1)).ravel()
    nominal = (counts**2 - squares) * within * paired
    q = len(found.categories)
    ranked = ordinal and (found.positions is not None or q == 2)
    cells, ends = _cells(found, tables, within) if ranked else (None, None)
    centred = _centred(found)
    at = centred if centred is not None else np.zeros(q)
    firsts, seconds = tables @ at, tables @ np.square(at)
    interval = 2 * (counts * seconds - np.square(firsts)) * within
    table = _stacked(nominal, interval, tables, cells)

    def parts(sums: Floats) -> tuple[Floats, Floats, Floats]:
        return sums[:, :2], sums[:, 2 : 2 + q], sums[:, 2 + q :]

    def unlike_of(many: Floats) -> Floats:
        n = many.sum(axis=1)
        return _divided(np.square(n) - np.square(many).sum(axis=1), n * (n - 1))

    def coefficients(sums: Floats) -> Mapping[str, Floats]:
        seen, many, crossed = parts(sums)
        n = many.sum(axis=1)
        told = {"krippendorff_alpha_nominal": _beyond(1 - _divided(seen[:, 0], n), 1 - unlike_of(many))}
        if ends is not None:
            ranks = (np.cumsum(many, axis=1) - many / 2) / np.maximum(n, 1)[:, None]
            apart = 2 * (crossed * np.square(ranks[:, ends[0]] - ranks[:, ends[1]])).sum(axis=1)
            told["krippendorff_alpha_ordinal"] = 1 - _divided(apart, _expected(many, ranks))
        if centred is not None:
            told["krippendorff_alpha_interval"] = 1 - _divided(seen[:, 1], _expected(many, centred[None, :]))
        return told

    def unlike(sums: Floats) -> Mapping[str, Floats]:
        _, many, _ = parts(sums)
        return dict.fromkeys(_ALPHAS, unlike_of(many))

    return Columns(table, coefficients, unlike)


_ALPHAS = tuple(f"krippendorff_alpha_{kind}" for kind in ("nominal", "ordinal", "interval"))


def cohen(found: Ratings, weights: Weights = "none") -> Columns:
    """Cohen's kappa: of every two labellers over the items that both have, then the mean, weighted by those items.

    A pair of labellers whose kappa is undefined is in no mean.
    """
    first, second = pairs(found)
    labellers, q = found.names.size, len(found.categories)
    key = found.labellers[first] * labellers + found.labellers[second]
    every, place = coded(key)
    alike = found.labels[first] == found.labels[second]
    kernel = None if weights == "none" else matrix(found, weights)
    agreed = alike.astype(float) if kernel is None else kernel[found.labels[first], found.labels[second]]
    items = found.items[first]
    size = (found.ids.size, every.size)
    table = _stacked(
        _sparse(np.ones(items.size), items, place, size), _sparse(agreed, items, place, size),
        _sparse(np.ones(items.size), items, place * q + found.labels[first], (size[0], size[1] * q)),
        _sparse(np.ones(items.size), items, place * q + found.labels[second], (size[0], size[1] * q)),
    )  # fmt: skip

    def kappas(sums: Floats) -> tuple[Floats, Floats, Floats]:
        many = every.size
        shared, agreement = sums[:, :many], sums[:, many : 2 * many]
        one, other = (part.reshape(len(sums), many, q) for part in np.split(sums[:, 2 * many :], 2, axis=1))
        joint = (one * other).sum(axis=2) if kernel is None else ((one @ kernel) * other).sum(axis=2)
        chance = _divided(joint, np.square(shared))
        return shared, _beyond(_divided(agreement, shared), chance), chance

    def coefficients(sums: Floats) -> Mapping[str, Floats]:
        shared, kappa, _ = kappas(sums)
        return {"cohen_kappa": _weighted(kappa, shared)}

    def unlike(sums: Floats) -> Mapping[str, Floats]:
        shared, kappa, chance = kappas(sums)
        return {"cohen_kappa": _weighted(np.where(np.isnan(kappa), np.nan, 1 - chance), shared)}

    return Columns(table, coefficients, unlike)


@dataclass(frozen=True, slots=True, eq=False)
class Pairwise:
    """The mean of Cohen's kappas over pairs of labellers, without draws."""

    value: float  # NaN: no pair has one
    moves: Floats  # by how much each item moves it
    undefined: int  # pairs that share items, and whose kappa is undefined: both gave all of them one label


def pairwise(found: Ratings, weights: Weights = "none") -> Pairwise:
    """What `cohen` comes to, and its derivative by the share of each item (the infinitesimal jackknife).

    Of one pair of labellers with n items, agreement o and chance e, an item moves kappa by
    ((1 - e)(agree - o) - (1 - o)(chance of its two labels - 2 e)) / (1 - e)^2 / n.
    """
    first, second = pairs(found)
    q, a, b = len(found.categories), found.labels[first], found.labels[second]
    every, place = coded(found.labellers[first] * found.names.size + found.labellers[second])
    kernel = np.eye(q) if weights == "none" else matrix(found, weights)
    shared = np.bincount(place)[:, None].astype(float)
    one, other = (np.bincount(place * q + at, minlength=every.size * q).reshape(-1, q) / shared for at in (a, b))
    towards_a, towards_b = other @ kernel, one @ kernel
    agreed = kernel[a, b]
    seen, left = np.bincount(place, agreed) / shared[:, 0], 1 - (one * towards_a).sum(axis=1)
    kappa = 1 - _divided(1 - seen, np.where(left > 1e-12, left, 0.0))
    told = ~np.isnan(kappa)
    total = float(shared[told].sum())
    if total == 0:
        return Pairwise(float("nan"), np.zeros(found.ids.size), int(every.size))
    mean = float((kappa * shared[:, 0])[told].sum()) / total
    chance = towards_a[place, a] + towards_b[place, b] - 2 * (1 - left)[place]
    moves = left[place] * (agreed - seen[place]) - (1 - seen)[place] * chance
    moves = moves / np.square(np.where(told, left, 1.0))[place] + np.where(told, kappa, mean)[place] - mean
    moves = np.where(told[place], moves, 0.0) / total
    by_item = np.bincount(found.items[first], moves, found.ids.size).astype(float)
    return Pairwise(mean, by_item, int((~told).sum()))


def _weighted(values: Floats, weights: Floats) -> Floats:
    """Means of each row over what is defined; NaN where nothing is."""
    told = ~np.isnan(values)
    return _divided(np.where(told, values * weights, 0.0).sum(axis=1), np.where(told, weights, 0.0).sum(axis=1))


def _expected(many: Floats, at: Floats) -> Floats:
    """The disagreement of chance, times the labels: 2 (n sum(n_c x^2) - sum(n_c x)^2) / (n - 1)."""
    n = many.sum(axis=1)
    spread = n * (many * np.square(at)).sum(axis=1) - np.square((many * at).sum(axis=1))
    # What rounding leaves of labels that are all one is no disagreement.
    spread = np.where(spread > 1e-12 * np.square(n) * np.square(at).max(initial=0.0), spread, 0.0)
    return 2 * _divided(spread, n - 1)


def _centred(found: Ratings) -> Floats | None:
    """Positions of interval labels about their mean, in their standard deviations; null: they are no numbers.

    Of two categories every line is as good.
    """
    q = len(found.categories)
    at = found.positions if found.steps else np.arange(2.0) if q == 2 else None
    if at is None or not found.size:
        return None
    spread = float(at[found.labels].std())
    return np.asarray((at - float(at[found.labels].mean())) / (spread if spread > 0 else 1.0))


def _cells(found: Ratings, tables: Any, within: Floats) -> tuple[Any, tuple[Codes, Codes]]:
    """Of each item the pairs of unlike labels, by the two categories, over its labels less one."""
    q = len(found.categories)
    if q <= _FEW_CATEGORIES:
        low, high = np.triu_indices(q, 1)
        return (tables[:, low].multiply(tables[:, high])).multiply(within[:, None]).tocsr(), (low, high)
    first, second = pairs(found)
    low = np.minimum(found.labels[first], found.labels[second])
    high = np.maximum(found.labels[first], found.labels[second])
    apart = low != high
    keys, places = coded(low[apart] * q + high[apart])
    items = found.items[first][apart]
    cells = _sparse(within[items], items, places, (found.ids.size, keys.size))
    return cells, (keys.astype(np.intp) // q, keys.astype(np.intp) % q)


def _tables(found: Ratings) -> Any:
    """How many labels of each category an item has."""
    return _sparse(np.ones(found.size), found.items, found.labels, (found.ids.size, len(found.categories)))


def _sparse(values: Floats, rows: Codes, columns: Codes, size: tuple[int, int]) -> Any:
    from scipy.sparse import coo_array  # noqa: PLC0415 - only where there are labels

    return coo_array((values, (rows, columns)), shape=size).tocsr()


def _stacked(*parts: Any) -> Any:
    from scipy.sparse import csr_array, hstack  # noqa: PLC0415

    told = [csr_array(np.asarray(part, float)[:, None]) if isinstance(part, np.ndarray) else part for part in parts]
    return hstack([part for part in told if part is not None], format="csr")


def _beyond(seen: Floats, chance: Floats) -> Floats:
    """(seen - chance) / (1 - chance); NaN where chance agrees always."""
    left = 1 - chance
    return _divided(seen - chance, np.where(left > 1e-12, left, 0.0))


def _divided(over: Floats, under: Floats) -> Floats:
    return np.asarray(np.divide(over, under, out=np.full(np.shape(over), np.nan), where=under != 0))
