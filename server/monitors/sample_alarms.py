"""How often a monitor that compares two samples cries wolf, and how late it is, by its reference drawn anew."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from analytics import alerting, drift, false_alarms, intervals, special
from analytics.columns import Floats
from analytics.false_alarms import Delay
from analytics.watching import Policy
from server.aside import Ask as Store
from server.monitors import calibrating, fitting, redrawn
from server.monitors.sampled import Rows, Wanted, sampled
from server.monitors.samples import LEVEL, LONGEST, MOST, least_of, rows_of, tested
from server.monitors.terms import DAY, Terms, length
from server.monitors.terms import Drift as Alert

MONTHS = 400

Told = dict[str, Any]


def calibrated(store: Store, wanted: calibrating.Wanted, terms: Terms, fitted: Told, at: datetime) -> Told:
    """How often two parts of the reference differ as an alert would have it, and what that is a month.

    Whole clusters are dealt at random into a window's rows and the rest (`redrawn.splits`). How often their p-value is
    below `LEVEL` (or the policy's own threshold, where that is laxer) with an effect that counts tells how often it is
    below a stricter one, since p-values of no change are uniform there. Looks at overlapping windows are alike: how
    many alarms they make is that of a moving average of independent values that is as often beyond its threshold.
    """
    alert = terms.alert
    if not isinstance(alert, Alert) or fitted.get("rows") is None:
        return {**calibrating.nothing(at), "why": calibrating.NO_TEST}
    one = Wanted(str(terms.signal), terms.score)
    rows = _reference_of(store, wanted, terms, fitted, one, at)
    policy = Policy(1, alpha=alert.alpha, hits=alert.hits[0], of=alert.hits[1], monitors=wanted.monitors)
    level = max(LEVEL, policy.threshold)
    whole = redrawn.sample(rows, one.signal)
    splits = redrawn.splits(whole, int(fitted["rows_now"]), partial(_hit, alert=alert, level=level))
    if not splits:
        why = "The reference has too few sessions to be split into windows."
        return {**calibrating.nothing(at), "why": why}
    share = intervals.rate(sum(splits), len(splits))
    if alert.per_month is not None:
        policy = _lowered(terms, policy, (share.value or 0.0) / level, alert.per_month)
    found = [_alarms(terms, policy, (end or 0.0) / level) for end in (share.value, share.low, share.high)]
    return {
        **calibrating.nothing(at), "alpha": policy.alpha, "monitors": wanted.monitors, "draws": len(splits),
        "false_alarms": {
            "value": found[0], "low": found[1], "high": found[2], "quiet_months": float(np.exp(-found[0])),
        },
        "delay": _delay(whole, terms, policy, int(fitted["rows_now"]), (share.value or 0.0) / level * policy.threshold),
    }  # fmt: skip


def _hit(column: drift.Column, clusters: tuple[drift.Labels, drift.Labels], alert: Alert, level: float) -> bool | None:
    """Whether p is below a level with an effect that counts; null: too little to test."""
    found, least = tested(column, clusters, alert)
    if found.p is None:
        return None
    against = bool(fitting.SIDES[alert.side]) and (found.difference or 0.0) * fitting.SIDES[alert.side] < 0
    return found.p < level and abs(found.effect or 0.0) >= least.floor and not against


def _delay(whole: redrawn.Sample, terms: Terms, policy: Policy, size: int, quiet: float) -> Told | None:
    """How late a lasting change of the least effect is found; null: too few rows, or it cannot be so large.

    Of windows of the reference, drawn anew and changed by it, so many are looked at: the share that counts gives how
    far looks are moved. Until the window is full of changed rows it is moved in proportion, and looks at overlapping
    windows are alike as those of `_a_month`. The interval of the share is that of the delay.

    Args:
        whole: the reference.
        terms: what the monitor says.
        policy: with the alpha that it works by.
        size: rows of a window.
        quiet: share of looks that count where nothing changed.
    """
    alert = terms.alert
    if not isinstance(alert, Alert):
        return None
    least = least_of(whole.column, alert)
    change = -least.floor if alert.side == "down" else least.floor
    hits = redrawn.changed(whole, size, change * least.unit, partial(_hit, alert=alert, level=policy.threshold))
    if not hits:
        return None
    share = intervals.rate(sum(hits), len(hits))
    late = [waiting(terms, policy, end or 0.0, quiet) for end in (share.value, share.high, share.low)]
    said = replace(late[0], effect=least.floor * least.unit, low=late[1].median, high=late[2].median)
    return calibrating.told_delay(said)


def waiting(terms: Terms, policy: Policy, share: float, quiet: float) -> Delay:
    """Days until an alert, where so many looks at changed windows count, and of others `quiet`; its effect is 0."""
    every, window = length(terms.every), length(terms.window)
    looks, width = max(round(timedelta(days=30) / every), 1), max(round(window / every), 1)
    bounds = [float(special.ndtri(np.clip(one, 1e-9, 1 - 1e-9))) for one in (quiet, share)]
    full = np.clip(np.arange(1, looks + 1) / width, 0, 1)
    moved = np.concatenate([np.full(policy.of, bounds[0]), bounds[0] + full * (bounds[1] - bounds[0])])
    begins = alerting.begins(_alike(len(moved), width) < moved[:, None], policy.hits, policy.of)
    kept = ~begins[: policy.of].any(axis=0)
    later = begins[policy.of :][:, kept]
    first = np.where(later.any(axis=0), later.argmax(axis=0) + 1.0, np.inf)
    return false_alarms.of_waited(first * (every / DAY), 0.0)


def _alike(looks: int, width: int) -> Floats:
    """Scores of looks, [look, month]: each of the mean of `width` values, of which all but one are the next one's."""
    drawn = np.random.default_rng(1).standard_normal((looks + width - 1, MONTHS))
    sums = np.cumsum(np.concatenate([np.zeros((1, MONTHS)), drawn]), axis=0)
    return np.asarray((sums[width:] - sums[:-width]) / np.sqrt(width))


def _alarms(terms: Terms, policy: Policy, share: float) -> float:
    """A month's, where a p below a level, with an effect that counts, has so many times the level's chance."""
    return _a_month(terms, policy, min(share * policy.threshold, 1.0))


def _lowered(terms: Terms, policy: Policy, share: float, per_month: float) -> Policy:
    """The policy with the highest alpha, up to its own, that has at most so many false alarms."""
    if _alarms(terms, policy, share) <= per_month:
        return policy
    low, high = -14.0, float(np.log10(policy.alpha))
    for _ in range(12):
        middle = (low + high) / 2
        few = _alarms(terms, replace(policy, alpha=10**middle), share) <= per_month
        low, high = (middle, high) if few else (low, middle)
    return replace(policy, alpha=10**low)


def _reference_of(  # noqa: PLR0917 - one monitor's facts
    store: Store, wanted: calibrating.Wanted, terms: Terms, fitted: Told, one: Wanted, at: datetime
) -> Rows:
    kept = store("monitor_references", monitors=[wanted.monitor_id]).to_pylist()
    if kept:
        return rows_of(json.loads(kept[0]["content"]), one)
    since, until = (
        datetime.fromisoformat(fitted[name]) if fitted.get(name) else at - span
        for name, span in (("since", LONGEST), ("until", timedelta(0)))
    )
    named = {"release": terms.against.release} if terms.against.release else {}
    named |= {"prompt": terms.against.prompt} if terms.against.prompt else {}
    return sampled(store, [one], {**terms.where, **named}, since, until, MOST).rows[one]


def _a_month(terms: Terms, policy: Policy, share: float) -> float:
    """Alarms of a month whose looks are beyond their threshold so often."""
    if share <= 0:
        return 0.0
    every, window = length(terms.every), length(terms.window)
    looks = max(round(timedelta(days=30) / every), 1)
    width = max(round(window / every), 1)
    means = _alike(looks + policy.of + 1, width)
    begins = alerting.begins(np.abs(means) > -float(special.ndtri(min(share, 1.0) / 2)), policy.hits, policy.of)
    return float(begins.sum(axis=0).mean() * looks / len(means))
