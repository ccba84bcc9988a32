"""Causes of wrong reports: calls built by hand with one fault each, by the provider's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import integrity, intervals

# Dollars per million tokens: a model at 3 / 15 with cache reads at a tenth and writes at 5/4 of input.
INPUT, READ, WRITE, OUTPUT = 3e-6, 0.3e-6, 3.75e-6, 15e-6
Report = Callable[[pd.DataFrame], "pd.Series[float]"]


def calls(n: int = 40, seed: int = 1, report: Report | None = None, **fixed: object) -> pd.DataFrame:
    """Calls with uncached input, reads, writes, reasoning and visible output, and what they cost."""
    rng = np.random.default_rng(seed)
    plain, read, write, reasoning, visible = (rng.integers(low, 20_000, n) for low in (500, 1000, 800, 700, 300))
    frame = pd.DataFrame(
        {
            "trace_id": np.arange(n) // 2, "usage_role": "leaf", "failed": False, "price_model": "m",
            "plain": plain, "cache_read_tokens": read, "cache_write_tokens": write,
            "reasoning_tokens": reasoning, "visible": visible,
        }
    )  # fmt: skip
    frame = frame.assign(**fixed)
    frame["input_tokens"] = frame["plain"] + frame["cache_read_tokens"] + frame["cache_write_tokens"]
    frame["output_tokens"] = frame["visible"] + frame["reasoning_tokens"]
    frame["input_usd"], frame["output_usd"] = frame["plain"] * INPUT, frame["output_tokens"] * OUTPUT
    frame["cache_read_usd"] = frame["cache_read_tokens"] * READ
    frame["cache_write_usd"] = frame["cache_write_tokens"] * WRITE
    frame["cost_usd"] = frame[["input_usd", "cache_read_usd", "cache_write_usd", "output_usd"]].sum(axis=1)
    frame["reported_cost_usd"] = (report or right)(frame)
    return frame


def bill(frame: pd.DataFrame, read: float = READ, write: float = WRITE, reasoning: float = OUTPUT) -> pd.Series[float]:
    """A bill by rates of its own for reads, writes and reasoning: independent of the columns of cost."""
    return (
        frame["plain"] * INPUT + frame["cache_read_tokens"] * read + frame["cache_write_tokens"] * write
        + frame["reasoning_tokens"] * reasoning + frame["visible"] * OUTPUT
    )  # fmt: skip


def right(frame: pd.DataFrame) -> pd.Series[float]:
    return bill(frame)


CAUSES: dict[str, Report] = {
    "reported_zero": lambda frame: bill(frame) * 0,
    "reported_twice": lambda frame: bill(frame) + bill(frame),
    "reported_three_times": lambda frame: bill(frame) * 3,
    "cache_read_not_discounted": lambda frame: bill(frame, read=INPUT),
    "cache_read_charged_twice": lambda frame: bill(frame, read=INPUT + READ),
    "cache_read_not_charged": lambda frame: bill(frame, read=0),
    "cache_write_not_charged": lambda frame: bill(frame, write=0),
    "cache_write_as_input": lambda frame: bill(frame, write=INPUT),
    "reasoning_left_out": lambda frame: bill(frame, reasoning=0),
    "reasoning_charged_twice": lambda frame: bill(frame, reasoning=2 * OUTPUT),
    "half_price": lambda frame: bill(frame) / 2,
}


def only(frame: pd.DataFrame, **options: object) -> integrity.Finding:
    (found,) = integrity.findings(frame, **options)  # type: ignore[arg-type]  # options of the function, by name
    return found


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_is_told_from_the_others(cause: str) -> None:
    frame = calls(report=CAUSES[cause])
    found = only(frame)
    assert (found.cause, found.off, found.also) == (cause, 40, ())
    assert found.evidence is not None
    assert (found.evidence.cause, found.evidence.calls, found.evidence.share.value) == (cause, 40, 1.0)
    assert found.evidence.explained_usd == pytest.approx((frame["reported_cost_usd"] - frame["cost_usd"]).sum())
    assert [part.cause for part in found.parts] == [cause]


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_is_told_of_rounded_reports_with_a_few_others_among_them(cause: str) -> None:
    """Three of forty reports are of no cause: 92.5 % are left."""
    frame = calls(report=CAUSES[cause])
    frame["reported_cost_usd"] = frame["reported_cost_usd"].round(6)
    frame.loc[[3, 17, 30], "reported_cost_usd"] = frame["cost_usd"] * 7.77
    found = only(frame)
    assert found.cause == cause
    assert found.evidence is not None
    assert found.evidence.share == intervals.rate(37, 40)


def test_right_reports_agree() -> None:
    found = only(calls())
    assert (found.cause, found.off, found.evidence, found.parts) == ("agrees", 0, None, ())
    assert found.deviation.value == pytest.approx(0, abs=1e-12)
    assert found.computed_usd == pytest.approx(found.reported_usd)


def test_a_cause_that_touches_few_calls_is_still_told() -> None:
    """Two of forty calls read from the cache: 95 % agree, and all of what is off has the one cause."""
    reads = np.where(np.arange(40) < 2, 9000, 0)
    found = only(calls(report=CAUSES["cache_read_not_discounted"], cache_read_tokens=reads))
    assert (found.cause, found.off) == ("cache_read_not_discounted", 2)
    assert found.evidence is not None
    assert (found.evidence.calls, found.evidence.share.value) == (2, 1.0)


def test_duplicates_that_were_excluded_explain_a_report() -> None:
    frame = calls()
    frame["excluded_usd"] = np.where(np.arange(40) % 3 == 0, frame["cost_usd"] * 1.3, np.nan)
    frame["reported_cost_usd"] = frame["cost_usd"] + frame["excluded_usd"].fillna(0)
    assert only(frame).cause == "includes_excluded"
    frame["reported_cost_usd"] = frame["cost_usd"] * 2
    assert only(frame).cause == "reported_twice"


def test_what_the_data_cannot_tell_apart_is_told_as_well() -> None:
    """Each call was wrapped once, at its own cost: adding the wrapper is reporting twice."""
    frame = calls(report=CAUSES["reported_twice"])
    frame["excluded_usd"] = frame["cost_usd"]
    found = only(frame)
    assert found.cause == "includes_excluded"
    assert [one.cause for one in found.also] == ["reported_twice"]


def test_a_dated_price_or_another_tier_is_recognised_among_the_candidates() -> None:
    frame = calls()
    old = bill(frame) * 0 + frame["input_tokens"] * 5e-6 + frame["output_tokens"] * 15e-6
    other = frame["cost_usd"] * 1.7
    offered = {"price of 2025-01-01": old, "priority tier": other}
    found = only(frame.assign(reported_cost_usd=old), candidates=offered)
    assert found.cause == "candidate"
    assert found.evidence is not None
    assert found.evidence.label == "price of 2025-01-01"
    found = only(frame.assign(reported_cost_usd=other), candidates=offered)
    assert found.evidence is not None
    assert (found.evidence.label, found.also) == ("priority tier", ())


def test_a_constant_ratio_without_a_candidate_is_told_with_the_ratio() -> None:
    found = only(calls(report=lambda frame: bill(frame) * 1.25))
    assert found.cause == "constant_ratio"
    assert found.evidence is not None
    assert found.evidence.ratio == pytest.approx(1.25)
    assert only(calls(n=4, report=lambda frame: bill(frame) * 1.25)).cause == "unknown"


def test_two_causes_are_mixed() -> None:
    frame = calls(report=CAUSES["reported_twice"])
    frame.loc[frame.index % 2 == 0, "reported_cost_usd"] = bill(frame, read=INPUT)
    found = only(frame)
    assert (found.cause, found.evidence) == ("mixed", None)
    assert {part.cause: part.calls for part in found.parts} == {"reported_twice": 20, "cache_read_not_discounted": 20}
    table = integrity.parts_frame([found])
    assert table["share"].tolist() == [0.5, 0.5]
    assert table["explained_usd"].sum() == pytest.approx(found.reported_usd - found.computed_usd)


def test_reports_of_no_cause_are_unknown() -> None:
    noise = np.random.default_rng(9).uniform(1.1, 9, 40)
    found = only(calls(report=lambda frame: bill(frame) * noise))
    assert (found.cause, found.evidence) == ("unknown", None)
    assert found.off == 40


def test_a_few_reports_that_are_far_off_do_not_agree() -> None:
    """Ninety-five of a hundred are right, and the others are half of the money."""
    frame = calls(n=100)
    frame.loc[:4, "reported_cost_usd"] = frame["cost_usd"] * [*np.linspace(15, 25, 5), *([1.0] * 95)]
    assert only(frame).cause == "unknown"
    frame.loc[:4, "reported_cost_usd"] = frame["cost_usd"] * [*np.linspace(1.01, 1.02, 5), *([1.0] * 95)]
    assert only(frame).cause == "agrees"


def test_calls_that_cannot_be_compared_are_counted() -> None:
    frame = calls()
    frame.loc[0:4, "reported_cost_usd"] = np.nan
    frame.loc[5:6, "cost_usd"] = np.nan
    frame.loc[7:9, "usage_role"] = "duplicate"
    frame.loc[10, "failed"] = True
    found = only(frame)
    counts = (found.calls, found.compared, found.failed, found.without_reported, found.without_computed)
    assert counts == (37, 30, 1, 5, 2)
    silent = only(calls().assign(reported_cost_usd=np.nan))
    assert (silent.cause, silent.compared, silent.deviation.value) == (None, 0, None)
    assert integrity.findings(calls().iloc[:0]) == []
    assert integrity.parts_frame([silent]).empty


def test_frames_of_arrow_have_the_same_findings() -> None:
    frame = calls(report=CAUSES["reasoning_left_out"])
    frame.loc[0, "reported_cost_usd"] = np.nan
    arrow = pa.Table.from_pandas(frame).to_pandas(types_mapper=pd.ArrowDtype)
    assert integrity.findings(arrow) == integrity.findings(frame)


def test_models_are_apart_and_the_unknown_one_comes_last() -> None:
    frame = pd.concat(
        [
            calls(report=CAUSES["reported_twice"], price_model="b"),
            calls(price_model=None),
            calls(price_model="a"),
        ],
        ignore_index=True,
    )
    assert [(one.model, one.cause) for one in integrity.findings(frame)] == [
        ("a", "agrees"), ("b", "reported_twice"), (None, "agrees"),
    ]  # fmt: skip


def test_the_deviation_is_a_ratio_over_traces() -> None:
    noise = np.random.default_rng(2).uniform(0.5, 2, 40)
    frame = calls(report=lambda one: bill(one) * noise)
    sums = frame.groupby("trace_id")[["reported_cost_usd", "cost_usd"]].sum()
    expected = intervals.ratio(sums["reported_cost_usd"], sums["cost_usd"])
    found = only(frame).deviation
    assert expected.low is not None
    assert (found.low, found.n) == (pytest.approx(expected.low - 1), 20)


def test_an_input_read_from_the_cache_alone_has_the_rate_of_the_other_calls() -> None:
    plain = np.where(np.arange(40) < 6, 0, 4000)
    frame = calls(report=CAUSES["cache_read_not_discounted"], plain=plain)
    found = only(frame)
    assert found.evidence is not None
    assert (found.cause, found.evidence.calls) == ("cache_read_not_discounted", 40)


@settings(max_examples=40)
@given(st.sampled_from(sorted(CAUSES)), st.integers(0, 1000), st.floats(0.001, 1000))
def test_the_cause_does_not_depend_on_the_order_or_the_size_of_the_calls(cause: str, seed: int, scale: float) -> None:
    frame = calls(seed=seed, n=60, report=CAUSES[cause])
    money = [column for column in frame if column.endswith("_usd")]
    frame[money] *= scale
    shuffled = frame.sample(frac=1, random_state=seed)
    assert only(shuffled).cause == only(frame).cause == cause


@pytest.mark.parametrize("decimals", [2, 3, 4, 5])
def test_reports_that_are_rounded_too_coarsely_are_told_as_that(decimals: int) -> None:
    """Of costs of one to six units of the last digit that is left."""
    scale = 10.0 ** (1 - decimals)
    frame = calls()
    frame = frame.assign(**{name: frame[name] * scale for name in frame if str(name).endswith("_usd")})
    found = only(frame.assign(reported_cost_usd=frame["cost_usd"].round(decimals)))
    assert found.off > 30
    assert found.evidence is not None
    assert (found.cause, found.evidence.label) == ("rounded", f"to {decimals} decimals")


def test_costs_below_a_millionth_are_compared_all_the_same() -> None:
    """Embeddings cost that little: a report of twice as much is no rounding, unless it has six decimals alone."""
    frame = calls()
    tiny = frame.assign(**{name: frame[name] * 1e-6 for name in frame if str(name).endswith("_usd")})
    assert only(tiny.assign(reported_cost_usd=tiny["cost_usd"] * 2)).cause == "reported_twice"
    assert only(tiny.assign(reported_cost_usd=tiny["cost_usd"])).cause == "agrees"
    rounded = only(tiny.assign(reported_cost_usd=tiny["cost_usd"].round(6)))
    assert (rounded.cause, rounded.off, rounded.evidence) == ("rounded", 0, None)
