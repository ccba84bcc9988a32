"""LiteLLM's OpenTelemetry callback: unset values are empty strings, dicts are printed Python."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    provider=("error.llm_provider", "gen_ai.framework.provider"),
    model_weak=("litellm.provider.model",),
    usage_json=("metadata.usage_object",),
    session_id_weak=("metadata.session_id", "litellm.session_id"),
    user_id_weak=("metadata.user_id", "metadata.user_api_key_end_user_id"),
    metadata_prefixes=("metadata.",),
)
