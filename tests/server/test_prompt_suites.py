"""A suite whose model target names a stored prompt: what is sent, what the manifest says, and when there is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_openai import Act, beside

SUITE = """\
suite: stored
dataset: {file: items.jsonl}
target:
  model:
    base_url: URL
    model: small
    stream: false
    parameters: {temperature: 1}
    prompt: PROMPT
evaluators: [{name: contains, options: {texts: [ok]}}]
"""
ITEMS = [{"id": "1", "question": "Why?", "metadata": {"tone": "kind"}}]


@pytest.fixture(scope="module")
def stored(prompted: Any) -> Any:
    tool = {"type": "function", "function": {"name": "find"}}
    chat = [{"role": "system", "content": "Be {{ tone }}."}, {"role": "user", "content": "{{ question }}"}]
    with prompted.client() as client:
        client.set_prompt("chat", {"messages": chat, "parameters": {"temperature": 0, "top_p": 0.5}, "tools": [tool]})
        client.set_prompt("chat", {"messages": [*chat[:1], {"role": "user", "content": "Now: {{ question }}"}]})
        client.move_label("chat", "production", 1)
        client.set_prompt("text", {"text": "Answer in a {{ tone }} way: {{ question }}"})
    return prompted


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    with beside([Act("ok")]) as server:
        yield server


@pytest.fixture
def run(stored: Any, model: Any, command: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "items.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in ITEMS))

    def carried_out(prompt: str, *words: str, verb: str = "run") -> Any:
        (tmp_path / "suite.yaml").write_text(SUITE.replace("URL", model.url).replace("PROMPT", prompt))
        more = ("--quiet", "--no-store") if verb == "run" else ()
        return command(tmp_path, "eval", verb, "suite.yaml", *more, *words, api_url=stored.note.api_url)

    return carried_out


@pytest.mark.parametrize(
    ("prompt", "version", "messages", "more"),
    [
        pytest.param("{stored: chat, label: production}", 1, [("system", "Be kind."), ("user", "Why?")],
                     {"temperature": 1, "top_p": 0.5, "tools": [{"type": "function", "function": {"name": "find"}}]},
                     id="label"),
        pytest.param("{stored: chat}", 2, [("system", "Be kind."), ("user", "Now: Why?")], {"temperature": 1},
                     id="latest"),
        pytest.param("{stored: text, version: 1}", 1, [("user", "Answer in a kind way: Why?")], {"temperature": 1},
                     id="text"),
    ],
)  # fmt: skip
def test_what_a_version_says_is_sent(
    run: Callable[..., Any],
    model: Any,
    stored: Any,
    tmp_path: Path,
    prompt: str,
    version: int,
    messages: list[tuple[str, str]],
    more: dict[str, Any],
) -> None:
    done = run(prompt, "--repeats", "1")
    assert done.returncode == 0, done.stderr
    sent = dict(model.requests[-1])
    assert [(one["role"], one["content"]) for one in sent.pop("messages")] == messages
    assert {key: value for key, value in sent.items() if key not in {"model", "stream"}} == more
    manifest = json.loads((tmp_path / "eval-results" / "stored" / "manifest.json").read_text())
    name = prompt[1:-1].split(",", maxsplit=1)[0].split()[1]
    with stored.client() as client:
        held = client.prompt(name, version=version)
    told = manifest["target"]["prompt"]
    assert (told["name"], told["version"], told["hash"], told["project"]) == (name, version, held["hash"], "default")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        pytest.param("{stored: chta}", "has no prompt 'chta'. Did you mean 'chat'?", id="name"),
        pytest.param("{stored: chat, label: prod}", "has no label 'prod'; it has: latest, production.", id="label"),
        pytest.param("{stored: chat, version: 9}", "has no version 9; its newest is 2.", id="version"),
        pytest.param("{stored: chat, project: none}", "No project is named 'none'.", id="project"),
        pytest.param("{stored: chat, label: a, version: 1}", "of a label, or a version: one of them", id="both"),
        pytest.param("{stored: chat, lable: a}", "there is no such key; did you mean 'label'?", id="key"),
        pytest.param("5", "target.model.prompt: a prompt is a text, or {stored: NAME}; got 5.", id="number"),
        pytest.param("{stored: chat}\n    system: x", "a stored prompt is the whole prompt", id="system"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(run: Callable[..., Any], prompt: str, said: str) -> None:
    done = run(prompt, verb="check")
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert "suite.yaml, line " in done.stderr


def test_the_app_checks_a_suite_with_a_stored_prompt(stored: Any, model: Any) -> None:
    text = SUITE.replace("URL", model.url).replace("items.jsonl", "rag.jsonl")
    with stored.client() as client:
        assert client.check_suite(text.replace("PROMPT", "{stored: text}"))["problem"] is None
        bad = client.check_suite(text.replace("PROMPT", "{stored: text, label: nowhere}"))
    assert (bad["line"], "has no label 'nowhere'" in bad["problem"]) == (9, True)
