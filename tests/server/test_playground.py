"""The playground over a real server: models side by side, what fails, who leaves, whom may be asked."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripted import HOLD, Script, Scripted, Seen, beside, streamed, whole

from evaluators.suites.suite import parse_suite
from evaluators.targets.config import ModelSettings
from server import playground, playground_models, playground_suite
from server.client import ApiError, Client
from server.settings import Settings

KEY = "sk-of-the-playground"
JUDGES = "judges:\n  - {name: local, base_url: http://127.0.0.1:9/v1, model: judge-m}\n"
SUITE = (
    "suite: asks\ndataset: {file: a.jsonl}\ntarget: {model: {model: suite-m, key_env: PLAY_KEY}}\n"
    "evaluators: [{name: length, options: {most: 9}}]\n"
)


def delta(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text, **more}, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}


def answer(*texts: str) -> Any:
    return streamed(*map(delta, texts), delta(None, "stop"), USAGE, "[DONE]")


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    judges = tmp_path_factory.mktemp("judges") / "judges.yaml"
    judges.write_text(JUDGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SUITES_ENV", '["PLAY_KEY", "PLAY_UNSET"]')
        patch.setenv("ASSAY_JUDGES_FILE", str(judges))
        patch.setenv("PLAY_KEY", KEY)
        patch.setenv("SECRET_OF_OTHERS", "x")
        return serve("playground")


@pytest.fixture(scope="module")
def client(served: Any) -> Iterator[Client]:
    with served.client() as made:
        yield made


def play(client: Client, script: Script, *models: dict[str, Any], **wish: Any) -> tuple[list[list[Any]], list[Seen]]:
    """The events of each column, and what its models were sent; a model without a base_url is asked at the script's."""
    with beside(Scripted(script)) as upstream:
        columns = [{"base_url": f"{upstream.url}/v1", **one} for one in models]
        told = {"text": "Why {{ what }}?", "variables": {"what": "so"}} | wish
        events = [one for one in client.play(told | {"models": columns}) if one is not None]
        return [[one for one in events if one["column"] == place] for place in range(len(models))], upstream.seen


def test_models_answer_side_by_side(client: Client) -> None:
    known, unknown = {"model": "gpt-4o", "key_env": "PLAY_KEY"}, {"model": "nobody-knows", "parameters": {"top_k": 1}}
    (left, right), seen = play(client, [answer("Be", "cause")], known, unknown)
    for column in (left, right):
        assert [column[0]["kind"], column[-1]["kind"]] == ["start", "done"]
        assert "".join(one["text"] for one in column if one["kind"] == "text") == column[-1]["text"] == "Because"
        assert {one["kind"] for one in column[1:-1]} == {"text"}
    done = left[-1]
    assert done["cost_usd"] == pytest.approx(0.0035)  # 1,000 and 100 tokens of gpt-4o: $2.50 and $10 a million
    assert (done["price_source"], done["input_tokens"], done["finish_reason"]) == ("genai-prices", 1000, "stop")
    assert 0 < done["ttft_ms"] <= done["latency_ms"]
    assert (right[-1]["cost_usd"], right[-1]["price_source"]) == (None, None)
    assert "nobody-knows" in right[-1]["price_note"]
    sent = {one.json["model"]: one for one in seen}
    assert sent["gpt-4o"].json["messages"] == [{"role": "user", "content": "Why so?"}]
    assert sent["gpt-4o"].headers["authorization"] == f"Bearer {KEY}"
    assert (sent["nobody-knows"].json["top_k"], sent["nobody-knows"].headers["authorization"]) == (1, "Bearer none")


def test_both_are_asked_at_once(client: Client) -> None:
    with beside(Scripted(lambda _: streamed(delta("a"), 0.2, delta("b", "stop"), "[DONE]"))) as upstream:
        models = [{"base_url": upstream.url, "model": name} for name in "abcd"]
        kinds = [one["kind"] for one in client.play({"text": "x", "models": models}) if one]
        assert upstream.most_busy == 4
    assert kinds.count("done") == 4
    assert kinds.index("done") > kinds.index("text")


def test_one_that_fails_leaves_the_others_going(client: Client) -> None:
    def script(seen: Seen) -> Any:
        return whole({"error": "no such model"}, 404) if seen.json["model"] == "gone" else answer("Fine.")

    (left, right), seen = play(client, script, {"model": "gone", "key_env": "PLAY_KEY"}, {"model": "there"})
    assert (left[-1]["kind"], left[-1]["error_type"]) == ("error", "http_status")
    assert "answered 404" in left[-1]["reason"]
    assert right[-1]["text"] == "Fine."
    assert len(seen) == 2  # nobody is asked twice


