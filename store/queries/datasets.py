"""What datasets hold, by version."""

from __future__ import annotations

import json
from typing import Literal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within

MOST_ITEMS = 1_000  # of one page; each has its whole row


@query(right="read")
def dataset_items(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    dataset_id: int,
    version: int,
    split: str | None = None,
    tag: str | None = None,
    text: str | None = None,
    after_place: int = -1,
    backward: bool = False,
    page_size: int = 50,
) -> pa.Table:
    """Items of a version in order, from after this place on, or, `backward`, the last ones before it.

    place, item (its id), split, tags, trace_id, span_id, row (JSON), since_version (from which on it is so), `matching`
    (how many the filters keep), `before` (how many of them come before this page). `split`: '' for those in none;
    `text`: in any part of the row, or the id, whatever its case. No items: no row.

    Raises:
        ValueError: more than 1,000 items are asked for, or none.
    """
    within("page_size", page_size, MOST_ITEMS)
    params = {
        "project_id": project_id, "dataset_id": dataset_id, "version": version, "split": split, "tag": tag,
        "text": json.dumps(text, ensure_ascii=False)[1:-1] if text else None, "plain": text or "",
        "after_place": after_place, "backward": backward, "page_size": page_size,
    }  # fmt: skip
    return ask(con, "dataset_items", params)


@query(right="read")
def dataset_diff(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    dataset_id: int,
    older: int,
    newer: int,
    change: Literal["added", "removed", "changed"] | None = None,
    after_item: str = "",
    page_size: int = 50,
) -> pa.Table:
    """Items that differ between two versions, by id, from after this id on; `older` 0: before the first.

    item, change (added removed changed), row, split and tags of both (`_before`, `_after`), and how many were `added`,
    `removed` and `changed` in all. Versions that hold the same: no row.

    Raises:
        ValueError: more than 1,000 items are asked for, or none; or `newer` is not after `older`.
    """
    within("page_size", page_size, MOST_ITEMS)
    if newer < older:
        raise ValueError(f"newer must not be before older, and {newer} is before {older}")
    params = {
        "project_id": project_id, "dataset_id": dataset_id, "older": older, "newer": newer, "change": change,
        "after_item": after_item, "page_size": page_size,
    }  # fmt: skip
    return ask(con, "dataset_diff", params)
