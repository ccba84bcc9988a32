"""Stored traces as cases, and workers that score them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_openai import FakeOpenAI, beside, good

from evaluators.errors import OptionError
from server import job_shell
from server import worker as worker_module
from server.client import ApiError
from server.judging import Files
from server.worker import Worker

NOW_NS = time.time_ns()
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 100}  # fmt: skip


def said(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


@pytest.fixture(scope="module")
def asked(serve: Callable[[str], Any], telling: Any) -> Any:
    """Three traces: one that retrieved, called a tool and answered; one of a lone call; one that says nothing."""
    served = serve("asked")
    rag = telling(bytes([1]) * 16, NOW_NS - 60 * 10**9)
    rag.span(1, "answer", 0, 900, input__value='{"question": "How long is a refund?"}', output__value="Thirty days.",
             openinference__span__kind="CHAIN")  # fmt: skip
    rag.span(2, "search", 10, 20, 1, openinference__span__kind="RETRIEVER",
             retrieval__documents__0__document__content="Refunds take thirty days.",
             retrieval__documents__1__document__content="Shops open at nine.")  # fmt: skip
    rag.span(3, "look up", 40, 30, 1, "not found", gen_ai__operation__name="execute_tool", gen_ai__tool__name="orders",
             gen_ai__tool__call__arguments='{"id": 7}', gen_ai__tool__call__result="none")  # fmt: skip
    rag.span(4, "chat", 100, 500, 1, **CALL, gen_ai__input__messages=said("user", "How long is a refund?"),
             gen_ai__output__messages=said("assistant", "Thirty days."),
             gen_ai__system_instructions=json.dumps([{"type": "text", "content": "Be brief."}]))  # fmt: skip
    lone = telling(bytes([2]) * 16, NOW_NS - 30 * 10**9)
    lone.span(1, "chat", 0, 100, **CALL, gen_ai__input__messages=said("user", "Hello?"),
              gen_ai__output__messages=said("assistant", "Good day."))  # fmt: skip
    mute = telling(bytes([3]) * 16, NOW_NS - 10 * 10**9).span(1, "chat", 0, 100, **CALL)
    served.send(b"".join(trace.body() for trace in (rag, lone, mute)))
    served.settle()
    return served


def test_a_trace_is_a_case(asked: Any) -> None:
    with asked.client() as client:
        case = client.case("01" * 16)
    assert (case["id"], case["question"], case["answer"]) == ("01" * 16, "How long is a refund?", "Thirty days.")
    assert case["contexts"] == ["Refunds take thirty days.", "Shops open at nine."]
    assert case["system"] == "Be brief."
    assert case["tool_calls"] == [{"name": "orders", "arguments": {"id": 7}, "result": "none", "failed": True}]
    assert [(step["kind"], step["name"]) for step in case["steps"]] == [
        ("workflow", "answer"), ("retriever", "search"), ("tool", "orders"), ("llm", "chat")
    ]  # fmt: skip
    assert case["steps"][2]["error"] == "not found"
    assert case["usage"] == {
        "latency_ms": pytest.approx(900, abs=1), "cost_usd": pytest.approx(0.0035), "input_tokens": 1000,
        "output_tokens": 100,
    }  # fmt: skip
    assert [message["role"] for message in case["messages"]] == ["user", "assistant"]


def test_a_call_is_a_case_with_what_was_retrieved_before_it(asked: Any) -> None:
    with asked.client() as client:
        case = client.case("01" * 16, f"{4:016x}")
        first = client.case("01" * 16, f"{2:016x}")
    assert case["id"] == f"{'01' * 16}/{4:016x}"
    assert (case["question"], case["answer"], len(case["contexts"])) == ("How long is a refund?", "Thirty days.", 2)
    assert case["usage"]["latency_ms"] == 500
    assert "steps" not in case
    assert "answer" not in first


def test_what_was_not_recorded_is_not_there(asked: Any) -> None:
    with asked.client() as client:
        case = client.case("03" * 16)
        assert not {"question", "answer", "contexts", "messages", "system"} & set(case)
        for span_id in (None, f"{9:016x}"):
            with pytest.raises(ApiError, match=r"has no (trace|span)"):
                client.case("04" * 16 if span_id is None else "03" * 16, span_id)


def order(**more: Any) -> dict[str, Any]:
    window = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    return {"evaluators": [{"name": "exact_match"}], "filter": window} | more


def test_a_dry_run_says_how_many(asked: Any) -> None:
    with asked.client() as client:
        assert client.add_job(order(), dry_run=True) == {"targets": 3, "matching": 3}
        assert client.add_job(order(most=2), dry_run=True) == {"targets": 2, "matching": 3}
        assert client.add_job(order(unit="call"), dry_run=True)["targets"] == 3
        assert client.add_job(order(trace_ids=["02" * 16, "77" * 16]), dry_run=True)["targets"] == 1
        narrow = order()["filter"] | {"has_errors": True}
        assert client.add_job(order(filter=narrow), dry_run=True) == {"targets": 1, "matching": 1}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"evaluators": [{"name": "exactmatch"}]}, "Did you mean 'exact_match'"),
        ({"evaluators": [{"name": "exact_match", "options": {"x": 1}}]}, "has no option 'x'"),
        ({"filter": {}}, "needs parameter 'since'"),
        ({"filter": order()["filter"] | {"colour": "red"}}, "no parameter 'colour'"),
        ({"evaluators": []}, "at least 1 item"),
        ({"trace_ids": []}, "at least 1 item"),
        ({"evaluators": [{"name": "length"}, {"name": "length"}]}, "'length' is asked for twice"),
        ({"filter": order()["filter"] | {"page_size": 5}}, "'page_size' is of pages"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(asked: Any, wrong: dict[str, Any], says: str) -> None:
    with asked.client() as client, pytest.raises(ApiError, match=says) as told:
        client.add_job(order(**wrong))
    assert told.value.kind == "refused"


def test_a_worker_scores_what_was_ordered(asked: Any) -> None:
    worker = Worker(asked.note.api_url)
    with asked.client() as client:
        made = client.add_job(order(author="ada"))
        assert (made["state"], made["targets"], made["author"]) == ("waiting", 3, "ada")
        assert worker.turn(0)
        job = client.job(made["job_id"])
        assert (job["state"], job["targets_done"], job["not_applicable"]) == ("done", 3, 3)
        assert not worker.turn(0)
        (score,) = client.rows("trace_scores", trace_id="02" * 16)
        assert (score["name"], score["evaluator"], score["evaluator_version"]) == ("exact_match", "exact_match", "1")
        assert (score["value"], score["error_type"], score["explanation"]) == (None, None, "The row has no reference.")
        assert client.jobs()[0]["job_id"] == made["job_id"]


def test_calls_are_scored_on_their_span(asked: Any) -> None:
    with asked.client() as client:
        client.add_job(order(unit="call", trace_ids=["01" * 16], filter={}))
        assert Worker(asked.note.api_url).turn(0)
        found = client.rows("trace_scores", trace_id="01" * 16)
    assert f"{4:016x}" in {score["span_id"] for score in found}


def test_a_cancelled_job_is_not_worked_on_and_can_go_on(asked: Any) -> None:
    worker = Worker(asked.note.api_url)
    with asked.client() as client:
        made = client.add_job(order())
        assert client.cancel_job(made["job_id"])["state"] == "cancelled"
        assert not worker.turn(0)
        assert client.retry_job(made["job_id"], 5.0)["budget_usd"] == 5.0
        assert worker.turn(0)
        assert client.job(made["job_id"])["state"] == "done"
        with pytest.raises(ApiError, match="has no job"):
            client.job("00000000-0000-0000-0000-000000000000")


def test_a_worker_waits_for_work_and_stops_when_told(asked: Any) -> None:
    worker = Worker(asked.note.api_url)
    thread = threading.Thread(target=worker.run)
    thread.start()
    with asked.client() as client:
        made = client.add_job(order(most=1))
        until = time.monotonic() + 20
        while client.job(made["job_id"])["state"] != "done" and time.monotonic() < until:
            time.sleep(0.05)
        assert client.job(made["job_id"])["state"] == "done"
    worker.stopping.set()
    thread.join(20)
    assert not thread.is_alive()


def test_an_evaluator_is_tried_on_a_row(asked: Any) -> None:
    with asked.client() as client:
        told = client.try_evaluator("exact_match", {"answer": "a", "reference": "a"}, {})
        assert (told["status"], told["value"], told["label"], told["version"]) == ("ok", 1.0, "pass", "1")
        with pytest.raises(ApiError, match="'question' is text, not 5"):
            client.try_evaluator("exact_match", {"question": 5}, {})
        with pytest.raises(ApiError, match="No evaluator is named 'nobody'"):
            client.try_evaluator("nobody", {}, {})


def test_cards_are_listed(asked: Any) -> None:
    with asked.client() as client:
        card = next(card for card in client.evaluators() if card["name"] == "exact_match")
    assert (card["family"], card["needs"], card["options"]) == ("checks", ["answer", "reference"], [])
    assert card["scale"]["better"] == "higher"


def test_a_worker_s_routes_need_a_body_of_theirs(asked: Any) -> None:
    answer = httpx.post(f"{asked.note.api_url}/api/worker/take", json={"wait_s": 1e9}, trust_env=False)
    assert answer.status_code == 422


def test_the_shell_orders_tells_and_ends(asked: Any, command: Callable[..., Any], tmp_path: Path) -> None:
    def jobs(*arguments: str) -> Any:
        return command(tmp_path, "jobs", *arguments, "--api-url", asked.note.api_url)

    ordered = ("add", "-e", "exact_match", "--since", "1h", "--where", "status=ok", "--author", "ada", "--json")
    made = json.loads(jobs(*ordered).stdout)
    assert (made["state"], made["targets"], made["author"]) == ("waiting", 2, "ada")
    assert jobs("cancel", made["job_id"]).stdout.startswith(f"Job {made['job_id']} is cancelled: 0 of 2 targets; ")
    assert jobs("resume", made["job_id"], "--budget", "2").stdout.startswith(f"Job {made['job_id']} is waiting")
    assert Worker(asked.note.api_url).turn(0)
    assert made["job_id"] in jobs("list").stdout


def test_what_the_shell_says() -> None:
    assert job_shell.sentence({"targets": 2, "matching": 1200}) == "2 would be scored; 1,200 traces match."
    with pytest.raises(OptionError, match="A filter is written FILTER=VALUE, such as service=shop; not 'status'"):
        job_shell.order(["exact_match"], [], ["status"], None, None)
    made = job_shell.order(["a,b"], ["a.x=1"], ["service=shop"], None, None, most=5)
    assert made["evaluators"] == [{"name": "a", "options": {"x": 1}}, {"name": "b", "options": {}}]
    assert (made["filter"]["service"], made["filter"]["since"], made["most"]) == ("shop", "1970-01-01T00:00:00Z", 5)


@pytest.fixture
def judge() -> Iterator[FakeOpenAI]:
    """A model that finds everything supported, in a thread of its own."""
    with beside([good(reason="It is there.", label="supported")]) as held:
        yield held


def test_a_judge_scores_within_its_budget_and_is_traced(
    judge: FakeOpenAI, serve: Callable[[str], Any], telling: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "judges.yaml"
    file.write_text(f"judges:\n- {{name: near, base_url: '{judge.url}', model: gpt-4o-mini}}\n")
    monkeypatch.setenv("ASSAY_JUDGES_FILE", str(file))
    served = serve("judged-jobs")
    for number in (1, 2):
        trace = telling(bytes([number]) * 16, NOW_NS - number * 10**9)
        trace.span(1, "search", 0, 5, openinference__span__kind="RETRIEVER",
                   retrieval__documents__0__document__content=f"Refunds take {number} days.")  # fmt: skip
        trace.span(2, "chat", 10, 100, 1, **CALL, gen_ai__input__messages=said("user", "How long?"),
                   gen_ai__output__messages=said("assistant", f"{number} days."))  # fmt: skip
        served.send(trace.body())
    served.settle()
    worker = Worker(served.note.api_url, Files(file, cache=tmp_path / "answers.db"))
    wanted = [{"name": "judge_groundedness"}, {"name": "groundedness"}]
    with served.client() as client:
        made = client.add_job(order(evaluators=wanted, budget_usd=1.0))
        assert worker.turn(0)
        job = client.job(made["job_id"])
        assert (job["state"], job["ok"], job["failed"], job["calls"], judge.calls) == ("done", 4, 0, 2, 2)
        assert 0 < job["spent_usd"] < 0.01
        scores = {row["name"]: row for row in client.rows("trace_scores", trace_id="01" * 16)}
        judged = scores["judge_groundedness"]
        assert (judged["label"], judged["explanation"], judged["source"]) == ("supported", "It is there.", "llm")
        assert scores["groundedness"]["source"] == "code"
        again = client.add_job(order(evaluators=wanted[:1]))
        assert worker.turn(0)
        assert (client.job(again["job_id"])["cached"], judge.calls) == (2, 2)
        tried = client.try_evaluator("judge_groundedness", {"answer": "a", "contexts": ["b"]}, {})
        assert tried["label"] == "supported"
        mine = "project_id = (select project_id from projects where name = 'judges')"
        asked = client.sql_rows(f"select request_model, input_tokens from spans where kind = 'llm' and {mine}").rows
        assert asked == [{"request_model": "gpt-4o-mini", "input_tokens": 100}] * 2
        assert client.sql_rows(f"select distinct name from scores where {mine}").rows == [
            {"name": "judge_groundedness"}
        ]


def test_a_judge_without_its_file_is_refused_with_the_way_to_name_it(asked: Any) -> None:
    with asked.client() as client, pytest.raises(ApiError, match="ASSAY_JUDGES_FILE"):
        client.add_job(order(evaluators=[{"name": "judge_groundedness"}]))


def test_a_worker_leaves_what_was_cancelled_meanwhile(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "KEEP_S", 0.05)
    with asked.client() as client:
        made = client.add_job(order())
        kept = worker_module.cases_of

        def cancelled(*given: Any) -> Any:
            client.cancel_job(made["job_id"])
            time.sleep(1)
            return kept(*given)

        monkeypatch.setattr(worker_module, "cases_of", cancelled)
        assert Worker(asked.note.api_url).turn(0)
        job = client.job(made["job_id"])
    assert (job["state"], job["targets_done"], job["not_applicable"]) == ("cancelled", 0, 0)
