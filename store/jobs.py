"""Orders to score what is stored. Workers take them by parts, each under a lease that ends by itself.

Reads take any cursor; writes go through `Writer.call`, so that two workers never get one part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import relations

MAX_ATTEMPTS = 3
_COLUMNS = (
    "j.job_id, j.created_at, j.author, j.document, j.targets, j.budget_usd, j.ended_at, j.outcome, j.fault, "
    "coalesce(sum(len(p.targets)) filter (where p.state in ('done', 'failed')), 0)::bigint, "
    "coalesce(sum(len(p.targets)) filter (where p.state = 'failed'), 0)::bigint, "
    "count(*) filter (where p.state = 'leased' and p.leased_until > now() at time zone 'utc'), "
    "coalesce(sum(p.ok), 0)::bigint, coalesce(sum(p.not_applicable), 0)::bigint, coalesce(sum(p.failed), 0)::bigint, "
    "coalesce(sum(p.calls), 0)::bigint, coalesce(sum(p.cached), 0)::bigint, sum(p.spent_usd), max(p.fault)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A trace, or one span of it."""

    trace_id: UUID
    span_id: int | None  # null: the whole trace
    start_us: int  # of the trace, since 1970
    end_us: int


@dataclass(frozen=True, slots=True)
class Job:
    """An order and how far it is."""

    job_id: UUID
    created_at: datetime  # UTC
    author: str | None
    document: str  # JSON
    targets: int
    budget_usd: float | None
    ended_at: datetime | None  # null: it is not over
    outcome: str | None  # done cancelled stopped
    fault: str | None
    targets_done: int  # with those given up
    targets_given_up: int
    working: int  # parts that a worker has now
    ok: int  # verdicts, by their status
    not_applicable: int
    failed: int
    calls: int
    cached: int
    spent_usd: float | None
    part_fault: str | None  # of a part that nobody could finish

    @property
    def state(self) -> str:
        """waiting, running, or how it ended."""
        return self.outcome or ("running" if self.working or self.targets_done else "waiting")


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker has taken."""

    project_id: int
    job_id: UUID
    part: int
    lease: UUID
    document: str
    targets: tuple[Target, ...]
    left_usd: float | None  # of the job's budget; null: no bound


@dataclass(frozen=True, slots=True)
class Tally:
    """What a worker did for a part."""

    ok: int
    not_applicable: int
    failed: int
    calls: int = 0
    cached: int = 0
    spent_usd: float | None = None


def add(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, targets: Sequence[Target], part_size: int, document: str,
    budget_usd: float | None, author: str | None,
) -> UUID:  # fmt: skip
    """A new order of these targets, in parts of that size. One without targets is done at once."""
    job_id = uuid4()
    cursor.execute(
        "insert into jobs (project_id, job_id, created_at, author, document, targets, budget_usd, ended_at, outcome) "
        "select ?, ?, now() at time zone 'utc', ?, ?, ?, ?, case when ? then now() at time zone 'utc' end, "
        "case when ? then 'done' end",
        [project_id, job_id, author, document, len(targets), budget_usd, not targets, not targets],
    )
    with relations.registered(cursor, _parts(targets, part_size)) as parts:
        cursor.execute(
            "insert into job_parts (project_id, job_id, part, targets, state, attempts, ok, not_applicable, failed, "
            "calls, cached) select ?, ?, part, "
            "targets::struct(trace_id uuid, span_id ubigint, start_us bigint, end_us bigint)[], "
            f"'waiting', 0, 0, 0, 0, 0, 0 from {parts}",
            [project_id, job_id],
        )
    return job_id


_TARGET = pa.struct(
    [("trace_id", pa.string()), ("span_id", pa.uint64()), ("start_us", pa.int64()), ("end_us", pa.int64())]
)


def _parts(targets: Sequence[Target], part_size: int) -> pa.Table:
    """Part and targets of each part: one table, since a statement a part kept the writer busy for a second."""
    told = [asdict(one) | {"trace_id": str(one.trace_id)} for one in targets]
    parts = [told[start : start + part_size] for start in range(0, len(told), part_size)]
    return pa.table({"part": pa.array(range(len(parts)), pa.int32()), "targets": pa.array(parts, pa.list_(_TARGET))})


def jobs(cursor: DuckDBPyConnection, project_id: int, most: int = 100) -> list[Job]:
    """The newest orders of a project, newest first."""
    rows = cursor.execute(
        f"select {_COLUMNS} from jobs j left join job_parts p using (job_id) where j.project_id = ? "
        f"group by all order by j.created_at desc, j.job_id limit ?",
        [project_id, most],
    ).fetchall()
    return [Job(*row) for row in rows]


def job(cursor: DuckDBPyConnection, project_id: int, job_id: UUID) -> Job | None:
    """One order; null: the project has none of this id."""
    rows = cursor.execute(
        f"select {_COLUMNS} from jobs j left join job_parts p using (job_id) "
        "where j.project_id = ? and j.job_id = ? group by all",
        [project_id, job_id],
    ).fetchall()
    return Job(*rows[0]) if rows else None


def lease(cursor: DuckDBPyConnection, lasts: timedelta) -> Part | None:
    """The next part that nobody has, of the oldest order, for that long; null: there is nothing to do.

    A part that was taken `MAX_ATTEMPTS` times without an end is given up, and an order whose budget is used up stops.
    """
    while True:
        rows = cursor.execute(
            "select j.project_id, j.job_id, p.part, j.document, p.targets, p.attempts, j.budget_usd, "
            "(select sum(spent_usd) from job_parts s where s.job_id = j.job_id) "
            "from jobs j join job_parts p using (job_id) where j.outcome is null "
            # Of a budget one worker at a time is given what is left.
            "and (j.budget_usd is null or not exists (select 1 from job_parts o where o.job_id = j.job_id "
            "and o.state = 'leased' and o.leased_until > now() at time zone 'utc')) and (p.state = 'waiting' "
            "or (p.state = 'leased' and p.leased_until <= now() at time zone 'utc')) "
            "order by j.created_at, j.job_id, p.part limit 1"
        ).fetchall()
        if not rows:
            return None
        project_id, job_id, part, document, targets, attempts, budget_usd, spent_usd = rows[0]
        left = None if budget_usd is None else budget_usd - (spent_usd or 0.0)
        if left is not None and left <= 0:
            _end(cursor, job_id, "stopped", f"Its budget of ${budget_usd:g} is used up.")
        elif attempts >= MAX_ATTEMPTS:
            _give_up(cursor, job_id, part)
        else:
            taken = uuid4()
            cursor.execute(
                "update job_parts set state = 'leased', lease = ?, attempts = attempts + 1, "
                "leased_until = now() at time zone 'utc' + ? where job_id = ? and part = ?",
                [taken, lasts, job_id, part],
            )
            found = tuple(Target(**target) for target in targets)
            return Part(project_id, job_id, part, taken, document, found, left)


def renew(cursor: DuckDBPyConnection, job_id: UUID, lease_id: UUID, lasts: timedelta) -> bool:
    """Keep a part for longer; false: it is no longer the worker's, or the order is over, so that it may stop."""
    rows = cursor.execute(
        "update job_parts set leased_until = now() at time zone 'utc' + ? where job_id = ? and lease = ? "
        "and state = 'leased' "
        "and exists (select 1 from jobs j where j.job_id = job_parts.job_id and j.outcome is null) returning part",
        [lasts, job_id, lease_id],
    ).fetchall()
    return bool(rows)


