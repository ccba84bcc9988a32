"""The fields that a line can ask for, and where they stand in the store."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Kind = Literal["text", "words", "count", "duration", "money", "id", "score", "attribute"]
Source = Literal["derived", "calls", "origins"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `columns`: of a row of `trace_summaries`, or, `of_span`, of `spans s`; one of them has the value."""

    name: str
    kind: Kind
    columns: tuple[str, ...]
    help: str
    of_span: bool = False
    listed: bool = False  # the column is a list: any of its values
    sources: frozenset[Source] = frozenset()  # what is joined to a span for it: d, c, o
    told: str = ""  # condition by which it is told; empty: a column is neither null nor empty
    choices: tuple[str, ...] = ()  # all that it can be; empty: any text


def _trace(
    name: str, kind: Kind, told: str, *columns: str, listed: bool = False, has: str = "", choices: tuple[str, ...] = ()
) -> Field:
    return Field(name, kind, columns or (name,), told, listed=listed, told=has, choices=choices)


def _span(
    name: str, kind: Kind, told: str, *columns: str, sources: tuple[Source, ...] = (), choices: tuple[str, ...] = ()
) -> Field:
    return Field(name, kind, columns, told, of_span=True, sources=frozenset(sources), choices=choices)


def _sum(first: str, second: str) -> str:
    return f"coalesce({first} + {second}, {first}, {second})"


def _told(name: str) -> str:
    return f"coalesce(d.{name}, s.{name})"


PROVIDER = _trace("provider", "text", "provider of one of its model calls", "provider")
SCORE = _trace("score", "score", "newest score of the trace, of a span or of its session: score.NAME")
ATTRIBUTE = _span(
    "attr", "attribute", "attribute of a span or of its resource: attr.KEY", "s.attributes[{key}]", "o.resource[{key}]",
    sources=("origins",),
)  # fmt: skip

OF_TRACE = {
    field.name: field
    for field in (
        _trace("service", "text", "service of the root"),
        _trace("environment", "text", "deployment environment"),
        _trace("release", "text", "release of the service"),
        _trace(
            "status", "text", "ok, recovered (only inner spans failed) or error", choices=("ok", "recovered", "error")
        ),
        _trace("session", "text", "session id", "session_id"),
        _trace("user", "text", "user id", "user_id"),
        _trace("tag", "text", "one of its tags", "tags", listed=True),
        _trace("variant", "text", "one of its variants", "variants", listed=True),
        _trace("prompt", "text", "prompt and version, answer@3", "prompts", listed=True),
        _trace("model", "text", "a model that answered", "models", listed=True),
        PROVIDER,
        _trace("name", "text", "name of the root span", "root_name"),
        _trace("error", "text", "type or message of its error", "error_type", "error_message", has="errors > 0"),
        _trace("duration", "duration", "from first start to last end", "duration_ns"),
        _trace("cost", "money", "US dollars of its model calls", "cost_usd"),
        _trace("tokens", "count", "tokens in and out", _sum("input_tokens", "output_tokens")),
        _trace("input_tokens", "count", "tokens in"),
        _trace("output_tokens", "count", "tokens out"),
        _trace("spans", "count", "number of spans"),
        _trace("errors", "count", "number of failed spans", has="errors > 0"),
        _trace("calls", "count", "model calls, failed ones included", "(model_calls_ok + model_calls_failed)"),
        _trace("tools", "count", "tool executions", "tool_executions"),
        _trace("trace", "id", "trace id", "trace_id"),
        SCORE,
    )
}
"""What the summary of a trace tells: asked of all traces at once."""

_WITHIN = (
    _span("kind", "text", "kind of a span: llm, tool, agent, retriever", "s.kind"),
    _span("tool", "text", "tool that a span ran", "s.tool_name"),
    _span("agent", "text", "agent of a span", "s.agent_name"),
    _span("finish_reason", "text", "why a model call ended", _told("finish_reason"), sources=("derived",)),
    _span(
        "operation", "text", "operation of a span: chat, embeddings",
        "coalesce(s.attributes['gen_ai.operation.name'], s.attributes['ai.operationId'])",
    ),
    _span("ttft", "duration", "time to the first token of a model call", _told("ttft_ns"), sources=("derived",)),
    _span("input", "words", "text that went in", _told("input"), sources=("derived",)),
    _span("output", "words", "text that came out", _told("output"), sources=("derived",)),
    _span("name", "text", "name of a span", "s.name"),
    _span("status", "text", "unset, ok or error", "s.status", choices=("unset", "ok", "error")),
    _span("service", "text", "service of a span", "s.service"),
    _span("provider", "text", "provider of a span", _told("provider"), sources=("derived",)),
    _span(
        "model", "text", "model that a span asked or that answered it", _told("response_model"),
        _told("request_model"), sources=("derived",),
    ),
    _span(
        "error", "text", "type or message of a span's error", _told("error_type"), _told("error_message"),
        sources=("derived",),
    ),
    _span("duration", "duration", "length of a span", "s.duration_ns"),
    _span("cost", "money", "US dollars of a span", "c.cost_usd", sources=("calls",)),
    _span(
        "tokens", "count", "tokens in and out of a span", _sum(_told("input_tokens"), _told("output_tokens")),
        sources=("derived",),
    ),
    _span("input_tokens", "count", "tokens into a span", _told("input_tokens"), sources=("derived",)),
    _span("output_tokens", "count", "tokens out of a span", _told("output_tokens"), sources=("derived",)),
)  # fmt: skip

OF_SPAN = {field.name: field for field in _WITHIN}
"""What a span tells, by its name within braces."""

ANYWHERE = OF_TRACE | {
    name: field
    for field in _WITHIN
    for name in ((f"span.{field.name}",) if field.name in OF_TRACE else (field.name, f"span.{field.name}"))
}
"""What stands outside of braces: a name that both have is the trace's, and with `span.` before it the span's."""

KEYED = {"attr": ATTRIBUTE, "score": SCORE}
FLAGS = ("has", "no")


def known(*, within: bool) -> list[str]:
    """Names of the fields that stand there; `within`: in braces. `attr.` and `score.` go on with a name."""
    if within:
        return [*OF_SPAN, "attr.", *FLAGS]
    spans = (f"span.{name}" if name in OF_TRACE else name for name in OF_SPAN)
    return [*(name for name in OF_TRACE if name != "score"), *spans, "score.", "attr.", *FLAGS]


def found(name: str, *, within: bool) -> tuple[Field, str] | None:
    """The field of this name and what follows `attr.` or `score.`; null: there is none."""
    head, dot, key = name.partition(".")
    if dot and key and head in KEYED and not (within and head == "score"):
        return KEYED[head], key
    if within:
        field = OF_SPAN.get(name.removeprefix("span."))
        return None if field is None else (field, "")
    return (ANYWHERE[name], "") if name in ANYWHERE else None


def nearest(name: str, *, within: bool) -> str | None:
    """The field that was likely meant."""
    close = get_close_matches(name.lower(), known(within=within), n=1)
    return close[0] if close else None
