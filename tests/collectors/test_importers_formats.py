"""Exports of other tools, made in their formats (see importers/README.md): counts, token sums, what else they say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from collectors.facts import ScoreFacts, SpanFacts
from collectors.importers import calls, making, pieces
from collectors.importers.decoding import decoded_piece
from collectors.importers.detecting import detected
from collectors.importers.making import nanoseconds, span_id, trace_id
from collectors.importers.pieces import ImportFileError, packed, unpacked
from collectors.importers.reading import How, plan, read
from collectors.model import RawSpan
from collectors.normalise import normalise
from collectors.normalising.options import NormaliserOptions
from collectors.scores import scores_of_log

HERE = Path(__file__).parent / "importers"
TRACE, ROOT, CALL, FAILED = (
    "4bf92f3577b34da6a3ce929d0e0e4736",
    0x00F067AA0BA902B7,
    0xB7AD6B7169203331,
    0x5FB397BE34D26B51,
)
MAPPED = ("when=time", "asked=input", "said=output", "usage_in=input_tokens", "usage_out=output_tokens")


@dataclass
class Found:
    """What a file held, by span id."""

    spans: dict[int, tuple[RawSpan, SpanFacts]] = field(default_factory=dict)
    scores: list[ScoreFacts] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)

    def tokens(self) -> tuple[int, int]:
        facts = [one for _, one in self.spans.values()]
        return sum(one.input_tokens or 0 for one in facts), sum(one.output_tokens or 0 for one in facts)


def found_in(path: Path, *mapping: str) -> Found:
    told = tuple((column, name) for column, _, name in (one.partition("=") for one in mapping))
    made = Found()
    for piece, _ in read(path, plan(path, None, told) if not told else plan(path, "calls", told)):
        held = decoded_piece(unpacked(packed(piece)))
        assert sum(held.received.values()) == len(held.spans) + len(held.logs) + sum(x.count for x in held.rejections)
        made.spans |= {span.span_id: (span, normalise(span, NormaliserOptions())) for span in held.spans}
        made.scores += [score for log in held.logs for score in scores_of_log(log)]
        for one in held.rejections:
            made.rejected[one.reason] = made.rejected.get(one.reason, 0) + one.count
            made.samples.append(one.sample)
    return made


@pytest.mark.parametrize(
    ("name", "kind", "spans", "tokens", "scores", "rejected"),
    [
        pytest.param("langfuse_trace.json", "langfuse", 3, (120, 30), 2, {}, id="langfuse-api"),
        pytest.param(
            "langfuse_observations.jsonl", "langfuse", 4, (127, 35), 0, {"no_time": 1}, id="langfuse-observations"
        ),
        pytest.param("langfuse_traces.csv", "langfuse", 1, (0, 0), 0, {}, id="langfuse-traces-csv"),
        pytest.param("langfuse_scores.jsonl", "langfuse", 0, (0, 0), 2, {"no_id": 1}, id="langfuse-scores"),
        pytest.param("phoenix_spans.json", "phoenix", 3, (120, 30), 0, {}, id="phoenix-rest"),
        pytest.param("phoenix_otlp.json", "phoenix", 3, (120, 30), 0, {}, id="phoenix-otlp"),
        pytest.param("phoenix_frame.jsonl", "phoenix", 3, (120, 30), 0, {}, id="phoenix-data-frame"),
        pytest.param("mlflow_trace.json", "mlflow", 3, (120, 30), 3, {}, id="mlflow-3"),
        pytest.param("mlflow_v2.jsonl", "mlflow", 3, (120, 30), 0, {"unread_kind": 1}, id="mlflow-2-and-3"),
        pytest.param("mlflow_rest.json", "mlflow", 3, (120, 30), 3, {}, id="mlflow-rest"),
        pytest.param("phoenix_annotations.json", "phoenix", 0, (0, 0), 3, {"unread_kind": 1}, id="phoenix-annotations"),
        pytest.param("calls.csv", "calls", 2, (132, 30), 2, {"no_time": 1, "bad_value": 1}, id="calls-csv"),
    ],
)
def test_counts_and_token_sums_are_kept(
    name: str, kind: str, spans: int, tokens: tuple[int, int], scores: int, rejected: dict[str, int]
) -> None:
    assert detected(HERE / name) == kind
    found = found_in(HERE / name)
    assert (len(found.spans), found.tokens(), len(found.scores), found.rejected) == (spans, tokens, scores, rejected)


@pytest.mark.parametrize(
    "name", ["langfuse_trace.json", "langfuse_observations.jsonl", "phoenix_spans.json", "phoenix_otlp.json",
             "phoenix_frame.jsonl", "mlflow_trace.json", "mlflow_v2.jsonl"]
)  # fmt: skip
def test_the_same_trace_is_read_alike(name: str) -> None:
    """An agent's step with one model call and one step that failed, as each tool exports it."""
    found = found_in(HERE / name)
    (root, agent), (call, told), (bad, failed) = (found.spans[one] for one in (ROOT, CALL, FAILED))
    assert {one.trace_id.hex()[1:] for one in (root, call, bad)} == {TRACE[1:]}
    assert (root.parent_span_id, call.parent_span_id, bad.parent_span_id) == (None, ROOT, ROOT)
    assert (agent.kind, told.kind) == ("agent", "llm")
    assert (call.name, (root.start_ns // 10**9, call.end_ns > call.start_ns)) == ("answer", (1793527200, True))
    assert "gpt-4o-mini" in {told.request_model, told.response_model} or name == "mlflow_v2.jsonl"
    assert "2+2" in (told.input or "")
    assert "4" in (told.output or "")
    assert (bad.status, failed.error_message) == ("error", failed.error_message)
    assert failed.error_message is not None


def test_langfuse_says_who_and_what_of_a_trace() -> None:
    found = found_in(HERE / "langfuse_trace.json")
    _, agent = found.spans[ROOT]
    _, call = found.spans[CALL]
    assert (agent.session_id, agent.user_id, agent.tags, agent.release) == ("s1", "ann", ["a", "b"], "1.8")
    assert (call.prompt_name, call.prompt_version, call.reported_cost_usd) == ("sum", "3", 0.0003)
    assert (call.environment, call.ttft_ns, agent.metadata.get("team")) == ("prod", 200_000_000, "core")
    human, judge = found.scores
    assert (human.name, human.value, human.label, human.source, human.author) == (
        "correct",
        1.0,
        "True",
        "human",
        "bob",
    )
    assert (human.span_id, judge.span_id, judge.value, judge.label, judge.source) == (CALL, None, None, "kind", "llm")


def test_langfuse_traces_without_observations_are_spans() -> None:
    found = found_in(HERE / "langfuse_traces.csv")
    ((span, facts),) = found.spans.values()
    assert (span.name, span.trace_id.hex(), facts.session_id, facts.tags) == ("ask", TRACE, "s1", ["a", "b"])
    assert facts.input == 'What, "is"\n2+2?'
    target = found_in(HERE / "langfuse_scores.jsonl").scores[1]
    assert (target.name, target.session_id, target.source) == ("helpful", "s1", "api")


def test_what_was_no_id_of_opentelemetry_is_hashed() -> None:
    found = found_in(HERE / "langfuse_observations.jsonl")
    old = found.spans[int(span_id("cl-7"), 16)]
    assert old[0].trace_id.hex() == trace_id("user-made-id")
    assert (old[1].input_tokens, old[1].output_tokens, old[0].end_ns) == (7, 5, 0)


def test_mlflow_assessments_are_scores() -> None:
    human, judge, broken = found_in(HERE / "mlflow_trace.json").scores
    assert (human.value, human.label, human.source, human.author, human.span_id) == (1.0, "true", "human", "bob", CALL)
    assert (judge.value, judge.source, judge.evaluator, judge.span_id) == (0.5, "llm", "openai:/gpt-4o", None)
    assert (broken.value, broken.error_type) == (None, "RATE_LIMIT")


def test_phoenix_documents_and_exceptions_are_kept() -> None:
    for name in ("phoenix_spans.json", "phoenix_otlp.json", "phoenix_frame.jsonl"):
        span, facts = found_in(HERE / name).spans[FAILED]
        assert "Two and two" in (facts.documents or "")
        assert (span.events[0].name, facts.error_type) == ("exception", "TimeoutError")


def test_a_parquet_file_of_a_data_frame_is_read_too(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (HERE / "phoenix_frame.jsonl").read_text("utf-8").splitlines()]
    frame = pd.DataFrame(rows)
    for name in ("start_time", "end_time"):
        frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True)
    frame.to_parquet(tmp_path / "spans.bin")
    found = found_in(tmp_path / "spans.bin")
    assert found.tokens() == (120, 30)
    assert found.spans[CALL][0].start_ns == found_in(HERE / "phoenix_frame.jsonl").spans[CALL][0].start_ns


def test_calls_are_spans_with_their_columns() -> None:
    found = found_in(HERE / "calls.csv")
    (span, facts), (_, other) = found.spans.values()
    assert (facts.kind, facts.request_model, facts.input, facts.output) == ("llm", "gpt-4o-mini", "What is 2+2?", "4")
    assert (span.end_ns - span.start_ns, facts.reported_cost_usd, facts.user_id) == (800_000_000, 0.0001, "ann")
    assert (facts.metadata, other.output_tokens, other.input) == ({"team": "core"}, None, 'Say "hello",\ntwice')
    assert [(one.name, one.value, one.label) for one in found.scores] == [
        ("helpful", 1.0, None),
        ("helpful", None, "good"),
    ]
    assert found.samples == ["row 3: time 'soon'", "row 4: input_tokens 'many' is no whole number"]


def test_calls_of_other_columns_are_mapped() -> None:
    found = found_in(HERE / "calls.jsonl", *MAPPED)
    assert found.rejected == {"no_content": 1, "not_a_record": 1}
    (_, first), (second, failed) = found.spans.values()
    assert (first.input_tokens, first.output_tokens, first.session_id, first.tags) == (120, 30, "s1", ["a", "b"])
    assert "2+2" in (first.input or "")
    assert (second.start_ns, second.status, failed.error_message) == (1793527320123000000, "error", "rate limit")


def test_the_same_row_of_the_same_file_has_the_same_ids() -> None:
    assert found_in(HERE / "calls.csv").spans.keys() == found_in(HERE / "calls.csv").spans.keys()
    assert len(found_in(HERE / "calls.csv").spans) == 2


@pytest.mark.parametrize(
    ("columns", "told", "said"),
    [
        pytest.param(["a", "prompt"], [("b", "time")], "no column 'b'. It has: a, prompt", id="no-such-column"),
        pytest.param(["when"], [("wen", "time")], "Did you mean 'when'", id="column-misspelt"),
        pytest.param(["when"], [("when", "tim")], "No field is named 'tim'. Did you mean 'time'", id="field-misspelt"),
        pytest.param(["a", "b"], [("a", "time"), ("b", "time")], "'time' is told for two", id="twice"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(columns: list[str], told: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(ImportFileError, match=said):
        calls.guessed(columns, tuple(told))


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        pytest.param((("a", "input"),), "--map COLUMN=time", id="no-time"),
        pytest.param((("a", "time"),), "--map COLUMN=input", id="nothing-said"),
    ],
)
def test_a_call_needs_a_time_and_something_said(mapping: Any, said: str) -> None:
    with pytest.raises(ImportFileError, match=said):
        calls.check_whole(mapping)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-11-01T10:00:00Z", 1793527200 * 10**9, id="iso-utc"),
        pytest.param("2026-11-01 10:00:00.5", 1793527200 * 10**9 + 500_000_000, id="no-zone-is-utc"),
        pytest.param("2026-11-01T12:00:00+02:00", 1793527200 * 10**9, id="zone"),
        pytest.param("2026-11-01 10:00:00 UTC", 1793527200 * 10**9, id="named-utc"),
        pytest.param(1793527200, 1793527200 * 10**9, id="seconds"),
        pytest.param("1793527200.25", 1793527200 * 10**9 + 250_000_000, id="seconds-text"),
        pytest.param(1793527200123456789.0, 1793527200123456768, id="nanoseconds-as-float"),
        pytest.param(1793527200.25, 1793527200 * 10**9 + 250_000_000, id="seconds-as-float"),
        pytest.param(1793527200123, 1793527200123 * 10**6, id="milliseconds"),
        pytest.param(1793527200123456, 1793527200123456 * 10**3, id="microseconds"),
        pytest.param(1793527200123456789, 1793527200123456789, id="nanoseconds"),
        pytest.param("soon", None, id="word"),
        pytest.param(True, None, id="truth"),
        pytest.param(7, None, id="too-small"),
        pytest.param("0001-01-01", None, id="before-1970"),
    ],
)
def test_times(value: object, expected: int | None) -> None:
    assert nanoseconds(value) == expected


def test_columns_that_are_empty_at_first_are_columns(tmp_path: Path) -> None:
    """A column such as `error` has nothing in most rows; of JSON a member is there only where it has something."""
    rows = [{"time": 1793527200 + place, "prompt": "hi", "error": "late" if place == 40 else ""} for place in range(50)]
    csv_file, json_file, parquet_file = (tmp_path / name for name in ("rows.csv", "rows.jsonl", "rows.parquet"))
    pd.DataFrame(rows).to_csv(csv_file, index=False)
    json_file.write_text("".join(json.dumps({k: v for k, v in row.items() if v}) + "\n" for row in rows), "utf-8")
    pd.DataFrame(rows).replace("", None).to_parquet(parquet_file, index=False)
    for file in (csv_file, json_file, parquet_file):
        assert ("error", "error") in plan(file).mapping, file.name
        assert [span.status for span, _ in found_in(file).spans.values()].count("error") == 1, file.name


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        pytest.param("cost", "0,0012", None, id="decimal-comma-is-no-thousand"),
        pytest.param("cost", "1,234", None, id="nobody-knows"),
        pytest.param("cost", "$1,234.50", 1234.5, id="thousands-with-a-point"),
        pytest.param("cost", "1e-4", 0.0001, id="exponent"),
        pytest.param("input_tokens", "1,234,567", 1234567, id="whole-thousands"),
        pytest.param("input_tokens", "12,34", None, id="no-thousands"),
        pytest.param("duration_ms", "1.234,5", None, id="point-for-thousands"),
        pytest.param("end_time", "later", None, id="no-time"),
        pytest.param("end_time", "2026-11-01T10:00:01Z", 1793527201 * 10**9, id="time"),
    ],
)
def test_numbers_of_calls(tmp_path: Path, field: str, text: str, value: float | None) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"time": "2026-11-01T10:00:00Z", "input": "a", field: text}) + "\n", "utf-8")
    found = found_in(file)
    assert found.rejected == ({"bad_value": 1} if value is None else {})
    for span, facts in found.spans.values():
        told = {"cost": facts.reported_cost_usd, "input_tokens": facts.input_tokens}.get(field, span.end_ns)
        assert told == value


