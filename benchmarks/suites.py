"""Does a killed run of a suite go on where it was, how much does the runner add, and does its memory stay flat?

    python benchmarks/suites.py [--items 1000] [--repeats 3] [--latency 0.5] [--concurrency 32] [--many 100000]

An endpoint in a process of its own answers after `latency` seconds and counts what it answered. `assay eval run` asks
it about all items and repeats, scored by four evaluators: once undisturbed, once killed (SIGKILL) at three moments and
started again each time. Said are: answers that were asked twice (those in flight when the kill came apart), whether
results and reports are the same bytes but for times, and the overhead: wall time over that of the endpoint.
Then `many` items with recorded answers, and the peak of the runner's memory at a tenth of them and at all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

SUITE = """\
suite: bench
dataset: {{file: items.jsonl}}
target:
  http:
    url: "{url}"
    body: {{q: "{{{{ question }}}}", id: "{{{{ id }}}}", repeat: "{{{{ repeat }}}}"}}
    answer: $.answer
repeats: {repeats}
concurrency: {concurrency}
evaluators:
  - exact_match
  - {{name: contains, options: {{texts: [answer]}}, pass: {{at_least: 1}}}}
  - {{name: length, options: {{most: 1000}}}}
  - {{name: refusal, pass: {{at_most: 0.5}}}}
gates:
  - {{of: contains, measure: pass_rate, at_least: 0.5}}
  - {{of: target, measure: errors, at_most: 0.01}}
