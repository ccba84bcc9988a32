"""The parts of the Latency page. What is computed comes from the queries; here it gets words and places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, charts, charts_latency, data, data_latency, listing, marks, state, watch, widgets
from app import format as fmt
from app.listing import Cell, Column

KIND = "kind"  # key of the control, and its name in the URL
DIMENSIONS = (
    "model", "provider", "service", "environment", "release", "prompt", "variant", "tool", "tag", "session", "user",
)  # fmt: skip
KINDS = {"llm": "model", "embedding": "embedding"}
"""What the store calls a kind of call -> its name in sentences."""
MEASURES = ("duration", "ttft", "time_per_output_token", "tokens_per_second")
RATE, RETRIES = "error_rate", "retry_rate"
MOST_MARKS = 8  # verticals in the figure
OF_CALLS = ("release", "prompt")  # kinds of markers that this page reads from its own calls, as they are filtered

Form = Callable[[float | None], str]


def controls(window: state.Window) -> tuple[str, data.Filters]:
    """Which calls, what they are told apart by, and the filters, in one row."""
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = st.segmented_control(
            "Calls", list(KINDS), default="llm", required=True, key=KIND, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        by = calls.dimension(DIMENSIONS)
        filters = widgets.call_filters(window, "views/latency.py")
    return by, {**filters, "kind": str(kind)}


@dataclass(frozen=True, slots=True)
class Told:
    """All that the server says of a window, asked for before anything is drawn."""

    changes: pd.DataFrame  # by measure and quantile: now, before, difference
    series: pd.DataFrame  # every bucket of the window
    heat: pd.DataFrame
    heat_step: timedelta
    marks: pd.DataFrame
    table: pd.DataFrame

    def of(self, measure: str, quantile: float | None = None) -> pd.Series:
        """One record of `changes`."""
        rows = self.changes[self.changes["measure"] == measure]
        return (rows if quantile is None else rows[rows["quantile"] == quantile]).iloc[0]


def ask(window: state.Window, by: str, filters: data.Filters) -> Told | None:
    """Null: there is no such call. Days begin at the viewer's midnight."""
    times = window.since, window.until
    rate = data_latency.latency_periods(*times, RATE, filters)
    if not rate["n"].iloc[0]:
        return None
    offset = window.until.astimezone(widgets.zone()).utcoffset() or timedelta(0)
    changes = pd.concat(
        [rate, *(data_latency.latency_periods(*times, measure, filters) for measure in (RETRIES, *MEASURES))],
        ignore_index=True,
    )
    edges = pd.Timestamp(times[0]), pd.Timestamp(times[1]), pd.Timedelta(window.bucket), pd.Timedelta(offset)
    heat_step = _heat_step(window)
    return Told(
        changes,
        charts.filled(data_latency.latency_series(*times, window.bucket, offset, filters), *edges),
        data_latency.latency_heat(*times, heat_step, offset, filters),
        heat_step,
        data_latency.latency_marks(*times, filters),
        _by(window, by, filters),
    )


def _heat_step(window: state.Window) -> timedelta:
    """An hour, but for windows that have too few or too many of them."""
    hour, length = timedelta(hours=1), window.until - window.since
    return hour if 6 * hour <= length <= timedelta(days=31) else window.bucket


def _by(window: state.Window, by: str, filters: data.Filters) -> pd.DataFrame:
    """The table: durations, and beside them TTFT and speed of the same values."""
    duration, ttft, speed = (
        data_latency.latency_by(window.since, window.until, by, measure, filters)
        for measure in ("duration", "ttft", "tokens_per_second")
    )
    table = duration.rename(columns={name: f"duration_{name}" for name in duration if str(name).startswith("p")})
    for measure, frame, names in (("ttft", ttft, ("n", "p50", "p95")), ("tokens_per_second", speed, ("n", "p50"))):
        places = {_key(value): place for place, value in enumerate(frame["value"])}
        order = [places.get(_key(value), len(frame)) for value in table["value"]]  # past the end: came in between
        beside = frame[list(names)].reindex(range(len(frame) + 1)).iloc[order].reset_index(drop=True)
        table = table.join(beside.add_prefix(f"{measure}_"))
    return table


def _key(value: object) -> str | None:
    return None if fmt.absent(value) else str(value)


