"""Whether two JSON values are the same, within a tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.case import Json


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What may differ."""

    relative: float = 0.0  # of numbers: a share of the larger
    absolute: float = 0.0  # of numbers; either tolerance is enough
    case: bool = True  # False: capitals, and white space around a text, do not count
    text_numbers: bool = False  # True: "5" is 5


EXACT = Tolerance()


def same(a: Json, b: Json, within: Tolerance = EXACT) -> bool:
    """Whether two values are equal, member by member: 1 is 1.0, but never true; null is null only."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if within.text_numbers and isinstance(a, str) != isinstance(b, str):
        a, b = _number(a), _number(b)
    if isinstance(a, int | float) and isinstance(b, int | float):
        return close(a, b, within)
    if isinstance(a, str) and isinstance(b, str):
        return a == b or (not within.case and a.strip().casefold() == b.strip().casefold())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y, within) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key], within) for key in a)
    return a is None and b is None


def close(a: float, b: float, within: Tolerance) -> bool:
    """Whether two numbers are equal within the tolerance, also whole ones that no float holds."""
    if a == b:
        return True
    try:
        return math.isclose(a, b, rel_tol=within.relative, abs_tol=within.absolute)
    except OverflowError:
        return False


def several(given: Sequence[str] | str) -> tuple[str, ...]:
    """An option of several names: a list, or one text with commas between them."""
    if isinstance(given, str):
        return tuple(name.strip() for name in given.split(",") if name.strip())
    return tuple(given)


def _number(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if math.isfinite(number) else value
