"""One experiment: its arms with what came of each, the way to their comparison, what can be done with all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import compare_controls, data, data_experiments, experiments, listing, run, runs, widgets
from app import format as fmt
from app.experiments import Experiment
from app.listing import Cell, Column

FAULTS = 5  # that are told
TOGETHER = 10  # runs that one comparison takes
_SAID = "experiment-said"  # session state: what an action said


def page(experiment_id: str) -> None:
    """The experiment; while it goes on it refreshes itself."""
    try:
        with st.skeleton(height=400):
            told = data_experiments.experiment(experiment_id)
    except data.ApiError as error:
        if error.status not in {404, 422}:
            raise
        _head(None)
        what = f"There is none of the id {fmt.plain(experiment_id, 60)} in this project."
        widgets.empty("An experiment would be here.", what)
        return
    _head(told)
    moving = told["state"] in runs.OPEN
    st.fragment(_body, run_every=runs.EVERY_S if moving else None)(experiment_id, moving=moving)


def _head(told: Experiment | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if told is not None:
            st.subheader(fmt.plain(told["name"], 100), anchor=False, width="content")
            st.badge(told["state"], color=experiments.TONES[told["state"]])
        st.space("stretch")
        if told is not None:
            _actions(told)
            if len(told["compare"]) > 1:
                st.page_link(
                    compare_controls.PATH, label="Compare arms", icon=":material/compare_arrows:",
                    query_params=compare_controls.link(told["compare"]),
                )  # fmt: skip
        st.page_link(experiments.PATH, label="All experiments", icon=":material/arrow_back:")
    if told is not None:
        st.caption(_begun(told))
    if said := st.session_state.pop(_SAID, None):
        words, link = said
        st.info(fmt.plain(words, 600), icon=":material/info:")
        if link is not None:
            query = {experiments.CHOSEN: link}
            st.page_link(experiments.PATH, label="Open it", icon=":material/arrow_forward:", query_params=query)


def _begun(told: Experiment) -> str:
    by = f" by {fmt.plain(told['author'], 60)}" if told["author"] else ""
    begun = f"{fmt.moment(runs.at(told['created_at']), widgets.zone())} {widgets.zone()}"
    budget = f"; budget of all runs {fmt.money(told['budget_usd'])}" if told["budget_usd"] else ""
    return f"Suite {fmt.plain(told['suite'], 100)}; {begun}, {run.SOURCES[told['source']]}{by}{budget}"


def _actions(told: Experiment) -> None:
    key = told["experiment_id"]
    if told["source"] == "app" and told["state"] in runs.OPEN:
        st.button("Cancel all", key="cancel-all", icon=":material/stop:", on_click=_cancel, args=(key,),
                  help="What was answered is kept")  # fmt: skip
    elif told["source"] != "pushed" and told["arms"]:
        st.button("Run again", key="again-all", icon=":material/replay:", on_click=_again, args=(key,),
                  help="The same arms as a new experiment: the same texts, options and versions")  # fmt: skip
    if told["state"] not in runs.OPEN and st.button("Delete", key="delete-experiment", icon=":material/delete:"):
        _delete(told)


def _cancel(experiment_id: str) -> None:
    try:
        data_experiments.cancel(experiment_id)
    except data.ApiError as error:
        st.session_state[_SAID] = (str(error), None)


def _again(experiment_id: str) -> None:
    try:
        made = data_experiments.again(experiment_id)
    except data.ApiError as error:
        st.session_state[_SAID] = (str(error), None)
        return
    what = f"Ordered again: {fmt.plural(len(made['runs']), 'run')}."
    st.session_state[_SAID] = (what, made["experiment_id"])


@st.dialog("Delete this experiment")
def _delete(told: Experiment) -> None:
    count = fmt.plural(len(told["arms"]), "run")
    st.markdown(f"{fmt.plain(told['name'])} is forgotten for everyone, with its {count} and their rows.")
    if st.button("Delete it", key="delete-it", type="primary"):
        try:
            data_experiments.forget(told["experiment_id"])
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.query_params.pop(experiments.CHOSEN, None)
        st.rerun()


def _body(experiment_id: str, *, moving: bool) -> None:
    told = data_experiments.experiment(experiment_id)
    if moving and told["state"] not in runs.OPEN:
        st.rerun()  # nothing is left to follow
    st.markdown(finding(told))
    if moving:
        _moving(told)
    arms = told["arms"]
    if not arms:
        widgets.empty("Its runs would be listed here.", "They were deleted, or none was told yet.")
        return
    names = list(dict.fromkeys(one["name"] for arm in arms for one in (arm["brief"] or {}).get("values", [])))[:2]
    listing.listing("arms", "Arms", _columns(names), [_line(arm, names) for arm in arms])
    _faults(arms)
    st.caption(_aside(told))


def _faults(arms: Sequence[Mapping[str, Any]]) -> None:
    """Why arms could not be run, or failed without a gate that says so; those of one reason together."""
    found: dict[tuple[str, str], list[str]] = {}
    for arm in arms:
        if told := fault(arm):
            found.setdefault(told, []).append(str(arm["name"]))
    for (what, why), names in list(found.items())[:FAULTS]:
        who = names[0] if len(names) == 1 else fmt.plural(len(names), "arm")
        st.error(f"**{fmt.plain(who, 100)}** {what}.", icon=":material/error:")
        st.text(fmt.clip(why, 600))


def fault(arm: Mapping[str, Any]) -> tuple[str, str] | None:
    """What befell an arm, and why; null: nothing, or its gates tell it."""
    brief = arm["brief"] or {}
    if arm["fault"]:
        return "could not be run", str(arm["fault"])
    if arm["outcome"] == "failed" and not brief.get("failing"):
        return "failed", str(brief.get("sentence") or "It tells no reason.")
    return None


def finding(told: Mapping[str, Any]) -> str:
    """What came of the arms, in a sentence, such as `Of 4 arms: 3 passed, 1 failed. Cost $0.12`."""
    cost = "" if told["cost_usd"] is None else f" Cost {experiments.cost(told)}."
    of, _, said = experiments.counts(told).partition(": ")
    return f"Of {of} {'arm' if of == '1' else 'arms'}: {said}.{cost}" if said else "It has no runs."


def _moving(told: Experiment) -> None:
    done, total = told["answers_done"], told["answers_total"]
    ended = sum(one["state"] not in runs.OPEN for one in told["arms"])
    if total:
        st.progress(min(1.0, done / total), f"{done:,} of {fmt.plural(total, 'answer')}")
    else:
        st.progress(ended / len(told["arms"]), f"{ended:,} of {fmt.plural(len(told['arms']), 'arm')} over")
    for one in told["arms"]:
        if one["state"] == "running":
            run.moving(one)


def _columns(names: Sequence[str]) -> list[Column]:
    return [
        Column("Arm", "minmax(180px, 2fr)", link=True),
        Column("Outcome", "86px"),
        *(Column(fmt.clip(name, 30), "minmax(122px, 1fr)", "right", "With its 95% interval") for name in names),
        Column("Gates", "minmax(84px, 1fr)"),
        Column("p95", "66px", "right", "Latency of an answer"),
        Column("Items", "72px", "right", "Items, and how many answers each got"),
        Column("Cost", "84px", "right", "≥: some answers do not tell theirs"),
    ]


def _line(arm: Mapping[str, Any], names: Sequence[str]) -> listing.Row:
    brief = arm["brief"] or {}
    values = {one["name"]: one for one in brief.get("values", [])}
    p95 = brief.get("p95_ms")
    return listing.Row(
        runs.path(arm["run_id"]),
        [
            Cell(fmt.clip(arm["name"], 200), arm["name"]),
            Cell(runs.word(arm), tone=runs.TONES[runs.word(arm)]),
            *(Cell(value(values.get(name)), quiet=name not in values) for name in names),
            Cell(runs.gates_words(brief), ", ".join(brief.get("failing", [])), quiet=not brief.get("gates")),
            Cell("—" if p95 is None else fmt.duration(p95 * 1e6), quiet=p95 is None),
            Cell(runs.items_words(arm)),
            Cell(_cost(arm), quiet=arm["cost_usd"] is None),
        ],
    )  # fmt: skip


def _cost(arm: Mapping[str, Any]) -> str:
    return "—" if arm["cost_usd"] is None and arm["state"] in runs.OPEN else runs.cost_words(arm)


def value(told: Mapping[str, Any] | None) -> str:
    """What an evaluator came to, with its interval: `83.3 % (55 to 95)`; null: `—`."""
    if told is None or (known := fmt.finite(told["value"])) is None:
        return "—"
    scale, unit = (100, " %") if told["measure"] == "pass_rate" else (1, "")
    low, high = (fmt.finite(told[key]) for key in ("low", "high"))
    reach = "" if low is None or high is None else f" ({fmt.digits(low * scale, 2)} to {fmt.digits(high * scale, 2)})"
    return f"{fmt.digits(known * scale)}{unit}{reach}"


def _aside(told: Experiment) -> str:
    said = [f"Times in {widgets.zone()}. Keys: j k move, Enter opens."]
    if len(told["arms"]) > TOGETHER:
        said.insert(0, f"Compare takes {TOGETHER} runs at once: the first {TOGETHER} that ended.")
    if told["like_run"]:
        said.insert(0, "It varies a run, which Compare takes for the baseline.")
    return " ".join(said)
