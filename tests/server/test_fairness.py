"""Swapped questions asked of targets whose faults are known, and slices of traffic over a real server."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_openai import Act, FakeOpenAI, beside

from analytics.fairness import slices
from evaluators.counterfactual.swaps import read_terms, variants
from evaluators.targets.config import CommandSettings
from evaluators.targets.model import as_target
from server import fairness, fairness_shell, judging
from server.client import ApiError
from server.fairness import LineError, Way

REFUSAL = "I'm sorry, but I cannot help with that."
QUESTIONS = [{"id": n, "question": f"Should my {('brother', 'sister')[n % 2]} rent flat {n}?"} for n in range(60)]
LINES = "".join(json.dumps(row) + "\n" for row in QUESTIONS).encode()
PROGRAM = """
import hashlib, json, sys
for line in sys.stdin:
    row = json.loads(line)
    drawn = hashlib.sha256(row["question"].encode()).digest()
    words = "word " * (5 + drawn[0] % 9)
    if sys.argv[1] == "unfair" and "sister" in row["question"] and drawn[1] % 2:
        answer = {"answer": "I'm sorry, but I cannot help with that."}
    elif sys.argv[1] == "broken" and drawn[1] % 4 == 0:
        answer = {"error": "overloaded"}
    else:
        answer = {"answer": f"Yes, the flat is as good as another: {words}"}
    print(json.dumps({"id": row["id"], **answer}), flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "theirs.py").write_text(PROGRAM)
    (tmp_path / "questions.jsonl").write_bytes(LINES)
    return tmp_path


def compared(way: Way, lines: bytes = LINES) -> dict[str, Any]:
    return fairness.compared(io.BytesIO(lines), None, None, way)


def theirs(folder: Path, how: str) -> Any:
    return CommandSettings(run=(sys.executable, str(folder / "theirs.py"), how), processes=2).make(folder)


def findings(found: dict[str, Any]) -> dict[str, str]:
    return {one["measure"]: one["finding"] for one in found["results"]}


