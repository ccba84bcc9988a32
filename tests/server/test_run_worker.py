"""Workers that carry out runs which were ordered in the app: to the end, until cancelled, after a lost worker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import made_runs
import pytest

from server import run_worker
from server.run_worker import RunWorker
from server.settings import Settings

WAIT_S = 60.0
ITEMS = 6


@dataclass
class Slow:
    """An endpoint that answers so many requests at once, and the others when it is let go."""

    at_once: int = 10**9
    asked: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, question: str) -> str:
        self.asked.append(question)
        if len(self.asked) > self.at_once:
            self.go.wait(WAIT_S)
        return "yes"


@pytest.fixture
def slow() -> Iterator[Slow]:
    told = Slow()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said = json.dumps({"answer": told.answer(body["question"])}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            try:
                self.wfile.write(said)
            except OSError:  # whoever asked was ended
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    told.go.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("suites")
    (made / "items.jsonl").write_text("\n".join(made_runs.items(ITEMS)))
    return made


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], folder: Path) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SUITES_DIR", str(folder))
        yield serve("run-worker")


@pytest.fixture
def worker(served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunWorker:
    monkeypatch.setattr(run_worker, "KEEP_S", 0.1)
    return RunWorker(served.note.api_url, Settings(data_dir=tmp_path), lease_s=2.0)


def suite(name: str, slow: Slow | None = None) -> str:
    text = made_runs.SUITE.format(name=name, file="items.jsonl")
    if slow is None:
        return text
    target = f"{{http: {{url: '{slow.url}', body: {{question: '{{{{ question }}}}'}}, answer: $.answer}}}}"
    return text.replace("{answered: true}", target) + "concurrency: 1\n"


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_an_ordered_run_is_carried_out_and_stored(
    served: Any, worker: RunWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server.py").write_text("raise SystemExit('not ours')\n")
    monkeypatch.chdir(tmp_path)  # a worker may be started anywhere
    with served.client() as client:
        client.set_suite("plain", suite("plain"))
        made = client.run_suite("plain", {"repeats": 2, "baseline": "latest"})
        assert worker.turn(0)
        run = client.run(made["run_id"])
        assert (run["state"], run["outcome"], run["source"], run["fault"]) == ("done", "passed", "app", None)
        assert (run["answers_done"], run["answers_total"], run["brief"]["items"]) == (12, 12, ITEMS)
        assert run["manifest"]["run_id"] == made["run_id"]
        rows = list(client.run_results(made["run_id"]))
        assert [row["verdicts"]["exact_match"]["passed"] for row in rows[:4]] == [False, False, True, True]
        assert (tmp_path / "runs" / "project-default" / "plain" / "report.html").is_file()
        assert not worker.turn(0)
        again = client.run_suite("plain", {"sample": 3, "baseline": "latest"})
        assert worker.turn(0)
        assert client.run(again["run_id"])["summary"]["baseline"]["run_id"] == made["run_id"]


def test_a_run_that_cannot_begin_says_why(served: Any, worker: RunWorker, folder: Path) -> None:
    (folder / "gone.jsonl").write_text("\n".join(made_runs.items(1)))
    with served.client() as client:
        client.set_suite("gone", suite("gone").replace("items.jsonl", "gone.jsonl"))
        made = client.run_suite("gone", {})
        (folder / "gone.jsonl").unlink()
        assert worker.turn(0)
        run = client.run(made["run_id"])
    assert run["state"] == "failed"
    assert "gone.jsonl" in run["fault"]


def test_a_run_that_crashes_does_not_pass_for_the_one_before(served: Any, worker: RunWorker, tmp_path: Path) -> None:
    with served.client() as client:
        client.set_suite("crashed", suite("crashed"))
        client.run_suite("crashed", {})
        assert worker.turn(0)
        state = tmp_path / "runs" / "project-default" / "crashed" / "state.json"
        state.unlink()
        state.mkdir()
        made = client.run_suite("crashed", {})
        assert worker.turn(0)
        run = client.run(made["run_id"])
    assert (run["state"], run["summary"]) == ("failed", None)
    assert run["fault"].splitlines()[-1].startswith("IsADirectoryError")


@pytest.mark.parametrize(
    ("log", "code", "says"),
    [
        pytest.param("3 of 9\nassay: No such file.\n", 2, "No such file.", id="sentence"),
        pytest.param("assay: slow: assay: quick\n", 2, "slow: assay: quick", id="words-of-ours-within"),
        pytest.param("assay: A note.\nTraceback (most recent call last):\nKeyError: 'a'\n", 70,
                     "assay: A note.\nTraceback (most recent call last):\nKeyError: 'a'", id="crash"),
        pytest.param("x" * 3000 + "\nKeyError: 'a'\n", 70, "x" * 1985 + "\nKeyError: 'a'", id="long"),
        pytest.param("", -9, "It ended with exit code -9.", id="killed"),
        pytest.param("", None, "It left no results.", id="nothing"),
    ],
)  # fmt: skip
def test_a_run_s_last_words_are_its_real_error(log: str, code: int | None, says: str, tmp_path: Path) -> None:
    (tmp_path / run_worker.WORDS).write_text(log)
    assert run_worker._last_words(tmp_path, code) == says


def test_a_document_of_the_app_that_would_start_a_program_is_not_carried_out(
    served: Any, worker: RunWorker, tmp_path: Path
) -> None:
    """Also where the server let it pass: the worker's own settings decide."""
    wish = {"source": "stored", "folder": str(tmp_path)}
    taken = {"run_id": "0" * 32, "lease": "", "project": "default", "suite": "bad", "wish": wish,
             "document": suite("bad").replace("{answered: true}", "{command: {run: [touch, made]}}")}  # fmt: skip
    with served.client() as client:
        fault = worker._carried_out(client, taken)
    assert fault is not None
    assert "a command target starts a program" in fault
    assert not (tmp_path / "made").exists()


