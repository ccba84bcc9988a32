"""The parts of the Cost page. What is computed comes from the queries; here it gets words and places."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, charts, charts_cost, data, data_cost, listing, marks, state, success, watch, widgets
from app import format as fmt
from app.listing import Cell, Column

TOKENS = "token class"
DIMENSIONS = (
    "model", "provider", TOKENS, "service", "environment", "release", "prompt", "variant", "tool", "tag", "session",
    "user",
)  # fmt: skip
CLASSES = {
    "input": "Plain input", "cache_read": "Cache read", "cache_write": "Cache write", "output": "Output",
    "other": "Other",
}  # fmt: skip
"""Column of the queries, less `_usd` -> its name. Other: searches, requests, hardware by the hour."""
OTHER = "other"
NONE = {"tag": "no tag", "tool": "no tool", "prompt": "no prompt", "variant": "no variant"}
"""What a null of a dimension means where it is not that nobody knows."""


def controls(window: state.Window) -> tuple[str, data.Filters]:
    """What costs are told apart by, and the filters, in one row."""
    with st.container(horizontal=True, vertical_alignment="center"):
        return calls.dimension(DIMENSIONS), widgets.call_filters(window, "views/cost.py")


@dataclass(frozen=True, slots=True)
class Told:
    """All that the server says of a window, asked for before anything is drawn."""

    now: pd.Series
    before: pd.Series
    per_trace: pd.Series
    per_session: pd.Series
    buckets: pd.Series  # starts, each bucket of the window
    stacks: list[charts_cost.Stack]
    shown: list[str | None]  # value of each stack; null: of several, or unknown
    table: pd.DataFrame  # by the dimension; without columns where that is the class of tokens


def ask(window: state.Window, by: str, filters: data.Filters) -> Told:
    """Days begin at the viewer's midnight."""
    times, before = (window.since, window.until), (window.before.since, window.before.until)
    offset = window.until.astimezone(widgets.zone()).utcoffset() or timedelta(0)
    buckets = _buckets(window, offset)
    if by == TOKENS:
        stacks, shown = _class_stacks(data_cost.calls_cost_classes(*times, window.bucket, offset, filters), buckets)
        table = pd.DataFrame()
    else:
        stacks, shown = _stacks(data_cost.calls_cost_series(*times, window.bucket, offset, by, filters), buckets, by)
        table = data_cost.calls_cost_by(*times, by, filters)
    return Told(
        data_cost.calls_totals(*times, filters), data_cost.calls_totals(*before, filters),
        data_cost.calls_cost_per(*times, "trace", filters), data_cost.calls_cost_per(*times, "session", filters),
        buckets, stacks, shown, table,
    )  # fmt: skip


def _buckets(window: state.Window, offset: timedelta) -> pd.Series:
    none = pd.DataFrame({"bucket": pd.Series([], dtype="datetime64[us, UTC]")})
    edges = pd.Timestamp(window.since), pd.Timestamp(window.until), pd.Timedelta(window.bucket), pd.Timedelta(offset)
    return charts.filled(none, *edges)["bucket"]


def _stacks(series: pd.DataFrame, buckets: pd.Series, by: str) -> tuple[list[charts_cost.Stack], list[str | None]]:
    """The dearest value first, then the others together, then what is unknown; what has no cost at all is left out."""
    stacks: list[charts_cost.Stack] = []
    shown: list[str | None] = []
    unknown = int(series["place"].max()) + 1 if series["place"].notna().any() else 0
    places = series["place"].fillna(unknown).astype(int)
    for place in sorted(places.unique()):
        rows = series[places == place]
        if rows["cost_usd"].isna().all():
            continue
        told = rows["value"].iloc[0]
        value = None if fmt.absent(told) else str(told)
        name = value or (NONE.get(by, fmt.UNKNOWN) if place == unknown else OTHER)
        stacks.append((name, charts.colour(value), _over(rows, "cost_usd", buckets)))
        shown.append(value)
    return stacks, shown


