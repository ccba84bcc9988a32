"""The API as one ASGI application."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp

from server.api import (
    ab_tests,
    admin,
    agreement,
    alerts,
    asking,
    books,
    budgets,
    channels,
    check,
    compare,
    compare_people,
    dashboards,
    datasets,
    docs,
    drift,
    evaluators,
    experiments,
    explore,
    feedback,
    finding,
    hardware,
    health,
    imports,
    integrity,
    invoices,
    jobs,
    judges,
    latency,
    monitor_suggestions,
    monitors,
    pairs,
    parity,
    plan,
    playground,
    prices,
    problems,
    prompt_files,
    prompt_labels,
    prompts,
    queue_fill,
    queue_items,
    queue_labels,
    queues,
    rank,
    rules,
    runs,
    saved_views,
    scoring,
    sessions,
    sql,
    suites,
    trace,
    trace_views,
    training,
    uploads,
    whatif,
)
from server.api.bodies import BodyLimit
from server.api.context import Context
from server.api.origin import OriginGuard
from server.api.rights import GuardedRoute, OpenPolicy, Policy

DESCRIPTION = """\
Traces, scores and the ledger of one Assayline server.

Every route names the right that it needs in `x-assay-right`. Answers of queries are Arrow streams unless
`?format=json` or the Accept header says otherwise; the header `x-assay-watermark` names the state of the data,
`x-assay-truncated` says whether rows are missing. Errors are `application/problem+json`: `kind` for programs,
`detail` for people. Times are UTC. A request may bring 16 MiB.
"""
MODULES = (
    health,
    books,
    imports,
    uploads,
    explore,
    sessions,
    pairs,
    trace,
    trace_views,
    finding,
    saved_views,
    latency,
    parity,
    integrity,
    whatif,
    check,
    asking,
    scoring,
    feedback,
    evaluators,
    jobs,
    judges,
    rules,
    monitor_suggestions,  # before monitors: it is no monitor's name
    monitors,
    runs,
    experiments,
    suites,
    compare,
    compare_people,
    plan,
    rank,
    playground,
    prompts,
    prompt_labels,
    prompt_files,
    ab_tests,
    datasets,
    queues,
    queue_items,
    queue_fill,
    agreement,
    queue_labels,
    training,
    alerts,
    channels,
    drift,
    prices,
    budgets,
    hardware,
    invoices,
    sql,
    dashboards,
    admin,
    docs,
)


def create_api(context: Context, policy: Policy | None = None) -> FastAPI:
    """The routes over one open store; `guarded` puts the check of origins around it."""
    api = FastAPI(
        title="Assayline",
        version=context.version,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    api.router.route_class = GuardedRoute
    api.state.context = context
    api.state.policy = policy or OpenPolicy()
    # As they are: `include_router` would analyse each anew, a quarter of a second of every server and command.
    api.router.routes.extend(route for module in MODULES for route in module.routes.routes)
    problems.install(api)
    api.add_middleware(BodyLimit)
    api.openapi = lambda: docs.describe(api)  # type: ignore[method-assign]  # the documented way to replace it
    return api


def guarded(api: FastAPI, context: Context) -> ASGIApp:
    """The API behind the check of Host and Origin."""
    settings = context.core.settings
    names = [settings.host, *settings.allowed_hosts]
    if settings.api_url is not None and settings.api_url.host:
        names.append(settings.api_url.host)
    return OriginGuard(feedback.FromPages(api), tuple(names))
