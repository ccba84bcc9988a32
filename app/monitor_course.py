"""What a monitor watched over time, with what was expected, when it changed, and what else changed then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, charts_monitors, data_monitors, marks, monitor_figure, spread, widgets
from app import format as fmt
from app import monitor_signals as signals
from app import monitor_words as words
from app.monitor_words import Monitor

Json = Mapping[str, Any]

RANGE = "over"  # of the URL: how much time the figure shows
RANGES = {"7 days": 7, "30 days": 30, "90 days": 90}
USUAL_S = 2.0


def asked(one: Monitor) -> Json:
    """What it watched in the time that is chosen."""
    chosen = st.segmented_control(
        "Time", list(RANGES), default="7 days", required=True, key=RANGE, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    widgets.drawn()  # the bar says what it waits for
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    since = until - timedelta(days=RANGES[str(chosen)])
    told = widgets.patiently(
        st.container(), "Reading what it watched", lambda: data_monitors.series(one, since, until), USUAL_S
    )
    return {**told, "markers": own(told["markers"] or (), one["name"])}


def own(found: Sequence[Json], name: str) -> list[Json]:
    """Markers without the alerts of other monitors."""
    return [one for one in found if one["what"] != "alert" or one["name"] == name]


def section(one: Monitor, told: Json) -> None:
    """The figure, what it shows in words, and both as tables."""
    unit, zone = words.unit(one), widgets.zone()
    drawn = monitor_figure.drawn(told, unit, one["alert"], zone)
    if drawn.points.empty and drawn.looks["value"].isna().all():
        widgets.empty("Its course would be here.", "Nothing that it could watch came in this time.")
        return
    title, step = words.watched(one), pd.Timedelta(seconds=told["bucket_s"])
    n = drawn.points["n"].astype("float64").sum()
    of = "" if drawn.points.empty else f"n = {fmt.short(n)}, dots {widgets.each(step)}; "
    subtitle = f"{of}looks: the {words.each(one['window'])} before each"
    st.plotly_chart(
        charts_monitors.watched(charts.label(title, 60), drawn, subtitle, widgets.theme()),
        theme=None, key="monitor-course", config={"displayModeBar": False},
        alt=f"{title} over time, in the band of what its reference lets expect",
    )  # fmt: skip
    st.caption(fmt.plain(said(one, told, unit, zone), 900))
    _tables(one, told, drawn.points)


def said(one: Monitor, told: Json, unit: str | None, zone: tzinfo) -> str:
    """The time of change with its interval, the reference and the markers: the figure is not all there is."""
    change = told["change"]
    parts = []
    if change:
        at, low, high = (monitor_figure.local(change[end], zone) for end in ("at", "low", "high"))
        moved = f" from {signals.amount(change['before'], unit)} to {signals.amount(change['after'], unit)}"
        parts.append(f"It changed{moved} at about {at:%m-%d %H:%M} (95 %: {low:%m-%d %H:%M} to {high:%m-%d %H:%M}).")
    if words.kind(one) == "drift":
        text = (told["reference"] or {}).get("text") or words.reference(one["against"], zone)
        parts.append(f"Reference: {text.rstrip('.')}.")
    return " ".join(filter(None, [*parts, marks.words(told["markers"])]))


def _tables(one: Monitor, told: Json, points: pd.DataFrame) -> None:
    left, right = st.columns(2)
    with left, st.expander("Figure as a table", key="monitor-course-table", on_change="rerun") as twin:
        if twin.open:
            table = points.drop(columns="told")
            st.dataframe(table, hide_index=True, height=240, alt="What was watched, by bucket")
            widgets.csv(table, f"monitor-{one['name']}-buckets")
    if told["markers"]:
        with right:
            marks.table(told["markers"], "monitor-markers")


def lies(one: Monitor, told: Json) -> None:
    """How values lay in the reference, and how they lie now; of a rate the share alone."""
    found = told["distributions"]
    if found and found["kind"] == "rate":
        sides = {side: [row for row in found[side] if row["label"] == "yes"] for side in charts_monitors.SIDES}
        found = {
            **found,
            **{side: [{**row, "label": words.watched(one)} for row in rows] for side, rows in sides.items()},
        }
    if found:
        spread.section(found, words.unit(one), "monitor")
