"""Langfuse SDK 3 and later. Metadata values may be JSON-quoted; usage details come in three shapes from one SDK."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    response_model=("langfuse.observation.model.name",),
    usage_json=("langfuse.observation.usage_details", "langfuse.observation.usage"),
    cost_json=("langfuse.observation.cost_details",),
    ttft_time=("langfuse.observation.completion_start_time",),
    session_id=("langfuse.session.id", "langfuse.trace.session_id"),
    session_id_weak=("langfuse.trace.metadata.session_id", "langfuse.trace.metadata.thread_id"),
    user_id=("langfuse.user.id", "langfuse.trace.user_id"),
    tags=("langfuse.trace.tags", "langfuse.tags"),
    metadata_json=("langfuse.observation.metadata", "langfuse.trace.metadata"),
    metadata_prefixes=("langfuse.observation.metadata.", "langfuse.trace.metadata.", "langfuse.metadata."),
    prompt_name=("langfuse.observation.prompt.name", "langfuse.prompt.name"),
    prompt_version=("langfuse.observation.prompt.version", "langfuse.prompt.version"),
    error_message=("langfuse.observation.status_message",),
    params_json=("langfuse.observation.model.parameters",),
    input=("langfuse.observation.input",),
    output=("langfuse.observation.output",),
    input_weak=("langfuse.trace.input",),
    output_weak=("langfuse.trace.output",),
    tool_input=("langfuse.observation.input",),
    tool_output=("langfuse.observation.output",),
    environment=("langfuse.environment",),
    release=("langfuse.release",),
)
