"""What is known of a queue's items beside labels: versions, right answers, decisions; and what disputes show.

A queue is named; a name that the project has not gives no rows. Items that are removed are left out.
"""

from __future__ import annotations

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query


@query(right="read")
def queue_state(con: DuckDBPyConnection, project_id: int, queue: str) -> pa.Table:
    """One row: what changes whenever an answer about the queue's labels may: queue_id, version, items, which
    and gold (hashes of items and right answers), labels, labelled_at, decisions, decided_at. `labels` counts rows that
    were saved, edited, skipped or taken back.
    """  # noqa: D205 - one thought
    return ask(con, "queue_state", {"project_id": project_id, "queue": queue})


@query(right="read")
def queue_documents(con: DuckDBPyConnection, project_id: int, queue: str) -> pa.Table:
    """One row a version of the queue, oldest first: version, set_at (UTC), author, document (JSON: its terms)."""
    return ask(con, "queue_documents", {"project_id": project_id, "queue": queue})


@query(right="read")
def queue_golds(con: DuckDBPyConnection, project_id: int, queue: str) -> pa.Table:
    """One row a gold item, by number: number, gold (JSON: right answers by field)."""
    return ask(con, "queue_golds", {"project_id": project_id, "queue": queue})


@query(right="read")
def queue_decisions(con: DuckDBPyConnection, project_id: int, queue: str) -> pa.Table:
    """One row an item and field that was decided, by both: number, field, answer (text; JSON for lists and numbers),
    why, author, decided_at (UTC). Those taken back are left out.
    """  # noqa: D205 - one thought
    return ask(con, "queue_decisions", {"project_id": project_id, "queue": queue})


@query(right="read")
def disputed_labels(
    con: DuckDBPyConnection, project_id: int, queue: str, field: str, numbers: list[int]
) -> pa.Table:  # fmt: skip
    """One row a label of these items, by number and author: number, title (of the item), author, answer (text; JSON for
    lists and numbers; null: the field was left out), comment, saved_at (UTC), queue_version. The newest edit counts.
    """  # noqa: D205 - one thought
    params = {"project_id": project_id, "queue": queue, "field": field, "numbers": numbers}
    return ask(con, "disputed_labels", params)
