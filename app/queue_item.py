"""One item of a queue: what is shown, what people and judges said of it, what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import alert_actions, data, data_queues, data_traces, labelling, queue_content, queues, widgets
from app import format as fmt

Item = Mapping[str, Any]


def page(name: str, number: int) -> None:
    """The item, with what may be changed of it."""
    try:
        item = data_queues.item(name, number)
    except data.ApiError as error:
        _back(name)
        widgets.failed("The item did not come.", error, "The queue's list may say more.")
        return
    _head(name, item)
    left, right = st.columns([3, 2], gap="large")
    with left:
        queue_content.section(item["content"], f"item-{number}", names=True)
    with right:
        _labels(item)
        _scores(name, item)


def _back(name: str) -> None:
    st.page_link(
        queues.PATH, label=f"Queue {fmt.plain(name, 80)}", icon=":material/arrow_back:",
        query_params={queues.CHOSEN: name},
    )  # fmt: skip


def _head(name: str, item: Item) -> None:
    number = int(item["number"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Item {number:,}", anchor=False, width="content")
        st.badge("gold" if item["gold"] else item["state"], color="orange" if item["gold"] else "gray")
        if item["why"]:
            st.caption(fmt.plain(item["why"], 300), width="content")
        st.space("stretch")
        _back(name)
    with st.container(horizontal=True, vertical_alignment="center"):
        author = alert_actions.author_field()
        st.page_link(
            queues.LABELLING, label="Label it", icon=":material/edit_note:",
            query_params={queues.CHOSEN: name, queues.ITEM: str(number)},
        )  # fmt: skip
        queue_content.trace(item["trace_id"], item["span_id"])
        removed = item["state"] == "removed"
        st.button(
            "Put back" if removed else "Take out", key="item-remove",
            icon=":material/undo:" if removed else ":material/delete:",
            on_click=queues.clicked, args=(lambda: data_queues.change(name, number, {"removed": not removed}, author),),
            disabled=not author, help=None if removed else "It is handed out no more, and its labels count no more",
        )  # fmt: skip
        if item["state"] == "skipped":
            st.button(
                "Hand it out again", key="item-again", icon=":material/refresh:", disabled=not author,
                on_click=queues.clicked, args=(lambda: data_queues.change(name, number, {"back": True}, author),),
            )  # fmt: skip
    queues.refusal()


def _labels(item: Item) -> None:
    st.markdown("**Labels**")
    if item["gold"]:
        st.caption(fmt.plain(f"Right: {answers(item['gold'])}", 400))
    for one in item["decisions"]:
        told = answers({one["field"]: "taken back" if one["answer"] is None else one["answer"]})
        st.caption(fmt.plain(f"{one['author']} decided {told}", 400))
    if not item["labels"]:
        st.caption("Nobody has labelled it yet.")
    for one in item["labels"]:
        with st.container(border=True, gap="xsmall"):
            spent = f", {fmt.duration(one['seconds'] * 1e9)}" if one["seconds"] else ""
            edits = f", {fmt.plural(len(one['edits']), 'earlier edit')}" if one["edits"] else ""
            st.caption(fmt.plain(f"{one['author']}, {widgets.when(one['saved_at'])}{spent}{edits}", 300))
            if one["state"] == "saved":
                st.text(answers(one["answers"]))
            else:
                st.caption(fmt.plain(f"{one['state']}{': ' + one['reason'] if one['reason'] else ''}", 300))
            if one["comment"]:
                st.text(fmt.clip(one["comment"], 2_000))


def answers(told: Mapping[str, Any]) -> str:
    """`correct: yes; wrong: 2 marks`."""
    return "; ".join(f"{name}: {_answer(answer)}" for name, answer in told.items()) or "nothing"


def _answer(told: Any) -> str:
    if isinstance(told, list) and told and isinstance(told[0], dict):
        return ", ".join(f"{one['label']} in {one['part']} from {one['start']:,} to {one['end']:,}" for one in told[:5])
    if isinstance(told, list):
        parts = [" and ".join(one) if isinstance(one, list) else str(one) for one in told]
        return " > ".join(parts) if any(isinstance(one, list) for one in told) else ", ".join(parts)
    return fmt.clip(str(told), 500)


def _scores(name: str, item: Item) -> None:
    """Scores of what it is about, by who gave them: labels of this queue stand above, and end users are no judges."""
    for title, own in scored(name, item["scores"]):
        st.markdown(f"**{title}**")
        for one in own:
            _score(one)


def scored(name: str, scores: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Headings with their scores; of queue `name` itself none, nor what was taken back."""
    told = [one for one in scores if one["error_type"] != data_traces.WITHDRAWN]
    people = [one for one in told if one["source"] == "human" and one["evaluator"] != name]
    users = [one for one in told if one["source"] == "user"]
    judges = [one for one in told if one["source"] not in {"human", "user"}]
    parts = (("Scores of judges", judges), ("Labels given elsewhere", people), ("Feedback of end users", users))
    return [(title, own) for title, own in parts if own]


def _score(one: Mapping[str, Any]) -> None:
    ruler = " ".join(part for part in (one["evaluator"], one["evaluator_version"]) if part)
    by = one["author"] if one["source"] in {"human", "user"} and one["author"] else ruler
    failed = one["error_type"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(fmt.clip(one["name"], 60), width="content")
        if failed:
            st.badge(fmt.plain(f"failed: {failed}", 60), color="red")
        else:
            value = labelling.worded({"label": one["label"], "value": one["value"]})
            st.badge(fmt.plain(value, 60), color="gray")
        st.caption(fmt.plain(f"by {by or fmt.UNKNOWN}", 100), width="content")
    if one["explanation"]:
        st.text(fmt.clip(one["explanation"], 1_000))
