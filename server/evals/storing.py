"""Tells a running server of a run: that it began, how far it is, and all that came of it.

The run stands in its folder first, so a server that fails loses nothing: `assay eval push` tells of it later.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators.errors import EvaluatorError
from server.client import ApiError, Client
from server.evals.folder import MANIFEST, RESULTS, SUMMARY, RunFolder, State
from server.evals.progress import Progress

TELL_S = 2.0  # between two words of how far it is
SUITE = "suite.yaml"  # in the folder: the suite as it was run


class NoRunError(EvaluatorError):
    """The folder holds no run that ended."""


@dataclass(slots=True)
class Teller:
    """Tells the server of one run while it goes on; what the server does not take is not told, and the run goes on."""

    client: Client
    say: Callable[[str], None]
    author: str | None = None
    lost: bool = False  # the server did not answer; what is left is told at the end
    _far: dict[str, Any] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self, state: State, suite: str, document: str, total: int) -> None:
        """Tell that the run began, and from now on how far it is."""
        manifest = {"run_id": state.run_id, "started_at": state.started_at, "suite": suite}
        told = {"run_id": state.run_id, "suite": suite, "manifest": manifest, "document": document}
        self._far = {"done": 0, "total": total}
        try:
            self.client.begin_run(told | {"answers_total": total, "author": self.author})
        except ApiError as error:
            self._failed(error)
            return
        self._thread = threading.Thread(target=self._tell, args=(state.run_id,), name="progress", daemon=True)
        self._thread.start()

    def heard(self, progress: Progress, now: float) -> None:
        """The run is this far."""
        left = progress.seconds_left(now)
        self._far = {
            "done": progress.done, "total": progress.answers, "cost_usd": progress.cost_usd,
            "seconds_left": None if left is None else max(left, 0.0),
        }  # fmt: skip

    def _tell(self, run_id: str) -> None:
        while not self._over.wait(TELL_S):
            try:
                self.client.tell_run(run_id, self._far)
            except ApiError:
                continue  # it may answer again; the end says so if it does not

    def stop(self) -> None:
        """Tell no more of how far it is."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def cut_off(self, run_id: str) -> None:
        """Tell that the run was interrupted."""
        self.stop()
        try:
            self.client.end_run(run_id, None, None)
        except ApiError as error:
            self._failed(error)

    def end(self, folder: Path) -> bool:
        """Tell all that came of it; false: the server did not take it."""
        self.stop()
        try:
            push(self.client, folder, self.author)
        except ApiError as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: ApiError) -> None:
        if not self.lost:
            self.lost = True
            self.say(f"The run is not stored: {error} Its files are whole; `assay eval push FOLDER` stores it later.")


def push(client: Client, folder: Path, author: str | None = None) -> str:
    """Tell a server of the run that a folder holds; telling it again changes nothing. Returns the run's id.

    Raises:
        NoRunError: the folder holds no run that ended.
        ApiError: the server does not take it.
    """
    manifest, summary = (_read(folder, name) for name in (MANIFEST, SUMMARY))
    run_id = str(manifest["run_id"])
    document = folder / SUITE
    text = document.read_text("utf-8") if document.is_file() else ""
    told = {"run_id": run_id, "suite": manifest["suite"], "manifest": manifest, "document": text, "author": author}
    client.begin_run(told | {"answers_total": summary["answers"]})
    with (folder / RESULTS).open("rb") as rows:
        client.add_run_rows(run_id, rows)
    client.end_run(run_id, summary, manifest)
    return run_id


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NoRunError(f"{folder} holds no run that ended: {name} cannot be read ({error}).") from error
    return found


def same_run(folder: RunFolder, run_id: str) -> bool:
    """Whether the folder's newest run is this one."""
    state = folder.state()
    return state is not None and state.run_id == run_id


def text_of(told: Mapping[str, Any]) -> str:
    """A run in a line, for a list."""
    return f"{told['run_id']}  {told['suite']}  {told['outcome'] or told['state']}"
