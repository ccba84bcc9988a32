"""Budgets on the Cost page: what was spent this month, where the month is heading, and the dialog that sets them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st
import yaml

from app import charts_budgets, data, data_budgets, prices, widgets
from app import format as fmt

ALL = "all calls"
WHERE = (
    "service", "model", "provider", "environment", "release", "prompt", "variant", "tool", "tag", "user", "session",
)  # fmt: skip
"""What a budget may be of besides all calls."""
_WIDTHS = (7, 9, 13, 13, 3)
_CHOSEN = "budget"  # key of the figure's choice

Budget = dict[str, Any]


def section() -> None:
    """A line per budget, and the month of one of them; without budgets a line and the button."""
    told = data_budgets.budgets(str(widgets.zone()))
    st.subheader("Budgets", anchor=False)
    if told["problem"]:
        st.error(fmt.plain(told["problem"], 600), icon=":material/error:")
    found = told["budgets"]
    if not found:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("No budget is set. One says what a calendar month may cost, of all calls or of a part of them.",
                       width="content")  # fmt: skip
            _add(told)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_scope(told), width="content")
        st.space("stretch")
        _add(told)
    for place, one in enumerate(found):
        _line(told, one, place)
    _month(found)


def _add(told: Budget) -> None:
    if st.button("Add a budget", icon=":material/add:", key="budget-add"):
        _dialog(told, None)


def _scope(told: Budget) -> str:
    month = date.fromisoformat(told["today"])
    return (
        f"{month:%B %Y}, calendar month in {fmt.plain(told['zone'])}, whatever the time range and filters above. "
        "A forecast takes the coming days to be like the past ones."
    )


def name(one: Budget) -> str:
    """What a budget is of; untrusted text."""
    return f"{one['dimension']} {one['value']}" if one["dimension"] else ALL


def _line(told: Budget, one: Budget, place: int) -> None:
    of, spent, ahead, verdict, button = st.columns(_WIDTHS, vertical_alignment="center")
    of.markdown(f"**{fmt.plain(name(one), 60)}**")
    spent.progress(min(1.0, one["spent_usd"] / one["usd_per_month"]), fmt.plain(_spent(one)))
    ahead.markdown(fmt.plain(forecast(one)))
    icon, ink = tone(one)
    verdict.markdown(f":{ink}[:material/{icon}:] {fmt.plain(one['verdict'], 200)}")
    if button.button(
        "Edit", key=f"budget-edit-{place}", help=f"Change or remove the budget of {fmt.plain(name(one), 60)}"
    ):
        _dialog(told, one)


def _spent(one: Budget) -> str:
    least = "≥ " if one["unpriced"] else ""
    share = one["spent_usd"] / one["usd_per_month"]
    return f"{least}{fmt.money(one['spent_usd'])} of {fmt.money(one['usd_per_month'])}, {fmt.percent(share)}"


def forecast(one: Budget) -> str:
    """`Forecast $640.00 (95 %: $580.00 to 710.00)`."""
    if one["forecast_usd"] is None:
        return "No forecast yet"
    return f"Forecast {fmt.money(one['forecast_usd'])} (95 %: {fmt.between(one['low'], one['high'])})"


def tone(one: Budget) -> tuple[str, str]:
    """Icon and colour of a verdict; the words beside it say the same."""
    chance = one["chance_passed"]
    if chance is None:
        return "help", "gray"
    if one["spent_usd"] > one["usd_per_month"]:
        return "error", "red"
    return ("warning", "orange") if chance >= 0.5 else ("check_circle", "green") if chance < 0.025 else ("info", "blue")


def _month(found: list[Budget]) -> None:
    """Cumulated spend of one budget, day by day, to the end of the month."""
    names = [name(one) for one in found]
    with st.expander("The month day by day", key="budget-month", on_change="rerun") as section:
        if not section.open:
            return
        chosen = st.selectbox("Budget", names, key=_CHOSEN, width=320) if len(names) > 1 else names[0]
        one = found[names.index(str(chosen))]
        days = pd.DataFrame(one["days"])
        if days.empty:
            st.caption(fmt.plain(str(one["refusal"])))
            return
        subtitle = f"{fmt.clip(name(one), 60)}; n = {fmt.plural(one['calls'], 'call')}; band: 95 % of the forecast"
        st.plotly_chart(
            charts_budgets.month(days, one["usd_per_month"], subtitle, widgets.theme()), theme=None,
            key="budget-figure", config={"displayModeBar": False},
            alt="Cumulated spend of the month, its forecast and the budget",
        )  # fmt: skip
        if one["refusal"]:
            st.caption(fmt.plain(str(one["refusal"])))
        _days(days)


def _days(days: pd.DataFrame) -> None:
    money = {key: st.column_config.NumberColumn(label, format="$%.2f") for key, label in
             (("usd", "By its end"), ("low", "95 % from"), ("high", "to"))}  # fmt: skip
    st.dataframe(
        days[["day", "over", "usd", "low", "high", "chance_passed"]], hide_index=True, height=220,
        column_config={"day": "Day", "over": "Known", **money,
                       "chance_passed": st.column_config.NumberColumn("Chance that it is passed", format="percent")},
        alt="Cumulated spend by the end of each day, US dollars",
    )  # fmt: skip


@st.dialog("Budget", on_dismiss="rerun")
def _dialog(told: Budget, one: Budget | None) -> None:
    """Asks for what a budget is of and how much; sets the whole list with it in its place."""
    of = st.selectbox("Of", [ALL, *WHERE], index=0 if one is None or not one["dimension"] else
                      [ALL, *WHERE].index(one["dimension"]))  # fmt: skip
    with st.form("budget", border=False):
        value = "" if of == ALL else st.text_input(f"Name of the {of}", (one or {}).get("value") or "")
        usd = st.number_input("US dollars a calendar month", min_value=0.0, value=(one or {}).get("usd_per_month"))
        note = st.text_input("Note", (one or {}).get("note") or "")
        with st.container(horizontal=True):
            sent = st.form_submit_button("Set this budget", type="primary")
            removed = one is not None and st.form_submit_button("Remove")
    if removed:
        _set(changed(told["document"], one, None))
    if not sent:
        return
    if not usd or (of != ALL and not value.strip()):
        st.error("Give an amount above 0, and the name of what it is for.", icon=":material/error:")
        return
    entry: Budget = {"usd_per_month": usd} | ({} if of == ALL else {"where": {of: value.strip()}})
    _set(changed(told["document"], one, entry | ({"note": note.strip()} if note.strip() else {})))


def changed(document: str, old: Budget | None, new: Budget | None) -> str:
    """The YAML text with `new` in place of `old`, at its end, or without `old`. Comments stay where one is added."""
    if old is None:
        return prices.appended(document, new or {}, "budgets")
    told = yaml.safe_load(document) or {}
    where = {old["dimension"]: old["value"]} if old["dimension"] else None
    entries = [new if entry.get("where") == where else entry for entry in told["budgets"]]
    return yaml.safe_dump({"budgets": [entry for entry in entries if entry]}, sort_keys=False, allow_unicode=True)


def _set(document: str) -> None:
    try:
        data_budgets.set_budgets(document)
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.rerun()
