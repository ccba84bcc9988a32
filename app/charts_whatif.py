"""Figures of What-if: near repeats, savings, routes, emissions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def thresholds(rows: pd.DataFrame, chosen: float, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Share of calls that are near repeats, and share of these with another answer, against the similarity asked for.

    `rows`: threshold, hits, judged, and share and false, each with _value, _low, _high (0 to 1; null: unknown).
    `chosen`: marked by a vertical.
    """
    figure = charts.figure("Near repeats and their risk", subtitle, theme)
    x = rows["threshold"].astype("float64") * 100
    lines = (
        ("share", "near repeats, of calls", charts.GOOD, "hits"),
        ("false", "other answers, of these", charts.BAD, "judged"),
    )
    for name, said, ink, n in lines:
        y, low, high = (rows[f"{name}_{end}"].astype("float64") * 100 for end in ("value", "low", "high"))
        charts.interval(figure, x, low, high, ink)
        figure.add_scatter(
            x=x, y=y, name=said, mode="lines+markers", line={"color": ink, "width": 2}, marker={"size": 6},
            customdata=list(zip(map(fmt.percent, y / 100), map(fmt.percent, low / 100), map(fmt.percent, high / 100),
                                rows[n], strict=True)),
            hovertemplate=said + ": %{customdata[0]} (95 %: %{customdata[1]} to %{customdata[2]}), "
            "n = %{customdata[3]:,}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=chosen * 100, line={"color": charts.PALE[theme], "width": 1, "dash": "dot"})
    figure.update_layout(height=charts.TALL, showlegend=True, legend=charts.LEGEND)
    for trace in figure.data:
        trace.showlegend = trace.name != "95 % interval"
    figure.update_xaxes(title="similarity at least", ticksuffix=" %", range=[69, 101])
    return figure.update_yaxes(ticksuffix=" %", range=[-2, 104])


def savings(money: Mapping[str, Mapping[str, float | None]], subtitle: str, theme: charts.Theme) -> go.Figure:
    """A bar per way to save with its interval, US dollars; the first on top. Below 0: it would have cost more."""
    figure, names = charts.figure("What each would have saved", subtitle, theme), list(money)[::-1]
    rows = pd.DataFrame([money[name] for name in names]).astype("float64")
    ends = {"array": rows["high"] - rows["value"], "arrayminus": rows["value"] - rows["low"]}
    figure.add_bar(
        x=rows["value"], y=names, orientation="h",
        marker_color=[charts.GOOD if value >= 0 else charts.BAD for value in rows["value"]],
        error_x={"type": "data", "symmetric": False, "color": charts.INK[theme], "thickness": 1, "width": 4, **ends},
        customdata=[[f"{usd:,.6f}" for usd in row] for row in rows[["value", "low", "high"]].to_numpy()],
        hovertemplate="%{y}: $%{customdata[0]} (95 %: $%{customdata[1]} to $%{customdata[2]})<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest", bargap=0.45, height=charts.TALL)
    return figure.update_xaxes(tickformat="$,~g", showgrid=True, rangemode="tozero").update_yaxes(rangemode="normal")


def pareto(points: pd.DataFrame, score: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Cost of 1,000 calls against mean score; the line joins what nothing beats.

    `points`: name, kind (was, single, mixed), usd, value, low, high (null bounds: none), front.
    """
    safe = fmt.clip(score, 40).replace("<", "&lt;")
    figure = charts.figure(f"Cost against {safe}", subtitle, theme)
    front = points[points["front"]].sort_values("usd")
    figure.add_scatter(
        x=front["usd"], y=front["value"], mode="lines", line={"color": charts.PALE[theme], "width": 1, "shape": "hv"},
        hoverinfo="skip", name="front",
    )  # fmt: skip
    for kind, size in (("mixed", 6), ("single", 10), ("was", 12)):
        rows = points[points["kind"] == kind]
        inks = [
            charts.INK[theme]
            if kind == "was"
            else charts.GREY
            if kind == "mixed"
            else charts.colour(name.removeprefix("all "))
            for name in rows["name"]
        ]
        high, low = (rows[end].astype("float64") for end in ("high", "low"))
        value = rows["value"].astype("float64")
        figure.add_scatter(
            x=rows["usd"], y=value, mode="markers", name=kind,
            marker={"size": size, "color": inks, "symbol": "diamond" if kind == "was" else "circle",
                    "opacity": 0.5 if kind == "mixed" else 1},
            error_y={"type": "data", "symmetric": False, "array": high - value, "arrayminus": value - low,
                     "color": charts.GREY, "thickness": 0.5 if kind == "mixed" else 1, "width": 0},
            customdata=[[fmt.clip(name, 90).replace("<", "&lt;"), fmt.mean_cost(usd)]
                        for name, usd in zip(rows["name"], rows["usd"], strict=True)],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]} for 1,000 calls, mean %{y:.3f}<extra></extra>",
        )  # fmt: skip
        if kind != "mixed":
            for name, at, height in zip(rows["name"], rows["usd"], value, strict=True):
                figure.add_annotation(
                    x=at, y=height, text=fmt.clip(name, 28).replace("<", "&lt;"), showarrow=False, xanchor="left",
                    xshift=10, font={"size": 12},
                )  # fmt: skip
    figure.update_layout(height=charts.TALL + 40, hovermode="closest", margin={"r": 100})
    figure.update_xaxes(tickprefix="$", title="cost of 1,000 calls", showgrid=True, rangemode="tozero")
    return figure.update_yaxes(title=f"mean {safe}", rangemode="normal")


def monthly(months: pd.DataFrame, unit: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Emissions by month: a bar from the least to the most. `months`: month (text), low, high, both of `unit`."""
    figure = charts.figure("Emissions by month", subtitle, theme)
    names = months["month"].astype(str).str[:7]
    low, high = months["low"].astype("float64"), months["high"].astype("float64")
    figure.add_bar(
        x=names, y=high - low, base=low, marker_color=charts.PALETTE[2], width=0.4 if len(names) > 1 else 0.2,
        customdata=[[f"{a:.4g}", f"{b:.4g}"] for a, b in zip(low, high, strict=True)],
        hovertemplate="%{x}: %{customdata[0]} to %{customdata[1]} " + unit + "<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=charts.TALL, hovermode="closest")
    return figure.update_yaxes(ticksuffix=f" {unit}").update_xaxes(type="category")


_DECADES = 1.7  # of a logarithmic axis; beyond them only powers of ten are named


def reaches(rows: pd.DataFrame, title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """A bar per model from its least to its most, on a logarithmic axis; the first on top. `rows`: model, low, high."""
    figure, shown = charts.figure(title, subtitle, theme), rows.iloc[::-1]
    low, high = shown["low"].astype("float64"), shown["high"].astype("float64")
    names = [fmt.clip(name, 32).replace("<", "&lt;") for name in shown["model"]]
    figure.add_bar(
        x=high - low, base=low, y=names, orientation="h", marker_color=[charts.colour(name) for name in shown["model"]],
        customdata=[[f"{a:.4g}", f"{b:.4g}"] for a, b in zip(low, high, strict=True)],
        hovertemplate="%{y}: %{customdata[0]} to %{customdata[1]} Wh<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=max(charts.TALL, 110 + 26 * len(rows)), hovermode="closest", bargap=0.45)
    edges = [float(np.log10(low.min())) - 0.15, float(np.log10(high.max())) + 0.15]
    steps = (1,) if edges[1] - edges[0] > _DECADES else (1, 2, 5)
    ticks = [step * 10.0**power for power in range(-9, 9) for step in steps]
    shown_ticks = [at for at in ticks if edges[0] <= np.log10(at) <= edges[1]]
    figure.update_xaxes(type="log", range=edges, showgrid=True, tickvals=shown_ticks,
                        ticktext=[f"{fmt.digits(at)} Wh" for at in shown_ticks])  # fmt: skip
    return figure.update_yaxes(rangemode="normal")
