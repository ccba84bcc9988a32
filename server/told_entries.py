"""Entries of a YAML file that each have a name: read, and set one after the other by the server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from evaluators.documents import DocumentError, LineOf, entries
from server.client import ApiError
from server.yaml_lines import line_in, parsed

MAX_DOCUMENT = 1_000_000  # letters
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of a file."""

    name: str
    terms: Row  # all but the name
    where: str  # in the file, for errors


def read(
    path: Path, key: str, kind: type[BaseModel], check: Callable[[Any, str, LineOf], None] | None = None
) -> list[Told]:
    """The entries of a file `KEY: [...]`, in its order; `-` is standard input.

    Args:
        path: of the file.
        key: what its list is called.
        kind: of an entry; it has a `name`.
        check: told the document, its origin and how lines are found, before the entries are read.

    Raises:
        DocumentError: it cannot be read or breaks a rule; names the line, the key and the nearest key that there is.
    """
    origin = "Standard input" if str(path) == "-" else str(path)
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path} cannot be read: {error}") from error
    document = parsed(text, origin, MAX_DOCUMENT, DocumentError)

    def line_of(steps: tuple[str | int, ...]) -> int:
        return line_in(text, steps)

    if check is not None:
        check(document, origin, line_of)
    told = (one.model_dump(mode="json") for one in entries(document, key, kind, origin, line_of))
    return [Told(one.pop("name"), one, f"{origin}, line {line_of((key, place))}") for place, one in enumerate(told)]


def set_each(told: Sequence[Told], put: Callable[[Told], Row], label: Callable[[Told], str]) -> list[Row]:
    """What the server says of each, as it is now. `label`: how an error names an entry.

    Raises:
        DocumentError: the server refuses one; says which, and that those before it are set.
    """
    made: list[Row] = []
    for one in told:
        try:
            made.append(put(one))
        except ApiError as error:
            if error.kind != "refused":
                raise
            kept = f" Set before it: {', '.join(str(row['name']) for row in made)}." if made else ""
            raise DocumentError(f"{label(one)}: {error.message}{kept}") from error
    return made
