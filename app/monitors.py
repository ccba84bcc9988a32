"""The page Monitors: all of the project by state, and what a monitor is where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import data, data_monitors, listing, monitor_signals, widgets
from app import format as fmt
from app import monitor_words as words
from app.listing import Cell, Column, Course
from app.monitor_words import Monitor

PATH, ONE = "views/monitors.py", "views/monitor.py"
# Of the URL: which monitor, which is edited, what a new one says, suggestions; which state, a search, a page.
NAME, EDIT, MAKE, SUGGEST = "monitor", "edit", "watch", "suggest"
STATE, FIND, START = "monitor_state", "monitor_find", "start"
FOLLOW = "follow-monitors"  # key of the switch
EVERY_S, RARELY_S = 15, 60  # between two refreshes; where there are many monitors, which are 12 KB each
SHOWN = 100  # of a page
MANY = 8  # from which on there is a search
REASONS, NAMED = 5, 6  # of insufficient data that are told, and monitors of each
ALL = "all"
STANDING = "Monitors go on without this page."

COLUMNS = (
    Column("Monitor", "minmax(130px, 1.5fr)", link=True),
    Column("State", "112px"),
    Column("Watches", "minmax(130px, 1.4fr)", help="The signal, and of which calls"),
    Column("Last looks", "110px", help="Newest right; band: what the reference lets expect; dots: looks that count"),
    Column("Value", "88px", "right", "Over the window of the last look"),
    Column("False alarms a month", "140px", "right", "While nothing changes, with the 95 % interval"),
    Column("Found after", "82px", "right", "Half of lasting changes of the least effect are found by then"),
    Column("Looked", "78px", "right", "End of the window of the last look"),
)  # fmt: skip


def chosen(key: str) -> str:
    """What the URL has under this key; '' nothing."""
    return str(st.query_params.get(key) or "")


def path(name: str) -> str:
    """A link to a monitor, relative to the app's pages."""
    return f"monitor?{urlencode({NAME: name})}"


def new(label: str = "New monitor") -> None:
    """A link to the form."""
    st.page_link(PATH, label=label, icon=":material/add:", query_params={MAKE: "1"})


def overview(found: Sequence[Monitor]) -> None:
    """All monitors of the project; they refresh themselves where that is switched on."""
    said, switch = st.columns([5, 1], vertical_alignment="center")
    every = EVERY_S if len(found) <= SHOWN else RARELY_S
    follows = bool(switch.toggle(f"Refresh every {every} s", value=True, key=FOLLOW))
    with st.container(horizontal=True, vertical_alignment="center"):
        state = _states(found)
        many = len(found) > MANY
        text = widgets.search(FIND, "Search names, signals, owners", 230, (START,)) if many else ""
        st.space("stretch")
        st.page_link(PATH, label="Suggest monitors", icon=":material/lightbulb:", query_params={SUGGEST: "1"})
        new()
    st.fragment(_list, run_every=every if follows else None)(said.empty(), state, text)


def _states(found: Sequence[Monitor]) -> str:
    """Which state is shown; those that no monitor is in are not offered, but for the one that the URL names.

    Without counts: the URL has an option's label, and a link must outlive the next round. The sentence has them.
    """
    there = {words.state(one) for one in found} | {chosen(STATE)}
    options = [ALL, *(name for name in words.STATES if name in there)]
    return str(
        st.segmented_control(
            "State", options, default=ALL, required=True, key=STATE, bind="query-params", label_visibility="collapsed"
        )
    )


def _list(said: Any, state: str, text: str) -> None:
    try:
        found = data_monitors.monitors()
    except data.ApiError as error:
        widgets.failed("The monitors did not come.", error, STANDING)
        return
    said.markdown(words.finding(found))
    shown = matching(found, state, text)
    if not shown:
        widgets.empty("Monitors would be listed here.", f"None of {len(found):,} is {state} and matches the search.")
        return
    listing.listing("monitors", "Monitors", COLUMNS, [_line(one) for one in _of_page(shown)])
    _small_print(shown)


def _small_print(shown: Sequence[Monitor]) -> None:
    now = fmt.clock(datetime.now(UTC), widgets.zone())
    lines = [*blind(shown), f"Times in {widgets.zone()}, read at {now}. Keys: j k move, Enter opens."]
    left, right = st.columns([9, 1])
    with left:
        st.caption("  \n".join(fmt.plain(line, 500) for line in lines))
    with right:
        widgets.csv(table(shown), "monitors")


