"""Prompts: fetched by applications, set by version, compared, labelled, kept as files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from duckdb import DuckDBPyConnection
from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import prompt_diff, prompt_files, prompt_usage, prompts
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Context, Here, Project, in_utc
from server.api.problems import ProblemError
from server.api.prompt_parts import (
    SMALL,
    Confirm,
    Name,
    Number,
    aside,
    fetched,
    known,
    letters_of,
    move_label,
    told,
    write,
)
from server.api.rights import Needs, needs, router
from server.jsontext import dumps
from server.prompts import LATEST
from store import prompt_versions as store

# Labels move: an application sees it within seconds, and what fails shows the last good answer for a day.
MOVES = "private, max-age=5, stale-if-error=86400"
STANDS = "private, max-age=31536000, immutable"

routes = router()


@routes.get("/api/prompts", tags=["prompts"], dependencies=[needs("read")])
def listed(
    *,
    request: Request,
    here: Here,
    text: Annotated[str | None, Query(max_length=1000, description="In the name, or in the newest version.")] = None,
    tag: Annotated[str | None, Query(max_length=100, description="Only prompts with this tag.")] = None,
    label: Annotated[str | None, Query(max_length=100, description="Only prompts with this label.")] = None,
    project: Project = DEFAULT,
) -> Response:
    """The prompts by name: `name`, `version` (newest), `model`, `note`, `set_at`, `author`, `tags`, `labels`.

    `labels`: label to version. Those that were deleted are not among them.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found, labels = store.prompts(cursor, project_id, text), store.labels_of_all(cursor, project_id)
    rows = [asdict(one) | {"labels": labels.get(one.name, {})} for one in found if tag is None or tag in one.tags]
    return json_response(request, [row for row in rows if label in {None, LATEST} or label in row["labels"]])


