"""The rows of a run that people have to look at: without an answer, with a verdict that failed or does not pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST = 200  # rows that a report shows


@dataclass(slots=True)
class Failing:
    """Rows that fail, in the order of the items."""

    rows: list[dict[str, Any]] = field(default_factory=list)  # the first of them, each with its item's case
    count: int = 0
    of: int = 0


def failing(rows: Iterable[dict[str, Any]], most: int = MOST) -> Failing:
    """The rows that fail; each of those kept has the `case` of its item, which only repeat 0 tells."""
    found = Failing()
    case: dict[str, Any] | None = None
    for row in rows:
        found.of += 1
        case = row["case"] if row["repeat"] == 0 else case
        if not fails(row):
            continue
        found.count += 1
        if len(found.rows) < most:
            found.rows.append({**row, "case": case or {}})
    return found


def fails(row: dict[str, Any]) -> bool:
    """Whether it has no answer, or a verdict that failed or does not pass."""
    return row["status"] == "error" or any(
        said["passed"] is False or said["status"] == "error" for said in row["verdicts"].values()
    )


def failed_of(row: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The verdicts of a row that failed or do not pass, by what the suite calls the evaluator."""
    return [
        (name, said)
        for name, said in row["verdicts"].items()
        if said["passed"] is False or (said["status"] == "error" and said.get("error_type") != "no_answer")
    ]


def value_text(said: dict[str, Any]) -> str:
    """What a verdict said, in a word."""
    if said["status"] != "ok":
        return str(said["status"]).replace("_", " ")
    parts = [] if said["value"] is None else [f"{said['value']:.4g}"]
    return ", ".join([*parts, *([] if said["label"] is None else [str(said["label"])])])
