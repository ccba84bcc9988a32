"""Doors to the ledger of what was sent."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import data


def ledger_total() -> pd.DataFrame:
    """One row per signal and a last one over all, with `balanced`; see query `ledger_total`."""
    return data.ask("ledger_total").frame


def ledger() -> pd.DataFrame:
    """Sums per hour, source, service and signal, over all time."""
    return _ledger(data.place(), data.watermark())


@st.cache_data(max_entries=8, show_spinner=False)
def _ledger(place: data.Place, mark: str) -> pd.DataFrame:  # noqa: ARG001
    return pd.DataFrame(data.client_of(place).ledger())
