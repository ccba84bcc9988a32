"""Changes of datasets, of which each makes a version. Large ones are made by steps, so that nobody who sends waits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, TypeVar

from duckdb import DuckDBPyConnection

from evaluators.errors import UnreadableCaseError
from server.core import Core
from server.dataset_items import Item, held_of, item_of, losing, lost, table_of
from server.datasets import (
    NAMED,
    DatasetProblemError,
    Row,
    UnknownDatasetError,
    cluster_words,
    found,
    found_or_new,
    name_few,
    unknown,
    version_of,
    version_told,
)
from store import dataset_changes
from store import datasets as store
from store.dataset_changes import Change, DeletedMeanwhileError
from store.dataset_splits import Rule
from store.datasets import Dataset, Version
from store.errors import StoreError

WRITE_S = 120.0
MOST_CHANGED = 10_000  # items that one change names
MOST_PARTS = 20  # of a rule
_SUM_SLACK = 1e-6

T = TypeVar("T")
_locks: dict[tuple[int, str], threading.Lock] = {}


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
    strangers = [one for one in dict.fromkeys(ids) if one not in known]
    if strangers:
        items = "item" if len(strangers) == 1 else "items"
        raise UnknownDatasetError(f"Dataset {of.name!r} has no {items} {name_few(strangers)}. Nothing was changed.")


def change(  # noqa: PLR0917 - as the request has it
    core: Core, project: str, name: str, base: int, note: str, author: str | None,
    rows: Sequence[Mapping[str, Any]] = (), removed: Sequence[str] = (), splits: Mapping[str, str] | None = None,
) -> Row | None:  # fmt: skip
    """Set and remove items on a version: the new one, with `sentences` on what it lost; null: nothing changed.

    Raises:
        DatasetProblemError: an item is none, is set and removed, or comes twice.
        UnknownDatasetError: there is no such dataset or version, or no item that is removed or moved.
        ChangedElsewhereError: see `store.dataset_changes.commit`.
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

    Raises as `store.dataset_changes.commit` does, and UnknownDatasetError.
    """
    with _alone(core.projects.id_of(project), name):
        project_id, one = found_or_new(core, project, name) if make else found(core, project, name)
        version_of(one, wanted.base or None)
        work = _Commit(core, project, name, project_id, wanted, make=make)
        try:
            return work.by_steps() if dataset_changes.large(wanted, one.items) else work.at_once()
        except DeletedMeanwhileError:
            with core.readers.read() as cursor:
                raise unknown(cursor, project_id, project, name) from None


@contextmanager
def _alone(project_id: int, name: str) -> Iterator[None]:
    """One change of a dataset at a time: one that is made by steps must not meet another."""
    with _locks.setdefault((project_id, name), threading.Lock()):
        yield


@dataclass(frozen=True, slots=True)
class _Commit:
    """A change on its way to the writer."""

    core: Core
    project: str
    name: str
    project_id: int
    wanted: Change
    _: KW_ONLY
    make: bool

    def at_once(self) -> Version | None:
        """In one transaction, with the dataset where it is made."""

        def work(cursor: DuckDBPyConnection) -> Version | None:
            there, _ = self._there(cursor)
            return None if there is None else dataset_changes.commit(cursor, self.project_id, there, self.wanted)

        return self._write(work)

    def by_steps(self) -> Version | None:
        """In many, between which others write; one that fails leaves nothing."""
        there, new = self._write(self._there)
        if there is None:
            return None
        try:
            under = self._write(lambda cursor: dataset_changes.begun(cursor, self.project_id, there, self.wanted))
            for step in dataset_changes.steps(under, self.wanted):
                self._write(step)
            with self.core.readers.read() as cursor:
                sums = dataset_changes.summed(cursor, under)
            return self._write(lambda cursor: dataset_changes.booked(cursor, under, self.wanted, sums))
        except BaseException:
            with suppress(StoreError):
                self._write(lambda cursor: self._undo(cursor, there, new=new))
            raise

    def _there(self, cursor: DuckDBPyConnection) -> tuple[int | None, bool]:
        """The dataset's id (null: there is nothing to make one of), and whether it was made for this change."""
        there = store.dataset(cursor, self.project_id, self.name)
        if there is not None:
            return there.dataset_id, False
        if not self.make:  # it was deleted meanwhile
            raise unknown(cursor, self.project_id, self.project, self.name)
        if self.wanted.rows is None or not self.wanted.rows.num_rows:
            return None, False
        return store.create(cursor, self.project_id, self.name, "", self.wanted.author).dataset_id, True

    def _undo(self, cursor: DuckDBPyConnection, dataset_id: int, *, new: bool) -> None:
        (store.remove if new else dataset_changes.undone)(cursor, self.project_id, dataset_id)

    def _write(self, work: Callable[[DuckDBPyConnection], T]) -> T:
        return self.core.writer.call(work).result(WRITE_S)


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
    words = "" if by is None else cluster_words(core, project, name, one.version, by, refuse=True)
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
