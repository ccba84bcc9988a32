"""One span as received to what it means: the derived columns of table `spans`. Pure; never raises."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from collectors import messages as shown
from collectors.conventions import content, finish, indexed, payload, providers
from collectors.conventions.content import Content
from collectors.conventions.dialects import of_keys, of_scope
from collectors.conventions.kinds import PLAIN_SPEAKERS, embeds, is_plain, kind_of_word, says_any_model
from collectors.conventions.registry import classify, joined
from collectors.conventions.shapes import Message, to_parts
from collectors.conventions.usage import (
    EXCLUSIVE_KEYS,
    EXCLUSIVE_REASONING_KEYS,
    EXCLUSIVE_SCOPES,
    MAX_TIER,
    Usage,
    detailed,
    settle,
    usage_beside_input,
    usage_of,
)
from collectors.conventions.values import Json, dumps, number, plain, stored_text, strings, truth, whole
from collectors.conventions.view import Index, View
from collectors.facts import Kind, SpanFacts
from collectors.model import RawSpan, TextMap, service_of

NORMALISER_VERSION = 5
"""Stored with every row; bump it whenever the same span would be read differently."""

MAX_NANOSECONDS = 2**63 - 1
HASHED_USER = re.compile(r"uid:[0-9a-f]{32}")
USER_MEMBERS = frozenset({"user_id", "userId", "user"}) | {
    rest
    for key in (*joined("user_id"), *joined("user_id_weak"))
    for field, _, rest in classify(key)
    if field == "metadata"
}
"""Members of metadata and of request parameters that name the user."""

_CALLS: frozenset[Kind] = frozenset({"llm", "embedding"})
_MODELLED: frozenset[Kind] = frozenset({"llm", "embedding", "agent", "reranker"})
_STATUS_CODE = re.compile(r"(?:error code|status[_ ]?code|status|http)\D{0,3}(\d{3})\b", re.IGNORECASE)
_ERROR_NAME = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Timeout|Failure))\s*[:(]")
_FIRST_TOKEN = re.compile(r"first.?(token|chunk)|^new_token$|(?<!prompt)[._]chunk$", re.IGNORECASE)
_TOOL_NAME = re.compile(
    r"^(?:MCP send )?(?:execute_tool|running tool:?|tools/call|ai\.toolCall|tool:?)\s+|\.(?:tool|run)$"
)
_HIDDEN_METADATA = re.compile(
    r"^(LANGSMITH_|LANGCHAIN_|langgraph_|ls_|lc_|__|_type$|checkpoint_ns$|is_langchain_root$)"
)
_PARAMETER_FACTS = frozenset({"request_model", "response_model", "input_tokens"})
_PARAMETERS = ("gen_ai.request.", "llm.request.", "ai.settings.", "llm.invocation_parameters")


@dataclass(frozen=True, slots=True)
class NormaliserOptions:
    """What a team may choose. Defaults read everything and hide nothing."""

    variant_keys: tuple[str, ...] = ("variant", "experiment", "ab_variant", "feature_flag.result.variant")
    hash_user_ids: bool = False
    user_id_key: bytes = b""  # secret of the keyed hash, at most 64 bytes


DEFAULT_OPTIONS = NormaliserOptions()


def normalise(span: RawSpan, options: NormaliserOptions = DEFAULT_OPTIONS) -> SpanFacts:
    """Derive every column that one span alone can tell.

    The result depends on the stored form of the span only, and not on the order of its attributes, so that running it
    over stored rows gives what ingest gave. A source that cannot be read is passed over for the next one and noted.
    """
    facts = SpanFacts()
    view = View(span.attributes)
    for step in view.index.once(_steps):
        try:
            step(span, view, facts, options)
        except Exception:  # noqa: BLE001 - one fact that cannot be read must not cost the span its others
            view.note(f"failed:{step.__name__.strip('_')}")
    facts.notes = sorted(view.notes)
    return facts


Step = Callable[[RawSpan, View, SpanFacts, NormaliserOptions], None]


def _steps(index: Index) -> tuple[Step, ...]:
    """The steps that have something to read."""
    return tuple(step for step, fields in _STEPS if not fields or index.any(fields))


def _origin(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    origin = span.origin
    sdk, facts.service, environment, release = origin.once(_of_resource)
    facts.dialect = of_scope(origin.scope_name) or view.index.once(_dialect_by_keys, sdk == "openlit")
    facts.environment = view.text("environment") or environment
    facts.release = view.text("release") or release


def _of_resource(resource: TextMap) -> tuple[str | None, str | None, str | None, str | None]:
    """SDK, service, environment and release."""
    environment = (
        plain(resource.get("deployment.environment.name"))
        or plain(resource.get("deployment.environment"))
        or plain(resource.get("langfuse.environment"))
    )
    release = plain(resource.get("service.version") or resource.get("langfuse.release"))
    return resource.get("telemetry.sdk.name"), service_of(resource), environment, release


def _dialect_by_keys(index: Index, is_openlit: bool) -> str | None:
    return of_keys(index.keys, is_openlit)


def _kind(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    kind = _told_kind(span, view)
    facts.kind = "workflow" if kind == "tool" and _sums_up_tools(view) else kind


def _told_kind(span: RawSpan, view: View) -> Kind:
    for key, value in view.items("kind"):
        word = plain(value) or ""
        if word[:1] == "{":  # braintrust.span_attributes
            held = view.json(key)
            word = str(held.get("type", "")) if isinstance(held, dict) else ""
        kind = kind_of_word(key, word)
        if kind is not None and not (is_plain(key, word) and not _is_of_models(span, view)):
            return _kind_of_model_call(span, view, word) if kind == "llm" else kind
    return _kind_by_keys(span, view)


def _sums_up_tools(view: View) -> bool:
    """Google ADK adds a span `(merged tools)` to parallel executions. No provider accepts a tool of such a name."""
    return (view.text("tool_name") or "").startswith("(")


def _is_of_models(span: RawSpan, view: View) -> bool:
    """Whether something besides its type says that a span has to do with models."""
    names = (span.origin.scope_name, span.name, view.attributes.get("framework") or "")
    return view.any(_OF_MODELS) or any(name.startswith(PLAIN_SPEAKERS) for name in names)


_OF_MODELS = frozenset(
    {
        "provider", "request_model", "response_model", "model_weak", "response_id", "input_tokens", "output_tokens",
        "total_tokens", "usage_json", "aggregated_input", "cost", "cost_json", "ttft_s", "ttft_ms", "finish_reason",
        "prompt_name", "agent_name", "tool_name", "tool_call_id", "params_json", "input", "output", "output_text",
        "output_tool_calls", "system_instructions", "tool_definitions", "documents_json", "input_indexed",
        "output_indexed", "tools_indexed", "documents_indexed", "texts_indexed",
    }
)  # fmt: skip
"""Facts that nothing but model telemetry tells; bare words such as `input` and `query` are none."""


def _kind_of_model_call(span: RawSpan, view: View, word: str) -> Kind:
    """Where the word says no more than that a model was called, the model's name decides."""
    if _only_prepares(span, view):
        return "workflow"
    return _kind_by_model(view) if says_any_model(word) else "llm"


