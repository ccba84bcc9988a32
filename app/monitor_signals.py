"""What can be watched, as the form offers it, and how its values are written. Pure.

The server's catalogue (`server.monitors.signals`) is the ruler; a test holds this one to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app import ab_figures
from app import format as fmt


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to watch."""

    name: str
    group: str
    label: str
    unit: str
    what: str  # one sentence for somebody who meets it first
    stream: bool = True  # it has a value a bucket of time
    worse: str | None = None  # up or down; null: neither, or its scale says
    named: bool = False  # of a score
    quantile: bool = False
    alone: bool = True  # two samples of it can be compared


_ALL = (
    Signal("error_rate", "Errors", "Error rate", "share", "Share of model calls that failed.", worse="up"),
    Signal(
        "refusal_rate", "Errors", "Refusal rate", "share", "Share of calls whose answer was refused or filtered.",
        worse="up",
    ),
    Signal("retry_rate", "Errors", "Retry rate", "share", "Share of calls that asked again what had just failed.",
           worse="up"),
    Signal(
        "unknown_usage_rate", "Errors", "Calls with unknown usage", "share",
        "Share of calls that ended well and told no tokens.", worse="up",
    ),
    Signal("duration", "Time", "Duration", "ms", "How long calls take: the median, or another quantile.", worse="up",
           quantile=True),
    Signal("ttft", "Time", "Time to first token", "ms", "How long calls take to their first token.", worse="up",
           quantile=True),
    Signal("cost", "Cost and volume", "Cost per call", "usd", "US dollars of a priced call, on average.", worse="up"),
    Signal("spend", "Cost and volume", "Spend per hour", "usd", "US dollars of all calls of an hour.", worse="up",
           alone=False),
    Signal("volume", "Cost and volume", "Calls per hour", "calls", "How many calls came in.", alone=False),
    Signal("cache_hit_share", "Cost and volume", "Cached share of input", "share",
           "Share of input tokens that came from the provider's cache.", worse="down"),
    Signal("input_tokens", "Size", "Input tokens per call", "tokens", "Tokens of a call's input, on average."),
    Signal("output_tokens", "Size", "Output tokens per call", "tokens", "Tokens of a call's answer, on average."),
    Signal("input_length", "Size", "Input length", "characters", "Letters of a call's input, on average."),
    Signal("output_length", "Size", "Output length", "characters", "Letters of a call's answer, on average."),
    Signal("score", "Quality", "Score", "score", "Mean of a score: an evaluator's, a judge's or a person's.",
           named=True),
    Signal("score_failures", "Quality", "Failed scores", "share", "Share of scores that an evaluator could not give.",
           worse="up", named=True),
    Signal("judge_agreement", "Quality", "Agreement of judge and people", "share",
           "Share of targets with a judge's score and a person's label of one name that say the same.", worse="down",
           named=True),
    Signal("retrieval_score", "Retrieval", "Score of retrieved documents", "score",
           "What the retriever said of its documents, on average.", worse="down"),
    Signal("retrieved_documents", "Retrieval", "Documents per retrieval", "items", "How many documents came back."),
    Signal("tool_mix", "Mixes and meaning", "Tool mix", "category", "Which tools are called, by their shares.",
           stream=False),
    Signal("model_mix", "Mixes and meaning", "Model mix", "category", "Which models answer, by their shares.",
           stream=False),
    Signal("finish_reasons", "Mixes and meaning", "Finish reasons", "category", "Why calls end, by their shares.",
           stream=False),
    Signal("language", "Mixes and meaning", "Language of inputs", "category", "Which languages inputs are written in.",
           stream=False),
    Signal("topics", "Mixes and meaning", "Topics of inputs", "category", "What inputs are about, in groups.",
           stream=False),
    Signal("input_embedding", "Mixes and meaning", "Meaning of inputs", "embedding",
           "Whether a classifier can tell new inputs from those of the reference.", stream=False),
    Signal("output_embedding", "Mixes and meaning", "Meaning of outputs", "embedding",
           "Whether a classifier can tell new answers from those of the reference.", stream=False),
    Signal("ledger_losses", "Books", "Rejected share of what came in", "share",
           "Share of what senders sent that could not be stored.", worse="up", alone=False),
)  # fmt: skip
SIGNALS: Mapping[str, Signal] = {one.name: one for one in _ALL}

