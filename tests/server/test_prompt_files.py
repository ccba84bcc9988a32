"""Prompts as files: what goes out comes in, byte for byte; what is wrong is told by line; the commands over them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from server import prompt_diff
from server.prompt_files import TEMPLATES, files_in, put, read, read_all, templates, written
from server.prompts import Content, PromptError

LETTERS = st.text(
    st.sampled_from(" \n\t:#-'\"|>{}[]&*!%@`,?\\~é\u2028\u0085\u00a0\ufeff\u200bab0")
    | st.characters(codec="utf-8", exclude_characters="\r\x7f", exclude_categories=("Cc", "Cs")),
    max_size=200,
).filter(lambda text: text.strip() and not any(mark in text for mark in ("{{", "{%", "{#")))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
    max_leaves=8,
)
CONTENTS = st.fixed_dictionaries(
    {"messages": st.lists(
        st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": LETTERS}),
        min_size=1, max_size=3,
    )},
    optional={
        "model": LETTERS, "parameters": st.dictionaries(LETTERS, VALUES, max_size=3),
        "tools": st.lists(st.dictionaries(LETTERS, VALUES, max_size=3), max_size=2),
    },
) | st.fixed_dictionaries({"text": LETTERS})  # fmt: skip


@given(CONTENTS, st.text("abc ", max_size=30), st.lists(st.sampled_from(["a", "b:c", "1"]), unique=True))
def test_what_goes_out_comes_in(told: dict[str, Any], note: str, tags: list[str]) -> None:
    content = Content.model_validate(told)
    text = written("some/name", tags, note.strip(), content.told())
    back = read("file", text)
    assert (back.content.hash, back.name, back.note, list(back.tags)) == (
        content.hash, "some/name", note.strip(), sorted(tags),
    )  # fmt: skip
    assert back.content.told() == content.told()
    assert written(back.name, back.tags, back.note, back.content.told()) == text


def test_long_texts_stand_in_blocks() -> None:
    told = {"messages": [{"role": "system", "content": "One.\n\n  Two: {{ a }}\n"}], "parameters": {"b": 1, "a": 0.5}}
    assert written("a/b", ["y", "x"], "why", Content.model_validate(told).told()) == (
        "prompt: a/b\n"
        "tags:\n  - x\n  - y\n"
        "note: why\n"
        "parameters:\n  a: 0.5\n  b: 1\n"
        "messages:\n  - role: system\n    content: |\n      One.\n\n        Two: {{ a }}\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: 1\n", "f.yaml is no prompt: it needs the key 'prompt' at its top", id="none"),
        pytest.param("prompt: a\n text: b: c\n", "f.yaml is no YAML", id="yaml"),
        pytest.param(
            "prompt: a\ntext: |\n  one\n  {{ b }\n", "f.yaml, line 4: text: it is no template", id="line-of-a-block"
        ),
        pytest.param("prompt: a\ntext: '{{ b }'\n", "f.yaml, line 2: text: it is no template", id="line-of-a-text"),
        pytest.param(
            "prompt: a\nmessages:\n- role: user\n  content: |-\n    a\n    b\n    {% if %}\n",
            "f.yaml, line 7: messages.0.content: it is no template", id="line-of-a-message",
        ),
        pytest.param("prompt: a\ntext: b\nversion: 3\n", "f.yaml, line 3: version: there is no such key", id="key"),
        pytest.param("prompt: ../a\ntext: b\n", "f.yaml: '../a' cannot name a prompt", id="name"),
        pytest.param("prompt: a\ntags: [a b]\ntext: b\n", "f.yaml: 'a b' cannot be a tag", id="tag"),
        pytest.param("prompt: a\ntags: x\ntext: b\n", "f.yaml, line 2: tags: tags are a list", id="tags"),
        pytest.param("prompt: a\n", "f.yaml, line 1: the prompt: a prompt has a text, or messages", id="nothing"),
        pytest.param("prompt: a\ntext: 3\n", "f.yaml, line 2: text: Input should be a valid string; got 3", id="type"),
        pytest.param("prompt: a\ntext: b\nparameters: {a: 2026-01-01}\n", "line 3: parameters.a", id="a-date"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line(text: str, said: str) -> None:
    with pytest.raises(PromptError) as error:
        read("f.yaml", text)
    assert said in str(error.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(PromptError) as error:
        read_all([("a", "prompt: x\ntext: '{{'\n"), ("b", "prompt: y\ntext: b\n"), ("c", "prompt: y\ntext: b\n")])
    first, second = str(error.value).splitlines()
    assert first.startswith("a, line 2")
    assert second == "c: b has a prompt of the same name, 'y'."


def test_templates_are_files_as_we_write_them() -> None:
    found = templates()
    assert [one["name"] for one in found] == [
        "classify", "extract-json", "judge-rubric", "rag-answer", "summarise", "support-agent",
    ]  # fmt: skip
    for one in found:
        text = (TEMPLATES / f"{one['name']}.yaml").read_text("utf-8")
        assert written(one["name"], one["tags"], one["note"], one["content"]) == text


words = st.text(st.sampled_from("ab .\n{é"), max_size=60)


@given(words, words)
def test_a_diff_is_both_texts(older: str, newer: str) -> None:
    parts = prompt_diff.words(older, newer)
    assert "".join(text for op, text in parts if op != "in") == older
    assert "".join(text for op, text in parts if op != "out") == newer
    assert (older == newer) == all(op == "same" for op, _ in parts)


@pytest.mark.parametrize(
    ("older", "newer", "parts"),
    [
        pytest.param("Be kind.", "Be very kind.", [("same", "Be"), ("in", " very"), ("same", " kind.")], id="word"),
        pytest.param("a\nb\nc", "a\nx\nc", [("same", "a\n"), ("out", "b"), ("in", "x"), ("same", "\nc")], id="line"),
        pytest.param("", "a", [("in", "a")], id="from-nothing"),
    ],
)
def test_words_that_differ(older: str, newer: str, parts: list[tuple[str, str]]) -> None:
    assert prompt_diff.words(older, newer) == parts


def test_messages_stand_for_one_another() -> None:
    def chat(*said: tuple[str, str]) -> dict[str, Any]:
        return {"messages": [{"role": role, "content": text} for role, text in said]}

    older = chat(("system", "a"), ("user", "q"))
    newer = chat(("system", "b"), ("user", "e"), ("assistant", "f"), ("user", "q"))
    found = prompt_diff.diff(older, newer)
    assert [(one["place_from"], one["place_to"], one["changed"]) for one in found["texts"]] == [
        (0, 0, True), (None, 1, True), (None, 2, True), (1, 3, False),
    ]  # fmt: skip
    assert prompt_diff.diff(older, older)["equal"] is True
    tools = [{"function": {"name": "f", "a": 1}}], [{"function": {"name": "f", "a": 2}}, {"name": "g"}]
    found = prompt_diff.diff({"text": "a", "tools": tools[0]}, {"text": "a", "tools": tools[1], "model": "m"})
    assert ([(one["name"], one["change"]) for one in found["tools"]], found["model"], found["equal"]) == (
        [("f", "changed"), ("g", "added")], [None, "m"], False,
    )  # fmt: skip


FIRST = {"messages": [{"role": "system", "content": "Be kind.\nBe short.\n"}, {"role": "user", "content": "{{ q }}"}]}


@pytest.fixture(scope="module")
def served(prompted: Any) -> Any:
    with prompted.client() as client:
        client.add_project("files")
    return prompted


@pytest.fixture(scope="module")
def assay(served: Any, command: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Runs `assay prompts` against the server, in the module's project."""
    folder = tmp_path_factory.mktemp("shell")

    def run(*words: str, fails: str | None = None, stdin: str | None = None) -> str:
        done = command(folder, "prompts", *words, "--project", "files", stdin=stdin, api_url=served.note.api_url)
        assert (done.returncode == 0) == (fails is None), done.stderr
        assert (fails or "") in done.stderr
        return str(done.stdout)

    return run


