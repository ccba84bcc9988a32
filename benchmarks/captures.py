"""Replays recorded OTLP requests of real instrumentors and compares the store with what the model server logged.

usage: python benchmarks/captures.py [--only TEXT] [--times N] [--shuffle SEED] [--server] [--kill] [--verbose]

The captures lie in `$ASSAY_SHARED/otlp` (default ../shared/otlp); without them nothing is compared, and it says so.
In process (default) every request goes through decode, normalise, the real store in a temporary folder, and the
resolver. With --server it goes over HTTP to `assay serve`; --kill then kills that process between requests.

Two shares are told. Totals: (capture, total) pairs that equal the truth. Fields: (model call, field) pairs that do.
A pair counts only where the capture's `in_bytes` says that the value was sent at all.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
from _server import Server

from collectors.messages import messages
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest

SHARED = Path(os.environ.get("ASSAY_SHARED", "../shared")) / "otlp"
FINISH = {
    "stop": "stop", "end_turn": "stop", "STOP": "stop", "completed": "stop", "tool_calls": "tool_call",
    "tool_use": "tool_call", "length": "length", "max_tokens": "length", "MAX_TOKENS": "length",
}  # fmt: skip
GRPC_SERVICES = {
    "traces": "trace.v1.TraceService",
    "logs": "logs.v1.LogsService",
    "metrics": "metrics.v1.MetricsService",
}
KILL_SHARE = 0.1  # of the requests are followed by a kill
TOTALS = {
    "llm_calls_ok": "model_calls_ok", "llm_calls_failed": "model_calls_failed", "embedding_calls": "embedding_calls",
    "embedding_input_tokens": "embedding_input_tokens", "input_tokens": "input_tokens",
    "output_tokens": "output_tokens", "cache_read_tokens": "cache_read_tokens",
    "cache_creation_tokens": "cache_write_tokens", "reasoning_tokens": "reasoning_tokens",
    "tool_executions": "tool_executions", "tool_executions_failed": "tool_executions_failed",
}  # fmt: skip
USAGE = {
    "input": "input_tokens", "output": "output_tokens", "cache_read": "cache_read_tokens",
    "cache_creation": "cache_write_tokens", "reasoning": "reasoning_tokens",
}  # fmt: skip
CALLS = """
    select s.trace_id::varchar as trace_id, epoch_ns(s.start_time) as start_ns, s.response_id,
           coalesce(d.request_model, s.request_model) as request_model,
           coalesce(d.response_model, s.response_model) as response_model,
           coalesce(d.input_tokens, s.input_tokens) as input_tokens,
           coalesce(d.output_tokens, s.output_tokens) as output_tokens,
           coalesce(d.cache_read_tokens, s.cache_read_tokens) as cache_read_tokens,
           coalesce(d.cache_write_tokens, s.cache_write_tokens) as cache_write_tokens,
           coalesce(d.reasoning_tokens, s.reasoning_tokens) as reasoning_tokens,
           coalesce(d.finish_reason, s.finish_reason) as finish_reason,
           coalesce(d.input, s.input) as input, case when d.input is null then s.input_key end as input_key,
           coalesce(d.output, s.output) as output, case when d.output is null then s.output_key end as output_key,
           coalesce(d.system_instructions, s.system_instructions) as system_instructions,
           s.status = 'error' or coalesce(d.error_type, s.error_type) is not null as failed
    from spans s left join span_derived d using (project_id, trace_id, span_id)
    where s.kind = 'llm' and coalesce(d.usage_role, s.usage_role) = 'leaf'
    order by s.start_time, s.span_id
