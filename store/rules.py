"""Standing rules: what each project has set, how far each has looked, what waits and what failed.

Reads take any cursor; writes go through `Writer.call`. A look and the parts that it adds are one transaction, so that a
trace that did not change is never taken twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from duckdb import DuckDBPyConnection

from store import jobs
from store.jobs import Target
from store.outcomes import Failure

FAILURES_KEPT = timedelta(days=30)
_NOW = "now() at time zone 'utc'"
_COLUMNS = (
    "project_id, rule_id, name, version, document, enabled, budget_usd_per_day, budget_usd, looked_seq, "
    "nullif(waits_until, 'infinity'::timestamp), waits_until = 'infinity'::timestamp, job_id, "
    "created_at, set_at, author"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it is now."""

    project_id: int
    rule_id: UUID
    name: str
    version: int
    document: str  # JSON
    enabled: bool
    budget_usd_per_day: float | None
    budget_usd: float | None
    looked_seq: int
    waits_until: datetime | None  # UTC; set: its budget did not allow one more call
    waits_for_good: bool | None  # that of all days did not
    job_id: UUID  # its order of new traces
    created_at: datetime
    set_at: datetime
    author: str | None


@dataclass(frozen=True, slots=True)
class Wording:
    """A rule as it is set."""

    name: str
    document: str  # JSON
    order: str  # JSON of the order that its parts are of
    enabled: bool
    budget_usd_per_day: float | None = None
    budget_usd: float | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a rule found among the traces whose newest span came with a commit up to `upto`."""

    rule: Rule
    upto: int
    targets: Sequence[Target] = ()


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits of a rule, and what it did and spent."""

    pending: int = 0  # targets, backfills included
    working: int = 0  # of these: those that a worker has
    backfill_pending: int = 0
    oldest_pending: datetime | None = None  # UTC; when the first of the new ones was taken in
    failures: int = 0  # targets and evaluators that are not scored
    retrying: int = 0  # of these: ordered again
    targets_day: int = 0  # scored in the last 24 hours
    failed_day: int = 0  # verdicts of the last 24 hours
    targets_ever: int = 0
    spent_today_usd: float | None = None  # UTC; null: nothing was asked that costs, or its price is unknown
    spent_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """An order over stored traces, and how far its parts are made."""

    rule: Rule
    job_id: UUID
    since: datetime  # UTC
    until: datetime
    again: bool
    after_start_us: int | None
    after_trace: UUID | None


def rules(cursor: DuckDBPyConnection, project_id: int | None = None) -> list[Rule]:
    """The rules of a project, of all if null, by name."""
    rows = cursor.execute(
        f"select {_COLUMNS} from rules where ?::integer is null or project_id = ?::integer order by project_id, name",
        [project_id, project_id],
    ).fetchall()
    return [Rule(*row) for row in rows]


def rule(cursor: DuckDBPyConnection, project_id: int, name: str) -> Rule | None:
    """One rule; null: the project has none of this name."""
    return next((one for one in rules(cursor, project_id) if one.name == name), None)


def put(cursor: DuckDBPyConnection, project_id: int, told: Wording) -> Rule:
    """Set a rule; the same again makes no new version. One that is new or was off looks at what comes from now on.

    What waits is scored as the new version says, and a rule that waits for money tries again.
    """
    known = rule(cursor, project_id, told.name)
    if known is not None and known.document == told.document and known.enabled == told.enabled:
        return known
    rule_id = known.rule_id if known else uuid4()
    version = known.version + 1 if known else 1
    if known is None:
        job_id = jobs.open_for(cursor, project_id, rule_id, told.order, jobs.NEW, author=told.author)
        cursor.execute(
            "insert into rules (project_id, rule_id, name, version, document, enabled, looked_seq, job_id, created_at, "
            f"set_at) select ?, ?, ?, 0, '', false, 0, ?, {_NOW}, {_NOW}",
            [project_id, rule_id, told.name, job_id],
        )
    cursor.execute(
        "update rules set version = ?, document = ?, budget_usd_per_day = ?, budget_usd = ?, waits_until = null, "
        f"author = ?, set_at = {_NOW}, looked_seq = case when not enabled and ? "
        "then (select coalesce(max(commit_seq), 0) from ledger_entries) else looked_seq end, enabled = ? "
        "where rule_id = ?",
        [
            version, told.document, told.budget_usd_per_day, told.budget_usd, told.author, told.enabled, told.enabled,
            rule_id,
        ],
    )  # fmt: skip
    cursor.execute("update jobs set document = ? where rule_id = ? and urgency = ?", [told.order, rule_id, jobs.NEW])
    _note(cursor, project_id, rule_id, told.name, version, told.document, told.author)
    made = rule(cursor, project_id, told.name)
    assert made is not None  # noqa: S101 - it was written just now
    return made


def _note(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, rule_id: UUID, name: str, version: int, document: str | None,
    author: str | None,
) -> None:  # fmt: skip
    cursor.execute(
        f"insert into rule_versions select ?, ?, ?, ?, ?, {_NOW}, ?",
        [project_id, rule_id, name, version, document, author],
    )


