"""Sizes of samples against published figures and statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import planning, sequences
from analytics.pilot import alone, pilot
from analytics.pilot_doubt import factors
from analytics.planning import Spread
from analytics.samples import samples, side


@pytest.mark.parametrize(
    ("spread", "repeats", "expected"),
    [
        pytest.param(Spread(1 / 9), 1, 968.997, id="miller"),
        pytest.param(Spread(1 / 9, 1 / 6, 1 / 6), 1, 3875.99, id="one-answer"),
        pytest.param(Spread(1 / 9, 1 / 6, 1 / 6), 10, 1259.70, id="ten-answers"),
    ],
)
def test_items_are_millers(spread: Spread, repeats: int, expected: float) -> None:
    found = planning.items_for(0.03, spread, repeats=(repeats, repeats))
    assert found == pytest.approx(expected, abs=5e-3)
    assert planning.difference_for(found, spread, repeats=(repeats, repeats)) == pytest.approx(0.03)


@pytest.mark.parametrize(("effect", "expected"), [(0.3, 89.14936472), (-0.3, 89.14936472), (0.01, 78490.52584432)])
def test_pairs_are_statsmodels(effect: float, expected: float) -> None:
    """TTestPower().solve_power of statsmodels 0.15."""
    assert planning.pairs_by_t(effect) == pytest.approx(expected)


def test_unpaired_items_are_statsmodels() -> None:
    """TTestIndPower().solve_power(.5, power=.8, alpha=.05) of statsmodels 0.15."""
    assert planning.each_by_t(0.5) == pytest.approx(63.76561059)


@pytest.mark.parametrize(
    ("effect", "level", "power"),
    [
        pytest.param(0.3, 0.95, 0.8, id="as-usual"),
        pytest.param(0.05, 0.9999, 0.8, id="one-of-many-tests"),
        pytest.param(1.0, 0.999, 0.99, id="few-pairs"),
        pytest.param(0.2, 0.9999, 0.9999, id="both-ends-far-out"),
        pytest.param(0.002, 0.999, 0.999, id="millions"),
    ],
)
def test_pairs_have_the_power_that_was_asked_for(effect: float, level: float, power: float) -> None:
    """By scipy's noncentral t distribution, which is of another library than its special function."""
    n = planning.pairs_by_t(effect, level=level, power=power)
    reach = stats.t.isf((1 - level) / 2, n - 1)
    assert stats.nct.sf(reach, n - 1, effect * n**0.5) == pytest.approx(power, abs=2e-6)


def test_two_shares() -> None:
    """Power of the pooled test, by simulation of its distribution."""
    n = planning.whole(planning.each_by_shares(0.8, 0.85))
    assert n == 906
    error = ((0.8 * 0.2 + 0.85 * 0.15) / n) ** 0.5
    pooled = (2 * 0.825 * 0.175 / n) ** 0.5
    assert stats.norm.sf(stats.norm.isf(0.025) * pooled, 0.05, error) == pytest.approx(0.8, abs=0.001)


def test_pairs_of_shares() -> None:
    assert planning.pairs_by_shares(0.05, 0.2) == pytest.approx(625.5473, abs=1e-3)
    with pytest.raises(ValueError, match=r"from 0\.3 \(the difference\)"):
        planning.pairs_by_shares(0.3, 0.2)


def test_clusters_inflate() -> None:
    assert planning.design_effect(5, 0.3) == pytest.approx(2.2)
    assert planning.design_effect(1, 0.3) == 1


def test_formulas_are_turned_about() -> None:
    found = planning.difference_of(lambda delta: planning.each_by_shares(0.8, 0.8 + delta), 906, 0.2)
    assert found == pytest.approx(0.05, abs=1e-4)
    assert planning.difference_of(lambda delta: planning.each_by_shares(0.8, 0.8 + delta), 3, 0.2) is None


def test_what_cannot_be_planned() -> None:
    with pytest.raises(ValueError, match="found by no number of items"):
        planning.pairs_by_t(0)
    with pytest.raises(ValueError, match="power lies between 0 and 1"):
        planning.pairs_by_t(0.3, power=1)
    with pytest.raises(ValueError, match="share lies between 0 and 1"):
        planning.each_by_shares(0.5, 1.2)


