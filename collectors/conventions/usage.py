"""Token counts out of any provider's or library's usage object.

One target: input counts everything sent including cache reads and writes, output everything generated including
reasoning. Providers differ in what they leave out; `settle` puts it back where the object itself proves the omission.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

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
    "cache_read_tokens cacheReadTokens prompt_cached_tokens cached_prompt_tokens cachedPromptTokens cached_tokens "
    "cachedTokens prompt_cache_hit_tokens promptCacheHitTokens"
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
_DETAIL_REASONING = words("reasoning_tokens reasoning reasoningTokens thinking_tokens")

_MODALITIES = {
    "audio": "audio",
    "image": "image",
    "video": "video",
    "document": "image",
}  # a page is billed as an image
_LIFETIMES = {"ephemeral_5m_input_tokens": "5m", "ephemeral_1h_input_tokens": "1h", "5m": "5m", "1h": "1h"}
_LISTED = (  # Gemini: counts by modality, and the unit that each adds to
    (words("promptTokensDetails prompt_tokens_details"), "input_{}_tokens"),
    (words("toolUsePromptTokensDetails tool_use_prompt_tokens_details"), "input_{}_tokens"),
    (words("candidatesTokensDetails candidates_tokens_details"), "output_{}_tokens"),
    (words("cacheTokensDetails cache_tokens_details"), "cache_{}_read_tokens"),
)
_CACHED_DETAILS = words("cached_tokens_details cachedTokensDetails")
_NONE_CACHED = {f"cache_{kind}_read_tokens": 0 for kind in ("audio", "image", "video")}
_WEB_SEARCHES = words("web_search_requests webSearchRequests web_searches")
DETAIL_UNITS = frozenset(
    {f"{side}_{kind}_tokens" for side in ("input", "output") for kind in ("audio", "image", "video")}
    | {f"cache_{kind}_read_tokens" for kind in ("audio", "image", "video")}
    | {"cache_write_5m_tokens", "cache_write_1h_tokens", "web_searches"}
)
"""Counts besides the five that have a field: each is a part of one of those, but for the searches."""

DETAIL_KEYS = (
    {
        f"gen_ai.usage.{kind}.{side}_tokens": f"{side}_{kind}_tokens"
        for kind in ("audio", "image", "video") for side in ("input", "output")
    }
    | {
        f"gen_ai.usage.{kind}.cache_read.input_tokens": f"cache_{kind}_read_tokens"
        for kind in ("audio", "image", "video")
    }
    | {f"gen_ai.usage.details.{unit}": unit for unit in sorted(DETAIL_UNITS)}
    | {
        "gen_ai.usage.details.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
        "gen_ai.usage.details.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
        "gen_ai.usage.details.web_search_requests": "web_searches",
        "llm.token_count.prompt_details.audio": "input_audio_tokens",
        "llm.token_count.completion_details.audio": "output_audio_tokens",
    }
)  # fmt: skip
"""Attributes of one such count each -> its unit. OpenTelemetry, pydantic-ai (`details.`), OpenInference."""
MAX_TIER = 64  # letters; a longer text is no tier's name

EXCLUSIVE_KEYS = frozenset({"input_tokens"})
"""Attributes whose input count never includes the cache: Claude Code's."""

EXCLUSIVE_REASONING_KEYS = frozenset({"thoughts_token_count"})
"""Attributes of reasoning that the output count beside them never includes: Gemini CLI's."""

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
    details: dict[str, int] = field(default_factory=dict)  # by DETAIL_UNITS; what is absent is 0 or unknown
    tier: str | None = None  # as the provider said that it served the call: default, priority, flex, batch, ...
    disjoint_cache: bool = False  # the shape says that `input` leaves the cache out (Anthropic, Bedrock Converse)
    disjoint_reasoning: bool = False  # the shape says that `output` leaves reasoning out (Gemini)

    def __bool__(self) -> bool:
        return self.input is not None or self.output is not None or self.total is not None

    def fill(self, other: Usage) -> None:
        """Take from another usage of the same call what this one lacks."""
        for name in ("input", "output", "total", "cache_read", "cache_write", "reasoning"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(other, name))
        self.details = other.details | self.details
        self.tier = self.tier or other.tier

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
    usage.details = _worth_keeping(_details(value))
    usage.tier = tier_of(value)
    return usage


def usage_beside_input(value: Json) -> Usage:
    """Counts of the cache and of reasoning in an object that has no input count, as Vercel's metadata of providers.

    The input count that those stand beside is the provider's own, so it is the provider's name that says whether the
    cache is in it.
    """
    found = Usage()
    for name, held in (("", value), *value.items()) if isinstance(value, dict) else ():
        for told in (_parts_of(held), _parts_of(held.get("usage"))) if isinstance(held, dict) else ():
            if not told:
                found.disjoint_cache |= name in _CACHE_APART and (told.cache_read, told.cache_write) != (None, None)
                found.fill(told)
    return found


