"""What people said in queues."""

from __future__ import annotations

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query


@query(right="read")
def queue_labels(con: DuckDBPyConnection, project_id: int, queue: str, max_rows: int | None = None) -> pa.Table:
    """One row: an answer that counts, by item (`number`), author and field. No such queue gives no rows.

    edit: 1, 2, ... of this author on this item, the newest alone; answer: text, of a list (several choices, marks,
    rankings) JSON; value: its number, null where it has none; seconds: spent on the item, null where unknown;
    fields_version and queue_version: of the form and the guidelines that were shown; gold: whether the right answer was
    known beforehand; attributes: of the item; decided: what was adjudicated, as answer, null where nothing was. Items
    that were removed are left out, and so are labels that were taken back.
    """
    return ask(con, "queue_labels", {"project_id": project_id, "queue": queue, "max_rows": max_rows})
