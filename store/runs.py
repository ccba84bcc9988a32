"""Runs of evaluation suites, and their rows. Reads take any cursor; writes go through `Writer.call`.

A run comes from the command line, which tells how far it is, or is ordered in the app and carried out by a worker under
a lease that ends by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import relations

MAX_ATTEMPTS = 3
ROW_COLUMNS = pa.schema(
    [
        ("place", pa.int64()), ("repeat", pa.int32()), ("item", pa.string()), ("cluster", pa.string()),
        ("content", pa.string()), ("fails", pa.bool_()), ("status", pa.string()), ("trace_id", pa.string()),
        ("numbers", pa.map_(pa.string(), pa.float64())), ("passed", pa.map_(pa.string(), pa.bool_())),
        ("failed", pa.list_(pa.string())), ("line", pa.string()),
    ]
)  # fmt: skip
"""Of `run_rows`, without its project and run."""
ENDED = ("done", "cut_off", "cancelled", "failed")
# One that nobody tells of any more is cut off, or waits for another worker.
_STATE = (
    "case when state = 'running' and leased_until <= now() at time zone 'utc' "
    "then case when source <> 'app' then 'cut_off' else 'waiting' end else state end"
)
_COLUMNS = (
    f"run_id, suite, source, author, created_at, started_at, ended_at, {_STATE} as told_state, fault, answers_done, "
    "answers_total, seconds_left, cost_usd, outcome, brief, wish, experiment_id, arm"
)


@dataclass(frozen=True, slots=True)
class Run:
    """A run as a list shows it."""

    run_id: UUID
    suite: str
    source: Literal["cli", "app", "pushed"]
    author: str | None
    created_at: datetime  # UTC
    started_at: datetime | None  # null: it waits
    ended_at: datetime | None  # null: it is not over
    state: str  # waiting running done cut_off cancelled failed
    fault: str | None
    answers_done: int
    answers_total: int | None  # null: not known yet
    seconds_left: float | None
    cost_usd: float | None
    outcome: str | None  # passed failed; null: its gates were not judged
    brief: str | None  # JSON
    wish: str | None  # JSON; null: it was not ordered here
    experiment_id: UUID | None  # null: it is of none
    arm: str | None  # JSON: what is varied -> its value; null: it is of no experiment


@dataclass(frozen=True, slots=True)
class Texts:
    """What a run keeps whole; null: it has not been told."""

    manifest: str | None  # JSON
    summary: str | None  # JSON
    document: str | None  # YAML


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that begins, as whoever carries it out tells."""

    run_id: UUID
    suite: str
    started_at: datetime  # UTC
    manifest: str
    document: str
    answers_total: int | None
    author: str | None = None
    experiment_id: UUID | None = None
    arm: str | None = None  # JSON
    source: Literal["cli", "pushed"] = "cli"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    done: int
    total: int | None
    seconds_left: float | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of a run."""

    summary: str
    manifest: str
    brief: str
    outcome: str  # passed failed
    items: int
    repeats: int
    answers: int
    cost_usd: float | None
    ended_at: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Taken:
    """A run that a worker has taken."""

    project_id: int
    run_id: UUID
    suite: str
    lease: UUID
    document: str
    wish: str
    experiment: str | None  # JSON: id, name and arm; null: it is of none
    left_usd: float | None  # of its experiment's budget; null: no bound


def runs(  # noqa: PLR0917 - given by name
    cursor: DuckDBPyConnection, project_id: int, suite: str | None = None, outcome: str | None = None,
    before: datetime | None = None, most: int = 200, *, arms: bool = True,
) -> list[Run]:  # fmt: skip
    """Runs of a project, those that were begun or ordered last first.

    `outcome`: passed or failed, or a state. `before`: those created earlier. `arms`: with those of experiments.
    """
    rows = cursor.execute(
        f"select {_COLUMNS} from runs where project_id = $project_id and ($suite is null or suite = $suite) "
        "and ($arms or experiment_id is null) "
        f"and ($outcome is null or outcome = $outcome or ({_STATE} = $outcome and outcome is null)) "
        "and ($before::timestamp is null or created_at < $before::timestamp) "
        "order by created_at desc, run_id limit $most",
        {
            "project_id": project_id, "suite": suite, "outcome": outcome, "before": before, "most": most, "arms": arms,
        },
    ).fetchall()  # fmt: skip
    return [Run(*row) for row in rows]


def of_experiments(cursor: DuckDBPyConnection, project_id: int, ids: Sequence[UUID]) -> list[Run]:
    """The runs of these experiments, those that were begun or ordered first first."""
    rows = cursor.execute(
        f"select {_COLUMNS} from runs where project_id = ? and list_contains(?::uuid[], experiment_id) "
        "order by created_at, run_id",
        [project_id, list(ids)],
    ).fetchall()
    return [Run(*row) for row in rows]


def newest_runs(cursor: DuckDBPyConnection, project_id: int) -> dict[str, Run]:
    """The newest run of each suite; arms of experiments are left out, since they vary it."""
    rows = cursor.execute(
        f"select {_COLUMNS} from runs where project_id = ? and experiment_id is null "
        "qualify row_number() over (partition by suite order by created_at desc, run_id) = 1",
        [project_id],
    ).fetchall()
    return {run.suite: run for run in (Run(*row) for row in rows)}


def run(cursor: DuckDBPyConnection, project_id: int, run_id: UUID) -> tuple[Run, Texts] | None:
    """One run; null: the project has none of this id."""
    rows = cursor.execute(
        f"select {_COLUMNS}, manifest, summary, document from runs where project_id = ? and run_id = ?",
        [project_id, run_id],
    ).fetchall()
    return (Run(*rows[0][:-3]), Texts(*rows[0][-3:])) if rows else None


def begin(cursor: DuckDBPyConnection, project_id: int, new: NewRun, lasts: timedelta) -> bool:
    """Book a run that begins, or that is gone on with; false: it was cancelled, and is not wanted any more.

    One that was ordered keeps its lease, and the text that it was ordered with: a worker may trust that. Of another the
    state holds for `lasts` after each word of it.
    """
    rows = cursor.execute(
        "select state from runs where project_id = ? and run_id = ?", [project_id, new.run_id]
    ).fetchall()
    if not rows:
        cursor.execute(
            "insert into runs (project_id, run_id, suite, source, author, created_at, started_at, state, answers_done, "
            "answers_total, manifest, document, leased_until, attempts, experiment_id, arm) select ?, ?, ?, ?, ?, "
            "now() at time zone 'utc', ?, 'running', 0, ?, ?, ?, now() at time zone 'utc' + ?, 0, ?, ?",
            [
                project_id, new.run_id, new.suite, new.source, new.author, new.started_at, new.answers_total,
                new.manifest, new.document, lasts, new.experiment_id, new.arm,
            ],
        )  # fmt: skip
        return True
    if rows[0][0] == "cancelled":
        return False
    cursor.execute(
        "update runs set state = 'running', started_at = ?, ended_at = null, fault = null, answers_done = 0, "
        "answers_total = ?, manifest = case when summary is null then ? else manifest end, "
        "document = case when source <> 'app' then ? else document end, leased_until = case when source <> 'app' "
        "then now() at time zone 'utc' + ? else leased_until end where project_id = ? and run_id = ?",
        [new.started_at, new.answers_total, new.manifest, new.document, lasts, project_id, new.run_id],
    )
    return True


def tell(cursor: DuckDBPyConnection, project_id: int, run_id: UUID, far: Progress, lasts: timedelta) -> bool:
    """Note how far a run is; false: it is over, or was cancelled."""
    rows = cursor.execute(
        "update runs set answers_done = ?, answers_total = coalesce(?, answers_total), seconds_left = ?, cost_usd = ?, "
        "leased_until = case when source <> 'app' then now() at time zone 'utc' + ? else leased_until end "
        "where project_id = ? and run_id = ? and state = 'running' returning run_id",
        [far.done, far.total, far.seconds_left, far.cost_usd, lasts, project_id, run_id],
    ).fetchall()
    return bool(rows)


def add_rows(cursor: DuckDBPyConnection, project_id: int, run_id: UUID, rows: pa.Table) -> bool:
    """Keep rows (`ROW_COLUMNS`), in place of those of the same place and repeat; false: the run is not carried out."""
    # That it was told of of late is not asked for: many rows take longer than the state holds.
    open_ = cursor.execute(
        "select 1 from runs where project_id = ? and run_id = ? and state = 'running'", [project_id, run_id]
    ).fetchall()
    if not open_:
        return False
    with relations.registered(cursor, rows) as told:
        cursor.execute(
            "delete from run_rows where project_id = $project_id and run_id = $run_id "
            f"and place between $low and $high and (place, repeat) in (select (place, repeat) from {told})",
            {"project_id": project_id, "run_id": run_id, **_places(rows)},
        )
        names = ", ".join(ROW_COLUMNS.names)
        cursor.execute(
            f"insert into run_rows (project_id, run_id, {names}) select ?, ?, {names} from {told}", [project_id, run_id]
        )
    return True


def _places(rows: pa.Table) -> dict[str, int]:
    places = rows.column("place").to_pylist()
    return {"low": min(places), "high": max(places)}


def end(cursor: DuckDBPyConnection, project_id: int, run_id: UUID, told: Ending) -> bool:
    """Book what came of a run, and forget rows that it has no longer; false: it was cancelled."""
    rows = cursor.execute(
        "update runs set state = 'done', ended_at = ?, fault = null, summary = ?, manifest = ?, brief = ?, "
        "outcome = ?, answers_done = ?, answers_total = ?, cost_usd = ?, seconds_left = null, lease = null, "
        "leased_until = null "
        "where project_id = ? and run_id = ? and state <> 'cancelled' returning run_id",
        [
            told.ended_at, told.summary, told.manifest, told.brief, told.outcome, told.answers, told.answers,
            told.cost_usd, project_id, run_id,
        ],
    ).fetchall()  # fmt: skip
    if rows:
        cursor.execute(
            "delete from run_rows where project_id = ? and run_id = ? and (place >= ? or repeat >= ?)",
            [project_id, run_id, told.items, told.repeats],
        )
    return bool(rows)


def stop(
    cursor: DuckDBPyConnection, project_id: int, run_id: UUID, state: Literal["cut_off", "failed"], fault: str | None
) -> bool:
    """End a run that has no summary; false: it is over already.

    Of an ordered run that was interrupted its worker decides: it was cancelled, or another goes on with it.
    """
    rows = cursor.execute(
        "update runs set state = ?, fault = ?, ended_at = now() at time zone 'utc', lease = null, leased_until = null "
        "where project_id = ? and run_id = ? and state in ('waiting', 'running') "
        "and (source <> 'app' or ? = 'failed') returning run_id",
        [state, fault, project_id, run_id, state],
    ).fetchall()
    return bool(rows)


def remove(cursor: DuckDBPyConnection, project_id: int, run_id: UUID) -> bool:
    """Forget a run and its rows; false: there is none of this id."""
    cursor.execute("delete from run_rows where project_id = ? and run_id = ?", [project_id, run_id])
    rows = cursor.execute(
        "delete from runs where project_id = ? and run_id = ? returning run_id", [project_id, run_id]
    ).fetchall()
    return bool(rows)


def order(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, suite: str, document: str, wish: str, author: str | None
) -> UUID:
    """Have a suite run by a worker."""
    run_id = uuid4()
    cursor.execute(
        "insert into runs (project_id, run_id, suite, source, author, created_at, state, answers_done, document, wish, "
        "attempts) select ?, ?, ?, 'app', ?, now() at time zone 'utc', 'waiting', 0, ?, ?, 0",
        [project_id, run_id, suite, author, document, wish],
    )
    return run_id


def order_again(cursor: DuckDBPyConnection, project_id: int, run_id: UUID, wish: str) -> bool:
    """Have an ended run gone on with, for what failed or was not done; false: it is not over, or not ours to run."""
    rows = cursor.execute(
        "update runs set state = 'waiting', wish = ?, ended_at = null, fault = null, attempts = 0, lease = null, "
        "leased_until = null where project_id = ? and run_id = ? and source = 'app' "
        "and state in ('done', 'cut_off', 'cancelled', 'failed') returning run_id",
        [wish, project_id, run_id],
    ).fetchall()
    return bool(rows)


def cancel(cursor: DuckDBPyConnection, project_id: int, run_id: UUID) -> bool:
    """End a run that was ordered; what was answered stays in its folder. False: there is none that is not over."""
    rows = cursor.execute(
        "update runs set state = 'cancelled', ended_at = now() at time zone 'utc', lease = null, leased_until = null "
        "where project_id = ? and run_id = ? and source = 'app' and state in ('waiting', 'running') returning run_id",
        [project_id, run_id],
    ).fetchall()
    return bool(rows)


def take(cursor: DuckDBPyConnection, lasts: timedelta) -> Taken | None:
    """The oldest run that waits, for that long; null: there is nothing to do.

    Of one suite one run at a time: they share a folder. One that was taken `MAX_ATTEMPTS` times is given up.
    """
    while True:
        rows = cursor.execute(
            "select project_id, run_id, suite, document, wish, attempts, experiment_id from runs r "
            "where source = 'app' and "
            f"{_STATE} = 'waiting' and not exists (select 1 from runs o where o.project_id = r.project_id "
            "and o.suite = r.suite and o.source = 'app' and o.run_id <> r.run_id and o.state = 'running' "
            "and o.leased_until > now() at time zone 'utc') order by created_at, run_id limit 1"
        ).fetchall()
        if not rows:
            return None
        project_id, run_id, suite, document, wish, attempts, experiment_id = rows[0]
        if attempts >= MAX_ATTEMPTS:
            stop(cursor, project_id, run_id, "failed", f"Given up after {MAX_ATTEMPTS} workers took it.")
            continue
        left = _left_usd(cursor, project_id, experiment_id, run_id)
        if left is not None and left <= 0:
            what = "The budget of its experiment is spent by the other runs. Order it again with a larger one."
            stop(cursor, project_id, run_id, "failed", what)
            continue
        lease = uuid4()
        cursor.execute(
            "update runs set state = 'running', lease = ?, leased_until = now() at time zone 'utc' + ?, "
            "attempts = attempts + 1, started_at = coalesce(started_at, now() at time zone 'utc') "
            "where project_id = ? and run_id = ?",
            [lease, lasts, project_id, run_id],
        )
        told = _experiment(cursor, project_id, experiment_id, run_id)
        return Taken(project_id, run_id, suite, lease, document, wish, told, left)


def _left_usd(cursor: DuckDBPyConnection, project_id: int, experiment_id: UUID | None, run_id: UUID) -> float | None:
    """What the budget of its experiment has left for a run; null: there is no bound.

    What the other runs cost, as far as it is known, is spent; of those that are not over what they told last.
    """
    rows = cursor.execute(
        "select e.budget_usd - coalesce((select sum(r.cost_usd) from runs r where r.project_id = e.project_id "
        "and r.experiment_id = e.experiment_id and r.run_id <> ?), 0) from experiments e "
        "where e.project_id = ? and e.experiment_id = ?",
        [run_id, project_id, experiment_id],
    ).fetchall()
    return None if not rows or rows[0][0] is None else float(rows[0][0])


def _experiment(cursor: DuckDBPyConnection, project_id: int, experiment_id: UUID | None, run_id: UUID) -> str | None:
    rows = cursor.execute(
        "select e.experiment_id, e.name, r.arm from runs r join experiments e on e.project_id = r.project_id "
        "and e.experiment_id = r.experiment_id where r.project_id = ? and r.run_id = ? and r.experiment_id = ?",
        [project_id, run_id, experiment_id],
    ).fetchall()
    if not rows:
        return None
    found, name, arm = rows[0]
    return json.dumps({"id": found.hex, "name": name, "arm": json.loads(arm)})


def keep(cursor: DuckDBPyConnection, run_id: UUID, lease: UUID, lasts: timedelta) -> bool:
    """Keep a run for longer; false: it is over, or another worker has it, so that it may stop."""
    rows = cursor.execute(
        "update runs set leased_until = now() at time zone 'utc' + ? "
        "where run_id = ? and lease = ? and state = 'running' returning run_id",
        [lasts, run_id, lease],
    ).fetchall()
    return bool(rows)


def give_back(cursor: DuckDBPyConnection, run_id: UUID, lease: UUID, fault: str | None) -> bool:
    """Let go of a run: with a fault it failed, without one another worker goes on with it. False: it is not theirs."""
    rows = cursor.execute(
        "update runs set state = case when ? is null then 'waiting' else 'failed' end, fault = ?, lease = null, "
        "leased_until = null, attempts = case when ? is null then attempts - 1 else attempts end, "
        "ended_at = case when ? is null then null else now() at time zone 'utc' end "
        "where run_id = ? and lease = ? and state = 'running' returning run_id",
        [fault, fault, fault, fault, run_id, lease],
    ).fetchall()
    return bool(rows)


def waiting(cursor: DuckDBPyConnection) -> bool:
    """Whether a worker would find anything to do: cheap, for those who wait."""
    rows: Sequence[object] = cursor.execute(
        f"select 1 from runs where source = 'app' and state in ('waiting', 'running') and {_STATE} = 'waiting' limit 1"
    ).fetchall()
    return bool(rows)


def lines(
    cursor: DuckDBPyConnection, project_id: int, run_id: UUID, after: tuple[int, int], most: int
) -> list[tuple[int, int, str]]:
    """Place, repeat and line of rows, in order, from after a place and repeat on."""
    found: list[tuple[int, int, str]] = cursor.execute(
        "select place, repeat, line from run_rows where project_id = $project_id and run_id = $run_id "
        "and place >= $place and (place > $place or repeat > $repeat) order by place, repeat limit $most",
        {"project_id": project_id, "run_id": run_id, "place": after[0], "repeat": after[1], "most": most},
    ).fetchall()
    return found


def firsts(cursor: DuckDBPyConnection, project_id: int, run_id: UUID, places: Sequence[int]) -> Iterator[str]:
    """The lines of the first repeats of these items, which hold what was asked; in order of their place."""
    rows = cursor.execute(
        "select line from run_rows where project_id = $project_id and run_id = $run_id and repeat = 0 "
        "and place between $low and $high and list_contains($places, place) order by place",
        {
            "project_id": project_id, "run_id": run_id, "places": list(places), "low": min(places, default=0),
            "high": max(places, default=-1),
        },
    ).fetchall()  # fmt: skip
    return (line for (line,) in rows)
