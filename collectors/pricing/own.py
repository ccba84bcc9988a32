"""A project's own prices: negotiated rates, a discount off the list, or self-hosted hardware by the hour."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from collectors.errors import CollectorError
from collectors.pricing.rates import Rate, RateCard

SOURCE = "own"
SECONDS_PER_HOUR = 3600
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rates(_Part):
    """US dollars per million tokens; a class that is left out is paid as the wider one, input or output."""

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None
    cache_write: Dollars | None = None
    cache_write_1h: Dollars | None = None
    reasoning: Dollars | None = None
    input_audio: Dollars | None = None
    output_audio: Dollars | None = None


class Gpu(_Part):
    """Self-hosted hardware. A call pays for its duration's share of the hourly price, idle time included.

    `hardware` and `quantisation` are notes, by which the comparison of hardware names the entry.
    """

    usd_per_hour: Dollars  # of one GPU
    count: int = Field(default=1, ge=1, le=1_000_000)  # GPUs that serve the model together
    concurrency: Annotated[Decimal, Field(ge=Decimal("0.001"), allow_inf_nan=False)] = Decimal(
        1
    )  # calls served at once when busy
    utilisation: Annotated[Decimal, Field(ge=Decimal("0.001"), le=1)] = Decimal(
        1
    )  # share of the paid hours that serves calls
    hardware: Annotated[str, Field(min_length=1, max_length=200)] | None = None  # a note: H100 SXM
    quantisation: Annotated[str, Field(min_length=1, max_length=200)] | None = None  # a note: fp8

    def usd_per_second(self) -> Decimal:
        """What one second of one call costs."""
        busy = self.concurrency * self.utilisation * SECONDS_PER_HOUR
        return self.usd_per_hour * self.count / busy


_NOTES: Final[dict[str, Any]] = {"note": True, "gpu": {"hardware", "quantisation"}}


class OwnPrice(_Part):
    """One entry. Exactly one of `usd_per_million`, `gpu` and `discount_percent` says what a call costs."""

    model: str = Field(min_length=1)  # as calls name it; * and ? stand for anything; case does not matter
    provider: str | None = None  # null: any
    valid_from: date | None = None  # UTC, inclusive; null: always
    valid_until: date | None = None  # UTC, exclusive
    usd_per_million: Rates | None = None
    usd_per_request: Dollars | None = None  # beside usd_per_million
    gpu: Gpu | None = None
    discount_percent: Annotated[Decimal, Field(ge=0, le=100)] | None = None  # off the list price
    note: str | None = None

    @model_validator(mode="after")
    def _says_one_price(self) -> OwnPrice:
        named = ("usd_per_million", "gpu", "discount_percent")
        given = [name for name in named if getattr(self, name) is not None]
        if len(given) != 1:
            told = " and ".join(given) or "none"
            raise ValueError(f"give exactly one of {', '.join(named)}; {told} given")
        if self.usd_per_request is not None and self.usd_per_million is None:
            raise ValueError("usd_per_request goes with usd_per_million")
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} is not after valid_from {self.valid_from}")
        return self

    @property
    def version(self) -> str:
        """Hash of the entry, less its notes: what a cost names as the price that it was computed with."""
        told = self.model_dump_json(exclude=_NOTES, exclude_none=True)
        return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()

    @property
    def needs(self) -> str:
        """What of a call the entry needs besides its tokens."""
        return "the call's duration" if self.gpu is not None else "a list price to take the discount off"

    def fits(self, provider: str | None, model: str, at: datetime) -> bool:
        """Whether the entry prices a call of this model at this moment (without a zone: UTC)."""
        if self.provider is not None and self.provider.lower() != (provider or "").lower():
            return False
        day = (at if at.tzinfo is None else at.astimezone(UTC)).date()
        if (self.valid_from and day < self.valid_from) or (self.valid_until and day >= self.valid_until):
            return False
        return fnmatchcase(model.lower(), self.model.lower())

    def card(self, listed: Callable[[], RateCard | None], duration_s: float | None) -> RateCard | None:
        """The rates of a call; null when what the entry builds on is unknown (see `needs`)."""
        if self.usd_per_million is not None:
            return self._card(_token_rates(self.usd_per_million, self.usd_per_request))
        if self.gpu is not None:
            if duration_s is None or duration_s < 0:
                return None
            usd = self.gpu.usd_per_second() * Decimal(repr(duration_s))
            return self._card({"requests": Rate(usd, per=1)})
        found = listed()
        if found is None:
            return None
        factor = 1 - (self.discount_percent or Decimal(0)) / 100
        rates = {unit: _scaled(rate, factor) for unit, rate in found.rates.items()}
        return replace(found, rates=rates, source=SOURCE, version=f"{self.version}+{found.version}")

    def _card(self, rates: dict[str, Rate]) -> RateCard:
        return RateCard(rates, SOURCE, self.version, self.model, self.provider)


_UNITS = {
    "input": "input_tokens", "output": "output_tokens", "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens", "cache_write_1h": "cache_write_1h_tokens",
    "reasoning": "output_reasoning_tokens", "input_audio": "input_audio_tokens",
    "output_audio": "output_audio_tokens",
}  # fmt: skip


def _token_rates(rates: Rates, usd_per_request: Decimal | None) -> dict[str, Rate]:
    told = {unit: Rate(usd) for name, unit in _UNITS.items() if (usd := getattr(rates, name)) is not None}
    return told if usd_per_request is None else told | {"requests": Rate(usd_per_request, per=1)}


def _scaled(rate: Rate, factor: Decimal) -> Rate:
    steps = tuple((above, usd * factor) for above, usd in rate.steps)
    return replace(rate, usd=rate.usd * factor, steps=steps)


def ranked(entries: Sequence[OwnPrice]) -> list[OwnPrice]:
    """Entries in the order in which they are asked.

    A named provider goes first, then plain names before patterns, then the later start, then the later entry.
    """

    def rank(numbered: tuple[int, OwnPrice]) -> tuple[object, ...]:
        place, entry = numbered
        pattern = any(sign in entry.model for sign in "*?[")
        return entry.provider is not None, not pattern, len(entry.model), entry.valid_from or date.min, place

    return [entry for _, entry in sorted(enumerate(entries), key=rank, reverse=True)]


Path = tuple[str | int, ...]
"""Keys and places that lead to a part of a document."""


def parse_prices(document: Any, origin: str, line_of: Callable[[Path], int] | None = None) -> list[OwnPrice]:
    """The entries of a parsed YAML document `{prices: [...]}`, as `ranked`. `line_of` finds the line of a part.

    Raises:
        PriceListError: it is not of that form; names the entry, the value and the rule.
    """
    entries = document.get("prices") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise PriceListError(f"{origin} needs a list called 'prices' at its top.")
    return ranked([_entry(entry, place, origin, line_of) for place, entry in enumerate(entries)])


def _entry(told: Any, place: int, origin: str, line_of: Callable[[Path], int] | None) -> OwnPrice:
    try:
        return OwnPrice.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the entry"
        message = first["msg"].removeprefix("Value error, ")
        at = "" if line_of is None else f", line {line_of(('prices', place, *first['loc']))}"
        got = repr(first["input"])
        shown = got if len(got) <= _SHOWN else f"{got[:_SHOWN]}…"
        raise PriceListError(f"{origin}{at}, entry {place + 1}: {field}: {message}; got {shown}.") from error


_SHOWN = 200  # letters of a value that is refused


class PriceListError(CollectorError):
    """A price list that cannot be read."""
