"""What traces say of a live A/B test: which arm they were of, and what their units came to. Windows are half-open.

A trace is of the arms whose label is among the values of `variant` of its spans. A unit (its user, session, or the
trace itself) that was in several arms counts in none, on no day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query

Unit = Literal["user", "session", "trace"]


@query(right="read")
def ab_units(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, labels: list[str], unit: Unit
) -> pa.Table:
    """One row: exposed `traces`, of them `traces_without_unit`; `units`, of them `mixed_units` with `mixed_traces`.

    A trace without a unit id, and a unit of several arms, are counted here and nowhere else.
    """
    return ask(con, "ab_units", _asked(project_id, since, until, labels, unit))


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
    asked = _asked(project_id, since, until, labels, unit)
    return ask(con, "ab_days", asked | {"measures": measures})


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
    asked = _asked(project_id, since, until, labels, unit)
    return ask(con, "ab_phases", asked | {"measures": [measure], "cut": cut})


def _asked(project_id: int, since: datetime, until: datetime, labels: list[str], unit: Unit) -> dict[str, object]:
    return {"project_id": project_id, "since": since, "until": until, "labels": labels, "unit": unit}
