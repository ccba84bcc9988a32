"""Doors to invoices."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import data


def invoices() -> list[dict[str, Any]]:
    """The invoices that are kept, the last billed first; never cached."""
    return data.client().invoices()


def keep_invoice(name: str, document: str, provider: str | None) -> dict[str, Any]:
    """Keep an invoice; raises ApiError, `refused`, with the line, column, value and rule of what cannot be read."""
    return data.client().keep_invoice(name, document, provider)


def forget_invoice(name: str) -> None:
    """Forget an invoice."""
    data.client().forget_invoice(name)


def reconciliation(name: str, kept_at: str, grain: str) -> dict[str, Any]:
    """A kept invoice against what was computed; `kept_at` tells it from an earlier one of the same name."""
    return _reconciliation(data.place(), data.watermark(), name, kept_at, grain)


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _reconciliation(place: data.Place, mark: str, name: str, kept_at: str, grain: str) -> dict[str, Any]:  # noqa: ARG001
    return data.client_of(place).reconciliation(name, grain)
