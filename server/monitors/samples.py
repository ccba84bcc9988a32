"""Looks at two samples: of what has no stream, and of references that are no stretch of time.

The sample of the reference is kept, so that all looks are compared with the same rows; that of texts is drawn anew each
time, since texts stand in spans alone and go with them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from analytics import drift, drifted
from analytics.drifted import FLOORS, Drift
from server.aside import Ask as Store
from server.monitors import fitting, looking, seen
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
LEVEL = 0.05  # above which p-values are told by few draws

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
        result["reference"] = None if job.terms.signal in OF_TEXTS else json.dumps(content(reference))
        result["fitted"] = json.dumps(_document(window, least, len(reference), len(current)))
    return result | {"looks": [seen.told(look)], "min_effect": least.floor * least.unit}


def _reference(draws: Draws, job: Job, kept: Told | None) -> tuple[Rows, Window | None]:
    window = job.reference()
    if kept is not None:
        return rows_of(kept, job.wanted), window
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
    return tested(column_of(a, b, wanted.signal), (list(a.clusters), list(b.clusters)), alert)


def tested(column: drift.Column, clusters: tuple[drift.Labels, drift.Labels], alert: Alert) -> tuple[Drift, Least]:
    """As `compared`, of columns. p-values of no interest are told by few draws."""
    least = least_of(column, alert)
    options = drifted.Options(
        alert.alpha, floor=least.floor, least_rows=max(alert.least, 5), settled=max(alert.alpha, LEVEL), beside=False
    )
    (found,) = drift.drift({"x": column}, clusters, options)
    return found, least


def least_of(column: drift.Column, alert: Alert) -> Least:
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


def content(rows: Rows) -> Told:
    codes: dict[object, int] = {}
    return {
        "values": [None if one != one else one for one in rows.values.tolist()],  # noqa: PLR0124 - NaN alone differs from itself
        "failed": rows.failed.tolist(), "clusters": [codes.setdefault(one, len(codes)) for one in rows.clusters],
        "names": [str(one) for one in codes], "rulers": list(rows.rulers), "total": rows.total,
    }  # fmt: skip


def rows_of(kept: Told, wanted: Wanted) -> Rows:
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
