"""Exports of Langfuse: traces, observations and scores, as its API and its export to blob storage write them.

API (camelCase): a trace with its observations and scores, lists of traces, observations or scores under `data`.
Blob storage (snake_case): a file each of traces, observations and scores, as JSON, JSON lines or CSV.
A trace that comes without its observations becomes a span of its own, so that session, user, tags and texts are kept.
Read in langfuse/langfuse: worker/src/features/blobstorage, packages/shared/src/server/repositories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from collectors.conventions.values import words
from collectors.importers.making import (
    Attributes,
    MadeScore,
    MadeSpan,
    Making,
    RecordError,
    dumped,
    empty,
    held,
    made_of,
    nanoseconds,
    objects,
    span_id,
    text_of,
    trace_id,
)
from collectors.importers.opening import Opened
from collectors.importers.pieces import Piece
from collectors.importers.records import Row

MEMBERS = ("data", "traces")
SCOPE = {"name": "langfuse.export"}
_SOURCES = {"ANNOTATION": "human", "EVAL": "llm", "API": "api"}
_KEPT = words(
    "id traceId parentObservationId startTime endTime name type input output model providedModelName modelParameters "
    "usageDetails costDetails usage completionStartTime promptName promptVersion level statusMessage environment "
    "metadata version release userId sessionId tags timestamp observations scores"
)
_DERIVED = words(  # by Langfuse of what is kept, or of no use elsewhere
    "projectId createdAt updatedAt latency timeToFirstToken inputCost outputCost totalCost inputUsage outputUsage "
    "totalUsage inputPrice outputPrice totalPrice providedCostDetails calculatedInputCost calculatedOutputCost "
    "calculatedTotalCost promptTokens completionTokens totalTokens unit internalModelId internalModel modelId htmlPath "
    "bookmarked public corrections promptId eventTs isDeleted traceName"
)
_NOT_KEPT = frozenset((*_KEPT, *_DERIVED))
_USAGE = "langfuse.observation.usage_details"
_COUNTS = re.compile("usage|token", re.IGNORECASE)
_RESTORED = ("attributes", "resourceAttributes", "scope")  # members of the metadata of spans that came over OTLP


def looks_like(row: Row) -> bool:
    """Whether a record is one of Langfuse's."""
    told = _camel(row)
    if isinstance(told.get("trace"), dict) and isinstance(told.get("observations"), list):
        return True
    observation = {"traceId", "startTime", "type"} <= told.keys()
    score = {"name", "dataType"} <= told.keys() and ("traceId" in told or "sessionId" in told)
    trace = {"id", "timestamp"} <= told.keys() and bool({"observations", "htmlPath", "public", "release"} & told.keys())
    return observation or score or trace


def pieces(file: Opened) -> Iterator[Piece]:
    """The spans and scores of a file."""
    return made_of(file, MEMBERS, "record", _add)


def _add(making: Making, number: int, row: Row) -> None:
    told = _camel(row)
    if isinstance(told.get("trace"), dict):
        told = _camel(told["trace"]) | {"observations": told.get("observations", [])}
    observations = objects(told.get("observations"))
    try:
        if observations:
            _add_trace(making, number, told, list(map(_camel, observations)))
        elif "startTime" in told:
            _add_observation(making, number, told, {})
        elif "dataType" in told or ("value" in told and "timestamp" in told and "name" in told):
            making.add(number, _score(told, None), {}, SCOPE)
        elif "timestamp" in told and "id" in told:
            making.add(number, _trace_alone(told), {}, SCOPE)
        else:
            making.refuse("unread_kind", number, f"with {', '.join(list(row)[:8])}")
    except RecordError as error:
        making.refuse(error.reason, number, error.text)
    for score in objects(told.get("scores")):
        _add_score(making, number, _camel(score), told)


def _add_score(making: Making, number: int, score: Row, trace: Row) -> None:
    try:
        making.add(number, _score(score, trace.get("id")), {}, SCOPE)
    except RecordError as error:
        making.refuse(error.reason, number, error.text)


