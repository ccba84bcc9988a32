"""What to do with a running test: stop because it is decided, harmful or hopeless, go on, or do not read it at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analytics import sequences
from analytics.intervals import Estimate
from analytics.sequences import ALPHA

Better = Literal["higher", "lower"]
Guarded = Literal["hurt", "safe", "open"]
Kind = Literal["mismatch", "hurt", "win", "loss", "futile", "too_few", "go_on"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, and how far it is."""

    kind: Kind
    needed: int | None  # units of both arms that find the effect wanted in 4 of 5 tests; null: the spread is unknown
    remaining: int | None  # of these, still to come; 0: enough
    shown: float | None  # the smallest effect that the units so far find in 4 of 5 tests; null: as `needed`


def guarded(difference: Estimate, better: Better, margin: float) -> Guarded:
    """Whether a guardrail is worse by more than its margin (`hurt`), surely not (`safe`), or neither yet (`open`)."""
    low, high = _gains(difference, better)
    if low is None or high is None:
        return "open"
    if high < -margin:
        return "hurt"
    return "safe" if low > -margin else "open"


def advised(
    difference: Estimate,
    better: Better,
    mde: float,
    *,
    deviation: float | None,
    r: float,
    alpha: float = ALPHA,
    mismatched: bool = False,
    guardrails: Sequence[Guarded] = (),
) -> Advice:
    """Advice on one arm against the control; the first that holds, in this order.

    `mismatch`: units came to the arms otherwise than meant, so that no difference can be read. `hurt`: a guardrail is
    worse by more than its margin. `win`, `loss`: the interval leaves 0 out. `futile`: it leaves out every gain as large
    as the effect wanted. `too_few`: there is no interval yet. Else `go_on`.

    Args:
        difference: of `sequences.difference`, arm less control.
        better: which sign is a gain.
        mde: the smallest effect that is wanted, above 0.
        deviation: of `sequences.spread`; null: unknown.
        r: of the sequence.
        alpha: of the sequence.
        mismatched: see `allocation.checked`.
        guardrails: states of `guarded`.

    Raises:
        ValueError: the effect wanted is not above 0.
    """
    needed = shown = None
    if deviation is not None and deviation > 0 and difference.n:
        needed = sequences.units_for(mde, deviation, r, alpha)
        shown = sequences.shown(difference.n, deviation, r, alpha)
    remaining = None if needed is None else max(0, needed - difference.n)
    return Advice(_kind(_gains(difference, better), mde, mismatched, guardrails), needed, remaining, shown)


def _kind(
    gains: tuple[float | None, float | None], mde: float, mismatched: bool, guardrails: Sequence[Guarded]
) -> Kind:
    low, high = gains
    if mismatched:
        return "mismatch"
    if "hurt" in guardrails:
        return "hurt"
    if low is None or high is None:
        return "too_few"
    if low > 0:
        return "win"
    if high < 0:
        return "loss"
    return "futile" if high < mde else "go_on"


def _gains(difference: Estimate, better: Better) -> tuple[float | None, float | None]:
    """Bounds of the gain: above 0 is better."""
    low, high = difference.low, difference.high
    if better == "higher" or low is None or high is None:
        return low, high
    return -high, -low
