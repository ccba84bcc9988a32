"""Numbers as sentences and reports write them."""

from __future__ import annotations


def number(value: float | None) -> str:
    """Four significant digits; null is `unknown`."""
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """A number with its ends; an end that the data do not bound is `?`."""
    if value is None or (low is None and high is None):
        return number(value)
    ends = ["?" if end is None else number(end) for end in (low, high)]
    return f"{number(value)} [{ends[0]}, {ends[1]}]"


def counted(count: int, one: str, many: str | None = None) -> str:
    """So many of a thing, such as `1 item` and `2 items`; `many` where it takes more than an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def verb(count: int, one: str, many: str) -> str:
    """The word that goes with so many."""
    return one if count == 1 else many
