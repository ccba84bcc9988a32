"""One group commit: several requests become rows of one transaction, repeats dropped, the ledger written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from store.batch import Batch, Receipt
from store.database import one_row
from store.keyfilter import Hashes, KeyFilter, hash_keys
from store.ledger import LedgerPage
from store.relations import registered

Mask = NDArray[np.bool_]

# Of two versions of a span the one that ended later counts, then the one that says more; the last column only makes
# the choice the same whatever came first.
_SPAN_RANK = (
    "epoch_us(start_time)::hugeint * 1000 + coalesce(duration_ns, 0)",
    "cardinality(attributes) + len(events) + len(links) + (input is not null)::int + (output is not null)::int",
    "hash(name, start_time, status, status_message, parent_span_id, input, output, attributes, events)",
)


@dataclass(frozen=True, slots=True)
class Noun:
    """A table whose rows have an identity on the wire."""

    table: str
    key: tuple[str, ...]  # within a project
    time: str
    rank: tuple[str, ...] = ()  # SQL; the greater version replaces the lesser. None: all versions are equal


SPANS = Noun("spans", ("trace_id", "span_id"), "start_time", _SPAN_RANK)
LOGS = Noun("logs", ("log_id",), "time")
SCORES = Noun("scores", ("score_id",), "time")
NOUNS = (SPANS, LOGS, SCORES)
ONCE = {"origins": "origin_id", "tool_definitions": "tool_definitions_id"}  # inserted if absent


class Memory:
    """What the writer remembers of the tables, so that it need not ask them: the keys, and the ids of shared rows."""

    MAX_IDS = 500_000  # beyond it the ids are forgotten and asked of the table again

    def __init__(self) -> None:
        """Knows nothing: every key may be stored."""
        self.filters: dict[str, KeyFilter] = {}
        self.ids: dict[str, set[tuple[int, int]]] = {table: set() for table in ONCE}

    def load(self, cursor: DuckDBPyConnection) -> None:
        """Read every key of the store: about 0.4 s a million spans, once at start."""
        self.filters = {noun.table: _stored_filter(cursor, noun) for noun in NOUNS}
        for table, column in ONCE.items():
            query = f"select project_id, {column} from {table} limit {self.MAX_IDS}"
            self.ids[table] = set(cursor.execute(query).fetchall())

    def maybe_stored(self, noun: Noun, hashes: Hashes) -> Mask:
        known = self.filters.get(noun.table)
        return np.ones(len(hashes), dtype=np.bool_) if known is None else known.maybe(hashes)

    def learn(self, noun: Noun, hashes: Hashes) -> None:
        if noun.table in self.filters:
            self.filters[noun.table].add(hashes)

    def learn_ids(self, table: str, ids: set[tuple[int, int]]) -> None:
        if len(self.ids[table]) + len(ids) > self.MAX_IDS:
            self.ids[table].clear()
        self.ids[table] |= ids


def _stored_filter(cursor: DuckDBPyConnection, noun: Noun) -> KeyFilter:
    (count,) = one_row(cursor, f"select count(*) from {noun.table}")
    known = KeyFilter(count)
    reader = cursor.sql(f"select project_id, {', '.join(noun.key)} from {noun.table}").to_arrow_reader(100_000)
    for batch in reader:
        known.add(_hashes(pa.Table.from_batches([batch]), noun))
    return known


def _hashes(rows: pa.Table, noun: Noun) -> Hashes:
    parts: list[NDArray[Any]] = [rows["project_id"].to_numpy().astype(np.uint64)]
    for name in noun.key:
        parts += _words(rows[name])
    return hash_keys(parts)


def _words(column: pa.ChunkedArray) -> list[NDArray[Any]]:
    """A key column as unsigned 64-bit words; a uuid has two."""
    array = column.combine_chunks()
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if not pa.types.is_fixed_size_binary(array.type):
        return [array.to_numpy(zero_copy_only=False).astype(np.uint64)]
    start, stop = array.offset * 16, (array.offset + len(array)) * 16
    words = np.frombuffer(array.buffers()[1], dtype=np.uint8)[start:stop].view(np.uint64).reshape(-1, 2)
    return [words[:, 0], words[:, 1]]


@dataclass
class _Section:
    """The rows of one noun in a group, in order of arrival, and what becomes of each."""

    noun: Noun
    rows: pa.Table
    batches: list[tuple[Batch, int, int]]  # half-open range of rows
    hashes: Hashes
    keep: Mask  # the rows that are written
    replaced: list[int]  # rowids of stored versions that give way
    new: Mask  # the rows that are written and replace nothing


class Group:
    """Requests that are committed together. Build it, then `write` it within a transaction."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        """Raises `pa.ArrowInvalid` when tables do not fit together."""
        self._batches = batches
        self._sections = [section for noun in NOUNS if (section := _section(noun, batches))]
        self._new_ids: dict[str, set[tuple[int, int]]] = {}

    def write(self, cursor: DuckDBPyConnection, memory: Memory, commit_seq: int, now: datetime) -> list[Receipt]:
        """Put every row and the ledger into the cursor's transaction; receipts in the order of the batches."""
        for table in ONCE:
            self._write_once(cursor, memory, table)
        for section in self._sections:
            _drop_repeats(cursor, memory, section)
            _write_section(cursor, section, commit_seq, now)
            # Before the commit: one that fails may have reached the disk, and then its repeat must be looked up.
            memory.learn(section.noun, section.hashes[section.keep])
        page = LedgerPage()
        receipts = [self._book(page, batch, index, commit_seq) for index, batch in enumerate(self._batches)]
        page.write(cursor, commit_seq, now)
        return receipts

    def committed(self, memory: Memory) -> None:
        """Remember the shared rows that are surely stored; call it after the commit."""
        for table, ids in self._new_ids.items():
            memory.learn_ids(table, ids)

    def _write_once(self, cursor: DuckDBPyConnection, memory: Memory, table: str) -> None:
        column = ONCE[table]
        fresh = list(_unknown(self._batches, table, column, memory.ids[table]))
        if not fresh:
            return
        with registered(cursor, pa.concat_tables(fresh)) as name:
            cursor.execute(
                f"insert into {table} by name select * from {name} n where not exists "
                f"(select 1 from {table} o where o.project_id = n.project_id and o.{column} = n.{column})"
            )
        pairs = (zip(t["project_id"].to_pylist(), t[column].to_pylist(), strict=True) for t in fresh)
        self._new_ids[table] = {pair for part in pairs for pair in part}

    def _book(self, page: LedgerPage, batch: Batch, index: int, commit_seq: int) -> Receipt:
        page.receive(batch)
        # Scores are booked where they were counted: in an import, and not where they come with spans or one by one.
        nouns = {"traces": SPANS, "logs": LOGS, "scores": SCORES} if batch.received else {}
        signal = nouns.get(batch.signal)
        stored = duplicate = 0
        for section in self._sections:
            if section.noun is signal:
                for service, kept, dropped in _by_service(section, index):
                    page.settle(batch, service, kept, dropped)
                    stored, duplicate = stored + kept, duplicate + dropped
        return Receipt(commit_seq, stored, duplicate)


