"""One item of a dataset: what it holds, where it comes from, how it came to be so; edited, added, removed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import streamlit as st

from app import data, data_datasets, datasets, playground_sources, runs, state, widgets, wordings
from app import format as fmt

Row = dict[str, Any]

NEW = "~new"  # in the URL in place of an id: an item that is not there yet
TEXTS = ("question", "reference", "system", "answer")  # fields with a text area each
_HEIGHTS = {"question": 110, "reference": 110, "system": 80, "answer": 80}
_OWN = ("id", "tags", "split", "source", "since_version")
_STRUCTURED = {"messages", "contexts", "reference_contexts", "tools", "tool_calls", "reference_tool_calls"}
_SAID = "item-said"  # session state: what became of the last change
_LISTED = ("find", "of_tag", "of_split", "after", "before", "version")  # of the list that one comes from


class NoItemError(ValueError):
    """What was typed is no item; says which field."""


def text(value: Any) -> str:
    """A value as one reads it: text as such, else JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def asked(item: Mapping[str, Any]) -> str:
    """What an item asks."""
    if item.get("question"):
        return str(item["question"])
    said = [text(one.get("content", one.get("parts"))) for one in item.get("messages") or () if isinstance(one, dict)]
    return said[-1] if said else str(item.get("answer") or "")


def page(told: Row, item_id: str) -> None:
    """The item's fields to edit, its source, its history."""
    name = told["name"]
    if item_id == NEW:
        _head(told, "New item")
        _form(told, NEW, {}, told["version"])
        return
    try:
        found = data_datasets.item(name, item_id, told["shown"] or None)
    except data.ApiError as error:
        if error.status != 404:
            raise
        found = {"item": None, "history": []}
    _head(told, item_id)
    item = found["item"]
    if item is None:
        widgets.empty(
            "An item would be here.",
            f"Version {told['shown']:,} has none of this id; its history tells when it was there."
            if found["history"] else "The dataset never had one of this id.",
        )  # fmt: skip
    left, right = st.columns((3, 2), gap="large")
    with left:
        if item is not None and told["shown"] == told["version"]:
            _form(told, item_id, item, found["version"])
        elif item is not None:
            st.caption("An older version is read, and not changed.")
            fields(item)
    with right:
        if item is not None:
            _source(item)
        _history(found["history"])


def _head(told: Row, title: str) -> None:
    back = {key: str(st.query_params[key]) for key in _LISTED if st.query_params.get(key)}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(fmt.plain(title, 60), anchor=False, width="content")
        st.caption(fmt.plain(f"{told['name']}, version {told['shown']:,}", 160), width="content")
        st.space("stretch")
        if title == st.query_params.get(datasets.ITEM):
            st.page_link(
                playground_sources.PATH, label="Open in playground", icon=":material/forum:",
                query_params=playground_sources.link(
                    dataset=told["name"], item=title,
                    item_version=None if told["shown"] == told["version"] else told["shown"],
                ),
            )  # fmt: skip
        st.page_link(
            "views/datasets.py", label="Its dataset", icon=":material/arrow_back:",
            query_params={datasets.CHOSEN: told["name"]} | back,
        )  # fmt: skip


def fields(item: Mapping[str, Any]) -> None:
    """The fields to read; their text is untrusted."""
    for name, value in item.items():
        if name in _OWN or value in (None, [], {}):
            continue
        st.caption(name)
        if name == "messages":
            _messages(value)
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            for one in value:
                st.text(one)
        elif isinstance(value, str):
            st.text(value)
        else:
            st.code(text(value), language="json", wrap_lines=True)
    widgets.fields({"Split": item.get("split") or "none", "Tags": ", ".join(item.get("tags") or []) or "none"}, 2)


def _messages(told: list[Any]) -> None:
    for one in told:
        if isinstance(one, dict):
            st.text(f"{one.get('role', 'unknown')}: {text(one.get('content', one.get('parts')))}")


def _form(told: Row, item_id: str, item: Mapping[str, Any], version: int) -> None:
    """The fields to edit. What is saved is a change of the version that was opened, not of one that came since."""
    name = told["name"]
    key = f"edit-{name}-{item_id}"
    opened = st.session_state.setdefault(f"{key}-opened", {"version": version, "item": dict(item)})
    was = opened["item"]
    if opened["version"] != version and was != dict(item) and item_id != NEW:
        st.warning(
            f"It was changed since you opened it, in version {item.get('since_version', version):,}.",
            icon=":material/sync_problem:",
        )
        st.button("Take the newest, drop mine", key="take-newest", on_click=_forget, args=(key,))
    if set(item) & _STRUCTURED:
        with st.expander("Read it"):
            fields(item)
    if item_id == NEW:
        st.text_input("Id", key=f"{key}-id", placeholder="empty: made of what it holds", width=360)
    for field in TEXTS:
        st.session_state.setdefault(f"{key}-{field}", text(was.get(field)))
        if field in {"question", "reference"} or was.get(field) is not None:
            st.text_area(field.capitalize(), key=f"{key}-{field}", height=_HEIGHTS[field])
    rest = {field: value for field, value in was.items() if field not in (*TEXTS, *_OWN)}
    st.session_state.setdefault(f"{key}-rest", json.dumps(rest or {"metadata": {}}, ensure_ascii=False, indent=1))
    st.text_area(
        "Other fields, JSON", key=f"{key}-rest", height=200,
        help="contexts, reference_contexts, messages, tools, tool_calls, reference_tool_calls, metadata",
    )  # fmt: skip
    left, right = st.columns(2)
    st.session_state.setdefault(f"{key}-tags", ", ".join(was.get("tags") or []))
    st.session_state.setdefault(f"{key}-split", was.get("split") or "")
    left.text_input("Tags", key=f"{key}-tags", placeholder="a, b")
    right.text_input("Split", key=f"{key}-split", placeholder="by the dataset's rule" if item_id == NEW else "none")
    note = st.text_input("Note", key=f"{key}-note", placeholder="What changes, for those who read the versions")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Save", key="save-item", type="primary", icon=":material/save:", on_click=_save,
            args=(name, item_id, key, dict(opened)),
        )  # fmt: skip
        if item_id != NEW:
            gone = {"base": opened["version"], "remove": [item_id], "note": note or f"Removed {item_id}."}
            st.button(
                "Remove", key="remove-item", icon=":material/delete:", on_click=_change, args=(name, gone, key, ""),
                help="Makes a new version without it; older versions keep it",
            )  # fmt: skip
    _told()


