"""What one test of two variants says, whichever test it was: the difference, its ends at any error, its p-values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from analytics.clustered_quantiles import least_tail

Ends = tuple[float | None, float | None]


class Sure(Protocol):
    """A difference with its errors."""

    def ends(self, tail: float) -> Ends:
        """Bounds with an error of `tail` each. Null: the data have none."""

    def above(self, bound: float) -> float:
        """The p-value of the difference being above the bound."""

    def below(self, bound: float) -> float:
        """The p-value of the difference being below the bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounded:
    """An interval at every level, whose p-values are the errors at which an end reaches the bound."""

    at: Callable[[float], Ends]

    def ends(self, tail: float) -> Ends:
        return self.at(tail)

    def above(self, bound: float) -> float:
        return least_tail(lambda tail: (low := self.at(tail)[0]) is not None and low > bound)

    def below(self, bound: float) -> float:
        return least_tail(lambda tail: (high := self.at(tail)[1]) is not None and high < bound)


@dataclass(frozen=True, slots=True, eq=False)
class Careful:
    """The more careful of two: the wider end on each side, and the higher p-value."""

    first: Sure
    second: Sure

    def ends(self, tail: float) -> Ends:
        (low, high), (lower, higher) = self.first.ends(tail), self.second.ends(tail)
        return (
            None if low is None or lower is None else min(low, lower),
            None if high is None or higher is None else max(high, higher),
        )

    def above(self, bound: float) -> float:
        return max(self.first.above(bound), self.second.above(bound))

    def below(self, bound: float) -> float:
        return max(self.first.below(bound), self.second.below(bound))


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """Two variants in one metric; differences are the second less the first."""

    a: float  # what is compared: a mean, share, quantile or ratio
    b: float
    sure: Sure
    test: str
    p: float | None  # two-sided, of there being a difference; null: too little to test
    error: float | None  # standard error; null: unknown
    freedom: float
    effect: float | None = None  # standardised
    effect_name: str = ""
    least: float = 0.0  # p-value of the clearest result that so few things could have given
    notes: tuple[str, ...] = ()
    reach: float | None = None  # the largest difference that there can be; null: there is none
    fewest: int = 0  # clusters of the smaller side, where all of them agree; 0: they do not

    @property
    def difference(self) -> float:
        return self.b - self.a

    def interval(self, level: float) -> Ends:
        """Both ends, within what a difference can be."""
        low, high = self.sure.ends((1 - level) / 2)
        return self._within(low), self._within(high)

    def _within(self, end: float | None) -> float | None:
        return end if end is None or self.reach is None else max(-self.reach, min(self.reach, end))
