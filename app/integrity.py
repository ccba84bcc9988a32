"""The parts of the Cost integrity page but for invoices. What is computed comes from the server; here it gets words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import (
    behind,
    calls,
    charts_integrity,
    data,
    data_cost,
    data_integrity,
    invoices,
    leftout,
    listing,
    state,
    widgets,
)
from app import format as fmt
from app.behind import PATH, ROLES, SHOW
from app.listing import Cell, Column

REPORTED, EXCLUDED, UNKNOWN, INVOICE = SHOWN = ("reported", "not counted", "unknown", "invoice")
MOST_MODELS = 12  # in a figure

Row = dict[str, Any]


def controls(window: state.Window) -> tuple[str, data.Filters]:
    """What is shown, and the filters, in one row."""
    with st.container(horizontal=True, vertical_alignment="center"):
        show = st.segmented_control(
            "Show", SHOWN, default=REPORTED, required=True, key=SHOW, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        return str(show), widgets.call_filters(window, PATH)


@dataclass(frozen=True, slots=True)
class Told:
    """All that the server says of a window, asked for before anything is drawn."""

    totals: pd.Series
    reported: pd.Series | None  # null: there is no call
    models: list[Row]  # reported against computed, with causes
    excluded: pd.DataFrame
    untold: pd.DataFrame
    bill: invoices.Bill | None  # null: none is kept


def ask(window: state.Window, filters: data.Filters) -> Told:
    times = window.since, window.until
    return Told(
        data_cost.calls_totals(*times, filters), data_integrity.integrity_reported(*times, filters),
        data_integrity.integrity_causes(*times, filters), data_integrity.integrity_excluded(*times, filters),
        data_integrity.integrity_untold(*times, filters), invoices.chosen(),
    )  # fmt: skip


def page(window: state.Window, show: str, filters: data.Filters, waiting: DeltaGenerator) -> None:
    """The figures, or the calls behind one of them; `waiting` stood in their place and is cleared."""
    what = st.query_params.get(behind.BEHIND)
    try:
        if what in behind.WHAT:
            found = data_integrity.integrity_calls(window.since, window.until, what, filters)
        else:
            told = ask(window, filters)
    finally:
        waiting.empty()
    if what in behind.WHAT:
        behind.listed(window, what, found)
    else:
        overview(window, show, filters, told)


def overview(window: state.Window, show: str, filters: data.Filters, told: Told) -> None:
    """Sentence and tiles, then the part that is shown. An invoice stands by itself: its days are not the range's."""
    empty = not told.totals["calls"] and told.excluded.empty
    if empty and show != INVOICE:
        what = "What was reported and computed would be here."
        calls.nothing(window, what, "model", PATH, narrowed=bool(filters))
        return
    if empty:
        st.markdown(invoices.finding(told.bill))
    else:
        st.markdown(finding(window, told))
        calls.known("US dollars. Each model call counts once. Intervals are of 95 %, the trace is the cluster.")
        tiles(told)
    if show == INVOICE:
        invoices.part(told.bill)
    elif show == UNKNOWN:
        leftout.unknown(window, told.untold)
    elif show == EXCLUDED:
        leftout.excluded(window, told.totals, told.excluded)
    else:
        reported(window, told)


def finding(window: state.Window, told: Told) -> str:
    """Whether our sums agree with what was reported, and with the invoice."""
    return f"{_reports(window, told)} {invoices.finding(told.bill)}"


def _reports(window: state.Window, told: Told) -> str:
    now = told.reported
    if now is None or not now["reported"]:
        counted = fmt.plural(told.totals["calls"], "call")
        return f"No sender reported a cost for any of the {counted} in {window.words}: nothing there to agree with."
    if not now["compared"]:
        usd = fmt.plain(fmt.money(now["reported_usd"]))
        return f"Senders reported {usd} for {_n(now['reported'])} in {window.words}, none of which has a price of ours."
    ours, theirs = (fmt.plain(fmt.money(now[f"compared_{side}_usd"])) for side in ("computed", "reported"))
    many = f"{_n(now['compared'])} in {window.words}"
    if now["deviation"] is None or fmt.absent(now["deviation"]):
        return f"Senders reported {theirs} for {many} that we compute at {ours}."
    if abs(now["deviation"]) <= invoices.AGREES:
        return (
            f"Our sum agrees with what senders reported: {ours} against {theirs} for {many}"
            f"{_but(told.models)}."
        )  # fmt: skip
    return (
        f"Senders reported {theirs} for {many} that we compute at {ours}: {_more(now)}{_furthest(told.models)}."
    )  # fmt: skip


