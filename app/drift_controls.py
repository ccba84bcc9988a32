"""What the drift explorer compares: two windows, or two groups of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import streamlit as st

from app import compare_controls, data, state, widgets
from app import format as fmt
from app.monitor_signals import SIGNALS

PATH = "views/drift.py"
AGAINST, SINCE, UNTIL = "versus", "rfrom", "rto"  # in the URL
WAYS = {
    "before": "as long before", "week": "the same time a week before", "month": "the 4 weeks before",
    "group": "another group, the same time", "dates": "other dates",
}  # fmt: skip
WHICH = "signals"  # in the URL: which of them are asked
KINDS = {"all": "all signals", "numbers": "numbers and mixes", "texts": "texts and their meaning"}
TEXTS = (
    "refusal_rate", "input_length", "output_length", "language", "topics", "input_embedding", "output_embedding",
)  # fmt: skip
"""Signals for which texts are read, which takes most of the time."""
GROUP = ("service", "environment", "model", "provider", "release", "prompt", "variant", "tool")
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Side:
    """One sample: a window and which of its calls."""

    window: state.Window
    where: data.Filters

    def asked(self) -> dict[str, Any]:
        """As `POST /api/drift` takes it."""
        return {
            "since": self.window.since.isoformat(), "until": self.window.until.isoformat(), "where": dict(self.where)
        }  # fmt: skip


def controls(window: state.Window) -> tuple[Side, Side | None]:
    """Current and reference; a null reference: it has still to be chosen, and the page says so."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Current", width="content")
        where = widgets.call_filters(window, PATH)
        st.caption("against", width="content")
        compare_controls.choice(AGAINST, "Against", WAYS, width=230, bare=True)
        way = way_of(st.query_params.get(AGAINST))
        before = _window(way, window)
        group = _group(before or window)
        compare_controls.choice(WHICH, "Signals", KINDS, width=200, bare=True)
    current = Side(window, where)
    if before is None:
        st.info("Choose when the reference begins and ends.", icon=":material/date_range:")
        return current, None
    if way == "group" and not group:
        st.info("Choose the reference group: another model, release, prompt or the like.", icon=":material/group:")
        return current, None
    return current, Side(before, {**where, **group})


def asked_signals(kind: str) -> list[str] | None:
    """Names of the signals of a kind; null: all that a call has by itself."""
    if kind == "texts":
        return list(TEXTS)
    if kind == "numbers":
        return [one.name for one in SIGNALS.values() if one.alone and one.name not in {*TEXTS, "judge_agreement"}]
    return None


def kind_of(told: str | None) -> str:
    """Which signals the URL asks; what it does not know is all."""
    return told if told in KINDS else "all"


def way_of(told: str | None) -> str:
    """What the URL says is compared with; what it does not know is as long before."""
    return told if told in WAYS else next(iter(WAYS))


def _window(way: str, window: state.Window) -> state.Window | None:
    """Of the reference; null: dates that are not both there."""
    if way == "week":
        return state.Window(window.since - _WEEK, window.until - _WEEK, "the same time a week before")
    if way == "month":
        return state.Window(window.since - 4 * _WEEK, window.since, "the 4 weeks before")
    if way == "group":
        return window
    return _dates() if way == "dates" else window.before


def _dates() -> state.Window | None:
    since, until = _bound("From", SINCE), _bound("Before", UNTIL)
    if since is None or until is None or until <= since:
        return None
    return state.Window(since, until, "the reference's time")


def _bound(label: str, name: str) -> Any:
    """One end of the reference: an instant of the URL, entered in the viewer's zone."""
    at, key = state.instant(st.query_params.get(name)), f"{name}-local"
    st.session_state[key] = at and at.astimezone(widgets.zone()).replace(tzinfo=None)
    st.datetime_input(
        f"{label} ({widgets.zone()})", key=key, format="YYYY-MM-DD", on_change=_moved, args=(name, key), width=190
    )
    return at


def _moved(name: str, key: str) -> None:
    at = st.session_state[key]
    if at is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = state.instant_text(at.replace(tzinfo=widgets.zone()))


def _group(window: state.Window) -> dict[str, str]:
    """What the reference's calls have otherwise than the current ones; empty: nothing."""
    names = {f"ref_{name}": name for name in GROUP}
    with st.popover("Reference group", icon=":material/group:", key="reference-group", on_change="rerun") as popover:
        offers, cut = widgets.offered("calls_filters", window) if popover.open else ({}, "")
        left, right = st.columns(2, width=460)
        for place, (key, name) in enumerate(names.items()):
            with (left, right)[place % 2]:
                widgets.pick(key, offers.get(name, []), name.capitalize())
        if cut:
            st.caption(cut)
        st.caption("What is not chosen is as in the current group.")
    chosen = {name: str(value) for key, name in names.items() if (value := st.session_state.get(key))}
    if chosen:
        st.caption(fmt.plain(state.filter_words(chosen), 200), width="content")
    return chosen
