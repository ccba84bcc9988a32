"""List prices out of genai-prices, bundled with the package: nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from collectors.conventions.providers import model_name, provider_of_model
from collectors.pricing.rates import Rate, RateCard

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, PriceVariant

SOURCE = "genai-prices"
_PROVIDERS = {  # OpenTelemetry's name -> the library's; others are matched by the library
    "azure.ai.openai": "azure", "azure.ai.inference": "azure", "aws.bedrock": "aws", "gcp.gemini": "google",
    "gcp.vertex_ai": "google", "gcp.gen_ai": "google", "x_ai": "x-ai", "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai", "fireworks_ai": "fireworks",
}  # fmt: skip
_PLAIN_TIERS = frozenset({"default", "standard", "auto", "on_demand", "on-demand", "standard_only"})
_TIERS: dict[str, tuple[Mapping[str, str], ...]] = {  # what a tier is called in the library's conditions
    "batch": ({"processing": "batch"},),
    "fast": ({"service_tier": "fast"}, {"speed": "fast"}),
}


@cache
def price_version() -> str:
    """The version of the library, which is that of its prices."""
    return version("genai-prices")


def rate_card(provider: str | None, model: str, at: datetime, tier: str | None = None) -> RateCard | None:
    """The list price of a model at a moment; null when the table has none.

    Args:
        provider: OpenTelemetry's name; null: whoever makes the model.
        model: as the provider or the caller names it, with or without a router's prefix.
        at: when the call was made; without a zone: UTC.
        tier: as the provider told it; null and `default`: the standard tier.
    """
    moment = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    wanted = None if tier is None or tier.lower() in _PLAIN_TIERS else tier.lower()
    found = _find(provider, model)
    if found is None:
        return None
    # Prices change with the day, and a few with the time of day: the cache needs no finer key.
    clock = moment.time().replace(second=0, microsecond=0) if found[2] else time()
    return _card(provider, model, datetime.combine(moment.date(), clock, UTC), wanted)


def within_a_day(provider: str | None, model: str) -> bool:
    """Whether the list price of a model depends on the time of day, to the minute."""
    found = _find(provider or provider_of_model(model, None), model)
    return found is not None and found[2]


def model_id(provider: str | None, model: str) -> str | None:
    """The name that the price table has for a model, the same for dated names and aliases of one; null: it has none.

    `provider` as in `rate_card`; null: whoever makes the model.
    """
    found = _find(provider or provider_of_model(model, None), model)
    return None if found is None else found[1].id


def price_changes(provider: str | None, model: str) -> tuple[date, ...]:
    """The days from which on the table has another list price for a model, the first one aside; sorted.

    Only changes of the standard price by date; a model that the table does not know has none.
    """
    found = _find(provider or provider_of_model(model, None), model)
    prices = found[1].prices if found is not None and isinstance(found[1].prices, list) else []
    starts = {getattr(price.constraint, "start_date", None) for price in prices}
    return tuple(sorted(start for start in starts if start is not None))


@lru_cache(maxsize=1 << 13)
def _card(provider: str | None, model: str, at: datetime, tier: str | None) -> RateCard | None:
    found = _find(provider, model)
    if found is None:
        return None
    owner, info, _ = found
    prices, note = _prices(info, at, tier)
    rates = {
        unit: rate for key, price in prices.items() if (unit := _units().get(key)) and (rate := _rate(unit, price))
    }
    return RateCard(rates, SOURCE, price_version(), info.id, owner, note)


@lru_cache(maxsize=1 << 12)
def _find(provider: str | None, model: str) -> tuple[str, ModelInfo, bool] | None:
    """(the library's provider, model, whether its price changes within a day)."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    snapshot = get_snapshot()
    named = _PROVIDERS.get(provider or "", provider)
    for name in _spellings(named, model):
        try:
            owner, info = snapshot.find_provider_model(name, None, named, None)
        except LookupError:
            continue
        return owner.id, info, _within_a_day(info)
    return None


def _spellings(provider: str | None, model: str) -> list[str]:
    """The model's name as given, without a router's prefix or a path, and, for a router, with the maker's."""
    bare = model_name(model)
    names = [model, bare, bare.rpartition("/")[2]]
    if provider == "azure":  # deployments cannot have a dot in their names
        names += [name.replace("gpt-35-", "gpt-3.5-") for name in names]
    if provider == "openrouter" and "/" not in bare:
        names += [f"{maker}/{bare}" for maker in ("openai", "anthropic", "google", "deepseek", "mistralai", "x-ai")]
    return list(dict.fromkeys(names))


def _within_a_day(info: ModelInfo) -> bool:
    prices = info.prices if isinstance(info.prices, list) else []
    constraints = [price.constraint for price in (*prices, *(info.price_variants or ()))]
    return any(hasattr(constraint, "start_time") for constraint in constraints)


def _prices(info: ModelInfo, at: datetime, tier: str | None) -> tuple[dict[str, Any], str | None]:
    """Prices by the library's key, and what had to be assumed."""
    if tier is None:
        return _told(info.get_prices(at)), None
    for context in _TIERS.get(tier, ({"service_tier": tier},)):
        variants = [variant for variant in info.price_variants or () if variant.when == context]
        if not variants:
            continue
        if any(variant.constraint is None or variant.constraint.active(at) for variant in variants):
            return _told(info.get_prices(at, context)), None
        # The table knows the tier's price from some later day on: nearer to the truth than the standard price.
        later = min(variants, key=_starts)
        note = f"the {tier} price is known from {_starts(later)} on, and was taken for an earlier call"
        return _told(info.get_prices(at)) | _told(later.prices), note
    return _told(info.get_prices(at)), f"no price is known for the tier {tier!r}; the standard one was taken"


def _starts(variant: PriceVariant) -> str:
    return str(getattr(variant.constraint, "start_date", ""))


def _told(prices: ModelPrice) -> dict[str, Any]:
    return {key: price for key, price in vars(prices).items() if price is not None and not key.startswith("_")}


def _rate(unit: str, price: Any) -> Rate | None:
    per = _per()[unit]
    if hasattr(price, "tiers"):
        return Rate(price.base, per, tuple((step.start, step.price) for step in price.tiers))
    return Rate(price, per)


@cache
def _units() -> dict[str, str]:
    """The library's key of a price -> the unit that it is for."""
    from genai_prices.data_units import unit_data  # noqa: PLC0415

    return {told["price_key"]: unit for unit, told in unit_data.items()}


@cache
def _per() -> dict[str, int]:
    from genai_prices.data_units import unit_data  # noqa: PLC0415

    return {unit: told["per"] for unit, told in unit_data.items()}
