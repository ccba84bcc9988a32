"""What a project has that could be watched."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask_few, query


@query(right="read")
def watchable(con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime) -> pa.Table:
    """One row: what of [since, until) could be watched, beyond what calls and scores are asked for by themselves.

    hours: of UTC with a model call; longest_gap_h: hours from one of these to the next, at most (null: fewer than two);
    first_hour (null: no call); retrievals, tool_calls: spans; tools: distinct names; judged: names of scores that both
    a judge and a person gave (at most 50, by name; may be empty).
    """
    return ask_few(con, "watchable", {"project_id": project_id, "since": since, "until": until})