def _add_trace(making: Making, number: int, trace: Row, observations: list[Row]) -> None:
    """A trace with its observations: what it says of itself goes onto those without a parent among them."""
    known = {str(one.get("id")) for one in observations}
    roots = [one for one in observations if str(one.get("parentObservationId")) not in known]
    of_trace = _of_trace(trace)
    for one in observations:
        told = {"traceId": trace.get("id"), **one}
        try:
            _add_observation(making, number, told, of_trace if one in roots[:1] else _who(of_trace))
        except RecordError as error:
            making.refuse(error.reason, number, error.text)


def _add_observation(making: Making, number: int, told: Row, of_trace: Attributes) -> None:
    metadata = _metadata(told)
    own = _attributes(told, metadata)
    restored = _restored(metadata.get("attributes"))
    if _USAGE in own:  # what Langfuse counts and sums is what is counted here
        restored = {f"langfuse.export.{key}" if _COUNTS.search(key) else key: one for key, one in restored.items()}
    attributes = restored | of_trace | own
    start, named = nanoseconds(told.get("startTime")), f"{told.get('id')} of trace {told.get('traceId')}"
    if empty(told.get("id")) or empty(told.get("traceId")):
        raise RecordError("no_id", f"observation {named}")
    if start is None:
        raise RecordError("no_time", f"observation {named}: startTime {told.get('startTime')!r}")
    failed = str(told.get("level", "")).upper() == "ERROR"
    parent = told.get("parentObservationId")
    made = MadeSpan(
        trace_id(told["traceId"]), span_id(told["id"]), None if empty(parent) else span_id(parent),
        str(told.get("name") or told.get("type") or ""), start, nanoseconds(told.get("endTime")), attributes,
        2 if failed else 0, str(told["statusMessage"]) if failed and told.get("statusMessage") else None,
    )  # fmt: skip
    scope = metadata.get("scope")
    scope = (
        {key: str(scope[key]) for key in ("name", "version") if scope.get(key)} if isinstance(scope, dict) else SCOPE
    )
    making.add(number, made, _restored(metadata.get("resourceAttributes")), scope)


def _metadata(told: Row) -> Row:
    found = held(told.get("metadata"))
    if not isinstance(found, dict):
        return {} if empty(found) else {"metadata": found}
    return {key: held(value) if key in _RESTORED else value for key, value in found.items()}


def _restored(value: Any) -> Attributes:
    """Attributes as they came over OTLP; Langfuse keeps each as JSON or text."""
    return {} if not isinstance(value, dict) else {str(key): one for key, one in value.items() if one is not None}


def _attributes(told: Row, metadata: Row) -> Attributes:
    own = {key: value for key, value in metadata.items() if key not in _RESTORED}
    found: Attributes = {
        "type": str(told.get("type") or "span").lower(), "level": told.get("level"),
        "status_message": told.get("statusMessage"),
        "model.name": told.get("model") or told.get("providedModelName"),
        "model.parameters": _json(told.get("modelParameters")), "usage_details": _json(_usage(told)),
        "cost_details": _json(told.get("costDetails")), "completion_start_time": told.get("completionStartTime"),
        "prompt.name": told.get("promptName"), "prompt.version": told.get("promptVersion"),
        "metadata": dumped(own) if own else None, "input": _text(told.get("input")),
        "output": _text(told.get("output")),
    }  # fmt: skip
    rest = {f"langfuse.export.{key}": value for key, value in told.items() if key not in _NOT_KEPT}
    named = {f"langfuse.observation.{key}": value for key, value in found.items()}
    who = {"langfuse.environment": told.get("environment"), "langfuse.version": told.get("version"),
           "langfuse.user.id": told.get("userId"), "langfuse.session.id": told.get("sessionId"),
           "langfuse.release": told.get("release")}  # fmt: skip
    return {key: value for key, value in (named | who | rest).items() if not empty(value)}


