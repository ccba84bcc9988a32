"""Why an alert fired, over the real store: releases, mixes, slow providers, sums, rulers, and nothing at all."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
import stores

from server.aside import Inline, asking
from server.core import Core
from server.monitors.explaining import Explained, explain
from server.monitors.series import series
from server.monitors.terms import Terms
from server.settings import Settings

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS, CHANGED = 8 * 24, 7 * 24 + 14  # how long, and when what each project tells of changed
AT = START + CHANGED * HOUR
END = (START + HOURS * HOUR).replace(tzinfo=None)
FITTED = {"since": "2026-11-02T00:00:00", "until": "2026-11-09T00:00:00", "season": "hour"}
RELEASE, MIX, QUIET, SLOW, MORE = range(2, 7)  # projects


def traffic(project: int) -> pd.DataFrame:
    """Calls of two models and two services, 24 an hour in sessions of three, two in a hundred of them failed."""
    rng = np.random.default_rng(project)
    n = HOURS * 24
    hours = np.repeat(np.arange(HOURS), 24)
    after = hours >= CHANGED
    claude = rng.random(n) < (np.where(after, 0.7, 0.2) if project == MIX else 0.5)
    shop = np.repeat(rng.random(n // 3) < 0.7, 3)
    errors = np.full(n, 0.02)
    if project == MIX:
        errors[claude] = 0.3
    if project == RELEASE:
        errors[after & ~claude & shop] = 0.4
    frame = pd.DataFrame(
        {
            "project_id": project,
            "trace_id": [UUID(int=project * 10**6 + int(at)) for at in range(n)],
            "span_id": 1,
            "start_time": [
                START + HOUR * (float(hour) + place / 24)
                for place, hour in zip(np.tile(np.arange(24), HOURS), hours, strict=True)
            ],
            "kind": "llm",
            "usage_role": "leaf",
            "failed": rng.random(n) < errors,
            "service": np.where(shop, "shop", "mail"),
            "environment": "prod",
            "request_model": np.where(claude, "claude", "gpt-4o"),
            "response_model": np.where(claude, "claude", "gpt-4o"),
            "provider": np.where(claude, "anthropic", "openai"),
            "session_id": [f"s{at // 3}" for at in range(n)],
            "release": np.where(shop, np.where(after & (project == RELEASE), "1.8", "1.7"), "5"),
            "duration_ns": (rng.lognormal(0, 0.4, n) * 1e9 * np.where(after & claude & (project == SLOW), 2, 1)).astype(
                np.int64
            ),
            "cost_usd": 0.01,
            "input_tokens": 100,
            "output_tokens": 50,
            "price_status": "priced",
            "prompt_name": "answer",
            "prompt_version": "3",
        }
    ).assign(tags=[[]] * n)
    more = frame[after & ~shop] if project == MORE else frame[:0]
    return pd.concat([frame, *(more.assign(span_id=at) for at in (2, 3, 4))], ignore_index=True)


def scores() -> pd.DataFrame:
    """Of the quiet project a judge's score of every third call; later of another version of the judge, and lower."""
    calls = traffic(QUIET)[::3]
    late = (calls["start_time"] >= AT).to_numpy()
    value = np.random.default_rng(9).normal(0.8, 0.1, len(calls)) - 0.2 * late
    return pd.DataFrame(
        {
            "project_id": QUIET,
            "commit_seq": 1,
            "score_id": np.arange(len(calls)),
            "trace_id": calls["trace_id"],
            "span_id": 1,
            "name": "relevance",
            "value": value,
            "source": "llm",
            "evaluator": "judge",
            "evaluator_version": np.where(late, "2", "1"),
            "metadata": [{}] * len(calls),
            "time": calls["start_time"],
        }
    )


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    folder = tmp_path_factory.mktemp("explaining")
    stores.put_empty(folder)
    opened = Core.open(Settings(data_dir=folder, min_free_bytes=0))
    stores.add_calls(opened.writer, pd.concat([traffic(one) for one in (RELEASE, MIX, QUIET, SLOW, MORE)]))
    stores.add(opened.writer, "scores", scores())
    yield opened
    opened.close()


def explained(
    core: Core,
    project: int,
    look: dict[str, Any],
    fitted: dict[str, Any] | None = FITTED,
    *,
    last: int = HOURS,
    **told: Any,
) -> Explained:
    """As a round would ask it: the last hours of the stream with its reference, and two looks that counted."""
    terms = Terms.model_validate(told)
    with core.readers.read() as con:
        ask = asking(con, project)
        points: list[dict[str, Any]] = []
        if terms.watched is not None and terms.watched.stream:
            (found,) = series(ask, [terms], START.replace(tzinfo=None), END)
            points = [
                {
                    "at": found.since + place * found.bucket,
                    "value": None if np.isnan(value) else float(value),
                    "n": float(found.weights[place]),
                    "ruler": found.rulers[place],
                }
                for place, value in enumerate(found.values)
            ][-last:]
        whole = {"expected": None, "low": None, "high": None, "effect": None, "counts": True, "note": None} | look
        looks = [whole | {"at": END - HOUR}, whole | {"at": END}]
        return explain(ask, terms, points, looks, fitted, END, "watched")