def test_one_record_of_any_size_makes_pieces_that_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace is one record of MLflow's: its spans are many requests, and a span larger than one is refused alone."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", 100_000)
    monkeypatch.setattr(making, "MAX_PIECE_BYTES", 1_000_000)
    trace = json.loads((HERE / "mlflow_trace.json").read_text("utf-8"))
    root, call, _ = trace["data"]["spans"]
    text = "x" * 10_000
    more = [call | {"span_id": f"{place:016x}", "attributes": {"mlflow.spanInputs": text}} for place in range(1, 60)]
    huge = call | {"span_id": "f" * 16, "attributes": {"mlflow.spanInputs": text * 130}}
    trace["data"]["spans"] = [root, *more, huge]
    file = tmp_path / "traces.json"
    file.write_text(json.dumps(trace), "utf-8")
    sizes = [len(packed(piece)) for piece, _ in read(file, plan(file))]
    assert max(sizes) < 150_000
    found = found_in(file)
    assert (len(found.spans), found.rejected, len(found.scores)) == (60, {"too_large": 1}, 3)
    assert "of trace 4bf9" in found.samples[0]


def test_numbers_that_json_lacks_are_read(tmp_path: Path) -> None:
    """Python's json writes NaN and Infinity, so that exports have them."""
    file = tmp_path / "trace.json"
    told = (HERE / "mlflow_trace.json").read_text("utf-8").replace('"team": "core"', '"team": NaN')
    file.write_text(told, "utf-8")
    found = found_in(file)
    assert (len(found.spans), found.rejected) == (3, {})
    assert found.spans[ROOT][0].attributes["mlflow.traceTag.team"] == "NaN"


