"""Counts by the units that prices are for."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.conventions.usage import DETAIL_UNITS, Usage

PLAIN_UNITS = {
    "input": "input_tokens", "output": "output_tokens", "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens", "reasoning": "output_reasoning_tokens",
}  # fmt: skip


def counts_of(usage: Usage) -> dict[str, int]:
    """Counts of a settled usage by unit; what is unknown is absent."""
    told = {unit: count for name, unit in PLAIN_UNITS.items() if (count := getattr(usage, name)) is not None}
    return whole_of(told | {unit: count for unit, count in usage.details.items() if unit in DETAIL_UNITS})


def whole_of(told: Mapping[str, int]) -> dict[str, int]:
    """The counts, with a total of cache writes that holds those of each lifetime."""
    by_lifetime = told.get("cache_write_5m_tokens", 0) + told.get("cache_write_1h_tokens", 0)
    counts = dict(told)
    if by_lifetime > counts.get("cache_write_tokens", 0):
        counts["cache_write_tokens"] = by_lifetime
    return counts
