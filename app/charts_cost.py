"""Figures of Cost: spend over time, cost per success."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt

Stack = tuple[str, str, pd.Series]
"""Name, ink, and a value per bucket."""

_TEXTURES = ("", "/", "x", ".", "-", "+")


def textures(inks: Sequence[str]) -> list[str]:
    """A pattern for each: plain, but where an ink came before, since ten inks have to do for any number of names."""
    return [_TEXTURES[min(list(inks[:place]).count(ink), len(_TEXTURES) - 1)] for place, ink in enumerate(inks)]


def costs(
    buckets: pd.Series,
    stacks: Sequence[Stack],
    step: pd.Timedelta,
    subtitle: str,
    theme: charts.Theme,
    *,
    marks: Sequence[charts.Mark] = (),
) -> go.Figure:
    """Cost per bucket in US dollars, stacked; null: nothing known. One trace a stack, in order, a point a bucket.

    `marks`: moments on the axis with a word on each.
    """
    figure, frame = charts.figure("Cost", subtitle, theme), pd.DataFrame({"bucket": buckets})
    patterns = textures([ink for _, ink, _ in stacks])
    for (name, ink, values), pattern in zip(stacks, patterns, strict=True):
        safe = charts.label(name)
        told = [[safe, span, fmt.money(value)] for span, value in zip(charts.times(frame, step), values, strict=True)]
        figure.add_bar(
            x=buckets, y=values, name=safe, customdata=told,
            marker={"color": ink, "pattern": _PATTERN[theme] | {"shape": pattern}},
            hovertemplate="%{customdata[0]}: %{customdata[2]}<br>%{customdata[1]}<extra></extra>",
            **charts.over_bucket(frame, step),
        )  # fmt: skip
    figure.update_layout(barmode="stack", showlegend=len(stacks) > 1, hovermode="closest", height=charts.TALL)
    figure.update_layout(legend={"x": 1.01, "y": 1, "yanchor": "top", "traceorder": "normal", "font": {"size": 12}})
    return charts.over_time(figure.update_yaxes(tickprefix="$"), frame, step, theme, marks)


_PATTERN = {
    theme: {"fillmode": "overlay", "fgcolor": ground, "size": 5}
    for theme, ground in (("light", "#ffffff"), ("dark", "#12161c"))
}


def whiskers(rows: pd.DataFrame, title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """A point per row with its interval, in US dollars; the first on top.

    `rows`: name, value, low, high (null bounds: none), told (the hover). Points, not bars: what counts is how far
    they are apart.
    """
    figure, shown = charts.figure(title, subtitle, theme), rows.iloc[::-1]
    value, low, high = (shown[name].astype("float64") for name in ("value", "low", "high"))
    names = [charts.label(name, 40) for name in shown["name"]]
    figure.add_scatter(
        x=value, y=list(range(len(names))), mode="markers", customdata=list(shown["told"]),
        marker={"size": 9, "color": [charts.colour(name) for name in shown["name"]]},
        error_x={"type": "data", "array": high - value, "arrayminus": value - low,
                 "symmetric": False, "color": charts.PALE[theme], "thickness": 1.5, "width": 5},
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest", height=max(150, 90 + 26 * len(names)))
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=names,
        range=[-0.6, len(names) - 0.4],
        rangemode="normal",
        ticklabelstandoff=8,
    )
    return figure.update_xaxes(tickprefix="$", rangemode="tozero", showgrid=True)