def delete(cursor: DuckDBPyConnection, project_id: int, name: str, author: str | None) -> bool:
    """Take a rule and what waits of it away; scores stay, and so do its versions. False: there is none."""
    known = rule(cursor, project_id, name)
    if known is None:
        return False
    of_it = "(select job_id from jobs where rule_id = ?)"
    cursor.execute(f"delete from job_parts where job_id in {of_it} and state in ('waiting', 'leased')", [known.rule_id])
    cursor.execute(
        f"update jobs set outcome = 'cancelled', ended_at = {_NOW}, unfinished = false "
        "where rule_id = ? and outcome is null",
        [known.rule_id],
    )
    for table in ("rules", "rule_failures", "rule_backfills"):
        cursor.execute(
            f"delete from {table} where rule_id = ?", [known.rule_id]
        )  # rule_hours: what was spent was spent
    _note(cursor, project_id, known.rule_id, name, known.version + 1, None, author)
    return True


def note_looks(cursor: DuckDBPyConnection, looks: Sequence[Look], part_size: int) -> None:
    """Order what the looks found, and how far they went; of a rule that was changed meanwhile nothing."""
    for look in looks:
        rows = cursor.execute(
            "update rules set looked_seq = ? where rule_id = ? and version = ? and looked_seq < ? returning 1",
            [look.upto, look.rule.rule_id, look.rule.version, look.upto],
        ).fetchall()
        if rows:
            jobs.extend(cursor, look.rule.project_id, look.rule.job_id, look.targets, part_size)


def backlogs(cursor: DuckDBPyConnection, project_id: int) -> dict[UUID, Backlog]:
    """The backlog of each rule of a project."""
    waiting = f"""
        select j.rule_id, sum(len(p.targets))::bigint,
               coalesce(sum(len(p.targets)) filter (where p.state = 'leased' and p.leased_until > {_NOW}), 0)::bigint,
               coalesce(sum(len(p.targets)) filter (where j.urgency = {jobs.OLD}), 0)::bigint,
               min(p.added_at) filter (where j.urgency = {jobs.NEW})
        from jobs j join job_parts p using (job_id)
        where j.project_id = ? and j.rule_id is not null and j.outcome is null and p.state in ('waiting', 'leased')
        group by j.rule_id"""
    failed = "select rule_id, count(*), count(retried_at) from rule_failures where project_id = ? group by rule_id"
    done = f"""
        select rule_id, coalesce(sum(targets) filter (where hour > {_NOW} - interval 24 hours), 0)::bigint,
               coalesce(sum(failed) filter (where hour > {_NOW} - interval 24 hours), 0)::bigint, sum(targets)::bigint,
               sum(spent_usd) filter (where hour >= date_trunc('day', {_NOW})), sum(spent_usd)
        from rule_hours where project_id = ? group by rule_id"""
    pending, failures, sums = (
        {row[0]: row[1:] for row in cursor.execute(question, [project_id]).fetchall()}
        for question in (waiting, failed, done)
    )
    ids = {one.rule_id for one in rules(cursor, project_id)}
    return {
        one: Backlog(
            *pending.get(one, (0, 0, 0, None)), *failures.get(one, (0, 0)), *sums.get(one, (0, 0, 0, None, None))
        )
        for one in ids
    }


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure as it stands."""

    failure: Failure
    failed_at: datetime  # UTC
    retried_at: datetime | None  # null: nobody has ordered it again


def failures(cursor: DuckDBPyConnection, rule_id: UUID, most: int) -> tuple[list[Failed], int]:
    """The newest failures, newest first, and how many there are."""
    rows = cursor.execute(
        "select trace_id, span_id, session_id, start_us, end_us, evaluator, error_type, error, failed_at, retried_at, "
        "count(*) over () from rule_failures where rule_id = ? order by failed_at desc, trace_id, span_id, evaluator "
        "limit ?",
        [rule_id, most],
    ).fetchall()
    found = [Failed(Failure(*row[:8]), row[8], row[9]) for row in rows]
    return found, rows[0][10] if rows else 0


def failure_types(cursor: DuckDBPyConnection, rule_id: UUID) -> list[tuple[str | None, str, int]]:
    """(evaluator, error type, failures), most first."""
    return cursor.execute(
        "select evaluator, error_type, count(*) as n from rule_failures where rule_id = ? group by all "
        "order by n desc, evaluator, error_type",
        [rule_id],
    ).fetchall()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which failures; null: any."""

    error_type: str | None = None
    evaluator: str | None = None
    trace_id: UUID | None = None
    span_id: int | None = None
    session_id: str | None = None


