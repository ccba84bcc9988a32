"""Drift between two groups over the real store, what happened meanwhile, and what is asked over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from shops import START, Shop, opening

from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest
from server.batches import BatchMaker
from server.client import ApiError
from server.drift.explorer import explored
from server.drift.groups import Asked, Group
from server.monitors.marks import marks

DOCS = Path(__file__).parents[2] / "docs/drift.md"
NOW = datetime.now(UTC)
CURRENT = {"since": NOW - timedelta(hours=3), "until": NOW + timedelta(hours=1)}
BOTH = {"reference": CURRENT, "current": CURRENT}
BEFORE, AFTER = START, START + timedelta(days=2)
REFERENCE, NEXT = (Group(at, at + timedelta(hours=3), {}) for at in (BEFORE, AFTER))
SIGNALS = [
    "error_rate",
    "volume",
    "cache_hit_share",
    "ttft",
    "duration",
    "input_tokens",
    "output_tokens",
    "tool_mix",
    "model_mix",
    "score",
    "input_embedding",
]
THEN, LATER = (
    "Which shoes do you sell in size {n}, and can I send these shoes back within {n} days?",
    "How is the income tax of {n} euros computed, and which tax form number {n} do I send?",
)


def told(telling: Any, number: int, late: bool) -> bytes:
    """A trace of a call and a tool: later with more errors, longer answers, other questions and another release."""
    rng = np.random.default_rng(number + 1000 * late)
    start = int((AFTER if late else BEFORE).replace(tzinfo=UTC).timestamp()) * 10**9 + number * 50 * 10**9
    release = {"service.version": "1.8" if late else "1.7"}
    trace = telling(bytes([late + 1, number]) * 8, start, resource=release).span(1, "run", 0, 900)
    said = (LATER if late else THEN).format(n=number)
    failed = "overloaded" if rng.random() < (0.3 if late else 0.03) else None
    usage = {
        "gen_ai__usage__input_tokens": int(rng.integers(80, 120)),
        "gen_ai__usage__output_tokens": int(rng.integers(40, 60) * (3 if late else 1)),
    }
    trace.span(
        2,
        "chat",
        5,
        float(rng.integers(300, 600)),
        1,
        failed,
        gen_ai__operation__name="chat",
        gen_ai__request__model="gpt-4o",
        gen_ai__response__model="gpt-4o-08",
        openai__response__system_fingerprint="fp_b" if late else "fp_a",
        gen_ai__input__messages=json.dumps([{"role": "user", "parts": [{"type": "text", "content": said}]}]),
        **usage,
    )
    tool = "search" if rng.random() < (0.9 if late else 0.2) else "order"
    trace.span(3, "tool", 700, 50, 1, gen_ai__operation__name="execute_tool", gen_ai__tool__name=tool)
    return bytes(trace.body())


def send(shop: Shop, body: bytes) -> None:
    request = ExportRequest("traces", "http-protobuf", body, None)
    batch, _ = BatchMaker(NormaliserOptions()).make(decode("traces", "http-protobuf", body), request, 1)
    shop.writer.submit(batch).result(20)
    shop.resolve()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, telling: Any) -> Iterator[Shop]:
    """120 traces of a day and 120 of two days later."""
    for make in opening(tmp_path_factory, telling):
        shop = make()
        body = b"".join(told(telling, number, late) for late in (False, True) for number in range(120))
        send(shop, body)
        rng = np.random.default_rng(5)
        shop.score(
            *(
                {
                    "trace_id": bytes([late + 1, number]) * 8,
                    "name": "helpful",
                    "value": float(rng.normal(0.7, 0.1)),
                    "source": "code",
                    "evaluator": "check",
                }
                for late in (False, True)
                for number in range(120)
            )
        )
        shop.resolve()
        yield shop


@pytest.fixture(scope="module")
def found(two: Shop) -> dict[str, Any]:
    return explored(two.ask, Asked(REFERENCE, NEXT, SIGNALS))


def test_what_moved_stands_first_and_what_did_not_after_it(found: dict[str, Any]) -> None:
    rows = {row["label"]: row for row in found["signals"]}
    moved = {label for label, row in rows.items() if row["verdict"] == "drift"}
    assert {"Error rate", "Output tokens per call", "Tool mix", "Meaning of inputs"} <= moved
    assert not moved & {"Score helpful", "Input tokens per call", "Model mix", "Duration"}
    verdicts = [row["verdict"] for row in found["signals"]]
    assert verdicts == sorted(verdicts, key=["drift", "no drift", "insufficient data"].index)
    ps = [row["p_adjusted"] for row in found["signals"] if row["verdict"] == "drift"]
    assert ps == sorted(ps)
    assert found["sentence"].startswith(f"{len(moved)} of {len(rows)} signals drifted: ")


def test_a_row_has_the_fields_of_the_shell_and_what_it_is_of(found: dict[str, Any]) -> None:
    row = next(row for row in found["signals"] if row["signal"] == "error_rate")
    assert list(row)[:10] == [
        "column",
        "type",
        "test",
        "statistic",
        "effect",
        "p",
        "p_adjusted",
        "n_reference",
        "n_current",
        "verdict",
    ]
    assert (row["unit"], row["score"], row["n_reference"], row["n_current"]) == ("share", None, 120, 120)
    assert row["ci_low"] < row["difference"] < row["ci_high"]
    assert row["sentence"].startswith("Error rate: drift: the share went from ")
    assert row["p_adjusted"] >= row["p"]


def test_the_map_tells_both_groups_apart_and_opens_traces(found: dict[str, Any]) -> None:
    points = found["map"]["points"]
    sides = {name: [one for one in points if one["side"] == name] for name in ("reference", "current")}
    assert [len(one) for one in sides.values()] == [120, 120]
    means = [np.mean([one["x"] for one in side]) for side in sides.values()]
    assert abs(means[0] - means[1]) > 2 * np.std([one["x"] for one in sides["current"]])
    assert 0 < sum(found["map"]["explained"]) <= 1
    assert all("tax" in one["text"] and len(one["trace_id"]) == 32 for one in sides["current"])


def test_what_was_not_asked_is_told(found: dict[str, Any]) -> None:
    said = "\n".join(found["left_out"])
    assert "Calls per hour: sums over time" in said
    assert "No call of either group tells Cached share of input, Time to first token." in said
    assert found["n"] == found["drawn_of"] == {"reference": 120, "current": 120}


def test_markers_stand_between_the_groups(found: dict[str, Any], two: Shop) -> None:
    told = [(one["what"], one["before"], one["after"]) for one in found["markers"]]
    assert ("release", "1.7", "1.8") in told
    assert ("model", "fp_a", "fp_b") in told
    whole = REFERENCE.since, NEXT.until
    assert [one.text for one in marks(two.ask, *whole)] == [one["text"] for one in found["markers"]]
    assert marks(two.ask, REFERENCE.since, NEXT.since) == []


def test_markers_of_another_slice_are_not_told(two: Shop) -> None:
    """What the filters of calls know: releases, prompts, models and their fingerprints."""
    whole = REFERENCE.since, NEXT.until
    assert not [one for one in marks(two.ask, *whole, {"service": "mail"}) if one.what in {"release", "model"}]
    assert [one.after for one in marks(two.ask, *whole, {"service": "shop"}) if one.what == "model"] == ["fp_b"]


def test_the_same_group_twice_does_not_drift_and_says_what_is_shared(two: Shop) -> None:
    found = explored(two.ask, Asked(REFERENCE, REFERENCE, ["error_rate", "output_tokens"]))
    assert [row["verdict"] for row in found["signals"]] == ["no drift", "no drift"]
    assert found["sentence"] == "No drift found in 2 signals."
    assert any("on both sides" in one for one in found["left_out"])
    assert found["map"] is None


def test_filters_and_sizes_are_of_each_group(two: Shop) -> None:
    sides = (Group(*REFERENCE.window, {"release": one}) for one in ("1.7", "none"))
    found = explored(two.ask, Asked(*sides, ["error_rate"], []))
    few = explored(two.ask, Asked(REFERENCE, NEXT, ["error_rate"], most=100))
    assert [row["verdict"] for row in found["signals"]] == ["insufficient data"]
    assert found["drawn_of"] == {"reference": 120, "current": 0}
    assert few["drawn_of"] == {"reference": 120, "current": 120}
    assert any(one.startswith("Drawn calls: ") for one in few["left_out"])


def burst(telling: Any) -> bytes:
    """40 calls of one minute that all failed, of a service and a model with odd names."""
    start, many = int((AFTER + timedelta(days=2)).replace(tzinfo=UTC).timestamp()) * 10**9, []
    for number in range(40):
        trace = telling(bytes([9, number]) * 8, start + number * 10**9, service="<b>shop_\u202e")
        asked = json.dumps(
            [{"role": "user", "parts": [{"type": "text", "content": f"<script>{number}</script> shoes"}]}]
        )
        trace.span(
            2, "chat", 5, 300, None, "boom", gen_ai__operation__name="chat", gen_ai__request__model="<i>" * 90,
            gen_ai__input__messages=asked,
        )  # fmt: skip
        many.append(bytes(trace.body()))
    return b"".join(many)


def test_a_side_that_failed_as_a_whole_is_told_as_that(two: Shop, telling: Any) -> None:
    """Its few texts of one minute are all read, and what has no value is not passed over."""
    send(two, burst(telling))
    side = Group(AFTER + timedelta(days=2), AFTER + timedelta(days=3), {})
    found = explored(two.ask, Asked(REFERENCE, side, ["error_rate", "duration", "model_mix", "input_length"], []))
    rows = {row["signal"]: row for row in found["signals"]}
    assert (rows["duration"]["verdict"], rows["duration"]["gaps"]["verdict"]) == ("insufficient data", "drift")
    assert rows["input_length"]["n_current"] == 40
    assert "Error rate 1.67 % to 100 %" in found["sentence"]
    assert "The share of rows without a value drifted in Duration." in found["sentence"]
    assert "<i>" * 21 not in found["sentence"]


@pytest.mark.parametrize(
    ("side", "said"),
    [
        pytest.param(Group(AFTER + timedelta(days=900), AFTER + timedelta(days=901), {}), "", id="future"),
        pytest.param(Group(BEFORE, NEXT.until, {"service": "none"}), "do not part them", id="empty-slice"),
        pytest.param(Group(BEFORE, BEFORE + timedelta(minutes=3), {}), "on both sides", id="few"),
    ],
)
def test_too_little_on_a_side_is_no_verdict(two: Shop, side: Group, said: str) -> None:
    found = explored(two.ask, Asked(REFERENCE, side, ["error_rate", "tool_mix", "input_embedding"], []))
    assert {row["verdict"] for row in found["signals"]} == {"insufficient data"}
    assert found["sentence"] == "Nothing can be told. 3 signals have too little data to tell."
    assert [one for one in found["left_out"] if "both sides" in one] == [
        one for one in found["left_out"] if said and said in one
    ]


def test_groups_that_a_filter_parts_share_nothing(two: Shop) -> None:
    sides = (Group(BEFORE, NEXT.until, {"release": one}) for one in ("1.7", "1.8"))
    found = explored(two.ask, Asked(*sides, ["error_rate"], []))
    assert [row["verdict"] for row in found["signals"]] == ["drift"]
    assert not any("both sides" in one for one in found["left_out"])


def test_what_the_documentation_asks_is_answered(filled: Any) -> None:
    (asked,) = re.findall(r"^```json\n(.*?)^```$", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    with filled.client() as client:
        found = client.drift(json.loads(asked) | {"signals": ["error_rate"]})
    assert found["sentence"].startswith("Nothing can be compared")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param(
            {"reference": {"since": NOW, "until": NOW}, "current": CURRENT}, "reference: until", id="empty-window"
        ),
        pytest.param({**BOTH, "signals": ["eror_rate"]}, "Did you mean 'error_rate'?", id="unknown-signal"),
        pytest.param(
            {**BOTH, "current": {**CURRENT, "where": {"modle": "x"}}}, "current: .*modle", id="unknown-filter"
        ),
        pytest.param(
            {**BOTH, "current": {**CURRENT, "where": {"since": "x"}}}, "no filter of calls", id="window-as-filter"
        ),
        pytest.param({**BOTH, "most": 10**6}, "most", id="too-many-rows"),
        pytest.param({"reference": CURRENT}, "current", id="one-group"),
    ],
)
def test_what_cannot_be_compared_is_refused(filled: Any, asked: dict[str, Any], said: str) -> None:
    with filled.client() as client, pytest.raises(ApiError, match=said) as refused:
        client.drift(asked)
    assert refused.value.status == httpx.codes.UNPROCESSABLE_ENTITY
