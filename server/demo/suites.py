"""Runs the sample suites of `datasets/suites` once, as a process beside the server: `python -m server.demo.suites`.

The sample prompt, dataset, A/B test and monitors come first. The runs stand in the store then, and in
`runs/default/NAME` of the data folder, where the worker of `assay up` keeps those that the app orders. A suite of which
the store has a run is not run again; one that was cut off goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from evaluators.errors import EvaluatorError
from server.client import ApiError, Client
from server.demo import datasets_folder, samples
from server.door import NoServerError, address
from server.evals.baseline import folder_baseline
from server.evals.folder import RunFolder
from server.evals.preparing import prepared, read_suite
from server.evals.running import Wish
from server.evals.storing import Teller, carried_out, push
from server.judging import Files
from server.settings import Settings

PROJECT = "default"
NICE = 10  # whoever looks at pages meanwhile goes first
BASELINES = {"llmdrift-june": "llmdrift-march"}
"""What a suite's gates compare with: the run of another, which comes first."""


def sample_suites(folder: Path | None = None) -> list[Path]:
    """The files of the sample suites; one that others compare with stands before them."""
    found = (folder or datasets_folder()) / "suites"
    return sorted(found.glob("*/*.yaml"), key=lambda path: (_name(path) in BASELINES, path))


def _name(path: Path) -> str:
    return read_suite(path).suite.name


def run_samples(settings: Settings, client: Client, say: Callable[[str], None], folder: Path | None = None) -> int:
    """Run the sample suites of which the store has no run yet; returns how many were run or told of.

    A suite that cannot be run, or whose run the server does not take, is told of, and the next one is run.
    """
    done = 0
    for path in sample_suites(folder):
        name = _name(path)
        try:
            if any(one["state"] == "done" for one in client.runs(suite=name)):
                continue
            _told(path, name, settings, client, say)
        except (ApiError, EvaluatorError) as error:
            say(f"{name}: {error}")
        else:
            done += 1
    return done


def _told(path: Path, name: str, settings: Settings, client: Client, say: Callable[[str], None]) -> None:
    """The suite's run, in the store: of the folder, if it ended there before."""
    folder = folder_of(settings, name)
    last = folder.state()
    if last is not None and last.ended:
        push(client, folder.path)
        return
    before = BASELINES.get(name)
    baseline = None if before is None else folder_baseline(folder_of(settings, before).path)
    # Recorded answers are no calls of anybody: there is no trace to go on with.
    wish = Wish(quiet=True, traced=False)
    finished = carried_out(prepared(read_suite(path), Files()), folder, wish, baseline, Teller(client, say))
    say(f"{name}: {finished.summary['outcome']}. {finished.summary['sentences'][0]}")


def folder_of(settings: Settings, name: str) -> RunFolder:
    """Where a sample suite's runs stand."""
    return RunFolder(settings.data_dir.absolute() / "runs" / PROJECT / name)


def _samples(client: Client) -> None:
    """Before the suites, which take longer; without them those still run."""
    try:
        samples.load(client, datasets_folder())
    except ApiError as error:
        print(f"The sample prompt, dataset, A/B test and monitors were not set: {error}", flush=True)  # noqa: T201


def main() -> None:
    """Set the samples, and run the suites, for the server that the environment names."""
    os.nice(NICE)
    settings = Settings()
    url = address(settings)
    if url is None:
        raise SystemExit(str(NoServerError(settings.data_dir)))
    with Client(url, PROJECT) as client:
        _samples(client)
        if run_samples(settings, client, lambda line: print(line, flush=True)):  # noqa: T201 - the supervisor passes it on
            print("The sample suites were run; the pages Suites and Runs show them.", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
