"""How a dataset gets a new version. All of it goes through `Writer.call`, in one piece or by steps.

A version is never changed. Whoever changes a dataset says on which version: items that somebody else has changed since
are refused, so that two people never overwrite each other; changes of other items are joined.

A large change takes seconds, and whoever sends traces would wait for it. So it can be made by steps, each short and in
a transaction of its own: `begun`, all of `steps`, `summed` (which only reads), `booked`. Until it is booked nobody sees
it, as states of a version that is not there are in no version. Who makes a change by steps sees to it that nobody makes
another one of the dataset meanwhile. What one that broke off left is gone with `undone`, or when the next is begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import relations
from store.database import one_row
from store.dataset_splits import Rule, drawn, rule_of
from store.datasets import THERE, Version, removed_upto, versions
from store.errors import StoreError

ITEM_COLUMNS = pa.schema(
    [
        ("item", pa.string()), ("row", pa.string()), ("split", pa.string()), ("tags", pa.list_(pa.string())),
        ("trace_id", pa.string()), ("span_id", pa.uint64()), ("whole", pa.string()), ("same", pa.string()),
    ]
)  # fmt: skip
"""Of items that are set. A null `split` leaves it as it is, or to the dataset's rule; '' takes it away."""
NAMED = 20  # items that an error names
SLICE = 4_000  # items of a step
_OF = "project_id = $project_id and dataset_id = $dataset_id"


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


class DeletedMeanwhileError(StoreError):
    """The dataset was deleted, or changed by somebody else, while a change of it was made by steps."""

    def __init__(self) -> None:
        super().__init__("The dataset was deleted or changed while this change was made. Nothing of it was kept.")


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


@dataclass(frozen=True, slots=True)
class Begun:
    """A change that is being made: what its steps share."""

    project_id: int
    dataset_id: int
    newest: int  # version; 0: there is none
    number: int  # of the version that it makes
    rule: str | None  # of the newest version
    places: int  # above every item's place

    @property
    def of(self) -> dict[str, Any]:
        """What names the dataset in a query."""
        return {"project_id": self.project_id, "dataset_id": self.dataset_id}

    @property
    def given(self) -> dict[str, Any]:
        """What names the version that is made."""
        return self.of | {"new": self.number}


@dataclass(frozen=True, slots=True)
class Sums:
    """What a change comes to."""

    added: int
    changed: int
    removed: int
    items: int
    content: str  # a hash over all items and their splits


Step = Callable[[DuckDBPyConnection], None]


def commit(cursor: DuckDBPyConnection, project_id: int, dataset_id: int, change: Change) -> Version | None:
    """Make a change the newest version, in one piece; null: it changes nothing, and there is no new version.

    Raises:
        ChangedElsewhereError: items of the change were changed since its base, and otherwise than it says.
    """
    under = begun(cursor, project_id, dataset_id, change)
    for step in steps(under, change):
        step(cursor)
    return booked(cursor, under, change, summed(cursor, under))


def large(change: Change, items: int) -> bool:
    """Whether a change of a dataset of so many items is one for steps."""
    named = (0 if change.rows is None else change.rows.num_rows) + len(change.removed) + len(change.splits or ())
    return named + (items if change.rule is not None else 0) > SLICE


def begun(cursor: DuckDBPyConnection, project_id: int, dataset_id: int, change: Change) -> Begun:
    """Begin a change. Raises ChangedElsewhereError as `commit`."""
    undone(cursor, project_id, dataset_id)
    held = versions(cursor, project_id, dataset_id)
    newest = held[0].version if held else 0
    of: dict[str, Any] = {"project_id": project_id, "dataset_id": dataset_id}
    if change.base != newest:
        _refuse(cursor, of, newest, change)
    number = (newest or _gone(cursor, of)) + 1
    (places,) = one_row(cursor, f"select coalesce(max(place), -1) + 1 from dataset_items where {_OF}", of)
    return Begun(project_id, dataset_id, newest, number, held[0].rule if held else None, places)


def undone(cursor: DuckDBPyConnection, project_id: int, dataset_id: int) -> None:
    """Take away what a change left that was never booked."""
    of = {"project_id": project_id, "dataset_id": dataset_id}
    newest = f"(select coalesce(max(version), 0) from dataset_versions where {_OF})"
    cursor.execute(f"delete from dataset_items where {_OF} and since_version > {newest}", of)
    cursor.execute(f"update dataset_items set until_version = null where {_OF} and until_version > {newest}", of)


