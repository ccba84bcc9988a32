"""Two files and the words of the command line, brought to columns that `analytics.drift` tests."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np

from analytics.drift import Column, column
from analytics.drifted import Kind, Options
from server.compare.reading import ComparisonError, Table, flags, labels, numbers, unknown

SIDES = ("reference", "current")
MOST_NAMES = 0.5
"""Share of a text column's rows that differ, from which it is taken for names or free text where nobody asks for it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's words."""

    columns: Sequence[str] = ()  # none: all that can be tested
    cluster: str | None = None
    failed: str | None = None
    types: Sequence[str] = ()  # COL=rate
    floors: Sequence[str] = ()  # 0.02, or COL=0.02
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be tested."""

    columns: Mapping[str, Column]
    clusters: tuple[list[str], list[str]] | None
    options: Options
    asides: Sequence[str]  # what was left out, in words


def told(reference: Table, current: Table, asked: Asked) -> Told:
    """The columns of two tables.

    Raises:
        ComparisonError: a column is not there, a word is none, or a cell is not of its column's type.
    """
    both = _joined(reference, current)
    at = len(reference.places)
    types = _types(both, asked.types)
    names, asides = _names(reference, current, both, asked, types)
    failed = _failed(both, asked)
    bad = np.zeros(len(both.places), bool) if failed is None else flags(both, failed)
    columns = {name: _column(both, name, types.get(name), bad, at) for name in names}
    return Told(columns, _clusters(both, asked.cluster, at), _options(both, asked), [*asides, *_of_failed(bad, at)])


def _joined(reference: Table, current: Table) -> Table:
    """One table of both, so that a word means the same on each side."""
    names = [name for name in reference.columns if name in current.columns]
    if not names:
        raise ComparisonError(
            f"The files have no column in common: {', '.join(reference.columns) or 'none'}, and "
            f"{', '.join(current.columns) or 'none'}."
        )
    places = [f"{side}, {place}" for side, one in zip(SIDES, (reference, current), strict=True) for place in one.places]
    return Table({name: [*reference.columns[name], *current.columns[name]] for name in names}, places)


def _types(table: Table, words: Sequence[str]) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for word in words:
        name, mark, kind = word.rpartition("=")
        if not mark or kind not in get_args(Kind):
            raise ComparisonError(
                f"A type is COL=TYPE, of {', '.join(get_args(Kind))}, such as score=numeric, and {word!r} is not."
            )
        table.column(name)
        found[name] = kind  # type: ignore[assignment]  # one of the literals, as checked
    return found


def _names(
    reference: Table, current: Table, both: Table, asked: Asked, types: Mapping[str, Kind]
) -> tuple[list[str], list[str]]:
    if asked.columns:
        names = [name for word in asked.columns for name in _split(both, word)]
        for name in names:
            for side, table in zip(SIDES, (reference, current), strict=True):
                if name not in table.columns:
                    raise ComparisonError(f"In the {side} file: {unknown(name, table.columns)}")
        return list(dict.fromkeys(names)), []
    taken = {asked.cluster, _failed(both, asked)}
    found, asides = [], []
    for name in (name for name in both.columns if name not in taken):
        if name in types or not _free(both, name):
            found.append(name)
        else:
            asides.append(f"{name} is left out: most of its values differ, as names and texts do. Name it to test it.")
    alone = [name for name in (*reference.columns, *current.columns) if name not in both.columns]
    if alone:
        asides.append(f"Only one file has {', '.join(alone)}: left out.")
    if not found:
        raise ComparisonError("No column can be tested. Name one: --columns score.")
    return found, asides


def _split(table: Table, word: str) -> list[str]:
    return [word] if word in table.columns else [name.strip() for name in word.split(",") if name.strip()]


def _failed(table: Table, asked: Asked) -> str | None:
    return asked.failed or ("failed" if "failed" in table.columns else None)


