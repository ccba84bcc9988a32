"""What monitors watch: sums, quantiles and scores by bucket of time, and samples of calls, texts, scores and tools.

Windows are half-open, by the call's start. A call counts once, in the row of usage role `leaf`; `CallFilters` as in
`store.queries.calls`. Buckets are whole multiples of their length since 1970, told by their start (UTC); a window
should begin and end at such, else its ends are told of a part of their buckets. Samples are drawn by hashes, so that
the same rows are drawn as long as they are there, and name `cluster`, a hash: the session, else the user, else the
trace. What tells a row apart: service, environment, model, provider, release, prompt, variant, tool, tags (all of the
trace together); null: unknown.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Unpack
from uuid import UUID

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.quantiles import quantiles_of
from store.queries import ask, ask_few, query, within
from store.queries.calls import EPOCH, CallFilters, kept, summed
from store.queries.latency import BEFORE_ALL, Measure

MOST_BUCKETS = 1 << 16
MOST_ROWS = 50_000
BEYOND = datetime(9999, 1, 1)  # noqa: DTZ001 - UTC without a zone is what the store holds
CELL = timedelta(minutes=1)
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_NOTHING = r'^\s*(\{\s*"(documents|results|nodes|matches|output|source_nodes)"\s*:\s*)?\[\s*\]\s*\}?\s*$'
"""The output of a retrieval that found nothing: it has no document to tell."""

_PAIRS = pa.schema(
    {
        "name": pa.string(), "bucket": pa.timestamp("us"), "ruler": pa.string(), "n": pa.int64(), "agree": pa.int64(),
        "newest": pa.timestamp("us"),
    }
)  # fmt: skip
"""The answer of `monitor_agreement`."""


@query(right="read")
def monitor_calls(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Sums per bucket, as in `calls_totals`: bucket, calls, failed, well (did not fail), unknown_usage (of these), ...

    asked (whether it is a retry is known) and retries; cache_told, cache_told_input_tokens and cache_told_read_tokens
    (null: none told); priced, unpriced and cost_usd (null: none priced). Empty buckets have no row.

    Raises:
        ValueError: `bucket_us` is not positive.
    """
    steps = _steps(bucket_us)
    return ask_few(con, "monitor_calls", summed(con, project_id, since, until, filters, None, steps) | steps)


@query(right="read")
def monitor_opened(
    con: DuckDBPyConnection, project_id: int, until: datetime, **filters: Unpack[CallFilters]
) -> pa.Table:
    """One row: opened, when the first of all calls started (UTC; or its quarter of an hour); null: there is none."""
    return ask_few(con, "monitor_opened", summed(con, project_id, EPOCH, until, filters))


