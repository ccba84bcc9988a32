"""How often 95 % intervals hold the truth, by simulation: rates, p95 and means, at sizes that pages show.

    python benchmarks/coverage.py            # 20,000 samples a line, some seconds

The coverage for a rate swings with n and the share (0 of 30 and 1 of 30 are far apart), so it is averaged over shares.
The p95 of fewer than 72 values has no upper bound, and so only half of the error.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from analytics import intervals

SHARES = (0.02, 0.05, 0.1, 0.3, 0.5, 0.8)


def rates(n: int, samples: int, rng: np.random.Generator) -> float:
    held = 0
    for _ in range(samples):
        share = rng.choice(SHARES) if n > 200 else rng.uniform(0.05, 0.95)
        found = intervals.rate(int(rng.binomial(n, share)), n)
        held += found.low <= share <= found.high
    return held / samples


def p95(n: int, samples: int, rng: np.random.Generator) -> float:
    ranks = intervals.quantile_ranks(0.95, n)
    truth = stats.lognorm(1).ppf(0.95)
    drawn = rng.lognormal(0, 1, (samples, n))
    low, high = (None if rank is None else np.quantile(drawn, (rank - 1) / (n - 1), axis=1) for rank in ranks)
    held = np.ones(samples, bool) if low is None else low <= truth
    return float((held if high is None else held & (truth <= high)).mean())


def means(n: int, samples: int, rng: np.random.Generator) -> float:
    held = [
        found.low <= 2.0 <= found.high for found in (intervals.mean(rng.gamma(2.0, 1.0, n)) for _ in range(samples))
    ]
    return float(np.mean(held))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    print(f"{'n':>6} {'rate':>7} {'p95':>7} {'mean':>7}")
    for n in (30, 100, 300, 1000, 3000):
        simulated = p95(n, min(asked.samples, 20_000_000 // n), rng)
        rate, mean = rates(n, asked.samples, rng), means(n, asked.samples // 4, rng)
        print(f"{n:>6} {rate:>7.4f} {simulated:>7.4f} {mean:>7.4f}")


if __name__ == "__main__":
    main()
