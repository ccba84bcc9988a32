"""Sums of calls by the quarter of an hour: when they are made, and read. Of what they say: `test_calls`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import pytest

from store import call_sums
from store.database import Database, migrate, migrations

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
DAY = {"since": START, "until": START + timedelta(days=1)}


def calls(*minutes: float, **columns: Any) -> pd.DataFrame:
    """A call of a dollar at each of these minutes after START."""
    told = {
        "project_id": 1, "trace_id": [UUID(int=number + 1) for number in range(len(minutes))], "span_id": 1,
        "start_time": [START + timedelta(minutes=minute) for minute in minutes], "kind": "llm", "usage_role": "leaf",
        "failed": False, "tags": [[]] * len(minutes), "cost_usd": 1.0, "price_status": "priced",
    }  # fmt: skip
    return pd.DataFrame(told | columns)


def cost(store: Any, name: str = "calls_totals", **params: Any) -> float:
    return float(store.readers.run(name, 1, DAY | params).table.to_pandas()["cost_usd"].sum())


def quarters(store: Any) -> list[str]:
    """Clock times of what is due."""
    with store.readers.read() as con:
        due = call_sums.stale_quarters(con, timedelta(0))
    return [] if due is None else [f"{quarter:%d %H:%M}" for quarter in due[1]]


def test_summed_quarters_are_not_read_call_by_call(store: Any) -> None:
    store.add_calls(calls(0, 14, 15, 59, 300))
    store.sum_calls()
    assert (cost(store), store.count("call_sums")) == (5, 4)
    store.writer.call(lambda con: con.execute("delete from calls; delete from trace_calls")).result()  # behind its back
    assert cost(store) == 5
    assert cost(store, since=START + timedelta(minutes=1)) == 3, "the first quarter is cut, and read from calls"
    assert cost(store, "calls_cost_series", dimension="model", bucket_us=3_600_000_000) == 5
    assert cost(store, "calls_cost_series", dimension="model", bucket_us=600_000_000) == 0, "its buckets cut quarters"
    assert cost(store, "calls_cost_series", dimension="user", bucket_us=3_600_000_000) == 0, "sums know no user"
    assert cost(store, session_id="s") == 0


def test_a_quarter_with_a_late_call_is_read_call_by_call_till_it_is_summed_again(store: Any) -> None:
    store.add_calls(calls(*range(0, 600, 5)))
    store.sum_calls()
    store.add_calls(calls(7, 302))
    assert (cost(store), quarters(store)) == (122, ["01 10:00", "01 15:00"])
    store.sum_calls()
    assert (cost(store), quarters(store)) == (122, [])


def test_calls_that_changed_after_the_last_sum_wait_for_quiet(store: Any) -> None:
    store.add_calls(calls(0))
    with store.readers.read() as con:
        assert call_sums.stale_quarters(con, timedelta(minutes=1)) is None
        assert call_sums.stale_quarters(con, timedelta(0)) is not None


def test_a_quarter_that_is_not_over_waits(store: Any) -> None:
    now = datetime.now(UTC)
    store.add_calls(calls(0, start_time=now))
    assert quarters(store) == []
    assert cost(store, since=now - timedelta(hours=1), until=now + timedelta(hours=1)) == 1


def test_a_turn_stays_within_a_project_and_a_day(store: Any) -> None:
    store.add_calls(calls(*range(0, 3 * 1440, 15)))
    store.add_calls(calls(0, project_id=2))
    assert len(quarters(store)) == 96
    store.sum_calls(turns=3)
    assert quarters(store) == ["01 10:00"], "that of the other project"


def test_sums_hold_what_64_bits_do_not(store: Any) -> None:
    """Tokens are what senders say; their sum is unknown then, and the rest of the page stands."""
    store.add_calls(calls(0, 1, 2, input_tokens=2**62, output_tokens=5))
    for _ in ("calls", "sums"):
        (row,) = store.readers.run("calls_totals", 1, DAY).table.to_pylist()
        assert (row["input_tokens"], row["output_tokens"], row["cost_usd"]) == (None, 15, 3)
        assert store.readers.run("calls_cost_by", 1, DAY | {"dimension": "model"}).table.to_pylist()[0]["calls"] == 3
        store.sum_calls()
    assert store.count("call_sums") == 1


def test_sums_do_not_depend_on_the_order_of_rows(store: Any) -> None:
    rng = np.random.default_rng(2)
    rows = calls(
        *rng.uniform(0, 15, 500), cost_usd=rng.gamma(0.3, 0.1, 500), reported_cost_usd=rng.gamma(0.3, 0.1, 500)
    )
    found = []
    for shuffled in (rows, rows.sample(frac=1, random_state=1)):
        store.writer.call(lambda con: con.execute("delete from calls")).result()
        store.add_calls(shuffled)
        store.sum_calls()
        found.append(store.rows("select cost_pico, reported_pico from call_sums"))
    assert found[0] == found[1]


def test_calls_of_an_older_store_are_summed(tmp_path: Path, store_class: Any) -> None:
    """Migration 8 over a store that the release before wrote."""
    with duckdb.connect(str(tmp_path / "assayline.duckdb")) as con:
        migrate(con, [one for one in migrations() if one[0] < 8])
        con.execute(
            """insert into calls
            (project_id, trace_id, span_id, start_time, kind, usage_role, failed, tags, price_status, cost_usd)
            select 1, uuid(), 1, timestamp '2026-03-01 10:01' + to_minutes(n * 10), 'llm', 'leaf', false, [],
                   'priced', 1
            from (select unnest(range(4)) as n)"""
        )
    Database.open(tmp_path).close()
    store = store_class(tmp_path)
    try:
        assert quarters(store) == ["01 10:00", "01 10:15", "01 10:30"]
        assert cost(store) == 4
        store.sum_calls()
        assert (cost(store), store.count("call_sums")) == (4, 3)
    finally:
        store.close()


@pytest.mark.parametrize("minutes", [0, 7.5, 15])
@pytest.mark.parametrize("length", [timedelta(microseconds=1), timedelta(minutes=15), timedelta(minutes=16)])
def test_windows_of_a_quarter_and_less(store: Any, minutes: float, length: timedelta) -> None:
    at = [0, 7, 7.5, 8, 14.9, 15, 15.1, 22, 29, 30, 31]
    store.add_calls(calls(*at))
    store.sum_calls()
    since = START + timedelta(minutes=minutes)
    inside = [minute for minute in at if since <= START + timedelta(minutes=minute) < since + length]
    assert cost(store, since=since, until=since + length) == len(inside)


def test_what_a_sender_reports_may_be_any_amount(store: Any) -> None:
    """Stored before such amounts were refused; sums of them would be more than 128 bits hold."""
    store.add_calls(calls(0, 1, 2, reported_cost_usd=[1.6e26, 1.6e26, 0.5]))
    for _ in ("calls", "sums"):
        (row,) = store.readers.run("calls_totals", 1, DAY).table.to_pylist()
        assert (row["reported_usd"], row["cost_usd"]) == (0.5, 3)
        store.sum_calls()
    assert store.count("call_sums") == 1


@pytest.mark.parametrize("name", ["calls_totals", "latency_rates", "calls_cost_daily"])
def test_a_window_may_end_with_the_calendar(store: Any, name: str) -> None:
    store.add_calls(calls(0))
    last = {"since": datetime(9999, 12, 31, 23, 50), "until": datetime(9999, 12, 31, 23, 59)}  # noqa: DTZ001
    assert store.readers.run(name, 1, last).table.num_rows in {0, 1}
