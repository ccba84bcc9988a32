"""What the resolver reads and writes: `span_derived`, `trace_summaries`, `calls` and how far it has come.

Reads take a cursor inside one read-only transaction. The sums of summaries are SQL over what was loaded, in a database
in memory, so that a pass holds neither the writer nor a long snapshot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from store.call_sums import note_stale
from store.queries import sql
from store.relations import insert, registered

STATE = "resolved_seq"
Window = tuple[datetime, datetime]
"""UTC without a zone, half open."""


def resolved_seq(con: DuckDBPyConnection) -> int:
    """The newest commit whose traces are resolved; 0: none."""
    row = con.execute("select value from resolver_state where name = ?", [STATE]).fetchone()
    return int(row[0]) if row else 0


def resolver_range(con: DuckDBPyConnection, after: int, max_rows: int) -> int | None:
    """The commit up to which the next pass goes: about `max_rows` rows on, never part of a commit; null: no commits."""
    row = con.execute(sql("resolver_range"), {"after": after, "max_rows": max_rows}).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def resolver_traces(con: DuckDBPyConnection, after: int, upto: int) -> list[tuple[int, str]]:
    """(project id, trace id) of the traces that commits (after, upto] touched, oldest first."""
    rows = con.execute(sql("resolver_traces"), {"after": after, "upto": upto}).fetchall()
    return [(int(project_id), str(trace_id)) for project_id, trace_id in rows]


def resolver_spans(con: DuckDBPyConnection, project_id: int, traces: Sequence[str]) -> pa.Table:
    """Narrow columns of every span of the traces; ids of traces are text."""
    params = {"project_id": project_id, "traces": list(traces)}
    return _plain(con.sql(sql("resolver_spans"), params=params).to_arrow_table())


def resolver_partners(
    con: DuckDBPyConnection,
    project_id: int,
    traces: Sequence[str],
    ids: Sequence[str],
    *,
    window: Window,
    max_holders: int,
) -> list[str]:
    """Other traces with a model call, started in the window, that has one of the response ids."""
    params = {"project_id": project_id, "traces": list(traces), "ids": list(ids), "max_holders": max_holders}
    return _texts(con, "resolver_partners", params | {"since": window[0], "until": window[1]})


def resolver_twins(
    con: DuckDBPyConnection, project_id: int, traces: Sequence[str], window: Window, *, slack_us: int, vendors: str
) -> list[str]:
    """Other traces with a call, started in the window, where another scope may tell one of these.

    `vendors`: pattern of the scopes that tell calls in traces of their own.
    """
    params = {"traces": list(traces), "since": window[0], "until": window[1], "slack_us": slack_us, "vendors": vendors}
    return _texts(con, "resolver_twins", {"project_id": project_id} | params)


def resolver_scopes(con: DuckDBPyConnection, project_id: int) -> list[str]:
    """Scopes that told a model or embedding call in the project, sorted."""
    return _texts(con, "resolver_scopes", {"project_id": project_id})


def resolver_tool_results(
    con: DuckDBPyConnection, project_id: int, traces: Sequence[str]
) -> list[tuple[str, int, str, str]]:
    """(trace id, span id, input, input key) of model calls whose input may hold tool results."""
    params = {"project_id": project_id, "traces": list(traces)}
    return con.execute(sql("resolver_tool_results"), params).fetchall()


def resolver_logs(
    con: DuckDBPyConnection, project_id: int, traces: Sequence[str], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Log records that belong to a span of the traces and have one of the event names, in order of time.

    A name that ends in `*` is a prefix.
    """
    params = {"project_id": project_id, "traces": list(traces), "names": _pattern(names)}
    rows: list[dict[str, Any]] = con.sql(sql("resolver_logs"), params=params).to_arrow_table().to_pylist()
    return [row | {"attributes": dict(row["attributes"] or ())} for row in rows]


