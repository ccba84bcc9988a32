"""Trace: what happened, step by step."""

from __future__ import annotations

import streamlit as st

from app import data, data_trace, data_traces, state, trace, trace_views, widgets

place = trace.title_row()
trace_id = state.trace_id(st.query_params.get("trace")) or ""
if not trace_id:
    trace.nothing("The link names none: a trace id has 32 hex digits. Choose one in the list.")
    widgets.end()

try:
    with st.skeleton(height=500):
        summary = data_traces.trace_summary(trace_id)
        outline = data_trace.outline(trace_id)
except data.ApiError as error:
    widgets.failed("The trace did not come.", error, "The list of traces may still answer.")
    widgets.end()

if outline is None:
    trace.nothing("No span of it has arrived. Check the id, or wait: its sender may be buffering.")
    widgets.end()

trace.name(place, str(outline["name"] if summary is None else summary["root_name"]))
if summary is None:
    st.info("Its totals are being worked out; spans arrived a moment ago. Try again in a second or two.")
else:
    trace.header(summary, outline)
trace_views.views(trace_id, outline, summary)
