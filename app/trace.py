"""The parts of the Trace page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import pandas as pd
import streamlit as st

from app import data, span, state, tree, waterfall, widgets
from app import format as fmt

_COLOURS: dict[str, Literal["green", "orange", "red"]] = {"ok": "green", "recovered": "orange", "error": "red"}
_LOGS = 500  # log records on the page
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def bounds(summary: pd.Series | None) -> tuple[datetime, datetime]:
    """Where to look for the trace's spans; everywhere while it is not resolved."""
    if summary is None:
        return _EVER
    start = summary["start_time"].to_pydatetime()
    return start, start + timedelta(microseconds=int(summary["duration_ns"]) // 1000 + 2)


def header(summary: pd.Series, spans: pd.DataFrame) -> None:
    """What the trace was and what it took."""
    zone, start = widgets.zone(), summary["start_time"].to_pydatetime()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(str(summary["status"]), color=_COLOURS.get(str(summary["status"]), "gray"))
        st.caption(f"started {fmt.moment(start, zone)} {zone}", help=fmt.utc(start), width="content")
        st.caption(f"trace {str(summary['trace_id']).replace('-', '')}", width="content")
    if words := _failure(summary):
        st.markdown(f":red[{fmt.plain(words, 400)}]")
    widgets.fields(_facts(summary), columns=6)
    _links(summary)
    _reconciled(summary, spans)


def _failure(summary: pd.Series) -> str:
    """Type and message of the deepest failed span; the type once."""
    kind, message = (
        "" if fmt.absent(summary[name]) else str(summary[name]) for name in ("error_type", "error_message")
    )
    return message if message.startswith(kind) else f"{kind}: {message}" if message else kind


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
        "Service": "unset" if fmt.absent(summary["service"]) else str(summary["service"]),
    }


def _tokens(summary: pd.Series) -> str:
    unknown = int(summary["unknown_usage_calls"])
    if fmt.absent(summary["input_tokens"]) and fmt.absent(summary["output_tokens"]):
        return f"unknown ({fmt.plural(unknown, 'call')})" if unknown else fmt.UNKNOWN
    words = f"{fmt.count(summary['input_tokens'])} → {fmt.count(summary['output_tokens'])}"
    return f"{words}, unknown for {fmt.plural(unknown, 'call')}" if unknown else words


def _cost(summary: pd.Series, calls: int) -> str:
    if not fmt.absent(summary["cost_usd"]) or not calls:
        return fmt.money(summary["cost_usd"]) if calls else "no model call"
    reported = summary["reported_cost_usd"]
    return fmt.UNKNOWN if fmt.absent(reported) else f"{fmt.UNKNOWN}, reported {fmt.money(reported)}"


def _links(summary: pd.Series) -> None:
    """Session and user lead to the list of their traces."""
    known = {name: summary[f"{name}_id"] for name in ("session", "user") if not fmt.absent(summary[f"{name}_id"])}
    if not known:
        return
    with st.container(horizontal=True):
        for name, value in known.items():
            st.page_link(
                "views/traces.py", label=f"{name.capitalize()} {fmt.plain(str(value), 60)}",
                query_params={"range": "all", name: str(value)}, icon=":material/filter_list:",
            )  # fmt: skip


def _reconciled(summary: pd.Series, spans: pd.DataFrame) -> None:
    """What the totals leave out, and what is uncertain about them."""
    again = spans[spans["usage_role"].isin(["duplicate", "aggregate"])]
    notes = []
    if len(again):
        kinds = again["usage_role"].value_counts()
        named = " and ".join(
            fmt.plural(kinds[role], noun, many)
            for role, noun, many in (
                ("duplicate", "span tells a call again", "spans tell a call again"),
                ("aggregate", "span sums up others", "spans sum up others"),
            )
            if role in kinds
        )
        extra = int(again["input_tokens"].fillna(0).sum() + again["output_tokens"].fillna(0).sum())
        notes.append(f"Totals count each call once: {named}; counting them too would add {extra:,} tokens.")
    if summary["usage_estimated"]:
        notes.append("No single call told its usage; tokens come from a span that sums up others.")
    if summary["root_missing"]:
        notes.append("The parent of the first span never arrived: the trace may be longer than it looks.")
    notes += tree.doubts(spans)
    for note in notes:
        st.caption(note)


