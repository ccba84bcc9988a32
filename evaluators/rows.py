"""Rows of JSON: cases in, verdicts out.

A row is an object `{id, question, answer, contexts: [...], reference, messages, ...}`. Other tools' names for the same
things are understood (`NAMES`); what is none of them stands in the case's metadata.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, cast

from evaluators.case import Case, Json, Message, Step, ToolCall, Usage
from evaluators.errors import UnreadableCaseError
from evaluators.verdict import Verdict

# What a row may call a field, the project's own word first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "row_id"),
    "question": ("question", "input", "query", "prompt", "user_input"),
    "answer": ("answer", "output", "response", "completion", "text"),
    "contexts": ("contexts", "context", "retrieved_contexts", "retrieval_context", "documents"),
    "reference": ("reference", "expected", "expected_output", "ground_truth", "target"),
    "reference_contexts": ("reference_contexts",),
    "system": ("system", "system_prompt"),
    "messages": ("messages", "conversation"),
    "tools": ("tools",),
    "tool_calls": ("tool_calls",),
    "reference_tool_calls": ("reference_tool_calls", "expected_tool_calls"),
    "steps": ("steps", "trace"),
    "turns": ("turns", "session"),
    "usage": ("usage",),
}


def strict(text: str | bytes) -> Json:
    """What a JSON text holds, where every number is one of JSON. Raises ValueError and RecursionError."""
    return cast("Json", json.loads(text, parse_constant=_no_number, parse_float=_finite))


def _no_number(text: str) -> Json:
    raise ValueError(f"{text} is no number there; null says that there is none")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {_cut(text)} is larger than can be held")
    return number


def parsed(line: bytes) -> Json:
    """What a line of JSON holds. Raises UnreadableCaseError: it is none."""
    try:
        return strict(line)
    except UnicodeDecodeError as error:
        raise UnreadableCaseError(f"It is not UTF-8: {error}.") from error
    except ValueError as error:
        raise UnreadableCaseError(f"It is not JSON: {error}.") from error
    except RecursionError:
        raise UnreadableCaseError(TOO_DEEP) from None


def read_case(row: Json) -> Case:
    """A case from a parsed row.

    Raises:
        UnreadableCaseError: it is no object, is nested too deep, names a field twice, or a field has another shape than
            the sentence says.
    """
    try:
        return _case(row)
    except RecursionError:
        raise UnreadableCaseError(TOO_DEEP) from None


TOO_DEEP = "It is nested deeper than can be read."


def _case(row: Json) -> Case:
    if not isinstance(row, dict):
        raise UnreadableCaseError(f'A row is a JSON object such as {{"answer": ...}}, not {_shown(row)}.')
    found: dict[str, Any] = {}
    left = dict(row)
    for field, names in NAMES.items():
        there = [name for name in names if left.get(name) is not None]
        if len(there) > 1 and len({json.dumps(left[name], sort_keys=True) for name in there}) > 1:
            raise UnreadableCaseError(f"{' and '.join(map(repr, there))} are both names for {field!r}; keep one.")
        if there:
            found[field] = _READERS[field](there[0], left[there[0]])
        for name in names:
            left.pop(name, None)
    metadata = left.pop("metadata", None)
    if metadata is not None and not isinstance(metadata, dict):
        raise UnreadableCaseError(f"'metadata' is an object, not {_shown(metadata)}.")
    return Case(**found, metadata={**left, **(metadata or {})})


def case_row(case: Case) -> dict[str, Json]:
    """A case as a row, which `read_case` reads back: what was not given is left out."""
    row = {name: _written(name, value) for name in NAMES if (value := getattr(case, name)) is not None}
    return {**row, "metadata": dict(case.metadata)} if case.metadata else row


def _written(name: str, value: Any) -> Json:
    if name == "turns":
        return [case_row(one) for one in value]
    if name == "messages":
        return [_message_row(one) for one in value]
    if name in {"tool_calls", "reference_tool_calls", "steps"}:
        return [_told(one) for one in value]
    if name == "usage":
        return _told(value)
    return list(value) if isinstance(value, tuple) else cast("Json", value)


def _told(value: Any) -> dict[str, Json]:
    return {one.name: held for one in fields(value) if (held := getattr(value, one.name)) is not None}


def _message_row(message: Message) -> dict[str, Json]:
    row: dict[str, Json] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        row["tool_calls"] = [_told(one) for one in message.tool_calls]
    if message.tool_call_id is not None:
        row["tool_call_id"] = message.tool_call_id
    return row


def verdict_row(case_id: str | int | None, evaluator: str, version: str, verdict: Verdict) -> dict[str, Json]:
    """A verdict as a row of output.

    `spans` are [start, end] pairs of characters in `answer`; `highlights` are those of every text, with why.
    """
    row: dict[str, Json] = {
        "id": case_id, "evaluator": evaluator, "version": version, "status": verdict.status, "value": verdict.value,
        "label": verdict.label, "reason": verdict.reason,
        "spans": [[one.start, one.end] for one in verdict.spans if one.field == "answer"],
        "highlights": [
            {"field": one.field, "start": one.start, "end": one.end, "why": one.why, "weight": one.weight}
            for one in verdict.spans
        ],
    }  # fmt: skip
    if verdict.error_type is not None:
        row["error_type"] = verdict.error_type
    if verdict.details:
        row["details"] = dict(verdict.details)
    if verdict.spent is not None:
        row["spent"] = {one.name: getattr(verdict.spent, one.name) for one in fields(verdict.spent)}
    return row


def _shown(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wrong(name: str, value: object, shape: str) -> UnreadableCaseError:
    return UnreadableCaseError(f"{name!r} is {shape}, not {_shown(value)}.")


def _text(name: str, value: Json) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(name, value, "text")


def _id(name: str, value: Json) -> str | int:
    """Whole floats too: pandas makes them of a column of integers that lacks one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    raise _wrong(name, value, "text or a whole number")


