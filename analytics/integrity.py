"""Computed against reported cost: how far a model's reports are off, and the likely cause.

A cause is a hypothesis: it says, for each call, what the sender would have reported (`expectations`). One that meets
what was reported in at least 90 % of a model's calls, and in at least 90 % of those that are off, is the likely
cause; of several the one that meets the most, then the first in order of `CAUSES`, and the others are told as well.
If none does, but several together do, the causes are mixed; else the cause is unknown. No hypothesis is fitted to the
calls, but for the constant ratio, which is tried last and needs five calls. A report of at most six decimals may have
been rounded to them, and is compared to half a millionth; any other to a thousandth of what is expected alone.

Amounts are US dollars. Only calls with usage role `leaf`, a computed and a reported cost are compared; how many are
not is told. Failed calls with both costs are compared like others: they were paid for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analytics import intervals
from analytics.columns import Bools, Floats, divide, flags, numbers, optional
from analytics.intervals import LEVEL, Estimate

Cause = Literal[
    "agrees",
    "reported_zero",
    "includes_excluded",
    "reported_twice",
    "reported_three_times",
    "cache_read_not_discounted",
    "cache_read_charged_twice",
    "cache_read_not_charged",
    "cache_write_not_charged",
    "cache_write_as_input",
    "reasoning_left_out",
    "reasoning_charged_twice",
    "half_price",
    "rounded",
    "candidate",
    "constant_ratio",
    "mixed",
    "unknown",
]
"""What a report may come of. The last four have no expectation of their own, or one that the calls themselves give."""

SAID: dict[Cause, str] = {
    "agrees": "agrees",
    "reported_zero": "reported as $0, though there is a price",
    "includes_excluded": "double count: duplicates of the call are in it",
    "reported_twice": "double count: twice our cost",
    "reported_three_times": "double count: three times our cost",
    "cache_read_not_discounted": "cache reads not discounted: paid as plain input",
    "cache_read_charged_twice": "cache reads charged twice: as input and as reads",
    "cache_read_not_charged": "cache reads not charged",
    "cache_write_not_charged": "cache writes not charged",
    "cache_write_as_input": "cache writes at the price of plain input",
    "reasoning_left_out": "reasoning tokens left out",
    "reasoning_charged_twice": "reasoning tokens charged twice",
    "half_price": "half our cost, as batch tiers are",
    "rounded": "rounded, which costs this small do not bear",
    "candidate": "another price",
    "constant_ratio": "another rate throughout",
    "mixed": "several causes",
    "unknown": "no cause that we know",
}
"""What a cause says of reports, in few words."""


def said(cause: Cause, label: str | None = None, ratio: float | None = None) -> str:
    """A cause in words, with what one of its own name or ratio says."""
    if cause == "constant_ratio" and ratio is not None:
        return f"{SAID[cause]}: {ratio:.4g} times our cost"
    return f"{label if cause == 'candidate' else f'{SAID[cause]}, {label}'}" if label else SAID[cause]


ENOUGH = 0.9  # of the calls, for a cause to be likely
NEGLIGIBLE = 0.01  # of the computed sum: a deviation that still agrees
RELATIVE = 0.001  # reports are compared to a thousandth
DECIMALS = 6  # of dollars, to which many reports are rounded without saying so
COARSE = (2, 3, 4, 5)  # decimals that leave little of a small cost, so that it is a cause
LEAST_FOR_RATIO = 5  # calls: a ratio always fits one


@dataclass(frozen=True, slots=True)
class Evidence:
    """How one cause fares with the calls of one model."""

    cause: Cause
    label: str | None  # of a candidate: its name; of rounding: `to 4 decimals`
    ratio: float | None  # of a constant ratio: reported over computed; null otherwise
    calls: int  # whose report it meets, among those it expects to be off
    share: Estimate  # of the model's compared calls that it meets; but for a part, those it expects to agree included
    explained_usd: float  # reported less computed, of `calls`


@dataclass(frozen=True, slots=True)
class Finding:
    """One model's reports. Sums are over the compared calls."""

    model: str | None
    calls: int  # leaves, all of them
    compared: int
    failed: int  # among the compared
    without_reported: int  # a model that reports nothing has no cause: agrees, mixed and unknown need calls
    without_computed: int
    computed_usd: float
    reported_usd: float
    deviation: Estimate  # reported over computed, less 1; clusters are traces if the frame tells them, else calls
    off: int  # compared calls whose report is off by more than the tolerance
    cause: Cause | None  # null: no calls to compare
    evidence: Evidence | None  # for the cause; null: there is none, as of agrees, mixed and unknown
    also: tuple[Evidence, ...]  # causes that meet as many calls, of which the data cannot tell the cause apart
    parts: tuple[Evidence, ...]  # causes of the calls that are off, each call counted once, the most frequent first


