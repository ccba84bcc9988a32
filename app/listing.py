"""The listing component: a table whose rows are links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

import pandas as pd

from app.component import component

_component = component("listing")

ROW_PX = 30
"""Height of a row and of the head."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    width: str  # of CSS grid: `90px`, `minmax(110px, 1fr)`
    align: Literal["left", "right"] = "left"
    help: str = ""
    link: bool = False  # its text is the row's link; one column has it


@dataclass(frozen=True, slots=True)
class Cell:
    text: str  # untrusted
    title: str = ""  # more of it, on hover: nothing that one needs
    tone: str = ""  # green orange red: the text is a badge
    share: float | None = None  # 0 to 1: a bar stands before the text
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    href: str  # relative to the app; empty: the row leads nowhere
    cells: Sequence[Cell]  # one per column
    anew: bool = False  # the page is loaded anew: see `listing`


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame with plain values, null as None."""
    plain = frame.astype(object).where(frame.notna(), None)
    return cast("list[dict[str, Any]]", plain.to_dict("records"))


def listing(key: str, label: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Draw the table; `label` names it to those who do not see it. Links are followed by the shell.

    But for those to another page that set a filter which widgets of both pages are bound to: of a move within the
    session Streamlit drops what the page that is left was bound to. They are loaded anew.
    """
    drawn = [{"href": row.href, "anew": row.anew, "cells": [_plain(cell) for cell in row.cells]} for row in rows]
    _component(key=key, data={"label": label, "columns": [asdict(column) for column in columns], "rows": drawn})


def _plain(cell: Cell) -> dict[str, object]:
    """Without what is false or empty: most cells are mere text."""
    return {"text": cell.text} | {
        name: value
        for name, value in asdict(cell).items()
        if name != "text" and value is not False and value is not None and value != ""
    }
