"""LangSmith's OpenTelemetry export. `langsmith.trace.session_name` is the project, not a session."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    provider=("langsmith.metadata.ls_provider",),
    request_model=("langsmith.metadata.ls_model_name",),
    usage_json=("langsmith.metadata.usage_metadata", "langsmith.usage_metadata"),
    session_id=("langsmith.metadata.session_id", "langsmith.metadata.thread_id", "langsmith.trace.session_id"),
    session_id_weak=("langsmith.metadata.conversation_id",),
    user_id=("langsmith.metadata.user_id",),
    tags=("langsmith.span.tags",),
    metadata_prefixes=("langsmith.metadata.",),
    agent_name=("langsmith.metadata.lc_agent_name",),
    prompt_name=("langsmith.metadata.lc_hub_repo",),
    prompt_version=("langsmith.metadata.lc_hub_commit_hash",),
)
