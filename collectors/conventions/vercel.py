"""Vercel AI SDK 4 to 7. `ai.generateText` wraps the calls `ai.generateText.doGenerate`; later majors add OTel keys."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    provider=("ai.model.provider",),
    request_model=("ai.model.id",),
    response_model=("ai.response.model",),
    response_id=("ai.response.id",),
    input_tokens=("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
    output_tokens=("ai.usage.outputTokens", "ai.usage.completionTokens"),
    total_tokens=("ai.usage.totalTokens",),
    cache_read_tokens=("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
    cache_write_tokens=("ai.usage.inputTokenDetails.cacheWriteTokens",),
    reasoning_tokens=("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
    usage_json=("ai.usage", "ai.response.providerMetadata"),
    ttft_ms=("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
    finish_reason=("ai.response.finishReason", "ai.finishReason"),
    session_id=("ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.session_id"),
    session_id_weak=("ai.telemetry.metadata.threadId", "ai.telemetry.metadata.chatId"),
    user_id=("ai.telemetry.metadata.userId", "ai.telemetry.metadata.user_id"),
    tags=("ai.telemetry.metadata.tags",),
    metadata_prefixes=("ai.telemetry.metadata.",),
    prompt_json=("ai.telemetry.metadata.langfusePrompt",),
    agent_name=("ai.telemetry.functionId",),
    tool_name=("ai.toolCall.name",),
    tool_call_id=("ai.toolCall.id",),
    input=("ai.prompt.messages", "ai.prompt", "ai.values", "ai.value"),
    output_text=("ai.response.text", "ai.response.object", "ai.result.text", "ai.result.object"),
    output_tool_calls=("ai.response.toolCalls", "ai.result.toolCalls"),
    tool_input=("ai.toolCall.args", "ai.toolCall.input"),
    tool_output=("ai.toolCall.result", "ai.toolCall.output"),
    tool_definitions=("ai.prompt.tools",),
)
