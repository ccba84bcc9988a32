"""Doors to standing rules. What moves is never cached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app import data


def rules() -> list[dict[str, Any]]:
    """The project's standing rules with their backlogs, by name; never cached, as jobs."""
    return data.client().rules()


def set_rule(name: str, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Set a rule. Raises ApiError, `refused`, where it cannot be carried out."""
    return data.client().set_rule(name, terms)


def delete_rule(name: str) -> None:
    """Take a rule away, with what waits of it; its scores stay."""
    data.client().delete_rule(name)


def rule_backlog(name: str, hours: int) -> dict[str, Any]:
    """What waits of a rule, and what it did by the hour; never cached."""
    return data.client().rule_backlog(name, hours)


def rule_queue(name: str) -> list[dict[str, Any]]:
    """Its parts, those that come next first; never cached."""
    return data.client().rule_queue(name)


def rule_failures(name: str) -> dict[str, Any]:
    """Targets that are not scored, and why; never cached."""
    return data.client().rule_failures(name)


def retry_failures(name: str, chosen: Mapping[str, str | None]) -> int:
    """Have failures scored again; how many targets."""
    return data.client().retry_failures(name, **chosen)


def backfill(name: str, since: datetime, until: datetime, *, dry_run: bool, **more: Any) -> dict[str, Any]:
    """Have stored traces scored by a rule, or what that would be."""
    return data.client().backfill(name, since, until, dry_run=dry_run, **more)


def preview_rule(terms: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """What a rule's evaluators say of the newest that match; nothing is stored."""
    return data.client().preview_rule(terms, count)
