"""Spans a second acknowledged after commit, ack p99 at half that rate, bytes a span on disk.

usage: python benchmarks/ingest.py [--traces 30000] [--style openinference|genai]

The load generator runs beside the server on the same machine, as in the figures for other products.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from _server import Server, shared

BATCH = 500
REQUIRED = 15_000  # spans/s


def load(generator: Path, server: Server, traces: int, style: str, seed: int) -> dict[str, Any]:
    """Run the load generator once; its own report."""
    command = [sys.executable, str(generator), f"{server.otlp}/v1/traces", "--traces", str(traces)]
    command += ["--batch", str(BATCH), "--conc", "4", "--style", style, "--seed", str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def paced(generator: Path, server: Server, rate: float, seconds: float, style: str) -> dict[str, float]:
    """Send batches on an open clock at `rate` spans/s; quantiles of the time to each answer, in ms.

    Latency is counted from when a batch was due, so a stalled server cannot hide its stall.
    """
    sys.path.insert(0, str(generator.parent))
    import otlp_load  # noqa: PLC0415 - lies outside the project

    bodies = otlp_load.bodies(int(rate * seconds / 10), 10, BATCH, 1.0, style, int(rate))
    latencies: list[float] = []
    lock = threading.Lock()
    start = time.perf_counter() + 0.2
    todo = iter(enumerate(bodies))

    def work() -> None:
        with httpx.Client(timeout=60, headers={"content-type": "application/x-protobuf"}) as client:
            while True:
                with lock:
                    item = next(todo, None)
                if item is None:
                    return
                due = start + item[0] * BATCH / rate
                time.sleep(max(0.0, due - time.perf_counter()))
                client.post(f"{server.otlp}/v1/traces", content=item[1][1]).raise_for_status()
                with lock:
                    latencies.append((time.perf_counter() - due) * 1000)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    latencies.sort()
    share = {"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1.0}
    return {name: round(latencies[min(len(latencies) - 1, int(len(latencies) * q))], 1) for name, q in share.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=30_000)
    parser.add_argument("--style", default="openinference")
    options = parser.parse_args()
    generator = shared("otlp_load.py")
    if generator is None:
        return
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder) / "data") as server:
        load(generator, server, 500, options.style, seed=1)  # warm up
        before = server.cpu_s()
        report = load(generator, server, options.traces, options.style, seed=2)
        spans = report["acked"]
        report["server_cpu_us_per_span"] = round((server.cpu_s() - before) / spans * 1e6, 1)
        httpx.get(f"{server.api}/api/totals", params={"limit": 1}, timeout=300)  # lets the resolver catch up
        report["server_cpu_us_per_span_resolved"] = round((server.cpu_s() - before) / spans * 1e6, 1)
        print("full speed:", json.dumps(report))
        for rate in (REQUIRED / 2, report["spans_per_s"] / 2):
            print(f"at {rate:.0f} spans/s:", json.dumps(paced(generator, server, rate, 30, options.style)), flush=True)
        (row,) = httpx.get(f"{server.api}/api/ledger", timeout=60).json()
        print("ledger:", json.dumps(row))
        print("rss_mb:", round(server.rss_mb()))
        server.stop()
        print(f"bytes a span on disk: {server.disk_bytes() / row['stored']:.0f}")


if __name__ == "__main__":
    main()
