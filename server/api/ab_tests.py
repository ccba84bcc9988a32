"""Live A/B tests: registered, assigned by, read while they run, stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from server import ab_findings, ab_results, ab_seen, ab_tests
from server.ab_tests import AbTestError, Registered, RunningError, Terms, UnknownAbTestError
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Here, Project
from server.api.problems import ProblemError, refusing
from server.api.rights import needs, router

routes = router()
# Of dots alone it would be a step in a path, which clients take before they ask.
Name = Annotated[
    str,
    Path(
        pattern=r"^\.*[A-Za-z0-9_-][A-Za-z0-9_.-]*$", max_length=100,
        description="Of the test: letters, digits, dot, dash, underscore; not dots alone.",
    ),
]  # fmt: skip
Who = Annotated[str | None, Query(max_length=200, description="Who does this, for the audit trail.")]
Confirm = Annotated[str | None, Query(max_length=100, description="The name of the test once more.")]


_told = partial(
    refusing,
    (UnknownAbTestError, HTTPStatus.NOT_FOUND, "unknown_ab_test"),
    (RunningError, HTTPStatus.CONFLICT, "running"),
    (AbTestError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_ab_test"),
)
"""What is wrong with a test, in the words of the API."""


@routes.get("/api/ab-tests", tags=["ab-tests"], dependencies=[needs("read")])
def listed(
    request: Request, here: Here, project: Project = DEFAULT,
    findings: Annotated[int, Query(ge=0, le=100, description="Of so many, running ones first, also `found`.")] = 0,
) -> Response:  # fmt: skip
    """The project's live A/B tests, by name; fields as in `GET /api/ab-tests/{name}`, without `versions`.

    `found` says what came of a test: `units` of its arms, and `comparisons` as in its results, without `series` and
    `novelty`; null: it has not begun, or is none of so many.
    """
    now = datetime.now(UTC)
    tests = ab_tests.every(here.core, project)
    first = sorted(tests, key=lambda one: ("running", "stopped", "planned").index(one.state(now)))[:findings]
    found = ab_findings.findings(here.core, project, first, now)
    return json_response(request, [ab_tests.shown(one, now) | {"found": found.get(one.name)} for one in tests])


@routes.get("/api/ab-tests/{name}", tags=["ab-tests"], dependencies=[needs("read")])
def one(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """A test: what it says, `version`, `state` (planned running stopped), and its `versions`, the newest first.

    Of a variant `traced_as` is what the attribute `variant` of its spans says; `unit_of` is the unit of a measure (USD,
    s, share; null: of the score's own scale).
    """
    with _told():
        found = ab_tests.one(here.core, project, name)
    kept = [
        {"version": row.version, "set_at": row.set_at, "author": row.author, "away": not row.document}
        for row in ab_tests.versions(here.core, project, name)
    ]
    return json_response(request, ab_tests.shown(found, datetime.now(UTC)) | {"versions": kept})


class NewAbTest(Terms):
    """A test as it is set."""

    author: Author = None


@routes.put("/api/ab-tests/{name}", tags=["ab-tests"], dependencies=[needs("edit")])
def put(request: Request, here: Here, name: Name, body: NewAbTest, project: Project = DEFAULT) -> Response:
    """Set a test; answers as `GET /api/ab-tests`, with `warnings`. Without `start` it starts now.

    The same again makes no new version. `warnings` name the scores that it asks for and that were never seen. 409
    `running`: it has begun, so that only `description` and a `stop` to come may change, and as long as no trace carries
    a variant `metric`, `better`, `mde` and `guardrails` too. 422 `bad_ab_test`: it cannot be set so.
    """
    now = datetime.now(UTC)
    terms = Terms(**body.model_dump(exclude={"author"}))
    with _told():
        made = ab_tests.put(
            here.core, project, name, terms, body.author, lambda test: ab_seen.exposed(here.core, project, test, now)
        )
    told = ab_tests.shown(made, datetime.now(UTC)) | {"warnings": ab_seen.warnings(here.core, project, made.terms)}
    return json_response(request, told)


@routes.delete("/api/ab-tests/{name}", tags=["ab-tests"], dependencies=[needs("edit")])
def forget(  # noqa: PLR0917 - what is asked
    request: Request, here: Here, name: Name, project: Project = DEFAULT, author: Who = None, confirm: Confirm = None
) -> Response:
    """Take a test away, running or not; its versions stay. 409 `unconfirmed`: `confirm` does not name the test."""
    with _told():
        if confirm != name:
            ab_tests.one(here.core, project, name)
            raise ProblemError(
                HTTPStatus.CONFLICT, "unconfirmed", f"This takes A/B test {name!r} away. Send confirm={name} to do so."
            )
        ab_tests.forget(here.core, project, name, author)
    return json_response(request, {"deleted": name})


class Stopper(BaseModel):
    """Who stops it."""

    model_config = ConfigDict(extra="forbid")

    author: Author = None


@routes.post("/api/ab-tests/{name}/stop", tags=["ab-tests"], dependencies=[needs("edit")])
def stop(request: Request, here: Here, name: Name, body: Stopper, project: Project = DEFAULT) -> Response:
    """Stop a test now: later traces do not count. Answers as `GET /api/ab-tests`."""
    with _told():
        return _answer(request, ab_tests.stop(here.core, project, name, body.author))


@routes.get("/api/ab-tests/{name}/assign", tags=["ab-tests"], dependencies=[needs("ingest")])
def assign(
    request: Request, here: Here, name: Name,
    unit: Annotated[str, Query(min_length=1, max_length=1_000, description="Id of the user, session or trace.")],
    project: Project = DEFAULT,
) -> Response:  # fmt: skip
    """The variant of a unit, always the same: `variant`, `traced_as` (to set as `variant` of its spans), `bucket`.

    In every state of the test, which `state` tells, so that nobody's application ends with it. The bucket is the first
    8 bytes of sha256 of `name:salt:unit` as a big-endian number modulo 10,000; variants share 0 to 9,999 in their
    order.
    """
    with _told():
        found = ab_tests.one(here.core, project, name)
    variant = ab_tests.assigned(name, found.terms, unit)
    told = {
        "test": name, "unit": unit, "variant": variant.name, "traced_as": variant.label(name),
        "bucket": ab_tests.bucket(name, found.terms.salt, unit), "state": found.state(datetime.now(UTC)),
        "version": found.version,
    }  # fmt: skip
    return json_response(request, told)


@routes.get("/api/ab-tests/{name}/results", tags=["ab-tests"], dependencies=[needs("read")])
def results(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """What came of a test until now, or its stop. Intervals hold at all looks together, so it may be asked every day.

    `sentence` is the finding, `warnings` say what else one must know, `over` that it is stopped. `exposure` counts
    traces and units, with those that no figure counts: without a unit id, or of several arms (`mixed_`). `arms`:
    `units` exposed, of them `valued` with the metric, and their `mean` with `low` and `high` (null: too few units).
    `mismatch`: whether units came as their weights say (`p_always` holds at all looks, `p` at one).
    `comparisons`, one a variant against the control:
    `difference` (variant less control) with `low` and `high` (null: too few units), `series` by UTC day, cumulated;
    `advice` (`kind` mismatch hurt win loss futile too_few go_on, units `needed` and `remaining` to find the effect
    wanted in 4 of 5 tests, the effect that is `shown` by now); `guardrails` (`state` hurt safe open); `novelty`: how
    the effect after the first 7 days of UTC differs from that in them; null: they are not over. A comparison's `alpha`
    is its part of the test's, which the metric and the guardrails of all variants share.
    """
    with _told():
        test = ab_tests.one(here.core, project, name)
    found = ab_results.results(here.core, project, test, datetime.now(UTC))
    if not any(arm["valued"] for arm in found["arms"]):
        found["warnings"] = [*found["warnings"], *ab_seen.warnings(here.core, project, test.terms)]
    return json_response(request, found)


def _answer(request: Request, found: Registered) -> Response:
    return json_response(request, ab_tests.shown(found, datetime.now(UTC)))