def test_a_pilot_tells_items_from_repeats() -> None:
    rng = np.random.default_rng(2)
    item = rng.normal(0, 0.5, 2000)
    table = pd.DataFrame(
        [
            {"variant": name, "item": at, "score": value}
            for name, gap in (("a", 0 * item), ("b", 0.1 + item))
            for at in range(2000)
            for value in gap[at] + rng.normal(0, 1, 3)
        ]
    )
    found = pilot(samples(table, variant="variant", metrics=["score"], item="item"), "score", 0, 1)
    assert (found.paired, found.items, found.repeats) == (True, 2000, (3, 3))
    assert found.difference == pytest.approx(0.1, abs=0.1)
    assert (found.spread.items, found.spread.repeats_a) == (pytest.approx(0.25, abs=0.05), pytest.approx(1, abs=0.05))
    assert (found.inflation, found.correlation) == (1.0, None)


def test_a_pilot_tells_what_clusters_cost() -> None:
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(400), 5)
    gaps = np.sqrt(0.3) * rng.normal(size=400)[cluster] + np.sqrt(0.7) * rng.normal(size=2000)
    table = pd.DataFrame(
        {
            "variant": ["a"] * 2000 + ["b"] * 2000, "item": np.tile(np.arange(2000), 2),
            "cluster": np.tile(cluster, 2), "score": np.r_[np.zeros(2000), gaps],
        }
    )  # fmt: skip
    told = samples(table, variant="variant", metrics=["score"], item="item", cluster="cluster")
    found = pilot(told, "score", 0, 1)
    assert (found.size, found.correlation, found.inflation) == (
        5,
        pytest.approx(0.3, abs=0.06),
        pytest.approx(2.2, abs=0.3),
    )


def clustered(groups: int, size: int, seed: int) -> pd.DataFrame:
    """Two variants of other clusters, whose correlation within is 0.3: an item's variance counts 2.2 times."""
    rng = np.random.default_rng(seed)
    at = np.repeat(np.arange(groups), size)
    drawn = [rng.normal(0, 0.3**0.5, groups)[at] + rng.normal(0, 0.7**0.5, at.size) for _ in range(2)]
    return pd.DataFrame({
        "variant": np.repeat(["a", "b"], at.size), "item": np.arange(2 * at.size),
        "cluster": np.concatenate([at, at + groups]), "score": np.concatenate(drawn),
    })  # fmt: skip


def test_a_pilots_doubt_holds_the_true_variance() -> None:
    held = 0
    for seed in range(60):
        found = samples(clustered(40, 5, seed), variant="variant", metrics=["score"], item="item", cluster="cluster")
        sides = [side(found, at, "score") for at in (0, 1)]
        seen = pilot(found, "score", 0, 1, paired=False)
        low, high = factors(sides, paired=False, draws=200) or (0.0, 0.0)
        held += low <= 2 * 2.2 / (seen.spread.of(1, 1) * seen.inflation) <= high
    assert 54 <= held <= 60
    few = samples(clustered(2, 5, 0), variant="variant", metrics=["score"], item="item", cluster="cluster")
    assert factors([side(few, at, "score") for at in (0, 1)], paired=False) is None


def test_one_variant_stands_for_both() -> None:
    found = samples(clustered(200, 5, 1), variant="variant", metrics=["score"], item="item", cluster="cluster")
    lone = found.of(found.variants == 0)
    told, pair = alone(lone, "score", 0, paired=False), pilot(found, "score", 0, 1, paired=False)
    assert told.spread.items == pytest.approx(pair.spread.items, rel=0.1)
    assert told.inflation == pytest.approx(2.2, rel=0.15)
    assert alone(lone, "score", 0, paired=True, correlation=0.75).spread.items == pytest.approx(told.spread.items / 4)
    with pytest.raises(ValueError, match="A pilot of 1 items"):
        alone(found.of(np.arange(found.items.size) == 0), "score", 0, paired=False)


def test_looking_at_any_time_takes_more() -> None:
    """The half width of the sequence and what power takes, together, are the difference."""
    n = planning.each_in_sequence(0.1, (1.0, 1.0))
    r = sequences.tuned(int(2 * n))
    reach = sequences.half_width(2.0, 2 * n, r) + float(stats.norm.ppf(0.8)) * 2.0 / (2 * n) ** 0.5
    assert reach == pytest.approx(0.1, rel=1e-3)
    assert n > 1.5 * planning.each_by_t(0.1)
    assert planning.each_in_sequence(50, (1.0, 1.0)) == sequences.LEAST_UNITS
