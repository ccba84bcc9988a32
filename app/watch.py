"""The way from a chart to a monitor of what it shows: a link that opens the form with signal and slice as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import format as fmt
from app import monitor_terms, monitors

Watch = tuple[str, Mapping[str, Any]]
"""What the link says, and the terms that the form begins with."""


def row(*shown: Watch) -> None:
    """Links in one line below a figure."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Watch", width="content")
        for label, terms in shown:
            st.page_link(
                monitors.PATH, label=label, icon=":material/notification_add:", help=_HELP,
                query_params={monitors.MAKE: monitor_terms.linked(terms)},
            )  # fmt: skip


_HELP = "Opens the form of a monitor with this signal and these filters; one more click sets it"


def calls(label: str, signal: str, filters: Mapping[str, Any], **more: Any) -> Watch:
    """Of a signal over model calls, with the filters of the page."""
    return label, {"signal": signal, "where": monitor_terms.calls_where(filters), **more}


_MEASURES: Mapping[str, Mapping[str, Any]] = {
    "failed": {"signal": "error_rate"}, "cost_usd": {"signal": "cost"},
    "latency_ms.p50": {"signal": "duration", "quantile": 0.5},
    "latency_ms.p95": {"signal": "duration", "quantile": 0.95}, "ttft_ms.p50": {"signal": "ttft", "quantile": 0.5},
    "input_tokens": {"signal": "input_tokens"}, "output_tokens": {"signal": "output_tokens"},
}  # fmt: skip
"""Measure of a comparison of live traffic -> what to watch."""


def compared(found: Mapping[str, Any]) -> None:
    """Below a comparison: its first measure on live traffic, of runs against the baseline's scores."""
    measure = next(one for one in found["measures"] if one["key"] == found["quality"])
    if found["source"] == "traffic":
        told = _MEASURES.get(measure["key"]) or _score_of(measure["of"] or measure["key"])
        by = found["by"]
        shown = [
            (f"{measure['title']} of {one['name']}", {**told, "where": {by: one["name"]}})
            for one in found["variants"][:4]
        ]
    elif measure["kind"] == "quality":
        base = found["variants"][0]
        score = measure["of"] or measure["key"]
        shown = [(f"live {score} against {base['name']}", _score_of(score) | {"against": {"run": base["run_id"]}})]
    else:
        return
    row(*((fmt.plain(label, 60), terms) for label, terms in shown))


def _score_of(name: str) -> dict[str, Any]:
    return {"signal": "score", "score": name}
