"""The planner: before a run, how many items a comparison needs, by a pilot or by numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import (
    calls,
    compare_controls,
    compare_runs,
    compare_tabs,
    compare_traffic,
    data,
    data_plan,
    data_runs,
    planner_answer,
    planner_controls,
    runs,
    state,
    widgets,
)
from app import format as fmt
from app.planner_controls import NUMBERS, RUNS, TRAFFIC

MOST = 2  # variants of a pilot
_OFFERED = 200
Found = Mapping[str, Any]


def page(waiting: DeltaGenerator) -> None:
    """What is asked, then the plan; or what there is to choose."""
    compare_tabs.tabs(compare_tabs.PLANNER)
    source = planner_controls.basis()
    {RUNS: _of_runs, TRAFFIC: _of_traffic, NUMBERS: _of_numbers}.get(source, _of_runs)(waiting)


def _of_runs(waiting: DeltaGenerator) -> None:
    known = {one["run_id"]: one for one in data_runs.runs(most=_OFFERED) if one["state"] == "done"}
    ids, key = compare_runs.chosen()[:MOST], "plan-runs"
    st.session_state[key] = ids
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            "Pilot", list(dict.fromkeys([*ids, *known])), key=key, max_selections=MOST, on_change=_moved, args=(key,),
            format_func=lambda one: compare_runs.words(known.get(one), one), width="stretch",
            placeholder="choose a run, or two that differ as the variants will",
        )  # fmt: skip
        slot = st.container(width="content")
    wanted = planner_controls.wish(RUNS)
    if not ids:
        waiting.empty()
        _no_run(known)
        return
    params = {**wanted, "measure": st.query_params.get("measure")}
    _told(partial(data_plan.runs, tuple(ids), params), slot, waiting)


def _moved(key: str) -> None:
    compare_controls.take(st.session_state[key])


def _no_run(known: Mapping[str, Any]) -> None:
    if not known:
        widgets.empty(
            "A plan would be here.", "No run has ended yet. Run a suite once as a pilot, or plan from numbers.",
            lambda: st.code(runs.COMMAND, language="bash"),
        )  # fmt: skip
        return
    newest = next(iter(known.values()))
    widgets.empty(
        "A plan would be here.",
        "Choose a run above whose answers spread as those to come will: a pilot. Two runs of the same items tell how "
        "variants differ item by item.",
        lambda: st.page_link(
            compare_tabs.PLANNER, label=f"Plan from {fmt.plain(compare_runs.words(newest, newest['run_id']), 80)}",
            icon=":material/straighten:", query_params=compare_controls.link([newest["run_id"]]),
        ),
    )  # fmt: skip


def _of_traffic(waiting: DeltaGenerator) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        by = calls.dimension(compare_traffic.DIMENSIONS)
        filters = widgets.call_filters(widgets.window(*state.EVER), compare_tabs.PLANNER)
    window = calls.window(waiting)
    offered = compare_traffic.seen(by, window)
    values, key = list(dict.fromkeys(st.query_params.get_all(compare_traffic.VALUES)))[:MOST], "plan-values"
    st.session_state[key] = values
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            f"Pilot: calls of a {by}", list(dict.fromkeys([*values, *offered])), key=key, max_selections=MOST,
            format_func=lambda one: f"{fmt.clip(one, 60)} ({offered.get(one, 0):,} calls)", on_change=_valued,
            args=(key,), placeholder=f"choose one {by}, or two", width="stretch",
        )  # fmt: skip
        slot = st.container(width="content")
    wanted = planner_controls.wish(TRAFFIC)
    if not values:
        waiting.empty()
        _no_value(by, offered, window)
        return
    params: dict[str, data.Param] = {
        **wanted, "measure": st.query_params.get("measure"), "since": window.since, "until": window.until, **filters,
    }  # fmt: skip
    calls.known(f"Model calls of {window.words}.")
    _told(partial(data_plan.traffic, by, tuple(values), params), slot, waiting)


def _valued(key: str) -> None:
    st.query_params[compare_traffic.VALUES] = st.session_state[key]


def _no_value(by: str, offered: Mapping[str, int], window: state.Window) -> None:
    if not offered:
        widgets.empty(
            "A plan would be here.",
            f"No call tells its {by} in {window.words}. Widen the time range, tell calls apart by something else, or "
            "plan from numbers.",
        )  # fmt: skip
        return
    first = next(iter(offered))
    widgets.empty(
        "A plan would be here.",
        f"Choose the {by} above whose calls spread as those to come will.",
        lambda: st.page_link(
            compare_tabs.PLANNER, label=f"Plan from {fmt.plain(first, 60)}", icon=":material/straighten:",
            query_params=[*planner_controls.kept([compare_traffic.VALUES]).items(), (compare_traffic.VALUES, first)],
        ),
    )  # fmt: skip


def _of_numbers(waiting: DeltaGenerator) -> None:
    wanted = planner_controls.wish(NUMBERS)
    spread = planner_controls.spread(wanted)
    usual = 0.05 if {"rate", "discordant"} & set(spread) else float(str(spread.get("sd") or 1.0)) / 5
    params = {**wanted, "delta": wanted["delta"] or usual, **spread}
    if "omega2" not in spread:
        params["repeats"] = None
    _told(partial(data_plan.numbers, params), None, waiting)


def _told(ask: Callable[[], Found], slot: DeltaGenerator | None, waiting: DeltaGenerator) -> None:
    """The plan, or why there is none."""
    try:
        found = widgets.patiently(st.container(), "Planning", ask, usual_s=2.0)
    except data.ApiError as error:
        if error.kind != "refused":
            raise
        widgets.empty("A plan would be here.", fmt.plain(str(error), 600), _anew)
        return
    finally:
        waiting.empty()
    if slot is not None:
        with slot:
            planner_controls.measure(
                {one["key"]: fmt.clip(one["words"], 60) for one in found["measures"]}, found["measure"]
            )
    planner_answer.section(found)


def _anew() -> None:
    with st.container(horizontal=True):
        if st.query_params.get("measure"):
            st.page_link(
                compare_tabs.PLANNER, label="By the first measure", icon=":material/undo:",
                query_params=planner_controls.kept(["measure", "delta"]),
            )  # fmt: skip
        st.page_link(compare_tabs.PLANNER, label="Choose anew", icon=":material/restart_alt:")
