"""Rates that people would give, from a judge whose errors are known from labels (Rogan and Gladen 1978).

Right where the judge errs as often on the labelled rows as on the others, also where these are no random sample of all:
labels may be chosen by what people say, and not by what the judge does. The interval is that of Lee and others 2025
(arXiv 2511.21140, after Lang and Reiczigel 2014), in which sensitivity and specificity are uncertain too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from analytics import special
from analytics.intervals import LEVEL, Estimate


@dataclass(frozen=True, slots=True)
class Counts:
    """What a judge says of rows without a label, and of those with one."""

    said: int  # of the rows without a label, those that the judge says yes to
    n: int  # rows without a label
    hits: int  # labelled yes by people, and by the judge
    positives: int  # labelled yes by people
    rejections: int  # labelled no by people, and by the judge
    negatives: int  # labelled no by people


def rogan_gladen(counts: Counts, level: float = LEVEL) -> Estimate | str:
    """(p + specificity - 1) / (sensitivity + specificity - 1) within 0 and 1, or in words why there is none.

    `n` is of labels.
    """
    if not counts.n:
        return "there is no row without a label, whose rate could be corrected"
    if not counts.positives or not counts.negatives:
        return "people said one thing alone, so that one of sensitivity and specificity is unknown"
    share = counts.said / counts.n
    sensitivity, specificity = counts.hits / counts.positives, counts.rejections / counts.negatives
    reach = sensitivity + specificity - 1
    if reach <= 0:
        return "the judge is no better than chance: sensitivity and specificity add up to 1 or less"
    value = (share + specificity - 1) / reach
    low, high = _ends(share, specificity, sensitivity, counts, level)
    value = min(max(value, 0.0), 1.0)
    return Estimate(value, min(low, value), max(high, value), counts.positives + counts.negatives)


def _ends(share: float, specificity: float, sensitivity: float, counts: Counts, level: float) -> tuple[float, float]:
    """Wald's interval after two labels are added to each side of the judge's errors, and Wilson's to its share."""
    z = float(special.ndtri((1 + level) / 2))
    n, negatives, positives = counts.n + z * z, counts.negatives + 2, counts.positives + 2
    p = (counts.n * share + z * z / 2) / n
    q0 = (counts.negatives * specificity + 1) / negatives
    q1 = (counts.positives * sensitivity + 1) / positives
    reach = q0 + q1 - 1
    if reach <= 0:
        return 0.0, 1.0
    theta = (p + q0 - 1) / reach
    errors = q0 * (1 - q0) / negatives, q1 * (1 - q1) / positives
    moved = theta + 2 * z * z * (theta * errors[1] - (1 - theta) * errors[0])
    spread = sqrt(p * (1 - p) / n + (1 - theta) ** 2 * errors[0] + theta**2 * errors[1]) / reach
    return max(moved - z * spread, 0.0), min(moved + z * spread, 1.0)
