"""Doors of the playground: which models there are. Answers come as a stream: see `playground_live`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]


def models() -> Row:
    """Models to choose from, `variables` of keys, `problems`; see `GET /api/playground/models`. 20 s old at most."""
    return _models(data.place())


@st.cache_data(max_entries=8, ttl=timedelta(seconds=20), show_spinner=False)
def _models(place: data.Place) -> Row:
    return data.client_of(place).playground_models()


def suite(told: Mapping[str, Any]) -> Row:
    """What is shown as a suite over a dataset: `name`, `document`, `over`; see `POST /api/playground/suite`."""
    return data.client().playground_suite(told)
