"""When a monitor looks: at the ends of whole lengths of time, a little after, so that late spans are in."""

from __future__ import annotations

from datetime import datetime, timedelta

from server.monitors import streams
from server.monitors.looking import REFIT
from server.monitors.terms import Burn, Drift, OfBudget, Terms, length
from server.when import utc
from store.monitors import Monitor

LAG = timedelta(minutes=2)  # spans come after they end, and are resolved then
MINUTE = timedelta(minutes=1)
CAUGHT_UP = 48  # looks, after the server was away
LOOKED_BACK = 720  # looks, when a monitor is set: a month of hours


def ends(known: Monitor, terms: Terms, now: datetime) -> tuple[datetime, ...]:
    """Of windows to look at now, in order; none: the newest one was looked at.

    The first look is at the last whole bucket, and so is one that somebody asks for; others at whole multiples of
    `every`, also those that were missed. The first looks for drift of a stream are as many as the policy remembers, so
    that the past decides at once; where the reference is a fixed stretch of time, all those since it ended. A sample, a
    service level and a budget are looked at as they are now.
    """
    every = length(terms.every)
    last = streams.floored(now - LAG, every)
    as_is = isinstance(terms.alert, Burn | OfBudget)
    newest = streams.floored(now - LAG, MINUTE if as_is else terms.bucket)
    if known.looked_until is None:
        return (newest,) if only_newest(terms) else _first(terms, newest)
    if known.looked_until > now:  # a clock was ahead: what is over by this one's has yet to be looked at
        return (newest,)
    after = max(known.looked_until, known.set_at - every)
    count = max((last - streams.floored(after, every)) // every, 0)
    missed = tuple(last - step * every for step in reversed(range(min(count, CAUGHT_UP))))
    found = tuple(one for one in missed if one > after)
    if not found:
        return (newest,) if newest > known.looked_until else ()
    if as_is:
        return (newest,)
    return found[-1:] if only_newest(terms) else found


def _first(terms: Terms, newest: datetime) -> tuple[datetime, ...]:
    """Of a monitor that never looked and has a stream."""
    if not isinstance(terms.alert, Drift):
        return (newest,)
    every = length(terms.every)
    count = 1 if terms.alert.method == "sums" else terms.alert.hits[1]
    if terms.against.until is not None:
        first = streams.floored(utc(terms.against.until), terms.bucket) + length(terms.window)
        count = min((newest - first) // every + 1, LOOKED_BACK)
    return tuple(newest - step * every for step in reversed(range(max(count, 1))))


def only_newest(terms: Terms) -> bool:
    """Whether what it looks at is not kept as a stream."""
    signal = terms.watched
    two_samples = isinstance(terms.alert, Drift) and (
        signal is None or not signal.stream or not terms.against.in_time
    )  # fmt: skip
    return two_samples or isinstance(terms.alert, Burn | OfBudget)


def is_due(known: Monitor, now: datetime) -> bool:
    """Whether it looks now; also where it looked at what is still to come, as a clock was ahead."""
    ahead = known.looked_until is not None and known.looked_until > now
    return known.enabled and (known.next_look <= now or ahead)


def following(looked_until: datetime | None, terms: Terms, now: datetime) -> datetime:
    """When the next look is due."""
    every = length(terms.every)
    after = max(min(looked_until or now, now), streams.floored(now - LAG, every))
    return streams.floored(after, every) + every + LAG


def may_refit(terms: Terms, until: datetime | None, first: datetime, *, told: bool) -> bool:
    """Whether a reference that goes with time is fitted anew: once a day, and never while an alert is open.

    One that was resolved by a person while its monitor still fires may be: that level is known, and becomes the norm.

    Args:
        terms: what it says.
        until: end of the reference as fitted; null: it is not fitted.
        first: end of the first window that is looked at.
        told: whether an alert of it is open.
    """
    if until is None or not isinstance(terms.alert, Drift) or terms.against.since is not None:
        return False
    return not told and first - length(terms.window) >= until + REFIT
