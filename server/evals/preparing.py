"""From a suite's file to what can be run: items, target, evaluators; all checked before anything is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.errors import EvaluatorError
from evaluators.protocol import ruler
from evaluators.suites.engine import Scorer
from evaluators.suites.items import Items, Metadata, Rows, file_digest, file_rows, items_of
from evaluators.suites.suite import SHARES, TARGET, Dataset, Gate, Suite, Traces, Use, parse_suite
from evaluators.targets.answer import Target
from evaluators.targets.config import StoredPrompt
from evaluators.targets.recorded import Recorded, said_in
from evaluators.verdict import Scale
from server.judging import Bench, Files, bench, list_price
from server.yaml_lines import line_in, parsed

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

MAX_SUITE = 1_000_000  # letters
COLUMNS = 20  # that an error names

TraceRows = Callable[[Traces], Rows]
"""Asks a store for the cases of traces."""
PromptOf = Callable[[StoredPrompt], Mapping[str, Any]]
"""Asks a store for a prompt: `GET /api/prompts/{name}`, and its `project`. Raises EvaluatorError: there is none."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A version of a stored dataset."""

    project: str
    name: str
    version: int
    content: str  # its hash
    rows: Rows


@dataclass(frozen=True, slots=True)
class Stores:
    """How a store is asked for what a suite names there."""

    traces: TraceRows
    dataset: Callable[[Dataset], Stored]
    prompt: PromptOf


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
    dataset_digest: str | None  # sha256 of its file, or of the stored version; null: it has neither
    stored: Stored | None  # the version that was read
    target: Target
    scorers: tuple[Scorer, ...]
    bench: Bench
    prompt: Mapping[str, Any] | None = None  # a stored one of the target: name, label, version, hash


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


def prepared(read: Read, files: Files, stores: Stores | None = None, tracer: Tracer | None = None) -> Prepared:
    """The suite's parts, made.

    Args:
        read: the suite.
        files: of judges and own evaluators, where the suite names none; limits of the run.
        stores: how a store is asked; null: there is no store.
        tracer: of judges.

    Raises:
        EvaluatorError: a part cannot be used; nothing was asked.
    """
    read, prompt = _with_prompt(read, stores)
    suite = read.suite
    found = bench(_files(read, files), tracer)
    scorers = tuple(_scorer(use, found, read) for use in suite.evaluators)
    _check_gates(read, scorers)
    target = suite.target.make(read.folder, list_price, found.budget, suite.concurrency)
    rows, origin, digest, stored = _rows(read, stores)
    items = items_of(rows, suite.dataset, suite.seed, origin, _metadata(scorers))
    if isinstance(target, Recorded) and suite.failures_at_most < 1:
        _check_answers(read, items, origin)
    return Prepared(read, items, digest, stored, target, scorers, found, prompt)


def _with_prompt(read: Read, stores: Stores | None) -> tuple[Read, Mapping[str, Any] | None]:
    """The suite with what a stored prompt says in its place, and which version that is; null: it names none."""
    model = read.suite.target.model
    if model is None or not isinstance(model.prompt, StoredPrompt):
        return read, None
    wanted, steps = model.prompt, ("target", "model", "prompt")
    if stores is None:
        raise _fault(read, steps, "the prompt is stored, and no store is at hand. Start `assay up`, or say --data-dir.")
    from evaluators.targets.stored import with_prompt  # noqa: PLC0415 - loads jinja2

    try:
        said = stores.prompt(wanted)
        settings = with_prompt(model, said)
    except (EvaluatorError, ValueError) as error:
        raise _fault(read, steps, str(error)) from error
    target = read.suite.target.model_copy(update={"model": settings})
    told = {key: said[key] for key in ("project", "name", "label", "version", "hash")}
    return replace(read, suite=read.suite.model_copy(update={"target": target})), told


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
        raise _fault(read, ("evaluators", read.suite.evaluators.index(use)), str(error)) from error
    _check_pass(read, use, evaluator.card.scale)
    return Scorer(use, evaluator, ruler(evaluator))


def _fault(read: Read, steps: tuple[str | int, ...], what: str) -> SuiteError:
    key = ".".join(map(str, steps))
    return SuiteError(f"{read.origin}, line {line_in(read.text, steps)}: {key}: {what}")