def retry(cursor: DuckDBPyConnection, known: Rule, chosen: Chosen, part_size: int) -> int:
    """Order the failures again that nobody has yet, each of the evaluators that failed; how many targets that are."""
    rows = cursor.execute(
        f"update rule_failures set retried_at = {_NOW} where rule_id = $rule_id and retried_at is null "
        "and ($error_type::varchar is null or error_type = $error_type) "
        "and ($evaluator::varchar is null or evaluator = $evaluator) "
        "and ($session_id::varchar is null or session_id = $session_id) "
        "and ($trace_id::uuid is null or trace_id = $trace_id and span_id is not distinct from $span_id::ubigint) "
        "returning trace_id, span_id, start_us, end_us, session_id, evaluator",
        {
            "rule_id": known.rule_id, "error_type": chosen.error_type, "evaluator": chosen.evaluator,
            "session_id": chosen.session_id, "trace_id": chosen.trace_id, "span_id": chosen.span_id,
        },
    ).fetchall()  # fmt: skip
    by_target: dict[Target, set[str | None]] = {}
    for trace_id, span_id, start_us, end_us, session_id, evaluator in rows:
        by_target.setdefault(Target(trace_id, span_id, start_us, end_us, session_id), set()).add(evaluator)
    together: dict[tuple[str, ...] | None, list[Target]] = {}
    for target, names in by_target.items():
        named = None if None in names else tuple(sorted(name for name in names if name is not None))
        together.setdefault(named, []).append(target)
    for evaluators, targets in together.items():
        jobs.extend(cursor, known.project_id, known.job_id, targets, part_size, evaluators)
    return len(by_target)


@dataclass(frozen=True, slots=True)
class Queued:
    """A part in the queue."""

    job_id: UUID
    part: int
    backfill: bool
    state: str  # waiting working failed done
    targets: int
    first: Target
    attempts: int
    added_at: datetime | None  # UTC
    ended_at: datetime | None
    fault: str | None


def queue(cursor: DuckDBPyConnection, rule_id: UUID, state: str | None, most: int) -> list[Queued]:
    """Parts: those that are done the last closed first, others the first added first. Null: of any state."""
    told = f"case when p.state <> 'leased' then p.state when p.leased_until > {_NOW} then 'working' else 'waiting' end"
    rows = cursor.execute(
        f"select p.job_id, p.part, j.urgency = {jobs.OLD}, {told} as told, len(p.targets), p.targets[1], "
        "p.sessions[1], p.attempts, p.added_at, p.ended_at, p.fault from jobs j join job_parts p using (job_id) "
        "where j.rule_id = $rule_id and (j.outcome is null or p.state not in ('waiting', 'leased')) "
        "and ($state::varchar is null or told = $state) "
        "order by p.ended_at desc nulls first, j.urgency, p.added_at, p.part limit $most",
        {"rule_id": rule_id, "state": state, "most": most},
    ).fetchall()
    return [_queued(*row) for row in rows]


def _queued(*row: Any) -> Queued:
    job_id, part, backfill, state, targets, first, session_id, *rest = row
    return Queued(job_id, part, backfill, state, targets, Target(**first, session_id=session_id), *rest)


def add_backfill(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, known: Rule, since: datetime, until: datetime, order: str, budget_usd: float | None,
    author: str | None, *, again: bool,
) -> UUID:  # fmt: skip
    """An order of the stored traces of a window; its parts are made by and by."""
    job_id = jobs.open_for(cursor, known.project_id, known.rule_id, order, jobs.OLD, budget_usd, author)
    cursor.execute(
        "insert into rule_backfills (project_id, rule_id, job_id, since, until, again, looked) "
        "values (?, ?, ?, ?, ?, ?, false)",
        [known.project_id, known.rule_id, job_id, since, until, again],
    )
    return job_id


def hungry_backfills(cursor: DuckDBPyConnection, parts: int) -> list[Backfill]:
    """Backfills whose parts are not all made, and that have fewer than so many waiting."""
    by_id = {one.rule_id: one for one in rules(cursor)}
    rows = cursor.execute(
        "select b.rule_id, b.job_id, b.since, b.until, b.again, b.after_start_us, b.after_trace "
        "from rule_backfills b join jobs j using (job_id) where not b.looked and j.outcome is null and "
        "(select count(*) from job_parts p where p.job_id = b.job_id and p.state in ('waiting', 'leased')) < ?",
        [parts],
    ).fetchall()
    return [Backfill(by_id[row[0]], *row[1:]) for row in rows if row[0] in by_id]


def feed(
    cursor: DuckDBPyConnection,
    known: Backfill,
    targets: Sequence[Target],
    last: tuple[int, UUID] | None,
    part_size: int,
) -> None:
    """Add parts to a backfill; `last`: start and id of the last trace that they are of; null: there are no more."""
    rows = cursor.execute(
        "update rule_backfills set after_start_us = coalesce(?, after_start_us), "
        "after_trace = coalesce(?, after_trace), looked = ? "
        "where job_id = ? and not looked and after_trace is not distinct from ? returning 1",
        [*(last or (None, None)), last is None, known.job_id, known.after_trace],
    ).fetchall()
    if not rows:
        return
    jobs.extend(cursor, known.rule.project_id, known.job_id, targets, part_size)
    if last is None:
        jobs.complete(cursor, known.job_id)


def tidy(cursor: DuckDBPyConnection, kept: timedelta) -> None:
    """Forget parts that were closed so long ago, and failures of a month ago."""
    jobs.tidy(cursor, kept)
    cursor.execute(f"delete from rule_failures where failed_at < {_NOW} - ?", [FAILURES_KEPT])
