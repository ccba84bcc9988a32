"""How often a policy cries wolf over a stream in which nothing changes, and how late it is where something does.

Both are found by drawing the monitor's own reference anew (`blocks`), with its memory, its season's noise and its
weights: reference and all, so that what an unlucky reference does is in the figure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics import alerting, blocks, watching
from analytics.columns import Floats
from analytics.intervals import Estimate, mean
from analytics.watching import Looks, Policy

DRAWS = 400
DAYS = 30.0  # of a month
PARTS = 16
"""Blocks that a window is drawn of at least. Of fewer, each one of as many as the reference has days, no sum is rare:
of windows of eight blocks 200 monitors had 10 to 32 % more false alarms than was said, of single hours 2 to 9 %. The
memory of hours next to one another is the autoregression's either way (Buehlmann 1997, Bernoulli 3(2), 123-148)."""
_NORMAL_95 = 1.96
_BLOCK = 1 << 21  # values that are drawn at once: 16 MB


class TooShortError(ValueError):
    """The reference has too few buckets, or its values do not vary."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A reference: a value a bucket, with what it counts."""

    values: Floats  # NaN: the bucket has none
    weights: Floats  # 0 where there is no value
    day: int  # buckets of a day


@dataclass(frozen=True, slots=True)
class Alarms:
    """False alarms of one monitor over one month of 30 days."""

    per_month: Estimate  # over draws of reference and month
    quiet: float  # share of months without any
    looks: int  # in a month
    draws: int


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after a lasting change of a given size an alert begins. In days."""

    effect: float
    median: float | None  # null: fewer than half of the draws find it within the month
    low: float | None  # 95 % interval of the median, by the order of the draws; null: beyond the month
    high: float | None
    late: float | None  # nine of ten draws find it by then; null: fewer do
    found: float  # share that find it within a month
    draws: int


def stream(values: Floats, weights: Floats | None, day: int) -> Stream:
    """A reference. NaN has no weight; null weights: every bucket with a value counts 1.

    Raises:
        ValueError: there is not one weight a value, or one is below 0.
    """
    own = np.ones(values.size) if weights is None else np.asarray(weights, np.float64)
    if own.shape != values.shape or (own < 0).any():
        raise ValueError("Weights are one a value, and 0 or more.")
    return Stream(values, np.where(np.isnan(values), 0.0, own), day)


def alarms(reference: Stream, policy: Policy, draws: int = DRAWS, seed: int = 0) -> Alarms:
    """How often the policy fires in a month in which nothing changes. Raises TooShortError."""
    found = looked(reference, policy, draws, seed)
    many = [alerting.begins(one.counts(policy), policy.hits, policy.of).sum(axis=0) for one in found]
    counts = np.concatenate(many).astype(float)
    return of_counts(counts, len(found[0].at))


def of_counts(counts: Floats, looks: int) -> Alarms:
    """From how often each month drawn had an alarm."""
    return Alarms(_rate(counts), float((counts == 0).mean()), looks, int(counts.size))


def _rate(counts: Floats) -> Estimate:
    """The mean; of months without any alarm with the bound of Poisson's distribution, 3.7 over their number."""
    if counts.any():
        return mean(counts)
    return Estimate(0.0, 0.0, float(-np.log(0.025)) / counts.size, int(counts.size))


def delay(reference: Stream, policy: Policy, effect: float, draws: int = DRAWS, seed: int = 0) -> Delay:
    """How late the policy finds that values are higher by this effect from one bucket on, for good.

    The change comes as soon as there can have been an alert; draws that fire before are left out. Raises TooShortError.
    """
    quiet = policy.window + policy.every * policy.of
    waited = []
    for one in looked(reference, policy, draws, seed, effect=effect, since=quiet):
        begins = alerting.begins(one.counts(policy), policy.hits, policy.of)
        before = one.at < quiet
        kept = ~begins[before].any(axis=0)
        later = begins[~before][:, kept]
        first = np.where(later.any(axis=0), one.at[~before][later.argmax(axis=0)] - quiet + 1.0, np.inf)
        waited.append(first / reference.day)
    return of_waited(np.concatenate(waited), effect)


