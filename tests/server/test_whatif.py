"""What other choices would have come to, over HTTP and from the shell: traffic whose figures a hand can compute."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from analytics import intervals
from collectors.frames import origin_table, span_table
from collectors.normalise import normalise
from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from server.aside import asking
from server.client import ApiError
from server.core import Core
from server.settings import Settings
from server.whatif import caching, sampling, texts
from server.whatif.sampling import Asker
from store.batch import Batch

Command = Callable[..., subprocess.CompletedProcess[str]]
NOW = datetime.now(UTC)
CALLED = datetime(2026, 9, 1, 9, 20, tzinfo=UTC)  # fixed: which slices are drawn depends on the clock
WINDOW = {"since": NOW - timedelta(hours=3), "until": NOW + timedelta(hours=1)}  # the run may take long
ONE_4O, ONE_MINI = 1600 * 2.5e-6 + 50 * 10e-6, 1600 * 0.15e-6 + 50 * 0.6e-6  # US dollars of a call of `choices`


def ask(served: Any, what: Any, **params: Any) -> dict[str, Any]:
    with served.client() as client:
        return client.whatif(what, **(WINDOW | params))


def test_exact_repeats_by_hand(choices: Any) -> None:
    """Of each model's 80 calls every fourth is the same, a minute apart, and lasts a second. What is kept for 5 minutes
    from then on serves the five that follow, and the seventh asks anew: 4 misses of 20, so 16 hits of each model.
    """
    found = ask(choices, "caching")
    assert (
        found["sample"] | {"calls": 160, "measured": 160, "read": 160, "census": True, "untold": 0} == found["sample"]
    )
    exact = found["exact"]
    assert exact["hits"] == 32
    assert exact["share"]["value"] == pytest.approx(32 / 160)
    assert exact["usd"]["value"] == pytest.approx(16 * (ONE_4O + ONE_MINI))
    assert exact["input_tokens"]["value"] == pytest.approx(32 * 1600)
    assert exact["output_tokens"]["value"] == pytest.approx(32 * 50)
    assert exact["duration_s"]["value"] == pytest.approx(32)
    assert exact["usd"]["low"] < exact["usd"]["value"] < exact["usd"]["high"]
    assert found["whole"]["usd"] == pytest.approx(80 * (ONE_4O + ONE_MINI))
    longer = ask(choices, "caching", ttl_s=3600)["exact"]
    assert longer["hits"] == 2 * 19


def test_shared_prefixes_by_hand(choices: Any) -> None:
    """All calls share a system prompt, so that the first of each model writes it, and the 79 that follow read it."""
    found = ask(choices, "caching")["prefix"]
    system = json.dumps([{"type": "text", "content": _rules()}])
    assert len(system) > 6_000
    prompts = _prompts(choices)
    shared = (len(f"\x1e{system}\x1e") // texts.BLOCK) * texts.BLOCK
    beyond = [prompt[shared:].encode() for prompt in prompts]
    assert all(
        len(prompt.encode()) // texts.BLOCK * texts.BLOCK in {shared, shared + texts.BLOCK} for prompt in prompts
    )
    read = sum(1600 * shared / (shared + len(rest)) for rest in [*beyond[1:80], *beyond[81:]])
    # A whole block beyond the system prompt is read too where the question before was the same.
    assert found["read_tokens"]["value"] == pytest.approx(read, rel=0.1)
    saved = sum(
        count * 1600 * rate * shared / (shared + len(beyond[5])) for count, rate in ((79, 1.25e-6), (79, 0.075e-6))
    )
    assert found["usd"]["value"] == pytest.approx(saved, rel=0.1)
    assert found["write_usd"]["value"] == 0
    assert (found["calls"], found["uncached_models"], found["unknown"]) == (160, 0, 0)
    assert found["duration_s"]["value"] is None


def test_near_repeats_by_hand(choices: Any) -> None:
    """From 80 % on the calls with a number are hits as well; all but the first of each kind and model. Their answers
    differ, those of exact repeats do not.
    """
    near = ask(choices, "caching", similarity=0.8, ttl_s=3600)["near"]
    rows = {row["threshold"]: row for row in near["rows"]}
    assert (near["measured"], near["compared"]) == (160, 160)
    assert rows[1.0]["hits"] == 38
    assert rows[1.0]["false"]["value"] == 0
    assert rows[0.8]["hits"] == 38 + 40
    risk = intervals.rate(40, 78)
    assert [rows[0.8]["false"][end] for end in ("value", "low", "high", "n")] == [risk.value, risk.low, risk.high, 78]
    assert rows[0.8]["share"]["value"] == pytest.approx(78 / 160)
    assert rows[0.8]["usd"]["value"] == pytest.approx(39 * (ONE_4O + ONE_MINI))
    assert {pair["same_answer"] for pair in near["pairs"]} == {False}
    assert "number" in near["pairs"][0]["question"]


def test_a_filter_narrows_what_is_computed(choices: Any) -> None:
    found = ask(choices, "caching", model="gpt-4o-mini")
    assert found["whole"]["calls"] == 80
    assert found["exact"]["usd"]["value"] == pytest.approx(16 * ONE_MINI)


def test_a_move_and_the_policy_by_hand(choices: Any) -> None:
    found = ask(choices, "routing")
    assert found["sample"] | {"traces": 160, "of_traces": 160, "calls": 160, "scored_calls": 160} == found["sample"]
    assert found["score"]["name"] == "right"
    moves = {(move["source"], move["target"]): move for move in found["moves"]}
    down = moves["gpt-4o", "gpt-4o-mini"]
    assert down["saved_usd"]["value"] == pytest.approx(80 * (ONE_4O - ONE_MINI))
    assert down["quality"]["value"] == pytest.approx(0.1)
    assert (down["verdict"], down["source_scores"], down["target_scores"]) == ("better", 80, 80)
    assert moves["gpt-4o-mini", "gpt-4o"]["saved_usd"]["value"] == pytest.approx(-80 * (ONE_4O - ONE_MINI))
    assert [level["calls"] for level in found["levels"]] == [0, 160, 0]
    (rule,) = yaml.safe_load(found["policy_yaml"])["rules"]
    assert (rule["level"], rule["from"], rule["to"]) == (1, "gpt-4o", "gpt-4o-mini")
    assert rule["evidence"]["saved_usd"] == pytest.approx(80 * (ONE_4O - ONE_MINI), rel=1e-5)
    front = [one["models"] for one in found["policies"] if one["front"]]
    assert front == [{"1": "gpt-4o-mini"}]


def test_lower_can_be_better_and_the_measure_can_change(choices: Any) -> None:
    found = ask(choices, "routing", better="lower", input_tokens="100,1000,1500", turn="-", tools="-")
    assert [level["calls"] for level in found["levels"]] == [0, 0, 0, 160]
    moves = {move["source"]: move for move in found["moves"]}
    assert moves["gpt-4o"]["quality"]["value"] == pytest.approx(-0.1)
    assert found["policy"] == []
    assert "No rule" in found["policy_yaml"]


def test_without_scores_nothing_is_enough_evidence(choices: Any) -> None:
    found = ask(choices, "routing", score="never sent")
    assert {move["verdict"] for move in found["moves"]} == {"not enough evidence"}
    assert found["sample"]["scored_calls"] == 0


def test_a_score_of_a_trace_counts_at_its_last_call_if_one_model_answered(
    serve: Callable[[str], Any], telling: Any
) -> None:
    served = serve("trace-scores")
    call = {"gen_ai__operation__name": "chat", "gen_ai__usage__input_tokens": 10, "gen_ai__usage__output_tokens": 5}
    for number, models in enumerate((("m", "m"), ("m", "n"), ("n",))):
        trace = telling(bytes([number + 1]) * 16, time.time_ns() - 60_000_000_000).span(1, "run", 0, 100)
        for place, model in enumerate(models):
            trace.span(
                place + 2, "chat", place * 10, 5, 1, gen_ai__request__model=model,
                gen_ai__response__id=f"r{number}-{place}", **call,
            )  # fmt: skip
        served.send(trace.body())
    served.settle()
    scores = [
        {"trace_id": "01" * 16, "name": "good", "value": 1.0}, {"trace_id": "02" * 16, "name": "good", "value": 0.5},
        {"response_id": "r2-0", "name": "good", "value": 0.25},
    ]  # fmt: skip
    with served.client() as client:
        client.add_scores(scores)
        client.settle()
        rows = client.rows("whatif_calls", score="good", **WINDOW)
    told = {(row["trace_id"][:2], row["turn"]): row["score"] for row in rows}
    assert told == {("01", 0): None, ("01", 1): 1.0, ("02", 0): None, ("02", 1): None, ("03", 0): 0.25}


def test_energy_of_each_month_and_model(choices: Any) -> None:
    found = ask(choices, "carbon")
    assert (found["calls"], found["counted"], found["unknown_model"]) == (160, 160, 0)
    for name in ("kwh", "kg"):
        low, high = (sum(row[f"{name}_{end}"] for row in found["rows"]) for end in ("low", "high"))
        assert found["total"][f"{name}_low"] == pytest.approx(low)
        assert 0 < low < high
    with pytest.raises(ApiError, match="zone 'nowhere'"):
        ask(choices, "carbon", zone="nowhere")


@pytest.mark.parametrize("what", ["caching", "routing", "carbon"])
def test_of_no_calls_nothing_is_told(choices: Any, what: Any) -> None:
    found = ask(choices, what, service="nobody")
    assert (found["whole"] if what != "carbon" else found)["calls"] == 0


@pytest.mark.parametrize(
    ("what", "params", "says"),
    [
        ("caching", {"similarity": 2}, "similarity"),
        ("caching", {"colour": "red"}, "no parameter 'colour'"),
        ("caching", {"until": NOW - timedelta(days=9)}, "earlier than 'since'"),
        ("routing", {"turn": "3,2"}, "thresholds of turn must be rising numbers, as 1000,8000"),
        ("routing", {"tools": "many"}, "got 'many'"),
        ("routing", {"better": "sideways"}, "better"),
    ],
)
def test_what_cannot_be_asked_is_refused(choices: Any, what: Any, params: dict[str, Any], says: str) -> None:
    with pytest.raises(ApiError, match=says):
        ask(choices, what, **params)


def test_texts_that_only_logs_told_are_read(serve: Callable[[str], Any]) -> None:
    served = serve("what-if-captures")
    served.send_captures()
    with served.client() as client:
        client.settle()
        found = client.whatif("caching", since=NOW - timedelta(days=4000), until=NOW + timedelta(days=1))
        told = client.sql("select count(*) as n from span_derived where input is not null").frame["n"].iloc[0]
    assert told > 0
    assert found["sample"]["untold"] < found["sample"]["measured"]


@pytest.fixture
def core(tmp_path: Path, telling: Any) -> Iterator[Core]:
    """A store opened here, so that a test may leave it less room: 400 calls, 5 s apart, of twelve questions."""
    opened = Core.open(Settings(data_dir=tmp_path / "store", min_free_bytes=0))
    start = int(CALLED.timestamp()) * 10**9
    call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o", "gen_ai__usage__input_tokens": 100,
            "gen_ai__usage__output_tokens": 5}  # fmt: skip
    bodies = [
        telling((number + 1).to_bytes(16, "big"), start + number * 5_000_000_000)
        .span(1, "chat", 0, 100, input__value=f"question {question}", **call)
        .body()
        for number, question in enumerate(np.random.default_rng(4).integers(0, 12, 400))
    ]
    spans = [span for body in bodies for span in decode("traces", "http-protobuf", body).spans]
    table = span_table(spans, [normalise(span, NormaliserOptions()) for span in spans])
    origins = origin_table({span.origin.origin_id: span.origin for span in spans}.values())
    opened.writer.submit(
        Batch(1, "http-protobuf", "traces", {"shop": len(spans)}, spans=table, origins=origins)
    ).result()
    opened.settle(60)
    yield opened
    opened.close()


def read(core: Core, ttl_s: float = 30) -> sampling.Sample:
    with core.readers.read() as con:
        window = (CALLED.replace(tzinfo=None), CALLED.replace(tzinfo=None) + timedelta(hours=4))
        return sampling.read(Asker(asking(con, 1), {"kind": "llm"}), *window, timedelta(seconds=ttl_s))


def test_a_sample_of_slices_is_stable_and_estimates_the_whole(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same store read whole and with room for half of its calls: a share lies within the other's interval."""
    whole = read(core)
    options = caching.Options(timedelta(seconds=30))
    assert (whole.census, len(whole.calls)) == (True, 400)
    monkeypatch.setattr(sampling, "MOST_CALLS", 200)
    monkeypatch.setattr(sampling, "LEAST_CALLS", 50)
    sample, again = read(core), read(core)
    pd.testing.assert_frame_equal(sample.calls, again.calls)
    assert not sample.census
    assert 1 < sample.slices <= sampling.SLICES <= sample.of_slices
    assert 0 < sample.calls["measured"].sum() < len(sample.calls) <= 300
    for _, part in sample.calls.groupby("stretch"):
        began = part.loc[part["measured"].to_numpy(bool), "start_time"].min()
        assert (began - part["start_time"].min()).total_seconds() * 1e9 <= sample.lookback_ns + 1e10
    exact, estimated = (caching.report(one, [], options)["exact"] for one in (whole, sample))
    assert estimated["share"]["low"] <= exact["share"]["value"] <= estimated["share"]["high"]
    assert estimated["usd"]["value"] == pytest.approx(exact["usd"]["value"], rel=0.5)


