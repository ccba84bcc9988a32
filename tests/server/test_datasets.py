"""Datasets over HTTP and in the shell: made of files and traces, changed by two people, taken by suites."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from stores import put_empty

from server.client import ApiError, Client

SUITE = """\
suite: {suite}
dataset: {{stored: {name}{more}}}
target: {{answered: true}}
evaluators:
  - {{name: exact_match, pass: {{at_least: 1}}}}
"""


@pytest.fixture(scope="module")
def client(choices: Any) -> Any:
    """Over a store with 160 traces of which eight are scored as wrong."""
    with choices.client() as found:
        yield found


def rows(count: int, answer: str = "yes") -> bytes:
    told = (
        {"id": f"q{place}", "input": f"Is {place} fine?", "expected": "yes", "answer": answer} for place in range(count)
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in told)


def filled(client: Client, name: str, count: int = 6) -> dict[str, Any]:
    client.create_dataset(name)
    return client.import_dataset(name, "items.jsonl", rows(count), note="First")


def refused(ask: Callable[[], Any]) -> ApiError:
    with pytest.raises(ApiError) as told:
        ask()
    return told.value


def test_a_file_becomes_a_version_and_is_told_by_pages(client: Client) -> None:
    made = filled(client, "paged", 60)
    assert (made["version"]["version"], made["version"]["added"], made["new"]) == (1, 60, 60)
    first = client.dataset_items("paged")
    assert (len(first["items"]), first["matching"], first["before"]) == (50, 60, 0)
    second = client.dataset_items("paged", after_place=first["last"])
    assert (len(second["items"]), second["before"], second["items"][0]["id"]) == (10, 50, "q50")
    assert len([*client.dataset_rows("paged", 1)]) == 60
    (listed,) = [one for one in client.datasets() if one["name"] == "paged"]
    assert (listed["items"], listed["version"], listed["newest"]["note"], listed["runs"]) == (60, 1, "First", 0)
    assert client.import_dataset("paged", "items.jsonl", rows(60))["version"] is None, "nothing is new"


def test_two_people_change_it_and_neither_overwrites_the_other(client: Client) -> None:
    filled(client, "two")
    theirs = client.dataset_items("two")["items"][1] | {"reference": "no"}
    client.change_dataset("two", {"base": 1, "set": [theirs], "note": "Theirs", "author": "ben"})
    mine = theirs | {"reference": "perhaps"}
    error = refused(lambda: client.change_dataset("two", {"base": 1, "set": [mine]}))
    assert (error.status, "'q1'" in str(error), "newest is 2" in str(error)) == (409, True, True)
    joined = client.change_dataset("two", {"base": 1, "remove": ["q2"], "move": {"q3": "test"}})
    assert joined is not None
    assert (joined["version"], joined["base"], joined["removed"], joined["changed"]) == (3, 1, 1, 1)
    history = client.dataset_item("two", "q1")["history"]
    assert [(one["since_version"], one["item"]["reference"], one["author"]) for one in history] == [
        (2, "no", "ben"), (1, "yes", None)
    ]  # fmt: skip
    assert client.dataset_item("two", "q2")["item"] is None
    assert client.dataset_item("two", "q2", 1)["item"]["id"] == "q2"
    diff = client.dataset_diff("two", 1)
    assert (diff["changed"], diff["removed"]) == (2, 1)
    assert {one["id"]: one["fields"] for one in diff["items"]}["q1"] == ["reference"]


def test_an_import_with_duplicates_asks(client: Client) -> None:
    filled(client, "asks")
    error = refused(lambda: client.import_dataset("asks", "items.jsonl", rows(7, "no")))
    assert error.status == 409
    assert "6 rows: they have the id of an item that holds something else" in str(error)
    assert "keep adds them" in str(error)
    told = client.import_dataset("asks", "items.jsonl", rows(7, "no"), duplicates="replace", dry_run=True)
    assert (told["changed"], told["new"], told["version"]) == (6, 1, None)
    assert client.dataset("asks")["version"] == 1, "a dry run sets nothing"
    made = client.import_dataset("asks", "items.jsonl", rows(7, "no"), duplicates="skip")
    assert (made["version"]["added"], made["version"]["changed"]) == (1, 0)


WINDOW = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}


def changing(**change: Any) -> Callable[[Client], Any]:
    return lambda client: client.change_dataset("bad", {"base": 1, **change})


def importing(name: str, content: bytes) -> Callable[[Client], Any]:
    return lambda client: client.import_dataset("bad", name, content)


BOTH = {"set": [{"id": "q1", "question": "a"}], "remove": ["q1"]}


@pytest.mark.parametrize(
    ("ask", "status", "told"),
    [
        pytest.param(lambda client: client.dataset("nix"), 404, "no dataset 'nix'", id="unknown"),
        pytest.param(lambda client: client.dataset("bad", 9), 404, "no version 9; the newest is 1", id="version"),
        pytest.param(lambda client: client.dataset_item("bad", "nix"), 404, "no item 'nix'", id="item"),
        pytest.param(changing(base=5), 404, "no version 5", id="base"),
        pytest.param(changing(remove=["nix", "q1"]), 404, "has no item 'nix'. Nothing was changed.", id="removes-none"),
        pytest.param(changing(move={"nix": "a"}), 404, "has no item 'nix'", id="moves-none"),
        pytest.param(changing(set=[{"id": "  ", "question": "a"}]), 422, "of blanks alone", id="blank-id"),
        pytest.param(lambda client: client.create_dataset("a b"), 422, "A name has 1 to 100 letters", id="name"),
        pytest.param(lambda client: client.dataset("-"), 422, "'-' cannot name a dataset", id="name-in-path"),
        pytest.param(
            lambda client: client.split_dataset("bad", {"base": 1, "parts": {"a": 1}, "by": "nosuch"}),
            422, "No item has a member of metadata named 'nosuch'. They have no metadata at all.", id="by",
        ),
        pytest.param(lambda client: client.check_dataset("bad", {"by": "no"}), 422, "named 'no'", id="check-by"),
        pytest.param(
            lambda client: client.dataset_from_traces("bad", {"filter": {"servce": "x"}}),
            422, "No filter of traces is named 'servce'. Did you mean 'service'? Filters: environment", id="filter",
        ),
        pytest.param(
            lambda client: client.dataset_from_traces("bad", {"filter": {**WINDOW, "score": "rigt"}}),
            422, "No score is named 'rigt'. Did you mean 'right'?", id="score",
        ),
        pytest.param(
            changing(set=[{"id": "x", "question": 3}]), 422, "Item 0 ('x'): 'question' is text", id="no-item"
        ),
        pytest.param(changing(**BOTH), 422, "'q1' is named twice", id="twice"),
        pytest.param(
            lambda client: client.split_dataset("bad", {"base": 1, "parts": {"a": 0.5, "b": 0.2}}),
            422, "add up to 0.7, not to 1", id="shares",
        ),
        pytest.param(importing("a.xlsx", b""), 422, "of no format that can be read", id="format"),
        pytest.param(importing("a.jsonl", b"nonsense\n"), 422, "line 1: It is not JSON", id="line"),
        pytest.param(lambda client: client.check_dataset("bad", {"near": 0.2}), 422, "near", id="near-too-low"),
        pytest.param(
            lambda client: client.dataset_from_traces("bad", {"filter": {"sort": 1}}), 422, "is of pages", id="paging"
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_value(client: Client, ask: Any, status: int, told: str) -> None:
    if client.create_dataset("bad")["version"] == 0:
        filled(client, "bad")
    error = refused(lambda: ask(client))
    assert error.status == status
    assert told in str(error)


def test_a_dataset_is_made_with_its_first_version_or_not_at_all(client: Client) -> None:
    for content in (b"", b"nonsense\n"):
        assert refused(lambda content=content: client.import_dataset("late", "a.jsonl", content)).status == 422
    client.dataset_from_traces("late", {"filter": {**WINDOW, "service": "nix"}})
    assert "late" not in [one["name"] for one in client.datasets()]
    client.import_dataset("late", "a.jsonl", rows(2), author="ada")
    made = client.dataset("late")
    assert (made["version"], made["author"]) == (1, "ada")


def test_a_large_change_is_made_by_steps_and_another_waits_for_it(client: Client) -> None:
    made = client.import_dataset("many", "items.jsonl", rows(4_100))
    assert (made["version"]["version"], made["version"]["items"]) == (1, 4_100)
    with ThreadPoolExecutor() as pool:
        split = pool.submit(client.split_dataset, "many", {"base": 1, "parts": {"train": 0.8, "test": 0.2}})
        other = pool.submit(client.change_dataset, "many", {"base": 1, "set": [{"id": "new", "question": "And this?"}]})
        told = split.result(), other.result()
    assert sorted(one["version"] for one in told if one is not None) == [2, 3]
    found = client.dataset("many")
    assert found["splits"].keys() <= {"train", "test", ""}
    assert sum(found["splits"].values()) == found["items"] == 4_101
    assert 0.75 < found["splits"]["train"] / 4_101 < 0.85


def test_what_a_change_takes_from_items_is_told(client: Client) -> None:
    filled(client, "less")
    made = client.change_dataset("less", {"base": 1, "set": [{"id": "q1", "question": "Is 1 fine?"}]})
    assert made is not None
    assert made["sentences"] == ["1 item loses answer, reference."]


def test_items_without_the_cluster_are_counted(client: Client) -> None:
    told = [{"id": f"q{place}", "question": f"Is {place}?"} | ({"doc": "d"} if place < 2 else {}) for place in range(5)]
    client.import_dataset("lacks", "a.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in told))
    made = client.split_dataset("lacks", {"base": 1, "parts": {"a": 1, "b": 1e-9}, "by": "doc"})
    assert made is not None
    assert made["sentences"] == ["3 of 5 items have no doc; their id counts."]
    found = {one["check"]: one["sentence"] for one in client.check_dataset("lacks", {})["findings"]}
    assert found["leak_cluster"].endswith("3 of 5 items have no doc; their id counts.")


def test_traces_become_items_once_and_by_a_failed_score(client: Client) -> None:
    client.create_dataset("wrong")
    wanted = {"filter": {**WINDOW, "score": "right", "score_at_most": 0.5}, "answer_as": "nothing", "tags": ["wrong"]}
    told = client.dataset_from_traces("wrong", wanted | {"dry_run": True})
    assert (told["matching"], told["version"], told["nothing_asked"]) == (8, None, 0)
    made = client.dataset_from_traces("wrong", wanted)
    assert made["items"] == told["items"] == 8 - told["left_out"]
    assert made["version"]["added"] == made["items"]
    again = client.dataset_from_traces("wrong", wanted)
    assert (again["items"], again["there"], again["version"]) == (0, made["items"], None)
    item = client.dataset_items("wrong")["items"][0]
    assert item["tags"] == ["wrong"]
    assert item["source"]["span_id"] is None
    assert "answer" not in item
    assert "system" in item
    trace = item["source"]["trace_id"]
    client.create_dataset("one")
    target = {"trace_id": trace, "span_id": f"{1:016x}"}
    client.dataset_from_traces("one", {"targets": [target], "answer_as": "reference", "split": "gold"})
    (chosen,) = client.dataset_items("one")["items"]
    assert (chosen["source"], chosen["split"], chosen["question"]) == (target, "gold", item["question"])
    assert chosen["reference"]
    calls = client.dataset_from_traces("one", {"filter": WINDOW, "unit": "call", "most": 5, "duplicates": "keep"})
    assert calls["items"] + calls["there"] == 5


def test_checks_mend_what_they_find_as_a_new_version(client: Client) -> None:
    client.create_dataset("checked")
    told = [{"id": f"q{place}", "question": f"Why is {place % 3}?", "doc": place % 2} for place in range(6)]
    content = b"".join(json.dumps(row).encode() + b"\n" for row in told)
    client.import_dataset("checked", "a.jsonl", content, duplicates="keep")
    client.split_dataset("checked", {"base": 1, "parts": {"train": 50, "test": 50}, "by": "doc"})
    found = client.check_dataset("checked", {"near": None})
    assert found["by"] == "doc", "the cluster is that of the split"
    assert {one["check"]: one["count"] for one in found["findings"]}["exact"] == 3
    mended = client.check_dataset("checked", {"near": None, "fix": "drop_exact", "author": "ada"})
    assert (mended["removed"], mended["made"]["items"], mended["made"]["note"]) == (3, 3, "Checks: drop exact.")
    error = refused(lambda: client.check_dataset("checked", {"version": 1, "fix": "drop_exact"}))
    assert "Only the newest version can be mended" in str(error)


def test_exports_are_files_and_say_what_they_left_out(client: Client) -> None:
    filled(client, "out", 12)
    client.change_dataset("out", {"base": 1, "set": [{"id": "q0", "question": "No answer?"}]})
    out = io.BytesIO()
    told = client.export_dataset("out", out, "openai")
    assert (told["items"], told["left_out"], told["version"]) == (11, {"no answer to train on": 1}, 2)
    assert json.loads(out.getvalue().splitlines()[0])["messages"][-1] == {"role": "assistant", "content": "yes"}
    out = io.BytesIO()
    client.export_dataset("out", out, "parquet", version=1)
    assert pq.read_table(io.BytesIO(out.getvalue())).num_rows == 12


def test_a_dataset_is_described_and_forgotten(client: Client) -> None:
    filled(client, "gone")
    client.describe_dataset("gone", "Is to go.")
    assert client.dataset("gone")["description"] == "Is to go."
    client.change_dataset("gone", {"base": 1, "remove": ["q1"]})
    unsaid = refused(lambda: client._send("DELETE", "/api/datasets/gone", {}))
    assert (unsaid.status, "confirm=gone" in str(unsaid), client.dataset("gone")["version"]) == (409, True, 2)
    client.delete_dataset("gone")
    away = refused(lambda: client.dataset("gone"))
    assert (away.status, "was deleted, with its versions up to 2" in str(away)) == (404, True)


def test_a_version_number_is_never_given_twice(client: Client) -> None:
    for newest in (1, 2):
        assert filled(client, "anew")["version"]["version"] == newest
        client.delete_dataset("anew")
    client.create_dataset("anew")
    client.delete_dataset("anew")
    assert filled(client, "anew")["version"]["version"] == 3
    for number in (1, 2):
        error = refused(lambda number=number: client.dataset("anew", number))
        assert f"Version {number} of 'anew' was deleted" in str(error)
        assert error.status == 404
    assert client.dataset_diff("anew", 0)["added"] == 6
    assert client.change_dataset("anew", {"base": 3, "remove": ["q1"]})["version"] == 4


def suite_of(folder: Path, suite: str, name: str, more: str = "") -> Path:
    file = folder / f"{suite}.yaml"
    file.write_text(SUITE.format(suite=suite, name=name, more=more))
    return file


def test_a_suite_takes_the_newest_version_and_says_which(
    client: Client, command: Callable[..., Any], tmp_path: Path
) -> None:
    filled(client, "suited", 8)
    client.split_dataset("suited", {"base": 1, "parts": {"train": 0.5, "test": 0.5}, "seed": 3})

    def run(suite: Path, *more: str) -> Any:
        done = command(tmp_path, "eval", "run", str(suite), "--json", "-q", *more, "--api-url", client.base_url)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["manifest"]

    first = run(suite_of(tmp_path, "taken", "suited"))
    assert first["dataset"]["stored"] == {"project": "default", "name": "suited", "version": 2, "split": None}
    assert first["dataset"]["items"] == 8
    client.change_dataset("suited", {"base": 2, "set": [{"id": "new", "question": "More?", "answer": "yes"}],
                                     "move": {"q0": "gold"}})  # fmt: skip
    second = run(suite_of(tmp_path, "taken", "suited"), "--baseline", first["run_id"])
    assert (second["dataset"]["stored"]["version"], second["dataset"]["items"]) == (3, 9)
    baseline = client.run(second["run_id"])["summary"]["baseline"]
    assert (baseline["shared"], baseline["only_here"], baseline["changed"]) == (8, 1, 0), "items pair across versions"
    split = client.dataset("suited", 2)["splits"]["test"]
    third = run(suite_of(tmp_path, "part", "suited", ", version: 2, split: test"))
    assert (third["dataset"]["items"], third["dataset"]["stored"]["split"]) == (split, "test")
    where = run(suite_of(tmp_path, "where", "suited", ", version: 2, where: {split: test}, sample: 1"))
    assert (where["dataset"]["items"], where["dataset"]["left_out"]) == (1, 7)
    told = client.dataset("suited")
    assert [one["version"] for one in told["runs"]] == [2, 2, 3, 2]
    assert {one["name"]: one["runs"] for one in client.datasets()}["suited"] == 4


def test_a_suite_takes_datasets_of_the_project_that_it_is_run_in(
    choices: Any, client: Client, command: Callable[..., Any], tmp_path: Path
) -> None:
    client.add_project("team")
    with choices.client("team") as other:
        filled(other, "theirs", 3)
        assert [one["name"] for one in other.datasets()] == ["theirs"]
    suite = suite_of(tmp_path, "s", "theirs")
    asked = ("eval", "check", str(suite), "--api-url", client.base_url)
    assert "3 items" in command(tmp_path, *asked, "--project", "team").stdout
    assert "no dataset 'theirs'" in command(tmp_path, *asked).stderr
    assert "3 items" in command(tmp_path, *asked[:2], str(suite_of(tmp_path, "t", "theirs", ", project: team")),
                                *asked[3:]).stdout  # fmt: skip


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        pytest.param("nix", "", "no dataset 'nix'", id="unknown"),
        pytest.param("suited", ", version: 99", "no version 99", id="version"),
        pytest.param("suited", ", split: tset", "no split 'tset'. Did you mean 'test'?", id="split"),
    ],
)
def test_a_suite_says_what_of_its_dataset_is_not_there(
    client: Client, command: Callable[..., Any], tmp_path: Path, name: str, more: str, told: str
) -> None:
    if client.create_dataset("suited")["version"] == 0:
        filled(client, "suited")
        client.split_dataset("suited", {"base": 1, "parts": {"train": 0.5, "test": 0.5}})
    done = command(tmp_path, "eval", "check", str(suite_of(tmp_path, "s", name, more)), "--api-url", client.base_url)
    assert done.returncode == 2
    assert told in done.stderr


def test_the_shell_works_without_a_server(command: Callable[..., Any], tmp_path: Path) -> None:
    put_empty(tmp_path)
    (tmp_path / "items.csv").write_text(
        "id,input,expected,answer,doc\na,Why?,yes,yes,1\nb,WHY?,no,yes,2\nc,When?,now,now,1\n"
    )

    def run(*arguments: str, code: int = 0, stdin: str | None = None) -> str:
        done = command(tmp_path, "datasets", *arguments, stdin=stdin)
        assert done.returncode == code, done.stderr
        return str(done.stdout if code == 0 else done.stderr)

    assert "No dataset is stored" in run("list")
    dry = run("import", "faq", "items.csv", "--dry-run")
    assert "input -> question\nexpected -> reference\ndoc -> metadata\nsame: 1 (b)\nNothing was set: a dry run." in dry
    assert "Say what is to become of them" in run("import", "faq", "items.csv", code=2)
    assert "3 added" in run("import", "faq", "items.csv", "--duplicates", "keep", "--author", "ada", "--note", "One")
    assert "1 added" in run("import", "faq", "-", stdin='{"id": "d", "input": "Who?"}\n')
    assert "4 changed" in run("split", "faq", "train=0.5", "test=0.5", "--by", "doc")
    assert "1 item asks exactly what an earlier one asks" in run("check", "faq")
    run("check", "faq", "--strict", code=1)
    told = [json.loads(line) for line in run("show", "faq", "--json").splitlines()]
    assert [one["id"] for one in told] == ["a", "b", "c", "d"]
    assert told[0]["split"] == told[2]["split"], "one document, one split"
    versions = [json.loads(line) for line in run("versions", "faq", "--json").splitlines()]
    assert [(one["version"], one["author"]) for one in versions][-1] == (1, "ada")
    assert "changed a: split" in run("diff", "faq", "2")
    assert run("export", "faq", "--format", "csv").startswith("id,question,answer,reference,")
    (tmp_path / "s.yaml").write_text(SUITE.format(suite="s", name="faq", more=", cluster: doc"))
    checked = command(tmp_path, "eval", "check", "s.yaml")
    assert "item 4: It has no 'doc', which the suite clusters by." in checked.stderr
    assert run("delete", "faq", "--yes") == "faq is forgotten.\n"
