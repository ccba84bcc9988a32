"""What the pages ask of scores, over a million of them, hot.

usage: python benchmarks/scores.py [--traces 200000] [--keep FOLDER]

Five scores a trace, three of the trace and two of its call, with a reason, a ruler and highlighted stretches as a
worker stores them; and 300 orders of 1,000 targets. `--keep` names a folder to fill once and measure again.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
from _server import Server
from duckdb import DuckDBPyConnection
from pages import Copies

from collectors.facts import SpanFacts
from collectors.frames import origin_table, span_table
from collectors.model import Origin, RawSpan
from server.client import Client
from server.resolver import Resolver
from store import jobs
from store.batch import Batch
from store.database import Database
from store.readers import ReaderPool
from store.writer import Writer

TEMPLATE = 2_000  # traces of one copy
DAYS = 30
ORDERS = 300
RUNS = 9
LIMIT_MS = 300
CALLS, CALLS_MS = "dry run of 10,000 calls", 3_000  # it is told how long it takes, in a dialog
ORIGIN = Origin(7, {"service.name": "shop"}, "agent")

SCORED = """
insert into scores
select t.project_id, t.commit_seq, t.number * 5 + k.n as score_id, t.trace_id,
       case when k.n >= 3 then t.span_id end, null, case when k.n = 4 then t.response_id end, null, null,
       ['groundedness', 'answer_relevance', 'toxicity', 'pii', 'helpful'][k.n + 1],
       case when k.dice % 50 > 0 then (k.dice % 1000) / 1000 end,
       case when k.dice % 50 > 0 then ['unsupported', 'supported'][1 + k.dice % 2] end,
       'Sentence ' || t.number || ' of the answer names ' || (hash(t.number) % 9999) || ', which no context says. '
         || 'The other sentences rest on contexts 1 and 2, which say nearly the same.',
       'code', 'evaluator_' || k.n, '1', null, case when k.dice % 50 = 0 then 'timeout' end,
       map {'status': 'ok', 'job': md5(t.number::varchar), 'scale': '{"low":0.0,"high":1.0,"better":"higher"}',
            'spans': '[{"start":12,"end":' || (40 + t.number % 60) || ',"why":"no context says it","field":"answer"}]'},
       t.start_time + interval 1 hour
