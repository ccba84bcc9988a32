"""The resolver over the real store: captured requests in, totals out, whatever the order, repeats and crashes."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from stores import put_empty

from collectors.normalising.identity import hashed_user
from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest
from server import resolver, resolving
from server.batches import BatchMaker
from server.resolver import Resolver
from store.call_sums import sum_calls
from store.database import Database
from store.readers import ReaderPool
from store.writer import Writer

CAPTURES = Path(__file__).parent / "captures"
LATEST = 2**64 - 1  # nanoseconds since 1970 that the wire can tell
NAMES = sorted(folder.name for folder in CAPTURES.iterdir() if folder.is_dir())


@dataclass
class Workplace:
    """A store with a resolver that works when it is told to."""

    database: Database
    writer: Writer
    readers: ReaderPool
    resolver: Resolver

    def send(self, request: ExportRequest, project_id: int = 1) -> None:
        decoded = decode(request.signal, request.source, request.body)
        batch, _ = BatchMaker(NormaliserOptions()).make(decoded, request, project_id)
        self.writer.submit(batch).result(20)

    def resolve(self) -> None:
        while self.resolver.run_once():
            pass

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.readers.read() as con:
            return con.execute(sql).fetchall()

    def state(self) -> tuple[list[tuple[Any, ...]], ...]:
        """Everything that the resolver wrote, less the numbers of commits."""
        return (
            self.rows("select * from span_derived order by all"),
            self.rows("select * exclude (resolved_seq) from trace_summaries order by all"),
            self.rows("select * from calls order by all"),
            self.rows("select * replace (round(cost_usd, 12) as cost_usd) from trace_calls order by all"),
        )


@pytest.fixture
def workplaces(tmp_path: Path) -> Iterator[Callable[[], Workplace]]:
    opened: list[Workplace] = []

    def make() -> Workplace:
        folder = tmp_path / str(len(opened))
        put_empty(folder)
        database = Database.open(folder)
        writer, readers = Writer(database, min_free_bytes=0), ReaderPool(database)
        opened.append(Workplace(database, writer, readers, Resolver(readers, writer)))
        return opened[-1]

    yield make
    for place in opened:
        place.resolver.stop()
        place.writer.close()
        place.database.close()


@pytest.fixture
def workplace(workplaces: Callable[[], Workplace]) -> Workplace:
    return workplaces()


def requests(name: str) -> list[ExportRequest]:
    found = sorted((CAPTURES / name).glob("*.otlp.pb"))
    return [ExportRequest(path.name.split(".")[1], "http-protobuf", path.read_bytes(), None) for path in found]  # type: ignore[arg-type]


ALL = [request for name in NAMES for request in requests(name)]


@pytest.mark.parametrize("name", NAMES)
def test_totals_are_what_the_model_server_logged(workplace: Workplace, name: str) -> None:
    for request in requests(name):
        workplace.send(request)
    workplace.resolve()
    expected = json.loads((CAPTURES / name / "totals.json").read_text())
    sums = ", ".join(f"coalesce(sum({column}), 0)::bigint" for column in expected)
    assert dict(zip(expected, workplace.rows(f"select {sums} from trace_summaries")[0], strict=True)) == expected


def test_order_pace_and_repeats_of_arrival_change_nothing(workplaces: Callable[[], Workplace]) -> None:
    first = workplaces()
    for request in ALL:
        first.send(request)
    first.resolve()
    assert len(first.state()[0]) > 10
    other = workplaces()
    twice = [*ALL, *ALL]
    random.Random(1).shuffle(twice)
    pace = random.Random(2)
    for request in twice:
        other.send(request)
        if pace.random() < 0.4:
            other.resolver.run_once()
    other.resolve()
    assert other.state() == first.state()


def test_calls_add_up_to_the_summaries_of_their_traces(workplace: Workplace) -> None:
    for request in ALL:
        workplace.send(request)
    workplace.resolve()
    sums = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    added = ", ".join(f"sum({name}) filter (where kind <> 'embedding')" for name in sums)
    by_calls = workplace.rows(
        f"""select trace_id, count(*) filter (where kind = 'llm' and not failed),
        count(*) filter (where kind = 'llm' and failed), count(*) filter (where kind = 'embedding'), {added},
        round(sum(cost_usd), 12), round(sum(reported_cost_usd), 12)
        from calls where usage_role = 'leaf' group by trace_id order by trace_id"""
    )
    summaries = workplace.rows(
        f"""select trace_id, model_calls_ok, model_calls_failed, embedding_calls, {", ".join(sums)},
        round(cost_usd, 12), round(reported_cost_usd, 12)
        from trace_summaries where trace_id in (select trace_id from calls where usage_role = 'leaf')
        order by trace_id"""
    )
    assert by_calls == summaries
    assert len(summaries) > 10
    parts = "input_usd + cache_read_usd + cache_write_usd + output_usd + other_usd"
    assert workplace.rows(f"select count(*) from calls where round({parts} - cost_usd, 15) <> 0") == [(0,)]
    assert workplace.rows("select count(cost_usd) > 10 from calls") == [(True,)]


def test_sums_are_those_of_the_calls_whatever_comes_late(workplace: Workplace) -> None:
    """Captures in any order, each twice, summed now and then: what is not stale is what its calls add up to."""
    chance, twice = random.Random(1), [*ALL, *ALL]
    chance.shuffle(twice)
    compared = 0
    for request in twice:
        workplace.send(request)
        if chance.random() < 0.2:
            workplace.resolve()
            workplace.resolver.sum_calls(timedelta(0))
            compared += true_sums(workplace)
    assert compared > 20
    while workplace.resolver.sum_calls(timedelta(0)):
        pass
    assert workplace.rows("select count(*) from stale_call_sums") == [(0,)]
    assert true_sums(workplace) > 5


def true_sums(workplace: Workplace) -> int:
    """Rows of sums that are not stale; each is what the calls of its quarter add up to now, and none lacks."""
    with workplace.readers.read() as con:
        found = con.execute(
            "select * exclude (project_id) from call_sums where quarter not in (select quarter from stale_call_sums)"
        ).fetchall()
        everywhere = con.execute(
            "select distinct make_timestamp(epoch_us(start_time) // 900000000 * 900000000) from calls"
            " where usage_role = 'leaf'"
        ).fetchall()
        stale = con.execute("select quarter from stale_call_sums").fetchall()
        settled = sorted({quarter for (quarter,) in everywhere} - {quarter for (quarter,) in stale})
        expected = con.from_arrow(sum_calls(con, 1, settled)).fetchall() if settled else []
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    return len(found)


def test_the_loop_sums_what_is_quiet(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "SUMS_S", 0.01)
    for request in ALL[:4]:
        workplace.send(request)
    workplace.resolve()
    workplace.writer.call(
        lambda con: con.execute("update stale_call_sums set noted_at = noted_at - interval 1 hour")
    ).result()
    workplace.resolver.start()
    until = time.monotonic() + 20
    while workplace.rows("select count(*) from stale_call_sums") != [(0,)] and time.monotonic() < until:
        time.sleep(0.05)
    assert workplace.rows("select count(*) from stale_call_sums") == [(0,)]
    assert workplace.rows("select count(*) > 0 from call_sums") == [(True,)]


def test_what_cannot_be_summed_holds_up_nothing(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(resolver.call_sums, "sum_calls", broken)
    monkeypatch.setattr(resolver, "QUIET", timedelta(0))
    monkeypatch.setattr(resolver.Resolver.sum_calls, "__defaults__", (timedelta(0),))
    workplace.resolver.start()
    for request in ALL[:3]:
        workplace.send(request)
        assert workplace.resolver.settle(20)
    assert workplace.rows("select count(*) > 0 from stale_call_sums") == [(True,)]


def test_starting_over_gives_the_same_rows(workplace: Workplace) -> None:
    for request in ALL:
        workplace.send(request)
    workplace.resolve()
    before = workplace.state()
    workplace.writer.call(
        lambda con: con.execute(
            "delete from span_derived; delete from trace_summaries; delete from calls; delete from trace_calls"
        )
    ).result()
    workplace.resolver.resolve_all()
    workplace.resolve()
    assert workplace.state() == before


class LostWriterError(Exception):
    pass


def test_a_crash_before_the_write_loses_nothing(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    for request in requests("traceloop-anthropic--agent"):
        workplace.send(request)

    def crash(*_: object) -> None:
        raise LostWriterError

    with monkeypatch.context() as patch:
        patch.setattr(workplace.resolver, "_write", crash)
        with pytest.raises(LostWriterError):
            workplace.resolver.run_once()
    assert workplace.rows("select value from resolver_state") == [(0,)]
    workplace.resolve()
    assert workplace.rows("select sum(model_calls_ok)::int from trace_summaries") == [(4,)]


def test_projects_do_not_meet(workplace: Workplace) -> None:
    for project_id in (1, 2):
        for request in requests("double-openinference-langchain+openai--chat"):
            workplace.send(request, project_id)
    workplace.resolve()
    sums = workplace.rows("select project_id, sum(model_calls_ok)::int from trace_summaries group by 1 order by 1")
    assert sums == [(1, 1), (2, 1)]


def test_a_trace_that_breaks_the_rules_is_summed_up_as_it_is(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    honest = resolving.resolve

    def broken(spans: Any, contents: Any) -> Any:
        spans = list(spans)
        if len({span.trace_id for span in spans}) > 1:
            raise ZeroDivisionError
        return honest(spans, contents)

    monkeypatch.setattr(resolving, "resolve", broken)
    for request in ALL:
        workplace.send(request)
    workplace.resolve()
    traces = workplace.rows("select count(distinct trace_id) from spans")
    assert workplace.rows("select count(*) from trace_summaries") == traces
    assert "cannot be resolved" in caplog.text


@pytest.mark.parametrize(
    ("times", "duration_ns"),
    [
        pytest.param([(LATEST, LATEST)], 0, id="the-year-2554"),
        pytest.param([(0, 1_000), (LATEST, LATEST)], 2**63 - 1, id="longer-than-64-bits"),
        pytest.param([(0, LATEST), (1_000, 2_000)], 2**63 - 1, id="one-span-longer-than-64-bits"),
    ],
)
def test_no_time_keeps_traces_from_being_resolved(
    workplace: Workplace, times: list[tuple[int, int]], duration_ns: int
) -> None:
    workplace.send(sent(0xBAD, times))
    workplace.send(sent(0x600D, [(1_000, 2_000)]))
    workplace.resolve()
    found = dict(workplace.rows("select right(trace_id::varchar, 4), duration_ns from trace_summaries"))
    assert found == {"0bad": duration_ns, "600d": 1_000}


def test_more_tokens_than_64_bits_hold_are_unknown(workplace: Workplace) -> None:
    workplace.send(sent(0xBAD, [(0, 1), (2, 3)], tokens=2**62 + 5))
    workplace.send(sent(0x600D, [(1_000, 2_000)], tokens=7))
    workplace.resolve()
    found = dict(workplace.rows("select right(trace_id::varchar, 4), input_tokens from trace_summaries"))
    assert found["600d"] == 7
    assert found["0bad"] is None


def sent(trace: int, times: list[tuple[int, int]], tokens: int | None = None) -> ExportRequest:
    """One trace of spans that start and end at these nanoseconds."""
    told = ExportTraceServiceRequest()
    scope = told.resource_spans.add().scope_spans.add()
    for number, (start, end) in enumerate(times, 1):
        span = scope.spans.add(trace_id=trace.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), name="step")
        span.start_time_unix_nano, span.end_time_unix_nano = start, end
        if tokens is not None:
            span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
            span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = tokens
    return ExportRequest("traces", "grpc", told.SerializeToString(), None)


MS = 1_000_000  # nanoseconds
DETAILS = "gen_ai.client.inference.operation.details"
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


def span_request(
    trace: int, scope: str, attributes: dict[str, Any], at: tuple[int, int] = (0, 100), *, span_id: int = 1,
    parent: int = 0, error: str | None = None,
) -> ExportRequest:  # fmt: skip
    """One span that runs from at[0] to at[1] (milliseconds past an hour); `error`: it failed with this message."""
    told = ExportTraceServiceRequest()
    scoped = told.resource_spans.add().scope_spans.add()
    scoped.scope.name = scope
    span = scoped.spans.add(trace_id=trace.to_bytes(16, "big"), span_id=span_id.to_bytes(8, "big"), name="step")
    span.parent_span_id = parent.to_bytes(8, "big") if parent else b""
    span.start_time_unix_nano, span.end_time_unix_nano = (3_600_000 * MS + time * MS for time in at)
    set_attributes(span, attributes)
    if error is not None:
        span.status.code, span.status.message = 2, error
    return ExportRequest("traces", "grpc", told.SerializeToString(), None)


def log_request(trace: int, attributes: dict[str, Any], *, span_id: int = 1, name: str = DETAILS) -> ExportRequest:
    """One log record of a span."""
    told = ExportLogsServiceRequest()
    record = told.resource_logs.add().scope_logs.add().log_records.add(event_name=name)
    record.trace_id, record.span_id = trace.to_bytes(16, "big"), span_id.to_bytes(8, "big")
    record.time_unix_nano = 3_600_000 * MS
    set_attributes(record, attributes)
    return ExportRequest("logs", "grpc", told.SerializeToString(), None)


def set_attributes(record: Any, attributes: dict[str, Any]) -> None:
    for key, value in attributes.items():
        stored = record.attributes.add(key=key).value
        if isinstance(value, int):
            stored.int_value = value
        else:
            stored.string_value = value if isinstance(value, str) else json.dumps(value)


def conversation(asked: str, answered: str) -> dict[str, Any]:
    sides = (("input", "user", asked), ("output", "assistant", answered))
    return {
        f"gen_ai.{side}.messages": [{"role": role, "parts": [{"type": "text", "content": text}]}]
        for side, role, text in sides
    }


TOKENS = {"gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 1}
TWO_CALLS = [
    pytest.param(
        [
            span_request(1, "a", CHAT, error="Error code: 429"),
            span_request(2, "b", CHAT, (10, 90), error="Connection error."),
        ],
        (0, 2, None, None),
        id="failed-in-two-traces",
    ),
    pytest.param(
        [
            span_request(1, "a", CHAT | TOKENS | conversation("Is it warm?", "Yes.")),
            span_request(2, "b", CHAT | TOKENS | conversation("Is it late?", "No."), (10, 90)),
        ],
        (2, 0, 40, 2),
        id="equal-tokens-in-two-traces",
    ),
    pytest.param(
        [
            span_request(1, "a", CHAT | TOKENS | conversation("Is it warm?", "Yes.")),
            span_request(1, "b", CHAT | conversation("Is it late?", "No."), (10, 90), span_id=2),
        ],
        (2, 0, 20, 1),
        id="siblings-one-without-tokens",
    ),
]


@pytest.mark.parametrize(("requests", "totals"), TWO_CALLS)
@pytest.mark.parametrize("turn", [1, -1])
def test_two_calls_at_one_time_are_two(
    workplace: Workplace, requests: list[ExportRequest], totals: tuple[int | None, ...], turn: int
) -> None:
    for request in requests[::turn]:
        workplace.send(request)
        workplace.resolver.run_once()
    workplace.resolve()
    assert sums(workplace) == totals


@pytest.mark.parametrize("turn", [1, -1])
def test_a_log_adds_what_a_span_with_messages_and_tokens_leaves_out(workplace: Workplace, turn: int) -> None:
    span = span_request(1, "a", CHAT | TOKENS | conversation("Is it warm?", "Yes."))
    for request in [span, log_request(1, {"gen_ai.usage.cache_read.input_tokens": 4})][::turn]:
        workplace.send(request)
        workplace.resolver.run_once()
    workplace.resolve()
    assert workplace.rows("select cache_read_tokens, input_tokens from trace_summaries") == [(4, 20)]
    assert workplace.rows("select rule, cache_read_tokens, input from span_derived") == [("from_logs", 4, None)]


IDENTITY = [
    pytest.param({}, {"session.id": "log", "user.id": "ada"}, ("log", "ada"), id="only-on-the-log"),
    pytest.param({"session.id": "span"}, {"session.id": "log"}, ("span", None), id="the-span-is-before-its-log"),
    pytest.param(
        {"gen_ai.conversation.id": "run"}, {"session.id": "log"}, ("log", None), id="a-name-is-before-an-id-of-a-run"
    ),
    pytest.param(
        {"session.id": "span"}, {"gen_ai.conversation.id": "run"}, ("span", None), id="an-id-of-a-run-is-after-a-name"
    ),
]


@pytest.mark.parametrize(("told", "logged", "expected"), IDENTITY)
@pytest.mark.parametrize("turn", [1, -1])
def test_session_and_user_that_a_log_tells(
    workplace: Workplace, told: dict[str, Any], logged: dict[str, Any], expected: tuple[str | None, ...], turn: int
) -> None:
    for request in [span_request(1, "a", CHAT | told), log_request(1, logged)][::turn]:
        workplace.send(request)
        workplace.resolver.run_once()
    workplace.resolve()
    assert workplace.rows("select session_id, user_id from trace_summaries") == [expected]


def test_a_user_that_a_log_tells_is_hashed_as_on_a_span(workplaces: Callable[[], Workplace]) -> None:
    options = NormaliserOptions(hash_user_ids=True, user_id_key=b"secret")
    workplace = workplaces()
    resolver = Resolver(workplace.readers, workplace.writer, options)
    workplace.send(span_request(1, "a", CHAT))
    workplace.send(log_request(1, {"user.id": "ada"}))
    resolver.run_once()
    resolver.stop()
    assert workplace.rows("select user_id from trace_summaries") == [(hashed_user("ada", b"secret"),)]


ONE_CALL = [
    span_request(1, "a", CHAT),
    log_request(1, {"gen_ai.response.id": "chatcmpl-123456"}),
    span_request(2, "b", CHAT | {"gen_ai.response.id": "chatcmpl-123456"}, (10, 90)),
]


@pytest.mark.parametrize("order", [*permutations(range(3))], ids=str)
def test_a_response_id_that_only_a_log_tells_finds_the_twin(workplace: Workplace, order: tuple[int, ...]) -> None:
    for place in order:
        workplace.send(ONE_CALL[place])
        workplace.resolve()
    assert sums(workplace)[:2] == (1, 0)


def test_a_response_id_that_only_a_log_tells_finds_the_twin_in_one_pass(workplace: Workplace) -> None:
    for request in ONE_CALL:
        workplace.send(request)
    workplace.resolve()
    assert sums(workplace)[:2] == (1, 0)
    assert ("same_response_id",) in workplace.rows("select rule from span_derived")


def sums(workplace: Workplace) -> tuple[Any, ...]:
    """Model calls that ended well and that failed, input and output tokens of all traces."""
    columns = ("model_calls_ok", "model_calls_failed", "input_tokens", "output_tokens")
    return workplace.rows(f"select {', '.join(f'sum({name})::int' for name in columns)} from trace_summaries")[0]


def test_settle_waits_for_the_loop(workplace: Workplace) -> None:
    workplace.resolver.start()
    for request in ALL:
        workplace.send(request)
    assert workplace.resolver.settle(20)
    traces = workplace.rows("select count(distinct trace_id) from spans")
    assert workplace.rows("select count(*) from trace_summaries") == traces
    assert workplace.resolver.settle(0.0), "nothing new: nothing to wait for"


def test_settle_says_when_the_time_is_over(workplace: Workplace) -> None:
    workplace.send(ALL[0])
    assert not workplace.resolver.settle(0.05), "the loop was not started"


def test_stop_ends_a_waiting_settle(workplace: Workplace) -> None:
    workplace.send(ALL[0])
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(workplace.resolver.settle(20)))
    waiting.start()
    workplace.resolver.stop()
    waiting.join(10)
    assert answers == [False]
