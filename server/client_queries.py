"""What the client asks in named queries and in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from server.client_base import ARROW, Answer, ClientBase, Json, Param, answer_of, text

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Rows:
    """One answer in SQL, for a text: rows as JSON has them, and the names of their columns if there are no rows too."""

    rows: list[Json]
    columns: list[str]
    truncated: bool  # true: there are more rows than these


class QueriesClient(ClientBase):
    """Named queries, and SQL through the guarded prompt, as a part of `server.client.Client`."""

    def query(self, name: str, **params: Param) -> Answer:
        """Answer a named query; `queries()` lists them. Null parameters are left out, times without a zone are UTC.

        Raises:
            ApiError: see its kinds.
        """
        return self._frame(f"/api/query/{name}", params)

    def rows(self, name: str, **params: Param) -> list[Json]:
        """`query` as plain rows, as JSON has them: times are text."""
        found: list[Json] = self._json(f"/api/query/{name}", params | {"format": "json"})
        return found

    def queries(self) -> list[Json]:
        """`name`, `doc` and `params` of every named query."""
        found: list[Json] = self._json("/api/queries")
        return found

    def sql(
        self,
        statement: str,
        since: datetime | None = None,
        until: datetime | None = None,
        max_rows: int | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Run one read-only SELECT through the guarded prompt; `since` and `until` are what `:since` and `:until` say.

        The answer is cut to so many rows, and so many bytes in memory; one row is always told.

        Raises:
            ApiError: `refused` has the place in the statement in `at` and `length`, where there is one.
        """
        limits = {"max_rows": max_rows, "max_bytes": max_bytes}
        return answer_of(self._ask(statement, since, until, limits, ARROW))

    def sql_rows(self, statement: str, since: datetime | None = None, until: datetime | None = None) -> Rows:
        """`sql` as plain rows."""
        answer = self._ask(statement, since, until, {}, "application/json")
        rows = answer.json()
        names = answer.headers.get("x-assay-columns")
        columns = json.loads(names) if names else list(rows[0]) if rows else []
        return Rows(rows, columns, answer.headers.get("x-assay-truncated") == "true")

    def _ask(
        self,
        statement: str,
        since: datetime | None,
        until: datetime | None,
        limits: Mapping[str, int | None],
        accept: str,
    ) -> httpx.Response:
        told = {"sql": statement, "since": since and text(since), "until": until and text(until), **limits}
        return self._send("POST", "/api/sql", body={name: one for name, one in told.items() if one}, accept=accept)

    def sql_schema(self) -> Json:
        """What questions can ask of, and the limits; see `GET /api/sql/schema`."""
        found: Json = self._json("/api/sql/schema")
        return found
