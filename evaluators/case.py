"""What is scored: one answer with what belongs to it, a whole trace, or a session.

A field that is None was not given, which is not the same as empty: `contexts=()` says that nothing was retrieved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

Part = Literal[
    "question", "answer", "contexts", "reference", "messages", "tools", "tool_calls", "reference_tool_calls",
    "reference_contexts", "steps", "turns", "usage", "system", "metadata",
]  # fmt: skip
"""The parts of a case that an evaluator can ask for."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One use of a tool, as it was asked for and what came of it."""

    name: str
    arguments: Json = None  # parsed JSON; text that is none stays text
    id: str | None = None
    result: str | None = None  # null: not told
    failed: bool | None = None  # null: not told


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str  # system user assistant tool, or as the sender has it
    text: str = ""  # its text parts, joined by newlines
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None  # of a tool's message: which call it answers


@dataclass(frozen=True, slots=True)
class Step:
    """One span of a trace, in order of its start."""

    kind: str  # llm tool agent retriever embedding chain ...
    name: str
    span_id: str | None = None  # 16 hex digits
    parent_span_id: str | None = None
    input: str | None = None
    output: str | None = None
    error: str | None = None  # null: it did not fail
    duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the answer took; null: unknown."""

    latency_ms: float | None = None
    ttft_ms: float | None = None
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that an evaluator may look at. All texts are of characters (code points), as are offsets into them."""

    id: str | int | None = None  # as the row has it
    question: str | None = None
    answer: str | None = None
    contexts: tuple[str, ...] | None = None  # in the order of their rank
    reference: str | None = None  # the expected answer
    reference_contexts: tuple[str, ...] | None = None  # those that should have been retrieved
    system: str | None = None  # the system prompt
    messages: tuple[Message, ...] | None = None
    tools: tuple[str, ...] | None = None  # names of the tools that were offered
    tool_calls: tuple[ToolCall, ...] | None = None
    reference_tool_calls: tuple[ToolCall, ...] | None = None
    steps: tuple[Step, ...] | None = None  # of the whole trace
    turns: tuple[Case, ...] | None = None  # of a session, one per trace, in order
    usage: Usage | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)

    def has(self, name: Part) -> bool:
        """Whether the field was given."""
        return bool(self.metadata) if name == "metadata" else getattr(self, name) is not None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that is no case, and why: each evaluator's verdict on it is that failure."""

    id: str | int | None
    reason: str
