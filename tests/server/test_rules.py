"""Standing rules over a real server and real workers: what is new is scored once, late spans again, money is kept."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import waiting
import warm
from fake_openai import Act, FakeOpenAI, beside, good

from evaluators.documents import DocumentError
from server.client import ApiError, Client
from server.judging import Files
from server.rule_shell import read_rules
from server.worker import Worker

until = partial(waiting.until, wait_s=60.0)
QUIET = {"quiet_s": 1}
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 100}  # fmt: skip


def said(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


class World:
    """A server, and traces of services that tests share nothing of."""

    def __init__(self, served: Any, telling: Any) -> None:
        self.served, self.telling = served, telling

    @property
    def client(self) -> Client:
        return self.served.client()

    def tell(self, number: int, service: str, session: str | None = None, **more: Any) -> str:
        """A trace of one call; its id."""
        trace_id = number.to_bytes(16, "big")
        told = {"session__id": session} if session else {}
        trace = self.telling(trace_id, more.get("start_ns", time.time_ns()), service=service)
        trace.span(
            1, "chat", 0, 100, **CALL, **told, gen_ai__input__messages=said("user", f"Question {number}?"),
            gen_ai__output__messages=said("assistant", more.get("answer", f"Answer {number}.")),
        )  # fmt: skip
        self.served.send(trace.body())
        return trace_id.hex()

    def late(self, number: int, service: str) -> None:
        trace = self.telling(number.to_bytes(16, "big"), time.time_ns(), service=service)
        self.served.send(trace.span(2, "late", 0, 5).body())

    def rule(self, name: str, service: str, **more: Any) -> dict[str, Any]:
        terms = {"filter": {"service": service}, "evaluators": ["length"], **QUIET, **more}
        with self.client as client:
            return client.set_rule(name, terms, "ada")

    def backlog(self, name: str) -> dict[str, Any]:
        with self.client as client:
            return client.rule(name)["backlog"]

    def scored(self, *ids: str, name: str = "length") -> Counter[str]:
        """How many scores of this name each trace has, whether or not a later one counts."""
        with self.client as client:
            rows = client.sql_rows(
                "select replace(trace_id::varchar, '-', '') as trace_id, count(*) as n from main.scores "
                f"where name = '{name}' and trace_id is not null group by 1"
            ).rows
        return Counter({row["trace_id"]: row["n"] for row in rows if not ids or row["trace_id"] in ids})


@pytest.fixture(scope="module")
def world(serve: Callable[[str], Any], telling: Any) -> World:
    return World(serve("ruled"), telling)


@contextmanager
def worker(world: World, folder: Path) -> Iterator[warm.Program]:
    """A worker in a process of its own."""
    environment = {**os.environ, "ASSAY_API_URL": world.served.note.api_url, "ASSAY_DATA_DIR": str(folder)}
    process = warm.start("server.cli", ["worker"], environment, folder)
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


def test_new_traces_are_scored_once_and_late_spans_again(world: World, tmp_path: Path) -> None:
    before = world.tell(1, "once")
    world.served.settle()
    world.rule("once", "once")
    ids = [world.tell(number, "once") for number in range(2, 7)]
    other = world.tell(7, "elsewhere")
    with worker(world, tmp_path) as running:
        until(lambda: world.scored(*ids) == Counter(ids))
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    assert not world.scored(before, other), "a rule looks at what comes after it was set, and matches"
    world.late(2, "once")
    until(lambda: world.backlog("once")["pending"] == 1)
    assert Worker(world.served.note.api_url).turn(0)
    assert world.scored(*ids) == Counter(ids) + Counter([ids[0]])
    told = world.backlog("once")
    assert (told["pending"], told["targets_day"], told["failures"], told["spent_usd"]) == (0, 6, 0, None)


def test_a_worker_that_is_killed_scores_nothing_twice(world: World, tmp_path: Path) -> None:
    world.rule("killed", "killed")
    ids = [world.tell(number, "killed") for number in range(100, 150)]
    until(lambda: world.backlog("killed")["pending"] == len(ids))
    with world.client as client:
        part = client.take_work(0)  # as one that is killed with a part
        assert part is not None
        assert world.backlog("killed")["working"] == len(part["targets"])
    with worker(world, tmp_path) as running:
        until(lambda: world.backlog("killed")["pending"] < len(ids))
        os.kill(running.pid, signal.SIGKILL)
    with worker(world, tmp_path):
        until(lambda: world.backlog("killed")["pending"] == 0)
    assert world.scored(*ids) == Counter(ids)
    with world.client as client:
        results = [
            {
                **target,
                "evaluator": "length",
                "version": "1",
                "source": "code",
                "status": "ok",
                "value": 1.0,
                "time_ns": 1,
            }
            for target in part["targets"]
        ]
        assert not client.finish_work(part["job_id"], {"lease": part["lease"], "results": results})
    assert world.scored(*ids) == Counter(ids), "what comes too late is not stored"


def test_a_sample_is_stable_and_grows_with_its_rate(world: World) -> None:
    for name, rate in (("a-tenth", 0.1), ("a-tenth-too", 0.1), ("a-half", 0.5)):
        world.rule(name, "sampled", sample_rate=rate)
    for number in range(1000, 1060):
        world.tell(number, "sampled")
    world.served.settle()
    names = ("a-tenth", "a-tenth-too", "a-half")
    until(lambda: world.backlog("a-half")["pending"] > 0)
    picked = {name: set[str]() for name in names}
    done = Counter[str]()

    def take() -> bool:
        with world.client as client:
            while (part := client.take_work(0)) is not None:
                picked[part["order"]["rule"]] |= {target["trace_id"] for target in part["targets"]}
                done[part["order"]["rule"]] += len(part["targets"])
                client.finish_work(part["job_id"], {"lease": part["lease"], "results": []})
        # A rule takes them in one look or in two.
        return len(picked["a-half"]) > 15 and set() < picked["a-tenth"] == picked["a-tenth-too"] < picked["a-half"]

    until(take)
    assert 15 < len(picked["a-half"]) < 45
    assert done["a-half"] == len(picked["a-half"])
    for name in names:
        with world.client as client:
            client.delete_rule(name)


def test_calls_and_sessions_are_targets_too(world: World) -> None:
    world.rule("calls", "talk", unit="call")
    world.rule("sessions", "talk", unit="session")
    with world.client as client:
        client.set_rule(
            "sessions", {"filter": {"service": "talk"}, "unit": "session", "evaluators": ["length"], **QUIET}
        )
    first = world.tell(2000, "talk", session="s-1", answer="One.")
    second = world.tell(2001, "talk", session="s-1", answer="One, two and three.")
    until(lambda: world.backlog("sessions")["pending"] == 1 and world.backlog("calls")["pending"] == 2)
    turn = Worker(world.served.note.api_url).turn
    until(lambda: not turn(0))
    with world.client as client:
        rows = client.sql_rows(
            "select session_id, trace_id is null as whole, value from scores where session_id is not null"
        ).rows
        assert rows == [{"session_id": "s-1", "whole": True, "value": 4.0}], "the words of the last answer"
        (score,) = client.rows("trace_scores", trace_id=first)
        assert score["span_id"] == f"{1:016x}"
        window = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
        long = client.rows("traces", **window, service="talk", score="length", score_at_least=2)
        assert {row["trace_id"].replace("-", "") for row in long} == {first, second}, "the session's score meets it"
        assert client.rows("traces", **window, score="length", score_at_least=2, score_failed=True) == []
        with pytest.raises(ApiError, match="score_at_least needs the name of a score"):
            client.rows("traces", **window, score_at_least=10)


@pytest.fixture
def judged(
    serve: Callable[[str], Any], telling: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[World, FakeOpenAI, Worker]]:
    """A server whose judge answers in a thread of its own, but for the first time that it is asked of ten days."""

    def act(body: dict[str, Any]) -> Act:
        down = "10 days" in json.dumps(body) and len(judge.requests) == 1
        return Act(status=500) if down else good(reason="It is there.", label="supported")

    with beside(act) as judge:
        file = tmp_path / "judges.yaml"
        file.write_text(f"judges:\n- {{name: near, base_url: '{judge.url}', model: gpt-4o-mini, tries: 1}}\n")
        monkeypatch.setenv("ASSAY_JUDGES_FILE", str(file))
        served = serve("ruled-and-judged")
        yield World(served, telling), judge, Worker(served.note.api_url, Files(file))


def retrieve(world: World, number: int, start_ns: int | None = None) -> str:
    trace = world.telling(number.to_bytes(16, "big"), start_ns or time.time_ns(), service="rag")
    trace.span(1, "search", 0, 5, openinference__span__kind="RETRIEVER",
               retrieval__documents__0__document__content=f"Refunds take {number} days.")  # fmt: skip
    trace.span(2, "chat", 10, 100, 1, **CALL, gen_ai__input__messages=said("user", "How long?"),
               gen_ai__output__messages=said("assistant", f"{number} days."))  # fmt: skip
    world.served.send(trace.body())
    return number.to_bytes(16, "big").hex()


def test_failures_are_listed_retried_and_backfills_foretold(judged: tuple[World, FakeOpenAI, Worker]) -> None:
    world, _, turner = judged
    terms = {"filter": {"service": "rag"}, "evaluators": ["judge_groundedness", "length"], **QUIET}
    old = [retrieve(world, number) for number in range(1, 4)]
    world.served.settle()
    with world.client as client:
        client.set_rule("grounded", terms)
        new = retrieve(world, 10)
        until(lambda: client.rule("grounded")["backlog"]["pending"] == 1)
        assert turner.turn(0)
        found = client.rule_failures("grounded")
        (failure,) = found["failures"]
        assert (failure["trace_id"], failure["evaluator"], found["total"]) == (new, "judge_groundedness", 1)
        assert failure["error_type"] == found["types"][0]["error_type"] == "server"
        assert client.retry_failures("grounded", error_type="timeout") == 0
        assert client.retry_failures("grounded") == 1
        assert client.retry_failures("grounded") == 0, "it is ordered already"
        assert turner.turn(0)
        assert client.rule_failures("grounded")["total"] == 0
        assert world.scored(new) == Counter([new]), "what did not fail is not scored again"
        assert world.scored(new, name="judge_groundedness") == Counter({new: 2})
        since, until_ = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
        window = {"since": _time(since), "until": _time(until_)}
        told = client.backfill("grounded", **window, dry_run=True)
        assert (told["matching"], told["sampled"], told["scored"], told["targets"]) == (4, 4, 1, 3)
        assert (told["judge_calls"], round(told["usd"], 6)) == (3, round(3 * _cost(client), 6))
        assert "newest 1 stored" in told["evaluators"][0]["how"]
        job = client.backfill("grounded", **window)
        until(lambda: not turner.turn(0) and client.job(job["job_id"])["state"] == "done")
        assert world.scored(*old) == Counter(old)
        assert client.backfill("grounded", **window, dry_run=True)["targets"] == 0
        assert client.backfill("grounded", **window, dry_run=True, again=True)["targets"] == 4
        (line, *_) = client.preview_rule(terms, 2)
        assert [one["evaluator"] for one in line["verdicts"]] == ["judge_groundedness", "length"]


def _time(text: str) -> Any:
    from datetime import datetime  # noqa: PLC0415 - here alone

    return datetime.fromisoformat(text)


def _cost(client: Client) -> float:
    (row,) = client.sql_rows(
        "select metadata['spent'] as spent from main.scores where metadata['spent'] is not null and error_type is null"
    ).rows
    return float(json.loads(row["spent"])["cost_usd"])


def test_a_rule_waits_when_its_day_is_spent(judged: tuple[World, FakeOpenAI, Worker]) -> None:
    world, judge, turner = judged
    terms = {"filter": {"service": "rag"}, "evaluators": ["judge_groundedness"], **QUIET}
    with world.client as client:
        client.set_rule("poor", terms | {"budget_usd_per_day": 1e-6})
        ids = [retrieve(world, number) for number in range(20, 23)]
        until(lambda: client.rule("poor")["backlog"]["pending"] == 3)
        assert turner.turn(0)
        rule = client.rule("poor")
        assert (rule["state"], rule["backlog"]["pending"], rule["backlog"]["failures"]) == ("waiting", 3, 0)
        assert "goes on at midnight UTC" in rule["why"]
        assert (turner.turn(0), judge.calls) == (False, 0)
        assert client.set_rule("poor", terms | {"budget_usd_per_day": 1.0})["state"] == "on"
        until(lambda: not turner.turn(0) and client.rule("poor")["backlog"]["pending"] == 0)
        assert world.scored(*ids, name="judge_groundedness") == Counter(ids)
        assert 0 < client.rule("poor")["backlog"]["spent_today_usd"] < 0.01


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param({"evaluators": ["lenght"]}, "Did you mean 'length'", id="evaluator"),
        pytest.param({"filter": {"servise": "a"}}, "Did you mean 'service'", id="filter"),
        pytest.param({"filter": {"status": "zzz"}}, "status is one of ok, recovered, error, not 'zzz'", id="closed"),
        pytest.param({"filter": {"since": "2020-01-01"}}, "'since' is of pages and windows", id="window"),
        pytest.param({"filter": {"score_at_most": 1}}, "needs the name of a score", id="bound-without-score"),
        pytest.param({"sample_rate": 0}, "greater than 0", id="rate"),
        pytest.param({"evaluators": ["length", "length"]}, "'length' is asked for twice", id="twice"),
        pytest.param({"evaluators": []}, "at least 1 item", id="none"),
    ],
)
def test_a_rule_that_cannot_be_carried_out_is_refused(world: World, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ApiError, match=says):
        world.rule("wrong", "any", **wrong)


def test_rules_have_versions_and_are_turned_off_and_deleted(world: World) -> None:
    made = world.rule("turned", "turned")
    assert (made["version"], made["state"], made["author"]) == (1, "on", "ada")
    assert world.rule("turned", "turned")["version"] == 1, "the same again"
    off = world.rule("turned", "turned", enabled=False)
    assert (off["version"], off["state"]) == (2, "off")
    with world.client as client:
        client.delete_rule("turned")
        with pytest.raises(ApiError, match="has no rule 'turned'"):
            client.rule("turned")
        rows = client.sql_rows("select version, document is null as gone from rule_versions where name = 'turned'").rows
    assert rows == [{"version": 1, "gone": False}, {"version": 2, "gone": False}, {"version": 3, "gone": True}]


def test_the_shell_sets_tells_and_deletes(world: World, command: Callable[..., Any], tmp_path: Path) -> None:
    def shell(*arguments: str) -> Any:
        return command(tmp_path, "rules", *arguments, "--api-url", world.served.note.api_url)

    file = tmp_path / "rules.yaml"
    file.write_text(
        "rules:\n- name: by-file\n  filter: {service: shell}\n  sample_rate: 0.25\n  evaluators: [length]\n"
        "  budget_usd_per_day: 2\n"
    )
    assert shell("set", str(file)).stdout == (
        "Rule by-file (version 1) is on: 25 % of traces by length. 0 pending, 0 failed, 0 scored in 24 hours.\n"
    )
    assert "by-file" in shell("list").stdout
    assert "version 2) is off" in shell("disable", "by-file").stdout
    assert "version 3) is on" in shell("enable", "by-file").stdout
    assert "Nothing was scored" in shell("backlog", "by-file").stdout
    assert "No target failed." in shell("failures", "by-file").stdout
    assert shell("retry", "by-file").stdout == "0 targets are scored again.\n"
    dry = shell("backfill", "by-file", "--dry-run").stdout
    assert dry.startswith("0 traces match, 0 are in the sample, 0 of them are scored already. 0 targets would be ")
    assert dry.endswith("no model is asked.\n")
    assert shell("delete", "by-file").stdout == "Rule by-file is deleted; its scores stay.\n"
    file.write_text("rules:\n- name: a\n  evaluators: [lenght]\n")
    assert "rules.yaml, line 2, rule 'a': No evaluator is named 'lenght'" in shell("set", str(file)).stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            "rules:\n- name: a\n  evaluators: [length]\n  samplerate: 1\n",
            r"line 4, entry 1: samplerate: there is no such key; did you mean 'sample_rate'",
            id="key",
        ),
        pytest.param(
            "rules:\n- name: a\n  evaluators: [length]\n  filter:\n    servise: x\n",
            r"line 5, entry 1: filter.servise: there is no filter; did you mean 'service'",
            id="filter",
        ),
        pytest.param("rules:\n- name: a b\n  evaluators: [length]\n", "line 2, entry 1: name: ", id="name"),
        pytest.param("rules:\n- name: a\n  evaluators: []\n", "line 3, entry 1: evaluators: ", id="evaluators"),
        pytest.param("rule: []\n", "needs a list called 'rules'", id="top"),
        pytest.param("rules: [\n", "is no YAML", id="yaml"),
    ],
)
def test_a_file_that_breaks_a_rule_is_told_by_line_and_key(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(DocumentError, match=says):
        read_rules(file)
