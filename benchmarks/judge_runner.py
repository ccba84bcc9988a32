"""Is a slow judge's concurrency kept busy, and does a long run keep its memory?

    python benchmarks/judge_runner.py [--calls 640] [--latency 0.5] [--concurrency 32] [--cases 100000]

The first part judges cases by the groundedness rubric over HTTP, against a fake endpoint in a process of its own that
takes `latency` seconds a call. Busy is (calls x latency) / (concurrency x wall time); making the connections counts.
It is measured with a journal and a cache, as suites run. The second part scores `cases` cases that ask nobody, and some
that await, and tells the peak of this process's memory at a tenth and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from fake_openai import Act, FakeOpenAI

from evaluators.case import Case
from evaluators.checks.matching import ExactMatch
from evaluators.journal import Journal
from evaluators.judges import builtin
from evaluators.judges.judge import Judge
from evaluators.judges.settings import JudgeSettings
from evaluators.kept import Kept
from evaluators.protocol import Card
from evaluators.runner import run, threaded
from evaluators.verdict import Verdict, verdict

SAID = '{"reason": "All of it stands in the contexts.", "label": "supported", "quotes": []}'


def serve(latency: float, told: Any) -> None:
    async def go() -> None:
        async with FakeOpenAI(lambda _: Act(SAID, wait_s=latency)) as fake:
            told.send(fake.url)
            await asyncio.Event().wait()

    asyncio.run(go())


def cases(count: int) -> Iterator[Case]:
    for n in range(count):
        yield Case(
            id=n, question="Where is it?", answer=f"It is in Rome, number {n}.", contexts=("It is in Rome. " * 50,)
        )


async def judge_all(url: str, calls: int, concurrency: int, folder: Path) -> float:
    settings = JudgeSettings(name="fake", base_url=url, model="m", concurrency=concurrency)
    judge = Judge(settings, cache=Kept(folder / "cache.db"))
    journal = Journal(folder / "journal.db")
    started = time.monotonic()
    evaluator = builtin.GROUNDEDNESS(judge=judge)
    async with aclosing(run(threaded(cases(calls)), [evaluator], concurrency, journal=journal)) as found:
        statuses = [one.verdict.status async for one in found]
    took = time.monotonic() - started
    await judge.aclose()
    assert statuses == ["ok"] * calls  # noqa: S101 - a benchmark of failures would be quick
    return took


@dataclass(frozen=True, slots=True)
class Awaits:
    card: ClassVar[Card] = Card("awaits", "1", "custom", "Nothing.", ("answer",))

    async def __call__(self, case: Case) -> Verdict:
        await asyncio.sleep(0)
        return verdict(1.0, case.answer or "")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def long_run(count: int) -> tuple[float, float, float]:
    source = (Case(id=n, answer="x" * 500, reference="y" * 500) for n in range(count))
    started, tenth, seen = time.monotonic(), 0.0, 0
    async with aclosing(run(threaded(source), [ExactMatch(), Awaits()], 32)) as found:
        async for one in found:
            if isinstance(one.evaluator, Awaits):
                seen += 1
                tenth = peak_mb() if seen == count // 10 else tenth
    return time.monotonic() - started, tenth, peak_mb()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--calls", type=int, default=640)
    asked.add_argument("--latency", type=float, default=0.5)
    asked.add_argument("--concurrency", type=int, default=32)
    asked.add_argument("--cases", type=int, default=100_000)
    told = asked.parse_args()

    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    server = context.Process(target=serve, args=(told.latency, theirs), daemon=True)
    server.start()
    url = mine.recv()
    for warm in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            count = told.concurrency if warm else told.calls
            before = time.process_time()
            took = asyncio.run(judge_all(url, count, told.concurrency, Path(folder)))
            spent = time.process_time() - before
    server.kill()
    busy = told.calls * told.latency / (told.concurrency * took)
    print(f"{told.calls} calls of {told.latency} s at {told.concurrency} at once: {took:.2f} s, {busy:.1%} busy")
    print(f"  {1000 * spent / told.calls:.2f} ms of CPU a verdict here")
    took, tenth, end = asyncio.run(long_run(told.cases))
    print(f"{told.cases:,} cases by two evaluators: {took:.1f} s, {2 * told.cases / took:,.0f} verdicts/s")
    print(f"  peak memory {tenth:.0f} MB after a tenth, {end:.0f} MB at the end")


if __name__ == "__main__":
    main()
