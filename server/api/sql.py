"""Questions in SQL, and what they can ask of."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import answer_of, json_response
from server.api.context import Here, window
from server.api.rights import needs, router
from store import schema
from store.prompt import run_sql
from store.sqltext import Times

routes = router()


class Statement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sql: str = Field(min_length=1, max_length=100_000, description="One SELECT.")
    since: datetime | None = Field(None, description="What `:since` stands for in it; UTC when it names no zone.")
    until: datetime | None = Field(None, description="What `:until` stands for.")
    max_rows: int | None = Field(None, ge=1, description="Cut the answer here; the server's limit holds too.")
    max_bytes: int | None = Field(
        None, ge=1, description="Cut the answer where its columns have more bytes in memory; one row is always told."
    )


@routes.post("/api/sql", tags=["sql"], dependencies=[needs("admin")])
def sql(request: Request, here: Here, body: Statement) -> Response:
    """Run one read-only SELECT: no files, no writes, a time and a row limit. Reads every project.

    Plain names mean the stable views first (`calls`, `traces`, `sessions`, `scores`), then the tables, which are
    `main.calls` and so on. A refusal (400 `refused_sql`) names the place in `at` and `length`, in characters from 0,
    where there is one.
    """
    times = Times(*window(body.since, body.until))
    answer = run_sql(here.core.readers, body.sql, body.max_rows, times=times, max_bytes=body.max_bytes)
    return answer_of(request, answer)


@routes.get("/api/sql/schema", tags=["sql"], dependencies=[needs("admin")])
def described(request: Request, here: Here) -> Response:
    """What can be asked of: `relations`, the stable views first, with columns, types and what they mean; `limits`."""
    readers = here.core.readers
    with readers.read() as cursor:
        found = [asdict(one) for one in schema.relations(cursor)]
    return json_response(
        request, {"relations": found, "limits": {"seconds": readers.timeout_s, "rows": readers.max_rows}}
    )
