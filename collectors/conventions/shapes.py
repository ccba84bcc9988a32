"""Messages of any provider or library to OpenTelemetry's canonical form (ARCHITECTURE.md, "Canonical message form").

Recognised by their members, never by who sent them: OpenAI chat and Responses, Anthropic, Gemini, Bedrock Converse,
Cohere, LangChain (plain and serialised), Vercel, Haystack, OpenInference and OpenTelemetry itself.
"""

from __future__ import annotations

from typing import Any

from collectors.conventions.values import Json, dumps, parse

Part = dict[str, Any]
Message = dict[str, Any]

MAX_DEPTH = 8  # of containers around messages

_ROLES = {
    "human": "user", "humanmessage": "user", "humanmessagechunk": "user", "usermessage": "user", "user": "user",
    "ai": "assistant", "aimessage": "assistant", "aimessagechunk": "assistant", "model": "assistant",
    "assistant": "assistant", "bot": "assistant", "chatbot": "assistant", "assistantmessage": "assistant",
    "system": "system", "developer": "system", "systemmessage": "system", "systemmessagechunk": "system",
    "tool": "tool", "function": "tool", "toolmessage": "tool", "functionmessage": "tool", "toolmessagechunk": "tool",
}  # fmt: skip
_TEXT_TYPES = {"text", "input_text", "output_text", "summary_text", "refusal"}
_CALL_TYPES = {"tool_call", "tool_use", "tool-call", "function_call", "function", "server_tool_use", "server_tool_call"}
_RESULT_TYPES = {
    "tool_call_response", "tool_result", "tool-result", "function_call_output", "server_tool_call_response",
    "web_search_tool_result",
}  # fmt: skip
_TEXT_PART = {"type", "content"}
_REASONING_TYPES = {"reasoning", "thinking", "redacted_thinking", "reasoning_content"}
_CANONICAL_TYPES = {"text", "reasoning", "tool_call", "tool_call_response", "uri", "blob", "file", "generic"}

# Members that hold messages, best first. Which list applies depends on the side of the call.
_INPUT_HOLDERS = (
    "messages", "input_messages", "contents", "chat_history", "history", "input", "inputs", "prompt", "prompts",
    "question", "query", "request", "kwargs", "data", "chat_ctx", "items", "text", "value", "user_input", "body",
    "message",
)  # fmt: skip
_OUTPUT_HOLDERS = (
    "choices", "candidates", "generations", "output_messages", "message", "messages", "replies", "output", "outputs",
    "response", "result", "results", "data", "answer", "content", "text", "completion", "completions", "parts", "items",
    "value", "body", "responses", "combined_chunk_content", "output_text", "final_output", "return_values", "raw",
    "raw_output", "update",
)  # fmt: skip


def role_of(name: Json, default: str) -> str:
    """`system`, `user`, `assistant` or `tool` for any library's word; the default when the word is unknown."""
    return _ROLES.get(name.lower().replace("_", ""), default) if isinstance(name, str) else default


def to_messages(value: Json, side: str, depth: int = 0) -> list[Message]:
    """Canonical messages found in a parsed JSON value; empty when it holds none.

    `side` is `input` or `output`: it decides the role of bare text and which member of an object is looked into first.
    """
    if depth > MAX_DEPTH or value is None:
        return []
    if isinstance(value, str):
        return _of_text(value, side, depth)
    if isinstance(value, list):
        return _of_list(value, side, depth)
    return _of_object(value, side, depth) if isinstance(value, dict) else []


def text_message(text: str, side: str) -> Message:
    """One message of plain text, spoken by the user (input) or the assistant (output)."""
    return {"role": "user" if side == "input" else "assistant", "parts": [{"type": "text", "content": text}]}


def _of_text(text: str, side: str, depth: int) -> list[Message]:
    if depth and text[:1] in {"[", "{"}:  # messages as JSON text inside JSON
        inner = parse(text)
        if isinstance(inner, dict | list):
            found = to_messages(inner, side, depth + 1)
            if found:
                return found
    return [text_message(text, side)] if text else []


def _of_list(items: list[Json], side: str, depth: int) -> list[Message]:
    if not items:
        return []
    if all(isinstance(item, dict) and "role" not in item and _is_part(item) for item in items):
        return _grouped([item for item in items if isinstance(item, dict)], side)
    if isinstance(items[0], list):  # a batch of conversations: the first stands for the span
        return to_messages(items[0], side, depth + 1)
    messages: list[Message] = []
    for item in items:
        if isinstance(item, dict) and _is_canonical(item):
            messages.append(item)
        elif isinstance(item, dict) and (_is_message(item) or _is_part(item)):
            messages.extend([to_message(item, side)] if _is_message(item) else _grouped([item], side))
        else:
            messages.extend(to_messages(item, side, depth + 1))
    return messages


