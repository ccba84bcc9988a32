"""What is read from sums by trace equals SQL over the calls, whatever came late, was priced anew or taken away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from duckdb import DuckDBPyConnection

from store.resolved import Resolved, Workbench, write_resolved

START = datetime(2026, 3, 1)  # noqa: DTZ001 - UTC without a zone is what the store holds
TRACES = 14
WINDOW = {"since": START + timedelta(minutes=20), "until": START + timedelta(hours=4)}
ASKED = "project_id = 1 and usage_role = 'leaf' and start_time >= '{since}' and start_time < '{until}'".format(**WINDOW)
NOTHING = pa.table({"trace_id": pa.array([], pa.string()), "span_id": pa.array([], pa.uint64())})
SUMMARY = {
    "resolved_seq": 1, "duration_ns": 10**14, "root_span_id": 1, "root_name": "r", "root_missing": False,
    "services": [], "spans": 1, "model_calls_ok": 0, "model_calls_failed": 0, "embedding_calls": 0,
    "tool_executions": 0, "tool_executions_failed": 0, "unknown_usage_calls": 0, "usage_estimated": False, "errors": 0,
    "status": "ok", "models": [], "tags": [], "variants": [], "prompts": [], "start_time": START,
}  # fmt: skip
LISTS = dict.fromkeys(("services", "models", "tags", "variants", "prompts"), pa.list_(pa.string()))
KINDS = {
    "span_id": pa.uint64(), "start_time": pa.timestamp("us"), "duration_ns": pa.int64(), "failed": pa.bool_(),
    "input_tokens": pa.int64(), "output_tokens": pa.int64(), "cache_read_tokens": pa.int64(),
    "reported_cost_usd": pa.float64(), "cost_usd": pa.float64(), "tags": pa.list_(pa.string()),
}  # fmt: skip
TEXTS = (
    "trace_id", "kind", "usage_role", "service", "environment", "release", "provider", "request_model",
    "response_model", "prompt_name", "prompt_version", "variant", "tool_name", "session_id", "user_id", "price_status",
    "price_source", "price_version", "price_model",
)  # fmt: skip
CALLS = pa.schema([(name, pa.string()) for name in TEXTS] + list(KINDS.items()))


def trace(rng: np.random.Generator, number: int) -> list[dict[str, Any]]:
    """The calls of a trace as one pass of the resolver knows them; none: the trace is gone."""

    def one_of(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    of_trace = {"session_id": one_of("s1", "s2", None), "user_id": one_of("u1", None), "tags": one_of([], ["x", "y"])}
    alike = rng.random() < 0.5
    opened = START + timedelta(minutes=int(rng.integers(0, 270)))
    rows = []
    for span in range(int(rng.integers(0, 6))):
        priced = one_of("own", "genai-prices", None)
        rows.append({
            "trace_id": str(UUID(int=number + 1)), "span_id": span + 1, "kind": "llm",
            "start_time": opened + timedelta(seconds=int(rng.integers(0, 1200))),
            "duration_ns": int(rng.integers(1, 10**10)), "usage_role": one_of("leaf", "leaf", "leaf", "duplicate"),
            "failed": one_of(True, False, False), "response_model": "m" if alike else one_of("m", "n", None),
            "service": "shop" if alike else one_of("shop", "mail", None), "input_tokens": one_of(7, 90, None),
            "output_tokens": one_of(5, None), "cache_read_tokens": one_of(3, 0, None), "release": one_of("1", "2"),
            "cost_usd": round(float(rng.gamma(1, 0.01)), 9) if priced else None, "price_source": priced,
            "price_version": one_of("gpu", "old") if priced == "own" else None, "price_status": "priced",
            "reported_cost_usd": one_of(0.01, None),
        } | of_trace)  # fmt: skip
    return rows


def written(con: DuckDBPyConnection, bench: Workbench, number: int, rows: list[dict[str, Any]]) -> None:
    """What the resolver writes once the trace has these calls."""
    calls = pa.Table.from_pylist(rows, CALLS)
    name = str(UUID(int=number + 1))
    summary = [SUMMARY | {"trace_id": name}] if rows else []
    kinds = {key: LISTS.get(key, pa.scalar(value).type) for key, value in SUMMARY.items() if key != "start_time"}
    kinds |= {"start_time": pa.timestamp("us"), "trace_id": pa.string()}
    summaries = pa.Table.from_pylist(summary, pa.schema(list(kinds.items())))
    write_resolved(con, Resolved(1, [name], NOTHING, summaries, calls, bench.resolver_trace_calls(calls)))


@pytest.fixture(scope="module", params=[1, 2, 3])
def arrived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, store_class: Any
) -> Iterator[Any]:
    """Traces that were resolved several times, in a random order; quarters summed at some time between."""
    store, rng, bench = (
        store_class(tmp_path_factory.mktemp("arrived")),
        np.random.default_rng(request.param),
        Workbench(),
    )
    for step in range(45):
        number = int(rng.integers(TRACES))
        store.writer.call(lambda con, number=number: written(con, bench, number, trace(rng, number))).result()
        if step == 30:  # what comes after is late
            store.sum_calls()
    bench.close()
    assert store.count("trace_calls") > TRACES / 2
    yield store
    store.close()


def ask(store: Any, name: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.readers.run(name, 1, WINDOW | params).table.to_pylist()
    return rows


def test_sums_by_session_user_and_tag(arrived: Any) -> None:
    for dimension, value, rows in (
        ("session", "session_id", "calls"), ("user", "user_id", "calls"),
        ("tag", "tag", "(select *, unnest(case when len(tags) = 0 then [null] else tags end) as tag from calls)"),
    ):  # fmt: skip
        wanted = arrived.rows(
            f"""select {value}, count(*), sum(failed::int), count(distinct trace_id), sum(input_tokens),
                       sum(output_tokens), sum(cache_read_tokens),
                       sum(input_tokens) filter (where cache_read_tokens is not null), round(sum(cost_usd), 9),
                       count(*) filter (where cost_usd is null and not (failed and input_tokens is null and
                                        output_tokens is null)), count(cost_usd)
                from {rows} where {ASKED} group by all order by all"""
        )
        names = (
            "value", "calls", "failed", "traces", "input_tokens", "output_tokens", "cache_read_tokens",
            "cache_told_input_tokens", "cost_usd", "unpriced", "priced_calls",
        )  # fmt: skip
        found = [tuple(row[name] for name in names) for row in ask(arrived, "calls_cost_by", dimension=dimension)]
        rounded = [(*row[:8], None if row[8] is None else round(row[8], 9), *row[9:]) for row in found]
        assert sorted(rounded, key=str) == sorted(wanted, key=str)


def test_what_filters_offer(arrived: Any) -> None:
    found = {(row["field"], row["value"]): (row["calls"], row["newest"]) for row in ask(arrived, "calls_filters")}
    wanted = arrived.rows(
        f"""select field, value, count(*), max(start_time) from (
                select 'service' as field, service as value, start_time from calls where {ASKED} union all
                select 'release', release, start_time from calls where {ASKED} union all
                select 'model', response_model, start_time from calls where {ASKED} union all
                select 'tag', unnest(tags), start_time from calls where {ASKED})
            where value is not null group by all"""
    )
    assert {key: value for key, value in found.items() if key[0] in {"service", "release", "model", "tag"}} == {
        (field, value): (calls, newest) for field, value, calls, newest in wanted
    }


def test_hardware_by_the_hour(arrived: Any) -> None:
    wanted = arrived.rows(
        f"""select response_model, count(*), sum(failed::int), count(distinct trace_id), count(output_tokens),
                   sum(output_tokens), round(sum(cost_usd), 9)
            from calls where {ASKED} and price_source = 'own' and price_version = 'gpu' and cost_usd is not null
            group by all"""
    )
    names = ("model", "calls", "failed", "traces", "told_calls", "output_tokens")
    found = [
        (*(row[name] for name in names), round(row["cost_usd"], 9))
        for row in ask(arrived, "hardware_by", versions=["gpu", "never"])
    ]
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_models_that_told_no_usage(arrived: Any) -> None:
    none, half = "input_tokens is null and output_tokens is null", "(input_tokens is null) <> (output_tokens is null)"
    wanted = arrived.rows(
        f"""select response_model, count(*), count(*) filter (where not failed and {none}),
                   count(*) filter (where not failed and {half}), count(*) filter (where failed and {none}),
                   count(distinct service) filter (where not failed and ({none} or {half})),
                   min(service) filter (where not failed and ({none} or {half}))
            from calls where {ASKED} group by all
            having count(*) filter (where not failed and ({none} or {half})) > 0"""
    )
    names = ("model", "calls", "untold", "half_told", "silent_failures", "services", "service")
    found = [tuple(row[name] for name in names) for row in ask(arrived, "integrity_untold")]
    assert sorted(found, key=str) == sorted(wanted, key=str)


TAGGED = "(select *, unnest(case when len(tags) = 0 then [null] else tags end) as tag from calls)"


def test_costs_by_bucket(arrived: Any) -> None:
    for bucket_us, offset_us in ((3_600_000_000, 0), (420_000_000, 60_000_000), (24 * 3_600_000_000, -7_200_000_000)):
        for dimension, value, rows, narrowed in (
            ("session", "session_id", "calls", {}), ("tag", "tag", TAGGED, {}),
            ("service", "service", "calls", {"user_id": "u1"}),
        ):  # fmt: skip
            wanted = arrived.rows(
                f"""select make_timestamp((epoch_us(start_time) + {offset_us}) // {bucket_us} * {bucket_us}
                                          - {offset_us}), {value}, round(sum(cost_usd), 9), count(*),
                           count(*) filter (where cost_usd is null and not (failed and input_tokens is null and
                                            output_tokens is null))
                    from {rows} where {ASKED} {"and user_id = 'u1'" if narrowed else ""} group by all"""
            )
            steps = {"bucket_us": bucket_us, "offset_us": offset_us}
            found = [
                (row["bucket"], row["value"], None if row["cost_usd"] is None else round(row["cost_usd"], 9),
                 row["calls"], row["unpriced"])
                for row in ask(arrived, "calls_cost_series", dimension=dimension, **steps, **narrowed)
            ]  # fmt: skip
            assert sorted(found, key=str) == sorted(wanted, key=str)


def test_durations_by_value_and_by_the_hour(arrived: Any) -> None:
    well = f"{ASKED} and not failed and duration_ns is not null"
    for dimension, value, rows in (
        ("model", "response_model", "calls"), ("session", "session_id", "calls"), ("tag", "tag", TAGGED),
    ):  # fmt: skip
        wanted = arrived.rows(
            f"""select {value}, count(*), quantile_cont(duration_ns, 0.5), quantile_cont(duration_ns, 0.95)
                from {rows} where {well} group by all order by {value}"""
        )
        found = [row for row in ask(arrived, "latency_by", dimension=dimension) if row["n"]]
        found.sort(key=lambda row: (row["value"] is None, row["value"]))
        assert [(row["value"], row["n"]) for row in found] == [row[:2] for row in wanted]
        assert [(row["p50"], row["p95"]) for row in found] == [pytest.approx(row[2:], rel=1e-12) for row in wanted]
    own = f"{well} and price_source = 'own' and price_version = 'gpu' and cost_usd is not null"
    sums = "select response_model, count(*), quantile_cont(duration_ns, 0.5) from calls where"
    wanted = arrived.rows(f"{sums} {own} group by all order by response_model")
    found = [row for row in ask(arrived, "hardware_by", versions=["gpu", "never"]) if row["n"]]
    found.sort(key=lambda row: (row["model"] is None, row["model"]))
    assert [(row["model"], row["n"]) for row in found] == [row[:2] for row in wanted]
    assert [row["p50"] for row in found] == pytest.approx([row[2] for row in wanted], rel=1e-12)
    ((calls, p50, p95),) = arrived.rows(
        f"select count(*), quantile_cont(duration_ns, 0.5), quantile_cont(duration_ns, 0.95) from calls where {well}"
    )
    (total,) = ask(arrived, "home_latency_total")
    assert (total["calls"], total["p50_ns"], total["p95_ns"]) == (calls, pytest.approx(p50), pytest.approx(p95))