def test_mlflow_rest_has_spans_as_otlp_does() -> None:
    """`GET /api/3.0/mlflow/traces/get`: spans of OpenTelemetry's protobuf as JSON, with values of any kind."""
    found = found_in(HERE / "mlflow_rest.json")
    (root, agent), (call, told), (bad, failed) = (found.spans[one] for one in (ROOT, CALL, FAILED))
    assert {one.trace_id.hex() for one in (root, call, bad)} == {TRACE}
    assert (call.parent_span_id, agent.session_id, agent.kind, told.kind) == (ROOT, "s1", "agent", "llm")
    assert (told.input_tokens, told.output_tokens, told.request_model) == (120, 30, "gpt-4o-mini")
    assert (failed.error_type, failed.error_message) == ("TimeoutError", "late")
    wanted, overridden, instead = found.scores
    assert (wanted.name, wanted.label) == ("facts", '["4","four"]')
    assert (overridden.value, overridden.error_type, overridden.source) == (None, "withdrawn", "llm")
    assert (instead.value, instead.source, instead.span_id) == (0.0, "human", CALL)


def test_verdicts_of_a_trace_that_cannot_be_read_are_kept(tmp_path: Path) -> None:
    """A list of traces without their spans, as a search gives it; a trace of Langfuse without a time."""
    mlflow = json.loads((HERE / "mlflow_trace.json").read_text("utf-8"))["info"]
    langfuse = json.loads((HERE / "langfuse_trace.json").read_text("utf-8")) | {"observations": [], "timestamp": "soon"}
    told: list[tuple[Any, Any, str]] = [("mlflow", {"info": mlflow}, "unread_kind"), ("langfuse", langfuse, "no_time")]
    for kind, row, reason in told:
        file = tmp_path / kind
        file.write_text(json.dumps(row), "utf-8")
        made = [decoded_piece(piece) for piece, _ in read(file, How(kind, ""))]
        assert [one.reason for held in made for one in held.rejections] == [reason]
        found = [score for held in made for log in held.logs for score in scores_of_log(log)]
        assert len(found) == {"mlflow": 3, "langfuse": 2}[kind]
        assert {one.trace_id.hex() for one in found if one.trace_id} == {TRACE}