ERRORS = {"value": 0.12, "expected": 0.02, "low": 0.0, "high": 0.05, "n": 240.0}
NEAR = 2 * HOUR


def test_a_rise_in_one_model_after_a_release_names_release_model_and_time(core: Core) -> None:
    found = explained(core, RELEASE, ERRORS, signal="error_rate", window="10h")
    assert found.changed_since is not None
    assert abs(found.changed_since - AT.replace(tzinfo=None)) <= NEAR
    assert found.since_low is not None
    assert found.since_high is not None
    assert found.since_low <= AT.replace(tzinfo=None) <= found.since_high
    assert found.verdict.startswith(
        "Error rate went from 2 % to 12 % (10 hours, 95 % CI 9.5 % to 14.5 %, 240 calls) since "
    )
    assert ", right after release 1.8 of shop; " in found.verdict
    assert " gpt-4o explains " in found.verdict or " openai explains " in found.verdict
    assert (found.cause, found.cause_text) == ("release:1.8", "Release 1.8")
    assert [one["text"] for one in found.document["markers"]] == ["First call of release 1.8 of shop; before 1.7."]
    told = {(one["attribute"], one["slice"]): one for one in found.document["slices"]}
    model = told["model", "gpt-4o"]
    assert model["mean_current"] > 5 * model["mean_reference"]
    assert model["p_adjusted"] < 0.01
    assert model["share_of_change"] > 0.8
    assert ("environment", "prod") not in told
    with core.readers.read() as con:
        failed = con.execute(
            "select replace(trace_id::varchar, '-', '') from calls "
            "where failed and response_model = 'gpt-4o' and start_time >= ?",
            [found.changed_since],
        ).fetchall()
    traces = {one["trace_id"] for one in found.document["traces"]}
    assert len(traces) == 5
    assert traces <= {one for (one,) in failed}
    assert found.document["distributions"]["kind"] == "rate"


def test_a_shift_of_mix_is_told_as_mix_and_not_as_within(core: Core) -> None:
    found = explained(core, MIX, ERRORS | {"value": 0.21, "expected": 0.08}, signal="error_rate", window="10h")
    assert "which explains" in found.verdict
    assert "in place of" in found.verdict
    assert found.cause in {"model:claude", "slice:provider=anthropic"}
    attributes = {one["name"]: one for one in found.document["attributes"]}
    change = attributes["model"]["mix"] + attributes["model"]["within"]
    assert attributes["model"]["mix"] / change == pytest.approx(1, abs=0.25)
    assert attributes["service"]["told"] == 0


def test_with_nothing_to_explain_it_says_so(core: Core) -> None:
    found = explained(core, QUIET, ERRORS | {"value": 0.03}, signal="error_rate", window="10h")
    assert found.verdict.endswith("; the sampled calls do not show it, so that no slice can be named.")
    assert found.changed_since is None
    assert (found.cause, found.cause_text) == ("monitor:watched", "Monitor watched")
    assert found.document["change"] is None
    assert (found.document["slices"], found.document["traces"]) == ([], [])
    assert any("nothing to explain" in one for one in found.document["sentences"])


def test_a_quantile_is_explained_by_the_share_beyond_it(core: Core) -> None:
    look = {"value": 3300.0, "expected": 1700.0, "low": 1500.0, "high": 1900.0, "n": 240.0}
    found = explained(core, SLOW, look, signal="duration", quantile=0.9, window="10h")
    assert found.verdict.startswith(
        "p90 of duration went from 1700 ms to 3300 ms (10 hours, 95 % CI 3100 ms to 3500 ms"
    )
    assert found.cause in {"model:claude", "slice:provider=anthropic"}
    assert found.document["slices"][0]["text"].startswith(
        ("Model claude: share of calls", "Provider anthropic: share of calls")
    )
    assert found.document["distributions"]["kind"] == "numeric"


def test_a_mix_names_what_moved_and_when(core: Core) -> None:
    found = explained(core, MIX, {"effect": 0.4, "n": 240.0}, signal="model_mix", window="10h")
    assert "differs from the reference by a Jensen-Shannon distance of 0.4, " in found.verdict
    assert found.changed_since is not None
    assert abs(found.changed_since - AT.replace(tzinfo=None)) <= NEAR
    assert {one["label"] for one in found.document["distributions"]["current"]} == {"claude", "gpt-4o"}


@pytest.mark.parametrize(("signal", "unit"), [("volume", 1.0), ("spend", 0.01)])
def test_a_sum_is_explained_by_the_sums_of_slices(core: Core, signal: str, unit: float) -> None:
    look = {"value": 45 * unit, "expected": 24 * unit, "low": 22 * unit, "high": 26 * unit, "n": 10.0}
    found = explained(core, MORE, look, signal=signal, window="10h")
    first = found.document["slices"][0]
    assert (first["attribute"], first["slice"]) in {("service", "mail"), ("release", "5")}
    assert first["share_of_change"] == pytest.approx(1, abs=0.1)
    assert first["p"] is None
    assert " explains " in found.verdict


