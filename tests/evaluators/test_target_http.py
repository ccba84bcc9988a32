"""Endpoints over real HTTP: what they do well, badly, late, for ever, or not at all."""

from __future__ import annotations

import asyncio
import gzip
import time
from pathlib import Path
from typing import Any

import pytest
from scripted import DROP, END, ENDLESS, HOLD, Script, Scripted, chunk, head, streamed, whole

from evaluators.case import Case, ToolCall
from evaluators.errors import EvaluatorError
from evaluators.judges.budget import Budget
from evaluators.targets.answer import Answer, Asking, TargetError, answered
from evaluators.targets.config import HttpSettings
from evaluators.targets.wire import Tries

CASE = Case(
    id="q1",
    question='Why "so"? {{ 7 * 7 }} é',
    contexts=("one", "two"),
    metadata={"customer": "ACME", "n": 3, "items": [1]},
)
GOOD = {"answer": "Because."}


def ask(script: Script, *, case: Case = CASE, asking: Asking = Asking(), **settings: Any) -> tuple[Answer, Scripted]:  # noqa: B008 - frozen
    async def go() -> tuple[Answer, Scripted]:
        async with Scripted(script) as server:
            told = {"url": f"{server.url}/ask", "body": {"q": "{{ question }}"}, "answer": "$.answer"}
            target = HttpSettings(**{**told, "timeout_s": 20.0, "backoff_s": 0.001, **settings}).make(Path())
            answer = await target(case, asking)
            await target.aclose()
            return answer, server

    return asyncio.run(go())


def test_what_is_sent_and_what_is_found() -> None:
    body = {
        "answer": "It is.", "docs": [{"text": "d1"}, {"text": "d2"}], "id": 7,
        "calls": [{"name": "find", "arguments": {"k": 1}}], "meta": {"in": 12, "out": 3, "usd": 0.25},
    }  # fmt: skip
    answer, server = ask(
        [whole(body)],
        asking=Asking(2, 99, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        headers={"X-Customer": "{{ metadata.customer }}"},
        body={
            "q": "{{ question }}",
            "contexts": "{{ contexts }}",
            "n": "{{ metadata.n }}",
            "items": "{{ metadata.items }}",
            "text": "{{ question }} / {{ metadata.n }} / {{ contexts }}",
            "fixed": [True, None, 1.5],
            "r": "{{ repeat }}-{{ seed }}",
        },
        contexts="$.docs[*].text",
        tool_calls="$.calls",
        input_tokens="$.meta.in",
        output_tokens="$.meta.out",
        cost_usd="$.meta.usd",
        session="$.id",
    )
    [seen] = server.seen
    assert seen.json == {
        "q": CASE.question,
        "contexts": ["one", "two"],
        "n": 3,
        "items": [1],
        "text": f'{CASE.question} / 3 / ["one", "two"]',
        "fixed": [True, None, 1.5],
        "r": "2-99",
    }
    assert seen.line == "POST /ask HTTP/1.1"
    assert seen.headers["x-customer"] == "ACME"
    assert seen.headers["traceparent"].startswith("00-0af7651916cd43dd")
    assert seen.headers["content-type"] == "application/json"
    assert (answer.status, answer.text, answer.contexts, answer.session) == ("ok", "It is.", ("d1", "d2"), "7")
    assert answer.tool_calls == (ToolCall("find", {"k": 1}),)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cost_usd) == (12, 3, 0.25)
    assert answer.usage.ttft_ms is None
    assert 0 < (answer.usage.latency_ms or 0) < 5000
    scored = answered(CASE, answer)
    assert (scored.answer, scored.contexts, scored.usage) == ("It is.", ("d1", "d2"), answer.usage)


def test_an_address_is_filled_and_a_get_has_no_body() -> None:
    async def go() -> Answer:
        async with Scripted([whole("plain words", kind="text/plain")]) as server:
            url = server.url + "/{{ metadata.n }}?q={{ question | urlencode }}"
            target = HttpSettings(url=url, method="GET").make(Path())
            answer = await target(CASE, Asking())
            await target.aclose()
            assert server.seen[0].line == "GET /3?q=Why%20%22so%22%3F%20%7B%7B%207%20%2A%207%20%7D%7D%20%C3%A9 HTTP/1.1"
            assert "content-type" not in server.seen[0].headers
            return answer

    assert asyncio.run(go()).text == "plain words"