def test_values_are_no_templates_and_tools_are_called(client: Client) -> None:
    call = [{"index": 0, "id": "c1", "function": {"name": "find", "arguments": '{"a": 1}'}}]
    script = [streamed(delta(None, tool_calls=call), delta(None, "tool_calls"), "[DONE]")]
    tools = [{"type": "function", "function": {"name": "find"}}]
    messages = [{"role": "system", "content": "{% raw %}{{ x }}{% endraw %}"}, {"role": "user", "content": "{{ q }}"}]
    ([*column],), [seen] = play(
        client, script, {"model": "m"}, text=None, messages=messages, variables={"q": "{{ secret }}"}, tools=tools
    )
    assert [one["content"] for one in seen.json["messages"]] == ["{{ x }}", "{{ secret }}"]
    assert seen.json["tools"] == tools
    told = {"column": 0, "kind": "tool_call", "name": "find", "arguments": {"a": 1}, "id": "c1"}
    assert told in column
    assert (column[-1]["finish_reason"], column[-1]["input_tokens"], column[-1]["cost_usd"]) == (
        "tool_calls",
        None,
        None,
    )


def test_who_leaves_cancels_what_is_asked(client: Client) -> None:
    with beside(Scripted(lambda _: streamed(delta("a"), HOLD))) as upstream:
        models = [{"base_url": upstream.url, "model": name} for name in "ab"]
        events = client.play({"text": "x", "models": models})
        assert next(one["text"] for one in events if one and one["kind"] == "text") == "a"
        assert settles(upstream, 2), "the other one is asked too"
        events.close()
        assert settles(upstream, 0)


def settles(upstream: Scripted, busy: int) -> bool:
    """Whether so many requests are being answered within ten seconds."""
    until = time.monotonic() + 10
    while upstream.busy != busy and time.monotonic() < until:
        time.sleep(0.01)
    return upstream.busy == busy


