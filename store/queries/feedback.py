"""Questions of the page Feedback: what end users said."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask_few, query, within
from store.queries.calls import bounded
from store.queries.latency import rated

MAX_PAGE = 1_000
MINUTE_US = 60_000_000


@query(right="read")
def feedback(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    score: str | None = None,
    low: bool | None = None,
    text: bool | None = None,
    page_size: int = 50,
    skip: int = 0,
) -> pa.Table:
    """What end users said in [since, until), newest first; of one user, answer and name the latest counts.

    `low`: values below a half, and one or two stars; `text`: whether there are words. `kind` is thumbs, stars, text or
    correction (null: it came by telemetry), `said` the explanation without the comment that may follow it, `there`
    whether its trace is stored, `total` how many match.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000, or `skip` below 0.
    """
    within("page_size", page_size, MAX_PAGE)
    if skip < 0:
        raise ValueError(f"skip is {skip:,}; it must be 0 or more")
    given = {key: value for key, value in locals().items() if key != "con"}
    return ask_few(con, "feedback", given)


@query(right="read")
def feedback_sums(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    score: str | None = None,
    step_us: int | None = None,
    offset_us: int = 0,
) -> pa.Table:
    """By name, with `step_us` by bucket too, what end users said: n, texts (with words), users (that are named).

    calls: with a value, low to high; good: of at least a half, with their share (`share`, _low, _high; Wilson); mean,
    with its interval (_low, _high; Student, users taken for independent; null below two). Nulls: nothing has a value.

    Raises:
        ValueError: `step_us` is below a minute.
    """
    if step_us is not None and step_us < MINUTE_US:
        raise ValueError(f"step_us is {step_us:,}; it must be a minute, {MINUTE_US:,}, or more")
    given = {key: value for key, value in locals().items() if key != "con"}
    table = rated(ask_few(con, "feedback_sums", given), "good", "share")
    return bounded(table, "mean", "mean_", table["calls"], least=-np.inf)
