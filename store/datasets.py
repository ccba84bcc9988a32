"""Datasets by version, as they are read; they are changed in `dataset_changes`.

Reads take any cursor; making, describing and removing a dataset goes through `Writer.call`. What belongs to a version
is told by its number: a change that is made by steps has states of one that is not there yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.database import one_row

THERE = "since_version <= $version and (until_version is null or until_version > $version)"
_OF = "project_id = $project_id and dataset_id = $dataset_id"
_HELD = (
    "list_concat(json_keys(row), "
    "list_transform(coalesce(json_keys(row, '$.metadata'), []), lambda k: 'metadata.' || k), "
    "case when len(tags) > 0 then ['tags'] else [] end, case when trace_id is null then [] else ['source'] end)"
)
_STORED = "json_extract_string(manifest, '$.dataset.stored.{}')"
# Most manifests are of files: those are not parsed.
_OF_STORED = f"project_id = $project_id and contains(manifest, '\"stored\"') and {_STORED.format('project')} = $project"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as it is now."""

    dataset_id: int
    name: str
    description: str
    created_at: datetime  # UTC
    author: str | None
    version: int  # the newest; 0: nothing was put into it yet
    items: int
    gone: int = 0  # the highest version of datasets of this name that were deleted; 0: none was


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a dataset."""

    version: int
    made_at: datetime  # UTC
    author: str | None
    note: str
    base: int
    items: int
    added: int
    changed: int
    removed: int
    content: str
    rule: str | None  # JSON


def datasets(cursor: DuckDBPyConnection, project_id: int) -> list[Dataset]:
    """All datasets of a project, by name."""
    return [
        Dataset(*row) for row in cursor.execute(f"{_DATASETS} order by name", {"project_id": project_id}).fetchall()
    ]


def dataset(cursor: DuckDBPyConnection, project_id: int, name: str) -> Dataset | None:
    """One dataset; null: there is none of this name."""
    query = f"{_DATASETS} and name = $name"
    rows = cursor.execute(query, {"project_id": project_id, "name": name}).fetchall()
    return Dataset(*rows[0]) if rows else None


_DATASETS = (
    "select dataset_id, name, description, created_at, author, coalesce(v.version, 0), coalesce(v.items, 0), "
    "coalesce((select max(r.version) from dataset_removals r "
    "where r.project_id = d.project_id and r.name = d.name), 0) "
    "from datasets d left join (select dataset_id, max(version) as version, arg_max(items, version) as items "
    "from dataset_versions where project_id = $project_id group by dataset_id) v using (dataset_id) "
    "where d.project_id = $project_id"
)


def create(cursor: DuckDBPyConnection, project_id: int, name: str, description: str, author: str | None) -> Dataset:
    """Make a dataset without items; one that is there already is returned as it is."""
    if (found := dataset(cursor, project_id, name)) is not None:
        return found
    cursor.execute(
        "insert into datasets select ?, (select coalesce(max(dataset_id), 0) + 1 from datasets), ?, ?, "
        "now() at time zone 'utc', ?",
        [project_id, name, description, author],
    )
    made = dataset(cursor, project_id, name)
    assert made is not None  # noqa: S101 - it was made just now
    return made


def describe(cursor: DuckDBPyConnection, project_id: int, dataset_id: int, description: str) -> None:
    """Say anew what a dataset is."""
    cursor.execute(
        f"update datasets set description = $description where {_OF}",
        {"description": description, "project_id": project_id, "dataset_id": dataset_id},
    )


def remove(cursor: DuckDBPyConnection, project_id: int, dataset_id: int) -> None:
    """Forget a dataset with all its versions, but not how far it counted: one of its name goes on from there."""
    cursor.execute(
        "insert into dataset_removals select d.project_id, d.name, "
        "greatest((select coalesce(max(version), 0) from dataset_versions v where v.project_id = d.project_id "
        "and v.dataset_id = d.dataset_id), (select coalesce(max(version), 0) from dataset_removals r "
        "where r.project_id = d.project_id and r.name = d.name)), now() at time zone 'utc' "
        f"from datasets d where {_OF}",
        {"project_id": project_id, "dataset_id": dataset_id},
    )
    for table in ("dataset_items", "dataset_versions", "datasets"):
        cursor.execute(f"delete from {table} where {_OF}", {"project_id": project_id, "dataset_id": dataset_id})


def removed_upto(cursor: DuckDBPyConnection, project_id: int, name: str) -> int:
    """The highest version that deleted datasets of the name had; 0: none was deleted."""
    (found,) = one_row(
        cursor,
        "select coalesce(max(version), 0) from dataset_removals where project_id = $project_id and name = $name",
        {"project_id": project_id, "name": name},
    )
    return int(found)


def versions(cursor: DuckDBPyConnection, project_id: int, dataset_id: int) -> list[Version]:
    """All versions, the newest first."""
    rows = cursor.execute(
        "select version, made_at, author, note, base, items, added, changed, removed, content, rule "
        f"from dataset_versions where {_OF} order by version desc",
        {"project_id": project_id, "dataset_id": dataset_id},
    ).fetchall()
    return [Version(*row) for row in rows]


def split_counts(cursor: DuckDBPyConnection, project_id: int) -> dict[int, dict[str, int]]:
    """Items of each split in the newest version, by dataset; '' for those in none."""
    rows = cursor.execute(
        "select dataset_id, coalesce(split, ''), count(*) from dataset_items join (select dataset_id, max(version) as "
        "version from dataset_versions where project_id = $project_id group by dataset_id) using (dataset_id) "
        "where project_id = $project_id and since_version <= version "
        "and (until_version is null or until_version > version) group by all order by all",
        {"project_id": project_id},
    ).fetchall()
    found: dict[int, dict[str, int]] = {}
    for dataset_id, split, count in rows:
        found.setdefault(dataset_id, {})[split] = count
    return found


def tags_and_splits(
    cursor: DuckDBPyConnection, project_id: int, dataset_id: int, version: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Tags (the most frequent 200) and splits ('' for none) of a version, with how many items have each."""
    params = {"project_id": project_id, "dataset_id": dataset_id, "version": version}
    tags = cursor.execute(
        f"select tag, count(*) from (select unnest(tags) as tag from dataset_items where {_OF} and {THERE}) "
        "group by tag order by count(*) desc, tag limit 200",
        params,
    ).fetchall()
    splits = cursor.execute(
        f"select coalesce(split, ''), count(*) from dataset_items where {_OF} and {THERE} group by all order by all",
        params,
    ).fetchall()
    return dict(tags), dict(splits)


