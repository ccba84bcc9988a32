"""A file and what is told of it to its pieces: which format it has, and the reader of that format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.importers import calls, langfuse, mlflow, otlp, phoenix
from collectors.importers.detecting import detected
from collectors.importers.opening import Opened, fingerprint, opened
from collectors.importers.pieces import Format, ImportFileError, Piece
from collectors.importers.records import names

Reader = Callable[[Opened, "How"], Iterator[Piece]]


@dataclass(frozen=True, slots=True)
class How:
    """How a file is read."""

    format: Format
    fingerprint: str  # of the file: ids of plain calls are made of it
    mapping: tuple[tuple[str, str], ...] = ()  # of plain calls: column, field
    source_project: str | None = None  # of an export: whose rows; null: of the only one that has any


def plan(
    path: Path,
    told: Format | None = None,
    mapping: tuple[tuple[str, str], ...] = (),
    source_project: str | None = None,
) -> How:
    """How to read a file or folder: as told, else as what it looks like.

    Raises:
        ImportFileError: it cannot be read, or looks like nothing that is imported.
    """
    if path.is_dir():
        if told not in (None, "parquet"):
            raise ImportFileError(f"{path} is a folder, and {told} is read from files. Name the files.")
        return How("parquet", _of_export(path, source_project), (), source_project)
    if told == "parquet":
        raise ImportFileError(f"{path} is a file. Name the folder that `assay export` wrote.")
    kind = told or detected(path)
    if kind != "calls":
        if mapping:
            raise ImportFileError(f"{path} is read as {kind}, whose columns are known. Leave --map out.")
        return How(kind, fingerprint(path))
    found = calls.guessed(columns_of(path), mapping)
    calls.check_whole(found)
    return How(kind, fingerprint(path), found)


def columns_of(path: Path) -> list[str]:
    """The columns of a file of records, in order; see `records.names`."""
    with opened(path) as file:
        return names(file, calls.MEMBERS)


def _of_export(path: Path, source_project: str | None) -> str:
    from collectors.importers import parquet  # noqa: PLC0415 - pyarrow takes a third of a second

    return parquet.hashed(parquet.opened_export(path, source_project))


def size_of(path: Path) -> int:
    """Bytes that will be read."""
    if not path.is_dir():
        return path.stat().st_size
    from collectors.importers import parquet  # noqa: PLC0415 - as above

    return parquet.size(parquet.Export(path, None))


def read(path: Path, how: How) -> Iterator[tuple[Piece, int]]:
    """The pieces of a file in order, each with how many bytes of the file were read so far.

    Raises:
        ImportFileError: the file cannot be read, or is not of the format.
    """
    if how.format == "parquet":
        from collectors.importers import parquet  # noqa: PLC0415 - as above

        yield from parquet.pieces(parquet.opened_export(path, how.source_project))
        return
    with opened(path) as file:
        for piece in _READERS[how.format](file, how):
            yield piece, file.done()


_READERS: dict[Format, Reader] = {
    "otlp": lambda file, _: otlp.pieces(file),
    "langfuse": lambda file, _: langfuse.pieces(file),
    "phoenix": lambda file, _: phoenix.pieces(file),
    "mlflow": lambda file, _: mlflow.pieces(file),
    "calls": lambda file, how: calls.pieces(file, how.mapping, how.fingerprint),
}
