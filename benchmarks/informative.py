"""How many errors of judges as many labels find: informative samples against random ones, on recorded verdicts.

    python benchmarks/informative.py          # some seconds; fails where all judges of a set together are found less

LLMBar (four judges, two orders each), PandaLM (two judges, three people), and `groundedness` on RAGTruth's test split.
A figure is errors among what is taken over errors that as many at random hold; the mean of 200 orders of the draw, as
equals are taken in that order. `weighted` is the rate of errors that a weighted sample estimates, beside the true one.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics import informative
from analytics.columns import Bools, Floats
from analytics.informative import Judge
from evaluators.case import Case
from evaluators.groundedness import Groundedness
from evaluators.runner import run

ROOT = Path(__file__).parents[1]
ORDERS, BUDGETS = 200, (25, 50, 100)
NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Judges of one set, and which of their verdicts people find wrong: [judge, answer]."""

    name: str
    judges: list[Judge]
    wrong: Bools


def llmbar() -> Recorded:
    """A value is the mean of both orders; the verdict that people are asked about is that of the first."""
    with gzip.open(ROOT / "tests/evaluators/data/llmbar/vanilla.jsonl.gz") as file:
        rows = [json.loads(line) for line in file]
    won, names = {"1": 1.0, "2": 0.0}, list(rows[0]["judges"])
    said = np.array([[[won.get(one, NAN) for _, one in row["judges"][name]] for row in rows] for name in names])
    people = np.array([row["label"] == 1 for row in rows])
    judges = [_judge(name, values.mean(axis=1)) for name, values in zip(names, said, strict=True)]
    return Recorded("LLMBar", judges, said[:, :, 0] != people)


def pandalm() -> Recorded:
    """Labels of two judges, against what most of three people say."""
    with (ROOT / "tests/analytics/data/pandalm/labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ("gpt35", "pandalm7b")
    votes = [[row[f"annotator{number}"] for number in (1, 2, 3)] for row in rows]
    people = np.array([max(sorted(set(one)), key=one.count) for one in votes])
    none = np.full(len(rows), NAN)
    judges = [Judge(name, none, [row[name] for row in rows], none) for name in names]
    return Recorded("PandaLM", judges, np.array([[row[name] for row in rows] for name in names]) != people)


def ragtruth() -> Recorded:
    """`groundedness` says yes from its threshold on; people marked what is not supported, or nothing."""
    with gzip.open(ROOT / "datasets/ragtruth-qa/answers.jsonl.gz") as file:
        rows = [json.loads(line) for line in file]
    passages = ([part.strip() for part in re.split(r"passage \d+:", row["context"]) if part.strip()] for row in rows)
    cases = [
        Case(question=row["question"], answer=row["response"], contexts=tuple(parts))
        for row, parts in zip(rows, passages, strict=True)
    ]
    values = np.array([NAN if one is None else one for one in asyncio.run(_scored(cases))])
    one = _judge("groundedness", values)
    grounded = np.array([not row["labels"] for row in rows])
    return Recorded("RAGTruth", [one], ((values >= one.line) != grounded)[None, :])


async def _scored(cases: list[Case]) -> list[float | None]:
    return [one.verdict.value async for one in run(cases, [Groundedness()], 4)]


def _judge(name: str, values: Floats) -> Judge:
    none = np.full(len(values), NAN)
    return Judge(name, values, [None] * len(values), none, 0.5)


def found(known: Recorded, worth: Floats, most: int) -> tuple[Floats, float]:
    """Of each judge, and of all together: errors taken over errors at random."""
    orders = [np.random.default_rng(seed).permutation(len(worth)) for seed in range(ORDERS)]
    taken = [order[informative.best(worth[order], most)] for order in orders]
    rates = np.mean([known.wrong[:, places].mean(axis=1) for places in taken], axis=0)
    true = known.wrong.mean(axis=1)
    return rates / true, float(rates.sum() / true.sum())


def weighted(known: Recorded, worth: Floats, most: int) -> tuple[float, float]:
    """The rate of errors of the first judge: as a weighted sample estimates it on average, and its usual error."""
    estimates = list(_estimates(known.wrong[0], worth, most))
    return float(np.mean(estimates)), float(np.std(estimates))


def _estimates(wrong: Bools, worth: Floats, most: int) -> Iterator[float]:
    for seed in range(ORDERS):
        rng = np.random.default_rng(seed)
        order: NDArray[np.int64] = rng.permutation(len(worth))
        chance = informative.inclusion(worth[order], most)
        taken = informative.drawn(chance, float(rng.random()))
        yield float((wrong[order][taken] / chance[taken]).sum() / len(worth))


def main() -> int:
    """Print the table; 1 where an informative sample of all judges finds fewer errors than a random one."""
    lost = 0
    for known in (llmbar(), pandalm(), ragtruth()):
        true = known.wrong.mean(axis=1)
        print(f"{known.name}: {known.wrong.shape[1]} answers; wrong: "
              + ", ".join(f"{one.name} {rate:.1%}" for one, rate in zip(known.judges, true, strict=True)))  # fmt: skip
        signals = informative.signals(known.judges)
        for most in BUDGETS:
            each, together = found(known, signals.worth, most)
            alone = [found(known, informative.signals([one]).worth, most)[0][at] for at, one in enumerate(known.judges)]
            mean, error = weighted(known, signals.worth, most)
            told = ", ".join(f"{one.name} {more:.2f}" for one, more in zip(known.judges, each, strict=True))
            lone = ", ".join(f"{one:.2f}" for one in alone)
            print(f"  {most} labels: {together:.2f} times the errors ({told}); of each judge by itself {lone}; "
                  f"weighted rate {mean:.1%} +- {error:.1%}")  # fmt: skip
            lost += together <= 1
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
