"""What a monitor saw, look by look, and how it was set over time."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from app import monitor_signals as signals
from app import monitor_words as words
from app import widgets
from app.monitor_words import Monitor


def section(one: Monitor) -> None:
    """The looks, newest first, and the versions."""
    looks, versions = one["looks"], one["versions"]
    st.markdown("**Looks**")
    if not looks:
        widgets.empty(
            "Its looks would be listed here.", "It has not looked yet: the first look follows within a minute."
        )
    else:
        _looks(one)
    if len(versions) > 1:
        with st.expander(f"Versions ({len(versions):,})"):
            _versions(one)


def _looks(one: Monitor) -> None:
    factor, after = signals.axis(words.unit(one))
    frame = table(one)
    scaled = {name: frame[name] * factor for name in ("value", "expected", "low", "high")}
    shown = frame.assign(**scaled, note=frame["note"].fillna(""))
    times = pd.to_datetime(shown["at"], utc=True, format="ISO8601").dt.tz_convert(widgets.zone())
    st.dataframe(
        shown.assign(at=times), hide_index=True, height=320 if len(shown) > 8 else "content", placeholder="unknown",
        column_config=_columns(signals.NOUNS.get(words.unit(one) or "", after.strip())),
        column_order=[name for name in _columns("") if frame[name].notna().any()],
        alt="Looks of the monitor, newest first",
    )  # fmt: skip
    widgets.csv(frame, f"monitor-{one['name']}-looks")


def table(one: Monitor) -> pd.DataFrame:
    """A row a look, newest first, exact values in the signal's unit; null: unknown."""
    names = ("at", "value", "expected", "low", "high", "n", "effect", "p", "p_adjusted", "counts", "state", "note")
    frame = pd.DataFrame([{name: look.get(name) for name in names} for look in one["looks"]], columns=list(names))
    numbers = ("value", "expected", "low", "high", "n", "effect", "p", "p_adjusted")
    frame = frame.astype(dict.fromkeys(numbers, "Float64"))
    return frame.sort_values("at", ascending=False).reset_index(drop=True)


def _columns(after: str) -> dict[str, Any]:
    unit = f" ({after})" if after else ""
    number = st.column_config.NumberColumn
    return {
        "at": st.column_config.DatetimeColumn("Window until", format="YYYY-MM-DD HH:mm", width=130),
        "value": number(f"Value{unit}", format="%.4g"),
        "expected": number(f"Expected{unit}", format="%.4g"),
        "low": number("From", format="%.4g", help="95 % of what the reference lets expect"),
        "high": number("To", format="%.4g"),
        "n": number("n", format="localized"),
        "p_adjusted": number("p, adjusted", format="%.2g", help="Over all monitors of the round"),
        "counts": st.column_config.CheckboxColumn("Counts", width=62, help="Towards an alert"),
        "note": st.column_config.TextColumn("Note"),
    }


def _versions(one: Monitor) -> None:
    rows = [
        {
            "version": row["version"], "set": row["set_at"], "author": row["author"] or "",
            "says": json.dumps(row["document"]) if row["document"] else "deleted",
        }
        for row in one["versions"]
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["set"] = pd.to_datetime(frame["set"], utc=True, format="ISO8601").dt.tz_convert(widgets.zone())
    st.dataframe(
        frame, hide_index=True, alt="Versions of the monitor, newest first",
        column_config={"set": st.column_config.DatetimeColumn("Set", format="YYYY-MM-DD HH:mm", width=130)},
    )  # fmt: skip
