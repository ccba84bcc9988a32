"""How often 95 % intervals hold the truth, by simulation: of one sample, two, costs per success, a month, and pass^k.

    python benchmarks/coverage.py            # 20,000 samples a line, some minutes
    python benchmarks/coverage.py --samples 2000

The coverage for a rate swings with n and the share (0 of 30 and 1 of 30 are far apart), so it is averaged over shares.
The p95 of fewer than 72 values has no upper bound, and so only half of the error; a difference of two such has neither.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta

import numpy as np
from scipy import stats

from analytics import budget, differences, intervals, passes
from store.queries.success import success_bounds

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


def rate_differences(n: int, samples: int, rng: np.random.Generator) -> float:
    held = 0
    for _ in range(samples):
        a, b = rng.uniform(0.02, 0.98, 2)
        found = differences.rate_difference(int(rng.binomial(n, a)), n, int(rng.binomial(2 * n, b)), 2 * n)
        held += found.low <= b - a <= found.high
    return held / samples


def quantile_differences(q: float, n: int, samples: int, rng: np.random.Generator) -> tuple[float, float]:
    """Two shapes and sizes, of the difference and of the ratio. Null bounds hold everything."""
    before, after = stats.expon.ppf(q), stats.lognorm(0.5).ppf(q)
    held = [0, 0]
    for _ in range(samples):
        a, b = rng.exponential(size=n), rng.lognormal(0, 0.5, 2 * n)
        for place, (found, truth) in enumerate(
            (
                (differences.quantile_difference(a, b, q), after - before),
                (differences.quantile_ratio(a, b, q), after / before),
            )
        ):
            low, high = (-np.inf if found.low is None else found.low), (np.inf if found.high is None else found.high)
            held[place] += low <= truth <= high
    return held[0] / samples, held[1] / samples


def days_of(kind: str, days: list[date], rng: np.random.Generator) -> np.ndarray:
    """Spend of each day, 10 on average at first: of the model (wanders), and of what it does not know."""
    n = len(days)
    week = 10 * np.array([1, 1.1, 1.1, 1.05, 1, 0.5, 0.4])[[day.weekday() for day in days]]
    match kind:
        case "steady":
            return np.maximum(0, week + rng.normal(0, 1, n))
        case "wanders":
            return np.maximum(0, 10 + week + np.cumsum(rng.normal(0, 0.4, n)) + rng.normal(0, 1, n))
        case "noisy":
            return week * rng.lognormal(-0.125, 0.5, n)
        case "grows":
            return week * np.exp(np.cumsum(rng.normal(0.01, 0.05, n))) * rng.lognormal(0, 0.2, n)
        case "days off":
            return np.where(rng.random(n) < 0.4, 0, rng.gamma(2, 5, n))
        case _:  # spikes: a batch of five times a day's spend, once in 25 days
            return week * rng.lognormal(0, 0.2, n) + np.where(rng.random(n) < 0.04, rng.lognormal(4, 0.5, n), 0)


KINDS = ("steady", "wanders", "noisy", "grows", "days off", "spikes")


def forecasts(kind: str, known: int, ahead: int, samples: int, rng: np.random.Generator) -> tuple[float, float]:
    """Coverage, and the median width of the interval over the month's spend."""
    end = date(2026, 10, 31)
    days = [end - timedelta(days=known + ahead - 1 - n) for n in range(known + ahead)]
    held, widths = 0, []
    for _ in range(samples):
        spend = dict(zip(days, days_of(kind, days, rng).tolist(), strict=True))
        found = budget.forecast({day: spend[day] for day in days[:known]}, days[known])
        month = sum(usd for day, usd in spend.items() if day.month == end.month)
        held += found.low <= month <= found.high
        widths.append((found.high - found.low) / month)
    return held / samples, float(np.median(widths))


