"""Looks at two samples: of what has no stream, and of references that are no stretch of time.

The sample of the reference is kept, so that all looks are compared with the same rows; that of texts is drawn anew each
time, since texts stand in spans alone and go with them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from analytics import alerting, drift, drifted, intervals, special
from analytics.columns import Floats
from analytics.drifted import FLOORS, Drift
from analytics.watching import Policy
from server.aside import Ask as Store
from server.monitors import calibrating, fitting, looking, seen
from server.monitors.sampled import (
    NotSampledError,
    OtherRulerError,
    Rows,
    Sampled,
    Wanted,
    column_of,
    paired,
    run_sample,
    sampled,
)
from server.monitors.seen import Seen
from server.monitors.signals import SIGNALS
from server.monitors.terms import DAY, Terms, length
from server.monitors.terms import Drift as Alert

MOST = 4_000  # rows of a sample
LONGEST = 92 * DAY  # back, of a release or a prompt
OF_TEXTS = frozenset({"topics", "input_embedding", "output_embedding"})  # whose values are texts
SPLITS, SPLITS_OF_TEXTS = 200, 20  # of a reference, for false alarms
LEVEL = 0.05  # of p-values of splits: how often they are below it tells how often they are below less
MONTHS = 400

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Of whose calls a sample is."""

    where: str  # JSON
    since: datetime
    until: datetime


@dataclass(slots=True)
class Draws:
    """Samples of one turn: what several monitors want of one window is drawn at once."""

    store: Store
    wanted: dict[Window, dict[Wanted, None]] = field(default_factory=dict)
    found: dict[Window, Sampled] = field(default_factory=dict)

    def want(self, window: Window, one: Wanted) -> None:
        self.wanted.setdefault(window, {})[one] = None

    def rows(self, window: Window, one: Wanted) -> Rows:
        if window not in self.found or one not in self.found[window].rows:
            many = list(self.wanted.get(window, {one: None}))
            where = json.loads(window.where)
            self.found[window] = sampled(self.store, many, where, window.since, window.until, MOST)
        return self.found[window].rows[one]


@dataclass(frozen=True, slots=True)
class Job:
    """One monitor at work."""

    task: Any  # reading.Task
    terms: Terms

    @property
    def at(self) -> datetime:
        end: datetime = self.task.ends[-1]
        return end

    @property
    def alert(self) -> Alert:
        """Raises TypeError for another check."""
        if not isinstance(self.terms.alert, Alert):
            raise TypeError(f"{self.terms.alert.kind} compares no samples")
        return self.terms.alert

    @property
    def wanted(self) -> Wanted:
        return Wanted(str(self.terms.signal), self.terms.score)

    @property
    def current(self) -> Window:
        return Window(_where(self.terms), self.at - length(self.terms.window), self.at)

    def reference(self) -> Window | None:
        """Null: it is of a run."""
        against = self.terms.against
        if against.run is not None:
            return None
        if against.in_time:
            return Window(_where(self.terms), *looking.reference_of(self.terms, self.at))
        named = {"release": against.release} if against.release is not None else {"prompt": against.prompt}
        return Window(_where(self.terms, **named), self.at - LONGEST, self.at)


def _where(terms: Terms, **more: str | None) -> str:
    return json.dumps({**terms.where, **more}, sort_keys=True, default=str)


def looked(store: Store, jobs: Sequence[Job]) -> list[Told]:
    """The looks of monitors that compare two samples, in their order; see `reading.looked` for the fields."""
    draws = Draws(store)
    for job in jobs:
        draws.want(job.current, job.wanted)
        if _anew(job) and (window := job.reference()) is not None:
            draws.want(window, job.wanted)
    kept = _kept(store, jobs)
    return [_one(draws, job, kept.get(job.task.monitor_id)) for job in jobs]


def _anew(job: Job) -> bool:
    return job.task.fitted is None or job.task.refit or job.terms.signal in OF_TEXTS


def _kept(store: Store, jobs: Sequence[Job]) -> dict[str, Told]:
    ids = [job.task.monitor_id for job in jobs if not _anew(job)]
    if not ids:
        return {}
    rows = store("monitor_references", monitors=ids).to_pylist()
    return {row["monitor_id"].replace("-", ""): json.loads(row["content"]) for row in rows}


