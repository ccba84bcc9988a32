"""Prompts as files for git: taken out and set."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from duckdb import DuckDBPyConnection
from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import prompt_files, prompts
from server.api.answers import json_response
from server.api.context import DEFAULT, Here, Project
from server.api.prices import Author
from server.api.problems import ProblemError
from server.api.prompt_parts import Confirm, aside, move_label, told
from server.api.rights import needs, router
from server.prompts import LATEST
from server.runs import WRITE_S
from store import prompt_versions as store

routes = router()


@routes.get("/api/prompt-files", tags=["prompts"], dependencies=[needs("read")])
def export(
    request: Request,
    here: Here,
    name: Annotated[str | None, Query(max_length=300, description="Only this prompt.")] = None,
    label: Annotated[
        str, Query(max_length=100, description="Which version; prompts without it are left out.")
    ] = LATEST,
    project: Project = DEFAULT,
) -> Response:
    """The prompts as files for git, by name: `path`, `text` (YAML), `name`, `version`."""
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found, labels = store.prompts(cursor, project_id), store.labels_of_all(cursor, project_id)
        numbers = {one.name: one.version if label == LATEST else labels.get(one.name, {}).get(label) for one in found}
        kept = [
            (one, store.version(cursor, project_id, one.name, numbers[one.name]))
            for one in found
            if numbers[one.name] is not None and name in {None, one.name}
        ]
    files = [
        {
            "path": prompt_files.path_of(one.name), "name": one.name, "version": held.version,
            "text": prompt_files.written(one.name, one.tags, held.note, orjson.loads(held.content)),
        }
        for one, held in kept
        if held is not None
    ]  # fmt: skip
    return json_response(request, files)


class File(BaseModel):
    """A file of a prompt."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(max_length=1000, description="That errors name.")
    text: str = Field(max_length=prompt_files.MOST_FILE, description="YAML.")


class NewFiles(BaseModel):
    """Files whose prompts are set."""

    model_config = ConfigDict(extra="forbid")

    files: list[File] = Field(max_length=prompt_files.MOST_FILES)
    label: str | None = Field(None, max_length=100, description="Moved to the version of each, also where none is new.")
    confirm: Confirm = None
    dry_run: bool = Field(False, description="Only say what would be set.")
    author: Author = None


@routes.post("/api/prompt-files", tags=["prompts"], dependencies=[needs("edit")])
def take(request: Request, here: Here, body: NewFiles, project: Project = DEFAULT) -> Response:
    """Set the prompts of files, all or none. A row a file: `path`, `name`, `version`, `change`, `moved`.

    `change`: new (prompt), version (a new one), tags, or same. `moved`: whether the label moved. 422 `bad_prompt` names
    file, line, key, value and rule of each problem; others in the project stay as they are.
    """
    project_id = here.core.projects.id_of(project)
    with told():
        label = None if body.label is None else prompts.check_label(body.label)
    asked = [(one.path, one.text) for one in body.files]
    said = aside(here, sum(len(text) for _, text in asked), prompt_files.read_plain, asked)
    if said["problem"] is not None:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_prompt", said["problem"])
    files = [(one, prompts.content_of(one["content"]).new(one["note"], body.author)) for one in said["prompts"]]

    def work(cursor: DuckDBPyConnection) -> list[dict[str, Any]]:
        rows = [_taken(cursor, project_id, one, new, label) for one, new in files]
        for (one, new), row in zip(files, rows, strict=True):
            if body.dry_run:
                continue
            made = store.set_version(cursor, project_id, one["name"], new)
            state = store.State(tuple(one["tags"]), away=False)
            store.set_state(cursor, project_id, one["name"], state, body.author)
            if label is not None:
                move_label(request, cursor, project_id, one["name"], label, made.version, body)
            row["version"] = made.version
        return rows

    try:
        rows = here.core.writer.call(work).result(WRITE_S)
    finally:
        for one, _ in files:
            here.prompts.forget(project_id, one["name"])
    return json_response(request, rows)


def _taken(
    cursor: DuckDBPyConnection, project_id: int, one: Mapping[str, Any], new: store.NewVersion, label: str | None
) -> dict[str, Any]:
    """What setting a file's prompt comes to."""
    name = one["name"]
    last, state = store.version(cursor, project_id, name), store.state(cursor, project_id, name)
    there = last is not None and state is not None and not state.away
    said = last is not None and last.hash == new.hash
    tagged = state is not None and state.tags == tuple(one["tags"])
    number = 1 if last is None else last.version if said else last.version + 1
    change = "new" if not there else "version" if not said else "same" if tagged else "tags"
    held = store.labels(cursor, project_id, name).get(label or "")
    moved = label is not None and (held is None or held.version != number)
    return {"path": one["path"], "name": name, "version": number, "change": change, "moved": moved}
