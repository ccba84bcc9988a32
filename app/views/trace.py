"""Trace: what happened, step by step."""

from __future__ import annotations

import streamlit as st

from app import data, data_traces, scores, state, trace, widgets

place = trace.title_row()
trace_id = state.trace_id(st.query_params.get("trace")) or ""
if not trace_id:
    trace.nothing("The link names none: a trace id has 32 hex digits. Choose one in the list.")
    widgets.end()

try:
    with st.skeleton(height=500):
        summary = data_traces.trace_summary(trace_id)
        since, until = trace.bounds(summary)
        spans = data_traces.trace_spans(trace_id, since, until)
except data.ApiError as error:
    widgets.failed("The trace did not come.", error, "The list of traces may still answer.")
    widgets.end()

if spans.frame.empty:
    trace.nothing("No span of it has arrived. Check the id, or wait: its sender may be buffering.")
    widgets.end()

known = str(spans.frame["name"].iloc[0] if summary is None else summary["root_name"])
trace.name(place, known)
if summary is None:
    st.info("Its totals are being worked out; spans arrived a moment ago. Try again in a second or two.")
    trace.explorer(trace_id, spans, None, None)
else:
    trace.header(summary, spans)
    trace.explorer(trace_id, spans, since, int(summary["spans"]))
widgets.guarded(
    "The scores did not come.", "The trace above is complete.", lambda: scores.section(trace_id, spans.frame)
)
widgets.guarded("The log records did not come.", "The trace above is complete.", lambda: trace.logs(trace_id))
