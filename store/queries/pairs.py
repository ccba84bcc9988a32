"""Questions of the page Compare traces: what is compared of a trace, and what it may be compared with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, ask_few, query, within
from store.queries.explore import EVER, trace_summary

NEAR = timedelta(days=7)
MOST_ALIKE = 50
MOST_SPANS = 500  # of which texts are read at once
MOST_LETTERS = 200_000  # of each


@query(right="read")
def pair_spans(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    trace_id: UUID,
    since: datetime,
    until: datetime,
    max_rows: int | None = None,
) -> pa.Table:
    """What is compared of each span of a trace that starts in [since, until), in order of start.

    Ids are 16 hex digits; start_us is microseconds since 1970. model, tool_name, agent_name and prompt (`name@version`)
    are null where nobody named one, duration_ns, tokens and cost_usd where nobody told them. input_hash, output_hash
    and system_hash are equal for equal texts; null: nothing was recorded.
    """
    params = {"project_id": project_id, "trace_id": trace_id, "since": since, "until": until, "max_rows": max_rows}
    return ask(con, "pair_spans", params)


@query(right="read")
def pair_texts(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    trace_id: UUID,
    since: datetime,
    until: datetime,
    spans: list[str],
    letters: int = 20_000,
) -> pa.Table:
    """span_id, input, input_key, output, output_key of these spans (16 hex digits), so many letters of each text.

    Raises:
        ValueError: `spans` are not 1 to 500, or one is no id; `letters` is not between 1 and 200,000.
    """
    within("spans", len(spans), MOST_SPANS)
    within("letters", letters, MOST_LETTERS)
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
