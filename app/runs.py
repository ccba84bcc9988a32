"""The list of runs: filters, one sentence, a table; and the words that every view of a run shares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import compare_controls, data_runs, listing, widgets
from app import format as fmt
from app.listing import Cell, Column

Run = dict[str, Any]

OF, OUTCOME = "of", "outcome"  # keys of the filters, and their names in the URL
CHOSEN, BEFORE = "run", "before"  # in the URL: which run is open; the list's page
FILTERS = (OF, OUTCOME)
PAGE = 50
EVERY_S = 2
OPEN = ("waiting", "running")
TONES: Mapping[str, Any] = {
    "passed": "green", "failed": "red", "waiting": "gray", "running": "blue", "cut off": "orange",
    "cancelled": "orange", "could not run": "red",
}  # fmt: skip
_OUTCOMES = {
    "passed": "passed", "failed": "failed", "running": "running", "waiting": "waiting", "cut off": "cut_off",
    "cancelled": "cancelled",
}  # fmt: skip
TIMES = " \u00d7 "
COMMAND = "assay eval run SUITE.yaml"


def chosen() -> str:
    """The id of the run that the URL asks for; '': of none."""
    return str(st.query_params.get(CHOSEN) or "")


def word(run: Mapping[str, Any]) -> str:
    """What came of it, or how it stands: `passed`, `failed`, `running`, `cut off`."""
    if run["state"] == "done":
        return str(run["outcome"])
    return {"cut_off": "cut off", "failed": "could not run"}.get(run["state"], str(run["state"]))


def overview() -> None:
    """The filters, and the runs that they keep; the list refreshes itself while anything runs."""
    with st.skeleton(height=300):
        known = [one["name"] for one in data_runs.suites()["suites"]]
    by = _filters(known)
    found = _ask(by)
    if not found and not any(by.values()) and not st.query_params.get(BEFORE):
        _nothing()
        return
    moving = any(run["state"] in OPEN for run in found)
    st.fragment(_list, run_every=EVERY_S if moving else None)(by, moving=moving)


def _filters(known: Sequence[str]) -> dict[str, str]:
    with st.container(horizontal=True, vertical_alignment="center"):
        told = st.query_params.get(OF)
        names = list(dict.fromkeys([*known, *([told] if told else [])]))
        st.selectbox(
            "Suite", names, index=None, key=OF, bind="query-params", placeholder="any suite", width=220,
            label_visibility="collapsed", accept_new_options=True,
        )  # fmt: skip
        st.selectbox(
            "Outcome", list(_OUTCOMES), index=None, key=OUTCOME, bind="query-params", placeholder="any outcome",
            width=160, label_visibility="collapsed",
        )  # fmt: skip
    return {name: str(st.session_state.get(name) or "") for name in FILTERS}


def _ask(by: Mapping[str, str]) -> list[Run]:
    before = st.query_params.get(BEFORE)
    return data_runs.runs(
        suite=by[OF] or None, outcome=_OUTCOMES.get(by[OUTCOME]), before=before or None, most=PAGE + 1
    )  # fmt: skip


def _nothing() -> None:
    def action() -> None:
        st.code(COMMAND, language="bash")
        st.page_link("views/suites.py", label="Suites", icon=":material/checklist:")

    widgets.empty(
        "Runs of evaluation suites would be listed here.",
        "None was told yet. A run of the command line tells this server by itself; Suites orders one from here.",
        action,
    )


def _list(by: Mapping[str, str], *, moving: bool) -> None:
    found = _ask(by)
    if moving and not any(run["state"] in OPEN for run in found):
        st.rerun()  # nothing is left to follow
    shown = found[:PAGE]
    if not shown:
        widgets.empty("Runs would be listed here.", "None matches the filters, or none is older.")
        return
    st.markdown(finding(shown, more=len(found) > PAGE))
    back = {name: value for name, value in st.query_params.items() if name in {*FILTERS, BEFORE} and value}
    table(shown, back)
    with st.container(horizontal=True, vertical_alignment="center"):
        compare_controls.suggestions(shown)
        if len(found) > PAGE:
            older = {name: value for name, value in back.items() if name != BEFORE}
            st.page_link(
                "views/runs.py", label="Older runs", icon=":material/arrow_forward:",
                query_params=older | {BEFORE: str(shown[-1]["created_at"])},
            )  # fmt: skip
        st.caption(f"Times in {widgets.zone()}. Keys: j k move, Enter opens.")


def finding(found: Sequence[Run], *, more: bool) -> str:
    """How many there are, by what came of them: `12 runs of 3 suites: 9 passed, 2 failed, 1 running`."""
    counts = {name: sum(word(run) == name for run in found) for name in TONES}
    said = ", ".join(f"{n:,} {name}" for name, n in counts.items() if n)
    suites = len({run["suite"] for run in found})
    newest = "The newest " if more else ""
    return f"{newest}{fmt.plural(len(found), 'run')} of {fmt.plural(suites, 'suite')}: {said}."


COLUMNS = (
    Column("Begun", "98px"),
    Column("Suite", "minmax(120px, 1fr)", link=True),
    Column("Outcome", "92px"),
    Column("Gates", "minmax(172px, 1fr)", help="Met, missed, left open by the data"),
    Column("Items", "110px", "right", "Items, and how many answers each got"),
    Column("Cost", "92px", "right", "Of target and judges. ≥: some answers do not tell theirs"),
    Column("From", "56px", help="cli: the command line; app: ordered here; pushed: by another harness"),
    Column("Finding", "minmax(160px, 2.2fr)"),
)


def table(found: Sequence[Run], back: Mapping[str, str], label: str = "Runs") -> None:
    """The runs, each a link."""
    listing.listing(label.lower().replace(" ", "-"), label, COLUMNS, [_line(run, back) for run in found])


SHORT = (
    Column("Begun", "98px", link=True),
    Column("Outcome", "92px"),
    Column("Gates", "minmax(100px, 1fr)"),
)


def short_table(found: Sequence[Run]) -> None:
    """The runs of one suite beside it."""
    rows = []
    for run in found:
        begun, *_ = cells = list(_line(run, {}).cells)
        rows.append(listing.Row(path(run["run_id"]), [begun, *cells[2:4]]))
    listing.listing("suite-runs", "Newest runs", SHORT, rows)


def _line(run: Run, back: Mapping[str, str]) -> listing.Row:
    brief, begun = run["brief"] or {}, at(run["started_at"] or run["created_at"])
    said = str(run["fault"] or brief.get("sentence") or progress(run))
    return listing.Row(
        path(run["run_id"], back),
        [
            Cell(fmt.narrow(begun, widgets.zone(), datetime.now(UTC)), fmt.utc(begun)),
            Cell(fmt.clip(called(run), 160)),
            Cell(word(run), tone=TONES[word(run)]),
            Cell(gates_words(brief), ", ".join(brief.get("failing", [])), quiet=not brief.get("gates")),
            Cell(items_words(run)),
            Cell(cost_words(run), quiet=run["cost_usd"] is None),
            Cell(run["source"], quiet=True),
            Cell(fmt.clip(said, 300), said),
        ],
    )  # fmt: skip


def called(run: Mapping[str, Any]) -> str:
    """The suite; of an arm of an experiment also what it varies."""
    return str(run["suite"]) + (f": {arm_words(run['arm'])}" if run.get("arm") else "")


def arm_words(arm: Mapping[str, Any]) -> str:
    """What an arm varies: `model=gpt-4o, temperature=0.7`."""
    return ", ".join(f"{name.removeprefix('parameters.')}={_value(value)}" for name, value in arm.items())


def _value(value: Any) -> str:
    return fmt.clip(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 60)


def path(run_id: str, back: Mapping[str, str] | None = None) -> str:
    """A link to a run; `back`: the list that its way back leads to."""
    more = {"back": urlencode(back)} if back else {}
    return f"runs?{urlencode({CHOSEN: run_id} | more)}"


def gates_words(brief: Mapping[str, Any]) -> str:
    """`2 met, 1 missed`; of a suite without gates `none`."""
    gates = brief.get("gates") or {}
    order = ("missed", "no_data", "not_comparable", "undecided", "met")
    said = [f"{gates[state]:,} {gate_word(state)}" for state in order if gates.get(state)]
    return ", ".join(said) or ("none" if brief else "—")


def gate_word(state: str) -> str:
    """The state of a gate in words."""
    return state.replace("_", " ")


def items_words(run: Mapping[str, Any]) -> str:
    """Items, and answers to each where they are several; of a run without an end the answers so far."""
    brief = run["brief"]
    if not brief:
        total = run["answers_total"]
        return f"{run['answers_done']:,} / {fmt.count(total)}" if total else "—"
    return f"{brief['items']:,}" + (f"{TIMES}{brief['repeats']:,}" if brief["repeats"] > 1 else "")


def cost_words(run: Mapping[str, Any]) -> str:
    """What it cost, as far as it is known."""
    unknown = (run["brief"] or {}).get("unknown_cost") or 0
    if run["cost_usd"] is None:
        return "unknown"
    return f"{'≥ ' if unknown else ''}{fmt.money(run['cost_usd'])}"


def at(told: str) -> datetime:
    """A time of the API."""
    return fmt.aware(datetime.fromisoformat(told))


def share(run: Mapping[str, Any]) -> float:
    """How much of it is done, 0 to 1."""
    return min(1.0, run["answers_done"] / run["answers_total"]) if run["answers_total"] else 0.0


def progress(run: Mapping[str, Any]) -> str:
    """`120 of 400 answers, about 2 min left`."""
    if run["state"] == "waiting":
        return "It waits for a worker."
    total = run["answers_total"]
    said = f"{run['answers_done']:,} of {fmt.plural(total, 'answer')}" if total else "It begins"
    if run["state"] == "running" and run["seconds_left"] is not None:
        said += f", about {fmt.duration(max(run['seconds_left'], 1) // 1 * 1e9)} left"
    return said
