"""Items that a judge scored, put into a queue: to be labelled, or as labelled before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from server.aside import Desk
from server.core import Core
from server.labelling import adding, queues
from server.labelling.adding import Added, NewItem
from server.labelling.content import Content
from server.labelling.showing import Target

Row = dict[str, Any]


def fill(  # noqa: PLR0917 - what is put where
    core: Core, desk: Desk, project: str, queue: str, items: Sequence[Row], author: str | None, why: str
) -> Added:
    """Put targets into a queue, with what is shown of them; those that are stored no more are refused.

    `items`: trace_id, span_id, session_id, and where they are known `attributes` and `gold`.

    Raises:
        UnknownQueueError: the project has no such queue.
    """
    from server.judges import planning  # noqa: PLC0415 - a process beside works with it

    known = queues.one(core, project, queue)
    targets = [_target(one) for one in items]
    project_id = core.projects.id_of(project)
    told: list[Row] = orjson.loads(desk.answer(project_id, planning.contents, targets))
    made = [_item(items[one["at"]], targets[one["at"]], one, why) for one in told]
    done = adding.add(core, known, made, author)
    there = {one["at"] for one in told}
    lost = [{"at": at, "why": "its spans are stored no more"} for at in range(len(items)) if at not in there]
    refused = [{**one, "at": told[one["at"]]["at"]} for one in done.refused]
    return Added(done.added, done.there, [*refused, *lost])


def _target(one: Mapping[str, Any]) -> Target:
    if one["session_id"]:
        return Target(session_id=str(one["session_id"]))
    return Target(UUID(hex=one["trace_id"]), int(one["span_id"], 16) if one["span_id"] else None)


def _item(one: Mapping[str, Any], target: Target, told: Row, why: str) -> NewItem:
    unit = "session" if target.session_id else "trace" if target.span_id is None else "call"
    trace = UUID(hex=told["trace_id"]) if told["trace_id"] else target.trace_id
    return NewItem(
        Content.model_validate(told["content"]), unit, trace, target.span_id, target.session_id,
        gold=one.get("gold"), origin="sample", why=why, attributes={**told["attributes"], **one.get("attributes", {})},
    )  # fmt: skip
