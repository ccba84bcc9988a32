"""Figures of Latency: quantiles over time, calls by start and duration, where time goes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def quantiles(
    series: pd.DataFrame,
    marks: Sequence[charts.Mark],
    step: pd.Timedelta,
    subtitle: str,
    theme: charts.Theme,
) -> go.Figure:
    """Median and 95th percentile of a duration per bucket, in seconds, in the bands of their intervals.

    `series` has every bucket, each `step` long, with n, p50, p95 and their bounds (_low, _high) in nanoseconds; null
    quantiles leave a gap, and null bounds one in the band. `marks`: moments on the axis with a word on each.
    """
    figure, middle = charts.figure("Duration of calls, median and p95", subtitle, theme), series["bucket"] + step / 2
    few = series["n"][series["n"] > 0].median() < charts.FEW
    for name, said, ink in _LINES:
        y, low, high = (series[f"{name}{end}"].astype("float64") / 1e9 for end in ("", "_low", "_high"))
        charts.interval(figure, middle, low, high, ink)
        figure.add_scatter(
            x=series["bucket"], y=y, name=said, mode="markers" if few else "lines+markers", marker={"size": 6},
            line={"color": ink, "width": 2}, hovertemplate="%{customdata[0]}<br>%{customdata[1]}",
            customdata=list(zip(map(_told, y, low, high, series["n"]), charts.times(series, step), strict=True)),
            **charts.over_bucket(series, step),
        )  # fmt: skip
    figure.update_layout(height=charts.TALL)
    _logarithmic(figure, series, middle)
    return charts.over_time(figure, series, step, theme, marks)


_LINES = (("p95", "p95", charts.PALETTE[1]), ("p50", "median", charts.PALETTE[0]))
_ROUND = {
    1e3: "1 µs", 1e4: "10 µs", 1e5: "100 µs", 1e6: "1 ms", 1e7: "10 ms", 1e8: "100 ms", 1e9: "1 s", 1e10: "10 s",
    6e10: "1 min", 6e11: "10 min", 3.6e12: "1 h", 3.6e13: "10 h", 8.64e13: "1 d", 8.64e14: "10 d",
}  # fmt: skip
"""Durations that an axis names: nanoseconds -> words."""


def _logarithmic(figure: go.Figure, series: pd.DataFrame, x: pd.Series) -> None:
    """The axis of durations, and the lines' names beside their ends.

    Median, p95 and the bounds of the p95 lie decades apart: on a linear axis the widest interval flattens all else.
    """
    shown = series[[f"{name}{end}" for name, _, _ in _LINES for end in ("", "_low", "_high")]].astype("float64") / 1e9
    values = shown.to_numpy()
    known = values[values > 0]  # NaN is not
    if not len(known):
        return
    middle, reach = np.log10(known.min() * known.max()) / 2, np.log10(known.max() / known.min()) / 2 + 0.1
    low, high = middle - max(reach, 0.5), middle + max(reach, 0.5)  # at least a decade: noise is not to look like much
    ticks = {at / 1e9: word for at, word in _ROUND.items() if low <= np.log10(at / 1e9) <= high}
    if len(ticks) < 3:  # a decade or two: 1, 2 and 5 of each
        places = [factor * 10.0**power for power in range(-9, 8) for factor in (1, 2, 5)]
        ticks = {at: fmt.duration(at * 1e9) for at in places if low <= np.log10(at) <= high}
    figure.update_yaxes(type="log", range=[low, high], tickvals=list(ticks), ticktext=list(ticks.values()))
    last = [(np.log10(line.dropna().iloc[-1]), line.dropna().index[-1]) for line in (shown["p95"], shown["p50"])]
    apart = (last[0][0] - last[1][0]) / (high - low) * (charts.TALL - 100)
    push = max(0.0, (charts.LINE_HEIGHT - apart) / 2)
    for (_, said, ink), (at, place), shift in zip(_LINES, last, (push, -push), strict=True):
        figure.add_annotation(
            x=x[place], y=at, text=said, showarrow=False, xanchor="left", xshift=7, yshift=shift,
            font={"color": ink, "size": 12},
        )  # fmt: skip


def _told(value: float, low: float, high: float, n: float) -> str:
    """`1.2 s (1.1 s to 1.4 s), n = 120`; seconds."""
    sides = [fmt.duration(side * 1e9) for side in (low, high)]
    return f"{fmt.duration(value * 1e9)} (95 %: {' to '.join(sides)}), n = {n:,.0f}"


def heat(
    cells: pd.DataFrame, step: pd.Timedelta, edges: Sequence[pd.Timestamp], subtitle: str, theme: charts.Theme
) -> go.Figure:
    """Calls by start and duration: one column per bucket, a logarithmic bin per row; the darker (or lighter), the more.

    `cells`: bucket, bin (eight a power of ten of nanoseconds), calls. `edges`: first and last moment of the axis.
    """
    figure = charts.figure("Calls by start and duration", subtitle, theme)
    table = cells.pivot_table(index="bin", columns="bucket", values="calls", aggfunc="sum")
    rows, first, last = range(table.index[0] - 1, table.index[-1] + 2), cells["bucket"].min(), cells["bucket"].max()
    # A whole grid, one cell wider all around: cells reach half-way to the next, and a lone one would have no size.
    every = pd.date_range(first - step, last + step, freq=step).union(pd.DatetimeIndex(table.columns))
    table = table.reindex(index=rows, columns=every).astype("float64")
    said = pd.DataFrame("", index=table.index, columns=table.columns)
    for row, at, calls, span in zip(
        cells["bin"], cells["bucket"], cells["calls"], charts.times(cells, step), strict=True
    ):
        low, high = (fmt.duration(10 ** (edge / 8)) for edge in (row, row + 1))
        said.loc[row, at] = f"{fmt.plural(calls, 'call')} of {low} to {high}<br>{span}"
    counts, most = [10.0**power for power in range(10)], float(cells["calls"].max())
    figure.add_heatmap(
        x=every + step / 2, y=[row + 0.5 for row in rows], z=np.log10(table), text=said, colorscale=HEAT[theme],
        zmin=0, zmax=max(np.log10(most), 0.3), hoverongaps=False, hovertemplate="%{text}<extra></extra>",
        colorbar={
            "thickness": 8, "outlinewidth": 0, "tickvals": [np.log10(count) for count in counts if count <= most],
            "ticktext": [fmt.short(count) for count in counts if count <= most], "title": {"text": "calls"},
            "tickfont": {"size": 11},
        },
    )  # fmt: skip
    shown = [min(rows[0] + 1, rows[-1] - 8), rows[-1]]  # a power of ten at least
    ticks = {np.log10(at) * 8: word for at, word in _ROUND.items() if shown[0] <= np.log10(at) * 8 <= shown[1]}
    figure.update_layout(height=charts.TALL, hovermode="closest")
    figure.update_xaxes(range=list(edges))
    return figure.update_yaxes(tickvals=list(ticks), ticktext=list(ticks.values()), range=shown, showgrid=False)


HEAT = {
    "light": [[0, "#dbe6f2"], [0.5, "#7ba0c9"], [1, "#1f4f86"]],
    "dark": [[0, "#22344a"], [0.5, "#4a7cb0"], [1, "#c3dbf5"]],
}


def parts(shares: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Where time goes: a bar per kind with its interval, in percent; the largest on top.

    `shares`: name, share, low, high (0 to 1; null bounds: none), traces.
    """
    figure, rows = charts.figure("Where the time of traces goes", subtitle, theme), shares.iloc[::-1]
    value, low, high = (rows[name].astype("float64") * 100 for name in ("share", "low", "high"))
    figure.add_bar(
        x=value, y=rows["name"], orientation="h", marker_color=charts.PALETTE[0],
        error_x={"type": "data", "array": high - value, "arrayminus": value - low,
                 "symmetric": False, "color": charts.INK[theme], "thickness": 1, "width": 4},
        customdata=list(zip(map(fmt.percent, rows["share"]), map(fmt.percent, rows["low"]),
                            map(fmt.percent, rows["high"]), rows["traces"], strict=True)),
        hovertemplate="%{y}: %{customdata[0]} (95 %: %{customdata[1]} to %{customdata[2]})<br>"
        "on the path of %{customdata[3]:,} traces<extra></extra>",
    )  # fmt: skip
    reach = high.fillna(value)
    for name, share, at in zip(rows["name"], rows["share"], reach, strict=True):
        figure.add_annotation(
            x=at, y=name, text=fmt.percent(share), showarrow=False, xanchor="left", xshift=6, font={"size": 12}
        )
    figure.update_layout(hovermode="closest", bargap=0.4, height=max(150, 90 + 26 * len(rows)))
    return figure.update_xaxes(ticksuffix=" %", rangemode="tozero", showgrid=True).update_yaxes(rangemode="normal")
