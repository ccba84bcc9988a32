"""From what the API tells of a monitor's course to what its figure draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import pandas as pd

from app import charts_monitors, marks
from app import monitor_signals as signals
from app.charts_monitors import Drawn, Span

Json = Mapping[str, Any]


def local(told: Any, zone: tzinfo) -> pd.Timestamp:
    """A time of the API on an axis, which knows no zones."""
    at = pd.Timestamp(told)
    return (at if at.tzinfo else at.tz_localize("UTC")).tz_convert(zone).tz_localize(None)


def points(told: Sequence[Json], unit: str | None, zone: tzinfo) -> pd.DataFrame:
    """Buckets from the first that has a value on: at, value, n, told."""
    frame = pd.DataFrame(told, columns=["at", "value", "n"])
    known = frame.index[frame["value"].notna()]
    frame = frame.loc[known[0] :].reset_index(drop=True) if len(known) else frame.iloc[:0]
    frame["at"] = _local(frame["at"], zone)
    frame["value"] = frame["value"].astype("float64")
    frame["told"] = [
        charts_monitors.hover(at, signals.amount(value, unit), n)
        for at, value, n in zip(frame["at"], frame["value"], frame["n"], strict=True)
    ]
    return frame


def looks(told: Sequence[Json], unit: str | None, zone: tzinfo) -> pd.DataFrame:
    """Looks in order of time: at, value, expected, low, high, counts, told."""
    names = ["at", "value", "expected", "low", "high", "n", "counts", "note"]
    frame = pd.DataFrame([{name: one.get(name) for name in names} for one in told], columns=names)
    frame["at"] = _local(frame["at"], zone)
    frame = frame.sort_values("at").reset_index(drop=True)
    for name in ("value", "expected", "low", "high"):
        frame[name] = frame[name].astype("float64")
    frame["told"] = [
        charts_monitors.hover(at, signals.amount(value, unit), n, _more(low, high, unit))
        for at, value, n, low, high in frame[["at", "value", "n", "low", "high"]].itertuples(index=False)
    ]
    return frame


def _local(times: pd.Series, zone: tzinfo) -> pd.Series:
    return pd.to_datetime(times, utc=True, format="ISO8601").dt.tz_convert(zone).dt.tz_localize(None)


def _more(low: float, high: float, unit: str | None) -> str:
    band = signals.bounds(low, high, unit)
    return f"window to here; expected {band}" if band != "no interval" else "window to here"


def drawn(told: Json, unit: str | None, alert: Json, zone: tzinfo) -> Drawn:
    """The figure of `GET /api/monitors/{name}/series`."""
    change, span = told.get("change") or {}, None
    if change.get("low") and change.get("high"):
        span = local(change["low"], zone), local(change["high"], zone)
    return Drawn(
        points(told["points"], unit, zone), looks(told["looks"], unit, zone), _reference(told.get("reference"), zone),
        local(change["at"], zone) if change.get("at") else None, span,
        [(local(one["at"], zone), marks.word(one)) for one in told.get("markers") or ()], (),
        limit(alert),
        signals.axis(unit),
    )  # fmt: skip


def previewed(told: Json, unit: str | None, alert: Json, zone: tzinfo) -> Drawn:
    """The figure of `POST /api/monitors/preview`."""
    fired = [local(one["at"], zone) for one in told["would_have_fired"]]
    return Drawn(
        points(told["points"], unit, zone), looks(told["looks"], unit, zone), None, None, None, (), fired, limit(alert),
        signals.axis(unit),
    )  # fmt: skip


def _reference(told: Json | None, zone: tzinfo) -> Span | None:
    if not told or not told.get("since") or not told.get("until"):
        return None
    return local(told["since"], zone), local(told["until"], zone)


def limit(alert: Json) -> float | None:
    """Of a threshold."""
    if alert.get("kind") != "threshold":
        return None
    found = alert.get("above") if alert.get("above") is not None else alert.get("below")
    return None if found is None else float(found)
