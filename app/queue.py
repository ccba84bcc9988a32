"""One queue: how far it is, its items, who labelled, what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app import alert_actions, data, data_queues, listing, queue_filling, queue_item, queues, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Queue = Mapping[str, Any]

PART, STATE, SEARCH, AFTER = "part", "state", "search", "after"  # of the URL
PARTS = ("items", "people", "form", "feeds", "versions")
STATES = ("all", "waiting", "started", "done", "skipped", "gold", "removed")
TONES: Mapping[str, queues.Tone] = {"done": "green", "started": "blue", "skipped": "orange", "removed": "red"}
ROWS = 50
_GONE = "queue-gone"  # session state: the queue that was just deleted


def page(name: str) -> None:
    """The queue's parts."""
    if st.session_state.pop(_GONE, None) == name:
        st.success(f"Queue {fmt.plain(name, 100)} is deleted. The scores that its labels made stay.")
        _back()
        return
    try:
        one = data_queues.queue(name)
    except data.ApiError as error:
        _back()
        widgets.failed("The queue did not come.", error, "Other queues may.")
        return
    _head(one)
    tiles(one)
    part = st.segmented_control(
        "Part", PARTS, default=PARTS[0], required=True, key=PART, bind="query-params", label_visibility="collapsed"
    )
    drawn: Mapping[str, Callable[[Queue], None]] = {
        "items": _items, "people": _people, "form": _form, "feeds": _feeds, "versions": _versions
    }  # fmt: skip
    drawn[str(part)](one)


def _back() -> None:
    st.page_link(queues.PATH, label="All queues", icon=":material/arrow_back:", query_params={})


def _head(one: Queue) -> None:
    name, labels = str(one["name"]), one["open"] and (one["items"] or one["gold_items"])
    word, tone = queues.state_of(one)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(fmt.plain(name, 100), anchor=False, width="content")
        st.badge(word, color=tone)
        st.space("stretch")
        _back()
    if one["terms"]["description"]:
        st.caption(fmt.plain(one["terms"]["description"], 1_000))
    paced = queues.pace(one)
    st.markdown(fmt.plain(f"{one['sentence']}{f' {paced}.' if paced else ''}", 600))
    with st.container(horizontal=True, vertical_alignment="center"):
        author = alert_actions.author_field()
        st.page_link(
            queues.LABELLING, label="Label", icon=":material/edit_note:", query_params={queues.CHOSEN: name},
            disabled=not labels,
        )  # fmt: skip
        kind: Any = "secondary" if labels else "primary"
        if st.button("Add items", icon=":material/add:", type=kind, key="queue-add"):
            queue_filling.dialog(one)
        st.page_link(queues.PATH, label="Edit", icon=":material/edit:", query_params={queues.EDIT: name})
        st.page_link(
            "views/agreement.py", label="Agreement", icon=":material/handshake:", query_params={queues.CHOSEN: name}
        )
        st.button(
            "Close" if one["open"] else "Open", key="queue-turn", icon=":material/lock:",
            on_click=queues.clicked, disabled=not author,
            args=(lambda: data_queues.turn(name, author, opened=not one["open"]),),
            help="A closed queue hands out nothing and takes no label" if one["open"] else "Let people label again",
        )  # fmt: skip
        if st.button("Delete", key="queue-delete", icon=":material/delete:", disabled=not author):
            _delete(one, author)
    if not author:
        st.caption("Say who you are to close, delete or change something: its history keeps who did what.")
    queues.refusal()


def tiles(one: Queue) -> None:
    """Items, labels, people, gold, deadline."""
    share = one["done"] / one["items"] if one["items"] else None
    golds = [row["gold"] for row in one["labellers"] if row["gold"]]
    told, right = sum(row["n"] for row in golds), sum(row["right"] for row in golds)
    widgets.tiles(
        widgets.Tile(
            "Items done", f"{one['done']:,} of {one['items']:,}",
            f"{one['started']:,} begun, {one['waiting']:,} wait, {one['skipped']:,} skipped",
            fmt.percent(share) if share is not None else "no items", [],
        ),
        widgets.Tile(
            "Labels", f"{one['labels']:,}", f"{one['labels_needed']:,} are needed",
            f"{queues.missing(one):,} missing, {one['terms']['labels']} an item", [],
        ),
        widgets.Tile(
            "People", f"{len(one['labellers']):,}", "who have labelled", f"{one['leased']:,} items in hand", []
        ),
        widgets.Tile(
            "Gold items", f"{one['gold_items']:,}", "items whose right answer is known",
            f"{right:,} of {told:,} answered right" if told else "none answered yet", [],
        ),
        widgets.Tile(
            "Ready about", queues.ready(one), "at the pace of the last 24 hours",
            f"deadline {widgets.when(one['deadline'])}" if one["deadline"] else "no deadline", [],
        ),
    )  # fmt: skip


