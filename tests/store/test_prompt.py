"""The SQL prompt answers questions and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from store import prompt
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
    "select count(*) from range(10000000) t(i)",
    "select * from generate_series(timestamp '2026-01-01', timestamp '2026-01-02', interval 1 hour)",
    "select s.name, u.i from spans s, range(length(s.name)) u(i)",
    "select * from range(3) t(i), range(i) u(j)",
    "select i from range(10000) t(i) where i in (select j from range(100000) u(j))",
    "with a as (select * from range(100000)) select count(*) from a, range(100)",
    "select list_transform(range(len(tags)), lambda i: tags[i + 1]) from spans",
    "select range(1, len(tags) + 1), generate_series(0, len(name)) from spans",
    "select range(24), range(60), range(60)",
    "select range(1790000000, 1790000010)",
    "select repeat('  ', least(span_id, 100)::int) || name from spans",
    "select repeat(name, 10000) from spans",
    "select lpad('1', 10, '0') || lpad('a', 10, ' ') || rpad('b', 10, ' ') || rpad('c', 10, ' ') || rpad('d', 10, ' ')",
    "select case when true then repeat('a', 200) else repeat('b', 200) end",
    "select format('{:>20} {{}} {:,} {:*^30}', 'a', 1, 'b'), printf('%-20s 100%% %5.2f', 'a', 1.5)",
    "select replace(name, 'a', service), regexp_replace(name, 'x', 'y', 'g') from spans",
    "select max(name, 3), arg_max(name, span_id, 3), approx_top_k(name, 5), max(span_id) from spans",
    "select list_reduce(['a', 'b'], lambda a, b: a || '-' || b)",
    "select list_reduce([1, 2], lambda a, b: if(a > b, a, b))",
    "select [x || ': ' || x for x in ['a', 'b']], list_transform(['a'], lambda x: x || x)",
    "select hex(name), to_json(name), 'x'.repeat(3), [1].list_resize(3) from spans",
    "select null::integer[3], '[1]'::integer[]",
    "select string_agg(name, ', '), list(name) from spans",
]

# Each makes gigabytes of next to nothing, within one call that nothing can interrupt.
GROWING = [
    "select len(range(400000000))",
    "select len(range(0, 400000000, 1))",
    "select len(generate_series(1, 400000000))",
    "select len(generate_series(timestamp '1900-01-01', timestamp '2026-01-01', interval 1 second))",
    "select unnest(range(span_id)) from spans",
    "select len(list_transform(range(len(name) * 1000000), lambda i: 1)) from spans",
    "select * from unnest(range(400000000))",
    "select len(main.range(400000000))",
    "select len((400000000).range())",
    "select len(range(10000 + 400000000))",
    "select len(range(span_id * 0 + 400000000)) from spans",
    "select len(generate_series(400000000))",
    "select length(repeat('x', 3000000000))",
    "select length(repeat('x', 10 ** 9))",
    "select length(repeat('x', 1e9::bigint))",
    "select length(repeat(name, length(name))) from spans",
    "select length('x'.repeat(3000000000))",
    "select length(system.main.repeat('x', 3000000000))",
    "select len(repeat([1], 400000000))",
    "select length(repeat(repeat(repeat('x', 1000), 1000), 1000))",
    "with a as (select repeat('x', 999) x), b as (select repeat(x, 999) x from a) select length(repeat(x, 999)) from b",
    "select length(repeat(x, 9999)) from (select repeat(name, 9999) x from spans)",
    "select length(lpad('x', 1000000000, 'y'))",
    "select length(rpad('x', span_id::int, 'y')) from spans",
    "select len(list_resize([1], 400000000))",
    "select len([1].list_resize(400000000))",
    "select len(array_resize([1], 400000000, 2))",
    "select length(bitstring('1', 2000000000))",
    "select len(equi_width_bins(0, 1000000000, 1000000, true))",
    "select length(format('{:500000000}', 1))",
    "select length(format('{:{}}', 1, 500000000))",
    "select length(format(name, 1)) from spans",
    "select length(printf('%500000000d', 1))",
    "select length(printf('%*d', 500000000, 1))",
    "select len(list_transform(range(10000), lambda i: range(10000)))",
    "select len([range(10000) for i in range(10000)])",
    "select len(list_apply(range(10000), lambda i: repeat('x', 10000)))",
    "select length(replace(repeat('x', 9999), 'x', repeat('y', 9999)))",
    "select length(regexp_replace(repeat('x', 9999), 'x', repeat('y', 9999), 'g'))",
    "select length(array_to_string(range(9999), repeat('y', 9999)))",
    "select length(list_aggr(range(9999)::varchar[], 'string_agg', repeat('y', 9999)))",
    "select length(list_reduce(range(40)::varchar[], lambda a, b: a || a, 'x'))",
    f"select length({'bin(' * 12}'abcdefgh'{')' * 12})",
    f"select length({'hex(' * 20}'abcdefgh'{')' * 20})",
    "select max(i, 999999) from range(100000) t(i) group by i",
    "select arg_min(i, i, 999999) from range(100000) t(i) group by i",
    "select reservoir_quantile(i, 0.5, 1000000000) from range(200) t(i)",
    "select approx_top_k(i, 999999) from range(100000) t(i) group by i",
    "select null::integer[20000][20000]",
    "select json_serialize_plan('select repeat(''x'', 3000000000)', optimize := true)",
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
    "select $a-b$ ; delete from spans; select 1 + $a-b$",
    "select date$$ , read_text('x'), 1 as date$$ from (select 1 as date$$)",
    "select $$x$$",
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


@pytest.mark.parametrize("text", GROWING)
def test_what_grows_within_one_call_is_refused_by_its_syntax(text: str) -> None:
    with pytest.raises(RefusedSqlError, match=r"FROM range\(n\)|list, such as|reads the tables"):
        check(text)


def test_a_refusal_of_growth_names_the_function() -> None:
    for text, name in {"select range(99999)": "range", "select lpad('x', 99999)": "lpad"}.items():
        with pytest.raises(RefusedSqlError, match=rf"^{name}\(\) is refused .* 10,000"):
            check(text)


def test_a_deep_statement_is_measured_without_recursion() -> None:
    assert check(f"select {'1 + ' * 5000}1")
    with pytest.raises(RefusedSqlError, match="range"):
        check(f"select range({'1 + ' * 5000}99999)")


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


def test_the_database_counts_the_statements_too(store: Any) -> None:
    """With the first fence taken down; a text with several would be run whole, and only its last answer seen."""
    with store.readers.read() as cursor, pytest.raises(RefusedSqlError, match="2 statements"):
        prompt._count(cursor, "select 1; select 2")


def test_a_python_variable_is_no_table(store: Any) -> None:
    frame = __import__("pandas").DataFrame({"x": [1]})
    with pytest.raises(RefusedSqlError, match="frame does not exist"):
        run_sql(store.readers, "select * from frame")
    assert len(frame) == 1


def test_a_long_answer_is_cut_and_says_so(store: Any) -> None:
    answer = run_sql(store.readers, "select * from range(1000000) t(i) order by i desc", max_rows=10)
    assert (answer.table["i"].to_pylist(), answer.truncated) == (list(range(999_999, 999_989, -1)), True)
    assert not run_sql(store.readers, "select * from range(10)", max_rows=10).truncated


@pytest.mark.parametrize(
    ("length", "max_bytes", "rows"),
    [
        pytest.param(1_000, 50_000, 49, id="as-many-as-fit"),
        pytest.param(10_000, 5_000, 1, id="one-row-is-always-told"),
        pytest.param(1, 50_000, 100, id="all-fit"),
        pytest.param(1_000, None, 100, id="no-bound"),
    ],
)
def test_an_answer_of_long_texts_is_cut_after_a_whole_row(
    store: Any, length: int, max_bytes: int | None, rows: int
) -> None:
    question = f"select repeat('x', {length}) as text from range(150)"
    answer = run_sql(store.readers, question, max_rows=100, max_bytes=max_bytes)
    assert (answer.table.num_rows, answer.truncated) == (rows, True)


def test_a_question_that_eats_memory_is_interrupted(store: Any) -> None:
    """Long texts, which the database's own limit does not count."""
    eats = "select sum(length(repeat(i::varchar, 10000))) from range(100000000) t(i)"
    with pytest.raises(RefusedSqlError, match="more than 32 MiB"):
        run_sql(store.readers, eats, timeout_s=20, memory_bytes=32 << 20)
    assert run_sql(store.readers, "select 1 as one").table["one"].to_pylist() == [1]


def test_a_question_without_end_is_interrupted(store: Any) -> None:
    with pytest.raises(QueryTimeoutError):
        run_sql(store.readers, "select count(*) from range(1000000000000)", timeout_s=0.3)
