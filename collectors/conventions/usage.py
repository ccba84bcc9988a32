"""Token counts out of any provider's or library's usage object.

One target: input counts everything sent including cache reads and writes, output everything generated including
reasoning. Providers differ in what they leave out; `settle` puts it back where the object itself proves the omission.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collectors.conventions.values import Json, whole, words

_INPUT = words(
    "input_tokens prompt_tokens inputTokens promptTokens promptTokenCount prompt_token_count inputTokenCount "
    "input_token_count prompt_eval_count billed_input_tokens input"
)
_OUTPUT = words(
    "output_tokens completion_tokens outputTokens completionTokens candidatesTokenCount candidates_token_count "
    "outputTokenCount output_token_count eval_count billed_output_tokens output"
)
_TOTAL = words("total_tokens totalTokens totalTokenCount total_token_count total tokens")
_CACHE_READ = words(
    "cache_read_input_tokens cacheReadInputTokens cachedInputTokens cached_input_tokens cacheReadInputTokenCount "
    "cachedContentTokenCount cached_content_token_count cachedContentTokens input_cache_read input_cached_tokens "
    "cache_read_tokens cacheReadTokens prompt_cached_tokens cached_prompt_tokens cached_tokens cachedTokens "
    "prompt_cache_hit_tokens"
)
_CACHE_WRITE = words(
    "cache_creation_input_tokens cacheCreationInputTokens cache_write_input_tokens cacheWriteInputTokens "
    "cacheWriteInputTokenCount input_cache_creation input_cache_write cache_write_tokens cacheWriteTokens "
    "cache_creation_tokens prompt_cache_creation_tokens"
)
_REASONING = words(
    "reasoning_tokens reasoningTokens thoughtsTokenCount thoughts_token_count thoughtsTokens output_reasoning "
    "output_reasoning_tokens completion_reasoning_tokens thinking_tokens"
)
_INPUT_DETAILS = words(
    "prompt_tokens_details input_tokens_details input_token_details inputTokenDetails inputTokensDetails "
    "promptTokensDetails prompt_token_details"
)
_OUTPUT_DETAILS = words(
    "completion_tokens_details output_tokens_details output_token_details outputTokenDetails outputTokensDetails "
    "completionTokensDetails completion_token_details"
)
_DETAIL_READ = words("cached_tokens cache_read cacheRead cacheReadTokens cachedTokens cache_read_tokens")
_DETAIL_WRITE = words("cache_write_tokens cache_creation cacheWrite cacheWriteTokens cache_creation_tokens cache_write")
_DETAIL_REASONING = words("reasoning_tokens reasoning reasoningTokens")

EXCLUSIVE_KEYS = frozenset({"input_tokens"})
"""Attributes whose input count never includes the cache: Claude Code's."""

EXCLUSIVE_SCOPES = ("openlit.instrumentation.anthropic", "openlit.instrumentation.bedrock")
"""Instrumentors that send the provider's own input count, without the cache, under OpenTelemetry's key."""


