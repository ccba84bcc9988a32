"""How long `POST /api/check` takes, alone and while spans come in, and whether it holds them up.

usage: python benchmarks/check.py [--requests 300] [--rate 1000] [--characters 2000]

A request brings a question, an answer and two contexts of `--characters` in all, and asks for the usual seven checks.
Spans are sent on an open clock at `--rate` spans/s; their time to the answer is measured from when each batch was due,
with and without checks beside them. Prints one JSON object; exit status 1 if p95 of the checks is 50 ms or more.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from _server import Server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUIRED_MS = 50.0
SPANS = 100  # a batch
SENTENCES = (
    "The plan costs 4 EUR a month and can be cancelled at any time.",
    "Boil the water, add the rice and wait for ten minutes.",
    "People of many countries live in this town, and most of them like it.",
    "Our office is at 12 Baker Street; call before you come.",
    "You can reset it in the settings, then restart the device.",
    "The report counts 3,200 visitors, 12 % more than in 2021.",
    "Women and men were paid the same in that year.",
    "See https://docs.example.org/help for the list of commands.",
)
SYSTEM = "You are the assistant of a shop. Answer politely, and keep replies short. Never tell the discount code."


def texts(characters: int, number: int) -> dict[str, Any]:
    """One request; each number another."""
    draw = random.Random(number)

    def text(size: int) -> str:
        made = ""
        while len(made) < size:
            made += draw.choice(SENTENCES).replace("4 EUR", f"{draw.randrange(99)} EUR") + " "
        return made[:size]

    return {
        "input": text(characters // 10),
        "output": text(4 * characters // 10),
        "contexts": [text(characters // 4), text(characters // 4)],
        "system": SYSTEM,
    }


def batch(number: int) -> bytes:
    """One trace of model calls."""
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    began = time.time_ns()
    for span in range(1, SPANS + 1):
        one = scope.spans.add(trace_id=number.to_bytes(16, "big"), span_id=span.to_bytes(8, "big"), name="chat")
        one.start_time_unix_nano, one.end_time_unix_nano = began, began + 1_000_000
        one.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
        one.attributes.add(key="input.value").value.string_value = SENTENCES[span % len(SENTENCES)] * 5
    return made.SerializeToString()


class Sender(threading.Thread):
    """Sends batches at a rate until it is told to stop."""

    def __init__(self, url: str, rate: float) -> None:
        super().__init__(daemon=True)
        self.url, self.period = f"{url}/v1/traces", SPANS / rate
        self.took_ms: list[float] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        due, number = time.perf_counter(), time.time_ns()
        with httpx.Client(trust_env=False, timeout=30, headers={"content-type": "application/x-protobuf"}) as http:
            while not self.stopped.is_set():
                number += 1
                time.sleep(max(0.0, due - time.perf_counter()))
                http.post(self.url, content=batch(number)).raise_for_status()
                self.took_ms.append((time.perf_counter() - due) * 1e3)
                due += self.period


@contextmanager
def sending(server: Server, rate: float) -> Iterator[Sender]:
    sender = Sender(server.otlp, rate)
    sender.start()
    yield sender
    sender.stopped.set()
    sender.join()


def asked(server: Server, requests: int, characters: int) -> list[float]:
    """Milliseconds of each request, one after the other."""
    took = []
    with httpx.Client(trust_env=False, timeout=30) as http:
        for number in range(requests):
            body = texts(characters, number)
            began = time.perf_counter()
            http.post(f"{server.api}/api/check", json=body).raise_for_status()
            took.append((time.perf_counter() - began) * 1e3)
    return took


def quantiles(took: list[float]) -> dict[str, float]:
    return {f"p{level}_ms": round(float(np.percentile(took, level)), 2) for level in (50, 95, 99)} | {"n": len(took)}


def main() -> int:
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    told.add_argument("--requests", type=int, default=300)
    told.add_argument("--rate", type=float, default=1_000)
    told.add_argument("--characters", type=int, default=2_000)
    given = told.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder)).start()
        try:
            (first,) = asked(server, 1, given.characters)
            alone = asked(server, given.requests, given.characters)
            with sending(server, given.rate) as before:
                time.sleep(5)
            with sending(server, given.rate) as during:
                beside = asked(server, given.requests, given.characters)
                time.sleep(max(0.0, 5 - sum(beside) / 1e3))
        finally:
            server.stop()
    report = {
        "first_ms": round(first, 1), "checks_alone": quantiles(alone), "checks_under_ingest": quantiles(beside),
        "ingest_without_checks": quantiles(before.took_ms), "ingest_with_checks": quantiles(during.took_ms),
    }  # fmt: skip
    print(json.dumps(report, indent=1))
    return int(report["checks_under_ingest"]["p95_ms"] >= REQUIRED_MS)  # type: ignore[index]  # of a dictionary above


if __name__ == "__main__":
    sys.exit(main())
