"""Compare traces: what one did otherwise than the other, and where they part."""

from __future__ import annotations

import streamlit as st

from app import data, trace_compare, widgets

st.title("Compare traces", anchor=False)
a, b = trace_compare.named()
if a is None or b is None:
    trace_compare.pick(a)
    widgets.end()
try:
    trace_compare.compared(a, b)
except data.ApiError as error:
    if error.status == 404:
        trace_compare.nothing(error)
    else:
        widgets.failed("The comparison did not come.", error, "Each of the traces may still open by itself.")