@pytest.mark.parametrize(
    ("found", "text"),
    [("a", "a"), (3, "3"), (1.5, "1.5"), (True, "true"), ("\ud83d\ude00 \ud83d", "😀 \ufffd")],
    ids=repr,
)
def test_answers_that_are_texts_or_nearly(found: Any, text: str) -> None:
    assert ask([whole({"answer": found})])[0].text == text


BAD: dict[str, tuple[list[Any], dict[str, Any], str, str]] = {
    "status": (whole({"m": "no"}, 500), {}, "http_status", '/ask answered 500: {"m": "no"}'),
    "redirect": (whole("", 302, location="/other"), {}, "http_status", "answered 302"),
    "auth": (whole("who?", 401), {}, "auth", "answered 401: who?"),
    "bad-request": (whole("what?", 422), {}, "http_status", "answered 422"),
    "no-json": (whole("<html>hello"), {}, "bad_answer", "The body is no JSON: <html>hello"),
    "no-body": (whole(b""), {}, "bad_answer", "The body is no JSON: nothing"),
    "deep": (whole("[" * 100_000), {}, "bad_answer", "The body is no JSON: [[["),
    "nothing": (whole({"anwser": "x"}), {}, "bad_answer", '$.answer finds nothing in: {"anwser": "x"}'),
    "no-object": (whole("3"), {}, "bad_answer", "finds nothing in: 3"),
    "several": (whole([1, 2]), {"answer": "$[*]"}, "bad_answer", "$[*] finds 2 values where one is the answer"),
    "no-text": (whole({"answer": {"a": 1}}), {}, "bad_answer", 'What $.answer finds is no text but: {"a": 1}'),
    "null": (whole({"answer": None}), {}, "bad_answer", "is no text but: null"),
    "blank": (whole({"answer": " \n"}), {}, "empty", "Its answer is empty"),
    "contexts": (
        whole({"answer": "a", "c": [[1]]}),
        {"contexts": "$.c"},
        "bad_answer",
        "'contexts' is a list of texts, not: ",
    ),
    "encoding": (whole(b"x", content_encoding="br"), {}, "bad_answer", "encoded as 'br', which was not asked for"),
    "no-gzip": (whole(b"no gzip", content_encoding="gzip"), {}, "bad_answer", "not of its encoding"),
    "half-gzip": (
        whole(gzip.compress(b"x" * 999)[:15], content_encoding="gzip"),
        {"tries": 1},
        "unreachable",
        "broke its answer off",
    ),
    "no-http": ([b"hello\r\n\r\n", DROP], {"tries": 1}, "unreachable", "broke the connection off"),
    "drop": ([DROP], {"tries": 1}, "unreachable", "broke the connection off: "),
    "half": (
        [head(content_length="100") + b'{"answer": "', DROP],
        {"tries": 1},
        "unreachable",
        "after 12 bytes of an answer",
    ),
    "hang": ([HOLD], {"timeout_s": 0.4}, "timeout", "did not answer within 0.4 s."),
    "stall": (
        [head(content_length="100") + b'{"ans', HOLD],
        {"timeout_s": 0.4},
        "timeout",
        "after 5 bytes of an answer",
    ),
    "refusal-hangs": ([head(500, content_length="100") + b"oh", HOLD], {"timeout_s": 0.4}, "timeout", "within 0.4 s"),
    "huge": ([head() + b"{", b" " * 65536, ENDLESS], {"max_bytes": 1 << 20}, "too_large", "more than 1,048,576 bytes"),
    "huge-refusal": ([head(500), b"no " * 9999, ENDLESS], {}, "http_status", "answered 500: no no"),
    "bomb": (
        whole(gzip.compress(bytes(64 << 20)), content_encoding="gzip"),
        {"max_bytes": 1 << 20},
        "too_large",
        "limit of max_bytes",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong_is_an_answer_that_says_so(name: str) -> None:
    moves, settings, error, told = BAD[name]
    answer, server = ask([moves], **settings)
    assert (answer.status, answer.error_type, answer.text) == ("error", error, None)
    assert told in answer.reason
    assert len(answer.reason) < 800
    assert answer.calls == len(server.seen) == 1
    assert server.seen[0].bytes_out < (8 << 20)  # what is not read is not sent


def test_nobody_there() -> None:
    answer, server = ask([[DROP]], url="http://127.0.0.1:9/x", tries=2)
    assert (answer.error_type, answer.calls, server.seen) == ("unreachable", 2, [])
    assert "http://127.0.0.1:9/x cannot be reached" in answer.reason


@pytest.mark.parametrize(
    ("first", "tries"),
    [
        (whole("", 429), 2), (whole("", 429, retry_after="0"), 2), (whole("", 503), 2), (whole("", 502), 2),
        (whole("", 504), 2), (whole("", 408), 2), ([DROP], 2), ([head(content_length="9") + b"{", DROP], 2),
        (whole("", 500), 1), (whole("", 400), 1), (whole("no"), 1),
    ],
    ids=["429", "429-0", "503", "502", "504", "408", "drop", "half", "500", "400", "garbage"],
)  # fmt: skip
def test_only_what_passes_is_tried_again(first: Any, tries: int) -> None:
    answer, server = ask([first, whole(GOOD)])
    assert (answer.status, len(server.seen), answer.calls) == ("ok" if tries == 2 else "error", tries, tries)


def test_retry_after_is_kept_to() -> None:
    started = time.monotonic()
    answer, _ = ask([whole("", 429, retry_after="0.3"), whole(GOOD)])
    assert answer.status == "ok"
    assert answer.usage is not None
    # The latency is of the try that was answered.
    assert (time.monotonic() - started) * 1000 - (answer.usage.latency_ms or 0) >= 300


def test_retry_after_does_not_outlast_the_limit() -> None:
    started = time.monotonic()
    answer, server = ask([whole("slow down", 429, retry_after="3600")], timeout_s=1.0)
    assert time.monotonic() - started < 1
    assert (answer.error_type, len(server.seen)) == ("rate_limited", 1)
    assert "another try is 3.6e+03 s off" in answer.reason
    assert answer.reason.endswith("slow down")


def test_pauses_are_those_of_the_seed() -> None:
    limits = HttpSettings(url="http://x", backoff_s=2)
    pauses = [
        [round(Tries(limits, Asking(0, seed))._pause(TargetError("t", "t"), n), 9) for n in range(3)]
        for seed in (1, 1, 2)
    ]
    assert pauses[0] == pauses[1] != pauses[2]
    assert all(2**n <= pause <= 2 * 2**n for n, pause in enumerate(pauses[0]))


# Streams


def test_a_stream_is_timed_to_its_first_text() -> None:
    moves = streamed(
        {"ping": 1}, 0.15, {"t": "Be"}, 0.15, {"t": "cause", "usage": {"out": 2}}, {"t": None}, "[DONE]", 9.0
    )
    answer, _ = ask([moves], stream="sse", answer="$.t", output_tokens="$.usage.out")
    assert (answer.status, answer.text) == ("ok", "Because")
    usage = answer.usage
    assert usage is not None
    assert usage.output_tokens == 2
    assert usage.ttft_ms is not None
    assert usage.latency_ms is not None
    assert 150 <= usage.ttft_ms <= usage.latency_ms - 75
    assert 300 <= usage.latency_ms < 8000  # not the 9 s for which it stays open


@pytest.mark.parametrize(
    ("settings", "body", "text"),
    [
        pytest.param({"stream": "lines"}, b'{"answer": "a"}\n\n{"other": 1}\r\n{"answer": "b"}', "ab", id="lines"),
        pytest.param(
            {"stream": "sse"},
            b': hi\nevent: x\ndata: {"answer":\ndata:  "a"}\n\nid: 1\ndata: {"answer": "b"}',
            "ab",
            id="sse",
        ),
        pytest.param(
            {"stream": "sse", "answer": None},
            b"data: a\n\ndata:  b\n\ndata: [DONE]\n\ndata: c\n\n",
            "a b",
            id="sse-text",
        ),
        pytest.param({"stream": "lines", "answer": None}, b"a\n\nb\n", "a\n\nb", id="lines-text"),
        pytest.param(
            {"stream": "lines"},
            '{"answer": "é"}\n{"answer": "\\ud83d"}\n{"answer": "\\ude00"}'.encode(),
            "é😀",
            id="halves",
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_streams_in_pieces_of_any_size(settings: dict[str, Any], body: bytes, text: str, size: int) -> None:
    pieces = [chunk(body[start : start + size]) for start in range(0, len(body), size)]
    answer, _ = ask([[head(transfer_encoding="chunked"), *pieces, END]], **settings)
    assert (answer.status, answer.text) == ("ok", text)
    assert answer.usage is not None
    assert answer.usage.ttft_ms is not None


BAD_STREAMS: dict[str, tuple[list[Any], dict[str, Any], str, str]] = {
    "no-json": (streamed({"answer": "a"}, "hello"), {}, "bad_answer", "Part 2 of the stream is no JSON: hello"),
    "nothing": (streamed({"a": 1}, "[DONE]"), {}, "bad_answer", "$.answer finds nothing: the stream has 1 parts"),
    "no-parts": (streamed(), {}, "bad_answer", "the stream has 0 parts"),
    "blank": (streamed({"answer": ""}), {}, "empty", "Its answer is empty"),
    "no-text": (streamed({"answer": [1]}), {}, "bad_answer", "is no text but: [1]"),
    "cut": (streamed({"answer": "a"}, DROP), {"tries": 1}, "unreachable", "after 23 bytes"),
    "hang": (streamed({"answer": "a"}, HOLD), {"timeout_s": 0.4}, "timeout", "after 23 bytes"),
    "endless": (streamed({"answer": "a" * 10_000}, ENDLESS), {"max_bytes": 1 << 20}, "too_large", "1,048,576"),
    "endless-line": (streamed(chunk(b"x" * 65536), ENDLESS), {"max_bytes": 1 << 20}, "too_large", "1,048,576"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_streams_that_go_wrong(name: str) -> None:
    moves, settings, error, told = BAD_STREAMS[name]
    answer, server = ask([moves], stream="sse", **settings)
    assert (answer.error_type, answer.text) == (error, None)
    assert told in answer.reason
    assert server.seen[0].bytes_out < (8 << 20)


def test_a_connection_serves_again_also_after_a_stream() -> None:
    async def go() -> int:
        async with Scripted([streamed({"answer": "a"}, "[DONE]")]) as server:
            target = HttpSettings(url=server.url, answer="$.answer", stream="sse").make(Path())
            assert [(await target(CASE, Asking())).text for _ in range(3)] == ["a"] * 3
            await target.aclose()
            return server.connections

    assert asyncio.run(go()) == 1


# What is sent


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"body": {"m": [{"c": "{{ metadata.country }}"}]}}, "body.m.0.c: the item has no 'country'."),
        ({"body": "{{ reference }}"}, "body: the item has no 'reference'."),
        ({"headers": {"x": "{{ metadata.country }}"}}, "headers.x: the item has no 'country'."),
        ({"headers": {"x": "{{ question }}"}}, "headers.x: the item puts in letters that no header can hold."),
        ({"headers": {"x": "a\n{{ seed }}"}}, "headers.x: the item puts in letters"),
        ({"url": "http://127.0.0.1/{{ question }}"}, "url: the item puts in what no address has"),
        ({"body": {"n": "{{ metadata.n / 0 }}"}}, "body.n: it cannot be filled: ZeroDivisionError"),
        ({"url": "http://127.0.0.1:{{ metadata.n }}x/"}, "The request cannot be sent"),
    ],
    ids=str,
)  # fmt: skip
def test_an_item_that_cannot_be_asked_is_told_and_nothing_is_sent(settings: dict[str, Any], told: str) -> None:
    answer, server = ask([whole(GOOD)], **settings)
    assert answer.error_type == "bad_request"
    assert told in answer.reason
    assert server.seen == []


SECRET = "sk-very-secret-1234"  # noqa: S105 - of nobody


def test_keys_are_sent_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_KEY", f"Bearer {SECRET}")
    env = {"headers_env": {"Authorization": "THEIR_KEY"}}

    def echo(seen: Any) -> Any:
        return whole({"answer": f"You sent {seen.headers['authorization']}", "c": [f"{SECRET}!"]})

    answer, server = ask(echo, **env, contexts="$.c")
    assert server.seen[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (answer.text, answer.contexts) == ("You sent ***", ("***!",))
    padding = "x" * 290
    for bad in (whole(f"{padding} {SECRET}", 500), whole(f"{padding} {SECRET}"), whole({"x": f"{padding}{SECRET}"})):
        answer, _ = ask([bad], **env)
        assert SECRET[:6] not in repr(answer)
    target = HttpSettings(url="http://x", **env).make(Path())
    assert SECRET not in repr(target) + target.ruler + repr(HttpSettings(url="http://x", **env))
    ruler = target.ruler
    monkeypatch.setenv("THEIR_KEY", "Bearer another-one")
    assert HttpSettings(url="http://x", **env).make(Path()).ruler == ruler
    for value, told in (("", "is not set"), ("a\nb" + SECRET, "holds letters that no header can")):
        monkeypatch.setenv("THEIR_KEY", value)
        with pytest.raises(EvaluatorError, match=f"THEIR_KEY, for the header 'Authorization', {told}") as raised:
            HttpSettings(url="http://x", **env).make(Path())
        assert SECRET not in str(raised.value)


def test_a_short_key_is_no_word_to_be_masked_in_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_KEY", "test")
    answer, _ = ask([whole({"answer": "A test."})], headers_env={"x-key": "THEIR_KEY"})
    assert answer.text == "A test."
    answer, _ = ask([whole("bad key test", 500)], headers_env={"x-key": "THEIR_KEY"})
    assert answer.reason.endswith("answered 500: bad key ***")


def test_what_no_file_can_hold_is_mended_everywhere() -> None:
    calls = [{"name": "f", "arguments": {"a": ["\ud83d\ude00", "\ud83d"]}}]
    answer, _ = ask([whole({"answer": "a", "c": ["\ud83d"], "t": calls})], contexts="$.c", tool_calls="$.t")
    assert answer.contexts == ("\ufffd",)
    assert answer.tool_calls == (ToolCall("f", {"a": ["😀", "\ufffd"]}),)
    refused, _ = ask([whole({"answer": ["\ud83d"]})])
    refused.reason.encode()


@pytest.mark.parametrize("depth", [90, 200, 700, 5000])
def test_what_is_nested_deep_is_an_answer_or_told(depth: int) -> None:
    deep = '{"answer": "a", "t": [{"name": "f", "arguments": ' + "[" * depth + "]" * depth + "}]}"
    answer, _ = ask([whole(deep)], tool_calls="$.t")
    assert answer.error_type == (None if depth == 90 else "bad_answer")
    answer, _ = ask([whole(deep)], answer="$..answer")
    assert answer.error_type in {None, "bad_answer"}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"url": "http://y"}, False), ({"body": {"q": "{{ question }}!"}}, False), ({"answer": "$.b"}, False),
        ({"version": "2"}, False), ({"headers": {"a": "b"}}, False), ({"stream": "sse"}, False),
        ({"timeout_s": 1}, True), ({"tries": 1}, True), ({"max_bytes": 5000}, True), ({"cost_usd": "$.c"}, True),
    ],
    ids=str,
)  # fmt: skip
def test_a_ruler_is_of_what_changes_answers(change: dict[str, Any], same: bool) -> None:
    usual: dict[str, Any] = {"url": "http://x", "body": {"q": "{{ question }}"}, "answer": "$.a"}
    first, second = (HttpSettings(**{**usual, **more}).make(Path()) for more in ({}, change))
    assert (first.ruler == second.ruler) is same
    assert first.pinned is False
    assert second.pinned is ("version" in change)


def test_a_budget_holds_for_an_endpoint_that_tells_what_it_cost() -> None:
    async def go() -> list[str | None]:
        async with Scripted([whole({"answer": "a", "usd": 0.4})]) as server:
            budget = Budget(1.0)
            target = HttpSettings(url=server.url, answer="$.answer", cost_usd="$.usd").make(Path(), None, budget)
            said = [(await target(CASE, Asking())).error_type for _ in range(4)]
            await target.aclose()
            assert (len(server.seen), budget.spent_usd) == (2, 0.8)
            return said

    assert asyncio.run(go()) == [None, None, "budget", "budget"]
