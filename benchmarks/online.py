"""A standing rule while spans come in: its backlog over time and the time to drain it; ingest and pages beside it.

usage: python benchmarks/online.py [--rate 1000] [--seconds 60] [--share 0.1]

First so many spans a second alone, then with a rule that scores a share of the traces by groundedness and toxicity, in
one worker. Traces have ten spans, one of which retrieved, and start when they are sent. Afterwards the scores are
counted: each trace of the sample has one of each evaluator.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from _server import Server, shared
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.client import Client

SPANS, BATCH = 10, 100  # of a trace, of a request
RULE, EVALUATORS = "watched", ("groundedness", "toxicity")
DRAIN_S = 300.0


class Sender:
    """Requests on an open clock; the time to each answer is counted from when the request was due."""

    def __init__(self, server: Server, generator: Path) -> None:
        sys.path.insert(0, str(generator.parent))
        import otlp_load  # noqa: PLC0415 - lies outside the project

        self._load, self._url = otlp_load, f"{server.otlp}/v1/traces"
        self._rng = random.Random(7)

    def _body(self, service: str, starts_ns: int) -> bytes:
        """`BATCH` spans of traces that start then."""
        request = ExportTraceServiceRequest()
        held = request.resource_spans.add()
        held.resource.attributes.append(self._load.kv("service.name", service))
        scope = held.scope_spans.add()
        for _ in range(BATCH // SPANS):
            told = self._load.trace(self._rng, SPANS, 1.0, "openinference", 0)
            shift = starts_ns - told[0][4]
            for place, (trace_id, span_id, parent, name, start, end, attributes, failed) in enumerate(told):
                span = scope.spans.add(trace_id=trace_id, span_id=span_id, parent_span_id=parent, name=name)
                span.start_time_unix_nano, span.end_time_unix_nano = start + shift, end + shift
                span.attributes.extend(attributes)
                if place == 2:
                    key = "retrieval.documents.0.document.content"
                    span.attributes.append(self._load.kv(key, self._load.text(self._rng, 800)))
                if failed:
                    span.status.code = 2
        return request.SerializeToString()

    def bodies(self, rate: float, seconds: float, service: str) -> list[bytes]:
        """What `run` sends, built before the clock starts: the traces are as old as that takes."""
        now, step = time.time_ns(), BATCH / rate * 1e9
        return [self._body(service, now + int(place * step)) for place in range(int(rate * seconds / BATCH))]

    def run(self, bodies: list[bytes], rate: float) -> list[float]:
        """Milliseconds to each answer."""
        took: list[float] = []
        begins, lock, todo = time.perf_counter() + 0.2, threading.Lock(), iter(enumerate(bodies))

        def work() -> None:
            with httpx.Client(timeout=60, trust_env=False, headers={"content-type": "application/x-protobuf"}) as http:
                while True:
                    with lock:
                        item = next(todo, None)
                    if item is None:
                        return
                    at = begins + item[0] * BATCH / rate
                    time.sleep(max(0.0, at - time.perf_counter()))
                    http.post(self._url, content=item[1]).raise_for_status()
                    took.append((time.perf_counter() - at) * 1e3)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return took


@contextmanager
def visitor(server: Server) -> Iterator[dict[str, list[float]]]:
    """Asks what Home and Traces ask, once a second each; milliseconds to the answers."""
    over, took = threading.Event(), {"home_totals": list[float](), "traces": list[float]()}

    def work() -> None:
        with Client(server.api) as client:
            while not over.wait(1.0):
                until = datetime.now(UTC)
                window = {"since": until - timedelta(hours=1), "until": until}
                for name, times in took.items():
                    began = time.perf_counter()
                    client.query(name, **window)
                    times.append((time.perf_counter() - began) * 1e3)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join()


@contextmanager
def worker(server: Server) -> Iterator[psutil.Process]:
    environment = {**server.env, "ASSAY_API_URL": server.api}
    with (server.data_dir / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("assay")), "worker"], env=environment, stdout=log, stderr=log
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def watcher(server: Server) -> Iterator[list[tuple[float, dict[str, Any]]]]:
    """The rule's backlog every five seconds."""
    over, seen, began = threading.Event(), list[tuple[float, dict[str, Any]]](), time.perf_counter()

    def work() -> None:
        with Client(server.api) as client:
            while not over.wait(5.0):
                seen.append((time.perf_counter() - began, client.rule(RULE)["backlog"]))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def told(name: str, ingest: list[float], pages: dict[str, list[float]]) -> None:
    at = [statistics.quantiles(ingest, n=100)[place] for place in (49, 98)]
    said = ", ".join(f"{key} p95 {statistics.quantiles(took, n=20)[18]:.0f} ms" for key, took in pages.items())
    print(f"{name}: ingest p50 {at[0]:.1f} ms, p99 {at[1]:.1f} ms; {said}", flush=True)


