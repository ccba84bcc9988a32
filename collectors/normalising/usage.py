"""Tokens, as attributes, usage objects and the answer itself tell them, and what they count for."""

from __future__ import annotations

from typing import Literal

from collectors.conventions import finish, payload
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
from collectors.conventions.values import dumps, whole
from collectors.conventions.view import Index, View
from collectors.facts import SpanFacts
from collectors.model import RawSpan
from collectors.normalising.kind import CALLS, USAGE
from collectors.normalising.models import provider_id, requested_model, told_provider
from collectors.normalising.options import NormaliserOptions


def read_usage(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """Tokens, and whether they count once (`leaf`) or are sums (`aggregate`)."""
    if facts.kind not in CALLS and not view.any(USAGE):
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
    if facts.kind in CALLS:
        _read_payloads(view, facts, usage)
    if view.any(_PARTS):
        _usage_parts(view, usage)
    if not _told_nothing(span, facts, usage):
        _store_usage(view, facts, usage)
    facts.usage_role = _role(facts, usage, aggregated)


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
    return "claude" in model.lower() or told_provider(view) in {"anthropic", "aws.bedrock"}


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
        facts.response_id = facts.response_id or provider_id(found.response_id)
        facts.response_model = facts.response_model or found.model
        if facts.finish_reason_raw is None:
            facts.finish_reason_raw = finish.raw_reason(found.finish_reason)
    if facts.request_model is None:
        facts.request_model = requested_model(view)


_READ_ELSEWHERE = ("input", "input_weak", "params_json", "both_json", "usage_json")

_NO_ANSWERS = ("llm.input_", "llm.tools.", "logfire.metrics")

_NO_ANSWER = frozenset({"gen_ai.output.messages", "gen_ai.input.messages"})


def _answer_keys(index: Index) -> list[str]:
    """Attributes that may hold the answer as JSON: outputs first, then whatever else may be JSON."""
    named = [key for field in ("output", "output_weak") for _, key, _ in index.found.get(field, ())]
    inputs = {key for field in _READ_ELSEWHERE for _, key, _ in index.found.get(field, ())}
    rest = sorted(key for key in index.keys if key not in inputs and not key.startswith(_NO_ANSWERS))
    return [key for key in dict.fromkeys([*named, *rest]) if key not in _NO_ANSWER]


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
    if facts.kind in CALLS:
        return "leaf"
    if not usage:
        return None
    return "leaf" if facts.kind == "reranker" else "aggregate"
