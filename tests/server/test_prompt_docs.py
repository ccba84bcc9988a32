"""The clients of docs/prompts.md, run as they stand there: with the server, with it gone, and where it never was."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry import context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from typer.testing import CliRunner

from collectors.conventions.registry import DIALECTS
from evaluators.targets.config import ModelSettings
from server.cli import app
from server.prompt_files import read, written

PAGE = Path(__file__).parents[2] / "docs" / "prompts.md"
SAID = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{ question }}"}]}
PYTHON = """
import client, json
found = client.prompt("support/answer")
print(json.dumps([found["version"], client.filled(found["messages"][-1]["content"], question="Why?")]))
"""
NODE = """
import { prompt, filled } from "./client.mjs";
const found = await prompt("support/answer");
console.log(JSON.stringify([found.version, filled(found.messages.at(-1).content, { question: "Why?" })]));
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def client_in(folder: Path, language: str) -> Callable[[str], Any]:
    """Writes the client, and runs it against a server: the version and the text that it gets."""
    if language == "python":
        (folder / "client.py").write_text(blocks("python")[0])
        words = [sys.executable, "-c", PYTHON]
    else:
        (folder / "client.mjs").write_text(blocks("javascript")[0])
        words = [shutil.which("node") or pytest.skip("no node"), "--input-type=module", "-e", NODE]

    def run(url: str) -> Any:
        environment = {"PATH": os.environ["PATH"], "ASSAY_API_URL": url}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_clients_go_on_while_the_server_is_away(start: Callable[..., Any], tmp_path: Path) -> None:
    serving = start()
    url = serving.note.api_url
    clients = []
    for language in ("python", "javascript"):
        if language == "javascript" and shutil.which("node") is None:
            continue
        (tmp_path / language).mkdir()
        clients.append(client_in(tmp_path / language, language))
    with serving.client() as client:
        for run in clients:
            assert run(url) == [None, "Answer shortly: Why?"]  # no such prompt yet: the text in the code
        client.set_prompt("support/answer", SAID, label="production")
        for run in clients:
            assert run(url) == [1, "Why?"]
            assert run(url) == [1, "Why?"]  # 304
        client.set_prompt(
            "support/answer", {"messages": [{"role": "user", "content": "Now: {{question}}"}]}, label="production"
        )
        for run in clients:
            assert run(url) == [2, "Now: Why?"]
    serving.end()
    for run in clients:
        assert run(url) == [2, "Now: Why?"]
    for kept in tmp_path.glob("*/prompts-kept.json"):
        kept.write_text("{ cut off")
    for run in clients:
        assert run(url) == [None, "Answer shortly: Why?"]


def test_the_processor_stamps_spans() -> None:
    space: dict[str, Any] = {}
    exec(blocks("python")[2], space)  # noqa: S102 - it is our own
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(space["Stamp"]())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    token = context.attach(space["using"]({"version": 3}, "support/answer"))
    with tracer.start_as_current_span("chat"):
        pass
    context.detach(token)
    with tracer.start_as_current_span("other"):
        pass
    first, second = exporter.get_finished_spans()
    assert dict(first.attributes or {}) == {"gen_ai.prompt.name": "support/answer", "gen_ai.prompt.version": "3"}
    assert dict(second.attributes or {}) == {}


def test_the_table_tells_what_is_read() -> None:
    told = set(re.findall(r"`([\w.]+)`", "\n".join(line for line in PAGE.read_text().splitlines() if line[:1] == "|")))
    read_by_us = {key for one in DIALECTS for key in (*one.prompt_name, *one.prompt_version)}
    assert told == read_by_us


def test_files_and_suites_are_as_shown() -> None:
    file, target = blocks("yaml")
    one = read("file", file)
    assert written(one.name, one.tags, one.note, one.content.told()) == file
    ModelSettings.model_validate(yaml.safe_load(target)["target"]["model"])


def test_commands_have_their_options() -> None:
    lines = [line for text in blocks("bash") for line in re.findall(r"^assay (.*)$", text, re.MULTILINE)]
    assert len(lines) == 9
    for line in lines:
        words = re.sub(r'"[^"]*"', "x", line.split(" > ")[0]).split()
        assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0, line
