"""List prices: our splitting of counts against the library's own sums, and against sums worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.pricing.library import model_id, price_changes, rate_card
from collectors.pricing.price import Call, Cost, price
from collectors.pricing.rates import UsageError

NOVEMBER = datetime(2026, 11, 15, 12, tzinfo=UTC)
BEDROCK_PROFILE = (
    "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
)
MODELS = [(provider, model) for provider in get_snapshot().providers for model in provider.models]


@st.composite
def usages(draw: st.DrawFn) -> dict[str, int]:
    """Counts that agree with one another: parts within their whole."""
    count = st.integers(0, 300_000)
    text, read, short, long, audio, cached_audio = (draw(count) for _ in range(6))
    answered, reasoning, spoken = (draw(count) for _ in range(3))
    return {
        "input_tokens": text + read + short + long + audio + cached_audio,
        "cache_read_tokens": read + cached_audio,
        "cache_write_tokens": short + long,
        "cache_write_1h_tokens": long,
        "input_audio_tokens": audio + cached_audio,
        "cache_audio_read_tokens": cached_audio,
        "output_tokens": answered + reasoning + spoken,
        "output_reasoning_tokens": reasoning,
        "output_audio_tokens": spoken,
        "web_searches": draw(st.integers(0, 9)),
    }


def own_name(provider: Provider, model: ModelInfo) -> bool:
    """Whether the entry is the one that its own id finds: some ids are caught by an earlier entry's pattern."""
    return provider.find_model(model.id) is model


@settings(max_examples=100)
@given(
    chosen=st.sampled_from([pair for pair in MODELS if own_name(*pair)]),
    usage=usages(),
    day=st.dates(date(2023, 1, 1), date(2026, 12, 31)),
    hour=st.integers(0, 23),
)
def test_costs_are_the_librarys_to_the_last_digit(
    chosen: tuple[Provider, ModelInfo], usage: dict[str, int], day: date, hour: int
) -> None:
    provider, model = chosen
    at = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)
    expected = calc_price(Usage(**usage), model.id, provider_id=provider.id, genai_request_timestamp=at).total_price
    card = rate_card(provider.id, model.id, at)
    assert card is not None
    assert sum((line.usd for line in card.lines(usage)), Decimal(0)) == pytest.approx(expected, rel=Decimal("1e-20"))
    assert card.model == model.id


@given(
    chosen=st.sampled_from([pair for pair in MODELS if pair[1].price_variants and own_name(*pair)]),
    usage=usages(),
    tier=st.sampled_from(["batch", "priority", "flex"]),
)
def test_tiers_are_the_librarys(chosen: tuple[Provider, ModelInfo], usage: dict[str, int], tier: str) -> None:
    provider, model = chosen
    context = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
    card = rate_card(provider.id, model.id, NOVEMBER, tier)
    assert card is not None
    known = any(variant.when == context for variant in model.price_variants or ())
    assert (card.note is None) == known
    expected = calc_price(
        Usage(**usage), model.id, provider_id=provider.id, genai_request_timestamp=NOVEMBER, price_context=context
    )
    assert sum((line.usd for line in card.lines(usage)), Decimal(0)) == expected.total_price


def cost(provider: str | None, model: str, at: datetime = NOVEMBER, tier: str | None = None, **usage: int) -> Cost:
    return price(Call(at, usage, provider, model, tier=tier))


