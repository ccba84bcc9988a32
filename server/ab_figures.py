"""Values and differences of a metric of a live A/B test as sentences write them: three digits, with their unit. Pure.

The page writes them by `app.ab_figures`, which may not be imported here; one table tests both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
MINUS = "\u2212"
_NOTHING = 1e-9  # below it a number is what rounding left behind


def amount(value: float | None, unit: str | None) -> str:
    """`$0.012`, `1.2 s`, `4.1 %`, `0.31`; null is `unknown`."""
    if value is None:
        return "unknown"
    told = _size(abs(value), unit)
    return f"{MINUS}{told}" if value < 0 and _says(told) else told


def apart(value: float | None, unit: str | None) -> str:
    """A difference with its sign: `+0.12`, and of shares in points: `+1.3 pp`."""
    told = amount(value, unit)
    if value is None:
        return told
    return ("+" if value > 0 and _says(told) else "") + (told.replace(" %", " pp") if unit == "share" else told)


def interval(found: Json, unit: str | None) -> str:
    """Bounds of a difference, `+0.05 to +0.2`; `no interval yet` while there are too few units."""
    if found["low"] is None:
        return "no interval yet"
    return f"{apart(found['low'], unit)} to {apart(found['high'], unit)}"


def level(found: Json, unit: str | None) -> str:
    """Bounds of a value, `0.57 to 0.64`; `no interval yet` while there are too few units."""
    if found["low"] is None:
        return "no interval yet"
    return f"{amount(found['low'], unit)} to {amount(found['high'], unit)}"


def effect(found: Json, unit: str | None) -> str:
    """A difference with its bounds: `+0.12 (+0.05 to +0.2)`."""
    return f"{apart(found['difference'], unit)} ({interval(found, unit)})"


def _size(size: float, unit: str | None) -> str:
    match unit:
        case "USD":
            return f"${size:,.2f}" if size >= 1 else f"${_digits(size)}"
        case "s":
            return _duration(size * 1e9) if size else "0 s"
        case "share":
            return f"{_digits(size * 100)} %"
    return _digits(size)


def _says(told: str) -> bool:
    """Whether it is anything but 0."""
    return any(letter in "123456789" for letter in told)


def _digits(size: float) -> str:
    """Three significant digits, never in exponent form, without needless zeros."""
    if size < _NOTHING:
        return "0"
    places = max(0, 2 - math.floor(math.log10(size)))
    text = f"{round(size, places):,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _duration(nanoseconds: float) -> str:
    if nanoseconds < 1e3:
        return f"{nanoseconds:.0f} ns"
    for below, unit, name in ((1e6, 1e3, "µs"), (1e9, 1e6, "ms"), (60e9, 1e9, "s")):
        if nanoseconds < below:
            return f"{_digits(nanoseconds / unit)} {name}"
    minutes, seconds = divmod(round(nanoseconds / 1e9), 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return _two(days, "d", hours_left, "h")
    return _two(hours, "h", minutes_left, "min") if hours else _two(minutes, "min", seconds, "s")


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large} {unit} {small} {small_unit}" if small else f"{large} {unit}"
