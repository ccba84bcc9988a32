"""One pass of the resolver: what the store holds of some traces -> what replaces their derived rows and summaries.

Reads only, in the snapshot of the cursor that it is given; the loop around it is `server.resolver`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from collectors.conventions.logs import CONTENT_EVENTS, FACT_PREFIXES, content_of_logs
from collectors.facts import SpanFacts
from collectors.messages import messages
from collectors.model import Origin, RawLog
from collectors.normalising.options import DEFAULT_OPTIONS, NormaliserOptions
from collectors.resolve import resolve
from collectors.resolving.agreement import SLACK_US, VENDOR_SCOPES
from collectors.resolving.calls import MAX_HOLDERS, PAIR_WINDOW_US
from collectors.resolving.logs import untold
from collectors.resolving.rows import (
    DERIVED,
    Derived,
    Key,
    SpanContent,
    TraceSpan,
    content_table,
    derived_table,
    trace_spans,
)
from collectors.resolving.whole import trailing_tool_results
from server.costs import with_costs
from server.prices import Prices
from store import resolved as store

EVENT_NAMES = sorted({*CONTENT_EVENTS, *(f"{prefix}*" for prefix in FACT_PREFIXES)})
LOG = logging.getLogger(__name__)
MAX_ROUNDS = 8  # partners of partners: a chain of traces longer than this is no retry and no second instrumentor
MAX_PARTNERS = 10_000
PAIR_WINDOW = timedelta(microseconds=PAIR_WINDOW_US)
VENDORS = f"^({'|'.join(map(re.escape, VENDOR_SCOPES))})"


class Bench:
    """What passes share: the in-memory database, the prices, and which scopes tell calls in which project."""

    def __init__(self, options: NormaliserOptions = DEFAULT_OPTIONS) -> None:
        """`options`: how logs are read; the same as for spans."""
        self._options = options
        self._bench = store.Workbench()
        self._prices = Prices()
        self._scopes: dict[int, set[str]] = {}

    def close(self) -> None:
        self._bench.close()

    def work(self, con: Any, project_id: int, traces: Sequence[str]) -> store.Resolved:
        """Derive rows and summaries of the traces, and of other traces that tell the same calls."""
        loaded, contents, partners = self._load(con, project_id, traces)
        told = self._bench.resolver_told(loaded, content_table(contents)) if contents else loaded
        derived = derived_table(self._derive(con, project_id, loaded, told, contents))
        return self._summed(con, project_id, [*traces, *partners], told, derived)

    def summarise_alone(self, con: Any, project_id: int, traces: Sequence[str]) -> store.Resolved:
        """Summaries without any rule: what is left when the rules fail on these traces."""
        loaded = store.resolver_spans(con, project_id, traces)
        return self._summed(con, project_id, traces, loaded, DERIVED.empty_table())

    def _summed(
        self, con: Any, project_id: int, traces: Sequence[str], loaded: pa.Table, derived: pa.Table
    ) -> store.Resolved:
        """The calls with their costs by the prices of now, and the sums over them."""
        priced = with_costs(self._bench.resolver_calls(loaded, derived), self._prices.of(con, project_id).entries)
        summaries = self._bench.resolver_summaries(loaded, derived, priced)
        calls = self._bench.resolver_attributed(priced, summaries)
        by_trace = self._bench.resolver_trace_calls(calls)
        return store.Resolved(project_id, traces, derived, summaries, calls, by_trace)

    def _load(self, con: Any, project_id: int, traces: Sequence[str]) -> tuple[pa.Table, list[SpanContent], list[str]]:
        """Spans of the traces and of their partners, till no more are found; what logs add; the partners' ids."""
        tables, contents, partners, frontier = [], list[SpanContent](), list[str](), list(traces)
        for _ in range(MAX_ROUNDS):
            tables.append(store.resolver_spans(con, project_id, frontier))
            logged = _contents(con, project_id, tables[-1], self._options)
            contents += logged
            known = {*traces, *partners}
            frontier = sorted(self._partners(con, project_id, tables[-1], logged, frontier) - known)
            if not frontier:
                break
            if len(partners) + len(frontier) > MAX_PARTNERS:
                LOG.warning("%d traces share calls with %s; the rest is left apart", len(known), frontier[0])
                break
            partners += frontier
        return pa.concat_tables(tables), contents, partners

    def _partners(
        self, con: Any, project_id: int, loaded: pa.Table, contents: Sequence[SpanContent], traces: Sequence[str]
    ) -> set[str]:
        calls = _calls(loaded)
        if calls.num_rows == 0:
            return set()
        window = _window(calls)
        found: set[str] = set()
        ids = _response_ids(calls, contents)
        if ids:
            found.update(store.resolver_partners(con, project_id, traces, ids, window=window, max_holders=MAX_HOLDERS))
        if self._several_scopes(con, project_id, calls):
            narrow = _narrow(window)
            found.update(store.resolver_twins(con, project_id, traces, narrow, slack_us=SLACK_US, vendors=VENDORS))
        return found

    def _several_scopes(self, con: Any, project_id: int, calls: pa.Table) -> bool:
        scopes = self._scopes.setdefault(project_id, set())
        if not scopes:
            scopes.update(store.resolver_scopes(con, project_id))
        scopes.update(calls["scope_name"].unique().to_pylist())
        return len(scopes) > 1

    def _derive(
        self, con: Any, project_id: int, loaded: pa.Table, told: pa.Table, contents: Sequence[SpanContent]
    ) -> list[Derived]:
        """`told`: the loaded spans with what their logs add, which decides whom the rules have to look at."""
        results = self._tool_results(con, project_id, loaded, contents)
        wanted = {*self._bench.resolver_candidates(told, SLACK_US)}
        wanted |= {trace_id for trace_id, _ in results} | {content.trace_id for content in contents}
        if not wanted:
            return []
        spans = trace_spans(_for_rules(loaded.filter(pc.is_in(loaded["trace_id"], pa.array(sorted(wanted))))))
        return resolve((_with_results(span, results) for span in spans), contents)

    def _tool_results(
        self, con: Any, project_id: int, loaded: pa.Table, contents: Iterable[SpanContent]
    ) -> dict[Key, tuple[str, ...]]:
        """Tool results that end the input of model calls, in traces without tool spans."""
        toolless = self._bench.resolver_toolless(loaded)
        stored = store.resolver_tool_results(con, project_id, toolless) if toolless else []
        texts = [(content.trace_id, content.span_id, content.input, None) for content in contents if content.input]
        found = {
            (trace_id, span_id): trailing_tool_results(messages(text, key, "input"))
            for trace_id, span_id, text, key in [*texts, *stored]
        }
        return {key: results for key, results in found.items() if results}


