"""Coefficients of agreement against published examples, irrCAC's documentation and PandaLM's people; and their laws."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics.agreement import COEFFICIENTS, Agreement, Options, agreement
from analytics.coefficients import cohen, pairwise
from analytics.item_bootstrap import drawn, moved
from analytics.ratings import RatingsError, ratings

PANDALM = Path(__file__).parent / "data/pandalm/labels.csv"
Row = tuple[str, str, str]

# Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, example C; irrCAC's cac.raw4raters.
FOUR = {"A": "123321412...", "B": "1233224125.3", "C": ".3332342251.", "D": "12332441251."}
# Krippendorff 2004, Content Analysis; three coders, fifteen units.
THREE = {"A": ".....34121133.3", "B": "1.213343.......", "C": "..21344.21133.4"}
# Fleiss 1971 in the form of many textbooks: ten subjects, fourteen raters, five categories.
FLEISS = "0 0 0 0 14, 0 2 6 4 2, 0 0 3 5 6, 0 3 9 2 0, 2 2 8 1 1, 7 7 0 0 0, 3 2 6 3 0, 2 5 3 2 2, 6 5 2 1 0, 0 2 2 3 7"


def by_coder(coders: dict[str, str]) -> list[Row]:
    return [(f"u{at:02}", name, mark) for name, marks in coders.items() for at, mark in enumerate(marks) if mark != "."]


def by_cells(*cells: tuple[str, str, int]) -> list[Row]:
    both = [pair[:2] for pair in cells for _ in range(pair[2])]
    return [row for at, (a, b) in enumerate(both) for row in ((f"i{at:03}", "A", a), (f"i{at:03}", "B", b))]


def by_counts(text: str) -> list[Row]:
    rows: list[Row] = []
    for item, line in enumerate(text.split(",")):
        given_labels = [str(label) for label, many in enumerate(line.split()) for _ in range(int(many))]
        rows += [(f"s{item}", f"r{at:02}", label) for at, label in enumerate(given_labels)]
    return rows


def of(rows: Sequence[Row], order: Sequence[str] | None = None, options: Options | None = None) -> dict[str, Agreement]:
    found = ratings(*(list(column) for column in zip(*rows, strict=True)), order)
    return {one.coefficient: one for one in agreement(found, options)}


TEXTBOOK = by_cells(("y", "y", 20), ("y", "n", 5), ("n", "y", 10), ("n", "n", 15))
PARADOX = by_cells(("y", "y", 118), ("y", "n", 5), ("n", "y", 2))


@pytest.mark.parametrize(
    ("rows", "coefficient", "weights", "expected"),
    [
        pytest.param(TEXTBOOK, "percent_agreement", "none", 0.7, id="cohen-percent"),
        pytest.param(TEXTBOOK, "cohen_kappa", "none", 0.4, id="cohen-kappa"),
        pytest.param(TEXTBOOK, "gwet_ac1", "none", 0.405941, id="cohen-ac1"),
        pytest.param(PARADOX, "percent_agreement", "none", 0.944, id="paradox-percent"),
        pytest.param(PARADOX, "cohen_kappa", "none", -0.023392, id="paradox-kappa"),
        pytest.param(PARADOX, "gwet_ac1", "none", 0.940776, id="paradox-ac1"),
        pytest.param(by_counts(FLEISS), "fleiss_kappa", "none", 0.20993, id="fleiss"),
        pytest.param(by_coder(FOUR), "krippendorff_alpha_nominal", "none", 0.743421, id="krippendorff-nominal"),
        pytest.param(by_coder(FOUR), "krippendorff_alpha_ordinal", "none", 0.815388, id="krippendorff-ordinal"),
        pytest.param(by_coder(FOUR), "krippendorff_alpha_interval", "none", 0.849107, id="krippendorff-interval"),
        pytest.param(by_coder(FOUR), "percent_agreement", "none", 0.818182, id="irrcac-percent"),
        pytest.param(by_coder(FOUR), "fleiss_kappa", "none", 0.76117, id="irrcac-fleiss"),
        pytest.param(by_coder(FOUR), "gwet_ac1", "none", 0.77544, id="irrcac-ac1"),
        pytest.param(by_coder(FOUR), "gwet_ac1", "quadratic", 0.914, id="irrcac-ac2"),
        pytest.param(
            [row for row in by_coder(FOUR) if "u01" <= row[0] <= "u08"],
            "fleiss_kappa", "quadratic", 0.666667, id="irrcac-fleiss-quadratic",
        ),
        pytest.param(by_coder(THREE), "krippendorff_alpha_nominal", "none", 0.6914, id="3x15-nominal"),
        pytest.param(by_coder(THREE), "krippendorff_alpha_ordinal", "none", 0.8067, id="3x15-ordinal"),
        pytest.param(by_coder(THREE), "krippendorff_alpha_interval", "none", 0.8108, id="3x15-interval"),
    ],
)  # fmt: skip
def test_published_examples(rows: Sequence[Row], coefficient: str, weights: str, expected: float) -> None:
    found = of(rows, options=Options(weights=weights))[coefficient]  # type: ignore[arg-type]  # of the table
    assert found.value == pytest.approx(expected, abs=6e-5)
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert found.ci_low < found.value < found.ci_high


def pandalm(*names: str) -> list[Row]:
    with PANDALM.open(encoding="utf-8") as lines:
        return [(f"{int(row['item']):04}", name, row[name]) for row in csv.DictReader(lines) for name in names]


def by_hand(rows: Sequence[Row]) -> float:
    """Cohen's kappa, counted."""
    a, b = ({item: label for item, name, label in rows if name == who} for who in sorted({row[1] for row in rows}))
    seen = np.mean([a[item] == b[item] for item in a])
    one, other = Counter(a.values()), Counter(b.values())
    chance = sum(one[label] * other[label] for label in one) / len(a) ** 2
    return float((seen - chance) / (1 - chance))


