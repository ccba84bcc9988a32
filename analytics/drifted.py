"""What is asked of a column of two samples, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["rate", "numeric", "categorical", "embedding"]
Verdict = Literal["drift", "no drift", "insufficient data"]

FLOORS: Mapping[Kind, float] = {"rate": 0.01, "numeric": 0.1, "categorical": 0.05, "embedding": 0.05}
"""The least effect that is called drift where the user names none: a point of a rate, a tenth of a standard deviation,
a Jensen-Shannon distance of 0.05 (0.50 to 0.57 of two categories), an AUC of 0.55."""

EFFECTS: Mapping[Kind, str] = {
    "rate": "difference of shares",
    "numeric": "Wasserstein distance / sd of the reference",
    "categorical": "Jensen-Shannon distance",
    "embedding": "AUC above 0.5",
}

BY_RANKS = "shift of normal values with this KS D, in sd"
"""Of numbers with heavy tails, where it is more than the distance (`distributions.Move.effect`)."""

LEAST_ROWS: Mapping[Kind, int] = {"rate": 30, "numeric": 30, "categorical": 30, "embedding": 60}
"""Rows with a value on each side, below which nothing is said. An embedding's half of them only is tested."""
LEAST_CLUSTERS = 8  # on each side, where rows come in clusters


@dataclass(frozen=True, slots=True)
class Options:
    """When a change is called drift."""

    alpha: float = 0.05  # of adjusted p-values
    floors: Mapping[str, float] = field(default_factory=dict)  # column -> least effect; others as `FLOORS`
    floor: float | None = None  # of all columns that `floors` does not name; null: as `FLOORS`
    least_rows: int | None = None  # on each side; null: as `LEAST_ROWS`
    least_clusters: int = LEAST_CLUSTERS
    level: float = 0.95  # of intervals
    seed: int = 0
    settled: float | None = None  # what p-values that are no less need not be told closer than; null: all are
    beside: bool = True  # whether the indices that no verdict is by, PSI and MMD, are worked out too

    def least(self, kind: Kind) -> int:
        """Rows on each side that a column of this kind takes."""
        return LEAST_ROWS[kind] if self.least_rows is None else self.least_rows

    def floor_of(self, column: str, kind: Kind) -> float:
        """The least effect that is called drift, in the unit of the kind's effect."""
        return self.floors.get(column, FLOORS[kind] if self.floor is None else self.floor)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Rows without a value, missing or failed: a signal of its own, as they enter no distribution."""

    reference: float | None  # share of rows; null: there is none
    current: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    failed_reference: int  # of the rows without a value, those that failed
    failed_current: int
    p: float | None
    p_adjusted: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Drift:
    """One column of two samples. Differences are current less reference."""

    column: str
    type: Kind
    test: str | None  # null: there was too little to test
    statistic: (
        float | None
    )  # rate: difference over its error; numeric: KS's D; categorical: chi-squared; embedding: AUC
    effect: float | None  # as `effect_name` says; null: unknown
    p: float | None  # of no change
    p_adjusted: float | None  # over all columns and gaps that were asked at once; the verdict is by this one
    n_reference: int  # rows with a value
    n_current: int
    verdict: Verdict
    effect_name: str
    min_effect: float  # the least effect that is called drift
    alpha: float
    reference: float | None  # a share or mean; null: the kind has none
    current: float | None
    difference: float | None
    ci_low: float | None  # of the difference, by clusters
    ci_high: float | None
    mde: float | None  # of a rate, the change that this test finds in 80 % of such samples; null: unknown
    clusters_reference: int | None  # null: each row is its own
    clusters_current: int | None
    psi: float | None = None  # of numbers and categories
    psi_threshold: float | None = None  # what it exceeds with a chance of alpha where nothing moved
    psi_p: float | None = None
    mmd_squared: float | None = None  # of embeddings
    mmd_p: float | None = None
    new: tuple[str, ...] = ()  # categories of the current rows alone
    vanished: tuple[str, ...] = ()  # of the reference alone
    moved: tuple[tuple[str, float], ...] = ()  # categories and by how much their shares changed, the largest first
    gaps: Gaps | None = None  # null: no row lacks a value
    why: str = ""  # of insufficient data
