"""Figures of answers in SQL: which fits the types of the columns, and the figure itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa

from app import charts
from app import format as fmt

Kind = Literal["auto", "table", "number", "line", "bar", "scatter", "histogram"]
Role = Literal["time", "number", "text", "other"]
KINDS: tuple[Kind, ...] = ("auto", "table", "number", "line", "bar", "scatter", "histogram")
MOST_GROUPS, MOST_BARS, MOST_POINTS, MOST_NUMBERS = 10, 50, 5_000, 5
_APART = 100  # times, of the largest values of two columns: beyond it one of them would lie flat on the axis
_FEW = 3  # rows, below which two columns of numbers are no cloud
_LETTERS, _WHOLE = 24, 200  # of a name that an axis shows, and that its place is known by


@dataclass(frozen=True, slots=True)
class Settings:
    """How an answer is drawn. What is not said is chosen by the types of the columns."""

    kind: Kind = "auto"
    x: str | None = None
    y: tuple[str, ...] = ()
    by: str | None = None  # a colour for each of its values

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Settings:
        """Of a chart as the API tells it."""
        kind = told.get("kind")
        return cls(kind if kind in KINDS else "auto", told.get("x"), tuple(told.get("y") or ()), told.get("by"))


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is drawn of an answer, with columns that it has; and why it is not what was wanted ('': it is)."""

    shown: Settings
    why: str = ""


def arrow_type(column: pd.Series) -> pa.DataType | None:
    """The type that the answer had; null: the column is no Arrow's."""
    return column.dtype.pyarrow_dtype if isinstance(column.dtype, pd.ArrowDtype) else None


def role(column: pd.Series) -> Role:
    """What a column can be in a figure: by its type, not by its values."""
    kind = arrow_type(column)
    if kind is None:
        return "number" if pd.api.types.is_numeric_dtype(column) else "text"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    return "other" if pa.types.is_nested(kind) or pa.types.is_binary(kind) else "text"


def with_role(frame: pd.DataFrame, *roles: Role) -> list[str]:
    return [str(name) for name in frame if role(frame[name]) in roles]


def fitted(frame: pd.DataFrame, wanted: Settings) -> Fitted:
    """The settings with every column that the kind takes; a table, and why, where the answer cannot be drawn so."""
    kind = _likeliest(frame) if wanted.kind == "auto" else wanted.kind
    if kind == "table":
        return Fitted(Settings("table"))
    if frame.empty:
        return Fitted(Settings("table"), "There are no rows to draw.")
    numbers = with_role(frame, "number")
    if not numbers:
        return Fitted(Settings("table"), f"A {kind} needs a column of numbers, and there is none.")
    known = replace(wanted, kind=kind, x=_known(frame, wanted.x), by=_known(frame, wanted.by))
    known = replace(known, y=tuple(name for name in wanted.y if name in numbers))
    return Fitted(_FITS[kind](frame, known, numbers))


def _known(frame: pd.DataFrame, name: str | None) -> str | None:
    return name if name in frame and role(frame[name]) != "other" else None


def _likeliest(frame: pd.DataFrame) -> Kind:
    times, numbers, texts = (with_role(frame, one) for one in ("time", "number", "text"))
    if frame.empty or not numbers:
        return "table"
    if len(frame) == 1:
        return "number" if len(numbers) <= MOST_NUMBERS and not texts else "table"
    if times:
        return "line" if _in_order(frame[times[0]]) else "table"  # else it is a list, such as of the slowest
    if texts:
        return "bar" if len(frame) <= MOST_BARS else "table"
    if len(numbers) > 1:
        return "scatter" if len(frame) >= _FEW else "table"
    return "histogram" if len(frame) >= MOST_GROUPS else "table"


def _in_order(column: pd.Series) -> bool:
    known = column.dropna()
    return bool(known.is_monotonic_increasing or known.is_monotonic_decreasing)


def _of_number(frame: pd.DataFrame, known: Settings, numbers: Sequence[str]) -> Settings:  # noqa: ARG001 - as the others
    return Settings("number", None, known.y or tuple(numbers[:MOST_NUMBERS]))


def _of_line(frame: pd.DataFrame, known: Settings, numbers: Sequence[str]) -> Settings:
    x = known.x or next(iter([*with_role(frame, "time"), *numbers]), None)
    return _with_values(frame, replace(known, x=x), numbers)


