"""What explains a change: parts add up, mix is told from change within, what moved as the rest did is not named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.explained import OTHERS, Rows, explained, told


def rows(values: np.ndarray, **labels: list[object]) -> Rows:
    return Rows(values, np.arange(values.size), {name: list(one) for name, one in labels.items()})


def test_a_table_by_hand() -> None:
    """Kitagawa's two parts: rates 0.1 and 0.5 in shares of 0.75 and 0.25 become 0.2 and 0.5 in equal shares."""
    reference = rows(np.r_[np.ones(3), np.zeros(27), np.ones(5), np.zeros(5)], model=["a"] * 30 + ["b"] * 10)
    current = rows(np.r_[np.ones(4), np.zeros(16), np.ones(10), np.zeros(10)], model=["a"] * 20 + ["b"] * 20)
    found = explained(reference, current)
    assert found.change == pytest.approx(0.15)
    model = found.attributes[0]
    assert model.within == pytest.approx((0.75 + 0.5) / 2 * 0.1)
    assert model.mix == pytest.approx(-0.25 * 0.15 + 0.25 * 0.5)
    a = next(part for part in model.parts if part.slice == "a")
    assert (a.n_reference, a.share_current, a.mean_reference) == (30, 0.5, 0.1)
    assert a.apart == pytest.approx(0.1)


def test_the_slice_that_changed_comes_first_and_others_are_not_named() -> None:
    rng = np.random.default_rng(1)
    sides = []
    for moved in (0.0, 0.3):
        model, tenant = rng.choice(["gpt", "claude", "llama"], 3000), rng.choice(list("xyz"), 3000)
        sides.append(
            rows((rng.random(3000) < 0.1 + moved * (model == "llama")).astype(float), tenant=tenant, model=model)
        )
    found = explained(*sides)
    assert [one.name for one in found.attributes] == ["model", "tenant"]
    first = found.attributes[0].parts[0]
    assert first.slice == "llama"
    assert first.part == pytest.approx(found.change, rel=0.3)
    assert first.apart == pytest.approx(0.3, abs=0.06)
    assert found.attributes[1].told == 0
    assert found.slices()[0] == first


def test_a_change_of_mix_is_told_as_that() -> None:
    """Tasks of 10 and 60 % errors, the harder one from a fifth to a half of the traffic: nothing changed within."""
    rng = np.random.default_rng(2)
    sides = []
    for share in (0.2, 0.5):
        hard = rng.random(4000) < share
        sides.append(
            rows((rng.random(4000) < np.where(hard, 0.6, 0.1)).astype(float), task=np.where(hard, "hard", "easy"))
        )
    task = explained(*sides).attributes[0]
    assert task.mix == pytest.approx(0.15, abs=0.03)
    assert abs(task.within) < 0.03
    assert all(part.p_share_adjusted < 1e-6 for part in task.parts)  # type: ignore[operator]  # there are rows enough
    assert all(part.p_adjusted > 0.01 for part in task.parts)  # type: ignore[operator]  # as above


def test_what_changed_everywhere_is_explained_by_no_slice() -> None:
    rng = np.random.default_rng(3)
    sides = [rows(rng.normal(mean, 1, 2000), model=rng.choice(list("abcd"), 2000)) for mean in (0.0, 0.5)]
    found = explained(*sides)
    assert found.change == pytest.approx(0.5, abs=0.1)
    assert not any(told(part) for part in found.attributes[0].parts)


def test_new_slices_small_ones_and_rows_without_a_label() -> None:
    labels = [str(at) for at in range(60)] * 2
    reference, current = rows(np.zeros(120), a=labels), rows(np.ones(130), a=[*labels, *["new"] * 9, None])
    parts = explained(reference, current).attributes[0].parts
    names = {part.slice for part in parts}
    assert OTHERS in names
    assert len(names) == 51
    new = next(part for part in parts if part.slice == "new")
    assert (new.within, new.p, new.mean_reference) == (0.0, None, None)


def test_clusters_are_no_independent_evidence() -> None:
    """Ten sessions a side, of one slice each, with values all their own: nothing is known to have moved."""
    rng = np.random.default_rng(4)
    sides = []
    for side in range(2):
        own = rng.normal(0, 1, 20)
        clusters = np.repeat(np.arange(20), 50)
        sides.append(
            Rows(own[clusters] + rng.normal(0, 0.1, 1000), clusters + 100 * side, {"a": (clusters % 2).tolist()})
        )
    found = explained(*sides)
    assert all(part.p > 1e-3 for part in found.attributes[0].parts)  # type: ignore[operator]  # there are rows enough


SAMPLE = st.lists(st.tuples(st.floats(-5, 5), st.sampled_from("abc")), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(SAMPLE, SAMPLE)
def test_parts_add_up_to_the_change(reference: list, current: list) -> None:
    sides = [rows(np.array([value for value, _ in one]), a=[label for _, label in one]) for one in (reference, current)]
    found = explained(*sides)
    assert sum(part.part for part in found.attributes[0].parts) == pytest.approx(found.change, abs=1e-9)