def test_a_trace_whose_first_span_has_a_parent_elsewhere_keeps_its_session(tmp_path: Path) -> None:
    trace = json.loads((HERE / "mlflow_trace.json").read_text("utf-8"))
    trace["data"]["spans"][0]["parent_span_id"] = "abcdefabcdefabcd"
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(trace), "utf-8")
    spans = found_in(file).spans
    assert [facts.session_id for _, facts in spans.values()] == ["s1", None, None]


def test_phoenix_annotations_are_scores() -> None:
    found = found_in(HERE / "phoenix_annotations.json")
    human, judge, session = found.scores  # the server knows the trace of the fourth, see test_imports.py
    assert (human.name, human.value, human.label, human.explanation) == ("correct", 1.0, "yes", "right")
    assert (human.source, human.author, human.trace_id, human.span_id) == ("human", "bob", bytes.fromhex(TRACE), CALL)
    assert (judge.source, judge.value, judge.evaluator, judge.span_id) == ("llm", 0.5, "tone", None)
    assert (session.session_id, session.label, session.trace_id) == ("s1", "happy", None)
    assert found.rejected == {"unread_kind": 1}


def test_evaluations_beside_spans_of_phoenix_are_scores(tmp_path: Path) -> None:
    lines = (HERE / "phoenix_frame.jsonl").read_text("utf-8").splitlines()
    row = json.loads(lines[1]) | {"eval.Q&A v1.0.score": 0.75, "eval.Q&A v1.0.label": "good", "eval.empty.score": None}
    file = tmp_path / "spans.jsonl"
    broken = json.loads(lines[2]) | {"eval.q.score": "much"}
    file.write_text("\n".join([lines[0], json.dumps(row), json.dumps(broken)]), "utf-8")
    found = found_in(file)
    (told,) = found.scores
    assert (len(found.spans), found.rejected) == (3, {"bad_value": 1})
    assert (told.name, told.value, told.label, told.span_id) == ("Q&A v1.0", 0.75, "good", CALL)


