"""False alarms that are said of two-sample monitors, beside those that months of unchanged windows really have."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial.distance import jensenshannon

from analytics import drift, drifted
from server.monitors import redrawn, sample_alarms, samples
from server.monitors.calibrating import Wanted as Asked
from server.monitors.sampled import Rows, Wanted
from server.monitors.terms import Drift, Terms

AT = datetime(2026, 11, 27)  # noqa: DTZ001 - UTC without a zone, as the store holds times
REFERENCE, WINDOW, MONTHS, LOOKS = 600, 120, 2, 120
ONE = Wanted("error_rate")


def rows(rng: np.random.Generator, size: int, each: int) -> Rows:
    """Calls of sessions of `each`, of which three in ten fail, and more in some sessions than in others."""
    sessions = size // each
    share = np.repeat(rng.beta(3, 7, sessions), each) if each > 1 else 0.3
    values = (rng.random(sessions * each) < share).astype(np.float64)
    clusters = np.repeat(rng.integers(0, 2**60, sessions), each).tolist()
    none: list[str | None] = [None] * len(values)
    times = np.full(len(values), np.datetime64("NaT", "us"))
    return Rows("rate", values, values > 0, clusters, none, times, {}, len(values), none)


def terms(alert: dict[str, Any]) -> Terms:
    told = {"signal": "error_rate", "against": {"release": "1.8"}, "every": "6h", "window": "6h"}
    return Terms.model_validate(told | {"alert": {"persist": "1/1", "min_effect": 1e-6, **alert}})


def said(reference: Rows, watched: Terms) -> dict[str, Any]:
    kept = pa.table({"monitor_id": ["0"], "content": [json.dumps(samples.content(reference))]})
    fitted = {"rows": len(reference), "rows_now": WINDOW}
    return sample_alarms.calibrated(lambda *_, **__: kept, Asked("0", "", "", 1), watched, fitted, AT)


@pytest.mark.parametrize("each", [pytest.param(1, id="calls"), pytest.param(4, id="sessions-of-four")])
def test_what_is_said_is_what_happens(each: int) -> None:
    """Windows of six hours, one after the other, at an alpha of a tenth."""
    rng, watched = np.random.default_rng(each), terms({"alpha": 0.1, "per_month": None})
    assert isinstance(watched.alert, Drift)
    told, seen = [], []
    for _ in range(MONTHS):
        reference = rows(rng, REFERENCE, each)
        told.append(said(reference, watched)["false_alarms"])
        counts = [
            (samples.compared(ONE, reference, rows(rng, WINDOW, each), watched.alert)[0].p or 1.0) < 0.1
            for _ in range(LOOKS)
        ]
        seen.append(sum(now and not before for before, now in zip([False, *counts], counts, strict=False)))
    stated, happened = np.mean([one["value"] for one in told]), np.mean(seen)
    assert happened == pytest.approx(stated, rel=0.35)
    assert np.mean([one["low"] for one in told]) <= happened <= np.mean([one["high"] for one in told])


def test_alpha_is_lowered_to_the_false_alarms_that_are_asked_for() -> None:
    reference = rows(np.random.default_rng(9), REFERENCE, 1)
    often = said(reference, terms({"alpha": 0.1, "per_month": None}))
    seldom = said(reference, terms({"alpha": 0.1, "per_month": 0.5}))
    assert often["alpha"] == 0.1
    assert often["false_alarms"]["value"] > 5
    assert seldom["alpha"] < 0.02
    assert 0.2 < seldom["false_alarms"]["value"] <= 0.5


@pytest.mark.parametrize("each", [pytest.param(1, id="calls"), pytest.param(4, id="sessions-of-four")])
def test_the_delay_that_is_said_is_that_of_real_changes(each: int) -> None:
    """Windows of six hours, one after the other, of which a fifth more fail than of the reference, or more."""
    rng, watched = np.random.default_rng(each), terms({"alpha": 0.01, "per_month": None, "min_effect": 0.2})
    assert isinstance(watched.alert, Drift)
    told, seen = [], []
    for _ in range(3):
        reference = rows(rng, REFERENCE, each)
        told.append(said(reference, watched)["delay"])
        for _ in range(8):
            looks = 1
            while not counts(reference, changed(rng, each, 0.2), watched.alert):
                looks += 1
            seen.append(looks / 4)
    assert [one["effect"] for one in told] == pytest.approx([0.2] * 3)
    assert min(one["median_low"] for one in told) <= np.median(seen) <= max(one["median_high"] for one in told)
    assert np.mean([one["late_days"] for one in told]) == pytest.approx(np.quantile(seen, 0.9), rel=0.6)


def counts(reference: Rows, now: Rows, alert: Drift) -> bool:
    found, _ = samples.compared(ONE, reference, now, alert)
    return (found.p or 1.0) < 0.01 and (found.effect or 0.0) >= 0.2


def changed(rng: np.random.Generator, each: int, by: float) -> Rows:
    """A window of which so many more fail."""
    own = rows(rng, WINDOW, each)
    turned = rng.random(len(own)) < by / (1 - 0.3)
    return replace(own, values=np.maximum(own.values, turned))


@pytest.mark.parametrize("distance", [0.05, 0.3, 0.9])
def test_a_new_category_is_as_far_away_as_it_is_to_be(distance: float) -> None:
    share = redrawn.new_share(distance)
    assert jensenshannon([0.7, 0.3, 0], [0.7 * (1 - share), 0.3 * (1 - share), share], 2) == pytest.approx(distance)


@pytest.mark.parametrize(
    ("signal", "kind"),
    [
        pytest.param("duration", "numeric", id="numbers"),
        pytest.param("model_mix", "categorical", id="categories"),
        pytest.param("input_embedding", "embedding", id="points"),
    ],
)
def test_a_change_of_the_least_effect_is_one_in_half_of_the_windows(signal: str, kind: str) -> None:
    """What is drawn changes by what was asked for: the effect that a test sees is as often above it as below."""
    rng = np.random.default_rng(5)
    values = {
        "numeric": rng.lognormal(size=300), "categorical": rng.choice(np.array(["a", "b"], object), 300),
        "embedding": rng.choice(np.array(["how do I pay", "where is it", "thank you for that", "no"], object), 300),
    }[kind]  # fmt: skip
    whole = redrawn.sample(replace(rows(rng, 300, 1), kind=kind, values=values, failed=np.zeros(300, bool)), signal)
    effect = 0.5 if kind == "numeric" else 0.2
    seen: list[float] = []

    def look(column: drift.Column, clusters: tuple[drift.Labels, drift.Labels]) -> bool:
        (found,) = drift.drift({"x": column}, clusters, drifted.Options(settled=0.05, beside=False))
        seen.append(found.difference if kind == "numeric" else found.effect)
        return True

    assert len(redrawn.changed(whole, 150, effect, look)) == redrawn.CHANGED
    assert np.median(seen) == pytest.approx(effect, rel=0.25)
