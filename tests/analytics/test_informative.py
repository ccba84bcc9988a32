"""Which answers are worth a label: signals by hand, laws of drawing, and the claim on recorded judges and people.

The claim: among as many labels, an informative sample finds more errors of judges than a random one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import Any

import benchmark
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import informative
from analytics.informative import Judge

NAN = float("nan")


def judge(
    values: Sequence[float], labels: Sequence[str | None] | None = None, confidence: Sequence[float] | None = None,
    threshold: float | None = 0.5, name: str = "judge",
) -> Judge:  # fmt: skip
    unsaid = [NAN] * len(values)
    return Judge(name, np.array(values), labels or [None] * len(values), np.array(confidence or unsaid), threshold)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(judge([0.5, 0.0, 1.0, 0.25, 0.75]), [1, 0, 0, 0.5, 0.5], id="near-the-line"),
        pytest.param(judge([0.5, 0.4, 0.9, 0.45]), [1, 0, 0, 0.5], id="each-side-has-its-own-reach"),
        pytest.param(judge([1, 2, 5, 3], threshold=None), [0, 0.5, 0, 1], id="halfway-where-no-line-is-told"),
        pytest.param(judge([0, 1, 1, 0]), [NAN] * 4, id="two-values-tell-nothing"),
        pytest.param(judge([NAN, NAN], ["a", "b"]), [NAN, NAN], id="labels-alone-tell-nothing"),
        pytest.param(judge([0, 1, 1], confidence=[0.5, 1.0, 0.75]), [1, 0, 0.5], id="own-confidence"),
        pytest.param(judge([0, NAN, 0.5, 1]), [0, NAN, 1, 0], id="not-judged"),
    ],
)
def test_how_uncertain_a_judge_is(one: Judge, expected: list[float]) -> None:
    np.testing.assert_allclose(informative.uncertainty(one), expected)


def test_how_far_judges_are_apart() -> None:
    votes = [["yes", "yes", "yes", None], ["yes", "no", "no", "no"], ["yes", "no", "maybe", None]]
    two_of_three = -(1 / 3 * log(1 / 3) + 2 / 3 * log(2 / 3)) / log(3)
    np.testing.assert_allclose(informative.apart(votes), [0, two_of_three, 1, NAN])


def test_a_value_decides_by_its_line_and_a_label_where_there_is_no_value() -> None:
    assert judge([0.5, 0.49, NAN, NAN], [None, "pass", "pass", None]).decisions() == ["yes", "no", "pass", None]


def test_worth_is_the_mean_of_what_is_known() -> None:
    found = informative.signals([judge([0.5, 0.0, 0.25, NAN]), judge([1, 1, 1, NAN])])
    np.testing.assert_allclose(found.uncertain, [1, 0, 0.5, NAN])
    np.testing.assert_allclose(found.worth, [0.5, 0.5, 0.75, 0])
    assert found.judge.tolist() == [0, 0, 0, -1]
    assert informative.best(found.worth, 3).tolist() == [2, 0, 1]


def test_without_a_judge_nothing_is_known() -> None:
    with pytest.raises(ValueError, match="no judge"):
        informative.signals([])


def test_answers_that_say_the_same_come_last() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    worth = np.array([1.0, 0.99, 0.4, 0.6])
    assert informative.diverse(vectors, worth, 4).tolist()[-1] == 1
    assert informative.diverse(vectors, worth, 2).tolist()[0] == 0
    assert informative.diverse(np.zeros((0, 2), np.float32), np.zeros(0), 3).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_as_many_are_drawn_as_the_chances_add_up_to(worth: list[float], most: int, start: float) -> None:
    chance = informative.inclusion(np.array(worth), most)
    assert (chance > 0).all()
    assert (chance <= 1).all()
    assert chance.sum() == pytest.approx(min(most, len(worth)))
    taken = informative.drawn(chance, start)
    assert abs(len(taken) - chance.sum()) < 1 + 1e-6
    assert len(set(taken.tolist())) == len(taken)


def test_weights_make_the_rate_right() -> None:
    """The mean of weighted estimates over all starts is the true rate; that of what is worth most is far off."""
    rng = np.random.default_rng(5)
    worth = rng.random(400)
    wrong = (rng.random(400) < 0.1 + 0.5 * worth).astype(float)
    chance = informative.inclusion(worth, 60)
    starts = (np.arange(500) + 0.5) / 500
    estimates = [(wrong[taken] / chance[taken]).sum() / 400 for taken in (informative.drawn(chance, s) for s in starts)]
    assert np.mean(estimates) == pytest.approx(wrong.mean(), abs=0.004)
    assert wrong[informative.best(worth, 60)].mean() > wrong.mean() + 0.15


# The claim, on recorded judges and people.


recorded = benchmark.loaded("informative")


@pytest.mark.parametrize(
    ("known", "labels", "least"),
    [
        pytest.param(recorded.llmbar, 25, 1.2, id="llmbar-25"),
        pytest.param(recorded.llmbar, 50, 1.2, id="llmbar-50"),
        pytest.param(recorded.pandalm, 50, 1.7, id="pandalm-50"),
        pytest.param(recorded.pandalm, 150, 1.7, id="pandalm-150"),
    ],
)
def test_an_informative_sample_finds_more_errors_of_judges_a_label(
    known: Callable[[], Any], labels: int, least: float
) -> None:
    said = known()
    assert recorded.found(said, informative.signals(said.judges).worth, labels)[1] > least, "of all judges together"


@pytest.mark.parametrize("place", [pytest.param(0, id="GPT-4"), pytest.param(2, id="PaLM2")])
def test_a_judge_that_is_uncertain_errs_more_often(place: int) -> None:
    """Of the two judges that are better than a coin. It says the same of both orders where it is certain."""
    known = recorded.llmbar()
    assert recorded.found(known, informative.signals([known.judges[place]]).worth, 50)[0][place] > 1.6


def test_disagreement_with_weak_judges_points_away_from_the_errors_of_the_best() -> None:
    """A limit. These pairs were made to fool judges: the weak ones are fooled together, and GPT-4 errs with them."""
    known = recorded.llmbar()
    assert recorded.found(known, informative.signals(known.judges, uncertain=False).worth, 50)[0][0] < 0.6


def test_a_rate_among_an_informative_sample_is_not_the_rate_of_all() -> None:
    """Why such labels need weights: the errors of PandaLM's judges look nearly twice as frequent as they are."""
    known = recorded.pandalm()
    worth = informative.signals(known.judges).worth
    chance = informative.inclusion(worth, 100)
    order = np.random.default_rng(0).permutation(len(worth))
    starts = (np.arange(200) + 0.5) / 200
    weighted = [
        (known.wrong[0][order][taken] / chance[order][taken]).sum() / len(worth)
        for taken in (informative.drawn(chance[order], start) for start in starts)
    ]
    assert np.mean(weighted) == pytest.approx(known.wrong[0].mean(), abs=0.01)
    assert known.wrong[0][informative.best(worth, 100)].mean() > 1.5 * known.wrong[0].mean()
