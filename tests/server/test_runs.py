"""Suites and runs over a real server: told, listed, read, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import made_runs
import pytest

from server import suites
from server.client import ApiError
from server.evals.starting import FOLDER as TEMPLATES
from server.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of suites: one file, its dataset, and files that are none."""
    made = tmp_path_factory.mktemp("suites")
    (made / "items.jsonl").write_text("\n".join(made_runs.items(8)))
    (made / "team").mkdir()
    (made / "team" / "filed.yaml").write_text(made_runs.SUITE.format(name="filed", file="../items.jsonl"))
    (made / "judges.yaml").write_text("judges: []\n")
    (made / "broken.yml").write_bytes(b"\xff\xfe")
    return made


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], folder: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SUITES_DIR", str(folder))
        return serve("runs")


def suite(name: str = "support", **more: str) -> str:
    text = made_runs.SUITE.format(name=name, file="items.jsonl")
    return text + "".join(f"{key}: {value}\n" for key, value in more.items())


def test_a_run_is_told_and_read_as_it_was(served: Any) -> None:
    made = made_runs.rows(6, 2, flaky=(5,), failed=(3,))
    with served.client() as client:
        run_id = made_runs.tell(client, made, "failed", "told")
        run = client.run(run_id)
        assert (run["state"], run["outcome"], run["source"]) == ("done", "failed", "cli")
        assert (run["answers_done"], run["cost_usd"]) == (12, pytest.approx(0.001))
        assert run["brief"]["gates"] == {"undecided": 1, "met": 1, "missed": 1}
        assert run["brief"]["failing"] == ["target errors <= 0.01"]
        assert run["manifest"]["run_id"] == run_id
        assert run["summary"]["sentences"][0] == "1 of 3 gates is missed."
        assert run["document"].startswith("suite: told")
        assert list(client.run_results(run_id)) == made
        assert [line.encode() + b"\n" for line in client.run_lines(run_id)] == made_runs.lines(made)
        assert [one["run_id"] for one in client.runs(suite="told")] == [run_id]
        assert "summary" not in client.runs(suite="told")[0]


def test_rows_come_with_their_case_by_pages_and_filters(served: Any) -> None:
    with served.client() as client:
        run_id = made_runs.tell(client, made_runs.rows(5, 3, flaky=(2,)), suite="paged")
        first = client.run_rows(run_id, page_size=4)
        assert (len(first["rows"]), first["matching"]) == (4, 15)
        assert [row["case"]["question"][-8:] for row in first["rows"]] == [" 0 take?"] * 3 + [" 1 take?"]
        second = client.run_rows(run_id, page_size=4, **first["next"])
        assert (second["rows"][0]["place"], second["rows"][0]["repeat"]) == (1, 1)
        last = client.run_rows(run_id, page_size=100, **second["next"])
        assert (len(last["rows"]), last["next"]) == (7, None)
        failing = client.run_rows(run_id, failing=True, evaluator="groundedness", brief=True)
        assert failing["matching"] == 7
        assert failing["rows"][0]["question"] == "How long does a refund of order 0 take?"
        assert "case" not in failing["rows"][0]
        assert client.run_rows(run_id, flaky=True)["matching"] == 3
        assert client.run_rows(run_id, text="order 4 ")["matching"] == 3
        assert client.run_rows(run_id, item="nothing") == {"rows": [], "matching": 0, "next": None}


def test_words_with_quotes_are_found_as_they_were_said(served: Any) -> None:
    made = made_runs.rows(2)
    made[1]["answer"] = 'They "never" pay.\nNot once.'
    with served.client() as client:
        run_id = made_runs.tell(client, made, suite="quoted")
        assert [row["item"] for row in client.run_rows(run_id, text='"never" pay.\nnot')["rows"]] == ["q1"]


def test_a_report_stands_alone(served: Any) -> None:
    with served.client() as client:
        run_id = made_runs.tell(client, made_runs.rows(4), "failed", suite="reported")
        told = client.run_report(run_id)
        assert "1 of 3 gates is missed." in told
        assert "<script" not in told
        begun = made_runs.manifest(suite="reported")
        client.begin_run({"run_id": begun["run_id"], "suite": "reported", "manifest": begun, "document": ""})
        with pytest.raises(ApiError, match="has no end to report"):
            client.run_report(begun["run_id"])
        with pytest.raises(ApiError, match="A manifest tells `started_at`"):
            client.begin_run({"run_id": begun["run_id"], "suite": "reported", "manifest": {}, "document": ""})
        client.end_run(begun["run_id"], None, None)


