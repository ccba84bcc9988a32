"""Doors to what end users said, and to the keys that bring it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from app import data

Row = dict[str, Any]


def said(since: datetime, until: datetime, page_size: int, skip: int, **chosen: Any) -> pd.DataFrame:
    """What was said, newest first; see query `feedback`. `chosen`: score, low, text."""
    return data.ask("feedback", since=since, until=until, page_size=page_size, skip=skip, **chosen).frame


def sums(since: datetime, until: datetime) -> pd.DataFrame:
    """One row per name of what was said; see query `feedback_sums`."""
    return data.ask("feedback_sums", since=since, until=until).frame


def over_time(since: datetime, until: datetime, score: str, step: timedelta, offset: timedelta) -> pd.DataFrame:
    """One row per bucket in which something of this name was said; see query `feedback_sums`."""
    shift = data.micros(offset)
    return data.ask(
        "feedback_sums", since=since, until=until, score=score, step_us=data.micros(step), offset_us=shift
    ).frame


def keys() -> list[Row]:
    """The project's keys, the newest first. Raises ApiError."""
    return data.client().feedback_keys()


def add_key(name: str, origins: Sequence[str], per_minute: int, author: str) -> Row:
    """Make a key; the answer has it, this once. Raises ApiError."""
    return data.client().add_feedback_key(name, origins, per_minute, author)


def revoke_key(key_id: str, author: str) -> None:
    """Let a key open nothing any more. Raises ApiError."""
    data.client().revoke_feedback_key(key_id, author)
