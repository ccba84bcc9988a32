"""Which traces a line means: all that summaries tell, else what a search of a moment finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from duckdb import DuckDBPyConnection

from server.jobs import PAGING
from store import queries
from store.errors import UnknownQueryError
from store.finding.grammar import parse
from store.finding.tree import spans_of
from store.queries.explore import TraceFilters
from store.queries.search import Place, Wanted, search

MOMENT_S = 0.25  # that a search for facets or a histogram goes on
MOST_FOUND = 2_000  # traces of such a search
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """Traces that started in [since, until) and meet the filters, `q` among them."""

    since: datetime
    until: datetime
    filters: TraceFilters

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Choice:
        """Of parameters of the query `traces`, as text or as values, without those of paging.

        Raises:
            UnknownQueryError: the query takes none of that name, or not this value.
        """
        if paging := sorted(PAGING & given.keys()):
            raise UnknownQueryError(f"{paging[0]!r} is of pages of a list; leave it out here.")
        told = dict(queries.get("traces").parse(given))
        since, until = cast("datetime", told.pop("since")), cast("datetime", told.pop("until"))
        return cls(since, until, cast("TraceFilters", told))

    @property
    def wide(self) -> bool:
        """Whether the line asks something of single spans, so that only a search can answer it."""
        tree = parse(self.filters.get("q") or "")
        return tree is not None and next(spans_of(tree), None) is not None

    def wanted(self, project_id: int) -> Wanted:
        return Wanted.of(project_id, self.since, self.until, self.filters)


@dataclass(frozen=True, slots=True)
class Part:
    """Parameters of a query over traces that stand for a choice, and to when it is whole."""

    params: Row
    looked_to: datetime | None  # null: it is whole


def part_of(con: DuckDBPyConnection, project_id: int, choice: Choice) -> Part:
    """The whole choice, or what of it a search of a moment finds, newest first."""
    window: Row = {"since": choice.since, "until": choice.until}
    if not choice.wide:
        return Part({**window, **choice.filters}, None)
    looked = search(con, choice.wanted(project_id), Place(), MOST_FOUND, seconds=MOMENT_S)
    traces: list[UUID] = [trace_id for trace_id, _ in looked.found]
    oldest = looked.to(choice.since)
    return Part({**window, "since": oldest, "traces": traces}, None if looked.done else oldest)