def _unknown(batches: Sequence[Batch], table: str, column: str, known: set[tuple[int, int]]) -> Iterator[pa.Table]:
    """The shared rows that may be new, each id once."""
    seen: set[tuple[int, int]] = set()
    for batch in batches:
        rows: pa.Table | None = getattr(batch, table)
        if rows is None:
            continue
        ids = [(batch.project_id, value) for value in rows[column].to_pylist()]
        fresh = [n for n, pair in enumerate(ids) if pair not in known and pair not in seen and not seen.add(pair)]  # type: ignore[func-returns-value]  # set.add in a condition
        if fresh:
            yield _with_project(rows.take(fresh), batch.project_id)


def _with_project(rows: pa.Table, project_id: int) -> pa.Table:
    return rows.append_column("project_id", pa.array(np.full(rows.num_rows, project_id, dtype=np.int32)))


def _section(noun: Noun, batches: Sequence[Batch]) -> _Section | None:
    tables, ranges, at = [], [], 0
    for batch in batches:
        rows: pa.Table | None = getattr(batch, noun.table)
        size = rows.num_rows if rows is not None else 0
        ranges.append((batch, at, at + size))
        at += size
        if rows is not None and size:
            tables.append(_with_project(rows, batch.project_id))
    if not tables:
        return None
    rows = pa.concat_tables(tables)
    return _Section(
        noun, rows, ranges, _hashes(rows, noun), np.ones(at, dtype=np.bool_), [], np.ones(at, dtype=np.bool_)
    )


def _drop_repeats(cursor: DuckDBPyConnection, memory: Memory, section: _Section) -> None:
    """Decide which rows are stored. Nearly always the filter says at once: all."""
    doubtful = memory.maybe_stored(section.noun, section.hashes) | _repeated(section.hashes)
    if not doubtful.any():
        return
    places = np.flatnonzero(doubtful)
    rows = section.rows.take(pa.array(places)).append_column("assay_place", pa.array(places))
    with registered(cursor, rows) as name:
        stored = _find_stored(cursor, section.noun, name)
        winners = _winners(cursor, section.noun, name, stored)
    section.keep[places] = section.new[places] = False
    section.keep[[place for place, _ in winners]] = True
    section.new[[place for place, replaced in winners if replaced is None]] = True
    section.replaced = [replaced for _, replaced in winners if replaced is not None]