"""


@dataclass
class Capture:
    """One recorded run of one instrumentor."""

    folder: Path
    expected: dict[str, Any]
    requests: list[ExportRequest]
    traces: set[str] = field(default_factory=set)
    sent: str = ""  # all texts that were sent, for asking whether a text was

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def truth(self) -> dict[str, Any]:
        return self.expected["truth"]


@dataclass(frozen=True)
class Pair:
    """One comparison."""

    capture: str
    what: str
    expected: object
    found: object

    @property
    def right(self) -> bool:
        return self.expected == self.found


def captures(only: str) -> list[Capture]:
    found = [read_capture(path.parent) for path in sorted(SHARED.glob("*/*/expected.json"))]
    return [capture for capture in found if only in capture.name]


def read_capture(folder: Path) -> Capture:
    expected = json.loads((folder / "expected.json").read_text())
    capture = Capture(folder, expected, [read_request(folder, entry) for entry in expected["requests"]])
    texts: list[str] = []
    for request in capture.requests:
        decoded = decode(request.signal, request.source, request.body)
        for span in decoded.spans:
            capture.traces.add(span.trace_id.hex())
            texts += [text for pair in span.attributes.items() for text in pair if text]
            texts += [value for event in span.events for value in event.attributes.values() if value]
        for log in decoded.logs:
            texts += [value for value in (log.body, *log.attributes.values()) if value]
    capture.sent = "\n".join(texts)
    return capture


def read_request(folder: Path, entry: dict[str, Any]) -> ExportRequest:
    body = (folder / entry["file"]).read_bytes()
    if entry["file"].endswith(".gz"):
        body = gzip.decompress(body)
    source = "http-json" if ".json" in entry["file"] else "grpc" if entry["transport"] == "grpc" else "http-protobuf"
    return ExportRequest(entry["signal"], source, body, None)


# --- what the store shows


@dataclass
class Shown:
    """Rows of the store."""

    calls: dict[str, list[dict[str, Any]]]  # by trace id, hexadecimal
    summaries: dict[str, dict[str, Any]]


def in_process(requests: list[ExportRequest]) -> Shown:
    """Send the requests through the pipeline without a network."""
    from collectors.normalising.options import NormaliserOptions  # noqa: PLC0415 - not needed with --server
    from server.batches import BatchMaker  # noqa: PLC0415
    from server.resolver import Resolver  # noqa: PLC0415
    from store.database import Database  # noqa: PLC0415
    from store.readers import ReaderPool  # noqa: PLC0415
    from store.writer import Writer  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder))
        writer = Writer(database, min_free_bytes=0)
        readers = ReaderPool(database)
        resolver, maker = Resolver(readers, writer), BatchMaker(NormaliserOptions())
        for request in requests:
            decoded = decode(request.signal, request.source, request.body)
            writer.submit(maker.make(decoded, request, 1)[0]).result()
        while resolver.run_once():
            pass
        with readers.read() as con:
            shown = read_shown(con)
        resolver.stop()
        writer.close()
        database.close()
    return shown


def over_network(requests: list[ExportRequest], kills: random.Random | None) -> Shown:
    """Send the requests to `assay serve`, killed and started again between some of them; then read its store."""
    from store.database import Database  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), min_free_bytes=0).start()
        for request in requests:
            send(server, request)
            if kills and kills.random() < KILL_SHARE:
                server.kill()
                server.start()
        httpx.get(f"{server.api}/api/totals", timeout=120).raise_for_status()  # waits until all is resolved
        server.stop()
        database = Database.open(Path(folder))
        with database.lease() as con:
            shown = read_shown(con)
        database.close()
    return shown


def send(server: Server, request: ExportRequest) -> None:
    """One request over the transport that it was recorded from; raises unless it is acknowledged."""
    if request.source == "grpc":
        service = f"opentelemetry.proto.collector.{GRPC_SERVICES[request.signal]}"
        with grpc.insecure_channel(server.grpc) as channel:
            channel.unary_unary(f"/{service}/Export")(request.body, timeout=30)
        return
    kind = "application/json" if request.source == "http-json" else "application/x-protobuf"
    url = f"{server.otlp}/v1/{request.signal}"
    httpx.post(url, content=request.body, headers={"content-type": kind}, timeout=30).raise_for_status()


def read_shown(con: Any) -> Shown:
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in con.sql(CALLS).to_arrow_table().to_pylist():
        calls[row["trace_id"].replace("-", "")].append(row)
    rows = con.sql("select * replace (trace_id::varchar as trace_id) from trace_summaries").to_arrow_table().to_pylist()
    return Shown(calls, {row["trace_id"].replace("-", ""): row for row in rows})


# --- comparison


def compare(capture: Capture, shown: Shown) -> Iterator[Pair]:
    summaries = [shown.summaries[trace] for trace in sorted(capture.traces) if trace in shown.summaries]
    yield Pair(capture.name, "total: traces", len(capture.traces), len(summaries))
    yield from compare_totals(capture, summaries)
    calls = [call for trace in sorted(capture.traces) for call in shown.calls.get(trace, ())]
    yield from compare_calls(capture, calls)


def compare_totals(capture: Capture, summaries: list[dict[str, Any]]) -> Iterator[Pair]:
    expected = expected_totals(capture)
    for name, column in TOTALS.items():
        if is_told(capture, name):
            total = sum(summary[column] or 0 for summary in summaries)
            yield Pair(capture.name, f"total: {column}", expected[name], total)


def expected_totals(capture: Capture) -> dict[str, int]:
    """The truth; a call that a script made up by hand counts as the call that it says it is."""
    totals = dict(capture.truth["totals"])
    manual = capture.truth["manual_values"]
    if manual:
        totals["llm_calls_ok"] += 1
        for name, column in (
            ("input", "input_tokens"),
            ("output", "output_tokens"),
            ("cache_read", "cache_read_tokens"),
        ):
            totals[column] += manual["usage"].get(name, 0)
    return totals


def is_told(capture: Capture, total: str) -> bool:
    """Whether every part of the total was sent."""
    truth = capture.truth
    calls, usage = truth["llm_calls"], {column: name for name, column in USAGE.items()}
    column = TOTALS[total]
    if total == "llm_calls_ok":
        return all(map(is_present, calls))
    if total == "llm_calls_failed":
        return truth["totals"][total] == 0 or (tells_calls(capture) and all(map(is_failure_told, failures(truth))))
    if column in usage:
        return all(is_present(call) and call["in_bytes"]["usage"][usage[column]] is not False for call in calls)
    if total.startswith("embedding"):
        # Texts of documents stand elsewhere too; the model's name and its usage only where the call is told.
        flags = [call["in_bytes"] for call in truth["embedding_calls"]]
        return all(one["usage"]["input"] if total.endswith("tokens") else one["request_model"] for one in flags)
    return all(is_execution_told(one, has_calls=bool(calls)) for one in truth["tool_executions"])


def tells_calls(capture: Capture) -> bool:
    """False for an instrumentor that leaves model calls to another one, which was not installed."""
    return not any("no model-call spans" in note for note in capture.expected["notes"])


def failures(truth: dict[str, Any]) -> list[dict[str, Any]]:
    return truth["failed_http_attempts"]


def is_failure_told(attempt: dict[str, Any]) -> bool:
    return any(attempt["in_bytes"].values())


def is_execution_told(execution: dict[str, Any], *, has_calls: bool) -> bool:
    """Its name alone is in the model's request for it as well; only what came of it shows that it ran."""
    told = execution["in_bytes"]
    return told["name"] and (told["result"] is not False or not has_calls)


