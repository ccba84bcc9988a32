"""Labels of items by labellers, as codes: what coefficients of agreement and models of consensus take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.columns import Bools, Floats

Codes = NDArray[np.intp]
_Line = tuple[Codes, tuple[str, ...], Floats | None, bool]
"""The code of each label, the categories, their positions, and whether these are numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """One label a row, by item and labeller in their order; nobody labels an item twice."""

    items: Codes  # places in `ids`
    labellers: Codes  # places in `names`
    labels: Codes  # places in `categories`
    ids: NDArray[Any]  # names of items, sorted
    names: NDArray[Any]  # of labellers, sorted
    categories: tuple[str, ...]  # by their order where they have one, else by name
    positions: Floats | None  # of categories: numbers, or places in an order that is told; null: none is
    steps: bool  # whether positions are numbers, whose differences mean something

    @property
    def size(self) -> int:
        """How many labels there are."""
        return int(self.labels.size)

    def of(self, kept: Bools) -> Ratings:
        """The rows where `kept` is true, of the same categories; items and labellers without a row are left out."""
        items, labellers = (_recoded(codes[kept]) for codes in (self.items, self.labellers))
        return replace(
            self, items=items[1], labellers=labellers[1], labels=self.labels[kept],
            ids=self.ids[items[0]], names=self.names[labellers[0]],
        )  # fmt: skip

    def used(self) -> Ratings:
        """The same without categories that nobody used."""
        there, labels = _recoded(self.labels)
        positions = None if self.positions is None else self.positions[there]
        categories = tuple(self.categories[at] for at in there)
        return replace(self, labels=labels, categories=categories, positions=positions)

    def counts(self) -> Codes:
        """How many labels each item has."""
        return np.bincount(self.items, minlength=self.ids.size)


class RatingsError(ValueError):
    """The labels do not serve; the sentence says which, and why."""


def ratings(
    items: Sequence[str], labellers: Sequence[str], labels: Sequence[str], order: Sequence[str] | None = None
) -> Ratings:
    """Columns without nulls as ratings, whatever the order of the rows. A label that is told twice alike counts once.

    Args:
        items: what is labelled.
        labellers: by whom.
        labels: as text. Where all are numbers, equal numbers are one label, and their order is the numbers'.
        order: the categories from least to most, also those that nobody used; null: none but that of numbers.

    Raises:
        RatingsError: a labeller gives an item two labels, or a label is not of the order.
    """
    codes, categories, positions, steps = _categories(labels, order)
    item_codes, ids = _sorted(items)
    labeller_codes, names = _sorted(labellers)
    rows = np.lexsort((codes, labeller_codes, item_codes))
    found = Ratings(item_codes[rows], labeller_codes[rows], codes[rows], ids, names, categories, positions, steps)
    return _once(found)


def repeated(found: Ratings) -> Bools:
    """Rows whose item has a label of the same labeller in the row before."""
    same = np.zeros(found.size, np.bool_)
    same[1:] = (found.items[1:] == found.items[:-1]) & (found.labellers[1:] == found.labellers[:-1])
    return same


def _once(found: Ratings) -> Ratings:
    again = repeated(found)
    if not again.any():
        return found
    other = np.flatnonzero(again & np.concatenate([[False], found.labels[1:] != found.labels[:-1]]))
    if other.size:
        at = int(other[0])
        first, second = (found.categories[found.labels[place]] for place in (at - 1, at))
        raise RatingsError(
            f"{found.names[found.labellers[at]]} labels item {found.ids[found.items[at]]} {first!r} and {second!r}: "
            "a labeller has one label an item."
        )
    return found.of(~again)


def _categories(labels: Sequence[str], order: Sequence[str] | None) -> _Line:
    codes, texts = pd.factorize(np.asarray(labels, object))
    names = [str(text) for text in texts]
    values = _numbers(names)
    if order is not None:
        return _ordered(codes.astype(np.intp), names, values, order)
    if values is not None and names:
        positions, places = np.unique(values, return_inverse=True)
        shown = dict(zip(places.tolist(), names, strict=True))
        return places[codes].astype(np.intp), tuple(shown[at] for at in range(positions.size)), positions, True
    ranks = np.argsort(np.argsort(np.asarray(names, object))).astype(np.intp)
    placed: Codes = ranks[codes] if names else codes.astype(np.intp)
    return placed, tuple(sorted(names)), None, False


def _ordered(codes: Codes, names: Sequence[str], values: Floats | None, order: Sequence[str]) -> _Line:
    """By an order that is told, whose numbers keep their values where they rise."""
    places = {name: at for at, name in enumerate(order)}
    if len(places) < len(order):
        raise RatingsError(f"The order {', '.join(order)} names a label twice.")
    lost = [name for name in names if name not in places]
    if lost:
        raise RatingsError(f"The label {lost[0]!r} is not in the order {', '.join(order)}: name all that occur.")
    numbers = _numbers(order) if values is not None else None
    steps = numbers is not None and bool((np.diff(numbers) > 0).all())
    positions = numbers if steps and numbers is not None else np.arange(len(order), dtype=np.float64)
    return np.array([places[name] for name in names], np.intp)[codes], tuple(order), positions, steps


def _numbers(names: Sequence[str]) -> Floats | None:
    """Null: a name is no number."""
    try:
        found = np.array([math.nan if "_" in name else float(name) for name in names])
    except ValueError:
        return None
    return found if bool(np.isfinite(found).all()) else None


def _sorted(names: Sequence[str]) -> tuple[Codes, NDArray[Any]]:
    codes, every = pd.factorize(np.asarray(names, object), sort=True)
    return codes.astype(np.intp), np.asarray(every, object)


def _recoded(codes: Codes) -> tuple[Codes, Codes]:
    """The codes that are there, and each row's place among them."""
    there = np.flatnonzero(np.bincount(codes)) if codes.size else codes
    places = np.zeros(int(there.max(initial=-1)) + 1, np.intp)
    places[there] = np.arange(there.size)
    return there, places[codes]


def pairs(found: Ratings) -> tuple[Codes, Codes]:
    """Every two labels of one item, as two columns of rows; of a pair the labeller that is named first comes first."""
    first: list[Codes] = []
    second: list[Codes] = []
    rows = np.arange(found.size, dtype=np.intp)
    for lag in range(1, int(found.counts().max(initial=0))):
        rows = rows[rows < found.size - lag]
        alike = rows[found.items[rows] == found.items[rows + lag]]
        first.append(alike)
        second.append(alike + lag)
        rows = alike  # whose item has no label so far on, has none farther
    empty = np.zeros(0, np.intp)
    return np.concatenate([empty, *first]), np.concatenate([empty, *second])
