"""“Send to queue” on pages that show traces, runs and alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import format as fmt
from app import queue_filling, selection, state

ICON = ":material/inbox:"
KEY = "send-to-queue"


def button(window: state.Window, params: Mapping[str, Any], total: int, picked: list[str]) -> None:
    """On the list of traces: those that are selected, else a sample of all as they are filtered."""
    if st.button(selection.label("Send to queue", picked), key=KEY, icon=ICON):
        if picked:
            _these(picked, fmt.plural(len(picked), f"{selection.word(picked)} trace"))
            return
        told = state.kept(params)
        bounds: dict[str, Any] = {name: told.pop(name) for name in ("since", "until") if name in told}
        source = {"kind": "filter", "filter": told, **bounds}
        queue_filling.send(source, f"Of {fmt.plural(total, 'trace')} of {window.words}", total)


def _these(traces: Sequence[str], what: str) -> None:
    queue_filling.send({"kind": "targets", "targets": selection.targets(traces)}, what, len(traces))


def of_trace(trace_id: str) -> None:
    """On one trace."""
    if st.button("Send to queue", key=KEY, icon=ICON):
        _these([trace_id], "This trace")


def of_alert(number: int, picked: Sequence[str]) -> None:
    """On an alert: the traces that are selected, else those that it shows, with others of its window on request."""
    if st.button(selection.label("Send to queue", list(picked)), key=KEY, icon=ICON):
        if picked:
            _these(picked, fmt.plural(len(picked), f"{selection.word(picked)} trace"))
        else:
            queue_filling.send({"kind": "alert", "number": number, "beside": True}, f"What alert {number} is about", 2)


def of_feedback(targets: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
    """On what end users said: what it is of, which is looked up when it is asked for."""
    if st.button("Send to queue", key=KEY, icon=ICON):
        found = list(targets())
        if not found:
            st.toast("Nothing of what is listed has a trace here, so nothing can be sent.")
            return
        what = fmt.plural(len(found), "answer that this was said of", "answers that this was said of")
        queue_filling.send({"kind": "targets", "targets": found}, what, len(found))


def of_run(run_id: str, items: Sequence[str] = ()) -> None:
    """On the rows of a run: those shown, else a sample of all."""
    if st.button("Send to queue", key=KEY, icon=ICON):
        source = {"kind": "run", "run": run_id, "rows": {"items": list(items)}}
        queue_filling.send(source, fmt.plural(len(items), "row") if items else "Rows of this run", len(items) or 2)


def of_runs(runs: Sequence[str], key: str, items: Sequence[str] = ()) -> None:
    """On rows that compare runs: their answers side by side."""
    if st.button("Send to queue", key=f"{KEY}-{key}", icon=ICON):
        source = {"kind": "run", "compare": list(runs), "rows": {"items": list(items)}}
        what = f"The answers of {fmt.plural(len(runs), 'run')} side by side"
        queue_filling.send(source, what, len(items) or 2)
