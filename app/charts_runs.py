"""Figures of a run: its gates, and how verdicts lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt

STATES = {"met": "#228833", "missed": "#cc3311", "undecided": "#997700"}
"""Inks of what became of a gate; each stands beside its word."""
STATE_WORDS = {
    "light": {"met": "#1a6b28", "missed": "#b02a0e", "undecided": "#7a5f00"},
    "dark": {"met": "#5fbf72", "missed": "#ff8066", "undecided": "#d9b13b"},
}
"""And of the word, which has to be read."""


def gates(rows: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Gates of a run: each its interval against its bound, the first on top; to the right of the line it holds.

    `rows`: text, state, word, value, low, high (null bounds: none), bound (null: nothing to hold it against),
    better (1: higher, -1: lower), told (the hover). Units differ, so each row has a scale of its own, in which its
    longest side from the bound is 1.
    """
    figure, shown = charts.figure("Gates", subtitle, theme), rows.iloc[::-1].reset_index(drop=True)
    figure.add_vline(x=0, line={"color": charts.PALE[theme], "width": 1})
    names = []
    for at, row in enumerate(shown.to_dict("records")):
        ink, word = STATES.get(row["state"], charts.GREY), STATE_WORDS[theme].get(row["state"], charts.PALE[theme])
        names.append(f"{charts.label(row['text'], 64)}<br><span style='color:{word}'>{row['word']}</span>")
        ends = [row["better"] * (row[end] - row["bound"]) for end in ("value", "low", "high")]
        known = [abs(end) for end in ends if not fmt.absent(end)]
        figure.add_annotation(
            x=1.08,
            y=at,
            text=row["value_text"],
            showarrow=False,
            xanchor="left",
            font={"size": 12, "color": charts.INK[theme]},
        )
        if not known:
            continue
        reach = max(known) or 1.0
        x, *sides = [None if fmt.absent(end) else end / reach for end in ends]
        if None not in sides:
            figure.add_scatter(
                x=sides, y=[at, at], mode="lines", line={"color": ink, "width": 4}, hoverinfo="skip", opacity=0.45
            )
        figure.add_scatter(
            x=[x], y=[at], mode="markers", marker={"color": ink, "size": 11, "symbol": _SYMBOLS.get(row["state"], "x")},
            customdata=[row["told"]], hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(hovermode="closest", height=110 + 40 * len(shown))
    figure.update_yaxes(
        tickvals=list(range(len(shown))), ticktext=names, range=[-0.6, len(shown) - 0.4], rangemode="normal",
        ticklabelstandoff=8,
    )  # fmt: skip
    return figure.update_xaxes(
        range=[-1.1, 1.75], tickvals=[-0.55, 0, 0.5], ticktext=["← does not hold", "bound", "holds →"]
    )


_SYMBOLS = {"met": "circle", "missed": "x", "undecided": "diamond"}


def spread(
    edges: Sequence[float], counts: Sequence[int], bound: float | None, words: tuple[str, str], theme: charts.Theme
) -> go.Figure:
    """How the values of an evaluator lie: a bar per bin. `bound`: from where a verdict passes, as a dotted line.

    `words`: title and subtitle.
    """
    figure, bins = charts.figure(charts.label(words[0], 40), charts.label(words[1], 90), theme), list(pairwise(edges))
    middles = [(low + high) / 2 for low, high in bins]
    width = edges[1] - edges[0]
    told = [[fmt.digits(low), fmt.digits(high)] for low, high in bins]
    figure.add_bar(
        x=middles, y=list(counts), width=width * 0.92, marker_color=charts.PALETTE[0], customdata=told,
        hovertemplate="%{customdata[0]} to %{customdata[1]}: %{y:,}<extra></extra>",
    )  # fmt: skip
    if bound is not None:
        figure.add_vline(x=bound, line={"color": charts.PALE[theme], "width": 1.5, "dash": "dot"})
    figure.update_layout(height=SPREAD_HEIGHT, hovermode="closest", bargap=0, margin={"r": 8})
    reach = edges[-1] - edges[0]
    figure.update_xaxes(range=[edges[0] - 0.02 * reach, edges[-1] + 0.02 * reach])
    return figure.update_yaxes(nticks=4)


SPREAD_HEIGHT = 190


def labelled(counts: Mapping[str, int], title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """How often each label was said: a bar a label, in the order given."""
    figure, names = charts.figure(charts.label(title, 40), charts.label(subtitle, 90), theme), list(counts)[::-1]
    figure.add_bar(
        x=[counts[name] for name in names], y=[charts.label(name) for name in names], orientation="h",
        marker_color=charts.PALETTE[0], hovertemplate="%{y}: %{x:,}<extra></extra>",
        text=[f"{counts[name]:,}" for name in names], textposition="outside", cliponaxis=False,
    )  # fmt: skip
    figure.update_layout(height=SPREAD_HEIGHT, hovermode="closest", bargap=0.35, margin={"r": 40})
    return figure.update_yaxes(rangemode="normal").update_xaxes(nticks=4)