def _class_stacks(series: pd.DataFrame, buckets: pd.Series) -> tuple[list[charts_cost.Stack], list[str | None]]:
    stacks = [
        (name, ink, _over(series, f"{key}_usd", buckets))
        for (key, name), ink in zip(CLASSES.items(), (*charts.PALETTE[:4], charts.GREY), strict=True)
        if series[f"{key}_usd"].fillna(0).any()
    ]
    return stacks, [None for _ in stacks]


def _over(rows: pd.DataFrame, column: str, buckets: pd.Series) -> pd.Series:
    """A value for each bucket, null where no row has one."""
    values: pd.Series = rows.set_index("bucket")[column].astype("float64").reindex(pd.Index(buckets))
    return values.reset_index(drop=True)


def overview(window: state.Window, by: str, filters: data.Filters, waiting: DeltaGenerator) -> None:
    """Sentence, tiles, figure and table; `waiting` stood in their place and is cleared."""
    try:
        told = ask(window, by, filters)
    finally:
        waiting.empty()
    if not told.now["calls"]:
        what = "What model calls cost would be here."
        calls.nothing(window, what, "model", "views/cost.py", narrowed=bool(filters))
        return
    st.markdown(finding(window, told.now, told.before, narrowed=bool(filters)))
    calls.known("US dollars. Each model call counts once, failed ones too.")
    tiles(told)
    figure(window, by, told, filters)
    if by != TOKENS:
        table(window, by, told.table)


def finding(window: state.Window, now: pd.Series, before: pd.Series, *, narrowed: bool = False) -> str:
    """What the calls cost, against the time before, and how much of it is not known."""
    which = f" that match{'es' if now['calls'] == 1 else ''} the filters" if narrowed else ""
    counted = f"{fmt.plural(now['calls'], 'call')}{which}"
    if fmt.absent(now["cost_usd"]):
        return f"What {counted} in {window.words} cost is unknown: {_unpriced_words(now)}."
    cost = fmt.plain(fmt.money(now["cost_usd"]))
    change = calls.change(window, now["cost_usd"], before["cost_usd"])
    said = f"{counted} cost {'at least ' if now['unpriced'] else ''}{cost} in {window.words}{change}"
    return f"{said}; {_unpriced_words(now)}."


def _unpriced_words(now: pd.Series) -> str:
    if not now["unpriced"]:
        return "every call has a price" if now["priced"] else "they failed and told no usage"
    untold = f", {fmt.count(now['untold'])} of them for want of usage" if now["untold"] else ""
    return f"{fmt.plural(now['unpriced'], 'call has', 'calls have')} no price{untold}"


def tiles(told: Told) -> None:
    now = told.now
    widgets.tiles(
        _cost_tile(told), _per_tile("trace", told.per_trace, now), _second_per_tile(told), _cache_tile(now),
        _unpriced_tile(now),
    )  # fmt: skip


def _cost_tile(told: Told) -> widgets.Tile:
    now, least = told.now, "≥ " if told.now["unpriced"] else ""
    exact = (
        f"{fmt.exact_money(now['cost_usd'])} over {fmt.plural(now['priced'], 'priced call')}, of them "
        f"{fmt.count(now['estimated'])} estimated; senders reported {fmt.exact_money(now['reported_usd'])}"
    )
    note = f"before: {fmt.money(told.before['cost_usd'])}" if told.before["calls"] else "no call in the time before"
    value = fmt.UNKNOWN if fmt.absent(now["cost_usd"]) else f"{least}{fmt.money(now['cost_usd'])}"
    return widgets.Tile("Cost", value, fmt.plain(exact), fmt.plain(note), [])


