"""One model call, one row: a table of hand-made traces, and the laws that hold for any."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.resolve import resolve
from collectors.resolving.calls import MAX_HOLDERS
from collectors.resolving.logs import untold
from collectors.resolving.rows import Derived, SpanContent, TraceSpan

MS = 1000  # microseconds
OPENAI, LANGCHAIN, VENDOR = "otel.openai", "openinference.langchain", "com.anthropic.sdk.python"


def make(
    span_id: int, parent: int | None = None, kind: str = "llm", at: tuple[int, int] = (0, 100), **columns: Any
) -> TraceSpan:
    """A span of trace `t` that runs from at[0] to at[1] (milliseconds)."""
    start, end = at
    role = {"llm": "leaf", "embedding": "leaf"}.get(kind)
    columns = {"trace_id": "t", "scope_name": OPENAI, "service": "api", "usage_role": role} | columns
    return TraceSpan(
        span_id=span_id,
        parent_span_id=parent,
        kind=kind,
        start_us=start * MS,
        duration_ns=(end - start) * MS * 1000,
        **columns,
    )


def told(rows: list[Derived]) -> dict[int, tuple[str | None, str | None]]:
    return {row.span_id: (row.usage_role, row.rule) for row in rows}


def texts(asked: int, answered: int) -> int:
    """A content hash of these two halves; 0: unknown."""
    return asked << 32 | answered


USAGE = {"input_tokens": 10, "output_tokens": 5}
OTHER = {"input_tokens": 20, "output_tokens": 6}

CASES = [
    pytest.param([make(1, **USAGE)], {}, id="one-call-has-no-row"),
    pytest.param(
        [
            make(1, kind="agent", **USAGE, usage_role="aggregate"),
            make(2, 1, **USAGE),
            make(3, 1, at=(200, 300), **USAGE),
        ],
        {},
        id="agent-sum-over-calls-stays-aggregate",
    ),
    pytest.param(
        [make(1, content_rank=1, response_id="r", **USAGE), make(2, 1, at=(1, 99), response_id="r", content_rank=2)],
        {1: ("duplicate", "same_response_id"), 2: (None, "filled")},
        id="same-id-most-content-is-kept",
    ),
    pytest.param(
        [
            make(1, response_id="r", content_rank=2, scope_name=VENDOR, trace_id="a", **USAGE),
            make(2, at=(1, 99), response_id="r", content_rank=2, trace_id="b", **USAGE),
        ],
        {1: ("duplicate", "same_response_id")},
        id="same-id-in-two-traces-instrumentor-before-vendor",
    ),
    pytest.param(
        [
            make(1, response_id="r", content_hash=1, **USAGE),
            make(2, at=(500, 600), response_id="r", content_hash=2, **OTHER),
        ],
        {},
        id="test-server-repeats-its-id",
    ),
    pytest.param(
        [
            make(1, response_id="r", content_hash=1, scope_name=LANGCHAIN, content_rank=2, **USAGE),
            make(2, at=(5, 95), response_id="r", content_hash=7, **USAGE),
            make(3, at=(500, 600), response_id="r", content_hash=2, scope_name=LANGCHAIN, content_rank=2, **OTHER),
            make(4, at=(505, 595), response_id="r", content_hash=8, **OTHER),
        ],
        {2: ("duplicate", "same_response_id"), 4: ("duplicate", "same_response_id")},
        id="test-server-repeats-its-id-and-two-scopes-tell",
    ),
    pytest.param(
        [
            make(1, response_id="r", content_hash=1, **USAGE),
            make(2, at=(500, 501), response_id="r", content_hash=1, **USAGE),
        ],
        {2: ("duplicate", "same_response_id")},
        id="answer-replayed-from-a-cache",
    ),
    pytest.param(
        [make(n, at=(n * 200, n * 200 + 100), response_id="r") for n in range(1, MAX_HOLDERS + 2)],
        {},
        id="an-id-that-everything-has-is-none",
    ),
    pytest.param(
        [make(1, **USAGE, scope_name=LANGCHAIN), make(2, 1, at=(3, 90), **USAGE)],
        {2: ("duplicate", "nested")},
        id="nested-equal-tokens",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, content_rank=2),
            make(2, 3, at=(3, 90), **USAGE),
            make(3, 1, kind="other", at=(2, 95)),
        ],
        {1: (None, "filled"), 2: ("duplicate", "nested")},
        id="nested-through-a-wrapper-fills-usage",
    ),
    pytest.param(
        [make(1, **USAGE), make(2, 3, at=(3, 90), **USAGE), make(3, 1, kind="tool", at=(2, 95))],
        {},
        id="call-inside-a-tool-inside-a-call-is-another",
    ),
    pytest.param(
        [make(1, response_id="r", **USAGE), make(2, 1, at=(5000, 5090), response_id="r", **USAGE)],
        {2: ("duplicate", "same_response_id")},
        id="nested-same-id-on-a-clock-that-is-off",
    ),
    pytest.param(
        [make(1, **OTHER), make(2, 1, at=(3, 90), **USAGE)],
        {},
        id="nested-with-other-tokens-is-another",
    ),
    pytest.param(
        [make(1, **USAGE), make(2, 1, at=(3, 40), **USAGE), make(3, 1, at=(50, 90), **OTHER)],
        {1: ("aggregate", "aggregate")},
        id="several-calls-inside-make-an-aggregate",
    ),
    pytest.param(
        [
            make(1, response_id="b", scope_name=LANGCHAIN, **USAGE),
            make(2, 1, at=(3, 40), failed=True),
            make(3, 1, at=(50, 90), response_id="b", **USAGE),
        ],
        {1: ("aggregate", "aggregate")},
        id="retry-inside-one-call-counts-each-attempt",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, content_rank=2, **USAGE),
            make(2, 1, at=(3, 90), scope_name="a", **USAGE),
            make(3, 1, at=(4, 89), scope_name="b", **USAGE),
        ],
        {2: ("duplicate", "nested"), 3: ("duplicate", "nested")},
        id="told-three-times",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", **USAGE, request_model="openai/gpt-5"),
            make(2, at=(3, 90), trace_id="b", **USAGE, response_model="gpt-5-2025"),
        ],
        {1: (None, "filled"), 2: ("duplicate", "same_call_other_scope")},
        id="two-traces-no-id",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", content_hash=texts(1, 2), **USAGE),
            make(2, at=(3, 90), trace_id="b", content_hash=texts(3, 4), **USAGE),
        ],
        {},
        id="two-traces-equal-tokens-other-texts-are-two",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", content_hash=texts(1, 2), **USAGE),
            make(2, at=(3, 90), trace_id="b", content_hash=texts(3, 2), **USAGE),
        ],
        {},
        id="two-traces-the-same-answer-to-two-questions",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", content_hash=texts(1, 2), **USAGE),
            make(2, at=(3, 90), trace_id="b", content_hash=texts(0, 2), **USAGE),
            make(3, at=(500, 600), scope_name=LANGCHAIN, trace_id="a", content_hash=texts(1, 2), **OTHER),
            make(4, at=(503, 590), trace_id="b", **OTHER),
        ],
        {2: ("duplicate", "same_call_other_scope"), 4: ("duplicate", "same_call_other_scope")},
        id="two-traces-one-does-not-tell-the-texts",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, content_hash=texts(1, 2), **USAGE),
            make(2, at=(3, 90), content_hash=texts(3, 4)),
        ],
        {},
        id="siblings-of-other-texts-one-without-usage",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, failed=True, http_status=429),
            make(2, at=(3, 90), failed=True, http_status=500),
        ],
        {},
        id="siblings-that-failed-in-two-ways",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", failed=True, http_status=429, error_type="RateLimitError"),
            make(2, at=(3, 90), trace_id="b", failed=True, http_status=429, error_type="_OTHER"),
        ],
        {2: ("duplicate", "same_call_other_scope")},
        id="two-traces-failed-with-the-same-status",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", failed=True, error_type="x.base.OpenAIRateLimitError"),
            make(2, at=(3, 90), trace_id="b", failed=True, error_type="rate_limit_error"),
        ],
        {2: ("duplicate", "same_call_other_scope")},
        id="two-traces-failed-with-the-same-error",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", failed=True, http_status=429),
            make(2, at=(3, 90), trace_id="b", failed=True, error_type="APIConnectionError"),
        ],
        {},
        id="two-traces-failed-otherwise-are-two",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", failed=True, error_type="Exception"),
            make(2, at=(3, 90), trace_id="b", failed=True, error_type="_OTHER"),
        ],
        {},
        id="two-traces-failed-at-one-time-only",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", failed=True, http_status=503, content_hash=texts(1, 0)),
            make(2, at=(3, 90), trace_id="b", failed=True, http_status=503, content_hash=texts(2, 0)),
        ],
        {},
        id="an-outage-fails-two-questions",
    ),
    pytest.param(
        [
            make(1, 10, scope_name=LANGCHAIN, trace_id="a", failed=True, http_status=503),
            make(2, 20, at=(3, 90), trace_id="b", failed=True, http_status=503),
            make(3, 10, at=(500, 600), trace_id="a", failed=True, http_status=503),
            make(4, 20, at=(503, 590), scope_name=VENDOR, trace_id="b", failed=True, http_status=503),
        ],
        {4: ("duplicate", "same_call_other_scope")},
        id="an-outage-fails-calls-of-two-traces-and-the-vendor-tells-one-again",
    ),
    pytest.param(
        [
            make(1, scope_name=LANGCHAIN, trace_id="a", failed=True, http_status=429),
            make(2, at=(3, 90), trace_id="b", failed=True, http_status=429, service="worker"),
        ],
        {},
        id="failed-in-two-services-are-two",
    ),
    pytest.param(
        [make(1, trace_id="a", **USAGE), make(2, at=(3, 90), trace_id="b", **USAGE)],
        {},
        id="one-scope-two-traces-are-two",
    ),
    pytest.param(
        [make(1, failed=True, scope_name=LANGCHAIN), make(2, 1, at=(3, 90), failed=True, error_type="RateLimitError")],
        {1: (None, "filled"), 2: ("duplicate", "nested")},
        id="failure-told-twice",
    ),
    pytest.param(
        [make(1, **USAGE, scope_name=LANGCHAIN), make(2, 1, at=(3, 40), failed=True)],
        {},
        id="failed-attempt-inside-a-success-is-another",
    ),
    pytest.param(
        [
            make(1, kind="agent", usage_role="aggregate", **USAGE),
            make(2, 1),
            make(3, kind="agent", usage_role="aggregate", **OTHER),
        ],
        {1: ("leaf", "lowest_aggregate_estimated"), 3: ("leaf", "lowest_aggregate_estimated")},
        id="no-call-told-its-usage",
    ),
    pytest.param(
        [
            make(1, kind="workflow", usage_role="aggregate", **USAGE),
            make(2, 1, kind="agent", usage_role="aggregate", **USAGE),
        ],
        {2: ("leaf", "lowest_aggregate_estimated")},
        id="lowest-aggregate-only",
    ),
    pytest.param(
        [
            make(1, kind="workflow", usage_role="aggregate", input_tokens=9),
            make(2, 1, kind="embedding", input_tokens=9),
        ],
        {},
        id="an-aggregate-over-embeddings-is-no-model-usage",
    ),
    pytest.param(
        [make(1, kind="embedding"), make(2, 1, kind="embedding", at=(1, 99), input_tokens=9)],
        {1: ("duplicate", "nested")},
        id="embedding-told-twice-the-one-with-usage-is-kept",
    ),
    pytest.param(
        [
            make(1, kind="tool", tool_name="get", span_kind="client"),
            make(2, 1, kind="mcp", at=(1, 99), span_kind="client"),
            make(3, 2, kind="tool", tool_name="get", at=(2, 98), span_kind="server", failed=True, error_type="E"),
        ],
        {1: (None, "filled"), 3: ("duplicate", "mcp_pair")},
        id="mcp-client-and-server-and-the-failure-is-kept",
    ),
    pytest.param(
        [
            make(1, kind="tool", tool_name="get", scope_name="a"),
            make(2, kind="tool", tool_name="get", at=(1, 99), scope_name="b"),
            make(3, kind="tool", tool_name="get", at=(20, 99), scope_name="a"),
        ],
        {2: ("duplicate", "tool_pair")},
        id="tool-siblings-of-two-scopes-parallel-executions-stay",
    ),
    pytest.param(
        [make(1, kind="tool", tool_name="ask_expert"), make(2, 1, kind="tool", tool_name="search", at=(1, 99))],
        {},
        id="a-tool-that-uses-another-tool",
    ),
    pytest.param(
        [
            make(n, kind="tool", tool_name="get", tool_call_id="c1", at=(n * 10, n * 10 + 50)) for n in range(1, 4)
        ],
        {},
        id="one-scope-one-call-id-siblings-are-executions",
    ),
    pytest.param(
        [make(1, kind="retriever"), make(2, 1, kind="retriever", at=(1, 99), has_documents=True)],
        {1: ("duplicate", "retriever_pair")},
        id="retriever-with-documents-is-kept",
    ),
    pytest.param(
        [
            make(1, tool_results=("c1", "c2")),
            make(2, at=(200, 300), tool_results=("c1", "c2")),
            make(3, at=(400, 500), tool_results=("c3",)),
        ],
        {1: (None, "tool_from_messages"), 3: (None, "tool_from_messages")},
        id="tools-that-only-messages-tell-of",
    ),
    pytest.param(
        [make(1, tool_results=("c1",)), make(2, kind="tool")],
        {},
        id="tool-spans-before-messages",
    ),
    pytest.param(
        [
            make(1, input_tokens=6, output_tokens=5),
            make(2, 1, at=(1, 99), scope_name=VENDOR, **USAGE, cache_read_tokens=3, cache_write_tokens=1),
        ],
        {1: (None, "filled"), 2: ("duplicate", "nested")},
        id="one-of-two-leaves-the-cache-out",
    ),
    pytest.param(
        [make(1, 2), make(2, 1, at=(1, 99))],
        {2: ("duplicate", "nested")},
        id="parents-in-a-circle",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spans", "expected"), CASES)
def test_cases(spans: list[TraceSpan], expected: dict[int, tuple[str | None, str | None]]) -> None:
    assert told(resolve(spans)) == expected


@pytest.mark.parametrize(("spans", "expected"), CASES)
def test_order_does_not_matter(spans: list[TraceSpan], expected: object) -> None:
    shuffled = random.Random(7).sample(spans, len(spans))
    assert resolve(shuffled) == resolve(spans)


def test_the_kept_row_is_filled_from_its_duplicate() -> None:
    kept = make(1, response_id="r", content_rank=2, input_tokens=10)
    native = make(
        2,
        1,
        at=(1, 99),
        response_id="r",
        scope_name=VENDOR,
        **USAGE,
        cache_read_tokens=4,
        ttft_ns=7,
        response_model="m",
    )
    first, second = resolve([kept, native])
    assert (first.input_tokens, first.output_tokens, first.cache_read_tokens, first.ttft_ns) == (None, 5, 4, 7)
    assert (first.response_model, first.usage_role) == ("m", None)
    assert (second.duplicate_of_trace, second.duplicate_of_span) == ("t", 1)


def test_the_vendor_knows_its_usage_best() -> None:
    kept = make(1, response_id="r", content_rank=2, input_tokens=10, output_tokens=16)
    native = make(2, 1, at=(1, 99), response_id="r", scope_name=VENDOR, input_tokens=10, output_tokens=15)
    (first, _) = resolve([kept, native])
    assert (first.rule, first.input_tokens, first.output_tokens) == ("filled", None, 15)


def test_logs_fill_what_the_span_lacks_and_reach_the_kept_row() -> None:
    outer, inner = make(1, content_rank=1, scope_name=LANGCHAIN, **USAGE), make(2, 1, at=(1, 99), **USAGE)
    content = SpanContent("t", 2, input='["q"]', output='["a"]', finish_reason="stop")
    rows = {row.span_id: row for row in resolve([outer, inner], [content, replace(content, span_id=99)])}
    assert rows[1].usage_role == "duplicate"
    assert (rows[2].rule, rows[2].input, rows[2].output, rows[2].finish_reason) == (
        "from_logs",
        '["q"]',
        '["a"]',
        "stop",
    )


def test_logs_never_replace_what_the_span_says() -> None:
    span = make(1, has_input=True, has_output=True, has_system_instructions=True, input_tokens=0, output_tokens=0)
    content = SpanContent(
        "t", 1, input='["q"]', output='["a"]', system_instructions="[]", input_tokens=3, output_tokens=4
    )
    assert resolve([span], [content]) == []


def test_a_question_on_the_span_and_an_answer_in_its_log_are_one_text() -> None:
    asked = make(1, trace_id="a", scope_name=LANGCHAIN, content_hash=texts(1, 0))
    told_whole = make(2, trace_id="b", at=(1, 99), content_hash=texts(1, 2))
    answer = SpanContent("a", 1, output='["a"]', content_hash=texts(0, 2))
    rows = {row.span_id: row.usage_role for row in resolve([asked, told_whole], [answer])}
    assert rows == {1: None, 2: "duplicate"}


def test_what_a_log_tells_again_is_left_out() -> None:
    span = make(1, has_input=True, content_hash=texts(1, 2), **USAGE)
    again = SpanContent("t", 1, input='["q"]', content_hash=texts(1, 2), input_tokens=10)
    assert untold(span, again) is None
    assert untold(span, replace(again, cache_read_tokens=4)) == SpanContent("t", 1, cache_read_tokens=4)


SPANS = st.builds(
    make,
    span_id=st.integers(1, 8),
    parent=st.none() | st.integers(1, 8),
    kind=st.sampled_from(["llm", "llm", "embedding", "tool", "agent", "retriever", "other", "mcp"]),
    at=st.tuples(st.integers(0, 20), st.integers(20, 60)),
    trace_id=st.sampled_from(["a", "b"]),
    scope_name=st.sampled_from([OPENAI, LANGCHAIN, VENDOR]),
    response_id=st.sampled_from([None, None, "r", "s"]),
    failed=st.booleans(),
    http_status=st.sampled_from([None, 429, 503]),
    content_hash=st.sampled_from([None, texts(1, 2), texts(3, 2), texts(0, 2)]),
    content_rank=st.integers(0, 2),
    input_tokens=st.sampled_from([None, 10, 20]),
    output_tokens=st.sampled_from([None, 5]),
)


@given(st.lists(SPANS, max_size=12, unique_by=lambda span: span.key), st.randoms(use_true_random=False))
def test_laws(spans: list[TraceSpan], rng: random.Random) -> None:
    rows = resolve(spans)
    shuffled = list(spans)
    rng.shuffle(shuffled)
    assert resolve(shuffled) == rows
    assert len({row.key for row in rows}) == len(rows)
    by_key = {row.key: row for row in rows}
    for row in rows:
        if row.usage_role == "duplicate":
            kept = by_key.get((row.duplicate_of_trace or "", row.duplicate_of_span or 0))
            assert kept is None or kept.usage_role is None, "a duplicate points at a row that is kept"


@settings(max_examples=50)
@given(st.lists(SPANS, max_size=10, unique_by=lambda span: span.key))
def test_adding_an_unrelated_trace_changes_nothing(spans: list[TraceSpan]) -> None:
    stranger = make(1, trace_id="z", at=(10_000, 10_100), service="elsewhere", **USAGE)
    assert resolve([*spans, stranger]) == resolve(spans)
