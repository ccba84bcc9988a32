"""From what monitors saw to states: p-values adjusted over all monitors of a project, looks that count, persistence.

At one time the family is the newest look of every drift monitor of the project, also of those that are looked at less
often: else an hour in which few are due would be laxer than what false alarms are worked out for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from analytics import alerting
from analytics.multiple import adjusted
from server.monitors.seen import Seen
from server.monitors.terms import Drift, Terms
from store.monitors import Look, Monitor, State

MARKS: Mapping[bool | None, str] = {True: "+", False: "-", None: "?"}
COUNTED: Mapping[str, bool | None] = {mark: counts for counts, mark in MARKS.items()}
REMEMBERED = 99  # looks, as `persist` can ask for


@dataclass(frozen=True, slots=True)
class Watched:
    """A monitor that is due, and what it saw, in order of time."""

    monitor: Monitor
    terms: Terms
    seen: Sequence[Seen]
    alpha: float | None = None  # of drift
    min_effect: float | None = None
    fitted: str | None = None  # JSON of the reference, where it was fitted anew
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """How it stands after all that."""

    watched: Watched
    looks: Sequence[Look]
    state: State
    state_since: datetime
    why: str | None
    recent: str
    p: float | None
    fired: datetime | None  # when it began to fire, of the last time; null: it did not within these looks
    ended: datetime | None  # when it was ok again after that, or after what was before; null: it was not
    counted: datetime | None  # the newest look that counts


@dataclass(slots=True)
class _Now:
    state: State
    since: datetime
    why: str | None
    recent: str
    p: float | None
    looks: list[Look]
    fired: datetime | None = None
    ended: datetime | None = None
    counted: datetime | None = None


def hits_of(terms: Terms) -> tuple[int, int]:
    """Looks that must count, of the last so many; of checks without a test, and of sums, the newest one."""
    alert = terms.alert
    return alert.hits if isinstance(alert, Drift) and alert.method == "window" else (1, 1)


def family(monitors: Iterable[tuple[Monitor, Terms]], *, off: bool = False) -> dict[UUID, float | None]:
    """The p-values that those of a round are adjusted among; `off`: also of monitors that are off."""
    return {
        one.monitor_id: one.p
        for one, terms in monitors
        if (one.enabled or off) and isinstance(terms.alert, Drift) and terms.alert.method == "window"
    }


def decided(watched: Sequence[Watched], among: Mapping[UUID, float | None], now: datetime) -> list[Decided]:
    """States, in the order given.

    Args:
        watched: monitors that are due; several looks of one are gone through in order of time with those of others.
        among: see `family`.
        now: the time of the looks.
    """
    held = dict(among)
    standing = {one.monitor.monitor_id: _begin(one) for one in watched}
    for at in sorted({look.at for one in watched for look in one.seen}):
        those = [(one, look) for one in watched for look in one.seen if look.at == at]
        for one, look in those:
            if one.monitor.monitor_id in held:
                held[one.monitor.monitor_id] = look.p
        ps = dict(zip(held, adjusted(list(held.values()), "bh"), strict=True))
        for one, look in those:
            _step(standing[one.monitor.monitor_id], one, look, ps.get(one.monitor.monitor_id), now)
    return [_end(one, standing[one.monitor.monitor_id]) for one in watched]


def _begin(one: Watched) -> _Now:
    known = one.monitor
    return _Now(known.state, known.state_since, known.why, known.recent, known.p, [])


def _step(standing: _Now, one: Watched, look: Seen, p_adjusted: float | None, now: datetime) -> None:
    counts = _counts(one, look, p_adjusted)
    standing.recent = (standing.recent + MARKS[counts])[-REMEMBERED:]
    hits, of = hits_of(one.terms)
    was = standing.state
    state = alerting.state([COUNTED[mark] for mark in standing.recent], hits, of, firing=was == "firing")
    if state != was:
        standing.since = look.at
        standing.fired = look.at if state == "firing" else standing.fired
    if state == "ok":
        standing.ended = look.at
    if counts:
        standing.counted = look.at
    standing.state, standing.p = state, look.p
    standing.why = _why(look, standing.recent, hits, of) if state == "insufficient data" else None
    standing.looks.append(_look(one, look, p_adjusted, counts, state, now))


def _counts(one: Watched, look: Seen, p_adjusted: float | None) -> bool | None:
    if look.p is None or not isinstance(one.terms.alert, Drift):
        return look.counts
    alpha = one.alpha or one.terms.alert.alpha
    if p_adjusted is None or look.effect is None:
        return None
    return p_adjusted < alpha and abs(look.effect) >= (one.min_effect or 0.0)


def _why(look: Seen, recent: str, hits: int, of: int) -> str:
    if look.why is not None:
        return look.why
    told = sum(mark != "?" for mark in recent[-of:])
    return f"{told} of the last {of} looks had enough data, and {hits} are the least for a verdict."


def _look(  # noqa: PLR0917 - a row
    one: Watched, look: Seen, p_adjusted: float | None, counts: bool | None, state: State, now: datetime
) -> Look:
    note = " ".join(part for part in (look.note, look.why) if part) or None
    known = one.monitor
    return Look(
        known.monitor_id, known.version, look.at, now, look.value, look.expected, look.low, look.high, look.n,
        look.effect, look.p, p_adjusted if look.p is not None else None, counts, state, note,
    )  # fmt: skip


def _end(one: Watched, standing: _Now) -> Decided:
    return Decided(
        one, standing.looks, standing.state, standing.since, standing.why, standing.recent, standing.p,
        standing.fired, standing.ended, standing.counted,
    )  # fmt: skip
