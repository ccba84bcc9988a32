"""False alarms that are said of two-sample monitors, beside those that months of unchanged windows really have."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from server.monitors import samples
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
    kept = pa.table({"monitor_id": ["0"], "content": [json.dumps(samples._content(reference))]})
    fitted = {"rows": len(reference), "rows_now": WINDOW}
    return samples.calibrated(lambda *_, **__: kept, Asked("0", "", "", 1), watched, fitted, AT)


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
