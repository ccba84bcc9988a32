"""Queues of the sample data: real labels of three people to look at, and items that wait to be labelled.

`better-answer` are comparisons of PandaLM, with its annotators' labels; `grounded` are answers of RAGTruth, which are
traces of the sample traffic, to be judged and marked. These are scored by `groundedness` too, whose calibration card
rests on the marks that RAGTruth's own people made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from server.client import Client
from server.demo.export import rows, stable_id
from server.demo.ragtruth import passages

Json = dict[str, Any]

BETTER, GROUNDED = "better-answer", "grounded"
AUTHOR = "sample data"
ANNOTATORS = ("annotator1", "annotator2", "annotator3")
SIDES = ("tie", "a", "b")  # by what the data says: 0, 1, 2
LABELLED, WAITING, GOLD = 120, 30, 10  # comparisons
ANSWERS = 24  # of RAGTruth

SCORED: Mapping[str, Any] = {
    "evaluators": [{"name": "groundedness"}], "unit": "call", "most": 400, "author": AUTHOR,
    "filter": {"service": "ragtruth-qa", "since": "2000-01-01T00:00:00Z", "until": "2199-01-01T00:00:00Z"},
}  # fmt: skip
"""The order that scores RAGTruth's answers, which its people judged too: the evaluator's card comes of it."""

QUEUES: Mapping[str, Mapping[str, Any]] = {
    BETTER: {
        "description": "Sample data (PandaLM, Apache-2.0): which of two models' answers is better.",
        "labels": 3,
        "guidelines": (
            "Read the instruction, then both answers.\n\n"
            "- The better answer does what the instruction asks, with right facts.\n"
            "- Of two that do, take the one that is clearer and has nothing needless.\n"
            "- Say that they are alike only if you would not mind which one you got.\n\n"
            "The order of the answers differs from person to person, and the models are not named."
        ),
        "fields": [
            {"name": "better", "kind": "preference", "title": "Which answer is better?"},
            {
                "name": "because", "kind": "categorical", "several": True, "required": False,
                "title": "What decides it?",
                "choices": ["follows the instruction", "right", "complete", "brief", "clear"],
            },
        ],
        "examples": [
            {
                "title": "Both follow the instruction",
                "text": "Instruction: Name the capital of France.\nA: Paris.\nB: The capital is Paris, on the Seine.",
                "answers": {"better": "tie"},
                "why": "Both are right, and the few words more of B do no harm.",
            },
        ],
    },
    GROUNDED: {
        "description": "Sample data (RAGTruth): do the passages support the answer? Mark what they do not support.",
        "labels": 2,
        "guidelines": (
            "An answer is **grounded** if the passages on the left say all that it says.\n\n"
            "- What you know yourself does not count.\n"
            "- Leaving something out is no fault here.\n"
            "- Mark each stretch that the passages contradict, or do not say."
        ),
        "fields": [
            {
                "name": "groundedness", "kind": "binary", "title": "Is the answer grounded?",
                "choices": ["grounded", "hallucinated"], "better": "higher",
            },
            {
                "name": "unsupported", "kind": "spans", "required": False, "title": "What is not supported?",
                "choices": ["contradicted", "not said"],
            },
        ],
    },
}  # fmt: skip


def load(client: Client, folder: Path) -> None:
    """Set the queues whose name is free, with their items and labels. `folder`: of the sample data.

    Raises:
        ApiError: the server did not take them.
    """
    there = {one["name"] for one in client.queues()}
    if BETTER not in there:
        _compared(client, list(rows(folder / "pandalm" / "comparisons.jsonl.gz")))
    if GROUNDED not in there and (found := list(_answers(client, folder / "ragtruth-qa"))):
        client.set_queue(GROUNDED, QUEUES[GROUNDED], AUTHOR)
        client.add_items(GROUNDED, found, AUTHOR)
        client.add_job(SCORED)


def _compared(client: Client, told: Sequence[Json]) -> None:
    client.set_queue(BETTER, QUEUES[BETTER], AUTHOR)
    gold = [row for row in told if len({row[name] for name in ANNOTATORS}) == 1][:GOLD]
    others = [row for row in told if row not in gold][: LABELLED + WAITING]
    items = [comparison(row) for row in others] + [
        comparison(row) | {"gold": {"better": SIDES[row[ANNOTATORS[0]]]}} for row in gold
    ]
    client.add_items(BETTER, items, AUTHOR)
    labels = [
        {"key": _key(row), "labeller": name, "answers": {"better": SIDES[row[name]]}}
        for row in others[:LABELLED]
        for name in ANNOTATORS
    ]
    client.import_labels(BETTER, labels, AUTHOR)


def comparison(row: Mapping[str, Any]) -> Json:
    """An item that compares two answers; the names of the models are hidden while it is labelled."""
    names = str(row["cmp_key"]).split("_")
    asked = "\n\n".join(part for part in (row["instruction"], row["input"]) if part)
    sides = [{"key": SIDES[place], "answer": row[f"response{place}"], "name": names[place - 1]} for place in (1, 2)]
    return {
        "content": {"question": asked, "sides": sides}, "unit": "pair", "key": _key(row),
        "attributes": {"models": " and ".join(names)}, "why": "Of PandaLM's test set",
    }  # fmt: skip


def _key(row: Mapping[str, Any]) -> str:
    return f"pandalm-{row['idx']}-{row['cmp_key']}"


def _answers(client: Client, folder: Path) -> Iterator[Json]:
    """Items of the answers whose traces are there; the same ones each time."""
    found = sorted(rows(folder / "answers.jsonl.gz"), key=lambda row: stable_id(8, "queue", row["id"]))[:ANSWERS]
    for row in found:
        trace = UUID(bytes=stable_id(16, "ragtruth", row["id"]))
        if client.query("trace_summary", trace_id=str(trace)).frame.empty:
            continue
        call = stable_id(8, "ragtruth", row["id"], "chat").hex()
        side = {"answer": row["response"], "trace_id": trace.hex, "span_id": call}
        contexts = [{"text": text, "rank": rank} for rank, text in enumerate(passages(row["context"]), 1)]
        yield {
            "content": {"question": row["question"], "contexts": contexts, "sides": [side]}, "unit": "call",
            "attributes": {"model": row["model"], "sampling": "random"}, "why": "Drawn at random of RAGTruth's answers",
        }  # fmt: skip
