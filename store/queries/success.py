"""Questions about what a success costs: any score says what one is. Windows are half-open, by the call's start.

`CallFilters` and which calls count are as in `store.queries.calls`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from store import special
from store.queries import ask_few, query, within
from store.queries.calls import MAX_VALUES, CallFilters, Dimension, by_trace

Floats = NDArray[np.float64]


@query(right="read")
def score_names(con: DuckDBPyConnection, project_id: int, since: datetime, max_rows: int | None = None) -> pa.Table:
    """One row per name of scores told from `since` on, most scores first; there is no end, as scores come late.

    scores (of them failed: an error in place of a verdict; valued: with a value), low and high of the values (null: no
    value), labels (at most 50, the most frequent first; may be empty).
    """
    return ask_few(con, "score_names", {"project_id": project_id, "since": since, "max_rows": max_rows})


@query(right="read")
def cost_per_success(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    score: str,
    at_least: float | None = None,
    label: str | None = None,
    unit: Literal["trace", "session"] = "trace",
    dimension: Dimension | None = None,
    page_size: int = 100,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row per value of the dimension (null: unknown, or no dimension), dearest first; `page_size` of `total`.

    A unit (trace or session) succeeded if its newest score of this name is `at_least` so high, or has this `label`:
    give one of both. Scores of the trace, of its spans and of its response ids count, and those of the session where
    that is the unit. Without a call that the filters keep there is no row.

    units have a priced call; of them scored, successes, failed_scores (the newest has an error, or no value or label:
    unknown, never a failure) and unscored. cost_usd is of the scored units, US dollars, successful or not; per_success
    is that over the successes, null without one, with its 95 % interval (low, high; Student's on the logarithm, units
    as clusters; null with fewer than two scored units, or without a success). unpriced: calls of these scored units
    without a price, so that the cost is a least; unpriced_units: scored ones of which no call has a price, left out.
    Under each value a unit has the cost of that value's calls, and counts whole. A call counts under each of its tags.

    Raises:
        ValueError: not exactly one of `at_least` and `label`, or `page_size` is not between 1 and 1,000.
    """
    if (at_least is None) == (label is None):
        raise ValueError("say what a success is: at_least, a value, or label, and not both")
    within("page_size", page_size, MAX_VALUES)
    told = {"score": score, "at_least": at_least, "label": label, "page_size": page_size}
    asked = by_trace(con, project_id, since, until, filters, dimension) | told
    return _bounded(
        cost_per_session_success(con, asked) if unit == "session" else ask_few(con, "cost_per_success", asked)
    )


def cost_per_session_success(con: DuckDBPyConnection, asked: dict[str, object]) -> pa.Table:
    """`cost_per_success` of sessions, with `error` in place of the interval; the same parameters."""
    return ask_few(con, "cost_per_session_success", asked)


def _bounded(found: pa.Table) -> pa.Table:
    """With the 95 % interval of per_success in place of its standard error."""
    ratio, error, scored = (found[name].to_numpy().astype(float) for name in ("per_success", "error", "scored"))
    for name, bound in success_bounds(ratio, error, scored).items():
        found = found.append_column(name, pa.array(bound, from_pandas=True))  # NaN is null
    return found.drop_columns(["error"])


def success_bounds(ratio: Floats, error: Floats, units: Floats) -> dict[str, Floats]:
    """`low` and `high` of a cost per success with this standard error, over so many units; NaN: cannot be told.

    Student's interval of the logarithm: costs are skewed and successes may be few, so that the plain one holds the
    truth in only 89 to 93 % of samples of 30 and 100 units, and this one in 91 to 96 % (`benchmarks/coverage.py`).
    """
    reach = special.stdtrit(np.maximum(units - 1, 1), 0.975) * np.divide(
        error, ratio, out=error.copy(), where=ratio > 0
    )
    with np.errstate(over="ignore"):
        bounds = {"low": ratio * np.exp(-reach), "high": ratio * np.exp(reach)}
    return {name: np.where(np.isfinite(bound), bound, np.nan) for name, bound in bounds.items()}
