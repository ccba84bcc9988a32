"""Judges against people: how they stand, the card of one, and what is to be done about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query, Request, Response

from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.aside import Inline
from server.judges.asking import SLICES, NoCardError, Question, Wanted
from server.judges.keeping import Desk

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
    found = here.judges.heads(here.core, desk(here), project, wait_s)
    return json_response(
        request, {"judges": found["heads"], **{name: found[name] for name in ("unmet", "computing", "as_of")}}
    )


@routes.get("/api/trust", tags=["judges"], dependencies=[needs("read")])
def trusted(request: Request, here: Here, project: Project = DEFAULT, wait_s: Wait = PATIENCE_S) -> Response:
    """By name of scores what a badge beside them says: `badge`, `sentence`, `n`, `evaluator`, `version`, `label`.

    `badge`: high, moderate or low (trust), unsure, or expired. It is of the ruler that scored last; `rulers` has the
    same by evaluator and version, a blank between. Scores that nobody labelled are not there.
    """
    return json_response(request, here.judges.heads(here.core, desk(here), project, wait_s)["trust"])


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
    (items that are tied, drawn as informative, or not scored), `notes`, `versions`, `disagreements`, `labels` (names
    that there are), `scored` (targets in all). 404 `no_card` says why there is none.
    """
    if by is not None and by not in SLICES:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"by is one of {', '.join(SLICES)}, and {by[:60]!r} is none."
        )
    wanted = Wanted(threshold, positive or None, informative)
    question = Question(score, evaluator, version, label or None, by, width, wanted)
    try:
        found = here.judges.card(here.core, desk(here), project, question)
    except NoCardError as error:
        raise no_card(error) from error
    return json_response(request, found)


def no_card(error: NoCardError) -> ProblemError:
    """There is no such judge, or nobody labelled what it scored."""
    return ProblemError(HTTPStatus.NOT_FOUND, "no_card", str(error))


def desk(here: Context) -> Desk:
    """Where long answers are worked out."""
    return here.aside or Inline(here.core.readers)
