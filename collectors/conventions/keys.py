"""The shape of a dialect: for each fact, the attribute keys that may carry it."""

from __future__ import annotations

from dataclasses import dataclass

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Attribute keys of one dialect, best first. `*_json` are read as JSON, others as the name says.

    Lists of several dialects are joined in the order of `registry.DIALECTS`; the `*_weak` lists come after all others.
    """

    provider: Names = ()
    request_model: Names = ()
    response_model: Names = ()
    model_weak: Names = ()  # a model name that may be the request's or the response's
    response_id: Names = ()

    input_tokens: Names = ()
    output_tokens: Names = ()
    total_tokens: Names = ()
    cache_read_tokens: Names = ()
    cache_write_tokens: Names = ()
    reasoning_tokens: Names = ()
    usage_detail: Names = ()  # one count besides those: `usage.DETAIL_KEYS` names its unit
    usage_json: Names = ()  # a usage object, or something that holds one
    service_tier: Names = ()
    aggregated_input: Names = ()  # sums over the calls below; their presence makes the span an aggregate
    aggregated_output: Names = ()

    cost: Names = ()  # USD
    cost_nonzero: Names = ()  # USD; 0 stands for unknown
    cost_json: Names = ()  # an object of amounts in USD
    ttft_s: Names = ()
    ttft_ms: Names = ()
    ttft_time: Names = ()  # wall-clock time of the first token, ISO 8601
    streaming: Names = ()
    finish_reason: Names = ()

    session_id: Names = ()
    session_id_weak: Names = ()
    user_id: Names = ()
    user_id_weak: Names = ()
    tags: Names = ()
    metadata_json: Names = ()
    metadata_prefixes: Names = ()
    prompt_name: Names = ()
    prompt_version: Names = ()
    prompt_json: Names = ()  # {name, version}

    agent_name: Names = ()
    workflow_name: Names = ()
    tool_name: Names = ()
    tool_call_id: Names = ()

    error_type: Names = ()
    error_message: Names = ()
    http_status: Names = ()

    params_json: Names = ()  # request parameters: model, stream, user, tools
    input: Names = ()  # messages, prompt or arguments, whole in one attribute
    output: Names = ()
    input_weak: Names = ()
    output_weak: Names = ()
    tool_input: Names = ()
    tool_output: Names = ()
    query: Names = ()  # what a retriever was asked
    output_text: Names = ()  # the answer and its tool calls in attributes of their own
    output_tool_calls: Names = ()
    both_json: Names = ()  # input and output in one list
    system_instructions: Names = ()
    tool_definitions: Names = ()
    documents_json: Names = ()

    environment: Names = ()
    release: Names = ()

    # Families `prefix.N.rest`, where N is a number; gaps are allowed.
    input_indexed: Names = ()
    output_indexed: Names = ()
    tools_indexed: Names = ()
    documents_indexed: Names = ()
    texts_indexed: Names = ()  # texts that were embedded
