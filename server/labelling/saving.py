"""What people say, kept: a label and the scores that it makes in one transaction, or neither."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from duckdb import DuckDBPyConnection

from collectors.facts import ScoreFacts
from collectors.frames import score_table
from server import jobs
from server.core import Core
from server.labelling import label_scores
from server.labelling.answers import checked, numbers, placed
from server.labelling.content import Content
from server.labelling.contents import Showing, contents
from server.labelling.label_scores import About
from server.labelling.queues import terms_of
from server.labelling.refusals import (
    FieldsChangedError,
    LabelIdError,
    LabelledError,
    PlaceTakenError,
    QueueClosedError,
    RemovedError,
    UnknownItemError,
    check_labeller,
    fit,
)
from server.labelling.taking import lease_time, others
from server.labelling.terms import Asked, Terms
from store import labels as store
from store import queue_items, queues
from store.batch import Batch
from store.labels import Label, Said, State
from store.queue_items import Draft, Item, Lease, Place
from store.queues import Queue


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody says of one item."""

    label_id: UUID  # chosen by the sender: the same again changes nothing
    labeller: str
    number: int
    answers: Mapping[str, Any]
    fields_version: int  # of the form that was filled in
    comment: str | None = None
    seconds: float | None = None
    source: str = "page"  # page api


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of it."""

    label_id: UUID
    edit: int  # 1, 2, ... of this person on this item
    first: bool  # whether they had not labelled it before
    about: About | None = None  # what was labelled; null: it was skipped


@dataclass(slots=True)
class _Outcome:
    """What the writer decided; work that runs twice decides twice, and the last counts."""

    saved: Saved | None = None
    refused: Exception | None = None


def save(core: Core, queue: Queue, told: Saying, now: datetime) -> Saved:
    """Keep a label, with its scores. One whose id is known is there already, and nothing is done.

    Whoever has a live lease, or has labelled the item before, has a place; else there must be a free one. What cannot
    be kept for want of a place, because the form is another one now or the queue is closed, stays as a draft.

    Raises:
        QueueClosedError, NotALabellerError, UnknownItemError, RemovedError, FieldsChangedError, PlaceTakenError,
        LabelIdError: see there.
        AnswerError: an answer does not fit its field.
    """
    terms = terms_of(queue)
    check_labeller(queue, terms.labellers, told.labeller)
    with core.readers.read() as cursor:
        about = _about(cursor, queue, told.number, told.labeller)
        before = store.last_said(cursor, queue.queue_id, told.number, told.labeller)
    if told.fields_version != queue.fields_version:
        if (kept := _kept_before(core, queue, told)) is not None:
            return replace(kept, about=about)
        keep_draft(core, queue, _draft(told, now))
        raise FieldsChangedError(queue.name, queue.fields_version, told.fields_version)
    answers = checked(terms.fields, told.answers, [one.key for one in about.content.sides])
    placed(terms.fields, answers, about.content)
    made = Label(
        queue.project_id, queue.queue_id, told.number, told.label_id, told.labeller, 1, "saved", queue.version,
        queue.fields_version, json.dumps(answers), numbers(terms.fields, answers), told.comment, None, told.seconds,
        told.source, now,
    )  # fmt: skip
    scores = label_scores.scores(about, terms.fields, answers, told.comment, told.label_id, now)
    scores += dropped(core, about, queue, before, answers, told.label_id, now)
    outcome = _write(core, queue, made, scores)
    if isinstance(outcome.refused, PlaceTakenError | FieldsChangedError | QueueClosedError):
        # A lease without a place would be handed out again and again.
        keep_draft(core, queue, _draft(told, now), give_back=isinstance(outcome.refused, PlaceTakenError))
    if outcome.refused is not None:
        raise outcome.refused
    assert outcome.saved is not None  # noqa: S101 - else it was refused
    return replace(outcome.saved, about=about)


def _kept_before(core: Core, queue: Queue, told: Saying) -> Saved | None:
    """What became of a label that was kept, where its sender never heard so; null: there is none of its id."""
    with core.readers.read() as cursor:
        known = store.by_id(cursor, queue.queue_id, told.label_id)
    if known is None or (known.number, known.author, known.state) != (told.number, told.labeller, "saved"):
        return None
    return Saved(told.label_id, known.edit, first=known.edit == 1)


def _about(cursor: DuckDBPyConnection, queue: Queue, number: int, labeller: str) -> About:
    """What a label of an item is about. Raises UnknownItemError."""
    item = contents.of(cursor, queue.queue_id, [number]).get(number)
    if item is None:
        raise UnknownItemError(queue.name, number)
    return about_item(queue, item, item.content, labeller)


def about_item(queue: Queue, item: Item | Showing, content: Content, labeller: str) -> About:
    """What scores of a label say of its item."""
    return About(
        queue.name, queue.queue_id, queue.fields_version, item.number, item.unit, item.trace_id, item.span_id,
        item.session_id, content, labeller,
    )  # fmt: skip


def dropped(  # noqa: PLR0917 - both labels
    core: Core, about: About, queue: Queue, before: Label | None, answers: Mapping[str, Any], label_id: UUID,
    now: datetime,
) -> list[ScoreFacts]:  # fmt: skip
    """Scores of an earlier edit that have no follower, taken back: of fields that are not answered any more, and all of
    an earlier form, whose version is another. A little before `now`, so that the new scores are the newest.
    """  # noqa: D205 - one thought
    if before is None or before.answers is None:
        return []
    told = json.loads(before.answers)
    gone = {
        name: value for name, value in told.items()
        if name not in answers or before.fields_version != queue.fields_version
    }  # fmt: skip
    return withdrawn(core, about, queue, before, gone, label_id, now - timedelta(microseconds=1))


def withdrawn(  # noqa: PLR0917 - what is taken back
    core: Core, about: About, queue: Queue, before: Label, gone: Mapping[str, Any], label_id: UUID, now: datetime
) -> list[ScoreFacts]:
    """Scores of these answers of a label, taken back by the form that they were given to."""
    if not gone:
        return []
    fields = fields_of(core, queue, before.fields_version)
    return label_scores.withdrawn(
        replace(about, fields_version=before.fields_version), fields, gone, label_id, now
    )  # fmt: skip


def fields_of(core: Core, queue: Queue, version: int) -> tuple[Asked, ...]:
    """The fields of a form, as they were when they became this version; none where it is not known."""
    if version == queue.fields_version:
        return terms_of(queue).fields
    with core.readers.read() as cursor:
        documents = [one.document for one in queues.versions(cursor, queue.queue_id) if one.version == version]
    return Terms.model_validate_json(documents[0]).fields if documents and documents[0] else ()


def _write(core: Core, queue: Queue, made: Label, scores: list[ScoreFacts]) -> _Outcome:
    outcome = _Outcome()

    def work(cursor: DuckDBPyConnection) -> bool:
        outcome.saved = outcome.refused = None
        return _keep(cursor, queue, made, outcome)

    commit(core, queue, work, scores)
    return outcome


def commit(core: Core, queue: Queue, work: Any, scores: list[ScoreFacts]) -> None:
    """Run work on the writer's thread; if it says yes, the scores are stored in its transaction."""
    if not scores:
        core.writer.call(work).result(jobs.WRITE_S)
        return
    batch = Batch(queue.project_id, "api", "scores", {}, scores=score_table(scores))
    core.writer.store_if(batch, work).result(jobs.WRITE_S)


