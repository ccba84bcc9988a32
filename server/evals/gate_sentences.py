"""What a gate says in a sentence: the value, over which items, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass

from analytics import gates
from analytics.baseline import Better
from analytics.intervals import Estimate
from evaluators.suites.suite import Gate
from server.evals.figures import counted, interval, number, verb


@dataclass(frozen=True, slots=True)
class Overlap:
    """What becomes of the items of a run, for one gate, beside its baseline."""

    items: int  # of the run
    compared: int  # hold the same in both, and have a value in both
    changed: int  # the baseline has one of the same id that holds something else
    absent: int  # the baseline has none of the id
    without: int  # hold the same in both, and lack a value in one of them
    valued: int  # of the run's items, those with a value

    @property
    def enough(self) -> bool:
        """Whether those compared are at least half of those with a value."""
        return 2 * self.compared >= self.valued

    @property
    def left_out(self) -> str:
        """Why items are not compared, without those of which there are none."""
        parts = [
            (self.changed, f"{self.changed:,} {verb(self.changed, 'holds', 'hold')} something else there"),
            (self.absent, f"{self.absent:,} {verb(self.absent, 'is', 'are')} not in it"),
            (self.without, f"{self.without:,} {verb(self.without, 'has', 'have')} no value in one of the two"),
        ]
        return ", ".join(text for count, text in parts if count)


def too_few(overlap: Overlap) -> str:
    """Of a run that shares less than half of its items with its baseline."""
    many = f"Only {overlap.compared:,} of {counted(overlap.items, 'item')}" if overlap.compared else "No item"
    return (
        f"{many} can be compared with the baseline: {overlap.left_out}. "
        "Compare with a run of the same items, or run the baseline again with these."
    )


def no_data(found: gates.Found) -> str:
    """Of a gate without a value."""
    return f"There is nothing to measure: none of {counted(found.measured.rows, 'answer')} has a value."


def against_bound(gate: Gate, outcome: gates.Outcome) -> str:
    """Of a gate that has a bound."""
    found = outcome.found
    value, missing = shown(found.measured.estimate), _missing(found.measured)
    rule = f"at least {gate.at_least:g}" if gate.at_least is not None else f"at most {gate.at_most or 0:g}"
    if outcome.state == "met":
        return f"It is {value}, which shows that it is {rule}{missing}."
    if outcome.state == "missed":
        side = f"below {gate.at_least:g}" if gate.at_least is not None else f"above {gate.at_most or 0:g}"
        return f"It is {value}: {side} by more than chance ({_p(outcome.adjusted_p)}){missing}."
    if found.p_missed is None:
        return f"It is {value}. {_alone(found.measured.items)}"
    return f"It is {value}: the data leave open whether it is {rule}{missing}."


def against_baseline(gate: Gate, outcome: gates.Outcome, better: Better, overlap: Overlap) -> str:
    """Of a gate that asks not to be worse than the baseline."""
    comparison = outcome.found.comparison
    assert comparison is not None  # noqa: S101 - asked where there is one
    change = f"{number(comparison.run)} against {number(comparison.baseline)}, a change of {shown(comparison.effect)}"
    over = f"{change} over {counted(comparison.items, 'item')}"
    allowed = f" by more than {gate.by_at_most:g}" if gate.by_at_most else ""
    if outcome.state == "missed":
        more = f"more than the {gate.by_at_most:g} allowed, and by " if gate.by_at_most else ""
        said = f"{over}: worse by {more}more than chance ({_p(outcome.adjusted_p)})."
    elif outcome.state == "met":
        said = f"{over}: which shows that it is not worse{allowed}."
    elif outcome.found.p_missed is None:
        said = f"{over}. {_alone(comparison.items)}"
    else:
        said = f"{over}: {_undecided(gate, outcome, better)}"
    left = overlap.items - comparison.items
    return said + (f" {left:,} of {counted(overlap.items, 'item')} left out: {overlap.left_out}." if left > 0 else "")


def _undecided(gate: Gate, outcome: gates.Outcome, better: Better) -> str:
    comparison = outcome.found.comparison
    assert comparison is not None  # noqa: S101 - as above
    effect, worse = comparison.effect.value or 0.0, "drop" if better == "higher" else "rise"
    size = -effect if better == "higher" else effect
    if size <= 0:
        said = f"no {worse} was found, and none is ruled out."
    elif size <= gate.by_at_most:
        said = f"a {worse} of {number(size)}, within the {gate.by_at_most:g} allowed; more is not ruled out."
    else:
        beyond = f", beyond the {gate.by_at_most:g} allowed by" if gate.by_at_most else ","
        p = outcome.found.p_missed
        many = " where so many gates are tested" if p is not None and p < gates.ALPHA else ""
        said = f"a {worse} of {number(size)}{beyond} no more than chance explains{many}."
    if comparison.detectable is None:
        return said
    return f"{said} A {worse} of {number(comparison.detectable)} would be found in 80 % of such runs."


def shown(found: Estimate) -> str:
    """A number with its ends."""
    return interval(found.value, found.low, found.high)


def _alone(items: int) -> str:
    if items == 1:
        return "One item alone tells nothing of chance: take more items."
    return f"{counted(items, 'item')} of one cluster alone tell nothing of chance: take items of more clusters."


def _missing(measured: gates.Measured) -> str:
    if measured.without:
        return (
            f", over {measured.items:,} of {counted(measured.items + measured.without, 'item')}; "
            f"{measured.without:,} {verb(measured.without, 'has', 'have')} no value"
        )
    if measured.missing:
        return (
            f", over {counted(measured.items, 'item')}; {measured.missing:,} of {counted(measured.rows, 'answer')} "
            f"{verb(measured.missing, 'has', 'have')} no value"
        )
    return ""


def _p(p: float | None) -> str:
    if p is None:
        return "p unknown"
    return "adjusted p < 0.001" if p < 0.001 else f"adjusted p {p:.2g}"
