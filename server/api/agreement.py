"""How far a queue's labellers agree, where they do not, and what is decided there."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Literal

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import json_response, packed
from server.api.context import DEFAULT, Context, Here, Project
from server.api.problems import ProblemError
from server.api.queue_labels import Name, Number, Person, told
from server.api.rights import needs, router
from server.labelling import deciding, queues
from server.labelling.queues import terms_of
from server.labelling.terms import Asked
from store import queries
from store.queues import Queue

routes = router()
FieldName = Annotated[str | None, Query(max_length=100, description="One field of the queue; none: all.")]
Work = Callable[..., Any]


@routes.get("/api/queues/{name}/agreement", tags=["queues"], dependencies=[needs("read")])
def agreement(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request, here: Here, name: Name, project: Project = DEFAULT, field: FieldName = None,
    by: Annotated[str | None, Query(max_length=200, description="Attribute of items, such as model.")] = None,
    pairs: Annotated[bool, Query(description="Whether each pair of labellers is told.")] = True,
    weights: Annotated[Literal["none", "linear", "quadratic"], Query(description="How near misses count.")] = "none",
    first: Annotated[str | None, Query(max_length=200, description="With `second`: labels of these two alone.")] = None,
    second: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:  # fmt: skip
    """How far people agree: `fields`, each with `sentence`, and rows as of `assay agreement --json`.

    `rows`: all coefficients; `main` names the one that the sentence is of. `by`: of each value of the attribute.
    `pairs`: of each two of the 20 people with most labels; `pair` names their coefficient. `over_time`: `since`,
    `until` and `rows`, of weeks (UTC) or of equally many items. `guidelines`: when what tells people how to answer
    changed. `confusion`: how often two labels of an item are `a` and `b`, and the items (`numbers`, 50 at most) where
    they differ; of two people `a` is what the one said whose name comes first. `labellers`: of each `n` labels, `gold`
    accuracy, `with_consensus` (how near to what the others say), `drift`. Rankings count as preferences of their pairs
    of sides; of marks `percent_agreement` is the overlap F1 of characters; texts have none. Labels of gold items are in
    `gold` alone. `left_out`: labels that do not count: `field`, `n`, `why`. `attributes`: by which labels can be told
    apart. Of 20,000 labels or more it may be a minute old.
    """
    from server.labelling import agreement as work  # noqa: PLC0415 - a process beside works with it

    queue = _queue(here, project, name)
    _asked(queue, field)
    wanted = work.Wanted(
        name, field, by or None, pairs, weights, tuple(sorted({one for one in (first, second) if one}))
    )
    return packed(request, _kept(here, queue, work.answer, wanted), "application/json")


@routes.get("/api/queues/{name}/consensus", tags=["queues"], dependencies=[needs("read")])
def consensus(
    request: Request, here: Here, name: Name, project: Project = DEFAULT, field: FieldName = None
) -> Response:
    """One answer for each item and field that has a label, by field and number; gold items too.

    `answer` as labels have it (null: tied); `by`: decision, gold, majority, dawid_skene (a tie that the model breaks
    with a probability of .8 or more), median (of numbers that differ), mean_rank (of rankings that differ), single (one
    label) or tied. `probability`: of the answer, by Dawid and Skene's model; null: it knows a labeller from fewer than
    ten labels, or people settled it. `n` labels, `agreeing` of them.
    """
    from server.labelling import consensus as work  # noqa: PLC0415 - as above

    queue = _queue(here, project, name)
    _asked(queue, field)
    return packed(request, _kept(here, queue, work.answer, name, field), "application/json")


@routes.get("/api/queues/{name}/disputes", tags=["queues"], dependencies=[needs("read")])
def disputes(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request, here: Here, name: Name, project: Project = DEFAULT, field: FieldName = None,
    state: Annotated[Literal["open", "decided", "all"], Query(description="Open: nobody decided.")] = "all",
    numbers: Annotated[str | None, Query(pattern=r"^\d{1,9}(,\d{1,9}){0,199}$", description="Only these.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[int, Query(ge=0, description="From the item after this number on.")] = 0,
) -> Response:  # fmt: skip
    """Items whose labels of a field differ, by number; gold ones and texts left out: `items`, `total`, `open`.

    An item has `number`, `title`, `field`, `answers` (author, answer, comment, saved_at), and `consensus`, `by`,
    `probability`, `n`, `agreeing` as in the consensus, `decided`. Without `field` it is the first that has any.
    """
    from server.labelling import disputes as work  # noqa: PLC0415 - as above

    queue = _queue(here, project, name)
    asked = _asked(queue, field)
    found = orjson.loads(_kept(here, queue, work.answer, name))
    if asked is None:
        asked = next((one for one in terms_of(queue).fields if any(row["field"] == one.name for row in found)), None)
    rows = [row for row in found if asked is not None and row["field"] == asked.name]
    wanted = [row for row in rows if state == "all" or row["decided"] == (state == "decided")]
    if numbers is not None:
        these = {int(number) for number in numbers.split(",")}
        wanted = [row for row in wanted if row["number"] in these]
    page = [row for row in wanted if row["number"] > after][:limit]
    return json_response(request, {
        "field": asked.name if asked else None, "total": len(wanted),
        "open": sum(not row["decided"] for row in rows), "items": _with_answers(here, queue, asked, page),
    })  # fmt: skip


def _with_answers(here: Context, queue: Queue, asked: Asked | None, page: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Disputed items with their titles and with what each person said."""
    from server.labelling.ratings import fitting, told_of  # noqa: PLC0415 - as above

    if asked is None or not page:
        return []
    ask = queries.get("disputed_labels").function
    with here.core.readers.read() as cursor:
        said = ask(cursor, queue.project_id, queue.name, asked.name, [row["number"] for row in page]).to_pylist()
    of: dict[int, list[dict[str, Any]]] = {row["number"]: [] for row in page}
    titles = {row["number"]: row["title"] for row in said}
    for row in said:
        if (text := fitting(asked, row["answer"])) is not None:
            kept = {name: row[name] for name in ("author", "comment", "saved_at", "queue_version")}
            of[row["number"]].append({**kept, "answer": told_of(asked, text)})
    return [{**row, "title": titles.get(row["number"], ""), "answers": of[row["number"]]} for row in page]


