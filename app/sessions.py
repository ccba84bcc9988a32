"""The list of sessions. What is said of one is of all its traces, also of those outside of the window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, data, data_sessions, listing, paging, queryline, state, traces, widgets
from app import format as fmt
from app.listing import Cell, Column

PATH = "views/sessions.py"
ID = "id"  # of the URL: the session that is open
SORTS = {"newest": "newest", "longest": "longest", "most cost": "cost", "most errors": "errors"}
HIDDEN = ("scores", "sort_key", "total", "last_us")
_LONGEST = 120  # letters of an id in the list


def link(session_id: str, trace_id: str = "", back: dict[str, str] | None = None) -> dict[str, str]:
    """Query parameters that open a session, at the turn of a trace, with the way back to the list."""
    told = {ID: session_id} | ({"trace": trace_id} if trace_id else {})
    return told | ({"back": urlencode(back)} if back else {})


def results(window: state.Window, params: dict[str, Any], waiting: DeltaGenerator) -> None:
    """The list and what is said of it; `waiting` stood in its place and is cleared."""
    if queryline.unanswered():
        waiting.empty()
        return
    mark = paging.chosen()
    at = paging.read(st.query_params.get(paging.PAGE), mark)
    try:
        found = data_sessions.sessions(**params, **paging.after(at, "after_session"), page_size=state.PAGE_SIZE).frame
    finally:
        waiting.empty()
    if found.empty:
        nothing(window, narrowed=state.narrowed(params))
        return
    st.markdown(finding(int(found["total"].iloc[0]), window.words))
    sampled(found)
    paging.pager(found, "session_id", mark, "sessions", HIDDEN)
    table(found, {name: value for name, value in st.query_params.items() if value})
    calls.known("All that stands in a row is of the whole session, also of its turns outside of the time range.")


def sampled(found: pd.DataFrame) -> None:
    """Say of rows that they are sample data, unless `calls.known` says it of all."""
    if found["sample"].any() and not data.home_newest()["sample"]:
        widgets.sample()


def finding(total: int, when: str) -> str:
    """How many there are, in words."""
    return f"{fmt.plural(total, 'session')} {'has' if total == 1 else 'have'} a trace that started in {when}."


def nothing(window: state.Window, *, narrowed: bool) -> None:
    """No row: because the store is empty, no trace names a session, or the window or the filters are too narrow."""
    newest = data.home_newest()
    what = "The conversations of your users would be listed here: the traces of one session id, turn by turn."
    if not newest["traces"]:
        widgets.empty(
            what, "Nothing has arrived yet.", lambda: st.page_link("views/home.py", label="See how to send traces")
        )
        return
    why = f"No trace in {window.words} {'matches and ' if narrowed else ''}names a session."
    ways = "Applications name it in the attribute session.id (or gen_ai.conversation.id) of a span."
    widgets.empty(
        what, f"{why} {ways}",
        lambda: st.page_link(
            PATH, label="Show all time, no filters", icon=":material/filter_list_off:", query_params={"range": "all"}
        ),
    )  # fmt: skip


COLUMNS = (
    Column("Last turn", "98px", help="When the last trace of the session started"),
    Column("Session", "minmax(120px, 1.4fr)", link=True),
    Column("User", "minmax(80px, 1fr)"),
    Column("Turns", "48px", "right", "Traces of the session"),
    Column("Lasted", "82px", "right", "From the start of the first trace to the end of the last"),
    Column("Tokens", "88px", "right", "In and out of the model calls that ended well. ≥: not all of them told both"),
    Column("Cost", "104px", "right", "Of the model calls, by list prices or your own"),
    Column("Turns that failed", "112px"),
    Column(
        "Scores", "minmax(140px, 1.3fr)", help="The mean of the name with most scores, of the session and its traces"
    ),
)


def table(frame: pd.DataFrame, back: dict[str, str]) -> None:
    """Nine columns; each row leads to its session, and that back to here."""
    zone, rows = widgets.zone(), listing.records(frame)
    drawn = [
        listing.Row(f"sessions?{urlencode(link(row['session_id'], back=back))}", _cells(row, zone)) for row in rows
    ]
    listing.listing("sessions", "Sessions", COLUMNS, drawn)


def lasted_us(row: dict[str, Any]) -> int:
    """From the first start to the last end, in microseconds."""
    first = row["first_start"].to_pydatetime()
    return int(row["last_us"]) - data.micros(first - datetime(1970, 1, 1, tzinfo=UTC))


def _cells(row: dict[str, Any], zone: tzinfo) -> list[Cell]:
    last = row["last_start"].to_pydatetime()
    (tokens, told), cost, (failed, tone) = traces.tokens(row), traces.cost(row), status(row)
    scores, every = scored(row["scores"])
    more = f", of {row['users']:,} users" if row["users"] > 1 else ""
    return [
        Cell(fmt.narrow(last, zone, datetime.now(UTC)), f"first {fmt.utc(row['first_start'].to_pydatetime())}"),
        Cell(fmt.clip(row["session_id"], _LONGEST, "(blank)"), fmt.clip(row["session_id"], 2_000)),
        Cell(fmt.clip(row["user_id"] or fmt.UNKNOWN, 60) + more, quiet=not row["user_id"]),
        Cell(fmt.count(row["traces"])),
        Cell(fmt.duration(lasted_us(row) * 1000)),
        Cell(tokens, told, quiet=tokens == traces.NOTHING),
        Cell(cost, quiet=cost == traces.NOTHING),
        Cell(failed, tone=tone),
        Cell(scores, every, quiet=not every),
    ]


def status(row: dict[str, Any]) -> tuple[str, str]:
    """How many turns failed, in words, and the colour of a badge."""
    if row["failed"]:
        return f"{row['failed']:,} of {row['traces']:,}", "red"
    return ("none, recovered", "orange") if row["recovered"] else ("none", "green")


def scored(scores: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """The name with most scores in short, `right 0.9 (n 12)`, and all of them; a dash where nothing was scored."""
    said = [_score(one) for one in scores]
    more = f" +{len(said) - 1}" if len(said) > 1 else ""
    return (said[0] + more, "; ".join(said)) if said else (traces.NOTHING, "")


def _score(one: Mapping[str, Any]) -> str:
    name, failed = fmt.clip(str(one["name"]), 40), f", {one['failed']:,} failed" if one["failed"] else ""
    if one["mean"] is None:
        return f"{name} (n {one['scores']:,}{failed})"
    return f"{name} {fmt.digits(one['mean'])} (n {one['valued']:,}{failed})"
