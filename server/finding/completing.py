"""What may be typed on in a line: fields, and values that the data of the window have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from store.finding import completion, fields
from store.finding.completion import Offer, Typing
from store.queries.facets import span_values, trace_facets
from store.queries.success import score_names

_COUNTED = frozenset({
    "status", "service", "environment", "release", "name", "model", "provider", "prompt", "variant", "tag", "error",
    "user", "session",
})  # fmt: skip
"""Fields of a trace whose values `trace_facets` counts."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Whose values are offered: of traces of a project that started in [since, until)."""

    con: DuckDBPyConnection
    project_id: int
    since: datetime
    until: datetime


def complete(scene: Scene, line: str, at: int) -> tuple[Typing | None, list[Offer]]:
    """What is typed at `at` (null: nothing that can be completed), and what it may become, the likeliest first."""
    told = completion.typing(line, at)
    if told is None:
        return None, []
    if told.field is not None:
        return told, completion.values(_values(scene, told))
    head, dot, part = told.part.partition(".")
    if dot and head in fields.KEYED and not (told.within and head == "score"):
        return told, completion.keys(told, f"{head}.", _keys(scene, head, part.strip('"')))
    return told, completion.names(told)


def _values(scene: Scene, told: Typing) -> list[tuple[str, int | None]]:
    field, part = told.field, told.part or None
    if field is None or field.kind not in {"text", "attribute"}:
        return []
    if field.of_span:
        rows = _of_spans(scene, field.name, told.key or None, part)
        return [(row["value"], row["spans"]) for row in rows]
    window = (scene.since, scene.until)
    if field.name not in _COUNTED:
        return []
    table = trace_facets(scene.con, scene.project_id, *window, completion.MOST, field.name, part)
    return [(row["value"], row["traces"]) for row in table.to_pylist()]


def _of_spans(scene: Scene, field: str, key: str | None, part: str | None) -> list[dict[str, Any]]:
    window = (scene.since, scene.until)
    rows: list[dict[str, Any]] = span_values(
        scene.con, scene.project_id, *window, field, key, part, completion.MOST
    ).to_pylist()
    return rows


def _keys(scene: Scene, head: str, part: str) -> list[str]:
    """Names of attributes, or of scores."""
    if head == "attr":
        return [str(row["value"]) for row in _of_spans(scene, "attr.", None, part or None)]
    names = score_names(scene.con, scene.project_id, scene.since, completion.MOST_NAMES)["name"].to_pylist()
    return [str(name) for name in names if part.lower() in str(name).lower()][: completion.MOST]
