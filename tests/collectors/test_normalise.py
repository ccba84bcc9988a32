"""Every derived column, dialect by dialect: tables of cases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.facts import SpanFacts
from collectors.model import Origin, RawEvent, RawSpan
from collectors.normalise import normalise
from collectors.normalising.identity import hashed_user
from collectors.normalising.options import NormaliserOptions

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND


def facts_of(attributes: dict[str, Any], **members: Any) -> SpanFacts:
    """Facts of a span of one second whose attributes are given as Python values."""
    origin = Origin(1, members.pop("resource", {}), members.pop("scope", "test"))
    stored = {k: v if isinstance(v, str) or v is None else json.dumps(v) for k, v in attributes.items()}
    options = members.pop("options", NormaliserOptions())
    span = {"name": "span", "start_ns": START, "end_ns": START + SECOND, "attributes": stored, **members}
    return normalise(RawSpan(origin, b"\1" * 16, 2, None, **span), options)


KINDS = [
    ({"openinference.span.kind": "LLM"}, "llm"),
    ({"openinference.span.kind": "llm"}, "llm"),
    ({"openinference.span.kind": "CHAIN", "llm.input_messages.0.message.role": "user"}, "workflow"),
    ({"openinference.span.kind": "RERANKER"}, "reranker"),
    ({"openinference.span.kind": "GUARDRAIL"}, "guardrail"),
    ({"openinference.span.kind": "UNKNOWN", "gen_ai.operation.name": "chat"}, "llm"),
    ({"langfuse.observation.type": "generation"}, "llm"),
    ({"lmnr.span.type": "LLM", "gen_ai.request.model": "text-embedding-3-small"}, "embedding"),
    ({"lmnr.span.type": "LLM", "gen_ai.request.model": "acme-embedded-chat-7b"}, "llm"),
    ({"langfuse.observation.type": "generation", "gen_ai.request.model": "Nomic-Embed-Text"}, "embedding"),
    ({"gen_ai.operation.name": "invoke_model", "gen_ai.request.model": "amazon.titan-embed-text-v2:0"}, "embedding"),
    ({"gen_ai.operation.name": "chat", "gen_ai.request.model": "acme-embed-chat-7b"}, "llm"),
    ({"llm.request.type": "completion", "gen_ai.request.model": "acme-embed-chat-7b"}, "llm"),
    ({"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "acme-embed-chat-7b"}, "llm"),
    ({"langfuse.observation.type": "span", "gen_ai.operation.name": "execute_tool"}, "tool"),
    ({"langsmith.span.kind": "retriever"}, "retriever"),
    ({"ai.operationId": "ai.generateText"}, "workflow"),
    ({"ai.operationId": "ai.streamText.doStream"}, "llm"),
    ({"ai.operationId": "ai.embedMany.doEmbed"}, "embedding"),
    ({"ai.operationId": "ai.toolCall"}, "tool"),
    ({"gen_ai.operation.name": "generate_content"}, "llm"),
    ({"gen_ai.operation.name": "text_completion"}, "llm"),
    ({"gen_ai.operation.name": "embeddings"}, "embedding"),
    ({"gen_ai.operation.name": "invoke_agent"}, "agent"),
    ({"gen_ai.operation.name": "invoke_workflow"}, "workflow"),
    ({"gen_ai.operation.name": "retrieval"}, "retriever"),
    ({"gen_ai.operation.name": "search_memory"}, "memory"),
    ({"gen_ai.operation.name": "chat.completions"}, "llm"),
    ({"traceloop.span.kind": "task"}, "workflow"),
    ({"llm.request.type": "embedding"}, "embedding"),
    ({"llm.request.type": "aembedding", "gen_ai.request.model": "voyage-3", "gen_ai.system": "voyage"}, "embedding"),
    ({"llm.request.type": "arerank", "gen_ai.request.model": "rerank-v3", "gen_ai.system": "cohere"}, "reranker"),
    ({"llm.request.type": "acompletion"}, "llm"),
    ({"llm.request.type": "_aresponses"}, "llm"),
    ({"llm.request.type": "amoderation"}, "guardrail"),
    ({"llm.request.type": "audio"}, "llm"),
    ({"llm.request.type": "agent"}, "agent"),
    ({"gen_ai.operation.name": "aembedding"}, "other"),
    ({"mlflow.spanType": '"CHAT_MODEL"'}, "llm"),
    ({"braintrust.span_attributes": {"type": "llm"}}, "llm"),
    ({"genkit:type": "action", "genkit:metadata:subtype": "model"}, "llm"),
    ({"haystack.component.type": "OpenAIChatGenerator"}, "llm"),
    ({"haystack.component.type": "PromptBuilder"}, "workflow"),
    ({"lmnr.span.type": "LLM"}, "llm"),
    ({"fi.span.kind": "TOOL"}, "tool"),
    ({"mastra.span.type": "model_generation"}, "llm"),
    ({"span.type": "llm_request", "input_tokens": 3}, "llm"),
    ({"mcp.method.name": "tools/call"}, "tool"),
    ({"ai.operationId": "ai.rerank.doRerank"}, "reranker"),
    ({"langwatch.span.type": "rag"}, "retriever"),
    ({"span_type": "Function", "framework": "promptflow"}, "workflow"),
    ({"span_type": "Function"}, "other"),
    ({"span_type": "LLM"}, "llm"),
    ({"span.type": "search", "db.system": "elasticsearch", "db.statement": "match all"}, "other"),
    ({"span.type": "search", "db.system": "qdrant", "gen_ai.retrieval.documents": []}, "retriever"),
    ({"span.type": "function", "faas.trigger": "http", "session.id": "s"}, "other"),
    ({"span.type": "function", "tool.name": "f"}, "tool"),
    ({"span.type": "function", "db.system": "x", "gen_ai.operation.name": "execute_tool"}, "tool"),
    ({"span.type": "message", "messaging.system": "kafka"}, "other"),
    ({"operation.type": "search", "db.system": "x", "traceloop.association.properties.user_id": "u"}, "other"),
    ({"operation.type": "task"}, "other"),
    ({"span.type": "tool", "input": "in"}, "tool"),
    ({"mcp.method.name": "resources/read"}, "mcp"),
    ({"gen_ai.completion.0.content": "Hi", "gen_ai.request.model": "gpt"}, "llm"),
    ({"gen_ai.usage.input_tokens": 3, "gen_ai.request.model": "text-embedding-3"}, "embedding"),
    ({"gen_ai.usage.input_tokens": 3, "gen_ai.request.model": "acme-embedded-chat-7b"}, "llm"),
    ({"gen_ai.tool.name": "sql", "gen_ai.tool.call.id": "c"}, "tool"),
    ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "(merged tools)"}, "workflow"),
    ({"gen_ai.tool.name": "(merged tools)", "gen_ai.tool.call.id": "c"}, "workflow"),
    ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "merge"}, "tool"),
    ({"gen_ai.agent.name": "planner"}, "other"),
    ({"http.request.method": "POST", "url.full": "https://api.openai.com/v1/chat/completions"}, "other"),
    ({}, "other"),
]


@pytest.mark.parametrize(("attributes", "kind"), KINDS, ids=lambda value: str(value)[:60])
def test_kind(attributes: dict[str, Any], kind: str) -> None:
    assert facts_of(attributes).kind == kind


def test_those_who_say_plain_words_are_known_by_their_names() -> None:
    asked = {"span.type": "interaction", "user_prompt_length": 5}
    assert facts_of(asked).kind == "other"
    assert facts_of(asked, scope="com.anthropic.claude_code.tracing").kind == "agent"
    assert facts_of(asked, name="claude_code.interaction").kind == "agent"
    assert facts_of({"span_type": "Function"}, scope="promptflow").kind == "workflow"


def test_a_span_that_only_prepares_a_call_is_none() -> None:
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
    assert facts_of(attributes, name="OpenAI._prepare_chat_with_tools").kind == "workflow"
    assert facts_of(attributes, name="OpenAI.achat").kind == "llm"


CALL = {"gen_ai.operation.name": "chat"}
PROVIDERS = [
    ({"gen_ai.provider.name": "openai", "gen_ai.system": "azure"}, "openai"),
    ({"gen_ai.system": "openai.chat"}, "openai"),
    ({"gen_ai.system": "gemini"}, "gcp.gemini"),
    ({"ai.model.provider": "anthropic.messages"}, "anthropic"),
    ({"ai.model.provider": "amazon-bedrock"}, "aws.bedrock"),
    ({"ai.model.provider": "google.generative-ai"}, "gcp.gemini"),
    ({"llm.provider": "mistralai"}, "mistral_ai"),
    ({"gen_ai.system": "langchain", "langsmith.metadata.ls_provider": "anthropic"}, "anthropic"),
    ({"gen_ai.system": "langchain", "gen_ai.request.model": "claude-x"}, "anthropic"),
    ({"metadata": {"ls_provider": "openai"}}, "openai"),
    ({"gen_ai.response.id": "chatcmpl-123456"}, "openai"),
    ({"gen_ai.request.model": "gemini-2.5-pro"}, "gcp.gemini"),
    ({"gen_ai.provider.name": "groq"}, "groq"),
    ({"gen_ai.provider.name": "none-such-inc"}, "none-such-inc"),
    ({"gen_ai.provider.name": "microsoft.agent_framework"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("attributes", "provider"), PROVIDERS, ids=lambda value: str(value)[:60])
def test_provider(attributes: dict[str, Any], provider: str | None) -> None:
    assert facts_of({**CALL, **attributes}).provider == provider


MODELS = [
    ({"gen_ai.request.model": "openai/gpt-4o", "gen_ai.response.model": "gpt-4o-2024"}, "gpt-4o", "gpt-4o-2024"),
    ({"gen_ai.request.model": "models/gemini-2.5"}, "gemini-2.5", None),
    ({"gen_ai.request.model": "meta-llama/Llama-3"}, "meta-llama/Llama-3", None),
    ({"llm.model_name": "gpt-4o-2024", "llm.invocation_parameters": {"model": "gpt-4o"}}, "gpt-4o", "gpt-4o-2024"),
    (
        {"llm.model_name": "gpt-4o", "output.value": {"id": "chatcmpl-11111", "model": "gpt-4o-2024", "choices": []}},
        "gpt-4o",
        "gpt-4o-2024",
    ),
    ({"langfuse.observation.model.name": "gpt-4o-2024"}, None, "gpt-4o-2024"),
    ({"langfuse.observation.model.parameters": {"model": "gpt-4o"}}, "gpt-4o", None),
    ({"input.value": {"model": "gpt-4o", "messages": []}}, "gpt-4o", None),
    ({"ai.model.id": "gpt-4o", "ai.response.model": "gpt-4o-2024"}, "gpt-4o", "gpt-4o-2024"),
    ({"gen_ai.request.model": "", "ai.model.id": "gpt-4o"}, "gpt-4o", None),
    ({"metadata": {"ls_model_name": "gpt-4o"}}, "gpt-4o", None),
]


@pytest.mark.parametrize(("attributes", "requested", "answered"), MODELS, ids=lambda value: str(value)[:60])
def test_models(attributes: dict[str, Any], requested: str | None, answered: str | None) -> None:
    facts = facts_of({**CALL, **attributes})
    assert (facts.request_model, facts.response_model) == (requested, answered)


RESPONSE_IDS = [
    ({"gen_ai.response.id": "chatcmpl-1"}, "chatcmpl-1"),
    ({"ai.response.id": "msg_1"}, "msg_1"),
    ({"output.value": {"id": "chatcmpl-12345", "choices": []}}, "chatcmpl-12345"),
    ({"gen_ai.completion": {"id": "msg_12345", "type": "message", "stop_reason": "end_turn"}}, "msg_12345"),
    ({"gen_ai.response.id": "0b5e26b1-6f30-4a55-9d3c-9d6a4b3f1a11"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("attributes", "expected"), RESPONSE_IDS, ids=lambda value: str(value)[:60])
def test_response_id(attributes: dict[str, Any], expected: str | None) -> None:
    assert facts_of({**CALL, **attributes}).response_id == expected


ANTHROPIC = {
    "anthropic": {"usage": {"input_tokens": 80, "cache_creation_input_tokens": 40, "cache_read_input_tokens": 0}}
}
PRINTED = "{'prompt_tokens': 120, 'completion_tokens': 77, 'prompt_tokens_details': {'cached_tokens': 9, 'x': None}}"
TOKENS = [  # attributes, (input, output, cache read, cache write, reasoning), notes
    ({"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 0}, (12, 0, None, None, None), []),
    ({"gen_ai.usage.prompt_tokens": "12", "gen_ai.usage.completion_tokens": "3.0"}, (12, 3, None, None, None), []),
    ({"llm.token_count.prompt": 12, "llm.token_count.prompt_details.cache_read": 0}, (12, None, 0, None, None), []),
    ({"gen_ai.usage.input_tokens": 9, "gen_ai.usage.cache_creation.input_tokens": 4}, (9, None, None, 4, None), []),
    (
        {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.details.reasoning_tokens": 4, "gen_ai.usage.output_tokens": 5},
        (9, 5, None, None, 4),
        [],
    ),
    (
        {"gen_ai.usage.input_tokens": 80, "gen_ai.usage.output_tokens": 32, "ai.response.providerMetadata": ANTHROPIC},
        (120, 32, 0, 40, None),
        ["usage_excludes_cache"],
    ),
    (
        {"gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 32, "ai.response.providerMetadata": ANTHROPIC},
        (120, 32, 0, 40, None),
        [],
    ),
    (
        {"mlflow.chat.tokenUsage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}},
        (5, 2, None, None, None),
        [],
    ),
    (
        {
            "mlflow.chat.tokenUsage": {
                "input_tokens": 5,
                "output_tokens": 2,
                "total_tokens": 7,
                "cache_read_input_tokens": 3,
            },
            "mlflow.spanOutputs": {"usage": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 3}},
        },
        (8, 2, 3, None, None),
        ["usage_excludes_cache"],
    ),
    (
        {"braintrust.metrics": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_cached_tokens": 1}},
        (5, 2, 1, None, None),
        [],
    ),
    ({"langfuse.observation.usage_details": {"input": 10, "output": 16, "total": 26}}, (10, 16, None, None, None), []),
    (
        {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.details": {"cached_tokens": 4, "reasoning_tokens": 2}},
        (9, None, 4, None, 2),
        [],
    ),
    (
        {
            "langsmith.metadata.usage_metadata": {
                "input_tokens": 5,
                "output_tokens": 2,
                "input_token_details": {"cache_read": 1},
            }
        },
        (5, 2, 1, None, None),
        [],
    ),
    (
        {"metadata.usage_object": PRINTED},
        (120, 77, 9, None, None),
        [],
    ),
    (
        {"gen_ai.usage.input_tokens": 120, "metadata.usage_object": "{'prompt_tokens': 120, 'completion_tokens': 77}"},
        (120, 77, None, None, None),
        [],
    ),
    ({"output.value": {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}}, (5, 2, None, None, None), []),
    ({"output.value": {"done": True, "prompt_eval_count": 5, "eval_count": 2}}, (5, 2, None, None, None), []),
    (
        {"genkit:output": {"message": {}, "usage": {"inputTokens": 5, "outputTokens": 2, "thoughtsTokens": 1}}},
        (5, 2, None, None, 1),
        [],
    ),
    (
        {
            "gcp.vertex.agent.llm_response": {
                "usage_metadata": {"prompt_token_count": 5, "candidates_token_count": 2, "total_token_count": 7}
            }
        },
        (5, 2, None, None, None),
        [],
    ),
    (
        {"some.vendor.blob": {"x": {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}}},
        (5, 2, None, None, None),
        [],
    ),
    (
        {"haystack.component.output": {"replies": [{"meta": {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}}]}},
        (5, 2, None, None, None),
        [],
    ),
    (
        {"input_tokens": 5, "cache_read_tokens": 7, "cache_creation_tokens": 1, "output_tokens": 2},
        (13, 2, 7, 1, None),
        ["usage_excludes_cache"],
    ),
    (
        {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.cache_read_input_tokens": 20,
            "gen_ai.usage.output_tokens": 1,
            "gen_ai.usage.total_tokens": 31,
        },
        (30, 1, 20, None, None),
        ["usage_excludes_cache"],
    ),
    (
        {"gen_ai.usage.input_tokens": "many", "gen_ai.usage.prompt_tokens": 4},
        (4, None, None, None, None),
        ["unreadable:gen_ai.usage.input_tokens"],
    ),
    ({"gen_ai.usage.input_tokens": -4}, (None, None, None, None, None), ["unreadable:gen_ai.usage.input_tokens"]),
    ({}, (None, None, None, None, None), []),
    (
        {
            "gen_ai.request.model": "gemini-2.0-flash",
            "gen_ai.usage.input_tokens": 207,
            "gen_ai.usage.output_tokens": 34,
            "gen_ai.usage.total_tokens": 250,
            "gen_ai.usage.cache_read.input_tokens": 33,
        },
        (207, 43, 33, None, None),
        ["usage_excludes_reasoning"],
    ),
    (
        {"output.value": {"replies": ["M('usage': {'prompt_tokens': 5, 'completion_tokens': 2, 'cached_tokens': 1})"]}},
        (5, 2, 1, None, None),
        [],
    ),
]


@pytest.mark.parametrize(("attributes", "counts", "notes"), TOKENS, ids=lambda value: str(value)[:70])
def test_tokens(attributes: dict[str, Any], counts: tuple[int | None, ...], notes: list[str]) -> None:
    facts = facts_of({**CALL, **attributes})
    read = (
        facts.input_tokens, facts.output_tokens, facts.cache_read_tokens, facts.cache_write_tokens,
        facts.reasoning_tokens,
    )  # fmt: skip
    assert read == counts
    assert facts.notes == notes


BARE_INPUT = {"input": 80, "output": 10, "cache_read_input_tokens": 40}
CACHE_APART = [
    pytest.param({"langfuse.observation.model.name": "claude-sonnet-4"}, {}, 120, id="claude"),
    pytest.param({"gen_ai.request.model": "eu.anthropic.claude-sonnet-4-v1:0"}, {}, 120, id="claude-of-bedrock"),
    pytest.param({"gen_ai.provider.name": "anthropic"}, {}, 120, id="anthropic"),
    pytest.param({"gen_ai.system": "bedrock", "gen_ai.request.model": "amazon.nova-pro-v1:0"}, {}, 120, id="bedrock"),
    pytest.param({"langfuse.observation.model.name": "claude-x"}, {"cache_creation_input_tokens": 5}, 125, id="both"),
    pytest.param({"langfuse.observation.model.name": "claude-x"}, {"total": 130}, 120, id="by-a-total-without"),
    pytest.param({"langfuse.observation.model.name": "claude-x"}, {"total": 90}, 80, id="by-a-total-with"),
    pytest.param({"langfuse.observation.model.name": "gpt-4o"}, {}, 80, id="openai"),
    pytest.param({"gen_ai.system": "openai", "gen_ai.usage.input_tokens": 80}, {}, 80, id="openai-twice"),
    pytest.param({"langfuse.observation.metadata.ls_provider": "anthropic"}, {}, 120, id="langchain-on-anthropic"),
    pytest.param({}, {}, 80, id="nobody-knows"),
]


@pytest.mark.parametrize(("attributes", "more", "whole"), CACHE_APART)
def test_a_bare_input_is_read_as_its_provider_counts(
    attributes: dict[str, Any], more: dict[str, int], whole: int
) -> None:
    told = {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": {**BARE_INPUT, **more}}
    facts = facts_of({**told, **attributes})
    assert (facts.input_tokens, facts.output_tokens, facts.cache_read_tokens) == (whole, 10, 40)


def metadata(provider: str, **told: Any) -> dict[str, Any]:
    return {"ai.response.providerMetadata": {provider: told}}


def vercel(promptTokens: int, completionTokens: int) -> dict[str, Any]:  # noqa: N803 - the wire's names
    return {"ai.usage.promptTokens": promptTokens, "ai.usage.completionTokens": completionTokens}


STREAMED = {"ai.usage.inputTokens": 80, "ai.usage.outputTokens": 10, "ai.usage.cachedInputTokens": 40}
WHOLE = {
    "ai.usage.inputTokens": 140,
    "ai.usage.outputTokens": 10,
    "ai.usage.totalTokens": 150,
    "ai.usage.inputTokenDetails.noCacheTokens": 80,
    "ai.usage.inputTokenDetails.cacheReadTokens": 40,
    "ai.usage.inputTokenDetails.cacheWriteTokens": 20,
    "ai.usage.cachedInputTokens": 40,
}
RAW = {"input_tokens": 80, "output_tokens": 10, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 20}
VERCEL = [
    pytest.param(
        {**vercel(80, 10), **metadata("anthropic", cacheReadInputTokens=40, cacheCreationInputTokens=0)},
        (120, 10, 40, 0, None),
        id="4-anthropic",
    ),
    pytest.param(
        {**vercel(80, 10), **metadata("anthropic", cacheReadInputTokens=None, cacheCreationInputTokens=None)},
        (80, 10, None, None, None),
        id="4-anthropic-without-cache",
    ),
    pytest.param(
        {**vercel(80, 10), **metadata("bedrock", usage={"cacheReadInputTokens": 40, "cacheWriteInputTokens": None})},
        (120, 10, 40, None, None),
        id="4-bedrock",
    ),
    pytest.param(
        {**vercel(120, 10), **metadata("openai", cachedPromptTokens=40, reasoningTokens=5)},
        (120, 10, 40, None, 5),
        id="4-openai",
    ),
    pytest.param(
        {**vercel(120, 10), **metadata("deepseek", promptCacheHitTokens=40, promptCacheMissTokens=80)},
        (120, 10, 40, None, None),
        id="4-deepseek",
    ),
    pytest.param(
        {**vercel(80, 10), **metadata("anthropic", usage=RAW, cacheCreationInputTokens=20)},
        (140, 10, 40, 20, None),
        id="5-anthropic",
    ),
    pytest.param(
        {**STREAMED, "ai.usage.totalTokens": 90, **metadata("bedrock", usage={"cacheWriteInputTokens": 20})},
        (140, 10, 40, 20, None),
        id="5-bedrock-sums-without-the-cache",
    ),
    pytest.param(
        {**STREAMED, "ai.usage.totalTokens": 150, **metadata("bedrock", usage={"cacheWriteInputTokens": 20})},
        (140, 10, 40, 20, None),
        id="5-bedrock-by-the-providers-total",
    ),
    pytest.param(
        {**STREAMED, "ai.usage.totalTokens": 90, **metadata("bedrock", usage={"cacheWriteInputTokens": 0})},
        (120, 10, 40, 0, None),
        id="5-bedrock-wrote-none",
    ),
    pytest.param({**STREAMED, "ai.usage.totalTokens": 90}, (80, 10, 40, None, None), id="5-openai"),
    pytest.param(
        {**WHOLE, **metadata("bedrock", usage={"cacheWriteInputTokens": 20})}, (140, 10, 40, 20, None), id="6-bedrock"
    ),
    pytest.param(
        {**WHOLE, **metadata("anthropic", usage=RAW, cacheCreationInputTokens=20)},
        (140, 10, 40, 20, None),
        id="6-anthropic",
    ),
    pytest.param(
        {**vercel(140, 10), **metadata("anthropic", usage=RAW, cacheCreationInputTokens=20)},
        (140, 10, 40, 20, None),
        id="6-anthropic-objects",
    ),
    pytest.param(
        {
            "gen_ai.usage.input_tokens": 140,
            "gen_ai.usage.output_tokens": 10,
            "gen_ai.usage.cache_read.input_tokens": 40,
            "gen_ai.usage.cache_creation.input_tokens": 20,
            **metadata("bedrock", usage={"cacheWriteInputTokens": 20}),
        },
        (140, 10, 40, 20, None),
        id="7-bedrock",
    ),
    pytest.param(
        {**vercel(80, 10), "ai.response.providerMetadata": {"anthropic": None, "gateway": ["x"]}},
        (80, 10, None, None, None),
        id="nothing",
    ),
]


@pytest.mark.parametrize(("attributes", "counts"), VERCEL)
def test_the_cache_in_the_metadata_of_vercels_providers(
    attributes: dict[str, Any], counts: tuple[int | None, ...]
) -> None:
    facts = facts_of({"ai.operationId": "ai.streamText.doStream", **attributes})
    read = (facts.input_tokens, facts.output_tokens, facts.cache_read_tokens, facts.cache_write_tokens)
    assert (*read, facts.reasoning_tokens) == counts


def test_an_instrumentor_that_sends_the_providers_own_input_leaves_the_cache_out() -> None:
    attributes = {
        **CALL,
        "gen_ai.usage.input_tokens": 162,
        "gen_ai.usage.output_tokens": 43,
        "gen_ai.usage.cache_read.input_tokens": 33,
        "gen_ai.usage.cache_creation.input_tokens": 12,
    }
    assert facts_of(attributes, scope="openlit.instrumentation.anthropic").input_tokens == 207
    assert facts_of(attributes, scope="openlit.instrumentation.openai").input_tokens == 162


def test_a_crew_sums_up_its_calls() -> None:
    printed = "{'prompt_tokens': 207, 'cached_prompt_tokens': 33, 'completion_tokens': 43, 'reasoning_tokens': 9}"
    facts = facts_of({"gen_ai.operation.name": "invoke_agent", "crewai.crew.usage_metrics": printed})
    assert (facts.kind, facts.usage_role) == ("agent", "aggregate")
    assert (facts.input_tokens, facts.output_tokens, facts.cache_read_tokens, facts.reasoning_tokens) == (
        207,
        43,
        33,
        9,
    )


NO_USAGE = [
    {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0},
    {"gen_ai.usage.input_tokens": 0},
    {"gen_ai.usage.output_tokens": 0},
    {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0, "gen_ai.usage.total_tokens": 0},
    {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.cache_read.input_tokens": 0, "gen_ai.usage.reasoning_tokens": 0},
    {"langfuse.observation.usage_details": {"input": 0, "output": 0, "total": 0}},
]


@pytest.mark.parametrize("told", NO_USAGE, ids=str)
@pytest.mark.parametrize("status", ["ok", "unset", "error"])
def test_a_model_call_of_no_tokens_told_nothing(told: dict[str, Any], status: str) -> None:
    facts = facts_of({**CALL, **told}, status=status)
    assert (facts.input_tokens, facts.output_tokens, facts.usage_role) == (None, None, "leaf")
    assert (facts.cache_read_tokens, facts.reasoning_tokens) == (None, None)


def test_a_sum_over_calls_of_no_tokens_told_nothing() -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", **NO_USAGE[0]}
    assert (facts_of(agent).input_tokens, facts_of(agent).usage_role) == (None, "aggregate")


ZEROS_THAT_ARE_KNOWN = [
    ({**CALL, "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 0}, (12, 0)),
    ({**CALL, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 3}, (0, 3)),
    ({**CALL, "input_tokens": 0, "output_tokens": 0, "cache_read_tokens": 40}, (40, 0)),
    ({**CALL, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.total_tokens": 7}, (0, 7)),
    ({"gen_ai.operation.name": "embeddings", "gen_ai.usage.input_tokens": 0}, (0, None)),
]


@pytest.mark.parametrize(("attributes", "counts"), ZEROS_THAT_ARE_KNOWN, ids=lambda value: str(value)[-70:])
def test_a_zero_beside_a_count_is_known(attributes: dict[str, Any], counts: tuple[int | None, ...]) -> None:
    facts = facts_of(attributes)
    assert (facts.input_tokens, facts.output_tokens) == counts


def test_embedding_tokens_from_the_total() -> None:
    facts = facts_of({"gen_ai.operation.name": "embeddings", "gen_ai.usage.total_tokens": 7})
    assert (facts.input_tokens, facts.output_tokens, facts.usage_role) == (7, None, "leaf")


ROLES = [
    ({"gen_ai.operation.name": "chat"}, "leaf"),
    ({"gen_ai.operation.name": "embeddings"}, "leaf"),
    ({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 5}, "aggregate"),
    ({"gen_ai.operation.name": "invoke_agent"}, None),
    ({"gen_ai.operation.name": "invoke_agent", "gen_ai.aggregated_usage.input_tokens": 5}, "aggregate"),
    ({"ai.operationId": "ai.generateText", "ai.usage.promptTokens": 5}, "aggregate"),
    ({"openinference.span.kind": "CHAIN", "llm.token_count.prompt": 5}, "aggregate"),
    ({"openinference.span.kind": "EVALUATOR", "llm.token_count.prompt": 5}, "aggregate"),
    ({"gen_ai.operation.name": "execute_tool"}, None),
    ({"http.request.method": "POST"}, None),
]


@pytest.mark.parametrize(("attributes", "role"), ROLES, ids=lambda value: str(value)[:60])
def test_usage_role(attributes: dict[str, Any], role: str | None) -> None:
    assert facts_of(attributes).usage_role == role


def test_aggregated_usage_has_its_own_keys() -> None:
    prefix = "gen_ai.aggregated_usage"
    facts = facts_of(
        {f"{prefix}.input_tokens": 5, f"{prefix}.output_tokens": 2, f"{prefix}.cache_read.input_tokens": 1}
    )
    assert (facts.kind, facts.input_tokens, facts.output_tokens, facts.cache_read_tokens) == ("agent", 5, 2, 1)


COSTS = [
    ({"gen_ai.cost.total_cost": 0.5, "llm.cost.total": 1}, 0.5),
    ({"llm.cost.total": "0.25"}, 0.25),
    ({"langfuse.observation.cost_details": {"input": 1, "output": 2}}, 3.0),
    ({"langfuse.observation.cost_details": {"input": 1, "output": 2, "total": 4}}, 4.0),
    ({"operation.cost": "0.00019325"}, 0.00019325),
    ({"gen_ai.usage.cost": 0}, None),
    ({"gen_ai.usage.cost": 0.1}, 0.1),
    ({"mlflow.llm.cost": {"total_cost": 0.2}}, 0.2),
    ({"gen_ai.cost.total_cost": -1}, None),
    ({"gen_ai.cost.total_cost": "NaN"}, None),
]


@pytest.mark.parametrize(("attributes", "cost"), COSTS, ids=lambda value: str(value)[:60])
def test_reported_cost(attributes: dict[str, Any], cost: float | None) -> None:
    assert facts_of({**CALL, **attributes}).reported_cost_usd == cost


TOLD = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50}
PARTS = [
    pytest.param({}, None, None, id="none"),
    pytest.param({"gen_ai.usage.audio.input_tokens": 60}, {"input_audio_tokens": 60}, None, id="opentelemetry"),
    pytest.param({"gen_ai.usage.audio.output_tokens": 0}, None, None, id="zero-says-nothing"),
    pytest.param(
        {"gen_ai.usage.details.input_audio_tokens": 60, "gen_ai.usage.details.cache_audio_read_tokens": 0},
        {"cache_audio_read_tokens": 0, "input_audio_tokens": 60}, None, id="pydantic-ai-none-of-it-cached",
    ),
    pytest.param({"llm.token_count.prompt_details.audio": 7}, {"input_audio_tokens": 7}, None, id="openinference"),
    pytest.param({"openai.response.service_tier": "Flex"}, None, "flex", id="tier"),
    pytest.param(
        {"gen_ai.openai.request.service_tier": "auto", "gen_ai.openai.response.service_tier": "default"}, None,
        "default", id="the-tier-that-served-goes-before-the-one-asked-for",
    ),
    pytest.param({"openai.response.service_tier": "x" * 65}, None, None, id="a-long-text-is-no-tier"),
    pytest.param(
        {"output.value": json.dumps({"service_tier": "batch", "usage": {
            "input_tokens": 100, "output_tokens": 50, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "server_tool_use": {"web_search_requests": 2},
        }})},
        {"cache_write_1h_tokens": 20, "cache_write_5m_tokens": 10, "web_searches": 2}, "batch", id="in-the-answer",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "details", "tier"), PARTS)
def test_what_else_a_price_depends_on(
    attributes: dict[str, Any], details: dict[str, int] | None, tier: str | None
) -> None:
    facts = facts_of({**CALL, **TOLD, **attributes})
    assert facts.usage_details == (None if details is None else json.dumps(details, separators=(",", ":")))
    assert facts.service_tier == tier


FIRST = [
    ({"gen_ai.response.time_to_first_chunk": 0.12}, 120_000_000, True, []),
    ({"ai.response.msToFirstChunk": 120}, 120_000_000, True, []),
    ({"langfuse.observation.completion_start_time": '"2026-09-21T14:13:20.120000Z"'}, 120_000_000, True, []),
    ({"lk.response.ttft": 0.12}, 120_000_000, True, []),
    ({"gen_ai.response.time_to_first_chunk": 1.5}, None, None, ["ttft_implausible"]),
    ({"gen_ai.server.time_to_first_token": 450}, 450_000_000, True, ["ttft_read_as_ms"]),
    ({"gen_ai.server.time_to_first_token": 1200}, None, None, ["ttft_implausible"]),
    ({"gen_ai.response.time_to_first_chunk": -1}, None, None, ["ttft_implausible"]),
    ({"gen_ai.server.time_to_first_token": 0}, None, None, []),
    ({"gen_ai.server.time_to_first_token": 0.0, "ai.response.msToFirstChunk": 120}, 120_000_000, True, []),
    ({"gen_ai.response.time_to_first_chunk": 0, "lk.response.ttft": 0.12}, 120_000_000, True, []),
    ({"gen_ai.server.time_to_first_token": 0, "gen_ai.request.stream": True}, None, True, []),
    ({"langfuse.observation.completion_start_time": "2026-09-21T14:13:20Z"}, None, None, ["ttft_implausible"]),
    ({"gen_ai.response.time_to_first_chunk": 0.1, "gen_ai.request.stream": False}, None, False, ["ttft_implausible"]),
    ({"llm.is_streaming": "True"}, None, True, []),
    ({"llm.is_streaming": "False"}, None, False, []),
    ({"llm.invocation_parameters": {"stream": True}}, None, True, []),
    ({"llm.invocation_parameters": {"stream": False}}, None, None, []),
    ({"ai.operationId": "ai.streamText.doStream"}, None, True, []),
    ({}, None, None, []),
]


@pytest.mark.parametrize(("attributes", "ttft", "streaming", "notes"), FIRST, ids=lambda value: str(value)[:60])
def test_time_to_first_token(
    attributes: dict[str, Any], ttft: int | None, streaming: bool | None, notes: list[str]
) -> None:
    facts = facts_of({**CALL, **attributes})
    assert (facts.ttft_ns, facts.streaming, facts.notes) == (ttft, streaming, notes)


@pytest.mark.parametrize(
    "name", ["First Token Stream Event", "gen_ai.content.completion.chunk", "ai.stream.firstChunk", "new_token"]
)
def test_time_to_first_token_by_event(name: str) -> None:
    events = [RawEvent(START + 300, name, {}), RawEvent(START + 100, name, {})]
    assert facts_of(CALL, events=events).ttft_ns == 100


REASONS = [
    (["stop"], "stop", "stop"),
    ('["tool_calls"]', "tool_call", "tool_calls"),
    ("tool-calls", "tool_call", "tool-calls"),
    ("FinishReason.TOOL_CALLS", "tool_call", "FinishReason.TOOL_CALLS"),
    ("FINISH_REASON_STOP", "stop", "FINISH_REASON_STOP"),
    ("end_turn", "stop", "end_turn"),
    ("toolUse", "tool_call", "toolUse"),
    ("MAX_TOKENS", "length", "MAX_TOKENS"),
    ("incomplete", "length", "incomplete"),
    ("SAFETY", "content_filter", "SAFETY"),
    ("content-filter", "content_filter", "content-filter"),
    ("pause_turn", "other", "pause_turn"),
    ([None, "length"], "length", "length"),
    ([], None, None),
    ("None", None, None),
]


@pytest.mark.parametrize(("told", "reason", "raw"), REASONS, ids=lambda value: str(value)[:40])
def test_finish_reason(told: object, reason: str | None, raw: str | None) -> None:
    facts = facts_of({**CALL, "gen_ai.response.finish_reasons": told})
    assert (facts.finish_reason, facts.finish_reason_raw) == (reason, raw)


def test_an_answer_that_asks_for_tools_did_not_just_stop() -> None:
    answer = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {}}]}]
    facts = facts_of({**CALL, "gen_ai.response.finish_reasons": ["stop"], "gen_ai.output.messages": answer})
    assert (facts.finish_reason, facts.finish_reason_raw) == ("tool_call", "stop")


def test_an_answer_that_asks_for_tools_needs_no_told_reason() -> None:
    answer = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {}}]}]
    facts = facts_of({**CALL, "gen_ai.output.messages": answer})
    assert (facts.finish_reason, facts.finish_reason_raw) == ("tool_call", None)


FINISH_SOURCES = [
    {"llm.finish_reason": "length"},
    {"anthropic.message.stop_reason": "max_tokens"},
    {"ai.response.finishReason": "length"},
    {
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": "x"}], "finish_reason": "length"}
        ]
    },
    {"gen_ai.completion.0.finish_reason": "length", "gen_ai.completion.0.content": "x"},
    {"output.value": {"choices": [{"finish_reason": "length", "message": {"role": "assistant", "content": "x"}}]}},
    {"output.value": {"status": "incomplete", "output": []}},
]


@pytest.mark.parametrize("attributes", FINISH_SOURCES, ids=lambda value: next(iter(value)))
def test_finish_reason_sources(attributes: dict[str, Any]) -> None:
    assert facts_of({**CALL, **attributes}).finish_reason == "length"


SESSIONS = [
    ({"session.id": "a", "gen_ai.conversation.id": "b"}, "a"),
    ({"langfuse.session.id": "a"}, "a"),
    ({"traceloop.association.properties.session_id": "a"}, "a"),
    ({"ai.telemetry.metadata.sessionId": "a"}, "a"),
    ({"langsmith.metadata.thread_id": "a", "langsmith.trace.session_name": "the project"}, "a"),
    ({"metadata": {"thread_id": "a"}, "gen_ai.conversation.id": "b"}, "a"),
    ({"gen_ai.conversation.id": "b"}, "b"),
    ({"traceloop.association.properties.thread_id": "c"}, "c"),
    ({"langsmith.trace.session_name": "the project"}, None),
    ({"mcp.session.id": "transport"}, None),
    ({"session.id": "", "gen_ai.conversation.id": "b"}, "b"),
    ({"session_id": "[Scrubbed due to 'session']"}, None),
]


@pytest.mark.parametrize(("attributes", "session"), SESSIONS, ids=lambda value: str(value)[:60])
def test_session(attributes: dict[str, Any], session: str | None) -> None:
    assert facts_of(attributes).session_id == session


WEAK_SESSIONS = [
    ({"gen_ai.conversation.id": "b"}, True),
    ({"metadata": {"conversation_id": "b"}}, True),
    ({"session.id": "a"}, False),
    ({"session.id": "a", "gen_ai.conversation.id": "b"}, False),
    ({}, False),
]


@pytest.mark.parametrize(("attributes", "weak"), WEAK_SESSIONS, ids=lambda value: str(value)[:60])
def test_a_session_that_may_be_a_single_run_is_noted(attributes: dict[str, Any], weak: bool) -> None:
    assert ("session_weak" in facts_of(attributes).notes) == weak


USERS = [
    ({"user.id": "u", "llm.user": "v"}, "u"),
    ({"enduser.id": "u"}, "u"),
    ({"traceloop.association.properties.user_id": "u"}, "u"),
    ({"langsmith.metadata.user_id": "u"}, "u"),
    ({"metadata": {"user_id": "u"}}, "u"),
    ({"langfuse.trace.metadata.user_id": '"u"'}, "u"),
    ({"gen_ai.user": "u"}, "u"),
    ({"llm.invocation_parameters": {"user": "u"}}, "u"),
    ({"metadata.user_id": "None"}, None),
]


@pytest.mark.parametrize(("attributes", "user"), USERS, ids=lambda value: str(value)[:60])
def test_user(attributes: dict[str, Any], user: str | None) -> None:
    assert facts_of(attributes).user_id == user


def test_users_can_be_hashed_and_a_hash_is_not_hashed_again() -> None:
    options = NormaliserOptions(hash_user_ids=True, user_id_key=b"secret")
    hidden = facts_of({"user.id": "u"}, options=options).user_id
    assert hidden is not None
    assert hidden == hashed_user("u", b"secret") != hashed_user("u", b"other")
    assert facts_of({"user.id": hidden}, options=options).user_id == hidden


@pytest.mark.parametrize("key", ["metadata.user_api_key_end_user_id", "portkey.metadata._user", "metadata.user_id"])
def test_no_metadata_keeps_a_user_whose_id_is_hashed(key: str) -> None:
    facts = facts_of({key: "ada"}, options=NormaliserOptions(hash_user_ids=True, user_id_key=b"secret"))
    assert facts.user_id == hashed_user("ada", b"secret")
    assert "ada" not in facts.metadata.values()


def test_tags_metadata_and_variant() -> None:
    facts = facts_of(
        {
            "langfuse.trace.tags": ["a", "b", "a"],
            "langfuse.observation.metadata.variant": '"B"',
            "langfuse.observation.metadata.ls_provider": '"openai"',
            "langfuse.trace.metadata.variant": "A",
            "metadata": {"team": "x", "depth": 2},
        }
    )
    assert facts.tags == ["a", "b"]
    assert facts.metadata == {"variant": "B", "team": "x", "depth": "2"}
    assert facts.variant == "B"


@pytest.mark.parametrize(
    ("attributes", "tags"),
    [
        pytest.param({"tag.tags": ["a", "b"]}, ["a", "b"], id="openinference"),
        pytest.param({"langsmith.span.tags": "a, b"}, ["a", "b"], id="langsmith-commas"),
        pytest.param({"tags": "['a', 'b']"}, ["a", "b"], id="printed-python"),
        pytest.param({"tag.tags": []}, [], id="none"),
    ],
)
def test_tags(attributes: dict[str, Any], tags: list[str]) -> None:
    assert facts_of(attributes).tags == tags


def test_the_variant_key_is_a_setting() -> None:
    options = NormaliserOptions(variant_keys=("arm", "bucket"))
    assert facts_of({"ai.telemetry.metadata.arm": "B", "bucket": "x", "variant": "A"}, options=options).variant == "B"
    assert facts_of({"feature_flag.result.variant": "C"}).variant == "C"


PROMPTS = [
    ({"gen_ai.prompt.name": "p", "gen_ai.prompt.version": 2}, "p", "2"),
    ({"langfuse.observation.prompt.name": "p", "langfuse.observation.prompt.version": 2}, "p", "2"),
    ({"ai.telemetry.metadata.langfusePrompt": {"name": "p", "version": 3}}, "p", "3"),
    ({"prompt.id": "p", "llm.prompt_template.version": "v1"}, "p", "v1"),
    ({"traceloop.prompt.key": "p", "traceloop.prompt.version": 1}, "p", "1"),
]


@pytest.mark.parametrize(("attributes", "name", "version"), PROMPTS, ids=lambda value: str(value)[:60])
def test_prompt(attributes: dict[str, Any], name: str, version: str) -> None:
    facts = facts_of(attributes)
    assert (facts.prompt_name, facts.prompt_version) == (name, version)


TOOLS = [
    (
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "f",
            "gen_ai.tool.call.id": "c",
            "gen_ai.tool.call.arguments": {"a": 1},
            "gen_ai.tool.call.result": "r",
        },
        "x",
        "f",
        "c",
        '{"a": 1}',
        "r",
    ),
    (
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "f",
            "ai.toolCall.id": "c",
            "ai.toolCall.args": "{}",
            "ai.toolCall.result": '"r"',
        },
        "x",
        "f",
        "c",
        None,
        '"r"',
    ),
    (
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "f",
            "traceloop.entity.input": "in",
            "traceloop.entity.output": "out",
        },
        "f.tool",
        "f",
        None,
        "in",
        "out",
    ),
    (
        {"openinference.span.kind": "TOOL", "tool.name": "f", "input.value": "Paris", "tool.parameters": "{}"},
        "x",
        "f",
        None,
        "Paris",
        None,
    ),
    (
        {"gen_ai.tool.name": "f", "gen_ai.tool.call.id": "c", "tool_arguments": "{1}", "tool_response": "r"},
        "running tool",
        "f",
        "c",
        "{1}",
        "r",
    ),
    ({"langfuse.observation.type": "tool", "langfuse.observation.input": "in"}, "f", "f", None, "in", None),
    ({"gen_ai.operation.name": "execute_tool"}, "execute_tool f", "f", None, None, None),
    ({"mcp.method.name": "tools/call"}, "tools/call f", "f", None, None, None),
    ({"mcp.method.name": "tools/call"}, "MCP send tools/call f", "f", None, None, None),
    ({"mlflow.spanType": "TOOL", "mlflow.spanInputs": "in", "mlflow.spanOutputs": "out"}, "f", "f", None, "in", "out"),
    (
        {"spring.ai.kind": "tool_call", "spring.ai.tool.definition.name": "f", "spring.ai.tool.call.arguments": "in"},
        "x",
        "f",
        None,
        "in",
        None,
    ),
]


@pytest.mark.parametrize(("attributes", "span", "name", "call", "given", "answered"), TOOLS, ids=lambda v: str(v)[:40])
def test_tool_spans(
    attributes: dict[str, Any], span: str, name: str, call: str | None, given: str | None, answered: str | None
) -> None:
    facts = facts_of(attributes, name=span)
    assert (facts.kind, facts.tool_name, facts.tool_call_id) == ("tool", name, call)
    assert (facts.input, facts.output) == (given, answered)


AGENTS = [
    ({"gen_ai.agent.name": "a", "agent_name": "b"}, "a", None),
    ({"ai.telemetry.functionId": "a"}, "a", None),
    ({"langsmith.metadata.lc_agent_name": "a"}, "a", None),
    ({"metadata": {"lc_agent_name": "a"}}, "a", None),
    ({"traceloop.span.kind": "agent", "traceloop.entity.name": "a", "traceloop.workflow.name": "w"}, "a", "w"),
    ({"gen_ai.workflow.name": "w"}, None, "w"),
]


@pytest.mark.parametrize(("attributes", "agent", "workflow"), AGENTS, ids=lambda value: str(value)[:60])
def test_agent_and_workflow(attributes: dict[str, Any], agent: str | None, workflow: str | None) -> None:
    facts = facts_of(attributes)
    assert (facts.agent_name, facts.workflow_name) == (agent, workflow)


FUNCTION = {"type": "function", "name": "f"}
DEFINITIONS = [
    {"gen_ai.tool.definitions": [FUNCTION]},
    {"ai.prompt.tools": [json.dumps(FUNCTION)]},
    {"llm.tools.3.tool.json_schema": FUNCTION},
    {"llm.invocation_parameters": {"tools": [FUNCTION]}},
    {"model_request_parameters": {"function_tools": [FUNCTION], "output_tools": []}},
    {"mlflow.chat.tools": [FUNCTION]},
]


@pytest.mark.parametrize("attributes", DEFINITIONS, ids=lambda value: next(iter(value)))
def test_tool_definitions(attributes: dict[str, Any]) -> None:
    definitions = facts_of({**CALL, **attributes}).tool_definitions
    assert definitions is not None
    assert json.loads(definitions) == [FUNCTION]


RETRIEVER = {"openinference.span.kind": "RETRIEVER"}
DOCUMENTS = [
    ({"gen_ai.retrieval.documents": [{"id": "d1", "score": 0.5}]}, ["d1"], [None], [0.5]),
    (
        {
            "retrieval.documents.0.document.content": "t",
            "retrieval.documents.0.document.score": 0.5,
            "retrieval.documents.2.document.id": "d",
        },
        [None, "d"],
        ["t", None],
        [0.5, None],
    ),
    (
        {
            "retrieval.documents.0.document.content": "t",
            "output.value": {"documents": [{"id": "d1", "page_content": "t"}]},
        },
        ["d1"],
        ["t"],
        [None],
    ),
    ({"output.value": [{"page_content": "t", "metadata": {}}]}, [None], ["t"], [None]),
    ({"output.value": [{"node": {"id_": "n", "text": "t"}, "score": 0.25}]}, ["n"], ["t"], [0.25]),
    ({"output.value": "no documents"}, None, None, None),
]


@pytest.mark.parametrize(("attributes", "ids", "texts", "scores"), DOCUMENTS, ids=lambda value: str(value)[:50])
def test_documents(attributes: dict[str, Any], ids: list[Any] | None, texts: list[Any], scores: list[Any]) -> None:
    stored = facts_of({**RETRIEVER, **attributes}).documents
    documents = json.loads(stored) if stored else None
    if ids is None:
        assert documents is None
        return
    assert documents is not None
    assert [d["rank"] for d in documents] == list(range(1, len(ids) + 1))
    assert ([d["id"] for d in documents], [d["text"] for d in documents]) == (ids, texts)
    assert [d["score"] for d in documents] == scores


def test_the_query_of_a_retriever_is_its_input() -> None:
    facts = facts_of({"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.query.text": "q", "input.value": "{}"})
    assert (facts.input, facts.input_key) == ("q", "gen_ai.retrieval.query.text")


RAISED = RawEvent(START, "exception", {"exception.type": "ValueError", "exception.message": "bad"})
ERRORS = [
    ({}, {"status": "error", "status_message": "RateLimitError: Error code: 429 - slow down"}, "RateLimitError", 429),
    ({}, {"status": "error", "events": [RAISED]}, "ValueError", None),
    ({"error.type": "timeout"}, {"status": "error", "events": [RAISED]}, "timeout", None),
    ({"error.type": "429"}, {"status": "error"}, "429", 429),
    ({"http.response.status_code": 500}, {"status": "error"}, "_OTHER", 500),
    ({"langfuse.observation.level": "ERROR", "langfuse.observation.status_message": "no"}, {}, "_OTHER", None),
    ({}, {"status": "error", "status_message": "ModelHTTPError: status_code: 503, body: x"}, "ModelHTTPError", 503),
    ({"http.response.status_code": 200}, {}, None, 200),
    ({}, {"events": [RAISED]}, None, None),
    ({}, {}, None, None),
]


@pytest.mark.parametrize(("attributes", "members", "kind", "status"), ERRORS, ids=lambda value: str(value)[:50])
def test_errors(attributes: dict[str, Any], members: dict[str, Any], kind: str | None, status: int | None) -> None:
    facts = facts_of({**CALL, **attributes}, **members)
    assert (facts.error_type, facts.http_status) == (kind, status)


def test_where_the_span_comes_from() -> None:
    resource = {"service.name": "shop", "deployment.environment.name": "prod", "service.version": "1.2"}
    facts = facts_of({}, resource=resource, scope="openinference.instrumentation.openai")
    assert (facts.service, facts.environment, facts.release, facts.dialect) == ("shop", "prod", "1.2", "openinference")
    facts = facts_of({"langfuse.environment": "dev"}, resource={**resource, "service.name": "unknown_service:python"})
    assert (facts.service, facts.environment, facts.dialect) == (None, "dev", "langfuse")
    assert facts_of({"http.method": "GET"}).dialect is None


def test_times_that_cannot_be() -> None:
    assert facts_of({}, end_ns=0).notes == ["never_ended"]
    assert facts_of({}, end_ns=START - 1).notes == ["ended_before_start"]
    assert facts_of({}, start_ns=0, end_ns=2**64 - 1).notes == ["duration_out_of_range"]
    assert facts_of({}, dropped_attributes=3).notes == ["attributes_dropped"]


def test_content_rank() -> None:
    assert facts_of({"gen_ai.operation.name": "chat"}).content_rank == 0
    assert facts_of({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}).content_rank == 1
    assert facts_of({"gen_ai.operation.name": "chat", "input.value": "Hi"}).content_rank == 2
