"""One alert: what changed, since when, by what; what can be done, what was done, and whom it was told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import streamlit as st

from app import (
    adding,
    alert_actions,
    alerts,
    charts,
    charts_alerts,
    charts_monitors,
    data,
    data_alerts,
    deliveries,
    jobs,
    listing,
    marks,
    monitor_figure,
    monitor_signals,
    monitor_words,
    monitors,
    selection,
    sending,
    spread,
    state,
    widgets,
)
from app import format as fmt
from app.listing import Cell, Column

Alert = Mapping[str, Any]
Json = Mapping[str, Any]

SLICES, TRACES = 12, 20  # rows of each table
_MARGIN = timedelta(hours=1)  # around the time of change, in the link to its traces


def page(number: str) -> None:
    """All of one alert; without an answer the page says so."""
    try:
        told = data_alerts.alert(int(number)) if number.isdigit() else None
    except data.ApiError as error:
        if error.status not in {404, 422}:
            widgets.failed("The alert did not come.", error, "It stands as it is, and channels are told all the same.")
            return
        told = None
    if told is None:
        _back()
        widgets.empty("An alert would be here.", f"None has the number {fmt.plain(number, 20)} in this project.")
        return
    one(told)


def _back() -> None:
    st.page_link(alerts.PATH, label="All alerts", icon=":material/arrow_back:")


def one(told: Alert) -> None:
    """What is known of it, from the verdict down to its traces."""
    document, monitor = told["document"] or {}, data_alerts.monitor(told["monitor"])
    _head(told)
    st.markdown(f"**{fmt.plain(told['verdict'], 800)}**")
    if said := [str(one) for one in document.get("sentences") or () if one != told["verdict"]]:
        st.caption(fmt.plain(" ".join(said), 2_000))
    alert_actions.row(told)
    _facts(told, monitor)
    _figures(told, document, monitor)
    slices(document, told, monitor)
    _traces(told, document, monitor)
    alert_actions.note(told)
    left, right = st.columns(2, gap="large")
    with left:
        _history(told)
    with right:
        deliveries.of_alert(told["deliveries"])
    st.caption(f"Times in {widgets.zone()}, read at {fmt.clock(datetime.now(UTC), widgets.zone())}.")


def _head(told: Alert) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Alert {told['number']}: {fmt.plain(told['monitor'], 100)}", anchor=False, width="content")
        now = datetime.now(UTC)
        st.badge(alerts.state_words(told, now), color=alerts.TONES.get(told["state"], "gray"))
        st.badge(str(told["severity"]), color=alerts.SEVERITIES.get(told["severity"], "gray"))
        if words := alerts.snoozed(told, now):
            st.caption(words, width="content")
        st.space("stretch")
        st.page_link(
            "views/monitor.py", label="Its monitor", icon=":material/monitor_heart:",
            query_params={monitors.NAME: str(told["monitor"])},
        )  # fmt: skip
        _back()


def _facts(told: Alert, monitor: Json | None) -> None:
    since = told["changed_since"]
    acknowledged = _who(told, "acknowledged") or ("not yet" if told["state"] == "firing" else "no")
    facts = {
        "Changed": _at(since) if since else fmt.UNKNOWN,
        "Opened": _at(told["opened_at"]),
        "Acknowledged": acknowledged,
        "Resolved": _who(told, "resolved") or "no",
        "Cause": fmt.clip(str(told["cause_text"] or told["cause"]), 120),
        "Owner": fmt.clip(told["owner"] or "nobody", 80),
        "Last look that counted": _at(told["last_counted"]),
        "Watches": watched(told, monitor),
    }
    widgets.fields(facts)
    if words := alerts.interval(told):
        st.caption(f"Time of change: {words}.")


def watched(told: Alert, monitor: Json | None) -> str:
    """The monitor's version and slice: `version 2, service shop`."""
    version = f"version {told['version']}"
    if monitor is None:
        return f"{version} of a monitor that is gone"
    where = ", ".join(f"{name} {value}" for name, value in (monitor["where"] or {}).items())
    return f"{version}, {fmt.clip(where, 120) or 'all calls'}"


def _at(told: str) -> str:
    return fmt.recent(jobs.at(told), widgets.zone(), datetime.now(UTC))


def _who(told: Alert, what: str) -> str:
    """`14:02:10 by ada`; by itself where nobody resolved it; '': it was not."""
    if not told[f"{what}_at"]:
        return ""
    by = told[f"{what}_by"]
    return f"{_at(told[f'{what}_at'])}{f' by {fmt.clip(by, 40)}' if by else ' by itself'}"


# Figures.


def _figures(told: Alert, document: Json, monitor: Json | None) -> None:
    series, lies = document.get("series") or [], document.get("distributions")
    if not series and not lies:
        widgets.empty(
            "The course before and after would be here.",
            "It is worked out beside the server, a moment after an alert opens; checks without a stream have none.",
        )
        return
    left, right = st.columns([7, 4]) if series and lies else (st.container(), st.container())
    if series:
        with left:
            _course(told, document, monitor)
    if lies:
        with right:
            spread.section(lies, unit_of(monitor), "alert")
    if found := document.get("markers"):
        marks.table(found, "alert-markers")


