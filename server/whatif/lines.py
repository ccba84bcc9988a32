"""Recorded calls out of a file of JSON lines, as the rows that the reports take: no server, no store.

A line is one call as `assay price` reads it (`provider`, `model`, `timestamp`, `usage`, `duration_s`), and besides:
`messages` (or `input`, `prompt`; any provider's form), `system`, `tools`, `output` (or `response`, `completion`),
`session_id`, `trace_id`, `error` (anything true: the call failed), `ttft_s`, `score` (a number, higher is better), and
`parameters` (what else the answer depends on, as temperature). What is absent is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from analytics import whatif_carbon as carbon
from collectors.conventions.values import dumps, number
from collectors.messages import messages
from collectors.pricing.own import OwnPrice
from collectors.pricing.price import price
from server.pricing import UnreadableLineError, call_of, read_line, told
from server.whatif import caching, routing, texts, topics
from server.whatif import carbon as emitted
from server.whatif.sampling import BATCHES, Sample, Whole

SENT, SAID = ("messages", "input", "prompt"), ("output", "response", "completion")
COUNTS = {
    "input_tokens": "input_tokens", "output_tokens": "output_tokens", "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens", "output_reasoning_tokens": "reasoning_tokens",
}  # fmt: skip
"""Unit of a price -> column of `calls`."""
CLASSES = ("input_usd", "cache_read_usd", "cache_write_usd")
_FLOATS = ("cost_usd", *CLASSES, "score")
_WHOLE = ("duration_ns", "ttft_ns", *COUNTS.values(), "tools", "turn", "tool_definitions_id")
Row = dict[str, Any]


def read(lines: Iterable[bytes], own: Sequence[OwnPrice]) -> pd.DataFrame:
    """One row per line that is not empty, in order of time; columns as of `whatif_texts` and `whatif_calls`.

    Raises:
        UnreadableLineError: a line holds no call; names the line, and why.
    """
    frame = pd.DataFrame(list(_rows(lines, own)), columns=_COLUMNS)
    typed: dict[str, Any] = {name: pd.array(frame[name].tolist(), "Int64") for name in _WHOLE}
    typed |= {name: pd.array(frame[name].tolist(), "Float64") for name in _FLOATS}
    return frame.assign(**typed, start_time=pd.to_datetime(frame["start_time"], utc=True).dt.as_unit("us")).sort_values(
        "start_time", kind="stable", ignore_index=True
    )


def _rows(lines: Iterable[bytes], own: Sequence[OwnPrice]) -> Iterator[Row]:
    for place, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = read_line(line)
                yield _row(row, place, own)
            except UnreadableLineError as error:
                raise UnreadableLineError(f"Line {place} cannot be read: {error}") from None


def _row(row: Row, place: int, own: Sequence[OwnPrice]) -> Row:
    call = call_of(row)
    cost = told(price(call, own))
    sent, said = (_first(row, names) for names in (SENT, SAID))
    tools, system = row.get("tools"), row.get("system")
    parameters = row.get("parameters")
    model = call.response_model or call.request_model
    turns = sum(message["role"] == "assistant" for message in messages(texts.written(sent), None, "input"))
    return {
        "trace_id": str(row.get("trace_id") or row.get("session_id") or row.get("id") or place),
        "span_id": str(row.get("id") or place), "start_time": call.at, "duration_ns": _ns(row, "duration_s"),
        "ttft_ns": _ns(row, "ttft_s"), "failed": bool(row.get("error")), "provider": call.provider, "model": model,
        "request_model": call.request_model, "response_model": call.response_model, "service_tier": call.tier,
        **{column: call.usage.get(unit) for unit, column in COUNTS.items()}, "usage_details": None,
        "cost_usd": cost["cost_usd"], **_classes(cost), "session_id": row.get("session_id"),
        "input": texts.written(sent), "input_key": None, "output": texts.written(said), "output_key": None,
        "system_instructions": texts.written(system), "tool_definitions_id": tools and crc32(dumps(tools).encode()),
        "parameters": dumps(parameters) if parameters else "", "tools": len(tools) if isinstance(tools, list) else 0,
        "turn": turns, "score": number(row.get("score")), "drawn": True,
    }  # fmt: skip


_COLUMNS = [
    "trace_id", "span_id", "start_time", "duration_ns", "ttft_ns", "failed", "provider", "model", "request_model",
    "response_model", "service_tier", *COUNTS.values(), "usage_details", "cost_usd", *CLASSES, "session_id", "input",
    "input_key", "output", "output_key", "system_instructions", "tool_definitions_id", "parameters", "tools", "turn",
    "score", "drawn",
]  # fmt: skip


def _first(row: Row, names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _ns(row: Row, name: str) -> int | None:
    seconds = number(row.get(name))
    return None if seconds is None else round(seconds * 1e9)


def _classes(cost: Mapping[str, Any]) -> Row:
    """What input cost by class; null where the call has no cost."""
    if cost["cost_usd"] is None:
        return dict.fromkeys(CLASSES)
    sums = dict.fromkeys(CLASSES, 0.0)
    for unit, line in cost["breakdown"].items():
        kind = next((name for name in ("cache_read", "cache_write") if unit.startswith(name)), None)
        if kind or unit.startswith("input"):
            sums[f"{kind or 'input'}_usd"] += line["usd"]
    return sums


def caching_report(calls: pd.DataFrame, own: Sequence[OwnPrice], options: caching.Options) -> Row:
    """As `/api/whatif/caching`, of all lines."""
    batches = min(BATCHES, max(len(calls), 1))
    marked = calls.assign(measured=True, stretch=0, slice=np.arange(len(calls)) * batches // max(len(calls), 1))
    parts = [calls[name].sum(min_count=1) for name in CLASSES]
    whole = Whole(
        len(calls), int(calls["failed"].sum()), int(calls["cost_usd"].notna().sum()), _none(calls["cost_usd"]),
        None if any(pd.isna(part) for part in parts) else float(sum(parts)), _none(calls["input_tokens"]),
        _none(calls["output_tokens"]),
    )  # fmt: skip
    sample = Sample(marked, whole, options.ttl // timedelta(microseconds=1) * 1_000, batches, batches, census=True)
    return caching.report(sample, own, options)


def _none(column: pd.Series) -> Any:
    found = column.sum(min_count=1)
    return None if pd.isna(found) else np.asarray(found).item()


def routing_report(calls: pd.DataFrame, own: Sequence[OwnPrice], options: routing.Options) -> Row:
    """As `/api/whatif/routing`, of all lines."""
    traces = calls["trace_id"].nunique()
    span = [
        moment.to_pydatetime().replace(tzinfo=None) for moment in (calls["start_time"].min(), calls["start_time"].max())
    ]
    whole = {"calls": len(calls), "usd": _none(calls["cost_usd"]), "priced": int(calls["cost_usd"].notna().sum())}
    asked = [None if pd.isna(sent) else texts.wanted(sent, None) for sent in calls["input"]]
    calls = topics.marked(calls.assign(drawn_of=traces), asked)
    return routing.compose(calls, own, options, whole, ("score", []), (span[0], span[1]))


def carbon_report(calls: pd.DataFrame, zone: str) -> Row:
    """As `/api/whatif/carbon`, of all lines.

    Raises:
        UnknownZoneError: no electricity mix has this name.
    """
    carbon.check_zone(zone)
    months = calls["start_time"].dt.tz_convert(None).dt.to_period("M").dt.start_time.dt.date
    frame = calls.assign(month=months, told=calls["output_tokens"].notna())
    for place, end in enumerate(("low", "high")):
        frame[f"seconds_{end}"] = [_seconds(row, zone, place) for row in frame.to_dict("records")]
    sums = frame.groupby(["month", "model"], dropna=False).agg(
        calls=("told", "size"), told=("told", "sum"), output_tokens=("output_tokens", "sum"),
        seconds_low=("seconds_low", "sum"), seconds_high=("seconds_high", "sum"),
    )  # fmt: skip
    return emitted.told(sums.reset_index(), zone)


def _seconds(row: Mapping[Any, Any], zone: str, place: int) -> float:
    """Of generating; 0 where it is unknown, and then the tokens are too, or the model."""
    found = carbon.factors(row["model"], zone) if isinstance(row["model"], str) else None
    if found is None or pd.isna(row["output_tokens"]):
        return 0.0
    expected = row["output_tokens"] * found.seconds_per_token[place] + found.first_token_s
    return float(expected if pd.isna(row["duration_ns"]) else min(expected, row["duration_ns"] / 1e9))
