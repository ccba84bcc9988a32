"""What Traces asks, over a few traces whose answers are known."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest


def traces(few: Any, hours: tuple[float, float]) -> pd.DataFrame:
    """The list over the time from `hours[0]` to `hours[1]` ago."""
    since, until = (datetime.now(UTC) - timedelta(hours=ago) for ago in hours)
    with few.client() as client:
        return client.traces(since=since, until=until).frame


@pytest.mark.parametrize(
    ("hours", "half", "unknown"),
    [
        pytest.param((1, 0), 1, 0, id="half"),
        pytest.param((4, 2), 0, 0, id="failed"),
        pytest.param((6, 4.5), 1, 1, id="half-and-unknown"),
    ],
)
def test_half_told_calls_of_a_trace_are_counted_apart(
    few: Any, hours: tuple[float, float], half: int, unknown: int
) -> None:
    (row,) = traces(few, hours).to_dict("records")
    assert (row["half_told_calls"], row["unknown_usage_calls"]) == (half, unknown)


def test_a_call_that_is_told_twice_is_half_told_once(few: Any, telling: Any) -> None:
    """The response's id tells that two spans are one call."""
    call = {"gen_ai__operation__name": "chat", "gen_ai__response__id": "r1", "gen_ai__usage__output_tokens": 9}
    twice = telling(bytes([21]) * 16, time.time_ns() - 21 * 3600 * 10**9).span(1, "chat", 0, 900, **call)
    few.send(twice.span(2, "chat", 1, 800, parent=1, **call).body())
    few.settle()
    (row,) = traces(few, (22, 20)).to_dict("records")
    assert row["output_tokens"] == 9
    assert row["half_told_calls"] == 1


def test_one_span_of_the_sample_makes_a_trace_one_of_it(few: Any, telling: Any) -> None:
    begun = time.time_ns() - 25 * 3600 * 10**9
    for resource, number in (({"assayline.sample": "true"}, 1), ({}, 2)):
        few.send(telling(bytes([25]) * 16, begun, resource=resource).span(number, "part", number, 5).body())
    few.send(telling(bytes([26]) * 16, begun).span(1, "own", 0, 5).body())
    few.settle()
    found = traces(few, (26, 24))
    assert dict(zip(found["root_name"], found["sample"], strict=True)) == {"part": True, "own": False}


@pytest.mark.parametrize("sort", ["newest", "slowest", "tokens", "errors"])
def test_pages_of_traces_that_are_alike_lose_none(few: Any, telling: Any, sort: str) -> None:
    """Of one instant, one length and one root id: only the ids of the traces differ, on both sides of their middle."""
    ids = [bytes([first]) + bytes(15) for first in (29, 30, 127, 128, 255)]
    begun = (time.time_ns() // 10**9 - 30 * 3600) * 10**9
    for one in ids:
        few.send(telling(one, begun).span(1, "alike", 0, 5).body())
    few.settle()
    window = {"since": datetime.now(UTC) - timedelta(hours=31), "until": datetime.now(UTC) - timedelta(hours=29)}
    with few.client() as client:

        def page(after: Any = None, *, backward: bool = False) -> pd.DataFrame:
            key = (
                {} if after is None else {f"after_{name}": after[name] for name in ("sort_key", "start_us", "trace_id")}
            )
            renamed = {"after_sort_key": "after_sort", "after_trace_id": "after_trace"}
            told = {renamed.get(name, name): str(value) for name, value in key.items()}
            return client.traces(**window, **told, sort=sort, page_size=2, backward=backward).frame

        pages = [page()]
        while len(pages[-1]):
            pages.append(page(pages[-1].iloc[-1]))
        seen = pd.concat(pages)["trace_id"]
        assert [len(one) for one in pages] == [2, 2, 1, 0]
        assert len(set(seen)) == len(seen) == len(ids)
        back = page(pages[2].iloc[0], backward=True)
    assert list(back["trace_id"]) == list(pages[1]["trace_id"])
