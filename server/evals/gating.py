"""Gates of a run: the columns that each looks at, and the statistics over them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics import gates
from analytics.baseline import Better
from analytics.intervals import Estimate
from analytics.items import Rows, rows
from evaluators.suites.engine import Scorer
from evaluators.suites.suite import QUANTILES, TARGET, Gate
from server.evals import gate_sentences as sentences
from server.evals.columns import Columns, Said, numbers
from server.evals.gate_sentences import Overlap
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
        """As `summary.json` has it. `items` are those compared where the gate compares, else those with a value."""
        found = self.outcome.found
        comparison = found.comparison
        return {
            "text": self.gate.text, "of": self.gate.of, "measure": self.gate.measure, "state": self.state,
            "fails": self.fails, "sentence": self.sentence, "estimate": estimate_row(found.measured.estimate),
            "bound": self.gate.at_least if self.gate.at_least is not None else self.gate.at_most,
            "margin": None if self.gate.no_worse_than is None else self.gate.by_at_most,
            "baseline": None if comparison is None else comparison.baseline,
            "effect": None if comparison is None else estimate_row(comparison.effect),
            "p": found.p_missed, "adjusted_p": self.outcome.adjusted_p,
            "detectable": None if comparison is None else comparison.detectable,
            "items": found.measured.items if comparison is None else comparison.items,
            "without": found.measured.without, "missing": found.measured.missing,
        }  # fmt: skip


def estimate_row(estimate: Estimate) -> dict[str, Any]:
    """An estimate as JSON has it."""
    return asdict(estimate)


def mean_over(
    values: NDArray[np.float64], columns: Columns, bounds: Bounds, *, clustered: bool
) -> dict[str, Any] | None:
    """The mean over items with its interval; null: there is no value."""
    if not values.size or np.isnan(values).all():
        return None
    return estimate_row(gates.measured(_rows(values, columns, clustered=clustered), bounds=bounds).estimate)


def judged_gates(
    prepared: Prepared, columns: Columns, baseline: Baseline | None, *, skip: bool = False
) -> list[Judged]:
    """What becomes of the suite's gates, in their order. `skip`: those against a baseline are left undecided."""
    judge = _Judge(prepared, columns, baseline, skip=skip)
    asked = prepared.read.suite.gates
    found = [judge.found(gate) for gate in asked]
    return [
        judge.judged(gate, outcome) for gate, outcome in zip(asked, gates.decided(found), strict=True)
    ]  # fmt: skip


class _Judge:
    def __init__(self, prepared: Prepared, columns: Columns, baseline: Baseline | None, *, skip: bool) -> None:
        self._suite, self._columns, self._baseline, self._skip = prepared.read.suite, columns, baseline, skip
        self._scorers = {one.use.called: one for one in prepared.scorers}
        self._clustered = self._suite.dataset.cluster is not None
        if baseline is not None:
            self._codes, self._shared = _codes(columns, baseline.columns), shared_with(baseline, columns)

    def found(self, gate: Gate) -> gates.Found:
        ours, bounds = self._rows(gate), self._bounds(gate)
        q = QUANTILES.get(gate.measure)
        if gate.no_worse_than is None:
            return gates.against_bound(
                ours, at_least=gate.at_least, at_most=gate.at_most, bounds=bounds, q=q, level=LEVEL
            )
        valued = not np.isnan(ours.values).all()
        if self._baseline is None or self._refused(gate) is not None or (valued and not self._overlap(gate).enough):
            return gates.not_comparable(ours, bounds=bounds, q=q, level=LEVEL)
        return gates.against_baseline(
            ours, self._baseline_rows(gate), better=self._better(gate), margin=gate.by_at_most, bounds=bounds, q=q,
            seed=self._suite.seed, level=LEVEL,
        )  # fmt: skip

    def judged(self, gate: Gate, outcome: gates.Outcome) -> Judged:
        skipped = self._skip and gate.no_worse_than is not None and self._baseline is None
        state = "undecided" if skipped else outcome.state
        fails = not skipped and (state in FAILING or (state == "undecided" and gate.when_undecided == "fail"))
        return Judged(gate, state, fails, self._sentence(gate, outcome, state, fails=fails, skipped=skipped), outcome)

    def _rows(self, gate: Gate) -> Rows:
        return _rows(_values(gate, self._columns), self._columns, clustered=self._clustered)

    def _baseline_rows(self, gate: Gate) -> Rows:
        assert self._baseline is not None  # noqa: S101 - asked where there is one
        theirs, codes = self._baseline.columns, self._codes
        return _rows(_values(gate, theirs), theirs, clustered=self._clustered, codes=codes)

    def _overlap(self, gate: Gate) -> Overlap:
        """What becomes of the run's items beside the baseline's."""
        ours, theirs = self._rows(gate), self._baseline_rows(gate)
        here = {int(one) for one in np.unique(ours.items[~np.isnan(ours.values)])}
        there = {int(one) for one in np.unique(theirs.items[~np.isnan(theirs.values)])}
        shared, compared = self._shared, len(here & there)
        return Overlap(
            shared.shared + shared.changed + shared.only_here, compared, shared.changed, shared.only_here,
            shared.shared - compared, len(here),
        )  # fmt: skip

    def _bounds(self, gate: Gate) -> Bounds:
        if gate.measure in {"pass_rate", "errors"}:
            return SHARE
        if gate.of.startswith(f"{TARGET}."):
            return None
        scale = self._scorers[gate.of].evaluator.card.scale
        return None if scale.low is None or scale.high is None else (scale.low, scale.high)

    def _better(self, gate: Gate) -> Better:
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
            return sentences.no_data(found)
        if state == "not_comparable":
            if self._baseline is None:
                return "There is no baseline: name the folder of a run by --baseline, or say --no-baseline."
            refused = self._refused(gate)
            if refused is None:
                return sentences.too_few(self._overlap(gate))
            return f"{refused} Other rulers' values are not compared. Run the baseline again with this version."
        if found.comparison is None:
            what = sentences.against_bound(gate, outcome)
        else:
            what = sentences.against_baseline(gate, outcome, self._better(gate), self._overlap(gate))
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
