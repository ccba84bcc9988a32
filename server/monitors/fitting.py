"""What a stretch of time lets expect of a stream: its season, its profile, and the least effect that matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from analytics import watching
from analytics.columns import Floats
from analytics.watching import PERIODS, WINDOWS, Baseline, Policy
from server.monitors import streams
from server.monitors.series import Series
from server.monitors.signals import Signal
from server.monitors.streams import Steps
from server.monitors.terms import DAY, Drift

Season = Literal["none", "hour", "weekday"]
Stretch = tuple[datetime, datetime]
WEEK_DAYS = 7
SHARE_OF_LEVEL = {"share": 0.1, "score": 0.05}  # of the reference's level, what matters at least; else a tenth
LEAST_SHARE = 0.01  # a point
SIDES = {"up": 1, "down": -1, None: 0}


class TooLittleError(Exception):
    """A reference that is too short or too poor to expect anything by; says what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A reference as it was fitted."""

    since: datetime  # of the reference
    until: datetime  # end of it; what is compared with it begins here
    season: Season
    ruler: str | None
    level: float  # mean of the reference
    min_effect: float
    baseline: Baseline
    left_out: Sequence[Stretch] = ()
    norm: Stretch | None = None  # of a level that somebody has closed an alert over: since, and when that was

    def period(self, day: int) -> int:
        """Buckets after which the season comes again."""
        return {"none": 1, "hour": day, "weekday": WEEK_DAYS * day}[self.season]


def policy(alert: Drift, steps: Steps, season: Season, *, alpha: float, floor: float, monitors: int = 1) -> Policy:
    """How a monitor looks, in the words of `watching`."""
    day = 1 if season == "none" else steps.day
    period = WEEK_DAYS * day if season == "weekday" else day
    window, every = (1, 1) if alert.method == "sums" else (steps.window, steps.every)
    hits, of = (1, 1) if alert.method == "sums" else alert.hits
    least = 0.0 if alert.method == "sums" else floor
    return Policy(window, every, period, day, alpha, least, hits, of, max(monitors, 1), SIDES[alert.side])


def trimmed(reference: Series, signal: Signal) -> Series:
    """Without the buckets before the first one that has something: there was nothing to watch yet."""
    there = reference.weights > 0
    if not signal.alone:  # sums are 0 before the first call, and no more than that
        there &= reference.values != 0
    first = int(there.argmax()) if there.any() else len(there)
    return streams.cut(reference, reference.since + first * reference.bucket, streams.end(reference))


def fit(reference: Series, signal: Signal, alert: Drift, steps: Steps) -> Fitted:
    """The reference as fitted; its leading empty buckets are left out.

    Raises:
        TooLittleError: it has too little; says how much is needed and how much is there.
    """
    own = trimmed(reference, signal)
    if not (own.weights > 0).any():
        raise TooLittleError("nothing came in the whole reference")
    season = chosen_season(own, alert, steps)
    asked = policy(alert, steps, season, alpha=alert.alpha, floor=0.0)
    found = watching.baseline(np.nan_to_num(own.values)[:, None], own.weights, asked)
    if found is None:
        raise TooLittleError(_missing(own, alert, steps))
    level = streams.mean(np.nan_to_num(own.values), own.weights) or 0.0
    least = alert.min_effect or usual_effect(signal, level, found)
    return Fitted(own.since, streams.end(own), season, streams.newest_ruler(own), level, least, found)


def usual_effect(signal: Signal, level: float, found: Baseline) -> float:
    """The least effect that matters where the user names none.

    A tenth of the reference's level, of scores a twentieth, of shares a point at least; and no less than the error that
    a window of the reference has, below which every look would be near it.
    """
    share = SHARE_OF_LEVEL.get(signal.unit, 0.1) * abs(level)
    usual = float(found.usual.mean())
    error = float(np.sqrt(found.scale.mean() / usual)) if usual > 0 else 0.0
    least = max(share, LEAST_SHARE if signal.unit == "share" else 0.0, error)
    return _rounded(least)


def _rounded(value: float) -> float:
    """Two significant digits, as a person would name it."""
    return float(f"{value:.2g}")


def chosen_season(reference: Series, alert: Drift, steps: Steps) -> Season:
    """The season that the policy names, or that a reference of this length shows."""
    if alert.season != "auto":
        return alert.season
    days = len(reference.values) // steps.day
    if days >= PERIODS * WEEK_DAYS and _weekdays_tell(reference, steps.day):
        return "weekday"
    return "hour" if days >= PERIODS and (reference.weights > 0).any() else "none"


def _weekdays_tell(reference: Series, day: int) -> bool:
    """Whether hours of other weeks' same weekday foretell a week better than the same hours of all its days."""
    week = WEEK_DAYS * day
    weeks = len(reference.values) // week
    size = weeks * week
    values = np.nan_to_num(reference.values[-size:]).reshape(weeks, WEEK_DAYS, day)
    weights = reference.weights[-size:].reshape(weeks, WEEK_DAYS, day)
    off = [
        _left_out(values, weights, axes) for axes in ((0,), (0, 1))
    ]  # fmt: skip
    return off[0] < off[1]


