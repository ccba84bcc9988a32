"""The sample data through a real server: what comes out is what the files say, and a second load adds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from server import demo
from server.client import Client
from server.demo import labelled, replayed, samples, watched
from server.demo.airline import turns
from server.demo.export import rows

DATASETS = demo.datasets_folder()
SUMMED = (
    "model_calls_ok", "model_calls_failed", "tool_executions", "tool_executions_failed", "input_tokens",
    "output_tokens", "cache_read_tokens", "reasoning_tokens", "unknown_usage_calls",
)  # fmt: skip


@dataclass
class Loaded:
    client: Client
    first: dict[str, Any]
    second: dict[str, Any]
    ledgers: list[list[dict[str, Any]]]  # after each load


@pytest.fixture(scope="module")
def loaded(serve: Callable[[str], Any]) -> Iterator[Loaded]:
    reports, ledgers = [], []
    with serve("demo").client() as client:
        for _ in range(2):
            reports.append(client.load_demo())
            client.settle()
            ledgers.append(client.ledger())
        yield Loaded(client, *reports, ledgers)


def expected() -> dict[str, int]:
    """The totals by the files alone."""
    answers, labelled = (
        list(rows(DATASETS / "llmdrift/answers.jsonl.gz")),
        list(rows(DATASETS / "ragtruth-qa/answers.jsonl.gz")),
    )
    talks = [talk["traj"] for talk in rows(DATASETS / "taubench-airline/conversations.jsonl.gz")]
    said = [message for talk in talks for message in talk]
    agent, tools = ([m for m in said if m["role"] == role] for role in ("assistant", "tool"))
    truth = [capture["truth"] for capture in json.loads((DATASETS / "captures/index.json").read_text())]
    captured = {name: sum(of_one[name] for of_one in truth) for name in truth[0]}
    return {
        "model_calls_ok": len(answers) + len(labelled) + len(agent) + captured["llm_calls_ok"],
        "model_calls_failed": captured["llm_calls_failed"],
        "tool_executions": len(tools) + captured["tool_executions"],
        "tool_executions_failed": sum(m["content"].startswith("Error") for m in tools),
        "input_tokens": captured["input_tokens"],
        "output_tokens": sum(int(row["answer_token"]) for row in answers) + captured["output_tokens"],
        "cache_read_tokens": captured["cache_read_tokens"],
        "reasoning_tokens": captured["reasoning_tokens"],
        "unknown_usage_calls": len(labelled) + len(agent),
    }


def test_totals_are_those_of_the_files(loaded: Loaded) -> None:
    totals = list(loaded.client.totals_lines())
    assert {name: sum(trace[name] or 0 for trace in totals) for name in SUMMED} == expected()


def test_a_trace_for_every_answer_turn_and_capture(loaded: Loaded) -> None:
    talks = [talk["traj"] for talk in rows(DATASETS / "taubench-airline/conversations.jsonl.gz")]
    captures = json.loads((DATASETS / "captures/index.json").read_text())
    turned = sum(len(list(turns(talk))) for talk in talks)
    count = 1800 + 300 + 394 + turned + sum(one["traces"] for one in captures)
    totals = list(loaded.client.totals_lines())
    assert len(totals) == loaded.first["traces"] == count
    assert len({trace["session_id"] for trace in totals if str(trace["session_id"]).startswith("airline-")}) == len(
        talks
    )


def test_everything_sent_is_stored_once(loaded: Loaded) -> None:
    first, second = (
        {name: sum(row[name] for row in ledger) for name in ("received", "stored", "duplicate", "rejected")}
        for ledger in loaded.ledgers
    )
    sent = loaded.first["spans_sent"] + loaded.first["logs_sent"]
    assert loaded.first["spans_accepted"] + loaded.first["logs_accepted"] == sent
    assert first == {"received": sent, "stored": sent, "duplicate": 0, "rejected": 0}
    assert second == {"received": 2 * sent, "stored": sent, "duplicate": sent, "rejected": 0}
    assert loaded.second == loaded.first


def test_what_is_beside_the_traffic_is_set_once(loaded: Loaded) -> None:
    client = loaded.client
    assert samples.load(client, DATASETS)
    assert [one["version"] for one in client.prompt_versions(samples.PROMPT)["versions"]] == [2, 1]
    assert client.prompt(samples.PROMPT, "production")["version"] == 1
    assert client.prompt(samples.PROMPT, "staging")["version"] == 2
    (dataset,) = client.datasets()
    sources = {row["source_id"] for row in rows(DATASETS / "ragtruth-qa/answers.jsonl.gz")}
    assert dataset["items"] == len(sources)
    told = list(client.dataset_rows(samples.DATASET, dataset["version"]))
    assert {one["item"] if "item" in one else one["id"] for one in told} == sources
    assert {one["split"] for one in told} == {"train", "test"}
    _ab_test(client)
    _monitors(client)
    _queues(client)
    client.delete_dataset(samples.DATASET)
    client.forget_prompt(samples.PROMPT)
    client.forget_ab_test(replayed.NAME)
    assert not samples.load(client, DATASETS)
    assert not client.datasets()
    assert not client.ab_tests()


def _monitors(client: Client) -> None:
    """One fired when the June models came, and says so; the others have looked back over the same week and are ok."""
    states = {name: client.look_now(name)["state"] for name in watched.MONITORS}
    assert states == {name: "firing" if name == "answer-length" else "ok" for name in watched.MONITORS}
    (alert,) = client.alerts(state="all")["alerts"]
    answers = client.query("trace_summary", trace_id=str(demo.last_trace(DATASETS))).frame
    june = answers["start_time"][0].to_pydatetime() - timedelta(days=7)
    low, high = (datetime.fromisoformat(alert[name]) for name in ("since_low", "since_high"))
    assert (alert["monitor"], alert["cause"]) == ("answer-length", "release:2023-06")
    assert low <= june <= high
    assert high - low < timedelta(days=3)


def _queues(client: Client) -> None:
    """One has the labels of three people, items without any and gold ones; the other waits to be begun."""
    better, grounded = (client.queue(name) for name in (labelled.BETTER, labelled.GROUNDED))
    assert (better["items"], better["done"], better["gold_items"], better["labels"]) == (150, 120, 10, 360)
    assert {one["author"]: one["labels"] for one in better["labellers"]} == dict.fromkeys(labelled.ANNOTATORS, 120)
    assert (grounded["items"], grounded["labels"]) == (labelled.ANSWERS, 0)
    (job,) = client.jobs()
    assert (job["targets"], job["author"]) == (394, labelled.AUTHOR)
    (item,) = client.take_items(labelled.GROUNDED, "ada", 1)["items"]
    (side,) = item["content"]["sides"]
    trace = client.query("trace_summary", trace_id=side["trace_id"]).frame
    assert trace["service"][0] == "ragtruth-qa"
    said = {
        f"pandalm-{row['idx']}-{row['cmp_key']}": {name: "tab"[row[name]] for name in labelled.ANNOTATORS}
        for row in rows(DATASETS / "pandalm/comparisons.jsonl.gz")
    }
    for item in client.queue_items(labelled.BETTER, limit=1_000)["items"][:5]:
        answers = {
            one["author"]: one["answers"]["better"]
            for one in client.queue_item(labelled.BETTER, item["number"])["labels"]
        }
        assert {name: answer[0] for name, answer in answers.items()} == said[item["key"]]


def _ab_test(client: Client) -> None:
    """The sample test counts every request, finds nothing lost, and says what is known of these snapshots."""
    (test,) = client.ab_tests()
    found = client.ab_results(test["name"])
    assert found["exposure"] | {"units_a_day": 0} == {
        "traces": 300, "traces_without_unit": 0, "units": 300, "mixed_units": 0, "mixed_traces": 0, "mixed_share": 0.0,
        "units_a_day": 0,
    }  # fmt: skip
    assert [arm["units"] - arm["valued"] for arm in found["arms"]] == [0, 0]
    assert not found["mismatch"]["mismatched"]
    assert found["sentence"].startswith("2023-06 is worse than 2023-03: right differs by")
