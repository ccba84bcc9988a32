"""Questions with a time range in them, and where a refused one has its fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from store.errors import RefusedSqlError
from store.prompt import run_sql
from store.sqltext import Times, asked_times, place_told, with_times

RANGE = Times(datetime(2026, 5, 1), datetime(2026, 5, 8))  # noqa: DTZ001 - UTC without a zone, as the store holds it


@pytest.fixture(scope="module")
def store(store_class: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all: nothing here writes."""
    opened = store_class(tmp_path_factory.mktemp("store"))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("select :since", "select $since", id="first"),
        pytest.param("where a >= :since and a < :until", "where a >= $since and a < $until", id="both"),
        pytest.param("where a between :SINCE and now()", "where a between $SINCE and now()", id="upper-case"),
        pytest.param("date_trunc('day', :since)::date", "date_trunc('day', $since)::date", id="argument-and-cast"),
        pytest.param("select {'a': :since}", "select {'a': $since}", id="member"),
        pytest.param("select x[1:since]", "select x[1:since]", id="slice"),
        pytest.param("select x[:since]", "select x[:since]", id="slice-from-the-start"),
        pytest.param("select {a:since}", "select {a:since}", id="column-of-that-name"),
        pytest.param("select ':since' -- :since", "select ':since' -- :since", id="text-and-comment"),
        pytest.param("select a::since", "select a::since", id="cast"),
        pytest.param("select :other", "select :other", id="another-name"),
        pytest.param("select ': since", "select ': since", id="unreadable"),
    ],
)
def test_the_range_is_written_as_parameters(text: str, told: str) -> None:
    assert with_times(text) == told
    assert len(told) == len(text), "places stay"


def test_only_what_is_asked_is_bound() -> None:
    assert asked_times("select $since, '$until'") == ["since"]
    assert asked_times("select $other") == []


def test_the_range_is_bound(store: Any) -> None:
    asked = "select :since as a, $until as b, :until - :since as c"
    assert run_sql(store.readers, asked, times=RANGE).table.to_pylist() == [
        {"a": RANGE.since, "b": RANGE.until, "c": "7 days"}
    ]
    kept = run_sql(store.readers, "select * from range(9) where :since < now() order by 1", max_rows=2, times=RANGE)
    assert (kept.table.num_rows, kept.truncated) == (2, True)


def test_a_range_that_was_not_given_is_told(store: Any) -> None:
    with pytest.raises(RefusedSqlError, match=r":until stands for an end of the time range, and none was given"):
        run_sql(store.readers, "select :until", times=Times(RANGE.since))


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        pytest.param("select\n  nosuch,\n 1 from calls", "nosuch", id="column"),
        pytest.param("select 1 from nosuch", "nosuch", id="table"),
        pytest.param("-- select nosuch\n  select 'ä', nosuch from calls;", "nosuch", id="after-a-comment"),
        pytest.param("select nosuch(1)", "nosuch(1)", id="function"),
        pytest.param(f"select {'kind, ' * 60} nosuch, {'kind, ' * 60} kind from calls", "nosuch", id="long-line"),
        pytest.param("select kind, count(*) from calls", "kind", id="not-grouped"),
        pytest.param("select :since + nosuch from calls", "nosuch", id="with-a-range"),
        pytest.param("select a b zz from calls", "zz", id="syntax"),
        pytest.param("select (1 from calls", "from", id="bracket"),
        pytest.param("select 1,\n1 +", "+", id="unfinished"),
        pytest.param("select *\nfrom read_csv('x')", "read_csv", id="refused-function"),
        pytest.param("explain select a b zz from calls", "zz", id="explained"),
    ],
)
def test_a_refusal_names_its_place(store: Any, text: str, marked: str) -> None:
    with pytest.raises(RefusedSqlError) as refused:
        run_sql(store.readers, text, times=RANGE)
    at, length = refused.value.at, refused.value.length
    assert at is not None
    assert length is not None
    assert text[at : at + length] == marked
    assert "LINE" not in str(refused.value)
    assert at == (text.rindex(marked) if marked != "kind" else text.index(marked))


@pytest.mark.parametrize("text", ["drop table spans", "select 1; select 2", "select * from 'x.csv'"])
def test_a_refusal_without_a_place_has_none(store: Any, text: str) -> None:
    with pytest.raises(RefusedSqlError) as refused:
        run_sql(store.readers, text)
    assert refused.value.at is None


def test_a_line_elsewhere_is_no_place() -> None:
    assert place_told("Error\n\nLINE 3: select x\n               ^", "select x") is None
    assert place_told("Error\n\nLINE 1: select y\n               ^", "select x") is None
    assert place_told("Error", "select x") is None
