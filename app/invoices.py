"""Invoices on the Cost integrity page: which is held against our sums, how it agrees, and a way to give another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePath
from typing import Any, cast

import pandas as pd
import streamlit as st

from app import charts_invoices, data, data_invoices, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column
from server.client_invoices import invoice_text

INVOICE, PER = "invoice", "per"  # keys of the controls, and their names in the URL
GRAINS = ("day", "month")
AGREES = 0.01  # a relative difference that still agrees
NEXT = "invoice-next"  # session state: the one to show from the next run on
_MOST = 200  # rows by period and model
_BY_COLUMNS, _ANYONE = "as its columns tell", "anyone"
_NAME = re.compile(r"[^\w .+@()-]")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bill:
    """The invoice of the URL, else the last billed, and how it agrees."""

    kept: list[Row]  # all of them
    told: Row  # of this one: name, provider, grain, since, until, ...
    found: Row  # the reconciliation


def chosen() -> Bill | None:
    """Null: no invoice is kept."""
    kept = data_invoices.invoices()
    if not kept:
        return None
    wanted = st.session_state.get(NEXT) or st.query_params.get(INVOICE)
    told = next((one for one in kept if one["name"] == wanted), kept[0])
    grain = str(st.query_params.get(PER, told["grain"]))
    return Bill(
        kept, told, data_invoices.reconciliation(told["name"], told["kept_at"], grain if grain in GRAINS else "day")
    )


def finding(bill: Bill | None) -> str:
    """Whether our sum agrees with what was billed."""
    if bill is None:
        return "No invoice is kept to hold our sums against."
    found, name = bill.found, fmt.plain(bill.told["name"], 60)
    theirs, ours = (fmt.plain(fmt.money(found[f"{side}_usd"])) for side in ("invoiced", "computed"))
    said = f"The invoice {name} bills {theirs} for {_days(bill.told)}, and we compute {ours}"
    return f"{said}: {_judged(found)}."


def _days(told: Mapping[str, Any]) -> str:
    """`2026-10`, or `2026-10-03 to 2026-10-05`; the last day is of it."""
    first, after = (date.fromisoformat(told[edge]) for edge in ("since", "until"))
    last = after - timedelta(days=1)
    if first.day == 1 and after.day == 1 and first.replace(day=1) == last.replace(day=1):
        return f"{first:%Y-%m}"
    return f"{first}" if first == last else f"{first} to {last}"


def _judged(found: Mapping[str, Any]) -> str:
    relative, usd = found["difference_relative"], found["difference_usd"]
    many = found["unpriced_calls"]
    unpriced = f"; {fmt.plural(many, 'call has', 'calls have')} no price" if many else ""
    if not found["calls"]:
        return "no call of ours is of these days" + (
            f" and of {fmt.plain(found['provider'])}" if found["provider"] else ""
        )
    if relative is not None and abs(relative) <= AGREES:
        close = fmt.percent_apart(abs(relative)).removeprefix("+")
        return ("they agree" if close == "0 %" else f"they agree to {close}") + unpriced
    more = "more" if usd > 0 else "less"
    share = "" if relative is None else f", {fmt.percent(abs(relative))}"
    return f"{fmt.plain(fmt.money(abs(usd)))} {more}{share}{unpriced}"


def tile(bill: Bill | None) -> widgets.Tile:
    label = "Computed against invoiced"
    if bill is None:
        return widgets.Tile(
            label, fmt.UNKNOWN, "Give a provider's invoice or cost export under invoice", "no invoice", []
        )
    found = bill.found
    exact = (
        f"{bill.told['name']}: invoiced {fmt.exact_money(found['invoiced_usd'])}, computed "
        f"{fmt.exact_money(found['computed_usd'])} over {fmt.plural(found['calls'], 'call')}; of its dollars "
        f"{fmt.exact_money(found['matched_usd'])} match by {bill.found['grain']} and model"
    )
    note = f"{fmt.money_apart(found['difference_usd'])} of {fmt.money(found['invoiced_usd'])}"
    return widgets.Tile(
        label, fmt.percent_apart(found["difference_relative"]), fmt.plain(exact, 600), fmt.plain(note), []
    )


def part(bill: Bill | None) -> None:
    """Which invoice, how it agrees by period and model, and a way to give or take one."""
    if bill is None:
        widgets.empty(
            "A provider's invoice against our sums would be here.",
            "None is kept in this project. CSV with a date, a model and an amount in US dollars; exports of OpenAI's "
            "and Anthropic's costs are read as they come.",
            lambda: st.button("Add an invoice", key="add-invoice", type="primary", on_click=_open),
        )
    else:
        _controls(bill)
        _drawn(bill)
    if st.session_state.pop("adding", False):
        _add()


def _open() -> None:
    st.session_state["adding"] = True


def _controls(bill: Bill) -> None:
    names = [one["name"] for one in bill.kept]
    if (wanted := st.session_state.pop(NEXT, None)) in names:
        st.session_state[INVOICE] = wanted
    with st.container(horizontal=True, vertical_alignment="center"):
        st.selectbox("Invoice", names, key=INVOICE, bind="query-params", label_visibility="collapsed", width=260)
        if bill.told["grain"] == "day":
            st.segmented_control(
                "Per", GRAINS, default="day", required=True, key=PER, bind="query-params", label_visibility="collapsed"
            )
        st.button("Add or replace", key="add-invoice", icon=":material/upload:", on_click=_open)
        if st.button("Delete", key="delete-invoice", icon=":material/delete:"):
            _delete(bill.told["name"])
        st.space("stretch")
        st.caption(_known(bill.told), width="content")


def _known(told: Mapping[str, Any]) -> str:
    whose = f"Calls of {fmt.plain(told['provider'])}" if told["provider"] else "Calls of all providers"
    at = fmt.moment(pd.Timestamp(told["kept_at"]).to_pydatetime(), widgets.zone())[:16]
    by = f" by {fmt.plain(told['author'], 40)}" if told["author"] else ""
    return f"{whose}, whatever range and filters; days are of UTC. Kept {at}{by}."


def _drawn(bill: Bill) -> None:
    found = bill.found
    periods = pd.DataFrame(found["periods"])
    left, right = st.columns([7, 5])
    with left:
        _figure(bill, periods)
    with right:
        _status(found)
    _models(bill)
    _rows(bill)


def _figure(bill: Bill, periods: pd.DataFrame) -> None:
    grain = bill.found["grain"]
    subtitle = f"n = {fmt.plural(bill.found['calls'], 'call')}, {_days(bill.told)} UTC, by {grain}"
    labels = periods.assign(period=[_period(day, grain) for day in periods["period"]])
    event = st.plotly_chart(
        charts_invoices.invoiced(labels, subtitle, widgets.theme()), theme=None, key="invoiced", on_select="rerun",
        selection_mode="points", alt=f"Invoiced and computed cost by {grain}", config={"displayModeBar": False},
    )  # fmt: skip
    points = cast("dict[str, Any]", event).get("selection", {}).get("points", [])
    if points and points[0]["point_index"] < len(periods):
        day = periods["period"].iloc[points[0]["point_index"]]
        st.link_button(
            f"Traces of {_period(day, grain)}",
            _traces(day, grain, None),
            icon=":material/open_in_new:",
            type="tertiary",
        )


def _period(day: str, grain: str) -> str:
    return day[:7] if grain == "month" else day


def _traces(day: str, grain: str, model: str | None) -> str:
    """The traces of a period of UTC, of a model if it has one name alone."""
    first = date.fromisoformat(day)
    after = first + timedelta(days=1) if grain == "day" else (first + timedelta(days=31)).replace(day=1)
    return state.traces_path({"range": "custom", "from": f"{first}T00:00Z", "to": f"{after}T00:00Z", "model": model})


STATUS = {
    "matched": ("matches", "green", "within 1 % or a cent"),
    "differs": ("differs", "orange", "by more than 1 % and a cent"),
    "only_invoiced": ("invoice alone", "red", "no call of ours"),
    "only_computed": ("calls alone", "red", "not on the invoice"),
    "unpriced": ("no price", "red", "calls of unknown cost"),
}
"""Status of a row -> its badge, tone, and what it means."""


def _status(found: Mapping[str, Any]) -> None:
    """How many of the rows agree, and how much money they hold."""
    frame = pd.DataFrame(found["rows"])
    st.markdown(f"**Rows by {found['grain']} and model**")
    rows = []
    for status, (name, _, means) in STATUS.items():
        part = frame[frame["status"] == status]
        rows.append(
            {"status": f"{name}: {means}", "rows": len(part),
             "invoiced": part["invoiced_usd"].astype("float64").sum(min_count=1),
             "computed": part["computed_usd"].astype("float64").sum(min_count=1)}
        )  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=_STATUS_COLUMNS, placeholder="-", height="content",
        alt="Rows of the reconciliation by status",
    )  # fmt: skip
    if not found["named"]:
        st.caption("The invoice names no models, so that days alone are compared.")


_STATUS_COLUMNS = {
    "status": st.column_config.TextColumn("Status", width=196),
    "rows": st.column_config.NumberColumn("Rows", format="localized", width=46),
    "invoiced": st.column_config.NumberColumn("Invoiced", format="dollar", width=78),
    "computed": st.column_config.NumberColumn("Computed", format="dollar", width=78),
}


def _models(bill: Bill) -> None:
    """One row per model, furthest apart first; it leads to the traces of the invoice's days."""
    models = sorted(bill.found["models"], key=lambda row: -abs(row["difference_usd"]))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**By model**", width="content")
        st.space("stretch")
        widgets.csv(_flat(models), f"{bill.told['name']}-by-model")
    since, until = (f"{bill.told[edge]}T00:00Z" for edge in ("since", "until"))
    rows = [
        listing.Row(
            state.traces_path({"range": "custom", "from": since, "to": until, "model": _only(row["models"])}),
            _cells(row, row["model"]), anew=True,
        )
        for row in [*models, _total(bill.found)]
    ]  # fmt: skip
    listing.listing("invoice-models", "Invoiced and computed cost by model", (_first("Model"), *COLUMNS), rows)
    st.caption(
        "A row opens the traces of these days. Names on the invoice are read by the rules that find prices; computed "
        "less invoiced, in % of the invoiced."
    )


