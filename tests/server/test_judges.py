"""Judges against people over HTTP: cards of recorded judges, trust, what expires them, and what is written back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evaluators.judges.pairwise import Comparison, read_place
from server.client import Client

LLMBAR = Path(__file__).parents[1] / "evaluators" / "data" / "llmbar" / "vanilla.jsonl.gz"
ROWS = [json.loads(line) for line in gzip.decompress(LLMBAR.read_bytes()).splitlines()]
NOW = datetime.now(UTC) - timedelta(days=1)
VALUES = {"a": 1.0, "b": 0.0, "tie": 0.5}
Row = dict[str, Any]


def trace(number: int) -> str:
    return f"{number + 1:032x}"


def human(number: int, value: float, author: str, name: str = "better", **more: Any) -> Row:
    return {
        "trace_id": trace(number), "name": name, "value": value, "source": "human", "evaluator": name,
        "author": author, "time": (NOW + timedelta(seconds=number)).isoformat(), **more,
    }  # fmt: skip


def scored(number: int, value: float | None, evaluator: str, version: str = "1", **more: Any) -> Row:
    return {
        "trace_id": trace(number), "name": "better", "value": value, "source": "llm", "evaluator": evaluator,
        "evaluator_version": version, "time": (NOW + timedelta(seconds=number)).isoformat(), **more,
    }  # fmt: skip


def recorded(judge: str) -> list[tuple[int, Row, Comparison]]:
    found = []
    for number, row in enumerate(ROWS):
        said = Comparison(*(read_place(text) for text, _ in row["judges"][f"{judge}/Vanilla"]))
        if said.winner is not None:
            found.append((number, row, said))
    return found


def send(client: Client, rows: list[Row]) -> None:
    for start in range(0, len(rows), 1000):
        client.add_scores(rows[start : start + 1000])


@pytest.fixture(scope="module")
def met(shared: Any) -> Iterator[Client]:
    """Recorded judges of LLMBar, and two people of whom one errs where the other and the data set do not."""
    with shared.client() as client:
        client.add_project("llmbar")
    with shared.client("llmbar") as client:
        people = [
            human(at, float(row["label"] == 1), author) for at, row in enumerate(ROWS) for author in ("ann", "bob")
        ]
        send(client, people)
        for judge in ("GPT-4", "ChatGPT"):
            send(client, [
                scored(at, VALUES[str(said.winner)], judge, metadata={
                    "model": judge.lower(), "details": json.dumps({"straight": said.straight, "swapped": said.swapped}),
                    "scale": json.dumps({"low": 0, "high": 1, "better": "higher", "labels": []}),
                })
                for at, _, said in recorded(judge)
            ])  # fmt: skip
        yield client


def kappa_of(judge: list[bool], people: list[bool]) -> float:
    """Cohen 1960, of two who both said yes or no of each."""
    n = len(judge)
    agree = sum(one == other for one, other in zip(judge, people, strict=True)) / n
    yes = sum(judge) / n, sum(people) / n
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return (agree - chance) / (1 - chance)


@pytest.mark.parametrize("judge", ["GPT-4", "ChatGPT"])
def test_a_recorded_judge_has_the_card_that_its_answers_give(met: Client, judge: str) -> None:
    found = met.judge("better", evaluator=judge)
    rows = recorded(judge)
    said, right = [VALUES[str(one.winner)] >= 0.5 for _, _, one in rows], [row["label"] == 1 for _, row, _ in rows]
    card = found["card"]
    assert (found["n"], found["label"], found["model"]) == (len(rows), "better", judge.lower())
    assert card["kappa"]["value"] == pytest.approx(kappa_of(said, right))
    hits = sum(one and other for one, other in zip(said, right, strict=True))
    assert card["sensitivity"]["value"] == pytest.approx(hits / sum(right))
    both = [(one.straight, one.swapped) for _, _, one in rows]
    alike = sum({one, other} in ({"first", "second"}, {"tie"}) for one, other in both)
    assert found["order"]["consistent"]["value"] == pytest.approx(alike / len(both))
    assert card["kappa"]["ci_low"] < card["kappa"]["value"] < card["kappa"]["ci_high"]
