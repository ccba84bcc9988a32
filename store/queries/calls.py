"""Questions about what model and embedding calls cost, over table `calls`. Windows are half-open, by the call's start.

A call counts once, in the row of usage role `leaf`. `CallFilters` are exact, null filters nothing. The cluster of every
interval is the trace: calls of one trace are not independent of one another.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypedDict, Unpack

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query

Dimension = Literal[
    "model", "provider", "service", "environment", "release", "user", "session", "prompt", "variant", "tool", "tag"
]
"""What calls are told apart by: `value` of the part `calls_kept`. A prompt is its name and version, `answer@3`."""


class CallFilters(TypedDict, total=False):
    """What narrows the calls down; null: any."""

    kind: Literal["llm", "embedding"] | None
    service: str | None
    environment: str | None
    model: str | None  # that answered, else that was asked for
    provider: str | None
    release: str | None
    session_id: str | None
    user_id: str | None
    variant: str | None
    prompt: str | None  # name and version, `answer@3`; the name alone where there is no version
    tag: str | None  # one of the trace
    tool: str | None  # within which the call was made


def kept(
    project_id: int, since: datetime, until: datetime, filters: CallFilters, dimension: Dimension | None = None
) -> dict[str, object]:
    """The parameters of the part `calls_kept`; `dimension` null: its `value` is null."""
    window = {"project_id": project_id, "since": since, "until": until, "dimension": dimension}
    return {**window, **dict.fromkeys(CallFilters.__annotations__), **filters}


@query(right="read")
def calls_totals(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, **filters: Unpack[CallFilters]
) -> pa.Table:
    """One row of sums over the calls; counts are 0 and sums null where there is none, or none told.

    calls = failed ones included; failed; priced (of them estimated: a class of tokens was not told); unpriced: without
    a cost, but for failed ones that told no usage, which are silent_failures; unknown_usage: ended well and told no
    tokens. Costs are US dollars, by class of tokens too (other_usd:
    searches, requests, hardware), reported_usd is what senders computed; tokens are those of all calls, input with
    cache, output with reasoning.
    """
    return ask(con, "calls_totals", kept(project_id, since, until, filters))
