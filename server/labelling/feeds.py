"""Feeds: which new traces a queue wants, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import inf, nextafter
from typing import Any, cast
from uuid import UUID

from duckdb import DuckDBPyConnection

from server.jobs import PAGING, end_us
from server.labelling.showing import Target
from server.labelling.terms import Feed
from server.labelling.wishes import by_score
from server.rules import FOREVER, QUIET_S
from store import queries
from store.errors import UnknownQueryError
from store.queries import rules as asked
from store.queries.explore import TraceFilters
from store.queries.rules import Choice

MOST = 200  # traces, or sessions, of one look; what is left is looked at next
_OF_DAY = frozenset({"per_day", "priority", "quiet_s"})  # another of these is the same feed

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What is new and over for a feed."""

    targets: list[Target]
    upto: int  # the commit up to which it looked


def key_of(feed: Feed) -> str:
    """What tells a feed from others of its queue: all that it looks for."""
    return blake2b(feed.model_dump_json(exclude=set(_OF_DAY)).encode(), digest_size=8).hexdigest()


def quiet_s(feed: Feed) -> int:
    """Seconds without new spans after which what it looks for is over."""
    return QUIET_S[feed.unit] if feed.quiet_s is None else feed.quiet_s


def fault(feed: Feed) -> str | None:
    """Why a feed cannot look; null: it can."""
    refused = next((name for name in feed.filter if name in PAGING | {"since", "until"}), None)
    if refused is not None:
        return f"{refused!r} is of pages and windows, not of what a feed looks for; leave it out."
    if feed.score is None and (feed.failed or feed.below is not None or feed.above is not None):
        return "A feed by a bound, or by what failed, names the score."
    try:
        for one in choices(0, feed):
            one.params()
    except (UnknownQueryError, ValueError) as error:
        return f"The filter: {error}"
    return None


def choices(project_id: int, feed: Feed) -> list[Choice]:
    """Which traces are meant: those that meet one of these.

    With both bounds the score lies between them, or, where `above` is not less than `below`, outside. A failure meets
    no bound, so it is a choice of its own.
    """
    plain = _parsed(feed)
    if feed.score is None:
        return [Choice(project_id, plain, feed.share)]
    least = None if feed.above is None else nextafter(feed.above, inf)
    most = None if feed.below is None else nextafter(feed.below, -inf)
    bounds: list[dict[str, Any]] = [{"score_at_least": least, "score_at_most": most}]
    if least is not None and most is not None and least > most:
        bounds = [{"score_at_least": least}, {"score_at_most": most}]
    if feed.failed:
        bounds = [one for one in bounds if any(value is not None for value in one.values())] + [{"score_failed": True}]
    told = [cast("TraceFilters", {**plain, "score": feed.score, **one}) for one in bounds]
    return [Choice(project_id, one, feed.share) for one in told]


def _parsed(feed: Feed) -> TraceFilters:
    parsed = queries.get("traces").parse({**feed.filter, "since": FOREVER[0], "until": FOREVER[1]})
    return cast("TraceFilters", {name: value for name, value in parsed.items() if name not in {"since", "until"}})


def look(con: DuckDBPyConnection, project_id: int, feed: Feed, after: int, upto: int) -> Found:
    """What went on with commits in (after, upto] and not since; at most `MOST` traces, or those of one commit."""
    every = [_rows(con, one, feed, after, upto) for one in choices(project_id, feed)]
    reach = min(reached for _, reached in every)
    rows = [row for found, _ in every for row in found if row["resolved_seq"] <= reach or row.get("scored")]
    return Found(_targets(con, project_id, feed, rows), reach)


def _rows(con: DuckDBPyConnection, choice: Choice, feed: Feed, after: int, upto: int) -> tuple[list[Row], int]:
    ask = asked.rule_sessions if feed.unit == "session" else asked.rule_traces
    rows = ask(con, choice, after, upto, MOST + 1).to_pylist()
    if len(rows) > MOST:
        cut = rows[-1]["resolved_seq"]
        fewer = [row for row in rows if row["resolved_seq"] < cut]
        rows, upto = (fewer, cut - 1) if fewer else (ask(con, choice, after, cut, MOST * 1_000).to_pylist(), cut)
    if feed.score is not None and feed.unit != "session":  # a score that came after its trace was over
        rows += [{**row, "scored": True} for row in asked.rule_scored(con, choice, after, upto, []).to_pylist()]
    return rows, upto


def _targets(con: DuckDBPyConnection, project_id: int, feed: Feed, rows: Sequence[Row]) -> list[Target]:
    if feed.unit == "session":
        return list(dict.fromkeys(Target(UUID(row["trace_id"]), None, row["session_id"]) for row in rows))
    traces = {row["trace_id"]: row for row in rows}
    whole = [Target(UUID(one)) for one in traces]
    if feed.unit == "trace" or not whole:
        return whole
    bounds = {
        "traces": [one.trace_id for one in whole], "since_us": min(row["start_us"] for row in traces.values()),
        "until_us": max(end_us(row) for row in traces.values()),
    }  # fmt: skip
    calls = queries.get("case_calls").function(con, project_id, **bounds).to_pylist()
    return [replace(Target(UUID(row["trace_id"])), span_id=int(row["span_id"], 16)) for row in calls]


def words(feed: Feed) -> str:
    """What it looks for: `new traces that match service=shop, whose score correct is below 0.5, a tenth of them`."""
    told = [f"new {'model calls' if feed.unit == 'call' else f'{feed.unit}s'}"]
    if feed.filter:
        told.append(f"that match {', '.join(f'{name}={value}' for name, value in feed.filter.items())}")
    if feed.score is not None:
        told.append(_score_words(feed))
    text = " ".join(told)
    return text if feed.share == 1 else f"{text}, {feed.share:.4g} of them"


def _score_words(feed: Feed) -> str:
    told = [f"is below {feed.below:g}"] if feed.below is not None else []
    told += [f"is above {feed.above:g}"] if feed.above is not None else []
    outside = feed.below is not None and feed.above is not None and feed.above >= feed.below
    bounds = (" or " if outside else " and ").join(told)
    failed = ["failed"] if feed.failed else []
    return f"whose score {feed.score} {' or '.join([*([bounds] if bounds else []), *failed]) or 'is there'}"


def attributes(feed: Feed) -> dict[str, str]:
    """How an item of it was drawn. A bound of items a day takes the first ones, by a chance that nobody knows; what was
    chosen by a score is no sample of what that score is of.
    """  # noqa: D205 - one thought
    told = {"drawn_from": words(feed)[:300]}
    if feed.score is not None or feed.failed or by_score(feed.filter):
        return {**told, "sampling": "scored"}
    if feed.per_day is not None:
        return {**told, "sampling": "first of the day"}
    return {**told, "sampling": "all" if feed.share == 1 else "random", "weight": f"{1 / feed.share:.6g}"}
