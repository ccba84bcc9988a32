"""People over one queue: whether each item gets its labels, and what taking and saving cost with 100,000 labels.

usage: python benchmarks/labelling.py [people | routes | ingest] [--items 2000] [--labels 100000] [--seconds 30]

people: 8 simulated labellers over HTTP on one queue of so many items with 3 labels each; one in twenty items is met by
a crash (what was taken is left behind), one save in ten is sent twice, and leases last 3 seconds. In the end every
item must have exactly 3 labels by 3 people, and every acknowledged label must be there.

routes: CPU of each route over a queue of 20,000 items with so many labels, of this process, in which server and client
both work, so that nothing else that runs on the machine counts.

ingest: from a save to the next item by the clock, alone and while 2,000 spans a second come in (generator of
../shared), and what senders of spans wait meanwhile.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import psutil
from _server import Server, shared
from duckdb import DuckDBPyConnection
from ingest import paced

from server.client import ApiError, Client
from server.core import Core, opened
from server.door import door
from server.labelling import queues
from server.settings import Settings

TERMS = {
    "fields": [
        {"name": "correct", "kind": "binary"},
        {"name": "quality", "kind": "ordinal", "choices": ["bad", "fair", "good"]},
    ],
    "labels": 5,
}  # fmt: skip
ITEMS, PARTS = 20_000, 1_000
RATE = 2_000  # spans a second
FILLED = """
insert into labels (project_id, queue_id, number, label_id, author, edit, state, queue_version, fields_version, answers,
                    numbers, comment, seconds, source, saved_at, labelled, passed)