def is_present(call: dict[str, Any]) -> bool:
    told = call["in_bytes"]
    return bool(told["response_id"] or told["usage"]["input"] or told["usage"]["output"])


def compare_calls(capture: Capture, calls: list[dict[str, Any]]) -> Iterator[Pair]:
    for truth, call in matched(capture.truth["llm_calls"], calls):
        if not is_present(truth):
            continue
        yield Pair(capture.name, "present", expected=True, found=call is not None)
        for what, expected, found in fields_of(capture, truth, call or {}):
            yield Pair(capture.name, what, expected, found)


def matched(
    truths: list[dict[str, Any]], calls: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Truth and row: by response id, then by order of start."""
    by_id = {call["response_id"]: call for call in calls if call["response_id"]}
    pairs = {id(truth): by_id.get(truth["response_id"]) for truth in truths}
    used = {id(call) for call in pairs.values()}
    rest = iter(sorted((c for c in calls if id(c) not in used and not c["failed"]), key=lambda call: call["start_ns"]))
    for truth in sorted(truths, key=lambda truth: truth["started_unix_ns"]):
        if pairs[id(truth)] is None:
            pairs[id(truth)] = next(rest, None)
    return [(truth, pairs[id(truth)]) for truth in truths]


def fields_of(capture: Capture, truth: dict[str, Any], call: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    told = truth["in_bytes"]
    for name in ("request_model", "response_model", "response_id"):
        if told[name] and is_word(capture, truth[name]):
            yield name, truth[name], call.get(name)
    for name, column in USAGE.items():
        if told["usage"][name] and is_named(capture, name):
            yield column, truth["usage"][name], call.get(column)
    if told["finish_reason_verbatim"]:
        yield "finish_reason", FINISH.get(truth["finish_reason"], truth["finish_reason"]), call.get("finish_reason")
    output = messages(call.get("output"), call.get("output_key"), "output")
    if told["output_text"]:
        yield "output_text", True, truth["output_text"] in text_of(output)
    question = last_question(truth)
    if question and question in capture.sent:
        given = messages(call.get("input"), call.get("input_key"), "input")
        yield "input_text", True, question in text_of(given)
    if truth["tool_calls"] and all(told["tool_call_ids"]) and all(told["tool_call_arguments_as_object"]):
        wanted = [(one["id"], one["name"], one["arguments"]) for one in truth["tool_calls"]]
        parts = [part for message in output for part in message["parts"] if part["type"] == "tool_call"]
        yield "tool_calls", wanted, [(part.get("id"), part.get("name"), part.get("arguments")) for part in parts]


def is_word(capture: Capture, text: str) -> bool:
    """Whether the text was sent on its own: `in_bytes` also finds `gpt-5` within `gpt-5-mini`."""
    return re.search(rf"(?<![\w.-]){re.escape(text)}(?![\w.-])", capture.sent) is not None


def is_named(capture: Capture, usage: str) -> bool:
    """Whether any key tells this sort of tokens: `in_bytes` finds a number such as 82 by accident."""
    return {"cache_read": "cach", "cache_creation": "cach"}.get(usage, "") in capture.sent.lower()


def last_question(truth: dict[str, Any]) -> str | None:
    """The newest text of the user among the messages that the server received."""
    for message in reversed(truth["input_messages_as_received"] or []):
        if message.get("role") == "user":
            content = message.get("content") or message.get("parts")
            texts = [content] if isinstance(content, str) else [part.get("text") for part in content or ()]
            text = next((text for text in texts if text), None)
            if text:
                return text
    return None


def text_of(conversation: list[dict[str, Any]]) -> str:
    parts = [part for message in conversation for part in message["parts"]]
    return "\n".join(str(part.get("content", "")) for part in parts if part["type"] in {"text", "reasoning"})


# --- report


def report(pairs: list[Pair], verbose: bool) -> None:
    totals = [pair for pair in pairs if pair.what.startswith("total: ")]
    fields = [pair for pair in pairs if not pair.what.startswith("total: ")]
    table("Totals", totals, lambda pair: pair.what.removeprefix("total: "))
    table("Fields of model calls", fields, lambda pair: pair.what)
    table("Set-ups", pairs, lambda pair: pair.capture.partition("/")[0])
    wrong = [pair for pair in pairs if not pair.right]
    shown = wrong if verbose else [pair for pair in wrong if pair in totals] + [p for p in wrong if p in fields][:30]
    for pair in shown:
        print(f"wrong: {pair.capture}: {pair.what}: expected {short(pair.expected)}, found {short(pair.found)}")
    for name, some in (("totals", totals), ("fields", fields)):
        right = sum(pair.right for pair in some)
        print(f"{name}: {right} of {len(some)} right ({100 * right / max(1, len(some)):.2f} %)")


def table(title: str, pairs: list[Pair], key: Any) -> None:
    counts, right = Counter(map(key, pairs)), Counter(key(pair) for pair in pairs if pair.right)
    print(f"\n{title}")
    for name, count in sorted(counts.items()):
        print(f"  {name:<45} {right[name]:>5} of {count:>5}  {100 * right[name] / count:6.1f} %")
    print()


def short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="captures whose name contains this")
    parser.add_argument("--times", type=int, default=1, help="send every request so many times")
    parser.add_argument("--shuffle", type=int, help="seed: send all requests of all captures in random order")
    parser.add_argument("--server", action="store_true", help="over HTTP and gRPC to `assay serve`")
    parser.add_argument("--kill", action="store_true", help="with --server: kill it after every tenth request or so")
    parser.add_argument("--verbose", action="store_true", help="list every wrong pair")
    arguments = parser.parse_args()
    chosen = captures(arguments.only)
    if not chosen:
        print(f"No captures under {SHARED}: nothing to compare. Set ASSAY_SHARED to the folder that holds them.")
        return 0
    requests = [request for capture in chosen for request in capture.requests for _ in range(arguments.times)]
    if arguments.shuffle is not None:
        random.Random(arguments.shuffle).shuffle(requests)
    began = time.monotonic()
    kills = random.Random(arguments.shuffle or 0) if arguments.kill else None
    shown = over_network(requests, kills) if arguments.server or arguments.kill else in_process(requests)
    pairs = [pair for capture in chosen for pair in compare(capture, shown)]
    report(pairs, arguments.verbose)
    print(f"{len(chosen)} captures, {len(requests)} requests, {time.monotonic() - began:.1f} s")
    return 0 if all(pair.right for pair in pairs if pair.what.startswith("total: ")) else 1


if __name__ == "__main__":
    sys.exit(main())
