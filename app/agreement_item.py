"""An item of a queue as who decides sees it. All of it is untrusted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import conversation, state
from app import format as fmt

Row = Mapping[str, Any]
QUOTED = 160  # letters of a marked text


def item(content: Row, key: str) -> None:
    """What was asked on top, then documents, then each answer; of what is compared side by side, without names."""
    if content["question"]:
        st.caption("Asked")
        conversation.text(content["question"], f"{key}-question")
    if len(content["history"]) > 1:
        with st.expander(f"Conversation, {fmt.plural(len(content['history']), 'message')}"):
            conversation.messages(content["history"], f"{key}-history")
    if content["contexts"]:
        with st.expander(fmt.plural(len(content["contexts"]), "document")):
            for at, one in enumerate(content["contexts"]):
                st.caption(fmt.plain(one["id"] or f"document {at + 1}", 100))
                conversation.text(one["text"], f"{key}-context-{at}")
    if content["reference"]:
        with st.expander("Reference answer"):
            conversation.text(content["reference"], f"{key}-reference")
    sides = content["sides"]
    for slot, side in zip(st.columns(min(len(sides), 2)) * 4, sides, strict=False):
        with slot:
            _side(side, f"{key}-{side['key']}", alone=len(sides) == 1)
    if content["cut"]:
        st.badge(f"Cut: {', '.join(fmt.plain(one, 40) for one in content['cut'])}", color="orange")


def _side(side: Row, key: str, *, alone: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Answer" if alone else f"Answer {fmt.plain(side['key'], 10)}", width="content")
        if alone and side["trace_id"] and (trace := state.trace_id(side["trace_id"])):
            st.page_link(
                "views/trace.py", label="Its trace", icon=":material/account_tree:",
                query_params=state.trace_link(trace, span_id=side["span_id"]),
            )  # fmt: skip
    if side["messages"]:
        conversation.messages(side["messages"], key)
    elif side["answer"]:
        conversation.text(side["answer"], key)
    else:
        st.caption("Nothing was answered.")
    if side["steps"]:
        with st.expander(fmt.plural(len(side["steps"]), "tool call")):
            for at, step in enumerate(side["steps"]):
                st.caption(fmt.plain(step["name"], 100))
                conversation.value(step["arguments"], f"{key}-step-{at}")
                conversation.value(step["error"] or step["result"], f"{key}-result-{at}")


def marks(told: Sequence[Row], content: Row) -> list[str]:
    """Marks with the text that they are of: `wrong: “the moon”`."""
    sides = {side["key"]: side for side in content["sides"]}

    def text(one: Row) -> str:
        place, _, number = str(one.get("part")).partition(".")
        if place == "contexts":
            texts = [each["text"] for each in content["contexts"]][int(number) :]
            found = texts[0] if texts else None
        else:
            found = (sides.get(one.get("side", "a")) or {}).get("answer")
        return fmt.clip(str(found or "")[one["start"] : one["end"]], QUOTED)

    return [f"{one['label']}: “{text(one)}”" for one in told]
