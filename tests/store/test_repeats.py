"""A span, log or score that is sent again is there once; of several versions of a span the fullest stays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import writer
from store.batch import Batch
from store.errors import StoreBrokenError
from store.keyfilter import KeyFilter, hash_keys

VERSIONS = "select trace_id::varchar, span_id, start_time, duration_ns, attributes from spans order by 1, 2"


def test_a_repeat_is_dropped_within_a_request_and_after(store: Any, make: Any) -> None:
    batch = make.traces(make.span(), make.span(), make.span(span=2))
    first, second = (store.writer.submit(batch).result(10) for _ in range(2))
    assert (first.stored, first.duplicate, second.stored, second.duplicate) == (2, 1, 0, 3)
    assert store.total("traces")["balanced"]


def test_projects_do_not_share_ids(store: Any, make: Any) -> None:
    for project in (1, 2):
        assert store.writer.submit(make.traces(make.span(), project_id=project)).result(10).stored == 1


@pytest.mark.parametrize(
    ("lesser", "greater"),
    [
        pytest.param({"seconds": 1}, {"seconds": 2}, id="later-end"),
        pytest.param({}, {"attributes": {"a": "1"}}, id="more-attributes"),
        pytest.param({"attributes": {"a": "1"}}, {"seconds": 2}, id="later-end-before-more-attributes"),
        pytest.param({"at": 0}, {"at": 90_000}, id="another-start-a-day-later"),
        pytest.param({"at": 90_000, "seconds": 1}, {"at": 0, "seconds": 90_002}, id="another-start-a-day-before"),
    ],
)
@pytest.mark.parametrize("order", ["lesser-first", "greater-first", "together"])
def test_the_fuller_version_stays(store: Any, make: Any, lesser: Any, greater: Any, order: str) -> None:
    spans = [make.span(**lesser), make.span(**greater)]
    batches = {
        "lesser-first": [make.traces(spans[0]), make.traces(spans[1])],
        "greater-first": [make.traces(spans[1]), make.traces(spans[0])],
        "together": [make.traces(*spans)],
    }[order]
    for batch in batches:
        store.writer.submit(batch).result(10)
    ((_, _, _, duration, attributes),) = store.rows(VERSIONS)
    assert duration == int(greater.get("seconds", 1) * 1e9)
    assert attributes == greater.get("attributes", {})
    total = store.total("traces")
    assert (total["stored"], total["duplicate"], total["balanced"]) == (1, 1, True)


def test_a_replacement_carries_the_newer_commit(store: Any, make: Any) -> None:
    """The resolver looks at what came after the last commit it knows."""
    for seconds in (1, 2):
        store.writer.submit(make.traces(make.span(seconds=seconds))).result(10)
    assert store.rows("select commit_seq from spans") == [(2,)]


def test_logs_repeat_too(open_store: Callable[..., Any], make: Any) -> None:
    assert open_store().writer.submit(make.logs("a", "b", "a")).result(10).stored == 2
    receipt = open_store().writer.submit(make.logs("b", "c")).result(10)
    assert (receipt.stored, receipt.duplicate) == (1, 1)


def test_scores_repeat_without_being_counted(store: Any, make: Any) -> None:
    columns = {
        "score_id": pa.array([1, 2, 1], pa.uint64()),
        "name": ["relevance"] * 3,
        "value": [0.5] * 3,
        "source": ["llm"] * 3,
        "metadata": pa.array([[]] * 3, pa.map_(pa.string(), pa.string())),
        "time": pa.array([1, 2, 1], pa.timestamp("us")),
    }
    for _ in range(2):
        store.writer.submit(Batch(1, "grpc", "traces", {}, scores=pa.table(columns))).result(10)
    assert store.count("scores") == 2
    assert store.total()["received"] == 0


# One request: spans as (trace, span, start in seconds, duration in seconds, attributes).
SPANS = st.tuples(
    st.integers(1, 2), st.integers(1, 3), st.sampled_from([0, 5, 200_000]), st.integers(0, 2), st.integers(0, 2)
)
REQUESTS = st.lists(st.lists(SPANS, min_size=1, max_size=5), min_size=1, max_size=6)


def run(make: Any, requests: list[list[Any]], restart_at: int, open_store: Callable[[Path], Any]) -> tuple[Any, Any]:
    """Send the requests, restarting once; what is stored, and the ledger over all."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        for number, spans in enumerate(requests):
            if number == restart_at:
                store.close()
                store = open_store(Path(folder))
            rows = [
                make.span(trace, span, at, seconds, attributes={str(n): "x" for n in range(size)})
                for trace, span, at, seconds, size in spans
            ]
            receipt = store.writer.submit(make.traces(*rows)).result(10)
            assert receipt.stored + receipt.duplicate == len(spans)
        found = store.rows(VERSIONS), store.total("traces")
        store.close()
    return found


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(requests=REQUESTS, data=st.data())
def test_order_repeats_and_restarts_change_nothing(make: Any, store_class: Any, requests: Any, data: Any) -> None:
    plain, total = run(make, requests, -1, store_class)
    assert total["balanced"]
    assert total["received"] == sum(map(len, requests))
    again = data.draw(st.permutations(requests + requests[: data.draw(st.integers(0, len(requests)))]))
    restart = data.draw(st.integers(0, len(again)))
    other, total = run(make, again, restart, store_class)
    assert other == plain
    assert total["balanced"]
    assert total["stored"] == len(plain)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=300, unique=True))
@settings(max_examples=30)
def test_the_filter_never_denies_what_it_was_told(keys: list[int]) -> None:
    hashes = hash_keys([np.array(keys, dtype=np.uint64)])
    known = KeyFilter()
    known.add(hashes)
    assert known.maybe(hashes).all()


def test_the_filter_grows_and_seldom_doubts() -> None:
    rng = np.random.default_rng(1)
    known = KeyFilter()
    hashes = hash_keys([rng.integers(0, 2**63, 2_500_000)])
    known.add(hashes)
    assert known.maybe(hashes[::50]).all()
    fresh = hash_keys([rng.integers(0, 2**63, 500_000)])
    assert known.maybe(fresh).mean() < 1e-4
    assert known.nbytes < 8 * len(hashes)


def test_a_commit_that_broke_after_it_reached_the_disk_is_not_stored_twice(
    store: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is injected: no disk can be made to fail right after the log was flushed."""
    store.writer.submit(make.logs("first")).result(20)  # else the writer's own start may be what breaks
    real, broke = writer._in_transaction, []

    def commit_then_break(cursor: Any, work: Any) -> Any:
        result = real(cursor, work)
        if not broke:
            broke.append(True)
            raise StoreBrokenError("injected", store.database.generation)
        return result

    monkeypatch.setattr(writer, "_in_transaction", commit_then_break)
    receipt = store.writer.submit(make.traces(make.span(span=1), make.span(span=2))).result(20)
    assert (receipt.stored, receipt.duplicate) == (0, 2)
    assert store.count("spans") == 2
    again = store.writer.submit(make.traces(make.span(span=3))).result(20)
    assert (again.commit_seq, again.stored) == (4, 1)
    total = store.total("traces")
    assert (total["received"], total["stored"], total["duplicate"]) == (5, 3, 2)
