"""A project's own prices: which entry counts, what it makes of a call, and what a bad one is told."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from collectors.pricing.own import OwnPrice, PriceListError, parse_prices
from collectors.pricing.price import Call, price

NOVEMBER = datetime(2026, 11, 15, 12, tzinfo=UTC)
USAGE = {"input_tokens": 1000, "cache_read_tokens": 200, "output_tokens": 100, "output_reasoning_tokens": 40}
FLAT = {"input": 1, "output": 2}


def prices(*entries: dict[str, Any]) -> list[OwnPrice]:
    return parse_prices({"prices": list(entries)}, "prices.yaml")


def usd(call: Call, *entries: dict[str, Any]) -> float | None:
    found = price(call, prices(*entries)).usd
    return None if found is None else float(found)


def call(model: str = "gpt-4o", provider: str | None = "openai", at: datetime = NOVEMBER, **more: Any) -> Call:
    return Call(at, USAGE, provider, model, **more)


@pytest.mark.parametrize(
    ("rates", "millionths"),
    [
        pytest.param(FLAT, 1000 * 1 + 100 * 2, id="cache-and-reasoning-are-paid-as-the-wider-class"),
        pytest.param(FLAT | {"cache_read": "0.1"}, 800 * 1 + 200 * 0.1 + 100 * 2, id="cache"),
        pytest.param(FLAT | {"reasoning": 5}, 1000 * 1 + 60 * 2 + 40 * 5, id="reasoning"),
        pytest.param({"input": 0, "output": 0}, 0, id="free-is-0"),
    ],
)
def test_rates_by_class(rates: dict[str, Any], millionths: float) -> None:
    entry = {"model": "gpt-4o", "usd_per_million": rates}
    found = price(call(), prices(entry))
    assert (found.status, found.source, found.model) == ("priced", "own", "gpt-4o")
    assert float(found.usd or 0) == pytest.approx(millionths / 1e6, abs=1e-15)
    assert found.version == prices(entry)[0].version


def test_a_price_for_each_request() -> None:
    assert usd(call(), {"model": "*", "usd_per_million": FLAT, "usd_per_request": "0.01"}) == pytest.approx(0.0112)


def test_a_discount_comes_off_the_list_price_of_the_day() -> None:
    listed = price(call("o3"))
    discounted = price(call("o3"), prices({"model": "o3*", "discount_percent": 15}))
    assert discounted.usd == (listed.usd or 0) * Decimal("0.85")
    assert discounted.source == "own"
    assert (discounted.version or "").endswith(f"+{listed.version}")
    unlisted = price(call("nobody-knows-it"), prices({"model": "*", "discount_percent": 15}))
    assert (unlisted.usd, unlisted.status) == (None, "unknown_usage")
    assert "list price" in (unlisted.note or "")


def test_hardware_by_the_hour() -> None:
    gpu = {"usd_per_hour": "3.60", "count": 2, "concurrency": 4, "utilisation": "0.5"}
    entry = {"model": "llama*", "gpu": gpu}
    asked = call("Llama-3.3-70B", "vllm", duration_s=10.0)
    # 7.20 dollars an hour for both GPUs, paid by 4 calls at a time during half of it: 0.001 dollars a second of a call.
    assert usd(asked, entry) == pytest.approx(0.01)
    without = price(call("Llama-3.3-70B", "vllm"), prices(entry))
    assert (without.usd, without.status) == (None, "unknown_usage")
    assert "duration" in (without.note or "")


def rated(usd_per_million: int, **more: Any) -> dict[str, Any]:
    return {"usd_per_million": {"input": usd_per_million, "output": 0}, **more}


@pytest.mark.parametrize(
    ("entries", "chosen"),
    [
        pytest.param([rated(1, model="gpt-4o"), rated(2, model="gpt*")], 1, id="a-name-before-a-pattern"),
        pytest.param([rated(1, model="gpt-*"), rated(2, model="gpt-4o*")], 2, id="the-longer-pattern"),
        pytest.param([rated(1, model="gpt*", provider="OpenAI"), rated(2, model="gpt-4o")], 1, id="a-named-provider"),
        pytest.param([rated(1, model="gpt-4o", provider="azure.ai.openai"), rated(2, model="*")], 2, id="not-this-one"),
        pytest.param(
            [rated(1, model="gpt-4o"), rated(2, model="gpt-4o", valid_from="2026-11-01")], 2, id="the-later-start"
        ),
        pytest.param(
            [rated(1, model="gpt-4o"), rated(2, model="gpt-4o", valid_from="2026-11-16")], 1, id="not-yet-valid"
        ),
        pytest.param(
            [rated(1, model="gpt-4o"), rated(2, model="gpt-4o", valid_until="2026-11-15", valid_from="2026-11-01")], 1,
            id="no-longer-valid",
        ),
        pytest.param(
            [rated(1, model="gpt-4o"), rated(2, model="gpt-4o", valid_until="2026-11-16", valid_from="2026-11-15")], 2,
            id="valid-on-its-first-day",
        ),
        pytest.param([rated(1, model="gpt-4o"), rated(2, model="gpt-4o")], 2, id="the-later-entry"),
        pytest.param([rated(1, model="GPT-4O"), rated(2, model="*")], 1, id="case-does-not-matter"),
    ],
)  # fmt: skip
def test_which_entry_counts(entries: list[dict[str, Any]], chosen: int) -> None:
    assert usd(call(), *entries) == pytest.approx(chosen * 1000 / 1e6)


def test_where_no_entry_fits_the_list_price_counts() -> None:
    assert price(call(), prices(rated(1, model="other"))) == price(call())


@pytest.mark.parametrize(
    ("document", "says"),
    [
        pytest.param([], "needs a list called 'prices'", id="no-list"),
        pytest.param({"prices": [{"model": "m"}]}, "entry 1.*exactly one of.*none given", id="no-price"),
        pytest.param(
            {"prices": [{"model": "m", "discount_percent": 1, "gpu": {"usd_per_hour": 1}}]},
            "gpu and discount_percent given", id="two-prices",
        ),
        pytest.param(
            {"prices": [rated(1, model="ok"), {"model": "m", "usd_per_million": {"input": -1, "output": 2}}]},
            r"entry 2: usd_per_million.input: .*greater than or equal to 0; got -1", id="below-0",
        ),
        pytest.param({"prices": [rated(1, model="m", valid_form="2026-01-01")]}, "valid_form.*permitted", id="typo"),
        pytest.param(
            {"prices": [rated(1, model="m", valid_from="2026-02-01", valid_until="2026-02-01")]},
            "is not after valid_from", id="empty-validity",
        ),
        pytest.param({"prices": [rated(1, model="m", valid_from="soon")]}, "valid_from.*got 'soon'", id="no-date"),
        pytest.param(
            {"prices": [{"model": "m", "gpu": {"usd_per_hour": 1, "utilisation": 0}}]}, "utilisation.*got 0", id="idle"
        ),
        pytest.param(
            {"prices": [{"model": "m", "usd_per_million": {"input": "nan", "output": 2}}]}, "input: .*got 'nan'",
            id="nan",
        ),
    ],
)  # fmt: skip
def test_a_bad_list_is_told_where_and_why(document: Any, says: str) -> None:
    with pytest.raises(PriceListError, match=f"(?s)prices.yaml.*{says}"):
        parse_prices(document, "prices.yaml")


def test_notes_are_no_part_of_a_price() -> None:
    gpu = {"usd_per_hour": 2}
    plain, noted = (
        parse_prices({"prices": [{"model": "m", "gpu": gpu | more, **note}]}, "it")[0]
        for more, note in (({}, {}), ({"hardware": "H100 SXM", "quantisation": "fp8"}, {"note": "rack 4"}))
    )
    assert plain.version == noted.version
    assert noted.gpu is not None
    assert (noted.gpu.hardware, noted.gpu.quantisation) == ("H100 SXM", "fp8")
    other = parse_prices({"prices": [{"model": "m", "gpu": {"usd_per_hour": 3}}]}, "it")[0]
    assert other.version != plain.version
