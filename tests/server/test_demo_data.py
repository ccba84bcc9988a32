"""The sample data as requests: complete, the same each time, and honest about what is not known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_ab_tests import by_hand
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server import demo
from server.demo import export

DATASETS = demo.datasets_folder()
FOLDERS = ("llmdrift", "ragtruth-qa", "taubench-airline", "captures")
NEWEST = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Sent = list[tuple[Resource, Span]]


@pytest.fixture(scope="module")
def exports() -> list[export.Export]:
    return list(demo.exports(NEWEST))


@pytest.fixture(scope="module")
def sent(exports: list[export.Export]) -> Sent:
    """Spans of the requests that are protobuf, with their resources."""
    return list(spans_of(exports))


def spans_of(exports: list[export.Export]) -> Iterator[tuple[Resource, Span]]:
    for request in exports:
        if request.signal == "traces" and request.content_type == export.PROTOBUF:
            for group in ExportTraceServiceRequest.FromString(request.body).resource_spans:
                yield from ((group.resource, span) for scope in group.scope_spans for span in scope.spans)


def events_of(exports: list[export.Export]) -> Iterator[dict[str, object]]:
    for request in exports:
        if request.signal == "logs":
            for group in ExportLogsServiceRequest.FromString(request.body).resource_logs:
                yield from (known(log.attributes) for scope in group.scope_logs for log in scope.log_records)


def known(attributes: object) -> dict[str, object]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}  # type: ignore[attr-defined]


def of_service(sent: Sent, service: str) -> list[tuple[Span, dict[str, object]]]:
    return [
        (span, known(span.attributes))
        for resource, span in sent
        if known(resource.attributes).get("service.name") == service
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_dataset_names_origin_version_licence_and_cut(folder: str) -> None:
    readme = (DATASETS / folder / "README.md").read_text(encoding="utf-8")
    for heading in ("Origin", "Version", "Licence", "Cut"):
        assert f"\n- {heading}: " in readme


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "captures"])
def test_each_foreign_dataset_carries_its_licence(folder: str) -> None:
    text = (DATASETS / folder / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text or "Permission is hereby granted" in text


def test_the_folder_is_small_and_holds_nothing_that_must_not_be_published() -> None:
    files = [path for path in DATASETS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    assert not [path for path in files if "qags" in str(path).lower() or "wice" in str(path).lower()]


def test_every_answer_of_llmdrift_is_a_call(sent: Sent) -> None:
    answers = list(export.rows(DATASETS / "llmdrift" / "answers.jsonl.gz"))
    calls = of_service(sent, "llmdrift")
    assert len(calls) == len(answers)
    assert sum(int(row["answer_token"]) for row in answers) == sum(a["gen_ai.usage.output_tokens"] for _, a in calls)  # type: ignore[misc]
    assert sorted(float(row["cost"]) for row in answers) == sorted(a["gen_ai.cost.total_cost"] for _, a in calls)  # type: ignore[type-var]
    durations = sorted(span.end_time_unix_nano - span.start_time_unix_nano for span, _ in calls)
    assert durations == sorted(round(float(row["latency"]) * 1e9) for row in answers)


def test_march_ends_before_june_begins(sent: Sent) -> None:
    ends: dict[object, list[int]] = {"2023-03": [], "2023-06": []}
    for span, attributes in of_service(sent, "llmdrift"):
        ends[attributes["variant"]].append(span.end_time_unix_nano)
    assert len(ends["2023-03"]) == len(ends["2023-06"]) == 900
    assert max(ends["2023-03"]) < min(ends["2023-06"])


def test_the_sample_ab_test_serves_what_is_recorded_of_the_snapshot_that_was_dealt(
    exports: list[export.Export], sent: Sent
) -> None:
    stored = pq.read_table(DATASETS / "suites" / "llmdrift" / "gpt-4.parquet").to_pylist()  # as the suites have it
    recorded = {(row["question"], row["snapshot"]): row for row in stored}
    right = iter(a for a in events_of(exports) if a.get("gen_ai.evaluation.name") == "right")
    calls = {(span.trace_id, span.span_id) for span, _ in of_service(sent, "llmdrift")}
    served = of_service(sent, "llmdrift-replay")
    for span, attributes in served:
        arm = by_hand("gpt-4-snapshot", span.trace_id.hex())
        assert attributes["variant"] == f"gpt-4-snapshot:{'2023-03' if arm == 'control' else '2023-06'}"
        asked, answered = (json.loads(str(attributes[f"gen_ai.{way}.messages"]))[0] for way in ("input", "output"))
        row = recorded[asked["parts"][0]["content"], "gpt-4-0314" if arm == "control" else "gpt-4-0613"]
        assert answered["parts"][0]["content"] == row["answer"]
        assert next(right)["gen_ai.evaluation.score.value"] == float(row["reference"] in row["answer"])
        assert {(link.trace_id, link.span_id) for link in span.links} <= calls
    assert len(served) == len(recorded) / 2 == 300


def test_no_token_count_is_made_up(sent: Sent) -> None:
    calls = [*of_service(sent, "llmdrift"), *of_service(sent, "airline-agent"), *of_service(sent, "ragtruth-qa")]
    assert not [a for _, a in calls if "gen_ai.usage.input_tokens" in a]
    assert not [a for _, a in calls[1800:] if any(key.startswith("gen_ai.usage") for key in a)]


def test_assumed_durations_say_so(sent: Sent) -> None:
    for service, said in (("llmdrift", "measured"), ("airline-agent", "assumed"), ("ragtruth-qa", "assumed")):
        assert {a["assayline.sample.duration"] for _, a in of_service(sent, service)} == {said}


def test_the_airline_has_every_message_of_the_agent(sent: Sent) -> None:
    talks = list(export.rows(DATASETS / "taubench-airline" / "conversations.jsonl.gz"))
    roles = [message["role"] for talk in talks for message in talk["traj"]]
    spans = of_service(sent, "airline-agent")
    operations = [a["gen_ai.operation.name"] for _, a in spans]
    assert operations.count("chat") == roles.count("assistant")
    assert operations.count("execute_tool") == roles.count("tool")
    assert len({a["gen_ai.conversation.id"] for _, a in spans}) == len(talks)
    failed = [m for talk in talks for m in talk["traj"] if m["role"] == "tool" and m["content"].startswith("Error")]
    assert len([span for span, _ in spans if span.status.code == 2]) == len(failed) > 0


def test_the_airline_children_lie_within_their_roots(sent: Sent) -> None:
    spans = [span for span, _ in of_service(sent, "airline-agent")]
    roots = {span.span_id: span for span in spans if not span.parent_span_id}
    for span in spans:
        if parent := roots.get(span.parent_span_id):
            assert parent.trace_id == span.trace_id
            assert parent.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
            assert span.end_time_unix_nano <= parent.end_time_unix_nano


def test_every_mark_of_people_is_a_score(sent: Sent) -> None:
    rows = list(export.rows(DATASETS / "ragtruth-qa" / "answers.jsonl.gz"))
    prefix = "annotations.0.annotation."
    marks = [a for _, a in of_service(sent, "ragtruth-qa") if f"{prefix}name" in a]
    assert len(marks) == len(rows)
    assert {mark[f"{prefix}annotator_kind"] for mark in marks} == {"HUMAN"}
    assert len([m for m in marks if m[f"{prefix}score"] == 0.0]) == len([row for row in rows if row["labels"]])


def test_verdicts_of_the_makers_arrive_as_events(exports: list[export.Export]) -> None:
    answers = list(export.rows(DATASETS / "llmdrift" / "answers.jsonl.gz"))
    talks = list(export.rows(DATASETS / "taubench-airline" / "conversations.jsonl.gz"))
    verdicts = [a for a in events_of(exports) if "gen_ai.evaluation.name" in a]
    names = [verdict["gen_ai.evaluation.name"] for verdict in verdicts]
    assert names.count("task_reward") == len(talks)
    assert names.count("directly_usable") == len([row for row in answers if row["dataset"] == "leetcode_easy"])
    assert names.count("answered") == len([row for row in answers if row["dataset"] == "sensitiveq"])
    assert sum(
        v["gen_ai.evaluation.score.value"] for v in verdicts if v["gen_ai.evaluation.name"] == "task_reward"
    ) == (  # type: ignore[misc]
        sum(talk["reward"] for talk in talks)
    )


def test_every_passage_is_a_document(sent: Sent) -> None:
    found = [
        json.loads(str(a["gen_ai.retrieval.documents"]))
        for _, a in of_service(sent, "ragtruth-qa")
        if "gen_ai.retrieval.documents" in a
    ]
    assert {len(documents) for documents in found} == {3}
    assert all(document["content"].strip() for documents in found for document in documents)


def test_every_resource_says_that_it_is_sample_data(exports: list[export.Export], sent: Sent) -> None:
    assert all(known(resource.attributes)["assayline.sample"] is True for resource, _ in sent)
    (as_json,) = [request for request in exports if request.content_type == "application/json"]
    marks = json.loads(as_json.body)["resourceSpans"][0]["resource"]["attributes"]
    assert {"key": "assayline.sample", "value": {"boolValue": True}} in marks


def test_the_newest_span_ends_at_the_moment_given(sent: Sent) -> None:
    assert max(span.end_time_unix_nano for _, span in sent) == int(NEWEST.timestamp()) * 10**9
    trace_id = demo.last_trace().bytes
    (last,) = [span for _, span in sent if span.trace_id == trace_id]
    assert last.end_time_unix_nano == int(NEWEST.timestamp()) * 10**9


def test_ids_are_unique_and_do_not_depend_on_the_moment(exports: list[export.Export], sent: Sent) -> None:
    later = list(spans_of(list(demo.exports(NEWEST.replace(month=5)))))
    ids = [(span.trace_id, span.span_id) for _, span in sent]
    assert len(set(ids)) == len(ids)
    assert ids == [(span.trace_id, span.span_id) for _, span in later]
    assert exports == list(demo.exports(NEWEST))


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(demo.DemoDataMissingError, match="part of the repository"):
        demo.load("http://127.0.0.1:1", folder=tmp_path / "nowhere")


def test_nobody_listening_is_told_with_the_address() -> None:
    with pytest.raises(demo.DemoRefusedError, match=r"http://127\.0\.0\.1:1"):
        demo.load("http://127.0.0.1:1")
