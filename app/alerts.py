"""The list of alerts: open ones by what caused them, all others by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

import streamlit as st

from app import compare_controls, data, data_alerts, jobs, listing, widgets
from app import format as fmt
from app.listing import Cell, Column

Alert = Mapping[str, Any]
Tone = Literal["red", "orange", "green", "blue", "gray"]

PATH = "views/alerts.py"
# Of the URL: which alert is open, which part of the page, what is listed, of which monitor and owner, older than which.
NUMBER, PART, STATE, MONITOR, OWNER, BEFORE = "alert", "part", "state", "monitor", "owner", "before"
PARTS = ("alerts", "channels", "deliveries")
STATES = ("open", "firing", "acknowledged", "resolved", "all")
OPEN = frozenset({"open", "firing", "acknowledged"})
NOBODY = "-"  # in the URL: alerts without an owner
FOLLOW = "follow-alerts"  # key of the switch
EVERY_S = 10
PAGE = 100  # alerts of a page; of a longer list the rest is a page on
ALONE = "No common cause found"
TONES: Mapping[str, Tone] = {"firing": "red", "acknowledged": "orange", "resolved": "green"}
SEVERITIES: Mapping[str, Tone] = {"critical": "red", "warning": "orange", "info": "gray"}
_ORDER = {"critical": 0, "warning": 1, "info": 2}
_TOLD = 3  # causes that the sentence names


def chosen(name: str) -> str:
    """What the URL has under this name; '' nothing."""
    return str(st.query_params.get(name) or "")


def overview(follows: bool) -> None:
    """All alerts of the project that are asked for; with `follows` they refresh themselves."""
    st.fragment(_list, run_every=EVERY_S if follows else None)()


def parts() -> tuple[str, bool]:
    """Which part of the page is open: alerts, channels or deliveries; and whether it refreshes itself."""
    with st.container(horizontal=True, vertical_alignment="center"):
        part = st.segmented_control(
            "Part", PARTS, default=PARTS[0], required=True, key=PART, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        st.space("stretch")
        follows = part != PARTS[1] and st.toggle(f"Refresh every {EVERY_S} s", value=True, key=FOLLOW)
    return str(part), bool(follows)


def _list() -> None:
    try:
        state, monitor, owner = _controls()
        before = chosen(BEFORE)
        of = {"monitor": monitor, "owner": "" if owner == NOBODY else owner or None}
        found = data_alerts.alerts(state, PAGE, before=int(before) if before.isdigit() else None, **of)
    except data.ApiError as error:
        widgets.failed("The alerts did not come.", error, "Monitors go on looking, and channels are told all the same.")
        return
    shown = found["alerts"]
    st.markdown(fmt.plain(finding(shown, found["open"], state), 800))
    if not shown:
        _nothing(state, narrowed=bool(monitor or owner))
        return
    rows = grouped(shown) if state in OPEN else [_line(one, caused=True) for one in shown]
    listing.listing("alerts", "Alerts", COLUMNS if state in OPEN else WITH_CAUSE, rows)
    _below(found)


def _controls() -> tuple[str, str | None, str]:
    """What is listed: state, monitor, owner. Those to choose from come from the newest alerts."""
    with st.container(horizontal=True, vertical_alignment="center"):
        state = str(
            st.segmented_control(
                "State",
                STATES,
                default=STATES[0],
                required=True,
                key=STATE,
                bind="query-params",
                label_visibility="collapsed",
            )
        )
        newest = data_alerts.alerts(state, PAGE)["alerts"]
        monitors = sorted({str(one["monitor"]) for one in newest} | ({chosen(MONITOR)} - {""}))
        owners = sorted({str(one["owner"]) for one in newest if one["owner"]} | ({chosen(OWNER)} - {"", NOBODY}))
        _choice(MONITOR, "Monitor", {one: one for one in monitors}, "any monitor")
        _choice(OWNER, "Owner", {NOBODY: "nobody's"} | {one: one for one in owners}, "any owner")
    return state, chosen(MONITOR) or None, chosen(OWNER)


def _choice(name: str, label: str, options: Mapping[str, str], none: str) -> None:
    compare_controls.choice(name, label, options, none=none, width=190, bare=True)


def finding(found: Sequence[Alert], total_open: int, state: str = "open") -> str:
    """How many are open, by what, and what nobody has taken: `4 alerts are open: 3 by release 1.8, 1 without ...`."""
    open_ones = [one for one in found if one["state"] != "resolved"]
    if not total_open:
        return "No alert is open."
    said = f"{fmt.plural(total_open, 'alert is', 'alerts are')} open"
    if state not in OPEN or not open_ones:
        return f"{said}."
    causes = [(heading, len(rows)) for heading, rows in groups(open_ones)]
    named = [f"{n:,} by {cause}" for cause, n in causes if cause != ALONE]
    parts = [*named[:_TOLD], *([f"{len(named) - _TOLD:,} more causes"] if len(named) > _TOLD else [])]
    alone = dict(causes).get(ALONE, 0)
    parts += [f"{alone:,} without a common cause"] if alone and named else []
    firing = sum(one["state"] == "firing" for one in open_ones)
    nobodys = sum(one["owner"] is None for one in open_ones)
    rest = f"{firing:,} not acknowledged" if firing else "all acknowledged"
    free = f", {nobodys:,} without an owner" if nobodys else ""
    if len(open_ones) < total_open:
        said += f". Of the {len(open_ones):,} listed"
    told = f"{', '.join(parts)}; {rest}" if parts else rest
    return f"{said}{': ' if parts or len(open_ones) < total_open else '; '}{told}{free}."


def groups(found: Sequence[Alert]) -> list[tuple[str, list[Alert]]]:
    """Alerts by cause: words and the alerts of each; the worst and newest first, those without a common cause last."""
    by_cause: dict[str, list[Alert]] = {}
    for one in found:
        by_cause.setdefault(_cause(one), []).append(one)
    return sorted(by_cause.items(), key=lambda pair: (pair[0] == ALONE, *_urgency(pair[1])))


def _cause(one: Alert) -> str:
    """An alert of which no cause is known has the one of its own monitor, and would be a group by itself."""
    return ALONE if str(one["cause"]).startswith("monitor:") else str(one["cause_text"] or one["cause"])


def _urgency(rows: Sequence[Alert]) -> tuple[bool, int, float]:
    newest = max(jobs.at(one["opened_at"]).timestamp() for one in rows)
    return all(one["state"] != "firing" for one in rows), min(_ORDER.get(one["severity"], 3) for one in rows), -newest


def grouped(found: Sequence[Alert]) -> list[listing.Row]:
    """Rows under a heading for each cause."""
    rows: list[listing.Row] = []
    for cause, members in groups(found):
        rows.append(listing.Row("", [], heading=f"{cause} · {_heading(members)}"))
        rows += [_line(one) for one in sorted(members, key=lambda one: -int(one["number"]))]
    return rows


def _heading(members: Sequence[Alert]) -> str:
    """`3 alerts, 2 firing, the first at 14:02:10`."""
    counts = {state: sum(one["state"] == state for one in members) for state in TONES}
    said = ", ".join(f"{n:,} {state}" for state, n in counts.items() if n and n < len(members))
    first = min(jobs.at(one["opened_at"]) for one in members)
    at = fmt.recent(first, widgets.zone(), datetime.now(UTC))
    first_at = f"the first at {at}" if len(members) > 1 else f"at {at}"
    return f"{fmt.plural(len(members), 'alert')}{f', {said}' if said else ''}, {first_at}"


COLUMNS = (
    Column("No.", "42px", "right"),
    Column("Severity", "70px"),
    Column("State", "104px"),
    Column("Monitor", "minmax(110px, 1fr)", link=True),
    Column("What changed", "minmax(220px, 3.4fr)"),
    Column("Changed", "104px", help="The estimated time of the change"),
    Column("Opened", "104px"),
    Column("Owner", "minmax(64px, 0.6fr)"),
)
WITH_CAUSE = (*COLUMNS[:5], Column("Cause", "minmax(90px, 0.9fr)"), *COLUMNS[6:])
"""Where alerts stand by time: the cause in the place of the time of change."""


def _line(one: Alert, *, caused: bool = False) -> listing.Row:
    now, zone = datetime.now(UTC), widgets.zone()
    opened = jobs.at(one["opened_at"])
    since = one["changed_since"] and jobs.at(one["changed_since"])
    changed = Cell("unknown", quiet=True) if not since else Cell(fmt.narrow(since, zone, now)[:11], interval(one))
    alone = _cause(one) == ALONE
    cause = Cell("none found" if alone else fmt.clip(_cause(one), 120), _cause(one), quiet=alone)
    return listing.Row(
        path(int(one["number"])),
        [
            Cell(f"{one['number']}"),
            Cell(one["severity"], tone=SEVERITIES.get(one["severity"], "gray")),
            Cell(state_words(one, now), snoozed(one, now), tone=TONES.get(one["state"], "gray")),
            Cell(fmt.clip(one["monitor"], 100), one["monitor"]),
            Cell(fmt.clip(one["verdict"], 300), one["verdict"]),
            cause if caused else changed,
            Cell(fmt.narrow(opened, zone, now)[:11], fmt.utc(opened)),
            Cell(fmt.clip(one["owner"] or "nobody", 60), quiet=not one["owner"]),
        ],
    )


def state_words(one: Alert, now: datetime) -> str:
    """Its state; `snoozed` while nobody is told of a firing one."""
    return "snoozed" if snoozed(one, now) and one["state"] == "firing" else str(one["state"])


def snoozed(one: Alert, now: datetime) -> str:
    """`Nothing is told before 16:00:00`; '': it is not snoozed."""
    until = one["snoozed_until"] and jobs.at(one["snoozed_until"])
    if not until or until <= now or one["state"] == "resolved":
        return ""
    return f"Nothing is told before {fmt.recent(until, widgets.zone(), now)}"


def interval(one: Alert) -> str:
    """`95 % interval 13:10 to 15:40`, with the date where it is not today's; '': unknown."""
    ends = [one[name] and jobs.at(one[name]) for name in ("since_low", "since_high")]
    if not all(ends):
        return ""
    low, high = (fmt.narrow(end, widgets.zone(), datetime.now(UTC))[:11] for end in ends)
    return f"95 % interval {low} to {high}"


