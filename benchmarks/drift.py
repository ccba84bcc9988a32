"""How often drift is called where there is none, how late it is where there is, beside other detectors; and real data.

    python benchmarks/drift.py              # three minutes on one core
    python benchmarks/drift.py --size 0.3

First whether false alarms come as often as `analytics.false_alarms` said of each monitor's reference: streams with and
without memory and season, alone and as 200 monitors of one project. Then, at the same number of false alarms, how many
values after a rate went from 10 to 20 %, or a mean by half a deviation, the alarm comes, beside ADWIN, Page-Hinkley and
PSI. Then LLMDrift, March against June 2023 and against itself, and the load of public traces. Exit code 1 when a bound
is broken. ADWIN is river's where it is installed (`pip install river`), else it is left out.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analytics import alerting, changes, cusum, drift, false_alarms, stability, watching
from analytics.drifted import Options
from analytics.watching import Policy

SHARED = Path(os.environ.get("ASSAY_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
DAY, REFERENCE, MONTH = 24, 28 * 24, 30 * 24
TOGETHER, TOLD, DRAWN = 100, 8, 60  # monitors drawn at once, those of which false alarms are said, draws of each
Make = Callable[[np.random.Generator, int], np.ndarray]


class Bounds:
    """Prints a line, and remembers whether what it promises holds."""

    def __init__(self) -> None:
        self.broken = 0

    def line(self, name: str, figures: str, *, holds: bool = True) -> None:
        self.broken += not holds
        print(f"{name:<52} {figures}{'' if holds else '   BROKEN'}", flush=True)


# False alarms: streams of hourly buckets.


def remembering(rng: np.random.Generator, streams: int, memory: float) -> np.ndarray:
    """Autoregressive, of deviation 1: [hour, stream]."""
    new = rng.normal(0, np.sqrt(1 - memory**2), (REFERENCE + MONTH + 100, streams)) if memory else None
    if new is None:
        return rng.normal(0, 1, (REFERENCE + MONTH, streams))
    for at in range(1, len(new)):
        new[at] += memory * new[at - 1]
    return new[100:]


HOURS = np.arange(REFERENCE + MONTH)
CALLS = np.round(60 * (1.15 + np.sin(HOURS / DAY * 2 * np.pi))).astype(int)  # 9 an hour at night, 129 by day
WAVE = 2 * np.sin(HOURS / DAY * 2 * np.pi)[:, None]
WEEK = WAVE * np.where(HOURS // DAY % 7 < 5, 1.0, 0.3)[:, None]  # weekends are flat


def rates(rng: np.random.Generator, streams: int) -> np.ndarray:
    truth = 0.1 + 0.03 * np.sin(HOURS / DAY * 2 * np.pi)[:, None]
    return rng.binomial(CALLS[:, None], truth, (HOURS.size, streams)) / CALLS[:, None]


STREAMS: dict[str, tuple[Make, int, bool]] = {  # how they are made, their season, and whether calls are their weights
    "stationary": (lambda rng, n: remembering(rng, n, 0.0), 1, False),
    "autocorrelated (0.6)": (lambda rng, n: remembering(rng, n, 0.6), 1, False),
    "skewed (lognormal 1)": (lambda rng, n: rng.lognormal(0, 1, (HOURS.size, n)), 1, False),
    "hourly season, autocorrelated (0.5)": (lambda rng, n: WAVE + remembering(rng, n, 0.5), DAY, False),
    "hour of weekday, autocorrelated (0.5)": (lambda rng, n: WEEK + remembering(rng, n, 0.5), 7 * DAY, False),
    "rate of 10 %, few calls at night": (rates, DAY, True),
}


def base(values: np.ndarray, weights: np.ndarray, policy: Policy) -> watching.Baseline:
    found = watching.baseline(values, weights, policy)
    if found is None:
        raise SystemExit("There is no baseline of a reference that is long enough.")
    return found


def scores(streams: np.ndarray, weights: np.ndarray, policy: Policy) -> watching.Looks:
    return watching.looks(
        base(streams[:REFERENCE], weights[:REFERENCE], policy), streams[REFERENCE:], weights[REFERENCE:], policy
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """False alarms a month, said of references and seen after them, each with its standard error."""

    said: float
    said_error: float
    seen: float
    seen_error: float

    @property
    def off(self) -> tuple[float, float, float]:
        """What was seen over what was said, less 1; and its 95 % interval, by the delta method."""
        ratio = self.seen / self.said
        half = 1.96 * ratio * float(np.hypot(self.seen_error / self.seen, self.said_error / self.said))
        return ratio - 1, ratio - 1 - half, ratio - 1 + half


def counted(said: list[float], seen: list[float]) -> Counted:
    """Of means, one a reference and one a month or project."""
    told = [(float(np.mean(one)), float(np.std(one, ddof=1) / len(one) ** 0.5)) for one in (said, seen)]
    return Counted(*told[0], *told[1])


def stated(streams: np.ndarray, weights: np.ndarray, policy: Policy, seed: int) -> list[float]:
    """What is said of each monitor by its own reference."""
    own = (false_alarms.stream(one, weights[:REFERENCE], DAY) for one in streams[:REFERENCE].T)
    return [false_alarms.alarms(one, policy, DRAWN, seed + at).per_month.value or 0.0 for at, one in enumerate(own)]


def of_monitors(name: str, projects: int, monitors: int, rng: np.random.Generator) -> Counted:
    """Of so many projects of so many monitors, whose p-values are adjusted over each round: alarms of one monitor.

    Said of eight references of each hundred, or of each project of many.
    """
    make, period, weighed = STREAMS[name]
    policy = Policy(window=DAY, period=period, alpha=0.01 if monitors == 1 else 0.05, hits=2, of=3, monitors=monitors)
    weights = CALLS.astype(float) if weighed else np.ones(HOURS.size)
    seen, said = list[float](), list[float]()
    for project in range(projects):
        # Projects of one monitor are drawn many at once, which is the same and takes less time.
        streams = make(rng, max(monitors, TOGETHER))
        looked = scores(streams, weights, policy)
        counts = looked.counts(policy) if monitors == 1 else below(looked.p_values(), policy.alpha)
        begins = alerting.begins(counts, 2, 3).sum(axis=0).astype(float)
        seen += begins.tolist() if monitors == 1 else [float(begins.mean())]
        said += stated(streams[:, :TOLD], weights, policy, TOLD * project)
    return counted(said, seen)


def below(ps: np.ndarray, alpha: float) -> np.ndarray:
    """Benjamini and Hochberg's findings of each row, as `alerting.counted` has them of one."""
    ordered = np.sort(ps, axis=1)
    fits = ordered <= alpha * np.arange(1, ps.shape[1] + 1) / ps.shape[1]
    most = np.where(fits.any(axis=1), np.take_along_axis(
        ordered, ps.shape[1] - 1 - fits[:, ::-1].argmax(axis=1)[:, None], axis=1)[:, 0], -1.0)  # fmt: skip
    return ps <= most[:, None]


