"""What is asked of a model and what comes back, alike for all providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from evaluators.case import Json

Kind = Literal[
    "unparsable", "off_scale", "incomplete", "truncated", "refused", "auth", "bad_request", "rate_limited", "timeout",
    "server", "budget", "empty",
]  # fmt: skip
"""Why a judge gave no verdict. incomplete: it left out what it was asked about; server: it or the network failed."""

RETRIED: frozenset[Kind] = frozenset({"rate_limited", "timeout", "server"})  # the same call may do better later
REASKED: frozenset[Kind] = frozenset({"unparsable", "off_scale", "incomplete", "truncated", "empty"})  # told, once


class AskError(Exception):
    """A judge gave nothing that can be used."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        retry_after_s: float | None = None,
        billed: bool = False,
        status: int | None = None,
        body: Literal["garbage", "too_large"] | None = None,
    ) -> None:
        self.kind, self.retry_after_s = kind, retry_after_s
        self.status = status  # of HTTP, that is none of success; null: it was one, or there was no response
        self.body = body  # what is wrong with that of a success; null: nothing is
        self.billed = billed  # the provider may bill the call, and nobody knows how much
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a call; null: not told."""

    input_tokens: int | None = None
    output_tokens: int | None = None


Price = Callable[[str, str, Usage], float | None]
"""US dollars of a call, by provider (OpenTelemetry's name), model and usage; null: unknown."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call."""

    model: str
    turns: Sequence[Turn]
    params: Mapping[str, Json] = field(default_factory=dict)  # as the provider names them
    schema: Mapping[str, Json] | None = None  # of the JSON object that is asked for; null: text
    timeout_s: float = 60.0
    headers: Mapping[str, str] = field(default_factory=dict)  # beside the client's own; bedrock sends none


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    text: str
    finish: Literal["stop", "length", "refused"] = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str | None = None  # the one that answered; null: not told
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Vectors:
    """Embeddings, one a text."""

    vectors: Sequence[Sequence[float]]
    usage: Usage = field(default_factory=Usage)


class ModelClient(Protocol):
    """One provider. It does one call and retries nothing: the judge does. Bound to one event loop."""

    async def complete(self, request: Request) -> Reply:
        """The answer. Raises AskError."""

    async def embed(self, model: str, texts: Sequence[str], timeout_s: float) -> Vectors:
        """The embeddings of the texts. Raises AskError."""

    async def close(self) -> None:
        """Give the connections back."""
