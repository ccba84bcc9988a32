"""Exports of Arize Phoenix: its data frame of spans (Parquet, JSON, CSV), its REST lists of spans, its OTLP-like JSON.

Annotations of traces, sessions and spans, and evaluations beside spans (`eval.NAME.score`), become scores. Those of
spans name no trace, which whoever stores them looks up.
Attributes are OpenInference's, nested or by dotted names; they go on as OpenInference's instrumentations send them.
Read in Arize-ai/phoenix: spans.py and annotations.py of src/phoenix/server/api/routers/v1,
src/phoenix/trace/trace_dataset.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from collectors.importers.making import (
    STATUS,
    Attributes,
    MadeScore,
    MadeSpan,
    Making,
    RecordError,
    dumped,
    empty,
    event,
    held,
    made_of,
    nanoseconds,
    objects,
    plain_attributes,
    span_id,
    trace_id,
)
from collectors.importers.opening import Opened
from collectors.importers.pieces import Piece
from collectors.importers.records import Row

MEMBERS = ("data", "spans")
SCOPE = {"name": "phoenix.export"}
# OpenInference holds these as JSON texts, whatever is in them.
_AS_JSON = frozenset({"metadata", "variables", "invocation_parameters", "json_schema", "arguments", "parameters"})
_PREFIX = "attributes."
_SOURCES = {"HUMAN": "human", "LLM": "llm", "CODE": "code"}
_EVAL = re.compile(r"eval\.(?P<name>.+)\.(?P<member>score|label|explanation)")  # columns of evaluations beside spans
_RESULT = ("score", "label", "explanation")


def looks_like(row: Row) -> bool:
    """Whether a record is one of Phoenix's spans or annotations."""
    context = row.get("context")
    nested = isinstance(context, dict) and "span_id" in context and "span_kind" in row
    flat = "context.span_id" in row and "context.trace_id" in row
    otlp = {"span_id", "trace_id", "start_time_unix_nano", "attributes"} <= row.keys()
    return nested or flat or otlp or "annotator_kind" in row


def pieces(file: Opened) -> Iterator[Piece]:
    """The spans and annotations of a file."""
    return made_of(file, MEMBERS, "record", _add)


def _add(making: Making, number: int, row: Row) -> None:
    try:
        for made in _made(row):
            making.add(number, made, {}, SCOPE)
    except RecordError as error:
        making.refuse(error.reason, number, error.text)


def _made(row: Row) -> Iterator[MadeSpan | MadeScore]:
    """An annotation, or a span and then its evaluations: one that cannot be read costs the span nothing."""
    if "annotator_kind" in row and "start_time" not in row:
        yield _annotation(row)
    else:
        span = _span(row)
        yield span
        yield from _evaluations(row, span)


def _evaluations(row: Row, span: MadeSpan) -> Iterator[MadeScore]:
    """What the columns of evaluations say of a span."""
    told: dict[str, Attributes] = {}
    for column, value in row.items():
        if not empty(value) and (found := _EVAL.fullmatch(column)):
            told.setdefault(found["name"], {})[found["member"]] = value
    for name, result in told.items():
        yield _score(span.trace_id, span.span_id, span.end_ns or span.start_ns, name, result)


def _annotation(row: Row) -> MadeScore:
    name, span = row.get("name") or row.get("annotation_name"), row.get("span_id") or row.get("context.span_id")
    trace, session = row.get("trace_id") or row.get("context.trace_id"), row.get("session_id")
    if row.get("document_position") is not None:
        raise RecordError("unread_kind", f"annotation {name!r} of a document of span {span}")
    if empty(name) or (empty(trace) and empty(session) and empty(span)):
        raise RecordError("no_id", f"annotation {name!r}")
    time_ns = nanoseconds(row.get("updated_at") or row.get("created_at"))
    if time_ns is None:
        raise RecordError("no_time", f"annotation {name!r}: updated_at {row.get('updated_at')!r}")
    told = held(row.get("result"))
    result = told if isinstance(told, dict) else {one: row.get(f"result.{one}", row.get(one)) for one in _RESULT}
    made = _score(
        None if empty(trace) else trace_id(trace), None if empty(span) else span_id(span), time_ns, str(name), result
    )
    made.source = _SOURCES.get(str(row["annotator_kind"]).upper())
    made.author = next((str(row[one]) for one in ("identifier", "user_id") if not empty(row.get(one))), None)
    made.session = str(session) if empty(trace) and empty(span) else None
    made.rest = {f"phoenix.annotation.{one}": row[one] for one in ("id", "metadata") if not empty(row.get(one))}
    return made


def _score(trace: str | None, span: str | None, time_ns: int, name: str, result: Attributes) -> MadeScore:
    """A verdict, by the name of its evaluator, as annotations on spans have it."""
    value, label, why = (None if empty(result.get(one)) else result[one] for one in _RESULT)
    try:
        number = None if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise RecordError("bad_value", f"score {value!r} of {name!r} is no number") from error
    label, why = (None if one is None else str(one) for one in (label, why))
    return MadeScore(trace, span, time_ns, name, number, label, why, evaluator=name)


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
        status.get("message") or row.get("status_message") or None, _events(row.get("events")),
    )  # fmt: skip


def _attributes(row: Row) -> Attributes:
    found: Attributes = {}
    _flatten(plain_attributes(held(row.get("attributes"))), "", found)
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


def _events(told: Any) -> list[dict[str, Any]]:
    found = []
    for one in objects(told):
        attributes: Attributes = {}
        _flatten(plain_attributes(held(one.get("attributes"))), "", attributes)
        time_ns = nanoseconds(one.get("timestamp") or one.get("time_unix_nano"))
        found.append(event(str(one.get("name") or ""), time_ns, attributes))
    return found
