"""Frameworks with a few keys of their own: one `Keys` each, in no particular order of merit.

Sources are their documentation; none is in our captures, so every list is short and read last.
"""

from __future__ import annotations

from collectors.conventions.keys import Keys

GENKIT = Keys(
    session_id=("genkit:sessionId", "genkit:metadata:sessionId"),
    model_weak=("genkit:name",),
    workflow_name=("genkit:metadata:flow:name",),
    input_weak=("genkit:input",),
    output_weak=("genkit:output",),
    tool_input=("genkit:input",),
    tool_output=("genkit:output",),
)

GOOGLE_ADK = Keys(
    session_id_weak=("gcp.vertex.agent.session_id",),
    input=("gcp.vertex.agent.llm_request",),
    output=("gcp.vertex.agent.llm_response",),
    params_json=("gcp.vertex.agent.llm_request",),
    tool_input=("gcp.vertex.agent.tool_call_args",),
    tool_output=("gcp.vertex.agent.tool_response",),
)

CLAUDE_CODE = Keys(
    request_model=("model",),
    input_tokens=("input_tokens",),
    output_tokens=("output_tokens",),
    cache_read_tokens=("cache_read_tokens", "cache_read_input_tokens"),
    cache_write_tokens=("cache_creation_tokens", "cache_creation_input_tokens"),
    response_id=("response_id",),
    cost=("cost_usd",),
    ttft_ms=("ttft_ms", "time_to_first_token_ms"),
    tool_name=("tool_name",),
    tool_call_id=("tool_use_id",),
    finish_reason=("stop_reason",),
    session_id_weak=("session_id", "thread_id", "conversation_id", "conversation.id"),
)

CODEX = Keys(  # `tool_token_count` is its total; the same word is a part of the input in Gemini CLI
    input_tokens=("input_token_count",),
    output_tokens=("output_token_count",),
    cache_read_tokens=("cached_token_count",),
    reasoning_tokens=("reasoning_token_count",),
)

GEMINI_CLI = Keys(
    input_tokens=("input_token_count",),
    output_tokens=("output_token_count",),
    total_tokens=("total_token_count",),
    cache_read_tokens=("cached_content_token_count",),
    reasoning_tokens=("thoughts_token_count",),
)

LIVEKIT = Keys(
    ttft_s=("lk.response.ttft",),
    tool_name=("lk.function_tool.name",),
    tool_call_id=("lk.function_tool.id",),
    agent_name=("lk.agent_name",),
    session_id_weak=("lk.job_id", "lk.room_name"),
    input=("lk.chat_ctx",),
    input_weak=("lk.user_input", "lk.user_transcript"),
    output_text=("lk.response.text",),
    output_tool_calls=("lk.response.function_calls",),
    tool_input=("lk.function_tool.arguments",),
    tool_output=("lk.function_tool.output",),
    usage_json=("lk.llm_metrics",),
)

SPRING_AI = Keys(
    session_id_weak=("spring.ai.chat.client.conversation.id",),
    tool_name=("spring.ai.tool.definition.name",),
    tool_input=("spring.ai.tool.call.arguments",),
    tool_output=("spring.ai.tool.call.result",),
    input_weak=("spring.ai.chat.client.user.text",),
    query=("spring.ai.vectorstore.query.content",),
)

HAYSTACK = Keys(
    input_weak=("haystack.component.input", "haystack.pipeline.input_data", "haystack.agent.inputs"),
    output_weak=("haystack.component.output", "haystack.pipeline.output_data", "haystack.agent.outputs"),
    tool_name=("haystack.tool.name",),
    tool_input=("haystack.tool.input", "haystack.component.input"),
    tool_output=("haystack.tool.output", "haystack.component.output"),
)

WEAVE = Keys(
    session_id_weak=("wandb.thread_id",),
    usage_json=("weave.summary.usage",),
    input_weak=("weave.inputs",),
    output_weak=("weave.output",),
)

LAMINAR = Keys(
    session_id=("lmnr.association.properties.session_id",),
    user_id=("lmnr.association.properties.user_id",),
    tags=("lmnr.association.properties.tags",),
    metadata_prefixes=("lmnr.association.properties.metadata.",),
    input_weak=("lmnr.span.input",),
    output_weak=("lmnr.span.output",),
    tool_input=("lmnr.span.input",),
    tool_output=("lmnr.span.output",),
)

MASTRA = Keys(
    input_weak=("mastra.span.input", "mastra.model_generation.input", "mastra.agent_run.input", "mastra.input"),
    output_weak=("mastra.span.output", "mastra.model_generation.output", "mastra.agent_run.output", "mastra.output"),
    tool_input=("mastra.tool_call.input", "mastra.mcp_tool_call.input"),
    tool_output=("mastra.tool_call.output", "mastra.mcp_tool_call.output"),
    metadata_prefixes=("mastra.metadata.",),
)

CREWAI = Keys(  # as Traceloop writes them: sums over the crew's calls
    usage_json=("crewai.crew.usage_metrics",),
)

LANGTRACE = Keys(
    provider=("langtrace.service.name",),
    usage_json=("llm.token.counts",),
    input_weak=("llm.prompts", "llm.inputs"),
    output_weak=("llm.responses", "llm.completions"),
)

GATEWAYS = Keys(
    session_id_weak=("trace.metadata.session_id", "helicone.session.id", "portkey.metadata.session_id"),
    user_id_weak=("trace.metadata.user_id", "helicone.user.id", "portkey.metadata._user"),
    metadata_prefixes=("trace.metadata.", "portkey.metadata.", "helicone.property."),
)

LANGWATCH = Keys(
    usage_json=("langwatch.metrics",),
    session_id=("langwatch.thread.id",),
    user_id=("langwatch.user.id",),
    tags=("langwatch.labels",),
    input_weak=("langwatch.input",),
    output_weak=("langwatch.output",),
    tool_input=("langwatch.input",),
    tool_output=("langwatch.output",),
    documents_json=("langwatch.contexts",),
)

CONFIDENT = Keys(
    model_weak=("confident.llm.model",),
    input_tokens=("confident.llm.input_token_count",),
    output_tokens=("confident.llm.output_token_count",),
    session_id=("confident.trace.thread_id",),
    user_id=("confident.trace.user_id",),
    tags=("confident.trace.tags",),
    metadata_json=("confident.span.metadata", "confident.trace.metadata"),
    tool_name=("confident.tool.name",),
    input_weak=("confident.span.input",),
    output_weak=("confident.span.output",),
    tool_input=("confident.span.input",),
    tool_output=("confident.span.output",),
)

PLAIN = Keys(  # bare words that several home-made instrumentations use
    input_weak=("input", "inputs", "request.body", "prompt"),
    output_weak=("output", "response.body", "completion"),
    tool_input=("tool.arguments", "tool.input", "input.value", "input", "tool.parameters"),
    tool_output=("tool.result", "tool.output", "output.value", "output"),
    query=("query", "input.value", "retrieval.query"),
    tags=("tags",),
    usage_json=("usage", "token_usage"),
    tool_call_id=("tool.call.id", "tool_call_id"),
    streaming=("stream", "is_streaming", "streaming"),
    environment=("environment",),
)

FRAMEWORKS = (
    GENKIT, GOOGLE_ADK, CLAUDE_CODE, CODEX, GEMINI_CLI, LIVEKIT, SPRING_AI, HAYSTACK, WEAVE, LAMINAR, MASTRA, CREWAI,
    LANGTRACE, LANGWATCH, CONFIDENT, GATEWAYS, PLAIN,
)  # fmt: skip
