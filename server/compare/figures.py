"""Figures of comparisons as sentences and reports write them: with their units, and beside one another."""

from __future__ import annotations

from math import floor, log10

from server.evals.figures import number

LONG = 10_000.0  # milliseconds from which seconds read better


def value(found: float | None, unit: str | None, *, share: bool = False) -> str:
    """A value of what is compared: 80%, $0.0055, 142 ms, 12.4 s, 820 tokens, 0.71."""
    if found is None or not share:
        return _with_unit(found, unit)
    return f"{100 * found:.3g}%"


def size(found: float | None, unit: str | None, *, share: bool = False, short: bool = False) -> str:
    """A size of a difference: points of a share, else as a value; `short`: in three digits."""
    if found is None or not share:
        return _with_unit(found, unit, short=short)
    points = f"{100 * found:.3g}"
    return f"{points} {'point' if points == '1' else 'points'}"


def ends(
    low: float | None, high: float | None, unit: str | None, *, share: bool = False, short: bool = False
) -> str:  # fmt: skip
    """Both ends of an interval, such as `-20 to -4 ms`; of shares in points. An end that is not known is `?`."""
    first, last = ((None if end is None else 100 * end) if share else end for end in (low, high))
    if unit == "USD":
        return " to ".join("?" if end is None else _with_unit(end, unit, short=short) for end in (first, last))
    if unit == "ms" and max(abs(first or 0.0), abs(last or 0.0)) >= LONG:
        unit, first, last = "s", first and first / 1000, last and last / 1000
    told = " to ".join("?" if end is None else _digits(end, short=short) for end in (first, last))
    return told + (f" {unit}" if unit and not share else "")


def _with_unit(found: float | None, unit: str | None, *, short: bool = False) -> str:
    if found is None or not unit:
        return number(found) if found is None else _digits(found, short=short)
    if unit == "USD":
        return f"{'-' if found < 0 else ''}${_money(abs(found), 3 if short else 4)}"
    if unit == "ms" and abs(found) >= LONG:
        return f"{_digits(found / 1000, short=short)} s"
    return f"{_digits(found, short=short)} {unit}"


def _money(found: float, digits: int) -> str:
    """Dollars without an exponent: 0.0000959."""
    if found == 0 or found >= 1000:
        return f"{found:,.0f}"
    told = f"{found:.{max(2, digits - 1 - floor(log10(found)))}f}"
    return told if len(told.partition(".")[2]) <= 2 else told.rstrip("0").ljust(4, "0")


def _digits(found: float, *, short: bool) -> str:
    return number(found) if not short or abs(found) >= 1000 else f"{found:.3g}"


def placed(value: float | None, low: float | None, high: float | None) -> tuple[float, float, float] | None:
    """Low end, value and high end in percent of a width whose middle is no difference; the farthest end has 48 %.

    Null: an end or the value is not known.
    """
    if value is None or low is None or high is None:
        return None
    reach = max(abs(low), abs(high), abs(value)) or 1.0
    first, middle, last = (round(50 + 48 * end / reach, 2) for end in (low, value, high))
    return first, middle, last
