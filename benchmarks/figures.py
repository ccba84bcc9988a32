"""Figures of quality: how well a score tells two kinds of rows apart, with intervals, as a table in Markdown.

`truth` is 1 for what is to be found (unsupported, toxic, ...), `score` is higher for it. The benchmarks `quality_*.py`
use this; run alone it does nothing.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

Measure = Callable[[NDArray[np.int64], NDArray[np.float64]], float]


def data(*parts: str) -> Path | None:
    """A path in the measuring data, beside the checkout or where `ASSAY_SHARED` points; null, said aloud: absent."""
    root = os.environ.get("ASSAY_SHARED") or Path(__file__).resolve().parents[1].parent / "shared"
    path = Path(root, "data", *parts)
    if path.exists():
        return path
    print(f"skipped: {path} is absent; set ASSAY_SHARED to the folder that holds data/{'/'.join(parts)}")
    return None


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines, gzipped or not."""
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()
    return [orjson.loads(line) for line in lines if line.strip()]


def auroc(truth: ArrayLike, score: ArrayLike) -> float:
    """The chance that a row to be found scores above one that is not; ties count half. NaN without both kinds."""
    found = np.asarray(truth) == 1
    positive, negative = int(found.sum()), int((~found).sum())
    if not positive or not negative:
        return float("nan")
    ranks = rankdata(np.asarray(score, float))
    return float((ranks[found].sum() - positive * (positive + 1) / 2) / (positive * negative))


def average_precision(truth: ArrayLike, score: ArrayLike) -> float:
    """Sum of precision over steps of recall, one step per distinct score. NaN without a row to be found."""
    found, scores = np.asarray(truth) == 1, np.asarray(score, float)
    if not found.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    found, scores = found[order], scores[order]
    last = np.append(scores[1:] != scores[:-1], True)
    hits, seen = np.cumsum(found)[last], (np.arange(len(found)) + 1)[last]
    return float((np.diff(hits, prepend=0) * hits / seen).sum() / found.sum())


@dataclass(frozen=True, slots=True)
class Counts:
    """What a threshold does: rows called positive are those that score at least as much."""

    hits: int
    false_alarms: int
    misses: int
    passed: int

    @property
    def precision(self) -> float:
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        return _share(self.hits, self.hits + self.misses)

    @property
    def false_alarm_rate(self) -> float:
        return _share(self.false_alarms, self.false_alarms + self.passed)

    @property
    def f1(self) -> float:
        return _share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)

    @property
    def accuracy(self) -> float:
        return _share(self.hits + self.passed, self.hits + self.passed + self.false_alarms + self.misses)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the shares told right among the rows to be found and among the others."""
        return (self.recall + 1 - self.false_alarm_rate) / 2


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def at(truth: ArrayLike, score: ArrayLike, threshold: float) -> Counts:
    """The four counts at a threshold."""
    found, called = np.asarray(truth) == 1, np.asarray(score, float) >= threshold
    return Counts(
        int((found & called).sum()),
        int((~found & called).sum()),
        int((found & ~called).sum()),
        int((~found & ~called).sum()),
    )


def best_f1(truth: ArrayLike, score: ArrayLike) -> tuple[float, float]:
    """The highest F1 of any threshold, and that threshold. An oracle: take it from rows that are not reported."""
    found, scores = np.asarray(truth) == 1, np.asarray(score, float)
    order = np.argsort(-scores, kind="stable")
    found, scores = found[order], scores[order]
    last = np.append(scores[1:] != scores[:-1], True)
    f1 = np.where(last, 2 * np.cumsum(found) / (np.arange(len(found)) + 1 + found.sum()), -1.0)
    best = int(np.argmax(f1))
    return float(f1[best]), float(scores[best])


def recall_at(truth: ArrayLike, score: ArrayLike, false_alarm_rate: float) -> tuple[float, float]:
    """The recall at the lowest threshold whose share of false alarms is within the bound, and that threshold.

    It is infinite, and the recall 0, where even the highest score is a false alarm too many.
    """
    found, scores = np.asarray(truth) == 1, np.asarray(score, float)
    order = np.argsort(-scores, kind="stable")
    found, scores = found[order], scores[order]
    last = np.append(scores[1:] != scores[:-1], True)
    alarms = np.cumsum(~found) / max(1, int((~found).sum()))
    within = np.flatnonzero(last & (alarms <= false_alarm_rate + 1e-12))
    if not len(within):
        return 0.0, float("inf")
    return _share(int(np.cumsum(found)[within[-1]]), int(found.sum())), float(scores[within[-1]])


def f1_at(threshold: float) -> Measure:
    return lambda truth, score: at(truth, score, threshold).f1


def balanced_accuracy_at(threshold: float) -> Measure:
    return lambda truth, score: at(truth, score, threshold).balanced_accuracy


def recall_within(false_alarm_rate: float) -> Measure:
    return lambda truth, score: recall_at(truth, score, false_alarm_rate)[0]


def interval(
    measure: Measure,
    truth: ArrayLike,
    score: ArrayLike,
    clusters: Sequence[object] | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap of a measure; whole clusters are drawn (null: rows), and draws without a value left out."""
    truths, scores = np.asarray(truth, np.int64), np.asarray(score, float)
    names = range(len(truths)) if clusters is None else clusters
    groups: dict[object, list[int]] = {}
    for i, name in enumerate(names):
        groups.setdefault(name, []).append(i)
    members = [np.asarray(rows) for rows in groups.values()]
    random = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        rows = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        values.append(measure(truths[rows], scores[rows]))
    kept = [value for value in values if not np.isnan(value)]
    if not kept:
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one set, as it is printed and as a card carries it."""

    data: str
    rule: str  # the evaluator, or the naive rule
    measure: str
    value: float
    n: int
    positives: int
    low: float | None = None
    high: float | None = None


def figure(
    name: str,
    rule: str,
    label: str,
    measure: Measure,
    *,
    truth: ArrayLike,
    score: ArrayLike,
    clusters: Sequence[object] | None = None,
    draws: int = 1000,
) -> Row:
    """One figure with its interval; `draws=0`: without."""
    truths, scores = np.asarray(truth, np.int64), np.asarray(score, float)
    low, high = interval(measure, truths, scores, clusters, draws=draws) if draws else (None, None)
    return Row(name, rule, label, measure(truths, scores), len(truths), int(truths.sum()), low, high)


def table(rows: Iterable[Row]) -> str:
    """The figures as a Markdown table, columns aligned."""
    head = ("data", "rule", "measure", "value", "95 %", "n", "positive")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join("| " + " | ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)) + " |" for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    bounds = "" if row.low is None or row.high is None else f"{row.low:.3f}-{row.high:.3f}"
    return row.data, row.rule, row.measure, f"{row.value:.3f}", bounds, str(row.n), str(row.positives)
