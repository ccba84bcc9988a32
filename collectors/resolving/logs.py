"""What log records tell of spans that do not tell it themselves."""

from __future__ import annotations

from dataclasses import fields

from collectors.resolving.rows import CONTENT, SpanContent, TraceSpan

JOINED = frozenset({"content_hash", "session_id", "session_weak"})
"""What a span and its log records tell together, rather than one in the absence of the other."""


def untold(span: TraceSpan, content: SpanContent) -> SpanContent | None:
    """The part of `content` that the span itself does not tell; null: nothing."""
    told = missing_from(span, content)
    return SpanContent(*span.key, **told) if told else None  # type: ignore[arg-type]  # names and values of one type


def missing_from(span: TraceSpan, content: SpanContent) -> dict[str, object]:
    """What the log records tell and the span does not, by column."""
    told: dict[str, object] = {}
    for column in fields(content)[2:]:
        value = getattr(content, column.name)
        known = getattr(span, f"has_{column.name}" if column.name in CONTENT else column.name)
        if value is not None and column.name not in JOINED and (known is None or known is False):
            told[column.name] = value
    return told | _hash_with(span, content.content_hash or 0) | _session_with(span, content)


def _hash_with(span: TraceSpan, told: int) -> dict[str, object]:
    """The span's content hash with the halves that only a log knows, if there are any."""
    both = (question_hash(span) or told >> 32) << 32 | (answer_hash(span) or told & 0xFFFFFFFF)
    return {} if both == (span.content_hash or 0) else {"content_hash": both}


def _session_with(span: TraceSpan, content: SpanContent) -> dict[str, object]:
    """The session that a log tells, where the span tells none, or has an id of a run and the log a name."""
    better = span.session_id is None or (span.session_weak and not content.session_weak)
    if content.session_id is None or not better:
        return {}
    return {"session_id": content.session_id, "session_weak": bool(content.session_weak)}


def question_hash(span: TraceSpan) -> int:
    """Of what was asked; 0: unknown."""
    return (span.content_hash or 0) >> 32


def answer_hash(span: TraceSpan) -> int:
    """Of what was answered; 0: unknown."""
    return (span.content_hash or 0) & 0xFFFFFFFF
