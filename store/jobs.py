"""Orders to score what is stored. Workers take them by parts, each under a lease that ends by itself.

Somebody's own order has all its parts when it is given. One of a rule has a `rule_id`, and parts are added to it while
it is `unfinished`. Reads take any cursor; writes go through `Writer.call`, so that two workers never get one part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import outcomes, relations
from store.database import one_row
from store.outcomes import Failure, Tally

MAX_ATTEMPTS = 3
NEW, USUAL, OLD = 0, 1, 2  # urgency: new traces of rules, somebody's own orders, backfills
_COLUMNS = (
    "j.job_id, j.created_at, j.author, j.document, j.rule_id, j.targets, j.budget_usd, j.ended_at, j.outcome, j.fault, "
    "coalesce(sum(len(p.targets)) filter (where p.state in ('done', 'failed')), 0)::bigint, "
    "coalesce(sum(len(p.targets)) filter (where p.state = 'failed'), 0)::bigint, "
    "count(*) filter (where p.state = 'leased' and p.leased_until > now() at time zone 'utc'), "
    "coalesce(sum(p.ok), 0)::bigint, coalesce(sum(p.not_applicable), 0)::bigint, coalesce(sum(p.failed), 0)::bigint, "
    "coalesce(sum(p.calls), 0)::bigint, coalesce(sum(p.cached), 0)::bigint, sum(p.spent_usd), max(p.fault)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A trace, one span of it, or a session."""

    trace_id: UUID  # of a session: its newest
    span_id: int | None  # null: the whole trace, or the session
    start_us: int  # of the trace or of all traces of the session, since 1970
    end_us: int
    session_id: str | None = None  # null: it is no session


@dataclass(frozen=True, slots=True)
class Job:
    """An order and how far it is."""

    job_id: UUID
    created_at: datetime  # UTC
    author: str | None
    document: str  # JSON
    rule_id: UUID | None  # null: somebody's own order
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
    left_usd: float | None  # of the budgets of the job and of its rule; null: no bound
    evaluators: tuple[str, ...] | None  # of the order's these alone; null: all


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
    _insert(cursor, project_id, job_id, _parts(targets, part_size), first=0)
    return job_id


def open_for(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, rule_id: UUID, document: str, urgency: int,
    budget_usd: float | None = None, author: str | None = None,
) -> UUID:  # fmt: skip
    """A new order of a rule, without any part yet; it is unfinished."""
    job_id = uuid4()
    cursor.execute(
        "insert into jobs (project_id, job_id, created_at, author, document, targets, budget_usd, rule_id, urgency, "
        "unfinished) select ?, ?, now() at time zone 'utc', ?, ?, 0, ?, ?, ?, true",
        [project_id, job_id, author, document, budget_usd, rule_id, urgency],
    )
    return job_id


