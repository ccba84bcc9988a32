"""Items into a queue: where they come from, how they are drawn, what that would put in; then it is done.

The dialogs of the queue's own page and of “Send to queue” elsewhere are the same, but for what is known already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from app import alert_actions, data, data_datasets, data_labels, data_queues, data_runs, queue_terms, queues, widgets
from app import format as fmt

Source = dict[str, Any]

USUAL, MOST = 50, 1_000
KINDS = {
    "filter": "traces",
    "score": "what evaluators scored", "disagreement": "where judges disagree", "run": "rows of a run",
    "dataset": "items of a dataset",
}  # fmt: skip
METHODS = {
    "random": "at random", "stratified": "at random, equally many of each", "informative": "the most informative",
    "weighted": "informative ones more often", "all": "all of them",
}  # fmt: skip
STRATA = ("model", "release", "service", "environment", "prompt", "variant")
SINCE = {
    "last day": timedelta(days=1),
    "last week": timedelta(weeks=1),
    "last 30 days": timedelta(days=30),
    "ever": None,
}
_DONE, _REFUSED, _LAST = "filling-done", "filling-refused", "filling-queue"  # session state
_BIASED = frozenset({"informative"})


def dialog(queue: Mapping[str, Any]) -> None:
    """Add items to a queue, from anywhere."""
    _begin()
    _of_queue(queue)


def send(source: Source, what: str, total: int) -> None:
    """Send what a page shows to a queue that is chosen in the dialog. `source`: of `POST /api/queues/{name}/fill`."""
    _begin()
    _of_page(source, what, total)


def _begin() -> None:
    for key in (_DONE, _REFUSED):
        st.session_state.pop(key, None)


@st.dialog("Add items", width="large", on_dismiss="rerun")  # the queue behind it has more items then
def _of_queue(queue: Mapping[str, Any]) -> None:
    if _followed():
        return
    name, offered = str(queue["name"]), sources(queue)
    kind = str(
        st.segmented_control(
            "From", offered, default=offered[0], required=True, key=f"filling-kind-{len(offered)}",
            format_func=KINDS.__getitem__,
        )
    )  # fmt: skip
    try:
        source, problem = _SOURCES[kind](queue)
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    source |= {"sample": _sample(kind not in {"run", "dataset"}, USUAL)}
    _go(name, source, problem)


@st.dialog("Send to a queue", width="large")
def _of_page(source: Source, what: str, total: int) -> None:
    if _followed():
        return
    st.markdown(fmt.plain(f"{what}.", 400))
    name = _queue_named(source)
    if name is None:
        return
    told = dict(source)
    if total > 1:
        traffic = source["kind"] in {"filter", "score", "disagreement"}
        told["sample"] = (
            _sample(traffic, min(USUAL, total)) if source["kind"] != "targets" else {"method": "all", "most": MOST}
        )
    _go(name, told, "")


def sources(queue: Mapping[str, Any]) -> list[str]:
    """Where its items may come from: what compares answers takes those of several runs."""
    return ["run"] if compares(queue) else list(KINDS)


def compares(queue: Mapping[str, Any]) -> bool:
    """Whether it asks which of several answers is better."""
    return any(one["kind"] in {"preference", "ranking"} for one in queue["terms"]["fields"])


def fitting(found: Sequence[Mapping[str, Any]], source: Mapping[str, Any]) -> list[str]:
    """Names of the open queues that take what this source gives: one answer an item, or several."""
    several = bool(source.get("compare"))
    return [str(one["name"]) for one in found if one["open"] and compares(one) == several]


def _queue_named(source: Mapping[str, Any]) -> str | None:
    """The queue that is chosen; null: there is none yet."""
    try:
        known = fitting(data_queues.queues(), source)
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return None
    if not known:
        asks = "which answer is better" if source.get("compare") else "something of one answer"
        st.caption(f"No queue is open that asks {asks}. Make one first: it says what to ask of each item.")
        st.page_link(queues.PATH, label="New queue", icon=":material/add:", query_params={queues.MAKE: "1"})
        return None
    last = st.session_state.get(_LAST)
    name = st.selectbox("Queue", known, known.index(last) if last in known else 0, key="filling-queue-name")
    return str(name)


def _since(key: str) -> str | None:
    told = str(st.selectbox("Of the", list(SINCE), 1, key=key, width=150))
    length = SINCE[told]
    # Whole minutes: each run of the dialog would ask something else.
    return None if length is None else (datetime.now(UTC).replace(second=0, microsecond=0) - length).isoformat()


def _matching(key: str) -> tuple[Source, str]:
    """Filter and window of traffic."""
    typed = st.text_area(
        "Traces that match, `name = value` a line", key=f"{key}-filter", height=70, placeholder="service = shop",
        help="As the filters of Traces: service, environment, model, status, variant, prompt, tag, user_id, text, ...",
    )  # fmt: skip
    since = _since(f"{key}-since")
    try:
        return {"filter": queue_terms.of_lines(str(typed or "")), "since": since}, ""
    except ValueError as error:
        return {"filter": {}, "since": since}, str(error)


def _of_traces(_: Mapping[str, Any]) -> tuple[Source, str]:
    units = {"trace": "each trace", "call": "each model call", "session": "each session"}
    unit = st.segmented_control(
        "An item of", list(units), default="trace", required=True, key="filling-unit", format_func=units.__getitem__
    )
    matching, problem = _matching("filling")
    return {"kind": "filter", "unit": str(unit), **matching}, problem


def _of_scores(_: Mapping[str, Any]) -> tuple[Source, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        score = st.selectbox("Score", data_labels.names(), index=None, key="filling-score", width=220)
        failed = st.checkbox("That failed", key="filling-failed")
        below = st.number_input("below", value=None, key="filling-below", format="%g", width=100, disabled=failed)
        above = st.number_input("above", value=None, key="filling-above", format="%g", width=100, disabled=failed)
    matching, problem = _matching("filling")
    source = {"kind": "score", "score": score, "failed": failed, "below": None if failed else below,
              "above": None if failed else above, **matching}  # fmt: skip
    return source, problem or ("" if score else "Choose a score.")


def _of_disagreement(_: Mapping[str, Any]) -> tuple[Source, str]:
    scores = st.multiselect("Scores", data_labels.names(), key="filling-scores", max_selections=20)
    matching, problem = _matching("filling")
    return {"kind": "disagreement", "scores": scores, **matching}, problem or ("" if scores else "Choose scores.")


def _of_run(queue: Mapping[str, Any]) -> tuple[Source, str]:
    found = {str(one["run_id"]): one for one in data_runs.runs()}
    several = compares(queue)
    chosen = st.multiselect(
        "Runs, whose answers are compared" if several else "Run", list(found), key=f"filling-runs-{several}",
        max_selections=8 if several else 1, format_func=lambda one: _run(found[one]),
    )  # fmt: skip
    rows = {"failing": st.checkbox("Only rows that failed or do not pass", key="filling-failing")}
    source: Source = {"kind": "run", "rows": rows}
    if several:
        return source | {"compare": chosen}, "" if len(chosen) > 1 else "Choose two runs or more."
    return source | {"run": chosen[0] if chosen else None}, "" if chosen else "Choose a run."


def _run(one: Mapping[str, Any]) -> str:
    return fmt.clip(f"{one['suite']}, {widgets.when(str(one['started_at']))}", 80)


def _of_dataset(queue: Mapping[str, Any]) -> tuple[Source, str]:
    names = [str(one["name"]) for one in data_datasets.datasets()]
    name = st.selectbox("Dataset", names, index=None, key="filling-dataset")
    gold = st.selectbox(
        "Field whose right answer is the item's reference", [str(one["name"]) for one in queue["terms"]["fields"]],
        index=None, key="filling-gold", placeholder="none: no gold items",
        help="Such items are gold: mixed in, and held against what people say.",
    )  # fmt: skip
    source: Source = {"kind": "dataset", "name": name, "gold_field": gold}
    return source, "" if name else "Choose a dataset."


_SOURCES: Mapping[str, Any] = {
    "filter": _of_traces, "score": _of_scores, "disagreement": _of_disagreement, "run": _of_run, "dataset": _of_dataset,
}  # fmt: skip


def _sample(traffic: bool, usual: int) -> Source:
    """How many are drawn, and how."""
    offered = [one for one in METHODS if traffic or one in {"random", "all"}]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = str(st.selectbox("Drawn", offered, key="filling-method", format_func=METHODS.__getitem__, width=260))
        most = int(st.number_input("Items at most", 1, MOST, max(1, min(usual, MOST)), key="filling-most", width=130))
        told: Source = {"method": method, "most": most}
        if method == "stratified":
            told["by"] = st.selectbox("By", STRATA, key="filling-by", width=150)
    if method in {"informative", "weighted"}:
        scores = st.multiselect(
            "Judges' scores", data_labels.names(), key="filling-judges", placeholder="those of the queue's fields"
        )
        told["scores"] = scores
    if method in _BIASED:
        st.caption(
            "These are where judges are unsure or differ, and texts that are unlike the others. They find faults fast, "
            "and tell no rates: calibration cards leave them out."
        )
    return told


def _go(name: str, source: Source, problem: str) -> None:
    """What it would put in, who does it, and the button."""
    if problem:
        st.caption(fmt.plain(problem, 300))
        return
    try:
        told = widgets.patiently(
            st.container(), "Reading what is stored", lambda: data_queues.fill(name, source, "", dry_run=True)
        )
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.markdown(fmt.plain(told["sentence"], 600))
    _samples(told["samples"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        author = alert_actions.author_field()
        st.button(
            "Add", type="primary", key="filling-go", icon=":material/add:", on_click=_add, args=(name, source, author),
            disabled=not author or not told["chosen"],
        )  # fmt: skip
    if said := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(said, 600), icon=":material/error:")


def _samples(found: Sequence[Mapping[str, Any]]) -> None:
    if found:
        frame = pd.DataFrame([{"Asks": one["title"], "Why": one["why"]} for one in found])
        st.dataframe(frame, hide_index=True, height="content")


def _add(name: str, source: Source, author: str) -> None:
    if _DONE in st.session_state:  # a second click, which would draw others
        return
    try:
        told = data_queues.fill(name, source, author, dry_run=False)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state[_LAST] = name
    st.session_state[_DONE] = (name, str(told["sentence"]))


def _followed() -> bool:
    """Says what was put in, once it was."""
    if done := st.session_state.get(_DONE):
        name, sentence = done
        st.success(fmt.plain(sentence, 600), icon=":material/check:")
        with st.container(horizontal=True):
            st.page_link(queues.PATH, label=f"Open {fmt.plain(name, 80)}", icon=":material/checklist:",
                         query_params={queues.CHOSEN: name})  # fmt: skip
            st.page_link(
                queues.LABELLING, label="Label", icon=":material/edit_note:", query_params={queues.CHOSEN: name}
            )
    return bool(done)
