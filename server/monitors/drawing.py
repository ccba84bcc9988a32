"""What a monitor's page draws: its stream, its reference, when it changed, what happened beside it, distributions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from server.aside import Ask
from server.monitors import marks, raising, sides, streams, words
from server.monitors.facts import Reference
from server.monitors.onset import Stream, onset, stream_of
from server.monitors.sampled import OtherRulerError
from server.monitors.series import key
from server.monitors.shapes import shapes
from server.monitors.terms import Drift, Terms, length, stored

Told = dict[str, Any]


def drawn(  # noqa: PLR0917 - one page's facts
    ask: Ask, document: str, fitted: Mapping[str, Any] | None, since: datetime, until: datetime,
    looked_until: datetime | None,
) -> Told:  # fmt: skip
    """Points, reference, change, markers and distributions, as `GET /api/monitors/{name}/series` tells them.

    Args:
        ask: named queries of the project.
        document: what the monitor says, as JSON.
        fitted: what is kept of its reference; null: it is not fitted.
        since: from when on points are told; UTC without a zone.
        until: before when.
        looked_until: end of the newest window; null: none yet.
    """
    terms = stored(document)
    in_time = fitted if fitted and "until" in fitted else None
    source = streams.source(terms)
    points = [] if source is None else raising.bucket_rows(ask, key(source), since, until)
    about = None if looked_until is None else (looked_until - length(terms.window), looked_until)
    stream = stream_of([one for one in points if one["value"] is not None])
    reference = Reference.of(in_time, terms, stream, about[0] if about else until)
    return {
        "unit": words.unit(terms), "bucket_s": terms.bucket / timedelta(seconds=1), "points": points,
        "reference": {**_window(in_time), "text": reference_text(terms, fitted)},
        "markers": [asdict(one) for one in marks.marks(ask, since, until, terms.where)],
        "change": _change(stream, reference, about),
        "distributions": _distributions(ask, terms, reference, about),
    }  # fmt: skip


def _window(fitted: Mapping[str, Any] | None) -> Told:
    if fitted is None:
        return {"since": None, "until": None}
    return {name: f"{datetime.fromisoformat(str(fitted[name])).isoformat()}Z" for name in ("since", "until")}


def reference_text(terms: Terms, fitted: Mapping[str, Any] | None) -> str:
    """What is compared with, in words."""
    against = terms.against
    if not isinstance(terms.alert, Drift):
        return "This check has no reference."
    if against.release is not None:
        return f"Calls of release {against.release}."
    if against.prompt is not None:
        return f"Calls of prompt {against.prompt}."
    if against.run is not None:
        return f"Rows of run {against.run}."
    if not fitted or "until" not in fitted:
        return "The reference is not fitted yet."
    since, until = (datetime.fromisoformat(str(fitted[name])) for name in ("since", "until"))
    season = {"hour": "each hour with its like", "weekday": "each hour with the same one of its weekday"}
    like = season.get(str(fitted.get("season")))
    return f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC{f', {like}' if like else ''}."


def _change(stream: Stream | None, reference: Reference, about: tuple[datetime, datetime] | None) -> Told | None:
    """When the stream changed; null: it did not, or it is not clear."""
    if stream is None or about is None:
        return None
    found = onset(stream, reference.window, reference.season, about)
    return asdict(found) if found is not None and found.clear else None


def _distributions(
    ask: Ask, terms: Terms, reference: Reference, about: tuple[datetime, datetime] | None
) -> Told | None:
    signal = terms.watched
    if about is None or signal is None or not signal.alone or signal.kind == "embedding":
        return None
    if not isinstance(terms.alert, Drift):
        return None
    try:
        found = sides.drawn(ask, terms, signal, reference.window, reference.season, about)
    except OtherRulerError:
        return None
    known = [side.values[side.known()].tolist() for side in found]
    return shapes(signal.kind, known[0], known[1])
