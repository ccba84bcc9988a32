"""A piece of an import to what it held: what the receivers' decoders make of it, with the reader's own rejections."""

from __future__ import annotations

from collectors.errors import UndecodableError
from collectors.importers.pieces import Piece
from collectors.model import Decoded, Rejection, Signal
from collectors.otlp.jsonwire import decode_json
from collectors.otlp.protowire import decode_protobuf
from collectors.otlp.rejections import SAMPLE_LENGTH


def decoded_piece(piece: Piece) -> Decoded:
    """The spans or records of a piece of OTLP. Never raises for its data: what cannot be read is a rejection.

    A request that cannot be read at all counts as one item that was received and rejected.
    """
    signal: Signal = "traces" if piece.signal == "scores" else piece.signal
    found = Decoded(signal)
    for number, body in _requests(piece):
        try:
            _join(found, decode_protobuf(signal, body) if piece.encoding == "protobuf" else decode_json(signal, body))
        except UndecodableError as error:
            _refuse(found, Rejection("", "unreadable", f"{number}: {error}"[:SAMPLE_LENGTH]))
    for rejection in piece.rejected:
        _refuse(found, rejection)
    return found


def _requests(piece: Piece) -> list[tuple[str, bytes]]:
    if piece.encoding == "json-lines":
        return [(f"line {number}", line) for number, line in enumerate(piece.body.split(b"\n"), piece.first) if line]
    return [(f"from {piece.first} on", piece.body)] if piece.body else []


def _join(found: Decoded, more: Decoded) -> None:
    found.spans += more.spans
    found.logs += more.logs
    found.rejections += more.rejections
    for service, number in more.received.items():
        found.received[service] = found.received.get(service, 0) + number


def _refuse(found: Decoded, rejection: Rejection) -> None:
    found.rejections.append(rejection)
    found.received[rejection.service] = found.received.get(rejection.service, 0) + rejection.count
