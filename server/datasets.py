"""Datasets as the server knows them: pages, diffs, changes, and the files that other processes work on."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import orjson
import pyarrow as pa
from duckdb import DuckDBPyConnection

from evaluators.errors import EvaluatorError, UnreadableCaseError
from server.aside import Aside, Inline
from server.core import Core
from server.dataset_checks import Order as CheckOrder
from server.dataset_checks import checked
from server.dataset_files import Leaving, exported, prepared, read
from server.dataset_files import Order as ImportOrder
from server.dataset_items import Item, held_of, item_of, losing, lost, shown, table_of
from server.dataset_traces import Order as TraceOrder
from server.dataset_traces import collected
from server.settings import Settings
from store import datasets as store
from store.datasets import Change, Dataset, Rule, Version
from store.queries.explore import TraceFilters

WRITE_S = 120.0
WORK_S = 300.0  # for a file, or the checks of many items
FOLDER = "dataset-files"  # of the data folder: files that are being worked on
LEFT_S = 86_400.0
MOST_CHANGED = 10_000  # items that one change names
MOST_LOOKED_AT = 20_000  # items that an import checks by itself
MOST_PARTS = 20  # of a rule
NAMED = 20  # names that an error lists
_SUM_SLACK = 1e-6

Row = dict[str, Any]


class DatasetProblemError(EvaluatorError):
    """Something of a dataset that cannot be, and why."""


class UnknownDatasetError(Exception):
    """There is no such dataset, version or item."""


def found(core: Core, project: str, name: str) -> tuple[int, Dataset]:
    """The project's id, and the dataset. Raises UnknownDatasetError."""
    project_id = core.projects.id_of(project)
    with core.readers.read() as cursor:
        one = store.dataset(cursor, project_id, name)
        if one is None:
            raise _unknown(cursor, project_id, project, name)
    return project_id, one


