"""Slices of traffic, added up: what `analytics.fairness.slices_of_sums` compares. Windows are half-open, by call start.

`CallFilters` and which calls count are as in `store.queries.calls`. Rows of one cluster are not independent of one
another: the user where that is known, else the session, else the trace; or from the session on, or the trace alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within
from store.queries.calls import MAX_VALUES, CallFilters, Dimension, by_trace, kept

CallMeasure = Literal["failed", "duration", "ttft"]
"""failed: 1 or 0; the others are nanoseconds, of calls that ended well and told one."""
Cluster = Literal["user", "session", "trace"]
MOST = 100


@query(right="read")
def parity_calls(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension,
    measure: CallMeasure = "failed",
    cluster: Cluster = "user",
    most: int = MOST,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row of sums per value of the dimension (null: unknown): the `most` values with most calls, of `of`.

    rows calls with an amount, in so many clusters. Sums are by cluster, of amounts less `centre`; the names are those
    of `analytics.fairness.Part` (`n_whole_n` is nN) and, after `whole_`, of `Whole`. A call counts under each of its
    tags, and once in the whole.

    Raises:
        ValueError: `most` is not between 1 and 1,000.
    """
    within("most", most, MAX_VALUES)
    asked = kept(project_id, since, until, filters, dimension)
    return ask(con, "parity_calls", asked | {"measure": measure, "cluster": cluster, "most": most})


@query(right="read")
def parity_costs(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension,
    cluster: Cluster = "user",
    most: int = MOST,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """As `parity_calls`, of US dollars: a row is a trace with priced calls of this value, and what these cost.

    Raises:
        ValueError: `most` is not between 1 and 1,000.
    """
    within("most", most, MAX_VALUES)
    asked = by_trace(con, project_id, since, until, filters, dimension)
    return ask(con, "parity_costs", asked | {"cluster": cluster, "most": most})


@query(right="read")
def parity_scores(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension,
    score: str,
    label: str | None = None,
    cluster: Cluster = "user",
    most: int = MOST,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """As `parity_calls`, of scores of this name: their value, or 1 and 0 for those with this `label` and another one.

    The newest score of each target counts; a target whose newest has failed, or has no value (or label), is no row. A
    score of a call is a row under the call's value, another (of a trace, a session, another span) under each value of
    the calls there that the filters keep, and once in the whole.

    Raises:
        ValueError: `most` is not between 1 and 1,000.
    """
    within("most", most, MAX_VALUES)
    asked = kept(project_id, since, until, filters, dimension)
    return ask(
        con, "parity_scores", asked | {"score": score, "label": label, "cluster": cluster, "most": most, "slice": None}
    )
