"""Likeness of texts by hand, and the most alike earlier one against every pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from analytics import similarity


def alike(a: str, b: str) -> float:
    return similarity.cosine(similarity.counts(a), similarity.counts(b))


def test_likeness_by_hand() -> None:
    """`the cat sat` and `the cat ran`: words the, cat and the pair of them are common, of five and five."""
    assert alike("The cat sat", "the cat RAN") == pytest.approx(3 / 5)
    assert alike("a a b", "a b") == pytest.approx((2 * 1 + 1 + 1) / math.sqrt((4 + 1 + 1 + 1) * (1 + 1 + 1)))
    assert alike("one two", "three four") == 0
    assert alike("Same words.", "same words") == 1
    assert alike("?!", "?!") == 1
    assert alike("?!", "?") == 0


@given(some.lists(some.text("ab c", max_size=12), min_size=1, max_size=25), some.integers(1, 8))
def test_the_nearest_is_the_most_alike_of_those_that_were_there(texts: list[str], window: int) -> None:
    """Folded sums find it or one that is nearly as alike: within their error, which shrinks with the width."""
    counts = [similarity.counts(text) for text in texts]
    at = np.arange(len(texts), dtype=np.int64) * 2
    found, likes = similarity.nearest(counts, at + 1, at + 1 + window, at, np.ones(len(texts), dtype=bool))
    for row, text in enumerate(texts):
        there = [place for place in range(row) if at[place] + 1 <= at[row] <= at[place] + 1 + window]
        if not there:
            assert found[row] == -1
            assert np.isnan(likes[row])
            continue
        best = max(similarity.cosine(counts[row], counts[place]) for place in there)
        assert found[row] in there
        assert likes[row] == similarity.cosine(similarity.counts(text), counts[found[row]])
        assert likes[row] >= best - 0.2


def test_of_equals_the_later_counts_and_who_is_not_asked_gets_none() -> None:
    counts = [similarity.counts("hello there")] * 4
    at = np.arange(4, dtype=np.int64)
    asked = np.array([True, True, False, True])
    found, likes = similarity.nearest(counts, at, at + 10, at, asked)
    assert found.tolist() == [-1, 0, -1, 2]
    assert np.isnan(likes[2])


def test_what_cannot_be_alike_enough_is_not_looked_at() -> None:
    counts = [similarity.counts(text) for text in ("one two three", "four five six", "one two three four")]
    at, asked = np.arange(3, dtype=np.int64), np.ones(3, dtype=bool)
    found, likes = similarity.nearest(counts, at, at + 10, at, asked, 0.7)
    assert found.tolist() == [-1, -1, 0]
    assert likes[2] == similarity.cosine(counts[2], counts[0]) > 0.7


def test_texts_of_thousands_of_words_are_cut() -> None:
    long = " ".join(f"w{number}" for number in range(3 * similarity.MOST_WORDS))
    assert sum(similarity.counts(long).values()) == 2 * similarity.MOST_WORDS - 1
    assert alike(long, f"{long} more") == 1