def _one(draws: Draws, job: Job, kept: Told | None) -> Told:
    result: Told = {
        "monitor_id": job.task.monitor_id, "looks": [], "alpha": job.task.alpha or job.alert.alpha, "min_effect": None,
        "fitted": None, "reference": None,
    }  # fmt: skip
    try:
        reference, window = _reference(draws, job, kept)
        current = _current(job, draws.rows(job.current, job.wanted))
        found, least = compared(job.wanted, reference, current, job.alert)
    except (OtherRulerError, NotSampledError) as error:
        return result | {"looks": [seen.told(Seen(job.at, why=f"{error}."))]}
    look = _seen(job, found, least.unit)
    if kept is None:
        result["reference"] = None if job.terms.signal in OF_TEXTS else json.dumps(_content(reference))
        result["fitted"] = json.dumps(_document(window, least, len(reference), len(current)))
    return result | {"looks": [seen.told(look)], "min_effect": least.floor * least.unit}


def _reference(draws: Draws, job: Job, kept: Told | None) -> tuple[Rows, Window | None]:
    window = job.reference()
    if kept is not None:
        return _rows(kept, job.wanted), window
    if window is None:
        run = run_sample(draws.store, job.terms.against.run, str(job.terms.score))  # type: ignore[arg-type]  # the only one left
        return run.rows[job.wanted], None
    if job.terms.signal in OF_TEXTS and job.task.fitted is not None and not job.task.refit:
        told = json.loads(job.task.fitted)
        if told.get("since") is not None:
            times = [datetime.fromisoformat(told[name]) for name in ("since", "until")]
            window = Window(window.where, times[0], times[1])
    return draws.rows(window, job.wanted), window


def _current(job: Job, rows: Rows) -> Rows:
    """Without those of the reference itself: a release or a prompt that still answers."""
    against = job.terms.against
    for name, value in (("release", against.release), ("prompt", against.prompt)):
        if value is not None:
            return rows.of(np.array([one != value for one in rows.labels[name]], bool))
    return rows


@dataclass(frozen=True, slots=True)
class Least:
    """The least effect that counts."""

    floor: float  # as `analytics.drift` takes it
    unit: float  # what one of it is in the policy's unit: of numbers the reference's deviation


def compared(wanted: Wanted, reference: Rows, current: Rows, alert: Alert) -> tuple[Drift, Least]:
    """Both samples as `analytics.drift` compares them. Raises OtherRulerError."""
    a, b = paired(Sampled({wanted: reference}), Sampled({wanted: current}), wanted)
    column = column_of(a, b, wanted.signal)
    least = _least(column, alert)
    options = drifted.Options(alert.alpha, floor=least.floor, least_rows=max(alert.least, 5))
    (found,) = drift.drift({wanted.signal: column}, (list(a.clusters), list(b.clusters)), options)
    return found, least


def _least(column: drift.Column, alert: Alert) -> Least:
    unit = 1.0
    if column.kind == "numeric":
        values = np.asarray(column.values[0], np.float64)[column.known[0]]
        unit = float(values.std()) if values.size > 1 and values.std() > 0 else 1.0
    return Least(FLOORS[column.kind] if alert.min_effect is None else alert.min_effect / unit, unit)


def _seen(job: Job, found: Drift, unit: float) -> Seen:
    effect = None if found.effect is None else found.effect * unit
    n = float(found.n_current)
    value, expected = {
        "rate": (found.current, found.reference), "numeric": (found.current, found.reference),
        "categorical": (found.effect, None), "embedding": (found.statistic, 0.5),
    }[found.type]  # fmt: skip
    if found.type == "rate" or (found.difference is not None and found.difference < 0 and effect is not None):
        effect = found.difference if found.type == "rate" else -abs(effect or 0.0)
    if found.p is None:
        why = found.why or "Too little to test."
        return Seen(job.at, value, expected, n=n, effect=effect, why=f"{why[0].upper()}{why[1:].removesuffix('.')}.")
    half = None if found.ci_low is None or found.ci_high is None else (found.ci_high - found.ci_low) / 2
    banded = expected is not None and half is not None and found.type in {"rate", "numeric"}
    low, high = (
        (expected - half, expected + half) if banded and expected is not None and half is not None else (None, None)
    )
    sided = fitting.SIDES[job.alert.side]
    against = bool(sided) and (found.difference or 0.0) * sided < 0
    note = f"Compared with {found.n_reference:,} of the reference by {found.test}."
    return Seen(job.at, value, expected, low, high, n, effect, 1.0 if against else found.p, note=note)


# As it is kept.


def _content(rows: Rows) -> Told:
    codes: dict[object, int] = {}
    return {
        "values": [None if one != one else one for one in rows.values.tolist()],  # noqa: PLR0124 - NaN alone differs from itself
        "failed": rows.failed.tolist(), "clusters": [codes.setdefault(one, len(codes)) for one in rows.clusters],
        "names": [str(one) for one in codes], "rulers": list(rows.rulers), "total": rows.total,
    }  # fmt: skip