from (
    select s.project_id, s.commit_seq, s.trace_id, s.span_id, s.response_id, s.start_time,
           row_number() over (order by s.start_time) as number
    from spans s where s.parent_span_id is not null
) t
cross join lateral (select n, (hash(t.number, n) % 1000000)::bigint as dice from range(5) r(n)) k
order by t.number
"""


def template() -> tuple[pa.Table, pa.Table]:
    """A root and one model call for each trace."""
    spans, facts = [], []
    now_ns = time.time_ns()
    for number in range(TEMPLATE):
        trace = number.to_bytes(16, "big")
        start = now_ns + number * 1_000_000
        root = RawSpan(ORIGIN, trace, 2 * number + 1, None, "answer", start, start + 900_000_000, {})
        call = RawSpan(ORIGIN, trace, 2 * number + 2, 2 * number + 1, "chat", start + 1000, start + 800_000_000, {})
        spans += [root, call]
        facts += [SpanFacts(service="shop"), _call(number)]
    return span_table(spans, facts), origin_table([ORIGIN])


def _call(number: int) -> SpanFacts:
    return SpanFacts(
        service="shop", kind="llm", usage_role="leaf", provider="openai", request_model="gpt-4o",
        response_model="gpt-4o", response_id=f"r{number}", input_tokens=900 + number % 200, output_tokens=number % 300,
    )  # fmt: skip


def fill(data_dir: Path, traces: int) -> None:
    """Write the traces, resolve them, score each five times."""
    table, origins = template()
    copies, rng = Copies(table), np.random.default_rng(1)
    database = Database.open(data_dir, memory_limit="2GB")
    writer = Writer(database)
    rounds = -(-traces // TEMPLATE)
    length, start, began = timedelta(days=DAYS) / rounds, datetime.now(UTC) - timedelta(days=DAYS), time.perf_counter()
    for number in range(rounds):
        copy = _renamed(copies.make(rng, start + number * length, length), number)
        writer.submit(Batch(1, "grpc", "traces", {"shop": len(copy)}, spans=copy, origins=origins)).result()
    resolver = Resolver(ReaderPool(database, 2, 600), writer)
    resolver.start()
    resolver.settle(3600)
    resolver.stop()
    print(f"stored and resolved {rounds * TEMPLATE:,} traces in {time.perf_counter() - began:.0f} s", flush=True)
    writer.call(lambda cursor: cursor.execute(SCORED)).result()
    writer.call(_orders).result()
    writer.close()
    database.close()


def _renamed(copy: pa.Table, number: int) -> pa.Table:
    """With response ids of its own."""
    told = pa.array([one and f"{one}-{number}" for one in copy["response_id"].to_pylist()], pa.string())
    return copy.set_column(copy.schema.get_field_index("response_id"), "response_id", told)


def _orders(cursor: DuckDBPyConnection) -> None:
    targets = [jobs.Target(UUID(int=number), None, number, number + 1) for number in range(1000)]
    for number in range(ORDERS):
        jobs.add(cursor, 1, targets, 20, f'{{"evaluators":[{{"name":"groundedness","options":{{"n":{number}}}}}]}}',
                 None, "ada")  # fmt: skip
    cursor.execute("update job_parts set state = 'done', ok = 40, ended_at = now() at time zone 'utc'")
    cursor.execute("update jobs set outcome = 'done', ended_at = now() at time zone 'utc'")


def questions(client: Client) -> dict[str, Callable[[], object]]:
    """What the pages ask, over the widest range."""
    now = datetime.now(UTC)
    month = {"since": now - timedelta(days=DAYS), "until": now}
    rule = month | {"score": "groundedness", "at_least": 0.5}
    calls = _order(month, 10_000) | {"unit": "call"}
    newest = client.query("traces", **month, page_size=50).frame["trace_id"].iloc[0]
    oldest = client.query("traces", **month, page_size=1, sort="slowest").frame["trace_id"].iloc[0]
    return {
        "trace_scores, newest trace": lambda: client.query("trace_scores", trace_id=newest),
        "trace_scores, another trace": lambda: client.query("trace_scores", trace_id=oldest),
        "score_names 30 d": lambda: client.query("score_names", since=month["since"]),
        "cost_per_success 30 d": lambda: client.query("cost_per_success", **rule),
        "cost_per_success by model 30 d": lambda: client.query("cost_per_success", **rule, dimension="model"),
        "whatif_scores": lambda: client.query("whatif_scores"),
        "GET /api/jobs": client.jobs,
        "POST /api/jobs, dry run of 200": lambda: client.add_job(_order(month, 200), dry_run=True),
        "POST /api/jobs, dry run of 10,000": lambda: client.add_job(_order(month, 10_000), dry_run=True),
        CALLS: lambda: client.add_job(calls, dry_run=True),
        "GET /api/cases": lambda: client.case(newest),
    }


def _order(window: dict[str, datetime], most: int) -> dict[str, object]:
    told = {name: at.isoformat() for name, at in window.items()}
    return {"evaluators": [{"name": "exact_match"}], "filter": told, "most": most}


def measure(ask: Callable[[], object]) -> list[float]:
    """Milliseconds of `RUNS` hot answers; the first, cold one is dropped."""
    taken = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return taken[1:]


def report(server: Server) -> None:
    with Client(server.api, timeout_s=60) as client:
        stored = client.sql_rows("select count(*) as n from main.scores").rows[0]["n"]
        print(f"{stored:,} scores\n{'question':36}{'median ms':>10}{'max ms':>10}")
        slow = []
        for label, ask in questions(client).items():
            taken = measure(ask)
            print(f"{label:36}{statistics.median(taken):10.1f}{max(taken):10.1f}", flush=True)
            limit = CALLS_MS if label == CALLS else LIMIT_MS
            slow += [label] if statistics.median(taken) >= limit else []
    print(f"over {LIMIT_MS} ms, {CALLS_MS} of {CALLS}:", ", ".join(slow) or "none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=200_000)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = options.keep or Path(folder)
        if not (data_dir / "assayline.duckdb").exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            fill(data_dir, options.traces)
        with Server(data_dir) as server:
            report(server)


if __name__ == "__main__":
    main()
