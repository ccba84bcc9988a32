"""Imports into a running server and into a file: counts, what breaks off and goes on, who may not step out of order."""

from __future__ import annotations

import gzip
import json
import signal
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from stores import put_empty
from waiting import until

from collectors.importers import pieces
from collectors.importers.pieces import Piece, packed
from collectors.importers.reading import plan, read
from server import importing
from server.client import ApiError, Client
from server.importing import about, run

Serving = Any  # of conftest.py
Command = Callable[..., Any]
SPANS = 4
FORMATS = Path(__file__).parents[1] / "collectors/importers"
SEND = importing._send


def lines(first: int, number: int, start_ns: int = 1_700_000_000_000_000_000) -> str:
    """OTLP in JSON, a request of one trace a line, as the Collector's file exporter writes it."""
    return "".join(json.dumps(_request(trace, start_ns)) + "\n" for trace in range(first, first + number))


def _request(trace: int, start_ns: int) -> dict[str, Any]:
    spans = [
        {"traceId": f"{trace:032x}", "spanId": f"{span:016x}", "name": "chat", "startTimeUnixNano": str(start_ns),
         "endTimeUnixNano": str(start_ns + 5), "attributes": [
             {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
             {"key": "gen_ai.usage.input_tokens", "value": {"intValue": str(trace)}}]}
        for span in range(1, SPANS + 1)
    ]  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_ITEMS", 2)


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["received"], found["stored"], found["duplicate"], found["rejected"]


def ledger(client: Client, source: str) -> tuple[int, int, int, int]:
    rows = [row for row in client.ledger() if row["source"] == source]
    names = ("received", "stored", "duplicate", "rejected")
    return tuple(sum(row[name] for row in rows) for name in names)  # type: ignore[return-value]


def test_a_file_is_counted_and_again_as_duplicates(shared: Serving, tmp_path: Path, command: Command) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_text(lines(1_000, 3) + "{oh\n", "utf-8")
    told = [command(tmp_path, "import", str(file), "--json", api_url=shared.note.api_url) for _ in range(2)]
    first, again = (json.loads(one.stdout) for one in told)
    assert counts(first) == (13, 12, 0, 1)
    assert counts(again) == (13, 0, 12, 1)
    assert [(one["reason"], one["count"]) for one in first["rejections"]] == [("not_json", 1)]
    assert first["rejections"][0]["sample"].startswith("line 4: {oh")
    assert (first["ended_at"] is not None, first["first_time"]) == (True, "2023-11-14T22:13:20Z")
    with shared.client() as client:
        client.settle()
        found = [row for row in client.totals() if int(row["trace_id"].replace("-", ""), 16) == 1_001]
        assert found[0]["input_tokens"] == SPANS * 1_001
        received, stored, duplicate, rejected = ledger(client, "import:otlp")
        assert received == stored + duplicate + rejected


def test_what_became_of_it_is_told_in_sentences(shared: Serving, tmp_path: Path, command: Command) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text(lines(2_000, 1) + "{oh\n", "utf-8")
    told = command(tmp_path, "import", str(file), api_url=shared.note.api_url)
    assert told.stdout.splitlines() == [
        "some.jsonl (otlp): 5 received: 4 stored, 0 duplicate, 1 rejected.",
        "  1 not_json (the line is no JSON): line 2: {oh",
        "  Spans and logs are from 2023-11-14 22:13 to 2023-11-14 22:13 UTC.",
    ]
    listed = command(tmp_path, "import", "--list", api_url=shared.note.api_url).stdout
    assert "some.jsonl" in listed
    assert "whole" in listed


def test_what_a_file_holds_does_nothing_to_a_terminal(shared: Serving, tmp_path: Path, command: Command) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("time,prompt,a\x1b[2J\nsoon,\x1b]0;owned\x07\u202ehi,b\n\x1b[31msoon,a,b\n", "utf-8")
    told = [command(tmp_path, "import", *more, str(file), api_url=shared.note.api_url) for more in ((), ("--preview",))]
    assert "no_time" in told[0].stdout
    assert "row: time: soon, input: .]0;owned..hi" in told[1].stdout
    for one in told:
        assert one.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize("broken_after", [1, 3])
def test_an_import_that_broke_off_goes_on_without_duplicates(
    broken_after: int, shared: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_pieces: None
) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text(lines(3_000 + 100 * broken_after, 9), "utf-8")
    how = plan(file)
    with shared.client() as client:
        begun = client.begin_import(about(file, how, None))
        for step, (piece, done) in enumerate(read(file, how), 1):
            if step <= broken_after:
                assert client.import_step(begun["import_id"], step, packed(piece), done)
        assert client.one_import(begun["import_id"])["ended_at"] is None
        sent: list[int] = []
        monkeypatch.setattr(importing, "_send", lambda *told: (sent.append(told[2]), SEND(*told))[1])
        whole = run(client, file, how)
    assert whole["import_id"] == begun["import_id"]
    assert counts(whole) == (36, 36, 0, 0)
    assert sent == list(range(broken_after + 1, 6))


def test_a_step_that_is_stored_is_not_stored_again_and_none_is_left_out(shared: Serving, tmp_path: Path) -> None:
    file = tmp_path / "steps.jsonl"
    file.write_text(lines(4_000, 1), "utf-8")
    how = plan(file)
    ((piece, _),) = read(file, how)
    with shared.client() as client:
        import_id = client.begin_import(about(file, how, "ann"))["import_id"]
        assert client.import_step(import_id, 1, packed(piece), 9)
        assert not client.import_step(import_id, 1, packed(piece), 9)
        with pytest.raises(ApiError, match="2 is the next"):
            client.import_step(import_id, 3, packed(piece), 9)
        with pytest.raises(ApiError, match="no head"):
            client.import_step(import_id, 2, b"what", 9)
        found = client.one_import(import_id)
        with pytest.raises(ApiError, match="No import has the id"):
            client.one_import(str(uuid.uuid4()))
    assert counts(found) == (SPANS, SPANS, 0, 0)
    assert found["author"] == "ann"


def test_annotations_of_spans_find_their_traces(shared: Serving) -> None:
    """Phoenix names the span alone; what comes before its span is rejected, and taken when it comes again."""
    with shared.client() as client:
        client.add_project("phoenix")
    with Client(shared.note.api_url, "phoenix") as client:
        told = [run(client, FORMATS / name, plan(FORMATS / name)) for name in (
            "phoenix_annotations.json", "phoenix_spans.json", "phoenix_annotations.json")]  # fmt: skip
        client.settle()
        found = client.sql("select trace_id, span_id, value from scores where project = 'phoenix' and span_id > 0")
    assert [{one["reason"]: one["count"] for one in each["rejections"]} for each in told] == [
        {"no_span": 1, "unread_kind": 1}, {}, {"unread_kind": 1}
    ]  # fmt: skip
    assert told[0]["rejections"][0]["sample"] == "annotation 'correct' of span 5fb397be34d26b51"
    assert [counts(each) for each in told] == [(5, 3, 0, 2), (3, 3, 0, 0), (5, 1, 3, 1)]
    assert sorted(map(float, found.frame["value"])) == [0.0, 1.0]
    assert {str(one).replace("-", "") for one in found.frame["trace_id"]} == {"4bf92f3577b34da6a3ce929d0e0e4736"}


def test_two_who_import_the_same_file_store_it_once(shared: Serving, tmp_path: Path) -> None:
    file = tmp_path / "twice.jsonl"
    file.write_text(lines(5_000, 2), "utf-8")
    how = plan(file)
    with shared.client() as client:
        first, second = (client.begin_import(about(file, how, None)) for _ in range(2))
        assert first["import_id"] == second["import_id"]
        assert counts(run(client, file, how)) == (8, 8, 0, 0)
        assert client.begin_import(about(file, how, None))["import_id"] != first["import_id"]


def test_a_piece_that_cannot_be_read_is_rejected_and_the_import_goes_on(shared: Serving, tmp_path: Path) -> None:
    file = tmp_path / "odd.jsonl"
    file.write_text(lines(6_000, 1), "utf-8")
    with shared.client() as client:
        import_id = client.begin_import(about(file, plan(file), None))["import_id"]
        assert client.import_step(import_id, 1, packed(Piece("traces", "protobuf", b"\xff\xff")), 1)
        found = client.end_import(import_id)
    assert counts(found) == (1, 0, 0, 1)
    assert found["rejections"][0]["reason"] == "unreadable"


def test_a_store_without_a_server_takes_a_file_too(tmp_path: Path, command: Command) -> None:
    put_empty(tmp_path)
    file = tmp_path / "alone.jsonl"
    file.write_text(lines(1, 2), "utf-8")
    told = command(tmp_path, "import", str(file), "--json")
    assert counts(json.loads(told.stdout)) == (8, 8, 0, 0), told.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param((), "name one or more files", id="no-file"),
        pytest.param(("nowhere.jsonl",), "nowhere.jsonl cannot be read", id="no-such-file"),
        pytest.param(("empty",), "empty is empty", id="empty-file"),
        pytest.param(("text",), "looks like no format", id="no-format"),
        pytest.param(("text", "--format", "zip"), "There is no format 'zip'. Formats: auto, otlp", id="other-format"),
    ],
)
def test_what_cannot_be_imported_is_told(
    arguments: tuple[str, ...], said: str, shared: Serving, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("Dear Sir", "utf-8")
    told = command(tmp_path, "import", *arguments, api_url=shared.note.api_url)
    assert told.returncode != 0
    assert said in told.stderr


def whole(client: Client, import_id: str) -> dict[str, Any]:
    """The import once it has ended, or cannot."""
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(client.one_import(import_id))
        return found["ended_at"] is not None or found["fault"] is not None

    until(ended)
    return found


def test_an_uploaded_file_is_looked_at_and_imported(shared: Serving) -> None:
    data = lines(7_000, 3).encode()
    with shared.client() as client:
        upload = client.upload("mine.jsonl", [data[:100], data[100:]])
        told = client.preview_upload(upload)
        assert (told["name"], told["format"], told["bytes"], told["fault"]) == ("mine.jsonl", "otlp", len(data), None)
        found = whole(client, client.import_upload(upload, told, "ann"))
        assert (found["file"], found["author"], counts(found)) == ("mine.jsonl", "ann", (12, 12, 0, 0))
        with pytest.raises(ApiError, match="no longer there"):
            until(lambda: not client.preview_upload(upload))


def test_which_column_is_what_is_told_before_anything_is_stored(shared: Serving) -> None:
    rows = "when,asked,said\n2026-11-01T10:00:00Z,hello,<b>hi</b>\n"
    with shared.client() as client:
        upload = client.upload("calls.csv", [rows.encode()])
        bare = client.preview_upload(upload, "calls")
        assert (bare["columns"], bare["mapping"]) == (["when", "asked", "said"], [])
        assert "No column is known for the time" in bare["fault"]
        told = client.preview_upload(upload, "calls", [("when", "time"), ("asked", "input"), ("said", "output")])
        assert (told["fault"], told["rows"]) == (
            None,
            [{"when": "2026-11-01T10:00:00Z", "asked": "hello", "said": "<b>hi</b>"}],
        )
        found = whole(client, client.import_upload(upload, told))
        assert (counts(found), json.loads(found["mapping"])["asked"]) == ((1, 1, 0, 0), "input")


def test_an_upload_that_is_nothing_is_told_by_its_name_and_can_be_forgotten(shared: Serving) -> None:
    with shared.client() as client:
        upload = client.upload("letter.txt", [b"Dear Sir"])
        with pytest.raises(ApiError, match=r"^letter\.txt looks like no format"):
            client.preview_upload(upload)
        client.forget_upload(upload)
        with pytest.raises(ApiError, match="no longer there"):
            client.preview_upload(upload)
        with pytest.raises(ApiError, match="begins at byte 0, and 3 are there"):
            client._send("POST", f"/api/uploads/{client.upload('a', [b'abc'])}/parts", {"offset": 0}, content=b"abc")


def test_a_part_that_is_sent_twice_at_once_is_there_once(shared: Serving) -> None:
    """Who hears nothing sends a part again, while the first may still be on its way."""

    def sent(path: str) -> int:
        with shared.client() as client:
            try:
                client._send("POST", path, {"offset": 0}, content=b"x" * 4_000_000)
            except ApiError as error:
                return error.status or 0
        return 200

    with shared.client() as client, ThreadPoolExecutor(4) as several:
        upload = client.upload("a", [])
        assert sorted(several.map(sent, [f"/api/uploads/{upload}/parts"] * 4)) == [200, 409, 409, 409]
        with pytest.raises(ApiError, match="and 4,000,000 are there"):
            client._send("POST", f"/api/uploads/{upload}/parts", {"offset": 1}, content=b"x")


def test_an_upload_that_breaks_says_why(shared: Serving) -> None:
    with shared.client() as client:
        data = gzip.compress(lines(8_000, 400).encode())
        upload = client.upload("cut.jsonl.gz", [data[: len(data) // 2]])
        found = whole(client, client.import_upload(upload, client.preview_upload(upload, "otlp")))
    assert found["ended_at"] is None
    assert found["fault"].startswith("cut.jsonl.gz cannot be inflated to its end")


def test_what_a_server_left_is_taken_up_by_the_next(start: Any) -> None:
    serving = start()
    with serving.client() as client:
        upload = client.upload("left.jsonl", [lines(1, 2).encode()])
        told = client.preview_upload(upload)
    serving.end(signal.SIGKILL)
    how = {name: told[name] for name in ("format", "fingerprint", "mapping")} | {"source_project": None}
    order = {"project": "default", "name": "left.jsonl", "author": None, "how": how}
    place = serving.folder / "uploads" / upload / "order.json"
    place.write_text(json.dumps(order | {"import_id": str(uuid.uuid4())}), "utf-8")
    serving.start()
    with serving.client() as client:
        until(lambda: any(one["ended_at"] for one in client.imports()))
        assert counts(client.imports()[0]) == (8, 8, 0, 0)
