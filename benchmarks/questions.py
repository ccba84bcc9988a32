"""CPU time of the questions behind Cost and Latency, asked in this process of a store that `pages.py --keep` filled.

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
from store.queries import calls, hardware, latency, success

ROUNDS = 7
WINDOW = timedelta(days=30)


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
            **{f"latency_by {by}": lambda by=by: latency.latency_by(*window, by) for by in ("model", "session")},
            "latency_quantiles": lambda: latency.latency_quantiles(*window),
            "hardware_by": lambda: hardware.hardware_by(*window, hourly),
            "cost_per_success": lambda: success.cost_per_success(*window, score, 0.5),
        }
        print(f"{'question':24} {'CPU ms':>8} {'median ms':>10}")
        for name, question in asked.items():
            cpu, median = timed(question)
            print(f"{name:24} {cpu:8.0f} {median:10.0f}", flush=True)
    database.close()


def timed(question: Callable[[], pa.Table]) -> tuple[float, float]:
    """Mean CPU time, and the median time, of hot answers in milliseconds."""
    question()
    walls, began = [], time.process_time()
    for _ in range(ROUNDS):
        at = time.perf_counter()
        question()
        walls.append(time.perf_counter() - at)
    return (time.process_time() - began) / ROUNDS * 1e3, sorted(walls)[ROUNDS // 2] * 1e3


if __name__ == "__main__":
    main()
