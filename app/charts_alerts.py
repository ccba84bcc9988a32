"""Figures of an alert: the course before and after, and how values lay then and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from app import charts, units

MOST = 12  # categories of a figure; the others stand in its table


@dataclass(frozen=True, slots=True)
class Change:
    """When a stream changed, with its interval, and its level on both sides; null: not known."""

    at: pd.Timestamp
    low: pd.Timestamp | None
    high: pd.Timestamp | None
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Course:
    """What the figure of a course shows. Times have the viewer's zone and name none.

    `points`: at, value, expected, low, high (null: unknown), n; low to high is 95 % about the expected.
    """

    points: pd.DataFrame
    change: Change | None
    marks: Sequence[charts.Mark]
    unit: str | None


def course(drawn: Course, title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Values over time with what was expected of them, the levels before and after, and when that changed."""
    points = drawn.points
    figure = charts.figure(charts.label(title, 80), subtitle, theme)
    told = points[["value", "low", "high", "expected"]].astype("float64")
    scale, axis = units.axis(drawn.unit, float(told.max().max() or 0.0))
    charts.interval(figure, points["at"], told["low"] * scale, told["high"] * scale, charts.GREY)
    figure.add_scatter(
        x=points["at"], y=told["expected"] * scale, mode="lines", name="expected", hoverinfo="skip",
        line={"color": charts.GREY, "width": 1, "dash": "dash"},
    )  # fmt: skip
    outside = (told["value"] > told["high"]) | (told["value"] < told["low"])
    figure.add_scatter(
        x=points["at"], y=told["value"] * scale, mode="lines+markers", name="value",
        line={"color": charts.GOOD, "width": 1.5},
        marker={"size": 5, "color": [charts.BAD if out else charts.GOOD for out in outside],
                "symbol": ["diamond" if out else "circle" for out in outside]},
        customdata=[_told(row, drawn.unit) for row in points.to_dict("records")],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    edges = points["at"].iloc[0], points["at"].iloc[-1]
    if drawn.change is not None:
        _changed(figure, drawn.change, edges, scale, theme)
    charts.markers(figure, drawn.marks, edges, theme)
    figure.update_layout(height=charts.TALL, hovermode="closest")
    return figure.update_yaxes(**axis).update_xaxes(range=_wider(edges))


def _wider(edges: tuple[pd.Timestamp, pd.Timestamp]) -> list[pd.Timestamp]:
    """So that the first and the last point are whole."""
    room = max((edges[1] - edges[0]) * 0.01, pd.Timedelta(minutes=1))
    return [edges[0] - room, edges[1] + room]


def _told(row: Mapping[Any, Any], unit: str | None) -> str:
    n = "" if pd.isna(row["n"]) else f", n = {row['n']:,.0f}"
    said = f"{row['at']:%Y-%m-%d %H:%M}<br>{units.value(row['value'], unit)}{n}"
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return said
    return f"{said}<br>expected {units.value(row['low'], unit)} to {units.value(row['high'], unit)}"


def _changed(
    figure: go.Figure, change: Change, edges: tuple[pd.Timestamp, pd.Timestamp], scale: float, theme: charts.Theme
) -> None:
    """The time of change with its interval, and a level on either side of it."""
    if change.low is not None and change.high is not None:
        figure.add_vrect(x0=change.low, x1=change.high, fillcolor=charts.BAD, opacity=0.14, line_width=0)
    figure.add_vline(x=change.at, line={"color": charts.BAD, "width": 1.5})
    figure.add_annotation(
        x=change.at, y=1.0, yref="paper", text="change", showarrow=False, yanchor="bottom",
        font={"size": 12, "color": charts.BAD},
    )  # fmt: skip
    for level, start, stop in ((change.before, edges[0], change.at), (change.after, change.at, edges[1])):
        if level is not None:
            figure.add_scatter(
                x=[start, stop], y=[level * scale] * 2, mode="lines", hoverinfo="skip", name="level",
                line={"color": charts.INK[theme], "width": 1.5},
            )  # fmt: skip


def shares(rows: pd.DataFrame, names: tuple[str, str], title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """How values lay then and now, in per cent of each sample: a pair of bars a category, or two stepped lines.

    `rows`: label, reference, current (0 to 1), and of numbers low and high, the ends of each bin in order.
    """
    figure = charts.figure(charts.label(title, 60), subtitle, theme)
    inks = (charts.GREY, charts.PALETTE[0])
    for name, column, ink in zip(names, ("reference", "current"), inks, strict=True):
        if "low" in rows:
            _steps(figure, rows, column, name, ink)
        else:
            _bars(figure, rows.head(MOST), column, name, ink)
    figure.update_layout(
        height=charts.TALL, barmode="group", showlegend=True, legend=charts.LEGEND, hovermode="closest"
    )
    if "low" not in rows:
        figure.update_xaxes(ticksuffix=" %", showgrid=True, rangemode="tozero")
        return figure.update_yaxes(**charts.places(list(rows["label"].head(MOST)), 24), autorange="reversed")
    return figure.update_yaxes(ticksuffix=" %")


def _steps(figure: go.Figure, rows: pd.DataFrame, column: str, name: str, ink: str) -> None:
    heights = (rows[column].astype("float64") * 100).tolist()
    ends = [*rows["low"].astype("float64"), float(rows["high"].iloc[-1])]
    figure.add_scatter(
        x=ends, y=[*heights, heights[-1]], mode="lines", name=name, line={"color": ink, "width": 2, "shape": "hv"},
        hovertemplate="%{y:.3g} % from %{x:.4g}<extra>" + name + "</extra>",
    )  # fmt: skip


def _bars(figure: go.Figure, rows: pd.DataFrame, column: str, name: str, ink: str) -> None:
    figure.add_bar(
        y=list(range(len(rows))), x=rows[column].astype("float64") * 100, orientation="h", name=name, marker_color=ink,
        customdata=[charts.label(one, 80) for one in rows["label"]],
        hovertemplate="%{customdata}: %{x:.3g} %<extra>" + name + "</extra>",
    )  # fmt: skip
