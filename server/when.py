"""Times as people type them, as commands print them, and as the store holds them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

FIRST_YEAR, LAST_YEAR = 1970, 2261  # what nanoseconds since 1970 in 64 bits can tell
_AGO = re.compile(r"(\d+)\s*([mhdw])", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def utc_now() -> datetime:
    """Now, without a zone, as the store holds times: UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def naive(at: datetime) -> datetime:
    """A time as the store holds it: UTC without a zone; without one it is taken for UTC."""
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)


def parse_time(text: str, now: datetime | None = None) -> datetime:
    """`2026-11-24`, `2026-11-24T09:00`, with or without a zone (UTC without), or so long ago: `90m`, `24h`, `7d`, `2w`.

    Raises:
        ValueError: it is none of these.
    """
    try:
        return _parsed(text.strip(), now or datetime.now(UTC))
    except (ValueError, OverflowError):  # the latter: before the year 1, or after 9999
        told = f"{text!r} is no time. Write 2026-11-24, 2026-11-24T09:00Z, or how long ago: 90m, 24h, 7d."
        raise ValueError(told) from None


def _parsed(text: str, now: datetime) -> datetime:
    if ago := _AGO.fullmatch(text):
        return now - int(ago[1]) * _UNITS[ago[2].lower()]
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def told_time(text: str | None) -> str:
    """A time of the API as commands print it, to the minute: `2026-11-27 22:51 UTC`; null is empty."""
    if not text:
        return ""
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC"


def nanoseconds(at: datetime | None) -> int:
    """Since 1970, whole microseconds of them; of null it is now. A time without a zone is UTC."""
    if at is None:
        return time.time_ns()
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return int(aware.timestamp() * 1_000_000) * 1_000
