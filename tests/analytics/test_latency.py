"""Speeds by hand, and comparisons of periods against numpy and the intervals they are made of."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import differences, latency

MS = 1_000_000
INTEGERS = ("duration_ns", "ttft_ns", "output_tokens", "reasoning_tokens")


def calls(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Calls as the store hands them out: nullable integers."""
    frame = pd.DataFrame(rows, columns=[*INTEGERS, "failed"])
    return frame.astype(dict.fromkeys(INTEGERS, "Int64") | {"failed": bool})


def call(
    duration: int | None = 1100, ttft: int | None = 100, tokens: int | None = 11, *, failed: bool = False,
    reasoning: int | None = None,
) -> dict[str, object]:  # fmt: skip
    return {
        "duration_ns": None if duration is None else duration * MS,
        "ttft_ns": None if ttft is None else ttft * MS,
        "output_tokens": tokens, "reasoning_tokens": reasoning, "failed": failed,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "per_token_ms", "per_second"),
    [
        pytest.param(call(), 100.0, 10.0, id="ten-gaps-in-a-second"),  # (1100 - 100) / (11 - 1); 11 / 1.1
        pytest.param(call(ttft=None), None, 10.0, id="not-streamed"),
        pytest.param(call(tokens=1), None, 1 / 1.1, id="one-token-has-no-gap"),
        pytest.param(call(tokens=0), None, None, id="no-tokens"),
        pytest.param(call(tokens=None), None, None, id="unknown-tokens"),
        pytest.param(call(duration=None), None, None, id="unknown-duration"),
        pytest.param(call(duration=0, ttft=0), None, None, id="no-duration"),
        pytest.param(call(failed=True), None, None, id="failed"),
        pytest.param(call(ttft=1200), None, None, id="first-token-after-the-end"),
        pytest.param(call(ttft=-1), None, None, id="first-token-before-the-start"),
        pytest.param(call(ttft=0), 110.0, 10.0, id="first-token-at-once"),
        pytest.param(call(ttft=1100), 0.0, 10.0, id="all-in-one-chunk"),
        pytest.param(call(reasoning=5), None, 10.0, id="reasoned"),
        pytest.param(call(reasoning=0), 100.0, 10.0, id="did-not-reason"),
    ],
)
def test_speeds(row: dict[str, object], per_token_ms: float | None, per_second: float | None) -> None:
    found = latency.speeds(calls([row])).iloc[0]
    for value, expected, unit in (
        (found["time_per_output_token_ns"], per_token_ms, MS),
        (found["tokens_per_second"], per_second, 1),
    ):
        assert math.isnan(value) if expected is None else value / unit == pytest.approx(expected)


def test_speeds_keep_the_rows_and_need_no_reasoning() -> None:
    frame = calls([call(), call(tokens=None)]).drop(columns="reasoning_tokens")
    frame.index = pd.Index([7, 3])
    assert latency.speeds(frame).index.tolist() == [7, 3]
    assert latency.speeds(frame.iloc[:0]).empty


def sample(seed: int, n: int, scale: float, failing: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    duration = rng.lognormal(0, 0.6, n) * scale
    rows = zip(duration, rng.integers(2, 900, n), rng.random(n) < failing, strict=True)
    return calls([call(int(d), int(d / 4), int(t), failed=bool(f)) for d, t, f in rows])


def test_a_slower_period_is_told_from_a_like_one() -> None:
    before, after = sample(1, 800, 1000, 0.02), sample(2, 800, 1500, 0.02)
    found = {(change.measure, change.quantile): change for change in latency.compare(before, after)}
    assert len(found) == 1 + 4 * len(latency.QUANTILES)
    slower = found["duration_ns", 0.5]
    assert slower.clear is True
    assert slower.ratio is not None
    assert slower.ratio.low is not None
    assert slower.ratio.high is not None
    assert 1 < slower.ratio.low < 1.5 < slower.ratio.high
    assert found["error_rate", None].clear is False
    like = latency.compare(before, sample(3, 800, 1000, 0.02), quantiles=[0.5])
    assert [change.clear for change in like if change.measure == "duration_ns"] == [False]


def test_frames_of_arrow_compare_alike() -> None:
    frame = sample(6, 100, 1000, 0.1)
    arrow = pa.Table.from_pandas(frame).to_pandas(types_mapper=pd.ArrowDtype)
    assert latency.compare(arrow, arrow) == latency.compare(frame, frame)


def test_failed_calls_count_in_the_error_rate_alone() -> None:
    before, after = sample(4, 300, 1000, 0.1), sample(5, 200, 1000, 0.3)
    found = {(change.measure, change.quantile): change for change in latency.compare(before, after)}
    rate = found["error_rate", None]
    assert rate.difference == differences.rate_difference(
        int(before["failed"].sum()), 300, int(after["failed"].sum()), 200
    )
    kept = after[~after["failed"]]["duration_ns"].to_numpy(dtype=float)
    p95 = found["duration_ns", 0.95].after
    assert (p95.value, p95.n) == (pytest.approx(np.quantile(kept, 0.95)), len(kept))


def test_periods_without_calls_compare_to_nulls() -> None:
    empty = calls([])
    found = latency.compare(empty, sample(1, 20, 1000, 0.0))
    assert len(found) == 1 + 4 * len(latency.QUANTILES)
    assert {change.difference.value for change in found} == {None}
    assert {change.clear for change in found} == {None}


@given(st.integers(0, 50), st.integers(1, 80))
def test_a_period_does_not_differ_from_itself(seed: int, n: int) -> None:
    frame = sample(seed, n, 1000, 0.1)
    for change in latency.compare(frame, frame):
        assert change.difference.value in {0.0, None}
        assert not change.clear
