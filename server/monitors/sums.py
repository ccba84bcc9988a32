"""What explains a change of a sum over time, such as calls or spend an hour: by how much each slice's sum changed.

Sums have no rows of their own, so that nothing is tested: parts are told by their size alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from analytics.explained import OTHERS
from analytics.slices import UNKNOWN
from server.aside import Ask
from server.monitors.saying import amount, explains, upper
from server.monitors.slicing import FIRST, LITTLE
from server.monitors.terms import DAY, Season

Json = dict[str, Any]
Of = Literal["volume", "spend"]
Window = tuple[datetime, datetime]

_UNSUMMED = frozenset({"tags"})
MOST = 50  # slices of an attribute, the dearest; all others are one
SHOWN = 12
_HOUR = timedelta(hours=1)
_DAY_US = DAY // timedelta(microseconds=1)  # the longest bucket: what is asked for are sums of all of them


def like(reference: Window, current: Window, season: Season) -> Window:
    """The part of a reference that a stretch of time is compared with: where hours differ, the same ones as late."""
    if season == "none" or current[1] - current[0] >= DAY:
        return reference
    back = DAY if season == "hour" else 7 * DAY
    turns = -(-(current[1] - reference[1]) // back)
    first, last = (one - max(turns, 1) * back for one in current)
    return (first, last) if first >= reference[0] else reference


def slices(  # noqa: PLR0917 - two stretches of a sum
    ask: Ask, of: Of, where: Json, reference: Window, current: Window, up: bool | None = None
) -> list[Json]:
    """Slices by what they explain of the change an hour beyond the share that they had; fields as of `slicing`.

    `mean_reference` and `mean_current` are calls or US dollars an hour. Attributes that `where` names, and those of one
    value, are left out; of slices with equal sums the first names the others. None where the sum went to the other side
    than looks say (`up`; null: they do not say): what explains that explains nothing of them.
    """
    found: list[Json] = []
    for name in (one for one in FIRST if one not in where and one not in _UNSUMMED):
        sides = [_by(ask, of, name, where, window) for window in (reference, current)]
        grew = sum(sides[1].values()) - sum(sides[0].values())
        if len({*sides[0], *sides[1]}) > 1 and (up is None or (grew > 0) == up):
            found += _parts(of, name, sides[0], sides[1])
    told = [
        one
        for one in found
        if abs(one["share_of_change"]) >= LITTLE and (_beyond(one) > 0 or one["share_of_change"] < 0)
    ]
    return _merged(sorted(told, key=lambda one: -round(_beyond(one), 6)))[:SHOWN]


def _beyond(one: Json) -> float:
    return float(one["share_of_change"] - (one["share_reference"] or 0.0))


def _merged(rows: Sequence[Json]) -> list[Json]:
    kept: dict[tuple[float, float], Json] = {}
    for one in rows:
        own = kept.setdefault((one["mean_reference"], one["mean_current"]), one)
        if own is not one:
            own["same"].append(f"{one['attribute']} {one['slice']}")
    for own in kept.values():
        own["text"] += f" The same calls are of {' and '.join(own['same'])}." if own["same"] else ""
    return list(kept.values())


def _by(ask: Ask, of: Of, name: str, where: Json, window: Window) -> dict[str, float]:
    """Of each value of an attribute its sum an hour."""
    hours = (window[1] - window[0]) / _HOUR
    table = ask(
        "calls_cost_series", since=window[0], until=window[1], bucket_us=_DAY_US, dimension=name, top=MOST, **where
    )
    column, found = "calls" if of == "volume" else "cost_usd", dict[str, float]()
    for row in table.to_pylist():
        known = row["value"] or (UNKNOWN if row["place"] is None else OTHERS)
        found[known] = found.get(known, 0.0) + float(row[column] or 0.0) / hours
    return found or {OTHERS: 0.0}


def _parts(of: Of, name: str, reference: dict[str, float], current: dict[str, float]) -> list[Json]:
    before, now = sum(reference.values()), sum(current.values())
    change = now - before
    if not change:
        return []
    return [_part(of, name, one, (reference.get(one, 0.0), current.get(one, 0.0)), (before, now)) for one in
            sorted({*reference, *current})]  # fmt: skip


def _part(of: Of, name: str, one: str, own: tuple[float, float], whole: tuple[float, float]) -> Json:
    unit = "calls" if of == "volume" else "usd"
    part = own[1] - own[0]
    share = part / (whole[1] - whole[0])
    text = (
        f"{upper(name)} {one}: {amount(own[0], unit)} to {amount(own[1], unit)} an hour; it {explains(share)}. "  # type: ignore[arg-type]  # one of the units
        "Sums are not tested."
    )
    return {
        "attribute": name, "slice": one, "part": part, "share_of_change": share, "mean_reference": own[0],
        "mean_current": own[1], "share_reference": own[0] / whole[0] if whole[0] else None,
        "share_current": own[1] / whole[1] if whole[1] else None, "n_reference": None, "n_current": None,
        "within": None, "mix": None, "apart": None, "ci_low": None, "ci_high": None, "p": None, "p_adjusted": None,
        "text": text, "same": [],
    }  # fmt: skip