def blind(found: Sequence[Monitor]) -> list[str]:
    """Why monitors have insufficient data, the reason of most first: they see nothing, which is no reassurance."""
    whys: dict[str, list[str]] = {}
    for one in found:
        if words.state(one) == "insufficient data":
            whys.setdefault(str(one["why"] or "It is not known what is missing."), []).append(one["name"])
    reasons = sorted(whys.items(), key=lambda pair: -len(pair[1]))
    told = [f"Insufficient data: {_listed(names)}. {why}" for why, names in reasons[:REASONS]]
    more = len(reasons) - REASONS
    return [*told, *([f"{fmt.plural(more, 'more reason')}: open a monitor to see its own."] if more > 0 else [])]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def matching(found: Sequence[Monitor], state: str, text: str) -> list[Monitor]:
    """Those of a state, in the order of states and of names, with the text in name, signal, slice or owner."""
    kept = [one for one in found if state in {ALL, words.state(one)} and text.casefold() in _said(one).casefold()]
    return sorted(kept, key=lambda one: (words.STATES.index(words.state(one)), one["name"]))


def _said(one: Monitor) -> str:
    return "\n".join(
        (one["name"], words.watched(one), words.sliced(one["where"]), one["owner"] or "", one["description"])
    )


def _of_page(found: Sequence[Monitor]) -> Sequence[Monitor]:
    """The rows of the page that the URL asks for; with links to those beside, where there are several."""
    typed = chosen(START)
    start = min(int(typed[:9]) if typed.isascii() and typed.isdecimal() else 0, len(found) - 1) // SHOWN * SHOWN
    if len(found) > SHOWN:
        kept = {name: chosen(name) for name in (STATE, FIND) if chosen(name)}
        with st.container(horizontal=True, vertical_alignment="center"):
            last = min(start + SHOWN, len(found))
            before = kept | {START: str(start - SHOWN)} if start else None
            after = kept | {START: str(last)} if last < len(found) else None
            widgets.pages(PATH, before, after, f"Monitors {start + 1:,} to {last:,} of {len(found):,}")
    return found[start : start + SHOWN]


def _line(one: Monitor) -> listing.Row:
    unit, last, state = words.unit(one), one["last"] or {}, words.state(one)
    of = f"{words.watched(one)}, {words.sliced(one['where'])}"
    blind = not last or state in {"insufficient data", words.OFF}
    late = (one["calibration"] or {}).get("delay")
    return listing.Row(
        path(one["name"]),
        [
            Cell(one["name"], one["description"] or one["sentence"] or ""),
            Cell(state, one["why"] or "", tone=words.TONES[state]),
            Cell(fmt.clip(of, 160), of),
            Cell("", words.look_words(one["last"], unit), course=course(one)),
            Cell(monitor_signals.amount(last.get("value"), unit) if last else "—", _seen(last, unit), quiet=blind),
            Cell(words.false_alarms(one["calibration"]), words.calibrated(one["calibration"], unit, words.kind(one))),
            Cell(words.delay(one["calibration"]), f"of {monitor_signals.effect(late['effect'], unit)}" if late else ""),
            _looked(one["looked_until"]),
        ],
    )


def course(one: Monitor) -> Course | None:
    """Its newest looks as a line in the band of what was expected; null: there is no value yet."""
    looks = one["recent"]
    values = [look["value"] for look in looks]
    if all(value is None for value in values):
        return None
    marked = [at for at, look in enumerate(looks) if look["counts"] and look["value"] is not None]
    said = f"{fmt.plural(len(looks), 'look')}, newest {words.look_words(one['last'], words.unit(one))}"
    return Course(values, [look["low"] for look in looks], [look["high"] for look in looks], marked, said)


def _seen(last: words.Json, unit: str | None) -> str:
    """What was expected, and of how many."""
    if not last:
        return ""
    band = monitor_signals.bounds(last.get("low"), last.get("high"), unit)
    expected = "" if band == "no interval" else f"expected {band}, "
    return f"{expected}n = {fmt.count(last.get('n'))}"


def _looked(told: str | None) -> Cell:
    if told is None:
        return Cell("not yet", quiet=True)
    at = datetime.fromisoformat(told)
    return Cell(fmt.narrow(at, widgets.zone(), datetime.now(UTC))[:11], fmt.utc(at))


def table(found: Sequence[Monitor]) -> pd.DataFrame:
    """The list as a table: a row a monitor, exact values; null: unknown."""
    return pd.DataFrame([_row(one) for one in found])


def _row(one: Monitor) -> dict[str, Any]:
    last, told = one["last"] or {}, one["calibration"] or {}
    alarms, late = told.get("false_alarms") or {}, told.get("delay") or {}
    return {
        "monitor": one["name"], "state": words.state(one), "why": one["why"], "signal": one["signal"],
        "score": one["score"], "quantile": one["quantile"], "where": words.sliced(one["where"]),
        "unit": words.unit(one),
        **{name: last.get(name) for name in ("at", "value", "expected", "low", "high", "n", "effect", "p_adjusted")},
        "false_alarms_per_month": alarms.get("value"), "false_alarms_low": alarms.get("low"),
        "false_alarms_high": alarms.get("high"), "delay_days": late.get("median_days"), "owner": one["owner"],
    }  # fmt: skip
