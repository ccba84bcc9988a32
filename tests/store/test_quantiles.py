"""Amounts at places of the whole order, found without sorting all, against a plain sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from store.quantiles import Rows, quantiles_of, smallest

AMOUNTS = {
    "spread": lambda rng, n: np.round(rng.lognormal(1, 1, n) * 1e9),
    "few-values": lambda rng, n: rng.integers(0, 3, n).astype(float),
    "all-alike": lambda rng, n: np.full(n, 7.25),
    "with-zeros-and-giants": lambda rng, n: np.where(rng.random(n) < 0.5, 0.0, rng.choice([1e-300, 1.0, 1e300], n)),
    "negative": lambda rng, n: rng.normal(0, 1, n),
}


def in_plain_order(groups: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    return amounts[np.lexsort((amounts, groups))]


@pytest.mark.parametrize("made", AMOUNTS.values(), ids=AMOUNTS)
@pytest.mark.parametrize("count", [1, 5, 300])
def test_places_of_many_rows(made: object, count: int) -> None:
    rng = np.random.default_rng(3)
    amounts = made(rng, 60_000)  # type: ignore[operator]  # one of the table
    groups = rng.integers(0, count, len(amounts)).astype(smallest(count))
    places = rng.integers(0, len(amounts), (2, 40))
    assert np.array_equal(Rows(groups, amounts, count).at(places), in_plain_order(groups, amounts)[places])


@given(some.lists(some.tuples(some.integers(0, 3), some.floats(0, 1e18)), min_size=1, max_size=200))
def test_any_place_of_any_rows(rows: list[tuple[int, float]]) -> None:
    groups, amounts = np.array([group for group, _ in rows], dtype=np.uint8), np.array([amount for _, amount in rows])
    places = np.arange(len(rows))
    assert np.array_equal(Rows(groups, amounts, 4, few=0).at(places), in_plain_order(groups, amounts))


def test_groups_without_an_amount_have_no_quantile() -> None:
    rng = np.random.default_rng(1)
    amounts, groups = rng.lognormal(1, 1, 50_000), np.full(50_000, 2, dtype=np.uint8)
    n, ((value, low, high),) = quantiles_of(groups, amounts, 4, (0.95,))
    assert n.tolist() == [0, 0, 50_000, 0]
    assert np.isnan(np.stack([value, low, high])).tolist() == [[True, True, False, True]] * 3
    assert value[2] == np.quantile(amounts, 0.95)
