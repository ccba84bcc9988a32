"""Scores of an import that name a span and not its trace, as annotations of Phoenix do: the store knows the trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from collectors.importers.pieces import SAMPLE_CHARS, Piece
from collectors.model import Rejection
from server.core import Core
from store.imports import traces_of_spans

Record = dict[str, Any]


def placed(core: Core, project_id: int, piece: Piece) -> Piece:
    """The piece with the traces of the spans that its log records name alone.

    One whose span is not stored is rejected as `no_span`. A body that is no such JSON stays: the decoder tells that.
    """
    groups = _groups(piece.body)
    lacking = [record for group in groups if (record := _lacking(group)) is not None]
    if not lacking:
        return piece
    with core.readers.read() as cursor:
        known = traces_of_spans(cursor, project_id, [int(record["spanId"], 16) for record in lacking])
    kept, rejected = [], list(piece.rejected)
    for group in groups:
        record = _lacking(group)
        trace_id = None if record is None else known.get(int(record["spanId"], 16))
        if record is not None and trace_id is None:
            rejected.append(Rejection("", "no_span", f"{_name(record)} of span {record['spanId']}"[:SAMPLE_CHARS]))
            continue
        if record is not None and trace_id is not None:
            record["traceId"] = trace_id.hex
        kept.append(group)
    return replace(piece, body=orjson.dumps({"resourceLogs": kept}) if kept else b"", rejected=tuple(rejected))


def _groups(body: bytes) -> list[Any]:
    """Groups of log records, of which the importer makes one a record."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    groups = told.get("resourceLogs") if isinstance(told, dict) else None
    return groups if isinstance(groups, list) else []


def _lacking(group: Any) -> Record | None:
    """The record of a group, if it has the id of a span, and none of a trace."""
    match group:
        case {"scopeLogs": [{"logRecords": [{"spanId": str(span_id), "traceId": ""} as record]}]} if _is_id(span_id):
            found: Record = record
            return found
        case _:
            return None


def _is_id(text: str) -> bool:
    return len(text) == 16 and all(char in "0123456789abcdef" for char in text)


def _name(record: Record) -> str:
    """What a record judges, in words."""
    for one in record.get("attributes", []):
        match one:
            case {"key": "gen_ai.evaluation.name", "value": {"stringValue": str(name)}}:
                return f"annotation {name!r}"
    return "an annotation"
