"""Latency of model calls: what a token takes, and how two periods compare.

Frames have the columns of table `calls`. Unknown is null: a speed that cannot be computed is null, with no stand-in.
Failed calls have no speed and enter no distribution; they are what the error rate counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import differences, intervals
from analytics.columns import divide, flags, numbers
from analytics.intervals import LEVEL, Estimate

NANOSECONDS = 1e9
QUANTILES = (0.5, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in two periods. `difference` is after less before, in the figure's unit; `ratio` is after over before.

    `clear`: whether the interval of the difference leaves 0 out; null: the data have no such interval.
    """

    measure: str  # a column, or error_rate
    quantile: float | None  # null: a rate
    before: Estimate
    after: Estimate
    difference: Estimate
    ratio: Estimate | None  # null: a rate
    clear: bool | None


def speeds(calls: pd.DataFrame) -> pd.DataFrame:
    """How fast each call wrote. Same rows and index as `calls`; float columns, NaN where unknown.

    `time_per_output_token_ns`: `(duration - ttft) / (output_tokens - 1)`, the mean gap between tokens after the first
    (TPOT, as vLLM's and NVIDIA's GenAI-Perf benchmarks define it). Null without a TTFT (no stream), for fewer than two
    tokens, and for calls that reasoned: whether the TTFT is that of the first thought or of the first word differs by
    provider. A null of `reasoning_tokens` is taken for none.
    `tokens_per_second`: `output_tokens / duration`, with waiting and reasoning: what the caller saw. Null without any.
    Both are null for failed calls, unknown or non-positive durations, and a TTFT below 0 or after the end.

    Needs `duration_ns`, `ttft_ns`, `output_tokens`, `failed`; `reasoning_tokens` if it is there.
    """
    duration, ttft, tokens = (numbers(calls, name) for name in ("duration_ns", "ttft_ns", "output_tokens"))
    reasoned = numbers(calls, "reasoning_tokens") > 0 if "reasoning_tokens" in calls else np.zeros(len(calls), bool)
    usable = ~flags(calls, "failed") & (duration > 0) & ~(ttft < 0) & ~(ttft > duration)
    streamed = usable & (tokens >= 2) & ~reasoned
    return pd.DataFrame(
        {
            "time_per_output_token_ns": divide(duration - ttft, tokens - 1, streamed),
            "tokens_per_second": divide(tokens * NANOSECONDS, duration, usable & (tokens >= 1)),
        },
        index=calls.index,
    )


def compare(
    before: pd.DataFrame, after: pd.DataFrame, quantiles: Sequence[float] = QUANTILES, level: float = LEVEL
) -> list[Change]:
    """How latency differs between the calls of two periods (or releases, prompt versions, models).

    The error rate first, then each quantile of each measure: duration, TTFT, time per output token, tokens per second.
    Nanoseconds, tokens per second, shares. Failed calls count in the error rate alone. Empty periods give nulls, and
    the same list. Bounds are pointwise: of twenty figures that did not change, one is expected to look clear.

    Needs the columns of `speeds`. Sources: see `analytics.differences`; calls must be independent.
    """
    return [_errors(before, after, level), *_quantiles(_measures(before), _measures(after), quantiles, level)]


def _errors(before: pd.DataFrame, after: pd.DataFrame, level: float) -> Change:
    (hits_a, n_a), (hits_b, n_b) = ((int(calls["failed"].sum()), len(calls)) for calls in (before, after))
    found = differences.rate_difference(hits_a, n_a, hits_b, n_b, level)
    sides = intervals.rate(hits_a, n_a, level), intervals.rate(hits_b, n_b, level)
    return Change("error_rate", None, *sides, found, None, differences.clear(found))


def _quantiles(before: pd.DataFrame, after: pd.DataFrame, quantiles: Sequence[float], level: float) -> list[Change]:
    changes = []
    for measure in before.columns:
        a, b = (np.sort(frame[measure].dropna().to_numpy()) for frame in (before, after))
        for q in quantiles:
            found = differences.quantile_difference(a, b, q, level)
            sides = intervals.quantile(a, q, level), intervals.quantile(b, q, level)
            ratio = differences.quantile_ratio(a, b, q, level)
            changes.append(Change(measure, q, *sides, found, ratio, differences.clear(found)))
    return changes


def _measures(calls: pd.DataFrame) -> pd.DataFrame:
    """The columns to compare, float; NaN for failed calls."""
    failed = flags(calls, "failed")
    whole = {name: np.where(failed, np.nan, numbers(calls, name)) for name in ("duration_ns", "ttft_ns")}
    return pd.DataFrame(whole, index=calls.index).join(speeds(calls))
