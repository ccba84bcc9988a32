"""How long the page Compare waits: ten runs of 5,000 items in ten metrics, from a store, with 2,000 draws.

    python benchmarks/compare_page.py [--items 5000] [--variants 10]

It stores runs in a temporary folder, asks three times for their comparison with the first, and prints how long each
answer took, by the clock and of a core, reading the rows included. It ends with an error when the quickest takes two
seconds of a core or more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from server.aside import asking
from server.compare import runs
from server.compare.answer import Question
from server.compare.runs import Variant
from store import runs as stored
from store.database import Database

EVALUATORS = 5  # as values; the other five metrics are of the target
SCALE = {"low": 0.0, "high": 1.0, "labels": [], "better": "higher", "unit": None}
SUITE = "suite"


def rows(items: int, shift: float, rng: np.random.Generator) -> pa.Table:
    """A run's rows: skewed costs and latencies, scores between 0 and 1."""
    scores = np.clip(rng.beta(4, 2, (items, EVALUATORS)) + shift, 0, 1)
    measured = np.column_stack([rng.lognormal(6, 0.8, items), rng.lognormal(-7, 1, items)])
    tokens = rng.integers(20, 900, (items, 2))
    names = [*(f"score_{at}" for at in range(EVALUATORS)), "target.latency_ms", "target.cost_usd",
             "target.input_tokens", "target.output_tokens"]  # fmt: skip
    values = np.column_stack([scores, measured, tokens])
    made = [
        {"place": at, "repeat": 0, "item": f"q{at}", "cluster": f"c{at // 5}", "content": f"{at:012x}", "status": "ok",
         "fails": False, "trace_id": None, "numbers": dict(zip(names, map(float, values[at]), strict=True)),
         "passed": {}, "failed": [], "line": "{}"}
        for at in range(items)
    ]  # fmt: skip
    return pa.Table.from_pylist(made, schema=stored.ROW_COLUMNS)


def store(con: DuckDBPyConnection, items: int, variants: int) -> list[Variant]:
    rng, told = np.random.default_rng(1), []
    ruler = {"evaluator": "score", "version": "1", "pass": None}
    names = [f"score_{at}" for at in range(EVALUATORS)]
    manifest = {"evaluators": dict.fromkeys(names, ruler), "dataset": {"clusters": items // 5}}
    summary = {"items": items, "evaluators": [{"name": name, "scale": SCALE} for name in names]}
    for at in range(variants):
        run_id, began = uuid4(), datetime(2026, 11, 1)  # noqa: DTZ001 - as the store has it
        stored.begin(con, 1, stored.NewRun(run_id, f"{SUITE}-{at}", began, "{}", "", items, None), timedelta(minutes=5))
        stored.add_rows(con, 1, run_id, rows(items, 0.01 * at, rng))
        told.append(Variant(run_id.hex, f"{SUITE}-{at}", SUITE, "", manifest, summary))
    return told


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--variants", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder))
        with database.lease() as con:
            variants = store(con, asked.items, asked.variants)
            ask, times = asking(con, 1), []
            for _ in range(3):
                began, spent = time.perf_counter(), time.process_time()
                found = runs.answer(ask, variants, Question(variants[0].name), None)
                times.append(time.process_time() - spent)
                many = f"{len(found['pairs'])} comparisons of {len(found['measures'])} measures"
                took = time.perf_counter() - began
                print(f"{took:.2f} s, {times[-1]:.2f} s of a core: {many}, {asked.items:,} items")
        database.close()
    if min(times) >= 2:
        sys.exit("The page takes two seconds of a core or more.")


if __name__ == "__main__":
    main()
