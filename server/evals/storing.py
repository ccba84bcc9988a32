"""Tells a running server of a run: that it began, how far it is, and all that came of it.

The run stands in its folder first, so a server that fails loses nothing: `assay eval push` tells of it later.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators.errors import EvaluatorError
from server.client import ApiError, Client
from server.door import address, door
from server.evals.baseline import folder_baseline
from server.evals.columns import columns_of
from server.evals.folder import MANIFEST, RESULTS, SUITE, SUMMARY, RunFolder, State
from server.evals.gating import Baseline
from server.evals.preparing import Prepared, SuiteError
from server.evals.progress import Progress
from server.evals.running import CutOffError, Finished, Wish, run_suite, told_of
from server.settings import Settings

TELL_S = 2.0  # between two words of how far it is
PATIENCE_S = 15.0  # for one answer of the server, while the run waits for it
LATEST = "latest"
_RUN_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NoRunError(EvaluatorError):
    """The folder holds no run that ended."""


@dataclass(slots=True)
class Teller:
    """Tells the server of one run. What the server does not take is not told, and the run goes on."""

    client: Client
    say: Callable[[str], None]
    run_id: str = ""
    lost: bool = False  # the server did not answer, which was said
    _far: dict[str, Any] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self, state: State, prepared: Prepared, wish: Wish) -> None:
        """Tell that the run began, and from now on how far it is."""
        self.run_id, suite = state.run_id, prepared.read.suite
        total = prepared.items.count * suite.repeats
        self._far = {"done": 0, "total": total}
        manifest = {"run_id": state.run_id, "started_at": state.started_at, "suite": suite.name, **told_of(wish)}
        told = {"run_id": state.run_id, "suite": suite.name, "manifest": manifest, "document": prepared.read.text}
        if self._try(lambda: self.client.begin_run(told | {"answers_total": total})):
            self._thread = threading.Thread(target=self._tell, name="progress", daemon=True)
            self._thread.start()

    def heard(self, progress: Progress) -> None:
        """The run is this far."""
        left = progress.seconds_left(time.monotonic())
        self._far = {
            "done": progress.done, "total": progress.answers, "cost_usd": progress.cost_usd,
            "seconds_left": None if left is None else max(left, 0.0),
        }  # fmt: skip

    def _tell(self) -> None:
        while not self._over.wait(TELL_S):
            try:
                self.client.tell_run(self.run_id, self._far)
            except ApiError:
                continue  # it may answer again; the end says so if it does not

    def end(self, folder: Path) -> None:
        """Tell all that came of it."""
        self._stop()
        if self._try(lambda: push(self.client, folder)):
            self.say(f"Stored as run {self.run_id} of project {self.client.project}.")

    def give_up(self, fault: str | None) -> None:
        """Tell that nothing came of it; null: it was interrupted."""
        self._stop()
        if self.run_id:
            self._try(lambda: self.client.end_run(self.run_id, None, None, fault))

    def _stop(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _try(self, tell: Callable[[], object]) -> bool:
        try:
            tell()
        except ApiError as error:
            if not self.lost:
                self.say(f"The server does not store the run: {error} Store it later by `assay eval push FOLDER`.")
            self.lost = True
            return False
        return True


@contextmanager
def telling(settings: Settings, project: str, say: Callable[[str], None]) -> Iterator[Teller | None]:
    """Who tells the running server of a run; null: none runs."""
    url = address(settings)
    if url is None:
        yield None
        return
    with Client(url, project, PATIENCE_S) as client:
        yield Teller(client, say)


def carried_out(
    prepared: Prepared, folder: RunFolder, wish: Wish, baseline: Baseline | None, teller: Teller | None
) -> Finished:
    """`run_suite`, of which a server is told. Raises as it does."""
    if teller is None:
        return run_suite(prepared, folder, wish, baseline)
    try:
        done = run_suite(
            prepared, folder, wish, baseline, teller.heard, lambda state: teller.begin(state, prepared, wish)
        )  # fmt: skip
    except CutOffError:
        teller.give_up(None)
        raise
    except Exception as error:
        teller.give_up(str(error)[:5000] or type(error).__name__)
        raise
    teller.end(folder.path)
    return done


def push(client: Client, folder: Path) -> str:
    """Tell a server of the run that a folder holds; telling it again changes nothing. Returns the run's id.

    Raises:
        NoRunError: the folder holds no run that ended.
        ApiError: the server does not take it.
    """
    manifest, summary = (read_part(folder, name) for name in (MANIFEST, SUMMARY))
    run_id = str(manifest["run_id"])
    suite = folder / SUITE
    document = suite.read_text("utf-8") if suite.is_file() else ""
    told = {"run_id": run_id, "suite": manifest["suite"], "manifest": manifest, "document": document}
    client.begin_run(told | {"answers_total": summary["answers"]})
    with (folder / RESULTS).open("rb") as rows:
        client.add_run_rows(run_id, rows)
    client.end_run(run_id, summary, manifest)
    return run_id


def read_part(folder: Path, name: str) -> dict[str, Any]:
    """The manifest or summary of a folder's run. Raises NoRunError."""
    try:
        found: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NoRunError(f"{folder} holds no run that ended: {name} cannot be read ({error}).") from error
    return found


def baseline_of(told: str, suite: str, settings: Settings, project: str, but: str | None = None) -> Baseline:
    """What gates compare with: the run of a folder, a run of the store by its id, or `latest`, the newest that passed.

    Raises:
        EvaluatorError, ApiError, NoStoreError: there is none.
    """
    if told != LATEST and (Path(told).exists() or not _RUN_ID.fullmatch(told.lower())):
        return folder_baseline(Path(told))
    with door(settings, project) as client:
        run_id = _the_latest(client, suite, but) if told == LATEST else told
        run = client.run(run_id)
        if run["manifest"] is None or run["state"] != "done":
            raise SuiteError(f"The baseline {run_id} is {run['state']}; compare with a run that ended.")
        return Baseline(run["manifest"], columns_of(client.run_results(run_id)))


def latest(client: Client, suite: str, but: str | None) -> str | None:
    """The newest run of a suite that passed, other than `but`; null: none did. Arms of experiments vary the suite."""
    found = client.runs(suite=suite, outcome="passed", most=2, arms=False)
    return next((str(one["run_id"]) for one in found if one["run_id"] != but), None)


def _the_latest(client: Client, suite: str, but: str | None) -> str:
    found = latest(client, suite, but)
    if found is None:
        raise SuiteError(
            f"No run of the suite {suite} has passed in project {client.project}, so there is no latest to compare "
            "with. Say --no-baseline until there is one."
        )
    return found
