"""Public traces of serving systems, through a real server: sums against pandas, percentiles against numpy.

    python benchmarks/serving.py           # reads ../shared/data

Azure's trace of 2023 and Mooncake's (with the prefix blocks that a cache would have held) tell tokens, LLMPerf's raw
requests latencies and failures. Exits with 1 when any figure is another one.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
from _server import Server, shared
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.client import Client

BLOCK = 512  # tokens that one of Mooncake's hashes stands for
BATCH = 1_000
START = datetime(2026, 1, 5, tzinfo=UTC)
QUANTILES = (0.5, 0.9, 0.95, 0.99)


def azure(folder: Path) -> pd.DataFrame:
    """A row per call: start_ns, input, output."""
    told = pd.read_csv(folder / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv.gz", parse_dates=["TIMESTAMP"])
    names = {"ContextTokens": "input", "GeneratedTokens": "output"}
    return told.rename(columns=names).assign(start_ns=told["TIMESTAMP"].astype("datetime64[ns]").astype("int64"))


def mooncake(folder: Path) -> pd.DataFrame:
    """A row per call: start_ns, input, output, cached (tokens of blocks that an earlier call began with)."""
    path = folder / "mooncake" / "conversation_trace_first_half_hour.jsonl.gz"
    told = pd.read_json(path, lines=True)
    seen: set[int] = set()
    cached = []
    for blocks, length in zip(told["hash_ids"], told["input_length"], strict=True):
        known = next((place for place, block in enumerate(blocks) if block not in seen), len(blocks))
        cached.append(min(known * BLOCK, length))
        seen.update(blocks)
    start = int(START.timestamp() * 1e9)
    return pd.DataFrame({
        "start_ns": start + told["timestamp"].to_numpy(dtype="int64") * 1_000_000,
        "input": told["input_length"], "output": told["output_length"], "cached": cached,
    })  # fmt: skip


def llmperf(folder: Path) -> pd.DataFrame:
    """A row per call, ten seconds apart: start_ns, model, duration_ns, ttft_ns, output, failed; null: failed."""
    lines = gzip.decompress((folder / "llmperf" / "llmperf_individual.jsonl.gz").read_bytes()).splitlines()
    told = pd.DataFrame([json.loads(line) for line in lines])
    failed = told["error_code"].notna()
    nanoseconds = {
        name: (told[column].astype(float) * 1e9).round().where(~failed).astype("Int64")
        for name, column in (("duration_ns", "end_to_end_latency_s"), ("ttft_ns", "ttft_s"))
    }
    starts = int(START.timestamp() * 1e9) + np.arange(len(told)) * 10_000_000_000
    return pd.DataFrame({
        "start_ns": starts, "model": told["provider_model"], "failed": failed,
        "output": told["number_output_tokens"].where(~failed).astype("Int64"), **nanoseconds,
    })  # fmt: skip


def bodies(calls: pd.DataFrame, service: str) -> Iterator[bytes]:
    """Export requests of a trace of one span per call."""
    for first in range(0, len(calls), BATCH):
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        _tell(group.resource.attributes.add(), "service.name", service)
        spans = group.scope_spans.add()
        for number, call in enumerate(calls.iloc[first : first + BATCH].to_dict("records"), first + 1):
            _span(spans.spans.add(), service, number, call)
        yield request.SerializeToString()


def _span(span: Any, service: str, number: int, call: dict[str, Any]) -> None:
    span.trace_id = service.encode().ljust(8)[:8] + number.to_bytes(8, "big")
    span.span_id = number.to_bytes(8, "big")
    span.name = "chat"
    span.start_time_unix_nano = call["start_ns"]
    lasts = call.get("duration_ns")
    span.end_time_unix_nano = call["start_ns"] + (1_000_000 if lasts is None or pd.isna(lasts) else int(lasts))
    if call.get("failed"):
        span.status.code = 2
    told = {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": call.get("model", service),
        "gen_ai.usage.input_tokens": call.get("input"), "gen_ai.usage.output_tokens": call.get("output"),
        "gen_ai.usage.cache_read.input_tokens": call.get("cached"),
        "gen_ai.response.time_to_first_chunk": None if pd.isna(call.get("ttft_ns", pd.NA)) else call["ttft_ns"] / 1e9,
    }  # fmt: skip
    for key, value in told.items():
        if value is not None and not pd.isna(value):
            _tell(span.attributes.add(), key, value)


def _tell(attribute: Any, key: str, value: Any) -> None:
    attribute.key = key
    if isinstance(value, str):
        attribute.value.string_value = value
    elif isinstance(value, float):
        attribute.value.double_value = value
    else:
        attribute.value.int_value = int(value)


def window(calls: pd.DataFrame) -> dict[str, datetime]:
    first, last = (
        datetime.fromtimestamp(ns // 10**9, UTC) for ns in (calls["start_ns"].min(), calls["start_ns"].max())
    )
    return {"since": first, "until": last + timedelta(seconds=1)}


Check = tuple[str, float | int | None, float | int | None]
"""What, ours, theirs."""


def sums(client: Client, service: str, calls: pd.DataFrame) -> Iterator[Check]:
    found = client.query("calls_totals", service=service, **window(calls)).frame.iloc[0]
    named = {"input": "input_tokens", "output": "output_tokens", "cached": "cache_read_tokens"}
    yield "calls", int(found["calls"]), len(calls)
    for column, name in named.items():
        if column in calls:
            yield name, int(found[name]), int(calls[column].sum())


def latencies(client: Client, service: str, calls: pd.DataFrame) -> Iterator[Check]:
    """Nanoseconds, all calls together and model by model."""
    asked = {"service": service, **window(calls)}
    rates = client.query("latency_rates", **asked).frame.iloc[0]
    yield "failed", int(rates["failed"]), int(calls["failed"].sum())
    for measure in ("duration", "ttft"):
        known = calls[f"{measure}_ns"].dropna().astype("int64")
        found = client.query("latency_quantiles", measure=measure, **asked).frame
        for q, ours in zip(found["quantile"], found["value"], strict=True):
            yield f"{measure} p{q * 100:g}", float(ours), float(np.percentile(known, q * 100))
        by = client.query("latency_by", dimension="model", measure=measure, **asked).frame.set_index("value")
        for model, part in calls.groupby("model"):
            own = part[f"{measure}_ns"].dropna().astype("int64")
            for name, q in (("p50", 50), ("p95", 95), ("p99", 99)):
                yield f"{measure} {name} of {model}", float(by.loc[model, name]), float(np.percentile(own, q))


def main() -> int:
    folder = shared("data")
    if folder is None:
        return 0
    sources = {"azure": (azure, sums), "mooncake": (mooncake, sums), "llmperf": (llmperf, latencies)}
    wrong = 0
    with tempfile.TemporaryDirectory() as data_dir, Server(Path(data_dir) / "data") as server:
        client = Client(server.api, timeout_s=60)
        for service, (read, check) in sources.items():
            calls = read(folder)
            for body in bodies(calls, service):
                headers = {"content-type": "application/x-protobuf"}
                httpx.post(f"{server.otlp}/v1/traces", content=body, headers=headers, timeout=60).raise_for_status()
            client.settle()
            checks = list(check(client, service, calls))
            other = [(what, ours, theirs) for what, ours, theirs in checks if not _equal(ours, theirs)]
            print(f"{service}: {len(calls):,} calls, {len(checks) - len(other)} of {len(checks)} figures equal")
            for what, ours, theirs in other or checks[:4]:
                print(f"  {what}: {ours} and {theirs}")
            wrong += len(other)
    return 1 if wrong else 0


def _equal(ours: float | None, theirs: float | None) -> bool:
    """Whole numbers to the last digit; interpolated ones to the last that a float of their size holds."""
    return ours == theirs or (ours is not None and theirs is not None and abs(ours - theirs) <= 1e-12 * abs(theirs))


if __name__ == "__main__":
    sys.exit(main())
