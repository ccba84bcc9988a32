"""Costs of one usage block by our prices and by other public price tables, model by model.

    python benchmarks/prices.py            # reads ../shared/data/llm_prices

Tables differ where one is stale, so a disagreement is no error of either; each is listed for a person to judge. The
usage has plain, cached and written tokens; a class that the other table has no price for is left out of the usage.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from collectors.pricing.price import Call, price

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "llm_prices"
USAGE = {"input_tokens": 10_000, "output_tokens": 700, "cache_read_tokens": 4_000, "cache_write_tokens": 1_000}
LITELLM = {  # the field of LiteLLM's table, which tokencost carries
    "input_tokens": "input_cost_per_token", "output_tokens": "output_cost_per_token",
    "cache_read_tokens": "cache_read_input_token_cost", "cache_write_tokens": "cache_creation_input_token_cost",
}  # fmt: skip
LANGFUSE = {
    "input_tokens": ("input",), "output_tokens": ("output",),
    "cache_read_tokens": ("input_cache_read", "cache_read_input_tokens", "input_cached_tokens"),
    "cache_write_tokens": ("input_cache_creation", "cache_creation_input_tokens"),
}  # fmt: skip
PROVIDERS = {
    "openai": "openai", "anthropic": "anthropic", "azure": "azure.ai.openai", "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock", "gemini": "gcp.gemini", "vertex_ai-language-models": "gcp.vertex_ai",
    "vertex_ai-anthropic_models": "gcp.vertex_ai", "mistral": "mistral_ai", "groq": "groq", "xai": "x_ai",
    "deepseek": "deepseek", "cohere_chat": "cohere", "perplexity": "perplexity",
}  # fmt: skip

Prices = dict[str, Decimal]


def _table(name: str) -> Any:
    return json.loads(gzip.decompress((SHARED / f"{name}.json.gz").read_bytes()))


def tokencost() -> Iterator[tuple[str | None, str, Prices]]:
    """(provider, model, dollars a token by unit)."""
    for name, told in _table("tokencost_model_prices").items():
        provider = PROVIDERS.get(told.get("litellm_provider", ""))
        if provider and told.get("mode") == "chat" and told.get("input_cost_per_token"):
            yield provider, name, {u: Decimal(repr(told[key])) for u, key in LITELLM.items() if told.get(key)}


def langfuse() -> Iterator[tuple[str | None, str, Prices]]:
    """The same out of Langfuse's table, which names no providers."""
    for model in _table("langfuse_default_model_prices"):
        tier = next((tier for tier in model.get("pricingTiers", []) if tier["isDefault"]), None)
        prices = (tier or {}).get("prices") or {}
        found = {
            unit: Decimal(repr(prices[name])) for unit, names in LANGFUSE.items() for name in names if prices.get(name)
        }
        if "input_tokens" in found and "output_tokens" in found:
            yield None, model["modelName"], found


def theirs(prices: Prices, usage: dict[str, int]) -> Decimal:
    """Their cost by hand: parts of the input are paid at their own rate, the rest as input."""
    parts = ("cache_read_tokens", "cache_write_tokens")
    plain = usage["input_tokens"] - sum(usage.get(part, 0) for part in parts)
    told = sum((prices[part] * usage[part] for part in parts if part in usage), Decimal(0))
    return prices["input_tokens"] * plain + prices.get("output_tokens", Decimal(0)) * usage["output_tokens"] + told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="list every disagreement")
    asked = parser.parse_args()
    if not SHARED.is_dir():
        print(f"Left out: {SHARED} is not there.")
        sys.exit(0)
    now = datetime.now(UTC)
    for title, table in (("tokencost (LiteLLM, 2025-09)", tokencost()), ("Langfuse (2026-08)", langfuse())):
        report(title, table, now, every=asked.all)


def report(title: str, table: Iterator[tuple[str | None, str, Prices]], now: datetime, *, every: bool) -> None:
    same, unknown, apart = 0, list[str](), list[tuple[str, Any, Decimal]]()
    for provider, model, prices in table:
        usage = {unit: count for unit, count in USAGE.items() if unit in prices or unit == "output_tokens"}
        cost = price(Call(now, usage, provider, model))
        if cost.usd is None:
            unknown.append(model)
        elif abs(cost.usd - theirs(prices, usage)) < Decimal("1e-10"):
            same += 1
        else:
            apart.append((f"{provider or ''} {model} -> {cost.model}", cost.usd, theirs(prices, usage)))
    print(f"\n{title}: {same} the same, {len(apart)} apart, {len(unknown)} not in our table")
    for name, ours, other in apart if every else apart[:25]:
        print(f"  {name:<90} ours {ours:.6f}  theirs {other:.6f}  x{ours / other:.3f}")
    print("  not in our table:", ", ".join(unknown if every else unknown[:40]))


if __name__ == "__main__":
    main()
