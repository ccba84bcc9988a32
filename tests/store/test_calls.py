"""Questions over `calls`, against pandas over the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from store.errors import UnknownQueryError
from store.queries.calls import CallFilters, Dimension

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START + timedelta(minutes=7), "until": START + timedelta(days=2, minutes=-4)}  # cuts quarters
HOUR_US = 3_600_000_000
COLUMN = {"session": "session_id", "user": "user_id", "tool": "tool_name", "model": "model", "prompt": "prompt"}
ALIKE = [
    "kind", "provider", "request_model", "response_model", "service", "environment", "release", "session_id", "user_id",
    "variant", "prompt_name", "prompt_version", "tool_name", "tags",
]  # fmt: skip
OF_TRACE = ("session_id", "user_id", "tags")
CLASSES = ("input", "cache_read", "cache_write", "output", "other")


def rows(count: int = 900) -> pd.DataFrame:
    """Calls of 150 traces, with nulls everywhere; some before and after the window, some of other roles or projects.

    Of 100 traces the calls are anywhere, so that both ends of the window cut most of them; those of the others are
    within half an hour, and of 25 of these nothing tells them apart.
    """
    rng = np.random.default_rng(7)

    def some(*values: Any) -> list[Any]:
        return [values[place] for place in rng.integers(0, len(values), count)]

    parts = {f"{name}_usd": np.round(rng.gamma(0.5, 0.01, count), 9) for name in CLASSES}
    told = rng.random(count) < 0.8
    made = pd.DataFrame(parts).mask(~told[:, None].repeat(len(parts), axis=1))
    made = made.assign(
        project_id=some(1, 1, 1, 1, 1, 2), trace_id=[UUID(int=int(n)) for n in rng.integers(1, 151, count)],
        span_id=range(count), start_time=[START + timedelta(hours=float(h)) for h in rng.uniform(-6, 54, count)],
        kind=some("llm", "llm", "embedding"), usage_role=some("leaf", "leaf", "leaf", "aggregate", "duplicate"),
        failed=some(True, False, False), provider=some("openai", "anthropic", None), request_model=some("a", "b", None),
        response_model=some("a-1", None, None), service=some("shop", "mail", "other", None),
        environment=some("prod", None), release=some("1.0", "1.1", None), session_id=some("s1", "s2", "s3", None),
        user_id=some("u1", "u2", None), variant=some("v", None), prompt_name=some("answer", None),
        prompt_version=some("1", "2", None), tool_name=some("search", None), tags=some([], ["x"], ["x", "y"]),
        input_tokens=some(100, 2000, None), output_tokens=some(10, None), cache_read_tokens=some(0, 50, None),
        cache_write_tokens=some(0, None, 20), reasoning_tokens=some(None, 5),
        reported_cost_usd=some(0.5, None), cost_usd=made.sum(axis=1, min_count=5),
        price_status=np.where(told, "priced", some("unknown_model", "unknown_usage")),
    )  # fmt: skip
    number = pd.Series([trace.int for trace in made["trace_id"]])
    opened = START + pd.to_timedelta(number * 7919 % 3600 - 360, unit="min")
    short = opened + pd.to_timedelta(rng.uniform(0, 30, count), unit="min")
    made["start_time"] = made["start_time"].where(number <= 100, short.dt.floor("us"))
    first = made.groupby(["project_id", "trace_id"], sort=False)[ALIKE].transform(lambda column: column.iloc[0])
    for name in ALIKE:
        made[name] = first[name] if name in OF_TRACE else made[name].where(number <= 125, first[name])
    return made


INTEGERS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
ALL = rows()


@pytest.fixture(scope="module", params=["calls", "sums", "both"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    """The same answers whatever they are read from: no sums yet, all summed, or some with calls that came late."""
    opened = store_class(tmp_path_factory.mktemp("calls"))
    told = ALL.astype(dict.fromkeys(INTEGERS, "Int64"))
    late = (
        np.zeros(len(told), dtype=bool) if request.param != "both" else np.random.default_rng(1).random(len(told)) < 0.1
    )
    opened.add_calls(told[~late])
    if request.param != "calls":
        opened.sum_calls()
        assert opened.count("stale_call_sums") == 0
        assert opened.count("call_sums") > 200
    if request.param == "both":
        opened.add_calls(told[late])
        opened.sum_calls(turns=1)
        assert opened.count("stale_call_sums") > 10
    yield opened
    opened.close()


def counted() -> pd.DataFrame:
    """The rows that count in the window, with the model and prompt that they are told apart by."""
    frame = ALL[(ALL["project_id"] == 1) & (ALL["usage_role"] == "leaf")]
    frame = frame[(frame["start_time"] >= WINDOW["since"]) & (frame["start_time"] < WINDOW["until"])]
    prompt = frame["prompt_name"] + ("@" + frame["prompt_version"]).fillna("")
    silent = frame["input_tokens"].isna() & frame["output_tokens"].isna()
    return frame.assign(
        model=frame["response_model"].fillna(frame["request_model"]), prompt=prompt,
        unpriced=frame["cost_usd"].isna() & ~(frame["failed"] & silent), unknown=~frame["failed"] & silent,
    )  # fmt: skip


def ask(store: Any, name: str, **params: Any) -> pd.DataFrame:
    return store.readers.run(name, 1, WINDOW | params).table.to_pandas()


def split(dimension: str) -> pd.DataFrame:
    """`counted` with `value`; calls with several tags are there for each."""
    frame = counted()
    if dimension == "tag":
        return frame.assign(value=frame["tags"]).explode("value")
    return frame.assign(value=frame[COLUMN.get(dimension, dimension)])


def filtered(name: str, value: object) -> pd.DataFrame:
    frame = counted()
    if name == "tag":
        return frame[[value in tags for tags in frame["tags"]]]
    return frame[frame[{"tool": "tool_name"}.get(name, name)] == value]


def test_totals_are_those_of_pandas(filled: Any) -> None:
    found, frame = ask(filled, "calls_totals").iloc[0], counted()
    assert len(frame) > 200
    for name in ("failed", "unpriced"):
        assert found[name] == frame[name].sum()
    assert (found["calls"], found["priced"]) == (len(frame), frame["cost_usd"].count())
    assert found["calls"] == found["priced"] + found["unpriced"] + found["silent_failures"]
    assert found["untold"] == (frame["unpriced"] & (frame["price_status"] == "unknown_usage")).sum()
    assert found["unknown_usage"] == frame["unknown"].sum()
    assert found["reported_usd"] == pytest.approx(frame["reported_cost_usd"].sum())
    for name in (*INTEGERS, "cost_usd", *(f"{part}_usd" for part in CLASSES)):
        assert found[name] == pytest.approx(frame[name].sum(), rel=1e-12), name
    assert sum(found[f"{part}_usd"] for part in CLASSES) == pytest.approx(found["cost_usd"])


@pytest.mark.parametrize(
    "field", ["service", "environment", "model", "provider", "release", "variant", "prompt", "tool", "tag"]
)
def test_what_filters_can_offer(filled: Any, field: str) -> None:
    """Releases and prompts newest first, others by their calls."""
    frame = split(field).dropna(subset="value").groupby("value")["start_time"].agg(["size", "max"]).reset_index()
    orders = ["max", "size", "value"] if field in {"release", "prompt"} else ["size", "value"]
    expected = frame.sort_values(orders, ascending=[name == "value" for name in orders])
    found = ask(filled, "calls_filters")
    found = found[found["field"] == field]
    assert found["value"].tolist() == expected["value"].tolist()
    assert found["calls"].tolist() == expected["size"].tolist()
    assert (found["newest"].dt.tz_localize(UTC).tolist()) == expected["max"].tolist()
    one = ask(filled, "calls_filters", most=1)
    one = one[one["field"] == field]
    assert one["value"].tolist() == expected["value"].head(1).tolist()
    assert one["total"].tolist() == [len(expected)]


def test_offers_are_of_the_calls_that_match(filled: Any) -> None:
    found = ask(filled, "calls_filters", service="shop")
    assert found[found["field"] == "service"]["calls"].tolist() == [len(filtered("service", "shop"))]
    assert "user" not in set(found["field"])
    with pytest.raises(UnknownQueryError, match="most"):
        ask(filled, "calls_filters", most=0)


def test_what_the_cache_saved(filled: Any) -> None:
    frame = counted()
    told = frame[frame["cache_read_tokens"].notna() & frame["input_tokens"].notna()]
    moved = frame["cache_read_tokens"].fillna(0) + frame["cache_write_tokens"].fillna(0)
    cached = frame[frame["cost_usd"].notna() & (moved > 0)]
    plain = cached["input_tokens"] - moved[cached.index]
    rated = cached[plain > 0]
    saved = rated["input_usd"] / plain[rated.index] * moved[rated.index] - rated["cache_read_usd"]
    found = ask(filled, "calls_totals").iloc[0]
    assert (found["cache_told"], found["cache_told_input_tokens"]) == (len(told), told["input_tokens"].sum())
    assert (found["cached_calls"], found["saved_calls"]) == (len(cached), len(rated))
    assert found["saved_usd"] == pytest.approx((saved - rated["cache_write_usd"]).sum())


@pytest.mark.parametrize("unit", ["trace", "session"])
def test_the_mean_of_a_unit_has_students_interval(filled: Any, unit: str) -> None:
    costs = counted().groupby(f"{unit}_id")["cost_usd"].sum(min_count=1).dropna()
    found = ask(filled, "calls_cost_per", unit=unit).iloc[0]
    low, high = stats.t.interval(0.95, len(costs) - 1, costs.mean(), stats.sem(costs))
    assert (found["n"], found["mean"]) == (len(costs), pytest.approx(costs.mean()))
    assert (found["low"], found["high"]) == (pytest.approx(max(0, low)), pytest.approx(high))


def test_one_trace_has_no_interval_and_none_no_mean(filled: Any) -> None:
    one = counted().dropna(subset="cost_usd").iloc[0]["start_time"]
    single = ask(filled, "calls_cost_per", since=one, until=one + timedelta(microseconds=1)).iloc[0]
    assert single["n"] == 1
    assert single[["low", "high"]].isna().all()
    by = ask(filled, "calls_cost_by", dimension="model", since=one, until=one + timedelta(microseconds=1)).iloc[0]
    assert by["per_call"] == pytest.approx(single["mean"])
    assert by[["per_call_low", "per_call_high", "per_trace_low", "per_trace_high"]].isna().all()
    empty = {"since": START + timedelta(days=99), "until": START + timedelta(days=100)}
    none = ask(filled, "calls_cost_per", **empty).iloc[0]
    assert none["n"] == 0
    assert none[["mean", "low", "high"]].isna().all()
    assert pd.isna(ask(filled, "calls_totals", **empty).iloc[0]["cost_usd"])
    assert ask(filled, "calls_cost_by", dimension="model", **empty).empty


@pytest.mark.parametrize("dimension", get_args(Dimension))
def test_values_partition_the_total(filled: Any, dimension: str) -> None:
    """With tags a call counts under each of its own."""
    frame, found = split(dimension), ask(filled, "calls_cost_by", dimension=dimension)
    assert found["value"].is_unique
    assert (found["total"] == len(found)).all()
    assert found["cost_usd"].sum() == pytest.approx(frame["cost_usd"].sum(), rel=1e-12)
    for name, expected in (
        ("calls", len(frame)),
        ("failed", frame["failed"].sum()),
        ("unpriced", frame["unpriced"].sum()),
    ):
        assert found[name].sum() == expected
    if dimension != "tag":
        assert found["cost_usd"].sum() == pytest.approx(ask(filled, "calls_totals").iloc[0]["cost_usd"], rel=1e-12)
    for record in found.to_dict("records"):
        part = frame[frame["value"].isna()] if pd.isna(record["value"]) else frame[frame["value"] == record["value"]]
        check_value(record, part)


def check_value(found: dict[str, Any], part: pd.DataFrame) -> None:
    """The ratio as analytics.intervals.ratio has it: units are traces."""
    assert (found["calls"], found["traces"]) == (len(part), part["trace_id"].nunique())
    assert found["input_tokens"] == part["input_tokens"].sum()
    assert found["cache_told_input_tokens"] == part["input_tokens"][part["cache_read_tokens"].notna()].sum()
    traces = part.dropna(subset="cost_usd").groupby("trace_id")["cost_usd"].agg(["sum", "count"])
    assert found["priced_traces"] == len(traces)
    x, y, n = traces["sum"], traces["count"], len(traces)
    ratio = x.sum() / y.sum()
    error = np.sqrt(n / (n - 1) * ((x - ratio * y) ** 2).sum()) / y.sum()
    t = stats.t.ppf(0.975, n - 1)
    assert found["per_call"] == pytest.approx(ratio)
    assert (found["per_call_low"], found["per_call_high"]) == (
        pytest.approx(max(0, ratio - t * error)), pytest.approx(ratio + t * error),
    )  # fmt: skip
    low, high = stats.t.interval(0.95, n - 1, x.mean(), stats.sem(x))
    assert (found["per_trace_low"], found["per_trace_high"]) == (pytest.approx(max(0, low)), pytest.approx(high))


@pytest.mark.parametrize("dimension", get_args(Dimension))
def test_the_series_adds_up_in_each_bucket(filled: Any, dimension: str) -> None:
    frame, top = split(dimension), 2
    found = ask(filled, "calls_cost_series", dimension=dimension, bucket_us=6 * HOUR_US, offset_us=HOUR_US, top=top)
    at = ((frame["start_time"] + pd.Timedelta("1h")).dt.floor("6h") - pd.Timedelta("1h")).dt.tz_localize(None)
    expected = frame.groupby(at)["cost_usd"].sum()
    assert found.groupby("bucket")["cost_usd"].sum().to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12)
    assert list(found["bucket"].unique()) == list(expected.index)
    dearest = frame.groupby("value")["cost_usd"].sum().sort_values(ascending=False).index[:top]
    assert list(found[found["place"] <= top].sort_values("place")["value"].unique()) == list(dearest)
    rest = frame[frame["value"].notna() & ~frame["value"].isin(dearest)]
    assert found["calls"][found["place"] > top].sum() == len(rest)
    unknown = found[found["place"].isna()]
    assert found["value"][~(found["place"] <= top)].isna().all()
    assert unknown["calls"].sum() == frame["value"].isna().sum()


def test_classes_add_up_in_each_bucket(filled: Any) -> None:
    found = ask(filled, "calls_cost_classes", bucket_us=6 * HOUR_US)
    frame = counted()
    for part in CLASSES:
        expected = frame.groupby(frame["start_time"].dt.floor("6h"))[f"{part}_usd"].sum()
        assert found[f"{part}_usd"].to_numpy() == pytest.approx(expected.to_numpy())


FILTERED = {
    "kind": "embedding", "service": "shop", "environment": "prod", "model": "a-1", "provider": "openai",
    "release": "1.1", "session_id": "s2", "user_id": "u1", "variant": "v", "prompt": "answer@2", "tag": "x",
    "tool": "search",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CallFilters.__annotations__ if not name.startswith("with_score")])
def test_every_filter_narrows_every_question(filled: Any, name: str) -> None:
    chosen = {name: FILTERED[name]}
    frame = filtered(name, FILTERED[name])
    assert 0 < len(frame) < len(counted())
    assert ask(filled, "calls_totals", **chosen).iloc[0]["cost_usd"] == pytest.approx(frame["cost_usd"].sum())
    by = ask(filled, "calls_cost_by", dimension="service", **chosen)
    assert (by["calls"].sum(), by["cost_usd"].sum()) == (len(frame), pytest.approx(frame["cost_usd"].sum()))
    bucketed = {"bucket_us": 24 * HOUR_US} | chosen
    assert ask(filled, "calls_cost_series", dimension="model", **bucketed)["calls"].sum() == len(frame)
    assert ask(filled, "calls_cost_classes", **bucketed)["calls"].sum() == len(frame)
    assert ask(filled, "calls_cost_per", **chosen).iloc[0]["n"] == frame.dropna(subset="cost_usd")["trace_id"].nunique()


def test_a_list_of_values_is_cut_to_the_dearest(filled: Any) -> None:
    whole = ask(filled, "calls_cost_by", dimension="service")
    cut = ask(filled, "calls_cost_by", dimension="service", page_size=2)
    assert list(cut["value"]) == list(whole["value"][:2])
    assert (cut["total"] == len(whole)).all()


def test_dimensions_are_a_list_and_no_text(filled: Any) -> None:
    with pytest.raises(UnknownQueryError, match="one of model, provider"):
        ask(filled, "calls_cost_by", dimension="tags) from calls --")
    with pytest.raises(UnknownQueryError, match="has no parameter 'colour'"):
        ask(filled, "calls_totals", colour="red")
