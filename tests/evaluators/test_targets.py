"""What all targets have in common: settings, templates, answers as rows, and many items asked in order."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scripted import HOLD, Scripted, Seen, beside, whole

from evaluators.case import Case, Message, Step, ToolCall, Unreadable, Usage
from evaluators.documents import DocumentError, entries
from evaluators.errors import EvaluatorError
from evaluators.journal import Journal
from evaluators.targets.answer import (
    Answer,
    Asking,
    TargetError,
    answer_row,
    answered,
    no_answer,
    read_answer_row,
    seed_of,
)  # fmt: skip
from evaluators.targets.asking import Asked, answers
from evaluators.targets.config import TargetSettings
from evaluators.targets.recorded import Recorded
from evaluators.targets.templates import Template, values_of
from server.yaml_lines import line_in

# Settings


@pytest.mark.parametrize(
    ("told", "where", "what"),
    [
        pytest.param({}, (), "exactly one of answered, http, model, command, python; this one has none", id="none"),
        pytest.param({"answered": True, "command": {"run": ["a"]}}, (), "has answered and command", id="two"),
        pytest.param({"answered": False}, ("answered",), "Input should be True", id="answered"),
        pytest.param({"http": {"url": "x"}}, ("http", "url"), "starts with http://", id="no-address"),
        *(
            pytest.param(
                {"model": {"model": "m", "parameters": {name: "x"}}},
                ("model", "parameters"),
                f"{name!r} is no parameter: it would go before the {name} that is shown",
                id=f"{name}-as-parameter",
            )
            for name in ("model", "messages", "stream")
        ),
        pytest.param({"http": {"url": "http://u:p@x/"}}, ("http", "url"), "holds no key", id="key-in-address"),
        pytest.param({"http": {"url": "http://x/{{ a"}}, ("http", "url"), "it is no template: ", id="url"),
        pytest.param({"http": {"url": "http://x", "anwser": "$"}}, ("http", "anwser"), "Extra inputs", id="key"),
        pytest.param({"http": {"url": "http://x", "answer": "$.a["}}, ("http", "answer"), "no JSONPath", id="path"),
        pytest.param({"http": {"url": "http://x", "answer": "a.b"}}, ("http", "answer"), "no JSONPath", id="no-root"),
        pytest.param(
            {"http": {"url": "http://x", "headers": {"a b": "c"}}},
            ("http", "headers", "a b", "[key]"),
            "match",
            id="header",
        ),
        pytest.param(
            {"http": {"url": "http://x", "body": {"m": [{"c": "{{ question"}]}}},
            ("http", "body", "m", 0, "c"),
            "it is no template: unexpected end of template",
            id="template",
        ),
        pytest.param(
            {"http": {"url": "http://x", "body": {"m": ["a", "x\\n{% if %}"]}}},
            ("http", "body", "m", 1),
            "(line 2 of the text)",
            id="line",
        ),
        pytest.param(
            {"http": {"url": "http://x", "body": "{{ quesion }}"}},
            ("http", "body"),
            "no item has a field 'quesion'; did you mean 'question'?",
            id="field",
        ),
        pytest.param(
            {"http": {"url": "http://x", "body": "{{ customer }}"}},
            ("http", "body"),
            "no item has a field 'customer'; what is the item's own is named metadata.NAME",
            id="own-field",
        ),
        pytest.param(
            {"http": {"url": "http://x", "body": "{{ question | shout }}"}},
            ("http", "body"),
            "No filter named",
            id="filter",
        ),
        pytest.param({"model": {"model": "m", "prompt": "{{"}}, ("model", "prompt"), "it is no template", id="prompt"),
        pytest.param(
            {"model": {"model": "m", "messages": [{"role": "user", "content": "{% x %}"}]}},
            ("model", "messages", 0, "content"),
            "it is no template",
            id="message",
        ),
        pytest.param(
            {"model": {"model": "m", "prompt": "a", "messages": [{"role": "user", "content": "a"}]}},
            ("model",),
            "messages are the whole prompt",
            id="both",
        ),
        pytest.param(
            {"model": {"model": "m", "base_url": "http://k@x"}}, ("model", "base_url"), "holds no key", id="base"
        ),
        pytest.param({"command": {"run": []}}, ("command", "run"), "at least 1 item", id="no-command"),
        pytest.param({"python": {"function": "a.b"}}, ("python", "function"), "match pattern", id="function"),
        pytest.param(
            {"python": {"function": "a:b", "timeout_s": 0}}, ("python", "timeout_s"), "greater than 0", id="limit"
        ),
    ],
)
def test_settings_that_cannot_be_used_are_told_where_they_stand(told: Any, where: Any, what: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TargetSettings.model_validate(json.loads(json.dumps(told).replace("\\\\n", "\\n")))
    fault, *_ = raised.value.errors()
    assert fault["loc"] == where
    assert what in fault["msg"]


def test_a_template_that_is_none_is_told_with_its_line_and_key() -> None:
    text = """
