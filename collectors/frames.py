"""Rows as Arrow tables with the columns of the migrations, less what the writer adds.

Built by column: at 500 spans a request this is several times faster than a row at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import orjson
import pyarrow as pa

from collectors.conventions.registry import classify
from collectors.conventions.values import dumps, parse
from collectors.conventions.view import MAX_KEY
from collectors.facts import ScoreFacts, SpanFacts
from collectors.model import Origin, RawLog, RawSpan, TextMap, service_of
from collectors.normalise import NORMALISER_VERSION
from collectors.normalising.identity import HASHED_USER, USER_MEMBERS
from collectors.normalising.timing import MAX_NANOSECONDS

TEXT = pa.string()
MAP = pa.map_(TEXT, TEXT)
TIME = pa.timestamp("us")
UUID = pa.uuid()
ID = pa.uint64()
EVENT = pa.struct([("time", TIME), ("name", TEXT), ("attributes", MAP), ("dropped", pa.uint32())])
LINK = pa.struct(
    [("trace_id", UUID), ("span_id", ID), ("trace_state", TEXT), ("attributes", MAP), ("dropped", pa.uint32())]
)

_FACT_TYPES: dict[str, pa.DataType] = {
    "kind": TEXT, "dialect": TEXT, "provider": TEXT, "request_model": TEXT, "response_model": TEXT,
    "response_id": TEXT, "input_tokens": pa.int64(), "output_tokens": pa.int64(), "cache_read_tokens": pa.int64(),
    "cache_write_tokens": pa.int64(), "reasoning_tokens": pa.int64(), "usage_role": TEXT,
    "reported_cost_usd": pa.float64(), "usage_details": TEXT, "service_tier": TEXT,
}  # fmt: skip
_LATER_FACT_TYPES: dict[str, pa.DataType] = {
    "ttft_ns": pa.int64(), "streaming": pa.bool_(), "finish_reason": TEXT, "finish_reason_raw": TEXT,
    "session_id": TEXT, "user_id": TEXT, "tags": pa.list_(TEXT), "metadata": MAP, "variant": TEXT,
    "prompt_name": TEXT, "prompt_version": TEXT, "agent_name": TEXT, "workflow_name": TEXT, "tool_name": TEXT,
    "tool_call_id": TEXT, "error_type": TEXT, "error_message": TEXT, "http_status": pa.int32(),
    "content_rank": pa.uint8(), "content_hash": ID, "input": TEXT, "input_key": TEXT, "output": TEXT,
    "output_key": TEXT, "system_instructions": TEXT,
}  # fmt: skip

SPANS = pa.schema(
    [
        ("trace_id", UUID), ("span_id", ID), ("parent_span_id", ID), ("name", TEXT), ("span_kind", TEXT),
        ("start_time", TIME), ("duration_ns", pa.int64()), ("status", TEXT), ("status_message", TEXT),
        ("trace_state", TEXT), ("flags", pa.uint32()), ("dropped_attributes", pa.uint32()),
        ("dropped_events", pa.uint32()), ("dropped_links", pa.uint32()), ("origin_id", ID), ("service", TEXT),
        ("environment", TEXT), ("release", TEXT), ("scope_name", TEXT), *_FACT_TYPES.items(),
        *_LATER_FACT_TYPES.items(), ("tool_definitions_id", ID), ("documents", TEXT),
        ("notes", pa.list_(TEXT)), ("attributes", MAP), ("events", pa.list_(EVENT)), ("links", pa.list_(LINK)),
        ("normaliser_version", pa.int32()),
    ]
)  # fmt: skip
LOGS = pa.schema(
    [
        ("log_id", ID), ("trace_id", UUID), ("span_id", ID), ("time", TIME), ("severity", pa.int32()),
        ("severity_text", TEXT), ("event_name", TEXT), ("origin_id", ID), ("service", TEXT), ("scope_name", TEXT),
        ("body", TEXT), ("flags", pa.uint32()), ("dropped_attributes", pa.uint32()), ("attributes", MAP),
    ]
)  # fmt: skip
SCORES = pa.schema(
    [
        ("score_id", ID), ("trace_id", UUID), ("span_id", ID), ("session_id", TEXT), ("response_id", TEXT),
        ("carrier_trace_id", UUID), ("carrier_span_id", ID), ("name", TEXT), ("value", pa.float64()), ("label", TEXT),
        ("explanation", TEXT), ("source", TEXT), ("evaluator", TEXT), ("evaluator_version", TEXT), ("author", TEXT),
        ("error_type", TEXT), ("metadata", MAP), ("time", TIME),
    ]
)  # fmt: skip
ORIGINS = pa.schema(
    [
        ("origin_id", ID), ("resource", MAP), ("resource_schema_url", TEXT), ("scope_name", TEXT),
        ("scope_version", TEXT), ("scope_attributes", MAP), ("scope_schema_url", TEXT),
    ]
)  # fmt: skip
TOOL_DEFINITIONS = pa.schema([("tool_definitions_id", ID), ("definitions", TEXT)])


def span_table(spans: Sequence[RawSpan], facts: Sequence[SpanFacts]) -> pa.Table:
    """One row a span, in the given order; `facts[i]` belongs to `spans[i]`."""
    columns: dict[str, pa.Array] = {
        "trace_id": _uuids([span.trace_id for span in spans]),
        "start_time": _times([span.start_ns for span in spans]),
        "duration_ns": pa.array([_duration(span) for span in spans], pa.int64()),
        "origin_id": pa.array([span.origin.origin_id for span in spans], ID),
        "scope_name": pa.array([span.origin.scope_name for span in spans], TEXT),
        "metadata": _maps([fact.metadata for fact in facts]),
        "tool_definitions_id": pa.array([tool_definitions_id(fact) for fact in facts], ID),
        "attributes": _maps([stored_attributes(span, fact) for span, fact in zip(spans, facts, strict=True)]),
        "events": _events(spans),
        "links": _links(spans),
        "normaliser_version": pa.array([NORMALISER_VERSION] * len(spans), pa.int32()),
    }
    for field in SPANS:
        if field.name not in columns:
            rows: Sequence[Any] = facts if field.name in SpanFacts.__slots__ else spans
            columns[field.name] = pa.array(list(map(attrgetter(field.name), rows)), field.type)
    return pa.Table.from_arrays([columns[name] for name in SPANS.names], schema=SPANS)


def stored_attributes(span: RawSpan, facts: SpanFacts) -> TextMap:
    """The attributes to store: less those that stand verbatim in `input` and `output`; user ids hashed if asked for."""
    kept = span.attributes
    if facts.input_key is not None or facts.output_key is not None:
        kept = {k: v for k, v in kept.items() if k not in (facts.input_key, facts.output_key)}
    if facts.user_id is not None and HASHED_USER.fullmatch(facts.user_id):
        kept = {key: _without_user(key, value, facts.user_id) for key, value in kept.items()}
    return kept


def _without_user(key: str, value: str | None, hashed: str) -> str | None:
    """The attribute's value, with the hash in place of the user's id where the key or a JSON member names the user."""
    if not value or len(key) > MAX_KEY:
        return value
    fields = {field for field, _, _ in classify(key)}
    if fields & {"user_id", "user_id_weak"} or key.rpartition(".")[2] in USER_MEMBERS:
        return hashed
    held = parse(value) if fields & {"metadata_json", "params_json"} else None
    if not isinstance(held, dict) or not held.keys() & USER_MEMBERS:
        return value
    return dumps({name: hashed if name in USER_MEMBERS and member else member for name, member in held.items()})


def restored_attributes(
    attributes: TextMap, input_key: str | None, input_text: str | None, output_key: str | None, output_text: str | None
) -> TextMap:
    """The attributes as received, from a stored row: what `stored_attributes` left out is put back."""
    restored = dict(attributes)
    if input_key is not None:
        restored[input_key] = input_text
    if output_key is not None:
        restored[output_key] = output_text
    return restored


def log_table(logs: Sequence[RawLog], received_ns: int = 0) -> pa.Table:
    """One row a log record, in the given order. A record without a time gets `received_ns`."""
    columns = {
        "log_id": pa.array([log_id(log) for log in logs], ID),
        "trace_id": _uuids([log.trace_id for log in logs]),
        "time": _times([log.time_ns or received_ns for log in logs]),
        "origin_id": pa.array([log.origin.origin_id for log in logs], ID),
        "service": pa.array([service_of(log.origin.resource) for log in logs], TEXT),
        "scope_name": pa.array([log.origin.scope_name for log in logs], TEXT),
        "attributes": _maps([log.attributes for log in logs]),
    }
    return _filled(LOGS, columns, logs)


def log_id(log: RawLog) -> int:
    """Hash of the whole record; a record that is sent twice has the same."""
    return _hash(
        log.origin.origin_id, (log.trace_id or b"").hex(), log.span_id, log.time_ns, log.severity, log.severity_text,
        log.event_name, log.body, log.flags, log.dropped_attributes, sorted(log.attributes.items()),
    )  # fmt: skip


def score_table(scores: Sequence[ScoreFacts]) -> pa.Table:
    """One row a score, in the given order."""
    columns = {
        "score_id": pa.array([score_id(score) for score in scores], ID),
        "trace_id": _uuids([score.trace_id for score in scores]),
        "carrier_trace_id": _uuids([score.carrier_trace_id for score in scores]),
        "metadata": _maps([score.metadata for score in scores]),
        "time": _times([score.time_ns for score in scores]),
    }
    return _filled(SCORES, columns, scores)


def score_id(score: ScoreFacts) -> int:
    """Hash of target, name, evaluator, version, time and verdict: what is sent twice has the same."""
    return _hash(
        (score.trace_id or b"").hex(), score.span_id, score.session_id, score.response_id, score.name, score.evaluator,
        score.evaluator_version, score.author, score.time_ns, score.value, score.label, score.error_type,
    )  # fmt: skip


def origin_table(origins: Iterable[Origin]) -> pa.Table:
    """One row a distinct origin, by id."""
    distinct = list({origin.origin_id: origin for origin in origins}.values())
    columns = {
        "resource": _maps([origin.resource for origin in distinct]),
        "scope_attributes": _maps([origin.scope_attributes for origin in distinct]),
    }
    return _filled(ORIGINS, columns, distinct)


def tool_definition_table(facts: Iterable[SpanFacts]) -> pa.Table:
    """One row a distinct list of tool definitions; no rows when no span offered tools."""
    distinct = {tool_definitions_id(fact): fact.tool_definitions for fact in facts if fact.tool_definitions}
    arrays = [pa.array(list(distinct), ID), pa.array(list(distinct.values()), TEXT)]
    return pa.Table.from_arrays(arrays, schema=TOOL_DEFINITIONS)


def tool_definitions_id(facts: SpanFacts) -> int | None:
    """Hash of the definitions; null without any."""
    return None if facts.tool_definitions is None else _digest(facts.tool_definitions.encode(errors="replace"))


def _hash(*members: Any) -> int:
    return _digest(orjson.dumps(members))


def _digest(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _filled(schema: pa.Schema, columns: dict[str, pa.Array], rows: Sequence[Any]) -> pa.Table:
    for field in schema:
        if field.name not in columns:
            columns[field.name] = pa.array(list(map(attrgetter(field.name), rows)), field.type)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _duration(span: RawSpan) -> int | None:
    duration = span.end_ns - span.start_ns
    return duration if 0 <= duration <= MAX_NANOSECONDS else None


def _times(nanoseconds: Sequence[int]) -> pa.Array:
    """Microseconds. Any unsigned 64-bit count of nanoseconds fits, up to the year 2554."""
    return pa.array([time // 1000 for time in nanoseconds], pa.int64()).view(TIME)


def _uuids(ids: Sequence[bytes | None]) -> pa.Array:
    return pa.ExtensionArray.from_storage(UUID, pa.array(ids, pa.binary(16)))


def _maps(maps: Sequence[TextMap]) -> pa.Array:
    offsets, length = [0], 0
    keys: list[str] = []
    values: list[str | None] = []
    for each in maps:
        keys.extend(each)
        values.extend(each.values())
        length += len(each)
        offsets.append(length)
    return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(keys, TEXT), pa.array(values, TEXT))


def _events(spans: Sequence[RawSpan]) -> pa.Array:
    def build(events: list[Any]) -> list[pa.Array]:
        return [
            _times([event.time_ns for event in events]),
            pa.array([event.name for event in events], TEXT),
            _maps([event.attributes for event in events]),
            pa.array([event.dropped for event in events], pa.uint32()),
        ]

    return _nested([span.events for span in spans], EVENT, build)


def _links(spans: Sequence[RawSpan]) -> pa.Array:
    def build(links: list[Any]) -> list[pa.Array]:
        return [
            _uuids([link.trace_id for link in links]),
            pa.array([link.span_id for link in links], ID),
            pa.array([link.trace_state for link in links], TEXT),
            _maps([link.attributes for link in links]),
            pa.array([link.dropped for link in links], pa.uint32()),
        ]

    return _nested([span.links for span in spans], LINK, build)


def _nested(lists: Sequence[list[Any]], kind: pa.StructType, build: Callable[[list[Any]], list[pa.Array]]) -> pa.Array:
    offsets, flat = [0], []
    for each in lists:
        flat.extend(each)
        offsets.append(len(flat))
    structs = pa.StructArray.from_arrays(build(flat), fields=list(kind))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs, type=pa.list_(kind))
