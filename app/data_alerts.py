"""Doors to alerts, to the channels they are told to, and to what became of that. What moves is never cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

import streamlit as st

from app import data
from server.client import Client

Row = dict[str, Any]
Deed = Literal["acknowledge", "snooze", "unsnooze", "own", "resolve", "reopen", "note"]

_SHORT_S = 1.0  # what stands beside every page may not hold it up


def alerts(state: str, limit: int, **chosen: Any) -> Row:
    """Alerts, newest first, and how many are open; see `GET /api/alerts`. `chosen`: monitor, owner, before."""
    return data.client().alerts(state, limit=limit, **chosen)


def alert(number: int) -> Row:
    """One alert with what explains it, what was done, and whom it was told; see `GET /api/alerts/{number}`."""
    return data.client().alert(number)


def act(number: int, deed: Deed, author: str, **more: Any) -> Row:
    """Do something about an alert; answers as `alert`. Raises ApiError, `refused`, where its state forbids it."""
    _open.clear()
    client = data.client()
    deeds: Mapping[Deed, Callable[..., Row]] = {
        "acknowledge": client.acknowledge_alert, "snooze": client.snooze_alert, "unsnooze": client.unsnooze_alert,
        "own": client.own_alert, "resolve": client.resolve_alert, "reopen": client.reopen_alert,
        "note": client.note_alert,
    }  # fmt: skip
    return deeds[deed](number, author, **more)


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
        return int(door.alerts(limit=1)["open"])


def channels() -> list[Row]:
    """Where alerts are told; secrets are not in it. See `GET /api/channels`."""
    return data.client().channels()


def set_channel(name: str, told: Mapping[str, Any], author: str) -> Row:
    """Set a channel; an address that is left out stays as it is."""
    return data.client().set_channel(name, told, author)


def delete_channel(name: str, author: str) -> None:
    """Take a channel away; what waits for it is given up."""
    data.client().delete_channel(name, author)


def test_channel(name: str, author: str) -> Row:
    """Send a test message and wait for what becomes of it."""
    return data.client().test_channel(name, author)


def deliveries(**chosen: Any) -> list[Row]:
    """Messages and what became of them, newest first; see `GET /api/deliveries`."""
    return data.client().deliveries(**chosen)


def retry_delivery(delivery_id: str) -> None:
    """Try a message again now."""
    data.client().retry_delivery(delivery_id)
