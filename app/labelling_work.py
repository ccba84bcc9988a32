"""What one person has in hand of a queue, and what became of what they told.

The page in the browser tells operations, each with an id, until they are answered; the same one may come twice. The
server keeps a label or skip that it has already, by that id. Pure but for the door that is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.client import ApiError

Row = dict[str, Any]

AHEAD = 3  # items in hand: the one that is shown, and what comes next
KEPT = 200  # answers; the browser has forgotten the operations of older ones
_PASSING = frozenset({"unreachable", "timeout", "failed"})  # kinds of errors after which it is told again
LINKED = "-"  # in place of an operation's id: what is said of the item that a link names
_NOT_FREE = {"done": "it has its labels", "all taken": "others have it before them"}
_DONE_WITH = frozenset({"save", "skip"})  # operations after which another item comes


class Door(Protocol):
    """What is asked of one queue, for one labeller; see the routes below `/api/queues/{name}`. Raises ApiError."""

    def take(self, most: int, number: int | None = None) -> Row: ...

    def save(self, label: Row, take: int) -> Row: ...

    def skip(self, label_id: str, number: int, reason: str, take: int) -> Row: ...

    def undo(self, label_id: str) -> Row: ...

    def draft(self, number: int, said: Row) -> None: ...

    def renew(self, lease_ids: Sequence[str]) -> Row: ...

    def said(self, number: int) -> Row:
        """What others said of an item, where labelling is not blind: `labels`, `scores`."""
        ...


@dataclass(slots=True)
class Work:
    """As it stands after the last answer."""

    hand: list[Row] = field(default_factory=list)  # items, the one to be shown first
    why_none: str | None = None
    progress: Row = field(default_factory=dict)
    answers: dict[str, Row] = field(default_factory=dict)  # by id of the operation, the newest last
    failing: str = ""  # why the server does not answer; '': it does
    stale: bool = False  # the queue asks something else by now
    blind: bool = True  # what others said of an item is hidden until one's own label is saved
    said: dict[int, Row] = field(default_factory=dict)  # where it is not: that, of the items in hand


def settle(work: Work, ops: Sequence[Mapping[str, Any]], door: Door) -> None:
    """Tell the server each operation that it has not answered, in order; the first that it cannot answer ends it."""
    work.failing = ""
    new = [op for op in ops if str(op.get("id")) not in work.answers]
    last = max((place for place, op in enumerate(new) if op["op"] in _DONE_WITH), default=-1)
    for place, op in enumerate(new):
        try:
            answer = _DOES[str(op["op"])](work, op, door, AHEAD if place == last else 0)
        except ApiError as error:
            if error.kind in _PASSING:
                work.failing = str(error)
                break
            answer = _refused(work, op, error)
        work.answers[str(op.get("id"))] = answer
    _hear_others(work, door)
    for name in list(work.answers)[:-KEPT]:
        del work.answers[name]


def _take(work: Work, op: Mapping[str, Any], door: Door, ahead: int) -> Row:  # noqa: ARG001 - as the others
    begin(work, door, op.get("number"))
    return {}


def begin(work: Work, door: Door, number: int | None = None) -> None:
    """Take items; with `number` that one first, and when it cannot be had why."""
    first: list[Row] = []
    if number is not None:
        wanted = door.take(1, number)
        first = wanted["items"]
        if wanted["why_none"] in _NOT_FREE:
            work.answers[LINKED] = {"refused": f"Item {number} is not free: {_NOT_FREE[wanted['why_none']]}."}
    told = door.take(AHEAD)
    work.hand = first + [one for one in told["items"] if one["number"] != number]
    work.why_none, work.progress = told["why_none"], told["progress"]
    _hear_others(work, door)


def _hear_others(work: Work, door: Door) -> None:
    """Items that come ahead are asked about ahead, so nobody waits; without an answer there is nothing to show."""
    if work.blind:
        return
    numbers = [int(one["number"]) for one in work.hand]
    work.said = {number: said for number, said in work.said.items() if number in numbers}
    for number in numbers:
        if number not in work.said:
            with suppress(ApiError):
                work.said[number] = door.said(number)


def _save(work: Work, op: Mapping[str, Any], door: Door, ahead: int) -> Row:
    label = {name: op.get(name) for name in _OF_LABEL} | {"label_id": op["id"]}
    told = door.save(label, ahead)
    _next(work, int(op["number"]), told, ahead)
    return {"number": op["number"], "others": told.get("others")}


_OF_LABEL = ("number", "lease_id", "answers", "comment", "seconds", "fields_version")


def _skip(work: Work, op: Mapping[str, Any], door: Door, ahead: int) -> Row:
    _next(work, int(op["number"]), door.skip(str(op["id"]), int(op["number"]), str(op["reason"]), ahead), ahead)
    return {"number": op["number"]}


def _next(work: Work, number: int, told: Row, ahead: int) -> None:
    """What is in hand once an item is done."""
    work.progress = told["progress"]
    work.hand = told["next"] if ahead else [one for one in work.hand if one["number"] != number]
    if ahead:
        work.why_none = told["why_none"]


def _undo(work: Work, op: Mapping[str, Any], door: Door, ahead: int) -> Row:  # noqa: ARG001
    told = door.undo(str(op["id"]))
    work.progress, item = told["progress"], told["item"]
    if item is None:
        return {"number": None}
    others = [one for one in work.hand if one["number"] != item["number"]]
    work.hand = [item, *others]
    return {"number": item["number"]}


def _draft(work: Work, op: Mapping[str, Any], door: Door, ahead: int) -> Row:  # noqa: ARG001
    said = {name: op.get(name) for name in ("answers", "comment", "seconds")}
    door.draft(int(op["number"]), said)
    for one in work.hand:
        if one["number"] == op["number"]:
            one["draft"] = said
    return {}


def _renew(work: Work, op: Mapping[str, Any], door: Door, ahead: int) -> Row:  # noqa: ARG001
    """Items that others have by now are marked so."""
    if leases := [str(one["lease_id"]) for one in work.hand]:
        kept = {one["number"] for one in door.renew(leases)["leases"]}
        for one in work.hand:
            one["lost"] = one["number"] not in kept and not one["answers"]
    return {}


_DOES = {"take": _take, "save": _save, "skip": _skip, "undo": _undo, "draft": _draft, "renew": _renew}


def _refused(work: Work, op: Mapping[str, Any], error: ApiError) -> Row:
    """Why it cannot be; what was said stays with the item, as a draft."""
    what = (
        f"Item {op['number']} is not {'skipped' if op['op'] == 'skip' else 'saved'}. " if op["op"] in _DONE_WITH else ""
    )
    work.stale = True
    return {"number": op.get("number"), "refused": f"{what}{error}"}
