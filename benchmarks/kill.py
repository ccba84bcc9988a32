"""SIGKILL a process that writes to the store, at random moments: is every acknowledged request there, whole and once?

usage: python benchmarks/kill.py [--rounds 20] [--seed 1] [--folder FOLDER]

Through the store alone; `crash.py` asks the same of the whole server. Prints one JSON object; exit status 1 if a
promise is broken.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawSpan
from store.batch import Batch
from store.database import Database
from store.errors import StoreBusyError
from store.queries import accounts
from store.writer import Writer

SPANS = 40  # a request; each request is one trace, so that a half request shows as a short trace
ORIGIN = Origin(7, {"service.name": "kill"}, "kill")
MIB = 1024 * 1024


def request(number: int) -> Batch:
    """The same number gives the same request."""
    start = 1_790_000_000_000_000_000 + number % 86_400 * 1_000_000_000
    spans = [
        RawSpan(
            ORIGIN,
            (number + 1).to_bytes(16, "big"),
            n + 1,
            None,
            "step",
            start + n,
            start + n + 1000,
            {"n": "word " * 60},
        )
        for n in range(SPANS)
    ]
    table = frames.span_table(spans, [SpanFacts(service="kill") for _ in spans])
    return Batch(1, "grpc", "traces", {"kill": SPANS}, spans=table, origins=frames.origin_table([ORIGIN]))


def child(folder: Path, first: int, again: list[int]) -> None:
    """Write until killed: what was not acknowledged, then new requests, some of them twice. Tells what it does."""
    database = Database.open(folder)
    writer = Writer(database, min_free_bytes=0, checkpoint_bytes=2 * MIB)  # many checkpoints, so that some are hit
    numbers, lock = itertools.chain(again, itertools.count(first)), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers)
            os.write(1, f"s {number}\n".encode())
            for _ in range(2 if number % 7 == 0 else 1):
                send(writer, request(number))
            os.write(1, f"a {number}\n".encode())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    threads[0].join()


def send(writer: Writer, batch: Batch) -> None:
    while True:
        try:
            writer.submit(batch).result()
        except StoreBusyError as error:
            time.sleep(error.retry_after_s)
        else:
            return


@dataclass
class Tally:
    sent: set[int] = field(default_factory=set)
    acked: set[int] = field(default_factory=set)

    def hear(self, lines: str) -> None:
        for line in lines.splitlines():
            word, _, number = line.partition(" ")
            (self.sent if word == "s" else self.acked).add(int(number))


def _until_acknowledged(lines: IO[str]) -> str:
    heard = ""
    while line := lines.readline():
        heard += line
        if line.startswith("a "):
            break
    return heard


def one_round(folder: Path, tally: Tally, after_s: float, *, opening: bool) -> None:
    """Kill `after_s` seconds after the first acknowledgement, or after the start: while the store is being opened.

    Counted from the acknowledgement, because on a loaded machine the start alone may outlast a round, which then proves
    nothing.
    """
    again = sorted(tally.sent - tally.acked)
    plan = json.dumps({"folder": str(folder), "first": max(tally.sent, default=-1) + 1, "again": again})
    process = subprocess.Popen([sys.executable, __file__, "--child", plan], stdout=subprocess.PIPE, text=True)
    if process.stdout is None:
        raise SystemExit("the writing process cannot be heard")
    first = "" if opening else _until_acknowledged(process.stdout)
    timer = threading.Timer(after_s, process.send_signal, [signal.SIGKILL])
    timer.start()
    rest = process.stdout.read()
    process.wait()
    timer.cancel()
    if process.returncode != -signal.SIGKILL:
        raise SystemExit(f"the writing process ended by itself with {process.returncode}")
    tally.hear(first + rest)


def verdict(folder: Path, tally: Tally) -> dict[str, int | bool]:
    database = Database.open(folder)
    with database.lease() as cursor:
        rows = cursor.execute(
            "select trace_id, count(*), count(distinct span_id) from spans group by trace_id"
        ).fetchall()
        ledger = accounts.ledger_total(cursor, 1).to_pylist()
        origins = cursor.execute("select count(*) from origins").fetchall()[0][0]
    database.close()
    stored = {trace.int - 1: (spans, distinct) for trace, spans, distinct in rows}
    return {
        "sent": len(tally.sent),
        "acknowledged": len(tally.acked),
        "lost": len(tally.acked - stored.keys()),
        "half": sum(distinct < SPANS for _, distinct in stored.values()),
        "doubled": sum(spans > distinct for spans, distinct in stored.values()),
        "unasked": len(stored.keys() - tally.sent),
        "ledger_balanced": all(row["balanced"] for row in ledger),
        "origins": origins,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--longest", type=float, default=3.0, help="seconds from a round's first acknowledgement to its kill, at most"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        plan = json.loads(options.child)
        child(Path(plan["folder"]), plan["first"], plan["again"])
        return
    rng, tally = random.Random(options.seed), Tally()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="assay-kill-"))
    print(f"the store lies in {folder}; it is removed only if every promise held", file=sys.stderr)
    for number in range(options.rounds):
        opening = number % 4 == 1
        one_round(folder, tally, rng.uniform(0.05, 1.0 if opening else options.longest), opening=opening)
    found = {"rounds": options.rounds, **verdict(folder, tally)}
    print(json.dumps(found))
    if not found["acknowledged"]:
        raise SystemExit("nothing was acknowledged, so nothing was tested")
    broken = found["lost"] or found["half"] or found["doubled"] or found["unasked"] or found["origins"] != 1
    if broken or not found["ledger_balanced"]:
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
