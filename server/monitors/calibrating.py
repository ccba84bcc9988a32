"""How often a monitor cries wolf, and how late it is: worked out on its own reference, which is drawn anew.

`false_alarms` and `summed` do that of streams, `sample_alarms` of two samples. What comes back is kept with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from analytics import false_alarms, summed
from analytics.false_alarms import DRAWS, Alarms, Delay, Stream, TooShortError
from analytics.watching import Policy
from server.aside import Ask
from server.monitors import fitting, streams
from server.monitors.series import Series, key
from server.monitors.streams import Steps
from server.monitors.terms import USUAL_PER_MONTH, Drift, Terms, length, stored

NO_TEST = "This check tests nothing: it fires whenever its condition holds, so that no alarm of it is false."

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One monitor whose false alarms are to be worked out, in plain values."""

    monitor_id: str
    document: str
    fitted: str  # JSON
    monitors: int  # drift monitors of the project, which are adjusted for one another


def calibrated(ask: Ask, wanted: Sequence[Wanted], at: datetime) -> list[Told]:
    """Of each monitor what is kept as its calibration, in their order."""
    return [_one(ask, one, at) for one in wanted]


def _one(ask: Ask, one: Wanted, at: datetime) -> Told:
    terms, fitted = stored(one.document), json.loads(one.fitted)
    source = streams.source(terms)
    if source is None or not terms.against.in_time:
        from server.monitors import sample_alarms  # noqa: PLC0415 - heavy, and of few monitors

        return sample_alarms.calibrated(ask, one, terms, fitted, at)
    since, until = (datetime.fromisoformat(fitted[name]) for name in ("since", "until"))
    rows = ask("monitor_buckets", since=since, until=until, series=[key(source)])
    kept = streams.untabled(rows, since, until, terms.bucket).get(key(source))
    reference = kept or streams.blank(since, until, terms.bucket)
    for first, last in fitting.left_out(fitted):
        reference = streams.without(reference, first, last)
    return of_reference(reference, terms, fitted, one.monitors, at)


def of_reference(  # noqa: PLR0917 - one monitor's facts
    reference: Series, terms: Terms, fitted: Told, monitors: int, at: datetime, draws: int = DRAWS
) -> Told:
    """Of a stream's reference.

    Args:
        reference: its buckets.
        terms: what the monitor says.
        fitted: what is kept of the reference: season, ruler, min_effect.
        monitors: drift monitors of the project.
        at: when this is worked out.
        draws: months that are drawn.
    """
    own = streams.weighed(reference, streams.of_ruler(reference, fitted["ruler"]))
    bucket = terms.bucket
    steps = Steps(bucket, length(terms.window) // bucket, length(terms.every) // bucket)
    alert = terms.alert
    if not isinstance(alert, Drift):
        return {**nothing(at), "why": NO_TEST}
    least = float(fitted["min_effect"])
    policy = fitting.policy(alert, steps, fitted["season"], alpha=alert.alpha, floor=least, monitors=monitors)
    stream = false_alarms.stream(np.asarray(own.values), own.weights, steps.day)
    try:
        return _worked_out(stream, alert, policy, least, draws, at)
    except TooShortError as error:
        return {**nothing(at), "why": str(error)}


def nothing(at: datetime) -> Told:
    """Nothing is known."""
    return {
        "false_alarms": None, "delay": None, "alpha": None, "limit": None, "monitors": None, "draws": None,
        "at": f"{at.isoformat()}Z", "why": None,
    }  # fmt: skip


def _worked_out(  # noqa: PLR0917 - one monitor's facts
    stream: Stream, alert: Drift, policy: Policy, least: float, draws: int, at: datetime
) -> Told:
    change = -least if alert.side == "down" else least
    limit = None
    if alert.method == "sums":
        rule, alarms = summed.calibrated(stream, policy, least, alert.per_month or USUAL_PER_MONTH, draws=draws)
        late, limit = summed.delay(stream, policy, rule, change, draws=draws, seed=2), rule.limit
    else:
        alarms = false_alarms.alarms(stream, policy, draws, seed=1)
        if alert.per_month is not None and (alarms.per_month.value or 0.0) > alert.per_month:
            chosen = false_alarms.calibrated(stream, policy, alert.per_month, draws)
            policy = replace(policy, alpha=min(chosen.alpha, alert.alpha))
            # Other draws than those that alpha was looked for on, which would flatter it.
            alarms = false_alarms.alarms(stream, policy, draws, seed=1)
        late = false_alarms.delay(stream, policy, change, draws, seed=2)
    return {
        **nothing(at), "false_alarms": told_alarms(alarms), "delay": told_delay(late),
        "alpha": policy.alpha if limit is None else None, "limit": limit, "monitors": policy.monitors, "draws": draws,
    }  # fmt: skip


def told_alarms(found: Alarms) -> Told:
    rate = found.per_month
    return {
        "value": rate.value, "low": None if rate.low is None else max(rate.low, 0.0), "high": rate.high,
        "quiet_months": found.quiet,
    }  # fmt: skip


def told_delay(found: Delay) -> Told:
    return {
        "effect": abs(found.effect), "median_days": found.median, "median_low": found.low, "median_high": found.high,
        "late_days": found.late, "found": found.found,
    }  # fmt: skip
