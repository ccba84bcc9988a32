"""The list of queues, and what the parts of the page share: links, words, tones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import streamlit as st

from app import data, data_queues, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Queue = Mapping[str, Any]
Tone = Literal["red", "orange", "green", "blue", "gray"]

PATH, LABELLING = "views/queues.py", "views/labelling.py"
# Of the URL: which queue is open, which of its items, a new one, one that is edited.
CHOSEN, ITEM, MAKE, EDIT = "queue", "item", "make", "edit"
KINDS = {
    "binary": "yes or no", "categorical": "one of several", "ordinal": "a scale of words", "numeric": "a number",
    "text": "free text", "spans": "marks in the text", "correction": "a better answer",
    "preference": "which of two is better", "ranking": "an order of several",
}  # fmt: skip
"""Kinds of fields, in words."""
_REFUSED = "queue-refused"  # session state: why the last click did nothing


def chosen(name: str) -> str:
    """What the URL has under this name; '' nothing."""
    return str(st.query_params.get(name) or "")


def number() -> int:
    """The item that the URL names; 0: none."""
    return state.whole(chosen(ITEM))


def tried(do: Callable[[], object]) -> bool:
    """Do what was clicked; false: it was refused, which `refusal` says as the page is drawn."""
    try:
        do()
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)
        return False
    return True


def clicked(do: Callable[[], object]) -> None:
    """`tried`, as a button takes it, which wants no answer."""
    tried(do)


def refusal() -> None:
    """Why the last click did nothing, once."""
    if said := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(said, 600), icon=":material/error:")


def path(name: str, **more: str) -> str:
    """A link to a queue, relative to the app's pages."""
    return f"queues?{urlencode({CHOSEN: name, **more})}"


def overview() -> None:
    """All queues of the project, or what one is for."""
    found = data_queues.queues()
    if not found:
        widgets.empty(
            "Queues would be here: items that people label, with a form, guidelines, and who is how far.",
            "None is set yet. The first one takes a minute: say what to ask, then which traces.", _new,
        )  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(fmt.plain(finding(found), 600), width="content")
        st.space("stretch")
        _new()
    listing.listing("queues", "Queues", COLUMNS, [_line(one) for one in found])
    st.caption(f"Times in {widgets.zone()}. Keys: j k move, Enter opens.")


def _new() -> None:
    st.page_link(PATH, label="New queue", icon=":material/add:", query_params={MAKE: "1"})


def finding(found: Sequence[Queue]) -> str:
    """How much is left, and what is late: `3 queues; 412 labels are missing in 2 of them; refunds is overdue.`"""  # noqa: D415 - an example
    left = [one for one in found if missing(one)]
    said = [fmt.plural(len(found), "queue")]
    if left:
        labels = sum(missing(one) for one in left)
        said.append(f"{fmt.plural(labels, 'label is', 'labels are')} missing in {len(left):,} of them")
    else:
        said.append("no label is missing")
    if late := [str(one["name"]) for one in found if one["overdue"]]:
        said.append(f"{fmt.plural(len(late), 'is', 'are')} overdue: {', '.join(late[:3])}")
    return "; ".join(said) + "."


def missing(one: Queue) -> int:
    """Labels that its items still need."""
    return max(0, int(one["labels_needed"]) - int(one["labels"]))


COLUMNS = (
    Column("Queue", "minmax(130px, 1.2fr)", link=True),
    Column("State", "84px"),
    Column("Asks for", "minmax(150px, 1.6fr)"),
    Column("Items done", "120px", "right", help="Items that have all their labels, of all; gold items apart"),
    Column("Labels", "104px", "right", help="Labels of the items, of those needed"),
    Column("In hand", "62px", "right", help="Items that somebody has before them now"),
    Column("People", "60px", "right", help="Who have labelled"),
    Column("Ready about", "104px", help="At the pace of the last 24 hours"),
    Column("Deadline", "104px"),
)


def _line(one: Queue) -> listing.Row:
    word, tone = state_of(one)
    share = one["done"] / one["items"] if one["items"] else 0.0
    asks = ", ".join(str(field["name"]) for field in one["terms"]["fields"])
    return listing.Row(
        path(str(one["name"])),
        [
            Cell(fmt.clip(one["name"], 80), fmt.clip(one["terms"]["description"], 400)),
            Cell(word, tone=tone),
            Cell(fmt.clip(asks, 120), fmt.clip(asks, 400)),
            Cell(f"{one['done']:,} of {one['items']:,}", share=round(share, 4), quiet=not one["items"]),
            Cell(f"{one['labels']:,} of {one['labels_needed']:,}", quiet=not one["labels_needed"]),
            Cell(f"{one['leased']:,}", quiet=not one["leased"]),
            Cell(f"{one['labellers']:,}", quiet=not one["labellers"]),
            Cell(ready(one), quiet=True),
            Cell(widgets.when(one["deadline"]) or "none", quiet=not one["overdue"]),
        ],
    )


def state_of(one: Queue) -> tuple[str, Tone]:
    """One word of how it stands."""
    if not one["open"]:
        return "closed", "gray"
    if not one["items"] and not one["gold_items"]:
        return "empty", "gray"
    if one["overdue"]:
        return "overdue", "red"
    return ("ready", "green") if not missing(one) else ("open", "blue")


def ready(one: Queue) -> str:
    """When its labels will be there at the pace of the last day; `unknown` without one."""
    if not missing(one):
        return "now" if one["items"] else "no items"
    return widgets.when(one["pace"]["ready_at"]) if one["pace"] else fmt.UNKNOWN


def pace(one: Queue) -> str:
    """`12 labels an hour, ready about ...`; '' where nobody labels, or all is done."""
    if not one["pace"]:
        return ""
    rate = float(one["pace"]["labels_per_hour"])
    left = fmt.duration(timedelta(hours=float(one["pace"]["hours_left"])).total_seconds() * 1e9)
    return f"{fmt.digits(rate)} labels an hour in the last day; at this pace ready in {left}"
