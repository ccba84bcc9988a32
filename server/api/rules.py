"""Standing rules: set, followed, tried out; what failed of them scored again, and what is stored scored too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from evaluators.errors import EvaluatorError
from server import jobs, previewing, rules
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Here, Project, in_utc
from server.api.evaluators import TRIAL_USD
from server.api.jobs import shown
from server.api.problems import ProblemError, refusing
from server.api.rights import needs, router
from server.judging import Files
from server.rules import RuleError, Terms, UnknownRuleError
from server.when import utc_now
from store import outcomes, queries
from store import rules as store
from store.jobs import Target

SHOWN = 200
PREVIEWED = 5

routes = router()
Name = Annotated[
    str, Path(pattern=r"^[\w.-]{1,100}$", description="Of the rule: letters, digits, dot, dash, underscore.")
]


_told = partial(
    refusing,
    (UnknownRuleError, HTTPStatus.NOT_FOUND, "unknown_rule"),
    (RuleError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_rule"),
    (EvaluatorError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_evaluator"),
)
"""What is wrong with a rule, in the words of the API."""


@routes.get("/api/rules", tags=["evaluation"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The project's standing rules, by name; fields as in `GET /api/rules/{name}`."""
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        backlogs = store.backlogs(con, project_id)
        found = [_shown(one, backlogs[one.rule_id]) for one in store.rules(con, project_id)]
    return json_response(request, found)


