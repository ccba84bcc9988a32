"""Every query behind the pages at 10 million spans, hot, while spans keep coming in; memory of the server.

usage: python benchmarks/pages.py [--spans 10000000] [--days 30] [--rate 2000] [--keep FOLDER] [--whatif] [--only TEXT]

The store is filled through the writer and resolved as usual; the queries are asked over HTTP. `--keep` names a folder
to fill once and measure again; `--whatif` asks nothing else, `--only` what has the text in its name, and no What-if.
CPU: of the server and its processes, a mean of the hot answers, with what the spans that come in take. The spans are
the load generator's (1.3 KB), in order of time, spread over the days. Each call reports a cost, that of gpt-4o whatever
its model; one of the four models is priced by the hour. Every third trace has a score.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np
import psutil
import pyarrow as pa
from _server import Server, shared

from collectors.facts import ScoreFacts, SpanFacts
from collectors.frames import origin_table, score_table, span_table
from collectors.normalise import normalise
from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from server.client import Client
from server.resolver import Resolver
from store.batch import Batch
from store.database import Database
from store.prices import add_own_prices
from store.readers import ReaderPool
from store.writer import Writer

TRACES = 2_000  # in the template
RUNS = 7
SCORE = "solved"
PRICES = "prices: [{model: llama*, gpu: {usd_per_hour: 2.5, count: 2, concurrency: 8}}]"


def template(generator: Path) -> tuple[pa.Table, pa.Table]:
    """Spans of `TRACES` load-generator traces as a table, and their origins."""
    sys.path.insert(0, str(generator.parent))
    import otlp_load  # noqa: PLC0415 - lies outside the project

    bodies = [body for _, body in otlp_load.bodies(TRACES, 10, 500, 1.0, "openinference", 5)]
    spans = [span for body in bodies for span in decode("traces", "http-protobuf", body).spans]
    facts = [reporting(normalise(span, NormaliserOptions())) for span in spans]
    return span_table(spans, facts), origin_table({span.origin.origin_id: span.origin for span in spans}.values())


def reporting(facts: SpanFacts) -> SpanFacts:
    """A call with a cost that its sender computed: Cost integrity compares every one, which is the most it can."""
    if facts.input_tokens is not None or facts.output_tokens is not None:
        facts.reported_cost_usd = (facts.input_tokens or 0) * 2.5e-6 + (facts.output_tokens or 0) * 1e-5
    return facts


class Copies:
    """Copies of the template, each with ids of its own and its own stretch of time."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        storage = table["trace_id"].combine_chunks()
        storage = storage.storage if isinstance(storage, pa.ExtensionArray) else storage
        self.trace_ids = np.frombuffer(storage.buffers()[1], dtype=np.uint64)[: 2 * len(table)].reshape(-1, 2)
        self.span_ids = table["span_id"].to_numpy()
        self.parents = table["parent_span_id"].combine_chunks()
        self.order = np.unique(self.trace_ids[:, 0], return_inverse=True)[1]  # number of the span's trace

    def make(self, rng: np.random.Generator, start: datetime, length: timedelta) -> pa.Table:
        """One copy within [start, start + length), traces evenly spread, in order of time."""
        mask = rng.integers(1, 2**63, 3, dtype=np.uint64)
        table = self.table
        within = table["start_time"].combine_chunks().cast(pa.int64()).to_numpy()
        first = np.full(self.order.max() + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, self.order, within)
        opened = int(start.timestamp() * 1e6) + self.order * int(length / timedelta(microseconds=1)) // len(first)
        times = pa.array(opened + within - first[self.order]).cast(pa.timestamp("us"))
        raw = np.ascontiguousarray(self.trace_ids ^ mask[:2])
        binary = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(table), [None, pa.py_buffer(raw)])
        parents = pa.array(self.parents.fill_null(0).to_numpy() ^ mask[2], mask=self.parents.is_null().to_numpy(False))
        replaced = {
            "trace_id": pa.ExtensionArray.from_storage(pa.uuid(), binary),
            "span_id": pa.array(self.span_ids ^ mask[2]),
            "parent_span_id": parents,
            "start_time": times,
        }
        for name, column in replaced.items():
            table = table.set_column(table.schema.get_field_index(name), name, column)
        return table.take(pa.array(np.argsort(times.cast(pa.int64()).to_numpy(), kind="stable")))


