"""Moves of levels parted by topics: over HTTP, from the shell, in slices of time; figures that a hand can compute."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.facts import ScoreFacts
from collectors.frames import origin_table, score_table, span_table
from collectors.normalise import normalise
from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from server.aside import asking
from server.client import ApiError
from server.core import Core
from server.settings import Settings
from server.whatif import routing, sampling, texts, topics
from store.batch import Batch

Command = Callable[..., subprocess.CompletedProcess[str]]
NOW = datetime.now(UTC)
WINDOW = {"since": NOW - timedelta(hours=3), "until": NOW + timedelta(hours=1)}  # the run may take long
START_NS = 1_790_000_000_000_000_000  # slices are whole steps since 1970: which are drawn must not depend on the hour
OPENED = datetime.fromtimestamp(START_NS / 1e9, UTC).replace(tzinfo=None)
SPAN = (OPENED, OPENED + timedelta(hours=1))
SUBJECTS = ("how do I get a refund for my order", "what is the weather forecast for the weekend")


def ask(served: Any, **params: Any) -> dict[str, Any]:
    with served.client() as client:
        return client.whatif("routing", **(WINDOW | params))


def told_by(policy: dict[str, Any], text: str) -> str:
    """The topic of a text as a router would tell it that has the policy and nothing else."""
    words = {*re.findall(r"[^\W\d_]\w+", text.casefold())[:200]}
    sums = {
        name: sum(weight for word, weight in weights.items() if word in words)
        for name, weights in policy["topics"]["words"].items()
    }
    return max(sums, key=lambda name: (sums[name], -int(name))) if any(sums.values()) else "other"


def test_levels_are_parted_by_what_was_asked(choices: Any) -> None:
    """Half of the calls ask for refunds, half why; of either every model served 40."""
    found = ask(choices, topics=2)
    told = found["topics"]
    assert [(row["topic"], row["calls"], row["by_model"]) for row in told["rows"]] == [
        ("1", 80, {"gpt-4o": 40, "gpt-4o-mini": 40}), ("2", 80, {"gpt-4o": 40, "gpt-4o-mini": 40}),
    ]  # fmt: skip
    words = {frozenset(row["words"]) & {"refund", "shoes", "why"} for row in told["rows"]}
    assert words == {frozenset({"refund", "shoes"}), frozenset({"why"})}
    assert (told["agreement"], told["untold"], told["texts"]) == (1, 0, 160)
    assert [level["calls"] for level in found["levels"]] == [0, 160, 0]
    plain = {(move["source"], move["target"]): move for move in ask(choices)["moves"]}
    for key, whole in plain.items():
        parts = [move for move in found["moves"] if (move["source"], move["target"]) == key]
        assert {move["topic"] for move in parts} == {"1", "2"}
        for name in ("calls", "usd", "source_scores"):
            assert sum(move[name] for move in parts) == pytest.approx(whole[name])
        assert sum(move["saved_usd"]["value"] for move in parts) == pytest.approx(whole["saved_usd"]["value"])
    assert {move["topic"] for move in plain.values()} == {None}


def test_a_router_tells_the_topics_by_the_policy(choices: Any) -> None:
    found = ask(choices, topics=2)
    policy = yaml.safe_load(found["policy_yaml"])
    with choices.client() as client:
        spans = client.sql("select input, input_key from spans where kind = 'llm'").frame.astype(object)
    asked = [texts.wanted(text, None) for text in spans["input"]]
    assert Counter(told_by(policy, text or "") for text in asked) == {"1": 80, "2": 80}
    assert {str(rule["topic"]) for rule in policy["rules"]} <= {"1", "2"}
    assert policy["topics"]["agrees_with_clusters"] == 1


def test_examples_are_calls_of_their_topic(choices: Any) -> None:
    found = ask(choices, topics=2)
    policy = yaml.safe_load(found["policy_yaml"])
    with choices.client() as client:
        for row in found["topics"]["rows"]:
            assert len({example["text"] for example in row["examples"]}) == 3
            for example in row["examples"]:
                assert told_by(policy, example["text"]) == row["topic"]
                span = client.span(example["trace_id"], example["span_id"])
                assert span["input"][0]["parts"][0]["content"] == example["text"]


def test_the_same_question_has_the_same_answer(choices: Any) -> None:
    assert ask(choices, topics=5) == ask(choices, topics=5)


@pytest.mark.parametrize("count", [-1, 21, "many"])
def test_how_many_topics_is_bounded(choices: Any, count: Any) -> None:
    with pytest.raises(ApiError, match="topics"):
        ask(choices, topics=count)


def test_calls_without_text_are_a_group_of_their_own_and_in_no_rule(choices: Any, filled: Any) -> None:
    assert ask(choices, topics=3, service="nobody")["topics"]["rows"] == []
    with filled.client() as client:  # their questions share no word, those of logs are read too
        found = client.whatif("routing", since=NOW - timedelta(days=4000), until=NOW + timedelta(days=1), topics=4)
        untold = client.sql(
            "select count(*) as n from calls c left join spans s using (project_id, trace_id, span_id) "
            "left join span_derived d using (project_id, trace_id, span_id) "
            "where c.usage_role = 'leaf' and c.kind = 'llm' and not c.failed and s.input is null and d.input is null"
        ).frame["n"].iloc[0]  # fmt: skip
    assert found["topics"]["untold"] >= untold > 0
    assert [row["calls"] for row in found["topics"]["rows"] if row["topic"] == "not told"] == [
        found["topics"]["untold"]
    ]
    assert all(rule["topic"] != "not told" for rule in found["policy"])


LINE = {"provider": "openai", "usage": {"input_tokens": 2000, "output_tokens": 50}, "timestamp": "2026-05-01T10:00:00Z"}


def test_a_file_is_parted_where_levels_alone_would_hide_the_harm(tmp_path: Path, command: Command) -> None:
    """The small model is as good at refunds and bad at the weather; of all calls of the level, it is worse."""
    rows = [
        LINE | {"id": str(number), "score": int(number % 4 < 2 or number % 2 == 0),
                "model": "gpt-4o-mini" if number % 2 else "gpt-4o",
                "messages": [{"role": "system", "content": "weather order"},
                             {"role": "user", "content": f"{SUBJECTS[number % 4 > 1]} {number}"},
                             {"role": "assistant", "content": "Well."}, {"role": "tool", "content": "refund weather"}]}
        for number in range(400)
    ]  # fmt: skip
    rows += [LINE | {"id": f"silent {number}", "model": "gpt-4o", "score": 1} for number in range(7)]
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = command(tmp_path, "whatif", "routing", str(path), "--topics", "2", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    refunds, weather = sorted(found["topics"]["rows"][:2], key=lambda row: "weather" in row["words"])
    assert (refunds["calls"], weather["calls"]) == (200, 200)
    assert [(row["topic"], row["calls"]) for row in found["topics"]["rows"][2:]] == [("not told", 7)]
    verdicts = {move["topic"]: move["verdict"] for move in found["moves"] if move["source"] == "gpt-4o"}
    assert verdicts == {
        refunds["topic"]: "no worse", weather["topic"]: "worse", "not told": "not enough evidence",
    }  # fmt: skip
    (rule,) = yaml.safe_load(found["policy_yaml"])["rules"]
    assert (str(rule["topic"]), rule["to"]) == (refunds["topic"], "gpt-4o-mini")
    people = command(tmp_path, "whatif", "routing", str(path), "--topics", "2").stdout
    assert "refund" in people
    assert re.search(r"topic +calls +words", people)
    plain = json.loads(command(tmp_path, "whatif", "routing", str(path), "--json").stdout)
    assert (plain["topics"], plain["policy"]) == (None, [])


def test_without_a_move_it_says_what_the_calls_did_not_tell(tmp_path: Path, command: Command) -> None:
    """As of the sample data, whose published answers tell no tokens of input."""
    told = {"provider": "openai", "usage": {"output_tokens": 50}, "timestamp": "2026-05-01T10:00:00Z"}
    path = tmp_path / "calls.jsonl"
    path.write_text(
        "".join(json.dumps(told | {"id": str(n), "model": "gpt-4o" if n % 2 else "o3"}) + "\n" for n in range(6))
    )
    said = command(tmp_path, "whatif", "routing", str(path)).stdout
    assert "No group of calls was served by a model that another could replace. 6 of 6 calls did not tell" in said
    assert "did not tell" not in command(tmp_path, "whatif", "routing", str(path), "--input-tokens", "-").stdout


@pytest.fixture
def core(tmp_path: Path, telling: Any) -> Iterator[Core]:
    """800 calls of as many traces, 4 s apart, of two subjects and two models by turns; all are scored."""
    opened = Core.open(Settings(data_dir=tmp_path / "store", min_free_bytes=0))
    start = START_NS
    call = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai",
            "gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 50}  # fmt: skip
    spans, scores = [], []
    for number in range(800):
        trace = (number + 1).to_bytes(16, "big")
        model, asked = ("gpt-4o", "gpt-4o-mini")[number % 2], f"{SUBJECTS[number // 2 % 2]} {number}"
        told = telling(trace, start + number * 4_000_000_000)
        body = told.span(1, "chat", 0, 100, input__value=asked, gen_ai__request__model=model, **call).body()
        spans += decode("traces", "http-protobuf", body).spans
        scores.append(_score(trace, float(number % 10 > 0 or number % 2)))
    table = span_table(spans, [normalise(span, NormaliserOptions()) for span in spans])
    origins = origin_table({span.origin.origin_id: span.origin for span in spans}.values())
    batch = Batch(
        1, "http-protobuf", "traces", {"": len(spans)}, spans=table, origins=origins, scores=score_table(scores)
    )
    opened.writer.submit(batch).result()
    opened.settle(60)
    yield opened
    opened.close()


def _score(trace: bytes, value: float) -> ScoreFacts:
    return ScoreFacts(
        trace_id=trace, span_id=None, session_id=None, response_id=None, carrier_trace_id=None, carrier_span_id=None,
        name="right", value=value, label=None, explanation=None, source="api", evaluator=None, evaluator_version=None,
        author=None, error_type=None, time_ns=time.time_ns(), metadata={},
    )  # fmt: skip


def report(core: Core, count: int) -> dict[str, Any]:
    with core.readers.read() as con:
        return routing.answer(asking(con, 1), {"kind": "llm"}, *SPAN, routing.Options(topics=count))


def test_slices_of_time_estimate_the_whole(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same store read whole and with room for a part of its calls: the sums lie within the intervals."""
    whole = report(core, 2)
    assert whole["sample"] | {"census": True, "slices": None, "traces": 800, "scored_calls": 800} == whole["sample"]
    monkeypatch.setattr(sampling, "MOST_CALLS", 400)
    monkeypatch.setattr(sampling, "LEAST_CALLS", 50)
    monkeypatch.setattr(topics, "CALLS", 300)
    monkeypatch.setattr(topics, "MOST_SLICES", 16)
    part, again = report(core, 2), report(core, 2)
    assert part == again
    sample = part["sample"]
    assert (sample["census"], sample["of_traces"], sample["slices"]) == (False, 800, sampling.SLICES)
    assert 100 < sample["traces"] == sample["calls"] == sample["scored_calls"] < 400
    assert {row["topic"]: row["words"] for row in part["topics"]["rows"]}.keys() == {"1", "2"}
    for topic in _named(part):
        for source in ("gpt-4o", "gpt-4o-mini"):
            true, told = (_move(found, topic, source) for found in (whole, part))
            assert told["saved_usd"]["n"] == sampling.SLICES
            assert told["saved_usd"]["low"] <= true["saved_usd"]["value"] <= told["saved_usd"]["high"]
            assert told["usd"] == pytest.approx(true["usd"], rel=0.4)
            assert told["quality"]["low"] <= true["quality"]["value"] <= told["quality"]["high"]


def _named(found: dict[str, Any]) -> list[str]:
    """A word that names each topic: their numbers may be the other way about."""
    return [next(word for word in ("refund", "weather") if word in row["words"]) for row in found["topics"]["rows"]]


def _move(found: dict[str, Any], word: str, source: str) -> dict[str, Any]:
    topic = next(row["topic"] for row in found["topics"]["rows"] if word in row["words"])
    (move,) = [move for move in found["moves"] if (move["topic"], move["source"]) == (topic, source)]
    return move


def test_scored_traces_beyond_the_slices_count_for_quality_alone(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_CALLS", 400)
    monkeypatch.setattr(sampling, "LEAST_CALLS", 50)
    monkeypatch.setattr(topics, "CALLS", 100)
    monkeypatch.setattr(topics, "UNPACKED", 10**12)
    found = report(core, 2)
    assert found["sample"]["calls"] < 200
    assert found["sample"]["scored_calls"] == 800
    assert sum(row["sampled"] for row in found["topics"]["rows"]) == found["sample"]["calls"]
    assert sum(move["source_scores"] for move in found["moves"]) == 800
