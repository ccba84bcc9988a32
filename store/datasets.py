"""Datasets by version. Reads take any cursor; writes go through `Writer.call`.

A version is never changed. Whoever changes a dataset says on which version: items that somebody else has changed since
are refused, so that two people never overwrite each other; changes of other items are joined.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import relations
from store.database import one_row
from store.errors import StoreError

ITEM_COLUMNS = pa.schema(
    [
        ("item", pa.string()), ("row", pa.string()), ("split", pa.string()), ("tags", pa.list_(pa.string())),
        ("trace_id", pa.string()), ("span_id", pa.uint64()), ("whole", pa.string()), ("same", pa.string()),
    ]
)  # fmt: skip
"""Of items that are set. A null `split` leaves it as it is, or to the dataset's rule; '' takes it away."""
NAMED = 20  # items that an error names
THERE = "since_version <= $version and (until_version is null or until_version > $version)"
_OF = "project_id = $project_id and dataset_id = $dataset_id"
_HELD = (
    "list_concat(json_keys(row), "
    "list_transform(coalesce(json_keys(row, '$.metadata'), []), lambda k: 'metadata.' || k), "
    "case when len(tags) > 0 then ['tags'] else [] end, case when trace_id is null then [] else ['source'] end)"
)
_DRAW = 2**52  # the first 13 hex digits of a hash
_STORED = "json_extract_string(manifest, '$.dataset.stored.{}')"
# Most manifests are of files: those are not parsed.
_OF_STORED = f"project_id = $project_id and contains(manifest, '\"stored\"') and {_STORED.format('project')} = $project"


class ChangedElsewhereError(StoreError):
    """Items were changed since the version that a change was made on."""

    def __init__(self, items: Sequence[str], base: int, newest: int) -> None:
        self.items = tuple(items)
        named = ", ".join(map(repr, self.items[:NAMED])) + (", ..." if len(self.items) > NAMED else "")
        were = "was" if len(self.items) == 1 else "were"
        super().__init__(
            f"{len(self.items):,} of these items {were} changed since version {base}, the newest is {newest}: {named}. "
            "Look at the newest version, and make the change on it."
        )


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


