"""The editor of a prompt: its texts by role, model, parameters and tools; checked at once, saved as a new version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import data, data_prompts, prompt_differences, prompts
from app import format as fmt

Prompt = dict[str, Any]
ROLES = ("system", "user", "assistant")
_SAID = "prompt-said"  # session state: what the last saving said
_CHANGED = 409  # another saved a version meanwhile: no label is sent that could be protected
_HEIGHTS = (100, 420)  # pixels of a text
_LINE, _LETTERS = 17, 66  # pixels of a line; letters that stand in one
_MONOSPACED = "<style>.st-key-prompt-editor textarea { font-family: monospace; font-size: 0.85rem; }</style>"


class NotJsonError(ValueError):
    """What was typed is no JSON of the kind that is wanted; says where."""


def editor(name: str, told: Prompt | None, kind: str) -> None:
    """The fields, what is wrong with them, and the way to save them."""
    key = f"prompt-draft-{name}@"  # no name has this mark: the keys of no two prompts begin alike
    if key not in st.session_state:
        _begin(key, name, told, kind)
    draft = st.session_state[key]
    left, right = st.columns((3, 2), gap="large")
    with left, st.container(key="prompt-editor"):
        st.html(_MONOSPACED)
        slots = _texts(key, draft)
    with right:
        st.text_input("Model", key=f"{key}-model", placeholder="any")
        st.text_area("Parameters, JSON", key=f"{key}-parameters", height=130)
        st.text_area("Tools, JSON", key=f"{key}-tools", height=120, placeholder="[]")
        st.text_input("Tags", key=f"{key}-tags", placeholder="apart by commas")
        try:
            content = _typed(key)
        except NotJsonError as error:
            st.error(fmt.plain(str(error), 400), icon=":material/error:")
            content = None
        _save_row(name, key, told, content, slots)
        _saved(name)
    if _overtaken(key, told) and content is not None:
        _conflict(name, key, told or {}, content)


def _begin(key: str, name: str, told: Prompt | None, kind: str) -> None:
    """Fill the fields by the newest version, or what a new prompt begins with."""
    if told is None:
        content, tags, note = prompts.beginning(kind)
    else:
        content, tags, note = data_prompts.prompt(name, told["versions"][0]["version"]), told["tags"], ""
    turns = content.get("messages") or [{"role": "text", "content": content.get("text") or ""}]
    st.session_state[key] = {
        "turns": list(range(len(turns))), "next": len(turns), "chat": content.get("messages") is not None,
        "based_on": 0 if told is None else told["versions"][0]["version"],
    }  # fmt: skip
    for number, one in enumerate(turns):
        st.session_state[f"{key}-role-{number}"] = one["role"]
        st.session_state[f"{key}-text-{number}"] = one["content"]
    parameters, tools = content.get("parameters") or {}, content.get("tools") or []
    st.session_state[f"{key}-model"] = content.get("model") or ""
    st.session_state[f"{key}-parameters"] = json.dumps(parameters, indent=2, ensure_ascii=False) if parameters else ""
    st.session_state[f"{key}-tools"] = json.dumps(tools, indent=2, ensure_ascii=False) if tools else ""
    st.session_state[f"{key}-tags"], st.session_state[f"{key}-note"] = ", ".join(tags), note


def _texts(key: str, draft: Prompt) -> dict[str, Any]:
    """The fields of the texts; by what errors call them a place below each."""
    slots: dict[str, Any] = {}
    for place, number in enumerate(draft["turns"]):
        text = st.session_state.get(f"{key}-text-{number}", "")
        lines = sum(len(line) // _LETTERS + 1 for line in text.split("\n"))
        height = min(max(_HEIGHTS[0], _LINE * (lines + 1)), _HEIGHTS[1])
        if draft["chat"]:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.selectbox(
                    f"Role of message {place + 1}", ROLES, key=f"{key}-role-{number}", width=130,
                    label_visibility="collapsed",
                )  # fmt: skip
                st.space("stretch")
                if len(draft["turns"]) > 1:
                    st.button(
                        "Remove", key=f"{key}-remove-{number}", type="tertiary", on_click=_remove, args=(key, number)
                    )
        st.text_area(
            f"Message {place + 1}" if draft["chat"] else "Text", key=f"{key}-text-{number}", height=height,
            label_visibility="collapsed",
        )  # fmt: skip
        slots[f"messages.{place}.content" if draft["chat"] else "text"] = st.container()
    if draft["chat"]:
        st.button("Add a message", key=f"{key}-add", icon=":material/add:", on_click=_add, args=(key,))
    st.caption("{{ name }} is filled in; {% if %} and {% for %} decide. Ctrl+Enter checks what was typed.")
    return slots


def _add(key: str) -> None:
    draft = st.session_state[key]
    last = st.session_state.get(f"{key}-role-{draft['turns'][-1]}")
    number, draft["next"] = draft["next"], draft["next"] + 1
    draft["turns"].append(number)
    st.session_state[f"{key}-role-{number}"] = "assistant" if last == "user" else "user"
    st.session_state[f"{key}-text-{number}"] = ""


def _remove(key: str, number: int) -> None:
    st.session_state[key]["turns"].remove(number)


def _said(key: str, draft: Prompt) -> Prompt:
    texts = [str(st.session_state.get(f"{key}-text-{number}", "")) for number in draft["turns"]]
    if not draft["chat"]:
        return {"text": texts[0]}
    roles = [str(st.session_state[f"{key}-role-{number}"]) for number in draft["turns"]]
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]}


def _typed(key: str) -> Prompt:
    """What the fields say now. Raises NotJsonError."""
    fields = [str(st.session_state[f"{key}-{field}"]) for field in ("model", "parameters", "tools")]
    return content_of(_said(key, st.session_state[key]), *fields)


def _tags(key: str) -> list[str]:
    return [tag.strip() for tag in str(st.session_state[f"{key}-tags"]).split(",") if tag.strip()]


def content_of(said: Mapping[str, Any], model: str, parameters: str, tools: str) -> Prompt:
    """The fields as the content of a version. Raises NotJsonError: parameters or tools are none."""
    return {
        **said, "model": model.strip() or None,
        "parameters": parsed_json("Parameters", parameters, dict, "an object {...}"),
        "tools": parsed_json("Tools", tools, list, "a list [...]"),
    }  # fmt: skip


def parsed_json(what: str, typed: str, kind: type, form: str) -> Any:
    """What is typed into a field; nothing: an empty one of the kind. Raises NotJsonError: it is none of that form."""
    if not typed.strip():
        return kind()
    try:
        told = json.loads(typed)
    except ValueError as error:
        at = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise NotJsonError(f"{what}{at}: this is no JSON: {getattr(error, 'msg', error)}.") from error
    if not isinstance(told, kind):
        raise NotJsonError(f"{what}: this is no JSON of the form {form}.")
    return told


def _overtaken(key: str, told: Prompt | None) -> bool:
    """Whether another saved a version since the draft began."""
    return told is not None and told["versions"][0]["version"] != st.session_state[key]["based_on"]


def _conflict(name: str, key: str, told: Prompt, content: Prompt) -> None:
    """What the draft would change of the version that another saved meanwhile; the way to save it all the same."""
    newest = told["versions"][0]
    by = f" by {newest['author']}" if newest["author"] else ""
    note = f": {newest['note'].rstrip('.')}" if newest["note"] else ""
    words = f"Version {newest['version']} was saved{by} since you began{note}. Your text is kept in the fields above."
    st.warning(fmt.plain(words, 600), icon=":material/call_split:")
    if data_prompts.check(content)["problems"]:
        st.caption("What is wrong with your text is told above; what it would change is shown once that is mended.")
        return
    found = data_prompts.draft_diff(name, content, newest["version"])
    if found["equal"]:
        st.caption(f"Your text says what version {newest['version']} says.")
        return
    st.caption(f"What your text changes of version {newest['version']}: struck out goes, underlaid comes.")
    prompt_differences.shown(found)
    st.button(
        f"Save as version {newest['version'] + 1}", key="save-over", icon=":material/save:", on_click=_save_over,
        args=(name, key, newest["version"]), help=f"Version {newest['version']} stays, as all earlier ones",
    )  # fmt: skip


def _save_over(name: str, key: str, newest: int) -> None:
    st.session_state[key]["based_on"] = newest
    _save(name, key)


def _save_row(name: str, key: str, told: Prompt | None, content: Prompt | None, slots: Mapping[str, Any]) -> None:
    checked = None if content is None else data_prompts.check(content)
    problems = checked["problems"] if checked else []
    for one in problems:
        with slots.get(one["at"], st.container()):
            problem(one, content or {})
    if checked and not problems:
        st.caption(fmt.plain(f"Variables: {', '.join(checked['variables']) or 'none'}", 400))
    same = bool(checked and told and checked["hash"] == told["versions"][0]["hash"] and not told["away"])
    tagged = told is not None and sorted(set(_tags(key))) == told["tags"]
    st.text_input("Note: why this version", key=f"{key}-note")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Save", key="save-prompt", type="primary", icon=":material/save:",
            disabled=content is None or bool(problems) or (same and tagged) or _overtaken(key, told),
            on_click=_save, args=(name, key), help="Makes a new version; earlier ones stay",
        )  # fmt: skip
        if told is not None and not (same and tagged):
            st.button("Discard changes", key="discard-prompt", type="tertiary", on_click=_discard, args=(key,))
        if same and tagged:
            st.caption(f"As version {told['versions'][0]['version'] if told else ''}.", width="content")


def problem(one: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """What is wrong with a text, and the line where it is."""
    line = f", line {one['line']:,}" if one["line"] else ""
    at = "" if one["at"].endswith("content") or one["at"] == "text" else f"{one['at']}: "
    st.error(f"{fmt.plain(at + one['problem'], 400)}{line}", icon=":material/error:")
    lines = _text_at(one["at"], content).splitlines()
    if one["line"] and one["line"] <= len(lines):
        st.code(lines[one["line"] - 1] or " ", language=None)


def _text_at(at: str, content: Mapping[str, Any]) -> str:
    if at == "text":
        return str(content.get("text") or "")
    parts = at.split(".")
    if len(parts) == 3 and parts[0] == "messages" and parts[1].isdigit():
        return str(content["messages"][int(parts[1])]["content"])
    return ""


def _save(name: str, key: str) -> None:
    note, draft = str(st.session_state[f"{key}-note"]), st.session_state[key]
    try:
        made = data_prompts.set_prompt(name, _typed(key), note=note, tags=_tags(key), based_on=draft["based_on"])
    except (data.ApiError, NotJsonError) as error:
        if isinstance(error, data.ApiError) and error.status == _CHANGED:
            return  # the run that follows finds the newer version, and shows what differs
        st.session_state[_SAID] = (name, str(error), False)
        return
    words = f"Saved as version {made['version']}." if made["new"] else f"The text is that of version {made['version']}."
    st.session_state[_SAID] = (name, words, True)
    _discard(key)
    st.query_params.pop(prompts.NEW, None)


def _discard(key: str) -> None:
    """Forget the draft: the next run begins it anew."""
    for one in [name for name in st.session_state if str(name).startswith(key)]:
        del st.session_state[one]


def _saved(name: str) -> None:
    of, said, good = st.session_state.pop(_SAID, (None, "", True))
    if of != name:
        return
    if good:
        st.success(fmt.plain(said, 400), icon=":material/check:")
    else:
        st.error(fmt.plain(said, 600), icon=":material/error:")