PLAIN: Mapping[str, tuple[str, str]] = {
    "no_data": ("No calls arrive", "Nothing came within the window."),
    "error_burst": ("Burst of errors", "Within the window so many calls failed, and so large a share."),
    "slo_burn": (
        "Burn of a service level",
        "The failures that an objective allows are used up too fast, in a long and a short window.",
    ),
    "budget": ("A budget of the project", "A budget is spent to a share, or is forecast to be overrun."),
}  # fmt: skip
"""Checks that have a signal of their own: kind -> label, and a sentence."""

_UNITS = {"usd": "USD", "share": "share"}  # unit -> as `ab_figures` names it
NOUNS = {"tokens": "tokens", "characters": "letters", "calls": "calls", "items": "documents"}


def amount(value: float | None, unit: str | None) -> str:
    """`$0.012`, `1.2 s`, `4.1 %`, `312 tokens`, `0.31`; null is `unknown`."""
    if value is None or fmt.absent(value):
        return fmt.UNKNOWN
    return _written(value, unit, ab_figures.amount)


def apart(value: float | None, unit: str | None) -> str:
    """A difference with its sign, of shares in points: `+1.3 pp`, `+40 tokens`; null is `unknown`."""
    if value is None or fmt.absent(value):
        return fmt.UNKNOWN
    return _written(value, unit, ab_figures.apart)


def _written(value: float, unit: str | None, write: ab_figures.Write) -> str:
    if unit == "ms":
        return write(value / 1e3, "s")
    if unit in MEASURES:
        return f"{write(value, None)} {MEASURES[unit][1]}"
    if noun := NOUNS.get(unit or ""):
        told = write(value, None)
        return f"{told} {noun.removesuffix('s') if told.lstrip(f'+{fmt.MINUS}') == '1' else noun}"
    return write(value, _UNITS.get(unit or ""))


def bounds(low: float | None, high: float | None, unit: str | None) -> str:
    """`1.1 to 1.4 s`; a null bound: `no interval`."""
    if low is None or high is None or fmt.absent(low) or fmt.absent(high):
        return "no interval"
    first, last = amount(low, unit), amount(high, unit)
    number, _, noun = first.partition(" ")
    return f"{number if noun and last.endswith(' ' + noun) else first} to {last}"


def effect(value: float | None, unit: str | None) -> str:
    """A size of change, as a least effect is set: `1.5 pp`, `120 ms`, `0.05 (Jensen-Shannon distance)`."""
    if value is None or fmt.absent(value):
        return fmt.UNKNOWN
    if unit in MEASURES:
        return f"{fmt.digits(value)} ({MEASURES[unit][0]})"
    return apart(abs(value), unit).removeprefix("+")


MEASURES = {"category": ("Jensen-Shannon distance", "JS"), "embedding": ("AUC above 0.5", "AUC")}
"""What a change of a signal without single values is measured by, and its short form."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a value in a signal's unit is typed in."""

    said: str  # beside the field
    factor: float  # what is typed, in what is set
    most: float | None = None  # as typed


def entry(unit: str | None) -> Entry:
    """Shares are typed as percent, the rest as it is set."""
    told = {
        "share": Entry("percentage points", 0.01, 100.0), "usd": Entry("US dollars", 1.0), "ms": Entry("ms", 1.0),
        "tokens": Entry("tokens", 1.0), "characters": Entry("letters", 1.0), "calls": Entry("calls an hour", 1.0),
        "items": Entry("documents", 1.0), "score": Entry("points of the score", 1.0),
        "category": Entry("Jensen-Shannon distance, 0 to 1", 1.0, 1.0),
        "embedding": Entry("AUC above 0.5, to 0.5", 1.0, 0.5),
    }  # fmt: skip
    return told.get(unit or "", Entry("", 1.0))


def axis(unit: str | None) -> tuple[float, str]:
    """Of an axis of values: factor, and what stands after a number."""
    return {"share": (100.0, " %"), "usd": (1.0, " $"), "ms": (1e-3, " s")}.get(unit or "", (1.0, ""))


def title(signal: str | None, score: str | None = None, quantile: float | None = None, kind: str = "drift") -> str:
    """What is watched, in a word or two: `p95 of duration`, `Score helpful`, `No calls arrive`."""
    if signal is None:
        return PLAIN.get(kind, (kind, ""))[0]
    told = SIGNALS.get(signal)
    label = told.label if told else signal
    if quantile is not None:
        return f"{quantile_word(quantile)} of {label[0].lower()}{label[1:]}"
    return f"{label} {score}" if score else label


def quantile_word(q: float) -> str:
    """`median`, `p95`, `p99.9`."""
    return "median" if q == 0.5 else f"p{q * 100:.6g}"
