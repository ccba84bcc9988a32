"""pydantic-ai, pydantic-evals and Logfire's own instrumentation of model SDKs."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    model_weak=("model_name",),
    cost=("operation.cost",),
    agent_name=("agent_name",),
    prompt_name=("logfire.prompt.name",),
    tool_input=("tool_arguments",),
    tool_output=("tool_response",),
    both_json=("pydantic_ai.all_messages", "events", "all_messages_events"),
    output_weak=("final_result", "response_data"),
    input_weak=("request_data",),
    usage_json=("response_data",),
    params_json=("request_data", "model_request_parameters"),
    tool_definitions=("tools",),
)