def overview(window: state.Window, by: str, filters: data.Filters, waiting: DeltaGenerator) -> None:
    """Sentence, tiles, figures and tables; `waiting` stood in their place and is cleared."""
    try:
        told = ask(window, by, filters)
    finally:
        waiting.empty()
    if told is None:
        what, noun = "How long calls take would be here.", KINDS[str(filters["kind"])]
        calls.nothing(window, what, noun, "views/latency.py", narrowed=bool(set(filters) - {"kind"}))
        return
    st.markdown(finding(window, told, filters))
    calls.known(
        f"Durations of {KINDS[str(filters['kind'])]} calls that ended well; each counts once. Intervals are of 95 %, "
        "by order statistics."
    )
    tiles(told)
    figures(window, told, filters)
    table(window, by, told.table)
    left, right = st.columns([7, 3])
    with left:
        comparison(window, told)
    with right:
        widgets.guarded(
            "Where the time goes did not come.", "The durations stand.", lambda: time_spent(window, filters)
        )


def finding(window: state.Window, told: Told, filters: data.Filters) -> str:
    """How long calls take, against the time before, and how many failed."""
    which = f"{KINDS[str(filters['kind'])]} calls{' that match the filters' if set(filters) - {'kind'} else ''}"
    p95, rate, retries = told.of("duration", 0.95), told.of(RATE), told.of(RETRIES)
    if fmt.absent(p95["value"]):
        return f"No duration is known of {which} in {window.words}; {_failed(rate)}."
    sure = f"{_ranged(p95, fmt.duration)}, n = {p95['n']:,}"
    return (
        f"p95 of {which} is {fmt.duration(p95['value'])} ({sure}) in {window.words}{_change(window, p95)}; "
        f"{_failed(rate)}{_retried(retries)}."
    )


def _ranged(record: pd.Series, form: Form) -> str:
    found = interval(record["value_low"], record["value_high"], form)
    return f"95 % interval {found}" if found != NONE else NONE


def _failed(rate: pd.Series) -> str:
    if not rate["value"]:
        return f"none of {fmt.plural(rate['n'], 'call')} failed" if rate["n"] > 1 else "it did not fail"
    if rate["n"] == 1:
        return "the one call failed"
    return f"{fmt.percent(rate['value'])} of {fmt.plural(rate['n'], 'call')} failed ({_ranged(rate, fmt.percent)})"


def _retried(retries: pd.Series) -> str:
    """Nothing where nobody asked twice, or where questions are not known."""
    if fmt.absent(retries["value"]) or not retries["value"]:
        return ""
    return f", and {fmt.percent(retries['value'])} asked again what had just failed ({_ranged(retries, fmt.percent)})"


def _change(window: state.Window, record: pd.Series) -> str:
    """`, 12 % more than in the 7 days before, which may be chance`."""
    doubt = {True: "", False: ", which may be chance", None: ", with too few calls to tell whether by chance"}
    clear = None if fmt.absent(record["clear"]) else bool(record["clear"])
    return calls.change(window, record["value"], record["before"], doubt[clear])


NONE = "no interval"
MINUS = "\u2212"


def interval(low: float | None, high: float | None, form: Form) -> str:
    """`14.8 to 17.2 s`; a side that the calls do not bound is open: `from 14.8 s`, `up to 17.2 s`."""
    written = _coarse if form is fmt.percent else form
    known = [None if side is None or fmt.absent(side) else written(side) for side in (low, high)]
    if known == [None, None]:
        return NONE
    if known[0] is None:
        return f"up to {known[1]}"
    if known[1] is None:
        return f"from {known[0]}"
    (below, unit), (_, other) = (text.rpartition(" ")[::2] for text in cast("list[str]", known))
    return f"{below if below and unit == other and ' ' not in below else known[0]} to {known[1]}"


def _coarse(share: float | None) -> str:
    """Bounds of a rate: two digits do, and fit."""
    return fmt.UNKNOWN if share is None else f"{fmt.digits(share * 100, 2)} %"


def speed(value: float | None) -> str:
    return fmt.UNKNOWN if value is None or fmt.absent(value) else f"{fmt.digits(value)} /s"


def tiles(told: Told) -> None:
    seconds = {name: (told.series[name].astype("float64") / 1e9).round(3) for name in ("p50", "p95")}
    widgets.tiles(
        _tile("Median of calls", told.of("duration", 0.5), fmt.duration, seconds["p50"]),
        _tile("p95 of calls", told.of("duration", 0.95), fmt.duration, seconds["p95"]),
        _tile("p95 to first token", told.of("ttft", 0.95), fmt.duration, pd.Series(dtype=float)),
        _tile("Median tokens per second", told.of("tokens_per_second", 0.5), speed, pd.Series(dtype=float)),
        _tile("Error rate", told.of(RATE), fmt.percent, pd.Series(dtype=float)),
    )