def _n(number: float) -> str:
    return fmt.plural(number, "call")


def _more(now: pd.Series) -> str:
    """`21.6 % more (18 to 25 %)`."""
    share = float(now["deviation"])
    return f"{fmt.percent(abs(share))} {'more' if share > 0 else 'less'}{_sure(now)}"


def _sure(record: Mapping[str, Any] | pd.Series) -> str:
    """The interval of a deviation in brackets; nothing where there is none."""
    found = between(record)
    return "" if found == NO_INTERVAL else f" (95 % interval {found})"


NO_INTERVAL = "no interval"


def between(record: Mapping[str, Any] | pd.Series) -> str:
    """The interval of a deviation: `+18 to +25 %`."""
    low, high = record["deviation_low"], record["deviation_high"]
    if fmt.absent(low) or fmt.absent(high):
        return NO_INTERVAL
    return f"{fmt.percent_apart(low, 2).removesuffix(' %')} to {fmt.percent_apart(high, 2)}"


def _furthest(models: Sequence[Row]) -> str:
    """`; furthest apart is gpt-4o, cache reads not discounted`."""
    first = next((row for row in models if row["compared"]), None)
    if first is None or first["cause"] in {None, "agrees"}:
        return ""
    name = fmt.plain(first["value"] or "a model without a name", 60)
    return f"; furthest apart is {name}, {fmt.plain(first['said'], 120)}"


def _but(models: Sequence[Row]) -> str:
    """The total may agree while models do not."""
    off = [row for row in models if row["compared"] and abs(row["deviation"] or 0) > invoices.AGREES]
    return f", though {fmt.plural(len(off), 'model does', 'models do')} not" if off else ""


def tiles(told: Told) -> None:
    widgets.tiles(
        _deviation_tile(told.reported), _excluded_tile(told.excluded), _untold_tile(told),
        _unpriced_tile(told.totals), invoices.tile(told.bill),
    )  # fmt: skip


def _deviation_tile(now: pd.Series | None) -> widgets.Tile:
    label = "Reported against computed"
    if now is None or not now["compared"]:
        note = "no sender reported a cost" if now is None or not now["reported"] else "no report has a price of ours"
        return widgets.Tile(label, fmt.UNKNOWN, "Needs calls with a reported and a computed cost", note, [])
    theirs, ours = (fmt.exact_money(now[f"compared_{side}_usd"]) for side in ("reported", "computed"))
    exact = (
        f"Reported {theirs}, computed {ours} over "
        f"{fmt.plural(now['compared'], 'call')} of {fmt.plural(now['traces'], 'trace')}; "
        f"{fmt.count(now['calls'] - now['reported'])} of {fmt.count(now['calls'])} calls reported none"
    )
    note = f"{between(now)}, n = {fmt.short(now['compared'])}"
    return widgets.Tile(label, fmt.percent_apart(now["deviation"]), fmt.plain(exact, 600), fmt.plain(note), [])


def _excluded_tile(excluded: pd.DataFrame) -> widgets.Tile:
    label, usd = "Not counted", excluded["cost_usd"].sum(min_count=1)
    many = {role: int(excluded.loc[excluded["usage_role"] == role, "calls"].sum()) for role in ROLES}
    exact = (
        f"Counting them too would add {fmt.exact_money(usd)}, {fmt.count(excluded['input_tokens'].sum())} input and "
        f"{fmt.count(excluded['output_tokens'].sum())} output tokens"
    )
    note = ", ".join(
        f"{fmt.short(many[role])} {role if many[role] == 1 else short}" for role, (_, short) in ROLES.items()
    )
    value = "$0" if excluded.empty else fmt.money(usd)
    return widgets.Tile(label, value, fmt.plain(exact), fmt.plain(note), [])


