"""The page SQL: a question, what can be asked of, examples, what was asked before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import data, data_sql, sql_examples, sql_result, state, widgets
from app import format as fmt
from app.component import component
from app.data import Answer, ApiError

PATH = "views/sql.py"
TEXT = "sql"  # in the URL: the question
EDITOR = "sql-editor"
MOST_IN_URL = 6_000  # letters; a longer question is kept in the session, and no link has it
_LONG, _TURN, _HELD, _HISTORY = "sql-long", "sql-turn", "sql-held", "sql-history"  # session state
_REMEMBERED = 30
_HELP = (
    "Read-only: one SELECT, no files, no settings. The words since and until with a colon before them stand for the "
    "time range of the page, UTC. Views (calls, traces, sessions, scores) keep their columns, tables of main change "
    "with the program. docs/sql.md tells all columns."
)

_component = component("sql")


@dataclass(frozen=True, slots=True)
class Held:
    """What became of the question that was asked last in this session."""

    of: tuple[object, ...]  # the question, its range, and which time it was asked
    text: str
    window: state.Window
    at: datetime
    seconds: float
    told: Answer | ApiError


def text() -> str:
    """The question that the URL has, or the long one of the session; '': none."""
    return str(st.query_params.get(TEXT) or st.session_state.get(_LONG) or "")


def page(window: state.Window) -> None:
    """Editor, then what the answer is."""
    question, held = text(), st.session_state.get(_HELD)
    of = _mark(question)
    known = held if held is not None and held.of == of else None
    _editor(question, known)
    history = _row()
    if not question.strip():
        with history:
            _history()
        _begin()
        return
    waiting = st.empty()  # there when nothing is asked, too: a popover that moved would close under the hand
    if known is None:
        known = _asked(question, of, window, waiting)
        if isinstance(known.told, ApiError) and known.told.at is not None:
            st.rerun()  # so that the editor marks the place
    with history:
        _history()
    if isinstance(known.told, ApiError):
        _refused(known, known.told)
    else:
        sql_result.result(known.text, known.told, known.window, f"{known.seconds:.2f} s", _clock(known.at))


def _mark(question: str) -> tuple[object, ...]:
    bounds = tuple(st.query_params.get(key) for key in ("from", "to"))
    return (data.place(), question, st.session_state.get(widgets.RANGE), bounds, st.session_state.get(_TURN, ""))


def _editor(question: str, known: Held | None) -> None:
    told = None if known is None or not isinstance(known.told, ApiError) or known.told.at is None else known.told
    fault = None if told is None else {"at": told.at, "length": told.length or 1}
    _component(
        key=EDITOR,
        data={"text": question, "relations": _relations(), "fault": fault, "turn": st.session_state.get(_TURN, "")},
        on_asked_change=_run,
    )


def _relations() -> list[dict[str, Any]]:
    """What can be asked of; nothing where the server does not tell it: questions can be typed all the same."""
    try:
        found: list[dict[str, Any]] = data_sql.schema()["relations"]
    except ApiError:
        return []
    return found


def _run() -> None:
    """Take over what the editor has: into the URL, so that it can be shared."""
    asked = st.session_state[EDITOR]["asked"]
    question = str(asked["text"])
    st.session_state[_TURN] = str(asked["turn"])
    st.session_state.pop(_LONG, None)
    if len(question) <= MOST_IN_URL:
        st.query_params[TEXT] = question
    else:
        st.query_params.pop(TEXT, None)
        st.session_state[_LONG] = question


def _row() -> DeltaGenerator:
    """Examples, limits, and whom a question sees; returns where what was asked before goes."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Examples", icon=":material/lightbulb:"):
            _examples()
        history = st.popover("History", icon=":material/history:")
        st.caption(f"{_limits()}A question reads all projects, so it needs the right admin.", help=_HELP)
    if st.session_state.get(_LONG):
        st.caption(f"The question is longer than {MOST_IN_URL:,} letters, so the address does not have it.")
    return history


