"""Why a model stopped, in OpenTelemetry's words."""

from __future__ import annotations

import re

from collectors.conventions.values import Json, parse, remembered

_WORDS = {
    "stop": (
        "stop end_turn stop_sequence completed complete eos eos_token end_of_sequence finished done end finish success"
    ),
    "length": (
        "length max_tokens max_output_tokens incomplete token_limit model_length max_length truncated "
        "model_context_window_exceeded max_completion_tokens error_limit"
    ),
    "tool_call": "tool_call tool_calls tool_use tooluse function_call function_calls tool tools",
    "content_filter": (
        "content_filter content_filtered safety recitation blocklist prohibited_content spii refusal error_toxic "
        "guardrail_intervened image_safety language moderation"
    ),
    "error": "error failed cancelled canceled malformed_function_call unexpected_tool_call exception",
}
_BY_WORD = {word: reason for reason, words in _WORDS.items() for word in words.split()}
_PREFIX = re.compile(r"^(finish_?reason|stop_?reason|chat_?finish_?reason)[._]", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_WORD = re.compile(r"[^a-z]+")


def raw_reason(value: Json) -> str | None:
    """The first reason of an array, of its JSON text, or of a plain text; null for an empty one."""
    if isinstance(value, str) and value[:1] in {"[", '"', "{"}:
        value = parse(value)
    if isinstance(value, list):
        return next((found for item in value if (found := raw_reason(item))), None)
    if isinstance(value, dict):
        value = value.get("unified") or value.get("reason") or value.get("type")
    return value.strip() if isinstance(value, str) and value.strip() not in {"", "None", "null", "unknown"} else None


@remembered
def finish_reason(raw: str) -> str:
    """One of stop, length, tool_call, content_filter, error, other."""
    bare = _CAMEL.sub("_", _PREFIX.sub("", raw))
    return _BY_WORD.get(_NOT_WORD.sub("_", bare.lower()).strip("_"), "other")
