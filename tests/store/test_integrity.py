"""What was reported, what no sum counts, what an invoice is held against: each against pandas over the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from analytics import intervals
from store import invoices
from store.errors import UnknownQueryError

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(days=3)}
INTEGERS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
ROLES = ("leaf", "leaf", "leaf", "aggregate", "duplicate")


def rows(count: int = 900) -> pd.DataFrame:
    """Calls of 120 traces, with nulls everywhere; some outside the window, some of another project."""
    rng = np.random.default_rng(11)

    def some(*values: Any) -> list[Any]:
        return [values[place] for place in rng.integers(0, len(values), count)]

    cost = np.where(rng.random(count) < 0.8, np.round(rng.gamma(0.5, 0.01, count), 9), np.nan)
    reported = np.where(rng.random(count) < 0.6, np.round(rng.gamma(0.6, 0.01, count), 9), np.nan)
    return pd.DataFrame(
        {
            "project_id": some(1, 1, 1, 1, 2), "trace_id": [UUID(int=int(n)) for n in rng.integers(1, 121, count)],
            "span_id": range(1, count + 1),
            "start_time": [START + timedelta(hours=float(h)) for h in rng.uniform(-6, 80, count)],
            "kind": some("llm", "llm", "embedding"), "usage_role": some(*ROLES), "failed": some(True, False, False),
            "provider": some("openai", "anthropic", None), "request_model": some("a", "b", None),
            "response_model": some("a-1", None, None), "service": some("shop", "mail", None), "tags": some([], ["x"]),
            "input_tokens": some(100, 2000, None), "output_tokens": some(10, None),
            "cache_read_tokens": some(0, 50, None), "reported_cost_usd": reported, "cost_usd": cost, "input_usd": cost,
            "price_status": "priced",
        }
    )  # fmt: skip


ALL = rows()
TWICE = ALL[(ALL["usage_role"] == "duplicate") & (ALL["project_id"] == 1)].head(40)
OF = ALL[(ALL["usage_role"] == "leaf") & (ALL["project_id"] == 1)].head(20)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("integrity"))
    opened.add_calls(ALL.astype({name: "Int64" for name in INTEGERS if name in ALL}))
    links = TWICE[["project_id", "trace_id", "span_id", "usage_role"]].assign(
        rule="same_response_id", duplicate_of_trace=[*OF["trace_id"], *OF["trace_id"]],
        duplicate_of_span=[*OF["span_id"], *OF["span_id"]],
    )  # fmt: skip
    opened.add("span_derived", links)
    yield opened
    opened.close()


def told(*roles: str) -> pd.DataFrame:
    frame = ALL[(ALL["project_id"] == 1) & ALL["usage_role"].isin(roles)]
    frame = frame[(frame["start_time"] >= WINDOW["since"]) & (frame["start_time"] < WINDOW["until"])]
    untold = frame["input_tokens"].isna() & frame["output_tokens"].isna()
    half = (frame["input_tokens"].isna() != frame["output_tokens"].isna()) & (frame["kind"] == "llm")
    return frame.assign(
        model=frame["response_model"].fillna(frame["request_model"]), untold=untold & ~frame["failed"],
        half_told=half & ~frame["failed"], silent=untold & frame["failed"],
        both=frame["reported_cost_usd"].notna() & frame["cost_usd"].notna(),
    )  # fmt: skip


def ask(store: Any, name: str, **params: Any) -> pd.DataFrame:
    return store.readers.run(name, 1, WINDOW | params).table.to_pandas()


def key(value: Any) -> Any:
    return None if pd.isna(value) else value


def by_model(frame: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    return {key(model): part for model, part in frame.groupby("model", dropna=False)}


def check_reported(found: pd.Series, part: pd.DataFrame) -> None:
    both = part[part["both"]]
    assert (found["calls"], found["reported"]) == (len(part), part["reported_cost_usd"].count())
    assert (found["compared"], found["compared_failed"]) == (len(both), both["failed"].sum())
    assert found["reported_usd"] == pytest.approx(part["reported_cost_usd"].sum(), rel=1e-12)
    assert found["cost_usd"] == pytest.approx(part["cost_usd"].sum(), rel=1e-12)
    assert found["compared_reported_usd"] == pytest.approx(both["reported_cost_usd"].sum(), rel=1e-12)
    assert found["compared_computed_usd"] == pytest.approx(both["cost_usd"].sum(), rel=1e-12)
    sums = both.groupby("trace_id")[["reported_cost_usd", "cost_usd"]].sum()
    ratio = intervals.ratio(sums["reported_cost_usd"], sums["cost_usd"])
    assert found["traces"] == ratio.n
    for name, expected in (("", ratio.value), ("_low", ratio.low), ("_high", ratio.high)):
        assert expected is not None
        assert found[f"deviation{name}"] == pytest.approx(expected - 1, rel=1e-9), name


def test_what_was_reported_is_compared_by_model(filled: Any) -> None:
    found, expected = ask(filled, "integrity_reported", dimension="model"), by_model(told("leaf"))
    assert [key(value) for value in found["value"]].count(None) == 1
    assert {key(value) for value in found["value"]} == set(expected)
    for _, row in found.iterrows():
        check_reported(row, expected[key(row["value"])])
    apart = (found["compared_reported_usd"] - found["compared_computed_usd"]).abs()
    assert apart.is_monotonic_decreasing


def test_over_all_calls_there_is_one_row(filled: Any) -> None:
    (row,) = [row for _, row in ask(filled, "integrity_reported").iterrows()]
    check_reported(row, told("leaf"))


def test_nothing_compared_has_no_deviation_and_is_not_zero(filled: Any) -> None:
    silent = ALL[(ALL["project_id"] == 1) & (ALL["usage_role"] == "leaf") & ALL["cost_usd"].isna()].iloc[0]
    at = silent["start_time"]
    found = ask(filled, "integrity_reported", since=at, until=at + timedelta(microseconds=1))
    (row,) = [row for _, row in found.iterrows()]
    assert (row["calls"], row["compared"], row["traces"]) == (1, 0, 0)
    assert row[["cost_usd", "compared_computed_usd", "deviation", "deviation_low"]].isna().all()
    assert ask(filled, "integrity_reported", model="nobody").empty


def test_duplicates_and_aggregates_are_told_apart(filled: Any) -> None:
    found, frame = ask(filled, "integrity_excluded"), told("duplicate", "aggregate")
    groups = frame.groupby(["usage_role", "model"], dropna=False)
    assert len(found) == len(groups)
    for _, row in found.iterrows():
        model = frame["model"].isna() if key(row["model"]) is None else frame["model"] == row["model"]
        part = frame[model & (frame["usage_role"] == row["usage_role"])]
        assert (row["calls"], row["traces"]) == (len(part), part["trace_id"].nunique())
        assert (row["priced"], row["reported"]) == (part["cost_usd"].count(), part["reported_cost_usd"].count())
        untold = part["input_tokens"].isna() & part["output_tokens"].isna()
        assert row["untold"] == untold.sum()
        assert row["cost_usd"] == pytest.approx(part["cost_usd"].sum(), rel=1e-12)
        assert row["reported_usd"] == pytest.approx(part["reported_cost_usd"].sum(), rel=1e-12)
        for name in ("input_tokens", "output_tokens"):
            assert row[name] == part[name].sum()


def test_calls_that_told_half_or_nothing(filled: Any) -> None:
    found, expected = ask(filled, "integrity_untold"), by_model(told("leaf"))
    for _, row in found.iterrows():
        part = expected[key(row["model"])]
        assert row["calls"] == len(part)
        assert (row["untold"], row["half_told"]) == (part["untold"].sum(), part["half_told"].sum())
        assert row["silent_failures"] == part["silent"].sum()
        share = intervals.rate(int(part["untold"].sum()), len(part))
        assert (row["share"], row["share_low"], row["share_high"]) == pytest.approx(
            (share.value, share.low, share.high)
        )
        lacking = part[part["untold"] | part["half_told"]]
        assert row["services"] == lacking["service"].nunique()
        assert row["service"] == lacking["service"].min()
    assert len(found) == len(expected)


def test_a_sample_that_takes_all_holds_each_compared_call_once(filled: Any) -> None:
    found, frame = ask(filled, "integrity_sample", calls=1000, models=10), told("leaf")
    both = frame[frame["both"]]
    assert sorted(int(span, 16) for span in found["span_id"]) == sorted(both["span_id"])
    assert found.set_index("span_id")["compared"].to_dict() == {
        f"{span:016x}": len(both[both["model"].isna() if key(model) is None else both["model"] == model])
        for span, model in zip(both["span_id"], both["model"], strict=True)
    }


def test_a_smaller_sample_is_whole_traces_and_the_same_each_time(filled: Any) -> None:
    one, two = (ask(filled, "integrity_sample", calls=30, models=10) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    frame = told("leaf")
    both = frame[frame["both"]]
    assert 0 < len(one) < len(both)
    for model, part in one.groupby("model", dropna=False):
        mine = both[both["model"].isna() if key(model) is None else both["model"] == model]
        inside = mine[mine["trace_id"].isin({UUID(trace) for trace in part["trace_id"]})]
        assert len(inside) == len(part)


@pytest.mark.parametrize("calls", [1000, 30])
def test_a_sample_of_told_models_is_that_of_counted_ones(filled: Any, calls: int) -> None:
    counted = ask(filled, "integrity_sample", calls=calls, models=10)
    sizes = counted.dropna(subset="model").groupby("model")["compared"].first()
    told = {"among": list(sizes.index), "among_compared": [int(size) for size in sizes]}
    found = ask(filled, "integrity_sample", calls=calls, models=10, **told)
    known = counted.dropna(subset="model")
    pd.testing.assert_frame_equal(found.reset_index(drop=True), known.reset_index(drop=True))


def test_duplicates_of_a_call_say_what_they_would_have_added(filled: Any) -> None:
    found = ask(filled, "integrity_sample", calls=1000, models=10).set_index("span_id")["excluded_usd"]
    links = dict(zip(TWICE["span_id"], [*OF["span_id"], *OF["span_id"]], strict=True))
    inside = told("duplicate")
    added = inside[inside["span_id"].isin(links)].groupby(inside["span_id"].map(links))["cost_usd"].sum(min_count=1)
    shown = {f"{int(span):016x}": usd for span, usd in added.items() if f"{int(span):016x}" in found.index}
    assert shown
    for span, usd in shown.items():
        assert found[span] == pytest.approx(usd, nan_ok=True)
    assert found.notna().sum() == sum(pd.notna(usd) for usd in shown.values())


@pytest.mark.parametrize("what", ["compared", "duplicate", "aggregate", "untold"])
def test_the_calls_behind_a_figure(filled: Any, what: str) -> None:
    found = ask(filled, "integrity_calls", what=what, model="a-1", page_size=500)
    role = what if what in {"duplicate", "aggregate"} else "leaf"
    frame = told(role)
    frame = frame[frame["model"] == "a-1"]
    frame = frame[frame["both"]] if what == "compared" else frame
    frame = frame[frame["untold"] | frame["half_told"]] if what == "untold" else frame
    assert sorted(int(span, 16) for span in found["span_id"]) == sorted(frame["span_id"])
    if what == "compared":
        assert (found["reported_cost_usd"] - found["cost_usd"]).abs().is_monotonic_decreasing
    else:
        assert found["start_time"].is_monotonic_decreasing
    linked = found[found["rule"].notna()]
    assert len(linked) == sum(frame["span_id"].isin(TWICE["span_id"]))
    assert linked["kept_span_id"].notna().all()


def test_costs_per_day_are_those_of_utc(filled: Any) -> None:
    found, frame = ask(filled, "calls_cost_daily"), told("leaf")
    frame = frame.assign(
        day=frame["start_time"].dt.date, unpriced=frame["cost_usd"].isna() & ~frame["silent"],
    )  # fmt: skip
    groups = frame.groupby(["day", "provider", "model"], dropna=False)
    expected = groups.agg(
        calls=("span_id", "size"), unpriced=("unpriced", "sum"), cost=("cost_usd", lambda usd: usd.sum(min_count=1))
    )
    assert len(found) == len(expected)
    for _, row in found.iterrows():
        day = pd.Timestamp(row["day"]).date()
        want = frame[(frame["day"] == day)]
        for name in ("provider", "model"):
            want = want[want[name].isna() if key(row[name]) is None else want[name] == row[name]]
        assert (row["calls"], row["unpriced_calls"]) == (len(want), want["unpriced"].sum())
        assert row["cost_usd"] == pytest.approx(want["cost_usd"].sum(min_count=1), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("integrity_reported", {"page_size": 0}, "page_size must be between 1 and 1000, not 0"),
        ("integrity_calls", {"what": "untold", "page_size": 1001}, "page_size must be between 1 and 1000, not 1001"),
        ("integrity_sample", {"calls": 100_001, "models": 1}, "must be between 1 and 100000, not 100001"),
        ("integrity_sample", {"calls": -1, "models": -1}, "must be between 1 and 100000, not 0"),
        ("integrity_sample", {"among": ["a"], "among_compared": [0]}, "a count above 0 for each of at most 30 models"),
        ("integrity_sample", {"among": ["a"]}, "a count above 0 for each of at most 30 models"),
        ("integrity_calls", {"what": "all"}, "'all' is not one of compared, duplicate, aggregate, untold"),
    ],
)
def test_what_cannot_be_asked_is_told(filled: Any, name: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises((UnknownQueryError, ValueError), match=says):
        ask(filled, name, **params)


def new(name: str, document: str, usd: float = 5.0) -> invoices.NewInvoice:
    return invoices.NewInvoice(name, document, "openai", "day", date(2026, 3, 1), date(2026, 4, 1), 3, usd, "me")


def test_invoices_are_kept_replaced_and_forgotten_each_in_its_project(filled: Any) -> None:
    def write(change: Any) -> Any:
        return filled.writer.call(change).result()

    first = write(lambda cursor: invoices.keep(cursor, 1, new("march", "a")))
    write(lambda cursor: invoices.keep(cursor, 2, new("march", "other")))
    again = write(lambda cursor: invoices.keep(cursor, 1, new("march", "b", 7.0)))
    assert (again.invoiced_usd, again.provider, again.author) == (7.0, "openai", "me")
    assert again.kept_at >= first.kept_at
    with filled.readers.read() as cursor:
        assert [kept.name for kept in invoices.invoices(cursor, 1)] == ["march"]
        assert invoices.document(cursor, 1, "march") == (again, "b")
        assert invoices.document(cursor, 1, "april") is None
    assert write(lambda cursor: invoices.remove(cursor, 1, "march"))
    assert not write(lambda cursor: invoices.remove(cursor, 1, "march"))
    with filled.readers.read() as cursor:
        assert invoices.invoices(cursor, 1) == []
        assert [kept.name for kept in invoices.invoices(cursor, 2)] == ["march"]
