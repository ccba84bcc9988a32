"""What people said in queues."""

from __future__ import annotations

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query


@query(right="read")
def queue_labels(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, queue: str, field: str | None = None, after: int = 0,
    max_rows: int | None = None,
) -> pa.Table:  # fmt: skip
    """One row: an answer that counts, by item (`number`), author and field. No such queue gives no rows.

    `field`: of this one alone; `after`: of items after this number.

    edit: 1, 2, ... of this author on this item, the newest alone; answer: text, of a list (several choices, marks,
    rankings) JSON; value: its number, null where it has none; seconds: spent on the item, null where unknown;
    fields_version and queue_version: of the form and the guidelines that were shown; gold: whether the right answer was
    known beforehand; key, unit, trace_id, span_id, session_id, attributes: of the item; decided: what was adjudicated,
    as answer, null where nothing was. Items that were removed are left out, and so are labels that were taken back.
    """
    asked = {"queue": queue, "field": field, "after": after}
    return ask(con, "queue_labels", {"project_id": project_id, **asked, "max_rows": max_rows})
