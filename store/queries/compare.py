"""What comparisons of variants are made from: rows of runs, item by item, and calls and scores of live traffic."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within
from store.queries.calls import CallFilters, Dimension, kept

MOST_ITEMS = 20_000
MOST_CALLS = 20_000
MOST_PLACES = 100

Slice = Literal["service", "environment", "provider", "model", "release", "prompt", "variant", "tool", "tags"]
"""What calls are sliced by; `tags`: all tags of the trace together."""


@query(right="read")
def compare_rows(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    runs: list[UUID],
    measures: list[str],
    pointer: str | None = None,
    most_items: int = MOST_ITEMS,
) -> pa.Table:
    """Rows of runs in the order of `runs`, place and repeat: run (from 1), place, repeat, item, cluster, content, lost.

    `said`, `passes` and `faults` have a value per measure: what `run_values` calls value, passed (1 or 0) and failed.
    `label`: what a JSON pointer such as `/case/metadata/topic` finds in the row (of the first repeat; null: nothing).
    `items`: how many there are; of more than `most_items` the same ones of each run are drawn by their hashes.

    Raises:
        ValueError: `most_items` is not between 1 and 20,000.
    """
    within("most_items", most_items, MOST_ITEMS)
    params = {
        "project_id": project_id, "runs": runs, "measures": measures, "pointer": pointer, "most_items": most_items,
    }  # fmt: skip
    return ask(con, "compare_rows", params)


@query(right="read")
def compare_lines(con: DuckDBPyConnection, project_id: int, run_id: UUID, places: list[int]) -> pa.Table:
    """The rows of a run at these places, with all repeats, in order: place, repeat, trace_id, line.

    Raises:
        ValueError: there are more than 100 places, or none.
    """
    within("the number of places", len(places), MOST_PLACES)
    return ask(con, "compare_lines", {"project_id": project_id, "run_id": run_id, "places": places})


@query(right="read")
def compare_keys(con: DuckDBPyConnection, project_id: int, run_id: UUID) -> pa.Table:
    """Keys of items' metadata that a run can be sliced by, fewest values first: key, groups, items.

    Keys of 2 to 50 values, each of two items or more on average, among the first 500 items.
    """
    return ask(con, "compare_keys", {"project_id": project_id, "run_id": run_id})


@query(right="read")
def compare_calls(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension,
    values: list[str],
    slice: Slice | None = None,  # noqa: A002 - its name in the API
    most: int = MOST_CALLS,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Calls of some values of the dimension, of each about `most` at most, whole traces drawn by their hashes.

    value, start_time, failed, duration_ns and ttft_ns (null: unknown, or the call failed), cost_usd (null: unknown),
    input_tokens, output_tokens, cluster (a hash: the session, else the user, else the trace), label (the slice; null:
    unknown, or none is asked for), and of all calls of the value how many there are (calls) and how many have no price
    (unpriced).

    Raises:
        ValueError: `most` is not between 1 and 20,000.
    """
    within("most", most, MOST_CALLS)
    asked = kept(project_id, since, until, filters, dimension)
    return ask(con, "compare_calls", asked | {"values": values, "slice": slice, "most": most})


@query(right="read")
def compare_scores(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension,
    values: list[str],
    score: str,
    slice: Slice | None = None,  # noqa: A002 - its name in the API
    most: int = MOST_CALLS,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Scores of one name of calls with these values of the dimension; drawn and clustered as `compare_calls`.

    value, start_time (of the first call), amount (null: the newest score of the target failed, or has none), ruler
    (what gave it: evaluator and version, `a person` or `an end user`), cluster, label, and how many scores the value
    has in all (scores). The newest score of each target counts.

    Raises:
        ValueError: `most` is not between 1 and 20,000.
    """
    within("most", most, MOST_CALLS)
    asked = kept(project_id, since, until, filters, dimension)
    return ask(
        con, "compare_scores", asked | {"values": values, "score": score, "label": None, "slice": slice, "most": most}
    )


@query(right="read")
def compare_names(con: DuckDBPyConnection, project_id: int, since: datetime, max_rows: int | None = None) -> pa.Table:
    """Names of scores with a value, told from `since` on, most scores first: name, scores, scale.

    `scale`: JSON with low, high, better, unit, of the newest score that tells its scale; null: none does.
    """
    return ask(con, "compare_names", {"project_id": project_id, "since": since, "max_rows": max_rows})