@routes.get("/api/prompts/{name:path}", tags=["prompts"], dependencies=[needs("read")])
def fetch(
    *,
    request: Request,
    here: Here,
    name: Name,
    label: Annotated[str | None, Query(max_length=100, description="latest, where neither is said.")] = None,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="In place of a label.")] = None,
    project: Project = DEFAULT,
) -> Response:
    """One version of a prompt, for applications: by `label` or `version`.

    `type` is text (`text`) or chat (`messages` of `role`, `content`), with `variables`, `model`, `parameters`, `tools`,
    `note`, `author`, `set_at`, `hash` and the `version`. Send the `ETag` of the last answer as `If-None-Match`: 304
    says that it still counts. A version never changes; a label may move at any time.
    """
    if label is not None and version is not None:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "Say label or version: a version is one alone.")
    project_id = here.core.projects.id_of(project)
    key = (project_id, name, version if version is not None else label or LATEST)
    kept = here.prompts.get(key, lambda: dumps(fetched(here, project, name, label or LATEST, version)))
    headers = {"etag": kept.etag, "cache-control": MOVES if version is None else STANDS, "vary": "accept-encoding"}
    if _has(request.headers.get("if-none-match"), kept.etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(kept.body, headers=headers, media_type="application/json")


def _has(told: str | None, etag: str) -> bool:
    """Whether If-None-Match names the answer (RFC 9110, 13.1.2: weak comparison)."""
    named = re.findall(r'(?:W/)?("[^"]*")|(\*)', told or "")
    return any(tag == etag or any_of for tag, any_of in named)


class NewVersion(BaseModel):
    """What a prompt says from now on."""

    model_config = ConfigDict(extra="forbid")

    content: dict[str, Any] = Field(
        description="`text`, or `messages` of {role, content}; `model`, `parameters`, `tools` as they are wanted."
    )
    note: str = Field("", max_length=prompts.MOST_NOTE, description="Why there is this version.")
    tags: list[str] | None = Field(None, description="Of the prompt; null: as they are.")
    label: str | None = Field(None, max_length=100, description="Moved to the version at once.")
    confirm: Confirm = None
    based_on: int | None = Field(
        None, ge=0, description="The newest version that you know; 0: none. 409 `changed` where there is another."
    )
    author: Author = None


@routes.put("/api/prompts/{name:path}", tags=["prompts"], dependencies=[needs("edit")])
def set_prompt(request: Request, here: Here, name: Name, body: NewVersion, project: Project = DEFAULT) -> Response:
    """Set what a prompt says: a new version, unless the newest says the same. Answers with `name`, `version`, `new`.

    422 `bad_prompt` names key, line, value and rule; 409 `protected`: the label asks for `confirm`.
    """
    with told():
        prompts.check_name(name)
        tags = None if body.tags is None else prompts.check_tags(body.tags)
        label = None if body.label is None else prompts.check_label(body.label)
    new = _new(here, body.content, body.note, body.author)
    project_id = here.core.projects.id_of(project)

    def work(cursor: DuckDBPyConnection) -> tuple[int, bool]:
        last = store.version(cursor, project_id, name)
        before = last.version if last else 0
        if body.based_on is not None and body.based_on != before:
            raise _Changed(before)
        made = store.set_version(cursor, project_id, name, new)
        if tags is not None:
            store.set_state(cursor, project_id, name, store.State(tags, away=False), body.author)
        if label is not None:
            move_label(request, cursor, project_id, name, label, made.version, body)
        return made.version, made.version != before

    try:
        version, is_new = write(here, project_id, name, work)
    except _Changed as error:
        detail = (
            f"The newest version of {name!r} is {error.version} by now, and this was made from {body.based_on}. "
            f"See what differs by POST /api/prompt-diff/{name}, then set it with `based_on: {error.version}`."
        )
        raise ProblemError(HTTPStatus.CONFLICT, "changed", detail) from error
    return json_response(request, {"name": name, "version": version, "new": is_new})


class _Changed(Exception):  # noqa: N818 - no error but a refusal, told at once
    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


def _new(here: Context, content: Mapping[str, Any], note: str, author: str | None) -> store.NewVersion:
    said = aside(here, letters_of(content), prompts.checked, dict(content))
    if said["problems"]:
        sentences = [prompts.Problem(**one).sentence for one in said["problems"]]
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_prompt", "\n".join(sentences))
    return prompts.content_of(content).new(note, author)


@routes.delete("/api/prompts/{name:path}", tags=["prompts"], dependencies=[needs("edit")])
def forget(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    name: Name,
    confirm: Annotated[
        str | None, Query(description="The prompt's name, where one of its labels is protected.")
    ] = None,
    author: Annotated[str | None, Query(max_length=200)] = None,
    project: Project = DEFAULT,
) -> Response:
    """Take a prompt from the lists and remove its labels. Its versions stay, and are fetched by their numbers.

    409 `protected`: a label is, and `confirm` does not name the prompt.
    """
    project_id = here.core.projects.id_of(project)
    known(here, project, name)

    def work(cursor: DuckDBPyConnection) -> None:
        guarded = [label for label, one in store.labels(cursor, project_id, name).items() if one.protected]
        if guarded:
            Needs("admin")(request)
            if confirm != name:
                detail = (
                    f"The label {guarded[0]!r} of {name!r} is protected. To delete the prompt name it once more: "
                    f"`--confirm {name}` in the shell, `confirm` in the API."
                )
                raise ProblemError(HTTPStatus.CONFLICT, "protected", detail)
        store.take_away(cursor, project_id, name, author)

    write(here, project_id, name, work)
    return json_response(request, {"name": name})


def _label(one: store.Move) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if key != "place"}


