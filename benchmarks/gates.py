"""How often gates fail a build that is as good as it must be, and one that is not, by simulation.

    python benchmarks/gates.py            # two minutes of one core
    python benchmarks/gates.py --builds 100

False alarms: the run's true values are exactly those of the bounds, or of the baseline run less the margin, and any
gate that is missed is a false alarm. A build with 8 gates gives two with 4 and eight with 1. Beside each rate stands
the bare rule: fail when the mean lies on the wrong side. It ends with an error when a rate is above 5 % by more than
the simulation's own error (at 99.9 %, as there are so many rates).

Real drops: how often they are found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from analytics import gates
from analytics.gates import Found
from analytics.items import Rows, rows

SHARES = (0.5, 0.9, 0.8, 0.95, 0.7, 0.98, 0.6, 0.85)  # of the eight gates
SIZES = (20, 50, 200, 1000)
COUNTS = (1, 4, 8)


@dataclass(frozen=True)
class Design:
    """What values are, and how they hang together. Correlations are of the normal variables behind the values."""

    name: str
    value: str  # binary, score or latency
    repeats: int = 1
    clusters: bool = False  # of five items on average, the largest many times the smallest; correlated with 0.3
    missing: float = 0.0


DESIGNS = (
    Design("pass or fail", "binary"),
    Design("pass or fail, 3 repeats", "binary", 3),
    Design("pass or fail, clusters", "binary", clusters=True),
    Design("pass or fail, all", "binary", 3, clusters=True, missing=0.1),
    Design("scores", "score"),
    Design("scores, all", "score", 3, clusters=True, missing=0.1),
    Design("latency", "latency"),
    Design("latency, all", "latency", 3, clusters=True, missing=0.1),
)


def clusters_of(design: Design, n: int, rng: np.random.Generator) -> np.ndarray:
    if not design.clusters:
        return np.arange(n)
    weights = rng.lognormal(0, 1, n // 5)
    return rng.choice(n // 5, n, p=weights / weights.sum())


def runs(
    design: Design, clusters: np.ndarray, share: float, drops: tuple[float, ...], rng: np.random.Generator
) -> list[Rows]:
    """Runs over the same items, whose true mean (of latency: the mean of logarithms) is less by the drop."""
    n, of_clusters = len(clusters), 0.3 if design.clusters else 0.0
    item = rng.normal(size=n)
    items = np.repeat(np.arange(n), design.repeats)
    found = []
    for drop in drops:
        cluster = rng.normal(size=n)[clusters]  # of the run: so the runs' differences are correlated too
        z = np.sqrt(of_clusters) * cluster[items] + np.sqrt(0.4) * item[items]
        z += np.sqrt(0.6 - of_clusters) * rng.normal(size=len(items))
        values = of_normal(design.value, z, share - drop)
        values[rng.random(len(items)) < design.missing] = np.nan
        found.append(rows(values, items, clusters[items] if design.clusters else None))
    return found


def of_normal(value: str, z: np.ndarray, share: float) -> np.ndarray:
    """Values with this mean from normal ones; latencies, of which lower is better, are 1 with a share of 0."""
    match value:
        case "binary":
            return (z < special.ndtri(share)).astype(float)
        case "score":
            return special.ndtr(special.ndtri(share) * np.sqrt(2) + z)
        case _:
            return np.exp(z - share)


def mean(found: Rows) -> float:
    return float(np.nanmean(found.values))


Gate = Callable[[Design, np.ndarray, float, np.random.Generator], tuple[Found, bool]]
"""One gate of one build, and what the bare rule says of it: whether it fails."""


def of_bound(design: Design, clusters: np.ndarray, share: float, rng: np.random.Generator) -> tuple[Found, bool]:
    [run] = runs(design, clusters, share, (0.0,), rng)
    if design.value == "latency":
        truth = float(np.exp(0.5 - share))
        return gates.against_bound(run, at_most=truth), mean(run) > truth
    return gates.against_bound(run, at_least=share, bounds=(0, 1)), mean(run) < share


def of_quantile(design: Design, clusters: np.ndarray, share: float, rng: np.random.Generator) -> tuple[Found, bool]:
    [run] = runs(design, clusters, share, (0.0,), rng)
    q = 0.5 if share < 0.8 else 0.9
    truth = float(np.exp(special.ndtri(q) - share))
    return gates.against_bound(run, at_most=truth, q=q), float(np.nanquantile(run.values, q)) > truth


def of_baseline(margin: float, drop: float, q: float | None = None) -> Gate:
    def gate(design: Design, clusters: np.ndarray, share: float, rng: np.random.Generator) -> tuple[Found, bool]:
        baseline, run = runs(design, clusters, share, (0.0, drop), rng)
        if design.value == "latency":
            found = gates.against_baseline(run, baseline, better="lower", margin=margin, q=q)
            return found, mean(run) > mean(baseline) + margin
        found = gates.against_baseline(run, baseline, better="higher", margin=margin, bounds=(0, 1))
        return found, mean(run) < mean(baseline) - margin

    return gate


def failed(design: Design, n: int, gate: Gate, builds: int, rng: np.random.Generator) -> np.ndarray:
    """One row a build, one column a gate: its p-value, and whether the bare rule fails it."""
    found = np.empty((builds, len(SHARES), 2))
    for build in range(builds):
        clusters = clusters_of(design, n, rng)
        for at, share in enumerate(SHARES):
            tested, bare = gate(design, clusters, share, rng)
            found[build, at] = 1.0 if tested.p_missed is None else tested.p_missed, bare
    return found


def rates(found: np.ndarray, count: int) -> tuple[float, float, int]:
    """The share of builds of so many gates that fail, by Holm's method and by the bare rule, and the number of builds.

    A build fails just when its least p-value is below the level over the number of gates.
    """
    split = found.reshape(-1, count, 2)
    return (
        float((split[:, :, 0].min(axis=1) < gates.ALPHA / count).mean()),
        float(split[:, :, 1].any(axis=1).mean()),
        len(split),
    )


def false_alarms(title: str, designs: tuple[Design, ...], gate: Gate, builds: int, rng: np.random.Generator) -> int:
    """Prints a table; how many rates are above 5 %."""
    print(f"\n{title}: builds that fail, % (bare rule)")
    print(f"{'':<26}{'items':>6}", *(f"{f'gates: {count}':>22}" for count in COUNTS))
    broken, every = 0, []
    for design in designs:
        for n in SIZES:
            every.append(failed(design, n, gate, builds if n < 1000 else builds // 2, rng))
            broken += told(f"{design.name:<26}{n:>6}", every[-1])
    return broken + told(f"{'together':<32}", np.concatenate(every))


def told(name: str, found: np.ndarray) -> int:
    """Prints a line; how many of its rates are above 5 % by more than the simulation's error."""
    broken, cells = 0, []
    for count in COUNTS:
        rate, bare, of = rates(found, count)
        builds = stats.binomtest(round(rate * of), of)
        low, high = builds.proportion_ci(0.95, "wilson")
        above = builds.proportion_ci(0.998, "exact").low > gates.ALPHA
        broken += above
        cells.append(f"{100 * rate:.1f} [{100 * low:.1f}-{100 * high:.1f}] ({100 * bare:.0f}){' !' if above else ''}")
    print(name, *(f"{cell:>22}" for cell in cells), flush=True)
    return broken


