"""Model and embedding calls that are told twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from collectors.resolving.agreement import (
    contained,
    ids_allow,
    is_vendor,
    models_agree,
    nearest,
    numbers_differ,
    overlapping,
    pairs,
    starts_within,
    texts_differ,
    tokens_differ,
)
from collectors.resolving.logs import answer_hash
from collectors.resolving.rows import TraceSpan
from collectors.resolving.rules import Link, Rules

PAIR_WINDOW_US = 24 * 3600 * 1_000_000  # a response id names one call only within a day: test servers use theirs again

MAX_HOLDERS = 16  # more spans than this with one response id: a constant, no identity

NEW_WORK = frozenset({"tool", "agent", "guardrail", "evaluator", "mcp", "retriever", "reranker", "memory"})
"""Kinds below which a model call is another one than the call above."""


def _call_links(members: list[TraceSpan]) -> Iterator[Link]:
    yield from _same_response_id(members)
    yield from _same_call_other_scope(members)


def _same_response_id(members: list[TraceSpan]) -> Iterator[Link]:
    by_id: dict[str, list[TraceSpan]] = defaultdict(list)
    for span in members:
        if span.response_id:
            by_id[span.response_id].append(span)
    for holders in by_id.values():
        if 1 < len(holders) <= MAX_HOLDERS:
            reused = _is_reused(holders)
            yield from ((a, b, "same_response_id") for a, b in pairs(holders) if _one_response(a, b, reused=reused))


def _is_reused(holders: list[TraceSpan]) -> bool:
    """True when one scope used the id for different calls: some test servers have one id for all."""
    return any(a.scope_name == b.scope_name and _facts_differ(a, b) for a, b in pairs(holders))


def _facts_differ(a: TraceSpan, b: TraceSpan) -> bool:
    """Two spans of one scope tell different calls: they write the same call in the same way."""
    return texts_differ(a, b) or (not (answer_hash(a) and answer_hash(b)) and tokens_differ(a, b))


def _one_response(a: TraceSpan, b: TraceSpan, *, reused: bool) -> bool:
    if abs(a.start_us - b.start_us) > PAIR_WINDOW_US or (a.scope_name == b.scope_name and _facts_differ(a, b)):
        return False
    return (contained(a, b) and not tokens_differ(a, b)) if reused else True


def _same_call_other_scope(members: list[TraceSpan]) -> Iterator[Link]:
    """Calls that two scopes tell with nested times and equal facts; each span has at most one partner in each scope."""
    found = {}
    for bucket, agree in _buckets(members):
        for a, b in overlapping(bucket):
            if a.scope_name != b.scope_name and contained(a, b) and agree(a, b):
                found[a.key, b.key] = (a, b)
    yield from ((a, b, "same_call_other_scope") for a, b in nearest(found.values()))


def _buckets(
    members: list[TraceSpan],
) -> Iterator[tuple[list[TraceSpan], Callable[[TraceSpan, TraceSpan], bool]]]:
    """Spans that could be the same call, with the test that they have to pass: looser inside one trace."""
    inside: dict[object, list[TraceSpan]] = defaultdict(list)
    across: dict[object, list[TraceSpan]] = defaultdict(list)
    for span in members:
        inside[span.trace_id].append(span)
        for key in across_keys(span):
            across[key].append(span)
    yield from ((bucket, _agree_inside) for bucket in inside.values())
    yield from ((bucket, _agree_across) for bucket in across.values())


def across_keys(span: TraceSpan) -> list[tuple[object, ...]]:
    """What a call without a shared response id must have in common with its twin in another trace; empty: it has none.

    The store looks for partners by the same keys (`queries/resolver_partners.sql`).
    """
    keys: list[tuple[object, ...]] = []
    if span.input_tokens is not None and span.output_tokens is not None:
        keys.append((span.service, "tokens", span.input_tokens, span.output_tokens))
    if answer_hash(span):
        keys.append((span.service, "text", span.content_hash))
    if span.failed and not span.tells_usage:
        keys.append((span.service, "failed"))
    return keys


def _agree_inside(a: TraceSpan, b: TraceSpan) -> bool:
    differ = tokens_differ(a, b) or texts_differ(a, b) or numbers_differ(a.http_status, b.http_status)
    return ids_allow(a, b) and models_agree(a, b) and a.failed == b.failed and not differ


def _agree_across(a: TraceSpan, b: TraceSpan) -> bool:
    if a.service != b.service or a.trace_id == b.trace_id or not _agree_inside(a, b):
        return False
    return not a.failed or (a.tells_usage and b.tells_usage) or _same_failure(a, b)


def _same_failure(a: TraceSpan, b: TraceSpan) -> bool:
    """Failures have no tokens to compare, and an outage makes many at one time: they need a cause in common.

    And a reason why one call should have two traces: a vendor's SDK, or another tracer, began one of its own with it.
    """
    apart = is_vendor(a) or is_vendor(b) or a.parent_span_id is None or b.parent_span_id is None
    if a.http_status is not None and b.http_status is not None:
        return apart  # they agree
    mine, theirs = _error_class(a), _error_class(b)
    return apart and bool(mine and theirs) and (mine.endswith(theirs) or theirs.endswith(mine))


def _error_class(span: TraceSpan) -> str:
    """`rate_limit_error`, `anthropic.RateLimitError` and `x.OpenAIRateLimitError` end alike; empty: names no cause."""
    name = (span.error_type or "").rsplit(".", 1)[-1]
    letters = "".join(filter(str.isalpha, name)).lower()
    return "" if letters == "other" else letters.removesuffix("exception").removesuffix("error")


def _same_call_nested(outer: TraceSpan, inner: TraceSpan) -> str | None:
    """A call inside the interval of another is the same call, unless their facts contradict one another."""
    if outer.response_id is not None and outer.response_id == inner.response_id:
        return "same_response_id"
    if not starts_within(outer, inner):
        return None
    if outer.tells_usage and inner.tells_usage:
        return None if tokens_differ(outer, inner) else "nested"
    answered = outer.tells_usage or (outer.has_output and not outer.failed)
    return None if inner.failed and not outer.failed and answered else "nested"


def _prefer_call(span: TraceSpan) -> tuple[object, ...]:
    """Succeeded first (an answer that did not parse was billed too), then most content, then an instrumentor."""
    return (
        span.failed,
        -span.content_rank,
        is_vendor(span),
        not span.tells_usage,
        span.start_us,
        -(span.duration_ns or 0),
    )


def call_rules(kind: str) -> Rules:
    """Of model calls, or of embedding calls."""
    return Rules(
        belongs=lambda span: span.kind == kind and span.usage_role == "leaf",
        links=_call_links,
        nested=_same_call_nested,
        encloses=lambda _outer, _inner: True,
        apart=NEW_WORK,
        aggregates=True,
        prefer=_prefer_call,
    )
