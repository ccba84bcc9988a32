"""What a reference leaves out: times in which its monitor fired, so that a fault never becomes the norm by itself.

A level that goes on after a person has closed the alert over it is known, and becomes the norm: the reference begins
with it, once a whole window has shown that it lasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.monitors.fitting import Stretch
from server.monitors.terms import Drift, Terms, length
from store.alerts import Alert
from store.monitors import Episode, Monitor


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a monitor's alarms."""

    left_out: tuple[Stretch, ...] = ()
    norm: Stretch | None = None  # from when on a known level is the norm, and until when it fired


def past(  # noqa: PLR0917 - one monitor's facts
    known: Monitor, terms: Terms, fired: Sequence[Episode], closed: Alert | None, held: Mapping[str, Any], now: datetime
) -> Past:
    """What the reference of a monitor leaves out when it is fitted.

    Args:
        known: the monitor.
        terms: what it says.
        fired: when it fired, in order.
        closed: its last alert, where none is open and it still fires.
        held: what is kept of the reference as it was fitted before.
        now: the time.
    """
    if not isinstance(terms.alert, Drift):
        return Past()
    norm = _kept(held)
    window, every = length(terms.window), length(terms.every)
    before = window + terms.alert.hits[1] * every
    if closed is not None and known.state == "firing" and fired and not fired[-1].over and _lasts(closed, window, now):
        norm = closed.changed_since or fired[-1].first - before, now
    told = [(one.first - before, one.last) for one in fired if one.over]
    return Past(tuple(one for one in told if norm is None or one[1] <= norm[0] or one[0] >= norm[1]), norm)


def _lasts(closed: Alert, window: timedelta, now: datetime) -> bool:
    return closed.resolved_by is not None and closed.resolved_at is not None and now - closed.resolved_at >= window


def _kept(held: Mapping[str, Any]) -> Stretch | None:
    told = held.get("norm")
    return None if told is None else (datetime.fromisoformat(told[0]), datetime.fromisoformat(told[1]))
