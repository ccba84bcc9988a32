"""What happened on the axis of time: what charts and alerts show beside a value that moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Unpack

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask_few, query
from store.queries.calls import CallFilters, kept, summed
from store.queries.latency import BEFORE_ALL

READ = 40_000  # calls whose attributes are read for fingerprints, about
BEFORE = timedelta(days=7)  # in which a fingerprint that is not new was seen
_STEP_US = 3_600_000_000
_LEAST_US = 10_000_000


@query(right="read")
def markers(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    max_rows: int | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """What happened in the window, by time: happened_at (UTC), what, name, before and after (null: nothing), detail.

    what: release (of the service name; null: unknown), prompt (a version of the prompt name), model (that answered, of
    the requested model name), all three by their first call of those that the filters keep; evaluator (and its version,
    of the score name), by the first score; normaliser (its version), by the first span; label (detail) of the prompt
    name, which was moved from one version to another; alert of the monitor name (after: severity, detail: verdict).
    What replaced nothing has no `before`, and is told when it came a day after the first call. What the filters do not
    know (evaluators, labels, the normaliser, alerts) is told whatever they say.
    """
    asked = kept(project_id, since, until, filters)
    return ask_few(con, "markers", asked | {"opened": BEFORE_ALL, "max_rows": max_rows})


@query(right="read")
def marker_fingerprints(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    max_rows: int | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Fingerprints of a model's system (as OpenAI tells them) that replaced another in the window, by time, of a slice.

    happened_at (UTC, of the first call that was read), name (of the requested model), before, after, calls (that were
    read with it). Of many calls about 40,000 are read, those of the first part of each hour, so that it is up to an
    hour late; one that was not there in the week before counts as new. One that stays below a tenth of the model's
    calls is left out.
    """
    opened = since - BEFORE if since - datetime.min > BEFORE else since  # noqa: DTZ901 - as the store holds it
    calls = ask_few(con, "latency_rates", summed(con, project_id, opened, until, {"kind": "llm"}))["calls"][0].as_py()
    taken = _STEP_US if calls <= READ else max(_STEP_US * READ // calls, _LEAST_US)
    asked = kept(project_id, since, until, filters)
    params = {
        "opened": opened, "step_us": _STEP_US, "taken_us": taken, "max_rows": max_rows,
        "sliced": any(value is not None for value in filters.values()),
    }  # fmt: skip
    return ask_few(con, "marker_fingerprints", asked | params)
