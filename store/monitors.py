"""Monitors: what each project has set, how each stands, what it saw, and the streams that were read for it.

Reads take any cursor; writes go through `Writer.call`. What a round found is written in one transaction with the
alerts that it opens and resolves, and of a monitor that was set anew meanwhile nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.relations import registered

State = Literal["new", "ok", "insufficient data", "firing"]
LOOKS_KEPT = timedelta(days=400)
_MONITOR = (
    "project_id, monitor_id, name, version, basis, document, enabled, state, state_since, why, looked_until, "
    "next_look, recent, p, fitted, calibration, calibrated_at, created_at, set_at, author"
)
_LOOK = (
    "monitor_id, version, ended_at, looked_at, value, expected, low, high, n, effect, p, p_adjusted, counts, state, "
    "note"
)
# Of a monitor that was taken away all looks are its own.
_BASIS = "coalesce((select basis from monitors where monitors.monitor_id = monitor_looks.monitor_id), 1)"


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor as it is now."""

    project_id: int
    monitor_id: UUID
    name: str
    version: int
    basis: int  # the first version whose looks count as those of this one
    document: str  # JSON
    enabled: bool
    state: State
    state_since: datetime  # UTC, as all times
    why: str | None
    looked_until: datetime | None
    next_look: datetime
    recent: str  # of the last looks, the newest last: + counts, - does not, ? had too little
    p: float | None  # of the last look
    fitted: str | None  # JSON
    calibration: str | None  # JSON
    calibrated_at: datetime | None
    created_at: datetime
    set_at: datetime
    author: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """What one monitor saw at one time; as in table `monitor_looks`."""

    monitor_id: UUID
    version: int
    ended_at: datetime
    looked_at: datetime
    value: float | None
    expected: float | None
    low: float | None
    high: float | None
    n: float | None
    effect: float | None
    p: float | None
    p_adjusted: float | None
    counts: bool | None
    state: State
    note: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """A monitor as it was set once."""

    version: int
    document: str | None  # JSON; null: it was taken away with this version
    set_at: datetime
    author: str | None


@dataclass(frozen=True, slots=True)
class Wording:
    """A monitor as it is set."""

    name: str
    document: str  # JSON
    enabled: bool
    author: str | None = None


def monitors(cursor: DuckDBPyConnection, project_id: int | None = None) -> list[Monitor]:
    """The monitors of a project, of all if null, by name."""
    rows = cursor.execute(
        f"select {_MONITOR} from monitors where ?::integer is null or project_id = ?::integer "
        "order by project_id, name",
        [project_id, project_id],
    ).fetchall()
    return [Monitor(*row) for row in rows]


def monitor(cursor: DuckDBPyConnection, project_id: int, name: str) -> Monitor | None:
    """One monitor; null: the project has none of this name."""
    rows = cursor.execute(
        f"select {_MONITOR} from monitors where project_id = ? and name = ?", [project_id, name]
    ).fetchall()
    return Monitor(*rows[0]) if rows else None


def due(cursor: DuckDBPyConnection, now: datetime) -> list[int]:
    """Projects that have a monitor whose look is due, or that looked at what is still to come: a clock was ahead."""
    rows = cursor.execute(
        "select distinct project_id from monitors where enabled and (next_look <= ? or looked_until > ?) "
        "order by project_id",
        [now, now],
    ).fetchall()
    return [row[0] for row in rows]


def put(
    cursor: DuckDBPyConnection, project_id: int, told: Wording, known: Monitor | None, now: datetime, *, afresh: bool
) -> Monitor:
    """Set a monitor in place of `known`; the same again makes no new version.

    Args:
        cursor: of the writer.
        project_id: whose it is.
        told: what it says.
        known: as it is now, read in this transaction; null: there is none.
        now: when it is set; then it looks.
        afresh: it looks at something else than `known`, so that its state and its looks count no more. Of one that is
            turned on or off the state and the looks that an alert is made of begin anew.
    """
    if known is not None and known.document == told.document:
        return known
    if known is None:
        _add(cursor, project_id, told, now)
    else:
        _change(cursor, told, known, now, afresh=afresh)
    made = monitor(cursor, project_id, told.name)
    assert made is not None  # noqa: S101 - it was written just now
    _note(cursor, made, made.version, told.document, now, told.author)
    return made


def _add(cursor: DuckDBPyConnection, project_id: int, told: Wording, now: datetime) -> None:
    cursor.execute(
        "insert into monitors (project_id, monitor_id, name, version, basis, document, enabled, state, state_since, "
        "next_look, recent, created_at, set_at, author) values (?, ?, ?, 1, 1, ?, ?, 'new', ?, ?, '', ?, ?, ?)",
        [project_id, uuid4(), told.name, told.document, told.enabled, now, now, now, now, told.author],
    )


