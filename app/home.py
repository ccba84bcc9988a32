"""The parts of the Home page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, cast

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import charts, charts_home, data, data_home, listing, marks, snippets, state, tree, watch, widgets
from app import format as fmt
from app.listing import Cell, Column

LIVE = "live"  # key of the switch that refreshes the page


def switches() -> None:
    """What the title row holds beside the time range."""
    st.toggle("Refresh every 10 s", value=True, key=LIVE, bind="query-params")


def outline() -> DeltaGenerator:
    """Sentence, tiles and figures in outline when the page opens; later the old ones stay until new ones are there."""
    place = st.empty()
    if widgets.opens("Home"):
        with place.container():
            st.skeleton(64)
            for height, number in ((174, 5), (charts.HEIGHT, 2)):
                for slot in st.columns(number):
                    slot.skeleton(height)
    return place


@dataclass(frozen=True, slots=True)
class _Told:
    """All that the server says of a window, asked for before anything is drawn."""

    newest: pd.Series
    now: pd.Series
    before: pd.Series
    latency: pd.Series
    buckets: pd.DataFrame
    timed: pd.DataFrame


def totals(window: state.Window, waiting: DeltaGenerator) -> None:
    """The sentence, the tiles and the two figures; `waiting` stood in their place and is cleared."""
    told = _ask(window)
    waiting.empty()
    st.markdown(finding(window, told.now, told.before, told.latency))
    _known(told.newest)
    if not told.now["traces"]:
        _nothing_here(window, told.newest)
        return
    _tiles(told)
    _figures(window, told.buckets, told.timed)


def _ask(window: state.Window) -> _Told:
    """Days begin at the viewer's midnight."""
    times, before = (window.since, window.until), (window.before.since, window.before.until)
    offset = window.until.astimezone(widgets.zone()).utcoffset() or timedelta(0)
    edges = pd.Timestamp(times[0]), pd.Timestamp(times[1]), pd.Timedelta(window.bucket), pd.Timedelta(offset)
    return _Told(
        data.home_newest(),
        data_home.home_totals(*times),
        data_home.home_totals(*before),
        data_home.home_latency_total(*times),
        charts.filled(data_home.home_series(*times, window.bucket, offset), *edges),
        charts.filled(data_home.home_latency(*times, window.bucket, offset), *edges),
    )


def _known(newest: pd.Series) -> None:
    """What the numbers rest on: up to when there is data, when it was read, whether it is the sample."""
    zone, now = widgets.zone(), datetime.now(UTC)
    with st.container(horizontal=True, vertical_alignment="center"):
        if newest["sample"]:
            widgets.sample()
        st.caption(
            f"Times in {zone}, data to {fmt.recent(newest['newest'], zone, now)}, read at {fmt.clock(now, zone)}",
            width="content",
        )


def finding(window: state.Window, now: pd.Series, before: pd.Series, latency: pd.Series) -> str:
    """What came in and how it went, in words; every rate with its n and interval."""
    if not now["traces"]:
        return f"No traces started in {window.words}."
    parts = [f"{fmt.plural(now['traces'], 'trace')} started in {window.words}{_change(window, now, before)}"]
    parts.append(_failed(now))
    if not fmt.absent(latency["p95_ns"]):
        parts.append(f"95 % of model calls took at most {fmt.duration(latency['p95_ns'])}")
    if now["unpriced_calls"] or not fmt.absent(now["cost_usd"]):
        parts.append(f"calls cost {fmt.plain(fmt.cost(now['cost_usd'], int(now['unpriced_calls'])))}")
    return "; ".join(parts) + "."


def _failed(now: pd.Series) -> str:
    if now["traces"] == 1:
        return "it failed" if now["failed_traces"] else "it did not fail"
    if not now["failed_traces"]:
        return "none of them failed"
    low, high = (fmt.percent(now[name]) for name in ("error_rate_low", "error_rate_high"))
    return f"{fmt.percent(now['error_rate'])} of them failed (95 % interval {low} to {high})"


def _change(window: state.Window, now: pd.Series, before: pd.Series) -> str:
    if window.words not in state.RANGE_WORDS.values() or not before["traces"]:
        return ""
    return (
        f" ({before['traces']:,} in the same time before)" if before["traces"] != now["traces"] else " (as many before)"
    )


def _tiles(told: _Told) -> None:
    now, buckets = told.now, told.buckets
    widgets.tiles(
        _count_tile("Traces", now["traces"], now["failed_traces"], buckets["traces"]),
        _calls_tile(now, buckets),
        _rate_tile(now, buckets),
        _latency_tile(told.latency, told.timed),
        _token_tile(now, buckets),
    )


def _count_tile(label: str, number: int, failed: int, series: pd.Series) -> widgets.Tile:
    note = f"{failed:,} failed" if failed else "none failed"
    return widgets.Tile(label, fmt.short(number), f"{number:,} {label.lower()}", note, series)


def _calls_tile(now: pd.Series, buckets: pd.DataFrame) -> widgets.Tile:
    number = now["model_calls_ok"] + now["model_calls_failed"]
    series = buckets["model_calls_ok"] + buckets["model_calls_failed"]
    return _count_tile("Model calls", number, now["model_calls_failed"], series)