"""
RECORDED = """\
suite: many
dataset: {file: items.jsonl}
target: {answered: true}
evaluators: [exact_match, {name: length, options: {most: 1000}}]
gates: [{of: exact_match, at_least: 0.5}]
"""
# What may differ between two runs that say the same: ids of runs and traces, times, how often it was begun.
TIMES = (
    (re.compile(r'"measured":\{.*?"spent":\{[^}]*\}\}'), "MEASURED"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{12}\b(?=, 20)"), "ID"),
    (re.compile(r"20\d\d-\d\d-\d\dT[\d:]+(\+00:00)?"), "TIME"),
    (re.compile(r'time="[\d.]+"'), "TOOK"),
    (re.compile(r'"resumed": \d+'), "RESUMED"),
    (re.compile(r'"measured": \[.*?\n \]', re.DOTALL), "MEASURED"),  # of a summary
    (re.compile(r"<h2>Answers</h2>.*?</table>", re.DOTALL), "MEASURED"),  # of a page
)


def serve(latency: float, told: Any, asked: Any) -> None:
    """Answers HTTP/1.1 on a free port; says how often each item and repeat was answered whole."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
                body = json.loads(await reader.readexactly(size))
                await asyncio.sleep(latency)
                text = json.dumps({"answer": f"answer to {body['q']}, {body['repeat']}"}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
                writer.write(f"content-length: {len(text)}\r\n\r\n".encode() + text)
                await writer.drain()
                counts[f"{body['id']} {body['repeat']}"] += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def go() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        while True:
            if asked.poll():
                asked.recv()
                asked.send(dict(counts))
                counts.clear()
            await asyncio.sleep(0.05)

    counts: Counter[str] = Counter()
    asyncio.run(go())


def command(folder: Path, out: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "server.cli",
        "eval",
        "run",
        str(folder / "suite.yaml"),
        "--out",
        str(folder / out),
        "-q",
    ]


def environment(folder: Path) -> dict[str, str]:
    root = str(Path(__file__).parent.parent)
    return os.environ | {"PYTHONPATH": root, "ASSAY_DATA_DIR": str(folder / "none")}


def killed(folder: Path, whole_s: float, times: int, seed: int) -> int:
    """Run to the end, killed so many times on the way; how many kills met it running."""
    draw, met = random.Random(seed), 0
    for _ in range(times):
        process = subprocess.Popen(command(folder, "killed"), env=environment(folder), stdout=subprocess.DEVNULL)
        try:
            process.wait(whole_s * draw.uniform(0.15, 0.3))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            met += 1
    subprocess.run(command(folder, "killed"), env=environment(folder), stdout=subprocess.DEVNULL, check=True)
    return met


def same(folder: Path, name: str) -> bool:
    texts = [(folder / out / name).read_text("utf-8") for out in ("whole", "killed")]
    for pattern, word in TIMES:
        texts = [pattern.sub(word, text) for text in texts]
    return texts[0] == texts[1]


def measured_part(args: argparse.Namespace, folder: Path) -> bool:
    told, tell = multiprocessing.Pipe(duplex=False)
    asking, asked = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(args.latency, tell, asked), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{told.recv()}/ask"
    (folder / "suite.yaml").write_text(SUITE.format(url=url, repeats=args.repeats, concurrency=args.concurrency))
    rows = (
        {"id": f"q{n}", "question": f"What is {n}?", "reference": f"answer to What is {n}?, 0"}
        for n in range(args.items)
    )
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    answers = args.items * args.repeats
    started = time.monotonic()
    subprocess.run(command(folder, "whole"), env=environment(folder), stdout=subprocess.DEVNULL, check=True)
    took = time.monotonic() - started
    asking.send(0)
    assert set(asking.recv().values()) == {1}  # noqa: S101
    ideal = math.ceil(answers / args.concurrency) * args.latency
    idle = start_up(folder)
    met = killed(folder, took, 3, args.seed)
    asking.send(0)
    counts = asking.recv()
    twice = sum(count - 1 for count in counts.values())
    equal = {
        name: same(folder, name) for name in ("results.jsonl", "report.md", "report.html", "junit.xml", "summary.json")
    }
    server.terminate()
    print(f"{answers:,} answers of {args.latency * 1000:g} ms, {args.concurrency} at once, 4 evaluators")
    print(f"undisturbed {took:.1f} s, of which {idle:.1f} s to start; the endpoint needs {ideal:.1f} s")
    print(f"overhead {100 * (took - idle - ideal) / ideal:.1f} % (with the start {100 * (took - ideal) / ideal:.1f} %)")
    print(f"killed {met} times: {len(counts):,} answered, {twice} asked again that were in flight at a kill")
    print("the same bytes but for times: " + ", ".join(f"{name} {'yes' if ok else 'NO'}" for name, ok in equal.items()))
    return met == 3 and all(equal.values()) and len(counts) == answers and twice <= 3 * args.concurrency


def start_up(folder: Path) -> float:
    """What a process takes that only checks the suite: Python, evaluators, the dataset."""
    started = time.monotonic()
    check = [sys.executable, "-m", "server.cli", "eval", "check", str(folder / "suite.yaml")]
    subprocess.run(check, env=environment(folder), stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started


def memory_part(args: argparse.Namespace, folder: Path) -> bool:
    (folder / "suite.yaml").write_text(RECORDED)
    peaks = []
    for count in (args.many // 10, args.many):
        with (folder / "items.jsonl").open("w") as file:
            for n in range(count):
                text = f"It is number {n}. " * 20
                file.write(json.dumps({"id": n, "question": f"What is {n}?", "answer": text, "reference": text}) + "\n")
        started = time.monotonic()
        process = subprocess.Popen(command(folder, f"out{count}"), env=environment(folder), stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        peaks.append(used.ru_maxrss / 1024)
        took, code = time.monotonic() - started, os.waitstatus_to_exitcode(status)
        print(f"{count:,} items: {took:.1f} s, peak {peaks[-1]:.0f} MiB, exit {code}")
    # Ids, clusters and values for the statistics stay: less than a KiB an item.
    return peaks[1] < peaks[0] + args.many / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("items", 1000), ("repeats", 3), ("concurrency", 32), ("many", 100_000), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--latency", type=float, default=0.5)
    args = parser.parse_args()
    print("$ python benchmarks/suites.py " + " ".join(sys.argv[1:]))
    with tempfile.TemporaryDirectory() as name:
        good = measured_part(args, Path(name))
    with tempfile.TemporaryDirectory() as name:
        good &= memory_part(args, Path(name))
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
