"""What happened beside a value that moved: releases, prompts and their labels, models, evaluators, alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from server.aside import Ask

MOST = 500

What = Literal["release", "prompt", "label", "model", "evaluator", "normaliser", "alert"]
RULERS: frozenset[What] = frozenset({"evaluator", "normaliser"})
"""What measures otherwise from then on: a value that moves with it need not have moved."""
CAUSES: tuple[What, ...] = ("release", "prompt", "label", "model")
"""What somebody changed, and may take back."""

ATTRIBUTES: Mapping[str, str] = {"release": "release", "prompt": "prompt", "label": "prompt", "model": "model"}
"""Of what somebody changed, the attribute of calls that has it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that happened."""

    at: datetime  # UTC without a zone
    what: What
    name: str | None  # of the service, prompt, requested model, score or monitor; null: unknown, or the normaliser
    before: str | None  # version, release or model; null: it replaced nothing
    after: str | None  # of alerts the severity; null: a label was taken away
    text: str  # a sentence
    label: str | None = None  # of a move of a label, its name


def marks(ask: Ask, since: datetime, until: datetime, where: Mapping[str, Any] | None = None) -> list[Mark]:
    """What happened in [since, until), by time; of more than `MOST` the first `MOST`, and one more."""
    filters = dict(where or {})
    rows = ask("markers", since=since, until=until, max_rows=MOST + 1, **filters).to_pylist()
    found = [_mark(row) for row in rows]
    told = ask("marker_fingerprints", since=since, until=until, max_rows=MOST + 1, **filters).to_pylist()
    found += [_fingerprint(row) for row in told]
    return sorted(found, key=lambda one: one.at)[: MOST + 1]


def answer(ask: Ask, since: datetime, until: datetime, where: Mapping[str, Any]) -> dict[str, Any]:
    """The marks as `GET /api/markers` has them."""
    found = marks(ask, since, until, where)
    return {"markers": found[:MOST], "cut": len(found) > MOST}


def _mark(row: Mapping[str, Any]) -> Mark:
    label = row["detail"] if row["what"] == "label" else None
    text = _TEXTS[row["what"]](row)
    return Mark(row["happened_at"], row["what"], row["name"], row["before"], row["after"], text, label)


def _fingerprint(row: Mapping[str, Any]) -> Mark:
    text = (
        f"The system behind {row['name']} tells the fingerprint {row['after']} from about then on; before "
        f"{row['before']}."
    )
    return Mark(row["happened_at"], "model", row["name"], row["before"], row["after"], text)


def _release(row: Mapping[str, Any]) -> str:
    of = f" of {row['name']}" if row["name"] else ""
    return f"First call of release {row['after']}{of}{_before(row)}."


def _prompt(row: Mapping[str, Any]) -> str:
    return f"First call of version {row['after']} of prompt {row['name']}{_before(row)}."


def _model(row: Mapping[str, Any]) -> str:
    if row["before"] is None:
        known = "" if row["after"] == row["name"] else f", answered by {row['after']}"
        return f"First call of model {row['name']}{known}."
    return f"Model {row['name']} is answered by {row['after']} for the first time{_before(row)}."


def _evaluator(row: Mapping[str, Any]) -> str:
    return f"{row['name']} is scored by {row['after']} from then on{_before(row)}."


def _normaliser(row: Mapping[str, Any]) -> str:
    return f"Spans are read by version {row['after']} of the normaliser from then on{_before(row)}."


def _label(row: Mapping[str, Any]) -> str:
    label = f"Label {row['detail']} of prompt {row['name']}"
    if row["after"] is None:
        return f"{label} was taken away from version {row['before']}."
    if row["before"] is None:
        return f"{label} was put on version {row['after']}."
    return f"{label} moved from version {row['before']} to {row['after']}."


def _alert(row: Mapping[str, Any]) -> str:
    return f"Alert of monitor {row['name']} ({row['after']}): {row['detail']}"


def _before(row: Mapping[str, Any]) -> str:
    return "" if row["before"] is None else f"; before {row['before']}"


_TEXTS = {
    "release": _release, "prompt": _prompt, "model": _model, "evaluator": _evaluator, "normaliser": _normaliser,
    "label": _label, "alert": _alert,
}  # fmt: skip
