"""What format a file has, by its first bytes and its first record: never by its name, which anybody may give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from collectors.importers import calls, langfuse, mlflow, phoenix
from collectors.importers.jsontext import is_json
from collectors.importers.opening import opened
from collectors.importers.pieces import FORMATS, Format, ImportFileError
from collectors.importers.protofile import framing_of
from collectors.importers.records import PARQUET, Row, is_csv, records

_OTLP = (b'"resourceSpans"', b'"resourceLogs"', b'"resourceMetrics"')
_LISTS = ("data", "traces", "spans", "calls", "rows", "items", "records")
_LOOKED_AT = 20  # records: the first may be one that cannot be read
_LOOKS: dict[Format, Callable[[Row], bool]] = {
    "mlflow": mlflow.looks_like,
    "phoenix": phoenix.looks_like,
    "langfuse": langfuse.looks_like,
    "calls": calls.looks_like,
}


def detected(path: Path) -> Format:
    """The format of a file.

    Raises:
        ImportFileError: it cannot be read, is empty, or looks like nothing that is imported.
    """
    with opened(path) as file:
        head = file.head()
    if not head:
        raise ImportFileError(f"{path} is empty.")
    json = is_json(head)
    if json and any(name in head for name in _OTLP):
        return "otlp"
    if json or head.startswith(PARQUET) or is_csv(head):
        # One object with spans is a trace of MLflow; of Phoenix the spans of such a list are told one by one.
        for lists in ((), _LISTS):
            for row in first_rows(path, lists):
                for kind, looks in _LOOKS.items():
                    if looks(row):
                        return kind
    elif framing_of(head) is not None:
        return "otlp"
    message = f"{path} looks like no format that is imported. Name its format, one of {', '.join(FORMATS)}."
    raise ImportFileError(message)


def first_rows(path: Path, lists: tuple[str, ...] = _LISTS) -> list[Row]:
    """Some of the first records of a file, of those that can be read."""
    found: list[Row] = []
    with opened(path) as file:
        for record in records(file, lists):
            if record.row is not None:
                found.append(record.row)
            if len(found) >= _LOOKED_AT or record.number >= _LOOKED_AT:
                break
    return found
