"""The dialog that orders an experiment: which suite or run, what is varied, and the arms that this makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from app import compare_controls, data, data_experiments, data_runs
from app import format as fmt

ROWS = 3
SHOWN = 12  # arms of a plan that are named
TOGETHER = 10  # runs that one comparison takes
EXAMPLES = {
    "model": "gpt-4o-mini, gpt-4o", "prompt": "1, 2 of the suite's prompt; or support@3", "temperature": "0, 0.7",
    "system": "Be brief., Be kind.", "top_p": "0.5, 1", "max_tokens": "100, 400", "dataset.version": "3, 4",
    "repeats": "1, 4", "seed": "1, 2", "url": "http://a/ask, http://b/ask",
}  # fmt: skip
"""What is varied most, each with values as they are typed."""
_KEY = "experiment-form"

Ordered = dict[str, Any]


@st.dialog("New experiment", width="large")
def dialog(suite: str | None = None) -> None:
    """Order one of a suite; null: one that is chosen here."""
    with st.skeleton(height=200):
        names = [one["name"] for one in data_runs.suites()["suites"]]
    if not names:
        st.info("There is no suite yet. Make one on Suites, or vary a file by `assay eval grid`.")
        return
    at = names.index(suite) if suite in names else None
    of = st.selectbox("Suite", names, index=at, key=f"{_KEY}-suite", placeholder="Choose a suite")
    told = _wanted(f"{_KEY}-new")
    _plan({"suite": of} | told if of else None, needed=True)


@st.dialog("Run again", width="large")
def rerun(run: Mapping[str, Any]) -> None:
    """Order a run once more, as it was or with something changed."""
    st.caption(
        "The same text, options, and versions of dataset and prompt. Leave all empty for an identical run, or name "
        "what changes, with several values to try several."
    )
    told = _wanted(f"{_KEY}-{run['run_id']}")
    _plan({"like": run["run_id"]} | told, needed=False)


def _wanted(key: str) -> Ordered:
    """What is varied and wanted, as it is typed; empty fields are left out."""
    over: dict[str, str] = {}
    for row in range(ROWS):
        left, right = st.columns((1, 2))
        shown: Literal["visible", "collapsed"] = "collapsed" if row else "visible"
        which = f" ({row + 1})" if row else ""
        path = left.selectbox(
            f"What varies{which}", list(EXAMPLES), index=None, key=f"{key}-path-{row}", accept_new_options=True,
            placeholder="model, prompt, temperature or a path", label_visibility=shown,
            help="A short name, a parameter of the model, or a path in the suite with dots",
        )  # fmt: skip
        values = right.text_input(
            f"Values, between commas{which}", key=f"{key}-values-{row}", label_visibility=shown,
            placeholder=EXAMPLES.get(str(path), "a, b"), disabled=path is None,
            help='A value with a comma: a JSON list, such as ["a, b", "c"]',
        )  # fmt: skip
        if path and values.strip():
            over[path] = values
    with st.expander("Name, repeats, items, budget"):
        name = st.text_input("Name", key=f"{key}-name", placeholder="of the suite and what is varied", max_chars=200)
        first, second, third = st.columns(3)
        repeats = first.number_input(
            "Answers to each item", 1, 100, None, key=f"{key}-repeats", placeholder="as it says"
        )
        sample = second.number_input("Items at most", 1, None, None, key=f"{key}-sample", placeholder="as it says")
        budget = third.number_input(
            "Budget of all runs, US dollars", 0.01, None, None, key=f"{key}-budget", placeholder="none",
            help="They run one after other; each may cost what the others left. A model without a known price is not "
            "asked where there is one",
        )  # fmt: skip
    found = {"name": name.strip() or None, "repeats": repeats, "sample": sample, "budget_usd": budget}
    return {"over": over} | {key: value for key, value in found.items() if value is not None}


def _plan(order: Ordered | None, *, needed: bool) -> None:
    """The arms that the order makes, and the button that has them run."""
    if order is None or (needed and not order["over"]):
        st.caption("Name what varies, and its values: every combination is one run, 50 at most.")
        st.button("Start", type="primary", key=f"{_KEY}-start", disabled=True)
        return
    try:
        plan = data_experiments.order(order | {"plan": True})
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 800), icon=":material/error:")
        st.button("Start", type="primary", key=f"{_KEY}-start", disabled=True)
        return
    arms = plan["runs"]
    st.markdown(_words(arms, varied=bool(order["over"])))
    if len(arms) > 1:
        more = f"\n… and {len(arms) - SHOWN:,} more" if len(arms) > SHOWN else ""
        st.text("\n".join(fmt.clip(one["name"], 110) for one in arms[:SHOWN]) + more)
    if st.button("Start", type="primary", key=f"{_KEY}-start", icon=":material/play_arrow:"):
        _start(order)
    st.caption("A worker carries them out, one after other; `assay up` runs one.")


def _words(arms: list[Ordered], *, varied: bool) -> str:
    if not varied:
        return "**One run**, as it was."
    many = f" Compare takes {TOGETHER} at once." if len(arms) > TOGETHER else ""
    return f"**{fmt.plural(len(arms), 'run')}**, named by what sets them apart.{many}"


def _start(order: Ordered) -> None:
    try:
        made = data_experiments.order(order)
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 800), icon=":material/error:")
        return
    count = fmt.plural(len(made["runs"]), "run")
    st.success(f"Ordered: {fmt.plain(made['name'], 100)}, {count}.", icon=":material/check:")
    if made["experiment_id"] is None:
        run_id = made["runs"][0]["run_id"]
        st.page_link(
            "views/runs.py", label="Open the run", icon=":material/arrow_forward:", query_params={"run": run_id}
        )
        if order.get("like"):
            st.page_link(
                compare_controls.PATH, label="Compare both, once it has ended", icon=":material/compare_arrows:",
                query_params=compare_controls.link([str(order["like"]), run_id]),
            )  # fmt: skip
        return
    st.page_link(
        "views/experiments.py", label="Open the experiment", icon=":material/arrow_forward:",
        query_params={"experiment": made["experiment_id"]},
    )  # fmt: skip
