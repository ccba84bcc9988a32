"""How latency changed against the time before, and where traces spend theirs: queries, with `analytics` upon them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
from fastapi import Request, Response

from analytics import critical_path, differences, intervals
from analytics.intervals import Estimate
from server.api.answers import answer_of
from server.api.asking import parameters, params_of, project_of, responses
from server.api.context import Here
from server.api.rights import needs, router
from store import queries
from store.readers import Answer

RATES = {"error_rate": ("failed", "calls"), "retry_rate": ("retries", "asked")}
"""Measure -> of `latency_rates`, what is counted and among how many."""
NUMBER = pa.float64()
CHANGES = pa.schema(
    [("measure", pa.string()), ("quantile", NUMBER)]
    + [(f"{name}{end}", NUMBER) for name in ("value", "before", "difference") for end in ("", "_low", "_high")]
    + [("n", pa.int64()), ("before_n", pa.int64()), ("clear", pa.bool_())]
)
PARTS = pa.schema(
    [("kind", pa.string()), ("unattributed", pa.bool_()), ("path_ns", pa.int64())]
    + [(name, NUMBER) for name in ("share", "low", "high")]
    + [("traces", pa.int64()), ("n", pa.int64()), ("sampled_of", pa.int64()), ("guessed", pa.bool_())]
)

routes = router()


def _parameters() -> list[dict[str, Any]]:
    """Those of `latency_quantiles`, with the rates for measures too."""
    told = parameters(queries.get("latency_quantiles"))
    return [
        {**one, "schema": {**one["schema"], "enum": [*one["schema"]["enum"], *RATES]}}
        if one["name"] == "measure"
        else one
        for one in told
    ]


@routes.get(
    "/api/latency/periods",
    tags=["latency"],
    dependencies=[needs("read")],
    openapi_extra={"parameters": _parameters(), "responses": responses()},
)
def periods(request: Request, here: Here) -> Response:
    """One measure of the window, and of as much time before it: a row per quantile, one alone for a rate.

    `value`, `before` and `difference` (the former less the latter), each with its 95 % interval (_low, _high), in
    nanoseconds, tokens per second, or as a share; `n` and `before_n` calls. Quantiles: by order statistics, rates:
    Wilson, differences: both squared and added (Newcombe 1998). `clear`: the interval of the difference leaves 0 out;
    null: there is none to tell. Bounds are pointwise, and take calls for independent of one another.
    """
    asked = params_of(request)
    measure = asked.pop("measure", "duration")
    name = "latency_rates" if measure in RATES else "latency_quantiles"
    asked |= {} if measure in RATES else {"measure": measure}
    window = queries.get(name).parse(asked)
    since, until = window["since"], window["until"]
    before = {"since": _back(since, until - since), "until": since}  # type: ignore[operator, arg-type]  # parsed: times
    now, then = (here.core.run(name, project_of(request), asked | times) for times in ({}, before))
    rows = (_rates if measure in RATES else _quantiles)(str(measure), now.table, then.table)
    return answer_of(request, Answer(pa.Table.from_pylist(rows, CHANGES), now.watermark, now.truncated))


def _back(since: datetime, length: timedelta) -> datetime:
    """Before the year 1 there is no time."""
    return since - min(abs(length), since - datetime.min)  # noqa: DTZ901 - UTC without a zone


def _rates(measure: str, now: pa.Table, then: pa.Table) -> list[dict[str, Any]]:
    hits, among = RATES[measure]
    (a,), (b,) = then.to_pylist(), now.to_pylist()
    return [_change(measure, None, *(intervals.rate(side[hits], side[among]) for side in (a, b)))]


def _quantiles(measure: str, now: pa.Table, then: pa.Table) -> list[dict[str, Any]]:
    return [
        _change(
            measure, b["quantile"], *(Estimate(side["value"], side["low"], side["high"], side["n"]) for side in (a, b))
        )
        for a, b in zip(then.to_pylist(), now.to_pylist(), strict=True)
    ]


def _change(measure: str, quantile: float | None, before: Estimate, after: Estimate) -> dict[str, Any]:
    found = differences.of_estimates(before, after)
    sides = (("value", after), ("before", before), ("difference", found))
    told = {f"{name}{end}": number for name, side in sides for end, number in _ends(side)}
    rest = {"n": after.n, "before_n": before.n, "clear": differences.clear(found)}
    return {"measure": measure, "quantile": quantile, **told, **rest}


def _ends(estimate: Estimate) -> tuple[tuple[str, float | None], ...]:
    return ("", estimate.value), ("_low", estimate.low), ("_high", estimate.high)


@routes.get(
    "/api/latency/paths",
    tags=["latency"],
    dependencies=[needs("read")],
    openapi_extra={"parameters": parameters(queries.get("latency_sample")), "responses": responses()},
)
def paths(request: Request, here: Here) -> Response:
    """Where the time of traces goes: share of each kind of span on the critical path, over the query `latency_sample`.

    A row per kind, the largest first: `path_ns`, `share` (0 to 1) with its 95 % interval (`low`, `high`; the trace is
    the cluster; null for one trace), `traces` that have the kind on their path, `n` traces of the sample, drawn from
    `sampled_of`, which is a guess where they are many (`guessed`). `unattributed`: time within a trace when no span
    ran; its kind is null. Long traces weigh more.
    """
    found = here.core.run("latency_sample", project_of(request), params_of(request))
    return answer_of(request, Answer(_paths(found.table), found.watermark, found.truncated))


def _paths(spans: pa.Table) -> pa.Table:
    if not spans.num_rows:
        return PARTS.empty_table()
    frame = spans.to_pandas()
    of, guessed = int(frame["sampled_of"].iloc[0]), bool(frame["guessed"].iloc[0])
    told = critical_path.shares(critical_path.breakdown(frame)).assign(sampled_of=of, guessed=guessed)
    return pa.Table.from_pandas(pd.DataFrame(told), PARTS, preserve_index=False)
