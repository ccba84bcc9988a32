"""The page of one monitor: what it saw, the figures behind it, its policy in words, what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import (
    alerts,
    data,
    data_monitors,
    monitor_actions,
    monitor_course,
    monitor_looks,
    monitors,
    trust,
    widgets,
)
from app import format as fmt
from app import monitor_signals as signals
from app import monitor_words as words
from app.monitor_words import Monitor

Json = Mapping[str, Any]

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
        if one["score"]:
            trust.badge(one["score"])
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
    _figures(one)
    monitor_looks.section(one)


def _verdict(one: Monitor) -> None:
    if one["description"]:
        st.caption(fmt.plain(one["description"], 600))
    if one["why"] is None:
        st.markdown(fmt.plain(one["sentence"] or "It has not looked yet.", 1_500))
    else:
        st.warning(f"**Insufficient data.** {fmt.plain(one['why'], 500)}", icon=":material/visibility_off:")
    if one["alert_open"]:
        with st.container(horizontal=True, vertical_alignment="center"):
            number = one["alert_open"]["number"]
            st.badge(f"alert {number} {fmt.plain(one['alert_open']['state'], 40)}", color="red")
            st.page_link(
                alerts.PATH, label="What changed, since when, and what explains it", icon=":material/arrow_forward:",
                query_params={alerts.NUMBER: str(number)},
            )  # fmt: skip


def _tiles(one: Monitor) -> None:
    unit, last = words.unit(one), one["last"]
    calibration = one["calibration"] or {}
    alarms, late = calibration.get("false_alarms"), calibration.get("delay")
    widgets.tiles(
        _value(one, last, unit),
        _change(one, last, unit),
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


def _value(one: Monitor, last: Json | None, unit: str | None) -> widgets.Tile:
    if last is None:
        return widgets.Tile(f"Last {words.each(one['window'])}", "no look yet", "It has not looked yet", "—", [])
    exact = f"n = {fmt.count(last['n'])}; 95 % of what the reference lets expect: " + signals.bounds(
        last["low"], last["high"], unit
    )
    note = f"n = {fmt.short(last['n'])}"
    return widgets.Tile(
        f"Last {words.each(one['window'])}", signals.amount(last["value"], unit), fmt.plain(exact), note, []
    )


def _change(one: Monitor, last: Json | None, unit: str | None) -> widgets.Tile:
    if last is None or last["effect"] is None:
        return widgets.Tile("Change", "—", "Unknown: too little data, or the check has no reference", "unknown", [])
    p = "" if last["p_adjusted"] is None else f"adjusted p {_p(last['p_adjusted'])}"
    size = (signals.amount if unit in signals.MEASURES else signals.apart)(last["effect"], unit)
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


def _figures(one: Monitor) -> None:
    """Its course, how values lie, and the policy beside it: what is known without the course stands without it."""
    told: list[Json] = []
    widgets.guarded(
        "What it watched did not come.", "The looks and the policy below stand by themselves.",
        lambda: told.append(monitor_course.asked(one)),
    )  # fmt: skip
    for found in told:
        monitor_course.section(one, found)
    left, right = st.columns([6, 5], gap="large")
    with left:
        for found in told:
            monitor_course.lies(one, found)
    with right if told and told[0]["distributions"] else left:
        _policy(one)


# The policy.


def _policy(one: Monitor) -> None:
    """What it does, and how often it would fire for nothing, as sentences."""
    st.markdown("**Policy**")
    st.markdown(fmt.plain(f"{words.fires(one)} {words.schedule(one)}", 900))
    st.caption("  \n".join(fmt.plain(line, 400) for line in _terms(one)))
    st.markdown("**How often it fires for nothing**")
    st.markdown(fmt.plain(words.calibrated(one["calibration"], words.unit(one), words.kind(one)), 900))
    if at := (one["calibration"] or {}).get("at"):
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
