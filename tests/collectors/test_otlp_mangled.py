"""Damaged captures: whatever is done to the bytes, they are decoded under the law of the count, or undecodable."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors import frames
from collectors.errors import UndecodableError
from collectors.model import Decoded, Signal
from collectors.normalise import normalise
from collectors.otlp import decode
from collectors.receivers.sink import Source

CAPTURES = Path(__file__).with_name("captures")
NAMES = sorted(path.name for path in CAPTURES.iterdir() if path.suffix in {".pb", ".json"})
ROUNDS = 150


def flip(body: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1 :]


def cut(body: bytes, rng: random.Random) -> bytes:
    return body[: rng.randrange(len(body))]


def drop(body: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + body[at + rng.randrange(1, 9) :]


def insert(body: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + rng.randbytes(rng.randrange(1, 9)) + body[at:]


def overwrite(body: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(body)), rng.randrange(1, 17)
    return body[:at] + bytes([rng.choice([0x00, 0x7F, 0x80, 0xFF, 0x22])]) * size + body[at + size :]


def repeat(body: bytes, rng: random.Random) -> bytes:
    start, end = sorted((rng.randrange(len(body)), rng.randrange(len(body))))
    return body[:end] + body[start:]


def send(name: str, body: bytes) -> Decoded:
    _, signal, form = name.split(".")
    source: Source = "http-json" if form == "json" else "http-protobuf"
    return decode(_signal(signal), source, body)


def _signal(name: str) -> Signal:
    return next(signal for signal in ("traces", "logs", "metrics") if signal == name)


def stored_rows(decoded: Decoded) -> int:
    """Rows of the Arrow tables; building them must not fail either."""
    spans = frames.span_table(decoded.spans, [normalise(span) for span in decoded.spans])
    frames.origin_table([row.origin for row in (*decoded.spans, *decoded.logs)])
    return int(spans.num_rows + frames.log_table(decoded.logs).num_rows)


@pytest.mark.parametrize("name", NAMES)
def test_captures_are_decoded_whole(name: str) -> None:
    decoded = send(name, (CAPTURES / name).read_bytes())
    kept = stored_rows(decoded)
    assert sum(decoded.received.values()) == kept + sum(each.count for each in decoded.rejections) > 0
    assert {each.reason for each in decoded.rejections} <= {"metrics_not_stored"}


@pytest.mark.parametrize("mangle", [flip, cut, drop, insert, overwrite, repeat])
@pytest.mark.parametrize("name", NAMES)
def test_mangled_captures(name: str, mangle: Callable[[bytes, random.Random], bytes]) -> None:
    whole = (CAPTURES / name).read_bytes()
    rng = random.Random(f"{name} {mangle.__name__}")
    kept = 0
    for _ in range(ROUNDS):
        body = mangle(whole, rng)
        try:
            decoded = send(name, body)
        except UndecodableError:
            continue
        rows = stored_rows(decoded)
        assert sum(decoded.received.values()) == rows + sum(each.count for each in decoded.rejections), body
        kept += rows
    # Damage that moves nothing leaves the frames whole most of the time, and then the spans are kept.
    assert kept > ROUNDS / 4 or mangle not in {flip, overwrite} or "metrics" in name or name.endswith(".json")
