"""Doors to what labels become. What would be may be a minute old: thousands of texts take seconds. Files never are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]


def formats() -> list[Row]:
    """The formats; see `GET /api/training-data/formats`."""
    return _formats(data.place())


@st.cache_data(show_spinner=False)
def _formats(place: data.Place) -> list[Row]:
    return data.client_of(place).training_formats()


def card(wanted: Mapping[str, Any]) -> Row:
    """The data card of files to be. Raises ApiError, `refused`, where there can be none."""
    return _card(data.place(), json.dumps(wanted, sort_keys=True))


@st.cache_data(show_spinner=False, ttl=60, max_entries=50)
def _card(place: data.Place, wanted: str) -> Row:
    return data.client_of(place).training_dry_run(json.loads(wanted))


def archive(wanted: Mapping[str, Any]) -> Callable[[], bytes]:
    """What makes the archive when it is called, also in a thread that knows no page."""
    client = data.client()

    def made() -> bytes:
        out = BytesIO()
        client.training_data(wanted, out)
        return out.getvalue()

    return made


def golden_to_be(wanted: Mapping[str, Any]) -> Row:
    """What `golden` would put into a dataset."""
    return _golden(data.place(), json.dumps({**wanted, "dry_run": True}, sort_keys=True))


@st.cache_data(show_spinner=False, ttl=60, max_entries=50)
def _golden(place: data.Place, wanted: str) -> Row:
    return data.client_of(place).golden_set(json.loads(wanted))


def golden(wanted: Mapping[str, Any]) -> Row:
    """Items of a dataset; see `POST /api/training-data/dataset`."""
    return data.client().golden_set(wanted)


def suite(wanted: Mapping[str, Any]) -> str:
    """A suite over a golden set, as YAML."""
    return data.client().golden_suite(wanted)


def examples(wanted: Mapping[str, Any]) -> Row:
    """Examples for a judge's prompt; see `POST /api/training-data/examples`."""
    return data.client().few_shot(wanted)
