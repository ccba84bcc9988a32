"""One alert: what changed, since when, by what; what can be done, what was done, and whom it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pandas as pd
import streamlit as st

from app import (
    adding,
    alert_actions,
    alerts,
    charts_alerts,
    data,
    data_alerts,
    deliveries,
    jobs,
    listing,
    marks,
    selection,
    state,
    units,
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
    for sentence in [one for one in document.get("sentences") or () if one != told["verdict"]]:
        st.markdown(fmt.plain(str(sentence), 600))
    alert_actions.row(told)
    _facts(told, monitor)
    _figures(told, document, monitor)
    slices(document, told, monitor)
    _traces(told, document, monitor)
    alert_actions.note(told)
    left, right = st.columns([4, 5], gap="large")
    with left:
        _history(told)
    with right:
        deliveries.of_alert(told["deliveries"])
    st.caption(f"Times in {widgets.zone()}, read at {fmt.clock(datetime.now(UTC), widgets.zone())}.")


def _head(told: Alert) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"{told['number']}: {fmt.plain(told['monitor'], 100)}", anchor=False, width="content")
        now = datetime.now(UTC)
        st.badge(alerts.state_words(told, now), color=alerts.TONES.get(told["state"], "gray"))
        st.badge(str(told["severity"]), color=alerts.SEVERITIES.get(told["severity"], "gray"))
        if words := alerts.snoozed(told, now):
            st.caption(words, width="content")
        st.space("stretch")
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
    points = course(document)
    unit = document.get("unit") or (monitor or {}).get("unit")
    lies = distributions(document)
    if points.empty and lies is None:
        widgets.empty(
            "The course before and after would be here.",
            "It is worked out beside the server, a moment after an alert opens; checks without a stream have none.",
        )
        return
    with_both = not points.empty and lies is not None
    left, right = st.columns([7, 4]) if with_both else (st.container(), st.container())
    found = document.get("markers") or []
    with left:
        if not points.empty:
            _course(told, document, points, str(unit or ""), found)
    with right:
        if lies is not None:
            _distributions(lies)
    if found:
        marks.table(found, "alert-markers")


def _course(told: Alert, document: Json, points: pd.DataFrame, unit: str, found: Sequence[Json]) -> None:
    change, total = changed(document, told), points["n"].sum()
    subtitle = f"n = {fmt.short(float(total))}, {fmt.plural(len(points), 'look')}; band: 95 % of what was expected"
    title = str(document.get("label") or told["monitor"])
    drawn = charts_alerts.Course(points, change, marks.drawn(found), unit)
    st.plotly_chart(
        charts_alerts.course(drawn, title, subtitle, widgets.theme()),
        theme=None, key="alert-course", config={"displayModeBar": False},
        alt="Values over time with what was expected, and the time of change",
    )  # fmt: skip
    if words := marks.words(found):
        st.caption(words)
    with st.expander("Figure as a table", key="alert-course-table", on_change="rerun") as twin:
        if twin.open:
            st.dataframe(points, hide_index=True, placeholder="unknown", alt="Values over time, exact")


def course(document: Json) -> pd.DataFrame:
    """The document's series: at (local), value, n, expected, low, high; null where nothing is known."""
    columns = ["value", "n", "expected", "low", "high"]
    rows = document.get("series") or []
    frame = pd.DataFrame([{"at": marks.local(one["at"])} | {name: one.get(name) for name in columns} for one in rows])
    if frame.empty:
        return pd.DataFrame(columns=["at", *columns])
    return frame.astype(dict.fromkeys(columns, "float64")).sort_values("at", ignore_index=True)


def changed(document: Json, told: Alert) -> charts_alerts.Change | None:
    """When it changed, as explained; else as the alert tells it; null: unknown."""
    one = document.get("change")
    if not one:
        since = told["changed_since"]
        return charts_alerts.Change(marks.local(since), None, None, None, None) if since else None
    ends = [marks.local(one[name]) if one.get(name) else None for name in ("low", "high")]
    before, after = (fmt.finite(one.get(name)) for name in ("before", "after"))
    return charts_alerts.Change(marks.local(one["at"]), ends[0], ends[1], before, after)


def distributions(document: Json) -> pd.DataFrame | None:
    """Shares of the reference and the current values by category, or by bin with low and high; null: none told."""
    lies = document.get("distributions")
    if not lies or not lies.get("reference") or not lies.get("current"):
        return None
    names = ["label"] if "label" in lies["reference"][0] else ["low", "high"]
    sides = [
        pd.DataFrame(lies[side])[[*names, "share"]].rename(columns={"share": side}) for side in ("reference", "current")
    ]
    frame = sides[0].merge(sides[1], on=names, how="outer").fillna({"reference": 0.0, "current": 0.0})
    if names == ["label"]:
        return frame.sort_values("reference", ascending=False, ignore_index=True)
    return frame.sort_values("low", ignore_index=True)


def _distributions(lies: pd.DataFrame) -> None:
    st.plotly_chart(
        charts_alerts.shares(lies, ("reference", "current"), "How values lie", "per cent of each", widgets.theme()),
        theme=None, key="alert-shares", config={"displayModeBar": False},
        alt="How values lie in the reference and now",
    )  # fmt: skip


# What explains it.

COLUMNS = (
    Column("Slice", "minmax(150px, 1.6fr)", link=True),
    Column("Explains", "minmax(110px, 1fr)", "right", "Part of the whole change"),
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
    unit = document.get("unit") or (monitor or {}).get("unit")
    rows = [_slice(one, unit, told, monitor) for one in found[:SLICES]]
    listing.listing("alert-slices", "What explains it", COLUMNS, rows)
    if len(found) > SLICES:
        widgets.cut(SLICES, len(found), "slices")
    if words := [str(one["text"]) for one in document.get("attributes") or () if one.get("text")]:
        st.caption(fmt.plain(" ".join(words), 600))


def _slice(one: Json, unit: str | None, told: Alert, monitor: Json | None) -> listing.Row:
    share = fmt.finite(one.get("share_of_change"))
    p = fmt.finite(one.get("p_adjusted"))
    attribute, name = str(one["attribute"]), str(one["slice"])
    means = [units.value(fmt.finite(one.get(f"mean_{side}")), unit) for side in ("reference", "current")]
    parts = [fmt.percent(fmt.finite(one.get(f"share_{side}"))) for side in ("reference", "current")]
    words = str(one.get("text") or "")
    return listing.Row(
        traces_path(told, monitor, {attribute: name}),
        [
            Cell(f"{attribute} {fmt.clip(name, 100)}", name),
            Cell(fmt.percent(share), share=None if share is None else round(min(1.0, max(0.0, share)), 4)),
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
        st.page_link(
            "views/traces.py", label="Open all its traces", icon=":material/account_tree:",
            query_params=scope(told, monitor),
        )  # fmt: skip
    if not found:
        st.caption("None is picked out. The link leads to all traces of the monitor's slice since the change.")
        return
    unit = document.get("unit") or (monitor or {}).get("unit")
    rows = [_trace(one, unit) for one in found]
    listing.listing("alert-traces", "Example traces", TRACE_COLUMNS, rows, selection.part(of))


def _trace(one: Json, unit: str | None) -> listing.Row:
    at, words, trace_id = jobs.at(one["at"]), str(one.get("text") or ""), str(one["trace_id"])
    return listing.Row(
        state.trace_path(trace_id),
        [
            Cell(fmt.narrow(at, widgets.zone(), datetime.now(UTC)), fmt.utc(at)),
            Cell(trace_id.replace("-", "")[:12]),
            Cell(units.value(fmt.finite(one.get("value")), unit)),
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
