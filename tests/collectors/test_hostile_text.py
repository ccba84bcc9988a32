"""Requests that somebody made to be slow: time grows with the text and the number of its parts, not with a square."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from collectors.conventions.logs import content_of_logs
from collectors.conventions.payload import read_payload
from collectors.conventions.values import parse
from collectors.messages import content_hash, is_cut, messages, preview
from collectors.model import Origin, RawEvent, RawLog, RawSpan, TextMap
from collectors.normalise import normalise
from collectors.resolve import trailing_tool_results
from collectors.scores import scores_of_log, scores_of_span

ORIGIN = Origin(1, {"service.name": "api"}, "lib")
CALL = {"openinference.span.kind": "LLM", "gen_ai.request.model": "gpt"}
SHORT, LONG = 15_000, 60_000  # characters
GROWTH, FLOOR_S = 12, 0.02  # 4 times the text may take 12 times as long: the square would take 16 times


def texts(unit: str, opening: str = "", closing: str = "") -> Callable[[int], str]:
    return lambda size: opening + unit * (size // len(unit)) + closing


TEXTS = {
    "open-lists": texts("["),
    "open-objects": texts('{"a":'),
    "open-strings": texts('["'),
    "open-and-closed": texts("[],", "["),
    "commas": texts(",", "["),
    "cut-messages": texts('{"role":"user","content":"hi"},', "["),
    "cut-repr": texts('\\\'s "x" some words here ', "{'a': 'it"),
    "repr-of-quotes": texts("'", "['"),
    "repr-of-escaped-quotes": texts('\\"', "['a', \""),
    "repr-of-words": texts("None,", "[None,"),
    "backslashes": texts("\\", "['"),
    "quotes": texts('"'),
    "counts-in-print": texts("a_tokens", '{"a":"usage_tokens=1 ', '"}'),
    "ids-in-print": texts("id='", '{"a":"usage_tokens=1 ', '"}'),
    "digits": texts("9"),
    "blanks": texts(" ", "Error"),
    "status-codes": texts("http  "),
    "errors": texts("Error"),
    "routes": texts("openai/"),
    "camels": texts("Aa"),
    "texts-in-list": texts('"{\\"id\\":\\"x\\",\\"usage\\":1}",', '{"a":[', "1]}"),
}


def read_as_span(text: str) -> None:
    keys = ("gen_ai.input.messages", "output.value", "llm.model_name", "gen_ai.response.finish_reasons", "metadata")
    more = ("gen_ai.usage.input_tokens", "llm.invocation_parameters", "gen_ai.tool.definitions", "scores", "tag.tags")
    span = RawSpan(
        ORIGIN, bytes([1]) * 16, 1, None, text, 10, 20, {**CALL, **dict.fromkeys((*keys, *more), text)},
        status="error", status_message=text, events=[RawEvent(15, text, {"content": text})],
    )  # fmt: skip
    scores_of_span(span, normalise(span))


def read_as_log(text: str) -> None:
    attributes = {"content": text, "gen_ai.evaluation.score.value": text}
    logs = [
        RawLog(ORIGIN, bytes([1]) * 16, 1, 5, 9, None, name, text, dict(attributes))
        for name in ("gen_ai.user.message", "gen_ai.choice", "gen_ai.content.completion")
    ]
    content_of_logs(logs)
    scores_of_log(logs[0])


def read_as_messages(text: str) -> None:
    for side in ("input", "output"):
        found = messages(text, "x", "input" if side == "input" else "output")
        preview(text, "x", "input" if side == "input" else "output")
        content_hash(found, found)
        trailing_tool_results(found)
    is_cut(text)


def read_as_payload(text: str) -> None:
    read_payload(parse(text))
    read_payload({"a": text})


READERS = [read_as_span, read_as_log, read_as_messages, read_as_payload]


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def assert_linear(small: Callable[[], object], large: Callable[[], object]) -> None:
    """`large` is four times `small`."""
    first = max(FLOOR_S, *(seconds(small) for _ in range(2)))
    assert seconds(large) < GROWTH * first


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("make", TEXTS.values(), ids=TEXTS)
def test_time_grows_with_the_text(read: Callable[[str], None], make: Callable[[int], str]) -> None:
    small, large = make(SHORT), make(LONG)
    assert_linear(lambda: read(small), lambda: read(large))


KEYS = {
    "json": ("x{}", "{"),
    "messages": ("llm.input_messages.{}.message.content", "hi"),
    "parts": ("llm.input_messages.0.message.contents.{}.message_content.text", "hi"),
    "calls": ("llm.output_messages.0.message.tool_calls.{}.tool_call.function.name", "f"),
    "documents": ("retrieval.documents.{}.document.content", "text"),
    "metadata": ("metadata.{}", "x"),
    "annotations": ("annotations.{}.annotation.label", "good"),
}


@pytest.mark.parametrize(("key", "value"), KEYS.values(), ids=KEYS)
def test_time_grows_with_the_number_of_attributes(key: str, value: str) -> None:
    def work(number: int) -> Callable[[], object]:
        attributes: TextMap = {**CALL, **{key.format(index): value for index in range(number)}}
        span = RawSpan(ORIGIN, bytes([1]) * 16, 1, None, "chat", 10, 20, attributes)
        return lambda: scores_of_span(span, normalise(span))

    assert_linear(work(3_000), work(12_000))
