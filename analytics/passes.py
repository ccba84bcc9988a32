"""How often an agent succeeds when a task is tried several times: pass@k and pass^k, with their intervals.

pass@k is the chance that at least one of k tries succeeds (Chen et al. 2021, arXiv 2107.03374), pass^k the chance that
all of them do (Yao et al. 2024, arXiv 2406.12045). Both are estimated without bias from c successes in n tries of a
task, 1 - C(n-c, k) / C(n, k) and C(c, k) / C(n, k), and are means over tasks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import comb

import numpy as np

from analytics.intervals import LEVEL, Estimate, bounded_mean


@dataclass(frozen=True, slots=True)
class Passes:
    """Both measures for one k."""

    k: int
    any_of_k: Estimate  # pass@k; its n is of tasks
    all_of_k: Estimate  # pass^k
    left_out: int  # tasks with fewer than k tries, of which neither is defined


def passes(tasks: Iterable[object], passed: Iterable[bool], ks: Iterable[int], level: float = LEVEL) -> list[Passes]:
    """pass@k and pass^k for each k, from one row per try. Tasks count alike, however often they were tried.

    Null where no task has k tries. Where `left_out` is above 0, the mean is of other tasks than that of a lower k.

    Raises:
        ValueError: a k is below 1, or there is not one outcome a try.
    """
    tries: dict[object, list[bool]] = defaultdict(list)
    for task, outcome in zip(tasks, passed, strict=True):
        tries[task].append(bool(outcome))
    counts = [(len(one), sum(one)) for one in tries.values()]
    return [_for_k(counts, k, level) for k in ks]


def _for_k(counts: list[tuple[int, int]], k: int, level: float) -> Passes:
    if k < 1:
        raise ValueError(f"Tries are counted from 1, and k is {k}.")
    enough = [(n, c) for n, c in counts if n >= k]
    any_of = np.array([any_of_k(n, c, k) for n, c in enough])
    all_of = np.array([all_of_k(n, c, k) for n, c in enough])
    return Passes(k, bounded_mean(any_of, level=level), bounded_mean(all_of, level=level), len(counts) - len(enough))


def any_of_k(n: int, c: int, k: int) -> float:
    """pass@k of one task with c successes in n tries, n not below k."""
    return 1 - comb(n - c, k) / comb(n, k)


def all_of_k(n: int, c: int, k: int) -> float:
    """pass^k of one task with c successes in n tries, n not below k."""
    return comb(c, k) / comb(n, k)
