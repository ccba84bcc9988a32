"""“Save as version” of the playground: the prompt becomes a version of a stored one, with a column's model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import (
    data,
    data_playground,
    data_prompts,
    playground_draft,
    playground_models,
    playground_sources,
    prompt_differences,
    prompts,
)
from app import format as fmt
from app.prompt_edit import NotJsonError, parsed_json

Row = dict[str, Any]

_SAID = "play-saved"  # session state: what became of the last saving
_NEWER = "play-newer"  # a version that somebody saved meanwhile: the prompt's name and the number
_CHANGED = 409
_NO_MODEL = "no model"
_NAME, _MODEL, _NOTE = "play-save-name", "play-save-column", "play-save-note"  # keys


def begin() -> None:
    for key in (_SAID, _NEWER):
        st.session_state.pop(key, None)


@st.dialog("Save as a version", width="medium")
def dialog() -> None:
    """Name, model, note; a version that came meanwhile is shown with what differs."""
    known = playground_models.labelled(data_playground.models()["models"])
    done, said = st.session_state.get(_SAID, (None, ""))
    if done:
        _follow(done)
        return
    every = [one["name"] for one in data_prompts.prompts("", "", "")]
    of = (playground_draft.draft()["prompt"] or {}).get("name")
    name = st.selectbox(
        "Prompt", every, index=every.index(of) if of in every else None, key=_NAME, accept_new_options=True,
        placeholder="Choose one, or type a new name",
    )  # fmt: skip
    st.selectbox(
        "Model and parameters of", [*_labelled(known), _NO_MODEL], key=_MODEL,
        help="Kept with the version, as what it was written for",
    )  # fmt: skip
    st.text_input("Note: why this version", key=_NOTE)
    if str(name or "") not in every and (problem := prompts.problem(str(name or "").strip(), ())):
        st.caption(problem)
        return
    _save_row(str(name).strip())
    if said:
        st.error(fmt.plain(said, 600), icon=":material/error:")


def _save_row(name: str) -> None:
    try:
        content, base = saved(), _base(name)
    except (NotJsonError, playground_models.ColumnError) as error:
        st.error(fmt.plain(str(error), 400), icon=":material/error:")
        return
    if st.session_state.get(_NEWER, ("", 0))[0] == name:
        _differences(name, content, base)
    words = f"Save as version {base + 1}" if base else "Save as a new prompt"
    st.button(words, key="play-save-it", type="primary", icon=":material/save:", on_click=_save)


def _base(name: str) -> int:
    """The version that the draft was made from, as far as is known; 0: there is none."""
    newer, of = st.session_state.get(_NEWER, ("", 0)), playground_draft.draft()["prompt"] or {}
    if newer[0] == name:
        return int(newer[1])
    if of.get("name") == name:
        return int(of["version"])
    return next((int(one["version"]) for one in data_prompts.prompts("", "", "") if one["name"] == name), 0)


def _labelled(known: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """The columns by what they are called."""
    numbers: list[int] = playground_draft.draft()["columns"]
    return {_column_label(number, place, known): number for place, number in enumerate(numbers)}


def _column_label(number: int, place: int, known: Mapping[str, Mapping[str, Any]]) -> str:
    column = playground_draft.column(number)
    told = playground_models.told(column)
    name = playground_models.name_of(column, known) or "no model chosen"
    return f"Column {place + 1}: {name}{f', {told}' if told else ''}"


def saved() -> Row:
    """The draft as the content of a version. Raises NotJsonError, ColumnError: tools or parameters are no JSON."""
    tools = parsed_json("Tools", str(st.session_state.get(playground_draft.TOOLS) or ""), list, "a list [...]")
    content = {**playground_draft.content(), "tools": tools}
    known = playground_models.labelled(data_playground.models()["models"])
    number = _labelled(known).get(str(st.session_state.get(_MODEL)))
    if number is None:
        return content
    column = playground_draft.column(number)
    return {
        **content, "model": playground_models.name_of(column, known) or None,
        "parameters": playground_models.parameters(column),
    }  # fmt: skip


def _differences(name: str, content: Row, newest: int) -> None:
    st.warning(f"Version {newest} was saved since this was loaded. It stays, as all earlier ones.")
    found = data_prompts.draft_diff(name, content, newest)
    if found["equal"]:
        st.caption(f"Your text says what version {newest} says.")
        return
    st.caption(f"What your text changes of version {newest}: struck out goes, underlaid comes.")
    prompt_differences.shown(found)


def _save() -> None:
    """Save what the fields say now: what was typed last comes with the press of the button."""
    name, note = str(st.session_state.get(_NAME) or "").strip(), str(st.session_state.get(_NOTE) or "")
    try:
        made = data_prompts.set_prompt(name, saved(), note=note, based_on=_base(name))
    except (data.ApiError, NotJsonError, playground_models.ColumnError) as error:
        if isinstance(error, data.ApiError) and error.status == _CHANGED:
            st.session_state[_NEWER] = (name, data_prompts.versions(name)["versions"][0]["version"])
        else:
            st.session_state[_SAID] = (None, str(error))
        return
    st.session_state[_SAID] = (made, "")
    draft = playground_draft.draft()
    draft["prompt"], draft["loaded"] = {"name": name, "version": made["version"]}, playground_draft.content()
    draft["trace"] = None
    playground_sources.note(prompt=name, version=made["version"], trace=None, span=None, fill=None)


def _follow(made: Mapping[str, Any]) -> None:
    words = f"Saved as version {made['version']}" if made["new"] else f"The text is that of version {made['version']}"
    st.success(fmt.plain(f"{words} of {made['name']}.", 400), icon=":material/check:")
    st.page_link(
        prompts.PATH, label="Open the prompt", icon=":material/chat:", query_params={prompts.CHOSEN: str(made["name"])}
    )
