"""Figures of monitors: what was watched in the band of what was expected; reference against current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt

Span = tuple[pd.Timestamp, pd.Timestamp]
_BEYOND = 0.5  # times the looks' range: how far an axis follows buckets
FEW = 72  # buckets; lines between more of them are a thicket
WATCHED, COUNTED = charts.PALETTE[0], charts.PALETTE[1]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the figure of a monitor shows: times in the viewer's zone without naming it, values in the signal's unit."""

    points: pd.DataFrame  # a bucket each: at, value, told (hover); null values are gaps
    looks: pd.DataFrame  # at (end of the window), value, expected, low, high, counts, told
    reference: Span | None = None
    change: pd.Timestamp | None = None
    change_span: Span | None = None  # its 95 % interval
    marks: Sequence[tuple[pd.Timestamp, str]] = ()
    fired: Sequence[pd.Timestamp] = ()  # when it began to fire, or would have
    limit: float | None = None  # of a threshold
    axis: tuple[float, str] = field(default=(1.0, ""))  # factor, and what stands after a number


def watched(title: str, drawn: Drawn, subtitle: str, theme: charts.Theme) -> go.Figure:
    """The stream by bucket, and over it the looks' windows in the band of what the reference lets expect."""
    figure = charts.figure(title, subtitle, theme)
    factor, after = drawn.axis
    _spans(figure, drawn, theme)
    _band(figure, drawn.looks, factor, theme)
    few = len(drawn.points) <= FEW
    figure.add_scatter(
        x=drawn.points["at"], y=drawn.points["value"].astype("float64") * factor, name="buckets",
        mode="lines+markers" if few else "markers", line={"color": charts.GREY, "width": 1},
        marker={"size": 4 if few else 2.5, "color": charts.GREY}, opacity=0.6,
        customdata=list(drawn.points["told"]), hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    _looks(figure, drawn.looks, factor)
    if drawn.limit is not None:
        figure.add_hline(y=drawn.limit * factor, line={"color": charts.BAD, "width": 1, "dash": "dash"})
    _verticals(figure, drawn, theme)
    figure.update_layout(height=charts.TALL, hovermode="closest", showlegend=True, legend=charts.LEGEND)
    figure.update_yaxes(range=_range(drawn, factor), ticksuffix=after, rangemode="normal")
    return figure.update_xaxes(nticks=8, range=_times(drawn))


def _times(drawn: Drawn) -> list[pd.Timestamp] | None:
    """From the first bucket or look to the last: a reference may begin long before."""
    times = pd.concat([drawn.points["at"], drawn.looks["at"]])
    if times.empty:
        return None
    room = (times.max() - times.min()) * 0.02 or pd.Timedelta(hours=1)
    return [times.min() - room, times.max() + room]


def _spans(figure: go.Figure, drawn: Drawn, theme: charts.Theme) -> None:
    """The reference as a shade, and where the change may lie."""
    for span, ink, opacity in ((drawn.reference, charts.PALE[theme], 0.1), (drawn.change_span, charts.BAD, 0.14)):
        if span is not None:
            figure.add_vrect(x0=span[0], x1=span[1], fillcolor=ink, opacity=opacity, line_width=0, layer="below")
    if drawn.reference is not None:
        shown = _times(drawn) or [drawn.reference[0]]
        figure.add_annotation(
            x=max(drawn.reference[0], shown[0]), y=0, yref="paper", text="reference", showarrow=False, xanchor="left",
            yanchor="bottom", xshift=4, font={"size": 11, "color": charts.PALE[theme]},
        )  # fmt: skip


def _band(figure: go.Figure, looks: pd.DataFrame, factor: float, theme: charts.Theme) -> None:
    low, high, expected = (looks[name].astype("float64") * factor for name in ("low", "high", "expected"))
    if low.notna().any():
        charts.interval(figure, looks["at"], low, high, charts.GREY)
        figure.data[-1].name = "expected, 95 %"
    if expected.notna().any():
        figure.add_scatter(
            x=looks["at"], y=expected, mode="lines", line={"color": charts.PALE[theme], "width": 1, "dash": "dot"},
            hoverinfo="skip", showlegend=False,
        )  # fmt: skip


def _looks(figure: go.Figure, looks: pd.DataFrame, factor: float) -> None:
    value = looks["value"].astype("float64") * factor
    if value.isna().all():
        return
    figure.add_scatter(
        x=looks["at"], y=value, mode="lines" if len(looks) > 3 else "lines+markers", name="looks",
        line={"color": WATCHED, "width": 2}, customdata=list(looks["told"]),
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    counted = looks["counts"].eq(True).fillna(False).astype(bool)
    if counted.any():
        figure.add_scatter(
            x=looks["at"][counted], y=value[counted], mode="markers", name="looks that count",
            marker={"color": COUNTED, "size": 7}, customdata=list(looks["told"][counted]),
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip


def _verticals(figure: go.Figure, drawn: Drawn, theme: charts.Theme) -> None:
    if edges := _times(drawn):
        charts.markers(figure, drawn.marks, (edges[0], edges[1]), theme)
    for at in drawn.fired:
        figure.add_vline(x=at, line={"color": COUNTED, "width": 1})
        figure.add_annotation(
            x=at, y=1, yref="paper", text="▼", showarrow=False, yanchor="bottom", font={"size": 10, "color": COUNTED}
        )
    if drawn.change is not None:
        change(figure, drawn.change)


def change(figure: go.Figure, at: pd.Timestamp) -> None:
    """When it changed; its word stands above, as something may have happened at that moment."""
    figure.add_vline(x=at, line={"color": charts.BAD, "width": 1.5})
    figure.add_annotation(
        x=at, y=1, yref="paper", text="change", showarrow=False, yanchor="bottom",
        font={"size": 12, "color": charts.BAD},
    )  # fmt: skip


def _range(drawn: Drawn, factor: float) -> list[float] | None:
    """The looks and their band whole; lone buckets beyond them are cut off, as they would flatten all else."""
    sure = pd.concat([drawn.looks[name].astype("float64") for name in ("value", "low", "high")]).dropna()
    buckets = drawn.points["value"].astype("float64").dropna()
    if sure.empty and buckets.empty:
        return None
    inner = buckets.quantile([0.03, 0.97]) if len(buckets) > 20 else buckets
    if not sure.empty:
        reach = float(sure.max() - sure.min()) * _BEYOND or abs(float(sure.max()))
        inner = inner.clip(float(sure.min()) - reach, float(sure.max()) + reach)
    known = pd.concat([sure, inner, pd.Series([] if drawn.limit is None else [drawn.limit], dtype="float64")])
    low, high = float(known.min()) * factor, float(known.max()) * factor
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    lowest = pd.concat([drawn.looks["value"].astype("float64"), buckets]).min()
    return [low - room if lowest < 0 else max(low - room, 0.0), high + room]


def histogram(title: str, bins: pd.DataFrame, axis: tuple[float, str], subtitle: str, theme: charts.Theme) -> go.Figure:
    """Shares of reference and current values by bin. `bins`: low, high, reference, current (shares, null: 0)."""
    figure = charts.figure(title, subtitle, theme)
    factor, after = axis
    edges = [*bins["low"], bins["high"].iloc[-1]]
    for name, ink in SIDES.items():
        shares = [*bins[name].astype("float64").fillna(0.0), 0.0]
        figure.add_scatter(
            x=[edge * factor for edge in edges], y=[share * 100 for share in shares], mode="lines", name=name,
            line={"color": ink, "width": 2, "shape": "hv"}, fill="tozeroy", fillcolor=_pale(ink),
            hovertemplate=f"{name}: %{{y:.3~r}} % from %{{x:.4~r}}{after}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(showlegend=True, legend=charts.LEGEND, hovermode="closest")
    return figure.update_xaxes(ticksuffix=after).update_yaxes(ticksuffix=" %")


def shares(title: str, rows: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Shares of reference and current by label, what moved most on top. `rows`: label, reference, current."""
    figure, shown = charts.figure(title, subtitle, theme), rows.iloc[::-1].reset_index(drop=True)
    for name, ink in reversed(SIDES.items()):
        figure.add_bar(
            x=shown[name].astype("float64") * 100, y=list(range(len(shown))), orientation="h", name=name,
            marker_color=ink, customdata=[charts.label(one, 60) for one in shown["label"]],
            hovertemplate=f"%{{customdata}}, {name}: %{{x:.3~r}} %<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        barmode="group", showlegend=True, legend=charts.LEGEND | {"traceorder": "reversed"}, hovermode="closest",
        height=max(charts.HEIGHT, 100 + 34 * len(shown)),
    )  # fmt: skip
    figure.update_yaxes(**charts.places(list(shown["label"]), 28))
    return figure.update_xaxes(ticksuffix=" %", rangemode="tozero", showgrid=True)


SIDES = {"reference": charts.GREY, "current": WATCHED}


def _pale(ink: str) -> str:
    red, green, blue = (int(ink[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"


def hover(at: pd.Timestamp, value: str, n: float | None, more: str = "") -> str:
    """`2026-05-01 12:00: 4.1 %, n = 120; expected 2 to 3 %`."""
    count = "" if n is None or fmt.absent(n) else f", n = {n:,.0f}"
    return f"{at:%Y-%m-%d %H:%M}: {fmt.clip(value, 60)}{count}{f'<br>{fmt.clip(more, 120)}' if more else ''}"
