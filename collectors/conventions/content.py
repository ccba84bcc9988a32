"""What went in and what came out of a span: the best source wins, verbatim where it is one attribute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from collectors.conventions import events, indexed
from collectors.conventions.shapes import Message, Part, to_message, to_messages, tool_call
from collectors.conventions.values import Json, dumps, is_redacted, parse
from collectors.conventions.view import Index, View
from collectors.facts import Kind
from collectors.model import RawSpan


@dataclass(frozen=True, slots=True)
class Content:
    """Text to store, and the attribute that holds it verbatim; a null key: canonical JSON composed of several."""

    text: str
    key: str | None
    messages: list[Message] | None = None  # known when composed


Source = Callable[[View, RawSpan], Content | None]
Sources = tuple[tuple[str, Source], ...]
"""Sources in order of merit, each with the field (or `EVENTS`) without which it has nothing to say."""

EVENTS = "events"


def composed(messages: list[Message]) -> Content | None:
    """Canonical JSON of messages; null of none."""
    return Content(dumps(messages), None, messages) if messages else None


def find(view: View, span: RawSpan, kind: Kind, side: str) -> Content | None:
    """The span's input or output by the first source that has one."""
    for needs, source in view.index.once(_sources, kind, side):
        if needs != EVENTS or span.events:
            found = source(view, span)
            if found is not None:
                return found
    return None


def _sources(index: Index, kind: Kind, side: str) -> Sources:
    """Those that have something to read."""
    return tuple(each for each in _all_sources(kind, side) if each[0] == EVENTS or each[0] in index.found)


def _all_sources(kind: Kind, side: str) -> Sources:
    if kind in {"tool", "mcp"}:
        return _TOOL_INPUT if side == "input" else _TOOL_OUTPUT
    if kind in {"retriever", "reranker", "memory"} and side == "input":
        return _QUERY
    return _INPUT if side == "input" else _OUTPUT


def _attribute(field: str) -> Source:
    def source(view: View, _: RawSpan) -> Content | None:
        for key, value in view.items(field):
            if value not in {"null", '""', "[]", "{}", "None"}:
                return Content(value, key)
        return None

    return source


def _family(field: str) -> Source:
    def source(view: View, _: RawSpan) -> Content | None:
        found = indexed.messages(view, field)
        if field == "output_indexed":
            _add_call_ids(view, found)
            return composed(found)
        return _fuller(view, found) or composed(found)

    return source


def _fuller(view: View, messages: list[Message]) -> Content | None:
    """Old OpenInference keeps only the last of the tool results in one message; the request beside it has them all."""
    known = len(_parts(messages, "tool_call_response"))
    for key, value in view.items("input_weak") if known else ():
        asked = to_messages(view.json(key), "input")
        if len(asked) >= len(messages) and len(_parts(asked, "tool_call_response")) > known:
            return Content(value, key, asked)
    return None


def _parts(messages: list[Message], kind: str) -> list[Part]:
    return [part for message in messages for part in message["parts"] if part["type"] == kind]


def _add_call_ids(view: View, messages: list[Message]) -> None:
    """Old OpenInference leaves out the ids of tool calls; the answer beside it has them, in the same order."""
    bare = [part for part in _parts(messages, "tool_call") if not part["id"]]
    for key, _ in view.items("output_weak") if bare else ():
        answered = to_messages(view.json(key), "output")
        calls = _parts(answered, "tool_call")
        if [call["name"] for call in calls] == [part["name"] for part in bare]:
            for part, call in zip(bare, calls, strict=True):
                part["id"] = call["id"]
            return


def _event_side(side: str) -> Source:
    def source(_: View, span: RawSpan) -> Content | None:
        told = [e for e in span.events if e.name in events.CONTENT_EVENTS]
        if not told:
            return None
        for event in told:
            if event.name == events.DETAILS:
                text = event.attributes.get(f"gen_ai.{side}.messages")
                if text and not is_redacted(text):
                    read = parse(text)
                    return Content(text if read is None else dumps(read), None)
        pairs = [(e.name, events.payload_of(e.attributes)) for e in told]
        return composed(events.sides(pairs)[0 if side == "input" else 1])

    return source


def _both(side: str) -> Source:
    """One list of everything that was said; the last answer is the output, what precedes it the input."""

    def source(view: View, _: RawSpan) -> Content | None:
        for key, _value in view.items("both_json"):
            items = view.json(key)
            if isinstance(items, list) and items and all(isinstance(item, dict) for item in items):
                return composed(_split(items)[0 if side == "input" else 1])
        return None

    return source


def _split(items: list[dict[str, Json]]) -> tuple[list[Message], list[Message]]:
    named = [(item.get("event.name"), item) for item in items]
    if all(isinstance(name, str) for name, _ in named) and any(name == events.CHOICE for name, _ in named):
        return events.sides([(str(name), item) for name, item in named])
    said = [to_message(item, "input") for item in items]
    last = len(said) - 1 if said[-1]["role"] == "assistant" else len(said)
    return said[:last], said[last:]


def _text_and_calls(view: View, _: RawSpan) -> Content | None:
    """Vercel: text and tool calls lie in two attributes. One alone is kept verbatim."""
    text = next(((k, v) for k, v in view.items("output_text") if v), None)
    calls = next(((k, v) for k, v in view.items("output_tool_calls") if v not in {"[]", "null"}), None)
    if text and calls:
        asked = view.json(calls[0])
        items = asked if isinstance(asked, list) else []
        parts = [part for call in items if isinstance(call, dict) and (part := tool_call(call))]
        return composed([{"role": "assistant", "parts": [{"type": "text", "content": text[1]}, *parts]}])
    one = text or calls
    return Content(one[1], one[0]) if one else None


def _texts(view: View, _: RawSpan) -> Content | None:
    found = indexed.texts(view)
    return composed([{"role": "user", "parts": [{"type": "text", "content": text}]} for text in found])


def _named(*fields: str) -> Sources:
    return tuple((field, _attribute(field)) for field in fields)


_INPUT: Sources = (
    *_named("input"), (EVENTS, _event_side("input")), ("input_indexed", _family("input_indexed")),
    ("both_json", _both("input")), ("texts_indexed", _texts), *_named("input_weak"),
)  # fmt: skip
_OUTPUT: Sources = (
    *_named("output"), (EVENTS, _event_side("output")), ("output_indexed", _family("output_indexed")),
    ("output_text", _text_and_calls), ("output_tool_calls", _text_and_calls), ("both_json", _both("output")),
    *_named("output_weak"),
)  # fmt: skip
_TOOL_INPUT = (*_named("tool_input"), (EVENTS, _event_side("input")), *_INPUT)
_TOOL_OUTPUT = (*_named("tool_output"), (EVENTS, _event_side("output")), *_OUTPUT)
_QUERY = (*_named("query"), *_INPUT)
