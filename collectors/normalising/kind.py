"""What a span is: a model call, a tool, an agent and so on."""

from __future__ import annotations

from collectors.conventions.kinds import PLAIN_SPEAKERS, embeds, is_plain, kind_of_word, says_any_model
from collectors.conventions.values import plain
from collectors.conventions.view import View
from collectors.facts import Kind, SpanFacts
from collectors.model import RawSpan, TextMap
from collectors.normalising.options import NormaliserOptions

CALLS: frozenset[Kind] = frozenset({"llm", "embedding"})

MODELLED: frozenset[Kind] = frozenset({"llm", "embedding", "agent", "reranker"})


def read_kind(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """What the span is."""
    kind = _told_kind(span, view)
    facts.kind = "workflow" if kind == "tool" and _sums_up_tools(view) else kind


def _told_kind(span: RawSpan, view: View) -> Kind:
    for key, value in view.items("kind"):
        word = plain(value) or ""
        if word[:1] == "{":  # braintrust.span_attributes
            held = view.json(key)
            word = str(held.get("type", "")) if isinstance(held, dict) else ""
        kind = kind_of_word(key, word)
        if kind is not None and not (is_plain(key, word) and not _is_of_models(span, view)):
            return _kind_of_model_call(span, view, word) if kind == "llm" else kind
    return _kind_by_keys(span, view)


def _sums_up_tools(view: View) -> bool:
    """Google ADK adds a span `(merged tools)` to parallel executions. No provider accepts a tool of such a name."""
    return (view.text("tool_name") or "").startswith("(")


def _is_of_models(span: RawSpan, view: View) -> bool:
    """Whether something besides its type says that a span has to do with models."""
    names = (span.origin.scope_name, span.name, view.attributes.get("framework") or "")
    return view.any(_OF_MODELS) or any(name.startswith(PLAIN_SPEAKERS) for name in names)


_OF_MODELS = frozenset(
    {
        "provider", "request_model", "response_model", "model_weak", "response_id", "input_tokens", "output_tokens",
        "total_tokens", "usage_json", "aggregated_input", "cost", "cost_json", "ttft_s", "ttft_ms", "finish_reason",
        "prompt_name", "agent_name", "tool_name", "tool_call_id", "params_json", "input", "output", "output_text",
        "output_tool_calls", "system_instructions", "tool_definitions", "documents_json", "input_indexed",
        "output_indexed", "tools_indexed", "documents_indexed", "texts_indexed",
    }
)  # fmt: skip
"""Facts that nothing but model telemetry tells; bare words such as `input` and `query` are none."""


def _kind_of_model_call(span: RawSpan, view: View, word: str) -> Kind:
    """Where the word says no more than that a model was called, the model's name decides."""
    if _only_prepares(span, view):
        return "workflow"
    return _kind_by_model(view) if says_any_model(word) else "llm"


def _kind_by_model(view: View) -> Kind:
    return "embedding" if embeds(view.text("request_model", "response_model")) else "llm"


def _only_prepares(span: RawSpan, view: View) -> bool:
    """LlamaIndex marks `OpenAI._prepare_chat_with_tools` as a model call: it builds the request and sends nothing."""
    return "_prepare" in span.name and span.name.rpartition(".")[2].startswith("_prepare") and not view.any(USAGE)


def _kind_by_keys(span: RawSpan, view: View) -> Kind:
    attributes = span.attributes
    called = "gen_ai.tool.call.id" in attributes or "tool_arguments" in attributes
    run = "tool_input" in view.found and "tool_name" in view.found and "request_model" not in view.found
    signs: tuple[tuple[bool, Kind], ...] = (
        ("evaluator_name" in attributes, "evaluator"),
        (span.name == "running tools" or span.name.startswith(("evaluate {", "case: {")), "workflow"),
        ("aggregated_input" in view.found or ("agent_name" in attributes and "both_json" in view.found), "agent"),
        ("texts_indexed" in view.found or "embedding.model_name" in attributes, "embedding"),
        ("documents_indexed" in view.found or "gen_ai.retrieval.documents" in attributes, "retriever"),
        (called or run, "tool"),
    )
    return next((kind for holds, kind in signs if holds), None) or _kind_of_call(view, attributes)


_CALLED = frozenset({"response_id", "provider", "output_indexed"})

_ANSWERED = frozenset({"output_indexed", "input_tokens", "output_tokens", "usage_json"})


def _kind_of_call(view: View, attributes: TextMap) -> Kind:
    model = any(key in attributes for key in ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name"))
    told = view.any(_ANSWERED)
    messages = "gen_ai.output.messages" in attributes or "gen_ai.completion" in attributes
    if model and (told or messages or "provider" in view.found):
        return _kind_by_model(view)
    usage = attributes.keys() & {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "llm.token_count.prompt"}
    return "llm" if usage and view.any(_CALLED) else "other"


USAGE = frozenset(
    {
        "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
        "usage_json", "aggregated_input", "aggregated_output",
    }
)  # fmt: skip