@dataclass(slots=True)
class Usage:
    """Token counts of one call; null is unknown."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    disjoint_cache: bool = False  # the shape says that `input` leaves the cache out (Anthropic, Bedrock Converse)
    disjoint_reasoning: bool = False  # the shape says that `output` leaves reasoning out (Gemini)

    def __bool__(self) -> bool:
        return self.input is not None or self.output is not None or self.total is not None

    def fill(self, other: Usage) -> None:
        """Take from another usage of the same call what this one lacks."""
        for name in ("input", "output", "total", "cache_read", "cache_write", "reasoning"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(other, name))

    @property
    def complete(self) -> bool:
        return None not in (self.input, self.output, self.cache_read, self.cache_write, self.reasoning)


def usage_of(value: Json) -> Usage:
    """Read one usage object; an empty `Usage` when it is none. Counts are as told, not yet settled."""
    if not isinstance(value, dict):
        return Usage()
    usage = Usage(
        input=_first(value, _INPUT, "total"),
        output=_first(value, _OUTPUT, "total"),
        total=_first(value, _TOTAL),
        cache_read=_first(value, _CACHE_READ),
        cache_write=_first(value, _CACHE_WRITE),
        reasoning=_first(value, _REASONING),
    )
    _read_details(value, usage)
    _read_shape(value, usage)
    return usage


def _first(value: dict[str, Json], names: Sequence[str], inner: str | None = None) -> int | None:
    for name in names:
        found = value.get(name)
        if isinstance(found, dict) and inner:  # {"inputTokens": {"total": 5, ...}}
            found = found.get(inner)
        count = None if found is None else whole(found)
        if count is not None:
            return count
    return None


def _read_details(value: dict[str, Json], usage: Usage) -> None:
    for name in (*_INPUT_DETAILS, "inputTokens"):
        details = value.get(name)
        if isinstance(details, dict):
            usage.cache_read = _either(usage.cache_read, _first(details, _DETAIL_READ))
            usage.cache_write = _either(usage.cache_write, _first(details, _DETAIL_WRITE))
    for name in (*_OUTPUT_DETAILS, "outputTokens"):
        details = value.get(name)
        if isinstance(details, dict):
            usage.reasoning = _either(usage.reasoning, _first(details, _DETAIL_REASONING))
    creation = value.get("cache_creation")
    if usage.cache_write is None and isinstance(creation, dict):  # by lifetime: 5 minutes, 1 hour
        parts = [whole(part) for part in creation.values()]
        usage.cache_write = sum(part or 0 for part in parts) if any(part is not None for part in parts) else None


def _either(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def _read_shape(value: dict[str, Json], usage: Usage) -> None:
    if "promptTokenCount" in value or "prompt_token_count" in value or "candidatesTokenCount" in value:
        usage.disjoint_reasoning = True
        tool_prompt = _first(value, ["toolUsePromptTokenCount", "tool_use_prompt_token_count"])
        if tool_prompt and usage.input is not None:
            usage.input += tool_prompt
    native = "input_tokens" in value and not ({"prompt_tokens", "total_tokens", *_INPUT_DETAILS} & value.keys())
    if native and ("cache_read_input_tokens" in value or "cache_creation_input_tokens" in value):
        usage.disjoint_cache = True
    if "inputTokens" in value and ("cacheReadInputTokens" in value or "cacheWriteInputTokens" in value):
        usage.disjoint_cache = True
    if "input" in value and any(name.startswith("input_c") for name in value):
        usage.disjoint_cache = True
    if "output" in value and "output_reasoning" in value:
        usage.disjoint_reasoning = True


def settle(usage: Usage) -> list[str]:
    """Make input and output whole in place; note codes say what was added. The stated total is the best witness."""
    cache = (usage.cache_read or 0) + (usage.cache_write or 0)
    add_cache, add_reasoning = _missing_parts(usage, cache, usage.reasoning or 0)
    notes = []
    if add_cache and usage.input is not None:
        usage.input += cache
        notes.append("usage_excludes_cache")
    if add_reasoning and usage.output is not None:
        usage.output += usage.reasoning or 0
        notes.append("usage_excludes_reasoning")
    return notes


def _missing_parts(usage: Usage, cache: int, reasoning: int) -> tuple[bool, bool]:
    """Whether the cache is missing from input, and reasoning from output."""
    too_small_input = usage.input is not None and usage.input < cache
    too_small_output = usage.output is not None and usage.output < reasoning
    by_total = _by_total(usage, cache, reasoning)
    if by_total is not None:
        return by_total[0] or too_small_input, by_total[1] or too_small_output
    return bool(cache) and (usage.disjoint_cache or too_small_input), bool(reasoning) and (
        usage.disjoint_reasoning or too_small_output
    )


def _by_total(usage: Usage, cache: int, reasoning: int) -> tuple[bool, bool] | None:
    if usage.total is None or usage.input is None or usage.output is None:
        return None
    missing = usage.total - usage.input - usage.output
    if missing == 0 or missing not in {cache, reasoning, cache + reasoning}:
        return (False, False) if missing == 0 else None
    if missing == cache + reasoning and cache and reasoning:
        return True, True
    if cache == reasoning:  # the total cannot tell them apart: the shape has to
        return usage.disjoint_cache or not usage.disjoint_reasoning, usage.disjoint_reasoning
    return missing == cache, missing == reasoning
