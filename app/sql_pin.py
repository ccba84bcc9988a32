"""Pinning a question's chart to a dashboard, new or there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import alert_actions, data_sql
from app import format as fmt
from app.charts_sql import Settings
from app.data import ApiError

BOARD, NAMED = "pin_board", "pin_chart"  # in the URL: which chart of which dashboard the question came from
_SAID = "sql-pinned"  # session state: what became of it
DASHBOARDS = "views/dashboards.py"
CHOSEN = "dashboard"  # in the URL of dashboards: the id of the one that is open


def popover(question: str, shown: Settings) -> None:
    """A form in a popover; what became of it stands below it until the next run."""
    with st.popover("Pin to dashboard", icon=":material/push_pin:", key="sql-pin"):
        try:
            _form(data_sql.dashboards(), question, shown)
        except ApiError as error:
            st.error(f"The dashboards did not come. {fmt.plain(str(error), 300)}", icon=":material/error:")


def _form(boards: Sequence[Mapping[str, Any]], question: str, shown: Settings) -> None:
    names = [str(one["name"]) for one in boards]
    came = next((place for place, one in enumerate(boards) if one["dashboard_id"] == st.query_params.get(BOARD)), None)
    board = st.selectbox(
        "Dashboard", names, index=came, key="pin-to", accept_new_options=True,
        placeholder="Choose one, or type a new name",
    )  # fmt: skip
    name = st.text_input(
        "Name of the chart", st.query_params.get(NAMED) or "", max_chars=100, key="pin-name",
        placeholder="Cost by model",
    )  # fmt: skip
    wide = st.checkbox("As wide as the page", key="pin-wide")
    author = alert_actions.author_field()
    ready = bool(board and name.strip() and author)
    if st.button("Pin", type="primary", disabled=not ready, key="pin-do"):
        chart = {
            "name": name.strip(), "sql": question, "kind": shown.kind, "x": shown.x, "y": list(shown.y),
            "by": shown.by, "wide": wide, "author": author,
        }  # fmt: skip
        _pin(boards, str(board).strip(), chart, author)
    st.caption("A chart of the same name there is replaced." if ready else "Say where to, its name and your name.")
    _told()


def _pin(boards: Sequence[Mapping[str, Any]], board: str, chart: Mapping[str, Any], author: str) -> None:
    held = next((one for one in boards if one["name"] == board), None)
    try:
        if held is None:
            made = data_sql.add(board, [chart], author)
        else:
            whole = data_sql.dashboard(str(held["dashboard_id"]))
            made = data_sql.change(whole, author, charts=pinned(whole["charts"], chart))
    except ApiError as error:
        st.session_state[_SAID] = (str(error), None)
        return
    st.session_state[_SAID] = (str(made["name"]), str(made["dashboard_id"]))


def pinned(charts: Sequence[Mapping[str, Any]], chart: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The charts with one in the place of that of its name, or else at the end."""
    if all(one["name"] != chart["name"] for one in charts):
        return [*charts, chart]
    return [chart if one["name"] == chart["name"] else one for one in charts]


def _told() -> None:
    if (said := st.session_state.pop(_SAID, None)) is None:
        return
    words, dashboard_id = said
    if dashboard_id is None:
        st.error(fmt.plain(words, 400), icon=":material/error:")
        return
    st.page_link(
        DASHBOARDS, label=f"Pinned. Open {fmt.plain(words, 60)}", icon=":material/check:",
        query_params={CHOSEN: dashboard_id},
    )  # fmt: skip