def _is_canonical(item: dict[str, Json]) -> bool:
    """A message of plain text that is in canonical form already: by far the most frequent, so told apart first."""
    parts = item.get("parts")
    if not isinstance(parts, list) or item.get("role") not in {"user", "assistant", "system"} or len(item) > 2:
        return False
    return all(isinstance(part, dict) and part.get("type") == "text" and part.keys() == _TEXT_PART for part in parts)


def _grouped(parts: list[dict[str, Json]], side: str) -> list[Message]:
    """Bare parts as messages: tool results are the tool's, the rest belongs to the side's own speaker."""
    messages: list[Message] = []
    for item in parts:
        part = to_part(item)
        if part is None:
            continue
        role = _speaker(part, side)
        if messages and messages[-1]["role"] == role:
            messages[-1]["parts"].append(part)
        else:
            messages.append({"role": role, "parts": [part]})
    return messages


def _speaker(part: Part, side: str) -> str:
    if part["type"] == "tool_call_response":
        return "tool"
    if part["type"] in {"tool_call", "reasoning"}:
        return "assistant"
    return "user" if side == "input" else "assistant"


def _is_message(item: dict[str, Json]) -> bool:
    if _constructor(item):
        return True
    if item.keys() & {"role", "_role", "parts"} or isinstance(item.get("message"), dict):
        return True
    if "event.name" in item:
        return True
    return "content" in item and role_of(item.get("type"), "") != "" and item.get("type") not in _CALL_TYPES


def _is_part(item: dict[str, Json]) -> bool:
    if "role" in item or "parts" in item or _constructor(item):
        return False
    kind = item.get("type")
    if isinstance(kind, str):
        known = kind in _TEXT_TYPES or kind in _CALL_TYPES or kind in _RESULT_TYPES or kind in _REASONING_TYPES
        return known or kind in {"uri", "blob", "file", "generic", "image", "image_url", "document", "compaction"}
    if item.keys() & {"toolName", "tool_name"}:
        return _arguments(item) is not None
    return bool(item.keys() & {"functionCall", "function_call", "toolUse", "toolResult"})


def _of_object(value: dict[str, Json], side: str, depth: int) -> list[Message]:
    if _is_part(value):
        return _grouped([value], side)
    if _is_message(value) and not ("messages" in value and side == "input"):
        return [to_message(value, side)]
    if (
        side == "output"
        and isinstance(value.get("generation_info"), dict)
        and "text" in value
        and "message" not in value
    ):
        return [text_message(str(value["text"]), side)]
    return _instructions(value, side) + _held(value, side, depth)


def _instructions(value: dict[str, Json], side: str) -> list[Message]:
    """System text beside the messages: Anthropic `system`, Responses `instructions`, Gemini `system_instruction`."""
    if side != "input":
        return []
    config = value.get("config")  # Gemini SDK and Google ADK
    for name in ("system", "instructions", "system_instruction", "systemInstruction", "system_prompt"):
        held = value.get(name) or (config.get(name) if isinstance(config, dict) else None)
        if isinstance(held, dict) and ("messages" in held or not held):
            continue
        parts = to_parts(held.get("parts", held) if isinstance(held, dict) else held)
        if parts:
            return [{"role": "system", "parts": parts}]
    return []


def _held(value: dict[str, Json], side: str, depth: int) -> list[Message]:
    for name in _INPUT_HOLDERS if side == "input" else _OUTPUT_HOLDERS:
        held = value.get(name)
        if held in (None, "", [], {}) or isinstance(held, bool | int | float):
            continue
        if name in {"kwargs", "data", "body", "raw", "text", "value"} and isinstance(held, str) and len(value) > 1:
            continue
        found = to_messages(held, side, depth + 1)
        if found:
            return found
    return []


def _constructor(item: dict[str, Json]) -> dict[str, Json] | None:
    """`kwargs` of a LangChain object serialised as {"lc": 1, "type": "constructor", "id": [...], "kwargs": {...}}."""
    kwargs = item.get("kwargs")
    return kwargs if "lc" in item and isinstance(kwargs, dict) and "content" in kwargs else None


def to_message(item: dict[str, Json], side: str) -> Message:
    """One message object of any library. Fields that are not understood are left out; they stay in the attributes."""
    default = "user" if side == "input" else "assistant"
    finish = _finish(item)
    kwargs = _constructor(item)
    if kwargs is not None:
        name = item["id"][-1] if isinstance(item.get("id"), list) and item["id"] else None
        default = role_of(name, default)
        item = kwargs
    elif isinstance(item.get("message"), dict) and "content" not in item:
        default = _event_role(item, default)
        item = item["message"]
        inner = _constructor(item)
        if inner is not None:
            name = item["id"][-1] if isinstance(item.get("id"), list) and item["id"] else None
            item, default = inner, role_of(name, default)
    role = role_of(item.get("role") or item.get("_role"), role_of(item.get("type"), _event_role(item, default)))
    return _assembled(item, role, finish or _finish(item))


