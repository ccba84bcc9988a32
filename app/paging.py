"""Pages of a list whose rows have a name and a sort key: where the URL is, and the way to the pages beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app import state, widgets

PAGE = "page"  # of the URL
ORDER = "order"  # of the URL: how the list is ordered
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Place:
    """Beside which row a page starts, and on which side of it."""

    sort_key: int
    name: str  # of the row, in the column that equal rows are ordered by
    backward: bool
    first: int  # number of the page's first row, from 1

    def text(self, chosen: str) -> str:
        """The form that stands in the URL; `chosen`: the `mark` of what the list is of."""
        return f"{self.sort_key}.{'b' if self.backward else 'f'}.{self.first}.{chosen}.{self.name}"


def read(text: str | None, chosen: str) -> Place | None:
    """What `Place.text` wrote; null for the first page, what is no place, and one of another list."""
    parts = (text or "").split(".", 4)
    if len(parts) != 5 or parts[1] not in {"f", "b"} or parts[3] != chosen:
        return None
    try:
        sort_key, first = int(parts[0]), int(parts[2])
    except ValueError:
        return None
    return Place(sort_key, parts[4], parts[1] == "b", max(1, first)) if abs(sort_key) < _LARGEST else None


def chosen(*more: str) -> str:
    """What the list is of and how it is ordered, in short. `more`: keys of widgets that narrow it."""
    kept = {name: st.session_state.get(name) for name in (*state.FILTERS, widgets.RANGE, ORDER, state.PROJECT, *more)}
    return state.mark(kept | {name: st.query_params.get(name) for name in ("from", "to")})


def after(place: Place | None, name: str) -> dict[str, str | int | bool]:
    """The parameters of the list's query for a page; `name`: of the row's parameter, such as `after_session`."""
    return {} if place is None else {"after_sort": place.sort_key, name: place.name, "backward": place.backward}


def pager(frame: pd.DataFrame, name: str, mark: str, file: str, hidden: Sequence[str]) -> None:
    """Previous, next, where one is, download. `name`: the column that names rows; `hidden` are not downloaded."""
    at, total = read(st.query_params.get(PAGE), mark), int(frame["total"].iloc[0])
    first = at.first if at else 1
    last = first + len(frame) - 1
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, key, there, backward in (
            ("Previous", "P", first > 1, True), ("Next", "N", last < total, False),
        ):  # fmt: skip
            st.button(
                label, key=label, disabled=not there, shortcut=key, on_click=_turn,
                args=(frame.iloc[0 if backward else -1], name, mark, backward,
                      max(1, first - state.PAGE_SIZE) if backward else last + 1),
            )  # fmt: skip
        st.caption(f"Rows {first:,} to {last:,} of {total:,}", width="content")
        st.space("stretch")
        widgets.csv(frame.drop(columns=list(hidden)), file)


def _turn(edge: pd.Series, name: str, mark: str, backward: bool, first: int) -> None:
    """Each page is an entry of the browser's history."""
    if first == 1:
        st.query_params.pop(PAGE, None)
    else:
        st.query_params[PAGE] = Place(int(edge["sort_key"]), str(edge[name]), backward, first).text(mark)
