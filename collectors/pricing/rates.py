"""A rate card: what each unit of usage costs, and how a call's counts are split over the units that have a price.

Units are named as in genai-prices: `input_tokens` holds all that was sent, `cache_read_tokens` a part of it, and so on.
A unit that has a price of its own takes its tokens away from the wider unit, so that each token is paid for once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

MILLION = Decimal(1_000_000)
ROOTS = ("input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars for `per` of a unit."""

    usd: Decimal
    per: int = 1_000_000
    steps: tuple[tuple[int, Decimal], ...] = ()  # (input tokens, dollars): above so many all of the call costs this

    def at(self, input_tokens: int) -> Decimal:
        """The dollars for `per` of it in a call with so many input tokens."""
        return next((usd for above, usd in reversed(self.steps) if input_tokens > above), self.usd)


@dataclass(frozen=True, slots=True)
class Line:
    """One unit's part of a cost."""

    unit: str
    quantity: int
    usd_per_million: Decimal
    usd: Decimal


@dataclass(frozen=True, slots=True)
class RateCard:
    """The prices of one model at one time. `rates` is by unit; a unit without a rate is paid as the wider one."""

    rates: Mapping[str, Rate]
    source: str  # genai-prices, or own
    version: str
    model: str  # the entry of the price table
    provider: str | None = None
    note: str | None = None  # what was assumed in order to find the price; null: nothing
    needs: tuple[str, ...] = field(init=False)  # the units that have to be known before a cost can be told
    _order: tuple[tuple[str, tuple[str, ...]], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_order", _most_special_first(self.rates))
        priced = (unit for unit in ROOTS if unit in self.rates and (self.rates[unit].usd or self.rates[unit].steps))
        object.__setattr__(self, "needs", tuple(priced))

    def lines(self, usage: Mapping[str, int]) -> list[Line]:
        """The cost of a call, by unit; units without any count are left out. `requests` counts 1.

        Raises:
            UsageError: the parts of a count exceed it.
        """
        own: dict[str, int] = {}
        for unit, parts in self._order:
            count = 1 if unit == "requests" else usage.get(unit, 0)
            own[unit] = count - sum(own[part] for part in parts)
            if own[unit] < 0:
                raise UsageError(unit, count, {part: usage.get(part, 0) for part in parts})
        sent = usage.get("input_tokens", 0)
        return [self._line(unit, own[unit], sent) for unit, _ in reversed(self._order) if own[unit]]

    def _line(self, unit: str, quantity: int, input_tokens: int) -> Line:
        rate = self.rates[unit]
        usd = rate.at(input_tokens)
        return Line(unit, quantity, usd * MILLION / rate.per, usd * quantity / rate.per)


class UsageError(ValueError):
    """Counts that contradict one another."""

    def __init__(self, unit: str, count: int, parts: Mapping[str, int]) -> None:
        told = ", ".join(f"{name} {part}" for name, part in parts.items() if part)
        super().__init__(f"{unit} is {count}, less than its parts ({told}).")


def _most_special_first(units: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(unit, the priced units that are parts of it), parts before wholes."""
    named = sorted(units, key=lambda unit: (-len(dimensions(unit)), unit))
    return tuple((unit, _parts(unit, named)) for unit in named)


def _parts(unit: str, named: Sequence[str]) -> tuple[str, ...]:
    wide = dimensions(unit).items()
    return tuple(other for other in named if other != unit and wide <= dimensions(other).items())


def dimensions(unit: str) -> Mapping[str, str]:
    """What a unit counts: family, direction, modality, and so on; more of them make a narrower unit."""
    found = _dimensions().get(unit)
    return {"family": unit} if found is None else found


@cache
def _dimensions() -> dict[str, Mapping[str, str]]:
    from genai_prices.data_units import unit_data  # noqa: PLC0415 - the library takes 0.2 s to load

    return {unit: told["dimensions"] for unit, told in unit_data.items()}