def _limits() -> str:
    try:
        told = data_sql.schema()["limits"]
    except ApiError:
        return ""
    here = f"{data_sql.ROWS:,} rows or {data_sql.PAGE_BYTES // data_sql.MB} MB here"
    return f"Ends after {told['seconds']:g} s; {here}, {told['rows']:,} in downloads. "


def _link(label: str, question: str) -> None:
    """A link to a question, in the time range of the page."""
    here = {key: st.query_params[key] for key in ("range", "from", "to") if key in st.query_params}
    st.page_link(PATH, label=label, query_params={TEXT: question} | here)


def _examples() -> None:
    for name, question in sql_examples.EXAMPLES.items():
        _link(name, question)


def _history() -> None:
    told: list[dict[str, Any]] = st.session_state.get(_HISTORY, [])
    if not told:
        st.caption("What you ask in this session is listed here.")
    for one in reversed(told):
        _link(fmt.plain(f"{one['at']}  {' '.join(one['text'].split())}", 90), one["text"])
        st.caption(fmt.plain(one["said"], 90))


def _begin() -> None:
    widgets.empty(
        "The answer would stand here, as a table or a chart.",
        "Type a question above and run it by Ctrl Enter, or begin with one of these:",
        _examples,
    )


def _asked(question: str, of: tuple[object, ...], window: state.Window, waiting: DeltaGenerator) -> Held:
    """Ask, and keep what is said for as long as nothing else is asked: it may have taken a while."""
    began = time.monotonic()
    told: Answer | ApiError
    place, since, until = data.place(), window.since, window.until
    try:
        told = widgets.patiently(waiting, "Asking", lambda: data_sql.answer(place, question, since, until), usual_s=5)
    except ApiError as error:
        told = error
    held = Held(of, question, window, datetime.now(UTC), time.monotonic() - began, told)
    st.session_state[_HELD] = held
    _remember(held)
    return held


def _remember(held: Held) -> None:
    told = held.told
    said = str(told) if isinstance(told, ApiError) else f"{fmt.plural(len(told.frame), 'row')}, {held.seconds:.2f} s"
    earlier = [one for one in st.session_state.get(_HISTORY, []) if one["text"] != held.text]
    if len(held.text) <= MOST_IN_URL:
        earlier.append({"text": held.text, "at": _clock(held.at), "said": said})
    st.session_state[_HISTORY] = earlier[-_REMEMBERED:]


def _clock(at: datetime) -> str:
    return fmt.clock(at, widgets.zone())


def _refused(known: Held, error: ApiError) -> None:
    """What is wrong, and where: the line with a mark under the place."""
    if error.at is None:
        still = "Narrow it, or aggregate earlier." if error.kind == "timeout" else "The question stays as it is."
        widgets.failed("There is no answer.", error, still)
        return
    line, column, shown = marked(known.text, error.at, error.length or 1)
    st.error(f"**Line {line}, column {column}.** {fmt.plain(str(error), 600)}", icon=":material/error:")
    st.code(shown, language=None)


def marked(question: str, at: int, length: int) -> tuple[int, int, str]:
    """Line and column of a place, from 1, and the line with carets under it, not endlessly long."""
    before = question[:at]
    line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1)
    whole = question.split("\n")[line - 1].replace("\t", " ")
    start = max(0, column - 60)
    shown = fmt.straight(whole[start : start + 120])
    return (
        line,
        column + 1,
        f"{shown}\n{' ' * (column - start)}{'^' * max(1, min(length, len(shown) - column + start))}",
    )


def scope(told: Mapping[str, Any]) -> dict[str, str]:
    """A chart as the URL of this page has it."""
    names = {TEXT: "sql", sql_result.CHART: "kind", sql_result.X: "x", sql_result.BY: "by"}
    found = {key: str(told[name]) for key, name in names.items() if told.get(name)}
    return found | ({sql_result.Y: told["y"][0]} if len(told.get("y") or ()) == 1 else {})
