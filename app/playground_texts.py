"""Traces, items and templates as the playground's fields have them. Pure: values in, values out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app import state

Row = dict[str, Any]
Turn = dict[str, str]
"""`role` (system, user, assistant) and `content`, a template."""

_MARK = re.compile(r"\{(?=[{%#])")
_PARAMETERS = ("temperature", "max_tokens", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")
_INTEGERS = frozenset({"max_tokens", "top_k", "seed"})
_ROLES: Mapping[str, str] = {"developer": "system", "system": "system", "assistant": "assistant", "model": "assistant"}


def literal(text: str) -> str:
    """A template that gives exactly this text: what looks like a placeholder in it is none."""
    if not _MARK.search(text):
        return text
    if "endraw" not in text:
        return f"{{% raw %}}{text}{{% endraw %}}"
    return _MARK.sub('{{ "{" }}', text)


# What is typed for a variable, and what it says.


def typed(value: Any) -> str:
    """A value as its field has it: text as such, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_of(text: str) -> Any:
    """What a field says: a list or object of JSON as such, anything else as text."""
    if text.lstrip()[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


# A trace's call as a prompt.


def prompt_of(span: Mapping[str, Any]) -> tuple[list[Turn], list[str]]:
    """The messages that a model call was sent, as templates; and notes on what could not be taken as it was.

    Prompts have system, user and assistant messages alone: calls of tools, and what they gave, become text.
    """
    system, sent = span.get("system") or [], span.get("input") or []
    instructions = [one.get("parts") for one in system]
    once = [one for one in sent if one.get("role") != "system" or one.get("parts") not in instructions]
    notes: dict[str, None] = {}
    turns = [_turn(one, notes) for one in (*({**one, "role": "system"} for one in system), *once)]
    return [one for one in turns if one["content"].strip()], list(notes)


def _turn(message: Mapping[str, Any], notes: dict[str, None]) -> Turn:
    said = [_part(part, notes) for part in message.get("parts") or []]
    role = _ROLES.get(str(message.get("role")), "user")
    return {"role": role, "content": literal("\n".join(text for text in said if text))}


def _part(part: Mapping[str, Any], notes: dict[str, None]) -> str:
    kind = part.get("type")
    if part.get("cut"):
        notes["The sender cut a part of it."] = None
    if kind == "text":
        return str(part.get("content") or "")
    if kind == "tool_call":
        notes["Calls of tools, and their results, became text."] = None
        return f"[calls {part.get('name')}: {typed(part.get('arguments'))}]"
    if kind == "tool_call_response":
        notes["Calls of tools, and their results, became text."] = None
        return f"[tool result: {typed(part.get('response'))}]"
    if kind != "reasoning":
        notes["Images, files and the like are left out."] = None
    return ""


def parameters_of(span: Mapping[str, Any]) -> Row:
    """The parameters that a call was made with, as far as they are known."""
    attributes = span.get("attributes") or {}
    told = _json(attributes.get("llm.invocation_parameters"))
    found = {name: told[name] for name in _PARAMETERS if isinstance(told, dict) and name in told}
    for name in _PARAMETERS:
        number = _number(attributes.get(f"gen_ai.request.{name}"))
        if number is not None:
            found[name] = int(number) if name in _INTEGERS else number
    return found


def tools_of(span: Mapping[str, Any]) -> list[Row]:
    """The tools that a call was offered, as OpenAI's protocol has them."""
    told = span.get("tool_definitions")
    listed = _json(told) if isinstance(told, str) else told
    found = []
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and isinstance(one.get("function"), dict):
            found.append({"type": "function", "function": one["function"]})
        elif isinstance(one, dict) and one.get("name"):
            kept = {name: one[name] for name in ("name", "description", "parameters") if one.get(name) is not None}
            if "parameters" not in kept and isinstance(one.get("input_schema"), dict):
                kept["parameters"] = one["input_schema"]
            found.append({"type": "function", "function": kept})
    return found


def _number(told: Any) -> float | None:
    try:
        return None if told is None else float(told)
    except (TypeError, ValueError):
        return None


def _json(told: Any) -> Any:
    try:
        return json.loads(told) if isinstance(told, str) else None
    except ValueError:
        return None


def calls_of(spans: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The model calls among the spans of a trace, in order; what tells a call again is none."""
    return [dict(one) for one in spans if one["kind"] == "llm" and one["usage_role"] not in {"duplicate", "aggregate"}]


def linked(text: str) -> tuple[str, str]:
    """Trace and span id of a link to the page Trace, or of an id that was pasted; '': it names none."""
    text = text.strip()
    asked = parse_qs(urlsplit(text).query)
    trace = state.trace_id(asked.get("trace", [text])[0])
    return (trace.replace("-", "") if trace else "", asked.get("span", [""])[0])


# An item's fields as variables.


def fields_of(item: Mapping[str, Any]) -> Row:
    """What an item gives variables of its fields' names, and of the names in its metadata."""
    own = {name: value for name, value in item.items() if name not in _OWN and value not in (None, "", [], {})}
    return {**(item.get("metadata") or {}), **own}


_OWN = frozenset({"metadata", "source", "since_version", "tags", "split"})


def conversation_of(item: Mapping[str, Any]) -> list[Turn]:
    """The messages of an item that is a conversation, as templates; what is no text of a message is JSON."""
    listed = [one for one in item.get("messages") or () if isinstance(one, Mapping)]
    return [
        {"role": _ROLES.get(str(one.get("role")), "user"),
         "content": literal(typed(one.get("content", one.get("parts")) or ""))}
        for one in listed
    ]  # fmt: skip
