"""Reads: snapshots, limits, watermarks, and names that must mean something."""

from __future__ import annotations

import re
import threading
import time
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, Literal
from uuid import UUID

import duckdb
import pytest

from store import call_sums, prices, queries, resolved
from store.errors import QueryTimeoutError, StoreBusyError, UnknownQueryError
from store.queries import (
    calls,
    explore,
    facets,
    hardware,
    integrity,
    latency,
    pairs,
    rules,
    search,
    sent,
    sessions,
    success,
    users,
)
from store.readers import ReaderPool, watermark

ENDLESS = "select count(*) from range(1000000000000) a"


def test_a_read_is_one_snapshot(store: Any, make: Any) -> None:
    with store.readers.read() as cursor:
        assert watermark(cursor) == "0-0"
        store.writer.submit(make.traces(make.span())).result(10)
        assert watermark(cursor) == "0-0"
        assert cursor.execute("select count(*) from spans").fetchall() == [(0,)]
    assert store.readers.watermark() == "1-0"


def test_a_read_cannot_write(store: Any) -> None:
    with pytest.raises(duckdb.TransactionException, match="read-only"), store.readers.read() as cursor:
        cursor.execute("delete from projects")


def test_a_long_read_is_interrupted_and_the_next_one_runs(store: Any) -> None:
    pool = ReaderPool(store.database, size=1, timeout_s=0.3)
    start = time.monotonic()
    with pytest.raises(QueryTimeoutError, match=r"after 0\.3 s"), pool.read() as cursor:
        cursor.execute(ENDLESS).fetchall()
    assert time.monotonic() - start < 5
    with pool.read() as cursor:
        assert cursor.execute("select 1").fetchall() == [(1,)]


def test_a_read_waits_for_a_place_no_longer_than_its_limit(store: Any) -> None:
    pool = ReaderPool(store.database, size=1, timeout_s=0.2)
    with pool.read(5), pytest.raises(QueryTimeoutError, match="No place"), pool.read():
        pass


def test_questions_leave_places_to_pages_and_probes(store: Any) -> None:
    pool = ReaderPool(store.database, size=3, timeout_s=5)
    with pool.question(), pytest.raises(StoreBusyError, match="in SQL"), pool.question():
        pass
    with pool.question(), pool.read(), pool.read():
        pool.probe()  # all places are taken: busy, and not broken
    with pool.question() as cursor:
        assert cursor.execute("select 1").fetchall() == [(1,)]


def test_an_undrained_result_does_no_harm(store: Any) -> None:
    with store.readers.read() as cursor:
        cursor.execute("select * from range(1000000)")
    assert store.count("projects") == 1


def test_reopening_ends_a_read_and_the_pool_lives_on(store: Any) -> None:
    threading.Timer(0.2, lambda: store.database.reopen(0)).start()
    with pytest.raises(StoreBusyError, match="reopened"), store.readers.read() as cursor:
        cursor.execute(ENDLESS).fetchall()
    assert store.count("projects") == 1


def test_a_cut_answer_says_so(store: Any, make: Any) -> None:
    for n in range(1, 4):
        rejected = make.traces(make.span(trace=n), received={"shop": 2})
        rejected = rejected.__class__(1, "grpc", "traces", {"shop": 1}, (_rejected(),))
        store.writer.submit(rejected).result(10)
    cut = store.readers.run("rejections", 1, max_rows=2)
    assert (cut.table.num_rows, cut.truncated, cut.watermark) == (2, True, "3-0")
    whole = store.readers.run("rejections", 1, max_rows=3)
    assert (whole.table.num_rows, whole.truncated) == (3, False)


def _rejected() -> Any:
    from store.batch import RejectedItems  # noqa: PLC0415 - used here alone

    return RejectedItems("shop", "bad_id", "x", 1)


def test_the_ledger_tells_the_hour_that_the_window_begins_in(store: Any, make: Any) -> None:
    store.writer.submit(make.traces(make.span())).result(10)
    ((hour,),) = store.rows("select distinct hour from ledger_entries")
    for since, until, rows in ((59, 60, 1), (0, 1, 1), (60, 120, 0), (-60, 0, 0)):
        window = {"since": hour + timedelta(minutes=since), "until": hour + timedelta(minutes=until)}
        assert store.readers.run("ledger", 1, window).table.num_rows == rows, window


