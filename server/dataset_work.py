"""What is worked out of whole datasets, by processes of their own: imports, items of traces, checks, exports."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import orjson
import pyarrow as pa

from server.aside import Aside, Compute, Inline
from server.core import Core
from server.dataset_changes import commit
from server.dataset_checks import Order as CheckOrder
from server.dataset_checks import checked
from server.dataset_files import Leaving, exported, prepared, read
from server.dataset_files import Order as ImportOrder
from server.dataset_traces import Order as TraceOrder
from server.dataset_traces import collected
from server.datasets import (
    DatasetProblemError,
    Row,
    cluster_words,
    found,
    found_or_new,
    name_few,
    name_some,
    version_of,
    version_told,
)
from server.settings import Settings
from store import datasets as store
from store.dataset_changes import Change
from store.dataset_splits import rule_of
from store.datasets import Dataset
from store.queries.explore import TraceFilters

WORK_S = 300.0  # for a file, or the checks of many items
FOLDER = "dataset-files"  # of the data folder: files that are being worked on
LEFT_S = 86_400.0
MOST_LOOKED_AT = 20_000  # items that an import checks by itself


def place_of(settings: Settings) -> Path:
    """A new folder for files that are being worked on; those that a killed server left a day ago go."""
    root = settings.data_dir / FOLDER
    root.mkdir(exist_ok=True)
    for left in root.iterdir():
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - LEFT_S:
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=root))


@contextmanager
def workplace(settings: Settings) -> Iterator[Path]:
    """A folder of the data folder's disk for files that are being worked on; it is gone afterwards."""
    folder = place_of(settings)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take_in(  # noqa: PLR0917 - as the request has it
    core: Core, aside: Aside | None, project: str, name: str, order: Mapping[str, Any], file: Path, folder: Path,
    base: int | None, note: str, author: str | None, *, dry_run: bool, look: bool = False,
) -> Row:  # fmt: skip
    """Make items of a file, and the dataset where there is none.

    What `dataset_files.prepared` tells, `version` (null: nothing changed), `base`.

    `look`: have the new version checked, if it is not too large; `checks` counts what was found.

    Raises:
        EvaluatorError: the file cannot be taken.
        DuplicatesError: it has duplicates, and nobody said what is to become of them.
        ChangedElsewhereError: see `store.dataset_changes.commit`.
    """
    project_id, one = found_or_new(core, project, name)
    number = one.version if base is None else base
    keys, out = str(folder / "keys.arrow"), str(folder / "items.arrow")
    write_keys(core, project_id, one, keys)
    wanted = ImportOrder(str(file), keys=keys, out=out, **order)
    told: Row = elsewhere(aside, prepared, wanted)
    told |= {"base": number, "version": None, "dataset": name}
    if dry_run:
        return told
    if wanted.duplicates == "ask" and any(told[kind] for kind in ("taken", "repeated", "same")):
        raise DuplicatesError(told)
    told |= _set(core, project, name, Change(number, note, author, read(out)))
    told["checks"] = None
    if look and told["version"] is not None and told["version"]["items"] <= MOST_LOOKED_AT:
        found = check(core, aside, project, name, told["version"]["version"], {}, folder, "", None)
        told["checks"] = {one["check"]: one["count"] for one in found["findings"]}
    return told


def _set(core: Core, project: str, name: str, wanted: Change) -> Row:
    made = commit(core, project, name, wanted, make=True)
    return {"version": None if made is None else version_told(made)}


class DuplicatesError(Exception):
    """A file has duplicates, and nobody said what is to become of them."""

    def __init__(self, told: Row) -> None:
        self.told = told
        words = {
            "taken": "have the id of an item that holds something else",
            "repeated": "have an id that the file has before",
            "same": "ask what an item of another id asks",
        }
        said = "; ".join(
            f"{told[kind]:,} {'row' if told[kind] == 1 else 'rows'}: they {what} ({name_few(told['named'][kind])})"
            for kind, what in words.items()
            if told[kind]
        )
        super().__init__(
            f"{said}. Say what is to become of them by `duplicates`, or --duplicates in the shell: keep adds them "
            "under ids of their own, skip leaves them out, replace puts them in the place of the items of their id, "
            f"and leaves out those that ask the same.{' With replace ' if told['loses'] else ''}{told['loses']}"
        )


def from_traces(  # noqa: PLR0917 - as the request has it
    core: Core, aside: Aside | None, project: str, name: str, order: Mapping[str, Any], folder: Path,
    note: str, author: str | None, *, dry_run: bool,
) -> Row:  # fmt: skip
    """Make items of stored traces; what `dataset_traces.collected` tells, and `version` (null: nothing changed)."""
    _check_filter(core, project, order["filter"] or {})
    project_id, one = found_or_new(core, project, name)
    keys, out = str(folder / "keys.arrow"), str(folder / "items.arrow")
    write_keys(core, project_id, one, keys)
    work = aside or Inline(core.readers)
    told: Row = orjson.loads(work.answer(project_id, collected, TraceOrder(keys, out, **order)))
    told |= {"base": one.version, "version": None, "dataset": name}
    return told if dry_run else told | _set(core, project, name, Change(one.version, note, author, read(out)))


