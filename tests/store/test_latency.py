"""Questions of latency over `calls`, against numpy over the same rows and `analytics` over the same samples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from analytics import intervals
from analytics.latency import speeds
from store import quantiles
from store.errors import UnknownQueryError
from store.queries import latency

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(days=2)}
HOUR_US = 3_600_000_000
MEASURES = {
    "duration": "duration_ns", "ttft": "ttft_ns", "time_per_output_token": "time_per_output_token_ns",
    "tokens_per_second": "tokens_per_second",
}  # fmt: skip
ABOUT = {"rel": 1e-7, "nan_ok": True}  # of bounds: their ranks are found to eight digits


def made(count: int = 1_500) -> pd.DataFrame:
    """Calls of 150 traces, with nulls everywhere; some outside the window, some of other roles or projects."""
    rng = np.random.default_rng(11)

    def any_of(*values: Any) -> list[Any]:
        return [values[place] for place in rng.integers(0, len(values), count)]

    duration = (rng.lognormal(1, 1, count) * 1e9).astype(np.int64)
    return pd.DataFrame({
        "project_id": any_of(1, 1, 1, 1, 2), "trace_id": [UUID(int=int(n)) for n in rng.integers(1, 151, count)],
        "span_id": range(count), "start_time": [START + timedelta(hours=float(h)) for h in rng.uniform(-6, 54, count)],
        "duration_ns": pd.array(np.where(rng.random(count) < 0.05, -1, duration), "Int64"),
        "ttft_ns": pd.array((duration * rng.uniform(0, 1.1, count)).astype(np.int64), "Int64"),
        "kind": any_of("llm", "llm", "embedding"), "usage_role": any_of("leaf", "leaf", "leaf", "duplicate"),
        "failed": any_of(True, False, False, False), "response_model": any_of("a", "a", "b", "c", "d", None),
        "service": any_of("shop", "mail", None), "tags": any_of([], ["x"], ["x", "y"]),
        "input_tokens": pd.array(any_of(100, 2000, None), "Int64"),
        "cache_read_tokens": pd.array(any_of(0, 50, None), "Int64"),
        "output_tokens": pd.array(any_of(1, 10, 300, 0, None), "Int64"),
        "reasoning_tokens": pd.array(any_of(None, None, 0, 5), "Int64"),
        "retry": any_of(True, False, False, None), "price_status": "unknown_model",
    }).assign(
        duration_ns=lambda calls: calls["duration_ns"].mask(calls["duration_ns"] < 0),
        ttft_ns=lambda calls: calls["ttft_ns"].mask(rng.random(count) < 0.3),
    )  # fmt: skip


ALL = made()


@pytest.fixture(scope="module", params=["calls", "sums"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("latency"))
    opened.add_calls(ALL)
    if request.param == "sums":
        opened.sum_calls()
    yield opened
    opened.close()


def counted() -> pd.DataFrame:
    frame = ALL[(ALL["project_id"] == 1) & (ALL["usage_role"] == "leaf")]
    return frame[(frame["start_time"] >= WINDOW["since"]) & (frame["start_time"] < WINDOW["until"])]


def amounts(frame: pd.DataFrame, measure: str) -> pd.Series:
    """What each call that ended well says; NaN: nothing."""
    told = frame.join(speeds(frame))[MEASURES[measure]].astype("Float64").astype(float)
    return told.where(~frame["failed"])


def ask(store: Any, name: str, **params: Any) -> pd.DataFrame:
    return store.readers.run(name, 1, WINDOW | params).table.to_pandas()


def same(found: pd.Series, prefix: str, values: pd.Series, q: float) -> None:
    """One quantile with its bounds: numpy's, and those of `analytics.intervals`."""
    expected = intervals.quantile(values, q)
    assert found[prefix] == expected.value
    low, high = ("low", "high") if prefix == "value" else (f"{prefix}_low", f"{prefix}_high")
    bounds = [np.nan if bound is None else bound for bound in (expected.low, expected.high)]
    assert [found[low], found[high]] == pytest.approx(bounds, **ABOUT)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("kind", ["llm", "embedding", None])
def test_quantiles_are_those_of_numpy(filled: Any, measure: str, kind: str | None) -> None:
    frame = counted()
    values = amounts(frame if kind is None else frame[frame["kind"] == kind], measure).dropna()
    found = ask(filled, "latency_quantiles", measure=measure, kind=kind)
    assert len(values) > 20
    assert found["n"].tolist() == [len(values)] * 4
    assert found["value"].tolist() == np.quantile(values, found["quantile"]).tolist()
    for _, row in found.iterrows():
        same(row, "value", values, row["quantile"])


