"""Questions of the page Sessions. A session is all traces of one id; its turns are these traces in order of time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, ask_few, query, within
from store.queries.explore import LETTERS, MAX_PAGE, TraceFilters, filtered, with_words

MAX_TURNS = 50  # of a page: the texts of each may have two million letters
MOST_LETTERS = 1_000_000  # of a text of a turn


@query(right="read")
def sessions(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    sort: Literal["newest", "longest", "cost", "errors"] = "newest",
    page_size: int = 50,
    after_sort: int | None = None,
    after_session: str | None = None,
    backward: bool = False,
    **filters: Unpack[TraceFilters],
) -> pa.Table:
    """One page of the sessions with a trace that started in [since, until) and meets every filter. Best first.

    All that is told is of the whole session, also what lies outside of the window. traces are its turns; failed: those
    whose root failed, recovered: those with failed spans below it; errors: failed spans. user_id: of the newest
    trace that names one, of `users`. last_us: the end, in microseconds since 1970; busy_ns: the durations summed.
    Sums are null where no trace told it: unknown_usage_calls told no tokens, half_told_calls one side of them,
    unpriced_calls have no cost. The next page starts after the last row's (sort_key, session_id); the previous one
    is asked for with the first row's and `backward`. `total` counts all. sample: a trace is of the sample data.
    scores: a list of {name, scores, valued, mean, failed} of the session, its traces and their spans, by name, the
    most frequent first; those that name a response id alone are not among them.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000, or a bound of a score has no name of one.
    """
    given = {name: value for name, value in locals().items() if name not in {"con", "filters"}}
    within("page_size", page_size, MAX_PAGE)
    return _with_scores(con, project_id, ask(con, "sessions", given | filtered(filters)))


@query(right="read")
def session_summary(con: DuckDBPyConnection, project_id: int, session_id: str) -> pa.Table:
    """One session as in `sessions`, less sort_key and total; no row: no trace of it is resolved."""
    found = ask(con, "session_summary", {"project_id": project_id, "session_id": session_id})
    return _with_scores(con, project_id, found)


@query(right="read")
def session_turns(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    session_id: str,
    page_size: int = 20,
    skip: int = 0,
    trace_id: UUID | None = None,
    before: int = 0,
    letters: int = LETTERS,
) -> pa.Table:
    """One page of a session's turns in order of start: number (from 1) of `total`, the sums of its trace, its words.

    With `trace_id` of one of them, the page that it stands on, whatever `skip`; before: so many turns ahead of the page
    come too, which are not `on_page`. input, input_key, output, output_key as in `traces`, so many letters
    of each. A page beyond the end has no rows.

    Raises:
        ValueError: `page_size` is not between 1 and 50, `letters` not between 1 and a million, or `skip` or `before`
            below 0.
    """
    within("page_size", page_size, MAX_TURNS)
    within("letters", letters, MOST_LETTERS)
    for name, number in (("skip", skip), ("before", before)):
        if number < 0:
            raise ValueError(f"{name} is {number:,}; it must be 0 or more")
    params: dict[str, object] = {
        "project_id": project_id, "session_id": session_id, "page_size": page_size, "skip": skip, "trace_id": trace_id,
        "before": before,
    }  # fmt: skip
    return with_words(con, project_id, ask(con, "session_turns", params), letters)


def session_scores(con: DuckDBPyConnection, project_id: int, sessions: list[str]) -> pa.Table:
    """One row per session and name, most scores first, of the scores of these sessions, their traces and their spans.

    Of several by (target, name, evaluator with its version, author) the latest counts: scores, of them valued, whose
    mean is told, and failed. Scores that name a response id alone are not among them.
    """
    return ask_few(con, "session_scores", {"project_id": project_id, "sessions": sessions})


def _with_scores(con: DuckDBPyConnection, project_id: int, page: pa.Table) -> pa.Table:
    """The rows with `scores`, a list of what `session_scores` says of each."""
    ids = page["session_id"].to_pylist()
    told: dict[str, list[dict[str, object]]] = {one: [] for one in ids}
    for row in session_scores(con, project_id, ids).to_pylist() if ids else ():
        told[row.pop("session_id")].append(row)
    return page.append_column("scores", pa.array([told[one] for one in ids], _SCORES))


_SCORES = pa.list_(
    pa.struct([
        ("name", pa.string()), ("scores", pa.int64()), ("valued", pa.int64()), ("mean", pa.float64()),
        ("failed", pa.int64()),
    ])
)  # fmt: skip


@query(right="read")
def turn_scores(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    traces: list[UUID],
    since_us: int,
    until_us: int,
    max_rows: int | None = None,
) -> pa.Table:
    """Scores of these traces, of spans in them and of their model calls by response id, oldest first.

    Of several by (target, name, evaluator with its version, author, source) the latest counts; those taken back are
    left out. value is null where only a label was given or, with error_type, where the evaluator failed. Response ids
    are sought in spans that start within [since_us, until_us], in microseconds since 1970.
    """
    ids = [str(one) for one in traces]
    window = {"project_id": project_id, "traces": ids, "since_us": since_us, "until_us": until_us}
    told = turn_responses(con, window)
    responses = {"responses": told["response_id"].to_pylist(), "response_traces": told["trace_id"].to_pylist()}
    return ask_few(con, "turn_scores", {"project_id": project_id, "traces": ids, "max_rows": max_rows} | responses)


def turn_responses(con: DuckDBPyConnection, window: dict[str, object]) -> pa.Table:
    """response_id, of those that scores name, and trace_id of the trace that told it."""
    return ask_few(con, "turn_responses", window)
