"""Comparisons of variants: runs of suites item by item, and live traffic; and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import orjson
from fastapi import Query, Request, Response

from analytics.multiple import Method
from server import runs as stored
from server.api.answers import packed
from server.api.asking import parameters, params_of, project_of
from server.api.context import Context, Here
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.aside import Work
from server.compare import report
from server.compare import runs as of_runs
from server.compare import traffic as of_traffic
from server.compare.answer import MOST_VARIANTS, Question
from server.compare.measures import NotComparableError
from server.compare.runs import Variant
from server.compare.stated import Stated, texts
from server.compare.traffic import By, Window
from server.evals.figures import verb
from store import queries
from store.queries.compare import Slice

SHARED = {
    "parameters": [one for one in parameters(queries.get("calls_totals")) if one["name"] not in {"format", "kind"}]
}
OWN = frozenset(
    {"by", "values", "baseline", "quality", "adjust", "slice", "as", "margins", "lower", "higher", "equivalence"}
)

routes = router()

Runs = Annotated[str, Query(description="Ids of two to ten runs that ended, 32 hex digits each, between commas.")]
Baseline = Annotated[str | None, Query(description="What all others are compared with; none: the first.")]
Quality = Annotated[str | None, Query(description="Key of the measure that counts most; none: the first of quality.")]
Adjust = Annotated[
    Method, Query(description="Of p-values over all that is compared: holm: no false finding; bh: few among findings.")
]
Margins = Annotated[
    str | None,
    Query(
        description="Differences that do not matter, KEY=SIZE between commas (or a JSON list): of a share 0.02 or "
        "2 points, else in the measure's unit. Is a variant not worse by more?"
    ),
]
Lower = Annotated[str | None, Query(description="Keys of measures of which less is better, between commas.")]
Higher = Annotated[str | None, Query(description="Keys of measures of which more is better, between commas.")]
Equivalence = Annotated[bool, Query(description="Ask whether variants are within the margin on both sides.")]
Form = Annotated[
    Literal["json", "html", "markdown"], Query(alias="as", description="The answer, or its report, which stands alone.")
]


@routes.get("/api/compare/runs", tags=["compare"], dependencies=[needs("read")])
def compared_runs(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    runs: Runs,
    baseline: Baseline = None,
    quality: Quality = None,
    adjust: Adjust = "bh",
    slice_: Annotated[str | None, Query(alias="slice", description="A key of the items' metadata, or cluster.")] = None,
    margins: Margins = None,
    lower: Lower = None,
    higher: Higher = None,
    equivalence: Equivalence = False,
    form: Form = "json",
) -> Response:
    """Runs against the baseline (the id of one), item by item: items are the same by id and by what they hold.

    `headlines`: of each variant a sentence of quality, cost and latency; `pairs`: a row per measure and pair as
    `assay compare --json` writes it, b minus a, each with its `sentence`, `tone`, `title`; `stated`: sides and margins
    as given; `own`: each variant on its own with its interval; `measures`; `refused`: what has
    another ruler; `shared`: how many items runs have in common; `front`: cost against quality; `spreads`, `scatters`:
    how values lie; `sliced`, `paradoxes`: within the slices asked for, of `slices`. Repeats are averaged first, and
    items of a cluster of the suite vary together. 422 `not_comparable`: too few runs, one without an end, or a measure
    that is not there.
    """
    variants = variants_of(here, project_of(request), runs)
    first = variants[0] if baseline is None else _named(variants, baseline)
    question = Question(first.name, quality or None, adjust, _stated(margins, lower, higher, equivalence=equivalence))
    return _told(request, here, form, of_runs.answer, variants, question, slice_ or None)


@routes.get("/api/compare/rows", tags=["compare"], dependencies=[needs("read")])
def rows(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    runs: Annotated[str, Query(description="Ids of two runs, the baseline first.")],
    quality: Quality = None,
    page: Annotated[int, Query(ge=0, le=10_000)] = 0,
    worse: Annotated[bool, Query(description="Only items that are worse than in the baseline.")] = False,
    item: Annotated[str | None, Query(description="This item alone.")] = None,
    lower: Lower = None,
    higher: Higher = None,
) -> Response:
    """Items that two runs share, those that got worse most first: `rows`, `matching`, `regressed`, `size` of a page.

    A row has `item`, `case`, `change` in the measure (positive: better; null: one of both has no value), and `answers`:
    of both runs the item's rows of results.jsonl.
    """
    variants = variants_of(here, project_of(request), runs)
    if len(variants) != 2:
        raise refused(f"Rows are of two runs, and {len(variants):,} {verb(len(variants), 'was', 'were')} given.")
    stated = _stated(None, lower, higher)
    return answered(request, here, of_runs.rows, variants, quality or None, page, worse, item, stated)


@routes.get("/api/compare/traffic", tags=["compare"], dependencies=[needs("read")], openapi_extra=SHARED)
def compared_traffic(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    by: Annotated[By, Query(description="What tells the variants apart.")],
    values: Annotated[str, Query(description="Two to ten of them, a JSON list of texts.")],
    baseline: Baseline = None,
    quality: Quality = None,
    adjust: Adjust = "bh",
    slice_: Annotated[Slice | None, Query(alias="slice", description="What calls are sliced by.")] = None,
    margins: Margins = None,
    lower: Lower = None,
    higher: Higher = None,
    equivalence: Equivalence = False,
    form: Form = "json",
) -> Response:
    """Model calls of a window, told apart by a dimension; samples of different requests, so nothing is paired.

    Fields as of `/api/compare/runs`, and `course`: what was known of the chosen measure up to twelve moments, with
    bounds (null: too few units yet) that hold at all looks and of all variants together, with an error of 5 %. Measures
    are the five scores with most values (the newest of each target; failed ones are in no mean; of several rulers the
    one with most values in all variants, which `notes` and `refused` tell), cost of a call (those without a price are
    left out, and counted in `variants`), latency, failures and tokens. Calls of a session, else of a user, else of a
    trace vary together. Of more than 20,000 calls in all a sample of whole traces is read, which `notes` tell.
    """
    window, first = window_of(request, OWN, by, values, baseline, slice_)
    stated = _stated(margins, lower, higher, equivalence=equivalence)
    question = Question(first, quality or None, adjust, stated)
    return _told(request, here, form, of_traffic.answer, window, question)


def window_of(  # noqa: PLR0917 - as the request has it
    request: Request, own: frozenset[str], by: By, values: str, baseline: str | None, slice_: Slice | None = None
) -> tuple[Window, str]:
    """The calls that a request is of, and the baseline. `own`: its parameters that are no filters of calls.

    Raises:
        ProblemError: there are too few or too many values, or the baseline is none of them.
    """
    names = values_of(values)
    if baseline is not None and baseline not in names:
        raise refused(f"The baseline {baseline!r} is none of the variants: {', '.join(names)}.")
    given = {name: value for name, value in params_of(request).items() if name not in own}
    asked = queries.get("calls_totals").parse(given | {"kind": "llm"})
    since, until = cast("datetime", asked.pop("since")), cast("datetime", asked.pop("until"))
    return Window(by, names, since, until, asked, slice_), baseline or names[0]


def _stated(margins: str | None, lower: str | None, higher: str | None, *, equivalence: bool = False) -> Stated:
    try:
        return Stated(texts(margins), texts(lower), texts(higher), equivalence)
    except NotComparableError as error:
        raise refused(str(error)) from error


def values_of(text: str, least: int = 2, most: int = MOST_VARIANTS) -> list[str]:
    """Values of a dimension, each once. Raises ProblemError: the text is no list, or has too few or too many."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refused(f"`values` is a JSON list of texts, and {text[:100]!r} is none.") from error
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise refused(f"`values` is a JSON list of texts, and {text[:100]!r} is none.")
    names = list(dict.fromkeys(found))
    _many(len(names), "variants", least, most)
    return names


