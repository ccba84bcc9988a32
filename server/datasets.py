"""Datasets as the server reads them: lists, pages, diffs. What changes them stands in `dataset_changes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from evaluators.errors import EvaluatorError
from server.core import Core
from server.dataset_items import shown
from server.when import utc_now
from store import datasets as store
from store.datasets import Dataset, Version

NAMED = 20  # names that an error lists

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
            raise unknown(cursor, project_id, project, name)
    return project_id, one


def unknown(cursor: DuckDBPyConnection, project_id: int, project: str, name: str) -> UnknownDatasetError:
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
        now = utc_now()
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


def cluster_words(core: Core, project: str, name: str, version: int, by: str, *, refuse: bool) -> str:
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
        there = f"They have: {name_some(known)}." if known else "They have no metadata at all."
        raise DatasetProblemError(f"No item has a member of metadata named {by[:60]!r}.{hint} {there}")
    have = "has" if without == 1 else "have"
    ids = "its id counts" if without == 1 else "their id counts"
    return f"{without:,} of {every:,} items {have} no {by}; {ids}." if without else ""


def name_some(names: Sequence[str]) -> str:
    """The first of them in one line."""
    return f"{', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''}"


def name_few(names: Sequence[str]) -> str:
    """The first of them, quoted."""
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
