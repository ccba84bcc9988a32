"""How often comparisons are right, by simulation and on halves of real results, and how long they take.

    python benchmarks/compare.py            # three minutes of one core
    python benchmarks/compare.py --samples 500

Coverage: of each 95 % interval, which must be 94 to 96 %; at least 94 % of those that are exact, which hold in more
samples where few outcomes are possible, and of those that are the more careful of two. False findings: variants that
do not differ, and halves of the results of one model, may have a verdict in at most 5.5 %. Lines of a `limit` show what
is not done well. False discovery: of 50 metrics, 40 of which do not differ. It ends with an error when a rate leaves
its bounds by more than the simulation's own error (at 99.9 %), and when a page takes two seconds of a core.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from analytics.compared import Compared, Metric, Options
from analytics.comparison import compare
from analytics.samples import Samples

SHARED = Path(os.environ.get("ASSAY_SHARED", Path(__file__).resolve().parents[2] / "shared"))
Rng = np.random.Generator
SCORE = Metric("score", "higher")


def rows(
    a: np.ndarray, b: np.ndarray, *, paired: bool, clusters: tuple[np.ndarray, np.ndarray] | None = None,
    **more: tuple[np.ndarray, np.ndarray],
) -> Samples:  # fmt: skip
    """Two variants with one row an item."""
    n, m = len(a), len(b)
    items = np.concatenate([np.arange(n), np.arange(m) + (0 if paired else n)])
    metrics = {name: np.concatenate(both).astype(float) for name, both in {"score": (a, b), **more}.items()}
    codes = None if clusters is None else np.concatenate(clusters).astype(np.intp)
    variants = np.repeat([0, 1], [n, m]).astype(np.intp)
    return Samples(("a", "b"), variants, items, items, codes, metrics, np.zeros(n + m, bool))


def outcome(found: Samples, metric: Metric | None = None, **options: object) -> Compared:
    [one] = compare(found, [metric or SCORE], Options(**options))
    return one


@dataclass(frozen=True)
class Design:
    """One sample of two variants, compared; and the true difference."""

    name: str
    draw: Callable[[Rng, float], tuple[Compared, float]]  # with a difference of this many units, or none
    exact: bool = False  # holds in more than its level: few outcomes are possible, or it is the more careful of two
    naive: bool = False  # shown to fail
    limit: bool = False  # shown, whatever it is
    share: float = 1.0  # of the samples, where each takes long
    size: float = 0.5


def normal_pairs(rng: Rng, gap: float, n: int = 50) -> tuple[Compared, float]:
    a = rng.normal(size=n)
    return outcome(rows(a, a + rng.normal(gap, 0.7, n), paired=True)), gap


def welch(rng: Rng, gap: float) -> tuple[Compared, float]:
    return outcome(rows(rng.normal(0, 1, 40), rng.normal(gap, 3, 120), paired=False)), gap


def share_pairs(rng: Rng, gap: float) -> tuple[Compared, float]:
    z, own, p = rng.normal(size=(1, 200)), rng.normal(size=(2, 200)), rng.uniform(0.3, 0.8)
    a, b = np.sqrt(0.5) * z + np.sqrt(0.5) * own < stats.norm.ppf([[p], [p + gap / 5]])
    return outcome(rows(a, b, paired=True)), gap / 5


def shares(rng: Rng, gap: float) -> tuple[Compared, float]:
    p = rng.uniform(0.2, 0.8)
    return outcome(rows(rng.random(150) < p, rng.random(250) < p + gap / 5, paired=False)), gap / 5


def clustered(rng: Rng, gap: float, *, told: bool) -> tuple[Compared, float]:
    """Forty clusters of five pairs, whose differences have a correlation of 0.3."""
    codes = np.repeat(np.arange(40), 5)
    gaps = gap + np.sqrt(0.3) * rng.normal(size=40)[codes] + np.sqrt(0.7) * rng.normal(size=200)
    a = rng.normal(size=200)
    return outcome(rows(a, a + gaps, paired=True, clusters=(codes, codes) if told else None)), gap


def sessions(rng: Rng, gap: float) -> tuple[Compared, float]:
    """Users of several requests, of very unequal numbers; a third of them saw both variants; a correlation of 0.3."""
    sides = []
    effects = np.sqrt(0.3) * rng.normal(size=100)
    for users, shift in ((np.arange(60), 0.0), (np.arange(40, 100), gap)):
        weights = rng.lognormal(0, 0.7, 60)
        codes = rng.choice(users, 300, p=weights / weights.sum())
        sides.append((shift + effects[codes] + np.sqrt(0.7) * rng.normal(size=300), codes))
    (a, first), (b, second) = sides
    return outcome(rows(a, b, paired=False, clusters=(first, second))), gap


def clustered_shares(rng: Rng, gap: float) -> tuple[Compared, float]:
    """Thirty users a side with eight answers each, whose chances differ from user to user (correlation 0.3)."""
    sides, codes = [], np.repeat(np.arange(30), 8)
    for p in (0.6, 0.6 + gap / 5):
        chance = rng.beta(p * 7 / 3, (1 - p) * 7 / 3, 30)
        sides.append(rng.random(240) < chance[codes])
    return outcome(rows(*sides, paired=False, clusters=(codes, 100 + codes))), gap / 5


def costs(rng: Rng, gap: float, n: int, m: int, **options: object) -> tuple[Compared, float]:
    """Of other items: logarithms with a deviation of 1."""
    a, b = rng.lognormal(0, 1, n), rng.lognormal(0, 1, m) + gap
    return outcome(rows(a, b, paired=False), Metric("score", "lower"), **options), gap


def cost_pairs(rng: Rng, gap: float) -> tuple[Compared, float]:
    """Of the same items, half of it their own: logarithms with a deviation of 1."""
    common = rng.normal(size=200)
    a, b = (np.exp(np.sqrt(0.5) * (common + rng.normal(size=200))) for _ in range(2))
    return outcome(rows(a, b + gap, paired=True), Metric("score", "lower")), gap


def one_sided(rng: Rng, gap: float) -> tuple[Compared, float]:
    """Pairs whose differences are skewed to one side, also where their mean is 0."""
    a = rng.normal(size=400)
    return outcome(
        rows(a, a + rng.lognormal(0, 1, 400) - np.exp(0.5) + gap, paired=True), Metric("score", "lower")
    ), gap


def few_pairs(rng: Rng, gap: float) -> tuple[Compared, float]:
    return normal_pairs(rng, gap, 12)


def few(rng: Rng, gap: float) -> tuple[Compared, float]:
    return outcome(rows(rng.normal(size=9), rng.normal(gap, 1, 9), paired=False)), gap


def few_of_other_spreads(rng: Rng, gap: float, **options: object) -> tuple[Compared, float]:
    """Four values with a deviation of 4, and sixteen with one of 1."""
    return outcome(rows(rng.normal(0, 4, 4), rng.normal(gap, 1, 16), paired=False), **options), gap


def slow_calls(rng: Rng, gap: float, *, paired: bool) -> tuple[Compared, float]:
    """The p95 of latencies."""
    common = rng.normal(size=1000)
    a = np.exp(np.sqrt(0.8) * common + np.sqrt(0.2) * rng.normal(size=1000))
    other = common if paired else rng.normal(size=1000)
    b = np.exp(gap / 2 + np.sqrt(0.8) * other + np.sqrt(0.2) * rng.normal(size=1000))
    truth = float(np.exp(1.6448536)) * (np.exp(gap / 2) - 1)
    return outcome(rows(a, b, paired=paired), Metric("score", "lower", q=0.95)), truth


def per_success(rng: Rng, gap: float) -> tuple[Compared, float]:
    cost = [rng.lognormal(at, 0.5, 300) for at in (0, gap / 5)]
    ok = [rng.random(300) < 0.7 for _ in cost]
    truth = np.exp(0.125) / 0.7 * (np.exp(gap / 5) - 1)
    found = rows(*cost, paired=False, ok=(ok[0], ok[1]))
    return outcome(found, Metric("score", "lower", per="ok")), truth


DESIGNS = (
    Design("paired t, 50 pairs", normal_pairs),
    Design("Welch's t, 40 and 120", welch),
    Design("Newcombe, paired, 200", share_pairs),
    Design("Newcombe, 150 and 250", shares),
    Design("pairs in clusters, ICC 0.3", lambda rng, gap: clustered(rng, gap, told=True)),
    Design("  the same, naive", lambda rng, gap: clustered(rng, gap, told=False), naive=True),
    Design("users in both, ICC 0.3", sessions),
    Design("shares of users, ICC 0.3", clustered_shares),
    Design("costs, 100 and 100", lambda rng, gap: costs(rng, gap, 100, 100), exact=True, share=0.5),
    Design("costs, 200 pairs", cost_pairs, exact=True, share=0.5),
    Design("  limit: one-sided, 400 pairs", one_sided, limit=True, share=0.3),
    Design("  limit: costs, 500 and 100", lambda rng, gap: costs(rng, gap, 500, 100), limit=True, share=0.3),
    Design("  limit: BCa alone", lambda rng, gap: costs(rng, gap, 100, 100, test="bootstrap"), limit=True, share=0.3),
    Design("sign flips, 12 pairs", few_pairs, exact=True),
    Design("t and relabelling, 9 and 9", few, exact=True, share=0.25),
    Design("t and relabelling, 4 and 16", few_of_other_spreads, exact=True, share=0.1),
    Design(
        "  limit: relabelling alone",
        lambda rng, gap: few_of_other_spreads(rng, gap, test="permutation"),
        limit=True,
        share=0.1,
    ),
    Design("p95, 1,000 and 1,000", lambda rng, gap: slow_calls(rng, gap, paired=False), share=0.5),
    Design("p95, 1,000 pairs", lambda rng, gap: slow_calls(rng, gap, paired=True), share=0.5),
    Design("cost per success, 300 each", per_success, share=0.5),
)


def beyond(hits: int, of: int, least: float, most: float) -> bool:
    """Whether a rate lies outside of its bounds by more than the simulation's error."""
    sure = stats.binomtest(hits, of).proportion_ci(0.998, "exact")
    return bool(sure.high < least or sure.low > most)


