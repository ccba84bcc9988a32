"""Differences of measures with different units beside one another."""

from __future__ import annotations


def placed(value: float | None, low: float | None, high: float | None) -> tuple[float, float, float] | None:
    """Low end, value and high end in percent of a width whose middle is no difference; the farthest end has 48 %.

    Null: an end or the value is not known.
    """
    if value is None or low is None or high is None:
        return None
    reach = max(abs(low), abs(high), abs(value)) or 1.0
    first, middle, last = (round(50 + 48 * end / reach, 2) for end in (low, value, high))
    return first, middle, last
