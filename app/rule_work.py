"""What a rule has to do, on its page: what failed, what waits, and stored traces that are scored as well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import data, data_evaluators, data_jobs, data_rules, jobs, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Rule = dict[str, Any]
Failure = Mapping[str, Any]

SHOWN = 20  # failures with a button each
_TYPES = 10
_SAID = "rule-said"  # session state: what the last click did
WINDOWS = {"the last 24 hours": "24h", "the last 7 days": "7d", "the last 30 days": "30d", "all that is stored": "all"}
_JOB, _REFUSED = "backfill-job", "backfill-refused"


def failures(rule: Rule) -> None:
    """By kind, each with the button that has all of it scored again; then the newest one by one."""
    found = data_rules.rule_failures(rule["name"])
    if not found["total"]:
        widgets.empty("Targets that an evaluator could not score would be listed here.", "None of this rule failed.")
        return
    open_ones = [one for one in found["failures"] if one["retried_at"] is None]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plural(found['total'], 'failure')}**", width="content")
        if said := st.session_state.pop(_SAID, None):
            st.caption(fmt.plain(said, 300), width="content")
        st.space("stretch")
        st.button(
            "Retry all", key="retry-all", icon=":material/refresh:", disabled=not open_ones, on_click=_retry,
            args=(rule["name"], {}),
        )  # fmt: skip
    for place, kind in enumerate(found["types"][:_TYPES]):
        _kind(rule, kind, place)
    st.space("small")
    with st.container(gap=None):
        for place, one in enumerate(found["failures"][:SHOWN]):
            _failure(rule, one, place)
    if found["total"] > SHOWN:
        widgets.cut(SHOWN, found["total"], "failures")


def _kind(rule: Rule, kind: Mapping[str, Any], place: int) -> None:
    """`12 of judge_groundedness: timeout`, and its button."""
    with st.container(horizontal=True, vertical_alignment="center"):
        whose = f"{kind['evaluator'] or 'all evaluators'}: {fmt.error_type(kind['error_type'])}"
        st.text(f"{kind['failures']:,} of {fmt.clip(whose, 120)}", width="content")
        chosen = {"error_type": kind["error_type"], "evaluator": kind["evaluator"]}
        st.button(
            "Retry these", key=f"retry-kind-{place}", type="tertiary", on_click=_retry, args=(rule["name"], chosen)
        )


def _failure(rule: Rule, one: Failure, place: int) -> None:
    """One failure in a line: when, its target, what failed and why, and its button."""
    at, target, what, why, again = st.columns([1.1, 1.5, 2, 5, 1], vertical_alignment="center")
    with at:
        st.caption(widgets.when(one["failed_at"]))
    with target:
        _target(one)
    with what:
        st.text(fmt.clip(f"{one['evaluator'] or 'all'}: {one['error_type']}", 80))
    with why:
        st.text(fmt.clip(one["error"], 300))
    with again:
        chosen = {name: one[name] for name in ("evaluator", "trace_id", "span_id", "session_id")}
        waits = one["retried_at"] is not None
        st.button(
            "Ordered" if waits else "Retry", key=f"retry-{place}", disabled=waits, type="tertiary",
            help="It is scored again soon" if waits else None, on_click=_retry, args=(rule["name"], chosen),
        )  # fmt: skip


def _target(one: Mapping[str, Any]) -> None:
    """A link to the trace, the call, or the traces of the session."""
    if one["session_id"] is not None:
        scope = {"session": one["session_id"], "range": "all"}
        st.page_link("views/traces.py", label=f"session {fmt.plain(one['session_id'], 20)}", query_params=scope)
        return
    kind = "call in" if one["span_id"] else "trace"
    label = f"{kind} {one['trace_id'][:8]}"
    st.page_link("views/trace.py", label=label, query_params=state.trace_link(one["trace_id"], None, one["span_id"]))


def _retry(name: str, chosen: Mapping[str, str | None]) -> None:
    try:
        count = data_rules.retry_failures(name, chosen)
    except data.ApiError as error:
        st.session_state[_SAID] = str(error)
        return
    st.session_state[_SAID] = f"{fmt.plural(count, 'target')} ordered again."


# The queue.

TONES = {"waiting": "gray", "working": "blue", "done": "green", "failed": "red"}
COLUMNS = (
    Column("State", "84px"),
    Column("First target", "minmax(150px, 1.5fr)", link=True),
    Column("Targets", "76px", "right", "That one worker takes at once"),
    Column("Of", "96px", help="New traces, or a backfill"),
    Column("Added", "120px"),
    Column("Closed", "120px"),
    Column("Tries", "56px", "right", "How often a worker took it"),
    Column("Fault", "minmax(120px, 2fr)"),
)


def queue(rule: Rule) -> None:
    """Parts that wait or are being worked on, then those that were closed last."""
    found = data_rules.rule_queue(rule["name"])
    if not found:
        widgets.empty(
            "Parts of some targets each would be listed here, which workers take.",
            "None waits, and none was closed in the last hour. They come once traces that match are over.",
        )
        return
    counts = {name: sum(one["state"] == name for one in found) for name in TONES}
    said = ", ".join(f"{n:,} {name}" for name, n in counts.items() if n)
    st.markdown(f"{fmt.plural(len(found), 'part')}: {said}.")
    listing.listing("rule-queue", "Queue", COLUMNS, [_part(one) for one in found])
    st.caption("At most 200: those that come next, then those closed last. Closed ones are kept for an hour.")


def _part(one: Mapping[str, Any]) -> listing.Row:
    first = one["first"]
    named = f"session {first['session_id']}" if first["session_id"] else f"trace {first['trace_id'][:12]}"
    return listing.Row(
        state.trace_path(first["trace_id"]),
        [
            Cell(one["state"], tone=TONES[one["state"]]),
            Cell(fmt.clip(named, 80)),
            Cell(fmt.count(one["targets"])),
            Cell("backfill" if one["backfill"] else "new", quiet=not one["backfill"]),
            Cell(widgets.when(one["added_at"])),
            Cell(widgets.when(one["ended_at"])),
            Cell(fmt.count(one["attempts"])),
            Cell(fmt.clip(one["fault"] or "", 200)),
        ],
    )


# Backfills.


def backfills(rule: Rule) -> None:
    """Orders of stored traces that the rule gave."""
    found = [job for job in data_jobs.jobs() if job["order"].get("rule") == rule["name"]]
    if not found:
        widgets.empty(
            "Backfills would be listed here: stored traces that are scored as the rule says.",
            "None was ordered. The button “Backfill” above first says how many that would be, and what it costs.",
        )
        return
    for job in found[:SHOWN]:
        jobs.card(job)


def open_backfill(rule: Rule) -> None:
    """Opens the dialog."""
    st.session_state.pop(_JOB, None)
    _dialog(rule)


@st.dialog("Backfill", width="large")
def _dialog(rule: Rule) -> None:
    """Which stored traces, what that costs; then how far it is."""
    if job_id := st.session_state.get(_JOB):
        _ordered(job_id)
        return
    left, right = st.columns(2)
    chosen = left.selectbox("Traces of", list(WINDOWS), index=1, key="backfill-window")
    asks = any(card["cost"] != "free" for card in data_evaluators.evaluators() if card["name"] in _names(rule))
    budget = None
    if asks:
        budget = right.number_input(
            "Budget for judges, US dollars", min_value=0.01, value=1.0, key="backfill-budget",
            help="Within the budgets of the rule. Empty: theirs alone.",
        )  # fmt: skip
    again = st.checkbox("Also those that are scored already", key="backfill-again")
    window = state.window(WINDOWS[str(chosen)], datetime.now(UTC), (state.EVER[0], None), (None, None))
    more = {"again": again} | ({"budget_usd": budget} if budget else {})
    try:
        told = widgets.patiently(
            st.container(), "Counting what that is",
            lambda: data_rules.backfill(rule["name"], window.since, window.until, dry_run=True, **more),
        )  # fmt: skip
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.markdown(fmt.plain(foretold(told, budget), 600))
    for one in told["evaluators"]:
        if one["asks"] != "free":
            st.caption(fmt.plain(f"{one['evaluator']}: {one['how']}", 300))
    st.button(
        "Start", type="primary", key="backfill-start", disabled=not told["targets"], on_click=_start,
        args=(rule["name"], window, more),
    )  # fmt: skip
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")


def _names(rule: Rule) -> set[str]:
    return {str(one["name"]) for one in rule["evaluators"]}


def foretold(told: Mapping[str, Any], budget: float | None) -> str:
    """What `Start` would do: how many match, are sampled, are left, and what judges would cost."""
    noun = "session" if told["unit"] == "session" else "trace"
    target = {"trace": "trace", "call": "model call", "session": "session"}[told["unit"]]
    said = f"{fmt.plural(told['matching'], noun)} match, {told['sampled']:,} of them are in the sample"
    said += f", {told['scored']:,} of those are scored already. " if told["scored"] else ". "
    said += f"{fmt.plural(told['targets'], target)} would be scored, after what is new"
    if not told["judge_calls"]:
        return f"{said}; no model is asked, so it costs nothing."
    cost = "at an unknown cost" if told["usd"] is None else f"for about {fmt.money(told['usd'])}"
    bound = f", at most {fmt.money(budget)}" if budget else ""
    return f"{said}, by {fmt.plural(told['judge_calls'], 'call')} of judges {cost}{bound}."


def _start(name: str, window: state.Window, more: Mapping[str, Any]) -> None:
    try:
        job = data_rules.backfill(name, window.since, window.until, dry_run=False, **more)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state[_JOB] = job["job_id"]


@st.fragment(run_every=1.5)
def _ordered(job_id: str) -> None:
    """How far it is, in the place of the choices."""
    try:
        jobs.card(data_jobs.job(job_id))
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.caption("It goes on when this is closed; “backfills” on the rule's page follows it.")
