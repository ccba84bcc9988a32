"""The part of a worker that carries out runs of suites: each in a process of its own, so that it can be ended whole.

What a run was told stands in its folder's journal. One that is lost with its worker is gone on with by another,
which asks again only for what was being answered then.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators.errors import EvaluatorError
from server import suites
from server.child import OURS
from server.client import ApiError, Client
from server.evals.folder import MANIFEST
from server.evals.storing import LATEST, NoRunError, latest, push, read_part
from server.exit_codes import FAILURE
from server.settings import Settings
from server.turns import until_stopped

KEEP_S = 2.0  # between two words that the run goes on
TICK_S = 0.1
END_S = 10.0  # that an interrupted run gets to keep what it has
ARMS = "arms"  # in a suite's folder: those of its runs that are arms of experiments
WORDS = "worker.log"  # in the run's folder: what the process said
FAULT = 2_000  # letters of the last words of a run that could not be carried out
_SENTENCE = re.compile(r"^assay: ", re.MULTILINE)  # what a command ends with, where a person can act on it
_TRACE = "Traceback (most recent call last)"

log = logging.getLogger(__name__)
Json = dict[str, Any]


@dataclass(slots=True)
class RunWorker:
    """Carries out runs for one server, one at a time, until it is told to stop."""

    url: str
    settings: Settings
    stopping: threading.Event = field(default_factory=threading.Event)
    lease_s: float = 30.0  # after which another takes what this one says no more of

    def run(self) -> None:
        """Until `stopping` is set; then the run that is being carried out is interrupted, and left to another."""
        until_stopped(self.stopping, self.turn, log, "a run could not be carried out")

    def turn(self, wait_s: float) -> bool:
        """Take and carry out one run; false: there was none within `wait_s`. Raises ApiError."""
        with Client(self.url) as client:
            taken = client.take_run(wait_s, self.lease_s)
        if taken is None:
            return False
        with Client(self.url, str(taken["project"])) as client:
            fault = self._carried_out(client, taken)
            if fault is not None:
                client.let_run(taken["run_id"], taken["lease"], fault or None)
        return True

    def _carried_out(self, client: Client, taken: Json) -> str | None:
        """Null: it is over, or no longer ours. Empty: another is to go on with it. Else why it failed."""
        # A project may be named `..`, a suite may not.
        folder = self.settings.data_dir.absolute() / "runs" / f"project-{taken['project']}" / taken["suite"]
        # An arm has a folder of its own, so that it can be gone on with after the next.
        folder = folder if taken["experiment"] is None else folder / ARMS / taken["run_id"]
        try:
            command = self._command(client, taken, folder)
        except (EvaluatorError, OSError) as error:
            return str(error)
        with (folder / WORDS).open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [*OURS, "server.child", "SIGKILL", *command], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=out, start_new_session=True,
            )  # fmt: skip
        kept = _Watch(client, taken, process, self).watched()
        if not kept:
            return "" if self.stopping.is_set() else None
        if process.returncode in {0, FAILURE}:
            return _stored(client, taken, folder)
        return _last_words(folder, process.returncode)

    def _command(self, client: Client, taken: Json, folder: Path) -> list[str]:
        """How the run is started. Raises EvaluatorError where the suite may not be run here."""
        wish = taken["wish"]
        base, experiment = Path(wish["folder"]), taken["experiment"]
        held = suites.Held(taken["suite"], taken["document"], wish["source"], base, None)
        read = suites.read_held(held, self.settings)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "ordered.yaml"
        file.write_text(taken["document"], "utf-8")
        options = {
            "--out": folder, "--run-id": taken["run_id"], "--folder-of": base, "--project": taken["project"],
            "--data-dir": self.settings.data_dir.absolute(), "--api-url": self.url, "--repeats": wish.get("repeats"),
            "--sample": wish.get("sample"), "--concurrency": wish.get("concurrency"),
            "--budget": _budget(taken, read.suite.budget_usd), "--baseline": _baseline(client, taken),
            "--arm-of": None if experiment is None else json.dumps(experiment),
        }  # fmt: skip
        told = [str(part) for name, value in options.items() if value is not None for part in (name, value)]
        flags = [
            "--quiet",
            *([] if "--baseline" in told else ["--no-baseline"]),
            *(["--again"] if wish.get("again") else []),
        ]
        return [*OURS, "server.cli", "eval", "run", str(file), *told, *flags]


def _budget(taken: Json, own: float | None) -> float | None:
    """What it may cost: as was ordered, else as its suite says; as an arm no more than its experiment has left."""
    wished = taken["wish"].get("budget_usd")
    return min((one for one in (wished or own, taken["left_usd"]) if one is not None), default=None)


def _baseline(client: Client, taken: Json) -> str | None:
    """The run to compare with; null: none was asked for, or none has passed yet.

    On the command line `latest` must be there; here it is asked for before anything has passed, as the app offers it.
    """
    wanted: str | None = taken["wish"].get("baseline")
    return latest(client, taken["suite"], taken["run_id"]) if wanted == LATEST else wanted


@dataclass(slots=True)
class _Watch:
    """Keeps a run while its process lives, and ends the process when it is no longer wanted."""

    client: Client
    taken: Json
    process: subprocess.Popen[bytes]
    worker: RunWorker

    def watched(self) -> bool:
        """Wait for the process; false: it was ended, since the run is not ours any more, or the worker stops."""
        due = time.monotonic() + KEEP_S
        try:
            while self.process.poll() is None:
                if self.worker.stopping.wait(TICK_S) or (time.monotonic() >= due and not self._kept()):
                    return False
                due = due if time.monotonic() < due else time.monotonic() + KEEP_S
            return True
        finally:
            self._end()

    def _kept(self) -> bool:
        try:
            return self.client.keep_run(self.taken["run_id"], self.taken["lease"], self.worker.lease_s)
        except ApiError:
            return True  # it may come back within the lease; after that another has the run, and we are told

    def _end(self) -> None:
        """End the process with all that it started."""
        for number in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):  # nothing of it is left
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(END_S)


def _stored(client: Client, taken: Mapping[str, Any], folder: Path) -> str | None:
    """The run has ended; if the server did not take its end before, tell it again. Why it cannot be told, else null."""
    run_id = taken["run_id"]
    if client.run(run_id)["state"] != "running":
        return None
    try:
        if read_part(folder, MANIFEST)["run_id"] != run_id:
            return _last_words(folder)  # it stands for the run before: this one came to no end
        push(client, folder)
    except NoRunError:
        return _last_words(folder)
    except (ApiError, EvaluatorError) as error:
        return str(error)
    return None


def _last_words(folder: Path, code: int | None = None) -> str:
    """What the run said last: its sentence, such as why it could not begin; of a crash the end of what it said."""
    told = (folder / WORDS).read_text("utf-8", "replace")[-FAULT:].strip()
    sentences = [found.end() for found in _SENTENCE.finditer(told)]
    if sentences and sentences[-1] > told.rfind(_TRACE):
        return told[sentences[-1] :]
    return told or ("It left no results." if code is None else f"It ended with exit code {code}.")
