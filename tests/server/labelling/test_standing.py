"""Which items a labeller is handed next, and when a gold one is due."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.labelling.standing import SELDOM, Standing, chosen, gold_places, scattered, sides_in_order
from server.labelling.terms import Asked, Terms

TERMS = Terms(fields=(Asked(name="f", kind="binary"),), labels=2, gold_share=0)
COLUMNS: dict[str, Any] = {
    "gold": False, "priority": 0.0, "needed": 2, "labels": 0, "skips": 0, "held": 0, "mine": False, "passed": False,
    "leased": False, "drafted": False,
}  # fmt: skip


def standing(*items: dict[str, Any], enough: int = 3) -> Standing:
    """Items 1, 2, ...; each says what it has that others have not."""
    columns = {name: np.array([one.get(name, usual) for one in items]) for name, usual in COLUMNS.items()}
    return Standing(number=np.arange(1, len(items) + 1), **columns, enough=enough)


@pytest.mark.parametrize(
    ("items", "order"),
    [
        pytest.param([{}, {}, {}], [1, 2, 3], id="the-oldest-first"),
        pytest.param([{}, {"priority": 2}, {"priority": 1}], [2, 3, 1], id="higher-priority-first"),
        pytest.param([{}, {"labels": 1}], [2, 1], id="what-is-begun-is-finished"),
        pytest.param([{"priority": 1}, {"labels": 1}], [1, 2], id="priority-before-begun"),
        pytest.param([{"priority": 1}, {"drafted": True}], [2, 1], id="own-drafts-before-all"),
        pytest.param([{"labels": 2}, {}], [2], id="done"),
        pytest.param([{"labels": 1, "held": 1}, {}], [2], id="the-last-place-is-held"),
        pytest.param([{"needed": 3, "labels": 1, "held": 1}], [1], id="an-item-that-needs-more"),
        pytest.param([{"mine": True, "labels": 1}, {}], [2], id="labelled-by-me"),
        pytest.param([{"passed": True, "skips": 1}, {}], [2], id="skipped-by-me"),
        pytest.param([{"skips": 3}, {}], [2], id="skipped-by-three"),
        pytest.param([{"skips": 3, "labels": 1}, {}], [1, 2], id="skipped-by-three-and-labelled"),
        pytest.param([{"leased": True}, {}], [2], id="before-me-already"),
        pytest.param([{"gold": True}, {}], [2], id="no-gold-is-due"),
    ],
)
def test_the_order(items: list[dict[str, Any]], order: list[int]) -> None:
    assert list(chosen(standing(*items), TERMS, "ann", "q", 1)) == order


def test_a_random_order_is_each_ones_own_and_stays() -> None:
    terms, items = TERMS.model_copy(update={"order": "random"}), standing(*[{}] * 50)
    ann, bob = (list(chosen(items, terms, who, "q", 1)) for who in ("ann", "bob"))
    assert sorted(ann) == sorted(bob) == list(range(1, 51))
    assert ann != bob
    assert ann == list(chosen(items, terms, "ann", "q", 1))
    assert len(set(scattered(np.arange(10_000), "ann").tolist())) == 10_000


def test_gold_is_handed_out_by_its_share_and_then_no_more() -> None:
    terms = TERMS.model_copy(update={"gold_share": 0.25})
    items = standing(*[{}] * 40, *[{"gold": True}] * 5)
    given_out = list(islice(chosen(items, terms, "ann", "q", 40), 40))
    gold = [place for place, number in enumerate(given_out) if number > 40]
    assert len(gold) == 5
    assert [place // 4 for place in gold] == [0, 1, 2, 3, 4], "one in each stretch of four"


def test_a_queue_of_nothing_but_gold_is_handed_out() -> None:
    assert list(chosen(standing({"gold": True}, {"gold": True, "mine": True}), TERMS, "ann", "q", 5)) == [1]


@given(st.integers(0, 500), st.floats(0, 0.5), st.text(max_size=5))
def test_gold_comes_one_at_a_time_and_about_as_often_as_it_should(handed: int, share: float, seed: str) -> None:
    before, after = gold_places(handed, share, seed), gold_places(handed + 1, share, seed)
    assert before <= after <= before + 1
    stretch = round(1 / share) if share >= SELDOM else None
    assert before == 0 if stretch is None else handed // stretch <= before <= handed // stretch + 1


def test_sides_change_places_between_items() -> None:
    firsts = [sides_in_order(["a", "b"], number, "ann")[0] for number in range(400)]
    assert 150 < firsts.count("a") < 250
    assert sides_in_order(["a", "b", "c"], 1, "ann") == sides_in_order(["a", "b", "c"], 1, "ann")


def test_how_items_stand() -> None:
    items = standing({}, {"labels": 1}, {"labels": 2}, {"skips": 2}, {"gold": True, "labels": 1}, enough=2)
    assert list(items.states()) == ["waiting", "started", "done", "skipped", "gold"]