def _keep(cursor: DuckDBPyConnection, queue: Queue, made: Label, outcome: _Outcome) -> bool:
    """Write a label, if it may be kept; says whether it was written."""
    known, said = store.met(cursor, queue.queue_id, made.number, made.label_id)
    if known is not None:
        return _again(known, made, outcome)
    try:
        last, before = _place(cursor, queue, made, said)
    except Exception as error:  # noqa: BLE001 - it belongs to whoever asked, and nothing is written
        outcome.refused = error
        return False
    store.add(cursor, store.counted(replace(made, edit=last + 1), before))
    queue_items.release(cursor, queue.queue_id, made.author, [made.number])
    queue_items.drop_draft(cursor, queue.queue_id, made.author, made.number)
    outcome.saved = Saved(made.label_id, last + 1, first=before != "saved")
    return True


def _again(known: Said, made: Label, outcome: _Outcome) -> bool:
    if (known.number, known.author, known.state) != (made.number, made.author, made.state):
        outcome.refused = LabelIdError(made.label_id)
    else:
        outcome.saved = Saved(made.label_id, known.edit, first=known.edit == 1)
    return False


def _place(cursor: DuckDBPyConnection, queue: Queue, made: Label, said: Mapping[str, Said]) -> tuple[int, State | None]:
    """The edit that a label follows (0: none), and its state; raises what forbids it."""
    place = queue_items.places(cursor, queue.queue_id, [made.number]).get(made.number)
    if place is None:
        fit(queues.by_id(cursor, queue.queue_id), queue.name)
        raise UnknownItemError(queue.name, made.number)
    if not place.open:
        raise QueueClosedError(queue.name)
    if place.removed:
        raise RemovedError(made.number)
    if made.state == "saved" and made.fields_version != place.fields_version:
        raise FieldsChangedError(queue.name, place.fields_version, made.fields_version)
    mine = said.get(made.author)
    labelled = mine is not None and mine.state == "saved"
    if made.state == "skipped" and labelled:
        raise LabelledError(made.number)
    if made.state == "saved" and not labelled and not place.gold:
        _check_place(cursor, queue, place, said, made)
    return (mine.edit, mine.state) if mine else (0, None)