def _untold_tile(told: Told) -> widgets.Tile:
    half, none = (int(told.untold[name].sum()) for name in ("half_told", "untold"))
    exact = f"{none:,} calls ended well and told no tokens, {half:,} told input or output alone"
    note = f"of {fmt.short(told.totals['calls'])}; {fmt.short(half)} told half"
    return widgets.Tile("Calls without usage", fmt.short(none), exact, note, [])


def _unpriced_tile(now: pd.Series) -> widgets.Tile:
    exact = (
        f"{fmt.count(now['unpriced'])} of {fmt.count(now['calls'])} calls, {fmt.count(now['untold'])} for want of usage"
    )
    return widgets.Tile(
        "Calls without a price", fmt.short(now["unpriced"]), exact, f"of {fmt.plural(now['calls'], 'call')}", []
    )


def reported(window: state.Window, told: Told) -> None:
    """A figure of deviations, what the calls that are off come of, and a row per model."""
    compared = [row for row in told.models if row["compared"]]
    if not compared:
        widgets.empty("Reported against computed cost would be here.", _why_none(told.reported))
        return
    left, right = st.columns([6, 7])
    with left:
        _deviations(window, compared)
    with right:
        _parts(compared)
    _models(window, told.models, len(compared))


def _why_none(now: pd.Series | None) -> str:
    if now is not None and now["reported"]:
        return f"{fmt.plural(now['reported'], 'call')} told a cost, and none of them has a price of ours: see unknown."
    return (
        "No call told a cost. Senders tell it in gen_ai.usage.cost, llm.cost.total, operation.cost, "
        "langfuse.observation.cost_details and the like; our own sums need none."
    )


def _deviations(window: state.Window, compared: list[Row]) -> None:
    known = pd.DataFrame([row for row in compared if row["deviation"] is not None][:MOST_MODELS])
    if known.empty:
        widgets.empty("Deviations would be here.", "What was compared costs nothing by our prices.")
        return
    zone = widgets.zone()
    scope = f"{fmt.moment(window.since, zone)[:16]} to {fmt.moment(window.until, zone)[:16]}"
    subtitle = f"n = {fmt.plural(known['compared'].sum(), 'compared call')}, {scope}; bars: 95 %"
    event = st.plotly_chart(
        charts_integrity.deviations(known, subtitle, widgets.theme()), theme=None, key="deviations", on_select="rerun",
        selection_mode="points", alt="Deviation of reported from computed cost by model",
        config={"displayModeBar": False},
    )  # fmt: skip
    points = cast("dict[str, Any]", event).get("selection", {}).get("points", [])
    shown = known.iloc[::-1].reset_index(drop=True)
    if points and points[0]["point_index"] < len(shown):
        model = shown["value"].iloc[points[0]["point_index"]]
        if model:
            label = f"Calls of {fmt.plain(model, 60)}"
            st.link_button(label, behind.link("compared", model), icon=":material/open_in_new:", type="tertiary")


def _parts(compared: list[Row]) -> None:
    """What the calls that are off come of, each counted once."""
    rows = [
        {"model": row["value"] or fmt.UNKNOWN, "cause": part["said"], "calls": part["calls"],
         "share": part["share"] * 100, "usd": part["explained_usd"]}
        for row in compared for part in row["parts"]
    ]  # fmt: skip
    st.markdown("**What calls that are off come of**")
    if not rows:
        off, looked = (sum(row[name] for row in compared) for name in ("off", "sampled"))
        said = f"{fmt.plural(off, 'call is', 'calls are')} off, by no cause that we know" if off else "No call is off"
        st.caption(f"{said}: {looked:,} were looked at, to a thousandth of the cost or half a millionth of a dollar.")
        return
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=_PART_COLUMNS,
        height="content" if len(rows) <= _FEW else 250, alt="Causes of the calls that are off, by model",
    )  # fmt: skip
    st.caption(f"Of {sum(row['sampled'] for row in compared):,} calls that were looked at; each is counted once.")


