"""Bounds of a mean of values between 0 and 1 that hold at every look, however few values or events there are.

Where p is the true mean, the odds of a Beta mixture of Bernoulli laws against that of p are a supermartingale (Robbins
1970, Annals of Mathematical Statistics 41(5), 1397-1409, of Bernoulli values; of any between 0 and 1 by the convexity
of the exponential function: Howard, Ramdas, McAuliffe and Sekhon 2021, Annals of Statistics 49(2), 1055-1080). So the
chance of their ever passing 1/alpha is at most alpha (Ville 1939), and the p whose odds are below it are the bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log

from analytics import special

PRIOR = 0.5  # both parameters of the Beta mixture
_STEPS = 50  # halvings: to 1e-15


def bounds(units: int, mean: float, alpha: float) -> tuple[float, float]:
    """Bounds of the true mean of values between 0 and 1; 0 and 1 where there is no value."""
    if not units:
        return 0.0, 1.0
    hits = min(max(mean, 0.0), 1.0) * units  # sums of floats may be an ulp outside
    misses = units - hits
    of_mixture = float(special.betaln(PRIOR + hits, PRIOR + misses) - special.betaln(PRIOR, PRIOR))
    least = of_mixture + log(alpha)  # log-likelihood that p must reach

    def held(p: float) -> bool:
        return _times_log(hits, p) + _times_log(misses, 1 - p) >= least

    share = hits / units
    return _edge(share, 0.0, held), _edge(share, 1.0, held)


def _times_log(count: float, share: float) -> float:
    if not count:
        return 0.0
    return count * log(share) if share > 0 else -inf


def _edge(inside: float, outside: float, held: Callable[[float], bool]) -> float:
    """The last p on the way from one that is held which is held too; the likelihood falls all along it."""
    if held(outside):
        return outside
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if held(middle) else (inside, middle)
    return outside
