"""Imports of files: what each reads, and how far it went. Times are UTC without a zone.

Reads take any cursor; writes go through the writer, a step with the batch that it is of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from duckdb import DuckDBPyConnection

from store.database import one_row
from store.writer import last_commit_seq

LISTED = 100
REASONS = 50  # of rejections, that are told

_COLUMNS = "import_id, project_id, work, file, bytes, format, mapping, author, started_at, ended_at, fault"


@dataclass(frozen=True, slots=True)
class Import:
    """One import; the columns are told in the migration."""

    import_id: UUID
    project_id: int
    work: str
    file: str
    bytes: int
    format: str
    mapping: str | None
    author: str | None
    started_at: datetime
    ended_at: datetime | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Far:
    """How far an import went: its steps, and what the ledger says of them."""

    steps: int
    read_bytes: int
    received: int
    stored: int
    duplicate: int
    rejected: int
    first_time: datetime | None
    last_time: datetime | None
    last_at: datetime | None  # of the last step


def find(cursor: DuckDBPyConnection, import_id: UUID) -> Import | None:
    """One import; null: there is none."""
    row = cursor.execute(f"select {_COLUMNS} from imports where import_id = ?", [import_id]).fetchone()
    return None if row is None else Import(*row)


def unfinished(cursor: DuckDBPyConnection, project_id: int, work: str) -> Import | None:
    """The import of this work that has not ended, the newest; null: there is none."""
    row = cursor.execute(
        f"select {_COLUMNS} from imports where project_id = ? and work = ? and ended_at is null "
        "order by started_at desc limit 1",
        [project_id, work],
    ).fetchone()
    return None if row is None else Import(*row)


def listed(cursor: DuckDBPyConnection, project_id: int) -> list[Import]:
    """The newest imports of a project, newest first, at most `LISTED`."""
    rows = cursor.execute(
        f"select {_COLUMNS} from imports where project_id = ? order by started_at desc, import_id limit {LISTED}",
        [project_id],
    ).fetchall()
    return [Import(*row) for row in rows]


def add(cursor: DuckDBPyConnection, made: Import) -> None:
    """A new import."""
    values = [
        made.import_id, made.project_id, made.work, made.file, made.bytes, made.format, made.mapping, made.author,
        made.started_at, made.ended_at, made.fault,
    ]  # fmt: skip
    cursor.execute(f"insert into imports ({_COLUMNS}) values ({', '.join('?' * len(values))})", values)


def take_step(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection,
    import_id: UUID,
    step: int,
    read_bytes: int,
    span: tuple[datetime | None, datetime | None],
    now: datetime,
) -> bool:
    """Note a step, in the transaction that stores it; false: it is not the next one, and nothing is noted."""
    if step != steps(cursor, import_id) + 1:
        return False
    cursor.execute(
        "insert into import_steps values (?, ?, ?, ?, ?, ?, ?)",
        [import_id, step, last_commit_seq(cursor) + 1, read_bytes, *span, now],
    )
    return True


def steps(cursor: DuckDBPyConnection, import_id: UUID) -> int:
    """Steps that are stored."""
    (found,) = one_row(cursor, "select coalesce(max(step), 0) from import_steps where import_id = ?", [import_id])
    return int(found)


def far(cursor: DuckDBPyConnection, import_ids: Sequence[UUID]) -> dict[UUID, Far]:
    """How far each of these imports went."""
    steps = cursor.execute(
        "select import_id, count(*), max(read_bytes), min(first_time), max(last_time), max(stored_at) "
        "from import_steps where import_id in (select unnest($ids::uuid[])) group by import_id",
        {"ids": list(import_ids)},
    ).fetchall()
    # A step's commit is its own, so that the ledger's rows of the commit are those of the step.
    counts = cursor.execute(
        "select s.import_id, sum(l.received), sum(l.stored), sum(l.duplicate), sum(l.rejected) from import_steps s "
        "join ledger_entries l on l.commit_seq = s.commit_seq "
        "where s.import_id in (select unnest($ids::uuid[])) group by s.import_id",
        {"ids": list(import_ids)},
    ).fetchall()
    booked = {row[0]: tuple(map(int, row[1:])) for row in counts}
    found = {one: Far(0, 0, 0, 0, 0, 0, None, None, None) for one in import_ids}
    for import_id, number, read_bytes, first, last, at in steps:
        received, stored, duplicate, rejected = booked.get(import_id, (0, 0, 0, 0))
        found[import_id] = Far(int(number), int(read_bytes), received, stored, duplicate, rejected, first, last, at)
    return found


def rejections(cursor: DuckDBPyConnection, made: Import) -> list[tuple[str, int, str]]:
    """Why items of an import were rejected: reason, how many, the first of them; most first, at most `REASONS`."""
    return cursor.execute(
        "select reason, sum(rejected)::bigint, arg_min(sample, commit_seq) from ledger_entries "
        "where project_id = ? and source = ? and reason is not null "
        "and commit_seq in (select commit_seq from import_steps where import_id = ?) "
        f"group by reason order by 2 desc, 1 limit {REASONS}",
        [made.project_id, source_of(made.format), made.import_id],
    ).fetchall()


def traces_of_spans(cursor: DuckDBPyConnection, project_id: int, span_ids: Collection[int]) -> dict[int, UUID]:
    """Traces by the ids of spans in them; without spans that are not stored, and ids that spans of several traces have.

    It reads the ids of all spans of the store: 0.1 s for 10 million.
    """
    rows = cursor.execute(
        "select span_id, any_value(trace_id) from spans where project_id = $project_id "
        "and span_id in (select unnest($ids::ubigint[])) group by span_id having count(distinct trace_id) = 1",
        {"project_id": project_id, "ids": list(span_ids)},
    ).fetchall()
    return {int(span_id): trace_id for span_id, trace_id in rows}


def end(cursor: DuckDBPyConnection, import_id: UUID, now: datetime) -> None:
    """All of the file was read."""
    cursor.execute(
        "update imports set ended_at = ?, fault = null where import_id = ? and ended_at is null", [now, import_id]
    )


def note_fault(cursor: DuckDBPyConnection, import_id: UUID, fault: str) -> None:
    """Why an import cannot go on."""
    cursor.execute("update imports set fault = ? where import_id = ? and ended_at is null", [fault, import_id])


def source_of(kind: str) -> str:
    """What the ledger names a format by."""
    return f"import:{kind}"