def _of_bar(frame: pd.DataFrame, known: Settings, numbers: Sequence[str]) -> Settings:
    x = known.x or next(iter([*with_role(frame, "text"), *with_role(frame, "time"), *numbers]), None)
    return _with_values(frame, replace(known, x=x), numbers)


def _with_values(frame: pd.DataFrame, known: Settings, numbers: Sequence[str]) -> Settings:
    """With values and, where one place has several rows, the column that tells them apart."""
    texts = [name for name in with_role(frame, "text") if name != known.x]
    by = known.by
    if by is None and known.x is not None and frame[known.x].duplicated().any():
        by = next(iter(texts), None)
    others = [name for name in numbers if name not in {known.x, by}] or list(numbers)
    y = known.y or tuple(others[:1] if by else _alike(frame, others)[:MOST_NUMBERS])
    return replace(known, y=y, by=by)


def _alike(frame: pd.DataFrame, numbers: Sequence[str]) -> list[str]:
    """The first column of numbers, and those that one axis can show beside it."""
    largest = {name: fmt.largest(frame[name].astype("float64").abs()) for name in numbers}
    first = largest[numbers[0]]
    return [name for name in numbers if first / _APART <= largest[name] <= first * _APART]


def _of_scatter(frame: pd.DataFrame, known: Settings, numbers: Sequence[str]) -> Settings:  # noqa: ARG001 - as the others
    x = known.x or numbers[0]
    y = known.y[:1] or tuple([name for name in numbers if name != x][:1]) or (x,)
    return replace(known, x=x, y=y)


def _of_histogram(frame: pd.DataFrame, known: Settings, numbers: Sequence[str]) -> Settings:
    x = known.x if known.x is not None and role(frame[known.x]) in {"number", "time"} else None
    return replace(known, x=x or (known.y or numbers)[0], y=())


