"""“Add to dataset” on the pages Traces and Trace: traces become items. Parts of the dialog are Compare's too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import data, data_datasets, datasets, selection, state, widgets
from app import format as fmt

Row = dict[str, Any]

USUAL, MOST = 200, 2_000  # traces of one addition
# Session state; the last is the dataset that was added to last.
_DONE, _REFUSED, _LAST = "adding-done", "adding-refused", "adding-last"
_ANSWERS = {"answer": "a recorded answer", "reference": "the reference", "nothing": "nothing; only what was asked"}
_UNITS = {"trace": "each trace", "call": "each model call"}
_SAME = {"skip": "leave them out", "keep": "add them all the same"}


def button(window: state.Window, params: Mapping[str, Any], total: int, picked: list[str]) -> None:
    """On the list: the traces that are selected, else all as they are filtered."""
    if st.button(selection.label("Add to dataset", picked), key="add-to-dataset", icon=":material/dataset:"):
        begin()
        if picked:
            what = fmt.plural(len(picked), f"{selection.word(picked)} trace")
            _dialog({"targets": selection.targets(picked)}, what, len(picked))
            return
        _dialog({"filter": state.kept(params)}, f"{fmt.plural(total, 'trace')} of {window.words}", total)


def button_of(trace_id: str, span_id: str | None = None) -> None:
    """On one trace: it, or its span."""
    if st.button("Add to dataset", key="add-to-dataset", icon=":material/dataset:"):
        begin()
        target = {"trace_id": trace_id.replace("-", ""), "span_id": span_id}
        _dialog({"targets": [target]}, "This trace" if span_id is None else "This span", 1)


def button_of_these(traces: Sequence[str], picked: Sequence[str]) -> None:
    """On a list of some traces: those that are selected (`picked`), else all of them."""
    if st.button(selection.label("Add to dataset", list(picked)), key="add-to-dataset", icon=":material/dataset:"):
        begin()
        what = fmt.plural(len(traces), "selected trace" if picked else "trace")
        _dialog({"targets": selection.targets(traces)}, what, len(traces))


def begin() -> None:
    """Forget what became of the last addition."""
    for key in (_DONE, _REFUSED):
        st.session_state.pop(key, None)


@st.dialog("Add to a dataset", width="large")
def _dialog(which: Mapping[str, Any], what: str, total: int) -> None:
    """Which dataset, what becomes of the answer; what would be; then it is done."""
    if followed():
        return
    st.markdown(f"{what}.")
    name = dataset_named()
    if name is None:
        return
    wanted = dict(which) | _how("filter" in which, total)
    told = _preview(name, wanted)
    if told is None:
        return
    st.button(
        "Add", key="adding-go", type="primary", disabled=not told["items"], on_click=_add, args=(name, wanted)
    )  # fmt: skip
    refusal()


def dataset_named() -> str | None:
    """The dataset that is chosen, or a name for a new one; null: none yet, and it says why."""
    try:
        known = choices(data_datasets.datasets())
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return None
    last = st.session_state.get(_LAST)
    name = st.selectbox(
        "Dataset", known, index=known.index(last) if last in known else None, key="adding-dataset",
        accept_new_options=True, placeholder="Choose one, or type the name of a new one",
    )  # fmt: skip
    if not name:
        st.caption("Choose a dataset, or type a name to make one.")
        return None
    if name not in known and (problem := datasets.name_problem(str(name), known)):
        st.caption(problem)
        return None
    return str(name)


def refuse(why: str) -> None:
    """Keep why nothing was added, for the dialog."""
    st.session_state[_REFUSED] = why


def refusal() -> None:
    """Say it once."""
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")


def done(name: str, version: Row | None, items: int) -> None:
    """Keep what was added, for the dialog; `version`: the new one, null: nothing changed."""
    st.session_state[_LAST] = name
    st.session_state[_DONE] = {"name": name, "version": version, "items": items}


def followed() -> bool:
    """Says what was added, once it was."""
    told = st.session_state.get(_DONE)
    if told:
        _follow(told)
    return bool(told)


def _how(of_list: bool, total: int) -> Row:
    told: Row = {}
    if of_list:
        left, right = st.columns(2)
        told["unit"] = left.segmented_control(
            "An item of",
            list(_UNITS),
            default="trace",
            required=True,
            format_func=_UNITS.__getitem__,
            key="adding-unit",
        )
        told["most"] = int(
            right.number_input(
                f"Traces at most, the newest first (up to {MOST:,})",
                1,
                MOST,
                max(1, min(USUAL, total)),
                key="adding-most",
            )
        )
    left, right = st.columns(2)
    told["answer_as"] = left.selectbox(
        "The answer becomes", list(_ANSWERS), format_func=_ANSWERS.__getitem__, key="adding-answer"
    )
    told["duplicates"] = right.selectbox(
        "Those that ask what an item asks", list(_SAME), format_func=_SAME.__getitem__, key="adding-same"
    )
    tags = left.text_input("Tags", key="adding-tags", placeholder="a, b")
    told["note"] = right.text_input("Note", "Added from traces.", key="adding-note")
    told["tags"] = [tag.strip() for tag in tags.split(",") if tag.strip()]
    return told


def _preview(name: str, wanted: Mapping[str, Any]) -> Row | None:
    """What would be added; null: it could not be asked, and it says why."""
    try:
        told = widgets.patiently(
            st.container(),
            "Reading the traces",
            lambda: data_datasets.from_traces(name, dict(wanted) | {"dry_run": True}),
        )
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return None
    st.markdown(fmt.plain(sentence(told), 400))
    if told["samples"]:
        frame = pd.DataFrame([{"Asks": one["asked"], "Answer": one["answer"]} for one in told["samples"]])
        st.dataframe(frame, hide_index=True, height="content")
    return told


def sentence(told: Mapping[str, Any]) -> str:
    """What `Add` would do: `Would add 40 items of 52 traces; 10 are there already`."""
    said = f"Would add {fmt.plural(told['items'], 'item')} of {fmt.plural(told['traces'], 'trace')}"
    if told["matching"] > told["traces"]:
        said += f", the newest of {told['matching']:,}"
    more = [
        *([fmt.plural(told["there"], "is there already", "are there already")] if told["there"] else []),
        *([fmt.plural(told["same"], "asks what an item asks", "ask what an item asks")] if told["same"] else []),
        *([f"{told['nothing_asked']:,} without a recorded question"] if told["nothing_asked"] else []),
    ]
    return f"{said}{'; ' if more else ''}{', '.join(more)}."


def _add(name: str, wanted: Mapping[str, Any]) -> None:
    try:
        told = data_datasets.from_traces(name, wanted)
    except data.ApiError as error:
        refuse(str(error))
        return
    done(name, told["version"], told["items"])


def _follow(done: Mapping[str, Any]) -> None:
    version = done["version"]
    words = "Nothing was added: all of it is there." if version is None else (
        f"Added {fmt.plural(done['items'], 'item')} as version {version['version']:,}."
    )  # fmt: skip
    st.success(words, icon=":material/check:")
    st.page_link(
        "views/datasets.py", label=f"Open {fmt.plain(done['name'], 80)}", icon=":material/dataset:",
        query_params={datasets.CHOSEN: done["name"]},
    )  # fmt: skip


def choices(found: Sequence[Row]) -> list[str]:
    """Names of datasets, those that were changed last first."""
    newest = sorted(found, key=lambda one: str((one["newest"] or one).get("made_at", one["created_at"])), reverse=True)
    return [one["name"] for one in newest]
