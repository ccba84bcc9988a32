"""Likeness of the answer and the reference by the cosine of their embeddings."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from evaluators.case import Case
from evaluators.errors import EvaluatorError
from evaluators.protocol import Card
from evaluators.verdict import Scale, Spent, Verdict, failed, not_applicable, verdict

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of some texts, in their order, and what they took."""

    vectors: Sequence[Sequence[float]]
    tokens: int | None = None  # null: not told


class EmbeddingError(EvaluatorError):
    """No embeddings came; `kind` is a short word that can be counted."""

    def __init__(self, kind: str, reason: str) -> None:
        self.kind = kind
        super().__init__(reason)


class Embedder(Protocol):
    """Makes vectors of texts."""

    async def __call__(self, texts: Sequence[str]) -> Embedded:
        """One vector a text, in their order. Raises EmbeddingError."""


def cosine(a: Sequence[float], b: Sequence[float]) -> float | None:
    """From -1 to 1; null where a vector is all zero.

    Raises:
        ValueError: they are of different lengths.
    """
    if len(a) != len(b):
        raise ValueError(f"One vector has {len(a)} numbers, the other {len(b)}.")
    norms = math.hypot(*a) * math.hypot(*b)
    return min(max(math.fsum(x * y for x, y in zip(a, b, strict=True)) / norms, -1.0), 1.0) if norms else None


@dataclass(frozen=True, slots=True)
class EndpointEmbedder:
    """Asks an OpenAI-compatible endpoint: `POST {endpoint}/embeddings`. One try: who runs it decides on more."""

    endpoint: str  # with its version: http://localhost:8080/v1
    model: str
    key: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0

    async def __call__(self, texts: Sequence[str]) -> Embedded:
        """One vector a text. Raises EmbeddingError for whatever keeps them from coming."""
        import httpx  # noqa: PLC0415 - 0.1 s, for who asks an endpoint

        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        asked = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        try:
            async with httpx.AsyncClient(timeout=self.timeout_s) as client:
                answer = await client.post(f"{self.endpoint.rstrip('/')}/embeddings", json=asked, headers=headers)
        except httpx.TimeoutException as error:
            raise EmbeddingError("timeout", f"No embeddings came within {self.timeout_s:g} s.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EmbeddingError("connection", f"The endpoint of embeddings cannot be reached: {error}") from error
        if answer.status_code != HTTPStatus.OK:
            raise EmbeddingError(f"http_{answer.status_code}", f"It answered {answer.status_code}: {answer.text[:300]}")
        return _read(answer, len(texts))


def _read(answer: httpx.Response, count: int) -> Embedded:
    """The vectors by their index, each of finite numbers; anything else raises EmbeddingError."""
    try:
        told = answer.json()
        by_index = {one["index"]: _vector(one["embedding"]) for one in told["data"]}
        vectors = [by_index[at] for at in range(count)]
    except (ValueError, KeyError, TypeError) as error:
        raise EmbeddingError("bad_answer", f"It answered with no embeddings: {answer.text[:300]}") from error
    usage = told.get("usage")
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
    return Embedded(vectors, tokens if isinstance(tokens, int) else None)


def _vector(values: Any) -> list[float]:
    vector = [float(value) for value in values]
    if not vector or not all(math.isfinite(value) for value in vector):
        raise ValueError("A vector is empty, or has a number that is none.")
    return vector


@dataclass(frozen=True, slots=True)
class EmbeddingSimilarity:
    """The cosine of the embeddings of answer and reference."""

    endpoint: str = field(
        default="", metadata={"ruler": False}
    )  # OpenAI-compatible; where a model runs changes nothing
    model: str = ""
    key_variable: str = field(default="OPENAI_API_KEY", metadata={"ruler": False})  # the environment has the key
    timeout_s: float = field(default=30.0, metadata={"ruler": False})
    embedder: Embedder | None = field(default=None, metadata={"ruler": False})  # asked in place of the endpoint

    card: ClassVar[Card] = Card(
        "embedding_similarity",
        "1",
        "checks",
        "How alike the answer and the reference are: the cosine of their embeddings, -1 to 1.",
        ("answer", "reference"),
        scale=Scale(low=-1.0),
        cost="embedding",
        limits=(
            "Cosines of two models cannot be compared, and no level says alike for all models.",
            "Texts on one subject are alike whether or not they agree.",
        ),
    )

    def __post_init__(self) -> None:
        """Raises ValueError without anything to ask."""
        if self.embedder is None and not (self.endpoint and self.model):
            raise ValueError("The options `endpoint` and `model` are needed.")

    async def __call__(self, case: Case) -> Verdict:
        """The cosine, or why there is none."""
        texts = [case.answer or "", case.reference or ""]
        if not all(text.strip() for text in texts):
            return not_applicable("The answer or the reference is empty.")
        try:
            embedded = await self._embedder()(texts)
            value = cosine(*embedded.vectors)
        except EmbeddingError as error:
            return failed(error.kind, str(error), spent=Spent(calls=1))
        except ValueError as error:
            return failed("bad_answer", str(error), spent=Spent(calls=1))
        spent = Spent(calls=1, input_tokens=embedded.tokens)
        if value is None:
            return failed("bad_answer", "A vector of only zeros came.", spent=spent)
        return verdict(value, f"The cosine is {value:.3f}.", spent=spent)

    def _embedder(self) -> Embedder:
        if self.embedder is not None:
            return self.embedder
        return EndpointEmbedder(self.endpoint, self.model, os.environ.get(self.key_variable), self.timeout_s)
