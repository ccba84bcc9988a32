"""Rows of results as columns that statistics are made of: compact, so that a hundred thousand items cost little."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.suites.suite import MEASURED

NAN = float("nan")


@dataclass(slots=True)
class Codes:
    """Texts as numbers, in the order in which they came first."""

    names: list[str] = field(default_factory=list)
    _of: dict[str, int] = field(default_factory=dict)

    def code(self, name: str) -> int:
        """Its number, a new one for a new name."""
        found = self._of.setdefault(name, len(self.names))
        if found == len(self.names):
            self.names.append(name)
        return found

    def find(self, name: str) -> int | None:
        """Its number; null: it has not come."""
        return self._of.get(name)


@dataclass(slots=True)
class Said:
    """What one evaluator said, a number a row."""

    value: array[float] = field(default_factory=lambda: array("d"))  # NaN: none
    passed: array[float] = field(default_factory=lambda: array("d"))  # 1, 0; NaN: neither
    failed: array[float] = field(default_factory=lambda: array("d"))  # 1: the verdict is an error; else 0
    label: array[float] = field(default_factory=lambda: array("d"))  # code; NaN: none
    labels: Codes = field(default_factory=Codes)
    statuses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)  # by type
    reasons: dict[str, str] = field(default_factory=dict)  # the first of each type of error, as it was told

    def add(self, row: dict[str, Any]) -> None:
        """One more verdict."""
        status, value, label, passed = row["status"], row["value"], row["label"], row["passed"]
        ok = status == "ok"
        self.statuses[status] += 1
        if status == "error":
            _note(self.errors, self.reasons, row)
        self.value.append(value if ok and value is not None else NAN)
        self.label.append(self.labels.code(label) if ok and label is not None else NAN)
        self.passed.append(NAN if passed is None else float(passed))
        self.failed.append(float(status == "error"))


@dataclass(slots=True)
class Columns:
    """All rows of one run."""

    evaluators: dict[str, Said] = field(default_factory=dict)
    items: Codes = field(default_factory=Codes)
    contents: list[str] = field(default_factory=list)  # of each item
    clusters: Codes = field(default_factory=Codes)
    item: array[int] = field(default_factory=lambda: array("q"))  # code of each row
    cluster: array[int] = field(default_factory=lambda: array("q"))
    failed: array[float] = field(default_factory=lambda: array("d"))  # 1: there is no answer; else 0
    measured: dict[str, array[float]] = field(default_factory=lambda: {name: array("d") for name in MEASURED})
    errors: Counter[str] = field(default_factory=Counter)  # of answers, by type
    reasons: dict[str, str] = field(default_factory=dict)  # the first of each of those types
    cut: int = 0
    held_back: int = 0
    judges_usd: float | None = None  # known cost of verdicts; null: none is known

    @property
    def rows(self) -> int:
        """Answers, with those that failed."""
        return len(self.item)

    def add(self, row: dict[str, Any]) -> None:
        """One more row of results."""
        code = self.items.code(row["item"])
        if code == len(self.contents):
            self.contents.append(row["content"])
        self.item.append(code)
        self.cluster.append(self.clusters.code(row["cluster"]))
        error = row["status"] == "error"
        self.failed.append(float(error))
        if error:
            _note(self.errors, self.reasons, row)
        self.cut += bool(row["cut"])
        self.held_back += bool(row["held_back"])
        told = {**row["usage"], **row["measured"]}
        for name, numbers in self.measured.items():
            numbers.append(NAN if told.get(name) is None else told[name])
        for spent in row["measured"].get("spent", {}).values():
            if spent["cost_usd"] is not None:
                self.judges_usd = (self.judges_usd or 0.0) + spent["cost_usd"]
        for name, verdict in row["verdicts"].items():
            self.evaluators.setdefault(name, Said()).add(verdict)

    def item_codes(self) -> NDArray[np.int64]:
        """The item of each row."""
        return np.frombuffer(self.item, np.int64) if self.item else np.empty(0, np.int64)

    def cluster_codes(self) -> NDArray[np.int64]:
        """The cluster of each row."""
        return np.frombuffer(self.cluster, np.int64) if self.cluster else np.empty(0, np.int64)


def _note(errors: Counter[str], reasons: dict[str, str], row: dict[str, Any]) -> None:
    kind = row.get("error_type") or "unknown"
    errors[kind] += 1
    reasons.setdefault(kind, row.get("reason") or "")


def columns_of(rows: Iterable[dict[str, Any]]) -> Columns:
    """The columns of rows of results."""
    found = Columns()
    for row in rows:
        found.add(row)
    return found


def numbers(values: array[float]) -> NDArray[np.float64]:
    """The array without a copy."""
    return np.frombuffer(values, np.float64) if values else np.empty(0)
