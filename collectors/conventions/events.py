"""Messages that travel as events: span events, log records, or a JSON list of them in an attribute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from collectors.conventions.shapes import Message, to_message, to_messages
from collectors.conventions.values import Json, parse
from collectors.model import TextMap

MESSAGE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE = "gen_ai.choice"
DETAILS = "gen_ai.client.inference.operation.details"
PROMPTS = frozenset({"gen_ai.content.prompt", "gen_ai.prompt"})
COMPLETIONS = frozenset({"gen_ai.content.completion", "gen_ai.completion"})
CONTENT_EVENTS = frozenset({*MESSAGE_EVENTS, CHOICE, DETAILS, *PROMPTS, *COMPLETIONS})

_JSON_MEMBERS = ("tool_calls", "message", "content", "gen_ai.event.content", "body", "tool.result")


def payload_of(attributes: TextMap, body: str | None = None) -> dict[str, Json]:
    """What an event says: its body's members over its attributes, JSON texts opened."""
    payload: dict[str, Json] = {}
    for key, value in attributes.items():
        opened = parse(value) if value and key in _JSON_MEMBERS and value[:1] in {"{", "["} else None
        payload[key] = value if opened is None else opened
    opened = parse(body) if body else None
    for held in (payload.get("gen_ai.event.content"), payload.get("body"), opened):
        if isinstance(held, dict):
            payload.update(held)
    if body and not isinstance(opened, dict) and "content" not in payload:
        payload["content"] = body if opened is None else opened
    return payload


def message_of(name: str, payload: dict[str, Json]) -> tuple[str, list[Message]] | None:
    """(`input` or `output`, messages) of one event; null when it holds no content."""
    if name in MESSAGE_EVENTS:
        return "input", _spoken(payload, MESSAGE_EVENTS[name])
    if name == CHOICE:
        return "output", _spoken(payload, "assistant")
    if name in PROMPTS:
        return "input", _content(payload, "gen_ai.prompt", "input")
    if name in COMPLETIONS:
        return "output", _content(payload, "gen_ai.completion", "output")
    return None


def _spoken(payload: dict[str, Json], role: str) -> list[Message]:
    item: dict[str, Any] = {"role": role, **{key: payload[key] for key in payload if key in _MEMBERS}}
    held = payload.get("message")
    if isinstance(held, dict):
        item = {"role": role, **held, **{k: item[k] for k in ("finish_reason",) if k in item}}
    elif held is not None:
        item.setdefault("content", held)
    if role == "tool" and "id" in payload:
        item.setdefault("tool_call_id", payload["id"])
    message = to_message(item, "output" if role == "assistant" else "input")
    return [message] if message["parts"] or message.get("finish_reason") else []


_MEMBERS = frozenset({"role", "content", "tool_calls", "finish_reason", "name", "tool_call_id", "refusal", "parts"})


def _content(payload: dict[str, Json], key: str, side: str) -> list[Message]:
    if isinstance(payload.get("message"), dict):
        return _spoken(payload, "assistant")
    if "role" in payload or "tool_calls" in payload:
        return _spoken(payload, "user" if side == "input" else "assistant")
    held = payload.get(key, payload.get("content"))
    opened = parse(held) if isinstance(held, str) and held[:1] in {"{", "["} else None
    return to_messages(held if opened is None else opened, side)


def sides(events: Iterable[tuple[str, dict[str, Json]]]) -> tuple[list[Message], list[Message]]:
    """(input, output) messages of events: by `gen_ai.message.index` where all have one, else in order of arrival."""
    found: dict[str, list[tuple[int, list[Message]]]] = {"input": [], "output": []}
    for name, payload in events:
        read = message_of(name, payload)
        if read:
            found[read[0]].append((_index(payload), read[1]))
    for entries in found.values():
        if all(index >= 0 for index, _ in entries):
            entries.sort(key=lambda entry: entry[0])
    return [m for _, ms in found["input"] for m in ms], [m for _, ms in found["output"] for m in ms]


def _index(payload: dict[str, Json]) -> int:
    try:
        return int(payload.get("gen_ai.message.index", -1))
    except (TypeError, ValueError):
        return -1
