"""What a judge does as OpenTelemetry spans, in the GenAI semantic conventions: one per verdict, one per call below it.

A tracer comes from outside, with its exporter and project; without one nothing is imported and nothing done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evaluators.judges.model import AskError, Reply, Request
from evaluators.judges.settings import JudgeSettings
from evaluators.verdict import Verdict

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "bedrock": "aws.bedrock"}  # OpenTelemetry's names

# Parameters that the conventions have a name for.
_PARAMS = {
    "temperature": "gen_ai.request.temperature", "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens", "seed": "gen_ai.request.seed",
    "top_p": "gen_ai.request.top_p",
}  # fmt: skip


def tracer_of(provider: TracerProvider) -> Tracer:
    """The tracer that judges take."""
    return provider.get_tracer("assayline.judges")


@contextmanager
def verdict_span(
    tracer: Tracer | None, evaluator: str, version: str, case_id: str | int | None
) -> Iterator[Span | None]:
    """The span of one verdict, the parent of its calls."""
    if tracer is None:
        yield None
        return
    attributes = {
        "gen_ai.span.kind": "evaluator",
        "assay.evaluator.name": evaluator,
        "assay.evaluator.version": version,
    }
    if case_id is not None:
        attributes["assay.case.id"] = str(case_id)
    with tracer.start_as_current_span(f"evaluate {evaluator}", attributes=attributes) as span:
        yield span


def tell_verdict(span: Span | None, evaluator: str, version: str, verdict: Verdict) -> None:
    """Write the verdict on its span, as an evaluation event; an error as the span's."""
    if span is None:
        return
    if verdict.status == "error":
        _fail(span, verdict.error_type or "error", verdict.reason)
        return
    told = {
        "gen_ai.evaluation.name": evaluator, "gen_ai.evaluation.evaluator.version": version,
        "gen_ai.evaluation.score.value": verdict.value, "gen_ai.evaluation.score.label": verdict.label,
        "gen_ai.evaluation.explanation": verdict.reason,
    }  # fmt: skip
    span.add_event("gen_ai.evaluation.result", {name: value for name, value in told.items() if value is not None})


@contextmanager
def call_span(tracer: Tracer | None, settings: JudgeSettings, request: Request) -> Iterator[Span | None]:
    """The span of one call; an AskError that passes through is told on it."""
    if tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only where somebody traces

    name = f"chat {request.model}"
    attributes = _asked(settings, request)
    with tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except AskError as error:
            _fail(span, error.kind, str(error))
            raise


def tell_reply(span: Span | None, reply: Reply) -> None:
    """Write the answer of a call on its span."""
    if span is None:
        return
    finish = {"stop": "stop", "length": "length", "refused": "content_filter"}[reply.finish]
    told = {
        "gen_ai.response.model": reply.model, "gen_ai.response.id": reply.id,
        "gen_ai.usage.input_tokens": reply.usage.input_tokens,
        "gen_ai.usage.output_tokens": reply.usage.output_tokens,
        "gen_ai.response.finish_reasons": (finish,),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": reply.text}], "finish_reason": finish}]
        ),
    }  # fmt: skip
    span.set_attributes({name: value for name, value in told.items() if value is not None})


def _asked(settings: JudgeSettings, request: Request) -> Mapping[str, Any]:
    told: dict[str, Any] = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": PROVIDERS[settings.provider],
        "gen_ai.request.model": request.model, "gen_ai.output.type": "text" if request.schema is None else "json",
        "gen_ai.input.messages": json.dumps(
            [{"role": turn.role, "parts": [{"type": "text", "content": turn.text}]} for turn in request.turns]
        ),
    }  # fmt: skip
    told |= {_PARAMS[name]: value for name, value in request.params.items() if name in _PARAMS}
    if settings.base_url is not None:
        address = urlsplit(settings.base_url)
        told["server.address"] = address.hostname or settings.base_url
        if address.port is not None:
            told["server.port"] = address.port
    return told


def _fail(span: Span, kind: str, message: str) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, message[:500]))
