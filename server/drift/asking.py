"""Two files and the words of the command line, brought to columns that `analytics.drift` tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np

from analytics.drift import Column, column
from analytics.drifted import Kind, Options
from server.compare.reading import ComparisonError, Table, flags, followed, unknown
from server.drift import guessing
from server.drift.cells import Cells

SIDES = ("reference", "current")


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
    asides: list[str] = []
    if asked.columns:
        names = _named(reference, current, both, asked.columns)
        kinds = {name: types.get(name) or guessing.guessed(both, name) for name in names}
    else:
        kinds, asides = _worth(reference, current, both, asked, types)
    failed = _failed(both, asked)
    bad = np.zeros(len(both.places), bool) if failed is None else flags(both.table, failed)
    columns = {name: _column(both, name, kind, bad, at) for name, kind in kinds.items()}
    return Told(columns, _clusters(both, asked.cluster, at), _options(both, asked), [*asides, *_of_failed(bad, at)])


def _joined(reference: Table, current: Table) -> Cells:
    """One table of both, so that a word means the same on each side."""
    names = [name for name in reference.columns if name in current.columns]
    if not names:
        raise ComparisonError(
            f"The files have no column in common: {', '.join(reference.columns) or 'none'}, and "
            f"{', '.join(current.columns) or 'none'}."
        )
    places = [f"{side}, {place}" for side, one in zip(SIDES, (reference, current), strict=True) for place in one.places]
    return Cells(Table({name: followed(reference.columns[name], current.columns[name]) for name in names}, places))


def _types(table: Cells, words: Sequence[str]) -> dict[str, Kind]:
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


def _named(reference: Table, current: Table, both: Cells, words: Sequence[str]) -> list[str]:
    names = [name for word in words for name in _split(both, word)]
    for name in names:
        for side, table in zip(SIDES, (reference, current), strict=True):
            if name not in table.columns:
                raise ComparisonError(f"In the {side} file: {unknown(name, table.columns)}")
    return list(dict.fromkeys(names))


def _worth(
    reference: Table, current: Table, both: Cells, asked: Asked, types: Mapping[str, Kind]
) -> tuple[dict[str, Kind], list[str]]:
    """Columns that can be tested and are worth it, with their types; and what is left out, in words."""
    taken = {asked.cluster, _failed(both, asked)}
    found: dict[str, Kind] = dict(types)
    asides = []
    for name in (name for name in both.names if name not in taken and name not in types):
        try:
            kind = guessing.guessed(both, name)
        except ComparisonError as error:
            asides.append(f"{name} is left out: {error}")
            continue
        why = guessing.why_not(both, name, kind, len(reference.places))
        if why is None:
            found[name] = kind
        else:
            asides.append(f"{name} is left out: {why}. Name it to test it.")
    alone = [name for name in (*reference.columns, *current.columns) if name not in both.names]
    if alone:
        asides.append(f"Only one file has {', '.join(alone)}: left out.")
    if not found:
        raise ComparisonError(" ".join(["No column can be tested. Name one: --columns score.", *asides]))
    return {name: found[name] for name in both.names if name in found}, asides


def _split(table: Cells, word: str) -> list[str]:
    return [word] if word in table.names else [name.strip() for name in word.split(",") if name.strip()]


def _failed(table: Cells, asked: Asked) -> str | None:
    return asked.failed or ("failed" if "failed" in table.names else None)


def _column(table: Cells, name: str, kind: Kind, bad: np.ndarray, at: int) -> Column:
    failed = bad.copy()
    values: Any
    if kind == "categorical":
        values = np.array([None if lost else one for one, lost in zip(table.labels(name), bad, strict=True)], object)
    elif kind == "embedding":
        values = _vectors(table, name, bad)
    else:
        values, words = table.numbers(name)
        failed |= words
        values = np.where(bad, np.nan, values)
        wrong = np.flatnonzero(~np.isnan(values) & (values != 0) & (values != 1))
        if kind == "rate" and wrong.size:
            raise ComparisonError(
                f"Column {name!r}, {table.places[int(wrong[0])]}: {values[wrong[0]]:g} is neither 0 nor 1, as a rate's "
                f"values are. Take --type {name}=numeric."
            )
    return column(kind, values[:at], values[at:], (failed[:at], failed[at:]))


def _vectors(table: Cells, name: str, bad: np.ndarray) -> np.ndarray:
    cells = table.column(name)
    found = [
        None if lost or cell in (None, "") else guessing.vector(cell) for cell, lost in zip(cells, bad, strict=True)
    ]
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


def _clusters(table: Cells, name: str | None, at: int) -> tuple[list[str], list[str]] | None:
    """A row without a cluster is its own."""
    if name is None:
        return None
    found = [f"\0{place}" if one is None else one for place, one in enumerate(table.labels(name))]
    return found[:at], found[at:]


def _options(table: Cells, asked: Asked) -> Options:
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
