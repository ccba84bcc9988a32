"""The listing component: a table whose rows are links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

import pandas as pd
import streamlit as st

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
class Course:
    """A line in a cell: values in order, in the band of what was expected."""

    points: Sequence[float | None]  # null: unknown, a gap
    low: Sequence[float | None]  # of the band, one a value; null: none
    high: Sequence[float | None]
    marked: Sequence[int]  # places of the values that stand out
    said: str  # what it shows, to those who do not see it


@dataclass(frozen=True, slots=True)
class Cell:
    text: str  # untrusted
    title: str = ""  # more of it, on hover: nothing that one needs
    tone: str = ""  # green orange red blue gray: the text is a badge
    share: float | None = None  # 0 to 1: a bar stands before the text
    course: Course | None = None  # a line stands in place of the text
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    href: str  # relative to the app; empty: the row leads nowhere
    cells: Sequence[Cell]  # one per column
    anew: bool = False  # the page is loaded anew: see `listing`
    key: str = ""  # names it in a selection
    heading: str = ""  # untrusted; stands alone over the rows below it, and has no cells


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows that are selected, on this page of the list and on others."""

    of: str  # what they are a selection of; another text begins anew
    keys: Sequence[str]  # of rows
    most: int  # rows; more cannot be selected
    chosen: Callable[[list[str]], None]  # is told the keys after each change


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame with plain values, null as None."""
    plain = frame.astype(object).where(frame.notna(), None)
    return cast("list[dict[str, Any]]", plain.to_dict("records"))


def listing(
    key: str, label: str, columns: Sequence[Column], rows: Sequence[Row], selection: Selection | None = None
) -> None:
    """Draw the table; `label` names it to those who do not see it. Links are followed by the shell.

    With a selection each row has a box; all of them have a key then.

    But for those to another page that set a filter which widgets of both pages are bound to: of a move within the
    session Streamlit drops what the page that is left was bound to. They are loaded anew.
    """
    drawn = [
        {"href": row.href, "anew": row.anew, "key": row.key, "cells": [_plain(cell) for cell in row.cells]}
        | ({"heading": row.heading} if row.heading else {})
        for row in rows
    ]
    told: dict[str, Any] = {"label": label, "columns": [asdict(column) for column in columns], "rows": drawn}
    if selection is None:
        _component(key=key, data=told)
        return
    chosen = selection.chosen
    told["selection"] = {"of": selection.of, "keys": list(selection.keys), "most": selection.most}
    _component(key=key, data=told, on_selected_change=lambda: chosen(list(st.session_state[key]["selected"])))


def _plain(cell: Cell) -> dict[str, object]:
    """Without what is false or empty: most cells are mere text."""
    return {"text": cell.text} | {
        name: value
        for name, value in asdict(cell).items()
        if name != "text" and value is not False and value is not None and value != ""
    }
