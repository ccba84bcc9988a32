"""What the normaliser says of one span: the derived columns of table `spans`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from collectors.model import TextMap

Kind = Literal[
    "llm", "embedding", "tool", "agent", "workflow", "retriever", "reranker", "guardrail", "evaluator", "memory",
    "mcp", "other",
]  # fmt: skip


@dataclass(slots=True)
class SpanFacts:
    """Derived columns of one span; null is unknown, never 0. Column comments stand in the first migration."""

    kind: Kind = "other"
    dialect: str | None = None
    service: str | None = None
    environment: str | None = None
    release: str | None = None
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_details: str | None = None  # JSON: counts by DETAIL_UNITS, sorted; null: none
    service_tier: str | None = None
    usage_role: Literal["leaf", "aggregate"] | None = None
    reported_cost_usd: float | None = None
    ttft_ns: int | None = None
    streaming: bool | None = None
    finish_reason: str | None = None
    finish_reason_raw: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    tags: list[str] = field(default_factory=list)
    metadata: TextMap = field(default_factory=dict)
    variant: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    agent_name: str | None = None
    workflow_name: str | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    http_status: int | None = None
    content_rank: int = 0
    content_hash: int | None = None
    input: str | None = None
    input_key: str | None = None
    output: str | None = None
    output_key: str | None = None
    system_instructions: str | None = None
    tool_definitions: str | None = None  # JSON list; stored once by hash
    documents: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScoreFacts:
    """One score that arrived as telemetry; becomes one row of table `scores`."""

    trace_id: bytes | None  # target; null when only `response_id` or `session_id` names it
    span_id: int | None  # null: the whole trace
    session_id: str | None
    response_id: str | None
    carrier_trace_id: bytes | None
    carrier_span_id: int | None
    name: str
    value: float | None
    label: str | None
    explanation: str | None
    source: str  # llm human user code api telemetry
    evaluator: str | None
    evaluator_version: str | None
    author: str | None
    error_type: str | None
    time_ns: int
    metadata: TextMap = field(default_factory=dict)
