"""Models over real HTTP: OpenAI's protocol streamed and not, servers that know less of it, other providers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fake_openai import Act, FakeOpenAI
from scripted import DROP, ENDLESS, HOLD, Script, Scripted, Seen, chunk, head, streamed, whole

from evaluators.case import Case, Message, ToolCall
from evaluators.errors import EvaluatorError
from evaluators.judges.budget import Budget
from evaluators.judges.model import Usage as Tokens
from evaluators.judges.settings import TokenPrice
from evaluators.targets.answer import Answer, Asking
from evaluators.targets.config import ModelSettings

CASE = Case(question="Why?", contexts=("one", "two"), metadata={"tone": "kind"})
USAGE = {"prompt_tokens": 11, "completion_tokens": 5}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def delta(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text, **more}, "finish_reason": finish}]}


ROLE = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
LAST = {"choices": [], "usage": USAGE}
GOOD = streamed(ROLE, delta("Be"), delta("cause"), delta(None, "stop"), LAST, "[DONE]")


def completion(text: str | None = "Because", finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": text, **more}, "finish_reason": finish}], "usage": USAGE}


def ask(
    script: Script, *, asking: Asking = Asking(), case: Case = CASE, budget: Budget | None = None, listed: Any = None,  # noqa: B008 - frozen
    path: str = "/v1", times: int = 1, **settings: Any,
) -> tuple[Answer, Scripted]:  # fmt: skip
    async def go() -> tuple[Answer, Scripted]:
        async with Scripted(script) as server:
            told = {"base_url": server.url + path, "model": "m", "timeout_s": 20.0, "backoff_s": 0.001, **settings}
            target = ModelSettings(**told).make(Path(), listed, budget)
            for _ in range(times):
                answer = await target(case, asking)
            await target.aclose()
            return answer, server

    return asyncio.run(go())


def test_what_is_sent_and_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_KEY", "sk-1234567")
    answer, server = ask(
        [GOOD], asking=Asking(2, 9, TRACE), key_env="THEIR_KEY", prompt="{{ question }} Be {{ metadata.tone }}.",
        system="Use: {{ contexts | join('; ') }}", parameters={"temperature": 0.5, "seed": 40, "max_tokens": 99},
    )  # fmt: skip
    [seen] = server.seen
    assert seen.line == "POST /v1/chat/completions HTTP/1.1"
    assert seen.json == {
        "model": "m", "temperature": 0.5, "seed": 42, "max_tokens": 99, "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Use: one; two"}, {"role": "user", "content": "Why? Be kind."}],
    }  # fmt: skip
    assert (seen.headers["authorization"], seen.headers["traceparent"]) == ("Bearer sk-1234567", TRACE)
    assert (answer.status, answer.text, answer.cut, answer.held_back, answer.calls) == (
        "ok",
        "Because",
        False,
        False,
        1,
    )
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cost_usd) == (11, 5, None)


@pytest.mark.parametrize(
    ("settings", "case", "messages"),
    [
        pytest.param({}, CASE, [("user", "Why?")], id="the-question"),
        pytest.param({}, Case(question="q", system="S"), [("system", "S"), ("user", "q")], id="the-item's-system"),
        pytest.param(
            {"system": "T"}, Case(question="q", system="S"), [("system", "T"), ("user", "q")], id="own-system"
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": "{{ question }}"}, {"role": "assistant", "content": "So"}]},
            Case(question="q", system="S"),
            [("user", "q"), ("assistant", "So")],
            id="messages",
        ),
        pytest.param(
            {},
            Case(system="S", messages=(Message("user", "a"), Message("assistant", "b"), Message("user", "c"))),
            [("system", "S"), ("user", "a"), ("assistant", "b"), ("user", "c")],
            id="conversation",
        ),
        pytest.param(
            {},
            Case(system="S", messages=(Message("system", "T"), Message("user", "a"))),
            [("system", "T"), ("user", "a")],
            id="conversation-with-its-system",
        ),
    ],
)
def test_prompts(settings: dict[str, Any], case: Case, messages: list[tuple[str, str]]) -> None:
    _, server = ask([GOOD], case=case, **settings)
    assert [(one["role"], one["content"]) for one in server.seen[0].json["messages"]] == messages


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (Case(), "prompt: the item has no 'question'."),
        (
            Case(messages=(Message("user", "a"), Message("tool", "b"))),
            "messages.1: one of the role 'tool' cannot be sent.",
        ),
    ],
)  # fmt: skip
def test_items_that_cannot_be_asked(case: Case, told: str) -> None:
    answer, server = ask([GOOD], case=case)
    assert (answer.error_type, answer.reason, server.seen) == ("bad_request", told, [])


def test_time_to_the_first_token_is_that_of_the_first_text() -> None:
    moves = streamed(ROLE, 0.15, delta("Be"), 0.15, delta("cause"), delta(None, "stop"), LAST, "[DONE]", 9.0)
    answer, _ = ask([moves])
    assert answer.usage is not None
    assert answer.usage.ttft_ms is not None
    assert answer.usage.latency_ms is not None
    assert 150 <= answer.usage.ttft_ms <= answer.usage.latency_ms - 75
    assert 300 <= answer.usage.latency_ms < 8000


ANSWERS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "not-streamed": (whole(completion()), {"stream": False}, {"text": "Because"}),
    "json-though-asked-to-stream": (whole(completion()), {}, {"text": "Because"}),
    "stream-under-another-type": (streamed(delta("Hi", "stop"), kind="text/plain"), {}, {"text": "Hi"}),
    "no-done": (streamed(delta("Hi", "stop")), {}, {"text": "Hi"}),
    "no-finish": (streamed(delta("Hi"), "[DONE]"), {}, {"text": "Hi"}),
    "parts": (whole(completion([{"type": "text", "text": "a"}, {"type": "x"}])), {}, {"text": "a"}),  # type: ignore[arg-type]
    "cut": (streamed(delta("Hi", "length")), {}, {"text": "Hi", "cut": True}),
    "filtered": (whole(completion("", "content_filter")), {}, {"text": "", "held_back": True}),
    "refusal": (
        streamed(delta(None, refusal="I can"), delta(None, "stop", refusal="not")),
        {},
        {"text": "I cannot", "held_back": True},
    ),
    "halves": (streamed(delta("\ud83d"), delta("\ude00", "stop")), {}, {"text": "😀"}),
    "thinking-is-no-answer": (streamed(delta(None, reasoning_content="hm"), delta("Hi", "stop")), {}, {"text": "Hi"}),
    "signs-of-life": (streamed({"type": "ping"}, chunk(": alive\n\n"), delta("Hi", "stop")), {}, {"text": "Hi"}),
    "second-choice": (
        streamed({"choices": [{"index": 1, "delta": {"content": "no"}}, *delta("Hi", "stop")["choices"]]}),
        {},
        {"text": "Hi"},
    ),
    "tool-calls": (
        streamed(
            delta(None, tool_calls=[{"index": 0, "id": "c1", "function": {"name": "find", "arguments": '{"a"'}}]),
            delta(None, "tool_calls", tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
        ),
        {},
        {"text": "", "tool_calls": (ToolCall("find", {"a": 1}, "c1"),)},
    ),
    "tool-calls-not-streamed": (
        whole(
            completion(
                None,
                tool_calls=[
                    {"id": "c1", "function": {"name": "f", "arguments": "no json"}},
                    {"function": {"name": "g"}},
                ],
            )
        ),
        {},
        {"text": "", "tool_calls": (ToolCall("f", "no json", "c1"), ToolCall("g", ""))},
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_of_servers_that_differ(name: str) -> None:
    moves, settings, expected = ANSWERS[name]
    answer, server = ask([moves], **settings)
    assert (answer.status, answer.reason) == ("ok", "")
    assert {field: getattr(answer, field) for field in expected} == expected
    assert server.seen[0].json.get("stream", False) is settings.get("stream", True)
    assert answer.usage is not None
    assert (answer.usage.ttft_ms is None) is (moves[0].find(b"json") > 0)


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": None}, {"prompt_tokens": "many"}, {"prompt_tokens": -1}, 7]
)
def test_tokens_that_are_not_told_are_unknown(usage: Any) -> None:
    answer, _ = ask([whole(completion() | {"usage": usage})], price={"input": 1, "output": 1})
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cost_usd) == (None, None, None)


def test_cost_is_by_the_own_price_else_the_list_price() -> None:
    def cost(**how: Any) -> float | None:
        answer, _ = ask([GOOD], **how)
        assert answer.usage is not None
        return answer.usage.cost_usd

    def listed(provider: str, model: str, tokens: Tokens) -> float | None:
        assert (provider, model) == ("openai", "m")
        return (tokens.input_tokens or 0) + (tokens.output_tokens or 0)

    assert cost() is None
    assert cost(listed=listed) == 16
    assert cost(listed=listed, price=TokenPrice(input=2, output=10)) == pytest.approx((11 * 2 + 5 * 10) / 1e6)


def test_a_server_that_does_not_know_stream_options_is_asked_without_from_then_on() -> None:
    def strict(seen: Seen) -> Any:
        return whole("extra_forbidden", 422) if "stream_options" in seen.json else GOOD

    answer, server = ask(strict, times=3)
    assert (answer.status, answer.text) == ("ok", "Because")
    assert ["stream_options" in seen.json for seen in server.seen] == [True, False, False, False]


def test_a_request_that_is_bad_anyway_is_told_as_it_was_refused() -> None:
    answer, server = ask(lambda seen: whole("with" if "stream_options" in seen.json else "without", 400))
    assert (answer.error_type, len(server.seen), answer.calls) == ("http_status", 2, 2)
    assert answer.reason.endswith("answered 400: with")
    answer, server = ask(
        lambda seen: whole("", 400 if "stream_options" in seen.json else 503, retry_after="0"), tries=2
    )
    assert (answer.reason.partition("answered ")[2][:3], answer.calls) == ("503", 4)
    answer, server = ask([GOOD, whole("too long", 400)], times=2)
    assert (answer.error_type, len(server.seen)) == ("http_status", 2)  # it knows them: it is something else


BAD: dict[str, tuple[Any, dict[str, Any], str, str]] = {
    "status": (whole({"error": {"message": "oh"}}, 500), {}, "http_status", "answered 500"),
    "auth": (whole("who?", 401), {}, "auth", "answered 401: who?"),
    "no-json": (whole("<html>", kind="text/html"), {}, "bad_answer", "neither JSON nor a stream of events: <html>"),
    "no-body": (whole(b""), {}, "bad_answer", "The body is no JSON: nothing"),
    "half-json": (whole('{"choices": [{'), {}, "bad_answer", 'The body is no JSON: {"choices"'),
    "wrong-shape": (whole({"answer": "hi"}), {}, "bad_answer", 'What came has no choices: {"answer": "hi"}'),
    "no-choices": (whole({"choices": []}), {}, "bad_answer", "What came has no choices"),
    "list": (whole([1]), {}, "bad_answer", "What came is no JSON object but: [1]"),
    "no-text": (whole(completion(None)), {}, "empty", "The answer is empty."),
    "cut-before": (whole(completion("", "length")), {}, "empty", "Its limit of tokens cut it before it said anything."),
    "told": (
        streamed(delta("Hi"), {"error": {"message": "out of memory"}}),
        {},
        "target",
        "told an error: out of memory",
    ),
    "event": (streamed(delta("Hi"), "hello"), {}, "bad_answer", "An event of the stream is no JSON: hello"),
    "not-ended": (streamed(delta("Hi")), {}, "unreachable", "neither a finish_reason nor [DONE]"),
    "drop": (streamed(delta("Hi"), DROP), {}, "unreachable", "broke the connection off, after"),
    "hang": ([HOLD], {"timeout_s": 0.4}, "timeout", "did not answer within 0.4 s"),
    "stall": (streamed(delta("Hi"), HOLD), {"timeout_s": 0.4}, "timeout", "within 0.4 s, after"),
    "drip": (streamed(*[delta("x"), 0.05] * 100), {"timeout_s": 0.5}, "timeout", "within 0.5 s, after"),
    "endless": (streamed(delta("x" * 9999), ENDLESS), {"max_bytes": 1 << 20}, "too_large", "1,048,576"),
    "endless-body": ([head() + b"{", b" " * 65536, ENDLESS], {"max_bytes": 1 << 20}, "too_large", "1,048,576"),
    "endless-silence": (streamed(chunk(":" * 999 + "\n\n"), ENDLESS), {"max_bytes": 1 << 16}, "too_large", "65,536"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong_is_an_answer_that_says_so(name: str) -> None:
    moves, settings, error, told = BAD[name]
    answer, server = ask([moves], tries=1, **settings)
    assert (answer.status, answer.error_type, answer.text) == ("error", error, None)
    assert told in answer.reason
    assert server.seen[0].bytes_out < (8 << 20)


@pytest.mark.parametrize(
    "first",
    [whole("", 429, retry_after="0"), whole("", 503), [DROP], streamed(delta("Hi"), DROP), streamed(delta("Hi"))],
    ids=["429", "503", "drop", "mid-stream", "not-ended"],
)
def test_what_passes_is_tried_again(first: Any) -> None:
    answer, server = ask([first, GOOD], listed=lambda *_: 1.0)
    assert (answer.text, len(server.seen), answer.calls) == ("Because", 2, 2)
    assert answer.usage is not None
    # What a broken stream cost nobody knows.
    refused = isinstance(first[0], bytes) and first[0].startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))
    assert answer.usage.cost_usd == (1.0 if refused else None)


def test_a_budget_is_shared_and_holds() -> None:
    budget = Budget(0.0011)
    spent = ask(
        [GOOD],
        budget=budget,
        listed=lambda _p, _m, tokens: (tokens.output_tokens or 0) * 1e-4,
        parameters={"max_tokens": 6},
        times=3,
    )
    assert budget.spent_usd == pytest.approx(0.001)
    assert (spent[0].error_type, len(spent[1].seen)) == ("budget", 2)
    unpriced, server = ask([GOOD], budget=Budget(1.0))
    assert (unpriced.error_type, server.seen) == ("budget", [])
    assert "no price of this model is known" in unpriced.reason


def test_requests_in_flight_are_bounded() -> None:
    async def go() -> int:
        async with Scripted([[0.02, *GOOD]]) as server:
            target = ModelSettings(base_url=server.url, model="m", concurrency=3).make(Path())
            said = await asyncio.gather(*(target(CASE, Asking(n)) for n in range(12)))
            await target.aclose()
            assert {one.text for one in said} == {"Because"}
            return server.most_busy

    assert asyncio.run(go()) == 3


def test_keys_are_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-very-secret-1234"  # noqa: S105 - of nobody
    monkeypatch.setenv("THEIR_KEY", secret)
    for moves in (
        whole(f"{'x' * 290}{secret}", 401),
        whole(completion(f"I know {secret}")),
        whole(f"{{{'x' * 298}{secret}"),
    ):
        answer, server = ask([moves], key_env="THEIR_KEY")
        assert server.seen[0].headers["authorization"] == f"Bearer {secret}"
        assert secret[:6] not in repr(answer)
    settings = ModelSettings(model="m", key_env="THEIR_KEY")
    target = settings.make(Path())
    assert secret not in repr(target) + repr(settings) + target.ruler
    monkeypatch.delenv("THEIR_KEY")
    with pytest.raises(EvaluatorError, match="THEIR_KEY, for the key of the target's model, is not set"):
        settings.make(Path())


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"model": "n"}, False),
        ({"prompt": "x"}, False),
        ({"system": "x"}, False),
        ({"parameters": {"top_p": 1}}, False),
        ({"messages": [{"role": "user", "content": "{{ question }}"}]}, False),
        ({"base_url": "http://x"}, False),
        ({"version": "2"}, False),
        ({"stream": False}, True),
        ({"timeout_s": 1}, True),
        ({"concurrency": 1}, True),
        ({"price": {"input": 1, "output": 1}}, True),
    ],
    ids=str,
)
def test_a_ruler_is_of_what_changes_answers(change: dict[str, Any], same: bool) -> None:
    first, second = (ModelSettings(**{"model": "m", **more}).make(Path()) for more in ({}, change))
    assert (first.ruler == second.ruler) is same
    assert second.pinned is ("version" in change)


def test_another_provider_is_asked_through_its_client() -> None:
    def said(seen: Seen) -> Any:
        assert seen.line.startswith("POST /v1/messages")
        assert seen.json["system"] == "S"
        assert seen.json["messages"] == [{"role": "user", "content": "Why?"}]
        assert seen.headers["traceparent"] == TRACE
        told = {
            "content": [{"type": "text", "text": "Because"}],
            "stop_reason": "max_tokens",
            "usage": {"input_tokens": 3, "output_tokens": 4},
        }
        return whole(told)

    anthropic = {"provider": "anthropic", "system": "S", "parameters": {"max_tokens": 9}, "asking": Asking(0, 0, TRACE)}
    answer, _ = ask(said, **anthropic, path="", listed=lambda provider, *_: 2.0 if provider == "anthropic" else 0.0)
    assert (answer.text, answer.cut) == ("Because", True)
    assert answer.usage is not None
    assert (answer.usage.ttft_ms, answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cost_usd) == (
        None,
        3,
        4,
        2.0,
    )
    assert answer.usage.latency_ms is not None
    for moves, error, calls in (
        (whole("", 500), "http_status", 1), (whole("", 401), "auth", 1), (whole("no"), "bad_answer", 1),
        (whole(b""), "bad_answer", 1), ([HOLD], "timeout", 1), (whole("", 429, retry_after="0"), "rate_limited", 2),
        ([DROP], "unreachable", 2), (whole("", 503), "http_status", 2),
        ([head(), b" " * 65536, ENDLESS], "too_large", 1),
    ):  # fmt: skip
        answer, server = ask([moves], **anthropic, path="", tries=2, timeout_s=1.5 if moves == [HOLD] else 20)
        assert (answer.error_type, answer.calls) == (error, calls)
        assert server.seen[0].bytes_out < (32 << 20)


def test_the_fake_of_judges_is_understood_too() -> None:
    async def go() -> Answer:
        async with FakeOpenAI([Act("Yes")]) as fake:
            target = ModelSettings(base_url=fake.url, model="m").make(Path())
            answer = await target(CASE, Asking())
            await target.aclose()
            return answer

    assert json.dumps(asyncio.run(go()).text) == '"Yes"'
