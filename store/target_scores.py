"""Scores of one target: a trace, one of its spans, or a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from duckdb import DuckDBPyConnection

from store.relations import among

MOST = 200
_NAMES = (
    "name", "evaluator", "evaluator_version", "author", "source", "value", "label", "explanation", "error_type", "time",
)  # fmt: skip
# Narrow columns first: the reasons of all would be unpacked to find those of one. What counts is chosen here, since
# planning the same in SQL takes twice the time of both questions.
_FOUND = (
    "select rowid, name, evaluator, evaluator_version, author, source, commit_seq, time from scores "
    "where project_id = ? and "
)
_OF_TRACE = "trace_id = ? and session_id is null and span_id is not distinct from ?"
_WORDS = "select rowid, value, label, explanation, error_type from scores where "


@dataclass(frozen=True, slots=True)
class Target:
    """What is scored: a session, or a trace, or one of its spans."""

    trace_id: UUID | None = None
    span_id: int | None = None  # null: the whole trace
    session_id: str | None = None


def scores(cursor: DuckDBPyConnection, project_id: int, target: Target) -> list[dict[str, Any]]:
    """What was scored of a target, the newest first, 200 at most; the latest by ruler, author and source.

    An end user may send a score under the name of a judge, which is another one.
    Scores that name a response id alone are not among them: the query `trace_scores` has these too.
    """
    if target.session_id is not None:
        rows = cursor.execute(_FOUND + "session_id = ?", [project_id, target.session_id]).fetchall()
    else:
        rows = cursor.execute(_FOUND + _OF_TRACE, [project_id, target.trace_id, target.span_id]).fetchall()
    newest = _newest(rows)
    which, told = among("rowid", [place for place, _, _ in newest])
    words = {row[0]: row[1:] for row in cursor.execute(_WORDS + which, told).fetchall()} if newest else {}
    return [dict(zip(_NAMES, (*ruler, *words[place], time), strict=True)) for place, ruler, time in newest]


def _newest(rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, tuple[str | None, ...], datetime]]:
    """Of each ruler, author and source the row that counts, and the newest time; the newest first, `MOST` at most."""
    last: dict[tuple[str | None, ...], tuple[int, int]] = {}
    times: dict[tuple[str | None, ...], datetime] = {}
    for place, *ruler, seq, time in rows:
        key = tuple(ruler)
        last[key] = max(last.get(key, (seq, place)), (seq, place))
        times[key] = max(times.get(key, time), time)
    keys = sorted(times, key=lambda key: tuple(part or "" for part in key))
    keys.sort(key=lambda key: times[key], reverse=True)
    return [(last[key][1], key, times[key]) for key in keys[:MOST]]
