"""Plans over a real server: numbers against the shell and statsmodels' figures, pilots of runs and of traffic."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import made_runs
import numpy as np
import pyarrow as pa
import pytest
import shell
from scipy import stats

from server.client import ApiError
from server.compare.plan_pilot import _of_one_ruler

EVER = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
CALLS = 200


def values(mean: float, *, seed: int, items: int = 60, repeats: int = 1) -> list[made_runs.Json]:
    """Rows whose groundedness is near normal, on items that are their own clusters."""
    made, drawn = made_runs.rows(items, repeats), np.random.default_rng(seed)
    hard = np.random.default_rng(9).normal(0, 0.1, items)
    for row in made:
        value = float(np.clip(mean + hard[row["place"]] + drawn.normal(0, 0.05), 0, 1))
        row["verdicts"]["groundedness"] |= {"value": value, "passed": value >= 0.5}
        row["cluster"] = row["item"]
    return made


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], telling: Any) -> Any:
    """Two runs that share items, one with repeats, one that never varies, one of another ruler; calls of two models."""
    served = serve("plan")
    with served.client() as client:
        served.a_rows, served.b_rows = values(0.5, seed=1), values(0.55, seed=2)
        served.a = made_runs.tell(client, served.a_rows, suite="a")
        served.b = made_runs.tell(client, served.b_rows, suite="b")
        served.twice = made_runs.tell(client, values(0.5, seed=3, repeats=3), suite="twice")
        flat = values(0.5, seed=4, items=4)
        for row in flat:
            row["verdicts"]["groundedness"] |= {"value": 0.5, "passed": True}
            row["usage"], row["measured"] = {"input_tokens": 1, "output_tokens": 1}, row["measured"] | {"latency_ms": 1}
        served.flat = made_runs.tell(client, flat, suite="flat")
        newer = {"groundedness": {"evaluator": "groundedness", "version": "4", "cost": "free", "options": {}}}
        served.ruled = made_runs.tell(client, values(0.5, seed=5), suite="ruled", evaluators=newer)
    began, bodies, scores = time.time_ns() - 2 * 86_400 * 10**9, [], []
    served.amounts = np.random.default_rng(7).normal(0.7, 0.1, CALLS).tolist()
    for at, amount in enumerate(served.amounts):
        trace_id = uuid4().bytes
        told = telling(trace_id, began + at * 432 * 10**9).span(  # a day in all
            1, "chat", 0, 100 + at, gen_ai__operation__name="chat", gen_ai__request__model=f"own-{at % 2}",
            gen_ai__usage__input_tokens=100 + at,
        )  # fmt: skip
        bodies.append(told.body())
        scores.append({"trace_id": trace_id.hex(), "name": "helpfulness", "value": amount, "evaluator": "x"})
    served.send(b"".join(bodies))
    served.settle()
    with served.client() as client:
        client.add_scores(scores)
    served.settle()
    return served


def said(folder: Path, command: str) -> dict[str, Any]:
    """What the shell says to the command that an answer names."""
    words = shlex.split(command)
    assert words[0] == "assay"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    done = shell.run(folder, (*words[1:], "--json"), kept, "")
    return dict(json.loads(done.stdout.splitlines()[0]))


@pytest.mark.parametrize(
    ("asked", "items"),
    [
        pytest.param({"delta": 0.3, "sd": 1}, 90, id="paired-t-as-statsmodels"),
        pytest.param({"delta": 0.5, "sd": 1, "unpaired": True}, 64, id="welch-as-statsmodels"),
        pytest.param({"delta": 0.05, "rate": 0.8, "unpaired": True}, 906, id="shares-as-fleiss"),
        pytest.param({"delta": 0.05, "discordant": 0.2}, 626, id="pairs-as-connor"),
        pytest.param({"delta": 0.03, "omega2": 1 / 9, "sigma2": 1 / 6, "repeats": 10}, 1260, id="repeats-as-miller"),
        pytest.param({"delta": 0.5, "sd": 1, "unpaired": True, "icc": 0.3, "cluster_size": 5}, 141, id="clusters"),
        pytest.param({"delta": 0.5, "sd": 1, "unpaired": True, "metrics": 2, "variants": 3}, 91, id="corrected"),
        pytest.param({"delta": 0.05, "rate": 0.98, "unpaired": True}, 269, id="no-room-above"),
        pytest.param(
            {"delta": 0.05, "rate": 0.8, "unpaired": True, "aim": "non-inferior"}, 1006, id="non-inferior"
        ),
        pytest.param({"delta": 0.05, "rate": 0.8, "unpaired": True, "sequential": True}, 1729, id="any-time"),
    ],
)  # fmt: skip
def test_numbers_are_those_of_the_shell(served: Any, tmp_path: Path, asked: dict[str, Any], items: int) -> None:
    with served.client() as client:
        found = client.plan(**asked)
    assert found["items"] == items
    assert said(tmp_path, found["command"])["items"] == items
    needed = next(row for row in found["rows"] if row["mark"] == "needed")
    assert needed["power"] == pytest.approx(0.8, abs=0.01)
    assert needed["difference"] == pytest.approx(found["delta"], rel=0.02)
    assert found["answers"] == items * found["repeats"] * found["variants"]


def test_what_the_fewest_find_is_told_beside_them(served: Any) -> None:
    """A large difference needs the least number whatever the power: the row has what that number finds at most."""
    with served.client() as client:
        pairs, arms = client.plan(delta=1, sd=0.01), client.plan(delta=1, sd=0.1, unpaired=True, sequential=True)
    for found, least in ((pairs, 2), (arms, 30)):
        needed = next(row for row in found["rows"] if row["mark"] == "needed")
        assert (found["items"], needed["items"]) == (least, least)
        assert needed["power"] > 0.99
        assert needed["difference"] < 1


def test_a_rate_without_room_above_is_to_fall_and_the_plan_says_so(served: Any) -> None:
    with served.client() as client:
        found, usual = (client.plan(delta=0.05, rate=one, unpaired=True) for one in (0.98, 0.5))
    assert "--delta -0.05" in found["command"]
    assert "The rate leaves no room to rise by 5 points, so the plan is of a fall by so much." in found["beside"]
    assert usual["beside"] == []


def test_corrected_tests_have_the_power_that_scipy_gives_them(served: Any) -> None:
    with served.client() as client:
        n = client.plan(delta=0.5, sd=1, unpaired=True, metrics=2, variants=3)["items"]
    for many, enough in ((n, True), (n - 1, False)):
        freedom, centre = 2 * many - 2, 0.5 * (many / 2) ** 0.5
        reach = stats.t.isf(0.05 / 4 / 2, freedom)
        found = stats.nct.sf(reach, freedom, centre) + stats.nct.cdf(-reach, freedom, centre)
        assert (found >= 0.8) == enough


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        pytest.param({"delta": 0.1}, "Say how values spread", id="no-spread"),
        pytest.param({"sd": 1}, "the smallest difference worth knowing", id="no-difference"),
        pytest.param({"sd": 1, "delta": 0}, "is 0, and no number of items", id="no-size"),
        pytest.param({"sd": 1, "rate": 0.5, "delta": 0.1}, "not from both", id="two-spreads"),
        pytest.param({"sd": 0, "delta": 0.1}, "standard deviation of 0", id="nothing-varies"),
        pytest.param({"sd": 1, "delta": 0.1, "icc": 0.2}, "goes with --cluster-size", id="half-of-clusters"),
        pytest.param({"sd": 1, "delta": 0.1, "sequential": True}, "say --unpaired", id="sequence-of-pairs"),
        pytest.param({"sd": 1, "delta": 0.1, "metrics": 100, "variants": 20}, "comparisons at 0.05", id="too-many"),
        pytest.param({"sd": 1, "delta": 1e-9}, "needs more than 1e12 items", id="too-small"),
        pytest.param({"rate": 0.5, "delta": 0.6, "unpaired": True}, "difference of 0.6 from a rate", id="no-room"),
        pytest.param({"discordant": 0.2, "delta": 5}, "say 0.05 for 5 points", id="shares-too-far-apart"),
        pytest.param({"sd": 1, "delta": 0.1, "power": 1.5}, "less than or equal to 0.9999", id="power"),
    ],
)
def test_what_cannot_be_planned_says_why(served: Any, asked: dict[str, Any], why: str) -> None:
    with served.client() as client, pytest.raises(ApiError) as raised:
        client.plan(**asked)
    assert raised.value.status == 422
    assert why in str(raised.value)


def test_two_runs_tell_the_spread_of_differences(served: Any, tmp_path: Path) -> None:
    with served.client() as client:
        found = client.plan_from_runs([served.a, served.b], measure="groundedness", delta=0.01)
    a, b = (
        np.array([row["verdicts"]["groundedness"]["value"] for row in rows]) for rows in (served.a_rows, served.b_rows)
    )
    sd = float((b - a).std(ddof=1))
    assert (found["paired"], found["pilot"]["items"], found["method"]) == (True, 60, "paired t test")
    assert f"--sd {sd:.6g}" in found["command"]
    assert said(tmp_path, found["command"])["items"] == found["items"]
    assert found["low"] < found["items"] < found["high"]
    low, high = (
        (60 * 1.0 / np.array([83.30, 39.66])) * found["items"] * 59 / 60
    )  # chi-square of 59, at 2.5 % either side
    assert (found["low"], found["high"]) == (pytest.approx(low, rel=0.2), pytest.approx(high, rel=0.2))
    assert found["sentence"].startswith(f"You need {found['items']:,} items, which both variants answer, to see 0.01")
    assert "your pilot's 60 items would see" in found["sentence"]
    assert found["cost_usd"] == pytest.approx(found["items"] * 2 * 0.0001)
    assert [row["mark"] for row in found["rows"]].count("pilot") == 1
    assert all(row["power_low"] <= row["power"] <= row["power_high"] for row in found["curves"]["power"]
               if None not in row.values())  # fmt: skip


def test_repeats_and_one_run_have_their_own_plans(served: Any) -> None:
    with served.client() as client:
        pair = client.plan_from_runs([served.a, served.twice], measure="groundedness", delta=0.01)
        once = client.plan_from_runs([served.twice], measure="groundedness", delta=0.01, repeats=1)
        often = client.plan_from_runs([served.twice], measure="groundedness", delta=0.01, repeats=10)
        apart = client.plan_from_runs([served.a, served.b], measure="groundedness", delta=0.01, unpaired=True)
        shares = client.plan_from_runs([served.a, served.b])
    assert "--omega2" in pair["command"]
    assert (once["items"] > often["items"], often["repeats"]) == (True, 10)
    assert any("a correlation of 0.5 between both is assumed" in note for note in once["notes"])
    assert (apart["paired"], apart["method"]) == (False, "Welch's t test")
    assert (shares["measure"], shares["delta"], shares["amount"]) == ("groundedness.passed", 0.05, "5 points")


@pytest.mark.parametrize(
    ("runs", "more", "why"),
    [
        pytest.param(["flat"], {}, "Nothing that was measured of this pilot varies", id="nothing-varies"),
        pytest.param(["a"], {"measure": "bleu"}, "'bleu' is not measured", id="no-such-measure"),
        pytest.param(["a", "ruled"], {"measure": "groundedness"}, "different rulers", id="another-ruler"),
        pytest.param(["a", "b", "twice"], {}, "This is of 1 to 2 runs", id="three-runs"),
        pytest.param(["a", "b"], {"repeats": 3}, "one answer an item", id="no-repeats"),
        pytest.param(["gone"], {}, "has no run", id="no-such-run"),
    ],
)
def test_pilots_that_tell_nothing_say_why(served: Any, runs: list[str], more: dict[str, Any], why: str) -> None:
    ids = {name: getattr(served, name, "ab" * 16) for name in runs}
    with served.client() as client, pytest.raises(ApiError, match=why):
        client.plan_from_runs([ids[name] for name in runs], **more)


def test_traffic_tells_spread_rate_and_how_long(served: Any) -> None:
    with served.client() as client:
        one = client.plan_from_traffic("model", ["own-0"], measure="score.helpfulness", delta=0.02, **EVER)
        both = client.plan_from_traffic("model", ["own-0", "own-1"], measure="latency_ms", sequential=True, **EVER)
    sd = float(np.std(served.amounts[::2], ddof=1))
    assert (one["paired"], one["noun"], one["pilot"]["items"]) == (False, "score", CALLS // 2)
    assert f"--sd {sd:.6g} --unpaired" in one["command"]
    assert one["per_day"] == pytest.approx(CALLS / 2, rel=0.05)
    assert one["days"] == pytest.approx(one["items"] * 2 / one["per_day"])
    assert "scores a variant to see 0.02 with 80 % power" in one["sentence"]
    assert (both["unit"], both["sequential"]) == ("ms", True)
    assert "--sequential" in both["command"]
    with served.client() as client, pytest.raises(ApiError, match="nothing of this pilot"):
        client.plan_from_traffic("model", ["none"], **EVER)


def test_scores_of_one_ruler_make_a_pilot() -> None:
    table = pa.table(
        {"value": ["m"] * 6, "ruler": ["x 1", "x 1", "x 1", "y 2", "y 2", "x 1"], "amount": [1, 0, 1, 0.5, 0.5, None]}
    )
    kept, notes = _of_one_ruler(table, "helpfulness", ["m"])
    assert kept["ruler"].to_pylist() == ["x 1"] * 4
    assert notes == ["helpfulness: 3 of 5 scores count, those of x 1."]
    assert _of_one_ruler(table.slice(0, 3), "helpfulness", ["m"]) == (table.slice(0, 3), [])
