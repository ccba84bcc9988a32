"""Do the sums of ours agree with what senders reported, and what do they leave out: questions over table `calls`.

Windows and filters as in `store.queries.calls`. Amounts are US dollars; null: unknown. A model is the one that
answered, else the one that was asked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask_few, query, within
from store.queries.calls import MAX_VALUES, CallFilters, Dimension, bounded, by_trace, kept, summed
from store.queries.latency import rated

MAX_SAMPLE = 100_000
MOST_APART = 30  # models of a sample, where nobody says how many
ALL_HASHES = 2.0**64

Behind = Literal["compared", "duplicate", "aggregate", "untold"]
"""Which calls: with a reported and a computed cost; told once more; summed up; ended well without telling their usage,
or half of it."""


@query(right="read")
def integrity_reported(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension | None = None,
    page_size: int = 100,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Reported against computed cost, a row per value of the dimension (null: unknown); without one, one row over all.

    No calls give no row. The furthest apart in dollars first; the first `page_size` of `total` values. calls: all that
    count; reported: those whose sender told a cost; compared: those with a cost of ours too, compared_failed of them
    failed. reported_usd and cost_usd sum what is told at all, compared_reported_usd and compared_computed_usd the
    compared calls alone. deviation is reported over computed less 1, of these, with Student's 95 % interval (_low,
    _high) over so many traces; null where one trace alone was compared, or nothing.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000.
    """
    within("page_size", page_size, MAX_VALUES)
    window = (con, project_id, since, until, filters, dimension)
    found = ask_few(con, "integrity_reported", summed(*window) | by_trace(*window) | {"page_size": page_size})
    return bounded(found, "deviation", "deviation_", found["traces"], least=-np.inf)


@query(right="read")
def integrity_sample(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    calls: int = 1000,
    models: int = MOST_APART,
    among: list[str] | None = None,
    among_compared: list[int] | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Calls with a reported and a computed cost, about `calls` of each model: what causes are sought in.

    The `models` whose sums are furthest apart; or, which spares counting, those of `among`, with as many calls each as
    `among_compared` says. Whole traces, those with the lowest hashes of their ids: the same each time. compared: how
    many calls of the model there are to draw from. excluded_usd: what the rows that told the call once more would have
    added; null: there are none. In order of model and trace.

    Raises:
        ValueError: `calls` times `models` is not between 1 and 100,000, or `among` and `among_compared` do not go
            together, are too long, or say of a model that there is no call.
    """
    within("calls times models", calls * models if min(calls, models) > 0 else 0, MAX_SAMPLE)
    if among is None and among_compared is None:
        sizes = integrity_sizes(con, summed(con, project_id, since, until, filters), models)
        given, compared = (sizes[name].to_pylist() for name in ("model", "compared"))
    else:
        given, compared = _told_sizes(among or [], among_compared or [], models)
    of_each = {"models": given, "compared": compared, "calls": calls}
    most = ALL_HASHES * calls / min(compared, default=1)  # above all hashes where all calls are drawn
    # In whole numbers, which are compared faster; near 2**64 the others lie 2,048 apart. Each model's bound is exact.
    first = {"first_most": min(int(most) + 4096, int(ALL_HASHES) - 1)}
    return ask_few(con, "integrity_sample", kept(project_id, since, until, filters) | of_each | first)


def _told_sizes(among: list[str], compared: list[int], models: int) -> tuple[list[str], list[int]]:
    """Raises ValueError unless both are of one length, at most `models`, and each model has a call."""
    if len(among) != len(compared) or len(among) > models or min(compared, default=1) < 1:
        message = f"among needs a count above 0 for each of at most {models} models in among_compared, not {compared}"
        raise ValueError(message)
    return among, compared


def integrity_sizes(con: DuckDBPyConnection, asked: dict[str, object], models: int) -> pa.Table:
    """How many calls of each model can be compared: model, compared; the furthest apart first, at most so many."""
    return ask_few(con, "integrity_sizes", asked | {"models": models})


@query(right="read")
def integrity_excluded(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    max_rows: int | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """What no sum counts, a row per usage role (duplicate: told once more; aggregate: sums up calls) and model.

    calls, traces, tokens and cost_usd: what counting them too would have added, cost over the `priced` among them;
    untold: those without tokens; reported_usd: what senders reported on the `reported` among them. Dearest first.
    """
    return ask_few(con, "integrity_excluded", kept(project_id, since, until, filters) | {"max_rows": max_rows})


@query(right="read")
def integrity_untold(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    max_rows: int | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Models with calls that ended well and did not tell their usage, most such calls first.

    calls: all of the model; untold: those without any count, with their share of the calls and its 95 % interval
    (share, share_low, share_high; Wilson); half_told: model calls with input or output alone, so that their cost is
    unknown or too low; silent_failures: failed without a count, which is no fault. service: one of the `services` that
    sent them.
    """
    asked = summed(con, project_id, since, until, filters)
    found = ask_few(con, "integrity_untold", asked | {"max_rows": max_rows})
    return rated(found, "untold", "share")


@query(right="read")
def integrity_calls(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    what: Behind,
    page_size: int = 100,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """The calls behind a figure, one row each: compared ones furthest apart first, others newest first.

    rule: why it is not counted (see collectors/resolve.py); kept_trace_id and kept_span_id: the row that is counted in
    its place, null for an aggregate, which sums up several.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000.
    """
    within("page_size", page_size, MAX_VALUES)
    asked = kept(project_id, since, until, filters) | {"what": what, "page_size": page_size}
    return ask_few(con, "integrity_calls", asked)


@query(right="read")
def calls_cost_daily(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, **filters: Unpack[CallFilters]
) -> pa.Table:
    """Cost per day (UTC), provider and model: what an invoice is held against; sorted so.

    cost_usd is null where no call has one; unpriced_calls as `unpriced` in `calls_totals`. Days without a call have no
    row.
    """
    return ask_few(con, "calls_cost_daily", summed(con, project_id, since, until, filters))
