"""One model call -> its cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from collectors.conventions.providers import provider_of_model
from collectors.pricing import library
from collectors.pricing.own import OwnPrice
from collectors.pricing.rates import Line, RateCard, UsageError

Status = Literal["priced", "estimated", "unknown_model", "unknown_usage", "invalid_usage"]
"""estimated: priced on an assumption, which `note` names. The last three have no cost."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a price depends on. Null: unknown."""

    at: datetime  # without a zone: UTC
    usage: Mapping[str, int]  # by unit of genai-prices; input includes the cache, output the reasoning; absent: unknown
    provider: str | None = None  # OpenTelemetry's name
    request_model: str | None = None
    response_model: str | None = None
    tier: str | None = None  # service tier as the provider told it, or batch
    duration_s: float | None = None  # for prices by the GPU hour


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars, or why there are none."""

    usd: Decimal | None
    status: Status
    lines: Sequence[Line] = field(default=())
    source: str | None = None  # own, or genai-prices
    version: str | None = None  # of the price: a project's own by its hash, the library's by its release
    model: str | None = None  # the entry of the price table
    note: str | None = None  # one sentence: what was assumed, or why there is no cost


def price(call: Call, own: Sequence[OwnPrice] = ()) -> Cost:
    """The cost of a call: by the project's own prices where one fits, else by the list price of that day."""
    card = find_card(call, own)
    if isinstance(card, Cost):
        return card
    missing = [unit for unit in card.needs if unit not in call.usage]
    if missing:
        note = f"The call did not tell its {' and '.join(missing)}."
        return Cost(None, "unknown_usage", source=card.source, version=card.version, model=card.model, note=note)
    usage, assumed = _settled(call.usage, card)
    try:
        lines = card.lines(usage)
    except UsageError as error:
        return Cost(None, "invalid_usage", model=card.model, note=f"The usage contradicts itself: {error}")
    note = "; ".join(filter(None, (card.note, assumed)))
    total = sum((line.usd for line in lines), Decimal(0))
    status: Status = "estimated" if note else "priced"
    return Cost(total, status, lines, card.source, card.version, card.model, note or None)


def find_card(call: Call, own: Sequence[OwnPrice]) -> RateCard | Cost:
    """The rates of a call, or why it has none."""
    models = [model for model in (call.response_model, call.request_model) if model]
    if not models:
        return Cost(None, "unknown_model", note="The call names no model.")
    for entry in own:
        if any(entry.fits(call.provider, model, call.at) for model in models):
            return entry.card(lambda: _listed(call, models), call.duration_s) or Cost(
                None, "unknown_usage", source="own", version=entry.version, model=entry.model,
                note=f"The own price of {entry.model} needs {entry.needs}, which is unknown.",
            )  # fmt: skip
    return _listed(call, models) or _unknown(call, models)


def _listed(call: Call, models: Iterable[str]) -> RateCard | None:
    for model in models:
        provider = call.provider or provider_of_model(model, None)
        found = library.rate_card(provider, model, call.at, call.tier)
        if found is not None:
            return found
    return None


def _unknown(call: Call, models: Sequence[str]) -> Cost:
    of = f" of provider {call.provider}" if call.provider else ""
    return Cost(None, "unknown_model", note=f"No price is known for model {models[0]}{of}.")


def _settled(usage: Mapping[str, int], card: RateCard) -> tuple[Mapping[str, int], str | None]:
    """The usage, with the cached part of audio (or images) put in where only both totals were told."""
    assumed: dict[str, int] = {}
    for kind in ("audio", "image", "video"):
        unit = f"cache_{kind}_read_tokens"
        both = usage.get("cache_read_tokens") and usage.get(f"input_{kind}_tokens")
        apart = "cache_read_tokens" in card.rates and f"input_{kind}_tokens" in card.rates
        if both and apart and unit not in usage:
            assumed[unit] = 0
    if not assumed:
        return usage, None
    return {**usage, **assumed}, "the cached tokens are taken for text"
