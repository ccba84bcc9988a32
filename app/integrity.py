"""The parts of the Cost integrity page but for invoices. What is computed comes from the server; here it gets words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, charts, data, invoices, listing, prices, state, widgets
from app import format as fmt
from app.listing import Cell, Column

SHOW = "show"  # key of the control, and its name in the URL
REPORTED, EXCLUDED, UNKNOWN, INVOICE = SHOWN = ("reported", "not counted", "unknown", "invoice")
BEHIND = "behind"  # in the URL: which calls are listed in place of the figures
PATH, PLACE = "views/cost_integrity.py", "cost_integrity"
MOST_MODELS = 12  # in a figure

Row = dict[str, Any]


def controls(window: state.Window) -> tuple[str, dict[str, str]]:
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


def ask(window: state.Window, filters: Mapping[str, str]) -> Told:
    times = window.since, window.until
    return Told(
        data.calls_totals(*times, filters), data.integrity_reported(*times, filters),
        data.integrity_causes(*times, filters), data.integrity_excluded(*times, filters),
        data.integrity_untold(*times, filters), invoices.chosen(),
    )  # fmt: skip


def page(window: state.Window, show: str, filters: Mapping[str, str], waiting: DeltaGenerator) -> None:
    """The figures, or the calls behind one of them; `waiting` stood in their place and is cleared."""
    behind = st.query_params.get(BEHIND)
    try:
        told = ask(window, filters) if behind not in WHAT else None
        found = data.integrity_calls(window.since, window.until, str(behind), filters) if told is None else None
    finally:
        waiting.empty()
    if found is not None:
        _calls(window, str(behind), found)
        return
    overview(window, show, filters, cast("Told", told))


def overview(window: state.Window, show: str, filters: Mapping[str, str], told: Told) -> None:
    """Sentence and tiles, then the part that is shown. An invoice stands by itself: its days are not the range's."""
    empty = not told.totals["calls"] and told.excluded.empty
    if not (empty and show == INVOICE):
        if empty:
            calls.nothing(
                window, "What was reported and computed would be here.", "model", PATH, narrowed=bool(filters)
            )
            return
        st.markdown(finding(window, told))
        calls.known("US dollars. Each model call counts once. Intervals are of 95 %, the trace is the cluster.")
        tiles(told)
    if show == INVOICE:
        invoices.part(told.bill)
    elif show == UNKNOWN:
        unknown(window, told)
    elif show == EXCLUDED:
        excluded(window, told)
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
    note = ", ".join(f"{fmt.short(many[role])} {short}" for role, (_, short) in ROLES.items())
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


def here(**more: str | None) -> str:
    """A link to this page with the range and filters of now, and `more`."""
    kept = calls.in_url() | {name: st.query_params.get(name) for name in ("range", "from", "to", SHOW)} | more
    return f"{PLACE}?" + urlencode({name: text for name, text in kept.items() if text})


def behind(what: str, model: str | None) -> str:
    """Where a row of a model leads: to the calls behind it. Of an unknown model nowhere: no filter names it."""
    return "" if model is None else here(behind=what, model=model)


# --- reported against computed


def reported(window: state.Window, told: Told) -> None:
    """A figure of deviations, what the calls that are off come of, and a row per model."""
    compared = [row for row in told.models if row["compared"]]
    if not compared:
        widgets.empty("Reported against computed cost would be here.", _why_none(told.reported))
        return
    left, right = st.columns([7, 6])
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
        charts.deviations(known, subtitle, widgets.theme()), theme=None, key="deviations", on_select="rerun",
        selection_mode="points", alt="Deviation of reported from computed cost by model",
        config={"displayModeBar": False},
    )  # fmt: skip
    points = cast("dict[str, Any]", event).get("selection", {}).get("points", [])
    shown = known.iloc[::-1].reset_index(drop=True)
    if points and points[0]["point_index"] < len(shown):
        model = shown["value"].iloc[points[0]["point_index"]]
        if model:
            label = f"Calls of {fmt.plain(model, 60)}"
            st.link_button(label, behind("compared", model), icon=":material/open_in_new:", type="tertiary")


def _parts(compared: list[Row]) -> None:
    """What the calls that are off come of, each counted once."""
    rows = [
        {"model": row["value"] or fmt.UNKNOWN, "cause": part["said"], "calls": part["calls"],
         "share": part["share"] * 100, "usd": part["explained_usd"]}
        for row in compared for part in row["parts"]
    ]  # fmt: skip
    st.markdown("**What calls that are off come of**")
    if not rows:
        st.caption("No report among the calls that were looked at is off by more than a thousandth.")
        return
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=_PART_COLUMNS, height=min(38 + 35 * len(rows), 240),
        alt="Causes of the calls that are off, by model",
    )  # fmt: skip
    st.caption(f"Of {sum(row['sampled'] for row in compared):,} calls that were looked at; each is counted once.")


