"""What an item of a queue shows, for those who decide about it or look after its queue. All of it is untrusted text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import conversation, state
from app import format as fmt

Row = Mapping[str, Any]


def section(content: Row, key: str, *, names: bool) -> None:
    """What was asked last on top, then documents, then each answer; of what is compared two side by side.

    `key` makes its widgets unique on the page. `names`: whether those of variants are told.
    """
    _asked(content, key)
    _documents(content["contexts"], key)
    if content["reference"]:
        with st.expander("Reference answer"):
            conversation.text(content["reference"], f"{key}-reference")
    sides = content["sides"]
    for slot, side in zip(st.columns(min(len(sides), 2)) * 4, sides, strict=False):
        with slot:
            _side(side, f"{key}-{side['key']}", alone=len(sides) == 1, names=names)
    if content["cut"]:
        st.caption(fmt.plain(f"Cut, as too long to keep: {', '.join(content['cut'])}.", 300))


def trace(trace_id: str | None, span_id: str | None) -> None:
    """A link to the trace that it is of; nothing where there is none."""
    if found := state.trace_id(str(trace_id or "")):
        st.page_link(
            "views/trace.py", label="Its trace", icon=":material/account_tree:",
            query_params=state.trace_link(found, span_id=span_id),
        )  # fmt: skip


def _asked(content: Row, key: str) -> None:
    question, history = content["question"], content["history"]
    if question:
        st.caption("Asked")
        conversation.text(question, f"{key}-question")
    if len(history) > 1 or (history and not question):
        with st.expander(f"Conversation, {fmt.plural(len(history), 'message')}"):
            conversation.messages(history, f"{key}-history")


def _documents(contexts: list[Row], key: str) -> None:
    if not contexts:
        return
    with st.expander(fmt.plural(len(contexts), "document")):
        for place, one in enumerate(contexts):
            words = [f"Document {one['rank'] or place + 1}"]
            words += [f"id {fmt.plain(one['id'], 60)}"] if one["id"] else []
            words += [f"score {fmt.digits(one['score'])}"] if one["score"] is not None else []
            st.caption(", ".join(words))
            conversation.text(one["text"], f"{key}-context-{place}")


def _side(side: Row, key: str, *, alone: bool, names: bool) -> None:
    named = f", {fmt.plain(side['name'], 60)}" if names and side["name"] else ""
    st.caption("Answer" if alone else f"Answer {fmt.plain(side['key'], 10)}{named}")
    if side["messages"]:
        conversation.messages(side["messages"], f"{key}-messages")
    elif side["answer"]:
        conversation.text(side["answer"], f"{key}-answer")
    else:
        st.caption("Nothing was answered.")
    if side["steps"]:
        with st.expander(fmt.plural(len(side["steps"]), "tool call")):
            for place, step in enumerate(side["steps"]):
                st.caption(fmt.plain(f"{step['name']}{', failed' if step['error'] else ''}", 120))
                conversation.value(step["arguments"], f"{key}-arguments-{place}")
                conversation.value(step["error"] or step["result"], f"{key}-result-{place}")
