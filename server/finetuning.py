"""Items as OpenAI's fine-tuning takes them: a conversation a line, the last message of the assistant is trained on.

Source: OpenAI, "Supervised fine-tuning", format of chat models: `messages` and, where there are, `tools`; at least ten.
Nothing is made up: an item without an answer to train on is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluators.case import Message, ToolCall
from evaluators.rows import read_case
from server.jsontext import dumps

LEAST = 10
ROLES = {"system", "user", "assistant", "tool", "developer"}
OTHER_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool"}
NOTHING_ASKED = "nothing is asked in it"
NO_ANSWER = "no answer to train on"
OTHER_ROLE = "a message of a role that chat has not"
NO_DEFINITION = "it calls a tool of which only the name is known"
NOT_TEXT = "a message holds something else than text"

Row = dict[str, Any]


class LeftOutError(Exception):
    """An item that cannot be trained on; says why."""


def write(items: Iterator[Mapping[str, Any]], out: Path, *, answers: bool) -> Row:
    """Write examples; returns `items` written, `left_out` by reason, and `sentences` on what OpenAI demands.

    `answers`: a recorded answer is trained on where there is no reference.
    """
    left: Counter[str] = Counter()
    count = nameless = recorded = 0
    with out.open("wb") as file:
        for item in items:
            try:
                made = example(item, answers=answers)
            except LeftOutError as why:
                left[str(why)] += 1
                recorded += str(why) == NO_ANSWER and bool(item.get("answer"))
                continue
            nameless += "tools" not in made and bool(item.get("tools"))
            file.write(dumps(made) + b"\n")
            count += 1
    sentences = [f"{n:,} {'item is' if n == 1 else 'items are'} left out: {why}." for why, n in sorted(left.items())]
    if recorded:
        sentences.append(
            f"{recorded:,} of these {'has' if recorded == 1 else 'have'} a recorded answer: to train on it say "
            "--answers (over HTTP answers=true, on the page the box below the format)."
        )
    if nameless:
        items_name = "item names" if nameless == 1 else "items name"
        sentences.append(f"{nameless:,} {items_name} tools without a definition; such an example has no `tools`.")
    if count < LEAST:
        sentences.append(f"OpenAI demands at least {LEAST} examples; the file has {count:,}.")
    return {"items": count, "left_out": dict(left), "sentences": sentences}


def example(item: Mapping[str, Any], *, answers: bool = False) -> Row:
    """One example. Raises LeftOutError."""
    row = {name: value for name, value in item.items() if name not in {"tags", "split", "source"}}
    case = read_case(row)
    given = list(case.messages or ())
    if any(not _is_text(one) for one in row.get("messages") or ()):
        raise LeftOutError(NOT_TEXT)
    ends = given[-1] if given and _role(given[-1]) == "assistant" else None
    answer = _answer(case.reference, case.reference_tool_calls, ends, case.answer if answers else None)
    before = given[:-1] if ends is not None else given
    told = [_message(one) for one in before]
    if case.question is not None and not any(one["role"] == "user" for one in told):
        told.append({"role": "user", "content": case.question})
    if not any(one["role"] == "user" for one in told):
        raise LeftOutError(NOTHING_ASKED)
    if case.system and not any(one["role"] in {"system", "developer"} for one in told):
        told.insert(0, {"role": "system", "content": case.system})
    return with_tools([*told, answer], row.get("tools") or ())


def with_tools(messages: list[Row], tools: Iterable[Any]) -> Row:
    """An example of these messages with the tools that are defined.

    Raises:
        LeftOutError: a message calls a tool that is not.
    """
    told = [tool for tool in tools if isinstance(tool, dict)]
    defined = {_tool_name(tool) for tool in told}
    called = {call["function"]["name"] for one in messages for call in one.get("tool_calls", ())}
    if not called <= defined:
        raise LeftOutError(NO_DEFINITION)
    return {"messages": messages} | ({"tools": [tool_of(tool) for tool in told]} if told else {})


def chat(messages: Sequence[Any]) -> list[Row]:
    """Messages of any library as chat models take them. Raises LeftOutError."""
    if any(not _is_text(one) for one in messages):
        raise LeftOutError(NOT_TEXT)
    return [_message(one) for one in read_case({"messages": list(messages)}).messages or ()] if messages else []


def exchange(calls: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Tool calls, each `name`, `arguments`, `result`, as messages: every call with what came back."""
    found: list[Row] = []
    for place, one in enumerate(calls):
        call = _call(ToolCall(str(one["name"]), arguments=one.get("arguments")), place)
        result = one.get("result") if one.get("error") is None else one["error"]
        text = result if isinstance(result, str) else "" if result is None else dumps(result).decode()
        found += [
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "content": text, "tool_call_id": call["id"]},
        ]
    return found


def _answer(
    reference: str | None, calls: tuple[ToolCall, ...] | None, ends: Message | None, recorded: str | None
) -> Row:
    if reference:
        return {"role": "assistant", "content": reference}
    if calls:
        return {"role": "assistant", "tool_calls": [_call(call, place) for place, call in enumerate(calls)]}
    if ends is not None:
        return _message(ends)
    if recorded:
        return {"role": "assistant", "content": recorded}
    raise LeftOutError(NO_ANSWER)


def _is_text(message: Any) -> bool:
    parts = message.get("content", message.get("parts")) if isinstance(message, dict) else None
    texts = {"text", "input_text", "output_text", "tool_call", "tool_call_response", "reasoning"}
    return not isinstance(parts, list) or all(isinstance(one, str) or one.get("type") in texts for one in parts)


def _role(message: Message) -> str:
    role = message.role.lower()
    return OTHER_ROLES.get(role, role)


def _message(message: Message) -> Row:
    role = _role(message)
    if role not in ROLES:
        raise LeftOutError(OTHER_ROLE)
    told: Row = {"role": role, "content": message.text}
    if message.tool_calls:
        told["tool_calls"] = [_call(call, place) for place, call in enumerate(message.tool_calls)]
        if not message.text:
            del told["content"]
    if role == "tool" and message.tool_call_id is not None:
        told["tool_call_id"] = message.tool_call_id
    return told


def _call(call: ToolCall, place: int) -> Row:
    arguments = call.arguments if isinstance(call.arguments, str) else dumps(call.arguments or {}).decode()
    return {
        "id": call.id or f"call_{place}", "type": "function", "function": {"name": call.name, "arguments": arguments}
    }  # fmt: skip


def tool_of(tool: Mapping[str, Any]) -> Row:
    """A definition as chat models take it."""
    return dict(tool) if "function" in tool else {"type": "function", "function": dict(tool)}


def _tool_name(tool: Mapping[str, Any]) -> str:
    held = tool.get("function", tool)
    return str(held.get("name")) if isinstance(held, dict) else ""
