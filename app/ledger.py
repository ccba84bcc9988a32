"""The ledger on Home: every item received, accounted for."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import data_ledger, widgets
from app import format as fmt


def ledger() -> None:
    """One line, its books on demand; a warning where the sum does not hold."""
    totals = data_ledger.ledger_total()
    line = sentence(totals)
    if not totals["balanced"].all():
        st.warning(
            f"The ledger does not balance: {line}; the tables hold {totals['rows'].iloc[-1]:,} rows. "
            "Keep the store as it is and report this."
        )
    with st.expander(f"Spans and log records since the store began: {line}", key="ledger", on_change="rerun") as books:
        if books.open:
            _books(totals)


def sentence(totals: pd.DataFrame) -> str:
    """`n received = n stored + n duplicate + n rejected`, and requests that nobody could count."""
    n = totals.iloc[-1]
    refused = n["refused_requests"]
    unread = f"; {fmt.plural(refused, 'request')} could not be read" if refused else ""
    return (
        f"**{n['received']:,} received** = {n['stored']:,} stored + {n['duplicate']:,} duplicate + "
        f"{n['rejected']:,} rejected{unread}"
    )


def _books(totals: pd.DataFrame) -> None:
    st.caption("Duplicates are retries of what was stored before; rejected items carry their reason.")
    st.dataframe(
        totals.assign(signal=totals["signal"].fillna("all")), hide_index=True, placeholder="no table",
        column_order=list(_BY_SIGNAL), column_config=_BY_SIGNAL, alt="Ledger by signal",
    )  # fmt: skip
    st.caption(f"By hour of receipt ({widgets.zone()}), source, service and signal.")
    st.dataframe(
        _entries(), hide_index=True, placeholder="unset", column_order=list(_BY_HOUR), column_config=_BY_HOUR,
        alt="Ledger by hour, source, service and signal",
    )  # fmt: skip


def _entries() -> pd.DataFrame:
    """Rows of the ledger with hours in the viewer's zone; reasons of rejection in one line."""
    entries = data_ledger.ledger()
    if entries.empty:
        return entries
    hours = pd.to_datetime(entries["hour"], utc=True).dt.tz_convert(widgets.zone())
    services = entries["service"].where(entries["service"] != "")
    return entries.assign(hour=hours, service=services, reasons=[_reasons(value) for value in entries["reasons"]])


def _reasons(value: dict[str, int]) -> str:
    return ", ".join(f"{reason}: {number:,}" for reason, number in value.items())


def _whole(label: str) -> Any:
    return st.column_config.NumberColumn(label, format="localized")


_COUNTS = {
    "received": _whole("Received"),
    "stored": _whole("Stored"),
    "duplicate": _whole("Duplicate"),
    "rejected": _whole("Rejected"),
}
_BY_SIGNAL = {
    "signal": st.column_config.TextColumn("Signal"),
    **_COUNTS,
    "rows": _whole("Rows in the store"),
    "balanced": st.column_config.CheckboxColumn("Balances"),
}
_BY_HOUR = {
    "hour": st.column_config.DatetimeColumn("Hour", format="YYYY-MM-DD HH:mm"),
    "source": st.column_config.TextColumn("Source"),
    "service": st.column_config.TextColumn("Service"),
    "signal": st.column_config.TextColumn("Signal"),
    **_COUNTS,
    "reasons": st.column_config.TextColumn("Reasons", width=220),
}
