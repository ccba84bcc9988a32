"""What a success costs, against pandas over the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawSpan
from store.batch import Batch
from store.errors import UnknownQueryError

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(days=2)}
TRACES = 300
ORIGIN = Origin(7, {"service.name": "shop"}, "agent")
COLUMNS = {"model": "model", "variant": "variant", "prompt": "prompt_name", "session": "session_id"}


def calls(count: int = 1500) -> pd.DataFrame:
    """Calls of 300 traces in 80 sessions, some without a price, some outside of the window or of another role."""
    rng = np.random.default_rng(3)
    traces = rng.integers(1, TRACES + 1, count)
    return pd.DataFrame({
        "project_id": np.where(rng.random(count) < 0.1, 2, 1), "trace_id": [UUID(int=int(n)) for n in traces],
        "span_id": np.arange(1, count + 1),
        "start_time": [START + timedelta(hours=float(h)) for h in rng.uniform(-6, 54, count)], "kind": "llm",
        "usage_role": np.where(rng.random(count) < 0.15, "aggregate", "leaf"), "failed": rng.random(count) < 0.2,
        "response_model": rng.choice(["a", "b", "c"], count),
        "variant": [None if n % 7 == 0 else f"v{n % 2}" for n in traces],
        "session_id": [None if n % 5 == 0 else f"s{n % 100}" for n in traces], "tags": [["x"]] * count,
        "prompt_name": [f"p{n % 3}" for n in traces], "input_tokens": np.where(rng.random(count) < 0.8, 100, None),
        "cost_usd": np.where(rng.random(count) < 0.85, np.round(rng.gamma(0.7, 0.01, count), 9), np.nan),
        "price_status": "priced",
    })  # fmt: skip


def scores(count: int = 600) -> pd.DataFrame:
    """Scores of every kind of target, with errors, labels and values; some of another name or project."""
    rng = np.random.default_rng(4)
    kinds = rng.choice(["trace", "span", "response", "session", "derived"], count)
    numbers = rng.integers(1, TRACES + 1, count)
    failed, labelled = rng.random(count) < 0.15, rng.random(count) < 0.3
    told = [
        {
            "trace_id": UUID(int=int(n)) if kind in {"trace", "span"} else None,
            "span_id": int(n) if kind == "span" else None, "session_id": f"s{n % 100}" if kind == "session" else None,
            "response_id": {"response": f"r{n}", "derived": f"d{n}"}.get(kind),
            "value": None if bad or said else float(round(value, 2)), "label": None if bad or not said else word,
            "error_type": "TimeoutError" if bad else None, "kind": kind, "number": int(n),
        }
        for kind, n, bad, said, value, word in zip(
            kinds, numbers, failed, labelled, rng.random(count), rng.choice(["good", "poor"], count), strict=True
        )
    ]  # fmt: skip
    frame = pd.DataFrame(told)
    return frame.assign(
        project_id=np.where(rng.random(count) < 0.05, 2, 1), name=np.where(rng.random(count) < 0.2, "other", "solved"),
        commit_seq=rng.permutation(count) // 2 + 1, score_id=np.arange(count), source="api", metadata=[{}] * count,
        time=[START + timedelta(hours=float(h)) for h in rng.uniform(0, 90, count)],
    )  # fmt: skip


CALLS, SCORES = calls(), scores()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("success"))
    spans = [
        RawSpan(ORIGIN, n.to_bytes(16, "big"), n, None, "chat", int(START.timestamp() + n) * 10**9, 10**9, {})
        for n in range(1, TRACES + 1)
    ]
    table = frames.span_table(spans, [SpanFacts(response_id=f"r{span.span_id}") for span in spans])
    opened.writer.submit(
        Batch(1, "grpc", "traces", {"shop": TRACES}, spans=table, origins=frames.origin_table([ORIGIN]))
    ).result(10)
    derived = "insert into span_derived (project_id, trace_id, span_id, response_id) values (1, ?, ?, ?)"
    opened.writer.call(
        lambda cursor: cursor.executemany(derived, [[UUID(int=n), n, f"d{n}"] for n in range(1, TRACES + 1)])
    ).result()
    for name, frame in (("calls", CALLS), ("scores", SCORES.drop(columns=["kind", "number"]))):
        put(opened, name, frame)
    yield opened
    opened.close()


def put(store: Any, table: str, frame: pd.DataFrame) -> None:
    store.add_calls(frame) if table == "calls" else store.add(table, frame)


def ask(store: Any, **params: Any) -> pd.DataFrame:
    asked = WINDOW | {"score": "solved", "at_least": 0.5} | params
    return store.readers.run("cost_per_success", 1, asked).table.to_pandas()


def kept() -> pd.DataFrame:
    frame = CALLS[(CALLS["project_id"] == 1) & (CALLS["usage_role"] == "leaf")]
    frame = frame[(frame["start_time"] >= WINDOW["since"]) & (frame["start_time"] < WINDOW["until"])]
    return frame.assign(
        model=frame["response_model"],
        unpriced=frame["cost_usd"].isna() & ~(frame["failed"] & frame["input_tokens"].isna()),
    )


def verdicts(unit: str, at_least: float | None, label: str | None) -> dict[object, bool | None]:
    """The newest score of each unit; null: unknown."""
    told = SCORES[(SCORES["project_id"] == 1) & (SCORES["name"] == "solved")]
    sessions = kept().dropna(subset="session_id").set_index("trace_id")["session_id"].to_dict()
    found: dict[object, bool | None] = {}
    for row in told.sort_values(["commit_seq", "time", "score_id"]).to_dict("records"):
        trace = UUID(int=row["number"])
        if row["kind"] == "session":
            key: object = row["session_id"] if unit == "session" else None
        else:
            key = sessions.get(trace) if unit == "session" else trace
        if key is None:
            continue
        if label is not None:
            found[key] = None if row["label"] is None or pd.isna(row["label"]) else row["label"] == label
        else:
            found[key] = None if pd.isna(row["value"]) else row["value"] >= at_least
    return found


def expected(part: pd.DataFrame, unit: str, told: dict[object, bool | None]) -> dict[str, Any]:
    """The ratio as analytics.intervals.ratio has it, its interval on the logarithm."""
    units = part.dropna(subset=f"{unit}_id").groupby(f"{unit}_id").agg(
        cost=("cost_usd", lambda usd: usd.sum(min_count=1)), unpriced=("unpriced", "sum")
    )  # fmt: skip
    known = [unit for unit in units.index if told.get(unit) is not None]
    scored = units.loc[known]
    priced = scored.dropna(subset="cost")
    x, y = priced["cost"], pd.Series({unit: float(bool(told[unit])) for unit in priced.index}, dtype=float)
    n, there = len(priced), set(units.dropna(subset="cost").index)
    failed = sum(unit in told and told[unit] is None for unit in there)
    counts = {
        "units": len(there), "scored": n, "successes": int(y.sum()), "failed_scores": failed,
        "unscored": len(there) - n - failed, "unpriced_units": len(scored) - n,
        "unpriced": int(priced["unpriced"].sum()),
    }  # fmt: skip
    if not y.sum():
        return counts
    ratio = x.sum() / y.sum()
    if n < 2:
        return counts | {"cost_usd": x.sum(), "per_success": ratio}
    error = np.sqrt(n / (n - 1) * ((x - ratio * y) ** 2).sum()) / y.sum()
    reach = np.exp(stats.t.ppf(0.975, n - 1) * error / ratio)
    return counts | {"cost_usd": x.sum(), "per_success": ratio, "low": ratio / reach, "high": ratio * reach}


RULES = [pytest.param(0.5, None, id="value"), pytest.param(None, "good", id="label")]


@pytest.mark.parametrize("unit", ["trace", "session"])
@pytest.mark.parametrize(("at_least", "label"), RULES)
def test_a_success_costs_what_pandas_says(filled: Any, unit: str, at_least: float | None, label: str | None) -> None:
    (found,) = ask(filled, unit=unit, at_least=at_least, label=label).to_dict("records")
    wanted = expected(kept(), unit, verdicts(unit, at_least, label))
    assert wanted["successes"] > 5
    assert wanted["failed_scores"] > 3
    assert wanted["unpriced"] > 3
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("dimension", COLUMNS)
@pytest.mark.parametrize("unit", ["trace", "session"])
def test_each_value_has_its_own(filled: Any, dimension: str, unit: str) -> None:
    found, told = ask(filled, unit=unit, dimension=dimension), verdicts(unit, 0.5, None)
    assert (found["total"] == len(found)).all()
    for row in found.to_dict("records"):
        column = kept()[COLUMNS[dimension]]
        part = kept()[column.isna() if pd.isna(row["value"]) else column == row["value"]]
        for name, value in expected(part, unit, told).items():
            assert row[name] == pytest.approx(value, rel=1e-9), (row["value"], name)


def test_a_filter_narrows_costs_and_units(filled: Any) -> None:
    (found,) = ask(filled, model="a").to_dict("records")
    wanted = expected(kept()[kept()["model"] == "a"], "trace", verdicts("trace", 0.5, None))
    assert (found["units"], found["per_success"]) == (wanted["units"], pytest.approx(wanted["per_success"]))


def test_the_newest_score_counts_and_a_failed_one_is_unknown(store: Any) -> None:
    call = {"project_id": 1, "span_id": 1, "start_time": START, "kind": "llm", "usage_role": "leaf", "failed": False,
            "tags": [], "price_status": "priced", "cost_usd": 2.0}  # fmt: skip
    put(store, "calls", pd.DataFrame([call | {"trace_id": UUID(int=n)} for n in (1, 2, 3, 4)]))
    told = [(1, 1, 0.0, None), (1, 2, 1.0, None), (2, 1, 1.0, None), (2, 2, None, "Timeout"), (3, 1, 0.2, None)]
    base = {"project_id": 1, "name": "solved", "source": "api", "metadata": {}, "time": START}
    put(store, "scores", pd.DataFrame([
        base | {"trace_id": UUID(int=trace), "commit_seq": seq, "score_id": number, "value": value, "error_type": error}
        for number, (trace, seq, value, error) in enumerate(told)
    ]))  # fmt: skip
    (found,) = ask(store).to_dict("records")
    counts = {name: found[name] for name in ("units", "scored", "successes", "failed_scores", "unscored")}
    assert counts == {"units": 4, "scored": 2, "successes": 1, "failed_scores": 1, "unscored": 1}
    assert (found["cost_usd"], found["per_success"]) == (4.0, 4.0)
    (none,) = ask(store, at_least=2.0).to_dict("records")
    assert (none["scored"], none["successes"]) == (2, 0)
    assert pd.isna([none["per_success"], none["low"], none["high"]]).all()
    (unheard,) = ask(store, score="nothing").to_dict("records")
    assert (unheard["scored"], unheard["unscored"]) == (0, 4)
    assert pd.isna([unheard["cost_usd"], unheard["per_success"]]).all()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({}, 31.0, id="any"),
        pytest.param({"with_score": "solved"}, 15.0, id="whatever-it-says"),
        pytest.param({"with_score": "solved", "with_score_at_least": 0.5}, 5.0, id="the-newest-counts"),
        pytest.param({"with_score": "solved", "with_score_at_most": 0.5}, 8.0, id="of-its-session"),
        pytest.param({"with_score": "solved", "with_score_failed": True}, 2.0, id="failed"),
        pytest.param({"with_score": "solved", "with_score_label": "fine"}, 4.0, id="of-another-span"),
        pytest.param({"with_score": "solved", "service": "shop"}, 8.0, id="with-another-filter"),
        pytest.param({"with_score": "else"}, None, id="another-name"),
    ],
)
def test_calls_are_narrowed_down_by_scores(store: Any, filters: dict[str, Any], found: float | None) -> None:
    call = {"project_id": 1, "span_id": 1, "start_time": START, "kind": "llm", "usage_role": "leaf", "failed": False,
            "tags": [], "price_status": "priced"}  # fmt: skip
    told = [call | {"trace_id": UUID(int=n + 1), "cost_usd": 2.0**n} for n in range(5)]
    told[3] |= {"session_id": "s", "service": "shop"}
    put(store, "calls", pd.DataFrame(told))
    store.sum_calls()
    base = {"project_id": 1, "name": "solved", "source": "api", "metadata": {}, "time": START}
    put(store, "scores", pd.DataFrame([
        base | {"commit_seq": seq, "score_id": seq} | row
        for seq, row in enumerate([
            {"trace_id": UUID(int=1), "value": 0.0}, {"trace_id": UUID(int=1), "value": 1.0},
            {"trace_id": UUID(int=2), "value": 1.0}, {"trace_id": UUID(int=2), "error_type": "Timeout"},
            {"trace_id": UUID(int=3), "span_id": 7, "value": 0.9, "label": "fine"},
            {"session_id": "s", "value": 0.1},
        ])
    ]))  # fmt: skip
    params = WINDOW | filters
    assert store.readers.run("calls_totals", 1, params).table["cost_usd"].to_pylist() == [found]
    by = store.readers.run("calls_cost_by", 1, params | {"dimension": "service"}).table["cost_usd"].to_pylist()
    assert sum(by) == (found or 0)
    per = store.readers.run("calls_cost_per", 1, params).table.to_pylist()
    assert per[0]["n"] == int(found or 0).bit_count()


def test_a_bound_needs_the_name_of_its_score(store: Any) -> None:
    with pytest.raises((ValueError, UnknownQueryError), match="with_score_at_least needs the name of a score"):
        store.readers.run("calls_totals", 1, WINDOW | {"with_score_at_least": 0.5})


def test_one_scored_unit_has_no_interval(store: Any) -> None:
    call = {"project_id": 1, "span_id": 1, "start_time": START, "kind": "llm", "usage_role": "leaf", "failed": False,
            "tags": [], "price_status": "priced", "cost_usd": 2.0, "trace_id": UUID(int=1)}  # fmt: skip
    put(store, "calls", pd.DataFrame([call]))
    score = {"project_id": 1, "name": "solved", "source": "api", "metadata": {}, "time": START, "value": 1.0}
    put(store, "scores", pd.DataFrame([score | {"trace_id": UUID(int=1), "commit_seq": 1, "score_id": 1}]))
    (found,) = ask(store).to_dict("records")
    assert found["per_success"] == 2
    assert pd.isna([found["low"], found["high"]]).all()


def test_no_call_gives_no_row(filled: Any) -> None:
    assert ask(filled, since=START + timedelta(days=90), until=START + timedelta(days=91)).empty


@pytest.mark.parametrize("rule", [{"at_least": None}, {"label": "good"}])
def test_a_success_is_said_once(filled: Any, rule: dict[str, Any]) -> None:
    with pytest.raises((ValueError, UnknownQueryError), match="at_least, a value, or label"):
        ask(filled, **rule)


def test_names_that_can_be_chosen(filled: Any) -> None:
    found = filled.readers.run("score_names", 1, {"since": START + timedelta(hours=30)}).table.to_pylist()
    told = SCORES[(SCORES["project_id"] == 1) & (SCORES["time"] >= START + timedelta(hours=30))]
    assert [row["name"] for row in found] == list(told["name"].value_counts().index)
    for row in found:
        part = told[told["name"] == row["name"]]
        assert (row["scores"], row["failed"]) == (len(part), part["error_type"].notna().sum())
        assert (row["valued"], row["low"], row["high"]) == (
            part["value"].count(),
            part["value"].min(),
            part["value"].max(),
        )
        assert set(row["labels"]) == set(part["label"].dropna())
