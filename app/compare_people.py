"""Compare as people would say: what judges found, corrected by labels, beside what they say alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from app import data, data_compare, judges, listing, widgets
from app import format as fmt
from app.listing import Cell, Column

PEOPLE = "people"  # key of the switch, and its name in the URL
Row = Mapping[str, Any]
TONES: dict[str, Any] = {"better": "green", "worse": "red", "higher": "gray", "lower": "gray"}

COLUMNS = (
    Column("Measure", "minmax(110px, 1fr)"),
    Column("Variant", "minmax(120px, 1.2fr)"),
    Column("People would say [95 %]", "minmax(150px, 1fr)", "right", "By labels and scores together (PPI++)"),
    Column("Judge alone [95 %]", "minmax(150px, 1fr)", "right", "Its interval knows nothing of its errors"),
    Column("Rogan-Gladen [95 %]", "minmax(150px, 1fr)", "right", "Of yes and no, by sensitivity and specificity"),
    Column("Labelled", "78px", "right", "Items that people labelled"),
    Column("Scored", "78px", "right"),
)


def section(kind: data_compare.Source, params: Mapping[str, data.Param]) -> None:
    """The switch; where it is on, verdicts and rates that are corrected by labels."""
    on = st.toggle(
        "As people would say", key=PEOPLE, bind="query-params",
        help="Corrects what judges found by people's labels on some of the same answers, and says how sure that is",
    )  # fmt: skip
    if not on:
        return
    try:
        ask = partial(data_compare.people, kind, params)
        found = widgets.patiently(st.container(), "Asking what people would say", ask, usual_s=2.0)
    except data.ApiError as error:
        if error.kind != "refused":
            raise
        st.caption(fmt.plain(str(error), 600))
        return
    _answer(found)


def _answer(found: Row) -> None:
    told = [one for one in found["measures"] if any(own["labels"] for own in one["own"])]
    if not told:
        names = ", ".join(found["labels"][:6])
        why = f"Labels are named {names}." if names else "There is no label in this project."
        widgets.empty(
            "What people would say of these variants would be here.",
            f"Nobody labelled answers of these variants under the name of a score. {fmt.plain(why, 300)} Label some of "
            "each variant, drawn at random: 50 make a first interval.",
        )
        return
    with st.container(border=True):
        for one in told:
            _verdicts(one)
        listing.listing("compare-people", "As people would say", COLUMNS, _rows(told))
        notes = list(dict.fromkeys(note for one in told for note in one["notes"]))
        st.caption("  \n".join(fmt.plain(note, 500) for note in [*notes, _SAYS]))


_SAYS = (
    "The corrected figures hold where labelled answers are a random sample of each variant. Verdicts below are the "
    "judges' own."
)


def _verdicts(one: Row) -> None:
    if one["why"]:
        st.markdown(f":orange-badge[not corrected] {fmt.plain(one['of'], 60)}: {fmt.plain(one['why'], 500)}")
    for pair in one["pairs"]:
        if pair["sentence"] is None:
            continue
        tone = TONES.get(pair["verdict"], "gray")
        st.markdown(f":{tone}-badge[{pair['verdict']}] **{fmt.plain(pair['sentence'], 700)}**")


def _rows(told: list[Row]) -> list[listing.Row]:
    return [
        listing.Row(
            "",
            [
                Cell(fmt.clip(one["of"], 60), quiet=bool(at)), Cell(fmt.clip(own["variant"], 60)),
                Cell(_said(own["corrected"], one), quiet=own["corrected"] is None),
                Cell(judges.told(own["judge"], share=one["statistic"] == "share"), quiet=True),
                Cell(judges.told(own["rogan_gladen"], share=True), quiet=True), Cell(fmt.count(own["labels"])),
                Cell(fmt.short(own["rows"])),
            ],
        )
        for one in told
        for at, own in enumerate(one["own"])
    ]  # fmt: skip


def _said(corrected: Row | None, one: Row) -> str:
    return "too few labels" if corrected is None else judges.told(corrected, share=one["statistic"] == "share")
