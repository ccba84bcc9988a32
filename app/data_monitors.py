"""Doors to monitors. What moves is never cached; a preview is, for as long as somebody edits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from app import data

Monitor = dict[str, Any]
_UNREAD: Mapping[str, Any] = {
    "description": "", "signal": None, "label": "", "unit": None, "worse": None, "score": None, "quantile": None,
    "where": {}, "against": {}, "every": "1h", "window": "1d", "alert": {}, "severity": "warning", "owner": None,
    "notify": [], "escalate_after": None, "season": None, "min_effect": None, "calibration": None, "last": None,
    "recent": [], "alert_open": None,
}  # fmt: skip
"""What a monitor lacks that another program set, and that the server cannot read."""


def monitors() -> list[Monitor]:
    """The project's monitors with their states, by name."""
    return [{**_UNREAD, **one} for one in data.client().monitors()]


def monitor(name: str) -> Monitor:
    """One monitor with its versions and looks. Raises ApiError, `refused`, where there is none."""
    return {**_UNREAD, **data.client().monitor(name)}


def series(one: Mapping[str, Any], since: datetime, until: datetime) -> dict[str, Any]:
    """What a monitor watched in a window: points, looks, reference, markers, change, distributions.

    Kept until it has looked again: samples are drawn for it.
    """
    mark = f"{one['version']} {one['looked_until']} {one['state']}"
    return _series(data.place(), str(one["name"]), mark, since, until)


@st.cache_data(max_entries=32, ttl=timedelta(minutes=30), show_spinner=False)
def _series(place: data.Place, name: str, mark: str, since: datetime, until: datetime) -> dict[str, Any]:  # noqa: ARG001
    return data.client_of(place).monitor_series(name, since, until)


def suggestions() -> list[dict[str, Any]]:
    """Monitors that would suit the project and that it has not: `name`, `terms`, `why`; most useful first."""
    return data.client().suggested_monitors()


def set_monitor(name: str, terms: Mapping[str, Any]) -> Monitor:
    """Set a monitor. Raises ApiError, `refused`, where it cannot be looked at so."""
    return data.client().set_monitor(name, terms)


def delete_monitor(name: str) -> None:
    """Take a monitor away; its versions and alerts stay."""
    data.client().delete_monitor(name)


def look(name: str) -> Monitor:
    """Have a monitor look now; the monitor after it."""
    return data.client().look_now(name)


def preview(terms: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """What a monitor would have done, and how often it would fire for nothing; some minutes old at most.

    `name`: of the monitor that is edited; null: a new one.
    """
    return _preview(data.place(), json.dumps(terms, sort_keys=True), name)


@st.cache_data(max_entries=32, ttl=timedelta(minutes=10), show_spinner=False)
def _preview(place: data.Place, terms: str, name: str | None) -> dict[str, Any]:
    return data.client_of(place).preview_monitor(json.loads(terms), name)


def channels() -> list[dict[str, Any]]:
    """Whom alerts can be told to."""
    return data.client().channels()