def _change(cursor: DuckDBPyConnection, told: Wording, known: Monitor, now: datetime, *, afresh: bool) -> None:
    rest = ", state = 'new', state_since = $now, why = null, recent = '', p = null"
    anew = f"{rest}, basis = version + 1, looked_until = null, fitted = null, calibration = null, calibrated_at = null"
    changed = anew if afresh else rest if told.enabled != known.enabled else ""
    cursor.execute(
        "update monitors set version = version + 1, document = $document, enabled = $enabled, next_look = $now, "
        f"set_at = $now, author = $author{changed} where monitor_id = $monitor_id",
        {
            "document": told.document, "enabled": told.enabled, "now": now, "author": told.author,
            "monitor_id": known.monitor_id,
        },
    )  # fmt: skip
    if afresh:
        cursor.execute("delete from monitor_references where monitor_id = ?", [known.monitor_id])


def _note(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, of: Monitor, version: int, document: str | None, now: datetime, author: str | None
) -> None:
    cursor.execute(
        "insert into monitor_versions values (?, ?, ?, ?, ?, ?, ?)",
        [of.project_id, of.monitor_id, of.name, version, document, now, author],
    )


def delete(cursor: DuckDBPyConnection, project_id: int, name: str, author: str | None, now: datetime) -> Monitor | None:
    """Take a monitor away; its versions, looks and alerts stay. What it was; null: there is none."""
    known = monitor(cursor, project_id, name)
    if known is None:
        return None
    for table in ("monitors", "monitor_references"):
        cursor.execute(f"delete from {table} where monitor_id = ?", [known.monitor_id])
    _note(cursor, known, known.version + 1, None, now, author)
    return known


def versions(cursor: DuckDBPyConnection, monitor_id: UUID) -> list[Version]:
    """All versions of a monitor, the newest first."""
    rows = cursor.execute(
        "select version, document, set_at, author from monitor_versions where monitor_id = ? order by version desc",
        [monitor_id],
    ).fetchall()
    return [Version(*row) for row in rows]


def looks(cursor: DuckDBPyConnection, monitor_id: UUID, most: int, since: datetime | None = None) -> list[Look]:
    """The newest looks of a monitor as it is set now, oldest first."""
    rows = cursor.execute(
        f"select {_LOOK} from monitor_looks where monitor_id = ? and (?::timestamp is null or ended_at >= ?) "
        f"and version >= {_BASIS} order by ended_at desc, looked_at desc limit ?",
        [monitor_id, since, since, most],
    ).fetchall()
    return [Look(*row) for row in reversed(rows)]


