"""Summaries in SQL: one trace, a table of cases. And how far the resolver goes in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from duckdb import DuckDBPyConnection
from stores import put_empty

from store.database import Database
from store.resolved import (
    Resolved,
    Window,
    Workbench,
    resolved_seq,
    resolver_logs,
    resolver_partners,
    resolver_range,
    resolver_spans,
    resolver_traces,
    resolver_twins,
    set_resolved_seq,
    write_resolved,
)

TRACE, OTHER = str(UUID(int=1)), str(UUID(int=2))
NOW = datetime(2026, 11, 24, 12)  # noqa: DTZ001 - UTC without a zone, as the store holds it
DAY = (datetime(2026, 11, 24), datetime(2026, 11, 25))  # noqa: DTZ001
INTEGERS = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "tool_executions",
)  # fmt: skip
TEXTS = ("trace_id", "usage_role", "rule", "request_model", "response_model", "error_type", "error_message")
EMPTY = pa.schema(
    [
        ("span_id", pa.uint64()),
        *((name, pa.string()) for name in TEXTS),
        *((name, pa.int64()) for name in INTEGERS),
        *((name, pa.int64()) for name in ("ttft_ns",)),
        *((name, pa.string()) for name in ("provider", "usage_details", "service_tier")),
        ("reported_cost_usd", pa.float64()),
    ]
).empty_table()


@pytest.fixture
def con(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    put_empty(tmp_path)
    database = Database.open(tmp_path)
    with database.lease() as cursor:
        yield cursor
    database.close()


def add(con: DuckDBPyConnection, span_id: int, parent: int | None = None, at: int = 0, **columns: Any) -> None:
    """One span that starts `at` seconds after NOW and lasts a second."""
    values: dict[str, Any] = {
        "project_id": 1, "commit_seq": 1, "received_at": NOW, "trace_id": TRACE, "span_id": span_id,
        "parent_span_id": parent, "name": f"span {span_id}", "span_kind": "internal",
        "start_time": NOW.replace(second=at), "duration_ns": 1_000_000_000, "status": "ok", "flags": 0,
        "dropped_attributes": 0, "dropped_events": 0, "dropped_links": 0, "origin_id": 1, "scope_name": "s",
        "kind": "other", "tags": [], "metadata": {}, "content_rank": 0, "notes": [], "attributes": {}, "events": [],
        "links": [], "normaliser_version": 1,
    } | columns  # fmt: skip
    if values["kind"] in {"llm", "embedding"}:
        values.setdefault("usage_role", "leaf")
    marks = ", ".join("map {}" if value == {} else "?" for value in values.values())
    con.execute(
        f"insert into spans ({', '.join(values)}) values ({marks})", [value for value in values.values() if value != {}]
    )


def priced(calls: pa.Table) -> pa.Table:
    """The calls, as if a token cost a tenth of a dollar: input that is unknown has no cost."""
    costs = [None if count is None else count / 10 for count in calls["input_tokens"].to_pylist()]
    return calls.append_column("cost_usd", pa.array(costs, pa.float64()))


def summary(con: DuckDBPyConnection, derived: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    bench = Workbench()
    rows = pa.Table.from_pylist([{"trace_id": TRACE} | row for row in derived or []], schema=EMPTY.schema)
    loaded = resolver_spans(con, 1, [TRACE])
    found = bench.resolver_summaries(loaded, rows, priced(bench.resolver_calls(loaded, rows))).to_pylist()
    bench.close()
    assert len(found) == 1
    return found[0]  # type: ignore[no-any-return]


def test_calls_and_tokens_of_leaves_only(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="agent", usage_role="aggregate", input_tokens=30, output_tokens=3)
    add(con, 2, 1, kind="llm", input_tokens=10, output_tokens=1, request_model="m", response_model="m-1")
    add(con, 3, 1, kind="llm", input_tokens=20, output_tokens=2, request_model="m")
    add(con, 4, 1, kind="llm", status="error")
    add(con, 5, 1, kind="llm")
    add(con, 6, 1, kind="embedding", input_tokens=7)
    row = summary(con)
    assert (row["model_calls_ok"], row["model_calls_failed"], row["unknown_usage_calls"]) == (3, 1, 1)
    assert (row["input_tokens"], row["output_tokens"], row["cache_read_tokens"]) == (30, 3, None)
    assert (row["embedding_calls"], row["embedding_input_tokens"], row["usage_estimated"]) == (1, 7, False)
    assert row["models"] == ["m", "m-1"]


def test_derived_rows_have_the_last_word(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm", input_tokens=10)
    add(con, 2, 1, kind="llm", input_tokens=10, output_tokens=4)
    add(con, 3, 1, kind="tool")
    add(con, 4, 3, kind="tool", status="error")
    row = summary(
        con,
        [
            {"span_id": 1, "output_tokens": 4, "rule": "filled"},
            {"span_id": 2, "usage_role": "duplicate", "rule": "nested"},
            {"span_id": 3, "error_type": "ToolError", "rule": "filled"},
            {"span_id": 4, "usage_role": "duplicate", "rule": "tool_pair"},
        ],
    )
    assert (row["model_calls_ok"], row["input_tokens"], row["output_tokens"]) == (1, 10, 4)
    assert (row["tool_executions"], row["tool_executions_failed"]) == (1, 1)
    assert (row["errors"], row["error_type"]) == (1, "ToolError")


def test_usage_of_an_aggregate_is_marked_as_estimated(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="agent", usage_role="aggregate", input_tokens=30)
    row = summary(con, [{"span_id": 1, "usage_role": "leaf", "rule": "lowest_aggregate_estimated"}])
    assert (row["input_tokens"], row["usage_estimated"], row["model_calls_ok"]) == (30, True, 0)


def test_nothing_told_is_unknown(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm")
    row = summary(con)
    assert (row["input_tokens"], row["cost_usd"], row["session_id"], row["models"]) == (None, None, None, [])


def test_an_error_counts_at_the_deepest_span(con: DuckDBPyConnection) -> None:
    add(con, 1, status="error", error_type="Outer", error_message="o")
    add(con, 2, 1, status="error", error_type="Middle", error_message="m")
    add(con, 3, 2, status="error", error_type="Inner", error_message="i")
    add(con, 4, 1, at=1, status="error", error_type="Shallow", error_message="s")
    row = summary(con)
    assert (row["errors"], row["error_type"], row["error_message"], row["status"]) == (2, "Inner", "i", "error")


@pytest.mark.parametrize(
    ("root", "inner", "expected"),
    [
        pytest.param("ok", "ok", "ok", id="ok"),
        pytest.param("error", "ok", "error", id="root-failed"),
        pytest.param("ok", "error", "recovered", id="only-an-inner-span-failed"),
    ],
)
def test_status(con: DuckDBPyConnection, root: str, inner: str, expected: str) -> None:
    add(con, 1, status=root)
    add(con, 2, 1, status=inner)
    assert summary(con)["status"] == expected


def test_root_and_bounds(con: DuckDBPyConnection) -> None:
    add(con, 2, 1, at=5, service="late", name="child")
    add(con, 3, 99, at=2, service="early", name="orphan")
    row = summary(con)
    assert (row["root_name"], row["root_missing"], row["root_span_id"], row["service"]) == ("orphan", True, 3, "early")
    assert (row["services"], row["duration_ns"], row["spans"]) == (["early", "late"], 4_000_000_000, 2)
    add(con, 1, at=4, name="root")
    row = summary(con)
    assert (row["root_name"], row["start_time"]) == ("orphan", NOW.replace(second=2)), "the earliest without a parent"


def test_session_and_user_come_from_the_root_then_from_the_earliest(con: DuckDBPyConnection) -> None:
    add(con, 1, at=1, user_id="root")
    add(con, 2, 1, at=3, session_id="late", user_id="x")
    add(con, 3, 1, at=2, session_id="early")
    row = summary(con)
    assert (row["session_id"], row["user_id"]) == ("early", "root")


def test_a_session_that_was_named_is_before_one_made_up_for_a_run(con: DuckDBPyConnection) -> None:
    add(con, 1, session_id="run", notes=["session_weak"])
    add(con, 2, 1, at=1, session_id="named")
    assert summary(con)["session_id"] == "named"


def test_the_root_is_first_among_sessions_made_up_for_a_run(con: DuckDBPyConnection) -> None:
    add(con, 1, session_id="root", notes=["session_weak"])
    add(con, 2, 1, at=1, session_id="child", notes=["session_weak"])
    assert summary(con)["session_id"] == "root"


def test_lists_are_distinct_and_sorted(con: DuckDBPyConnection) -> None:
    add(con, 1, tags=["b", "a"], variant="v2", prompt_name="p", prompt_version="3")
    add(con, 2, 1, tags=["a"], variant="v1", prompt_name="p")
    row = summary(con)
    assert (row["tags"], row["variants"], row["prompts"]) == (["a", "b"], ["v1", "v2"], ["p", "p@3"])


def test_parents_in_a_circle_have_a_summary(con: DuckDBPyConnection) -> None:
    add(con, 1, 2, status="error")
    add(con, 2, 1, at=1, status="error")
    row = summary(con)
    assert (row["root_name"], row["status"]) == ("span 1", "error")


def test_a_pass_ends_at_a_commit(con: DuckDBPyConnection) -> None:
    assert resolver_range(con, 0, 10) is None
    for commit, count in ((1, 2), (2, 3), (3, 1)):
        con.execute(
            "insert into ledger_entries values (1, ?, ?, '', '', 'traces', 1, 1, 0, 0, null, null)", [commit, NOW]
        )
        for number in range(count):
            add(con, commit * 10 + number, commit_seq=commit)
    assert [resolver_range(con, 0, rows) for rows in (1, 2, 3, 5, 6, 99)] == [1, 1, 2, 2, 3, 3]
    assert resolver_range(con, 3, 5) == 3
    assert resolver_traces(con, 1, 2) == [(1, TRACE)]


def resolved(con: DuckDBPyConnection, derived: list[dict[str, Any]] | None = None, **price: Any) -> Resolved:
    """The trace as a pass writes it; `price` replaces the columns of the price on every call."""
    bench = Workbench()
    rows = pa.Table.from_pylist([{"trace_id": TRACE} | row for row in derived or []], schema=EMPTY.schema)
    loaded = resolver_spans(con, 1, [TRACE])
    told: dict[str, Any] = {
        "price_status": "priced",
        "price_source": "own",
        "price_version": "v1",
        "price_model": "m",
    } | price
    costs = priced(bench.resolver_calls(loaded, rows))
    for name, value in told.items():
        kind = pa.float64() if name == "cost_usd" else pa.string()
        values = pa.array([value] * costs.num_rows, kind)
        costs = costs.append_column(name, values) if name not in costs.column_names else costs.set_column(
            costs.column_names.index(name), name, values
        )  # fmt: skip
    summaries = bench.resolver_summaries(loaded, rows, costs)
    calls = bench.resolver_attributed(costs, summaries)
    derivations = rows.select(["trace_id", "span_id", "rule", "usage_role"])
    done = Resolved(1, [TRACE], derivations, summaries, calls, bench.resolver_trace_calls(calls))
    bench.close()
    return done


def test_writing_again_replaces(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm", input_tokens=10)
    done = resolved(con, [{"span_id": 1, "rule": "r"}])
    for _ in range(2):
        write_resolved(con, done)
    assert con.execute("select count(*) from span_derived").fetchall() == [(1,)]
    assert con.execute("select input_tokens, cost_usd, trace_id::varchar from trace_summaries").fetchall() == [
        (10, 1.0, TRACE)
    ]
    assert con.execute("select input_tokens, cost_usd from calls").fetchall() == [(10, 1.0)]
    assert con.execute("select priced, cost_usd, alone from trace_calls").fetchall() == [(1, 1.0, True)]
    none = (table.slice(0, 0) for table in (done.derived, done.summaries, done.calls, done.trace_calls))
    write_resolved(con, Resolved(1, [TRACE], *none))
    tables = ("trace_summaries", "span_derived", "calls", "trace_calls", "replaced_costs")
    assert [con.execute(f"select count(*) from {table}").fetchall() for table in tables] == [[(0,)]] * 5
    set_resolved_seq(con, 7)
    assert resolved_seq(con) == 7


def test_calls_of_a_trace_that_moved_in_time_are_replaced(con: DuckDBPyConnection) -> None:
    """Calls are sought within the bounds of the old summary, not of the new one."""
    add(con, 1, at=50, duration_ns=2**63 - 1, kind="llm", input_tokens=10)
    write_resolved(con, resolved(con))
    con.execute("update spans set start_time = start_time - interval 40 second, duration_ns = 5")
    write_resolved(con, resolved(con))
    assert con.execute("select start_time from calls").fetchall() == [(NOW.replace(second=10),)]


def test_a_cost_that_another_price_replaces_is_kept(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm", input_tokens=10)
    write_resolved(con, resolved(con))
    write_resolved(con, resolved(con, price_version="v2"))
    write_resolved(con, resolved(con, price_version="v2", cost_usd=3.0))
    kept = "select span_id, usage_role, cost_usd, price_source, price_version, repricing_id from replaced_costs"
    assert con.execute(kept).fetchall() == [], "the cost stood, then the price did"
    write_resolved(con, resolved(con, price_version="v3", cost_usd=4.0), 7)
    assert con.execute(kept).fetchall() == [(1, "leaf", 3.0, "own", "v2", 7)]


def test_costs_are_summed_over_calls_that_count(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="agent", usage_role="aggregate", input_tokens=30)
    add(con, 2, 1, kind="llm", input_tokens=10)
    add(con, 3, 1, kind="llm", input_tokens=10)
    add(con, 4, 1, kind="embedding", input_tokens=2)
    add(con, 5, 1, kind="llm", output_tokens=3)
    add(con, 6, 1, kind="llm", status="error")
    row = summary(con, [{"span_id": 3, "usage_role": "duplicate", "rule": "nested"}])
    assert (row["cost_usd"], row["unpriced_calls"]) == (1.2, 1), "a refused call that told nothing is no gap"
    write_resolved(con, resolved(con, [{"span_id": 3, "usage_role": "duplicate", "rule": "nested"}]))
    roles = con.execute("select span_id, usage_role, failed from calls order by span_id").fetchall()
    assert roles == [
        (1, "aggregate", False), (2, "leaf", False), (3, "duplicate", False), (4, "leaf", False), (5, "leaf", False),
        (6, "leaf", True),
    ]  # fmt: skip


def test_a_tool_that_was_told_twice_is_no_call(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="tool")
    add(con, 2, 1, kind="tool")
    write_resolved(con, resolved(con, [{"span_id": 2, "usage_role": "duplicate", "rule": "tool_pair"}]))
    assert con.execute("select count(*) from calls").fetchall() == [(0,)]


def test_no_cost_is_unknown_and_not_zero(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm", output_tokens=3)
    row = summary(con)
    assert (row["cost_usd"], row["unpriced_calls"]) == (None, 1)


def test_a_call_is_told_with_what_its_trace_knows(con: DuckDBPyConnection) -> None:
    add(con, 1, service="shop", environment="prod", release="r1", user_id="ada", session_id="s", tags=["b", "a"])
    add(con, 2, 1, variant="v1", prompt_name="elsewhere")
    add(con, 3, 2, kind="tool", tool_name="search")
    add(con, 4, 3)
    add(con, 5, 4, kind="llm", input_tokens=1, service="model", prompt_name="p", prompt_version="2")
    add(con, 6, 2, kind="llm", input_tokens=1)
    add(con, 7, 4, kind="tool")
    add(con, 8, 7, kind="llm", input_tokens=1)
    write_resolved(con, resolved(con))
    names = "service, environment, release, session_id, user_id, tags, variant, prompt_name, prompt_version, tool_name"
    rows = con.execute(f"select {names} from calls order by span_id").fetchall()
    trace = ("prod", "r1", "s", "ada", ["a", "b"], "v1")
    assert rows == [
        ("model", *trace, "p", "2", "search"),
        ("shop", *trace, None, None, None),
        ("shop", *trace, None, None, "span 7"),
    ]


QUESTION = 7 << 32  # the half of `content_hash` that is of the question; the other is of the answer


@pytest.mark.parametrize(
    ("calls", "retries"),
    [
        pytest.param([(0, True, QUESTION), (2, False, QUESTION | 5)], [False, True], id="asked-again"),
        pytest.param([(0, True, QUESTION), (2, True, QUESTION), (4, False, QUESTION)], [False, True, True], id="twice"),
        pytest.param([(0, False, QUESTION | 3), (2, False, QUESTION | 5)], [False, False], id="it-had-not-failed"),
        pytest.param([(0, True, QUESTION), (2, False, 8 << 32)], [False, False], id="another-question"),
        pytest.param([(0, True, QUESTION), (0, False, QUESTION | 5)], [False, False], id="side-by-side"),
        pytest.param(
            [(0, True, QUESTION), (2, False, QUESTION), (4, False, QUESTION)], [False, True, False], id="the-next-turn"
        ),
        pytest.param([(0, True, None), (2, False, 5)], [None, None], id="no-question-is-known"),
        pytest.param([(0, True, QUESTION), (2, False, None)], [False, None], id="one-is-not-known"),
    ],
)  # fmt: skip
def test_a_retry_asks_again_what_has_failed(
    con: DuckDBPyConnection, calls: list[tuple[int, bool, int | None]], retries: list[bool | None]
) -> None:
    add(con, 1, at=0)
    for number, (at, failed, told) in enumerate(calls, 2):
        status = "error" if failed else "ok"
        add(con, number, 1, at, kind="llm", status=status, content_hash=told, input_tokens=1)
    write_resolved(con, resolved(con))
    assert [retry for (retry,) in con.execute("select retry from calls order by span_id").fetchall()] == retries


def test_what_is_told_twice_is_no_retry(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm", status="error", content_hash=QUESTION)
    add(con, 2, at=2, kind="llm", status="error", content_hash=QUESTION)
    write_resolved(con, resolved(con, [{"span_id": 2, "usage_role": "duplicate", "rule": "same_response"}]))
    assert con.execute("select retry from calls order by span_id").fetchall() == [(False,), (None,)]


def test_of_two_variants_a_call_has_its_own_or_none(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm", variant="v1")
    add(con, 2, 1, kind="llm", variant="v2")
    add(con, 3, 1, kind="llm")
    write_resolved(con, resolved(con))
    assert con.execute("select variant from calls order by span_id").fetchall() == [("v1",), ("v2",), (None,)]


def test_tools_in_a_circle_have_calls(con: DuckDBPyConnection) -> None:
    add(con, 1, 2, kind="tool")
    add(con, 2, 1, kind="llm", input_tokens=1)
    write_resolved(con, resolved(con))
    assert con.execute("select tool_name from calls").fetchall() == [("span 1",)]


def partners(con: DuckDBPyConnection, window: Window = DAY, max_holders: int = 16) -> list[str]:
    return resolver_partners(con, 1, [TRACE], ["r"], window=window, max_holders=max_holders)


def test_partners_have_a_response_id_in_common_within_the_window(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm", response_id="r")
    add(con, 2, kind="llm", response_id="r", trace_id=OTHER)
    add(con, 3, kind="llm", response_id="r", project_id=2, trace_id=str(UUID(int=3)))
    add(con, 4, kind="llm", response_id="s", trace_id=str(UUID(int=4)))
    assert partners(con) == [OTHER]
    assert partners(con, max_holders=0) == [], "an id that more others carry names nothing"
    assert partners(con, (DAY[1], DAY[1])) == []


def test_partners_whose_logs_told_the_response_id(con: DuckDBPyConnection) -> None:
    for trace, response_id in ((TRACE, "r"), (OTHER, "r"), (str(UUID(int=3)), "s")):
        con.execute(
            "insert into span_derived (project_id, trace_id, span_id, response_id) values (1, ?, 1, ?)",
            [trace, response_id],
        )
    assert partners(con) == [OTHER]


VENDORS = r"^(vendor\.)"


def twins(con: DuckDBPyConnection) -> list[str]:
    return resolver_twins(con, 1, [TRACE], DAY, slack_us=5000, vendors=VENDORS)


def test_twins_are_told_by_another_scope_at_the_same_time(con: DuckDBPyConnection) -> None:
    call = {"kind": "llm", "input_tokens": 5, "output_tokens": 6}
    add(con, 1, **call)
    add(con, 2, trace_id=OTHER, scope_name="t", **call)
    add(con, 3, trace_id=str(UUID(int=3)), **call)
    add(con, 4, trace_id=str(UUID(int=4)), scope_name="t", at=30, **call)
    add(con, 5, trace_id=str(UUID(int=5)), scope_name="t", service="else", **call)
    assert twins(con) == [OTHER]


ASKED, ANSWERED = 1 << 32, 1
TEXTS_OF_TWINS = [
    pytest.param(ASKED | ANSWERED, ASKED | ANSWERED, True, id="equal"),
    pytest.param(ASKED | ANSWERED, None, True, id="untold"),
    pytest.param(ASKED | ANSWERED, ANSWERED, True, id="question-untold"),
    pytest.param(ASKED | ANSWERED, ASKED | 2, False, id="other-answer"),
    pytest.param(ASKED | ANSWERED, 2 * ASKED | ANSWERED, False, id="other-question"),
]


@pytest.mark.parametrize(("mine", "theirs", "same"), TEXTS_OF_TWINS)
def test_twins_do_not_tell_other_texts(
    con: DuckDBPyConnection, mine: int | None, theirs: int | None, same: bool
) -> None:
    call = {"kind": "llm", "input_tokens": 5, "output_tokens": 6}
    add(con, 1, content_hash=mine, **call)
    add(con, 2, trace_id=OTHER, scope_name="t", content_hash=theirs, **call)
    assert bool(twins(con)) == same


def test_twins_by_their_texts_alone(con: DuckDBPyConnection) -> None:
    add(con, 1, kind="llm", content_hash=ASKED | ANSWERED)
    add(con, 2, kind="llm", at=10, content_hash=ASKED)
    add(con, 3, trace_id=OTHER, scope_name="t", kind="llm", content_hash=ASKED | ANSWERED)
    add(con, 4, trace_id=str(UUID(int=4)), at=10, scope_name="t", kind="llm", content_hash=ASKED)
    assert twins(con) == [OTHER], "a question alone is no call"


FAILED_TWINS = [
    pytest.param({"http_status": 429}, {"http_status": 429}, True, id="same-status"),
    pytest.param({"error_type": "RateLimitError"}, {"http_status": 429}, True, id="the-rules-decide"),
    pytest.param({"http_status": 429}, {"http_status": 500}, False, id="other-status"),
    pytest.param({"parent_span_id": 9}, {}, True, id="one-begins-its-trace"),
    pytest.param({"parent_span_id": 9}, {"parent_span_id": 9}, False, id="both-within-a-trace"),
    pytest.param(
        {"parent_span_id": 9}, {"parent_span_id": 9, "scope_name": "vendor.sdk"}, True, id="the-vendor-tells-it-again"
    ),
    pytest.param({"content_hash": ASKED}, {"content_hash": 2 * ASKED}, False, id="other-question"),
]


@pytest.mark.parametrize(("mine", "theirs", "same"), FAILED_TWINS)
def test_twins_that_failed(con: DuckDBPyConnection, mine: dict[str, Any], theirs: dict[str, Any], same: bool) -> None:
    failed = {"kind": "llm", "status": "error"}
    add(con, 1, **failed | mine)
    add(con, 2, **{"trace_id": OTHER, "scope_name": "t"} | failed | theirs)
    assert bool(twins(con)) == same


def test_logs_by_name_and_prefix(con: DuckDBPyConnection) -> None:
    for number, name in enumerate(("gen_ai.choice", "app.line", "claude_code.api_request")):
        con.execute(
            "insert into logs values "
            "(1, 1, $now, $id, $trace, 1, $now, 0, null, $name, 1, null, 's', 'b', 0, 0, map {'k': 'v'})",
            {"now": NOW, "id": number, "trace": TRACE, "name": name},
        )
    found = resolver_logs(con, 1, [TRACE], ["gen_ai.choice", "claude_code.*"])
    assert [row["event_name"] for row in found] == ["gen_ai.choice", "claude_code.api_request"]
    assert found[0]["attributes"] == {"k": "v"}


def test_only_ambiguous_traces_are_candidates(con: DuckDBPyConnection) -> None:
    plain, nested, spread = (str(UUID(int=number)) for number in (11, 12, 13))
    add(con, 1, trace_id=plain, kind="agent")
    add(con, 2, 1, trace_id=plain, kind="llm", input_tokens=1, response_id="a")
    add(con, 3, 1, trace_id=plain, kind="tool")
    add(con, 4, trace_id=nested, kind="llm", input_tokens=1)
    add(con, 5, 4, trace_id=nested, kind="llm", input_tokens=1)
    add(con, 6, trace_id=spread, kind="llm", input_tokens=1, response_id="a", input="hello")
    bench = Workbench()
    loaded = resolver_spans(con, 1, [plain, nested, spread])
    assert bench.resolver_candidates(loaded, 5000) == sorted([plain, nested, spread]), "one id in two traces"
    assert bench.resolver_candidates(resolver_spans(con, 1, [plain]), 5000) == []
    assert bench.resolver_toolless(loaded) == [spread]
    bench.close()
