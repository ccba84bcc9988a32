"""Why an alert fired: when it changed, what happened at that time, which slices explain it, and traces to look at.

All of it is a hypothesis that the data suggest, and is told with what it rests on: the time of the change is that of
the clearest split of the stream, slices are tested against the rest over samples, and something that happened is named
as the cause only where a slice agrees with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from server.aside import Ask
from server.monitors import evidence, leading, saying, sides, verdicts
from server.monitors.facts import Facts, Json, Reference, Rows, signal_of
from server.monitors.marks import Mark, marks
from server.monitors.onset import Onset, Stream, Window, by_bucket, onset, stream_of
from server.monitors.sampled import OtherRulerError
from server.monitors.slicing import MATTERS, Sides, Why, numbers, why
from server.monitors.terms import DAY, Terms, Threshold, length

_ONE_SIDED = {"error_burst": True, "slo_burn": True, "no_data": False}
"""Of checks that are of one side, whether it is up."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What is told of an alert. Times are UTC without a zone."""

    verdict: str  # one sentence
    cause: str  # what alerts are grouped by: release:1.8, model:gpt-4o, slice:service=shop, or monitor:NAME
    cause_text: str
    changed_since: datetime | None  # null: unknown
    since_low: datetime | None  # its 95 % interval
    since_high: datetime | None
    document: Json


def explain(  # noqa: PLR0917 - one alert's facts
    ask: Ask, terms: Terms, points: Rows, looks: Rows, fitted: Mapping[str, Any] | None, at: datetime, name: str = ""
) -> Explained:
    """What explains an alert of a monitor. Of plain values, so that an `Aside` can work it out.

    Args:
        ask: named queries of the project.
        terms: what the monitor says.
        points: of its stream, in order, the reference included: at, value, n, ruler; none: it has no stream.
        looks: in order, the newest last: at, value, expected, low, high, n, effect, counts, note.
        fitted: the reference as kept: since, until, season; null: it is no stretch of time.
        at: the end of the newest window, UTC without a zone.
        name: of the monitor.
    """
    facts = found_out(ask, terms, points, looks, fitted, at, name)
    slices = evidence.slices_of(ask, facts)
    cause, text = facts.cause(slices)
    change = facts.change
    look = next((one for one in reversed(looks) if one.get("counts")), looks[-1] if looks else None)
    said = verdicts.verdict(terms, look, change, facts.why, facts.mark, facts.bucket, _largest(facts, slices))
    low, high = (None, None) if change is None else (change.low, change.high)
    return Explained(
        said, cause, text, None if change is None else change.at, low, high, evidence.document(facts, slices)
    )


def found_out(  # noqa: PLR0917 - as `explain`
    ask: Ask, terms: Terms, points: Rows, looks: Rows, fitted: Mapping[str, Any] | None, at: datetime, name: str
) -> Facts:
    """The facts that an explanation is made of; as `explain`."""
    about = (_first(looks, terms, at), at)
    up = _up(terms, looks)
    stream = stream_of([one for one in leading.led_up(ask, terms, points, at) if one["at"] < at])
    reference = Reference.of(fitted, terms, stream, about[0])
    change = None if stream is None else onset(stream, reference.window, reference.season, about, up=up)
    current = (change.at if change is not None and change.clear else about[0], at)
    drawn, refused = _drawn(ask, terms, reference, current)
    found = None if drawn is None else _why(terms, drawn, up)
    if stream is None and found is not None and terms.against.in_time:
        stream = _of_rows(found)
        change = None if stream is None or not found.clear else onset(stream, reference.window, None, about)
    happened = _happened(ask, terms, stream, change, about)
    return Facts(terms, name, looks, reference, stream, change, drawn, found, happened, about, refused, up)


def _first(looks: Rows, terms: Terms, at: datetime) -> datetime:
    """Start of the window of the first look of those that count, without a break of two, up to the newest."""
    first, missed = at, 0
    for one in reversed(looks):
        if one.get("counts"):
            first, missed = one["at"], 0
        else:
            missed += 1
        if missed > 1:
            break
    return min(first, at) - length(terms.window)


def _up(terms: Terms, looks: Rows) -> bool | None:
    """To which side the check, or the newest look, says that it is off; null: neither does."""
    if isinstance(terms.alert, Threshold):
        return terms.alert.above is not None
    if terms.alert.kind in _ONE_SIDED:
        return _ONE_SIDED[terms.alert.kind]
    told = next((one for one in reversed(looks) if one.get("counts")), None)
    if told is None or told.get("value") is None or told.get("expected") is None:
        return None
    return bool(told["value"] > told["expected"])


def _drawn(ask: Ask, terms: Terms, reference: Reference, current: Window) -> tuple[Sides | None, str]:
    """Both samples, or why there are none."""
    signal = signal_of(terms)
    if signal is None or not signal.alone:
        return None, ""
    try:
        return sides.drawn(ask, terms, signal, reference.window, reference.season, current), ""
    except OtherRulerError as error:
        return None, f"No slice can be named: {error}."


def _why(terms: Terms, drawn: Sides, up: bool | None) -> Why | None:
    signal = signal_of(terms)
    if signal is None:
        return None
    told = numbers(signal, terms.quantile, drawn, saying.named(terms) if terms.score else None)
    sided = up if signal.stream else None  # what the numbers of two samples are has no side that looks know
    return None if told is None else why(told, sides.apart(terms.where, signal), up=sided)


def _of_rows(found: Why) -> Stream | None:
    """Of a signal without a stream: the number that its rows were given, by the hour."""
    times = [one for side in found.numbers.sides for one in side.times]
    return by_bucket(times, np.concatenate(found.numbers.values))


def _happened(ask: Ask, terms: Terms, stream: Stream | None, change: Onset | None, about: Window) -> list[Mark]:
    first = about[0] - evidence.LONGEST
    if stream is not None:
        first = max(stream.times[0], first)
    if change is not None:
        first = min(first, change.low - DAY)
    return marks(ask, first, about[1], terms.where)


def _largest(facts: Facts, slices: Sequence[Json]) -> str | None:
    """Of sums the slice that explains most, as the verdict names it."""
    if facts.why is not None or not slices or slices[0]["share_of_change"] < MATTERS:
        return None
    return f"{slices[0]['attribute']} {slices[0]['slice']} {saying.explains(slices[0]['share_of_change'], 'it')}"
