"""Checks that people know: a threshold, no data, a burst of errors, a service level's burn rate, a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from server.monitors import streams
from server.monitors.seen import Seen
from server.monitors.series import Series
from server.monitors.terms import DAY, HOUR, Burn, Burst, OfBudget, Threshold, length


def threshold(alert: Threshold, window: Series, at: datetime) -> Seen:
    """Whether the window's mean is beyond the number; on it is not beyond."""
    n = float(window.weights.sum())
    value = streams.mean(np.nan_to_num(window.values), window.weights)
    if value is None or n < alert.least:
        why = f"The window has {n:,.0f} with a value, and {alert.least:,} are the least."
        return Seen(at, value, n=n, why=why)
    limit = alert.below if alert.above is None else alert.above
    effect = value - (limit or 0.0)
    return Seen(at, value, n=n, effect=effect, counts=effect > 0 if alert.above is not None else effect < 0)


def no_data(window: Series, at: datetime, *, ever: bool) -> Seen:
    """Whether nothing came within the window. Where nothing ever came, nobody can say that something is missing."""
    n = float(np.nansum(window.values))
    if n:
        return Seen(at, n, n=n, counts=False)
    if ever:
        return Seen(at, 0.0, n=0.0, counts=True)
    why = "No call that matches has ever come, so that nobody can say that some are missing. Check the filters."
    return Seen(at, 0.0, n=0.0, why=why)


def burst(alert: Burst, window: Series, at: datetime) -> Seen:
    """Whether so many calls of the window failed, and so large a share: both at least."""
    n = float(window.weights.sum())
    share = streams.mean(np.nan_to_num(window.values), window.weights)
    if share is None:
        return Seen(at, n=0.0, counts=False, note="No call came within the window, so that none failed.")
    failed = round(share * n)
    return Seen(at, share, n=n, effect=float(failed), counts=failed >= alert.failed and share >= alert.share)


@dataclass(frozen=True, slots=True)
class Pair:
    """A long window and a short one, and how many times too fast the error budget burns in both of an alert."""

    long: timedelta
    short: timedelta
    budget: float  # share of the period's error budget that is gone when the long window burnt so fast

    def rate(self, period: timedelta) -> float:
        return self.budget * (period / self.long)


PAIRS = (
    Pair(HOUR, timedelta(minutes=5), 0.02),
    Pair(6 * HOUR, timedelta(minutes=30), 0.05),
    Pair(3 * DAY, 6 * HOUR, 0.10),
)
"""Of Google's Site Reliability Workbook (2018), chapter 5, table 5-8: 14.4, 6 and 1 times of a period of 30 days."""


def burn_minutes() -> list[int]:
    """The windows that are to be counted, in minutes."""
    return sorted({int(one / timedelta(minutes=1)) for pair in PAIRS for one in (pair.long, pair.short)})


def burn(alert: Burn, windows: Mapping[int, tuple[int, int]], at: datetime) -> Seen:
    """Whether a pair of windows burns the error budget faster than at its rate, both of them.

    The value is the burn rate of the pair that is farthest beyond its own rate; 1 spends the budget in the period.

    Args:
        alert: objective and period.
        windows: minutes -> calls, bad ones among them.
        at: end of all windows.
    """
    period = length(alert.period)
    budget = 1 - alert.objective

    def rate(window: timedelta) -> float | None:
        calls, bad = windows.get(int(window / timedelta(minutes=1)), (0, 0))
        return bad / calls / budget if calls else None

    calls = max((held[0] for held in windows.values()), default=0)
    if not calls:
        return Seen(at, n=0.0, why=f"No call that matches came in {PAIRS[-1].long // DAY} days.")
    told = [(pair, rate(pair.long), rate(pair.short)) for pair in PAIRS]
    over = [
        (min(long, short) / pair.rate(period), pair, long)
        for pair, long, short in told
        if long is not None and short is not None
    ]
    if not over:
        return Seen(at, 0.0, n=float(calls), counts=False, note="No call came within the short windows.")
    most, pair, value = max(over, key=lambda one: one[0])
    counts = most > 1 + 1e-9  # a float's 14.4 may be a hair above the table's
    note = (
        f"The last {_hours(pair.long)} and {_hours(pair.short)} both burn at more than {pair.rate(period):.3g} times."
        if counts
        else None
    )
    return Seen(at, value, expected=pair.rate(period), n=float(calls), effect=value, counts=counts, note=note)


def _hours(span: timedelta) -> str:
    if span >= DAY:
        return f"{span // DAY} days"
    return f"{span // HOUR} h" if span >= HOUR else f"{span // timedelta(minutes=1)} min"


def budget(alert: OfBudget, found: Mapping[str, Any] | None, at: datetime) -> Seen:
    """Whether a budget is spent to the share, or is sure to be overrun by the forecast.

    Args:
        alert: the share, and whether the forecast counts.
        found: a budget as `spending.of_budgets` tells it; null: the project has none for these calls.
        at: the time.
    """
    if found is None:
        return Seen(at, why="The project has no budget of these calls. Set one under Budgets, or change the filters.")
    usd = found["usd_per_month"]
    spent = found["spent_usd"] / usd
    low = found["low"]
    by_share = alert.spent is not None and spent >= alert.spent
    by_forecast = alert.forecast and (found["spent_usd"] > usd or (low is not None and low > usd))
    only_forecast = alert.spent is None and alert.forecast and low is None
    if only_forecast and not by_forecast:
        return Seen(at, spent, n=float(found["calls"]), why=str(found["refusal"] or found["verdict"]))
    forecast = found.get("forecast_usd")
    return Seen(
        at, spent, expected=None if forecast is None else forecast / usd, n=float(found["calls"]), effect=spent,
        counts=bool(by_share or by_forecast), note=found["verdict"],
    )  # fmt: skip


def counts_of(rows: Sequence[Mapping[str, Any]]) -> dict[int, tuple[int, int]]:
    """The windows of `burn`, from rows of the query `calls_burned`."""
    return {int(row["minutes"]): (int(row["calls"]), int(row["bad"])) for row in rows}
