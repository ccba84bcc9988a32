"""The upper half of the playground: messages, variables, tools; where they are from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import (
    data,
    data_datasets,
    data_prompts,
    dataset_item,
    datasets,
    playground_draft,
    playground_sources,
    playground_texts,
    prompt_edit,
    prompts,
    state,
    widgets,
)
from app import format as fmt

Row = dict[str, Any]

_HEIGHTS = (72, 240)  # pixels of a message
_LINE, _LETTERS = 19, 78  # pixels of a line; letters that stand in one
_MONOSPACED = "<style>.st-key-play-editor textarea { font-family: monospace; font-size: 0.85rem; }</style>"
_ITEMS = 30  # that a search offers
_TAKE, _FILL = "Its messages become the prompt", "It fills the variables"


def editor() -> None:
    """The fields, and what is wrong with them."""
    content = playground_draft.content()
    checked = data_prompts.check(content) if any(text.strip() for text in _texts(content)) else None
    left, right = st.columns((3, 2), gap="medium")
    with left, st.container(key="play-editor", gap="xsmall"):
        st.html(_MONOSPACED)
        slots = _messages()
        _below()
    for one in checked["problems"] if checked else ():
        with slots.get(one["at"], left):
            prompt_edit.problem(one, content)
    with right:
        _variables(_names(checked))
    if checked is None:
        left.caption("Write a message, load a prompt, or take one from a trace.")


def _texts(content: Mapping[str, Any]) -> list[str]:
    return [content["text"]] if "text" in content else [one["content"] for one in content["messages"]]


def _names(checked: Mapping[str, Any] | None) -> list[str]:
    """The variables of the prompt; of one that is no template those of the last that was one."""
    held = playground_draft.draft()
    if checked and not checked["problems"]:
        held["names"] = list(checked["variables"])
    found: list[str] = held.get("names", [])
    return found


def _messages() -> dict[str, Any]:
    """The fields of the messages; by what errors call them a place below each."""
    turns: list[int] = playground_draft.draft()["turns"]
    chat = st.session_state.get(playground_draft.KIND) != playground_draft.TEXT
    slots: dict[str, Any] = {}
    for place, number in enumerate(turns):
        if chat:
            _role(place, number, len(turns))
        text = str(st.session_state.get(playground_draft.text_key(number)) or "")
        lines = sum(len(line) // _LETTERS + 1 for line in text.split("\n"))
        st.text_area(
            f"Message {place + 1}" if chat else "Text", key=playground_draft.text_key(number),
            height=min(max(_HEIGHTS[0], _LINE * lines + 20), _HEIGHTS[1]), label_visibility="collapsed",
            persist_state="session",
        )  # fmt: skip
        slots[f"messages.{place}.content" if chat else "text"] = st.container()
    return slots


def _role(place: int, number: int, count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.selectbox(
            f"Role of message {place + 1}", playground_draft.ROLES, key=playground_draft.role_key(number), width=130,
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        st.space("stretch")
        for name, icon, by, off in (
            ("Up", "arrow_upward", -1, place == 0), ("Down", "arrow_downward", 1, place == count - 1)
        ):  # fmt: skip
            if count > 1:
                st.button(
                    "", key=f"play-{name.lower()}-{number}", icon=f":material/{icon}:", type="tertiary", disabled=off,
                    help=f"{name}: message {place + 1}", on_click=playground_draft.move_turn, args=(number, by),
                )  # fmt: skip
        if count > 1:
            st.button(
                "", key=f"play-drop-{number}", icon=":material/close:", type="tertiary",
                help=f"Remove message {place + 1}", on_click=playground_draft.remove_turn, args=(number,),
            )  # fmt: skip


def _below() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.session_state.get(playground_draft.KIND) != playground_draft.TEXT:
            st.button("Add a message", key="play-add", icon=":material/add:", type="tertiary",
                      on_click=playground_draft.add_turn)  # fmt: skip
        st.space("stretch")
        with st.popover(
            "Tools", icon=":material/build:", key="play-tools-of", type="tertiary", on_change="rerun"
        ) as held:
            if held.open:
                st.text_area(
                    "Tools, JSON", key=playground_draft.TOOLS, height=240, width=480, placeholder="[]",
                    persist_state="session", help='As OpenAI takes them: [{"type": "function", "function": {...}}]',
                )  # fmt: skip
        st.segmented_control(
            "Kind", (playground_draft.CHAT, playground_draft.TEXT), key=playground_draft.KIND, required=True,
            label_visibility="collapsed", on_change=playground_draft.switch_kind, persist_state="session",
        )  # fmt: skip


def _variables(names: Sequence[str]) -> None:
    if not names:
        st.caption("Variables: none. {{ name }} in a message makes one, with a field here.")
        return
    few = len(names) <= 2
    for name in names:
        text = str(st.session_state.get(playground_draft.variable_key(name)) or "")
        long = len(text) > 2 * _LETTERS or text.count("\n") > 1
        st.text_area(
            name, key=playground_draft.variable_key(name), height=160 if long and few else 96, persist_state="session"
        )
    st.caption("A value is text; a list or object of JSON counts as such.")


# Where it is from.


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
            changed = ", changed" if playground_draft.content() != held.get("loaded") else ""
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
        if not held.open:
            return
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


def guarded_load() -> None:
    """`load`, where an error of the server is told in its place."""
    try:
        load()
    except data.ApiError as error:
        st.caption(fmt.plain(str(error), 300))
