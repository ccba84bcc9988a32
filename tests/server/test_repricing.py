"""A repricing that is cut off, and one that finds nothing: over the real store, without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest
from server import repricing
from server.batches import BatchMaker
from server.core import Core, opened
from server.settings import Settings
from store import prices as store
from store.prices import Order

TRACES = 7
NOVEMBER_NS = 1_763_640_000_000_000_000
CALL = {
    "gen_ai__operation__name": "chat", "gen_ai__request__model": "mine", "gen_ai__usage__input_tokens": 10,
    "gen_ai__usage__output_tokens": 1,
}  # fmt: skip


@pytest.fixture
def core(tmp_path: Path, otlp: Callable[..., bytes]) -> Iterator[Core]:
    """A store with traces of two calls each that start at one moment, and whose model has no price."""
    with opened(Settings(data_dir=tmp_path, min_free_bytes=0)) as made:
        for number in range(1, TRACES + 1):
            request = ExportRequest(
                "traces", "http-protobuf", otlp(number, spans=2, start_ns=NOVEMBER_NS, **CALL), None
            )
            decoded = decode(request.signal, request.source, request.body)
            batch, _ = BatchMaker(NormaliserOptions()).make(decoded, request, 1)
            made.writer.submit(batch).result()
        made.settle(30)
        yield made


def rows(core: Core, query: str) -> list[tuple[Any, ...]]:
    with core.readers.read() as cursor:
        return cursor.execute(query).fetchall()


def set_prices(core: Core, document: str) -> None:
    core.writer.call(lambda cursor: store.add_own_prices(cursor, 1, document, 1, None)).result()


class CutOffError(Exception):
    pass


def test_a_run_that_is_cut_off_is_finished_by_the_next(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    set_prices(core, "prices: [{model: mine, usd_per_million: {input: 1, output: 2}}]")
    resolve_again, done = core.resolver.resolve_again, list[str]()

    def cut(project_id: int, traces: list[str], number: int) -> None:
        if len(done) == 3:
            raise CutOffError
        done.extend(traces)
        resolve_again(project_id, traces, number)

    monkeypatch.setattr(repricing, "WRITE_TRACES", 1)
    monkeypatch.setattr(repricing, "SLICE_TRACES", 2)
    with monkeypatch.context() as patch:
        patch.setattr(core.resolver, "resolve_again", cut)
        with pytest.raises(CutOffError):
            repricing.run(core, "default", Order())
    whole = "select count(*) from (select trace_id from calls group by trace_id having count(cost_usd) = 1)"
    assert rows(core, whole) == [(0,)], "a trace is priced anew whole or not at all"
    assert rows(core, "select count(cost_usd) from calls") == [(6,)]
    report = repricing.run(core, "default", Order())
    assert (report.repricing_id, report.calls, report.changed, report.traces) == (2, 2 * TRACES, 2 * TRACES - 6, 4)
    assert rows(core, "select count(cost_usd), count(*) from calls") == [(2 * TRACES, 2 * TRACES)]
    assert rows(core, "select sum(cost_usd) from trace_summaries") == [(pytest.approx(2 * TRACES * 12e-6),)]
    assert rows(core, "select count(*), count(distinct (trace_id, span_id)) from replaced_costs") == [
        (2 * TRACES, 2 * TRACES)
    ]
    assert rows(core, "select repricing_id, finished_at is null from repricings order by 1") == [(1, True), (2, False)]


def test_a_price_of_another_name_and_equal_amount_is_taken_over(core: Core) -> None:
    """The cost stays, and says by which price it is now."""
    set_prices(core, "prices: [{model: mine, usd_per_million: {input: 1, output: 2}}]")
    repricing.run(core, "default", Order())
    set_prices(core, "prices: [{model: mine*, usd_per_million: {input: 1, output: 2}}]")
    report = repricing.run(core, "default", Order())
    assert (report.changed, report.traces) == (0, TRACES)
    assert rows(core, "select distinct price_model from calls") == [("mine*",)]


def test_a_run_over_all_of_a_long_trace_list_sees_each_call_once(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traces may start at the same microsecond."""
    assert rows(core, "select count(distinct start_time) from trace_summaries") == [(1,)]
    monkeypatch.setattr(repricing, "SLICE_TRACES", 2)
    assert repricing.run(core, "default", Order(), dry_run=True).calls == 2 * TRACES
