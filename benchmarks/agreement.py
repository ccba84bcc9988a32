"""How often intervals of agreement and of corrected rates hold the truth, by simulation; and 100,000 labels in time.

    python benchmarks/agreement.py            # 2,000 samples a line, some minutes
    python benchmarks/agreement.py --samples 400 --only rates

Fails where corrected rates of 100 labels or more hold the truth in fewer than 93 %, or the judge alone in more than
60 % of the samples with 200 labels or more.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise

import numpy as np

from analytics import consensus
from analytics import prediction_powered as ppi
from analytics.agreement import COEFFICIENTS, agreement
from analytics.misclassified import Counts, rogan_gladen
from analytics.prediction_powered import Rows
from analytics.ratings import Ratings, ratings

LEAST, MOST_NAIVE = 0.93, 0.6
RATES = ("judge", "labels", "ppi", "strata", "rogan")


def labelled(  # noqa: PLR0917 - a design of a simulation
    items: int, people: int, categories: int, skill: float, missing: float, rng: np.random.Generator
) -> Ratings:
    """Items whose true label people know with a chance, and else guess; the first two labels of each are there."""
    truth = rng.choice(categories, items, p=np.arange(categories, 0, -1) / np.arange(1, categories + 1).sum())
    item, person = np.repeat(np.arange(items), people), np.tile(np.arange(people), items)
    said = np.where(rng.random(item.size) < skill, truth[item], rng.integers(0, categories, item.size))
    kept = (person < 2) | (rng.random(item.size) >= missing)
    names = tuple(str(at) for at in range(categories))
    return Ratings(
        item[kept], person[kept], said[kept].astype(np.intp), np.arange(items), np.arange(people), names,
        np.arange(categories, dtype=float), True,
    )  # fmt: skip


def of_agreement(samples: int, rng: np.random.Generator) -> None:
    """The truth is the coefficient of half a million labels drawn alike."""
    print(
        "\ncoverage of 95 % intervals       "
        + " ".join(f"{name.replace('krippendorff_', '')[:13]:>13}" for name in COEFFICIENTS)
    )
    for items, people, categories, skill, missing in (
        (20, 2, 2, 0.8, 0.0), (50, 2, 2, 0.8, 0.0), (50, 2, 2, 0.95, 0.0), (200, 2, 3, 0.7, 0.0), (50, 4, 4, 0.7, 0.4),
        (200, 5, 4, 0.6, 0.4),
    ):  # fmt: skip
        truth = {
            one.coefficient: one.value for one in agreement(labelled(100_000, people, categories, skill, missing, rng))
        }
        held, told = dict.fromkeys(COEFFICIENTS, 0), dict.fromkeys(COEFFICIENTS, 0)
        for _ in range(max(samples // 4, 50)):
            for one in agreement(labelled(items, people, categories, skill, missing, rng)):
                if one.ci_low is not None and one.ci_high is not None:
                    told[one.coefficient] += 1
                    held[one.coefficient] += one.ci_low <= truth[one.coefficient] <= one.ci_high
        design = f"{items:>4} items {people} people {categories} labels {skill:.2f}"
        print(design, " ".join(f"{held[name] / max(told[name], 1):>13.3f}" for name in COEFFICIENTS), flush=True)


def judged(
    n: int, total: int, rates: tuple[float, ...], rng: np.random.Generator, *, sure: bool
) -> tuple[Rows, np.ndarray]:
    """A judge that says yes to .95 of what people do, and to .3 of what they do not; or that gives scores."""
    strata = rng.integers(0, len(rates), total)
    truth = (rng.random(total) < np.array(rates)[strata]).astype(float)
    yes = (rng.random(total) < np.where(truth == 1, 0.95, 0.3)).astype(float)
    score = 1 / (1 + np.exp(-(2 * truth - 0.4 + rng.normal(size=total))))
    human = np.where(np.arange(total) < n, truth, np.nan)
    return Rows(human, yes if sure else score, np.arange(total)), strata


def of_rates(samples: int, rng: np.random.Generator) -> list[str]:
    wrong = []
    print("\ncoverage and mean width               " + " ".join(f"{name:>13}" for name in RATES))
    for n, total, rates, sure in (
        (50, 500, (0.3, 0.6, 0.9), True), (100, 1000, (0.3, 0.6, 0.9), True), (200, 2000, (0.3, 0.6, 0.9), True),
        (200, 500, (0.3, 0.6, 0.9), True), (100, 1000, (0.3, 0.6, 0.9), False), (100, 1000, (0.85, 0.9, 0.95), True),
        (200, 2000, (0.85, 0.9, 0.95), True), (400, 20_000, (0.02, 0.05, 0.08), True),
    ):  # fmt: skip
        held, wide, count = np.zeros(len(RATES)), np.zeros(len(RATES)), np.zeros(len(RATES))
        for _ in range(samples):
            rows, strata = judged(n, total, rates, rng, sure=sure)
            for at, found in enumerate(_intervals(rows, strata, sure=sure)):
                if found is not None:
                    held[at] += found[0] <= np.mean(rates) <= found[1]
                    wide[at] += found[1] - found[0]
                    count[at] += 1
        share, width = held / np.maximum(count, 1), wide / np.maximum(count, 1)
        design = f"{n:>4} labels of {total:>6,}, rate {np.mean(rates):.2f}, {'yes/no' if sure else 'scores'}"
        print(
            design, " ".join(f"{one:>6.3f} {other:.3f} " for one, other in zip(share, width, strict=True)), flush=True
        )
        good = [name for at, name in enumerate(RATES[2:], 2) if count[at] and share[at] < LEAST and n >= 100]
        wrong += [f"{design}: {name} too often beside the truth" for name in good]
        if share[0] > MOST_NAIVE and n >= 200 and sure:
            wrong.append(f"{design}: the judge alone holds the truth, and the simulation shows nothing")
    return wrong


def _intervals(rows: Rows, strata: np.ndarray, *, sure: bool) -> list[tuple[float, float] | None]:
    made = [ppi.judged(rows), ppi.labelled(rows), ppi.powered(rows), ppi.stratified(rows, ppi.pooled(rows, strata))]
    told = [one.estimate(share=True) for one in made]
    there = rows.labelled
    human, judge = rows.human[there] == 1, rows.judge[there] == 1
    counts = Counts(
        int(rows.judge[~there].sum()), int((~there).sum()), int((judge & human).sum()), int(human.sum()),
        int((~judge & ~human).sum()), int((~human).sum()),
    ) if sure else None  # fmt: skip
    corrected = rogan_gladen(counts) if counts is not None else "scores"
    found: list[tuple[float, float] | None] = [
        (one.low, one.high) if one.low is not None and one.high is not None else None for one in told
    ]
    both = None if isinstance(corrected, str) else (corrected.low, corrected.high)
    return [*found, both]  # type: ignore[list-item]  # it has both ends


def of_time() -> None:
    print("\nCPU seconds of 100,000 labels              read  coefficients  consensus")
    rng = np.random.default_rng(0)
    for items, people, categories in (
        (50_000, 2, 2),
        (33_333, 3, 3),
        (5_000, 20, 5),
        (1_000, 100, 5),
        (33_333, 3, 20),
    ):
        drawn = labelled(items, people, categories, 0.7, 0.0, rng)
        columns = [drawn.ids[drawn.items], drawn.names[drawn.labellers], drawn.labels]
        texts = [[f"{prefix}{one}" for one in column] for prefix, column in zip(("i", "p", ""), columns, strict=True)]
        marks = [time.process_time()]
        found = ratings(*texts)
        marks.append(time.process_time())
        agreement(found)
        marks.append(time.process_time())
        consensus.consensus(found)
        marks.append(time.process_time())
        told = " ".join(f"{after - before:>11.2f}" for before, after in pairwise(marks))
        print(f"{items:>7,} items {people:>3} people {categories:>3} labels {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["time", "rates", "agreement"])
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    wrong: list[str] = []
    if asked.only in {None, "time"}:
        of_time()
    if asked.only in {None, "rates"}:
        wrong = of_rates(asked.samples, rng)
    if asked.only in {None, "agreement"}:
        of_agreement(asked.samples, rng)
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
