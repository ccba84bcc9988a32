"""A store with the calls and scores that a test makes, and monitors whose clock is the test's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pandas as pd
import stores
from summaries import summarise

from server.core import Core
from server.monitors import monitors
from server.monitors.loop import Monitoring
from server.monitors.terms import Terms
from store import alerts
from store import monitors as store

NOW = datetime(2026, 11, 26, 12)  # noqa: DTZ001 - a Thursday; UTC without a zone, as the store holds times
HOUR = timedelta(hours=1)


@dataclass
class World:
    """A store, and monitors over it."""

    core: Core
    watch: Monitoring
    project: str
    project_id: int

    def calls(self, service: str, since: datetime, hours: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """Calls of a service, hour by hour: of each how many (`n`), of these how many `failed`, and other columns."""
        rows = [
            {
                "failed": number < hour.get("failed", 0), **more, **hour.get("told", {}),
                **_place(since, place, number, hour["n"]),
            }
            for place, hour in enumerate(hours) for number in range(int(hour["n"]))
        ]  # fmt: skip
        stores.add_calls(self.core.writer, _frame(rows).assign(project_id=self.project_id, service=service, **CALL))

    def scores(
        self, service: str, since: datetime, hours: Sequence[Sequence[float | None]], version: str = "1"
    ) -> None:
        """A call an item, and a score `relevance` of it by a judge of this version; null: the judge failed."""
        rows = [
            {"value": value, **_place(since, place, number, len(values))}
            for place, values in enumerate(hours) for number, value in enumerate(values)
        ]  # fmt: skip
        calls = _frame([{name: value for name, value in row.items() if name != "value"} for row in rows])
        stores.add_calls(
            self.core.writer, calls.assign(project_id=self.project_id, service=service, failed=False, **CALL)
        )
        summarise(self.core.writer)
        told = pd.DataFrame({
            "trace_id": calls["trace_id"], "span_id": 1, "value": [row["value"] for row in rows],
            "error_type": [None if row["value"] is not None else "Timeout" for row in rows],
            "time": calls["start_time"],
            "score_id": [row["trace_id"].int for row in rows],
        })  # fmt: skip
        told = told.assign(
            project_id=self.project_id,
            commit_seq=1,
            name="relevance",
            source="llm",
            evaluator="relevance",
            evaluator_version=version,
        )
        stores.add(self.core.writer, "scores", told.assign(metadata=[{}] * len(told)))

    def set(self, name: str, at: datetime = NOW, author: str = "ada", **terms: Any) -> store.Monitor:
        return monitors.put(self.core, self.project, name, Terms.model_validate(terms), author, at)

    def one(self, name: str) -> store.Monitor:
        return monitors.one(self.core, self.project, name)

    def looks(self, name: str) -> list[store.Look]:
        known = self.one(name)
        with self.core.readers.read() as con:
            return store.looks(con, known.monitor_id, 1_000)

    def alerts(self, name: str) -> list[alerts.Alert]:
        with self.core.readers.read() as con:
            return alerts.listed(con, self.project_id, "all", name).alerts

    def turns(self, since: datetime, until: datetime, step: timedelta = HOUR) -> None:
        """As if the loop came by each hour."""
        at = since
        while at <= until:
            self.watch.rounds.of_project(self.project_id, at)
            at += step


TRACES = itertools.count(1)
CALL = {"span_id": 1, "kind": "llm", "usage_role": "leaf", "price_status": "unknown_model"}


def _place(since: datetime, hour: int, number: int, of: int) -> dict[str, Any]:
    at = since + hour * HOUR + timedelta(seconds=3600 * (number + 0.5) / of)
    return {"trace_id": UUID(int=next(TRACES)), "start_time": at.replace(tzinfo=UTC)}


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    return frame.assign(tags=[[]] * len(frame))