def steps(under: Begun, change: Change, most: int = SLICE) -> Iterator[Step]:
    """What makes the states of the new version, of so many items a step; each may be done again.

    A step raises DeletedMeanwhileError.
    """
    rows = ITEM_COLUMNS.empty_table() if change.rows is None else change.rows
    moved = list((change.splits or {}).items())
    works: list[Step] = [
        *(partial(_set, under, rows.slice(at, most)) for at in range(0, rows.num_rows, most)),
        *(partial(_end, under, change.removed[at : at + most]) for at in range(0, len(change.removed), most)),
        *(partial(_move, under, moved[at : at + most]) for at in range(0, len(moved), most)),
    ]
    if (rule := change.rule) is not None:
        places = range(0, under.places + rows.num_rows, most)
        works += [partial(_draw, under, rule, (at, at + most), keep=change.keep) for at in places]
    for work in works:
        yield partial(_checked, under, work)


def _checked(under: Begun, work: Step, cursor: DuckDBPyConnection) -> None:
    newest, there = one_row(
        cursor,
        f"select (select coalesce(max(version), 0) from dataset_versions where {_OF}), "
        f"exists (from datasets where {_OF})",
        under.of,
    )
    if not there or newest != under.newest:
        raise DeletedMeanwhileError
    work(cursor)


def _gone(cursor: DuckDBPyConnection, of: Mapping[str, Any]) -> int:
    (name,) = one_row(cursor, f"select name from datasets where {_OF}", dict(of))
    return removed_upto(cursor, of["project_id"], name)


def _refuse(cursor: DuckDBPyConnection, of: Mapping[str, Any], newest: int, change: Change) -> None:
    """Raises ChangedElsewhereError. What both made alike is no conflict."""
    given = ITEM_COLUMNS.empty_table() if change.rows is None else change.rows
    with (
        relations.registered(cursor, given) as rows,
        relations.registered(cursor, _items(change.removed)) as removed,
        relations.registered(cursor, _pairs(list((change.splits or {}).items()))) as splits,
    ):
        found = _elsewhere(cursor, {**of, "base": change.base}, (rows, removed, splits))
    if found:
        raise ChangedElsewhereError(found, change.base, newest)


def _elsewhere(cursor: DuckDBPyConnection, of: Mapping[str, Any], parts: tuple[str, str, str]) -> list[str]:
    """Items of the parts of a change (names of relations) that were changed since its base, and otherwise."""
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
        dict(of),
    ).fetchall()
    return [item for (item,) in found]


def _items(names: Sequence[str]) -> pa.Table:
    return pa.table({"item": pa.array(list(names), pa.string())})


def _pairs(splits: Sequence[tuple[str, str]]) -> pa.Table:
    return _items([item for item, _ in splits]).append_column("split", pa.array([to for _, to in splits], pa.string()))


def _set(under: Begun, rows: pa.Table, cursor: DuckDBPyConnection) -> None:
    """Add the states of items that are new or hold something else than before, and end those that they replace."""
    rule, params = drawn(rule_of(under.rule))
    told = rows.append_column("told_place", pa.array(range(rows.num_rows), pa.int64()))
    with relations.registered(cursor, told) as name:
        cursor.execute(
            f"""
            insert into dataset_items
            with live as (
                select * from dataset_items where {_OF} and until_version is null and item in (select item from {name})
            ), highest as (select coalesce(max(place), -1) as place from dataset_items where {_OF})
            select $project_id, $dataset_id, r.item,
                   coalesce(o.place, (select place from highest)
                            + row_number() over (partition by o.place is null order by r.told_place)),
                   $new, null,
                   case when r.split is not null then nullif(r.split, '') when o.item is not null then o.split
                        else {rule} end,
                   r.tags, r.trace_id::uuid, r.span_id, r.whole, r.same, r.row
            from {name} r left join live o using (item)
            where o.item is null or o.whole <> r.whole
               or (r.split is not null and nullif(r.split, '') is distinct from o.split)
            """,
            {**under.given, **params},
        )
        _end_replaced(cursor, under.given, f"item in (select item from {name})")


def _end(under: Begun, removed: Sequence[str], cursor: DuckDBPyConnection) -> None:
    with relations.registered(cursor, _items(removed)) as name:
        cursor.execute(
            f"update dataset_items set until_version = $new where {_OF} and until_version is null "
            f"and since_version < $new and item in (select item from {name})",
            under.given,
        )


