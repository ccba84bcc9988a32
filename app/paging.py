"""Lists by page: their outline and controls, where the URL is, and the way to the pages beside it.

A place is told by the name and the sort key of a row, but for Traces, which has more keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import listing, queryline, state, widgets

PAGE = "page"  # of the URL
ORDER = "order"  # of the URL: how the list is ordered
FIND = "find"  # of the URL: what is found among the rows
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


def outline(title: str) -> DeltaGenerator:
    """The list in outline when the page opens; later the old one stays until the new one is there."""
    place = st.empty()
    if widgets.opens(title):
        with place.container():
            for height in (24, 40, listing.ROW_PX * (state.PAGE_SIZE + 1)):
                st.skeleton(height)
    return place


def controls(window: state.Window, path: str, sorts: Mapping[str, str], find: str = "") -> dict[str, Any]:
    """The line, order and filters; returns parameters of the list's query but for window and place.

    `sorts`: orders and what the query calls them, the usual one first. `find`: what a field says that finds rows, which
    gives `find`; empty: there is none.
    """
    queryline.adopt()
    above = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        found = {"find": widgets.search(FIND, find, 280, (PAGE,)) or None} if find else {}
        order = st.segmented_control(
            "Order", list(sorts), default=next(iter(sorts)), required=True, key=ORDER, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        queryline.builder(spans=False)
        narrowing = widgets.filters(window, path)
    with above:  # last, as it asks the server what the line means
        queryline.line(window)
    return {**narrowing, **found, "sort": sorts[str(order)]}


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
        turns(first, last, total, _turn, frame, name, mark, first)
        st.space("stretch")
        widgets.csv(frame.drop(columns=list(hidden)), file)


def turns(first: int, last: int, total: int, turn: Callable[..., None], *told: object) -> None:
    """Previous, next, and which rows are in sight; `turn` is called with whether it goes back, and with `told`."""
    for label, key, there, backward in (("Previous", "P", first > 1, True), ("Next", "N", last < total, False)):
        st.button(label, key=label, disabled=not there, shortcut=key, on_click=turn, args=(backward, *told))
    st.caption(f"Rows {first:,} to {last:,} of {total:,}", width="content")


def _turn(backward: bool, frame: pd.DataFrame, name: str, mark: str, first: int) -> None:
    """Each page is an entry of the browser's history."""
    edge = frame.iloc[0 if backward else -1]
    first = max(1, first - state.PAGE_SIZE) if backward else first + len(frame)
    if first == 1:
        st.query_params.pop(PAGE, None)
    else:
        st.query_params[PAGE] = Place(int(edge["sort_key"]), str(edge[name]), backward, first).text(mark)
