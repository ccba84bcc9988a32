"""Datasets: made, changed by version, read, compared, checked, split, taken in and out."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from starlette.background import BackgroundTask

from evaluators.errors import EvaluatorError
from server import dataset_changes, dataset_work, datasets
from server.api.answers import json_response
from server.api.bodies import MAX_UPLOAD, TooLargeError, described
from server.api.context import DEFAULT, Author, Here, Project
from server.api.problems import ProblemError, refusing
from server.api.rights import needs, router
from server.dataset_checks import LEAST_LIKENESS, LONGEST, Fix
from server.dataset_files import MEDIA, Duplicates, Format, check_name
from server.dataset_traces import MOST
from server.jobs import PAGING
from store import datasets as store
from store.dataset_changes import ChangedElsewhereError

T = TypeVar("T")
routes = router()
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NAME_RULE = "A name has 1 to 100 letters, digits and - _ . and begins with a letter or digit."


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        detail = f"{name[:100]!r} cannot name a dataset. {NAME_RULE}"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_dataset", detail)
    return name


Name = Annotated[str, Path(description=NAME_RULE), AfterValidator(_named)]
OfVersion = Annotated[int | None, Query(ge=1, description="Default the newest.")]
Note = Annotated[str, Field(max_length=2_000, description="What the change is, for those who read the versions.")]
Base = Annotated[
    int, Field(ge=0, description="The version that the change was made on: items changed since are refused.")
]
SplitName = Annotated[str | None, Query(max_length=100, description="Only items of this split; '' for those in none.")]


_told = partial(
    refusing,
    (datasets.UnknownDatasetError, HTTPStatus.NOT_FOUND, "unknown_dataset"),
    (ChangedElsewhereError, HTTPStatus.CONFLICT, "changed_elsewhere"),
    (dataset_work.DuplicatesError, HTTPStatus.CONFLICT, "duplicates"),
    (EvaluatorError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_dataset"),
)
"""What cannot be, in the words of the API."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