def test_a_folder_goes_out_and_comes_in(served: Any, assay: Callable[..., str], tmp_path: Path) -> None:
    with served.client("files") as client:
        client.set_prompt("shop/answer", FIRST, note="first", tags=["shop"], label="production")
        client.set_prompt("plain", {"text": "Say {{ a }}"})
    assert assay("export", str(tmp_path)) == f"2 files in {tmp_path}: 2 written.\n"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yaml")}
    assert assay("export", str(tmp_path)) == f"2 files in {tmp_path}: 2 unchanged.\n"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yaml")} == before
    file = tmp_path / "shop" / "answer.yaml"
    file.write_text(file.read_text().replace("kind", "fair"))
    (tmp_path / "other.yaml").write_text("a: 1\n")
    dry = [json.loads(line) for line in assay("import", str(tmp_path), "--dry-run", "--json").splitlines()]
    assert [(one["name"], one["version"], one["change"]) for one in dry] == [
        ("plain", 1, "same"), ("shop/answer", 2, "version"),
    ]  # fmt: skip
    with served.client("files") as client:
        assert client.prompt("shop/answer")["version"] == 1
    assert "a new version" in assay("import", str(tmp_path), "--label", "staging")
    with served.client("files") as client:
        assert client.prompt("shop/answer", "staging")["messages"][0]["content"] == "Be fair.\nBe short.\n"
        assert client.prompt("plain", "staging")["version"] == 1
    assert assay("export", str(tmp_path)).endswith("2 unchanged.\n")
    file.write_text("prompt: shop/answer\ntext: '{{'\n")
    assay("import", str(tmp_path), fails="shop/answer.yaml, line 2: text: it is no template")


