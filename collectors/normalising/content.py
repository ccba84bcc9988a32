"""What was said: input, output, system instructions, and what messages tell of a call."""

from __future__ import annotations

from collectors import messages as shown
from collectors.conventions import content, finish
from collectors.conventions.content import Content
from collectors.conventions.shapes import Message, to_parts
from collectors.conventions.values import dumps
from collectors.conventions.view import Index, View
from collectors.facts import SpanFacts
from collectors.model import RawSpan
from collectors.normalising.kind import CALLS
from collectors.normalising.options import NormaliserOptions

_PARAMETER_FACTS = frozenset({"request_model", "response_model", "input_tokens"})

_PARAMETERS = ("gen_ai.request.", "llm.request.", "ai.settings.", "llm.invocation_parameters")


def read_content(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """Input and output, and how much of the call they show."""
    given = content.find(view, span, facts.kind, "input")
    answered = content.find(view, span, facts.kind, "output")
    if given and answered and given.key == answered.key and given.key is not None:
        answered = Content(dumps(shown.messages(answered.text, answered.key, "output")), None)
    if given:
        facts.input, facts.input_key = given.text, given.key
    if answered:
        facts.output, facts.output_key = answered.text, answered.key
    if facts.kind in CALLS:
        _read_call(facts, _messages_of(view, given, "input"), _messages_of(view, answered, "output"))
    known = facts.input is not None or facts.output is not None
    facts.content_rank = 2 if known else int(_has_parameters(view))


def _messages_of(view: View, found: Content | None, side: shown.Side) -> list[Message]:
    if found is None:
        return []
    if found.messages is not None:
        return found.messages
    read = shown.messages(found.text, found.key, side)
    if read and any(part.get("cut") for part in read[-1]["parts"]):
        view.note("content_truncated")
    return read


def _read_call(facts: SpanFacts, given: list[Message], answered: list[Message]) -> None:
    """What the messages themselves tell of a model call."""
    if facts.kind == "llm":
        facts.content_hash = shown.content_hash(given, answered)
    system = [part for message in given if message["role"] == "system" for part in message["parts"]]
    if system:
        facts.system_instructions = dumps(system)
    raw = next((reason for m in answered if (reason := finish.raw_reason(m.get("finish_reason")))), None)
    facts.finish_reason_raw = raw
    if any(part["type"] == "tool_call" for message in answered for part in message["parts"]):
        facts.finish_reason = "tool_call"  # a mark for read_finish: the answer asks for tools


def _has_parameters(view: View) -> bool:
    return view.any(_PARAMETER_FACTS) or view.index.once(_tells_parameters)


def _tells_parameters(index: Index) -> bool:
    return any(key.startswith(_PARAMETERS) for key in index.keys)


def read_instructions(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    """System instructions that have an attribute of their own."""
    for key, value in view.items("system_instructions"):
        read = view.json(key)
        parts = to_parts(value if read is None else read)
        if parts:
            facts.system_instructions = dumps(parts)
            return
