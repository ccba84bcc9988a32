"""A provider's answer found inside JSON of any library: usage, response id, model, finish reason.

Where usage lies only in such JSON, readers of plain attributes see nothing; this is the last source for each fact.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from collectors.conventions.usage import Usage, tier_of, usage_of
from collectors.conventions.values import Json, parse

MAX_NODES = 3000  # of one JSON value: answers lie near the top
MAX_DEPTH = 9
MAX_PRINTED = 1 << 18  # characters

MARKERS = re.compile(
    r"usage|_tokens\"|Tokens\"|TokenCount|_count|finish_?[rR]eason|stop_?[rR]eason|\"status\"|\"id\"|\"model"
)
"""A text without any of these holds nothing that this module could find."""

_USAGE_NAMES = (
    "usage", "usage_metadata", "usageMetadata", "token_usage", "tokenUsage", "usage_details", "usage_object",
    "totalUsage", "total_usage", "estimated_usage",
)  # fmt: skip
_COUNTS = ("okens", "TokenCount", "token_count")  # how names of counts end
_MODEL_NAMES = ("model", "model_name", "modelVersion", "model_version", "modelId", "model_id")
_FINISH_NAMES = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason")
_PRINTED = (
    re.compile(  # the repr() of an SDK's answer, with dicts in it: Completion(id='x', usage={'prompt_tokens': 4})
        r"\b(\w+_tokens|id|model|finish_reason|stop_reason)(?:=|': )(?:(\d+)|'([^']{1,200})')"
    )
)
_IN_PRINT = re.compile(r"_tokens=|finish_reason='|_tokens': \d")
_RESPONSE_ID = re.compile(r"(?:chatcmpl|resp|cmpl|gen|msg|embd)[-_][\w.:-]{4,}")


@dataclass(slots=True)
class Payload:
    """What one JSON value tells of a model's answer."""

    usage: Usage = field(default_factory=Usage)
    response_id: str | None = None
    model: str | None = None
    finish_reason: str | None = None


def read_payload(value: Json) -> Payload:
    """Walk the value from the top, breadth first; of several answers the one nearest to the top counts."""
    found = Payload()
    top = _opened(value)
    queue: deque[tuple[Json, int]] = deque([(top, 0)] if top else [])
    for _ in range(MAX_NODES):
        if not queue:
            break
        node, depth = queue.popleft()
        if isinstance(node, dict):
            _read_object(node, found)
        if depth < MAX_DEPTH:
            children = node.values() if isinstance(node, dict) else node
            queue.extend((opened, depth + 1) for child in children if (opened := _opened(child)))
    return found


def _opened(child: Json) -> Json | None:
    """Objects and lists as they are; JSON within a string where it may hold an answer; null for any other leaf."""
    if isinstance(child, dict | list):
        return child
    if isinstance(child, str) and len(child) > 20 and child[0] in "{[" and MARKERS.search(child):
        inner = parse(child)
        return inner if isinstance(inner, dict | list) else None
    return None


def _read_printed(text: str, found: Payload) -> None:
    """Python prints members as name=value, those of a dict as 'name': value; of a repeated name the first counts."""
    members: dict[str, Json] = {}
    for name, digits, word in _PRINTED.findall(text):
        if name != "id" or _RESPONSE_ID.fullmatch(word):
            members.setdefault(name, digits or word)
    _take_usage(found, usage_of(members))
    response_id = members.get("id")
    if found.response_id is None and isinstance(response_id, str) and not response_id.startswith("msg_"):
        found.response_id = response_id
    found.model = found.model or members.get("model")
    found.finish_reason = found.finish_reason or members.get("finish_reason") or members.get("stop_reason")


def _read_object(node: dict[str, Json], found: Payload) -> None:
    if not found.usage.complete:
        _take_usage(found, _usage_in(node))
    for value in node.values():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and _IN_PRINT.search(text):
                _read_printed(text[:MAX_PRINTED], found)
    if found.finish_reason is None:
        found.finish_reason = _finish_in(node)
    if found.response_id is None:
        found.response_id = _response_id_in(node)
    if found.model is None and _is_answer(node):
        found.model = next((node[name] for name in _MODEL_NAMES if isinstance(node.get(name), str)), None)


def _take_usage(found: Payload, usage: Usage) -> None:
    """The nearest usage counts; one further down that tells the same counts fills its gaps (cache, reasoning)."""
    if not found.usage:
        found.usage = usage
    elif usage and (usage.input, usage.output) == (found.usage.input, found.usage.output):
        found.usage.disjoint_cache |= usage.disjoint_cache
        found.usage.disjoint_reasoning |= usage.disjoint_reasoning
        found.usage.fill(usage)


def _usage_in(node: dict[str, Json]) -> Usage:
    for name in _USAGE_NAMES:
        usage = usage_of(node.get(name))
        if usage:
            usage.tier = usage.tier or tier_of(node)  # OpenAI tells it beside the usage
            return usage
    if any(name.endswith(_COUNTS) for name in node) or "prompt_eval_count" in node:  # Ollama's
        usage = usage_of(node)
        if usage.input is not None:
            return usage
    return Usage()


def _finish_in(node: dict[str, Json]) -> str | None:
    for name in _FINISH_NAMES:
        reason = node.get(name)
        if isinstance(reason, str) and reason:
            return reason
    status = node.get("status")
    if isinstance(status, str) and isinstance(node.get("output"), list):  # OpenAI Responses
        return status
    return None


def _response_id_in(node: dict[str, Json]) -> str | None:
    for name in ("response_id", "responseId", "id"):
        text = node.get(name)
        if not isinstance(text, str) or not text:
            continue
        if name != "id" and _is_answer(node):
            return text
        if _RESPONSE_ID.fullmatch(text) and (not text.startswith(("msg_", "gen-")) or _is_answer(node)):
            return text
    return None


def _is_answer(node: dict[str, Json]) -> bool:
    """Whether the object is a model's answer rather than a request, a message or an item of an answer."""
    names = node.keys()
    return bool(
        names & {"usage", "choices", "stop_reason", "candidates", "usageMetadata", "token_usage", "finish_reason"}
        or names & {"system_fingerprint", "modelVersion", "stopReason", "usage_metadata", "model_name", "done_reason"}
        or ("output" in names and "status" in names)
    )
