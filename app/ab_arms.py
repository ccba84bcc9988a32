"""The tables of one A/B test: its arms, each with a way to its traces, and what must not get worse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import format as fmt
from app import listing, state
from app.ab_figures import amount, apart, interval, level
from app.listing import Cell, Column

Json = Mapping[str, Any]

GUARDED: Mapping[str, str] = {"hurt": "hurt", "safe": "kept", "open": "undecided"}
TONES: Mapping[str, str] = {"hurt": "red", "safe": "green", "open": ""}


def arms(test: Json, told: Json) -> None:
    """Each arm: the units that came and were meant, its mean; its row opens its traces."""
    st.markdown("**Arms**")
    columns = (
        Column("Variant", "minmax(110px, 1.4fr)", help="Opens its traces", link=True),
        Column("Meant", "72px", "right", "Share of the units by its weight"),
        Column("Came", "80px", "right", "Share of the units that came"),
        Column("Units", "84px", "right"),
        Column("With a value", "104px", "right", "Units with a value of the metric"),
        Column(fmt.clip(test["metric"], 40), "minmax(90px, 0.8fr)", "right", "Mean of the units"),
        Column(
            "Interval",
            "minmax(130px, 1.2fr)",
            "right",
            f"Of the mean, {100 * (1 - test['alpha']):.4g} % at all looks together",
        ),
    )
    labels = {one["name"]: one["traced_as"] for one in test["variants"]}
    rows = [
        listing.Row(traces(labels[one["variant"]], told), _arm(one, test["unit_of"]), anew=True) for one in told["arms"]
    ]
    listing.listing("ab-arms", "Arms", columns, rows)
    st.caption(f"{_left_out(told['exposure'])} A variant opens its traces.")


def _arm(one: Json, unit: str | None) -> list[Cell]:
    return [
        Cell(fmt.clip(one["variant"], 60)),
        Cell(f"{100 * one['weight']:g} %"),
        Cell(fmt.UNKNOWN if one["share"] is None else f"{fmt.digits(100 * one['share'])} %"),
        Cell(fmt.count(one["units"])),
        Cell(fmt.count(one["valued"])),
        Cell(amount(one["mean"], unit)),
        Cell(level(one, unit), quiet=one["low"] is None),
    ]


def traces(label: str, told: Json) -> str:
    """The traces that carry a variant, in the time of its test: to the minute, so that none at its ends is lost."""
    since, until = (fmt.aware(datetime.fromisoformat(told[end])).astimezone(UTC) for end in ("since", "until"))
    last = state.instant_text(state.next_minute(until))
    return state.traces_path({"range": "custom", "from": state.instant_text(since), "to": last, "variant": label})


def _left_out(exposure: Json) -> str:
    several, lost = exposure["mixed_units"], exposure["traces_without_unit"]
    left = [
        f"{fmt.plural(several, 'unit')} of several arms" if several else "",
        f"{fmt.plural(lost, 'trace')} without an id" if lost else "",
    ]
    out = " and ".join(filter(None, left))
    return f"{fmt.plural(exposure['traces'], 'exposed trace')}. " + (
        f"Left out: {out}." if out else "Nothing is left out."
    )


def guardrails(shown: Json) -> None:
    """What must not get worse by more than its margin."""
    st.markdown("**Guardrails**")
    if not shown["guardrails"]:
        st.caption("None is named: nothing but the metric is watched.")
        return
    columns = (
        Column("Measure", "minmax(100px, 1.2fr)"),
        Column("Control", "minmax(80px, 0.8fr)", "right"),
        Column(fmt.clip(shown["variant"], 40), "minmax(80px, 0.8fr)", "right"),
        Column("Difference", "minmax(90px, 0.8fr)", "right"),
        Column("Interval", "minmax(150px, 1.4fr)", "right", "Of the difference, at all looks together"),
        Column("Margin", "84px", "right", "How much worse it may be"),
        Column("State", "92px"),
    )
    listing.listing("ab-guardrails", "Guardrails", columns, [_guardrail(one) for one in shown["guardrails"]])


def _guardrail(one: Json) -> listing.Row:
    unit = one["unit_of"]
    return listing.Row(
        "",
        [
            Cell(fmt.clip(one["metric"], 60)),
            Cell(amount(one["control_mean"], unit)),
            Cell(amount(one["mean"], unit)),
            Cell(apart(one["difference"], unit)),
            Cell(interval(one, unit), quiet=one["low"] is None),
            Cell(apart(one["margin"], unit).removeprefix("+")),
            Cell(GUARDED[one["state"]], tone=TONES[one["state"]], quiet=one["state"] == "open"),
        ],
    )
