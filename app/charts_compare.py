"""Figures of a comparison: differences, how values lie, item against item, cost against quality, what time showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt

ROW = 34  # pixels of a row of the forest
INKS: Mapping[str, str] = {"good": charts.GOOD, "bad": charts.BAD, "open": charts.GREY, "even": charts.GREY}
_SYMBOLS = {"good": "triangle-up", "bad": "triangle-down", "open": "x", "even": "circle"}


def forest(rows: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Differences with their intervals, the first on top; to the right is better.

    `rows`: text, difference, low, high (null: no such bound), margin (null: none), sign (1: higher is better, -1:
    lower), tone (good, bad, open, even), told (the difference in its unit, beside the row), sentence (the hover). Units
    differ, so each row has a scale of its own, in which its farthest end from no difference is 1.
    """
    figure, shown = charts.figure("Differences", subtitle, theme), rows.iloc[::-1].reset_index(drop=True)
    figure.add_vline(x=0, line={"color": charts.PALE[theme], "width": 1})
    for at, row in enumerate(shown.to_dict("records")):
        ink = INKS[row["tone"]]
        ends = [None if fmt.absent(row[end]) else row["sign"] * row[end] for end in ("difference", "low", "high")]
        margin = None if fmt.absent(row["margin"]) else float(row["margin"])
        known = [abs(end) for end in (*ends, margin) if end is not None and ends[0] is not None]
        figure.add_annotation(
            x=1.08, y=at, text=charts.label(row["told"], 60), showarrow=False, xanchor="left",
            font={"size": 12, "color": charts.INK[theme]},
        )  # fmt: skip
        if not known:
            continue
        x, *sides = [None if end is None else end / (max(known) or 1.0) for end in ends]
        if margin is not None:
            _margin(figure, margin / (max(known) or 1.0), at, theme)
        if None not in sides:
            figure.add_scatter(
                x=sides, y=[at, at], mode="lines", line={"color": ink, "width": 4}, hoverinfo="skip", opacity=0.45
            )
        figure.add_scatter(
            x=[x], y=[at], mode="markers", marker={"color": ink, "size": 11, "symbol": _SYMBOLS[row["tone"]]},
            customdata=[charts.label(row["sentence"], 240)], hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(hovermode="closest", height=110 + ROW * len(shown))
    figure.update_yaxes(
        tickvals=list(range(len(shown))), ticktext=[charts.label(text, 64) for text in shown["text"]],
        range=[-0.6, len(shown) - 0.4], rangemode="normal", ticklabelstandoff=8,
    )  # fmt: skip
    return figure.update_xaxes(
        range=[-1.1, 2.1], tickvals=[-0.6, 0, 0.6], ticktext=["← worse", "no difference", "better →"]
    )


def _margin(figure: go.Figure, reach: float, at: int, theme: charts.Theme) -> None:
    """The difference that does not matter, on both sides."""
    for side in (-reach, reach):
        figure.add_shape(
            type="line", x0=side, x1=side, y0=at - 0.4, y1=at + 0.4,
            line={"color": charts.INK[theme], "width": 1, "dash": "dot"},
        )  # fmt: skip


def levels(rows: pd.DataFrame, title: str, subtitle: str, theme: charts.Theme, *, share: bool) -> go.Figure:
    """One measure of each variant with its interval: variant, value, low, high (null bounds: none)."""
    figure = charts.figure(charts.label(title, 60), subtitle, theme)
    charts.estimates(figure, rows["variant"], rows["value"], rows["low"], rows["high"], most=40)
    if share:
        figure.update_xaxes(tickformat=".0%", range=[0, 1.02])
    return figure.update_xaxes(showgrid=True)


def points(values: Mapping[str, Sequence[float]], title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Every value of each variant, where they are few."""
    figure = charts.figure(charts.label(title, 60), subtitle, theme)
    names = list(values)[::-1]
    for at, name in enumerate(names):
        told = values[name]
        figure.add_scatter(
            x=list(told), y=[at + _moved(place) for place in range(len(told))], mode="markers",
            marker={"size": 7, "color": charts.colour(name), "opacity": 0.6}, hovertemplate="%{x}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(hovermode="closest", height=max(charts.HEIGHT, 110 + 44 * len(names)))
    figure.update_xaxes(showgrid=True)
    return figure.update_yaxes(
        **charts.places(names, 40), rangemode="normal", range=[-0.6, len(names) - 0.4], showgrid=False,
    )  # fmt: skip


def _moved(place: int) -> float:
    """So that equal values do not hide one another; the same each time."""
    return (crc32(str(place).encode()) % 1000 / 1000 - 0.5) * 0.5


def spread(
    edges: Sequence[float], counts: Mapping[str, Sequence[int]], title: str, subtitle: str, theme: charts.Theme
) -> go.Figure:
    """How many of each variant's items lie where, in percent: a step line a variant."""
    figure = charts.figure(charts.label(title, 60), subtitle, theme)
    for name, many in counts.items():
        of = sum(many) or 1
        heights = [100 * one / of for one in many]
        figure.add_scatter(
            x=list(edges), y=[*heights, heights[-1] if heights else 0], mode="lines", name=charts.label(name, 28),
            line={"color": charts.colour(name), "width": 2, "shape": "hv"},
            hovertemplate="%{y:.3g} %<extra>" + charts.label(name, 28) + "</extra>",
        )  # fmt: skip
    beside = {"orientation": "v", "x": 1.01, "y": 1, "font": {"size": 11}}
    legend = beside if len(counts) > 4 else charts.legend(title, list(counts), 28)
    figure.update_layout(showlegend=len(counts) > 1, legend=legend)
    return figure.update_yaxes(ticksuffix=" %")


def against(
    told: Mapping[str, Any], names: tuple[str, str], title: str, subtitle: str, theme: charts.Theme
) -> go.Figure:  # fmt: skip
    """Items of one variant against another: a point each, beside the line of no difference; of few values counts."""
    figure = charts.figure(charts.label(title, 60), subtitle, theme)
    if told["cells"]:
        _cells(figure, told["cells"], theme)
    else:
        low, high = min([*told["x"], *told["y"], 0]), max([*told["x"], *told["y"]], default=1)
        figure.add_scatter(
            x=[low, high], y=[low, high], mode="lines", line={"color": charts.PALE[theme], "width": 1, "dash": "dot"},
            hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=told["x"], y=told["y"], mode="markers", customdata=[charts.label(name, 60) for name in told["names"]],
            marker={"size": 7, "color": charts.colour(names[1]), "opacity": 0.45},
            hovertemplate="%{customdata}<br>%{x} to %{y}<extra></extra>",
        )  # fmt: skip
        figure.update_yaxes(rangemode="normal")
    figure.update_layout(hovermode="closest", height=charts.TALL + 40)
    figure.update_xaxes(title=charts.label(names[0], 40), showgrid=True)
    return figure.update_yaxes(title=charts.label(names[1], 40))


def _cells(figure: go.Figure, cells: Sequence[Mapping[str, Any]], theme: charts.Theme) -> None:
    """How many items have which two values."""
    kinds = sorted({one["x"] for one in cells})
    most = max(one["n"] for one in cells) or 1
    for one in cells:
        x, y = kinds.index(one["x"]), kinds.index(one["y"])
        ink = charts.GREY if x == y else charts.GOOD if y > x else charts.BAD
        figure.add_scatter(
            x=[x], y=[y], mode="markers+text", text=[f"{one['n']:,}"], hoverinfo="skip", textposition="middle center",
            textfont={"size": 14, "color": charts.INK[theme]},
            marker={"symbol": "square", "size": 24 + 60 * (one["n"] / most) ** 0.5, "color": ink, "opacity": 0.35},
        )  # fmt: skip
    words = [fmt.digits(kind) for kind in kinds]
    figure.update_xaxes(tickvals=list(range(len(kinds))), ticktext=words, range=[-0.6, len(kinds) - 0.4])
    figure.update_yaxes(
        tickvals=list(range(len(kinds))), ticktext=words, range=[-0.6, len(kinds) - 0.4], rangemode="normal"
    )


def front(rows: pd.DataFrame, title: tuple[str, str], subtitle: str, theme: charts.Theme) -> go.Figure:
    """Cost against quality, each variant with both intervals; the line joins what nothing beats.

    `rows`: variant, cost, cost_low, cost_high, quality, quality_low, quality_high, front.
    """
    cost, quality = title
    figure = charts.figure(charts.label(f"{quality} against {cost}", 70), subtitle, theme)
    joined = rows[rows["front"]].sort_values("cost")
    figure.add_scatter(
        x=joined["cost"], y=joined["quality"], mode="lines", hoverinfo="skip",
        line={"color": charts.PALE[theme], "width": 1, "shape": "hv"},
    )  # fmt: skip
    figure.add_scatter(
        x=rows["cost"], y=rows["quality"], mode="markers+text", text=[charts.label(one, 28) for one in rows["variant"]],
        textposition=_inward(rows["cost"]), textfont={"size": 12},
        marker={"size": 11, "color": [charts.colour(one) for one in rows["variant"]]},
        error_x=_reach(rows, "cost"), error_y=_reach(rows, "quality"),
        customdata=[fmt.mean_cost(one) for one in rows["cost"]],
        hovertemplate="%{text}<br>%{customdata}, %{y:.3g}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=charts.TALL + 40, hovermode="closest")
    figure.update_xaxes(title=charts.label(cost, 40), showgrid=True, rangemode="tozero", tickprefix="$")
    return figure.update_yaxes(title=charts.label(quality, 40), rangemode="normal")


def _inward(places: pd.Series) -> list[str]:
    """Labels of points on the left stand to the right of them, and the other way round: none is cut by the edge."""
    middle = float(places.max()) / 2
    return ["top right" if place <= middle else "top left" for place in places]


def _reach(rows: pd.DataFrame, name: str) -> dict[str, object]:
    value, low, high = (rows[column].astype("float64") for column in (name, f"{name}_low", f"{name}_high"))
    return {
        "type": "data", "symmetric": False, "array": high - value, "arrayminus": value - low, "color": charts.GREY,
        "thickness": 1.5, "width": 0,
    }  # fmt: skip


def course(rows: pd.DataFrame, title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """The difference as it was known up to each moment: until (times), variant, difference, low, high (null: none)."""
    figure = charts.figure(charts.label(title, 70), subtitle, theme)
    figure.add_hline(y=0, line={"color": charts.PALE[theme], "width": 1})
    for name, mine in rows.groupby("variant", sort=False):
        ink, told = charts.colour(str(name)), mine.reset_index(drop=True)
        low, high = told["low"].astype("float64"), told["high"].astype("float64")
        charts.interval(figure, told["until"], low, high, ink)
        figure.data[-1].showlegend = False
        figure.add_scatter(
            x=told["until"], y=told["difference"], mode="lines+markers", name=charts.label(str(name), 28),
            line={"color": ink, "width": 2}, marker={"size": 6}, hovertemplate="%{y:.3g}",
        )  # fmt: skip
    names = list(dict.fromkeys(rows["variant"].astype(str)))
    figure.update_layout(height=charts.TALL, showlegend=len(names) > 1, legend=charts.legend(title, names, 28))
    return figure.update_yaxes(rangemode="normal")