def test_another_project_sees_nothing(store: Any, make: Any) -> None:
    store.writer.submit(make.traces(make.span())).result(10)
    since = {"since": "2020-01-01", "until": "2100-01-01"}
    assert store.readers.run("ledger", 1, since).table.num_rows == 1
    assert store.readers.run("ledger", 2, since).table.num_rows == 0


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        pytest.param("legder", {}, "Did you mean 'ledger'", id="no-such-query"),
        pytest.param("ledger", {"since": "2026-01-01"}, "needs parameter 'until'", id="missing"),
        pytest.param("ledger", {"sinc": "x"}, "Did you mean 'since'", id="unknown"),
        pytest.param("ledger", {"since": "monday", "until": "2026-01-01"}, "is not an ISO 8601 time", id="time"),
        pytest.param("ledger", {"since": None, "until": "2026-01-01"}, "may not be null", id="null"),
        pytest.param("totals", {"trace_ids": "x,y"}, "is not a list of an id", id="list-of-ids"),
        pytest.param("totals", {"max_rows": "5"}, "no parameter 'max_rows'", id="max-rows-is-no-parameter"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(name: str, params: Any, message: str) -> None:
    with pytest.raises(UnknownQueryError, match=re.escape(message)):
        queries.get(name).parse(params)


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        pytest.param(datetime, "2026-01-02", datetime(2026, 1, 2), id="date"),  # noqa: DTZ001 - UTC without a zone
        pytest.param(datetime, "2026-01-02T03:00:00+01:00", datetime(2026, 1, 2, 2), id="zone"),  # noqa: DTZ001
        pytest.param(int, "12", 12, id="whole"),
        pytest.param(float, "0.5", 0.5, id="number"),
        pytest.param(bool, "TRUE", True, id="true"),
        pytest.param(bool, "0", False, id="false"),
        pytest.param(UUID, "0" * 31 + "1", UUID(int=1), id="id-without-dashes"),
        pytest.param(list[str], "a,b", ["a", "b"], id="list"),
        pytest.param(list[int], "[1, 2]", [1, 2], id="json-list"),
        pytest.param(str | None, None, None, id="null"),
        pytest.param(Literal["newest", "slowest"], "slowest", "slowest", id="choice"),
        pytest.param(int, True, None, id="true-is-no-number"),
        pytest.param(Literal["newest"], "oldest", None, id="no-choice"),
    ],
)
def test_parameters_from_text(hint: Any, text: Any, value: object) -> None:
    parameter = queries._parameter("x", hint, None)
    if value is None and text is not None:
        with pytest.raises(ValueError, match="is not"):
            parameter.parse(text)
    else:
        assert parameter.parse(text) == value


def test_each_sql_file_has_its_function_and_each_query_its_file() -> None:
    files = {
        entry.name.removesuffix(".sql")
        for entry in resources.files("store.queries").iterdir()
        if entry.name.endswith(".sql")
    }
    public = set(queries.names())
    inner = {
        name
        for holder in (
            call_sums,
            calls,
            explore,
            facets,
            hardware,
            integrity,
            latency,
            pairs,
            prices,
            resolved,
            resolved.Workbench,
            rules,
            sessions,
            search,
            sent,
            success,
            users,
        )
        for name in vars(holder)
    }
    parts = {part for name in files for part, _ in queries.PART.findall(text_of(name))}
    assert public - files == set(), "queries without a file"
    parts |= {name for names in queries.OTHERS.values() for name in names}
    assert files - public - inner == parts - public, "files without a function, but for those that others hold"


def text_of(name: str) -> str:
    return (resources.files("store.queries") / f"{name}.sql").read_text("utf-8")


def test_a_part_stands_in_the_text_of_what_names_it() -> None:
    part = queries.sql("calls_kept")
    holders = [name for name in queries.names() if "/* part calls_kept */" in text_of(name)]
    assert holders
    assert all(part in queries.sql(name) and "/* part" not in queries.sql(name) for name in holders)


def test_a_part_may_have_other_names_of_parameters() -> None:
    text = queries.sql("calls_by_trace")
    for since, until in (("since", "head_until"), ("tail_since", "until")):
        assert f"start_time >= ${since} and start_time < ${until}\n" in text
    assert "start_time >= $since and start_time < $until\n" not in text


def test_tags_have_a_part_of_their_own() -> None:
    plain, by_tag = (queries.sql("calls_summed", frozenset(others)) for others in ([], ["told_by_tag"]))
    assert "unnest(case" not in plain
    assert by_tag.count("unnest(case") == 2
    assert "case $dimension" not in by_tag


@pytest.mark.parametrize("name", queries.names())
def test_every_query_binds_its_project(name: str) -> None:
    assert "$project_id" in queries.sql(name)


@pytest.mark.parametrize("name", queries.names())
def test_every_query_says_what_it_answers(name: str) -> None:
    assert len(queries.get(name).doc) > 20
    assert queries.sql(name).startswith("-- ")
