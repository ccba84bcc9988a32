"""What `assay monitor simulate` is asked, from a file of a stream to false alarms a month and delay."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from analytics import false_alarms
from analytics.false_alarms import Alarms, Delay, Stream, TooShortError
from analytics.watching import Policy
from server.compare.reading import ComparisonError, Table, numbers
from server.evals.figures import number
from server.monitors.saying import percent

Season = Literal["none", "hour", "weekday"]
_LENGTH = re.compile(r"(\d+)\s*([mhdw])", re.IGNORECASE)
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10_080}
_DAY, _WEEK = 1440, 10_080
_MOST = 1_000_000  # buckets of a file


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's words. Lengths as `90m`, `24h`, `7d`."""

    value: str
    weight: str | None = None
    time: str | None = None
    bucket: str = "1h"
    season: Season = "none"
    window: str = "24h"
    every: str | None = None  # null: the bucket
    alpha: float = 0.01
    floor: float = 0.0
    persist: str = "2/3"
    monitors: int = 1
    effect: float | None = None  # null: the least effect
    per_month: float | None = None  # the alpha that fires so often is looked for; null: alpha as it is
    draws: int = false_alarms.DRAWS
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Simulated:
    """What comes of a policy over a stream."""

    policy: Policy
    alarms: Alarms
    delay: Delay | None  # null: no effect was asked for
    buckets: int
    known: int  # of the buckets, those with a value
    minutes: int  # of a bucket
    season: Season


def simulated(table: Table, asked: Asked) -> Simulated:
    """False alarms a month, and the delay, of a policy over a stream.

    Raises:
        ComparisonError: a column is not there, a word is none, or the stream is too short for the policy.
    """
    minutes = _minutes(asked.bucket, "--bucket")
    if _DAY % minutes:
        raise ComparisonError(f"--bucket {asked.bucket} does not part a day evenly: take 1h, 30m, 10m or 1d.")
    stream = _stream(table, asked, minutes)
    policy = _policy(asked, minutes)
    effect = asked.effect if asked.effect is not None else asked.floor or None
    try:
        if asked.per_month is not None:
            policy = false_alarms.calibrated(stream, policy, asked.per_month, asked.draws, asked.seed)
        # Other draws than those that alpha was looked for on, which would flatter it.
        found = false_alarms.alarms(stream, policy, asked.draws, asked.seed + 1)
        late = None if effect is None else false_alarms.delay(stream, policy, effect, asked.draws, asked.seed + 2)
    except TooShortError as error:
        raise ComparisonError(str(error)) from error
    known = int((stream.weights > 0).sum())
    return Simulated(policy, found, late, int(stream.weights.size), known, minutes, asked.season)


def _policy(asked: Asked, minutes: int) -> Policy:
    hits, _, of = asked.persist.partition("/")
    if not (hits.isdecimal() and of.isdecimal() and 1 <= int(hits) <= int(of) <= 100):
        raise ComparisonError(f"--persist is k/m, k of the last m looks, such as 2/3, and {asked.persist!r} is not.")
    window, every = (
        _buckets(text, minutes, name)
        for text, name in ((asked.window, "--window"), (asked.every or asked.bucket, "--every"))
    )
    period = {"none": minutes, "hour": _DAY, "weekday": _WEEK}[asked.season] // minutes
    day = 1 if asked.season == "none" else _DAY // minutes
    return Policy(window, every, period, day, asked.alpha, asked.floor, int(hits), int(of), asked.monitors)


def _minutes(text: str, name: str) -> int:
    found = _LENGTH.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ComparisonError(f"{name} is a length of time, such as 90m, 24h or 7d, and {text!r} is not.")
    return int(found[1]) * _MINUTES[found[2].lower()]


def _buckets(text: str, minutes: int, name: str) -> int:
    whole = _minutes(text, name)
    if whole % minutes:
        raise ComparisonError(f"{name} {text} is no whole number of buckets of {minutes} minutes.")
    return whole // minutes