# By hand from the providers' price pages: dollars a million tokens times tokens.
BY_HAND = [
    pytest.param(
        ("openai", "gpt-4o-2024-11-20"),
        {"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 500},
        "600 * 2.50 + 400 * 1.25 + 500 * 10",
        id="openai-cached",
    ),
    pytest.param(
        ("openai", "o3-mini"),
        {"input_tokens": 75, "output_tokens": 1186, "output_reasoning_tokens": 1024},
        "75 * 1.10 + 1186 * 4.40",
        id="openai-reasoning-is-output",
    ),
    pytest.param(
        ("openai", "gpt-4o-realtime-preview"),
        {"input_tokens": 100, "input_audio_tokens": 60, "output_tokens": 80, "output_audio_tokens": 50},
        "40 * 5 + 60 * 40 + 30 * 20 + 50 * 80",
        id="openai-audio",
    ),
    pytest.param(
        ("openai", "text-embedding-3-small"), {"input_tokens": 12345}, "12345 * 0.02", id="embedding-has-no-output"
    ),
    pytest.param(
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc123"),
        {"input_tokens": 1000, "output_tokens": 100},
        "1000 * 0.30 + 100 * 1.20",
        id="openai-fine-tuned",
    ),
    pytest.param(
        ("azure.ai.openai", "gpt-4o-mini"),
        {"input_tokens": 2006, "cache_read_tokens": 1920, "output_tokens": 300},
        "86 * 0.15 + 1920 * 0.075 + 300 * 0.60",
        id="azure",
    ),
    pytest.param(
        ("anthropic", "claude-sonnet-4-5-20250929"),
        {
            "input_tokens": 1650, "cache_read_tokens": 1000, "cache_write_tokens": 500, "cache_write_1h_tokens": 200,
            "output_tokens": 90,
        },
        "150 * 3 + 1000 * 0.30 + 300 * 3.75 + 200 * 6 + 90 * 15",
        id="anthropic-cache-by-lifetime",
    ),
    pytest.param(
        ("anthropic", "claude-sonnet-4-5"),
        {"input_tokens": 200_001, "output_tokens": 10},
        "200001 * 6 + 10 * 22.50",
        id="anthropic-long-context",
    ),
    pytest.param(
        ("anthropic", "claude-sonnet-4-5"),
        {"input_tokens": 200_000, "output_tokens": 10},
        "200000 * 3 + 10 * 15",
        id="anthropic-just-not-long",
    ),
    pytest.param(
        ("anthropic", "claude-haiku-4-5"),
        {"input_tokens": 100, "output_tokens": 10, "web_searches": 3},
        "100 * 1 + 10 * 5 + 3 * 10000",
        id="anthropic-searches",
    ),
    pytest.param(
        ("aws.bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        {"input_tokens": 1000, "output_tokens": 100},
        "1000 * 3.30 + 100 * 16.50",
        id="bedrock-region-costs-a-tenth-more",
    ),
    pytest.param(
        ("aws.bedrock", BEDROCK_PROFILE),
        {"input_tokens": 1000, "output_tokens": 100},
        "1000 * 3.30 + 100 * 16.50",
        id="bedrock-profile",
    ),
    pytest.param(
        ("gcp.gemini", "gemini-2.5-flash"),
        {"input_tokens": 1000, "input_audio_tokens": 600, "output_tokens": 60, "output_reasoning_tokens": 10},
        "400 * 0.30 + 600 * 1 + 60 * 2.50",
        id="gemini-audio-and-thinking",
    ),
    pytest.param(
        ("gcp.vertex_ai", "projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929"),
        {"input_tokens": 1000, "output_tokens": 100},
        "1000 * 3 + 100 * 15",
        id="vertex-path",
    ),
    pytest.param(
        ("openrouter", "claude-sonnet-4.5"),
        {"input_tokens": 1000, "output_tokens": 100},
        "1000 * 3 + 100 * 15",
        id="router-whose-prefix-was-cut",
    ),
    pytest.param(
        ("azure.ai.openai", "azure/gpt-35-turbo-0125"),
        {"input_tokens": 1000, "output_tokens": 100},
        "1000 * 0.50 + 100 * 1.50",
        id="azure-spells-without-a-dot",
    ),
    pytest.param(
        ("aws.bedrock", "bedrock/us-east-1/anthropic.claude-3-haiku-20240307-v1:0"),
        {"input_tokens": 1000, "output_tokens": 100},
        "1000 * 0.25 + 100 * 1.25",
        id="bedrock-region-in-a-path",
    ),
    pytest.param(
        (None, "openai/gpt-4o-mini"),
        {"input_tokens": 1000, "output_tokens": 100},
        "1000 * 0.15 + 100 * 0.60",
        id="no-provider",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("named", "usage", "millionths"), BY_HAND)
def test_costs_worked_out_by_hand(named: tuple[str | None, str], usage: dict[str, int], millionths: str) -> None:
    found = cost(*named, **usage)
    assert found.status == "priced"
    assert float(found.usd or 0) == pytest.approx(eval(millionths) / 1e6, abs=1e-12)  # noqa: S307 - our own text
    assert sum(line.usd for line in found.lines) == found.usd


@pytest.mark.parametrize(
    ("provider", "model", "tier", "at", "millionths", "status"),
    [
        pytest.param("openai", "gpt-5-mini", "default", NOVEMBER, 0.25 + 2, "priced", id="standard"),
        pytest.param("openai", "gpt-5-mini", "flex", NOVEMBER, 0.125 + 1, "priced", id="flex"),
        pytest.param("openai", "gpt-5-mini", "priority", NOVEMBER, 0.45 + 3.6, "priced", id="priority"),
        pytest.param("anthropic", "claude-opus-4-5", "batch", NOVEMBER, 2.5 + 12.5, "priced", id="batch"),
        pytest.param("anthropic", "claude-opus-5", "fast", NOVEMBER, 10 + 50, "priced", id="fast"),
        pytest.param(
            "anthropic",
            "claude-opus-4-5",
            "batch",
            datetime(2026, 2, 1, tzinfo=UTC),
            2.5 + 12.5,
            "estimated",
            id="batch-of-before",
        ),
        pytest.param(
            "anthropic", "claude-opus-4-5", "priority", NOVEMBER, 5 + 25, "estimated", id="tier-without-price"
        ),
        pytest.param(
            "openai", "o3", None, datetime(2025, 6, 9, 23, tzinfo=UTC), 10 + 40, "priced", id="the-day-before-the-cut"
        ),
        pytest.param("openai", "o3", None, datetime(2025, 6, 10, tzinfo=UTC), 2 + 8, "priced", id="the-day-of-the-cut"),
    ],
)
def test_a_tier_and_a_day_have_their_price(
    provider: str, model: str, tier: str | None, at: datetime, millionths: float, status: str
) -> None:
    found = cost(provider, model, at, tier, input_tokens=1, output_tokens=1)
    assert (found.status, float(found.usd or 0)) == (status, pytest.approx(millionths / 1e6, abs=1e-15))
    assert (found.note is not None) == (status == "estimated")


@pytest.mark.parametrize(
    ("call", "status", "says"),
    [
        pytest.param(
            Call(NOVEMBER, {"input_tokens": 1, "output_tokens": 1}, "openai", "my-llama"),
            "unknown_model", "my-llama of provider openai", id="model-unknown",
        ),
        pytest.param(
            Call(NOVEMBER, {"input_tokens": 1, "output_tokens": 1}, "vllm", "gpt-4o"),
            "unknown_model", "provider vllm", id="self-hosted-under-a-known-name-is-not-openai",
        ),
        pytest.param(Call(NOVEMBER, {"input_tokens": 1}), "unknown_model", "names no model", id="no-model"),
        pytest.param(
            Call(NOVEMBER, {"input_tokens": 1}, "openai", "gpt-4o"), "unknown_usage", "output_tokens", id="half-a-usage"
        ),
        pytest.param(Call(NOVEMBER, {}, "openai", "gpt-4o"), "unknown_usage", "input_tokens", id="no-usage"),
        pytest.param(
            Call(NOVEMBER, {"input_tokens": 5, "cache_read_tokens": 6, "output_tokens": 1}, "openai", "gpt-4o"),
            "invalid_usage", "input_tokens is 5", id="part-exceeds-whole",
        ),
    ],
)  # fmt: skip
def test_without_a_cost_there_is_a_reason(call: Call, status: str, says: str) -> None:
    found = price(call)
    assert (found.usd, found.status) == (None, status)
    assert says in (found.note or "")


def test_the_model_that_answered_goes_before_the_one_that_was_asked() -> None:
    usage = {"input_tokens": 1_000_000, "output_tokens": 0}
    assert price(Call(NOVEMBER, usage, "azure.ai.openai", "our-deployment", "gpt-4o-2024-11-20")).usd == Decimal("2.5")
    assert price(Call(NOVEMBER, usage, "openai", "gpt-4o-mini", "renamed-by-a-proxy")).usd == Decimal("0.15")


def test_cached_audio_that_was_not_told_apart_is_an_estimate() -> None:
    usage: dict[str, Any] = {
        "input_tokens": 100, "cache_read_tokens": 30, "input_audio_tokens": 50, "output_tokens": 0,
    }  # fmt: skip
    found = cost("openai", "gpt-4o-realtime-preview", **usage)
    assert found.status == "estimated"
    assert float(found.usd or 0) == pytest.approx((20 * 5 + 30 * 2.5 + 50 * 40) / 1e6)


def test_a_card_says_which_counts_contradict_one_another() -> None:
    card = rate_card("anthropic", "claude-sonnet-4-5", NOVEMBER)
    assert card is not None
    with pytest.raises(UsageError, match=r"cache_write_tokens is 1, less than its parts \(cache_write_1h_tokens 2\)"):
        card.lines({"input_tokens": 9, "cache_write_tokens": 1, "cache_write_1h_tokens": 2})


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"), (None, "gpt-4o", "gpt-4o"), ("openai", "openai/gpt-4o", "gpt-4o"),
        (None, "claude-haiku-4-5-20251001", "claude-haiku-4-5"), ("openai", "mine", None), (None, "", None),
    ],
)  # fmt: skip
def test_names_of_one_model_share_an_id(provider: str | None, model: str, expected: str | None) -> None:
    assert model_id(provider, model) == expected


def test_the_days_on_which_a_price_changed() -> None:
    assert price_changes("openai", "o3-2025-04-16") == (date(2025, 6, 10),)
    assert price_changes("openai", "gpt-4o") == ()
    assert price_changes("deepseek", "deepseek-chat") == ()  # by the time of day, not by the day
    assert price_changes(None, "nobody's") == ()
    before, after = (rate_card("openai", "o3", datetime(2025, 6, day, tzinfo=UTC)) for day in (9, 10))
    assert before is not None
    assert after is not None
    assert (before.rates["input_tokens"].usd, after.rates["input_tokens"].usd) == (10, 2)
