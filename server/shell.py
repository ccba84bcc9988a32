"""How the command line tells things: rows as JSON lines or a table, errors as one sentence."""

from __future__ import annotations

import csv
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from collectors.errors import CollectorError
from evaluators.errors import EvaluatorError
from server.exit_codes import FAILURE, USER_ERROR
from server.jsontext import dumps
from server.running import Running
from server.settings import Settings, SettingsFileError, settings_file


def addresses(note: Running) -> list[str]:
    """Where a server listens, a line each."""
    return [
        f"OTLP/HTTP  {note.otlp_http_url}",
        f"OTLP/gRPC  {note.otlp_grpc_address}",
        f"API        {note.api_url}  (documented at {note.api_url}/docs)",
    ]


def json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """One object a line on standard output."""
    for row in rows:
        sys.stdout.buffer.write(dumps(row) + b"\n")
    sys.stdout.buffer.flush()


def csv_rows(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Comma-separated values with a header; null is empty."""
    out = csv.writer(sys.stdout)
    out.writerow(columns)
    out.writerows([[cell(value, "") for value in row] for row in rows])


def table(rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    """A table as wide as the terminal, numbers to the right; `empty` when there are no rows."""
    from rich import box  # noqa: PLC0415 - not needed for JSON
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not rows:
        sys.stdout.write(f"{empty}\n")
        return
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in rows[0]:
        numeric = any(isinstance(row[name], int | float) for row in rows)
        shown.add_column(Text(name.replace("_", " ")), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell(value, "unknown")) for value in row.values()))
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = 1_000_000  # a pipe cuts nothing
        shown.expand = False
    console.print(shown)


def facts(found: Mapping[str, Any]) -> None:
    """Nested facts, a line each."""
    for name, value in _flat(found, ""):
        sys.stdout.write(f"{name:<32} {cell(value, 'none')}\n")


def _flat(found: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def cell(value: Any, null: str) -> str:
    """A value as text: whole numbers with thousands apart, structures as JSON."""
    if value is None:
        return null
    if isinstance(value, list | dict):
        return dumps(value).decode() if value else ""
    return str(value)


def settings_rows(settings: Settings, flags: set[str]) -> list[dict[str, Any]]:
    """One row a setting: name, value, source (flag, environment, file, default), description."""
    file = settings_file()
    in_file = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    environment = {name.upper() for name, value in os.environ.items() if value}

    def source(name: str) -> str:
        if name in flags:
            return "flag"
        if f"ASSAY_{name.upper()}" in environment:
            return "environment"
        return str(file) if name in in_file else "default"

    values = settings.model_dump(mode="json")
    return [
        {"setting": name, "value": values[name], "source": source(name), "description": field.description}
        for name, field in Settings.model_fields.items()
    ]


def expected(error: Exception) -> tuple[str, int] | None:
    """The sentence and the exit code for an error that a person can act on; null: it is a bug."""
    if isinstance(error, ValidationError):
        return _invalid(error), USER_ERROR
    if isinstance(error, SettingsError):
        return f'The settings cannot be read: {error}. Lists are written as JSON: ["a", "b"].', USER_ERROR
    if isinstance(error, tomllib.TOMLDecodeError):
        return f"The settings file {settings_file()} cannot be read: {error}", USER_ERROR
    if isinstance(error, SettingsFileError | CollectorError | EvaluatorError):
        return str(error), USER_ERROR
    if isinstance(error, BrokenPipeError):
        return "The reader of the output went away.", FAILURE
    return _told_by_kind(error)


def _invalid(error: ValidationError) -> str:
    told = [
        _fault(".".join(map(str, fault["loc"])), fault["type"], fault["input"], fault["msg"])
        for fault in error.errors()
    ]
    return f"{'; '.join(told)}. `assay settings` explains each setting."


def _fault(name: str, kind: str, value: object, message: str) -> str:
    if kind == "extra_forbidden":
        close = get_close_matches(name, Settings.model_fields, n=1)
        return f"there is no setting {name}" + (f"; did you mean {close[0]}?" if close else "")
    if kind == "string_pattern_mismatch":  # of memory_limit, the only one; a pattern explains nothing to people
        return f"setting {name} cannot be {value!r}: write a number and a unit, such as 512MB or 2GiB"
    return f"setting {name} cannot be {value!r}: {message}"


def _told_by_kind(error: Exception) -> tuple[str, int] | None:
    # Imported here: most commands end well.
    from server.client import ApiError  # noqa: PLC0415
    from server.door import NoServerError, NoStoreError  # noqa: PLC0415

    if isinstance(error, ApiError):
        return error.message, USER_ERROR if error.kind == "refused" else FAILURE
    if isinstance(error, NoServerError | NoStoreError):
        return str(error), USER_ERROR
    return _told_by_rare_kind(error)


def _told_by_rare_kind(error: Exception) -> tuple[str, int] | None:
    # Apart from the above: these load the store's queries, half a second.
    from server.budgets import BudgetError  # noqa: PLC0415
    from server.ports import PortError  # noqa: PLC0415
    from server.pricing import UnreadableLineError  # noqa: PLC0415
    from store.errors import (  # noqa: PLC0415
        RefusedSqlError,
        StoreError,
        UnknownProjectNameError,
        UnknownQueryError,
    )

    if isinstance(error, BudgetError | UnreadableLineError | RefusedSqlError):
        return str(error), USER_ERROR
    if isinstance(error, UnknownProjectNameError | UnknownQueryError):
        return str(error), USER_ERROR
    if type(error).__name__ == "UnknownZoneError":  # of a library that one command loads
        return str(error), USER_ERROR
    return (str(error), FAILURE) if isinstance(error, PortError | StoreError) else None