def unit_of(monitor: Json | None) -> str | None:
    """Of the values; null: the monitor is gone, and nobody knows."""
    return None if monitor is None else monitor_words.unit(monitor)


def _course(told: Alert, document: Json, monitor: Json | None) -> None:
    drawn = course(document, told, monitor)
    shown = [one for one in document.get("markers") or () if one["what"] != "alert"]
    title = told["monitor"] if monitor is None else monitor_words.watched(monitor)
    n, steps = float(drawn.looks["n"].sum()), drawn.looks["at"].diff().min()
    by = "" if fmt.absent(steps) else f", {widgets.each(steps)}"
    heading = charts.label(title, 60), f"n = {fmt.short(n)}{by}; band: 95 % of what was expected"
    st.plotly_chart(
        charts_alerts.before_and_after(drawn, levels(document, drawn), marks.drawn(shown), heading, widgets.theme()),
        theme=None, key="alert-course", config={"displayModeBar": False},
        alt="Values over time with what was expected, and when they changed",
    )  # fmt: skip
    if words := marks.words(shown):
        st.caption(words)
    with st.expander("Figure as a table", key="alert-course-table", on_change="rerun") as twin:
        if twin.open:
            names = ["at", "value", "expected", "low", "high", "n"]
            st.dataframe(drawn.looks[names], hide_index=True, placeholder="unknown", alt="Values over time, exact")


def course(document: Json, told: Alert, monitor: Json | None) -> charts_monitors.Drawn:
    """The document's series as the figure of a monitor takes it; when it changed as explained, else as is told."""
    zone, unit = widgets.zone(), unit_of(monitor)
    change = document.get("change") or {"at": told["changed_since"]}
    ends = [marks.local(change[name]) for name in ("low", "high") if change.get(name)]
    return charts_monitors.Drawn(
        monitor_figure.points([], unit, zone), monitor_figure.looks(document["series"], unit, zone),
        change=marks.local(change["at"]) if change["at"] else None,
        change_span=(ends[0], ends[1]) if len(ends) == 2 else None, axis=monitor_signals.axis(unit),
    )  # fmt: skip


def levels(document: Json, drawn: charts_monitors.Drawn) -> list[charts_alerts.Level]:
    """The means before and after the change; none where they are not told."""
    change, times = document.get("change") or {}, drawn.looks["at"]
    if drawn.change is None:
        return []
    spans = {"before": (times.iloc[0], drawn.change), "after": (drawn.change, times.iloc[-1])}
    known = {name: fmt.finite(change.get(name)) for name in spans}
    return [(*spans[name], value) for name, value in known.items() if value is not None]


# What explains it.

COLUMNS = (
    Column("Slice", "minmax(150px, 1.6fr)", link=True),
    Column("Explains", "minmax(110px, 1fr)", "right", "Part of the whole; above 100 % where others went back"),
    Column("Before", "minmax(76px, 0.7fr)", "right"),
    Column("After", "minmax(76px, 0.7fr)", "right"),
    Column("Share before", "88px", "right", "Of the calls"),
    Column("Share after", "80px", "right", "Of the calls"),
    Column("Adjusted p", "84px", "right", "Of having changed as the rest did, over all slices"),
    Column("In words", "minmax(140px, 2fr)"),
)


def slices(document: Json, told: Alert, monitor: Json | None) -> None:
    """Slices that explain most of the change, ranked; a row opens its traces."""
    st.markdown("**What explains it**")
    found = document.get("slices") or []
    if not found:
        st.caption("No slice by service, model, release, prompt, variant or tool stands out.")
        return
    unit = unit_of(monitor)
    rows = [_slice(one, unit, told, monitor) for one in found[:SLICES]]
    listing.listing("alert-slices", "What explains it", COLUMNS, rows)
    if len(found) > SLICES:
        widgets.cut(SLICES, len(found), "slices")
    if words := [str(one["text"]) for one in document.get("attributes") or () if one.get("text")]:
        with st.expander("By attribute", key="alert-attributes"):
            st.caption("  \n".join(fmt.plain(one, 400) for one in words))


def _slice(one: Json, unit: str | None, told: Alert, monitor: Json | None) -> listing.Row:
    share = fmt.finite(one.get("share_of_change"))
    filled = None if share is None else round(min(1.0, max(0.0, share)), 4)
    p = fmt.finite(one.get("p_adjusted"))
    attribute, name = str(one["attribute"]), str(one["slice"])
    means = [
        "no rows" if mean is None else monitor_signals.amount(mean, unit)
        for mean in (fmt.finite(one.get(f"mean_{side}")) for side in ("reference", "current"))
    ]
    parts = [fmt.percent(fmt.finite(one.get(f"share_{side}"))) for side in ("reference", "current")]
    words = str(one.get("text") or "")
    return listing.Row(
        traces_path(told, monitor, {attribute: name}),
        [
            Cell(f"{attribute} {fmt.clip(name, 100)}", name),
            Cell(monitor_signals.amount(share, "share"), share=filled),
            *(Cell(text) for text in (*means, *parts)),
            Cell("not tested" if p is None else p_words(p), quiet=p is None),
            Cell(fmt.clip(words, 240), words, quiet=True),
        ],
        anew=True,
    )


