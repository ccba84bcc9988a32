"""Doors to the project's own prices, and to pricing anew."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from app import data


def unpriced_models(since: datetime, until: datetime) -> pd.DataFrame:
    """One row per model whose calls have no cost, most calls first."""
    return data.ask("unpriced_models", since=since, until=until).frame


def price_versions() -> pd.DataFrame:
    """Every version of the project's own prices, newest first."""
    return data.ask("price_versions").frame


def repricings() -> pd.DataFrame:
    """Every repricing, newest first."""
    return data.ask("repricings").frame


def prices() -> dict[str, Any]:
    """The project's own prices of now, never cached: `version` (0: none), `document`, `entries`, `list_version`, ..."""
    return data.client().prices()


def set_prices(document: str) -> dict[str, Any]:
    """Set the own prices; raises ApiError, `refused`, with the line, key and value that break a rule."""
    answer = data.client().set_prices(document)
    data.forget()
    return answer


def reprice(since: datetime, until: datetime, *, dry_run: bool) -> dict[str, Any]:
    """Price the calls of traces that started in the window anew, or say what that would change."""
    answer = data.client().reprice(since, until, reason="on the Cost page", dry_run=dry_run)
    if not dry_run:
        data.forget()
    return answer
