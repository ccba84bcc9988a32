"""Judges against people: how they stand, the card of one, and what is to be done about it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Literal

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from evaluators.errors import EvaluatorError
from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project
from server.api.problems import ProblemError, refusing
from server.api.rights import needs, router
from server.judges import queueing, rechecking, writing
from server.judges.asking import SLICES, NoCardError, Question, Wanted
from server.judges.keeping import fields_of
from server.labelling.queues import UnknownQueueError
from server.labelling.terms import NAME

PATIENCE_S = 20.0

routes = router()
Score = Annotated[str, Path(max_length=200, description="Name of the score.")]
Evaluator = Annotated[
    str | None, Query(max_length=200, description="What gave it; none: what gave the newest. Empty: it is not told.")
]
Version = Annotated[str | None, Query(max_length=200, description="None: the one that scored last.")]
Label = Annotated[
    str | None, Query(max_length=200, description="Name of people's labels; none: those that are for this score.")
]
Wait = Annotated[
    float, Query(alias="wait_s", ge=0, le=PATIENCE_S, description="How long to wait for what the newest labels tell.")
]


@routes.get("/api/judges", tags=["judges"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT, wait_s: Wait = PATIENCE_S) -> Response:
    """`judges`: a line for each ruler (score, evaluator, version) of scores that no person gave, most labels first.

    Each has `n` labelled items, `label` (their name; null: nobody labelled what it scored), `kappa`, `agreement`,
    `sensitivity`, `specificity` with 95 % intervals (left out where they are not defined), `trust` (high moderate low
    unsure none), `badge` (the same, or expired) with its `sentence`, `expired` (null: the card holds), `scores`,
    `failed`, `first_at`, `last_at`, `source`, `model`. `unmet`: names of labels that no score is held against.
    `computing`: newer figures than these (of `as_of`; null: none yet) are being worked out.
    """
    found = here.judges.heads(here.core, here.desk, project, wait_s)
    return json_response(
        request, {"judges": found["heads"], **{name: found[name] for name in ("unmet", "computing", "as_of")}}
    )


@routes.get("/api/trust", tags=["judges"], dependencies=[needs("read")])
def trusted(request: Request, here: Here, project: Project = DEFAULT, wait_s: Wait = PATIENCE_S) -> Response:
    """By name of scores what a badge beside them says: `badge`, `sentence`, `n`, `evaluator`, `version`, `label`.

    `badge`: high, moderate or low (trust), unsure, or expired. It is of the ruler that scored last; `rulers` has the
    same by evaluator and version, a blank between. Scores that nobody labelled are not there.
    """
    return json_response(request, here.judges.heads(here.core, here.desk, project, wait_s)["trust"])


class Ruler(BaseModel):
    """Which ruler, held against which labels; as the parameters of `GET /api/judges/{score}`."""

    model_config = ConfigDict(extra="forbid")

    evaluator: str | None = Field(None, max_length=200)
    version: str | None = Field(None, max_length=200)
    label: str | None = Field(None, max_length=200)
    threshold: float | None = Field(None, allow_inf_nan=False)
    positive: str | None = Field(None, max_length=200)
    informative: bool = False
    author: str | None = Field(None, max_length=200, description="Who does this, for the audit trail.")

    def question(self, score: str, by: str | None = None, width: float | None = None) -> Question:
        """As a card is asked for."""
        wanted = Wanted(self.threshold, self.positive or None, self.informative)
        return Question(score, self.evaluator, self.version, self.label or None, by, width, wanted)


class Plan(Ruler):
    """How many more labels, and which items."""

    width: float = Field(0.1, gt=0, lt=1e9, description="Of the interval, from end to end.")
    by: Literal[SLICES] | None = Field(None, description="Draw within each value of it.")  # type: ignore[valid-type]
    most: int = Field(200, ge=1, le=1_000, description="Items at most.")
    queue: str | None = Field(None, max_length=100, description="Put them into this queue; null: tell them alone.")


@routes.post("/api/judges/{score:path}/planner", tags=["judges"], dependencies=[needs("edit")])
def planner(request: Request, here: Here, score: Score, body: Plan, project: Project = DEFAULT) -> Response:
    """How many labels an interval of that width takes (`plan`), and which items to label next (`items`).

    Items are drawn at random among those without a label, or within each value of `by` by Neyman's rule, so that rates
    hold. With `queue` they are put into it: `added`, `there`, `refused`. Without labels a pilot is told.
    """
    from server.judges import planning  # noqa: PLC0415 - a process beside works with it

    question = body.question(score, body.by, body.width)
    fields = fields_of(here.core, project)
    with _told():
        project_id = here.core.projects.id_of(project)
        found = orjson.loads(here.desk.answer(project_id, planning.plan, question, fields, body.most))
        if body.queue is not None:
            sampling = found["method"] if found["by"] is None else f"stratified:{found['by']}"
            items = [one | {"attributes": {"sampling": sampling}} for one in found["items"]]
            why = f"drawn to tell how far {score} says what people do"
            done = queueing.fill(here.core, here.desk, project, body.queue, items, body.author, why)
            found |= {"added": len(done.added), "there": len(done.there), "refused": done.refused[:20]}
    return json_response(request, found)


class Recheck(Ruler):
    """What people labelled is scored again."""

    options: dict[str, Any] = Field(default_factory=dict, description="Of the evaluator that scores now.")
    queue: str | None = Field(None, pattern=NAME, description="That keeps the items; null: recheck- and the score.")
    budget_usd: float | None = Field(None, gt=0, allow_inf_nan=False, description="What judges may cost; null: any.")
    dry_run: bool = Field(False, description="Say what would be done.")


@routes.post("/api/judges/{score:path}/recheck", tags=["judges"], dependencies=[needs("edit")])
def recheck(request: Request, here: Here, score: Score, body: Recheck, project: Project = DEFAULT) -> Response:
    """Have what people labelled scored by the evaluator as it is installed now: a `job`, and a closed `queue`.

    The queue keeps the items with what people said as right answers, so that nobody need label them again. `targets` of
    the `items` are stored still; `why_no_job`: nothing here can score them. Without `version` the labels are those of
    the version that met most.
    """
    with _told():
        question = _best(here, project, body.question(score))
        wish = rechecking.Wish(question, body.options, body.queue, body.author, body.budget_usd, body.dry_run)
        return json_response(request, rechecking.recheck(here.core, here.desk, project, wish))


def _best(here: Context, project: str, question: Question) -> Question:
    """The ruler of the score that met most labels, where none is named."""
    if question.version is not None:
        return question
    heads = here.judges.heads(here.core, here.desk, project, PATIENCE_S)["heads"]
    mine = [one for one in heads if one["score"] == question.score and question.evaluator in {None, one["evaluator"]}]
    met = max(mine, key=lambda one: int(one["n"]), default=None)
    if met is None or not met["n"]:
        return question
    return replace(question, evaluator=met["evaluator"], version=met["version"])


class NewVersion(Ruler):
    """What labels teach, as a new version of the evaluator."""

    take_threshold: bool = Field(True, description="The threshold that fits people best.")
    examples: int = Field(
        0, ge=0, le=writing.MOST_EXAMPLES, description="Cases that people decided, shown to the judge."
    )
    name: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]{0,63}$")
    new_version: str | None = Field(None, min_length=1, max_length=50)
    dry_run: bool = Field(True, description="Say what would be written.")


@routes.post("/api/judges/{score:path}/version", tags=["judges"], dependencies=[needs("admin")])
def version_(request: Request, here: Here, score: Score, body: NewVersion, project: Project = DEFAULT) -> Response:
    """Write a threshold and examples back as a new version of the evaluator, into the file of own evaluators.

    `yaml` is what is written, to the letter, `changes` says it in sentences, `file` where (null: ASSAY_EVALUATORS_FILE
    is not set), `replaces` whether one of the name stands there. An installed evaluator gets the name with _calibrated.
    422 `not_written` says why nothing is.
    """
    wish = writing.Wish(
        _best(here, project, body.question(score)),
        body.take_threshold,
        body.examples,
        body.name,
        body.new_version,
        body.dry_run,
    )
    with _told():
        return json_response(request, writing.write(here.core, here.desk, project, wish))


_NO_CARD = (NoCardError, HTTPStatus.NOT_FOUND, "no_card")


def _told() -> AbstractContextManager[None]:
    """What is refused, in words."""
    return refusing(
        _NO_CARD,
        (UnknownQueueError, HTTPStatus.NOT_FOUND, "unknown_queue"),
        ((writing.WriteError, EvaluatorError), HTTPStatus.UNPROCESSABLE_ENTITY, "not_written"),
    )


@routes.get("/api/judges/{score:path}", tags=["judges"], dependencies=[needs("read")])
def card(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    score: Score,
    evaluator: Evaluator = None,
    version: Version = None,
    label: Label = None,
    by: Annotated[str | None, Query(description=f"A card for each value of it too: {', '.join(SLICES)}.")] = None,
    width: Annotated[
        float | None, Query(gt=0, lt=1e9, description="Of an interval: how many labels does it take?")
    ] = None,
    threshold: Annotated[
        float | None, Query(allow_inf_nan=False, description="From which on the judge says yes; none: by its scale.")
    ] = None,
    positive: Annotated[str | None, Query(max_length=200, description="The label that is a yes, of words.")] = None,
    informative: Annotated[
        bool, Query(description="Take items along that were drawn because they tell most of the judge.")
    ] = False,
    project: Project = DEFAULT,
) -> Response:
    """The calibration card of a ruler: `card` as `assay calibrate --json` prints it, with `estimates` and `plan`.

    Beside the fields of a line of `GET /api/judges`: `slices` (the same by `by`, one of `by_options`), `lines` (from
    where on judge and people say yes), `order` (of a judge that compares: whether it leans to the first), `left_out`
    (labelled items that are tied, were examples of the judge's, were drawn as informative, or are not scored), `notes`,
    `versions`, `disagreements`, `labels` (names that there are), `scored` (targets in all). 404 `no_card` says why
    there is none.
    """
    if by is not None and by not in SLICES:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"by is one of {', '.join(SLICES)}, and {by[:60]!r} is none."
        )
    wanted = Wanted(threshold, positive or None, informative)
    question = Question(score, evaluator, version, label or None, by, width, wanted)
    with refusing(_NO_CARD):
        return json_response(request, here.judges.card(here.core, here.desk, project, question))
