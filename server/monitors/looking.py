"""Looks at streams: how far a window is from what its reference lets expect. Pure; what is read is handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from analytics import special, summed, watching
from analytics.watching import Looks
from server.monitors import fitting, plain, streams
from server.monitors.fitting import Fitted, Stretch, TooLittleError
from server.monitors.seen import Seen
from server.monitors.series import Series
from server.monitors.signals import SIGNALS, Signal
from server.monitors.streams import Steps
from server.monitors.terms import DAY, Burst, Drift, NoData, Terms, Threshold, length
from server.when import utc

REFIT = DAY  # between two fits of a reference that goes with time
USUAL_REFERENCE = 28 * DAY


@dataclass(frozen=True, slots=True)
class Sums:
    """Cumulative sums as they stand."""

    up: float = 0.0
    down: float = 0.0
    alarmed: bool = False  # above the limit, and not back at 0 since
    until: datetime | None = None  # end of the last bucket that is in them


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a monitor's stream: its looks, and the reference where it was fitted anew."""

    seen: list[Seen]
    fitted: Fitted | None
    anew: bool = False
    sums: Sums | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What a monitor's stream is to be looked at for."""

    terms: Terms
    ends: Sequence[datetime]  # of windows, in order
    fitted: Fitted | None = None
    refit: bool = False  # a reference that goes with time may be fitted anew
    limit: float | None = None  # of cumulative sums; null: not worked out yet
    sums: Sums = Sums()
    ever: bool = False  # of no data: whether anything ever came
    left_out: Sequence[Stretch] = ()  # of the reference: times in which it fired, and that are over
    norm: Stretch | None = None  # of a level that somebody has closed an alert over: the reference begins with it

    @property
    def drift(self) -> Drift:
        """Raises TypeError for another check."""
        if not isinstance(self.terms.alert, Drift):
            raise TypeError(f"{self.terms.alert.kind} has no reference")
        return self.terms.alert

    @property
    def steps(self) -> Steps:
        bucket = self.terms.bucket
        return Steps(bucket, length(self.terms.window) // bucket, length(self.terms.every) // bucket)

    @property
    def window(self) -> timedelta:
        return length(self.terms.window)

    @property
    def signal(self) -> Signal:
        return SIGNALS[str(self.terms.signal)]


def reference_of(terms: Terms, first: datetime) -> tuple[datetime, datetime]:
    """The reference in time, of which the first window compared with it ends at `first`; whole buckets."""
    against, bucket = terms.against, terms.bucket
    if against.since is not None and against.until is not None:
        return streams.floored(utc(against.since), bucket), streams.floored(utc(against.until), bucket)
    last = USUAL_REFERENCE if against.last is None else length(against.last)
    until = first - length(terms.window)
    return streams.floored(until - last, bucket), until


def needed(ask: Ask) -> tuple[datetime, datetime]:
    """Which buckets the looks of a monitor take: [since, until)."""
    since, until = ask.ends[0] - ask.window, ask.ends[-1]
    if isinstance(ask.terms.alert, Drift):
        if ask.fitted is None or ask.refit or ask.signal.named:
            since = min(since, reference_of(ask.terms, ask.ends[0])[0])
        if ask.drift.method == "sums" and ask.sums.until is not None:
            since = min(since, ask.sums.until)
    if isinstance(ask.terms.alert, NoData) and not ask.ever:
        since = min(since, ask.ends[-1] - USUAL_REFERENCE)
    return since, until


def looked(ask: Ask, stream: Series) -> Found:
    """The looks of a monitor whose stream has the buckets that `needed` names."""
    alert = ask.terms.alert
    if isinstance(alert, Drift):
        return _drift(ask, stream)
    return Found([_plain(ask, stream, end) for end in ask.ends], None)


def _plain(ask: Ask, stream: Series, end: datetime) -> Seen:
    alert = ask.terms.alert
    window = streams.cut(stream, end - ask.window, end)
    if isinstance(alert, Threshold):
        ruler = streams.newest_ruler(window)
        return plain.threshold(alert, streams.weighed(window, streams.of_ruler(window, ruler)), end)
    if isinstance(alert, Burst):
        return plain.burst(alert, window, end)
    before = streams.cut(stream, stream.since, end)
    return plain.no_data(window, end, ever=ask.ever or bool(np.nansum(before.values) > 0))


# Drift.


def _drift(ask: Ask, stream: Series) -> Found:
    ruler = streams.newest_ruler(stream)
    own = streams.weighed(stream, streams.of_ruler(stream, ruler))
    fitted, anew = ask.fitted, False
    changed = fitted is not None and fitted.ruler != ruler and ruler is not None
    why = None
    if fitted is None or ask.refit or changed:
        try:
            fitted, anew = _fitted(ask, stream, own, ruler), True
        except TooLittleError as error:
            fitted = None if changed else ask.fitted
            why = _sentence(_why(ask, stream, ruler, str(error)))
    if fitted is None:
        return Found([_untold(ask, own, end, why) for end in ask.ends], None)
    if ask.drift.method == "sums":
        afresh = replace(ask, sums=Sums()) if changed else ask  # what another ruler added up is of another scale
        return _by_sums(afresh, own, fitted, anew=anew)
    note = _changed(ask, stream, ruler) if changed else None
    seen = [_look(ask, own, fitted, end, note) for end in ask.ends if end - ask.window >= fitted.until]
    return Found(seen, fitted, anew)


def _fitted(ask: Ask, stream: Series, own: Series, ruler: str | None) -> Fitted:
    since, until = reference_of(ask.terms, ask.ends[0])
    if until > ask.ends[-1] - ask.window:
        raise TooLittleError(f"the reference ends on {until:%Y-%m-%d %H:%M} and no window after it is over yet")
    reference = streams.cut(own, since, until)
    for first, last in ask.left_out:
        reference = streams.without(reference, first, last)
    begins = [None if ask.norm is None else ask.norm[0], None if ruler is None else _began(stream, ruler)]
    for began in begins:
        if began is not None:
            reference = streams.cut(reference, min(max(reference.since, began), until), until)
    found = fitting.fit(reference, ask.signal, ask.drift, ask.steps)
    left_out = [one for one in ask.left_out if one[1] > found.since and one[0] < found.until]
    return replace(found, ruler=ruler, left_out=left_out, norm=ask.norm)


def _began(stream: Series, ruler: str) -> datetime | None:
    """From when on all values are of the newest ruler; null: no other one is there."""
    others = [at for at, one in enumerate(stream.rulers) if one is not None and one != ruler]
    return stream.since + (others[-1] + 1) * stream.bucket if others else None


def _changed(ask: Ask, stream: Series, ruler: str | None) -> str | None:
    """That the ruler is another one since when."""
    if ruler is None or (began := _began(stream, ruler)) is None:
        return None
    before = next(one for one in reversed(stream.rulers) if one is not None and one != ruler)
    return f"{ask.terms.score or ask.terms.signal} changed from {before} to {ruler} on {began:%Y-%m-%d %H:%M}"


def _why(ask: Ask, stream: Series, ruler: str | None, missing: str) -> str:
    changed = _changed(ask, stream, ruler)
    if changed is None:
        return missing
    if not ask.terms.against.in_time or ask.terms.against.since is not None:
        return f"{changed}; the reference is of the old one, so name another one"
    return f"{changed}; {missing.replace('of reference', 'of the new one')}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text and not text.endswith(".") else text


def _untold(ask: Ask, own: Series, end: datetime, why: str | None) -> Seen:
    window = streams.cut(own, end - ask.window, end)
    value = streams.mean(np.nan_to_num(window.values), window.weights)
    return Seen(end, value, n=float(window.weights.sum()), why=why)


def _look(ask: Ask, own: Series, fitted: Fitted, end: datetime, note: str | None) -> Seen:
    """One look at the window that ends there."""
    window = streams.cut(own, end - ask.window, end)
    n = float(window.weights.sum())
    value = streams.mean(np.nan_to_num(window.values), window.weights)
    found = _compared(ask, own, fitted, end)
    effect, error = float(found.effects[-1, 0]), _error(found)
    little = _too_little(ask, fitted, n, end, known=bool(np.isfinite(effect)))
    if little or value is None or error is None:
        return Seen(end, value, n=n, note=note, why=little or "The reference does not vary at this hour.")
    p = float(found.p_values()[-1, 0])
    half = error * -float(special.stdtrit(found.freedom[-1, 0], 0.025))
    expected = value - effect
    sided = fitting.SIDES[ask.drift.side]
    against = bool(sided) and effect * sided < 0
    return Seen(
        end, value, expected, expected - half, expected + half, n, effect, 1.0 if against else min(p, 1.0), note=note
    )


def _compared(ask: Ask, own: Series, fitted: Fitted, end: datetime) -> Looks:
    """The window's look, twice: as it is, and one unit higher, which tells the error."""
    steps = ask.steps
    period = fitted.period(steps.day)
    offset = (end - ask.window - fitted.until) // steps.bucket
    since = fitted.until + (offset - offset % period) * steps.bucket
    fed = streams.cut(own, since, end)
    asked = fitting.policy(ask.drift, steps, fitted.season, alpha=ask.drift.alpha, floor=fitted.min_effect)
    values = np.nan_to_num(fed.values)
    return watching.looks(
        fitted.baseline, np.stack([values, values + 1.0], axis=1), fed.weights, replace(asked, every=1)
    )


def _error(found: Looks) -> float | None:
    step = float(found.scores[-1, 1] - found.scores[-1, 0])
    return 1 / step if np.isfinite(step) and step > 0 else None


def _too_little(ask: Ask, fitted: Fitted, n: float, end: datetime, *, known: bool) -> str | None:
    what = {"scores": "scores", "retrievals": "retrievals", "tools": "tool calls"}.get(ask.signal.of, "calls")
    hours = not ask.signal.alone
    if n < ask.drift.least and not hours:
        return f"The window has {n:,.0f} {what}, and {ask.drift.least:,} are the least."
    if not known:
        hour = ((end - fitted.until) // ask.steps.bucket - 1) % len(fitted.baseline.usual)
        usual = fitted.baseline.usual[hour]
        return f"The window has {n:,.0f} {'buckets' if hours else what}, and usually {usual:,.0f} at this hour."
    return None


# Cumulative sums.


def _by_sums(ask: Ask, own: Series, fitted: Fitted, *, anew: bool) -> Found:
    if ask.limit is None:
        why = "The limit of the sums is being worked out on the reference."
        return Found([_untold(ask, own, end, why) for end in ask.ends], fitted, anew, ask.sums)
    held, seen = ask.sums, []
    for end in ask.ends:
        if end - ask.window < fitted.until and held.until is None:
            continue
        held = _summed(ask, own, fitted, end, held)
        seen.append(_of_sums(ask, own, fitted, end, held))
    return Found(seen, fitted, anew, held)


def _summed(ask: Ask, own: Series, fitted: Fitted, end: datetime, held: Sums) -> Sums:
    """The sums after all buckets until the end; kept at the limit while they are above it, so that they come back."""
    since = max(held.until or fitted.until, fitted.until)
    steps = ask.steps
    period = fitted.period(steps.day)
    offset = (since - fitted.until) // steps.bucket
    first = fitted.until + (offset - offset % period) * steps.bucket
    fed = streams.cut(own, first, end)
    asked = fitting.policy(ask.drift, steps, fitted.season, alpha=ask.drift.alpha, floor=0.0)
    found = watching.looks(fitted.baseline, np.nan_to_num(fed.values)[:, None], fed.weights, asked)
    added = summed.steps(found, fitted.min_effect)[(since - first) // steps.bucket :, 0]
    limit, sided = ask.limit or 0.0, fitting.SIDES[ask.drift.side]
    up, down, alarmed = held.up, held.down, held.alarmed
    for rise, fall in added:
        up = min(max(up + float(rise), 0.0), limit * 1.5) if sided >= 0 else 0.0
        down = min(max(down + float(fall), 0.0), limit * 1.5) if sided <= 0 else 0.0
        most = max(up, down)
        alarmed = most > limit or (alarmed and most > 0)
    return Sums(up, down, alarmed, end)


def _of_sums(ask: Ask, own: Series, fitted: Fitted, end: datetime, held: Sums) -> Seen:
    window = streams.cut(own, end - ask.window, end)
    n = float(window.weights.sum())
    value = streams.mean(np.nan_to_num(window.values), window.weights)
    steps = ask.steps
    places = (((end - ask.window - fitted.until) // steps.bucket) + np.arange(steps.window)) % fitted.period(steps.day)
    expected = streams.mean(fitted.baseline.profile[places, 0], window.weights)
    if value is None or expected is None or (little := _too_little(ask, fitted, n, end, known=True)):
        return Seen(end, value, n=n, why=little if value is not None and expected is not None else "Nothing came.")
    note = f"The larger sum is at {max(held.up, held.down):.3g} of {ask.limit:.3g}."
    return Seen(end, value, expected, n=n, effect=value - expected, counts=held.alarmed, note=note)
