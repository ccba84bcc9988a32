"""What is typed in the playground: messages, variables, tools, columns. It stays for the session, on all pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import playground_texts

Row = dict[str, Any]

ROLES = ("system", "user", "assistant")
MOST_COLUMNS = 4
DRAFT = "play"  # session state; keys of its widgets begin with it
KIND = "play-kind"
TOOLS = "play-tools"
CHAT, TEXT = "Chat", "Text"
BLANK: Mapping[str, Any] = {"messages": [{"role": "user", "content": "{{ question }}"}]}
COLUMN = ("model", "provider", "base", "key", "region", "temperature", "max", "json")
_SOURCES = ("notes", "prompt", "item", "trace", "loaded")  # what a draft was made from; loaded: its messages then
_EMPTY: Mapping[str, Any] = {
    "model": None, "provider": "openai", "base": "", "key": None, "region": "", "temperature": None, "max": None,
    "json": "",
}  # fmt: skip


def draft() -> Row:
    """What the fields are of: numbers of messages and columns, where it is from. Made at the first look."""
    if DRAFT not in st.session_state:
        st.session_state[DRAFT] = {
            "turns": [], "columns": [], "next": 0, "filled": {}, "notes": [], "prompt": None, "item": None,
            "trace": None, "loaded": BLANK,
        }  # fmt: skip
        set_content(BLANK)
        add_column()
    found: Row = st.session_state[DRAFT]
    return found


def _number() -> int:
    held = st.session_state[DRAFT]
    held["next"] += 1
    return int(held["next"])


def text_key(number: int) -> str:
    return f"play-text-{number}"


def role_key(number: int) -> str:
    return f"play-role-{number}"


def variable_key(name: str) -> str:
    return f"play-variable-{name}"


def column_key(number: int, field: str) -> str:
    return f"play-{field}-of-{number}"


# Messages.


def set_content(content: Mapping[str, Any]) -> None:
    """Let the editor have these messages, or this text, and these tools."""
    chat = content.get("text") is None
    turns = content.get("messages") or [{"role": "user", "content": content.get("text") or ""}]
    st.session_state[DRAFT]["turns"] = [_turn(one["role"], one["content"]) for one in turns]
    st.session_state[KIND] = CHAT if chat else TEXT
    tools = content.get("tools") or []
    st.session_state[TOOLS] = json.dumps(tools, indent=2, ensure_ascii=False) if tools else ""


def _turn(role: str, content: str) -> int:
    number = _number()
    st.session_state[role_key(number)], st.session_state[text_key(number)] = role, content
    return number


def content() -> Row:
    """`messages`, or `text`, as the fields say now."""
    turns = draft()["turns"]
    texts = [str(st.session_state.get(text_key(number)) or "") for number in turns]
    if st.session_state.get(KIND) == TEXT:
        return {"text": texts[0]}
    roles = [str(st.session_state.get(role_key(number)) or "user") for number in turns]
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]}


def add_turn() -> None:
    """One more message: the other side's of the last."""
    turns = draft()["turns"]
    last = st.session_state.get(role_key(turns[-1]))
    turns.append(_turn("assistant" if last == "user" else "user", ""))


def remove_turn(number: int) -> None:
    draft()["turns"].remove(number)


def move_turn(number: int, by: int) -> None:
    """Up (-1) or down (1)."""
    turns = draft()["turns"]
    place = turns.index(number)
    turns.insert(place + by, turns.pop(place))


def switch_kind() -> None:
    """What the messages say becomes one text, or the text becomes what the user says."""
    if st.session_state.get(KIND) == TEXT:
        texts = [str(st.session_state.get(text_key(number)) or "") for number in draft()["turns"]]
        draft()["turns"] = [_turn("user", "\n\n".join(text for text in texts if text.strip()))]


# Variables.


def fill(values: Mapping[str, Any]) -> None:
    """Let variables have these values, whose types they keep while nobody types over them."""
    for name, value in values.items():
        text = playground_texts.typed(value)
        st.session_state[variable_key(name)] = text
        draft()["filled"][name] = [text, value]


def values(names: Sequence[str]) -> Row:
    """What the variables of these names say; an empty field says an empty text."""
    return {name: _value(name) for name in names}


def _value(name: str) -> Any:
    text = str(st.session_state.get(variable_key(name)) or "")
    filled = draft()["filled"].get(name)
    return filled[1] if filled is not None and filled[0] == text else playground_texts.value_of(text)


# Columns.


def add_column(**told: Any) -> int:
    """One more model; what is not told is as a new column has it."""
    number = _number()
    st.session_state[DRAFT]["columns"].append(number)
    set_column(number, {**_EMPTY, **told})
    return number


def set_column(number: int, told: Mapping[str, Any]) -> None:
    for field, value in told.items():
        st.session_state[column_key(number, field)] = value


def remove_column(number: int) -> None:
    draft()["columns"].remove(number)


def column(number: int) -> Row:
    """What its fields say."""
    return {field: st.session_state.get(column_key(number, field), _EMPTY[field]) for field in COLUMN}


# All of it, for the history.


def snapshot() -> Row:
    """All that is typed, as plain values."""
    held = draft()
    variables = {
        str(key).removeprefix("play-variable-"): value
        for key, value in st.session_state.items()
        if str(key).startswith("play-variable-")
    }
    return {
        "content": content(), "tools": st.session_state.get(TOOLS) or "", "variables": variables,
        "filled": dict(held["filled"]), "columns": {number: column(number) for number in held["columns"]},
        **{name: held[name] for name in _SOURCES},
    }  # fmt: skip


def restore(told: Mapping[str, Any]) -> None:
    """What a snapshot says, with its columns' own numbers, so that their answers are found."""
    held = draft()
    set_content(told["content"])
    st.session_state[TOOLS] = told["tools"]
    for name, value in told["variables"].items():
        st.session_state[variable_key(name)] = value
    held["filled"] = dict(told["filled"])
    held["columns"] = list(told["columns"])
    for number, fields in told["columns"].items():
        set_column(number, fields)
    held |= {name: told[name] for name in _SOURCES}