def of_waited(days: Floats, effect: float) -> Delay:
    """From the days until each draw's alarm; infinite: it had none."""
    if not days.size:
        return Delay(effect, None, None, None, None, 0.0, 0)
    reach = _NORMAL_95 * 0.5 / np.sqrt(days.size)  # of the share of draws that are below the median
    shares = np.clip([0.5, 0.5 - reach, 0.5 + reach, 0.9], 0, 1)
    found = np.quantile(days, shares, method="inverted_cdf")
    middle, low, high, late = (float(one) if np.isfinite(one) else None for one in found)
    return Delay(effect, middle, low, high, late, float(np.isfinite(days).mean()), int(days.size))


def calibrated(reference: Stream, policy: Policy, per_month: float, draws: int = DRAWS, seed: int = 0) -> Policy:
    """The policy with the alpha at which it fires so often in a month in which nothing changes.

    The highest alpha, up to 0.5, that does not fire more often. Raises TooShortError.
    """
    found = looked(reference, policy, draws, seed)

    def rate(alpha: float) -> float:
        tried = replace(policy, alpha=alpha)
        many = [alerting.begins(one.counts(tried), policy.hits, policy.of).sum(axis=0) for one in found]
        return float(np.concatenate(many).mean())

    low, high = -14.0, float(np.log10(0.5))
    if rate(10**high) <= per_month:
        return replace(policy, alpha=10**high)
    for _ in range(18):
        middle = (low + high) / 2
        low, high = (middle, high) if rate(10**middle) <= per_month else (low, middle)
    return replace(policy, alpha=10**low)


def looked(
    reference: Stream, policy: Policy, draws: int, seed: int, *, effect: float = 0.0, since: int = 0
) -> list[Looks]:
    """Looks at a month after draws of the reference, in which values are higher by an effect from a bucket on.

    Args:
        reference: what is drawn anew.
        policy: how it is looked at.
        draws: how many; parts of them are one item each of what is returned.
        seed: of the draws.
        effect: by how much values are higher.
        since: the bucket after the reference from which they are; a month follows.

    Raises:
        TooShortError: the reference is too short for the policy, or its values do not vary.
    """
    periods = reference.values.size // policy.period
    length = periods * policy.period
    values, weights = (one[one.size - length :] for one in (reference.values, reference.weights))
    fitted = watching.baseline(values[:, None], weights, policy)
    if fitted is None:
        raise TooShortError(_too_short(reference, policy))
    months = round(DAYS * reference.day)
    known = np.where(weights > 0, values, 0.0) - np.tile(fitted.profile[:, 0], periods)
    memory = blocks.remembered(_even(known, weights, policy))
    phase = reference.day if policy.period > 1 else 1
    longest = max(1, policy.window // PARTS)
    total, rng, found = length + months + since, np.random.default_rng(seed), []
    of_all = np.resize(weights, total)
    step = max(1, _BLOCK // total)
    for start in range(0, draws, step):
        made = blocks.drawn(memory, total, min(step, draws - start), rng, phase=phase, longest=longest)
        made /= np.sqrt(np.where(of_all > 0, of_all, 1.0))[:, None]
        made[length + since :] += effect
        own = watching.baseline(made[:length], weights, policy)
        if own is None:  # the reference itself has one
            raise TooShortError(_too_short(reference, policy))
        found.append(watching.looks(own, made[length:], of_all[length:], policy))
    return found


def _even(off: Floats, weights: Floats, policy: Policy) -> Floats:
    """What buckets are off by as if all had one weight; of a bucket without, that of another one, an odd step away."""
    even = off * np.sqrt(weights / max(1 - policy.period / off.size, 1e-9))
    there = np.flatnonzero(weights > 0)
    missing = np.flatnonzero(weights <= 0)
    even[missing] = even[there[np.random.default_rng(missing.size).integers(0, there.size, missing.size)]]
    return np.asarray(even)


def _too_short(reference: Stream, policy: Policy) -> str:
    least = max(watching.PERIODS * policy.period if policy.period > 1 else 0, watching.WINDOWS * policy.window)
    return (
        f"The reference has {reference.values.size:,} buckets, of which {int((reference.weights > 0).sum()):,} have a "
        f"value: this policy takes {least:,} or more, and values that vary."
    )