def sampled(client: Client, share: float) -> int:
    """How many traces the rule has to score, by the hash of their ids as the description of the sample has it."""
    client.settle(DRAIN_S)
    within = f"(md5_number_lower(trace_id::varchar) // 2048) * power(2, -53) < {share}"
    question = f"select count(*) as n from trace_summaries where service = '{RULE}' and {within}"
    return int(client.sql_rows(question).rows[0]["n"])


def drained(client: Client, targets: int) -> float:
    """Seconds till so many targets are scored, at most `DRAIN_S`."""
    began = time.perf_counter()
    while time.perf_counter() - began < DRAIN_S and client.rule(RULE)["backlog"]["targets_ever"] < targets:
        time.sleep(0.5)
    return time.perf_counter() - began


def checked(client: Client, targets: int) -> None:
    """Each trace of the sample has one score of each evaluator."""
    rows = client.sql_rows(
        "with counted as (select trace_id, name, count(*) as n from main.scores group by all) "
        "select name, count(*) as traces, max(n) as most from counted group by name order by name"
    ).rows
    for row in rows:
        print(f"{row['name']}: {row['traces']:,} of {targets:,} traces scored, {row['most']} time at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1_000, help="spans a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--share", type=float, default=0.1)
    options = parser.parse_args()
    generator = shared("otlp_load.py")
    if generator is None:
        return
    os.environ.pop("ASSAY_API_URL", None)
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder) / "data") as server:
        sender, rate = Sender(server, generator), options.rate
        sender.run(sender.bodies(rate, 5, "load"), rate)  # warm up
        with Client(server.api) as client, worker(server) as process:
            bodies = sender.bodies(rate, options.seconds, "load")
            cpu = server.cpu_s()
            with visitor(server) as pages:
                ingest = sender.run(bodies, rate)
            client.settle(DRAIN_S)
            told("alone", ingest, pages)
            print(f"CPU of the server: {server.cpu_s() - cpu:.1f} s")
            bodies = sender.bodies(rate, options.seconds, RULE)
            terms = {"evaluators": list(EVALUATORS), "sample_rate": options.share, "filter": {"service": RULE}}
            client.set_rule(RULE, terms)
            cpu, busy, began = server.cpu_s(), process.cpu_times().user, time.perf_counter()
            with visitor(server) as pages, watcher(server) as seen:
                ingest = sender.run(bodies, rate)
            took = time.perf_counter() - began
            told("with the rule", ingest, pages)
            print(f"{len(bodies) * BATCH / took:.0f} spans/s sent")
            for at, waits in seen:
                print(f"  {at:5.0f} s: {waits['pending']:,} pending, {waits['targets_ever']:,} scored")
            ended = time.perf_counter()
            targets = sampled(client, options.share)
            drained(client, targets)
            took = time.perf_counter() - ended
            print(f"drained {took:.0f} s after the last span, the quiet time of 15 s included")
            checked(client, targets)
            spent = server.cpu_s() - cpu, process.cpu_times().user - busy
            each = spent[1] / targets * 1e3
            print(f"CPU until then: server {spent[0]:.1f} s, worker {spent[1]:.1f} s, {each:.1f} ms a target")
            print(f"worker: {process.memory_info().rss / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
