"""What the writer takes: one export request as Arrow tables, and its share of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class RejectedItems:
    service: str
    reason: str
    sample: str
    count: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One export request. It is stored whole or not at all.

    Each table has the columns of its namesake in the migrations, without `project_id`, `commit_seq` and `received_at`,
    which the writer adds. Null: none of these. Uuids are `pa.uuid()`, times `timestamp[us]`, ids `uint64`.
    """

    project_id: int
    source: str  # http-protobuf http-json grpc import:<format>
    signal: str  # traces logs metrics, scores
    received: dict[str, int]  # per service: spans or log records counted while decoding
    rejected: tuple[RejectedItems, ...] = ()
    spans: pa.Table | None = None
    logs: pa.Table | None = None
    scores: pa.Table | None = None
    origins: pa.Table | None = None
    tool_definitions: pa.Table | None = None
    nbytes: int = field(default=0)  # what it counts for in the bounded queue


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a commit."""

    commit_seq: int
    stored: int
    duplicate: int
    rejected: int = 0  # what the store itself refused for good; sending it again would change nothing
    message: str = ""  # set whenever rejected > 0
