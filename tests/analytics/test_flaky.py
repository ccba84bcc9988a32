"""Flips and noise by hand, and by a published analysis of variance."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.flaky import Flip, flaky, noise
from analytics.items import rows

NAN = float("nan")


def test_flips_by_hand() -> None:
    """a: 3 of 4 agree; b: all; c: 1 of 2; d: tried once; e: one of its two verdicts is missing."""
    found = flaky(rows([1, 1, 0, 1, 0, 0, 0, 1, 1, 1, NAN], ["a", "a", "a", "a", "b", "b", "c", "c", "d", "e", "e"]))
    assert found.flips == (Flip("c", 2, 1), Flip("a", 4, 1))
    assert (found.share.value, found.share.n) == (pytest.approx(2 / 3), 3)
    # Pairs that disagree: 3 of 6, 0 of 1, 1 of 1.
    assert found.another.value == pytest.approx((3 / 6 + 0 + 1) / 3)


def test_labels_differ_as_verdicts_do() -> None:
    found = flaky(rows([3, 4, 5, 4, 4, 4], [7, 7, 7, 8, 8, 8]))
    assert found.flips == (Flip(7, 3, 2),)
    assert found.another.value == pytest.approx(0.5)


def test_another_result_is_as_likely_whatever_the_number_of_repeats() -> None:
    """2 p (1-p) of a chance of 0.8 is 0.32."""
    rng = np.random.default_rng(1)
    for repeats in (2, 5):
        found = flaky(rows(rng.random(4000 * repeats) < 0.8, np.repeat(np.arange(4000), repeats)))
        assert found.another.value == pytest.approx(0.32, abs=0.02)


def test_steady_verdicts_leave_doubt_and_single_ones_say_nothing() -> None:
    found = flaky(rows([1, 1] * 10, np.repeat(np.arange(10), 2)))
    assert (found.flips, found.share.value, found.share.low) == ((), 0.0, 0.0)
    assert found.share.high is not None
    assert 0.2 < found.share.high < 0.4
    assert flaky(rows([1, 0], [1, 2])).share.value is None
    assert flaky(rows([], np.array([], int))).another.value is None


def test_noise_of_a_published_table() -> None:
    """Shrout and Fleiss 1979, Psychol. Bull. 86: ICC(1,1) of four judges of six targets is 0.17 (-0.13, 0.72)."""
    judged = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
    found = noise(rows(judged.ravel(), np.repeat(np.arange(6), 4)))
    assert found.within == pytest.approx(6.26**0.5, abs=0.01)  # its mean square within
    assert found.between == pytest.approx(((11.24 - 6.26) / 4) ** 0.5, abs=0.01)
    assert (found.alike.value, found.alike.low) == (pytest.approx(0.17, abs=0.005), 0.0)
    assert found.alike.high == pytest.approx(0.72, abs=0.005)


@pytest.mark.parametrize(
    ("values", "items", "within", "between", "alike"),
    [
        pytest.param([], [], None, None, None, id="no-rows"),
        pytest.param([1.0, 2.0], [1, 2], None, None, None, id="no-repeats"),
        pytest.param([1.0, 3.0], [1, 1], 2**0.5, None, None, id="one-item"),
        pytest.param([1.0, 1.0, 2.0, 2.0], [1, 1, 2, 2], 0.0, 0.5**0.5, 1.0, id="no-noise"),
        pytest.param([1.0] * 4, [1, 1, 2, 2], 0.0, 0.0, None, id="all-equal"),
    ],
)
def test_too_little_is_null(
    values: list[float], items: list[int], within: float | None, between: float | None, alike: float | None
) -> None:
    found = noise(rows(values, np.array(items, int)))
    assert (found.within, found.between, found.alike.value) == (
        pytest.approx(within), pytest.approx(between), pytest.approx(alike)
    )  # fmt: skip
