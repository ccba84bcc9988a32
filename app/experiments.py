"""The list of experiments: what was varied, how far its runs are, what came of them, what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import compare_controls, data_experiments, experiment_form, listing, runs, widgets
from app import format as fmt
from app.listing import Cell, Column

Experiment = dict[str, Any]

PATH = "views/experiments.py"
CHOSEN, BEFORE = "experiment", "before"  # in the URL: which is open; the list's page
PAGE = 50
EVERY_S = 2
COMMAND = "assay eval grid SUITE.yaml --over model=A,B --over temperature=0,0.7"
TONES: Mapping[str, Any] = {"waiting": "gray", "running": "blue", "done": "green", "ended": "orange"}
_COUNTED = ("passed", "failed", "running", "waiting", "could_not_run", "cut_off", "cancelled")


def chosen() -> str:
    """The id of the experiment that the URL asks for; '': of none."""
    return str(st.query_params.get(CHOSEN) or "")


def overview() -> None:
    """One sentence, a way to order one, and the table; it refreshes itself while anything runs."""
    with st.skeleton(height=300):
        found = _ask()
    with st.container(horizontal=True, vertical_alignment="center"):
        said = st.empty()
        st.space("stretch")
        if st.button("New experiment", key="new-experiment", type="primary", icon=":material/add:"):
            experiment_form.dialog()
    if not found:
        _nothing()
        return
    moving = any(one["state"] in runs.OPEN for one in found)
    st.fragment(_list, run_every=EVERY_S if moving else None)(said, moving=moving)


def _ask() -> list[Experiment]:
    return data_experiments.experiments(before=st.query_params.get(BEFORE) or None, most=PAGE + 1)


def _nothing() -> None:
    def action() -> None:
        st.code(COMMAND, language="bash")
        st.page_link("views/suites.py", label="Suites", icon=":material/checklist:")

    if st.query_params.get(BEFORE):
        widgets.empty("Older experiments would be listed here.", "There is none.")
        return
    widgets.empty(
        "Experiments would be listed here: a suite run once for each model, prompt or parameter to be compared.",
        "None was ordered yet. New experiment orders one; so does the command line.",
        action,
    )


def _list(said: Any, *, moving: bool) -> None:
    found = _ask()
    if moving and not any(one["state"] in runs.OPEN for one in found):
        st.rerun()  # nothing is left to follow
    shown = found[:PAGE]
    said.markdown(finding(shown, more=len(found) > PAGE))
    listing.listing("experiments", "Experiments", COLUMNS, [_line(one) for one in shown])
    with st.container(horizontal=True, vertical_alignment="center"):
        newest = next((one for one in shown if len(one["compare"]) > 1), None)
        if newest is not None:
            st.page_link(
                compare_controls.PATH, label=f"Compare the arms of {fmt.plain(newest['name'], 60)}",
                icon=":material/compare_arrows:", query_params=compare_controls.link(newest["compare"]),
            )  # fmt: skip
        if len(found) > PAGE:
            st.page_link(
                PATH, label="Older experiments", icon=":material/arrow_forward:",
                query_params={BEFORE: str(shown[-1]["created_at"])},
            )  # fmt: skip
        st.caption(f"Times in {widgets.zone()}. Keys: j k move, Enter opens.")


def finding(found: Sequence[Experiment], *, more: bool) -> str:
    """How many there are, and how many go on: `3 experiments of 12 runs: 1 running`."""
    arms = sum(len(one["arms"]) for one in found)
    moving = sum(one["state"] in runs.OPEN for one in found)
    newest = "The newest " if more else ""
    said = f": {moving:,} not over yet" if moving else ""
    return f"{newest}{fmt.plural(len(found), 'experiment')} of {fmt.plural(arms, 'run')}{said}."


COLUMNS = (
    Column("Begun", "98px"),
    Column("Experiment", "minmax(180px, 1.6fr)", link=True),
    Column("Suite", "minmax(110px, 1fr)"),
    Column("State", "80px"),
    Column("Runs", "minmax(190px, 1.5fr)", help="Arms, by what came of them"),
    Column("Answers", "100px", "right"),
    Column("Cost", "92px", "right", "Of all runs. ≥: not all of it is known"),
    Column("From", "56px", help="app: ordered here; cli: the command line; pushed: by another harness"),
)


def _line(one: Experiment) -> listing.Row:
    begun, quiet = runs.at(one["created_at"]), one["cost_usd"] is None
    return listing.Row(
        path(one["experiment_id"]),
        [
            Cell(fmt.narrow(begun, widgets.zone(), datetime.now(UTC)), fmt.utc(begun)),
            Cell(fmt.clip(one["name"], 200), one["name"]),
            Cell(fmt.clip(one["suite"], 100)),
            Cell(one["state"], tone=TONES[one["state"]]),
            Cell(counts(one)),
            Cell(answers(one)),
            Cell(cost(one), quiet=quiet),
            Cell(one["source"], quiet=True),
        ],
    )  # fmt: skip


def counts(one: Mapping[str, Any]) -> str:
    """Its runs by what came of them: `4: 3 passed, 1 failed`."""
    order = {name: place for place, name in enumerate(_COUNTED)}
    said = [
        f"{n:,} {name.replace('_', ' ')}"
        for name, n in sorted(one["counts"].items(), key=lambda pair: order.get(pair[0], len(order)))
    ]
    return f"{len(one['arms']):,}: {', '.join(said)}" if said else "0"


def answers(one: Mapping[str, Any]) -> str:
    """Answers so far, and of how many where that is known and not reached."""
    done, total = one["answers_done"], one["answers_total"]
    return f"{done:,}" if total in {None, done} else f"{done:,} / {total:,}"


def cost(one: Mapping[str, Any]) -> str:
    """What is known of the cost of all of its runs."""
    known = one["cost_usd"]
    return fmt.UNKNOWN if known is None else f"{'≥ ' if one['cost_unknown'] else ''}{fmt.money(known)}"


def path(experiment_id: str) -> str:
    """A link to an experiment."""
    return f"experiments?{urlencode({CHOSEN: experiment_id})}"
