"""A store with the calls and scores that a test makes, and monitors whose clock is the test's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
import stores

from server.aside import Inline
from server.core import Core
from server.monitors import monitors
from server.monitors.loop import Monitoring
from server.monitors.terms import Terms
from server.settings import Settings
from store import alerts
from store import monitors as store

NOW = datetime(2026, 11, 26, 12)  # noqa: DTZ001 - a Thursday; UTC without a zone, as the store holds times
HOUR = timedelta(hours=1)


@dataclass
class World:
    """A store, and monitors over it."""

    core: Core
    watch: Monitoring
    made: int = 0  # traces

    def calls(self, service: str, since: datetime, hours: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """Calls of a service, hour by hour: of each how many (`n`), of these how many `failed`, and other columns."""
        rows = [
            {"failed": number < hour.get("failed", 0), **more, **hour.get("told", {}), **self._place(since, place, number, hour["n"])}
            for place, hour in enumerate(hours) for number in range(int(hour["n"]))
        ]  # fmt: skip
        stores.add_calls(self.core.writer, _frame(rows).assign(service=service, **CALL))

    def scores(self, service: str, since: datetime, hours: Sequence[Sequence[float | None]], version: str = "1") -> None:
        """A call an item, and a score `relevance` of it by a judge of this version; null: the judge failed."""
        rows = [
            {"value": value, **self._place(since, place, number, len(values))}
            for place, values in enumerate(hours) for number, value in enumerate(values)
        ]  # fmt: skip
        calls = _frame([{name: value for name, value in row.items() if name != "value"} for row in rows])
        stores.add_calls(self.core.writer, calls.assign(service=service, failed=False, **CALL))
        told = pd.DataFrame({
            "trace_id": calls["trace_id"], "span_id": 1, "value": [row["value"] for row in rows],
            "error_type": [None if row["value"] is not None else "Timeout" for row in rows], "time": calls["start_time"],
            "score_id": [row["trace_id"].int for row in rows],
        })  # fmt: skip
        told = told.assign(
            project_id=1, commit_seq=1, name="relevance", source="llm", evaluator="relevance", evaluator_version=version
        )
        stores.add(self.core.writer, "scores", told.assign(metadata=[{}] * len(told)))

    def _place(self, since: datetime, hour: int, number: int, of: int) -> dict[str, Any]:
        self.made += 1
        at = since + hour * HOUR + timedelta(seconds=3600 * (number + 0.5) / of)
        return {"trace_id": UUID(int=self.made), "start_time": at.replace(tzinfo=UTC)}

    def set(self, name: str, at: datetime = NOW, author: str = "ada", **terms: Any) -> store.Monitor:
        return monitors.put(self.core, "default", name, Terms.model_validate(terms), author, at)

    def one(self, name: str) -> store.Monitor:
        return monitors.one(self.core, "default", name)

    def looks(self, name: str) -> list[store.Look]:
        known = self.one(name)
        with self.core.readers.read() as con:
            return store.looks(con, known.monitor_id, 1_000)

    def alerts(self, name: str) -> list[alerts.Alert]:
        with self.core.readers.read() as con:
            return alerts.listed(con, 1, "all", name).alerts

    def turns(self, since: datetime, until: datetime, step: timedelta = HOUR) -> None:
        """As if the loop came by each hour."""
        at = since
        while at <= until:
            self.watch.rounds.turn(at)
            at += step


CALL = {"project_id": 1, "span_id": 1, "kind": "llm", "usage_role": "leaf", "price_status": "unknown_model"}


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    return frame.assign(tags=[[]] * len(frame))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("watched")
    stores.put_empty(folder)
    core = Core.open(Settings(data_dir=folder, min_free_bytes=0))
    yield World(core, Monitoring(core, Inline(core.readers)))
    core.close()
