"""The books: what was received, stored, dropped as a repeat, and rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from duckdb import DuckDBPyConnection

from store.batch import Batch, RejectedItems

SAMPLE_CHARS = 2000
INSERT_ROWS = 50  # a group has one or two rows; for so few, bound values take half the time of an Arrow table
_Account = tuple[int, str, str, str]  # project, source, service, signal


@dataclass
class _Counts:
    received: int = 0
    stored: int = 0
    duplicate: int = 0


@dataclass
class LedgerPage:
    """What one group commit books: one row per account, and one per account and reason of rejection."""

    counts: dict[_Account, _Counts] = field(default_factory=dict)
    rejections: dict[tuple[_Account, str], RejectedItems] = field(default_factory=dict)

    def receive(self, batch: Batch) -> None:
        """Book what the decoder counted, and what it rejected."""
        for service, received in (
            batch.received or {"": 0}
        ).items():  # a row even for nothing: it carries the watermark
            self._account(batch, service).received += received
        for items in batch.rejected:
            self.reject(batch, items)

    def reject(self, batch: Batch, items: RejectedItems) -> None:
        """Book rejected items; of several samples the first stays."""
        account = (batch.project_id, batch.source, items.service, batch.signal)
        before = self.rejections.get((account, items.reason))
        count = items.count + (before.count if before else 0)
        sample = before.sample if before else items.sample[:SAMPLE_CHARS]
        self.rejections[account, items.reason] = RejectedItems(items.service, items.reason, sample, count)

    def settle(self, batch: Batch, service: str, stored: int, duplicate: int) -> None:
        """Book the items of one service that were stored, or were there before."""
        account = self._account(batch, service)
        account.stored += stored
        account.duplicate += duplicate

    def _account(self, batch: Batch, service: str) -> _Counts:
        return self.counts.setdefault((batch.project_id, batch.source, service, batch.signal), _Counts())

    def write(self, cursor: DuckDBPyConnection, commit_seq: int, now: datetime) -> None:
        """Add the rows to `ledger_entries` in the cursor's transaction."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        rows: list[tuple[object, ...]] = [
            (*account, n.received, n.stored, n.duplicate, 0, None, None) for account, n in self.counts.items()
        ]
        rows += [(*account, 0, 0, 0, r.count, r.reason, r.sample) for (account, _), r in self.rejections.items()]
        for start in range(0, len(rows), INSERT_ROWS):
            part = rows[start : start + INSERT_ROWS]
            places = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(part))
            values = [value for project, *rest in part for value in (project, commit_seq, hour, *rest)]
            cursor.execute(f"insert into ledger_entries values {places}", values)


def rejected_whole(batch: Batch, reason: str, sample: str) -> list[RejectedItems]:
    """Everything of a batch that was received and is not rejected already, per service, as rejected."""
    before: dict[str, int] = {}
    for items in batch.rejected:
        before[items.service] = before.get(items.service, 0) + items.count
    rest = {service: received - before.get(service, 0) for service, received in batch.received.items()}
    return [RejectedItems(service, reason, sample[:SAMPLE_CHARS], n) for service, n in rest.items() if n > 0]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request that could not be read at all; becomes one row of `refused_requests`."""

    project_id: int | None  # null: the project is unknown
    time: datetime  # UTC
    source: str
    signal: str
    bytes: int
    reason: str
    sample: str | None = None


def record_refusals(cursor: DuckDBPyConnection, refusals: Iterable[Refusal]) -> None:
    """Add the rows; run it through `Writer.call`."""
    cursor.executemany(
        "insert into refused_requests values (?, ?, ?, ?, ?, ?, ?)",
        [
            (r.project_id, r.time, r.source, r.signal, r.bytes, r.reason, r.sample and r.sample[:SAMPLE_CHARS])
            for r in refusals
        ],
    )
