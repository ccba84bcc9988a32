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
from server.compare import sentences

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
            "score: no difference found: A and B both have 80% (95% CI -1.49 to 1.49, p 1). A difference of 1.49 points would be found in 80% of such samples.",
            id="the-same",
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
