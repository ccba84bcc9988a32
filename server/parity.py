"""Whether groups of traffic are served alike: slices of the store's sums, with `analytics.fairness` on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import pyarrow as pa

from analytics.fairness import Part, Slice, Whole, slices_of_sums
from store.queries.calls import Dimension
from store.queries.parity import CallMeasure, Cluster

Measure = Literal["failed", "duration", "ttft", "cost", "refusal"]
"""What has no name of a score: shares of calls, nanoseconds, US dollars a trace; the share of refusals among scores."""

CALLS, MEASURES = get_args(CallMeasure), get_args(Measure)
REFUSAL = "refusal"  # the evaluator's name, and its label
SCORE = "score:"  # before a score's name that is also a measure's
UNITS = {"failed": "share", "duration": "ns", "ttft": "ns", "cost": "USD", "refusal": "share"}

LIMITS = (
    "A difference, not its cause: groups also differ in what they ask, when, and of which model.",
    "No difference found is not none: `detectable` is the smallest that such data shows in 4 of 5 cases.",
    "Groups are as senders told them; those that told nothing are one group, `unknown`.",
)
LIMITS_OF: Mapping[str, str] = {
    "refusal": "Refusals are those that the evaluator `refusal` labelled; it reads English.",
    "duration": "Failed calls have no duration here; compare their share too.",
    "ttft": "Calls that failed or told no first token are left out; compare their shares too.",
    "cost": "Calls without a known price add nothing.",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared between which groups."""

    by: Dimension
    measure: str  # one of `MEASURES`, else the name of a score
    label: str | None = None  # of a score: its share is compared; null: the score's value
    cluster: Cluster | None = None  # null: the widest that is not the group itself

    @property
    def clustered(self) -> Cluster:
        """What the rows are taken for dependent within."""
        if self.cluster is not None:
            return self.cluster
        narrower: dict[str, Cluster] = {"user": "session", "session": "trace"}
        return narrower.get(self.by, "user")

    @property
    def score(self) -> str | None:
        """The name of the score that is compared; null: it is none."""
        if self.measure == "refusal":
            return REFUSAL
        return None if self.measure in MEASURES else self.measure.removeprefix(SCORE)

    @property
    def unit(self) -> str | None:
        """Of the values; null: of the score's own scale."""
        return "share" if self.label is not None else UNITS.get(self.measure)

    def query(self) -> tuple[str, dict[str, object]]:
        """The store's query and its parameters, but for the window and the filters."""
        shared: dict[str, object] = {"dimension": self.by, "cluster": self.clustered}
        if self.score is not None:
            label = self.label or (REFUSAL if self.measure == "refusal" else None)
            return "parity_scores", shared | {"score": self.score, "label": label}
        return (
            ("parity_costs", shared) if self.measure == "cost" else ("parity_calls", shared | {"measure": self.measure})
        )


def answer(run: Callable[[str, dict[str, object]], pa.Table], question: Question) -> dict[str, Any]:
    """The groups, most rows first, each against all others; `run` answers a query for a window and filters."""
    rows = run(*question.query()).to_pylist()
    found = slices_of_sums([_part(row) for row in rows], _whole(rows[0])) if rows else []
    groups = [_group(row, one) for row, one in zip(rows, found, strict=True)]
    limits = [*LIMITS, *([LIMITS_OF[question.measure]] if question.measure in LIMITS_OF else [])]
    return {
        "by": question.by, "measure": question.measure, "score": question.score, "label": question.label,
        "cluster": question.clustered, "unit": question.unit, "rows": int(rows[0]["whole_n"]) if rows else 0,
        "clusters": rows[0]["whole_clusters"] if rows else 0, "of_groups": rows[0]["of"] if rows else 0,
        "groups": groups, "limits": limits,
    }  # fmt: skip


def _part(row: Mapping[str, Any]) -> Part:
    told = {name: row[name] for name in ("clusters", "wholly", "n", "x", "nn", "xn", "xx")}
    crossed = {f"{a}{b.upper()}": row[f"{a}_whole_{b}"] for a in "nx" for b in "nx"}
    return Part(str(row["value"]), **told, **crossed)


def _whole(row: Mapping[str, Any]) -> Whole:
    return Whole(row["centre"], **{name: row[f"whole_{name}"] for name in ("clusters", "n", "x", "nn", "xn", "xx")})


def _group(row: Mapping[str, Any], one: Slice) -> dict[str, Any]:
    told = {name: asdict(getattr(one, name)) for name in ("value", "rest", "difference")}
    tested = {name: getattr(one, name) for name in ("p", "adjusted_p", "detectable", "finding")}
    return {"group": row["value"], "rows": row["rows"], **told, **tested}
