"""A search in steps on the Traces page: rows as they are found, how far it has looked, a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import data, data_finding, state, widgets
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
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    failed: data.ApiError | None = None  # why it did not go on

    @property
    def found(self) -> int:
        return len(self.rows)

    @property
    def done(self) -> bool:
        return self.begun and self.cursor is None

    @property
    def running(self) -> bool:
        return not (self.done or self.stopped or self.found >= self.wanted)

    @property
    def rows(self) -> pd.DataFrame:
        """Newest first, each trace once: one whose first span arrives meanwhile begins earlier, and is found again."""
        if not self.frames:
            return pd.DataFrame()
        return pd.concat(self.frames, ignore_index=True).drop_duplicates("trace_id", keep="last", ignore_index=True)

    def look(self) -> None:
        """One step. Raises ApiError."""
        self.failed, size = None, min(MORE, self.wanted - self.found)
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


def forget() -> None:
    """Search anew, from the newest on, also where the same is asked again."""
    st.session_state.pop(_HELD, None)


def drawn(search: Search, window: state.Window, draw: Callable[[pd.DataFrame], None]) -> None:
    """The search, which goes on by itself until enough is found; `draw` shows the rows.

    Raises:
        ApiError: its first step was not answered.
    """
    fresh = True
    if not search.begun:
        search.look()
    elif search.running:
        look_on(search)

    def part() -> None:
        nonlocal fresh
        again, fresh = not fresh, False
        _part(search, window, draw, again=again)

    st.fragment(part, run_every=_AGAIN_S if search.running else None)()


def look_on(search: Search) -> None:
    """The next step. Where it fails the search stops, says why, and keeps what it found."""
    try:
        search.look()
    except data.ApiError as error:
        search.failed, search.stopped = error, True


def _part(search: Search, window: state.Window, draw: Callable[[pd.DataFrame], None], *, again: bool) -> None:
    ran = search.running
    if ran and again:
        look_on(search)
    if search.failed is not None:
        st.error(f"**The search did not go on.** {fmt.plain(str(search.failed), 600)}", icon=":material/error:")
        st.caption("What was found stays. Look on tries again.")
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
