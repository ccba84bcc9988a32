"""The parts of an explanation as functions of values: time of change, what was expected, shapes, sentences."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from server.monitors import onset, saying, shapes, slice_sentences, slicing, sums, verdicts
from server.monitors.marks import Mark
from server.monitors.onset import Onset
from server.monitors.signals import SIGNALS
from server.monitors.slice_sentences import Timed
from server.monitors.slicing import Side
from server.monitors.terms import Terms

START = datetime(2026, 11, 2)  # noqa: DTZ001 - a Monday; UTC without a zone, as the store holds times
HOUR = timedelta(hours=1)


def points(values: np.ndarray, n: float = 50, ruler: str | None = None) -> list[dict[str, Any]]:
    return [
        {"at": START + place * HOUR, "value": float(value), "n": n, "ruler": ruler}
        for place, value in enumerate(values)
    ]


def days(count: int, season: float = 0.0, noise: float = 0.005, seed: int = 0) -> np.ndarray:
    """Hours of a rate of 0.05 with a season over the day."""
    hours = np.arange(24 * count)
    return 0.05 + season * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(seed).normal(0, noise, hours.size)


@pytest.mark.parametrize("season", ["none", "hour", "weekday"])
def test_the_time_of_a_change_is_found_beneath_a_season(season: Any) -> None:
    values = days(28, 0.0 if season == "none" else 0.03)
    at = 26 * 24 + 14
    values[at:] += 0.05
    stream = onset.stream_of(points(values))
    assert stream is not None
    end = START + 28 * 24 * HOUR
    found = onset.onset(stream, (START, START + 25 * 24 * HOUR), season, (end - 24 * HOUR, end))
    assert found is not None
    assert found.clear
    assert abs(found.at - (START + at * HOUR)) <= 2 * HOUR
    assert found.low <= START + at * HOUR <= found.high
    assert found.after - found.before == pytest.approx(0.05, abs=0.01)


def test_a_season_alone_is_no_change() -> None:
    stream = onset.stream_of(points(days(28, 0.03)))
    assert stream is not None
    end = START + 28 * 24 * HOUR
    found = onset.onset(stream, (START, START + 25 * 24 * HOUR), "hour", (end - 10 * HOUR, end))
    assert found is not None
    assert not found.clear


def test_what_was_expected_is_the_reference_of_the_same_hour() -> None:
    values = np.tile(np.arange(24.0), 10)
    stream = onset.stream_of(points(values))
    assert stream is not None
    level, low, high = onset.expected(stream, (START, START + 7 * 24 * HOUR), "hour")  # type: ignore[misc]  # there is a reference
    assert level == pytest.approx(values)
    assert low == pytest.approx(high)
    assert onset.expected(stream, (START - 9 * HOUR, START), "hour") is None


def test_a_stream_is_of_its_newest_ruler() -> None:
    told = [*points(np.ones(5), ruler="judge 1"), *points(np.zeros(3), ruler="judge 2")]
    stream = onset.stream_of(told)
    assert stream is not None
    assert stream.values.tolist() == [0.0] * 3
    assert onset.stream_of([one | {"value": None, "n": 0} for one in told]) is None
    assert onset.stream_of([]) is None


@pytest.mark.parametrize(
    ("kind", "reference", "current", "wanted"),
    [
        pytest.param("rate", [0, 0, 0, 1], [1, 1, 0, 0], [("yes", 0.25, 0.5), ("no", 0.75, 0.5)], id="rate"),
        pytest.param(
            "categorical",
            ["a", "a", "b", "b"],
            ["a", "b", "b", "c"],
            [("b", 0.5, 0.5), ("a", 0.5, 0.25), ("c", 0.0, 0.25)],
            id="categories-by-their-mean-share",
        ),
    ],
)
def test_shapes_by_hand(
    kind: Any, reference: list[Any], current: list[Any], wanted: list[tuple[str, float, float]]
) -> None:
    found = shapes.shapes(kind, reference, current)
    assert found is not None
    told = [
        (one["label"], one["share"], other["share"])
        for one, other in zip(found["reference"], found["current"], strict=True)
    ]
    assert told == wanted
    assert (found["n_reference"], found["n_current"]) == (len(reference), len(current))


def test_bins_touch_and_hold_all_rows() -> None:
    rng = np.random.default_rng(1)
    found = shapes.shapes("numeric", rng.lognormal(0, 2, 900), rng.lognormal(1, 2, 700))
    assert found is not None
    for side in (found["reference"], found["current"]):
        assert sum(one["share"] for one in side) == pytest.approx(1)
        assert all(one["high"] == other["low"] for one, other in pairwise(side))
    assert [one["low"] for one in found["reference"]] == [one["low"] for one in found["current"]]


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
def test_few_different_values_have_a_bin_each(values: list[float]) -> None:
    found = shapes.shapes("numeric", values, values)
    assert found is not None
    assert [one["share"] for one in found["current"]] == [
        values.count(one) / len(values) for one in sorted(set(values))
    ]


def test_many_categories_end_in_one_of_the_others() -> None:
    names = [str(number) for number in range(60)]
    found = shapes.shapes("categorical", names, names)
    assert found is not None
    assert len(found["current"]) == shapes.MOST + 1
    assert found["current"][-1] == {"label": "all others", "share": pytest.approx(40 / 60)}
    assert shapes.shapes("categorical", [], names) is None


def side(values: np.ndarray, **labels: list[object]) -> Side:
    n = len(values)
    return Side(
        values,
        np.zeros(n, bool),
        np.arange(n),
        [f"{at:032x}" for at in range(n)],
        [START + at * HOUR for at in range(n)],
        labels,
        n,
    )


def of_models(errors: dict[str, tuple[int, int]]) -> Side:
    """Of each model so many calls, and of them so many that failed."""
    values = np.concatenate([np.r_[np.ones(bad), np.zeros(n - bad)] for n, bad in errors.values()])
    return side(values, model=[name for name, (n, _) in errors.items() for _ in range(n)])


TERMS = Terms.model_validate({"signal": "error_rate", "where": {"service": "shop"}})
LOOK = {"value": 0.084, "expected": 0.012, "low": 0.0, "high": 0.026, "n": 1200.0, "effect": 0.072, "counts": True}
ONSET = Onset(START + 14 * HOUR, START + 13 * HOUR, START + 15 * HOUR, 0.012, 0.084, 0.001)
TIMED = Timed(None, HOUR, "share", seasoned=False)
RELEASE = Mark(START + 14 * HOUR, "release", "shop", "1.7", "1.8", "First call of release 1.8 of shop; before 1.7.")


def whys(reference: dict[str, tuple[int, int]], current: dict[str, tuple[int, int]]) -> slicing.Why:
    told = slicing.numbers(SIGNALS["error_rate"], None, (of_models(reference), of_models(current)))
    assert told is not None
    found = slicing.why(told)
    assert found is not None
    return found


def test_the_verdict_of_a_rise_in_one_model_after_a_release() -> None:
    found = whys({"gpt-4o": (500, 6), "claude": (500, 6)}, {"gpt-4o": (500, 80), "claude": (500, 6)})
    assert verdicts.verdict(TERMS, LOOK, ONSET, found, RELEASE, HOUR) == (
        "Error rate of service shop went from 1.2 % to 8.4 % (24 hours, 95 % CI 7.1 % to 9.7 %, 1,200 calls) since "
        "about 14:00 UTC on 2 November 2026, right after release 1.8 of shop; model gpt-4o explains 100 % of it."
    )
    assert slice_sentences.slice_text(found.parts()[0], found) == (
        "Model gpt-4o: error rate 1.2 % to 16 % (500 and 500 calls, 50 % and 50 % of all, +14.8 points "
        "against the rest, 95 % CI +11.7 to +17.9 points); it explains 100 % of the change."
    )


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        pytest.param(RELEASE, "right after release 1.8 of shop", id="release"),
        pytest.param(Mark(START, "release", None, None, "7", ""), "right after release 7", id="unnamed-service"),
        pytest.param(
            Mark(START, "prompt", "answer", "3", "4", ""), "right after version 4 of prompt answer", id="prompt"
        ),
        pytest.param(
            Mark(START, "label", "answer", "3", "4", "", "production"),
            "right after label production of prompt answer moved to version 4", id="label",
        ),
        pytest.param(
            Mark(START, "model", "gpt-4o", "05", "08", ""), "right after model gpt-4o was answered by 08", id="model"
        ),
        pytest.param(Mark(START, "model", "o3", None, "o3", ""), "right after model o3 came in", id="new-model"),
        pytest.param(
            Mark(START, "evaluator", "relevance", "judge 1", "judge 2", ""),
            "as another ruler measures since: relevance is scored by judge 2", id="evaluator",
        ),
        pytest.param(
            Mark(START, "normaliser", None, "5", "6", ""),
            "as another ruler measures since: the normaliser has version 6", id="normaliser",
        ),
    ],
)  # fmt: skip
def test_what_happened_is_named(mark: Mark, said: str) -> None:
    assert verdicts.after(mark) == said


@pytest.mark.parametrize(
    ("alert", "look", "said"),
    [
        pytest.param({"kind": "no_data"}, {"value": 0.0}, "Calls stopped: none came within 24 hours.", id="none"),
        pytest.param(
            {"kind": "error_burst"}, {"value": 0.25, "n": 80.0},
            "Errors came in a burst: 20 of 80 calls failed within 24 hours (25 %).", id="burst",
        ),
        pytest.param(
            {"kind": "slo_burn", "objective": 0.99}, {"value": 15.2, "note": "Of 1 h and 5 min."},
            "Error budget burns 15.2 times as fast as the objective allows (of 1 h and 5 min).", id="burn",
        ),
        pytest.param(
            {"kind": "budget"}, {"value": 0.9, "note": "90 % of it is spent."},
            "Budget is beyond its limit: 90 % of it is spent.", id="budget",
        ),
    ],
)  # fmt: skip
def test_checks_of_their_own_have_a_verdict(alert: dict[str, Any], look: dict[str, Any], said: str) -> None:
    assert verdicts.verdict(Terms.model_validate({"alert": alert}), look, None, None, None, HOUR) == said


def test_a_threshold_names_its_number() -> None:
    terms = Terms.model_validate({"signal": "cost", "alert": {"kind": "threshold", "above": 0.05}})
    look = {"value": 0.0731, "n": 120.0}
    assert verdicts.verdict(terms, look, None, None, None, HOUR) == (
        "Cost per call is $0.0731 (24 hours, 120 calls), above $0.05."
    )


def test_a_shift_of_mix_is_told_as_that() -> None:
    found = whys({"hard": (200, 120), "easy": (800, 16)}, {"hard": (600, 360), "easy": (400, 8)})
    said = verdicts.verdict(TERMS, LOOK, None, found, None, HOUR)
    assert said.endswith("; model hard came in 60 % of calls in place of 20 %, which explains 60 % of it.")
    (model,) = found.explanation.attributes
    assert slice_sentences.attribute_text(model, found.change).startswith(
        "Model: 0 % of the change is within slices, 100 % is their mix"
    )


def test_nothing_to_explain_says_so() -> None:
    found = whys({"a": (500, 6), "b": (500, 5)}, {"a": (500, 6), "b": (500, 7)})
    assert not found.clear
    assert "the sampled calls do not show it" in verdicts.verdict(TERMS, LOOK, None, found, None, HOUR)
    assert any("nothing to explain" in one for one in slice_sentences.sentences(TIMED, found, [], []))


def test_samples_that_moved_to_the_other_side_explain_nothing() -> None:
    told = slicing.numbers(SIGNALS["error_rate"], None, (of_models({"a": (500, 100)}), of_models({"a": (500, 10)})))
    assert told is not None
    found = slicing.why(told, up=True)
    assert found is not None
    assert not found.clear
    assert any("to the other side" in one for one in slice_sentences.sentences(TIMED, found, [], []))


def test_what_is_the_same_rows_as_the_release_is_not_named_beside_it() -> None:
    sides = [
        Side(one.values, one.failed, one.clusters, one.trace_ids, one.times, labels, one.total)
        for one, labels in (
            (of_models({"x": (400, 8)}), {"release": ["1.7"] * 400, "variant": ["a"] * 400}),
            (of_models({"x": (400, 90)}), {"release": ["1.8"] * 400, "variant": ["b"] * 400}),
        )
    ]
    told = slicing.numbers(SIGNALS["error_rate"], None, (sides[0], sides[1]))
    found = None if told is None else slicing.why(told)
    assert found is not None
    assert found.best("release") is None
    said = verdicts.verdict(TERMS, LOOK, ONSET, found, RELEASE, HOUR)
    assert said.endswith(", right after release 1.8 of shop.")


def test_what_changed_everywhere_alike_names_no_slice() -> None:
    found = whys({"a": (500, 10), "b": (500, 10)}, {"a": (500, 100), "b": (500, 100)})
    assert found.clear
    assert verdicts.verdict(TERMS, LOOK, None, found, None, HOUR).endswith("; no slice explains it: all changed alike.")


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        pytest.param({"signal": "duration", "quantile": 0.95}, "p95 of duration", id="quantile"),
        pytest.param({"signal": "ttft"}, "p50 of time to first token", id="median"),
        pytest.param({"signal": "score", "score": "relevance"}, "Score relevance", id="score"),
        pytest.param({"signal": "score_failures", "score": "relevance"}, "Failed scores of relevance", id="failures"),
        pytest.param({"alert": {"kind": "no_data"}}, "Calls", id="own-signal"),
    ],
)
def test_what_is_watched_has_a_name(terms: dict[str, Any], named: str) -> None:
    assert saying.named(Terms.model_validate(terms)) == named


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        pytest.param(13, 15, "since about 14:00 UTC on 2 November 2026", id="short"),
        pytest.param(8, 20, "since between 08:00 and 20:00 UTC on 2 November 2026", id="within-a-day"),
        pytest.param(
            -10,
            40,
            "since about 14:00 UTC on 2 November 2026 (95 % CI 1 November 14:00 to 3 November 16:00)",
            id="over-days",
        ),
    ],
)
def test_a_time_is_told_as_well_as_it_is_known(low: int, high: int, said: str) -> None:
    assert saying.since(Onset(ONSET.at, START + low * HOUR, START + high * HOUR, 0, 1, 0), HOUR) == said


def test_a_sum_is_compared_with_the_same_hours() -> None:
    reference, current = (START, START + 168 * HOUR), (START + 182 * HOUR, START + 188 * HOUR)
    assert sums.like(reference, current, "none") == reference
    assert sums.like(reference, current, "hour") == (START + 158 * HOUR, START + 164 * HOUR)
    assert sums.like(reference, current, "weekday") == (START + 14 * HOUR, START + 20 * HOUR)
    assert sums.like(reference, (START + 182 * HOUR, START + 282 * HOUR), "hour") == reference


def test_an_embedding_is_explained_by_how_like_the_current_rows_each_is() -> None:
    """Rows of one tenant moved in one direction of five; the classifier is fair, as it did not learn from these."""
    rng = np.random.default_rng(2)
    sides = []
    for moved in (0.0, 3.0):
        tenant = rng.choice(["a", "b"], 600)
        rows = rng.normal(0, 1, (600, 5))
        rows[tenant == "a", 2] += moved
        sides.append(side(rows, tenant=list(tenant)))
    told = slicing.numbers(SIGNALS["input_embedding"], None, (sides[0], sides[1]))
    assert told is not None
    assert max(one.size for one in told.values) < 400
    found = slicing.why(told)
    assert found is not None
    assert found.clear
    best = found.best()
    assert best is not None
    assert (best.attribute, best.slice) == ("tenant", "a")
    again = slicing.numbers(SIGNALS["input_embedding"], None, (sides[0], sides[0].kept(np.arange(600) % 2 == 0)))
    same = None if again is None else slicing.why(again)
    assert same is not None
    assert not same.clear


def test_too_few_rows_are_not_asked() -> None:
    few, none = side(np.ones(9), model=["a"] * 9), side(np.full(50, np.nan), model=["a"] * 50)
    enough = side(np.ones(50), model=["a"] * 50)
    assert slicing.numbers(SIGNALS["error_rate"], None, (few, enough)) is None
    assert slicing.numbers(SIGNALS["error_rate"], None, (enough, none)) is None


def test_rows_without_attributes_are_compared_as_a_whole() -> None:
    told = slicing.numbers(SIGNALS["score"], None, (side(np.zeros(40)), side(np.arange(40) % 2.0)), "Score right")
    assert told is not None
    found = slicing.why(told)
    assert found is not None
    assert found.clear
    assert found.change == 0.5
    assert found.parts() == []


@pytest.mark.parametrize(
    ("share", "says"),
    [
        pytest.param(0.456, "explains 46 % of the change", id="part"),
        pytest.param(1.0, "explains 100 % of the change", id="all"),
        pytest.param(1.14, "explains all of the change and 14 % more, which others took back", id="more-than-all"),
        pytest.param(-0.2, "works against the change (-20 %)", id="against"),
    ],
)
def test_how_much_a_slice_explains_is_plain(share: float, says: str) -> None:
    assert saying.explains(share) == says


@pytest.mark.parametrize(
    ("before", "now", "unit", "said"),
    [
        pytest.param(15_410.0, 6_740.0, "ms", ("15.41 s", "6.74 s"), id="seconds-where-one-is-long"),
        pytest.param(410.0, 6_740.0, "ms", ("410 ms", "6740 ms"), id="milliseconds-else"),
        pytest.param(0.02, 0.12, "share", ("2 %", "12 %"), id="shares"),
        pytest.param(None, 15_000.0, "ms", ("unknown", "15 s"), id="one-is-unknown"),
    ],
)
def test_values_side_by_side_are_in_one_unit(
    before: float | None, now: float, unit: Any, said: tuple[str, str]
) -> None:
    assert saying.both(before, now, unit) == said
