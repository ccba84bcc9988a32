"""RAGTruth, question answering: passages, six models' answers, and people's marks on what the passages do not say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.demo.export import (
    DAY,
    SECOND,
    Export,
    Sample,
    Value,
    as_json,
    assumed_ns,
    rows,
    span,
    stable_id,
    text_message,
)

PERIOD = 5 * DAY
RETRIEVAL_NS = SECOND // 10
TIMING = "assumed: the data has no times"


def exports(folder: Path, newest_ns: int) -> Iterator[Export]:
    """One trace an answer, evenly over the last five days."""
    answers = sorted(rows(folder / "answers.jsonl.gz"), key=lambda row: stable_id(8, row["source_id"], row["model"]))
    made = Sample("ragtruth-qa", "ragtruth-qa", TIMING)
    for place, row in enumerate(answers, start=1):
        made.spans += trace(row, newest_ns - PERIOD + PERIOD * place // len(answers))
    return made.exports()


def passages(context: str) -> list[str]:
    """The texts after `passage 1:`, `passage 2:`, ..."""
    return [text.strip() for text in re.split(r"^passage \d+:", context, flags=re.MULTILINE) if text.strip()]


def trace(row: dict[str, Any], end_ns: int) -> tuple[Span, Span, Span]:
    """A workflow with a retrieval and a model call below it."""
    trace_id = stable_id(16, "ragtruth", row["id"])
    root, retrieval, chat = (stable_id(8, "ragtruth", row["id"], part) for part in ("workflow", "retrieval", "chat"))
    asked_ns = end_ns - assumed_ns(row["response"])
    start_ns = asked_ns - RETRIEVAL_NS
    question = as_json([text_message("user", row["question"])])
    answer = as_json([text_message("assistant", row["response"])])
    workflow: dict[str, Value | None] = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "ragtruth-qa",
        "gen_ai.input.messages": question,
        "gen_ai.output.messages": answer,
        "assayline.sample.duration": "assumed",
    }
    return (
        span((trace_id, root, None), "invoke_workflow ragtruth-qa", (start_ns, end_ns), workflow),
        span((trace_id, retrieval, root), "retrieval ms-marco", (start_ns, asked_ns), retrieved(row)),
        span(
            (trace_id, chat, root),
            f"chat {row['model']}",
            (asked_ns, end_ns),
            asked(row, answer),
            kind=Span.SPAN_KIND_CLIENT,
        ),
    )


def retrieved(row: dict[str, Any]) -> dict[str, Value | None]:
    documents = [
        {"id": f"{row['source_id']}-{number}", "content": text}
        for number, text in enumerate(passages(row["context"]), start=1)
    ]
    return {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": "ms-marco",
        "gen_ai.retrieval.query.text": row["question"],
        "gen_ai.retrieval.documents": as_json(documents),
        "assayline.sample.duration": "assumed",
    }


def asked(row: dict[str, Any], answer: str) -> dict[str, Value | None]:
    prompt = f"{row['question']}\n\n{row['context'].strip()}"
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai" if row["model"].startswith("gpt-") else None,  # the rest: hosting unknown
        "gen_ai.request.model": row["model"],
        "gen_ai.request.temperature": row["temperature"],
        "gen_ai.input.messages": as_json([text_message("user", prompt)]),
        "gen_ai.output.messages": answer,
        **marks(row),
        "ragtruth.id": row["id"],
        "ragtruth.quality": row["quality"],
        "assayline.sample.duration": "assumed",
    }


def marks(row: dict[str, Any]) -> dict[str, Value | None]:
    """A person's score, as OpenInference writes it: 1 when nothing is marked, 0 when a stretch is not supported."""
    marked = row["labels"]
    score: dict[str, Value | None] = {
        "name": "groundedness",
        "score": float(not marked),
        "label": "hallucinated" if marked else "grounded",
        "explanation": "; ".join(f"{mark['label_type']}: {mark['text']!r}" for mark in marked) or None,
        "annotator_kind": "HUMAN",
        "identifier": "RAGTruth",
    }
    return {f"annotations.0.annotation.{member}": value for member, value in score.items()}
