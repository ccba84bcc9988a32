"""Cached doors to the server: what all of them share, and what several pages ask.

The doors of a page, or of a part of it, stand in `data_*`: one function per question, named as the query. Pages get
frames from these alone. An answer is cached by server, project, query, parameters and the store's watermark, so a rerun
costs one small request for the watermark until new data arrives. The project is the one that the URL names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, TypeVar

import pandas as pd
import streamlit as st

from app import state
from server.client import ApiError, Client
from server.client_base import Answer, Param
from server.settings import PREFIX, Settings

__all__ = ["Answer", "ApiError", "Param"]

T = TypeVar("T")
Filters = Mapping[str, Param]
Params = tuple[tuple[str, Param], ...]

_SHORT_S = 1.0  # for what stands in the title row: the page's outline waits for it
KEPT = 256  # answers; the largest is one page of traces or one trace's spans

_meant: ContextVar[str] = ContextVar("meant", default="")  # the project of a download, outside of pages

Place = tuple[str, str]
"""Address of the server, and project."""


def place() -> Place:
    """The server that the settings name, and the page's project."""
    told = tuple(sorted(each for each in os.environ.items() if each[0].upper().startswith(PREFIX)))
    return _address(told), project()


@cache
def _address(environment: tuple[tuple[str, str], ...]) -> str:  # noqa: ARG001 - `environment` keys the cache
    """Of the server. Settings are read once: that takes 6 ms, and a page asks for its place thirty times."""
    settings = Settings()
    return str(settings.api_url or f"http://{settings.host}:{settings.api_port}").rstrip("/")


@st.cache_resource(show_spinner=False)
def client_of(place: Place) -> Client:
    """The client of a place, one for each."""
    return Client(*place)


def client() -> Client:
    """The client of the page's place."""
    return client_of(place())


def project() -> str:
    """Which project the page is about: what the widget says, or the URL while it is not drawn."""
    return _meant.get() or str(
        st.session_state.get(state.PROJECT) or st.query_params.get(state.PROJECT) or state.DEFAULT_PROJECT
    )


def later(work: Callable[[], T]) -> Callable[[], T]:
    """`work` for a download that is made once somebody wants it: no page runs then, and none tells its project."""
    meant = project()

    def made() -> T:
        told = _meant.set(meant)
        try:
            return work()
        finally:
            _meant.reset(told)

    return made


def projects(naming: str | None = None) -> list[str]:
    """The names of all projects, oldest first, some seconds old; while the server is silent those known before.

    `naming`: a name that somebody means; where it is not among them, all are asked for anew.
    """
    known = "projects-known"
    with suppress(ApiError):
        found = st.session_state[known] = _projects(place()[0])
        if naming is not None and naming not in found:
            _projects.clear()
            st.session_state[known] = _projects(place()[0])
    names: list[str] = st.session_state.get(known, [])
    return names


@st.cache_data(max_entries=8, ttl=timedelta(seconds=10), show_spinner=False)
def _projects(url: str) -> list[str]:
    with Client(url, timeout_s=_SHORT_S) as door:
        return [str(one["name"]) for one in door.projects()]


def forget() -> None:
    """Ask anew on the next run, whatever is cached."""
    st.cache_data.clear()


def ask(name: str, **params: Param) -> Answer:
    """One named query. Raises ApiError when the server does not answer it."""
    return ask_of(project(), name, **params)


def ask_of(project: str, name: str, **params: Param) -> Answer:
    """One named query of any project. Raises ApiError when the server does not answer it."""
    return _answer((place()[0], project), name, watermark(), tuple(sorted(params.items())))


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _answer(place: Place, name: str, mark: str, params: Params) -> Answer:  # noqa: ARG001 - `mark` keys the cache
    return client_of(place).query(name, **dict(params))


def ask_slowly(name: str, **params: Param) -> Answer:
    """One named query, its answer a minute old at most whatever arrives meanwhile. Raises ApiError as `ask`."""
    return _slow_answer(place(), name, tuple(sorted(params.items())))


@st.cache_data(max_entries=KEPT, ttl=timedelta(minutes=1), show_spinner=False)
def _slow_answer(place: Place, name: str, params: Params) -> Answer:
    return client_of(place).query(name, **dict(params))


def watermark() -> str:
    """State of the data, `commit_seq-resolved_seq`."""
    return client().watermark()


def status() -> dict[str, Any]:
    """What the server says of itself; see `GET /api/status`."""
    return client().status()


def home_newest() -> pd.Series:
    """One record: traces, oldest, newest, sample. Times are null over an empty store."""
    record = ask("home_newest").frame.iloc[0].astype(object)
    return record.where(record.notna(), None)  # NA has no truth value


def score_names(since: datetime) -> pd.DataFrame:
    """One row per name of scores told from `since` on, most scores first; at most a minute old."""
    return ask_slowly("score_names", since=since).frame


def offers(name: Literal["trace_filters", "calls_filters"], since: datetime, until: datetime) -> pd.DataFrame:
    """What each filter can offer, see the query; at most a minute old, since the lists change slowly."""
    return ask_slowly(name, since=since, until=until).frame


def micros(span: timedelta) -> int:
    """Whole microseconds, as queries take lengths of time."""
    return span // timedelta(microseconds=1)
