"""Rules on a whole trace: what counts where no call told its usage, and tools that only messages tell of."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.conventions.shapes import Message
from collectors.resolving.book import Book, Traces
from collectors.resolving.rows import TraceSpan
from collectors.resolving.tools import is_tool


def trailing_tool_results(conversation: Sequence[Message]) -> tuple[str, ...]:
    """Call ids (texts where there is no id) of the tool results that were given after the model's last turn."""
    found: dict[str, None] = {}
    for message in reversed(conversation):
        if message["role"] == "assistant":
            break
        for part in message["parts"]:
            if part.get("type") == "tool_call_response":
                found[str(part.get("id") or part.get("response"))] = None
    return tuple(reversed(found))


def estimate_from_lowest_aggregate(traces: Traces, spans: list[TraceSpan], book: Book) -> None:
    """Rule `lowest_aggregate_estimated`: aggregates count where no model call of the trace told its usage."""
    if any(_usage_known(span, book) for span in spans if span.kind == "llm"):
        return
    telling = [span for span in spans if span.usage_role == "aggregate" and span.tells_usage]
    if not telling:
        return
    embeddings = (span for span in spans if span.kind == "embedding")
    above = {up.key for span in (*telling, *embeddings) for up in traces.ancestors(span)}
    for span in telling:
        if span.key not in above:
            book.set_role(span, "leaf", "lowest_aggregate_estimated")


def _usage_known(span: TraceSpan, book: Book) -> bool:
    """True when the usage of this call is counted: in its row, or in that of the span that is kept for it."""
    row = book.peek(span)
    if row and (row.usage_role == "duplicate" or row.input_tokens is not None or row.output_tokens is not None):
        return True
    return span.usage_role == "leaf" and span.tells_usage


def count_tools_in_messages(spans: list[TraceSpan], book: Book) -> None:
    """Rule `tool_from_messages`: a tool result given back to a model was an execution, each call id once a trace."""
    if any(is_tool(span) for span in spans):
        return
    seen: set[str] = set()
    for span in sorted(spans, key=lambda span: (span.start_us, span.key)):
        if span.tool_results and book.role(span) == "leaf":
            new = set(span.tool_results) - seen
            seen |= new
            if new:
                book.row(span, "tool_from_messages").tool_executions = len(new)
