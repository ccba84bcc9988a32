"""The arms of a grid carried out one after other from the command line, each in a folder of its own, and compared."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from pydantic import JsonValue

from evaluators.suites.suite import Dataset
from evaluators.targets.config import StoredPrompt
from server.evals import shell
from server.evals.folder import MANIFEST, RESULTS, SUMMARY, RunFolder, write
from server.evals.grid import Arm, Newest
from server.evals.preparing import Read, Stores, prepared, suite_of
from server.evals.running import Wish
from server.evals.storing import Teller, carried_out, read_part
from server.judging import Files
from server.settings import Settings

NOTE = "grid.json"
FOLDERS = "arms"  # in the folder of the suite's results
_ELSE = re.compile(r"[^A-Za-z0-9._=-]+")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """An arm that was carried out, or why it was not begun."""

    arm: Arm
    run_id: str
    folder: Path
    manifest: Json | None  # null: nothing was left of the budget
    summary: Json | None

    @property
    def cost_usd(self) -> float | None:
        """What is known of its cost, of target and judges; null: nothing."""
        cost = {} if self.summary is None else self.summary["cost"]
        known = [cost[name] for name in ("target_usd", "judges_usd") if cost.get(name) is not None]
        return sum(known) if known else None

    @property
    def outcome(self) -> str:
        """passed, failed; or that it was not begun."""
        return "not begun" if self.summary is None else str(self.summary["outcome"])


@dataclass(frozen=True, slots=True)
class Grid:
    """An experiment of the command line. Its id stands in its folder, so that the same command goes on with it."""

    name: str
    suite: str
    arms: Sequence[Arm]
    folder: Path  # of the suite's results
    base: Path  # that the suite's paths are relative to
    origin: str  # what errors call the suite
    changes: Mapping[str, int]  # repeats, sample, concurrency in place of the suite's
    varied: Mapping[str, Sequence[JsonValue]] = field(default_factory=dict)
    had: Mapping[str, JsonValue] = field(default_factory=dict)  # what the run that is varied had varied already

    def begun(self, *, fresh: bool) -> UUID:
        """The experiment that was cut off in this folder, else a new one."""
        note, digest = self.folder / FOLDERS / NOTE, self._digest()
        try:
            told = json.loads(note.read_text("utf-8"))
            found = UUID(told["experiment"]) if told["digest"] == digest else None
        except (OSError, ValueError, KeyError, TypeError):
            found = None
        if found is None or fresh or all(self.ended(found, one) for one in self.arms):
            found = uuid4()
        note.parent.mkdir(parents=True, exist_ok=True)
        write(note, json.dumps({"experiment": found.hex, "digest": digest}))
        return found

    def _digest(self) -> str:
        told = [[one.document for one in self.arms], dict(self.changes), self.name]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def run_id(self, experiment: UUID, arm: Arm) -> str:
        """Of the run of an arm."""
        return uuid5(experiment, json.dumps(arm.values)).hex

    def folder_of(self, arm: Arm) -> RunFolder:
        """Where its results stand."""
        digest = hashlib.sha256(json.dumps(arm.values).encode()).hexdigest()[:6]
        return RunFolder(self.folder / FOLDERS / f"{_ELSE.sub('-', arm.name).strip('-.')[:60] or 'arm'}-{digest}")

    def ended(self, experiment: UUID, arm: Arm) -> bool:
        """Whether the arm's run has ended already."""
        state = self.folder_of(arm).state()
        return state is not None and state.ended and state.run_id == self.run_id(experiment, arm)

    def read(self, arm: Arm) -> Read:
        """The suite of an arm. Raises EvaluatorError: it says what cannot be."""
        origin = f"{self.origin}, {arm.name}" if arm.name else self.origin
        return shell.changed(suite_of(arm.document, origin, self.base), self.changes)

    def told(self, experiment: UUID, arm: Arm) -> Json:
        """What the arm's manifest tells of the experiment."""
        return {
            "id": experiment.hex, "name": self.name, "varied": dict(self.varied),
            "arm": {**self.had, **arm.values},
        }  # fmt: skip


def check(grid: Grid, files: Files, stores: Stores) -> None:
    """Check all arms whole, before any is asked. Raises EvaluatorError."""
    for arm in grid.arms:
        prepared(grid.read(arm), files, stores)


