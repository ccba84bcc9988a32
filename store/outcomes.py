"""What came of the parts of rules: sums by the hour, and the targets that could not be scored, until they are.

Writes go inside the transaction that closes the part. Hours and days are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import relations

MAX_ERROR = 500  # letters
_NOW = "now() at time zone 'utc'"
_HOUR = f"date_trunc('hour', {_NOW})"
_KEY = "coalesce(session_id, concat(trace_id::varchar, '/', span_id::varchar))"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a worker did for a part."""

    ok: int  # verdicts, by their status
    not_applicable: int
    failed: int
    calls: int = 0
    cached: int = 0
    spent_usd: float | None = None  # null: nothing was asked that costs, or its price is unknown


@dataclass(frozen=True, slots=True)
class Failure:
    """A target that an evaluator could not score."""

    trace_id: UUID  # of a session: its newest
    span_id: int | None
    session_id: str | None
    start_us: int
    end_us: int
    evaluator: str | None  # null: all; its workers were lost
    error_type: str
    error: str


@dataclass(frozen=True, slots=True)
class Hour:
    """What the parts of a rule did that were closed within an hour."""

    hour: datetime
    targets: int
    ok: int
    not_applicable: int
    failed: int
    calls: int
    cached: int
    spent_usd: float | None


def key(trace_id: UUID, span_id: int | None, session_id: str | None) -> str:
    """What a target is known by."""
    return session_id if session_id is not None else f"{trace_id}/{'' if span_id is None else span_id}"


def book(cursor: DuckDBPyConnection, project_id: int, rule_id: UUID, targets: int, tally: Tally) -> None:
    """Add to the sums of this hour."""
    counts = [targets, *asdict(tally).values()]
    rows = cursor.execute(
        "update rule_hours set targets = targets + ?, ok = ok + ?, not_applicable = not_applicable + ?, "
        "failed = failed + ?, calls = calls + ?, cached = cached + ?, "
        "spent_usd = coalesce(spent_usd + ?::double, spent_usd, ?::double) "
        f"where rule_id = ? and hour = {_HOUR} returning 1",
        [*counts, counts[-1], rule_id],
    ).fetchall()
    if not rows:
        cursor.execute(
            f"insert into rule_hours select ?, ?, {_HOUR}, ?, ?, ?, ?, ?, ?, ?", [project_id, rule_id, *counts]
        )


def scored(cursor: DuckDBPyConnection, rule_id: UUID, keys: Sequence[str], evaluators: Sequence[str] | None) -> None:
    """Forget what these targets failed at before, as far as these evaluators go; null: all."""
    cursor.execute(
        f"delete from rule_failures where rule_id = $rule_id and list_contains($keys::varchar[], {_KEY}) "
        "and ($evaluators::varchar[] is null or evaluator is null or list_contains($evaluators::varchar[], evaluator))",
        {"rule_id": rule_id, "keys": list(keys), "evaluators": None if evaluators is None else list(evaluators)},
    )


_COLUMNS = {
    "trace_id": pa.string(), "span_id": pa.uint64(), "session_id": pa.string(), "start_us": pa.int64(),
    "end_us": pa.int64(), "evaluator": pa.string(), "error_type": pa.string(), "error": pa.string(),
}  # fmt: skip


def fail(cursor: DuckDBPyConnection, project_id: int, rule_id: UUID, failures: Sequence[Failure]) -> None:
    """Note what failed; errors are shortened."""
    if not failures:
        return
    rows = [asdict(one) | {"trace_id": str(one.trace_id), "error": one.error[:MAX_ERROR]} for one in failures]
    columns = ", ".join(_COLUMNS)
    with relations.registered(cursor, pa.Table.from_pylist(rows, pa.schema(list(_COLUMNS.items())))) as name:
        cursor.execute(
            f"insert into rule_failures (project_id, rule_id, failed_at, {columns}) "
            f"select ?, ?, {_NOW}, trace_id::uuid, * exclude (trace_id) from {name}",
            [project_id, rule_id],
        )


def wait_for_money(cursor: DuckDBPyConnection, rule_id: UUID) -> None:
    """The rule's budget did not allow one more call: it waits for the next day; without one by the day, for good."""
    cursor.execute(
        "update rules set waits_until = case when budget_usd_per_day is null then 'infinity'::timestamp "
        f"else date_trunc('day', {_NOW}) + interval 1 day end where rule_id = ?",
        [rule_id],
    )


def hours(cursor: DuckDBPyConnection, rule_id: UUID, since: datetime) -> list[Hour]:
    """The sums of the hours from `since` on, in order of time; hours without any have no row."""
    rows = cursor.execute(
        "select hour, targets, ok, not_applicable, failed, calls, cached, spent_usd from rule_hours "
        "where rule_id = ? and hour >= ? order by hour",
        [rule_id, since],
    ).fetchall()
    return [Hour(*row) for row in rows]
