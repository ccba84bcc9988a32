"""500 monitors of mixed signals and slices over 10 million spans: CPU of a round, of the first one, of false alarms.

usage: python benchmarks/monitors.py FOLDER [--monitors 500] [--calibrate 10] [--reference 28d] [--ingest]

FOLDER is a store that `benchmarks/pages.py --keep` filled; monitors are added to it, so give a copy. The clock is set
into its data. CPU is that of all threads of this process, in which everything is worked out that the server does beside
itself, so that nothing else that runs on the machine counts. `--ingest` asks instead how long senders wait for their
answer, and pages for theirs, at 2,000 spans a second, without monitors and while a real server looks at all of them for
the first time.
"""

from __future__ import annotations

import argparse
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from pathlib import Path
from typing import Any

import httpx
from _server import Server, shared
from ingest import paced

from server.aside import Inline
from server.core import Core, opened
from server.monitors import monitors
from server.monitors.loop import Monitoring
from server.monitors.terms import Terms
from server.settings import Settings
from store import monitors as store

HOUR = timedelta(hours=1)
BACK = 26 * HOUR  # from the newest call to the first round, so that there is a day to go on
RATE, SECONDS = 2_000, 40  # spans a second, for so long
LIMIT_S = 600.0  # of one read: the first round reads four weeks

STREAMS: list[dict[str, Any]] = [
    {"signal": "error_rate"}, {"signal": "cost"}, {"signal": "volume"}, {"signal": "spend"},
    {"signal": "duration", "quantile": 0.95}, {"signal": "duration"}, {"signal": "ttft"}, {"signal": "output_tokens"},
    {"signal": "input_tokens"}, {"signal": "cache_hit_share"}, {"signal": "unknown_usage_rate"},
    {"signal": "retry_rate"}, {"signal": "score", "score": "solved"}, {"signal": "score_failures", "score": "solved"},
]  # fmt: skip
TEXTS: list[dict[str, Any]] = [{"signal": "output_length"}, {"signal": "refusal_rate"}]
WITH_TEXTS = 5  # every fifth slice has monitors whose signals are read text by text
OTHERS: list[dict[str, Any]] = [
    {"signal": "model_mix"}, {"signal": "finish_reasons"}, {"alert": {"kind": "no_data"}},
    {"alert": {"kind": "error_burst"}}, {"alert": {"kind": "slo_burn", "objective": 0.99}},
    {"signal": "cost", "alert": {"kind": "threshold", "above": 1}},
]  # fmt: skip


