"""Experiments: a suite's arms ordered as runs, and what is told of an experiment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from duckdb import DuckDBPyConnection
from pydantic import JsonValue

from evaluators.errors import EvaluatorError
from server import runs, suites
from server.core import Core
from server.evals import grid
from server.evals.grid import GridError, Newest
from server.settings import Settings
from server.suites import Held
from server.when import naive
from server.yaml_lines import parsed
from store import datasets as dataset_store
from store import experiments as store
from store import prompt_versions as prompt_store
from store import runs as run_store
from store.runs import Run, Texts

MOST_NAME = 200  # letters
LATEST = "latest"
WISHED = ("repeats", "sample", "concurrency", "budget_usd", "baseline")
VARIED_AS: Mapping[str, str] = {"repeats": "repeats", "sample": "dataset.sample"}
"""What a run is ordered with, and the path that varies the same: told together, the first would undo the other."""

Json = dict[str, Any]


class UnknownExperimentError(Exception):
    """There is no such experiment."""

    def __init__(self, project: str, experiment_id: UUID) -> None:
        super().__init__(
            f"Project {project!r} has no experiment {experiment_id.hex}. GET /api/experiments lists those that there "
            "are."
        )


@dataclass(frozen=True, slots=True)
class Again:
    """What a run was beside its text; of a suite nothing."""

    set: Mapping[str, JsonValue] = field(default_factory=dict)  # by path, in all arms: versions that it read
    arm: Mapping[str, JsonValue] = field(default_factory=dict)  # what it varied already
    wish: Mapping[str, JsonValue] = field(default_factory=dict)  # of `WISHED`


@dataclass(frozen=True, slots=True)
class Base:
    """What is varied: a suite, or what a run was."""

    held: Held
    again: Again = Again()

    def wish(self, given: Mapping[str, JsonValue]) -> Json:
        """What the worker is told beside the text; `given` goes before what the run was ordered with."""
        return {**self.again.wish, **given, "source": self.held.source, "folder": str(self.held.folder)}


def newest(core: Core, project: str, *texts: str) -> Newest:
    """The newest versions of the project, and of others that the texts name."""
    datasets: dict[str | None, Mapping[str, int]] = {}
    prompts: dict[str | None, Mapping[str, Mapping[str, int]]] = {}
    for one in core.projects.all():
        if one.name != project and not any(one.name in text for text in texts):
            continue
        with core.readers.read() as cursor:
            datasets[one.name] = _datasets(cursor, one.project_id)
            prompts[one.name] = _prompts(cursor, one.project_id)
        if one.name == project:
            datasets[None], prompts[None] = datasets[one.name], prompts[one.name]
    return Newest(datasets, prompts)


def _datasets(cursor: DuckDBPyConnection, project_id: int) -> dict[str, int]:
    return {one.name: one.version for one in dataset_store.datasets(cursor, project_id) if one.version}


def _prompts(cursor: DuckDBPyConnection, project_id: int) -> dict[str, dict[str, int]]:
    labels = prompt_store.labels_of_all(cursor, project_id)
    there = prompt_store.newest(cursor, project_id)
    return {
        name: {**labels.get(name, {}), LATEST: one.version} for name, one in there.items() if not one.state.away
    }  # fmt: skip


def of_run(core: Core, project: str, run: Run, texts: Texts) -> Base:
    """What a run was, so that it can be run again: its text, the versions that it read, what it was ordered with.

    One that was ordered here may what it might then. Of another the text is trusted as a file's only where it is that.

    Raises:
        GridError: it keeps no text, as a run of another harness does.
    """
    told = runs.whole(run, texts)
    again = again_of(told)
    if run.source == "app":
        wish = told["wish"]
        return Base(Held(run.suite, told["document"], wish["source"], Path(wish["folder"]), None), again)
    return Base(suites.draft(core, project, run.suite, told["document"]), again)


def again_of(run: Mapping[str, Any]) -> Again:
    """What a run was beside its text. `run`: as `GET /api/runs/{id}` tells it. Raises GridError, as `of_run`."""
    if not run["document"]:
        raise GridError(
            f"The run {run['run_id']} keeps no suite, so that it cannot be run again here. Run it again where it was "
            "made, and push that."
        )
    manifest, wish = run["manifest"] or {}, run["wish"] or {}
    told = {"repeats": manifest.get("repeats"), "sample": (manifest.get("dataset") or {}).get("sample")}
    told |= {key: wish[key] for key in WISHED if key in wish}
    kept = {key: value for key, value in told.items() if value}
    return Again(_versions(manifest), run["arm"] or {}, kept)


def _versions(manifest: Json) -> dict[str, JsonValue]:
    """The versions that a run read, by the paths that pin them."""
    dataset = (manifest.get("dataset") or {}).get("stored") or {}
    prompt = (manifest.get("target") or {}).get("prompt") or {}
    found: dict[str, JsonValue] = {}
    if dataset.get("version"):
        found["dataset.version"] = dataset["version"]
    if prompt.get("version"):
        found |= {"target.model.prompt.label": None, "target.model.prompt.version": prompt["version"]}
    return found


def planned(
    asked: Sequence[tuple[Base, Mapping[str, Sequence[JsonValue]]]], pins: Newest, settings: Settings
) -> Json:  # fmt: skip
    """The arms of each, checked: `{problem}`, or `{arms: [{values, name, document, source, suite}]}`; plain values."""
    try:
        return {"problem": None, "arms": [arm for base, over in asked for arm in _arms(base, over, pins, settings)]}
    except EvaluatorError as error:
        return {"problem": str(error)}


def _arms(
    base: Base, over: Mapping[str, Sequence[JsonValue]], pins: Newest, settings: Settings
) -> Iterator[Json]:  # fmt: skip
    """A file that is trusted stays so where what is varied can send nothing elsewhere.

    Else its arms are bound as texts that were edited in the app are. Raises EvaluatorError.
    """
    held, had = base.held, base.again.arm
    made = grid.arms(held.document, held.origin, over, pins, base.again.set)
    told = parsed(held.document, held.origin, grid.MOST_LETTERS, GridError)
    if held.source == "file" and not grid.harmless(over, told):
        held = replace(held, source="stored")
    varied = [{**had, **one.values} for one in made]
    names = grid.names_of(varied) if len(varied) > 1 else [one.name or grid.name_of(had) for one in made]
    for values, name, one in zip(varied, names, made, strict=True):
        read = suites.read_held(replace(held, document=one.document), settings)
        yield {
            "values": values, "name": name, "document": one.document, "source": held.source, "suite": read.suite.name,
        }  # fmt: skip


def name_of(suite: str, over: Mapping[str, Sequence[JsonValue]]) -> str:
    """What an experiment is called where nobody named it: `support-answers: model x temperature`."""
    several = [key for key, values in over.items() if len(values) > 1] or list(over)
    said = f"{suite}: {' x '.join(several)}" if several else suite
    return said if len(said) <= MOST_NAME else said[: MOST_NAME - 1] + "…"


def found(core: Core, project: str, experiment_id: UUID) -> Json:
    """One experiment with its arms. Raises UnknownExperimentError."""
    project_id = core.projects.id_of(project)
    with core.readers.read() as cursor:
        one = store.experiment(cursor, project_id, experiment_id)
        if one is None:
            raise UnknownExperimentError(project, experiment_id)
        arms = store.runs_of(cursor, project_id, [experiment_id])[experiment_id]
    return shown(one, arms)


def shown(one: store.Experiment, arms: Sequence[Run]) -> Json:
    """An experiment as the API tells it; the fields stand at `GET /api/experiments/{id}`."""
    told = [runs.shown(run) for run in arms]
    names = grid.names_of([run["arm"] or {} for run in told])
    like = None if one.like_run is None else one.like_run.hex
    ended = [run["run_id"] for run in told if run["state"] == "done"]
    known = [run["cost_usd"] for run in told if run["cost_usd"] is not None]
    totals = [run["answers_total"] for run in told]
    return asdict(one) | {
        "experiment_id": one.experiment_id.hex, "varied": orjson.loads(one.varied), "like_run": like,
        "state": _state(told), "counts": dict(Counter(_word(run) for run in told)),
        "cost_usd": sum(known) if known else None,
        "cost_unknown": sum(run["cost_usd"] is None or bool((run["brief"] or {}).get("unknown_cost")) for run in told),
        "answers_done": sum(run["answers_done"] for run in told),
        "answers_total": None if None in totals else sum(totals),
        "compare": [*([like] if like and ended else []), *ended][: grid.MOST_TOGETHER],
        "arms": [run | {"name": name or run["suite"]} for run, name in zip(told, names, strict=True)],
    }  # fmt: skip


def keep(core: Core, project_id: int, told: Mapping[str, Any]) -> None:
    """Book a run that was pushed (`evals.pushed.built`), in place of one that was pushed before under its id."""
    run_id, manifest, total = UUID(told["run_id"]), told["manifest"], told["summary"]["answers"]
    experiment = store.NewExperiment(
        UUID(told["experiment_id"]), told["name"], told["suite"], "pushed", told["author"]
    )  # fmt: skip
    began = naive(datetime.fromisoformat(manifest["started_at"]))
    new = run_store.NewRun(
        run_id, told["suite"], began, runs.text(manifest), "", total, told["author"], experiment.experiment_id,
        runs.text(told["values"]), "pushed",
    )  # fmt: skip

    def begin(cursor: DuckDBPyConnection) -> None:
        store.begin(cursor, project_id, experiment)
        run_store.begin(cursor, project_id, new, runs.SILENCE)

    core.writer.call(begin).result(runs.WRITE_S)
    for part in told["parts"]:
        rows = runs.rows_of(part.encode())
        core.writer.call(partial(run_store.add_rows, project_id=project_id, run_id=run_id, rows=rows)).result(
            runs.WRITE_S
        )
    ending = runs.ending_of(told["summary"], manifest)
    core.writer.call(lambda cursor: run_store.end(cursor, project_id, run_id, ending)).result(runs.WRITE_S)


def _word(run: Json) -> str:
    """What came of it, or how it stands; `failed` alone is said of gates."""
    state = "could_not_run" if run["state"] == "failed" else run["state"]
    return str(run["outcome"] if state == "done" else state)


def _state(arms: Sequence[Json]) -> str:
    states = {run["state"] for run in arms}
    if states & {"waiting", "running"}:
        return "waiting" if states == {"waiting"} else "running"
    return "done" if states <= {"done"} else "ended"
