"""What an evaluator says of a case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from evaluators.case import Json

Status = Literal["ok", "not_applicable", "error"]


@dataclass(frozen=True, slots=True)
class Scale:
    """The ruler: numbers from `low` to `high` (null: no bound), or one of `labels`, or both."""

    low: float | None = 0.0
    high: float | None = 1.0
    labels: tuple[str, ...] = ()  # worst to best where they have an order; (): the evaluator gives none
    better: Literal["higher", "lower"] | None = "higher"  # of the number; null: neither end is
    unit: str | None = None  # null: a share, or a count of nothing

    def admits(self, verdict: Verdict) -> str | None:
        """Why the verdict is none of this scale; null: it is one."""
        value, label = verdict.value, verdict.label
        if value is None and label is None:
            return "It has neither a value nor a label."
        if value is not None and not math.isfinite(value):
            return f"Its value is {value}."
        if value is not None and not self.spans(value):
            return f"Its value {value:g} is not between {_bound(self.low)} and {_bound(self.high)}."
        if label is not None and self.labels and label not in self.labels:
            return f"Its label {label!r} is none of: {', '.join(self.labels)}."
        return None

    def spans(self, value: float) -> bool:
        """Whether the number lies on the scale."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def _bound(value: float | None) -> str:
    return "any number" if value is None else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Highlight:
    """A stretch of one of the case's texts that the verdict rests on: characters [start, end)."""

    start: int
    end: int
    why: str
    field: str = "answer"  # or question, system, reference, contexts.0, messages.2, tool_calls.0, ...
    weight: float | None = None  # 0 to 1: how much it speaks; null: the evaluator does not say


@dataclass(frozen=True, slots=True)
class Spent:
    """What a verdict cost; all zero for an evaluator that asks no model."""

    calls: int = 0  # that were sent, with those that failed
    cached: int = 0  # answered from our own cache
    input_tokens: int | None = None  # null: not told
    output_tokens: int | None = None
    cost_usd: float | None = None  # null: no price known, or tokens not told


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict. Make one with `verdict`, `not_applicable` or `failed`."""

    status: Status
    value: float | None
    label: str | None
    reason: str  # one sentence or more that a reviewer can check
    spans: tuple[Highlight, ...] = ()
    error_type: str | None = None  # of an error: a short word that can be counted, such as timeout
    details: Mapping[str, Json] = field(default_factory=dict)  # what the evaluator wants kept: claims, parts
    spent: Spent | None = None  # null: the evaluator asks no model

    def on(self, scale: Scale) -> Verdict:
        """The same verdict if it is one of the scale, else an error that says why not."""
        why = scale.admits(self) if self.status == "ok" else None
        if why is None:
            return self
        return replace(
            failed("off_scale", f"The verdict is not on the evaluator's scale. {why}", spent=self.spent),
            details={**self.details, "said": {"value": _json(self.value), "label": self.label, "reason": self.reason}},
        )


def _json(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def verdict(
    value: float | None,
    reason: str,
    *,
    label: str | None = None,
    spans: tuple[Highlight, ...] = (),
    details: Mapping[str, Json] | None = None,
    spent: Spent | None = None,
) -> Verdict:
    """A verdict that counts."""
    return Verdict("ok", value, label, reason, spans, None, details or {}, spent)


def not_applicable(reason: str, *, label: str | None = None) -> Verdict:
    """The evaluator has nothing to say of this case, and why. It enters no mean."""
    return Verdict("not_applicable", None, label, reason)


def failed(error_type: str, reason: str, *, spent: Spent | None = None) -> Verdict:
    """The evaluator could not say. It enters no mean, and is counted as what it is."""
    return Verdict("error", None, None, reason, (), error_type, {}, spent)
