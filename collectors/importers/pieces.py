"""What an import is made of: pieces of a file, each one request to the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import orjson

from collectors.errors import CollectorError, UndecodableError
from collectors.model import Rejection, Signal

MIB = 1024 * 1024
PIECE_BYTES = MIB  # a piece is sent as soon as it has as many; some 800 spans of 1.3 KB
PIECE_ITEMS = 2_000
MAX_PIECE_BYTES = 12 * MIB  # of one request; the API takes 16
MAX_ITEM_BYTES = 64 * MIB  # of one line, message or element; more is skipped and told
SAMPLE_CHARS = 200
_MOST_GAP = 100  # lines that were left out between two of a piece

Encoding = Literal["protobuf", "json", "json-lines", "rows"]
"""How a piece's body is written: one OTLP request, the same in JSON, one in JSON a line, rows of our own in Arrow."""
PieceSignal = Signal | Literal["scores"]
Format = Literal["otlp", "parquet", "langfuse", "phoenix", "mlflow", "calls"]
FORMATS: tuple[Format, ...] = ("otlp", "parquet", "langfuse", "phoenix", "mlflow", "calls")

REASONS = {
    "not_json": "the line is no JSON",
    "not_a_record": "it is no JSON object",
    "not_otlp": "it has none of resourceSpans, resourceLogs and resourceMetrics",
    "too_large": f"it is larger than {MAX_ITEM_BYTES // MIB} MiB, or cannot be divided into requests",
    "cut": "the file ends in the middle of it",
    "no_id": "it has no id, or none of its trace",
    "no_time": "it has no time that can be read",
    "no_content": "it has neither input nor output, and no tokens",
    "bad_value": "a member has a value that cannot be read",
    "unread_kind": "it is of a kind that is not imported",
    "no_span": "the span that it is about is not stored: import the spans first, then this file again",
}


class ImportFileError(CollectorError):
    """A file that cannot be imported at all: which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One request of an import. The same file gives the same pieces, so that their number says how far it went."""

    signal: PieceSignal
    encoding: Encoding
    body: bytes
    first: int = 1  # number of the first line, message or record in it, from 1
    rejected: tuple[Rejection, ...] = ()  # what the reader itself could not take


def packed(piece: Piece) -> bytes:
    """A piece as it is sent: a line of JSON, then the body."""
    rejected = [[one.service, one.reason, one.sample, one.count] for one in piece.rejected]
    head = {"signal": piece.signal, "encoding": piece.encoding, "first": piece.first, "rejected": rejected}
    return orjson.dumps(head) + b"\n" + piece.body


def unpacked(data: bytes) -> Piece:
    """The piece that was sent.

    Raises:
        UndecodableError: it is none.
    """
    head, _, body = data.partition(b"\n")
    try:
        told = orjson.loads(head)
        rejected = tuple(
            Rejection(str(service), str(reason), str(sample)[:SAMPLE_CHARS], int(count))
            for service, reason, sample, count in told["rejected"]
        )
        piece = Piece(told["signal"], told["encoding"], body, int(told["first"]), rejected)
    except (ValueError, TypeError, KeyError) as error:
        raise UndecodableError(f"The piece of an import has no head that can be read: {error}.") from error
    if piece.signal not in ("traces", "logs", "metrics", "scores") or piece.encoding not in (
        "protobuf", "json", "json-lines", "rows",
    ):  # fmt: skip
        raise UndecodableError(f"A piece holds {piece.signal!r} as {piece.encoding!r}, which no import has.")
    if (piece.signal == "scores") and piece.encoding != "rows":
        raise UndecodableError("A piece holds scores and no rows of them, which no import has.")
    return piece


def refused(reason: str, number: int, text: str, noun: str = "line") -> Rejection:
    """What is told of something that was left out: which, and how it begins."""
    return Rejection("", reason, f"{noun} {number}: {text}"[:SAMPLE_CHARS])


@dataclass
class Gathering:
    """Items that will be one piece. What joins them is handed in; another signal or encoding ends the piece."""

    noun: str = "line"
    signal: Signal = "traces"
    encoding: Encoding = "json"
    items: list[bytes] = field(default_factory=list)
    first: int = 1
    nbytes: int = 0
    rejected: list[Rejection] = field(default_factory=list)

    def refuse(self, reason: str, number: int, text: str) -> None:
        """Note something that cannot be taken."""
        self.rejected.append(refused(reason, number, text, self.noun))

    def full(self) -> bool:
        """Whether it is time to send it."""
        return self.nbytes >= PIECE_BYTES or len(self.items) >= PIECE_ITEMS or len(self.rejected) >= PIECE_ITEMS

    def fits(self, signal: Signal, encoding: Encoding, number: int) -> bool:
        """Whether an item of this kind may join those that are there."""
        near = number - self.first - len(self.items) < _MOST_GAP
        return not self.items or (near and (signal, encoding) == (self.signal, self.encoding))

    def add(self, signal: Signal, encoding: Encoding, item: bytes, number: int) -> None:
        """Put one more in; it must fit."""
        if not self.items:
            self.signal, self.encoding, self.first = signal, encoding, number
        if encoding == "json-lines":  # what was left out between keeps its place, so that numbers stay true
            self.items.extend([b""] * (number - self.first - len(self.items)))
        self.items.append(item)
        self.nbytes += len(item)

    def taken(self) -> Iterator[Piece]:
        """The piece, if there is something to tell; it is empty afterwards."""
        if self.items or self.rejected:
            body = _joined(self.signal, self.encoding, self.items)
            yield Piece(self.signal, self.encoding, body, self.first, tuple(self.rejected))
        self.items, self.rejected, self.nbytes = [], [], 0


RESOURCES: dict[Signal, str] = {"traces": "resourceSpans", "logs": "resourceLogs", "metrics": "resourceMetrics"}


def _joined(signal: Signal, encoding: Encoding, items: Sequence[bytes]) -> bytes:
    if encoding == "json-lines":
        return b"\n".join(items)
    if encoding == "json":
        return b'{"' + RESOURCES[signal].encode() + b'":[' + b",".join(items) + b"]}"
    return b"".join(items)  # messages of protobuf written one after the other are one message
