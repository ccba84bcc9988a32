"""The ruler of a score: in words, and drawn. Pure; a scale is a card's, or what a score keeps of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from app import format as fmt

Scale = Mapping[str, Any]
"""Members low, high (null: no bound), labels, better (higher lower; null: neither), unit; see `GET /api/evaluators`."""

_ROW = "display:flex;align-items:center;gap:8px;font-size:0.85rem;line-height:20px;flex-wrap:wrap"
_TRACK = "position:relative;display:inline-block;width:160px;height:6px;border-radius:3px;background:{ground}"
_AT = (
    "position:absolute;left:calc({percent:.2f}% - 2px);top:-4px;width:4px;height:14px;border-radius:2px;"
    "background:currentColor"
)
_GOOD, _POOR = "#228833a0", "#7f889450"
_GROUNDS = {
    "higher": f"linear-gradient(to right,{_POOR},{_GOOD})",
    "lower": f"linear-gradient(to left,{_POOR},{_GOOD})",
}
_BETTER = {"higher": "higher is better →", "lower": "← lower is better"}


def read(told: object) -> Scale | None:
    """A scale as a score's metadata has it, where anybody may have stored anything; null: it is none."""
    if not isinstance(told, dict):
        return None
    labels, better, unit = (told.get(name) for name in ("labels", "better", "unit"))
    return {
        "low": fmt.finite(told.get("low")), "high": fmt.finite(told.get("high")),
        "labels": [fmt.clip(one, 60) for one in labels if isinstance(one, str)] if isinstance(labels, list) else [],
        "better": better if better in ("higher", "lower") else None,
        "unit": fmt.clip(unit, 20) if isinstance(unit, str) else None,
    }  # fmt: skip


def words(scale: Scale | None) -> str:
    """`0 to 1, higher is better; worst to best: fail, pass`; of a score that keeps no scale `unknown`."""
    if scale is None:
        return fmt.UNKNOWN
    better = {"higher": "higher is better", "lower": "lower is better"}.get(str(scale.get("better")))
    said = [_range(scale)] + ([better] if better else ["neither end is better"])
    joined = labels(scale)
    return ", ".join(said) + (f"; {joined}" if joined else "")


def labels(scale: Scale) -> str:
    """`worst to best: fail, pass`; where neither end is better `labels: a, b`; '': there are none."""
    named = ", ".join(map(str, scale.get("labels") or ()))
    return f"{'worst to best' if scale.get('better') else 'labels'}: {named}" if named else ""


def short(scale: Scale | None) -> str:
    """For a column: `0 to 1 ↑`, where the arrow tells which way is better."""
    if scale is None:
        return fmt.UNKNOWN
    return _range(scale) + {"higher": " ↑", "lower": " ↓"}.get(str(scale.get("better")), "")


def value(number: float | None, scale: Scale | None) -> str:
    """The number with the scale's unit; null is nothing."""
    if number is None or fmt.absent(number):
        return ""
    if fmt.finite(number) is None:
        return str(number)
    unit = scale and scale.get("unit")
    return fmt.digits(number) + (f" {unit}" if unit else "")


def _range(scale: Scale) -> str:
    low, high = _bounds(scale)
    unit = f" {scale['unit']}" if scale.get("unit") else ""
    if low is None and high is None:
        return f"any number{unit and f', in{unit}'}"
    if high is None:
        return f"from {fmt.digits(low or 0)}{unit}"
    return f"up to {fmt.digits(high)}{unit}" if low is None else f"{fmt.digits(low)} to {fmt.digits(high)}{unit}"


def _bounds(scale: Scale) -> tuple[float | None, float | None]:
    low, high = scale.get("low"), scale.get("high")
    return (None if low is None else float(low)), (None if high is None else float(high))


def drawn(scale: Scale | None, number: float | None = None) -> str:
    """HTML of the ruler with a mark at the number; where a bound is missing there is nothing to place it on: ''."""
    if scale is None:
        return ""
    low, high = _bounds(scale)
    if low is None or high is None or not low < high:
        return ""
    told = f"{value(number, scale)} on a scale of " if number is not None else "Scale: "
    mark = ""
    if number is not None and math.isfinite(number):
        percent = 100 * min(max((number - low) / (high - low), 0.0), 1.0)
        mark = f'<span style="{_AT.format(percent=percent)}"></span>'
    better = str(scale.get("better"))
    track = f'<span style="{_TRACK.format(ground=_GROUNDS.get(better, _POOR))}">{mark}</span>'
    ends = [f"<span>{fmt.digits(end)}</span>" for end in (low, high)]
    label = escape(told + words(scale))
    return (
        f'<div role="img" aria-label="{label}" style="{_ROW}">{ends[0]}{track}{ends[1]}'
        f"<span>{_BETTER.get(better, 'neither end is better')}</span></div>"
    )


def tone(label: str | None, scale: Scale | None) -> str:
    """Colour of a label's badge: green for the best of its scale, red for the worst, orange between; gray: no order."""
    labels = list((scale or {}).get("labels") or ())
    if label not in labels or len(labels) < 2 or not (scale or {}).get("better"):
        return "gray"
    place = labels.index(label)
    return "green" if place == len(labels) - 1 else "red" if place == 0 else "orange"
