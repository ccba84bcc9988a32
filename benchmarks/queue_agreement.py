"""What agreement in a queue of 100,000 labels takes: each answer for a new state of the labels, and the same again.

    python benchmarks/queue_agreement.py [--items 33334] [--people 20]

It stores a queue of two fields with three labels an item in a temporary folder, works every answer out as a process
beside the server does, then asks for it as the API keeps it, and prints seconds of a core. It ends with an error when
a kept answer takes 0.3 s of a core or more, or when a new one takes 4.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import orjson
import pyarrow as pa
from duckdb import DuckDBPyConnection

from server.aside import Inline
from server.core import Core, opened
from server.labelling import agreement, consensus, disputes, queues
from server.labelling.agreement import Wanted
from server.labelling.kept import KeptAnswers
from server.labelling.terms import Terms
from server.settings import Settings
from store import queries
from store.queues import Queue

KEPT_S, NEW_S = 0.3, 4.0
BEGAN = datetime(2026, 1, 1)  # noqa: DTZ001 - as the store has it
LETTERS = "abcd"
TERMS = Terms.model_validate({"labels": 3, "fields": [
    {"name": "topic", "kind": "categorical", "choices": list(LETTERS)},
    {"name": "grade", "kind": "ordinal", "choices": ["1", "2", "3", "4"]},
]})  # fmt: skip


def labels(queue: Queue, items: int, people: int) -> pa.Table:
    """Three of the people for each item, right in four of five."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, items)
    number = np.repeat(np.arange(1, items + 1), 3)
    author = np.concatenate([rng.choice(people, 3, replace=False) for _ in range(items)])
    said = np.where(rng.random(number.size) < 0.8, truth[number - 1], rng.integers(0, 4, number.size)).tolist()
    return pa.table({
        "queue_id": [str(queue.queue_id)] * number.size, "number": pa.array(number, pa.int32()),
        "label_id": [str(UUID(int=at + 1)) for at in range(number.size)], "author": [f"p{at:02}" for at in author],
        "answers": [orjson.dumps({"topic": LETTERS[at], "grade": str(at + 1)}).decode() for at in said],
        "saved_at": pa.array([BEGAN + timedelta(minutes=at) for at in range(number.size)], pa.timestamp("us")),
    })  # fmt: skip


def fill(core: Core, queue: Queue, items: int, people: int) -> None:
    made = labels(queue, items, people)

    def work(cursor: DuckDBPyConnection) -> None:
        cursor.register("made", made)
        cursor.execute(
            "insert into labels by name select ? as project_id, queue_id::uuid as queue_id, number, "
            "label_id::uuid as label_id, author, 1 as edit, 'saved' as state, 1 as queue_version, 1 as fields_version, "
            "answers, map([]::varchar[], []::double[]) as numbers, 'import' as source, saved_at, 1 as labelled, "
            "0 as passed from made",
            [queue.project_id],
        )
        cursor.execute(
            "insert into queue_items by name select distinct ? as project_id, queue_id::uuid as queue_id, number, "
            "'own' as unit, '{\"sides\": [{}]}' as content, number as same, 'an item' as title, 0 as priority, "
            "'hand' as origin, map(['model'], ['m' || number % 5]) as attributes, saved_at as added_at from made "
            "where label_id::uuid in (select min(label_id::uuid) from made group by number)",
            [queue.project_id],
        )
        cursor.unregister("made")

    core.writer.call(work).result(120)


def taken(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def measured(core: Core, queue: Queue) -> bool:
    desk, kept, fast = Inline(core.readers), KeptAnswers(), True
    asked = {
        "agreement": (agreement.answer, Wanted("big", "topic")),
        "agreement by model": (agreement.answer, Wanted("big", "topic", "model")),
        "agreement, ordinal": (agreement.answer, Wanted("big", "grade")),
        "disputes": (disputes.answer, "big"),
        "consensus": (consensus.answer, "big", "topic"),
    }
    desk.answer(queue.project_id, *asked["agreement"])  # what is imported at the first is no part of an answer

    def ask(name: str) -> bytes:
        with core.readers.read() as cursor:
            (state,) = queries.get("queue_state").function(cursor, queue.project_id, "big").to_pylist()
        return kept.get(name, state, lambda: desk.answer(queue.project_id, *asked[name]))

    print(f"{'answer':20} {'new, s':>8} {'kept, s':>8}")
    for name in asked:
        new, again = taken(lambda: ask(name)), taken(lambda: ask(name))  # noqa: B023 - called at once
        fast &= new < NEW_S and again < KEPT_S
        print(f"{name:20} {new:8.2f} {again:8.3f}")
    return fast


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=33_334)
    parser.add_argument("--people", type=int, default=20)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, opened(Settings(data_dir=Path(folder), min_free_bytes=0)) as core:
        queue = queues.put(core, "default", "big", TERMS, "bench")
        fill(core, queue, wanted.items, wanted.people)
        print(f"{3 * wanted.items:,} labels of {wanted.people} people")
        fast = measured(core, queue)
    if not fast:
        sys.exit("An answer takes longer than it may.")


if __name__ == "__main__":
    main()
