"""A search in steps on the Traces page: rows as they are found, how far it has looked, a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import data_finding, state, widgets
from app import format as fmt

MORE, MOST = 50, 500  # rows that are found before it rests; that one list shows
_HELD = "traces-search"  # session state
_AGAIN_S = 0.3


@dataclass(slots=True)
class Search:
    """How far one search has come."""

    of: str  # what is searched for, and where
    params: dict[str, Any]
    wanted: int = MORE
    frames: list[pd.DataFrame] = field(default_factory=list)
    cursor: str | None = None
    begun: bool = False
    stopped: bool = False
    looked_to: datetime | None = None
    traces: int = 0
    spans: int = 0

    @property
    def found(self) -> int:
        return sum(len(frame) for frame in self.frames)

    @property
    def done(self) -> bool:
        return self.begun and self.cursor is None

    @property
    def running(self) -> bool:
        return not (self.done or self.stopped or self.found >= self.wanted)

    @property
    def rows(self) -> pd.DataFrame:
        return pd.concat(self.frames, ignore_index=True) if self.frames else pd.DataFrame()

    def look(self) -> None:
        """One step. Raises ApiError."""
        size = min(MORE, self.wanted - self.found)
        step = data_finding.search(self.cursor, {**self.params, "page_size": size})
        self.begun, self.cursor, self.looked_to = True, step.cursor, step.looked_to
        self.traces, self.spans = self.traces + step.traces, self.spans + step.spans
        if len(step.answer.frame):
            self.frames.append(step.answer.frame)


def held(of: str, params: dict[str, Any]) -> Search:
    """The search for this; a new one when something else was searched for before."""
    found: Search | None = st.session_state.get(_HELD)
    if found is None or found.of != of:
        found = Search(of, {name: value for name, value in params.items() if name != "sort" and value is not None})
        st.session_state[_HELD] = found
    return found


def drawn(search: Search, window: state.Window, draw: Callable[[pd.DataFrame], None]) -> None:
    """The search, which goes on by itself until enough is found; `draw` shows the rows.

    Raises:
        ApiError: its next step was not answered.
    """
    fresh = True
    if search.running:
        search.look()

    def part() -> None:
        nonlocal fresh
        again, fresh = not fresh, False
        widgets.guarded(
            "The search did not go on.", "What was found stays.", lambda: _part(search, window, draw, again=again)
        )  # fmt: skip

    st.fragment(part, run_every=_AGAIN_S if search.running else None)()


def _part(search: Search, window: state.Window, draw: Callable[[pd.DataFrame], None], *, again: bool) -> None:
    ran = search.running
    if ran and again:
        search.look()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(words(search, window), width="content")
        _buttons(search)
    if search.frames:
        draw(search.rows)
    elif search.done:
        widgets.empty("Traces would be listed here.", f"No trace in {window.words} meets the line and the filters.")
    if again and ran and not search.running:
        st.rerun()  # it needs no clock any more


def words(search: Search, window: state.Window) -> str:
    """How far it is, such as `12 traces found so far. Looked back to 14:02: 1,200 traces`, in a sentence or two."""
    found = f"{fmt.plural(search.found, 'trace')} found in {window.words}"
    looked = f"{fmt.plural(search.traces, 'trace')} with {fmt.plural(search.spans, 'span')}"
    if search.done:
        return f"{found}: all of it was looked through, {looked} that the filters left."
    to = "" if search.looked_to is None else f" back to {fmt.moment(search.looked_to, widgets.zone())}"
    state_ = "Looking" if search.running else "Stopped; looked" if search.stopped else "Looked"
    return f"{found} so far, newest first. {state_}{to}: {looked}."


def _buttons(search: Search) -> None:
    if search.running:
        st.button("Stop", key="search-stop", icon=":material/stop:", on_click=_stop, args=(search,))
    elif not search.done and search.found < MOST:
        st.button("Look on", key="search-on", icon=":material/search:", shortcut="N", on_click=_on, args=(search,))
    elif not search.done:
        widgets.cut(search.found, None, "traces; narrow the line or the time range")


def _stop(search: Search) -> None:
    search.stopped = True


def _on(search: Search) -> None:
    search.stopped, search.wanted = False, min(MOST, search.found + MORE)
