"""One run of a prepared suite: asked, scored, written down row by row, then judged by its gates and reported."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from evaluators.journal import Journal
from evaluators.scoring import release
from evaluators.suites.engine import Outcome, Way, outcomes
from evaluators.suites.results import Digest, line_of, outcome_row
from server.evals import folder as files
from server.evals.columns import Columns
from server.evals.folder import RunFolder, State
from server.evals.gating import Baseline
from server.evals.manifest import inputs, surroundings
from server.evals.preparing import Prepared
from server.evals.progress import Progress
from server.evals.summary import Summary, summary_of


class CutOffError(Exception):
    """The run was interrupted; what was answered is kept."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a run beside its suite."""

    again: bool = False  # ask for what failed in the newest run, and keep the rest of it
    reuse: bool = False  # take answers of earlier runs also of a target that names no version
    fresh: bool = False  # forget all that was answered before
    quiet: bool = False  # no progress
    no_baseline: bool = False  # leave gates against a baseline undecided
    run_id: str | None = None  # it is this run; null: the folder says
    traced: bool = True  # tell the target the trace to go on with
    experiment: Mapping[str, Any] | None = None  # id, name and arm of the experiment that it is an arm of


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a run."""

    state: State
    summary: Summary
    manifest: dict[str, Any]
    folder: RunFolder


Told = Callable[[Progress], None]
Begun = Callable[[State], None]


def run_suite(  # noqa: PLR0917 - what it is, where, how, and who is told
    prepared: Prepared, folder: RunFolder, wish: Wish, baseline: Baseline | None = None, told: Told | None = None,
    begun: Begun | None = None,
) -> Finished:  # fmt: skip
    """Carry the suite out, and write results, manifest, summary and reports to the folder.

    Args:
        prepared: the suite.
        folder: where all is written; a run that was cut off there is gone on with.
        wish: how.
        baseline: what gates compare with.
        told: is called after each answer.
        begun: is called before the first.

    Raises:
        EvaluatorError: the folder cannot be written, or another run writes there.
        CutOffError: the user interrupted it.
    """
    with folder.held():
        if wish.fresh:
            _forget(folder)
        state = folder.begin(go_on=wish.again, reuse=wish.reuse, run_id=wish.run_id)
        if begun is not None:
            begun(state)
        try:
            sys.setswitchinterval(SWITCH_S)
            columns, digest = asyncio.run(_carried_out(prepared, folder, state, wish, told))
        except KeyboardInterrupt as error:
            raise CutOffError(
                f"The run was cut off. What was answered is kept in {folder.path}: the same command goes on with it."
            ) from error
        summary = summary_of(prepared, columns, baseline, skip=wish.no_baseline)
        manifest = _manifest(prepared, state, digest) | told_of(wish)
        _written(prepared.read.text, folder, summary, manifest)
        folder.end(state)
    return Finished(state, summary, manifest, folder)


def _forget(folder: RunFolder) -> None:
    for name in (files.JOURNAL, f"{files.JOURNAL}-wal", f"{files.JOURNAL}-shm", files.STATE):
        folder.file(name).unlink(missing_ok=True)


SWITCH_S = 0.0005
"""Between the threads of those who ask and those who score; at Python's usual 5 ms each answer waits some of these."""


async def _carried_out(
    prepared: Prepared, folder: RunFolder, state: State, wish: Wish, told: Told | None
) -> tuple[Columns, str]:
    suite = prepared.read.suite
    traced = state.run_id if wish.traced else None
    way = Way(
        suite.repeats, suite.concurrency, bounded=True, seed=suite.seed, traced=traced,
        generation=state.generation,
    )  # fmt: skip
    columns, digest = Columns(), Digest()
    part = folder.file(f"{files.RESULTS}.part")
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(closing(Journal(folder.file(files.JOURNAL))))
        if not state.resumed:
            journal.forget_others(state.generation)
        stack.push_async_callback(prepared.target.aclose)
        stack.push_async_callback(release, [one.evaluator for one in prepared.scorers])
        progress = stack.enter_context(
            Progress(suite.name, prepared.items.count * suite.repeats, suite.budget_usd, quiet=wish.quiet)
        )
        out = stack.enter_context(part.open("wb"))
        run = outcomes(prepared.items, prepared.target, prepared.scorers, way, journal)
        async for one in await stack.enter_async_context(aclosing(run)):
            row = outcome_row(one, prepared.scorers)
            digest.add(row)
            columns.add(row)
            out.write(line_of(row))
            progress.tell(kept=one.kept, failed=one.answer.status == "error", cost_usd=_cost(one))
            if told is not None:
                told(progress)
    part.replace(folder.file(files.RESULTS))
    return columns, digest.hex


def _cost(one: Outcome) -> float:
    """US dollars that are known of it, with its judges'."""
    told = [one.answer.usage.cost_usd if one.answer.usage else None]
    told += [said.spent.cost_usd for said in one.verdicts if said.spent]
    return sum(cost for cost in told if cost is not None)


def _manifest(prepared: Prepared, state: State, digest: str) -> dict[str, Any]:
    return {
        "run_id": state.run_id, "started_at": state.started_at,
        "ended_at": datetime.now(UTC).isoformat(timespec="seconds"), "resumed": state.resumed,
        **surroundings(prepared.read.folder), **inputs(prepared), "results_sha256": digest,
    }  # fmt: skip


def told_of(wish: Wish) -> dict[str, Any]:
    """What a manifest tells of the experiment; nothing of a run that is of none."""
    return {} if wish.experiment is None else {"experiment": dict(wish.experiment)}


def _written(suite: str, folder: RunFolder, summary: Summary, manifest: dict[str, Any]) -> None:
    from server.evals.report import reports  # noqa: PLC0415 - the templates' library

    files.write(folder.file(files.SUITE), suite)
    files.write(folder.file(files.MANIFEST), _pretty(manifest))
    files.write(folder.file(files.SUMMARY), _pretty(summary))
    for name, text in reports(folder.file(files.RESULTS), summary, manifest).items():
        files.write(folder.file(name), text)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