def test_a_sum_that_went_the_other_way_than_the_looks_names_no_slice(core: Core) -> None:
    look = {"value": 12.0, "expected": 24.0, "low": 22.0, "high": 26.0, "n": 10.0}
    found = explained(core, MORE, look, signal="volume", window="10h")
    assert found.document["slices"] == []
    assert found.cause == "monitor:watched"


def test_another_ruler_is_told_before_all_else(core: Core) -> None:
    look = {"value": 0.6, "expected": 0.8, "low": 0.78, "high": 0.82, "n": 80.0}
    found = explained(core, QUIET, look, signal="score", score="relevance", window="10h")
    assert any("relevance is scored by judge 2" in one["text"] for one in found.document["markers"])
    assert "relevance" in found.verdict


def test_a_release_is_a_reference_too(core: Core) -> None:
    """Its calls of all time before, whatever the hour; the time of the change is still that of the stream."""
    told = {"signal": "error_rate", "window": "10h", "where": {"service": "shop"}, "against": {"release": "1.7"}}
    found = explained(core, RELEASE, ERRORS, fitted=None, **told)
    assert found.changed_since is not None
    assert abs(found.changed_since - AT.replace(tzinfo=None)) <= NEAR
    assert found.cause == "release:1.8"
    assert not any("same hours" in one for one in found.document["sentences"])


@pytest.mark.parametrize(
    ("check", "said"),
    [
        pytest.param({"alert": {"kind": "error_burst"}}, "Errors came in a burst: 29 of 240 calls failed", id="burst"),
        pytest.param({"alert": {"kind": "slo_burn", "objective": 0.99}}, "Error budget burns 0.12 times", id="burn"),
        pytest.param(
            {"signal": "error_rate", "alert": {"kind": "threshold", "above": 0.05}},
            "Error rate is 12 %",
            id="threshold",
        ),
    ],
)
def test_a_check_without_a_past_is_explained_by_the_stream_before_it(
    core: Core, check: dict[str, Any], said: str
) -> None:
    """Of a plain check the buckets of its windows alone are kept."""
    found = explained(core, RELEASE, {"value": 0.12, "n": 240.0}, None, last=3, window="10h", **check)
    assert found.verdict.startswith(said)
    assert found.changed_since is not None
    assert abs(found.changed_since - AT.replace(tzinfo=None)) <= NEAR
    assert found.cause == "release:1.8"
    series = found.document["series"]
    assert len(series) >= 7 * 24
    assert [one["at"] for one in series] == sorted({one["at"] for one in series})
    assert all(one["low"] is None or 0 <= one["low"] <= one["high"] <= 1 for one in series)


def test_a_stop_names_when_it_came(core: Core) -> None:
    """Of a service that was called every hour and then was not, once it is over."""
    with core.readers.read() as con:
        terms = Terms.model_validate({"alert": {"kind": "no_data"}, "where": {"service": "shop"}, "window": "6h"})
        at = END + 6 * HOUR
        look = {"at": at, "value": 0.0, "expected": None, "low": None, "high": None, "n": 0.0, "effect": None}
        found = explain(asking(con, QUIET), terms, [], [look | {"counts": True, "note": None}], None, at, "watched")
    assert found.changed_since == END
    assert found.verdict.startswith("Calls of service shop stopped: none came within 6 hours since about 00:00 UTC")


def test_where_nothing_was_called_nothing_is_named(core: Core) -> None:
    found = explained(core, RELEASE, {"value": 0.0}, alert={"kind": "no_data"}, where={"service": "none"})
    assert found.verdict == "Calls of service none stopped: none came within 24 hours."
    assert found.document["slices"] == []
    other = explained(core, RELEASE, {"value": 0.5}, signal="error_rate", where={"service": "none"})
    assert any("too few rows" in one for one in other.document["sentences"])


def test_it_travels_to_another_process_and_comes_back_as_json(core: Core) -> None:
    terms = Terms.model_validate({"signal": "error_rate", "where": {"service": "shop"}, "window": "10h"})
    look = {"at": END, "counts": True, "note": None, "effect": None} | ERRORS
    work, *arguments = pickle.loads(  # noqa: S301 - our own
        pickle.dumps((explain, terms, [], [look], FITTED, END, "shop errors"))
    )
    found = json.loads(Inline(core.readers).answer(RELEASE, work, *arguments))
    assert found["verdict"].startswith("Error rate of service shop went from 2 % to 12 % ")
    assert found["document"]["series"] == [] or found["document"]["series"][0]["at"].endswith("Z")
    assert not any(one["attribute"] == "service" for one in found["document"]["slices"])
