"""Figures of Home: model calls and their duration over time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def calls(
    series: pd.DataFrame, step: pd.Timedelta, scope: str, theme: charts.Theme, marks: Sequence[charts.Mark] = ()
) -> go.Figure:
    """Model calls per bucket, stacked: ended well, failed.

    `series` has every bucket (see `charts.filled`), each `step` long, with model_calls_ok and model_calls_failed.
    `marks`: moments on the axis with a word on each.
    """
    total = int(series["model_calls_ok"].sum() + series["model_calls_failed"].sum())
    figure = charts.figure("Model calls", f"n = {fmt.plural(total, 'call')}, {scope}", theme)
    for column, name, ink in (
        ("model_calls_ok", "ended well", charts.GOOD),
        ("model_calls_failed", "failed", charts.BAD),
    ):
        figure.add_bar(
            x=series["bucket"], y=series[column], name=name, marker_color=ink, customdata=charts.times(series, step),
            hovertemplate="%{y:,} calls<br>%{customdata}", **charts.over_bucket(series, step),
        )  # fmt: skip
    figure.update_layout(barmode="stack", showlegend=bool(series["model_calls_failed"].sum()), legend=charts.LEGEND)
    return charts.over_time(figure, series, step, theme, marks)


def latency(
    series: pd.DataFrame, step: pd.Timedelta, scope: str, theme: charts.Theme, marks: Sequence[charts.Mark] = ()
) -> go.Figure:
    """Duration of model calls per bucket, median and 95th percentile, in seconds; points alone if calls are few.

    `series` has every bucket, each `step` long, with calls, p50_ns and p95_ns; null quantiles leave a gap. `marks`:
    moments on the axis with a word on each.
    """
    n = int(series["calls"].sum())
    figure = charts.figure(
        "Model call duration, median to p95", f"n = {fmt.plural(n, 'call')} ended well, {scope}", theme
    )
    middle, few = series["bucket"] + step / 2, series["calls"][series["calls"] > 0].median() < charts.FEW
    p50, p95 = (series[name].astype("float64") / 1e9 for name in ("p50_ns", "p95_ns"))
    if few:
        _stems(figure, middle, p50, p95)
    else:
        _band(figure, middle, p50, p95)
    for y, name, ink, mark in (
        (p95, "p95", charts.PALETTE[1], "circle-open"),
        (p50, "median", charts.PALETTE[0], "circle"),
    ):
        figure.add_scatter(
            x=series["bucket"], y=y, name=name, mode="markers" if few else "lines+markers",
            marker={"size": 8 if few and name == "p95" else 5, "symbol": mark if few else "circle"},
            line={"color": ink, "width": 2}, hovertemplate="%{customdata[0]}<br>%{customdata[1]}",
            customdata=list(zip(map(fmt.duration, y * 1e9), charts.times(series, step), strict=True)),
            **charts.over_bucket(series, step),
        )  # fmt: skip
    _label_ends(figure, middle, ((p95, "p95", charts.PALETTE[1]), (p50, "median", charts.PALETTE[0])))
    return charts.over_time(figure.update_yaxes(ticksuffix=" s"), series, step, theme, marks)


def _stems(figure: go.Figure, x: pd.Series, low: pd.Series, high: pd.Series) -> None:
    """A thin vertical from median to p95 of each bucket."""
    gap = pd.Series([None] * len(x), dtype="float64")
    figure.add_scatter(
        x=x.repeat(3), y=pd.concat([low, high, gap]).sort_index(kind="stable"), mode="lines", hoverinfo="skip",
        line={"color": charts.GREY, "width": 1}, name="median to p95",
    )  # fmt: skip


def _band(figure: go.Figure, x: pd.Series, low: pd.Series, high: pd.Series) -> None:
    """The area between two lines, each run of buckets without a gap by itself: a fill across gaps crosses itself."""
    known = low.notna()
    runs = [run.index for _, run in low[known].groupby((~known).cumsum()[known])]
    around = [([*x[run], *x[run][::-1], None], [*high[run], *low[run][::-1], None]) for run in runs if len(run) > 1]
    figure.add_scatter(
        x=[at for xs, _ in around for at in xs], y=[at for _, ys in around for at in ys], mode="lines",
        line={"width": 0}, fill="toself", fillcolor="rgba(127,136,148,0.16)", hoverinfo="skip", name="median to p95",
    )  # fmt: skip


def _label_ends(figure: go.Figure, x: pd.Series, lines: Sequence[tuple[pd.Series, str, str]]) -> None:
    """Names beside the last point of both lines, the upper first; pushed apart, and off the axis, where they touch."""
    ends = [y.dropna() for y, _, _ in lines]
    if any(known.empty for known in ends):
        return
    top = max(float(known.max()) for known in ends) or 1.0
    high, low = (float(known.iloc[-1]) / top * _PLOT_HEIGHT for known in ends)
    below = max(charts.LINE_HEIGHT / 2, low - max(0.0, charts.LINE_HEIGHT - high + low) / 2)
    for (_, name, ink), known, shift in zip(
        lines, ends, (max(high, below + charts.LINE_HEIGHT) - high, below - low), strict=True
    ):
        figure.add_annotation(
            x=x[known.index[-1]], y=known.iloc[-1], text=name, showarrow=False, xanchor="left", xshift=7, yshift=shift,
            font={"color": ink, "size": 12},
        )  # fmt: skip


_PLOT_HEIGHT = 120  # pixels: of the axis within HEIGHT
