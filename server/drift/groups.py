"""Two groups of calls that are to be compared. Apart from what compares them, which only a process beside loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MOST = 20_000  # rows a side
SCORES = 10  # names, those with most values, where nobody names any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """One side: calls started in [since, until) that match the filters."""

    since: datetime  # UTC without a zone
    until: datetime
    where: Json

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.since, self.until


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared."""

    reference: Group
    current: Group
    signals: Sequence[str] | None = None  # null: all that an item has a value of by itself
    scores: Sequence[str] | None = None  # names; null: those with most values
    alpha: float = 0.05
    most: int = MOST

    @property
    def groups(self) -> tuple[Group, Group]:
        return self.reference, self.current
