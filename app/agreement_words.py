"""How numbers of agreement are written on pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app import format as fmt

Row = Mapping[str, Any]
QUOTED = 160  # letters of a marked text

NAMES = {
    "percent_agreement": "Percent agreement",
    "cohen_kappa": "Cohen's kappa",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha_nominal": "Krippendorff's alpha, nominal",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
    "krippendorff_alpha_interval": "Krippendorff's alpha, interval",
    "gwet_ac1": "Gwet's AC1",
}
BY = {
    "decision": "decided", "gold": "gold", "majority": "majority", "dawid_skene": "Dawid-Skene", "median": "median",
    "mean_rank": "mean rank", "single": "one label", "tied": "tied",
}  # fmt: skip


def decimal(value: float | None) -> str:
    """Two decimals as such coefficients are written: `.71`, `1`, with a minus sign below 0; null: `unknown`."""
    if value is None:
        return fmt.UNKNOWN
    text = f"{abs(value):.2f}"
    text = "1" if text == "1.00" else text[text.index(".") :] if text.startswith("0") else text
    return f"{fmt.MINUS}{text}" if value < 0 and text != ".00" else text


def between(low: float | None, high: float | None) -> str:
    """`.55 to .84`; null bounds: `no interval`."""
    return "no interval" if low is None or high is None else f"{decimal(low)} to {decimal(high)}"


def share(one: Row | None, none: str = "none") -> str:
    """`87 % (80 to 92 %) of 40`: a share with its interval and number."""
    if one is None or one["value"] is None:
        return none
    ends = "" if one["low"] is None else f" ({100 * one['low']:.0f} to {100 * one['high']:.0f} %)"
    return f"{100 * one['value']:.0f} %{ends} of {one['n']:,}"


def answer(told: Any) -> str:
    """An answer as one line of untrusted text: sets and rankings spelled out, marks counted."""
    if told is None:
        return "none"
    if isinstance(told, bool) or not isinstance(told, list):
        return fmt.digits(told, 6) if isinstance(told, int | float) else str(told)
    if told and all(isinstance(one, Mapping) for one in told):
        return ", ".join(f"{one.get('label')} {one.get('part')} {one.get('start')}-{one.get('end')}" for one in told)
    if told and all(isinstance(one, list) for one in told):
        return " > ".join(" = ".join(map(str, group)) for group in told)
    return ", ".join(map(str, told)) or "nothing"


def marks(told: Sequence[Row], content: Row) -> list[str]:
    """Marks with the text that they are of: `wrong: “the moon”`."""
    sides = {side["key"]: side for side in content["sides"]}

    def text(one: Row) -> str:
        place, _, number = str(one.get("part")).partition(".")
        if place == "contexts":
            texts = [each["text"] for each in content["contexts"]][int(number) :]
            found = texts[0] if texts else None
        else:
            found = (sides.get(one.get("side", "a")) or {}).get("answer")
        return fmt.clip(str(found or "")[one["start"] : one["end"]], QUOTED)

    return [f"{one['label']}: “{text(one)}”" for one in told]


def key(told: Any) -> str:
    """An answer as a text that equal answers share."""
    return json.dumps(told, sort_keys=True)


def of(rows: Iterable[Row], coefficient: str) -> Row | None:
    """The row of a coefficient; null: there is none."""
    return next((row for row in rows if row["coefficient"] == coefficient), None)
