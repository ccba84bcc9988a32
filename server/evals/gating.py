"""Gates of a run: the columns that each looks at, the statistics over them, and a sentence of what they say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analytics import gates
from analytics.intervals import Estimate
from analytics.items import Rows, rows
from evaluators.suites.engine import Scorer
from evaluators.suites.suite import QUANTILES, TARGET, Gate
from server.evals.columns import Columns, Said, numbers
from server.evals.preparing import Prepared

SHARE = (0.0, 1.0)
LEVEL = 1 - 2 * gates.ALPHA
"""Of the intervals of gates: a gate asks one side, with an error that such an interval has at each end."""
Bounds = tuple[float, float] | None
FAILING = {"missed", "not_comparable", "no_data"}


@dataclass(frozen=True, slots=True)
class Baseline:
    """The run that gates compare with."""

    manifest: dict[str, Any]
    columns: Columns


@dataclass(frozen=True, slots=True)
class Shared:
    """What a run and its baseline have in common."""

    run_id: str
    started_at: str
    shared: int  # items that hold the same in both
    only_here: int
    only_there: int
    changed: int  # items of one id that hold something else


@dataclass(frozen=True, slots=True)
class Judged:
    """A gate and what became of it."""

    gate: Gate
    state: str
    fails: bool
    sentence: str
    outcome: gates.Outcome

    def row(self) -> dict[str, Any]:
        """As `summary.json` has it."""
        found = self.outcome.found
        comparison = found.comparison
        return {
            "text": self.gate.text, "of": self.gate.of, "measure": self.gate.measure, "state": self.state,
            "fails": self.fails, "sentence": self.sentence, "estimate": told(found.measured.estimate),
            "bound": self.gate.at_least if self.gate.at_least is not None else self.gate.at_most,
            "margin": None if self.gate.no_worse_than is None else self.gate.by_at_most,
            "baseline": None if comparison is None else comparison.baseline,
            "effect": None if comparison is None else told(comparison.effect),
            "p": found.p_missed, "adjusted_p": self.outcome.adjusted_p,
            "detectable": None if comparison is None else comparison.detectable,
            "items": found.measured.items, "missing": found.measured.missing,
        }  # fmt: skip


def told(estimate: Estimate) -> dict[str, Any]:
    """An estimate as JSON has it."""
    return asdict(estimate)


def mean_over(
    values: NDArray[np.float64], columns: Columns, bounds: Bounds, *, clustered: bool
) -> dict[str, Any] | None:
    """The mean over items with its interval; null: there is no value."""
    if not values.size or np.isnan(values).all():
        return None
    return told(gates.measured(_rows(values, columns, clustered=clustered), bounds=bounds).estimate)


def judged_gates(
    prepared: Prepared, columns: Columns, baseline: Baseline | None, *, skip: bool = False
) -> list[Judged]:
    """What becomes of the suite's gates, in their order. `skip`: those against a baseline are left undecided."""
    judge = _Judge(prepared, columns, baseline, skip=skip)
    told_gates = prepared.read.suite.gates
    found = [judge.found(gate) for gate in told_gates]
    return [
        judge.judged(gate, outcome) for gate, outcome in zip(told_gates, gates.decided(found), strict=True)
    ]  # fmt: skip


class _Judge:
    def __init__(self, prepared: Prepared, columns: Columns, baseline: Baseline | None, *, skip: bool) -> None:
        self._suite, self._columns, self._baseline, self._skip = prepared.read.suite, columns, baseline, skip
        self._scorers = {one.use.called: one for one in prepared.scorers}
        self._clustered = self._suite.dataset.cluster is not None

    def found(self, gate: Gate) -> gates.Found:
        ours, bounds = self._of(gate, self._columns), self._bounds(gate)
        q = QUANTILES.get(gate.measure)
        if gate.no_worse_than is None:
            return gates.against_bound(
                ours, at_least=gate.at_least, at_most=gate.at_most, bounds=bounds, q=q, level=LEVEL
            )
        if self._baseline is None or self._refused(gate) is not None:
            return gates.not_comparable(ours, bounds=bounds, q=q, level=LEVEL)
        return gates.against_baseline(
            ours, self._of(gate, self._baseline.columns, _codes(self._columns, self._baseline.columns)),
            better=self._better(gate), margin=gate.by_at_most, bounds=bounds, q=q, seed=self._suite.seed,
            level=LEVEL,
        )  # fmt: skip

    def judged(self, gate: Gate, outcome: gates.Outcome) -> Judged:
        skipped = self._skip and gate.no_worse_than is not None and self._baseline is None
        state = "undecided" if skipped else outcome.state
        fails = not skipped and (state in FAILING or (state == "undecided" and gate.when_undecided == "fail"))
        return Judged(gate, state, fails, self._sentence(gate, outcome, state, fails=fails, skipped=skipped), outcome)

    def _of(self, gate: Gate, columns: Columns, codes: NDArray[np.int64] | None = None) -> Rows:
        return _rows(_values(gate, columns), columns, clustered=self._clustered, codes=codes)

    def _bounds(self, gate: Gate) -> Bounds:
        if gate.measure in {"pass_rate", "errors"}:
            return SHARE
        if gate.of.startswith(f"{TARGET}."):
            return None
        scale = self._scorers[gate.of].evaluator.card.scale
        return None if scale.low is None or scale.high is None else (scale.low, scale.high)

    def _better(self, gate: Gate) -> Literal["higher", "lower"]:
        if gate.measure == "pass_rate":
            return "higher"
        if gate.measure == "errors" or gate.of.startswith(f"{TARGET}."):
            return "lower"
        return self._scorers[gate.of].evaluator.card.scale.better or "higher"

    def _refused(self, gate: Gate) -> str | None:
        """Why the baseline is not compared with; null: it is."""
        assert self._baseline is not None  # noqa: S101 - asked where there is one
        if gate.of.partition(".")[0] == TARGET:
            return None
        ours, theirs = self._scorers[gate.of], self._baseline.manifest["evaluators"].get(gate.of)
        if theirs is None:
            return f"The baseline has no evaluator called {gate.of}."
        here = (ours.evaluator.card.name, ours.ruler)
        if here != (theirs["evaluator"], theirs["version"]):
            return f"{gate.of} is {' '.join(here)} here and {theirs['evaluator']} {theirs['version']} in the baseline."
        if gate.measure == "pass_rate" and passing_of(ours) != theirs["pass"]:
            return f"{gate.of} passes by another rule than in the baseline."
        return None

    def _sentence(self, gate: Gate, outcome: gates.Outcome, state: str, *, fails: bool, skipped: bool) -> str:
        if skipped:
            return "Not compared: the run was asked for without a baseline."
        found = outcome.found
        if state == "no_data":
            return _no_data(found)
        if state == "not_comparable":
            if self._baseline is None:
                return "There is no baseline: name the folder of a run by --baseline, or say --no-baseline."
            again = "Other rulers' values are not compared. Run the baseline again with this version."
            return f"{self._refused(gate)} {again}"
        what = _against_baseline(gate, outcome) if found.comparison else _against_bound(gate, outcome)
        return what + (" The gate asks for proof." if fails and state == "undecided" else "")


