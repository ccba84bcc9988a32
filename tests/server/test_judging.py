"""`assay score` with judges and evaluators of the user's own, as the real command; judges' spans in our collector."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_openai import FakeOpenAI, beside, good
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from collectors.normalise import normalise
from collectors.otlp import decode
from collectors.scores import scores_of_span
from evaluators.case import Case
from evaluators.errors import EvaluatorError
from evaluators.judges import builtin
from evaluators.judges.judge import Judge
from evaluators.judges.model import Usage
from evaluators.judges.settings import JudgeSettings
from evaluators.judges.tracing import tracer_of
from evaluators.scoring import judged
from server import judging, score_shell
from server.judging import list_price

CASE = Case(id=7, question="Where?", answer="In Rome.", contexts=("It is in Rome.",))
JUDGES = "judges:\n- name: near\n  base_url: {url}\n  model: gpt-4o-mini\n  key_env: NEAR_KEY\n"
OWN = """\
evaluators:
- name: polite
  version: "2"
  measures: The answer is polite.
  needs: [answer]
  prompt: |
    Is it polite?
    {answer}
  labels: {rude: 0, polite: 1}
- name: long
  measures: The answer has more than nine letters.
  python: theirs:long
"""


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    """A model that finds everything polite, in a thread of its own."""
    with beside([good(reason="It says please.", label="polite")]) as held:
        yield held


@pytest.fixture
def folder(tmp_path: Path, fake: FakeOpenAI) -> Path:
    (tmp_path / "judges.yaml").write_text(JUDGES.format(url=fake.url))
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "theirs.py").write_text("def long(row):\n    return len(row['answer']) > 9\n")
    rows = [{"id": n, "answer": f"Please, {'x' * n}"} for n in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def score(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.cli", "score", "rows.jsonl", "--evaluators", "own.yaml", *flags]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "NEAR_KEY": "sk-1"}
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_own_evaluators_score_in_order_with_a_judge_and_without(folder: Path, fake: FakeOpenAI) -> None:
    done = score(folder, "-e", "polite,long,exact_match", "--judges", "judges.yaml")
    assert done.returncode == 0, done.stderr
    rows = lines(done)
    assert [(row["id"], row["evaluator"], row["value"]) for row in rows if row["evaluator"] != "exact_match"] == [
        (n, name, value) for n in range(4) for name, value in (("polite", 1.0), ("long", float(n > 1)))
    ]
    assert rows[0]["version"].startswith("2-")
    assert rows[0]["spent"]["cost_usd"] == pytest.approx(100 * 0.15e-6 + 20 * 0.6e-6)
    assert rows[0]["details"]["judge"]["answered_by"] == "gpt-4o-mini-0613"
    assert "4 calls of judges" in done.stderr
    assert "0.0001 USD" in done.stderr
    assert fake.headers[0]["authorization"] == "Bearer sk-1"
    assert "sk-1" not in done.stdout + done.stderr


def test_journal_cache_and_budget(
    folder: Path, fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What the command does, in this process: every start of the SDK takes a second."""
    monkeypatch.setenv("NEAR_KEY", "sk-1")

    def polite(way: score_shell.Way, **limits: Any) -> list[dict[str, Any]]:
        files = judging.Files(folder / "judges.yaml", folder / "own.yaml", **limits)
        with (folder / "rows.jsonl").open("rb") as rows:
            score_shell.score_lines(rows, score_shell.made(["polite"], [], judging.bench(files)), way)
        return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]

    cache, journal = folder / "cache.db", folder / "run.db"
    cut = polite(score_shell.Way(1, journal=journal), cache=cache, calls=3)
    assert [row.get("error_type") for row in cut] == [None] * 3 + ["budget"]
    assert [row["value"] for row in polite(score_shell.Way(journal=journal))] == [1.0] * 4
    assert fake.calls == 4
    again = polite(score_shell.Way(repeats=2), cache=cache)
    assert [(row["id"], row["repeat"], row["spent"]["cached"]) for row in again] == [
        (n, repeat, int(repeat == 0 and n < 3)) for n in range(4) for repeat in range(2)
    ]


