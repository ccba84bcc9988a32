"""Named queries: each has its route, so that its parameters stand in the API's description."""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

from fastapi import Request, Response

from server.api.answers import ARROW, FORMATS, JSON_LINES, answer_of, json_response
from server.api.context import DEFAULT, Here
from server.api.rights import needs, router
from store import queries
from store.queries import Parameter, Query

RESERVED = frozenset({"project", "format"})

routes = router()


@routes.get("/api/queries", tags=["queries"], dependencies=[needs("read")])
def listed(request: Request) -> Response:
    """Every named query: `name`, `right`, `doc`, `params` (each `name`, `type`, `required`, `default`)."""
    return json_response(request, [_shown(queries.get(name)) for name in queries.names()])


def ask(request: Request, here: Here) -> Response:
    name = request.url.path.rpartition("/")[2]
    return answer_of(request, here.core.run(name, project_of(request), params_of(request)))


def project_of(request: Request) -> str:
    return request.query_params.get("project", DEFAULT)


def params_of(request: Request) -> dict[str, object]:
    """The query's own parameters, as text; the store's registry checks them. An empty one is not given."""
    return {name: value for name, value in request.query_params.items() if name not in RESERVED and value != ""}


def add_queries() -> None:
    """A route for each query of the store, and one that names them all for a wrong name."""
    for name in queries.names():
        query = queries.get(name)
        routes.add_api_route(
            f"/api/query/{name}",
            ask,
            name=name,
            summary=_summary(query),
            description=query.doc,
            tags=["queries"],
            dependencies=[needs(query.right)],
            operation_id=f"query_{name}",
            openapi_extra={"parameters": parameters(query), "responses": responses()},
        )
    routes.add_api_route("/api/query/{name}", ask, dependencies=[needs("read")], include_in_schema=False)


def _summary(query: Query) -> str:
    return query.doc.split("\n", 1)[0]


def _shown(query: Query) -> dict[str, Any]:
    params = [
        {
            "name": one.name,
            **schema(one),
            "required": one.required,
            "default": None if one.required else one.default,
        }
        for one in query.parameters
    ]
    return {"name": query.name, "right": query.right, "doc": query.doc, "params": params}


def parameters(query: Query) -> list[dict[str, Any]]:
    """The query's parameters in OpenAPI's words, with those that every query has."""
    own = [
        {"name": one.name, "in": "query", "required": one.required, "schema": _with_default(one)}
        for one in query.parameters
    ]
    shared = [
        {"name": "project", "in": "query", "schema": {"type": "string", "default": DEFAULT}},
        format_parameter("arrow"),
    ]
    return [*own, *shared]


def format_parameter(default: str) -> dict[str, Any]:
    """The parameter that every table's route has; the Accept header is the other way to ask."""
    return {"name": "format", "in": "query", "schema": {"type": "string", "enum": list(FORMATS), "default": default}}


def _with_default(one: Parameter) -> dict[str, Any]:
    if one.default is inspect.Parameter.empty or one.default is None:
        return schema(one)
    return {**schema(one), "default": one.default}


def responses() -> dict[str, Any]:
    """The success of every query: the same three forms, and what the headers say."""
    headers = {
        "x-assay-watermark": "State of the data, commit_seq-resolved_seq: equal for equal answers.",
        "x-assay-truncated": "true: there are more rows than these.",
        "x-assay-rows": "Rows of this answer.",
        "x-assay-columns": "With JSON: names of the columns, a JSON list; left out when they are very long.",
    }
    rows = {"type": "array", "items": {"type": "object"}}
    return {
        "200": {
            "description": "The rows.",
            "headers": {name: {"description": told, "schema": {"type": "string"}} for name, told in headers.items()},
            "content": {
                ARROW: {"schema": {"type": "string", "format": "binary"}},
                "application/json": {"schema": rows},
                JSON_LINES: {"schema": {"type": "string"}},
            },
        },
    }


_SCHEMAS: dict[Any, dict[str, Any]] = {
    datetime: {"type": "string", "format": "date-time"},
    UUID: {"type": "string", "format": "uuid"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
}


def schema(one: Parameter) -> dict[str, Any]:
    """The type of one parameter, as JSON Schema."""
    return _schema(one.types[0]) if len(one.types) == 1 else {"anyOf": [_schema(kind) for kind in one.types]}


def _schema(kind: Any) -> dict[str, Any]:
    if get_origin(kind) is Literal:
        return {"type": "string", "enum": list(get_args(kind))}
    if get_origin(kind) is list:
        return {"type": "array", "items": _schema(get_args(kind)[0])}
    return _SCHEMAS[kind]


add_queries()
