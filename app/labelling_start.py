"""Before the first item: which queue, and who labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import format as fmt
from app import labelling, listing, state, widgets
from app.listing import Cell, Column

PATH = "views/labelling.py"
QUEUE, LABELLER, ITEM = "queue", "labeller", "item"  # of the URL
_FIELD = "labelling-labeller"  # key of the field
_LONGEST = 200

COLUMNS = (
    Column("Queue", "minmax(160px, 1.4fr)", link=True),
    Column("What for", "minmax(140px, 2fr)"),
    Column("Done", "150px", "right", "Items that have all their labels"),
    Column("Labels", "110px", "right", "Of those that are needed"),
    Column("At work", "80px", "right", "Items that somebody has before them"),
    Column("Deadline", "120px"),
)


def chosen(name: str) -> str:
    """What the URL has under this name; '' nothing."""
    return str(st.query_params.get(name) or "").strip()


def number() -> int | None:
    """The item that the URL names."""
    return state.whole(chosen(ITEM)) or None


def path(queue: str, labeller: str = "", item: int | None = None) -> str:
    """A link to a queue's items, relative to the app's pages."""
    told = {QUEUE: queue, LABELLER: labeller, ITEM: item}
    return f"labelling?{urlencode({name: value for name, value in told.items() if value})}"


def switches() -> None:
    """In the title row: the way back to all queues, and who labels."""
    if chosen(QUEUE):
        st.page_link(PATH, label="All queues", icon=":material/arrow_back:", query_params={})
    known = chosen(LABELLER) or labelling.author()
    if st.session_state.get(_FIELD) is None or chosen(LABELLER):
        st.session_state[_FIELD] = known
    st.text_input(
        "Labelled by", key=_FIELD, max_chars=_LONGEST, placeholder="Your name", on_change=_named, width=200,
        icon=":material/person:", label_visibility="collapsed",
    )  # fmt: skip
    if name():
        labelling.remember(name())


def name() -> str:
    """Who labels, as the URL says, else as they said before in this session; '' nobody yet."""
    return str(st.session_state.get(_FIELD) or "").strip()


def _named() -> None:
    if name():
        st.query_params[LABELLER] = name()
    else:
        st.query_params.pop(LABELLER, None)
        labelling.remember("")


def nobody(queue: str) -> None:
    """A queue is chosen, and nobody has said who labels."""
    with st.container(border=True):
        st.markdown(f"**Who labels {fmt.plain(queue, 100)}?**")
        st.caption("Give your name at the top right: labels of two people stand beside one another, each under a name.")


def overview(found: Sequence[Mapping[str, Any]], who: str) -> None:
    """The queues, those of higher priority first, each a link to its next item."""
    if not found:
        widgets.empty(
            "Here would be the queues that have items to label.",
            "There are none yet. A queue asks people about traces or rows of runs; set one on the page Queues.",
        )
        return
    st.markdown(finding(found))
    listing.listing("labelling-queues", "Queues", COLUMNS, [_row(one, who) for one in found])


def finding(found: Sequence[Mapping[str, Any]]) -> str:
    """How much there is to do: `3 queues; 2 have items left, 120 labels in all`."""
    open_ = [one for one in found if one["open"] and one["labels"] < one["labels_needed"]]
    left = sum(one["labels_needed"] - one["labels"] for one in open_)
    if not open_:
        return f"{fmt.plural(len(found), 'queue')}; nothing is left to label."
    have = "has" if len(open_) == 1 else "have"
    return f"{fmt.plural(len(found), 'queue')}; {len(open_):,} {have} items left, {fmt.plural(left, 'label')} in all."


def _row(one: Mapping[str, Any], who: str) -> listing.Row:
    items = one["items"]
    due = Cell(widgets.when(one["deadline"]), tone="red" if one["overdue"] else "")
    return listing.Row(
        path(one["name"], who),
        (
            Cell(one["name"]),
            Cell(fmt.clip(one["terms"]["description"], 200), quiet=True),
            Cell(f"{one['done']:,} of {items:,}", share=one["done"] / items if items else None),
            Cell(f"{one['labels']:,} of {one['labels_needed']:,}"),
            Cell(fmt.count(one["leased"])),
            due if one["open"] else Cell("closed", tone="gray"),
        ),
    )