@routes.get("/api/prompt-versions/{name:path}", tags=["prompts"], dependencies=[needs("read")])
def versions(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """All about a prompt but what it says: `tags`, `away` (deleted), `versions`, `labels`, `history`.

    `versions`, the newest first: `version`, `model`, `note`, `author`, `set_at`, `hash`, `labels`. `labels`: `label`,
    `version`, `protected`, `moved_at`, `author`, `reason`. `history`: every move, the newest first, with
    `from_version` (null: none) and `version` (null: removed).
    """
    project_id = here.core.projects.id_of(project)
    with told(), here.core.readers.read() as cursor:
        state = store.state(cursor, project_id, name)
        if state is None:
            raise prompts.unknown(cursor, project_id, project, name)
        kept, moves = store.versions(cursor, project_id, name), store.moves(cursor, project_id, name)
        labels = store.labels(cursor, project_id, name)
    rows = [
        {key: getattr(one, key) for key in ("version", "model", "note", "author", "set_at", "hash", "variables")}
        | {"labels": [label for label, move in labels.items() if move.version == one.version]}
        for one in kept
    ]
    answer = {
        "name": name, "tags": state.tags, "away": state.away, "versions": rows,
        "labels": [_label(one) for one in labels.values()], "history": [_label(one) for one in moves],
    }  # fmt: skip
    return json_response(request, answer)


@routes.get("/api/prompt-diff/{name:path}", tags=["prompts"], dependencies=[needs("read")])
def compare(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    name: Name,
    older: Annotated[int, Query(ge=1, le=2**31 - 1)],
    newer: Annotated[int, Query(ge=1, le=2**31 - 1)],
    project: Project = DEFAULT,
) -> Response:
    """What differs between two versions: `equal`, `texts` (word by word), `model`, `parameters`, `tools`.

    `texts`: of each message `place_from`, `place_to` (null: it is not there), `role_from`, `role_to`, `changed`, and
    `parts`: [same | out | in, text] in order.
    """
    both = [fetched(here, project, name, LATEST, version) for version in (older, newer)]
    found = aside(here, sum(map(letters_of, both)), prompt_diff.diff, *(orjson.loads(dumps(one)) for one in both))
    return json_response(request, {"name": name, "older": older, "newer": newer} | found)


class Draft(BaseModel):
    """What may become a version."""

    model_config = ConfigDict(extra="forbid")

    content: dict[str, Any]


class Against(Draft):
    """What may become a version, and which it is compared with."""

    older: Number | None = Field(None, description="Null: the newest.")


@routes.post("/api/prompt-diff/{name:path}", tags=["prompts"], dependencies=[needs("read")])
def compare_draft(request: Request, here: Here, name: Name, body: Against, project: Project = DEFAULT) -> Response:
    """What a content would change of a version; as `GET /api/prompt-diff/{name}`, where `newer` is null.

    422 `bad_prompt` names key, line, value and rule.
    """
    _new(here, body.content, "", None)
    held, draft = fetched(here, project, name, LATEST, body.older), prompts.content_of(body.content).told()
    both = orjson.loads(dumps(held)), draft
    found = aside(here, sum(map(letters_of, both)), prompt_diff.diff, *both)
    return json_response(request, {"name": name, "older": held["version"], "newer": None} | found)


@routes.post("/api/prompt-check", tags=["prompts"], dependencies=[needs("edit")])
def check(request: Request, here: Here, body: Draft) -> Response:
    """What is wrong with a content: `problems` of `at`, `line` (of that text), `problem`; else `variables`, `hash`."""
    return json_response(request, aside(here, letters_of(body.content), prompts.checked, body.content))


class Values(BaseModel):
    """What a prompt is filled in with."""

    model_config = ConfigDict(extra="forbid")

    label: str | None = Field(None, max_length=100)
    version: Number | None = None
    values: dict[str, Any] = Field(default_factory=dict, description="By variable.")


@routes.post("/api/prompt-render/{name:path}", tags=["prompts"], dependencies=[needs("read")])
def render(request: Request, here: Here, name: Name, body: Values, project: Project = DEFAULT) -> Response:
    """A prompt filled in: `text` or `messages`, beside `name` and `version`. 422 `bad_values`: it cannot be."""
    held = fetched(here, project, name, body.label or LATEST, body.version)
    content = {key: held[key] for key in ("text", "messages") if key in held}
    # Always aside where there is one: loops of a template take as long as they are written to.
    found = aside(here, SMALL + 1 if held["variables"] else 0, prompts.rendered, content, body.values)
    if "problem" in found:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_values", found["problem"])
    return json_response(request, {"name": name, "version": held["version"]} | found)


@routes.get("/api/prompt-templates", tags=["prompts"], dependencies=[needs("read")])
def templates(request: Request, here: Here) -> Response:  # noqa: ARG001 - every route has it
    """Prompts to begin with: `name`, `note`, `tags`, `content`."""
    return json_response(request, prompt_files.templates())


@routes.get("/api/prompt-usage", tags=["prompts"], dependencies=[needs("read")])
def usage(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    since: Annotated[datetime, Query(description="Start of the window, inclusive.")],
    until: Annotated[datetime, Query(description="End of the window, exclusive.")],
    name: Annotated[str | None, Query(max_length=300, description="Only this prompt, with latency and scores.")] = None,
    project: Project = DEFAULT,
) -> Response:
    """Traffic that carries a prompt's name and version, by both: `rows`, and whether they are `cut`.

    `name`, `version` (as told; null: none), `calls`, `failed`, `traces`, `input_tokens`, `output_tokens`, `cost_usd`
    (of priced calls; null: none), `unpriced`, `per_call` with `per_call_low` and `_high` (95 %). With `name` also
    `error_rate`, `p50`, `p95` (nanoseconds) with `_low`, `_high`, and `scores`: by name `n`, `value`, `low`, `high`.
    """
    found = prompt_usage.usage(
        lambda query, params: here.core.run(query, project, params).table,
        {"since": in_utc(since), "until": in_utc(until)},
        name,
    )
    return json_response(request, found)
