"""What a token of input costs each call: plain, read from a cache, and written into one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

import numpy as np
import pandas as pd

from collectors.pricing.own import OwnPrice
from collectors.pricing.price import Call, Cost, find_card
from collectors.pricing.rates import RateCard

INPUT, READ, WRITE, LONG_WRITE = "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens"
KEYS = ("provider", "request_model", "response_model", "service_tier")
LONG = timedelta(hours=1)  # from here on a provider that sells two lifetimes writes at the price of the longer


def cache_rates(calls: pd.DataFrame, own: Sequence[OwnPrice], ttl: timedelta) -> pd.DataFrame:
    """`input`, `cache_read`, `cache_write`, US dollars a token, of each call on its day. Same index.

    Null: the price of input is unknown, or nothing is known of a cache: the model has no price of cached input. Where
    writing has no price of its own it costs as plain input.
    """
    days = pd.to_datetime(calls["start_time"], utc=True).dt.floor("D")
    keys = pd.DataFrame({name: calls[name].astype(object) for name in KEYS} | {"day": days}, index=calls.index)
    rates = np.full((len(calls), 3), np.nan)
    tokens = calls["input_tokens"].fillna(0).to_numpy(dtype=np.int64)
    for key, places in keys.groupby([*KEYS, "day"], dropna=False).indices.items():
        card = _card(cast("tuple[object, ...]", key), own)
        if card is not None:
            rates[places] = _of_card(card, tokens[places], ttl)
    return pd.DataFrame(rates, columns=["input", "cache_read", "cache_write"], index=calls.index)


def _card(key: tuple[object, ...], own: Sequence[OwnPrice]) -> RateCard | None:
    provider, asked, answered, tier = (None if pd.isna(part) else str(part) for part in key[:4])  # type: ignore[call-overload]  # scalars
    day = key[4]
    at = day.to_pydatetime() if isinstance(day, pd.Timestamp) else datetime.now(UTC)
    found = find_card(Call(at, {}, provider, asked, answered, tier), own)
    return None if isinstance(found, Cost) or READ not in found.rates or INPUT not in found.rates else found


def _of_card(card: RateCard, tokens: np.ndarray, ttl: timedelta) -> np.ndarray:
    """A row per call: a price may rise with the length of the prompt."""
    writing = LONG_WRITE if ttl >= LONG and LONG_WRITE in card.rates else WRITE if WRITE in card.rates else INPUT
    told = [card.rates[unit] for unit in (INPUT, READ, writing)]
    if not any(rate.steps for rate in told):
        return np.array([float(rate.usd / rate.per) for rate in told])
    return np.array([[float(rate.at(int(count)) / Decimal(rate.per)) for rate in told] for count in tokens])
