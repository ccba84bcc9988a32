"""Questions of the pages Traces and Trace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict, Unpack
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.finding.conditions import Condition, condition
from store.finding.errors import AskedError
from store.finding.fields import OF_TRACE
from store.finding.grammar import parse
from store.finding.tree import spans_of
from store.queries import ask, query, score_named, within

MAX_PAGE = 1_000  # rows; each may carry 40,000 letters
LETTERS = 20_000  # of a text in a list
EVER = (datetime(1970, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - UTC without a zone is what the store holds


class TraceFilters(TypedDict, total=False):
    """What narrows traces down; null: any."""

    service: str | None
    environment: str | None
    model: str | None
    status: str | None
    variant: str | None
    prompt: str | None  # name and version, `answer@3`; the name alone where there is no version
    tag: str | None
    session_id: str | None
    user_id: str | None
    has_errors: bool | None
    min_duration_ns: int | None
    text: str | None  # in the name and the error, whatever the case
    score: str | None  # name of a score of the trace, of one of its spans, or of its session
    score_at_least: float | None  # the bounds are of the newest of each target
    score_at_most: float | None
    score_label: str | None
    score_failed: bool | None  # true: its evaluator failed
    q: str | None  # a line such as `model:gpt-4o duration>2s`, see `store.finding.grammar`


def filtered(filters: TraceFilters) -> dict[str, object]:
    """The parameters of the part `trace_conditions`.

    Raises:
        ValueError: a bound of a score, and no score is named.
        AskedError: `q` follows no rule, or asks what no summary of a trace tells.
    """
    score_named(filters, "score")
    return {**dict.fromkeys(TraceFilters.__annotations__), **filters, "q": summed(filters.get("q"))}


def summed(line: str | None) -> Condition | None:
    """The condition of a line that summaries of traces answer; null: it asks for nothing.

    Raises:
        AskedError: it follows no rule, or asks something of single spans, which is looked for in steps (`search`).
    """
    tree = parse(line or "")
    if tree is None:
        return None
    for one in spans_of(tree):
        raise AskedError(
            f"{(line or '')[one.at : one.at + one.length][:60]!r} asks something of single spans, which takes a "
            "search. Here a line may ask what summaries of traces tell: "
            f"{', '.join(name for name in OF_TRACE if name != 'score')}, score.NAME.",
            one.at, one.length,
        )  # fmt: skip
    return condition(tree)


@query(right="read")
def traces(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    sort: Literal["newest", "slowest", "tokens", "errors"] = "newest",
    page_size: int = 50,
    after_sort: int | None = None,
    after_start_us: int | None = None,
    after_trace: UUID | None = None,
    backward: bool = False,
    words: bool = True,
    **filters: Unpack[TraceFilters],
) -> pa.Table:
    """One page of the traces that started in [since, until) and match every filter; null filters nothing. Best first.

    `text` is sought in the name and the error, whatever the case. `score` names one of the trace, of one of its spans
    or of its session, and the other filters that begin so bound the newest of each target. The next page starts after
    the last row's (sort_key, start_us, trace_id); the previous one is asked for with the first row's and `backward`.
    `total` counts all that match, whatever the page; a page beyond the end has no rows. input and output are the first
    20,000 letters of what the root, else its first and last model call, said, with input_key and output_key as in
    `spans`; null: nothing was recorded. Without `words` these four are left out: no text is unpacked. half_told_calls:
    model calls that ended well and told one side of their usage, as in `home_totals`. sample: a span of it is of the
    sample data, whose times are shifted.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000, or a bound of a score has no name of one.
    """
    given = {name: value for name, value in locals().items() if name not in {"con", "words", "filters"}}
    params = given | filtered(filters)
    within("page_size", page_size, MAX_PAGE)
    page = ask(con, "traces", params)
    return with_words(con, project_id, page) if words else page.drop_columns(["root_span_id"])


def with_words(con: DuckDBPyConnection, project_id: int, page: pa.Table, letters: int = LETTERS) -> pa.Table:
    """The rows, in their order, with `traces_words` in place of `root_span_id`."""
    words = traces_words(con, project_id, page, letters)
    places = {trace_id: place for place, trace_id in enumerate(words["trace_id"].to_pylist())}
    order = pa.array([places.get(trace_id) for trace_id in page["trace_id"].to_pylist()], pa.int64())
    page = page.drop_columns(["root_span_id"])
    for name in ("input", "input_key", "output", "output_key"):
        page = page.append_column(name, words[name].take(order))
    return page


def traces_words(con: DuckDBPyConnection, project_id: int, page: pa.Table, letters: int = LETTERS) -> pa.Table:
    """trace_id, input, input_key, output, output_key as in `traces`; a trace of which no span is found has no row.

    A text is cut to so many letters. `page`: trace_id, root_span_id, start_us, duration_ns of the traces. Their first
    start and last end go in as constants: under a join, or any other bound, the store looks at the spans of all time.
    """
    starts, lengths = page["start_us"].to_pylist(), page["duration_ns"].to_pylist()
    ends = (start + (lasts or 0) // 1000 + 1 for start, lasts in zip(starts, lengths, strict=True))
    bounds = {"since_us": min(starts, default=0), "until_us": max(ends, default=0)}
    ids = {"traces": page["trace_id"].to_pylist(), "roots": page["root_span_id"].to_pylist()}
    return ask(con, "traces_words", {"project_id": project_id, "letters": letters} | ids | bounds)


@query(right="read")
def trace_filters(con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime) -> pa.Table:
    """Values that filters can offer: field (service environment model variant prompt tag), value, traces.

    Over the traces that started in [since, until), the frequent first; at most 200 values a field, of `total`.
    """
    return ask(con, "trace_filters", {"project_id": project_id, "since": since, "until": until})


@query(right="read")
def trace_summary(con: DuckDBPyConnection, project_id: int, trace_id: UUID) -> pa.Table:
    """The row of `trace_summaries`, ids as text; no row: unknown, or not resolved yet."""
    return ask(con, "trace_summary", {"project_id": project_id, "trace_id": trace_id})


@query(right="read")
def trace_spans(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    trace_id: UUID,
    since: datetime,
    until: datetime,
    max_rows: int | None = None,
) -> pa.Table:
    """What is known of each span of a trace that starts in [since, until), in order of start, without texts.

    Ids are 16 hex digits; start_us is microseconds since 1970; duration_ns is null when the span ended before it
    started, or never (see notes). usage_role is the last word (leaf aggregate duplicate, null: no model or embedding
    call). sample: it is of the sample data, whose times are shifted.
    """
    params = {"project_id": project_id, "trace_id": trace_id, "since": since, "until": until, "max_rows": max_rows}
    return ask(con, "trace_spans", params)


@query(right="read")
def trace_logs(con: DuckDBPyConnection, project_id: int, trace_id: UUID, max_rows: int | None = None) -> pa.Table:
    """Log records of a trace in order of time; span_id is 16 hex digits, null when the record names none."""
    return ask(con, "trace_logs", {"project_id": project_id, "trace_id": trace_id, "max_rows": max_rows})


@query(right="read")
def trace_scores(con: DuckDBPyConnection, project_id: int, trace_id: UUID, max_rows: int | None = None) -> pa.Table:
    """Scores of a trace, of its spans and of its model calls by response id, newest first.

    Of several by (target, name, evaluator, evaluator_version, author, source) the latest counts. value is null when
    only a label was given or, with error_type, when the evaluator failed. span_id: 16 hex digits, also where the score
    names a response id; null: the whole trace. metadata of a score by a worker: status (ok not_applicable error), job,
    example (yes: the judge was shown the trace as an example), and as JSON scale, spans, details, spent.
    """
    told = trace_responses(con, project_id, trace_id)
    ids = {"responses": told["response_id"].to_pylist(), "response_spans": told["span_id"].to_pylist()}
    params = {"project_id": project_id, "trace_id": trace_id, "max_rows": max_rows}
    return ask(con, "trace_scores", params | ids)


def span_bounds(summary: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Since and until of the starts of a trace's spans, by its row of `trace_summary`."""
    since: datetime = summary["start_time"]
    try:
        return since, since + timedelta(microseconds=summary["duration_ns"] // 1000 + 2)
    except OverflowError:  # after the year 9999
        return since, datetime.max  # noqa: DTZ901 - UTC without a zone is what the store holds


def trace_responses(con: DuckDBPyConnection, project_id: int, trace_id: UUID) -> pa.Table:
    """response_id and span_id of the trace's model calls that tell one; the earliest span of each.

    The trace's bounds go in as constants, so that its spans are not sought in all of time while it is resolved.
    """
    found = trace_summary(con, project_id, trace_id).to_pylist()
    since, until = span_bounds(found[0]) if found else EVER
    params = {"project_id": project_id, "trace_id": trace_id, "since": since, "until": until}
    return ask(con, "trace_responses", params)
