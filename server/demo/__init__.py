"""The sample data: real conversations and answers of public data sets, sent through our own OTLP endpoint.

What is in it, where it comes from and under which licence stands in `datasets/`. Times are shifted so that the newest
span ends at `newest`; every resource says so with `assayline.sample = true`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from server.demo import airline, captures, llmdrift, ragtruth
from server.demo.export import Export
from server.demo.sender import DemoRefusedError, Sender

__all__ = ["DemoDataMissingError", "DemoRefusedError", "DemoReport", "datasets_folder", "exports", "last_trace", "load"]


class DemoDataMissingError(Exception):
    """The sample data is not beside the code: only a checkout of the repository has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"No sample data at {folder}. It is part of the repository, not of the installed package.")


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What was sent, and how much of it the receiver took; a retry that was recognised counts as taken."""

    traces: int
    spans_sent: int
    spans_accepted: int
    logs_sent: int
    logs_accepted: int
    newest: datetime  # end of the newest span, UTC


def datasets_folder() -> Path:
    """The folder `datasets` beside the packages."""
    return Path(__file__).resolve().parents[2] / "datasets"


def exports(newest: datetime, folder: Path | None = None) -> Iterator[Export]:
    """All sample data as OTLP requests, the same bytes for the same `newest` and data.

    Raises:
        DemoDataMissingError: the folder is not there.
    """
    from server.demo import replayed  # noqa: PLC0415 - loads the store, which the supervisor does not need

    where = folder or datasets_folder()
    if not where.is_dir():
        raise DemoDataMissingError(where)
    end_ns = int(newest.timestamp()) * 1_000_000_000
    yield from llmdrift.exports(where / "llmdrift", end_ns)
    yield from ragtruth.exports(where / "ragtruth-qa", end_ns)
    yield from airline.exports(where / "taubench-airline", end_ns)
    yield from captures.exports(where / "captures", end_ns)
    yield from replayed.exports(where / "llmdrift", end_ns)


def last_trace(folder: Path | None = None) -> UUID:
    """The trace that ends at `newest`: where it is stored already, its end tells the `newest` of the load before."""
    where = folder or datasets_folder()
    if not where.is_dir():
        raise DemoDataMissingError(where)
    return UUID(bytes=llmdrift.last_trace(where / "llmdrift"))


def load(otlp_http_url: str, newest: datetime | None = None, folder: Path | None = None) -> DemoReport:
    """Send the sample data to an OTLP/HTTP endpoint, such as `http://127.0.0.1:4318`. Takes some seconds.

    `newest` is when the newest span ends, to the second; default: now. Ids do not depend on it, and the store knows a
    retry by id and time: a second load makes no second copy when it gets the `newest` of the first (`last_trace`).

    Raises:
        DemoDataMissingError: there is no sample data beside the code.
        DemoRefusedError: the endpoint cannot be reached, or refused a request.
    """
    end = (newest or datetime.now(UTC)).replace(microsecond=0)
    sent, accepted, traces = {"traces": 0, "logs": 0}, {"traces": 0, "logs": 0}, set[bytes]()
    with Sender(otlp_http_url) as sender:
        for export in exports(end, folder):
            rejected = sender.send(export)
            sent[export.signal] += export.items
            accepted[export.signal] += export.items - rejected
            traces |= export.traces
    return DemoReport(len(traces), sent["traces"], accepted["traces"], sent["logs"], accepted["logs"], end)
