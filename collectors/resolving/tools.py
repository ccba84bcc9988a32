"""Tool executions and retrievals that are told twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from collectors.resolving.agreement import contained, nearest, overlapping, starts_within
from collectors.resolving.rows import TraceSpan
from collectors.resolving.rules import Link, Rules


def is_tool(span: TraceSpan) -> bool:
    """Whether the span ran a tool."""
    return span.kind == "tool"


def _tool_links(members: list[TraceSpan]) -> Iterator[Link]:
    """Siblings from two scopes: nested times, same name, same call id where both have one."""
    by_trace: dict[str, list[TraceSpan]] = defaultdict(list)
    for span in members:
        by_trace[span.trace_id].append(span)
    pairs = [
        (a, b)
        for bucket in by_trace.values()
        for a, b in overlapping(bucket)
        if a.scope_name != b.scope_name and contained(a, b) and _same_tool(a, b)
    ]
    yield from ((a, b, "tool_pair") for a, b in nearest(pairs))


def _same_tool(a: TraceSpan, b: TraceSpan) -> bool:
    if a.tool_call_id and b.tool_call_id and a.tool_call_id != b.tool_call_id:
        return False
    return a.tool_name is None or b.tool_name is None or a.tool_name == b.tool_name


def _nested_tool(outer: TraceSpan, inner: TraceSpan) -> str | None:
    if not _same_tool(outer, inner) or not starts_within(outer, inner):
        return None
    return "mcp_pair" if "server" in {outer.span_kind, inner.span_kind} else "tool_pair"


def _prefer_tool(span: TraceSpan) -> tuple[object, ...]:
    return span.tool_name is None, -span.content_rank, span.start_us, -(span.duration_ns or 0)


def _prefer_retriever(span: TraceSpan) -> tuple[object, ...]:
    return not span.has_documents, -span.content_rank, span.start_us, -(span.duration_ns or 0)


TOOL_RULES = Rules(
    belongs=is_tool,
    links=_tool_links,
    nested=_nested_tool,
    encloses=_same_tool,
    apart=frozenset({"agent", "llm", "guardrail", "evaluator"}),
    aggregates=True,
    prefer=_prefer_tool,
)

RETRIEVER_RULES = Rules(
    belongs=lambda span: span.kind == "retriever",
    links=lambda _members: iter(()),
    nested=lambda outer, inner: "retriever_pair" if starts_within(outer, inner) else None,
    encloses=lambda _outer, _inner: True,
    apart=frozenset({"agent", "llm", "tool"}),
    aggregates=False,
    prefer=_prefer_retriever,
)
