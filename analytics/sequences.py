"""Intervals that hold at every look: asymptotic confidence sequences of the difference of two arms.

A fixed interval of 95 % that is looked at every day is wrong at some look far more often than in 5 of 100 tests. A
confidence sequence is so wide that it holds the truth at all looks together with the chance that it promises
(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, Annals of Statistics 52(6), 2613-2640, theorem 2.2):
`m +- s * sqrt(2 (t r + 1) / (t^2 r) * ln(sqrt(t r + 1) / alpha))` after t observations with deviation s. r (rho squared
there) decides after how many observations it is narrowest, and must be chosen before anything is seen.

It is asymptotic as the central limit theorem is: of few units, and of rare events, there is no interval yet. Where
values lie between 0 and 1 the bounds of `bounded_means` stand in until then, so that an arm without a single error is
told from one with many. `benchmarks/peeking.py` measures how often all this fails under daily looks for 60 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

from analytics import bounded_means, special
from analytics.intervals import Estimate

ALPHA = 0.05
POWER = 0.8
LEAST_UNITS = 30  # in each arm
LEAST_EVENTS = 15.0
"""What n * s^4 / m4 must be in each arm, m4 the fourth central moment: of shares about the number of the rarer kind.
Arms of 90 and 10 %, daily looks: with 1 in its place the interval of a share of 2 % is wrong in 7.5 % of tests and that
of lognormal(1.5) costs in 13 %, with 15 in less than 1 and 5 %."""
LITTLE = 0.1  # share of the squared error up to which an arm may have fewer events
_FARTHEST = 1 << 40  # units: no test has so many


def tuned(units: int, alpha: float = ALPHA) -> float:
    """The r for which the sequence is narrowest after so many units (section 3.5 there; an approximation).

    Raises:
        ValueError: units are not positive, or alpha is not between 0 and 1.
    """
    if units < 1 or not 0 < alpha < 1:
        raise ValueError(f"{units} units at alpha {alpha}: there must be one at least, and alpha lies between 0 and 1.")
    least = -2 * log(alpha)
    return (least + log(least) + 1) / units if least > 1 else 1 / units


def half_width(deviation: float, units: float, r: float, alpha: float = ALPHA) -> float:
    """How far the sequence reaches on either side after so many units, in the unit of the deviation."""
    grown = units * r + 1
    return deviation * sqrt(2 * grown / (units * units * r) * log(sqrt(grown) / alpha))


@dataclass(frozen=True, slots=True)
class Arm:
    """What one arm's units add up to: one value a unit, several of one unit averaged before."""

    units: int
    mean: float | None  # null: no unit has a value
    variance: float | None  # of units, with n - 1; null: fewer than two
    kurtosis: float | None = None  # fourth central moment over the squared variance; null: unknown, or no variance

    @property
    def enough(self) -> bool:
        """Whether the mean of so many units may be taken for normally distributed."""
        if self.units < LEAST_UNITS or not self.variance:
            return False
        return self.kurtosis is None or self.units >= LEAST_EVENTS * self.kurtosis


def spread(a: Arm, b: Arm, covariance: float = 0.0) -> float | None:
    """The deviation per unit of the difference of both means: sqrt(t (va/na + vb/nb - 2 cov)), t = na + nb.

    It is that of one term of the difference as a mean over all units, each weighed by one over the share of its arm.
    Null: an arm has fewer than two units. `covariance`: of both means, where some units are in both arms.
    """
    if a.variance is None or b.variance is None or min(a.units, b.units) < 2:
        return None
    squared = a.variance / a.units + b.variance / b.units - 2 * covariance
    return sqrt((a.units + b.units) * max(squared, 0.0))


def difference(
    a: Arm, b: Arm, r: float, alpha: float = ALPHA, *, share: bool = False, covariance: float = 0.0
) -> Estimate:  # fmt: skip
    """The mean of `b` less that of `a`, with bounds that hold at all looks together; `n` is of both arms' units.

    Null where an arm is empty; without bounds while an arm has too few units to tell (`Arm.enough`; one that adds next
    to nothing to the error has 30 units at least).
    `share` says that values lie between 0 and 1: then 30 units are enough, as the bounds of `bounded_means` stand in.
    An arm whose units all agree is taken for one of which another value was not seen yet (`_of_even`).
    `covariance`: as of `spread`.
    """
    n = a.units + b.units
    if a.mean is None or b.mean is None:
        return Estimate(None, None, None, n)
    value = b.mean - a.mean
    if min(a.units, b.units) < LEAST_UNITS:
        return Estimate(value, None, None, n)
    if share and not (a.enough and b.enough):
        return Estimate(value, *_of_shares(a, b, alpha), n)
    found = spread(a, b, covariance)
    if found is None or not _told(a, b):
        return Estimate(value, None, None, n)
    even = a.variance == 0 or b.variance == 0
    half = _of_even(a, b, r, alpha) if even else half_width(found, n, r, alpha)
    return Estimate(value, value - half, value + half, n)


