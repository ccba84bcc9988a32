"""The ways to look at one trace: by time, as a conversation, as a graph, by documents, logs and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import scores, trace, trace_documents, trace_findings, trace_graph, trace_talk, waterfall, widgets

VIEWS = ("Timeline", "Conversation", "Graph", "Documents", "Logs", "Scores")

Outline = Mapping[str, Any]


def views(trace_id: str, outline: Outline, summary: pd.Series | None) -> None:
    """The chosen view; the URL has it."""
    chosen = st.segmented_control(
        "View", VIEWS, default=VIEWS[0], required=True, key="view", bind="query-params", label_visibility="collapsed"
    )
    drawers: dict[str, Callable[[], None]] = {
        "Timeline": partial(timeline, trace_id, outline, summary),
        "Conversation": partial(_guarded, "conversation", partial(trace_talk.talk, trace_id, outline["version"])),
        "Graph": partial(_guarded, "graph", partial(trace_graph.graph, trace_id, outline["version"])),
        "Documents": partial(_guarded, "documents", partial(trace_documents.documents, trace_id, outline["version"])),
        "Logs": partial(_guarded, "log records", partial(trace.logs, trace_id, alone=True)),
        "Scores": partial(_scores, trace_id, outline, alone=True),
    }
    drawers[str(chosen)]()


def timeline(trace_id: str, outline: Outline, summary: pd.Series | None) -> None:
    """Failures, tree and waterfall, the selected span; below it scores and log records."""
    above = st.container(gap="xsmall")
    with above:
        trace_findings.failures(trace_id, outline)
    since = None if summary is None else trace.bounds(summary)[0]
    trace.explorer(trace_id, outline, since, None if summary is None else int(summary["spans"]))
    marks: dict[int, str] = {}
    with above:
        widgets.guarded(
            "The findings did not come.", "The tree below is complete.",
            lambda: marks.update(trace_findings.more(trace_id, outline)),
        )  # fmt: skip
    waterfall.reset(trace_id)
    waterfall.rows(waterfall.drawing(trace_id, outline), marks)
    _scores(trace_id, outline)
    _guarded("log records", partial(trace.logs, trace_id))


def _scores(trace_id: str, outline: Outline, *, alone: bool = False) -> None:
    _guarded("scores", partial(scores.section, trace_id, outline["version"], alone=alone))


def _guarded(what: str, draw: Callable[[], None]) -> None:
    widgets.guarded(f"The {what} did not come.", "The trace above is complete.", draw)
