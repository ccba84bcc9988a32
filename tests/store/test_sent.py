"""What was received, read for files: in pieces that stay small, whole and in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawLog
from store.queries.search import Looked, Place
from store.queries.sent import logs_sent, spans_sent

START_US = 1_790_000_000_000_000
SIZES = {1: 700, 2: 700, 3: 3_000, 4: 10, 5: 10, 6: 0}  # of what went in, by span
LOOKED = Looked([(UUID(int=1), START_US)], [20_000_000], Place(), 1, 6, done=True)


def pieces(store: Any, ask: Any, name: str, most_bytes: int) -> list[list[Any]]:
    found, after, more = [], None, True
    with store.readers.read() as con:
        while more:
            rows = ask(con, 1, LOOKED, after, most_bytes).to_pylist()
            found.append([row[name] for row in rows])
            after = rows[-1] if rows else None
            more = bool(rows) and rows[-1]["more"]
    return found


def test_a_read_of_spans_has_no_more_than_its_bytes_but_one_span_at_least(store: Any, make: Any) -> None:
    spans = [make.span(trace=1, span=number, at=number) for number in SIZES]
    facts = [SpanFacts(input="x" * size, input_key="input.value") for size in SIZES.values()]
    told = replace(make.traces(*spans, make.span(trace=2, span=9)), spans=frames.span_table(spans, facts))
    store.writer.submit(told).result(10)
    assert pieces(store, spans_sent, "span_id", 1_500) == [[1, 2], [3], [4, 5, 6]]
    assert pieces(store, spans_sent, "span_id", 10**6) == [list(SIZES)]


def test_a_read_of_logs_has_no_more_than_its_bytes(store: Any, make: Any) -> None:
    origin, trace_id = Origin(7, {"service.name": "shop"}, "agent"), UUID(int=1).bytes
    records = [
        RawLog(origin, trace_id, 1, (START_US + at) * 1000, 9, "INFO", None, text * 60, {})
        for at, text in enumerate("abcd")
    ]
    store.writer.submit(replace(make.logs("elsewhere"), logs=frames.log_table(records))).result(10)
    assert [[text[0] for text in piece] for piece in pieces(store, logs_sent, "body", 130)] == [["a", "b"], ["c", "d"]]