@routes.get("/api/datasets", tags=["datasets"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The datasets by name: `description`, `items`, `version` (the newest; 0: none), `newest`, `splits`, `runs`.

    `newest` is its newest version as in `GET /api/datasets/{name}`; `runs` counts the runs of suites that took it.
    """
    return json_response(request, datasets.listed(here.core, project))


class NewDataset(_Body):
    """A dataset without items."""

    name: Annotated[str, AfterValidator(_named)] = Field(description=NAME_RULE)
    description: str = Field("", max_length=5_000)
    author: Author = None


@routes.post("/api/datasets", tags=["datasets"], dependencies=[needs("edit")])
def create(request: Request, here: Here, body: NewDataset, project: Project = DEFAULT) -> Response:
    """Make a dataset; one of the name that is there already is left as it is. Answers as `GET /api/datasets/{name}`."""
    project_id = here.core.projects.id_of(project)
    here.core.writer.call(
        lambda cursor: store.create(cursor, project_id, body.name, body.description, body.author)
    ).result(dataset_changes.WRITE_S)
    return json_response(request, datasets.whole(here.core, project, body.name, None))


@routes.get("/api/datasets/{name}", tags=["datasets"], dependencies=[needs("read")])
def one(request: Request, here: Here, name: Name, version: OfVersion = None, project: Project = DEFAULT) -> Response:
    """One dataset with its `versions`, the newest first, and `tags` and `splits` of the version asked for.

    A version: `version`, `made_at`, `author`, `note`, `base` (on which it was made), `items`, `added`, `changed` and
    `removed` against the one before, `content` (a hash: equal for equal items and splits), `rule` (of its splits).
    `runs` are the newest of suites that took it, each with the `version`.
    """
    with _told():
        return json_response(request, datasets.whole(here.core, project, name, version))


class Description(_Body):
    description: str = Field(max_length=5_000)


@routes.put("/api/datasets/{name}", tags=["datasets"], dependencies=[needs("edit")])
def describe(request: Request, here: Here, name: Name, body: Description, project: Project = DEFAULT) -> Response:
    """Say anew what a dataset is."""
    with _told():
        project_id, found = datasets.found(here.core, project, name)
    here.core.writer.call(lambda cursor: store.describe(cursor, project_id, found.dataset_id, body.description)).result(
        dataset_changes.WRITE_S
    )
    return json_response(request, {"name": name, "description": body.description})


@routes.delete("/api/datasets/{name}", tags=["datasets"], dependencies=[needs("edit")])
def forget(
    request: Request, here: Here, name: Name,
    confirm: Annotated[str | None, Query(max_length=100, description="Its name: it comes back never.")] = None,
    project: Project = DEFAULT,
) -> Response:  # fmt: skip
    """Forget a dataset with all its versions. Runs that took it keep their rows; their suites find it no more.

    409 `unconfirmed`: `confirm` does not name the dataset, and nothing was lost. One that is made anew under the name
    goes on from the highest version.
    """
    with _told():
        project_id, found = datasets.found(here.core, project, name)
    if confirm != name:
        detail = (
            f"Deleting {name!r} forgets all its versions, {found.version:,} is the newest, and cannot be undone. "
            f"Nothing was deleted. To delete it say so: `confirm={name}`."
        )
        raise ProblemError(HTTPStatus.CONFLICT, "unconfirmed", detail)
    here.core.writer.call(lambda cursor: store.remove(cursor, project_id, found.dataset_id)).result(
        dataset_changes.WRITE_S
    )
    return json_response(request, {"name": name})


class Items(BaseModel):
    """Which items."""

    split: str | None = Field(None, max_length=100, description="Of this split; '' for those in none.")
    tag: str | None = Field(None, max_length=100, description="With this tag.")
    text: str | None = Field(None, max_length=1_000, description="With this text in any field or the id.")
    after_place: int = Field(-1, description="The next page: `last` of the one before; with backward `first`.")
    backward: bool = False
    page_size: int = Field(50, ge=1, le=1_000)


@routes.get("/api/datasets/{name}/items", tags=["datasets"], dependencies=[needs("read")])
def items(
    *, request: Request, here: Here, name: Name, wanted: Annotated[Items, Query()], version: OfVersion = None,
    project: Project = DEFAULT,
) -> Response:  # fmt: skip
    """Items of a version in order: `items`, `version`, `matching` in all, `before` this page, `first`, `last`.

    An item: `id`, the fields of a case that it has (`question`, `messages`, `reference`, `contexts`, ...), `metadata`,
    `tags`, `split`, `source` (`trace_id`, `span_id`), `since_version` from which on it is so.
    """
    params = wanted.model_dump(exclude_none=True)
    with _told():
        return json_response(request, datasets.page(here.core, project, name, version, params))


@routes.get("/api/datasets/{name}/item", tags=["datasets"], dependencies=[needs("read")])
def item(  # noqa: PLR0917 - a route
    request: Request, here: Here, name: Name, item_id: Annotated[str, Query(alias="id", max_length=1_000)],
    version: OfVersion = None, project: Project = DEFAULT,
) -> Response:  # fmt: skip
    """One item (null: it is not in that version), and its `history`: every state with the version that made it."""
    with _told():
        return json_response(request, datasets.item(here.core, project, name, item_id, version))


@routes.get("/api/datasets/{name}/diff", tags=["datasets"], dependencies=[needs("read")])
def diff(
    *, request: Request, here: Here, name: Name,
    older: Annotated[int, Query(ge=0, description="A version; 0: before the first.")],
    newer: OfVersion = None,
    change: Annotated[Literal["added", "removed", "changed"] | None, Query(description="Only these.")] = None,
    after_item: Annotated[str, Query(max_length=1_000, description="The next page: the last id before.")] = "",
    page_size: Annotated[int, Query(ge=1, le=1_000)] = 50,
    project: Project = DEFAULT,
) -> Response:  # fmt: skip
    """What differs between two versions: `added`, `removed`, `changed` in all, and `items` by id.

    Each has `change`, `fields` (those that differ), `before` and `after` (null: it is not there).
    """
    params = {"change": change, "after_item": after_item, "page_size": page_size}
    with _told():
        return json_response(request, datasets.diff(here.core, project, name, older, newer, params))


class Changes(_Body):
    """Items that are set, removed, or put into another split."""

    base: Base
    set: list[dict[str, Any]] = Field(
        default_factory=list,
        max_length=dataset_changes.MOST_CHANGED,
        description="Items, each whole; a known id's is replaced.",
    )
    remove: list[str] = Field(default_factory=list, max_length=dataset_changes.MOST_CHANGED, description="Ids.")
    move: dict[str, str] = Field(
        default_factory=dict, max_length=dataset_changes.MOST_CHANGED, description="Id -> split; '' for none."
    )
    note: Note = ""
    author: Author = None


@routes.post("/api/datasets/{name}/changes", tags=["datasets"], dependencies=[needs("edit")])
def change(request: Request, here: Here, name: Name, body: Changes, project: Project = DEFAULT) -> Response:
    """Change items: a new version, or null where nothing changes; `sentences` tell what items that were set lost.

    409 `changed_elsewhere`: some of these items were changed since `base`, and otherwise; the answer names them, and
    nothing is changed. Changes of other items are joined with those made since. 404 names ids that no item has.
    """
    with _told():
        made = dataset_changes.change(
            here.core, project, name, body.base, body.note, body.author, body.set, body.remove, body.move
        )
    return json_response(request, made)


class Splits(_Body):
    """A rule for splits."""

    base: Base
    parts: dict[str, float] = Field(description="Name -> share, such as {train: 0.8, test: 0.2}.")
    seed: int = Field(0, ge=0, lt=2**53)
    by: str | None = Field(
        None, max_length=200, description="Member of metadata: items with one value lie in one split; null: the id."
    )
    keep: bool = Field(False, description="Items that have a split keep it.")
    note: Note = ""
    author: Author = None


@routes.post("/api/datasets/{name}/split", tags=["datasets"], dependencies=[needs("edit")])
def split(request: Request, here: Here, name: Name, body: Splits, project: Project = DEFAULT) -> Response:
    """Give items splits by a hash of the seed and their cluster; items that come later get theirs by the same rule.

    So an item's split depends on its own cluster alone. Answers with the new version, whose `sentences` tell of items
    without the member `by`; null: nothing changed. 422 `bad_dataset`: no item has it.
    """
    with _told():
        made = dataset_changes.split(
            here.core, project, name, body.base, body.parts, body.seed, body.by, body.note, body.author, keep=body.keep
        )
    return json_response(request, made)


class Check(_Body):
    """What is looked for, and what is to be done about it."""

    version: int | None = Field(None, ge=1, description="Default the newest.")
    near: float | None = Field(
        0.9,
        ge=LEAST_LIKENESS,
        le=1,
        description="Likeness from which on texts are nearly the same; null: not looked for.",
    )
    longest: int = Field(LONGEST, ge=1, description="Letters of a field.")
    by: str | None = Field(
        None, max_length=200, description="Member of metadata that is the cluster; default the rule's."
    )
    fix: Fix | None = Field(None, description="Of the newest version: what is done about it, as a new version.")
    note: Note = ""
    author: Author = None


@routes.post("/api/datasets/{name}/check", tags=["datasets"], dependencies=[needs("edit")])
def check(request: Request, here: Here, name: Name, body: Check, project: Project = DEFAULT) -> Response:
    """Duplicates, near duplicates, leaks across splits, empty and long fields: `findings`, each with `named` items.

    `cut`: more than 200 were found; `bounded`: a bound kept some pairs from being compared. With `fix`: `removed`,
    `moved`, and `made`, the new version.
    """
    order = body.model_dump(include={"near", "longest", "by", "fix"})
    note = body.note or (f"Checks: {body.fix.replace('_', ' ')}." if body.fix else "")
    with _told(), dataset_work.workplace(here.core.settings) as folder:
        told = dataset_work.check(here.core, here.aside, project, name, body.version, order, folder, note, body.author)
    return json_response(request, told)


async def _spooled(request: Request, here: Here) -> AsyncIterator[FilePath]:
    """The body in a file of its own folder, which is gone after the answer."""
    with dataset_work.workplace(here.core.settings) as folder:
        size = 0
        with (folder / "upload").open("wb") as file:
            async for part in request.stream():
                size += len(part)
                if size > MAX_UPLOAD:
                    raise TooLargeError(MAX_UPLOAD)
                file.write(part)
        yield folder


class ImportParams(BaseModel):
    """How a file becomes items."""

    file: str = Field(
        min_length=1, max_length=255, description="Its name, whose end says the format: .jsonl, .csv, .parquet."
    )
    fields: str = Field("{}", max_length=10_000, description="JSON: field -> column, where names differ.")
    duplicates: Duplicates = "ask"
    split: str | None = Field(None, max_length=100, description="Of rows that name none.")
    tags: str = Field("", max_length=2_000, description="Of all rows, between commas.")
    base: int | None = Field(None, ge=0, description="The version that the import was made on; default the newest.")
    note: str = Field("", max_length=2_000)
    author: str | None = Field(None, max_length=200)
    dry_run: bool = False
    check: bool = Field(
        False, description="Have the new version checked; `checks` counts findings. Up to 20,000 items."
    )


@routes.post(
    "/api/datasets/{name}/import",
    tags=["datasets"],
    dependencies=[needs("edit")],
    openapi_extra=described(),
)
def take_in(  # noqa: PLR0917 - a route
    request: Request, here: Here, name: Name, wanted: Annotated[ImportParams, Query()],
    folder: Annotated[FilePath, Depends(_spooled)], project: Project = DEFAULT,
) -> Response:  # fmt: skip
    """Make items of a file, the body: JSON lines, CSV (also packed) or Parquet. It may have 512 MiB.

    A dataset that is not there is made with its version 1, or not at all.

    `rows`, `items` that were set, `new`, `changed`, `unchanged`, `left_out`; `columns` with the `field` that each
    became; `taken`, `repeated` and `same` count duplicates, `named` names them; `version`, the new one. 409
    `duplicates`: say `keep`, `skip` or `replace`; `loses` says what the last takes from items. 422 `bad_dataset` names
    rows that are none; then none is set.
    """
    with _told():
        end = check_name(wanted.file)
        file = (folder / "upload").rename(folder / f"file{end}")
        order = {
            "called": wanted.file, "fields": _fields(wanted.fields), "duplicates": wanted.duplicates,
            "split": wanted.split, "tags": tuple(filter(None, (tag.strip() for tag in wanted.tags.split(",")))),
        }  # fmt: skip
        told = dataset_work.take_in(
            here.core, here.aside, project, name, order, file, folder, wanted.base, wanted.note, wanted.author,
            dry_run=wanted.dry_run, look=wanted.check,
        )  # fmt: skip
    return json_response(request, told)


def _fields(text: str) -> dict[str, str]:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or not all(isinstance(column, str) for column in told.values()):
        raise datasets.DatasetProblemError(f"fields is a JSON object of field -> column, not {text[:60]!r}.")
    return told


class Target(_Body):
    trace_id: str = Field(pattern=r"^[0-9a-fA-F]{32}$")
    span_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{16}$", description="Null: the whole trace.")


class FromTraces(_Body):
    """Traces that become items."""

    filter: dict[str, Any] | None = Field(
        None, description="Parameters of the query `traces`: `since`, `until`, `score` with `score_at_most`, ..."
    )
    targets: list[Target] = Field(default_factory=list, max_length=1_000, description="These, in place of a filter.")
    unit: Literal["trace", "call"] = Field(
        "trace", description="Of a filter: an item of each trace, or of each model call."
    )
    most: int = Field(200, ge=1, le=MOST, description="Traces at most, the newest first.")
    answer_as: Literal["answer", "reference", "nothing"] = Field("answer", description="What the answer becomes.")
    duplicates: Literal["keep", "skip"] = Field("skip", description="What becomes of those that ask what an item asks.")
    split: str | None = Field(None, max_length=100)
    tags: list[str] = Field(default_factory=list, max_length=50)
    note: Note = ""
    author: Author = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> FromTraces:
        if (self.filter is None) == (not self.targets):
            raise ValueError("say a filter, or targets: one of them")
        unknown = sorted(PAGING & (self.filter or {}).keys())
        if unknown:
            raise ValueError(f"{unknown[0]!r} is of pages, not of what is taken; leave it out of the filter")
        return self


@routes.post("/api/datasets/{name}/traces", tags=["datasets"], dependencies=[needs("edit")])
def from_traces(request: Request, here: Here, name: Name, body: FromTraces, project: Project = DEFAULT) -> Response:
    """Make items of stored traces; each names its trace and span, and the same trace twice is no new item.

    `matching` traces, `items` that were set, `there` already, `same` (they ask what an item asks), `left_out`,
    `nothing_asked`, `samples`, `version` (the new one). With `dry_run` nothing is set.
    """
    order = body.model_dump(include={"filter", "unit", "most", "answer_as", "duplicates", "split"})
    order["targets"] = tuple((one.trace_id.lower(), one.span_id and one.span_id.lower()) for one in body.targets)
    order["tags"] = tuple(body.tags)
    with _told(), dataset_work.workplace(here.core.settings) as folder:
        told = dataset_work.from_traces(
            here.core, here.aside, project, name, order, folder, body.note, body.author, dry_run=body.dry_run
        )
    return json_response(request, told)


@routes.get("/api/datasets/{name}/export", tags=["datasets"], dependencies=[needs("read")])
def take_out(
    *, here: Here, name: Name, format: Annotated[Format, Query()] = "jsonl", version: OfVersion = None,  # noqa: A002
    split: SplitName = None,
    answers: Annotated[bool, Query(description="With openai: train on recorded answers too.")] = False,
    project: Project = DEFAULT,
) -> Response:  # fmt: skip
    """A version as a file: jsonl, csv, parquet, or openai (JSON lines for fine-tuning chat models).

    The header `x-assay-export` tells as JSON: `version`, `items` written, `left_out` by reason, `sentences`.
    """
    folder = dataset_work.place_of(here.core.settings)
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        with _told():
            file, told = dataset_work.take_out(
                here.core, here.aside, project, name, version, split, format, folder, answers=answers
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    headers = {"x-assay-export": json.dumps(told)}
    return FileResponse(file, media_type=MEDIA[format], headers=headers, background=gone)