def _check_place(cursor: DuckDBPyConnection, queue: Queue, place: Place, said: Mapping[str, Said], made: Label) -> None:
    live = queue_items.leases(cursor, queue.queue_id, [place.number], made.author, made.saved_at)
    own = any(one.labeller == made.author and one.number == place.number for one in live)
    # Who has a lease has a place beside all other leases; without one it must be free of leases too.
    if others(place.number, said, [] if own else live, made.author) >= place.needed:
        raise PlaceTakenError(place.number, place.needed)


def _draft(told: Saying, now: datetime) -> Draft:
    return Draft(told.number, told.labeller, _text(told.answers), told.comment, told.seconds, now)


def _text(answers: Mapping[str, Any]) -> str:
    """JSON of answers that were not checked; half of a surrogate pair could be neither read again nor sent."""
    return json.dumps(dict(answers), ensure_ascii=False).encode("utf-8", "replace").decode()


def keep_draft(core: Core, queue: Queue, draft: Draft, *, give_back: bool = False) -> None:
    """Keep what somebody filled in, in place of what was kept before; nothing of a queue that was taken away.

    `give_back`: the item is before them no more.
    """

    def work(cursor: DuckDBPyConnection) -> None:
        if queues.by_id(cursor, queue.queue_id) is None:
            return
        queue_items.keep_draft(cursor, queue.queue_id, draft)
        if give_back:
            queue_items.release(cursor, queue.queue_id, draft.author, [draft.number])

    core.writer.call(work).result(jobs.WRITE_S)


def skip(  # noqa: PLR0917 - what is skipped, and why
    core: Core, queue: Queue, label_id: UUID, labeller: str, number: int, reason: str, now: datetime
) -> Saved:
    """Keep that somebody will not label an item: they are not handed it again.

    Raises:
        QueueClosedError, NotALabellerError, UnknownItemError, RemovedError, LabelledError, LabelIdError: see there.
    """
    check_labeller(queue, terms_of(queue).labellers, labeller)
    made = Label(
        queue.project_id, queue.queue_id, number, label_id, labeller, 1, "skipped", queue.version,
        queue.fields_version, None, {}, None, reason, None, "page", now,
    )  # fmt: skip
    outcome = _write(core, queue, made, [])
    if outcome.refused is not None:
        raise outcome.refused
    assert outcome.saved is not None  # noqa: S101 - else it was refused
    return outcome.saved


