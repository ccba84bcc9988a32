"""Cumulative sums over a stream with a memory and a season: no window to choose, and sooner for small lasting changes.

Every bucket adds the log odds of a change by the least effect that matters against none (`cusum`), as if buckets were
independent, on each side. They are not, so that the limit is not one of a formula: it is found on draws of the
monitor's own reference (`false_alarms`), at which the sums are above it as often a month as is asked for. What is said
of false alarms is less exact than of windows: with a memory of 0.6 there were 0.65 a month (0.06 off by chance) in
place of 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics import false_alarms
from analytics.columns import Bools, Floats
from analytics.false_alarms import DRAWS, Alarms, Delay, Stream
from analytics.watching import Looks, Policy

QUIET = 2  # days after the reference, before the change whose delay is asked for
_STEPS = 22  # halvings of the limit


@dataclass(frozen=True, slots=True)
class Rule:
    """Sums on both sides, for one stream."""

    effect: float  # the change that they are made for, in the signal's unit; above 0
    limit: float  # of the sum, above which it is an alarm; then the sums begin again at 0


def steps(found: Looks, effect: float) -> Floats:
    """What each look at a single bucket adds: [look, draw, side], a rise first. A bucket without a value adds 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.square(found.scores / found.effects)
    slope = np.where(np.isfinite(precision), precision, 0.0) * effect
    off = np.nan_to_num(found.effects)
    return np.stack([slope * (off - effect / 2), slope * (-off - effect / 2)], axis=-1)


def alarms(added: Floats, limit: float) -> Bools:
    """At which looks there is an alarm, on either side: [look, draw]."""
    sums, found = np.zeros(added.shape[1:]), np.zeros(added.shape[:2], bool)
    for at, one in enumerate(added):
        sums = np.maximum(sums + one, 0.0)
        found[at] = (sums > limit).any(axis=-1)
        sums[found[at]] = 0.0
    return found


def calibrated(
    reference: Stream, policy: Policy, effect: float, per_month: float, *, draws: int = DRAWS, seed: int = 0
) -> tuple[Rule, Alarms]:
    """The rule with so many false alarms a month, and how many it has on draws of its own.

    Of the policy the season alone counts: sums look at every bucket, and need no window and no persistence.

    Raises:
        TooShortError: the reference is too short, or its values do not vary.
        ValueError: the effect is not above 0.
    """
    if effect <= 0:
        raise ValueError(f"Sums are made for a change above 0, and {effect:g} is not: name the least that matters.")
    single = _single(policy)
    drawn = [steps(one, effect) for one in false_alarms.looked(reference, single, draws, seed)]

    def rate(limit: float) -> float:
        return float(np.concatenate([alarms(one, limit).sum(axis=0) for one in drawn]).mean())

    low, high = 0.0, 1.0
    while rate(high) > per_month and high < 1e6:
        low, high = high, 2 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rate(middle) > per_month else (low, middle)
    own = [steps(one, effect) for one in false_alarms.looked(reference, single, draws, seed + 1)]
    counts = np.concatenate([alarms(one, high).sum(axis=0) for one in own]).astype(float)
    return Rule(effect, high), false_alarms.of_counts(counts, len(own[0]))


def delay(reference: Stream, policy: Policy, rule: Rule, effect: float, *, draws: int = DRAWS, seed: int = 0) -> Delay:
    """How late the rule finds that values are higher by this effect from one bucket on. Raises TooShortError.

    Draws that alarm in the `QUIET` days before are not left out: their sums have begun again at 0.
    """
    quiet = QUIET * reference.day
    waited = []
    for one in false_alarms.looked(reference, _single(policy), draws, seed, effect=effect, since=quiet):
        later = alarms(steps(one, rule.effect), rule.limit)[quiet:]
        waited.append(np.where(later.any(axis=0), later.argmax(axis=0) + 1.0, np.inf) / reference.day)
    return false_alarms.of_waited(np.concatenate(waited), effect)


def _single(policy: Policy) -> Policy:
    return replace(policy, window=1, every=1, hits=1, of=1, floor=0.0)
