"""How often rates and differences that labels correct hold the truth, and how long pages wait with 100,000 labels.

    python benchmarks/judges.py                       # 1,000 samples a line, and a server; some minutes
    python benchmarks/judges.py --only coverage --samples 400
    python benchmarks/judges.py --only pages --labels 20000

Fails where corrected intervals hold the truth in fewer than 93 %, where those of the judge alone do in more than 60 %,
or where a page waits longer than 300 ms for what is known.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _server import Server

from server.calibration.asking import Asked
from server.calibration.estimates import apart, estimates
from server.client import Client
from server.judges.pairing import joined
from server.judges.people import Said

LEAST, MOST_NAIVE, PAGE_S = 0.93, 0.6, 0.3
METHODS = ("judge_only", "human_only", "ppi", "rogan_gladen")
AT_ONCE = 1_000


def drawn(n: int, labels: int, rates: tuple[float, float], rng: np.random.Generator) -> tuple[pd.DataFrame, Said]:
    """Two variants of n answers each, of which so many at random are labelled; the judge is kind to the second.

    It says yes to 0.9 of what people do, and to 0.2 of the first's other answers and 0.45 of the second's.
    """
    variant = np.repeat([0, 1], n)
    truth = rng.random(2 * n) < np.array(rates)[variant]
    yes = rng.random(2 * n) < np.where(truth, 0.9, np.array([0.2, 0.45])[variant])
    targets = np.arange(2 * n, dtype=np.uint64)
    rows = pd.DataFrame({
        "target": targets, "trace": targets, "whole": True, "cluster": targets, "value": yes.astype(float),
        "label": None, "variant": np.array(["a", "b"], object)[variant],
    })  # fmt: skip
    kept = np.sort(np.concatenate([rng.choice(n, labels, replace=False) + at * n for at in (0, 1)]))
    size = kept.size
    people = Said(
        "right", targets[kept], targets[kept], np.ones(size, bool), truth[kept].astype(float),
        np.full(size, None, object), np.ones(size, np.int64), np.zeros(size, bool), {}, 0, None, None,
    )  # fmt: skip
    return rows, people


def of_coverage(samples: int, rng: np.random.Generator) -> list[str]:
    wrong = []
    print("coverage of 95 % intervals, and mean width        " + " ".join(f"{name:>14}" for name in METHODS))
    for n, labels, rates in ((500, 50, (0.7, 0.6)), (1000, 100, (0.7, 0.6)), (1000, 200, (0.85, 0.7))):
        for what in ("rate of b", "b less a"):
            held, wide = dict.fromkeys(METHODS, 0), dict.fromkeys(METHODS, 0.0)
            truth = rates[1] if what == "rate of b" else rates[1] - rates[0]
            for _ in range(samples):
                rows, people = drawn(n, labels, rates, rng)
                pairs = joined(rows, people, {}).pairs
                column = rows["variant"].to_numpy(object)
                sides = [pairs.of(column == name) for name in ("a", "b")]
                found = estimates(sides[1], Asked()) if what == "rate of b" else apart(*sides, Asked())
                for one in found:
                    if one.of.low is not None and one.of.high is not None:
                        held[one.method] += one.of.low <= truth <= one.of.high
                        wide[one.method] += one.of.high - one.of.low
            design = f"{labels:>4} labels of {n:,} a variant, {what}"
            told = " ".join(f"{held[name] / samples:>7.3f} {wide[name] / samples:.3f} " for name in METHODS)
            print(f"{design:<50}{told}", flush=True)
            if held["ppi"] / samples < LEAST and labels >= 100:
                wrong.append(f"{design}: corrected intervals too often miss the truth")
            if held["judge_only"] / samples > MOST_NAIVE:
                wrong.append(f"{design}: the judge alone holds the truth, and the simulation shows nothing")
    return wrong


def of_pages(labels: int, rng: np.random.Generator) -> list[str]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder)) as server,
        Client(server.api, timeout_s=120) as client,
    ):
        _filled(client, labels, rng)
        marks = [("all judges, worked out anew", lambda: client.judges(20), 1)]
        marks += [
            ("a card, worked out anew", lambda: client.judge("grade"), 1),
            ("trust, as pages ask for it", lambda: client.trust(0.2), 20),
            ("all judges, as the page asks for them", lambda: client.judges(0.2), 20),
            ("a card that is known", lambda: client.judge("grade"), 20),
        ]
        wrong = []
        for what, ask, times in marks:
            took = []
            for _ in range(times):
                began = time.perf_counter()
                ask()
                took.append(time.perf_counter() - began)
            middle, worst = 1000 * statistics.median(took), 1000 * max(took)
            print(f"{what:<40} {middle:>8.0f} ms, {worst:>8.0f} ms at most", flush=True)
            if times > 1 and statistics.median(took) > PAGE_S:
                wrong.append(f"{what} takes {1000 * statistics.median(took):.0f} ms with {labels:,} labels")
    return wrong


def _filled(client: Client, labels: int, rng: np.random.Generator) -> None:
    """So many labels of as many traces by five people, and twice as many scores of a judge."""
    truth = rng.random(2 * labels) < 0.7
    value = np.clip(rng.normal(np.where(truth, 0.7, 0.45), 0.15), 0, 1).round(4)
    scale = json.dumps({"low": 0, "high": 1, "better": "higher", "labels": []})
    for start in range(0, 2 * labels, AT_ONCE):
        every = range(start, min(start + AT_ONCE, 2 * labels))
        client.add_scores([
            {"trace_id": f"{at + 1:032x}", "name": "grade", "value": float(value[at]), "source": "llm",
             "evaluator": "judge", "evaluator_version": "1", "metadata": {"scale": scale}}
            for at in every
        ])  # fmt: skip
        if start < labels:
            client.add_scores([
                {"trace_id": f"{at + 1:032x}", "name": "grade", "value": float(truth[at]), "source": "human",
                 "evaluator": "grade", "author": f"p{at % 5}", "metadata": {"scale": scale}}
                for at in every if at < labels
            ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--labels", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["coverage", "pages"])
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    wrong: list[str] = []
    if asked.only in {None, "coverage"}:
        wrong += of_coverage(asked.samples, rng)
    if asked.only in {None, "pages"}:
        wrong += of_pages(asked.labels, rng)
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
