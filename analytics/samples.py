"""Rows of an experiment: one row per variant, item and repeat, with the metrics that were measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.columns import Bools, Floats
from analytics.items import Items, Rows, by_item, coded

Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Long rows. Codes mean the same in all variants, so that items and clusters are known again."""

    names: tuple[str, ...]  # of variants, in their order
    variants: Codes
    items: Codes
    item_names: NDArray[np.generic]
    clusters: Codes | None  # of each row's item; null: each item is its own
    metrics: Mapping[str, Floats]  # NaN: missing
    failed: Bools  # rows without a result, of which no metric is known

    def of(self, kept: Bools) -> Samples:
        """The rows where `kept` is true; names and codes stay."""
        return replace(
            self,
            variants=self.variants[kept],
            items=self.items[kept],
            clusters=None if self.clusters is None else self.clusters[kept],
            metrics={name: values[kept] for name, values in self.metrics.items()},
            failed=self.failed[kept],
        )


def samples(
    frame: pd.DataFrame,
    *,
    variant: str,
    metrics: Sequence[str],
    item: str | None = None,
    cluster: str | None = None,
    failed: str | None = None,
    order: Sequence[str] = (),
) -> Samples:
    """Rows from a frame, a column each. Variants are sorted by name, after those that `order` names.

    Rows without a variant are left out. Without an item a row is its own item; without a cluster an item is its own
    cluster. Metrics of failed rows are unknown, whatever stands there.

    Args:
        frame: one row per variant, item and repeat; metrics are numbers or booleans, null where missing.
        variant: column of variants.
        metrics: columns to compare.
        item: column of items; null: each row is one.
        cluster: column of clusters, such as users or topics; null: each item is one.
        failed: column that is true of failed rows; null: none failed.
        order: variants that come first.
    """
    told = frame[frame[variant].notna()]
    labels = told[variant].astype(str)
    names = (*(one for one in order if (labels == one).any()), *sorted(set(labels) - set(order)))
    items, item_names = _coded(None if item is None else told[item], np.arange(len(told)))
    clusters = None if cluster is None else _coded(told[cluster], items)[0]
    bad = np.zeros(len(told), bool) if failed is None else told[failed].fillna(value=False).to_numpy(bool)
    values = {name: told[name].to_numpy(np.float64, na_value=np.nan, copy=True) for name in metrics}
    for column in values.values():
        column[bad] = np.nan
    codes = pd.Categorical(labels, categories=list(names)).codes.astype(np.intp)
    return Samples(tuple(names), codes, items, item_names, clusters, values, bad)


def _coded(column: pd.Series | None, otherwise: Codes) -> tuple[Codes, NDArray[np.generic]]:
    """Codes by the labels' order, so that the order of rows changes nothing; a null is a label of its own."""
    if column is None:
        return otherwise.astype(np.intp), otherwise
    codes, names = pd.factorize(column, sort=True)
    none = codes < 0
    if none.any():
        own = np.unique(otherwise[none], return_inverse=True)[1]
        codes = codes.copy()
        codes[none] = len(names) + own
        return codes.astype(np.intp), np.append(np.asarray(names, object), np.full(int(own.max()) + 1, None, object))
    return codes.astype(np.intp), np.asarray(names)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One metric of one variant, by item: repeats are averaged, and items without a value are left out."""

    ids: Codes  # items, sorted
    means: Floats
    clusters: Codes  # one an item; an item without one has a code of its own
    known: Floats  # values of the rows with one
    place: Codes  # of such a row, where its item stands in `ids`
    missing: int  # rows without a value that did not fail
    failed: int

    @property
    def repeated(self) -> bool:
        """Whether an item has more than one value."""
        return self.known.size > self.ids.size

    @property
    def groups(self) -> int:
        """How many clusters there are."""
        return int((np.bincount(self.clusters) > 0).sum()) if self.ids.size else 0

    @property
    def alone(self) -> bool:
        """Whether each item is its own cluster."""
        return np.array_equal(self.clusters, self.ids) or self.groups == self.ids.size

    def rows(self) -> Items:
        """The same as what `items` makes of rows."""
        repeats = np.bincount(self.place, minlength=self.ids.size)
        clusters = None if self.alone else coded(self.clusters)[1]
        return Items(self.ids, self.means, clusters, repeats, self.known, self.place, self.missing + self.failed, 0)

    def of(self, kept: Bools) -> Side:
        """The items where `kept` is true."""
        rows = kept[self.place]
        place = (np.cumsum(kept) - 1)[self.place[rows]]
        return replace(
            self, ids=self.ids[kept], means=self.means[kept], clusters=self.clusters[kept],
            known=self.known[rows], place=place,
        )  # fmt: skip


def side(found: Samples, variant: int, metric: str) -> Side:
    """One metric of one variant.

    Raises:
        ValueError: an item's rows belong to several clusters.
    """
    here = found.variants == variant
    items, values = found.items[here], found.metrics[metric][here]
    clusters = None if found.clusters is None else found.clusters[here]
    try:
        whole = by_item(Rows(values, items, clusters))
    except ValueError:
        raise ValueError(_torn(found, items, clusters)) from None
    ids = whole.ids.astype(np.intp)
    failed = int(found.failed[here].sum())
    if clusters is None:
        of_item = ids
    else:
        by_code = np.zeros(int(items.max(initial=-1)) + 1, np.intp)
        by_code[items] = clusters
        of_item = by_code[ids]
    return Side(ids, whole.means, of_item, whole.known, whole.place, whole.missing - failed, failed)


def common(a: Codes, b: Codes) -> Codes:
    """Codes of `a` that `b` has too, in the order of `a`: a hundredth of the time of `numpy.intersect1d`."""
    if np.array_equal(a, b) or not a.size or not b.size:
        return a[: b.size]
    there = np.zeros(int(max(a.max(), b.max())) + 1, bool)
    there[b] = True
    return a[there[a]]


def _torn(found: Samples, items: Codes, clusters: Codes | None) -> str:
    pairs = pd.DataFrame({"item": items, "cluster": clusters}).drop_duplicates()
    torn = int(pairs["item"][pairs["item"].duplicated()].iloc[0])
    return (
        f"Rows of item {found.item_names[torn]} belong to several clusters, and an item has one. "
        "Name as the item what is one observation, or leave the clusters out."
    )
