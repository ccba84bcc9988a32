"""What people said in queues."""

from __future__ import annotations

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within

MOST_CONTENTS = 1_000


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


@query(right="read")
def queue_contents(
    con: DuckDBPyConnection, project_id: int, queue: str, after: int = 0, page_size: int = MOST_CONTENTS
) -> pa.Table:
    """What is shown of the items of a queue, by number, those that were removed left out: `content` is JSON.

    key, unit, trace_id (with dashes), span_id (16 hex digits), session_id (of a session's item alone), gold (whether
    its right answer was known), attributes. `after`: of items after this number.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000.
    """
    within("page_size", page_size, MOST_CONTENTS)
    told = {"queue": queue, "after": after, "page_size": page_size}
    return ask(con, "queue_contents", {"project_id": project_id, **told})
