"""Chooses items, and makes what they show: work of the process of long answers, in plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from server.aside import Ask
from server.labelling import candidates, of_datasets, of_runs, sampling, showing
from server.labelling.candidates import Candidate, Found
from server.labelling.content import Content
from server.labelling.ordering import Order
from server.labelling.sampling import Taken
from server.labelling.showing import Shown, Target
from server.labelling.wishes import OfAlert, OfDataset, OfRun, OfTargets

Row = dict[str, Any]


def choose(ask: Ask, order: Order) -> Row:
    """Find candidates and draw among them, as plain values; no text of traffic is read unless likeness is asked for."""
    found = _found(ask, order)

    def texts(those: Sequence[Candidate]) -> list[str]:
        targets = [one.target for one in those if one.target is not None and one.content is None]
        shown = showing.contents(ask, targets)
        return [_words(one.content or (shown.get(one.target) if one.target else None)) for one in those]

    taken = sampling.take(found, order.wish.sample, texts) if found.candidates else []
    return {
        "matching": found.matching, "candidates": len(found.candidates), "what": found.what, "notes": list(found.notes),
        "refused": list(found.refused), "taken": [_row(one) for one in taken],
    }  # fmt: skip


def _found(ask: Ask, order: Order) -> Found:
    wish = order.wish
    if isinstance(wish, OfDataset):
        return of_datasets.found(ask, wish, *order.dataset, order.terms)
    if isinstance(wish, OfRun):
        return of_runs.found(ask, wish, order.names or {})
    if isinstance(wish, OfTargets):
        return candidates.named(wish)
    if isinstance(wish, OfAlert):
        return _about(ask, order, wish)
    return candidates.traffic(ask, wish, wish.sample, order.scores)


def _about(ask: Ask, order: Order, wish: OfAlert) -> Found:
    evidence = [Candidate(Target(trace_id), total=1, why=why, must=True) for trace_id, why in order.evidence]
    what = f"traces of alert {wish.number}"
    if order.beside is None:
        return Found(evidence, len(evidence), what)
    rest = candidates.traffic(ask, order.beside, wish.sample, order.scores)
    known = {one.target for one in evidence}
    others = [one for one in rest.candidates if one.target not in known]
    return Found([*evidence, *others], rest.matching + len(evidence), what)


def _words(content: Content | None) -> str:
    if content is None:
        return ""
    return "\n".join(filter(None, [content.question, *(one.answer for one in content.sides)]))


def _row(taken: Taken) -> Row:
    one = taken.candidate
    target = one.target
    return {
        "target": None if target is None else [target.trace_id, target.span_id, target.session_id], "key": one.key,
        "why": taken.why, "sampling": taken.sampling, "weight": taken.weight, "attributes": dict(one.attributes),
        "gold": one.gold, "content": None if one.content is None else one.content.model_dump(mode="json"),
    }  # fmt: skip


def taken_of(row: Row) -> Taken:
    """What `choose` took, from its plain values."""
    told = row["target"]
    target = None if told is None else Target(None if told[0] is None else UUID(told[0]), told[1], told[2])
    content = None if row["content"] is None else Content.model_validate(row["content"])
    one = Candidate(
        target, row["key"], why=row["why"], content=content, attributes=row["attributes"], gold=row["gold"]
    )  # fmt: skip
    return Taken(one, row["sampling"], row["weight"], row["why"])


def show(ask: Ask, targets: Sequence[Target]) -> list[Row | None]:
    """What is shown of each target, as plain values; null: it is not stored."""
    found = showing.shown(ask, targets)
    return [_plain(found.get(one)) for one in targets]


def _plain(shown: Shown | None) -> Row | None:
    if shown is None:
        return None
    return {"content": shown.content.model_dump(mode="json"), "attributes": dict(shown.attributes)}
