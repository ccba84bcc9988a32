"""A file of labels and the words of the command line, brought to ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.agreement import Options
from analytics.coefficients import MOST_WEIGHED
from analytics.columns import Bools
from analytics.ratings import Codes, Ratings, RatingsError, ratings
from server.compare.reading import ComparisonError, Table, labels
from server.evals.figures import counted, verb

MISSING = frozenset({"", "na", "n/a", "nan", "null"})
"""What is no label, in any case. `none` is not among these: it is what people call a category."""
_GOLD = "\0gold"  # stands for the labeller who is right, while codes are given
UNKNOWN = "unknown"  # the slice of rows that name none


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's words."""

    item: str = "item"
    labeller: str = "labeller"
    label: str = "label"
    order: str | None = None  # low,mid,high
    by: str | None = None  # column of slices
    gold: str | None = None  # column of gold labels, or the labeller whose labels are
    cluster: str | None = None
    time: str | None = None  # column of times, of which the newest label counts
    pairs: bool = False
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the file says."""

    ratings: Ratings
    slices: dict[str, Ratings]  # by name, sorted; none where no column is named
    clusters: NDArray[Any] | None  # name of each item's, as `ratings.ids` has them
    gold: NDArray[np.intp] | None  # code of each item's gold label, as `ratings.ids` has them; -1: it has none
    asides: Sequence[str]  # what was left out, in words

    def clusters_of(self, found: Ratings) -> Codes | None:
        """Codes of the clusters of some of the items."""
        if self.clusters is None:
            return None
        names = self.clusters[np.searchsorted(self.ratings.ids, found.ids)]
        return pd.factorize(names)[0].astype(np.intp)


def told(table: Table, asked: Asked) -> Told:
    """The ratings of a table.

    Raises:
        ComparisonError: a column is not there, a row has no item or labeller, a labeller gives an item two labels, or
            an option does not go with the labels.
    """
    frame, asides = _rows(table, asked)
    gold_column = asked.gold if asked.gold in table.columns else None
    golds = _by_item(table, frame, gold_column, "gold label") if gold_column else None
    if asked.gold is not None and golds is None:
        frame, golds = _without_gold(frame, asked.gold, table)
    found, gold = _ratings(frame, golds, asked)
    if asked.options.weights != "none" and (found.positions is None or len(found.categories) > MOST_WEIGHED):
        raise ComparisonError(
            f"--weights {asked.options.weights} takes labels with an order, {MOST_WEIGHED} at most: numbers, or name "
            "it by --order low,mid,high."
        )
    clusters = None
    if asked.cluster is not None:
        of_item = _by_item(table, frame, asked.cluster, "cluster")
        clusters = np.array([of_item.get(one, f"\0{one}") for one in found.ids], object)
    return Told(found, _slices(table, frame, found, asked), clusters, gold, asides)


def _rows(table: Table, asked: Asked) -> tuple[pd.DataFrame, list[str]]:
    """Rows with a label, one an item and labeller: `item`, `labeller`, `label`, and `row`, its place in the file."""
    names = {"item": asked.item, "labeller": asked.labeller, "label": asked.label}
    missing = [f"{column!r} (--{name})" for name, column in names.items() if column not in table.columns]
    if missing:
        raise ComparisonError(
            f"There is no column {' nor '.join(missing)}. Columns: {', '.join(table.columns) or 'none'}. A row is the "
            "label that one labeller gives one item."
        )
    frame = pd.DataFrame(
        {name: pd.Series(labels(table.column(column)), dtype=object) for name, column in names.items()}
    )
    frame["row"] = np.arange(len(frame))
    for name in ("item", "labeller"):
        empty = frame[name].isna()
        if empty.any():
            raise ComparisonError(
                f"Column {names[name]!r}, {table.places[int(empty.argmax())]}: the {name} is missing, and a label "
                "without one tells no agreement. Name it, or take the row out."
            )
    # Folded once for each text that occurs: a hundred thousand labels are of few.
    lost = frame["label"].isna() | frame["label"].isin(
        [one for one in frame["label"].dropna().unique() if one.casefold() in MISSING]
    )
    asides = [f"{counted(int(lost.sum()), 'row')} without a label {verb(int(lost.sum()), 'is', 'are')} left out."]
    frame = frame[~lost]
    if frame.empty:
        raise ComparisonError(f"Column {asked.label!r} has no label: all its cells are empty.")
    kept = _single(table, frame, asked)
    if len(kept) < len(frame):
        asides.append(
            f"{counted(len(frame) - len(kept), 'row')} repeated an item and labeller: "
            f"{'the newest counts' if asked.time else 'with the same label, which counts once'}."
        )
    return kept, asides if lost.any() else asides[1:]


def _single(table: Table, frame: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """One row an item and labeller: the newest by --time, else of equal labels the first."""
    key = ["item", "labeller"]
    if asked.time is not None and frame.duplicated(key).any():
        from server.drift.simulating import times  # noqa: PLC0415 - loads what simulations need

        when = pd.Series(times(table, asked.time)[frame["row"]], index=frame.index)
        frame = frame[when == when.groupby([frame[name] for name in key]).transform("max")]
    frame = frame.drop_duplicates([*key, "label"])
    again = frame.duplicated(key)
    if again.any():
        second = frame[again].iloc[0]
        first = frame[(frame["item"] == second["item"]) & (frame["labeller"] == second["labeller"])].iloc[0]
        hint = "of which the newest counts" if asked.time is None else "whose times differ"
        raise ComparisonError(
            f"{second['labeller']} labels item {second['item']} {first['label']!r} ({table.places[first['row']]}) and "
            f"{second['label']!r} ({table.places[second['row']]}): a labeller has one label an item. Take one out, or "
            f"name a column of times by --time, {hint}."
        )
    return frame


def _by_item(table: Table, frame: pd.DataFrame, column: str, what: str) -> dict[str, str]:
    """A column that says one thing of an item, by item; items without it are left out."""
    cells = pd.Series(labels(table.column(column)), dtype=object).to_numpy()[frame["row"]]
    told = pd.DataFrame({"item": frame["item"].to_numpy(), "cell": cells}).dropna().drop_duplicates()
    again = told.duplicated("item")
    if again.any():
        item = told[again].iloc[0]["item"]
        both = told[told["item"] == item]["cell"].tolist()
        raise ComparisonError(
            f"Column {column!r}: item {item} has {both[0]!r} and {both[1]!r}, and an item has one {what}."
        )
    return dict(zip(told["item"], told["cell"], strict=True))


def _without_gold(frame: pd.DataFrame, gold: str, table: Table) -> tuple[pd.DataFrame, dict[str, str]]:
    """Labels of the labeller who is right, and those of all others."""
    of_gold = frame["labeller"] == gold
    if not of_gold.any():
        raise ComparisonError(
            f"--gold {gold}: there is neither a column nor a labeller of this name. Columns: "
            f"{', '.join(table.columns)}; labellers: {', '.join(sorted(frame['labeller'].unique())[:10])}."
        )
    if of_gold.all():
        raise ComparisonError(f"--gold {gold}: there is no other labeller, whose labels could be compared.")
    return frame[~of_gold], dict(zip(frame[of_gold]["item"], frame[of_gold]["label"], strict=True))


def _ratings(
    frame: pd.DataFrame, golds: dict[str, str] | None, asked: Asked
) -> tuple[Ratings, NDArray[np.intp] | None]:
    """Ratings, and the gold label of each item; a label that only the gold has is a category too."""
    order = None if asked.order is None else [one.strip() for one in asked.order.split(",") if one.strip()]
    extra = golds or {}
    columns = (
        [*frame["item"], *extra], [*frame["labeller"], *[_GOLD] * len(extra)], [*frame["label"], *extra.values()]
    )  # fmt: skip
    try:
        found = ratings(*columns, order)
    except RatingsError as error:
        raise ComparisonError(str(error)) from error
    if golds is None:
        return found, None
    of_gold = found.names[found.labellers] == _GOLD
    codes = np.full(found.ids.size, -1, np.intp)
    codes[found.items[of_gold]] = found.labels[of_gold]
    kept = found.of(~of_gold)
    return kept, codes[np.searchsorted(found.ids, kept.ids)]


def _slices(table: Table, frame: pd.DataFrame, found: Ratings, asked: Asked) -> dict[str, Ratings]:
    if asked.by is None:
        return {}
    cells = pd.Series(labels(table.column(asked.by)), dtype=object).fillna(UNKNOWN).to_numpy()
    # Rows of ratings are sorted by item and labeller, each of which the file has once.
    rows = frame.sort_values(["item", "labeller"], kind="stable")["row"].to_numpy()
    names = cells[rows]
    return {str(name): found.of(_where(names, name)) for name in sorted(set(names.tolist()))}


def _where(names: NDArray[Any], name: str) -> Bools:
    return np.asarray(names == name, np.bool_)
