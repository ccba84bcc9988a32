"""Arrow tables have the columns of the migrations, and DuckDB stores their values as they were."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest

import store
from collectors import frames
from collectors.model import Origin, RawEvent, RawLink, RawLog, RawSpan
from collectors.normalise import normalise
from collectors.normalising.options import NormaliserOptions

MIGRATIONS = sorted((Path(store.__file__).parent / "migrations").glob("*.sql"))
ADDED = {"project_id", "commit_seq", "received_at"}  # by the writer
TRACE = bytes(range(16))
ORIGIN = Origin(2**64 - 1, {"service.name": "shop"}, "scope", "1")
SPAN = RawSpan(
    ORIGIN, TRACE, 2**63 + 5, None, "chat", 1_790_000_000_123_456_789, 1_790_000_001_000_000_000,
    {"input.value": "Hi", "empty": None, "gen_ai.operation.name": "chat", "llm.tools.0.tool.json_schema": '{"a": 1}'},
    events=[RawEvent(1000, "e", {"k": "v"}, 1)], links=[RawLink(TRACE, 2**64 - 1, {"l": "1"})],
)  # fmt: skip
LOG = RawLog(ORIGIN, None, None, 0, 9, "INFO", "event", "body", {"a": "b"})


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for migration in MIGRATIONS:
        connection.execute(migration.read_text())
    return connection


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        ("spans", frames.SPANS), ("logs", frames.LOGS), ("scores", frames.SCORES), ("origins", frames.ORIGINS),
        ("tool_definitions", frames.TOOL_DEFINITIONS),
    ],
)  # fmt: skip
def test_columns_are_those_of_the_migrations(
    database: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema
) -> None:
    columns = [row[0] for row in database.execute(f"describe {table}").fetchall()]
    assert set(schema.names) == set(columns) - ADDED


def stored(database: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> duckdb.DuckDBPyConnection:
    database.register("incoming", rows)
    added = (
        "1 as project_id"
        if table in {"origins", "tool_definitions"}
        else ("1 as project_id, 1 as commit_seq, timestamp '2026-01-01' as received_at")
    )
    if table == "scores":
        added = "1 as project_id, 1 as commit_seq"
    database.execute(f"insert into {table} by name select {added}, * from incoming")
    return database


def test_a_span_is_stored_as_it_was(database: duckdb.DuckDBPyConnection) -> None:
    facts = normalise(SPAN)
    stored(database, "spans", frames.span_table([SPAN], [facts]))
    row = database.execute(
        "select trace_id, span_id, parent_span_id, epoch_ns(start_time), duration_ns, attributes, events, links, "
        "origin_id, input, input_key, kind, tool_definitions_id, service from spans"
    ).fetchall()[0]
    assert row[:5] == (UUID(bytes=TRACE), 2**63 + 5, None, 1_790_000_000_123_456_000, 876_543_211)
    assert row[5] == {k: v for k, v in SPAN.attributes.items() if k != "input.value"}
    assert (row[6][0]["name"], row[6][0]["attributes"], row[6][0]["dropped"]) == ("e", {"k": "v"}, 1)
    assert (row[7][0]["trace_id"], row[7][0]["span_id"]) == (UUID(bytes=TRACE), 2**64 - 1)
    assert row[8:12] == (2**64 - 1, "Hi", "input.value", "llm")
    definitions = frames.tool_definition_table([facts])
    assert definitions.to_pylist() == [{"tool_definitions_id": row[12], "definitions": '[{"a":1}]'}]
    assert row[13] == "shop"


def test_logs_and_origins_are_stored(database: duckdb.DuckDBPyConnection) -> None:
    stored(database, "logs", frames.log_table([LOG], received_ns=5000))
    row = database.execute(
        "select trace_id, span_id, epoch_us(time), event_name, service, attributes from logs"
    ).fetchall()[0]
    assert row == (None, None, 5, "event", "shop", {"a": "b"})
    stored(database, "origins", frames.origin_table([ORIGIN, ORIGIN]))
    assert database.execute("select count(*), any_value(resource['service.name']) from origins").fetchall()[0] == (
        1,
        "shop",
    )


def test_times_at_the_edges() -> None:
    edge = RawSpan(ORIGIN, TRACE, 1, None, "x", 2**64 - 1, 0, {})
    table = frames.span_table([edge, RawSpan(ORIGIN, TRACE, 2, None, "x", 0, 2**64 - 1, {})], [normalise(edge)] * 2)
    assert table.column("start_time").cast(pa.int64()).to_pylist() == [(2**64 - 1) // 1000, 0]
    assert table.column("duration_ns").to_pylist() == [None, None]


def test_no_rows() -> None:
    assert frames.span_table([], []).num_rows == 0
    assert frames.tool_definition_table([normalise(RawSpan(ORIGIN, TRACE, 1, None, "x", 0, 0, {}))]).num_rows == 0


def test_the_same_log_has_the_same_id() -> None:
    again = RawLog(ORIGIN, None, None, 0, 9, "INFO", "event", "body", {"a": "b"})
    other = RawLog(ORIGIN, None, None, 1, 9, "INFO", "event", "body", {"a": "b"})
    assert frames.log_id(LOG) == frames.log_id(again) != frames.log_id(other)


def test_a_hashed_user_is_nowhere_in_the_row() -> None:
    attributes: dict[str, str | None] = {
        "user.id": "ann@example.org",
        "metadata": '{"user_id": "ann@example.org", "team": "x"}',
        "llm.invocation_parameters": '{"user": "ann@example.org"}',
        "langfuse.trace.metadata.user_id": "ann@example.org",
    }
    span = RawSpan(ORIGIN, TRACE, 1, None, "x", 0, 9, attributes)
    options = NormaliserOptions(hash_user_ids=True, user_id_key=b"k")
    table = frames.span_table([span], [normalise(span, options)])
    text = str(table.to_pylist())
    assert "ann@example.org" not in text
    assert len(set(re.findall(r"uid:[0-9a-f]{32}", text))) == 1
