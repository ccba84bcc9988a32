"""OTLP bytes to `collectors.model` values. Why single items are refused: see `rejections`."""

from __future__ import annotations

from typing import Literal

from collectors.model import Decoded, Signal
from collectors.otlp.jsonwire import decode_json
from collectors.otlp.protowire import decode_protobuf

__all__ = ["decode"]


def decode(signal: Signal, source: Literal["http-protobuf", "http-json", "grpc"], body: bytes) -> Decoded:
    """Decode one export request, inflated. A bad item becomes a rejection and its neighbours are kept.

    `sum(received.values())` = rows + sum of the rejections' counts, whatever the bytes. Rejections are summed up: one a
    (service, reason). Holds the interpreter lock; run it in a thread to keep an event loop answering.

    Raises:
        UndecodableError: the request as a whole cannot be read.
    """
    return decode_json(signal, body) if source == "http-json" else decode_protobuf(signal, body)
