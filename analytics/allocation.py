"""Whether units came to the arms as they were meant to: sample-ratio mismatch, at one look or at every look.

The look for all times is the multinomial test martingale of Lindon and Malek (2022, Anytime-valid inference for
multinomial count data, NeurIPS 35): the odds of the counts under Dirichlet distributions around the weights, a narrow
and a broad one mixed, against the weights themselves. These odds are a martingale where the weights hold, so that the
chance of their ever passing 1/alpha is at most alpha (Ville 1939), however often one looks. One over the greatest odds
so far is a p-value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics import special

ALPHA = 0.01
"""Below this p a mismatch is told. Most tests have none, and one that is told stops the reading: so not 0.05."""
NARROW, BROAD = 400.0, 10.0
"""Concentrations of the two distributions, in units: of halves, with deviations of 0.025 and 0.15. The narrow one finds
48 in place of 50 % (within 12,000 units, looked at daily for 60 days), the broad one an arm that loses most of its
units, on the first day."""
BROADLY = 0.25
"""The broad one's part. 48 % is told in 82 of 100 tests, in place of 83 without it; 25 % of 80 units, seen once, in
74 in place of none, and 35 % of 200 in 64 in place of 13."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What the counts say of the weights."""

    units: int
    shares: tuple[float, ...]  # seen; empty: there is no unit
    p: float  # at one look: exact binomial of two arms, chi-square of more
    p_always: float  # holds at all looks together
    mismatched: bool  # p_always is below the level


def checked(looks: ArrayLike, weights: Sequence[float], alpha: float = ALPHA) -> Mismatch:
    """The newest of several looks, by all of them.

    Args:
        looks: counts by look (rows, in order of time, cumulated) and arm (columns).
        weights: of the arms; they need not add up to 1.
        alpha: chance of telling a mismatch where there is none, over all looks.

    Raises:
        ValueError: a weight is not positive, or a look has not one count a weight.
    """
    counts = np.atleast_2d(np.asarray(looks, np.float64))
    shares = np.asarray(weights, np.float64)
    if (shares <= 0).any() or counts.shape[1] != shares.size:
        raise ValueError(f"{counts.shape[1]} counts for the weights {list(weights)}: each arm has one, above 0.")
    shares = shares / shares.sum()
    newest, total = counts[-1], float(counts[-1].sum())
    always = always_p(counts, shares)
    seen = tuple(float(one) for one in newest / total) if total else ()
    return Mismatch(int(total), seen, fixed_p(newest, shares), always, always < alpha)


def always_p(looks: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """One over the greatest odds of all looks; at most 1."""
    return float(np.exp(-max(0.0, float(log_odds(looks, shares).max(initial=0.0)))))


def log_odds(counts: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each look: the logarithm of the odds against the weights, of both distributions by their parts."""
    narrow = np.log1p(-BROADLY) + _log_odds(counts, shares, NARROW)
    return np.asarray(np.logaddexp(narrow, np.log(BROADLY) + _log_odds(counts, shares, BROAD)), np.float64)


def _log_odds(
    counts: NDArray[np.float64], shares: NDArray[np.float64], concentration: float
) -> NDArray[np.float64]:  # fmt: skip
    """Of one distribution (equation 9 there)."""
    prior = concentration * shares
    total = counts.sum(axis=1)
    marginal = special.gammaln(concentration) - special.gammaln(concentration + total)
    marginal = marginal + (special.gammaln(prior + counts) - special.gammaln(prior)).sum(axis=1)
    return np.asarray(marginal - (counts * np.log(shares)).sum(axis=1), np.float64)


def fixed_p(counts: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """The p-value of one look alone: twice the binomial's smaller tail, or chi-square; 1 where there is no unit."""
    total = float(counts.sum())
    if total == 0:
        return 1.0
    if counts.size == 2:
        hits, n = int(counts[0]), int(total)
        below = special.bdtr(hits, n, shares[0])
        above = special.bdtrc(hits - 1, n, shares[0]) if hits else 1.0
        return min(1.0, 2 * min(float(below), float(above)))
    expected = total * shares
    return float(special.chdtrc(counts.size - 1, float((np.square(counts - expected) / expected).sum())))
