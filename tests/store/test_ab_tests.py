"""Live A/B tests: kept by version; what traces say of them, against pandas over the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from store import named
from store.queries.ab_tests import Exposure, days_of_tests

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(days=6)}
LABELS = ["t:control", "t:new"]
ASKED = WINDOW | {"labels": LABELS, "unit": "user"}


def traces(count: int = 1_200) -> pd.DataFrame:
    """Traces of 150 users: some of another test, of no user, outside of the window, or of both arms."""
    rng = np.random.default_rng(5)
    users = rng.integers(0, 150, count)
    arms = np.array([[LABELS[user % 2]] if user % 11 else [LABELS[int(side)]] for user, side in
                     zip(users, rng.random(count) < 0.5, strict=True)], dtype=object)  # fmt: skip
    told = [[*arm, "other:x"] if n % 3 == 0 else list(arm) if n % 17 else ["other:x"] for n, arm in enumerate(arms)]
    told[5] = [*LABELS]
    return pd.DataFrame({
        "project_id": np.where(rng.random(count) < 0.05, 2, 1),
        "trace_id": [UUID(int=n + 1) for n in range(count)], "resolved_seq": 1,
        "start_time": [START + timedelta(hours=float(h)) for h in rng.uniform(-10, 150, count)],
        "duration_ns": rng.integers(1, 10**10, count), "root_span_id": 1, "root_name": "answer", "root_missing": False,
        "services": [[]] * count, "spans": 1, "model_calls_ok": 1, "model_calls_failed": 0, "embedding_calls": 0,
        "tool_executions": 0, "tool_executions_failed": 0, "unknown_usage_calls": 0, "usage_estimated": False,
        "cost_usd": np.where(rng.random(count) < 0.8, rng.gamma(1, 0.01, count), np.nan),
        "unpriced_calls": np.where(rng.random(count) < 0.1, 1, 0), "errors": 0,
        "status": rng.choice(["ok", "error", "recovered"], count, p=[0.7, 0.2, 0.1]),
        "session_id": [f"s{user}-{n % 2}" for n, user in enumerate(users)],
        "user_id": [None if n % 13 == 0 else f"u{user}" for n, user in enumerate(users)],
        "models": [[]] * count, "tags": [[]] * count, "variants": told, "prompts": [[]] * count,
    })  # fmt: skip


def scores(count: int = 700) -> pd.DataFrame:
    """Of traces, of spans in them and of sessions; some that failed, of another name, or replaced by a newer one."""
    rng = np.random.default_rng(6)
    kinds, numbers = rng.choice(["trace", "span", "session"], count, p=[0.5, 0.3, 0.2]), rng.integers(1, 1201, count)
    failed = rng.random(count) < 0.1
    return pd.DataFrame({
        "project_id": 1, "commit_seq": rng.permutation(count) + 1, "score_id": np.arange(count),
        "trace_id": [UUID(int=int(n)) if kind != "session" else None for kind, n in zip(kinds, numbers, strict=True)],
        "span_id": [1 if kind == "span" else None for kind in kinds],
        "session_id": [f"s{n % 150}-1" if kind == "session" else None for kind, n in zip(kinds, numbers, strict=True)],
        "name": np.where(rng.random(count) < 0.1, "other", "helpful"), "source": "api", "metadata": [{}] * count,
        "value": np.where(failed, np.nan, rng.random(count)), "error_type": np.where(failed, "TimeoutError", None),
        "time": START,
    })  # fmt: skip


TRACES, SCORES = traces(), scores()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, store_class: Any) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("ab"))
    opened.add("trace_summaries", TRACES)
    opened.add("scores", SCORES)
    yield opened
    opened.close()


def exposed() -> pd.DataFrame:
    """A row per trace and arm, in the window."""
    frame = TRACES[(TRACES["project_id"] == 1) & TRACES["start_time"].between(*WINDOW.values(), inclusive="left")]
    frame = frame.assign(day=frame["start_time"].dt.tz_convert(None).dt.floor("D"), label=frame["variants"])
    frame = frame.explode("label", ignore_index=True)
    return frame[frame["label"].isin(LABELS)]


def values(measure: str) -> pd.DataFrame:
    """unit, label, day, value."""
    rows = exposed().dropna(subset="user_id").rename(columns={"user_id": "unit"})
    rows = rows[rows.groupby("unit")["label"].transform("nunique") == 1]
    match measure:
        case "error":
            return rows.assign(value=(rows["status"] == "error").astype(float))
        case "latency":
            return rows[rows["status"] != "error"].assign(value=rows["duration_ns"] / 1e9)
        case "cost":
            return rows[(rows["unpriced_calls"] == 0) & rows["cost_usd"].notna()].assign(value=rows["cost_usd"])
    told = SCORES[SCORES["name"] == "helpful"].sort_values("commit_seq")
    told = told.groupby(["trace_id", "span_id", "session_id"], dropna=False).tail(1).dropna(subset="value")
    own = told.dropna(subset="trace_id")[["trace_id", "value"]].merge(rows, on="trace_id")
    sessions = rows.groupby(["unit", "label", "session_id"], as_index=False)["day"].min()
    late = told[told["trace_id"].isna()][["session_id", "value"]].merge(sessions, on="session_id")
    return pd.concat([own, late])


def arms(rows: pd.DataFrame) -> pd.DataFrame:
    """units, mean, variance and fourth moment of the units' averages by label, at the end of each day."""
    found = []
    for day in sorted(rows["day"].unique()):
        means = rows[rows["day"] <= day].groupby(["label", "unit"])["value"].mean()
        for label, side in means.groupby("label"):
            off = side - side.mean()
            found.append((label, day, len(side), side.mean(), (off**2).mean(), (off**4).mean()))
    return pd.DataFrame(found, columns=["label", "day", "units", "mean", "m2", "m4"])