def _with_results(span: TraceSpan, results: dict[Key, tuple[str, ...]]) -> TraceSpan:
    found = results.get(span.key)
    return replace(span, tool_results=found) if found else span


def _for_rules(loaded: pa.Table) -> pa.Table:
    return loaded.append_column("start_us", loaded["start_time"].cast(pa.int64()))


def _window(calls: pa.Table) -> store.Window:
    bounds = pc.min_max(calls["start_time"]).as_py()
    first: datetime = bounds["min"]
    last: datetime = bounds["max"]
    return first - PAIR_WINDOW, last + PAIR_WINDOW


def _narrow(window: store.Window) -> store.Window:
    """Calls that overlap start within an hour of one another: no model call takes longer."""
    margin = PAIR_WINDOW - timedelta(hours=1)
    return window[0] + margin, window[1] - margin


def _calls(loaded: pa.Table) -> pa.Table:
    return loaded.filter(pc.is_in(loaded["kind"], pa.array(["llm", "embedding"])))


def _response_ids(calls: pa.Table, contents: Sequence[SpanContent]) -> list[str]:
    """Sorted: those of the spans, and those that only logs tell."""
    told = calls.filter(pc.equal(calls["usage_role"], "leaf"))["response_id"].drop_null().to_pylist()
    return sorted({*told, *(content.response_id for content in contents if content.response_id is not None)})


def _contents(con: Any, project_id: int, loaded: pa.Table, options: NormaliserOptions) -> list[SpanContent]:
    """What log records tell of calls that their spans do not."""
    calls = _calls(loaded)
    if calls.num_rows == 0:
        return []
    by_span: dict[Key, list[RawLog]] = {}
    for row in store.resolver_logs(con, project_id, calls["trace_id"].unique().to_pylist(), EVENT_NAMES):
        by_span.setdefault((row["trace_id"], row["span_id"]), []).append(_raw_log(row))
    logged = calls.filter(pc.is_in(calls["trace_id"], pa.array({trace_id for trace_id, _ in by_span}, pa.string())))
    spans = [span for span in trace_spans(_for_rules(logged)) if span.key in by_span]
    told = (untold(span, span_content(span.key, content_of_logs(by_span[span.key], options))) for span in spans)
    return [content for content in told if content is not None]


def span_content(key: Key, facts: SpanFacts) -> SpanContent:
    """The part of what logs tell that a span can take over."""
    names = [column.name for column in fields(SpanContent)[2:] if column.name != "session_weak"]
    told = {name: getattr(facts, name) for name in names}
    return SpanContent(*key, session_weak="session_weak" in facts.notes, **told)


def _raw_log(row: dict[str, Any]) -> RawLog:
    return RawLog(
        origin=Origin(0, {}, row["scope_name"]),
        trace_id=UUID(row["trace_id"]).bytes,
        span_id=row["span_id"],
        time_ns=row["time_ns"],
        severity=row["severity"],
        severity_text=None,
        event_name=row["event_name"],
        body=row["body"],
        attributes=row["attributes"],
    )


def slices(traces: Sequence[tuple[int, str]], size: int) -> Iterator[tuple[int, list[str]]]:
    """(project id, traces) of at most `size` traces each, in the given order within a project."""
    by_project: dict[int, list[str]] = {}
    for project_id, trace_id in traces:
        by_project.setdefault(project_id, []).append(trace_id)
    for project_id, ids in by_project.items():
        for start in range(0, len(ids), size):
            yield project_id, ids[start : start + size]
