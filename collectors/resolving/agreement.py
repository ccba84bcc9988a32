"""What two spans have in common: times, texts, tokens, models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from collectors.resolving.logs import answer_hash, question_hash
from collectors.resolving.rows import Key, TraceSpan

SLACK_US = 5_000  # two instrumentors read the clock apart; measured 0.1 to 3.5 ms, imports on the first call aside

VENDOR_SCOPES = ("com.anthropic.sdk.",)
"""Spans that a model vendor's own SDK writes: less content than an instrumentor's."""


def is_vendor(span: TraceSpan) -> bool:
    """Whether a model vendor's own SDK wrote the span."""
    return span.scope_name.startswith(VENDOR_SCOPES)


def nearest(pairs: Iterable[tuple[TraceSpan, TraceSpan]]) -> Iterator[tuple[TraceSpan, TraceSpan]]:
    """Of pairs from two scopes the nearest in time, so that each span has at most one partner in each scope."""
    taken: set[tuple[Key, str]] = set()
    for a, b in sorted(pairs, key=_distance):
        if (a.key, b.scope_name) not in taken and (b.key, a.scope_name) not in taken:
            taken |= {(a.key, b.scope_name), (b.key, a.scope_name)}
            yield a, b


def _distance(pair: tuple[TraceSpan, TraceSpan]) -> tuple[int, Key, Key]:
    a, b = pair
    return abs(a.start_us - b.start_us) + abs(a.end_us - b.end_us), a.key, b.key


def texts_differ(a: TraceSpan, b: TraceSpan) -> bool:
    """Questions or answers are known on both sides and are not the same."""
    pairs = ((question_hash(a), question_hash(b)), (answer_hash(a), answer_hash(b)))
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def ids_allow(a: TraceSpan, b: TraceSpan) -> bool:
    """Whether both may be of one answer: the ids are the same, or one is unknown."""
    return a.response_id is None or b.response_id is None or a.response_id == b.response_id


def models_agree(a: TraceSpan, b: TraceSpan) -> bool:
    """Whether one name of a model begins with the other's: dated names and aliases; unknown ones agree with all."""
    mine, theirs = _model_names(a), _model_names(b)
    if not mine or not theirs:
        return True
    return any(x.startswith(y) or y.startswith(x) for x in mine for y in theirs)


def _model_names(span: TraceSpan) -> list[str]:
    return [name.lower().rsplit("/", 1)[-1] for name in (span.request_model, span.response_model) if name]


def starts_within(outer: TraceSpan, inner: TraceSpan) -> bool:
    """Whether `inner` starts while `outer` runs, as far as one clock can tell."""
    if outer.service != inner.service:
        return True  # two machines, two clocks
    return outer.start_us - SLACK_US <= inner.start_us <= outer.end_us + SLACK_US


def tokens_differ(a: TraceSpan, b: TraceSpan) -> bool:
    """Whether both tell counts that cannot be of one call."""
    return numbers_differ(a.output_tokens, b.output_tokens) or (
        numbers_differ(a.input_tokens, b.input_tokens) and not (_lacks_cache(a, b) or _lacks_cache(b, a))
    )


def _lacks_cache(one: TraceSpan, other: TraceSpan) -> bool:
    """`one` knows of no cache, and its input is the other's without it (Anthropic's count, sent on as it is)."""
    if one.cache_read_tokens is not None or one.cache_write_tokens is not None or one.input_tokens is None:
        return False
    cache = (other.cache_read_tokens or 0) + (other.cache_write_tokens or 0)
    return cache > 0 and other.input_tokens == one.input_tokens + cache


def numbers_differ(a: int | None, b: int | None) -> bool:
    """Whether both are known, and are not the same."""
    return a is not None and b is not None and a != b


def contained(a: TraceSpan, b: TraceSpan) -> bool:
    """One interval lies within the other."""
    outer, inner = sorted((a, b), key=lambda span: (-(span.duration_ns or 0), span.key))
    return outer.start_us - SLACK_US <= inner.start_us and inner.end_us <= outer.end_us + SLACK_US


def pairs(spans: Sequence[TraceSpan]) -> Iterator[tuple[TraceSpan, TraceSpan]]:
    """Every two of them."""
    for index, a in enumerate(spans):
        for b in spans[index + 1 :]:
            yield a, b


def overlapping(spans: Sequence[TraceSpan]) -> Iterator[tuple[TraceSpan, TraceSpan]]:
    """Pairs whose intervals meet; a sweep over start times."""
    scopes = {span.scope_name for span in spans}
    if len(scopes) < 2:
        return  # the callers look for other scopes only
    open_spans: list[TraceSpan] = []
    for span in sorted(spans, key=lambda span: (span.start_us, span.key)):
        open_spans = [earlier for earlier in open_spans if earlier.end_us + SLACK_US >= span.start_us]
        yield from ((earlier, span) for earlier in open_spans)
        open_spans.append(span)
