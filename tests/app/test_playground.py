"""The page Playground, over a real server whose models stand on this machine; and what it makes of traces and items."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted import HOLD, Scripted, Seen, beside, streamed, whole
from streamlit.testing.v1 import AppTest

from app import playground_columns, playground_experiment, playground_models, playground_texts
from app.playground_live import Live

TRACE, PLAIN = bytes([21]) * 16, bytes([22]) * 16
SYSTEM = "Be short. Never say {{ this }}."


def delta(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def script(seen: Seen) -> Any:
    """`broken` fails, `held` never ends; all others say what they were asked last."""
    model = seen.json["model"]
    if model == "broken":
        return whole({"error": {"message": "no such model"}}, 404)
    if model == "held":
        return streamed(delta("Wait"), HOLD)
    usage = {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}
    said = f"{model} heard: {seen.json['messages'][-1]['content']}"
    return streamed(*map(delta, said.split(" ", 1)[:1]), delta(said[said.index(" ") :]), delta(None, "stop"), usage)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Scripted]:
    with beside(Scripted(script)) as held:
        yield held


@pytest.fixture(scope="module")
def served(
    serve: Callable[[str], Any],
    upstream: Scripted,
    tmp_path_factory: pytest.TempPathFactory,
    telling: Any,
    hostile: str,
) -> Any:
    judges = tmp_path_factory.mktemp("judges") / "judges.yaml"
    names = ("gpt-4o", "other", "broken", "held")
    listed = (f"  - {{name: {name}, base_url: {upstream.url}, model: {name}}}" for name in names)
    judges.write_text("\n".join(["judges:", *listed]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_JUDGES_FILE", str(judges))
        served = serve("playground-app")
    start = time.time_ns() - 60_000_000_000
    call = {
        "gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
        "gen_ai__request__max_tokens": 300,
    }  # fmt: skip
    for trace_id, asked in ((PLAIN, "How long?"), (TRACE, hostile)):
        sent = [{"role": "user", "parts": [{"type": "text", "content": asked}]}]
        told = {
            "gen_ai__system_instructions": json.dumps([{"type": "text", "content": SYSTEM}]),
            "gen_ai__input__messages": json.dumps(sent),
        }  # fmt: skip
        served.send(
            telling(trace_id, start).span(1, "root", 0, 90).span(2, "chat", 5, 80, parent=1, **call, **told).body()
        )
    served.settle()
    with served.client() as client:
        listed_ = "{% for one in contexts %}[{{ one }}]{% endfor %} {{ question }} {{ tone }}"
        client.set_prompt("shop/answer", {"messages": [{"role": "user", "content": listed_}], "model": "other",
                                          "parameters": {"temperature": 0.5, "top_p": 1}})  # fmt: skip
        client.create_dataset("refunds", "")
        item = {"id": "q1", "question": "Why?", "contexts": ["a", "b"], "metadata": {"tone": "kindly"}}
        client.change_dataset("refunds", {"base": 0, "set": [item], "note": ""})
    return served


@pytest.fixture
def visit(page: Callable[..., AppTest], served: Any) -> Callable[..., AppTest]:
    def opened(**query: str) -> AppTest:
        found = page(served.note.api_url, "playground", **query)
        assert not found.exception, found.exception
        return found

    return opened


def said(page: AppTest) -> str:
    parts = (part for kind in ("markdown", "caption", "text", "error", "warning") for part in page.get(kind))
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def messages(page: AppTest) -> list[str]:
    return [area.value for area in page.text_area if str(area.key).startswith("play-text-")]


def model(page: AppTest, place: int) -> Any:
    return [box for box in page.selectbox if str(box.key).startswith("play-model-of-")][place]


def run(page: AppTest) -> AppTest:
    ran = page.button(key="play-run").click().run()
    assert not ran.exception, ran.exception
    return ran


def choose(page: AppTest, place: int, name: str, upstream: Scripted) -> AppTest:
    return model(page, place).set_value(f"{name} at {upstream.url.removeprefix('http://')}").run()


def test_without_models_it_says_what_to_do(page: Callable[..., AppTest], empty_url: str) -> None:
    found = page(empty_url, "playground")
    assert "None can be asked yet" in said(found)
    assert any("ASSAY_SUITES_ENV" in str(code.value) for code in found.code)
    ran = run(found)
    assert "Choose a model, or type its name." in said(ran)


def test_a_key_is_not_sent_to_an_address_that_is_typed_after_it(visit: Callable[..., AppTest]) -> None:
    found = visit()
    number = str(model(found, 0).key).rpartition("-")[2]
    found.session_state[f"play-settings-{number}"] = True
    found.session_state[f"play-key-of-{number}"] = "SOME_KEY"
    found.run().text_input(key=f"play-base-of-{number}").set_value("http://elsewhere.test/v1").run()
    assert found.session_state[f"play-key-of-{number}"] is None
    column = {"model": "m", "base": "http://elsewhere.test/v1", "key": "SOME_KEY", "json": ""}
    told = playground_columns.about(column | {"temperature": 0.5, "max": None}, {})
    assert told == "http://elsewhere.test/v1, key from SOME_KEY, temperature 0.5"


def test_from_a_trace_to_an_answer_in_one_press(visit: Callable[..., AppTest], upstream: Scripted) -> None:
    found = visit(play_trace=PLAIN.hex())
    assert messages(found) == [f"{{% raw %}}{SYSTEM}{{% endraw %}}", "How long?"]
    ran = run(found)
    assert "gpt-4o heard: How long?" in said(ran)
    assert upstream.seen[-1].json["messages"][0] == {"role": "system", "content": SYSTEM}
    assert upstream.seen[-1].json["max_tokens"] == 300
    for words in ("finished", "1,000 → 100", "$0.0035", "By the list price, genai-prices"):
        assert words in said(ran)


def test_text_of_traces_is_no_markup(visit: Callable[..., AppTest], hostile: str) -> None:
    ran = run(visit(play_trace=TRACE.hex(), play_span=f"{2:016x}"))
    assert f"gpt-4o heard: {hostile}" in [text.value for text in ran.text]
    assert hostile not in "\n".join(str(part.value) for kind in ("markdown", "caption") for part in ran.get(kind))


def test_a_prompt_with_an_item(visit: Callable[..., AppTest], upstream: Scripted) -> None:
    found = visit(play_prompt="shop/answer", play_dataset="refunds", play_item="q1")
    values = {area.label: area.value for area in found.text_area if str(area.key).startswith("play-variable-")}
    assert values == {"contexts": '["a", "b"]', "question": "Why?", "tone": "kindly"}
    found.text_area(key="play-variable-tone").set_value("shortly").run()
    ran = run(found)
    assert "other heard: [a][b] Why? shortly" in said(ran)
    assert (upstream.seen[-1].json["temperature"], upstream.seen[-1].json["top_p"]) == (0.5, 1)


def test_a_trace_that_fills_variables_leaves_the_prompt(visit: Callable[..., AppTest]) -> None:
    found = visit(play_prompt="shop/answer", play_trace=PLAIN.hex(), play_fill="variables")
    assert found.text_area(key="play-variable-question").value == "How long?"
    assert "{{ question }}" in messages(found)[0]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        pytest.param({"play_prompt": "no/such"}, "has no prompt 'no/such'", id="prompt"),
        pytest.param({"play_trace": "xyz"}, "is no trace", id="no-id"),
        pytest.param({"play_trace": "ab" * 16}, "has no model call", id="trace"),
        pytest.param({"play_dataset": "refunds", "play_item": "q9"}, "q9", id="item"),
    ],
)
def test_what_cannot_be_loaded_is_told(visit: Callable[..., AppTest], query: dict[str, str], told: str) -> None:
    found = visit(**query)
    assert "It was not loaded" in said(found)
    assert told in said(found)
    assert messages(found) == ["{{ question }}"]


def test_two_models_and_one_fails(visit: Callable[..., AppTest], upstream: Scripted) -> None:
    found = visit()
    found.text_area(key="play-variable-question").set_value("Why?").run()
    found.button(key="play-add-model").click().run()
    ran = run(choose(choose(found, 0, "broken", upstream), 1, "other", upstream))
    assert "no such model" in said(ran)
    assert "other heard: Why?" in said(ran)
    assert "No price is known for model other" in said(ran)
    number = next(str(one.key) for one in ran.button if str(one.key).startswith("play-again-"))
    again = choose(ran, 0, "gpt-4o", upstream).button(key=number).click().run()
    assert "gpt-4o heard: Why?" in said(again)
    assert "no such model" not in said(again)
    compared = again.toggle(key="play-compare").set_value(True).run()
    assert any("<del" in part.proto.body for part in compared.get("html"))


def test_what_is_wrong_with_a_prompt_is_told_below_it(visit: Callable[..., AppTest]) -> None:
    found = visit()
    area = next(area for area in found.text_area if str(area.key).startswith("play-text-"))
    ran = run(area.set_value("Why\n{{ question }").run())
    assert "it is no template" in said(ran)
    assert "line 2" in said(ran)


def test_messages_are_added_moved_and_removed(visit: Callable[..., AppTest]) -> None:
    found = visit().button(key="play-add").click().run()
    keys = [str(area.key) for area in found.text_area if str(area.key).startswith("play-text-")]
    numbers = [key.rpartition("-")[2] for key in keys]
    found.text_area(key=keys[1]).set_value("Yes.").run()
    assert found.selectbox(key=f"play-role-{numbers[1]}").value == "assistant"
    found.button(key=f"play-up-{numbers[1]}").click().run()
    assert messages(found) == ["Yes.", "{{ question }}"]
    found.button(key=f"play-drop-{numbers[0]}").click().run()
    assert messages(found) == ["Yes."]


def test_the_draft_stays_on_the_way_to_other_pages_and_in_the_history(
    visit: Callable[..., AppTest], upstream: Scripted
) -> None:
    found = visit(play_dataset="refunds", play_item="q1")
    first = run(found)
    area = next(area for area in first.text_area if str(area.key).startswith("play-text-"))
    area.set_value("Say {{ question }} again").run()
    first.switch_page("views/prompts.py").run()
    back = first.switch_page("views/playground.py").run()
    assert messages(back) == ["Say {{ question }} again"]
    assert back.query_params["play_item"] == "q1"
    second = run(back)
    assert "heard: Say Why? again" in said(second)
    second.session_state["play-history"] = True
    returned = second.run().button(key="play-return-1").click().run()
    assert messages(returned) == ["{{ question }}"]
    assert "heard: Why?" in said(returned)


def test_what_a_draft_was_made_from_returns_with_it(visit: Callable[..., AppTest]) -> None:
    """Else its runs carry no version, since its text is not that of the prompt that was loaded last."""
    found = run(visit(play_prompt="shop/answer", play_version="1"))
    found.query_params.clear()
    found.query_params["play_trace"] = PLAIN.hex()
    found.run()
    assert "Prompt shop" not in "\n".join(link.proto.label for link in found.get("page_link"))
    found.session_state["play-history"] = True
    back = found.run().button(key="play-return-1").click().run()
    links = "\n".join(link.proto.label for link in back.get("page_link")).replace("\\", "")
    assert "Prompt shop/answer, version 1" in links
    assert "changed" not in links
    assert (back.query_params["play_prompt"], "play_trace" in back.query_params) == ("shop/answer", False)
    area = next(area for area in back.text_area if str(area.key).startswith("play-text-"))
    area.set_value("Mine").run()
    back.query_params.clear()
    back.query_params["play_trace"] = PLAIN.hex()
    brought = back.run().button(key="play-bring-back").click().run()
    assert messages(brought) == ["Mine"]
    assert brought.query_params["play_prompt"] == "shop/answer"


def test_a_version_is_saved_and_one_that_came_meanwhile_is_shown(visit: Callable[..., AppTest], served: Any) -> None:
    with served.client() as client:
        client.set_prompt("own", {"messages": [{"role": "user", "content": "One {{ question }}"}]})
        found = visit(play_prompt="own")
        area = next(area for area in found.text_area if str(area.key).startswith("play-text-"))
        area.set_value("Two {{ question }}").run()
        client.set_prompt("own", {"messages": [{"role": "user", "content": "Three {{ question }}"}]})
        found.button(key="play-save").click().run()
        found.text_input(key="play-save-note").set_value("Better")
        found.button(key="play-save-it").click().run()
        assert client.prompt("own")["version"] == 2
        assert found.session_state["play-newer"] == ("own", 2)  # shown in the dialog, which stays open in a browser
        saved = found.button(key="play-save").click().run()
        saved.session_state["play-newer"] = ("own", 2)
        saved.button(key="play-save-it").click().run()
        kept = client.prompt("own")
    assert (kept["version"], kept["messages"][0]["content"], kept["model"]) == (3, "Two {{ question }}", "gpt-4o")
    assert saved.query_params["play_version"] == "3"
    assert "Prompt own, version 3" in "\n".join(link.proto.label for link in saved.get("page_link")).replace("\\", "")


def test_it_is_run_over_a_dataset(visit: Callable[..., AppTest], served: Any, upstream: Scripted) -> None:
    found = visit(play_dataset="refunds", play_item="q1").button(key="play-add-model").click().run()
    found = choose(choose(found, 0, "gpt-4o", upstream), 1, "other", upstream)
    opened = found.button(key="play-over").click().run()
    assert "2 answers: 1 item x 2 models" in said(opened)
    assert opened.multiselect(key="play-over-evaluators-refunds").value == ["groundedness", "answer_relevance"]
    opened.number_input(key="play-over-repeats").set_value(2)
    opened.button(key="play-order").click().run()
    done, problem = opened.session_state["play-ordered"]
    assert problem == ""
    with served.client() as client:
        kept = client.experiment(done["experiment_id"])
    assert [one["arm"] for one in kept["arms"]] == [{"model": "gpt-4o"}, {"model": "other"}]
    assert kept["name"] == "gpt-4o, other over refunds"


@pytest.mark.parametrize(("of", "place"), [(None, 1), ("c", 2), ("a", 0), ("gone", 1)])
def test_which_dataset_is_offered_first(of: str | None, place: int) -> None:
    assert playground_experiment.chosen_first({"a": 0, "b": 3, "c": 4}, of) == place
    assert playground_experiment.chosen_first({"a": 0}, None) == 0


def ended(live: Live) -> Live:
    until = time.monotonic() + 20
    while not live.over and time.monotonic() < until:
        time.sleep(0.01)
    return live


def test_who_stops_keeps_what_was_said(served: Any, upstream: Scripted) -> None:
    held = {"text": "x", "models": [{"model": "held", "base_url": upstream.url}]}
    with served.client() as client:
        live = Live(client, held, ["held"])
        until = time.monotonic() + 20
        while not live.answers[0].text and time.monotonic() < until:
            time.sleep(0.01)
        forsaken = Live(client, held, ["held"], wanted=lambda: False, gone_s=0.1)
        live.stop()
        assert (ended(live).answers[0].state, live.answers[0].text) == ("stopped", "Wait")
        assert ended(forsaken).answers[0].state == "stopped"


def test_what_is_refused_is_told_of_all(served: Any) -> None:
    with served.client() as client:
        refused = ended(Live(client, {"text": "{{ x }}", "models": [{"model": "m"}]}, ["m"]))
    assert "Variables without a value: x" in refused.refused
    assert refused.answers[0].state == "error"


# What is made of traces, items and fields.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain {x}", "plain {x}", id="plain"),
        pytest.param("a {{ b }}", "{% raw %}a {{ b }}{% endraw %}", id="placeholder"),
        pytest.param("{% endraw %}{{", '{{ "{" }}% endraw %}{{ "{" }}{', id="with-the-end-in-it"),
    ],
)
def test_texts_as_templates(text: str, expected: str) -> None:
    assert playground_texts.literal(text) == expected


def test_a_call_as_a_prompt() -> None:
    def text(content: str) -> dict[str, Any]:
        return {"type": "text", "content": content}

    span = {
        "system": [{"role": "system", "parts": [text("S")]}],
        "input": [
            {"role": "system", "parts": [text("S")]},
            {"role": "user", "parts": [text("a"), {"type": "blob", "content": "x"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "find", "arguments": {"id": 7}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "response": "paid"}]},
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}]},
        ],
    }
    turns, notes = playground_texts.prompt_of(span)
    assert [(one["role"], one["content"]) for one in turns] == [
        ("system", "S"), ("user", "a"), ("assistant", '[calls find: {"id": 7}]'), ("user", "[tool result: paid]"),
    ]  # fmt: skip
    assert notes == ["Images, files and the like are left out.", "Calls of tools, and their results, became text."]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({"gen_ai.request.temperature": "0.5", "gen_ai.request.seed": "7"}, {"temperature": 0.5, "seed": 7},
                     id="opentelemetry"),
        pytest.param({"llm.invocation_parameters": '{"top_p": 1, "model": "m"}'}, {"top_p": 1}, id="openinference"),
        pytest.param({"gen_ai.request.temperature": "warm"}, {}, id="no-number"),
    ],
)  # fmt: skip
def test_parameters_of_a_call(attributes: dict[str, str], expected: dict[str, Any]) -> None:
    assert playground_texts.parameters_of({"attributes": attributes}) == expected


def test_tools_of_a_call() -> None:
    function = {"name": "f", "parameters": {}}
    told = [
        {"type": "function", "function": function},
        {"type": "function", **function},
        {"name": "g", "input_schema": {}},
    ]
    expected = [function, function, {"name": "g", "parameters": {}}]
    for definitions in (told, json.dumps(told)):
        found = playground_texts.tools_of({"tool_definitions": definitions})
        assert [one["function"] for one in found] == expected


ID = "ab" * 16


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param(f" {ID} ", (ID, ""), id="id"),
        pytest.param(f"http://h/trace?trace={ID}&span=12", (ID, "12"), id="link"),
        pytest.param("http://h/traces?range=24h", ("", ""), id="another-link"),
    ],
)
def test_links_to_traces(typed: str, expected: tuple[str, str]) -> None:
    assert playground_texts.linked(typed) == expected


@pytest.mark.parametrize(
    ("parameters", "fields"),
    [
        pytest.param({"temperature": 1, "max_tokens": 9}, {"temperature": 1.0, "max": 9, "json": ""}, id="fields"),
        pytest.param({"temperature": 5}, {"temperature": None, "max": None, "json": '{"temperature": 5}'}, id="beyond"),
        pytest.param({"stop": ["a"]}, {"temperature": None, "max": None, "json": '{"stop": ["a"]}'}, id="others"),
    ],
)
def test_parameters_have_fields_and_come_back(parameters: dict[str, Any], fields: dict[str, Any]) -> None:
    assert playground_models.parameter_fields(parameters) == fields
    assert playground_models.parameters(fields) == parameters


@pytest.mark.parametrize(
    ("json_", "told"), [("{", "this is no JSON"), ("[1]", "this is no JSON object")], ids=["broken", "a-list"]
)
def test_parameters_that_are_none(json_: str, told: str) -> None:
    with pytest.raises(playground_models.ColumnError, match=told):
        playground_models.parameters({"temperature": None, "max": None, "json": json_})


def test_a_model_that_left_the_list_keeps_its_name() -> None:
    column = {"model": "m at h:1", "base": "http://h:1/v1"}
    assert playground_models.name_of(column, {}) == "m"
    assert playground_models.name_of({"model": "typed", "base": ""}, {}) == "typed"
