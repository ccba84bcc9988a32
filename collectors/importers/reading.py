"""A file and what is told of it to its pieces: which format it has, and the reader of that format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.importers import otlp
from collectors.importers.detecting import detected
from collectors.importers.opening import Opened, fingerprint, opened
from collectors.importers.pieces import Format, Piece

Reader = Callable[[Opened, "How"], Iterator[Piece]]


@dataclass(frozen=True, slots=True)
class How:
    """How a file is read."""

    format: Format
    fingerprint: str  # of the file: ids of plain calls are made of it
    mapping: tuple[tuple[str, str], ...] = ()  # of plain calls: column, field


def plan(path: Path, told: Format | None = None, mapping: tuple[tuple[str, str], ...] = ()) -> How:
    """How to read a file: as told, else as what it looks like.

    Raises:
        ImportFileError: it cannot be read, or looks like nothing that is imported.
    """
    return How(told or detected(path), fingerprint(path), mapping)


def read(path: Path, how: How) -> Iterator[tuple[Piece, int]]:
    """The pieces of a file in order, each with how many bytes of the file were read so far.

    Raises:
        ImportFileError: the file cannot be read, or is not of the format.
    """
    with opened(path) as file:
        for piece in _READERS[how.format](file, how):
            yield piece, file.done()


_READERS: dict[Format, Reader] = {"otlp": lambda file, _: otlp.pieces(file)}
