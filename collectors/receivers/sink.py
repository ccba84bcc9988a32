"""What a receiver hands on, and to whom. The process that owns the store implements `Sink`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from collectors.model import Signal

Source = Literal["http-protobuf", "http-json", "grpc"]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One OTLP export request, inflated, not yet decoded."""

    signal: Signal
    source: Source
    body: bytes
    project: str | None  # value of `x-assayline-project`; null: the default project


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """What became of a request that was read: everything not rejected is on disk, or was there before."""

    rejected: int = 0
    message: str = ""  # set whenever rejected > 0; a message alone is a warning


class Sink(Protocol):
    """Takes requests until they are durable."""

    async def accept(self, request: ExportRequest) -> ExportOutcome:
        """Return once the request is committed.

        Raises:
            UndecodableError: nothing of it can be read; recorded by the sink.
            UnknownProjectError: no such project.
            UnavailableError: not stored, send again.
        """
        ...

    async def refuse(self, request: ExportRequest, reason: str, size: int) -> None:
        """Record a request that a receiver refused before decoding (too large, bad gzip); best effort."""
        ...