def _parts_of(value: Json) -> Usage:
    """Most metadata tells no parts of a usage, and the look at its names is fifty times faster than all readers."""
    named = isinstance(value, dict) and any("ache" in name or "easoning" in name for name in value)
    return usage_of(value) if named else Usage()


_CACHE_APART = frozenset({"anthropic", "bedrock"})


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
    by_lifetime = dict(_cache_lifetimes(value))
    if usage.cache_write is None and by_lifetime:
        usage.cache_write = sum(by_lifetime.values())


def _cache_lifetimes(value: dict[str, Json]) -> Iterator[tuple[str, int]]:
    """(lifetime, tokens) of cache writes: Anthropic's `cache_creation`, Bedrock's `cacheDetails`."""
    creation = value.get("cache_creation")
    if isinstance(creation, dict):
        for name, count in creation.items():
            tokens = whole(count)
            if tokens is not None:
                yield _LIFETIMES.get(name) or name, tokens
    listed = value.get("cacheDetails")
    for entry in listed if isinstance(listed, list) else ():
        tokens = whole(entry.get("inputTokens")) if isinstance(entry, dict) else None
        if tokens is not None:
            yield _LIFETIMES.get(str(entry.get("ttl"))) or "5m", tokens


def _details(value: dict[str, Json]) -> dict[str, int]:
    """Counts by unit of DETAIL_UNITS, from any provider's usage object."""
    found = {unit: count for unit in DETAIL_UNITS & value.keys() if (count := whole(value[unit])) is not None}
    for lifetime, tokens in _cache_lifetimes(value):
        unit = f"cache_write_{lifetime}_tokens"
        if unit in DETAIL_UNITS:
            found[unit] = tokens
    for names, unit in ((_INPUT_DETAILS, "input_{}_tokens"), (_OUTPUT_DETAILS, "output_{}_tokens")):
        for details in (value.get(name) for name in names):
            found |= _by_modality(details, unit)
    for names, unit in _LISTED:
        for name in names:
            found |= _summed(value.get(name), unit, found)
    tools = value.get("server_tool_use")
    searches = _first(tools, _WEB_SEARCHES) if isinstance(tools, dict) else None
    return found if searches is None else found | {"web_searches": searches}


def _worth_keeping(told: dict[str, int]) -> dict[str, int]:
    """Without zeros, save that none of the audio came from the cache: only that makes its price certain."""
    parts = {f"cache_{kind}_read_tokens": f"input_{kind}_tokens" for kind in _MODALITIES}
    return {unit: count for unit, count in told.items() if count or told.get(parts.get(unit, ""))}


def _by_modality(details: Json, unit: str) -> dict[str, int]:
    """Counts of an object `{"audio_tokens": 5, "cached_tokens_details": {"audio_tokens": 2}}`."""
    if not isinstance(details, dict):
        return {}
    named = ((kind, _first(details, (f"{kind}_tokens", f"{kind}Tokens", kind))) for kind in ("audio", "image", "video"))
    found = {unit.format(kind): count for kind, count in named if count is not None}
    for cached in (details.get(name) for name in _CACHED_DETAILS):
        if cached:
            found |= _NONE_CACHED | _by_modality(cached, "cache_{}_read_tokens")
    return found


def _summed(details: Json, unit: str, found: dict[str, int]) -> dict[str, int]:
    """Counts of a list `[{"modality": "AUDIO", "tokenCount": 5}]`, added to those found; text has no unit."""
    if not isinstance(details, list) or not details:
        return {}
    sums = dict(_NONE_CACHED) if unit.startswith("cache_") else {}
    for entry in details:
        if isinstance(entry, dict):
            modality = _MODALITIES.get(str(entry.get("modality")).lower().rpartition(".")[2])
            count = _first(entry, ("tokenCount", "token_count"))
            if modality is not None and count is not None:
                key = unit.format(modality)
                sums[key] = sums.get(key, found.get(key, 0)) + count
    return sums


def tier_of(value: dict[str, Json]) -> str | None:
    """The tier that served the call: Anthropic's `service_tier`, Gemini's `trafficType`, Bedrock's `serviceTier`."""
    for name in ("service_tier", "serviceTier", "traffic_type", "trafficType"):
        found = value.get(name)
        found = found.get("type") if isinstance(found, dict) else found
        if isinstance(found, str) and 0 < len(found) <= MAX_TIER:
            return found.lower()
    return None


def detailed(usage: Usage, told: Iterable[tuple[str, str]]) -> None:
    """Add counts of single attributes of `DETAIL_KEYS`, (key, text) with the best last, to those of usage objects."""
    counts = {DETAIL_KEYS[key]: count for key, text in told if (count := whole(text)) is not None}
    usage.details = _worth_keeping(usage.details | counts)


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