def _tile(label: str, record: pd.Series, form: Form, course: pd.Series) -> widgets.Tile:
    """The lower half has interval and n, so that it fits at 1280 pixels."""
    found = interval(record["value_low"], record["value_high"], form)
    note = f"{found}, n = {fmt.short(record['n'])}" if record["n"] else "told by no call"
    exact = (
        f"{_exact(record)}; 95 % interval {_exact(record, '_low')} to {_exact(record, '_high')}, "
        f"n = {fmt.plural(record['n'], 'call')}; before: {form(record['before'])}, n = {record['before_n']:,}"
    )
    return widgets.Tile(label, form(record["value"]), fmt.plain(exact), fmt.plain(note), course)


def _exact(record: pd.Series, end: str = "") -> str:
    number, measure = record[f"value{end}"], record["measure"]
    if fmt.absent(number):
        return fmt.UNKNOWN
    if measure == RATE:
        return f"{number:.6f}"
    return f"{number:,.3f} tokens/s" if measure == "tokens_per_second" else f"{number:,.0f} ns"


def figures(window: state.Window, told: Told, filters: data.Filters) -> None:
    """Median and p95 over time, beside them the heat map; a click on a point leads to the traces behind it."""
    if not told.of("duration", 0.5)["n"]:
        widgets.empty("Figures of the durations would be here.", f"No such call of {window.words} ended well.")
        return
    zone, step = widgets.zone(), pd.Timedelta(window.bucket)
    scope = f"{fmt.moment(window.since, zone)[:16]} to {fmt.moment(window.until, zone)[:16]}"
    n = fmt.plural(told.of("duration", 0.5)["n"], "call")
    more = marks.of(window, lambda what: what not in OF_CALLS)
    left, right = st.columns([7, 6])
    with left:
        event = st.plotly_chart(
            charts_latency.quantiles(
                _local(told.series), [*_marks(told.marks), *marks.drawn(more)], step,
                f"n = {n}, {scope}, {widgets.each(step)}; bands: 95 %", widgets.theme(),
            ),
            theme=None, key="latency-series", on_select="rerun", selection_mode="points",
            alt="Median and 95th percentile of the duration of calls over time", config={"displayModeBar": False},
        )  # fmt: skip
        widgets.bucket_link(cast("dict[str, Any]", event), told.series["bucket"], step, lambda _: calls.in_url())
        _mark_words(told.marks, more)
        watch.row(
            watch.calls("p95", "duration", filters, quantile=0.95),
            watch.calls("median", "duration", filters, quantile=0.5),
            watch.calls("p95 to first token", "ttft", filters, quantile=0.95),
            watch.calls("error rate", "error_rate", filters),
        )  # fmt: skip
    with right:
        subtitle = f"n = {n}, {widgets.each(pd.Timedelta(told.heat_step))}"
        starts = _local(told.series)["bucket"]
        edges = starts.iloc[0], starts.iloc[-1] + step
        st.plotly_chart(
            charts_latency.heat(_local(told.heat), pd.Timedelta(told.heat_step), edges, subtitle, widgets.theme()),
            theme=None, key="latency-heat", alt="Calls by start and duration", config={"displayModeBar": False},
        )  # fmt: skip
    with st.expander(f"Figures as tables, {widgets.each(step)}", key="latency-tables", on_change="rerun") as twin:
        if twin.open:
            _twins(told)


def _twins(told: Told) -> None:
    """What the figures draw, exact."""
    seconds = _local(told.series)
    bounds = [f"{name}{end}" for name in ("p50", "p95") for end in ("", "_low", "_high")]
    left, right = st.columns([7, 4])
    left.dataframe(
        seconds[["bucket", "n"]].join(seconds[bounds].astype("float64") / 1e9), hide_index=True, placeholder="none",
        alt="Duration of calls by start of the bucket, seconds",
        column_config={name: st.column_config.NumberColumn(f"{name.replace('_', ' ')} (s)", format="%.3f") for name in
                       bounds},
    )  # fmt: skip
    heat = _local(told.heat)
    low = 10 ** (heat["bin"].astype("float64") / 8) / 1e9
    cells = {"From": heat["bucket"], "At least (s)": low, "Less than (s)": low * 10**0.125, "n": heat["calls"]}
    right.dataframe(pd.DataFrame(cells), hide_index=True, alt="Calls by start and duration")


