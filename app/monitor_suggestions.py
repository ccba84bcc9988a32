"""Monitors that would suit the project: what there is to watch and why, ticked, set at one click; what a monitor is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import data, data_monitors, monitor_terms, monitors, widgets
from app import format as fmt
from app import monitor_signals as signals
from app import monitor_words as words

Suggestion = Mapping[str, Any]

_SET = "monitors-done"  # session state: names that the last click set, and what was refused
_KEY = "suggested-"
_PLAIN = re.compile(r"[A-Za-z0-9-]{1,100}")
WHAT = """\
A monitor is a standing check of what comes in. It watches one **signal** (an error rate, a duration, a score) of some
of your calls, the **slice**, and compares it with what is normal for them, the **reference**. When the signal moves
away by more than the least change that matters to you, and beyond chance, it fires: an **alert** says what changed,
since when, and what explains it.

Each monitor tells beforehand how often it will fire for nothing: its false alarms a month, worked out on its own
reference. While it has too little data to say anything it says that, and is never green.\
"""


def first() -> None:
    """The page of a project without monitors."""
    st.markdown("**No monitor is set yet.**")
    st.markdown(WHAT)
    _offers("These would suit what the project has. Untick what you do not want.")
    with st.container(horizontal=True, vertical_alignment="center"):
        monitors.new("Choose a signal yourself")
        st.caption("Or take Watch below a figure of Home, Cost, Latency or Compare.", width="content")


def section() -> None:
    """What would suit a project that has some."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Suggested monitors", anchor=False, width="content")
        st.space("stretch")
        st.page_link(monitors.PATH, label="All monitors", icon=":material/arrow_back:", query_params={})
    with st.expander("What a monitor is"):
        st.markdown(WHAT)
    _offers("These watch what no monitor of the project does yet. Untick what you do not want.")


def _offers(lead: str) -> None:
    with st.skeleton(height=240):
        found = data_monitors.suggestions()
    if not found:
        _nothing()
        return
    st.caption(lead)
    with st.container(border=True, gap="xsmall"):
        for one in found:
            _row(one)
    count = len(_ticked(found))
    st.button(
        f"Set {fmt.plural(count, 'monitor')}", type="primary", key="monitors-set", icon=":material/check:",
        disabled=not count, on_click=_set, args=(found,),
    )  # fmt: skip


def _ticked(found: Sequence[Suggestion]) -> list[Suggestion]:
    return [one for one in found if st.session_state.get(_KEY + one["name"], True)]


def _nothing() -> None:
    what = "Suggested monitors would be listed here."
    if not data.home_newest()["traces"]:
        why = "Nothing has arrived yet, so nothing can be suggested."
        widgets.empty(what, why, lambda: st.page_link("views/home.py", label="See how to send traces"))
        return
    why = "There is nothing more to suggest: no calls and scores came in the last 28 days, or all of them are watched."
    widgets.empty(what, why)


def _row(one: Suggestion) -> None:
    """One of them: a box, what it watches, why, and the way to change it first."""
    box, text, link = st.columns([4, 13, 2], vertical_alignment="center")
    with box:
        # A name is read out as it stands in Markdown; of these letters alone it needs no escaping.
        name = str(one["name"])
        st.checkbox(name if _PLAIN.fullmatch(name) else fmt.plain(name, 60), value=True, key=_KEY + name)
    with text, st.container(gap=None):
        st.markdown(fmt.plain(f"{what(one['terms'])}.", 200))
        st.caption(fmt.plain(one["why"], 300))
    with link:
        st.page_link(
            monitors.PATH, label="Change", icon=":material/tune:",
            query_params={monitors.MAKE: monitor_terms.linked(one["terms"])},
        )  # fmt: skip


def what(terms: Mapping[str, Any]) -> str:
    """What it would watch and when it fires: `Error rate, all calls; a rise, against the 28 days before`."""
    alert = terms.get("alert") or {}
    kind = alert.get("kind", "drift")
    watched = signals.title(terms.get("signal"), terms.get("score"), terms.get("quantile"), kind)
    if kind in signals.PLAIN:
        window = f" for {words.length(terms['window'])}" if kind == "no_data" and "window" in terms else ""
        return watched + window
    side = {"up": "a rise", "down": "a fall"}.get(alert.get("side") or "", "a change either way")
    before = words.length((terms.get("against") or {}).get("last") or "28d")
    window = words.each(terms.get("window") or "1d")
    return (
        f"{watched}, {words.sliced(terms.get('where') or {})}; {side} of the last {window} against the {before} before"
    )


def _set(found: Sequence[Suggestion]) -> None:
    """Set those that are ticked by now, one by one; what is refused keeps none of the others.

    By now: a box may be unticked and the button clicked before the page was drawn anew.
    """
    done, refused = [], []
    for one in _ticked(found):
        try:
            data_monitors.set_monitor(one["name"], one["terms"])
            done.append(str(one["name"]))
        except data.ApiError as error:
            refused.append(f"{one['name']}: {error}")
    st.session_state[_SET] = (done, refused)


def done() -> None:
    """What the last click set, once."""
    done, refused = st.session_state.pop(_SET, ((), ()))
    if done:
        said = f"{fmt.plural(len(done), 'monitor is', 'monitors are')} set. Their first looks follow within a minute."
        st.success(said, icon=":material/check:")
    for said in refused:
        st.error(fmt.plain(said, 400), icon=":material/error:")
