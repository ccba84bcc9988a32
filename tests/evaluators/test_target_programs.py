"""Programs and functions as real processes, in a Python of their own: what they do wrong becomes an answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evaluators.case import Case, Message, ToolCall
from evaluators.judges.budget import Budget
from evaluators.targets.answer import Answer, Asking, Target, answered
from evaluators.targets.config import CommandSettings, PythonSettings

THEIRS = """
import os, sys, time
print("loading")  # must not end up among the answers

def answer(row):
    asked = row["question"]
    if asked == "crash":
        os._exit(7)
    if asked == "hang":
        time.sleep(60)
    if asked == "raise":
        raise KeyError("asked")
    if asked == "big":
        return str(len(bytearray(2 << 30)))
    if asked == "huge":
        return "x" * (2 << 20)
    if asked == "none":
        return None
    if asked == "number":
        return 7
    if asked == "blank":
        return " "
    if asked == "list":
        return {"answer": ["x"]}
    if asked == "shape":
        return {"answer": "x", "contexts": {"a": 1}}
    if asked == "object":
        return {"said": "x"}
    if asked == "nan":
        return {"answer": float("nan")}
    if asked == "error":
        return {"error": "overloaded"}
    if asked == "halves":
        return "\\ud83d\\ude00 \\ud83d"
    if asked == "noise":
        print("x" * 100000)
        os.write(1, b"{}\\n")
    if asked == "where":
        return {"answer": sys.prefix, "session": os.getcwd()}
    if asked == "row":
        return {"answer": repr(sorted(row.items()))}
    if asked == "all":
        return {
            "answer": "Yes", "contexts": ["c", {"text": "d"}], "messages": [{"role": "user", "content": "m"}],
            "tool_calls": [{"name": "find", "arguments": {"a": 1}}], "held_back": True, "cut": True, "session": 5,
            "usage": {"prompt_tokens": 3, "output_tokens": 4, "cost_usd": 0.4, "ttft_ms": 1.5, "latency_ms": "no"},
        }
    return "You asked %s, %d" % (asked, os.getpid())

async def later(row):
    return "later"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "theirs.py").write_text(THEIRS)
    return tmp_path


def asked(target: Target, *questions: str, asking: Asking = Asking()) -> list[Answer]:  # noqa: B008 - frozen
    async def go() -> list[Answer]:
        said = [await target(Case(id=n, question=text), asking) for n, text in enumerate(questions)]
        await target.aclose()
        return said

    return asyncio.run(go())


