"""What one reads first on the Trace page: failures, repeated calls, where the time went. A click selects the span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import data_trace, trace, trace_words, widgets
from app import format as fmt

_FIRST = 3  # failures in sight
_REPEATS = 3

Outline = Mapping[str, Any]


def failures(trace_id: str, outline: Outline) -> None:
    """Where failures began, the deepest first; nothing when none failed."""
    found = outline["failures"]
    for one in found[:_FIRST]:
        _failure(trace_id, one)
    if len(found) > _FIRST:
        began = f"{fmt.plural(len(found), 'failure')} began here" if len(found) < 100 else "The first 100 failures"
        with st.expander(f"{began}; {outline['failed']:,} spans failed"):
            for one in found[_FIRST:]:
                _failure(trace_id, one)


def _failure(trace_id: str, one: Mapping[str, Any]) -> None:
    st.button(
        f":red[{_words(one)}]", key=f"failure-{one['row']}", type="tertiary", icon=":material/error:",
        help="Select the failed span", on_click=trace.ask_for, args=(trace_id, one["span_id"]),
    )  # fmt: skip


def _words(one: Mapping[str, Any]) -> str:
    """`name: type: message`, each only when told."""
    said = trace.failure(one)
    name = fmt.plain(fmt.clip(str(one["name"]), 60, "unnamed"))
    return f"{name}: {fmt.plain(said, 200)}" if said else f"{name} failed"


def more(trace_id: str, outline: Outline) -> dict[int, str]:
    """Repeats and the critical path; returns the words that rows are marked by."""
    found = data_trace.findings(trace_id, outline["version"])
    if said := trace_words.path(found, outline["length_ns"]):
        st.caption(said)
    repeats = trace_words.repeats(found)
    for place, (sentence, row) in enumerate(repeats[:_REPEATS]):
        _repeat(trace_id, outline, place, sentence, row)
    if len(repeats) > _REPEATS:
        with st.expander(f"{len(repeats) - _REPEATS:,} more that were made again"):
            for place, (sentence, row) in enumerate(repeats[_REPEATS:], _REPEATS):
                _repeat(trace_id, outline, place, sentence, row)
    if found["actions_cut"]:
        widgets.cut(found["actions"], None, "tool calls were looked at for repeats")
    return trace_words.marks(found)


def _repeat(trace_id: str, outline: Outline, place: int, sentence: str, row: int) -> None:
    st.button(
        f":orange[{sentence}]", key=f"repeat-{place}", type="tertiary", icon=":material/repeat:",
        help="Select the first of them", on_click=_to_row, args=(trace_id, outline["version"], row),
    )  # fmt: skip


def _to_row(trace_id: str, version: str, row: int) -> None:
    told = data_trace.rows(trace_id, version, row, 1)
    if len(told):
        trace.ask_for(trace_id, str(told["span_id"].iloc[0]))
