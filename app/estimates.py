"""Estimates of the server, `{value, low, high, n}`, as a person reads them; null value: unknown, null bounds: none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app import format as fmt

Estimate = Mapping[str, Any]
Form = Callable[[float | None], str]
MINUS = "\u2212"
_LARGE = 1_000  # US dollars: an estimate of so much is not known to the cent


def usd(value: float | None) -> str:
    """`money` with a minus sign where it belongs, small amounts in three digits, and no cents from $1,000 on."""
    if value is None or fmt.absent(value):
        return fmt.UNKNOWN
    if value < 0:
        return f"{MINUS}{usd(-value)}"
    if value >= _LARGE:
        return f"${value:,.0f}"
    return fmt.mean_cost(value) if value else "$0"


def tokens(value: float | None) -> str:
    """`short`, with a minus sign where it belongs."""
    return f"{MINUS}{fmt.short(-value)}" if value is not None and value < 0 else fmt.short(value)


def seconds(value: float | None) -> str:
    if value is None or fmt.absent(value):
        return fmt.UNKNOWN
    return f"{MINUS}{fmt.duration(-value * 1e9)}" if value < 0 else fmt.duration(value * 1e9)


def share(value: float | None) -> str:
    """Two digits do for the bounds of a share, and fit."""
    return fmt.UNKNOWN if value is None else f"{fmt.digits(value * 100, 2)} %"


def signed(value: float | None) -> str:
    """A difference of scores: `+0.02`."""
    if value is None:
        return fmt.UNKNOWN
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{fmt.digits(abs(value), 2)}"


def interval(found: Estimate, form: Form) -> str:
    """`$10.20 to $14.10`."""
    if found["low"] is None or found["high"] is None:
        return "no interval"
    return f"{form(found['low'])} to {form(found['high'])}"


def short_interval(found: Estimate, form: Form) -> str:
    """`$10.20 to 14.10`: the unit once, where both bounds have the same."""
    told = interval(found, form)
    low, _, high = told.partition(" to ")
    if low.startswith("$") and high.startswith("$"):
        return f"{low} to {high[1:]}"
    unit = high.rpartition(" ")[2]
    return f"{low.removesuffix(f' {unit}')} to {high}" if high and low.endswith(f" {unit}") else told


def sentence(found: Estimate, form: Form) -> str:
    """`$12.30 (95 % interval $10.20 to $14.10)`."""
    told = interval(found, form)
    return f"{form(found['value'])} ({'95 % interval ' if told != 'no interval' else ''}{told})"


def cell(found: Estimate, form: Form) -> str:
    """`$12.30 ($10.20 to $14.10)`; without an interval the value alone."""
    if found["value"] is None or found["low"] is None or found["high"] is None:
        return form(found["value"])
    return f"{form(found['value'])} ({interval(found, form)})"


def bracketed(told: Estimate, *, change: bool = False) -> str:
    """`0.72 [0.68, 0.76]`; of a change with its sign."""
    if fmt.absent(told.get("value")):
        return "no value"
    sign = "+" if change and told["value"] > 0 else ""
    ends = [float(end) for end in (told.get("low"), told.get("high")) if end is not None and not fmt.absent(end)]
    around = f" [{', '.join(map(fmt.digits, ends))}]" if len(ends) == 2 else ""
    return f"{sign}{fmt.digits(told['value'])}{around}"