def _of_shares(a: Arm, b: Arm, alpha: float) -> tuple[float, float]:
    """Bounds of the difference from those of both means, each at half of alpha."""
    (low_a, high_a), (low_b, high_b) = (bounded_means.bounds(x.units, x.mean or 0.0, alpha / 2) for x in (a, b))
    return low_b - high_a, high_b - low_a


def _of_even(a: Arm, b: Arm, r: float, alpha: float) -> float:
    """How far the difference reaches on either side where the units of an arm agree: both arms' own, at half of alpha.

    Of such an arm the share that has another value is bounded as one of which none was seen. How far off that value
    lies is the size of the values, or of the other arm's events (the root of m4 / s^2: of shares 1); 1 if all are 0.
    A variance by half a unit more is too little: 2 % of one unit in ten would be told to differ in 7 % of tests.
    """
    sizes = [abs(x.mean or 0.0) for x in (a, b)] + [sqrt((x.kurtosis or 0.0) * (x.variance or 0.0)) for x in (a, b)]
    scale = max(sizes) or 1.0

    def reach(arm: Arm) -> float:
        if not arm.variance:
            return scale * bounded_means.bounds(arm.units, 0.0, alpha / 2)[1]
        return half_width(sqrt(arm.variance), arm.units, r * (a.units + b.units) / arm.units, alpha / 2)

    return reach(a) + reach(b)


def _told(a: Arm, b: Arm) -> bool:
    """Whether the difference of both means may be taken for normally distributed.

    Each arm has events enough, but for one that adds next to nothing to the error: so few errors need no more of them
    to be told from many. Events of both together would be too few where the smaller arm's are: with 10 % of the units,
    its interval of lognormal(1.5) costs is wrong in 10 % of tests.
    """
    errors = [(x.variance or 0.0) / x.units for x in (a, b)]
    return all(arm.enough or error <= LITTLE * sum(errors) for arm, error in zip((a, b), errors, strict=True))


def units_for(effect: float, deviation: float, r: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """Units of both arms after which an effect of this size is found with this chance, at that look or before.

    The first t with `half_width(t) + z(power) * deviation / sqrt(t) <= effect`: rather too many, as earlier looks may
    find it too.

    Raises:
        ValueError: the effect is not positive.
    """
    if effect <= 0:
        raise ValueError(f"An effect of {effect:g} cannot be found; name one above 0.")
    z = float(special.ndtri(power))

    def found(units: int) -> bool:
        return half_width(deviation, units, r, alpha) + z * deviation / sqrt(units) <= effect

    most = 2
    while not found(most) and most < _FARTHEST:
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if found(middle) else (middle, most)
    return most


def shown(units: float, deviation: float, r: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """The smallest effect that so many units find with this chance."""
    return half_width(deviation, units, r, alpha) + float(special.ndtri(power)) * deviation / sqrt(units)


@dataclass(frozen=True, slots=True)
class Phase:
    """One arm in the first days and later: a value a unit and phase; units that were there in both are in both."""

    early: Arm
    late: Arm
    both: int = 0  # units
    covariance: float = 0.0  # of their two values, with n - 1

    def change(self) -> tuple[float, float] | None:
        """Later less early, and its variance; null: a phase has fewer than two units."""
        early, late = self.early, self.late
        if early.mean is None or late.mean is None or early.variance is None or late.variance is None:
            return None
        shared = 2 * self.both * self.covariance / (early.units * late.units)
        variance = early.variance / early.units + late.variance / late.units - shared
        return late.mean - early.mean, max(variance, 0.0)


def novelty(a: Phase, b: Phase, r: float, alpha: float = ALPHA) -> Estimate:
    """How the effect changed: the difference of later days less that of the first days, with bounds for all looks.

    `n` is of the units of the smaller phase, both arms. Null where a phase of an arm is empty; without bounds while one
    has too few units (`Arm.enough`). Units that were there in both phases are no independent samples: their
    covariance is taken off.
    """
    n = min(a.early.units + b.early.units, a.late.units + b.late.units)
    of_a, of_b = a.change(), b.change()
    if of_a is None or of_b is None:
        return Estimate(None, None, None, n)
    value = of_b[0] - of_a[0]
    if not all(arm.enough for phase in (a, b) for arm in (phase.early, phase.late)):
        return Estimate(value, None, None, n)
    half = half_width(sqrt(n * (of_a[1] + of_b[1])), n, r, alpha)
    return Estimate(value, value - half, value + half, n)
