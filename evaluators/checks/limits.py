"""What the answer took and how long it is, against limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from evaluators.case import Case, Usage
from evaluators.checks.outcome import PASS_FAIL, checked, counted, form
from evaluators.protocol import Card
from evaluators.verdict import Scale, Verdict, not_applicable, verdict


def _amounts(unit: str) -> Scale:
    return Scale(0.0, None, PASS_FAIL, "lower", unit)


def _within(value: float | None, limit: float | None, what: str, unit: str) -> Verdict:
    """The amount; with a limit also whether it is kept. An unknown amount is no amount."""
    if value is None:
        return not_applicable(f"The {what} is unknown.")
    said = f"The {what} is {value:g} {unit}"
    if limit is None:
        return verdict(value, f"{said}.")
    return checked(value <= limit, f"{said}; the limit is {limit:g}.", value)


def _check_limit(limit: float | None) -> None:
    if limit is not None and limit < 0:
        raise ValueError(f"A limit is not below 0, as {limit} is.")


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the answer took."""

    limit_ms: float | None = None  # null: it is measured, and neither passes nor fails
    first_token: bool = False  # True: the time to the first token

    card: ClassVar[Card] = Card(
        "latency",
        "1",
        "checks",
        "Milliseconds that the answer took; pass within the limit.",
        ("usage",),
        scale=_amounts("ms"),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a limit that is none."""
        _check_limit(self.limit_ms)

    def __call__(self, case: Case) -> Verdict:
        """The time in ms, with pass or fail where there is a limit."""
        usage = case.usage or Usage()
        if self.first_token:
            return _within(usage.ttft_ms, self.limit_ms, "time to the first token", "ms")
        return _within(usage.latency_ms, self.limit_ms, "latency", "ms")


@dataclass(frozen=True, slots=True)
class Cost:
    """What the answer cost."""

    limit_usd: float | None = None  # null: it is measured, and neither passes nor fails

    card: ClassVar[Card] = Card(
        "cost",
        "1",
        "checks",
        "US dollars that the answer cost; pass within the limit.",
        ("usage",),
        scale=_amounts("USD"),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a limit that is none."""
        _check_limit(self.limit_usd)

    def __call__(self, case: Case) -> Verdict:
        """The cost in US dollars, with pass or fail where there is a limit."""
        return _within((case.usage or Usage()).cost_usd, self.limit_usd, "cost", "USD")


Counted = Literal["total", "input", "output"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """How many tokens the answer took."""

    limit: int | None = None  # null: they are counted, and it neither passes nor fails
    of: Counted = "total"

    card: ClassVar[Card] = Card(
        "tokens",
        "1",
        "checks",
        "Tokens that the answer took; pass within the limit.",
        ("usage",),
        scale=_amounts("tokens"),
        limits=("The total is unknown where either side is.",),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for options that do not do."""
        _check_limit(self.limit)
        if self.of not in get_args(Counted):
            raise ValueError(f"`of` is one of {', '.join(get_args(Counted))}, not {self.of!r}.")

    def __call__(self, case: Case) -> Verdict:
        """The number of tokens, with pass or fail where there is a limit."""
        usage = case.usage or Usage()
        sides = {"input": (usage.input_tokens,), "output": (usage.output_tokens,)}
        counts = sides.get(self.of, (usage.input_tokens, usage.output_tokens))
        known = [count for count in counts if count is not None]
        total = sum(known) if len(known) == len(counts) else None
        return _within(total, self.limit, f"number of {self.of} tokens", form(total or 0, "token", "tokens"))


By = Literal["characters", "words", "lines"]


@dataclass(frozen=True, slots=True)
class Length:
    """How long the answer is."""

    least: int = 0
    most: int | None = None
    by: By = "words"

    card: ClassVar[Card] = Card(
        "length",
        "1",
        "checks",
        "Characters, words or lines of the answer; pass from least to most.",
        ("answer",),
        scale=Scale(0.0, None, PASS_FAIL, None, None),
        limits=("Words are what blanks part: Chinese, Japanese and Thai have few.",),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for options that do not do."""
        if self.by not in get_args(By):
            raise ValueError(f"`by` is one of {', '.join(get_args(By))}, not {self.by!r}.")
        if self.least < 0 or (self.most is not None and self.most < self.least):
            raise ValueError(f"From {self.least} to {self.most} is no range of lengths.")

    def __call__(self, case: Case) -> Verdict:
        """The length, and whether it is within the range."""
        answer = case.answer or ""
        length = {"characters": len(answer), "words": len(answer.split()), "lines": len(answer.splitlines())}[self.by]
        passed = length >= self.least and (self.most is None or length <= self.most)
        bound = "any length" if self.most is None else str(self.most)
        told = f"The answer has {counted(length, self.by[:-1])}; from {self.least} to {bound} do."
        return checked(passed, told, float(length))