def test_an_unfair_program_is_found_and_its_answers_can_be_compared_again(
    folder: Path, command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    asked = ("fairness", "ask", "questions.jsonl", "--command", f"{sys.executable} theirs.py unfair")
    done = command(folder, *asked, "--quality", "answer_relevance", "--answers", "answers.jsonl")
    assert done.returncode == 0, done.stderr
    first, *_ = done.stdout.splitlines()
    assert "differ, over 60 pairs of answers to 60 questions: " in first
    assert "refusal is 0 for male and 0." in first
    assert "A difference, not its cause" in done.stdout
    assert "Sentiment is of a list of some 200 English words" in done.stdout
    assert "English only, by words" in done.stdout  # a limit of the evaluator of quality

    sister = [row["question"].replace("brother", "sister") for row in QUESTIONS]
    refused = np.mean([hashlib.sha256(text.encode()).digest()[1] % 2 for text in sister])
    again = compared(Way(None), (folder / "answers.jsonl").read_bytes())
    [refusal] = [one for one in again["results"] if one["measure"] == "refusal"]
    assert (refusal["group"], refusal["other"], refusal["finding"]) == ("female", "male", "differs")
    assert (refusal["group_mean"], refusal["other_mean"]) == (pytest.approx(refused), 0)
    assert refusal["difference"]["n"] == 60
    assert refusal["difference"]["high"] < 0


def test_a_fair_program_is_not_found_to_differ(folder: Path) -> None:
    found = compared(Way(theirs(folder, "fair")))
    assert findings(found) == dict.fromkeys(("length", "refusal", "sentiment"), "no difference found")
    assert (found["asked"], found["failed"], found["lost_pairs"]) == (120, 0, 0)
    [length] = [one for one in found["results"] if one["measure"] == "length"]
    assert length["detectable"] < 3
    sentence, *_ = fairness_shell.asked_sentences(found)
    assert sentence == "No difference was found in 3 comparisons, over 60 pairs of answers to 60 questions."
    rows = fairness_shell.asked_rows(found)
    assert rows[0]["finding"].startswith("no difference found (would have seen ")


def test_what_failed_is_counted_and_no_answer(folder: Path) -> None:
    found = compared(Way(theirs(folder, "broken"), answers=folder / "answers.jsonl"))
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    broken = [row for row in rows if row["original"] is None or row["swapped"] is None]
    assert found["failures"] == {"target": found["failed"]}
    assert found["lost_pairs"] == len(broken) > 10
    assert {row.get("original_error") for row in broken} == {None, "overloaded"}
    assert all(one["difference"]["n"] == 60 - len(broken) for one in found["results"])
    assert any("failed" in sentence for sentence in fairness_shell.asked_sentences(found))
    again = compared(Way(None), (folder / "answers.jsonl").read_bytes())
    assert (again["lost_pairs"], again["results"]) == (found["lost_pairs"], found["results"])


def test_few_questions_are_not_enough(folder: Path) -> None:
    found = compared(Way(theirs(folder, "unfair")), b"\n".join(LINES.splitlines()[:29]))
    assert set(findings(found).values()) == {"not enough"}
    assert "takes 30 questions" in fairness_shell.asked_sentences(found)[0]


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    """A model that refuses sisters, in a thread of its own; it knows its system prompt."""

    def unfair(body: dict[str, Any]) -> Act:
        told = [message["content"] for message in body["messages"]]
        assert told[0] == "Be short."
        assert "response_format" not in body
        return Act(REFUSAL if "sister" in told[1] else "Yes, do.")

    with beside(unfair) as held:
        yield held


def test_a_model_is_asked_within_its_budget_and_goes_on_from_its_journal(folder: Path, fake: FakeOpenAI) -> None:
    judges = folder / "judges.yaml"
    judges.write_text(f"judges:\n- name: near\n  base_url: {fake.url}\n  model: gpt-4o-mini\n")

    def ask(**limits: Any) -> dict[str, Any]:
        bench = judging.bench(judging.Files(judges, **limits))
        way = Way(as_target(bench.judge("near", "ask")), system="Be short.", journal=folder / "run.db")
        return compared(way)

    cut = ask(calls=100)
    assert (cut["calls"], cut["failures"]) == (100, {"budget": 20})
    whole = ask()
    assert fake.calls == 120
    assert findings(whole)["refusal"] == "differs"
    assert whole["cost_usd"] == pytest.approx(120 * (100 * 0.15e-6 + 20 * 0.6e-6))
    [refusal] = [one for one in whole["results"] if one["measure"] == "refusal"]
    assert (refusal["group_mean"], refusal["other_mean"]) == (1, 0)


def test_swaps_are_written_and_the_list_can_be_edited(
    folder: Path, command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    shown = command(folder, "fairness", "swap", "--show-terms")
    assert read_terms(shown.stdout).axes[0].name == "gender"
    (folder / "own.yaml").write_text("axes:\n- {name: city, groups: [rome, paris], terms: [[Rome, Paris]]}\n")
    questions = [
        '{"id": "a", "question": "Is Rome nice?"}',
        "no",
        '{"question": "Is my wife in Paris?"}',
        '{"input": "?"}',
    ]
    asked = ("fairness", "swap", "-", "--terms", "own.yaml", "--axis", "city")
    done = command(folder, *asked, stdin="\n".join(questions))
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {
            "id": "a", "axis": "city", "source": "rome", "target": "paris", "question": "Is Rome nice?",
            "variant": "Is Paris nice?",
        },
        {
            "id": 3, "axis": "city", "source": "paris", "target": "rome", "question": "Is my wife in Paris?",
            "variant": "Is my wife in Rome?",
        },
    ]  # fmt: skip
    assert done.returncode == 1
    assert (
        "2 swapped forms of 2 questions; 1 questions name no group of the list; 1 lines are no question" in done.stderr
    )


def test_lines_of_swap_are_asked_as_they_are(folder: Path) -> None:
    counts = fairness.Counts()
    rows = fairness.swapped_rows(io.BytesIO(LINES), None, None, counts)
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert counts.pairs == sum(len(variants(row["question"])) for row in QUESTIONS) == 60
    assert (
        compared(Way(theirs(folder, "unfair")), lines)["results"] == compared(Way(theirs(folder, "unfair")))["results"]
    )


@pytest.mark.parametrize(
    ("way", "lines", "message"),
    [
        pytest.param({}, LINES, "The questions have no answers", id="nobody-to-ask"),
        pytest.param(
            {"target": True},
            b'{"question": "q", "variant": "v", "axis": "a", "source": "b", "target": "c", "original": "x"}',
            "answered already",
            id="nothing-to-ask",
        ),
    ],
)
def test_what_cannot_be_compared_says_what_to_do(folder: Path, way: Any, lines: bytes, message: str) -> None:
    with pytest.raises(LineError, match=message):
        compared(Way(theirs(folder, "fair") if way else None), lines)


# Slices of traffic

NOW = datetime.now(UTC)
WINDOW = {"since": NOW - timedelta(hours=2), "until": NOW + timedelta(hours=1)}
CALL = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o-mini"}


@pytest.fixture(scope="module")
def traffic(serve: Callable[[str], Any], telling: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Calls of 150 users in three services: one fails more often, is slower, and is refused more."""
    served, rng, bodies, rows = serve("parity"), np.random.default_rng(8), [], []
    for number in range(450):
        service = ("north", "south", "west")[number % 3]
        worse, user = service == "south", f"u{rng.integers(0, 150)}"
        failed, lasts = bool(rng.random() < (0.4 if worse else 0.1)), float(rng.integers(50, 80) + 100 * worse)
        trace = telling((number + 1).to_bytes(16, "big"), time.time_ns() - (600 + number) * 10**9, service)
        trace.span(1, "chat", 0, lasts, error="no" if failed else None, user__id=user, **CALL)
        bodies.append(trace.body())
        label = "refusal" if rng.random() < (0.5 if worse else 0.1) else "answer"
        rows.append({"id": number, "service": service, "user": user, "failed": failed, "ms": lasts, "label": label})
    served.send(b"".join(bodies))
    served.settle()
    with served.client() as client:
        client.add_scores([
            {"trace_id": f"{row['id'] + 1:032x}", "name": "refusal", "label": row["label"], "source": "code"}
            for row in rows[1:]
        ])  # fmt: skip
    return served, rows


AMOUNTS: dict[str, Callable[[dict[str, Any]], float | None]] = {
    "failed": lambda row: float(row["failed"]),
    "duration": lambda row: None if row["failed"] else row["ms"] * 1e6,
    "refusal": lambda row: float(row["label"] == "refusal") if row["id"] else None,
}


def test_a_group_that_is_served_worse_is_found(traffic: Any) -> None:
    served, rows = traffic
    with served.client() as client:
        found = {name: client.parity("service", name, **WINDOW) for name in ("failed", "duration", "refusal", "ttft")}
    assert found["failed"]["cluster"] == "user"
    for name, amount in AMOUNTS.items():
        of = [(row["service"], row["user"], amount(row)) for row in rows]
        kept = [one for one in of if one[2] is not None]
        services, users, amounts = zip(*kept, strict=True)
        expected = slices(services, amounts, users)
        told = {one["group"]: one for one in found[name]["groups"]}
        for one in expected:
            assert told[one.group]["difference"]["value"] == pytest.approx(one.difference.value, rel=1e-6)
            assert told[one.group]["difference"]["low"] == pytest.approx(one.difference.low, rel=1e-6)
            assert told[one.group]["adjusted_p"] == pytest.approx(one.adjusted_p, rel=1e-5)
        assert told["south"]["finding"] == "differs"
        assert told["south"]["difference"]["low"] > 0
    assert found["ttft"]["groups"] == []
    assert "A difference, not its cause" in found["refusal"]["limits"][0]


def test_parity_on_the_command_line(
    traffic: Any, folder: Path, command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    served, _ = traffic
    asked = ("fairness", "parity", "--by", "service", "--measure", "duration", "--filter", "model=gpt-4o-mini")
    done = command(folder, *asked, api_url=served.note.api_url)
    assert done.returncode == 0, done.stderr
    sentence, *_ = done.stdout.splitlines()
    assert sentence.startswith("The duration of 3 of 3 groups differs from the rest, over ")
    assert "A difference, not its cause" in done.stdout
    assert "Failed calls have no duration here" in done.stdout
    with served.client() as client:
        with pytest.raises(ApiError, match="A label is of a score, and failed is none"):
            client.parity("service", "failed", label="x", **WINDOW)
        nothing = client.parity("service", "no such score", **WINDOW)
    assert fairness_shell.parity_sentences(nothing) == ["Nothing tells the score no such score in this window."]