def false_alarms_of_policies(bounds: Bounds, size: float, rng: np.random.Generator) -> None:
    print("False alarms of a monitor and month: said of the reference, seen, and how far off with a 95 % interval")
    print("Looks every hour at the last day, 2 of 3")
    for monitors, many in ((1, 30), (200, 120)):
        for name in STREAMS:
            found = of_monitors(name, max(round(many * size), 4), monitors, rng)
            off, low, high = found.off
            told = f"said {found.said:7.4f}   seen {found.seen:7.4f}   {off:+.0%} ({low:+.0%} to {high:+.0%})"
            # Of 200 such tails too little is said: the hours that decide are rarer than four weeks of them show.
            beyond = monitors > 1 and name.startswith("skewed")
            bounds.line(f"{monitors} {'monitor' if monitors == 1 else 'monitors'}, {name}", told,
                        holds=beyond or (low <= 0.2 and high >= -0.2 and abs(off) <= 0.2))  # fmt: skip


# Delay: values one by one.

BASE, SPAN, RUN = 5_000, 8_000, 10_000  # of the reference, after it, and between false alarms
CHANGED = 2_100  # values after the reference, at which they change: in the middle of a window of 200


def cusums(values: np.ndarray, kind: str) -> np.ndarray:
    """The higher of two sums, for a rise and a fall by the least effect from each reference's mean: [value, stream]."""
    found = []
    for one in values.T:
        mean, spread = float(one[:BASE].mean()), float(one[:BASE].std())
        sides = (
            [mean + 0.1, max(mean - 0.1, mean / 2)] if kind == "rate" else [mean + 0.5 * spread, mean - 0.5 * spread]
        )
        made = [cusum.Cusum(mean, side, 0.0, None if kind == "rate" else spread) for side in sides]
        found.append(np.max([rule.sums(one[BASE:]) for rule in made], axis=0))
    return np.array(found).T