@st.dialog("Delete this queue")
def _delete(one: Queue, author: str) -> None:
    st.markdown(
        f"**{fmt.plain(one['name'], 100)}** with its {one['items'] + one['gold_items']:,} items and {one['labels']:,} "
        "labels. The scores that the labels made stay on their traces."
    )
    st.button("Delete it", type="primary", key="queue-delete-sure", on_click=_deleted, args=(str(one["name"]), author))


def _deleted(name: str, author: str) -> None:
    if queues.tried(lambda: data_queues.delete(name, author)):
        st.session_state[_GONE] = name


# Items.

ITEMS = (
    Column("Item", "54px", "right", link=True),
    Column("Asks", "minmax(200px, 3fr)"),
    Column("State", "84px"),
    Column("Labels", "70px", "right"),
    Column("Priority", "66px", "right"),
    Column("From", "80px"),
    Column("Why", "minmax(120px, 1.6fr)", help="What made it an item"),
    Column("Added", "104px"),
)


def _items(one: Queue) -> None:
    name = str(one["name"])
    with st.container(horizontal=True, vertical_alignment="center"):
        which = st.segmented_control(
            "State", STATES, default=STATES[0], required=True, key=STATE, bind="query-params",
            label_visibility="collapsed", on_change=widgets.first_page, args=((AFTER,),),
        )  # fmt: skip
        search = widgets.search(SEARCH, "Search in what is asked", 240, (AFTER,))
    after = state.whole(queues.chosen(AFTER))
    found = data_queues.items(name, str(which), search, ROWS, after)
    if not found["items"]:
        _no_items(one, str(which), search)
        return
    listing.listing("queue-items", "Items", ITEMS, [_item(name, row) for row in found["items"]])
    with st.container(horizontal=True, vertical_alignment="center"):
        kept = {queues.CHOSEN: name} | {key: queues.chosen(key) for key in (STATE, SEARCH) if queues.chosen(key)}
        st.page_link(queues.PATH, label="First", disabled=not after, query_params=kept)
        st.page_link(
            queues.PATH, label="Next", disabled=not found["cut"],
            query_params=kept | {AFTER: str(found["items"][-1]["number"])},
        )  # fmt: skip
        st.caption(f"{len(found['items']):,} of {fmt.plural(found['total'], 'item')}", width="content")


def _no_items(one: Queue, which: str, search: str) -> None:
    if one["items"] or one["gold_items"]:
        st.caption(f"No item is {which}." if which != "all" and not search else "No item of this kind.")
        return
    widgets.empty(
        "Its items would be listed here, each with how many labels it has.",
        "None was put in yet. Add some from traces, runs or a dataset, or send them from the pages Traces and Alerts.",
    )


def _item(name: str, row: Mapping[str, Any]) -> listing.Row:
    gold = bool(row["gold"])
    return listing.Row(
        queues.path(name, **{queues.ITEM: str(row["number"])}),
        [
            Cell(f"{row['number']:,}"),
            Cell(fmt.clip(row["title"], 300), fmt.clip(row["title"], 1_000)),
            Cell("gold" if gold else row["state"], tone="orange" if gold else TONES.get(row["state"], "gray")),
            Cell(f"{row['labels']:,}" if gold else f"{row['labels']:,} of {row['needed']:,}", quiet=not row["labels"]),
            Cell(fmt.digits(row["priority"]), quiet=not row["priority"]),
            Cell(fmt.clip(row["origin"], 40), quiet=True),
            Cell(fmt.clip(row["why"] or "", 200), fmt.clip(row["why"] or "", 1_000), quiet=True),
            Cell(widgets.when(row["added_at"]), quiet=True),
        ],
    )


# People.

PEOPLE = (
    Column("Who", "minmax(120px, 1fr)"),
    Column("Labels", "80px", "right"),
    Column("Skipped", "76px", "right"),
    Column("A label takes", "110px", "right", help="Median"),
    Column("Right on gold items", "minmax(170px, 1fr)", "right", help="Share and its 95 % interval (Wilson)"),
    Column("Last", "110px"),
)


def _people(one: Queue) -> None:
    if not one["labellers"]:
        widgets.empty("Who labels would be listed here, and how fast and how well.", "Nobody has labelled yet.")
        return
    listing.listing("queue-people", "People", PEOPLE, [_person(row) for row in one["labellers"]])
    st.caption("How far people agree stands on the page Agreement.")


def _person(row: Mapping[str, Any]) -> listing.Row:
    return listing.Row(
        "",
        [
            Cell(fmt.clip(row["author"], 80)),
            Cell(f"{row['labels']:,}"),
            Cell(f"{row['skipped']:,}", quiet=not row["skipped"]),
            Cell(fmt.duration(row["seconds_median"] * 1e9) if row["seconds_median"] else fmt.UNKNOWN, quiet=True),
            Cell(gold(row["gold"]), quiet=not row["gold"]),
            Cell(widgets.when(row["last_at"]), quiet=True),
        ],
    )


