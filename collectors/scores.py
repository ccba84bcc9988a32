"""Scores that arrive as telemetry: evaluation events, annotations on spans, results of offline evaluation suites.

A failed evaluator is a score with an error and no value; it is never read as 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from collectors.conventions.values import Json, number, parse, plain, stored_text, truth
from collectors.conventions.view import Index, index_of
from collectors.facts import ScoreFacts, SpanFacts
from collectors.model import RawLog, RawSpan, TextMap

EVENT = "gen_ai.evaluation.result"
_EVENT_PREFIX = "gen_ai.evaluation."  # Azure names the event after the metric: gen_ai.evaluation.relevance
_SCOPES = ("", "trace.", "session.")
_FORMS = (("annotations", "annotation"), ("evaluations", "evaluation"))
_SOURCES = {
    "human": "human",
    "user": "user",
    "llm": "llm",
    "model": "llm",
    "code": "code",
    "heuristic": "code",
    "api": "api",
}
_SOURCE, _AUTHOR = "assayline.score.source", "assayline.score.author"  # of imports: OpenTelemetry names neither
_CARRIERS = frozenset({"other", "evaluator", "guardrail"})  # kinds whose annotations are about a linked span
MAX_SESSION_ID = 1000  # characters; every score of a session repeats its id, and a longer text is none
_PYDANTIC = ("scores", "labels", "assertions")
_PYDANTIC_FAILURES = "evaluator_failures"
_BRAINTRUST = "braintrust.scores"


@dataclass(frozen=True, slots=True)
class _Target:
    trace_id: bytes | None
    span_id: int | None
    session_id: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Verdict:
    name: str
    value: float | None = None
    label: str | None = None
    explanation: str | None = None
    source: str = "telemetry"
    evaluator: str | None = None
    version: str | None = None
    author: str | None = None
    error_type: str | None = None
    metadata: TextMap = field(default_factory=dict)

    @property
    def says_something(self) -> bool:
        told = self.value is not None or self.label is not None or self.explanation is not None
        return bool(self.name) and (told or self.error_type is not None)


def scores_of_log(log: RawLog) -> list[ScoreFacts]:
    """The score that a log record brings: none or one. Without a span it is aimed at a response id, else dropped."""
    verdict = _of_event(log.event_name, log.attributes)
    if verdict is None:
        return []
    response_id = plain(log.attributes.get("gen_ai.response.id"))
    target = _Target(log.trace_id, log.span_id, None, response_id)
    if log.trace_id is None and response_id is None:
        target = replace(target, session_id=_session(log.attributes))
    if target == _Target(None, None):
        return []
    return [_facts(verdict, target, log.trace_id, log.span_id, log.time_ns)]


def scores_of_span(span: RawSpan, facts: SpanFacts) -> list[ScoreFacts]:
    """Scores on the span, in its events, and in the results of an offline suite that it carries."""
    if not span.events and facts.kind != "evaluator" and not index_of(span.attributes).once(_may_tell):
        return []
    own = _Target(span.trace_id, span.span_id)
    found = [
        _facts(verdict, _of_response(own, event.attributes), span.trace_id, span.span_id, event.time_ns)
        for event in span.events
        if (verdict := _of_event(event.name, event.attributes))
    ]
    for verdict, target in _on_span(span, facts, own):
        if verdict.says_something:
            found.append(_facts(verdict, target, span.trace_id, span.span_id, max(span.end_ns, span.start_ns)))
    return found


def _may_tell(index: Index) -> bool:
    """Whether an attribute may hold a score; few spans have one."""
    known = {*_PYDANTIC, _PYDANTIC_FAILURES, _BRAINTRUST}
    return not known.isdisjoint(index.keys) or any(_is_annotation(key) for key in index.keys)


def _is_annotation(key: str) -> bool:
    return "nnotation" in key or "valuation" in key


def _on_span(span: RawSpan, facts: SpanFacts, own: _Target) -> Iterator[tuple[_Verdict, _Target]]:
    linked = _linked(span, facts, own)
    for scope, verdict in _annotations(span.attributes):
        if scope != "session." or len(facts.session_id or "") <= MAX_SESSION_ID:
            yield verdict, _scoped(scope, linked, facts)
    for verdict in (*_pydantic_evals(span.attributes), *_braintrust(span.attributes)):
        yield verdict, own
    verdict_of_evaluator = _evaluator(span, facts)
    if verdict_of_evaluator is not None:
        yield verdict_of_evaluator, linked if span.links else _parent(span)


def _facts(verdict: _Verdict, target: _Target, trace: bytes | None, span: int | None, time_ns: int) -> ScoreFacts:
    return ScoreFacts(
        trace_id=target.trace_id, span_id=target.span_id, session_id=target.session_id, response_id=target.response_id,
        carrier_trace_id=trace, carrier_span_id=span, name=verdict.name,
        value=None if verdict.error_type else verdict.value, label=verdict.label, explanation=verdict.explanation,
        source=verdict.source, evaluator=verdict.evaluator, evaluator_version=verdict.version, author=verdict.author,
        error_type=verdict.error_type, time_ns=time_ns, metadata=verdict.metadata,
    )  # fmt: skip


def _of_event(event: str | None, attributes: TextMap) -> _Verdict | None:
    """An OpenTelemetry evaluation event, of a span or a log."""
    if event is None or not event.startswith(_EVENT_PREFIX):
        return None
    metric = None if event == EVENT else event.removeprefix(_EVENT_PREFIX)
    value = attributes.get("gen_ai.evaluation.score.value") or attributes.get("gen_ai.evaluation.score")
    evaluator, version = _named_evaluator(attributes)
    verdict = _Verdict(
        name=plain(attributes.get("gen_ai.evaluation.name")) or metric or "",
        value=_value(value),
        label=plain(attributes.get("gen_ai.evaluation.score.label") or attributes.get("gen_ai.evaluation.label")),
        explanation=plain(attributes.get("gen_ai.evaluation.explanation")),
        source="user" if metric == "user_feedback" else _SOURCES.get(attributes.get(_SOURCE) or "", "telemetry"),
        evaluator=evaluator,
        version=version,
        author=plain(attributes.get(_AUTHOR)),
        error_type=plain(attributes.get("error.type")),
        metadata=_rest(attributes),
    )
    return verdict if verdict.says_something else None


def _named_evaluator(attributes: TextMap) -> tuple[str | None, str | None]:
    prefix = "gen_ai.evaluation.evaluator."
    source = parse(attributes.get(prefix + "source"))
    name = source.get("name") if isinstance(source, dict) else plain(attributes.get(prefix + "source"))
    name = plain(attributes.get(prefix + "name")) or (name if isinstance(name, str) else None)
    return name, plain(attributes.get(prefix + "version"))


_READ = frozenset(
    {
        "gen_ai.evaluation.name", "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label",
        "gen_ai.evaluation.explanation", "gen_ai.evaluation.evaluator.version", "gen_ai.evaluation.evaluator.name",
        "gen_ai.response.id", "error.type", "event.name", "event_name", _SOURCE, _AUTHOR,
    }
)  # fmt: skip


def _rest(attributes: TextMap) -> TextMap:
    return {key: value for key, value in attributes.items() if key not in _READ}


def _value(value: Json) -> float | None:
    read = number(value)
    if read is None and value is not None:
        verdict = truth(value)
        read = None if verdict is None else float(verdict)
    return read


def _session(attributes: TextMap) -> str | None:
    return plain(attributes.get("session.id")) or plain(attributes.get("gen_ai.conversation.id"))


def _of_response(own: _Target, attributes: TextMap) -> _Target:
    return replace(own, response_id=plain(attributes.get("gen_ai.response.id")))


def _linked(span: RawSpan, facts: SpanFacts, own: _Target) -> _Target:
    """A span that only carries scores points to their target by its link."""
    if span.links and facts.kind in _CARRIERS:
        return _Target(span.links[0].trace_id, span.links[0].span_id)
    return own


def _scoped(scope: str, target: _Target, facts: SpanFacts) -> _Target:
    if scope == "trace.":
        return _Target(target.trace_id, None)
    return _Target(None, None, session_id=facts.session_id) if scope == "session." else target


def _parent(span: RawSpan) -> _Target:
    return _Target(span.trace_id, span.parent_span_id or span.span_id)


def _annotations(attributes: TextMap) -> Iterator[tuple[str, _Verdict]]:
    """OpenInference: `[trace.|session.]annotations.N.annotation.<member>`, or the same with evaluation(s)."""
    grouped: dict[tuple[str, str, int], TextMap] = {}
    for key, value in attributes.items():
        place = _place(key) if _is_annotation(key) else None
        if place is not None:
            grouped.setdefault(place[0], {})[place[1]] = value
    for (scope, _, _), members in sorted(grouped.items()):
        yield scope, _annotation(members)


def _place(key: str) -> tuple[tuple[str, str, int], str] | None:
    for scope in _SCOPES:
        for many, one in _FORMS:
            prefix = f"{scope}{many}."
            if key.startswith(prefix):
                index, _, rest = key[len(prefix) :].partition(".")
                if index.isdecimal() and len(index) < 7 and rest.startswith(f"{one}."):
                    return (scope, many, int(index)), rest[len(one) + 1 :]
    return None


def _annotation(members: TextMap) -> _Verdict:
    metadata = parse(members.get("metadata"))
    kind = (plain(members.get("annotator_kind")) or "").lower()
    return _Verdict(
        name=plain(members.get("name")) or "",
        value=_value(members.get("score")),
        label=plain(members.get("label")),
        explanation=plain(members.get("explanation")),
        source=_SOURCES.get(kind, "telemetry"),
        evaluator=plain(members.get("name")),
        author=plain(members.get("identifier")),
        metadata={str(k): stored_text(v) for k, v in metadata.items()} if isinstance(metadata, dict) else {},
    )


def _pydantic_evals(attributes: TextMap) -> Iterator[_Verdict]:
    """A case of an offline suite: `scores`, `labels` and `assertions` as JSON objects of results by name."""
    if not any(key in attributes for key in (*_PYDANTIC, _PYDANTIC_FAILURES)):
        return
    for key in _PYDANTIC:
        held = parse(attributes.get(key))
        for name, result in held.items() if isinstance(held, dict) else ():
            yield _result(str(name), result if isinstance(result, dict) else {"value": result})
    failures = parse(attributes.get(_PYDANTIC_FAILURES))
    for failure in failures if isinstance(failures, list) else ():
        if isinstance(failure, dict):
            yield _failure(failure)


def _result(name: str, result: dict[str, Json]) -> _Verdict:
    value = result.get("value")
    evaluator, version = _evaluator_of(result)
    label = value if isinstance(value, str) else None
    if isinstance(value, bool):
        label = "pass" if value else "fail"
    return _Verdict(
        name=name,
        value=None if isinstance(value, str) else _value(value),
        label=label,
        explanation=plain(stored_text(result.get("reason"))),
        source="code",
        evaluator=evaluator,
        version=version,
    )


def _evaluator_of(result: dict[str, Json]) -> tuple[str | None, str | None]:
    source = result.get("source")
    name = source.get("name") if isinstance(source, dict) else source
    version = result.get("evaluator_version") or result.get("version")
    return name if isinstance(name, str) else None, plain(stored_text(version))


def _failure(failure: dict[str, Json]) -> _Verdict:
    evaluator, version = _evaluator_of(failure)
    message = plain(stored_text(failure.get("error_message")))
    kind = plain(stored_text(failure.get("error_type"))) or (message or "").partition(":")[0] or "_OTHER"
    name = plain(stored_text(failure.get("name"))) or evaluator or ""
    return _Verdict(name, None, None, message, "code", evaluator, version, error_type=kind)


def _braintrust(attributes: TextMap) -> Iterator[_Verdict]:
    held = parse(attributes.get(_BRAINTRUST)) if _BRAINTRUST in attributes else None
    for name, value in held.items() if isinstance(held, dict) else ():
        yield _Verdict(str(name), _value(value), evaluator=str(name))


def _evaluator(span: RawSpan, facts: SpanFacts) -> _Verdict | None:
    """An evaluator step of Langfuse or OpenInference whose output is a verdict, or that failed."""
    keys = ("langfuse.observation.type", "openinference.span.kind")
    if facts.kind != "evaluator" or not any(key in span.attributes for key in keys):
        return None
    if facts.error_type is not None:
        return _Verdict(span.name, explanation=facts.error_message, evaluator=span.name, error_type=facts.error_type)
    held = parse(facts.output)
    members = held if isinstance(held, dict) else {"score": held if held is not None else facts.output}
    value = _value(members.get("score", members.get("value")))
    label = plain(stored_text(members.get("label")))
    if value is None and label is None:
        return None
    reason = members.get("explanation") or members.get("reason") or members.get("comment")
    name = plain(stored_text(members.get("name"))) or span.name
    return _Verdict(name, value, label, plain(stored_text(reason)), evaluator=span.name)
