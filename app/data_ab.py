"""Doors to live A/B tests. What is set is never cached.

Results are, for a minute: they cost seconds where the traffic is large, and change slowly.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]


def tests() -> list[Row]:
    """The project's tests, by name; see `GET /api/ab-tests`."""
    return data.client().ab_tests()


def set_test(name: str, terms: Mapping[str, Any]) -> Row:
    """Set a test; raises ApiError, `refused`, when it cannot be set so."""
    return data.client().set_ab_test(name, terms)


def stop(name: str) -> Row:
    """Stop a test now."""
    return data.client().stop_ab_test(name)


def forget(name: str) -> None:
    """Take a test away; its versions stay."""
    data.client().forget_ab_test(name)


def results(test: Mapping[str, Any]) -> Row:
    """What came of a test, a minute old at most; see `GET /api/ab-tests/{name}/results`."""
    return _results(data.place(), test["name"], test["version"])


@st.cache_data(max_entries=64, ttl=timedelta(minutes=1), show_spinner=False)
def _results(place: data.Place, name: str, version: int) -> Row:  # noqa: ARG001 - `version` keys the cache
    return data.client_of(place).ab_results(name)
