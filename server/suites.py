"""Suites that the server knows: those of the suites' folder, and those that are edited in the app.

A file is trusted as files are. A document of the app is a text that whoever may edit has typed: it starts no programs
and reads no files elsewhere, unless the settings say that it may.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from evaluators.errors import EvaluatorError
from evaluators.suites.suite import Suite
from evaluators.targets.config import WAYS
from server.core import Core
from server.evals.preparing import MAX_SUITE, Read, SuiteError, prepared, suite_of
from server.evals.starting import FOLDER as TEMPLATES
from server.judging import Files
from server.settings import Settings
from store import named as store
from store.named import Named

MOST_FILES = 500
DEPTH = 4  # folders below the suites' folder
_NAMED = re.compile(r"^suite:[ \t]*[\"']?([A-Za-z0-9][A-Za-z0-9._-]{0,99})[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)
_DATA = re.compile(r"\bfile:[ \t]*[\"']?([A-Za-z0-9][A-Za-z0-9._-]{0,99})")
_LINE = re.compile(r"\bline (\d+)")
MOST_NAME, MOST_PATH = 255, 2_000  # bytes of a file's name, and of a path of such
PROGRAMS = ("command", "python")  # targets


class UnknownSuiteError(Exception):
    """There is no such suite."""

    def __init__(self, project: str, name: str) -> None:
        super().__init__(f"Project {project!r} has no suite {name!r}. GET /api/suites lists those that there are.")


@dataclass(frozen=True, slots=True)
class FileSuite:
    """A suite's file."""

    name: str
    path: Path
    document: str


@dataclass(frozen=True, slots=True)
class Held:
    """A suite as it would be run now."""

    name: str
    document: str
    source: Literal["stored", "file"]
    folder: Path  # that its paths are relative to
    file: Path | None  # of that name in the suites' folder; of a stored one it is not what is run
    version: int | None = None  # of a stored one
    set_at: datetime | None = None
    author: str | None = None

    @property
    def origin(self) -> str:
        """What errors call it."""
        return f"suite {self.name}" if self.file is None or self.source == "stored" else self.file.name


def folder_of(settings: Settings) -> Path:
    """Where suites and their datasets stand."""
    return (settings.suites_dir or settings.data_dir / "suites").absolute()


def base_of(settings: Settings, document: str) -> Path:
    """What the paths of a suite without a file are relative to: the suites' folder, but of a template its own.

    A template's dataset stands beside it, so that a copy runs as it stands; one of that name in the suites' folder goes
    first. The text is searched, not read: see `_file`.
    """
    root, named = folder_of(settings), _DATA.search(document)
    lent = named is not None and (TEMPLATES / named[1]).is_file() and not (root / named[1]).exists()
    return TEMPLATES if lent else root


def files(settings: Settings) -> list[FileSuite]:
    """The suites of the folder, by path; of two of one name the first counts. Files that name no suite are left out."""
    found: dict[str, FileSuite] = {}
    for path in list(_paths(folder_of(settings)))[:MOST_FILES]:
        one = _file(path)
        if one is not None:
            found.setdefault(one.name, one)
    return sorted(found.values(), key=lambda one: one.name)


def templates() -> list[FileSuite]:
    """Suites to begin with, as `assay eval new` copies them."""
    return [one for path in sorted(TEMPLATES.glob("*.yaml")) if (one := _file(path)) is not None]


def _paths(folder: Path) -> Iterator[Path]:
    for pattern in ("*/" * depth + "*.y*ml" for depth in range(DEPTH)):
        yield from sorted(path for path in folder.glob(pattern) if path.suffix in {".yaml", ".yml"})


def _file(path: Path) -> FileSuite | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return None if told.st_size > MAX_SUITE else _read(path, told.st_mtime_ns, told.st_size)


@lru_cache(2 * MOST_FILES)
def _read(path: Path, changed_ns: int, size: int) -> FileSuite | None:  # noqa: ARG001 - both key the cache
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    # Only the name is read here: YAML is seconds of Python where it is long, and holds up whoever sends.
    named = _NAMED.search(text)
    return None if named is None else FileSuite(named[1], path, text)


def every(core: Core, project: str) -> list[Held]:
    """The suites of a project, by name: a stored one goes before a file."""
    with core.readers.read() as cursor:
        stored = store.every(cursor, "suites", core.projects.id_of(project))
    named = {one.name: one for one in files(core.settings)}
    found = {name: _of_file(one) for name, one in named.items()}
    found |= {one.name: _of_store(core.settings, one, named.get(one.name)) for one in stored}
    return [found[name] for name in sorted(found)]


def held(core: Core, project: str, name: str, version: int | None = None) -> Held:
    """One suite; a version is of a stored one. Raises UnknownSuiteError."""
    with core.readers.read() as cursor:
        stored = store.one(cursor, "suites", core.projects.id_of(project), name, version)
    file = next((one for one in files(core.settings) if one.name == name), None)
    if stored is not None:
        return _of_store(core.settings, stored, file)
    if file is None or version is not None:
        raise UnknownSuiteError(project, name)
    return _of_file(file)


def _of_file(one: FileSuite) -> Held:
    return Held(one.name, one.document, "file", one.path.parent, one.path)


def _of_store(settings: Settings, one: Named, file: FileSuite | None) -> Held:
    path = None if file is None else file.path
    # Relative to the file of the same name, so that a suite that was edited still finds its dataset.
    folder = base_of(settings, one.document) if path is None else path.parent
    return Held(one.name, one.document, "stored", folder, path, one.version, one.set_at, one.author)