@query(right="read")
def monitor_tokens(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Per bucket: input_told (calls that told their input), input_tokens (their sum, null: none), and of the output.

    Buckets without a call have no row. Call by call, as sums of quarters do not know how many told each side.

    Raises:
        ValueError: `bucket_us` is not positive.
    """
    return ask_few(con, "monitor_tokens", kept(project_id, since, until, filters) | _steps(bucket_us))


@query(right="read")
def monitor_quantiles(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    quantiles: list[float],
    measure: Measure = "duration",
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Per bucket and quantile, in this order: bucket, quantile, value (ns, or tokens per second), n calls that told it.

    Values are exact and interpolated linearly. Failed calls have none; buckets without a value have no row.

    Raises:
        ValueError: `bucket_us` is not positive, there are more than 65,536 buckets, or a quantile is not within 0 and
            1.
    """
    steps = _steps(bucket_us)
    if not all(0 < one < 1 for one in quantiles):
        message = f"quantiles must be between 0 and 1, not {quantiles}"
        raise ValueError(message)
    first, last = ((at - EPOCH) // _MICROSECOND // bucket_us for at in (since, until))
    within("the number of buckets", last - first + 1, MOST_BUCKETS)
    asked = kept(project_id, since, until, filters) | steps | {"measure": measure, "first": first}
    found = ask(con, "monitor_quantiles", asked)
    amounts = np.asarray(found["amount"].to_numpy(), dtype=np.float64)
    n, told = quantiles_of(found["bucket"].to_numpy(), amounts, last - first + 1, tuple(quantiles))
    there = np.flatnonzero(n)
    starts = pa.array(np.repeat((first + there) * bucket_us, len(quantiles)), pa.int64()).cast(pa.timestamp("us"))
    values = np.stack([value[there] for value, _, _ in told], axis=1) if told else np.empty((len(there), 0))
    return pa.table(
        {
            "bucket": starts, "quantile": pa.array(np.tile(quantiles, len(there)), pa.float64()),
            "value": pa.array(values.ravel()), "n": pa.array(np.repeat(n[there], len(quantiles))),
        }
    )  # fmt: skip


@query(right="read")
def monitor_scores(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    scores: list[str],
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Per name of a score, bucket and ruler: targets, n (with a value), mean (null: none), failed, newest (UTC).

    The ruler is what gave the score, evaluator and version, `a person` (of_person) or `an end user`. A target stands in
    the bucket in which it began, a session by its first trace; the newest score of each target and ruler counts. With a
    filter, targets with a call that it keeps: the call, one of the trace, one of the session. newest: when the last one
    was given. Empty buckets have no row.

    Raises:
        ValueError: `bucket_us` is not positive.
    """
    asked = _targets(project_id, (since, until), scores, filters) | _steps(bucket_us)
    return ask_few(con, "monitor_scores", asked)


@query(right="read")
def monitor_agreement(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    scores: list[str],
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Per name of a score, bucket and ruler: n targets that a person scored too, agree (of these), newest (UTC).

    A target stands in the bucket in which the second of the two scores was given; the newest of people and the newest
    of all others count, end users left out. Labels agree if they are the same, else values if they are in the same half
    of their scale. Empty buckets have no row.

    Raises:
        ValueError: `bucket_us` is not positive.
    """
    paired = {"paired_since": since, "paired_until": until} | _steps(bucket_us)
    if not monitor_people(con, project_id, scores)["scores"][0].as_py():
        return _PAIRS.empty_table()  # what follows looks at all of time
    asked = _targets(project_id, (BEFORE_ALL, BEYOND), scores, filters, with_person=True) | paired
    return ask_few(con, "monitor_agreement", asked)


@query(right="read")
def monitor_people(con: DuckDBPyConnection, project_id: int, scores: list[str]) -> pa.Table:
    """One row: scores of these names that people gave."""
    return ask_few(con, "monitor_people", {"project_id": project_id, "scores": scores})


@query(right="read")
def monitor_ledger(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, service: str | None = None
) -> pa.Table:
    """Per hour of receipt: bucket (its start), received and rejected spans and logs. Hours without any have no row."""
    window = {"project_id": project_id, "since": since, "until": until}
    return ask_few(con, "monitor_ledger", window | {"service": service})


@query(right="read")
def monitor_texts(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int | None = None,
    most: int = 40,
    per_cell: int | None = None,
    lengths: bool = True,
    input: bool = False,  # noqa: A002 - its name in the API
    output: bool = False,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Calls drawn from each bucket (null: from the whole window), at most `most` of each, oldest first.

    bucket (null: the window), total (calls of the bucket), trace_id (text), start_time, failed, finish_reason,
    input_length and output_length (letters of the texts as stored, with `lengths`), input and output with their keys
    (if they are asked for), normaliser_version, cluster, what tells it apart. Null: the call told none, or nobody asked
    for it. They are drawn by whole minutes, `per_cell` of each at most (null: as many as are needed), as texts that
    stand side by side are unpacked together.

    Raises:
        ValueError: `bucket_us` is not positive, or `most` not between 1 and 50,000.
    """
    asked = kept(project_id, since, until, filters) | _drawn(bucket_us, most, per_cell)
    return ask(con, "monitor_texts", asked | {"lengths": lengths, "input": input, "output": output})


@query(right="read")
def monitor_retrievals(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int | None = None,
    most: int = 200,
    per_cell: int | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Retrievals drawn as the calls of `monitor_texts`: documents (how many were found), amount (their mean score), ...

    bucket, total, trace_id, start_time, failed, normaliser_version, cluster, what tells it apart (no model). Null: it
    failed, or it did not tell. With a filter, those of traces with a call that it keeps, within a day of the window.

    Raises:
        ValueError: `bucket_us` is not positive, or `most` not between 1 and 50,000.
    """
    asked = _near(project_id, since, until, filters) | _drawn(bucket_us, most, per_cell)
    return ask(con, "monitor_retrievals", asked | {"nothing": _NOTHING})


@query(right="read")
def monitor_sample(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    most: int = 20_000,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Calls of whole traces drawn by their hashes, some `most` of them, oldest first: what each was, and total.

    trace_id (text), start_time, failed, unknown_usage, retry (1 or 0), cache_hit_share, cost (US dollars), duration and
    ttft (ms; null: unknown, or it failed), input_tokens, output_tokens, cluster, what tells it apart.

    Raises:
        ValueError: `most` is not between 1 and 50,000.
    """
    return _of_whole_traces(con, "monitor_sample", project_id, since, until, most, filters)


@query(right="read")
def monitor_finishes(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    most: int = 20_000,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """The calls that `monitor_sample` draws, oldest first, with their finish_reason (null: not told), and total.

    trace_id (text), start_time, failed, cluster, what tells it apart.

    Raises:
        ValueError: `most` is not between 1 and 50,000.
    """
    return _of_whole_traces(con, "monitor_finishes", project_id, since, until, most, filters)


@query(right="read")
def monitor_tools(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    most: int = 20_000,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Uses of tools in whole traces drawn by their hashes, some `most` of them, oldest first: tool (its name), total.

    trace_id (text), start_time, failed, cluster, what tells it apart (no model). With a filter, those of traces with a
    call that it keeps, within a day of the window.

    Raises:
        ValueError: `most` is not between 1 and 50,000.
    """
    within("most", most, MOST_ROWS)
    return ask(con, "monitor_tools", _near(project_id, since, until, filters) | {"most": most})


@query(right="read")
def monitor_scored(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    scores: list[str],
    most: int = 20_000,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Scores of targets that began in the window, as `monitor_scores` counts them, some `most` of each name.

    name, ruler, of_person, trace_id (text; null: of a session), span_id (16 hex digits; null: of a trace or session),
    session_id (null: of none), start_time, failed, amount (null: it failed, or has no value), label, scale (JSON; null:
    not told), given (when), total (of the name and ruler), cluster, what tells it apart (of a trace or session its
    first call).

    Raises:
        ValueError: `most` is not between 1 and 50,000.
    """
    within("most", most, MOST_ROWS)
    return ask(con, "monitor_scored", _targets(project_id, (since, until), scores, filters) | {"most": most})


@query(right="read")
def monitor_run(con: DuckDBPyConnection, project_id: int, run_id: UUID, score: str, most: int = 20_000) -> pa.Table:
    """Rows of a run, some `most` of them: trace_id (text; null: none), amount, failed, cluster, ruler, total.

    amount is what the evaluator that the suite calls `score` said (null: nothing, or it failed); ruler: its name and
    version; null: the run does not tell. In order of place and repeat; no rows: there is no such run, or it has none.

    Raises:
        ValueError: `most` is not between 1 and 50,000.
    """
    within("most", most, MOST_ROWS)
    pointer = "/evaluators/" + score.replace("~", "~0").replace("/", "~1")
    asked = {"project_id": project_id, "run_id": run_id, "score": score, "pointer": pointer, "most": most}
    return ask(con, "monitor_run", asked)


def _steps(bucket_us: int) -> dict[str, object]:
    within("bucket_us", bucket_us, 2**62)
    return {"bucket_us": bucket_us}


def _targets(
    project_id: int,
    window: tuple[datetime, datetime],
    scores: list[str],
    filters: CallFilters,
    *,
    with_person: bool = False,
) -> dict[str, object]:
    """The parameters of the parts `monitor_targets` and `monitor_sliced`."""
    asked = kept(project_id, *window, filters) | {"scores": scores, "beyond": BEYOND}
    return asked | {"with_person": with_person, "sliced": _narrowed(filters)}


def _near(project_id: int, since: datetime, until: datetime, filters: CallFilters) -> dict[str, object]:
    """The parameters of queries of spans that the part `monitor_near` narrows down."""
    around = {"earlier": since - _DAY, "later": until + _DAY}
    return kept(project_id, since, until, filters) | around | {"sliced": _narrowed(filters)}


def _narrowed(filters: CallFilters) -> bool:
    return any(value is not None for value in filters.values())


def _drawn(bucket_us: int | None, most: int, per_cell: int | None) -> dict[str, object]:
    """The parameters of the part `monitor_drawn`."""
    within("most", most, MOST_ROWS)
    steps = {"bucket_us": None} if bucket_us is None else _steps(bucket_us)
    return {**steps, "most": most, "per_cell": per_cell or most, "cell_us": CELL // _MICROSECOND}


def _of_whole_traces(  # noqa: PLR0917 - as `kept`
    con: DuckDBPyConnection, name: str, project_id: int, since: datetime, until: datetime, most: int,
    filters: CallFilters,
) -> pa.Table:  # fmt: skip
    """The answer of a query that draws by `$share` of all hashes, for some `most` calls; `total`: of how many."""
    within("most", most, MOST_ROWS)
    total = ask_few(con, "latency_rates", summed(con, project_id, since, until, filters))["calls"][0].as_py()
    share = min(1.0, most / max(total, 1))
    found = ask(con, name, kept(project_id, since, until, filters) | {"share": share})
    return found.append_column("total", pa.array([total] * found.num_rows, pa.int64()))