def _only(models: list[str]) -> str | None:
    return models[0] if len(models) == 1 else None


def _first(name: str) -> Column:
    return Column(name, "minmax(150px, 1.2fr)", link=True)


COLUMNS = (
    Column("Invoiced", "92px", "right"),
    Column("Computed", "92px", "right", "≥: some calls have no price"),
    Column("Difference", "92px", "right", "Computed less invoiced"),
    Column("%", "74px", "right", "Of the invoiced"),
    Column("Calls", "64px", "right"),
    Column("No price", "60px", "right"),
    Column("Status", "96px"),
    Column("On the invoice as", "minmax(150px, 1.4fr)"),
)


def _cells(row: Row, name: str) -> list[Cell]:
    theirs, ours = row["invoiced_usd"], row["computed_usd"]
    badge, tone, means = STATUS.get(row["status"], ("", "", ""))
    names = ", ".join(row["names"])
    least = "≥ " if row["unpriced_calls"] and ours is not None else ""
    return [
        Cell(fmt.clip(name, 80), name),
        Cell("not there" if theirs is None else fmt.money(theirs), fmt.exact_money(theirs), quiet=theirs is None),
        Cell(_ours(row, least), fmt.exact_money(ours), quiet=ours is None),
        Cell(fmt.money_apart(row["difference_usd"]), fmt.exact_money(row["difference_usd"])),
        Cell("" if row["difference_relative"] is None else fmt.percent_apart(row["difference_relative"])),
        Cell(fmt.count(row["calls"]), quiet=not row["calls"]),
        Cell(fmt.count(row["unpriced_calls"]), quiet=not row["unpriced_calls"]),
        Cell(badge, means, tone=tone),
        Cell(fmt.clip(names, 120), names, quiet=not row.get("mapped", True)),
    ]


