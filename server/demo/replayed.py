"""A live A/B test of the sample data: GPT-4 of March 2023 against that of June, by what both said of prime numbers.

Each question is a request, dealt to one snapshot by the test's own assignment of its trace id, and answered by what
that snapshot is recorded to have said. Such a trace has no model call and links to the one of `llmdrift` that has, so
that no call, token or cost counts twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.ab_tests import Guardrail, Terms, Variant, assigned
from server.demo import llmdrift
from server.demo.export import DAY, SECOND, Export, Sample, Score, as_json, evaluation, span, stable_id, text_message

NAME = "gpt-4-snapshot"
RIGHT = "right"
"""As the sample suites call it."""
PERIOD = 14 * DAY
TASKS = ("prime", "composite")
TIMING = "duration measured; start placed evenly over two weeks, as the data gives no time of call"
TERMS = Terms(
    description="Sample data, replayed: 300 questions of LLMDrift whether a number is prime. Each is dealt by the hash "
    "of its trace id to GPT-4 of March or of June 2023, and answered by what is recorded of that snapshot. Durations "
    "are measured, starts are placed evenly over two weeks.",
    unit="trace", metric=RIGHT, mde=0.05, guardrails=(Guardrail(metric="latency", margin=2.0),), expected_units=300,
    variants=(Variant(name=llmdrift.MARCH, weight=0.5), Variant(name=llmdrift.JUNE, weight=0.5)),
)  # fmt: skip


def exports(folder: Path, newest_ns: int) -> Iterator[Export]:
    """One trace a question, evenly over the last two weeks; `folder`: of LLMDrift."""
    served = list(answers(folder))
    made = Sample("llmdrift-replay", "llmdrift", TIMING)
    for place, row in enumerate(served, start=1):
        request = request_span(row, newest_ns - PERIOD + PERIOD * place // len(served))
        made.spans.append(request)
        right = f"[{row['ref_answer'].capitalize()}]" in row["answer"]  # as the question asks for it
        score = Score(RIGHT, float(right), "yes" if right else "no", "contains")
        made.events.append(evaluation(score, request.end_time_unix_nano, target=request))
    return made.exports()


def answers(folder: Path) -> Iterator[dict[str, Any]]:
    """The row of each question that its trace is dealt: of one snapshot, the same at all times."""
    for row in llmdrift.answers_of(folder):
        asked = row["dataset"] in TASKS and llmdrift.model(row).startswith("gpt-4-")
        if asked and assigned(NAME, TERMS, trace_of(row).hex()).name == llmdrift.release(row):
            yield row


def trace_of(row: dict[str, Any]) -> bytes:
    """Id of the request: of the question alone, since it is there before anything is dealt."""
    return stable_id(16, NAME, row["dataset"], row["id"])


def first_trace(folder: Path) -> UUID:
    """The request that ends first: its start tells when the test began."""
    return UUID(bytes=trace_of(next(answers(folder))))


def request_span(row: dict[str, Any], end_ns: int) -> Span:
    """The request with the variant that served it, linked to the call that is recorded."""
    trace_id = trace_of(row)
    variant = next(one for one in TERMS.variants if one.name == llmdrift.release(row))
    made = span(
        (trace_id, trace_id[:8], None),
        "replay prime question",
        (end_ns - round(float(row["latency"]) * SECOND), end_ns),
        {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": "llmdrift-replay",
            "gen_ai.input.messages": as_json([text_message("user", row["query"])]),
            "gen_ai.output.messages": as_json([text_message("assistant", row["answer"])]),
            "tag.tags": [row["dataset"]],
            "variant": variant.label(NAME),
            "llmdrift.id": row["id"],
            "assayline.sample.duration": "measured",
            "assayline.sample.original_time": row["date"],
        },
    )
    recorded = llmdrift.key(row)
    made.links.add(trace_id=stable_id(16, *recorded), span_id=stable_id(8, *recorded))
    return made
