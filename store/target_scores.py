"""Scores of one target: a trace, one of its spans, or a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from duckdb import DuckDBPyConnection

MOST = 200
_NAMES = (
    "name", "evaluator", "evaluator_version", "author", "value", "label", "explanation", "source", "error_type", "time",
)  # fmt: skip
# Narrow columns first: the reasons of all would be unpacked to find those of one.
_SCORES = """
with found as (select rowid as place from scores where project_id = $project_id and {target})
select name, evaluator, evaluator_version, author, arg_max_null(value, commit_seq), arg_max_null(label, commit_seq),
       arg_max_null(explanation, commit_seq), arg_max(source, commit_seq), arg_max_null(error_type, commit_seq),
       max(time) as newest
from scores where rowid in (select place from found)
group by name, evaluator, evaluator_version, author order by newest desc, name, evaluator, evaluator_version, author
limit $most
"""
_OF_TRACE = "trace_id = $trace_id and session_id is null and span_id is not distinct from $span_id"


@dataclass(frozen=True, slots=True)
class Target:
    """What is scored: a session, or a trace, or one of its spans."""

    trace_id: UUID | None = None
    span_id: int | None = None  # null: the whole trace
    session_id: str | None = None


def scores(cursor: DuckDBPyConnection, project_id: int, target: Target) -> list[dict[str, Any]]:
    """What was scored of a target, the newest first, 200 at most; the latest by name, evaluator, version and author.

    Scores that name a response id alone are not among them: the query `trace_scores` has these too.
    """
    told: dict[str, object]
    if target.session_id is not None:
        text, told = _SCORES.format(target="session_id = $session_id"), {"session_id": target.session_id}
    else:
        text, told = _SCORES.format(target=_OF_TRACE), {"trace_id": target.trace_id, "span_id": target.span_id}
    rows = cursor.execute(text, {"project_id": project_id, "most": MOST, **told}).fetchall()
    return [dict(zip(_NAMES, row, strict=True)) for row in rows]
