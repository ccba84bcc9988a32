"""Figures, times and names as sentences of monitors have them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from server.compare import figures
from server.evals.figures import counted, number
from server.monitors.onset import Onset
from server.monitors.signals import Unit
from server.monitors.terms import DAY, Terms

_WORDS = {"session_id": "session", "user_id": "user"}
_UNITS: Mapping[Unit, str | None] = {
    "usd": "USD", "ms": "ms", "tokens": "tokens", "characters": "characters", "calls": "calls", "items": "items",
}  # fmt: skip
_OWN = {"no_data": "Calls", "error_burst": "Errors", "slo_burn": "Error budget", "budget": "Budget"}
_NEAR = 3  # buckets an interval of time may be long, for its middle to be told alone


def amount(value: float | None, unit: Unit) -> str:
    """A value of a signal with its unit: 8.4 %, $0.0055, 142 ms, 0.71."""
    if unit == "share" and value is not None:
        return f"{100 * value:.3g} %"
    return figures.value(value, _UNITS.get(unit))


def both(before: float | None, now: float | None, unit: Unit) -> tuple[str, str]:
    """Two values that are read side by side, in one unit: `15.4 s` and `6.74 s`."""
    known = [abs(one) for one in (before, now) if one is not None]
    if unit != "ms" or not known or max(known) < figures.LONG:
        return amount(before, unit), amount(now, unit)
    first, second = (amount(one, unit) if one is None else f"{number(one / 1_000)} s" for one in (before, now))
    return first, second


def change(size: float, unit: Unit) -> str:
    """A size of change: `5 points`, `120 ms`, `0.3`."""
    return figures.size(size, _UNITS.get(unit), share=unit == "share")


def points(value: float, unit: Unit) -> str:
    """A change of a signal, with its sign: +14 points, -$0.002."""
    if unit == "share":
        return f"{100 * value:+.3g} points"
    return f"{'+' if value > 0 else ''}{amount(value, unit)}"


def between(low: float, high: float, unit: Unit) -> str:
    """Both ends of the interval of a change: `+11.7 to +17.9 points`."""
    if unit == "share":
        return f"{100 * low:+.3g} to {100 * high:+.3g} points"
    return f"{points(low, unit)} to {points(high, unit)}"


def p_value(p: float) -> str:
    """`p 0.03`; of what only a model of the tail tells, below what."""
    return "p below 0.0001" if p < 1e-4 else f"p {p:.2g}"


def percent(share: float) -> str:
    """A share as `45 %`."""
    return f"{100 * share:.0f} %"


def explains(share: float, of: str = "the change") -> str:
    """How much of a change a slice makes; of more than all, that others went back; below 0, that it does."""
    if share < 0:
        return f"works against {of} ({percent(share)})"
    if round(100 * share) <= 100:
        return f"explains {percent(share)} of {of}"
    return f"explains all of {of} and {percent(share - 1)} more, which others took back"


def named(terms: Terms) -> str:
    """What is watched: `Error rate`, `p95 of duration`, `Score relevance`; of checks of their own what they are of."""
    signal = terms.watched
    if signal is None:
        return _OWN.get(terms.alert.kind, terms.alert.kind)
    if signal.quantile:
        return f"p{100 * (terms.quantile or 0.5):g} of {lower(signal.label)}"
    if terms.score is None:
        return signal.label
    return f"Score {terms.score}" if signal.name == "score" else f"{signal.label} of {terms.score}"


def of_slice(where: Mapping[str, Any]) -> str:
    """` of service shop and model gpt-4o`; nothing where all is watched."""
    told = [f"{_WORDS.get(name, name).replace('_', ' ')} {value}" for name, value in where.items() if value is not None]
    return f" of {' and '.join(told)}" if told else ""


def since(onset: Onset, bucket: timedelta) -> str:
    """`since about 14:00 UTC on 27 November`, or between which times."""
    if onset.high - onset.low <= _NEAR * bucket:
        return f"since about {onset.at:%H:%M} UTC on {day(onset.at)}"
    if onset.low.date() == onset.high.date():
        return f"since between {onset.low:%H:%M} and {onset.high:%H:%M} UTC on {day(onset.at)}"
    ends = " to ".join(f"{one.day} {one:%B %H:%M}" for one in (onset.low, onset.high))
    return f"since about {onset.at:%H:%M} UTC on {day(onset.at)} (95 % CI {ends})"


def day(at: datetime) -> str:
    """`27 November 2026`."""
    return f"{at.day} {at:%B %Y}"


def long(size: timedelta) -> str:
    """`24 hours`, `15 minutes`, `7 days`."""
    if size % DAY == timedelta(0) and size > DAY:
        return counted(size // DAY, "day")
    if size % timedelta(hours=1) == timedelta(0):
        return counted(size // timedelta(hours=1), "hour")
    return counted(size // timedelta(minutes=1), "minute")


def upper(text: str) -> str:
    """With a capital first letter; all others as they are."""
    return text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """With a small first letter; all others as they are."""
    return text[:1].lower() + text[1:]