def _rate_tile(now: pd.Series, buckets: pd.DataFrame) -> widgets.Tile:
    low, high = (fmt.digits(now[name] * 100, 2) for name in ("error_rate_low", "error_rate_high"))
    share = (buckets["failed_traces"] / buckets["traces"].where(buckets["traces"] > 0) * 100).round(2)
    exact = f"{now['failed_traces']:,} of {now['traces']:,} traces; the range is the 95 % interval"
    note = f"{low} to {high} %, n = {fmt.short(now['traces'])}"
    return widgets.Tile("Error rate", fmt.percent(now["error_rate"]), exact, note, share)


def _latency_tile(latency: pd.Series, timed: pd.DataFrame) -> widgets.Tile:
    value = fmt.duration(latency["p95_ns"])
    exact = f"{fmt.count(latency['p95_ns'])} ns, calls that ended well; median {fmt.duration(latency['p50_ns'])}"
    course = (timed["p95_ns"].astype("float64") / 1e9).round(3)  # the line's hover tells the number as it is
    return widgets.Tile("p95 of model calls", value, exact, f"n = {fmt.plural(latency['calls'], 'call')}", course)


def _token_tile(now: pd.Series, buckets: pd.DataFrame) -> widgets.Tile:
    """What is not told in full is a least: `≥ 28.7k`."""
    known = [value for value in (now["input_tokens"], now["output_tokens"]) if not fmt.absent(value)]
    unknown, half = int(now["unknown_usage_calls"]), int(now["half_told_calls"])
    least = "≥ " if known and (half or unknown) else ""
    exact = (
        f"{fmt.count(now['input_tokens'])} in (with cache), {fmt.count(now['output_tokens'])} out (with reasoning). "
        f"Of the calls that ended well {unknown:,} told nothing, {half:,} only one side"
    )
    series = buckets["input_tokens"].fillna(0) + buckets["output_tokens"].fillna(0)
    calls = now["model_calls_ok"] + now["model_calls_failed"]
    value = f"{least}{fmt.short(sum(known))}" if known or not calls else fmt.UNKNOWN
    return widgets.Tile("Tokens", value, exact, _told(now, half, unknown), series)


def _told(now: pd.Series, half: int, unknown: int) -> str:
    """Who told tokens, in at most 28 letters: what the tile holds at 1280 pixels."""
    if half and unknown:
        return f"{fmt.short(unknown)} unknown, {fmt.short(half)} half-told"
    if half:
        return f"half-told by {fmt.plural(half, 'call')}"
    if unknown:
        return f"unknown for {fmt.plural(unknown, 'call')}"
    if not now["model_calls_ok"]:
        return "no call ended well" if now["model_calls_failed"] else "no model call"
    return "told by all that ended well" if now["model_calls_failed"] else "told by every call"


def _figures(window: state.Window, buckets: pd.DataFrame, timed: pd.DataFrame) -> None:
    zone, theme, step = widgets.zone(), widgets.theme(), pd.Timedelta(window.bucket)
    scope = f"{fmt.moment(window.since, zone)[:16]} to {fmt.moment(window.until, zone)[:16]}, {widgets.each(step)}"
    alts = (
        "Model calls over time, ended well and failed",
        "Median and 95th percentile of the duration of model calls over time",
    )
    found = marks.of(window)
    drawn = (
        charts_home.calls(_local(buckets), step, scope, theme, marks.drawn(found)),
        charts_home.latency(_local(timed), step, scope, theme, marks.drawn(found)),
    )
    for slot, key, figure, alt in zip(st.columns(2), ("calls", "latency"), drawn, alts, strict=True):
        with slot:
            event = st.plotly_chart(
                figure, theme=None, key=f"home-{key}", on_select="rerun", selection_mode="points", alt=alt,
                config={"displayModeBar": False},
            )  # fmt: skip
            widgets.bucket_link(cast("dict[str, Any]", event), buckets["bucket"], step)
            watch.row(*_WATCHED[key])
    if words := marks.words(found):
        st.caption(words)
    with st.expander(f"Figures as tables, {widgets.each(step)}", key="figure-tables", on_change="rerun") as tables:
        if tables.open:
            _figure_tables(_local(buckets), _local(timed))


_WATCHED = {
    "calls": (watch.calls("calls per hour", "volume", {}), watch.calls("error rate", "error_rate", {})),
    "latency": (
        watch.calls("p95", "duration", {}, quantile=0.95), watch.calls("median", "duration", {}, quantile=0.5),
    ),
}  # fmt: skip


def _figure_tables(buckets: pd.DataFrame, timed: pd.DataFrame) -> None:
    """What the tiles and figures draw, exact."""
    seconds = timed.assign(**{name: timed[f"{name}_ns"].astype("float64") / 1e9 for name in ("p50", "p95")})
    sums = buckets.assign(model_calls=buckets["model_calls_ok"] + buckets["model_calls_failed"])
    left, right = st.columns([5, 3])
    left.dataframe(
        sums, hide_index=True, column_order=list(_SUMS), column_config=_SUMS, placeholder="unknown",
        alt="Traces, model calls and tokens by start of the bucket",
    )  # fmt: skip
    right.dataframe(
        seconds, hide_index=True, column_order=list(_TIMES), column_config=_TIMES, placeholder="none",
        alt="Duration of model calls by start of the bucket, seconds",
    )  # fmt: skip


