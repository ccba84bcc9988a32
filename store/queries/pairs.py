"""Questions of the page Compare traces: what is compared of a trace, and what it may be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, ask_few, query, within
from store.queries.explore import EVER, trace_summary

NEAR = timedelta(days=7)
MOST_ALIKE = 50


def pair_spans(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    trace_id: UUID,
    since: datetime,
    until: datetime,
    max_rows: int,
) -> pa.Table:
    """What is compared of each span of a trace that starts in [since, until), in order of start; as in the file."""
    params = {"project_id": project_id, "trace_id": trace_id, "since": since, "until": until, "max_rows": max_rows}
    return ask(con, "pair_spans", params)


def pair_texts(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    trace_id: UUID,
    since: datetime,
    until: datetime,
    spans: Sequence[str],
    letters: int,
) -> pa.Table:
    """span_id, input, input_key, output, output_key of these spans (16 hex digits), so many letters of each text."""
    params = {"project_id": project_id, "trace_id": trace_id, "since": since, "until": until, "letters": letters}
    return ask_few(con, "pair_texts", params | {"spans": [int(one, 16) for one in spans]})


@query(right="read")
def pair_alike(con: DuckDBPyConnection, project_id: int, trace_id: UUID, most: int = 8) -> pa.Table:
    """Traces to compare one with, by `why`, nearest in time first and at most `most` of each; within a week of it.

    name: they have its name; session: they are of its session; prompt: they used another version of one of its prompts.
    No row: there are none, or the trace is not resolved.

    Raises:
        ValueError: `most` is not between 1 and 50.
    """
    within("most", most, MOST_ALIKE)
    found = trace_summary(con, project_id, trace_id).to_pylist()
    one = found[0] if found else _NONE
    at = _micros(one["start_time"])
    near = NEAR // timedelta(microseconds=1)
    params: dict[str, object] = {
        "project_id": project_id, "trace_id": trace_id, "most": most, "at_us": at, "since_us": at - near,
        "until_us": at + near, "name": one["root_name"], "session_id": one["session_id"], "prompts": one["prompts"],
        "others": [prompt.partition("@")[0] for prompt in one["prompts"]],
    }  # fmt: skip
    return ask_few(con, "pair_alike", params)


_NONE: dict[str, Any] = {"start_time": EVER[0], "root_name": None, "session_id": None, "prompts": []}


def _micros(at: datetime) -> int:
    return (at - EVER[0]) // timedelta(microseconds=1)
