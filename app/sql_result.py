"""An answer in SQL: as a table or a chart, here and on dashboards; its downloads, and the way to a dashboard."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import pyarrow as pa
import streamlit as st

from app import charts_sql, data, data_sql, sql_pin, state, widgets
from app import format as fmt
from app.charts_sql import KINDS, Fitted, Settings
from app.data import Answer

CHART, X, Y, BY = "sql_chart", "sql_x", "sql_y", "sql_by"  # in the URL: how it is drawn
_TABLE_PX, _SMALL_PX = 520, 268  # heights at most: on the page, on a dashboard
TRACE = "trace_id"  # a column of this name leads to traces
_TEXT = 2_000  # letters of a text in a cell
WHOLE = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def result(question: str, answer: Answer, window: state.Window, took: str, at: str) -> None:
    """What came, how it is drawn and can be, and its rows below."""
    frame = answer.frame
    with st.container(horizontal=True, vertical_alignment="center"):
        fitted = charts_sql.fitted(frame, _wanted(frame))
    with st.container(horizontal=True, vertical_alignment="center"):
        if answer.truncated:
            widgets.cut(len(frame), None, "rows; downloads have more")
        st.caption(f"{fmt.plural(len(frame), 'row')} in {took}, asked at {at}. Times are UTC.", width="content")
        st.space("stretch")
        sql_pin.popover(question, fitted.shown)
        _downloads(question, window)
    if fitted.why:
        st.info(fmt.plain(fitted.why, 300), icon=":material/info:")
    draw(frame, fitted, f"{len(frame):,} rows, {window.words}", key="sql-figure")
    if fitted.shown.kind != "table":
        table(frame, _TABLE_PX)


def _wanted(frame: pd.DataFrame) -> Settings:
    """How it is to be drawn, as the URL says; columns of another question count for nothing."""
    kind = st.segmented_control(
        "Show as", KINDS, default=KINDS[0], required=True, key=CHART, bind="query-params",
        format_func=str.capitalize, label_visibility="collapsed",
    )  # fmt: skip
    names = [str(name) for name in frame]
    if kind in {"table", "number"} or not names:
        return Settings(kind)
    slots = st.container(horizontal=True, width="content")
    told: dict[str, Any] = {}
    for key, label, options in (
        (X, "Along the axis", names), (Y, "Values", charts_sql.with_role(frame, "number")), (BY, "Colour by", names),
    ):  # fmt: skip
        with slots:
            told[key] = _column(key, label, options)
    return Settings(kind, told[X], (told[Y],) if told[Y] else (), told[BY])


def _column(key: str, label: str, options: list[str]) -> str | None:
    in_url = st.query_params.get(key)
    value = in_url if in_url in options else None
    if key in st.session_state and st.session_state[key] != value:
        st.session_state[key] = value
    found: str | None = st.selectbox(
        label, options, index=None, key=key, bind="query-params", placeholder=f"{label}: auto", width=150,
        label_visibility="collapsed",
    )  # fmt: skip
    return found


def draw(frame: pd.DataFrame, fitted: Fitted, scope: str, key: str, *, small: bool = False) -> None:
    """One answer as it is fitted: figure, numbers or table."""
    shown = fitted.shown
    if shown.kind == "table":
        table(frame, _SMALL_PX if small else _TABLE_PX)
    elif shown.kind == "number":
        _numbers(frame, shown)
    else:
        figure = charts_sql.figure(frame, shown, scope, widgets.theme())
        said = f"{shown.kind.capitalize()}: {charts_sql.heading(shown)}"
        st.plotly_chart(figure, theme=None, key=key, config={"displayModeBar": False}, alt=fmt.clip(said, 200))


def _numbers(frame: pd.DataFrame, shown: Settings) -> None:
    with st.container(horizontal=True):
        for name in shown.y:
            value = frame[name].iloc[0]
            exact = fmt.UNKNOWN if fmt.absent(value) else f"{value:,}"
            short = fmt.UNKNOWN if fmt.absent(value) else fmt.short(float(value))
            st.metric(fmt.plain(name, 60), short, help=fmt.plain(exact, 60), width="content")


def table(frame: pd.DataFrame, height: int) -> None:
    """Rows as they came: names and texts are no Markdown there."""
    if frame.empty:
        st.caption("No rows." if len(frame.columns) else "No rows and no columns.")
        return
    links = {TRACE: st.column_config.LinkColumn(display_text=r"trace=(\w+)", help="Opens the trace")}
    st.dataframe(
        plainly(frame, data.project()), hide_index=True, height=min(height, 35 * (len(frame) + 1) + 3),
        placeholder="null", alt="Rows of the answer", column_config=links if _leads(frame) else None,
    )  # fmt: skip


def _leads(frame: pd.DataFrame) -> bool:
    """Whether rows lead to their traces: ids alone do, whatever else somebody calls so does not."""
    return TRACE in frame and all(state.trace_id(str(told)) for told in frame[TRACE].dropna())


def plainly(frame: pd.DataFrame, project: str) -> pd.DataFrame:
    """Lists, structs and maps as JSON, long texts cut, times without their zone: what a table in a browser takes.

    Ids of traces become links: into the project that a column `project` names, else into `project`.
    """
    told = {str(name): _shown(frame[name]) for name in frame}
    if _leads(frame):
        names = frame["project"].tolist() if "project" in frame else [project] * len(frame)
        told[TRACE] = pd.Series(list(map(_path, frame[TRACE].tolist(), names)), index=frame.index, dtype=object)
    return frame.assign(**told)


def _path(trace_id: object, project: object) -> str | None:
    if fmt.absent(trace_id):
        return None
    return f"{state.trace_path(str(trace_id))}&{urlencode({state.PROJECT: str(project)})}"


def _shown(column: pd.Series) -> pd.Series:
    kind = charts_sql.arrow_type(column)
    if kind is not None and pa.types.is_timestamp(kind):
        return column.astype("datetime64[us, UTC]").dt.tz_localize(None)
    return _cells(column) if charts_sql.role(column) in {"other", "text"} else column


def _cells(column: pd.Series, most: int | None = _TEXT) -> pd.Series:
    """As text, of at most so many letters; null: all."""
    kind = charts_sql.arrow_type(column)

    def cell(value: Any) -> Any:
        if value is None or value is pd.NA:
            return None
        if isinstance(value, bool):
            return value
        said = _json(value, kind) if kind is not None and pa.types.is_nested(kind) else str(value)
        return said if most is None or len(said) <= most else f"{said[:most]}…"

    return pd.Series([cell(value) for value in column.array], index=column.index, dtype=object)


def _json(value: Any, kind: pa.DataType) -> str:
    told = dict(value) if pa.types.is_map(kind) else value.tolist() if hasattr(value, "tolist") else value
    return json.dumps(told, default=str, ensure_ascii=False)


def _downloads(question: str, window: state.Window) -> None:
    """All rows that the server gives, asked for when somebody clicks."""
    place, since, until = data.place(), window.since, window.until

    def written(form: str) -> bytes:
        frame = data_sql.whole(place, question, since, until).frame
        return as_csv(frame) if form == "csv" else frame.to_parquet(index=False)

    for form, mime in WHOLE.items():
        st.download_button(
            {"csv": "CSV", "parquet": "Parquet"}[form], partial(written, form), f"answer.{form}", mime,
            key=f"sql-{form}", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def as_csv(frame: pd.DataFrame) -> bytes:
    """Every row with its whole values; lists, structs and maps as JSON."""
    kinds = {str(name): charts_sql.arrow_type(frame[name]) for name in frame}
    nested = [name for name, kind in kinds.items() if kind is not None and pa.types.is_nested(kind)]
    return frame.assign(**{name: _cells(frame[name], None) for name in nested}).to_csv(index=False).encode()
