"""What is compared, how, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal

import pandas as pd

from analytics import resampling
from analytics.intervals import LEVEL
from analytics.mean_tests import Test
from analytics.multiple import Method
from analytics.other_tests import SUPERIOR

ORDINAL = "mean (ordinal)"
"""`statistic` of scores whose order alone means something."""

Better = Literal["higher", "lower"]
Verdict = Literal[
    "better",
    "worse",
    "higher",
    "lower",
    "no difference found",
    "equivalent",
    "non-inferior",
    "not enough data",
]


@dataclass(frozen=True, slots=True)
class Metric:
    """What is compared."""

    column: str
    better: Better | None = None  # null: nobody says, and verdicts are `higher` and `lower`
    per: str | None = None  # column that the metric's sum is divided by, such as successes: then it is a ratio
    q: float | None = None  # compare this quantile; null: means, or shares of values that are all 0 or 1
    ordinal: bool = False  # the order of values alone means something
    margin: float | None = None  # the difference that does not matter, in the metric's unit
    unit: str | None = None  # of its values, for whoever says what was found

    @property
    def name(self) -> str:
        """The column, or both of a ratio."""
        return self.column if self.per is None else f"{self.column}/{self.per}"


@dataclass(frozen=True, slots=True)
class Options:
    """How it is compared."""

    paired: bool | None = None  # null: where both variants have most items in common
    baseline: str | None = None  # compare with this variant alone; null: every two
    equivalence: bool = False  # of metrics with a margin, ask for equivalence and not just for non-inferiority
    test: Test = "auto"
    adjust: Method = "holm"
    level: float = LEVEL
    draws: int = resampling.DRAWS
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of two variants. Values are shares, means, quantiles or ratios, as `statistic` says."""

    metric: str
    slice: str | None  # null: all rows
    a: str
    b: str
    n_a: int  # items with a value; of pairs, those that both have
    n_b: int
    mean_a: float | None
    mean_b: float | None
    difference: float | None  # b less a
    ci_low: float | None  # null: the data have no such bound
    ci_high: float | None
    test: str | None
    p: float | None  # of what the verdict says: the margin where it is equivalent or non-inferior, else a difference
    p_adjusted: float | None  # the same over all comparisons that were made at once; the verdict is by this one
    effect: float | None
    mde: float | None  # the size of a difference that this test alone finds in 80 % of such samples; null: none is sure
    verdict: Verdict
    effect_name: str
    statistic: str  # share, mean, p95, ratio, mean (ordinal)
    better: Better | None
    paired: bool
    clusters_a: int
    clusters_b: int
    margin: float | None
    p_difference: float | None  # two-sided, of there being a difference; the same as p without a margin
    p_difference_adjusted: float | None
    p_margin: float | None  # of equivalence, or of non-inferiority, doubled; null: no margin
    p_margin_adjusted: float | None
    error: float | None  # standard error of the difference; null: unknown
    freedom: float | None  # of Student's distribution, as `mde` takes it; null: none, or the normal one
    largest_a: float | None  # share of a's items in its largest cluster; null: each item is its own
    largest_b: float | None
    least: float  # the p-value of the clearest result that so few items could have given
    unpaired_a: int  # items of a left out, as b has no value of them
    unpaired_b: int
    missing_a: int  # rows without a value, of items or not
    missing_b: int
    failed_a: int  # rows that failed, and have no value
    failed_b: int
    notes: tuple[str, ...]
    shared: int = 0  # items that both have a value of
    unit: str | None = None  # the metric's; null: none, or nobody says

    @property
    def adds_up(self) -> bool:
        """Whether the whole is a weighted mean of its slices: not so of quantiles and ratios."""
        return self.statistic in {"mean", "share", ORDINAL}

    @property
    def q_name(self) -> str | None:
        """The quantile that is compared, such as p95; null: another statistic."""
        return self.statistic if self.statistic.startswith("p") else None

    @property
    def side(self) -> float:
        """Above 0: b is higher, as the test has it: of ordered scores by ranks, else by the difference. 0: neither."""
        if self.statistic != ORDINAL:
            return self.difference or 0.0
        middle = 0.5 if self.effect_name == SUPERIOR else 0.0
        return 0.0 if self.effect is None else self.effect - middle


def frame(found: Iterable[Compared]) -> pd.DataFrame:
    """One row per metric, slice and pair; columns are the fields of `Compared`, also where there are no rows."""
    return pd.DataFrame([asdict(one) for one in found], columns=[field.name for field in fields(Compared)])
