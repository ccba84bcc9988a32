"""Figures from frames: frame in, figure out, no Streamlit. One template, in a light and a dark edition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal
from zlib import crc32

import numpy as np
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
_FEW = (
    3  # calls a bucket; below it quantiles are but the calls themselves, and a line between them tells a false course
)


def calls(series: pd.DataFrame, step: pd.Timedelta, scope: str, theme: Theme) -> go.Figure:
    """Model calls per bucket, stacked: ended well, failed.

    `series` has every bucket (see `filled`), each `step` long, with model_calls_ok and model_calls_failed.
    """
    total = int(series["model_calls_ok"].sum() + series["model_calls_failed"].sum())
    figure = _figure("Model calls", f"n = {fmt.plural(total, 'call')}, {scope}", theme)
    for column, name, ink in (("model_calls_ok", "ended well", GOOD), ("model_calls_failed", "failed", BAD)):
        figure.add_bar(
            x=series["bucket"], y=series[column], name=name, marker_color=ink, customdata=_spans(series, step),
            hovertemplate="%{y:,} calls<br>%{customdata}", **_over_bucket(series, step),
        )  # fmt: skip
    figure.update_layout(barmode="stack", showlegend=bool(series["model_calls_failed"].sum()), legend=_LEGEND)
    return figure.update_xaxes(range=_edges(series, step))


VERDICTS = {"ok": "scored", "not_applicable": "not applicable", "failed": "failed"}


def verdicts(hours: pd.DataFrame, subtitle: str, theme: Theme) -> go.Figure:
    """Verdicts by the hour, stacked by what came of them. `hours`: every hour as `bucket`, and the counts."""
    figure, step = _figure("Verdicts", subtitle, theme), pd.Timedelta(hours=1)
    for (column, name), ink in zip(VERDICTS.items(), (GOOD, GREY, BAD), strict=True):
        figure.add_bar(
            x=hours["bucket"], y=hours[column], name=name, marker_color=ink, customdata=_spans(hours, step),
            hovertemplate="%{y:,} " + name + "<br>%{customdata}<extra></extra>", **_over_bucket(hours, step),
        )  # fmt: skip
    return figure.update_layout(barmode="stack", showlegend=True, legend=_LEGEND).update_xaxes(
        range=_edges(hours, step)
    )


Stack = tuple[str, str, pd.Series]
"""Name, ink, and a value per bucket."""

_TEXTURES = ("", "/", "x", ".", "-", "+")


def textures(inks: Sequence[str]) -> list[str]:
    """A pattern for each: plain, but where an ink came before, since ten inks have to do for any number of names."""
    return [_TEXTURES[min(list(inks[:place]).count(ink), len(_TEXTURES) - 1)] for place, ink in enumerate(inks)]


def costs(buckets: pd.Series, stacks: Sequence[Stack], step: pd.Timedelta, subtitle: str, theme: Theme) -> go.Figure:
    """Cost per bucket in US dollars, stacked; null: nothing known. One trace a stack, in order, a point a bucket."""
    figure, frame = _figure("Cost", subtitle, theme), pd.DataFrame({"bucket": buckets})
    patterns = textures([ink for _, ink, _ in stacks])
    for (name, ink, values), pattern in zip(stacks, patterns, strict=True):
        safe = fmt.clip(name, 32).replace("&", "&amp;").replace("<", "&lt;")
        told = [[safe, span, fmt.money(value)] for span, value in zip(_spans(frame, step), values, strict=True)]
        figure.add_bar(
            x=buckets, y=values, name=safe, customdata=told,
            marker={"color": ink, "pattern": _PATTERN[theme] | {"shape": pattern}},
            hovertemplate="%{customdata[0]}: %{customdata[2]}<br>%{customdata[1]}<extra></extra>",
            **_over_bucket(frame, step),
        )  # fmt: skip
    figure.update_layout(barmode="stack", showlegend=len(stacks) > 1, hovermode="closest", height=COST_HEIGHT)
    figure.update_layout(legend={"x": 1.01, "y": 1, "yanchor": "top", "traceorder": "normal", "font": {"size": 12}})
    return figure.update_yaxes(tickprefix="$").update_xaxes(range=_edges(frame, step))


COST_HEIGHT = 300
_PATTERN = {
    theme: {"fillmode": "overlay", "fgcolor": ground, "size": 5}
    for theme, ground in (("light", "#ffffff"), ("dark", "#12161c"))
}


def latency(series: pd.DataFrame, step: pd.Timedelta, scope: str, theme: Theme) -> go.Figure:
    """Duration of model calls per bucket, median and 95th percentile, in seconds; points alone if calls are few.

    `series` has every bucket, each `step` long, with calls, p50_ns and p95_ns; null quantiles leave a gap.
    """
    n = int(series["calls"].sum())
    figure = _figure("Model call duration, median to p95", f"n = {fmt.plural(n, 'call')} ended well, {scope}", theme)
    middle, few = series["bucket"] + step / 2, series["calls"][series["calls"] > 0].median() < _FEW
    p50, p95 = (series[name].astype("float64") / 1e9 for name in ("p50_ns", "p95_ns"))
    if few:
        _stems(figure, middle, p50, p95)
    else:
        _band(figure, middle, p50, p95)
    for y, name, ink, mark in ((p95, "p95", PALETTE[1], "circle-open"), (p50, "median", PALETTE[0], "circle")):
        figure.add_scatter(
            x=series["bucket"], y=y, name=name, mode="markers" if few else "lines+markers",
            marker={"size": 8 if few and name == "p95" else 5, "symbol": mark if few else "circle"},
            line={"color": ink, "width": 2}, hovertemplate="%{customdata[0]}<br>%{customdata[1]}",
            customdata=list(zip(map(fmt.duration, y * 1e9), _spans(series, step), strict=True)),
            **_over_bucket(series, step),
        )  # fmt: skip
    _label_ends(figure, middle, ((p95, "p95", PALETTE[1]), (p50, "median", PALETTE[0])))
    return figure.update_yaxes(ticksuffix=" s").update_xaxes(range=_edges(series, step))


def quantiles(
    series: pd.DataFrame, marks: Sequence[tuple[pd.Timestamp, str]], step: pd.Timedelta, subtitle: str, theme: Theme
) -> go.Figure:
    """Median and 95th percentile of a duration per bucket, in seconds, in the bands of their intervals.

    `series` has every bucket, each `step` long, with n, p50, p95 and their bounds (_low, _high) in nanoseconds; null
    quantiles leave a gap, and null bounds one in the band. `marks`: moments on the axis with a word on each.
    """
    figure, middle = _figure("Duration of calls, median and p95", subtitle, theme), series["bucket"] + step / 2
    few = series["n"][series["n"] > 0].median() < _FEW
    for name, said, ink in _LINES:
        y, low, high = (series[f"{name}{end}"].astype("float64") / 1e9 for end in ("", "_low", "_high"))
        _interval(figure, middle, low, high, ink)
        figure.add_scatter(
            x=series["bucket"], y=y, name=said, mode="markers" if few else "lines+markers", marker={"size": 6},
            line={"color": ink, "width": 2}, hovertemplate="%{customdata[0]}<br>%{customdata[1]}",
            customdata=list(zip(map(_told, y, low, high, series["n"]), _spans(series, step), strict=True)),
            **_over_bucket(series, step),
        )  # fmt: skip
    for at, label in marks:
        figure.add_vline(x=at, line={"color": PALE[theme], "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=at, y=1, yref="paper", text=fmt.clip(label, 24).replace("<", "&lt;"), showarrow=False, textangle=-90,
            xanchor="left", yanchor="top", font={"size": 11, "color": PALE[theme]},
        )  # fmt: skip
    figure.update_layout(height=COST_HEIGHT)
    _logarithmic(figure, series, middle)
    return figure.update_xaxes(range=_edges(series, step))


_LINES = (("p95", "p95", PALETTE[1]), ("p50", "median", PALETTE[0]))
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
    if len(ticks) < _FEW:  # a decade or two: 1, 2 and 5 of each
        places = [factor * 10.0**power for power in range(-9, 8) for factor in (1, 2, 5)]
        ticks = {at: fmt.duration(at * 1e9) for at in places if low <= np.log10(at) <= high}
    figure.update_yaxes(type="log", range=[low, high], tickvals=list(ticks), ticktext=list(ticks.values()))
    last = [(np.log10(line.dropna().iloc[-1]), line.dropna().index[-1]) for line in (shown["p95"], shown["p50"])]
    apart = (last[0][0] - last[1][0]) / (high - low) * (COST_HEIGHT - 100)
    push = max(0.0, (_LINE_HEIGHT - apart) / 2)
    for (_, said, ink), (at, place), shift in zip(_LINES, last, (push, -push), strict=True):
        figure.add_annotation(
            x=x[place], y=at, text=said, showarrow=False, xanchor="left", xshift=7, yshift=shift,
            font={"color": ink, "size": 12},
        )  # fmt: skip


def _told(value: float, low: float, high: float, n: float) -> str:
    """`1.2 s (1.1 s to 1.4 s), n = 120`; seconds."""
    sides = [fmt.duration(side * 1e9) for side in (low, high)]
    return f"{fmt.duration(value * 1e9)} (95 %: {' to '.join(sides)}), n = {n:,.0f}"


def _interval(figure: go.Figure, x: pd.Series, low: pd.Series, high: pd.Series, ink: str) -> None:
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


def heat(
    cells: pd.DataFrame, step: pd.Timedelta, edges: Sequence[pd.Timestamp], subtitle: str, theme: Theme
) -> go.Figure:
    """Calls by start and duration: one column per bucket, a logarithmic bin per row; the darker (or lighter), the more.

    `cells`: bucket, bin (eight a power of ten of nanoseconds), calls. `edges`: first and last moment of the axis.
    """
    figure = _figure("Calls by start and duration", subtitle, theme)
    table = cells.pivot_table(index="bin", columns="bucket", values="calls", aggfunc="sum")
    rows, first, last = range(table.index[0] - 1, table.index[-1] + 2), cells["bucket"].min(), cells["bucket"].max()
    # A whole grid, one cell wider all around: cells reach half-way to the next, and a lone one would have no size.
    every = pd.date_range(first - step, last + step, freq=step).union(pd.DatetimeIndex(table.columns))
    table = table.reindex(index=rows, columns=every).astype("float64")
    said = pd.DataFrame("", index=table.index, columns=table.columns)
    for row, at, calls, span in zip(cells["bin"], cells["bucket"], cells["calls"], _spans(cells, step), strict=True):
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
    figure.update_layout(height=COST_HEIGHT, hovermode="closest")
    figure.update_xaxes(range=list(edges))
    return figure.update_yaxes(tickvals=list(ticks), ticktext=list(ticks.values()), range=shown, showgrid=False)


HEAT = {
    "light": [[0, "#dbe6f2"], [0.5, "#7ba0c9"], [1, "#1f4f86"]],
    "dark": [[0, "#22344a"], [0.5, "#4a7cb0"], [1, "#c3dbf5"]],
}


def parts(shares: pd.DataFrame, subtitle: str, theme: Theme) -> go.Figure:
    """Where time goes: a bar per kind with its interval, in percent; the largest on top.

    `shares`: name, share, low, high (0 to 1; null bounds: none), traces.
    """
    figure, rows = _figure("Where the time of traces goes", subtitle, theme), shares.iloc[::-1]
    value, low, high = (rows[name].astype("float64") * 100 for name in ("share", "low", "high"))
    figure.add_bar(
        x=value, y=rows["name"], orientation="h", marker_color=PALETTE[0],
        error_x={"type": "data", "array": high - value, "arrayminus": value - low,
                 "symmetric": False, "color": INK[theme], "thickness": 1, "width": 4},
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


def deviations(rows: pd.DataFrame, subtitle: str, theme: Theme) -> go.Figure:
    """How far reports are off: a point per model with its interval around nothing, in percent; the first row on top.

    `rows`: value (model; null: unknown), deviation with _low and _high (shares; null bounds: none), compared (calls).
    """
    figure, shown = _figure("Reported against computed cost", subtitle, theme), rows.iloc[::-1]
    value, low, high = (shown[f"deviation{end}"].astype("float64") * 100 for end in ("", "_low", "_high"))
    names = [_label(name) for name in shown["value"]]
    inks = [colour(None if fmt.absent(name) else name) for name in shown["value"]]
    figure.add_vline(x=0, line={"color": PALE[theme], "width": 1})
    figure.add_scatter(
        x=value, y=names, mode="markers", marker={"size": 9, "color": inks},
        error_x={"type": "data", "array": high - value, "arrayminus": value - low, "symmetric": False,
                 "color": INK[theme], "thickness": 1, "width": 4},
        customdata=list(zip(map(_percent, value), map(_percent, low), map(_percent, high), shown["compared"],
                            strict=True)),
        hovertemplate="%{y}: %{customdata[0]} (95 %: %{customdata[1]} to %{customdata[2]})<br>"
        "n = %{customdata[3]:,} calls<extra></extra>",
    )  # fmt: skip
    for name, at, reach in zip(names, value, high.fillna(value), strict=True):
        figure.add_annotation(
            x=reach, y=name, text=_percent(at), showarrow=False, xanchor="left", xshift=8, font={"size": 12}
        )
    figure.update_layout(hovermode="closest", height=max(160, 96 + 28 * len(rows)))
    figure.update_xaxes(ticksuffix=" %", showgrid=True, range=_around(low.fillna(value), high.fillna(value)))
    return figure.update_yaxes(rangemode="normal", type="category", range=[-0.6, len(rows) - 0.4])


def _around(low: pd.Series, high: pd.Series) -> list[float]:
    """An axis that holds 0, all intervals and room for a word; a percent wide at least, so that noise looks small."""
    first, last = min(0.0, float(low.min())), max(0.0, float(high.max()))
    reach = max(last - first, 1.0)
    return [first - 0.06 * reach, last + 0.18 * reach]


def _percent(value: float) -> str:
    return fmt.UNKNOWN if fmt.absent(value) else f"{'+' if value > 0 else ''}{fmt.digits(value)} %"


def _label(name: str | None) -> str:
    """A name beside an axis: no markup, no longer than fits."""
    return (
        fmt.clip(fmt.UNKNOWN if name is None or fmt.absent(name) else name, 32)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
    )


def amounts(rows: pd.DataFrame, title: str, subtitle: str, theme: Theme) -> go.Figure:
    """A bar per amount of US dollars, the first on top: `name`, `usd` (null: unknown, no bar), `ink`."""
    figure, shown = _figure(title, subtitle, theme), rows.iloc[::-1]
    usd = shown["usd"].astype("float64")
    figure.add_bar(
        x=usd, y=shown["name"], orientation="h", marker_color=list(shown["ink"]),
        customdata=list(map(fmt.money, usd)), hovertemplate="%{y}: %{customdata}<extra></extra>",
    )  # fmt: skip
    for name, value in zip(shown["name"], usd, strict=True):
        figure.add_annotation(
            x=0 if fmt.absent(value) else value, y=name, text=fmt.money(value), showarrow=False, xanchor="left",
            xshift=6, font={"size": 12},
        )  # fmt: skip
    figure.update_layout(hovermode="closest", bargap=0.4, height=max(150, 90 + 30 * len(rows)))
    most = usd.max()
    top = 1.0 if fmt.absent(most) or not most else float(most)
    figure.update_xaxes(tickprefix="$", showgrid=True, range=[0, 1.15 * top])
    return figure.update_yaxes(rangemode="normal")


def invoiced(rows: pd.DataFrame, subtitle: str, theme: Theme) -> go.Figure:
    """Invoiced and computed cost beside one another, per period: `period` (text), `invoiced_usd`, `computed_usd`."""
    figure = _figure("Invoiced and computed", subtitle, theme)
    for side, ink in (("invoiced", PALETTE[1]), ("computed", PALETTE[0])):
        usd = rows[f"{side}_usd"].astype("float64")
        figure.add_bar(
            x=rows["period"],
            y=usd,
            name=side,
            marker_color=ink,
            customdata=list(map(fmt.money, usd)),
            hovertemplate=f"{side} %{{customdata}}<extra></extra>",
        )
    gap = max(0.2, 1 - 0.1 * len(rows))  # a lone period is no wall
    figure.update_layout(barmode="group", bargap=gap, showlegend=True, legend=_LEGEND, height=COST_HEIGHT)
    return figure.update_yaxes(tickprefix="$").update_xaxes(type="category", nticks=12)


def thresholds(rows: pd.DataFrame, chosen: float, subtitle: str, theme: Theme) -> go.Figure:
    """Share of calls that are near repeats, and share of these with another answer, against the similarity asked for.

    `rows`: threshold, hits, judged, and share and false, each with _value, _low, _high (0 to 1; null: unknown).
    `chosen`: marked by a vertical.
    """
    figure = _figure("Near repeats and their risk", subtitle, theme)
    x = rows["threshold"].astype("float64") * 100
    lines = (("share", "near repeats, of calls", GOOD, "hits"), ("false", "other answers, of these", BAD, "judged"))
    for name, said, ink, n in lines:
        y, low, high = (rows[f"{name}_{end}"].astype("float64") * 100 for end in ("value", "low", "high"))
        _interval(figure, x, low, high, ink)
        figure.add_scatter(
            x=x, y=y, name=said, mode="lines+markers", line={"color": ink, "width": 2}, marker={"size": 6},
            customdata=list(zip(map(fmt.percent, y / 100), map(fmt.percent, low / 100), map(fmt.percent, high / 100),
                                rows[n], strict=True)),
            hovertemplate=said + ": %{customdata[0]} (95 %: %{customdata[1]} to %{customdata[2]}), "
            "n = %{customdata[3]:,}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=chosen * 100, line={"color": PALE[theme], "width": 1, "dash": "dot"})
    figure.update_layout(height=COST_HEIGHT, showlegend=True, legend=_LEGEND)
    for trace in figure.data:
        trace.showlegend = trace.name != "95 % interval"
    figure.update_xaxes(title="similarity at least", ticksuffix=" %", range=[69, 101])
    return figure.update_yaxes(ticksuffix=" %", range=[-2, 104])


def savings(money: Mapping[str, Mapping[str, float | None]], subtitle: str, theme: Theme) -> go.Figure:
    """A bar per way to save with its interval, US dollars; the first on top. Below 0: it would have cost more."""
    figure, names = _figure("What each would have saved", subtitle, theme), list(money)[::-1]
    rows = pd.DataFrame([money[name] for name in names]).astype("float64")
    ends = {"array": rows["high"] - rows["value"], "arrayminus": rows["value"] - rows["low"]}
    figure.add_bar(
        x=rows["value"], y=names, orientation="h",
        marker_color=[GOOD if value >= 0 else BAD for value in rows["value"]],
        error_x={"type": "data", "symmetric": False, "color": INK[theme], "thickness": 1, "width": 4, **ends},
        customdata=[[f"{usd:,.6f}" for usd in row] for row in rows[["value", "low", "high"]].to_numpy()],
        hovertemplate="%{y}: $%{customdata[0]} (95 %: $%{customdata[1]} to $%{customdata[2]})<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest", bargap=0.45, height=COST_HEIGHT)
    return figure.update_xaxes(tickformat="$,~g", showgrid=True, rangemode="tozero").update_yaxes(rangemode="normal")


def pareto(points: pd.DataFrame, score: str, subtitle: str, theme: Theme) -> go.Figure:
    """Cost of 1,000 calls against mean score; the line joins what nothing beats.

    `points`: name, kind (was, single, mixed), usd, value, low, high (null bounds: none), front.
    """
    safe = fmt.clip(score, 40).replace("<", "&lt;")
    figure = _figure(f"Cost against {safe}", subtitle, theme)
    front = points[points["front"]].sort_values("usd")
    figure.add_scatter(
        x=front["usd"], y=front["value"], mode="lines", line={"color": PALE[theme], "width": 1, "shape": "hv"},
        hoverinfo="skip", name="front",
    )  # fmt: skip
    for kind, size in (("mixed", 6), ("single", 10), ("was", 12)):
        rows = points[points["kind"] == kind]
        inks = [
            INK[theme] if kind == "was" else GREY if kind == "mixed" else colour(name.removeprefix("all "))
            for name in rows["name"]
        ]
        high, low = (rows[end].astype("float64") for end in ("high", "low"))
        value = rows["value"].astype("float64")
        figure.add_scatter(
            x=rows["usd"], y=value, mode="markers", name=kind,
            marker={"size": size, "color": inks, "symbol": "diamond" if kind == "was" else "circle",
                    "opacity": 0.5 if kind == "mixed" else 1},
            error_y={"type": "data", "symmetric": False, "array": high - value, "arrayminus": value - low,
                     "color": GREY, "thickness": 0.5 if kind == "mixed" else 1, "width": 0},
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
    figure.update_layout(height=COST_HEIGHT + 40, hovermode="closest", margin={"r": 100})
    figure.update_xaxes(tickprefix="$", title="cost of 1,000 calls", showgrid=True, rangemode="tozero")
    return figure.update_yaxes(title=f"mean {safe}", rangemode="normal")


def monthly(months: pd.DataFrame, unit: str, subtitle: str, theme: Theme) -> go.Figure:
    """Emissions by month: a bar from the least to the most. `months`: month (text), low, high, both of `unit`."""
    figure = _figure("Emissions by month", subtitle, theme)
    names = months["month"].astype(str).str[:7]
    low, high = months["low"].astype("float64"), months["high"].astype("float64")
    figure.add_bar(
        x=names, y=high - low, base=low, marker_color=PALETTE[2], width=0.4 if len(names) > 1 else 0.2,
        customdata=[[f"{a:.4g}", f"{b:.4g}"] for a, b in zip(low, high, strict=True)],
        hovertemplate="%{x}: %{customdata[0]} to %{customdata[1]} " + unit + "<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=COST_HEIGHT, hovermode="closest")
    return figure.update_yaxes(ticksuffix=f" {unit}").update_xaxes(type="category")


_DECADES = 1.7  # of a logarithmic axis; beyond them only powers of ten are named


def reaches(rows: pd.DataFrame, title: str, subtitle: str, theme: Theme) -> go.Figure:
    """A bar per model from its least to its most, on a logarithmic axis; the first on top. `rows`: model, low, high."""
    figure, shown = _figure(title, subtitle, theme), rows.iloc[::-1]
    low, high = shown["low"].astype("float64"), shown["high"].astype("float64")
    names = [fmt.clip(name, 32).replace("<", "&lt;") for name in shown["model"]]
    figure.add_bar(
        x=high - low, base=low, y=names, orientation="h", marker_color=[colour(name) for name in shown["model"]],
        customdata=[[f"{a:.4g}", f"{b:.4g}"] for a, b in zip(low, high, strict=True)],
        hovertemplate="%{y}: %{customdata[0]} to %{customdata[1]} Wh<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=max(COST_HEIGHT, 110 + 26 * len(rows)), hovermode="closest", bargap=0.45)
    edges = [float(np.log10(low.min())) - 0.15, float(np.log10(high.max())) + 0.15]
    steps = (1,) if edges[1] - edges[0] > _DECADES else (1, 2, 5)
    ticks = [step * 10.0**power for power in range(-9, 9) for step in steps]
    shown_ticks = [at for at in ticks if edges[0] <= np.log10(at) <= edges[1]]
    figure.update_xaxes(type="log", range=edges, showgrid=True, tickvals=shown_ticks,
                        ticktext=[f"{fmt.digits(at)} Wh" for at in shown_ticks])  # fmt: skip
    return figure.update_yaxes(rangemode="normal")


def whiskers(rows: pd.DataFrame, title: str, subtitle: str, theme: Theme) -> go.Figure:
    """A point per row with its interval, in US dollars; the first on top.

    `rows`: name, value, low, high (null bounds: none), told (the hover). Points, not bars: what counts is how far
    they are apart.
    """
    figure, shown = _figure(title, subtitle, theme), rows.iloc[::-1]
    value, low, high = (shown[name].astype("float64") for name in ("value", "low", "high"))
    names = [fmt.clip(name, 40).replace("&", "&amp;").replace("<", "&lt;") for name in shown["name"]]
    figure.add_scatter(
        x=value, y=list(range(len(names))), mode="markers", customdata=list(shown["told"]),
        marker={"size": 9, "color": [colour(name) for name in shown["name"]]},
        error_x={"type": "data", "array": high - value, "arrayminus": value - low,
                 "symmetric": False, "color": PALE[theme], "thickness": 1.5, "width": 5},
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


def quality(rows: pd.DataFrame, subtitle: str, theme: Theme) -> go.Figure:
    """Published figures of one evaluator, all shares of 1: a point with its interval, a diamond for the naive rule.

    `rows`: name, of (which data), value, low, high (null: no interval), naive_value (null: none), told (the hover); the
    first on top.
    """
    figure, shown = _figure("Quality", subtitle, theme), rows.iloc[::-1]
    value, low, high, naive = (shown[name].astype("float64") for name in ("value", "low", "high", "naive_value"))
    places = list(range(len(shown)))
    figure.add_scatter(
        x=naive, y=places, mode="markers", name="naive rule", hoverinfo="skip",
        marker={"size": 9, "symbol": "diamond-open", "color": PALE[theme], "line": {"width": 1.5}},
    )  # fmt: skip
    figure.add_scatter(
        x=value, y=places, mode="markers", name="evaluator", customdata=list(shown["told"]),
        marker={"size": 9, "color": PALETTE[0]},
        error_x={"type": "data", "array": (high - value).fillna(0), "arrayminus": (value - low).fillna(0),
                 "symmetric": False, "color": PALETTE[0], "thickness": 1.5, "width": 5},
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    pairs = (f"{fmt.clip(name, 30)}\n{fmt.clip(of, 30)}" for name, of in zip(shown["name"], shown["of"], strict=True))
    names = [pair.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>") for pair in pairs]
    figure.update_layout(hovermode="closest", height=max(150, 90 + 40 * len(names)))
    figure.update_yaxes(
        tickvals=places, ticktext=names, range=[-0.6, len(names) - 0.4], rangemode="normal", ticklabelstandoff=8
    )
    return figure.update_xaxes(range=[0, 1.02], showgrid=True)


def month(days: pd.DataFrame, budget_usd: float, subtitle: str, theme: Theme) -> go.Figure:
    """Spend cumulated over a calendar month, its forecast with the 95 % band, and the budget as a line.

    `days`: day, usd, low, high, over (known, else forecast); from the first of the month on.
    """
    figure, known, ahead = _figure("Spend of the month", subtitle, theme), days[days["over"]], days[~days["over"]]
    joined = pd.concat([known.tail(1), ahead])
    x = pd.to_datetime(joined["day"])
    if len(ahead):
        low, high = (joined[end].reset_index(drop=True) for end in ("low", "high"))
        _interval(figure, x.reset_index(drop=True), low, high, PALETTE[0])
    for part, dash, said in ((joined, "dot", "forecast"), (known, "solid", "spent")):
        told = [
            f"{said} by the end of {day}: {fmt.money(usd)}" for day, usd in zip(part["day"], part["usd"], strict=True)
        ]
        figure.add_scatter(
            x=pd.to_datetime(part["day"]), y=part["usd"], mode="lines" if len(part) > 1 else "markers", customdata=told,
            line={"color": PALETTE[0], "width": 2, "dash": dash}, hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=budget_usd, line={"color": BAD, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=0, xref="paper", xanchor="left", y=budget_usd, yanchor="bottom", showarrow=False,
        text=f"budget {fmt.money(budget_usd)}", font={"color": BAD, "size": 12},
    )  # fmt: skip
    figure.update_layout(height=COST_HEIGHT, hovermode="closest")
    top = max(float(days["high"].max()), budget_usd) * 1.1
    return figure.update_yaxes(tickprefix="$", range=[0, top]).update_xaxes(tickformat="%-d %b")


def hardware(rows: pd.DataFrame, cost: str, theme: Theme) -> go.Figure:
    """Cost against latency: of each row a line from median to p95 at its cost, with the interval of the cost.

    `rows`: name, p50 and p95 (nanoseconds; null: no call ended well), value, low, high (US dollars; null bounds: none),
    told (the hover). `cost`: what the axis says. Below and left is better.
    """
    figure = _figure(f"{cost} against latency", "line: median (full) to p95 (open); whiskers: 95 %", theme)
    axis = _cost_axis(rows["value"], rows["low"])
    for row, pattern in zip(rows.to_dict("records"), range(len(rows)), strict=True):
        ink = PALETTE[pattern % len(PALETTE)]
        reach = {} if fmt.absent(row["low"]) else {"error_y": {
            "type": "data", "array": [row["high"] - row["value"], 0], "arrayminus": [row["value"] - row["low"], 0],
            "symmetric": False, "color": ink, "thickness": 1.5, "width": 4,
        }}  # fmt: skip
        figure.add_scatter(
            x=[row["p50"] / 1e9, row["p95"] / 1e9], y=[row["value"]] * 2, mode="lines+markers", **reach,
            line={"color": ink, "width": 2}, marker={"size": 9, "symbol": ["circle", "circle-open"], "color": ink},
            customdata=[row["told"]] * 2, hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
        figure.add_annotation(
            x=row["p95"] / 1e9, y=np.log10(row["value"]) if "type" in axis else row["value"], showarrow=False,
            text=fmt.clip(row["name"], 44).replace("<", "&lt;"),
            xanchor="left", xshift=9, font={"color": ink, "size": 12},
        )  # fmt: skip
    figure.update_layout(hovermode="closest", height=COST_HEIGHT, margin={"r": 260})
    figure.update_yaxes(tickprefix="$", **axis)
    return figure.update_xaxes(ticksuffix=" s", rangemode="tozero", showgrid=True)


def _cost_axis(values: pd.Series, lows: pd.Series) -> dict[str, object]:
    """From 0; logarithmic where the cheapest would lie on the axis."""
    known = values[values > 0].astype("float64")
    if known.empty or known.max() < _APART * known.min():
        return {"rangemode": "tozero"}
    least = min(known.min(), lows[lows > 0].astype("float64").min(skipna=True)) if (lows > 0).any() else known.min()
    return {"type": "log", "range": [np.log10(least / 2), np.log10(known.max() * 3)], "dtick": 1}


_APART = 20  # times the cheapest


def _over_bucket(series: pd.DataFrame, step: pd.Timedelta) -> dict[str, object]:
    """Marks stand over the middle of their bucket, bars as wide as it, while hovers and clicks name its start."""
    return {"xperiod": _ms(step), "xperiod0": series["bucket"].iloc[0], "xperiodalignment": "middle"}


def _spans(series: pd.DataFrame, step: pd.Timedelta) -> list[str]:
    """`2026-05-01 12:00 to 18:00` of each bucket, for hovers: where points can be selected, Streamlit tells no x."""
    stops = series["bucket"] + step
    form = "%H:%M" if step < pd.Timedelta(days=1) else "%Y-%m-%d %H:%M"
    return [f"{at:%Y-%m-%d %H:%M} to {to:{form}}" for at, to in zip(series["bucket"], stops, strict=True)]


def _ms(step: pd.Timedelta) -> float:
    return step / pd.Timedelta(milliseconds=1)


def _edges(series: pd.DataFrame, step: pd.Timedelta) -> list[pd.Timestamp]:
    """Whole buckets, the first and last ones too, so that figures side by side have one axis."""
    return [series["bucket"].iloc[0], series["bucket"].iloc[-1] + step]


def _stems(figure: go.Figure, x: pd.Series, low: pd.Series, high: pd.Series) -> None:
    """A thin vertical from median to p95 of each bucket."""
    gap = pd.Series([None] * len(x), dtype="float64")
    figure.add_scatter(
        x=x.repeat(3), y=pd.concat([low, high, gap]).sort_index(kind="stable"), mode="lines", hoverinfo="skip",
        line={"color": GREY, "width": 1}, name="median to p95",
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


_LEGEND = {
    "orientation": "h",
    "x": 1,
    "xanchor": "right",
    "yref": "container",
    "y": 0.945,
    "yanchor": "top",
    "font": {"size": 12},
}


def _figure(title: str, subtitle: str, theme: Theme) -> go.Figure:
    figure = go.Figure()
    heading = {"text": title, "subtitle": {"text": subtitle, "font": {"color": PALE[theme], "size": 12}}}
    return figure.update_layout(template=f"assayline_{theme}", title=heading, height=HEIGHT)


def _label_ends(figure: go.Figure, x: pd.Series, lines: Sequence[tuple[pd.Series, str, str]]) -> None:
    """Names beside the last point of both lines, the upper first; pushed apart, and off the axis, where they touch."""
    ends = [y.dropna() for y, _, _ in lines]
    if any(known.empty for known in ends):
        return
    top = max(float(known.max()) for known in ends) or 1.0
    high, low = (float(known.iloc[-1]) / top * _PLOT_HEIGHT for known in ends)
    below = max(_LINE_HEIGHT / 2, low - max(0.0, _LINE_HEIGHT - high + low) / 2)
    for (_, name, ink), known, shift in zip(
        lines, ends, (max(high, below + _LINE_HEIGHT) - high, below - low), strict=True
    ):
        figure.add_annotation(
            x=x[known.index[-1]], y=known.iloc[-1], text=name, showarrow=False, xanchor="left", xshift=7, yshift=shift,
            font={"color": ink, "size": 12},
        )  # fmt: skip


_PLOT_HEIGHT, _LINE_HEIGHT = 120, 14  # pixels: of the axis within HEIGHT, of a label