def _check_pass(read: Read, use: Use, scale: Scale) -> None:
    """Raises SuiteError: a label or a bound that no verdict of the evaluator can have."""
    if use.passing is None:
        return
    steps = ("evaluators", read.suite.evaluators.index(use), "pass")
    named = {"label": () if use.passing.label is None else (use.passing.label,), "labels": use.passing.labels}
    for key, labels in named.items():
        unknown = next((label for label in labels if scale.labels and label not in scale.labels), None)
        if unknown is not None:
            close = get_close_matches(unknown, scale.labels, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            what = f"{use.name} has no label {unknown!r}{hint} Its labels: {', '.join(scale.labels)}."
            raise _fault(read, (*steps, key), what)
    for key, value in {"at_least": use.passing.at_least, "at_most": use.passing.at_most}.items():
        if value is not None and not scale.spans(value):
            raise _fault(read, (*steps, key), f"{use.name} is {_extent(scale)}, and {key} is {value:g}.")


def _check_gates(read: Read, scorers: tuple[Scorer, ...]) -> None:
    scales = {one.use.called: one.evaluator.card.scale for one in scorers}
    for place, gate in enumerate(read.suite.gates):
        if gate.of.partition(".")[0] != TARGET and gate.measure not in SHARES:
            _check_gate(read, ("gates", place), gate, scales[gate.of])


def _check_gate(read: Read, steps: tuple[str | int, ...], gate: Gate, scale: Scale) -> None:
    """Raises SuiteError: a bound outside the evaluator's scale, or a comparison of what has no better end."""
    for key, value in gate.bounds.items():
        if not scale.spans(value):
            raise _fault(read, (*steps, key), f"{gate.of} is {_extent(scale)}, and {key} is {value:g}.")
    if gate.no_worse_than is not None and scale.better is None:
        what = f"of {gate.of} neither a high nor a low value is better, so that none is worse. "
        raise _fault(read, (*steps, "no_worse_than"), f"{what}Give it a `pass`, and the gate the measure pass_rate.")
    width = None if scale.low is None or scale.high is None else scale.high - scale.low
    if width is not None and gate.by_at_most > width:
        what = f"{gate.of} is {_extent(scale)}, and by_at_most is {gate.by_at_most:g}: no change is as large."
        raise _fault(read, (*steps, "by_at_most"), what)


def _extent(scale: Scale) -> str:
    if scale.low is None:
        return f"at most {scale.high:g}"
    return f"at least {scale.low:g}" if scale.high is None else f"from {scale.low:g} to {scale.high:g}"


def _metadata(scorers: tuple[Scorer, ...]) -> Metadata:
    """What of metadata two runs have to share: what evaluators look at, but for what tells of an outcome."""
    cards = [one.evaluator.card for one in scorers]
    outcomes = [name for one in scorers for name in getattr(one.evaluator, "outcomes", ())]
    return Metadata(any("metadata" in (*card.needs, *card.takes) for card in cards), frozenset(outcomes))


def _check_answers(read: Read, items: Items, origin: str) -> None:
    """Raises SuiteError: no item has the answer that is to be scored."""
    columns: dict[str, None] = {}
    for item in items:
        if (said_in(item.case) or "").strip():
            return
        columns |= dict.fromkeys(item.case.metadata)
    what = f"none of the items of {origin} has an answer, so that nothing can be scored."
    if columns:
        named = ", ".join(list(columns)[:COLUMNS]) + (", ..." if len(columns) > COLUMNS else "")
        what += f" Columns that are no field of a case: {named}. Name the one of the answers by `fields`, such as "
        what += f"{{answer: {next(iter(columns))}}}."
    raise _fault(read, ("dataset",), what)


def _rows(read: Read, stores: Stores | None) -> tuple[Rows, str, str | None, Stored | None]:
    dataset = read.suite.dataset
    if dataset.file is not None:
        path = read.folder / dataset.file
        return file_rows(path, dataset.fields), dataset.file, file_digest(path), None
    if stores is None:
        what = "stored traces" if dataset.stored is None else "those of a stored dataset"
        raise SuiteError(
            f"{read.origin}: its items are {what}, and no store is at hand. Start `assay up`, or say --data-dir."
        )
    if dataset.traces is not None:
        return stores.traces(dataset.traces), f"traces of project {dataset.traces.project}", None, None
    found = stores.dataset(dataset)
    split = "" if dataset.split is None else f", split {dataset.split}"
    return found.rows, f"dataset {found.name}, version {found.version}{split}", found.content, found
