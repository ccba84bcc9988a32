"""What changed and where the time goes, over HTTP: against `analytics` over the same calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from analytics import critical_path
from analytics.latency import compare
from server.client import ApiError

NOW = datetime.now(UTC)
WINDOW = {"since": NOW - timedelta(hours=2), "until": NOW + timedelta(hours=1)}  # the run may take long
CALL = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "m"}


@pytest.fixture(scope="module")
def told(serve: Callable[[str], Any], telling: Any) -> Any:
    """Traces of a call of some milliseconds below a tool, of now and of three hours ago, some of them failed."""
    served, rng, bodies = serve("periods"), np.random.default_rng(5), []
    for number in range(160):
        ago_s, lasts = (600, 40) if number % 2 else (3 * 3600, 30)
        lasts_ms = float(lasts + rng.integers(0, 100))
        at = time.time_ns() - (ago_s + number) * 10**9
        trace = telling(bytes([5, number]) * 8, at).span(1, "run", 0, lasts_ms + 30)
        trace.span(2, "look up", 2, lasts_ms + 10, parent=1, gen_ai__operation__name="execute_tool")
        usage = {"gen_ai__usage__output_tokens": int(rng.integers(1, 50))}
        failed = "no" if rng.random() < 0.1 else None
        bodies.append(trace.span(3, "chat", 5, lasts_ms, 2, failed, **CALL, **usage).body())
    served.send(b"".join(bodies))
    served.settle()
    return served


def calls(served: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Those of the window, and those of as much time before it."""
    with served.client() as client:
        frame = client.sql("select * from calls where kind = 'llm'").frame
    length = WINDOW["until"] - WINDOW["since"]
    then = frame["start_time"].between(WINDOW["since"] - length, WINDOW["since"], inclusive="left")
    now = frame["start_time"].between(WINDOW["since"], WINDOW["until"], inclusive="left")
    return frame[then], frame[now]


@pytest.mark.parametrize("measure", ["duration", "tokens_per_second", "ttft", "error_rate"])
def test_periods_are_compared_as_analytics_does(told: Any, measure: str) -> None:
    before, now = calls(told)
    assert (len(before), len(now)) == (80, 80)
    column = {"duration": "duration_ns", "ttft": "ttft_ns"}.get(measure, measure)
    wanted = [change for change in compare(before, now) if change.measure == column]
    with told.client() as client:
        found = client.latency("periods", measure=measure, kind="llm", **WINDOW).frame
    assert len(found) == len(wanted) > 0
    for (_, row), change in zip(found.iterrows(), wanted, strict=True):
        for name, side in (("value", change.after), ("before", change.before), ("difference", change.difference)):
            numbers = [row[name], row[f"{name}_low"], row[f"{name}_high"]]
            expected = [np.nan if number is None else number for number in (side.value, side.low, side.high)]
            plain = [np.nan if pd.isna(number) else float(number) for number in numbers]
            assert plain == pytest.approx(expected, rel=1e-6, nan_ok=True)
        assert (row["n"], row["before_n"]) == (change.after.n, change.before.n)
        assert (None if pd.isna(row["clear"]) else bool(row["clear"])) == change.clear


def test_where_time_goes_is_the_critical_path_of_every_trace(told: Any) -> None:
    with told.client() as client:
        found = client.latency("paths", traces=1000, **WINDOW).frame
        spans = client.sql(
            "select trace_id::varchar as trace_id, span_id::varchar as span_id, parent_span_id::varchar as "
            "parent_span_id, kind, epoch_us(start_time) * 1000 as start_ns, duration_ns, start_time from spans"
        ).frame
    spans = spans[spans["start_time"] >= pd.Timestamp(WINDOW["since"])]
    plain = spans.astype({"start_ns": "int64", "duration_ns": "int64"}).astype(
        dict.fromkeys(("trace_id", "span_id", "parent_span_id", "kind"), object)
    )
    wanted = critical_path.shares(critical_path.breakdown(plain))
    assert found["kind"].tolist() == wanted["kind"].tolist()
    assert found["path_ns"].tolist() == wanted["path_ns"].tolist()
    assert found["share"].sum() == pytest.approx(1)
    for name in ("share", "low", "high"):
        assert found[name].tolist() == pytest.approx(wanted[name].tolist())
    assert set(found["n"]) == set(found["sampled_of"]) == {80}


def test_a_sample_is_the_same_each_time_and_says_of_how_many(told: Any) -> None:
    with told.client() as client:
        once, again = (client.latency("paths", traces=20, **WINDOW).frame for _ in range(2))
    assert set(once["n"]) == {20}
    assert set(once["sampled_of"]) == {80}
    assert not once["guessed"].any()
    pd.testing.assert_frame_equal(once, again)


def test_of_many_traces_a_part_is_looked_at_and_the_sample_stays_the_same(told: Any) -> None:
    """Of one trace and 80 calls five eighths of the range of hashes are enough."""
    with told.client() as client:
        found = client.latency("paths", traces=1, **WINDOW).frame
        since = WINDOW["since"].replace(tzinfo=None).isoformat()
        (lowest,) = client.sql_rows(
            f"select duration_ns from trace_summaries where trace_id = (select trace_id from calls "
            f"where kind = 'llm' and start_time >= '{since}' order by hash(trace_id) limit 1)"
        ).rows
    assert found["guessed"].all()
    assert found["sampled_of"].between(60, 100).all()
    assert found["path_ns"].sum() == int(lowest["duration_ns"])


def test_retries_are_a_rate_among_calls_whose_question_is_known(serve: Callable[[str], Any], telling: Any) -> None:
    served = serve("retries")
    for number in range(8):
        trace = telling(bytes([6, number]) * 8, time.time_ns() - 600 * 10**9).span(1, "run", 0, 100)
        asked = {"gen_ai__prompt": f"What is {number}?"} if number else {}
        trace.span(2, "chat", 1, 10, 1, "overloaded" if number % 2 else None, **CALL, **asked)
        served.send(trace.span(3, "chat", 20, 10, 1, **CALL, **asked).body())
    served.settle()
    with served.client() as client:
        (row,) = client.latency("periods", measure="retry_rate", **WINDOW).frame.to_dict("records")
    assert (row["n"], row["before_n"], row["value"]) == (14, 0, pytest.approx(4 / 14))
    assert row["value_low"] < 4 / 14 < row["value_high"]


@pytest.mark.parametrize("what", ["periods", "paths"])
def test_of_no_calls_nothing_is_told(told: Any, what: Any) -> None:
    with told.client() as client:
        found = client.latency(what, service="nobody", **WINDOW).frame
    assert found.empty if what == "paths" else found["value"].isna().all()


@pytest.mark.parametrize(
    ("what", "params", "says"),
    [
        ("periods", {"measure": "luck"}, "one of duration"), ("paths", {"traces": 0}, "between 1 and 1000"),
        ("periods", {"colour": "red"}, "no parameter 'colour'"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(told: Any, what: Any, params: dict[str, Any], says: str) -> None:
    with told.client() as client, pytest.raises(ApiError, match=says):
        client.latency(what, **params, **WINDOW)


def test_before_the_first_year_there_is_no_time(told: Any) -> None:
    answer = httpx.get(
        f"{told.note.api_url}/api/latency/periods?since=0001-01-01&until=2030-01-01&format=json", trust_env=False
    )
    assert answer.status_code == 200
    assert {row["before_n"] for row in answer.json()} == {0}
