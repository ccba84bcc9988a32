"""Scores as they come in over telemetry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors import frames
from collectors.facts import ScoreFacts
from collectors.model import Origin, RawEvent, RawLink, RawLog, RawSpan
from collectors.normalise import normalise
from collectors.scores import scores_of_log, scores_of_span

TRACE, OTHER = b"\1" * 16, b"\2" * 16
ORIGIN = Origin(1, {}, "test")
EVENT = "gen_ai.evaluation.result"


def on_span(attributes: dict[str, Any], **members: Any) -> list[ScoreFacts]:
    stored = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    span = {"name": "judge", "start_ns": 10, "end_ns": 20, "parent_span_id": 4, "attributes": stored, **members}
    raw = RawSpan(ORIGIN, TRACE, 7, **span)
    return scores_of_span(raw, normalise(raw))


def log(attributes: dict[str, Any], *, trace: bytes | None = TRACE, span: int | None = 7, name: str = EVENT) -> RawLog:
    stored = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    return RawLog(ORIGIN, trace, span, 30, 9, None, name, None, stored)


def test_an_evaluation_event_of_a_log() -> None:
    (score,) = scores_of_log(
        log(
            {
                "gen_ai.evaluation.name": "relevance",
                "gen_ai.evaluation.score.value": 0.75,
                "gen_ai.evaluation.score.label": "good",
                "gen_ai.evaluation.explanation": "on topic",
                "gen_ai.evaluation.evaluator.source": {"name": "Relevance"},
                "gen_ai.evaluation.evaluator.version": "v2",
            }
        )
    )
    assert (score.trace_id, score.span_id, score.name, score.value, score.label) == (
        TRACE,
        7,
        "relevance",
        0.75,
        "good",
    )
    assert (score.evaluator, score.evaluator_version, score.explanation) == ("Relevance", "v2", "on topic")
    assert score.time_ns == 30


def test_a_failed_evaluator_has_an_error_and_no_value() -> None:
    (score,) = scores_of_log(
        log({"gen_ai.evaluation.name": "r", "error.type": "Timeout", "gen_ai.evaluation.score.value": 0})
    )
    assert (score.error_type, score.value) == ("Timeout", None)


@pytest.mark.parametrize(
    ("told", "value"),
    [
        pytest.param("0", 0.0, id="zero-is-a-score"),
        pytest.param("true", 1.0, id="true-is-one"),
        pytest.param("high", None, id="no-number"),
    ],
)
def test_values(told: str, value: float | None) -> None:
    attributes = {
        "gen_ai.evaluation.name": "r",
        "gen_ai.evaluation.score.label": "x",
        "gen_ai.evaluation.score.value": told,
    }
    assert scores_of_log(log(attributes))[0].value == value


def test_an_event_without_a_span_is_aimed_at_the_response() -> None:
    attributes = {"gen_ai.evaluation.name": "r", "gen_ai.evaluation.score.value": 1, "gen_ai.response.id": "chatcmpl-1"}
    (score,) = scores_of_log(log(attributes, trace=None, span=None))
    assert (score.trace_id, score.span_id, score.response_id) == (None, None, "chatcmpl-1")


def test_an_event_that_names_its_metric_and_a_person_behind_it() -> None:
    (score,) = scores_of_log(log({"gen_ai.evaluation.score": -1}, name="gen_ai.evaluation.user_feedback"))
    assert (score.name, score.value, score.source) == ("user_feedback", -1.0, "user")


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        pytest.param(EVENT, {"gen_ai.evaluation.score.value": 1}, id="no-name"),
        pytest.param(EVENT, {"gen_ai.evaluation.name": "r"}, id="no-verdict"),
        pytest.param("gen_ai.choice", {"gen_ai.evaluation.name": "r"}, id="another-event"),
    ],
)
def test_what_is_no_score(name: str, attributes: dict[str, Any]) -> None:
    assert scores_of_log(log(attributes, name=name)) == []


def test_an_evaluation_event_of_a_span() -> None:
    event = RawEvent(15, EVENT, {"gen_ai.evaluation.name": "r", "gen_ai.evaluation.score.value": "1"})
    (score,) = on_span({}, events=[event])
    assert (score.span_id, score.value, score.time_ns) == (7, 1.0, 15)


ANNOTATION = {
    "annotations.0.annotation.name": "correctness",
    "annotations.0.annotation.score": 0.5,
    "annotations.0.annotation.annotator_kind": "HUMAN",
    "annotations.0.annotation.identifier": "ann",
    "annotations.0.annotation.metadata": {"round": 2},
}


def test_annotations_of_openinference() -> None:
    (score,) = on_span({**ANNOTATION, "openinference.span.kind": "LLM"})
    assert (score.trace_id, score.span_id, score.name, score.value) == (TRACE, 7, "correctness", 0.5)
    assert (score.source, score.author, score.metadata) == ("human", "ann", {"round": "2"})


def test_a_carrier_span_points_to_its_target() -> None:
    (score,) = on_span(ANNOTATION, links=[RawLink(OTHER, 9, {})])
    assert (score.trace_id, score.span_id) == (OTHER, 9)
    assert (score.carrier_trace_id, score.carrier_span_id) == (TRACE, 7)


def test_scopes_of_annotations() -> None:
    scores = on_span(
        {
            "trace.evaluations.0.evaluation.name": "t",
            "trace.evaluations.0.evaluation.label": "ok",
            "session.annotations.4.annotation.name": "s",
            "session.annotations.4.annotation.explanation": "fine",
            "annotations.0.annotation.name": "says nothing",
            "session.id": "abc",
        }
    )
    assert [(s.name, s.trace_id, s.span_id, s.session_id) for s in scores] == [
        ("s", None, None, "abc"),
        ("t", TRACE, None, None),
    ]


def test_results_of_an_offline_suite() -> None:
    scores = on_span(
        {
            "scores": {
                "similarity": {"name": "similarity", "value": 0.8, "reason": "close", "source": {"name": "Sim"}}
            },
            "labels": {"tone": {"value": "formal"}},
            "assertions": {"equals": {"value": False, "reason": None}},
            "evaluator_failures": [{"name": "Broken", "error_message": "RuntimeError: no", "source": {"name": "B"}}],
        }
    )
    assert [(s.name, s.value, s.label, s.error_type) for s in scores] == [
        ("similarity", 0.8, None, None),
        ("tone", None, "formal", None),
        ("equals", 0.0, "fail", None),
        ("Broken", None, None, "RuntimeError"),
    ]
    assert (scores[0].evaluator, scores[0].explanation) == ("Sim", "close")


def test_an_evaluator_step_scores_what_it_stands_under() -> None:
    attributes = {
        "langfuse.observation.type": "evaluator",
        "langfuse.observation.output": {"score": 0.25, "reason": "r"},
    }
    (score,) = on_span(attributes)
    assert (score.name, score.span_id, score.value, score.explanation) == ("judge", 4, 0.25, "r")
    (failed,) = on_span(attributes, status="error", status_message="TimeoutError: late")
    assert (failed.value, failed.error_type) == (None, "TimeoutError")
    assert on_span({"openinference.span.kind": "EVALUATOR", "output.value": "no verdict"}) == []


def test_scores_of_braintrust() -> None:
    assert [(s.name, s.value) for s in on_span({"braintrust.scores": {"a": 1, "b": None}})] == [("a", 1.0)]


def test_a_score_sent_twice_has_one_id_and_another_verdict_has_another() -> None:
    attributes = {"gen_ai.evaluation.name": "r", "gen_ai.evaluation.score.value": 1}
    (one,), (again,) = scores_of_log(log(attributes)), scores_of_log(log(attributes))
    other = scores_of_log(log({**attributes, "gen_ai.evaluation.score.value": 0.5}))[0]
    assert frames.score_id(one) == frames.score_id(again) != frames.score_id(other)
