"""What a monitor saw at one time, before it is known whether that counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. Null figures are unknown."""

    at: datetime  # end of the window
    value: float | None = None
    expected: float | None = None
    low: float | None = None  # 95 % interval about what is expected
    high: float | None = None
    n: float | None = None
    effect: float | None = None  # in the policy's unit
    p: float | None = None  # of no change; null: the check has no test, or there was too little
    counts: bool | None = None  # of checks without a test; null with a null p: too little data
    note: str | None = None
    why: str | None = None  # of too little data: what is missing


def told(one: Seen) -> dict[str, Any]:
    """As JSON."""
    return asdict(one) | {"at": one.at.isoformat()}


def read(row: dict[str, Any]) -> Seen:
    """From JSON."""
    return Seen(**{**row, "at": datetime.fromisoformat(row["at"])})