def test_the_people_of_pandalm_agree_as_published() -> None:
    """Published: Cohen's kappas of .85 to .88."""
    pairs = list(combinations(["annotator1", "annotator2", "annotator3"], 2))
    found = [of(pandalm(*pair))["cohen_kappa"].value for pair in pairs]
    assert found == pytest.approx([by_hand(pandalm(*pair)) for pair in pairs])
    assert all(0.85 <= value <= 0.88 for value in found if value is not None)
    whole = of(pandalm("annotator1", "annotator2", "annotator3"))
    assert whole["cohen_kappa"].value == pytest.approx(np.mean(found))
    assert (whole["cohen_kappa"].n_items, whole["cohen_kappa"].n_labellers) == (553, 3)


def test_the_mean_over_pairs_is_weighted_by_items_that_they_share() -> None:
    rows = [
        row for row in pandalm("annotator1", "annotator2", "annotator3") if row[1] != "annotator3" or row[0] < "0200"
    ]
    pairs = list(combinations(["annotator1", "annotator2", "annotator3"], 2))
    parts = [of([row for row in rows if row[1] in pair])["cohen_kappa"] for pair in pairs]
    expected = np.average([one.value for one in parts], weights=[one.n_items for one in parts])
    assert of(rows)["cohen_kappa"].value == pytest.approx(expected)