def _local(frame: pd.DataFrame) -> pd.DataFrame:
    """Buckets in the viewer's zone, for axes that cannot convert."""
    return frame.assign(bucket=frame["bucket"].dt.tz_convert(widgets.zone()).dt.tz_localize(None))


def _changes(own: pd.DataFrame) -> pd.DataFrame:
    """One row per version, at its first call in any service."""
    return own.drop_duplicates(["what", "version"])


def _marks(own: pd.DataFrame) -> list[charts.Mark]:
    rows = _changes(own).head(MOST_MARKS)
    at = rows["first_seen"].dt.tz_convert(widgets.zone()).dt.tz_localize(None)
    return list(zip(at, map(_label, rows["what"], rows["name"], rows["version"]), strict=True))


def _label(what: str, name: str | None, version: str) -> str:
    return f"{name}@{version}" if what == "prompt" else f"release {version}"


def _mark_words(own: pd.DataFrame, more: Sequence[marks.Marker]) -> None:
    total = len(_changes(own))
    if total:
        cut = f", the first {MOST_MARKS} of {total}" if total > MOST_MARKS else ""
        st.caption(f"Dotted: first call of a release or prompt version that replaced another{cut}.")
    if words := marks.words(more):
        st.caption(words)


def table(window: state.Window, by: str, frame: pd.DataFrame) -> None:
    """One row per value, most calls first; it leads to its traces, or narrows the page where Traces cannot."""
    calls.heading(by, frame, "latency")
    rows = [
        listing.Row(
            calls.href("latency", by, row["value"], sort="slowest", kept=(KIND,)), _cells(row), anew=by in state.FILTERS
        )
        for row in listing.records(frame)
    ]
    listing.listing(
        "latency-by", f"Latency by {by}", (Column(by.capitalize(), "minmax(110px, 1fr)", link=True), *COLUMNS), rows
    )
    twice = " A call counts under each tag of its trace." if by == "tag" else ""
    st.caption(f"{calls.leads(window, by, ', slowest first')}. In brackets: 95 % interval.{twice}")


COLUMNS = (
    Column("Calls", "56px", "right", "Failed ones included"),
    Column("Failed", "minmax(122px, 0.8fr)", "right", "Share of the calls and its 95 % interval (Wilson)"),
    Column("Median", "minmax(138px, 1fr)", "right", "Of the calls that ended well"),
    Column("p95", "minmax(138px, 1fr)", "right"),
    Column("p99", "minmax(172px, 1.2fr)", "right"),
    Column("First token, p95", "minmax(106px, 0.8fr)", "right", "Median and p95 of the calls that told it"),
    Column("Tokens/s", "62px", "right", "Median of output tokens over the whole duration"),
)


def _cells(row: dict[str, Any]) -> list[Cell]:
    name = fmt.UNKNOWN if row["value"] is None else fmt.clip(row["value"])
    rate = interval(row["error_rate_low"], row["error_rate_high"], fmt.percent)
    return [
        Cell(name, name, quiet=row["value"] is None),
        Cell(fmt.count(row["calls"])),
        Cell(f"{fmt.percent(row['error_rate'])} ({rate})", f"{row['failed']:,} of {row['calls']:,} calls"),
        _duration(row, "duration_p50"),
        _duration(row, "duration_p95"),
        _duration(row, "duration_p99"),
        _first_token(row),
        _speed(row),
    ]


def _speed(row: dict[str, Any]) -> Cell:
    if not row["tokens_per_second_n"]:
        return Cell(fmt.UNKNOWN, "Told by no call", quiet=True)
    return Cell(fmt.digits(row["tokens_per_second_p50"]), f"n = {row['tokens_per_second_n']:,}")


def _first_token(row: dict[str, Any]) -> Cell:
    if not row["ttft_n"]:
        return Cell(fmt.UNKNOWN, "Told by no call", quiet=True)
    return Cell(f"{fmt.duration(row['ttft_p50'])}, {fmt.duration(row['ttft_p95'])}", f"n = {row['ttft_n']:,}")


def _duration(row: dict[str, Any], name: str) -> Cell:
    """`15.9 s (14.8 to 17.2 s)`."""
    if row[name] is None:
        return Cell(fmt.UNKNOWN, "No call ended well")
    found = interval(row[f"{name}_low"], row[f"{name}_high"], fmt.duration)
    text = fmt.duration(row[name]) + ("" if found == NONE else f" ({found})")
    exact = f"{row[name]:,.0f} ns ({found}), n = {row['n']:,}"
    return Cell(text, exact)


