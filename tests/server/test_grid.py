"""A suite with something varied: which arms come of it, what each says, and what cannot be varied."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from evaluators.errors import EvaluatorError
from server.evals import grid
from server.evals.grid import GridError, Newest

MODEL = """\
suite: answers  # of support
dataset: {stored: questions}
target:
  model:
    model: small
    prompt: "{{ question }}"
    parameters: {seed: 1, logit: 2}
evaluators: [exact_match]
"""
HTTP = """\
suite: endpoint
dataset: {file: items.jsonl}
target:
  http: {url: http://localhost:1/}
evaluators: [exact_match]
"""
STORED = MODEL.replace('"{{ question }}"', "{stored: support, label: production, project: shared}")
CHAT = MODEL.replace('prompt: "{{ question }}"', 'messages: [{role: user, content: "{{ question }}"}]')


def of(document: str, *over: str) -> list[grid.Arm]:
    return grid.arms(document, "suite answers", grid.read_over(over))


def told(arm: grid.Arm, path: str) -> Any:
    found = yaml.safe_load(arm.document)
    for step in path.split("."):
        found = found[int(step)] if isinstance(found, list) else found.get(step)
    return found


def test_every_combination_is_an_arm_and_the_last_path_is_the_fastest() -> None:
    arms = of(MODEL, "model=small,large", "temperature=0,0.7", "top_p=1")
    assert [arm.name for arm in arms] == [
        "model=small, temperature=0", "model=small, temperature=0.7", "model=large, temperature=0",
        "model=large, temperature=0.7",
    ]  # fmt: skip
    assert arms[3].values == {"model": "large", "temperature": 0.7, "top_p": 1}
    assert told(arms[3], "target.model") == {
        "model": "large", "prompt": "{{ question }}",
        "parameters": {"seed": 1, "logit": 2, "temperature": 0.7, "top_p": 1},
    }  # fmt: skip
    assert list(yaml.safe_load(arms[3].document)) == ["suite", "dataset", "target", "evaluators"]


def test_nothing_varied_is_one_arm_whose_text_is_the_suite() -> None:
    assert grid.arms(MODEL, "a", {}) == [grid.Arm({}, "", MODEL)]
    assert of(MODEL, "model=small")[0].document == MODEL, "as it is: the comment stays"


@pytest.mark.parametrize(
    ("document", "over", "path", "value"),
    [
        pytest.param(MODEL, "system=Be brief.", "target.model.system", "Be brief.", id="system"),
        pytest.param(MODEL, "parameters.stop=x", "target.model.parameters.stop", "x", id="any-parameter"),
        pytest.param(MODEL, "logit=5", "target.model.parameters.logit", 5, id="parameter-of-the-suite"),
        pytest.param(MODEL, "seed=5", "seed", 5, id="seed-is-the-suite's"),
        pytest.param(MODEL, "temperature=null", "target.model.parameters.temperature", None, id="null-leaves-out"),
        pytest.param(MODEL, "dataset.version=3", "dataset.version", 3, id="dataset-version"),
        pytest.param(MODEL, "repeats=3", "repeats", 3, id="repeats"),
        pytest.param(MODEL, "target.model.base_url=http://h/v1", "target.model.base_url", "http://h/v1", id="dots"),
        pytest.param(CHAT, "target.model.messages.0.content=Hi", "target.model.messages.0.content", "Hi", id="place"),
        pytest.param(HTTP, "url=http://h/", "target.http.url", "http://h/", id="url"),
        pytest.param(MODEL, "prompt=support", "target.model.prompt", {"stored": "support"}, id="prompt-name"),
        pytest.param(MODEL, "prompt=a/b@3", "target.model.prompt", {"stored": "a/b", "version": 3}, id="prompt-@3"),
        pytest.param(MODEL, "prompt=a@live", "target.model.prompt", {"stored": "a", "label": "live"}, id="prompt-@l"),
        pytest.param(MODEL, "prompt=Say: {{ question }}", "target.model.prompt", "Say: {{ question }}", id="text"),
        pytest.param(STORED, "prompt=2", "target.model.prompt",
                     {"stored": "support", "project": "shared", "version": 2}, id="version-of-the-suite's"),
        pytest.param(STORED, "prompt=staging", "target.model.prompt",
                     {"stored": "support", "project": "shared", "label": "staging"}, id="label-of-the-suite's"),
        pytest.param(STORED, "prompt=support@4", "target.model.prompt",
                     {"stored": "support", "project": "shared", "version": 4}, id="its-own-project-stays"),
        pytest.param(STORED, "prompt=other@4", "target.model.prompt", {"stored": "other", "version": 4}, id="another"),
        pytest.param(MODEL, 'prompt=["A, {{ answer }}"]', "target.model.prompt", "A, {{ answer }}", id="json"),
    ],
)  # fmt: skip
def test_where_a_value_goes(document: str, over: str, path: str, value: object) -> None:
    [arm] = of(document, over)
    assert told(arm, path) == value


@pytest.mark.parametrize(
    ("document", "over", "says"),
    [
        pytest.param(MODEL, ["modle=a"], "'modle' is nothing that can be varied. Did you mean 'model'?", id="typo"),
        pytest.param(MODEL, ["evaluators=a"], "'evaluators' stays as it is", id="evaluators"),
        pytest.param(MODEL, ["gates.0.at_least=1"], "'gates.0.at_least' stays as it is", id="gates"),
        pytest.param(MODEL, ["url=http://h/"], "the suite's target is model: it has no http", id="other-target"),
        pytest.param(HTTP, ["model=a"], "the suite's target is http: it has no model", id="no-model"),
        pytest.param(MODEL, ["temperature=0,0"], "'temperature' has the value 0 twice", id="twice"),
        pytest.param(MODEL, ["temperature=0", "parameters.temperature=1"], "are both target.model.", id="two"),
        pytest.param(MODEL, ["prompt=3"], "Write NAME@3.", id="version-of-a-text"),
        pytest.param(MODEL, ["repeats=0"], "repeats=0: repeats: Input should be greater than", id="checked"),
        pytest.param(MODEL, ["target.model.model.x=1"], "target.model.model of the suite has no keys", id="too-deep"),
        pytest.param(CHAT, ["target.model.messages.7.content=a"], "'target.model.messages.7.content' leads nowhere",
                     id="no-such-place"),
        pytest.param(MODEL, [f"seed={','.join(map(str, range(6)))}", f"repeats={','.join(map(str, range(1, 11)))}"],
                     "6 of seed x 10 of repeats make 60 arms, and an experiment has at most 50.", id="too-many"),
        pytest.param(MODEL, ["model"], "'model' varies nothing", id="no-values"),
        pytest.param(MODEL, ["model=a,,b"], "has an empty value", id="empty-value"),
        pytest.param(MODEL, ["model=a", "model=b"], "varied twice", id="given-twice"),
        pytest.param(MODEL, ["model=[1"], "begins as a JSON list does", id="no-json"),
        pytest.param("suite: x", ["model=a"], "dataset", id="no-suite"),
    ],
)  # fmt: skip
def test_what_cannot_be_varied(document: str, over: list[str], says: str) -> None:
    with pytest.raises(EvaluatorError) as error:
        of(document, *over)
    assert says in str(error.value)


def test_versions_that_are_left_open_are_those_of_now() -> None:
    newest = Newest({None: {"questions": 4}}, {"shared": {"support": {"production": 7, "latest": 9}}})
    arms = grid.arms(STORED, "a", {"prompt": ["production", "latest", 2], "dataset.version": [None, 1]}, newest)
    assert [(told(arm, "target.model.prompt.version"), told(arm, "dataset.version")) for arm in arms] == [
        (7, 4), (7, 1), (9, 4), (9, 1), (2, 4), (2, 1),
    ]  # fmt: skip
    assert told(arms[0], "target.model.prompt") == {"stored": "support", "project": "shared", "version": 7}
    [open_] = grid.arms(STORED, "a", {}, Newest())
    assert open_.document == STORED, "what the store does not have is told by the run"


def test_what_is_set_beforehand_is_no_value_of_an_arm() -> None:
    base = {"target.model.prompt.label": None, "target.model.prompt.version": 3, "dataset.version": 2}
    [arm] = grid.arms(STORED, "a", {"model": ["large"]}, None, base)
    assert (arm.values, arm.name) == ({"model": "large"}, "model=large")
    assert told(arm, "target.model.prompt") == {"stored": "support", "project": "shared", "version": 3}
    assert told(arm, "dataset.version") == 2


def test_names_tell_arms_apart_also_where_values_are_long_or_lacking() -> None:
    long = ["Answer in at most one short sentence, politely.", "Answer in at most one short sentence, rudely."]
    assert grid.names_of([{"prompt": one} for one in long]) == [
        "prompt=Answer in at most one short sen… (1)", "prompt=Answer in at most one short sen… (2)",
    ]  # fmt: skip
    assert grid.names_of([{}, {"model": "a"}]) == ["model=-", "model=a"]
    assert grid.names_of([{"prompt": {"stored": "a", "version": 2}, "x": 1}]) == ["prompt=a@2, x=1"]
    assert grid.names_of([{}]) == [""]


@pytest.mark.parametrize(
    ("over", "harmless"),
    [
        pytest.param(["model", "prompt", "temperature", "repeats", "dataset.version"], True, id="values"),
        pytest.param(["target.model.base_url"], False, id="address"),
        pytest.param(["target.model.key_env"], False, id="key"),
        pytest.param(["dataset.file"], False, id="file"),
        pytest.param([], True, id="nothing"),
    ],
)
def test_what_a_trusted_file_may_vary(over: list[str], harmless: bool) -> None:
    assert grid.harmless(over, yaml.safe_load(MODEL)) == harmless


def test_a_list_of_another_form_is_none() -> None:
    with pytest.raises(GridError, match="PATH=VALUE"):
        grid.read_over(["=3"])
