-- One row per step of a trace that says something: model calls and tool runs that count; in order of start, from `skipped` on. Texts
-- are as received with their keys, or canonical JSON that logs told; of each text the first `$letters`. Ids are 16 hex digits.
with places as materialized (  -- narrow columns only, then by rowid: else the texts of all spans nearby are unpacked
    select s.rowid as place, s.start_time, s.span_id
    from spans s left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
    where s.project_id = $project_id and s.trace_id = $trace_id and s.start_time >= $since and s.start_time < $until
      and s.kind in ('tool', 'llm') and coalesce(d.usage_role, s.usage_role, '') not in ('duplicate', 'aggregate')
    order by s.start_time, s.span_id limit $max_rows offset $skipped
)
select printf('%016x', s.span_id) as span_id, printf('%016x', s.parent_span_id) as parent_span_id, s.name, s.kind, epoch_us(s.start_time) as start_us,
       s.duration_ns, s.tool_name, s.tool_call_id, s.agent_name, coalesce(d.response_model, s.response_model, d.request_model, s.request_model) as model,
       coalesce(d.error_type, s.error_type) as error_type, left(coalesce(d.error_message, s.error_message, s.status_message), 2000) as error_message, s.status,
       left(coalesce(d.input, s.input), $letters) as input, case when d.input is null then s.input_key end as input_key,
       left(coalesce(d.output, s.output), $letters) as output, case when d.output is null then s.output_key end as output_key,
       left(coalesce(d.system_instructions, s.system_instructions), $letters) as system
from places p join spans s on s.rowid = p.place
left join span_derived d on d.project_id = $project_id and d.trace_id = $trace_id and d.span_id = s.span_id
order by s.start_time, s.span_id
