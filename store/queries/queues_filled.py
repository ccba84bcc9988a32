"""What queues are filled from: traces, calls and sessions that are drawn, and what evaluators said of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within
from store.queries.explore import TraceFilters, filtered

MOST_TRACES = 1_000
MOST_DRAWN = 20_000  # rows are narrow: texts are looked at later, of what is taken
MOST_SCORES = 400_000  # rows that are looked at, of a score that has more
By = Literal["service", "environment", "release", "model", "prompt", "variant"]
Unit = Literal["trace", "call", "session"]


@query(right="read")
def queue_traces(con: DuckDBPyConnection, project_id: int, traces: list[UUID]) -> pa.Table:
    """trace_id (text), start_us, duration_ns, session_id, service, environment, release of those that are known.

    models, prompts and variants are lists. Newest first.

    Raises:
        ValueError: more than 1,000 traces, or none.
    """
    within("the number of traces", len(traces), MOST_TRACES)
    return ask(con, "queue_traces", {"project_id": project_id, "traces": traces})


@query(right="read")
def queue_drawn(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    pool: int,
    unit: Unit = "trace",
    by: By | None = None,
    seed: int = 0,
    **filters: Unpack[TraceFilters],
) -> pa.Table:
    """Traces, calls or sessions drawn by hash: trace_id (text), span_id (16 hex digits), session_id, start_us, stratum.

    `total`: how many the stratum has; `place`: 1, 2, ... in order of the draw. The same seed draws the same ones, and a
    larger pool keeps those of a smaller. With `by` each of its values is a stratum, and all have equal parts of the
    pool. A session is told by its newest trace.

    Raises:
        ValueError: `pool` is not between 1 and 20,000.
    """
    params = {"project_id": project_id, "since": since, "until": until, "pool": pool, "unit": unit}
    return ask(con, "queue_drawn", params | _draw(pool, by, seed, filters))


@query(right="read")
def queue_scored(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    names: list[str],
    pool: int,
    thresholds: list[float] | None = None,
    evaluators: list[str] | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    label: str | None = None,
    failed: bool | None = None,
    apart: bool = False,
    by: By | None = None,
    seed: int = 0,
    **filters: Unpack[TraceFilters],
) -> pa.Table:
    """What evaluators said of targets that are drawn by hash as in `queue_drawn`: a row a target, name and evaluator.

    name, evaluator, evaluator_version, value, label, error_type (set: it failed), confidence (as it told it, text) and
    scale (JSON) of the newest of each, beside the columns of `queue_drawn`. Scores of people are left out, and those
    that name a response id alone. `apart`: targets of which evaluators decided otherwise: a value decides by the
    threshold of its name (0.5 where none is told), else a label does. The bounds are met by one of the rows. Where more
    than 400,000 scores meet them, a share of the targets is looked at by hash, `looked`, and `total` is about right.

    Raises:
        ValueError: `pool` is not between 1 and 20,000; no name, or not as many thresholds as names.
    """
    lines = [0.5] * len(names) if thresholds is None else thresholds
    within("the number of names", len(names), 100)
    if len(lines) != len(names):
        raise ValueError(f"there are {len(names)} names and {len(lines)} thresholds; give one a name")
    params = {
        "project_id": project_id, "since": since, "until": until, "names": names, "thresholds": lines, "pool": pool,
        "evaluators": evaluators, "at_least": at_least, "at_most": at_most, "label": label, "failed": failed,
        "apart": apart, "rows": MOST_SCORES,
    }  # fmt: skip
    return ask(con, "queue_scored", params | _draw(pool, by, seed, filters))


def _draw(pool: int, by: By | None, seed: int, filters: TraceFilters) -> dict[str, object]:
    within("pool", pool, MOST_DRAWN)
    return {"by": by, "seed": seed, **filtered(filters)}
