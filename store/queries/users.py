"""Questions of the page Users. Windows are half-open, by the start of a trace."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, ask_few, query, within
from store.queries.explore import MAX_PAGE, TraceFilters, filtered
from store.queries.latency import rated

MINUTE_US = 60_000_000


@query(right="read")
def users(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    sort: Literal["active", "traces", "cost", "errors"] = "active",
    find: str | None = None,
    page_size: int = 50,
    after_sort: int | None = None,
    after_user: str | None = None,
    backward: bool = False,
    **filters: Unpack[TraceFilters],
) -> pa.Table:
    """One page of the users of traces that started in [since, until) and match every filter. Best first.

    All is of these traces: sessions, traces, failed (their root failed), errors (failed spans), first_start,
    last_start, p95_ns of their durations, sums as in `sessions`. error_rate is failed of traces, with its 95 % interval
    (_low, _high; Wilson, traces taken for independent). said: values of end users' feedback told in the window, of the
    user's traces or by the user; good: of at least a half, of stars more than 2; satisfaction is good of said, with its
    interval; nulls without any. `find`: part of the id. The next page starts after the last row's (sort_key, user_id);
    the previous one is asked for with the first row's and `backward`. `total` counts all.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000, or a bound of a score has no name of one.
    """
    given = {name: value for name, value in locals().items() if name not in {"con", "filters"}}
    within("page_size", page_size, MAX_PAGE)
    page = ask(con, "users", given | filtered(filters))
    told = {"since": since, "until": until, "users": page["user_id"].to_pylist()}
    said = user_feedback(con, project_id, told) if page.num_rows else None
    return _rate(_rate(_with_feedback(page, said), "failed", "traces", "error_rate"), "good", "said", "satisfaction")


def user_feedback(con: DuckDBPyConnection, project_id: int, told: dict[str, object]) -> pa.Table:
    """user_id, said, good of those of `users` of whom there is feedback from `since` to `until`."""
    return ask_few(con, "user_feedback", {"project_id": project_id, "score": None} | told)


def _with_feedback(page: pa.Table, said: pa.Table | None) -> pa.Table:
    """The rows with `said` and `good`; 0 where nothing was said."""
    known = {row["user_id"]: row for row in said.to_pylist()} if said is not None else {}
    for name in ("said", "good"):
        values = [known.get(user, {}).get(name, 0) for user in page["user_id"].to_pylist()]
        page = page.append_column(name, pa.array(values, pa.int64()))
    return page


def _rate(page: pa.Table, hits: str, n: str, name: str) -> pa.Table:
    """The rows with the share of `hits` in `n` and its interval; nulls where `n` is 0."""
    found = rated(pa.table({"calls": page[n], "hits": page[hits]}), "hits", name)
    for end in ("", "_low", "_high"):
        page = page.append_column(f"{name}{end}", found[f"{name}{end}"])
    return page


@query(right="read")
def user_series(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    user_id: str,
    since: datetime,
    until: datetime,
    bucket_us: int,
    offset_us: int = 0,
) -> pa.Table:
    """By bucket in which a trace of the user started: traces, failed, sessions, model_calls, cost_usd, unpriced_calls.

    Buckets are whole multiples of `bucket_us` since 1970 in a zone `offset_us` ahead of UTC.

    Raises:
        ValueError: `bucket_us` is below a minute.
    """
    if bucket_us < MINUTE_US:
        raise ValueError(f"bucket_us is {bucket_us:,}; it must be a minute, {MINUTE_US:,}, or more")
    given = {key: value for key, value in locals().items() if key != "con"}
    return ask_few(con, "user_series", given)