def judge(copy: pa.Table) -> pa.Table:
    """A score of every third trace of a copy."""
    ids = copy["trace_id"].combine_chunks().cast(pa.binary(16)).unique().to_pylist()[::3]
    told = [
        ScoreFacts(
            trace_id=trace, span_id=None, session_id=None, response_id=None, carrier_trace_id=None,
            carrier_span_id=None, name=SCORE, value=trace[0] / 255, label=None, explanation=None, source="api",
            evaluator=None, evaluator_version=None, author=None, error_type=None, time_ns=time.time_ns(), metadata={},
        )
        for trace in ids
    ]  # fmt: skip
    return score_table(told)


def fill(data_dir: Path, generator: Path, spans: int, days: int) -> None:
    """Write `spans` spans over the last `days` days and resolve them."""
    table, origins = template(generator)
    copies, rng = Copies(table), np.random.default_rng(1)
    database = Database.open(data_dir, memory_limit="2GB")
    writer = Writer(database)
    writer.call(lambda cursor: add_own_prices(cursor, 1, PRICES, 1, None)).result()
    rounds = -(-spans // len(table))
    length = timedelta(days=days) / rounds
    start = datetime.now(UTC) - timedelta(days=days)
    began = time.perf_counter()
    for number in range(rounds):
        copy = copies.make(rng, start + number * length, length)
        writer.submit(Batch(1, "http-protobuf", "traces", {"load": len(copy)}, spans=copy, origins=origins)).result()
        writer.submit(Batch(1, "api", "scores", {}, scores=judge(copy))).result()
        if number % 50 == 0:
            print(f"filled {number * len(table):,} of {spans:,} spans, {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter()
    readers = ReaderPool(database, 2, 600)
    resolver = Resolver(readers, writer)
    resolver.start()
    resolver.settle(3600)
    print(f"resolved {spans:,} spans in {time.perf_counter() - began:.0f} s", flush=True)
    resolver.stop()
    writer.close()
    database.close()


def questions(client: Client) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the pages ask, with their default and widest ranges."""
    now = datetime.now(UTC)
    day, week, month = (now - timedelta(days=n) for n in (1, 7, 30))
    hour_us = 3_600_000_000
    newest = client.query("traces", since=day, until=now, page_size=50).frame
    trace = newest["trace_id"].iloc[0]
    session = newest["session_id"].iloc[0]
    prices = [entry for entry in client.prices()["entries"] if "gpu" in entry]
    hourly = ",".join(entry["version"] for entry in prices)
    asked: dict[str, tuple[str, dict[str, Any]]] = {}
    for label, since, bucket in (("24 h", day, hour_us), ("7 d", week, 6 * hour_us), ("30 d", month, 24 * hour_us)):
        window = {"since": since, "until": now}
        asked[f"home_totals {label}"] = "home_totals", window
        asked[f"home_series {label}"] = "home_series", window | {"bucket_us": bucket}
        asked[f"home_latency {label}"] = "home_latency", window | {"bucket_us": bucket}
        asked[f"home_latency_total {label}"] = "home_latency_total", window
        asked[f"home_problems {label}"] = "home_problems", window
        asked |= costs(label, window, bucket, hourly) | latencies(label, window, bucket) | integrity(label, window)
        asked[f"trace_filters {label}"] = "trace_filters", window
        for sort in ("newest", "slowest", "tokens", "errors"):
            asked[f"traces {sort} {label}"] = "traces", window | {"sort": sort, "page_size": 50}
        for sort in ("newest", "longest", "cost", "errors"):
            asked[f"sessions {sort} {label}"] = "sessions", window | {"sort": sort}
        for sort in ("active", "traces", "cost", "errors"):
            asked[f"users {sort} {label}"] = "users", window | {"sort": sort}
        asked[f"traces one session {label}"] = "traces", window | {"session_id": session, "page_size": 50}
        asked[f"traces errors only {label}"] = "traces", window | {"has_errors": True, "page_size": 50}
        asked[f"traces text {label}"] = "traces", window | {"text": "limited", "page_size": 50}
        asked |= finding(label, window, bucket)
    year = {"since": now - timedelta(days=365), "until": now}
    asked |= costs("12 m", year, 7 * 24 * hour_us, hourly) | latencies("12 m", year, 7 * 24 * hour_us)
    asked["home_newest"] = "home_newest", {}
    asked["ledger_total"] = "ledger_total", {}
    for name in ("session_summary", "session_turns"):
        asked[name] = name, {"session_id": session}
    for name in ("trace_summary", "trace_logs", "trace_scores", "pair_alike"):
        asked[name] = name, {"trace_id": trace}
    opened = newest["start_time"].iloc[0]
    asked["trace_spans"] = "trace_spans", {"trace_id": trace, "since": opened, "until": opened + timedelta(minutes=5)}
    return asked


def finding(label: str, window: dict[str, Any], bucket: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the line on Traces asks: of summaries, of spans (the first results of a search), counts and completion."""
    lines = ("status:ok duration>2s", "provider:openai", f"score.{SCORE}>0.5", "no:score")
    searches = ("zebra", "refund", "{tool:sql duration>300ms}", "attr.llm.provider:openai", "user:u-60 zebra")
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        f"line {line} {label}": ("traces", window | {"q": line, "page_size": 50}) for line in lines
    }
    asked |= {f"search {line} {label}": ("search", window | {"q": line}) for line in searches}
    asked[f"trace_facets {label}"] = "trace_facets", window
    asked[f"trace_histogram {label}"] = "trace_histogram", window | {"bucket_us": bucket}
    return asked | {
        f"complete {line} {label}": ("complete", window | {"q": line, "at": len(line)})
        for line in ("user:u-6", "{tool:", "attr.llm")
    }


def successes(label: str, window: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Cost per success, of the score that `judge` gives."""
    rule = window | {"score": SCORE, "at_least": 0.5}
    return {
        f"cost_per_success {unit} {by or ''} {label}": ("cost_per_success", rule | {"unit": unit, "dimension": by})
        for unit in ("trace", "session")
        for by in (None, "model", "variant")
    }


def costs(label: str, window: dict[str, Any], bucket: int, hourly: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the Cost page asks of one range."""
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        f"calls_totals {label}": ("calls_totals", window),
        f"calls_cost_per trace {label}": ("calls_cost_per", window | {"unit": "trace"}),
        f"calls_cost_per session {label}": ("calls_cost_per", window | {"unit": "session"}),
        f"calls_cost_classes {label}": ("calls_cost_classes", window | {"bucket_us": bucket}),
        f"unpriced_models {label}": ("unpriced_models", window),
        f"calls_filters {label}": ("calls_filters", window),
    }
    asked |= {f"score_names {label}": ("score_names", {"since": window["since"]})} | successes(label, window)
    spend = {"since": window["until"] - timedelta(days=87), "until": window["until"], "zone": "Europe/Berlin"}
    asked[f"spend_by_day {label}"] = "spend_by_day", spend
    asked[f"spend_by_day of values {label}"] = "spend_by_day", spend | {"dimension": "model", "values": "gpt-4o"}
    if hourly:  # the page asks nothing where no price is by the hour
        asked[f"hardware_by {label}"] = "hardware_by", window | {"versions": hourly}
    for by in ("model", "service", "session", "tag"):
        asked[f"calls_cost_series {by} {label}"] = "calls_cost_series", window | {"dimension": by, "bucket_us": bucket}
        asked[f"calls_cost_by {by} {label}"] = "calls_cost_by", window | {"dimension": by}
    return asked


def latencies(label: str, window: dict[str, Any], bucket: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the Latency page asks of one range."""
    window = window | {"kind": "llm"}
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        f"latency_rates {label}": ("latency_rates", window),
        f"latency_series {label}": ("latency_series", window | {"bucket_us": bucket}),
        f"latency_heat {label}": ("latency_heat", window | {"bucket_us": 3_600_000_000}),
        f"latency_marks {label}": ("latency_marks", window),
        f"latency_sample {label}": ("latency_sample", window),
    }
    for measure in ("duration", "ttft", "time_per_output_token", "tokens_per_second"):
        asked[f"latency_quantiles {measure} {label}"] = "latency_quantiles", window | {"measure": measure}
    for by in ("model", "service", "session", "tag"):
        asked[f"latency_by {by} {label}"] = "latency_by", window | {"dimension": by}
    return asked


def integrity(label: str, window: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the Cost integrity page asks of one range; `calls_cost_daily`: of an invoice for it."""
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        f"integrity_reported {label}": ("integrity_reported", window),
        f"integrity_reported model {label}": ("integrity_reported", window | {"dimension": "model"}),
        f"integrity_causes {label}": ("integrity_causes", window),
        f"calls_cost_daily {label}": ("calls_cost_daily", window),
    }
    for name in ("integrity_sample", "integrity_excluded", "integrity_untold"):
        asked[f"{name} {label}"] = name, window
    for what in ("compared", "duplicate", "untold"):
        asked[f"integrity_calls {what} {label}"] = "integrity_calls", window | {"what": what}
    return asked


class Meanwhile:
    """Runs in a thread of its own until its block ends."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()


class Load(Meanwhile):
    """Sends spans at a steady rate until stopped."""

    def __init__(self, server: Server, rate: float) -> None:
        import otlp_load  # noqa: PLC0415 - lies outside the project

        super().__init__()
        self.bodies = [body for _, body in otlp_load.bodies(2_000, 10, 200, 1.0, "openinference", int(time.time()))]
        self.url, self.pause = f"{server.otlp}/v1/traces", 200 / rate
        self.sent, self.late = 0, 0.0

    def _run(self) -> None:
        start, number = time.perf_counter(), 0
        with httpx.Client(timeout=60, headers={"content-type": "application/x-protobuf"}) as client:
            while not self.stopping.is_set():
                client.post(self.url, content=self.bodies[number % len(self.bodies)]).raise_for_status()
                number, self.sent = number + 1, self.sent + 200
                self.late = max(self.late, time.perf_counter() - start - number * self.pause)
                self.stopping.wait(max(0.0, start + number * self.pause - time.perf_counter()))

    def told(self) -> str:
        return f"{self.sent:,} spans were sent, at most {self.late:.2f} s late"


class Watch(Meanwhile):
    """The most memory that the server's processes had together, looked at twice a second."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server, self.most_mb = server, 0.0

    def _run(self) -> None:
        while not self.stopping.wait(0.5):
            with suppress(psutil.Error):  # one has just ended
                self.most_mb = max(self.most_mb, self.server.rss_mb())


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of `RUNS` hot answers over HTTP, and of CPU an answer."""

    walls: list[float]
    cpu: float


def measure(server: Server, ask: Callable[[], object]) -> Taken:
    """Ask `RUNS` times, after a first, cold time."""
    ask()
    walls, worked = [], server.cpu_s()
    for _ in range(RUNS):
        began = time.perf_counter()
        ask()
        walls.append((time.perf_counter() - began) * 1000)
    return Taken(walls, (server.cpu_s() - worked) / RUNS * 1000)


def asking(client: Client, name: str, params: dict[str, Any]) -> Callable[[], object]:
    if name == "integrity_causes":  # a route of its own, over two queries
        return lambda: client.integrity(**params)
    if name == "search":
        return lambda: client.search_traces(**params)
    if name == "complete":
        return lambda: client.complete_line(**params)
    return lambda: client.query(name, **params)


def what_if(client: Client) -> dict[str, Callable[[], object]]:
    """The questions of the What-if page."""
    now = datetime.now(UTC)
    return {
        f"whatif {what} {label}": partial(client.whatif, what, since=now - timedelta(days=days), until=now)
        for label, days in (("24 h", 1), ("7 d", 7), ("30 d", 30))
        for what in ("caching", "routing", "carbon")
    }


def first_whatif(client: Client) -> None:
    """What the first answer takes, with the start of its process, over a store that nobody has asked anything."""
    began, now = time.perf_counter(), datetime.now(UTC)
    client.whatif("caching", since=now - timedelta(days=7), until=now)
    print(f"first What-if answer, caching 7 d: {time.perf_counter() - began:.2f} s")


def wait_for_sums(client: Client) -> None:
    """Till old calls are summed up, as they are a minute after they came: in a store that is measured again, too."""
    old = "select count(*) from stale_call_sums where quarter < now() at time zone 'utc' - interval 1 hour"
    until = time.monotonic() + 300
    while client.sql_rows(old).rows[0]["count_star()"] and time.monotonic() < until:
        time.sleep(1)


def limit_ms(name: str) -> float:
    """What a query of a page may take."""
    if name.startswith("whatif "):
        return 3_000
    if name.startswith("search "):
        return 300
    return 300 if name.startswith(_DRAWN_OVER_CALLS) else 200


_DRAWN_OVER_CALLS = (
    "calls_", "latency_", "unpriced_", "integrity_", "cost_", "score_", "spend_", "hardware_",
)  # fmt: skip


def report(server: Server, generator: Path, options: argparse.Namespace) -> None:
    client = Client(server.api, timeout_s=60)
    sys.path.insert(0, str(generator.parent))
    wait_for_sums(client)
    if options.only is None:
        first_whatif(client)
    print(f"{'query':34}{'median ms':>10}{'max ms':>10}{'CPU ms':>10}")
    asked = {} if options.whatif else {label: asking(client, *one) for label, one in questions(client).items()}
    rounds = {"the pages": asked, "What-if": what_if(client) if options.only is None else {}}
    slow = []
    with Watch(server) as watch:
        for name, some in rounds.items():
            if not some:
                continue
            with Load(server, options.rate) as load:
                time.sleep(3)
                for label, ask in some.items():
                    if options.only is None or options.only in label:
                        slow += told(label, measure(server, ask))
            print(f"after {name}: {load.told()}; resident {server.memory()}")
    print(f"most that was resident: {watch.most_mb:.0f} MB; file: {server.disk_bytes() / 1e9:.2f} GB")
    over = "over 200 ms, 300 of searches and of the Cost, Latency and Cost integrity pages, or 3 s of What-if:"
    print(over, ", ".join(slow) or "none")


def told(label: str, taken: Taken) -> list[str]:
    """Print a line; returns the label if the query was too slow."""
    median = statistics.median(taken.walls)
    print(f"{label:34}{median:10.1f}{max(taken.walls):10.1f}{taken.cpu:10.1f}", flush=True)
    return [label] if median >= limit_ms(label) else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rate", type=float, default=2_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--whatif", action="store_true", help="ask What-if alone")
    parser.add_argument("--only", help="ask what has this in its name, such as '30 d'; no What-if")
    options = parser.parse_args()
    generator = shared("otlp_load.py")
    if generator is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        data_dir = options.keep or Path(folder)
        if not (data_dir / "assayline.duckdb").exists():
            fill(data_dir, generator, options.spans, options.days)
        with Server(data_dir) as server:
            report(server, generator, options)


if __name__ == "__main__":
    main()
