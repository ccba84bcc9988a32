"""The upper half of the playground: messages, variables, tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import (
    data_prompts,
    playground_draft,
    prompt_edit,
)

Row = dict[str, Any]

_HEIGHTS = (72, 240)  # pixels of a message
_LINE, _LETTERS = 19, 78  # pixels of a line; letters that stand in one
_MONOSPACED = "<style>.st-key-play-editor textarea { font-family: monospace; font-size: 0.85rem; }</style>"


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