def _per_tile(unit: str, mean: pd.Series, now: pd.Series) -> widgets.Tile:
    """`mean`: record of `calls_cost_per`. The lower half of the note is its n, so that it fits at 1280 pixels."""
    least = "≥ " if now["unpriced"] and mean["n"] else ""
    interval = fmt.between(mean["low"], mean["high"])
    exact = (
        f"Mean {fmt.exact_money(mean['mean'])}, 95 % interval {interval} (Student), n = {fmt.plural(mean['n'], unit)}"
    )
    note = f"{interval}, n = {fmt.short(mean['n'])}" if mean["n"] else f"no priced {unit}"
    return widgets.Tile(
        f"Cost per {unit}", f"{least}{fmt.mean_cost(mean['mean'])}", fmt.plain(exact), fmt.plain(note), []
    )


def _second_per_tile(told: Told) -> widgets.Tile:
    """Per session where there are any, else per 1,000 calls."""
    if told.per_session["n"]:
        return _per_tile("session", told.per_session, told.now)
    now = told.now
    per = None if fmt.absent(now["cost_usd"]) else float(now["cost_usd"]) / int(now["priced"]) * 1000
    note = f"n = {fmt.plural(now['priced'], 'priced call')}"
    return widgets.Tile("Cost per 1,000 calls", fmt.mean_cost(per), fmt.plain(fmt.exact_money(per)), note, [])


def _cache_tile(now: pd.Series) -> widgets.Tile:
    told, read, of = int(now["cache_told"]), now["cache_read_tokens"], now["cache_told_input_tokens"]
    share = None if not told or not of else float(read) / float(of)
    exact = (
        f"{fmt.count(read)} of {fmt.count(of)} input tokens, over {fmt.plural(told, 'call')} that told what came from "
        f"a cache. Saved: against each call's own price of plain input, net of what writing the cache cost, over "
        f"{fmt.count(now['saved_calls'])} of {fmt.plural(now['cached_calls'], 'priced call')} with a cache"
    )
    return widgets.Tile("Input read from cache", fmt.percent(share), fmt.plain(exact), fmt.plain(_saved(now)), [])


def _saved(now: pd.Series) -> str:
    if not now["cache_told"]:
        return f"unknown for {fmt.plural(now['calls'], 'call')}"
    if not now["cached_calls"]:
        return "no priced call used one"
    if not now["saved_calls"]:
        return "saving unknown"
    saved = float(now["saved_usd"])
    return f"saved {fmt.money(saved)}" if saved >= 0 else f"cost {fmt.money(-saved)} more than it saved"


def _unpriced_tile(now: pd.Series) -> widgets.Tile:
    exact = (
        f"{fmt.count(now['unpriced'])} of {fmt.count(now['calls'])} calls. "
        f"{fmt.count(now['unknown_usage'])} that ended well told no usage; "
        f"{fmt.count(now['silent_failures'])} that failed told none either and need no price"
    )
    note = (
        f"of {fmt.short(now['calls'])}; {fmt.short(now['untold'])} untold"
        if now["untold"]
        else f"of {fmt.plural(now['calls'], 'call')}"
    )
    return widgets.Tile("Calls without a price", fmt.short(now["unpriced"]), exact, note, [])


