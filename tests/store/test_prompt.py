"""The SQL prompt answers questions and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from store.errors import QueryTimeoutError, RefusedSqlError
from store.prompt import check, run_sql

QUESTIONS = [
    "select 1",
    "select * from generate_series(1,3)",
    "select * from range(3) t(i)",
    "select * from unnest([1])",
    "with recursive a as (select 1 i union all select i+1 from a where i<5) select * from a",
    "SHOW TABLES",
    "/* c */ select 1",
    "select 1; -- x",
    "(select 1) union all (select 2)",
    "select current_date",
    "select range(3)",
    "select * from json_each('[1]')",
    "select list_filter([1,2], lambda x: x>1)",
    "select count(*) filter (where span_id > 1) from spans",
    "select * from spans s join logs l on s.trace_id=l.trace_id",
    "select regexp_replace(name,'a','b'), replace('a','b','c') from spans",
    "select * replace (1 as name) from spans",
    "describe spans",
    "summarize spans",
    "explain analyze select count(*) from spans",
    "table projects",
    "values (1)",
    "from spans",
    "select count(*) from information_schema.tables",
]

DEEDS = [
    "",
    "  ;",
    "select 1; select 2",
    "with d as (delete from spans returning *) select * from d",
    "with d as (insert into spans select * from spans returning *) select * from d",
    "explain delete from spans",
    "explain analyze delete from spans",
    "explain copy spans to 'x'",
    "select * into x from spans",
    "select * from read_csv('/etc/passwd')",
    "select * from read_parquet('x')",
    "select * from glob('/*')",
    "select read_text('/etc/passwd')",
    "select * from read_blob('x')",
    "select * from 'x.parquet'",
    'select * from "/etc/passwd"',
    "select * from query('drop table spans')",
    "select * from query_table('spans')",
    "attach 'x'",
    "copy spans to 'x'",
    "copy (select 1) to 'x'",
    "pragma database_list",
    "set threads=1",
    "reset threads",
    "use memory",
    "checkpoint",
    "force checkpoint",
    "begin",
    "commit",
    "load x",
    "install x",
    "call pragma_version()",
    "create table x as select 1",
    "drop table spans",
    "update spans set name='x'",
    "delete from spans",
    "merge into spans using x on true when matched then delete",
    "vacuum",
    "analyze",
    "export database 'x'",
    "import database 'x'",
    "prepare a as select 1",
    "execute a",
    "select getenv('HOME')",
    "select nextval('s')",
    "select * from duckdb_secrets()",
    "select * from duckdb_settings()",
    "select current_setting('temp_directory')",
    "select * from sniff_csv('x')",
    "select * from arrow_scan(1,2,3)",
    "select * from pandas_scan(1)",
    "select * from sqlite_scan('a','b')",
    "describe select * from read_csv('x')",
    "summarize 'x.csv'",
    "select (select count(*) from read_csv('x'))",
    "select * from (from read_json_auto('x'))",
    "select * from spans where name in (select * from read_text('x'))",
    "from 'x.csv'",
    "table 'x.csv'",
    "select * from pragma_database_list()",
    "select * from checkpoint()",
    "select * from force_checkpoint()",
    "select * from parquet_metadata('x')",
    "select * from parquet_schema('x')",
    "explain explain delete from spans",
    "select * from seq_scan('spans')",
    "select * from repeat_row(1, num_rows=3)",
    "select * from postgres_query('a','b')",
    "show tables; drop table spans",
    "select write_log('x')",
    "-- x\ndrop table spans",
    "/* select */ drop table spans",
    "pivot spans on kind",
    "select * from read_ndjson('x')",
    "explain (format json) delete from spans",
    "select * from 's3://x/y'",
    "select * from 'https://x/y.parquet'",
    "describe 'x.csv'",
]


@pytest.fixture(scope="module")
def store(store_class: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all: nothing here writes."""
    opened = store_class(tmp_path_factory.mktemp("store"))
    yield opened
    opened.close()


@pytest.mark.parametrize("text", QUESTIONS)
def test_questions_are_answered(store: Any, text: str) -> None:
    run_sql(store.readers, text)


@pytest.mark.parametrize("text", DEEDS)
def test_all_else_is_refused_by_its_syntax(text: str) -> None:
    with pytest.raises(RefusedSqlError):
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("select * from db", id="no-such-table"),
        pytest.param("select $1", id="unbound"),
        pytest.param("select 1 +", id="not-sql"),
        pytest.param("select nosuch('x')", id="no-such-function"),
    ],
)
def test_what_cannot_be_answered_says_why(store: Any, text: str) -> None:
    with pytest.raises(RefusedSqlError, match=r"cannot"):
        run_sql(store.readers, text)


@pytest.mark.parametrize("text", [text for text in DEEDS if text.startswith(("select", "with", "from", "table"))])
def test_the_database_refuses_too(store: Any, text: str) -> None:
    """The second and third fence, with the first one taken down."""
    before = store.rows("select count(*) from projects"), store.rows("show tables")
    try:
        with store.readers.read(5) as cursor:
            relation = cursor.sql(text)
            told = [] if relation is None else relation.fetchall()
    except Exception as error:  # noqa: BLE001 - any refusal will do
        told = [(str(error),)]
    assert "root:" not in str(told)
    assert (store.rows("select count(*) from projects"), store.rows("show tables")) == before


def test_a_python_variable_is_no_table(store: Any) -> None:
    frame = __import__("pandas").DataFrame({"x": [1]})
    with pytest.raises(RefusedSqlError, match="frame does not exist"):
        run_sql(store.readers, "select * from frame")
    assert len(frame) == 1


def test_a_long_answer_is_cut_and_says_so(store: Any) -> None:
    answer = run_sql(store.readers, "select * from range(1000000) t(i) order by i desc", max_rows=10)
    assert (answer.table["i"].to_pylist(), answer.truncated) == (list(range(999_999, 999_989, -1)), True)
    assert not run_sql(store.readers, "select * from range(10)", max_rows=10).truncated


def test_a_question_that_eats_memory_is_interrupted(store: Any) -> None:
    """Long texts, which the database's own limit does not count."""
    eats = "select sum(length(repeat(i::varchar, 10000))) from range(100000000) t(i)"
    with pytest.raises(RefusedSqlError, match="more than 32 MiB"):
        run_sql(store.readers, eats, timeout_s=20, memory_bytes=32 << 20)
    assert run_sql(store.readers, "select 1 as one").table["one"].to_pylist() == [1]


def test_a_question_without_end_is_interrupted(store: Any) -> None:
    with pytest.raises(QueryTimeoutError):
        run_sql(store.readers, "select count(*) from range(1000000000000)", timeout_s=0.3)