def draft(core: Core, project: str, name: str | None, document: str) -> Held:
    """The text as the suite of that name would be: as trusted as its file where it says the same.

    Null for the name: the one that the text has.
    """
    if name is None:
        named = _NAMED.search(document)
        name = named[1] if named else ""
    folder, file = base_of(core.settings, document), None
    try:
        kept = held(core, project, name)
    except UnknownSuiteError:
        kept = None
    if kept is not None:
        if kept.document == document:
            return kept
        if kept.file is not None:
            folder, file = kept.folder, kept.file
    return Held(name or "draft", document, "stored", folder, file)


def read_held(one: Held, settings: Settings) -> Read:
    """The suite, if it may be run here. Raises EvaluatorError: it says what cannot be, or must not."""
    read = suite_of(one.document, one.origin, one.folder)
    for key, told in _files_of(read.suite):
        _nameable(read, key, told)
    if one.source == "stored":
        bound(read, settings)
    return read


def _nameable(read: Read, key: str, told: str) -> None:
    """Raises SuiteError where no file can have the name: the system would say so by errors of many kinds."""
    try:
        name = os.fsencode(told)
    except UnicodeEncodeError as error:
        raise SuiteError(f"{read.origin}: {key}: {told!r} holds a letter that no file's name has.") from error
    if b"\0" in name:
        raise SuiteError(f"{read.origin}: {key}: {told[:100]!r} holds a NUL, which no file's name has. Write it anew.")
    if len(name) > MOST_PATH or max(map(len, name.split(b"/"))) > MOST_NAME:
        raise SuiteError(
            f"{read.origin}: {key}: {told[:100]!r}... is longer than a file's name can be ({MOST_NAME} bytes a part, "
            f"{MOST_PATH} in all). Name a file that there is."
        )


def bound(read: Read, settings: Settings) -> None:
    """Raises SuiteError where a document of the app would start programs, send secrets or read other files."""
    suite = read.suite
    if not settings.suites_may_run_programs:
        if (way := _way(suite)) in PROGRAMS:
            raise SuiteError(_refused(read, f"a {way} target starts a program of this machine"))
        if suite.own_evaluators is not None:
            raise SuiteError(_refused(read, "own_evaluators start programs of this machine"))
        model = suite.target.model
        if model is not None and model.provider == "bedrock" and not may_ask_bedrock(settings):
            raise SuiteError(
                f"{read.origin}: a bedrock model is asked with the AWS credentials of this machine, and suites that "
                "are edited in the app may not. Put the suite's file into the suites' folder (ASSAY_SUITES_DIR), or "
                "name the AWS_... variables that it may use in ASSAY_SUITES_ENV."
            )
    if (name := next((one for one in _variables(suite) if one not in settings.suites_env), None)) is not None:
        raise SuiteError(
            f"{read.origin}: it names the environment variable {name}, and a suite that is edited in the app could "
            "send it anywhere. Add it to ASSAY_SUITES_ENV, or put the suite's file into the suites' folder "
            "(ASSAY_SUITES_DIR)."
        )
    root = folder_of(settings).resolve()
    for key, told in _files_of(suite):
        path = (read.folder / told).resolve()
        if not path.is_relative_to(root) and not path.is_relative_to(TEMPLATES.resolve()):
            raise SuiteError(
                f"{read.origin}: {key}: {told!r} lies outside {root}. A suite that is edited in the app reads only "
                "what stands in the suites' folder (ASSAY_SUITES_DIR): put it there."
            )


def _refused(read: Read, what: str) -> str:
    return (
        f"{read.origin}: {what}, and suites that are edited in the app may not. Put the suite's file into the suites' "
        "folder (ASSAY_SUITES_DIR), or set ASSAY_SUITES_MAY_RUN_PROGRAMS=true."
    )


def may_ask_bedrock(settings: Settings) -> bool:
    """Whether what is edited in the app may use the AWS credentials of this machine."""
    return settings.suites_may_run_programs or any(one.startswith("AWS_") for one in settings.suites_env)


def _way(suite: Suite) -> str:
    return next(way for way in WAYS if getattr(suite.target, way) is not None)


def _variables(suite: Suite) -> Iterator[str]:
    """Environment variables whose values the suite would send."""
    target = suite.target
    if target.http is not None:
        yield from target.http.headers_env.values()
    if target.model is not None and target.model.key_env is not None:
        yield target.model.key_env


def _files_of(suite: Suite) -> Iterator[tuple[str, str]]:
    for key, told in (
        ("dataset.file", suite.dataset.file), ("judges", suite.judges), ("own_evaluators", suite.own_evaluators)
    ):  # fmt: skip
        if told is not None:
            yield key, told


def checked(one: Held, settings: Settings, whole: bool, project: str = "default") -> dict[str, Any]:
    """Whether a suite can be run: `{problem, line, ...}`; no problem: it can. Plain values, for another process.

    `whole`: with its dataset, evaluators and target's settings, as `assay eval check` does; else as a text alone.
    """
    try:
        read = read_held(one, settings)
        told = {"name": read.suite.name, "problem": None, "line": None, "sentence": "It can be read."}
        return told | (_prepared(read, settings, project) if whole else {})
    except EvaluatorError as error:
        line = _LINE.search(str(error))
        return {"name": None, "problem": str(error), "line": None if line is None else int(line[1])}


def _prepared(read: Read, settings: Settings, project: str) -> dict[str, Any]:
    from server.evals import shell  # noqa: PLC0415 - reaches the way to the store

    ready = prepared(read, Files(settings.judges_file, settings.evaluators_file), shell.stores(settings, project))
    suite = read.suite
    return {
        "sentence": shell.checked(ready), "items": ready.items.count, "left_out": ready.items.left_out,
        "clusters": ready.items.clusters, "answers": ready.items.count * suite.repeats, "target": _way(suite),
        "evaluators": [use.called for use in suite.evaluators], "gates": [gate.text for gate in suite.gates],
    }  # fmt: skip
