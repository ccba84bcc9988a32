"""One sentence of a variant against another: which answers better, how sure that is, what it costs, how slow it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.compared import ORDINAL, Compared
from server.compare import sentences
from server.compare.measures import Kind

UNCHANGED = 0.1
"""Share of the baseline's value within which both ends of an interval lie where a measure is called unchanged."""
_FOUND = frozenset({"better", "worse", "higher", "lower"})


@dataclass(frozen=True, slots=True)
class Part:
    """What was found of one measure."""

    one: Compared
    kind: Kind
    title: str


def sentence(primary: Part, rest: Sequence[Part], level: float = 0.95, unknown: Sequence[str] = ()) -> str:
    """What was found of a pair, and whether there were enough data.

    Such as "B answers 4.1 points better than A (correct, 95% CI 1.2 to 7, adjusted p 0.008), costs 18% less, p95
    unchanged; enough data.".

    `rest`: of the same pair, in the order of the words; failures that are not found to differ are left out. `unknown`:
    what nobody measured.
    """
    clauses = [text for part in rest if (text := _clause(part))]
    said = ", ".join([f"{_first(primary)} {_sure(primary, level)}", *clauses, *(f"{what} unknown" for what in unknown)])
    return f"{said}; {_enough(primary.one)}{' otherwise' if _otherwise(primary, rest) else ''}."


def _otherwise(primary: Part, rest: Sequence[Part]) -> bool:
    """Whether there were enough data for what counts most and not for all that is told beside it."""
    lacking = any(part.one.verdict == "not enough data" and part.kind != "failed" for part in rest)
    return lacking and primary.one.verdict not in {"not enough data", "no difference found"}


def _first(part: Part) -> str:
    one = part.one
    if one.verdict == "not enough data" or one.difference is None:
        return f"{one.b} cannot be told from {one.a}"
    if part.kind != "quality":
        return f"Against {one.a}, {one.b} {_clause(part) or 'is not found to fail more or less often'}"
    return f"{one.b} {_answers(one)}"


def _answers(one: Compared) -> str:
    within, gap = (_amount(one, size) for size in (one.margin, abs(one.difference or 0.0)))
    how = "better or worse" if one.better else "otherwise"
    told = {
        "no difference found": f"is not found to answer {how} than {one.a}",
        "equivalent": f"answers as well as {one.a}, within {within}",
        "non-inferior": f"answers not worse than {one.a} by {within} or more",
    }
    if one.verdict in told:
        return told[one.verdict]
    if one.statistic == ORDINAL:
        return f"answers {one.verdict} than {one.a} by ranks"
    return f"answers {gap} {one.verdict} than {one.a}"


def _sure(part: Part, level: float) -> str:
    title = part.title if part.one.q_name is None else f"{part.title} {part.one.q_name}"
    told = part.one.verdict != "not enough data" and part.one.difference is not None
    return f"({title}, {sentences.sure(part.one, level, short=True)})" if told else f"({title})"


def _clause(part: Part) -> str:
    """The measure in a few words after the variant's name; empty: nothing worth a word."""
    one, what = part.one, _what(part)
    if one.verdict == "not enough data" or one.difference is None:
        return "" if part.kind == "failed" else f"too little data on {what}"
    if one.verdict in _FOUND:
        return _differs(part, what)
    if part.kind == "failed":
        return ""
    if one.verdict == "equivalent":
        return f"{what} the same within {_amount(one, one.margin)}"
    if one.verdict == "non-inferior":
        side = {"lower": "higher", "higher": "lower"}.get(str(one.better), "farther off")
        here = f"{_relative(one)} {'higher' if (one.difference or 0.0) > 0 else 'lower'} here"
        return f"{what} not {side} by {_amount(one, one.margin)} or more ({here})"
    return f"{what} unchanged" if _unchanged(one) else f"no difference found in {what}"


def _amount(one: Compared, size: float | None) -> str:
    return sentences.amount(one, size, short=True)


def _what(part: Part) -> str:
    if part.kind == "cost":
        return "cost"
    if part.kind == "latency":
        return part.one.q_name or "latency"
    return part.title


def _differs(part: Part, what: str) -> str:
    one, more = part.one, (part.one.difference or 0.0) > 0
    if part.kind == "cost":
        return f"costs {_relative(one)} {'more' if more else 'less'}"
    if part.kind == "failed":
        return f"fails {_amount(one, abs(one.difference or 0.0))} {'more' if more else 'less'} often"
    return f"{what} {_relative(one)} {'higher' if more else 'lower'}"


def _relative(one: Compared) -> str:
    """In percent of the baseline's; of a share in points, and of what is 0 there the difference itself."""
    gap = abs(one.difference or 0.0)
    if one.statistic == "share" or not one.mean_a or one.mean_a < 0:
        return _amount(one, gap)
    return f"{sentences.percent(gap / one.mean_a)}%"


def _unchanged(one: Compared) -> bool:
    if one.ci_low is None or one.ci_high is None or not one.mean_a:
        return one.difference == 0  # all alike
    return max(abs(one.ci_low), abs(one.ci_high)) <= UNCHANGED * abs(one.mean_a)


def _enough(one: Compared) -> str:
    """Whether there were enough data; where nothing was found, for what."""
    if one.verdict == "not enough data":
        return "not enough data"
    if one.verdict != "no difference found":
        return "enough data"
    if one.mde is None:
        return "what so few data would show is unknown"
    return f"differences below {_amount(one, one.mde)} may go unseen"
