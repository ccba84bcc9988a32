"""Near duplicates: every pair that a comparison of all with all finds, and no other."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from analytics.duplicates import groups, near
from analytics.similarity import cosine, counts


def texts(count: int, seed: int = 1) -> list[str]:
    """Of twelve words, so that many are alike; every fifth is the one before with a word more."""
    draw = random.Random(seed)
    words = [f"word{number}" for number in range(12)]
    made = [" ".join(draw.choices(words, k=draw.randrange(3, 14))) for _ in range(count)]
    for place in range(5, count, 5):
        made[place] = f"{made[place - 1]} once"
    return made


@pytest.mark.parametrize("least", [0.5, 0.8, 0.9, 1.0])
def test_it_finds_what_comparing_all_with_all_finds(least: float) -> None:
    told = texts(200)
    alike = {(a, b): cosine(counts(told[a]), counts(told[b])) for a, b in combinations(range(len(told)), 2)}
    wanted = {pair for pair, value in alike.items() if value >= least - 1e-9}
    found = near([counts(text) for text in told], least)
    assert {*zip(found.first.tolist(), found.second.tolist(), strict=True)} == wanted
    assert not found.cut
    assert found.likeness.tolist() == pytest.approx(
        [alike[pair] for pair in zip(found.first.tolist(), found.second.tolist(), strict=True)]
    )
    ordered = found.likeness.round(9).tolist()
    assert ordered == sorted(ordered, reverse=True)


@pytest.mark.parametrize("told", [[], ["one"], ["one two", "three four"]], ids=["none", "one", "nothing-shared"])
def test_without_a_pair_there_is_none(told: list[str]) -> None:
    found = near([counts(text) for text in told], 0.5)
    assert (len(found.first), found.cut) == (0, False)


def test_a_bound_is_told_and_texts_that_are_all_alike_still_come_together() -> None:
    told = [counts(f"how long does a refund of order {number} take in the shop of ours") for number in range(200)]
    found = near(told, 0.7, most_compared=1_000)
    assert found.cut
    assert len({*groups(found.first, found.second, len(told)).tolist()}) == 1
    assert not near(told, 0.7).cut
