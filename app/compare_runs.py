"""Runs as variants: which, and which of them is the baseline; the first of the URL's list is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import compare, compare_controls, data_compare, data_runs, runs, widgets
from app import format as fmt

MOST = 10
_OFFERED = 200
Run = Mapping[str, Any]


def page(waiting: DeltaGenerator) -> None:
    """The choice, then the comparison; or what there is to choose."""
    known = {one["run_id"]: one for one in data_runs.runs(most=_OFFERED) if one["state"] == "done"}
    ids = chosen()
    _choice(known, ids)
    if len(ids) < 2:
        waiting.empty()
        _lacking(known, ids)
        return
    compare.answer(
        lambda params: data_compare.runs(tuple(ids), **params), "runs", {"runs": ",".join(ids)}, waiting,
    )  # fmt: skip


def chosen() -> list[str]:
    """The runs that the URL names, the baseline first."""
    told = str(st.query_params.get(compare_controls.RUNS) or "").split(",")
    return list(dict.fromkeys(one.strip() for one in told if one.strip()))[:MOST]


def _choice(known: Mapping[str, Run], ids: Sequence[str]) -> None:
    key, base = "compare-runs", "compare-baseline"
    st.session_state[key] = list(ids)
    options = list(dict.fromkeys([*ids, *known]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            "Runs", options, key=key, format_func=lambda one: words(known.get(one), one), max_selections=MOST,
            placeholder="choose two to ten runs", on_change=_moved, args=(key,), width="stretch",
        )  # fmt: skip
        if len(ids) > 1:
            st.session_state[base] = ids[0]
            st.selectbox(
                "Baseline", list(ids), key=base, format_func=lambda one: words(known.get(one), one),
                on_change=_first, args=(base, tuple(ids)), width=280,
            )  # fmt: skip


def _moved(key: str) -> None:
    compare_controls.take(st.session_state[key], "item")


def _first(key: str, ids: Sequence[str]) -> None:
    first = st.session_state[key]
    compare_controls.take([first, *(one for one in ids if one != first)], "item")


def words(run: Run | None, run_id: str) -> str:
    """A run in a list: suite, when, and letters of its id, as suites are run often."""
    if run is None:
        return fmt.clip(run_id, 12)
    at = runs.at(run["started_at"] or run["created_at"])
    return f"{fmt.clip(run['suite'], 48)}, {fmt.narrow(at, widgets.zone(), datetime.now(UTC))}, {run_id[:6]}"


def _lacking(known: Mapping[str, Run], ids: Sequence[str]) -> None:
    """What to do where there is nothing to compare yet."""
    if len(known) < 2:
        why = "No run has ended yet." if not known else "One run alone has ended."
        widgets.empty(
            "Runs of suites would be compared here, item by item.",
            f"{why} Run a suite twice, with another prompt, model or version of the target; or compare live traffic.",
            lambda: st.code(runs.COMMAND, language="bash"),
        )
        return
    what = "One run is chosen." if ids else "Runs would be compared here, item by item."
    why = "Choose another above: a comparison takes two to ten." if ids else "Choose two to ten above, baseline first."
    widgets.empty(what, why, lambda: compare_controls.suggestions(known.values()))