def _event_role(item: dict[str, Json], default: str) -> str:
    """Role by the name of a message event, such as `gen_ai.user.message`."""
    name = item.get("event.name")
    if name == "gen_ai.choice":
        return "assistant"
    return role_of(name.split(".")[1], default) if isinstance(name, str) and name.count(".") == 2 else default


def _finish(item: dict[str, Json]) -> str | None:
    for name in ("finish_reason", "finishReason", "stop_reason", "stopReason"):
        reason = item.get(name)
        if isinstance(reason, str) and reason:
            return reason
    info = item.get("generation_info") or item.get("response_metadata")
    return _finish(info) if isinstance(info, dict) and info is not item else None


def _assembled(item: dict[str, Json], role: str, finish: str | None) -> Message:
    parts = to_parts(item.get("reasoning_content") or item.get("thinking"), "reasoning")
    call_id = item.get("tool_call_id") or (item.get("id") if role == "tool" else None)
    if role == "user" and item.get("tool_call_id"):  # Anthropic's way: a result is given by the user
        role = "tool"
    content = _content(item)
    if role == "tool" and not _holds_results(content):
        parts.append({"type": "tool_call_response", "id": call_id, "response": content})
    else:
        parts.extend(to_parts(content))
    _append_calls(item, parts)
    message: Message = {"role": role, "parts": parts}
    if any(part["type"] == "tool_call_response" for part in parts) and role == "user":
        message["role"] = "tool" if all(part["type"] == "tool_call_response" for part in parts) else role
    if finish:
        message["finish_reason"] = finish
    if isinstance(item.get("name"), str) and role != "tool" and item["name"]:
        message["name"] = item["name"]
    return message


def _content(item: dict[str, Json]) -> Json:
    for name in ("parts", "contents", "content", "_content", "blocks", "text", "refusal", "output_text"):
        held = item.get(name)
        if held not in (None, "", []):
            return held
    return None


def _holds_results(content: Json) -> bool:
    if not isinstance(content, list):
        return False
    return any(
        isinstance(part, dict)
        and (part.get("type") in _RESULT_TYPES or part.keys() & {"toolResult", "functionResponse", "function_response"})
        for part in content
    )


def _append_calls(item: dict[str, Json], parts: list[Part]) -> None:
    extra = item.get("additional_kwargs")
    known = {part.get("id") for part in parts if part["type"] == "tool_call"}
    for holder in (item, extra if isinstance(extra, dict) else {}):
        calls = holder.get("tool_calls") or holder.get("toolCalls") or []
        single = holder.get("function_call")
        calls = calls if isinstance(calls, list) else []
        for call in [*calls, *([single] if isinstance(single, dict) else [])]:
            part = tool_call(call) if isinstance(call, dict) else None
            if part and not (known and part["id"] in known):
                parts.append(part)
        known |= {part.get("id") for part in parts if part["type"] == "tool_call"}


def to_parts(content: Json, default: str = "text", depth: int = 0) -> list[Part]:
    """Parts of a message's content: text, one part, or a list of either; lists in lists as long as they are few."""
    if content is None or content in ("", []):
        return []
    if isinstance(content, str):
        inner = parse(content) if content.startswith('[{"') else None
        if isinstance(inner, list) and all(isinstance(item, dict) and _is_part(item) for item in inner):
            return to_parts(inner)
        return [{"type": default, "content": content}]
    if isinstance(content, list) and depth < MAX_DEPTH:
        return [part for item in content for part in to_parts(item, default, depth + 1)]
    if isinstance(content, dict):
        part = to_part(content)
        return [part] if part else []
    return [{"type": default, "content": dumps(content)}]


def to_part(item: dict[str, Json]) -> Part | None:
    """One part of any library; null for an empty one."""
    if isinstance(item.get("message_content"), dict):  # OpenInference
        item = {**item, **item["message_content"]}
    kind = item.get("type") if isinstance(item.get("type"), str) else None
    for read in (_call_part, _result_part, _reasoning_part, _text_part, _media_part):
        part = read(item, kind)
        if part is not None:
            return part if part.get("content", "x") not in ("", None) else None
    return {**item, "type": kind} if kind in _CANONICAL_TYPES else {**item, "type": "generic", "of": kind}