def figure(window: state.Window, by: str, told: Told, filters: data.Filters) -> None:
    """Cost over time, beside it the classes of tokens; a click on a bar leads to the traces behind it."""
    zone, step = widgets.zone(), pd.Timedelta(window.bucket)
    local = told.buckets.dt.tz_convert(zone).dt.tz_localize(None)
    scope = f"{fmt.moment(window.since, zone)[:16]} to {fmt.moment(window.until, zone)[:16]}"
    subtitle = f"n = {fmt.plural(told.now['priced'], 'priced call')}, {scope}, {widgets.each(step)}, by {by}"
    left, right = st.columns([9, 5])
    found = marks.of(window)
    with left:
        event = st.plotly_chart(
            charts_cost.costs(local, told.stacks, step, subtitle, widgets.theme(), marks=marks.drawn(found)),
            theme=None, key="cost-series", on_select="rerun", selection_mode="points", alt=f"Cost over time by {by}",
            config={"displayModeBar": False},
        )  # fmt: skip
        if words := marks.words(found):
            st.caption(words)
        widgets.bucket_link(cast("dict[str, Any]", event), told.buckets, step, lambda curve: _behind(by, told, curve))
        watch.row(
            watch.calls("spend per hour", "spend", filters), watch.calls("cost per call", "cost", filters),
            watch.calls("cached share", "cache_hit_share", filters),
        )  # fmt: skip
    with right:
        _classes(told.now)
    with st.expander(f"Figure as a table, {widgets.each(step)}", key="cost-table", on_change="rerun") as twin:
        if twin.open:
            st.dataframe(
                pd.DataFrame({"From": local} | {_free(name, place): values for place, (name, _, values) in
                             enumerate(told.stacks)}),
                hide_index=True, placeholder="none", alt="Cost by start of the bucket, US dollars",
            )  # fmt: skip


def _free(name: str, place: int) -> str:
    """A heading that no other stack has: a value may itself be named `other`."""
    return f"{fmt.clip(name, 60)} ($)" + "\u200b" * place


def _behind(by: str, told: Told, curve: int) -> dict[str, str | None]:
    """Filters of Traces for what one stack shows."""
    value = told.shown[curve] if curve < len(told.shown) else None
    return calls.in_url() | ({by: value} if by in state.FILTERS and value else {})


def _classes(now: pd.Series) -> None:
    """What each class of tokens cost, how many there were, and what a million came to."""
    plain = None if fmt.absent(now["input_tokens"]) else now["input_tokens"] - _none(now, "cache_read_tokens") - _none(
        now, "cache_write_tokens"
    )  # fmt: skip
    counts = {"input": plain, "other": None} | {
        name: now[f"{name}_tokens"] for name in ("cache_read", "cache_write", "output")
    }
    rows = [
        {"class": name, "tokens": counts[key], "cost": now[f"{key}_usd"], "share": _share(now[f"{key}_usd"], now)}
        for key, name in CLASSES.items()
    ]
    rows.insert(4, {"class": "of it reasoning", "tokens": now["reasoning_tokens"], "cost": None, "share": None})
    st.markdown("**Classes of tokens**")
    frame = pd.DataFrame(rows).astype({"tokens": "Int64", "cost": "Float64", "share": "Float64"})
    st.dataframe(
        frame, hide_index=True, column_config=_CLASS_COLUMNS, placeholder="-", height="content",
        alt="Tokens and cost of each class, over all calls",
    )  # fmt: skip
    st.caption("Tokens of all calls, cost of the priced ones; -: unknown. Other: searches, requests, hardware.")


def _none(now: pd.Series, name: str) -> int:
    return 0 if fmt.absent(now[name]) else int(now[name])


def _share(usd: float | None, now: pd.Series) -> float | None:
    return None if fmt.absent(usd) or not now["cost_usd"] else float(cast("float", usd)) / float(now["cost_usd"]) * 100


_CLASS_COLUMNS = {
    "class": st.column_config.TextColumn("Class", width=112),
    "tokens": st.column_config.NumberColumn("Tokens", format="localized", width=84),
    "cost": st.column_config.NumberColumn("Cost", format="$%.4f", width=74),
    "share": st.column_config.ProgressColumn("Share", format="%.1f %%", min_value=0, max_value=100, width=84),
}


def table(window: state.Window, by: str, frame: pd.DataFrame) -> None:
    """One row per value, dearest first; it leads to its traces, or narrows the page where Traces cannot."""
    calls.heading(by, frame, "cost")
    top = fmt.largest(frame["cost_usd"])
    rows = [
        listing.Row(
            calls.href("cost", by, row["value"], kept=success.KEYS), _cells(by, row, top), anew=by in state.FILTERS
        )
        for row in listing.records(frame)
    ]
    listing.listing(
        "cost-by", f"Cost by {by}", (Column(by.capitalize(), "minmax(120px, 1.2fr)", link=True), *COLUMNS), rows
    )
    st.caption(_table_notes(window, by))


