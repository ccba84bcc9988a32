"""What labels become: training files, golden sets, suites over them, examples for the prompts of judges."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.background import BackgroundTask

from evaluators.errors import EvaluatorError
from evaluators.pii import IDENTIFIERS
from server import dataset_work
from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project
from server.api.problems import refusing
from server.api.queue_labels import told as told_of_queues
from server.api.rights import needs, router
from server.datasets import UnknownDatasetError
from server.labelling import queues
from server.labelling.queues import terms_of
from server.labelling.terms import Name, Terms
from server.training import work
from server.training.wanted import OfQueue, Selected, TrainingDataError, Wanted
from store.dataset_changes import ChangedElsewhereError

routes = router()


@contextmanager
def _told() -> Iterator[None]:
    with (
        told_of_queues(),
        refusing(
            (TrainingDataError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_training_data"),
            (UnknownDatasetError, HTTPStatus.NOT_FOUND, "unknown_dataset"),
            (ChangedElsewhereError, HTTPStatus.CONFLICT, "changed_elsewhere"),
            (EvaluatorError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_dataset"),
        ),
    ):
        yield


class Order(Wanted):
    """Training files, or what they would be."""

    dry_run: bool = Field(False, description="Tell what the files would hold, and send none.")


@routes.get("/api/training-data/formats", tags=["training data"], dependencies=[needs("read")])
def formats(request: Request) -> Response:
    """The formats: `format`, `title`, `trains`, `columns`, `kinds` of fields that make it, `source`, `schema` of a row.

    `schema` is a JSON schema (draft 2020-12) of one line.
    """
    from server.training.formats import catalogue  # noqa: PLC0415 - with what makes rows

    return json_response(request, catalogue())


@routes.post(
    "/api/training-data",
    tags=["training data"],
    dependencies=[needs("read")],
    responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
def training_data(request: Request, here: Here, body: Order, project: Project = DEFAULT) -> Response:
    """Training files of labels, or of end users' corrections: an archive of train.jsonl, validation.jsonl, test.jsonl.

    Beside these README.md and card.json (the data card), and items.jsonl: which item each line is of. The same labels
    and the same request give the same bytes. With `dry_run` the card alone, and `samples`: `rows`, `splits` (rows and
    answers of each), `left_out` by reason, `redacted` by type, `files` with their SHA-256, `sentences`. The header
    `x-assay-export` tells `rows` and `sentences`. 422 `bad_training_data`: the field makes no such file, or nobody said
    which of its answers are good.
    """
    wanted = Wanted.model_validate(body.model_dump(exclude={"dry_run"}, exclude_unset=True))
    folder = dataset_work.place_of(here.core.settings)
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        with _told():
            _check(here, project, wanted)
            told = work.make(here.core, here.aside, project, wanted, folder, archive=not body.dry_run)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if body.dry_run:
        shutil.rmtree(folder, ignore_errors=True)
        return json_response(request, told)
    headers = {"x-assay-export": json.dumps({name: told[name] for name in ("rows", "sentences")})}
    file = folder / "training-data.zip"
    return FileResponse(file, media_type="application/zip", headers=headers, filename=file.name, background=gone)


class Golden(Selected):
    """Items of a dataset, made of labels."""

    dataset: str = Field(min_length=1, max_length=100, description="It is made where there is none.")
    split: str | None = Field(None, max_length=100, description="Null: as the dataset's rule says.")
    redact: bool = Field(False, description="Personal data is replaced by its type; the items stay in the store.")
    note: str = Field("", max_length=2_000)
    author: str | None = Field(None, max_length=200)
    dry_run: bool = False


@routes.post("/api/training-data/dataset", tags=["training data"], dependencies=[needs("edit")])
def golden(request: Request, here: Here, body: Golden, project: Project = DEFAULT) -> Response:
    """Put labelled items into a dataset, as a new version: `reference` is what people agreed on.

    Metadata of an item: `consensus` (what it is by), `votes`, `agreeing`, `agreement`, `probability`, `queue`,
    `queue_version`, `field`, `session`, attributes. An item keeps its id, so the same again adds nothing. Answers
    `items`, `answers`, `left_out`, `samples`, `version` (null: a dry run, or nothing changed).
    """
    from server.training import golden as made_of  # noqa: PLC0415 - with what makes items

    with _told(), dataset_work.workplace(here.core.settings) as folder:
        _check(here, project, body)
        told = made_of.put(
            here.core, here.aside, project, body.dataset, body, folder, body.note, body.author, split=body.split,
            redact=IDENTIFIERS if body.redact else (), dry_run=body.dry_run,
        )  # fmt: skip
    return json_response(request, told)


class Examples(Selected):
    """Examples for a judge's prompt."""

    each: int = Field(2, ge=1, le=20, description="Of every answer.")
    seed: int = Field(0, ge=0, lt=2**53)
    redact: bool = Field(True, description="Personal data is replaced by its type.")


