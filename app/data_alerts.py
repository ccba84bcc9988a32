"""Doors to alerts, to the channels they are told to, and to what became of that. What moves is never cached."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import streamlit as st

from app import data
from server.client import Client

Row = dict[str, Any]

_SHORT_S = 1.0  # what stands beside every page may not hold it up


def alerts(state: str, monitor: str | None, limit: int, before: int | None = None) -> Row:
    """Alerts, newest first, and how many are open; see `GET /api/alerts`."""
    return data.client().alerts(state=state, monitor=monitor, limit=limit, before=before)


def alert(number: int) -> Row:
    """One alert with what explains it, what was done, and whom it was told; see `GET /api/alerts/{number}`."""
    return data.client().alert(number)


def act(number: int, action: str, author: str, **more: Any) -> Row:
    """Acknowledge, snooze, own, resolve, reopen or note; answers as the server does."""
    _open.clear()
    return data.client().alert_action(number, action, author=author, **more)


def monitor(name: str) -> Row | None:
    """The monitor that raised an alert; null: it was taken away, or does not come."""
    with suppress(data.ApiError):
        return data.client().monitor(name)
    return None


def open_count() -> int:
    """How many alerts of the page's project are open, some seconds old; 0 too while the server is silent."""
    with suppress(data.ApiError):
        return _open(data.place())
    return 0


@st.cache_data(max_entries=8, ttl=timedelta(seconds=15), show_spinner=False)
def _open(place: data.Place) -> int:
    with Client(*place, timeout_s=_SHORT_S) as door:
        return int(door.alerts(state="open", limit=1)["open"])


def channels() -> list[Row]:
    """Where alerts are told; secrets are not in it. See `GET /api/channels`."""
    return data.client().channels()


def set_channel(name: str, told: Mapping[str, Any]) -> Row:
    """Set a channel; what is left out of its address stays as it is."""
    return data.client().set_channel(name, told)


def delete_channel(name: str) -> None:
    """Take a channel away; what waits for it is given up."""
    data.client().delete_channel(name)


def test_channel(name: str) -> Row:
    """Send a test message and wait for what becomes of it."""
    return data.client().test_channel(name)


def deliveries(**chosen: Any) -> list[Row]:
    """Messages and what became of them, newest first; see `GET /api/deliveries`."""
    return data.client().deliveries(**chosen)


def retry_delivery(delivery_id: str) -> None:
    """Try a message again now."""
    data.client().retry_delivery(delivery_id)
