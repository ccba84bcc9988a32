"""Many tests at once: p-values as they count when there are so many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Method = Literal["holm", "bh"]
"""holm: the chance of any false finding is bounded (Holm 1979); bh: the share of false ones among the findings
(Benjamini and Hochberg 1995)."""


def adjusted(ps: Sequence[float | None], method: Method = "holm") -> list[float | None]:
    """Adjusted p-values in the order of the given ones: to be compared with the level itself.

    Null stays null, and does not count as a test.

    Raises:
        ValueError: one is not between 0 and 1, or the method is not known.
    """
    if method not in {"holm", "bh"}:
        raise ValueError(f"The correction is holm or bh, not {method!r}.")
    known = [(at, p) for at, p in enumerate(ps) if p is not None]
    if any(not 0 <= p <= 1 for _, p in known):
        raise ValueError("A p-value lies between 0 and 1.")
    order = sorted(known, key=lambda one: one[1])
    sizes = np.array([p for _, p in order])
    n = len(order)
    if method == "holm":
        found = np.maximum.accumulate(sizes * np.arange(n, 0, -1))
    else:
        found = np.minimum.accumulate((sizes * n / np.arange(1, n + 1))[::-1])[::-1]
    result: list[float | None] = [None] * len(ps)
    for (at, _), p in zip(order, np.minimum(found, 1.0), strict=True):
        result[at] = max(float(p), ps[at] or 0.0)  # rounding must not lower it
    return result