def test_a_cancelled_run_is_ended_and_gone_on_with(served: Any, worker: RunWorker, slow: Slow) -> None:
    slow.at_once = 2
    with served.client() as client:
        client.set_suite("cancelled", suite("cancelled", slow))
        run_id = client.run_suite("cancelled", {})["run_id"]
        turn = threading.Thread(target=worker.turn, args=(5.0,))
        turn.start()
        until(lambda: len(slow.asked) == 3)
        until(lambda: client.run(run_id)["answers_done"] == 2)
        assert client.run(run_id)["state"] == "running"
        assert client.cancel_run(run_id)["state"] == "cancelled"
        turn.join(WAIT_S)
        assert not turn.is_alive()
        slow.at_once = 10**9
        client.run_suite("cancelled", {"again": run_id})
        assert worker.turn(0)
        run = client.run(run_id)
    assert (run["state"], run["answers_done"], run["manifest"]["resumed"]) == ("done", ITEMS, 1)
    answered = [f"Is {number} fine?" for number in range(2)]
    assert [slow.asked.count(one) for one in answered] == [1, 1], "what was answered is not asked again"


def test_a_lost_worker_s_run_is_gone_on_with(served: Any, worker: RunWorker, slow: Slow, tmp_path: Path) -> None:
    slow.at_once = 2
    with served.client() as client:
        client.set_suite("lost", suite("lost", slow))
        run_id = client.run_suite("lost", {})["run_id"]
        code = (
            "import sys; from pathlib import Path; from server.run_worker import RunWorker; from server.settings "
            "import Settings; RunWorker(sys.argv[1], Settings(data_dir=Path(sys.argv[2])), lease_s=1.0).run()"
        )
        first = subprocess.Popen([sys.executable, "-c", code, served.note.api_url, str(tmp_path)])
        until(lambda: len(slow.asked) == 3)
        first.send_signal(signal.SIGKILL)
        first.wait(WAIT_S)
        slow.at_once = 10**9
        assert worker.turn(5.0)
        run = client.run(run_id)
    assert (run["state"], run["outcome"], run["answers_done"]) == ("done", "passed", ITEMS)
    assert run["manifest"]["resumed"] == 1
    assert len(slow.asked) == ITEMS + 1, "what was answered is not asked again"


def test_a_worker_that_stops_leaves_its_run_to_another(served: Any, worker: RunWorker, slow: Slow) -> None:
    slow.at_once = 1
    with served.client() as client:
        client.set_suite("left", suite("left", slow))
        run_id = client.run_suite("left", {})["run_id"]
        loop = threading.Thread(target=worker.run)
        loop.start()
        until(lambda: len(slow.asked) == 2)
        worker.stopping.set()
        loop.join(WAIT_S)
        assert not loop.is_alive()
        assert client.run(run_id)["state"] == "waiting"
        client.cancel_run(run_id)
