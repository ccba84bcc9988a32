"""Doors to live A/B tests. What is set is never cached.

Results are, for a minute: they cost seconds where the traffic is large, and change slowly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]


def tests() -> list[Row]:
    """The project's tests, by name; see `GET /api/ab-tests`."""
    return data.client().ab_tests()


def found(tests: Sequence[Mapping[str, Any]], most: int) -> dict[str, Row | None]:
    """What came of so many of the tests by name, a minute old at most; null: it has not begun, or is none of these."""
    versions = tuple((test["name"], test["version"], test["state"]) for test in tests)
    return _found(data.place(), versions, most)


@st.cache_data(max_entries=16, ttl=timedelta(minutes=1), show_spinner=False)
def _found(place: data.Place, versions: tuple[Any, ...], most: int) -> dict[str, Row | None]:  # noqa: ARG001 - `versions` keys the cache
    return {test["name"]: test["found"] for test in data.client_of(place).ab_tests(most)}


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
