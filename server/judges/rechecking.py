"""A judge that changed is held against the labels that are there: the items of before are scored again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pandas as pd

from evaluators.errors import EvaluatorError, UnknownEvaluatorError
from server import jobs
from server.aside import Ask, Desk
from server.core import Core
from server.evals.figures import counted
from server.judges import queueing
from server.judges.asking import Fields, Question
from server.judges.keeping import fields_of
from server.labelling import queues
from server.labelling.terms import NAME, Asked, Choice, Terms
from store.jobs import Target

Row = dict[str, Any]
MOST = 5_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be scored again, by what."""

    question: Question  # which labels: those that the card of this ruler rests on
    options: Mapping[str, Any]  # of the evaluator that scores now
    queue: str | None  # that keeps the items and their answers; null: named after the score
    author: str | None
    budget_usd: float | None
    dry_run: bool


def recheck(core: Core, desk: Desk, project: str, wish: Wish) -> Row:
    """Have what people labelled scored by what is installed now, and keep it in a queue that needs nobody.

    Raises:
        NoCardError: there is no such judge, or nobody labelled what it scored.
    """
    project_id = core.projects.id_of(project)
    found: Row = orjson.loads(desk.answer(project_id, labelled, wish.question, fields_of(core, project)))
    order = jobs.Order(
        evaluators=[jobs.Wanted(name=found["evaluator"], options=dict(wish.options))], budget_usd=wish.budget_usd,
        author=wish.author, trace_ids=None,
    )  # fmt: skip
    why = _refusal(core, order)
    targets = [] if why is not None else _targets(core, project, found["items"])
    queue = wish.queue or _named(found["score"])
    told: Row = {
        "score": found["score"], "evaluator": found["evaluator"], "items": len(found["items"]),
        "targets": len(targets), "why_no_job": why, "queue": queue, "job": None, "added": 0, "there": 0, "refused": [],
    }  # fmt: skip
    if not wish.dry_run:
        told |= _kept(core, desk, project, found, (queue, wish.author))
        if targets:
            told["job"] = str(jobs.add(core, project, order, targets).job_id)
    return told | {"sentence": _sentence(told, dry_run=wish.dry_run)}


def labelled(ask: Ask, question: Question, fields: Fields) -> Row:
    """The targets that people labelled and a ruler scored, with what people say. Works beside the server."""
    from server.judges import cards  # noqa: PLC0415 - a process beside works with it

    one = cards.found(ask, question, fields, details=False)
    places = one.made.places
    rows = one.rows[one.made.kept].reset_index(drop=True)
    kept: list[int] = np.flatnonzero(places >= 0)[:MOST].tolist()
    people = one.people
    return {
        "score": one.ruler["name"], "evaluator": one.ruler["evaluator"], "label": people.name,
        "words": sorted({str(word) for word in people.word if word is not None}),
        "scale": dict(people.scale), "binary": bool(np.isin(people.value[~np.isnan(people.value)], (0.0, 1.0)).all()),
        "numbers": {
            str(word): float(value) for word, value in zip(people.word, people.value, strict=True)
            if word is not None and not np.isnan(value)
        },
        "items": [
            {"trace_id": cards.hex_of(rows["trace_id"][at]), "span_id": cards.span_of(rows["span_id"][at]),
             "session_id": cards.text_of(rows["session_id"][at]), "word": people.word[places[at]],
             "value": None if pd.isna(people.value[places[at]]) else float(people.value[places[at]])}
            for at in kept
        ],
    }  # fmt: skip


def _refusal(core: Core, order: jobs.Order) -> str | None:
    """Why nothing here can score the items; null: what is installed can."""
    try:
        jobs.checked(core, order)
    except UnknownEvaluatorError:
        return "no evaluator of this name is installed here."
    except EvaluatorError as error:
        return str(error)
    return None


def _targets(core: Core, project: str, items: Sequence[Row]) -> list[Target]:
    """Traces and spans that are stored still; sessions are scored by rules."""
    wanted = {UUID(hex=one["trace_id"]) for one in items if one["trace_id"] and not one["session_id"]}
    known: dict[UUID, Row] = {}
    ids = sorted(wanted)
    for start in range(0, len(ids), jobs.PAGE):
        page = core.run("case_traces", project, {"traces": ids[start : start + jobs.PAGE]}).table.to_pylist()
        known |= {UUID(row["trace_id"]): row for row in page}
    return [
        Target(trace, int(one["span_id"], 16) if one["span_id"] else None, row["start_us"], jobs.end_us(row))
        for one in items
        if one["trace_id"] and not one["session_id"] and (row := known.get(trace := UUID(hex=one["trace_id"])))
    ]


def _named(score: str) -> str:
    return f"recheck-{re.sub(r'[^A-Za-z0-9._-]+', '-', score)}"[:100]


def _kept(core: Core, desk: Desk, project: str, found: Row, into: tuple[str, str | None]) -> Row:
    """The queue with the items and what people said as right answers; it is closed, as nobody need label them."""
    queue, author = into
    if not re.match(NAME, found["label"]):
        return {"queue": None}  # no field of a queue can have this name
    try:
        queues.one(core, project, queue)
    except queues.UnknownQueueError:
        terms = Terms(
            description=f"Labelled before, to hold newer versions of {found['score']} against. Needs no labels."[:1000],
            fields=(_field(found),), gold_share=0.0,
        )  # fmt: skip
        queues.put(core, project, queue, terms, author)
        queues.set_open(core, project, queue, is_open=False)
    items = [one | {"gold": {found["label"]: _answer(one, found)}, "attributes": {"sampling": "recheck"}}
             for one in found["items"]]  # fmt: skip
    done = queueing.fill(core, desk, project, queue, items, author, f"labelled before for {found['score']}")
    return {"added": len(done.added), "there": len(done.there), "refused": done.refused[:20]}


def _field(found: Row) -> Asked:
    """A field that takes what people said."""
    words = sorted(found["words"], key=lambda word: found["numbers"].get(word, 0.0))
    judges = (found["score"],)
    if len(words) >= 2 and len(words) == len(found["numbers"]):
        choices = tuple(Choice(value=word, number=found["numbers"][word]) for word in words)
        return Asked(name=found["label"], kind="ordinal", choices=choices, judges=judges)
    if len(words) >= 2:
        return Asked(name=found["label"], kind="categorical", choices=tuple(Choice(value=word) for word in words),
                     judges=judges)  # fmt: skip
    return Asked(name=found["label"], kind="numeric", judges=judges)


def _answer(one: Row, found: Row) -> str | float:
    return one["word"] if len(found["words"]) >= 2 and one["word"] is not None else float(one["value"] or 0.0)


def _sentence(told: Row, *, dry_run: bool) -> str:
    items = counted(told["items"], "item")
    verb = "would be" if dry_run else "are being"
    if told["why_no_job"] is not None:
        return (
            f"{told['evaluator'] or 'What scored'} cannot score the {items} that were labelled before: "
            f"{told['why_no_job']} Score them where it runs and send the scores; the card then follows."
        )
    return (
        f"{items} were labelled before; {counted(told['targets'], 'target')} {verb} scored by {told['evaluator']} as "
        "it is now. Nobody need label anything."
    )
