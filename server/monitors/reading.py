"""What the process beside the server does of a round: reads streams and samples, and looks at them.

It takes and gives plain values. `Task` says how a monitor stands; what comes back of each is `looks` with what they
are decided by, and of streams the buckets that were read anew, for the store to keep.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from server import spending
from server.aside import Ask as Store
from server.budgets import Budget, BudgetError, parse_budgets
from server.monitors import fitting, looking, plain, seen, streams
from server.monitors.fitting import Fitted, Stretch
from server.monitors.looking import Found, Sums
from server.monitors.seen import Seen
from server.monitors.series import Series, Stream, key, series
from server.monitors.terms import DAY, Burn, Drift, OfBudget, Terms, length, stored
from store import queries

Told = dict[str, Any]

# Buckets that are younger are read at every look, whatever the window: spans come late where a sender was cut off, and
# scores where a judge, a rule or a person lags. After that a bucket stays as it was read last.
LATE, LATE_SCORES = timedelta(hours=6), 3 * DAY


@dataclass(frozen=True, slots=True)
class Task:
    """One monitor that is due, in plain values."""

    monitor_id: str
    document: str
    ends: tuple[datetime, ...]  # of windows to look at, in order
    fitted: str | None = None
    refit: bool = False
    alpha: float | None = None  # that was found for so many false alarms a month; null: as the policy says
    limit: float | None = None  # of cumulative sums
    kept: Stretch | None = None  # starts of the first and last bucket that is kept
    left_out: tuple[Stretch, ...] = ()  # times in which it fired, and that are over
    norm: Stretch | None = None  # of a level that somebody has closed an alert over
    budgets: str | None = None  # YAML; of checks of budgets


@dataclass(slots=True)
class Doing:
    """A task at work."""

    task: Task
    terms: Terms
    source: Stream | None  # that it reads
    ask: looking.Ask | None = None
    key: str = ""
    stream: Series | None = None
    need: tuple[datetime, datetime] | None = None
    result: Told = field(default_factory=dict)


def looked(store: Store, tasks: Sequence[Task]) -> Told:
    """The looks of monitors: `results` by the tasks' order, and `buckets` that were read, by series.

    Of a result: `monitor_id`, `looks`, `alpha`, `fitted` and `reference` (JSON; null: as they were).
    """
    doing = [_begun(task) for task in tasks]
    fresh = _read(store, [one for one in doing if one.ask is not None])
    references = _references(store, doing)
    results = {one.task.monitor_id: _done(store, one, references) for one in doing if not _of_samples(one)}
    results |= _sampled(store, [one for one in doing if _of_samples(one)])
    ordered = [results[task.monitor_id] for task in tasks]
    return {"results": ordered, "buckets": [_plain_buckets(name, one) for name, one in fresh.items()]}


def _begun(task: Task) -> Doing:
    terms = stored(task.document)
    source = streams.source(terms)
    if source is None or not terms.against.in_time:
        return Doing(task, terms, None)
    told = json.loads(task.fitted) if task.fitted else {}
    held = _sums(told.get("sums"))
    fitted = _bare(told) if "until" in told else None
    asked = streams.watching(terms, source)
    ask = looking.Ask(
        asked, task.ends, fitted, task.refit, task.limit, held, bool(told.get("ever")), task.left_out, task.norm
    )
    return Doing(task, terms, source, ask, key(source), None, looking.needed(ask))


def _bare(told: Told) -> Fitted:
    """Without what is long, which is read later."""
    blank = {"profile": [], "weights": [], "scale": [], "freedom": [], "usual": [], "buckets": 0}
    return fitting.known(told, blank)


def _sums(told: Told | None) -> Sums:
    if told is None:
        return Sums()
    until = told["until"]
    return Sums(told["up"], told["down"], told["alarmed"], datetime.fromisoformat(until) if until else None)


# Streams: what is kept, and what is read anew.


def _read(store: Store, doing: Sequence[Doing]) -> dict[str, Series]:
    """Give each its stream; what was read anew, by series."""
    kept = _kept(store, doing)
    fresh: dict[str, Series] = {}
    for (_, since, until), many in _readings(doing).items():
        wanted = {one.key: one.source for one in many if one.source is not None}
        if since < until:
            found = series(store, list(wanted.values()), since, until)
            fresh.update(zip(wanted, found, strict=True))
    for one in doing:
        if one.need is not None and one.source is not None:
            whole = streams.blank(*one.need, one.source.bucket)
            for part in (kept.get(one.key), fresh.get(one.key)):
                whole = whole if part is None else streams.laid(whole, part)
            one.stream = whole
    return fresh


def needed(task: Task) -> tuple[datetime, datetime] | None:
    """The buckets of a task's stream; null: it has none, or there is nothing to look at."""
    return _begun(task).need if task.ends else None


