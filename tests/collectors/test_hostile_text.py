"""Requests that somebody made to be slow are read in seconds: in time that grows with them, not with their square."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from collectors.conventions.logs import content_of_logs
from collectors.conventions.payload import read_payload
from collectors.conventions.values import TOO_DEEP, dumps, parse
from collectors.errors import UndecodableError
from collectors.messages import content_hash, is_cut, messages, preview
from collectors.model import Origin, RawEvent, RawLog, RawSpan, TextMap
from collectors.normalise import normalise
from collectors.otlp import decode
from collectors.resolving.whole import trailing_tool_results
from collectors.scores import scores_of_log, scores_of_span

OtlpJson = Callable[[Any], bytes]  # of conftest.py
ORIGIN = Origin(1, {"service.name": "api"}, "lib")
CALL = {"openinference.span.kind": "LLM", "gen_ai.request.model": "gpt"}
SIZE = 100_000  # characters
LIMIT_S = 10.0  # of processor time. They take 0.01 to 1 s; where time grew with the square they took 15 s to minutes


def texts(unit: str, opening: str = "", closing: str = "") -> Callable[[int], str]:
    return lambda size: opening + unit * (size // len(unit)) + closing


def nested(opening: str, closing: str, depth: int) -> Callable[[int], str]:
    return lambda size: opening * depth + '"a",' * (size // 4) + '"a"' + closing * depth


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
    "deep-lists": nested("[", "]", 900),
    "deep-content": nested('[{"role":"user","content":[', "]}]", 300),
    "deep-objects": texts("x", '{"a":' * 900 + '"', '"' + "}" * 900),
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


def assert_quick(work: Callable[[], object]) -> None:
    began = time.process_time()
    work()
    assert time.process_time() - began < LIMIT_S


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("make", TEXTS.values(), ids=TEXTS)
def test_a_long_text_is_read_in_seconds(read: Callable[[str], None], make: Callable[[int], str]) -> None:
    text = make(SIZE)
    assert_quick(lambda: read(text))


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
def test_many_attributes_are_read_in_seconds(key: str, value: str) -> None:
    attributes: TextMap = {**CALL, **{key.format(index): value for index in range(12_000)}}
    span = RawSpan(ORIGIN, bytes([1]) * 16, 1, None, "chat", 10, 20, attributes)
    assert_quick(lambda: scores_of_span(span, normalise(span)))


@pytest.mark.parametrize("source", ["grpc", "http-json"])
def test_many_scopes_are_read_in_seconds(source: Literal["grpc", "http-json"], otlp_json: OtlpJson) -> None:
    """The id of an origin is a hash over the whole resource, and a resource may have many scopes."""
    number = 4_000
    group = ResourceSpans(
        resource=Resource(attributes=[KeyValue(key=f"k{index}") for index in range(number)]),
        scope_spans=[ScopeSpans(spans=[Span()])] * number,
    )
    request = ExportTraceServiceRequest(resource_spans=[group])
    body = request.SerializeToString() if source == "grpc" else otlp_json(request)
    assert_quick(lambda: decode("traces", source, body))


@pytest.mark.parametrize("place", ["service", "resource", "scope"])
def test_what_rows_repeat_of_their_origin_is_bounded(place: str) -> None:
    key, name = ("service.name" if place == "service" else "x"), "s" * 1_000_000
    resource = Resource(attributes=[KeyValue(key=key, value=AnyValue(string_value="" if place == "scope" else name))])
    item = Span(trace_id=bytes([1]) * 16, span_id=bytes([1]) * 8)
    groups = [
        ScopeSpans(scope=InstrumentationScope(name=name if place == "scope" else str(index)), spans=[item])
        for index in range(300 if place != "scope" else 1)
    ]
    groups[0].spans.extend([item] * (300 if place == "scope" else 0))
    body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=resource, scope_spans=groups)])
    with pytest.raises(UndecodableError, match="would repeat"):
        decode("traces", "grpc", body.SerializeToString())


def test_a_session_id_too_long_to_be_one_is_not_repeated_in_scores() -> None:
    told = {f"session.annotations.{index}.annotation.name": "tone" for index in range(5)}
    told |= {f"session.annotations.{index}.annotation.label": "good" for index in range(5)}
    for size, scores in ((36, 5), (1_000_000, 0)):
        span = RawSpan(ORIGIN, bytes([1]) * 16, 1, None, "chat", 10, 20, {"session.id": "s" * size, **told})
        assert len(scores_of_span(span, normalise(span))) == scores


def deep(opening: str, closing: str, core: str = '"core"') -> str:
    return opening * 900 + core + closing * 900


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("gen_ai.output.messages", f'[{{"role":"assistant","content":{deep("[", "]")}}}]', id="content"),
        pytest.param(
            "gen_ai.output.messages",
            '[{"role":"assistant","parts":[{"type":"tool_call","name":"f","arguments":' + deep('{"a":', "}") + "}]}]",
            id="arguments",
        ),
        pytest.param("output.value", deep('{"generation_info":', "}"), id="generation-info"),
        pytest.param("llm.usage", deep('{"cached_tokens_details":', "}"), id="usage"),
        pytest.param("gen_ai.response.finish_reasons", deep("[", "]"), id="finish-reasons"),
        pytest.param("metadata", '{"a":' + deep("[", "]") + "}", id="metadata"),
        pytest.param("scores", '{"a":' + deep("[", "]") + "}", id="scores"),
        pytest.param("gen_ai.request.model", "openai/" * 900 + "gpt", id="routes"),
    ],
)
def test_a_deep_value_costs_a_span_none_of_its_facts(key: str, value: str) -> None:
    attributes = {**CALL, "gen_ai.usage.input_tokens": "7", "gen_ai.input.messages": "hi", key: value}
    span = RawSpan(ORIGIN, bytes([1]) * 16, 1, None, "chat", 10, 20, attributes)
    facts = normalise(span)
    scores_of_span(span, facts)
    assert not [note for note in facts.notes if note.startswith("failed:")]
    assert (facts.input_tokens, facts.input) == (7, "hi")


def test_a_value_beyond_what_json_writers_go_down_is_cut_and_written() -> None:
    value = parse(deep("[", "]"))
    assert TOO_DEEP in dumps(value)
    assert parse(dumps([[[[value]]]])) == [[[[value]]]]
    for _ in range(100):
        value = {"a": value}
    assert TOO_DEEP in dumps(value)