_FITS: Mapping[str, Callable[[pd.DataFrame, Settings, Sequence[str]], Settings]] = {
    "number": _of_number, "line": _of_line, "bar": _of_bar, "scatter": _of_scatter, "histogram": _of_histogram,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Series:
    """One curve, or the bars of one colour."""

    name: str
    x: list[Any]
    y: list[float | None]


def heading(shown: Settings) -> str:
    """`usd by day, a colour each model`."""
    values = "Rows" if shown.kind == "histogram" else ", ".join(shown.y)
    return f"{values} by {shown.x}{f', a colour each {shown.by}' if shown.by else ''}"


def figure(frame: pd.DataFrame, shown: Settings, scope: str, theme: charts.Theme) -> go.Figure:
    """An answer as line, bar, scatter or histogram; `shown` names the columns, as `fitted` does.

    `scope`: of the subtitle, such as how many rows it has. What is cut is told there.
    """
    every = _series(frame, shown)
    series = [one for one in every if shown.kind == "histogram" or any(value is not None for value in one.y)]
    kept = series[:MOST_GROUPS]
    told = [scope, *_cut(len(every), len(series)), *_cut_rows(frame, shown)]
    title = charts.label(heading(shown), 80)
    drawn = charts.figure(title, charts.label(", ".join(told), 140), theme)
    for one in kept:
        drawn.add_trace(_TRACES[shown.kind](one, charts.colour(one.name) if len(kept) > 1 else charts.PALETTE[0]))
    if len(kept) > 1:
        drawn.update_layout(showlegend=True, legend=charts.legend(title, [one.name for one in kept], _LETTERS))
    return _axes(drawn, frame, shown)


def _cut(every: int, known: int) -> list[str]:
    """Of colours: those beyond the most, and those of which nothing is known."""
    more = [f"first {MOST_GROUPS} of {known:,} by size"] if known > MOST_GROUPS else []
    return more + ([f"{every - known:,} of {every:,} have no values"] if known < every else [])


def _cut_rows(frame: pd.DataFrame, shown: Settings) -> list[str]:
    most = {"bar": MOST_BARS, "scatter": MOST_POINTS}.get(shown.kind)
    if most is None or len(frame) <= most:
        return []
    return [f"first {most:,} {'bars' if shown.kind == 'bar' else 'rows'}"]


def _series(frame: pd.DataFrame, shown: Settings) -> list[_Series]:
    """One per column of values, or per value of `by`: then those of the greatest sum first."""
    if shown.kind == "histogram":
        return [_Series(str(shown.x), _plain(frame[str(shown.x)]), [])]
    rows = frame.head({"scatter": MOST_POINTS}.get(shown.kind, len(frame)))
    if shown.kind == "line" and shown.x is not None:
        rows = rows.sort_values(shown.x, kind="stable")
    if shown.by is None:
        return [_curve(rows, str(shown.x), name, name) for name in shown.y]
    groups = rows.groupby(rows[shown.by].astype(object).where(rows[shown.by].notna(), fmt.UNKNOWN), sort=False)
    found = [_curve(part, str(shown.x), shown.y[0], str(name)) for name, part in groups]
    return sorted(found, key=lambda one: -sum(abs(value) for value in one.y if value is not None))


def _curve(rows: pd.DataFrame, x: str, y: str, name: str) -> _Series:
    values = rows[y].astype("float64")
    return _Series(name, _plain(rows[x]), [None if fmt.absent(value) else value for value in values])


def _plain(column: pd.Series) -> list[Any]:
    """Values that a figure takes: names are clipped, null is unknown."""
    match role(column):
        case "number":
            return [None if fmt.absent(value) else float(value) for value in column.astype("float64")]
        case "time":
            return [None if fmt.absent(value) else value for value in column.astype(object)]
        case _:
            return [_name(value, _WHOLE) for value in column.astype(object)]


def _name(value: Any, most: int) -> str:
    return charts.label(None if fmt.absent(value) else str(value), most)


def _line(one: _Series, ink: str) -> go.Scatter:
    few = len(one.x) <= 60  # points that stand apart are seen
    return go.Scatter(
        x=one.x, y=one.y, mode="lines+markers" if few else "lines", name=charts.label(one.name, _LETTERS),
        line={"color": ink, "width": 1.8}, marker={"size": 5}, hovertemplate="%{y:.4g}",
    )  # fmt: skip


def _bars(one: _Series, ink: str) -> go.Bar:
    return go.Bar(
        x=one.x[:MOST_BARS], y=one.y[:MOST_BARS], marker={"color": ink},
        name=charts.label(one.name, _LETTERS), hovertemplate="%{x}: %{y:.4g}<extra></extra>",
    )  # fmt: skip


def _points(one: _Series, ink: str) -> go.Scatter:
    return go.Scatter(
        x=one.x, y=one.y, mode="markers", name=charts.label(one.name, _LETTERS),
        marker={"size": 6, "color": ink, "opacity": 0.65}, hovertemplate="%{x}, %{y:.4g}<extra></extra>",
    )  # fmt: skip


def _shape(one: _Series, ink: str) -> go.Histogram:
    return go.Histogram(x=one.x, marker={"color": ink}, nbinsx=40, hovertemplate="%{x}: %{y} rows<extra></extra>")


_TRACES: Mapping[str, Callable[[_Series, str], Any]] = {
    "line": _line, "bar": _bars, "scatter": _points, "histogram": _shape,
}  # fmt: skip


def _axes(drawn: go.Figure, frame: pd.DataFrame, shown: Settings) -> go.Figure:
    """The heading names the axes. Texts stay texts that look like dates."""
    kind = {"time": "date", "number": "linear"}.get(role(frame[str(shown.x)]), "category")
    drawn.update_xaxes(**_ticks(drawn, frame[str(shown.x)]) if kind == "category" else {"type": kind})
    if shown.kind == "bar" and kind == "linear":
        drawn.update_xaxes(type="category")
    if shown.kind == "scatter":
        drawn.update_layout(hovermode="closest").update_yaxes(rangemode="normal")
    if shown.kind == "bar":
        drawn.update_layout(hovermode="closest", barmode="group")
    return drawn.update_layout(height=charts.TALL)


def _ticks(drawn: go.Figure, column: pd.Series) -> dict[str, Any]:
    """An axis of names, which are cut on it alone: two that begin alike stay apart, and hovering tells them whole."""
    names = list(dict.fromkeys(value for trace in drawn.data for value in trace.x))
    some = names[:: -(-len(names) // MOST_BARS) or 1]
    short = {_name(value, _WHOLE): _name(value, _LETTERS) for value in column.astype(object).unique()}
    return {"type": "category", "tickvals": some, "ticktext": [short[name] for name in some]}
