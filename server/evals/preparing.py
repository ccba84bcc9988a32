"""From a suite's file to what can be run: items, target, evaluators; all checked before anything is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.errors import EvaluatorError
from evaluators.protocol import ruler
from evaluators.suites.engine import Scorer
from evaluators.suites.items import Items, Rows, file_digest, file_rows, items_of
from evaluators.suites.suite import Suite, Traces, Use, parse_suite
from evaluators.targets.answer import Target
from server.judging import Bench, Files, bench, list_price
from server.yaml_lines import line_in, parsed

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

MAX_SUITE = 1_000_000  # letters

TraceRows = Callable[[Traces], Rows]
"""Asks a store for the cases of traces."""


class SuiteError(EvaluatorError):
    """A suite's file that cannot be run as it is."""


@dataclass(frozen=True, slots=True)
class Read:
    """A suite and where it stands."""

    suite: Suite
    text: str
    origin: str  # what errors call it
    folder: Path  # that its paths are relative to


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run needs."""

    read: Read
    items: Items
    dataset_digest: str | None  # sha256 of its file; null: it has none
    target: Target
    scorers: tuple[Scorer, ...]
    bench: Bench


def read_suite(path: Path, folder: Path | None = None) -> Read:
    """The suite of a file; its paths are relative to the folder, or to where it stands.

    Raises:
        EvaluatorError: the file cannot be read, or says what cannot be; names file, line, key.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"The suite {path} cannot be read: {error}") from error
    return suite_of(text, str(path), path.absolute().parent if folder is None else folder)


def suite_of(text: str, origin: str, folder: Path) -> Read:
    """The suite of a text. Raises EvaluatorError: it says what cannot be."""
    told = parsed(text, origin, MAX_SUITE, SuiteError)
    return Read(parse_suite(told, origin, lambda steps: line_in(text, steps)), text, origin, folder)


def prepared(read: Read, files: Files, trace_rows: TraceRows | None = None, tracer: Tracer | None = None) -> Prepared:
    """The suite's parts, made.

    Args:
        read: the suite.
        files: of judges and own evaluators, where the suite names none; limits of the run.
        trace_rows: how stored traces are asked for; null: there is no store.
        tracer: of judges.

    Raises:
        EvaluatorError: a part cannot be used; nothing was asked.
    """
    suite = read.suite
    found = bench(_files(read, files), tracer)
    scorers = tuple(_scorer(use, found, read) for use in suite.evaluators)
    target = suite.target.make(read.folder, list_price, found.budget, suite.concurrency)
    rows, origin, digest = _rows(read, trace_rows)
    return Prepared(read, items_of(rows, suite.dataset, suite.seed, origin), digest, target, scorers, found)


def _files(read: Read, files: Files) -> Files:
    suite = read.suite
    judges = None if suite.judges is None else read.folder / suite.judges
    own = None if suite.own_evaluators is None else read.folder / suite.own_evaluators
    return replace(
        files, judges=files.judges or judges, evaluators=files.evaluators or own,
        budget_usd=suite.budget_usd if files.budget_usd is None else files.budget_usd,
    )  # fmt: skip


def _scorer(use: Use, found: Bench, read: Read) -> Scorer:
    try:
        evaluator = found.make(use.name, use.options)
    except EvaluatorError as error:
        place = read.suite.evaluators.index(use)
        line = line_in(read.text, ("evaluators", place))
        raise SuiteError(f"{read.origin}, line {line}: evaluators.{place}: {error}") from error
    return Scorer(use, evaluator, ruler(evaluator))


def _rows(read: Read, trace_rows: TraceRows | None) -> tuple[Rows, str, str | None]:
    dataset = read.suite.dataset
    if dataset.file is not None:
        path = read.folder / dataset.file
        return file_rows(path, dataset.fields), dataset.file, file_digest(path)
    assert dataset.traces is not None  # noqa: S101 - the model has one of the two
    if trace_rows is None:
        raise SuiteError(
            f"{read.origin}: its items are stored traces, and no store is at hand. Start `assay up`, or say --data-dir."
        )
    return trace_rows(dataset.traces), f"traces of project {dataset.traces.project}", None
