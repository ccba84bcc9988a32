"""The page Training data: whose labels, then what they become: files, a golden set, examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import data_queues, training_files, training_sets, widgets
from app import format as fmt
from app.compare_controls import choice

Row = Mapping[str, Any]
PATH = "views/training_data.py"
STANDING = "Labels stay as they are."
QUEUE, FIELD, PART = "queue", "field", "part"  # of the URL
FEEDBACK = "~feedback"  # no queue is named so
FILES, GOLDEN, EXAMPLES = "files", "golden set", "examples"
EVER = {"since": "2000-01-01T00:00:00Z", "until": "2200-01-01T00:00:00Z"}
CORRECTED: Row = {"name": "correction", "kind": "correction", "title": "A better answer", "choices": []}


def page() -> None:
    """All of it; without labels the page says where they come from."""
    known = [one for one in data_queues.queues() if one["labels"]]
    if not known and st.query_params.get(QUEUE) != FEEDBACK:
        widgets.empty(
            "What labels become would be here: training files, golden sets, examples for judges.",
            "No queue has a label yet. Label some items; or take the better answers that end users sent.",
            _links,
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source, asked = _source(known)
        parts = [FILES, GOLDEN, *([EXAMPLES] if asked["choices"] or asked["kind"] == "preference" else [])]
        part = st.segmented_control(
            "Part", parts, default=FILES, required=True, key=PART, bind="query-params", label_visibility="collapsed"
        )
    draw = {GOLDEN: training_sets.golden, EXAMPLES: training_sets.examples}.get(str(part), training_files.files)
    draw(source, asked)


def _links() -> None:
    with st.container(horizontal=True):
        st.page_link("views/queues.py", label="Open the queues", icon=":material/inbox:")
        st.page_link(
            PATH, label="Corrections of end users", icon=":material/thumbs_up_down:", query_params={QUEUE: FEEDBACK}
        )


def _source(known: Sequence[Row]) -> tuple[Row, Row]:
    """Whose labels, as requests name it, and the field that was answered."""
    words = {one["name"]: f"{fmt.clip(one['name'], 60)}: {fmt.plural(one['labels'], 'label')}" for one in known}
    choice(QUEUE, "Labels of", words | {FEEDBACK: "end users: corrections"}, width=280)
    names = {one["name"]: one for one in known}
    told = st.query_params.get(QUEUE)
    if told == FEEDBACK:
        return {"kind": "feedback", **EVER}, CORRECTED
    if told and told not in names:
        st.warning(f"No queue named {fmt.plain(told, 100)} has labels.", icon=":material/warning:")
    queue = names[told] if told in names else known[0]
    fields: dict[str, Row] = {one["name"]: one for one in queue["terms"]["fields"]}
    choice(FIELD, "Field", {name: fmt.clip(one["title"] or name, 60) for name, one in fields.items()})
    asked = fields.get(str(st.query_params.get(FIELD))) or next(iter(fields.values()))
    return {"kind": "queue", "queue": queue["name"], "field": asked["name"]}, asked
