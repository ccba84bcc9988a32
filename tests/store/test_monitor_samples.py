"""What is drawn of texts, retrievals, tools and calls, and what the books say, against the rows that were put in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from summaries import summarise

from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawSpan
from store.batch import Batch, RejectedItems

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(hours=6)}
HOUR_US = 3_600_000_000
ORIGIN = Origin(7, {"service.name": "shop"}, "agent")
TRACES = 300
Row = dict[str, Any]

FOUND = {
    0: None, 1: [], 2: [{"rank": 1, "id": "a", "text": "x", "score": 0.5, "metadata": None}],
    3: [{"rank": place, "id": str(place), "score": score} for place, score in enumerate((0.25, None, 0.75), 1)],
}  # fmt: skip


def made() -> pd.DataFrame:
    """A call, a retrieval and a tool of each trace; one of seven failed."""
    rng = np.random.default_rng(8)
    rows = [
        {
            "trace": n, "at": START + timedelta(hours=float(hours)), "failed": n % 7 == 0, "kind": kind,
            "span": n * 10 + place, "service": f"svc{n % 2}", "input": None if n % 9 == 0 else "q" * (n % 50 + 1),
            "output": None if n % 8 == 0 else "a" * (n % 30), "finish": [None, "stop", "content_filter"][n % 3],
            "found": n % 4, "tool": f"t{n % 5}" if n % 6 else None,
        }
        for n, hours in enumerate(rng.uniform(-0.5, 6.5, TRACES), 1)
        for place, kind in enumerate(("llm", "retriever", "tool"))
    ]  # fmt: skip
    return (
        pd.DataFrame(rows).astype(dict.fromkeys(("input", "output", "finish", "tool"), object)).replace({np.nan: None})
    )


ALL = made()


def _facts(row: Any) -> SpanFacts:
    facts = SpanFacts(kind=row.kind, service=row.service, error_type="x" if row.failed and row.kind != "llm" else None)
    if row.kind == "llm":
        facts.input, facts.output, facts.finish_reason, facts.usage_role = row.input, row.output, row.finish, "leaf"
    elif row.kind == "tool":
        facts.tool_name = row.tool
    else:
        facts.documents = json.dumps(FOUND[row.found]) if FOUND[row.found] else None
        facts.output = ' { "documents" : [ ] } ' if FOUND[row.found] == [] else "text"
    return facts


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("samples"))
    raw = []
    for row in ALL.itertuples():
        at = int(row.at.timestamp() * 1e9)
        raw.append(RawSpan(ORIGIN, int(row.trace).to_bytes(16, "big"), int(row.span), None, "step", at, at + 10**9, {}))
    table = frames.span_table(raw, [_facts(row) for row in ALL.itertuples()])
    origins = frames.origin_table([ORIGIN])
    opened.writer.submit(Batch(1, "grpc", "traces", {"shop": len(raw)}, spans=table, origins=origins)).result(10)
    calls = ALL[ALL["kind"] == "llm"]
    opened.add_calls(pd.DataFrame({
        "project_id": 1, "trace_id": [UUID(int=int(n)) for n in calls["trace"]], "span_id": calls["span"].to_numpy(),
        "start_time": calls["at"].to_numpy(), "kind": "llm", "usage_role": "leaf", "failed": calls["failed"].to_numpy(),
        "service": calls["service"].to_numpy(), "response_model": "m", "tags": [["b", "a"]] * len(calls),
        "session_id": [f"s{n % 60}" if n % 3 else None for n in calls["trace"]], "price_status": "unknown_model",
    }).assign(start_time=lambda frame: pd.to_datetime(frame["start_time"], utc=True)))  # fmt: skip
    summarise(opened.writer)
    yield opened
    opened.close()


def ask(store: Any, name: str, **params: Any) -> list[Row]:
    found: list[Row] = store.readers.run(name, 1, WINDOW | params).table.to_pylist()
    return found


def there(kind: str, service: str | None = None) -> list[Any]:
    """The spans of a kind in the window, oldest first."""
    frame = ALL[(ALL["kind"] == kind) & (ALL["at"] >= WINDOW["since"]) & (ALL["at"] < WINDOW["until"])]
    return list((frame if service is None else frame[frame["service"] == service]).sort_values("at").itertuples())


SERVICES = pytest.mark.parametrize("service", [None, "svc1", "nobody"])


@SERVICES
def test_texts_of_few_calls_are_all_read(filled: Any, service: str | None) -> None:
    found = ask(filled, "monitor_texts", input=True, output=True, most=1_000, service=service)
    expected = there("llm", service)
    assert [UUID(row["trace_id"]).int for row in found] == [row.trace for row in expected]
    for row, own in zip(found, expected, strict=True):
        assert (row["input"], row["output"], row["finish_reason"], row["failed"]) == (
            own.input, own.output, own.finish, own.failed,
        )  # fmt: skip
        assert (row["input_length"], row["output_length"]) == tuple(
            None if text is None else len(text) for text in (own.input, own.output)
        )
        assert (row["total"], row["bucket"], row["tags"], row["model"]) == (len(expected), None, "a, b", "m")


def test_texts_are_not_told_unless_asked_for(filled: Any) -> None:
    assert not any(row["input"] or row["output"] for row in ask(filled, "monitor_texts"))


def test_each_bucket_has_its_share_of_texts(filled: Any) -> None:
    sizes = Counter(row.at.floor("h").tz_convert(None).to_pydatetime() for row in there("llm"))
    for most in (1, 7, 45, 1_000):
        found = ask(filled, "monitor_texts", bucket_us=HOUR_US, most=most)
        assert Counter(row["bucket"] for row in found) == {bucket: min(size, most) for bucket, size in sizes.items()}
        assert {row["bucket"]: row["total"] for row in found} == sizes
        assert all(row["start_time"].replace(minute=0, second=0, microsecond=0) == row["bucket"] for row in found)


def test_the_same_texts_are_drawn_whatever_the_window(filled: Any) -> None:
    asked = {"bucket_us": HOUR_US, "most": 7}
    every = ask(filled, "monitor_texts", **asked)
    later = ask(filled, "monitor_texts", **asked, since=START + timedelta(hours=2), until=START + timedelta(hours=5))
    hours = {(START + timedelta(hours=n)).replace(tzinfo=None) for n in (2, 3, 4)}
    assert later == [row for row in every if row["bucket"] in hours]
    fewer = {row["trace_id"] for row in ask(filled, "monitor_texts", **asked | {"most": 3})}
    assert fewer <= {row["trace_id"] for row in every}


def test_a_minute_has_some_texts_of_a_sample(filled: Any) -> None:
    found = ask(filled, "monitor_texts", most=100, per_cell=1)
    assert len(found) == 100
    assert len({row["start_time"].replace(second=0, microsecond=0) for row in found}) == 100


@SERVICES
def test_retrievals_tell_what_they_found(filled: Any, service: str | None) -> None:
    found = ask(filled, "monitor_retrievals", most=1_000, service=service)
    expected = there("retriever", service)
    assert [UUID(row["trace_id"]).int for row in found] == [row.trace for row in expected]
    for row, own in zip(found, expected, strict=True):
        documents = {0: None, 1: 0, 2: 1, 3: 3}[own.found]
        assert (row["failed"], row["documents"]) == (own.failed, None if own.failed else documents)
        assert row["amount"] == (None if own.failed or own.found < 2 else 0.5)
        assert row["total"] == len(expected)


@SERVICES
def test_uses_of_tools_have_their_name(filled: Any, service: str | None) -> None:
    found = ask(filled, "monitor_tools", service=service)
    expected = there("tool", service)
    assert [(UUID(row["trace_id"]).int, row["tool"], row["failed"]) for row in found] == [
        (row.trace, row.tool or "step", row.failed) for row in expected
    ]
    assert {row["total"] for row in found} <= {len(expected)}


@SERVICES
def test_ends_of_calls_are_told_by_their_spans(filled: Any, service: str | None) -> None:
    found = ask(filled, "monitor_finishes", service=service)
    assert [(UUID(row["trace_id"]).int, row["finish_reason"], row["total"]) for row in found] == [
        (row.trace, row.finish, len(found)) for row in there("llm", service)
    ]


def test_clusters_are_sessions_or_traces(filled: Any) -> None:
    """The same for every kind of rows, so that samples of several signals have the same."""
    names = ("monitor_sample", "monitor_finishes", "monitor_texts", "monitor_retrievals", "monitor_tools")
    clusters = [
        {row["trace_id"]: row["cluster"] for row in ask(filled, name, most=1_000)} for name in names
    ]  # fmt: skip
    assert all(one == clusters[0] for one in clusters)
    by_session: dict[str, set[int]] = {}
    for trace, cluster in clusters[0].items():
        n = UUID(trace).int
        by_session.setdefault(f"s{n % 60}" if n % 3 else trace, set()).add(cluster)
    assert all(len(own) == 1 for own in by_session.values())
    assert len({one for own in by_session.values() for one in own}) == len(by_session)


def test_fewer_calls_are_drawn_by_trace(filled: Any) -> None:
    every, few = (ask(filled, "monitor_sample", most=most) for most in (1_000, 100))
    assert 60 < len(few) < 140
    drawn = {row["trace_id"] for row in few}
    assert [row["start_time"] for row in few] == [row["start_time"] for row in every if row["trace_id"] in drawn]
    assert {row["total"] for row in few} == {len(every)}


def test_the_books_tell_what_was_lost(store: Any, make: Any) -> None:
    lost = Batch(1, "grpc", "traces", {"shop": 3}, (RejectedItems("shop", "bad_id", "x", 3),))
    mail = Batch(1, "grpc", "logs", {"mail": 2}, (RejectedItems("mail", "bad_id", "x", 2),))
    metrics = Batch(1, "grpc", "metrics", {"shop": 9}, (RejectedItems("shop", "unsupported", "x", 9),))
    for batch in (make.traces(make.span(), make.span(span=2)), lost, mail, metrics):
        store.writer.submit(batch).result(10)
    ((hour,),) = store.rows("select min(hour) from ledger_entries")
    window = {"since": hour, "until": hour + timedelta(hours=2)}
    for service, expected in ((None, (7, 5)), ("shop", (5, 3)), ("mail", (2, 2))):
        rows = store.readers.run("monitor_ledger", 1, window | {"service": service}).table.to_pylist()
        assert tuple(sum(row[name] for row in rows) for name in ("received", "rejected")) == expected
