"""A project's queues: set, found, opened and closed, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache

from duckdb import DuckDBPyConnection

from server import jobs
from server.core import Core
from server.labelling import feeds
from server.labelling.terms import Asked, Terms
from server.when import utc, utc_now
from store import queues as store
from store.queues import Queue, Wording


class QueueError(Exception):
    """What is wrong with a queue, for whoever sets or uses it."""


class UnknownQueueError(Exception):
    """There is no such queue."""

    def __init__(self, named: str, known: Sequence[str]) -> None:
        self.named, self.known = named, tuple(known)
        close = get_close_matches(named, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        super().__init__(f"No queue is named {named!r}.{hint} There are: {', '.join(known) or 'none'}.")


class StaleVersionError(Exception):
    """A queue that was set by somebody else meanwhile."""

    def __init__(self, name: str, version: int, upon: int) -> None:
        what = f"version {version}" if version else "not set"
        super().__init__(f"Queue {name!r} is {what} now, and the change is upon version {upon}. Look, and set again.")


@lru_cache(maxsize=256)
def _read(document: str) -> Terms:
    return Terms.model_validate_json(document)


def terms_of(queue: Queue) -> Terms:
    """What a queue says."""
    return _read(queue.document)


def schema_of(fields: Sequence[Asked]) -> tuple[Asked, ...]:
    """What of fields decides what can be answered: how they are worded does not."""
    return tuple(
        one.model_copy(
            update={
                "title": None, "help": None, "judges": (),
                "choices": tuple(each.model_copy(update={"title": None, "help": None}) for each in one.choices),
            }
        )
        for one in fields
    )  # fmt: skip


def put(  # noqa: PLR0917 - what it says
    core: Core, project: str, name: str, terms: Terms, author: str | None, upon: int | None = None
) -> Queue:
    """Set a queue; the same again makes no new version.

    `fields_version` goes up with what can be answered, `guidelines_version` with guidelines, examples and the wording
    of fields. Labels of before keep the versions that they were made under.

    Args:
        core: the store.
        project: its name.
        name: of the queue.
        terms: what it says.
        author: who sets it.
        upon: the version that it follows, 0 for none; null: whichever is newest.

    Raises:
        StaleVersionError: another version than `upon` is the newest.
        QueueError: a feed cannot look for what it says, or fewer people may label than an item needs.
    """
    if terms.labellers and terms.labels > len(terms.labellers):
        raise QueueError(
            f"Each item needs {terms.labels} labels by different people, and {len(terms.labellers)} may label. "
            "Name more labellers, or ask for fewer labels."
        )
    for feed in terms.feeds:
        if (fault := feeds.fault(feed)) is not None:
            raise QueueError(f"A feed cannot look. {fault}")
    project_id, now = core.projects.id_of(project), utc_now()

    def work(cursor: DuckDBPyConnection) -> Queue:
        known = store.queue(cursor, project_id, name)
        if upon is not None and upon != (known.version if known else 0):
            raise StaleVersionError(name, known.version if known else 0, upon)
        return store.put(cursor, project_id, _wording(name, terms, author, known), known, now)

    return core.writer.call(work).result(jobs.WRITE_S)


def _wording(name: str, terms: Terms, author: str | None, known: Queue | None) -> Wording:
    before = None if known is None else terms_of(known)
    schema = before is None or schema_of(before.fields) != schema_of(terms.fields)
    told = before is None or _told(before) != _told(terms)
    return Wording(
        name, terms.model_dump_json(), terms.labels, author, fields_anew=schema, guidelines_anew=told
    )  # fmt: skip


def _told(terms: Terms) -> tuple[object, ...]:
    """What tells people how to answer."""
    return terms.guidelines, terms.examples, terms.fields


def one(core: Core, project: str, name: str) -> Queue:
    """A queue as it is now.

    Raises:
        UnknownQueueError: the project has none of this name.
    """
    project_id = core.projects.id_of(project)
    with core.readers.read() as cursor:
        return found(cursor, project_id, name)


def found(cursor: DuckDBPyConnection, project_id: int, name: str) -> Queue:
    """As `one`, from a cursor."""
    known = store.queue(cursor, project_id, name)
    if known is None:
        raise UnknownQueueError(name, [each.name for each in store.queues(cursor, project_id)])
    return known


def all_(core: Core, project: str) -> list[Queue]:
    """The project's queues, by name."""
    project_id = core.projects.id_of(project)
    with core.readers.read() as cursor:
        return store.queues(cursor, project_id)


def set_open(core: Core, project: str, name: str, *, is_open: bool) -> Queue:
    """Open or close a queue. Of a closed one nobody is handed an item, and nothing is saved.

    Raises:
        UnknownQueueError: the project has none of this name.
    """
    known = one(core, project, name)
    core.writer.call(lambda cursor: store.set_open(cursor, known.queue_id, is_open=is_open)).result(jobs.WRITE_S)
    return one(core, project, name)


def delete(core: Core, project: str, name: str, author: str | None) -> None:
    """Take a queue away with its items; labels and the scores that they made stay.

    Raises:
        UnknownQueueError: the project has none of this name.
    """
    known, now = one(core, project, name), utc_now()
    core.writer.call(lambda cursor: store.delete(cursor, known, author, now)).result(jobs.WRITE_S)


def deadline_passed(queue: Queue, now: datetime) -> bool:
    """Whether the time by which all was to be labelled is over."""
    deadline = terms_of(queue).deadline
    return deadline is not None and now > utc(deadline)
