"""What was received of some traces, for files that others read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask_few
from store.queries.search import Looked

MOST = 2_000  # rows of one read
BYTES = 16_000_000  # of texts of one read; a single row may have more


def spans_sent(
    con: DuckDBPyConnection, project_id: int, looked: Looked, after: Mapping[str, Any] | None, most_bytes: int = BYTES
) -> pa.Table:
    """Spans of what a search found, as received, 2,000 at most; `after`: the last row of those before.

    In order of trace, start and id; input and output with their keys (see `spans`), start_us since 1970. Fewer where
    their texts have more than 16 MB. more: others come after them.
    """
    starts = [start_us for _, start_us in looked.found]
    params = {
        "project_id": project_id, "traces": [trace_id for trace_id, _ in looked.found], "most": MOST,
        "bytes": most_bytes,
        "since_us": min(starts, default=0), "until_us": max(ends_us(looked), default=0),
        "after_trace": after and after["trace_id"], "after_us": after and after["start_us"],
        "after_span": after and after["span_id"],
    }  # fmt: skip
    return ask_few(con, "spans_sent", params)


def ends_us(looked: Looked) -> Sequence[int]:
    """When the traces that were found ended, in microseconds since 1970."""
    return [start_us + length_us for (_, start_us), length_us in zip(looked.found, looked.lengths_us, strict=True)]


def logs_sent(
    con: DuckDBPyConnection, project_id: int, looked: Looked, after: Mapping[str, Any] | None, most_bytes: int = BYTES
) -> pa.Table:
    """Log records of what a search found, as received, 2,000 at most, oldest first; `after`: the last before them.

    Fewer where their bodies would have more than `most_bytes`, one at least. more: others come after them.
    """
    params = {
        "project_id": project_id, "traces": [trace_id for trace_id, _ in looked.found], "most": MOST,
        "bytes": most_bytes,
        "after_us": after and after["time_us"], "after_log": after and after["log_id"],
    }  # fmt: skip
    return ask_few(con, "logs_sent", params)


def origins_sent(con: DuckDBPyConnection, project_id: int, origins: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Origins by id: resource, scope_name, scope_version, scope_attributes and schema URLs."""
    rows = ask_few(con, "origins_sent", {"project_id": project_id, "origins": list(origins)})
    return {row["origin_id"]: row for row in rows.to_pylist(maps_as_pydicts="lossy")}
