"""One prompt: its versions to read and compare, its labels, what became of it in traffic; the editor stands beside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import (
    data,
    data_prompts,
    playground_sources,
    prompt_differences,
    prompt_edit,
    prompt_labels,
    prompt_usage,
    prompt_words,
    prompts,
    runs,
    widgets,
)
from app import format as fmt

Prompt = dict[str, Any]

READ, COMPARE, USAGE, EDIT = "Text", "Compare", "Usage", "Edit"
VERSION, OLDER = "prompt_version", "prompt_older"  # keys, and names in the URL


def page(name: str) -> None:
    """The prompt, or the beginning of a new one."""
    try:
        with st.skeleton(height=400):
            told: Prompt | None = data_prompts.versions(name)
    except data.ApiError as error:
        if error.status not in {404, 422}:
            raise
        told = None
    kind = st.query_params.get(prompts.NEW)
    if told is None:
        _head(name, None)
        if kind:
            prompt_edit.editor(name, None, str(kind))
        else:
            widgets.empty("A prompt would be here.", f"There is none named {fmt.plain(name, 80)} in this project.")
        return
    _head(name, told)
    if told["away"]:
        st.warning("It was deleted: lists leave it out. Versions are still fetched by number; saving brings it back.")
    _missing(name, told)
    part = st.segmented_control(
        "Part", (READ, COMPARE, USAGE, EDIT), default=READ, required=True, key=prompts.PART, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    parts = {READ: _read, COMPARE: _compare, USAGE: prompt_usage.section}
    if part == EDIT:
        prompt_edit.editor(name, told, "")
    else:
        parts[str(part)](name, told)


def _head(name: str, told: Prompt | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(fmt.plain(name, 80), anchor=False, width="content")
        for tag in told["tags"] if told else ():
            st.badge(fmt.plain(tag, 50), color="gray")
        st.space("stretch")
        if told is not None and not told["away"]:
            st.download_button(
                "Export", data.later(lambda: data_prompts.files(name)[0]["text"]), f"{name.replace('/', '-')}.yaml",
                "application/yaml", icon=":material/download:", on_click="ignore", help="The newest version as YAML",
            )  # fmt: skip
            if st.button("Delete", key="delete-prompt", icon=":material/delete:"):
                st.session_state.pop("deleted", None)
                _delete(name, told)
        st.page_link(prompts.PATH, label="All prompts", icon=":material/arrow_back:")


def _missing(name: str, told: Prompt) -> None:
    """A link may name a version that there is not: the newest is shown then, and this says so."""
    asked = str(st.query_params.get(VERSION) or "")
    options = numbers(told)
    if not asked or asked in options:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"{name} has no version {fmt.clip(asked, 20)}; the newest is {options[0]}."
        st.warning(fmt.plain(words, 300), icon=":material/warning:")
        query = {prompts.CHOSEN: name, VERSION: options[0]}
        st.page_link(prompts.PATH, label=f"Version {options[0]}", icon=":material/chat:", query_params=query)


def numbers(told: Mapping[str, Any]) -> list[str]:
    """The versions as options, the newest first."""
    return [str(one["version"]) for one in told["versions"]]


def _pick(told: Prompt, key: str, label: str, index: int) -> Prompt:
    """The version that is chosen, of those that there are."""
    options = numbers(told)
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
    number = st.selectbox(label, options, index=min(index, len(options) - 1), key=key, bind="query-params", width=110)
    found: Prompt = next(one for one in told["versions"] if str(one["version"]) == number)
    return found


def _about(one: Prompt) -> str:
    by = f" by {one['author']}" if one["author"] else ""
    labels = f", {', '.join(one['labels'])}" if one["labels"] else ""
    return fmt.plain(f"{fmt.moment(runs.at(one['set_at']), widgets.zone())[:16]}{by}{labels}", 200)


def _read(name: str, told: Prompt) -> None:
    left, right = st.columns((3, 2), gap="large")
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            one = _pick(told, VERSION, "Version", 0)
            st.caption(_about(one))
            st.page_link(
                playground_sources.PATH, label="Open in playground", icon=":material/forum:",
                query_params=playground_sources.link(prompt=name, version=one["version"]),
            )  # fmt: skip
        said = data_prompts.prompt(name, one["version"])
        if one["note"]:
            st.markdown(f"*{fmt.plain(one['note'], 400)}*")
        text(said)
    with right:
        _facts(said)
        prompt_labels.panel(name, told)
        _fetching(name, told)


def text(said: Mapping[str, Any]) -> None:
    """What a version says, role by role."""
    for one in said.get("messages") or [{"role": "", "content": said.get("text")}]:
        with st.container(gap=None):
            if one["role"]:
                st.caption(one["role"])
            st.html(prompt_words.templated(str(one["content"]), one["role"]))


def _facts(said: Mapping[str, Any]) -> None:
    widgets.fields(
        {
            "Model": said["model"] or "any", "Variables": ", ".join(said["variables"]) or "none",
            "Parameters": ", ".join(f"{key} {value}" for key, value in said["parameters"].items()) or "none",
            "Hash": said["hash"][:12],
        },
        columns=2,
    )  # fmt: skip
    if said["tools"]:
        with st.expander(f"Tools ({len(said['tools']):,})"):
            st.code(json.dumps(said["tools"], indent=2, ensure_ascii=False), language="json", height=240)


def _fetching(name: str, told: Prompt) -> None:
    label = told["labels"][0]["label"] if told["labels"] else "latest"
    with st.expander("Fetch it, and count its use"):
        st.code(f'curl "{data_prompts.address()}/api/prompts/{name}?label={label}"', language="bash", wrap_lines=True)
        st.caption(
            "Its ETag as If-None-Match spares the answer while the version stays. On the span of the model call:"
        )
        st.code(f"gen_ai.prompt.name = {name}\ngen_ai.prompt.version = {told['versions'][0]['version']}", language=None)
        st.caption("docs/prompts.md has clients that go on while the server is away, in Python and JavaScript.")


def _compare(name: str, told: Prompt) -> None:
    if len(told["versions"]) < 2:
        widgets.empty("Two versions would be compared here.", "There is one alone. Edit it, and save a new version.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        older = _pick(told, OLDER, "From", 1)
        st.caption(_about(older), width="content")
        st.space("small")
        newer = _pick(told, VERSION, "To", 0)
        st.caption(_about(newer), width="content")
    found = data_prompts.diff(name, older["version"], newer["version"])
    if newer["note"]:
        st.markdown(f"*{fmt.plain(newer['note'], 400)}*")
    if found["equal"]:
        st.info(f"Versions {older['version']} and {newer['version']} say the same.")
        return
    prompt_differences.shown(found)


@st.dialog("Delete this prompt")
def _delete(name: str, told: Prompt) -> None:
    if st.session_state.pop("deleted", False):
        st.rerun()  # which closes the dialog
    st.markdown(
        f"{fmt.plain(name)} is taken from the lists and its labels are removed: whoever asks by a label gets an error. "
        "Its versions stay, and are fetched by number."
    )
    guarded = [one["label"] for one in told["labels"] if one["protected"]]
    if guarded:
        st.warning(f"The label {fmt.plain(guarded[0])} is protected. Type the prompt's name to go on.")
        st.text_input("The prompt's name", key="delete-confirm")
    st.button("Delete it", key="delete-it", type="primary", on_click=_deleted, args=(name,))
    if said := st.session_state.pop("delete-said", None):
        st.error(fmt.plain(said, 600), icon=":material/error:")


def _deleted(name: str) -> None:
    confirm = str(st.session_state.get("delete-confirm") or "").strip()
    try:
        data_prompts.forget(name, confirm or None)
    except data.ApiError as error:
        st.session_state["delete-said"] = str(error)
        return
    st.session_state["deleted"] = True
    st.query_params.pop(prompts.CHOSEN, None)