def _table_notes(window: state.Window, by: str) -> str:
    notes = [f"{calls.leads(window, by)}. Means with their 95 % interval (Student; the trace is the cluster)"]
    unheard = [name for name in state.CALL_FILTERS if name not in state.FILTERS and st.query_params.get(name)]
    if by in state.FILTERS and unheard:
        notes.append(f"Traces has no filter for {', '.join(unheard)}: its list is wider")
    if by == "tag":
        notes.append("A call counts under each tag of its trace, so the rows add up to more than the total")
    return ". ".join(notes) + "."


COLUMNS = (
    Column("Cost", "minmax(112px, 1fr)", "right", "≥: some calls have no price"),
    Column("Calls", "52px", "right"),
    Column("Failed", "42px", "right"),
    Column("No price", "54px", "right", "Calls without a cost, but for failed ones that told no usage"),
    Column("Traces", "52px", "right"),
    Column("Tokens in → out", "112px", "right", "In with cache, out with reasoning; ?: unknown"),
    Column("Cached", "54px", "right", "Share of input read from a cache, of the calls that told"),
    Column("$ per 1,000 calls", "minmax(132px, 1fr)", "right", "Mean of the priced calls and its 95 % interval"),
    Column(
        "$ per 1,000 traces",
        "minmax(140px, 1fr)",
        "right",
        "Mean of the traces with a priced call and its 95 % interval",
    ),
)


def _cells(by: str, row: dict[str, Any], top: float) -> list[Cell]:
    usd, unpriced = row["cost_usd"], row["unpriced"]
    cached = row["cache_read_tokens"], row["cache_told_input_tokens"]
    name = NONE.get(by, fmt.UNKNOWN) if row["value"] is None else fmt.clip(row["value"])
    return [
        Cell(name, quiet=row["value"] is None),
        Cell(
            _cost(usd, unpriced),
            "" if usd is None else fmt.exact_money(usd),
            share=None if usd is None else round(usd / top, 4),
        ),
        Cell(fmt.count(row["calls"])),
        Cell(fmt.count(row["failed"]), quiet=not row["failed"]),
        Cell(fmt.count(unpriced), quiet=not unpriced),
        Cell(fmt.count(row["traces"])),
        _tokens(row),
        Cell(fmt.percent(cached[0] / cached[1]) if cached[0] is not None and cached[1] else fmt.UNKNOWN),
        _mean(row, "per_call"),
        _mean(row, "per_trace"),
    ]


def _cost(usd: float | None, unpriced: int) -> str:
    return fmt.UNKNOWN if usd is None else f"{'≥ ' if unpriced else ''}{fmt.money(usd)}"


def _tokens(row: dict[str, Any]) -> Cell:
    counts = row["input_tokens"], row["output_tokens"]
    if counts == (None, None):
        return Cell(fmt.UNKNOWN, quiet=True)
    exact = f"{fmt.count(counts[0])} in, {fmt.count(counts[1])} out"
    return Cell(" → ".join("?" if count is None else fmt.short(count) for count in counts), exact)


def _mean(row: dict[str, Any], name: str) -> Cell:
    """`0.0123 (0.011 to 0.013)`, US dollars per 1,000; the heading says so."""
    mean, low, high = (row[key] for key in (name, f"{name}_low", f"{name}_high"))
    if mean is None:
        return Cell(fmt.UNKNOWN, quiet=True)
    text = fmt.mean_cost(mean * 1000).removeprefix("$")
    if low is None:
        return Cell(text, "One trace alone has no interval")
    exact = f"{fmt.exact_money(mean * 1000)}, n = {fmt.plural(row['priced_traces'], 'trace')}"
    return Cell(f"{text} ({fmt.between(low * 1000, high * 1000).removeprefix('$')})", exact)
