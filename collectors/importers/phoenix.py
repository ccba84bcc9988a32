"""Exports of Arize Phoenix: its data frame of spans (Parquet, JSON, CSV), its REST lists of spans, its OTLP-like JSON.

Attributes are OpenInference's, nested or by dotted names; they go on as OpenInference's instrumentations send them.
Read in Arize-ai/phoenix: src/phoenix/server/api/routers/v1/spans.py, src/phoenix/trace/trace_dataset.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collectors.importers.making import (
    STATUS,
    Attributes,
    MadeSpan,
    Making,
    RecordError,
    dumped,
    empty,
    event,
    held,
    nanoseconds,
    span_id,
    trace_id,
)
from collectors.importers.opening import Opened
from collectors.importers.pieces import Piece
from collectors.importers.records import Row, records

MEMBERS = ("data", "spans")
SCOPE = {"name": "phoenix.export"}
# OpenInference holds these as JSON texts, whatever is in them.
_AS_JSON = frozenset({"metadata", "variables", "invocation_parameters", "json_schema", "arguments", "parameters"})
_PREFIX = "attributes."
_VALUES = ("string_value", "int_value", "double_value", "bool_value", "bytes_value")


def looks_like(row: Row) -> bool:
    """Whether a record is one of Phoenix's spans."""
    context = row.get("context")
    nested = isinstance(context, dict) and "span_id" in context and "span_kind" in row
    flat = "context.span_id" in row and "context.trace_id" in row
    return nested or flat or {"span_id", "trace_id", "start_time_unix_nano", "attributes"} <= row.keys()


def pieces(file: Opened) -> Iterator[Piece]:
    """The spans of a file."""
    making = Making("record")
    for record in records(file, MEMBERS):
        if record.row is None:
            making.refuse(record.fault, record.number, record.text)
        else:
            try:
                making.add(record.number, _span(record.row), {}, SCOPE)
            except RecordError as error:
                making.refuse(error.reason, record.number, error.text)
        yield from making.full()
    yield from making.rest()


def _span(row: Row) -> MadeSpan:
    context = held(row.get("context"))
    context = context if isinstance(context, dict) else {}
    trace = context.get("trace_id") or row.get("context.trace_id") or row.get("trace_id")
    span = context.get("span_id") or row.get("context.span_id") or row.get("span_id")
    if empty(trace) or empty(span):
        raise RecordError("no_id", f"span {row.get('name')!r}")
    start = nanoseconds(row.get("start_time") or row.get("start_time_unix_nano"))
    if start is None:
        raise RecordError("no_time", f"span {span} of trace {trace}: start_time {row.get('start_time')!r}")
    status = held(row.get("status"))
    status = status if isinstance(status, dict) else {}
    code = status.get("code", row.get("status_code"))
    parent = row.get("parent_id") or row.get("parent_span_id")
    kind = {"openinference.span.kind": row.get("span_kind")} if not empty(row.get("span_kind")) else {}
    return MadeSpan(
        trace_id(trace), span_id(span), None if empty(parent) else span_id(parent), str(row.get("name") or ""), start,
        nanoseconds(row.get("end_time") or row.get("end_time_unix_nano")), kind | _attributes(row),
        code if isinstance(code, int) and 0 <= code <= 2 else STATUS.get(str(code).upper(), 0),
        status.get("message") or row.get("status_message") or None, _events(held(row.get("events"))),
    )  # fmt: skip


def _attributes(row: Row) -> Attributes:
    found: Attributes = {}
    told = held(row.get("attributes"))
    if isinstance(told, list):  # as OTLP has them, by names with underscores
        told = {one.get("key"): _plain(one.get("value")) for one in told if isinstance(one, dict)}
    if isinstance(told, dict):
        _flatten(told, "", found)
    for name, value in row.items():
        if name.startswith(_PREFIX):
            _flatten_one(name.removeprefix(_PREFIX), held(value), found)
    return found


def _flatten(told: dict[str, Any], prefix: str, found: Attributes) -> None:
    for name, value in told.items():
        _flatten_one(f"{prefix}{name}", value, found)


def _flatten_one(name: str, value: Any, found: Attributes) -> None:
    """One attribute; objects and lists of objects by dotted names, as OpenInference's instrumentations write them."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict) and name.rpartition(".")[2] in _AS_JSON:
        found[name] = dumped(value)
    elif isinstance(value, dict):
        _flatten(value, f"{name}.", found)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for place, one in enumerate(value):
            _flatten_one(f"{name}.{place}", one, found)
    elif value is not None:
        found[name] = value


def _plain(value: Any) -> Any:
    """The value of an AnyValue; null: it has none."""
    if not isinstance(value, dict):
        return value
    array = value.get("array_value")
    if isinstance(array, dict):
        return [_plain(one) for one in array.get("values") or []]
    return next((_number(name, value[name]) for name in _VALUES if value.get(name) is not None), None)


def _number(name: str, value: Any) -> Any:
    return int(value) if name == "int_value" and isinstance(value, str) and value.lstrip("-").isdecimal() else value


def _events(told: Any) -> list[dict[str, Any]]:
    found = []
    for one in told if isinstance(told, list) else []:
        if isinstance(one, dict):
            attributes: Attributes = {}
            of_event = one.get("attributes")
            if isinstance(of_event, list):
                of_event = {each.get("key"): _plain(each.get("value")) for each in of_event if isinstance(each, dict)}
            _flatten(of_event if isinstance(of_event, dict) else {}, "", attributes)
            time_ns = nanoseconds(one.get("timestamp") or one.get("time_unix_nano"))
            found.append(event(str(one.get("name") or ""), time_ns, attributes))
    return found
