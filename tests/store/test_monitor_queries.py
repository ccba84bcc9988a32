"""What monitors watch, bucket by bucket, against plain counts in Python over the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from summaries import summarise

from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawSpan
from store.batch import Batch

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
TRACES = 200
ORIGIN = Origin(7, {"service.name": "shop"}, "agent")
WINDOWS = {
    "two-days": (START, START + timedelta(days=2)),
    "some-hours": (START + timedelta(hours=7), START + timedelta(hours=20)),
}
FILTERS: dict[str, dict[str, Any]] = {
    "all": {}, "service": {"service": "shop"}, "two": {"service": "mail", "kind": "llm"},
    "session": {"session_id": "s3"}, "nobody": {"service": "nobody"},
}  # fmt: skip
Row = dict[str, Any]


def made_calls(count: int = 1_200) -> pd.DataFrame:
    """Calls of 200 traces with unknowns everywhere, some of other roles and projects. The n-th call is span n."""
    rng = np.random.default_rng(5)

    def some(*values: Any) -> list[Any]:
        return [values[place] for place in rng.integers(0, len(values), count)]

    traces = rng.integers(1, TRACES + 1, count)
    opened = rng.uniform(-5, 50, TRACES + 1)
    frame = pd.DataFrame({
        "project_id": np.where(traces % 11 == 0, 2, 1), "trace_id": [UUID(int=int(n)) for n in traces],
        "span_id": np.arange(1, count + 1),
        "start_time": [START + timedelta(hours=float(h)) for h in opened[traces] + rng.uniform(0, 3, count)],
        "kind": some("llm", "llm", "embedding"), "usage_role": some("leaf", "leaf", "leaf", "duplicate", "aggregate"),
        "failed": some(True, False, False, False), "service": some("shop", "mail", None),
        "request_model": some("a", "b", None), "session_id": [f"s{n % 40}" if n % 3 else None for n in traces],
        "tags": [["x"]] * count, "input_tokens": some(100, 2_000, 0, None), "output_tokens": some(10, None),
        "cache_read_tokens": some(0, 50, None), "retry": some(True, False, None),
        "duration_ns": some(10**9, 2 * 10**9, 3 * 10**8, None), "ttft_ns": some(10**8, 2 * 10**8, None),
        "cost_usd": some(0.25, 0.5, None), "price_status": "priced",
    })  # fmt: skip
    whole = ["input_tokens", "output_tokens", "cache_read_tokens", "duration_ns", "ttft_ns"]
    return frame.astype(dict.fromkeys(whole, "Int64"))


RULERS = (
    ("relevance", "1", "llm"), ("relevance", "2", "llm"), (None, None, "api"), (None, None, "human"),
    (None, None, "user"),
)  # fmt: skip


def made_scores(count: int = 1_500) -> pd.DataFrame:
    """Scores of every kind of target by several rulers, many more than once, some failed, labelled, or of nobody."""
    rng = np.random.default_rng(6)
    kinds = rng.choice(["trace", "call", "step", "response", "derived", "session", "unknown"], count)
    spans = CALLS.set_index("span_id")["trace_id"].to_dict()
    told = []
    for kind in kinds.tolist():
        trace, span = int(rng.integers(1, TRACES + 1)), int(rng.integers(1, len(CALLS) + 1))
        evaluator, version, source = RULERS[int(rng.integers(0, len(RULERS)))]
        what = rng.choice(["value", "value", "value", "label", "failed"])
        told.append({
            "trace_id": {"trace": UUID(int=trace), "step": UUID(int=trace), "call": spans[span],
                         "unknown": UUID(int=10**9 + trace)}.get(kind),
            "span_id": {"call": span, "step": 10**6 + trace}.get(kind),
            "session_id": f"s{trace % 45}" if kind == "session" else None,
            "response_id": {"response": f"r{span}", "derived": f"d{span}"}.get(kind),
            "value": round(float(rng.random()), 3) if what == "value" else None,
            "label": str(rng.choice(["good", "poor"])) if what == "label" else None,
            "error_type": "TimeoutError" if what == "failed" else None,
            "source": source, "evaluator": evaluator, "evaluator_version": version,
        })  # fmt: skip
    return pd.DataFrame(told).assign(
        project_id=1, name=np.where(rng.random(count) < 0.2, "other", "quality"),
        commit_seq=rng.permutation(count) // 2 + 1, score_id=np.arange(count), metadata=[{}] * count,
        time=[START + timedelta(hours=float(h)) for h in rng.uniform(0, 60, count)],
    )  # fmt: skip


CALLS = made_calls()
SCORES = made_scores()
OWN = CALLS[CALLS["project_id"] == 1]
LEAVES = OWN[OWN["usage_role"] == "leaf"]
LEAF_SPANS = set(LEAVES["span_id"])
TRACE_OF = CALLS.set_index("span_id")["trace_id"].to_dict()
STARTS = {name: OWN.groupby(name)["start_time"].min().to_dict() for name in ("span_id", "trace_id", "session_id")}
SPANS = {name: LEAVES.groupby(name)["span_id"].agg(set).to_dict() for name in ("span_id", "trace_id", "session_id")}


def _spans() -> Batch:
    """Spans of the calls, which tell response ids that scores may name; half of these are told by logs instead."""
    times = [int(at.timestamp() * 1e9) for at in CALLS["start_time"]]
    raw = [
        RawSpan(ORIGIN, row.trace_id.bytes, int(row.span_id), None, "chat", at, at + 10**9, {})
        for row, at in zip(CALLS.itertuples(), times, strict=True)
    ]
    facts = [SpanFacts(response_id=f"r{span.span_id}") for span in raw]
    table = frames.span_table(raw, facts)
    return Batch(1, "grpc", "traces", {"shop": len(raw)}, spans=table, origins=frames.origin_table([ORIGIN]))


@pytest.fixture(scope="module", params=["calls", "sums"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    """The same answers whatever they are read from: no sums, or sums of all but what came late."""
    opened = store_class(tmp_path_factory.mktemp("monitors"))
    late = np.random.default_rng(1).random(len(CALLS)) < 0.05
    if request.param == "calls":
        opened.add_calls(CALLS)
    else:
        opened.add_calls(CALLS[~late])
        opened.sum_calls()
        opened.add_calls(CALLS[late])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("scores"))
    opened.add_calls(CALLS)
    summarise(opened.writer)
    opened.writer.submit(_spans()).result(10)
    derived = CALLS[["project_id", "trace_id", "span_id"]]
    opened.add("span_derived", derived.assign(response_id=[f"d{n}" for n in derived["span_id"]]))
    opened.add("scores", SCORES)
    yield opened
    opened.close()


def ask(store: Any, name: str, window: str, **params: Any) -> list[Row]:
    since, until = WINDOWS[window]
    found: list[Row] = store.readers.run(name, 1, {"since": since, "until": until, **params}).table.to_pylist()
    return found


def us(bucket: timedelta) -> int:
    return bucket // timedelta(microseconds=1)


def leaves(filters: Row) -> pd.DataFrame:
    """The calls that count and match."""
    frame = LEAVES
    for name, value in filters.items():
        frame = frame[frame[name] == value]
    return frame


def in_window(frame: pd.DataFrame, window: str) -> pd.DataFrame:
    since, until = WINDOWS[window]
    return frame[(frame["start_time"] >= since) & (frame["start_time"] < until)]


def bucket_of(at: pd.Series, bucket: timedelta) -> pd.Series:
    return at.dt.tz_convert(None).dt.floor(bucket)


@pytest.mark.parametrize("bucket", [HOUR, QUARTER], ids=["hour", "quarter"])
@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("window", WINDOWS)
def test_sums_of_calls_are_those_of_pandas(filled: Any, window: str, filters: Row, bucket: timedelta) -> None:
    frame = in_window(leaves(filters), window)
    silent = frame["input_tokens"].isna() & frame["output_tokens"].isna()
    told = frame["input_tokens"].notna() & frame["cache_read_tokens"].notna()
    expected = pd.DataFrame({
        "bucket": bucket_of(frame["start_time"], bucket), "calls": 1, "failed": frame["failed"].astype(int),
        "well": (~frame["failed"]).astype(int), "unknown_usage": (silent & ~frame["failed"]).astype(int),
        "asked": frame["retry"].notna().astype(int), "retries": (frame["retry"] == True).astype(int),  # noqa: E712 - null is neither
        "cache_told": told.astype(int), "cache_told_input_tokens": frame["input_tokens"].where(told).astype(float),
        "cache_told_read_tokens": frame["cache_read_tokens"].where(told).astype(float),
        "priced": frame["cost_usd"].notna().astype(int),
        "unpriced": (frame["cost_usd"].isna() & ~(frame["failed"] & silent)).astype(int), "cost_usd": frame["cost_usd"],
    }).groupby("bucket").sum(min_count=1)  # fmt: skip
    found = ask(filled, "monitor_calls", window, bucket_us=us(bucket), **filters)
    assert [row.pop("bucket") for row in found] == expected.index.tolist()
    same(found, expected.to_dict("records"))


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
def test_tokens_are_those_of_pandas(filled: Any, filters: Row) -> None:
    frame = in_window(leaves(filters), "two-days")
    sides = {name: frame[f"{name}_tokens"].astype(float) for name in ("input", "output")}
    expected = pd.DataFrame(
        {"bucket": bucket_of(frame["start_time"], HOUR)}
        | {f"{name}_told": column.notna().astype(int) for name, column in sides.items()}
        | {f"{name}_tokens": column for name, column in sides.items()}
    ).groupby("bucket").sum(min_count=1)  # fmt: skip
    found = ask(filled, "monitor_tokens", "two-days", bucket_us=us(HOUR), **filters)
    assert [row.pop("bucket") for row in found] == expected.index.tolist()
    same(found, expected.to_dict("records"))


def same(found: list[Row], expected: list[Row]) -> None:
    for one, other in zip(found, expected, strict=True):
        numbers = {name: np.nan if value is None else value for name, value in one.items()}
        assert numbers == pytest.approx(other, nan_ok=True)


@pytest.mark.parametrize("measure", ["duration", "ttft"])
@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
def test_quantiles_are_those_of_numpy(filled: Any, filters: Row, measure: str) -> None:
    frame = in_window(leaves(filters), "some-hours")
    frame = frame[~frame["failed"]].dropna(subset=f"{measure}_ns")
    quantiles = [0.95, 0.5]
    expected = [
        {"bucket": bucket, "quantile": q, "value": float(np.quantile(own.astype(float), q)), "n": len(own)}
        for bucket, own in frame.groupby(bucket_of(frame["start_time"], HOUR))[f"{measure}_ns"] for q in quantiles
    ]  # fmt: skip
    asked = {"bucket_us": us(HOUR), "quantiles": quantiles, "measure": measure}
    assert ask(filled, "monitor_quantiles", "some-hours", **asked, **filters) == expected


def test_the_first_call_of_all_is_told(filled: Any) -> None:
    until = START + timedelta(days=2)
    for filters in FILTERS.values():
        expected = leaves(filters)["start_time"].min()
        (row,) = filled.readers.run("monitor_opened", 1, {"until": until, **filters}).table.to_pylist()
        if pd.isna(expected):
            assert row["opened"] is None
        else:
            near = expected.tz_convert(None).to_pydatetime() - row["opened"]
            assert timedelta(0) <= near < QUARTER


# Scores.


def located(score: Row) -> tuple[str, Any]:
    """What a score is of: a column of calls, and its value there. Beside it the span, where that is no call."""
    if score["session_id"] is not None:
        return "session_id", score["session_id"]
    span = int(score["response_id"][1:]) if score["response_id"] is not None else score["span_id"]
    if span is not None and span in LEAF_SPANS:
        return "span_id", span
    return "trace_id", TRACE_OF[span] if score["response_id"] is not None else score["trace_id"]


def ruler_of(score: Row) -> str:
    if score["source"] in {"human", "user"}:
        return {"human": "a person", "user": "an end user"}[score["source"]]
    return " ".join(filter(None, (score["evaluator"], score["evaluator_version"]))) or "an unnamed evaluator"


def newest(name: str) -> list[Row]:
    """The newest score of each target by each ruler, with `target`, `ruler`, `at` and `spans`, those of its calls."""
    told = SCORES[SCORES["name"] == name].astype(object).where(SCORES[SCORES["name"] == name].notna(), None)
    found: dict[Any, Row] = {}
    for score in told.sort_values(["commit_seq", "time", "score_id"]).to_dict("records"):
        column, value = located(score)
        said = int(score["response_id"][1:]) if score["response_id"] is not None else score["span_id"]
        target = column, value, None if column == "session_id" else said
        at, spans = STARTS[column].get(value), SPANS[column].get(value, set())
        if at is not None:  # else the store does not have it
            found[target, ruler_of(score)] = score | {
                "target": target, "ruler": ruler_of(score), "at": at, "spans": spans,
            }  # fmt: skip
    return list(found.values())


NEWEST = newest("quality")


def slice_of(rows: list[Row], filters: Row) -> list[Row]:
    """Those with a call that matches; without a filter all."""
    spans = set(leaves(filters)["span_id"])
    return [row for row in rows if not filters or spans & row["spans"]]


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("window", WINDOWS)
def test_scores_are_counted_by_bucket_and_ruler(scored: Any, window: str, filters: Row) -> None:
    since, until = WINDOWS[window]
    expected: dict[tuple[Any, str], list[Row]] = {}
    for row in slice_of(NEWEST, filters):
        if since <= row["at"] < until:
            bucket = row["at"].tz_convert(None).floor(HOUR).to_pydatetime()
            expected.setdefault((bucket, row["ruler"]), []).append(row)
    found = ask(scored, "monitor_scores", window, bucket_us=us(HOUR), scores=["quality"], **filters)
    assert [(row["bucket"], row["ruler"]) for row in found] == sorted(expected)
    assert filters or len(found) > 20
    for row in found:
        own = expected[row["bucket"], row["ruler"]]
        values = [one["value"] for one in own if one["value"] is not None]
        assert (row["targets"], row["n"]) == (len(own), len(values))
        assert row["failed"] == sum(one["error_type"] is not None for one in own)
        assert row["mean"] == (pytest.approx(np.mean(values)) if values else None)
        assert row["of_person"] == (row["ruler"] == "a person")
        assert row["newest"] == max(one["time"] for one in own).tz_convert(None)


def test_a_sample_of_scores_is_all_of_them_while_they_are_few(scored: Any) -> None:
    for filters in FILTERS.values():
        since, until = WINDOWS["two-days"]
        expected = [row for row in slice_of(NEWEST, filters) if since <= row["at"] < until]
        found = ask(scored, "monitor_scored", "two-days", scores=["quality"], **filters)
        assert sorted((row["ruler"], row["start_time"], str(row["amount"])) for row in found) == sorted(
            (row["ruler"], row["at"].tz_convert(None).to_pydatetime(), str(row["value"])) for row in expected
        )
        for row in found:
            assert row["total"] == sum(one["ruler"] == row["ruler"] for one in expected)
            assert filters.get("service") in {None, row["service"]}


def test_fewer_scores_are_drawn_by_trace(scored: Any) -> None:
    every = ask(scored, "monitor_scored", "two-days", scores=["quality"])
    few = ask(scored, "monitor_scored", "two-days", scores=["quality"], most=300)
    assert 150 < len(few) < 450
    drawn = {row["trace_id"] or row["session_id"] for row in few}
    assert few == [row for row in every if (row["trace_id"] or row["session_id"]) in drawn]


def verdicts_agree(judge: Row, person: Row) -> bool | None:
    if judge["label"] is not None and person["label"] is not None:
        return bool(judge["label"] == person["label"])
    if judge["value"] is None or person["value"] is None:
        return None
    return bool((judge["value"] >= 0.5) == (person["value"] >= 0.5))


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("window", WINDOWS)
def test_agreement_is_of_targets_that_a_person_scored_too(scored: Any, window: str, filters: Row) -> None:
    since, until = WINDOWS[window]
    people: dict[Any, Row] = {}
    judges: dict[Any, Row] = {}
    for row in sorted(slice_of(NEWEST, filters), key=lambda row: (row["time"], row["ruler"])):
        if row["error_type"] is None and row["ruler"] != "an end user":  # who is neither a judge nor a reviewer
            (people if row["ruler"] == "a person" else judges)[row["target"]] = row
    expected: dict[Any, list[bool]] = {}
    for target in people.keys() & judges.keys():
        agree = verdicts_agree(judges[target], people[target])
        at = max(judges[target]["time"], people[target]["time"])
        if agree is not None and since <= at < until:
            bucket = at.tz_convert(None).floor(HOUR).to_pydatetime()
            expected.setdefault((bucket, judges[target]["ruler"]), []).append(agree)
    found = ask(scored, "monitor_agreement", window, bucket_us=us(HOUR), scores=["quality"], **filters)
    assert {(row["bucket"], row["ruler"]): (row["n"], row["agree"]) for row in found} == {
        key: (len(own), sum(own)) for key, own in expected.items()
    }
    assert found or filters


def test_words_and_scales_say_what_agrees(store: Any) -> None:
    """Labels whatever their case; values by the halves of the scale that the judge tells."""
    store.add_calls(LEAVES.head(8))
    summarise(store.writer)
    cases = [
        ({"label": "Good"}, {"label": "good "}, {}, True), ({"label": "good"}, {"label": "poor"}, {}, False),
        ({"value": 4.0}, {"value": 5.0}, {"scale": json.dumps({"low": 1, "high": 5})}, True),
        ({"value": 2.0}, {"value": 5.0}, {"scale": json.dumps({"low": 1, "high": 5})}, False),
        ({"value": 7.0}, {"value": 7.0}, {}, True), ({"value": 7.0}, {"value": 6.0}, {}, False),
        ({"value": 0.4}, {"label": "good"}, {}, None),
    ]  # fmt: skip
    spans = LEAVES.head(8)
    rows = []
    for place, (judge, person, metadata, _) in enumerate(cases):
        target = {"trace_id": spans.iloc[place]["trace_id"], "span_id": spans.iloc[place]["span_id"]}
        shared = target | {"project_id": 1, "name": "n", "time": START + HOUR, "commit_seq": 1}
        rows.append(shared | judge | {"source": "llm", "metadata": metadata, "score_id": 2 * place})
        rows.append(shared | person | {"source": "human", "metadata": {}, "score_id": 2 * place + 1})
    store.add("scores", pd.DataFrame(rows))
    (row,) = ask(store, "monitor_agreement", "two-days", bucket_us=us(HOUR), scores=["n"])
    known = [agree for _, _, _, agree in cases if agree is not None]
    assert (row["n"], row["agree"]) == (len(known), sum(known))
