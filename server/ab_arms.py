"""The interval of one arm's mean in a live A/B test. Pure."""

from __future__ import annotations

from math import sqrt

from analytics import sequences
from analytics.sequences import Arm
from server.ab_tests import Terms


def level(arm: Arm, terms: Terms, weight: float) -> dict[str, float | None]:
    """`low` and `high` of the mean of an arm, which hold at all looks together; null: too few units (`Arm.enough`).

    Each at the test's whole `alpha`: they show what an arm came to, and decide nothing. Shares end at 0 and 1.
    """
    if arm.mean is None or arm.variance is None or not arm.enough:
        return {"low": None, "high": None}
    r = sequences.tuned(max(1, round(terms.expected_units * weight)), terms.alpha)
    half = sequences.half_width(sqrt(arm.variance), arm.units, r, terms.alpha)
    low, high = arm.mean - half, arm.mean + half
    return {"low": max(low, 0.0), "high": min(high, 1.0)} if terms.unit_of == "share" else {"low": low, "high": high}
