"""Slices of traffic that SQL added up, against `analytics.fairness.slices` over the rows that pandas finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from analytics.fairness import Slice, slices
from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawSpan
from server import parity
from server.parity import Question
from store.batch import Batch
from store.errors import UnknownQueryError

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(days=2)}
TRACES = 400
ORIGIN = Origin(7, {"service.name": "shop"}, "agent")
OF_TRACE = {"user": "user_id", "session": "session_id", "variant": "variant"}


def calls(count: int = 2000) -> pd.DataFrame:
    """Calls of 400 traces, of 90 users in 150 sessions; some outside of the window, of another role or project."""
    rng = np.random.default_rng(3)
    traces = rng.integers(1, TRACES + 1, count)
    tags = [["a", "b"], ["b"], [], ["c", "a"]]
    return pd.DataFrame({
        "project_id": np.where(traces % 10 == 0, 2, 1), "trace_id": [UUID(int=int(n)) for n in traces],
        "span_id": np.arange(1, count + 1),
        "start_time": [START + timedelta(hours=float(h)) for h in rng.uniform(-6, 54, count)], "kind": "llm",
        "usage_role": np.where(rng.random(count) < 0.15, "aggregate", "leaf"), "failed": rng.random(count) < 0.2,
        "response_model": rng.choice(["a", "b", "c"], count, p=[0.5, 0.3, 0.2]),
        "duration_ns": rng.gamma(2, 1e9, count).astype(int),
        "ttft_ns": np.where(rng.random(count) < 0.7, rng.gamma(2, 1e8, count).round(), np.nan),
        "variant": [None if n % 7 == 0 else f"v{n % 3}" for n in traces],
        "user_id": [None if n % 4 == 0 else f"u{n % 91}" for n in traces],
        "session_id": [None if n % 5 == 0 else f"s{n % 150}" for n in traces],
        "tags": [tags[n % 4] for n in traces],
        "cost_usd": np.where(rng.random(count) < 0.85, np.round(rng.gamma(0.7, 0.01, count), 9), np.nan),
        "price_status": "priced",
    })  # fmt: skip


def scores(count: int = 900) -> pd.DataFrame:
    """Scores of every kind of target, some twice, with errors, labels and values."""
    rng = np.random.default_rng(4)
    kinds = rng.choice(["trace", "call", "response", "session", "derived", "step"], count)
    numbers = rng.integers(1, TRACES + 1, count)
    by_span = CALLS.set_index("span_id")["trace_id"]
    told = []
    for kind, n in zip(kinds.tolist(), numbers.tolist(), strict=True):
        trace = by_span[n] if kind == "call" else UUID(int=n) if kind in {"trace", "step"} else None
        span = n if kind == "call" else 10**6 + n if kind == "step" else None
        bad, labelled = rng.random() < 0.15, rng.random() < 0.3
        told.append({
            "kind": kind, "number": n, "trace_id": trace, "span_id": span,
            "session_id": f"s{n % 150}" if kind == "session" else None,
            "response_id": {"response": f"r{n}", "derived": f"d{n}"}.get(kind),
            "value": None if bad or labelled else round(float(rng.random()), 2),
            "label": str(rng.choice(["good", "poor"])) if labelled and not bad else None,
            "error_type": "TimeoutError" if bad else None,
        })  # fmt: skip
    return pd.DataFrame(told).assign(
        project_id=1, name=np.where(rng.random(count) < 0.1, "other", "solved"),
        commit_seq=rng.permutation(count) // 2 + 1, score_id=np.arange(count), source="api", metadata=[{}] * count,
        time=[START + timedelta(hours=float(h)) for h in rng.uniform(0, 90, count)],
    )  # fmt: skip


CALLS = calls()
SCORES = scores()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("parity"))
    at = int(START.timestamp()) * 10**9
    spans = [
        RawSpan(ORIGIN, CALLS["trace_id"][n - 1].bytes, n, None, "chat", at + n, at + n + 1, {})
        for n in range(1, TRACES + 1)
    ]
    spans += [replace(span, span_id=10**7 + span.span_id) for span in spans[::3]]  # a library told the call too
    table = frames.span_table(spans, [SpanFacts(response_id=f"r{span.span_id % 10**7}") for span in spans])
    opened.writer.submit(
        Batch(1, "grpc", "traces", {"shop": len(spans)}, spans=table, origins=frames.origin_table([ORIGIN]))
    ).result(10)
    derived = [[CALLS["trace_id"][n - 1], n, f"d{n}"] for n in range(1, TRACES + 1)]
    text = "insert into span_derived (project_id, trace_id, span_id, response_id) values (1, ?, ?, ?)"
    opened.writer.call(lambda cursor: cursor.executemany(text, derived)).result()
    opened.add_calls(CALLS)
    opened.add("scores", SCORES.drop(columns=["kind", "number"]))
    yield opened
    opened.close()


def ask(store: Any, question: Question, **more: Any) -> dict[str, Any]:
    return parity.answer(lambda name, asked: store.readers.run(name, 1, WINDOW | asked | more).table, question)


def kept() -> pd.DataFrame:
    frame = CALLS[(CALLS["project_id"] == 1) & (CALLS["usage_role"] == "leaf")]
    frame = frame[(frame["start_time"] >= WINDOW["since"]) & (frame["start_time"] < WINDOW["until"])]
    return frame.assign(values=frame["response_model"].map(lambda one: {one}))


def values_of(frame: pd.DataFrame, by: str) -> pd.Series:
    """The values of each call: one, or its tags."""
    if by == "tag":
        return frame["tags"].map(lambda tags: set(tags) or {None})
    column = {"model": "response_model", **OF_TRACE}[by]
    return frame[column].map(lambda one: {None if pd.isna(one) else one})


def clusters_of(frame: pd.DataFrame, cluster: str) -> list[str]:
    return [
        f"u{user}" if cluster == "user" and not pd.isna(user) else f"s{session}"
        if cluster != "trace" and not pd.isna(session) else f"t{trace}"
        for user, session, trace in zip(frame["user_id"], frame["session_id"], frame["trace_id"], strict=True)
    ]  # fmt: skip


def wanted(things: pd.DataFrame, cluster: str) -> dict[object, Slice]:
    """Each value against the rest: things have `values`, `amount`, and whose they are."""
    things = things[things["amount"].notna()]
    groups = set().union(*things["values"])
    told = clusters_of(things, cluster)
    amounts = things["amount"].astype(float).tolist()
    return {
        group: next(
            one for one in slices(["in" if group in held else "out" for held in things["values"]], amounts, told)
            if one.group == "in"
        )
        for group in groups
    }  # fmt: skip


def check(found: dict[str, Any], expected: dict[object, Slice]) -> None:
    assert {row["group"] for row in found["groups"]} == set(expected)
    for row in found["groups"]:
        one = expected[row["group"]]
        for name in ("value", "rest", "difference"):
            side = getattr(one, name)
            told = [row[name][end] for end in ("value", "low", "high", "n")]
            assert same(told, [side.value, side.low, side.high, side.n]), row["group"]
        assert same([row["p"], row["detectable"]], [one.p, one.detectable])
        assert (row["finding"] == "not enough") == (one.finding == "not enough")


def same(told: list[float | None], expected: list[float | None]) -> bool:
    """Null where the other is."""
    pairs = list(zip(told, expected, strict=True))
    return all((a is None) == (b is None) for a, b in pairs) and all(
        a == pytest.approx(b, rel=1e-6, abs=1e-9) for a, b in pairs if b is not None
    )


@pytest.mark.parametrize(
    ("by", "cluster"),
    [
        ("model", "user"),
        ("model", "trace"),
        ("tag", "user"),
        ("tag", "session"),
        ("variant", "user"),
        ("user", "session"),
    ],
)
def test_calls_are_compared_as_pandas_has_them(filled: Any, by: Any, cluster: Any) -> None:
    frame = kept()
    frame = frame.assign(values=values_of(frame, by))
    for measure, amount in {
        "failed": frame["failed"].astype(float), "duration": frame["duration_ns"].where(~frame["failed"]),
        "ttft": frame["ttft_ns"].where(~frame["failed"]),
    }.items():  # fmt: skip
        if by == "user" and measure != "failed":
            continue  # ninety groups, and no other way
        expected = wanted(frame.assign(amount=amount), cluster)
        found = ask(filled, Question(by, measure, cluster=cluster), most=1000)
        check(found, expected)
        assert found["rows"] == amount.notna().sum()


@pytest.mark.parametrize("by", ["model", "tag", "variant"])
def test_costs_are_of_traces(filled: Any, by: Any) -> None:
    frame = kept()
    frame = frame.assign(values=values_of(frame, by)).dropna(subset="cost_usd")
    keys = ["trace_id", "response_model"] if by == "model" else ["trace_id"]
    firsts = dict.fromkeys({"values", "user_id", "session_id", "trace_id"} - set(keys), "first")
    traces = frame.groupby(keys, as_index=False).agg(firsts | {"cost_usd": "sum"})
    check(ask(filled, Question(by, "cost")), wanted(traces.rename(columns={"cost_usd": "amount"}), "user"))


def scored(by: str, label: str | None, frame: pd.DataFrame) -> pd.DataFrame:
    """One row per target with a score that counts: its values and whose it is."""
    told = SCORES[SCORES["name"] == "solved"].sort_values(["commit_seq", "time", "score_id"])
    leaves = CALLS[CALLS["usage_role"] == "leaf"]
    calls_known = set(zip(leaves["trace_id"], leaves["span_id"], strict=True))
    newest: dict[object, Any] = {}
    for row in told.to_dict("records"):
        n = row["number"]
        if row["kind"] == "session":
            target: object = ("session", row["session_id"])
        elif row["kind"] in {"response", "derived", "call"}:
            target = (CALLS["trace_id"][n - 1], n)
        else:
            target = (row["trace_id"], row["span_id"] if row["kind"] == "step" else None)
        amount = row["value"] if label is None else None if pd.isna(row["label"]) else float(row["label"] == label)
        newest[target] = amount if pd.isna(row["error_type"]) else None
    found = []
    for (first, second), amount in newest.items():
        if amount is None or pd.isna(amount):
            continue
        if first == "session":
            near = frame[frame["session_id"] == second]
        elif (first, second) in calls_known:
            near = frame[(frame["trace_id"] == first) & (frame["span_id"] == second)]
        else:
            near = frame[frame["trace_id"] == first]
        if len(near):
            whose = {name: min(near[name].dropna(), default=None) for name in ("user_id", "session_id", "trace_id")}
            found.append({"values": set().union(*values_of(near, by)), "amount": amount, **whose})
    return pd.DataFrame(found)


@pytest.mark.parametrize("label", [None, "good"])
@pytest.mark.parametrize("by", ["model", "tag", "variant"])
def test_the_newest_score_of_each_target_counts(filled: Any, by: Any, label: str | None) -> None:
    found = ask(filled, Question(by, "solved", label, "trace"))
    check(found, wanted(scored(by, label, kept()), "trace"))
    assert found["rows"] > 60


def test_a_filter_narrows_scores_too(filled: Any) -> None:
    frame = kept()
    found = ask(filled, Question("variant", "solved", None, "trace"), model="b")
    check(found, wanted(scored("variant", None, frame[frame["response_model"] == "b"]), "trace"))


def test_what_is_cut_still_is_of_the_rest(filled: Any) -> None:
    whole, cut = (ask(filled, Question("user", "failed"), most=most) for most in (1000, 3))
    assert (len(cut["groups"]), cut["of_groups"]) == (3, len(whole["groups"]))
    for one, other in zip(cut["groups"], whole["groups"], strict=False):
        assert (one["group"], one["rows"]) == (other["group"], other["rows"])
        assert same([*one["rest"].values()], [*other["rest"].values()])
    with pytest.raises(UnknownQueryError, match="between 1 and 1000"):
        ask(filled, Question("user", "failed"), most=0)


def test_nothing_in_the_window_gives_no_groups(filled: Any) -> None:
    late = {"since": START + timedelta(days=9), "until": START + timedelta(days=10)}
    for measure in ("failed", "cost", "solved"):
        assert ask(filled, Question("model", measure), **late)["groups"] == []