def test_long_prompts_leave_room_for_fewer_calls(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_TOKENS", 100 * 100)
    monkeypatch.setattr(sampling, "LEAST_CALLS", 50)
    sample = read(core)
    assert not sample.census
    assert len(sample.calls) <= 150


def test_a_life_that_is_longer_than_can_be_looked_back_is_told(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_CALLS", 200)
    monkeypatch.setattr(sampling, "LEAST_CALLS", 50)
    sample = read(core, 3600)
    assert sample.lookback_ns < 3600e9
    assert caching.report(sample, [], caching.Options(timedelta(hours=1)))["sample"]["lookback_s"] < 3600


def test_the_shell_asks_the_server(choices: Any, tmp_path: Path, command: Command) -> None:
    url = choices.note.api_url
    for what in ("caching", "routing", "carbon"):
        told = command(tmp_path, "whatif", what, "--json", "--api-url", url)
        assert told.returncode == 0, told.stderr
        found = json.loads(told.stdout)
        assert (found["whole"] if what != "carbon" else found)["calls"] == 160
        people = command(tmp_path, "whatif", what, "--api-url", url)
        assert "160" in people.stdout
    policy = command(tmp_path, "whatif", "routing", "--yaml", "--api-url", url)
    assert yaml.safe_load(policy.stdout)["rules"][0]["to"] == "gpt-4o-mini"


LINE = {
    "provider": "openai", "model": "gpt-4o", "duration_s": 1.0, "usage": {"input_tokens": 2000, "output_tokens": 50},
    "system": "s" * 6000, "output": "yes", "session_id": "one",
}  # fmt: skip


def lines(tmp_path: Path, *rows: dict[str, Any]) -> str:
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps(LINE | row) + "\n" for row in rows))
    return str(path)


