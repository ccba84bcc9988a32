"""The page of one monitor: what it saw, the figures behind it, its policy in words, what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from app import (
    charts,
    charts_monitors,
    data,
    data_monitors,
    monitor_actions,
    monitor_figure,
    monitor_looks,
    monitors,
    widgets,
)
from app import format as fmt
from app import monitor_signals as signals
from app import monitor_words as words
from app.monitor_words import Monitor

Json = Mapping[str, Any]

ALERTS = "views/alerts.py"
RANGE = "over"  # of the URL: how much time the figure shows
RANGES = {"7 days": 7, "30 days": 30, "90 days": 90}
EVERY_S = 15
FOLLOW = "follow-monitor"


def page(name: str) -> None:
    """All of one monitor."""
    if not name:
        widgets.empty("A monitor would be here.", "The address names none.", lambda: _all("All monitors"))
        return
    if monitor_actions.gone(name):
        return
    try:
        one = data_monitors.monitor(name)
    except data.ApiError as error:
        if error.status != 404:
            raise
        widgets.empty("A monitor would be here.", fmt.plain(str(error), 300), lambda: _all("All monitors"))
        return
    _head(one)
    monitor_actions.refused()
    follows = bool(st.session_state.get(FOLLOW, True))
    st.fragment(_body, run_every=EVERY_S if follows else None)(name)


def _all(label: str) -> None:
    st.page_link(monitors.PATH, label=label, icon=":material/arrow_back:", query_params={})


def _head(one: Monitor) -> None:
    state = words.state(one)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(fmt.plain(one["name"], 100), anchor=False, width="content")
        st.badge(state, color=words.TONES[state])
        st.caption(fmt.plain(f"{words.watched(one)}, {words.sliced(one['where'])}", 200), width="content")
        st.space("stretch")
        st.toggle(f"Refresh every {EVERY_S} s", value=True, key=FOLLOW)
        _all("All monitors")
    monitor_actions.row(one)


def _body(name: str) -> None:
    """What moves: the verdict, the tiles, the figures and the tables."""
    try:
        one = data_monitors.monitor(name)
    except data.ApiError as error:
        widgets.failed("The monitor did not come.", error, monitors.STANDING)
        return
    _verdict(one)
    _tiles(one)
    widgets.guarded(
        "What it watched did not come.", "The looks and the policy below stand by themselves.", lambda: _figures(one)
    )
    _policy(one)
    monitor_looks.section(one)


def _verdict(one: Monitor) -> None:
    if one["description"]:
        st.caption(fmt.plain(one["description"], 600))
    st.markdown(fmt.plain(one["sentence"] or "It has not looked yet.", 1_500))
    if one["why"]:
        st.warning(f"**Insufficient data.** {fmt.plain(one['why'], 500)}", icon=":material/visibility_off:")
    if one["alert_open"]:
        with st.container(horizontal=True, vertical_alignment="center"):
            number = one["alert_open"]["number"]
            st.badge(f"alert {number} {fmt.plain(one['alert_open']['state'], 40)}", color="red")
            st.page_link(
                ALERTS, label="What changed, since when, and what explains it", icon=":material/arrow_forward:",
                query_params={"alert": str(number)},
            )  # fmt: skip


def _tiles(one: Monitor) -> None:
    unit, last = words.unit(one), one["last"]
    calibration = one["calibration"] or {}
    alarms, late = calibration.get("false_alarms"), calibration.get("delay")
    widgets.tiles(
        _value(last, unit, one),
        _change(last, unit, one),
        widgets.Tile(
            "False alarms a month", fmt.digits(alarms["value"]) if alarms else "—",
            fmt.plain(words.calibrated(one["calibration"], unit, words.kind(one)), 900),
            f"{fmt.digits(alarms['low'])} to {fmt.digits(alarms['high'])}" if alarms else "not worked out", [],
        ),
        widgets.Tile(
            "Found after", words.delay(one["calibration"]),
            "Half of lasting changes of this size are found by then",
            f"a change of {signals.effect(late['effect'], unit)}" if late else "not worked out", [],
        ),
        _times(one),
    )  # fmt: skip


def _value(last: Json | None, unit: str | None, one: Monitor) -> widgets.Tile:
    course = [float("nan") if look["value"] is None else look["value"] for look in one["recent"]]
    if last is None:
        return widgets.Tile(f"Last {words.length(one['window'])}", "no look yet", "It has not looked yet", "—", [])
    exact = f"n = {fmt.count(last['n'])}; 95 % of what the reference lets expect: " + signals.bounds(
        last["low"], last["high"], unit
    )
    note = f"n = {fmt.short(last['n'])}"
    return widgets.Tile(
        f"Last {words.length(one['window'])}", signals.amount(last["value"], unit), fmt.plain(exact), note, course
    )


def _change(last: Json | None, unit: str | None, one: Monitor) -> widgets.Tile:
    if last is None or last["effect"] is None:
        return widgets.Tile("Change", "—", "Unknown: too little data, or the check has no reference", "unknown", [])
    p = "" if last["p_adjusted"] is None else f"adjusted p {_p(last['p_adjusted'])}"
    size = signals.apart(last["effect"], unit) if unit not in signals.MEASURES else signals.effect(last["effect"], unit)
    least = f"least that fires: {signals.effect(one['min_effect'], unit)}"
    return widgets.Tile("Change", size, fmt.plain(f"{p}; {least}"), fmt.plain(p or least), [])


def _p(p: float) -> str:
    return fmt.digits(p, 2) if p >= 0.001 else "below 0.001"


def _times(one: Monitor) -> widgets.Tile:
    zone, now = widgets.zone(), datetime.now(UTC)
    if one["looked_until"] is None:
        return widgets.Tile("Looked until", "not yet", "End of the window of the last look", "—", [])
    at = datetime.fromisoformat(one["looked_until"])
    upcoming = datetime.fromisoformat(one["next_look"]) if one["next_look"] and one["enabled"] else None
    note = f"next {fmt.clock(upcoming, zone)[:5]}" if upcoming else "off"
    return widgets.Tile("Looked until", fmt.narrow(at, zone, now)[:11], fmt.utc(at), note, [])


# The figures.


def _figures(one: Monitor) -> None:
    if words.unit(one) is None and not one["recent"]:
        return
    chosen = st.segmented_control(
        "Time", list(RANGES), default="30 days", required=True, key=RANGE, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    told = data_monitors.series(one["name"], until - timedelta(days=RANGES[str(chosen)]), until)
    _course(one, told)
    if told["distributions"]:
        _distributions(one, told["distributions"])


def _course(one: Monitor, told: Json) -> None:
    unit, zone = words.unit(one), widgets.zone()
    if not told["points"] and not told["looks"]:
        widgets.empty("Its course would be here.", "Nothing was watched in this time yet.")
        return
    drawn = monitor_figure.drawn(told, unit, one["alert"], zone)
    title, step = words.watched(one), pd.Timedelta(seconds=told["bucket_s"])
    n = drawn.points["n"].astype("float64").sum()
    subtitle = f"n = {fmt.short(n)}, {widgets.each(step)}; shaded: {_shaded(one, told)}; blue: windows of looks"
    st.plotly_chart(
        charts_monitors.watched(charts.label(title, 60), drawn, subtitle, widgets.theme()),
        theme=None, key="monitor-course", config={"displayModeBar": False},
        alt=f"{title} over time, in the band of what its reference lets expect",
    )  # fmt: skip
    _change_words(told, unit, zone)
    with st.expander("Figure as a table", key="monitor-course-table", on_change="rerun") as twin:
        if twin.open:
            table = drawn.points.drop(columns="told")
            st.dataframe(table, hide_index=True, height=240, alt="What was watched, by bucket")
            widgets.csv(table, f"monitor-{one['name']}-buckets")


def _shaded(one: Monitor, told: Json) -> str:
    text = (told["reference"] or {}).get("text")
    return charts.label(text or words.reference(one["against"], widgets.zone()), 60)


def _change_words(told: Json, unit: str | None, zone: Any) -> None:
    """The time of change with its interval, and the markers, in words: the figure is not all there is."""
    change, said = told["change"], []
    if change:
        at, low, high = (monitor_figure.local(change[end], zone) for end in ("at", "low", "high"))
        moved = f" from {signals.amount(change['before'], unit)} to {signals.amount(change['after'], unit)}"
        said.append(f"It changed{moved} at about {at:%Y-%m-%d %H:%M} (95 %: {low:%m-%d %H:%M} to {high:%m-%d %H:%M}).")
    marks = [f"{monitor_figure.local(one['at'], zone):%m-%d %H:%M} {one['text']}" for one in told["markers"] or ()]
    if marks:
        more = f"; and {len(marks) - 6:,} more" if len(marks) > 6 else ""
        said.append(f"Dotted: {'; '.join(marks[:6])}{more}.")
    if said:
        st.caption(fmt.plain(" ".join(said), 900))


def _distributions(one: Monitor, told: Json) -> None:
    """How values lay in the reference, and how they lie now."""
    rows = _joined(told)
    if rows.empty:
        return
    title, subtitle = "Reference and current values", "shares of all values of each side"
    if "label" in rows:
        figure = charts_monitors.shares(title, rows, subtitle, widgets.theme())
    else:
        figure = charts_monitors.histogram(title, rows, signals.axis(words.unit(one)), subtitle, widgets.theme())
    st.plotly_chart(
        figure, theme=None, key="monitor-distributions", config={"displayModeBar": False},
        alt="How values are spread in the reference and now",
    )  # fmt: skip
    with st.expander("Spread as a table", key="monitor-spread-table", on_change="rerun") as twin:
        if twin.open:
            st.dataframe(rows, hide_index=True, alt="Shares of reference and current values")


def _joined(told: Json) -> pd.DataFrame:
    """Both sides beside one another: label, or low and high; reference and current."""
    sides = {name: pd.DataFrame(told[name]) for name in charts_monitors.SIDES}
    if all(side.empty for side in sides.values()):
        return pd.DataFrame()
    on = ["label"] if "label" in next(side for side in sides.values() if not side.empty) else ["low", "high"]
    first, second = (
        side.rename(columns={"share": name}) if not side.empty else pd.DataFrame(columns=[*on, name])
        for name, side in sides.items()
    )
    joined = first.merge(second, on=on, how="outer", sort=on != ["label"])
    return joined[[*on, *charts_monitors.SIDES]]


# The policy.


def _policy(one: Monitor) -> None:
    """What it does, and how often it would fire for nothing, as sentences."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Policy**")
        st.markdown(fmt.plain(f"{words.fires(one)} {words.schedule(one)}", 900))
        for line in _terms(one):
            st.caption(fmt.plain(line, 400))
    with right:
        st.markdown("**How often it fires for nothing**")
        st.markdown(fmt.plain(words.calibrated(one["calibration"], words.unit(one), words.kind(one)), 900))
        at = (one["calibration"] or {}).get("at")
        if at:
            st.caption(f"Worked out {fmt.moment(datetime.fromisoformat(at), widgets.zone())[:16]}; anew each week.")


def _terms(one: Monitor) -> list[str]:
    said = []
    if words.kind(one) == "drift":
        said.append(f"Compared with {words.reference(one['against'], widgets.zone())}.")
        if season := words.SEASONS.get(one["season"] or ""):
            said.append(season)
    told = ", ".join(one["notify"]) or "all channels that take it"
    escalates = f", as critical after {words.length(one['escalate_after'])}" if one["escalate_after"] else ""
    return [*said, f"{one['severity'].capitalize()}, owned by {one['owner'] or 'nobody'}; told to {told}{escalates}."]
