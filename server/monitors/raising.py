"""Alerts of a round: what a monitor that begins to fire says, and which alerts open, count on, or are over."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from duckdb import DuckDBPyConnection

from server.aside import Ask
from server.monitors import looking, streams, words
from server.monitors.deciding import Decided
from server.monitors.series import key
from server.monitors.terms import Terms, stored
from server.notify import telling
from store import alerts
from store.alerts import Alert, Opening
from store.monitors import Look, Monitor

LOG = logging.getLogger(__name__)
EXPLAINED = 8  # monitors of a round: others are told at once, and explained after
EXPLAINED_AFTER = 60
SOMEBODY = "somebody"  # null would say that it ended by itself
LOOKS = 200  # that an explanation is given


class Where(Protocol):
    """A process beside the server, or this one."""

    def answer(self, project_id: int, work: Any, *arguments: object) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Explained:
    """What is told of an alert, as it is kept."""

    verdict: str
    cause: str
    changed_since: datetime | None
    since_low: datetime | None
    since_high: datetime | None
    document: str  # JSON


def explained(where: Where, project_id: int, new: Sequence[Decided]) -> dict[UUID, Explained]:
    """What explains those that begin to fire; one that cannot be explained is told without."""
    found = {}
    for one in new:
        try:
            found[one.watched.monitor.monitor_id] = of_one(where, project_id, one)
        except Exception:
            LOG.exception("the alert of monitor %s is told without what explains it", one.watched.monitor.name)
    return found


def of_one(where: Where, project_id: int, one: Decided) -> Explained:
    """What explains an alert. Raises whatever the work raises."""
    monitor = one.watched.monitor
    looks = [row_of(look) for look in one.looks]
    fitted = one.watched.fitted or monitor.fitted
    at = one.fired or one.looks[-1].ended_at
    said = where.answer(
        project_id, work, monitor.document, monitor.name, monitor.monitor_id, looks, json.loads(fitted or "null"), at
    )
    return _read(json.loads(said))


def row_of(look: Look) -> dict[str, Any]:
    """A look as the API tells it."""
    names = ("value", "expected", "low", "high", "n", "effect", "p", "p_adjusted", "counts", "state", "note")
    return {"at": look.ended_at} | {name: getattr(look, name) for name in names}


def work(  # noqa: PLR0917 - one alert's facts
    ask: Ask, document: str, name: str, monitor_id: UUID, looks: Sequence[Mapping[str, Any]],
    fitted: Mapping[str, Any] | None, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """In the process beside the server: `explain`, of what is kept of the monitor's stream and of its looks."""
    from server.monitors.explaining import explain  # noqa: PLC0415 - only this process needs it

    terms = stored(document)
    before = ask("monitor_looked", monitor=monitor_id, until=at, most=LOOKS).to_pylist()
    rows = [row for row in before if row["at"] < (looks[0]["at"] if looks else at)]
    in_time = fitted if fitted and "until" in fitted else None
    found = explain(ask, terms, points(ask, terms, in_time, at), [*rows, *looks], in_time, at, name)
    return asdict(found)


def points(ask: Ask, terms: Terms, fitted: Mapping[str, Any] | None, until: datetime) -> list[dict[str, Any]]:
    """The kept buckets of a monitor's stream, from its reference on: at, value, n, ruler; none: it has no stream."""
    source = streams.source(terms)
    if source is None:
        return []
    since = datetime.fromisoformat(str(fitted["since"])) if fitted else until - looking.USUAL_REFERENCE
    return bucket_rows(ask, key(source), min(since, until - timedelta(days=1)), until)


