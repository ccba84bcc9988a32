"""Exports of MLflow's traces: `Trace.to_json`, the artefact traces.json, rows of `search_traces`, REST v3.

Spans come in four shapes: ids in hexadecimal with `otel_trace_id` (version 4), in base 64 (3), under `context` (2), and
as OTLP has them. Attributes are JSON texts and go on as MLflow sends them over OTLP. Assessments become scores.
An assessment that another one overrides (`valid` is false) is one that was taken back.
Read in mlflow/mlflow: mlflow/entities/span.py, trace.py, trace_info_v3.py, assessment.py, mlflow/tracing/constant.py.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from collectors.importers.making import (
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
    text_of,
    trace_id,
)
from collectors.importers.opening import Opened
from collectors.importers.pieces import Piece
from collectors.importers.records import Row

MEMBERS = ("traces",)
SCOPE = {"name": "mlflow.export"}
WITHDRAWN = "withdrawn"  # error type of a score that was taken back
_PLACED = "trace:/"  # ids of traces in a catalogue: trace:/catalogue.schema/id
_PARENT = ("parent_span_id", "parent_id", "parentSpanId")
_CODES = {"OK": 1, "STATUS_CODE_OK": 1, "ERROR": 2, "STATUS_CODE_ERROR": 2, "1": 1, "2": 2}
_SOURCES = {"HUMAN": "human", "LLM_JUDGE": "llm", "AI_JUDGE": "llm", "CODE": "code"}
# What MLflow sums up or cuts of the spans: with it usage would be told twice.
_SUMMED = frozenset({"mlflow.trace.tokenUsage", "mlflow.trace.cost", "mlflow.traceInputs", "mlflow.traceOutputs",
                     "mlflow.trace.sizeStats", "mlflow.trace.sizeBytes", "mlflow.traceSpans"})  # fmt: skip


def looks_like(row: Row) -> bool:
    """Whether a record is one of MLflow's traces."""
    if isinstance(row.get("info") or row.get("trace_info"), dict):
        return isinstance(row.get("data"), dict) or isinstance(row.get("spans"), list)
    if isinstance(held(row.get("trace")), dict):
        return looks_like(held(row["trace"]))
    spans = held(row.get("spans"))
    if not isinstance(spans, list):
        return False
    return all(isinstance(one, dict) and ("context" in one or "start_time_unix_nano" in one) for one in spans)


def pieces(file: Opened) -> Iterator[Piece]:
    """The spans and assessments of a file."""
    return made_of(file, MEMBERS, "trace", _add)


def _add(making: Making, number: int, row: Row) -> None:
    told = held(row.get("trace"))
    if isinstance(told, dict) and ({"info", "trace_info", "spans"} & told.keys()):
        row = {**row, **told}
    data = held(row.get("data"))
    spans = held(row.get("spans"))
    if not isinstance(spans, list):
        spans = held(data.get("spans")) if isinstance(data, dict) else None
    if not isinstance(spans, list):
        making.refuse("unread_kind", number, f"with {', '.join(list(row)[:8])} and without spans")
        spans = []
    info = held(row.get("info") or row.get("trace_info"))
    info = info if isinstance(info, dict) else row
    of_trace = _of_trace(info)
    found = None
    known = [told if isinstance(told, dict) else {} for told in map(held, spans)]
    ids = {str(_ids(one)[1]) for one in known}
    for span in known:
        inner = str(_first(span, *_PARENT)) in ids
        try:
            made = _span(span, {} if inner else of_trace)
        except RecordError as error:
            making.refuse(error.reason, number, error.text)
        else:
            making.add(number, made, {}, SCOPE)
            found = made.trace_id
    for one in objects(info.get("assessments")) or objects(row.get("assessments")):
        try:
            making.add(number, _score(one, found or _trace_of(info)), {}, SCOPE)
        except RecordError as error:
            making.refuse(error.reason, number, error.text)


def _trace_of(info: Row) -> str | None:
    named = info.get("trace_id") or info.get("request_id")
    if empty(named):
        return None
    return trace_id(str(named).rpartition("/")[2] if str(named).startswith(_PLACED) else named)


def _of_trace(info: Row) -> Attributes:
    """What goes onto the first span: session, user and what else the trace says of itself."""
    found: Attributes = {}
    for member in ("trace_metadata", "request_metadata"):
        told = plain_attributes(held(info.get(member)))
        found |= {key: value for key, value in told.items() if key not in _SUMMED}
    tags = plain_attributes(held(info.get("tags")))
    found |= {f"mlflow.traceTag.{key}": value for key, value in tags.items()}
    if not empty(info.get("client_request_id")):
        found["mlflow.trace.client_request_id"] = info["client_request_id"]
    return {key: value for key, value in found.items() if not empty(value)}


