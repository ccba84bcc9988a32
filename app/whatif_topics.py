"""Topics of What-if's routing: what makes each, how many calls it has, and calls to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import data, estimates, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column, Row

COUNT = "topics"  # key of the control, and its name in the URL
MOST = 20
_WORDS, _DOUBTFUL = 3, 0.8  # words that name a topic; agreement below which topics are hardly told apart
Found = Mapping[str, Any]


def control() -> dict[str, data.Param]:
    """Into how many topics levels are parted; a parameter of the API."""
    st.caption("Topics", width="content")
    count = st.number_input(
        "Topics", 0, MOST, 0, 1, key=COUNT, bind="query-params", width=110, label_visibility="collapsed",
        help="Part levels by what the user said last, into so many topics at most. 0: not at all",
    )  # fmt: skip
    return {COUNT: int(count)}


def names(topics: Found | None) -> dict[str, str]:
    """Topic -> how a table calls it: `2 refund, money, order`."""
    rows = topics["rows"] if topics else []
    return {row["topic"]: fmt.clip(f"{row['topic']} {', '.join(row['words'][:_WORDS])}".strip(), 60) for row in rows}


def section(topics: Found | None) -> None:
    """What the topics are; nothing where none were asked for."""
    if not topics:
        return
    if not topics["rows"]:
        _none(topics)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Topics of what the user said last**", width="content")
        st.space("stretch")
        widgets.csv(pd.json_normalize(topics["rows"]), "what-if-topics")
    if topics["agreement"] < _DOUBTFUL:
        st.warning(
            "These topics are hardly told apart by their words: take fewer, or none. The texts may be too alike, or "
            "too different.", icon=":material/warning:",
        )  # fmt: skip
    listing.listing("whatif-topics", "Topics, with calls to look at", COLUMNS, [*_rows(topics["rows"])])
    st.caption(
        f"Found in {fmt.plural(topics['texts'], 'text')} by the words that go together; no model is asked. "
        f"A call's topic is the one whose words weigh most in it, which is what the clusters say of "
        f"{estimates.share(topics['agreement'])} of them; the policy has all words and weights. Synonyms are "
        "different words. A row opens a call."
    )


def _none(topics: Found) -> None:
    untold = f"{fmt.plural(topics['untold'], 'call')} of the sample told no text. " if topics["untold"] else ""
    widgets.empty(
        "Topics would be here.",
        f"No two can be told apart in {fmt.plural(topics['texts'], 'text')} of what users said last. {untold}"
        "The groups below are levels alone.",
    )


COLUMNS = (
    Column("Topic", "80px"),
    Column("Calls", "70px", "right"),
    Column("Share", "64px", "right"),
    Column("Its words, the most telling first", "minmax(200px, 1fr)"),
    Column("A call of it", "minmax(260px, 1.6fr)", link=True),
)


def _rows(rows: list[dict[str, Any]]) -> Iterator[Row]:
    """A row per example; what is of the topic stands at the first."""
    for row in rows:
        words = ", ".join(row["words"]) or {"other": "none of theirs", "not told": "no text was recorded"}[row["topic"]]
        head = [
            Cell(row["topic"]), Cell(fmt.short(row["calls"]), f"{row['sampled']:,} of the sample"),
            Cell(fmt.UNKNOWN if row["share"] is None else estimates.share(row["share"])),
            Cell(fmt.clip(words, 200), fmt.clip(words, 200)),
        ]  # fmt: skip
        for place, call in enumerate(row["examples"] or [None]):
            yield Row(_href(call), [*(head if not place else [Cell("")] * len(head)), _example(call)])


def _href(call: Found | None) -> str:
    return "" if call is None else state.trace_path(call["trace_id"], span_id=call["span_id"])


def _example(call: Found | None) -> Cell:
    if call is None:
        return Cell(fmt.UNKNOWN, quiet=True)
    return Cell(fmt.clip(call["text"] or "no text", 200), fmt.clip(call["text"] or "", 300), quiet=not call["text"])
