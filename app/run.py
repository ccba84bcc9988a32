"""One run: what came of it first, then its gates, distributions, rows, cost, and what it was made from."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pandas as pd
import streamlit as st

from app import (
    compare_controls,
    compare_tabs,
    data,
    data_runs,
    experiment_form,
    run_evaluators,
    run_gates,
    run_manifest,
    run_measures,
    run_rows,
    runs,
    widgets,
)
from app import format as fmt
from app.runs import Run

SOURCES = {"app": "ordered here", "cli": "from the command line", "pushed": "pushed by another harness"}
_ALONE_S = 10.0  # a worker looks for something to do every five seconds
_WORDS = {"done": "", "cut_off": "It was cut off before its end.", "cancelled": "It was cancelled before its end."}


def page(run_id: str) -> None:
    """The run whole, or one item of it; while it goes on, how far it is."""
    try:
        with st.skeleton(height=400):
            told = data_runs.run(run_id)
    except data.ApiError as error:
        if error.status not in {404, 422}:
            raise
        _head(None)
        widgets.empty("A run would be here.", f"There is none of the id {fmt.plain(run_id, 60)} in this project.")
        return
    if told["summary"] is not None and (item := run_rows.chosen()):
        run_rows.item(told, item)
        return
    _head(told)
    if told["state"] in runs.OPEN:
        st.fragment(_follow, run_every=runs.EVERY_S)(run_id)
    elif told["state"] != "done":
        _stopped(told)
    if told["summary"] is not None:
        _came_of_it(told)
    elif told["manifest"] is not None:
        run_manifest.section(told)


def _head(told: Run | None) -> None:
    """Suite, outcome, when; the way back, and what can be done."""
    known = {*runs.FILTERS, runs.BEFORE}
    kept = {key: value for key, value in parse_qsl(st.query_params.get("back", "")) if key in known}
    with st.container(horizontal=True, vertical_alignment="center"):
        if told is not None:
            st.subheader(fmt.plain(told["suite"], 80), anchor=False, width="content")
            st.badge(runs.word(told), color=runs.TONES[runs.word(told)])
            st.caption(_begun(told), width="content")
        st.space("stretch")
        if told is not None:
            _actions(told)
            _compared(told)
        st.page_link("views/runs.py", label="All runs", icon=":material/arrow_back:", query_params=kept)
    if told is not None and told["experiment_id"]:
        _arm(told)


def _arm(told: Run) -> None:
    """What it varies, and the way to the other arms."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Arm {fmt.plain(runs.arm_words(told['arm'] or {}) or 'without a value', 200)}", width="content")
        st.page_link(
            "views/experiments.py", label="Its experiment", icon=":material/grid_on:",
            query_params={"experiment": told["experiment_id"]},
        )  # fmt: skip


def _begun(told: Run) -> str:
    begun = runs.at(told["started_at"] or told["created_at"])
    by = f" by {fmt.plain(told['author'], 60)}" if told["author"] else ""
    how = SOURCES[told["source"]]
    return f"{fmt.moment(begun, widgets.zone())} {widgets.zone()}, {how}{by}"


def _actions(told: Run) -> None:
    if told["source"] == "app" and told["state"] not in runs.OPEN and _lacks(told):
        st.button(
            "Rerun failed", key="again", icon=":material/replay:", on_click=_again, args=(told,),
            help="Asks again for what failed or was not done; all else is kept",
        )  # fmt: skip
    if (
        told["document"]
        and told["state"] not in runs.OPEN
        and st.button(
            "Run again", key="run-again", icon=":material/restart_alt:", help="As it was, or with something changed"
        )
    ):
        experiment_form.rerun(told)
    with st.popover("More", icon=":material/more_horiz:", key="run-more", on_change="rerun") as more:
        if more.open:
            _more(told)
    if refused := st.session_state.pop("run-refused", None):
        st.toast(fmt.plain(refused, 300), icon=":material/error:")


def _compared(told: Run) -> None:
    """The way to the comparison with the baseline of its gates, or with any other run."""
    if told["summary"] is None:
        return
    baseline = (told["summary"]["baseline"] or {}).get("run_id")
    ids = [told["run_id"]] if baseline is None else [str(baseline), told["run_id"]]
    st.page_link(
        compare_controls.PATH, label="Compare" if baseline is None else "Compare with baseline",
        icon=":material/compare_arrows:", query_params=compare_controls.link(ids),
    )  # fmt: skip
    st.page_link(
        compare_tabs.PLANNER, label="Plan the next run", icon=":material/straighten:",
        query_params=compare_controls.link(ids), help="How many items it takes, by what this run tells",
    )  # fmt: skip


