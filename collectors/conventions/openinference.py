"""OpenInference (Arize). Source: its semantic conventions; relatives such as TraceAI use the same keys."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    provider=("llm.provider", "llm.system"),
    request_model=("llm.request.model_name", "embedding.model_name", "reranker.model_name"),
    response_model=("llm.response.model_name",),
    model_weak=("llm.model_name", "llm.model"),
    input_tokens=("llm.token_count.prompt",),
    output_tokens=("llm.token_count.completion",),
    total_tokens=("llm.token_count.total",),
    cache_read_tokens=("llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"),
    cache_write_tokens=("llm.token_count.prompt_details.cache_write",),
    reasoning_tokens=("llm.token_count.completion_details.reasoning",),
    usage_detail=("llm.token_count.prompt_details.audio", "llm.token_count.completion_details.audio"),
    cost=("llm.cost.total",),
    streaming=("llm.is_streaming", "llm.stream"),
    finish_reason=("llm.finish_reason",),
    user_id_weak=("llm.user",),
    tags=("tag.tags",),
    metadata_json=("metadata", "llm.metadata"),
    prompt_name=("prompt.name", "prompt.id", "llm.prompt_template.name"),
    prompt_version=("llm.prompt_template.version", "prompt.version"),
    agent_name=("agent.name",),
    tool_name=("tool.name", "tool_call.function.name"),
    tool_call_id=("tool.id", "tool_call.id"),
    params_json=("llm.invocation_parameters", "embedding.invocation_parameters"),
    tool_input=("tool_call.function.arguments",),
    query=("reranker.query",),
    input_weak=("input.value",),
    output_weak=("output.value",),
    input_indexed=("llm.input_messages", "llm.prompts"),
    output_indexed=("llm.output_messages", "llm.completions", "llm.choices"),
    tools_indexed=("llm.tools",),
    documents_indexed=("retrieval.documents", "reranker.output_documents"),
    texts_indexed=("embedding.embeddings",),
)