def carry_out(  # noqa: PLR0917 - what, how, with what, and who is told
    grid: Grid, experiment: UUID, wish: Wish, files: Files, stores: Stores, budget: float | None,
    tell: Callable[[Arm], Teller | None], say: Callable[[str], None],
) -> Iterator[Ended]:  # fmt: skip
    """Each arm as it ends; those that have ended are not run again.

    `budget`: what all may cost together, in US dollars; each may cost what the others left.

    Raises as `running.run_suite` does.
    """
    spent = 0.0
    for place, arm in enumerate(grid.arms, 1):
        run_id, folder = grid.run_id(experiment, arm), grid.folder_of(arm)
        left = None if budget is None else budget - spent
        if grid.ended(experiment, arm):
            manifest, summary = (read_part(folder.path, name) for name in (MANIFEST, SUMMARY))
        elif left is not None and left <= 0:
            yield Ended(arm, run_id, folder.path, None, None)
            continue
        else:
            say(f"Arm {place} of {len(grid.arms)}: {arm.name or grid.suite}")
            ready = prepared(grid.read(arm), _bounded(files, grid.read(arm), left), stores)
            asked = replace(wish, run_id=run_id, no_baseline=True, experiment=grid.told(experiment, arm))
            done = carried_out(ready, folder, asked, None, tell(arm))
            manifest, summary = done.manifest, done.summary
        ended = Ended(arm, run_id, folder.path, manifest, summary)
        spent += ended.cost_usd or 0.0
        yield ended


def _bounded(files: Files, read: Read, left: float | None) -> Files:
    bounds = [one for one in (left, read.suite.budget_usd) if one is not None]
    return replace(files, budget_usd=min(bounds, default=None))


def once(stores: Stores) -> Stores:
    """Stores whose datasets and prompts are asked for once for all arms."""
    kept: dict[str, Any] = {}

    def dataset(wanted: Dataset) -> Any:
        key = wanted.model_dump_json(include={"stored", "version", "split", "project"})
        return kept[key] if key in kept else kept.setdefault(key, stores.dataset(wanted))

    def prompt(wanted: StoredPrompt) -> Any:
        key = wanted.model_dump_json()
        return kept[key] if key in kept else kept.setdefault(key, stores.prompt(wanted))

    return Stores(stores.traces, dataset, prompt)


def newest_of(settings: Settings, project: str, wanted: Iterable[str | None]) -> Newest:
    """The newest versions of what these projects store, null for the run's own; nothing where there is no store."""
    from server.door import NoStoreError, door  # noqa: PLC0415 - the way to the store

    datasets: dict[str | None, Mapping[str, int]] = {}
    prompts: dict[str | None, Mapping[str, Mapping[str, int]]] = {}
    for one in set(wanted):
        try:
            with door(settings, one or project) as client:
                datasets[one] = {row["name"]: row["version"] for row in client.datasets() if row["version"]}
                prompts[one] = {row["name"]: row["labels"] | {"latest": row["version"]} for row in client.prompts()}
        except NoStoreError:
            continue  # preparing says that it lacks one, where it needs it
    return Newest(datasets, prompts)


def projects_of(told: Mapping[str, Any]) -> set[str | None]:
    """Projects whose store a suite names something of; null: the run's own. Empty: it needs none."""
    dataset, model = told.get("dataset") or {}, (told.get("target") or {}).get("model") or {}
    prompt = model.get("prompt")
    found = {dataset.get("project")} if dataset.get("stored") else set()
    return found | ({prompt.get("project")} if isinstance(prompt, dict) else set())


def compared(ended: Sequence[Ended], most: int) -> Json | None:
    """The first arms that have an end, against the first of them; null: there are not two of them."""
    from server.compare import folders, runs  # noqa: PLC0415 - the statistics
    from server.compare.answer import Question  # noqa: PLC0415

    kept = [one for one in ended if one.manifest is not None and one.summary is not None][:most]
    if len(kept) < 2:
        return None
    variants = runs.named(
        [(one.run_id, one.summary["suite"], one.manifest["started_at"], one.manifest, one.summary) for one in kept
         if one.manifest is not None and one.summary is not None]
    )  # fmt: skip
    rows = cache(lambda run_id: folders.rows(next(one.folder for one in kept if one.run_id == run_id) / RESULTS))
    return runs.answer(folders.asking(rows), variants, Question(variants[0].name), None)