def _ids(told: Row) -> tuple[Any, Any]:
    """Ids of a span's trace and of itself, as they are written."""
    context = held(told.get("context"))
    context = context if isinstance(context, dict) else {}
    trace = told.get("otel_trace_id") or context.get("trace_id") or told.get("trace_id") or told.get("traceId")
    return trace, context.get("span_id") or told.get("span_id") or told.get("spanId")


def _span(told: Row, of_trace: Attributes) -> MadeSpan:
    """A span; `of_trace`: what the trace says of itself, for the first of them."""
    trace, span = _ids(told)
    if empty(trace) or empty(span):
        raise RecordError("no_id", f"span {told.get('name')!r}")
    start = _first(told, "start_time_unix_nano", "start_time", "startTimeUnixNano")
    if nanoseconds(start) is None:
        raise RecordError("no_time", f"span {span} {told.get('name')!r}: start {start!r}")
    parent = _first(told, *_PARENT)
    status = held(told.get("status"))
    status = (
        status if isinstance(status, dict) else {"code": told.get("status_code"), "message": told.get("status_message")}
    )
    attributes = {key: _value(value) for key, value in plain_attributes(held(told.get("attributes"))).items()}
    return MadeSpan(
        trace_id(_bare(trace, 16)), span_id(_bare(span, 8)), None if empty(parent) else span_id(_bare(parent, 8)),
        str(told.get("name") or ""), nanoseconds(start) or 0,
        nanoseconds(_first(told, "end_time_unix_nano", "end_time", "endTimeUnixNano")),
        attributes | of_trace,
        _CODES.get(str(status.get("code", "")).upper(), 0), status.get("message") or None,
        [_event(one) for one in objects(told.get("events"))],
    )  # fmt: skip


def _first(told: Row, *names: str) -> Any:
    return next((told[name] for name in names if not empty(told.get(name))), None)


def _bare(text: Any, size: int) -> str:
    """An id in hexadecimal: version 3 of the spans has base 64."""
    told = str(text)
    if len(told) == 4 * ((size + 2) // 3) and told.endswith("="):
        try:
            data = base64.b64decode(told, validate=True)
        except binascii.Error:
            return told
        return data.hex() if len(data) == size else told
    return told


def _value(value: Any) -> Any:
    """MLflow keeps attributes as JSON texts; where an export has read them they are written again."""
    return value if isinstance(value, str) or value is None else dumped(value)


def _event(told: Row) -> dict[str, Any]:
    time_ns = nanoseconds(_first(told, "time_unix_nano", "timestamp", "timeUnixNano"))
    return event(str(told.get("name") or ""), time_ns, plain_attributes(held(told.get("attributes"))))


def _score(told: Row, trace: str | None) -> MadeScore:
    name = told.get("assessment_name") or told.get("name")
    time_ns = nanoseconds(_first(told, "create_time", "create_time_ms", "last_update_time", "last_update_time_ms"))
    if empty(name) or trace is None:
        raise RecordError("no_id", f"assessment {told.get('assessment_id')} {name!r}")
    if time_ns is None:
        raise RecordError("no_time", f"assessment {name!r}: create_time {told.get('create_time')!r}")
    source = held(told.get("source"))
    source = source if isinstance(source, dict) else {}
    kind = _SOURCES.get(str(source.get("source_type", "")).upper())
    feedback, expectation = held(told.get("feedback")), held(told.get("expectation"))
    holder = feedback if isinstance(feedback, dict) else expectation if isinstance(expectation, dict) else {}
    value = _told_value(holder)
    failed = held(told.get("error") or holder.get("error"))
    error = str(failed.get("error_code") or "error") if isinstance(failed, dict) else None
    error = WITHDRAWN if told.get("valid") is False else error
    who = None if empty(source.get("source_id")) else str(source["source_id"])
    number = float(value) if isinstance(value, int | float) else None
    label = None if empty(value) or (number is not None and not isinstance(value, bool)) else text_of(value)
    rest = {"mlflow.assessment.id": told.get("assessment_id"), "mlflow.assessment.metadata": told.get("metadata"),
            "mlflow.assessment.kind": "expectation" if isinstance(expectation, dict) else None,
            "mlflow.assessment.overrides": told.get("overrides"),
            "mlflow.assessment.error": failed.get("error_message") if isinstance(failed, dict) else None}  # fmt: skip
    span = told.get("span_id")
    return MadeScore(
        trace, None if empty(span) else span_id(_bare(span, 8)), time_ns, str(name), None if error else number, label,
        None if empty(told.get("rationale")) else str(told["rationale"]), kind, who if kind != "human" else None,
        who if kind == "human" else None, error, None, {key: one for key, one in rest.items() if not empty(one)},
    )  # fmt: skip


def _told_value(holder: Row) -> Any:
    """The value of a feedback or an expectation; a list or an object of the latter is JSON within it."""
    written = held(holder.get("serialized_value"))
    return held(written.get("value")) if isinstance(written, dict) else holder.get("value")