def _rows(kept: Told, wanted: Wanted) -> Rows:
    kind = SIGNALS[wanted.signal].kind
    size = len(kept["values"])
    if kind == "categorical":
        values = np.empty(size, object)
        values[:] = kept["values"]
    else:
        values = np.array([np.nan if one is None else one for one in kept["values"]], np.float64)
    names = kept["names"]
    return Rows(
        kind, values, np.array(kept["failed"], bool), [names[code] for code in kept["clusters"]], [None] * size,
        np.full(size, np.datetime64("NaT", "us")), {}, kept["total"], kept["rulers"],
    )  # fmt: skip


def _document(window: Window | None, least: Least, reference: int, current: int) -> Told:
    return {
        "since": None if window is None else window.since.isoformat(),
        "until": None if window is None else window.until.isoformat(), "season": "none", "ruler": None, "level": None,
        "min_effect": least.floor * least.unit, "rows": reference, "rows_now": current,
    }  # fmt: skip


# False alarms.


def calibrated(store: Store, wanted: calibrating.Wanted, terms: Terms, fitted: Told, at: datetime) -> Told:
    """How often two parts of the reference differ as an alert would have it, and what that is a month.

    Whole clusters are dealt at random into a window's rows and the rest, `SPLITS` times. How often their p-value is
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
    hits, splits = _splits(one, rows, alert, int(fitted["rows_now"]), level)
    if not splits:
        why = "The reference has too few sessions to be split into windows."
        return {**calibrating.nothing(at), "why": why}
    share = intervals.rate(hits, splits)
    if alert.per_month is not None:
        policy = _lowered(terms, policy, (share.value or 0.0) / level, alert.per_month)
    found = [_alarms(terms, policy, (end or 0.0) / level) for end in (share.value, share.low, share.high)]
    return {
        **calibrating.nothing(at), "alpha": policy.alpha, "monitors": wanted.monitors, "draws": splits,
        "false_alarms": {
            "value": found[0], "low": found[1], "high": found[2], "quiet_months": float(np.exp(-found[0])),
        },
    }  # fmt: skip


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
        return _rows(json.loads(kept[0]["content"]), one)
    since, until = (
        datetime.fromisoformat(fitted[name]) if fitted.get(name) else at - span
        for name, span in (("since", LONGEST), ("until", timedelta(0)))
    )
    named = {"release": terms.against.release} if terms.against.release else {}
    named |= {"prompt": terms.against.prompt} if terms.against.prompt else {}
    return sampled(store, [one], {**terms.where, **named}, since, until, MOST).rows[one]


def _splits(one: Wanted, rows: Rows, alert: Alert, size: int, level: float) -> tuple[int, int]:
    """Of splits those that would count at this level, and how many there were."""
    names, codes = np.unique(np.array([str(name) for name in rows.clusters]), return_inverse=True)
    part = min(size, len(rows) // 2) / max(len(rows), 1)
    if names.size < 2 * drifted.LEAST_CLUSTERS or not part:
        return 0, 0
    rng, hits, told = np.random.default_rng(0), 0, 0
    splits = SPLITS_OF_TEXTS if one.signal in OF_TEXTS else SPLITS
    for _ in range(splits):
        chosen = (rng.random(names.size) < part)[codes]
        if not chosen.any() or chosen.all():
            continue
        found, least = compared(one, rows.of(~chosen), rows.of(chosen), alert)
        if found.p is None:
            continue
        told += 1
        hits += found.p < level and abs(found.effect or 0.0) >= least.floor
    return hits, told


def _a_month(terms: Terms, policy: Policy, share: float) -> float:
    """Alarms of a month whose looks are beyond their threshold so often."""
    if share <= 0:
        return 0.0
    every, window = length(terms.every), length(terms.window)
    looks = max(round(timedelta(days=30) / every), 1)
    width = max(round(window / every), 1)
    drawn = np.random.default_rng(1).standard_normal((looks + policy.of + width, MONTHS))
    sums = np.cumsum(np.concatenate([np.zeros((1, MONTHS)), drawn]), axis=0)
    means: Floats = (sums[width:] - sums[:-width]) / np.sqrt(width)
    begins = alerting.begins(np.abs(means) > -float(special.ndtri(min(share, 1.0) / 2)), policy.hits, policy.of)
    return float(begins.sum(axis=0).mean() * looks / len(means))