def _ours(row: Row, least: str) -> str:
    if row["computed_usd"] is None:
        return fmt.UNKNOWN if row["calls"] else "no calls"
    return f"{least}{fmt.money(row['computed_usd'])}"


def _total(found: Mapping[str, Any]) -> Row:
    sums = ("invoiced_usd", "computed_usd", "difference_usd", "difference_relative", "calls", "unpriced_calls")
    return {"model": "Total", "names": [], "models": [], "status": "total"} | {name: found[name] for name in sums}


def _rows(bill: Bill) -> None:
    """By period and model, furthest apart first; drawn when somebody looks."""
    grain = bill.found["grain"]
    with st.expander(f"By {grain} and model", key="invoice-detail", on_change="rerun") as section:
        if not section.open:
            return
        rows = sorted(bill.found["rows"], key=lambda row: -abs(row["difference_usd"]))
        with st.container(horizontal=True, vertical_alignment="center"):
            if len(rows) > _MOST:
                widgets.cut(_MOST, len(rows), "rows, furthest apart first; the CSV has all")
            st.space("stretch")
            widgets.csv(_flat(bill.found["rows"]), f"{bill.told['name']}-by-{grain}-and-model")
        drawn = [
            listing.Row(
                _traces(row["period"], grain, _only(row["models"])),
                [Cell(_period(row["period"], grain)), *_cells(row, row["model"])[:-1]], anew=True,
            )
            for row in rows[:_MOST]
        ]  # fmt: skip
        columns = (Column(grain.capitalize(), "92px", link=True), Column("Model", "minmax(150px, 1fr)"), *COLUMNS[:-1])
        listing.listing("invoice-rows", f"Invoiced and computed cost by {grain} and model", columns, drawn)


