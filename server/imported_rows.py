"""Rows of an export to a batch for the writer: the columns as they were. Runs in the decoding processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from collectors import frames
from collectors.errors import UndecodableError
from collectors.importers.parquet import TABLES, unpacked_tables
from collectors.importers.pieces import Piece
from collectors.model import Rejection
from collectors.normalise import normalise
from collectors.normalising.identity import hashed_user
from collectors.normalising.options import NormaliserOptions
from store.batch import Batch, RejectedItems

SCHEMAS = {
    "spans": frames.SPANS,
    "logs": frames.LOGS,
    "scores": frames.SCORES,
    "origins": frames.ORIGINS,
    "tool_definitions": frames.TOOL_DEFINITIONS,
}
NAMES = {signal: table for table, signal in TABLES.items()}


def rows_batch(
    piece: Piece, source: str, project_id: int, options: NormaliserOptions
) -> tuple[Batch, Sequence[Rejection]]:
    """The batch of a piece of rows, and the reader's own rejections.

    Where users' ids are to be hashed they are, and the columns of spans are derived anew for it.

    Raises:
        UndecodableError: it holds no rows of an export.
    """
    name = NAMES[piece.signal]
    try:
        tables = {key: fitted(rows, SCHEMAS[key]) for key, rows in unpacked_tables(piece.body).items()}
    except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise UndecodableError(f"The piece holds no rows of an export: {error}") from error
    if options.hash_user_ids:
        tables = _hashed(tables, options)
    received = _by_service(tables.get(name))
    for one in piece.rejected:
        received[one.service] = received.get(one.service, 0) + one.count
    rejected = tuple(RejectedItems(one.service, one.reason, one.sample, one.count) for one in piece.rejected)
    return Batch(project_id, source, piece.signal, received, rejected, **tables), piece.rejected


def _by_service(rows: pa.Table | None) -> dict[str, int]:
    if rows is None:
        return {}
    if "service" not in rows.column_names:
        return {"": rows.num_rows}
    counts = pc.value_counts(rows.column("service").combine_chunks()).to_pylist()
    return {entry["values"] or "": entry["counts"] for entry in counts}


def fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the columns of a schema, by name; a column that an older export lacks is null."""
    columns = [
        _column(rows.column(field.name), field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.nulls(0, array.type)
    return array if array.type == kind else array.cast(kind)


def _hashed(tables: dict[str, pa.Table], options: NormaliserOptions) -> dict[str, pa.Table]:
    if "scores" in tables:
        tables["scores"] = _hashed_scores(tables["scores"], options.user_id_key)
    if "spans" in tables:
        tables["spans"] = _derived_anew(tables["spans"], tables.get("origins"), options)
    return tables


def _hashed_scores(rows: pa.Table, key: bytes) -> pa.Table:
    told = zip(rows.column("source").to_pylist(), rows.column("author").to_pylist(), strict=True)
    authors = [hashed_user(author, key) if source == "user" and author else author for source, author in told]
    place = rows.schema.get_field_index("author")
    return rows.set_column(place, "author", pa.array(authors, pa.string()))


def _derived_anew(rows: pa.Table, origins: pa.Table | None, options: NormaliserOptions) -> pa.Table:
    from server.renormalise import raw_span, read_origins  # noqa: PLC0415 - for this alone

    if origins is None:
        raise UndecodableError("The rows name origins that the export lacks, and users' ids are to be hashed.")
    numbered = origins.append_column("project_id", pa.array([0] * origins.num_rows))
    known: Any = read_origins(numbered)
    told = rows.to_pylist(maps_as_pydicts="lossy")
    spans = [raw_span(row | {"project_id": 0}, known) for row in told]
    return frames.span_table(spans, [normalise(span, options) for span in spans])
