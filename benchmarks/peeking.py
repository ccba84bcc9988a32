"""Whether daily looks are allowed: false alarms of intervals and of the check of assignment, by simulation.

    python benchmarks/peeking.py            # two minutes on one core
    python benchmarks/peeking.py --tests 300

Sixty days, a look a day, no difference between the arms: how many tests are ever told to differ. A fixed 95 % interval
is set beside it. Likewise whether the effect ever seems to change after the first days, and whether the band of "the
difference so far" on Compare ever leaves zero out. Then how often a mismatch of assignment is told where there is none,
and where 48 came in place of 50 %, and how often intervals of Bradley-Terry strengths hold the truth. Exit code 1 when
a bound is broken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

from analytics import allocation, course, ranking, sequences
from analytics.compared import Metric
from analytics.samples import samples
from analytics.sequences import Arm, Phase
from server.ab_results import FIRST_DAYS

DAYS = 60
Z = 1.959963984540054
Draw = Callable[[np.random.Generator, int], np.ndarray]


def bernoulli(share: float) -> Draw:
    return lambda rng, n: (rng.random(n) < share).astype(float)


KINDS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(5, 2, n),
    "yes in 50 %": bernoulli(0.5),
    "yes in 2 %": bernoulli(0.02),
    "yes in 0.2 %": bernoulli(0.002),
    "costs, lognormal(1)": lambda rng, n: rng.lognormal(0, 1, n),
    "costs, lognormal(1.5)": lambda rng, n: rng.lognormal(0, 1.5, n),
}
RARE: dict[str, Draw] = {"errors in 0.2 %": bernoulli(0.002), "no error at all": bernoulli(0.0)}  # told to be shares
STREAMS = ("single calls", "yes in 2 %", "costs, lognormal(1)", "sessions of 5 calls", "users of both variants",
           "three variants", "95th percentile")  # fmt: skip
PLAIN = ("normal", "yes in 50 %")  # where the fixed interval has no other fault than being looked at


def moments(values: np.ndarray, ends: np.ndarray) -> list[Arm]:
    """The arm at each look, which has seen so many of the values."""
    sums = [np.cumsum(values**power)[ends - 1] for power in (1, 2, 3, 4)]
    return [arm_of(int(n), *(float(one) for one in row)) for n, *row in zip(ends, *sums, strict=True)]


def arm_of(n: int, s1: float, s2: float, s3: float, s4: float) -> Arm:
    mean = s1 / n
    m2 = max(s2 / n - mean**2, 0.0)
    m2 = m2 if m2 > 1e-9 * s2 / n else 0.0  # what rounding leaves of none
    m4 = s4 / n - 4 * mean * s3 / n + 6 * mean**2 * s2 / n - 3 * mean**4
    return Arm(n, mean, m2 * n / (n - 1) if n > 1 else None, m4 / m2**2 if m2 > 0 else None)


def alarms(looks_a: list[Arm], looks_b: list[Arm], r: float, *, share: bool = False) -> tuple[bool, bool, bool]:
    """Whether the sequence, the fixed interval, and the fixed interval of the last day are ever wrong."""
    always = fixed = last = False
    for a, b in zip(looks_a, looks_b, strict=True):
        found = sequences.difference(a, b, r, share=share)
        always |= found.low is not None and not found.low <= 0 <= found.high
        error = sequences.spread(a, b)
        last = bool(error) and a.enough and b.enough and abs(b.mean - a.mean) > Z * error / (a.units + b.units) ** 0.5
        fixed |= last
    return always, fixed, last


def fresh(kind: str, daily: tuple[int, int], tests: int, rng: np.random.Generator) -> np.ndarray:
    """Each unit comes once."""
    days, r = np.arange(1, DAYS + 1), sequences.tuned(sum(daily) * DAYS // 2)
    found = []
    for _ in range(tests):
        arms = [moments((KINDS | RARE)[kind](rng, n * DAYS), days * n) for n in daily]
        found.append(alarms(arms[0], arms[1], r, share=kind in RARE))
    return np.mean(found, axis=0)


def changing(kind: str, daily: tuple[int, int], first: int, tests: int, rng: np.random.Generator) -> float:
    """Share of tests in which the effect ever seems another one after the first days, looked at daily from then on."""
    days, r = np.arange(1, DAYS - first + 1), sequences.tuned(sum(daily) * DAYS // 2)
    alarmed = 0
    for _ in range(tests):
        arms = [KINDS[kind](rng, n * DAYS) for n in daily]
        early = [moments(values, np.array([first * n]))[0] for values, n in zip(arms, daily, strict=True)]
        late = [moments(values[first * n :], days * n) for values, n in zip(arms, daily, strict=True)]
        looks = (
            sequences.novelty(*(Phase(*one) for one in zip(early, pair, strict=True)), r)
            for pair in zip(*late, strict=True)
        )
        alarmed += any(found.low is not None and not found.low <= 0 <= found.high for found in looks)
    return alarmed / tests


def returning(users: int, tests: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Users come back on one day of five and answers of one are alike (0.3); their values are averaged.

    Also how often a fixed interval over answers, as if each were a user of its own, is wrong on the last day alone.
    """
    found, naive = [], []
    for _ in range(tests):
        sides = [_visits(users, rng) for _ in range(2)]
        found.append(alarms(sides[0][0], sides[1][0], sequences.tuned(users)))
        (n, mean, variance), (m, other, spread) = (side[1] for side in sides)
        naive.append(abs(mean - other) > Z * (variance / n + spread / m) ** 0.5)
    return np.mean(found, axis=0), float(np.mean(naive))


