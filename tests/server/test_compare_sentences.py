"""What verdicts say, word for word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.compared import Compared, Metric, Options
from analytics.comparison import compare
from analytics.samples import samples
from analytics.slices import Simpson
from server.compare import combined, figures, sentences
from server.compare.combined import Part
from server.compare.measures import kind_of

WAVE = np.sin(np.arange(100))
BASE = 2 + WAVE + 0.3 * np.cos(np.arange(100) * 2.7)
RIGHT = np.arange(200) % 5 > 0


def compared(a: Any, b: Any, options: Options | None = None, **metric: Any) -> Compared:
    table = pd.DataFrame({"variant": ["A"] * len(a) + ["B"] * len(b), "item": [*range(len(a)), *range(len(b))]})
    table["score"] = np.concatenate([a, b]).astype(float)
    found = samples(table, variant="variant", metrics=["score"], item="item")
    [one] = compare(found, [Metric("score", **{"better": "higher", **metric})], options)
    return one


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(
            compared(RIGHT, RIGHT | (np.arange(200) % 10 == 0)),
            "score: B is 10 points higher than A, 90% against 80%, which is better (95% CI 5.836 to 14.67, p < 0.001).",
            id="share-better",
        ),
        pytest.param(
            compared(2 + WAVE, BASE + 0.2, better="lower"),
            "score: B is 0.2 higher than A (+9.98%), 2.204 against 2.004, which is worse (95% CI 0.1576 to 0.2424, p < 0.001).",
            id="mean-worse",
        ),
        pytest.param(
            compared(2 + WAVE, BASE + 0.2, better=None),
            "score: B is 0.2 higher than A (+9.98%), 2.204 against 2.004 (95% CI 0.1576 to 0.2424, p < 0.001).",
            id="nobody-says-which-is-better",
        ),
        pytest.param(
            compared(2 + WAVE, BASE),
            "score: no difference found: B is 3.584e-05 lower than A (-0.00179%), 2.004 against 2.004 (95% CI -0.04242 to 0.04235, p 1). A difference of 0.06037 would be found in 80% of such samples.",
            id="none-found",
        ),
        pytest.param(
            compared(2 + WAVE, BASE, margin=0.1),
            "score: B is not worse than A by 0.1 or more: it is 3.584e-05 lower (-0.00179%), 2.004 against 2.004 (95% CI -0.04242 to 0.04235, p < 0.001).",
            id="non-inferior",
        ),
        pytest.param(
            compared(2 + WAVE, BASE, Options(equivalence=True), margin=0.1),
            "score: B is as good as A, within 0.1: it is 3.584e-05 lower (-0.00179%), 2.004 against 2.004 (95% CI -0.04242 to 0.04235, p < 0.001).",
            id="equivalent",
        ),
        pytest.param(
            compared(2 + WAVE, BASE, margin=0.01),
            "score: no difference found: B is 3.584e-05 lower than A (-0.00179%), 2.004 against 2.004 (95% CI -0.04242 to 0.04235, p 1). A difference of 0.06037 would be found in 80% of such samples. That it is within 0.01 is not shown either.",
            id="not-shown",
        ),
        pytest.param(
            compared(WAVE[:3], BASE[:3]),
            "score: not enough data: 3 items in 3 clusters cannot show a difference, whatever it is (2.073 higher (+355%), 2.657 against 0.5836 here). Take more items.",
            id="few",
        ),
        pytest.param(compared([1.0], [np.nan]), "score: not enough data: B has no value.", id="nothing"),
        pytest.param(
            compared(RIGHT, RIGHT),
            "score: no difference found: A and B both have 80% (95% CI -1.49 to 1.49, p 1). A difference of 3.92 points would be found in 80% of such samples.",
            id="the-same",
        ),
        pytest.param(
            compared(np.full(30, 2.5), np.full(30, 2.5)),
            "score: no difference found: A and B both have 2.5 (no interval, p 1). Nothing here tells how large a difference would be found in 80% of such samples.",
            id="nothing-varies",
        ),
        pytest.param(
            compared(np.exp(WAVE), np.exp(WAVE) * 1.5, q=0.5),
            "score p50: B is 0.5045 higher than A (+50%), 1.513 against 1.009, which is better (95% CI 0.3553 to 0.6537, p < 0.001).",
            id="quantile",
        ),
        pytest.param(
            compared([3] * 40, [2] * 34 + [10] * 6, ordinal=True),
            "score: B is lower than A by ranks, with a rank-biserial correlation of -0.45 and means of 3.2 against 3, which is worse (95% CI of the difference of means -0.7252 to 1.125, p 0.007).",
            id="ranks",
        ),
        pytest.param(
            replace(compared(2 + WAVE, BASE + 0.2), verdict="not enough data", p=None, largest_a=0.87, largest_b=0.5),
            "score: not enough data: one cluster holds 87% of the items of A, and the rest cannot tell how much clusters differ (0.2 higher (+9.98%), 2.204 against 2.004 here). Take more clusters.",
            id="one-cluster",
        ),
    ],
)
def test_verdicts_in_words(found: Compared, said: str) -> None:
    assert sentences.verdict(found) == said


def test_a_paradox_in_words() -> None:
    found = Simpson("correct", "A", "B", 0.046, -0.05, -0.1, -0.01, 2, 2)
    assert sentences.paradox(found) == (
        "correct: B is higher than A over all, and lower once both have the slices in equal shares (0.046 against -0.05; "
        "2 of 2 slices say lower): Simpson's paradox. Judge by the slices."
    )


RIGHTER = compared(RIGHT, RIGHT | (np.arange(200) % 10 == 0))
SAME = compared(2 + WAVE, BASE)


def part(kind: Any, title: str, **more: Any) -> Part:
    """A measure of the same pair, of which 8 to 12 less than 100 is seen."""
    told = {"mean_a": 100.0, "mean_b": 90.0, "difference": -10.0, "ci_low": -12.0, "ci_high": -8.0, "better": "lower",
            "verdict": "better", "statistic": "mean", "p": 0.002, "p_adjusted": 0.008, "margin": None}  # fmt: skip
    return Part(replace(SAME, **{**told, **more}), kind, title)


NOTHING = {"verdict": "no difference found", "difference": 1.0}
CHEAPER = part("cost", "cost of an answer", unit="USD")
EVEN = part("latency", "latency", statistic="p95", ci_low=-4.0, ci_high=6.0, **NOTHING)
WIDE = part("latency", "latency", statistic="p95", ci_low=-40.0, ci_high=60.0, **NOTHING)
FEW = part("latency", "latency", statistic="p95", verdict="not enough data", p=None)
FAILS = part("failed", "failed answers", statistic="share", difference=0.05, verdict="worse")


@pytest.mark.parametrize(
    ("primary", "rest", "said"),
    [
        pytest.param(
            Part(RIGHTER, "quality", "correct"), [CHEAPER, EVEN],
            "B answers 10 points better than A (correct, 95% CI 5.84 to 14.7, p < 0.001), costs 10% less, p95 unchanged; enough data.",
            id="as-the-issue-has-it",
        ),
        pytest.param(
            Part(RIGHTER, "quality", "correct"), [part("cost", "cost", unit="USD", verdict="worse", mean_a=1.0, difference=12.234)],
            "B answers 10 points better than A (correct, 95% CI 5.84 to 14.7, p < 0.001), costs 1,223% more; enough data.",
            id="many-times-as-much",
        ),
        pytest.param(
            Part(RIGHTER, "quality", "correct"), [FAILS, WIDE],
            "B answers 10 points better than A (correct, 95% CI 5.84 to 14.7, p < 0.001), fails 5 points more often, no difference found in p95; enough data.",
            id="fails-more",
        ),
        pytest.param(
            Part(RIGHTER, "quality", "correct"), [FEW],
            "B answers 10 points better than A (correct, 95% CI 5.84 to 14.7, p < 0.001), too little data on p95; enough data otherwise.",
            id="too-little-beside",
        ),
        pytest.param(
            Part(SAME, "quality", "score"), [CHEAPER],
            "B is not found to answer better or worse than A (score, 95% CI -0.0424 to 0.0424, p 1), costs 10% less; differences below 0.0604 may go unseen.",
            id="none-found",
        ),
        pytest.param(
            Part(compared(2 + WAVE, BASE + 0.2, better=None), "quality", "score"), [],
            "B answers 0.2 higher than A (score, 95% CI 0.158 to 0.242, p < 0.001); enough data.",
            id="nobody-says-which-is-better",
        ),
        pytest.param(
            Part(compared(2 + WAVE, BASE, margin=0.1), "quality", "score"),
            [part("cost", "cost", unit="USD", verdict="non-inferior", margin=20.0), part("latency", "latency", verdict="equivalent", margin=20.0, unit="ms")],
            "B answers not worse than A by 0.1 or more (score, 95% CI -0.0424 to 0.0424, p < 0.001), cost not higher by $20.00 or more (10% lower here), latency the same within 20 ms; enough data.",
            id="non-inferior",
        ),
        pytest.param(
            Part(compared(2 + WAVE, BASE, Options(equivalence=True), margin=0.1), "quality", "score"), [],
            "B answers as well as A, within 0.1 (score, 95% CI -0.0424 to 0.0424, p < 0.001); enough data.",
            id="equivalent",
        ),
        pytest.param(
            Part(compared(WAVE[:3], BASE[:3]), "quality", "score"), [CHEAPER],
            "B cannot be told from A (score), costs 10% less; not enough data.", id="few",
        ),
        pytest.param(
            CHEAPER, [EVEN],
            "Against A, B costs 10% less (cost of an answer, 95% CI -$12.00 to -$8.00, adjusted p 0.008), p95 unchanged; enough data.",
            id="cost-counts-most",
        ),
        pytest.param(
            Part(compared([3] * 40, [2] * 34 + [10] * 6, ordinal=True), "quality", "grade"), [],
            "B answers worse than A by ranks (grade, 95% CI of the difference of means -0.725 to 1.13, p 0.007); enough data.",
            id="ranks",
        ),
    ],
)  # fmt: skip
def test_a_pair_in_one_sentence(primary: Part, rest: list[Part], said: str) -> None:
    assert combined.sentence(primary, rest) == said


def test_what_nobody_measured_is_unknown() -> None:
    assert ", cost unknown, p95 unknown; enough data." in combined.sentence(
        Part(RIGHTER, "quality", "x"), [], unknown=("cost", "p95")
    )


@pytest.mark.parametrize(
    ("value", "unit", "said", "ends"),
    [
        pytest.param(0.0000959, "USD", "$0.0000959", "-$0.0000959 to $0.0000959", id="small-money"),
        pytest.param(1.5, "USD", "$1.50", "-$1.50 to $1.50", id="money"),
        pytest.param(12345.6, "USD", "$12,346", "-$12,346 to $12,346", id="much-money"),
        pytest.param(142.31, "ms", "142.3 ms", "-142.3 to 142.3 ms", id="milliseconds"),
        pytest.param(12_345.0, "ms", "12.35 s", "-12.35 to 12.35 s", id="seconds"),
        pytest.param(820.0, "tokens", "820 tokens", "-820 to 820 tokens", id="tokens"),
        pytest.param(0.71, None, "0.71", "-0.71 to 0.71", id="none"),
        pytest.param(None, "USD", "unknown", "? to ?", id="unknown"),
    ],
)
def test_values_have_their_unit(value: float | None, unit: str | None, said: str, ends: str) -> None:
    assert figures.value(value, unit) == figures.size(value, unit) == said
    assert figures.ends(None if value is None else -value, value, unit) == ends


@pytest.mark.parametrize(("found", "said"), [(0.01, "1 point"), (0.011, "1.1 points"), (0.2, "20 points")])
def test_one_point_is_no_points(found: float, said: str) -> None:
    assert figures.size(found, None, share=True) == said


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        pytest.param("cost_usd price totalCost", "cost", id="cost"),
        pytest.param("latency_ms ttft_s duration", "latency", id="latency"),
        pytest.param("failed failures", "failed", id="failed"),
        pytest.param("output_tokens", "tokens", id="tokens"),
        pytest.param("score correct error_rate", "quality", id="quality"),
    ],
)
def test_what_a_metric_is_of_by_its_name(names: str, kind: str) -> None:
    assert {kind_of(name) for name in names.split()} == {kind}