def _whole(label: str) -> Any:
    return st.column_config.NumberColumn(label, format="localized")


_FROM = st.column_config.DatetimeColumn("From", format="YYYY-MM-DD HH:mm", width=125)
_SUMS = {
    "bucket": _FROM,
    "traces": _whole("Traces"),
    "failed_traces": _whole("Failed"),
    "model_calls": _whole("Calls"),
    "model_calls_failed": _whole("Calls failed"),
    "input_tokens": _whole("Tokens in"),
    "output_tokens": _whole("Tokens out"),
    "unknown_usage_calls": _whole("Usage unknown"),
}
_TIMES = {
    "bucket": _FROM,
    "calls": _whole("Calls ended well"),
    "p50": st.column_config.NumberColumn("Median (s)", format="%.3f"),
    "p95": st.column_config.NumberColumn("p95 (s)", format="%.3f"),
}


def _local(frame: pd.DataFrame) -> pd.DataFrame:
    """Buckets in the viewer's zone, for axes that cannot convert."""
    return frame.assign(bucket=frame["bucket"].dt.tz_convert(widgets.zone()).dt.tz_localize(None))


def _nothing_here(window: state.Window, newest: pd.Series) -> None:
    at = fmt.moment(cast("datetime", newest["newest"]), widgets.zone())
    widgets.empty(
        f"Tiles and figures of {window.words} would be here.",
        f"No trace started in it. The store holds {fmt.plural(newest['traces'], 'trace')}; the newest started {at}.",
        lambda: st.page_link(
            "views/home.py", label="Show all time", icon=":material/date_range:", query_params={"range": "all"}
        ),
    )


def problems(window: state.Window) -> None:
    """Kinds of failure, newest first; a click on a row opens the newest trace of it."""
    st.subheader("Newest problems", anchor=False)
    found = data_home.home_problems(window.since, window.until)
    if found.empty:
        widgets.empty("Failures grouped by type and message would be here.", f"No span failed in {window.words}.")
        return
    if len(found) > _PROBLEMS:
        widgets.cut(_PROBLEMS, len(found), "kinds of failure")
    zone = widgets.zone()
    rows = [_problem(row, zone) for row in listing.records(found.head(_PROBLEMS))]
    listing.listing("problems", "Newest problems", _PROBLEM_COLUMNS, rows)


def _problem(row: dict[str, Any], zone: tzinfo) -> listing.Row:
    message = fmt.clip(row["error_message"] or "", instead="no message")
    cells = (
        Cell(fmt.moment(row["last_seen"], zone), fmt.utc(row["last_seen"])),
        Cell(fmt.clip(fmt.error_type(row["error_type"]))),
        Cell(message, message),
        Cell(fmt.count(row["traces"])),
        Cell(fmt.clip(row["service"]) if row["service"] else "unset", quiet=not row["service"]),
        Cell(fmt.clip(row["root_name"], instead=tree.UNNAMED)),
    )
    return listing.Row(state.trace_path(row["trace_id"]), cells)


_PROBLEMS = 20  # kinds of failure on the page
_PROBLEM_COLUMNS = (
    Column("Last seen", "140px"),
    Column("Type", "minmax(120px, 1fr)"),
    Column("Message", "minmax(200px, 3fr)", link=True),
    Column("Traces", "50px", "right"),
    Column("Service", "minmax(80px, 0.8fr)"),
    Column("Newest trace", "minmax(110px, 1fr)"),
)


def first_steps() -> None:
    """An empty store or project: what would be here, how to send spans, and sample data at one click."""
    project, addresses = data.project(), data.status()["addresses"]
    usual = project == state.DEFAULT_PROJECT  # the sample data is sent there
    where, other = ("", ", or load the sample data") if usual else (f" in project {fmt.plain(project)}", "")
    st.markdown(f"Nothing has arrived yet{where}. Point an OpenTelemetry exporter at this server{other}.")
    filled = snippets.filled(addresses["otlp_http"], f"http://{addresses['otlp_grpc']}", None if usual else project)
    with st.container(border=True):
        st.markdown("**Send traces**")
        for tab, (language, code) in zip(st.tabs(snippets.TITLES), filled, strict=True):
            tab.code(code, language=language)
    if usual:
        _sample_button()


def _sample_button() -> None:
    with st.container(border=True):
        st.markdown("**Sample data**")
        st.caption(
            "Published conversations, answers and agent runs, sent through the same endpoint; the newest is now."
        )
        if not st.button("Load sample data"):
            return
        try:
            with st.spinner("Sending sample data; this takes some seconds.", show_time=True):
                data_home.load_demo()
        except data.ApiError as error:
            widgets.failed("The sample data did not load.", error, "Your own traces can be sent all the same.")
            return
        st.rerun()