ODD = (None, 1.5, [1, None], {"a": [1]}, {"array_value": {"values": 3}})


def variants(value: Any) -> list[Any]:
    """A record with something odd in the place of each of its members, on all levels, one at a time."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[Any] = []
    for key, one in members:
        for odd in (*ODD, *variants(one)):
            made = value.copy()
            made[key] = odd
            found.append(made)
    return found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("langfuse_trace.json", "langfuse"), ("langfuse_scores.jsonl", "langfuse"), ("phoenix_frame.jsonl", "phoenix"),
        ("phoenix_annotations.json", "phoenix"), ("mlflow_trace.json", "mlflow"), ("mlflow_rest.json", "mlflow"),
    ],
)  # fmt: skip
def test_no_record_ends_an_import_or_spoils_another(tmp_path: Path, name: str, kind: Any) -> None:
    text = (HERE / name).read_text("utf-8")
    record = json.loads(text.splitlines()[0] if name.endswith("l") else text)
    record = record["data"][0] if isinstance(record.get("data"), list) else record
    file = tmp_path / "odd.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in variants(record)), "utf-8")
    rejected = [one for piece, _ in read(file, How(kind, "")) for one in decoded_piece(piece).rejections]
    assert {one.reason for one in rejected} <= {"no_id", "no_time", "bad_value", "unread_kind"}, rejected[:3]
