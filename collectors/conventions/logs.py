"""What the log records of one span tell of it: messages, and any fact that a span could carry."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.conventions import events, finish
from collectors.conventions.registry import classify
from collectors.conventions.shapes import Message
from collectors.conventions.values import dumps
from collectors.conventions.view import MAX_KEY
from collectors.facts import SpanFacts
from collectors.messages import content_hash, messages
from collectors.model import RawEvent, RawLog, RawSpan, TextMap
from collectors.normalise import normalise
from collectors.normalising.options import DEFAULT_OPTIONS, NormaliserOptions

CONTENT_EVENTS = events.CONTENT_EVENTS
"""Names of log records that hold messages of a model call."""

FACT_PREFIXES = ("gen_ai.client.", "claude_code.api_", "gemini_cli.api_", "codex.sse_event", "gen_ai.response")


def is_content(log: RawLog) -> bool:
    """Whether the record tells of the span it belongs to, and so has to be read with it."""
    return log.event_name is not None and (log.event_name in CONTENT_EVENTS or log.event_name.startswith(FACT_PREFIXES))


def content_of_logs(logs: Sequence[RawLog], options: NormaliserOptions = DEFAULT_OPTIONS) -> SpanFacts:
    """Facts of one span from all its log records, in order of arrival; those that tell nothing are left out.

    `input`, `output` and `system_instructions` are canonical JSON and their keys are null. Where records differ on a
    fact the last one that knows it counts: a details event is sent when the call ends. No content records give empty
    facts.
    """
    told = [log for log in logs if is_content(log)]
    if not told:
        return SpanFacts()
    facts = normalise(_as_span(told), options)
    given = messages(facts.input, facts.input_key, "input")
    answered = messages(facts.output, facts.output_key, "output")
    listed = events.sides(
        [(log.event_name or "", events.payload_of(log.attributes, log.body)) for log in _unique(told)]
    )
    given, answered = given or listed[0], answered or listed[1]
    _store(facts, given, answered)
    return facts


def _as_span(logs: Sequence[RawLog]) -> RawSpan:
    """The records as one span: their attributes, less those of single messages, which are not the call's."""
    attributes: TextMap = {}
    for log in logs:
        if log.event_name not in events.MESSAGE_EVENTS and log.event_name != events.CHOICE:
            attributes.update(_call_attributes(log))
        else:
            attributes = {key: v for key, v in log.attributes.items() if _is_of_the_call(key)} | attributes
    first = logs[0]
    times = [log.time_ns for log in logs]
    raised = [RawEvent(log.time_ns, "exception", log.attributes) for log in logs if "exception.type" in log.attributes]
    return RawSpan(
        origin=first.origin, trace_id=first.trace_id or b"", span_id=first.span_id or 0, parent_span_id=None, name="",
        start_ns=min(times), end_ns=max(times), attributes=attributes, events=raised,
    )  # fmt: skip


_WHOSE = frozenset({"session_id", "session_id_weak", "user_id", "user_id_weak"})


def _is_of_the_call(key: str) -> bool:
    """Whether an attribute of a single message tells of its call: processors add the session to every record."""
    return key == "gen_ai.system" or (len(key) <= MAX_KEY and any(name in _WHOSE for name, _, _ in classify(key)))


def _call_attributes(log: RawLog) -> TextMap:
    content = {"gen_ai.prompt", "gen_ai.completion", "content", "role", "body", "finish_reason", "index"}
    if log.event_name in events.PROMPTS or log.event_name in events.COMPLETIONS:
        return {key: value for key, value in log.attributes.items() if key not in content}
    return log.attributes


def _unique(logs: Sequence[RawLog]) -> list[RawLog]:
    """Without exact repeats: an exporter that retries sends the same record again."""
    seen: set[tuple[object, ...]] = set()
    kept = []
    for log in logs:
        mark = (log.time_ns, log.event_name, log.body, tuple(sorted(log.attributes.items(), key=str)))
        if mark not in seen:
            seen.add(mark)
            kept.append(log)
    return kept


def _store(facts: SpanFacts, given: list[Message], answered: list[Message]) -> None:
    facts.input_key = facts.output_key = None
    facts.input = dumps(given) if given else None
    facts.output = dumps(answered) if answered else None
    system = [part for message in given if message["role"] == "system" for part in message["parts"]]
    if system and facts.system_instructions is None:
        facts.system_instructions = dumps(system)
    facts.content_hash = content_hash(given, answered)
    if given or answered:
        facts.content_rank = 2
    raw = next((reason for m in answered if (reason := finish.raw_reason(m.get("finish_reason")))), None)
    if raw and facts.finish_reason is None:
        called = any(part["type"] == "tool_call" for message in answered for part in message["parts"])
        facts.finish_reason_raw, facts.finish_reason = raw, finish.finish_reason(raw)
        if called and facts.finish_reason == "stop":
            facts.finish_reason = "tool_call"