_PART_COLUMNS = {
    "model": st.column_config.TextColumn("Model", width=110),
    "cause": st.column_config.TextColumn("Cause", width=210),
    "calls": st.column_config.NumberColumn("Calls", format="localized", width=56),
    "share": st.column_config.NumberColumn("Share", format="%.1f %%", width=64),
    "usd": st.column_config.NumberColumn("Makes", format="dollar", width=74),
}


def _models(window: state.Window, models: list[Row], compared: int) -> None:
    """One row per model, furthest apart first; it leads to its calls."""
    frame = pd.DataFrame(models).drop(columns=["total", "parts", "also"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**By model**", width="content")
        st.space("stretch")
        widgets.csv(frame, "cost-integrity")
    rows = [
        listing.Row(behind("compared", row["value"]) if row["compared"] else "", _model_cells(row)) for row in models
    ]
    listing.listing("integrity-models", "Reported against computed cost by model", MODEL_COLUMNS, rows)
    silent = len(models) - compared
    also = f" {fmt.plural(silent, 'model')} told no cost to compare." if silent else ""
    st.caption(
        f"A row opens its calls in {window.words}, furthest apart first. A cause is what at least 90 % of the calls "
        f"looked at agree with, about 1,000 of each model; in brackets: 95 % interval.{also}"
    )


MODEL_COLUMNS = (
    Column("Model", "minmax(120px, 1.1fr)", link=True),
    Column("Calls", "56px", "right"),
    Column("Compared", "68px", "right", "Calls with a reported and a computed cost"),
    Column("Reported", "86px", "right"),
    Column("Computed", "86px", "right", "Of the compared calls"),
    Column("Apart", "86px", "right", "Reported less computed"),
    Column("Deviation", "minmax(136px, 1fr)", "right", "Reported over computed, less 1, and its 95 % interval"),
    Column("Likely cause", "minmax(180px, 2fr)"),
    Column(
        "Agrees with it", "minmax(112px, 0.8fr)", "right", "Share of the calls looked at and its 95 % interval (Wilson)"
    ),
)


def _model_cells(row: Row) -> list[Cell]:
    theirs, ours = row["compared_reported_usd"], row["compared_computed_usd"]
    name = row["value"] or fmt.UNKNOWN
    return [
        Cell(fmt.clip(name), name, quiet=row["value"] is None),
        Cell(fmt.count(row["calls"])),
        Cell(fmt.count(row["compared"]), quiet=not row["compared"]),
        Cell(fmt.money(theirs) if row["compared"] else "not told", fmt.exact_money(theirs), quiet=not row["compared"]),
        Cell(fmt.money(ours) if row["compared"] else "", fmt.exact_money(ours)),
        Cell(fmt.money_apart(theirs - ours) if row["compared"] else ""),
        _deviation_cell(row),
        _cause_cell(row),
        _share_cell(row),
    ]


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


# --- not counted

ROLES = {"duplicate": ("told once more", "duplicates"), "aggregate": ("sums up calls", "aggregates")}
"""Usage role -> what such a row does, and what several are called."""


def excluded(window: state.Window, told: Told) -> None:
    """What counting duplicates and aggregates too would have added, and a row per role and model."""
    if told.excluded.empty:
        widgets.empty("Duplicates and aggregates would be here.", f"No call of {window.words} was told twice.")
        return
    frame, totals = told.excluded, told.totals
    left, right = st.columns([7, 6])
    with left:
        sums = _sums(totals, frame)
        subtitle = (
            f"n = {fmt.plural(totals['calls'], 'call')} and {fmt.plural(frame['calls'].sum(), 'row')} not counted"
        )
        st.plotly_chart(
            charts.amounts(sums, "What would be counted", subtitle, widgets.theme()), theme=None, key="excluded",
            alt="Cost that is counted, and that duplicates and aggregates would add", config={"displayModeBar": False},
        )  # fmt: skip
    with right:
        _excluded_words(frame)
    _excluded_rows(window, frame)


def _sums(totals: pd.Series, frame: pd.DataFrame) -> pd.DataFrame:
    roles = [
        (f"+ {short}", frame.loc[frame["usage_role"] == role, "cost_usd"].sum(min_count=1), charts.BAD)
        for role, (_, short) in ROLES.items()
    ]
    return pd.DataFrame([("counted", totals["cost_usd"], charts.GOOD), *roles], columns=["name", "usd", "ink"])


def _excluded_words(frame: pd.DataFrame) -> None:
    """By role: rows, tokens, dollars, and what senders reported on them."""
    st.markdown("**What they would have added**")
    rows = []
    for role, (does, short) in ROLES.items():
        part = frame[frame["usage_role"] == role]
        rows.append(
            {"what": f"{short}: {does}", "rows": int(part["calls"].sum()), "in": part["input_tokens"].sum(min_count=1),
             "out": part["output_tokens"].sum(min_count=1), "usd": part["cost_usd"].sum(min_count=1),
             "told": part["reported_usd"].sum(min_count=1)}
        )  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=_ROLE_COLUMNS, placeholder="unknown", height="content",
        alt="Rows, tokens and dollars that are not counted",
    )  # fmt: skip
    st.caption(
        "A call that several spans tell counts once, in the row that says most; a span that sums up calls never."
    )


_ROLE_COLUMNS = {
    "what": st.column_config.TextColumn("Not counted", width=165),
    "rows": st.column_config.NumberColumn("Rows", format="localized", width=56),
    "in": st.column_config.NumberColumn("Tokens in", format="localized", width=76),
    "out": st.column_config.NumberColumn("Tokens out", format="localized", width=76),
    "usd": st.column_config.NumberColumn("Would add", format="$%.4f", width=76),
    "told": st.column_config.NumberColumn("Reported", format="$%.4f", width=76),
}


def _excluded_rows(window: state.Window, frame: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**By model**", width="content")
        st.space("stretch")
        widgets.csv(frame, "not-counted")
    top = float(frame["cost_usd"].max() or 0) or 1.0
    rows = [
        listing.Row(behind(row["usage_role"], row["model"]), _excluded_cells(row, top))
        for row in listing.records(frame)
    ]
    listing.listing("integrity-excluded", "Rows that are not counted by model", EXCLUDED_COLUMNS, rows)
    st.caption(f"A row opens these calls in {window.words}, with the row that is counted in their place.")


EXCLUDED_COLUMNS = (
    Column("Model", "minmax(140px, 1.4fr)", link=True),
    Column("Not counted", "minmax(120px, 0.8fr)"),
    Column("Rows", "64px", "right"),
    Column("Traces", "64px", "right"),
    Column("Tokens in → out", "minmax(120px, 0.8fr)", "right", "?: unknown"),
    Column("No tokens", "76px", "right", "Rows that told none"),
    Column("Would add", "minmax(130px, 1fr)", "right", "≥: some of them have no price"),
    Column("Reported", "100px", "right", "What senders told on them"),
)


def _excluded_cells(row: Row, top: float) -> list[Cell]:
    usd, unpriced = row["cost_usd"], row["calls"] - row["priced"] - row["untold"]
    counts = row["input_tokens"], row["output_tokens"]
    tokens = " → ".join("?" if count is None else fmt.short(count) for count in counts)
    return [
        Cell(fmt.clip(row["model"] or fmt.UNKNOWN), quiet=row["model"] is None),
        Cell(row["usage_role"]),
        Cell(fmt.count(row["calls"])),
        Cell(fmt.count(row["traces"])),
        Cell(fmt.UNKNOWN if counts == (None, None) else tokens, quiet=counts == (None, None)),
        Cell(fmt.count(row["untold"]), quiet=not row["untold"]),
        Cell(
            fmt.UNKNOWN if usd is None else f"{'≥ ' if unpriced > 0 else ''}{fmt.money(usd)}", fmt.exact_money(usd),
            share=None if usd is None else round(usd / top, 4),
        ),
        Cell(fmt.money(row["reported_usd"]) if row["reported"] else "not told", quiet=not row["reported"]),
    ]  # fmt: skip


# --- unknown


def unknown(window: state.Window, told: Told) -> None:
    """Calls without usage by model, then those without a price, with the way to price them."""
    if told.untold.empty:
        st.markdown(f"Every call of {window.words} that ended well told its usage.")
    else:
        _untold_rows(window, told.untold)
    prices.unpriced(window)


def _untold_rows(window: state.Window, frame: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Calls without usage, by model**", width="content")
        st.space("stretch")
        widgets.csv(frame, "calls-without-usage")
    rows = [listing.Row(behind("untold", row["model"]), _untold_cells(row)) for row in listing.records(frame)]
    listing.listing("integrity-untold", "Calls without usage by model", UNTOLD_COLUMNS, rows)
    st.caption(
        f"A row opens these calls in {window.words}. They ended well, and what they used is unknown, so that no sum "
        "holds them. Streams tell it on request alone: with OpenAI set stream_options.include_usage."
    )


UNTOLD_COLUMNS = (
    Column("Model", "minmax(160px, 1.4fr)", link=True),
    Column("Calls", "72px", "right"),
    Column("Without usage", "minmax(120px, 1fr)", "right", "Ended well and told no tokens"),
    Column("Told half", "84px", "right", "Input or output alone"),
    Column("Failed, silent", "96px", "right", "Failed without a count, which is no fault"),
    Column("Services", "minmax(140px, 1.2fr)"),
)


def _untold_cells(row: Row) -> list[Cell]:
    more = f" and {row['services'] - 1:,} more" if row["services"] > 1 else ""
    service = fmt.UNKNOWN if row["service"] is None else f"{fmt.clip(row['service'], 60)}{more}"
    share = row["untold"] / row["calls"]
    return [
        Cell(fmt.clip(row["model"] or fmt.UNKNOWN), quiet=row["model"] is None),
        Cell(fmt.count(row["calls"])),
        Cell(f"{fmt.count(row['untold'])} ({fmt.percent(share)})", share=round(share, 4)),
        Cell(fmt.count(row["half_told"]), quiet=not row["half_told"]),
        Cell(fmt.count(row["silent_failures"]), quiet=not row["silent_failures"]),
        Cell(service, quiet=row["service"] is None),
    ]


# --- the calls behind a row

WHAT = {
    "compared": "Calls with a reported and a computed cost, furthest apart first",
    "duplicate": "Rows that tell a call once more, newest first",
    "aggregate": "Rows that sum up calls, newest first",
    "untold": "Calls that ended well without telling all of their usage, newest first",
}
_MOST = 100


def _calls(window: state.Window, what: str, found: pd.DataFrame) -> None:
    """Each call leads to its span within the trace."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{WHAT[what]}**", width="content")
        if len(found) >= _MOST:
            widgets.cut(_MOST, None, "calls")
        st.space("stretch")
        st.page_link(
            PATH, label="Back to the figures", icon=":material/arrow_back:",
            query_params={name: text for name in ("range", "from", "to", SHOW) if (text := st.query_params.get(name))},
        )  # fmt: skip
        if not found.empty:
            widgets.csv(found, f"calls-{what}")
    if found.empty:
        widgets.empty("Calls would be here.", f"There is no such call in {window.words} that the filters keep.")
        return
    zone = widgets.zone()
    rows = [_call(row, what, zone) for row in listing.records(found)]
    listing.listing("integrity-calls", WHAT[what], _call_columns(what), rows)
    st.caption("A row opens the call within its trace. Times in " + str(zone) + ".")


def _call_columns(what: str) -> tuple[Column, ...]:
    compared = (
        Column("Reported", "100px", "right"), Column("Computed", "100px", "right"), Column("Apart", "100px", "right"),
        Column("Deviation", "84px", "right"),
    )  # fmt: skip
    why = (Column("Why", "minmax(130px, 1fr)", help="The rule that found it"),) if what in ROLES else ()
    left_out = (Column("Would add", "100px", "right"), *why)
    return (
        Column("Started", "minmax(150px, 1fr)", link=True),
        Column("Model", "minmax(120px, 1fr)"),
        Column("Service", "minmax(90px, 0.8fr)"),
        Column("Tokens in → out", "minmax(110px, 0.8fr)", "right", "In with cache; ?: unknown"),
        *(compared if what == "compared" else left_out if what in ROLES else ()),
    )


def _call(row: Row, what: str, zone: Any) -> listing.Row:
    tokens = " → ".join("?" if row[f"{side}_tokens"] is None else fmt.count(row[f"{side}_tokens"]) for side in SIDES)
    cached = "" if row["cache_read_tokens"] is None else f"{fmt.count(row['cache_read_tokens'])} read from a cache"
    cells = [
        Cell(fmt.moment(row["start_time"], zone), fmt.utc(row["start_time"])),
        Cell(fmt.clip(row["model"] or fmt.UNKNOWN), quiet=row["model"] is None),
        Cell(fmt.clip(row["service"] or fmt.UNKNOWN), quiet=row["service"] is None),
        Cell(tokens, cached),
    ]
    ours, theirs = row["cost_usd"], row["reported_cost_usd"]
    if what == "compared":
        relative = None if not ours else theirs / ours - 1
        cells += [
            Cell(fmt.mean_cost(theirs), fmt.exact_money(theirs)), Cell(fmt.mean_cost(ours), fmt.exact_money(ours)),
            Cell(fmt.money_apart(theirs - ours), fmt.exact_money(theirs - ours)), Cell(fmt.percent_apart(relative)),
        ]  # fmt: skip
    elif what in ROLES:
        cells += [
            Cell(fmt.mean_cost(ours), fmt.exact_money(ours)),
            Cell((row["rule"] or "as it was sent").replace("_", " ")),
        ]
    link = state.trace_link(row["trace_id"], span_id=row["span_id"])
    return listing.Row(f"trace?{urlencode(link)}", cells)


SIDES = ("input", "output")
