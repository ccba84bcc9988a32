"""Fills queues: finds candidates, draws items among them, makes what they show, and puts them in.

What is found and shown is worked out in the process of long answers, in slices: one answer finds and draws, then each
hundred items is one answer that reads their texts and one transaction that adds them. A fill that is cut off has added
whole items; the same again finds those there and adds the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.aside import Desk
from server.core import Core
from server.labelling import adding, candidates, queues, sampling
from server.labelling.adding import NewItem
from server.labelling.candidates import Candidate
from server.labelling.choosing import choose, show, taken_of
from server.labelling.content import Content, Side
from server.labelling.ordering import ordered
from server.labelling.sampling import Taken
from server.labelling.showing import Target
from server.labelling.wishes import From, Named, OfTargets, origin
from store import queue_items
from store.queues import Queue

AT_ONCE = 100  # items whose texts are read in one answer
SAMPLES = 5
REFUSALS = 20  # that are told one by one
NOTHING = "Nothing was recorded of what was asked or answered."
GONE = "Its spans are not stored, or no longer."
BIASED = (
    "An informative sample finds errors and is no random one: rates among its labels are not those of all. Draw a "
    "random one beside it for rates."
)

Row = dict[str, Any]


def fill(  # noqa: PLR0917 - an order and where it is carried out
    core: Core, where: Desk, project: str, name: str, wish: From, author: str | None, *, dry_run: bool = False
) -> Row:
    """Put items into a queue, or with `dry_run` tell what would be put.

    Returns `matching` in all, `candidates` that were looked at, `chosen`, `added`, `there` (in the queue already),
    `refused` (counts), `numbers` of the new items, `refusals` (the first, each with why), `samples` (the first items:
    title, why, sampling, weight, and their ids), `notes` and a `sentence`.

    Raises:
        UnknownQueueError: the project has no such queue.
        FillError: the source is not there, or does not fit the queue.
    """
    queue = queues.one(core, project, name)
    project_id = core.projects.id_of(project)
    order = ordered(core, project, project_id, wish, queues.terms_of(queue))
    chosen: Row = orjson.loads(where.answer(project_id, choose, order))
    taken = [taken_of(row) for row in chosen["taken"]]
    tally = Tally(list(chosen["refused"]))
    if dry_run:
        _look(core, where, queue, wish, chosen["what"], taken, tally)
    else:
        _put(core, where, queue, wish, chosen["what"], taken, tally, author)
    return _told(wish, chosen, len(taken), tally, dry_run=dry_run)


@dataclass(slots=True)
class Tally:
    """What became of what was chosen."""

    refusals: list[Row]
    samples: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    added: int = 0
    there: int = 0


def _put(  # noqa: PLR0917 - an order and where it is carried out
    core: Core, where: Desk, queue: Queue, wish: From, what: str, taken: Sequence[Taken], tally: Tally,
    author: str | None,
) -> None:  # fmt: skip
    for start in range(0, len(taken), AT_ONCE):
        items = _items(where, queue, wish, what, taken[start : start + AT_ONCE], tally)
        done = adding.add(core, queue, items, author)
        tally.samples += [_sample(one) for one in items[: SAMPLES - len(tally.samples)]]
        tally.numbers += done.added
        tally.added += len(done.added)
        tally.there += len(done.there)
        tally.refusals += [{"key": _called(items[one["at"]]), "why": one["why"]} for one in done.refused]


def _look(  # noqa: PLR0917 - an order and where it is carried out
    core: Core, where: Desk, queue: Queue, wish: From, what: str, taken: Sequence[Taken], tally: Tally
) -> None:
    """What `_put` would do, as far as it can be known without reading all texts."""
    rough = [_item(one, wish, what, _empty(one.candidate), {}) for one in taken]
    keys = [one.key for one in rough if one.key is not None]
    targets = [target for one in rough if (target := adding.target_of(one)) is not None]
    with core.readers.read() as cursor:
        by_key, by_target = queue_items.known(cursor, queue.queue_id, keys, targets)
    there = [one.key in by_key or adding.target_of(one) in by_target for one in rough]
    refused = [(one, why) for one in rough if (why := adding.refusal(one, queues.terms_of(queue)))]
    shown = _items(where, queue, wish, what, taken[:SAMPLES], tally)
    tally.samples += [_sample(one) for one in shown]
    tally.refusals += [{"key": _called(one), "why": why} for one, why in refused]
    tally.there = sum(there)
    tally.added = max(len(taken) - tally.there - len(refused), 0)


def _items(  # noqa: PLR0917 - an order and where it is carried out
    where: Desk, queue: Queue, wish: From, what: str, taken: Sequence[Taken], tally: Tally
) -> list[NewItem]:
    """Items with what they show; of what shows nothing the tally keeps why."""
    targets = [one.candidate.target for one in taken if one.candidate.content is None and one.candidate.target]
    made: list[Row | None] = orjson.loads(where.answer(queue.project_id, show, targets)) if targets else []
    shown = dict(zip(targets, made, strict=True))
    items = []
    for one in taken:
        content, told, why_not = _shown(one.candidate, shown)
        if content is None:
            tally.refusals.append({"key": _name(one.candidate), "why": why_not})
        else:
            items.append(_item(one, wish, what, content, told))
    return items


def _shown(candidate: Candidate, shown: Mapping[Target, Row | None]) -> tuple[Content | None, Mapping[str, str], str]:
    if candidate.content is not None:
        return candidate.content, {}, ""
    made = None if candidate.target is None else shown.get(candidate.target)
    if made is None:
        return None, {}, GONE
    content = Content.model_validate(made["content"])
    if not content.says:
        return None, {}, NOTHING
    return content, made["attributes"], ""


def _item(taken: Taken, wish: From, what: str, content: Content, told: Mapping[str, str]) -> NewItem:
    one = taken.candidate
    target = one.target or Target()
    return NewItem(
        content=content, unit=_unit(content, one.target), trace_id=target.trace_id, span_id=target.span_id,
        session_id=target.session_id, key=one.key, gold=one.gold, priority=wish.priority, needed=wish.needed,
        origin=origin(wish), why=taken.why, attributes=sampling.attributes(taken, told, what),
    )  # fmt: skip


def _unit(content: Content, target: Target | None) -> str:
    if len(content.sides) > 1:
        return "pair" if len(content.sides) == 2 else "ranking"
    if target is None:
        return "own"
    if target.session_id is not None:
        return "session"
    return "trace" if target.span_id is None else "call"


def _empty(candidate: Candidate) -> Content:
    return candidate.content or Content(sides=(Side(),))


def _sample(item: NewItem) -> Row:
    return {
        "title": adding.title_of(item.content), "why": item.why, "unit": item.unit,
        "sampling": item.attributes["sampling"], "weight": item.attributes.get("weight"),
        "trace_id": None if item.trace_id is None else item.trace_id.hex,
        "span_id": None if item.span_id is None else f"{item.span_id:016x}", "session_id": item.session_id,
        "key": item.key, "gold": item.gold,
    }  # fmt: skip


def _called(item: NewItem) -> str:
    return item.key or adding.target_of(item) or item.unit


def _name(candidate: Candidate) -> str:
    target = candidate.target
    if candidate.key is not None or target is None:
        return candidate.key or "item"
    if target.session_id is not None:
        return f"session {target.session_id}"
    told = f"trace {target.trace_id.hex if target.trace_id else ''}"
    return told if target.span_id is None else f"{told}, span {target.span_id:016x}"


# In words.


def _told(wish: From, chosen: Row, taken: int, tally: Tally, *, dry_run: bool) -> Row:
    return {
        "matching": chosen["matching"], "candidates": chosen["candidates"], "chosen": taken, "added": tally.added,
        "there": tally.there, "refused": len(tally.refusals), "numbers": tally.numbers,
        "refusals": tally.refusals[:REFUSALS], "samples": tally.samples[:SAMPLES], "notes": chosen["notes"],
        "dry_run": dry_run, "sentence": sentence(wish, chosen, taken, tally, dry_run=dry_run),
    }  # fmt: skip


def sentence(wish: From, chosen: Row, taken: int, tally: Tally, *, dry_run: bool) -> str:
    """What was found and what became of it."""
    if not chosen["matching"]:
        return f"Nothing was put in: there are no {chosen['what']}."
    told = [f"{chosen['matching']:,} {chosen['what']}: {taken:,} chosen{_how(wish, taken < chosen['matching'])}."]
    if chosen["candidates"] < chosen["matching"] and wish.sample.method in {"informative", "weighted", "stratified"}:
        told.append(f"Of these {chosen['candidates']:,} were looked at, drawn at random.")
    told.append(f"{tally.added:,} {'would be' if dry_run else 'were'} put into the queue.")
    if tally.there:
        told.append(f"{tally.there:,} {'are' if dry_run else 'were'} in it already.")
    if tally.refusals:
        told.append(f"{len(tally.refusals):,} cannot be put in; the first are told with why.")
    if wish.sample.method == "informative":
        told.append(BIASED)
    return " ".join([*told, *chosen["notes"]])


def _how(wish: From, part: bool) -> str:
    """How a part was chosen; '' where all were."""
    if isinstance(wish, OfTargets) or not part:
        return ""
    sample = wish.sample
    return {
        "random": " at random", "stratified": f" at random, equally many of each {sample.by}",
        "informative": " as the most informative", "weighted": " at random, the informative ones more often",
        "all": " at random, as more match than `most`",
    }[sample.method]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Completed:
    """What is shown of a target that somebody names."""

    content: Content | None  # null: nothing can be shown
    attributes: Mapping[str, str]
    why_not: str  # '' where it can


def completed(core: Core, where: Desk, project: str, targets: Sequence[Named]) -> list[Completed]:
    """What is shown of traces, calls and sessions, in their order."""
    wanted = [candidates.target_of(one) for one in targets]
    once = list(dict.fromkeys(wanted))
    shown: dict[Target, Row | None] = {}
    for start in range(0, len(once), AT_ONCE):
        part = once[start : start + AT_ONCE]
        made = orjson.loads(where.answer(core.projects.id_of(project), show, part))
        shown |= dict(zip(part, made, strict=True))
    return [Completed(*_shown(Candidate(one), shown)) for one in wanted]
