"""The API's description at /openapi.json, and Swagger UI at /docs from files of our own: no network is asked."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, HTMLResponse, Response
from swagger_ui_bundle import swagger_ui_path

from server.api.problems import MEDIA_TYPE, ProblemError
from server.api.rights import needs, router

ASSETS = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"})
# Inline script: the page that starts Swagger UI has one. Nothing may come from, or go to, another host.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
PROBLEM_AT = "#/components/schemas/Problem"
PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "kind", "detail"],
    "properties": {
        "type": {"type": "string", "enum": ["about:blank"]},
        "title": {"type": "string", "description": "The phrase of the status."},
        "status": {"type": "integer", "description": "As the HTTP status."},
        "kind": {"type": "string", "description": "For programs: invalid, unknown_project, query_timeout, ..."},
        "detail": {"type": "string", "description": "For people: what is wrong, with which value, what to do next."},
    },
}
OPENAPI_VERSION = "3.0.3"  # the newest that Swagger UI 4 draws, the newest one that is packaged

routes = router()


@routes.get("/docs", include_in_schema=False, dependencies=[needs("public")])
def page(request: Request) -> HTMLResponse:
    """Swagger UI."""
    shown = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{request.app.title} API",
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon-32x32.png",
    )
    shown.headers["content-security-policy"] = CONTENT_POLICY
    return shown


@routes.get("/docs/assets/{name}", include_in_schema=False, dependencies=[needs("public")])
def asset(name: str) -> Response:
    """One of Swagger UI's files."""
    if name not in ASSETS:
        raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", f"No file is named {name!r} here.")
    return FileResponse(swagger_ui_path / name, headers={"cache-control": "max-age=86400"})


@routes.get("/openapi.json", include_in_schema=False, dependencies=[needs("public")])
def description(request: Request) -> dict[str, Any]:
    """OpenAPI 3.0."""
    schema: dict[str, Any] = request.app.openapi()
    return schema


def describe(api: FastAPI) -> dict[str, Any]:
    """The description of all routes, made once."""
    if api.openapi_schema is None:
        made = get_openapi(
            title=api.title,
            version=api.version,
            description=api.description,
            routes=api.routes,
            openapi_version=OPENAPI_VERSION,
        )
        api.openapi_schema = lowered(with_problems(made))
    return api.openapi_schema


def with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with our one form of an error in place of FastAPI's, which no route answers with."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    told = {"description": "Refused or failed.", "content": {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_AT}}}}
    for verbs in schema["paths"].values():
        for operation in verbs.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = told
    return schema


def lowered(schema: Any) -> Any:
    """The same schema in the words of OpenAPI 3.0, which has `nullable` where 3.1 has a type null."""
    if isinstance(schema, list):
        return [lowered(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    members = {key: lowered(value) for key, value in schema.items()}
    choices = members.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        return _nullable(members, [choice for choice in choices if choice != {"type": "null"}])
    if isinstance(members.get("exclusiveMinimum"), (int, float)):
        members["minimum"], members["exclusiveMinimum"] = members["exclusiveMinimum"], True
    if "const" in members:
        members["enum"] = [members.pop("const")]
    return members


def _nullable(members: dict[str, Any], choices: list[Any]) -> dict[str, Any]:
    rest = {key: value for key, value in members.items() if key != "anyOf"}
    if len(choices) == 1 and "$ref" not in choices[0]:
        return {**choices[0], **rest, "nullable": True}
    return {"anyOf": choices, **rest, "nullable": True}
