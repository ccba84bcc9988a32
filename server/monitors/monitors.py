"""A project's monitors: set, found, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from duckdb import DuckDBPyConnection

from server import jobs
from server.core import Core
from server.monitors import raising
from server.monitors.rounds import readable
from server.monitors.terms import MonitorError, Terms
from server.notify import telling
from store import monitors as store
from store.monitors import Monitor, Wording

BESIDE = {"description", "enabled", "severity", "owner", "notify", "escalate_after"}
"""What may change without the monitor looking at anything else: its state and its looks go on."""
RESERVED = frozenset({"suggestions"})  # GET /api/monitors/suggestions


class UnknownMonitorError(Exception):
    """There is no such monitor."""

    def __init__(self, project: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"Project {project!r} has no monitor {name!r}. It has: {', '.join(known) or 'none'}.")


class ReservedNameError(MonitorError):
    """A name that is something else in the addresses of monitors."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No monitor can be named {name!r}: the address of that is another thing's. Name it otherwise."
        )


class StaleVersionError(Exception):
    """A monitor that was set by somebody else meanwhile."""

    def __init__(self, name: str, version: int, upon: int) -> None:
        what = f"version {version}" if version else "not set"
        super().__init__(f"Monitor {name!r} is {what} now, and the change is upon version {upon}. Look, and set again.")


def put(  # noqa: PLR0917 - what it says
    core: Core, project: str, name: str, terms: Terms, author: str | None, now: datetime, upon: int | None = None
) -> Monitor:
    """Set a monitor; the same again makes no new version. It is looked at within a quarter of a minute.

    The open alert of one that is turned off, or that watches something else from now on, is resolved: no look of what
    it is about follows.

    Args:
        core: the store.
        project: its name.
        name: of the monitor.
        terms: what it says.
        author: who sets it.
        now: UTC without a zone.
        upon: the version that it follows, 0 for none; null: whichever is newest.

    Raises:
        ReservedNameError: no monitor can have this name.
        StaleVersionError: another version than `upon` is the newest.
    """
    if name in RESERVED:
        raise ReservedNameError(name)
    project_id = core.projects.id_of(project)
    told = Wording(name, terms.model_dump_json(), terms.enabled, author)

    def work(cursor: DuckDBPyConnection) -> Monitor:
        known = store.monitor(cursor, project_id, name)
        if upon is not None and upon != (known.version if known else 0):
            raise StaleVersionError(name, known.version if known else 0, upon)
        before = None if known is None else readable(known)
        afresh = before is None or looks_at(before) != looks_at(terms)
        made = store.put(cursor, project_id, told, known, now, afresh=afresh)
        if known is not None and (ended := _ended(made, known, afresh=afresh)):
            raising.close(cursor, known, author, ended, now, telling.base_url(core.settings))
        return made

    return core.writer.call(work).result(jobs.WRITE_S)


def _ended(made: Monitor, known: Monitor, *, afresh: bool) -> str | None:
    """Why the looks that an alert is about end; null: they go on."""
    if made.version == known.version:
        return None
    if known.enabled and not made.enabled:
        return "The monitor was turned off."
    return f"The monitor was set anew, as version {made.version}." if afresh else None


def looks_at(terms: Terms) -> str:
    """What is watched, and when it is an alert: monitors of one such text have the same looks."""
    return terms.model_dump_json(exclude=BESIDE)


def one(core: Core, project: str, name: str) -> Monitor:
    """A monitor as it is now.

    Raises:
        UnknownMonitorError: the project has none of this name.
    """
    project_id = core.projects.id_of(project)
    with core.readers.read() as cursor:
        found = store.monitor(cursor, project_id, name)
        known = [] if found else [each.name for each in store.monitors(cursor, project_id)]
    if found is None:
        raise UnknownMonitorError(project, name, known)
    return found


def delete(core: Core, project: str, name: str, author: str | None, now: datetime) -> None:
    """Take a monitor away, and resolve its open alert; versions, looks and alerts stay.

    Raises:
        UnknownMonitorError: the project has none of this name.
    """
    known = one(core, project, name)

    def work(cursor: DuckDBPyConnection) -> None:
        gone = store.delete(cursor, known.project_id, name, author, now)
        if gone is not None:
            raising.close(cursor, gone, author, "The monitor was deleted.", now, telling.base_url(core.settings))

    core.writer.call(work).result(jobs.WRITE_S)
