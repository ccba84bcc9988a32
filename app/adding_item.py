"""“Add to dataset” of an answer in a row of Compare: what was asked becomes an item, the answer what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import streamlit as st

from app import adding, data, data_datasets, marking
from app import format as fmt

Row = dict[str, Any]

FIELDS = (
    "question", "system", "messages", "contexts", "reference", "reference_contexts", "tools", "reference_tool_calls",
    "metadata",
)  # fmt: skip
AS_WAS, ANSWER, NOTHING = "as the run had it", "this answer", "nothing"
_LIMIT = 1_200  # letters in sight
_FOUND = 1_000  # letters that are sought


def button(case: Mapping[str, Any], answer: str | None, what: str, key: str) -> None:
    """Opens the dialog; `case`: what the run asked."""
    if st.button("Add to dataset", key=f"add-{key}", icon=":material/dataset:"):
        adding.begin()
        _dialog(dict(case), answer, what)


@st.dialog("Add to a dataset", width="large")
def _dialog(case: Row, answer: str | None, what: str) -> None:
    if adding.followed():
        return
    st.markdown(f"{fmt.plain(what, 200)}.")
    name = adding.dataset_named()
    if name is None:
        return
    options = [*([AS_WAS] if case.get("reference") else []), *([ANSWER] if answer else []), NOTHING]
    expected = st.segmented_control("Expected is", options, default=options[0], required=True, key="adding-expected")
    item = item_of(case, answer, str(expected))
    for field in ("question", "reference"):
        if (text := marking.text_of(item, field)) is not None:
            st.caption("Asks" if field == "question" else "Expects")
            st.text(fmt.clip(text, _LIMIT))
    left, right = st.columns(2)
    tags = left.text_input("Tags", key="adding-tags", placeholder="a, b")
    note = right.text_input("Note", "Added from a comparison.", key="adding-note")
    item["tags"] = [tag.strip() for tag in tags.split(",") if tag.strip()]
    if (same := _same(name, item)) is not None:
        st.caption(fmt.plain(f"Its item {same} asks the same.", 200))
    st.button("Add", key="adding-go", type="primary", on_click=_add, args=(name, item, note))
    adding.refusal()


def item_of(case: Mapping[str, Any], answer: str | None, expected: str) -> Row:
    """An item of what was asked, with an id of its own: it never replaces one that is there."""
    item: Row = {name: case[name] for name in FIELDS if case.get(name)} | {"id": uuid4().hex[:12]}
    if expected != AS_WAS:
        item.pop("reference", None)
    return item | ({"reference": answer} if expected == ANSWER and answer else {})


def _same(name: str, item: Mapping[str, Any]) -> str | None:
    """The id of an item that asks the same; null: none, or it is not known."""
    question = str(item.get("question") or "")
    try:
        told = data_datasets.with_text(name, question[:_FOUND]) if question else []
    except data.ApiError:
        return None
    return next((str(one["id"]) for one in told if one.get("question") == question), None)


def _add(name: str, item: Row, note: str) -> None:
    try:
        made = data_datasets.add_item(name, item, note)
    except data.ApiError as error:
        adding.refuse(str(error))
        return
    adding.done(name, made, 1)
