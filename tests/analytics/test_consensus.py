"""Consensus: majority by counting, Dawid and Skene's own example, and labels whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.consensus import consensus, majority, share_right
from analytics.ratings import Ratings, ratings

# Dawid and Skene 1979, table 1: 45 patients; observer 1 three times, then observers 2 to 5.
PATIENTS = (  # noqa: SIM905 - a table
    "1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212 "
    "1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111 "
    "1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 "
    "2322222 1211111 2222222"
).split()
OBSERVERS = [0, 0, 0, 1, 2, 3, 4]


def patients() -> Ratings:
    rows = np.array(
        [(at, OBSERVERS[k], int(mark) - 1) for at, marks in enumerate(PATIENTS) for k, mark in enumerate(marks)]
    )
    names = [np.array([str(at) for at in range(many)], object) for many in (45, 5)]
    return Ratings(rows[:, 0], rows[:, 1], rows[:, 2], *names, ("1", "2", "3", "4"), None, False)


def test_dawid_and_skenes_own_example() -> None:
    """Table 2 of the paper, from the start that it takes."""
    found = consensus(patients(), smoothing=0, starts=1)
    assert found.shares == pytest.approx([0.40, 0.42, 0.11, 0.07], abs=0.005)
    first = [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]]
    assert found.confusion[0] == pytest.approx(np.array(first), abs=0.005)
    assert found.converged


def simulated(seed: int = 0) -> tuple[Ratings, np.ndarray, np.ndarray]:
    """Two good labellers, three poor ones who often say `0`, and which chances they have of being right."""
    rng = np.random.default_rng(seed)
    right = np.array([0.95, 0.9, 0.5, 0.45, 0.5])
    truth = rng.integers(0, 3, 600)
    items, labellers = np.repeat(np.arange(600), 5), np.tile(np.arange(5), 600)
    wrong = np.where(rng.random(items.size) < 0.7, 0, rng.integers(0, 3, items.size))
    labels = np.where(rng.random(items.size) < right[labellers], truth[items], wrong)
    found = ratings([f"{at:03}" for at in items], [f"r{at}" for at in labellers], [str(at) for at in labels])
    return found, truth, right


def test_the_model_finds_whom_to_believe() -> None:
    found, truth, _ = simulated()
    model, votes = consensus(found), majority(found)
    by_model = (model.chances.argmax(axis=1) == truth).mean()
    assert by_model > 0.95
    assert by_model > (votes.labels == truth).mean() + 0.03
    assert model.agreeing == model.starts
    # Chances are honest: of items with so high a chance, so many are right.
    assert model.chances.max(axis=1).mean() == pytest.approx(by_model, abs=0.02)


def test_confusion_and_accuracy_are_those_that_were_drawn() -> None:
    found, truth, _ = simulated(1)
    model = consensus(found)
    for at in range(5):
        labels = found.labels[found.labellers == at]
        value, low, high, n = share_right(model.expected[at])
        assert value == pytest.approx((labels == truth).mean(), abs=0.03)
        assert low is not None
        assert high is not None
        assert low < (labels == truth).mean() < high
        assert n == pytest.approx(600)
        for true in range(3):
            assert model.confusion[at, true, true] == pytest.approx((labels[truth == true] == true).mean(), abs=0.06)


def test_an_item_is_unsure_where_good_labellers_differ() -> None:
    found, _, _ = simulated()
    model = consensus(found)
    table = found.labels.reshape(-1, 5)
    entropies = model.entropies()
    assert entropies[table[:, 0] != table[:, 1]].mean() > 3 * entropies[table[:, 0] == table[:, 1]].mean()
    assert ((entropies >= 0) & (entropies <= 1)).all()


def test_majority_tells_ties() -> None:
    rows = [("i1", "A", "x"), ("i1", "B", "x"), ("i1", "C", "y"), ("i2", "A", "x"), ("i2", "B", "y"), ("i3", "A", "z")]
    found = majority(ratings(*(list(column) for column in zip(*rows, strict=True))))
    assert found.labels.tolist() == [0, -1, 2]
    assert found.tied[1].tolist() == [True, True, False]
    assert found.votes.tolist() == [2, 1, 1]
    assert found.n.tolist() == [3, 2, 1]


def test_the_order_of_rows_does_not_matter() -> None:
    found, _, _ = simulated()
    order = np.random.default_rng(4).permutation(found.size)
    columns = [found.ids[found.items], found.names[found.labellers], np.array(found.categories)[found.labels]]
    turned = ratings(*(column[order].tolist() for column in columns))
    assert np.array_equal(consensus(turned).chances, consensus(found).chances)


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_one_label_an_item_is_no_error(smoothing: float) -> None:
    model = consensus(ratings(["i1", "i2"], ["A", "A"], ["x", "y"]), smoothing=smoothing)
    assert model.chances.argmax(axis=1).tolist() == [0, 1]
    assert np.isfinite(model.chances).all()