def test_programs_may_be_run_where_the_settings_say_so(tmp_path: Path) -> None:
    document = suite().replace("{answered: true}", "{command: {run: [cat]}}")
    held = suites.Held("support", document, "stored", tmp_path, None)
    open_ = Settings(suites_dir=tmp_path, suites_may_run_programs=True)
    assert suites.checked(held, open_, whole=False)["problem"] is None
    keyed = suite().replace("{answered: true}", "{model: {model: gpt-4o, key_env: MINE}}")
    named = Settings(suites_dir=tmp_path, suites_env=("MINE",))
    assert suites.checked(replace(held, document=keyed), named, whole=False)["problem"] is None
    bedrock = suite().replace("{answered: true}", "{model: {provider: bedrock, model: m}}")
    for allowed in (open_, Settings(suites_dir=tmp_path, suites_env=("AWS_PROFILE",))):
        assert suites.checked(replace(held, document=bedrock), allowed, whole=False)["problem"] is None
    filed = suites.Held("support", document, "file", tmp_path, tmp_path / "a.yaml")
    assert suites.checked(filed, Settings(suites_dir=tmp_path), whole=False)["problem"] is None


def test_telling_a_run_again_changes_nothing(served: Any) -> None:
    made = made_runs.rows(4)
    with served.client() as client:
        run_id = made_runs.tell(client, made, suite="twice")
        assert made_runs.tell(client, made, suite="twice", run_id=run_id) == run_id
        assert list(client.run_results(run_id)) == made
        assert len(client.runs(suite="twice")) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param(b"{", "Line 2 is no row of results: JSONDecodeError", id="no-json"),
        pytest.param(b"[]", "Line 2 is no row of results: TypeError", id="no-object"),
        pytest.param(b'{"item": "a"}', "KeyError 'verdicts'", id="no-verdicts"),
        pytest.param(made_runs.lines(made_runs.rows(1))[0].strip(), "Two rows have place 0 and repeat 0", id="twice"),
    ],
)
def test_what_is_no_row_is_refused_whole(served: Any, line: bytes, says: str) -> None:
    with served.client() as client:
        run_id = made_runs.tell(client, made_runs.rows(1), suite="refused")
        with pytest.raises(ApiError, match=says):
            client.add_run_rows(run_id, [*made_runs.lines(made_runs.rows(1)), line])
        assert len(list(client.run_results(run_id))) == 1


def test_more_than_a_thousand_rows_are_told_in_parts(served: Any) -> None:
    made = made_runs.rows(1100)
    with served.client() as client:
        run_id = made_runs.tell(client, made, suite="many")
        assert sum(1 for _ in client.run_results(run_id)) == 1100
    body = b"".join(made_runs.lines(made[:1]))
    answer = httpx.post(f"{served.note.api_url}/api/runs/{run_id}/rows", content=body, trust_env=False)
    assert (answer.status_code, answer.json()["kind"]) == (409, "not_running"), "its rows are those of its end"
    assert "is done, and takes rows only while it is carried out" in answer.json()["detail"]
    body = b"".join(made_runs.lines(made))
    answer = httpx.post(f"{served.note.api_url}/api/runs/{run_id}/rows", content=body, trust_env=False)
    assert (answer.status_code, answer.json()["kind"]) == (422, "bad_rows")


