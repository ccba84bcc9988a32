"""What traces say of a live A/B test: which arm they were of, and what their units came to. Windows are half-open.

A trace is of the arms whose label is among the values of `variant` of its spans. A unit (its user, session, or the
trace itself) that was in several arms counts in none, on no day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query

Unit = Literal["user", "session", "trace"]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a test asks for; times are UTC, without a zone."""

    since: datetime
    until: datetime
    labels: Sequence[str]  # of its arms
    unit: Unit
    measures: Sequence[str] = ()


@query(right="read")
def ab_units(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, labels: list[str], unit: Unit
) -> pa.Table:
    """One row: exposed `traces`, of them `traces_without_unit`; `units`, of them `mixed_units` with `mixed_traces`.

    A trace without a unit id, and a unit of several arms, are counted here and nowhere else.
    """
    asked = _asked(project_id, [Exposure(since, until, labels, unit)])
    return ask(con, "ab_units", {name: value for name, value in asked.items() if name not in {"measured", "measures"}})


@query(right="read")
def ab_days(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    labels: list[str],
    unit: Unit,
    measures: list[str],
) -> pa.Table:
    """One row per (measure, label, day) with a value, in this order: what the arm comes to by the end of the UTC day.

    Measures, of those asked for: exposure (1 a trace), error (1: the trace's root failed), latency (seconds, of traces
    that did not), cost (US dollars; traces with an unpriced call are unknown), and score:NAME. Values of a unit are
    averaged first. n values, of units; x1 to x4 add up the powers of the units' averages less `centre`. No row: no
    value.
    """
    return days_of_tests(con, project_id, [Exposure(since, until, labels, unit, measures)]).drop_columns(["test"])


def days_of_tests(con: DuckDBPyConnection, project_id: int, tests: Sequence[Exposure]) -> pa.Table:
    """`ab_days` of several tests in one pass over the traces: `test`, its place among these, then the same columns."""
    return ask(con, "ab_days", _asked(project_id, tests))


@query(right="read")
def ab_phases(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    labels: list[str],
    unit: Unit,
    measure: str,
    cut: datetime,
) -> pa.Table:
    """One row per label: units' averages of one measure (as in `ab_days`) before the UTC day of `cut` and from it on.

    early_ and late_: units, mean, variance (n - 1; null: fewer than two), kurtosis (null: no variance); both_units have
    both, with their covariance (null: fewer than two).
    """
    asked = _asked(project_id, [Exposure(since, until, labels, unit, [measure])])
    return ask(con, "ab_phases", asked | {"cut": cut})


def _asked(project_id: int, tests: Sequence[Exposure]) -> dict[str, object]:
    """The parameters of the parts `ab_exposed` and `ab_values`."""
    arms = [(number, one, label) for number, one in enumerate(tests) for label in one.labels]
    wanted = [(number, measure) for number, one in enumerate(tests) for measure in one.measures]
    return {
        "project_id": project_id, "since": min(one.since for one in tests), "until": max(one.until for one in tests),
        "tests": [number for number, _, _ in arms], "labels": [label for _, _, label in arms],
        "units": [one.unit for _, one, _ in arms], "sinces": [one.since for _, one, _ in arms],
        "untils": [one.until for _, one, _ in arms], "measured": [number for number, _ in wanted],
        "measures": [measure for _, measure in wanted],
    }  # fmt: skip