def _kind_by_model(view: View) -> Kind:
    return "embedding" if embeds(view.text("request_model", "response_model")) else "llm"


def _only_prepares(span: RawSpan, view: View) -> bool:
    """LlamaIndex marks `OpenAI._prepare_chat_with_tools` as a model call: it builds the request and sends nothing."""
    return "_prepare" in span.name and span.name.rpartition(".")[2].startswith("_prepare") and not view.any(_USAGE)


def _kind_by_keys(span: RawSpan, view: View) -> Kind:
    attributes = span.attributes
    called = "gen_ai.tool.call.id" in attributes or "tool_arguments" in attributes
    run = "tool_input" in view.found and "tool_name" in view.found and "request_model" not in view.found
    signs: tuple[tuple[bool, Kind], ...] = (
        ("evaluator_name" in attributes, "evaluator"),
        (span.name == "running tools" or span.name.startswith(("evaluate {", "case: {")), "workflow"),
        ("aggregated_input" in view.found or ("agent_name" in attributes and "both_json" in view.found), "agent"),
        ("texts_indexed" in view.found or "embedding.model_name" in attributes, "embedding"),
        ("documents_indexed" in view.found or "gen_ai.retrieval.documents" in attributes, "retriever"),
        (called or run, "tool"),
    )
    return next((kind for holds, kind in signs if holds), None) or _kind_of_call(view, attributes)


_CALLED = frozenset({"response_id", "provider", "output_indexed"})
_ANSWERED = frozenset({"output_indexed", "input_tokens", "output_tokens", "usage_json"})