def _pattern(names: Sequence[str]) -> str:
    ends = (re.escape(name[:-1]) if name.endswith("*") else f"{re.escape(name)}$" for name in names)
    return f"^(?:{'|'.join(ends)})"


@dataclass(frozen=True, slots=True)
class Resolved:
    """What replaces the derived rows of some traces; columns as in the migrations, less `project_id`."""

    project_id: int
    traces: Sequence[str]
    derived: pa.Table
    summaries: pa.Table
    calls: pa.Table
    trace_calls: pa.Table


_THESE = "project_id = $project_id and trace_id in (select unnest($traces::uuid[]))"


def write_resolved(con: DuckDBPyConnection, resolved: Resolved, repricing_id: int | None = None) -> None:
    """Replace the derived rows, summaries and calls of the traces, inside the caller's transaction; note stale sums.

    A cost that another price replaces is kept in `replaced_costs`, under the number of the repricing, if it is one.
    """
    params: dict[str, object] = {"project_id": resolved.project_id, "traces": list(resolved.traces)}
    con.execute(f"delete from span_derived where {_THESE}", params)
    known = _bounds(con.execute(f"delete from trace_summaries where {_THESE} {_RETURNING}", params).fetchall())
    insert(con, "span_derived", resolved.project_id, resolved.derived)
    insert(con, "trace_summaries", resolved.project_id, resolved.summaries)
    if known is not None:
        within = params | {"since": known[0], "until": known[1]}
        keep_replaced_costs(con, resolved.calls, within | {"repricing_id": repricing_id})
        gone = f"delete from calls where {_THESE} and start_time between $since and $until returning start_time"
        note_stale(con, resolved.project_id, con.sql(gone, params=within).to_arrow_table()["start_time"])
        con.execute(f"delete from trace_calls where {_THESE} and first_start between $since and $until", within)
    insert(con, "calls", resolved.project_id, resolved.calls)
    insert(con, "trace_calls", resolved.project_id, resolved.trace_calls)
    note_stale(con, resolved.project_id, resolved.calls["start_time"])


def keep_replaced_costs(con: DuckDBPyConnection, calls: pa.Table, params: dict[str, object]) -> None:
    """Note the costs that `calls` are about to replace because of another price."""
    with registered(con, calls, "resolver_new_calls"):
        con.execute(sql("keep_replaced_costs"), params)


_RETURNING = "returning start_time, duration_ns"
_LONGEST_NS = 2**63 - 1
_END_OF_TIME = datetime(9999, 1, 1)  # noqa: DTZ001 - UTC without a zone, as the store holds it


