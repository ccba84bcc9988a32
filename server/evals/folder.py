"""The folder of a suite's runs: what the newest one said, its journal, and who is writing there."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from evaluators.errors import EvaluatorError

RESULTS, MANIFEST, SUMMARY = "results.jsonl", "manifest.json", "summary.json"
SUITE = "suite.yaml"  # as it was run
JUNIT, MARKDOWN, HTML = "junit.xml", "report.md", "report.html"
JOURNAL, STATE, LOCK = "journal.db", "state.json", "lock"


class FolderError(EvaluatorError):
    """The folder of results cannot be used."""


@dataclass(frozen=True, slots=True)
class State:
    """The newest run of the folder."""

    run_id: str
    started_at: str  # UTC, ISO 8601
    ended: bool = False
    resumed: int = 0  # times that it was begun again
    generation: str = ""  # of its answers: its own id, or that of an earlier run whose answers it took too


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Files of one suite's newest run."""

    path: Path

    def file(self, name: str) -> Path:
        """A file of it."""
        return self.path / name

    @contextmanager
    def held(self) -> Iterator[None]:
        """For as long as the block runs no other run writes here.

        Raises:
            FolderError: another does, or nothing can be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = self.file(LOCK).open("a")
        except OSError as error:
            raise FolderError(
                f"{self.path} cannot be written: {error.strerror}. Name another folder by --out."
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise FolderError(
                    f"Another run writes to {self.path}. Wait for it, or name another folder by --out."
                ) from error
            yield

    def state(self) -> State | None:
        """The newest run; null: there is none, or its note cannot be read."""
        try:
            return State(**json.loads(self.file(STATE).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, *, go_on: bool, reuse: bool = False, run_id: str | None = None) -> State:
        """The run to carry out: the one that was cut off, if there is one, else a new one.

        With `go_on` also the one that ended, for those of its answers that failed. With `reuse` a new one takes the
        answers of the newest too. With `run_id` that one and no other.
        """
        last = self.state()
        if last is not None and ((go_on or not last.ended) if run_id is None else run_id == last.run_id):
            return self._noted(replace(last, ended=False, resumed=last.resumed + 1))
        name = run_id or uuid4().hex
        generation = last.generation if reuse and last is not None else name
        return self._noted(State(name, datetime.now(UTC).isoformat(timespec="seconds"), generation=generation))

    def end(self, state: State) -> None:
        """Note that it is over."""
        self._noted(replace(state, ended=True))

    def _noted(self, state: State) -> State:
        write(self.file(STATE), json.dumps(asdict(state)))
        return state


def write(path: Path, text: str) -> None:
    """The whole text, or what stood there before."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, "utf-8", "backslashreplace")
    part.replace(path)
