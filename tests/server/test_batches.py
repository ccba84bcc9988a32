"""From decoded requests to batches: what our own code cannot map costs itself alone."""

from __future__ import annotations

import time
from typing import Any

import pytest

from collectors.model import Decoded, Origin, RawLog, RawSpan
from collectors.normalising.options import NormaliserOptions
from collectors.receivers.sink import ExportRequest
from server.batches import NOT_MAPPED, BatchMaker
from server.ingest import outcome
from store.batch import Receipt

ORIGIN = Origin(7, {"service.name": "shop"}, "scope")
REQUEST = ExportRequest("traces", "grpc", b"", None)


def span(number: int, **changed: Any) -> RawSpan:
    now = time.time_ns()
    return RawSpan(ORIGIN, bytes([1]) * 16, number, None, f"step {number}", now, now + 5, {}, **changed)


def test_an_item_that_cannot_be_mapped_is_rejected_alone(caplog: pytest.LogCaptureFixture) -> None:
    bad = span(2, flags="not a number")
    decoded = Decoded("traces", [span(1), bad, span(3)], received={"shop": 3})
    batch, rejections = BatchMaker(NormaliserOptions()).make(decoded, REQUEST, 1)
    assert batch.spans is not None
    assert batch.spans["span_id"].to_pylist() == [1, 3]
    assert [(one.service, one.reason, one.count) for one in rejections] == [("shop", NOT_MAPPED, 1)]
    assert "step 2" in rejections[0].sample
    assert sum(one.count for one in batch.rejected) + batch.spans.num_rows == 3
    assert "one by one" in caplog.text


def test_a_log_that_cannot_be_mapped_is_rejected_alone() -> None:
    logs = [
        RawLog(ORIGIN, None, None, 1, severity, None, None, "body", {})  # type: ignore[arg-type]  # one is wrong on purpose
        for severity in (1, "high", 3)
    ]
    decoded = Decoded("logs", logs=logs, received={"shop": 3})
    batch, rejections = BatchMaker(NormaliserOptions()).make(decoded, ExportRequest("logs", "grpc", b"", None), 1)
    assert batch.logs is not None
    assert (batch.logs.num_rows, len(rejections)) == (2, 1)


def test_shared_rows_are_sent_once() -> None:
    decoded = Decoded("traces", [span(1), span(2)], received={"shop": 2})
    batch, rejections = BatchMaker(NormaliserOptions()).make(decoded, REQUEST, 1)
    assert batch.origins is not None
    assert (batch.origins.num_rows, batch.logs, batch.scores, batch.tool_definitions) == (1, None, None, None)
    assert rejections == []


def test_an_empty_request_is_a_batch_of_nothing() -> None:
    batch, _ = BatchMaker(NormaliserOptions()).make(Decoded("traces"), REQUEST, 1)
    assert (batch.spans, batch.origins, batch.received) == (None, None, {})


def test_what_the_store_refused_is_told_too() -> None:
    told = outcome(REQUEST, [], Receipt(5, 0, 0, rejected=2, message="2 spans were refused."))
    assert (told.rejected, told.message) == (2, "2 spans were refused.")
    assert outcome(REQUEST, [], Receipt(5, 3, 0)).message == ""
