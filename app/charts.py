"""Figures from frames: frame in, figure out, no Streamlit. One template, in a light and a dark edition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from zlib import crc32

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from app import format as fmt

Theme = Literal["light", "dark"]

# Ten hues that people with colour-blindness tell apart, each at 3:1 or better against both backgrounds: see
# tests/app/test_theme.py.
PALETTE = (
    "#4477aa", "#d55e00", "#228833", "#aa4499", "#009988",
    "#997700", "#cc3311", "#6e6edb", "#0f8fc4", "#8a6d3b",
)  # fmt: skip
HEIGHT = 230  # pixels; Streamlit reads it from the figure, not from the template
GREY = "#7f8894"
GOOD, BAD = "#4477aa", "#d55e00"
INK = {"light": "#1b2430", "dark": "#e3e8ee"}
PALE = {"light": "#5d6878", "dark": "#9aa5b4"}
GRID = {"light": "#e6eaef", "dark": "#262e38"}


def colour(name: str | None) -> str:
    """The same colour for the same model or variant on every page; grey for null, `other` and `unknown`."""
    if not name or name in {"other", "unknown"}:
        return GREY
    return PALETTE[crc32(name.encode()) % len(PALETTE)]


def template(theme: Theme) -> go.layout.Template:
    """No frame, light grid, no zoom handles; only inks differ between light and dark."""
    axis = {
        "gridcolor": GRID[theme], "zerolinecolor": GRID[theme], "linecolor": GRID[theme], "showline": False,
        "tickfont": {"color": PALE[theme], "size": 12},
        "title": {"font": {"color": PALE[theme], "size": 12}}, "automargin": True,
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(PALETTE),
            "font": {"color": INK[theme], "size": 13, "family": '"Source Sans", sans-serif'},
            "title": {"x": 0, "xref": "container", "xanchor": "left", "font": {"size": 14}},
            "xaxis": {**axis, "showgrid": False},
            "yaxis": {**axis, "rangemode": "tozero"},
            "margin": {"l": 8, "r": 56, "t": 64, "b": 8},
            "showlegend": False,
            "hovermode": "x unified",
            "hoverlabel": {"font": {"size": 12}},
            "bargap": 0.15,
        }
    )


for _theme in ("light", "dark"):
    pio.templates[f"assayline_{_theme}"] = template(_theme)


def filled(series: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp, bucket: pd.Timedelta) -> pd.DataFrame:
    """Every bucket of [since, until): counts of buckets without a row are 0, sums of what nobody told stay null."""
    buckets = pd.date_range(since.floor(bucket), until, freq=bucket, inclusive="left", name="bucket")
    full = series.set_index("bucket").reindex(buckets).reset_index()
    counts = [name for name in COUNTS if name in full]
    return full.assign(**{name: full[name].fillna(0).astype("int64") for name in counts})


COUNTS = ("traces", "failed_traces", "model_calls_ok", "model_calls_failed", "unknown_usage_calls", "calls")


def calls(series: pd.DataFrame, scope: str, theme: Theme) -> go.Figure:
    """Model calls per bucket, stacked: ended well, failed. `series` has bucket, model_calls_ok, model_calls_failed."""
    total = int(series["model_calls_ok"].sum() + series["model_calls_failed"].sum())
    figure = _figure("Model calls", f"n = {fmt.plural(total, 'call')}, {scope}", theme)
    for column, name, ink in (("model_calls_ok", "ended well", GOOD), ("model_calls_failed", "failed", BAD)):
        figure.add_bar(x=series["bucket"], y=series[column], name=name, marker_color=ink, hovertemplate="%{y:,} calls")
    figure.update_layout(barmode="stack", showlegend=bool(series["model_calls_failed"].sum()), legend=_LEGEND)
    return figure


def latency(series: pd.DataFrame, scope: str, theme: Theme) -> go.Figure:
    """Duration of model calls per bucket, median and 95th percentile, in seconds; points if buckets are few."""
    n = int(series["calls"].sum())
    figure = _figure("Model call duration, median to p95", f"n = {fmt.plural(n, 'call')} ended well, {scope}", theme)
    p50, p95 = series["p50_ns"] / 1e9, series["p95_ns"] / 1e9
    mode = "lines+markers" if series["p95_ns"].notna().sum() <= 60 else "lines"
    hover = [fmt.duration(value) for value in series["p50_ns"]], [fmt.duration(value) for value in series["p95_ns"]]
    common = {"x": series["bucket"], "mode": mode, "marker": {"size": 4}, "hovertemplate": "%{customdata}"}
    figure.add_scatter(y=p50, name="median", customdata=hover[0], line={"color": PALETTE[0], "width": 2}, **common)
    figure.add_scatter(
        y=p95, name="p95", customdata=hover[1], line={"color": PALETTE[1], "width": 2},
        fill="tonexty", fillcolor="rgba(127,136,148,0.16)", **common,
    )  # fmt: skip
    _label_ends(figure, series["bucket"], ((p50, "median", PALETTE[0]), (p95, "p95", PALETTE[1])))
    figure.update_yaxes(ticksuffix=" s")
    return figure


_LEGEND = {
    "orientation": "h",
    "x": 1,
    "xanchor": "right",
    "yref": "container",
    "y": 0.98,
    "yanchor": "top",
    "font": {"size": 12},
}


def _figure(title: str, subtitle: str, theme: Theme) -> go.Figure:
    figure = go.Figure()
    heading = {"text": title, "subtitle": {"text": subtitle, "font": {"color": PALE[theme], "size": 12}}}
    return figure.update_layout(template=f"assayline_{theme}", title=heading, height=HEIGHT)


def _label_ends(figure: go.Figure, x: pd.Series, lines: Sequence[tuple[pd.Series, str, str]]) -> None:
    for y, name, ink in lines:
        known = y.dropna()
        if not known.empty:
            figure.add_annotation(
                x=x[known.index[-1]], y=known.iloc[-1], text=name, showarrow=False, xanchor="left", xshift=6,
                font={"color": ink, "size": 12},
            )  # fmt: skip