def filled(store: Store, task: Task, since: datetime, until: datetime) -> list[Told]:
    """A piece of a task's stream, for the store to keep before the task is looked at: as `buckets` of `looked`."""
    source = streams.source(stored(task.document))
    if source is None:
        return []
    return [_plain_buckets(key(source), series(store, [source], since, until)[0])]


Reading = tuple[timedelta, datetime, datetime]


def _readings(doing: Sequence[Doing]) -> dict[Reading, list[Doing]]:
    """What is read anew together: the widest stretch of each stream, and streams of one stretch at once."""
    widest: dict[str, tuple[timedelta, datetime, datetime]] = {}
    for one in doing:
        since, until = stretch(one)
        bucket = one.terms.bucket
        held = widest.get(one.key, (bucket, since, until))
        widest[one.key] = bucket, min(since, held[1]), max(until, held[2])
    found: dict[Reading, list[Doing]] = {}
    for one in doing:
        found.setdefault(widest[one.key], []).append(one)
    return found


def stretch(one: Doing) -> tuple[datetime, datetime]:
    """The buckets that are read anew: those that may still change, and those that are not kept."""
    assert one.need is not None  # noqa: S101 - of those that have a stream
    since, until = one.need
    bucket = one.terms.bucket
    kept = one.task.kept
    if kept is None or kept[0] > since:
        return since, until
    # Also where no look needs them, so that monitors of one slice ask for the same stretch, and at once.
    late = LATE_SCORES if one.terms.watched is not None and one.terms.watched.of == "scores" else LATE
    may_change = until - max(length(one.terms.window) + length(one.terms.every), late)
    return min(kept[1] + bucket, streams.floored(may_change, bucket)), until


def _kept(store: Store, doing: Sequence[Doing]) -> dict[str, Series]:
    """What is kept of the streams that need more than is read anew."""
    found: dict[str, Series] = {}
    by_bucket: dict[timedelta, list[Doing]] = {}
    for one in doing:
        assert one.need is not None  # noqa: S101 - of those that have a stream
        if one.need[0] < stretch(one)[0]:
            by_bucket.setdefault(one.terms.bucket, []).append(one)
    for bucket, many in by_bucket.items():
        since = min(one.need[0] for one in many if one.need)
        until = max(one.need[1] for one in many if one.need)
        rows = store("monitor_buckets", since=since, until=until, series=sorted({one.key for one in many}))
        found.update(streams.untabled(rows, since, until, bucket))
    return found


def _references(store: Store, doing: Iterable[Doing]) -> dict[str, Told]:
    ids = [one.task.monitor_id for one in doing if one.ask is not None and one.ask.fitted is not None]
    if not ids:
        return {}
    rows = store("monitor_references", monitors=ids).to_pylist()
    return {row["monitor_id"].replace("-", ""): json.loads(row["content"]) for row in rows}


# Looks.


def _done(store: Store, one: Doing, references: dict[str, Told]) -> Told:
    alert = one.terms.alert
    if isinstance(alert, Burn):
        return _result(one, [_burnt(store, one.terms, alert, end) for end in one.task.ends])
    if isinstance(alert, OfBudget):
        return _result(one, [_of_budget(store, one, alert, end) for end in one.task.ends])
    ask = one.ask
    assert ask is not None  # noqa: S101 - others are of samples
    assert one.stream is not None  # noqa: S101
    if ask.fitted is not None:
        kept = references.get(one.task.monitor_id)
        held = None if kept is None else fitting.known(json.loads(one.task.fitted or "{}"), kept)
        ask = replace(ask, fitted=held)
    return _of_stream(one, looking.looked(ask, one.stream))