targets:
- http:
    url: http://localhost/ask
    body:
      model: m
      messages:
      - role: user
        content: "{{ question"
"""
    with pytest.raises(DocumentError) as raised:
        entries(yaml.safe_load(text), "targets", TargetSettings, "suite.yaml", lambda path: line_in(text, path))
    assert str(raised.value).startswith(
        "suite.yaml, line 9, entry 1: http.body.messages.0.content: it is no template: unexpected end of template"
    )


def test_every_key_of_settings_is_described() -> None:
    schema = TargetSettings.model_json_schema()
    for name, part in {"": schema, **schema["$defs"]}.items():
        if "properties" not in part:
            continue  # any JSON
        assert part["additionalProperties"] is False
        for key, one in part["properties"].items():
            assert one.get("description") or name == "TokenPrice", f"{name}.{key}"


def test_settings_load_nothing_that_is_large() -> None:
    names = "{'aiohttp', 'httpx', 'openai', 'jinja2', 'jsonpath', 'pydantic', 'numpy'}"
    code = (
        f"import sys, evaluators.targets.asking, evaluators.targets.recorded; print(sorted({names} & set(sys.modules)))"
    )
    told = (
        "import evaluators.targets.config as c;"
        "c.TargetSettings(http={'url': 'http://x', 'body': {'a': 'b'}}).make(None);"
        f"import evaluators.targets.model, evaluators.targets.programs; print(sorted({names} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", f"{code}\n{told}"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['pydantic']"]


# Templates

CASE = Case(id=3, question="{{ 7*7 }} {% x", contexts=("a", "b"), metadata={"items": 3, "n": None, "deep": {"z": [1]}})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ question }}", CASE.question),
        ("{{question}}\n", CASE.question),
        ("<{{ question }}>", f"<{CASE.question}>"),
        ("{{ contexts }}", ["a", "b"]),
        ("{{ contexts }} ", '["a", "b"] '),
        ("{{ contexts[1] }}", "b"),
        ("{{ metadata.items }}", 3),
        ("{{ metadata.n }}", None),
        ("is {{ metadata.n }}", "is null"),
        ("{{ metadata.deep.z }}", [1]),
        ("{{ metadata['deep'] }}", {"z": [1]}),
        ("{{ id }}", 3),
        ("{{ id + 1 }}", 4),
        ("{{ id }}{{ id }}", "33"),
        ("{{ repeat }}", 1),
        ("{{ seed }}", 2),
        ("{{ contexts | length > 1 }}", True),
        ("{{ contexts | join(', ') }}", "a, b"),
        ("{{ contexts | map('upper') }}", ["A", "B"]),
        ("{% for c in contexts %}[{{ c }}]{% endfor %}", "[a][b]"),
        ("{{ reference | default('none') }}", "none"),
        ("{% if reference is defined %}x{% endif %}", ""),
        ("plain } text\n", "plain } text\n"),
        ("", ""),
        ("{{ '{{' }}", "{{"),
        ("<b>{{ '<&>' }}", "<b><&>"),
        ("{{ metadata }}", dict(CASE.metadata)),
    ],
)
def test_what_a_template_gives(text: str, value: Any) -> None:
    assert Template(text).value(values_of(CASE, Asking(1, 2))) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ reference }}", "k: the item has no 'reference'."),
        ("x {{ reference }}", "k: the item has no 'reference'."),
        ("{{ metadata.customer }}", "k: the item has no 'customer'."),
        ("{{ metadata['x y'] }}", "the item has no 'x y'"),
        ("{{ metadata.deep.w.z }}", "the item has no 'w'"),
        ("{{ contexts[7] }}", "the item has no 7."),
        ("{{ question.__class__.__mro__ }}", "SecurityError"),
        ("{{ metadata.keys }}", "JSON has no form of"),
        ("{{ range(9999999) | list }}", "OverflowError"),
        ("{{ id / 0 }}", "ZeroDivisionError"),
    ],
)
def test_what_an_item_cannot_fill_is_told(text: str, told: str) -> None:
    with pytest.raises(TargetError) as raised:
        Template(text, "k").value(values_of(CASE, Asking()))
    assert raised.value.error_type == "bad_request"
    assert told in raised.value.reason


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 10**9 }}",
        "{{ [0] * 10**9 }}",
        "{{ 9**9**9**9**9**9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (1000000000, 1) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ '{:{}}'.format(1, 1000000000) }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ 'a' | indent(1000000000, true) }}",
        "{{ 'a' | batch(1000000000, 'x') | list }}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ 'a'['zfill'](1000000000) }}",
        "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
        "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
        "{{ ([1] * 1000000) | join('a' * 1000000) }}",
        "{{ [['a' * 1000000] * 1000000] * 1000 }}",
        "{% set n = namespace(x='a') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x='a') %}{% for i in range(40) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}" + "a" * 99 + "{% endfor %}{% endfor %}",
        "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{{ " + "m(" * 40 + "'a'" + ")" * 40 + " }}",
    ],
)
def test_a_template_does_not_grow_without_end(text: str) -> None:
    with pytest.raises(TargetError, match="works out more than 4,194,304 letters, or a number that is too large"):
        Template(text).value(values_of(CASE, Asking()))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ 'a' * 3 }}", "aaa"),
        ("{{ 2**10 % 1000 }}", 24),
        ("{{ '%05.1f' % 1.5 }}", "001.5"),
        ("{{ '%s-%(a)s' | replace('%s', 'x') }}", "x-%(a)s"),
        ("{{ '%s-%s' | format(1, 2) }}", "1-2"),
        ("{{ '{:>4}'.format(1) }}", "   1"),
        ("{{ 'a' ~ id ~ none }}.", "a3None."),
        ("{{ 'a'.center(3) }}{{ 'a' | center(3) }}", " a  a "),
        ("{{ 'a b' | wordwrap(1) }}", "a\nb"),
        ("{{ 'a\nb' | indent }}", "a\n    b"),
        ("{{ [1, 2, 3] | batch(linecount=2) | list }}", [[1, 2], [3]]),
        ("{{ [1, 2, 3] | slice(2) | list }}", [[1, 2], [3]]),
        ("{{ [1] | tojson }}", "[1]"),
        ("{{ 'a'.replace('a', 'b') }}", "b"),
    ],
)
def test_what_is_small_is_as_jinja_says(text: str, value: Any) -> None:
    assert Template(text).value(values_of(CASE, Asking())) == value


def test_an_item_without_metadata_lacks_the_field_and_not_the_metadata() -> None:
    with pytest.raises(TargetError, match="has no 'customer'"):
        Template("{{ metadata.customer }}").value(values_of(Case(), Asking()))


@given(st.text(), st.lists(st.text()))
def test_values_are_never_read_as_templates(question: str, contexts: list[str]) -> None:
    values = values_of(Case(question=question, contexts=tuple(contexts)), Asking())
    assert Template("{{ question }}").value(values) == question
    assert Template("a{{ question }}b").value(values) == f"a{question}b"
    assert Template("{{ contexts }}").value(values) == contexts


# Answers

texts = st.text(max_size=5)
some = st.none() | texts
amounts = st.none() | st.floats(0, 1e9)
counts = st.none() | st.integers(0)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda one: st.lists(one, max_size=2) | st.dictionaries(texts, one, max_size=2),
    max_leaves=4,
)
calls = st.lists(st.builds(ToolCall, texts, json_values, some, some, st.none() | st.booleans()), max_size=2).map(tuple)
messages = st.lists(st.builds(Message, texts, texts, calls, some), max_size=2).map(tuple)
some_answers = st.builds(
    Answer, st.sampled_from(["ok", "error"]), some, texts, some, st.none() | st.lists(texts, max_size=2).map(tuple),
    st.none() | calls, st.none() | messages, st.none() | st.builds(Usage, amounts, amounts, amounts, counts, counts),
    st.booleans(), st.booleans(), some, st.booleans(), st.integers(0, 9), st.booleans(),
)  # fmt: skip


@given(some_answers)
def test_an_answer_comes_back_from_its_row(answer: Answer) -> None:
    assert read_answer_row(json.loads(json.dumps(answer_row(answer)))) == answer


FULL = Case(
    id="a", question="q", answer="old", contexts=("c",), tool_calls=(ToolCall("old"),), steps=(Step("llm", "x"),),
    messages=(Message("user", "q"),), usage=Usage(1.0), metadata={"k": 1},
)  # fmt: skip


def test_what_evaluators_see_of_an_answer() -> None:
    usage = Usage(5.0, 2.0, None, 1, 2)
    plain = answered(FULL, Answer("ok", "new", usage=usage))
    assert plain == Case("a", "q", "new", ("c",), messages=FULL.messages, usage=usage, metadata={"k": 1})
    told = answered(FULL, Answer("ok", "new", contexts=(), tool_calls=(), messages=()))
    assert (told.contexts, told.tool_calls, told.messages, told.usage) == ((), (), (), None)


def test_recorded_answers() -> None:
    def said(case: Case) -> Answer:
        return asyncio.run(Recorded()(case, Asking()))

    assert answered(FULL, said(FULL)) == FULL
    assert said(FULL).usage == Usage(1.0)
    for case, told in ((Case(question="q"), "has no answer"), (Case(answer=" \n"), "is blank")):
        assert (said(case).error_type, told in said(case).reason) == ("empty", True)
    target = TargetSettings(answered=True).make(Path())
    assert (target.pinned, target.ruler) == (True, "recorded")


def test_seeds_are_of_the_item_and_the_repeat() -> None:
    drawn = [seed_of(seed, item, repeat) for seed in (0, 1) for item in ("1", 1, "q\ud800") for repeat in (0, 1)]
    assert len(set(drawn)) == len(drawn)
    assert drawn[0] == seed_of(0, "1", 0)
    assert all(0 <= one < 2**31 for one in drawn)


# Many items


@dataclass
class Counting:
    """Answers after a moment, and knows how often it was asked at once."""

    ruler: str = "r"
    pinned: bool = False
    seen: list[tuple[Any, Asking]] = field(default_factory=list)
    busy: int = 0
    most: int = 0

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        self.seen.append((case.id, asking))
        self.busy += 1
        self.most = max(self.busy, self.most)
        await asyncio.sleep(0.001 * (len(self.seen) % 3))
        self.busy -= 1
        if case.question == "bug":
            raise KeyError("bug")
        if case.question == "setup":
            raise EvaluatorError("no key")
        return no_answer("timeout", "late") if case.question == "late" else Answer("ok", f"{case.id}/{asking.repeat}")

    async def aclose(self) -> None:
        pass


def all_of(cases: Any, target: Any, concurrency: int = 4, **more: Any) -> list[Asked]:
    async def go() -> list[Asked]:
        return [one async for one in answers(cases, target, concurrency, **more)]

    return asyncio.run(go())


def test_answers_come_in_order_and_no_more_are_asked_for_than_may_be() -> None:
    target = Counting()
    said = all_of([Case(id=n) for n in range(30)], target, repeats=3, seed=5)
    assert [(one.case.id, one.place, one.repeat, one.answer.text) for one in said] == [
        (n, n, repeat, f"{n}/{repeat}") for n in range(30) for repeat in range(3)
    ]
    assert target.most == 4
    assert dict.fromkeys(one for _, one in target.seen) == dict.fromkeys(
        Asking(repeat, seed_of(5, n, repeat)) for n in range(30) for repeat in range(3)
    )


def test_a_list_of_any_length_is_taken_as_it_is_needed() -> None:
    taken = 0

    def cases() -> Iterator[Case]:
        nonlocal taken
        while True:
            taken += 1
            yield Case(id=taken)

    async def go() -> None:
        asked = answers(cases(), Counting(), 2)
        for _ in range(100):
            await anext(asked)
        await asked.aclose()

    asyncio.run(go())
    assert taken <= 100 + 2 * 16 + 1


def test_what_goes_wrong_with_one_ends_nothing() -> None:
    cases = [Case(id=0), Unreadable(1, "no JSON"), Case(id=2, question="bug"), Case(id=3, question="late"), Case(id=4)]
    said = all_of(cases, Counting())
    assert [one.answer.error_type for one in said] == [None, "unreadable", "KeyError", "timeout", None]
    assert said[1].answer.reason == "no JSON"
    assert "The target failed: KeyError" in said[2].answer.reason
    with pytest.raises(EvaluatorError, match="no key"):
        all_of([Case(question="setup")], Counting())


def test_a_journal_asks_nothing_twice_but_errors(tmp_path: Path) -> None:
    cases = [Case(id=0), Case(id=1, question="late"), Case(id=2)]

    def asked(**more: Any) -> int:
        journal, target = Journal(tmp_path / "run.db"), Counting(more.pop("ruler", "r"))
        said = all_of(cases, target, journal=journal, **{"repeats": 2, **more})
        journal.close()
        assert [one.answer.text for one in said][:2] == ["0/0", "0/1"]
        return len(target.seen)

    assert [asked(), asked(), asked(repeats=3), asked(seed=1), asked(ruler="other")] == [6, 2, 5, 6, 6]


def test_answers_over_http_with_journal_and_order(tmp_path: Path) -> None:
    def said(seen: Seen) -> Any:
        return whole({"answer": seen.json["q"].upper()})

    async def go(journal: Journal | None) -> tuple[list[str | None], int]:
        async with Scripted(said) as server:
            settings = {"http": {"url": "http://x", "body": {"q": "{{ question }}"}, "answer": "$.answer"}}
            settings["http"]["url"] = server.url
            target = TargetSettings.model_validate(settings).make(tmp_path)
            cases = [Case(question=f"q{n}") for n in range(50)]
            texts = [one.answer.text async for one in answers(cases, target, 8, journal=journal)]
            await target.aclose()
            assert server.most_busy <= 8
            return texts, len(server.seen)

    assert asyncio.run(go(None)) == ([f"Q{n}" for n in range(50)], 50)


# In a loop of its own


def test_work_of_others_does_not_pass_for_latency() -> None:
    async def go(server: Scripted) -> tuple[float, float]:
        target = TargetSettings(http={"url": server.url, "answer": "$.answer"}).make(Path())
        await target(Case(), Asking())  # connected
        asked = asyncio.create_task(target(Case(), Asking()))
        while len(server.seen) < 2:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0)
        started = time.perf_counter()
        while time.perf_counter() - started < 0.5:  # an evaluator that works
            pass
        answer, busy = await asked, (time.perf_counter() - started) * 1000
        await target.aclose()
        assert answer.usage is not None
        return answer.usage.latency_ms or 0, busy

    with beside(Scripted([whole({"answer": "a"}), [0.05, *whole({"answer": "a"})]])) as server:
        latency, busy = asyncio.run(go(server))
    assert latency < busy


def test_the_thread_ends_and_can_be_had_again() -> None:
    async def go() -> None:
        async with Scripted([whole({"answer": "a"}), [HOLD]]) as server:
            target = TargetSettings(http={"url": server.url, "answer": "$.answer"}).make(Path())
            assert (await target(Case(), Asking())).text == "a"
            await target.aclose()
            asked = asyncio.create_task(target(Case(), Asking()))
            while len(server.seen) < 2:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.001)
            assert [one.name for one in threading.enumerate()].count("target") == 1
            asked.cancel()  # gives the request up
            while server.busy:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.001)
            await target.aclose()
            await target.aclose()
            assert "target" not in [one.name for one in threading.enumerate()]

    asyncio.run(go())
