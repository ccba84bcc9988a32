"""A prompt, a dataset, an A/B test, monitors and queues beside the sample traffic, set once through the API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from server.client import ApiError, Client
from server.demo import labelled, replayed, watched
from server.demo.export import rows
from server.demo.ragtruth import passages

PROMPT = "support/answer"
"""As the snippets of `docs/prompts.md` call it."""

_USER = {"role": "user", "content": "{{ question }}"}
_PLAIN = "You answer customers of a shop. Be polite."
_BOUND = "You answer customers of a shop. Be polite and brief. When you do not know, say so, and name who does."
VERSIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("First version", {"messages": [{"role": "system", "content": _PLAIN}, _USER]}),
    (
        "Briefer, and says what it does not know",
        {"messages": [{"role": "system", "content": _BOUND}, _USER], "parameters": {"temperature": 0.2}},
    ),
)
"""Notes and contents, the oldest first."""

DATASET = "ragtruth-questions"
_DESCRIPTION = (
    "70 questions and the passages they are answered from: the sample data of RAGTruth (MIT licence; the passages come "
    "from MS MARCO, for non-commercial research)."
)
_SPLITS = {"train": 0.8, "test": 0.2}


def load(client: Client, folder: Path) -> bool:
    """Set all, unless the prompt was ever set: what people changed or deleted stays so. Whether they were set now.

    The label production names version 1, staging version 2. `folder`: of the sample data. Without the traces that they
    are of there is no A/B test and no monitor.

    Raises:
        ApiError: the server did not take them.
    """
    if _known(client):
        return False
    _dataset(client, folder)
    _ab_test(client, folder)
    watched.load(client, folder / "llmdrift")
    labelled.load(client, folder)
    for note, content in VERSIONS:
        client.set_prompt(PROMPT, content, note=note, tags=["sample"])
    for version, label in enumerate(("production", "staging"), 1):
        client.move_label(PROMPT, label, version)
    return True


def _known(client: Client) -> bool:
    try:
        client.prompt_versions(PROMPT)
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True


def _dataset(client: Client, folder: Path) -> None:
    if any(one["name"] == DATASET for one in client.datasets()):
        return
    client.create_dataset(DATASET, _DESCRIPTION)
    content = "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items(folder)).encode()
    taken = client.import_dataset(DATASET, "ragtruth.jsonl", content, duplicates="keep", note="Of the sample data")
    client.split_dataset(
        DATASET, {"base": taken["version"]["version"], "parts": _SPLITS, "note": "By the hash of the id"}
    )


def _ab_test(client: Client, folder: Path) -> None:
    """From the start of its first trace on, so that all of its days are there."""
    first = client.query("trace_summary", trace_id=str(replayed.first_trace(folder / "llmdrift"))).frame
    if first.empty:
        return
    start = first["start_time"][0].to_pydatetime().replace(microsecond=0)
    client.set_ab_test(replayed.NAME, replayed.TERMS.model_dump(mode="json") | {"start": start.isoformat()})


def items(folder: Path) -> Iterator[dict[str, Any]]:
    """One item a question, in the order of the file: `id` (RAGTruth's source), `question`, `contexts`."""
    seen = set[str]()
    for row in rows(folder / "ragtruth-qa" / "answers.jsonl.gz"):
        if row["source_id"] not in seen:
            seen.add(row["source_id"])
            yield {"id": row["source_id"], "question": row["question"], "contexts": passages(row["context"])}
