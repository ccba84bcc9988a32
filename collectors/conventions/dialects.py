"""Who wrote a span, by its scope, else by its keys: a hint for people and for choosing among duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_SCOPES = (
    ("langfuse-sdk", "langfuse"), ("langfuse", "langfuse"), ("openinference", "openinference"),
    ("@arizeai/openinference", "openinference"), ("opentelemetry.instrumentation.genai", "otel-genai"),
    ("opentelemetry.instrumentation.openai_v2", "otel-genai"), ("opentelemetry.util.genai", "otel-genai"),
    ("opentelemetry.instrumentation.google_genai", "otel-genai"),
    ("opentelemetry.instrumentation.vertexai", "otel-genai"),
    ("opentelemetry.instrumentation.botocore", "otel-genai"), ("com.anthropic.sdk", "anthropic-sdk"),
    ("pydantic-ai", "pydantic-ai"), ("pydantic-evals", "pydantic-evals"), ("logfire", "logfire"),
    ("langsmith", "langsmith"), ("litellm", "litellm"), ("gen_ai", "gen_ai"), ("traceloop", "openllmetry"),
    ("@traceloop", "openllmetry"), ("opentelemetry.instrumentation.openai", "openllmetry"),
    ("opentelemetry.instrumentation.anthropic", "openllmetry"), ("fastmcp", "fastmcp"),
    ("agent_framework", "agent-framework"), ("mlflow", "mlflow"), ("openlit", "openlit"), ("strands", "strands"),
    ("gcp.vertex.agent", "google-adk"), ("genkit", "genkit"), ("mastra", "mastra"), ("@mastra", "mastra"),
    ("livekit", "livekit"), ("haystack", "haystack"), ("braintrust", "braintrust"), ("lmnr", "laminar"),
    ("microsoft.semantic_kernel", "semantic-kernel"), ("semantic_kernel", "semantic-kernel"),
    ("org.springframework.ai", "spring-ai"), ("com.anthropic.claude_code", "claude-code"), ("autogen", "autogen"),
    ("fi_instrumentation", "traceai"), ("traceai", "traceai"), ("weave", "weave"), ("langtrace", "langtrace"),
)  # fmt: skip
_KEYS = (  # a collector may rewrite scopes, so keys are the second witness
    ("langfuse.", "langfuse"), ("openinference.", "openinference"), ("langsmith.", "langsmith"),
    ("ai.operationId", "vercel-ai"),
    ("mlflow.", "mlflow"), ("traceloop.", "openllmetry"), ("braintrust.", "braintrust"), ("genkit:", "genkit"),
    ("gcp.vertex.agent.", "google-adk"), ("mastra.", "mastra"), ("lk.", "livekit"), ("spring.ai.", "spring-ai"),
    ("haystack.", "haystack"), ("lmnr.", "laminar"), ("wandb.", "weave"), ("weave.", "weave"), ("fi.", "traceai"),
    ("langtrace.", "langtrace"), ("logfire.", "logfire"), ("llm.input_messages.", "openinference"),
    ("llm.token_count.", "openinference"), ("gen_ai.", "otel-genai"),
)  # fmt: skip


@lru_cache(maxsize=4096)
def of_scope(scope: str) -> str | None:
    """The dialect that a scope name stands for, or null."""
    if scope in {"ai", "vercel-ai"} or scope.startswith("@ai-sdk"):
        return "vercel-ai"
    return next((name for prefix, name in _SCOPES if scope.startswith(prefix)), None)


def of_keys(keys: Iterable[str], is_openlit: bool) -> str | None:
    """The dialect that attributes show; null without any. OpenLIT's look like OpenTelemetry's: its SDK's name tells."""
    rank = min((_rank(key) for key in keys), default=len(_KEYS))
    if rank == len(_KEYS):
        return None
    return "openlit" if is_openlit else _KEYS[rank][1]


@lru_cache(maxsize=1 << 14)
def _rank(key: str) -> int:
    return next((rank for rank, (prefix, _) in enumerate(_KEYS) if key.startswith(prefix)), len(_KEYS))
