"""One user: what they did, what it cost, what they said of it, and their sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, charts, charts_users, data_sessions, listing, sessions, state, traces, users, widgets
from app import format as fmt

_SESSIONS = 10  # in sight


def user(user_id: str, window: state.Window, waiting: DeltaGenerator) -> None:
    """Tiles, course and sessions of a user in the window; `waiting` stood in their place and is cleared."""
    try:
        found = data_sessions.users(since=window.since, until=window.until, user_id=user_id, page_size=1).frame
    finally:
        waiting.empty()
    _title(user_id)
    if found.empty:
        _nothing(window)
        return
    row = listing.records(found)[0]
    step = max(window.bucket, timedelta(hours=1))
    offset = window.until.astimezone(widgets.zone()).utcoffset() or timedelta(0)
    told = data_sessions.user_series(user_id, window.since, window.until, step, offset)
    edges = pd.Timestamp(window.since), pd.Timestamp(window.until), pd.Timedelta(step), pd.Timedelta(offset)
    series = charts.filled(told, *edges)
    series = series.assign(failed=series["failed"].fillna(0).astype("int64"))
    st.markdown(fmt.plain(finding(row, window.words), 400))
    widgets.tiles(*tiles(row, series))
    _figures(series, pd.Timedelta(step))
    _sessions(user_id, window)
    calls.known(users.BASIS)


def _title(user_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**User {fmt.plain(user_id, 100)}**", width="content")
        st.space("stretch")
        within = {name: st.query_params.get(name) for name in (widgets.RANGE, "from", "to")} | {"user": user_id}
        st.page_link(
            "views/traces.py", label="Traces", icon=":material/account_tree:",
            query_params={name: value for name, value in within.items() if value},
        )  # fmt: skip
        back = state.back_link(st.query_params.get("back"))
        st.page_link(users.PATH, label="Back to the list", icon=":material/arrow_back:", query_params=back)


def _nothing(window: state.Window) -> None:
    widgets.empty(
        "One user would be here.",
        f"No trace of this id started in {window.words}. Choose a longer time range, or check id and project.",
        lambda: st.page_link(
            users.PATH, label="Show all time", icon=":material/schedule:",
            query_params={"range": "all", users.ID: users.opened()},
        ),
    )  # fmt: skip


def finding(row: dict[str, Any], when: str) -> str:
    """What they did, and how it went, in words."""
    said = (
        f" Of {fmt.plural(row['said'], 'verdict')} {fmt.percent(row['satisfaction'])} are good." if row["said"] else ""
    )
    return (
        f"{fmt.plural(row['traces'], 'trace')} in {fmt.plural(row['sessions'], 'session')} in {when}; "
        f"{fmt.plural(row['failed'], 'trace')} failed.{said}"
    )


def tiles(row: dict[str, Any], series: pd.DataFrame) -> list[widgets.Tile]:
    """Traces, failures, cost, satisfaction; each with what is unknown of it, or how sure it is."""
    share = (series["failed"] / series["traces"].where(series["traces"] > 0)).astype("float64")
    rate, unpriced = users.failed(row), row["unpriced_calls"]
    note = (
        f"unknown for {fmt.plural(unpriced, 'call')}" if unpriced else fmt.plural(row["model_calls_ok"], "model call")
    )
    told = users.satisfaction(row)
    return [
        widgets.Tile(
            "Traces", fmt.short(row["traces"]), f"{row['traces']:,} traces", fmt.plural(row["sessions"], "session"),
            series["traces"],
        ),
        widgets.Tile(
            "Failed", fmt.percent(row["error_rate"]), rate, f"{rate_tail(rate)}n = {row['traces']:,}", share,
        ),
        widgets.Tile("Cost", traces.cost(row), fmt.exact_money(row["cost_usd"]), note, series["cost_usd"]),
        widgets.Tile(
            "Satisfaction", fmt.percent(row["satisfaction"]) if row["said"] else fmt.UNKNOWN, told,
            f"{rate_tail(told)}n = {row['said']:,}" if row["said"] else "no feedback", [],
        ),
        widgets.Tile("p95 of traces", fmt.duration(row["p95_ns"]), f"{row['p95_ns']:,} ns", "duration", []),
    ]  # fmt: skip


def rate_tail(told: str) -> str:
    """The interval of a rate in words: `3.5 to 36 %, `."""
    return f"{told.partition(' (')[2].partition(')')[0]}, "


def _figures(series: pd.DataFrame, step: pd.Timedelta) -> None:
    scope, theme = widgets.each(step), widgets.theme()
    for slot, figure, key in zip(
        st.columns(2),
        (charts_users.activity(series, step, scope, theme), charts_users.cost(series, step, scope, theme)),
        ("user-traces", "user-cost"),
        strict=True,
    ):
        slot.plotly_chart(figure, theme=None, key=key, config={"displayModeBar": False})


def _sessions(user_id: str, window: state.Window) -> None:
    found = data_sessions.sessions(since=window.since, until=window.until, user_id=user_id, page_size=_SESSIONS).frame
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Sessions**", width="content")
        if found.empty:
            st.caption("None of these traces names a session.", width="content")
            return
        if (total := int(found["total"].iloc[0])) > len(found):
            widgets.cut(len(found), total, "sessions, the newest")
        st.space("stretch")
        within = {name: st.query_params.get(name) for name in (widgets.RANGE, "from", "to")} | {"user": user_id}
        st.page_link(
            sessions.PATH, label="All sessions", icon=":material/chat_bubble:",
            query_params={name: value for name, value in within.items() if value},
        )  # fmt: skip
    sessions.table(found, {name: value for name, value in within.items() if value})
