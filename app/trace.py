"""The parts of the Trace page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import (
    adding,
    data,
    data_trace,
    data_traces,
    labelling,
    playground_sources,
    sending,
    span,
    state,
    trace_words,
    tree,
    waterfall,
    widgets,
)
from app import format as fmt
from app.comparing import link_of

_COLOURS: dict[str, Literal["green", "orange", "red"]] = {"ok": "green", "recovered": "orange", "error": "red"}
Outline = Mapping[str, Any]
"""See `GET /api/traces/{trace_id}/outline`."""

SPAN_ID = re.compile(r"[0-9a-f]{16}")
_LOGS = 500  # log records on the page
_NAME = 80  # letters of the title, which has room for about so many at 1280 pixels


def bounds(summary: pd.Series | None) -> tuple[datetime, datetime]:
    """Where to look for the trace's spans; everywhere while it is not resolved."""
    if summary is None:
        return state.EVER
    start = summary["start_time"].to_pydatetime()
    return start, start + timedelta(microseconds=int(summary["duration_ns"]) // 1000 + 2)


def header(summary: pd.Series, outline: Outline) -> None:
    """What the trace was and what it took."""
    zone, start = widgets.zone(), summary["start_time"].to_pydatetime()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(str(summary["status"]), color=_COLOURS.get(str(summary["status"]), "gray"))
        if outline["sample"]:
            widgets.sample()
        st.caption(f"started {fmt.moment(start, zone)} {zone}", help=fmt.utc(start), width="content")
        st.caption(f"trace {_hex(summary)}", width="content")
        st.space("stretch")
        labelling.button(labelling.Target(_hex(summary), "the whole trace"), "trace")
        if summary["model_calls_ok"] or summary["model_calls_failed"]:
            st.page_link(
                playground_sources.PATH, label="Open in playground", icon=":material/forum:",
                query_params=playground_sources.link(trace=_hex(summary)), help="Its last model call",
            )  # fmt: skip
        adding.button_of(_hex(summary))
        sending.of_trace(_hex(summary))
    if not outline["failures"] and (words := fmt.plain(failure(summary), 200)):
        st.markdown(f":red[{words}]")
    widgets.fields(_facts(summary), columns=6)
    _links(summary)
    with st.container(gap="xsmall"):
        for note in notes(summary, outline):
            st.caption(note)


def _hex(summary: pd.Series) -> str:
    return str(summary["trace_id"]).replace("-", "")


def failure(summary: pd.Series | Mapping[str, Any]) -> str:
    """Type and message of the deepest failed span; the type once, and only when somebody named one."""
    if fmt.absent(summary["error_type"]) and fmt.absent(summary["error_message"]):
        return ""
    kind, said = fmt.error_type(summary["error_type"]), str(summary["error_message"])
    message = "" if fmt.absent(summary["error_message"]) or fmt.blank(said) else said
    named = kind != "error" and not message.startswith(kind)
    return f"{kind}: {message}" if message and named else message or kind


def _facts(summary: pd.Series) -> dict[str, str]:
    failed = f", {summary['model_calls_failed']:,} failed" if summary["model_calls_failed"] else ""
    tools_failed = f", {summary['tool_executions_failed']:,} failed" if summary["tool_executions_failed"] else ""
    calls = int(summary["model_calls_ok"] + summary["model_calls_failed"])
    return {
        "Duration": fmt.duration(summary["duration_ns"]),
        "Model calls": f"{calls:,}{failed}",
        "Tool executions": f"{summary['tool_executions']:,}{tools_failed}",
        "Tokens in → out": _tokens(summary) if calls or summary["embedding_calls"] else "no model call",
        "Cost": _cost(summary, calls),
        "Service": "unset" if fmt.absent(summary["service"]) else fmt.clip(str(summary["service"]), 48),
    }


def _tokens(summary: pd.Series) -> str:
    unknown, sides = int(summary["unknown_usage_calls"]), (summary["input_tokens"], summary["output_tokens"])
    if all(map(fmt.absent, sides)):
        return f"unknown ({fmt.plural(unknown, 'call')})" if unknown else fmt.UNKNOWN
    told = [" → ".join(map(fmt.count, sides))]
    told += [f"unknown for {fmt.plural(unknown, 'call')}"] if unknown else []
    half = 0 if fmt.absent(summary["half_told_calls"]) else int(summary["half_told_calls"])
    told += [f"half-told by {fmt.plural(half, 'call')}"] if half and not any(map(fmt.absent, sides)) else []
    return ", ".join(told)


def _cost(summary: pd.Series, calls: int) -> str:
    """By our prices; what the sender reported stands in only where we know none."""
    if not calls and not summary["embedding_calls"] and fmt.absent(summary["cost_usd"]):
        return "no model call"
    unpriced, reported = summary["unpriced_calls"], summary["reported_cost_usd"]
    told = fmt.cost(summary["cost_usd"], 0 if fmt.absent(unpriced) else int(unpriced))
    known = not fmt.absent(summary["cost_usd"]) or fmt.absent(reported)
    return told if known else f"{told}, reported {fmt.money(reported)}"


def _links(summary: pd.Series) -> None:
    """Session and user lead to their pages, and the trace to what it is compared with."""
    known = {name: summary[f"{name}_id"] for name in ("session", "user") if not fmt.absent(summary[f"{name}_id"])}
    with st.container(horizontal=True):
        link_of(_hex(summary))
        for name, value in known.items():
            query = {"range": "all", "id": str(value)} | ({"trace": _hex(summary)} if name == "session" else {})
            st.page_link(
                f"views/{name}s.py", label=f"{name.capitalize()} {fmt.plain(str(value), 60)}", query_params=query,
                icon=":material/forum:" if name == "session" else ":material/person:",
            )  # fmt: skip


def notes(summary: pd.Series, outline: Outline) -> list[str]:
    """What the totals leave out, and what is uncertain about them and about times, as Markdown."""
    told = trace_words.uncounted(outline["uncounted"])
    if summary["usage_estimated"]:
        told.append("No single call told its usage; tokens come from a span that sums up others.")
    if summary["root_missing"]:
        told.append("The parent of the first span never arrived: the trace may be longer than it looks.")
    return told + trace_words.doubts(outline) + trace_words.clocks(outline["skews"])


@st.fragment
def explorer(trace_id: str, outline: Outline, since: datetime | None, total: int | None) -> None:
    """Tree and waterfall, and below it the span that is selected. Selecting reruns this part alone.

    `since` bounds the search for a span; `total` counts the trace's spans, null while they are not counted.
    """
    if outline["truncated"]:
        widgets.cut(outline["spans"], total, "spans, in order of start")
    try:
        _drawn(trace_id, outline)
    except data.ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            widgets.failed("The tree did not come.", error, "The facts above are complete.")
        _changed(grown=error.status == HTTPStatus.CONFLICT)
        return
    chosen = st.session_state[f"at-{trace_id}"].chosen
    widgets.guarded("The span did not come.", "The tree above is complete.", lambda: span.span(trace_id, chosen, since))


def _drawn(trace_id: str, outline: Outline) -> None:
    at = _at(trace_id, outline)
    place = _place(trace_id, outline, at.chosen)
    waterfall.waterfall(waterfall.drawing(trace_id, outline), place, asked=at.asked, chosen=partial(_choose, trace_id))


def _changed(*, grown: bool) -> None:
    """Spans came since the page was drawn: rows are counted anew when one wants them to be, not under one's hands."""
    if grown:
        st.info("The trace has changed since this page was drawn: its rows are counted anew.")
    if grown and st.button("Show it as it is now", icon=":material/refresh:", on_click=data.forget):
        st.rerun()


def _place(trace_id: str, outline: Outline, span_id: str) -> waterfall.Place:
    """Of a span in this state of the trace; of the one worth reading first when it has no such span."""
    first = waterfall.Place(str(outline["first"]["span_id"]), int(outline["first"]["row"]))
    if span_id == first.span_id or not SPAN_ID.fullmatch(span_id):
        return first
    found = data_trace.places(trace_id, outline["version"], [span_id])
    return first if found.empty else waterfall.Place(span_id, int(found["row"].iloc[0]))


@dataclass(frozen=True, slots=True)
class At:
    """Where one is in a trace: the span chosen last, and how often another than the browser's was asked for.

    The waterfall keeps its own selection, so that keys are quick, and writes it into the URL; it hears of another only
    when `asked` goes up. `wanted`: the span of the URL when it was last read; it may lag behind the browser's.
    """

    chosen: str
    wanted: str
    asked: int = 0


def _at(trace_id: str, outline: Outline) -> At:
    """The place kept since the page opened; a new one when it opens, or when the browser's history leads elsewhere."""
    wanted, key = str(st.query_params.get("span", "")), f"at-{trace_id}"
    kept = st.session_state.get(key)
    if kept is None or waterfall.key(trace_id) not in st.session_state or wanted not in {kept.wanted, kept.chosen}:
        known = _place(trace_id, outline, wanted).span_id
        st.session_state[key] = At(known, wanted, kept.asked + 1 if kept else 0)
    elif wanted != kept.wanted:
        st.session_state[key] = replace(kept, wanted=wanted)
    at: At = st.session_state[key]
    return at


def _choose(trace_id: str, span_id: str) -> None:
    st.session_state[f"at-{trace_id}"] = replace(st.session_state[f"at-{trace_id}"], chosen=span_id)


def ask_for(trace_id: str, span_id: str) -> None:
    """Select a span of the tree, from elsewhere on the page."""
    at = st.session_state.get(f"at-{trace_id}")
    if at is not None:
        st.session_state[f"at-{trace_id}"] = At(span_id, at.wanted, at.asked + 1)


def logs(trace_id: str, *, alone: bool = False) -> None:
    """Log records of the trace, folded unless they stand alone. None: nothing, or `alone` a word of it."""
    found = data_traces.trace_logs(trace_id)
    if not len(found) and alone:
        widgets.empty("Log records would be here.", "None came with this trace's id.")
    elif alone:
        st.caption(f"{fmt.plural(len(found), 'log record')}, oldest first.")
        _logs(found)
    elif len(found):
        with st.expander(f"Log records ({len(found):,})"):
            _logs(found)


def _logs(found: pd.DataFrame) -> None:
    if len(found) > _LOGS:
        widgets.cut(_LOGS, len(found), "log records")
    shown = found.head(_LOGS)
    times, attributes = shown["time"].dt.tz_convert(widgets.zone()), [str(v) for v in shown["attributes"]]
    st.dataframe(
        shown.assign(time=times, attributes=attributes), hide_index=True, placeholder="none",
        column_order=list(_LOG_COLUMNS), column_config=_LOG_COLUMNS, alt="Log records of the trace",
    )  # fmt: skip


_LOG_COLUMNS = {
    "time": st.column_config.DatetimeColumn("Time", format="YYYY-MM-DD HH:mm:ss.SSS", width=180),
    "severity_text": st.column_config.TextColumn("Severity", width=70),
    "event_name": st.column_config.TextColumn("Event", width=140),
    "body": st.column_config.TextColumn("Body", width=330),
    "attributes": st.column_config.TextColumn("Attributes", width=200),
    "service": st.column_config.TextColumn("Service", width=110),
    "span_id": st.column_config.TextColumn("Span", width=140),
}


def title_row() -> DeltaGenerator:
    """A place for the name left, the way back right; there before anything is known."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        name = st.empty()
        name.title("Trace", anchor=False, width="content")
        back = state.back_link(st.query_params.get("back"))
        st.page_link("views/traces.py", label="Back to the list", icon=":material/arrow_back:", query_params=back)
    return name


def name(place: DeltaGenerator, known: str) -> None:
    """The name in its place; a long one is cut, so that the way back stays beside it, and told whole on hover."""
    shown = fmt.clip(known, _NAME, tree.UNNAMED)
    place.title(fmt.plain(shown), anchor=False, width="content", help=fmt.plain(known) if shown.endswith("…") else None)


def nothing(why: str) -> None:
    """No such trace, or none named: why, and the way on."""
    widgets.empty("One trace would be here.", why, _ways_on)


def _ways_on() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Look again", icon=":material/refresh:", on_click=data.forget)
        st.page_link("views/traces.py", label="All traces", icon=":material/list:", query_params={"range": "all"})
