"""What an agent did in a case, in order, wherever the row tells it: tool calls, messages or the steps of a trace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from evaluators.case import Case, Json, Message, Step, ToolCall

TOOL_STEPS = ("tool", "retriever")  # kinds of a trace's steps that are calls

# How results of tools say that a call failed, where nothing else does.
_FAILED = re.compile(
    r"\s*(?:error\b|exception\b|traceback \(most|failed\b|\{\s*\"error\"\s*:\s*+(?!null|false|\"\"))", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the agent did: a call, or a text that it said."""

    call: ToolCall | None  # null: it said something
    said: str | None
    field: str  # where it stands in the case: tool_calls.0, messages.3, steps.7
    span_id: str | None = None  # of a step

    @property
    def name(self) -> str:
        """The tool, or `say`."""
        return self.call.name if self.call else "say"

    @property
    def signature(self) -> str:
        """Equal for actions that are the same: the tool with its arguments whatever their order, or the words."""
        if self.call is None:
            return f"say {' '.join((self.said or '').split())}"
        return f"{self.call.name} {json.dumps(self.call.arguments, sort_keys=True, ensure_ascii=False)}"

    def place(self) -> dict[str, Json]:
        """Where it stands, for the details of a verdict."""
        told: dict[str, Json] = {"field": self.field, "name": self.name}
        if self.span_id is not None:
            told["span_id"] = self.span_id
        return told

    @property
    def told(self) -> str:
        """Its name and place in words."""
        return f"{self.name} (span {self.span_id})" if self.span_id else f"{self.name} ({self.field})"


def calls(case: Case) -> list[Action] | None:
    """The calls, in order; null: the row tells of none, which is not the same as that there were none."""
    done = actions(case)
    return None if done is None else [one for one in done if one.call]


def actions(case: Case) -> list[Action] | None:
    """The calls and, of messages, what the agent said. `tool_calls` come first, then `messages`, then `steps`."""
    if case.tool_calls is not None:
        return [Action(call, None, f"tool_calls.{at}") for at, call in enumerate(case.tool_calls)]
    if case.messages is not None:
        return list(_of_messages(case.messages))
    if case.steps is not None:
        return list(_of_steps(case.steps))
    return None


def _of_messages(messages: Sequence[Message]) -> Iterator[Action]:
    for at, message in enumerate(messages):
        if message.role != "assistant":
            continue
        for call in message.tool_calls:
            yield Action(_answered(call, messages[at + 1 :]), None, f"messages.{at}")
        if not message.tool_calls and message.text.strip():
            yield Action(None, message.text, f"messages.{at}")


def _answered(call: ToolCall, following: Sequence[Message]) -> ToolCall:
    """The call with its result: that of the next message of its id, since some senders use ids again."""
    if call.result is not None or call.id is None:
        return call
    answer = next((one for one in following if one.role == "tool" and one.tool_call_id == call.id), None)
    return call if answer is None else ToolCall(call.name, call.arguments, call.id, answer.text, call.failed)


def _of_steps(steps: Sequence[Step]) -> Iterator[Action]:
    for at, step in enumerate(steps):
        if step.kind in TOOL_STEPS:
            call = ToolCall(step.name, _arguments(step.input), None, step.output, step.error is not None)
            yield Action(call, None, f"steps.{at}", step.span_id)


def _arguments(text: str | None) -> Json:
    try:
        return cast("Json", json.loads(text or "null"))
    except (ValueError, RecursionError):
        return text


def failure(call: ToolCall) -> str | None:
    """Why the call failed, by what is told of it or by how its result begins; null: nothing says so."""
    if call.failed is False:
        return None
    result = call.result or ""
    if call.failed or _FAILED.match(result):
        return " ".join(result.split())[:200] or "It is marked as failed."
    return None