def bucket_rows(ask: Ask, name: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The kept buckets of a stream as rows: at, value (null: none), n, ruler."""
    rows = ask("monitor_buckets", since=since, until=until, series=[name]).to_pylist()
    return [{"at": one["bucket"], "value": one["value"], "n": one["weight"], "ruler": one["ruler"]} for one in rows]


def _read(told: Mapping[str, Any]) -> Explained:
    since, low, high = (_time(told[name]) for name in ("changed_since", "since_low", "since_high"))
    document = {**told["document"], "cause_text": told["cause_text"]}
    return Explained(told["verdict"], told["cause"], since, low, high, json.dumps(document))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=None)


# In the transaction of the round.


def raise_(  # noqa: PLR0917 - one round's facts
    cursor: DuckDBPyConnection, project_id: int, found: Sequence[Decided], held: Mapping[UUID, Alert],
    told: Mapping[UUID, Explained], now: datetime, base_url: str,
) -> None:  # fmt: skip
    """Open, count on and resolve alerts, and queue what is told of that; within the caller's transaction.

    What began and was over before a monitor was set stands in its looks, and is no alert to anybody.

    Args:
        cursor: of the writer.
        project_id: whose monitors they are.
        found: of monitors whose looks were written.
        held: open alerts, by monitor, in this transaction.
        told: what explains those that are new.
        now: when it happens.
        base_url: of the app, for links.
    """
    new = [one for one in found if one.watched.monitor.monitor_id not in held and _tells(one)]
    made = alerts.open_many(
        cursor, project_id, [opening(one, told.get(one.watched.monitor.monitor_id)) for one in new], now
    )
    opened = [(alert, one.watched.terms.notify) for alert, one in zip(made, new, strict=True)]
    telling.queue_many(cursor, project_id, opened, "opened", base_url)
    stand = {**held, **{alert.monitor_id: alert for alert in made}}
    over = []
    for one in found:
        alert = stand.get(one.watched.monitor.monitor_id)
        if alert is None:
            continue
        if one.counted is not None and one.counted > alert.last_counted:
            alerts.counted(cursor, alert.alert_id, one.counted)
        if one.state == "ok" and one.ended is not None:
            over.append((alert, one))
    alerts.resolve_many(cursor, [(alert, _over(one)) for alert, one in over], now)
    about = [(alert, one.watched.terms.notify) for alert, one in over]
    telling.queue_many(cursor, project_id, about, "resolved", base_url)


def _over(one: Decided) -> str:
    return f"No look up to {one.ended:%Y-%m-%d %H:%M} UTC counts any more."


def _tells(one: Decided) -> bool:
    """Whether it opens an alert: one that is off does not, nor what was over before the monitor was set."""
    monitor = one.watched.monitor
    past = monitor.looked_until is None and one.state == "ok"
    return monitor.enabled and one.fired is not None and not past


def close(  # noqa: PLR0917 - as its callers have them
    cursor: DuckDBPyConnection, known: Monitor, author: str | None, text: str, now: datetime, base_url: str
) -> None:
    """Resolve the open alert of a monitor that is looked at no more, or otherwise; within the caller's transaction."""
    alert = alerts.open_of(cursor, known.project_id).get(known.monitor_id)
    if alert is None:
        return
    alerts.resolve(cursor, alert.alert_id, now, author or SOMEBODY, text)
    telling.queue(cursor, known.project_id, alert, "resolved", (), base_url)


def explain_after(cursor: DuckDBPyConnection, project_id: int, told: Mapping[UUID, Explained], now: datetime) -> None:
    """Put what explains alerts in place of what was known when they opened; within the caller's transaction."""
    held = alerts.open_of(cursor, project_id)
    for monitor_id, one in told.items():
        if (alert := held.get(monitor_id)) is not None:
            alerts.explained(
                cursor, alert.alert_id, verdict=one.verdict, cause=one.cause, changed_since=one.changed_since,
                since_low=one.since_low, since_high=one.since_high, document=one.document, now=now,
            )  # fmt: skip


def opening(one: Decided, told: Explained | None) -> Opening:
    """What is said when it opens."""
    monitor, terms = one.watched.monitor, one.watched.terms
    look = next(look for look in one.looks if look.ended_at == one.fired)
    if told is None:
        said = words.opening(terms, look.ended_at, row_of(look))
        told = Explained(said, f"monitor:{monitor.name}", None, None, None, json.dumps({"sentences": [said]}))
    return Opening(
        monitor.monitor_id, monitor.name, monitor.version, terms.severity, told.verdict, told.cause,
        told.changed_since, told.since_low, told.since_high, told.document, one.counted or look.ended_at, terms.owner,
    )  # fmt: skip