def _forget(key: str) -> None:
    for held in [one for one in st.session_state if str(one).startswith(f"{key}-")]:
        del st.session_state[held]


def _save(name: str, item_id: str, key: str, opened: Mapping[str, Any]) -> None:
    typed = {field: st.session_state.get(f"{key}-{field}") for field in (*TEXTS, "rest", "tags", "split", "id", "note")}
    try:
        item = item_of(typed, opened["item"], None if item_id == NEW else item_id)
    except NoItemError as error:
        st.session_state[_SAID] = (False, str(error))
        return
    said = typed["note"] or ("Added an item." if item_id == NEW else f"Changed {item_id}.")
    _change(name, {"base": opened["version"], "set": [item], "note": said}, key, item["id"])


def item_of(typed: Mapping[str, Any], was: Mapping[str, Any], item_id: str | None) -> Row:
    """An item as it was typed; what has no field in the form stays as it was.

    Raises:
        NoItemError: the other fields are no JSON object, or the id of a new item is taken by the form's own word.
    """
    try:
        rest = json.loads(typed["rest"] or "{}")
    except ValueError as error:
        raise NoItemError(f"The other fields are no JSON: {error}.") from error
    if not isinstance(rest, dict) or any(name in rest for name in (*TEXTS, "id", "tags", "split")):
        raise NoItemError("The other fields are one JSON object, without those that have a field of their own.")
    told: Row = {
        name: typed[name] for name in TEXTS if typed.get(name) or (name in was and typed.get(name) is not None)
    }
    told = {name: value for name, value in told.items() if value} | rest
    name = item_id or str(typed.get("id") or "").strip() or uuid4().hex[:12]
    told |= {"id": name, "tags": typed["tags"] or "", "split": (typed["split"] or "").strip()}
    if item_id is None and not told["split"]:
        del told["split"]  # the rule says
    return told | ({"source": was["source"]} if was.get("source") else {})


def _change(name: str, wanted: Mapping[str, Any], key: str, then: str) -> None:
    """Make a change; afterwards its item is open, or the list where it is gone."""
    try:
        made = data_datasets.change(name, wanted)
    except data.ApiError as error:
        st.session_state[_SAID] = (False, str(error))
        return
    _forget(key)
    words = "Nothing changed." if made is None else f"Saved as version {made['version']:,}."
    st.session_state[_SAID] = (True, words)
    if then:
        st.query_params[datasets.ITEM] = then
    else:
        st.query_params.pop(datasets.ITEM, None)


def _told() -> None:
    said = st.session_state.pop(_SAID, None)
    if said is None:
        return
    done, words = said
    if done:
        st.success(fmt.plain(words, 300), icon=":material/check:")
    else:
        st.error(fmt.plain(words, 800), icon=":material/error:")


def _source(item: Mapping[str, Any]) -> None:
    source = item.get("source")
    if not source:
        return
    st.markdown("**Made from**")
    link = state.trace_link(source["trace_id"], None, source["span_id"])
    st.page_link("views/trace.py", label="Its trace", icon=":material/account_tree:", query_params=link)


def _history(states: list[Row]) -> None:
    """Every state with what changed in it, the newest first."""
    if not states:
        return
    st.markdown("**History**")
    for place, one in enumerate(states):
        before = states[place + 1]["item"] if place + 1 < len(states) else None
        when = fmt.moment(runs.at(one["made_at"]), widgets.zone())[:16]
        by = f" by {one['author']}" if one["author"] else ""
        st.caption(fmt.plain(f"Version {one['since_version']}, {when}{by}: {one['note'] or 'no note'}", 300))
        if before is not None:
            differences(before, one["item"])
        elif place == len(states) - 1:
            st.caption("It came with this version.")
    if states[0]["until_version"] is not None:
        st.caption(f"Version {states[0]['until_version']:,} removed it.")


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
    """The fields that differ, word by word."""
    old, new = (flat(side or {}) for side in (before, after))
    for name in dict.fromkeys([*new, *old]):
        if old.get(name) != new.get(name):
            st.caption(fmt.plain(name, 80))
            st.html(wordings.compared(*(_joined(side.get(name)) for side in (old, new))))


def _joined(value: Any) -> str:
    """A list of texts in lines: so a change of one is a change of one line."""
    listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return "\n".join(value) if listed else text(value)


def flat(item: Mapping[str, Any]) -> Row:
    """The fields by name, members of metadata each on its own; what is empty is not there."""
    held = {
        name: value
        for name, value in item.items()
        if name not in {"id", "metadata", "source", "since_version"} and value not in (None, "", [], {})
    }
    return held | {f"metadata.{name}": value for name, value in (item.get("metadata") or {}).items()}
