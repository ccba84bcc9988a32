"""What a successful outcome costs, a part of the Cost page; any score says what one is, by a threshold or a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app import charts_cost, data, data_cost, listing, state, trust, widgets
from app import format as fmt

SCORE, AT_LEAST, LABEL, UNIT = "score", "at_least", "label", "unit"  # keys of the controls, and their names in the URL
KEYS = (SCORE, AT_LEAST, LABEL, UNIT)
UNITS = ("trace", "session")
SHOWN = 12  # values in the figure


@dataclass(frozen=True, slots=True)
class Rule:
    """What a success is."""

    score: str
    at_least: float | None  # null: `label` says it
    label: str | None
    unit: str

    @property
    def words(self) -> str:
        """For a sentence; the score's name is untrusted text."""
        name = fmt.plain(self.score, 60)
        if self.label is not None:
            return f"{name} says {fmt.plain(self.label, 60)}"
        return f"{name} at least {fmt.digits(self.at_least or 0, 6)}"

    def params(self) -> dict[str, Any]:
        """Parameters of query `cost_per_success`."""
        return {"score": self.score, "at_least": self.at_least, "label": self.label, "unit": self.unit}


def section(window: state.Window, by: str | None, filters: data.Filters) -> None:
    """Heading, controls, sentence, figure. `by`: a dimension; null: no figure by value."""
    st.subheader("Cost per success", anchor=False)
    names = data.score_names(window.since)
    if names.empty and not st.query_params.get(SCORE):
        widgets.empty(
            "What a successful outcome costs would be here.",
            f"No score was told since {fmt.moment(window.since, widgets.zone())[:16]}. Send them with the traces, as "
            "evaluation events, or to POST /api/scores: name, value or label, and the trace, span or response id.",
        )
        return
    rule = controls(listing.records(names))
    if rule is not None:
        _found(window, by, filters, rule)