def _lacks(told: Run) -> bool:
    """Whether anything failed or was not done."""
    summary = told["summary"]
    if told["state"] != "done" or summary is None:
        return True
    return bool(summary["failed_answers"]) or any(one["errors"] for one in summary["evaluators"])


def _more(told: Run) -> None:
    """What is needed seldom. The texts are fetched when somebody wants them."""
    if told["summary"] is not None:
        for label, name, mime, ask in (
            ("results.jsonl", "results.jsonl", "application/x-ndjson", data_runs.results),
            ("report.html", "report.html", "text/html", data_runs.report),
        ):
            st.download_button(
                label, data.later(lambda ask=ask: ask(told)), f"{told['suite']}-{told['run_id'][:8]}-{name}", mime,  # type: ignore[misc]  # default binds the loop variable
                key=f"get-{name}", icon=":material/download:", on_click="ignore", width="stretch",
            )  # fmt: skip
    if told["state"] != "running":
        st.button("Delete", key="delete-run", icon=":material/delete:", on_click=_ask_delete, width="stretch")
    if st.session_state.pop("deleting-run", False):
        _delete(told)
    st.caption(f"Run {told['run_id']}")


def _ask_delete() -> None:
    st.session_state["deleting-run"] = True


@st.dialog("Delete this run")
def _delete(told: Run) -> None:
    st.markdown(
        f"The run of {fmt.plain(told['suite'])} and its rows are forgotten for everyone. Its folder stays where it was "
        "run."
    )
    if st.button("Delete it", key="delete-it", type="primary"):
        try:
            data_runs.forget(told["run_id"])
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.query_params.pop(runs.CHOSEN, None)
        st.rerun()


def _again(told: Run) -> None:
    wish = told["wish"] or {}
    kept = {name: wish[name] for name in ("repeats", "sample", "concurrency", "budget_usd", "baseline") if name in wish}
    try:
        data_runs.order(told["suite"], kept | {"again": told["run_id"]})
    except data.ApiError as error:
        st.session_state["run-refused"] = str(error)


def _follow(run_id: str) -> None:
    """How far the run is; the page is drawn anew once it is over."""
    told = data_runs.run(run_id)
    if told["state"] not in runs.OPEN:
        st.rerun()
    moving(told)


def moving(told: Run) -> None:
    """A run that waits or goes on: how far it is, what it cost so far, a way to end it."""
    with st.container(border=True, gap="small", key=f"moving-{told['run_id']}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(runs.share(told), fmt.plain(runs.progress(told), 200))
            if told["source"] == "app" and st.button(
                "Cancel", key=f"cancel-{told['run_id']}", help="What was answered is kept"
            ):
                _cancel(told)
        said = [] if not told["cost_usd"] else [f"cost so far {fmt.money(told['cost_usd'])}"]
        waits = (pd.Timestamp.now("UTC") - runs.at(told["created_at"])).total_seconds()
        if told["state"] == "waiting" and waits > _ALONE_S:
            said.append("no worker has taken it yet: `assay up` runs one, `assay worker` another")
        st.caption(fmt.plain("; ".join(said), 300) or "Rows appear once it has ended.")


def _cancel(told: Run) -> None:
    try:
        data_runs.cancel(told["run_id"])
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.rerun()


def _stopped(told: Run) -> None:
    """Why there is no end, and how to come to one."""
    if told["state"] == "failed":
        st.error("**The run could not be carried out.**", icon=":material/error:")
        for line in str(told["fault"] or "Nobody said why.").splitlines():
            st.text(fmt.clip(line, 400))
    else:
        st.warning(_WORDS[told["state"]], icon=":material/warning:")
    way = {
        "app": "“Rerun failed” goes on with it.", "cli": "The same command goes on with it.",
        "pushed": "Push it again.",
    }[told["source"]]  # fmt: skip
    far = f"{runs.progress(told)}. " if told["answers_total"] else ""
    st.caption(f"{far}What was answered is kept. {way}")


def _came_of_it(told: Run) -> None:
    summary = told["summary"]
    for place, sentence in enumerate(summary["sentences"]):
        st.markdown(f"**{fmt.plain(sentence, 500)}**" if not place else fmt.plain(sentence, 500))
    widgets.tiles(*run_measures.tiles(summary))
    run_gates.section(summary)
    run_manifest.against(told)
    run_evaluators.section(told, summary)
    run_rows.section(told)
    with st.container(gap="small"):
        run_evaluators.flaky(told, summary)
        run_measures.table(summary)
        run_manifest.section(told)
