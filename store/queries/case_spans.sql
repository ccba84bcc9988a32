-- One row per span of the traces `$traces`, by trace and start: what an evaluator may look at, with what other spans and logs supplied filled in.
-- Their spans start within [since_us, until_us], constants by which most of the table is passed over. Ids are hex digits without dashes.
with places as materialized (  -- narrow columns only, then by rowid: else the texts of all spans nearby are unpacked
    select rowid as place, trace_id, span_id from spans
    where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
      and start_time >= make_timestamp($since_us) and start_time <= make_timestamp($until_us)
), told as (
    select * from span_derived where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
), priced as (
    select trace_id, span_id, cost_usd from calls
    where project_id = $project_id and trace_id in (select unnest($traces::uuid[]))
      and start_time >= make_timestamp($since_us) and start_time <= make_timestamp($until_us)
)
select replace(s.trace_id::varchar, '-', '') as trace_id, printf('%016x', s.span_id) as span_id, printf('%016x', s.parent_span_id) as parent_span_id,
       s.name, s.kind, epoch_us(s.start_time) as start_us, s.duration_ns, s.status, coalesce(d.usage_role, s.usage_role) as usage_role,
       coalesce(d.response_model, s.response_model, d.request_model, s.request_model) as model,
       coalesce(d.input_tokens, s.input_tokens) as input_tokens, coalesce(d.output_tokens, s.output_tokens) as output_tokens, c.cost_usd,
       coalesce(d.ttft_ns, s.ttft_ns) as ttft_ns, coalesce(d.error_type, s.error_type) as error_type,
       coalesce(d.error_message, s.error_message, s.status_message) as error_message, s.session_id, s.tool_name, s.tool_call_id,
       coalesce(d.input, s.input) as input, case when d.input is null then s.input_key end as input_key,
       coalesce(d.output, s.output) as output, case when d.output is null then s.output_key end as output_key,
       coalesce(d.system_instructions, s.system_instructions) as system, s.documents, t.definitions as tools
from places p join spans s on s.rowid = p.place
left join told d on d.trace_id = p.trace_id and d.span_id = p.span_id
left join priced c on c.trace_id = p.trace_id and c.span_id = p.span_id
left join tool_definitions t on t.project_id = $project_id and t.tool_definitions_id = s.tool_definitions_id
order by s.trace_id, s.start_time, s.span_id
limit $max_rows