def passing_of(scorer: Scorer) -> dict[str, Any] | None:
    """The rule by which its verdicts pass, as manifests keep it."""
    return None if scorer.use.passing is None else scorer.use.passing.model_dump(exclude_defaults=True, mode="json")


def _values(gate: Gate, columns: Columns) -> NDArray[np.float64]:
    of, _, measure = gate.of.partition(".")
    if of == TARGET:
        return numbers(columns.measured[measure] if measure else columns.failed)
    said = columns.evaluators.get(gate.of, Said())
    return numbers({"pass_rate": said.passed, "errors": said.failed}.get(gate.measure, said.value))


def _rows(
    values: NDArray[np.float64], columns: Columns, *, clustered: bool, codes: NDArray[np.int64] | None = None
) -> Rows:
    items = columns.item_codes()
    return rows(values, items if codes is None else codes[items], columns.cluster_codes() if clustered else None)


def _codes(ours: Columns, theirs: Columns) -> NDArray[np.int64]:
    """The baseline's items as codes of ours; one that we have not, or that holds something else, as one of its own."""
    beyond = len(ours.items.names)
    codes = np.arange(beyond, beyond + len(theirs.items.names), dtype=np.int64)
    for place, (name, content) in enumerate(zip(theirs.items.names, theirs.contents, strict=True)):
        code = ours.items.find(name)
        if code is not None and ours.contents[code] == content:
            codes[place] = code
    return codes


def shared_with(baseline: Baseline, columns: Columns) -> Shared:
    """How many items a run has in common with its baseline."""
    theirs = dict(zip(baseline.columns.items.names, baseline.columns.contents, strict=True))
    ours = dict(zip(columns.items.names, columns.contents, strict=True))
    both = ours.keys() & theirs.keys()
    same = sum(ours[name] == theirs[name] for name in both)
    return Shared(
        baseline.manifest["run_id"], baseline.manifest["started_at"], same, len(ours) - len(both),
        len(theirs) - len(both), len(both) - same,
    )  # fmt: skip


def _no_data(found: gates.Found) -> str:
    if found.comparison is not None and found.measured.items:
        return "No item has a value here and in the baseline: they share none that holds the same."
    return f"There is nothing to measure: none of {found.measured.rows:,} rows has a value."


def _against_bound(gate: Gate, outcome: gates.Outcome) -> str:
    value = interval(outcome.found.measured.estimate)
    least = gate.at_least is not None
    bound = f"{gate.at_least if least else gate.at_most:g}"
    rule = f"at least {bound}" if least else f"at most {bound}"
    if outcome.state == "met":
        return f"It is {value}, which shows that it is {rule}."
    if outcome.state == "missed":
        side = "below" if least else "above"
        return f"It is {value}: {side} {bound} by more than chance ({_p(outcome.adjusted_p)})."
    return f"It is {value}: the data leave open whether it is {rule}."


def _against_baseline(gate: Gate, outcome: gates.Outcome) -> str:
    comparison = outcome.found.comparison
    assert comparison is not None  # noqa: S101 - asked where there is one
    change = (
        f"{number(comparison.run)} against {number(comparison.baseline)}, a change of {interval(comparison.effect)}"
    )
    over = f" over {comparison.items:,} items"
    allowed = f"more than the {gate.by_at_most:g} allowed, and by " if gate.by_at_most else ""
    if outcome.state == "missed":
        return f"{change}{over}: worse by {allowed}more than chance ({_p(outcome.adjusted_p)})."
    if outcome.state == "met":
        return f"{change}{over}: which shows that it is not worse" + (
            f" by more than {gate.by_at_most:g}." if allowed else "."
        )
    smallest = (
        ""
        if comparison.detectable is None
        else f" A drop of {number(comparison.detectable)} would be found in 80 % of such runs."
    )
    return f"{change}{over}: no drop was found, and none is ruled out.{smallest}"


def interval(found: Estimate) -> str:
    """A number with its ends."""
    if found.value is None or (found.low is None and found.high is None):
        return number(found.value)
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


def number(value: float | None) -> str:
    """Three significant digits; null is `?`."""
    if value is None:
        return "?"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _p(p: float | None) -> str:
    if p is None:
        return "p unknown"
    return "adjusted p < 0.001" if p < 0.001 else f"adjusted p {p:.2g}"