def _flat(rows: list[Row]) -> pd.DataFrame:
    """For a file: lists of names as text."""
    return pd.DataFrame([{name: "; ".join(v) if isinstance(v, list) else v for name, v in row.items()} for row in rows])


@st.dialog("Add an invoice", width="medium")
def _add() -> None:
    """Asks for a file, its name and whose it is; says what cannot be read and where."""
    file = st.file_uploader(
        "Invoice or cost export (CSV)", type=["csv", "tsv", "txt"], key="invoice-file", max_upload_size=8
    )
    suggested = _NAME.sub("-", PurePath(file.name).stem).strip(" .+@()-_")[:100] if file else ""
    name = st.text_input(
        "Name", value=suggested, key=f"invoice-name {suggested}", max_chars=100,
        help="An invoice of this name is replaced.",
    )  # fmt: skip
    billed = st.selectbox(
        "Billed by", [_BY_COLUMNS, "openai", "anthropic", "azure.ai.openai", "aws.bedrock", "gcp.vertex_ai", _ANYONE],
        key="invoice-provider", accept_new_options=True,
        help="Calls of other providers are left out. Names as OpenTelemetry has them.",
    )  # fmt: skip
    if not st.button("Keep this invoice", key="keep-invoice", type="primary", disabled=file is None or not name):
        return
    provider = {_BY_COLUMNS: None, _ANYONE: ""}.get(str(billed), str(billed))
    try:
        kept = data_invoices.keep_invoice(name, invoice_text(cast("Any", file).getvalue()), provider)
    except data.ApiError as error:
        _refused(str(error))
        return
    st.session_state[NEXT] = kept["name"]
    st.rerun()


def _refused(why: str) -> None:
    """Each fault in a line of its own."""
    st.error("**The invoice was not kept.**", icon=":material/error:")
    for line in why.splitlines():
        st.text(fmt.clip(line, 400))


@st.dialog("Delete this invoice")
def _delete(name: str) -> None:
    st.markdown(f"{fmt.plain(name)} is forgotten for everyone. No cost changes by it.")
    if st.button("Delete it", key="delete-it", type="primary"):
        try:
            data_invoices.forget_invoice(name)
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.rerun()