def _check_filter(core: Core, project: str, told: Mapping[str, Any]) -> None:
    """Raises DatasetProblemError: there is no such filter of traces, or no score of the name."""
    known = sorted(TraceFilters.__annotations__)
    unknown = next((name for name in told if name not in {*known, "since", "until"}), None)
    if unknown is not None:
        close = get_close_matches(unknown, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise DatasetProblemError(f"No filter of traces is named {unknown[:60]!r}.{hint} Filters: {', '.join(known)}.")
    score = told.get("score")
    if score is None:
        return
    names = core.run("score_names", project, {"since": datetime(1970, 1, 1)}).table["name"].to_pylist()  # noqa: DTZ001 - the store's times are UTC
    if score not in names:
        close = get_close_matches(str(score), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        there = f"Scores: {name_some(names)}." if names else "No trace was scored yet."
        raise DatasetProblemError(f"No score is named {str(score)[:60]!r}.{hint} {there}")


def write_keys(core: Core, project_id: int, of: Dataset, path: str) -> None:
    """An Arrow file of the keys of the newest version."""
    with core.readers.read() as cursor, pa.OSFile(path, "wb") as sink:
        table = store.keys(cursor, project_id, of.dataset_id, of.version)
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)


def write_items(  # noqa: PLR0917 - given by name
    core: Core, project_id: int, of: Dataset, version: int, split: str | None, path: str
) -> None:
    """An Arrow file of the items of a version; some thousand at a time, so that no read holds its place for long."""
    place = -1
    with pa.OSFile(path, "wb") as sink:
        writer = None
        while True:
            with core.readers.read() as cursor:
                table = store.rows(cursor, project_id, of.dataset_id, version, split, place)
            if writer is None:
                writer = pa.ipc.new_file(sink, table.schema)
            writer.write_table(table)
            if table.num_rows == 0:
                break
            place = table["place"][-1].as_py()
        writer.close()


def check(  # noqa: PLR0917 - as the request has it
    core: Core, aside: Aside | None, project: str, name: str, version: int | None, order: Mapping[str, Any],
    folder: Path, note: str, author: str | None,
) -> Row:  # fmt: skip
    """What checks find in a version; with a `fix` of the newest one also the version that it made."""
    project_id, one = found(core, project, name)
    number = version_of(one, version)
    if order.get("fix") and number != one.version:
        raise DatasetProblemError(f"Only the newest version can be mended; that is {one.version}, not {number}.")
    chosen = order.get("by") is not None
    if not chosen:
        with core.readers.read() as cursor:
            held = store.versions(cursor, project_id, one.dataset_id)
        rule = rule_of(held[0].rule if held else None)
        order = {**order, "by": None if rule is None else rule.by}
    path = str(folder / "items.arrow")
    write_items(core, project_id, one, number, None, path)
    words = "" if order["by"] is None else cluster_words(core, project, name, number, order["by"], refuse=chosen)
    told: Row = elsewhere(aside, checked, CheckOrder(path, **order))
    for one_of in told["findings"]:
        one_of["sentence"] += f" {words}" if words and one_of["check"] == "leak_cluster" else ""
    remove, move = told.pop("remove"), told.pop("move")
    told |= {"version": number, "by": order["by"], "removed": len(remove), "moved": len(move), "made": None}
    if not remove and not move:
        return told
    made = commit(core, project, name, Change(number, note, author, None, remove, move))
    return told | {"made": None if made is None else version_told(made)}


def take_out(  # noqa: PLR0917 - as the request has it
    core: Core, aside: Aside | None, project: str, name: str, version: int | None, split: str | None,
    format_: Literal["jsonl", "csv", "parquet", "openai"], folder: Path, *, answers: bool,
) -> tuple[Path, Row]:  # fmt: skip
    """A version as a file in the folder, and what is to be told of it: `items`, `left_out`, `sentences`, `version`."""
    project_id, one = found(core, project, name)
    number = version_of(one, version)
    path, out = str(folder / "items.arrow"), folder / f"export.{format_}"
    write_items(core, project_id, one, number, split, path)
    told: Row = elsewhere(aside, exported, Leaving(path, str(out), format_, answers))
    return out, told | {"version": number}


def elsewhere(aside: Aside | None, work: Compute, order: object) -> Any:
    """In a process of its own: all of this is Python over every item."""
    return work(order) if aside is None else orjson.loads(aside.compute(WORK_S, work, order))
