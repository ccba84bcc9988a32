"""Datasets of 100,000 items over a real server: import, a change of one item, pages, splits, exports, checks.

usage: python benchmarks/speed_datasets.py [--items 100000] [--checked 20000]

CPU is of the server and its processes. Texts are of some thirty words drawn by Zipf's law from 20,000, every twentieth
with one word of the text before it changed, so that there is something to find.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _server import Server

from server.client import Client
from server.client_datasets import parts_of

WORDS, LENGTH = 20_000, 30
RUNS = 9


def texts(count: int) -> Iterator[str]:
    draw = random.Random(5)
    vocabulary = [f"word{number}" for number in range(WORDS)]
    weights = [1 / (number + 3) for number in range(WORDS)]
    words = draw.choices(vocabulary, weights, k=LENGTH)
    for place in range(count):
        if place % 20:
            words = draw.choices(vocabulary, weights, k=LENGTH)
        else:
            words[draw.randrange(LENGTH)] = "other"
        yield " ".join(words)


def write(path: Path, count: int) -> None:
    with path.open("w") as file:
        for place, text in enumerate(texts(count)):
            row = {"id": f"q{place}", "input": text, "expected": f"{place} days", "document": f"d{place // 5}"}
            file.write(json.dumps(row) + "\n")


@contextmanager
def measured(server: Server, what: str) -> Iterator[None]:
    """Seconds, CPU seconds, and the most memory of the server's own process meanwhile."""
    over, most = threading.Event(), [0.0]

    def look() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], server._ps().memory_info().rss / 1e6)  # noqa: SLF001 - the server alone

    watch = threading.Thread(target=look)
    began, cpu = time.perf_counter(), server.cpu_s()
    watch.start()
    yield
    took, spent = time.perf_counter() - began, server.cpu_s() - cpu
    over.set()
    watch.join()
    print(f"{what:<44} {took:7.2f} s   {spent:7.2f} s of CPU   server at most {most[0]:.0f} MB")


def median_ms(ask: Callable[[], Any]) -> float:
    ask()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--checked", type=int, default=20_000)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder) / "data", min_free_bytes=0) as server:
        file = Path(folder) / "items.jsonl"
        write(file, told.items)
        print(f"{told.items:,} items, {file.stat().st_size / 1e6:.0f} MB of JSON lines; server {server.memory()}")
        with Client(server.api, timeout_s=600) as client:
            large(server, client, file)
            checks(server, client, Path(folder) / "checked.jsonl", told.checked)


def large(server: Server, client: Client, file: Path) -> None:
    client.create_dataset("large")
    with measured(server, "import"):
        client.import_dataset("large", file.name, parts_of(file))
    before = server.disk_bytes()
    item = client.dataset_item("large", "q7")["item"] | {"reference": "other"}
    with measured(server, "change of one item"):
        client.change_dataset("large", {"base": 1, "set": [item]})
    print(f"  on disk {(server.disk_bytes() - before) / 1e3:.0f} KB more, of {before / 1e6:.0f} MB")
    count = client.dataset("large")["items"]
    for what, params in (
        ("first page", {}), ("page in the middle", {"after_place": count // 2}),
        ("search of all fields", {"text": "order"}),
    ):  # fmt: skip
        print(f"{what:<44} {median_ms(lambda params=params: client.dataset_items('large', **params)):7.0f} ms hot")
    print(f"{'difference of two versions':<44} {median_ms(lambda: client.dataset_diff('large', 1, 2)):7.0f} ms hot")
    with measured(server, "import of the same again"):
        client.import_dataset("large", file.name, parts_of(file), duplicates="replace")
    with measured(server, "split by document"):
        client.split_dataset("large", {"base": 3, "parts": {"train": 0.8, "test": 0.2}, "by": "document"})
    for kind in ("jsonl", "csv", "parquet", "openai"):
        with measured(server, f"export as {kind}"):
            client.export_dataset("large", io.BytesIO(), kind)


def checks(server: Server, client: Client, file: Path, count: int) -> None:
    write(file, count)
    client.create_dataset("checked")
    client.import_dataset("checked", file.name, parts_of(file), duplicates="keep")
    client.split_dataset("checked", {"base": 1, "parts": {"train": 0.8, "test": 0.2}, "by": "document"})
    with measured(server, f"checks of {count:,} items"):
        found = client.check_dataset("checked", {})
    print("  " + ", ".join(f"{one['check']} {one['count']:,}" for one in found["findings"]))


if __name__ == "__main__":
    main()
