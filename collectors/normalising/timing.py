"""How long a span took, and when its first token came."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from collectors.conventions.values import number, truth
from collectors.conventions.view import View
from collectors.facts import SpanFacts
from collectors.model import RawSpan
from collectors.normalising.options import NormaliserOptions
from collectors.normalising.parameters import params

MAX_NANOSECONDS = 2**63 - 1

_FIRST_TOKEN = re.compile(r"first.?(token|chunk)|^new_token$|(?<!prompt)[._]chunk$", re.IGNORECASE)


def read_time(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """Whether the answer was streamed, when its first token came, and what is odd about its times."""
    duration = span.end_ns - span.start_ns
    if duration < 0:
        view.note("never_ended" if span.end_ns == 0 else "ended_before_start")
    if duration > MAX_NANOSECONDS:
        view.note("duration_out_of_range")
    if span.dropped_attributes:
        view.note("attributes_dropped")
    if span.events or view.any(_STREAMED) or "ai.operationId" in span.attributes:
        _stream(span, view, facts, duration)


_STREAMED = frozenset({"streaming", "ttft_s", "ttft_ms", "ttft_time", "params_json"})


def _stream(span: RawSpan, view: View, facts: SpanFacts, duration: int) -> None:
    """Whether the answer was streamed, and when its first token came."""
    facts.streaming = _streaming(span, view)
    first = _first_token(span, view)
    if first is None:
        facts.streaming = _asked_to_stream(view) if facts.streaming is None else facts.streaming
        return
    if facts.streaming is False or not 0 < first <= MAX_NANOSECONDS or (0 <= duration < first):
        view.note("ttft_implausible")
        return
    facts.ttft_ns, facts.streaming = first, True


def _streaming(span: RawSpan, view: View) -> bool | None:
    told = view.read("streaming", truth)
    if told is not None:
        return told
    operation = span.attributes.get("ai.operationId") or ""
    return True if "stream" in operation.lower() else None


def _asked_to_stream(view: View) -> bool | None:
    """`stream` among the request's parameters; a false one says nothing: LangChain tells the model object's default."""
    return True if any(truth(held.get("stream")) for held in params(view)) else None


def _first_token(span: RawSpan, view: View) -> int | None:
    """Nanoseconds from the span's start to the first token, by any telling; null without one."""
    for field, scale in (("ttft_s", 1e9), ("ttft_ms", 1e6)):
        value = _taken(view, field)
        if value is not None and abs(value) < 1e9:
            return _plausible(round(value * scale), span, view)
    stamp = view.text("ttft_time")
    if stamp:
        moment = _instant_ns(stamp)
        return None if moment is None else moment - span.start_ns
    moments = [event.time_ns for event in span.events if _FIRST_TOKEN.search(event.name)]
    return min(moments) - span.start_ns if moments else None


def _taken(view: View, field: str) -> float | None:
    """The first time that is not 0, which stands for one that nobody took."""
    if field not in view.found:
        return None
    return view.read(field, number) or next((t for _, text in view.items(field) if (t := number(text))), None)


def _plausible(first: int, span: RawSpan, view: View) -> int:
    """Seconds that outlast the span but fit as milliseconds are milliseconds: Strands sends those under OTel's key."""
    duration = span.end_ns - span.start_ns
    if first > duration >= first // 1000 >= 10_000_000:
        view.note("ttft_read_as_ms")
        return first // 1000
    return first


def _instant_ns(stamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