def _words(_name: str, value: Json) -> str:
    """Text, or what can be told as such: a number, a truth, JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(name: str, value: Json) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise _wrong(name, value, "a list of texts")
    return tuple(_document(name, one) for one in listed)


def _document(name: str, value: Json) -> str:
    """One context: its text, or an object that has it as text, content or page_content."""
    if isinstance(value, dict):
        for key in ("text", "content", "page_content"):
            if isinstance(value.get(key), str):
                return cast("str", value[key])
    if isinstance(value, str):
        return value
    raise _wrong(name, value, "a list of texts")


def _listed(name: str, value: Json, read: Callable[[str, Json], Any], shape: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _wrong(name, value, shape)
    return tuple(read(f"{name}[{place}]", one) for place, one in enumerate(value))


def _messages(name: str, value: Json) -> tuple[Message, ...]:
    return _listed(name, value, _message, "a list of messages {role, content}")


def _message(name: str, value: Json) -> Message:
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        raise _wrong(name, value, "a message {role, content}")
    calls = _calls(f"{name}.tool_calls", value.get("tool_calls") or [])
    parts = value.get("content", value.get("parts"))
    listed = parts if isinstance(parts, list) else []
    text = parts if isinstance(parts, str) else "\n".join(_part_texts(listed))
    asked = tuple(_call(name, part) for part in listed if isinstance(part, dict) and part.get("type") == "tool_call")
    call_id = value.get("tool_call_id")
    return Message(str(value["role"]), text, calls + asked, call_id if isinstance(call_id, str) else None)


def _part_texts(parts: list[Json]) -> Iterator[str]:
    """What parts of a message say in words: text, and the answers of tools."""
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and part.get("type") in {"text", "input_text", "output_text"}:
            yield str(part.get("content", part.get("text", "")))
        elif isinstance(part, dict) and part.get("type") == "tool_call_response":
            yield _words("response", part.get("response"))


def _calls(name: str, value: Json) -> tuple[ToolCall, ...]:
    return _listed(name, value, _call, "a list of tool calls {name, arguments}")


def _call(name: str, value: Json) -> ToolCall:
    """As we write it, or as OpenAI does: `{id, function: {name, arguments: JSON text}}`; tau-bench says kwargs."""
    held = value.get("function", value) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(held, dict) or not isinstance(held.get("name"), str):
        raise _wrong(name, value, "a tool call {name, arguments}")
    arguments = held.get("arguments", held.get("args", held.get("kwargs")))
    result, failed, call_id = value.get("result"), value.get("failed"), value.get("id")
    return ToolCall(
        str(held["name"]),
        _parsed(arguments) if isinstance(arguments, str) else arguments,
        call_id if isinstance(call_id, str) else None,
        None if result is None else _words(name, result),
        failed if isinstance(failed, bool) else None,
    )


def _parsed(text: str) -> Json:
    try:
        return strict(text)
    except (ValueError, RecursionError):  # none, or nested deeper than can be read
        return text


def _tools(name: str, value: Json) -> tuple[str, ...]:
    """Names of tools, or their definitions."""
    return _listed(name, value, _tool, "a list of tool names")


def _tool(name: str, value: Json) -> str:
    held = value.get("function", value) if isinstance(value, dict) else value
    told = held.get("name") if isinstance(held, dict) else held
    if isinstance(told, str):
        return told
    raise _wrong(name, value, "the name of a tool")


def _steps(name: str, value: Json) -> tuple[Step, ...]:
    return _listed(name, value, _step, "a list of steps {kind, name}")


def _step(name: str, value: Json) -> Step:
    shape = "a step {kind, name}"
    try:
        return Step(**_known(name, value, Step, shape))
    except TypeError as error:
        raise _wrong(name, value, shape) from error


def _usage(name: str, value: Json) -> Usage:
    shape = "an object of numbers {latency_ms, ttft_ms, cost_usd, input_tokens, output_tokens}"
    if not isinstance(value, dict):
        raise _wrong(name, value, shape)
    told = {_USAGE.get(key, key): held for key, held in value.items()}
    for held in told.values():
        if held is not None and (isinstance(held, bool) or not isinstance(held, int | float | dict | list)):
            raise _wrong(name, value, shape)
    return Usage(**_known(name, told, Usage, shape))


_USAGE = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}  # OpenAI's names


def _known(name: str, value: Json, kind: type, shape: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(name, value, shape)
    return {one.name: value[one.name] for one in fields(kind) if one.name in value}


def _turns(name: str, value: Json) -> tuple[Case, ...]:
    return _listed(name, value, lambda _, one: read_case(one), "a list of cases")


_READERS: Mapping[str, Callable[[str, Json], Any]] = {
    "id": _id, "question": _text, "answer": _words, "contexts": _texts, "reference": _words,
    "reference_contexts": _texts, "system": _text, "messages": _messages, "tools": _tools, "tool_calls": _calls,
    "reference_tool_calls": _calls, "steps": _steps, "turns": _turns, "usage": _usage,
}  # fmt: skip