def python(folder: Path, function: str = "theirs:answer", budget: Budget | None = None, **more: Any) -> Target:
    return PythonSettings(function=function, **{"timeout_s": 5.0, **more}).make(folder, None, budget)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment of somebody else."""
    made = tmp_path_factory.mktemp("theirs") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made)], check=True)
    return made


@pytest.mark.parametrize("how", ["absolute", "of-the-folder"])
def test_a_function_runs_in_their_environment(how: str, folder: Path, elsewhere: Path) -> None:
    if how == "of-the-folder":
        (folder / ".venv").symlink_to(elsewhere)
    interpreter = str(elsewhere / "bin" / "python") if how == "absolute" else ".venv/bin/python"
    [said] = asked(python(folder, interpreter=interpreter), "where")
    assert (said.status, said.reason) == ("ok", "")
    assert Path(said.text or "").resolve() == elsewhere.resolve()
    assert Path(said.text or "").resolve() != Path(sys.prefix).resolve()
    assert said.session == str(folder.resolve())


def test_what_it_gets_and_tells(folder: Path) -> None:
    row, everything = asked(python(folder), "row", "all", asking=Asking(2, 9, "00-aa-bb-01"))
    told = [("id", 0), ("question", "row"), ("repeat", 2), ("seed", 9), ("traceparent", "00-aa-bb-01")]
    assert row.text == repr(told)
    assert everything.text == "Yes"
    assert everything.contexts == ("c", "d")
    assert everything.messages == (Message("user", "m"),)
    assert everything.tool_calls == (ToolCall("find", {"a": 1}),)
    assert (everything.held_back, everything.cut, everything.session) == (True, True, "5")
    usage = everything.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd, usage.ttft_ms) == (3, 4, 0.4, 1.5)
    assert 0 < (usage.latency_ms or 0) < 5000
    assert row.usage is not None
    assert (row.usage.input_tokens, row.usage.cost_usd, row.usage.ttft_ms) == (None, None, None)
    assert answered(Case(question="all"), everything).contexts == ("c", "d")


def test_one_bad_item_ends_nothing(folder: Path) -> None:
    questions = [
        "a", "crash", "b", "hang", "c", "raise", "none", "number", "blank", "list", "shape", "object", "nan", "error",
        "halves", "noise", "huge", "d",
    ]  # fmt: skip
    started = time.monotonic()
    said = dict(zip(questions, asked(python(folder, timeout_s=2.0, max_bytes=1 << 20), *questions), strict=True))
    assert time.monotonic() - started < 40  # it would hang for 60
    assert {text: said[text].status for text in "abcd"} == dict.fromkeys("abcd", "ok")
    errors = {text: one.error_type for text, one in said.items() if one.status == "error"}
    assert errors == {
        "crash": "crashed", "hang": "timeout", "raise": "KeyError", "none": "empty", "number": "bad_answer",
        "blank": "empty", "list": "bad_answer", "shape": "bad_answer", "object": "empty", "nan": "ValueError",
        "error": "target", "huge": "too_large",
    }  # fmt: skip
    assert "exit code 7" in said["crash"].reason
    assert "theirs.py, line 12" in said["raise"].reason
    assert said["number"].reason == "The function returned a int, and neither a text nor a dictionary."
    assert said["error"].reason == "overloaded"
    assert said["halves"].text == "😀 \ufffd"
    assert said["shape"].reason.startswith("'contexts' is a list of texts, not: ")
    assert "more than 1,048,576 bytes" in said["huge"].reason
    pids = {(said[text].text or "").rpartition(" ")[2] for text in "abcd"}
    assert len(pids) == 4  # started again after the crash, the hang and what was too much, and only then
    assert str(os.getpid()) not in pids


def test_functions_may_be_async_and_are_told_of_when_they_are_not_there(folder: Path) -> None:
    assert asked(python(folder, "theirs:later"), "a")[0].text == "later"
    [said] = asked(python(folder, "theirs:missing"), "a")
    assert (said.error_type, "has no attribute 'missing'" in said.reason) == ("not_started", True)
    [said] = asked(python(folder, interpreter="./no/python"), "a")
    assert (said.error_type, "cannot be started: No such file" in said.reason) == ("not_started", True)


def test_memory_is_capped(folder: Path) -> None:
    big, after = asked(python(folder, memory_mb=1024), "big", "a")
    assert (big.error_type, after.status) == ("MemoryError", "ok")


def test_latency_is_of_the_answer_and_not_of_the_start(folder: Path) -> None:
    (folder / "slow.py").write_text(
        "import time\ntime.sleep(0.5)\ndef nap(row):\n    time.sleep(0.1)\n    return 'x'\n"
    )
    started = time.monotonic()
    [said] = asked(python(folder, "slow:nap"), "a")
    took = (time.monotonic() - started) * 1000
    assert said.usage is not None
    assert 100 <= (said.usage.latency_ms or 0) <= took - 500


def test_a_budget_holds_for_what_tells_its_cost(folder: Path) -> None:
    budget = Budget(1.0)
    said = asked(python(folder, budget=budget), "all", "all", "all")
    assert [one.error_type for one in said] == [None, None, "budget"]
    assert budget.spent_usd == 0.8


# Commands


def command(where: Path, script: str, **more: Any) -> Target:
    return CommandSettings(run=("/bin/sh", "-c", script), **{"timeout_s": 10.0, **more}).make(where)


def test_any_command_that_speaks_lines(folder: Path) -> None:
    script = 'while read -r line; do echo "{\\"answer\\": \\"$(pwd)\\"}"; done'
    (folder / "inner").mkdir()
    said = asked(command(folder, script, folder="inner"), "a", "b")
    assert [one.text for one in said] == [str(folder / "inner")] * 2
    (folder / "echo.sh").write_text('#!/bin/sh\nread -r l\necho \'{"answer": "here"}\'\n')
    (folder / "echo.sh").chmod(0o755)
    assert asked(CommandSettings(run=("./echo.sh",)).make(folder), "a")[0].text == "here"


@pytest.mark.parametrize(
    ("script", "error", "told"),
    [
        pytest.param("read -r l; echo hello; sleep 9", "bad_answer", "no JSON line", id="no-json"),
        pytest.param("read -r l; echo '[1]'; cat >&2", "bad_answer", "no JSON object but: [1]", id="no-object"),
        pytest.param("read -r l; echo '{}'; cat >&2", "empty", "has no `answer`: {}", id="nothing"),
        pytest.param(
            'read -r l; echo \'{"answer": "a", "_n": 9}\'; sleep 9', "bad_answer", "another row", id="another"
        ),
        pytest.param("read -r l; echo oh no >&2; exit 3", "crashed", "exit code 3. It said: oh no", id="ends"),
        pytest.param("exit 0", "crashed", "exit code 0", id="ends-at-once"),
        pytest.param("kill -9 $$", "crashed", "signal 9", id="killed"),
        pytest.param("exec >&-; sleep 9", "crashed", "closed its output", id="closes"),
        pytest.param("sleep 9", "timeout", "within 0.5 s", id="hangs"),
        pytest.param("read -r l; cat /dev/zero", "too_large", "more than 65,536 bytes", id="endless-line"),
        pytest.param("yes", "bad_answer", "no JSON line", id="endless-lines"),
        pytest.param("read -r l; printf '[%.0s' $(seq 9000)", "bad_answer", "no JSON line", id="deep"),
    ],
)
def test_a_command_that_does_not_keep_to_it(script: str, error: str, told: str, folder: Path) -> None:
    [said] = asked(command(folder, script, timeout_s=0.5 if error == "timeout" else 10, max_bytes=65536), "a")
    assert (said.status, said.error_type) == ("error", error)
    assert told in said.reason


def test_a_program_that_is_killed_is_quiet(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its end is asked for once: whoever asks second is told by asyncio, on the user's terminal, that it is unknown."""
    caplog.set_level("WARNING", "asyncio")
    said = asked(command(folder, "sleep 9", timeout_s=0.02, processes=8), *(str(number) for number in range(40)))
    assert {one.error_type for one in said} == {"timeout"}
    assert caplog.records == []


def test_a_command_that_is_not_there(folder: Path) -> None:
    said = asked(CommandSettings(run=("./nothing",)).make(folder), *"abcd")
    assert {one.error_type for one in said} == {"not_started"}
    assert "No such file" in said[0].reason


def test_rulers() -> None:
    def rulers(**change: Any) -> Target:
        return PythonSettings(**{"function": "a:b", **change}).make(Path())

    usual = rulers()
    assert usual.ruler == rulers(interpreter="./x/python", timeout_s=1, processes=2, folder="x").ruler
    assert usual.ruler != rulers(function="a:c").ruler
    assert usual.ruler != rulers(version="2").ruler
    assert (usual.pinned, rulers(version="2").pinned) == (False, True)
