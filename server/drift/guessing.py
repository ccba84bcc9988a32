"""What type a column is of where nobody says, and which columns are not worth a test unless somebody names them."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from datetime import date
from typing import Any

import numpy as np

from analytics.drifted import Kind
from server.compare.reading import ComparisonError, all_text
from server.drift.cells import Cells

MOST_NAMES = 0.5
"""Share of a text column's rows that differ, from which it is taken for names or free text where nobody asks for it."""
MOSTLY = 0.9
"""Share of cells that are numbers, from which the others are taken for mistakes, and not all for categories."""
_HEAD = 100  # cells that tell most columns of fractions
_FEW = 30  # values, of which as many whole numbers may differ by chance
_CODE = re.compile(r"^[ \t]*0\d+[ \t]*$", re.MULTILINE)  # a postcode, or an id with leading zeros
_TIME = re.compile(r"\s*\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?\s*")


def guessed(table: Cells, name: str) -> Kind:
    """Of 0 and 1 or yes and no: rate. Of other numbers: numeric. Of lists of numbers: embedding. Else categorical.

    Numbers with leading zeros are codes, and so categorical.

    Raises:
        ComparisonError: nearly all cells are numbers, and one is none.
    """
    cells = table.column(name)
    try:
        values, _ = table.numbers(name)
    except ComparisonError as error:
        there = [cell for cell in cells if cell not in (None, "")]
        counts = Counter(map(str, there))
        if sum(count for cell, count in counts.items() if _number(cell)) >= MOSTLY * len(there):
            raise ComparisonError(f"{error} Or take --type {name}=categorical.") from error
        return "embedding" if vector(there[0]) is not None else "categorical"
    if _CODE.search("\n".join(cells if all_text(cells) else [cell for cell in cells if isinstance(cell, str)])):
        return "categorical"
    known = values[~np.isnan(values)]
    return "rate" if bool(((known == 0) | (known == 1)).all()) else "numeric"


def _number(cell: str) -> bool:
    try:
        return not math.isnan(float(cell))
    except ValueError:
        return False


def vector(cell: Any) -> list[float] | None:
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


def why_not(table: Cells, name: str, kind: Kind, at: int) -> str | None:
    """What a column is that says nothing of drift; null: it is worth a test.

    Args:
        table: of both files, one after the other.
        name: of the column.
        kind: its type.
        at: the row at which the second file begins.
    """
    cells = table.column(name)
    if kind == "categorical":
        known = [one for one in table.labels(name) if one is not None]
        if known and all(_is_time(cell) for cell in cells if cell not in (None, "")):
            return "it is of times, which go on by themselves"
        if len(set(known)) > max(MOST_NAMES * len(known), 20):
            return "most of its values differ, as names and texts do"
    return "it counts rows" if kind == "numeric" and _counts(table, name, at) else None


def _is_time(cell: Any) -> bool:
    return isinstance(cell, date) or (isinstance(cell, str) and _TIME.fullmatch(cell) is not None)


def _counts(table: Cells, name: str, at: int) -> bool:
    """Whether values are whole numbers, each once in its file, of a range that they nearly fill: numbers of rows."""
    values, _ = table.numbers(name)
    if (values[:_HEAD] % 1 > 0).any():
        return False
    return all(_each_once(side[~np.isnan(side)]) for side in (values[:at], values[at:]))


def _each_once(values: np.ndarray) -> bool:
    own = np.unique(values)
    whole = own.size == values.size >= _FEW and bool((own % 1 == 0).all())
    return whole and bool(own[-1] - own[0] < 3 * own.size)  # each file may have a part of the rows