def p_words(p: float) -> str:
    """Two digits; below a ten-thousandth it says so."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


# Traces.

_NAMES = {"session": "session_id", "user": "user_id"}
_OF_SCORES = {
    "with_score": "score", "with_score_at_least": "score_at_least", "with_score_at_most": "score_at_most",
    "with_score_label": "score_label", "with_score_failed": "score_failed",
}  # fmt: skip
"""Filters of calls -> parameters of the query `traces`, where they differ."""


def scope(told: Alert, monitor: Json | None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The URL of Traces for what the alert is about: the monitor's slice since the change; '' of it what is unknown."""
    since, until = window(told)
    where: dict[str, object] = {**((monitor or {}).get("where") or {}), **(more or {})}
    named: dict[str, object] = {_OF_SCORES.get(name) or _NAMES.get(name, name): value for name, value in where.items()}
    if (monitor or {}).get("signal") == "error_rate":
        named["has_errors"] = True
    return state.traces_scope(named | {"since": since.isoformat(), "until": until.isoformat()})


def window(told: Alert) -> tuple[datetime, datetime]:
    """From the change, or a day before it opened where its time is unknown, to the end of the alert or now."""
    opened = jobs.at(told["opened_at"])
    changed_at = told["since_low"] or told["changed_since"]
    since = jobs.at(changed_at) if changed_at else opened - timedelta(days=1)
    ends = told["resolved_at"] or (None if told["state"] != "resolved" else told["last_counted"])
    until = jobs.at(ends) if ends else datetime.now(UTC)
    return min(since, opened - _MARGIN), max(until, opened) + timedelta(minutes=1)


def traces_path(told: Alert, monitor: Json | None, more: Mapping[str, str]) -> str:
    """A link to the traces of a slice; '' where Traces has no filter for it."""
    if not set(more) <= set(state.FILTERS):
        return ""
    return state.traces_path(cast("dict[str, str | None]", scope(told, monitor, more)))


TRACE_COLUMNS = (
    Column("Time", "104px"),
    Column("Trace", "96px", link=True),
    Column("Value", "minmax(84px, 0.6fr)", "right"),
    Column("What it says", "minmax(240px, 4fr)"),
)


def _traces(told: Alert, document: Json, monitor: Json | None) -> None:
    """Example traces of the change; they can be selected and added to a dataset."""
    found = [one for one in document.get("traces") or () if state.trace_id(str(one["trace_id"]))][:TRACES]
    of = f"alert-{told['alert_id']}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Example traces**", width="content")
        st.space("stretch")
        selection.told(of)
        if found:
            picked = selection.selected(of)
            adding.button_of_these(picked or [str(one["trace_id"]) for one in found], picked)
            sending.of_alert(int(told["number"]), picked)
        st.page_link(
            "views/traces.py", label="Open all its traces", icon=":material/account_tree:",
            query_params=scope(told, monitor),
        )  # fmt: skip
    if not found:
        st.caption("None is picked out. The link leads to all traces of the monitor's slice since the change.")
        return
    unit = unit_of(monitor)
    rows = [_trace(one, unit) for one in found]
    listing.listing("alert-traces", "Example traces", TRACE_COLUMNS, rows, selection.part(of))


def _trace(one: Json, unit: str | None) -> listing.Row:
    at, words, trace_id = jobs.at(one["at"]), str(one.get("text") or ""), str(one["trace_id"])
    return listing.Row(
        state.trace_path(trace_id),
        [
            Cell(fmt.narrow(at, widgets.zone(), datetime.now(UTC)), fmt.utc(at)),
            Cell(trace_id.replace("-", "")[:12]),
            Cell(monitor_signals.amount(fmt.finite(one.get("value")), unit)),
            Cell(fmt.clip(words, 300), words),
        ],
        key=trace_id,
    )


# What was done.

EVENTS = (Column("When", "104px"), Column("What", "104px"), Column("By", "minmax(70px, 0.7fr)"), Column("Said", "2fr"))


def _history(told: Alert) -> None:
    st.markdown("**History**")
    rows = [
        listing.Row(
            "",
            [
                Cell(fmt.narrow(jobs.at(one["at"]), widgets.zone(), datetime.now(UTC)), fmt.utc(jobs.at(one["at"]))),
                Cell(str(one["event"])),
                Cell(fmt.clip(one["author"] or "the monitor", 60), quiet=not one["author"]),
                Cell(fmt.clip(one["text"] or "", 300), one["text"] or ""),
            ],
        )
        for one in told["events"]
    ]
    listing.listing("alert-events", "History", EVENTS, rows)