def coverage(samples: int, rng: Rng) -> int:
    """Prints a table; how many rates leave their bounds, or fail to where they must."""
    print(f"{'':<30}{'held, %':>22}{'false findings, %':>24}")
    broken = 0
    for design in DESIGNS:
        of, held, found = round(samples * design.share), 0, 0
        for _ in range(of):
            one, truth = design.draw(rng, design.size)
            low = -np.inf if one.ci_low is None else one.ci_low
            high = np.inf if one.ci_high is None else one.ci_high
            held += low <= truth <= high
            none, _ = design.draw(rng, 0.0)
            found += none.verdict in {"better", "worse"}
        wide = beyond(held, of, 0.94, 1.0 if design.exact else 0.96)
        false = beyond(found, of, 0.0, 0.055)
        bad = False if design.limit else (not wide) if design.naive else (wide or false)
        broken += bad
        print(f"{design.name:<30}", *(f"{_rate(hits, of):>22}" for hits in (held, found)), "!" * bad, flush=True)
    return broken


def _rate(hits: int, of: int) -> str:
    low, high = stats.binomtest(hits, of).proportion_ci(0.95, "wilson")
    return f"{100 * hits / of:.1f} [{100 * low:.1f}-{100 * high:.1f}]"


def real(name: str) -> list[dict[str, object]]:
    found = []
    for path in sorted((SHARED / "data" / name).glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            found += [json.loads(line) for line in file]
    return found


def null_halves(splits: int, rng: Rng) -> int:
    """Halves of the results of one model, or of the votes on one pair of models: how many differ."""
    columns: dict[str, list[np.ndarray]] = {"llmdrift": [], "pandalm": []}
    drift: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for row in real("llmdrift"):
        drift.setdefault((row["model"], row["dataset"]), []).append(row)
    for group in drift.values():
        for key in ("latency", "cost", "answer_token", "Response Rate", "Directly Usable"):
            values = np.array([float(str(row.get(key) or "nan")) for row in group])
            if np.isfinite(values).all():
                columns["llmdrift"].append(values)
    votes: dict[object, list[float]] = {}
    for row in real("pandalm"):
        sides = [{0: 0.0, 1: -1.0, 2: 1.0}[int(str(row[f"annotator{at}"]))] for at in (1, 2, 3)]
        votes.setdefault(row["cmp_key"], []).append(float(np.mean(sides)))
    columns["pandalm"] = [np.array(group) for group in votes.values() if len(group) >= 40]
    broken = 0
    for name, groups in columns.items():
        if not groups:
            print(f"{name + ', halves':<30} no data in the shared folder: not measured")
            continue
        found = of = 0
        for values in groups:
            for _ in range(max(splits // len(groups), 1)):
                mixed = rng.permutation(values)
                half = len(mixed) // 2
                found += outcome(rows(mixed[:half], mixed[half:], paired=False)).verdict in {"better", "worse"}
                of += 1
        broken += beyond(found, of, 0.0, 0.055)
        print(f"{f'{name}, halves of {len(groups)} columns':<30}{'':>23}{_rate(found, of):>22}", flush=True)
    return broken


def discoveries(rounds: int, rng: Rng) -> int:
    """Fifty metrics, of which ten differ: the share of false ones among the findings, by Benjamini and Hochberg."""
    shares_false, power = [], []
    for _ in range(rounds):
        a = rng.normal(size=(50, 100))
        gaps = rng.normal(size=(50, 100)) + np.where(np.arange(50) < 10, 0.4, 0.0)[:, None]
        metrics = {f"m{at:02}": (a[at], a[at] + gaps[at]) for at in range(50)}
        found = compare(
            rows(a[0], a[0], paired=True, **metrics), [Metric(name, "higher") for name in metrics], Options(adjust="bh")
        )
        hit = np.array([one.verdict in {"better", "worse"} for one in found])
        shares_false.append(hit[10:].sum() / max(hit.sum(), 1))
        power.append(hit[:10].mean())
    rate, error = float(np.mean(shares_false)), float(np.std(shares_false) / np.sqrt(rounds))
    told = f"{100 * rate:.1f} % (error {100 * error:.1f}), found {100 * np.mean(power):.0f} %"
    print(f"{'50 metrics, 10 differ: FDR':<30} {told}")
    return int(rate - 3.1 * error > 0.05)


def speed(rng: Rng) -> int:
    """Ten variants, 5,000 items, ten metrics, 2,000 draws: seconds of wall time and of one core, the best of three."""
    variants, items = np.repeat(np.arange(10), 5000), np.tile(np.arange(5000), 10)
    metrics = {f"m{at}": rng.normal(size=50_000) if at % 2 else (rng.random(50_000) < 0.7) * 1.0 for at in range(9)}
    metrics["cost"] = rng.lognormal(0, 2, 50_000)
    found = Samples(tuple("abcdefghij"), variants, items, items, None, metrics, np.zeros(50_000, bool))
    asked = [Metric(name, "higher") for name in metrics]
    broken = 0
    for name, options in (
        ("paired", Options()),
        ("paired, all by the bootstrap", Options(test="bootstrap")),
        ("unpaired", Options(paired=False)),
    ):
        times = []
        for _ in range(3):
            wall, core = time.perf_counter(), time.process_time()
            results = compare(found, asked, options)
            times.append((time.perf_counter() - wall, time.process_time() - core))
        wall, core = min(times)
        broken += min(core for _, core in times) > 2
        drawn = sum("BCa" in str(one.test) for one in results)
        print(f"{name:<30} {len(results)} comparisons, {drawn} by 2,000 draws: {wall:.2f} s, {core:.2f} s of a core")
    return broken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2000, help="samples a line; fewer where each takes long")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    broken = coverage(asked.samples, rng)
    broken += null_halves(asked.samples, rng)
    broken += discoveries(max(asked.samples // 20, 20), rng)
    broken += speed(rng)
    if broken:
        sys.exit(f"{broken} figures, marked with !, leave their bounds by more than the simulation's error.")


if __name__ == "__main__":
    main()
