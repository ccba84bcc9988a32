"""tau-bench, airline: GPT-4o as an airline's agent. One conversation, one session; one turn of the user, one trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.demo.export import (
    DAY,
    SECOND,
    Export,
    Sample,
    Score,
    Value,
    as_json,
    assumed_ns,
    evaluation,
    rows,
    span,
    stable_id,
    text_message,
)

PERIOD = 3 * DAY
TOOL_NS = SECOND // 10
USER_NS = 20 * SECOND
MODEL = "gpt-4o"
TIMING = "assumed: the data has no times"

Message = dict[str, Any]


def exports(folder: Path, newest_ns: int) -> Iterator[Export]:
    """Conversations begin evenly over the last three days."""
    talks = sorted(rows(folder / "conversations.jsonl.gz"), key=lambda row: (row["trial"], row["task_id"]))
    made = Sample("airline-agent", "taubench-airline", TIMING)
    for place, row in enumerate(talks):
        talk = Conversation(row, newest_ns - PERIOD + PERIOD * place // len(talks))
        talk.play()
        made.spans += talk.spans
        made.events.append(reward(row, max(span.end_time_unix_nano for span in talk.spans)))
    return made.exports()


def reward(row: dict[str, Any], time_ns: int) -> LogRecord:
    """tau-bench's verdict on the conversation: did the database end as it should?"""
    label = "solved" if row["reward"] == 1 else "not solved"
    return evaluation(Score("task_reward", float(row["reward"]), label, "tau-bench"), time_ns, session=session(row))


def session(row: dict[str, Any]) -> str:
    return f"airline-task-{row['task_id']}-trial-{row['trial']}"


def turns(messages: list[Message]) -> Iterator[tuple[int, int]]:
    """Half-open ranges, each from a message of the user to the next; a last word that gets no answer is none."""
    starts = [at for at, message in enumerate(messages) if message["role"] == "user"]
    for start, end in zip(starts, [*starts[1:], len(messages)], strict=True):
        if end - start > 1:
            yield start, end


def canonical(message: Message) -> Message:
    """A message of the OpenAI chat format in OpenTelemetry's GenAI schema."""
    if message["role"] == "tool":
        part = {"type": "tool_call_response", "id": message["tool_call_id"], "response": message["content"]}
        return {"role": "tool", "parts": [part]}
    if calls := message.get("tool_calls"):
        return {"role": "assistant", "parts": [call_part(call) for call in calls], "finish_reason": "tool_call"}
    return text_message(message["role"], message["content"], "stop" if message["role"] == "assistant" else None)


def call_part(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {
        "type": "tool_call",
        "id": call["id"],
        "name": function["name"],
        "arguments": json.loads(function["arguments"]),
    }


@dataclass(slots=True)
class Conversation:
    """Walks one conversation and lays its spans on an assumed clock."""

    row: dict[str, Any]
    clock_ns: int
    spans: list[Span] = field(default_factory=list)

    def play(self) -> None:
        """Make the spans of every turn."""
        messages = self.row["traj"]
        for start, end in turns(messages):
            self._turn(messages, start, end)
            self.clock_ns += USER_NS

    def _turn(self, messages: list[Message], start: int, end: int) -> None:
        trace_id, root_id = self._id(16, start), self._id(8, start)
        began_ns = self.clock_ns
        for at in range(start + 1, end):
            step = self._tool if messages[at]["role"] == "tool" else self._chat
            self.spans.append(step(messages, at, (trace_id, self._id(8, at), root_id)))
        known: dict[str, Value | None] = {
            **self._shared(),
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": MODEL,
            "user.id": self.row["user_id"],
            "gen_ai.input.messages": as_json([canonical(messages[start])]),
            "gen_ai.output.messages": as_json([canonical(messages[end - 1])]),
            "taubench.task": self.row["task_id"],
            "taubench.trial": self.row["trial"],
        }
        self.spans.append(
            span((trace_id, root_id, None), "invoke_agent airline-agent", (began_ns, self.clock_ns), known)
        )

    def _chat(self, messages: list[Message], at: int, ids: tuple[bytes, bytes, bytes]) -> Span:
        output = canonical(messages[at])
        began_ns = self.clock_ns
        self.clock_ns += assumed_ns(messages[at]["content"] or as_json(output["parts"]))
        known: dict[str, Value | None] = {
            **self._shared(),
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": MODEL,
            "gen_ai.response.finish_reasons": [output["finish_reason"]],
            "gen_ai.system_instructions": as_json([{"type": "text", "content": messages[0]["content"]}]),
            "gen_ai.input.messages": as_json([canonical(message) for message in messages[1:at]]),
            "gen_ai.output.messages": as_json([output]),
        }
        return span(ids, f"chat {MODEL}", (began_ns, self.clock_ns), known, kind=Span.SPAN_KIND_CLIENT)

    def _tool(self, messages: list[Message], at: int, ids: tuple[bytes, bytes, bytes]) -> Span:
        result = messages[at]
        call = next(call for call in messages[at - 1]["tool_calls"] if call["id"] == result["tool_call_id"])
        began_ns = self.clock_ns
        self.clock_ns += TOOL_NS
        # The environment of the benchmark tells a failed tool by this word alone.
        error = result["content"] if result["content"].startswith("Error") else None
        known: dict[str, Value | None] = {
            **self._shared(),
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": result["name"],
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": result["tool_call_id"],
            "gen_ai.tool.call.arguments": call["function"]["arguments"],
            "gen_ai.tool.call.result": result["content"],
            "error.type": None if error is None else "tool_error",
        }
        return span(ids, f"execute_tool {result['name']}", (began_ns, self.clock_ns), known, error=error)

    def _shared(self) -> dict[str, Value | None]:
        return {
            "gen_ai.agent.name": "airline-agent",
            "gen_ai.conversation.id": session(self.row),
            "assayline.sample.duration": "assumed",
        }

    def _id(self, size: int, at: int) -> bytes:
        return stable_id(size, "taubench-airline", self.row["task_id"], self.row["trial"], at)