def _move(under: Begun, splits: Sequence[tuple[str, str]], cursor: DuckDBPyConnection) -> None:
    with relations.registered(cursor, _pairs(splits)) as name:
        wanted = f"nullif(m.split, '') as wanted from {{live}} o join {name} m using (item)"
        _resplit(cursor, under.given, wanted, {}, f"item in (select item from {name})", {})


def _draw(under: Begun, rule: Rule, places: tuple[int, int], cursor: DuckDBPyConnection, *, keep: bool) -> None:
    """Give the items of some places, half-open, a split by the rule."""
    told, params = drawn(rule, "o")
    wanted = f"case when $keep and o.split is not null then o.split else {told} end as wanted from {{live}} o"
    bounds = dict(zip(("first", "beyond"), places, strict=True))
    _resplit(cursor, under.given, wanted, {**params, "keep": keep}, "place >= $first and place < $beyond", bounds)


def _resplit(  # noqa: PLR0917 - one statement's parts
    cursor: DuckDBPyConnection, given: Mapping[str, Any], wanted: str, params: Mapping[str, Any], within: str,
    bounds: Mapping[str, Any],
) -> None:  # fmt: skip
    """Items `within` whose split is not as `wanted` says, in a state of the new version; what it had of them goes."""
    of, bounded = f"{_OF} and {within}", {**given, **bounds}
    live = f"(select * from dataset_items where {of} and until_version is null)"
    cursor.execute(
        f"""
        insert into dataset_items
        with other as (select o.*, {wanted.format(live=live)})
        select project_id, dataset_id, item, place, -$new, null, wanted, tags, trace_id, span_id, whole, same, row
        from other where wanted is distinct from split
        """,
        {**bounded, **params},
    )
    again = f"select item from dataset_items where {of} and since_version = -$new"
    cursor.execute(f"delete from dataset_items where {of} and since_version = $new and item in ({again})", bounded)
    cursor.execute(f"update dataset_items set since_version = $new where {of} and since_version = -$new", bounded)
    _end_replaced(cursor, bounded, within)


def _end_replaced(cursor: DuckDBPyConnection, given: Mapping[str, Any], within: str) -> None:
    of = f"{_OF} and {within}"
    cursor.execute(
        f"update dataset_items set until_version = $new where {of} and until_version is null and since_version < $new "
        f"and item in (select item from dataset_items where {of} and since_version = $new)",
        dict(given),
    )


def summed(cursor: DuckDBPyConnection, under: Begun) -> Sums:
    """What a change comes to whose steps are all done. Reads alone: any cursor will do."""
    added, changed, removed = one_row(
        cursor,
        f"""
        with now as (select item from dataset_items where {_OF} and since_version = $new),
        before as (select item from dataset_items where {_OF} and until_version = $new)
        select (select count(*) from now where item not in (select item from before)),
               (select count(*) from now where item in (select item from before)),
               (select count(*) from before where item not in (select item from now))
        """,
        under.given,
    )
    items, content = one_row(
        cursor,
        "select count(*), sha256(coalesce(string_agg(whole || coalesce(split, ''), chr(10) order by item), '')) "
        f"from dataset_items where {_OF} and {THERE}",
        under.of | {"version": under.number},
    )
    return Sums(added, changed, removed, items, content)


def booked(cursor: DuckDBPyConnection, under: Begun, change: Change, sums: Sums) -> Version | None:
    """Make what the steps made the newest version; null: it changes nothing. Raises DeletedMeanwhileError."""
    rule = under.rule if change.rule is None else change.rule.text
    if not (sums.added or sums.changed or sums.removed) and rule == under.rule:
        return None
    _checked(under, partial(_book, under, change, rule, sums), cursor)
    return versions(cursor, under.project_id, under.dataset_id)[0]


def _book(under: Begun, change: Change, rule: str | None, sums: Sums, cursor: DuckDBPyConnection) -> None:
    cursor.execute(
        "insert into dataset_versions select $project_id, $dataset_id, $new, now() at time zone 'utc', $author, $note, "
        "$base, $items, $added, $changed, $removed, $content, $rule",
        {
            **under.given, "author": change.author, "note": change.note, "base": change.base, "items": sums.items,
            "added": sums.added, "changed": sums.changed, "removed": sums.removed, "content": sums.content,
            "rule": rule,
        },
    )  # fmt: skip
