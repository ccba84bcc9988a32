"""The list of users: what those did who used the application in the time range, and what they said of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, data, data_sessions, listing, paging, queryline, sessions, state, traces, widgets
from app import format as fmt
from app.listing import Cell, Column

PATH = "views/users.py"
ID = "id"  # of the URL: the user that is open
SORTS = {"last active": "active", "most traces": "traces", "most cost": "cost", "most errors": "errors"}
HIDDEN = ("sort_key", "total")
BASIS = (
    "Of the traces in the time range. Satisfaction: the share of good feedback of end users that was told in it, "
    "whatever the filters (at least a half, of stars more than 2); reviewers' labels are not among it. Intervals are "
    "of 95 % (Wilson), traces and verdicts taken for independent."
)


def opened() -> str:
    """The id of the user that the URL names; '' none, so that the list is shown."""
    return str(st.query_params.get(ID, ""))


def results(window: state.Window, params: dict[str, Any], waiting: DeltaGenerator) -> None:
    """The list and what is said of it; `waiting` stood in its place and is cleared."""
    if queryline.unanswered():
        waiting.empty()
        return
    mark = paging.chosen(paging.FIND)
    at = paging.read(st.query_params.get(paging.PAGE), mark)
    try:
        found = data_sessions.users(**params, **paging.after(at, "after_user"), page_size=state.PAGE_SIZE).frame
    finally:
        waiting.empty()
    if found.empty:
        nothing(window, narrowed=state.narrowed(params))
        return
    st.markdown(f"{fmt.plural(int(found['total'].iloc[0]), 'user')} started a trace in {window.words}.")
    sessions.sampled(found)
    paging.pager(found, "user_id", mark, "users", HIDDEN)
    table(found, {name: value for name, value in st.query_params.items() if value})
    calls.known(BASIS)


def nothing(window: state.Window, *, narrowed: bool) -> None:
    """No row: because the store is empty, no trace names a user, or the window or the filters are too narrow."""
    what = "The users of your application would be listed here, with what they did and what they said of it."
    if not data.home_newest()["traces"]:
        widgets.empty(
            what, "Nothing has arrived yet.", lambda: st.page_link("views/home.py", label="See how to send traces")
        )
        return
    widgets.empty(
        what,
        f"No trace in {window.words} {'matches and ' if narrowed else ''}names a user. Applications name it in the "
        "attribute user.id of a span.",
        lambda: st.page_link(
            PATH, label="Show all time, no filters", icon=":material/filter_list_off:", query_params={"range": "all"}
        ),
    )  # fmt: skip


COLUMNS = (
    Column("Last active", "98px", help="When the newest trace started"),
    Column("User", "minmax(120px, 1.4fr)", link=True),
    Column("Sessions", "62px", "right"),
    Column("Traces", "88px", "right"),
    Column("Failed", "minmax(120px, 1fr)", help="Share of traces whose root failed, with its 95 % interval"),
    Column("p95", "70px", "right", "95th percentile of the duration of traces"),
    Column("Tokens", "92px", "right", "In and out of the model calls that ended well. ≥: not all of them told both"),
    Column("Cost", "104px", "right", "Of the model calls, by list prices or your own"),
    Column("Satisfaction", "minmax(140px, 1fr)", help="Share of good feedback, with its 95 % interval"),
)


def table(found: pd.DataFrame, back: dict[str, str]) -> None:
    """Nine columns; each row leads to its user, and that back to here."""
    zone, most = widgets.zone(), fmt.largest(found["traces"])
    keep = {name: value for name, value in back.items() if name in {widgets.RANGE, "from", "to"}}
    rows = [
        listing.Row(f"users?{urlencode(keep | {ID: row['user_id'], 'back': urlencode(back)})}", _cells(row, most, zone))
        for row in listing.records(found)
    ]
    listing.listing("users", "Users", COLUMNS, rows)


def _cells(row: dict[str, Any], most: float, zone: tzinfo) -> list[Cell]:
    last = row["last_start"].to_pydatetime()
    (tokens, told), cost, said = traces.tokens(row), traces.cost(row), satisfaction(row)
    return [
        Cell(fmt.narrow(last, zone, datetime.now(UTC)), fmt.utc(last)),
        Cell(fmt.clip(row["user_id"], 120, "(blank)"), fmt.clip(row["user_id"], 2_000)),
        Cell(fmt.count(row["sessions"])),
        Cell(fmt.count(row["traces"]), share=round(row["traces"] / most, 4)),
        Cell(failed(row), f"{row['failed']:,} of {row['traces']:,}", quiet=not row["failed"]),
        Cell(fmt.duration(row["p95_ns"])),
        Cell(tokens, told, quiet=tokens == traces.NOTHING),
        Cell(cost, quiet=cost == traces.NOTHING),
        Cell(said, quiet=not row["said"]),
    ]


def rate(row: Mapping[str, Any], name: str) -> str:
    """`12.5 % (3.5 to 36 %)`; `unknown` without a case."""
    if row[name] is None:
        return fmt.UNKNOWN
    low, high = (fmt.digits(100 * row[f"{name}_{end}"], 2) for end in ("low", "high"))
    return f"{fmt.percent(row[name])} ({low} to {high} %)"


def failed(row: Mapping[str, Any]) -> str:
    """Share of traces that failed, with its interval."""
    return rate(row, "error_rate")


def satisfaction(row: Mapping[str, Any]) -> str:
    """Share of good feedback, with its interval and of how much it is; a dash where nothing was said."""
    return f"{rate(row, 'satisfaction')}, n {row['said']:,}" if row["said"] else traces.NOTHING