def _unknown(cursor: DuckDBPyConnection, project_id: int, project: str, name: str) -> UnknownDatasetError:
    """That there is no such dataset, with the nearest name, or that it was deleted."""
    there = [one.name for one in store.datasets(cursor, project_id)]
    close = get_close_matches(name, there, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    gone = store.removed_upto(cursor, project_id, name)
    upto = f" One of that name was deleted, with its versions up to {gone}." if gone else ""
    listed = f" It has: {', '.join(there[:NAMED])}{', ...' if len(there) > NAMED else ''}." if there else ""
    return UnknownDatasetError(f"Project {project!r} has no dataset {name!r}.{upto}{hint}{listed}")


def found_or_new(core: Core, project: str, name: str) -> tuple[int, Dataset]:
    """As `found`; one that is not there yet is empty."""
    try:
        return found(core, project, name)
    except UnknownDatasetError:
        now = datetime.now(UTC).replace(tzinfo=None)
        return core.projects.id_of(project), Dataset(0, name, "", now, None, 0, 0)


def version_of(of: Dataset, version: int | None) -> int:
    """A version that there is; null: the newest. 0: nothing was put into it yet. Raises UnknownDatasetError."""
    if version is None or version == of.version:
        return of.version
    if 1 <= version <= of.gone:
        raise UnknownDatasetError(
            f"Version {version} of {of.name!r} was deleted with the dataset that had the name before; "
            f"{_has(of, 'the newest is {}.')}"
        )
    if not 1 <= version <= of.version:
        raise UnknownDatasetError(f"Dataset {of.name!r} has no version {version}; {_has(of, 'the newest is {}.')}")
    return version


def _has(of: Dataset, words: str) -> str:
    return words.format(of.version) if of.version else "nothing was put into it yet."


def listed(core: Core, project: str) -> list[Row]:
    """The datasets of a project by name, with their newest version, splits, and how many runs took them."""
    project_id = core.projects.id_of(project)
    with core.readers.read() as cursor:
        every = store.datasets(cursor, project_id)
        splits = store.split_counts(cursor, project_id)
        runs = store.run_counts(cursor, project_id, project) if every else {}
        newest = {
            one.dataset_id: held[0]
            for one in every
            if (held := store.versions(cursor, project_id, one.dataset_id))
        }  # fmt: skip
    return [
        _told(one, newest.get(one.dataset_id))
        | {"splits": splits.get(one.dataset_id, {}), "runs": runs.get(one.name, 0)}
        for one in every
    ]


def _told(one: Dataset, newest: Version | None) -> Row:
    told = asdict(one)
    del told["dataset_id"], told["gone"]
    return told | {"newest": None if newest is None else version_told(newest)}


def version_told(version: Version) -> Row:
    """A version as the API tells it."""
    told = asdict(version)
    return told | {"rule": None if version.rule is None else orjson.loads(version.rule)}


def whole(core: Core, project: str, name: str, version: int | None) -> Row:
    """A dataset with its versions; `tags`, `splits` and `shown` are of the version asked for."""
    project_id, one = found(core, project, name)
    number = version_of(one, version)
    with core.readers.read() as cursor:
        held = store.versions(cursor, project_id, one.dataset_id)
        tags, splits = store.tags_and_splits(cursor, project_id, one.dataset_id, number)
        runs = store.run_ids(cursor, project_id, project, name, 50)
    return _told(one, held[0] if held else None) | {
        "versions": [version_told(row) for row in held], "shown": number, "tags": tags, "splits": splits,
        "runs": [{"run_id": run_id.hex, "version": of} for run_id, of in runs],
    }  # fmt: skip


def page(core: Core, project: str, name: str, version: int | None, params: Mapping[str, Any]) -> Row:
    """Items of a version: `items`, `version`, `matching`, `before` (how many come before), `first` and `last` place."""
    _, one = found(core, project, name)
    number = version_of(one, version)
    asked: dict[str, object] = {"dataset_id": one.dataset_id, "version": number, **params}
    rows = core.run("dataset_items", project, asked).table.to_pylist()
    return {
        "version": number, "items": [shown(row) | {"since_version": row["since_version"]} for row in rows],
        "matching": rows[0]["matching"] if rows else 0, "before": rows[0]["before"] if rows else 0,
        "first": rows[0]["place"] if rows else None, "last": rows[-1]["place"] if rows else None,
    }  # fmt: skip


def item(core: Core, project: str, name: str, item_id: str, version: int | None) -> Row:
    """One item of a version, with every state that it was in as `history`. Raises UnknownDatasetError."""
    project_id, one = found(core, project, name)
    number = version_of(one, version)
    with core.readers.read() as cursor:
        states = store.history(cursor, project_id, one.dataset_id, item_id)
    there = [
        state for state in states
        if state["since_version"] <= number and (state["until_version"] is None or state["until_version"] > number)
    ]  # fmt: skip
    if not states:
        raise UnknownDatasetError(f"Dataset {name!r} has no item {item_id!r}.")
    history = [
        {key: state[key] for key in ("since_version", "until_version", "made_at", "author", "note")}
        | {"item": shown({**state, "item": item_id})}
        for state in states
    ]
    return {
        "version": number, "item": shown({**there[0], "item": item_id}) if there else None, "history": history
    }  # fmt: skip


def diff(  # noqa: PLR0917 - given by name
    core: Core, project: str, name: str, older: int, newer: int | None, params: Mapping[str, Any]
) -> Row:
    """What differs between two versions: counts, and `items` with their `change`, `fields`, `before` and `after`."""
    _, one = found(core, project, name)
    ends = sorted((older, version_of(one, newer)))
    for end in ends:
        if end:
            version_of(one, end)
    asked: dict[str, object] = {"dataset_id": one.dataset_id, "older": ends[0], "newer": ends[1], **params}
    rows = core.run("dataset_diff", project, asked).table.to_pylist()
    counts = {name: rows[0][name] if rows else 0 for name in ("added", "removed", "changed")}
    return {"older": ends[0], "newer": ends[1], **counts, "items": [_differing(row) for row in rows]}


def _differing(row: Mapping[str, Any]) -> Row:
    sides = {}
    for side in ("before", "after"):
        text = row[f"row_{side}"]
        told = (
            None if text is None else orjson.loads(text) | {"tags": row[f"tags_{side}"], "split": row[f"split_{side}"]}
        )
        sides[side] = told
    return {
        "id": row["item"],
        "change": row["change"],
        "fields": fields_changed(sides["before"], sides["after"]),
        **sides,
    }


def fields_changed(before: Row | None, after: Row | None) -> list[str]:
    """Names of the fields that differ; members of metadata by `metadata.` and their name."""
    old, new = _flat(before or {}), _flat(after or {})
    return [name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]


def _flat(row: Row) -> Row:
    held = {name: value for name, value in row.items() if name != "metadata" and value not in (None, [])}
    return held | {f"metadata.{name}": value for name, value in row.get("metadata", {}).items()}


def _cluster_words(core: Core, project: str, name: str, version: int, by: str, *, refuse: bool) -> str:
    """That some items have no such member of metadata; '': all have it.

    Raises:
        DatasetProblemError: none has it, and that is to be refused.
    """
    project_id, one = found(core, project, name)
    with core.readers.read() as cursor:
        without, every = store.lacking(cursor, project_id, one.dataset_id, version, by)
        known = store.members(cursor, project_id, one.dataset_id, version) if refuse and without == every else []
    if refuse and every and without == every:
        close = get_close_matches(by, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        there = f"They have: {_listed(known)}." if known else "They have no metadata at all."
        raise DatasetProblemError(f"No item has a member of metadata named {by[:60]!r}.{hint} {there}")
    have = "has" if without == 1 else "have"
    ids = "its id counts" if without == 1 else "their id counts"
    return f"{without:,} of {every:,} items {have} no {by}; {ids}." if without else ""


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''}"


def _lost_words(core: Core, project_id: int, of: Dataset, items: Sequence[Item]) -> str:
    """What items that are set hold no more; '': nothing."""
    with core.readers.read() as cursor:
        table = store.some(cursor, project_id, of.dataset_id, of.version, [one.id for one in items])
    before = {row["item"]: row for row in table.to_pylist()}
    gone = [
        lost(held_of(replace(one, row=row["row"], tags=tuple(row["tags"]), trace_id=row["trace_id"])), held_of(one))
        for one in items
        if (row := before.get(one.id)) is not None
    ]
    names = Counter(name for fields in gone for name in fields)
    return losing(sum(map(bool, gone)), [name for name, _ in names.most_common(NAMED)])


def _check_there(core: Core, project_id: int, of: Dataset, base: int, ids: Sequence[str]) -> None:
    """Raises UnknownDatasetError: neither the base nor the newest version has items of these ids."""
    if not ids:
        return
    known: set[str] = set()
    with core.readers.read() as cursor:
        for version in {base, of.version}:
            known |= {*store.some(cursor, project_id, of.dataset_id, version, ids)["item"].to_pylist()}
    unknown = [one for one in dict.fromkeys(ids) if one not in known]
    if unknown:
        items = "item" if len(unknown) == 1 else "items"
        raise UnknownDatasetError(f"Dataset {of.name!r} has no {items} {_few(unknown)}. Nothing was changed.")


def change(  # noqa: PLR0917 - as the request has it
    core: Core, project: str, name: str, base: int, note: str, author: str | None,
    rows: Sequence[Mapping[str, Any]] = (), removed: Sequence[str] = (), splits: Mapping[str, str] | None = None,
) -> Row | None:  # fmt: skip
    """Set and remove items on a version: the new one, with `sentences` on what it lost; null: nothing changed.

    Raises:
        DatasetProblemError: an item is none, is set and removed, or comes twice.
        UnknownDatasetError: there is no such dataset or version, or no item that is removed or moved.
        ChangedElsewhereError: see `store.datasets.commit`.
    """
    items = []
    for place, told in enumerate(rows):
        try:
            items.append(item_of(dict(told)))
        except UnreadableCaseError as error:
            raise DatasetProblemError(f"Item {place} ({str(told.get('id'))[:60]!r}): {error}") from error
    named = [one.id for one in items]
    both = {*named} & {*removed}
    twice = next((one for place, one in enumerate(named) if one in named[:place]), None) if len(named) < 2_000 else None
    if both or twice is not None or len({*named}) < len(named):
        raise DatasetProblemError(
            f"Item {(twice or next(iter(both), None) or 'of one id')!r} is named twice in one change."
        )
    project_id, one = found(core, project, name)
    version_of(one, base or None)
    _check_there(core, project_id, one, base, [*removed, *(splits or {}).keys() - {*named}])
    words = _lost_words(core, project_id, one, items)
    made = commit(core, project, name, Change(base, note, author, table_of(items), removed, splits))
    return None if made is None else version_told(made) | {"sentences": [words] if words else []}


def commit(core: Core, project: str, name: str, wanted: Change, *, make: bool = False) -> Version | None:
    """Make a change the newest version; `make`: of a dataset that it makes where there is none, both or neither.

    Raises as `store.datasets.commit` does, and UnknownDatasetError.
    """
    project_id, one = found_or_new(core, project, name) if make else found(core, project, name)
    version_of(one, wanted.base or None)

    def work(cursor: DuckDBPyConnection) -> Version | None:
        there = store.dataset(cursor, project_id, name)
        if there is None:
            if not make:  # it was deleted meanwhile
                raise _unknown(cursor, project_id, project, name)
            if wanted.rows is None or not wanted.rows.num_rows:
                return None
            there = store.create(cursor, project_id, name, "", wanted.author)
        return store.commit(cursor, project_id, there.dataset_id, wanted)

    return core.writer.call(work).result(WRITE_S)


def split(  # noqa: PLR0917 - as the request has it
    core: Core, project: str, name: str, base: int, parts: Mapping[str, float], seed: int, by: str | None,
    note: str, author: str | None, *, keep: bool,
) -> Row | None:  # fmt: skip
    """Give items splits by a rule that holds from now on: the new version with `sentences`; null: all have them.

    Raises:
        DatasetProblemError: the shares are none, or no item has the member of metadata.
    """
    rule = Rule(by, seed, shares(parts))
    _, one = found(core, project, name)
    words = "" if by is None else _cluster_words(core, project, name, one.version, by, refuse=True)
    made = commit(core, project, name, Change(base, note, author, rule=rule, keep=keep))
    return None if made is None else version_told(made) | {"sentences": [words] if words else []}


def shares(parts: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Parts with their shares of one, however they are told (0.8 and 0.2, or 80 and 20). Raises DatasetProblemError."""
    if not 1 <= len(parts) <= MOST_PARTS:
        raise DatasetProblemError(f"A split has 1 to {MOST_PARTS} parts, not {len(parts)}.")
    for name, share in parts.items():
        if not name or len(name) > 100 or not name.isprintable():
            raise DatasetProblemError(f"{name[:60]!r} cannot name a split. Use 1 to 100 letters that show.")
        if not 0 < share < 1e9:
            raise DatasetProblemError(f"The share of {name!r} is {share:g}; a share is above 0, such as 0.8.")
    total = sum(parts.values())
    if all(share <= 1 for share in parts.values()) and abs(total - 1) > _SUM_SLACK and total != 100:
        raise DatasetProblemError(f"The shares add up to {total:g}, not to 1.")
    return tuple((name, share / total) for name, share in parts.items())


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
        ChangedElsewhereError: see `store.datasets.commit`.
    """
    project_id, one = found_or_new(core, project, name)
    number = one.version if base is None else base
    keys, out = str(folder / "keys.arrow"), str(folder / "items.arrow")
    write_keys(core, project_id, one, keys)
    wanted = ImportOrder(str(file), keys=keys, out=out, **order)
    told: Row = _elsewhere(aside, prepared, wanted)
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
            f"{told[kind]:,} {'row' if told[kind] == 1 else 'rows'}: they {what} ({_few(told['named'][kind])})"
            for kind, what in words.items()
            if told[kind]
        )
        super().__init__(
            f"{said}. Say what is to become of them by `duplicates`, or --duplicates in the shell: keep adds them "
            "under ids of their own, skip leaves them out, replace puts them in the place of the items of their id, "
            f"and leaves out those that ask the same.{' With replace ' if told['loses'] else ''}{told['loses']}"
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


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
        there = f"Scores: {_listed(names)}." if names else "No trace was scored yet."
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
        rule = store.rule_of(held[0].rule if held else None)
        order = {**order, "by": None if rule is None else rule.by}
    path = str(folder / "items.arrow")
    write_items(core, project_id, one, number, None, path)
    words = "" if order["by"] is None else _cluster_words(core, project, name, number, order["by"], refuse=chosen)
    told: Row = _elsewhere(aside, checked, CheckOrder(path, **order))
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
    told: Row = _elsewhere(aside, exported, Leaving(path, str(out), format_, answers))
    return out, told | {"version": number}


def _elsewhere(aside: Aside | None, work: Any, order: object) -> Any:
    """In a process of its own: all of this is Python over every item."""
    return work(order) if aside is None else orjson.loads(aside.compute(WORK_S, work, order))