@routes.post("/api/training-data/examples", tags=["training data"], dependencies=[needs("read")])
def examples(request: Request, here: Here, body: Examples, project: Project = DEFAULT) -> Response:
    """Few-shot examples, as many of each answer, of items about which nobody differed: `examples`, `text`, `yaml`.

    `short`: answers with fewer examples than asked for, and how many each has; `left_out` by reason.
    """
    with _told(), dataset_work.workplace(here.core.settings) as folder:
        _check(here, project, body)
        told = _examples(here, project, body, folder, body.each, body.seed, redact=body.redact)
    return json_response(request, told)


def _examples(  # noqa: PLR0917 - what is drawn
    here: Context, project: str, wanted: Selected, folder: Path, each: int, seed: int, *, redact: bool
) -> dict[str, Any]:
    from server.training import fewshot  # noqa: PLC0415 - with what draws them

    items = folder / "items"
    head = work.gather(here.core, here.aside, project, wanted, items, tools=False)
    order = fewshot.Order(str(items), head, each, seed, IDENTIFIERS if redact else ())
    found: dict[str, Any] = dataset_work.elsewhere(here.aside, fewshot.made, order)
    return found


class NewSuite(Selected):
    """A suite over a golden set."""

    dataset: Name = Field(description="As it was made of these labels.")
    version: int | None = Field(None, ge=1, description="Null: the newest.")
    name: Name | None = Field(None, description="Of the suite; null: the dataset's.")
    at_least: float = Field(
        0.8, ge=0, le=1, allow_inf_nan=False, description="Share of items in which the answer must be people's."
    )
    each: int = Field(2, ge=0, le=20, description="Examples of every answer in the judge's prompt; 0: none.")
    seed: int = Field(0, ge=0, lt=2**53)


@routes.post("/api/training-data/suite", tags=["training data"], dependencies=[needs("read")])
def suite(request: Request, here: Here, body: NewSuite, project: Project = DEFAULT) -> Response:
    """A suite file (YAML) over a golden set, as `suite`: a judge must say what people agreed on.

    Of corrections the application is asked, and must give people's answer. The model is to be named in the file.
    """
    from server.training import fields, regression  # noqa: PLC0415 - with what makes suites

    with _told(), dataset_work.workplace(here.core.settings) as folder:
        terms = _check(here, project, body)
        asked = fields.asked_of(body.source, terms)
        drawn: list[dict[str, Any]] = []
        if body.each and fields.balanced(asked):
            drawn = _examples(here, project, body, folder, body.each, body.seed, redact=True)["examples"]
        name = body.name or body.dataset
        text = regression.suite(name, asked, terms, body.dataset, body.version, body.at_least, drawn)
    return json_response(request, {"suite": text})


def _check(here: Context, project: str, wanted: Selected) -> Terms | None:
    """What the queue says; null: none is asked for. Raises UnknownQueueError."""
    if not isinstance(wanted.source, OfQueue):
        return None
    return terms_of(queues.one(here.core, project, wanted.source.queue))
