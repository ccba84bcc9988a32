"""What kind of step a span is: the keys that say so, and the words they use."""

from __future__ import annotations

import re
from typing import cast

from collectors.conventions.values import remembered, words
from collectors.facts import Kind

KIND_KEYS: tuple[str, ...] = (  # the first whose word is known decides
    "openinference.span.kind",
    "langfuse.observation.type",
    "langsmith.span.kind",
    "ai.operationId",
    "gen_ai.operation.name",
    "gen_ai.span.kind",
    "fi.span.kind",
    "traceloop.span.kind",
    "mlflow.spanType",
    "lmnr.span.type",
    "mastra.span.type",
    "braintrust.span_attributes",  # {"type": ...}
    "braintrust.span_type",
    "genkit:metadata:subtype",
    "genkit:type",
    "weave.span.kind",
    "langwatch.span.type",
    "agentops.span.kind",
    "confident.span.type",
    "honeyhive_event_type",
    "span_type",  # Prompt flow
    "spring.ai.kind",
    "haystack.component.type",
    "langtrace.service.type",
    "llm.request.type",
    "mcp.method.name",
    "span.type",
    "operation.type",
)

_WORDS: dict[str, str] = {
    "llm": (
        "llm generation chat text_completion completion completions generate_content chat_model chatmodel model "
        "model_generation model_step model_call llm_call llm_request call_llm inference converse converse_stream "
        "invoke_model responses response message messages chat_completions text_completions streaming_chat_completions "
        "generate generate_text text_generation chat_completion fetch_response multimodal_generation "
        "image_generation speech transcription translation audio streaming_text_completions stream_chat chat_stream"
    ),
    "embedding": "embedding embeddings embed embedder text_embedding embedding_model",
    "tool": "tool execute_tool tool_call tools function function_call toolcall tools_call mcp_tool_call tool_use",
    "agent": (
        "agent invoke_agent create_agent agent_run run_agent handoff interaction start_thread_run process_thread_run"
    ),
    "workflow": (
        "chain workflow task execute_task agent_step invoke_workflow flow flowstep flow_step pipeline workflow_run "
        "workflow_step plan framework advisor chat_client sequential parallel graph session"
    ),
    "retriever": ("retriever retrieval retrieve rag vector_db_retrieve vectordb vector_store search vector_search"),
    "reranker": "reranker rerank ranker",
    "guardrail": "guardrail guardrails moderation",
    "evaluator": "evaluator evaluation eval score scorer judge",
    "memory": (
        "memory search_memory create_memory update_memory upsert_memory delete_memory create_memory_store "
        "delete_memory_store"
    ),
}
_BY_WORD = {word: cast("Kind", kind) for kind, said in _WORDS.items() for word in words(said)}
_ANY_MODEL = frozenset(
    words(
        "llm generation model model_generation model_step model_call llm_call llm_request call_llm inference "
        "invoke_model"
    )
)
_BARE_KEYS = frozenset({"span_type", "span.type", "operation.type"})  # without a prefix: anybody's
_PLAIN_WORDS = frozenset(
    words(
        "model inference message messages response responses generate audio speech translation transcription function "
        "function_call interaction workflow task flow flow_step pipeline workflow_run workflow_step plan framework "
        "advisor sequential parallel graph session search retrieve moderation evaluation eval score scorer memory"
    )
)
PLAIN_SPEAKERS = ("com.anthropic.claude_code", "claude_code.", "promptflow")
"""How names of scopes, spans or frameworks begin whose spans say plain words under keys without a prefix."""

_EMBEDS = re.compile(r"embed(?!ded)", re.IGNORECASE)  # `acme-embedded-chat-7b` runs on small devices
_COMPONENTS: tuple[tuple[str, Kind], ...] = (  # class names of components, by what they end in or hold
    ("embedder", "embedding"),
    ("generator", "llm"),
    ("retriever", "retriever"),
    ("ranker", "reranker"),
    ("toolinvoker", "tool"),
    ("agent", "agent"),
    ("evaluator", "evaluator"),
)
_SEPARATORS = re.compile(r"[^a-z0-9]+")


@remembered
def kind_of_word(key: str, word: str) -> Kind | None:
    """The kind that an attribute's value names; null when it says nothing (`span`, `util`, an unknown word)."""
    lowered = _bare(word)
    if key == "ai.operationId":
        return _vercel(word)
    if key == "mcp.method.name":
        return "tool" if lowered == "tools_call" else "mcp"
    if key == "span_type" and lowered == "function":
        return "workflow"  # Prompt flow traces every function; its tools say `Tool`
    if key == "haystack.component.type":
        return next((kind for part, kind in _COMPONENTS if part in lowered), "workflow")
    if key == "llm.request.type" and lowered not in _BY_WORD:
        lowered = lowered.removeprefix("a")  # LiteLLM's calls that are awaited: `aembedding`, `arerank`
    return _BY_WORD.get(lowered)


def is_plain(key: str, word: str) -> bool:
    """Whether software of any sort says this word under this key: `search` of a database, `function` of a cloud."""
    return key in _BARE_KEYS and _bare(word) in _PLAIN_WORDS


@remembered
def says_any_model(word: str) -> bool:
    """Whether a word for model calls may stand for embeddings too (Laminar's `LLM`); `chat` may not."""
    return _bare(word) in _ANY_MODEL


def embeds(model: str | None) -> bool:
    """Whether a model's name is that of an embedding model."""
    return model is not None and _embeds(model)


@remembered
def _embeds(model: str) -> bool:
    return _EMBEDS.search(model) is not None


def _bare(word: str) -> str:
    return _SEPARATORS.sub("_", word.lower()).strip("_")


def _vercel(operation: str) -> Kind:
    if operation.endswith((".doEmbed", ".doRerank")):
        return "embedding" if operation.endswith(".doEmbed") else "reranker"
    if ".do" in operation:
        return "llm"
    return "tool" if operation == "ai.toolCall" else "workflow"
