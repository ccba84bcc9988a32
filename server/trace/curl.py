"""A model call as a command for `curl`: what one would send to its provider to make it again. Pure, without secrets.

The key stands as a variable of the shell; headers and attributes that may hold one are never read. OpenAI's chat form
serves every provider that speaks it; Anthropic has its own. Images, files and reasoning are left out.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Json = dict[str, Any]
_BASES = {
    "openai": "https://api.openai.com/v1", "mistral_ai": "https://api.mistral.ai/v1",
    "groq": "https://api.groq.com/openai/v1", "deepseek": "https://api.deepseek.com/v1",
    "x_ai": "https://api.x.ai/v1", "openrouter": "https://openrouter.ai/api/v1",
    "perplexity": "https://api.perplexity.ai", "together_ai": "https://api.together.xyz/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
}  # fmt: skip
_SETTINGS = {
    "temperature": "temperature", "top_p": "top_p", "max_tokens": "max_tokens", "seed": "seed",
    "frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty",
}  # fmt: skip
_OF_ANTHROPIC = frozenset({"temperature", "top_p", "max_tokens"})


def command(span: Row) -> str | None:
    """Of a model call as `GET /api/spans/{trace_id}/{span_id}` tells it; null: it names no model or no message."""
    model = span["request_model"] or span["response_model"]
    said = [*span["system"], *span["input"]]
    if span["kind"] != "llm" or not model or not said:
        return None
    made = _anthropic(model, span) if span["provider"] == "anthropic" else _openai(model, span)
    return " \\\n  ".join(made)


def _openai(model: str, span: Row) -> list[str]:
    provider = str(span["provider"] or "openai")
    base, variable = _BASES.get(provider, "$BASE_URL"), _variable(provider)
    body: Json = {
        "model": model,
        "messages": [one for each in (*span["system"], *span["input"]) for one in _message(each)],
    }
    body |= _settings(span) | _tools(span)
    return [
        f'curl -sS "{base}/chat/completions"', f'-H "Authorization: Bearer ${variable}"',
        "-H 'content-type: application/json'", f"-d {_quoted(body)}",
    ]  # fmt: skip


def _anthropic(model: str, span: Row) -> list[str]:
    every = (*span["system"], *span["input"])
    system = "\n".join(_words(one) for one in every if one["role"] == "system")
    said = [{"role": _side(one), "content": _blocks(one)} for one in every if one["role"] != "system"]
    body: Json = {"model": model, "max_tokens": 1024, "messages": [one for one in said if one["content"]]}
    tools = [_tool(one["function"]) for one in _tools(span).get("tools", ()) if isinstance(one["function"], Mapping)]
    body |= ({"system": system} if system else {}) | ({"tools": tools} if tools else {})
    body |= {name: value for name, value in _settings(span).items() if name in _OF_ANTHROPIC}
    return [
        'curl -sS "https://api.anthropic.com/v1/messages"', '-H "x-api-key: $ANTHROPIC_API_KEY"',
        "-H 'anthropic-version: 2023-06-01'", "-H 'content-type: application/json'", f"-d {_quoted(body)}",
    ]  # fmt: skip


def _blocks(message: Row) -> list[Json]:
    """The parts of a message that Anthropic's form has a block for."""
    made = ((_BLOCKS[part["type"]], part) for part in message["parts"] if part.get("type") in _BLOCKS)
    return [block(part) for block, part in made]


def _said(part: Row) -> Json:
    return {"type": "text", "text": str(part.get("content") or "")}


def _used(part: Row) -> Json:
    given = part.get("arguments")
    held = given if isinstance(given, dict) else _object(given)
    return {"type": "tool_use", "id": str(part.get("id") or ""), "name": part.get("name"), "input": held}


def _result(part: Row) -> Json:
    return {
        "type": "tool_result", "tool_use_id": str(part.get("id") or ""), "content": _text(part.get("response")),
    }  # fmt: skip


_BLOCKS: dict[str, Callable[[Row], Json]] = {"text": _said, "tool_call": _used, "tool_call_response": _result}


def _object(text: Any) -> Json:
    """Arguments that were told as text; none where they are no JSON object."""
    try:
        told = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {}


def _tool(function: Row) -> Json:
    told = {"name": function.get("name"), "description": function.get("description")}
    schema = function.get("input_schema") or function.get("parameters") or {"type": "object"}
    return {name: value for name, value in told.items() if value} | {"input_schema": schema}


def _side(message: Row) -> str:
    return "assistant" if message["role"] == "assistant" else "user"


def _variable(provider: str) -> str:
    """`OPENAI_API_KEY`: of letters, digits and underscores, whatever the sender called its provider."""
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in provider[:40]).upper()
    return f"{name if name[:1].isalpha() else 'PROVIDER'}_API_KEY"


def _message(message: Row) -> list[Json]:
    """In OpenAI's form: results of tools are messages of their own."""
    results = [part for part in message["parts"] if part.get("type") == "tool_call_response"]
    told = [
        {"role": "tool", "tool_call_id": str(part.get("id") or ""), "content": _text(part.get("response"))}
        for part in results
    ]
    calls = [_call(part) for part in message["parts"] if part.get("type") == "tool_call"]
    words = _words(message)
    if not words and not calls and told:
        return told
    one: Json = {"role": message["role"], "content": words, **({"tool_calls": calls} if calls else {})}
    return [one, *told]


def _call(part: Row) -> Json:
    function = {"name": part.get("name"), "arguments": _text(part.get("arguments"))}
    return {"id": str(part.get("id") or ""), "type": "function", "function": function}


def _words(message: Row) -> str:
    return "\n".join(str(part.get("content") or "") for part in message["parts"] if part.get("type") == "text")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _settings(span: Row) -> Json:
    found: Json = {}
    for name, sent in _SETTINGS.items():
        text = (span["attributes"] or {}).get(f"gen_ai.request.{name}")
        number = _number(text)
        if number is not None:
            found[sent] = number
    return found


def _number(text: str | None) -> float | int | None:
    try:
        value = json.loads(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _tools(span: Row) -> Json:
    offered: Sequence[Any] = span["tool_definitions"] or []
    found = [
        one if "function" in one else {"type": "function", "function": one} for one in offered if isinstance(one, dict)
    ]
    return {"tools": found} if found else {}


def _quoted(body: Json) -> str:
    """JSON as one word of the shell, without control characters that a terminal would obey."""
    return shlex.quote(json.dumps(body, indent=1, ensure_ascii=True))