@st.fragment
def explorer(trace_id: str, answer: data.Answer, since: datetime | None) -> None:
    """Tree and waterfall, and below it the span that is selected. Selecting reruns this part alone."""
    spans = answer.frame
    if answer.truncated:
        widgets.cut(len(spans), None, "spans, in order of start")
    drawing = drawn(trace_id, answer)
    wanted = str(st.query_params.get("span", ""))
    known = wanted if (spans["span_id"] == wanted).any() else drawing.first
    at = st.session_state.setdefault(f"at-{trace_id}", At(known, known))
    waterfall.waterfall(trace_id, drawing, at.opened, asked=at.asked, chosen=partial(_choose, trace_id))
    chosen = st.session_state[f"at-{trace_id}"].chosen
    if chosen != wanted and (wanted or chosen != at.opened):  # the default needs no entry in the browser's history
        st.query_params["span"] = chosen
    widgets.guarded("The span did not come.", "The tree above is complete.", lambda: span.span(trace_id, chosen, since))


def drawn(trace_id: str, answer: data.Answer) -> tree.Drawing:
    """The spans laid out, once for each state of the data."""
    return _drawn(trace_id, answer.watermark, answer)


@st.cache_data(max_entries=16, show_spinner=False)
def _drawn(trace_id: str, watermark: str, _answer: data.Answer) -> tree.Drawing:  # noqa: ARG001 - they key the cache
    return tree.drawing(_answer.frame)


@dataclass(frozen=True, slots=True)
class At:
    """Where one is in a trace: the span that the page opened, the one chosen since, how often a button asked for one.

    The waterfall keeps its own selection, so that keys are quick; it hears of another only when `asked` goes up.
    """

    opened: str
    chosen: str
    asked: int = 0


def _choose(trace_id: str, span_id: str) -> None:
    st.session_state[f"at-{trace_id}"] = replace(st.session_state[f"at-{trace_id}"], chosen=span_id)


def _ask_for(trace_id: str, span_id: str) -> None:
    at = st.session_state[f"at-{trace_id}"]
    st.session_state[f"at-{trace_id}"] = At(span_id, span_id, at.asked + 1)


def logs(trace_id: str) -> None:
    """Log records of the trace; nothing when there are none."""
    found = data.trace_logs(trace_id)
    if not len(found):
        return
    with st.expander(f"Log records ({len(found):,})"):
        if len(found) > _LOGS:
            widgets.cut(_LOGS, len(found), "log records")
        shown = found.head(_LOGS)
        times, attributes = shown["time"].dt.tz_convert(widgets.zone()), [str(v) for v in shown["attributes"]]
        shown = shown.assign(time=times, attributes=attributes)
        st.dataframe(shown, hide_index=True, placeholder="", alt="Log records of the trace")


def scores(trace_id: str) -> None:
    """Scores of the trace and its spans; a failed evaluator shows its error, not a number."""
    found = data.trace_scores(trace_id)
    if not len(found):
        return
    st.subheader("Scores", anchor=False)
    columns = ("name", "value", "label", "explanation", "source", "evaluator", "error_type", "span_id")
    st.dataframe(found, hide_index=True, placeholder="", column_order=columns, alt="Scores of the trace")


def title_row(name: str) -> None:
    """Name left, the way back right; the name is untrusted text."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(fmt.plain(name), anchor=False, width="content")
        back = state.back_link(st.query_params.get("back"))
        st.page_link("views/traces.py", label="Back to the list", icon=":material/arrow_back:", query_params=back)
