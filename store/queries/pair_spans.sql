-- One row per span of a trace, in order of start, as two traces are compared: what it was, what it took, and hashes of its texts, logs included
-- (null: nothing was recorded). Ids are 16 hex digits. Only spans that start in [since, until): the bounds of the trace.
select printf('%016x', s.span_id) as span_id, printf('%016x', s.parent_span_id) as parent_span_id, s.name, s.kind,
       epoch_us(s.start_time) as start_us, s.duration_ns, s.status, coalesce(d.error_type, s.error_type) as error_type,
       coalesce(d.error_message, s.error_message) as error_message,
       coalesce(d.response_model, s.response_model, d.request_model, s.request_model) as model, s.tool_name, s.agent_name,
       s.prompt_name || coalesce('@' || s.prompt_version, '') as prompt, coalesce(d.usage_role, s.usage_role) as usage_role,
       coalesce(d.input_tokens, s.input_tokens) as input_tokens, coalesce(d.output_tokens, s.output_tokens) as output_tokens, c.cost_usd,
       hash(coalesce(d.input, s.input)) as input_hash, hash(coalesce(d.output, s.output)) as output_hash,
       hash(coalesce(d.system_instructions, s.system_instructions)) as system_hash
from spans s
left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
left join calls c on c.project_id = $project_id and c.trace_id = $trace_id and c.span_id = s.span_id
  and c.start_time >= $since and c.start_time < $until
where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
order by s.start_time, s.span_id
limit $max_rows
