"""Times as people type them, as commands print them, and as the store holds them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
FIRST_YEAR, LAST_YEAR = 1970, 2261  # what nanoseconds since 1970 in 64 bits can tell
_AGO = re.compile(r"(\d+)\s*([mhdw])", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def utc_now() -> datetime:
    """Now, without a zone, as the store holds times: UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def aware(at: datetime) -> datetime:
    """A time in UTC, with its zone; one without a zone is UTC.

    Raises:
        OverflowError: it is before the year 1 or after 9999 in UTC.
    """
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def utc(at: datetime) -> datetime:
    """A time as the store holds it: UTC without a zone. Raises OverflowError, as `aware`."""
    return aware(at).replace(tzinfo=None)


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
    return aware(datetime.fromisoformat(text))


def told_time(text: str | None) -> str:
    """A time of the API as commands print it, to the minute: `2026-11-27 22:51 UTC`; null is empty."""
    if not text:
        return ""
    return f"{aware(datetime.fromisoformat(text)):%Y-%m-%d %H:%M} UTC"


def nanoseconds(at: datetime | None) -> int:
    """Since 1970, whole microseconds of them; of null it is now. A time without a zone is UTC."""
    if at is None:
        return time.time_ns()
    known = at.replace(tzinfo=UTC) if at.tzinfo is None else at  # in its own zone: UTC may have no such year
    return (known - _EPOCH) // _MICROSECOND * 1_000