select 1, $queue_id, 1 + r % $items, uuid(), 'person ' || (r // $items + 1), 1, 'saved', 1, 1,
       '{"correct": "yes", "quality": "' || ['bad', 'fair', 'good'][1 + (r * 7919) % 3] || '"}',
       map(['correct', 'quality'], [1.0, 1.0 + (r * 7919) % 3]), 'Because of item ' || r, 5.0, 'page',
       (now() at time zone 'utc') - interval 2 hour + to_milliseconds(r), 1, 0
from range($labels) t(r) where r % $items < $items - 200
"""


def main() -> None:
    """Do what is asked."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("what", choices=("people", "routes", "ingest"))
    asked.add_argument("--items", type=int, default=2_000)
    asked.add_argument("--labels", type=int, default=100_000)
    asked.add_argument("--seconds", type=float, default=30)
    told = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if told.what == "people":
            people(Path(folder), told.items)
        elif told.what == "routes":
            routes(Path(folder), told.labels)
        else:
            ingest(Path(folder), told.labels, told.seconds)


def item(at: int) -> dict[str, Any]:
    """One item of 4 KB."""
    content = {"question": f"Question {at}? " + "word " * 200, "sides": [{"answer": "An answer. " * 270}]}
    return {"content": content, "trace_id": f"{at + 1:032x}", "attributes": {"model": f"model {at % 3}"}}


def label(number: int, who: str) -> dict[str, Any]:
    answers = {"correct": "yes", "quality": "good"}
    told = {"label_id": str(uuid4()), "labeller": who, "number": number, "answers": answers, "fields_version": 1}
    return told | {"comment": "Because.", "seconds": 3.0}


def add(client: Client, name: str, many: int) -> None:
    for start in range(0, many, PARTS):
        client.add_items(name, [item(at) for at in range(start, min(many, start + PARTS))])


class Crowd:
    """People who label until nothing is left for them, and do not always do so tidily."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.lock = threading.Lock()
        self.sent: list[tuple[int, str]] = []
        self.told: Counter[str] = Counter()
        self.waits: list[float] = []

    def person(self, seed: int) -> None:
        rng, who = random.Random(seed), f"person {seed}"
        with Client(self.url) as client:
            while True:
                taken = client.take_items("crowd", who, rng.randint(1, 3))
                if taken["why_none"] == "done":
                    return
                if not taken["items"]:
                    time.sleep(0.2)
                for one in taken["items"]:
                    if rng.random() < 0.05:
                        self.told["left behind"] += 1
                        break
                    self.label(client, rng, who, one["number"])

    def label(self, client: Client, rng: random.Random, who: str, number: int) -> None:
        told, began = label(number, who), time.perf_counter()
        try:
            client.save_label("crowd", told)
        except ApiError as error:
            if error.status != httpx.codes.CONFLICT:
                raise
            self.told["refused, the place was taken"] += 1
            return
        with self.lock:
            self.waits.append((time.perf_counter() - began) * 1000)
            self.sent.append((number, who))
        if rng.random() < 0.1:
            self.told["sent twice"] += 1
            client.save_label("crowd", told)


def people(folder: Path, items: int) -> None:
    """Eight people; raises AssertionError where an item has not exactly three labels by three of them."""
    with Server(folder, min_free_bytes=0) as server, Client(server.api) as client:
        client.set_queue("crowd", TERMS | {"labels": 3, "lease_minutes": 0.05, "order": "random"})
        add(client, "crowd", items)
        crowd, began, cpu = Crowd(server.api), time.monotonic(), spent(server)
        threads = [threading.Thread(target=crowd.person, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took, cpu = time.monotonic() - began, spent(server) - cpu
        rows = [part.frame for part in client.all_queue_labels("crowd", "correct")]
    found = [pair for part in rows for pair in zip(part["number"], part["author"], strict=True)]
    assert Counter(number for number, _ in found) == dict.fromkeys(range(1, items + 1), 3)  # noqa: S101
    assert len(set(found)) == len(found) == 3 * items  # noqa: S101
    assert sorted(found) == sorted(crowd.sent)  # noqa: S101
    p50, p99 = np.quantile(crowd.waits, [0.5, 0.99])
    print(f"{items:,} items have exactly 3 labels by 3 people each; all {len(found):,} acknowledged labels are there")
    print(f"  {dict(crowd.told)}; {took:.0f} s, a save p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    print(f"  CPU of the server a label, with what is taken, repeated and left behind: {cpu * 1e3 / len(found):.1f} ms")


def spent(server: Server) -> float:
    """Seconds of CPU of the server's own process so far."""
    assert server.process is not None  # noqa: S101 - it was started
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


def fill(core: Core, name: str, labels: int) -> None:
    """Labels of people in a queue that has its items, all but the last 200 of them done."""
    queue = queues.one(core, "default", name)

    def work(cursor: DuckDBPyConnection) -> None:
        cursor.execute(FILLED, {"queue_id": queue.queue_id, "items": ITEMS, "labels": labels})

    core.writer.call(work).result()


def prepared(folder: Path, labels: int) -> Settings:
    """A store with a queue of 20,000 items and so many labels."""
    settings = Settings(data_dir=folder, min_free_bytes=0, query_max_rows=10_000_000)
    with opened(settings):
        pass
    with door(settings) as client:
        client.set_queue("large", TERMS)
        add(client, "large", ITEMS)
    with opened(settings) as core:
        fill(core, "large", labels)
    return settings


def routes(folder: Path, labels: int) -> None:
    settings = prepared(folder, labels)
    with door(settings) as client:
        print(f"{ITEMS:,} items, {labels:,} labels; CPU of server and client together")
        for name, work in asked(client).items():
            work()
            began = time.process_time()
            for _ in range(10):
                work()
            print(f"  {name:<42} {(time.process_time() - began) * 100:6.1f} ms")


def asked(client: Client) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    free, who = iter(range(ITEMS, ITEMS - 199, -1)), iter(range(1_000_000))
    newcomers = (f"newcomer {one}" for one in who)

    def next_one() -> None:
        told = label(next(free), "person 9") | {"take": 1}
        client.save_label("large", told)

    return {
        "GET queues": client.queues,
        "GET queue": lambda: client.queue("large"),
        "GET items (a page of 100)": lambda: client.queue_items("large"),
        "GET items (search)": lambda: client.queue_items("large", search="question 7"),
        "GET items (state done, from the middle)": lambda: client.queue_items("large", "done", after=ITEMS // 2),
        "GET item": lambda: client.queue_item("large", 77),
        "GET progress": lambda: client.queue_progress("large", "person 1"),
        "POST take (a new person)": lambda: client.take_items("large", next(newcomers)),
        "POST take (what one has)": lambda: client.take_items("large", "person 9"),
        "POST labels": lambda: client.save_label("large", label(next(free), "person 8")),
        "POST labels and the next item": next_one,
        "POST labels (a correction)": lambda: client.save_label("large", label(5, "person 1")),
        "PUT drafts": lambda: client.keep_draft(
            "large", {"labeller": "person 8", "number": 7, "answers": {"correct": "no"}}
        ),
        "POST undo": lambda: client.undo_label("large", "person 1"),
        "query queue_labels, one field": lambda: client.queue_labels("large", "correct"),
        "query queue_labels, all": lambda: client.queue_labels("large"),
    }


def ingest(folder: Path, labels: int, seconds: float) -> None:
    generator = shared("otlp_load.py")
    if generator is None:
        return
    prepared(folder, labels)
    with Server(folder, min_free_bytes=0) as server:
        print(f"from a save to the next item, alone: {labelled(server, seconds / 3, threading.Event())}")
        print(f"senders alone: {paced(generator, server, RATE, seconds, 'openinference')}")
        over, found = threading.Event(), dict[str, str]()
        thread = threading.Thread(target=lambda: found.update(said=labelled(server, 10 * seconds, over)))
        thread.start()
        sent = paced(generator, server, RATE, seconds, "otel")
        over.set()
        thread.join()
        print(f"at {RATE:,} spans a second, from a save to the next item: {found['said']}")
        print(f"  senders beside it: {sent}")


def labelled(server: Server, seconds: float, over: threading.Event) -> str:
    """Labels of one person, one after the other, by the clock."""
    waits, who, until = [], f"person {uuid4()}", time.monotonic() + seconds
    with Client(server.api) as client:
        taken = client.take_items("large", who)["items"]
        while taken and not over.is_set() and time.monotonic() < until:
            began = time.perf_counter()
            taken = client.save_label("large", label(taken[0]["number"], who) | {"take": 1})["next"]
            waits.append((time.perf_counter() - began) * 1000)
    p50, p99 = np.quantile(waits, [0.5, 0.99])
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms over {len(waits)} labels"


if __name__ == "__main__":
    main()
