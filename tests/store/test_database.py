"""Opening, migrating, locking and reopening the file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from store import FILE_NAME
from store.database import Database, migrate, migrations
from store.errors import SchemaError, StoreBusyError, StoreLockedError

HOLD = "import sys; from pathlib import Path; from store.database import Database; \
d = Database.open(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


def versions(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("select version from schema_migrations order by version").fetchall()


def test_every_migration_runs_once(tmp_path: Path) -> None:
    for _ in range(2):
        database = Database.open(tmp_path)
        with database.lease() as cursor:
            assert versions(cursor) == [(number,) for number, _, _ in migrations()]
        database.close()


def test_an_edited_migration_is_an_error() -> None:
    with duckdb.connect() as connection:
        assert migrate(connection, [(1, "0001_a.sql", "create table a (x integer);")]) == 1
        with pytest.raises(SchemaError, match=r"0001_a\.sql was edited"):
            migrate(connection, [(1, "0001_a.sql", "create table a (x bigint);")])


def test_line_ends_are_no_edit() -> None:
    with duckdb.connect() as connection:
        migrate(connection, [(1, "0001_a.sql", "create table a (\nx integer);")])
        assert migrate(connection, [(1, "0001_a.sql", "create table a (\r\nx integer);")]) == 0


def test_a_newer_store_is_an_error() -> None:
    first, second = (1, "0001_a.sql", "create table a (x integer);"), (2, "0002_b.sql", "create table b (x integer);")
    with duckdb.connect() as connection:
        migrate(connection, [first, second])
        with pytest.raises(SchemaError, match=r"0002_b\.sql, which this program does not know"):
            migrate(connection, [first])


def test_a_failing_migration_leaves_no_trace() -> None:
    broken = (1, "0001_a.sql", "create table a (x integer); insert into nowhere values (1);")
    with duckdb.connect() as connection:
        with pytest.raises(duckdb.CatalogException):
            migrate(connection, [broken])
        assert versions(connection) == []
        assert connection.execute("select * from duckdb_tables() where table_name = 'a'").fetchall() == []


def test_another_process_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreLockedError, match=rf"held by process {holder.pid}.*ASSAY_DATA_DIR"):
            Database.open(tmp_path)
        holder.communicate("")
    Database.open(tmp_path).close()


def test_one_object_a_process(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    with pytest.raises(StoreLockedError):
        Database.open(tmp_path)
    database.close()
    Database.open(tmp_path).close()


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('/etc/hostname')",
        "copy (select 1) to 'out.csv'",
        "attach 'other.duckdb'",
        "set threads = 1",
        "set global enable_external_access = true",
        "install httpfs",
    ],
)
def test_no_cursor_reaches_files_or_settings(tmp_path: Path, statement: str) -> None:
    database = Database.open(tmp_path)
    with database.lease() as cursor, pytest.raises(duckdb.Error, match=r"disabled|locked|configuration"):
        cursor.execute(statement)
    database.close()


def test_times_are_utc(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    with database.lease() as cursor:
        assert cursor.execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]
    database.close()


def test_closing_leaves_no_wal(tmp_path: Path, make: Any, open_store: Callable[..., Any]) -> None:
    store = open_store()
    store.writer.submit(make.traces(make.span())).result()
    assert store.database.wal_bytes() > 0
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_reopening_keeps_what_was_committed_and_ends_readers(store: Any, make: Any) -> None:
    store.writer.submit(make.traces(make.span())).result()
    before = store.database.generation
    store.database.reopen(before)
    store.database.reopen(before)  # whoever comes second finds the work done
    assert store.database.generation == before + 1
    assert store.count("spans") == 1
    assert store.writer.submit(make.traces(make.span(span=2))).result().commit_seq == 2


def test_a_lease_left_in_a_transaction_is_rolled_back(store: Any) -> None:
    with store.database.lease() as cursor:
        cursor.execute("begin transaction")
        cursor.execute("insert into projects values (9, 'nine', now())")
    assert store.count("projects") == 1


def test_a_closed_store_is_busy(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    database.close()
    database.close()
    with pytest.raises(StoreBusyError), database.lease():
        pass


def test_spans_of_the_third_schema_are_kept_and_resolved_anew(tmp_path: Path) -> None:
    """What the fourth migration drops was never filled; the resolver starts over, since no call is priced yet."""
    connection = duckdb.connect(str(tmp_path / "old.duckdb"))
    migrate(connection, migrations()[:3])
    connection.execute(
        "insert into spans by name select 1 as project_id, 1 as commit_seq, now()::timestamp as received_at, "
        "uuid() as trace_id, range as span_id, 'chat' as name, 'client' as span_kind, now()::timestamp as start_time, "
        "'ok' as status, 0 as flags, 0 as dropped_attributes, 0 as dropped_events, 0 as dropped_links, 1 as origin_id, "
        "'s' as scope_name, 'llm' as kind, 7 as input_tokens, [] as tags, map {} as metadata, 2 as content_rank, "
        "repeat('x', 2000) as input, [] as notes, map {'k': 'v'} as attributes, [] as events, [] as links, "
        "3 as normaliser_version from range(30000)"
    )
    connection.execute("update resolver_state set value = 1")
    connection.execute("checkpoint")
    before = connection.execute("select * exclude (cost_usd) from spans order by span_id").fetchall()
    connection.close()
    for _ in range(2):  # once more from the file
        connection = duckdb.connect(str(tmp_path / "old.duckdb"))
        migrate(connection)
        after = connection.execute("select * exclude (usage_details, service_tier) from spans order by span_id")
        assert after.fetchall() == before
        new = "select count(usage_details) + count(service_tier) from spans"
        assert connection.execute(new).fetchall() == [(0,)]
        assert connection.execute("select value from resolver_state").fetchall() == [(0,)]
        connection.close()