@dataclass(slots=True)
class Undone:
    """What was taken back, and is before its author again."""

    label: Label
    leases: list[Lease] = field(default_factory=list)


def undo(core: Core, queue: Queue, labeller: str, now: datetime, label_id: UUID | None = None) -> Undone | None:
    """Take back what somebody saved or skipped last, and hand them the item again with what they had said as a draft.

    Null: there is nothing to take back. `label_id`: chosen by the sender; the same again takes nothing more back.

    Raises:
        QueueClosedError, NotALabellerError: see there.
    """
    terms = terms_of(queue)
    check_labeller(queue, terms.labellers, labeller)
    fit(queue, queue.name)
    if label_id is not None and (before := _undone_before(core, queue, labeller, label_id, now)) is not None:
        return before
    with core.readers.read() as cursor:
        last = store.last_of(cursor, queue.queue_id, labeller)
        if last is None:
            return None
        about = _about(cursor, queue, last.number, labeller)
    label_id = label_id or uuid4()
    back = replace(
        last, label_id=label_id, edit=last.edit + 1, state="withdrawn", answers=None, numbers={}, comment=None,
        reason=None, seconds=None, source="page", saved_at=now,
    )  # fmt: skip
    told = json.loads(last.answers) if last.answers else {}
    scores = withdrawn(core, about, queue, last, told, label_id, now)
    done = Undone(last)
    commit(core, queue, lambda cursor: _take_back(cursor, queue, last, back, done), scores)
    return done if done.leases else None


def _undone_before(core: Core, queue: Queue, labeller: str, label_id: UUID, now: datetime) -> Undone | None:
    """What came of an undo that was done, where its sender never heard so; null: there is none of its id.

    Raises:
        LabelIdError: the id is of something else.
    """
    with core.readers.read() as cursor:
        known = store.by_id(cursor, queue.queue_id, label_id)
        if known is None:
            return None
        if (known.author, known.state) != (labeller, "withdrawn"):
            raise LabelIdError(label_id)
        last = store.last_said(cursor, queue.queue_id, known.number, labeller)
        live = queue_items.leases(cursor, queue.queue_id, [], labeller, now)
    assert last is not None  # noqa: S101 - at least that one
    return Undone(last, [one for one in live if one.number == known.number])


def _take_back(cursor: DuckDBPyConnection, queue: Queue, last: Label, back: Label, done: Undone) -> bool:
    done.leases = []
    known = queues.by_id(cursor, queue.queue_id)
    place = queue_items.places(cursor, queue.queue_id, [last.number]).get(last.number)
    said = store.said(cursor, queue.queue_id, [last.number])[last.number].get(last.author)
    if known is None or place is None or place.removed or not place.open or said is None or said.edit != last.edit:
        return False
    store.add(cursor, store.counted(back, last.state))
    if last.answers is not None:
        draft = Draft(last.number, last.author, last.answers, last.comment, last.seconds, back.saved_at)
        queue_items.keep_draft(cursor, queue.queue_id, draft)
    until = back.saved_at + lease_time(known)
    done.leases = queue_items.lend(cursor, queue.queue_id, last.author, [last.number], back.saved_at, until)
    return True


def draft(  # noqa: PLR0917 - what is filled in
    core: Core, queue: Queue, labeller: str, number: int, answers: Mapping[str, Any], comment: str | None,
    seconds: float | None, now: datetime,
) -> None:  # fmt: skip
    """Keep what somebody has filled in; what does not fit a field yet is kept too.

    Raises:
        NotALabellerError, UnknownItemError: see there.
    """
    check_labeller(queue, terms_of(queue).labellers, labeller)
    with core.readers.read() as cursor:
        if queue_items.item(cursor, queue.queue_id, number) is None:
            raise UnknownItemError(queue.name, number)
    keep_draft(core, queue, Draft(number, labeller, _text(answers), comment, seconds, now))
