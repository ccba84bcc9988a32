"""The playground: a prompt asked of several models at once, answers streamed; which models there are to choose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from starlette.types import Receive, Scope, Send

from collectors.errors import UnavailableError
from evaluators.judges.settings import keyless
from server import playground, playground_models, playground_suite, suites
from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project
from server.api.problems import ProblemError
from server.api.prompt_parts import aside, letters_of
from server.api.rights import needs, router
from server.jsontext import dumps
from server.playground import PlaygroundError, Playing
from server.prompts import MOST_JSON
from server.when import utc_now

routes = router()


class Column(BaseModel):
    """A model, as a suite names one (`target.model`)."""

    model_config = ConfigDict(extra="forbid")

    provider: Literal["openai", "anthropic", "bedrock"] = Field(
        "openai", description="openai: any endpoint that speaks its protocol. The others answer without streaming."
    )
    base_url: Annotated[str, Field(max_length=2000), AfterValidator(keyless)] | None = Field(
        None, description="Such as http://127.0.0.1:11434/v1; null: the provider's."
    )
    model: str = Field(min_length=1, max_length=300, description="As the provider names it.")
    key_env: str | None = Field(
        None, max_length=200, description="The environment variable of its key, one of ASSAY_SUITES_ENV; null: none."
    )
    region: str | None = Field(None, max_length=100, description="Of bedrock; null: as its SDK finds it.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, max_length=100, description="As the provider names them: temperature, max_tokens."
    )

    @field_validator("parameters")
    @classmethod
    def _short(cls, told: dict[str, Any]) -> dict[str, Any]:
        if len(orjson.dumps(told)) > MOST_JSON:
            raise ValueError(f"parameters are longer than {MOST_JSON:,} letters of JSON")
        return told


class Prompt(BaseModel):
    """A prompt, and who is asked."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, description="A template, sent as the user's; or messages.")
    messages: list[dict[str, Any]] | None = Field(
        None, max_length=100, description="Of {role, content}: system, user, assistant; contents are templates."
    )
    tools: list[dict[str, Any]] = Field(
        default_factory=list, max_length=200, description="As they are sent to the providers."
    )
    models: list[Column] = Field(
        min_length=1, max_length=playground.MOST_COLUMNS, description="Asked at the same time; a column each."
    )

    def asked(self, one: Column) -> dict[str, Any]:
        """A model as a suite has it, with the tools."""
        told = one.model_dump()
        if self.tools and "tools" not in told["parameters"]:
            told["parameters"] = {**told["parameters"], "tools": self.tools}
        return told


class Wish(Prompt):
    """A prompt, what fills it in, and who is asked."""

    variables: dict[str, Any] = Field(default_factory=dict, description="By name, as templates use them.")
    timeout_s: float = Field(playground.USUAL_S, gt=0, le=playground.LONGEST_S, description="Seconds for each answer.")


@routes.post("/api/playground", tags=["playground"], dependencies=[needs("edit")])
def play(here: Here, body: Wish) -> Response:
    """Ask models with a prompt, side by side. Answers with server-sent events; nothing is stored.

    Each event is JSON of `column` (place among `models`) and `kind`. `start`: it is asked. `text`: the next piece.
    `tool_call`: `name`, `arguments`, `id`. `done`: the whole `text`, `finish_reason` (stop, length, content_filter,
    tool_calls), `latency_ms`, `ttft_ms`, `input_tokens`, `output_tokens`, `cost_usd` by the list price with
    `price_source`, `price_version`, `price_note`; null: unknown. `error`: `error_type`, `reason`; the others go on.
    The stream ends when every column is done or failed; whoever leaves earlier cancels what is asked. 422 `bad_prompt`,
    `bad_values`: what cannot be filled in. A model's key is the value of an environment variable that ASSAY_SUITES_ENV
    names.
    """
    messages = _messages(here, body)
    models = [_settings(one, body) for one in body.models]
    try:
        playing = here.playground.begin(models, messages, here.core.settings)
    except PlaygroundError as error:
        raise UnavailableError(str(error), retry_after_s=2.0) from error
    return _Stream(playing)


