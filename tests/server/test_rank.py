"""Rankings over a real server: rows against a published table, runs item by item, what cannot be ranked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import made_runs
import numpy as np
import pytest

from server.client import ApiError
from server.rank_answer import sentence

TEAMS = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
WINS = [  # American League, East, 1987 (Agresti, Categorical Data Analysis, table 10.10)
    [0, 7, 9, 7, 7, 9, 11], [6, 0, 7, 5, 11, 9, 9], [4, 6, 0, 7, 7, 8, 12], [6, 8, 6, 0, 6, 7, 10],
    [6, 2, 6, 7, 0, 7, 12], [4, 4, 5, 6, 6, 0, 6], [2, 4, 1, 3, 1, 7, 0],
]  # fmt: skip
STRENGTHS = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]
GAMES = [
    {"a": TEAMS[i], "b": TEAMS[j], "winner": TEAMS[i]} for i in range(7) for j in range(7) for _ in range(WINS[i][j])
]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def values(mean: float, *, seed: int, longer: int = 0) -> list[made_runs.Json]:
    """Rows whose groundedness is about the mean; answers of 50 tokens and `longer`."""
    made, drawn = made_runs.rows(60), np.random.default_rng(seed)
    for row in made:
        value = float(np.clip(mean + drawn.normal(0, 0.1), 0, 1))
        row["verdicts"]["groundedness"] |= {"value": value, "passed": value >= 0.5}
        row["usage"]["output_tokens"] = 50 + longer + int(drawn.integers(0, 5))
        row["cluster"] = row["item"]
    return made


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any]) -> Any:
    """Three runs of the same items, one of other items, one that a judge of pairs set against the references."""
    served = serve("rank")
    with served.client() as client:
        served.good = made_runs.tell(client, values(0.60, seed=1, longer=40), suite="good")
        served.alike = made_runs.tell(client, values(0.60, seed=2, longer=40), suite="alike")
        served.bad = made_runs.tell(client, values(0.45, seed=3), suite="bad")
        moved = values(0.5, seed=4)
        for row in moved:
            row["content"] = f"{row['place'] + 1000:012x}"
        served.moved = made_runs.tell(client, moved, suite="moved")
        judged = made_runs.rows(40)
        for at, row in enumerate(judged):
            row["verdicts"]["groundedness"] |= {"value": (1.0, 1.0, 0.5, 0.0)[at % 4], "passed": None}
        pairs = {"groundedness": {"evaluator": "judge_pairwise", "version": "1", "cost": "judge", "options": {}}}
        served.judged = made_runs.tell(client, judged, suite="judged", evaluators=pairs)
    return served


def test_rows_are_ranked_as_published(served: Any) -> None:
    with served.client() as client:
        found = client.rank(lines(GAMES), reference="Baltimore", draws=300)
    assert [one["variant"] for one in found["rows"]] == TEAMS
    assert [one["strength"] for one in found["rows"]] == pytest.approx(STRENGTHS, abs=5e-5)
    first, last = found["rows"][0], found["rows"][-1]
    assert first["chance"] == pytest.approx(1 / (1 + np.exp(-1.5814)), abs=1e-4)
    assert (last["strength"], last["low"], last["chance"], last["wins"], last["losses"]) == (0, None, 0.5, 18, 60)
    (pair,) = (one for one in found["heads"] if (one["a"], one["b"]) == ("Milwaukee", "Detroit"))
    assert (pair["wins"], pair["losses"], pair["n"], pair["share"]) == (7, 6, 13, pytest.approx(7 / 13))
    assert "share rank 1" in found["sentence"]
    assert found["problem"] is None


def test_runs_win_item_by_item(served: Any) -> None:
    with served.client() as client:
        found = client.rank_runs([served.bad, served.good, served.alike], measure="groundedness")
        tied = client.rank_runs([served.bad, served.good], measure="groundedness", tie=10)
    told = {one["variant"]: one for one in found["rows"]}
    assert (told["bad"]["rank_low"], told["bad"]["rank_high"]) == (3, 3)
    assert found["sentence"].endswith("share rank 1: 95 % rank set {1, 2}; bad is third: {3}.")
    assert (found["items"], found["judgements"], found["groups"]) == (60, 180, 60)
    (leaning,) = (text for text in found["warnings"] if "The longer answer won" in text)
    assert "or length may decide, as it wins the more the larger the difference is" in leaning
    assert tied["rows"][0]["ties"] == 60
    assert tied["rows"][0]["strength"] == pytest.approx(0)


def test_a_judge_of_pairs_sets_a_run_against_the_references(served: Any) -> None:
    with served.client() as client:
        found = client.rank_runs([served.judged])
    told = {one["variant"]: one for one in found["rows"]}
    assert (told["judged"]["wins"], told["judged"]["losses"], told["judged"]["ties"]) == (20, 10, 10)
    assert told["judged"]["rank_low"] == 1
    assert "reference answer" in told
    assert any("set each answer against the item's reference answer" in note for note in found["notes"])


def test_what_leaves_strengths_open_is_told_beside_the_counts(served: Any) -> None:
    with served.client() as client:
        found = client.rank(lines([{"a": "x", "b": "y", "winner": "a"}] * 3))
    assert found["problem"] == found["sentence"]
    assert "x never lost to y" in found["problem"]
    assert found["problem"].endswith("Judge more items of these pairs.")
    assert [(one["variant"], one["wins"], one["strength"]) for one in found["rows"]] == [("x", 3, None), ("y", 0, None)]
    assert found["heads"][0]["n"] == 3


def test_circles_and_leanings_are_warned_of(served: Any) -> None:
    rows = []
    for at in range(40):
        for first, second in (("r", "s"), ("s", "p"), ("p", "r")):  # each beats the next, mostly
            won = first if at % 8 else second
            rows.append({"item": f"{first}{at}", "a": first, "b": second, "winner": won})
    for at in range(30):  # the first place wins in both orders
        rows += [{"item": f"o{at}", "a": one, "b": other, "winner": "a"} for one, other in (("r", "s"), ("s", "r"))]
    with served.client() as client:
        found = client.rank(lines(rows), item="item", draws=200)
    assert "one strength a variant does not tell that" in found["warnings"][0]
    assert any("whoever judged leans to a place" in text for text in found["warnings"])


def test_length_that_goes_with_one_variant_alone_is_told_apart(served: Any) -> None:
    """The better one is always longer, and wins three in four whatever the lengths."""
    rows = [
        {"a": "long", "b": "short", "winner": "b" if at % 4 == 0 else "a", "m": 20 + at // 4 % 5 * 40, "n": 10}
        for at in range(80)
    ]
    with served.client() as client:
        (leaning,) = client.rank(lines(rows), length_a="m", length_b="n", draws=200)["warnings"]
    assert leaning.startswith("The longer answer won 75 % of 80 decided pairs of different length")
    assert leaning.endswith("which speaks against length.")


@pytest.mark.parametrize(
    ("body", "params", "why"),
    [
        pytest.param(b"", {}, "The file is empty", id="empty"),
        pytest.param(b"a,b,won\nx,y,a\n", {}, "no column 'winner'", id="no-column"),
        pytest.param(b"a,b,winner\nx,y,z\n", {}, "'z' is none of 'x' and 'y'", id="no-winner"),
        pytest.param(b"a,b,winner\nx,x,a\n", {}, "judged against itself", id="itself"),
        pytest.param(b"a,b,winner\nx,y,a\nx,y,b\n", {"reference": "w"}, "'w' is none of the variants", id="reference"),
        pytest.param(b"a,b,winner\nx,y,a\n", {"length_a": "n"}, "goes with `length_b`", id="half-of-lengths"),
        pytest.param(
            b"a,b,winner\n" + b"".join(b"v%d,w,a\n" % at for at in range(60)), {}, "61 variants came", id="variants"
        ),
        pytest.param(b"a,b,winner\n" + b"x,y,a\n" * 200_001, {}, "200,000 are ranked at once", id="rows"),
    ],
)
def test_rows_that_cannot_be_ranked_say_why(served: Any, body: bytes, params: dict[str, Any], why: str) -> None:
    with served.client() as client, pytest.raises(ApiError) as raised:
        client.rank(body, **params)
    assert raised.value.status == 422
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("runs", "measure", "why"),
    [
        pytest.param(["good", "moved"], None, "no item in common", id="other-items"),
        pytest.param(["good"], None, "by a judge of pairs, and this one has none", id="alone"),
        pytest.param(
            ["good", "bad"],
            "bleu",
            "'bleu' is not measured of all these runs. Measured: groundedness",
            id="no-such-measure",
        ),
        pytest.param(["good", "judged"], "groundedness", "different rulers", id="another-ruler"),
    ],
)
def test_runs_that_cannot_be_ranked_say_why(served: Any, runs: list[str], measure: str | None, why: str) -> None:
    with served.client() as client, pytest.raises(ApiError, match=why):
        client.rank_runs([getattr(served, name) for name in runs], measure=measure)


@pytest.mark.parametrize(
    ("ranks", "said"),
    [
        pytest.param([(1, 1), (2, 2)], "A is first: 95 % rank set {1}; B is second: {2}.", id="all-apart"),
        pytest.param([(1, 2), (1, 2), (3, 3)], "A and B share rank 1: 95 % rank set {1, 2}; C is third: {3}.",
                     id="two"),
        pytest.param([(1, 3)] * 3, "No variant is surely before another: each may have any rank from 1 to 3.",
                     id="none"),
        pytest.param(
            [(1, 1), (2, 4), (2, 4), (2, 4)], "A is first: 95 % rank set {1}; B, C and D share ranks 2 to 4: {2 to 4}.",
            id="behind",
        ),
        pytest.param(
            [(1, 2), (1, 3), (2, 3)],
            "A is first or lower: 95 % rank set {1, 2}; B is first or lower: {1 to 3}; "
            "C is between ranks 2 and 3: {2, 3}.",
            id="overlapping",
        ),
    ],
)  # fmt: skip
def test_the_sentence_says_which_ranks_are_allowed(ranks: list[tuple[int, int]], said: str) -> None:
    rows = [{"variant": "ABCD"[at], "rank_low": low, "rank_high": high} for at, (low, high) in enumerate(ranks)]
    assert sentence(rows, 0.95) == said
