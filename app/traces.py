"""The parts of the Traces page."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd
import streamlit as st

from app import data, state, widgets
from app import format as fmt

_ASKED = 42  # letters of the input before the output
TABLE = "table"  # key of the table's selection
COLOURS = {"ok": "green", "recovered": "orange", "error": "red"}


def controls(window: state.Window) -> dict[str, Any]:
    """Search, filters and order in one row; returns the parameters of query `traces` but for the place in the list."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text_input(
            "Search", key="text", bind="query-params", placeholder="Search names and errors", icon=":material/search:",
            label_visibility="collapsed", on_change=widgets.first_page, width=280,
        )  # fmt: skip
        chosen = widgets.filters(window)
        order = st.segmented_control(
            "Order", list(state.SORTS), default="newest", required=True, key="sort", bind="query-params",
            label_visibility="collapsed", on_change=widgets.first_page,
        )  # fmt: skip
    return {**chosen, "since": window.since, "until": window.until, "sort": state.SORTS[str(order)]}


def load(params: dict[str, Any]) -> data.Answer:
    """The page of rows that the URL names."""
    at = state.cursor(st.query_params.get("page"))
    place: dict[str, Any] = (
        {
            "after_sort": at.sort_key,
            "after_start_us": at.start_us,
            "after_root": str(at.root_key),
            "backward": at.backward,
        }
        if at
        else {}
    )
    return data.traces(**params, **place, page_size=state.PAGE_SIZE)


def finding(frame: pd.DataFrame, window: state.Window, params: dict[str, Any]) -> str:
    """How many match, in words."""
    total = int(frame["total"].iloc[0]) if len(frame) else 0
    narrowed = any(value is not None for name, value in params.items() if name not in {"since", "until", "sort"})
    return f"{fmt.plural(total, 'trace')} {'match the filters' if narrowed else 'started'} in {window.words}."


def nothing(window: state.Window, newest: pd.Series) -> None:
    """No row: because the store is empty, the window is, or the filters are too narrow."""
    if not newest["traces"]:
        widgets.empty(
            "Traces would be listed here.",
            "Nothing has arrived yet.",
            lambda: st.page_link("views/home.py", label="See how to send traces"),
        )
        return
    widgets.empty(
        "Traces would be listed here.",
        f"No trace in {window.words} matches. The store holds {fmt.plural(newest['traces'], 'trace')}; "
        f"the newest started {fmt.moment(newest['newest'], widgets.zone())}.",
        lambda: st.button("Show all time, no filters", on_click=widgets.show_all),
    )


def first_row() -> int:
    at = state.cursor(st.query_params.get("page"))
    return at.first if at else 1


def table(frame: pd.DataFrame) -> None:
    """Nine columns; a click on a row opens the trace."""
    shown = _shown(frame)
    columns = _columns(float(shown["duration"].max() or 1), "ms" if _in_ms(frame) else "s")
    event = st.dataframe(
        shown, hide_index=True, key=TABLE, on_select=_clicked, selection_mode=["single-row", "single-cell"],
        column_config=columns, height="content", row_height=30, placeholder="", alt="Traces",
    )  # fmt: skip
    selection = cast("dict[str, Any]", event)["selection"]
    rows = [row for row, _ in selection["cells"]] or (
        selection["rows"] if st.session_state.pop("clicked", False) else []
    )
    if rows:
        open_trace(frame, int(rows[0]))


def _clicked() -> None:
    """Only a click opens a row; j and k merely mark one."""
    st.session_state["clicked"] = True


def open_trace(frame: pd.DataFrame, row: int) -> None:
    back = {name: value for name, value in st.query_params.items() if value}
    st.switch_page("views/trace.py", query_params=state.trace_link(str(frame["trace_id"].iloc[row]), back))


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    calls = frame["model_calls_ok"] + frame["model_calls_failed"]
    used = frame["input_tokens"].fillna(0) + frame["output_tokens"].fillna(0)
    told = frame["input_tokens"].notna() | frame["output_tokens"].notna()
    return pd.DataFrame(
        {
            "time": frame["start_time"].dt.tz_convert(widgets.zone()),
            "name": frame["root_name"],
            "words": [_words(row) for row in frame[["input_preview", "output_preview"]].itertuples(index=False)],
            "service": frame["service"],
            "duration": frame["duration_ns"].astype("float64") / (1e6 if _in_ms(frame) else 1e9),
            "calls": calls,
            "tokens": [_tokens(*row) for row in zip(used, told, frame["unknown_usage_calls"], strict=True)],
            "cost": [_cost(*row) for row in zip(frame["cost_usd"], calls, strict=True)],
            "status": [[status] for status in frame["status"]],
        }
    )


