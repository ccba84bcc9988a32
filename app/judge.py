"""The calibration card of one judge: how far people say the same, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import (
    charts_judges,
    compare_controls,
    data,
    data_judges,
    judge_actions,
    judges,
    listing,
    state,
    trust,
    widgets,
)
from app import format as fmt
from app.listing import Cell, Column

Card = Mapping[str, Any]
LABEL, BY, FROM, CHOSEN = "label", "slice", "from_score", "informative"  # names in the URL
METHODS = {
    "judge_only": "judge alone", "human_only": "labels alone", "ppi": "both (PPI++)",
    "ppi_stratified": "both, by strata (PPI++)", "rogan_gladen": "Rogan-Gladen",
}  # fmt: skip
HINTS = {
    "judge_only": "As if the judge made no errors: its interval knows nothing of them",
    "human_only": "Right where labels are a random sample",
    "ppi": "Right where labels are a random sample, whatever the judge does",
    "ppi_stratified": "Right where labels are a random sample of each stratum",
    "rogan_gladen": "Right where the judge errs on labelled items as on the others",
}


def page(score: str) -> None:
    """The card that the URL asks for."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(fmt.plain(score, 80), anchor=False, width="content")
        st.page_link(judges.PATH, label="All judges", icon=":material/arrow_back:", query_params={})
    params = asked()
    try:
        ask = partial(data_judges.judge, score, **params)
        found = widgets.patiently(st.container(), "Working out the card", ask, usual_s=2.0)
    except data.ApiError as error:
        if error.kind != "refused":
            raise
        widgets.empty("The calibration card of a judge would be here.", fmt.plain(str(error), 600), _anew)
        return
    _head(found)
    _controls(found)
    if not found["card"]["n"]:
        widgets.empty("Figures would be here.", "No labelled item counts: see what is left out below.")
        _told(found["notes"])
        return
    _tiles(found["card"])
    _figures(found)
    _estimates(found["card"])
    judge_actions.section(found)
    _small(found)


def asked() -> dict[str, data.Param]:
    """What the URL says, as parameters of the API."""
    told: dict[str, data.Param] = {
        name: st.query_params.get(name) for name in (judges.EVALUATOR, judges.VERSION, LABEL) if name in st.query_params
    }
    told["by"] = st.query_params.get(BY) or None
    told["threshold"] = fmt.finite(widgets.number(st.query_params.get(FROM, "")))
    return told | ({"informative": True} if st.query_params.get(CHOSEN) == "true" else {})


def _anew() -> None:
    st.page_link("views/traces.py", label="Label some on Traces", icon=":material/label:", query_params={})


def _head(found: Card) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        trust.draw(found)
        st.markdown(fmt.plain(found["sentence"], 800), width="stretch")
    st.caption(fmt.plain(_what(found), 400))


def _what(found: Card) -> str:
    span = [fmt.moment(datetime.fromisoformat(found[name]), widgets.zone())[:10] for name in ("first_at", "last_at")]
    scored = fmt.plural(found["scored"], "target")
    return (
        f"{judges.by(found) or found['evaluator']} scored {scored} ({span[0]} to {span[1]}); people's labels are named "
        f"{found['label']}, {found['people']:,} in all."
    )


