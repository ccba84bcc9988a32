"""Costs of many calls at once, for ingest: what `price` says of each, in an eighth of the time.

Calls repeat their model and day, and most tell plain counts only: input, cache read and write, output, reasoning. Their
prices are looked up once, and each such call is five products. All others take the long way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from collectors.pricing.own import OwnPrice
from collectors.pricing.price import Call, Cost, Status, find_card, price
from collectors.pricing.rates import Line, RateCard, dimensions

INPUT, READ, WRITE, OUTPUT, REASONING = UNITS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens",
)  # fmt: skip
_PLAIN = frozenset(UNITS)


class PricedCall(NamedTuple):
    """The columns of `calls` that a price fills. Amounts in US dollars; all null where there is no cost."""

    cost_usd: float | None
    input_usd: float | None  # of input that was neither read from a cache nor written to one
    cache_read_usd: float | None
    cache_write_usd: float | None
    output_usd: float | None  # reasoning included
    other_usd: float | None  # searches, requests, hardware
    price_status: Status
    price_source: str | None
    price_version: str | None
    price_model: str | None
    price_note: str | None


@dataclass(frozen=True, slots=True)
class _Classes:
    """US dollars a token of each class, for calls of one model, day and size."""

    card: RateCard
    rates: tuple[float, ...]  # in the order of UNITS

    def cost(self, usage: Mapping[str, int]) -> PricedCall | None:
        """Null where a count lacks or contradicts another: the long way says which."""
        if any(unit not in usage for unit in self.card.needs):
            return None
        read, write, reasoning = usage.get(READ, 0), usage.get(WRITE, 0), usage.get(REASONING, 0)
        fresh, said = usage.get(INPUT, 0) - read - write, usage.get(OUTPUT, 0) - reasoning
        if fresh < 0 or said < 0:
            return None
        per_fresh, per_read, per_write, per_output, per_reasoning = self.rates
        parts = (fresh * per_fresh, read * per_read, write * per_write, said * per_output + reasoning * per_reasoning)
        card = self.card
        status: Status = "estimated" if card.note else "priced"
        return PricedCall(sum(parts), *parts, 0.0, status, card.source, card.version, card.model, card.note)


def price_all(calls: Iterable[Call], own: Sequence[OwnPrice] = ()) -> Iterator[PricedCall]:
    """The costs of calls, in their order."""
    known: dict[object, _Classes | None] = {}
    for call in calls:
        found = None
        if call.usage.keys() <= _PLAIN:
            moment = call.at.replace(second=0, microsecond=0)  # prices change at full minutes at the finest
            key = (call.provider, call.request_model, call.response_model, call.tier, moment)
            if key not in known:
                known[key] = _classes(call, own)
            classes = known[key]
            found = classes and classes.cost(call.usage)
        yield found or _told(price(call, own))


def _classes(call: Call, own: Sequence[OwnPrice]) -> _Classes | None:
    card = find_card(call, own)
    if isinstance(card, Cost) or not card.rates.keys() <= _KNOWN or any(rate.steps for rate in card.rates.values()):
        return None
    return _Classes(card, tuple(_per_token(card, unit) for unit in UNITS))


_KNOWN = _PLAIN | {
    f"{side}_{kind}_tokens" for side in ("input", "output") for kind in ("audio", "image", "video")
} | {f"cache_{kind}_read_tokens" for kind in ("audio", "image", "video")} | {
    "cache_write_5m_tokens", "cache_write_1h_tokens", "web_searches", "storage_searches", "social_searches",
    "code_executions",
}  # fmt: skip
"""Units that a call with plain counts has none of; a price for any other, such as each request, needs the long way."""


def _per_token(card: RateCard, unit: str) -> float:
    """The price of a class, or of the wider one that it is paid as."""
    rate = card.rates.get(unit) or card.rates.get(OUTPUT if unit == REASONING else INPUT if unit != OUTPUT else unit)
    return 0.0 if rate is None else float(rate.usd / rate.per)


def _told(cost: Cost) -> PricedCall:
    named = (cost.status, cost.source, cost.version, cost.model, cost.note)
    if cost.usd is None:
        return PricedCall(None, None, None, None, None, None, *named)
    sums = dict.fromkeys(("input", "cache_read", "cache_write", "output", "other"), 0.0)
    for line in cost.lines:
        sums[_class_of(line)] += float(line.usd)
    by_class = (sums["input"], sums["cache_read"], sums["cache_write"], sums["output"], sums["other"])
    return PricedCall(float(cost.usd), *by_class, *named)


def _class_of(line: Line) -> str:
    told = dimensions(line.unit)
    if told["family"] != "tokens":
        return "other"
    kind = told.get("token_type", "")
    return kind if kind.startswith("cache_") else told.get("direction", "other")
