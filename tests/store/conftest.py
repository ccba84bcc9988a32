"""A real store in a temporary folder, and small requests for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from stores import add, add_calls, put_empty

from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawLog, RawSpan
from store import call_sums
from store.batch import Batch
from store.database import Database
from store.readers import ReaderPool
from store.writer import Writer

START_NS = 1_790_000_000_000_000_000  # 2026-09-21T14:13:20Z
ORIGIN = Origin(7, {"service.name": "shop"}, "agent")


SUMMARIES = """
insert into trace_summaries (project_id, trace_id, resolved_seq, start_time, duration_ns, root_span_id, root_name,
    root_missing, services, spans, model_calls_ok, model_calls_failed, embedding_calls, tool_executions,
    tool_executions_failed, unknown_usage_calls, usage_estimated, errors, status, models, tags, variants, prompts,
    session_id)
select project_id, trace_id, 1, min(start_time), epoch_us(max(start_time) - min(start_time)) * 1000, 1, 'x',
       false, [], 1, 0, 0, 0, 0, 0, 0, false, 0, 'ok', [], [], [], [], any_value(session_id)
from calls group by project_id, trace_id
"""


class Store:
    """Database, writer and readers of one folder, opened and closed together."""

    def __init__(self, folder: Path, **settings: int) -> None:
        self.folder = folder
        put_empty(folder)
        self.database = Database.open(folder)
        self.writer = Writer(self.database, min_free_bytes=0, **settings)
        self.readers = ReaderPool(self.database)

    def close(self) -> None:
        self.writer.close()
        self.database.close()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.readers.read() as cursor:
            return cursor.execute(query).fetchall()

    def add(self, table: str, rows: pd.DataFrame) -> None:
        """Put rows into a table: columns by name, null where they say nothing, times aware."""
        add(self.writer, table, rows)

    def add_calls(self, rows: pd.DataFrame) -> None:
        """`add` to `calls`, with what the resolver writes beside: the sums by trace, and which quarters are stale."""
        add_calls(self.writer, rows)

    def summarise(self) -> None:
        """Summaries of the traces of all calls, as far as calls tell them."""
        self.writer.call(lambda con: con.execute(SUMMARIES)).result()

    def sum_calls(self, turns: int | None = None) -> None:
        """Sum the calls of stale quarters: all, or so many turns, the earliest first."""
        while turns != 0:
            with self.readers.read() as con:
                due = call_sums.stale_quarters(con, timedelta(0))
                if due is None:
                    return
                project_id, quarters = due
                sums = call_sums.sum_calls(con, project_id, quarters)
            self.writer.call(lambda con: call_sums.write_call_sums(con, project_id, quarters, sums)).result()  # noqa: B023
            turns = None if turns is None else turns - 1

    def count(self, table: str) -> int:
        return self.rows(f"select count(*) from {table}")[0][0]  # type: ignore[return-value]  # count is a number

    def total(self, signal: str | None = None) -> dict[str, object]:
        """The ledger of all time for one signal, or over all."""
        rows = self.readers.run("ledger_total", 1).table.to_pylist()
        return next(row for row in rows if row["signal"] == signal)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Open the same folder as often as asked, closing what was open before."""
    opened: list[Store] = []

    def again(**settings: int) -> Store:
        for before in opened:
            before.close()
        opened.append(Store(tmp_path, **settings))
        return opened[-1]

    yield again
    for before in opened:
        before.close()


class Make:
    """Builders of small requests."""

    @staticmethod
    def span(trace: int = 1, span: int = 1, at: float = 0, seconds: float = 1, **fields: Any) -> RawSpan:
        """A span that starts `at` seconds after START_NS."""
        start = START_NS + int(at * 1e9)
        attributes = fields.pop("attributes", {})
        end = start + int(seconds * 1e9)
        return RawSpan(ORIGIN, trace.to_bytes(16, "big"), span, None, "step", start, end, attributes, **fields)

    @staticmethod
    def traces(*spans: RawSpan, project_id: int = 1, service: str | None = "shop", **fields: Any) -> Batch:
        """A request with these spans."""
        table = frames.span_table(spans, [SpanFacts(service=service) for _ in spans])
        fields = {"received": {service or "": len(spans)}, "origins": frames.origin_table([ORIGIN]), **fields}
        return Batch(project_id, "grpc", "traces", spans=table, **fields)

    @staticmethod
    def logs(*bodies: str, at: int = 0) -> Batch:
        """A request with a log record per text, all at one time."""
        time_ns = START_NS + at * 1_000_000_000
        records = [RawLog(ORIGIN, None, None, time_ns, 9, "INFO", None, body, {}) for body in bodies]
        return Batch(1, "http-json", "logs", {"shop": len(records)}, logs=frames.log_table(records))


@pytest.fixture(scope="session")
def make() -> type[Make]:
    return Make


@pytest.fixture(scope="session")
def store_class() -> type[Store]:
    return Store