def _stream(table: Table, asked: Asked, minutes: int) -> Stream:
    values, _ = numbers(table, asked.value)
    weights = np.ones(values.size) if asked.weight is None else np.nan_to_num(numbers(table, asked.weight)[0])
    if (weights < 0).any():
        at = int(np.flatnonzero(weights < 0)[0])
        raise ComparisonError(
            f"Column {asked.weight!r}, {table.places[at]}: a weight is 0 or more, not {weights[at]:g}."
        )
    if asked.time is not None:
        values, weights = _by_time(values, weights, times(table, asked.time), minutes)
    return false_alarms.stream(values, weights, _DAY // minutes)


def times(table: Table, name: str) -> np.ndarray:
    """Minutes since 1970 of each row: ISO 8601, or seconds since 1970."""
    cells = table.column(name)
    try:
        return np.array([float(cell) for cell in cells]) / 60
    except (TypeError, ValueError):
        pass
    told = pd.to_datetime(pd.Series([str(cell) for cell in cells]), utc=True, errors="coerce", format="ISO8601")
    if told.isna().any():
        at = int(told.isna().to_numpy().argmax())
        raise ComparisonError(
            f"Column {name!r}, {table.places[at]}: {str(cells[at])[:40]!r} is no time. Write 2026-11-24T09:00Z, or "
            "seconds since 1970."
        )
    return np.asarray(told.dt.as_unit("s").astype("int64").to_numpy() / 60)


def _by_time(values: np.ndarray, weights: np.ndarray, times: np.ndarray, minutes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows as weighted means of buckets of time; buckets without a row have no value."""
    places = np.floor(times / minutes).astype(np.int64)
    places -= places.min()
    if places.max() >= _MOST:
        raise ComparisonError(f"The times span {int(places.max()) + 1:,} buckets, and {_MOST:,} are the most.")
    size = int(places.max()) + 1
    there = ~np.isnan(values)
    total = np.bincount(places[there], weights[there], size)
    sums = np.bincount(places[there], weights[there] * values[there], size)
    return np.divide(sums, total, out=np.full(size, math.nan), where=total > 0), total


def json_row(found: Simulated) -> dict[str, Any]:
    """The figures, then the policy they are of, then the sentence."""
    alarms, late, policy = found.alarms, found.delay, found.policy
    return {
        "false_alarms_per_month": alarms.per_month.value, "ci_low": alarms.per_month.low,
        "ci_high": alarms.per_month.high, "quiet_months": alarms.quiet, "looks_per_month": alarms.looks,
        "effect": None if late is None else late.effect, "delay_days": None if late is None else late.median,
        "delay_days_p90": None if late is None else late.late, "found": None if late is None else late.found,
        "alpha": policy.alpha, "min_effect": policy.floor, "window": policy.window, "every": policy.every,
        "hits": policy.hits, "of": policy.of, "monitors": policy.monitors, "season": found.season,
        "bucket_minutes": found.minutes, "buckets": found.buckets, "known": found.known, "draws": alarms.draws,
        "sentence": " ".join(sentences(found)),
    }  # fmt: skip


def sentences(found: Simulated) -> Sequence[str]:
    """False alarms first, then how late a change is found, then what this is of."""
    alarms, late, policy = found.alarms, found.delay, found.policy
    rate = alarms.per_month
    first = (
        f"This policy raises {number(rate.value)} false alarms a month (95 % CI {number(max(rate.low or 0.0, 0.0))} to "
        f"{number(rate.high)}) while nothing changes; {percent(alarms.quiet)} of months have none."
    )
    said = [first]
    if late is not None:
        median = "not within a month in half of the cases" if late.median is None else f"{late.median:.1f} days"
        nine = "" if late.late is None else f", in nine of ten within {late.late:.1f} days"
        said.append(
            f"A lasting change of {number(late.effect)} is found after {median} (median){nine}; "
            f"{percent(late.found)} are found within a month."
        )
    of_monitors = "" if policy.monitors == 1 else f", adjusted over {policy.monitors:,} monitors"
    said.append(
        f"It looks every {_long(policy.every * found.minutes)} at the last {_long(policy.window * found.minutes)}, and "
        f"fires when {policy.hits} of {policy.of} looks have p below {number(policy.alpha)}{of_monitors} and an effect "
        f"of {number(policy.floor)} or more; drawn from {found.known:,} buckets with a value of {found.buckets:,}."
    )
    return said


def _long(minutes: int) -> str:
    for unit, size in (("day", _DAY), ("hour", 60)):
        if minutes % size == 0:
            count = minutes // size
            return unit if count == 1 else f"{count:,} {unit}s"
    return f"{minutes:,} minutes"
