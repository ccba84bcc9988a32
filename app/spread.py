"""How the values of a reference and the current ones lie beside one another, as a figure and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import charts_monitors, widgets
from app import format as fmt
from app import monitor_signals as signals

Json = Mapping[str, Any]


def section(told: Json, unit: str | None, key: str) -> None:
    """Draw both; nothing where either has no value. `told`: kind, reference, current, n_reference, n_current."""
    rows = beside(told)
    if rows.empty:
        return
    title, numbers = "How values lie", [told.get(f"n_{side}") for side in charts_monitors.SIDES]
    n = " and ".join(fmt.count(one) for one in numbers) if None not in numbers else fmt.UNKNOWN
    subtitle = f"shares of each side, n = {n}"
    if "label" in rows:
        figure = charts_monitors.shares(title, rows, subtitle, widgets.theme())
    else:
        figure = charts_monitors.histogram(title, rows, signals.axis(unit), subtitle, widgets.theme())
    st.plotly_chart(
        figure, theme=None, key=f"{key}-spread", config={"displayModeBar": False},
        alt="How values are spread in the reference and now",
    )  # fmt: skip
    with st.expander("Spread as a table", key=f"{key}-spread-table", on_change="rerun") as twin:
        if twin.open:
            st.dataframe(rows, hide_index=True, alt="Shares of reference and current values")


def beside(told: Json) -> pd.DataFrame:
    """Both sides by label, or by low and high: shares of reference and current; empty: a side has no value."""
    sides = {name: pd.DataFrame(told[name]) for name in charts_monitors.SIDES}
    if any(side.empty for side in sides.values()):
        return pd.DataFrame()
    on = ["label"] if "label" in next(iter(sides.values())) else ["low", "high"]
    first, second = (side.rename(columns={"share": name}) for name, side in sides.items())
    joined = first.merge(second, on=on, how="outer", sort=on != ["label"]).fillna({"reference": 0.0, "current": 0.0})
    return joined[[*on, *charts_monitors.SIDES]]
