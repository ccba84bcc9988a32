"""Doors to agreement in queues. The server keeps its answers until a label changes, so that nothing is cached here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import data

Row = dict[str, Any]


def agreement(queue: str, field: str, by: str | None, weights: str, between: tuple[str, str] | None) -> Row:
    """The answer of one field, and of the queue what was left out; see `GET .../agreement`."""
    return data.client().queue_agreement(queue, field, by, weights, between)


def disputes(queue: str, field: str, state: str, numbers: Sequence[int] = (), **page: int) -> Row:
    """Items whose labels of a field differ; see `GET .../disputes`. `page`: limit, after."""
    return data.client().queue_disputes(queue, field, state, numbers, **page)


def decide(  # noqa: PLR0917 - what is decided
    queue: str, number: int, field: str, answer: Any, why: str, author: str
) -> None:
    """Say which answer counts; null takes it back. Raises ApiError, `refused`, where it does not fit."""
    data.client().decide(queue, number, field, answer, why.strip() or None, author)