def page_hinkley(values: np.ndarray, _kind: str) -> np.ndarray:
    """Page-Hinkley on both sides, as river has it: the mean of all values so far, a tolerance of 0.005 deviations."""
    spread = values[:BASE].std(axis=0)
    scaled = values / spread
    count = np.arange(1, len(values) + 1)[:, None]
    off = scaled - np.cumsum(scaled, axis=0) / count
    sums = []
    for steps in (off - 0.005, -off - 0.005):
        whole = np.cumsum(steps[BASE:], axis=0)
        sums.append(whole - np.minimum(np.minimum.accumulate(whole, axis=0), 0))
    return np.maximum(*sums)


def psi(values: np.ndarray, kind: str, window: int = 200) -> np.ndarray:
    """The index of the last 200 values against the reference, after each 200: between them as it was."""
    found = np.zeros((len(values) - BASE, values.shape[1]))
    for at, one in enumerate(values.T):
        frozen = np.array([0.5]) if kind == "rate" else stability.edges(one[:BASE])
        reference = np.bincount(stability.placed(one[:BASE], frozen), minlength=frozen.size + 1).astype(float)
        bins = stability.placed(one[BASE:], frozen).reshape(-1, window)
        counts = np.array([np.bincount(row, minlength=frozen.size + 1) for row in bins]).astype(float)
        of_windows = stability.of_counts(reference[None], counts)
        found[window - 1 :, at] = np.repeat(of_windows, window)[: len(found) - window + 1]
    return found


def first_above(level: np.ndarray, limit: float, since: int) -> np.ndarray:
    """Values until the statistic is above, from a value on; the length of what is left where it never is."""
    over = level[since:] > limit
    return np.where(over.any(axis=0), over.argmax(axis=0) + 1, len(over))


def limit_for(level: np.ndarray) -> float:
    """The limit with so many values between false alarms: 1 - exp(-n / RUN) of n values see one."""
    return float(np.quantile(level.max(axis=0), np.exp(-len(level) / RUN)))


def values_of(kind: str, streams: int, rng: np.random.Generator, *, changed: bool) -> np.ndarray:
    moved = (np.arange(BASE + SPAN) >= BASE + CHANGED)[:, None] & changed
    if kind == "rate":
        return (rng.random((BASE + SPAN, streams)) < np.where(moved, 0.2, 0.1)).astype(float)
    return rng.normal(0, 1, (BASE + SPAN, streams)) + 0.5 * moved


DETECTORS: dict[str, Callable[[np.ndarray, str], np.ndarray]] = {
    "cumulative sums (ours)": cusums,
    "Page-Hinkley": page_hinkley,
    "PSI of 200 values": psi,
}