def test_a_run_that_has_no_end_says_how_it_stands(served: Any) -> None:
    told = made_runs.manifest(suite="open")
    run_id = told["run_id"]
    with served.client() as client:
        assert client.begin_run({"run_id": run_id, "suite": "open", "manifest": told, "document": ""})
        assert client.tell_run(run_id, {"done": 3, "total": 9, "seconds_left": 12.5})
        assert [client.run(run_id)[name] for name in ("state", "answers_done", "seconds_left")] == ["running", 3, 12.5]
        for wrong in (client.cancel_run, client.forget_run):
            with pytest.raises(ApiError, match=r"carries the run|being carried out"):
                wrong(run_id)
        with pytest.raises(ApiError, match="no summary and manifest of a run: KeyError 'ended_at'"):
            client.end_run(run_id, {}, {})
        assert client.end_run(run_id, None, None, "The disk is full.")["fault"] == "The disk is full."
        assert not client.tell_run(run_id, {"done": 4})
        client.forget_run(run_id)
        with pytest.raises(ApiError, match="has no run") as gone:
            client.run(run_id)
        assert gone.value.status == 404


def test_suites_are_listed_with_their_newest_run(served: Any, folder: Path) -> None:
    with served.client() as client:
        client.set_suite("edited", suite("edited"), "ada")
        run_id = made_runs.tell(client, made_runs.rows(4), suite="edited")
        found = {one["name"]: one for one in client.suites()["suites"]}
        assert client.suites()["folder"] == str(folder)
    assert (found["filed"]["source"], found["filed"]["file"], found["filed"]["run"]) == (
        "file",
        "team/filed.yaml",
        None,
    )
    assert (found["edited"]["source"], found["edited"]["version"], found["edited"]["author"]) == ("stored", 1, "ada")
    assert found["edited"]["run"]["run_id"] == run_id


def test_a_suite_is_set_by_versions_and_taken_away(served: Any) -> None:
    with served.client() as client:
        assert client.set_suite("versions", suite("versions"))["version"] == 1
        assert client.set_suite("versions", suite("versions", seed="3"))["version"] == 2
        found = client.suite("versions")
        assert [one["version"] for one in found["versions"]] == [2, 1]
        assert client.suite("versions", 1)["document"] == suite("versions")
        client.forget_suite("versions")
        with pytest.raises(ApiError, match="has no suite 'versions'"):
            client.suite("versions")


def test_an_edited_file_is_a_stored_suite_that_still_finds_its_dataset(served: Any) -> None:
    with served.client() as client:
        document = client.suite("filed")["document"]
        with pytest.raises(ApiError, match="is a file of the suites' folder"):
            client.forget_suite("filed")
        assert client.set_suite("filed", document + "seed: 4\n")["version"] == 1
        assert client.suite("filed")["source"] == "stored"
        assert client.check_suite(document + "seed: 5\n", "filed")["items"] == 8
        client.forget_suite("filed")
        assert client.suite("filed")["source"] == "file"


def test_a_check_says_what_would_be_run(served: Any) -> None:
    with served.client() as client:
        told = client.check_suite(suite("new", repeats="3"))
    assert told["problem"] is None
    assert (told["items"], told["answers"], told["evaluators"]) == (8, 24, ["exact_match"])
    assert told["gates"] == ["exact_match mean >= 0.1"]


@pytest.mark.parametrize(
    ("document", "says", "line"),
    [
        pytest.param(suite(repeets="3"), "repeats", 9, id="no-such-key"),
        pytest.param(suite().replace("name: exact_match", "name: exactmatch, as: exact_match"),
                     "Did you mean 'exact_match'", 6, id="no-such-evaluator"),
        pytest.param(suite().replace("items.jsonl", "none.jsonl"), "none.jsonl", None, id="no-such-dataset"),
        pytest.param(suite().replace("items.jsonl", "../../secret.jsonl"), "lies outside", None, id="outside"),
        pytest.param(suite(judges="../judges.yaml"), "judges: '../judges.yaml' lies", None, id="judges-outside"),
        pytest.param(suite(own_evaluators="mine.yaml"), "own_evaluators start programs", None, id="own-evaluators"),
        pytest.param(suite().replace("{answered: true}", "{command: {run: [cat]}}"), "a command target starts",
                     None, id="command"),
        pytest.param(suite().replace("{answered: true}", "{python: {function: 'a:b'}}"), "ASSAY_SUITES_MAY_RUN_PROG",
                     None, id="python"),
        pytest.param(suite().replace("{answered: true}", "{model: {model: gpt-4o, key_env: SECRET}}"),
                     "environment variable SECRET", None, id="key"),
        pytest.param(suite().replace("{answered: true}", "{http: {url: 'http://a/', headers_env: {x: SECRET}}}"),
                     "ASSAY_SUITES_ENV", None, id="header"),
        pytest.param(suite().replace("{answered: true}", "{model: {provider: bedrock, model: m}}"),
                     "AWS credentials of this machine", None, id="bedrock"),
        pytest.param(suite().replace("items.jsonl", '"a\\0b.jsonl"'), "holds no NUL", None, id="nul"),
        pytest.param(suite().replace("items.jsonl", "a" * 300 + ".jsonl"), "longer than a file's name",
                     None, id="long-name"),
        pytest.param(suite().replace("items.jsonl", "a/" * 1100 + "b.jsonl"), "2000 in all", None, id="long-path"),
        pytest.param("", "", None, id="empty"),
    ],
)  # fmt: skip
def test_a_check_says_what_is_wrong(served: Any, document: str, says: str, line: int | None) -> None:
    with served.client() as client:
        told = client.check_suite(document)
        assert told["problem"]
        assert says in told["problem"]
        if line is not None:
            assert told["line"] == line
        if says and "none.jsonl" not in says and "exact_match" not in says:
            with pytest.raises(ApiError) as refused:
                client.set_suite("support", document)
            assert says in str(refused.value)


