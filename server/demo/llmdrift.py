"""LLMDrift: the same questions to the March and the June 2023 snapshots of GPT-3.5 and GPT-4. One answer, one trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.demo.export import (
    DAY,
    SECOND,
    Export,
    Sample,
    Score,
    all_exports,
    as_json,
    evaluation,
    rows,
    span,
    stable_id,
)
from server.demo.export import text_message as message

MARCH, JUNE = "2023-03", "2023-06"
WEEK = 7 * DAY
METRICS = {"directly_usable": "Directly Usable", "answered": "Response Rate"}  # name of the score: column
TIMING = "duration measured; start placed evenly over a week, as the data gives no time of call"


def exports(folder: Path, newest_ns: int) -> Iterator[Export]:
    """The March answers over the week before last, the June answers over the last week."""
    answers = answers_of(folder)
    return all_exports(
        sample([row for row in answers if release(row) == name], name, end_ns)
        for name, end_ns in ((MARCH, newest_ns - WEEK), (JUNE, newest_ns))
    )


def answers_of(folder: Path) -> list[dict[str, Any]]:
    """In an order that mixes the tasks and keeps the answers to one question together."""
    return sorted(
        rows(folder / "answers.jsonl.gz"), key=lambda row: (stable_id(8, row["dataset"], row["id"]), model(row))
    )


def last_trace(folder: Path) -> bytes:
    """Id of the trace that ends last: of the last June answer."""
    return stable_id(16, *key([row for row in answers_of(folder) if release(row) == JUNE][-1]))


def key(row: dict[str, Any]) -> tuple[str, ...]:
    return ("llmdrift", model(row), row["dataset"], row["id"], row["trail"])


def model(row: dict[str, Any]) -> str:
    """`gpt-4-0314` of `openaichat/gpt-4-0314`, the name in the harness of the data's authors."""
    return str(row["model"]).removeprefix("openaichat/")


def release(row: dict[str, Any]) -> str:
    return JUNE if model(row).endswith("-0613") else MARCH


def sample(answers: list[dict[str, Any]], name: str, end_ns: int) -> Sample:
    made = Sample("llmdrift", "llmdrift", TIMING, version=name)
    for place, row in enumerate(answers, start=1):
        chat = chat_span(row, end_ns - WEEK + WEEK * place // len(answers))
        made.spans.append(chat)
        for metric, column in METRICS.items():
            if (verdict := row.get(column)) is not None:
                score = Score(metric, float(verdict), "yes" if verdict == "1" else "no", "llmdrift")
                made.events.append(evaluation(score, chat.end_time_unix_nano, target=chat))
    return made


def chat_span(row: dict[str, Any], end_ns: int) -> Span:
    start_ns = end_ns - round(float(row["latency"]) * SECOND)
    return span(
        (stable_id(16, *key(row)), stable_id(8, *key(row)), None),
        f"chat {model(row)}",
        (start_ns, end_ns),
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model(row),
            "gen_ai.request.temperature": float(row["temperature"]),
            "gen_ai.request.max_tokens": int(row["max_tokens"]),
            "gen_ai.input.messages": as_json([message("user", row["query"])]),
            "gen_ai.output.messages": as_json([message("assistant", row["answer"])]),
            # The data counts the answer's tokens and not the question's: input stays unknown.
            "gen_ai.usage.output_tokens": int(row["answer_token"]),
            "gen_ai.cost.total_cost": float(row["cost"]),
            "gen_ai.prompt.name": row["dataset"],
            "tag.tags": [row["dataset"]],
            "variant": release(row),
            "llmdrift.id": row["id"],
            "llmdrift.reference": row["ref_answer"] or None,
            "assayline.sample.duration": "measured",
            "assayline.sample.original_time": row["date"],
        },
        kind=Span.SPAN_KIND_CLIENT,
    )
