"""How a suite names its target: one of five ways, with what each needs. Read as every part of a suite is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from evaluators.errors import EvaluatorError
from evaluators.judges.settings import TokenPrice, keyless

if TYPE_CHECKING:
    from evaluators.judges.budget import Budget
    from evaluators.judges.model import Price
    from evaluators.targets.answer import Target

WAYS = ("answered", "http", "model", "command", "python")

_Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
_Tries = Annotated[int, Field(ge=1, le=20, description="Requests for one answer, where the endpoint fails in passing.")]
_Backoff = Annotated[
    float, Field(ge=0, le=60, description="Seconds before the second try, where the endpoint names none; doubles.")
]
_Bytes = Annotated[int, Field(ge=1024, le=1 << 30, description="Bytes of one answer that are read at most.")]
_Limit = Annotated[
    float,
    Field(gt=0, le=86_400, allow_inf_nan=False, description="Seconds for one answer, with all tries and their pauses."),
]
_Version = Annotated[
    str | None,
    Field(
        min_length=1, max_length=100,
        description="Of the target, as you count it: with one, its answers count as those of the same version later.",
    ),
]  # fmt: skip
_Processes = Annotated[int, Field(ge=1, le=64, description="Processes of it that are asked at once.")]
_Memory = Annotated[int | None, Field(ge=16, description="MiB of address space that each may take; null: no limit.")]
_Folder = Annotated[str | None, Field(description="It is started in; of the suite's folder. Null: the suite's folder.")]
_Name = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]  # RFC 9110, 5.6.2


def _template(text: str) -> str:
    from evaluators.targets.templates import Template  # noqa: PLC0415 - loads jinja2

    Template(text)
    return text


def _templates(body: Any) -> Any:
    """Each text that is no template is an error of its own, whose place is that of the text."""
    from evaluators.targets.templates import faults  # noqa: PLC0415 - as above

    found = [
        InitErrorDetails(type=PydanticCustomError("template", "{said}", {"said": str(fault)}), loc=path, input=text)
        for path, text, fault in faults(body)
    ]
    if found:
        raise ValidationError.from_exception_data("body", found)
    return body


def _path(text: str) -> str:
    from evaluators.targets.paths import JsonPath  # noqa: PLC0415 - loads its library

    JsonPath(text)
    return text


_Template = Annotated[str, AfterValidator(_template)]
_Path = Annotated[str, Field(min_length=1), AfterValidator(_path)]


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("an address starts with http:// or https://")
    if "@" in text.split("://", 1)[1].split("/", 1)[0]:
        raise ValueError("an address holds no key: name an environment variable in headers_env")
    return _template(text)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSettings(_Part):
    """An endpoint: a request made from the item, an answer found in what comes back."""

    url: Annotated[
        str,
        AfterValidator(_address),
        Field(description="A template, such as http://host/ask?q={{ question | urlencode }}."),
    ]
    method: Annotated[Literal["GET", "POST", "PUT", "PATCH"], Field(description="Of the request.")] = "POST"
    headers: Annotated[Mapping[_Name, _Template], Field(description="Header to template of its value.")] = Field(
        default_factory=dict
    )
    headers_env: Annotated[
        Mapping[_Name, str],
        Field(description="Header to the environment variable that holds its value, such as a key."),
    ] = Field(default_factory=dict)
    body: Annotated[
        Annotated[JsonValue, AfterValidator(_templates)],
        Field(
            description="Sent as JSON, its texts templates over the item: {{ question }}, {{ metadata.customer }}, "
            "{{ contexts }}, {{ repeat }}, {{ seed }}. A text that is one placeholder alone becomes the value itself, "
            "a list or a number. Null: no body."
        ),
    ] = None
    answer: Annotated[
        _Path | None,
        Field(
            description="JSONPath (RFC 9535) of the answer, such as $.answer. Null: the body is the answer, as text."
        ),
    ] = None
    contexts: Annotated[_Path | None, Field(description="JSONPath of what it retrieved: a list, or texts.")] = None
    tool_calls: Annotated[_Path | None, Field(description="JSONPath of its tool calls {name, arguments}.")] = None
    input_tokens: Annotated[_Path | None, Field(description="JSONPath of the number.")] = None
    output_tokens: Annotated[_Path | None, Field(description="JSONPath of the number.")] = None
    cost_usd: Annotated[_Path | None, Field(description="JSONPath of the US dollars that it cost.")] = None
    session: Annotated[_Path | None, Field(description="JSONPath of the conversation's id.")] = None
    stream: Annotated[
        Literal["none", "sse", "lines"],
        Field(
            description="none: one JSON body. sse: server-sent events; lines: a line each. Of a stream each part is "
            "JSON, the texts that `answer` finds are joined, and the time to the first is measured."
        ),
    ] = "none"
    timeout_s: _Limit = 60.0
    tries: _Tries = 3
    backoff_s: _Backoff = 0.5
    max_bytes: _Bytes = 4 << 20
    version: _Version = None

    def make(self, folder: Path, price: Price | None = None, budget: Budget | None = None) -> Target:
        """The target. Raises EvaluatorError: a variable of `headers_env` is not set, or holds what no header can."""
        del folder, price
        from evaluators.targets.endpoint import HttpTarget  # noqa: PLC0415 - only what is asked is loaded

        return HttpTarget(self, budget)


class MessageSettings(_Part):
    """One message of a prompt."""

    role: Annotated[Literal["system", "user", "assistant"], Field(description="Who says it.")]
    content: Annotated[_Template, Field(description="A template over the item.")]


class StoredPrompt(_Part):
    """A prompt that is kept by version: what it says when the run is prepared is what is sent."""

    stored: Annotated[str, Field(min_length=1, max_length=200, description="Its name.")]
    label: Annotated[
        str | None, Field(min_length=1, max_length=50, description="Such as production; null: latest.")
    ] = None
    version: Annotated[int | None, Field(ge=1, description="In place of a label.")] = None
    project: Annotated[
        str | None, Field(min_length=1, max_length=200, description="That keeps it; null: the run's own.")
    ] = None

    @model_validator(mode="after")
    def _one_version(self) -> StoredPrompt:
        if self.label is not None and self.version is not None:
            raise ValueError("a stored prompt is of a label, or a version: one of them")
        return self


OWN = ("model", "messages", "stream")
"""Members of a request that settings of their own tell: as parameters they would go before these unseen."""


def own_member(parameters: Mapping[str, Any]) -> str | None:
    """What is wrong with parameters; null: nothing."""
    found = next((name for name in OWN if name in parameters), None)
    if found is None:
        return None
    return f"{found!r} is no parameter: it would go before the {found} that is shown. Take it out of the parameters."


def _parameters(told: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    if (problem := own_member(told)) is not None:
        raise ValueError(problem)
    return told


def _prompt(told: Any, _: Any) -> str | StoredPrompt:
    """Which of the two it is, so that only what is wrong with that one is told."""
    if isinstance(told, Mapping):
        return StoredPrompt.model_validate(told)
    if not isinstance(told, str | StoredPrompt):
        raise ValueError("a prompt is a text, or {stored: NAME}")  # noqa: TRY004 - pydantic takes no other
    return _template(told) if isinstance(told, str) else told


class ModelSettings(_Part):
    """A model at its provider."""

    provider: Annotated[
        Literal["openai", "anthropic", "bedrock"],
        Field(description="openai: any endpoint that speaks its protocol. The others are asked without streaming."),
    ] = "openai"
    base_url: Annotated[
        str | None,
        AfterValidator(keyless),
        Field(description="Such as http://localhost:8000/v1; null: the provider's."),
    ] = None
    model: Annotated[str, Field(min_length=1, description="As the provider names it.")]
    key_env: Annotated[
        str | None, Field(description="The environment variable that holds the key; null: none is wanted.")
    ] = None
    region: Annotated[str | None, Field(description="Of bedrock; null: as its SDK finds it.")] = None
    prompt: Annotated[
        Annotated[str | StoredPrompt, WrapValidator(_prompt)] | None,
        Field(
            description="What the user says: a template over the item; or a stored prompt, {stored: NAME, label: "
            "production}. Null: its question; of an item without one its conversation (`messages`)."
        ),
    ] = None
    messages: Annotated[
        tuple[MessageSettings, ...] | None, Field(min_length=1, description="The whole prompt, in place of `prompt`.")
    ] = None
    system: Annotated[
        _Template | None, Field(description="The system prompt: a template. Null: the item's own, where it has one.")
    ] = None
    parameters: Annotated[
        Mapping[str, JsonValue],
        AfterValidator(_parameters),
        Field(description="As the provider names them: temperature, max_tokens. To a seed the repeat is added."),
    ] = Field(default_factory=dict)
    stream: Annotated[bool, Field(description="Whether to stream, so that the time to the first token is known.")] = (
        True
    )
    concurrency: Annotated[int, Field(ge=1, le=1024, description="Requests in flight at most.")] = 64
    timeout_s: _Limit = 120.0
    tries: _Tries = 4
    backoff_s: _Backoff = 0.5
    max_bytes: _Bytes = 4 << 20
    price: Annotated[
        TokenPrice | None, Field(description="US dollars per million tokens; null: the list price, where there is one.")
    ] = None
    version: _Version = None

    @model_validator(mode="after")
    def _one_prompt(self) -> ModelSettings:
        if self.messages is not None and (self.prompt is not None or self.system is not None):
            raise ValueError("messages are the whole prompt: leave out prompt and system, or messages")
        if isinstance(self.prompt, StoredPrompt) and self.system is not None:
            raise ValueError("a stored prompt is the whole prompt: leave out system, or write the prompt here")
        return self

    def make(self, folder: Path, price: Price | None = None, budget: Budget | None = None) -> Target:
        """The target. Raises EvaluatorError: its key is not set, its SDK not installed, or its prompt still stored."""
        del folder
        if isinstance(self.prompt, StoredPrompt):
            raise EvaluatorError(f"The prompt {self.prompt.stored!r} is stored, and nobody has looked it up.")
        from evaluators.targets.model import ModelTarget  # noqa: PLC0415 - as above

        return ModelTarget(self, price=price, budget=budget)


class CommandSettings(_Part):
    """A program that reads a JSON line an item and writes one an answer."""

    run: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="The program and its arguments, started in `folder`. It reads the item's row with `repeat`, "
            "`seed` and `traceparent` as a JSON line, and writes {answer, contexts, tool_calls, usage}, or {error}.",
        ),
    ]
    folder: _Folder = None
    timeout_s: Annotated[_Seconds, Field(description="Seconds for one answer.")] = 60.0
    memory_mb: _Memory = None
    processes: _Processes = 1
    max_bytes: _Bytes = 4 << 20
    version: _Version = None

    def make(self, folder: Path, price: Price | None = None, budget: Budget | None = None) -> Target:
        """The target; its program is started when it is first asked."""
        del price
        from evaluators.targets.programs import command_target  # noqa: PLC0415 - as above

        return command_target(self, folder, budget)


class PythonSettings(_Part):
    """A function of yours, run in your Python."""

    function: Annotated[
        str,
        Field(
            pattern=r"^[\w.]+:[\w.]+$",
            description="module:function. It gets the row as a dictionary, and returns a text or "
            "{answer, contexts, tool_calls, usage}; it may be async.",
        ),
    ]
    interpreter: Annotated[
        str | None,
        Field(description="Of your environment, such as .venv/bin/python; of the suite's folder. Null: Assayline's."),
    ] = None
    folder: _Folder = None
    timeout_s: Annotated[_Seconds, Field(description="Seconds for one answer.")] = 60.0
    start_s: Annotated[_Seconds, Field(description="Seconds for its imports.")] = 60.0
    memory_mb: _Memory = None
    processes: _Processes = 1
    max_bytes: _Bytes = 4 << 20
    version: _Version = None

    def make(self, folder: Path, price: Price | None = None, budget: Budget | None = None) -> Target:
        """The target; its function is imported when it is first asked."""
        del price
        from evaluators.targets.programs import python_target  # noqa: PLC0415 - as above

        return python_target(self, folder, budget)


class TargetSettings(_Part):
    """What a suite asks: exactly one of five ways."""

    answered: Annotated[
        Literal[True] | None, Field(description="True: the items' own answers are scored, and nobody is asked.")
    ] = None
    http: Annotated[HttpSettings | None, Field(description="An endpoint is asked.")] = None
    model: Annotated[ModelSettings | None, Field(description="A model is asked.")] = None
    command: Annotated[CommandSettings | None, Field(description="A program is asked.")] = None
    python: Annotated[PythonSettings | None, Field(description="A function is asked.")] = None

    @model_validator(mode="after")
    def _one_way(self) -> TargetSettings:
        ways = [way for way in WAYS if getattr(self, way) is not None]
        if len(ways) != 1:
            raise ValueError(
                f"a target is exactly one of {', '.join(WAYS)}; this one has {' and '.join(ways) or 'none'}"
            )
        return self

    def make(
        self,
        folder: Path,
        price: Price | None = None,
        budget: Budget | None = None,
        concurrency: int | None = None,
    ) -> Target:
        """The target. Relative paths are of the folder; money is of the price, and spent within the budget.

        `concurrency`: answers that it gives at once; null: whoever asks sees to it.

        Raises:
            EvaluatorError: an environment variable that it needs is not set, or a package is not installed.
        """
        from evaluators.targets.aside import Aside  # noqa: PLC0415 - as above
        from evaluators.targets.recorded import Recorded  # noqa: PLC0415

        way = self.http or self.model or self.command or self.python
        return Recorded() if way is None else Aside(way.make(folder, price, budget), concurrency)
