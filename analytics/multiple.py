"""Many tests at once: p-values as they count when there are so many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Method = Literal["holm", "bh"]
"""holm: the chance of any false finding is bounded (Holm 1979); bh: the share of false ones among the findings
(Benjamini and Hochberg 1995)."""


def adjusted(
    ps: Sequence[float | None], method: Method = "holm", groups: Sequence[object] | None = None
) -> list[float | None]:
    """Adjusted p-values in the order of the given ones: to be compared with the level itself.

    Null stays null, and does not count as a test.

    Args:
        ps: p-values.
        method: the correction.
        groups: of each test, a name that those have of which one null hypothesis at most is true, such as no
            difference and one beyond a margin. A group counts once, while any of it is left (Shaffer 1986, JASA 81,
            826-831). Null: each test is its own.

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
    true = _left([at if groups is None else groups[at] for at, _ in order])
    if method == "holm":
        found = np.maximum.accumulate(sizes * true)
    else:
        found = np.minimum.accumulate((sizes * true[:1] / np.arange(1, len(order) + 1))[::-1])[::-1]
    result: list[float | None] = [None] * len(ps)
    for (at, _), p in zip(order, np.minimum(found, 1.0), strict=True):
        result[at] = max(float(p), ps[at] or 0.0)  # rounding must not lower it
    return result


def _left(groups: Sequence[object]) -> np.ndarray:
    """How many null hypotheses can be true at each place, among those from there on."""
    seen: set[object] = set()
    found = []
    for group in reversed(groups):
        seen.add(group)
        found.append(len(seen))
    return np.array(found[::-1], float)
