"""How the command line tells of suites and runs: sentences, a table of gates, JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evaluators.case import Json
from evaluators.errors import UnreadableCaseError
from evaluators.suites.items import Rows
from evaluators.suites.suite import Dataset, Suite, Traces, schema
from evaluators.targets.config import StoredPrompt
from server.evals.figures import counted
from server.evals.gating import LEVEL
from server.evals.preparing import Prepared, PromptOf, Read, Stored, Stores, SuiteError, TraceRows
from server.evals.running import Finished
from server.evals.summary import outcome_line
from server.settings import Settings


def changed(read: Read, changes: Mapping[str, Any]) -> Read:
    """The suite with what the command line says in its place. Raises SuiteError: that cannot be."""
    if not changes:
        return read
    told = read.suite.model_dump(by_alias=True, exclude_none=True)
    if "sample" in changes:
        told["dataset"]["sample"] = changes["sample"]
    told |= {name: value for name, value in changes.items() if name != "sample"}
    try:
        suite = Suite.model_validate(told)
    except ValidationError as error:
        raise SuiteError(f"{read.origin}: {error.errors()[0]['msg']}") from error
    return Read(suite, read.text, read.origin, read.folder)


def trace_rows(settings: Settings) -> TraceRows:
    """Asks the running server, or the store itself, for cases of traces."""

    def rows(wanted: Traces) -> Rows:
        from server.evals.traces import cases_of  # noqa: PLC0415

        found: list[tuple[str, Json | UnreadableCaseError]] = list(cases_of(settings, wanted))
        return lambda: found

    return rows


def prompt_of(settings: Settings, project: str) -> PromptOf:
    """Asks the running server, or the store itself, for a version of a prompt."""

    def ask(wanted: StoredPrompt) -> Mapping[str, Any]:
        from server.client import ApiError  # noqa: PLC0415
        from server.door import door  # noqa: PLC0415

        of = wanted.project or project
        with door(settings, of) as client:
            try:
                return {**client.prompt(wanted.stored, wanted.label, wanted.version), "project": of}
            except ApiError as error:
                if error.kind != "refused":
                    raise
                raise SuiteError(str(error)) from error

    return ask


def stores(settings: Settings, project: str = "default") -> Stores:
    """Ways to what a store has; datasets and prompts are of the project where the suite names none."""
    return Stores(
        trace_rows(settings),
        lambda wanted: stored_dataset(settings, wanted, wanted.project or project),
        prompt_of(settings, project),
    )


def stored_dataset(settings: Settings, wanted: Dataset, project: str) -> Stored:
    """A version of a stored dataset, by way of the running server, else of the store itself.

    Its rows are written to a file of their own first: so they are read again without the store, and are never held.

    Raises:
        ApiError: there is no such dataset or version.
        SuiteError: it is empty.
        NoStoreError: there is neither a server nor a store.
    """
    from server.door import door  # noqa: PLC0415 - the way to the store

    name = str(wanted.stored)
    with door(settings, project) as client:
        told = client.dataset(name, wanted.version)
        if not told["version"]:
            raise SuiteError(f"The dataset {name!r} has no items yet. `assay datasets import {name} FILE` adds some.")
        if wanted.split is not None and wanted.split not in told["splits"]:
            known = ", ".join(filter(None, told["splits"])) or "none"
            close = get_close_matches(wanted.split, told["splits"], n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise SuiteError(f"The dataset {name!r} has no split {wanted.split!r}.{hint} Its splits: {known}.")
        spooled = _Spooled()
        for row in client.dataset_rows(name, told["shown"], wanted.split):
            spooled.add(row)
    version = next(one for one in told["versions"] if one["version"] == told["shown"])
    return Stored(project, name, told["shown"], version["content"], spooled.rows)


class _Spooled:
    """Rows in a file that is gone with the object."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile("w+", encoding="utf-8", suffix=".jsonl")  # noqa: SIM115 - it lives on

    def add(self, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(row) + "\n")

    def rows(self) -> Iterator[tuple[str, Json | UnreadableCaseError]]:
        """The rows, from the first on."""
        self._file.flush()
        with Path(self._file.name).open("rb") as file:
            for place, line in enumerate(file, 1):
                yield f"item {place}", json.loads(line)


def checked(ready: Prepared) -> str:
    """What a suite that can be run would do."""
    suite, items = ready.read.suite, ready.items
    answers = items.count * suite.repeats
    left_out = f" ({counted(items.left_out, 'row')} left out)" if items.left_out else ""
    return (
        f"{ready.read.origin}: {counted(items.count, 'item')}{left_out} in {counted(items.clusters, 'cluster')}, "
        f"{counted(answers, 'answer')}, {counted(len(suite.evaluators), 'evaluator')}, "
        f"{counted(len(suite.gates), 'gate')}. It can be run."
    )


def text(done: Finished) -> str:
    """What came of a run, for people."""
    summary = done.summary
    lines = [f"{summary['suite']}: {outcome_line(summary)}", *summary["sentences"], ""]
    says = f"says, with intervals of {100 * LEVEL:.0f} %" if summary["gates"] else "says"
    lines += _table(
        [
            {"gate": one["text"], "state": one["state"].replace("_", " "), says: one["sentence"]}
            for one in (*summary["gates"], summary["completeness"])
        ]
    )
    lines += ["", f"Reports: {done.folder.path}"]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[Mapping[str, str]]) -> list[str]:
    told = list(rows)
    names = list(told[0]) if told else []
    widths = [max(len(name), *(len(row[name]) for row in told)) for name in names[:-1]]
    lines = [[*names], *([row[name] for name in names] for row in told)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]) for line in lines
    ]


def as_json(done: Finished) -> str:
    """The summary and the manifest, as one object."""
    return json.dumps({"manifest": done.manifest, "summary": done.summary}, ensure_ascii=False) + "\n"


def schema_text() -> str:
    """The JSON schema of suite files."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