def _usage(told: Row) -> Any:
    """Counts by kind; of older exports, which have three numbers, those."""
    details = held(told.get("usageDetails"))
    if isinstance(details, dict) and details:
        return {key: _whole(value) for key, value in details.items()}
    usage = held(told.get("usage"))
    if isinstance(usage, dict) and any(usage.get(key) for key in ("input", "output", "total")):
        return {key: usage[key] for key in ("input", "output", "total") if usage.get(key) is not None}
    names = {"input": "promptTokens", "output": "completionTokens", "total": "totalTokens"}
    counts = {kind: _whole(told[name]) for kind, name in names.items() if not empty(told.get(name))}
    return counts if any(counts.values()) else None


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _of_trace(trace: Row) -> Attributes:
    metadata = _metadata(trace)
    own = {key: value for key, value in metadata.items() if key not in _RESTORED}
    tags = held(trace.get("tags"))
    found = {
        "langfuse.trace.name": trace.get("name"), "langfuse.user.id": trace.get("userId"),
        "langfuse.session.id": trace.get("sessionId"), "langfuse.release": trace.get("release"),
        "langfuse.version": trace.get("version"), "langfuse.environment": trace.get("environment"),
        "langfuse.trace.tags": tags if isinstance(tags, list) else None,
        "langfuse.trace.metadata": dumped(own) if own else None,
        "langfuse.trace.input": _text(trace.get("input")), "langfuse.trace.output": _text(trace.get("output")),
        "langfuse.trace.public": trace.get("public"), "langfuse.trace.bookmarked": trace.get("bookmarked"),
    }  # fmt: skip
    return {key: value for key, value in found.items() if not empty(value)}


def _who(of_trace: Attributes) -> Attributes:
    names = ("langfuse.user.id", "langfuse.session.id", "langfuse.release", "langfuse.environment")
    return {key: of_trace[key] for key in names if key in of_trace}


def _trace_alone(trace: Row) -> MadeSpan:
    start = nanoseconds(trace.get("timestamp"))
    if start is None:
        raise RecordError("no_time", f"trace {trace.get('id')}: timestamp {trace.get('timestamp')!r}")
    try:
        took = max(float(trace.get("latency") or 0), 0.0)
    except (TypeError, ValueError):
        took = 0.0
    found = _of_trace(trace) | {"langfuse.observation.type": "span"}
    identity = span_id(f"langfuse trace {trace['id']}")
    name = str(trace.get("name") or "trace")
    return MadeSpan(trace_id(trace["id"]), identity, None, name, start, start + round(took * 1e9), found)


def _score(score: Row, trace: Any) -> MadeScore:
    target = score.get("traceId") or trace
    session = score.get("sessionId")
    time_ns = nanoseconds(score.get("timestamp") or score.get("createdAt"))
    told = f"score {score.get('id')} {score.get('name')!r}"
    if empty(target) and empty(session):
        raise RecordError("no_id", told)
    if time_ns is None or empty(score.get("name")):
        raise RecordError("no_time" if time_ns is None else "bad_value", told)
    value, label = score.get("value"), score.get("stringValue")
    try:
        number = None if value is None or value == "" or score.get("dataType") == "CATEGORICAL" else float(value)
    except (TypeError, ValueError):
        number, label = None, label or str(value)
    observation = score.get("observationId")
    source = str(score.get("source", "")).upper()
    comment = score.get("comment")
    author = score.get("authorUserId")
    rest = {f"langfuse.score.{key}": score[key] for key in ("id", "dataType", "source", "configId", "environment")
            if not empty(score.get(key))}  # fmt: skip
    return MadeScore(
        None if empty(target) else trace_id(target), None if empty(observation) else span_id(observation), time_ns,
        str(score["name"]), number, None if empty(label) else str(label), None if empty(comment) else str(comment),
        _SOURCES.get(source), None, None if empty(author) else str(author), None,
        str(session) if empty(target) else None, rest,
    )  # fmt: skip


def _json(value: Any) -> str | None:
    return None if empty(value) or empty(held(value)) else text_of(value)


def _text(value: Any) -> str | None:
    return None if empty(value) else text_of(value)


def _camel(row: Row) -> Row:
    """Members by the names of the API: the export to blob storage has the same in snake_case."""
    return {_camelled(key): value for key, value in row.items() if value is not None}


def _camelled(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