def test_a_file_needs_neither_server_nor_store(tmp_path: Path, command: Command) -> None:
    """The second repeats the first, the third shares its system prompt, the fourth failed, nobody priced the fifth."""
    at = [f"2026-05-01T10:0{minute}:00Z" for minute in range(5)]
    path = lines(
        tmp_path,
        {"timestamp": at[0], "messages": [{"role": "user", "content": "what is the price of the red shoes"}]},
        {"timestamp": at[1], "messages": [{"role": "user", "content": "what is the price of the red shoes"}]},
        {"timestamp": at[2], "messages": [{"role": "user", "content": "good morning"}]},
        {"timestamp": at[3], "messages": [{"role": "user", "content": "good morning"}], "error": "boom"},
        {"timestamp": at[4], "model": "nobody's", "messages": [{"role": "user", "content": "bye"}]},
    )
    told = command(tmp_path, "whatif", "caching", path, "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    cost = 2000 * 2.5e-6 + 50 * 10e-6
    assert (found["sample"]["calls"], found["sample"]["failed"], found["exact"]["hits"]) == (5, 1, 1)
    assert found["exact"]["usd"]["value"] == pytest.approx(cost)
    whole_blocks, letters = 6000 // texts.BLOCK * texts.BLOCK, 6002 + 59
    assert found["prefix"]["read_tokens"]["value"] == pytest.approx(2 * 2000 * whole_blocks / letters, rel=0.02)
    assert found["prefix"]["uncached_models"] == 1
    assert found["near"]["rows"][-1]["hits"] == 1


def test_a_file_of_calls_is_routed_and_weighed(tmp_path: Path, command: Command) -> None:
    rows = [
        {"id": str(number), "session_id": None, "timestamp": "2026-05-01T10:00:00Z", "score": 1,
         "model": "gpt-4o" if number % 2 else "gpt-4o-mini", "messages": [{"role": "user", "content": str(number)}]}
        for number in range(200)
    ]  # fmt: skip
    path = lines(tmp_path, *rows)
    found = json.loads(command(tmp_path, "whatif", "routing", path, "--json").stdout)
    (move,) = found["policy"]
    assert (move["source"], move["target"], move["verdict"], move["calls"]) == (
        "gpt-4o",
        "gpt-4o-mini",
        "no worse",
        100,
    )
    carbon = json.loads(command(tmp_path, "whatif", "carbon", path, "--json", "--zone", "FRA").stdout)
    assert (carbon["counted"], {row["zone"] for row in carbon["rows"]}) == (200, {"FRA"})
    assert carbon["rows"][0]["month"] == "2026-05-01"


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        ("not json\n", (), "Line 1 cannot be read: it is not JSON"),
        ('{"model": "gpt-4o", "usage": {}, "timestamp": "soon"}\n', (), "timestamp 'soon' is no time"),
        ("", ("--zone", "nowhere"), "zone 'nowhere'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    tmp_path: Path, text: str, arguments: tuple[str, ...], says: str, command: Command
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text(text)
    told = command(tmp_path, "whatif", "carbon", str(path), *arguments)
    assert told.returncode == 2
    assert says in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("what", ["caching", "routing", "carbon"])
def test_an_empty_file_has_no_calls(tmp_path: Path, what: str, command: Command) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("\n")
    told = command(tmp_path, "whatif", what, str(path), "--json")
    assert told.returncode == 0, told.stderr


def _rules() -> str:
    return " ".join(
        f"Rule {number} of the shop: answer shortly, and name the page that says so." for number in range(100)
    )


def _prompts(served: Any) -> list[str]:
    with served.client() as client:
        frame = client.sql(
            "select input, system_instructions as s from spans where kind = 'llm' order by start_time"
        ).frame
    return [f"\x1e{system}\x1e{sent}" for sent, system in zip(frame["input"], frame["s"], strict=True)]
