"""Many calls at once: the same costs as one by one, and parts that add up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.pricing.bulk import COUNTS, NEEDED, UNITS, price_columns
from collectors.pricing.counts import whole_of
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
PARTS = ("input_usd", "cache_read_usd", "cache_write_usd", "output_usd", "other_usd")
INTEGERS = (*COUNTS, "duration_ns")
ROWS = pa.schema(
    [
        (name, pa.timestamp("us") if name == "start_time" else pa.int64() if name in INTEGERS else pa.string())
        for name in NEEDED
    ]
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


def told(asked: list[Call]) -> pa.Table:
    """The calls as rows of `calls`; a count without a column of its own is a detail."""
    rows = []
    for call in asked:
        details = {unit: count for unit, count in call.usage.items() if unit not in UNITS}
        row: dict[str, Any] = {name: call.usage.get(unit) for name, unit in zip(COUNTS, UNITS, strict=True)}
        row |= {
            "start_time": call.at.replace(tzinfo=None), "provider": call.provider, "request_model": call.request_model,
            "response_model": call.response_model, "service_tier": call.tier,
            "duration_ns": None if call.duration_s is None else int(call.duration_s * 1e9),
            "usage_details": json.dumps(details) if details else None,
        }  # fmt: skip
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=ROWS)


@settings(max_examples=100)
@given(st.lists(calls(), max_size=6))
def test_costs_are_those_of_each_call_alone(asked: list[Call]) -> None:
    found = price_columns(told(asked), OWN).to_pylist()
    assert len(found) == len(asked)
    for call, priced in zip(asked, found, strict=True):
        alone = price(replace(call, usage=whole_of(call.usage)), OWN)
        named = tuple(priced[f"price_{name}"] for name in ("status", "source", "version", "model", "note"))
        assert named == (alone.status, alone.source, alone.version, alone.model, alone.note)
        assert_amounts(priced, alone.usd)


def assert_amounts(priced: dict[str, Any], usd: Decimal | None) -> None:
    parts = [priced[name] for name in PARTS]
    if usd is None:
        assert (priced["cost_usd"], *parts) == (None,) * 6
    else:
        assert priced["cost_usd"] == pytest.approx(float(usd), rel=1e-12, abs=1e-15)
        assert sum(parts) == pytest.approx(float(usd), rel=1e-12, abs=1e-15)


def test_the_same_calls_cost_the_same_whatever_stands_beside_them() -> None:
    """To the last bit: what is priced again must not differ."""
    asked = [Call(NOVEMBER, {"input_tokens": 3 * n, "output_tokens": n}, *MODELS[n % len(MODELS)]) for n in range(200)]
    together = price_columns(told(asked), OWN).to_pylist()
    assert together == [row for call in asked for row in price_columns(told([call]), OWN).to_pylist()]


def test_a_price_of_the_hour_is_that_of_the_minute() -> None:
    """DeepSeek's nights were cheaper; a day has both prices, and the boundary lies within an hour."""
    day, night = (datetime(2025, 7, 1, 16, minute, 59, tzinfo=UTC) for minute in (29, 30))
    asked = [Call(at, {"input_tokens": 10**6, "output_tokens": 0}, "deepseek", "deepseek-chat") for at in (day, night)]
    found = price_columns(told(asked)).to_pylist()
    assert [row["cost_usd"] for row in found] == [float(price(call).usd or 0) for call in asked]
    assert found[0]["cost_usd"] != found[1]["cost_usd"]


def test_parts_are_by_class() -> None:
    usage = {
        "input_tokens": 1650, "cache_read_tokens": 1000, "cache_write_tokens": 500, "cache_write_1h_tokens": 200,
        "output_tokens": 90, "web_searches": 2,
    }  # fmt: skip
    (found,) = price_columns(told([Call(NOVEMBER, usage, "anthropic", "claude-sonnet-4-5")])).to_pylist()
    assert [found[name] for name in PARTS] == pytest.approx(
        [150 * 3 / 1e6, 1000 * 0.3 / 1e6, (300 * 3.75 + 200 * 6) / 1e6, 90 * 15 / 1e6, 2 * 0.01]
    )
