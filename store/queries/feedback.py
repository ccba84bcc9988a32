"""Questions of the page Feedback: what end users said."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask_few, query

MAX_PAGE = 1_000


@query(right="read")
def feedback(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    name: str | None = None,
    low: bool | None = None,
    text: bool | None = None,
    page_size: int = 50,
    skip: int = 0,
) -> pa.Table:
    """What end users said in [since, until), newest first; of one user, answer and name the latest counts.

    `low`: thumbs down, shares below a half, one or two stars; `text`: whether there are words. `kind` is thumbs,
    stars, text or correction (null: it came by telemetry), `there` whether its trace is stored, `total` how many match.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000, or `skip` below 0.
    """
    if not 1 <= page_size <= MAX_PAGE:
        raise ValueError(f"page_size is {page_size:,}; it must be between 1 and {MAX_PAGE:,}")
    if skip < 0:
        raise ValueError(f"skip is {skip:,}; it must be 0 or more")
    given = {key: value for key, value in locals().items() if key != "con"}
    return ask_few(con, "feedback", given)


@query(right="read")
def feedback_over_time(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, step_us: int, offset_us: int = 0
) -> pa.Table:
    """By name and bucket of time what end users said: n, valued (with a number), total, squares, low, high, comments.

    Raises:
        ValueError: `step_us` is below a minute.
    """
    if step_us < 60_000_000:
        raise ValueError(f"step_us is {step_us:,}; it must be a minute, 60,000,000, or more")
    given = {key: value for key, value in locals().items() if key != "con"}
    return ask_few(con, "feedback_over_time", given)
