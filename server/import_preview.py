"""What a file looks like before it is imported: format, first records, and of plain calls which column is what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from collectors.importers import calls
from collectors.importers.detecting import detected, first_rows
from collectors.importers.opening import fingerprint
from collectors.importers.pieces import Format, ImportFileError
from collectors.importers.reading import columns_of

ROWS = 5
CHARS = 300  # of one value
FIELDS = (*calls.FIELDS, calls.IGNORED)


def previewed(path: Path, told: Format | None, mapping: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """`format`, `bytes`, `fingerprint`; `columns`, `mapping` and `fault` of plain calls; the first `rows`.

    `fault` says what the mapping lacks; without one, and with a format, the file can be imported.

    Raises:
        ImportFileError: it cannot be read, or looks like nothing that is imported.
    """
    kind = told or detected(path)
    found: dict[str, Any] = {
        "format": kind, "bytes": path.stat().st_size, "fingerprint": fingerprint(path), "columns": [], "mapping": [],
        "fault": None, "rows": [], "fields": list(FIELDS),
    }  # fmt: skip
    if kind == "calls":
        columns = columns_of(path)
        fields = calls.guessed(columns, mapping)
        found |= {"columns": columns, "mapping": fields, "fault": _fault(fields)}
    if kind not in ("otlp", "parquet"):
        found["rows"] = [_shown(row) for row in first_rows(path)[:ROWS]]
    return found


def _fault(mapping: tuple[tuple[str, str], ...]) -> str | None:
    try:
        calls.check_whole(mapping)
    except ImportFileError as error:
        return str(error)
    return None


def _shown(row: dict[str, Any]) -> dict[str, str]:
    return {str(name)[:100]: str(value)[:CHARS] for name, value in list(row.items())[:40]}
