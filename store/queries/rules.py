"""What standing rules look for: new traces and sessions that match and are sampled, and stored ones.

`TraceFilters` are those of the query `traces`; null filters nothing. A sample is by the hash of the trace's id, or of
the session's: rules of the same rate pick the same ones, and a higher rate keeps those of a lower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query
from store.queries.explore import TraceFilters, filtered

LONGEST_SESSION = timedelta(days=7)  # from its first trace that counts to its newest: older traces are not looked for
MOST_TURNS = 1_000


@dataclass(frozen=True, slots=True)
class Choice:
    """Which traces of a project are a rule's."""

    project_id: int
    filters: TraceFilters
    sample_rate: float  # 0 to 1

    def params(self) -> dict[str, object]:
        """Raises ValueError: see `filtered`."""
        return {"project_id": self.project_id, **filtered(self.filters), "sample_rate": self.sample_rate}


@dataclass(frozen=True, slots=True)
class Stored:
    """Which of the stored ones: started in [since, until), newest first, after the one of this start and id."""

    since: datetime
    until: datetime
    rulers: Sequence[str]  # evaluator and version with a blank between
    after_start_us: int | None = None
    after_trace: UUID | None = None

    def params(self, *, of_sessions: bool) -> dict[str, object]:
        told = {"since": self.since, "until": self.until, "rulers": list(self.rulers), "of_sessions": of_sessions}
        return told | ({"earliest": self.since - LONGEST_SESSION} if of_sessions else {})

    def place(self) -> dict[str, object]:
        return {"after_start_us": self.after_start_us, "after_trace": self.after_trace}


def rule_traces(con: DuckDBPyConnection, choice: Choice, after: int, upto: int, most: int) -> pa.Table:
    """trace_id (text), start_us, duration_ns, resolved_seq: those whose newest span came with commits (after, upto].

    In order of that commit, at most `most`.
    """
    return ask(con, "rule_traces", choice.params() | {"after": after, "upto": upto, "most": most})


def rule_scored(con: DuckDBPyConnection, choice: Choice, after: int, upto: int, evaluators: Sequence[str]) -> pa.Table:
    """As `rule_traces`, all older traces: those whose score, by which the choice filters, came with these commits.

    Without those that one of the evaluators has scored since their newest span: two rules that filter by one another's
    scores would go on for ever.
    """
    params = {"after": after, "upto": upto, "evaluators": list(evaluators)}
    return ask(con, "rule_scored", choice.params() | params)


def rule_sessions(con: DuckDBPyConnection, choice: Choice, after: int, upto: int, most: int) -> pa.Table:
    """session_id, trace_id (its newest), start_us, end_us, resolved_seq: sessions that went on in (after, upto].

    And not since. One of its traces meets the filters. In order of the commit of their newest span.
    """
    earliest = rule_touched(con, choice.project_id, after, upto)
    bound = {"earliest": (earliest or datetime(1970, 1, 9)) - LONGEST_SESSION}  # noqa: DTZ001 - as the store holds it
    if earliest is None:
        bound, after = {"earliest": datetime(9999, 1, 1)}, upto  # noqa: DTZ001
    return ask(con, "rule_sessions", choice.params() | bound | {"after": after, "upto": upto, "most": most})


def rule_touched(con: DuckDBPyConnection, project_id: int, after: int, upto: int) -> datetime | None:
    """Start of the earliest trace with a session that had spans in (after, upto]; null: there is none."""
    found: datetime | None = ask(con, "rule_touched", {"project_id": project_id, "after": after, "upto": upto})[
        "earliest"
    ][0].as_py()
    return found


def rule_stored(con: DuckDBPyConnection, choice: Choice, stored: Stored, most: int) -> pa.Table:
    """trace_id (text), start_us, duration_ns and scored (each ruler has scored it) of stored traces, newest first."""
    told = stored.params(of_sessions=False) | stored.place() | {"most": most}
    return ask(con, "rule_stored", choice.params() | told)


def rule_stored_sessions(con: DuckDBPyConnection, choice: Choice, stored: Stored, most: int) -> pa.Table:
    """session_id, trace_id (its newest), start_us, end_us, newest_us and scored of stored sessions, newest first."""
    told = stored.params(of_sessions=True) | stored.place() | {"most": most}
    return ask(con, "rule_stored_sessions", choice.params() | told)


def rule_counts(con: DuckDBPyConnection, choice: Choice, stored: Stored) -> Mapping[str, Any]:
    """matching, sampled, scored: traces; calls, sampled_calls: model calls of those that are not scored, and of all.

    input_tokens and output_tokens are means of a sampled trace; null: unknown.
    """
    found: Mapping[str, Any] = ask(con, "rule_counts", choice.params() | stored.params(of_sessions=False)).to_pylist()[
        0
    ]
    return found


def rule_session_counts(con: DuckDBPyConnection, choice: Choice, stored: Stored) -> Mapping[str, Any]:
    """As `rule_counts`, of sessions."""
    told = choice.params() | stored.params(of_sessions=True)
    found: Mapping[str, Any] = ask(con, "rule_session_counts", told).to_pylist()[0]
    return found


def rule_spent(con: DuckDBPyConnection, project_id: int, rulers: Sequence[str], most: int) -> pa.Table:
    """Evaluator and spent (JSON) of the newest scores of these rulers that cost something."""
    return ask(con, "rule_spent", {"project_id": project_id, "rulers": list(rulers), "most": most})


@query(right="read")
def session_traces(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, session_id: str, since_us: int, until_us: int, max_rows: int | None = None
) -> pa.Table:
    """trace_id (text), start_us, duration_ns of the traces of a session that started within [since_us, until_us].

    In order of start; times in microseconds, since 1970.
    """
    params = {"project_id": project_id, "session_id": session_id, "since_us": since_us, "until_us": until_us}
    return ask(con, "session_traces", params | {"max_rows": max_rows})
