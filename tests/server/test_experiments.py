"""Experiments over HTTP: ordered, carried out arm by arm, told, compared, run again, cancelled, bound."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import made_runs
import pytest
import yaml
from fake_openai import Act, beside

from server.client import ApiError
from server.run_worker import RunWorker
from server.settings import Settings

SUITE = """\
suite: NAME
dataset: {stored: questions}
target:
  model:
    base_url: URL
    model: small
    stream: false
    price: {input: 1000, output: 1000}
    prompt: {stored: support}
evaluators: [{name: contains, options: {texts: [ok]}, pass: {at_least: 1}}]
"""
KEYED = SUITE.replace("stream: false", "key_env: ASSAY_TEST_KEY")
ITEMS = b"".join(json.dumps({"id": str(place), "question": f"Why {place}?"}).encode() + b"\n" for place in range(3))


def act(body: dict[str, Any]) -> Act:
    return Act("ok" if body["model"] == "large" else "no")


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    with beside(act) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model: Any) -> Path:
    made = tmp_path_factory.mktemp("suites")
    (made / "items.jsonl").write_text("\n".join(made_runs.items(3)))
    (made / "keyed.yaml").write_text(KEYED.replace("NAME", "keyed").replace("URL", model.url))
    return made


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], folder: Path) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SUITES_DIR", str(folder))
        found = serve("experiments")
        with found.client() as client:
            client.set_prompt("support", {"text": "Say: {{ question }}"})
            client.set_prompt("support", {"text": "Say now: {{ question }}"})
            client.create_dataset("questions")
            client.import_dataset("questions", "items.jsonl", ITEMS)
        yield found


@pytest.fixture
def client(served: Any) -> Iterator[Any]:
    with served.client() as found:
        yield found


@pytest.fixture
def worker(served: Any, tmp_path: Path) -> RunWorker:
    return RunWorker(served.note.api_url, Settings(data_dir=tmp_path))


def suite(name: str, model: Any) -> str:
    return SUITE.replace("NAME", name).replace("URL", model.url)


def test_arms_are_run_told_compared_and_run_again(client: Any, worker: RunWorker, model: Any, tmp_path: Path) -> None:
    made = client.order_experiment({"document": suite("grid", model), "over": {"model": ["small", "large"]}})
    assert made["name"] == "grid: model"
    assert [(run["arm"], run["name"]) for run in made["runs"]] == [
        ({"model": "small"}, "model=small"), ({"model": "large"}, "model=large"),
    ]  # fmt: skip
    assert client.experiment(made["experiment_id"])["state"] == "waiting"
    while worker.turn(0):
        pass
    told = client.experiment(made["experiment_id"])
    assert (told["state"], told["counts"], told["varied"]) == ("done", {"passed": 2}, {"model": ["small", "large"]})
    assert (told["answers_done"], told["answers_total"], told["source"]) == (6, 6, "app")
    assert told["cost_usd"] == pytest.approx(6 * 0.12)
    ids = [run["run_id"] for run in made["runs"]]
    assert told["compare"] == ids == [arm["run_id"] for arm in told["arms"]]
    first, second = (client.run(run_id) for run_id in ids)
    assert first["manifest"]["experiment"] == {
        "id": made["experiment_id"], "name": "grid: model", "arm": {"model": "small"},
    }  # fmt: skip
    assert (second["experiment_id"], second["arm"]) == (made["experiment_id"], {"model": "large"})
    pinned = yaml.safe_load(first["document"])
    assert (pinned["dataset"]["version"], pinned["target"]["model"]["prompt"]["version"]) == (1, 2), "those of now"
    compared = client.compare_runs(ids)
    assert [one["name"] for one in compared["variants"]] == ["model=small", "model=large"]
    assert compared["shared"][0]["sentence"] == "model=large and model=small have the same 3 items."
    assert client.experiments(suite="grid")[0]["experiment_id"] == made["experiment_id"]
    assert client.runs(suite="grid", arms=False) == [], "arms are no baseline of their suite"

    # Its folder is gone, and with it the journal: the store knows the answers. What failed alone is asked again.
    asked = len(model.requests)
    arm = tmp_path / "runs" / "project-default" / "grid" / "arms" / ids[0]
    assert (arm / "report.html").is_file()
    shutil.rmtree(arm)
    client.run_suite("grid", {"again": ids[0]})
    assert worker.turn(0)
    again = client.run(ids[0])
    assert (again["state"], len(model.requests)) == ("done", asked)
    assert again["manifest"]["results_sha256"] == first["manifest"]["results_sha256"]

    # Run again, though dataset and prompt have moved on; then with one thing changed.
    client.change_dataset("questions", {"base": 1, "remove": ["1"]})
    again = client.order_experiment({"like": ids[1]})
    assert again["runs"][0]["arm"] == {"model": "large"}
    same = client.run(again["runs"][0]["run_id"])
    assert yaml.safe_load(same["document"]) == yaml.safe_load(second["document"])
    client.cancel_experiment(again["experiment_id"])
    changed = client.order_experiment({"like": ids[1], "over": {"prompt": [1]}, "sample": 2})
    assert worker.turn(0)
    told = client.experiment(changed["experiment_id"])
    assert told["compare"] == [ids[1], changed["runs"][0]["run_id"]], "beside what it varies"
    assert told["arms"][0]["arm"] == {"model": "large", "prompt": 1}
    other = client.run(changed["runs"][0]["run_id"])
    assert (other["summary"]["items"], other["manifest"]["target"]["prompt"]["version"]) == (2, 1)
    assert model.requests[-1]["messages"][-1]["content"].startswith("Say: Why")


def test_what_is_varied_goes_before_what_the_run_was_ordered_with(client: Any, model: Any) -> None:
    """Its `sample` and `repeats` would have all arms answer alike, each called by another number."""
    made = client.order_experiment({"document": suite("sampled", model), "sample": 3, "repeats": 2})
    for over in ({"dataset.sample": [1, 2]}, {"repeats": [1, 2]}):
        varied = client.order_experiment({"like": made["runs"][0]["run_id"], "over": over})
        wishes = [client.run(one["run_id"])["wish"] for one in varied["runs"]]
        asked = {"dataset.sample": "sample", "repeats": "repeats"}[next(iter(over))]
        assert [asked in wish for wish in wishes] == [False, False]
        assert all({"sample", "repeats"} - {asked} <= set(wish) for wish in wishes)
        client.cancel_experiment(varied["experiment_id"])
    client.cancel_experiment(made["experiment_id"])


def test_an_identical_run_keeps_the_bound_and_the_name_that_it_is_ordered_with(client: Any, model: Any) -> None:
    run_id = made_runs.tell(client, made_runs.rows(2), suite="plain", document=suite("plain", model))
    alone = client.order_experiment({"like": run_id, "budget_usd": 0.5})
    assert alone["experiment_id"] is None
    assert client.run(alone["runs"][0]["run_id"])["wish"]["budget_usd"] == pytest.approx(0.5)
    client.cancel_run(alone["runs"][0]["run_id"])
    named = client.order_experiment({"like": run_id, "name": "Once more", "budget_usd": 0.5})
    told = client.experiment(named["experiment_id"])
    assert (told["name"], told["budget_usd"], told["like_run"]) == ("Once more", 0.5, run_id)
    client.cancel_experiment(named["experiment_id"])


def test_all_runs_of_an_experiment_are_cancelled_and_forgotten_together(client: Any, model: Any) -> None:
    made = client.order_experiment({"document": suite("cancelled", model), "over": {"model": ["a", "b"]}})
    told = client.cancel_experiment(made["experiment_id"])
    assert (told["state"], told["counts"], told["compare"]) == ("ended", {"cancelled": 2}, [])
    client.forget_experiment(made["experiment_id"])
    with pytest.raises(ApiError, match="has no experiment"):
        client.experiment(made["experiment_id"])
    assert client.runs(suite="cancelled") == []


@pytest.mark.parametrize(
    ("order", "status", "says"),
    [
        pytest.param({"over": {"model": ["a"]}}, 422, "one of them, not none", id="nothing"),
        pytest.param({"suite": "a", "document": "b"}, 422, "one of them", id="two"),
        pytest.param({"suite": "nowhere"}, 404, "no suite 'nowhere'", id="no-suite"),
        pytest.param({"like": "0" * 32}, 404, "has no run", id="no-run"),
        pytest.param({"document": "suite: x"}, 422, "dataset", id="no-document"),
        pytest.param({"suite": "keyed", "over": {"modle": ["a"]}}, 422, "Did you mean 'model'?", id="typo"),
        pytest.param(
            {"suite": "keyed", "over": {"repeats": [2]}, "repeats": 2}, 422, "`repeats` sets it", id="repeats"
        ),
        pytest.param(
            {"suite": "keyed", "over": {"dataset.sample": [2]}, "sample": 2}, 422, "`sample` sets it", id="sample"
        ),
        pytest.param({"suite": "keyed", "over": {"model": []}}, 422, "over", id="no-values"),
    ],
)  # fmt: skip
def test_what_is_refused(client: Any, order: dict[str, Any], status: int, says: str) -> None:
    with pytest.raises(ApiError) as error:
        client.order_experiment(order)
    assert error.value.status == status
    assert says in str(error.value)


def test_a_trusted_file_is_varied_only_where_no_key_goes_elsewhere(client: Any, folder: Path) -> None:
    made = client.order_experiment({"suite": "keyed", "over": {"model": ["large"], "temperature": [0, 1]}})
    client.cancel_experiment(made["experiment_id"])
    elsewhere = {"target.model.base_url": ["http://elsewhere.test/v1"]}
    edited = (folder / "keyed.yaml").read_text().replace("small", "large")
    like = {"like": made["runs"][0]["run_id"]}
    for order in ({"suite": "keyed", "over": elsewhere}, {"document": edited}, like | {"over": elsewhere}):
        with pytest.raises(ApiError, match="names the environment variable ASSAY_TEST_KEY"):
            client.order_experiment(order)


def test_the_command_line_tells_of_an_arm(client: Any) -> None:
    experiment = {"id": "ab" * 16, "name": "told", "arm": {"model": "x"}}
    run_id = made_runs.tell(client, made_runs.rows(4), suite="of-cli", experiment=experiment)
    told = client.experiment("ab" * 16)
    assert (told["source"], told["name"], told["suite"], told["state"]) == ("cli", "told", "of-cli", "done")
    assert [arm["run_id"] for arm in told["arms"]] == [run_id]
    with pytest.raises(ApiError, match="has an id, a name and an arm"):
        made_runs.tell(client, made_runs.rows(1), experiment={"id": "x"})
    plain = made_runs.tell(client, made_runs.rows(4), suite="of-cli")
    assert [one["run_id"] for one in client.runs(suite="of-cli", arms=False)] == [plain]
    assert json.dumps(client.run(plain)["arm"]) == "null"


def pushed(variant: str, *right: bool) -> bytes:
    rows = [{"item": place, "input": f"Why {place}?", "scores": {"exact": one}} for place, one in enumerate(right)]
    return b"\n".join(json.dumps(one).encode() for one in ({"experiment": "of May", "variant": variant}, *rows))


def test_another_harness_pushes_runs_that_compare_like_any_other(client: Any) -> None:
    made = [client.push_run(pushed("A", *[True, False] * 10)), client.push_run(pushed("B", *[True] * 20))]
    again = client.push_run(pushed("B", *[True] * 20))
    assert again == made[1], "pushed twice is as good as once"
    assert made[0] == made[0] | {"suite": "of-May", "rows": 20, "items": 20}
    told = client.experiment(made[0]["experiment_id"])
    assert (told["source"], told["name"], told["state"]) == ("pushed", "of May", "done")
    assert [arm["name"] for arm in told["arms"]] == ["variant=A", "variant=B"]
    assert told["compare"] == [one["run_id"] for one in made]
    compared = client.compare_runs(told["compare"])
    (found,) = [one for one in compared["pairs"] if one["metric"] == "exact.passed"]
    assert (found["difference"], found["n_a"], found["n_b"]) == (0.5, 20, 20)
    assert len(list(client.run_results(made[1]["run_id"]))) == 20
    assert "exact" in client.run_report(made[0]["run_id"])
    with pytest.raises(ApiError, match="Line 2: scores"):
        client.push_run(b'{"experiment": "of May"}\n{"item": "1", "scores": {"a": "x"}}')
    with pytest.raises(ApiError, match="keeps no suite"):
        client.order_experiment({"like": made[0]["run_id"]})


def test_a_plan_orders_nothing_and_a_whole_experiment_is_run_again(client: Any, model: Any) -> None:
    order = {"document": suite("planned", model), "over": {"temperature": "0, 0.7", "model": '["a,b"]'}}
    plan = client.order_experiment(order | {"plan": True})
    assert plan["experiment_id"] is None
    assert [(run["run_id"], run["arm"]) for run in plan["runs"]] == [
        (None, {"temperature": 0, "model": "a,b"}), (None, {"temperature": 0.7, "model": "a,b"}),
    ]  # fmt: skip
    assert client.runs(suite="planned") == []
    made = client.order_experiment(order | {"repeats": 2, "budget_usd": 3})
    again = client.rerun_experiment(made["experiment_id"])
    first, second = (client.experiment(one["experiment_id"]) for one in (made, again))
    kept = ("name", "suite", "varied", "budget_usd")
    assert {key: first[key] for key in kept} == {key: second[key] for key in kept}
    assert [run["arm"] for run in first["arms"]] == [run["arm"] for run in second["arms"]]
    assert {run["wish"]["repeats"] for run in second["arms"]} == {2}
    for one in (made, again):
        client.cancel_experiment(one["experiment_id"])