@pytest.mark.parametrize("measure", MEASURES)
def test_of_no_calls_there_are_no_quantiles(filled: Any, measure: str) -> None:
    found = ask(filled, "latency_quantiles", measure=measure, service="nobody")
    assert found["n"].tolist() == [0] * 4
    assert found[["value", "low", "high"]].isna().all(axis=None)
    for name, own in (("latency_series", {"bucket_us": HOUR_US}), ("latency_by", {"dimension": "model"})):
        assert ask(filled, name, measure=measure, service="nobody", **own).empty


@given(some.lists(some.integers(0, 2**50), min_size=1, max_size=300), some.sampled_from(latency.QUANTILES))
def test_groups_have_the_quantiles_that_each_has_alone(values: list[int], q: float) -> None:
    """The law behind every figure, over groups in any order, of any sizes."""
    numbers = np.array(values, dtype=float)
    groups = np.array(values) % 7
    n, ((value, low, high),) = quantiles.quantiles_of(groups.astype(np.uint16), numbers, 7, (q,))
    for group in range(7):
        own = numbers[groups == group]
        expected = intervals.quantile(own, q)
        assert n[group] == len(own)
        for found, wanted in ((value, expected.value), (low, expected.low), (high, expected.high)):
            assert found[group] == pytest.approx(np.nan if wanted is None else wanted, abs=1e-6, **ABOUT)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 30, 71, 72, 73, 1_000, 100_000, 5_000_000])
@pytest.mark.parametrize("q", latency.QUANTILES)
def test_ranks_are_those_of_analytics(n: int, q: float) -> None:
    (low,), (high,) = quantiles.ranks(q, np.array([n]))
    wanted = intervals.quantile_ranks(q, n) if n else (None, None)
    assert [low, high] == pytest.approx([np.nan if rank is None else rank for rank in wanted], **ABOUT)


def test_rates_and_caches(filled: Any) -> None:
    found, frame = ask(filled, "latency_rates").iloc[0], counted()
    wanted = intervals.rate(int(frame["failed"].sum()), len(frame))
    told = frame[frame["input_tokens"].notna() & frame["cache_read_tokens"].notna()]
    assert (found["calls"], found["failed"]) == (len(frame), frame["failed"].sum())
    rates = [found["error_rate"], found["error_rate_low"], found["error_rate_high"]]
    assert rates == pytest.approx([wanted.value, wanted.low, wanted.high])
    assert (found["asked"], found["retries"]) == (frame["retry"].count(), (frame["retry"] == True).sum())  # noqa: E712
    assert found["cache_told"] == len(told)
    assert found["cache_read_tokens"] == told["cache_read_tokens"].sum()
    assert found["cache_told_input_tokens"] == told["input_tokens"].sum()


@pytest.mark.parametrize(("calls", "failed"), [(0, 0), (3, 0), (3, 3)], ids=["none", "never", "always"])
def test_rates_end_where_they_must(store: Any, calls: int, failed: int) -> None:
    frame = counted().head(calls).assign(failed=failed > 0)
    if calls:
        store.add_calls(frame)
    found = ask(store, "latency_rates").iloc[0]
    wanted = intervals.rate(failed, calls)
    ends = [found["error_rate_low"], found["error_rate_high"]]
    assert ends == pytest.approx([np.nan if end is None else end for end in (wanted.low, wanted.high)], nan_ok=True)


@pytest.mark.parametrize("measure", MEASURES)
def test_series_is_each_bucket_by_itself(filled: Any, measure: str) -> None:
    frame = counted()
    frame = frame.assign(amount=amounts(frame, measure), bucket=frame["start_time"].dt.floor("6h")).dropna(
        subset="amount"
    )
    found = ask(filled, "latency_series", bucket_us=6 * HOUR_US, measure=measure)
    assert found["bucket"].tolist() == sorted(frame["bucket"].dt.tz_localize(None).unique())
    assert found["value"].isna().all()
    assert found["place"].isna().all()
    for (_, values), (_, row) in zip(frame.groupby("bucket")["amount"], found.iterrows(), strict=True):
        assert row["n"] == len(values)
        same(row, "p50", values, 0.5)
        same(row, "p95", values, 0.95)


def test_buckets_begin_in_the_zone_of_the_offset(filled: Any) -> None:
    found = ask(filled, "latency_series", bucket_us=24 * HOUR_US, offset_us=2 * HOUR_US)
    assert {at.hour for at in found["bucket"]} == {22}
    assert found["n"].sum() == ask(filled, "latency_quantiles")["n"].iloc[0]