def lacking(
    cursor: DuckDBPyConnection, project_id: int, dataset_id: int, version: int, by: str
) -> tuple[int, int]:  # fmt: skip
    """How many items of a version have no such member of metadata, and how many there are."""
    without, every = one_row(
        cursor,
        "select count(*) filter ((row::json -> 'metadata' ->> $by) is null), count(*) "
        f"from dataset_items where {_OF} and {THERE}",
        {"project_id": project_id, "dataset_id": dataset_id, "version": version, "by": by},
    )
    return without, every


def members(cursor: DuckDBPyConnection, project_id: int, dataset_id: int, version: int) -> list[str]:
    """Members of metadata that items of a version have, the most frequent 200 first."""
    found = cursor.execute(
        f"select member from (select unnest(json_keys(row, '$.metadata')) as member from dataset_items where {_OF} "
        f"and {THERE}) group by member order by count(*) desc, member limit 200",
        {"project_id": project_id, "dataset_id": dataset_id, "version": version},
    ).fetchall()
    return [name for (name,) in found]


def history(cursor: DuckDBPyConnection, project_id: int, dataset_id: int, item: str) -> list[dict[str, Any]]:
    """Every state that an item was in, the newest first: since_version, until_version, split, tags, ..., row."""
    told = cursor.execute(
        "select since_version, until_version, split, tags, trace_id, span_id, row, made_at, v.author, note "
        "from dataset_items i join dataset_versions v "
        "on v.project_id = i.project_id and v.dataset_id = i.dataset_id and v.version = i.since_version "
        "where i.project_id = $project_id and i.dataset_id = $dataset_id and item = $item order by since_version desc",
        {"project_id": project_id, "dataset_id": dataset_id, "item": item},
    ).fetchall()
    names = (
        "since_version",
        "until_version",
        "split",
        "tags",
        "trace_id",
        "span_id",
        "row",
        "made_at",
        "author",
        "note",
    )
    return [dict(zip(names, row, strict=True)) for row in told]


def some(cursor: DuckDBPyConnection, project_id: int, dataset_id: int, version: int, items: Sequence[str]) -> pa.Table:
    """Those of these items that a version has: item, place, split, tags, trace_id, span_id, row."""
    return cursor.sql(
        f"select item, place, split, tags, trace_id, span_id, row from dataset_items where {_OF} and {THERE} "
        "and list_contains($items, item) order by place",
        params={"project_id": project_id, "dataset_id": dataset_id, "version": version, "items": list(items)},
    ).to_arrow_table()


def keys(cursor: DuckDBPyConnection, project_id: int, dataset_id: int, version: int) -> pa.Table:
    """item, whole, same, trace_id, span_id and `held` of each item of a version, in order.

    `held` names what it holds beside its split: fields, `tags`, `source`, and members of metadata as `metadata.NAME`.
    """
    return cursor.sql(
        f"select item, whole, same, trace_id::varchar as trace_id, span_id, {_HELD} as held from dataset_items "
        f"where {_OF} and {THERE} order by place",
        params={"project_id": project_id, "dataset_id": dataset_id, "version": version},
    ).to_arrow_table()


def rows(  # noqa: PLR0917 - given by name
    cursor: DuckDBPyConnection, project_id: int, dataset_id: int, version: int, split: str | None = None,
    after_place: int = -1, most: int = 5_000,
) -> pa.Table:  # fmt: skip
    """Items of a version in order from after this place on, or those of a split: place, item, split, ..., row."""
    return cursor.sql(
        f"select place, item, split, tags, trace_id::varchar as trace_id, span_id, row from dataset_items "
        f"where {_OF} and {THERE} and ($split::varchar is null or coalesce(split, '') = $split) "
        "and place > $after_place order by place limit $most",
        params={
            "project_id": project_id, "dataset_id": dataset_id, "version": version, "split": split,
            "after_place": after_place, "most": most,
        },
    ).to_arrow_table()  # fmt: skip


def run_counts(cursor: DuckDBPyConnection, project_id: int, project: str) -> dict[str, int]:
    """How many runs were made of each stored dataset of the project."""
    found: list[tuple[str, int]] = cursor.execute(
        f"select {_STORED.format('name')} as name, count(*) from runs where {_OF_STORED} group by name "
        "having name is not null",
        {"project_id": project_id, "project": project},
    ).fetchall()
    return dict(found)


def run_ids(cursor: DuckDBPyConnection, project_id: int, project: str, name: str, most: int) -> list[tuple[UUID, int]]:
    """Runs that were made of a dataset with the version that each took, the newest first."""
    found: list[tuple[UUID, int]] = cursor.execute(
        f"select run_id, {_STORED.format('version')}::integer from runs where {_OF_STORED} "
        f"and {_STORED.format('name')} = $name order by created_at desc limit $most",
        {"project_id": project_id, "project": project, "name": name, "most": most},
    ).fetchall()
    return found
