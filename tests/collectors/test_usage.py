"""Usage objects of providers and libraries, each to the same six counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.conventions.payload import read_payload
from collectors.conventions.usage import Usage, settle, usage_of

SHAPES = [
    pytest.param(
        {
            "prompt_tokens": 120,
            "completion_tokens": 77,
            "total_tokens": 197,
            "prompt_tokens_details": {"cached_tokens": 90},
            "completion_tokens_details": {"reasoning_tokens": 48},
        },
        (120, 77, 90, None, 48),
        [],
        id="openai-chat",
    ),
    pytest.param(
        {
            "input_tokens": 77,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 69,
            "output_tokens_details": {"reasoning_tokens": 51},
            "total_tokens": 146,
        },
        (77, 69, 0, None, 51),
        [],
        id="openai-responses",
    ),
    pytest.param(
        {"input_tokens": 80, "output_tokens": 32, "cache_creation_input_tokens": 40, "cache_read_input_tokens": 0},
        (120, 32, 0, 40, None),
        ["usage_excludes_cache"],
        id="anthropic-leaves-the-cache-out",
    ),
    pytest.param(
        {
            "input_tokens": 5,
            "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        },
        (12, 1, None, 7, None),
        ["usage_excludes_cache"],
        id="anthropic-cache-by-lifetime",
    ),
    pytest.param(
        {"promptTokenCount": 68, "candidatesTokenCount": 19, "thoughtsTokenCount": 48, "totalTokenCount": 135},
        (68, 67, None, None, 48),
        ["usage_excludes_reasoning"],
        id="gemini-leaves-thoughts-out",
    ),
    pytest.param(
        {"promptTokenCount": 9, "candidatesTokenCount": 2, "cachedContentTokenCount": 4, "totalTokenCount": 11},
        (9, 2, 4, None, None),
        [],
        id="gemini-includes-the-cache",
    ),
    pytest.param(
        {
            "inputTokens": 10,
            "outputTokens": 5,
            "totalTokens": 45,
            "cacheReadInputTokens": 20,
            "cacheWriteInputTokens": 10,
        },
        (40, 5, 20, 10, None),
        ["usage_excludes_cache"],
        id="bedrock-converse",
    ),
    pytest.param(
        {
            "input_tokens": 120,
            "output_tokens": 32,
            "total_tokens": 152,
            "input_token_details": {"cache_read": 30, "cache_creation": 40},
            "output_token_details": {"reasoning": 8},
        },
        (120, 32, 30, 40, 8),
        [],
        id="langchain-usage-metadata",
    ),
    pytest.param(
        {"input": 60, "input_cache_read": 90, "output": 20, "output_reasoning": 48, "total": 218},
        (150, 68, 90, None, 48),
        ["usage_excludes_cache", "usage_excludes_reasoning"],
        id="langfuse-disjoint-by-total",
    ),
    pytest.param(
        {"input": 150, "input_cache_read": 90, "output": 68, "output_reasoning": 48, "total": 218},
        (150, 68, 90, None, 48),
        [],
        id="langfuse-inclusive-by-total",
    ),
    pytest.param(
        {"input": 60, "input_cache_read": 20, "output": 5},
        (80, 5, 20, None, None),
        ["usage_excludes_cache"],
        id="langfuse-types-are-summed-without-a-total",
    ),
    pytest.param(
        {"inputTokens": 120, "outputTokens": 9, "cachedInputTokens": 50, "reasoningTokens": 3, "totalTokens": 129},
        (120, 9, 50, None, 3),
        [],
        id="vercel-5",
    ),
    pytest.param(
        {"inputTokens": {"total": 120, "cacheRead": 50, "cacheWrite": 1}, "outputTokens": {"total": 9, "reasoning": 3}},
        (120, 9, 50, 1, 3),
        [],
        id="vercel-6",
    ),
    pytest.param(
        {"tokens": 7, "prompt_tokens": 4, "completion_tokens": 3, "prompt_cached_tokens": 2},
        (4, 3, 2, None, None),
        [],
        id="braintrust",
    ),
    pytest.param({"prompt_eval_count": 26, "eval_count": 298}, (26, 298, None, None, None), [], id="ollama"),
    pytest.param(
        {"input_tokens": 3, "cache_read_tokens": 10},
        (13, None, 10, None, None),
        ["usage_excludes_cache"],
        id="cache-above-input-is-proof",
    ),
    pytest.param(
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (0, 0, None, None, None), [], id="zero-is-kept"
    ),
    pytest.param(
        {"prompt_tokens": -1, "completion_tokens": True}, (None, None, None, None, None), [], id="nonsense-is-unknown"
    ),
    pytest.param("usage", (None, None, None, None, None), [], id="not-an-object"),
]


@pytest.mark.parametrize(("told", "counts", "notes"), SHAPES)
def test_a_usage_object_becomes_whole_counts(told: object, counts: tuple[int | None, ...], notes: list[str]) -> None:
    usage = usage_of(told)
    assert settle(usage) == notes
    assert (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning) == counts


count = st.none() | st.integers(0, 10**6)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_the_total_tells_both_ways_of_counting_the_cache(
    fresh: int, output: int, read: int, write: int, inclusive: bool
) -> None:
    total = fresh + read + write + output
    usage = Usage(
        input=total - output if inclusive else fresh, output=output, total=total, cache_read=read, cache_write=write
    )
    settle(usage)
    assert usage.input == fresh + read + write
    assert usage.output == output


@given(st.tuples(count, count, count, count, count, count))
def test_settled_counts_hold_their_parts(counts: tuple[int | None, ...]) -> None:
    usage = Usage(*counts)
    settle(usage)
    assert usage.input is None or usage.input >= (usage.cache_read or 0) + (usage.cache_write or 0)
    assert usage.output is None or usage.output >= (usage.reasoning or 0)


PAYLOADS = [
    pytest.param(
        {
            "id": "chatcmpl-12345",
            "object": "chat.completion",
            "model": "gpt-4o-2024",
            "usage": {"prompt_tokens": 5, "completion_tokens": 2},
            "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
        },
        (5, 2, "chatcmpl-12345", "gpt-4o-2024", "stop"),
        id="openai-chat",
    ),
    pytest.param(
        {
            "id": "resp_12345",
            "object": "response",
            "model": "gpt-5",
            "status": "completed",
            "usage": {"input_tokens": 5, "output_tokens": 2},
            "output": [
                {"id": "msg_98765", "type": "message", "role": "assistant", "status": "completed", "content": []}
            ],
        },
        (5, 2, "resp_12345", "gpt-5", "completed"),
        id="openai-responses-not-its-items-id",
    ),
    pytest.param(
        [{"id": "msg_98765", "type": "message", "role": "assistant", "status": "completed", "content": []}],
        (None, None, None, None, None),
        id="an-item-of-responses-is-no-answer",
    ),
    pytest.param(
        {
            "id": "msg_98765",
            "type": "message",
            "model": "claude",
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 2},
        },
        (1, 2, "msg_98765", "claude", "end_turn"),
        id="anthropic",
    ),
    pytest.param(
        {
            "responseId": "abc",
            "modelVersion": "gemini-2.5-flash",
            "candidates": [{"finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4},
        },
        (3, 4, "abc", "gemini-2.5-flash", "STOP"),
        id="gemini",
    ),
    pytest.param(
        {
            "output": {"message": {"role": "assistant"}},
            "stopReason": "max_tokens",
            "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
        },
        (3, 4, None, None, "max_tokens"),
        id="bedrock-converse",
    ),
    pytest.param(
        {
            "generations": [
                [
                    {
                        "message": {
                            "kwargs": {
                                "id": "lc_run--1",
                                "response_metadata": {
                                    "id": "chatcmpl-777777",
                                    "model_name": "gpt-4o",
                                    "finish_reason": "tool_calls",
                                    "token_usage": {"prompt_tokens": 8, "completion_tokens": 9},
                                },
                            }
                        }
                    }
                ]
            ]
        },
        (8, 9, "chatcmpl-777777", "gpt-4o", "tool_calls"),
        id="langchain-serialised",
    ),
    pytest.param(
        {
            "llm_output": {"token_usage": {"prompt_tokens": 80, "completion_tokens": 90}},
            "generations": [[{"usage": {"prompt_tokens": 1}}]],
        },
        (80, 90, None, None, None),
        id="the-answer-nearest-to-the-top",
    ),
    pytest.param(
        {
            "replies": [
                {
                    "meta": {
                        "model": "gpt-4o",
                        "finish_reason": "stop",
                        "usage": {"prompt_tokens": 8, "completion_tokens": 9},
                    }
                }
            ]
        },
        (8, 9, None, "gpt-4o", "stop"),
        id="haystack",
    ),
    pytest.param(
        {
            "raw": "ChatCompletion(id='chatcmpl-424242', choices=[Choice(finish_reason='tool_calls')], model='gpt-5', "
            "usage=CompletionUsage("
            "completion_tokens=90, prompt_tokens=1093, total_tokens=1183))"
        },
        (1093, 90, "chatcmpl-424242", "gpt-5", "tool_calls"),
        id="printed-python",
    ),
    pytest.param(
        {
            "replies": [
                "ChatMessage(_meta={'model': 'gpt-5', 'finish_reason': 'stop', 'usage': {'completion_tokens': 43}})",
                "ChatMessage(_meta={'usage': {'completion_tokens': 9}})",
            ]
        },
        (None, 43, None, "gpt-5", "stop"),
        id="printed-python-with-dicts-in-a-list",
    ),
    pytest.param(
        {"body": '{"usage": {"prompt_tokens": 4, "completion_tokens": 6}}'},
        (4, 6, None, None, None),
        id="json-in-a-string",
    ),
    pytest.param(
        {"model": "llama3.2", "done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 298},
        (26, 298, None, "llama3.2", "stop"),
        id="ollama",
    ),
    pytest.param(
        {"response_metadata": {"done": True, "prompt_eval_count": 26, "eval_count": 298}},
        (26, 298, None, None, None),
        id="ollama-within",
    ),
    pytest.param(
        {"raw": {"input_token_count": 26, "output_token_count": 298}},
        (26, 298, None, None, None),
        id="counts-in-snake-case",
    ),
    pytest.param({"eval_count": 12, "input": 3}, (None, None, None, None, None), id="evaluations-are-no-tokens"),
    pytest.param({"message": {"content": {"input_tokens_note": "none"}}}, (None, None, None, None, None), id="nothing"),
]


@pytest.mark.parametrize(("value", "expected"), PAYLOADS)
def test_an_answer_is_found_wherever_it_lies(value: object, expected: tuple[object, ...]) -> None:
    found = read_payload(value)
    assert (found.usage.input, found.usage.output, found.response_id, found.model, found.finish_reason) == expected


def test_a_second_telling_of_the_same_counts_fills_the_gaps_of_the_first() -> None:
    """smolagents: the sum beside the printed answer knows no cache, the answer does."""
    told = {"input_tokens": 1093, "output_tokens": 90}
    printed = "usage=Usage(completion_tokens=90, prompt_tokens=1093, details=D(reasoning_tokens=59, cached_tokens=819))"
    usage = read_payload({"token_usage": told, "raw": printed}).usage
    assert (usage.input, usage.output, usage.cache_read, usage.reasoning) == (1093, 90, 819, 59)
    other = read_payload({"token_usage": told, "raw": printed.replace("1093", "1094")}).usage
    assert (other.input, other.cache_read) == (1093, None)