def _left_out(values: Floats, weights: Floats, axes: tuple[int, ...]) -> float:
    """Squared distance of each week from the profile of the other weeks, over these axes, by weight."""
    whole, total = (weights * values), weights
    inner = tuple(axis for axis in axes if axis != 0)
    sums, counts = (one.sum(axis=inner, keepdims=True) if inner else one for one in (whole, total))
    others = sums.sum(axis=0) - sums, counts.sum(axis=0) - counts
    profile = np.divide(others[0], others[1], out=np.zeros(others[0].shape), where=others[1] > 0)
    told = np.broadcast_to(others[1] > 0, weights.shape)
    return float((np.where(told, weights, 0.0) * np.square(values - profile)).sum())


def least_length(alert: Drift, steps: Steps) -> timedelta:
    """Of a reference that a policy takes."""
    periods = {"hour": PERIODS * DAY, "weekday": PERIODS * WEEK_DAYS * DAY}.get(alert.season, timedelta(0))
    window = 1 if alert.method == "sums" else steps.window
    return max(WINDOWS * window * steps.bucket, periods)


def _missing(own: Series, alert: Drift, steps: Steps) -> str:
    needed, there = least_length(alert, steps), len(own.values) * own.bucket
    if there < needed:
        return f"{told(needed)} of reference are needed and {told(there)} {_verb(there)} there"
    known = int((own.weights > 0).sum())
    return f"{known:,} hours of the reference have a value, and they do not vary"


def told(span: timedelta) -> str:
    """A length of time in words: `3 days`, `1 hour`."""
    for name, unit in (("week", 7 * DAY), ("day", DAY), ("hour", timedelta(hours=1))):
        if span >= unit and (not span % unit or name == "day"):
            count = span / unit
            many = f"{count:.0f}" if count == int(count) else f"{count:.1f}"
            return f"{many} {name}" if many == "1" else f"{many} {name}s"
    minutes = round(span / timedelta(minutes=1))
    return f"{minutes} minutes"


def _verb(span: timedelta) -> str:
    return "is" if told(span).startswith("1 ") else "are"


# As they are kept.


def document(one: Fitted) -> dict[str, Any]:
    """What is kept with the monitor."""
    return {
        "since": one.since.isoformat(), "until": one.until.isoformat(), "season": one.season, "ruler": one.ruler,
        "level": one.level, "min_effect": one.min_effect,
        "left_out": [[first.isoformat(), last.isoformat()] for first, last in one.left_out],
        "norm": None if one.norm is None else [end.isoformat() for end in one.norm],
    }  # fmt: skip


def content(one: Baseline) -> dict[str, Any]:
    """What is kept beside it, since it is long."""
    return {
        "profile": one.profile[:, 0].tolist(), "weights": one.weights.tolist(), "scale": one.scale[:, 0].tolist(),
        "freedom": one.freedom[:, 0].tolist(), "usual": one.usual.tolist(), "buckets": one.buckets,
    }  # fmt: skip


def known(told_: dict[str, Any], kept: dict[str, Any]) -> Fitted:
    """From what is kept."""
    profile, scale, freedom = (
        np.asarray(kept[name], np.float64)[:, None] for name in ("profile", "scale", "freedom")
    )  # fmt: skip
    weights, usual = (np.asarray(kept[name], np.float64) for name in ("weights", "usual"))
    found = Baseline(profile, weights, scale, freedom, usual, int(kept["buckets"]))
    since, until = (datetime.fromisoformat(told_[name]) for name in ("since", "until"))
    norm = told_.get("norm")
    return Fitted(
        since, until, told_["season"], told_["ruler"], told_["level"], told_["min_effect"], found, left_out(told_),
        None if norm is None else (datetime.fromisoformat(norm[0]), datetime.fromisoformat(norm[1])),
    )  # fmt: skip


def left_out(told_: dict[str, Any]) -> list[Stretch]:
    """Stretches of the reference that count for nothing, as they are kept."""
    return [(datetime.fromisoformat(first), datetime.fromisoformat(last)) for first, last in told_.get("left_out", [])]