def test_series_by_model_puts_the_rest_together(filled: Any) -> None:
    frame = counted()
    by_calls = frame["response_model"].value_counts()
    frame = frame.assign(amount=amounts(frame, "duration")).dropna(subset="amount")
    found = ask(filled, "latency_series", bucket_us=24 * HOUR_US, dimension="model", top=2)
    first = by_calls.index[:2].tolist()
    values = found.drop_duplicates("place")["value"]
    assert [*values[:2], *values[2:].isna()] == [*first, True, True]
    assert found["place"].dropna().unique().tolist() == [1, 2, 3]
    told = {name: int((frame["response_model"] == name).sum()) for name in first}
    assert found.groupby("value")["n"].sum().to_dict() == told
    assert found[found["place"].isna()]["n"].sum() == frame["response_model"].isna().sum()
    assert found["n"].sum() == len(frame)


def test_many_buckets_are_as_right_as_few(filled: Any) -> None:
    found = ask(filled, "latency_series", bucket_us=1)
    assert found["n"].sum() == ask(filled, "latency_quantiles")["n"].iloc[0]
    assert found["bucket"].is_monotonic_increasing
    lone = found[found["n"] == 1]
    assert len(lone) > 200
    assert (lone["p50"] == lone["p95"]).all()


@pytest.mark.parametrize(
    ("dimension", "column"), [("model", "response_model"), ("service", "service"), ("tag", "tags")]
)
def test_table_by_dimension(filled: Any, dimension: str, column: str) -> None:
    frame = counted()
    frame = frame.assign(amount=amounts(frame, "duration"), value=frame[column]).explode("value")
    found = ask(filled, "latency_by", dimension=dimension)
    assert found["calls"].is_monotonic_decreasing
    assert (found["total"] == len(found)).all()
    assert len(found) == frame["value"].nunique(dropna=False)
    for _, row in found.iterrows():
        part = frame[frame["value"].isna() if pd.isna(row["value"]) else frame["value"] == row["value"]]
        assert (row["calls"], row["failed"]) == (len(part), part["failed"].sum())
        assert row["n"] == part["amount"].count()
        for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            same(row, name, part["amount"].dropna(), q)
    assert len(ask(filled, "latency_by", dimension=dimension, page_size=1)) == 1


def test_heat_counts_every_call_once(filled: Any) -> None:
    frame = counted()
    frame = frame[~frame["failed"] & frame["duration_ns"].notna()]
    found = ask(filled, "latency_heat", bucket_us=HOUR_US)
    bins = np.floor(np.log10(frame["duration_ns"].astype(float)) * 8).astype(int)
    wanted = frame.groupby([frame["start_time"].dt.floor("h"), bins.rename("bin")]).size()
    assert found["calls"].tolist() == wanted.tolist()
    assert found["bin"].tolist() == wanted.index.get_level_values("bin").tolist()


@pytest.mark.parametrize(("nanoseconds", "number"), [(0, 0), (1, 0), (999_999_999, 71), (10**9, 72), (10**10, 80)])
def test_bins_begin_at_powers_of_ten(store: Any, nanoseconds: int, number: int) -> None:
    store.add_calls(counted().head(1).assign(failed=False, duration_ns=nanoseconds))
    assert ask(store, "latency_heat", bucket_us=HOUR_US)["bin"].tolist() == [number]


def test_marks_are_versions_that_replaced_another(store: Any) -> None:
    def call(hours: float, release: str | None, version: str | None, service: str | None = "shop") -> dict[str, Any]:
        return {
            "start_time": START + timedelta(hours=hours), "release": release, "service": service,
            "prompt_name": "answer" if version else None, "prompt_version": version,
        }  # fmt: skip

    told = [
        call(-9, "1.0", "1"), call(1, "1.0", None), call(2, "1.1", None), call(3, "1.1", "2"), call(3, "1.0", "2"),
        call(4, "7", None, "mail"), call(5, "1.2", None), call(49, "1.3", None),
    ]  # fmt: skip
    base = counted().head(1).to_dict("records")[0]
    store.add_calls(pd.DataFrame([base | one | {"span_id": place} for place, one in enumerate(told)]))
    found = ask(store, "latency_marks")
    assert found[["what", "name", "version"]].to_numpy().tolist() == [
        ["release", "shop", "1.1"], ["prompt", "answer", "2"], ["release", "shop", "1.2"],
    ]  # fmt: skip
    assert found["first_seen"].tolist() == [
        pd.Timestamp(START + timedelta(hours=h)).tz_localize(None) for h in (2, 3, 5)
    ]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("latency_series", {"bucket_us": 0}), ("latency_series", {"bucket_us": 1, "top": 0}),
        ("latency_by", {"dimension": "model", "page_size": 1_001}), ("latency_sample", {"traces": 0}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(filled: Any, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(UnknownQueryError, match="must be"):
        ask(filled, name, **params)