def extend(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, job_id: UUID, targets: Sequence[Target], part_size: int,
    evaluators: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Add targets to an unfinished order. `evaluators`: of its own these alone; null: all."""
    if not targets:
        return
    (first,) = one_row(
        cursor, "select coalesce(max(part), -1) + 1 from job_parts where job_id = $job_id", {"job_id": job_id}
    )
    _insert(cursor, project_id, job_id, _parts(targets, part_size), first=first, evaluators=evaluators, later=True)
    cursor.execute("update jobs set targets = targets + ? where job_id = ?", [len(targets), job_id])


def complete(cursor: DuckDBPyConnection, job_id: UUID) -> None:
    """No more parts come: the order is over when those that there are are done."""
    cursor.execute("update jobs set unfinished = false where job_id = ?", [job_id])
    _end_if_over(cursor, job_id)


def _insert(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, job_id: UUID, parts: pa.Table, first: int,
    evaluators: Sequence[str] | None = None, *, later: bool = False,
) -> None:  # fmt: skip
    with relations.registered(cursor, parts) as name:
        cursor.execute(
            "insert into job_parts (project_id, job_id, part, targets, sessions, evaluators, added_at, state, "
            "attempts, ok, not_applicable, failed, calls, cached) select ?, ?, part + ?::integer, "
            "targets::struct(trace_id uuid, span_id ubigint, start_us bigint, end_us bigint)[], sessions, "
            "?::varchar[], case when ? then now() at time zone 'utc' end, "
            f"'waiting', 0, 0, 0, 0, 0, 0 from {name}",
            [project_id, job_id, first, None if evaluators is None else list(evaluators), later],
        )


_TARGET = pa.struct(
    [("trace_id", pa.string()), ("span_id", pa.uint64()), ("start_us", pa.int64()), ("end_us", pa.int64())]
)


def _parts(targets: Sequence[Target], part_size: int) -> pa.Table:
    """Part and targets of each part: one table, since a statement a part kept the writer busy for a second."""
    parts = [targets[start : start + part_size] for start in range(0, len(targets), part_size)]
    told = [[asdict(one) | {"trace_id": str(one.trace_id)} for one in part] for part in parts]
    sessions = [None if part[0].session_id is None else [one.session_id for one in part] for part in parts]
    return pa.table(
        {
            "part": pa.array(range(len(parts)), pa.int32()),
            "targets": pa.array(told, pa.list_(_TARGET)),
            "sessions": pa.array(sessions, pa.list_(pa.string())),
        }
    )


def jobs(cursor: DuckDBPyConnection, project_id: int, most: int = 100) -> list[Job]:
    """The newest orders of a project, newest first; without those of rules that never end."""
    rows = cursor.execute(
        f"select {_COLUMNS} from jobs j left join job_parts p using (job_id) where j.project_id = ? "
        f"and j.urgency is distinct from {NEW} group by all order by j.created_at desc, j.job_id limit ?",
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


_FREE = "(p.state = 'waiting' or (p.state = 'leased' and p.leased_until <= now() at time zone 'utc'))"
_NEXT = f"""
with spent as (
    select rule_id, sum(spent_usd) as ever, sum(spent_usd) filter (where hour >= date_trunc('day', now() at time zone 'utc')) as today
    from rule_hours group by rule_id
), of_rule as (
    select r.rule_id, r.enabled, r.waits_until,
           least(r.budget_usd_per_day - coalesce(s.today, 0), r.budget_usd - coalesce(s.ever, 0)) as left_usd
    from rules r left join spent s using (rule_id)
), own as (
    select job_id, sum(spent_usd) as usd from job_parts where job_id in (select job_id from jobs where budget_usd is not null and outcome is null)
    group by job_id
), taken as (
    select distinct j.job_id, j.rule_id from jobs j join job_parts p using (job_id)
    where p.state = 'leased' and p.leased_until > now() at time zone 'utc'
), open as (
    select j.job_id, j.rule_id, j.budget_usd, j.created_at, coalesce(j.urgency, {USUAL}) as urgency,
           j.budget_usd - coalesce(o.usd, 0) as own_usd, r.left_usd as rule_usd
    from jobs j left join of_rule r using (rule_id) left join own o using (job_id)
    where j.outcome is null and (j.urgency is distinct from {NEW} or r.enabled)
      and (r.left_usd is null or r.left_usd > 0) and (r.waits_until is null or r.waits_until <= now() at time zone 'utc')
)
select p.rowid, o.job_id, p.part, p.attempts, o.budget_usd, o.own_usd, least(o.own_usd, o.rule_usd)
from open o join job_parts p using (job_id)
where {_FREE}
  -- Of a budget one worker at a time is given what is left.
  and (o.own_usd is null or o.job_id not in (select job_id from taken))
  and (o.rule_usd is null or o.rule_id not in (select rule_id from taken where rule_id is not null))
order by o.urgency, coalesce(p.added_at, o.created_at), o.job_id, p.part limit 1
"""  # noqa: E501 - constants


def lease(cursor: DuckDBPyConnection, lasts: timedelta) -> Part | None:
    """The next part that nobody has, for that long; null: there is nothing to do.

    New traces of rules come first, then somebody's own orders, then backfills; the oldest first. A part that was taken
    `MAX_ATTEMPTS` times without an end is given up, and an order whose budget is used up stops. A rule whose budget is
    used up waits.
    """
    while True:
        rows = cursor.execute(_NEXT).fetchall()
        if not rows:
            return None
        place, job_id, part, attempts, budget_usd, own_usd, left = rows[0]
        if own_usd is not None and own_usd <= 0:
            _end(cursor, job_id, "stopped", f"Its budget of ${budget_usd:g} is used up.")
        elif attempts >= MAX_ATTEMPTS:
            _give_up(cursor, job_id, part)
        else:
            return _taken(cursor, place, lasts, left)


def _taken(cursor: DuckDBPyConnection, place: int, lasts: timedelta, left_usd: float | None) -> Part:
    taken = uuid4()
    cursor.execute(
        "update job_parts set state = 'leased', lease = ?, attempts = attempts + 1, "
        "leased_until = now() at time zone 'utc' + ? where rowid = ?",
        [taken, lasts, place],
    )
    project_id, job_id, part, document, targets, sessions, evaluators = one_row(
        cursor,
        "select p.project_id, p.job_id, p.part, j.document, p.targets, p.sessions, p.evaluators "
        "from job_parts p join jobs j using (job_id) where p.lease = $lease",
        {"lease": taken},
    )
    named = None if evaluators is None else tuple(evaluators)
    return Part(project_id, job_id, part, taken, document, _targets(targets, sessions), left_usd, named)


def _targets(told: Sequence[dict[str, int]], sessions: Sequence[str] | None) -> tuple[Target, ...]:
    ids = [None] * len(told) if sessions is None else sessions
    return tuple(Target(**target, session_id=session_id) for target, session_id in zip(told, ids, strict=True))  # type: ignore[arg-type]  # a struct of the table


def taken(cursor: DuckDBPyConnection, job_id: UUID, lease_id: UUID) -> tuple[Target, ...]:
    """The targets of the part that was taken under this lease; none: another worker has taken it since."""
    rows = cursor.execute(
        "select targets, sessions from job_parts where job_id = ? and lease = ?", [job_id, lease_id]
    ).fetchall()
    return _targets(*rows[0]) if rows else ()


def renew(cursor: DuckDBPyConnection, job_id: UUID, lease_id: UUID, lasts: timedelta) -> bool:
    """Keep a part for longer; false: it is no longer the worker's, or the order is over, so that it may stop."""
    rows = cursor.execute(
        "update job_parts set leased_until = now() at time zone 'utc' + ? where job_id = ? and lease = ? "
        "and state = 'leased' "
        "and exists (select 1 from jobs j where j.job_id = job_parts.job_id and j.outcome is null) returning part",
        [lasts, job_id, lease_id],
    ).fetchall()
    return bool(rows)


def finish(  # noqa: PLR0917 - what becomes of a part
    cursor: DuckDBPyConnection, job_id: UUID, lease_id: UUID, tally: Tally, failures: Sequence[Failure] = (),
    unpaid: Sequence[tuple[Target, str]] = (), part_size: int = 1,
) -> bool:  # fmt: skip
    """Close a part, and the order with its last one; false: another worker has taken the part since.

    Of a rule's order what it did is booked, with `failures`. `unpaid`: targets, each with an evaluator that the budget
    did not allow to ask: they wait again, and the rule with them.
    """
    rows = cursor.execute(
        "update job_parts set state = 'done', ended_at = now() at time zone 'utc', ok = ?, not_applicable = ?, "
        "failed = ?, calls = ?, cached = ?, spent_usd = ? "
        "where job_id = ? and lease = ? and state = 'leased' returning project_id, targets, sessions, evaluators",
        [
            tally.ok, tally.not_applicable, tally.failed, tally.calls, tally.cached, tally.spent_usd, job_id, lease_id,
        ],
    ).fetchall()  # fmt: skip
    if not rows:
        return False
    project_id, told, sessions, evaluators = rows[0]
    if (rule_id := _rule_of(cursor, job_id)) is not None:
        targets = _targets(told, sessions)
        outcomes.book(cursor, project_id, rule_id, len(targets) - len({target for target, _ in unpaid}), tally)
        outcomes.scored(cursor, rule_id, [_key(one) for one in targets], evaluators)
        outcomes.fail(cursor, project_id, rule_id, failures)
        _postpone(cursor, project_id, job_id, unpaid, part_size)
        if unpaid:
            outcomes.wait_for_money(cursor, rule_id)
    _end_if_over(cursor, job_id)
    return True


def _postpone(
    cursor: DuckDBPyConnection, project_id: int, job_id: UUID, unpaid: Sequence[tuple[Target, str]], part_size: int
) -> None:
    by_target: dict[Target, list[str]] = {}
    for target, evaluator in unpaid:
        by_target.setdefault(target, []).append(evaluator)
    together: dict[tuple[str, ...], list[Target]] = {}
    for target, names in by_target.items():
        together.setdefault(tuple(sorted(set(names))), []).append(target)
    for evaluators, targets in together.items():
        extend(cursor, project_id, job_id, targets, part_size, evaluators)


def _key(target: Target) -> str:
    return outcomes.key(target.trace_id, target.span_id, target.session_id)


def _rule_of(cursor: DuckDBPyConnection, job_id: UUID) -> UUID | None:
    rows = cursor.execute("select rule_id from jobs where job_id = ?", [job_id]).fetchall()
    return rows[0][0] if rows else None


def cancel(cursor: DuckDBPyConnection, project_id: int, job_id: UUID) -> bool:
    """End an order; what was scored stays. False: there is none of this id that may end: a rule's goes on with it."""
    rows = cursor.execute(
        "select 1 from jobs where project_id = ? and job_id = ? and outcome is null and urgency is distinct from ?",
        [project_id, job_id, NEW],
    ).fetchall()
    if not rows:
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
    ((project_id, told, sessions),) = cursor.execute(
        "update job_parts set state = 'failed', fault = ?, ended_at = now() at time zone 'utc' "
        "where job_id = ? and part = ? returning project_id, targets, sessions",
        [fault, job_id, part],
    ).fetchall()
    if (rule_id := _rule_of(cursor, job_id)) is not None:
        lost = [
            Failure(one.trace_id, one.span_id, one.session_id, one.start_us, one.end_us, None, "lost", fault)
            for one in _targets(told, sessions)
        ]
        outcomes.scored(cursor, rule_id, [_key(one) for one in _targets(told, sessions)], None)
        outcomes.fail(cursor, project_id, rule_id, lost)
        outcomes.book(cursor, project_id, rule_id, len(lost), Tally(0, 0, len(lost)))
    _end_if_over(cursor, job_id)


def _end_if_over(cursor: DuckDBPyConnection, job_id: UUID) -> None:
    rows = cursor.execute(
        "select 1 from jobs where job_id = ? and unfinished union all "
        "select 1 from job_parts where job_id = ? and state in ('waiting', 'leased') limit 1",
        [job_id, job_id],
    ).fetchall()
    if not rows:
        _end(cursor, job_id, "done", None)


def _end(cursor: DuckDBPyConnection, job_id: UUID, outcome: str, fault: str | None) -> None:
    cursor.execute(
        "update jobs set outcome = ?, fault = ?, ended_at = now() at time zone 'utc' "
        "where job_id = ? and outcome is null",
        [outcome, fault, job_id],
    )


def waiting(cursor: DuckDBPyConnection) -> bool:
    """Whether there is anything to do for one more worker: for those who wait."""
    return bool(cursor.execute(_NEXT).fetchall())


def tidy(cursor: DuckDBPyConnection, kept: timedelta) -> None:
    """Forget the parts of orders that never end which were closed so long ago: what they did is booked."""
    cursor.execute(
        "delete from job_parts where state in ('done', 'failed') and ended_at < now() at time zone 'utc' - ? "
        "and job_id in (select job_id from jobs where urgency = ?)",
        [kept, NEW],
    )
