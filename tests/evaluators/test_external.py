"""Evaluators of the user's own, as real processes and over real HTTP: what they do wrong becomes a row."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_openai import Act, FakeOpenAI
from hypothesis import given
from hypothesis import strategies as st

from evaluators.case import Case, Message, Step, ToolCall, Usage
from evaluators.errors import EvaluatorError
from evaluators.external import Program, read_answer
from evaluators.own import parse_evaluators
from evaluators.processes import python_command
from evaluators.protocol import Card, ruler
from evaluators.rows import case_row, read_case
from evaluators.runner import run
from evaluators.scoring import judged
from evaluators.verdict import Scale, Verdict

THEIRS = '''
import os, sys, time
print("loading")  # must not end up among the answers

def polite(row):
    """Any function of theirs."""
    answer = row["answer"]
    if answer == "crash":
        os._exit(7)
    if answer == "hang":
        time.sleep(60)
    if answer == "raise":
        raise KeyError("polite")
    if answer == "big":
        return {"value": float(len(bytearray(2 << 30)))}
    if answer == "none":
        return None
    if answer == "nan":
        return float("nan")
    if answer == "text":
        return "very"
    if answer == "noise":
        print("x" * 100000)
        os.write(1, b"{}\\n")
        sys.stderr.write("y" * 100000)
    return {"value": 1.0, "label": "polite", "reason": f"{row['question']} {os.getpid()}", "spans": [[0, 2]]}

async def later(row):
    return 0.25

class Box:
    @staticmethod
    def inner(row):
        return True
'''

CARD = Card("polite", "1", "custom", "Polite.", ("answer",), scale=Scale(labels=("polite",)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "theirs.py").write_text(THEIRS)
    return tmp_path


def program(folder: Path, function: str = "theirs:polite", **more: Any) -> Program:
    return Program(
        CARD, python_command(None, function, "verdict"), folder=folder, says_ready=True, **{"timeout_s": 5, **more}
    )


def scored(made: Program, *answers: str) -> list[Verdict]:
    async def go() -> list[Verdict]:
        cases = [Case(question="q", answer=answer) for answer in answers]
        verdicts = [one.verdict async for one in run(cases, [made], 8)]
        await made.aclose()
        return verdicts

    return asyncio.run(go())


def test_a_function_in_their_interpreter(folder: Path) -> None:
    (said,) = scored(program(folder), "Hi")
    assert (said.value, said.label) == (1.0, "polite")
    assert (said.spans[0].start, said.spans[0].end) == (0, 2)
    assert said.reason.startswith("q ")
    assert str(os.getpid()) not in said.reason


@pytest.mark.parametrize(("function", "value"), [("theirs:later", 0.25), ("theirs:Box.inner", 1.0)])
def test_other_functions(function: str, value: float, folder: Path) -> None:
    assert scored(program(folder, function), "a")[0].value == value


def test_one_bad_case_ends_nothing(folder: Path) -> None:
    answers = ["a", "crash", "b", "hang", "c", "raise", "none", "nan", "text", "noise", "d"]
    made = program(folder, timeout_s=1.0)
    started = time.monotonic()
    said = dict(zip(answers, scored(made, *answers), strict=True))
    assert time.monotonic() - started < 8
    assert {answer: said[answer].status for answer in "abcd"} == dict.fromkeys("abcd", "ok")
    assert said["crash"].error_type == "crashed"
    assert "exit code 7" in said["crash"].reason
    assert said["hang"].error_type == "timeout"
    assert said["raise"].error_type == "KeyError"
    assert "theirs.py, line 13" in said["raise"].reason
    assert said["none"].status == "not_applicable"
    assert said["nan"].status == said["text"].status == "error"
    assert said["noise"].status == "ok"  # what it prints is not an answer
    pids = [said[answer].reason for answer in "abcd"]
    assert len(set(pids)) == 3  # started again after the crash and after the hang, and only then


def test_memory_is_capped(folder: Path) -> None:
    big, after = scored(program(folder, memory_mb=1024), "big", "a")
    assert big.error_type == "MemoryError"
    assert after.status == "ok"


def test_what_does_not_start_says_why_and_is_given_up(folder: Path) -> None:
    said = scored(program(folder, "theirs:missing"), *["a"] * 6)
    assert {one.error_type for one in said} == {"not_started"}
    assert "has no attribute 'missing'" in said[0].reason
    assert "not started again after 3 failures" in said[-1].reason


def test_a_program_that_is_not_there(folder: Path) -> None:
    made = Program(CARD, ("./nothing",), folder=folder)
    assert "No such file" in scored(made, "a")[0].reason


def test_any_command_that_speaks_lines(folder: Path) -> None:
    script = 'while read -r line; do echo "{\\"value\\": 1, \\"label\\": \\"polite\\"}"; done'
    made = Program(CARD, ("/bin/sh", "-c", script), folder=folder)
    assert [one.value for one in scored(made, "a", "b")] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("read -r line; echo hello; sleep 9", "bad_answer"),
        ('read -r line; echo \'{"value": 1, "_n": 9}\'; sleep 9', "bad_answer"),
        ("read -r line; echo broken pipe >&2; exit 3", "crashed"),
        ("exec >&-; sleep 9", "crashed"),
    ],
    ids=["no-json", "another-row", "ends", "closes"],
)
def test_a_command_that_does_not_keep_to_it(script: str, error: str, folder: Path) -> None:
    (said,) = scored(Program(CARD, ("/bin/sh", "-c", script), folder=folder, timeout_s=0.5), "a")
    assert said.error_type == error
    assert said.status == "error"
    assert "broken pipe" not in script or "It said: broken pipe" in said.reason


@pytest.mark.skipif(sys.platform != "linux", reason="processes are sought in /proc")
def test_children_of_children_end_too(folder: Path) -> None:
    made = Program(CARD, ("/bin/sh", "-c", "sleep 4711 & read -r l; sleep 9"), folder=folder, timeout_s=0.3)
    scored(made, "a")
    assert not any(one.startswith("sleep\x004711") for one in running())


def running() -> Iterator[str]:
    """Command lines of all processes."""
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended since
            yield one.read_text()


def test_a_case_is_waited_for_by_several_processes(folder: Path) -> None:
    (folder / "naps.py").write_text("import os, time\ndef nap(row):\n    time.sleep(0.3)\n    return 1\n")
    scored(program(folder, "naps:nap", processes=4), "warm")
    started = time.monotonic()
    scored(program(folder, "naps:nap", processes=4), *"abcdefgh")
    assert time.monotonic() - started < 8 * 0.3


def test_over_http() -> None:
    async def go(act: Act) -> Verdict:
        async with FakeOpenAI([act]) as fake:
            document = {
                "evaluators": [
                    {"name": "far", "measures": "m", "url": f"{fake.url}/score", "timeout_s": 0.4,
                     "scale": {"labels": ["polite"]}}
                ]
            }  # fmt: skip
            made = parse_evaluators(document, "e.yaml", Path())["far"]()
            said = await judged(made, Case(question="q", answer="a", contexts=("c",)))
            await made.aclose()  # type: ignore[attr-defined]  # this one has it
            assert fake.requests[0] == {"question": "q", "answer": "a", "contexts": ["c"]}
            return said

    assert asyncio.run(go(Act(body='{"value": 0.5, "label": "polite"}'))).value == 0.5
    assert asyncio.run(go(Act(body='{"value": 7}'))).error_type == "off_scale"
    assert asyncio.run(go(Act(body="<html>"))).error_type == "bad_answer"
    assert asyncio.run(go(Act(status=503))).error_type == "http_status"
    assert asyncio.run(go(Act(wait_s=9))).error_type == "timeout"
    assert asyncio.run(go(Act(drop=True))).error_type == "unreachable"


@pytest.mark.parametrize(
    "answer",
    [
        3, {}, {"value": "1"}, {"value": True, "spans": 3}, {"value": 1, "spans": [[2, 1]]}, {"status": "fine"},
        {"label": 1},
    ],
    ids=str,
)  # fmt: skip
def test_answers_that_are_none(answer: Any) -> None:
    assert read_answer(answer).on(Scale()).status == "error"


# The document


def line_of(path: tuple[str | int, ...]) -> int:
    return 10 + len(path)


def document(**more: Any) -> dict[str, Any]:
    return {"evaluators": [{"name": "mine", "measures": "m", **more}]}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        pytest.param(
            document(), "exactly one of python, command, url, prompt, evaluator; this one has none", id="no-way"
        ),
        pytest.param(document(url="http://x", command=["x"]), "has command and url", id="two-ways"),
        pytest.param(document(prompt="Good?"), "names no part of the case", id="prompt"),
        pytest.param(document(pyhton="a:b"), "line 13, entry 1: pyhton: there is no such key; did you mean", id="key"),
        pytest.param(document(python="a.b"), "line 13, entry 1: python: String should match", id="function"),
        pytest.param(document(url="http://x", needs=["answr"]), "needs.0: Input should be", id="part"),
        pytest.param(document(url="http://x", name="My"), "name: String should match", id="name"),
    ],
)  # fmt: skip
def test_documents_that_cannot_be_used_are_told(held: Any, told: str) -> None:
    with pytest.raises(EvaluatorError, match=told):
        parse_evaluators(held, "e.yaml", Path(), line_of)


def test_a_ruler_does_not_tell_where_things_lie(folder: Path) -> None:
    one, two = (
        ruler(parse_evaluators(document(python="a:b", interpreter=where), "e", folder)["mine"]())
        for where in ("./bin/python", "/opt/python")
    )
    other = ruler(parse_evaluators(document(python="a:c"), "e", folder)["mine"]())
    assert one == two != other


def test_a_prompt_is_a_judge() -> None:
    maker = parse_evaluators(document(prompt="{answer}", labels={"no": 0, "yes": 1}, judge="j"), "e", Path())["mine"]
    assert maker.card.cost == "judge"
    assert maker.card.scale.labels == ("no", "yes")


# Rows of cases

texts = st.text(max_size=5)
some = st.none() | texts
calls = st.builds(
    ToolCall, texts, st.dictionaries(texts, st.integers()) | st.none() | st.lists(st.booleans()), some, some,
    st.none() | st.booleans(),
)  # fmt: skip
listed = st.lists(texts, max_size=3).map(tuple)
messages = st.builds(Message, texts, texts, st.lists(calls, max_size=2).map(tuple), some)
plain_cases = st.builds(
    Case, id=some | st.integers(), question=some, answer=some, contexts=st.none() | listed, reference=some,
    reference_contexts=st.none() | listed, system=some, tools=st.none() | listed,
    messages=st.none() | st.lists(messages, max_size=2).map(tuple),
    tool_calls=st.none() | st.lists(calls, max_size=2).map(tuple),
    steps=st.none() | st.lists(st.builds(Step, texts, texts, some, some, some), max_size=2).map(tuple),
    usage=st.none() | st.builds(Usage, st.none() | st.floats(0, 9)),
    metadata=st.dictionaries(texts, st.integers(), max_size=2),
)  # fmt: skip


@given(plain_cases, st.lists(plain_cases, max_size=2))
def test_a_case_comes_back_from_its_row(case: Case, turns: list[Case]) -> None:
    for one in (case, Case(turns=tuple(turns))):
        assert read_case(json.loads(json.dumps(case_row(one)))) == one
