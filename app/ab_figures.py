"""Values and differences of a metric as the A/B page writes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import format as fmt

Json = Mapping[str, Any]


def amount(value: float | None, unit: str | None) -> str:
    """`$0.012`, `1.2 s`, `4.1 %`, `0.31`; null is `unknown`."""
    if value is None:
        return fmt.UNKNOWN
    sign, size = (fmt.MINUS if value < 0 else ""), abs(value)
    match unit:
        case "USD":
            return f"{sign}{fmt.mean_cost(size) if size else '$0'}"
        case "s":
            return f"{sign}{fmt.duration(size * 1e9) if size else '0 s'}"
        case "share":
            return f"{sign}{fmt.digits(size * 100)} %"
    return f"{sign}{fmt.digits(size)}"


def apart(value: float | None, unit: str | None) -> str:
    """A difference with its sign: `+0.12`, and of shares in points: `+1.3 pp`."""
    told = amount(value, unit)
    if value is None:
        return told
    return ("+" if value > 0 else "") + (told.replace(" %", " pp") if unit == "share" else told)


def interval(found: Json, unit: str | None) -> str:
    """`+0.05 to +0.2`; `no interval yet` while there are too few units."""
    if found["low"] is None:
        return "no interval yet"
    return f"{apart(found['low'], unit)} to {apart(found['high'], unit)}"


def scale(unit: str | None) -> tuple[float, str, str]:
    """Of an axis of differences: factor, format of d3, suffix."""
    return {"USD": (1.0, "$.3~r", ""), "s": (1.0, "", " s"), "share": (100.0, "", " pp")}.get(unit or "", (1.0, "", ""))
