"""`assay eval` and the store: runs are told, listed, compared with; without a server all goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_runs
import pytest

from server.evals.storing import NoRunError, push

GATE = "  - {of: exact_match, measure: mean, no_worse_than: baseline, by_at_most: 0.1}\n"


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any]) -> Any:
    return serve("stored-evals")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "items.jsonl").write_text("\n".join(made_runs.items(8)))
    file = tmp_path / "suite.yaml"
    file.write_text(made_runs.SUITE.format(name="told", file="items.jsonl"))
    return file


def test_a_run_is_stored_and_compared_with(
    served: Any, suite: Path, command: Callable[..., Any], tmp_path: Path
) -> None:
    def assay(*arguments: str) -> Any:
        return command(tmp_path, "eval", *arguments, "--api-url", served.note.api_url)

    done = assay("run", str(suite), "--json")
    assert done.returncode == 0, done.stderr
    run_id = json.loads(done.stdout)["manifest"]["run_id"]
    assert f"Stored as run {run_id} of project default." in done.stderr
    with served.client() as client:
        run = client.run(run_id)
        assert (run["state"], run["outcome"], run["document"]) == ("done", "passed", suite.read_text())
        kept = tmp_path / "eval-results" / "told"
        assert (
            b"".join(line.encode() + b"\n" for line in client.run_lines(run_id))
            == (kept / "results.jsonl").read_bytes()
        )
    suite.write_text(suite.read_text() + GATE)
    for baseline in ("latest", run_id):
        compared = json.loads(assay("run", str(suite), "--json", "--baseline", baseline, "--out", "again").stdout)
        assert compared["summary"]["baseline"]["shared"] == 8, baseline
    assert run_id in assay("runs").stdout
    assert json.loads(assay("runs", "--suite", "told", "--most", "1", "--json").stdout)["outcome"] == "passed"
    assert "No suite stands in" in assay("suites").stdout


def test_no_store_tells_nobody_and_a_folder_is_stored_later(
    served: Any, suite: Path, command: Callable[..., Any], tmp_path: Path
) -> None:
    url = ("--api-url", served.note.api_url)
    done = command(tmp_path, "eval", "run", str(suite), "--no-store", "--json", *url)
    assert done.stderr == ""
    run_id = json.loads(done.stdout)["manifest"]["run_id"]
    told = command(tmp_path, "eval", "push", "eval-results/told", *url)
    assert told.stdout == f"Stored as run {run_id} of project default.\n"
    with served.client() as client:
        assert push(client, tmp_path / "eval-results" / "told") == run_id
        assert len(list(client.run_results(run_id))) == 8
        with pytest.raises(NoRunError, match="holds no run that ended"):
            push(client, tmp_path)


def test_a_server_that_does_not_answer_fails_no_run(suite: Path, command: Callable[..., Any], tmp_path: Path) -> None:
    done = command(tmp_path, "eval", "run", str(suite), "--api-url", "http://127.0.0.1:9")
    assert done.returncode == 0
    assert done.stderr.count("The server does not store the run: No server answers") == 1
    assert "assay eval push FOLDER" in done.stderr
    assert (tmp_path / "eval-results" / "told" / "summary.json").is_file()


@pytest.mark.parametrize(
    ("baseline", "says"),
    [
        pytest.param("latest", "No run of the suite told has passed in project empty", id="latest"),
        pytest.param("0" * 32, "has no run", id="id"),
        pytest.param("nowhere", "has no manifest.json", id="folder"),
    ],
)
def test_a_baseline_that_there_is_not(
    served: Any, suite: Path, command: Callable[..., Any], tmp_path: Path, baseline: str, says: str
) -> None:
    with served.client() as client:
        client.add_project("empty")
    url = ("--api-url", served.note.api_url, "--project", "empty")
    done = command(tmp_path, "eval", "run", str(suite), "--baseline", baseline, *url)
    assert done.returncode == 2
    assert says in done.stderr