ROWS: tuple[tuple[str, str, float | None, Form, tuple[str, str]], ...] = (
    ("Duration, median", "duration", 0.5, fmt.duration, ("slower", "faster")),
    ("Duration, p90", "duration", 0.9, fmt.duration, ("slower", "faster")),
    ("Duration, p95", "duration", 0.95, fmt.duration, ("slower", "faster")),
    ("Duration, p99", "duration", 0.99, fmt.duration, ("slower", "faster")),
    ("First token, median", "ttft", 0.5, fmt.duration, ("slower", "faster")),
    ("First token, p95", "ttft", 0.95, fmt.duration, ("slower", "faster")),
    ("Per token, median", "time_per_output_token", 0.5, fmt.duration, ("slower", "faster")),
    ("Tokens/s, median", "tokens_per_second", 0.5, speed, ("faster", "slower")),
    ("Error rate", RATE, None, fmt.percent, ("worse", "better")),
    ("Retry rate", RETRIES, None, fmt.percent, ("worse", "better")),
)
"""Name, measure, quantile, how it is written, and what more and less of it is."""


def comparison(window: state.Window, told: Told) -> None:
    """Every figure of the window against as much time before."""
    zone, before = widgets.zone(), window.before
    st.markdown("**Against the time before**")
    frame = pd.DataFrame(
        [_compared(told.of(measure, q), label, form, words) for label, measure, q, form, words in ROWS]
    )
    st.dataframe(
        frame, hide_index=True, height="content", alt="Latency of the window and of as much time before",
        column_config={name: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()},
    )  # fmt: skip
    st.caption(
        f"Before: {fmt.moment(before.since, zone)[:16]} to {fmt.moment(before.until, zone)[:16]}; n: before → now. In "
        "brackets: 95 % interval, each by itself: of twenty figures that did not change, one is expected to look "
        "clear. Calls of one trace are taken for independent. Retries: calls that asked again what had just failed, "
        "among those whose question is known."
    )


_WIDTHS = {"Measure": 115, "Before": 150, "Now": 150, "Change": 160, "": 62, "n": 75}


def _compared(record: pd.Series, label: str, form: Form, words: tuple[str, str]) -> dict[str, str]:
    now, before, change = (_with_interval(record, name, form) for name in ("value", "before", "difference"))
    verdict = "" if fmt.absent(record["difference"]) else "not clear"
    if not fmt.absent(record["clear"]) and record["clear"]:
        verdict = f"↑ {words[0]}" if record["difference"] > 0 else f"↓ {words[1]}"
    return {
        "Measure": label, "Before": before, "Now": now, "Change": change, "": verdict,
        "n": f"{record['before_n']:,} → {record['n']:,}",
    }  # fmt: skip


def _with_interval(record: pd.Series, name: str, form: Form) -> str:
    if fmt.absent(record[name]):
        return fmt.UNKNOWN
    bound = _coarse if form is fmt.percent else form
    if name == "difference":
        form, bound = _signed(form), _signed(bound)
    found = interval(record[f"{name}_low"], record[f"{name}_high"], bound)
    return form(record[name]) + ("" if found == NONE else f" ({found})")


def _signed(form: Form) -> Form:
    """With plus or minus."""

    def written(value: float | None) -> str:
        if value is None or fmt.absent(value):
            return fmt.UNKNOWN
        sign = "+" if value > 0 else MINUS if value else ""
        return f"{sign}{form(abs(value))}"

    return written


def time_spent(window: state.Window, filters: data.Filters) -> None:
    """Share of each kind of span on the critical path of a sample of traces."""
    found = data_latency.latency_paths(window.since, window.until, filters)
    if found.empty:
        st.caption("Where the time of traces goes would be here. No trace of these calls is known.")
        return
    n, of = int(found["n"].iloc[0]), int(found["sampled_of"].iloc[0])
    about = "about " if bool(found["guessed"].iloc[0]) else ""
    drawn = f"n = {fmt.plural(n, 'trace')}" + (f", at random of {about}{of:,}" if of > n else "")
    names = found["kind"].astype(object).where(found["kind"].notna(), "no span")
    st.plotly_chart(
        charts_latency.parts(found.assign(name=names), drawn, widgets.theme()), theme=None,
        key="latency-parts", alt="Share of each kind of span on the critical path of traces",
        config={"displayModeBar": False},
    )  # fmt: skip
    st.caption(
        "Critical path: what the end of a trace had to wait for, each span without its children; long traces weigh "
        "more. Whiskers: 95 % interval. The traces are those with such a call."
    )
