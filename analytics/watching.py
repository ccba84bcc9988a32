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
from analytics.contrast import Codes

PERIODS = 3  # of the season that a reference has at least, and of windows five: less says nothing of their variance
WINDOWS = 5
KNOWN = 0.5  # of the weight that a window usually has at that hour, below which a look says nothing
FEWEST = 0.1  # of that of all windows, likewise: at hours at which hardly anything ever comes, no sum is near normal


@dataclass(frozen=True, slots=True)
class Policy:
    """When a look counts, and when looks are an alert. Lengths are in buckets."""

    window: int  # of which the mean is tested at each look
    every: int = 1  # between looks
    period: int = 1  # after which the season comes again: a day's or a week's buckets; 1: there is none
    day: int = 1  # after which noise comes again, as nights are noisier: a day's buckets; 1: all hours are alike
    alpha: float = 0.05  # of adjusted p-values, per round of looks
    floor: float = 0.0  # the least effect that counts, in the signal's unit
    hits: int = 1  # looks that must count, of the last `of`
    of: int = 1
    monitors: int = 1  # that are looked at together, and adjusted for one another
    side: int = 0  # 1: only a rise counts, -1: only a fall; 0: both

    @property
    def threshold(self) -> float:
        """How often a look counts where nothing changes at any monitor.

        Of m monitors Benjamini and Hochberg's procedure takes p-values below alpha / m, and higher ones where others
        are low too: of m uniform ones alpha / m times the sum over j of (j + 1) (alpha / m)^j (m - 1)! / (m - 1 - j)!
        (of Finner and Roters 2002, Annals of Statistics 30, 220-238), which is 11 % more for many at an alpha of 0.05.
        """
        step = self.alpha / self.monitors
        term, total = 1.0, 0.0
        for j in range(min(self.monitors, 60)):
            total += (j + 1) * term
            term *= step * (self.monitors - 1 - j)
        return min(step * total, self.alpha)


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What a reference lets expect, of one stream or of many draws of it: [cell of the season, draw]."""

    profile: Floats  # mean by cell
    weights: Floats  # of each cell: what the reference has of it
    scale: Floats  # [hour at which a window ends, draw]: the variance of its mean, times its weight
    freedom: Floats  # of Student's distribution, likewise
    usual: Floats  # [hour at which a window ends]: its weight, on average; one where hours are alike
    buckets: int


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """One row a look: [look, draw]. NaN: the window had too little weight to say anything."""

    at: np.ndarray  # the last bucket of each look's window, from 0 at the first after the reference
    effects: Floats  # mean of the window less what was expected, in the signal's unit
    scores: Floats  # the same in standard errors
    freedom: Floats

    def p_values(self) -> Floats:
        """Two-sided, of no change."""
        return np.asarray(2 * special.stdtr(self.freedom, -np.abs(self.scores)))

    def counts(self, policy: Policy) -> Bools:
        """Which looks count: the effect is at least the floor, and p below the policy's threshold."""
        least = -special.stdtrit(self.freedom, policy.threshold / 2)
        sided = self.effects * policy.side if policy.side else np.abs(self.effects)
        with np.errstate(invalid="ignore"):
            return np.asarray((np.abs(self.scores) > least) & (sided >= policy.floor))


def baseline(values: Floats, weights: Floats, policy: Policy) -> Baseline | None:
    """What a reference lets expect. Null: it has fewer than three periods or five windows, or nothing varies in it.

    Windows that have too little for their hour say nothing of it (`_least`). The variance of a window's mean is that of
    all windows of this length in the reference about the profile (overlapping batch means: Meketon and Schmeiser 1984,
    who give them 1.5 times the degrees of freedom of windows that do not overlap), corrected for the profile having
    been fitted to them. Windows shorter than a day have that of the windows that end at the same hour, as far as hours
    differ (`_by_hour`).

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
    by_hour = policy.window < policy.day <= policy.period
    hours = (np.arange(len(of_windows)) + policy.window - 1) % (policy.day if by_hour else 1)
    usual = _usual(of_windows[:, 0], hours)
    full = of_windows[:, 0] >= _least(usual)[hours]
    fitted = max(policy.window, policy.period) / own.size
    squares = np.square(_rolled(off, policy.window)[full]) / of_windows[full] / (1 - fitted)
    whole = squares.mean(axis=0)[None]
    if not (whole > 0).any():
        return None
    most = max(1.5 * (own.size - policy.period) / policy.window - 1.5, 1.0)
    freedom = np.full(whole.shape, most)
    if by_hour:
        whole, freedom = _by_hour(squares, hours[full], policy.day, own.size / policy.day * (1 - fitted), most)
    return Baseline(profile, by_cell, whole, freedom, usual, int(own.size))


def _usual(weights: Floats, hours: Codes) -> Floats:
    """The mean weight of windows by the hour at which they end."""
    return np.asarray(np.bincount(hours, weights) / np.maximum(np.bincount(hours), 1))


def _least(usual: Floats) -> Floats:
    """The weight below which a window says nothing, by the hour at which it ends.

    Of its own hour: a night of as many calls as nights have is not a day of too few.
    """
    return np.asarray(np.maximum(KNOWN * usual, FEWEST * usual.mean()))


def _by_hour(squares: Floats, hours: Codes, day: int, known: float, most: float) -> tuple[Floats, Floats]:
    """The variance of windows by the hour at which they end, and its degrees of freedom: [hour, draw].

    Those of one hour are as few as days, so that each is drawn to what all hours say, the more the less hours differ
    from one another beyond chance (Smyth 2004, Statistical Applications in Genetics 3(1), 3, section 6).

    Args:
        squares: of windows, [window, draw].
        hours: of each window.
        day: how many hours there are.
        known: degrees of freedom of one hour's.
        most: of Student's distribution, where hours do not differ.
    """
    counts = np.bincount(hours, minlength=day)
    sums = np.zeros((day, squares.shape[1]))
    np.add.at(sums, hours, squares)
    every = np.broadcast_to(squares.mean(axis=0), sums.shape)
    own = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], every)
    logs = np.log(np.maximum(own, 1e-300)) - special.digamma(known / 2) + np.log(known / 2)
    beyond = logs.var(axis=0, ddof=1) - float(special.polygamma(1, known / 2))
    prior = 2 * _inverse_trigamma(np.maximum(beyond, 1e-6))
    centre = np.exp(logs.mean(axis=0) + special.digamma(prior / 2) - np.log(prior / 2))
    drawn = (prior * centre + known * own) / (prior + known)
    alike = beyond <= 1e-3
    return np.where(alike, every, drawn), np.broadcast_to(
        np.where(alike, most, np.minimum(prior + known, most)), own.shape
    )


def _inverse_trigamma(values: Floats) -> Floats:
    """By Newton's steps, from above (Smyth 2004, appendix)."""
    found = 0.5 + 1 / values
    for _ in range(8):
        at = special.polygamma(1, found)
        found = found + at * (1 - at / values) / special.polygamma(2, found)
    return np.asarray(found)


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
    told = total >= _least(found.usual)[at % len(found.usual)][:, None]
    safe = np.where(told, total, 1.0)
    effects = np.where(told, sums / safe, np.nan)
    hours = at % len(found.scale)
    error = np.sqrt(found.scale[hours] * (1 / safe + reference / np.square(safe)))
    scores = np.divide(effects, error, out=np.full(effects.shape, np.nan), where=error > 0)
    return Looks(at, effects, scores, found.freedom[hours])


def _rolled(values: Floats, window: int) -> Floats:
    """Sums over every window along the first axis."""
    whole = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
    return np.asarray(whole[window:] - whole[:-window])