def test_connections_are_closed_though_the_request_ends_first(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> list[str]:
        async with Scripted([answer("Because")]) as upstream:
            held = playground.Playground()
            model = ModelSettings(model="m", base_url=f"{upstream.url}/v1")
            playing = held.begin([model], [{"role": "user", "content": "Why?"}], Settings())
            kinds = [one["kind"] async for came in playing.events() for one in came]
            playing.end()
            await asyncio.sleep(0)
            await asyncio.gather(*held.closing)
            return kinds

    assert asyncio.run(ask())[-1] == "done"
    gc.collect()
    assert [one.getMessage() for one in caplog.records if one.name == "asyncio"] == [], "nothing is lost with a task"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a-variable-of-others": ({"key_env": "SECRET_OF_OTHERS"}, "SECRET_OF_OTHERS may not be used here"),
    "not-set": ({"key_env": "PLAY_UNSET"}, "PLAY_UNSET, for the key, is not set"),
    "no-key": ({"base_url": None}, "openai wants a key: choose its environment variable, such as OPENAI_API_KEY"),
    "bedrock": ({"provider": "bedrock"}, "Name the AWS_... variables"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_whom_must_not_be_asked(client: Client, name: str) -> None:
    model, told = REFUSED[name]
    (left, right), seen = play(client, [answer("ok")], {"model": "m", **model}, {"model": "other"})
    assert [(one["kind"], one["error_type"]) for one in left] == [("error", "refused")]
    assert told in left[0]["reason"]
    assert right[-1]["kind"] == "done"
    assert [one.json["model"] for one in seen] == ["other"]


M = [{"model": "m"}]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        pytest.param({"models": M}, "a prompt has a text, or messages", id="no-prompt"),
        pytest.param({"text": "{{ a", "models": M}, "text, line 1: it is no template", id="no-template"),
        pytest.param({"text": "{{ a }}", "models": M}, "Variables without a value: a", id="no-value"),
        pytest.param({"text": "a", "models": M * 5}, "at most 4 items", id="five"),
        pytest.param({"text": "a", "models": []}, "at least 1 item", id="nobody"),
        pytest.param({"text": "a", "models": [{"model": "m", "key": "sk"}]}, "Extra inputs", id="a-key"),
        pytest.param(
            {"text": "a", "models": [{"model": "m", "base_url": "http://u:p@h"}]}, "holds no key", id="a-key-in-it"
        ),
        pytest.param({"text": "a", "models": M, "timeout_s": 9999}, "less than or equal to 600", id="too-long"),
        pytest.param(
            {"text": "{{ a }}", "variables": {"a": "x" * 1_000_001}, "models": M}, "1,000,000 are the most", id="long"
        ),
        pytest.param(
            {"text": "{% for i in range(99999) %}{{ a }}{% endfor %}", "variables": {"a": "x" * 20}, "models": M},
            "1,999,980 letters once it is filled in", id="long-once-filled",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_sent(client: Client, wish: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError) as refused:
        list(client.play(wish))
    assert told in str(refused.value)
    assert refused.value.kind == "refused"


def test_models_to_choose_from(client: Client, served: Any, telling: Any) -> None:
    call = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-seen"}
    other = {**call, "gen_ai__provider__name": "groq", "gen_ai__request__model": "llama"}
    trace = telling(bytes([5]) * 16, time.time_ns() - 10_000_000_000).span(1, "chat", 0, 9, **call)
    served.send(trace.span(2, "chat", 20, 9, **other).body())
    served.settle()
    client.set_suite("asks", SUITE)
    told = client.playground_models()
    found = {one["model"]: one for one in told["models"]}
    assert {name: (one["source"], one["name"], one["usable"]) for name, one in found.items()} == {
        "judge-m": ("judge", "local", True), "suite-m": ("suite", "asks", True),
        "gpt-seen": ("traffic", "openai", False), "llama": ("traffic", "groq", False),
    }  # fmt: skip
    assert found["gpt-seen"]["key_env"] == "OPENAI_API_KEY"
    assert "Add it to ASSAY_SUITES_ENV" in found["gpt-seen"]["why"]
    assert "Type the base_url" in found["llama"]["why"]
    assert told["variables"] == [{"name": "PLAY_KEY", "set": True}, {"name": "PLAY_UNSET", "set": False}]
    assert KEY not in json.dumps(told)


def test_a_file_of_judges_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "judges.yaml").write_text("judges: [{name: x}]")
    told = playground_models.named(tmp_path / "judges.yaml", [("broken", "target: {model: 7}"), ("none", "a: b")])
    assert told["models"] == []
    assert "entry 1: model: Field required" in told["problems"][0]


@pytest.mark.parametrize(
    ("text", "work"),
    [
        ("Why?", False), ("{{ a }} and {{b}} {", False), ("{% raw %}{{ a|b }}{% endraw %}", False),
        ("{{ a | upper }}", True), ("{{ a.b }}", True),
        ("{% for i in range(9) %}{% endfor %}", True),
        ("{{ a }}" * 1_000, False), ("{{ a }}" * 1_001, True), ("{{ a", True), ("{{ 9 ** 9 }}", True),
    ],
)  # fmt: skip
def test_what_may_take_long_is_filled_in_aside(text: str, work: bool) -> None:
    assert playground.is_work({"messages": [{"role": "user", "content": text}]}) is work


def test_so_many_requests_and_no_more() -> None:
    held = playground.Playground()
    every = [held.begin([], [], Settings()) for _ in range(playground.MOST_AT_ONCE)]
    with pytest.raises(playground.PlaygroundError, match="8 requests of the playground"):
        held.begin([], [], Settings())
    every[0].end()
    assert held.begin([], [], Settings())


def made(*models: dict[str, Any], **content: Any) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The target of the suite that is made, and what is varied."""
    told = playground_suite.suite(
        {"text": "{{ question }} in {{ tone }}"} | content, models, {"stored": "a-b", "version": 2, "split": None},
        ["length"],
    )  # fmt: skip
    parsed = yaml.safe_load(told["document"])
    assert parse_suite(parsed, "made").name == told["name"] == "playground-a-b"
    assert parsed["dataset"] == {"stored": "a-b", "version": 2}
    return parsed["target"]["model"], told["over"]


def test_a_suite_asks_as_the_playground_does() -> None:
    target, over = made({"provider": "openai", "model": "m", "base_url": None, "parameters": {}})
    said = "{% set tone = metadata['tone'] %}{{ question }} in {{ tone }}"
    assert target == {"model": "m", "messages": [{"role": "user", "content": said}]}
    assert over == {}


A = {"provider": "openai", "model": "a", "base_url": "http://h/v1", "parameters": {"temperature": 0}}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(A, {}, id="alike"),
        pytest.param(A | {"model": "b"}, {"model": ["a", "b"]}, id="the-model"),
        pytest.param(A | {"parameters": {}}, {"parameters.temperature": [0, None]}, id="a-parameter"),
        pytest.param(
            A | {"base_url": "http://i/v1"}, {"target.model.base_url": ["http://h/v1", "http://i/v1"]}, id="the-address"
        ),
        pytest.param(
            {"provider": "openai", "model": "b"},
            {"target.model": [
                {"model": "a", "parameters": {"temperature": 0}, "base_url": "http://h/v1", "prompt": {"stored": "p"}},
                {"model": "b", "prompt": {"stored": "p"}},
            ]},
            id="several-things",
        ),
    ],
)  # fmt: skip
def test_columns_are_arms(other: dict[str, Any], expected: dict[str, list[Any]]) -> None:
    target, over = made(A, other, text=None, stored="p")
    assert (target["prompt"], over) == ({"stored": "p"}, expected)


def test_a_suite_is_ordered_as_an_experiment(client: Client) -> None:
    client.create_dataset("items", "")
    client.change_dataset("items", {"base": 0, "set": [{"id": "1", "question": "Why?"}], "note": ""})
    told = client.playground_suite(
        {"text": "{{ question }}", "models": [{"model": "a", "base_url": "http://127.0.0.1:9/v1"}, {"model": "b"}],
         "dataset": {"stored": "items"}, "evaluators": ["length"]}
    )  # fmt: skip
    ordered = client.order_experiment(
        {"name": "From the playground", **{key: told[key] for key in ("document", "over")}}
    )
    assert [run["arm"]["target.model"]["model"] for run in ordered["runs"]] == ["a", "b"]
    with pytest.raises(ApiError, match="it is no template"):
        client.playground_suite({"text": "{{ a", "models": M, "dataset": {"stored": "i"}, "evaluators": ["length"]})