def path(number: int) -> str:
    """A link to an alert, relative to the app's pages."""
    return f"alerts?{urlencode({NUMBER: number})}"


def _below(found: Mapping[str, Any]) -> None:
    shown, total = len(found["alerts"]), int(found["total"]) if found["cut"] else 0
    now = fmt.clock(datetime.now(UTC), widgets.zone())
    with st.container(horizontal=True, vertical_alignment="center"):
        if total > shown:
            widgets.cut(shown, total, "alerts")
            kept = {name: chosen(name) for name in (STATE, MONITOR, OWNER) if chosen(name)}
            older = kept | {BEFORE: str(min(int(one["number"]) for one in found["alerts"]))}
            st.page_link(PATH, label="Older alerts", icon=":material/arrow_forward:", query_params=older)
        st.caption(f"Times in {widgets.zone()}, read at {now}. Keys: j k move, Enter opens.", width="content")


def _nothing(state: str, *, narrowed: bool) -> None:
    if narrowed or chosen(BEFORE):
        widgets.empty(
            "Alerts would be listed here.", "None of this state matches the filters.",
            lambda: st.page_link(
                PATH, label="Show all alerts", icon=":material/filter_list_off:", query_params={STATE: "all"}
            ),
        )  # fmt: skip
        return
    of = "" if state == "all" else f" that {'are' if state != 'resolved' else 'were'} {state}"
    widgets.empty(
        f"Alerts{of} would be listed here.",
        "There is none. Monitors raise them; each says how often it is expected to cry wolf.",
        lambda: st.page_link("views/monitors.py", label="Monitors", icon=":material/monitor_heart:"),
    )
