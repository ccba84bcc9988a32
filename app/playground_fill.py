"""What the playground's draft is made of: shown in a line, loaded from a stored prompt, an item or a trace."""

from __future__ import annotations

import streamlit as st

from app import (
    data_datasets,
    data_prompts,
    dataset_item,
    datasets,
    playground_draft,
    playground_sources,
    playground_texts,
    prompts,
    state,
    widgets,
)
from app import format as fmt

_ITEMS = 30  # that a search offers
_TAKE, _FILL = "Its messages become the prompt", "It fills the variables"


def sources() -> None:
    """A line on what the draft was made of; what could not be loaded; the draft that was replaced."""
    held = playground_draft.draft()
    for said in playground_sources.failed():
        st.error(fmt.plain(f"It was not loaded: {said}", 600), icon=":material/error:")
    if (
        not any(held[name] for name in ("prompt", "trace", "item", "notes"))
        and playground_sources.BEFORE not in st.session_state
    ):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if prompt := held["prompt"]:
            changed = ", changed" if playground_draft.content() != held["loaded"] else ""
            st.page_link(
                prompts.PATH, label=fmt.plain(f"Prompt {prompt['name']}, version {prompt['version']}{changed}", 160),
                icon=":material/chat:", query_params={prompts.CHOSEN: prompt["name"]},
            )  # fmt: skip
        if item := held["item"]:
            st.page_link(
                "views/datasets.py", label=fmt.plain(f"Item {item['item']} of {item['dataset']}", 120),
                icon=":material/dataset:", query_params={datasets.CHOSEN: item["dataset"], datasets.ITEM: item["item"]},
            )  # fmt: skip
        if trace := held["trace"]:
            st.page_link(
                "views/trace.py", label=f"Call of trace {trace['trace'][:8]}", icon=":material/account_tree:",
                query_params=state.trace_link(trace["trace"], None, trace["span"]),
            )  # fmt: skip
        for note in held["notes"]:
            st.caption(note, width="content")
        if playground_sources.BEFORE in st.session_state:
            st.button(
                "Bring back the draft before", key="play-bring-back", icon=":material/undo:", type="tertiary",
                on_click=playground_sources.bring_back,
            )  # fmt: skip


def load() -> None:
    """A stored prompt, by name and version or label."""
    with st.popover("Load a prompt", icon=":material/chat:", key="play-load", on_change="rerun") as held:
        if held.open:
            widgets.guarded("The prompts did not come.", "What is typed stays as it is.", _stored)


def _stored() -> None:
    with st.container():
        every = data_prompts.prompts("", "", "")
        if not every:
            st.caption("No prompt is stored yet. Save as version makes the first one.")
            return
        name = st.selectbox("Prompt", [one["name"] for one in every], index=None, key="play-load-name", width=320)
        if not name:
            return
        told = data_prompts.versions(str(name))
        named = {f"{one['label']} (version {one['version']})": one["version"] for one in told["labels"]}
        offered = named | {
            f"version {one['version']}{': ' + fmt.clip(one['note'], 50) if one['note'] else ''}": one["version"]
            for one in told["versions"]
        }
        newest = next(words for words, number in offered.items() if number == told["versions"][0]["version"])
        which = st.selectbox("Version", offered, index=list(offered).index(newest), key="play-load-version", width=320)
        st.button(
            "Load it", key="play-load-it", type="primary", on_click=_turn_to,
            kwargs={"prompt": name, "version": offered[str(which)], "trace": None, "span": None, "fill": None},
        )  # fmt: skip


def _turn_to(**told: object) -> None:
    playground_sources.turn_to(**told)
    for key in ("play-load", "play-fill"):
        st.session_state[key] = False


def fill() -> None:
    """Variables from an item, or a prompt or variables from a trace."""
    with st.popover("Fill from", icon=":material/input:", key="play-fill", on_change="rerun") as held:
        if not held.open:
            return
        kind = st.segmented_control(
            "From", ("Dataset item", "Trace"), default="Dataset item", required=True, key="play-fill-kind",
            label_visibility="collapsed",
        )  # fmt: skip
        with st.container(width=420):
            widgets.guarded(
                "What there is to choose did not come.", "The prompt stays as it is.",
                _from_item if kind == "Dataset item" else _from_trace,
            )  # fmt: skip


def _from_item() -> None:
    every = data_datasets.datasets()
    if not every:
        st.caption("There is no dataset yet: import a file, or add traces, on the page Datasets.")
        return
    name = st.selectbox("Dataset", [one["name"] for one in every], key="play-fill-dataset")
    told = data_datasets.dataset(str(name))
    if not told["versions"]:
        st.caption("Nothing was put into it yet.")
        return
    numbers = [one["version"] for one in told["versions"]]
    version = st.selectbox("Version", numbers, key="play-fill-version")
    if version != told["shown"]:
        told = data_datasets.dataset(str(name), int(version))
    text = st.text_input("Search", key="play-fill-find", placeholder="Search all fields and ids")
    found = data_datasets.items(told, text=text or None, page_size=_ITEMS)
    offered = {one["id"]: one for one in found["items"]}
    if not offered:
        st.caption("No item matches.")
        return
    item = st.selectbox(
        "Item", list(offered), key="play-fill-item",
        format_func=lambda known: fmt.clip(f"{known}: {dataset_item.asked(offered[known])}", 90),
    )  # fmt: skip
    if found["matching"] > len(offered):
        st.caption(f"Offered: {len(offered):,} of {found['matching']:,} items. Search for others.")
    st.button(
        "Fill in", key="play-fill-it", type="primary", on_click=_turn_to,
        kwargs={
            "dataset": name, "item": item, "item_version": None if version == numbers[0] else version, "trace": None,
            "span": None, "fill": None,
        },
    )  # fmt: skip


def _from_trace() -> None:
    typed = st.text_input("Trace", key="play-fill-trace", placeholder="its id, or a link to it")
    if not typed:
        st.caption("The page Trace opens one here, too.")
        return
    trace_id, span_id = playground_texts.linked(typed)
    if not trace_id:
        st.caption("That is no trace: an id has 32 hex digits.")
        return
    calls = {one["span_id"]: f"{one['name']}, {one['span_id']}" for one in playground_sources.calls_of(trace_id)}
    if not calls:
        st.caption("It has no model call, or is not there.")
        return
    ids = list(calls)
    index = ids.index(span_id) if span_id in calls else len(ids) - 1
    span = st.selectbox("Model call", ids, index=index, key=f"play-fill-span-{trace_id}", format_func=calls.__getitem__)
    how = st.radio("What becomes of it", (_TAKE, _FILL), key="play-fill-how", label_visibility="collapsed")
    wanted = {"trace": trace_id, "span": span, "dataset": None, "item": None, "item_version": None}
    other = {"fill": "variables"} if how == _FILL else {"fill": None, "prompt": None, "version": None}
    st.button("Fill in", key="play-fill-it", type="primary", on_click=_turn_to, kwargs=wanted | other)
