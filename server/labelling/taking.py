"""Items handed to people: chosen on a snapshot, granted on the writer's thread, so that no place is given twice.

The writer looks at the chosen items alone, which costs it a few milliseconds however long the queue is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal
from uuid import UUID, uuid4

from duckdb import DuckDBPyConnection

from server import jobs
from server.core import Core
from server.labelling.queues import terms_of
from server.labelling.refusals import RemovedError, UnknownItemError
from server.labelling.standing import Standing, chosen
from store import labels as store_labels
from store import queue_items as store
from store.labels import Said
from store.queue_items import Lease, Place
from store.queues import Queue
from store.standings import standing

WhyNone = Literal["done", "all taken", "closed", "not a labeller"]
SPARE = 24  # items that are looked at beyond those wanted, since others may take them in the same moment
TRIES = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """What a labeller has before them."""

    leases: list[Lease]
    why_none: WhyNone | None  # null: there are some
    standing: Standing | None = None  # as it was read; null: it was not


def read_standing(cursor: DuckDBPyConnection, queue: Queue, labeller: str, now: datetime) -> Standing:
    """How the items of a queue stand for a labeller."""
    return Standing.of(standing(cursor, queue.queue_id, queue.labels, labeller, now), terms_of(queue))


def take(core: Core, queue: Queue, labeller: str, most: int, now: datetime) -> Taken:
    """Hand a labeller items, so that they have `most` before them: those that they have first."""
    terms = terms_of(queue)
    if not queue.open:
        return Taken([], "closed")
    if terms.labellers and labeller not in terms.labellers:
        return Taken([], "not a labeller")
    for _ in range(TRIES):
        with core.readers.read() as cursor:
            stand = read_standing(cursor, queue, labeller, now)
            held = store.leases(cursor, queue.queue_id, [], labeller, now)
        want = most - len(held)
        numbers = (
            [] if want <= 0 else list(islice(chosen(stand, terms, labeller, str(queue.queue_id), want), want + SPARE))
        )
        if numbers:
            granted = grant(core, queue, labeller, numbers, most, now)
            if granted is None:
                return Taken([], "closed", stand)
            held = granted
        if len(held) >= most or len(numbers) < want + SPARE:
            break
    why: WhyNone | None = None if held else "all taken" if stand.mine_to_do.any() else "done"
    return Taken(held[:most], why, stand)


def grant(  # noqa: PLR0917 - what it decides by
    core: Core, queue: Queue, labeller: str, numbers: Sequence[int], most: int, now: datetime
) -> list[Lease] | None:
    """Lend what is still free of these items; all that the labeller has then, `most` at most. Null: it is closed."""

    def work(cursor: DuckDBPyConnection) -> list[Lease] | None:
        return lent(cursor, queue, labeller, numbers, most, now)

    return core.writer.call(work).result(jobs.WRITE_S)


def lent(  # noqa: PLR0917 - what it decides by
    cursor: DuckDBPyConnection, queue: Queue, labeller: str, numbers: Sequence[int], most: int, now: datetime
) -> list[Lease] | None:
    """As `grant`, in the writer's transaction."""
    places = store.places(cursor, queue.queue_id, numbers)
    if not any(one.open for one in places.values()):
        return None
    live = store.leases(cursor, queue.queue_id, numbers, labeller, now)
    held = [one for one in live if one.labeller == labeller]
    if len(held) >= most:
        return held[:most]
    said = store_labels.said(cursor, queue.queue_id, numbers)
    busy = {one.number for one in held}
    free = [
        number for number in numbers
        if number not in busy and number in places and _free(places[number], said[number], live, labeller)
    ]  # fmt: skip
    until = now + lease_time(queue)
    return held + store.lend(cursor, queue.queue_id, labeller, free[: most - len(held)], now, until)


