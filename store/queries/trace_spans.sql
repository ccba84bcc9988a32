-- One row per span of a trace, in order of start, without texts: for who asks by hand, and for what calls there are. Ids are 16 hex digits. Facts that other spans or logs
-- supplied are filled in; usage_role is the last word: leaf, aggregate or duplicate; null: no model call. Start is in microseconds since 1970.
-- sample: the resource carries `assayline.sample`, and the times are shifted.
-- Only spans that start in [since, until): the bounds of the trace, so that one trace is not searched in all of time.
select printf('%016x', s.span_id) as span_id, printf('%016x', s.parent_span_id) as parent_span_id, s.name, s.kind,
       epoch_us(s.start_time) as start_us, s.duration_ns, s.status, s.service,
       coalesce(d.request_model, s.request_model) as request_model, coalesce(d.response_model, s.response_model) as response_model,
       coalesce(d.usage_role, s.usage_role) as usage_role, d.rule,
       d.duplicate_of_trace::varchar as duplicate_of_trace, printf('%016x', d.duplicate_of_span) as duplicate_of_span,
       coalesce(d.input_tokens, s.input_tokens) as input_tokens, coalesce(d.output_tokens, s.output_tokens) as output_tokens,
       c.cost_usd, c.price_status, coalesce(d.error_type, s.error_type) as error_type, coalesce(d.error_message, s.error_message) as error_message,
       s.tool_name, s.agent_name, s.notes, coalesce(o.sample, false) as sample
from spans s
left join (
    select origin_id, resource['assayline.sample'] = 'true' as sample from origins where project_id = $project_id
) o on o.origin_id = s.origin_id
left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
left join calls c on c.project_id = $project_id and c.trace_id = $trace_id and c.span_id = s.span_id
  and c.start_time >= $since and c.start_time < $until
where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
order by s.start_time, s.span_id
limit $max_rows
