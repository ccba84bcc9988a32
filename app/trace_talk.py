"""A whole trace as one conversation: what each step said that none before had, tool calls with their results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import conversation, data_trace, state, tree, widgets
from app import format as fmt

Row = Mapping[str, Any]
_LONG_SYSTEM = 600  # letters; longer instructions are folded


@st.fragment
def talk(trace_id: str, version: str) -> None:
    """Page by page, since a trace may have thousands of steps."""
    key = f"talk-{trace_id}"
    pages: list[int] = st.session_state.setdefault(key, [0])
    found = data_trace.conversation(trace_id, version, pages[-1])
    if not found["steps"]:
        widgets.empty("A conversation would be here.", "The trace has no model call and no tool run.")
        return
    st.caption("Each step shows what no step before has told. Repeated history is folded; results stand with calls.")
    for place, step in enumerate(found["steps"]):
        _step(trace_id, step, f"{key}-{pages[-1]}-{place}")
    _pages(key, pages, found["next"])


def _pages(key: str, pages: list[int], following: int | None) -> None:
    if following is None and len(pages) == 1:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Previous", disabled=len(pages) == 1, key=f"{key}-previous"):
            st.session_state[key] = pages[:-1]
            st.rerun(scope="fragment")
        if st.button("Next", disabled=following is None, key=f"{key}-next"):
            st.session_state[key] = [*pages, int(following or 0)]
            st.rerun(scope="fragment")
        st.caption(f"Page {len(pages):,}")


def _step(trace_id: str, step: Row, key: str) -> None:
    with st.container(gap="xsmall"):
        _heading(trace_id, step)
        if step["failed"]:
            st.error(fmt.plain(step["failed"], 500), icon=":material/error:")
        if step["folded"]:
            st.caption(f":gray[{fmt.plural(step['folded'], 'message')} of before, folded]")
        for place, message in enumerate(step["messages"]):
            _message(trace_id, message, f"{key}-{place}")
        if step["kind"] == "tool":
            _run(step, key)
        if step["cut"]:
            st.caption("Long texts are cut to their first 200,000 letters here; the span has them whole.")


def _heading(trace_id: str, step: Row) -> None:
    what = step["tool_name"] if step["kind"] == "tool" else step["model"] or step["name"]
    who = f"{step['agent_name']}: " if step["agent_name"] else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "views/trace.py", label=fmt.plain(who + fmt.clip(str(what or step["name"]), 80, tree.UNNAMED), 120),
            query_params=state.trace_link(trace_id, None, step["span_id"]), help="The span in the timeline",
        )  # fmt: skip
        st.caption(f"{step['kind']} · {fmt.duration(step['duration_ns'])}", width="content")


def _message(trace_id: str, message: Row, key: str) -> None:
    letters = len(str(message["parts"]))
    if message["role"] == "system" and letters > _LONG_SYSTEM:
        with st.expander(f"System, about {letters:,} letters"):
            conversation.messages([message], key)
    else:
        conversation.messages([message], key)
    for place, part in enumerate(message["parts"]):
        if part.get("type") == "tool_call" and ("result" in part or "failed" in part):
            _result(trace_id, part, f"{key}-result-{place}")


def _result(trace_id: str, part: Row, key: str) -> None:
    with st.container(border=True, gap="xsmall"):
        _of_run(trace_id, part)
        if part.get("failed"):
            st.error(fmt.plain(str(part["failed"]), 500), icon=":material/error:")
        if part.get("result") is not None:
            conversation.value(part["result"], key)


def _of_run(trace_id: str, part: Row) -> None:
    """Which tool ran, and how long; it leads to the span that tells so, where one does."""
    said = f"result of {fmt.plain(fmt.clip(str(part.get('name') or ''), 60, 'a tool'))}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if part.get("ran"):
            st.page_link(
                "views/trace.py", label=said, query_params=state.trace_link(trace_id, None, part["ran"]),
                help="The span in the timeline",
            )  # fmt: skip
        else:
            st.caption(said, width="content")
        if part.get("duration_ns") is not None:
            st.caption(fmt.duration(part["duration_ns"]), width="content")


def _run(step: Row, key: str) -> None:
    """A tool that no shown call asked for."""
    for name in ("arguments", "result"):
        if step[name] is not None:
            with st.container(border=True, gap="xsmall"):
                st.caption(name)
                conversation.value(step[name], f"{key}-{name}")