def recent(cursor: DuckDBPyConnection, project_id: int, most: int, since: datetime) -> dict[UUID, list[Look]]:
    """The newest looks of each monitor of a project, as it is set now, from `since` on, oldest first."""
    rows = cursor.execute(
        f"select {_LOOK} from (select {_LOOK}, row_number() over (partition by monitor_id order by ended_at desc) as "
        f"place from monitor_looks where project_id = ? and ended_at >= ? and version >= {_BASIS}) told "
        "where place <= ? order by ended_at",
        [project_id, since, most],
    ).fetchall()
    found: dict[UUID, list[Look]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(Look(*row))
    return found


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a monitor fired."""

    monitor_id: UUID
    first: datetime  # end of the window of its first look
    last: datetime  # of the last look that counted
    over: bool  # whether it was ok after that


def episodes(cursor: DuckDBPyConnection, project_id: int, since: datetime) -> list[Episode]:
    """When monitors of a project, as they are set now, fired, from `since` on, in order of time."""
    rows = cursor.execute(
        "with told as (select monitor_id, ended_at, counts, state, sum((state = 'ok')::integer) over "
        "(partition by monitor_id order by ended_at) as oks, max(ended_at) filter (where state = 'ok') over "
        f"(partition by monitor_id) as newest_ok from monitor_looks where project_id = ? and ended_at >= ? "
        f"and version >= {_BASIS}) "
        "select monitor_id, min(ended_at) as first, coalesce(max(ended_at) filter (where counts), max(ended_at)), "
        "coalesce(max(ended_at) < any_value(newest_ok), false) from told where state = 'firing' "
        "group by monitor_id, oks order by first",
        [project_id, since],
    ).fetchall()
    return [Episode(*row) for row in rows]


def kept(cursor: DuckDBPyConnection, project_id: int) -> dict[str, tuple[datetime, datetime]]:
    """Start of the first and of the last bucket that is kept of each series; there are no gaps between."""
    rows = cursor.execute(
        "select series, min(bucket), max(bucket) from monitor_buckets where project_id = ? group by series",
        [project_id],
    ).fetchall()
    return {series: (first, last) for series, first, last in rows}


def keep(cursor: DuckDBPyConnection, project_id: int, buckets: pa.Table) -> None:
    """Put buckets in place of what was there: series, bucket, value, weight, ruler."""
    if not buckets.num_rows:
        return
    with registered(cursor, buckets) as fresh:
        cursor.execute(
            f"delete from monitor_buckets b using {fresh} f "
            "where b.project_id = ? and b.series = f.series and b.bucket = f.bucket",
            [project_id],
        )
        cursor.execute(
            "insert into monitor_buckets (project_id, series, bucket, value, weight, ruler) "
            f"select ?, series, bucket, value, weight, ruler from {fresh}",
            [project_id],
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """How a monitor stands after a round."""

    monitor: Monitor  # as the round knew it
    state: State
    state_since: datetime
    why: str | None
    looked_until: datetime | None
    next_look: datetime
    recent: str
    p: float | None
    fitted: str | None  # null: as it was
    reference: str | None  # JSON; null: as it was
    looks: Sequence[Look]


def note(cursor: DuckDBPyConnection, turns: Sequence[Turn]) -> set[UUID]:
    """Write how monitors stand after a round, and their looks; of one that was set or looked at meanwhile nothing.

    The monitors that were written.
    """
    written = {one.monitor.monitor_id for one in turns if _turned(cursor, one)}
    made = [one for one in turns if one.monitor.monitor_id in written]
    add_looks(cursor, made[0].monitor.project_id, [look for one in made for look in one.looks]) if made else None
    return written


def _turned(cursor: DuckDBPyConnection, one: Turn) -> bool:
    known = one.monitor
    rows = cursor.execute(
        "update monitors set state = ?, state_since = ?, why = ?, looked_until = ?, next_look = ?, recent = ?, p = ?, "
        "fitted = coalesce(?, fitted) where monitor_id = ? and version = ? and looked_until is not distinct from ? "
        "returning 1",
        [
            one.state, one.state_since, one.why, one.looked_until, one.next_look, one.recent, one.p, one.fitted,
            known.monitor_id, known.version, known.looked_until,
        ],
    ).fetchall()  # fmt: skip
    if rows and one.reference is not None:
        cursor.execute(
            "insert or replace into monitor_references values (?, ?, ?)",
            [known.project_id, known.monitor_id, one.reference],
        )
    return bool(rows)


_LOOKS = pa.schema(
    [
        ("monitor_id", pa.string()), ("version", pa.int32()), ("ended_at", pa.timestamp("us")),
        ("looked_at", pa.timestamp("us")), *((name, pa.float64()) for name in
        ("value", "expected", "low", "high", "n", "effect", "p", "p_adjusted")), ("counts", pa.bool_()),
        ("state", pa.string()), ("note", pa.string()),
    ]
)  # fmt: skip


def add_looks(cursor: DuckDBPyConnection, project_id: int, told: Sequence[Look]) -> None:
    """Add looks of monitors of a project."""
    if not told:
        return
    rows = [dict(zip((one.name for one in fields(Look)), astuple(look), strict=True)) for look in told]
    table = pa.Table.from_pylist([row | {"monitor_id": str(row["monitor_id"])} for row in rows], _LOOKS)
    with registered(cursor, table) as name:
        chosen = _LOOK.replace("monitor_id", "monitor_id::uuid", 1)
        cursor.execute(f"insert into monitor_looks (project_id, {_LOOK}) select ?, {chosen} from {name}", [project_id])


def calibrate(cursor: DuckDBPyConnection, known: Monitor, calibration: str, now: datetime) -> bool:
    """Keep what was worked out of a monitor's false alarms; not of one that was set anew meanwhile."""
    rows = cursor.execute(
        "update monitors set calibration = ?, calibrated_at = ? where monitor_id = ? and basis = ? returning 1",
        [calibration, now, known.monitor_id, known.basis],
    ).fetchall()
    return bool(rows)


def tidy(cursor: DuckDBPyConnection, now: datetime, wanted: Mapping[int, Sequence[str]]) -> None:
    """Take away looks and buckets that are older than `LOOKS_KEPT`, and buckets of series that no monitor reads.

    `wanted`: of each project, the series of its monitors.
    """
    oldest = now - LOOKS_KEPT
    cursor.execute("delete from monitor_looks where ended_at < ?", [oldest])
    cursor.execute("delete from monitor_buckets where bucket < ?", [oldest])
    for project_id, series in wanted.items():
        cursor.execute(
            "delete from monitor_buckets where project_id = ? and series not in (select unnest(?::varchar[]))",
            [project_id, list(series)],
        )
