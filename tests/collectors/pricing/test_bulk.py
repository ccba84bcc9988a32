"""Many calls at once: the same costs as one by one, and parts that add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.pricing.bulk import PricedCall, price_all
from collectors.pricing.own import parse_prices
from collectors.pricing.price import Call, price

NOVEMBER = datetime(2026, 11, 15, 12, 30, 7, tzinfo=UTC)
OWN = parse_prices(
    {
        "prices": [
            {"model": "mine", "usd_per_million": {"input": 1, "output": 2, "reasoning": 3}},
            {"model": "paid-each", "usd_per_million": {"input": 1, "output": 2}, "usd_per_request": "0.5"},
            {"model": "llama*", "gpu": {"usd_per_hour": 2}},
            {"model": "gpt-4.1*", "discount_percent": 20, "valid_from": "2026-11-15"},
        ]
    },
    "own",
)
MODELS = [
    ("openai", "gpt-4o"), ("openai", "gpt-4.1"), ("openai", "gpt-4o-realtime-preview"), ("openai", "o3"),
    ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4-5"), ("gcp.gemini", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"), ("perplexity", "sonar"), ("openai", "text-embedding-3-small"), ("openai", "nobody"),
    (None, "mine"), (None, "paid-each"), ("vllm", "llama-3"), (None, None),
]  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> Call:
    provider, model = draw(st.sampled_from(MODELS))
    units = ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens"]
    units += ["cache_write_1h_tokens", "input_audio_tokens", "web_searches"]
    usage: dict[str, Any] = {
        unit: draw(st.integers(0, 400_000)) for unit in draw(st.lists(st.sampled_from(units), unique=True, max_size=8))
    }
    if draw(st.booleans()):
        usage |= {"input_tokens": draw(st.integers(1_300_000, 2_000_000)), "output_tokens": 500_000}
    at = NOVEMBER - timedelta(minutes=draw(st.integers(0, 800_000)))
    tier = draw(st.sampled_from([None, None, "default", "batch", "priority"]))
    return Call(at, usage, provider, model, tier=tier, duration_s=draw(st.sampled_from([None, 2.5])))


@settings(max_examples=300)
@given(st.lists(calls(), max_size=6))
def test_costs_are_those_of_each_call_alone(asked: list[Call]) -> None:
    found = list(price_all(asked, OWN))
    assert len(found) == len(asked)
    for call, priced in zip(asked, found, strict=True):
        alone = price(call, OWN)
        assert priced[6:] == (alone.status, alone.source, alone.version, alone.model, alone.note)
        assert_amounts(priced, alone.usd)


def assert_amounts(priced: PricedCall, usd: Decimal | None) -> None:
    parts = priced[1:6]
    if usd is None:
        assert (priced.cost_usd, *parts) == (None,) * 6
    else:
        assert priced.cost_usd == pytest.approx(float(usd), rel=1e-12, abs=1e-15)
        assert sum(part or 0.0 for part in parts) == pytest.approx(float(usd), rel=1e-12, abs=1e-15)


def test_parts_are_by_class() -> None:
    usage = {
        "input_tokens": 1650, "cache_read_tokens": 1000, "cache_write_tokens": 500, "cache_write_1h_tokens": 200,
        "output_tokens": 90, "web_searches": 2,
    }  # fmt: skip
    (found,) = price_all([Call(NOVEMBER, usage, "anthropic", "claude-sonnet-4-5")])
    assert found[1:6] == pytest.approx(
        [150 * 3 / 1e6, 1000 * 0.3 / 1e6, (300 * 3.75 + 200 * 6) / 1e6, 90 * 15 / 1e6, 2 * 0.01]
    )
