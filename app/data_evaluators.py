"""Doors to evaluators."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import streamlit as st

from app import data


def evaluators() -> list[dict[str, Any]]:
    """The card of every installed evaluator, by family and name; at most a minute old: they change with the program."""
    return [card for card in _evaluators(data.place()) if card["problem"] is None]


def broken_evaluators() -> dict[str, str]:
    """Why an evaluator cannot be imported, by name."""
    return {card["name"]: card["problem"] for card in _evaluators(data.place()) if card["problem"] is not None}


@st.cache_data(max_entries=8, ttl=timedelta(minutes=1), show_spinner=False)
def _evaluators(place: data.Place) -> list[dict[str, Any]]:
    return data.client_of(place).evaluators()


def try_evaluator(name: str, row: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What an evaluator says of a row; never cached. Raises ApiError, `refused`, for a row or option that is none."""
    return data.client().try_evaluator(name, row, options)
