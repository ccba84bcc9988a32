"""Imports as the server keeps them: begun or found again, a step at a time, ended."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from collectors.importers.pieces import REASONS, unpacked
from collectors.otlp import rejections
from server.core import Core
from server.decoders import ImportedRequest
from server.import_places import placed
from server.ingest import InTransaction
from server.when import utc_now
from store import imports as store
from store.batch import Batch, Receipt
from store.imports import Far, Import

WRITE_S = 30.0


class Intake(Protocol):
    """Who stores pieces."""

    async def store(self, request: ImportedRequest, project_id: int, work: InTransaction) -> Receipt | None: ...


class UnknownImportError(Exception):
    """No import of the project has this id."""

    def __init__(self, import_id: uuid.UUID) -> None:
        super().__init__(f"No import has the id {import_id}. `assay import --list` shows those there are.")


class StepError(Exception):
    """A step that does not follow on those that are stored."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of an import, as it was sent."""

    number: int  # from 1
    read_bytes: int  # of the file, so far
    data: bytes


@dataclass(frozen=True, slots=True)
class About:
    """What an import reads, as who begins it says."""

    work: str
    file: str
    bytes: int
    format: str
    mapping: str | None
    author: str | None


def begin(core: Core, project_id: int, about: About) -> dict[str, Any]:
    """The import of this work that has not ended, else a new one: as `shown` has it. Waits for the commit."""

    def work(cursor: DuckDBPyConnection) -> Import:
        found = store.unfinished(cursor, project_id, about.work)
        if found is None:
            found = Import(uuid.uuid4(), project_id, **asdict(about), started_at=utc_now())
            store.add(cursor, found)
        return found

    return shown(core, core.writer.call(work).result(WRITE_S))


def find(core: Core, project_id: int, import_id: uuid.UUID) -> Import:
    """Raises UnknownImportError."""
    with core.readers.read() as cursor:
        found = store.find(cursor, import_id)
    if found is None or found.project_id != project_id:
        raise UnknownImportError(import_id)
    return found


def shown(core: Core, made: Import) -> dict[str, Any]:
    """An import, how far it went, and why items of it were rejected."""
    with core.readers.read() as cursor:
        far, rejected = store.far(cursor, [made.import_id]), store.rejections(cursor, made)
    return _row(made, far[made.import_id]) | {"rejections": [_rejection(*one) for one in rejected]}


def _row(made: Import, far: Far) -> dict[str, Any]:
    return {
        "import_id": made.import_id, "file": made.file, "bytes": made.bytes, "format": made.format,
        "mapping": made.mapping, "author": made.author, "started_at": made.started_at, "ended_at": made.ended_at,
        "fault": made.fault, **asdict(far),
    }  # fmt: skip


def _rejection(reason: str, count: int, sample: str | None) -> dict[str, Any]:
    why = REASONS.get(reason) or rejections.REASONS.get(reason, "")
    return {"reason": reason, "why": why, "count": count, "sample": sample}


def listed(core: Core, project_id: int) -> list[dict[str, Any]]:
    """The newest imports of a project, newest first, without their rejections."""
    with core.readers.read() as cursor:
        found = store.listed(cursor, project_id)
        far = store.far(cursor, [one.import_id for one in found])
    return [_row(one, far[one.import_id]) for one in found]


async def take(core: Core, intake: Intake, made: Import, step: Step) -> bool:
    """Store one step of an import; false: it is stored already.

    Raises:
        UndecodableError: it is no piece of an import.
        UnavailableError: it is not stored; send it again.
    """
    piece = unpacked(step.data)
    if (made.format, piece.signal, piece.encoding) == ("phoenix", "logs", "json"):
        piece = await asyncio.to_thread(placed, core, made.project_id, piece)
    request = ImportedRequest(store.source_of(made.format), piece)
    receipt = await intake.store(request, made.project_id, _noting(made.import_id, step.number, step.read_bytes))
    return receipt is not None


def _noting(import_id: uuid.UUID, step: int, read_bytes: int) -> InTransaction:
    def work(batch: Batch, cursor: DuckDBPyConnection) -> bool:
        return store.take_step(cursor, import_id, step, read_bytes, times_of(batch), utc_now())

    return work


def times_of(batch: Batch) -> tuple[datetime | None, datetime | None]:
    """The first and the last time of a batch's spans and logs; null: it has none."""
    columns = [
        *([] if batch.spans is None else [batch.spans.column("start_time")]),
        *([] if batch.logs is None else [batch.logs.column("time")]),
    ]
    found = [pc.min_max(column) for column in columns if len(column)]
    if not found:
        return None, None
    return min(_time(one["min"]) for one in found), max(_time(one["max"]) for one in found)


def _time(value: pa.Scalar[Any]) -> datetime:
    found: datetime = value.as_py()
    return found


def check_step(core: Core, made: Import, step: int) -> int:
    """Steps that are stored. Raises StepError when the step neither follows on them nor is among them."""
    with core.readers.read() as cursor:
        stored = store.steps(cursor, made.import_id)
    if step > stored + 1:
        message = f"Step {step} was sent, and {stored + 1} is the next. Send the steps in order."
        raise StepError(message)
    return stored


def end(core: Core, made: Import) -> dict[str, Any]:
    """All of the file was read. Waits for the commit."""
    core.writer.call(lambda cursor: store.end(cursor, made.import_id, utc_now())).result(WRITE_S)
    return shown(core, find(core, made.project_id, made.import_id))


def note_fault(core: Core, made: Import, fault: str) -> None:
    """Why it cannot go on. Raises StoreError."""
    core.writer.call(lambda cursor: store.note_fault(cursor, made.import_id, fault[:2000])).result(WRITE_S)
