"""Which judges there are: a YAML document that names models, never keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from evaluators.case import Json
from evaluators.documents import LineOf, entries
from evaluators.errors import EvaluatorError

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def keyless(address: str | None) -> str | None:
    """An address without its last slash. Raises ValueError: it is none of HTTP, or has room for a key."""
    if address is None:
        return None
    if not address.startswith(("http://", "https://")):
        raise ValueError("an address starts with http:// or https://")
    if "@" in address or "?" in address:
        raise ValueError("an address holds no key: name an environment variable in key_env")
    return address.rstrip("/")


class TokenPrice(_Part):
    """US dollars per million tokens."""

    input: _Dollars
    output: _Dollars


class JudgeSettings(_Part):
    """One model and how it is asked."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    provider: Literal["openai", "anthropic", "bedrock"] = "openai"  # openai: any endpoint that speaks its protocol
    base_url: Annotated[str | None, AfterValidator(keyless)] = None  # null: the provider's own
    model: Annotated[str, Field(min_length=1)]
    key_env: str | None = None  # the environment variable that holds the key; null: the endpoint wants none
    region: str | None = None  # of bedrock; null: as its SDK finds it
    params: Mapping[str, JsonValue] = Field(default_factory=dict)  # over temperature 0 and 2,048 tokens; null: not sent
    response_format: Literal["json_object", "json_schema", "text"] = "json_object"  # openai: what the endpoint knows
    embeddings: str | None = None  # a model of embeddings at the same endpoint
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8  # calls in flight at most
    tries: Annotated[int, Field(ge=1, le=20)] = 4  # of one call, where the endpoint fails in passing
    backoff_s: Annotated[float, Field(ge=0, le=60)] = 0.5  # before the second try; doubles each time
    call_timeout_s: _Positive = 60.0
    timeout_s: _Positive = 120.0  # of one verdict, from its first call on
    price: TokenPrice | None = None  # null: the list price, where there is one

    @property
    def sent(self) -> dict[str, Json]:
        """The parameters of every call."""
        usual: dict[str, Json] = {"temperature": 0, "max_tokens": 2048}
        if "max_completion_tokens" in self.params:
            del usual["max_tokens"]
        return {name: value for name, value in {**usual, **self.params}.items() if value is not None}

    @property
    def identity(self) -> dict[str, Json]:
        """All of it that changes what the judge says."""
        return {
            "provider": self.provider, "base_url": self.base_url, "model": self.model, "params": self.sent,
            "response_format": self.response_format, "embeddings": self.embeddings,
        }  # fmt: skip

    def key(self) -> str | None:
        """The key, from the environment; null: none is wanted.

        Raises:
            EvaluatorError: the variable is not set.
        """
        if self.key_env is None:
            return None
        key = os.environ.get(self.key_env, "").strip()
        if not key:
            raise EvaluatorError(f"Judge {self.name!r} takes its key from {self.key_env}, which is not set.")
        return key


def parse_judges(document: Any, origin: str, line_of: LineOf | None = None) -> dict[str, JudgeSettings]:
    """The judges of a parsed YAML document `{judges: [...]}`, by name, in order. `line_of` finds the line of a part.

    Raises:
        DocumentError: it is not of that form, or names a judge twice; says where.
    """
    return {one.name: one for one in entries(document, "judges", JudgeSettings, origin, line_of)}
