"""The page Agreement: which queue and field, then how far people agree, or the items on which they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import adjudication, agreement_figures, agreement_tables, data_agreement, data_queues, widgets
from app import format as fmt
from app.agreement_words import between, decimal, of
from app.compare_controls import choice
from app.widgets import Tile

Row = Mapping[str, Any]
PATH = "views/agreement.py"
QUEUE, FIELD, PART, SLICE, NEAR, FIRST, SECOND = "queue", "field", "part", "by", "near", "first", "second"  # of the URL
STANDING = "Labels stay as they are, and labelling goes on."
AGREE, ADJUDICATE = "how far", "adjudicate"
ORDERED = frozenset({"ordinal", "numeric"})
WEIGHTS = {"none": "none: alike or not", "linear": "by distance", "quadratic": "by squared distance"}
CUSTOM = (
    "Dotted: Krippendorff (2004, Content Analysis) relies on labels from an alpha of .80 on, and takes .667 for "
    "tentative conclusions. That is custom and no law: what depends on the labels says how good they must be."
)


def page() -> None:
    """All of it; without a queue the page says where queues come from."""
    known = data_queues.queues()
    if not known:
        widgets.empty(
            "How far people agree would be here.",
            "There is no queue yet. Make one, and have each item labelled by two people or more.",
            lambda: _link("queues", "Make a queue", {}),
        )
        return
    told = _unknown(known)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        queue = _queue(known, told)
        asked = _field(queue)
        part = st.segmented_control(
            "Part", (AGREE, ADJUDICATE), default=AGREE, required=True, key=PART, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        near = _near(asked) if part == AGREE else "none"
        by_slot = st.container(width="content")
    if part == ADJUDICATE:
        adjudication.page(queue["name"], asked)
    else:
        _overview(queue["name"], asked, near, by_slot)


def _unknown(known: Sequence[Row]) -> str | None:
    """The queue that the URL names; one that there is not is told."""
    told = st.query_params.get(QUEUE)
    if told and told not in {one["name"] for one in known}:
        st.warning(f"There is no queue named {fmt.plain(told, 100)}.", icon=":material/warning:")
    return told


def _queue(known: Sequence[Row], told: str | None) -> Row:
    names = {one["name"]: one for one in known}
    words = {name: f"{fmt.clip(name, 60)}: {fmt.plural(one['labels'], 'label')}" for name, one in names.items()}
    choice(QUEUE, "Queue", words, width=220)
    return names[told] if told in names else known[0]


def _field(queue: Row) -> Row:
    fields: dict[str, Row] = {one["name"]: one for one in queue["terms"]["fields"]}
    choice(FIELD, "Field", {name: fmt.clip(one["title"] or name, 60) for name, one in fields.items()}, width=190)
    return fields.get(str(st.query_params.get(FIELD))) or next(iter(fields.values()))


def _near(asked: Row) -> str:
    """How near misses count, of answers that have an order."""
    if asked["kind"] not in ORDERED:
        return "none"
    choice(NEAR, "Near misses", WEIGHTS, width=170)
    told = str(st.query_params.get(NEAR))
    return told if told in WEIGHTS else "none"


def _pair() -> tuple[str, str] | None:
    first, second = (st.query_params.get(name) for name in (FIRST, SECOND))
    return (first, second) if first and second else None


def _overview(queue: str, asked: Row, near: str, by_slot: Any) -> None:
    pair, by = _pair(), st.query_params.get(SLICE)
    told = data_agreement.agreement(queue, asked["name"], by, near, pair)
    (found,) = told["fields"]
    with by_slot:
        _slice(told["attributes"], by)
    if pair is not None:
        _alone(queue, asked["name"], pair)
    st.markdown(f"**{fmt.plain(found['sentence'], 900)}**")
    agrees = bool(found["rows"]) and found["rows"][0]["value"] is not None
    notes = [*([CUSTOM] if agrees and asked["kind"] != "spans" else []), *_left_out(told["left_out"], asked["name"])]
    if notes:
        st.caption(fmt.plain(" ".join(notes), 1_200))
    if agrees:
        _tiles(queue, found)
        agreement_figures.section(found, pair)
        agreement_tables.confusion(queue, found, pair)
    elif not found["labels"]:
        _no_label(queue)
        return
    agreement_tables.people(queue, found)
    if agrees:
        agreement_tables.coefficients(queue, found)


def _slice(attributes: Sequence[Row], by: str | None) -> None:
    """By what items are told apart; a link may name what no item has."""
    names = [one["name"] for one in attributes]
    if names or by:
        every = dict.fromkeys([*names, *([by] if by else [])])
        choice(SLICE, "Told apart by", {name: fmt.clip(name, 60) for name in every}, none="nothing", width=150)


def _alone(queue: str, field: str, pair: tuple[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(f"Labels of {fmt.plain(pair[0], 60)} and {fmt.plain(pair[1], 60)} alone", color="blue")
        st.page_link(PATH, label="Of all", icon=":material/close:", query_params={QUEUE: queue, FIELD: field})


def _left_out(rows: Sequence[Row], field: str) -> list[str]:
    return [f"Left out: {fmt.plural(one['n'], 'label')}, as {one['why']}." for one in rows if one["field"] == field]


def _no_label(queue: str) -> None:
    widgets.empty(
        "Coefficients, pairs of people and what they differ on would be here.",
        "Nobody has labelled this field yet.",
        lambda: _link("labelling", "Label its items", {QUEUE: queue}),
    )


def _link(page: str, label: str, query: Mapping[str, str]) -> None:
    st.page_link(f"views/{page}.py", label=label, icon=":material/arrow_forward:", query_params=query)


def _tiles(queue: str, found: Row) -> None:
    percent, main, ac1 = (of(found["rows"], name) for name in ("percent_agreement", found["main"], "gwet_ac1"))
    disputed = data_agreement.disputes(queue, found["field"], "all", limit=1)
    tiles = [_tile("Overlap F1" if found["kind"] == "spans" else "Percent agreement", percent, as_share=True)]
    if found["kind"] != "spans":
        tiles += [_tile("Krippendorff's alpha", main), *([] if ac1 is None else [_tile("Gwet's AC1", ac1)])]
    assert percent is not None  # noqa: S101 - each answer with rows has it
    single = fmt.plural(percent["n_single"], "item")
    tiles += [
        Tile("Items that tell agreement", fmt.short(percent["n_items"]), f"{percent['n_items']:,}",
             f"{single} with one label", ()),
        Tile("Open disputes", fmt.short(disputed["open"]), f"{disputed['open']:,}",
             f"of {fmt.plural(disputed['total'], 'disputed item')}", ()),
    ]  # fmt: skip
    widgets.tiles(*tiles)
    if disputed["open"]:
        st.page_link(
            PATH, label=f"Decide {fmt.plural(disputed['open'], 'open dispute')}", icon=":material/gavel:",
            query_params={QUEUE: queue, FIELD: found["field"], PART: ADJUDICATE},
        )  # fmt: skip


def _tile(label: str, row: Row | None, *, as_share: bool = False) -> Tile:
    if row is None or row["value"] is None:
        return Tile(label, "not defined", fmt.clip(str((row or {}).get("why") or "unknown"), 200), "no interval", ())
    value, low, high = row["value"], row["ci_low"], row["ci_high"]
    if not as_share:
        return Tile(label, decimal(value), f"{value:.4f}", f"95 %: {between(low, high)}", ())
    ends = "no interval" if low is None else f"95 %: {100 * low:.0f} to {100 * high:.0f} %"
    return Tile(label, fmt.percent(value), f"{value:.4f}", ends, ())