def _kind_of_call(view: View, attributes: TextMap) -> Kind:
    model = any(key in attributes for key in ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name"))
    told = view.any(_ANSWERED)
    messages = "gen_ai.output.messages" in attributes or "gen_ai.completion" in attributes
    if model and (told or messages or "provider" in view.found):
        return _kind_by_model(view)
    usage = attributes.keys() & {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "llm.token_count.prompt"}
    return "llm" if usage and view.any(_CALLED) else "other"


def _content(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    given = content.find(view, span, facts.kind, "input")
    answered = content.find(view, span, facts.kind, "output")
    if given and answered and given.key == answered.key and given.key is not None:
        answered = Content(dumps(shown.messages(answered.text, answered.key, "output")), None)
    if given:
        facts.input, facts.input_key = given.text, given.key
    if answered:
        facts.output, facts.output_key = answered.text, answered.key
    if facts.kind in _CALLS:
        _read_call(facts, _messages(view, given, "input"), _messages(view, answered, "output"))
    known = facts.input is not None or facts.output is not None
    facts.content_rank = 2 if known else int(_has_parameters(view))


def _messages(view: View, found: Content | None, side: shown.Side) -> list[Message]:
    if found is None:
        return []
    if found.messages is not None:
        return found.messages
    read = shown.messages(found.text, found.key, side)
    if read and any(part.get("cut") for part in read[-1]["parts"]):
        view.note("content_truncated")
    return read


def _read_call(facts: SpanFacts, given: list[Message], answered: list[Message]) -> None:
    """What the messages themselves tell of a model call."""
    if facts.kind == "llm":
        facts.content_hash = shown.content_hash(given, answered)
    system = [part for message in given if message["role"] == "system" for part in message["parts"]]
    if system:
        facts.system_instructions = dumps(system)
    raw = next((reason for m in answered if (reason := finish.raw_reason(m.get("finish_reason")))), None)
    facts.finish_reason_raw = raw
    if any(part["type"] == "tool_call" for message in answered for part in message["parts"]):
        facts.finish_reason = "tool_call"  # a mark for _finish: the answer asks for tools


def _has_parameters(view: View) -> bool:
    return view.any(_PARAMETER_FACTS) or view.index.once(_tells_parameters)


def _tells_parameters(index: Index) -> bool:
    return any(key.startswith(_PARAMETERS) for key in index.keys)


def _instructions(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    for key, value in view.items("system_instructions"):
        read = view.json(key)
        parts = to_parts(value if read is None else read)
        if parts:
            facts.system_instructions = dumps(parts)
            return


def _models(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    facts.response_id = _response_id(view)
    facts.request_model = view.text("request_model")
    facts.response_model = view.text("response_model")
    if facts.request_model is None and "params_json" in view.found:
        facts.request_model = next((m for held in _params(view) if (m := _model_in(held))), None)
    weak = view.text("model_weak")
    if weak and facts.request_model is None and "llm.model_name" not in view.attributes and facts.kind in _MODELLED:
        facts.request_model = weak


def _response_id(view: View) -> str | None:
    found = view.text("response_id")
    return None if found is None or _BARE_UUID.fullmatch(found) else found


_BARE_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
"""A library's own number for the call (LiteLLM on errors), not the provider's."""


def _params(view: View) -> Iterator[dict[str, Json]]:
    for key, _ in view.items("params_json"):
        held = view.json(key)
        if isinstance(held, dict):
            yield held


def _model_in(held: dict[str, Json]) -> str | None:
    found = (held.get(name) for name in ("model", "model_name", "modelId", "model_id", "deployment"))
    return next((value for value in found if isinstance(value, str) and value), None)


def _usage(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    if facts.kind not in _CALLS and not view.any(_USAGE):
        return
    usage = Usage()
    for name in view.index.once(_counts):
        setattr(usage, name, view.read(f"{name}_tokens", whole))
    aggregated = "aggregated_input" in view.found or "aggregated_output" in view.found
    if aggregated and usage.input is None and usage.output is None:
        _read_aggregated(view, usage)
    usage.disjoint_cache = _is_told_by(view, "input_tokens", EXCLUSIVE_KEYS) or (
        span.origin.scope_name.startswith(EXCLUSIVE_SCOPES)
    )
    if usage.reasoning is not None:
        usage.disjoint_reasoning = _is_told_by(view, "reasoning_tokens", EXCLUSIVE_REASONING_KEYS)
    if not usage.complete:
        _usage_in_json(view, facts, usage)
    if facts.kind in _CALLS:
        _read_payloads(view, facts, usage)
    if view.any(_PARTS):
        _usage_parts(view, usage)
    if not _told_nothing(span, facts, usage):
        _store_usage(view, facts, usage)
    facts.usage_role = _role(facts, usage, aggregated)


_USAGE = frozenset(
    {
        "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
        "usage_json", "aggregated_input", "aggregated_output",
    }
)  # fmt: skip


_PARTS = frozenset({"usage_detail", "service_tier"})


def _usage_parts(view: View, usage: Usage) -> None:
    """What a price depends on besides the five counts, from attributes of their own: they go before usage objects."""
    detailed(usage, reversed(view.items("usage_detail")))
    tier = view.text("service_tier")
    if tier and len(tier) <= MAX_TIER:
        usage.tier = tier.lower()


def _counts(index: Index) -> tuple[str, ...]:
    named = ("input", "output", "total", "cache_read", "cache_write", "reasoning")
    return tuple(name for name in named if f"{name}_tokens" in index.found)


def _is_told_by(view: View, field: str, keys: frozenset[str]) -> bool:
    """Whether the attribute that tells the count is one of the keys."""
    slots = view.found.get(field, ())
    told = (key for _, key, _ in slots if whole(view.attributes[key]) is not None)
    return any(key in keys for _, key, _ in slots) and next(told, None) in keys


def _read_aggregated(view: View, usage: Usage) -> None:
    usage.input = view.read("aggregated_input", whole)
    usage.output = view.read("aggregated_output", whole)
    prefix = "gen_ai.aggregated_usage."
    told = {key[len(prefix) :]: value for key, value in view.attributes.items() if key.startswith(prefix)}
    usage.cache_read = whole(told.get("cache_read.input_tokens"))
    usage.cache_write = whole(told.get("cache_write.input_tokens") or told.get("cache_creation.input_tokens"))
    usage.reasoning = whole(told.get("reasoning.output_tokens") or told.get("details.reasoning_tokens"))


def _usage_in_json(view: View, facts: SpanFacts, usage: Usage) -> None:
    """Usage objects in attributes made for them."""
    for key, _ in view.items("usage_json"):
        held = view.json(key)
        told = usage_of(held)
        if not told:
            told = payload.read_payload(held).usage
        elif whole(held.get("input")) is not None and _counts_cache_apart(view, facts):
            told.disjoint_cache = True  # Langfuse's name for whatever its caller takes for the input
        if told:
            _merge(usage, told)
        else:
            _merge_beside(usage, usage_beside_input(held))
        if usage.complete:
            return


def _counts_cache_apart(view: View, facts: SpanFacts) -> bool:
    """Whether the provider's own input count leaves the cache out."""
    model = facts.response_model or facts.request_model or ""
    return "claude" in model.lower() or _told_provider(view) in {"anthropic", "aws.bedrock"}


def _merge(usage: Usage, told: Usage) -> None:
    """Fill gaps from another telling of the same usage; a raw one that omits the cache shows that ours does too."""
    if usage.input is None or usage.input == told.input:
        usage.disjoint_cache |= told.disjoint_cache
        if told.disjoint_cache and told.total is None:
            usage.total = None  # a library's sum of the provider's counts: no witness against the provider's shape
    if usage.output is None or usage.output == told.output:
        usage.disjoint_reasoning |= told.disjoint_reasoning
    if usage.input is not None and told.input is not None and usage.input != told.input:
        told.total = None  # another count, perhaps settled already: its total is no witness for ours
    usage.fill(told)


def _merge_beside(usage: Usage, told: Usage) -> None:
    """Fill gaps from counts that stand beside ours; Vercel 6 and later tell all of them anew, and an input with cache.

    Up to Vercel 5 a total is its sum of the provider's counts, so it is no witness of what these leave out.
    """
    news = (usage.cache_read is None and told.cache_read is not None) or (
        usage.cache_write is None and told.cache_write is not None
    )
    if told.disjoint_cache and news:
        usage.disjoint_cache, usage.total = True, None
    usage.fill(told)


def _read_payloads(view: View, facts: SpanFacts, usage: Usage) -> None:
    """The provider's answer inside JSON attributes: the last source of usage, id, model and finish reason."""
    attributes = view.attributes
    for key in view.index.once(_answer_keys):
        text = attributes[key]
        if not text or text[0] not in "{[":
            continue
        if usage.complete and facts.response_id and facts.response_model and facts.finish_reason_raw:
            return
        if not payload.MARKERS.search(text):
            continue
        found = payload.read_payload(view.json(key))
        if found.usage:
            _merge(usage, found.usage)
        facts.response_id = facts.response_id or _told(found.response_id)
        facts.response_model = facts.response_model or found.model
        if facts.finish_reason_raw is None:
            facts.finish_reason_raw = finish.raw_reason(found.finish_reason)
    if facts.request_model is None:
        facts.request_model = _requested_model(view)


def _told(response_id: str | None) -> str | None:
    return None if response_id is None or _BARE_UUID.fullmatch(response_id) else response_id


_READ_ELSEWHERE = ("input", "input_weak", "params_json", "both_json", "usage_json")
_NO_ANSWERS = ("llm.input_", "llm.tools.", "logfire.metrics")
_NO_ANSWER = frozenset({"gen_ai.output.messages", "gen_ai.input.messages"})


def _answer_keys(index: Index) -> list[str]:
    """Attributes that may hold the answer as JSON: outputs first, then whatever else may be JSON."""
    named = [key for field in ("output", "output_weak") for _, key, _ in index.found.get(field, ())]
    inputs = {key for field in _READ_ELSEWHERE for _, key, _ in index.found.get(field, ())}
    rest = sorted(key for key in index.keys if key not in inputs and not key.startswith(_NO_ANSWERS))
    return [key for key in dict.fromkeys([*named, *rest]) if key not in _NO_ANSWER]


def _requested_model(view: View) -> str | None:
    for field in ("input", "input_weak"):
        for key, value in view.items(field):
            if value[:1] == "{" and '"model' in value:
                held = view.json(key)
                model = _model_in(held) if isinstance(held, dict) else None
                if model:
                    return model
    return None


def _told_nothing(span: RawSpan, facts: SpanFacts, usage: Usage) -> bool:
    """Zeros for a call that failed before it was answered, or whose provider told no counts: unknown, not nothing."""
    if usage.input or usage.output:
        return False
    if span.status == "error":
        return True
    rest = usage.total or usage.cache_read or usage.cache_write or usage.reasoning
    return not rest and facts.kind not in {"embedding", "reranker"}  # those two may be billed by other units


def _store_usage(view: View, facts: SpanFacts, usage: Usage) -> None:
    for code in settle(usage):
        view.note(code)
    if usage.total is not None and usage.input is not None and facts.kind == "llm":
        _output_of_total(view, facts, usage, usage.total - usage.input)
    if facts.kind == "embedding" and usage.input is None:
        usage.input = usage.total
    facts.input_tokens, facts.output_tokens = usage.input, usage.output
    facts.cache_read_tokens, facts.cache_write_tokens = usage.cache_read, usage.cache_write
    facts.reasoning_tokens = usage.reasoning
    if usage.details:
        facts.usage_details = dumps(dict(sorted(usage.details.items())))
    facts.service_tier = usage.tier


def _output_of_total(view: View, facts: SpanFacts, usage: Usage, rest: int) -> None:
    """What the total leaves for the output, where that is untold or, of Gemini's thinking, told in the total alone."""
    if usage.output is None:
        usage.output = rest if rest >= 0 else None
    elif rest > usage.output and usage.reasoning is None and (facts.request_model or "").startswith("gemini"):
        usage.output = rest
        view.note("usage_excludes_reasoning")


def _role(facts: SpanFacts, usage: Usage, aggregated: bool) -> Literal["leaf", "aggregate"] | None:
    if aggregated:
        return "aggregate"
    if facts.kind in _CALLS:
        return "leaf"
    if not usage:
        return None
    return "leaf" if facts.kind == "reranker" else "aggregate"


def _names(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    if facts.kind not in _CALLS and not view.any(_NAMES):
        return
    _openinference_model(span, view, facts)
    if facts.request_model is None and facts.kind in _CALLS and view.any(_METADATA):
        facts.request_model = _member(_metadata_texts(view), "ls_model_name")
    facts.request_model = facts.request_model and providers.model_name(facts.request_model)
    facts.response_model = facts.response_model and providers.model_name(facts.response_model)
    facts.provider = _told_provider(view)
    if facts.provider is None and facts.kind in _CALLS:
        model = facts.response_model or facts.request_model
        facts.provider = providers.provider_of_model(model, facts.response_id)


def _told_provider(view: View) -> str | None:
    for _, value in view.items("provider"):
        found = providers.provider_of(plain(value) or "")
        if found:
            return found
    return providers.provider_of(_metadata_texts(view).get("ls_provider") or "")


_NAMES = frozenset({"provider", "request_model", "response_model", "model_weak", "params_json"})


def _openinference_model(span: RawSpan, view: View, facts: SpanFacts) -> None:
    """`llm.model_name` is the answer's model with most instrumentors, and the request's with some: the rest decides."""
    named = plain(view.attributes.get("llm.model_name"))
    if named is None or facts.kind not in _MODELLED:
        return
    if facts.response_model is None and span.status != "error":
        facts.response_model = named
    elif facts.request_model is None and named != facts.response_model:
        facts.request_model = named


def _finish(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    calls_tools = facts.finish_reason == "tool_call"
    facts.finish_reason = None
    raw = view.read("finish_reason", finish.raw_reason) or facts.finish_reason_raw or _finish_in_events(span)
    if raw is None or facts.kind in {"tool", "retriever"}:
        facts.finish_reason_raw = None
        facts.finish_reason = "tool_call" if calls_tools else None  # nobody told the reason; the answer shows it
        return
    facts.finish_reason_raw = raw
    reason = finish.finish_reason(raw)
    facts.finish_reason = "tool_call" if reason == "stop" and calls_tools else reason


def _finish_in_events(span: RawSpan) -> str | None:
    for event in span.events:
        if event.name == "gen_ai.choice":
            return finish.raw_reason(event.attributes.get("finish_reason"))
    return None


_MOST_USD = 1e9  # what one call may be said to cost; more is no amount of dollars, and stays in the attributes


def _cost(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    cost = view.read("cost", number)
    if cost is None:
        cost = next((c for key, _ in view.items("cost_json") if (c := _total_cost(view.json(key))) is not None), None)
    if cost is None:
        cost = view.read("cost_nonzero", number) or None
    facts.reported_cost_usd = cost if cost is not None and 0 <= cost <= _MOST_USD else None


def _total_cost(held: Json) -> float | None:
    if not isinstance(held, dict):
        return None
    for name in ("total", "total_cost", "totalCost"):
        total = number(held.get(name))
        if total is not None:
            return total
    amounts = [amount for value in held.values() if (amount := number(value)) is not None]
    return sum(amounts) if amounts else None


def _time(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    duration = span.end_ns - span.start_ns
    if duration < 0:
        view.note("never_ended" if span.end_ns == 0 else "ended_before_start")
    if duration > MAX_NANOSECONDS:
        view.note("duration_out_of_range")
    if span.dropped_attributes:
        view.note("attributes_dropped")
    if span.events or view.any(_STREAMED) or "ai.operationId" in span.attributes:
        _stream(span, view, facts, duration)


_STREAMED = frozenset({"streaming", "ttft_s", "ttft_ms", "ttft_time", "params_json"})


def _stream(span: RawSpan, view: View, facts: SpanFacts, duration: int) -> None:
    """Whether the answer was streamed, and when its first token came."""
    facts.streaming = _streaming(span, view)
    first = _first_token(span, view)
    if first is None:
        facts.streaming = _asked_to_stream(view) if facts.streaming is None else facts.streaming
        return
    if facts.streaming is False or not 0 < first <= MAX_NANOSECONDS or (0 <= duration < first):
        view.note("ttft_implausible")
        return
    facts.ttft_ns, facts.streaming = first, True


def _streaming(span: RawSpan, view: View) -> bool | None:
    told = view.read("streaming", truth)
    if told is not None:
        return told
    operation = span.attributes.get("ai.operationId") or ""
    return True if "stream" in operation.lower() else None


def _asked_to_stream(view: View) -> bool | None:
    """`stream` among the request's parameters; a false one says nothing: LangChain tells the model object's default."""
    return True if any(truth(held.get("stream")) for held in _params(view)) else None


def _first_token(span: RawSpan, view: View) -> int | None:
    """Nanoseconds from the span's start to the first token, by any telling; null without one."""
    for field, scale in (("ttft_s", 1e9), ("ttft_ms", 1e6)):
        value = _taken(view, field)
        if value is not None and abs(value) < 1e9:
            return _plausible(round(value * scale), span, view)
    stamp = view.text("ttft_time")
    if stamp:
        moment = _instant_ns(stamp)
        return None if moment is None else moment - span.start_ns
    moments = [event.time_ns for event in span.events if _FIRST_TOKEN.search(event.name)]
    return min(moments) - span.start_ns if moments else None


def _taken(view: View, field: str) -> float | None:
    """The first time that is not 0, which stands for one that nobody took."""
    if field not in view.found:
        return None
    return view.read(field, number) or next((t for _, text in view.items(field) if (t := number(text))), None)


def _plausible(first: int, span: RawSpan, view: View) -> int:
    """Seconds that outlast the span but fit as milliseconds are milliseconds: Strands sends those under OTel's key."""
    duration = span.end_ns - span.start_ns
    if first > duration >= first // 1000 >= 10_000_000:
        view.note("ttft_read_as_ms")
        return first // 1000
    return first


def _instant_ns(stamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _identity(_: RawSpan, view: View, facts: SpanFacts, options: NormaliserOptions) -> None:
    metadata = _metadata_texts(view)
    facts.session_id = _session(view, metadata)
    user = (
        view.text("user_id") or _member(metadata, "user_id", "userId") or view.text("user_id_weak") or _sent_user(view)
    )
    facts.user_id = hashed_user(user, options.user_id_key) if user and options.hash_user_ids else user
    if metadata:
        facts.metadata = {k: v for k, v in metadata.items() if not _HIDDEN_METADATA.match(k)}
    if facts.user_id != user:
        facts.metadata = {k: facts.user_id if k in USER_MEMBERS else v for k, v in facts.metadata.items()}
    facts.tags = _tags(view)
    facts.variant = _variant(view, metadata, options.variant_keys)


def _session(view: View, metadata: TextMap) -> str | None:
    """A name that was given; else, noted, one that a library may have made up for a single run, as pydantic-ai does."""
    named = view.text("session_id") or _member(metadata, "session_id", "sessionId", "thread_id", "threadId")
    if named:
        return named
    found = view.text("session_id_weak") or _member(metadata, "conversation_id")
    if found:
        view.note("session_weak")
    return found


def hashed_user(user: str, key: bytes) -> str:
    """A keyed hash `uid:<32 hex>` of a user id; one that is hashed already stays."""
    if HASHED_USER.fullmatch(user):
        return user
    return f"uid:{hashlib.blake2b(user.encode(errors='replace'), digest_size=16, key=key[:64]).hexdigest()}"


def _member(metadata: TextMap, *names: str) -> str | None:
    return next((value for name in names if (value := plain(metadata.get(name)))), None) if metadata else None


def _sent_user(view: View) -> str | None:
    return next((u for held in _params(view) if isinstance(u := held.get("user"), str) and u), None)


def _metadata_texts(view: View) -> TextMap:
    """Metadata of all sources as one map; where two name the same member the better source counts."""
    found: TextMap = {}
    if not view.any(_METADATA):
        return found
    for _, key, rest in view.slots("metadata"):
        value = plain(view.attributes[key])
        if value is not None:
            found.setdefault(rest, value)
    for key, _ in view.items("metadata_json"):
        held = view.json(key)
        for name, value in held.items() if isinstance(held, dict) else ():
            text = plain(stored_text(value))
            if text is not None:
                found.setdefault(str(name), text)
    return found


_METADATA = frozenset({"metadata", "metadata_json"})


def _tags(view: View) -> list[str]:
    for key, value in view.items("tags"):
        held = view.json(key)
        found = strings(held) if isinstance(held, list) else (plain(value) or "").split(",")
        found = list(dict.fromkeys(tag.strip() for tag in found if tag.strip()))
        if found:
            return found
    return []


def _variant(view: View, metadata: TextMap, keys: tuple[str, ...]) -> str | None:
    for key in keys if metadata else view.index.once(_held, keys):
        found = plain(view.attributes.get(key)) or plain(metadata.get(key))
        if found:
            return found
    return None


def _held(index: Index, keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for key in keys if key in index.keys)


def _prompt(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    facts.prompt_name = view.text("prompt_name")
    facts.prompt_version = view.text("prompt_version")
    for key, _value in view.items("prompt_json"):
        held = view.json(key)
        if isinstance(held, dict) and facts.prompt_name is None:
            facts.prompt_name = plain(stored_text(held.get("name")))
            facts.prompt_version = plain(stored_text(held.get("version")))


def _agents(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    if facts.kind not in {"agent", "tool"} and not view.any(_AGENTS):
        return
    facts.agent_name = view.text("agent_name")
    if facts.agent_name is None and view.any(_METADATA):
        facts.agent_name = _member(_metadata_texts(view), "lc_agent_name")
    entity = plain(span.attributes.get("traceloop.entity.name"))
    if facts.agent_name is None and facts.kind == "agent":
        facts.agent_name = entity
    facts.workflow_name = view.text("workflow_name")
    if facts.kind == "tool":
        facts.tool_name = view.text("tool_name") or entity or _TOOL_NAME.sub("", span.name) or None
    elif "tool_name" in view.found:
        facts.tool_name = view.text("tool_name")
    facts.tool_call_id = view.text("tool_call_id")


_AGENTS = frozenset({"agent_name", "workflow_name", "tool_name", "tool_call_id", "metadata", "metadata_json"})


def _tools(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    if facts.kind not in {"llm", "agent", "workflow"}:
        return
    found: Json = None
    for key, _value in view.items("tool_definitions"):
        found = found or _definitions(view.json(key))
    if not found and "tools_indexed" in view.found:
        found = indexed.tools(view)
    for held in _params(view) if not found else ():
        found = found or _definitions(held.get("tools")) or _definitions(_offered(held))
    if found:
        facts.tool_definitions = dumps(found)


def _offered(held: dict[str, Json]) -> Json:
    """pydantic-ai's `model_request_parameters`."""
    offered = [tool for name in ("function_tools", "output_tools") for tool in held.get(name) or ()]
    return offered or None


def _definitions(held: Json) -> Json:
    if not isinstance(held, list) or not held:
        return None
    opened = [view_tool if not isinstance(view_tool, str) else _parsed(view_tool) for view_tool in held]
    return opened if any(isinstance(tool, dict) for tool in opened) else None


def _parsed(text: str) -> Json:
    read, cut = shown.read(text)
    return text if cut else read


def _documents(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    if facts.kind not in {"retriever", "reranker"} and not view.any(_DOCUMENTS):
        return
    found = indexed.documents(indexed.lists(view, "documents_indexed")) if "documents_indexed" in view.found else []
    for key, _value in view.items("documents_json"):
        held = view.json(key)
        found = found or indexed.documents(held if isinstance(held, list) else [])
    if facts.kind in {"retriever", "reranker"} and not (found and found[0]["id"] is not None):
        answered = indexed.documents(_in_output(facts))
        found = answered if len(answered) >= len(found) else found
        found = found or indexed.documents(_in_events(span))
    if found:
        facts.documents = dumps(found)


_DOCUMENTS = frozenset({"documents_indexed", "documents_json"})


def _in_output(facts: SpanFacts) -> list[Json]:
    held, cut = shown.read(facts.output or "")
    if isinstance(held, dict):
        names = ("documents", "results", "nodes", "matches", "output", "source_nodes")
        held = next((held[name] for name in names if isinstance(held.get(name), list)), None)
    return held if isinstance(held, list) and not cut and not any(isinstance(item, str) for item in held) else []


def _in_events(span: RawSpan) -> list[Json]:
    prefix = "db.query.result."
    results = [event for event in span.events if event.name == "db.query.result"]
    return [{k.removeprefix(prefix): v for k, v in event.attributes.items()} for event in results]


def _errors(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    if span.status != "error" and facts.finish_reason != "error" and not view.index.once(_tells_errors):
        return
    attributes = span.attributes
    facts.http_status = _http_status(view.read("http_status", whole))
    kind = view.text("error_type")
    level = (attributes.get("langfuse.observation.level") or "").strip('"').upper()
    tool_failed = (attributes.get("gen_ai.tool.status") or "").lower() in {"error", "failed"}
    if (
        span.status != "error"
        and kind is None
        and level != "ERROR"
        and not tool_failed
        and facts.finish_reason != "error"
    ):
        return
    raised = next((event for event in reversed(span.events) if event.name == "exception"), None)
    details = raised.attributes if raised else {}
    message = span.status_message or plain(details.get("exception.message")) or view.text("error_message")
    facts.error_message = message
    named = _ERROR_NAME.match(message or "")
    facts.error_type = kind or plain(details.get("exception.type")) or (named.group(1) if named else None) or "_OTHER"
    if facts.http_status is None or facts.http_status < 400:
        facts.http_status = _told_status(facts.error_type, message) or facts.http_status


def _tells_errors(index: Index) -> bool:
    return index.any(_ERRORS) or not {"langfuse.observation.level", "gen_ai.tool.status"}.isdisjoint(index.keys)


_ERRORS = frozenset({"http_status", "error_type"})


def _http_status(code: int | None) -> int | None:
    return code if code is not None and 100 <= code <= 599 else None


def _told_status(kind: str, message: str | None) -> int | None:
    if kind.isdecimal():
        return _http_status(int(kind[:9]))
    found = _STATUS_CODE.search(message or "")
    return _http_status(int(found.group(1))) if found else None


_MODELS = frozenset({"response_id", "request_model", "response_model", "params_json", "model_weak"})
_COSTS = frozenset({"cost", "cost_json", "cost_nonzero"})
_PROMPTS = frozenset({"prompt_name", "prompt_version", "prompt_json"})
_TOOLS = frozenset({"tool_definitions", "tools_indexed", "params_json"})
_STEPS: tuple[tuple[Step, frozenset[str]], ...] = (  # with the facts without whose attributes a step has nothing to do
    (_origin, frozenset()), (_kind, frozenset()), (_content, frozenset()),
    (_instructions, frozenset({"system_instructions"})), (_models, _MODELS), (_usage, frozenset()),
    (_names, frozenset()), (_finish, frozenset()), (_cost, _COSTS), (_time, frozenset()), (_identity, frozenset()),
    (_prompt, _PROMPTS), (_agents, frozenset()), (_tools, _TOOLS), (_documents, frozenset()), (_errors, frozenset()),
)  # fmt: skip