def test_a_suite_must_be_called_as_it_calls_itself(served: Any) -> None:
    with served.client() as client, pytest.raises(ApiError, match=r"calls itself 'support' .*, not 'other'"):
        client.set_suite("other", suite("support"))


def test_a_run_is_ordered_cancelled_and_gone_on_with(served: Any, folder: Path) -> None:
    with served.client() as client:
        client.set_suite("ordered", suite("ordered"))
        made = client.run_suite("ordered", {"repeats": 2, "baseline": "latest", "author": "ada"})
        assert (made["state"], made["source"], made["author"]) == ("waiting", "app", "ada")
        assert made["wish"] == {"repeats": 2, "baseline": "latest", "source": "stored", "folder": str(folder)}
        assert client.cancel_run(made["run_id"])["state"] == "cancelled"
        again = client.run_suite("ordered", {"again": made["run_id"]})
        assert (again["run_id"], again["state"]) == (made["run_id"], "waiting")
        with pytest.raises(ApiError, match="is not over"):
            client.run_suite("ordered", {"again": made["run_id"]})
        told = made_runs.tell(client, made_runs.rows(1), suite="ordered")
        with pytest.raises(ApiError, match="--again"):
            client.run_suite("ordered", {"again": told})
        client.cancel_run(made["run_id"])
        with pytest.raises(ApiError, match="has no suite 'nothing'"):
            client.run_suite("nothing", {})


def test_a_template_runs_as_it_stands_until_it_has_a_dataset_of_its_own(served: Any, folder: Path) -> None:
    with served.client() as client:
        found = client.suite_templates()
        assert [one["name"] for one in found] == ["rag", "safety", "summarisation", "support-agent", "tool-agent"]
        document = found[0]["document"].replace("suite: rag", "suite: mine")
        assert client.check_suite(document, "mine")["items"] == 12
        client.set_suite("mine", document)
        made = client.run_suite("mine", {})
        assert made["wish"]["folder"] == str(TEMPLATES)
        client.cancel_run(made["run_id"])
        mine = document.replace("file: rag.jsonl", "file: items.jsonl")
        assert "rag" not in (client.check_suite(mine, "mine")["problem"] or "")
        (folder / "rag.jsonl").write_text('{"id": "1", "page": "a", "question": "Why?", "answer": "So."}')
        assert client.check_suite(document, "mine")["items"] == 1
        (folder / "rag.jsonl").unlink()
        client.forget_suite("mine")


def test_values_of_a_run_are_one_query(served: Any) -> None:
    with served.client() as client:
        run_id = made_runs.tell(client, made_runs.rows(3), suite="values")
        found = client.rows("run_values", run_id=run_id, measure="groundedness")
    assert [(row["item"], row["value"], row["passed"]) for row in found] == [
        ("q0", 0.2, False), ("q1", 0.9, True), ("q2", 0.9, True)
    ]  # fmt: skip
    assert json.dumps(found)
