"""What the page compares: each measure with its words, its unit, which side is better, and what it is a measure of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from analytics.compared import Better, Metric
from server.compare.directions import guessed, words_of

Kind = Literal["quality", "failed", "cost", "latency", "tokens"]
ORDER: Mapping[Kind, int] = {"quality": 0, "failed": 1, "cost": 2, "latency": 3, "tokens": 4}


class NotComparableError(Exception):
    """What was asked for cannot be compared; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that variants are compared in."""

    key: str  # names it in URLs and answers, and its column
    title: str
    kind: Kind
    better: Better | None  # null: nobody says
    unit: str | None = None  # null: a share, or the score's own scale
    q: float | None = None  # the quantile that is compared; null: the mean, or the share
    of: str | None = None  # the evaluator or the score
    guessed: Better | None = None  # which side is better where nobody states it; set where `stated` went over it
    margin: float | None = None  # the difference that does not matter, in the unit, of a share as a share

    def metric(self) -> Metric:
        """As the comparison takes it."""
        return Metric(self.key, self.better, q=self.q, margin=self.margin, unit=self.unit)

    @property
    def words(self) -> str:
        """The title with its unit."""
        return self.title if self.unit is None else f"{self.title} ({self.unit})"

    def told(self, statistic: str) -> dict[str, Any]:
        """As JSON has it; `statistic`: share, mean, p95."""
        return asdict(self) | {"statistic": statistic}


def kind_of(name: str) -> Kind:
    """What a metric of a file is a measure of, by the words of its name."""
    words = set(words_of(name))
    return next((kind for kind, some in _KINDS if words & some), "quality")


_KINDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("cost", frozenset({"cost", "costs", "price", "prices", "spend", "expense", "expenses", "usd", "eur", "gbp"})),
    ("latency", frozenset({"latency", "duration", "ttft", "runtime", "elapsed"})),
    ("failed", frozenset({"failed", "failure", "failures", "fails"})),
    ("tokens", frozenset({"token", "tokens"})),
)


def scale_better(name: str, scale: Mapping[str, Any] | None) -> Better | None:
    """Which side of a score is better: as its scale says, else by its name; null: neither tells."""
    told = (scale or {}).get("better")
    if told in {"higher", "lower"}:
        return "higher" if told == "higher" else "lower"
    return guessed(name)


def target_measures() -> list[Measure]:
    """What is measured of the answers of a run, by the names of `run_rows` after `target.`."""
    return _measures("answer", "an answer")


def call_measures() -> list[Measure]:
    """What is measured of the calls of live traffic."""
    return _measures("call", "a call")


def _measures(noun: str, one: str) -> list[Measure]:
    return [
        Measure("failed", f"failed {noun}s", "failed", "lower"),
        Measure("cost_usd", f"cost of {one}", "cost", "lower", "USD"),
        Measure("latency_ms.p50", "latency", "latency", "lower", "ms", 0.5),
        Measure("latency_ms.p95", "latency", "latency", "lower", "ms", 0.95),
        Measure("ttft_ms.p50", "time to first token", "latency", "lower", "ms", 0.5),
        Measure("input_tokens", f"input of {one}", "tokens", "lower", "tokens"),
        Measure("output_tokens", f"output of {one}", "tokens", "lower", "tokens"),
    ]
