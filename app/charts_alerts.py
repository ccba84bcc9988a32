"""The figure of an alert: what was watched, before and after it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go

from app import charts, charts_monitors

BEFORE = pd.Timedelta(days=3)  # at least, of what was before a change
Level = tuple[pd.Timestamp, pd.Timestamp, float]
"""From when till when, and the mean value in the signal's unit."""


def before_and_after(
    drawn: charts_monitors.Drawn,
    levels: Sequence[Level],
    marks: Sequence[charts.Mark],
    heading: tuple[str, str],
    theme: charts.Theme,
) -> go.Figure:
    """The figure of a monitor, with its level on either side of the change. `heading`: title and subtitle."""
    figure = charts_monitors.watched(heading[0], replace(drawn, change=None), heading[1], theme)
    factor = drawn.axis[0]
    figure.for_each_trace(lambda one: one.update(name="value"), {"name": "looks"})
    for place, (since, until, value) in enumerate(levels):
        figure.add_scatter(
            x=[since, until], y=[value * factor] * 2, mode="lines", name="level before and after", hoverinfo="skip",
            line={"color": charts.INK[theme], "width": 2}, showlegend=not place,
        )  # fmt: skip
    if drawn.change is not None:
        charts_monitors.change(figure, drawn.change)
    edges = _near(drawn)
    return charts.markers(figure, marks, edges, theme).update_xaxes(range=edges)


def _near(drawn: charts_monitors.Drawn) -> tuple[pd.Timestamp, pd.Timestamp]:
    """From some days before the change, so that what came after it is more than the figure's edge."""
    first, last = drawn.looks["at"].iloc[0], drawn.looks["at"].iloc[-1]
    if drawn.change is not None:
        first = max(first, drawn.change - max(BEFORE, 4 * (last - drawn.change)))
    room = max((last - first) * 0.01, pd.Timedelta(minutes=1))  # so that the last point is whole
    return first - room, last + room
