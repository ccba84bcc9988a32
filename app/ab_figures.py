"""Values and differences of a metric as the A/B page writes them. Pure.

Sentences of the server write them by `server.ab_figures`, which the app may not import; one table tests both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app import format as fmt

Json = Mapping[str, Any]
Write = Callable[[float | None, str | None], str]


def amount(value: float | None, unit: str | None) -> str:
    """`$0.012`, `1.2 s`, `4.1 %`, `0.31`; null is `unknown`."""
    if value is None:
        return fmt.UNKNOWN
    told = _size(abs(value), unit)
    return f"{fmt.MINUS}{told}" if value < 0 and _says(told) else told


def _size(size: float, unit: str | None) -> str:
    match unit:
        case "USD":
            return fmt.mean_cost(size) if size else "$0"
        case "s":
            return fmt.duration(size * 1e9) if size else "0 s"
        case "share":
            return f"{fmt.digits(size * 100)} %"
    return fmt.digits(size)


def _says(told: str) -> bool:
    """Whether it is anything but 0."""
    return any(letter in "123456789" for letter in told)


def apart(value: float | None, unit: str | None) -> str:
    """A difference with its sign: `+0.12`, and of shares in points: `+1.3 pp`."""
    told = amount(value, unit)
    if value is None:
        return told
    return ("+" if value > 0 and _says(told) else "") + (told.replace(" %", " pp") if unit == "share" else told)


def level(found: Json, unit: str | None) -> str:
    """Bounds of a value, `0.57 to 0.64`; `no interval yet` while there are too few units."""
    if found["low"] is None:
        return "no interval yet"
    return f"{amount(found['low'], unit)} to {amount(found['high'], unit)}"


def interval(found: Json, unit: str | None) -> str:
    """`+0.05 to +0.2`; `no interval yet` while there are too few units."""
    if found["low"] is None:
        return "no interval yet"
    return f"{apart(found['low'], unit)} to {apart(found['high'], unit)}"


def scale(unit: str | None) -> tuple[float, str, str]:
    """Of an axis of differences: factor, format of d3, suffix."""
    return {"USD": (1.0, "$.3~r", ""), "s": (1.0, "", " s"), "share": (100.0, "", " pp")}.get(unit or "", (1.0, "", ""))