def test_the_interval_is_that_of_scipys_bootstrap() -> None:
    """BCa, at the level to which Student's quantile widens it for 50 items."""
    a, b = (np.array([row[2] == "y" for row in TEXTBOOK if row[1] == who], float) for who in "AB")

    def kappa(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        seen, one, other = (x == y).mean(axis), x.mean(axis), y.mean(axis)
        chance = one * other + (1 - one) * (1 - other)
        return (seen - chance) / (1 - chance)

    level = 1 - 2 * stats.norm.cdf(-np.sqrt(50 / 49) * stats.t.ppf(0.975, 49))
    ends = stats.bootstrap(
        (a, b), kappa, paired=True, vectorized=True, n_resamples=20_000, confidence_level=level, method="BCa",
        rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    found = of(TEXTBOOK)["cohen_kappa"]
    assert (found.ci_low, found.ci_high) == pytest.approx((ends.low, ends.high), abs=0.03)


@pytest.mark.parametrize("weights", ["none", "quadratic"])
def test_errors_without_draws_are_those_of_draws(weights: str) -> None:
    """As of more labellers than are drawn; the derivative against a small change of one item's weight."""
    rows = pandalm("annotator1", "annotator2", "annotator3", "pandalm7b")
    found = ratings(*(list(column) for column in zip(*rows, strict=True)))
    by_draws = drawn(cohen(found, weights), None, 0.95, 0)["cohen_kappa"]  # type: ignore[arg-type]  # of the table
    told = pairwise(found, weights)  # type: ignore[arg-type]
    by_moves = moved(told.value, told.moves, None, 0.95)
    assert by_moves.value == pytest.approx(by_draws.value)
    assert (by_moves.low, by_moves.high) == pytest.approx((by_draws.low, by_draws.high), abs=0.006)


def test_perfect_agreement_is_1_and_its_interval_is_stated() -> None:
    found = of([(f"i{at}", who, "yes" if at % 3 else "no") for at in range(30) for who in "ABC"])
    assert [found[name].value for name in COEFFICIENTS] == [1.0] * 7
    for name in COEFFICIENTS:
        low, high = found[name].ci_low, found[name].ci_high
        assert low is not None
        assert 0.5 < low < 0.9
        assert high == 1.0
    # 30 of 30 by Wilson's interval with Student's quantile.
    assert found["percent_agreement"].ci_low == pytest.approx(30 / (30 + stats.t.ppf(0.975, 29) ** 2))


def test_one_category_is_undefined_and_never_1() -> None:
    found = of([(f"i{at}", who, "yes") for at in range(30) for who in "AB"])
    assert found["percent_agreement"].value == 1.0
    for name in COEFFICIENTS[1:]:
        assert (found[name].value, found[name].ci_low) == (None, None)
        assert found[name].why
    assert "all labels are 'yes'" in (found["cohen_kappa"].why or "")


def test_a_category_that_nobody_used_counts_where_it_is_told() -> None:
    """AC1 of a scale of which one label alone was used is defined; the kappas are not."""
    found = of([(f"i{at}", who, "yes") for at in range(30) for who in "AB"], order=["no", "yes"])
    assert found["gwet_ac1"].value == 1.0
    assert found["cohen_kappa"].value is None


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        pytest.param([(f"i{at}", "A", str(at % 2)) for at in range(9)], "no item has labels of two", id="one-labeller"),
        pytest.param([("i1", "A", "x"), ("i2", "B", "y")], "no item has labels of two", id="no-item-in-common"),
    ],
)
def test_without_two_labels_nothing_is_told(rows: Sequence[Row], why: str) -> None:
    for one in of(rows).values():
        assert (one.value, one.n_items) == (None, 0)
        assert why in (one.why or "")


def test_resamples_without_a_value_are_told() -> None:
    """One item of 40 is of another category: a third of the resamples has one category alone."""
    found = of([(f"i{at:02}", who, "no" if at == 0 and who == "A" else "yes") for at in range(40) for who in "AB"])
    kappa = found["krippendorff_alpha_nominal"]
    assert kappa.value == pytest.approx(0, abs=0.02)
    assert kappa.undefined_draws == pytest.approx(2000 * (1 - 1 / 40) ** 40, rel=0.2)
    assert kappa.ci_low is None
    assert "of 2,000 resamples have no value" in (kappa.why or "")


def test_pairs_that_said_one_thing_alone_are_left_out_and_told() -> None:
    rows = TEXTBOOK + [(f"j{at}", who, "y") for at in range(20) for who in "CD"]
    found = of(rows)["cohen_kappa"]
    assert found.value == pytest.approx(0.4)
    assert "left out: 1 pair of labellers" in (found.why or "")