def controls(names: list[dict[str, Any]]) -> Rule | None:
    """Which score, from where on, and per what; null while a choice is missing, and the page says which."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        score = st.selectbox(
            "Score", [row["name"] for row in names], index=None, key=SCORE, bind="query-params", width=240,
            accept_new_options=True, placeholder="choose a score",
        )  # fmt: skip
        if score:
            trust.badge(str(score))
        told = next((row for row in names if row["name"] == score), _UNTOLD)
        rule = _rule(str(score), told) if score else None
    if rule is None:
        st.caption(
            "The number that it has to reach, or its label, says which outcomes are successes."
            if score
            else "The score says which outcomes are successes."
        )
    return rule


_UNTOLD: dict[str, Any] = {"valued": 1, "low": None, "high": None, "labels": []}
"""Of a score that a link names and this window does not have."""


def _rule(score: str, told: dict[str, Any]) -> Rule | None:
    labels = list(told["labels"])
    label = _label(labels, valued=bool(told["valued"])) if labels or st.query_params.get(LABEL) else None
    at_least = _at_least(told, disabled=label is not None) if told["valued"] else None
    unit = str(st.segmented_control("Per", UNITS, default="trace", required=True, key=UNIT, bind="query-params"))
    if label is None and at_least is None:
        return None
    return Rule(score, None if label else at_least, label, unit)


def _label(labels: list[str], *, valued: bool) -> str | None:
    chosen = st.selectbox(
        "Success is the label", labels, index=None, key=LABEL, bind="query-params", width=200, accept_new_options=True,
        placeholder="any, by value" if valued else "choose a label",
    )  # fmt: skip
    return str(chosen) if chosen else None


def _at_least(told: dict[str, Any], *, disabled: bool) -> float | None:
    """Half of a score between 0 and 1, unless another number is given; of other scales somebody has to say it."""
    low, high = told["low"], told["high"]
    usual = 0.5 if low is None or (low >= 0 and high <= 1) else None
    span = "" if low is None else f" ({fmt.digits(low)} to {fmt.digits(high)})"
    given = st.number_input(
        f"Success is at least{span}", value=None, key=AT_LEAST, bind="query-params", width=200, disabled=disabled,
        placeholder="a number" if usual is None else str(usual),
    )  # fmt: skip
    return usual if given is None else float(given)


def _found(window: state.Window, by: str | None, filters: data.Filters, rule: Rule) -> None:
    whole = data_cost.cost_per_success(window.since, window.until, filters, **rule.params())
    if whole.empty or not whole["units"].iloc[0]:
        st.markdown(f"No {rule.unit} in {window.words} has a priced call{' that matches the filters' * bool(filters)}.")
        return
    (record,) = listing.records(whole)
    st.markdown(finding(rule, record))
    st.caption(unknown(rule, record))
    if by is not None and record["successes"]:
        _by(window, by, filters, rule, fmt.plural(record["scored"], f"scored {rule.unit}"))


def finding(rule: Rule, found: dict[str, Any]) -> str:
    """What a success cost, with its interval and what it rests on."""
    scored = f"{fmt.plural(found['scored'], f'scored {rule.unit}')}"
    if not found["scored"]:
        return f"No {rule.unit} has a score of this name, so what a success costs is unknown."
    least = "at least " if found["unpriced"] else ""
    cost = fmt.plain(fmt.money(found["cost_usd"]))
    if not found["successes"]:
        return f"None of {scored} succeeded ({rule.words}); together they cost {least}{cost}."
    each = fmt.plain(fmt.mean_cost(found["per_success"]))
    interval = fmt.plain(fmt.between(found["low"], found["high"]))
    return (
        f"A success ({rule.words}) cost {least}**{each}** (95 %: {interval}): {cost} over "
        f"{fmt.plural(found['successes'], 'success', 'successes')} of {scored}."
    )


def unknown(rule: Rule, found: dict[str, Any]) -> str:
    """What is left out, and what the figure counts."""
    units = fmt.plural(found["units"], f"{rule.unit} with a priced call", f"{rule.unit}s with a priced call")
    said = f"{units}; not scored: {fmt.count(found['unscored'])}"
    if found["failed_scores"]:
        said += f"; with a score that failed or tells no verdict: {fmt.count(found['failed_scores'])}"
    said += ". What is unknown is left out, never counted as a failure."
    if found["unpriced_units"]:
        unpriced = fmt.plural(found["unpriced_units"], f"scored {rule.unit} has", f"scored {rule.unit}s have")
        said += f" {unpriced} no priced call at all: left out too."
    if found["unpriced"]:
        said += f" {fmt.plural(found['unpriced'], 'call')} without a price in what is counted: the cost is a least."
    return said + " Failures are paid for by the successes."


def _by(window: state.Window, by: str, filters: data.Filters, rule: Rule, n: str) -> None:
    frame = data_cost.cost_per_success(window.since, window.until, filters, **rule.params(), dimension=by)
    told = frame[frame["per_success"].notna()].sort_values("per_success", ascending=False)
    shown = told.head(SHOWN)
    if len(told) > 1:
        rows = pd.DataFrame([_point(by, rule, row) for row in listing.records(shown)])
        st.plotly_chart(
            charts_cost.whiskers(rows, f"Cost per success by {by}", f"n = {n}; whiskers: 95 %", widgets.theme()),
            theme=None, key="success-by", config={"displayModeBar": False}, alt=f"Cost per success by {by}",
        )  # fmt: skip
        if len(told) > len(shown):
            widgets.cut(len(shown), len(told), f"{by}s")
    with st.expander(f"Cost per success by {by}, as a table", key="success-table", on_change="rerun") as twin:
        if twin.open:
            _table(by, rule, frame)


def _name(value: str | None) -> str:
    return fmt.UNKNOWN if value is None else value


def _point(by: str, rule: Rule, row: dict[str, Any]) -> dict[str, Any]:
    cost = f"{fmt.mean_cost(row['per_success'])} (95 %: {fmt.between(row['low'], row['high'])})"
    n = f"{row['successes']:,} of {fmt.plural(row['scored'], f'scored {rule.unit}')}"
    name = fmt.clip(_name(row["value"]), 60)
    told = f"{by} {name}: {cost}, {n}".replace("&", "&amp;").replace("<", "&lt;")
    return {"name": name, "value": row["per_success"], "low": row["low"], "high": row["high"], "told": told}


def _table(by: str, rule: Rule, frame: pd.DataFrame) -> None:
    columns = ["value", "per_success", "low", "high", "successes", "scored", "unscored", "failed_scores", "cost_usd"]
    money = {name: st.column_config.NumberColumn(label, format="$%.5f") for name, label in
             (("per_success", "Per success"), ("low", "95 % from"), ("high", "to"),
              ("cost_usd", "Cost, scored"))}  # fmt: skip
    counts = {name: st.column_config.NumberColumn(label, format="localized") for name, label in
              (("successes", "Successes"), ("scored", f"Scored {rule.unit}s"), ("unscored", "Not scored"),
               ("failed_scores", "Failed scores"))}  # fmt: skip
    st.dataframe(
        frame[columns], hide_index=True, placeholder=fmt.UNKNOWN, height="content",
        column_config={"value": st.column_config.TextColumn(by.capitalize()), **money, **counts},
        alt=f"Cost per success by {by}, dearest first",
    )  # fmt: skip
    widgets.csv(frame.drop(columns="total"), f"cost-per-success-by-{by}")
    st.caption(
        f"A {rule.unit} counts under each {by} that it has calls of, with the "
        "cost of these calls alone. Intervals: Student's on the logarithm, by the delta method."
    )