def gold(told: Mapping[str, Any] | None) -> str:
    """`92 % of 12 (65 to 99 %)`; `none answered` without one."""
    if not told or not told["n"]:
        return "none answered"
    share = fmt.percent(told["right"] / told["n"])
    return f"{share} of {told['n']:,} ({fmt.percent(told['low'])} to {fmt.percent(told['high'])})"


# What it says.

FIELDS = (
    Column("Field", "minmax(110px, 1fr)"),
    Column("Kind", "minmax(120px, 1fr)"),
    Column("Question", "minmax(160px, 2fr)"),
    Column("Choices", "minmax(160px, 2fr)"),
    Column("Needed", "70px"),
    Column("Judges", "minmax(100px, 1fr)", help="Scores for which it is what people say; none: those of its name"),
)


def _form(one: Queue) -> None:
    terms = one["terms"]
    listing.listing("queue-fields", "Fields of the form", FIELDS, [_field(field) for field in terms["fields"]])
    widgets.fields(
        {
            "Labels an item": f"{terms['labels']}, by different people",
            "Blind": "judges and others are hidden" if terms["blind"] else "all is shown",
            "Gold items": f"{fmt.percent(terms['gold_share'])} of what one is handed"
            if terms["gold_share"]
            else "none",
            "A lease lasts": fmt.duration(terms["lease_minutes"] * 60e9),
            "Order": "by priority, then the oldest" if terms["order"] == "priority" else "by priority, then at random",
            "Who may label": ", ".join(terms["labellers"]) or "everybody",
        },
        columns=3,
    )
    st.markdown("**Guidelines**")
    # As written: a page for those who look after it; labellers see it drawn, by the labelling page's own means.
    st.code(terms["guidelines"] or "None are written.", language="markdown", wrap_lines=True)
    for place, example in enumerate(terms["examples"]):
        with st.expander(fmt.plain(example["title"], 120), key=f"queue-example-{place}"):
            st.text(example["text"])
            for field, answer in example["answers"].items():
                st.text(queue_item.answers({field: answer}))
            if example["why"]:
                st.caption(fmt.plain(example["why"], 2_000))


def _field(field: Mapping[str, Any]) -> listing.Row:
    values = ", ".join(str(one["value"]) for one in field["choices"])
    return listing.Row(
        "",
        [
            Cell(fmt.clip(field["name"], 80)),
            Cell(queues.KINDS[field["kind"]] + (", several at once" if field["several"] else "")),
            Cell(fmt.clip(field["title"] or field["name"], 200)),
            Cell(fmt.clip(values, 200) or "—", values, quiet=not values),
            Cell("yes" if field["required"] else "no", quiet=True),
            Cell(fmt.clip(", ".join(field["judges"]) or field["name"], 120), quiet=not field["judges"]),
        ],
    )


def _feeds(one: Queue) -> None:
    found = data_queues.feeds(str(one["name"]))
    if not found:
        widgets.empty(
            "Feeds put new traces into the queue by themselves: those that match a filter, or got a score.",
            "This queue has none. Edit it to add one.",
        )
        return
    for place, row in enumerate(found):
        with st.container(border=True, key=f"feed-{place}"):
            st.markdown(fmt.plain(row["sentence"], 600))
            st.caption(fmt.plain(f"Looks for {row['looks_for']}.", 600))
            if row["fault"]:
                st.error(fmt.plain(row["fault"], 600), icon=":material/error:")


VERSIONS = (
    Column("Version", "70px", "right"),
    Column("Set", "120px"),
    Column("By", "minmax(100px, 1fr)"),
    Column("Fields", "minmax(160px, 2fr)"),
    Column("Labels an item", "110px", "right"),
)


def _versions(one: Queue) -> None:
    listing.listing("queue-versions", "Versions", VERSIONS, [_version(row) for row in one["versions"]])
    st.caption(
        f"The form is that of version {one['fields_version']:,}, the guidelines those of version "
        f"{one['guidelines_version']:,}. Each label keeps both."
    )


def _version(row: Mapping[str, Any]) -> listing.Row:
    terms = row["document"] or {}
    names = ", ".join(str(field["name"]) for field in terms.get("fields", ()))
    return listing.Row(
        "",
        [
            Cell(f"{row['version']:,}"),
            Cell(widgets.when(row["set_at"])),
            Cell(fmt.clip(row["author"] or fmt.UNKNOWN, 80)),
            Cell(fmt.clip(names, 200) if terms else "taken away", quiet=not terms),
            Cell(f"{terms['labels']}" if terms.get("labels") else "", quiet=True),
        ],
    )
