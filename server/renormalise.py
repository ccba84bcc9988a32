"""Derives the columns of stored spans anew: what ingest would say of them today."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa

from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawEvent, RawLink, RawSpan
from collectors.normalise import normalise
from collectors.normalising.options import NormaliserOptions
from collectors.normalising.timing import MAX_NANOSECONDS
from server.core import LONG_READ_S, Core
from server.secret import normaliser_options
from store import restate
from store.batch import Batch
from store.resolved import resolver_range
from store.writer import last_commit_seq

log = logging.getLogger(__name__)
SLICE_ROWS = 5_000  # spans a transaction; requests wait for some tenths of a second
SETTLE_S = 6 * 3600.0
SOURCE = "renormalise"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without a zone, as the store holds it
MICROSECOND = timedelta(microseconds=1)
COMPARED = tuple(field.name for field in fields(SpanFacts) if field.name not in ("tool_definitions", "ttft_ns"))

Row = dict[str, Any]
Origins = dict[tuple[int, int], Origin]


@dataclass(slots=True)
class Report:
    """What a run found."""

    spans: int = 0
    changed: int = 0


def run(core: Core) -> Report:
    """Restate every stored span whose facts differ, in slices through the writer, then resolve all traces anew.

    Spans that arrive meanwhile are of today's normaliser and are left alone.

    Raises:
        StoreBusyError: the disk is low, or the file is being reopened; run it again, it changes what is left.
    """
    options, report, done = normaliser_options(core.settings), Report(), 0
    with core.readers.read(LONG_READ_S) as cursor:
        newest = last_commit_seq(cursor)
    with core.readers.read(LONG_READ_S) as cursor:
        origins = read_origins(restate.stored_origins(cursor))
    while done < newest:
        with core.readers.read(LONG_READ_S) as cursor:
            upto = min(resolver_range(cursor, done, SLICE_ROWS) or newest, newest)
        with core.readers.read(LONG_READ_S) as cursor:
            stored = restate.stored_spans(cursor, done, upto)
        report.spans += stored.num_rows
        report.changed += restate_slice(core, stored, origins, options)
        done = upto
        log.info("renormalised %d spans, %d changed", report.spans, report.changed)
    if report.changed:
        # An empty request moves the watermark: without it pages would keep what they cached.
        core.writer.submit(Batch(1, SOURCE, "traces", {})).result()
        core.resolver.resolve_all()
    core.settle(SETTLE_S)
    return report


def restate_slice(core: Core, stored: pa.Table, origins: Origins, options: NormaliserOptions) -> int:
    """Restate what differs of some stored rows; returns how many rows were replaced."""
    places, spans, facts = [], [], []
    for place, row in enumerate(stored.to_pylist(maps_as_pydicts="lossy")):
        span = raw_span(row, origins)
        fact = normalise(span, options)
        if differs(row, fact):
            places.append(place)
            spans.append(span)
            facts.append(fact)
    if not places:
        return 0
    kept = stored.take(places)
    table = frames.span_table(spans, facts)
    for name in ("project_id", "commit_seq", "received_at", "start_time", "duration_ns"):
        column = kept.column(name)
        table = table.set_column(table.schema.get_field_index(name), name, column) if name in table.column_names else (
            table.append_column(name, column)
        )  # fmt: skip
    definitions = definition_rows(kept.column("project_id").to_pylist(), facts)
    return core.writer.call(lambda cursor: restate.restate_spans(cursor, table, definitions)).result()


def definition_rows(projects: list[int], facts: list[SpanFacts]) -> pa.Table:
    """The tool definitions of the facts, once a project."""
    found = {
        (project, frames.tool_definitions_id(fact)): fact.tool_definitions
        for project, fact in zip(projects, facts, strict=True)
        if fact.tool_definitions is not None
    }
    columns = [[project for project, _ in found], [identity for _, identity in found], list(found.values())]
    schema = pa.schema([("project_id", pa.int32()), ("tool_definitions_id", pa.uint64()), ("definitions", pa.string())])
    return pa.table(columns, schema=schema)


def differs(row: Row, facts: SpanFacts) -> bool:
    """Whether the normaliser says something else than what is stored."""
    if any(row[name] != getattr(facts, name) for name in COMPARED):
        return True
    if row["tool_definitions_id"] != frames.tool_definitions_id(facts):
        return True
    return _far_apart(row["ttft_ns"], facts.ttft_ns)


def _far_apart(stored: int | None, found: int | None) -> bool:
    """Times of events are stored in microseconds: a smaller difference is none."""
    if stored is None or found is None:
        return stored is not found
    return abs(stored - found) > 1_000


def read_origins(table: pa.Table) -> Origins:
    """Origins by project and id."""
    found: Origins = {}
    for row in table.to_pylist(maps_as_pydicts="lossy"):
        found[row["project_id"], row["origin_id"]] = Origin(
            row["origin_id"], row["resource"], row["scope_name"], row["scope_version"], row["scope_attributes"],
            row["resource_schema_url"], row["scope_schema_url"],
        )  # fmt: skip
    return found


def raw_span(row: Row, origins: Origins) -> RawSpan:
    """The span as it was sent, to the microsecond, from a row of `spans`."""
    start_ns = nanoseconds(row["start_time"])
    return RawSpan(
        origin=origins[row["project_id"], row["origin_id"]],
        trace_id=row["trace_id"].bytes,
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"],
        name=row["name"],
        start_ns=start_ns,
        end_ns=end_ns(start_ns, row["duration_ns"], row["notes"]),
        attributes=frames.restored_attributes(
            row["attributes"], row["input_key"], row["input"], row["output_key"], row["output"]
        ),
        span_kind=row["span_kind"],
        status=row["status"],
        status_message=row["status_message"],
        trace_state=row["trace_state"],
        flags=row["flags"],
        events=[
            RawEvent(nanoseconds(event["time"]), event["name"], event["attributes"], event["dropped"])
            for event in row["events"]
        ],
        links=[raw_link(link) for link in row["links"]],
        dropped_attributes=row["dropped_attributes"],
        dropped_events=row["dropped_events"],
        dropped_links=row["dropped_links"],
    )


def raw_link(link: Row) -> RawLink:
    trace_id: UUID = link["trace_id"]
    return RawLink(trace_id.bytes, link["span_id"], link["attributes"], link["trace_state"], link["dropped"])


def end_ns(start_ns: int, duration_ns: int | None, notes: list[str]) -> int:
    """When the span ended; without a duration, an end of the kind that the notes tell of."""
    if duration_ns is not None:
        return start_ns + duration_ns
    if "never_ended" in notes:
        return 0
    return start_ns + MAX_NANOSECONDS + 1 if "duration_out_of_range" in notes else start_ns - 1


def nanoseconds(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND * 1_000
