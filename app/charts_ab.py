"""Figures of live A/B tests: frame in, figure out, no Streamlit."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt

Scale = tuple[float, str, str]
"""What values are multiplied by, how an axis writes them (a format of d3; empty: Plotly's), and what stands after."""


def difference(
    series: pd.DataFrame, pair: tuple[str, str], scale: Scale, subtitle: str, theme: charts.Theme
) -> go.Figure:
    """The difference to the control as known at the end of each day, in the band that holds at all looks.

    `series`: day, difference, low, high (null: too few units), told (the hover). `pair`: variant and control.
    """
    variant, control = (charts.label(name, 40) for name in pair)
    figure = charts.figure(f"{variant} less {control}, cumulated by day", subtitle, theme)
    factor, form, after = scale
    x = pd.Series(pd.to_datetime(series["day"]))
    value, low, high = (series[name].astype("float64") * factor for name in ("difference", "low", "high"))
    ink = charts.colour(pair[0])
    figure.add_hline(y=0, line={"color": charts.PALE[theme], "width": 1})
    charts.interval(figure, x, low, high, ink)
    figure.add_scatter(
        x=x, y=value, mode="lines+markers", line={"color": ink, "width": 2}, marker={"size": 5}, name=variant,
        customdata=list(series["told"]), hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=charts.TALL, hovermode="closest")
    shown = _range(value, low, high)
    figure.update_yaxes(rangemode="normal", tickformat=form, ticksuffix=after, range=shown)
    last = value.dropna()
    if not last.empty:
        figure.add_annotation(
            x=x[last.index[-1]], y=min(max(last.iloc[-1], shown[0]), shown[1]), text=variant, showarrow=False,
            xanchor="left", xshift=8, font={"color": ink, "size": 12},
        )  # fmt: skip
    return figure.update_xaxes(nticks=8, tickformat="%b %d", range=[x.iloc[0] - _DAY / 2, x.iloc[-1] + _DAY / 2])


_DAY = pd.Timedelta(days=1)
_WIDEST = 6.0  # times the band of the last day: what the first days' bands reach beyond is cut off, not squeezed in


def _range(value: pd.Series, low: pd.Series, high: pd.Series) -> list[float]:
    """An axis that holds 0 and the last band, and of the first days as much as leaves the last one legible."""
    known = pd.concat([value, low, high]).dropna()
    if known.empty:
        return [-1.0, 1.0]
    first, last = min(0.0, float(known.min())), max(0.0, float(known.max()))
    ends = high.dropna()
    if not ends.empty:
        at = ends.index[-1]
        reach, middle = max(float(high[at] - low[at]), abs(float(value[at]))), float(value[at])
        first, last = (
            max(first, min(0.0, middle) - _WIDEST * reach / 2),
            min(last, max(0.0, middle) + _WIDEST * reach / 2),
        )
    room = 0.06 * (last - first or 1.0)
    return [first - room, last + room]


def told(day: str, value: str, interval: str, units: int) -> str:
    """The hover of a day."""
    return f"{day}: {fmt.clip(value, 60)} ({fmt.clip(interval, 80)})<br>n = {fmt.plural(units, 'unit')}"
