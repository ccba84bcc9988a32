"""What came of the items of runs."""

from __future__ import annotations

import json
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within

MOST_ROWS = 500  # of one page; each has its whole line


@query(right="read")
def run_rows(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    run_id: UUID,
    failing: bool = False,
    evaluator: str | None = None,
    flaky: bool = False,
    item: str | None = None,
    text: str | None = None,
    after_place: int = -1,
    after_repeat: int = -1,
    page_size: int = 50,
) -> pa.Table:
    """Rows of a run by place and repeat, from after these on: place, repeat, item, fails, status, trace_id, line.

    `line` is the row of results.jsonl, JSON; `matching`: how many rows the filters keep. `failing`: those without an
    answer or with a verdict that failed or does not pass; with `evaluator` of that one. `flaky`: those of items of
    which some repeats pass and others do not. `text`: in any part of the line, whatever its case. No rows: no row.

    Raises:
        ValueError: more than 500 rows are asked for, or none.
    """
    within("page_size", page_size, MOST_ROWS)
    words = json.dumps(text or "", ensure_ascii=False)[1:-1]  # as the line has them
    params = {
        "project_id": project_id, "run_id": run_id, "failing": failing, "evaluator": evaluator, "flaky": flaky,
        "item": item, "text": words or None, "after_place": after_place, "after_repeat": after_repeat,
        "page_size": page_size,
    }  # fmt: skip
    return ask(con, "run_rows", params)


@query(right="read")
def run_values(con: DuckDBPyConnection, project_id: int, run_id: UUID, measure: str, after_place: int = -1) -> pa.Table:
    """What one evaluator said of each item and repeat of a run: item, place, repeat, cluster, content, status, value.

    `passed` (null: it has no rule, or there is no verdict), `failed` (the verdict is an error). `measure`: what the
    suite calls the evaluator, or `target.latency_ms`, `target.cost_usd` and the like. In order of place and repeat.
    Items of one `cluster` belong together, and those of one `content` hold the same. An answer that is cut is gone on
    with from its last place but one, as the last may lack repeats.
    """
    params = {"project_id": project_id, "run_id": run_id, "measure": measure, "after_place": after_place}
    return ask(con, "run_values", params)
