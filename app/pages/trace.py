"""Trace: what happened, step by step."""

from __future__ import annotations

import streamlit as st

from app import data, state, trace, widgets
from app import format as fmt

st.page_link(
    "pages/traces.py", label="Back to the list", icon=":material/arrow_back:",
    query_params=state.back_link(st.query_params.get("back")),
)  # fmt: skip
trace_id = state.trace_id(st.query_params.get("trace")) or ""
if not trace_id:
    st.title("Trace", anchor=False)
    widgets.empty(
        "One trace would be shown here.", "The link names none: a trace id has 32 hex digits. Choose one in the list."
    )
    st.stop()

try:
    with st.skeleton(height=500):
        summary = data.trace_summary(trace_id)
        since, until = trace.bounds(summary)
        spans = data.trace_spans(trace_id, since, until)
except data.ApiError as error:
    widgets.failed("The trace did not come.", error, "The list of traces may still answer.")
    st.stop()

if spans.frame.empty:
    st.title("Trace", anchor=False)
    widgets.empty(
        "One trace would be shown here.",
        "No span of it has arrived. Check the id, or wait: its sender may be buffering.",
    )
    st.stop()

st.title(fmt.plain(str(spans.frame["name"].iloc[0] if summary is None else summary["root_name"])), anchor=False)
if summary is None:
    st.info("Its totals are being worked out; spans arrived a moment ago. Try again in a second or two.")
else:
    trace.header(summary, spans.frame)
trace.explorer(trace_id, spans, None if summary is None else since)
widgets.guarded("The scores did not come.", "The trace above is complete.", lambda: trace.scores(trace_id))
widgets.guarded("The log records did not come.", "The trace above is complete.", lambda: trace.logs(trace_id))
