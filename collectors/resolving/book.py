"""Rows under construction, and spans by id and by trace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from collectors.resolving.logs import missing_from
from collectors.resolving.rows import CONTENT, DERIVED_NAMES, Derived, Key, SpanContent, TraceSpan


class Book:
    """Rows under construction, one a span."""

    def __init__(self, contents: Iterable[SpanContent]) -> None:
        self._rows: dict[Key, Derived] = {}
        self._contents = {(content.trace_id, content.span_id): content for content in contents}

    def row(self, span: TraceSpan, rule: str) -> Derived:
        """The row of `span`; the first rule names it unless a later one changes the role."""
        row = self._rows.setdefault(span.key, Derived(span.trace_id, span.span_id))
        row.rule = row.rule or rule
        return row

    def peek(self, span: TraceSpan) -> Derived | None:
        """The row of `span`; null: no rule has one yet."""
        return self._rows.get(span.key)

    def role(self, span: TraceSpan) -> str | None:
        """What its usage counts for, by what was decided so far."""
        row = self._rows.get(span.key)
        return (row.usage_role if row else None) or span.usage_role

    def set_role(self, span: TraceSpan, role: str, rule: str) -> Derived:
        """Decide what its usage counts for, and by which rule. Answers its row."""
        row = self.row(span, rule)
        row.usage_role, row.rule = role, rule
        return row

    def with_logs(self, span: TraceSpan) -> TraceSpan:
        """Rule `from_logs`: the span as it is once its log records are read."""
        content = self._contents.get(span.key)
        if content is None:
            return span
        told = missing_from(span, content)
        if not told:
            return span
        for name in told.keys() & DERIVED_NAMES:
            setattr(self.row(span, "from_logs"), name, told[name])
        seen = {f"has_{name}": True for name in CONTENT if name in told}
        plain = {name: value for name, value in told.items() if name not in CONTENT}
        return replace(span, content_rank=2 if seen else span.content_rank, **seen, **plain)  # type: ignore[arg-type]

    def rows(self) -> list[Derived]:
        """All rows, by key."""
        return sorted(self._rows.values(), key=lambda row: row.key)


class Traces:
    """Spans by id and by trace, with the parent chain."""

    def __init__(self, spans: Iterable[TraceSpan]) -> None:
        self.by_key = {span.key: span for span in sorted(spans, key=lambda span: (span.key, repr(span)))}
        self.by_trace: dict[str, list[TraceSpan]] = defaultdict(list)
        for span in self.by_key.values():
            self.by_trace[span.trace_id].append(span)

    def ancestors(self, span: TraceSpan) -> Iterator[TraceSpan]:
        """Received ancestors, nearest first; a cycle ends the walk."""
        seen = {span.span_id}
        parent_id = span.parent_span_id
        while parent_id is not None and parent_id not in seen:
            seen.add(parent_id)
            parent = self.by_key.get((span.trace_id, parent_id))
            if parent is None:
                return
            yield parent
            parent_id = parent.parent_span_id
