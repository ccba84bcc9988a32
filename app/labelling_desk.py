"""The desk: item and form as one component, which shows the next item before the server has heard of the last one.

A rerun of the page takes a quarter of a second, and more while the machine is busy; a key is answered in the browser.
What was said leaves as operations (`app/labelling_work.py`), whose answers come with the next run of the fragment.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import data, data_labelling, data_queues, labelling_words, widgets
from app import labelling_work as work_
from app.component import component

Row = dict[str, Any]

PARTS = (
    "markdown",
    "difference",
    "passage",
    "content",
    "fields",
    "spans",
    "guide",
    "form",
    "reasons",
    "clock",
    "outbox",
)
AGAIN_S = 15  # while others have what is left
_WORK, _QUEUE = "labelling-work", "labelling-queue"  # session state: of whom what is in hand; the queue as it was read
_KEY = "labelling-desk"

# As high as the window: item and form scroll, the page does not. On narrow ones Streamlit's head covers the top.
_STYLE = """<style>.stMainBlockContainer { padding-bottom: 0; }
@media (min-width: 769px) { .stMainBlockContainer { padding-top: 2.6rem; } }</style>"""

_component = component("labelling", PARTS)


def desk(queue: str, labeller: str, number: int | None) -> None:
    """Items of a queue for one person; `number`: the item that the link names, shown first."""
    of = f"{data.project()}/{queue}/{labeller}"
    held = st.session_state.get(_WORK)
    if held is None or held[0] != of or not st.session_state.get(_KEY):  # nothing is told while it is not there
        _begin(of, queue, labeller, number)
    st.html(_STYLE)
    st.fragment(_drawn)(of, queue, labeller, number)


def _begin(of: str, queue: str, labeller: str, number: int | None) -> None:
    """Read the queue and take the first items. Raises ApiError."""
    st.session_state[_QUEUE] = data_queues.queue(queue)
    work = work_.Work(blind=st.session_state[_QUEUE]["terms"]["blind"])
    try:
        work_.begin(work, data_labelling.door(queue, labeller), number)
    except data.ApiError as error:
        if error.kind != "refused" or number is None:
            raise
        work_.begin(work, data_labelling.door(queue, labeller))
        work.answers[work_.LINKED] = {"refused": str(error)}
    st.session_state[_WORK] = (of, work)


def _drawn(of: str, queue: str, labeller: str, number: int | None) -> None:
    def heard() -> None:
        _hear(dict(st.session_state[_KEY]["outbox"] or {}), of, queue, labeller)

    told = dict((st.session_state.get(_KEY) or {}).get("outbox") or {})
    _component(key=_KEY, data=shown(of, told, labeller, number), on_outbox_change=heard)
    widgets.drawn()


def _hear(told: Row, of: str, queue: str, labeller: str) -> None:
    held: tuple[str, work_.Work] | None = st.session_state.get(_WORK)
    if held is None or held[0] != of or told.get("of") != of:  # of the queue or labeller before
        return
    work, door = held[1], data_labelling.door(queue, labeller)
    work_.settle(work, told.get("ops") or [], door)
    if work.stale:
        _again(work, queue, door)


def _again(work: work_.Work, queue: str, door: work_.Door) -> None:
    """What was refused may be so because the queue or what is in hand has changed."""
    try:
        st.session_state[_QUEUE] = data_queues.queue(queue)
        work.blind = st.session_state[_QUEUE]["terms"]["blind"]
        work_.begin(work, door)
        work.stale = False
    except data.ApiError as error:
        work.failing = str(error)


def shown(of: str, told: Row, labeller: str, number: int | None) -> Row:
    """What the component is told: answers to what it `told`, and of queue and items what it does not know already."""
    queue, work = st.session_state[_QUEUE], st.session_state[_WORK][1]
    knows = (told.get("knows") or {}) if told.get("of") == of else {}
    version, known = str(queue["version"]), set(knows.get("items") or ())
    asked = {work_.LINKED, *(str(op.get("id")) for op in told.get("ops") or ())}
    hand = [
        {name: value for name, value in item.items() if name != "content" or item["number"] not in known}
        | {"said": work.said.get(item["number"])}
        for item in work.hand
    ]
    return {
        "of": of, "queue_of": version, "queue": None if knows.get("queue") == version else told_queue(queue, version),
        "hand": hand, "answers": {name: answer for name, answer in work.answers.items() if name in asked},
        "course": labelling_words.course(work.progress),
        "none": labelling_words.none_left(work.why_none, work.progress, labeller),
        "again_s": AGAIN_S if work.why_none == "all taken" else None, "failing": work.failing,
        "name": queue["name"], "can_undo": bool(work.progress.get("can_undo")), "wanted": number,
    }  # fmt: skip


def told_queue(queue: Row, version: str) -> Row:
    """What a queue says, as the component needs it."""
    terms = queue["terms"]
    return {
        "of": version, "fields": terms["fields"], "guidelines": terms["guidelines"], "examples": terms["examples"],
        "blind": terms["blind"], "lease_s": terms["lease_minutes"] * 60,
        "compares": any(field["kind"] in {"preference", "ranking"} for field in terms["fields"]),
        "fields_version": queue["fields_version"], "guidelines_version": queue["guidelines_version"],
    }  # fmt: skip
