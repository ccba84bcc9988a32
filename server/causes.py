"""Why reported costs differ from ours: sampled calls, what they would cost at other prices, and the likely cause."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analytics import integrity
from analytics.integrity import Evidence, Finding
from collectors.pricing import library
from collectors.pricing.bulk import price_columns

MOST_CHANGES = 6  # of list prices that are tried, the latest
TIERS = ("batch", "flex", "priority")
PART = pa.struct(
    [("cause", pa.string()), ("said", pa.string()), ("calls", pa.int64()), ("share", pa.float64()),
     ("share_low", pa.float64()), ("share_high", pa.float64()), ("explained_usd", pa.float64())]
)  # fmt: skip
COLUMNS = pa.schema(
    [("cause", pa.string()), ("said", pa.string()), ("share", pa.float64()), ("share_low", pa.float64()),
     ("share_high", pa.float64()), ("explained_usd", pa.float64()), ("sampled", pa.int64()), ("off", pa.int64()),
     ("also", pa.list_(pa.string())), ("parts", pa.list_(PART))]
)  # fmt: skip
"""What is said of the cause of each model."""
NOTHING: dict[str, Any] = dict.fromkeys(COLUMNS.names) | {"sampled": 0, "off": 0, "also": [], "parts": []}


def with_causes(reported: pa.Table, sample: pa.Table) -> pa.Table:
    """Rows of `integrity_reported` by model with the columns of `COLUMNS`, from the rows of `integrity_sample`."""
    told = {one.model: _told(one) for one in found(sample)}
    rows = [told.get(model, NOTHING) for model in reported["value"].to_pylist()]
    causes = pa.Table.from_pylist(rows, COLUMNS)
    return pa.Table.from_arrays([*reported.columns, *causes.columns], [*reported.column_names, *COLUMNS.names])


def furthest(reported: pa.Table, models: int) -> dict[str, object]:
    """What `integrity_sample` need not count again: `among` and `among_compared`, from rows of `integrity_reported`.

    Of the models with compared calls those furthest apart, as that query takes them itself. Nothing where one of them
    is unknown, which `among` cannot say.
    """
    rows = [row for row in reported.to_pylist() if row["compared"]]
    rows.sort(key=lambda row: (-_apart(row), -row["compared"], row["value"] is None, row["value"]))
    told = {row["value"]: row["compared"] for row in rows[:models]}
    return {} if None in told else {"among": list(told), "among_compared": list(told.values())}


def _apart(row: Mapping[str, Any]) -> float:
    return abs(float(row["compared_reported_usd"]) - float(row["compared_computed_usd"]))


def found(sample: pa.Table) -> Sequence[Finding]:
    """One finding a model, over its calls in the sample. Those of the latest samples are kept: they change seldom."""
    if not sample.num_rows:
        return []
    content = _digest(sample)
    with _lock:
        known = _latest.get(content)
    if known is None:
        known = integrity.findings(sample.to_pandas(), candidates(sample), by="model")
        with _lock:
            _latest[content] = known
            if len(_latest) > LATEST:
                del _latest[next(iter(_latest))]
    return known


LATEST = 32
_latest: dict[bytes, Sequence[Finding]] = {}
_lock = threading.Lock()


def _digest(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return blake2b(sink.getvalue(), digest_size=32).digest()


def candidates(calls: pa.Table) -> dict[str, pd.Series[float]]:
    """Costs of the calls at prices that a sender may have used instead; null where there is no other price."""
    offered = {}
    for label, other in _priced_otherwise(calls):
        costs = np.asarray(pc.fill_null(other, np.nan))
        if not np.isnan(costs).all():
            offered[label] = pd.Series(costs)
    return offered


def _priced_otherwise(calls: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    own = pc.equal(pc.fill_null(calls["price_source"], ""), "own")
    if pc.any(own).as_py():
        yield "the list price, not the project's own", _only(price_columns(calls)["cost_usd"], own)
    for day, of in sorted(_changes(calls).items(), reverse=True)[:MOST_CHANGES]:
        changed = pc.is_in(pc.coalesce(calls["response_model"], calls["request_model"]), pa.array(of, pa.string()))
        for label, at in ((f"stale price: of before {day}", day - timedelta(days=1)), (f"price of {day} on", day)):
            moment = pa.scalar(datetime.combine(at, time()), pa.timestamp("us"))
            moved = _replaced(calls, "start_time", pa.array([moment.as_py()] * calls.num_rows, pa.timestamp("us")))
            yield label, _only(price_columns(moved)["cost_usd"], changed)
    for tier in TIERS:
        other = price_columns(_replaced(calls, "service_tier", pa.array([tier] * calls.num_rows, pa.string())))
        yield f"price of the {tier} tier", _only(other["cost_usd"], pc.equal(other["price_status"], "priced"))
    yield from _less_told(calls)


def _less_told(calls: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Prices of a sender that looks at less of the call than we do; none where no call tells more."""
    for name, label in (
        ("response_model", "price of the model that was asked for"),
        ("service_tier", "price of the standard tier"),
        ("usage_details", "plain counts alone, without audio and lifetimes of the cache"),
    ):
        told = pc.is_valid(calls[name])
        if pc.any(told).as_py():
            less = price_columns(_replaced(calls, name, pa.nulls(calls.num_rows, pa.string())))
            yield label, _only(less["cost_usd"], told)


def _changes(calls: pa.Table) -> dict[date, list[str]]:
    """The days on which the list price of a model of the sample changed, with these models."""
    pairs = {
        (row["provider"], row["response_model"] or row["request_model"])
        for row in calls.select(["provider", "request_model", "response_model"])
        .group_by(["provider", "request_model", "response_model"])
        .aggregate([])
        .to_pylist()
    }
    days: dict[date, list[str]] = {}
    for provider, model in pairs:
        for day in library.price_changes(provider, model) if model else ():
            days.setdefault(day, []).append(model)
    return days


def _replaced(calls: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return calls.set_column(calls.schema.get_field_index(name), name, column)


def _only(costs: pa.ChunkedArray, where: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(where, costs, pa.scalar(None, pa.float64()))


def _told(one: Finding) -> Mapping[str, Any]:
    if one.cause is None:
        return NOTHING
    best = one.evidence
    words = _mixed(one) if best is None else integrity.said(best.cause, best.label, best.ratio)
    share = (None, None, None) if best is None else (best.share.value, best.share.low, best.share.high)
    return {
        "cause": one.cause, "said": words, "share": share[0], "share_low": share[1], "share_high": share[2],
        "explained_usd": None if best is None else best.explained_usd, "sampled": one.compared, "off": one.off,
        "also": _words(one.also), "parts": [_part(part) for part in one.parts],
    }  # fmt: skip


def _mixed(one: Finding) -> str:
    """Of several causes, or one in some calls alone, the most frequent."""
    if one.cause != "mixed" or not one.parts:
        return integrity.SAID[one.cause or "unknown"]
    first, *rest = one.parts
    more = f", and {len(rest)} more" if rest else ""
    return f"in part {integrity.said(first.cause, first.label, first.ratio)}{more}"


def _words(evidence: Sequence[Evidence]) -> list[str]:
    return [integrity.said(one.cause, one.label, one.ratio) for one in evidence]


def _part(part: Evidence) -> dict[str, Any]:
    return {
        "cause": part.cause, "said": integrity.said(part.cause, part.label, part.ratio), "calls": part.calls,
        "share": part.share.value, "share_low": part.share.low, "share_high": part.share.high,
        "explained_usd": part.explained_usd,
    }  # fmt: skip
