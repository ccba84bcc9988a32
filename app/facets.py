"""What the traces of the list are like: their course over time, and how many have which values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, charts_traces, data, data_finding, queryline, state, widgets
from app import format as fmt

SHOWN = 8  # values of a field
CUT = 500  # letters of a value, at which the server cuts it
_LONG = pd.Timedelta(days=3650)  # longer windows are those of all time, and begin with the oldest trace
_COLUMNS = 4


def _asked(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name != "sort" and value is not None}


def histogram(window: state.Window, params: Mapping[str, Any]) -> None:
    """Traces over time, above the list; what is selected in it can be looked at alone. Raises ApiError."""
    shown = _recorded(window)
    if shown is None:
        return
    step, zone = pd.Timedelta(shown.bucket), widgets.zone()
    offset = pd.Timedelta(shown.since.astimezone(zone).utcoffset() or 0)
    bounds = {"since": shown.since, "until": shown.until, "bucket_us": data.micros(step.to_pytimedelta())}
    told = data_finding.histogram(_asked(params) | bounds | {"offset_us": data.micros(offset.to_pytimedelta())})
    if told.answer.frame.empty:
        return
    since = pd.Timestamp(told.looked_to or shown.since)  # what was not looked at is not nothing
    series = charts.filled(told.answer.frame, since, pd.Timestamp(shown.until), step, offset)
    series["errors"] = series["errors"].fillna(0).astype("int64")
    local = series.assign(bucket=series["bucket"].dt.tz_convert(zone).dt.tz_localize(None))
    figure = charts_traces.histogram(local, step, _scope(told, int(series["traces"].sum()), step), widgets.theme())
    event: Any = st.plotly_chart(
        figure, theme=None, key="traces-histogram", on_select="rerun", selection_mode=("points", "box"),
        config={"displayModeBar": False}, alt="Traces over time, well and failed, with their duration",
    )  # fmt: skip
    _brushed(event, series["bucket"], step)


def _recorded(window: state.Window) -> state.Window | None:
    """The window, or, of all time, the part in which traces started; null: there are none."""
    if window.until - window.since < _LONG:
        return window
    newest = data.home_newest()
    if not newest["traces"]:
        return None
    return state.window("all", newest["newest"].to_pydatetime(), (newest["oldest"], newest["newest"]), (None, None))


def _scope(told: data_finding.Counted, traces: int, step: pd.Timedelta) -> str:
    part = "" if told.looked_to is None else f", of the newest alone: back to {_when(told)}"
    return f"n = {fmt.plural(traces, 'trace')}, {widgets.each(step)}{part}. Drag over it to choose a time."


def _when(told: data_finding.Counted) -> str:
    return "" if told.looked_to is None else fmt.moment(told.looked_to, widgets.zone())


def _brushed(event: Mapping[str, Any], buckets: pd.Series, step: pd.Timedelta) -> None:
    """A link to the time that is selected, with the same filters."""
    points = event.get("selection", {}).get("points", [])
    picked = [one["point_index"] for one in points if one["point_index"] < len(buckets)]
    if not picked:
        return
    first, last = buckets.iloc[min(picked)], buckets.iloc[max(picked)] + step
    zone = widgets.zone()
    bounds = {"range": "custom", "from": state.instant_text(first), "to": state.instant_text(last)}
    st.page_link(
        "views/traces.py", label=f"Show {fmt.moment(first, zone)[:16]} to {fmt.moment(last, zone)[:16]} alone",
        icon=":material/zoom_in:", query_params=_here() | bounds,
    )  # fmt: skip


def _here() -> dict[str, str]:
    return {name: str(value) for name, value in st.query_params.items() if name != "page" and value}


def button(params: Mapping[str, Any]) -> None:
    """“Facets”: asked for when it is opened; each value is a link that adds it to the line."""
    with st.popover("Facets", icon=":material/bar_chart:", key="facets", on_change="rerun") as popover:
        if popover.open:
            widgets.guarded("The facets did not come.", "The list stands by itself.", lambda: _facets(params))


def _facets(params: Mapping[str, Any]) -> None:
    told = data_finding.facets(_asked(params) | {"values": SHOWN})
    frame = told.answer.frame
    if frame.empty:
        back = f" in a short search, back to {_when(told)}" if told.looked_to else ""
        st.caption(f"No trace is found{back}, so there is nothing to count.")
        return
    st.caption(counted(told))
    slots = st.columns(_COLUMNS, width=880)
    for place, (name, rows) in enumerate(frame.groupby("field", sort=False)):
        with slots[place % _COLUMNS], st.container(gap=None):
            _field(str(name), rows)


def counted(told: data_finding.Counted) -> str:
    """Of which traces the counts are."""
    row = told.answer.frame.iloc[0]
    looked, matching = int(row["looked"]), int(row["matching"])
    if told.looked_to is not None:
        return f"Of the {fmt.plural(looked, 'trace')} that a short search finds, back to {_when(told)}."
    if looked < matching:
        return f"Of the newest {looked:,} of {fmt.plural(matching, 'trace')} that match."
    return f"Of all {fmt.plural(matching, 'trace')} that match."


def _field(name: str, rows: pd.DataFrame) -> None:
    total = int(rows["total"].iloc[0])
    st.markdown(f"**{name}**" + (f" :small[{len(rows)} of {total:,}]" if total > len(rows) else ""))
    for value, traces in zip(rows["value"], rows["traces"], strict=True):
        wanted = queryline.quoted(str(value)) + "*" * (len(str(value)) >= CUT)  # after which any text may follow
        line = queryline.with_condition(queryline.told(), f"{name}:{wanted}")
        st.page_link(
            "views/traces.py", label=f"{fmt.plain(fmt.clip(str(value), 24, '(blank)'), 60)} · {traces:,}",
            query_params=_here() | {queryline.LINE: line}, help=fmt.plain(str(value), 200),
        )  # fmt: skip