@pytest.mark.parametrize(
    ("labels", "order", "defined"),
    [
        pytest.param(["low", "mid", "high"], None, [True, False, False], id="words-have-no-order"),
        pytest.param(["low", "mid", "high"], ["low", "mid", "high"], [True, True, False], id="words-in-an-order"),
        pytest.param(["1", "2", "5"], None, [True, True, True], id="numbers"),
        pytest.param(["2", "1", "5"], ["2", "1", "5"], [True, True, False], id="numbers-in-another-order"),
        pytest.param(["a", "b", "a"], None, [True, True, True], id="two-categories-have-any-order"),
    ],
)  # fmt: skip
def test_which_alphas_labels_allow(labels: list[str], order: list[str] | None, defined: list[bool]) -> None:
    rows = [(f"i{at:02}", who, labels[(at + (at % 5 == 0) * (who == "B")) % 3]) for at in range(30) for who in "AB"]
    found = of(rows, order)
    assert [
        found[f"krippendorff_alpha_{kind}"].value is not None for kind in ("nominal", "ordinal", "interval")
    ] == defined


def test_numbers_are_one_label_however_they_are_written() -> None:
    assert of([("i1", "A", "1"), ("i1", "B", "1.0"), ("i2", "A", "2"), ("i2", "B", "2e0")])["cohen_kappa"].value == 1.0


@pytest.mark.parametrize(
    ("rows", "order", "why"),
    [
        pytest.param([("i1", "A", "x"), ("i1", "A", "y")], None, "A labels item i1 'x' and 'y'", id="two-labels"),
        pytest.param([("i1", "A", "x")], ["y", "z"], "'x' is not in the order y, z", id="not-in-the-order"),
        pytest.param([("i1", "A", "x")], ["x", "x"], "names a label twice", id="order-twice"),
    ],
)
def test_labels_that_do_not_serve(rows: list[Row], order: list[str] | None, why: str) -> None:
    with pytest.raises(RatingsError, match=why):
        of(rows, order)


ROWS = st.dictionaries(
    st.tuples(st.integers(0, 14), st.sampled_from("ABCD")), st.sampled_from("1235"), min_size=4, max_size=50
).map(lambda told: [(f"i{item:02}", who, label) for (item, who), label in told.items()])


def figures(rows: Sequence[Row]) -> list[float | None]:
    return [end for one in of(rows).values() for end in (one.value, one.ci_low, one.ci_high)]


@settings(max_examples=12)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Row], chance: object) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert figures(shuffled) == figures(rows)


@settings(max_examples=12)
@given(ROWS, st.permutations("ABCD"))
def test_names_of_labellers_do_not_matter(rows: list[Row], names: list[str]) -> None:
    turned = dict(zip("ABCD", names, strict=True))
    expected = figures(rows)
    found = figures([(item, turned[who], label) for item, who, label in rows])
    assert [one is None for one in found] == [one is None for one in expected]
    assert [one for one in found if one is not None] == pytest.approx(
        [one for one in expected if one is not None], abs=1e-9
    )


@settings(max_examples=12)
@given(ROWS)
def test_intervals_hold_the_value(rows: list[Row]) -> None:
    for one in of(rows).values():
        if one.value is None or one.ci_low is None or one.ci_high is None:
            assert one.why
        else:
            assert one.ci_low <= one.value <= one.ci_high <= 1 + 1e-9


def test_clusters_widen_the_interval() -> None:
    """Items of one session that go wrong together are less evidence."""
    rows = [row for row in pandalm("annotator1", "annotator2") if row[0] < "0400"]
    found = ratings(*(list(column) for column in zip(*rows, strict=True)))
    agree = {item: len({label for one, _, label in rows if one == item}) == 1 for item in found.ids}
    sessions = np.array([at // 2 if agree[item] else 10_000 + at // 30 for at, item in enumerate(found.ids)])
    codes = np.unique(sessions, return_inverse=True)[1].astype(np.intp)
    alone, together = (agreement(found, None, clusters)[1] for clusters in (None, codes))
    assert together.value == pytest.approx(alone.value)
    assert together.ci_low is not None
    assert alone.ci_low is not None
    assert together.ci_low < alone.ci_low