def _call_part(item: dict[str, Json], kind: str | None) -> Part | None:
    if kind in _RESULT_TYPES:
        return None
    for name in ("tool_call", "functionCall", "function_call", "toolUse"):
        held = item.get(name)
        if isinstance(held, dict):
            return tool_call(held)
    named = item.keys() & {"toolName", "tool_name", "name", "function"}
    return tool_call(item) if kind in _CALL_TYPES or (kind is None and named and _arguments(item) is not None) else None


def tool_call(call: dict[str, Json]) -> Part | None:
    """A requested tool call: name and arguments (parsed where they are JSON); null without a name."""
    inner = call.get("tool_call") if isinstance(call.get("tool_call"), dict) else call
    inner = inner if isinstance(inner, dict) else call
    function = inner.get("function")
    named = function if isinstance(function, dict) else inner
    name = named.get("name") or inner.get("toolName") or inner.get("tool_name") or inner.get("tool")
    if not isinstance(name, str):
        return None
    ids = (inner.get(key) for key in ("call_id", "id", "toolCallId", "tool_call_id", "toolUseId", "tool_use_id"))
    arguments = _arguments(named)
    if isinstance(arguments, str):
        parsed = parse(arguments)
        arguments = arguments if parsed is None else parsed
    return {"type": "tool_call", "id": next((i for i in ids if i), None), "name": name, "arguments": arguments}


def _arguments(item: dict[str, Json]) -> Json:
    for name in ("arguments", "args", "input", "parameters", "toolInput"):
        if item.get(name) is not None:
            return item[name]
    return None


def _result_part(item: dict[str, Json], kind: str | None) -> Part | None:
    for name in ("functionResponse", "function_response", "toolResult"):
        held = item.get(name)
        if isinstance(held, dict):
            item, kind = held, "tool_result"
    if kind not in _RESULT_TYPES:
        return None
    ids = (item.get(key) for key in ("call_id", "tool_use_id", "toolUseId", "toolCallId", "tool_call_id", "id"))
    held = (item.get(key) for key in ("response", "result", "output", "content", "outputs"))
    return {
        "type": "tool_call_response",
        "id": next((i for i in ids if i), None),
        "response": next((value for value in held if value is not None), None),
    }


def _reasoning_part(item: dict[str, Json], kind: str | None) -> Part | None:
    held = item.get("reasoningContent")
    if isinstance(held, dict):
        item, kind = held.get("reasoningText", held), "reasoning"
    if kind not in _REASONING_TYPES and not (item.get("thought") is True and isinstance(item.get("text"), str)):
        return None
    for name in ("content", "text", "thinking", "reasoning", "summary", "data"):
        value = item.get(name)
        if isinstance(value, str) and value:
            return {"type": "reasoning", "content": value}
        if isinstance(value, list) and value:
            texts = [part.get("text", "") if isinstance(part, dict) else str(part) for part in value]
            return {"type": "reasoning", "content": "\n".join(map(str, texts))}
    return {"type": "reasoning", "content": ""}


def _text_part(item: dict[str, Json], kind: str | None) -> Part | None:
    if kind is not None and kind not in _TEXT_TYPES:
        return None
    for name in ("content", "text", "refusal", "value"):
        value = item.get(name)
        if isinstance(value, str):
            return {"type": "text", "content": value}
        if isinstance(value, dict) and isinstance(value.get("value"), str):  # OpenAI assistants
            return {"type": "text", "content": value["value"]}
    return None


def _media_part(item: dict[str, Json], kind: str | None) -> Part | None:
    if kind in {"uri", "blob", "file"} and item.keys() & {"uri", "content", "file_id"}:
        return dict(item)
    source = item.get("source") if isinstance(item.get("source"), dict) else None
    inline = item.get("inlineData") or item.get("inline_data") or source
    if isinstance(inline, dict) and "data" in inline:
        mime = inline.get("mimeType") or inline.get("mime_type") or inline.get("media_type")
        return {"type": "blob", "mime_type": mime, "content": inline["data"]}
    file = item.get("fileData") or item.get("file_data")
    if isinstance(file, dict):
        return {"type": "uri", "uri": file.get("fileUri") or file.get("file_uri")}
    return _linked(item.get("image_url") or item.get("image") or (source or {}).get("url") or item.get("url"))


def _linked(link: Json) -> Part | None:
    for _ in range(3):  # OpenInference: image.image.url; OpenAI: image_url.url
        if isinstance(link, dict):
            link = link.get("url") or link.get("image")
    if not isinstance(link, str) or not link:
        return None
    if link.startswith("data:") and ";base64," in link:
        head, _, data = link[5:].partition(";base64,")
        return {"type": "blob", "mime_type": head, "content": data}
    return {"type": "uri", "uri": link}
