"""Live A/B tests over HTTP: registered, dealt by a hash that anybody can work out, read from traces, stopped."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest
import shell
from ab_written import WRITTEN
from made_ab_tests import DAY, DAYS, HALVES, TERMS, USERS, by_hand, fill
from pydantic import TypeAdapter, ValidationError

from analytics.sequences import Arm
from evaluators.documents import DocumentError
from server import ab_arms, ab_figures, ab_seen, ab_shell, ab_tests, ab_words
from server.ab_results import arm_of
from server.ab_tests import Terms
from server.api.ab_tests import Name
from server.client import ApiError, Client
from server.exit_codes import USER_ERROR

AS_SHOWN = [one | {"traced_as": f"shown:{one['name']}"} for one in HALVES]


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], telling: Any) -> Any:
    made = serve("ab")
    fill(made, telling)
    return made


@pytest.fixture(scope="module")
def client(served: Any) -> Iterator[Client]:
    with served.client() as door:
        yield door


# Dealing.


@pytest.mark.parametrize(
    ("name", "salt", "unit", "expected"),
    [
        pytest.param("checkout", "1", "user-1", 4901, id="user-1"),
        pytest.param("checkout", "1", "user-2", 2928, id="user-2"),
        pytest.param("checkout", "1", "42", 911, id="a-number"),
        pytest.param("checkout", "1", "Ünïcode", 483, id="utf-8"),
        pytest.param("checkout", "2", "user-1", 4639, id="another-salt"),
        pytest.param("other", "1", "user-1", 7742, id="another-test"),
    ],
)
def test_buckets_are_those_of_the_documentation(name: str, salt: str, unit: str, expected: int) -> None:
    assert ab_tests.bucket(name, salt, unit) == expected


def test_weights_are_exact_to_the_ten_thousandth() -> None:
    weights = [0.0001, 0.3333, 0.6666]
    variants = [{"name": f"v{place}", "weight": weight} for place, weight in enumerate(weights)]
    terms = Terms(metric="cost", mde=1, variants=variants)  # type: ignore[arg-type]  # as JSON tells them
    assert [one.parts for one in terms.variants] == [1, 3333, 6666]
    dealt = {ab_tests.bucket("t", "1", str(n)): ab_tests.assigned("t", terms, str(n)).name for n in range(60_000)}
    by_bucket = [dealt[place] for place in sorted(dealt)]
    assert by_bucket == sorted(by_bucket), "one stretch of buckets a variant, in their order"
    edges = {name: [place for place, one in dealt.items() if one == name] for name in ("v1", "v2")}
    assert (min(edges["v1"]), max(edges["v1"]), min(edges["v2"])) == pytest.approx((1, 3333, 3334), abs=4)


def test_a_unit_gets_the_same_variant_by_http_and_by_hand(client: Client) -> None:
    for unit in ("a", "b", "user with spaces", "Ü"):
        found = client.assign_unit("shown", unit)
        assert found["variant"] == by_hand("shown", unit)
        assert found["traced_as"] == f"shown:{found['variant']}"
        assert found == client.assign_unit("shown", unit)
    with pytest.raises(ApiError, match=r"has no A/B test 'nosuch'\. It has: shown"):
        client.assign_unit("nosuch", "a")


# What may be set.


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"variants": [{"name": "a", "weight": 0.5}, {"name": "b", "weight": 0.4}]}, r"0\.5 \+ 0\.4 is 0\.9"),
        ({"variants": [{"name": "a", "weight": 0.33333}, {"name": "b", "weight": 0.66667}]}, r"no multiple of 0\.0001"),
        ({"variants": [{"name": "a", "weight": 0.5}, {"name": "a", "weight": 0.5}]}, "two variants are called 'a'"),
        ({"variants": HALVES[:1]}, "at least 2"),
        ({"mde": 0}, "greater than 0"),
        ({"guardrails": [{"metric": "score:helpful", "margin": 1}]}, "named twice"),
        ({"start": "2026-01-02T00:00Z", "stop": "2026-01-01T00:00Z"}, "stop .* before it starts"),
        ({"metrik": "x"}, "Extra inputs"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_test_is_told(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Terms(**{**TERMS, **change})


def test_a_test_that_has_begun_keeps_its_variants(client: Client) -> None:
    began = (datetime.now(UTC) - DAY).isoformat()
    client.set_ab_test("kept", TERMS | {"start": began}, "ann")
    made = client.ab_test("kept")
    assert (made["state"], made["version"], made["better"], made["author"]) == ("running", 1, "higher", "ann")
    assert client.set_ab_test("kept", TERMS)["version"] == 1, "the same again, without a start"
    assert client.set_ab_test("kept", TERMS | {"description": "why"})["version"] == 2
    moved = [{"name": "control", "weight": 0.4}, {"name": "new", "weight": 0.6}]
    for change in ({"variants": moved}, {"salt": "2"}):
        with pytest.raises(ApiError, match=rf"has begun, so {next(iter(change))} cannot change") as refused:
            client.set_ab_test("kept", TERMS | change)
        assert refused.value.status == 409
    with pytest.raises(ApiError, match="is over is not read otherwise"):
        client.set_ab_test("kept", TERMS | {"description": "why", "stop": "2020-01-01T00:00Z"})
    assert client.stop_ab_test("kept", "bob")["state"] == "stopped"
    assert client.stop_ab_test("kept")["version"] == 3, "one that is stopped stays so"
    assert client.set_ab_test("kept", TERMS | {"description": "why"})["state"] == "stopped", "its file set again"
    client.forget_ab_test("kept", "bob")
    assert "kept" not in [one["name"] for one in client.ab_tests()]


def test_a_misspelt_score_is_told_and_mended_before_any_exposure(client: Client) -> None:
    began = (datetime.now(UTC) - DAY).isoformat()
    rails = [{"metric": "latancy", "margin": 1}, {"metric": "error", "margin": 1}]
    made = client.set_ab_test("typo", TERMS | {"metric": "helpfull", "start": began, "guardrails": rails})
    assert made["warnings"] == [
        "No score named 'helpfull' was seen; did you mean 'helpful'?",
        "No score named 'latancy' was seen; did you mean 'latency'?",
    ]
    assert client.ab_results("typo")["warnings"] == made["warnings"]
    mended = client.set_ab_test("typo", TERMS | {"guardrails": rails[1:]})
    assert (mended["warnings"], mended["metric"], mended["version"]) == ([], "helpful", 2)
    shown = client.ab_test("shown")
    kept = {key: shown[key] for key in Terms.model_fields if key not in {"better", "guardrails"}}
    with pytest.raises(ApiError, match="has begun, so guardrails, metric, variants cannot change"):
        client.set_ab_test("shown", kept | {"metric": "cost"})
    client.forget_ab_test("typo")


@pytest.mark.parametrize("name", [".", "..", "...", "a/b", "", "x" * 101])
def test_a_name_is_a_step_of_a_path(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)
    assert TypeAdapter(Name).validate_python(".v1.2-a_b") == ".v1.2-a_b"


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (["helpful", "tone"], "did you mean 'helpful'?"), (["tone", "style"], "was seen. Seen: tone, style."),
        ([], "was seen. The project has no scores yet."),
    ],
)  # fmt: skip
def test_a_score_that_was_never_seen(seen: list[str], says: str) -> None:
    (told,) = ab_seen.unseen(Terms(**{**TERMS, "metric": "score:helpfull"}), seen)
    assert told.startswith("No score named 'helpfull' was seen")
    assert told.endswith(says)


def test_nothing_is_taken_away_unconfirmed(client: Client) -> None:
    client.set_ab_test("sure", TERMS)
    url = f"{client.base_url}/api/ab-tests/sure"
    for params in ({}, {"confirm": "other"}):
        refused = httpx.delete(url, params=params)
        assert (refused.status_code, refused.json()["kind"]) == (409, "unconfirmed")
        assert "confirm=sure" in refused.json()["detail"]
    assert httpx.delete(url, params={"confirm": "sure"}).json() == {"deleted": "sure"}
    assert httpx.delete(url).status_code == 404


def test_a_test_to_come_may_change(client: Client) -> None:
    start = (datetime.now(UTC) + DAY).isoformat()
    assert client.set_ab_test("later", TERMS | {"start": start})["state"] == "planned"
    assert client.set_ab_test("later", TERMS | {"start": start, "metric": "cost"})["better"] == "lower"
    assert [one["version"] for one in client.ab_test("later")["versions"]] == [2, 1]
    assert client.ab_results("later")["sentence"] == "later has not begun: no trace counts before its start."
    with pytest.raises(ApiError, match="has not begun"):
        client.stop_ab_test("later")
    with pytest.raises(ApiError, match="which is over"):
        client.set_ab_test("over", TERMS | {"start": "2020-01-01T00:00Z", "stop": "2020-01-02T00:00Z"})
    client.forget_ab_test("later")


# What came of it.


def test_the_results_find_the_effect_and_say_so(client: Client) -> None:
    found = client.ab_results("shown")
    (one,) = found["comparisons"]
    assert 0 < one["low"] < 1.0 < one["high"] < 2
    assert one["advice"]["kind"] == "win"
    assert found["sentence"].startswith("new is better than control: helpful differs by ")
    assert "1 guardrail still to be decided: error." in found["sentence"]
    assert [rail["state"] for rail in one["guardrails"]] == ["open", "safe"]
    assert one["novelty"]["first_days"] == 7
    assert one["novelty"]["low"] < 0 < one["novelty"]["high"]


def test_the_list_finds_what_the_results_find(client: Client) -> None:
    client.set_ab_test("planned", TERMS | {"start": (datetime.now(UTC) + DAY).isoformat()})
    found = {one["name"]: one["found"] for one in client.ab_tests(findings=20)}
    assert found["planned"] is None
    assert [one["found"] for one in client.ab_tests()] == [None] * len(found)
    whole = client.ab_results("shown")
    assert found["shown"]["units"] == sum(arm["units"] for arm in whole["arms"])
    (told,), (one,) = found["shown"]["comparisons"], whole["comparisons"]
    assert one.keys() - told.keys() == {"series", "novelty"}
    for name in ("difference", "low", "high", "alpha", "n"):
        assert told[name] == pytest.approx(one[name])
        assert [rail.get(name) for rail in told["guardrails"]] == pytest.approx(
            [rail.get(name) for rail in one["guardrails"]]
        )
    assert told["advice"]["kind"] == one["advice"]["kind"] == "win"


def test_the_metric_and_the_guardrails_share_alpha(client: Client) -> None:
    """Each comparison has a third here; as wide as that it is without guardrails at a third of alpha."""
    start = client.ab_test("shown")["start"]
    terms = TERMS | {"start": start, "variants": AS_SHOWN, "expected_units": 400, "alpha": 0.05}
    rails = [{"metric": "error", "margin": 0.05}, {"metric": "latency", "margin": 0.5}]
    client.set_ab_test("thirds", terms | {"guardrails": rails})
    client.set_ab_test("strict", terms | {"alpha": 0.05 / 3})
    client.set_ab_test("by-latency", terms | {"alpha": 0.05 / 3, "metric": "latency"})
    shared, strict, latency = (client.ab_results(name)["comparisons"][0] for name in ("thirds", "strict", "by-latency"))
    assert shared["alpha"] == pytest.approx(0.05 / 3)
    assert (shared["low"], shared["high"]) == pytest.approx((strict["low"], strict["high"]))
    rail = shared["guardrails"][1]
    assert (rail["low"], rail["high"]) == pytest.approx((latency["low"], latency["high"]))
    assert "at 98.33 % for all looks" in client.ab_results("thirds")["sentence"]


def test_errors_of_one_arm_alone_stop_it(served: Any, client: Client, telling: Any) -> None:
    """The control has not failed once."""
    start = datetime.now(UTC) - 2 * DAY
    rail = [{"metric": "error", "margin": 0.01}]
    client.set_ab_test("fails", TERMS | {"unit": "trace", "start": start.isoformat(), "guardrails": rail})
    at = int((start + DAY).timestamp() * 1e9)
    bodies = []
    for n in range(240):
        arm, error = ("new", "boom" if n % 4 == 1 else None) if n % 2 else ("control", None)
        trace = telling((5_000 + n).to_bytes(16, "big"), at)
        bodies.append(trace.span(1, "answer", 0, 9, variant=f"fails:{arm}", error=error).body())
    served.send(b"".join(bodies))
    client.settle()
    found = client.ab_results("fails")
    (told,) = found["comparisons"][0]["guardrails"]
    assert (told["control_mean"], told["mean"], told["state"]) == (0.0, 0.5, "hurt")
    assert found["sentence"].startswith("Stop new: error is worse than in control by more than its margin of 1 pp")


def test_the_series_is_cumulated_day_by_day(client: Client) -> None:
    (one,) = client.ab_results("shown")["comparisons"]
    series = one["series"]
    assert len(series) == DAYS + 1
    units = [day["units"] + day["control_units"] for day in series]
    assert units == sorted(units)
    assert units[-1] == one["n"] == USERS
    assert series[0]["low"] is None, "too few units on the first day"
    assert series[-1]["high"] - series[-1]["low"] < series[3]["high"] - series[3]["low"]


def test_what_is_left_out_is_counted(client: Client) -> None:
    found = client.ab_results("shown")
    exposure = found["exposure"]
    assert exposure["traces"] == 2 * USERS + 3
    assert (exposure["units"], exposure["mixed_units"], exposure["traces_without_unit"]) == (USERS + 1, 1, 1)
    assert sum(arm["units"] for arm in found["arms"]) == USERS
    assert found["warnings"] == [f"1 trace of {2 * USERS + 3} without a unit id: left out."]
    assert not found["mismatch"]["mismatched"]


def test_units_that_came_otherwise_than_meant_stop_the_reading(client: Client) -> None:
    start = (datetime.now(UTC) - DAYS * DAY).isoformat()
    lopsided = [
        {"name": "control", "weight": 0.8, "traced_as": "shown:control"},
        {"name": "new", "weight": 0.2, "traced_as": "shown:new"},
    ]
    client.set_ab_test("lopsided", TERMS | {"start": start, "variants": lopsided})
    found = client.ab_results("lopsided")
    assert found["mismatch"]["p_always"] < 1e-6
    assert found["comparisons"][0]["advice"]["kind"] == "mismatch"
    assert found["sentence"].startswith("Do not read new against control: units came to the arms otherwise")


def test_a_test_without_traces_says_which_attribute_to_set(client: Client) -> None:
    client.set_ab_test("fresh", TERMS)
    said = client.ab_results("fresh")["sentence"]
    assert "Set the attribute variant of its spans, such as fresh:control." in said


@pytest.mark.parametrize(("value", "unit", "amount", "apart"), WRITTEN)
def test_sentences_write_figures_as_the_page(value: float | None, unit: str | None, amount: str, apart: str) -> None:
    assert (ab_figures.amount(value, unit), ab_figures.apart(value, unit)) == (amount, apart)


def test_each_arm_has_its_mean_with_an_interval(client: Client) -> None:
    found = client.ab_results("shown")
    for arm in found["arms"]:
        assert arm["low"] < arm["mean"] < arm["high"]
        half = 1.96 * 1.05 / arm["valued"] ** 0.5  # of a fixed interval; values of a user have a deviation near 1.05
        assert 1.2 < (arm["high"] - arm["low"]) / 2 / half < 2.2
    bounds = [(arm["low"], arm["high"]) for arm in found["arms"]]
    assert bounds[0][0] < 0 < bounds[0][1]
    assert bounds[1][0] < 1 < bounds[1][1]


@pytest.mark.parametrize(
    ("arm", "low", "high"),
    [
        pytest.param(Arm(29, 0.5, 0.25, 1.0), None, None, id="too-few"),
        pytest.param(Arm(200, 0.02, 0.0196, 49.0), None, None, id="too-rare"),
        pytest.param(Arm(60, 0.5, 0.254, 1.0), pytest.approx(0.307, abs=0.1), pytest.approx(0.693, abs=0.1), id="half"),
        pytest.param(Arm(60, 0.93, 0.066, 1.5), pytest.approx(0.83, abs=0.1), 1.0, id="ends-at-1"),
    ],
)
def test_the_interval_of_an_arm(arm: Arm, low: Any, high: Any) -> None:
    terms = Terms(**{**TERMS, "metric": "error", "expected_units": 120})
    assert ab_arms.level(arm, terms, 0.5) == {"low": low, "high": high}


def test_the_shell_has_a_row_for_each_guardrail_of_each_arm(client: Client) -> None:
    rows = ab_shell.arms(client.ab_test("shown"), client.ab_results("shown"))
    assert [(row["measure"], row["variant"], row["state"]) for row in rows] == [
        ("helpful", "control", ""), ("helpful", "new", ""), ("error", "control", ""), ("error", "new", "undecided"),
        ("latency", "control", ""), ("latency", "new", "kept"),
    ]  # fmt: skip
    assert " to " in rows[0]["interval"]
    assert rows[3]["against control"].count(" pp") == 3
    assert (rows[3]["margin"], rows[5]["margin"]) == ("5 pp", "500 ms")


OPEN = [{"metric": "error", "state": "open"}, {"metric": "cost", "state": "safe"}]


@pytest.mark.parametrize(
    ("kind", "more", "running", "over"),
    [
        ("win", {}, "Take it, and stop the test.", "Take it."),
        ("win", {"guardrails": OPEN}, "Before it is taken, 1 guardrail still to be decided: error.",
         "The test did not decide 1 guardrail: error."),
        ("loss", {}, "Stop the test and stay with control.", "Stay with control."),
        ("futile", {}, "Stop the test and stay with control, unless a smaller gain is worth it.",
         "Stay with control, unless a smaller gain is worth it."),
        ("too_few", {}, "Go on.", "The test is over."),
        ("go_on", {}, "Go on.", "The test is over."),
        ("go_on", {"needed": 90, "remaining": 40},
         "Go on: 40 more units find the effect wanted in 4 of 5 tests, some 4 days at the pace of now.",
         "The test is over; 40 more units would have found the effect wanted in 4 of 5 tests."),
        ("go_on", {"needed": 90, "remaining": 1, "days_left": None},
         "Go on: 1 more unit finds the effect wanted in 4 of 5 tests.",
         "The test is over; 1 more unit would have found the effect wanted in 4 of 5 tests."),
        ("go_on", {"needed": 90, "remaining": 0},
         "So many units find the effect wanted in 4 of 5 tests: it is probably smaller. Go on, or stop.",
         "The test is over."),
    ],
)  # fmt: skip
def test_the_next_step(kind: str, more: dict[str, Any], running: str, over: str) -> None:
    advice = {"kind": kind, "needed": None, "remaining": None, "days_left": 4.2} | more
    one = {"control": "control", "guardrails": more.get("guardrails", []), "advice": advice}
    assert (ab_words.next_step(one, over=False), ab_words.next_step(one, over=True)) == (running, over)


@pytest.mark.parametrize(("ago", "later"), [(6, False), (7, True), (10, True)])
def test_the_first_days_are_those_of_the_start(client: Client, ago: int, *, later: bool) -> None:
    """Not a share of the days so far, which would set others against others at every look."""
    began = datetime.now(UTC).replace(microsecond=0) - ago * DAY
    client.set_ab_test(f"days-{ago}", TERMS | {"start": began.isoformat(), "variants": AS_SHOWN})
    novelty = client.ab_results(f"days-{ago}")["comparisons"][0]["novelty"]
    assert (novelty and novelty["from"]) == ((began + 7 * DAY).date().isoformat() if later else None)


def test_moments_come_from_sums_of_powers() -> None:
    values = np.array([1.0, 2.0, 2.5, 9.0])
    off = values - 3.0
    row = {"units": 4, "centre": 3.0} | {f"x{power}": float((off**power).sum()) for power in (1, 2, 3, 4)}
    arm = arm_of(row)
    around = values - values.mean()
    assert (arm.mean, arm.variance) == pytest.approx((values.mean(), values.var(ddof=1)))
    assert arm.kurtosis == pytest.approx((around**4).mean() / (around**2).mean() ** 2)
    assert arm_of({"units": 3, "centre": 0.1, "x1": 1e-17, "x2": 1e-34, "x3": 0.0, "x4": 0.0}).variance == 0


# The command line.


def test_the_commands(client: Client, tmp_path: Any) -> None:
    def assay(*words: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
        return shell.run(tmp_path, ("ab", *words), {**kept, "ASSAY_API_URL": client.base_url}, None)

    file = tmp_path / "tests.yaml"
    variants = "[{name: a, weight: 0.9}, {name: b, weight: 0.1}]"
    file.write_text(f"ab_tests:\n- {{name: shell, metric: cost, mde: 0.01, variants: {variants}}}\n")
    said = assay("set", str(file))
    assert (said.stdout, said.stderr) == ("A/B test shell (version 1) is running: a 90 %, b 10 % of users.\n", "")
    line = next(line for line in assay("list").stdout.splitlines() if line.startswith("shell"))
    assert "open" in line
    assert "unknown" not in line
    assert assay("assign", "shell", "u1").stdout.strip() in {"a", "b"}
    assert "new is better than control" in assay("show", "shown").stdout
    file.write_text(file.read_text().replace("name: shell", "name: short-lived, start: 2026-01-01"))
    assert assay("set", str(file)).returncode == 0
    stopped = json.loads(assay("stop", "short-lived", "--json").stdout)
    assert (stopped["name"], stopped["state"]) == ("short-lived", "stopped")
    assert "Delete A/B test short-lived, which is stopped?" in assay("delete", "short-lived").stdout
    assert "short-lived" in assay("list").stdout, "nobody said yes"
    assert assay("delete", "short-lived", "--yes").stdout == "A/B test short-lived is deleted; its traces stay.\n"
    assert "short-lived" not in assay("list").stdout
    assert "has no A/B test 'short-lived'" in assay("delete", "short-lived", "--yes").stderr
    file.write_text(file.read_text().replace("name: short-lived, start: 2026-01-01", "name: shell"))
    file.write_text(file.read_text().replace("0.9", "0.8").replace("0.1}", "0.2}"))
    refused = assay("set", str(file))
    assert refused.returncode == USER_ERROR
    assert "tests.yaml, line 2: A/B test 'shell' has begun, so variants cannot change" in refused.stderr
    uneven = tmp_path / "uneven.yaml"
    uneven.write_text(file.read_text().replace("0.2}", "0.3}"))
    told = assay("set", str(uneven)).stderr
    assert told.endswith("uneven.yaml, line 2, entry 1: the entry: the weights must add up to 1; 0.8 + 0.3 is 1.1.\n")
    file.write_text(file.read_text().replace("metric", "metrik"))
    assert "there is no such key; did you mean 'metric'?" in assay("set", str(file)).stderr


def test_a_file_with_a_stopped_test_says_that_nothing_was_set(client: Client, tmp_path: Any) -> None:
    start = (datetime.now(UTC) - DAY).isoformat()
    client.set_ab_test("past", TERMS | {"start": start})
    client.stop_ab_test("past")
    file = tmp_path / "tests.yaml"
    arms = "variants: [{name: control, weight: 0.5}, {name: new, weight: 0.5}]"
    file.write_text("ab_tests:\n" + "".join(
        f"- {{name: {name}, metric: helpful, mde: 0.2, {arms}}}\n" for name in ("past", "fresh")
    ))  # fmt: skip
    (told,) = [one for one in ab_shell.read_tests(file) if one.name == "past"]
    with pytest.raises(DocumentError, match="line 2: A/B test 'past' is stopped: nothing was set, and it cannot begin"):
        ab_shell.set_tests(client, [told], None)
    with pytest.raises(DocumentError, match=r"Set beside it: fresh\."):
        ab_shell.set_tests(client, ab_shell.read_tests(file), None)
    assert client.ab_test("fresh")["state"] == "running"
    for name in ("past", "fresh"):
        client.forget_ab_test(name)
