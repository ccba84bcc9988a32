"""What hardware by the hour costs and does, against pandas over the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from store.queries import hardware

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(days=2)}
VERSIONS = ["fast", "slow", "unused"]


def calls(count: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    told = rng.random(count) < 0.8
    return pd.DataFrame({
        "project_id": 1, "trace_id": [UUID(int=int(n)) for n in rng.integers(1, 90, count)],
        "span_id": np.arange(1, count + 1), "kind": "llm", "tags": [[]] * count, "price_status": "priced",
        "start_time": [START + timedelta(seconds=round(float(s), 6)) for s in rng.uniform(-9000, 181_800, count)],
        "duration_ns": rng.integers(10**9, 2 * 10**12, count), "failed": rng.random(count) < 0.15,
        "usage_role": np.where(rng.random(count) < 0.1, "aggregate", "leaf"),
        "response_model": rng.choice(["llama", "qwen", None], count), "request_model": None,
        "output_tokens": pd.array(np.where(told, rng.integers(1, 900, count), -1), "Int64"),
        "price_source": np.where(rng.random(count) < 0.9, "own", "genai-prices"),
        "price_version": rng.choice(["fast", "slow", "by-token"], count),
        "cost_usd": np.where(rng.random(count) < 0.95, np.round(rng.gamma(1, 0.01, count), 9), np.nan),
    }).replace({"output_tokens": {-1: None}})  # fmt: skip


ALL = calls()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("hardware"))
    opened.add_calls(ALL)
    yield opened
    opened.close()


def ask(store: Any, **params: Any) -> pd.DataFrame:
    return store.readers.run("hardware_by", 1, WINDOW | {"versions": VERSIONS} | params).table.to_pandas()


def hourly() -> pd.DataFrame:
    frame = ALL[(ALL["usage_role"] == "leaf") & (ALL["price_source"] == "own") & ALL["price_version"].isin(VERSIONS)]
    frame = frame[frame["start_time"].between(*WINDOW.values(), inclusive="left") & frame["cost_usd"].notna()]
    return frame.assign(model=frame["response_model"])


def ratio(part: pd.DataFrame, below: str) -> tuple[float, float, float]:
    traces = part.groupby("trace_id").agg(x=("cost_usd", "sum"), y=(below, "sum"))
    x, y, n = traces["x"].astype(float), traces["y"].astype(float), len(traces)
    found = x.sum() / y.sum()
    reach = stats.t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1) * ((x - found * y) ** 2).sum()) / y.sum()
    return found, max(0.0, found - reach), found + reach


def merged(part: pd.DataFrame) -> tuple[int, int]:
    """Busy and wall time, second by hand: one interval after the other."""
    spans = sorted(
        (int(at.value), int(at.value) + int(length))
        for at, length in zip(pd.to_datetime(part["start_time"]).dt.as_unit("ns"), part["duration_ns"], strict=True)
    )
    busy, end = 0, spans[0][0]
    for start, stop in spans:
        busy += max(0, stop - max(start, end))
        end = max(end, stop)
    return busy, end - spans[0][0]


def test_each_model_and_entry_is_that_of_pandas(filled: Any) -> None:
    found, frame = ask(filled), hourly()
    assert set(found["price_version"]) == {"fast", "slow"}
    assert found["calls"].sum() == len(frame)
    assert found["calls"].is_monotonic_decreasing
    for row in found.to_dict("records"):
        entry = frame[frame["price_version"] == row["price_version"]]
        part = entry[
            entry["model"].isna() if row["model"] is None or pd.isna(row["model"]) else entry["model"] == row["model"]
        ]
        assert (row["calls"], row["failed"], row["traces"]) == (
            len(part), part["failed"].sum(), part["trace_id"].nunique(),
        )  # fmt: skip
        told = part[part["output_tokens"].notna()]
        assert (row["told_calls"], row["output_tokens"]) == (len(told), told["output_tokens"].sum())
        for name, wanted, scale in (
            ("per_call", ratio(part.assign(one=1), "one"), 1),
            ("per_1k_output", ratio(told, "output_tokens"), 1000),
        ):
            for end, value in zip(("", "_low", "_high"), wanted, strict=True):
                assert row[f"{name}{end}"] == pytest.approx(value * scale, rel=1e-9), (name, end)
        well = part.loc[~part["failed"], "duration_ns"].astype(float)
        assert row["n"] == len(well)
        for name, q in (("p50", 0.5), ("p95", 0.95)):
            assert row[name] == pytest.approx(np.quantile(well, q))
            assert row[f"{name}_low"] <= row[name]
        busy, wall = merged(entry)
        assert (row["busy_ns"], row["wall_ns"]) == (busy, wall)
        assert row["utilisation"] == pytest.approx(busy / wall)
        assert row["at_once"] == pytest.approx(entry["duration_ns"].sum() / busy)


def test_busy_time_over_many_steps() -> None:
    rng = np.random.default_rng(4)
    starts, lengths = rng.integers(0, 10**9, 100_000), rng.integers(0, 2 * 10**7, 100_000)
    lengths[7] = 10**11  # longer than a step
    busy, wall, utilisation, at_once = hardware._busy(starts, lengths)
    expected = merged(pd.DataFrame({"start_time": pd.to_datetime(starts, unit="us"), "duration_ns": lengths}))
    assert (busy, wall) == expected
    assert (utilisation, at_once) == (expected[0] / expected[1], lengths.sum() / expected[0])


def test_a_filter_narrows_it(filled: Any) -> None:
    assert set(ask(filled, model="qwen")["model"]) == {"qwen"}


@pytest.mark.parametrize("versions", [[], ["unused"]])
def test_without_a_price_by_the_hour_there_is_no_row(filled: Any, versions: list[str]) -> None:
    found = ask(filled, versions=versions)
    assert found.empty
    assert {"per_call_low", "per_1k_output", "p95_high", "utilisation"} <= set(found.columns)