def _free(table: Table, name: str) -> bool:
    """Whether a column is of names or texts, nearly each another."""
    if _guessed(table, name) != "categorical":
        return False
    known = [one for one in labels(table.column(name)) if one is not None]
    return len(set(known)) > max(MOST_NAMES * len(known), 20)


def _guessed(table: Table, name: str) -> Kind:
    """Of 0 and 1 or yes and no: rate. Of other numbers: numeric. Of lists of numbers: embedding. Else categorical."""
    try:
        values, _ = numbers(table, name)
    except ComparisonError:
        first = next((cell for cell in table.column(name) if cell not in (None, "")), None)
        return "embedding" if _vector(first) is not None else "categorical"
    known = values[~np.isnan(values)]
    return "rate" if bool(((known == 0) | (known == 1)).all()) else "numeric"


def _vector(cell: Any) -> list[float] | None:
    """A list of numbers, or text that is one in JSON; null: it is neither."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            return None
    if not isinstance(cell, list) or not cell:
        return None
    good = all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in cell)
    return [float(one) for one in cell] if good else None


def _column(table: Table, name: str, kind: Kind | None, bad: np.ndarray, at: int) -> Column:
    kind = kind or _guessed(table, name)
    failed = bad.copy()
    values: Any
    if kind == "categorical":
        values = np.array(
            [None if lost else one for one, lost in zip(labels(table.column(name)), bad, strict=True)], object
        )
    elif kind == "embedding":
        values = _vectors(table, name, bad)
    else:
        values, words = numbers(table, name)
        failed |= words
        values[bad] = np.nan
        wrong = np.flatnonzero(~np.isnan(values) & (values != 0) & (values != 1))
        if kind == "rate" and wrong.size:
            raise ComparisonError(
                f"Column {name!r}, {table.places[int(wrong[0])]}: {values[wrong[0]]:g} is neither 0 nor 1, as a rate's "
                f"values are. Take --type {name}=numeric."
            )
    return column(kind, values[:at], values[at:], (failed[:at], failed[at:]))


def _vectors(table: Table, name: str, bad: np.ndarray) -> np.ndarray:
    cells = table.column(name)
    found = [None if lost or cell in (None, "") else _vector(cell) for cell, lost in zip(cells, bad, strict=True)]
    sizes = {len(one) for one in found if one is not None}
    for at, one in enumerate(found):
        if one is None and not bad[at] and cells[at] not in (None, ""):
            raise ComparisonError(
                f"Column {name!r}, {table.places[at]}: {str(cells[at])[:40]!r} is no list of numbers."
            )
    if len(sizes) > 1:
        raise ComparisonError(
            f"Column {name!r}: lists are of {min(sizes)} to {max(sizes)} numbers, and must be of one length."
        )
    size = sizes.pop() if sizes else 1
    return np.array([[math.nan] * size if one is None else one for one in found], float).reshape(len(found), size)


def _clusters(table: Table, name: str | None, at: int) -> tuple[list[str], list[str]] | None:
    """A row without a cluster is its own."""
    if name is None:
        return None
    found = [f"\0{place}" if one is None else one for place, one in enumerate(labels(table.column(name)))]
    return found[:at], found[at:]


def _options(table: Table, asked: Asked) -> Options:
    floors: dict[str, float] = {}
    floor: float | None = None
    for word in asked.floors:
        name, mark, text = word.rpartition("=")
        size = _size(text, word)
        if mark:
            table.column(name)
            floors[name] = size
        else:
            floor = size
    given = asked.options
    return Options(given.alpha, floors, floor, given.least_rows, given.least_clusters, given.level, given.seed)


def _size(text: str, word: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not found >= 0 or math.isinf(found):
        raise ComparisonError(f"A least effect is a number, 0 or more, such as 0.02 or COL=0.02, and {word!r} is not.")
    return found


def _of_failed(bad: np.ndarray, at: int) -> list[str]:
    first, second = int(bad[:at].sum()), int(bad[at:].sum())
    if not first + second:
        return []
    return [f"{first:,} rows of the reference and {second:,} of the current file failed: they are in no distribution."]
