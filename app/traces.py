"""The parts of the Traces page."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import (
    adding,
    data,
    data_traces,
    facets,
    listing,
    paging,
    queryline,
    saved_views,
    scoring,
    searching,
    selection,
    sending,
    state,
    traces_columns,
    traces_download,
    tree,
    widgets,
)
from app import format as fmt
from app.comparing import link_of_two
from app.listing import Cell

_ASKED = 42  # letters of the input before the output
NOTHING = "—"  # no model call ended well: there is nothing to know
_LIMIT = 300  # letters of a cell
SORT = "sort"  # key of the order
LIVE, LIVE_S = "traces-live", 3  # key of the toggle; how often it asks
COLOURS = {"ok": "green", "recovered": "orange", "error": "red"}
_OF_PAGING = ("sort_key", "start_us", "total")  # of a row: only for paging


def controls(window: state.Window) -> dict[str, Any]:
    """The line, filters and order; returns the parameters of query `traces` but for the place in the list."""
    queryline.adopt()
    above = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        order = st.segmented_control(
            "Order", list(state.SORTS), default="newest", required=True, key=SORT, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        queryline.builder()
        chosen = widgets.filters(window)
        params = {**chosen, "since": window.since, "until": window.until, "sort": state.SORTS[str(order)]}
        facets.button(params)
        traces_columns.button()
        saved_views.button(params, traces_columns.chosen() if st.query_params.get(traces_columns.SHOWN) else ())
        st.toggle("Live", key=LIVE, help=f"The newest {state.PAGE_SIZE}, anew every {LIVE_S} seconds, until it is off")
    with above:  # last, as it asks the server what the line means
        queryline.line(window)
    return params


def place() -> state.Cursor | None:
    """Where in the list the URL is; null: at its beginning, also when it was chosen anew since."""
    return state.cursor(st.query_params.get("page"), _chosen())


def _chosen() -> str:
    """What the list is of and how it is ordered, in short."""
    kept = {name: st.session_state.get(name) for name in (*state.FILTERS, widgets.RANGE, SORT, state.PROJECT)}
    return state.mark(kept | {name: st.query_params.get(name) for name in ("from", "to")})


def _filters() -> str:
    """What the list is of, in short, in whatever order."""
    kept = {name: st.session_state.get(name) for name in (*state.FILTERS, widgets.RANGE, state.PROJECT)}
    return state.mark(kept | {name: st.query_params.get(name) for name in ("from", "to")})


def load(params: dict[str, Any]) -> data.Answer:
    """The page of rows that the URL names."""
    at = place()
    after: dict[str, Any] = (
        {
            "after_sort": at.sort_key,
            "after_start_us": at.start_us,
            "after_trace": at.trace_id,
            "backward": at.backward,
        }
        if at
        else {}
    )
    return data_traces.traces(**params, **after, page_size=state.PAGE_SIZE)


def finding(frame: pd.DataFrame, window: state.Window, params: dict[str, Any]) -> str:
    """How many match, in words."""
    total = int(frame["total"].iloc[0]) if len(frame) else 0
    does = ("matches" if total == 1 else "match") + " the filters" if state.narrowed(params) else "started"
    return f"{fmt.plural(total, 'trace')} {does} in {window.words}."


def nothing(window: state.Window) -> None:
    """No row: because the store is empty, the window is, or the filters are too narrow."""
    newest = data.home_newest()
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
        lambda: st.page_link(
            "views/traces.py", label="Show all time, no filters", icon=":material/filter_list_off:",
            query_params={"range": "all"},
        ),
    )  # fmt: skip


def results(window: state.Window, params: dict[str, Any], waiting: DeltaGenerator) -> None:
    """The list and what is said of it; `waiting` stood in its place and is cleared. A wrong line has none."""
    if queryline.wrong():
        waiting.empty()
        return
    if st.session_state[LIVE]:
        _live(params, waiting)
        return
    course = st.container()
    if queryline.takes_search():
        _search(window, params, waiting)
        _course(course, window, params)
        return
    try:
        frame = load(params).frame
    finally:
        waiting.empty()
    if frame.empty:
        nothing(window)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(finding(frame, window, params), width="content")
        if frame["sample"].any():
            widgets.sample()
        total, picked = int(frame["total"].iloc[0]), selection.selected(_filters())
        scoring.button(window, params, picked or list(frame["trace_id"]), total, picked)
        adding.button(window, params, total, picked)
        sending.button(window, params, total, picked)
        selection.told(_filters())
        link_of_two(picked)
    pager(frame, params)
    table(frame)
    _course(course, window, params)
    st.caption(
        f"Times in {widgets.zone()}{_known_to()}. Keys: j k move, Enter opens, x selects, / searches, ? lists all."
    )


def _live(params: dict[str, Any], waiting: DeltaGenerator) -> None:
    """The newest traces as they come in. While it is on one cannot page or select, as rows move."""
    if queryline.takes_search():
        waiting.empty()
        st.info("The line asks something of single spans, which takes a search. Turn Live off, or ask for less.")
        return

    def newest() -> None:
        shown = widgets.window(*state.EVER)  # moves with the clock
        asked = {**params, "since": shown.since, "until": shown.until, "sort": "newest"}
        frame = data_traces.traces(**asked, page_size=state.PAGE_SIZE).frame
        waiting.empty()
        st.markdown(f"{finding(frame, shown, asked)} Live{_known_to()}.")
        if len(frame):
            table(frame)

    def part() -> None:
        widgets.guarded("The newest traces did not come.", "It asks again in a moment.", newest)

    st.fragment(part, run_every=LIVE_S)()


def _course(where: DeltaGenerator, window: state.Window, params: dict[str, Any]) -> None:
    """The histogram, drawn after the list, which does not wait for it."""
    with where:
        widgets.guarded(
            "The course over time did not come.", "The list stands by itself.",
            lambda: facets.histogram(window, params),
        )  # fmt: skip


def _search(window: state.Window, params: dict[str, Any], waiting: DeltaGenerator) -> None:
    """What takes a search: the list as far as it has come. What is done with the list is done with these traces."""
    search = searching.held(_filters(), params)

    def draw(frame: pd.DataFrame) -> None:
        waiting.empty()
        if not search.running:  # its next step would close what a button opens
            _done_with(frame, window, params)
        table(frame)

    try:
        searching.drawn(search, window, draw)
    finally:
        waiting.empty()
    began = fmt.recent(search.began, widgets.zone(), datetime.now(UTC))
    st.caption(
        f"Times in {widgets.zone()}. Searched at {began}; Enter in the line searches anew. A search is newest first; "
        "the order above is for what summaries answer."
    )


def _done_with(frame: pd.DataFrame, window: state.Window, params: dict[str, Any]) -> None:
    """What can be done with the traces that a search has found so far."""
    picked = selection.selected(_filters())
    which = picked or selection.Listed(str(one) for one in frame["trace_id"])
    with st.container(horizontal=True, vertical_alignment="center"):
        scoring.button(window, params, which, len(which), which)
        adding.button(window, params, len(which), which)
        sending.button(window, params, len(which), which)
        selection.told(_filters())
        st.space("stretch")
        traces_download.button(frame.drop(columns=list(_OF_PAGING)), params, None)


def _known_to() -> str:
    """To when there is data; that it is not known is no fault of the list."""
    try:
        return f"; data to {widgets.known_to(data.home_newest())}"
    except data.ApiError:
        return ""


def table(frame: pd.DataFrame) -> None:
    """The columns that are chosen; each row leads to its trace, and that back to here."""
    back = {name: value for name, value in st.query_params.items() if value}
    longest, zone = float(frame["duration_ns"].max() or 1), widgets.zone()
    names = traces_columns.chosen()
    rows = []
    for row in listing.records(frame):
        cells = _cells(row, longest, zone)
        href = state.trace_path(row["trace_id"], back)
        rows.append(listing.Row(href, [cells[name] for name in names], key=str(row["trace_id"])))
    columns = [traces_columns.COLUMNS[name] for name in names]
    listing.listing("traces", "Traces", columns, rows, selection.part(_filters()))


def _cells(row: dict[str, Any], longest: float, zone: tzinfo) -> dict[str, Cell]:
    """By heading."""
    start, calls = row["start_time"].to_pydatetime(), row["model_calls_ok"] + row["model_calls_failed"]
    (tokens, told), cost, words = _tokens(row), _cost(row), _words(row)
    return {
        "Time": Cell(fmt.narrow(start, zone, datetime.now(UTC)), fmt.utc(start)),
        "Name": Cell(fmt.clip(row["root_name"], _LIMIT, tree.UNNAMED)),
        "Input → output": Cell(words, words),
        "Service": Cell(fmt.clip(row["service"] or "", _LIMIT)),
        "Duration": Cell(fmt.duration(row["duration_ns"]), share=round(row["duration_ns"] / longest, 4)),
        "Calls": Cell(fmt.count(calls), quiet=not calls),
        "Tokens": Cell(tokens, told, quiet=tokens == NOTHING),
        "Cost": Cell(cost, quiet=cost == NOTHING),
        "Status": Cell(row["status"], tone=COLOURS.get(row["status"], "gray")),
        "Environment": Cell(fmt.clip(row["environment"] or "", _LIMIT)),
        "Models": _several(row["models"]),
        "Variants": _several(row["variants"]),
        "Tags": _several(row["tags"]),
        "User": Cell(fmt.clip(row["user_id"] or "", _LIMIT)),
        "Session": Cell(fmt.clip(row["session_id"] or "", _LIMIT)),
        "Spans": Cell(fmt.count(row["spans"])),
        "Tools": Cell(fmt.count(row["tool_executions"]), quiet=not row["tool_executions"]),
        "Failed": Cell(fmt.count(row["errors"]), quiet=not row["errors"]),
        "Error": Cell(fmt.clip(row["error_type"] or row["error_message"] or "", _LIMIT)),
    }


def _several(values: Any) -> Cell:
    text = fmt.clip(", ".join(str(value) for value in values), _LIMIT)
    return Cell(text, text)


def _words(row: dict[str, Any]) -> str:
    """Both sides in one line; a long question is cut so that the answer is in sight."""
    asked, answered = (fmt.clip(row[name] or "", _LIMIT) for name in ("input_preview", "output_preview"))
    if asked and answered:
        return f"{fmt.clip(asked, _ASKED)} → {answered}"
    return asked or (f"→ {answered}" if answered else "")


def _tokens(row: dict[str, Any]) -> tuple[str, str]:
    """Tokens of both sides, and who did not tell. What is not told in full is a least: `≥ 1,204`.

    Calls that failed need tell nothing; without any that ended well there is nothing to know.
    """
    unknown, half = row["unknown_usage_calls"], row["half_told_calls"]
    known = [row[name] for name in ("input_tokens", "output_tokens") if row[name] is not None]
    if not known:
        return (
            (f"{fmt.UNKNOWN} ({unknown:,})", f"Unknown for {fmt.plural(unknown, 'call')}") if unknown else (NOTHING, "")
        )
    said = [f"{name}: {fmt.count(row[f'{name}put_tokens'])}" for name in ("in", "out")]
    said += [f"unknown for {fmt.plural(unknown, 'call')}"] if unknown else []
    said += [f"half-told by {fmt.plural(half, 'call')}"] if half else []
    return f"{'≥ ' if unknown or half else ''}{sum(known):,}", ", ".join(said)


def _cost(row: dict[str, Any]) -> str:
    """Null is unknown; a price that is known for some calls alone is a least, as with tokens."""
    unpriced = row.get("unpriced_calls") or 0  # null or no such column: nobody counted them
    if row["cost_usd"] is not None:
        return f"{'≥ ' if unpriced else ''}{fmt.money(row['cost_usd'])}"
    if row["reported_cost_usd"] is not None:
        return f"reported {fmt.money(row['reported_cost_usd'])}"
    if not row["model_calls_ok"]:
        return NOTHING
    return f"{fmt.UNKNOWN} ({unpriced:,})" if unpriced else fmt.UNKNOWN


tokens, cost = _tokens, _cost  # of whatever has the sums of traces


def pager(frame: pd.DataFrame, params: dict[str, Any]) -> None:
    """Where in the list one is; previous, next, download."""
    at, total = place(), int(frame["total"].iloc[0])
    first = at.first if at else 1
    last = first + len(frame) - 1
    with st.container(horizontal=True, vertical_alignment="center"):
        paging.turns(first, last, total, _turn, frame, first)
        st.space("stretch")
        traces_download.button(frame.drop(columns=list(_OF_PAGING)), params, total)


def _turn(backward: bool, frame: pd.DataFrame, first: int) -> None:
    """Each page is an entry of the browser's history."""
    edge = frame.iloc[0 if backward else -1]
    first = max(1, first - state.PAGE_SIZE) if backward else first + len(frame)
    at = state.Cursor(int(edge["sort_key"]), int(edge["start_us"]), str(edge["trace_id"]), backward, first)
    if first == 1:
        st.query_params.pop("page", None)
    else:
        st.query_params["page"] = at.text(_chosen())