def _bounds(known: Sequence[tuple[datetime, int]]) -> Window | None:
    """From the first start to the last end of traces, each told with its duration in ns; null: no traces.

    Calls are written with the summary of their trace and start within it, so nothing else has to be searched, and
    nothing at all for traces that are new. A duration at its bound may be cut.
    """
    if not known:
        return None
    ends = (
        _END_OF_TIME if lasts == _LONGEST_NS else start + timedelta(microseconds=lasts // 1000)
        for start, lasts in known
    )
    return min(start for start, _ in known), max(ends)


def set_resolved_seq(con: DuckDBPyConnection, upto: int) -> None:
    """Note that every commit up to `upto` is resolved; 0 makes the resolver start over.

    No update: as long as a read of before one goes on, DuckDB refuses every checkpoint, and pages read all the time.
    """
    con.execute("delete from resolver_state where name = ?", [STATE])
    con.execute("insert into resolver_state values (?, ?)", [STATE, upto])


_TOOLS = pa.schema([("trace_id", pa.string()), ("span_id", pa.uint64()), ("tool", pa.string())])


class Workbench:
    """An in-memory database over one load of spans. Not for use by two threads at once.

    Its questions are planned once, as those of `ask_few`: 2 to 5 ms less of a pass each.
    """

    @cached_property
    def _con(self) -> DuckDBPyConnection:
        """Opened by the first question: that takes 40 ms, and most commands over a file ask none."""
        # One thread: the load is small, and ingest needs the other cores.
        opened = duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": "false"})
        opened.execute("set timezone = 'UTC'")
        return opened

    def close(self) -> None:
        if "_con" in vars(self):
            self._con.close()

    def resolver_told(self, loaded: pa.Table, contents: pa.Table) -> pa.Table:
        """The loaded spans, with what their log records tell and they do not; in no order."""
        with registered(self._con, loaded, "loaded"), registered(self._con, contents, "contents"):
            return _plain(self._con.execute(sql("resolver_told")).to_arrow_table())

    def resolver_candidates(self, loaded: pa.Table, slack_us: int) -> list[str]:
        """Traces that may hold an exception to "a span is what its own columns say", sorted; slack in microseconds."""
        return self._traces("resolver_candidates", loaded, {"slack_us": slack_us})

    def resolver_toolless(self, loaded: pa.Table) -> list[str]:
        """Traces with messages of model calls and without a span of a tool, sorted."""
        return self._traces("resolver_toolless", loaded, {})

    def resolver_calls(self, loaded: pa.Table, derived: pa.Table) -> pa.Table:
        """One row per loaded call, or sum of calls: the columns of `calls` that no trace and no price tells."""
        tools = self.resolver_tools(loaded)
        with (
            registered(self._con, loaded, "loaded"),
            registered(self._con, derived, "derived"),
            registered(self._con, tools, "tools"),
        ):
            return _plain(self._con.execute(sql("resolver_calls")).to_arrow_table())

    def resolver_tools(self, loaded: pa.Table) -> pa.Table:
        """One row per loaded span below a tool: trace_id, span_id, tool, the name of the innermost.

        Few traces have any, so it is looked first whether a tool has children: the walk takes most of the time of a
        pass over calls.
        """
        ids = loaded["span_id"].filter(pc.equal(loaded["kind"], "tool"))
        if not pc.any(pc.is_in(loaded["parent_span_id"], ids)).as_py():
            return _TOOLS.empty_table()
        with registered(self._con, loaded, "loaded"):
            return self._con.execute(sql("resolver_tools")).to_arrow_table()

    def resolver_summaries(self, loaded: pa.Table, derived: pa.Table, priced: pa.Table) -> pa.Table:
        """One row per loaded trace, with the columns of `trace_summaries` but `project_id`; `priced`: its calls."""
        with (
            registered(self._con, loaded, "loaded"),
            registered(self._con, derived, "derived"),
            registered(self._con, priced, "priced"),
        ):
            return self._con.execute(sql("resolver_summaries")).to_arrow_table()

    def resolver_attributed(self, priced: pa.Table, summaries: pa.Table) -> pa.Table:
        """The priced calls with the columns of `calls` but `project_id`."""
        with registered(self._con, priced, "priced"), registered(self._con, summaries, "summaries"):
            return self._con.execute(sql("resolver_attributed")).to_arrow_table()

    def resolver_trace_calls(self, attributed: pa.Table) -> pa.Table:
        """The sums of attributed calls by trace and by what tells them apart: the columns of `trace_calls` but one."""
        with registered(self._con, attributed, "attributed"):
            return _plain(self._con.execute(sql("resolver_trace_calls")).to_arrow_table())

    def _traces(self, name: str, loaded: pa.Table, params: dict[str, object]) -> list[str]:
        with registered(self._con, loaded, "loaded"):
            return _texts(self._con, name, params)


def _plain(table: pa.Table) -> pa.Table:
    """With booleans as Arrow's own: the store's lossless conversion gives an extension type that no function takes."""
    boolean = [column.name for column in table.schema if column.type == pa.bool8()]
    kinds = [pa.field(c.name, pa.bool_() if c.name in boolean else c.type) for c in table.schema]
    return table.cast(pa.schema(kinds)) if boolean else table


def _texts(con: DuckDBPyConnection, name: str, params: dict[str, object]) -> list[str]:
    return [str(row[0]) for row in con.execute(sql(name), params).fetchall()]