class NewDecision(BaseModel):
    """What is decided of one item and field."""

    model_config = ConfigDict(extra="forbid")

    number: Number
    field: str = Field(min_length=1, max_length=100)
    answer: Any = Field(None, description="As labels have it; null takes the decision back.")
    why: str | None = Field(None, max_length=20_000)
    author: Person


@routes.post("/api/queues/{name}/decisions", tags=["queues"], dependencies=[needs("label")])
def decide(request: Request, here: Here, name: Name, body: NewDecision, project: Project = DEFAULT) -> Response:
    """Say which answer of an item counts, before gold and before what labels say; labels stay as they are.

    Answers the decision: `number`, `field`, `answer`, `why`, `author`, `decided_at`. The newest counts; a null `answer`
    takes it back. 422 `bad_answers`: the answer does not fit the field.
    """
    with told():
        queue = queues.one(here.core, project, name)
        made = deciding.decide(here.core, queue, body.number, body.field, body.answer, body.why, body.author)
    answer = None if made.answer is None else json.loads(made.answer)
    return json_response(request, {
        "number": made.number, "field": made.field, "answer": answer, "why": made.why, "author": made.author,
        "decided_at": made.decided_at,
    })  # fmt: skip


def _queue(here: Context, project: str, name: str) -> Queue:
    with told():
        return queues.one(here.core, project, name)


def _asked(queue: Queue, field: str | None) -> Asked | None:
    """A field of the queue. Raises ProblemError where it has none of this name."""
    fields = terms_of(queue).fields
    found = next((one for one in fields if one.name == field), None)
    if field is not None and found is None:
        detail = f"Queue {queue.name!r} has no field {field!r}. It has {', '.join(one.name for one in fields)}."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_field", detail)
    return found


def _kept(here: Context, queue: Queue, work: Work, *asked: object) -> bytes:
    """The answer of work about the queue's labels: see `KeptAnswers`."""
    with here.core.readers.read() as cursor:
        (state,) = queries.get("queue_state").function(cursor, queue.project_id, queue.name).to_pylist() or [{}]
    key = (queue.project_id, queue.name, work.__module__, *asked)
    return here.agreements.get(key, state, lambda: here.desk.answer(queue.project_id, work, *asked))