def power(designs: tuple[Design, ...], builds: int, rng: np.random.Generator) -> None:
    """The bare rule's false alarms stand beside what it finds."""
    drops = (0.0, 0.05, 0.1)
    print("\nA drop from the baseline run, one gate, true share 0.85: builds that fail, % (bare rule)")
    print(f"{'':<26}{'items':>6}", *(f"{f'{100 * drop:.0f} points':>14}" for drop in drops), f"{'detectable':>12}")
    for design in designs:
        for n in SIZES:
            cells, detectable = [], []
            for drop in drops:
                gate = of_baseline(0.0, drop)
                found = [gate(design, clusters_of(design, n, rng), 0.85, rng) for _ in range(builds)]
                missed = np.mean([one.p_missed is not None and one.p_missed < gates.ALPHA for one, _ in found])
                cells.append(f"{100 * missed:.0f} ({100 * np.mean([bare for _, bare in found]):.0f})")
                detectable += [one.comparison.detectable for one, _ in found if one.comparison]
            size = f"{100 * float(np.nanmedian(np.array(detectable, float))):.1f}"
            print(f"{design.name:<26}{n:>6}", *(f"{cell:>14}" for cell in cells), f"{size:>12}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", type=int, default=120, help="builds of eight gates a line; half for 1,000 items")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, builds = np.random.default_rng(asked.seed), asked.builds
    shares, times = DESIGNS[:6], DESIGNS[6:]
    broken = false_alarms("No difference to the baseline run", DESIGNS, of_baseline(0, 0), builds, rng)
    broken += false_alarms(
        "A drop of 5 points, of which 5 are allowed", shares, of_baseline(0.05, 0.05), builds // 2, rng
    )
    broken += false_alarms("True values at the bound", DESIGNS, of_bound, builds, rng)
    broken += false_alarms("True quantiles at the bound", times, of_quantile, builds, rng)
    broken += false_alarms("No difference of p90", times, of_baseline(0, 0, 0.9), builds // 4, rng)
    power(shares, builds, rng)
    if broken:
        sys.exit(f"{broken} rates, marked with !, are above 5 % by more than the simulation's error.")


if __name__ == "__main__":
    main()
