"""Stored spans derived anew: what ingest said stays, what was wrong is put right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest
from server import renormalise
from server.batches import BatchMaker
from server.core import Core, opened
from server.settings import Settings

CAPTURES = Path(__file__).parent / "captures"
EVERYTHING = "select * from spans order by project_id, trace_id, span_id, commit_seq"


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A store with the captures."""
    with opened(Settings(data_dir=tmp_path, min_free_bytes=0)) as made:
        maker = BatchMaker(NormaliserOptions())
        for path in sorted(CAPTURES.glob("*/*.otlp.pb")):
            signal = path.name.split(".")[1]
            request = ExportRequest(signal, "http-protobuf", path.read_bytes(), None)  # type: ignore[arg-type]  # the file's name
            batch, _ = maker.make(decode(request.signal, request.source, request.body), request, 1)
            made.writer.submit(batch).result()
        made.settle(30)
        yield made


def rows(core: Core, query: str = EVERYTHING) -> list[dict[str, Any]]:
    with core.readers.read() as cursor:
        found: list[dict[str, Any]] = cursor.sql(query).to_arrow_table().to_pylist(maps_as_pydicts="lossy")
        return found


def spoil(core: Core, statement: str) -> None:
    core.writer.call(lambda cursor: cursor.execute(statement).fetchall()).result()


def test_what_ingest_said_stays(core: Core) -> None:
    before, mark = rows(core), core.readers.watermark()
    report = renormalise.run(core)
    assert (report.spans, report.changed) == (len(before), 0)
    assert len(before) > 20
    assert rows(core) == before
    assert core.readers.watermark() == mark


def test_what_was_wrong_is_put_right_and_only_that(core: Core) -> None:
    before, totals, mark = (
        rows(core),
        rows(core, "select * from trace_summaries order by trace_id"),
        core.readers.watermark(),
    )
    spoil(core, "update spans set input_tokens = 1, request_model = 'wrong' where kind = 'llm'")
    spoil(core, "update spans set tags = ['wrong'], tool_definitions_id = null where kind = 'agent'")
    spoil(core, "delete from tool_definitions")
    damaged = sum(old != new for old, new in zip(before, rows(core), strict=True))
    definitions = {row["tool_definitions_id"] for row in before} - {None}
    report = renormalise.run(core)
    assert (report.spans, report.changed) == (len(before), damaged)
    assert damaged > 5
    assert rows(core) == before
    assert core.readers.watermark() != mark
    drop = ("resolved_seq",)
    again = rows(core, "select * from trace_summaries order by trace_id")
    assert [{k: v for k, v in row.items() if k not in drop} for row in again] == [
        {k: v for k, v in row.items() if k not in drop} for row in totals
    ]
    restored = {row["tool_definitions_id"] for row in rows(core, "select * from tool_definitions")}
    assert restored <= definitions


def test_texts_move_back_to_where_they_belong(core: Core) -> None:
    """An older normaliser knew no content: everything stood in `attributes`."""
    before = rows(core)
    spoil(
        core,
        "update spans set attributes = map_concat(attributes, map([input_key], [input])), "
        "input = null, input_key = null where input_key is not null",
    )
    assert rows(core) != before
    assert renormalise.run(core).changed == sum(row["input_key"] is not None for row in before)
    assert rows(core) == before


def test_a_newer_version_of_a_span_is_left_alone(core: Core) -> None:
    """The row was replaced between reading and writing: its commit is another one."""
    stored = core.readers.run("totals", 1).table.num_rows
    assert stored > 0
    from store import restate  # noqa: PLC0415

    with core.readers.read() as cursor:
        read = restate.stored_spans(cursor, 0, 1_000_000)
    spoil(core, "update spans set commit_seq = commit_seq + 1000000")
    facts = renormalise.definition_rows([], [])
    assert core.writer.call(lambda cursor: restate.restate_spans(cursor, read, facts)).result() == 0
    assert len(rows(core)) == read.num_rows


@pytest.mark.parametrize(
    ("duration", "notes", "end"),
    [
        (5, [], 105), (None, ["never_ended"], 0), (None, ["ended_before_start"], 99),
        (None, ["duration_out_of_range"], 2**63 + 100),
    ],
)  # fmt: skip
def test_an_end_is_found_again(duration: int | None, notes: list[str], end: int) -> None:
    assert renormalise.end_ns(100, duration, notes) == end