@pytest.mark.parametrize(
    ("files", "name", "options", "told"),
    [
        pytest.param({}, "polite", [], "polite asks a model: name the file of judges", id="no-judges"),
        pytest.param({"judges": "none.yaml"}, "polite", [], "none.yaml cannot be read", id="no-file"),
        pytest.param({"judges": "own.yaml"}, "polite", [], "own.yaml needs a list called 'judges'", id="other-file"),
        pytest.param(
            {"judges": "judges.yaml"}, "polite", ["polite.judge=far"], "asks for judge 'far'; the file names: near",
            id="judge",
        ),
        pytest.param({}, "polit", [], r"Did you mean 'polite'\?", id="name"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(files: dict[str, str], name: str, options: list[str], told: str, folder: Path) -> None:
    held = judging.Files(evaluators=folder / "own.yaml", **{key: folder / path for key, path in files.items()})
    with pytest.raises(EvaluatorError, match=told):
        score_shell.made([name], options, judging.bench(held))


def test_a_name_that_is_taken_is_told(folder: Path) -> None:
    (folder / "own.yaml").write_text(OWN.replace("name: long", "name: exact_match"))
    with pytest.raises(EvaluatorError, match="'exact_match' is the name of an installed evaluator"):
        score_shell.made(["polite"], [], judging.bench(judging.Files(evaluators=folder / "own.yaml")))


def test_a_file_that_is_no_journal_is_one_sentence(folder: Path) -> None:
    done = score(folder, "-e", "long", "--journal", "own.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "assay: own.yaml is no journal" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_that_is_not_set_is_told_before_anything_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAR_KEY", "")
    held = judging.Files(folder / "judges.yaml", folder / "own.yaml")
    with pytest.raises(EvaluatorError, match="takes its key from NEAR_KEY, which is not set"):
        score_shell.made(["polite"], [], judging.bench(held))


def test_own_evaluators_are_listed(folder: Path) -> None:
    command = [sys.executable, "-m", "server.cli", "evaluators", "--json", "--evaluators", "own.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    found = {row["name"]: row for row in lines(done)}
    assert {"polite", "long", "exact_match"} <= found.keys()
    assert (found["polite"]["cost"], found["polite"]["options"]) == ("judge", ["judge"])
    assert (found["long"]["cost"], found["long"]["family"]) == ("free", "custom")


# Prices and traces


def test_list_prices() -> None:
    assert list_price("openai", "gpt-4o-mini", Usage(1_000_000, 0)) == pytest.approx(0.15)
    assert list_price("openai", "gpt-4o-mini", Usage(None, 5)) is None
    assert list_price("openai", "no-such-model-7", Usage(1, 1)) is None


def test_our_collector_understands_what_judges_trace() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def go() -> None:
        async with FakeOpenAI([good(reason="It stands there.", label="supported")]) as fake:
            judge = Judge(
                JudgeSettings(name="j", base_url=fake.url, model="gpt-4o-mini", params={"seed": 4}),
                tracer=tracer_of(provider),
            )
            await judged(builtin.GROUNDEDNESS(judge=judge), CASE)
            await judge.aclose()

    asyncio.run(go())
    body = encode_spans(exporter.get_finished_spans()).SerializeToString()
    spans = {span.name: span for span in decode("traces", "http-protobuf", body).spans}
    call, verdict = (normalise(spans[name]) for name in ("chat gpt-4o-mini", "evaluate judge_groundedness"))
    assert (call.kind, call.provider, call.usage_role) == ("llm", "openai", "leaf")
    assert (call.request_model, call.response_model) == ("gpt-4o-mini", "gpt-4o-mini-0613")
    assert (call.input_tokens, call.output_tokens, call.finish_reason) == (100, 20, "stop")
    assert call.input is not None
    assert "It is in Rome." in call.input
    assert call.output is not None
    assert "It stands there." in call.output
    assert verdict.kind == "evaluator"
    assert spans["chat gpt-4o-mini"].parent_span_id == spans["evaluate judge_groundedness"].span_id
    (told,) = scores_of_span(spans["evaluate judge_groundedness"], verdict)
    assert (told.name, told.value, told.label) == ("judge_groundedness", 1.0, "supported")
    assert told.explanation == "It stands there."
    assert told.evaluator_version == builtin.GROUNDEDNESS.card.version


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Commands begin by hearing SIGINT. What a script starts in the background ignores it, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_pipe_that_stays_open_holds_up_neither_a_verdict_nor_the_end(folder: Path, interruptible: None) -> None:
    command = [sys.executable, "-m", "server.cli", "score", "-", "-e", "exact_match"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b'{"answer": "a", "reference": "a"}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["value"] == 1.0
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert b"Fatal" not in process.stderr.read()
