"""Arrow tables as bytes, and back."""

from __future__ import annotations

import pyarrow as pa


def written(table: pa.Table) -> pa.Buffer:
    """An Arrow IPC stream. The work is done outside of the interpreter lock."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def read(data: bytes) -> pa.Table:
    """The table of a stream, on its bytes."""
    return pa.ipc.open_stream(data).read_all()
