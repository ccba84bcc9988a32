"""Stored traces as the items of a suite: those of a query, newest first, as evaluators see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from evaluators.case import Json
from evaluators.errors import UnreadableCaseError
from evaluators.suites.suite import Traces
from server.cases import case_rows
from server.client import Client
from server.door import door
from server.jobs import PAGING
from server.settings import Settings
from server.worker import records

PAGE = 200  # traces whose spans are asked for at once
TOO_LONG = "The trace has more spans than one answer holds (ASSAY_QUERY_MAX_ROWS)."

Row = dict[str, Any]
Told = tuple[str, Json | UnreadableCaseError]


def cases_of(settings: Settings, wanted: Traces) -> Iterator[Told]:
    """Where each case stands (`trace 0af7...`) and its row, by way of the running server, else of the store itself.

    Raises:
        ApiError: the query is refused.
        NoStoreError: there is neither a server nor a store.
    """
    unknown = sorted(PAGING & wanted.filter.keys())
    if unknown:
        raise UnreadableCaseError(f"{unknown[0]!r} is of pages, not of what is taken; leave it out of the filter.")
    with door(settings, wanted.project) as client:
        traces = list(_traces(client, wanted))
        for start in range(0, len(traces), PAGE):
            yield from _cases(client, traces[start : start + PAGE], wanted.unit)


def _traces(client: Client, wanted: Traces) -> Iterator[Row]:
    left, after = wanted.most, dict[str, Any]()
    window: dict[str, Any] = {"since": _utc(wanted.since), "until": _utc(wanted.until)}
    while left:
        size = min(left, 1000)
        asked: dict[str, Any] = {
            **wanted.filter,
            **window,
            **after,
            "sort": "newest",
            "words": False,
            "page_size": size,
        }
        page = client.query("traces", **asked)
        rows = records(page)
        yield from rows
        left -= len(rows)
        if len(rows) < size:
            return
        last = rows[-1]
        after = {"after_sort": last["sort_key"], "after_start_us": last["start_us"], "after_trace": last["trace_id"]}


def _cases(client: Client, traces: Sequence[Row], unit: str) -> Iterator[Told]:
    ids = [str(one["trace_id"]) for one in traces]
    bounds: dict[str, Any] = {
        "traces": ",".join(ids), "since_us": min(int(one["start_us"]) for one in traces),
        "until_us": max(int(one["start_us"]) + int(one["duration_ns"] or 0) // 1000 + 1 for one in traces),
    }  # fmt: skip
    asked = client.query("case_spans", **bounds)
    if asked.truncated:
        if len(traces) == 1:
            yield f"trace {ids[0]}", UnreadableCaseError(TOO_LONG)
            return
        for one in traces:
            yield from _cases(client, [one], unit)
        return
    spans = records(asked)
    if unit == "trace":
        yield from _told(case_rows(spans, dict.fromkeys(ids)))
        return
    for call in records(client.query("case_calls", **bounds)):
        of_trace = [span for span in spans if span["trace_id"] == call["trace_id"]]
        yield from _told(case_rows(of_trace, {call["trace_id"]: call["span_id"]}))


def _told(rows: Iterable[Mapping[str, Any]]) -> Iterator[Told]:
    for row in rows:
        yield f"trace {row['id']}", dict(row)


def _utc(time: datetime) -> datetime:
    """In UTC, which each time of a suite can be told in."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