def delays(bounds: Bounds, size: float, rng: np.random.Generator) -> None:
    streams = round(600 * size)
    for kind, told in (("rate", "a rate from 10 to 20 %"), ("mean", "a mean by 0.5 deviations")):
        print(f"\nDelay in values after {told}, at {RUN:,} values between false alarms (median, mean, 90 %)")
        quiet = values_of(kind, streams, rng, changed=False)
        moved = values_of(kind, streams, rng, changed=True)
        means = {}
        for name, detector in DETECTORS.items():
            level = detector(quiet, kind)
            limit = limit_for(level)
            means[name] = _delay_line(bounds, name, detector(moved, kind), limit)
            if name.startswith("PSI"):
                _fixed(bounds, level)
            if name.startswith("cumulative"):
                _limits(bounds, kind, limit)
        adwin = of_adwin(quiet[:, : streams // 6], moved[:, : streams // 6])
        if adwin is None:
            print("ADWIN: left out, as river is not installed")
        else:
            means["ADWIN (river)"] = float(adwin.mean())
            _told(bounds, "ADWIN (river)", adwin)
        ours = means["cumulative sums (ours)"]
        others = min(mean for name, mean in means.items() if "ours" not in name)
        bounds.line("ours over the best of the others", f"{ours / others:.2f}", holds=ours < others)


def _delay_line(bounds: Bounds, name: str, level: np.ndarray, limit: float) -> float:
    before = (level[:CHANGED] > limit).any(axis=0)
    waited = first_above(level[:, ~before], limit, CHANGED)
    _told(bounds, name, waited)
    return float(waited.mean())


def _told(bounds: Bounds, name: str, waited: np.ndarray) -> None:
    bounds.line(name, f"{np.median(waited):7.0f} {waited.mean():7.0f} {np.quantile(waited, 0.9):7.0f}")


def _fixed(bounds: Bounds, level: np.ndarray) -> None:
    for limit in (0.1, 0.2):
        share = float((level[199::200] > limit).mean())
        bounds.line(f"  PSI above the usual {limit}, nothing changed", f"{share:.1%} of windows")


def _limits(bounds: Bounds, kind: str, limit: float) -> None:
    """Of two sides, each has twice as many values between false alarms."""
    rule = cusum.of_shares(0.1, 0.2, 2 * RUN) if kind == "rate" else cusum.of_means(0, 0.5, 1, 2 * RUN)
    bounds.line("  its limit: by the run length, and drawn", f"{rule.limit:.2f} and {limit:.2f}")


def of_adwin(quiet: np.ndarray, moved: np.ndarray) -> np.ndarray | None:
    """Delays at the delta with as many streams alarmed as of the others. Null: river is not installed."""
    try:
        from river.drift import ADWIN  # noqa: PLC0415 - no dependency of the project
    except ImportError:
        return None

    def first(stream: np.ndarray, delta: float, since: int) -> int:
        found = ADWIN(delta=delta)
        for at, value in enumerate(stream.tolist()):
            found.update(value)
            if found.drift_detected and at >= since:
                return at - since + 1
        return stream.size - since

    low, high = -6.0, 0.0
    wanted = 1 - np.exp(-SPAN / RUN)
    for _ in range(6):
        middle = (low + high) / 2
        alarmed = np.mean([first(one, 10**middle, BASE) < SPAN for one in quiet[:, :60].T])
        low, high = (middle, high) if alarmed < wanted else (low, middle)
    waited = np.array([first(one, 10**high, BASE + CHANGED) for one in moved.T])
    print(f"  ADWIN's delta for that many false alarms: {10**high:.3g}")
    return waited


# Real data.


def rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(SHARED / "llmdrift" / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


SIGNALS = ("latency", "answer_token", "cost")
TASKS = {  # file: its score, and of which family it is known to have moved
    "leetcode_easy_eval.jsonl.gz": ("Directly Usable", {"gpt-4": True, "gpt-3.5-turbo": True}),
    "sensitiveq_eval.jsonl.gz": ("Response Rate", {"gpt-4": True, "gpt-3.5-turbo": None}),
    "prime_full_eval.jsonl.gz": (None, {}),
}


def columns(side: list[dict[str, Any]], score: str | None) -> dict[str, np.ndarray]:
    found = {name: np.array([float(row[name]) for row in side]) for name in SIGNALS}
    if score is None:  # primes: the answer is compared with the truth, as the paper does
        found["correct"] = np.array([float(row["ref_answer"].lower() in row["answer"].lower()) for row in side])
    else:
        found[score] = np.array([float(row[score]) for row in side])
    return found


def compared(a: list[dict[str, Any]], b: list[dict[str, Any]], score: str | None, seed: int) -> list[Any]:
    first, second = columns(a, score), columns(b, score)
    kinds = {name: "numeric" if name in SIGNALS else "rate" for name in first}
    made = {name: drift.column(kinds[name], first[name], second[name]) for name in first}  # type: ignore[arg-type]  # of the literals
    clusters = [row["id"] for row in a], [row["id"] for row in b]
    return drift.drift(made, clusters, Options(seed=seed))


def llmdrift(bounds: Bounds, size: float, rng: np.random.Generator) -> None:
    if not (SHARED / "llmdrift").is_dir():
        print("\nLLMDrift: left out, as its data is not there")
        return
    print("\nLLMDrift, March against June 2023 by question; and halves of one snapshot")
    fired = halves = 0
    for file, (score, known) in TASKS.items():
        every = rows(file)
        for family, names in {"gpt-4": ("gpt-4-0314", "gpt-4-0613"),
                              "gpt-3.5-turbo": ("gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613")}.items():  # fmt: skip
            march, june = ([row for row in every if row["model"].endswith(name)] for name in names)
            found = compared(march, june, score, 0)
            told = ", ".join(f"{one.column} {one.verdict} ({one.effect:+.2f})" for one in found)
            rate = next(one for one in found if one.type == "rate")
            expected = known.get(family, True)
            bounds.line(f"{family}, {file.split('_')[0]}", told, holds=expected in {None, rate.verdict == "drift"})
            _when(bounds, march, june)
            for side in (march, june):
                for seed in range(max(round(8 * size), 2)):
                    order = rng.permutation(len(side))
                    first = [side[at] for at in order[: len(side) // 2]]
                    second = [side[at] for at in order[len(side) // 2 :]]
                    halves += 1
                    fired += any(one.verdict == "drift" for one in compared(first, second, score, seed))
    bounds.line(
        "halves of a snapshot with any drift",
        f"{fired} of {halves}",
        holds=fired <= 0.05 * halves + 2 * (0.05 * halves) ** 0.5,
    )


def _when(bounds: Bounds, march: list[dict[str, Any]], june: list[dict[str, Any]]) -> None:
    """The place of the change of answers' lengths, March before June."""
    # In an order of their own within each snapshot: the questions' is by their kind.
    orders = [np.random.default_rng(1).permutation(len(side)) for side in (march, june)]
    ordered = [side[at] for side, order in zip((march, june), orders, strict=True) for at in order]
    tokens = np.log1p([float(row["answer_token"]) for row in ordered])
    found = changes.change(tokens, draws=100)
    if found is None or found.p >= 0.01:
        bounds.line("  lengths of answers, in order", "no change found")
        return
    told = f"changed at {found.at} ({found.low} to {found.high}) of {tokens.size}, June begins at {len(march)}"
    bounds.line("  lengths of answers, in order", told, holds=found.low - 1 <= len(march) <= found.high + 1)


def servegen(bounds: Bounds, rng: np.random.Generator) -> None:
    file = SHARED / "servegen" / "deepseek_r1_client_rates.jsonl.gz"
    if not file.is_file():
        print("\nServeGen: left out, as its data is not there")
        return
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        every = [json.loads(line) for line in lines]
    rate, variance = np.zeros(144), np.zeros(144)
    for row in every:
        at = int(row["t"] // 600)
        rate[at] += row["rate"]
        variance[at] += row["rate"] * 600 * max(row["cv"], 1.0) ** 2  # of a renewal process's count, in the long run
    print("\nServeGen: requests of 40 clients in windows of 10 minutes, one recorded day")
    policy = Policy(window=6, period=144, day=144, alpha=0.01, hits=2, of=3)
    short = watching.baseline(rate[:, None], np.ones(144), policy)
    bounds.line("the recorded day alone", "insufficient data" if short is None else "a baseline", holds=short is None)
    # The recorded day again and again, with its burstiness: five weeks, the last of which is looked at.
    after = 144 * 28
    shape = 600 * np.tile(rate, 35)[:, None]
    counts = rng.normal(shape, np.sqrt(np.tile(variance, 35))[:, None], (144 * 35, 50))
    halved = counts - 0.5 * shape * (np.arange(len(counts)) >= after)[:, None]
    for season, period in (("by the hour", 144), ("without a season", 1)):
        own = Policy(window=6, period=period, day=period, alpha=0.001, hits=2, of=3)
        found, ones = base(counts[:after], np.ones(after), own), np.ones(144 * 7)
        seen, missed = (
            alerting.begins(watching.looks(found, one[after:], ones, own).counts(own), 2, 3) for one in (counts, halved)
        )
        told = (
            f"{seen.sum(axis=0).mean():.2f} alerts in a quiet week, {missed.any(axis=0).mean():.0%} find half the load"
        )
        bounds.line(f"five such weeks, {season}", told, holds=period == 1 or seen.sum(axis=0).mean() < 0.5)


def azure(bounds: Bounds) -> None:
    file = SHARED / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv.gz"
    if not file.is_file():
        print("\nAzure: left out, as its data is not there")
        return
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        every = list(csv.DictReader(lines))
    times = np.array([np.datetime64(row["TIMESTAMP"][:26]) for row in every])
    minute = ((times - times[0]) / np.timedelta64(1, "m")).astype(int)
    print("\nAzure: one recorded hour of 19,366 requests")
    for name in ("ContextTokens", "GeneratedTokens"):
        values = np.array([float(row[name]) for row in every])
        even = minute % 2 == 0
        made = {name: drift.column("numeric", values[even], values[~even])}
        for told, clusters in (("by minutes", (minute[even], minute[~even])), ("by rows", None)):
            found = drift.drift(made, clusters)[0]
            bounds.line(f"{name}, even and odd minutes, {told}", f"p {found.p:.2g}: {found.verdict}",
                        holds=found.verdict == "no drift")  # fmt: skip
        count = np.bincount(minute).astype(float)
        means = np.bincount(minute, values) / count
        policy = Policy(window=5, alpha=0.01, hits=2, of=3)
        looks = watching.looks(base(means[:40, None], count[:40], policy), means[40:, None], count[40:], policy)
        alerts = int(alerting.begins(looks.counts(policy), 2, 3).sum())
        bounds.line(f"{name}, the last 20 minutes after 40", f"{alerts} alerts")


def timed() -> Iterator[float]:
    start = time.process_time()
    while True:
        yield time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=1.0, help="of what is drawn")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=["alarms", "delays", "data"], help="one part")
    options = parser.parse_args()
    rng, bounds, size, clock = np.random.default_rng(options.seed), Bounds(), options.size, timed()
    next(clock)
    if options.only in {None, "alarms"}:
        false_alarms_of_policies(bounds, size, rng)
    if options.only in {None, "delays"}:
        delays(bounds, size, rng)
    if options.only in {None, "data"}:
        llmdrift(bounds, size, rng)
        servegen(bounds, rng)
        azure(bounds)
    print(f"\n{next(clock):.0f} s of CPU")
    return int(bounds.broken > 0)


if __name__ == "__main__":
    sys.exit(main())