def test_commands_tell_and_change(served: Any, assay: Callable[..., str]) -> None:
    told = "prompt: cli/one\ntags: [x]\nnote: first\ntext: Be kind to {{ who }}\n"
    assert assay("set", "-", "--label", "production", stdin=told) == (
        "cli/one is version 1. Label production names it.\n"
    )
    assert assay("set", "-", stdin=told) == "cli/one says what version 1 says: no new one.\n"
    assert yaml.safe_load(assay("get", "cli/one")) == yaml.safe_load(told)
    assay("set", "-", "--note", "more", stdin=told.replace("kind", "very kind"))
    assert assay("diff", "cli/one", "production") == (
        "cli/one: version 1 against 2\n\nmessage 1, text:\nBe{+ very+} kind to {{ who }}\n"
    )
    assert json.loads(assay("diff", "cli/one", "1", "1", "--json"))["equal"] is True
    assert json.loads(assay("get", "cli/one", "--version", "production", "--json"))["version"] == 1
    assert assay("label", "cli/one", "production", "2", "--protect", "--reason", "go") == (
        "Label production of cli/one names version 2. It is protected.\n"
    )
    assay(
        "label",
        "cli/one",
        "production",
        "1",
        fails="To change it name it once more: `--confirm production` in the shell",
    )
    assay("label", "cli/one", fails="")
    listed = [json.loads(line) for line in assay("list", "--text", "cli/", "--json").splitlines()]
    assert [(one["name"], one["labels"]) for one in listed] == [("cli/one", {"production": 2})]
    assert "production 2" in assay("list", "--tag", "x")
    assert "more" in assay("show", "cli/one")
    assert "go" in assay("show", "cli/one", "--history")
    assert assay("label", "cli/one", "production", "--unprotect", "--confirm", "production").endswith(
        "It is not protected.\n"
    )
    assert "no label production any more" in assay("label", "cli/one", "production", "--remove")
    assert assay("list", "--label", "production", "--text", "cli/") == "No prompt is so.\n"
    assert "is deleted" in assay("delete", "cli/one")
    assay("get", "cli/one", fails="The prompt 'cli/one' was deleted")
    assay("get", "cli/two", fails="has no prompt 'cli/two'")


def test_files_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="is no folder"):
        files_in(tmp_path / "none")
    (tmp_path / "a.yml").write_text("prompt: a\ntext: b\n")
    (tmp_path / "b.yaml").write_text("x: 1\n")
    assert files_in(tmp_path) == ([("a.yml", "prompt: a\ntext: b\n")], ["b.yaml"])
    (tmp_path / "c.yaml").write_bytes(b"prompt: \xff")
    with pytest.raises(PromptError, match=r"c\.yaml cannot be read"):
        files_in(tmp_path)
    (tmp_path / "d").write_text("")
    with pytest.raises(PromptError, match="cannot be written"):
        put(tmp_path, [{"path": "d/e.yaml", "text": "x"}])
