"""SIGKILL the server at random moments under load: are acknowledged spans all there, once, in whole requests?

usage: python benchmarks/crash.py [--rounds 20]

Senders behave as exporters do: an unanswered or refused request is sent again, byte for byte, until it is acknowledged.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from _server import Server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS = 50  # a request; each request is one trace, so that a half request shows as a short trace


def request(trace: int) -> bytes:
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    start = time.time_ns()
    for number in range(1, SPANS + 1):
        span = scope.spans.add(name="step", trace_id=trace.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"))
        span.start_time_unix_nano, span.end_time_unix_nano = start + number, start + number + 1000
        span.attributes.add(key="input.value").value.string_value = "word " * 100
    return message.SerializeToString()


@dataclass
class Senders:
    """Threads that send until told to stop, over every restart."""

    server: Server
    acked: set[int] = field(default_factory=set)
    sent: set[int] = field(default_factory=set)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, seed: int) -> None:
        rng = random.Random(seed)
        while not self.stopping.is_set():
            trace = rng.getrandbits(127) + 1
            body = request(trace)
            self.sent.add(trace)
            while not self.stopping.is_set():
                if self._acknowledged(body):
                    self.acked.add(trace)
                    break
                time.sleep(0.02)

    def _acknowledged(self, body: bytes) -> bool:
        try:
            headers = {"content-type": "application/x-protobuf"}
            return httpx.post(f"{self.server.otlp}/v1/traces", content=body, headers=headers, timeout=5).is_success
        except httpx.HTTPError:
            return False


def check(server: Server, acked: set[int]) -> dict[str, int]:
    """Compare what is stored with what was acknowledged."""
    lines = httpx.get(f"{server.api}/api/totals", timeout=120, headers={"accept": "application/json"}).json()
    spans = {int(line["trace_id"], 16): line["spans"] for line in lines}
    return {
        "acked_requests": len(acked),
        "lost": len(acked - spans.keys()),
        "half": sum(n < SPANS for n in spans.values()),
        "doubled": sum(n > SPANS for n in spans.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data").start()
        senders = Senders(server)
        threads = [threading.Thread(target=senders.run, args=(options.seed * 100 + n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for number in range(options.rounds):
            time.sleep(rng.uniform(0.2, 2.0))
            server.kill()
            server.start()
            print(f"round {number + 1}: killed and back, {len(senders.acked)} requests acknowledged so far")
        time.sleep(1)
        senders.stopping.set()
        for thread in threads:
            thread.join()
        result = check(server, set(senders.acked))
        server.stop()
        print(f"{options.rounds} kills:", result)
        if result["lost"] or result["half"] or result["doubled"]:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
