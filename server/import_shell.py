"""What `assay import` does and says."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from collectors.importers.detecting import first_rows
from collectors.importers.pieces import FORMATS, Format, ImportFileError
from collectors.importers.reading import How, columns_of, plan
from server import importing, shell
from server.client import Client
from server.client_base import Json
from server.importing import Far

PROGRESS_S = 0.2, 10.0  # between two lines of progress: on a terminal, and elsewhere
BAR_WIDTH = 24
SAMPLE_CHARS = 120


def plans(
    files: Sequence[Path], kind: str, mapping: Sequence[str] = (), source_project: str | None = None
) -> list[tuple[Path, How]]:
    """How each file will be read; all are looked at before the first is imported.

    Raises:
        ImportFileError: a file cannot be read, or the format is none.
    """
    if kind != "auto" and kind not in FORMATS:
        raise ImportFileError(f"There is no format {kind!r}. Formats: auto, {', '.join(FORMATS)}.")
    told = None if kind == "auto" else cast(Format, kind)
    columns = tuple(_pair(one) for one in mapping)
    return [(file, plan(file, told, columns, source_project)) for file in files]


def _pair(told: str) -> tuple[str, str]:
    column, equals, field = told.rpartition("=")
    if not equals or not column or not field:
        raise ImportFileError(f"--map {told!r} is no COLUMN=FIELD, as in --map prompt=input.")
    return column, field


def preview(planned: Sequence[tuple[Path, How]]) -> Iterator[Json]:
    """What each file looks like, and the first rows of plain calls as they would be read; nothing is stored."""
    for path, how in planned:
        rows = first_rows(path) if how.format not in {"parquet", "otlp"} else []
        fields = {field: column for column, field in how.mapping}
        shown = [{field: row.get(column) for field, column in fields.items()} if fields else row for row in rows[:5]]
        known = {column for column, _ in how.mapping}
        rest = [] if not fields else [name for name in columns_of(path) if name not in known]
        yield {
            "file": str(path),
            "format": how.format,
            "mapping": dict(how.mapping),
            "as_metadata": rest,
            "rows": shown,
        }


def tell_preview(found: Iterator[Json]) -> None:
    """The same in sentences."""
    for one in found:
        _say(f"{one['file']} looks like {one['format']}.")
        for column, field in one["mapping"].items():
            _say(f"  column {column} is {field}")
        if one["as_metadata"]:
            _say(f"  kept as metadata: {', '.join(one['as_metadata'])}")
        for row in one["rows"][:3] if one["mapping"] else []:
            told = ", ".join(f"{field}: {str(value)[:60]}" for field, value in row.items() if value is not None)
            _say(f"  row: {told}")


def _say(line: str) -> None:
    """A line on standard output; what would move a terminal's cursor or colour it, or turn text round, is a point."""
    sys.stdout.write("".join(char if char.isprintable() else "." for char in line) + "\n")


def run(client: Client, planned: Sequence[tuple[Path, How]], author: str | None) -> Iterator[Json]:
    """Import one file after the other, and what became of each."""
    for path, how in planned:
        bar = Bar(path.name)
        try:
            found = importing.run(client, path, how, author, bar.tell)
        except KeyboardInterrupt:
            bar.end()
            sys.stderr.write(f"assay: {path.name} is not imported whole. Run the command again: it goes on.\n")
            raise
        bar.end()
        yield found


class Bar:
    """How far a file is, on standard error: one line, written over, on a terminal; else one now and then."""

    def __init__(self, name: str) -> None:
        self._name, self._terminal = name, sys.stderr.isatty()
        self._began = time.monotonic()
        self._next = self._began + PROGRESS_S[not self._terminal]
        self._from: int | None = None

    def tell(self, far: Far) -> None:
        """Say it, when it is time."""
        now = time.monotonic()
        if self._from is None:
            self._from = far.read_bytes
            if far.resumed:
                sys.stderr.write(f"{self._name}: {far.resumed:,} pieces are stored already; it goes on after them.\n")
        if now < self._next:
            return
        self._next = now + PROGRESS_S[not self._terminal]
        text = self._text(far, now)
        sys.stderr.write(f"\r{text:<78}" if self._terminal else f"{text}\n")
        sys.stderr.flush()

    def _text(self, far: Far, now: float) -> str:
        share = far.read_bytes / far.bytes if far.bytes else 1.0
        rate = (far.read_bytes - (self._from or 0)) / max(now - self._began, 1e-9)
        left = f", {(far.bytes - far.read_bytes) / rate:,.0f} s left" if rate > 0 else ""
        bar = "#" * round(share * BAR_WIDTH)
        return f"{self._name} [{bar:<{BAR_WIDTH}}] {share:4.0%}{left}"

    def end(self) -> None:
        """Leave the terminal's line clean."""
        if self._terminal:
            sys.stderr.write(f"\r{'':<78}\r")


def tell(found: Iterator[Json]) -> None:
    """Each import in sentences."""
    for one in found:
        for line in sentences(one):
            _say(line)
        sys.stdout.flush()


def sentences(one: Json) -> list[str]:
    """What became of a file, a line each."""
    counts = f"{one['stored']:,} stored, {one['duplicate']:,} duplicate, {one['rejected']:,} rejected"
    told = [f"{one['file']} ({one['format']}): {one['received']:,} received: {counts}."]
    told += [
        f"  {reason['count']:,} {reason['reason']}{_why(reason)}: {(reason['sample'] or '')[:SAMPLE_CHARS]}"
        for reason in one["rejections"]
    ]
    if one["first_time"] is not None:
        told.append(f"  Spans and logs are from {_time(one['first_time'])} to {_time(one['last_time'])} UTC.")
    return told


def _why(reason: dict[str, Any]) -> str:
    return f" ({reason['why']})" if reason["why"] else ""


def _time(text: str) -> str:
    return text[:16].replace("T", " ")


def tell_listed(found: Sequence[Json], *, as_json: bool) -> None:
    """The imports of a project."""
    if as_json:
        shell.json_lines(found)
        return
    rows = [
        {
            "file": one["file"], "format": one["format"], "begun": _time(one["started_at"]), "state": state(one),
            "received": one["received"], "stored": one["stored"], "duplicate": one["duplicate"],
            "rejected": one["rejected"], "by": one["author"] or "",
        }
        for one in found
    ]  # fmt: skip
    shell.table(rows, "Nothing was imported yet. `assay import FILE` imports a file.")


def state(one: Json) -> str:
    """Whether an import has ended, in words."""
    if one["ended_at"]:
        return "whole"
    return "failed" if one["fault"] else f"{one['read_bytes'] / one['bytes']:.0%} read" if one["bytes"] else "begun"
