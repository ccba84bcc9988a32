"""Rows that the rules read and write, and their Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import pyarrow as pa

Key = tuple[str, int]
"""(trace id, span id)"""


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """The columns of one stored span that the rules read. Null: unknown."""

    trace_id: str
    span_id: int
    parent_span_id: int | None = None
    kind: str = "other"
    span_kind: str = "internal"
    scope_name: str = ""
    service: str | None = None
    start_us: int = 0  # Unix microseconds
    duration_ns: int | None = 0
    failed: bool = False  # status is error, or an error type is known
    usage_role: str | None = None
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_details: str | None = None
    service_tier: str | None = None
    reported_cost_usd: float | None = None
    ttft_ns: int | None = None
    finish_reason: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    http_status: int | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    content_rank: int = 0
    content_hash: int | None = None  # of question and answer: see messages.content_hash
    has_input: bool = False
    has_output: bool = False
    has_system_instructions: bool = False
    has_documents: bool = False
    session_id: str | None = None
    session_weak: bool = False  # an id that may have been made up for one run: see the normaliser's note
    user_id: str | None = None
    tool_results: tuple[str, ...] = ()  # call ids (else texts) of the tool results that end the input; see messages

    @property
    def key(self) -> Key:
        return self.trace_id, self.span_id

    @property
    def end_us(self) -> int:
        return self.start_us + (self.duration_ns or 0) // 1000

    @property
    def tells_usage(self) -> bool:
        return self.input_tokens is not None or self.output_tokens is not None


@dataclass(frozen=True, slots=True)
class SpanContent:
    """What log records tell of one span."""

    trace_id: str
    span_id: int
    input: str | None = None  # canonical JSON
    output: str | None = None
    system_instructions: str | None = None
    finish_reason: str | None = None
    provider: str | None = None
    response_id: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_details: str | None = None
    service_tier: str | None = None
    reported_cost_usd: float | None = None
    content_hash: int | None = None
    session_id: str | None = None
    session_weak: bool | None = None
    user_id: str | None = None


@dataclass(slots=True)
class Derived:
    """One row of `span_derived`, without its project; columns are described there."""

    trace_id: str
    span_id: int
    usage_role: str | None = None
    duplicate_of_trace: str | None = None
    duplicate_of_span: int | None = None
    rule: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_details: str | None = None
    service_tier: str | None = None
    reported_cost_usd: float | None = None
    ttft_ns: int | None = None
    request_model: str | None = None
    response_model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None
    input: str | None = None
    output: str | None = None
    system_instructions: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    tool_executions: int | None = None
    response_id: str | None = None  # only logs tell it

    @property
    def key(self) -> Key:
        return self.trace_id, self.span_id


_TYPES = {
    "int | None": pa.int64(), "float | None": pa.float64(), "str": pa.string(), "str | None": pa.string(),
}  # fmt: skip

_IDS = dict.fromkeys(("span_id", "duplicate_of_span"), pa.uint64())

DERIVED_NAMES = frozenset(column.name for column in fields(Derived))

DERIVED = pa.schema([(column.name, _IDS.get(column.name) or _TYPES[str(column.type)]) for column in fields(Derived)])

TOLD = pa.schema(
    [
        ("trace_id", pa.string()), ("span_id", pa.uint64()), ("response_id", pa.string()),
        ("content_hash", pa.uint64()), ("input_tokens", pa.int64()), ("output_tokens", pa.int64()),
        ("session_id", pa.string()), ("session_weak", pa.bool_()), ("user_id", pa.string()),
    ]
)  # fmt: skip

CONTENT = ("input", "output", "system_instructions")


def derived_table(rows: Sequence[Derived]) -> pa.Table:
    """Rows as Arrow, with the columns of `span_derived` but `project_id`; ids of traces are text."""
    columns = zip(*map(astuple, rows), strict=True) if rows else [()] * len(DERIVED)
    return pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, DERIVED, strict=True)], schema=DERIVED)


def trace_spans(table: pa.Table) -> list[TraceSpan]:
    """Rows of an Arrow table with the columns of `TraceSpan`; others are ignored, missing ones keep their default."""
    names = [column.name for column in fields(TraceSpan) if column.name in table.column_names]
    return [TraceSpan(**row) for row in table.select(names).to_pylist()]


def content_table(contents: Sequence[SpanContent]) -> pa.Table:
    """What logs tell, as Arrow, for the questions that are asked in SQL; ids of traces are text."""
    columns = {field.name: pa.array([getattr(row, field.name) for row in contents], field.type) for field in TOLD}
    return pa.Table.from_arrays(list(columns.values()), schema=TOLD)