def main() -> None:
    """Set the monitors, look, and say what it took."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--monitors", type=int, default=500)
    asked.add_argument("--calibrate", type=int, default=10)
    asked.add_argument("--reference", default="28d", help="A shorter one makes the first round shorter, and no other.")
    asked.add_argument("--ingest", action="store_true")
    told = asked.parse_args()
    if told.ingest:
        beside(told.folder, told.monitors, told.reference)
        return
    settings = Settings(data_dir=told.folder, min_free_bytes=0, query_timeout_s=LIMIT_S)
    with opened(settings) as core:
        core.settle(LIMIT_S)
        measure(core, told.monitors, told.calibrate, told.reference)


def measure(core: Core, count: int, calibrated: int, reference: str) -> None:
    with core.readers.read() as con:
        ((newest, calls),) = con.execute("select max(start_time), count(*) from calls").fetchall()
        ((spans,),) = con.execute("select count(*) from spans").fetchall()
    now = newest - BACK
    made = [terms for terms, _ in zip(mixed(core, now), range(count), strict=False)]
    for number, terms in enumerate(made):
        told = terms | {"against": {"last": reference}}
        monitors.put(core, "default", f"m{number:04}", Terms.model_validate(told), None, now)
    print(f"{spans:,} spans, {calls:,} calls, {len(made)} monitors")
    print("  " + ", ".join(f"{many} {name}" for name, many in Counter(map(name_of, made)).most_common()))
    watch = Monitoring(core, Inline(core.readers))
    with timed("first round"):
        watch.rounds.turn(now)
    for hour in range(1, 4):
        with timed(f"steady round {hour}"):
            watch.rounds.turn(now + hour * HOUR)
    with timed("round of the day after, references fitted anew"):
        watch.rounds.turn(now + 25 * HOUR)
    with timed(f"false alarms of {calibrated} monitors"):
        watch.calibrate(now + 25 * HOUR, calibrated)
    with core.readers.read() as con:
        states = Counter(one.state for one in store.monitors(con))
    print(f"  {dict(states)}")


def beside(folder: Path, count: int, reference: str) -> None:
    """How long senders and a page wait, without monitors and while the first round of them goes on."""
    generator = shared("otlp_load.py")
    if generator is None:
        return
    with Server(folder) as server:
        waits(generator, server, "without monitors")
    settings = Settings(data_dir=folder, min_free_bytes=0, query_timeout_s=LIMIT_S)
    with opened(settings) as core:
        core.settle(LIMIT_S)
        now = datetime.now(UTC).replace(tzinfo=None)
        for number, terms in enumerate(terms for terms, _ in zip(mixed(core, now), range(count), strict=False)):
            told = Terms.model_validate(terms | {"against": {"last": reference}})
            monitors.put(core, "default", f"b{number:04}", told, None, now)
    with Server(folder) as server:
        waits(generator, server, f"while {count} monitors look for the first time")
        with httpx.Client(base_url=server.api, timeout=60) as client:
            states = Counter(one["state"] for one in client.get("/api/monitors").json())
        print(f"  {dict(states)} after {SECONDS} s")


def waits(generator: Path, server: Server, when: str) -> None:
    """Milliseconds until spans are acknowledged, and until a page's query is answered, for a minute."""
    answers: list[float] = []
    over = threading.Event()

    def ask() -> None:
        since = (datetime.now(UTC) - timedelta(days=7)).isoformat()
        with httpx.Client(base_url=server.api, timeout=60) as client:
            while not over.wait(0.5):
                began = time.perf_counter()
                params = {"since": since, "until": datetime.now(UTC).isoformat()}
                client.get("/api/query/calls_totals", params=params).raise_for_status()
                answers.append((time.perf_counter() - began) * 1000)

    asking = threading.Thread(target=ask)
    asking.start()
    sent = paced(generator, server, RATE, SECONDS, "openinference")
    over.set()
    asking.join()
    answers.sort()
    told = f"p50 {answers[len(answers) // 2]:.0f} ms, p99 {answers[int(len(answers) * 0.99)]:.0f} ms"
    print(f"{when}: acknowledged {sent}; calls_totals of 7 days {told}", flush=True)


def mixed(core: Core, now: datetime) -> Iterator[dict[str, Any]]:
    """Every signal of every slice in turn: all calls, each service, model and so on, and pairs of them."""
    slices = [{}, *slices_of(core, now)]
    for window, (place, where) in product(("1d", "12h"), enumerate(slices)):
        texts = TEXTS if place % WITH_TEXTS == 0 else []
        for what in [*STREAMS, *texts, *OTHERS]:
            mix = what.get("signal") in {"model_mix", "finish_reasons"}
            yield {**what, "where": where, "every": "6h" if mix else "1h", "window": window}


def slices_of(core: Core, now: datetime) -> list[dict[str, str]]:
    found = core.run("calls_filters", "default", {"since": now - timedelta(days=7), "until": now}).table.to_pylist()
    fields = ("service", "model", "provider", "environment", "release", "prompt", "variant", "tool")
    values = {field: [row["value"] for row in found if row["field"] == field] for field in fields}
    single = [{field: value} for field, many in values.items() for value in many]
    pairs = [
        {one: a, other: b} for one, other in combinations(fields, 2) for a, b in product(values[one], values[other])
    ]
    return single + pairs


def name_of(terms: dict[str, Any]) -> str:
    return str(terms.get("signal") or terms["alert"]["kind"])


@contextmanager
def timed(what: str) -> Iterator[None]:
    began, cpu = time.perf_counter(), used()
    yield
    print(f"{what}: {used() - cpu:.1f} s CPU, {time.perf_counter() - began:.1f} s")


def used() -> float:
    """Seconds of CPU of this process."""
    told = resource.getrusage(resource.RUSAGE_SELF)
    return told.ru_utime + told.ru_stime


if __name__ == "__main__":
    main()
