"""What a monitor can watch: each signal's name, unit, and which side of it is worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from analytics.drifted import Kind

Side = Literal["up", "down"]
Unit = Literal["share", "usd", "ms", "tokens", "characters", "calls", "items", "score", "category", "embedding"]
Of = Literal["calls", "scores", "tools", "retrievals", "ledger"]
"""What a signal has one value of each; sums and rates of buckets are over these."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to watch."""

    name: str
    label: str
    unit: Unit
    of: Of
    kind: Kind  # of its values, one by one
    stream: bool = True  # it has a value a bucket of time; else it is compared as two samples
    worse: Side | None = None  # null: neither, or its scale says
    named: bool = False  # it takes the name of a score
    quantile: bool = False  # it takes a quantile; without one it is the median
    alone: bool = True  # an item has a value by itself, so that two samples of it can be compared


_ALL = (
    Signal("error_rate", "Error rate", "share", "calls", "rate", worse="up"),
    Signal("refusal_rate", "Refusal rate", "share", "calls", "rate", worse="up"),
    Signal("unknown_usage_rate", "Calls with unknown usage", "share", "calls", "rate", worse="up"),
    Signal("retry_rate", "Retry rate", "share", "calls", "rate", worse="up"),
    Signal("cache_hit_share", "Cached share of input", "share", "calls", "numeric", worse="down"),
    Signal("cost", "Cost per call", "usd", "calls", "numeric", worse="up"),
    Signal("spend", "Spend per hour", "usd", "calls", "numeric", worse="up", alone=False),
    Signal("volume", "Calls per hour", "calls", "calls", "numeric", alone=False),
    Signal("duration", "Duration", "ms", "calls", "numeric", worse="up", quantile=True),
    Signal("ttft", "Time to first token", "ms", "calls", "numeric", worse="up", quantile=True),
    Signal("input_tokens", "Input tokens per call", "tokens", "calls", "numeric"),
    Signal("output_tokens", "Output tokens per call", "tokens", "calls", "numeric"),
    Signal("input_length", "Input length", "characters", "calls", "numeric"),
    Signal("output_length", "Output length", "characters", "calls", "numeric"),
    Signal("score", "Score", "score", "scores", "numeric", named=True),
    Signal("score_failures", "Failed scores", "share", "scores", "rate", worse="up", named=True),
    Signal("judge_agreement", "Agreement of judge and people", "share", "scores", "rate", worse="down", named=True),
    Signal("retrieval_score", "Score of retrieved documents", "score", "retrievals", "numeric", worse="down"),
    Signal("retrieved_documents", "Documents per retrieval", "items", "retrievals", "numeric"),
    Signal("ledger_losses", "Rejected share of what came in", "share", "ledger", "rate", worse="up", alone=False),
    Signal("tool_mix", "Tool mix", "category", "tools", "categorical", stream=False),
    Signal("model_mix", "Model mix", "category", "calls", "categorical", stream=False),
    Signal("finish_reasons", "Finish reasons", "category", "calls", "categorical", stream=False),
    Signal("language", "Language of inputs", "category", "calls", "categorical", stream=False),
    Signal("topics", "Topics of inputs", "category", "calls", "categorical", stream=False),
    Signal("input_embedding", "Meaning of inputs", "embedding", "calls", "embedding", stream=False),
    Signal("output_embedding", "Meaning of outputs", "embedding", "calls", "embedding", stream=False),
)
SIGNALS: Mapping[str, Signal] = {one.name: one for one in _ALL}
