"""What holds of the normaliser for any span: it never raises, order says nothing, stored rows say the same again."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import frames
from collectors.conventions.keys import Keys
from collectors.conventions.kinds import KIND_KEYS
from collectors.conventions.logs import CONTENT_EVENTS, content_of_logs
from collectors.conventions.registry import DIALECTS, joined
from collectors.model import STATUSES, Origin, RawEvent, RawLink, RawLog, RawSpan
from collectors.normalise import normalise
from collectors.normalising.options import NormaliserOptions
from collectors.scores import scores_of_log, scores_of_span

FAMILIES = [
    f"{prefix}.{index}.{rest}"
    for prefix in joined("input_indexed") + joined("output_indexed") + joined("tools_indexed")
    for index, rest in (
        (0, "message.content"), (10, "message.role"), (2, "role"), (2, "content"), (1, "tool_calls.0.name"),
        (0, "message"), (3, "message.contents.0.message_content.text"), (1, "tool.json_schema"), (7, "parameters"),
    )
]  # fmt: skip
KEYS = sorted(
    {key for name in Keys.__slots__ for key in joined(name)}
    | set(KIND_KEYS)
    | set(FAMILIES)
    | {f"retrieval.documents.{n}.document.{m}" for n in (0, 3) for m in ("id", "content", "score", "metadata")}
    | {"embedding.embeddings.0.embedding.text", "annotations.0.annotation.name", "trace.evaluations.1.evaluation.score"}
    | {"traceloop.entity.name", "langfuse.observation.level", "agent_name", "evaluator_name", "scores", "assertions"}
    | {"langsmith.metadata.x", "braintrust.scores", "evaluator_failures"}
)
WORDS = [
    "chat", "LLM", "TOOL", "agent", "stop", "tool_calls", "0", "12", "-1", "1e400", "NaN", "true", "None", "", "gpt-4o",
    "chatcmpl-12345", "__REDACTED__", "[Scrubbed due to 'session']", "2026-01-01T00:00:00Z", "ai.generateText", "{",
    "[{", '{"usage":{"prompt_tokens":3,"completion_tokens":4}}', '[{"role":"user","content":"hi"}]', "ERROR",
    '{"messages":[{"role":"user"', "{'prompt_tokens': 3}", '{"args":[],"kwargs":{}}', "\\", '"', "[[]]", "[null]",
    '{"generations":[[{"text":"a"}]]}', '[{"toolName":"f"}]', '{"content":null,"parts":[1,{}]}',
]  # fmt: skip

MEMBERS = [
    "role", "content", "parts", "usage", "id", "model", "message", "type", "tool_calls", "name", "value", "user_id",
    "source", "user", "input_tokens", "output_tokens", "total", "input", "output", "documents", "metadata", "tools",
    "score",
]  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**70) | st.sampled_from(WORDS) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            MEMBERS
        ),
        inner,
        max_size=4,
    ),
    max_leaves=10,
)  # fmt: skip


def dumped(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer that JSON readers do not take
        return repr(value)


values = st.sampled_from(WORDS) | st.text(max_size=20) | st.none() | json_values.map(dumped)
maps = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=12), values, max_size=12)
times = st.integers(0, 2**64 - 1)
events = st.builds(
    RawEvent,
    times,
    st.sampled_from([*sorted(CONTENT_EVENTS), "exception", "gen_ai.evaluation.result", "First Token"]),
    maps,
)
links = st.builds(RawLink, st.just(b"\3" * 16), st.just(7), maps)
origins = st.builds(Origin, st.integers(0, 2**64 - 1), maps, st.sampled_from(["ai", "langfuse-sdk", "x", ""]))
spans = st.builds(
    RawSpan, origins, st.just(b"\1" * 16), st.just(2), st.sampled_from([None, 9]), st.sampled_from(["a", "f.tool", ""]),
    times, times, maps, status=st.sampled_from(STATUSES), status_message=st.none() | st.text(max_size=9),
    events=st.lists(events, max_size=3), links=st.lists(links, max_size=2),
)  # fmt: skip
logs = st.builds(
    RawLog, origins, st.just(b"\1" * 16) | st.none(), st.just(2) | st.none(), times, st.integers(0, 24), st.none(),
    st.sampled_from([*sorted(CONTENT_EVENTS), "gen_ai.evaluation.result", "claude_code.api_request"]), values, maps,
)  # fmt: skip
options = st.builds(NormaliserOptions, hash_user_ids=st.booleans(), user_id_key=st.just(b"k"))


@given(spans, options)
@settings(max_examples=100)
def test_no_span_makes_it_raise_and_no_step_fails(span: RawSpan, chosen: NormaliserOptions) -> None:
    facts = normalise(span, chosen)
    assert not [note for note in facts.notes if note.startswith("failed:")]
    assert facts.kind is not None


@given(spans, st.randoms(use_true_random=False))
def test_the_order_of_attributes_says_nothing(span: RawSpan, rng: random.Random) -> None:
    items = list(span.attributes.items())
    rng.shuffle(items)
    assert normalise(replace(span, attributes=dict(items))) == normalise(span)


@given(spans, options)
def test_a_stored_row_is_read_as_it_was_received(span: RawSpan, chosen: NormaliserOptions) -> None:
    facts = normalise(span, chosen)
    stored = frames.stored_attributes(span, facts)
    restored = frames.restored_attributes(stored, facts.input_key, facts.input, facts.output_key, facts.output)
    assert normalise(replace(span, attributes=restored), chosen) == facts
    if not chosen.hash_user_ids:
        assert restored == span.attributes


@given(st.lists(spans, max_size=3), st.lists(logs, max_size=3))
def test_every_request_becomes_tables(sent: list[RawSpan], told: list[RawLog]) -> None:
    facts = [normalise(span) for span in sent]
    assert frames.span_table(sent, facts).num_rows == len(sent)
    assert frames.log_table(told).num_rows == len(told)
    frames.tool_definition_table(facts)
    frames.origin_table([span.origin for span in sent])
    scores = [score for span, fact in zip(sent, facts, strict=True) for score in scores_of_span(span, fact)]
    scores += [score for log in told for score in scores_of_log(log)]
    assert frames.score_table(scores).num_rows == len(scores)
    assert all(score.value is None for score in scores if score.error_type)


@given(st.lists(logs, max_size=4))
def test_any_logs_tell_facts(told: list[RawLog]) -> None:
    facts = content_of_logs(told)
    assert (facts.input_key, facts.output_key) == (None, None)


@pytest.mark.parametrize("name", [name for name in Keys.__slots__ if name != "cost_json"])
def test_no_dialect_names_a_key_twice(name: str) -> None:
    for dialect in DIALECTS:
        keys = getattr(dialect, name)
        assert len(set(keys)) == len(keys), keys