def of_one_sample(samples: int, rng: np.random.Generator) -> None:
    print(f"{'n':>6} {'rate':>7} {'p95':>7} {'mean':>7}")
    for n in (30, 100, 300, 1000, 3000):
        simulated = p95(n, min(samples, 20_000_000 // n), rng)
        rate, mean = rates(n, samples, rng), means(n, samples // 4, rng)
        print(f"{n:>6} {rate:>7.4f} {simulated:>7.4f} {mean:>7.4f}")


def of_two_samples(samples: int, rng: np.random.Generator) -> None:
    print(f"\nn and 2n {'rates':>6} {'p50 -':>7} {'p50 /':>7} {'p95 -':>7} {'p95 /':>7}")
    for n in (30, 100, 300, 1000):
        quantiles = [held for q in (0.5, 0.95) for held in quantile_differences(q, n, samples // 4, rng)]
        print(f"{n:>8} {rate_differences(n, samples, rng):>6.4f}", *(f"{held:>7.4f}" for held in quantiles))


def of_a_month(samples: int, rng: np.random.Generator) -> None:
    spans = ((8, 10), (14, 15), (30, 15), (60, 20), (60, 5))
    print("\nspend    ", *(f"{f'{known} days, {ahead} ahead':>18}" for known, ahead in spans), " (median width)")
    for kind in KINDS:
        found = [forecasts(kind, known, ahead, max(samples // 50, 20), rng) for known, ahead in spans]
        print(f"{kind:<9}", *(f"{f'{held:.3f} ({width:.2f})':>18}" for held, width in found))


def per_success(n: int, share: float, samples: int, rng: np.random.Generator) -> float:
    """Skewed costs, half more for a success; samples without any success have no interval, and do not count."""
    drawn = rng.random((samples, n)) < share
    costs = rng.lognormal(0, 1, (samples, n)) * (1 + 0.5 * drawn)
    truth = np.exp(0.5) * (1 + 0.5 * share) / share
    some = drawn.any(axis=1)
    x, y = costs[some], drawn[some].astype(float)
    ratio = x.sum(axis=1) / y.sum(axis=1)
    error = np.sqrt(n / (n - 1) * ((x - ratio[:, None] * y) ** 2).sum(axis=1)) / y.sum(axis=1)
    found = success_bounds(ratio, error, np.full(len(ratio), float(n)))
    return float(((found["low"] <= truth) & (truth <= found["high"])).mean())


def of_successes(samples: int, rng: np.random.Generator) -> None:
    shares = (0.05, 0.2, 0.5, 0.9)
    print("\ncost per success, share of successes:", *(f"{share:>7}" for share in shares))
    for n in (30, 100, 300, 1000):
        held = [per_success(n, share, min(samples, 4_000_000 // n), rng) for share in shares]
        print(f"{n:>37}", *(f"{one:>7.4f}" for one in held))


def all_of_k(tasks: int, k: int, samples: int, rng: np.random.Generator) -> float:
    """Four tries of tasks whose chances are of several shapes; the truth is the mean of chance^k."""
    held = 0
    for _ in range(samples):
        a, b = ((1, 1), (0.5, 0.5), (4, 1), (0.3, 0.1), (8, 2), (0.1, 0.4))[rng.integers(6)]
        truth = np.prod([(a + i) / (a + b + i) for i in range(k)])
        successes = rng.binomial(4, rng.beta(a, b, tasks))
        names = np.repeat(np.arange(tasks), 4)
        [found] = passes.passes(names, (np.arange(4) < successes[:, None]).ravel(), [k])
        held += found.all_of_k.low <= truth <= found.all_of_k.high
    return held / samples


def of_passes(samples: int, rng: np.random.Generator) -> None:
    print(f"\n{'tasks':>6} {'pass^1':>7} {'pass^2':>7} {'pass^4':>7}")
    for tasks in (10, 26, 50, 200):
        held = [all_of_k(tasks, k, max(samples // 20, 50), rng) for k in (1, 2, 4)]
        print(f"{tasks:>6}", *(f"{one:>7.4f}" for one in held))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    of_one_sample(asked.samples, rng)
    of_two_samples(asked.samples, rng)
    of_successes(asked.samples, rng)
    of_a_month(asked.samples, rng)
    of_passes(asked.samples, rng)


if __name__ == "__main__":
    main()