def finish(cursor: DuckDBPyConnection, job_id: UUID, lease_id: UUID, tally: Tally) -> bool:
    """Close a part, and the order with its last one; false: another worker has taken the part since."""
    rows = cursor.execute(
        "update job_parts set state = 'done', ended_at = now() at time zone 'utc', ok = ?, not_applicable = ?, "
        "failed = ?, calls = ?, cached = ?, spent_usd = ? "
        "where job_id = ? and lease = ? and state = 'leased' returning part",
        [
            tally.ok, tally.not_applicable, tally.failed, tally.calls, tally.cached, tally.spent_usd, job_id, lease_id,
        ],
    ).fetchall()  # fmt: skip
    _end_if_over(cursor, job_id)
    return bool(rows)


def cancel(cursor: DuckDBPyConnection, project_id: int, job_id: UUID) -> bool:
    """End an order; what was scored stays. False: there is none of this id that is not over."""
    found = job(cursor, project_id, job_id)
    if found is None or found.outcome is not None:
        return False
    _end(cursor, job_id, "cancelled", None)
    return True


def retry(
    cursor: DuckDBPyConnection, project_id: int, job_id: UUID, budget_usd: float | None, *, unbounded: bool = False
) -> bool:
    """Open an ended order for the parts that are not done; false: there is none of this id that has such.

    `budget_usd`: its new budget in all; null: as it was, or with `unbounded` none.
    """
    rows = cursor.execute(
        "update job_parts set state = 'waiting', attempts = 0, fault = null, lease = null "
        "where project_id = ? and job_id = ? and state <> 'done' returning part",
        [project_id, job_id],
    ).fetchall()
    if rows:
        cursor.execute(
            "update jobs set outcome = null, ended_at = null, fault = null, "
            "budget_usd = case when ? then null else coalesce(?, budget_usd) end where job_id = ?",
            [unbounded, budget_usd, job_id],
        )
    return bool(rows)


def _give_up(cursor: DuckDBPyConnection, job_id: UUID, part: int) -> None:
    fault = f"Given up after {MAX_ATTEMPTS} workers took it and none finished it."
    cursor.execute(
        "update job_parts set state = 'failed', fault = ?, ended_at = now() at time zone 'utc' "
        "where job_id = ? and part = ?",
        [fault, job_id, part],
    )
    _end_if_over(cursor, job_id)


def _end_if_over(cursor: DuckDBPyConnection, job_id: UUID) -> None:
    rows = cursor.execute(
        "select count(*) from job_parts where job_id = ? and state in ('waiting', 'leased')", [job_id]
    ).fetchall()
    if rows[0][0] == 0:
        _end(cursor, job_id, "done", None)


def _end(cursor: DuckDBPyConnection, job_id: UUID, outcome: str, fault: str | None) -> None:
    cursor.execute(
        "update jobs set outcome = ?, fault = ?, ended_at = now() at time zone 'utc' "
        "where job_id = ? and outcome is null",
        [outcome, fault, job_id],
    )


def waiting(cursor: DuckDBPyConnection) -> bool:
    """Whether there is anything to do: cheap, for those who wait."""
    rows: Iterable[Any] = cursor.execute("select 1 from jobs where outcome is null limit 1").fetchall()
    return bool(rows)
