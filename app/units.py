"""Values of signals as a person reads them, by the signal's unit: share, usd, ms, tokens, score and so on. Pure."""

from __future__ import annotations

from app import format as fmt

_NOUNS = {"tokens": "tokens", "characters": "characters", "calls": "calls", "items": "documents"}
_SECOND = 1_000.0  # milliseconds


def value(told: float | None, unit: str | None) -> str:
    """`8.4 %`, `$0.0123`, `1.2 s`, `412 tokens`, `0.82`; null is `unknown`."""
    if told is None or fmt.absent(told):
        return fmt.UNKNOWN
    if unit == "share":
        return fmt.percent(told)
    if unit == "usd":
        return fmt.mean_cost(told)
    if unit == "ms":
        return fmt.duration(told * 1e6)
    noun = _NOUNS.get(str(unit))
    return f"{fmt.short(told)} {noun}" if noun else fmt.digits(told)


def apart(told: float | None, unit: str | None) -> str:
    """A difference with its sign; of shares in points: `+7.2 pp`, `+$0.0040`; null is `unknown`."""
    if told is None or fmt.absent(told):
        return fmt.UNKNOWN
    size = f"{fmt.digits(abs(told) * 100)} pp" if unit == "share" else value(abs(told), unit)
    return f"{'+' if told > 0 else fmt.MINUS if told < 0 else ''}{size}"


def axis(unit: str | None, most: float) -> tuple[float, dict[str, object]]:
    """What values are multiplied by, and how the axis writes them. `most`: the largest that is drawn."""
    if unit == "share":
        return 100.0, {"ticksuffix": " %"}
    if unit == "usd":
        return 1.0, {"tickprefix": "$"}
    if unit == "ms":
        return (1.0, {"ticksuffix": " ms"}) if most < _SECOND else (1 / _SECOND, {"ticksuffix": " s"})
    return 1.0, {}
