"""Margins and directions as a person writes them, and scores of several rulers."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from app import compare_stated
from server.compare import rulers, stated
from server.compare.measures import Measure, NotComparableError
from server.compare.stated import Stated

CORRECT = Measure("correct", "correct", "quality", "higher")
LATENCY = Measure("latency_ms.p95", "latency", "latency", "lower", "ms", 0.95)
COST = Measure("cost_usd", "cost of an answer", "cost", "lower", "USD")
SCORE = Measure("a,b", "a,b", "quality", None)
STATISTICS = {"correct": "share", "latency_ms.p95": "p95", "cost_usd": "mean", "a,b": "mean"}


@pytest.mark.parametrize(
    ("text", "measure", "found"),
    [
        pytest.param("0.02", CORRECT, 0.02, id="part-of-one"),
        pytest.param(" 2 points ", CORRECT, 0.02, id="points"),
        pytest.param("2.5pp", CORRECT, 0.025, id="points-in-short"),
        pytest.param("50", LATENCY, 50, id="number"),
        pytest.param("50 ms", LATENCY, 50, id="its-unit"),
        pytest.param("$0.001", COST, 0.001, id="dollars"),
        pytest.param("1e-3 usd", COST, 0.001, id="small-unit"),
        pytest.param(".5", SCORE, 0.5, id="own-scale"),
    ],
)
def test_a_margin_is_read_in_its_unit(text: str, measure: Measure, found: float) -> None:
    assert stated.size(text, measure, share=STATISTICS[measure.key] == "share") == pytest.approx(found)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param(Stated(["correct=x"]), "A margin is a number, and 'x' of correct is not.", id="no-number"),
        pytest.param(Stated(["correct=1e999"]), "A margin is a number, and '1e999'", id="endless"),
        pytest.param(Stated(["correct=-1"]), "A margin is above 0", id="below-0"),
        pytest.param(
            Stated(["correct=2"]), "never 2 apart: take a smaller margin. Write 2 points if", id="share-above-1"
        ),
        pytest.param(Stated(["correct=2%"]), "write 2 points for '2%'", id="percent-of-a-share"),
        pytest.param(
            Stated(["cost_usd=5%"]), "The margin of cost_usd is in USD, and '5%' is not: write the size", id="percent"
        ),
        pytest.param(
            Stated(["latency_ms.p95=1 s"]), "'1 s' is not: write the size in ms, as a number alone.", id="other-unit"
        ),
        pytest.param(Stated(["correct=2 points", "correct=3 points"]), "margin of correct is stated twice", id="twice"),
        pytest.param(Stated(["latency_ms.p95=2 points"]), "is in ms, and '2 points' is not", id="points-of-no-share"),
        pytest.param(Stated(["a,b=3 ms"]), "a number on its own scale, and '3 ms' is not: write 3.", id="unit-of-none"),
        pytest.param(Stated(["correct"]), "A margin is KEY=SIZE, such as failed=0.02", id="no-size"),
        pytest.param(
            Stated(["bleu=1"]), "'bleu' is not measured of these variants. Measured: correct,", id="no-measure"
        ),
        pytest.param(Stated(lower=["bleu"]), "'bleu' is not measured", id="no-measure-lower"),
        pytest.param(Stated(lower=["correct"], higher=["correct"]), "not both: leave it out of one", id="both-sides"),
        pytest.param(Stated(equivalence=True), "state one, the difference that does not matter", id="no-margin"),
    ],
)
def test_what_cannot_be_stated_is_refused(told: Stated, said: str) -> None:
    with pytest.raises(NotComparableError, match=re.escape(said)):
        told.applied([CORRECT, LATENCY, COST, SCORE], STATISTICS)


def test_what_is_stated_goes_over_what_is_guessed() -> None:
    told = Stated(["a,b=0.1"], lower=["a,b"], higher=["cost_usd"]).applied([COST, SCORE], STATISTICS)
    assert [(one.better, one.guessed, one.margin) for one in told] == [
        ("higher", "lower", None),
        ("lower", None, 0.1),
    ]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([], id="none"),
        pytest.param(["correct=2 points", "latency_ms.p95=50"], id="plain"),
        pytest.param(["a,b=1", "c"], id="comma"),
        pytest.param(["[x]=1"], id="bracket"),
    ],
)
def test_a_list_comes_back_from_the_address(told: list[str]) -> None:
    text = compare_stated.text(told)
    assert stated.texts(text) == compare_stated.texts(text) == told


def scores(*told: tuple[str, str, int, float | None]) -> pd.DataFrame:
    rows = [(value, ruler, amount) for value, ruler, count, amount in told for _ in range(count)]
    return pd.DataFrame(rows, columns=["value", "ruler", "amount"])


@pytest.mark.parametrize(
    ("told", "ruler", "notes", "refused"),
    [
        pytest.param([("a", "j 1", 3, 1.0), ("b", "j 1", 2, 0.0)], None, [], {}, id="one-ruler"),
        pytest.param(
            [("a", "j 1", 9, 1.0), ("b", "j 1", 1, 0.0), ("a", "j 2", 4, 1.0), ("b", "j 2", 5, 1.0)], "j 2",
            ["s: 9 scores of j 2 are compared; left out are 10 of j 1"], {}, id="most-in-all-variants",
        ),
        pytest.param(
            [("a", "j 1", 9, 1.0), ("b", "j 2", 5, 1.0), ("a", "j 2", 2, 1.0), ("c", "j 1", 9, 1.0)], "j 1",
            ["s: 18 scores of j 1 are compared; left out are 7 of j 2"],
            {"b": "s is of j 1 in most variants and of j 2 in b."}, id="none-in-all-of-the-baseline-and-another",
        ),
        pytest.param(
            [("a", "j 1", 2, 1.0), ("b", "j 1", 2, 0.0), ("b", "j 2", 7, None)], None, [], {}, id="failed-is-no-value",
        ),
    ],
)  # fmt: skip
def test_scores_of_one_ruler_are_compared(
    told: list[tuple[str, str, int, float | None]], ruler: str | None, notes: list[str], refused: dict[str, str]
) -> None:
    found = rulers.alike(scores(*told), "s", ["a", "b", *(["c"] if len(told) and told[-1][0] == "c" else [])], "a")
    rest = ", as values of different rulers are not compared."
    assert (found.ruler, [one.removesuffix(rest) for one in found.notes]) == (ruler, notes)
    assert {name: why[: len(refused.get(name, why))] for name, why in found.refused.items()} == refused
