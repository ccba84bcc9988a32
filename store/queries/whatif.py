"""What other choices are computed from: samples of model calls with their texts or scores, and what each model wrote.

Windows are half-open, by the call's start. A call counts once, in the row of usage role `leaf`; `CallFilters` as in
`store.queries.calls`. Texts are slow to unpack, so nobody reads them but for slices of time that are drawn before.
What is made of the answers stands in `analytics/whatif_*.py`; `server/whatif` puts the two together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within
from store.queries.calls import CallFilters, kept

MOST_CELLS = 1_000
MOST_TRACES = 50_000
MOST_CALLS = 50_000


@query(right="read")
def whatif_cells(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    step_us: int,
    cells: int = 24,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Slices of the time of calls, drawn by a hash: start_us (since 1970), calls, input_tokens (0: none told).

    Each lasts `step_us`, and starts at a whole multiple of it; empty ones are not drawn. In the order in which they are
    drawn, and beside each the sums over all: cells that are not empty, all_calls, all_input_tokens (null: none told).
    No calls give no rows.

    Raises:
        ValueError: `step_us` is not positive, or `cells` not between 1 and 1,000.
    """
    within("step_us", step_us, 2**62)
    within("cells", cells, MOST_CELLS)
    asked = kept(project_id, since, until, filters) | {"step_us": step_us, "cells": cells}
    return ask(con, "whatif_cells", asked)


@query(right="read")
def whatif_texts(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    most: int = 1_000,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row per call, oldest first: facts as in `calls`, and what was sent and answered as the span has it.

    The first `most` of the window. input, output (with input_key and output_key, null: canonical JSON),
    system_instructions (JSON list of parts); null: the span told none. span_id is a number.

    Raises:
        ValueError: `most` is not between 1 and 50,000.
    """
    within("most", most, MOST_CALLS)
    return ask(con, "whatif_texts", kept(project_id, since, until, filters) | {"most": most})


@query(right="read")
def whatif_inputs(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, trace_ids: list[str]
) -> pa.Table:
    """What was sent to the model calls of these traces, as their spans have it: trace_id, span_id, input, input_key.

    A row per call that started in [since, until) and whose span told it. span_id is 16 hex digits; input_key null:
    canonical JSON.
    """
    asked = {"project_id": project_id, "since": since, "until": until, "trace_ids": trace_ids}
    return ask(con, "whatif_inputs", asked)


@query(right="read")
def whatif_told_texts(con: DuckDBPyConnection, project_id: int, trace_ids: list[str]) -> pa.Table:
    """What logs told of calls in these traces: trace_id, span_id (a number), input, output, system_instructions.

    Canonical JSON; a row has at least one text. No such trace gives no rows.
    """
    return ask(con, "whatif_told_texts", {"project_id": project_id, "trace_ids": trace_ids})


@query(right="read")
def whatif_generated(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    models: list[str],
    low: list[float],
    high: list[float],
    first: list[float],
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row per month (its first day, UTC) and model (null: unknown): calls, told (that told their output), ...

    output_tokens is their sum. seconds_low and seconds_high add up, for each call, `output_tokens * low + first`
    seconds, or `high`, and its duration where that is shorter; null for a model that `models` does not name, and where
    no call told its output. The four lists are of one length, a model each.

    Raises:
        ValueError: the lists are not.
    """
    if len({len(models), len(low), len(high), len(first)}) > 1:
        message = f"models, low, high and first must be equally long, not {len(models)}, {len(low)}, {len(high)}, ..."
        raise ValueError(message)
    speeds = {"models": models, "low": low, "high": high, "first": first}
    return ask(con, "whatif_generated", kept(project_id, since, until, filters) | speeds)


@query(right="read")
def whatif_models(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    max_rows: int | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row per model that answered calls, most calls first: model, provider (of most of them; null: unknown), calls.

    Calls of an unknown model are left out.
    """
    return ask(con, "whatif_models", kept(project_id, since, until, filters) | {"max_rows": max_rows})


@query(right="read")
def whatif_scores(con: DuckDBPyConnection, project_id: int, max_rows: int | None = None) -> pa.Table:
    """One row per name of scores of calls and traces, most scores first: name, scores (with a value), lowest, highest.

    Of all time. Scores of sessions, and those that failed, are left out.
    """
    return ask(con, "whatif_scores", {"project_id": project_id, "max_rows": max_rows})


@query(right="read")
def whatif_calls(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    score: str | None = None,
    traces: int = 2_000,
    scored: int = 2_000,
    step_us: int | None = None,
    slices: int = 24,
    scored_slices: int = 24,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Calls of two random samples of traces, always the same ones: `drawn` of all (`drawn_of` traces), and scored ones.

    One row per call: facts as in `calls`, turn (calls before it in its trace), tools (offered; null: unknown), score
    (null: none). A score of a whole trace stands at its last call, if one model answered all of its calls.
    With `step_us` the traces are those whose first call began in slices of time of this length, whole multiples of it
    since 1970 and drawn by a hash: `slices` of all, and `scored_slices` of those that have a scored trace; so that what
    they say lies side by side on disk. slice is the number of the trace's (0 without `step_us`).

    Raises:
        ValueError: `traces` or `scored` is not between 1 and 50,000, the slices not between 1 and 1,000, or `step_us`
            not positive.
    """
    within("traces", traces, MOST_TRACES)
    within("scored", scored, MOST_TRACES)
    within("slices", slices, MOST_CELLS)
    within("scored_slices", scored_slices, MOST_CELLS)
    if step_us is not None:
        within("step_us", step_us, 2**62)
    asked: dict[str, object] = {"score": score, "traces": traces, "scored": scored}
    asked |= {"step_us": step_us, "slices": slices, "scored_slices": scored_slices}
    return ask(con, "whatif_calls", kept(project_id, since, until, filters) | asked)