def _free(place: Place, said: Mapping[str, Said], live: Sequence[Lease], labeller: str) -> bool:
    mine = said.get(labeller)
    if place.removed or (mine is not None and mine.state == "saved"):
        return False
    return place.gold or others(place.number, said, live, labeller) < place.needed


def others(number: int, said: Mapping[str, Said], live: Sequence[Lease], labeller: str) -> int:
    """How many other people have labelled an item or have it before them."""
    saved = {author for author, one in said.items() if one.state == "saved"}
    holding = {one.labeller for one in live if one.number == number}
    return len((saved | holding) - {labeller})


def lease_time(queue: Queue) -> timedelta:
    """How long an item in hand is kept for whoever has it."""
    return timedelta(minutes=terms_of(queue).lease_minutes)


def take_one(core: Core, queue: Queue, labeller: str, number: int, now: datetime) -> Taken:
    """Hand a labeller one item that they ask for: one that is free, that they have, or that they have labelled.

    What they have labelled already needs no place, so its lease is not kept.

    Raises:
        UnknownItemError: the queue never had it.
        RemovedError: it was taken out.
    """
    terms = terms_of(queue)
    if not queue.open:
        return Taken([], "closed")
    if terms.labellers and labeller not in terms.labellers:
        return Taken([], "not a labeller")

    def work(cursor: DuckDBPyConnection) -> Taken:
        return _one(cursor, queue, labeller, number, now)

    return core.writer.call(work).result(jobs.WRITE_S)


def _one(cursor: DuckDBPyConnection, queue: Queue, labeller: str, number: int, now: datetime) -> Taken:
    place = store.places(cursor, queue.queue_id, [number]).get(number)
    if place is None:
        raise UnknownItemError(queue.name, number)
    if not place.open:
        return Taken([], "closed")
    if place.removed:
        raise RemovedError(number)
    live = [one for one in store.leases(cursor, queue.queue_id, [number], labeller, now) if one.number == number]
    said = store_labels.said(cursor, queue.queue_id, [number])[number]
    until = now + lease_time(queue)
    if held := [one for one in live if one.labeller == labeller]:
        return Taken(held, None)
    if labeller in said and said[labeller].state == "saved":
        return Taken([Lease(number, labeller, uuid4(), until)], None)
    if _free(place, said, live, labeller):
        return Taken(store.lend(cursor, queue.queue_id, labeller, [number], now, until), None)
    labelled = sum(one.state == "saved" for one in said.values())
    return Taken([], "done" if labelled >= place.needed else "all taken")


def renew(core: Core, queue: Queue, labeller: str, lease_ids: Sequence[UUID], now: datetime) -> list[Lease]:
    """Let items in hand stay there for as long again; of those that are over, such as still have a free place."""

    def work(cursor: DuckDBPyConnection) -> list[Lease]:
        told = store.told_leases(cursor, queue.queue_id, labeller, lease_ids)
        numbers = [one.number for one in told]
        places = store.places(cursor, queue.queue_id, numbers)
        said = store_labels.said(cursor, queue.queue_id, numbers)
        live = store.leases(cursor, queue.queue_id, numbers, labeller, now)
        good = [
            one for one in told if one.number in places and places[one.number].open
            and (one.expires_at > now or _free(places[one.number], said[one.number], live, labeller))
        ]  # fmt: skip
        until = now + lease_time(queue)
        store.extend(cursor, [one.lease_id for one in good], until)
        return [Lease(one.number, labeller, one.lease_id, until) for one in good]

    return core.writer.call(work).result(jobs.WRITE_S)


def release(core: Core, queue: Queue, labeller: str, lease_ids: Sequence[UUID]) -> list[int]:
    """Give items in hand back; their numbers."""

    def work(cursor: DuckDBPyConnection) -> list[int]:
        numbers = [one.number for one in store.told_leases(cursor, queue.queue_id, labeller, lease_ids)]
        store.release(cursor, queue.queue_id, labeller, numbers)
        return numbers

    return core.writer.call(work).result(jobs.WRITE_S)