def findings(
    calls: pd.DataFrame,
    candidates: Mapping[str, pd.Series[float]] | None = None,
    by: str = "price_model",
    level: float = LEVEL,
) -> list[Finding]:
    """One finding a model, in order of the model; calls of an unknown model (null in `by`) last. No calls: none.

    `calls`: rows of table `calls`, one index value a row: `usage_role`, `failed`, `reported_cost_usd`, `cost_usd`,
    `input_usd`, `cache_read_usd`, `cache_write_usd`, `output_usd`, the five token counts, and `by`. Optional:
    `trace_id`; `excluded_usd`, what duplicates and aggregates of the call would have added (null: nothing).
    `candidates`: costs of the same calls at other prices (a label such as `list price of 2025-06-01` or `batch tier` ->
    a series with the index of `calls`, null: no price), for stale prices and other tiers.
    """
    offered = {} if candidates is None else candidates
    found = []
    for model, rows in calls[calls["usage_role"] == "leaf"].groupby(by, dropna=False, sort=True):
        other = {label: costs.reindex(rows.index) for label, costs in offered.items()}
        found.append(_finding(None if pd.isna(model) else str(model), rows, other, level))
    return found


def parts_frame(found: Sequence[Finding]) -> pd.DataFrame:
    """The parts of all findings: one row per (model, cause, label) with calls that are off.

    Columns `model`, `cause`, `label` (null but for candidates and rounding), `ratio` (null but for constant ratios),
    `calls`, `share`, `low`, `high` (of the model's compared calls), `explained_usd`. No parts give no rows.
    """
    columns = ["model", "cause", "label", "ratio", "calls", "share", "low", "high", "explained_usd"]
    rows = [
        (one.model, part.cause, part.label, part.ratio, part.calls, part.share.value, part.share.low, part.share.high,
         part.explained_usd)
        for one in found for part in one.parts
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def expectations(calls: pd.DataFrame) -> dict[Cause, Floats]:
    """What each cause would have reported for each call, US dollars; NaN where it says nothing of the call.

    Rates come from the call's own cost: input per token that neither came from a cache nor went into one, output per
    token with reasoning. Where a call has no such input, its rate is the median of the other rows': hand in one model.
    A null among token counts is no tokens. Audio at its own rate is not told apart from text.
    """
    cost = numbers(calls, "cost_usd")
    part = {
        name: np.nan_to_num(numbers(calls, f"{name}_usd")) for name in ("input", "cache_read", "cache_write", "output")
    }
    tokens = {
        name: np.nan_to_num(numbers(calls, f"{name}_tokens"))
        for name in ("input", "cache_read", "cache_write", "output", "reasoning")
    }
    plain = tokens["input"] - tokens["cache_read"] - tokens["cache_write"]
    input_rate, output_rate = _rate(part["input"], plain), _rate(part["output"], tokens["output"])
    read, write = (_times(tokens[name], input_rate) for name in ("cache_read", "cache_write"))
    reasoning = _times(tokens["reasoning"], output_rate)
    return {
        "reported_zero": np.zeros(len(calls)),
        "includes_excluded": cost + np.nan_to_num(optional(calls, "excluded_usd")),
        "reported_twice": 2 * cost,
        "reported_three_times": 3 * cost,
        "cache_read_not_discounted": cost - part["cache_read"] + read,
        "cache_read_charged_twice": cost + read,  # in the input at its full price, and once more as a read
        "cache_read_not_charged": cost - part["cache_read"],
        "cache_write_not_charged": cost - part["cache_write"],
        "cache_write_as_input": cost - part["cache_write"] + write,
        "reasoning_left_out": cost - reasoning,
        "reasoning_charged_twice": cost + reasoning,
        "half_price": cost / 2,  # batch and flex tiers of most providers
    }


def _rate(usd: Floats, tokens: Floats) -> Floats:
    each = divide(usd, tokens, tokens > 0)
    known = each[~np.isnan(each)]
    return np.where(np.isnan(each), np.median(known) if known.size else np.nan, each)


def _times(tokens: Floats, rate: Floats) -> Floats:
    return np.where(tokens == 0, 0.0, tokens * rate)


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    cause: Cause
    label: str | None
    ratio: float | None
    meets: Bools  # of each call: the report is as expected
    moved: Bools  # and what is expected is not the computed cost


def _finding(model: str | None, rows: pd.DataFrame, offered: Mapping[str, pd.Series[float]], level: float) -> Finding:
    both = (rows["reported_cost_usd"].notna() & rows["cost_usd"].notna()).to_numpy(dtype=bool)
    compared = rows[both]
    reported, computed = numbers(compared, "reported_cost_usd"), numbers(compared, "cost_usd")
    off = ~_near(reported, computed)
    tried = _tried(compared, {label: costs[both] for label, costs in offered.items()}, off)
    cause, best, also = _judged(tried, off, reported, computed)

    gap = reported - computed

    def told(one: _Hypothesis, met: Bools) -> Evidence:
        return _evidence(one, met, gap, level)

    return Finding(
        model=model, calls=len(rows), compared=len(compared), failed=int(flags(compared, "failed").sum()),
        without_reported=int(rows["reported_cost_usd"].isna().sum()),
        without_computed=int(rows["cost_usd"].isna().sum()),
        computed_usd=float(computed.sum()), reported_usd=float(reported.sum()),
        deviation=_deviation(compared, reported, computed, level), off=int(off.sum()), cause=cause,
        evidence=None if best is None else told(best, best.meets),
        also=tuple(told(one, one.meets) for one in also),
        parts=tuple(told(one, taken) for one, taken in _parts(tried, off)),
    )  # fmt: skip


def _evidence(one: _Hypothesis, met: Bools, gap: Floats, level: float) -> Evidence:
    explained = met & one.moved
    share = intervals.rate(int(met.sum()), len(met), level)
    return Evidence(one.cause, one.label, one.ratio, int(explained.sum()), share, float(gap[explained].sum()))


def _near(reported: Floats, expected: Floats) -> Bools:
    slack = np.where(_is_rounded(reported, DECIMALS), _half(DECIMALS), 0.0)
    within = np.maximum(slack, RELATIVE * np.abs(expected)) + _FLOAT
    return np.asarray(np.abs(reported - expected) <= within, dtype=np.bool_)


_FLOAT = 1e-15  # what arithmetic leaves of equal amounts


def _half(decimals: int) -> float:
    """How far rounding moves a number, and a hair more."""
    return 0.5000001 * float(10**-decimals)


def _is_rounded(usd: Floats, decimals: int) -> Bools:
    """Whether there is nothing beyond so many decimals."""
    scaled = usd * 10**decimals
    return np.asarray(np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(1, np.abs(scaled)), dtype=np.bool_)


def _rounded(reported: Floats, computed: Floats) -> list[tuple[Cause, str | None, float | None, Floats]]:
    """Of each number of decimals what would have been reported; NaN where the report has more."""
    return [
        ("rounded", f"to {decimals} decimals", None,
         np.where(
             _is_rounded(reported, decimals) & (np.abs(reported - computed) <= _half(decimals)), reported, np.nan
         ))
        for decimals in COARSE
    ]  # fmt: skip


def _deviation(compared: pd.DataFrame, reported: Floats, computed: Floats, level: float) -> Estimate:
    unit = compared["trace_id"].to_numpy() if "trace_id" in compared else np.arange(len(compared))
    sums = pd.DataFrame({"unit": unit, "reported": reported, "computed": computed}).groupby("unit").sum()
    found = intervals.ratio(sums["reported"], sums["computed"], level)
    value, low, high = (None if one is None else one - 1 for one in (found.value, found.low, found.high))
    return Estimate(value, low, high, found.n)


def _tried(compared: pd.DataFrame, candidates: Mapping[str, pd.Series[float]], off: Bools) -> list[_Hypothesis]:
    """Every hypothesis with at least one call that is off as it expects."""
    reported, computed = numbers(compared, "reported_cost_usd"), numbers(compared, "cost_usd")
    other = pd.DataFrame(dict(candidates), index=compared.index)
    offered: list[tuple[Cause, str | None, float | None, Floats]] = [
        *((cause, None, None, usd) for cause, usd in expectations(compared).items()),
        *_rounded(reported, computed),
        *(("candidate", label, None, numbers(other, label)) for label in candidates),
    ]
    ratios = divide(reported, computed, off & (computed > 0))
    ratios = ratios[~np.isnan(ratios)]
    if ratios.size >= LEAST_FOR_RATIO:
        ratio = float(np.median(ratios))
        offered.append(("constant_ratio", None, ratio, ratio * computed))
    made = [
        _Hypothesis(cause, label, ratio, _near(reported, usd), ~np.isnan(usd) & ~_near(usd, computed))
        for cause, label, ratio, usd in offered
    ]
    return [one for one in made if (one.meets & one.moved & off).any()]


def _judged(
    tried: list[_Hypothesis], off: Bools, reported: Floats, computed: Floats
) -> tuple[Cause | None, _Hypothesis | None, list[_Hypothesis]]:
    """The cause, its hypothesis, and those that meet as many calls."""
    if off.size == 0:
        return None, None, []
    likely = [one for one in tried if one.meets.mean() >= ENOUGH and (one.meets & off).sum() >= ENOUGH * off.sum()]
    if likely and off.any():
        specific = [one for one in likely if one.cause != "constant_ratio"] or likely
        most = max(int(one.meets.sum()) for one in specific)
        best, *also = [one for one in specific if one.meets.sum() == most]
        return best.cause, best, also
    small = abs(float((reported - computed).sum())) <= NEGLIGIBLE * abs(float(computed.sum()))
    if off.mean() <= 1 - ENOUGH and small:
        return "agrees", None, []
    if not off.any():  # each within half a millionth, and together further off than that is worth a word
        return "rounded", None, []
    met = ~off
    for one in tried:
        met = met | one.meets
    return ("mixed" if met.mean() >= ENOUGH and (met & off).sum() >= ENOUGH * off.sum() else "unknown"), None, []


def _parts(tried: list[_Hypothesis], off: Bools) -> list[tuple[_Hypothesis, Bools]]:
    """Calls that are off, each given to one hypothesis: always to that which meets the most of what is left."""
    left, found = off.copy(), []
    rest = list(tried)
    while rest:
        best = max(rest, key=lambda one: int((one.meets & one.moved & left).sum()))
        taken = best.meets & best.moved & left
        if not taken.any():
            break
        found.append((best, taken))
        left, rest = left & ~taken, [one for one in rest if one is not best]
    return found
