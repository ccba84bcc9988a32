"""CPU time of the questions behind Cost, Latency and Cost integrity, asked of a store that `pages.py --keep` filled.

usage: python benchmarks/questions.py FOLDER

CPU time hardly depends on what else the machine does, so that two versions of the program can be compared within an
hour in which times of answers cannot. The store must have no server.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from store.database import Database
from store.queries import calls, hardware, integrity, latency, success

ROUNDS = 7
WINDOW = timedelta(days=30)
DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000


def main() -> None:
    if len(sys.argv) != 2:
        print(__doc__)
        return
    database = Database.open(Path(sys.argv[1]), "512MB")
    with database.lease() as con:
        newest = con.execute("select max(start_time) from calls").fetchall()[0][0]
        hourly = [
            row[0]
            for row in con.execute("select distinct price_version from calls where price_source = 'own'").fetchall()
        ]
        score = con.execute("select min(name) from scores").fetchall()[0][0]
        until = newest + timedelta(seconds=1)
        window = (con, 1, until - WINDOW, until)
        asked: dict[str, Callable[[], pa.Table]] = {
            "calls_totals": lambda: calls.calls_totals(*window),
            "calls_cost_per": lambda: calls.calls_cost_per(*window),
            **{
                f"calls_cost_by {by}": lambda by=by: calls.calls_cost_by(*window, by)
                for by in ("model", "session", "tag")
            },
            **{
                f"calls_cost_series {by}": lambda by=by: calls.calls_cost_series(*window, DAY_US, by)
                for by in ("session", "tag")
            },
            "calls_filters": lambda: calls.calls_filters(*window),
            **{
                f"latency_by {by}": lambda by=by: latency.latency_by(*window, by, kind="llm")
                for by in ("model", "session", "tag")
            },
            "latency_by tokens/s": lambda: latency.latency_by(*window, "model", "tokens_per_second", kind="llm"),
            "latency_quantiles": lambda: latency.latency_quantiles(*window),
            "latency_series": lambda: latency.latency_series(*window, DAY_US, kind="llm"),
            "latency_heat": lambda: latency.latency_heat(*window, HOUR_US, kind="llm"),
            "hardware_by": lambda: hardware.hardware_by(*window, hourly),
            **{
                f"cost_per_success {unit}": lambda unit=unit: success.cost_per_success(*window, score, 0.5, unit=unit)
                for unit in ("trace", "session")
            },
            "integrity_reported": lambda: integrity.integrity_reported(*window, "model"),
            "integrity_sample": lambda: integrity.integrity_sample(*window),
            "integrity_untold": lambda: integrity.integrity_untold(*window),
            "integrity_calls": lambda: integrity.integrity_calls(*window, "compared"),
        }
        print(f"{'question':24} {'CPU ms':>8} {'least ms':>10}")
        for name, question in asked.items():
            cpu, wall = timed(question)
            print(f"{name:24} {cpu:8.0f} {wall:10.0f}", flush=True)
    database.close()


def timed(question: Callable[[], pa.Table]) -> tuple[float, float]:
    """The least CPU time and the least time of hot answers, in milliseconds: other work on the machine adds to both."""
    question()
    walls, cpus = [], []
    for _ in range(ROUNDS):
        at, worked = time.perf_counter(), time.process_time()
        question()
        walls.append(time.perf_counter() - at)
        cpus.append(time.process_time() - worked)
    return min(cpus) * 1e3, min(walls) * 1e3


if __name__ == "__main__":
    main()
