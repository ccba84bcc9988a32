"""OpenLLMetry (Traceloop), old and new. New releases use OpenTelemetry's keys; these are the ones of its own."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    request_model=("llm.request.model",),
    response_model=("llm.response.model",),
    input_tokens=("llm.usage.prompt_tokens",),
    output_tokens=("llm.usage.completion_tokens",),
    total_tokens=("llm.usage.total_tokens",),
    finish_reason=("llm.response.finish_reason", "llm.response.stop_reason"),
    session_id=("traceloop.association.properties.session_id", "traceloop.association.properties.sessionId"),
    session_id_weak=(
        "traceloop.association.properties.thread_id",
        "traceloop.association.properties.conversation_id",
        "traceloop.association.properties.chat_id",
    ),
    user_id=("traceloop.association.properties.user_id", "traceloop.association.properties.userId"),
    metadata_prefixes=("traceloop.association.properties.",),
    prompt_name=("traceloop.prompt.key",),
    prompt_version=("traceloop.prompt.version", "traceloop.prompt.version_name"),
    workflow_name=("traceloop.workflow.name",),
    tool_input=("traceloop.entity.input",),
    tool_output=("traceloop.entity.output",),
    input_weak=("gen_ai.task.input", "traceloop.entity.input"),
    output_weak=("gen_ai.task.output", "traceloop.entity.output"),
    tools_indexed=("llm.request.functions",),
)