def _words(row: Any) -> str:
    """Both sides in one line; a long question is cut so that the answer is in sight."""
    asked, answered = (str(value or "") for value in row)
    if asked and answered:
        return f"{asked if len(asked) <= _ASKED else asked[: _ASKED - 1] + '…'} → {answered}"
    return asked or (f"→ {answered}" if answered else "")


def _tokens(used: float, told: bool, unknown: int) -> str:
    if told:
        return f"{used:,.0f}" + (f" + unknown ({unknown})" if unknown else "")
    return f"unknown ({unknown})" if unknown else ""


def _cost(cost: float | None, calls: int) -> str:
    return fmt.money(cost) if calls else ""


def _columns(longest: float, unit: str) -> dict[str, Any]:
    column = st.column_config
    return {
        "time": column.DatetimeColumn("Time", format="MM-DD HH:mm:ss", width=108),
        "name": column.TextColumn("Name", width=130),
        "words": column.TextColumn("Input → output", width=250),
        "service": column.TextColumn("Service", width=95),
        "duration": column.ProgressColumn("Duration", format=f"%.3g {unit}", min_value=0, max_value=longest, width=125),
        "calls": column.NumberColumn("Calls", format="localized", width=48, help="Model calls, failed ones included"),
        "tokens": column.TextColumn("Tokens", width=82, alignment="right", help="In and out; calls that told none"),
        "cost": column.TextColumn("Cost", width=72, alignment="right"),
        "status": column.MultiselectColumn("Status", options=list(COLOURS), color=list(COLOURS.values()), width=88),
    }


def _in_ms(frame: pd.DataFrame) -> bool:
    """One unit for the column, so that lengths compare: milliseconds while none takes ten seconds."""
    return float(frame["duration_ns"].max()) < 10e9


def pager(frame: pd.DataFrame) -> None:
    """Where in the list one is; previous, next, marking by j and k, download."""
    first, total = first_row(), int(frame["total"].iloc[0])
    last = first + len(frame) - 1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Previous", key="previous", disabled=first <= 1, shortcut="P", on_click=_turn, args=(frame, True))
        st.button("Next", key="next", disabled=last >= total, shortcut="N", on_click=_turn, args=(frame, False))
        st.caption(f"Rows {first:,} to {last:,} of {total:,}", width="content")
        st.space("stretch")
        st.button("Down", key="down", shortcut="J", type="tertiary", on_click=_mark, args=(1, len(frame)))
        st.button("Up", key="up", shortcut="K", type="tertiary", on_click=_mark, args=(-1, len(frame)))
        if st.button("Open", key="open", shortcut="O", type="tertiary", disabled=_marked() is None):
            open_trace(frame, _marked() or 0)
        widgets.csv(frame.drop(columns=["sort_key", "start_us", "root_key", "total"]), "traces")


def _turn(frame: pd.DataFrame, backward: bool) -> None:
    edge = frame.iloc[0 if backward else -1]
    first = max(1, first_row() - state.PAGE_SIZE) if backward else first_row() + len(frame)
    at = state.Cursor(int(edge["sort_key"]), int(edge["start_us"]), int(edge["root_key"]), backward, first)
    if first == 1:
        widgets.first_page()
    else:
        st.query_params["page"] = at.text()
    for key in (TABLE, widgets.MARKED):
        st.session_state.pop(key, None)


def _marked() -> int | None:
    """The row that j and k stand on. Kept apart from the table's own state, which lags behind quick keys."""
    return st.session_state.get(widgets.MARKED)


def _mark(step: int, rows: int) -> None:
    at = _marked()
    row = 0 if at is None else max(0, min(rows - 1, at + step))
    st.session_state[widgets.MARKED] = row
    st.session_state[TABLE] = {"selection": {"rows": [row], "columns": [], "cells": []}}
