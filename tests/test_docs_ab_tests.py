"""What docs/ab-tests.md shows works: the file, the hash, the attribute, the commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from typer.testing import CliRunner

from server import ab_tests
from server.ab_shell import read_tests
from server.ab_tests import Terms
from server.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "ab-tests.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def terms(tmp_path: Path) -> Terms:
    """Those of the file that the page shows."""
    file = tmp_path / "tests.yaml"
    file.write_text(blocks("yaml")[0])
    (told,) = read_tests(file)
    assert told.name == "answer-style"
    return Terms(**told.terms)


def test_the_hash_is_the_one_of_the_server(terms: Terms) -> None:
    held: dict[str, Any] = {}
    exec(blocks("python")[0], held)  # noqa: S102 - the page's own
    variant: Callable[..., str] = held["variant"]
    weights = {one.name: one.weight for one in terms.variants}
    units = [f"user-{n}" for n in range(500)] + ["Ü", "with blanks", "a:b"]
    told = [variant("answer-style", terms.salt, unit, weights) for unit in units]
    assert told == [ab_tests.assigned("answer-style", terms, unit).name for unit in units]
    assert set(told) == set(weights)


def test_its_buckets_are_right() -> None:
    rows = re.findall(r"^\| ([\w-]+) \| (\d) \| ([\w-]+) \| (\d+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == 6
    assert [int(at) for *_, at in rows] == [ab_tests.bucket(*told) for *told, _ in rows]


def test_the_answer_is_the_one_of_the_server(terms: Terms) -> None:
    (block,) = blocks("text")
    told = json.loads(block.splitlines()[1])
    variant = ab_tests.assigned("answer-style", terms, "user-1")
    assert (told["variant"], told["traced_as"]) == (variant.name, variant.label("answer-style"))
    assert told["bucket"] == ab_tests.bucket("answer-style", terms.salt, "user-1")


def test_the_span_carries_what_the_server_reads(terms: Terms, monkeypatch: pytest.MonkeyPatch) -> None:
    exported, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    monkeypatch.setattr("opentelemetry.trace.get_tracer", provider.get_tracer)
    exec(blocks("python")[1], {})  # noqa: S102 - the page's own
    (span,) = exported.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["variant"] == ab_tests.assigned("answer-style", terms, "user-1").label("answer-style")
    assert span.attributes["user.id"] == "user-1"


def test_its_commands_are_known() -> None:
    lines = [line for text in blocks("bash") for line in text.splitlines()]
    assert len(lines) == 6
    said = [CliRunner().invoke(app, [*shlex.split(line)[1:], "--help"]).exit_code for line in lines]
    assert said == [0] * 6
    assert CliRunner().invoke(app, ["ab", "asign", "--help"]).exit_code != 0


def test_every_key_of_a_test_is_told() -> None:
    page = PAGE.read_text("utf-8")
    assert [key for key in (*Terms.model_fields, "traced_as", "margin") if not re.search(rf"\b{key}\b", page)] == []
