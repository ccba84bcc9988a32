"""Questions about one trace that may have very many spans: its shape, its findings, and its texts by parts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query

MOST_SOUGHT = 1_000  # letters
MOST_LETTERS = 200_000  # of a text of the conversation


@query(right="read")
def trace_outline(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, trace_id: UUID, since: datetime, until: datetime,
    max_rows: int | None = None,
) -> pa.Table:  # fmt: skip
    """The spans of a trace that start in [since, until), in order of start, without texts.

    Ids are numbers; start_us is microseconds since 1970; duration_ns is null when it is unknown. usage_role: leaf
    aggregate duplicate, null: no model or embedding call; rule: which rule decided it. host: of the resource, null when
    it names none. error_message: 300 letters. sample: it is of the sample data, whose times are shifted.
    """
    return ask(con, "trace_outline", _bounds(project_id, trace_id, since, until) | {"max_rows": max_rows})


@query(right="read")
def trace_actions(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, trace_id: UUID, since: datetime, until: datetime,
    max_rows: int | None = None,
) -> pa.Table:  # fmt: skip
    """Tool runs and retrievals of a trace, in order of start: span_id (number), kind, name, arguments, result, failed.

    Spans that tell one again, or sum some up, are left out. arguments of more than 4,096 letters, and results, are
    hashes; null: not recorded.
    """
    return ask(con, "trace_actions", _bounds(project_id, trace_id, since, until) | {"max_rows": max_rows})


@query(right="read")
def trace_found(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, trace_id: UUID, since: datetime, until: datetime, wanted: str,
    max_rows: int | None = None,
) -> pa.Table:  # fmt: skip
    """Spans (span_id, a number) whose name, error, input or output holds `wanted`, whatever the case.

    Raises:
        ValueError: `wanted` is empty, or longer than 1,000 letters.
    """
    if not 0 < len(wanted) <= MOST_SOUGHT:
        message = f"The text to look for has {len(wanted):,} letters; give 1 to {MOST_SOUGHT:,}"
        raise ValueError(message)
    params = _bounds(project_id, trace_id, since, until) | {"wanted": wanted, "max_rows": max_rows}
    return ask(con, "trace_found", params)


@query(right="read")
def trace_talk(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, trace_id: UUID, since: datetime, until: datetime, skipped: int = 0,
    max_rows: int | None = None,
) -> pa.Table:  # fmt: skip
    """Model calls and tool runs that count of a trace, with texts, in order of start, without the first `skipped`.

    input, output with their keys as in `spans`, or what logs told; system: a JSON list of parts. Each has at most
    200,000 letters. Null: not recorded.
    """
    params = _bounds(project_id, trace_id, since, until) | {"skipped": skipped, "max_rows": max_rows}
    return ask(con, "trace_talk", params | {"letters": MOST_LETTERS})


@query(right="read")
def trace_documents(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection, project_id: int, trace_id: UUID, since: datetime, until: datetime, skipped: int = 0,
    max_rows: int | None = None,
) -> pa.Table:  # fmt: skip
    """Spans of a trace that retrieved documents, in order of start: span_id, name, kind, start_us, query, documents.

    Spans that tell a retrieval again are left out.
    """
    params = _bounds(project_id, trace_id, since, until) | {"skipped": skipped, "max_rows": max_rows}
    return ask(con, "trace_documents", params)


def _bounds(project_id: int, trace_id: UUID, since: datetime, until: datetime) -> dict[str, object]:
    return {"project_id": project_id, "trace_id": trace_id, "since": since, "until": until}
