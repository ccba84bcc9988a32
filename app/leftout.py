"""What our sums leave out: duplicates and aggregates, calls without usage, calls without a price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import behind, charts, charts_integrity, listing, prices, state, widgets
from app import format as fmt
from app.behind import ROLES, SIDES
from app.listing import Cell, Column

Row = dict[str, Any]


def excluded(window: state.Window, totals: pd.Series, frame: pd.DataFrame) -> None:
    """What counting duplicates and aggregates too would have added, and a row per role and model."""
    if frame.empty:
        widgets.empty("Duplicates and aggregates would be here.", f"No call of {window.words} was told twice.")
        return
    left, right = st.columns([6, 7])
    with left:
        sums = _sums(totals, frame)
        subtitle = (
            f"n = {fmt.plural(totals['calls'], 'call')} and {fmt.plural(frame['calls'].sum(), 'row')} not counted"
        )
        st.plotly_chart(
            charts_integrity.amounts(sums, "What would be counted", subtitle, widgets.theme()), theme=None,
            key="excluded", config={"displayModeBar": False},
            alt="Cost that is counted, and that duplicates and aggregates would add",
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
        sums = {name: part[name].sum(min_count=1) for name in ("input_tokens", "output_tokens")}
        rows.append(
            {"what": f"{short}: {does}", "rows": int(part["calls"].sum()), "tokens": _tokens(sums),
             "usd": part["cost_usd"].sum(min_count=1), "told": part["reported_usd"].sum(min_count=1)}
        )  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=_ROLE_COLUMNS, placeholder="-", height="content",
        alt="Rows, tokens and dollars that are not counted",
    )  # fmt: skip
    st.caption("A call that several spans tell counts once, in the row that says most; a sum of calls never counts.")


def _tokens(row: Mapping[str, Any]) -> str:
    """`300k → 54k`; a side that nobody told is `?`."""
    counts = [row[f"{side}_tokens"] for side in SIDES]
    if all(map(fmt.absent, counts)):
        return fmt.UNKNOWN
    return " → ".join("?" if fmt.absent(count) else fmt.short(count) for count in counts)


_ROLE_COLUMNS = {
    "what": st.column_config.TextColumn("Not counted", width=164),
    "rows": st.column_config.NumberColumn("Rows", format="localized", width=50),
    "tokens": st.column_config.TextColumn("Tokens in → out", width=104),
    "usd": st.column_config.NumberColumn("Would add", format="$%.4f", width=72),
    "told": st.column_config.NumberColumn("Reported", format="$%.4f", width=72),
}


def _excluded_rows(window: state.Window, frame: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**By model**", width="content")
        st.space("stretch")
        widgets.csv(frame, "not-counted")
    top = fmt.largest(frame["cost_usd"])
    rows = [
        listing.Row(behind.link(row["usage_role"], row["model"]), _excluded_cells(row, top))
        for row in listing.records(frame)
    ]
    listing.listing("integrity-excluded", "Rows that are not counted by model", EXCLUDED_COLUMNS, rows)
    st.caption(f"A row opens these calls in {window.words}, and says which are counted in their place.")


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
    return [
        Cell(fmt.clip(row["model"] or fmt.UNKNOWN), quiet=row["model"] is None),
        Cell(row["usage_role"]),
        Cell(fmt.count(row["calls"])),
        Cell(fmt.count(row["traces"])),
        Cell(_tokens(row), quiet=row["untold"] == row["calls"]),
        Cell(fmt.count(row["untold"]), quiet=not row["untold"]),
        Cell(
            fmt.UNKNOWN if usd is None else f"{'≥ ' if unpriced > 0 else ''}{fmt.money(usd)}", fmt.exact_money(usd),
            share=None if usd is None else round(usd / top, 4),
        ),
        Cell(fmt.money(row["reported_usd"]) if row["reported"] else "not told", quiet=not row["reported"]),
    ]  # fmt: skip


def unknown(window: state.Window, untold: pd.DataFrame) -> None:
    """Calls without usage by model, then those without a price, with the way to price them."""
    if untold.empty:
        st.markdown(f"Every call of {window.words} that ended well told its usage.")
    else:
        _untold_rows(window, untold)
    prices.unpriced(window)


def _untold_rows(window: state.Window, frame: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Calls without usage, by model**", width="content")
        st.space("stretch")
        widgets.csv(frame, "calls-without-usage")
    rows = [listing.Row(behind.link("untold", row["model"]), _untold_cells(row)) for row in listing.records(frame)]
    listing.listing("integrity-untold", "Calls without usage by model", UNTOLD_COLUMNS, rows)
    st.caption(
        f"A row opens these calls in {window.words}. They ended well, and what they used is unknown, so that no sum "
        "holds them. Streams tell it on request alone: with OpenAI set stream_options.include_usage."
    )


UNTOLD_COLUMNS = (
    Column("Model", "minmax(160px, 1.4fr)", link=True),
    Column("Calls", "72px", "right"),
    Column(
        "Without usage",
        "minmax(210px, 1.4fr)",
        "right",
        "Ended well and told no tokens; share and its 95 % interval (Wilson)",
    ),
    Column("Told half", "84px", "right", "Input or output alone"),
    Column("Failed, silent", "96px", "right", "Failed without a count, which is no fault"),
    Column("Services", "minmax(140px, 1.2fr)"),
)


def _untold_cells(row: Row) -> list[Cell]:
    more = f" and {row['services'] - 1:,} more" if row["services"] > 1 else ""
    service = fmt.UNKNOWN if row["service"] is None else f"{fmt.clip(row['service'], 60)}{more}"
    low, high = (fmt.digits(row[f"share_{end}"] * 100, 2) for end in ("low", "high"))
    share = f"{fmt.percent(row['share'])}, {low} to {high} %"
    return [
        Cell(fmt.clip(row["model"] or fmt.UNKNOWN), quiet=row["model"] is None),
        Cell(fmt.count(row["calls"])),
        Cell(f"{fmt.count(row['untold'])} ({share})", share=round(row["share"], 4)),
        Cell(fmt.count(row["half_told"]), quiet=not row["half_told"]),
        Cell(fmt.count(row["silent_failures"]), quiet=not row["silent_failures"]),
        Cell(service, quiet=row["service"] is None),
    ]
