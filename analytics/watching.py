"""A stream that is looked at again and again: how far its last window is from what its reference lets expect.

A stream is a value a bucket of time, such as the error rate of each hour, with a weight that says how much it counts,
such as the hour's calls. Its season (the hour of the day, or of the week) is a profile that the reference gives: each
bucket is compared with those of the same hour. Its memory, that hours next to one another are alike, is in the variance
of whole windows of the reference: no model is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics import special
from analytics.columns import Bools, Floats

PERIODS = 3  # of the season that a reference has at least, and of windows five: less says nothing of their variance
WINDOWS = 5
KNOWN = 0.5  # of the weight that a window usually has, below which a look says nothing


@dataclass(frozen=True, slots=True)
class Policy:
    """When a look counts, and when looks are an alert. Lengths are in buckets."""

    window: int  # of which the mean is tested at each look
    every: int = 1  # between looks
    period: int = 1  # after which the season comes again: a day's or a week's buckets; 1: there is none
    alpha: float = 0.05  # of adjusted p-values, per round of looks
    floor: float = 0.0  # the least effect that counts, in the signal's unit
    hits: int = 1  # looks that must count, of the last `of`
    of: int = 1
    monitors: int = 1  # that are looked at together, and adjusted for one another

    @property
    def threshold(self) -> float:
        """The p-value that a monitor must be below where none of the others is: Benjamini and Hochberg's first step."""
        return self.alpha / self.monitors


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What a reference lets expect, of one stream or of many draws of it: [cell of the season, draw]."""

    profile: Floats  # mean by cell
    weights: Floats  # of each cell: what the reference has of it
    scale: Floats  # by draw: the variance of a window's mean, times its weight
    usual: float  # weight of a window, on average
    freedom: float  # of Student's distribution
    buckets: int


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """One row a look: [look, draw]. NaN: the window had too little weight to say anything."""

    at: np.ndarray  # the last bucket of each look's window, from 0 at the first after the reference
    effects: Floats  # mean of the window less what was expected, in the signal's unit
    scores: Floats  # the same in standard errors
    freedom: float

    def p_values(self) -> Floats:
        """Two-sided, of no change."""
        return np.asarray(2 * special.stdtr(self.freedom, -np.abs(self.scores)))

    def counts(self, policy: Policy) -> Bools:
        """Which looks count: the effect is at least the floor, and p below the policy's threshold."""
        least = -float(special.stdtrit(self.freedom, policy.threshold / 2))
        with np.errstate(invalid="ignore"):
            return np.asarray((np.abs(self.scores) > least) & (np.abs(self.effects) >= policy.floor))


def baseline(values: Floats, weights: Floats, policy: Policy) -> Baseline | None:
    """What a reference lets expect. Null: it has fewer than three periods or five windows, or nothing varies in it.

    The variance of a window's mean is that of all windows of this length in the reference about the profile
    (overlapping batch means: Meketon and Schmeiser 1984, who give them 1.5 times the degrees of freedom of windows that
    do not overlap), corrected for the profile having been fitted to them.

    Args:
        values: [bucket, draw], of which the oldest are left out where they are no whole number of periods.
        weights: one a bucket; 0: there is no value.
        policy: how it is looked at.
    """
    periods = len(values) // policy.period
    if periods < (PERIODS if policy.period > 1 else 1) or len(values) < WINDOWS * policy.window:
        return None
    own = weights[len(weights) - periods * policy.period :]
    kept = np.where(own[:, None] > 0, values[len(values) - own.size :], 0.0)
    by_cell = own.reshape(periods, policy.period).sum(axis=0)
    sums = (own[:, None] * kept).reshape(periods, policy.period, -1).sum(axis=0)
    profile = np.divide(sums, by_cell[:, None], out=np.zeros(sums.shape), where=by_cell[:, None] > 0)
    off = own[:, None] * (kept - np.tile(profile, (periods, 1)))
    of_windows = _rolled(own[:, None], policy.window)
    usual = float(of_windows.mean())
    full = of_windows[:, 0] >= KNOWN * usual
    fitted = max(policy.window, policy.period) / own.size
    squares = np.square(_rolled(off, policy.window)[full]) / of_windows[full]
    scale = squares.mean(axis=0) / (1 - fitted)
    if not (scale > 0).any():
        return None
    freedom = max(1.5 * (own.size - policy.period) / policy.window - 1.5, 1.0)
    return Baseline(profile, by_cell, scale, usual, freedom, int(own.size))


def looks(found: Baseline, values: Floats, weights: Floats, policy: Policy) -> Looks:
    """Every look at what came after the reference, the first one when a window is full.

    The standard error has the window's own variance and that of the profile.

    Args:
        found: of the reference.
        values: [bucket, draw], from the first bucket after the reference on.
        weights: one a bucket; 0: there is no value.
        policy: how it is looked at.
    """
    cells = np.arange(len(values)) % policy.period
    own = np.where(found.weights[cells] > 0, weights, 0.0)[:, None]
    off = np.where(own > 0, own * (values - found.profile[cells]), 0.0)
    at = np.arange(policy.window - 1, len(values), policy.every)
    sums, total = (_rolled(one, policy.window)[at - policy.window + 1] for one in (off, own))
    shared = np.divide(np.square(own), found.weights[cells][:, None], out=np.zeros(own.shape), where=own > 0)
    # A cell that a window has several times errs each time alike.
    reference = max(1.0, policy.window / policy.period) * _rolled(shared, policy.window)[at - policy.window + 1]
    told = total >= KNOWN * found.usual
    safe = np.where(told, total, 1.0)
    effects = np.where(told, sums / safe, np.nan)
    error = np.sqrt(found.scale * (1 / safe + reference / np.square(safe)))
    scores = np.divide(effects, error, out=np.full(effects.shape, np.nan), where=error > 0)
    return Looks(at, effects, scores, found.freedom)


def _rolled(values: Floats, window: int) -> Floats:
    """Sums over every window along the first axis."""
    whole = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
    return np.asarray(whole[window:] - whole[:-window])