@pytest.mark.parametrize("measure", ["cost", "latency", "error", "score:helpful"])
def test_each_day_is_what_pandas_says(filled: Any, measure: str) -> None:
    table = filled.readers.run("ab_days", 1, ASKED | {"measures": [measure]}).table.to_pandas()
    told = table[table["measure"] == measure].assign(day=lambda rows: pd.to_datetime(rows["day"]))
    both = told.merge(arms(values(measure)), on=["label", "day"], suffixes=("", "_expected"))
    assert len(both) == len(told) > 8
    assert (both["units"] == both["units_expected"]).all()
    s1, s2, s3, s4 = (both[f"x{power}"] / both["units"] for power in (1, 2, 3, 4))
    np.testing.assert_allclose(both["centre"] + s1, both["mean"], rtol=1e-9)
    np.testing.assert_allclose(s2 - s1**2, both["m2"], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(s4 - 4 * s1 * s3 + 6 * s1**2 * s2 - 3 * s1**4, both["m4"], rtol=1e-7, atol=1e-12)


def test_several_tests_at_once_are_each_as_alone(filled: Any) -> None:
    naive, hours = START.replace(tzinfo=None), timedelta(hours=1)
    asked = [
        Exposure(naive, naive + 144 * hours, LABELS, "user", ["error", "score:helpful"]),
        Exposure(naive + 30 * hours, naive + 90 * hours, [*LABELS, "other:x"], "trace", ["exposure", "cost"]),
        Exposure(naive + 40 * hours, naive + 41 * hours, ["nosuch"], "session", ["exposure"]),
        Exposure(naive, naive + 100 * hours, LABELS[::-1], "session", ["latency", "exposure"]),
    ]
    with filled.readers.read() as cursor:
        every = days_of_tests(cursor, 1, asked).to_pandas()
    for number, one in enumerate(asked):
        params = {name: getattr(one, name) for name in ("since", "until", "labels", "unit", "measures")}
        alone = filled.readers.run("ab_days", 1, params).table.to_pandas()
        mine = every[every["test"] == number].drop(columns="test")
        order = ["measure", "label", "day"]
        sides = (side.sort_values(order, ignore_index=True) for side in (mine, alone))
        pd.testing.assert_frame_equal(*sides, rtol=1e-9, check_dtype=False)
        assert len(mine) == len(alone)
        assert bool(len(alone)) == (number != 2)


def test_what_no_figure_counts_is_counted(filled: Any) -> None:
    (told,) = filled.readers.run("ab_units", 1, ASKED).table.to_pylist()
    rows = exposed()
    by_user = rows.dropna(subset="user_id").groupby("user_id")[["label", "trace_id"]].nunique()
    mixed = by_user[by_user["label"] > 1]
    assert len(mixed) > 5
    assert told == {
        "traces": rows["trace_id"].nunique(), "units": len(by_user), "mixed_units": len(mixed),
        "traces_without_unit": rows.loc[rows["user_id"].isna(), "trace_id"].nunique(),
        "mixed_traces": mixed["trace_id"].sum(),
    }  # fmt: skip


def test_phases_are_what_pandas_says(filled: Any) -> None:
    asked = ASKED | {"measure": "cost", "cut": START + timedelta(days=2)}
    rows = values("cost")
    for told in filled.readers.run("ab_phases", 1, asked).table.to_pylist():
        side = rows[rows["label"] == told["label"]]
        late = side["day"] >= pd.Timestamp(2026, 3, 3)
        early, later = (side[part].groupby("unit")["value"].mean() for part in (~late, late))
        both = pd.concat([early, later], axis=1, join="inner")
        expected = (
            len(early), early.mean(), early.var(), early.kurt(), len(later), later.mean(), later.var(), len(both),
            both.cov().iloc[0, 1],
        )  # fmt: skip
        shown = [told[name] for name in (
            "early_units", "early_mean", "early_variance", "early_kurtosis", "late_units", "late_mean", "late_variance",
            "both_units", "covariance")]  # fmt: skip
        off = early - early.mean()
        assert shown[3] == pytest.approx((off**4).mean() / (off**2).mean() ** 2)
        assert [*shown[:3], *shown[4:]] == pytest.approx([*expected[:3], *expected[4:]])


@pytest.mark.parametrize("unit", ["session", "trace"])
def test_units_are_sessions_or_traces_too(filled: Any, unit: str) -> None:
    (told,) = filled.readers.run("ab_units", 1, ASKED | {"unit": unit}).table.to_pylist()
    assert told["units"] == exposed()[f"{unit}_id"].nunique()
    assert told["traces_without_unit"] == 0


def test_versions_are_kept(store: Any) -> None:
    def put(document: str, upon: int) -> int | None:
        return store.writer.call(lambda cursor: named.put(cursor, "ab_tests", 1, "t", document, "ann", upon)).result()

    assert [put("{}", 0), put("{}", 1), put('{"a": 1}', 1)] == [1, 1, 2]
    assert put('{"b": 1}', 1) is None, "upon a version that is not the newest"
    with store.readers.read() as con:
        assert [(one.version, one.document) for one in named.versions(con, "ab_tests", 1, "t")] == [
            (2, '{"a": 1}'),
            (1, "{}"),
        ]
        assert [one.version for one in named.every(con, "ab_tests", 1)] == [2]
        assert named.one(con, "ab_tests", 2, "t") is None
    assert put("", 2) == 3
    with store.readers.read() as con:
        assert named.one(con, "ab_tests", 1, "t") is None
        assert named.every(con, "ab_tests", 1) == []