def _messages(here: Context, body: Wish) -> list[dict[str, str]]:
    """The prompt, filled in: aside where it has loops and the like, which take as long as they are written to."""
    content = body.model_dump(include={"text", "messages"}, exclude_none=True)
    letters = len(orjson.dumps([content, body.variables]))
    if letters > playground.MOST_SENT:
        detail = f"Prompt and variables have {letters:,} letters; {playground.MOST_SENT:,} are the most. Send less."
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
    if here.aside is None or not playground.is_work(content):
        told = playground.filled(content, body.variables)
    else:
        told = orjson.loads(here.aside.compute(playground.FILL_S, playground.filled, content, body.variables))
    if "problem" in told:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, told["kind"], told["problem"])
    messages: list[dict[str, str]] = told["messages"]
    return messages


def _settings(one: Column, body: Wish) -> Any:
    from evaluators.targets.config import ModelSettings  # noqa: PLC0415 - loaded where somebody is asked

    # One try: a second one would say again what was told already. Whoever looks on asks anew.
    return ModelSettings.model_validate(
        {**body.asked(one), "timeout_s": body.timeout_s, "tries": 1, "max_bytes": playground.MOST_BYTES}
    )


class Stored(BaseModel):
    """Which items."""

    model_config = ConfigDict(extra="forbid")

    stored: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="Name of the dataset.")
    version: int | None = Field(None, ge=1, description="Null: the newest.")
    split: str | None = Field(None, max_length=100)


class Suite(Prompt):
    """A prompt over a dataset."""

    stored: str | None = Field(None, max_length=200, description="A stored prompt, in place of text and messages.")
    version: int | None = Field(None, ge=1, description="Of the stored prompt.")
    dataset: Stored
    evaluators: list[str | dict[str, Any]] = Field(min_length=1, max_length=50, description="As a suite has them.")


@routes.post("/api/playground/suite", tags=["playground"], dependencies=[needs("edit")])
def suite(request: Request, here: Here, body: Suite) -> Response:
    """The suite that asks these models, an arm each, with this prompt over a dataset.

    Answers with `name`, `document` and `over`, as `POST /api/experiments` takes them; nothing is ordered. A variable
    that no field of an item is called by is taken from the item's metadata. 422 `bad_prompt`: it is none.
    """
    content = body.model_dump(include={"text", "messages", "stored", "version"}, exclude_none=True)
    asked = [body.asked(one) for one in body.models]
    letters = letters_of([content, asked])
    told = aside(here, letters, playground_suite.suite, content, asked, body.dataset.model_dump(), body.evaluators)
    if "problem" in told:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_prompt", told["problem"])
    return json_response(request, told)


class _Stream(StreamingResponse):
    """The events of one request; its models are given up when it ends, however it does."""

    def __init__(self, playing: Playing) -> None:
        self._playing = playing
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(_written(playing), headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._playing.end()


async def _written(playing: Playing) -> AsyncIterator[bytes]:
    async for came in playing.events():
        yield b"".join(b"data: " + dumps(one) + b"\n\n" for one in came) or b": alive\n\n"


@routes.get("/api/playground/models", tags=["playground"], dependencies=[needs("read")])
def models(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """Models that can be chosen without typing: `models`, and the `variables` that keys may stand in (`name`, `set`).

    A model has the fields of `POST /api/playground` with `source` (judge, suite, traffic), `name` (of the judge or the
    suite; of traffic its provider), `calls` (of traffic, of 30 days), `usable`, and `why` it is not. Models of traffic
    are suggestions: with the variable that such keys usually have. `problems`: what could not be read. No key is told.
    """
    settings = here.core.settings
    told = _named(here, project)
    now = utc_now()
    since = now - timedelta(days=playground_models.LOOKS_BACK_DAYS)
    window: dict[str, object] = {"since": since, "until": now + timedelta(days=1), "kind": "llm"}
    rows = here.core.run("whatif_models", project, window, playground_models.MOST).table.to_pylist()
    every = [*told["models"], *playground_models.seen(rows)]
    answer = {
        "models": playground_models.offered(every, settings), "variables": playground_models.variables(settings),
        "problems": told["problems"],
    }  # fmt: skip
    return json_response(request, answer)


def _named(here: Context, project: str) -> dict[str, Any]:
    """Those of judges and suites: aside where their texts are long, as YAML is seconds of Python."""
    suites_ = [(one.name, one.document) for one in suites.every(here.core, project) if "model:" in one.document]
    judges: Path | None = here.core.settings.judges_file
    letters = sum(len(document) for _, document in suites_) + playground_models.letters_of(judges)
    told: dict[str, Any] = aside(here, letters, playground_models.named, judges, suites_)
    return told