_FEW = 6  # rows that are shown at their full height
_PART_COLUMNS = {
    "model": st.column_config.TextColumn("Model", width=108),
    "cause": st.column_config.TextColumn("Cause", width=236),
    "calls": st.column_config.NumberColumn("Calls", format="localized", width=50),
    "share": st.column_config.NumberColumn("Share", format="%.1f %%", width=58),
    "usd": st.column_config.NumberColumn("Makes", format="dollar", width=62),
}


def _models(window: state.Window, models: list[Row], compared: int) -> None:
    """One row per model, furthest apart first; it leads to its calls."""
    frame = pd.DataFrame(models).drop(columns=["total", "parts", "also"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**By model**", width="content")
        st.space("stretch")
        widgets.csv(frame, "cost-integrity")
    rows = [
        listing.Row(behind.link("compared", row["value"]) if row["compared"] else "", _model_cells(row))
        for row in models
    ]
    listing.listing("integrity-models", "Reported against computed cost by model", MODEL_COLUMNS, rows)
    silent = len(models) - compared
    also = f" {fmt.plural(silent, 'model')} told no cost to compare." if silent else ""
    st.caption(
        f"A row opens its calls in {window.words}, furthest apart first. A cause is what at least 90 % of the calls "
        f"looked at agree with, about 1,000 of each model; in brackets: 95 % interval.{also}"
    )


MODEL_COLUMNS = (
    Column("Model", "minmax(112px, 1.1fr)", link=True),
    Column("Compared", "96px", "right", "Calls with a reported and a computed cost, of all calls"),
    Column("Reported", "72px", "right"),
    Column("Computed", "72px", "right", "Of the compared calls"),
    Column("Apart", "74px", "right", "Reported less computed"),
    Column("Deviation", "minmax(142px, 1fr)", "right", "Reported over computed, less 1, and its 95 % interval"),
    Column("Likely cause", "minmax(150px, 2.4fr)"),
    Column("Agree with it", "minmax(108px, 0.7fr)", "right", "Share of the calls looked at, 95 % interval (Wilson)"),
)


def _model_cells(row: Row) -> list[Cell]:
    theirs, ours = row["compared_reported_usd"], row["compared_computed_usd"]
    name = row["value"] or fmt.UNKNOWN
    return [
        Cell(fmt.clip(name), name, quiet=row["value"] is None),
        Cell(f"{fmt.short(row['compared'])} of {fmt.short(row['calls'])}", _exact_n(row), quiet=not row["compared"]),
        Cell(fmt.money(theirs) if row["compared"] else "not told", fmt.exact_money(theirs), quiet=not row["compared"]),
        Cell(fmt.money(ours) if row["compared"] else "", fmt.exact_money(ours)),
        Cell(fmt.money_apart(theirs - ours) if row["compared"] else ""),
        _deviation_cell(row),
        _cause_cell(row),
        _share_cell(row),
    ]


def _exact_n(row: Row) -> str:
    return f"{row['compared']:,} of {row['calls']:,} calls, {row['compared_failed']:,} of the compared failed"


def _deviation_cell(row: Row) -> Cell:
    if row["deviation"] is None:
        return Cell(fmt.UNKNOWN if row["compared"] else "", quiet=True)
    found = between(row)
    return Cell(
        fmt.percent_apart(row["deviation"]) + ("" if found == NO_INTERVAL else f" ({found})"),
        f"n = {fmt.plural(row['compared'], 'call')} of {fmt.plural(row['traces'], 'trace')}",
    )


def _cause_cell(row: Row) -> Cell:
    """The cause, and on hover what the calls cannot tell it apart from."""
    if row["said"] is None:
        return Cell("", quiet=True)
    also = "; or ".join(row["also"])
    text = fmt.clip(row["said"] + (f"; or {also}" if also else ""), 160)
    return Cell(text, text, tone="green" if row["cause"] == "agrees" else "")


def _share_cell(row: Row) -> Cell:
    if row["share"] is None:
        return Cell("", quiet=True)
    low, high = (fmt.digits(row[f"share_{end}"] * 100, 2) for end in ("low", "high"))
    return Cell(
        f"{fmt.percent(row['share'])} ({low} to {high} %)",
        f"n = {fmt.plural(row['sampled'], 'call')} looked at, {row['off']:,} of them off",
    )
