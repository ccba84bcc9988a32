"""Bradley-Terry strengths against a published table, and what they say when there are none."""

from __future__ import annotations

import numpy as np
import pytest

from analytics import ranking
from analytics.ranking import Judgements, NoStrengthsError

TEAMS = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
WINS = np.array([  # American League, East, 1987 (Agresti, Categorical Data Analysis, table 10.10)
    [0, 7, 9, 7, 7, 9, 11], [6, 0, 7, 5, 11, 9, 9], [4, 6, 0, 7, 7, 8, 12], [6, 8, 6, 0, 6, 7, 10],
    [6, 2, 6, 7, 0, 7, 12], [4, 4, 5, 6, 6, 0, 6], [2, 4, 1, 3, 1, 7, 0],
], float)  # fmt: skip
STRENGTHS = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]


def games() -> Judgements:
    a, b = zip(*((i, j) for i in range(7) for j in range(7) for _ in range(int(WINS[i, j]))), strict=True)
    return Judgements(range(len(a)), [TEAMS[i] for i in a], [TEAMS[j] for j in b], [1.0] * len(a))


def test_strengths_are_those_of_the_oracle() -> None:
    found = ranking.strengths(WINS)
    np.testing.assert_allclose(found - found[-1], STRENGTHS, atol=5e-5)
    assert found.mean() == pytest.approx(0)


def test_errors_over_games_are_near_those_of_the_likelihood() -> None:
    found = ranking.ranking(games(), draws=1_000)
    assert [one.variant for one in found.variants] == TEAMS
    apart = found.differences[0, 6]
    assert apart == pytest.approx(1.5814, abs=5e-5)
    # Agresti gives 0.3433 for the standard error; all 21 pairs together reach 2.95 of them (Tukey's range of 7).
    assert (found.high[0, 6] - apart) / 0.3433 == pytest.approx(2.95, rel=0.2)
    best, worst = found.variants[0], found.variants[-1]
    assert (best.best_rank, worst.worst_rank, worst.wins, worst.losses, worst.ties) == (1, 7, 18, 60, 0)
    assert worst.best_rank > 1, "Baltimore is surely behind some"


def test_a_tie_is_half_a_win_of_each() -> None:
    ties = Judgements([1, 2, 3, 4], ["a"] * 4, ["b"] * 4, [1.0, 0.5, 0.5, 0.5])
    first, second = ranking.ranking(ties, draws=200).variants
    assert (first.variant, first.wins, first.losses, first.ties) == ("a", 1, 0, 3)
    assert (second.wins, second.losses, second.ties) == (0, 1, 3)
    assert first.strength.value == pytest.approx(np.log(2.5 / 1.5) / 2)


def test_whole_items_are_drawn() -> None:
    """The same judgement told ten times an item says no more than once."""
    rng = np.random.default_rng(3)
    won = (rng.random(200) < 0.6).astype(float)
    once = ranking.ranking(Judgements(range(200), ["a"] * 200, ["b"] * 200, won), draws=500)
    often = ranking.ranking(
        Judgements(np.repeat(np.arange(200), 10), ["a"] * 2_000, ["b"] * 2_000, np.repeat(won, 10)), draws=500
    )
    assert often.variants[0].strength.low == pytest.approx(once.variants[0].strength.low)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        pytest.param([("a", "b", 1.0), ("b", "c", 1.0), ("c", "b", 1.0)], r": a never lost to b, so", id="never-lost"),
        pytest.param([("a", "b", 0.5), ("c", "d", 0.5)], r": c, d were never set against a, b, so", id="never-met"),
        pytest.param(
            [("z", "w", 1.0), ("x", "z", 0.5), ("y", "x", 0.5)],
            r": z never lost to w, and x, y were never set against w, so",
            id="some-met",
        ),
        pytest.param(
            [("x", "v", 1.0), ("y", "w", 1.0), ("v", "w", 0.5), ("x", "y", 0.5)],
            r": x, y never lost to v, w where they met, so",
            id="each-met-another",
        ),
    ],
)
def test_where_there_are_no_strengths_it_says_between_whom(rows: list[tuple[str, str, float]], says: str) -> None:
    a, b, outcome = zip(*rows, strict=True)
    with pytest.raises(NoStrengthsError, match=says):
        ranking.ranking(Judgements(range(len(rows)), a, b, outcome))


def test_draws_without_strengths_leave_no_bounds() -> None:
    """One loss in ten: a third of the draws have none."""
    told = Judgements(range(10), ["a"] * 10, ["b"] * 10, [1.0] * 9 + [0.0])
    found = ranking.ranking(told, draws=500)
    assert found.without == pytest.approx(500 * 0.9**10, rel=0.3)
    assert [(one.strength.low, one.best_rank, one.worst_rank) for one in found.variants] == [(None, 1, 2)] * 2


@pytest.mark.parametrize(
    ("a", "b", "outcome", "says"),
    [
        ([], [], [], "no judgement"), (["a"], ["a"], [1.0], "'a' is judged against itself"),
        (["a"], ["b"], [0.7], "An outcome is 1"),
    ],
)  # fmt: skip
def test_what_is_no_judgement_is_told(a: list[str], b: list[str], outcome: list[float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ranking.ranking(Judgements(range(len(a)), a, b, outcome))
