"""How often an agent succeeds when a task is tried several times: pass@k and pass^k, with their intervals.

pass@k is the chance that at least one of k tries succeeds (Chen et al. 2021, arXiv 2107.03374), pass^k the chance that
all of them do (Yao et al. 2024, arXiv 2406.12045). Both are estimated without bias from c successes in n tries of a
task, 1 - C(n-c, k) / C(n, k) and C(c, k) / C(n, k), and are means over tasks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

from analytics.intervals import LEVEL, Estimate, student


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
    return Passes(k, _mean_share(any_of, level), _mean_share(all_of, level), len(counts) - len(enough))


def any_of_k(n: int, c: int, k: int) -> float:
    """pass@k of one task with c successes in n tries, n not below k."""
    return 1 - comb(n - c, k) / comb(n, k)


def all_of_k(n: int, c: int, k: int) -> float:
    """pass^k of one task with c successes in n tries, n not below k."""
    return comb(c, k) / comb(n, k)


def _mean_share(shares: NDArray[np.float64], level: float) -> Estimate:
    """A mean of shares from 0 to 1, with Wilson's interval at the effective sample size and Student's quantile.

    So many independent yes-or-no tasks would have the variance that is seen (Korn and Graubard 1998; Dean and Pagano
    2015). It stays within 0 and 1, and is not of no width where all tasks agree, as Student's and the bootstrap's are.
    Of four tries of 10 tasks it holds pass^4 in 97 to 99 % of samples, where theirs do in 69 to 98 %
    (`benchmarks/coverage.py`).
    """
    tasks = int(shares.size)
    if tasks == 0:
        return Estimate(None, None, None, 0)
    mean = float(shares.mean())
    if tasks == 1:
        return Estimate(mean, None, None, 1)
    error2 = float(shares.var(ddof=1)) / tasks
    size = mean * (1 - mean) / error2 if error2 > 0 else tasks
    z = student(tasks - 1, level)
    centre = (mean + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * sqrt(mean * (1 - mean) / size + z * z / (4 * size * size))
    return Estimate(mean, max(centre - half, 0.0), min(centre + half, 1.0), tasks)
