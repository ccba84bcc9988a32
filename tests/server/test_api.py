"""The API over a real server, and its description and rights without one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pandas as pd
import psutil
import pyarrow as pa
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from server import running
from server.api.app import MODULES, create_api
from server.api.context import Context
from server.api.docs import describe, lowered
from server.api.origin import OriginGuard
from server.api.rights import RIGHTS, GuardedRoute, declared, needs, router
from server.client import ApiError, Client
from server.core import Core, opened
from server.ingest import make_ingest
from server.settings import MIB, Settings
from store import queries

Serving = Any  # of conftest.py
NOW = datetime.now(UTC)
WINDOW = {"since": NOW - timedelta(days=1), "until": NOW + timedelta(days=1)}
TRACE = 0xCAFE
IDS = ("job_id", "run_id", "experiment_id", "delivery_id", "key_id", "dashboard_id", "import_id", "upload_id")
BY_KEY = "/api/feedback"  # it asks for a key itself
TRACES = "/api/traces?since=2026-01-01&until=2026-01-02"
CONVERSATION = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Where is my order?"}]}])
ANSWER = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "In the post."}]}])


@pytest.fixture(scope="module")
def http(shared: Serving, otlp: Callable[..., bytes]) -> Iterator[httpx.Client]:
    """A plain client of a server that holds one model call of two spans."""
    shared.post(
        otlp(
            TRACE,
            spans=2,
            gen_ai__operation__name="chat",
            gen_ai__request__model="model-a",
            gen_ai__input__messages=CONVERSATION,
            gen_ai__output__messages=ANSWER,
            gen_ai__usage__input_tokens=5,
            custom="kept",
        )
    )
    with shared.client() as client:
        client.settle()
    with httpx.Client(base_url=shared.note.api_url, trust_env=False) as plain:
        yield plain


@pytest.fixture(scope="module")
def client(shared: Serving, http: httpx.Client) -> Iterator[Client]:
    with shared.client() as made:
        yield made


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    with opened(Settings(data_dir=tmp_path_factory.mktemp("api"), min_free_bytes=0)) as made:
        yield made


@pytest.fixture
def api(core: Core) -> FastAPI:
    return create_api(Context(core, make_ingest(core), running.Running(1, 0, "0", {}, "", "", ""), "0"))


# Queries.


def test_a_query_is_arrow_unless_asked_otherwise(http: httpx.Client) -> None:
    answer = http.get("/api/query/ledger_total")
    table = pa.ipc.open_stream(answer.content).read_all()
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    assert (answer.headers["x-assay-rows"], answer.headers["x-assay-truncated"]) == (str(table.num_rows), "false")
    commit, _, resolved = answer.headers["x-assay-watermark"].partition("-")
    assert 1 <= int(resolved) <= int(commit)
    assert table.schema.field("balanced").type == pa.bool_()


@pytest.mark.parametrize(
    ("query", "headers"), [({"format": "json"}, {}), ({}, {"accept": "application/json"})], ids=["format", "accept"]
)
def test_a_query_is_json_when_asked(http: httpx.Client, query: dict[str, str], headers: dict[str, str]) -> None:
    rows = http.get("/api/query/ledger_total", params=query, headers=headers).json()
    assert rows[-1]["signal"] is None
    assert rows[-1]["received"] == rows[-1]["stored"] + rows[-1]["duplicate"] + rows[-1]["rejected"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        pytest.param("/api/query/home_total", "home_totals", id="unknown-query"),
        pytest.param("/api/query/trace_summary", "trace_id", id="missing"),
        pytest.param("/api/query/trace_summary?trace_id=xyz", "'xyz' is not an id", id="wrong-type"),
        pytest.param("/api/query/ledger_total?nonsense=1", "'nonsense'", id="unknown-parameter"),
        pytest.param("/api/traces?since=2026-01-01&until=2026-01-02&sort=best", "newest", id="not-a-choice"),
        pytest.param(f"{TRACES}&page_size=-5", "page_size", id="negative-page"),
        pytest.param(f"{TRACES}&page_size=1001", "page_size", id="huge-page"),
        pytest.param(f"{TRACES}&min_duration_ns=9223372036854775808", "not a whole number", id="beyond-64-bits"),
        pytest.param("/api/query/traces?since=0001-01-01T00%2B14&until=2026-01-02", "since", id="before-year-1"),
        pytest.param("/api/query/home_series?since=2026-01-01&until=2026-01-02&bucket_us=0", "bucket_us", id="bucket"),
        pytest.param("/api/query/home_latency?since=2026-01-01&until=2026-01-02&bucket_us=0", "bucket_us", id="zero"),
        pytest.param(
            "/api/query/home_latency?since=2026-01-01&until=2026-01-02&bucket_us=1&offset_us=86400000001",
            "offset_us",
            id="offset",
        ),
        pytest.param("/api/query/ledger_total?format=xml", "arrow, json, jsonl", id="unknown-format"),
        pytest.param("/api/traces?since=2026-01-02&until=2026-01-01", "'until'", id="until-before-since"),
        pytest.param("/api/query/totals?since=2026-01-02&until=2026-01-01", "earlier than", id="window"),
        pytest.param("/api/latency/periods?since=2026-01-02&until=2026-01-01", "earlier than", id="empty-period"),
        pytest.param(f"{TRACES}&after_sort=1&after_start_us=1&after_trace=x", "not an id", id="wrong-key"),
        pytest.param("/api/totals?trace_ids=1", "trace_id", id="mistyped-filter-of-totals"),
        pytest.param("/api/ledger?sinec=2026-01-01", "since", id="mistyped-filter-of-the-ledger"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(http: httpx.Client, path: str, told: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["kind"] == "unknown_query_or_parameter"
    assert told in answer.json()["detail"]


BACKWARDS = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00+01:00"}


@pytest.mark.parametrize(
    ("verb", "path", "body", "told"),
    [
        pytest.param("GET", "/api/totals", None, "earlier than", id="totals"),
        pytest.param("GET", "/api/ledger", None, "earlier than", id="ledger"),
        pytest.param("POST", "/api/reprice", {**BACKWARDS, "dry_run": True}, "earlier than", id="reprice"),
        pytest.param("POST", "/api/export", {**BACKWARDS, "folder": "/never"}, "earlier than", id="export"),
        pytest.param("POST", "/api/export", {"folder": "/never", "form": "csv"}, "body.form", id="export-member"),
        pytest.param("POST", "/api/projects", {"name": "p", "colour": 1}, "body.colour", id="project-member"),
        pytest.param("POST", "/api/sql", {"sql": "select 1", "rows": 1}, "body.rows", id="sql-member"),
        pytest.param("POST", "/api/settle", {"timeout": 1}, "body.timeout", id="settle-member"),
    ],
)
def test_a_window_backwards_and_an_unknown_member_are_refused(
    http: httpx.Client, verb: str, path: str, body: dict[str, Any] | None, told: str
) -> None:
    answer = http.request(verb, path, json=body, params=BACKWARDS if body is None else None)
    assert (answer.status_code, answer.json()["kind"]) == (422, "invalid")
    assert told in answer.json()["detail"]


def test_an_unknown_project_or_path_is_not_found(http: httpx.Client) -> None:
    assert http.get("/api/query/ledger_total?project=nowhere").json()["kind"] == "unknown_project"
    assert http.get("/api/nothing").json()["kind"] == "not_found"
    wrong_verb = http.put("/api/totals")
    assert (wrong_verb.status_code, wrong_verb.headers["allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "GET")


@pytest.mark.parametrize(
    "path", ["/api/totals?since=", "/api/ledger?until=", f"/api/spans/{TRACE:032x}/{1:016x}?since="]
)
@pytest.mark.parametrize("time", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_utc_cannot_tell_is_refused(http: httpx.Client, path: str, time: str) -> None:
    answer = http.get(path + time)
    assert (answer.status_code, answer.json()["kind"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid")


def test_a_span_is_found_from_the_first_moment_on(http: httpx.Client) -> None:
    assert http.get(f"/api/spans/{TRACE:032x}/{1:016x}?since=0001-01-01").is_success


def test_large_json_is_gzipped_for_those_who_take_it(http: httpx.Client) -> None:
    packed = http.get("/api/queries")
    plain = http.get("/api/queries", headers={"accept-encoding": "identity"})
    assert ("content-encoding" in packed.headers, "content-encoding" in plain.headers) == (
        len(plain.content) >= 16_384,
        False,
    )
    assert packed.json() == plain.json()


def test_the_client_gets_frames_with_utc_times_and_true_nulls(client: Client) -> None:
    answer = client.traces(**WINDOW)
    frame = answer.frame
    assert str(frame["start_time"].dt.tz) == "UTC"
    assert frame["output_tokens"].isna().all()
    assert str(frame["input_tokens"].dtype) == "int64[pyarrow]"
    assert not answer.truncated
    assert answer.watermark == client.watermark()
    assert frame.iloc[0][["input_preview", "output_preview"]].tolist() == ["Where is my order?", "In the post."]
    assert "input" not in frame.columns


def test_a_cut_answer_says_so(start: Callable[..., Serving], otlp: Callable[..., bytes]) -> None:
    serving = start(query_max_rows=3)
    serving.post(otlp(1, spans=5))
    with serving.client() as few:
        answer = few.query("trace_spans", trace_id=f"{1:032x}", **WINDOW)
        assert (len(answer.frame), answer.truncated) == (3, True)
        found = few.sql_rows("select name from spans")
        assert (len(found.rows), found.truncated) == (3, True)
        assert few.totals()[0]["spans"] == 5


# Totals, spans, scores.


def test_totals_come_in_three_forms(http: httpx.Client) -> None:
    rows = http.get("/api/totals").json()
    lines = http.get("/api/totals", headers={"accept": "application/x-ndjson"}).text.splitlines()
    table = pa.ipc.open_stream(http.get("/api/totals?format=arrow").content).read_all()
    assert rows == [json.loads(line) for line in lines] == table.to_pylist()
    assert list(rows[0]) == [
        "trace_id", "spans", "model_calls_ok", "model_calls_failed", "embedding_calls", "tool_executions",
        "tool_executions_failed", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
        "reasoning_tokens", "unknown_usage_calls", "cost_usd", "unpriced_calls", "session_id", "user_id",
    ]  # fmt: skip


def test_totals_are_filtered_by_time_and_trace(client: Client) -> None:
    assert [row["trace_id"] for row in client.totals(trace_id=f"{TRACE:032X}")] == [f"{TRACE:032x}"]
    assert client.totals(trace_id=f"{0xFFFF:032x}") == []
    assert client.totals(until=NOW - timedelta(days=365)) == []
    assert client.totals(since=datetime.now(UTC) + timedelta(days=1)) == []


def test_a_span_is_told_whole(client: Client) -> None:
    found = client.span(f"{TRACE:032x}", f"{1:016x}", NOW)
    assert found["input"] == json.loads(CONVERSATION)
    assert found["output"] == json.loads(ANSWER)
    assert found["attributes"]["gen_ai.input.messages"] == CONVERSATION
    assert found["attributes"]["custom"] == "kept"
    assert found["resource"] == {"service.name": "shop"}
    assert (found["input_tokens"], found["output_tokens"], found["system"], found["documents"]) == (5, None, [], [])
    assert found["span_id"] == f"{1:016x}"


def test_an_unknown_span_is_not_found(client: Client) -> None:
    with pytest.raises(ApiError, match="no span") as told:
        client.span(f"{TRACE:032x}", f"{99:016x}")
    assert (told.value.kind, told.value.status) == ("refused", 404)


def test_scores_are_appended_and_the_latest_counts(client: Client) -> None:
    for value in (0.2, 0.9):
        client.add_scores(
            [{"trace_id": f"{TRACE:032x}", "name": "helpful", "value": value, "author": "ada", "source": "human"}]
        )
    scores = client.query("trace_scores", trace_id=f"{TRACE:032x}").frame
    assert scores[["name", "value", "source", "author"]].to_numpy().tolist() == [["helpful", 0.9, "human", "ada"]]


def test_a_score_that_failed_keeps_nothing_of_the_one_before(client: Client) -> None:
    target = {"trace_id": f"{TRACE:032x}", "name": "grounded", "evaluator": "judge"}
    client.add_scores([target | {"value": 0.9, "explanation": "All of it."}])
    client.add_scores([target | {"error_type": "timeout"}])
    scores = client.query("trace_scores", trace_id=f"{TRACE:032x}").frame
    (found,) = scores[scores["name"] == "grounded"].to_dict("records")
    assert found["error_type"] == "timeout"
    assert pd.isna(found["value"])
    assert pd.isna(found["explanation"])


def test_the_books_do_not_tell_of_scores(client: Client) -> None:
    """They are no telemetry: a row for them would say that nothing was received."""
    client.add_scores([{"trace_id": f"{TRACE:032x}", "name": "booked", "value": 1}])
    books = client.query("ledger_total").frame
    assert "scores" not in set(books["signal"].dropna())
    assert books["signal"].isna().iloc[-1]
    assert books["balanced"].all()


@pytest.mark.parametrize(
    ("score", "told"),
    [
        pytest.param({"value": 1}, "one target", id="no-target"),
        pytest.param({"trace_id": "1" * 32, "session_id": "s", "value": 1}, "one target", id="two-targets"),
        pytest.param({"trace_id": "12", "value": 1}, "trace_id", id="short-id"),
        pytest.param({"trace_id": "1" * 32}, "give a value", id="no-verdict"),
        pytest.param({"session_id": "s", "value": 1, "error_type": "x"}, "no value", id="failed-with-value"),
        pytest.param({"session_id": "s", "valeu": 1}, "valeu", id="misspelt"),
        pytest.param({"session_id": "s", "value": 1, "time": "0001-01-01T00:00Z"}, "1970 to 2261", id="too-early"),
        pytest.param({"session_id": "s", "value": 1, "time": "9999-01-01T00:00Z"}, "1970 to 2261", id="too-late"),
    ],
)
def test_a_wrong_score_is_refused(client: Client, score: dict[str, object], told: str) -> None:
    with pytest.raises(ApiError, match=told) as refused:
        client.add_scores([{"name": "helpful", **score}])
    assert refused.value.kind == "refused"


def test_scores_that_the_store_cannot_take_are_no_success(tmp_path: Path) -> None:
    with opened(Settings(data_dir=tmp_path, min_free_bytes=0)) as core:
        core.writer.call(lambda con: con.execute("alter table scores drop column label")).result(10)
        api = create_api(Context(core, make_ingest(core), running.Running(1, 0, "0", {}, "", "", ""), "0"))
        with TestClient(api, base_url="http://localhost") as http:
            answer = http.post("/api/scores", json={"scores": [{"session_id": "s", "name": "helpful", "value": 1}]})
    assert (answer.status_code, answer.json()["kind"]) == (422, "store_refused")
    assert "label" in answer.json()["detail"]


# The prompt and the export.


@pytest.mark.parametrize(
    "statement",
    [
        "delete from spans",
        "with gone as (delete from spans returning *) select * from gone",
        "select * from read_csv('/etc/passwd')",
        "copy spans to 'out.parquet'",
        "attach 'other.duckdb'",
        "set memory_limit = '8GB'",
        "select 1; select 2",
        "select * from nowhere",
    ],
)
def test_the_prompt_only_asks(client: Client, statement: str) -> None:
    with pytest.raises(ApiError) as refused:
        client.sql(statement)
    assert refused.value.kind == "refused"


def test_json_has_no_infinity(client: Client) -> None:
    found = client.sql_rows("select (2::hugeint ** 126)::hugeint as h, 1e308 * 10 as i, ['nan'::float] as n")
    assert found.rows == [{"h": 2**126, "i": None, "n": [None]}]


def test_the_prompt_answers_with_plain_types(client: Client) -> None:
    frame = client.sql("select sum(input_tokens) as tokens, any_value(trace_id) as id, true as yes from spans").frame
    assert frame["tokens"].iloc[0] >= 10
    assert len(frame["id"].iloc[0]) == 32
    assert bool(frame["yes"].iloc[0])
    greatest = f"select {2**127 - 1}::hugeint as n, 1.50::decimal(4, 2) as price, date '2026-01-02' as day"
    assert client.sql(greatest).frame["n"].iloc[0] == 2**127 - 1
    assert client.sql_rows(greatest).rows == [{"n": 2**127 - 1, "price": 1.5, "day": "2026-01-02"}]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        pytest.param("[3::hugeint]", [3], id="hugeint-in-a-list"),
        pytest.param("{'a': {'b c\"d': [sum(3)]}, 'e': 'f'}", {"a": {'b c"d': [3]}, "e": "f"}, id="sum-in-a-struct"),
        pytest.param("[(2::uhugeint ** 127)::uhugeint]", [str(2**127)], id="uhugeint-in-a-list"),
        pytest.param("map{'a': interval 1 day}", {"a": "1 day"}, id="interval-in-a-map"),
        pytest.param("interval '1 month 2 days'", "1 month 2 days", id="interval"),
        pytest.param("time '24:00:00'", "24:00:00", id="end-of-day"),
        pytest.param("time '10:20:30.5'", "10:20:30.5", id="time"),
        pytest.param("'101'::bit", "101", id="bit"),
        pytest.param("timetz '10:00:00+02'", "10:00:00+02", id="time-with-zone"),
        pytest.param("[timetz '10:00:00+02']::timetz[1]", ["10:00:00+02"], id="array-of-times-with-zone"),
        pytest.param("union_value(a := 1)", "1", id="union"),
        pytest.param("{'a': 1}::variant", "{'a': 1}", id="variant"),
        pytest.param("'POINT (1 2)'::geometry", "POINT (1 2)", id="geometry"),
        pytest.param("123456789012345678901234567890::bignum", "123456789012345678901234567890", id="bignum"),
        pytest.param("'infinity'::timestamp", "infinity", id="infinite-timestamp"),
        pytest.param("'-infinity'::timestamptz", "-infinity", id="infinite-timestamp-with-zone"),
        pytest.param("'infinity'::date", "infinity", id="infinite-date"),
        pytest.param("date '0044-03-15 (BC)'", "-0043-03-15", id="before-christ"),
        pytest.param("timestamp '290000-01-01'", "290000-01-01T00:00:00Z", id="after-9999"),
        pytest.param("timestamp '9999-12-31 23:59:59.5'", "9999-12-31T23:59:59.500000Z", id="last-year"),
        pytest.param("date '0001-01-01'", "0001-01-01", id="first-year"),
        pytest.param("timestamptz '2026-01-02 03:04:05+01'", "2026-01-02T02:04:05Z", id="timestamp-with-zone"),
        pytest.param(
            "timestamp_ns '2026-01-02 03:04:05.123456789'", "2026-01-02T03:04:05.123456789Z", id="nanoseconds"
        ),
        pytest.param("map{'ab'::blob: (2::hugeint ** 70)::hugeint}", {"6162": 2**70}, id="map-from-bytes"),
        pytest.param("[true, null]", [True, None], id="list-of-booleans"),
        pytest.param("'[1]'::json", "[1]", id="json"),
        pytest.param("null", None, id="null"),
    ],
)
def test_every_type_is_told_as_the_database_writes_it(client: Client, expression: str, told: object) -> None:
    question = f"select {expression} as v, 1 as v"
    assert client.sql_rows(question).rows == [{"v": told, "v_1": 1}]
    assert list(client.sql(question).frame) == ["v", "v_1"]


def test_a_column_with_an_endless_time_is_text(client: Client) -> None:
    rows = "from (values (timestamp '2026-01-02 03:04:05.25'), ('infinity'::timestamp), (null)) t(time)"
    assert [row["time"] for row in client.sql_rows(f"select * {rows}").rows] == [
        "2026-01-02T03:04:05.250000Z", "infinity", None,
    ]  # fmt: skip
    with pytest.raises(ApiError, match="Cast it to varchar"):
        client.sql_rows(f"select [time] as times {rows}")
    assert client.sql_rows(f"select [time]::varchar[] as times {rows} where time > '2027-01-01'").rows == [
        {"times": ["infinity"]}
    ]


def test_an_answer_without_rows_names_its_columns(client: Client) -> None:
    assert client.sql_rows('select 1 as one, 2 as "zwölf" where false').columns == ["one", "zwölf"]
    assert client.sql_rows(f"select 1 as {'x' * 9000}").columns == ["x" * 9000]


def test_a_slow_question_is_ended(start: Callable[..., Serving]) -> None:
    with start(query_timeout_s=0.3).client() as client:
        began = time.monotonic()
        with pytest.raises(ApiError) as ended:
            client.sql("select count(*) from range(1000000) a, range(1000000) b")
    assert (ended.value.kind, ended.value.status) == ("timeout", 504)
    assert time.monotonic() - began < 5


def test_slow_questions_take_neither_all_places_nor_the_readiness(start: Callable[..., Serving]) -> None:
    serving = start(query_timeout_s=4)
    endless = {"sql": "select count(*) from range(100000000000) a"}
    with (
        ThreadPoolExecutor() as threads,
        httpx.Client(base_url=serving.note.api_url, trust_env=False, timeout=30) as http,
    ):
        asked = [threads.submit(http.post, "/api/sql", json=endless) for _ in range(4)]
        time.sleep(1)  # all are under way, and none has come to its end
        assert http.get("/readyz").json() == {"ready": True, "reasons": []}
        assert http.get("/api/query/ledger_total").is_success
        answers = [one.result() for one in asked]
    assert not any(answer.is_success for answer in answers)
    busy = [answer for answer in answers if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE]
    assert [(answer.json()["kind"], "retry-after" in answer.headers) for answer in busy] == [("store_busy", True)] * 2
    assert [answer.status_code for answer in answers].count(HTTPStatus.GATEWAY_TIMEOUT) == 2


def test_an_export_replaces_an_export_and_nothing_else(client: Client, tmp_path: Path) -> None:
    for _ in range(2):
        manifest = client.export(str(tmp_path / "out"))
    assert manifest["tables"]["spans"]["rows"] >= 2
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    for folder in (str(tmp_path), "relative"):
        with pytest.raises(ApiError) as refused:
            client.export(folder)
        assert refused.value.kind == "refused"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("\0", id="nul"),
        pytest.param("x" * 300, id="too-long"),
        pytest.param(f"new/{'x' * 300}", id="too-long-in-a-new-one"),
    ],
)
def test_a_folder_that_no_system_can_name_is_a_mistake(client: Client, tmp_path: Path, name: str) -> None:
    with pytest.raises(ApiError, match="cannot be used") as refused:
        client.export(f"{tmp_path}/{name}")
    assert (refused.value.kind, refused.value.status) == ("refused", 422)


# Rights, origins, the description.


def test_every_route_declares_its_right(api: FastAPI) -> None:
    routes = [route for module in MODULES for route in module.routes.routes]
    assert len(routes) > 25
    for route in routes:
        assert isinstance(route, GuardedRoute), route
        assert declared(list(route.dependencies)) == [route.right]
        assert route.right in RIGHTS
    operations = [entry for path in describe(api)["paths"].values() for entry in path.values()]
    assert operations
    assert all(entry["x-assay-right"] in RIGHTS for entry in operations)


def test_a_route_without_a_right_cannot_be_made() -> None:
    routes = router()
    with pytest.raises(ValueError, match="must declare one right"):
        routes.add_api_route("/bare", lambda: None)
    with pytest.raises(ValueError, match="must declare one right"):
        routes.add_api_route("/both", lambda: None, dependencies=[needs("read"), needs("edit")])


def test_what_changes_something_needs_more_than_reading() -> None:
    """`asks`: those that change nothing."""
    for module in MODULES:
        for route in module.routes.routes:
            asks = {
                "/api/settle", "/api/reconcile", "/api/check", "/api/evaluators/{name}/try",
                "/api/prompt-render/{name:path}",
                "/api/prompt-diff/{name:path}", "/api/rank", "/api/drift",
                "/api/training-data", "/api/training-data/examples", "/api/training-data/suite",
            }  # fmt: skip
            if isinstance(route, GuardedRoute) and route.methods == {"POST"} and route.path not in asks:
                assert route.right not in ("public", "read") or route.path == BY_KEY, route.path


def test_a_protected_label_needs_the_right_admin(api: FastAPI) -> None:
    class Editor:
        def allows(self, request: object, right: str) -> bool:
            return right != "admin"

    api.state.policy = Editor()
    with TestClient(api) as http:
        assert http.put("/api/prompts/guarded", json={"content": {"text": "a"}}).is_success
        assert http.put("/api/prompts/guarded", json={"content": {"text": "b"}, "label": "live"}).is_success
        put = "/api/prompt-labels/live/guarded"
        assert http.put(put, json={"version": 2, "protected": True}).is_success
        told = {"version": 1, "confirm": "live"}
        answers = [
            http.put(put, json=told),
            http.put(put, json={"version": 2, "protected": False, "confirm": "live"}),
            http.delete(put, params={"confirm": "live"}),
            http.delete("/api/prompts/guarded", params={"confirm": "guarded"}),
        ]
        assert [(one.status_code, one.json()["kind"]) for one in answers] == [(403, "forbidden")] * 4
        assert http.get("/api/prompts/guarded?label=live").json()["version"] == 2


def test_a_policy_that_denies_is_obeyed_on_every_route(api: FastAPI) -> None:
    class Nobody:
        def allows(self, request: object, right: str) -> bool:
            return right == "public"

    api.state.policy, ids = Nobody(), dict.fromkeys(IDS, UUID(int=1))
    with TestClient(api, raise_server_exceptions=False) as http:
        for route in (route for module in MODULES for route in module.routes.routes):
            assert isinstance(route, APIRoute)
            parts = {
                "trace_id": "0" * 32,
                "span_id": "0" * 16,
                "name": "swagger-ui.css",
                "label": "a",
                "score": "a",
                "number": 1,
                "step": 1,
                **ids,
            }
            path = route.path_format.format(**parts)
            (method,) = route.methods or {"GET"}
            answer = http.request(method, path, json={} if method == "POST" else None)
            denied = answer.status_code == HTTPStatus.FORBIDDEN
            assert denied == (getattr(route, "right", None) != "public" or path == BY_KEY), path


@pytest.mark.parametrize("announced", [True, False])
def test_a_large_body_is_refused_while_it_is_read(http: httpx.Client, shared: Serving, announced: bool) -> None:
    server = psutil.Process(shared.note.pid)
    before, chunk = server.memory_info().rss, b"x" * MIB

    def body() -> Iterator[bytes]:
        yield b'{"sql": "'
        yield from (chunk for _ in range(200))

    headers = {"content-type": "application/json", **({"content-length": str(200 * MIB + 9)} if announced else {})}
    answer = http.post("/api/sql", content=body(), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert (answer.json()["kind"], "16 MiB" in answer.json()["detail"]) == ("too_large", True)
    assert server.memory_info().rss - before < 64 * MIB
    allowed = {"sql": f"select 1 -- {'x' * 90_000}"}
    assert http.post("/api/sql", json=allowed).is_success


def test_a_page_of_another_origin_changes_nothing(http: httpx.Client) -> None:
    body = {"name": "stolen"}
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert http.post("/api/projects", json=body, headers=headers).json()["kind"] == "foreign_origin"
    own = {"origin": str(http.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    assert http.post("/api/projects", json={"name": "own"}, headers=own).is_success
    assert http.post(
        "/api/projects", content='{"name": "form"}', headers={"content-type": "text/plain"}
    ).is_client_error
    assert "stolen" not in http.get("/api/projects").text


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("127.0.0.1:8420", True), ("[::1]:8420", True), ("localhost", True), ("app.localhost:1", True),
        ("192.168.1.7:8420", True), ("assay.example:8420", True), ("evil.example", False),
        ("127.0.0.1.evil.example", False), ("", False), ("[::1", False), ("a]b[", False), (None, True),
    ],
)  # fmt: skip
def test_a_rebound_name_is_refused(host: str | None, passes: bool) -> None:
    guard = OriginGuard(FastAPI(), ("assay.example",))
    assert (guard.fault("GET", Headers({} if host is None else {"host": host})) is None) == passes


def test_a_malformed_origin_is_a_foreign_one() -> None:
    guard = OriginGuard(FastAPI(), ())
    assert guard.fault("POST", Headers({"host": "localhost", "origin": "http://[::1"})) is not None


def test_the_description_is_openapi_3_0_and_whole(http: httpx.Client) -> None:
    schema = http.get("/openapi.json").json()
    assert schema["openapi"] == "3.0.3"
    operations = [(path, verb, entry) for path, verbs in schema["paths"].items() for verb, entry in verbs.items()]
    names = [entry["operationId"] for _, _, entry in operations]
    assert len(names) == len(set(names))
    for path, _, entry in operations:
        assert entry["description"], path
        assert entry["responses"], path
        parts = ("trace_id", "span_id", "name", "label", "number", "score", "step", *IDS)
        in_path = {name for name in parts if f"{{{name}}}" in path}
        assert in_path == {one["name"] for one in entry.get("parameters", []) if one["in"] == "path"}
        errors = {code: told for code, told in entry["responses"].items() if code != "200"}
        assert "default" in errors, path
        assert set(errors["default"]["content"]) == {"application/problem+json"}
        assert "422" not in errors, "FastAPI's form of it is not ours"
        if "application/vnd.apache.arrow.stream" in entry["responses"]["200"]["content"]:
            assert "format" in {one["name"] for one in entry["parameters"]}, path
    for path in ("/api/totals", "/api/ledger"):
        assert "x-assay-watermark" in schema["paths"][path]["get"]["responses"]["200"]["headers"]
    assert {f"/api/query/{name}" for name in queries.names()} <= set(schema["paths"])
    text = json.dumps(schema)
    assert '"type": "null"' not in text
    for reference in set(_references(schema)):
        found: Any = schema
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from _references(member)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        ([{"type": "string"}], [{"type": "string"}]),
    ],
)  # fmt: skip
def test_a_schema_is_told_in_older_words(newer: Any, older: Any) -> None:
    assert lowered(newer) == older


def test_the_documentation_needs_no_network(http: httpx.Client) -> None:
    page = http.get("/docs")
    assert "https://" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"/docs/assets/{name}" in page.text
        assert http.get(f"/docs/assets/{name}").is_success
    assert http.get("/docs/assets/../../../../etc/passwd").status_code == HTTPStatus.NOT_FOUND
    assert http.get("/docs/assets/index.html").status_code == HTTPStatus.NOT_FOUND
    assert http.get("/redoc").status_code == HTTPStatus.NOT_FOUND


# The client's errors.


def test_nobody_listening_is_unreachable() -> None:
    with Client("http://127.0.0.1:9") as nobody, pytest.raises(ApiError, match="assay up") as told:
        nobody.watermark()
    assert told.value.kind == "unreachable"


def test_a_silent_server_is_a_timeout() -> None:
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout_s=0.2) as waiting, pytest.raises(ApiError) as told:
            waiting.watermark()
    assert told.value.kind == "timeout"