@dataclass(frozen=True, slots=True)
class Rule:
    """How items get a split: by a hash of a member of their metadata, or of their id."""

    by: str | None  # null: the id
    seed: int
    parts: tuple[tuple[str, float], ...]  # name and share; shares add up to 1

    @property
    def text(self) -> str:
        """As the store keeps it."""
        return json.dumps({"by": self.by, "seed": self.seed, "parts": [list(part) for part in self.parts]})


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a dataset."""

    base: int  # the version that it was made on; 0: there was none
    note: str
    author: str | None
    rows: pa.Table | None = None  # ITEM_COLUMNS, each item once
    removed: Sequence[str] = ()
    splits: Mapping[str, str] | None = None  # item -> split, '' for none
    rule: Rule | None = None  # from now on, and for the items that are there
    keep: bool = False  # with `rule`: items that have a split keep it


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
        "select dataset_id, coalesce(split, ''), count(*) from dataset_items "
        "where project_id = ? and until_version is null group by all order by all",
        [project_id],
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


def commit(cursor: DuckDBPyConnection, project_id: int, dataset_id: int, change: Change) -> Version | None:
    """Make a change the newest version; null: it changes nothing, and there is no new version.

    Raises:
        ChangedElsewhereError: items of the change were changed since its base, and otherwise than it says.
    """
    held = versions(cursor, project_id, dataset_id)
    newest = held[0].version if held else 0
    number = (newest or _gone(cursor, project_id, dataset_id)) + 1
    of: dict[str, Any] = {"project_id": project_id, "dataset_id": dataset_id}
    kept = held[0].rule if held else None
    with _told(cursor, change) as (rows, removed, splits):
        if change.base != newest:
            _refuse(cursor, of, change.base, newest, (rows, removed, splits))
        given = of | {"new": number}
        _set(cursor, given, rows, rule_of(kept))
        _end(cursor, given, removed)
        _move(cursor, given, splits)
        if change.rule is not None:
            _draw(cursor, given, change.rule, keep=change.keep)
    rule = kept if change.rule is None else change.rule.text
    counts = _counts(cursor, given)
    if not any(counts) and rule == kept:
        return None
    _book(cursor, given, change, rule, counts)
    return versions(cursor, project_id, dataset_id)[0]


def _gone(cursor: DuckDBPyConnection, project_id: int, dataset_id: int) -> int:
    (name,) = one_row(
        cursor, f"select name from datasets where {_OF}", {"project_id": project_id, "dataset_id": dataset_id}
    )
    return removed_upto(cursor, project_id, name)


def rule_of(text: str | None) -> Rule | None:
    """A rule as the store keeps it."""
    if text is None:
        return None
    told = json.loads(text)
    return Rule(told["by"], told["seed"], tuple((name, share) for name, share in told["parts"]))


@contextmanager
def _told(cursor: DuckDBPyConnection, change: Change) -> Iterator[tuple[str, str, str]]:
    """The parts of a change as relations: rows with their place, ids, and ids with splits."""
    rows = ITEM_COLUMNS.empty_table() if change.rows is None else change.rows
    rows = rows.append_column("told_place", pa.array(range(rows.num_rows), pa.int64()))
    removed = pa.table({"item": pa.array(list(change.removed), pa.string())})
    splits = change.splits or {}
    moved = pa.table({"item": pa.array(splits.keys(), pa.string()), "split": pa.array(splits.values(), pa.string())})
    with (
        relations.registered(cursor, rows) as told,
        relations.registered(cursor, removed) as gone,
        relations.registered(cursor, moved) as other,
    ):
        yield told, gone, other


def _refuse(
    cursor: DuckDBPyConnection, of: Mapping[str, Any], base: int, newest: int, parts: tuple[str, str, str]
) -> None:
    """Raises ChangedElsewhereError. What both made alike is no conflict."""
    rows, removed, splits = parts
    found = cursor.execute(
        f"""
        with touched as (
            select item, bool_or(until_version is null) as there,
                   any_value(whole) filter (where until_version is null) as whole,
                   any_value(coalesce(split, '')) filter (where until_version is null) as split
            from dataset_items where {_OF}
            group by item having max(since_version) > $base or coalesce(max(until_version), 0) > $base
        )
        select t.item from touched t join {rows} r using (item)
        where t.whole is distinct from r.whole or (r.split is not null and r.split is distinct from t.split)
        union select t.item from touched t join {removed} r using (item) where t.there
        union select t.item from touched t join {splits} r using (item) where t.split is distinct from r.split
        order by item
        """,
        {**of, "base": base},
    ).fetchall()
    if found:
        raise ChangedElsewhereError([item for (item,) in found], base, newest)


def _set(cursor: DuckDBPyConnection, given: Mapping[str, Any], rows: str, rule: Rule | None) -> None:
    """Add the states of items that are new or hold something else than before, and end those that they replace."""
    drawn, params = _drawn(rule)
    cursor.execute(
        f"""
        insert into dataset_items
        with live as (select * from dataset_items where {_OF} and until_version is null),
        highest as (select coalesce(max(place), -1) as place from dataset_items where {_OF})
        select $project_id, $dataset_id, r.item,
               coalesce(o.place, (select place from highest)
                        + row_number() over (partition by o.place is null order by r.told_place)),
               $new, null,
               case when r.split is not null then nullif(r.split, '') when o.item is not null then o.split
                    else {drawn} end,
               r.tags, r.trace_id::uuid, r.span_id, r.whole, r.same, r.row
        from {rows} r left join live o using (item)
        where o.item is null or o.whole <> r.whole
           or (r.split is not null and nullif(r.split, '') is distinct from o.split)
        """,
        {**given, **params},
    )
    _end_replaced(cursor, given)


def _end(cursor: DuckDBPyConnection, given: Mapping[str, Any], removed: str) -> None:
    cursor.execute(
        f"update dataset_items set until_version = $new where {_OF} and until_version is null "
        f"and since_version < $new and item in (select item from {removed})",
        dict(given),
    )


def _move(cursor: DuckDBPyConnection, given: Mapping[str, Any], splits: str) -> None:
    _resplit(cursor, given, f"nullif(m.split, '') as wanted from {{live}} o join {splits} m using (item)", {})


def _draw(cursor: DuckDBPyConnection, given: Mapping[str, Any], rule: Rule, *, keep: bool) -> None:
    """Give the items of the newest version a split by the rule."""
    drawn, params = _drawn(rule, "o")
    wanted = f"case when $keep and o.split is not null then o.split else {drawn} end as wanted from {{live}} o"
    _resplit(cursor, given, wanted, {**params, "keep": keep})


def _resplit(cursor: DuckDBPyConnection, given: Mapping[str, Any], wanted: str, params: Mapping[str, Any]) -> None:
    """Items whose split is not as `wanted` says, in a state of the new version; what was set in it is set anew."""
    live = f"(select * from dataset_items where {_OF} and until_version is null)"
    cursor.execute(
        f"""
        insert into dataset_items
        with other as (select o.*, {wanted.format(live=live)})
        select project_id, dataset_id, item, place, -$new, null, wanted, tags, trace_id, span_id, whole, same, row
        from other where wanted is distinct from split
        """,
        {**given, **params},
    )
    again = f"select item from dataset_items where {_OF} and since_version = -$new"
    cursor.execute(f"delete from dataset_items where {_OF} and since_version = $new and item in ({again})", dict(given))
    cursor.execute(f"update dataset_items set since_version = $new where {_OF} and since_version = -$new", dict(given))
    _end_replaced(cursor, given)


def _end_replaced(cursor: DuckDBPyConnection, given: Mapping[str, Any]) -> None:
    cursor.execute(
        f"update dataset_items set until_version = $new where {_OF} and until_version is null and since_version < $new "
        f"and item in (select item from dataset_items where {_OF} and since_version = $new)",
        dict(given),
    )


def _drawn(rule: Rule | None, alias: str = "r") -> tuple[str, dict[str, Any]]:
    """The split that a rule gives a row, as SQL with its parameters.

    A hash of seed and cluster lies in [0, 1), and the parts lie there side by side: an item's split depends on nothing
    but its own cluster, so that others that come or go move none.
    """
    if rule is None:
        return "null", {}
    key = (
        f"{alias}.item" if rule.by is None else f"coalesce({alias}.row::json -> 'metadata' ->> $rule_by, {alias}.item)"
    )
    at = f"('0x' || substr(sha256($rule_seed || chr(10) || {key}), 1, 13))::bigint"
    params: dict[str, Any] = {"rule_seed": str(rule.seed)} | ({} if rule.by is None else {"rule_by": rule.by})
    cases, upto = [], 0.0
    for number, (name, share) in enumerate(rule.parts[:-1]):
        upto += share
        params |= {f"part_{number}": name, f"upto_{number}": round(upto * _DRAW)}
        cases.append(f"when {at} < $upto_{number} then $part_{number}")
    params["part_last"] = rule.parts[-1][0]
    return f"case {' '.join(cases)} else $part_last end" if cases else "$part_last", params


def _counts(cursor: DuckDBPyConnection, given: Mapping[str, Any]) -> tuple[int, int, int]:
    """Items that the new version adds, changes and removes."""
    added, changed, removed = one_row(
        cursor,
        f"""
        with now as (select item from dataset_items where {_OF} and since_version = $new),
        before as (select item from dataset_items where {_OF} and until_version = $new)
        select (select count(*) from now where item not in (select item from before)),
               (select count(*) from now where item in (select item from before)),
               (select count(*) from before where item not in (select item from now))
        """,
        dict(given),
    )
    return added, changed, removed


def _book(
    cursor: DuckDBPyConnection, given: Mapping[str, Any], change: Change, rule: str | None,
    counts: tuple[int, int, int],
) -> None:  # fmt: skip
    added, changed, removed = counts
    cursor.execute(
        f"""
        insert into dataset_versions
        select $project_id, $dataset_id, $new, now() at time zone 'utc', $author, $note, $base, count(*), $added,
               $changed, $removed,
               sha256(coalesce(string_agg(whole || coalesce(split, ''), chr(10) order by item), '')), $rule
        from dataset_items where {_OF} and until_version is null
        """,
        {
            **given, "author": change.author, "note": change.note, "base": change.base, "added": added,
            "changed": changed, "removed": removed, "rule": rule,
        },
    )  # fmt: skip