def _visits(users: int, rng: np.random.Generator) -> tuple[list[Arm], tuple[float, float, float]]:
    began, own = rng.integers(0, DAYS, users), rng.normal(0, 0.3**0.5, users)
    there = (rng.random((DAYS, users)) < 0.2) & (np.arange(DAYS)[:, None] > began) | (np.arange(DAYS)[:, None] == began)
    values = (own + rng.normal(0, 0.7**0.5, (DAYS, users))) * there
    counts, sums, looks = there.cumsum(axis=0), values.cumsum(axis=0), []
    for day in range(DAYS):
        means = sums[day][counts[day] > 0] / counts[day][counts[day] > 0]
        looks.append(arm_of(means.size, *(float((means**power).sum()) for power in (1, 2, 3, 4))))
    answers = values[there]
    return looks, (answers.size, float(answers.mean()), float(answers.var(ddof=1)))


def calls(name: str, daily: int, rng: np.random.Generator) -> pd.DataFrame:
    """Calls of one or two other variants against a baseline's that do not differ: variant, score, cluster, day."""
    variants = ("a", "b", "c") if name == "three variants" else ("a", "b")
    n = daily * DAYS
    table = pd.DataFrame(
        {"variant": np.repeat(variants, n), "day": np.tile(np.repeat(np.arange(DAYS), daily), len(variants))}
    )
    size = len(table)
    table["cluster"] = np.arange(size)
    if name == "sessions of 5 calls":  # alike by 0.3, all on one day and of one variant
        table["cluster"] //= 5
    elif name == "users of both variants":
        table["cluster"] = rng.integers(0, n // 12, size)
    own = rng.normal(0, 0.3**0.5, size)[table["cluster"]]
    table["score"] = {
        "yes in 2 %": lambda: bernoulli(0.02)(rng, size), "costs, lognormal(1)": lambda: rng.lognormal(0, 1, size),
    }.get(name, lambda: own + rng.normal(0, 0.7**0.5, size))()  # fmt: skip
    return table


def band(name: str, daily: int, tests: int, rng: np.random.Generator) -> tuple[float, float]:
    """Share of tests in which a band on Compare, looked at daily, ever leaves zero out; and that has bounds at all."""
    metric, alarmed, bounded = Metric("score", q=0.95 if name == "95th percentile" else None), 0, 0
    for _ in range(tests):
        table = calls(name, daily, rng)
        found = samples(table, variant="variant", metrics=["score"], cluster="cluster")
        seen = [one.found for one in course.course(found, metric, table["day"].to_numpy(), "a", looks=DAYS)]
        alarmed += any(one.low is not None and not one.low <= 0 <= one.high for one in seen)
        bounded += seen[-1].low is not None
    return alarmed / tests, bounded / tests


def of_assignment(
    weights: tuple[float, ...], truth: tuple[float, ...], daily: int, tests: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Share of tests in which a mismatch is told: by the check for all looks, and by p at any single look."""
    always = single = 0
    for _ in range(tests):
        looks = rng.multinomial(daily, truth, DAYS).cumsum(axis=0).astype(float)
        always += allocation.checked(looks, weights).mismatched
        single += any(allocation.fixed_p(look, np.array(weights)) < allocation.ALPHA for look in looks)
    return always / tests, single / tests


def of_strengths(tests: int, items: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Coverage of strengths over items and over judgements, and of all true ranks at once.

    Three judges an item and pair; with a chance of 0.7 one says what the first said, so that they are no samples.
    """
    truth = np.array([0.8, 0.3, -0.2, -0.9])
    names, held, naive, ranks = list("abcd"), [], [], []
    pairs = [(i, j) for i in range(4) for j in range(i)]
    for test in range(tests):
        rows = [one for item in range(items) for pair in pairs for one in _judged(item, pair, truth, rng)]
        item, a, b, won = zip(*rows, strict=True)
        sides = [names[one] for one in a], [names[one] for one in b]
        for told, into in ((item, held), (range(len(item)), naive)):
            found = ranking.ranking(ranking.Judgements(list(told), *sides, list(won)), draws=500, seed=test)
            by_name = {one.variant: one for one in found.variants}
            bounds = [by_name[name].strength for name in names]
            into += [one.low <= strength <= one.high for one, strength in zip(bounds, truth, strict=True)]
            if into is held:
                ranks.append(all(by_name[n].best_rank <= place <= by_name[n].worst_rank
                                 for place, n in enumerate(names, 1)))  # fmt: skip
    return float(np.mean(held)), float(np.mean(naive)), float(np.mean(ranks))


def _judged(item: int, pair: tuple[int, int], truth: np.ndarray, rng: np.random.Generator) -> list[tuple]:
    chance = 1 / (1 + np.exp(truth[pair[1]] - truth[pair[0]]))
    first = float(rng.random() < chance)
    said = [first, *(first if rng.random() < 0.7 else float(rng.random() < chance) for _ in range(2))]
    return [(item, *pair, one) for one in said]


class Bounds:
    """Prints a line, and remembers whether what it promises holds."""

    def __init__(self) -> None:
        self.broken = 0

    def line(self, name: str, figures: str, *, holds: bool) -> None:
        self.broken += not holds
        print(f"{name:<44} {figures}{'' if holds else '   BROKEN'}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=1000, help="simulated tests a line")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rng, bounds, tests = np.random.default_rng(options.seed), Bounds(), options.tests
    noise = 2.5 * (0.05 * 0.95 / tests) ** 0.5  # of the simulation itself
    print(f"{DAYS} daily looks at two arms that do not differ, {tests} tests: ever told to differ")
    print(f"{'':<44} always valid   fixed 95 %   fixed, last day alone")
    for kind in (*KINDS, *RARE):
        for daily in ((20, 20), (90, 10)):
            found = fresh(kind, daily, tests, rng)
            bounds.line(f"{kind}, {daily[0]} and {daily[1]} units a day", "   ".join(f"{one:>10.3f}" for one in found),
                        holds=found[0] <= 0.05 + noise and (found[1] > 0.2 or kind not in PLAIN))  # fmt: skip
    for kind in KINDS:
        for daily in ((20, 20), (90, 10)):
            told = changing(kind, daily, FIRST_DAYS, tests, rng)
            bounds.line(f"first days, {kind}, {daily[0]} and {daily[1]}", f"{told:>10.3f}",
                        holds=told <= 0.05 + noise)  # fmt: skip
    found, naive = returning(600, max(tests // 2, 50), rng)
    bounds.line("users who come back, averaged", "   ".join(f"{one:>10.3f}" for one in found),
                holds=found[0] <= 0.05 + 2 * noise and found[1] > 0.1)  # fmt: skip
    bounds.line("the same by answer, fixed, last day alone", f"{'':>26}{naive:>10.3f}", holds=naive > 0.05 + noise)

    print("\nthe difference so far on Compare, looked at daily: its band leaves zero out, and has bounds in the end")
    for name in STREAMS:
        daily = 20 if name == "three variants" else 40
        sims = max(tests // 4, 50)
        told, bounded = band(name, daily, sims, rng)
        noise_of = 2.5 * (0.05 * 0.95 / sims) ** 0.5
        bounds.line(f"{name}, {daily} a day and variant", f"{told:>10.3f}   {bounded:>10.3f}",
                    holds=told <= 0.05 + noise_of and bounded > 0.8)  # fmt: skip

    print(f"\nassignment, {DAYS} daily looks, mismatch told below p {allocation.ALPHA}")
    print(f"{'':<44} always valid   p of any single look")
    for weights, daily in (((0.5, 0.5), 200), ((0.9, 0.1), 200), ((0.4, 0.3, 0.3), 200)):
        always, single = of_assignment(weights, weights, daily, tests, rng)
        bounds.line(f"as meant, {weights}", f"{always:>10.3f}   {single:>10.3f}",
                    holds=always <= allocation.ALPHA + noise / 2 and single > 0.02)  # fmt: skip
    always, single = of_assignment((0.5, 0.5), (0.48, 0.52), 200, max(tests // 2, 100), rng)
    told = f"{always:>10.3f}   {single:>10.3f}"
    bounds.line("48 to 52 in place of 50 to 50, 12,000 units", told, holds=always >= 0.75)

    sims = max(tests // 5, 40)
    held, naive, ranks = of_strengths(sims, 120, rng)
    noise = 2.5 * (0.05 * 0.95 / (2 * sims)) ** 0.5
    print("\nBradley-Terry, 4 variants, 120 items of 3 judges who repeat one another")
    bounds.line("95 % intervals of strengths, over items", f"{held:>10.3f}", holds=abs(held - 0.95) <= 0.01 + noise)
    bounds.line("the same over judgements", f"{naive:>10.3f}", holds=naive < 0.92)
    bounds.line("all true ranks within their sets", f"{ranks:>10.3f}", holds=ranks >= 0.95 - 2 * noise)
    return int(bounds.broken > 0)


if __name__ == "__main__":
    sys.exit(main())