def _controls(found: Card) -> None:
    """Which version, which labels, which slices; all in the URL."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        versions = {
            one["version"]: f"{one['version'] or 'unnamed'}, {one['last_at'][:10]}" for one in found["versions"]
        }
        if len(versions) > 1:
            compare_controls.choice(judges.VERSION, "Version", versions, width=220)
        if len(found["labels"]) > 1:
            labels = {name: fmt.clip(name, 40) for name in found["labels"]}
            compare_controls.choice(LABEL, "People's labels", labels, none=f"{fmt.clip(found['label'], 30)}", width=200)
        if found["by_options"]:
            compare_controls.choice(BY, "Slices", {name: name for name in found["by_options"]}, none="none", width=150)
        line = found["lines"]["judge_from"]
        st.text_input(
            "Says yes from", key=FROM, bind="query-params", width=120,
            placeholder=fmt.UNKNOWN if line is None else fmt.digits(line),
            help="The score from which the judge says yes; empty: the middle of its scale",
        )  # fmt: skip


def _tiles(card: Card) -> None:
    if "kappa" not in card:
        st.info("Neither sensitivity nor kappa is told: see the notes below for what is missing.")
        return
    tiles = [
        _tile("Kappa", judges.told(card["kappa"]), "beyond chance"),
        _tile("Agreement", judges.told(card["agreement"], share=True), "says what people do"),
        _tile("Sensitivity", judges.told(card["sensitivity"], share=True), "of people's yes"),
        _tile("Specificity", judges.told(card["specificity"], share=True), "of people's no"),
    ]
    n = f"{card['true_positives']:,} both yes, {card['true_negatives']:,} both no"
    tiles.append(widgets.Tile("Labelled", fmt.short(card["n"]), n, _wrong(card), ()))
    widgets.tiles(*tiles)


def _tile(name: str, text: str, note: str) -> widgets.Tile:
    value, _, ends = text.partition(" [")
    return widgets.Tile(name, value or "undefined", text or "It is not defined", f"[{ends}" if ends else note, ())


def _wrong(card: Card) -> str:
    return f"{card['false_positives']:,} only it says yes, {card['false_negatives']:,} only people"


def _figures(found: Card) -> None:
    card = found["card"]
    left, right = st.columns(2)
    with left:
        _reliability(found)
    with right:
        if found["by"] and found["slices"]:
            _slices(found)
        else:
            _disagreements(found)
    if found["by"] and found["slices"]:
        _disagreements(found)
    if card["threshold"] and card["threshold"]["value"] is None:
        st.caption(fmt.plain(f"No best threshold: {card['threshold']['why']}.", 300))


def _reliability(found: Card) -> None:
    card = found["card"]
    bins = pd.DataFrame([
        {"judge": one["judge"], "human": one["human"]["value"], "low": one["human"]["ci_low"],
         "high": one["human"]["ci_high"], "n": one["human"]["n"]}
        for one in card["reliability"]
    ])  # fmt: skip
    best = (card["threshold"] or {}).get("value")
    what = "share of yes" if card["measure"] == "rate" else "mean"
    subtitle = f"{what}, 95 % intervals, n = {card['n']:,} items"
    st.plotly_chart(
        charts_judges.reliability(bins, found["lines"]["judge_from"], best, subtitle, widgets.theme()),
        theme=None, key="judge-reliability", config={"displayModeBar": False},
        alt="What people say by the judge's score; the table below has the numbers",
    )  # fmt: skip
    if best is not None:
        one = card["threshold"]
        st.caption(
            f"Yes fits people best from {fmt.digits(best)} on ({fmt.digits(one['ci_low'])} to "
            f"{fmt.digits(one['ci_high'])}): sensitivity and specificity add up to {fmt.digits(1 + one['youden'])}."
        )
    with st.expander("Numbers of the figure"):
        st.dataframe(bins, hide_index=True, alt="What people say by score", placeholder="")


def _slices(found: Card) -> None:
    told = [one for one in found["slices"] if one.get("kappa") and one["kappa"]["value"] is not None]
    if not told:
        st.caption("No slice has labels of both kinds, so that kappa is not defined in any.")
        return
    rows = pd.DataFrame([
        {"name": one["slice"], "value": one["kappa"]["value"], "low": one["kappa"]["ci_low"],
         "high": one["kappa"]["ci_high"]}
        for one in told
    ])  # fmt: skip
    subtitle = f"by {found['by']}, 95 % intervals; dotted: 0.4 and 0.6"
    st.plotly_chart(
        charts_judges.slices(rows, subtitle, widgets.theme()), theme=None, key="judge-slices",
        config={"displayModeBar": False}, alt="Kappa by slice; the table below has the numbers",
    )  # fmt: skip
    st.dataframe(
        pd.DataFrame([_slice(one) for one in found["slices"]]), hide_index=True, alt="Slices", placeholder="",
        key="judge-slice-rows",
    )  # fmt: skip


def _slice(one: Card) -> dict[str, str]:
    return {
        "Slice": fmt.clip(one["slice"], 40), "Labelled": fmt.count(one["n"]), "Kappa": judges.told(one.get("kappa")),
        "Sensitivity": judges.told(one.get("sensitivity"), share=True),
        "Specificity": judges.told(one.get("specificity"), share=True),
    }  # fmt: skip


_COLUMNS = (
    Column("Trace", "minmax(110px, 1fr)", link=True),
    Column("Judge", "90px", "right"),
    Column("It says", "80px"),
    Column("People say", "90px"),
)


def _disagreements(found: Card) -> None:
    """Items on which judge and people say another thing; a row opens the trace."""
    rows = found["disagreements"]
    st.markdown(f"**Judge and people disagree ({len(rows):,}{'+' if len(rows) == 50 else ''})**")
    if not rows:
        st.caption("On no labelled item.")
        return
    with st.container(height=330, border=False):
        listing.listing(
            "judge-apart", "Items on which judge and people disagree", _COLUMNS, [_apart(one) for one in rows]
        )


def _apart(one: Card) -> listing.Row:
    words = {True: "yes", False: "no"}
    named = one["trace_id"][:12] if one["trace_id"] else fmt.clip(str(one["session_id"]), 30)
    return listing.Row(
        state.trace_path(one["trace_id"], span_id=one["span_id"]) if one["trace_id"] else "",
        [
            Cell(named, str(one["trace_id"] or "")), Cell(fmt.digits(one["judge"])), Cell(words[one["judge_yes"]]),
            Cell(words[one["people_yes"]]),
        ],
    )  # fmt: skip


def _estimates(card: Card) -> None:
    what = "share of yes" if card["measure"] == "rate" else "mean"
    st.markdown(f"**What people would say of all {card['n_rows']:,} scored items: the {what}**")
    rows = [
        {
            "Estimate": METHODS[one["method"]], "Value [95 %]": judges.told(one, share=card["measure"] == "rate"),
            "Labels": fmt.count(one["n"]) if one["method"] != "judge_only" else "none",
            "It is right where": one["why"] or HINTS[one["method"]],
        }
        for one in card["estimates"]
    ]  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, alt="Rates as corrected by people's labels", placeholder="",
        key="judge-estimates",
        column_config={"Value [95 %]": st.column_config.TextColumn(alignment="right"),
                       "Labels": st.column_config.TextColumn(alignment="right", width=80)},
    )  # fmt: skip


def _small(found: Card) -> None:
    card = found["card"]
    lines = [*_leanings(found, card), *found["notes"]]
    differ = card["labelled_differ"]
    if differ is not None and differ["differ"]:
        side = "higher" if differ["value"] > 0 else "lower"
        lines.append(
            f"The judge scores labelled items {fmt.digits(abs(differ['value']))} {side} than the others (p "
            f"{fmt.digits(differ['p'], 2)}): they are no random sample, and corrected figures may be off."
        )
    _told(lines)


def _told(lines: Sequence[str]) -> None:
    if lines:
        st.markdown("**Notes**")
        st.markdown("\n".join(f"- {fmt.plain(line, 500)}" for line in lines))


def _leanings(found: Card, card: Card) -> list[str]:
    said = []
    slope = card.get("length_bias")
    if slope and slope["value"] is not None:
        leans = slope["ci_low"] > 0 or slope["ci_high"] < 0
        side = "leans to longer" if slope["value"] > 0 else "leans to shorter"
        said.append(
            f"Length: the judge {side if leans else 'is not seen to lean to longer or shorter'} answers beside people; "
            f"log odds of its yes change by {judges.told(slope)} for each doubling of output tokens."
        )
    order = found["order"]
    if order is not None:
        said.append(
            f"Position: asked in both orders it says the same in {judges.told(order['consistent'], share=True)}; of "
            f"the others the first place won {judges.told(order['first_of_inconsistent'], share=True)} (p "
            f"{fmt.digits(order['p_value'], 2)} of an even share)."
        )
    place = card.get("position_bias")
    if place is not None:
        errors = ", ".join(f"{one['position']} {judges.told(one)}" for one in place["errors"])
        said.append(f"Position: judge less people is {errors}.")
    return said