def _repeated(hashes: Hashes) -> Mask:
    """Rows whose key occurs more than once in the group."""
    order = np.argsort(hashes, kind="stable")
    same = hashes[order][1:] == hashes[order][:-1]
    repeated = np.zeros(len(hashes), dtype=np.bool_)
    repeated[order[1:][same]] = True
    repeated[order[:-1][same]] = True
    return repeated


def _find_stored(cursor: DuckDBPyConnection, noun: Noun, name: str) -> list[int]:
    """Rowids of stored rows with one of the keys, whatever their time.

    Senders repeat a request byte for byte, so the time range of the candidates finds nearly all; a key that is not
    found there is looked up in the whole table, because a span may be sent again with another start.
    """
    same = " and ".join(f"s.{column} = c.{column}" for column in ("project_id", *noun.key))
    query = f"select s.rowid, c.assay_place from {noun.table} s join {name} c on {same}"
    low, high, places = one_row(cursor, f"select min({noun.time}), max({noun.time}), list(assay_place) from {name}")
    bounded = f"{query} where s.{noun.time} between $low and $high"
    found = cursor.execute(bounded, {"low": low, "high": high}).fetchall()
    missing = set(places) - {place for _, place in found}
    if missing:
        found += cursor.execute(
            f"{query} where c.assay_place in (select unnest($m))", {"m": sorted(missing)}
        ).fetchall()
    return sorted({rowid for rowid, _ in found})


def _winners(cursor: DuckDBPyConnection, noun: Noun, name: str, stored: list[int]) -> list[tuple[int, int | None]]:
    """Places of the candidates to write, each with the rowid of the stored row that it replaces, if any."""
    columns = ("project_id", *noun.key, *noun.rank)
    named = ", ".join(f"{text} as c{number}" for number, text in enumerate(columns))
    keys = ", ".join(f"c{number}" for number in range(1 + len(noun.key)))
    rank = "".join(f"c{number} desc, " for number in range(1 + len(noun.key), len(columns)))
    rowids = ", ".join(map(str, stored)) or "null"
    return cursor.execute(
        f"""
        with versions as (
            select {named}, assay_place as place, null::bigint as stored_row from {name}
            union all by name
            select {named}, null::bigint as place, rowid as stored_row from {noun.table} where rowid in ({rowids})
        ), ordered as (
            select place,
                   row_number() over (partition by {keys} order by {rank}stored_row nulls last, place) as version,
                   max(stored_row) over (partition by {keys}) as stored_row
            from versions
        )
        select place, stored_row from ordered where version = 1 and place is not null
        """
    ).fetchall()


def _write_section(cursor: DuckDBPyConnection, section: _Section, commit_seq: int, now: datetime) -> None:
    if section.replaced:
        cursor.execute(f"delete from {section.noun.table} where rowid in ({', '.join(map(str, section.replaced))})")
    rows = section.rows if section.keep.all() else section.rows.filter(pa.array(section.keep))
    if not rows.num_rows:
        return
    added = "$seq::ubigint as commit_seq"
    parameters: dict[str, object] = {"seq": commit_seq}
    if section.noun is not SCORES:
        added += ", $now::timestamp as received_at"
        parameters["now"] = now
    with registered(cursor, rows) as name:
        cursor.execute(f"insert into {section.noun.table} by name select *, {added} from {name}", parameters)


def _by_service(section: _Section, index: int) -> Iterator[tuple[str, int, int]]:
    """Per service of one request: rows that count as stored, and as duplicates.

    A row that replaces a stored version is a duplicate: the ledger's sum of stored stays the number of rows.
    """
    _, start, stop = section.batches[index]
    if start == stop:
        return
    new = section.new[start:stop]
    if "service" not in section.rows.column_names:  # scores
        kept_rows = int(new.sum())
        yield "", kept_rows, stop - start - kept_rows
        return
    services = section.rows["service"].slice(start, stop - start)
    totals = _count(services)
    kept = totals if new.all() else _count(services.filter(pa.array(new)))
    for service, total in totals.items():
        yield service, kept.get(service, 0), total - kept.get(service, 0)


def _count(services: pa.ChunkedArray) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entry in pc.value_counts(services).to_pylist():
        service = entry["values"] or ""
        counts[service] = counts.get(service, 0) + entry["counts"]
    return counts
