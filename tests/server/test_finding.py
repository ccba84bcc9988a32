"""What a line finds, over a real server: five traces whose answers are known, and 300 that say nothing of interest."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collectors.importers.reading import plan
from server import importing
from server.client import ApiError, Client
from server.finding import downloading
from server.finding.downloading import once
from server.finding.stopping import GoneError, Stop

NOW = datetime.now(UTC)
WINDOW = {"since": NOW - timedelta(hours=30), "until": NOW + timedelta(hours=1)}
OLD = {"since": NOW - timedelta(days=3), "until": NOW - timedelta(days=2)}
ORDER = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Where is my Zebra order?"}]}])
WRITTEN = json.dumps([{"role": "user", "parts": [{"type": "text", "content": 'Schöne "Grüße"\nÄrger'}]}])
ANSWER = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "In the post, 100% sure_ly."}]}])
CHAT = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai"}


@pytest.fixture(scope="module")
def found(serve: Any, telling: Any) -> Any:
    """Traces `a` to `e`, an hour apart, `a` the newest; and 300 two days ago, `filler`."""
    served = serve("finding")
    now = time.time_ns()

    def tell(number: int, hours: float, **resource: Any) -> Any:
        return telling(bytes([40]) * 15 + bytes([number]), now - int(hours * 3600e9), **resource)

    a = tell(1, 1, service="shop").span(1, "a", 0, 4000, session__id="s1", user__id="ann")
    a.span(
        2,
        "ask",
        10,
        3000,
        parent=1,
        gen_ai__request__model="gpt-x",
        gen_ai__input__messages=ORDER,
        gen_ai__output__messages=ANSWER,
        gen_ai__usage__input_tokens=1500,
        gen_ai__usage__output_tokens=40,
        **CHAT,
    )
    b = tell(2, 2, service="shop").span(1, "b", 0, 500, user__id="bob")
    b.span(2, "run", 1, 450, parent=1, gen_ai__operation__name="execute_tool", gen_ai__tool__name="search")
    b.span(3, "run", 460, 10, parent=1, gen_ai__operation__name="execute_tool", gen_ai__tool__name="sql", row__count=7)
    c = tell(3, 3, service="mail").span(1, "c", 0, 2500, user__id="ann", error="zebra crossing failed")
    c.span(2, "run", 1, 2400, parent=1, gen_ai__operation__name="execute_tool", gen_ai__tool__name="sql")
    d = tell(4, 4, service="mail").span(1, "d zebra", 0, 10)
    e = tell(5, 5, resource={"service.name": "shop", "host.name": "h-5"}).span(1, "e", 0, 20, http__route="/a*b")
    e.span(2, "draw", 1, 5, parent=1, gen_ai__operation__name="embeddings", gen_ai__input__messages=WRITTEN)
    for trace in (a, b, c, d, e):
        served.send(trace.body())
    served.send(b"".join(
        telling(bytes([41]) * 14 + number.to_bytes(2, "big"), now - int((50 + number / 100) * 3600e9))
        .span(1, "filler", 0, 5, part="last" if number == 299 else "other").body()
        for number in range(300)
    ))  # fmt: skip
    served.settle()
    with served.client() as client:
        first, second = ((bytes([40]) * 15 + bytes([number])).hex() for number in (1, 2))
        verdict = {"name": "correct", "source": "code"}
        client.add_scores([
            verdict | {"trace_id": first, "value": 0.25, "label": "poor"}, verdict | {"trace_id": second, "value": 1.0},
            {"session_id": "s1", "name": "kind", "value": 1.0, "source": "code"},
        ])  # fmt: skip
        client.settle()
    return served


@pytest.fixture(scope="module")
def client(found: Any) -> Iterator[Client]:
    with found.client() as made:
        yield made


def names(frame: Any) -> str:
    return "".join(str(name)[0] for name in frame["root_name"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("service:shop", "abe", id="equal"),
        pytest.param("service:Shop", "", id="equal-minds-case"),
        pytest.param("service:SH*", "abe", id="star-does-not"),
        pytest.param("service:shop,mail -user:ann", "bde", id="either-and-not"),
        pytest.param("user!=ann", "bde", id="not-equal-takes-unknown-ones"),
        pytest.param("no:user", "de", id="no"),
        pytest.param("has:error or session:s1", "ac", id="or"),
        pytest.param("error:*crossing*", "c", id="error"),
        pytest.param('error:*"a crossing f"*,*"ra crossing"*', "c", id="error-with-blanks"),
        pytest.param("status:error", "c", id="status"),
        pytest.param("duration>2s duration<=4s", "ac", id="duration"),
        pytest.param("tokens>1.5k", "a", id="tokens"),
        pytest.param("output_tokens:40", "a", id="equal-number"),
        pytest.param("spans:1", "d", id="spans"),
        pytest.param("tools>=1", "bc", id="tools"),
        pytest.param("model:gpt-*", "a", id="list-with-star"),
        pytest.param("model:gpt-x", "a", id="list"),
        pytest.param("has:model", "a", id="has-list"),
        pytest.param("provider:openai", "a", id="provider"),
        pytest.param("no:provider service:shop", "be", id="no-provider"),
        pytest.param("score.correct<0.5", "a", id="score"),
        pytest.param("score.correct:poor,1", "ab", id="label-or-value"),
        pytest.param("score.kind:1", "a", id="score-of-the-session"),
        pytest.param("has:score.correct -score.correct>0.5", "a", id="has-score"),
        pytest.param("no:score", "cde", id="no-score"),
        pytest.param(f"trace:{'28' * 15}02", "b", id="id"),
        # Of single spans.
        pytest.param("zebra", "acd", id="text-in-input-error-name"),
        pytest.param('"my zebra order"', "a", id="quoted"),
        pytest.param("-zebra", "be", id="not-text"),
        pytest.param("tool:sql", "bc", id="tool"),
        pytest.param("{tool:sql duration>2s}", "c", id="one-span"),
        pytest.param("tool:sql span.duration>400ms", "bc", id="any-spans"),
        pytest.param("{tool:sql -duration>2s}", "b", id="not-in-braces"),
        pytest.param("-{tool:sql duration>2s} has:tool", "b", id="not-braces"),
        pytest.param("kind:llm", "a", id="kind"),
        pytest.param("{kind:llm model:gpt-x tokens>1k provider:openai}", "a", id="call"),
        pytest.param("operation:execute_tool", "bc", id="operation"),
        pytest.param("attr.row.count:7", "b", id="attribute"),
        pytest.param("attr.row.count>=7", "b", id="attribute-as-number"),
        pytest.param("attr.host.name:h-5", "e", id="of-the-resource"),
        pytest.param('attr.http.route:"/a*b"', "e", id="star-in-quotes"),
        pytest.param("has:attr.row.count", "b", id="has-attribute"),
        pytest.param("input:ZEBRA", "a", id="input"),
        pytest.param('output:"100% sure_"', "a", id="what-like-would-take-for-any"),
        pytest.param('output:"100x"', "", id="nothing"),
        pytest.param("grüße", "e", id="letters-that-json-escapes"),
        pytest.param("ÄRGER", "e", id="letters-that-json-escapes-whatever-the-case"),
        pytest.param('"schöne \\"grüße\\""', "e", id="quotes-that-json-escapes"),
        pytest.param('input:*schöne*"grüße"*', "e", id="escaped-with-star"),
        pytest.param("zebra user:ann", "ac", id="both"),
        pytest.param("zebra or user:bob", "abcd", id="text-or"),
        pytest.param("span.error:crossing*", "", id="error-is-whole"),
        pytest.param("span.error:*zebra*", "c", id="span-error"),
    ],
)
def test_what_a_line_finds(client: Client, line: str, expected: str) -> None:
    takes = client.asked_of_traces(line)
    assert takes["fault"] is None
    looked = client.search_traces(**WINDOW, q=line)
    assert (names(looked.answer.frame), looked.cursor) == (expected, None)
    if takes["search"]:
        with pytest.raises(ApiError, match="takes a search") as refused:
            client.traces(**WINDOW, q=line)
        assert refused.value.at is not None
    else:
        page = client.traces(**WINDOW, q=line).frame
        assert names(page) == expected
        assert not len(page) or page["total"].iloc[0] == len(expected)


def test_a_line_goes_with_the_filters(client: Client) -> None:
    assert names(client.search_traces(**WINDOW, q="zebra", service="mail").answer.frame) == "cd"
    assert names(client.traces(**WINDOW, q="user:ann", service="mail").frame) == "c"


@pytest.mark.parametrize(
    ("line", "sessions", "users"),
    [
        pytest.param("status:error", [], ["ann"], id="summary"),
        pytest.param("score.correct<0.5", ["s1"], ["ann"], id="score"),
        pytest.param("-provider:openai", [], ["bob", "ann"], id="provider"),
    ],
)
def test_sessions_and_users_take_a_line(client: Client, line: str, sessions: list[str], users: list[str]) -> None:
    """Of one of their traces."""
    assert list(client.query("sessions", **WINDOW, q=line).frame["session_id"]) == sessions
    assert list(client.query("users", **WINDOW, q=line).frame["user_id"]) == users


def test_a_search_finds_the_same_in_any_steps(client: Client) -> None:
    whole = client.search_traces(**OLD, q="attr.part:*", page_size=500).answer.frame
    assert len(whole) == 300
    seen, cursor, calls = [], None, 0
    while True:
        found = client.search_traces(cursor, **OLD, q="attr.part:*", page_size=70)
        rows = found.answer.frame
        assert len(rows) <= 70
        assert not len(rows) or found.looked_to <= rows["start_time"].min()
        seen, cursor, calls = seen + list(rows["trace_id"]), found.cursor, calls + 1
        if cursor is None:
            break
    assert (seen, calls >= 5) == (list(whole["trace_id"]), True)
    assert names(client.search_traces(**OLD, q="attr.part:last").answer.frame) == "f"


def test_a_search_tells_how_far_it_looked(found: Any) -> None:
    query = {name: at.isoformat() for name, at in WINDOW.items()} | {"q": "zebra", "page_size": "2", "format": "json"}
    answer = httpx.get(f"{found.note.api_url}/api/traces/search", params=query, trust_env=False)
    assert [row["root_name"] for row in answer.json()] == ["a", "c"]
    assert answer.headers["x-assay-done"] == "false"
    assert int(answer.headers["x-assay-looked-traces"]) == 3
    assert int(answer.headers["x-assay-looked-spans"]) == 7
    query |= {"from": answer.headers["x-assay-cursor"]}
    answer = httpx.get(f"{found.note.api_url}/api/traces/search", params=query, trust_env=False)
    assert [row["root_name"] for row in answer.json()] == ["d zebra"]
    assert answer.headers["x-assay-done"] == "true"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param({"from": "x"}, "'x' is no place of a search", id="place"),
        pytest.param({"from": f"{10**30}.{'0' * 32}.1.1"}, "is no place of a search", id="place-beyond-time"),
        pytest.param({"page_size": "501"}, "between 1 and 500", id="size"),
        pytest.param({"sort": "slowest"}, "'sort' is of pages", id="paging"),
        pytest.param({"servcie": "x"}, "Did you mean 'service'", id="filter"),
    ],
)
def test_a_wrong_search_is_told_what_is_wrong(client: Client, query: dict[str, Any], says: str) -> None:
    told = dict(query)
    with pytest.raises(ApiError, match=says):
        client.search_traces(told.pop("from", None), **WINDOW, q="zebra", **told)


def test_a_fault_of_a_line_has_its_place_in_every_route(client: Client) -> None:
    for ask in (client.search_traces, client.traces, client.trace_facets):
        with pytest.raises(ApiError, match="Did you mean model") as told:
            ask(**WINDOW, q="status:ok modle:x")
        assert (told.value.at, told.value.length) == (10, 5)
    fault = client.asked_of_traces("status:ok modle:x")["fault"]
    assert (fault["at"], fault["length"]) == (10, 5)


def counts(frame: Any, field: str) -> dict[str, int]:
    rows = frame[frame["field"] == field]
    return dict(zip(rows["value"], rows["traces"], strict=True))


@pytest.mark.parametrize("line", ["user:ann", "zebra user:ann"], ids=["summaries", "search"])
def test_facets_count_what_the_line_finds(client: Client, line: str) -> None:
    told = client.trace_facets(**WINDOW, q=line)
    frame = told.answer.frame
    assert told.looked_to is None
    assert counts(frame, "service") == {"mail": 1, "shop": 1}
    assert counts(frame, "status") == {"error": 1, "ok": 1}
    assert counts(frame, "model") == {"gpt-x": 1}
    assert counts(frame, "provider") == {"openai": 1}
    assert counts(frame, "session") == {"s1": 1}
    assert set(frame["looked"]) == set(frame["matching"]) == {2}
    few = client.trace_facets(**WINDOW, q=line, values=1, field="service", part="AI").answer.frame
    assert counts(few, "service") == {"mail": 1}


@pytest.mark.parametrize("line", ["user:ann", "zebra user:ann"], ids=["summaries", "search"])
def test_a_histogram_counts_what_the_line_finds(client: Client, line: str) -> None:
    frame = client.trace_histogram(**WINDOW, q=line, bucket_us=3_600_000_000 * 24 * 7).answer.frame
    assert (frame["traces"].sum(), frame["errors"].sum()) == (2, 1)
    if len(frame) == 1:  # a week may begin between them
        assert frame["p50_ns"].iloc[0] == pytest.approx(3.25e9)


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        pytest.param("stat", ["status:"], id="field"),
        pytest.param("user:", ["ann", "bob"], id="values"),
        pytest.param("service:ma", ["mail"], id="part-of-a-value"),
        pytest.param("{tool:", ["sql", "search"], id="value-of-a-span"),
        pytest.param("attr.row", ["attr.row.count:"], id="attribute"),
        pytest.param("attr.row.count:", ["7"], id="value-of-an-attribute"),
        pytest.param("attr.http.route:", ['"/a*b"'], id="in-quotes"),
        pytest.param("attr.host.name:", ["h-5"], id="value-of-the-resource"),
        pytest.param("score.co", ["score.correct:"], id="score"),
        pytest.param('"text', [], id="text"),
    ],
)
def test_what_may_be_typed_on(client: Client, line: str, offers: list[str]) -> None:
    told = client.complete_line(line, len(line), **WINDOW)
    assert [one["text"] for one in told["offers"]][: len(offers) or None] == offers
    assert told["end"] == len(line)


# Downloads.


def downloaded(client: Client, form: str, **params: Any) -> bytes:
    with client.download_traces(form, **params) as pieces:
        return b"".join(pieces)


def test_a_download_has_all_rows_and_the_columns_of_the_list(client: Client) -> None:
    rows = [json.loads(line) for line in downloaded(client, "jsonl", **OLD).splitlines()]
    assert [row["root_name"] for row in rows] == ["filler"] * 300
    table = pq.read_table(pa.BufferReader(downloaded(client, "parquet", **OLD)))
    assert table["trace_id"].to_pylist() == [row["trace_id"] for row in rows]
    listed = client.traces(**OLD, page_size=1).frame
    assert set(table.column_names) == set(listed.columns) - {"sort_key", "start_us", "total"}
    told = list(csv.DictReader(io.StringIO(downloaded(client, "csv", **OLD).decode())))
    assert [row["trace_id"] for row in told] == [row["trace_id"] for row in rows]


def test_a_trace_that_begins_earlier_meanwhile_is_taken_out_once() -> None:
    """Such as one whose root arrives last: it is found again, on a later page."""
    pages = [pa.table({"trace_id": list(ids)}) for ids in ("abc", "bd", "de", "ca")]
    told = [table["trace_id"].to_pylist() for table in once(pages, kept=3)]
    assert told == [["a", "b", "c"], ["d"], ["e"], ["a"]]


def test_a_download_is_of_what_the_line_finds(client: Client) -> None:
    told = list(csv.DictReader(io.StringIO(downloaded(client, "csv", **WINDOW, q="zebra user:ann").decode())))
    assert [row["root_name"] for row in told] == ["a", "c"]
    assert json.loads(told[0]["models"]) == ["gpt-x"]
    nothing = downloaded(client, "csv", **WINDOW, q="service:nobody").decode()
    assert nothing.startswith("trace_id,")
    assert len(nothing.splitlines()) == 1
    with pytest.raises(ApiError, match="Did you mean model"):
        downloaded(client, "csv", **WINDOW, q="modle:x")
    with pytest.raises(ApiError, match="csv, jsonl, parquet, otlp"):
        downloaded(client, "xml", **WINDOW)


def test_what_is_taken_out_as_otlp_is_imported_as_it_was(found: Any, client: Client, tmp_path: Path) -> None:
    """Into another project, the file as it lies: every column that tells what was received is equal."""
    client.add_project("again")
    file = tmp_path / "traces.jsonl"
    file.write_bytes(downloaded(client, "otlp", **WINDOW, q="service:shop"))
    with Client(found.note.api_url, "again") as again:
        told = importing.run(again, file, plan(file))
    assert (told["format"], told["received"], told["stored"], told["rejections"]) == ("otlp", 7, 7, [])
    with found.client() as asked:
        asked.settle()
        kept = (
            "trace_id, span_id, parent_span_id, name, span_kind, start_time, duration_ns, status, flags, "
            "kind, service, provider, request_model, input_tokens, output_tokens, session_id, user_id, tool_name, "
            "input, input_key, output, output_key, attributes, events, links, notes"
        )
        both = asked.sql(
            f"select {kept} from spans where service = 'shop' and name <> 'filler' group by all having count(*) <> 2"
        )
        assert both.frame.empty
        pairs = asked.sql("select count(*) as n from spans where service = 'shop' and name <> 'filler'")
        assert pairs.frame["n"][0] == 14


def test_lines_of_otlp_are_no_longer_than_what_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "LINE_BYTES", 100)
    rows = ["x" * size for size in (10, 10, 60, 200, 5)]
    lines = list(downloading._request_lines(lambda some, _: {"spans": some}, rows, {}))
    assert [row for line in lines for row in json.loads(line)["spans"]] == rows
    assert all(len(line) <= 100 or len(json.loads(line)["spans"]) == 1 for line in lines)


# Saved views.

VIEW = {"q": "zebra user:ann", "filter": {"service": "shop"}, "order": "slowest", "columns": ["Time", "Cost"]}


def test_a_view_is_kept_changed_and_deleted_by_version(client: Client) -> None:
    made = client.set_trace_view("Zebras, all", {**VIEW, "author": "ann"})
    assert made | VIEW | {"version": 1, "author": "ann", "name": "Zebras, all"} == made
    for upon in (0, 2):
        with pytest.raises(ApiError, match="is version 1 now") as told:
            client.set_trace_view("Zebras, all", {**VIEW, "upon": upon})
        assert told.value.status == 409
    changed = client.set_trace_view("Zebras, all", {**VIEW, "q": "", "upon": 1})
    assert [(one["name"], one["version"], one["q"]) for one in client.trace_views()] == [("Zebras, all", 2, "")]
    with pytest.raises(ApiError, match="is version 2 now"):
        client.delete_trace_view("Zebras, all", 1)
    client.delete_trace_view("Zebras, all", changed["version"])
    assert client.trace_views() == []
    with pytest.raises(ApiError, match="is not there any more"):
        client.set_trace_view("Zebras, all", {**VIEW, "upon": 2})


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        pytest.param({"q": "modle:x"}, "Did you mean model", id="line"),
        pytest.param({"filter": {"servcie": "x"}}, "Did you mean 'service'", id="filter"),
        pytest.param({"filter": {"sort": "slowest"}}, "'sort' is of pages", id="paging"),
        pytest.param({"order": "best"}, "order", id="order"),
    ],
)
def test_a_view_that_shows_nothing_is_refused(client: Client, wish: dict[str, Any], says: str) -> None:
    with pytest.raises(ApiError, match=says):
        client.set_trace_view("v", wish)
    assert client.trace_views() == []


# Who takes a line, and who hangs up.


def test_orders_take_a_line_and_act_on_what_the_list_shows(client: Client) -> None:
    order = {"evaluators": [{"name": "latency"}], "unit": "trace", "most": 100}
    window = {name: at.isoformat() for name, at in WINDOW.items()}
    told = client.add_job(order | {"filter": window | {"q": "user:ann"}}, dry_run=True)
    assert (told["targets"], told["matching"]) == (2, 2)
    added = client.dataset_from_traces("lines", {"filter": window | {"q": "user:ann"}, "dry_run": True})
    assert added["matching"] == 2


@pytest.mark.parametrize("line", ["zebra", "tool:sql", "modle:x"])
def test_orders_refuse_a_line_that_takes_a_search(client: Client, line: str) -> None:
    window = {name: at.isoformat() for name, at in WINDOW.items()}
    terms = {"filter": {"q": line}, "evaluators": ["latency"]}
    order = {"evaluators": [{"name": "latency"}], "unit": "trace", "most": 100, "filter": window | {"q": line}}
    for ask in (
        lambda: client.set_rule("lines", terms),
        lambda: client.add_job(order, dry_run=True),
        lambda: client.dataset_from_traces("lines", {"filter": window | {"q": line}, "dry_run": True}),
    ):
        with pytest.raises(ApiError, match=r"takes a search|Did you mean model") as told:
            ask()
        assert told.value.kind == "refused"


@pytest.mark.parametrize(
    "line", ["\x00", "a\x00b", "user:\u202e", "\ud7ff", "%", "{%}", "'; drop table spans; --", "name:*****"]
)
def test_no_text_breaks_a_search(client: Client, line: str) -> None:
    fault = client.asked_of_traces(line)["fault"]
    if fault is None:
        assert client.search_traces(**WINDOW, q=line).cursor is None


def test_who_hangs_up_ends_the_read() -> None:
    stop = Stop()
    with duckdb.connect() as con:
        threading.Timer(0.1, stop.stop).start()
        with pytest.raises(GoneError), stop.over(con):
            con.execute("select count(*) from range(10000000000) a, range(1000) b").fetchall()
        with pytest.raises(GoneError), stop.over(con):
            pytest.fail("it was stopped before")
