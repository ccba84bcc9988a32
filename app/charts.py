"""What all figures share: template in a light and a dark edition, inks, heights, headings, labels, axes of time.

The figures themselves stand in `charts_*`, a module per page: frame in, figure out, no Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from zlib import crc32

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from app import format as fmt

Theme = Literal["light", "dark"]
Mark = tuple[pd.Timestamp, str]
"""A moment as the axis has it, and the word on it."""

# Ten hues that people with colour-blindness tell apart, each at 3:1 or better against both backgrounds: see
# tests/app/test_theme.py.
PALETTE = (
    "#4477aa", "#d55e00", "#228833", "#aa4499", "#009988",
    "#997700", "#cc3311", "#6e6edb", "#0f8fc4", "#8a6d3b",
)  # fmt: skip
HEIGHT = 230  # pixels; Streamlit reads it from the figure, not from the template
TALL = 300  # pixels, of a figure that is its page's first
LINE_HEIGHT = 14  # pixels, of a label
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


def filled(
    series: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp, bucket: pd.Timedelta, offset: pd.Timedelta
) -> pd.DataFrame:
    """Every bucket of [since, until): counts of buckets without a row are 0, sums of what nobody told stay null.

    Buckets are whole in a zone `offset` ahead of UTC, as the queries cut them.
    """
    start = (since + offset).floor(bucket) - offset
    buckets = pd.date_range(start, until, freq=bucket, inclusive="left", name="bucket")
    full = series.set_index("bucket").reindex(buckets).reset_index()
    counts = [name for name in COUNTS if name in full]
    return full.assign(**{name: full[name].fillna(0).astype("int64") for name in counts})


COUNTS = ("traces", "failed_traces", "model_calls_ok", "model_calls_failed", "unknown_usage_calls", "calls", "n")
FEW = 3  # calls a bucket; below it quantiles are but the calls themselves, and a line between them tells a false course
LEGEND = {
    "orientation": "h", "x": 1, "xanchor": "right", "yref": "container", "y": 0.945, "yanchor": "top",
    "font": {"size": 12},
}  # fmt: skip
"""In a row, at the right of the heading."""
BELOW = {
    "orientation": "h", "x": 0, "xanchor": "left", "yref": "paper", "y": -0.16, "yanchor": "top", "font": {"size": 12},
}  # fmt: skip
"""In a row below the figure, where the heading leaves no room."""
MOST_MARKS = 10  # verticals of a figure
_WORD = 0.025  # of an axis: the width of a line of text that stands upright
_IN_ROW = 70  # letters of a heading and its legend, a mark as seven


def figure(title: str, subtitle: str, theme: Theme) -> go.Figure:
    """An empty figure under its heading."""
    heading = {"text": title, "subtitle": {"text": subtitle, "font": {"color": PALE[theme], "size": 12}}}
    return go.Figure().update_layout(template=f"assayline_{theme}", title=heading, height=HEIGHT)


def label(text: str | None, most: int = 32) -> str:
    """A name in a figure: no markup, at most so many letters; null: unknown."""
    said = fmt.UNKNOWN if text is None or fmt.absent(text) else text
    return fmt.clip(said, most).replace("&", "&amp;").replace("<", "&lt;")


def places(names: Sequence[str], most: int) -> dict[str, object]:
    """Of an axis, that names stand at 0, 1, 2: two that are cut to the same letters, or look like dates, stay apart."""
    return {"zeroline": False, "tickvals": list(range(len(names))), "ticktext": [label(name, most) for name in names]}


def legend(title: str, names: Sequence[str], most: int) -> dict[str, object]:
    """At the right of a heading in half a page where it fits; else below the figure."""
    if len(title) + sum(len(fmt.clip(name, most)) + 7 for name in names) <= _IN_ROW:
        return LEGEND
    return BELOW


def interval(figure: go.Figure, x: pd.Series, low: pd.Series, high: pd.Series, ink: str) -> None:
    """The area between two bounds, over each run of buckets that have both; over a lone bucket a line."""
    known = low.notna() & high.notna()
    runs = [run.index for _, run in low[known].groupby((~known).cumsum()[known])]
    red, green, blue = (int(ink[at : at + 2], 16) for at in (1, 3, 5))
    around = [([*x[run], *x[run][::-1], None], [*high[run], *low[run][::-1], None]) for run in runs]
    figure.add_scatter(
        x=[at for xs, _ in around for at in xs], y=[at for _, ys in around for at in ys], mode="lines",
        line={"width": 1, "color": f"rgba({red},{green},{blue},0.35)"}, fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.16)", hoverinfo="skip", name="95 % interval",
    )  # fmt: skip


def estimates(
    figure: go.Figure, names: pd.Series, value: pd.Series, low: pd.Series, high: pd.Series,
    *, most: int, form: str = "",
) -> None:  # fmt: skip
    """A line for each name from the top, its value with its interval (null bounds: none).

    `most`: letters of a name beside the axis; `form`: of the value on hover, as d3 writes numbers.
    """
    shown = names.tolist()[::-1]
    middle, first, last = (one.astype("float64").iloc[::-1] for one in (value, low, high))
    figure.add_scatter(
        x=middle, y=list(range(len(shown))), mode="markers",
        marker={"size": 11, "color": [colour(name) for name in shown]},
        customdata=[label(name, 80) for name in shown],
        error_x={"type": "data", "symmetric": False, "array": last - middle, "arrayminus": middle - first,
                 "color": GREY, "thickness": 2, "width": 0},
        hovertemplate=f"%{{customdata}}: %{{x{form}}}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest", height=max(HEIGHT, 110 + 30 * len(shown)))
    figure.update_yaxes(**places(shown, most), range=[-0.6, len(shown) - 0.4])


def markers(
    figure: go.Figure, marks: Sequence[Mark], edges: tuple[pd.Timestamp, pd.Timestamp], theme: Theme
) -> go.Figure:
    """Thin verticals at moments of the axis, a word on each; those too close to be told apart share one word.

    `edges`: of the axis, beyond which no mark is drawn.
    """
    within = sorted(one for one in marks if edges[0] <= one[0] <= edges[1])
    room = max((edges[1] - edges[0]) * _WORD, pd.Timedelta(seconds=1))
    while len(groups := _joined(within, room)) > MOST_MARKS:
        room *= 2
    for at, words in groups:
        figure.add_vline(x=at, line={"color": PALE[theme], "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=at, y=1, yref="paper", text=label(words, 24), showarrow=False, textangle=-90, xanchor="left",
            yanchor="top", font={"size": 11, "color": PALE[theme]},
        )  # fmt: skip
    return figure


def _joined(marks: Sequence[Mark], room: pd.Timedelta) -> list[Mark]:
    """Marks in order; one that is nearer to the first of those before than `room` is counted there: `release 2 +1`."""
    found: list[tuple[pd.Timestamp, str, int]] = []
    for at, words in marks:
        if found and at - found[-1][0] < room:
            found[-1] = (*found[-1][:2], found[-1][2] + 1)
        else:
            found.append((at, words, 0))
    return [(at, f"{fmt.clip(words, 20)} +{more}" if more else words) for at, words, more in found]


def over_bucket(series: pd.DataFrame, step: pd.Timedelta) -> dict[str, object]:
    """Marks stand over the middle of their bucket, bars as wide as it, while hovers and clicks name its start."""
    return {"xperiod": _ms(step), "xperiod0": series["bucket"].iloc[0], "xperiodalignment": "middle"}


def times(series: pd.DataFrame, step: pd.Timedelta) -> list[str]:
    """`2026-05-01 12:00 to 18:00` of each bucket, for hovers: where points can be selected, Streamlit tells no x."""
    stops = series["bucket"] + step
    form = "%H:%M" if step < pd.Timedelta(days=1) else "%Y-%m-%d %H:%M"
    return [f"{at:%Y-%m-%d %H:%M} to {to:{form}}" for at, to in zip(series["bucket"], stops, strict=True)]


def _ms(step: pd.Timedelta) -> float:
    return step / pd.Timedelta(milliseconds=1)


def over_time(
    figure: go.Figure, series: pd.DataFrame, step: pd.Timedelta, theme: Theme, marks: Sequence[Mark]
) -> go.Figure:
    """Give a figure of buckets its axis of time, with marks on it."""
    ends = edges(series, step)
    return markers(figure, marks, ends, theme).update_xaxes(range=ends)


def edges(series: pd.DataFrame, step: pd.Timedelta) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Whole buckets, the first and last ones too, so that figures side by side have one axis."""
    return series["bucket"].iloc[0], series["bucket"].iloc[-1] + step
