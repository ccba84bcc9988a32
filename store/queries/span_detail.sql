-- One row: all of one span, with what other spans or logs supplied filled in (null where nobody told it). `input` and `output` stand
-- as received, with their keys; what logs told instead is in `told_input`, `told_output` and `told_system`, canonical JSON. Only spans that
-- start at `since` (null: ever) or later are looked at. Ids are hex digits without dashes; start_us is microseconds since 1970.
select replace(s.trace_id::varchar, '-', '') as trace_id, printf('%016x', s.span_id) as span_id,
       printf('%016x', s.parent_span_id) as parent_span_id, s.name, s.kind, s.span_kind, s.dialect,
       epoch_us(s.start_time) as start_us, s.start_time, s.duration_ns, s.received_at, s.status, s.status_message,
       s.trace_state, s.flags, s.dropped_attributes, s.dropped_events, s.dropped_links,
       s.service, s.environment, s.release, s.scope_name, o.scope_version, o.scope_attributes, o.resource,
       coalesce(d.provider, s.provider) as provider, coalesce(d.request_model, s.request_model) as request_model,
       coalesce(d.response_model, s.response_model) as response_model, coalesce(d.response_id, s.response_id) as response_id,
       coalesce(d.usage_role, s.usage_role) as usage_role, d.rule, replace(d.duplicate_of_trace::varchar, '-', '') as duplicate_of_trace,
       printf('%016x', d.duplicate_of_span) as duplicate_of_span,
       coalesce(d.input_tokens, s.input_tokens) as input_tokens, coalesce(d.output_tokens, s.output_tokens) as output_tokens,
       coalesce(d.cache_read_tokens, s.cache_read_tokens) as cache_read_tokens,
       coalesce(d.cache_write_tokens, s.cache_write_tokens) as cache_write_tokens,
       coalesce(d.reasoning_tokens, s.reasoning_tokens) as reasoning_tokens, d.tool_executions,
       coalesce(d.usage_details, s.usage_details) as usage_details, coalesce(d.service_tier, s.service_tier) as service_tier,
       c.cost_usd, c.input_usd, c.cache_read_usd, c.cache_write_usd, c.output_usd, c.other_usd,
       c.price_status, c.price_source, c.price_version, c.price_model, c.price_note,
       coalesce(d.reported_cost_usd, s.reported_cost_usd) as reported_cost_usd,
       coalesce(d.ttft_ns, s.ttft_ns) as ttft_ns, s.streaming,
       coalesce(d.finish_reason, s.finish_reason) as finish_reason, s.finish_reason_raw,
       coalesce(d.error_type, s.error_type) as error_type, coalesce(d.error_message, s.error_message) as error_message, s.http_status,
       s.session_id, s.user_id, s.tags, s.metadata, s.variant, s.prompt_name, s.prompt_version, s.agent_name, s.workflow_name,
       s.tool_name, s.tool_call_id, s.input, s.input_key, s.output, s.output_key, s.system_instructions, t.definitions as tool_definitions,
       s.documents, d.input as told_input, d.output as told_output, d.system_instructions as told_system,
       s.notes, s.attributes, s.events, s.links, s.normaliser_version
from spans s
left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id::uuid and d.span_id = s.span_id
left join calls c on c.project_id = $project_id and c.trace_id = $trace_id::uuid and c.span_id = s.span_id
  and ($since::timestamp is null or c.start_time >= $since::timestamp)
left join origins o on o.project_id = $project_id and o.origin_id = s.origin_id
left join tool_definitions t on t.project_id = $project_id and t.tool_definitions_id = s.tool_definitions_id
where s.project_id = $project_id and s.trace_id = $trace_id::uuid and s.span_id = $span_id::ubigint
  and ($since::timestamp is null or s.start_time >= $since::timestamp)
limit 1