def _many(count: int, what: str, least: int, most: int) -> None:
    if not least <= count <= most:
        raise refused(f"This is of {least} to {most} {what}, and {count:,} {verb(count, 'was', 'were')} given.")


def variants_of(
    here: Context, project: str, told: str, least: int = 2, most: int = MOST_VARIANTS
) -> list[Variant]:  # fmt: skip
    """The runs in their order. Raises ProblemError: there is none of an id, or one has no end."""
    ids = [_id(one) for one in dict.fromkeys(part.strip() for part in told.split(",") if part.strip())]
    _many(len(ids), "runs", least, most)
    return of_runs.named([_run(here, project, one) for one in ids])


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise refused(f"{text[:60]!r} is no id of a run: these have 32 hex digits.") from error


def _run(here: Context, project: str, run_id: UUID) -> tuple[str, str, str, dict[str, Any], dict[str, Any]]:
    try:
        run, texts = stored.found(here.core, project, run_id)
    except stored.UnknownRunError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_run", str(error)) from error
    if texts.summary is None or texts.manifest is None:
        raise refused(f"The run {run_id.hex} of {run.suite} is {run.state} and has no end to compare. Take another.")
    started = run.started_at or run.created_at
    return run_id.hex, run.suite, started.isoformat(), orjson.loads(texts.manifest), orjson.loads(texts.summary)


def _named(variants: Sequence[Variant], run_id: str) -> Variant:
    wanted = _id(run_id).hex
    for one in variants:
        if one.run_id == wanted:
            return one
    raise refused(f"The baseline {wanted} is none of the runs that are compared.")


def _told(request: Request, here: Context, form: str, work: Work, *arguments: object) -> Response:
    """The answer, or its report."""
    if form == "json":
        return answered(request, here, work, *arguments)
    found = orjson.loads(_worked(request, here, work, *arguments))
    if form == "markdown":
        return Response(report.markdown(found), media_type="text/markdown")
    return Response(report.html(found), media_type="text/html", headers={"content-security-policy": "sandbox"})


def answered(request: Request, here: Context, work: Work, *arguments: object) -> Response:
    """What the work says, in a process beside the server. Raises ProblemError where it cannot be compared."""
    return packed(request, _worked(request, here, work, *arguments), "application/json")


def _worked(request: Request, here: Context, work: Work, *arguments: object) -> bytes:
    project_id = here.core.projects.id_of(project_of(request))
    try:
        return here.desk.answer(project_id, work, *arguments)
    except NotComparableError as error:
        raise refused(str(error)) from error


def refused(detail: str, kind: str = "not_comparable") -> ProblemError:
    """What was asked for cannot be answered; the sentence says why."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, kind, detail)
