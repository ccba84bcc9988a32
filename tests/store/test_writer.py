"""The writer: acknowledgement after commit, groups, refusals, order, and requests that cannot be stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from store import writer as writer_module
from store.batch import Batch, RejectedItems
from store.control import create_project, list_projects, project_id
from store.disk import DISK_CHECK_S
from store.errors import StoreBusyError, StoreError, StoreFullError, UnknownProjectNameError
from store.ledger import Refusal, record_refusals
from store.writer import Writer


class Hold:
    """Keeps the writer busy, so that what is submitted meanwhile becomes one group."""

    def __init__(self, writer: Writer) -> None:
        self._go, started = threading.Event(), threading.Event()

        def work(_: object) -> None:
            started.set()
            self._go.wait(10)

        self.future = writer.call(work)
        assert started.wait(10)

    def release(self) -> None:
        self._go.set()
        self.future.result(10)


def test_a_receipt_means_it_is_there(store: Any, make: Any) -> None:
    receipt = store.writer.submit(make.traces(make.span(span=1), make.span(span=2))).result(10)
    assert (receipt.commit_seq, receipt.stored, receipt.duplicate, receipt.rejected) == (1, 2, 0, 0)
    assert store.rows("select project_id, commit_seq, span_id, service from spans order by span_id") == [
        (1, 1, 1, "shop"),
        (1, 1, 2, "shop"),
    ]


def test_waiting_requests_are_one_commit(store: Any, make: Any) -> None:
    hold = Hold(store.writer)
    futures = [store.writer.submit(make.traces(make.span(trace=n))) for n in range(1, 6)]
    hold.release()
    assert {future.result(10).commit_seq for future in futures} == {1}
    assert store.total("traces")["received"] == 5


def test_a_group_waits_for_company_after_a_large_one(store: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "GATHER_S", 60.0)  # far longer than the test may take
    monkeypatch.setattr(writer_module, "GATHER_ROWS", 3)  # a span and its origin are two
    large = make.traces(*(make.span(trace=n) for n in range(10, 10 + writer_module.GATHER_AFTER_ROWS)))
    store.writer.submit(large).result(10)
    first = store.writer.submit(make.traces(make.span(trace=1)))
    second = store.writer.submit(make.traces(make.span(trace=2)))
    assert (first.result(10).commit_seq, second.result(10).commit_seq) == (2, 2)


def test_nobody_who_asks_waits_for_company(store: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "GATHER_S", 60.0)
    large = make.traces(*(make.span(trace=n) for n in range(10, 10 + writer_module.GATHER_AFTER_ROWS)))
    store.writer.submit(large).result(10)
    alone = store.writer.submit(make.traces(make.span(trace=1)))
    assert store.writer.call(lambda con: con.execute("select count(*) from spans").fetchone()[0]).result(10) == 251
    assert alone.result(10).commit_seq == 2


def test_a_small_group_keeps_nobody_waiting(store: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "GATHER_S", 60.0)
    for n in range(1, 4):
        assert store.writer.submit(make.traces(make.span(trace=n))).result(10).commit_seq == n


def test_the_ledger_tells_rejections_apart(store: Any, make: Any) -> None:
    rejected = (RejectedItems("shop", "bad_id", "span x", 2), RejectedItems("bank", "bad_id", "span y", 1))
    batch = make.traces(make.span(), received={"shop": 3, "bank": 1}, rejected=rejected)
    store.writer.submit(batch).result(10)
    answer = store.readers.run("ledger", 1, {"since": "2020-01-01", "until": "2100-01-01"})
    rows = [
        (r["service"], r["received"], r["stored"], r["rejected"], dict(r["reasons"])) for r in answer.table.to_pylist()
    ]
    assert rows == [("bank", 1, 0, 1, {"bad_id": 1}), ("shop", 3, 1, 2, {"bad_id": 2})]
    assert [row["sample"] for row in store.readers.run("rejections", 1).table.to_pylist()] == ["span x", "span y"]
    assert store.total()["balanced"]


def test_a_decoder_that_miscounts_shows(store: Any, make: Any) -> None:
    store.writer.submit(make.traces(make.span(), received={"shop": 2})).result(10)
    assert not store.total("traces")["balanced"]


def test_metrics_are_booked_without_rows(store: Any) -> None:
    rejected = (RejectedItems("shop", "metrics_not_stored", "m", 4),)
    store.writer.submit(Batch(1, "grpc", "metrics", {"shop": 4}, rejected)).result(10)
    total = store.total("metrics")
    assert (total["received"], total["rejected"], total["balanced"]) == (4, 4, True)


def test_an_empty_request_moves_the_watermark(store: Any) -> None:
    store.writer.submit(Batch(1, "grpc", "traces", {})).result(10)
    assert store.readers.watermark() == "1-0"


def test_shared_rows_are_kept_once(store: Any, make: Any) -> None:
    for n in range(1, 4):
        store.writer.submit(make.traces(make.span(trace=n))).result(10)
    assert store.count("origins") == 1
    store.writer.submit(make.traces(make.span(), project_id=2)).result(10)
    assert store.count("origins") == 2


def test_one_bad_request_does_not_harm_its_group(store: Any, make: Any) -> None:
    bad = make.traces(make.span(trace=2))
    column = bad.spans.schema.get_field_index("name")
    bad = replace(bad, spans=bad.spans.set_column(column, "name", pa.array([None], pa.string())))  # name is not null
    hold = Hold(store.writer)
    futures = [
        store.writer.submit(batch) for batch in (make.traces(make.span(trace=1)), bad, make.traces(make.span(trace=3)))
    ]
    hold.release()
    receipts = [future.result(10) for future in futures]
    assert [(receipt.stored, receipt.rejected) for receipt in receipts] == [(1, 0), (0, 1), (1, 0)]
    assert "NOT NULL" in receipts[1].message
    rejection = store.readers.run("rejections", 1).table.to_pylist()[0]
    assert (rejection["reason"], rejection["rejected"]) == ("store_refused", 1)
    assert store.total("traces") == {
        "signal": "traces", "received": 3, "stored": 2, "duplicate": 0, "rejected": 1, "rows": 2, "refused_requests": 0,
        "balanced": True,
    }  # fmt: skip


def test_a_table_of_another_shape_is_refused_alone(store: Any, make: Any) -> None:
    odd = replace(make.traces(make.span()), spans=pa.table({"nonsense": [1]}))
    assert store.writer.submit(odd).result(10).rejected == 1
    assert store.writer.submit(make.traces(make.span())).result(10).stored == 1


def test_scores_of_the_api_that_cannot_be_stored_are_counted(store: Any) -> None:
    """Nothing counts them as received, so the books cannot tell of them: the receipt must."""
    receipt = store.writer.submit(Batch(1, "api", "scores", {}, scores=pa.table({"nonsense": [1, 2]}))).result(10)
    assert receipt.rejected == 2
    assert "cannot take it" in receipt.message


def test_a_full_queue_says_so_at_once(open_store: Callable[..., Any], make: Any) -> None:
    store = open_store(max_requests=3)
    hold = Hold(store.writer)
    futures = [store.writer.submit(make.traces(make.span(trace=n))) for n in range(1, 4)]
    with pytest.raises(StoreBusyError, match="queue is full") as caught:
        store.writer.submit(make.traces(make.span(trace=4)))
    assert caught.value.overloaded
    hold.release()
    assert [future.result(10).stored for future in futures] == [1, 1, 1]


def test_the_queue_is_bounded_by_bytes_but_takes_one_of_any_size(open_store: Callable[..., Any], make: Any) -> None:
    store = open_store(max_bytes=100)
    hold = Hold(store.writer)
    future = store.writer.submit(replace(make.traces(make.span()), nbytes=1000))
    with pytest.raises(StoreBusyError, match="queue is full"):
        store.writer.submit(replace(make.traces(make.span(span=2)), nbytes=1))
    hold.release()
    assert future.result(10).stored == 1


def test_a_low_disk_refuses_and_reads_go_on(store: Any, make: Any) -> None:
    writer = Writer(store.database, min_free_bytes=1 << 60)
    with pytest.raises(StoreBusyError, match=r"MiB left.*ASSAY_MIN_FREE_BYTES") as caught:
        writer.submit(make.traces(make.span()))
    assert not caught.value.overloaded
    assert writer.state().disk_low
    assert store.count("spans") == 0
    writer.close()


def test_small_work_may_use_the_room_kept_free_but_for_the_last(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(store.database, min_free_bytes=1 << 60)
    with pytest.raises(StoreFullError):
        writer.call(lambda _: 1)
    assert writer.call(lambda _: 1, reserve=True).result(10) == 1
    monkeypatch.setattr(store.database, "free_bytes", lambda: 1 << 20)
    time.sleep(DISK_CHECK_S)
    with pytest.raises(StoreFullError, match="1 MiB left"):
        writer.call(lambda _: 1, reserve=True)
    writer.close()


def test_numbers_go_on_after_a_restart(open_store: Callable[..., Any], make: Any) -> None:
    for expected in range(1, 4):
        receipt = open_store().writer.submit(make.traces(make.span(trace=expected))).result(10)
        assert receipt.commit_seq == expected


def test_calls_keep_their_place_in_the_order(store: Any, make: Any) -> None:
    def count(cursor: Any) -> int:
        return int(cursor.execute("select count(*) from spans").fetchall()[0][0])

    hold, seen = Hold(store.writer), []
    for n in range(1, 4):
        store.writer.submit(make.traces(make.span(trace=n)))
        seen.append(store.writer.call(count))
    hold.release()
    assert [future.result(10) for future in seen] == [1, 2, 3]


def test_a_failing_call_changes_nothing_and_harms_nobody(store: Any, make: Any) -> None:
    def fail(cursor: Any) -> None:
        cursor.execute("insert into projects values (9, 'nine', now())")
        raise LookupError("nine")

    with pytest.raises(LookupError, match="nine"):
        store.writer.call(fail).result(10)
    assert store.count("projects") == 1
    assert store.writer.submit(make.traces(make.span())).result(10).stored == 1


def test_a_cancelled_request_is_not_stored(store: Any, make: Any) -> None:
    hold = Hold(store.writer)
    gone, kept = (store.writer.submit(make.traces(make.span(trace=n))) for n in (1, 2))
    assert gone.cancel()
    hold.release()
    assert kept.result(10).stored == 1
    assert store.total("traces")["received"] == 1


def test_closing_writes_what_waits(open_store: Callable[..., Any], make: Any) -> None:
    store = open_store()
    hold = Hold(store.writer)
    futures = [store.writer.submit(make.traces(make.span(trace=n))) for n in range(1, 30)]
    threading.Timer(0.2, hold.release).start()
    store.writer.close()
    assert all(future.result(0).stored == 1 for future in futures)
    with pytest.raises(StoreBusyError, match="closing"):
        store.writer.submit(make.traces(make.span()))


def test_projects(store: Any) -> None:
    shop = store.writer.call(lambda cursor: create_project(cursor, "shop")).result(10)
    assert store.writer.call(lambda cursor: create_project(cursor, "shop")).result(10) == shop
    with store.readers.read() as cursor:
        assert [project.name for project in list_projects(cursor)] == ["default", "shop"]
        assert project_id(cursor, "shop") == shop.project_id == 2
        with pytest.raises(UnknownProjectNameError, match="Did you mean 'shop'"):
            project_id(cursor, "shopp")
    with pytest.raises(StoreError, match="cannot name a project"):
        store.writer.call(lambda cursor: create_project(cursor, "a b")).result(10)


def test_refused_requests_are_kept(store: Any) -> None:
    refusal = Refusal(1, datetime.now(UTC).replace(tzinfo=None), "http-json", "traces", 12, "not_json", "x" * 5000)
    store.writer.call(lambda cursor: record_refusals(cursor, [refusal])).result(10)
    (row,) = store.readers.run("refused_requests", 1).table.to_pylist()
    assert (row["reason"], row["bytes"], len(row["sample"])) == ("not_json", 12, 2000)
    assert store.total()["refused_requests"] == 1
