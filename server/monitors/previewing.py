"""A monitor that need not be set: how it would have looked over the last reference, and how often it would cry wolf."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np

from server.aside import Ask
from server.evals.figures import counted
from server.monitors import calibrating, deciding, fitting, looking, streams, words
from server.monitors.deciding import Watched
from server.monitors.due import LAG
from server.monitors.fitting import Fitted, TooLittleError
from server.monitors.looking import USUAL_REFERENCE, Found, Sums
from server.monitors.raising import row_of
from server.monitors.series import Series, series
from server.monitors.terms import Drift, Terms, length, stored
from store.monitors import Monitor

MOST = 720  # looks
Told = dict[str, Any]


def previewed(ask: Ask, document: str, monitors: int, now: datetime) -> Told:
    """What comes of a monitor over what is stored, as `POST /api/monitors/preview` tells it.

    Args:
        ask: named queries of the project.
        document: what it says, as JSON.
        monitors: drift monitors of the project, this one among them.
        now: UTC without a zone.
    """
    terms = stored(document)
    source = streams.source(terms)
    if source is None or not terms.against.in_time:
        return _without_stream(ask, terms, document, now)
    until = streams.floored(now - LAG, terms.bucket)
    first = _reach(terms, until)
    stream = series(ask, [source], first, until)[0]
    if isinstance(terms.alert, Drift):
        return _drift(terms, stream, monitors, until, now)
    asked = looking.Ask(streams.watching(terms, source), _ends(terms, until - USUAL_REFERENCE, until))
    looks = deciding.decided([_watched(terms, looking.looked(asked, stream).seen, now)], {}, now)[0].looks
    return _told(terms, stream, looks, None, {**calibrating.nothing(now), "why": calibrating.NO_TEST}, [])


def _reach(terms: Terms, until: datetime) -> datetime:
    """From when on the stream is read: twice the reference, as one half is compared with the other."""
    if not isinstance(terms.alert, Drift):
        return until - USUAL_REFERENCE - length(terms.window)
    since, end = looking.reference_of(terms, until)
    return since if terms.against.since is not None else since - (end - since)


def _ends(terms: Terms, since: datetime, until: datetime) -> list[datetime]:
    every = length(terms.every)
    count = max((until - since) // every, 0)
    last = streams.floored(until, every)
    return [last - step * every for step in reversed(range(min(count, MOST)))]


def _drift(terms: Terms, stream: Series, monitors: int, until: datetime, now: datetime) -> Told:
    """Looks over the newer half of what is there, against the older one; false alarms of the whole reference."""
    warnings: list[str] = []
    asked = looking.Ask(terms, [until])
    reference = _reference(asked, stream, until)
    try:
        fitted = fitting.fit(reference, asked.signal, asked.drift, asked.steps)
    except TooLittleError as error:
        why = f"{str(error)[0].upper()}{str(error)[1:]}."
        return _told(terms, stream, [], None, {**calibrating.nothing(now), "why": why}, [why])
    calibration = calibrating.of_reference(reference, terms, fitting.document(fitted), monitors, now)
    looks = _looks(terms, stream, reference, until, calibration | {"monitors": monitors}, now, warnings)
    return _told(terms, stream, looks, fitted, calibration, warnings)


def _reference(asked: looking.Ask, stream: Series, until: datetime) -> Series:
    since, end = looking.reference_of(asked.terms, until)
    ruler = streams.newest_ruler(stream)
    own = streams.weighed(stream, streams.of_ruler(stream, ruler))
    return fitting.trimmed(streams.cut(own, since, min(end, until)), asked.signal)


def _looks(  # noqa: PLR0917 - one monitor's facts
    terms: Terms, stream: Series, reference: Series, until: datetime, calibration: Told, now: datetime,
    warnings: list[str],
) -> Sequence[Any]:  # fmt: skip
    """As it would have looked: against what came before where that is enough, else against the first half of it all."""
    own = fitting.trimmed(stream, looking.Ask(terms, [until]).signal)
    whole = own.since, streams.end(own)
    middle = streams.floored(reference.since if terms.against.since is None else streams.end(reference), terms.bucket)
    if terms.against.since is None and middle - whole[0] < (whole[1] - whole[0]) / 2:
        middle = streams.floored(whole[0] + (whole[1] - whole[0]) / 2, terms.bucket)
        warnings.append(
            f"{fitting.told(whole[1] - whole[0])} are stored, so that the newer half is compared with the older one."
        )
    before = looking.Ask(terms, [middle + length(terms.window)])
    fixed = streams.cut(own, whole[0], middle) if terms.against.since is None else reference
    try:
        fitted = fitting.fit(fixed, before.signal, before.drift, before.steps)
    except TooLittleError as error:
        warnings.append(f"How it would have looked is not known: {error}.")
        return []
    asked = looking.Ask(
        terms, _ends(terms, middle + length(terms.window), until), fitted, limit=calibration["limit"],
        sums=Sums(until=None),
    )  # fmt: skip
    if not asked.ends:
        return []
    found = looking.looked(asked, own)
    watched = _watched(terms, found.seen, now, found, calibration["alpha"])
    # As if no other monitor of the project saw anything.
    others = {UUID(int=place): 1.0 for place in range(1, calibration["monitors"] or 1)}
    return deciding.decided([watched], {_NOBODY: None, **others}, now)[0].looks


_NOBODY = UUID(int=0)


def _watched(
    terms: Terms, seen: Sequence[Any], now: datetime, found: Found | None = None, alpha: float | None = None
) -> Watched:
    """As if the monitor was set."""
    monitor = Monitor(
        0, _NOBODY, "preview", 1, 1, "", True, "new", now, None, None, now, "", None, None, None, None, now, now, None
    )
    least = found.fitted.min_effect if found is not None and found.fitted is not None else None
    return Watched(monitor, terms, seen, alpha, least)


def _told(  # noqa: PLR0917 - an answer
    terms: Terms, stream: Series, looks: Sequence[Any], fitted: Fitted | None, calibration: Told, warnings: list[str]
) -> Told:
    rows = [row_of(one) for one in looks]
    fired = [
        {"at": row["at"]} for before, row in zip([None, *rows], rows, strict=False)
        if row["state"] == "firing" and (before is None or before["state"] != "firing")
    ]  # fmt: skip
    least = None if fitted is None else fitted.min_effect
    many = f"Over what is stored it would have fired {counted(len(fired), 'time')}." if rows else ""
    said = [
        words.policy(terms, least, calibration["alpha"]),
        words.false_alarms(calibration) if isinstance(terms.alert, Drift) else "",
        many,
    ]
    return {
        "calibration": {name: value for name, value in calibration.items() if name != "limit"},
        "points": points_of(stream), "looks": rows, "season": None if fitted is None else fitted.season,
        "min_effect": least, "would_have_fired": fired, "warnings": warnings,
        "sentence": " ".join(part for part in said if part),
    }  # fmt: skip


def points_of(stream: Series) -> list[Told]:
    """The buckets of a stream as rows."""
    return [
        {
            "at": stream.since + place * stream.bucket, "value": None if np.isnan(value) else float(value),
            "n": float(weight), "ruler": ruler,
        }
        for place, (value, weight, ruler) in enumerate(zip(stream.values, stream.weights, stream.rulers, strict=True))
    ]  # fmt: skip


def _without_stream(ask: Ask, terms: Terms, document: str, now: datetime) -> Told:
    """Of two samples, a service level or a budget: one look, as it is now."""
    from server.monitors import reading, seen  # noqa: PLC0415 - it reads samples

    at = streams.floored(now - LAG, terms.bucket)
    result = reading.looked(ask, [reading.Task(_NOBODY.hex, document, (at,))])["results"][0]
    found = [seen.read(row) for row in result["looks"]]
    watched = Watched(_watched(terms, found, now).monitor, terms, found, None, result["min_effect"])
    looks = deciding.decided([watched], {_NOBODY: None}, now)[0].looks if found else []
    told = _told(terms, streams.blank(at, at, terms.bucket), looks, None, calibrating.nothing(now), [])
    return told | {"min_effect": result["min_effect"]}
