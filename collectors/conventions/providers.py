"""One name a model provider, in OpenTelemetry's words, from what libraries call them."""

from __future__ import annotations

from collectors.conventions.values import remembered, words

FRAMEWORKS = frozenset(
    words(
        "langchain langgraph microsoft.agent_framework agent_framework llama_index llamaindex crewai autogen ag2 "
        "semantic_kernel strands strands-agents spring_ai haystack dspy pydantic_ai pydantic-ai agno mastra ai unknown "
        "_other other gateway openai_agents openai-agents smolagents litellm traceloop gcp.vertex.agent mcp chroma"
    )
)
"""Senders that name themselves where the provider belongs."""

_ALIASES = {
    "gemini": "gcp.gemini", "google": "gcp.gemini", "google_genai": "gcp.gemini", "googleai": "gcp.gemini",
    "google_generative_ai": "gcp.gemini", "google-genai": "gcp.gemini", "gcp.gen_ai": "gcp.gen_ai",
    "generativelanguage": "gcp.gemini", "google.generative-ai": "gcp.gemini", "googlegenai": "gcp.gemini",
    "vertexai": "gcp.vertex_ai", "vertex_ai": "gcp.vertex_ai", "google_vertexai": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai", "vertex": "gcp.vertex_ai", "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai", "azure-openai": "azure.ai.openai", "azure_openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference", "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock", "aws_bedrock": "aws.bedrock", "amazon_bedrock": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock", "aws": "aws.bedrock", "bedrock_converse": "aws.bedrock",
    "mistral": "mistral_ai", "mistralai": "mistral_ai", "xai": "x_ai", "grok": "x_ai", "moonshot": "moonshot_ai",
    "watsonx": "ibm.watsonx.ai", "ibm": "ibm.watsonx.ai", "openai_compatible": "openai", "chatopenai": "openai",
}  # fmt: skip
_MODELS = (
    ("gpt-", "openai"), ("chatgpt", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"),
    ("text-embedding-", "openai"), ("claude", "anthropic"), ("gemini", "gcp.gemini"), ("mistral-", "mistral_ai"),
    ("codestral", "mistral_ai"), ("command-", "cohere"), ("deepseek", "deepseek"), ("grok-", "x_ai"),
    ("anthropic.claude", "aws.bedrock"), ("amazon.", "aws.bedrock"),
)  # fmt: skip
_ROUTES = frozenset(
    words(
        "openai anthropic azure bedrock vertex_ai vertexai gemini google googleai mistral mistralai cohere groq xai "
        "x-ai deepseek openrouter models litellm ollama perplexity together_ai fireworks_ai"
    )
)


MAX_ROUTES = 8  # prefixes before a model's name; each costs a copy of the rest


@remembered
def provider_of(name: str) -> str | None:
    """OpenTelemetry's name of a provider; null when the name is a framework's. Unknown names stay, in lower case."""
    lowered = name.strip().lower()
    if lowered in _ALIASES:
        return _ALIASES[lowered]
    if lowered.startswith(("azure.ai.", "gcp.", "aws.", "ibm.")):
        return None if lowered in FRAMEWORKS else lowered
    head = lowered.split(".")[0] if not lowered.startswith("google.") else ".".join(lowered.split(".")[:2])
    head = _ALIASES.get(head, head)
    return None if head in FRAMEWORKS or lowered in FRAMEWORKS else head or None


def provider_of_model(model: str | None, response_id: str | None) -> str | None:
    """A guess by the form of a response id or a model's name, for spans that name no provider; null without one."""
    if response_id:
        if response_id.startswith(("chatcmpl-", "resp_")):
            return _by_model(model) or "openai"
        if response_id.startswith("msg_"):
            return "aws.bedrock" if response_id.startswith("msg_bdrk_") else "anthropic"
    return _by_model(model)


def _by_model(model: str | None) -> str | None:
    return _by_model_name(model) if model else None


@remembered
def _by_model_name(model: str) -> str | None:
    bare = model.lower()
    return next((provider for prefix, provider in _MODELS if bare.startswith(prefix)), None)


@remembered
def model_name(name: str) -> str:
    """A model's name without a router's prefix: `openai/gpt-4o` and `models/gemini-2.5-pro` lose theirs."""
    for _ in range(MAX_ROUTES):
        head, _slash, rest = name.partition("/")
        if not rest or head.lower() not in _ROUTES:
            break
        name = rest
    return name
