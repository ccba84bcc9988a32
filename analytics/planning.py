"""How many items a comparison needs before it is run, and what one of a given size can find.

Sizes are of the formulas, not rounded up; `whole` rounds. A level of 0.95 is a two-sided error of 5 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt

from analytics import sequences, special
from analytics.intervals import LEVEL
from analytics.paired import POWER

MOST = 1e12  # items
_CLOSE = 1e-13  # of a size, at which halving ends
_ROUNDS = 8  # of tuning a sequence to the size that it asks for, which then moves by less than one in a hundred


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the variance of an item's difference comes from (Miller 2024, arXiv 2411.00640, section 5)."""

    items: float  # omega^2, of the true difference from item to item
    repeats_a: float = 0.0  # sigma_A^2, of one answer about its item's mean
    repeats_b: float = 0.0

    def of(self, repeats_a: int, repeats_b: int) -> float:
        """The variance of an item's difference with so many answers of each variant."""
        return self.items + self.repeats_a / repeats_a + self.repeats_b / repeats_b


def whole(n: float) -> int:
    """So many things at least; rounding errors add none."""
    return ceil(n - 1e-9)


def design_effect(size: float, correlation: float) -> float:
    """How many times more items clusters of this size need: 1 + (size - 1) correlation (Kish 1965)."""
    return 1 + (size - 1) * correlation


def items_for(
    difference: float, spread: Spread, *, repeats: tuple[int, int] = (1, 1), level: float = LEVEL, power: float = POWER
) -> float:
    """Items that both variants answer: (z_a/2 + z_b)^2 (omega^2 + sA^2/KA + sB^2/KB) / delta^2 (Miller 2024, s. 5).

    Raises:
        ValueError: the difference is 0, or level or power does not lie between 0 and 1.
    """
    return _reach(level, power) ** 2 * spread.of(*repeats) / _some(difference) ** 2


def difference_for(
    items: float, spread: Spread, *, repeats: tuple[int, int] = (1, 1), level: float = LEVEL, power: float = POWER
) -> float:
    """The least difference that so many items find with this power: `items_for`, turned about."""
    return _reach(level, power) * sqrt(spread.of(*repeats) / items)


def pairs_by_t(effect: float, *, level: float = LEVEL, power: float = POWER) -> float:
    """Pairs that the paired t test needs for a standardised effect (d_z), by the noncentral t distribution.

    As statsmodels' `TTestPower`.
    """
    size = abs(_some(effect))
    return _solved(lambda n: _power_t(n - 1, size * sqrt(n), level), power, level)


def each_by_t(effect: float, *, level: float = LEVEL, power: float = POWER) -> float:
    """Items that each of two unpaired variants needs for a standardised effect (Cohen's d).

    As statsmodels' `TTestIndPower`.
    """
    size = abs(_some(effect))
    return _solved(lambda n: _power_t(2 * n - 2, size * sqrt(n / 2), level), power, level)


def each_by_shares(first: float, second: float, *, level: float = LEVEL, power: float = POWER) -> float:
    """Items that each of two unpaired variants needs to tell two shares apart (Fleiss 1981, formula 3.14).

    (z_a/2 sqrt(2 m (1 - m)) + z_b sqrt(p (1 - p) + q (1 - q)))^2 / (q - p)^2, where m is the mean of both.
    """
    _check_share(first)
    _check_share(second)
    gap, middle = _some(second - first), (first + second) / 2
    alpha, beta = _quantiles(level, power)
    null = alpha * sqrt(2 * middle * (1 - middle))
    return (null + beta * sqrt(first * (1 - first) + second * (1 - second))) ** 2 / gap**2


def pairs_by_shares(difference: float, discordant: float, *, level: float = LEVEL, power: float = POWER) -> float:
    """Pairs that McNemar's test needs for a difference, if so large a share is right in one variant only (Connor 1987).

    Raises:
        ValueError: the discordant share is below the difference, or above 1.
    """
    gap = abs(_some(difference))
    if not gap <= discordant <= 1:
        raise ValueError(
            f"Items that only one variant gets right are from {gap:g} (the difference) to 1 of all, not {discordant:g}."
        )
    alpha, beta = _quantiles(level, power)
    return (alpha * sqrt(discordant) + beta * sqrt(discordant - gap**2)) ** 2 / gap**2


def each_in_sequence(
    difference: float, variances: tuple[float, float], *, level: float = LEVEL, power: float = POWER
) -> float:
    """Units that each of two arms of equal size needs where one looks as often as one likes, as at a live A/B test.

    By the confidence sequence (`sequences.units_for`), tuned to be narrowest after the units that it asks for; 30 at
    least. `variances`: of the units of either arm.
    """
    gap, alpha = abs(_some(difference)), 1 - level
    _quantiles(level, power)
    deviation = sqrt(2 * sum(variances))
    units = 2 * sequences.LEAST_UNITS
    for _ in range(_ROUNDS):
        units = max(
            sequences.units_for(gap, deviation, sequences.tuned(units, alpha), alpha, power), 2 * sequences.LEAST_UNITS
        )
    return units / 2


def difference_of(items_for_difference: Callable[[float], float], items: float, most: float = 1e6) -> float | None:
    """The difference at which a size formula asks for so many items, by halving. Null: none up to `most` does."""
    if items_for_difference(most) > items:
        return None
    low, high = most * 1e-15, most
    for _ in range(200):
        middle = sqrt(low * high)
        low, high = (middle, high) if items_for_difference(middle) > items else (low, middle)
    return high


def _power_t(freedom: float, centre: float, level: float) -> float:
    reach = float(special.stdtrit(freedom, (1 + level) / 2))
    below, far = (float(special.nctdtr(freedom, centre, one)) for one in (reach, -reach))
    # scipy's function gives up far from the centre: of the near end there the power is 1, of the other one nothing.
    return (1 - below if 0 <= below <= 1 else 1.0) + (far if 0 <= far <= 1 else 0.0)


def _solved(power_of: Callable[[float], float], power: float, level: float) -> float:
    _quantiles(level, power)
    low, high = 2.0 + 1e-6, 4.0
    if power_of(low) >= power:
        return 2.0
    while power_of(high) < power:
        low, high = high, 2 * high
        if high > MOST:
            raise ValueError("So small an effect needs more than 1e12 items.")
    while high - low > high * _CLOSE:
        middle = (low + high) / 2
        low, high = (middle, high) if power_of(middle) < power else (low, middle)
    return high


def _reach(level: float, power: float) -> float:
    return sum(_quantiles(level, power))


def _quantiles(level: float, power: float) -> tuple[float, float]:
    for name, value in (("level", level), ("power", power)):
        if not 0 < value < 1:
            raise ValueError(f"The {name} lies between 0 and 1, and {value:g} does not.")
    return float(special.ndtri((1 + level) / 2)), float(special.ndtri(power))


def _some(difference: float) -> float:
    if difference == 0:
        raise ValueError("A difference of 0 is found by no number of items: name one that matters.")
    return difference


def _check_share(value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"A share lies between 0 and 1, and {value:g} does not.")
