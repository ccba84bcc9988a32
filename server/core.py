"""The open store with all that works on it: what the server holds, and the command line when no server runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyarrow as pa

from server.exit_codes import FAILURE
from server.projects import Projects
from server.resolver import Resolver
from server.secret import normaliser_options
from server.settings import Settings
from store import queries
from store.database import Database
from store.errors import StoreBusyError, StoreFullError
from store.readers import Answer, ReaderPool, watermark
from store.writer import Writer

EPOCH, END_OF_TIME = datetime(1970, 1, 1), datetime(9999, 1, 1)  # noqa: DTZ001 - UTC without a zone, as the store holds it
NO_LIMIT = 1_000_000_000  # rows; totals are a bill and are never cut
LONG_READ_S = 600.0  # a bill over all of time, an export


@dataclass(slots=True)
class Core:
    """The store of one data folder. Its methods block: call them from threads."""

    settings: Settings
    database: Database
    readers: ReaderPool
    writer: Writer
    resolver: Resolver
    projects: Projects

    @classmethod
    def open(cls, settings: Settings) -> Core:
        """Open the store and start its threads.

        Raises:
            StoreLockedError: another process holds the file.
            SchemaError: a newer program wrote it.
        """
        database = Database.open(settings.data_dir, settings.memory_limit)
        readers = ReaderPool(database, settings.query_threads, settings.query_timeout_s, settings.query_max_rows)
        # The sink bounds the bytes of requests; their decoded form is larger, so the writer gets room for it.
        writer = Writer(
            database, max_bytes=2 * settings.queue_max_bytes, min_free_bytes=settings.min_free_bytes,
            retry_after_s=settings.retry_after_s, on_death=_end_process,
        )  # fmt: skip
        resolver = Resolver(readers, writer, normaliser_options(settings))
        resolver.start()
        return cls(settings, database, readers, writer, resolver, Projects(readers, writer))

    def close(self, drain_s: float = 10.0) -> None:
        """Write what waits, checkpoint, close. No request may be in flight."""
        self.resolver.stop(drain_s)
        self.writer.close(drain_s)
        self.database.close()

    def run(self, name: str, project: str, params: dict[str, object], max_rows: int | None = None) -> Answer:
        """Answer a named query; see `ReaderPool.run`."""
        return self.readers.run(name, self.projects.id_of(project), params, max_rows)

    def settle(self, timeout_s: float) -> None:
        """Wait until what was committed before the call is resolved.

        Raises:
            StoreFullError: at once, when the disk does not take it.
            StoreBusyError: that took longer than `timeout_s`.
        """
        if self.resolver.settle(timeout_s):
            return
        fault = self.resolver.fault
        if isinstance(fault, StoreFullError):
            raise StoreFullError(f"The newest spans cannot be resolved into traces. {fault}", fault.retry_after_s)
        message = f"Spans are still being resolved into traces after {timeout_s:g} s. Try again."
        raise StoreBusyError(f"{message} ({fault})" if fault else message, retry_after_s=2.0)

    def totals(
        self, project: str, since: datetime | None, until: datetime | None, trace_ids: list[UUID] | None
    ) -> Answer:
        """All rows of the query `totals`, uncut."""
        project_id = self.projects.id_of(project)
        arguments = queries.get("totals").parse({"since": since, "until": until, "trace_ids": trace_ids})
        with self.readers.read(LONG_READ_S) as cursor:
            mark = watermark(cursor)
            table: pa.Table = queries.get("totals").function(cursor, project_id, **arguments, max_rows=NO_LIMIT)
        return Answer(table, mark, truncated=False)

    def ledger(self, project: str, since: datetime | None, until: datetime | None) -> Answer:
        """All rows of the query `ledger`; null bounds are open."""
        return self.run("ledger", project, {"since": since or EPOCH, "until": until or END_OF_TIME}, NO_LIMIT)


def _end_process() -> None:
    """The last resort: a supervisor starts a process that ended anew; one that cannot write is left as it is.

    What was acknowledged is on disk, and what waits is sent again.
    """
    logging.getLogger(__name__).critical("without its writer the process can store nothing; it ends")
    os._exit(FAILURE)


@contextmanager
def opened(settings: Settings) -> Iterator[Core]:
    """The store, for as long as the block runs."""
    core = Core.open(settings)
    try:
        yield core
    finally:
        core.close()