def _of_samples(one: Doing) -> bool:
    return one.ask is None and isinstance(one.terms.alert, Drift)


def _sampled(store: Store, many: Sequence[Doing]) -> dict[str, Told]:
    if not many:
        return {}
    from server.monitors import samples  # noqa: PLC0415 - heavy, and of few monitors

    found = samples.looked(store, [samples.Job(one.task, one.terms) for one in many])
    return {one.task.monitor_id: told for one, told in zip(many, found, strict=True)}


def _of_stream(one: Doing, found: Found) -> Told:
    result = _result(one, found.seen)
    if isinstance(one.terms.alert, Drift) and found.fitted is not None:
        result["min_effect"] = found.fitted.min_effect
        if found.anew or found.sums is not None:
            result["fitted"] = _document(found)
        if found.anew:
            result["reference"] = json.dumps(fitting.content(found.fitted.baseline))
    elif one.terms.alert.kind == "no_data":
        ever = any(look.counts is not None for look in found.seen)
        result["fitted"] = json.dumps({"ever": True}) if ever else None
    return result


def _document(found: Found) -> str:
    assert found.fitted is not None  # noqa: S101 - of those that are fitted
    told = fitting.document(found.fitted)
    if found.sums is not None:
        until = found.sums.until
        told["sums"] = asdict(found.sums) | {"until": None if until is None else until.isoformat()}
    return json.dumps(told)


def _result(one: Doing, looks: Sequence[Seen]) -> Told:
    alert = one.terms.alert
    alpha = (one.task.alpha or alert.alpha) if isinstance(alert, Drift) else None
    return {
        "monitor_id": one.task.monitor_id, "looks": [seen.told(look) for look in looks], "alpha": alpha,
        "min_effect": None, "fitted": None, "reference": None,
    }  # fmt: skip


def _burnt(store: Store, terms: Terms, alert: Burn, end: datetime) -> Seen:
    rows = store(
        "calls_burned", until=end, minutes=plain.burn_minutes(), slower_than=alert.slower_than, **terms.where
    ).to_pylist()
    return plain.burn(alert, plain.counts_of(rows), end)


def _of_budget(store: Store, one: Doing, alert: OfBudget, end: datetime) -> Seen:
    try:
        known = parse_budgets(one.task.budgets or "", "The project's budgets")
    except BudgetError as error:  # written by other rules
        return Seen(end, why=str(error))
    mine = next((each for each in known if _filters(each) == one.terms.where), None)
    if mine is None:
        return plain.budget(alert, None, end)
    return plain.budget(alert, _spent(store, mine, end), end)


def _filters(one: Budget) -> dict[str, str]:
    """A budget's calls, as filters of calls name them."""
    names = {"user": "user_id", "session": "session_id"}
    return {names.get(name, name): value for name, value in (one.where or {}).items()}


def _spent(store: Store, one: Budget, at: datetime) -> Told:
    def ask(name: str, **params: object) -> pa.Table:
        return store(name, **queries.get(name).parse(params))

    return spending.told_of([one], ZoneInfo("UTC"), at.replace(tzinfo=UTC), ask)[0]


def _plain_buckets(name: str, one: Series) -> Told:
    return {
        "series": name, "since": one.since.isoformat(), "bucket_s": int(one.bucket / timedelta(seconds=1)),
        "values": one.values.tolist(), "weights": one.weights.tolist(), "rulers": list(one.rulers),
    }  # fmt: skip


def buckets_of(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, Series]]:
    """What `looked` gives as `buckets`."""
    return [
        (
            row["series"],
            Series(
                datetime.fromisoformat(row["since"]), timedelta(seconds=row["bucket_s"]),
                np.array([np.nan if one is None else one for one in row["values"]], np.float64),
                np.array(row["weights"], np.float64), row["rulers"],
            ),
        )
        for row in rows
    ]  # fmt: skip
