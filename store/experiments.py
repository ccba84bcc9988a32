"""Experiments: runs that belong together, each an arm. Reads take any cursor; writes go through `Writer.call`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from duckdb import DuckDBPyConnection

from store import runs
from store.runs import Run

Source = Literal["app", "cli", "pushed"]
_COLUMNS = "experiment_id, name, suite, source, author, created_at, varied, budget_usd, like_run"


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment, without its runs."""

    experiment_id: UUID
    name: str
    suite: str
    source: Source
    author: str | None
    created_at: datetime  # UTC
    varied: str  # JSON: path or short name -> its values; {}: nothing, or not told
    budget_usd: float | None  # of all its runs together; null: no bound
    like_run: UUID | None  # the run that it varies; null: it varies a suite


@dataclass(frozen=True, slots=True)
class NewExperiment:
    """An experiment that begins."""

    experiment_id: UUID
    name: str
    suite: str
    source: Source
    author: str | None
    varied: str = "{}"
    budget_usd: float | None = None
    like_run: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewArm:
    """A run that is ordered as an arm."""

    arm: str  # JSON: what is varied -> its value
    document: str  # YAML of its suite
    wish: str  # JSON


def begin(cursor: DuckDBPyConnection, project_id: int, new: NewExperiment) -> None:
    """Book an experiment; one that is booked already is left as it is."""
    cursor.execute(
        f"insert into experiments (project_id, {_COLUMNS}) "
        "select ?, ?, ?, ?, ?, ?, now() at time zone 'utc', ?, ?, ? where not exists "
        "(select 1 from experiments where project_id = ? and experiment_id = ?)",
        [
            project_id, new.experiment_id, new.name, new.suite, new.source, new.author, new.varied, new.budget_usd,
            new.like_run, project_id, new.experiment_id,
        ],
    )  # fmt: skip


def order(cursor: DuckDBPyConnection, project_id: int, new: NewExperiment, arms: Sequence[NewArm]) -> list[UUID]:
    """Book an experiment and have each of its arms run by a worker, in this order; the ids of the runs."""
    begin(cursor, project_id, new)
    ids = [uuid4() for _ in arms]
    for place, (run_id, one) in enumerate(zip(ids, arms, strict=True)):
        # A microsecond apart, so that lists and workers keep their order.
        cursor.execute(
            "insert into runs (project_id, run_id, suite, source, author, created_at, state, answers_done, document, "
            "wish, attempts, experiment_id, arm) select ?, ?, ?, 'app', ?, (now() at time zone 'utc') + "
            "to_microseconds(?), 'waiting', 0, ?, ?, 0, ?, ?",
            [
                project_id, run_id, new.suite, new.author, place, one.document, one.wish, new.experiment_id, one.arm,
            ],
        )  # fmt: skip
    return ids


def order_alone(cursor: DuckDBPyConnection, project_id: int, new: NewExperiment, arms: Sequence[NewArm]) -> list[UUID]:
    """As `order`, of runs that are of no experiment."""
    return [runs.order(cursor, project_id, new.suite, one.document, one.wish, new.author) for one in arms]


def experiments(
    cursor: DuckDBPyConnection, project_id: int, suite: str | None = None, before: datetime | None = None,
    most: int = 50,
) -> list[Experiment]:  # fmt: skip
    """Experiments of a project, the newest first. `before`: those created earlier."""
    rows = cursor.execute(
        f"select {_COLUMNS} from experiments where project_id = $project_id and ($suite is null or suite = $suite) "
        "and ($before::timestamp is null or created_at < $before::timestamp) "
        "order by created_at desc, experiment_id limit $most",
        {"project_id": project_id, "suite": suite, "before": before, "most": most},
    ).fetchall()
    return [Experiment(*row) for row in rows]


def experiment(cursor: DuckDBPyConnection, project_id: int, experiment_id: UUID) -> Experiment | None:
    """One experiment; null: the project has none of this id."""
    rows = cursor.execute(
        f"select {_COLUMNS} from experiments where project_id = ? and experiment_id = ?", [project_id, experiment_id]
    ).fetchall()
    return Experiment(*rows[0]) if rows else None


def runs_of(cursor: DuckDBPyConnection, project_id: int, ids: Sequence[UUID]) -> dict[UUID, list[Run]]:
    """The runs of these experiments, of each in the order of its arms; an experiment without runs has an empty list."""
    found: dict[UUID, list[Run]] = {one: [] for one in ids}
    for run in runs.of_experiments(cursor, project_id, ids):
        if run.experiment_id is not None:
            found[run.experiment_id].append(run)
    return found


def cancel(cursor: DuckDBPyConnection, project_id: int, experiment_id: UUID) -> int:
    """End all runs of an experiment that were ordered and are not over; how many there were."""
    rows = cursor.execute(
        "update runs set state = 'cancelled', ended_at = now() at time zone 'utc', lease = null, leased_until = null "
        "where project_id = ? and experiment_id = ? and source = 'app' and state in ('waiting', 'running') "
        "returning run_id",
        [project_id, experiment_id],
    ).fetchall()
    return len(rows)


def remove(cursor: DuckDBPyConnection, project_id: int, experiment_id: UUID) -> bool:
    """Forget an experiment with its runs and their rows; false: there is none of this id."""
    for (run_id,) in cursor.execute(
        "select run_id from runs where project_id = ? and experiment_id = ?", [project_id, experiment_id]
    ).fetchall():
        runs.remove(cursor, project_id, run_id)
    rows = cursor.execute(
        "delete from experiments where project_id = ? and experiment_id = ? returning experiment_id",
        [project_id, experiment_id],
    ).fetchall()
    return bool(rows)