@routes.get("/api/rules/{name}", tags=["evaluation"], dependencies=[needs("read")])
def one(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """A rule: what it says, `version`, `state` (on off waiting), `why` it waits, and its `backlog`.

    In `backlog`: `pending` targets (of them `backfill_pending` of backfills, `working` with a worker now),
    `oldest_pending` (when the first of the new ones was taken in), `failures` (targets and evaluators that are not
    scored; `retrying` of them are ordered again), `targets_day` and `failed_day` of the last 24 hours, `targets_ever`,
    `spent_today_usd` (of the day in UTC) and `spent_usd`; null: nothing was asked that costs, or its price is unknown.
    """
    return _answer(request, here, project, name)


class NewRule(Terms):
    """A rule as it is set."""

    author: Author = None


@routes.put("/api/rules/{name}", tags=["evaluation"], dependencies=[needs("edit")])
def put(request: Request, here: Here, name: Name, body: NewRule, project: Project = DEFAULT) -> Response:
    """Set a rule; answers as `GET /api/rules/{name}`. The same again makes no new version.

    One that is new, or was off, looks at the traces that come from now on. 422 `bad_evaluator` names an evaluator or
    option that there is not, `bad_rule` a filter that does not do.
    """
    with _told():
        rules.put(here.core, project, name, Terms(**body.model_dump(exclude={"author"})), body.author)
    return _answer(request, here, project, name)


@routes.delete("/api/rules/{name}", tags=["evaluation"], dependencies=[needs("edit")])
def delete(
    request: Request, here: Here, name: Name, project: Project = DEFAULT,
    author: Annotated[str | None, Query(max_length=200, description="Who does this, for the audit trail.")] = None,
) -> Response:  # fmt: skip
    """Take a rule away, with what waits of it. Its scores stay."""
    with _told():
        rules.one(here.core, project, name)
    project_id = here.core.projects.id_of(project)
    here.core.writer.call(lambda cursor: store.delete(cursor, project_id, name, author)).result(jobs.WRITE_S)
    return json_response(request, {"deleted": name})


@routes.get("/api/rules/{name}/backlog", tags=["evaluation"], dependencies=[needs("read")])
def backlog(
    request: Request, here: Here, name: Name, project: Project = DEFAULT,
    hours: Annotated[int, Query(ge=1, le=24 * 90, description="How many hours back the sums go.")] = 24,
) -> Response:  # fmt: skip
    """`backlog` as in `GET /api/rules/{name}`, and `hours`: what was done in each, hours without anything left out.

    Of an hour (UTC): `targets`, the verdicts `ok`, `not_applicable` and `failed`, `calls` and `cached` of judges,
    `spent_usd`.
    """
    with _told():
        known = rules.one(here.core, project, name)
    since = utc_now() - timedelta(hours=hours)
    with here.core.readers.read() as con:
        told = asdict(store.backlogs(con, known.project_id)[known.rule_id])
        done = [asdict(one) for one in outcomes.hours(con, known.rule_id, since)]
    return json_response(request, {"backlog": told, "hours": done})


@routes.get("/api/rules/{name}/queue", tags=["evaluation"], dependencies=[needs("read")])
def queue(
    request: Request, here: Here, name: Name, project: Project = DEFAULT,
    state: Annotated[
        Literal["waiting", "working", "failed", "done"] | None, Query(description="Of these alone; default all.")
    ] = None,
) -> Response:  # fmt: skip
    """The 200 parts that come next, or were closed last: `state`, `targets`, the `first` of them, `attempts`, times.

    `backfill`: it is of one. `fault`: why its workers could not finish it. Closed parts are kept for an hour.
    """
    with _told():
        known = rules.one(here.core, project, name)
    with here.core.readers.read() as con:
        found = store.queue(con, known.rule_id, state, SHOWN)
    told = [asdict(part) | {"job_id": str(part.job_id), "first": _target(part.first)} for part in found]
    return json_response(request, told)


@routes.get("/api/rules/{name}/failures", tags=["evaluation"], dependencies=[needs("read")])
def failures(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """Targets that are not scored: `total`, `types` (how many by evaluator and `error_type`), 200 `failures`.

    The newest first. Of a failure: the target, `evaluator` (null: all; three workers were lost over it), `error_type`,
    `error`, `failed_at`, `retried_at` (null: nobody ordered it again). Failures of 30 days are kept.
    """
    with _told():
        known = rules.one(here.core, project, name)
    with here.core.readers.read() as con:
        found, total = store.failures(con, known.rule_id, SHOWN)
        types = store.failure_types(con, known.rule_id)
    told = {
        "total": total,
        "types": [{"evaluator": a, "error_type": b, "failures": n} for a, b, n in types],
        "failures": [_failure(one) for one in found],
    }
    return json_response(request, told)


class Again(BaseModel):
    """Which failures; nothing: all."""

    model_config = ConfigDict(extra="forbid")

    error_type: str | None = None
    evaluator: str | None = None
    trace_id: UUID | None = None
    span_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{16}$", description="With its trace.")
    session_id: str | None = None


@routes.post("/api/rules/{name}/retry", tags=["evaluation"], dependencies=[needs("edit")])
def retry(request: Request, here: Here, name: Name, body: Again, project: Project = DEFAULT) -> Response:
    """Have failures scored again, by the evaluators that failed; `targets`: how many that are.

    Those that are ordered again already are left out.
    """
    with _told():
        known = rules.one(here.core, project, name)
    span_id = None if body.span_id is None else int(body.span_id, 16)
    chosen = store.Chosen(body.error_type, body.evaluator, body.trace_id, span_id, body.session_id)
    targets = here.core.writer.call(lambda cursor: store.retry(cursor, known, chosen, jobs.PART_SIZE)).result(
        jobs.WRITE_S
    )
    return json_response(request, {"targets": targets})


class Stored(BaseModel):
    """A window of stored traces."""

    model_config = ConfigDict(extra="forbid")

    since: datetime = Field(description="Traces that started from then on.")
    until: datetime = Field(description="And before then.")
    again: bool = Field(default=False, description="Also those that the rule's evaluators have scored.")
    budget_usd: rules.Dollars | None = Field(
        None, description="What judges may cost for it, within the rule's budgets."
    )
    dry_run: bool = Field(default=False, description="Only say what that would be.")
    author: Author = None


@routes.post("/api/rules/{name}/backfill", tags=["evaluation"], dependencies=[needs("edit")])
def backfill(request: Request, here: Here, name: Name, body: Stored, project: Project = DEFAULT) -> Response:
    """Have stored traces scored as the rule says, after what is new. Answers as `GET /api/jobs/{id}`.

    With `dry_run`: how many traces (or sessions, see `unit`) are `matching`, `sampled`, and of these `scored` already,
    the `targets` that are left, the `judge_calls` they take, and an estimate of what those cost in `usd` (null:
    unknown), with `how` that is known of each of the `evaluators`.
    """
    with _told():
        known = rules.one(here.core, project, name)
        since, until = in_utc(body.since), in_utc(body.until)
        assert since is not None and until is not None  # noqa: S101, PT018 - they are no nulls
        if until <= since:
            detail = queries.backwards(since, until)
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)
        terms = rules.terms_of(known)
        if body.dry_run:
            found = rules.foretold(here.core, project, terms, since, until, again=body.again)
            return json_response(request, found)
        rules.checked(here.core, terms)
        job_id = rules.backfill(here.core, known, since, until, body.budget_usd, body.author, again=body.again)
    return json_response(request, shown(jobs.one(here.core, project, job_id)))


class Draft(Terms):
    """A rule that need not be set."""

    count: int = Field(PREVIEWED, ge=1, le=20, description="Traces, calls or sessions to try it on.")


@routes.post("/api/rules/preview", tags=["evaluation"], dependencies=[needs("edit")])
def preview(request: Request, here: Here, body: Draft, project: Project = DEFAULT) -> Response:
    """What the rule's evaluators say of the newest that match, whether or not they are in its sample.

    Of each: the target, `question` and `answer`, and `verdicts` as `assay score` tells them. Nothing is stored; judges
    may spend a dollar.
    """
    terms = Terms(**body.model_dump(exclude={"count"}))
    files = replace(Files.of(here.core.settings), budget_usd=TRIAL_USD)
    project_id = here.core.projects.id_of(project)
    with _told():
        rules.checked(here.core, terms)
        with here.core.readers.read() as con:
            targets = rules.recent(con, project_id, terms, body.count)
        rows = [_row(here, project, target) for target in targets]
        wanted = [one.model_dump() for one in terms.evaluators]
        said = here.desk.answer(project_id, previewing.previewed, files, wanted, rows)
    told = [
        _target(target) | {"question": row.get("question"), "answer": row.get("answer"), "verdicts": verdicts}
        for target, row, verdicts in zip(targets, rows, json.loads(said), strict=True)
    ]
    return json_response(request, told)


def _row(here: Here, project: str, target: Target) -> dict[str, Any]:
    """The case of a target; without anything where its spans are gone."""
    if target.session_id is not None:
        return jobs.session_of(here.core, project, target) or {"id": target.session_id}
    span_id = None if target.span_id is None else f"{target.span_id:016x}"
    return jobs.case_of(here.core, project, target.trace_id, span_id) or {"id": target.trace_id.hex}


def _answer(request: Request, here: Here, project: str, name: str) -> Response:
    with _told():
        known = rules.one(here.core, project, name)
    with here.core.readers.read() as con:
        told = store.backlogs(con, known.project_id).get(known.rule_id, store.Backlog())
    return json_response(request, _shown(known, told))


def _shown(rule: store.Rule, waiting: store.Backlog) -> dict[str, Any]:
    terms = rules.terms_of(rule)
    state, why = _state(rule, waiting)
    return {
        "name": rule.name, "version": rule.version, "state": state, "why": why, **terms.model_dump(mode="json"),
        "quiet_s": terms.quiet, "author": rule.author, "created_at": rule.created_at, "set_at": rule.set_at,
        "backlog": asdict(waiting),
    }  # fmt: skip


def _state(rule: store.Rule, waiting: store.Backlog) -> tuple[str, str | None]:
    """on, off or waiting, and why it waits."""
    if not rule.enabled:
        return "off", None
    now = utc_now()
    of_day, in_all = rule.budget_usd_per_day, rule.budget_usd
    blocked = rule.waits_until is not None and rule.waits_until > now
    if in_all is not None and ((waiting.spent_usd or 0) >= in_all or rule.waits_for_good):
        return "waiting", f"Its budget of ${in_all:g} in all allows no more calls of judges. Raise it to go on."
    if of_day is not None and ((waiting.spent_today_usd or 0) >= of_day or blocked):
        return "waiting", f"Its budget of ${of_day:g} a day allows no more calls of judges. It goes on at midnight UTC."
    return "on", None


def _target(one: Target) -> dict[str, str | None]:
    span_id = None if one.span_id is None else f"{one.span_id:016x}"
    return {"trace_id": one.trace_id.hex, "span_id": span_id, "session_id": one.session_id}


def _failure(one: store.Failed) -> Mapping[str, Any]:
    known = one.failure
    target = Target(known.trace_id, known.span_id, known.start_us, known.end_us, known.session_id)
    return _target(target) | {
        "evaluator": known.evaluator, "error_type": known.error_type, "error": known.error,
        "failed_at": one.failed_at, "retried_at": one.retried_at,
    }  # fmt: skip
