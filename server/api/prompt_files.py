"""Prompts as files for git: taken out and set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from duckdb import DuckDBPyConnection
from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import prompt_files, prompts
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Here, Project
from server.api.problems import ProblemError
from server.api.prompt_parts import Confirm, aside, guard, told
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
        wanted = {key: number for key, number in numbers.items() if number is not None and name in {None, key}}
        kept = store.these(cursor, project_id, wanted)
    tags = {one.name: one.tags for one in found}
    files = [
        {
            "path": prompt_files.path_of(one.name),
            "name": one.name,
            "version": one.version,
            "text": prompt_files.written(one.name, tags[one.name], one.note, orjson.loads(one.content)),
        }
        for one in kept
    ]
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
    made_by = {"author": body.author}
    files = {one["name"]: (one, store.NewVersion(**{**one["new"], **made_by})) for one in said["prompts"]}

    def work(cursor: DuckDBPyConnection) -> list[dict[str, Any]]:
        held = store.newest(cursor, project_id)
        moves = {} if label is None else store.last_moves(cursor, project_id, label)
        rows = [_row(one, new, held.get(name), moves.get(name), label) for name, (one, new) in files.items()]
        if not body.dry_run:
            for row in rows:
                if row["moved"] and row["name"] in moves:
                    guard(request, row["name"], moves[row["name"]], body.confirm)
            _set(cursor, project_id, rows, files, held, body.author)
            if label is not None and (moved := {row["name"]: row["version"] for row in rows if row["moved"]}):
                store.add_moves(cursor, project_id, label, moved, moves, body.author)
        return rows

    if body.dry_run:
        with here.core.readers.read() as cursor:
            return json_response(request, work(cursor))
    try:
        rows = here.core.writer.call(work).result(WRITE_S)
    finally:
        for name in files:
            here.prompts.forget(project_id, name)
    return json_response(request, rows)


Files = Mapping[str, tuple[Mapping[str, Any], store.NewVersion]]
"""By name what a file says, and as a version."""


def _set(  # noqa: PLR0917 - of one change
    cursor: DuckDBPyConnection,
    project_id: int,
    rows: Sequence[Mapping[str, Any]],
    files: Files,
    held: Mapping[str, store.Newest],
    author: str | None,
) -> None:
    """Set what rows say that files change."""
    versions, states = [], []
    for row in rows:
        name = row["name"]
        one, new = files[name]
        known, state = held.get(name), store.State(tuple(one["tags"]), away=False)
        if known is None or known.hash != new.hash:
            versions.append((name, row["version"], new))
        if known is None or known.state != state:
            states.append((name, known.place + 1 if known else 1, state))
    if versions:
        store.add_versions(cursor, project_id, versions)
    if states:
        store.add_states(cursor, project_id, states, author)


def _row(
    one: Mapping[str, Any], new: store.NewVersion, held: store.Newest | None, move: store.Move | None, label: str | None
) -> dict[str, Any]:
    """What setting a file's prompt comes to."""
    said = held is not None and held.hash == new.hash
    number = 1 if held is None else held.version if said else held.version + 1
    tagged = held is not None and held.state.tags == tuple(one["tags"])
    there = held is not None and not held.state.away
    change = "new" if not there else "version" if not said else "same" if tagged else "tags"
    moved = label is not None and (move is None or move.version != number)
    return {"path": one["path"], "name": one["name"], "version": number, "change": change, "moved": moved}
